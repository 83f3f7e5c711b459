"""A wrong setting stops the start with a sentence that names it."""

from pathlib import Path

import pytest

from core import settings
from core.settings import Settings, WrongSetting


@pytest.fixture
def folder(tmp_path: Path) -> dict[str, str]:
    return {"KLINKE_DATA_DIR": str(tmp_path)}


def test_nothing_needs_to_be_set(folder: dict[str, str]) -> None:
    read = settings.read(folder)
    assert read.is_sqlite
    assert read.base_url == "http://127.0.0.1:8000"
    assert len(read.secret_key) >= 32


def test_the_address_follows_the_port_unless_it_is_set(folder: dict[str, str]) -> None:
    assert settings.read({**folder, "KLINKE_PORT": "8123"}).base_url == "http://127.0.0.1:8123"
    known = settings.read({**folder, "KLINKE_PORT": "8123", "KLINKE_BASE_URL": "https://help.example.org/"})
    assert known.base_url == "https://help.example.org"


def test_the_secret_is_made_once_kept_and_private(folder: dict[str, str], tmp_path: Path) -> None:
    assert settings.read(folder).secret_key == settings.read(folder).secret_key
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KLINKE_DATABASE_URL", "mysql://localhost"),
        ("KLINKE_BASE_URL", "help.example.org"),
        ("KLINKE_PORT", "eighty"),
        ("KLINKE_PORT", "99999"),
        ("KLINKE_SECRET_KEY", "short"),
        ("KLINKE_SEARCH_ENGINE", "grep"),
        ("KLINKE_MAIL_URL", "ftp://example.org"),
        ("KLINKE_REDIS_URL", "http://example.org"),
        ("KLINKE_DEFAULT_LOCALE", "fr"),
        ("KLINKE_COLOUR", "blue"),
    ],
)
def test_a_wrong_value_is_named(folder: dict[str, str], name: str, value: str) -> None:
    with pytest.raises(WrongSetting, match=f"^{name}: "):
        settings.read({**folder, name: value})


def test_the_engine_in_the_database_needs_postgresql(folder: dict[str, str]) -> None:
    with pytest.raises(WrongSetting, match=r"^KLINKE_SEARCH_ENGINE: postgres needs a PostgreSQL database"):
        settings.read({**folder, "KLINKE_SEARCH_ENGINE": "postgres"})
    known = settings.read(
        {**folder, "KLINKE_SEARCH_ENGINE": "postgres", "KLINKE_DATABASE_URL": "postgresql+psycopg://localhost/klinke"}
    )
    assert known.search_engine == "postgres"


def test_a_file_may_hold_the_settings_and_the_environment_wins(folder: dict[str, str], tmp_path: Path) -> None:
    env_file = tmp_path / "klinke.env"
    env_file.write_text("# ours\nKLINKE_SITE_NAME='Hilfe'\nKLINKE_PORT=8001\n", encoding="utf-8")
    read = settings.read({**folder, "KLINKE_ENV_FILE": str(env_file), "KLINKE_PORT": "8002"})
    assert (read.site_name, read.port) == ("Hilfe", 8002)


def test_a_missing_settings_file_is_named() -> None:
    with pytest.raises(WrongSetting, match="ENV_FILE"):
        settings.read({"KLINKE_ENV_FILE": "/nowhere/klinke.env"})


def test_every_setting_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/settings.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"`KLINKE_{name.upper()}`" not in page] == []
