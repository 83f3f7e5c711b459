"""A person's settings, and the language and colours of a guest."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from accounts import attempts, passwords, people
from accounts.models import User
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
OLD, NEW = "sieben Zwerge im Regen", "acht Zwerge im Schnee"
PROFILE = {"name": "Anna Amsel", "about": "I mend routers.", "locale": "de", "theme": "dark"}


@pytest.fixture
def anna(stage: Stage, browser_of: BrowserOf) -> Browser:
    stage(lambda _: people.create("anna", email="anna@example.org", password=OLD).id)
    return browser_of("anna")


def the_user(app: Flask) -> User:
    with app.app_context():
        user = people.by_handle("anna")
        assert user is not None
        return user


def test_a_person_changes_what_others_see_and_how_pages_look(app: Flask, anna: Browser) -> None:
    assert anna.post("/settings", data=PROFILE).status_code == 303
    user = the_user(app)
    assert (user.name, user.about, user.locale, user.theme) == tuple(PROFILE.values())
    page = anna.get("/settings").text
    assert '<html lang="de" data-theme="dark"' in page
    assert "I mend routers." in page


def test_the_language_can_be_left_to_the_browser(app: Flask, anna: Browser) -> None:
    anna.post("/settings", data=PROFILE)
    anna.post("/settings", data={**PROFILE, "locale": ""})
    assert the_user(app).locale is None
    assert '<html lang="en"' in anna.get("/settings", headers={"Accept-Language": "en"}).text


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", "x" * 81), ("about", "x" * 2001), ("locale", "fr"), ("theme", "pink"), ("name", "a\x1bb")],
)
def test_a_wrong_value_is_told_at_its_field_and_nothing_is_changed(
    app: Flask, anna: Browser, field: str, value: str
) -> None:
    answer = anna.post("/settings", data={**PROFILE, field: value})
    assert answer.status_code == 422
    assert "field__error" in answer.text
    if field != "about":
        assert "I mend routers." in answer.text
    assert the_user(app).about == ""


def test_roles_cannot_be_smuggled_in(app: Flask, anna: Browser) -> None:
    anna.post("/settings", data={**PROFILE, "roles": "admin", "handle": "root", "is_staged": "1"})
    user = the_user(app)
    assert user.role_names == {"member"}
    assert user.handle == "anna"


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(
    app: Flask, anna: Browser, browser_of: BrowserOf
) -> None:
    phone = browser_of("anna")
    assert anna.post("/settings/password", data={"current": OLD, "password": NEW}).status_code == 303
    assert anna.get("/settings").status_code == 200
    assert phone.get("/settings").status_code == 303
    assert passwords.fits(the_user(app).password_hash, NEW)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"current": "wrong", "password": NEW}, "current"),
        ({"current": "", "password": NEW}, "current"),
        ({"current": "x" * 1001, "password": NEW}, "current"),
        ({"current": OLD, "password": ""}, "password"),
        ({"current": OLD, "password": "kurz"}, "password"),
        ({"current": OLD, "password": "anna anna anna"}, "password"),
    ],
)
def test_a_wrong_password_changes_nothing(app: Flask, anna: Browser, data: dict[str, str], field: str) -> None:
    answer = anna.post("/settings/password", data=data)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert passwords.fits(the_user(app).password_hash, OLD)


def test_guessing_the_password_in_the_settings_is_throttled(anna: Browser) -> None:
    data = {"current": "wrong", "password": NEW}
    codes = [anna.post("/settings/password", data=data).status_code for _ in range(attempts.PER_ACCOUNT + 1)]
    assert codes == [422] * attempts.PER_ACCOUNT + [429]


def test_guests_are_sent_to_sign_in_and_come_back(guest: Browser) -> None:
    for path in ("/settings", "/settings/password", "/settings/sessions", "/settings/tokens?x=1"):
        answer = guest.get(path)
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/sign-in?next=/settings")
        if "?" not in path:
            assert guest.post(path).status_code in {401, 405}


@pytest.mark.parametrize(
    ("path", "value", "cookie"), [("locale", "de", "klinke_locale"), ("theme", "dark", "klinke_theme")]
)
def test_a_guests_choice_is_kept_for_a_year(guest: Browser, path: str, value: str, cookie: str) -> None:
    answer = guest.post(f"/{path}", data={path: value, "next": "/sign-in?next=%2Fask"})
    assert answer.headers["Location"] == "/sign-in?next=%2Fask"
    header = next(header for header in answer.headers.getlist("Set-Cookie") if header.startswith(cookie))
    for part in (f"{cookie}={value};", "Max-Age=31536000", "SameSite=Lax", "HttpOnly", "Path=/"):
        assert part in header
    page = guest.get("/sign-in", headers={"Accept-Language": "en"}).text
    assert ('<html lang="de"' if path == "locale" else 'data-theme="dark"') in page


@pytest.mark.parametrize("path", ["locale", "theme"])
def test_a_choice_nobody_offered_is_refused(guest: Browser, path: str) -> None:
    for value in ("", "fr", "pink", "\0", "x" * 1000):
        assert guest.post(f"/{path}", data={path: value}).status_code == 422


def test_the_way_back_from_a_choice_stays_on_this_site(guest: Browser) -> None:
    for target in ("//evil.example", "https://evil.example", "/\\evil.example"):
        assert guest.post("/theme", data={"theme": "dark", "next": target}).headers["Location"] == "/"


def test_a_persons_choice_goes_with_them(app: Flask, anna: Browser, browser_of: BrowserOf) -> None:
    anna.post("/locale", data={"locale": "de"})
    anna.post("/theme", data={"theme": "light"})
    assert '<html lang="de" data-theme="light"' in browser_of("anna").get("/settings").text


def test_a_cookie_with_nonsense_changes_nothing(guest: Browser) -> None:
    guest.set_cookie("klinke_theme", '"><script>')
    guest.set_cookie("klinke_locale", "../..")
    page = guest.get("/sign-in", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    assert '<html lang="en">' in page.text
