"""Who may open a view at all."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask_login import login_user

from accounts import access, people
from core.errors import NotAllowed, SignInNeeded
from tests.cast import World


@access.login_required
def for_people() -> str:
    return "in"


@access.team_required
def for_team() -> str:
    return "in"


@access.role_required("editor", "moderator")
def for_some() -> str:
    return "in"


MATRIX = {
    "alice": (True, False, False),
    "tina": (True, False, False),
    "dora": (True, True, False),
    "ada": (True, True, True),
    "emil": (True, True, True),
    "root": (True, True, True),
}


@pytest.mark.parametrize("handle", MATRIX)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_each_view_opens_for_its_people(app: Flask, handle: str, method: str) -> None:
    with app.test_request_context("/somewhere", method=method):
        user = getattr(World(), handle)
        login_user(user)
        for view, opens in zip((for_people, for_team, for_some), MATRIX[handle], strict=True):
            if opens:
                assert view() == "in"
            else:
                with pytest.raises(NotAllowed):
                    view()


@pytest.mark.parametrize("view", [for_people, for_team, for_some])
def test_a_reading_guest_is_sent_to_sign_in_and_comes_back(app: Flask, view: Callable[[], Any]) -> None:
    with app.test_request_context("/desk?queue=mine&x=ä"):
        answer = view()
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in?next=/desk?queue%3Dmine%26x%3D")


@pytest.mark.parametrize("view", [for_people, for_team, for_some])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_writing_guest_is_asked_to_sign_in(app: Flask, view: Callable[[], Any], method: str) -> None:
    with app.test_request_context("/desk", method=method), pytest.raises(SignInNeeded):
        view()


def test_a_guest_is_a_viewer_without_id_and_rights() -> None:
    guest = people.AnonymousUser()
    assert guest.id is None
    assert not guest.is_authenticated
    assert not guest.is_team
    assert not guest.is_trusted
    assert not any(guest.has_role(role) for role in ("member", "admin"))
    assert guest.locale is None
