"""API tokens: made, shown once, revoked."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts import tokens
from accounts.models import ApiToken
from core.db import db
from core.errors import Invalid, NotFound
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]


@pytest.fixture
def alice(stage: Stage, browser_of: BrowserOf) -> Browser:
    stage(lambda world: world.alice.id)
    return browser_of("alice")


def shown(page: str) -> str:
    found = re.search(r'<code class="secret"[^>]*>(klinke_[\w-]{43})</code>', page)
    assert found is not None
    return found[1]


def test_a_token_is_shown_once_and_opens_the_api(app: Flask, alice: Browser) -> None:
    answer = alice.post("/settings/tokens", data={"name": "my script", "scopes": ["read", "write"]})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    plain = shown(answer.text)
    assert plain not in alice.get("/settings/tokens").text
    assert "my script" in alice.get("/settings/tokens").text
    with app.app_context():
        found = tokens.find(plain)
        assert found is not None
        assert found.user.handle == "alice"
        assert found.scopes == ["read", "write"]
        assert plain not in str(vars(found))


def test_sending_the_form_twice_makes_one_token(app: Flask, alice: Browser) -> None:
    data = {"name": "my script", "scopes": ["read"], "once": "0123456789abcdef"}
    shown(alice.post("/settings/tokens", data=data).text)
    assert alice.post("/settings/tokens", data=data).status_code == 303
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(ApiToken)) == 1


def test_a_revoked_token_opens_nothing(app: Flask, alice: Browser) -> None:
    plain = shown(alice.post("/settings/tokens", data={"name": "x", "scopes": ["all"]}).text)
    with app.app_context():
        token_id = db.session.scalars(select(ApiToken.id)).one()
    assert alice.post(f"/settings/tokens/{token_id}/revocation").status_code == 303
    assert alice.post(f"/settings/tokens/{token_id}/revocation").status_code == 404
    with app.app_context():
        assert tokens.find(plain) is None


def test_nobody_revokes_another_persons_token(world: World) -> None:
    plain = tokens.create(world.alice, scopes=["read"], name="hers")
    (row,) = tokens.of(world.alice)
    with pytest.raises(NotFound):
        tokens.revoke(world.charlie, row.id)
    assert tokens.find(plain) is not None


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"name": "", "scopes": "read"}, "name"),
        ({"name": "x" * 81, "scopes": "read"}, "name"),
        ({"name": "x"}, "scopes"),
        ({"name": "x", "scopes": "everything"}, "scopes"),
        ({"name": "x", "scopes": "moderate"}, "scopes"),
    ],
)
def test_a_wrong_value_is_told_at_its_field(app: Flask, alice: Browser, data: dict[str, str], field: str) -> None:
    answer = alice.post("/settings/tokens", data=data)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(ApiToken)) == 0


def test_scopes_are_checked_where_tokens_are_made(world: World) -> None:
    for scopes in ([], ["nonsense"], ["read", "nonsense"]):
        with pytest.raises(Invalid) as caught:
            tokens.create(world.alice, scopes=scopes, name="x")
        assert "scopes" in caught.value.fields


def test_a_person_has_at_most_fifty_tokens(world: World) -> None:
    for number in range(tokens.MOST):
        tokens.create(world.alice, scopes=["read"], name=f"{number}")
    with pytest.raises(Invalid):
        tokens.create(world.alice, scopes=["read"], name="one more")
    tokens.create(world.bob, scopes=["read"], name="his first")


def test_the_team_is_offered_the_scopes_of_the_team(alice: Browser, stage: Stage, browser_of: BrowserOf) -> None:
    stage(lambda world: world.dora.id)
    assert 'value="desk"' not in alice.get("/settings/tokens").text
    assert 'value="desk"' in browser_of("dora").get("/settings/tokens").text


def test_a_nonsense_token_is_nobody(app: Flask) -> None:
    with app.app_context():
        for token in ("", "x", "klinke_", "klinke_" + "x" * 43, "klinke_\ud83d", "klinke_\0"):
            assert tokens.find(token) is None
