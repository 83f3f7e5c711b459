"""Who may open a view at all; what they may do with the thing in it is a question for the room's policy."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import redirect, request, url_for
from flask_babel import gettext
from flask_login import current_user

from accounts.models import User
from core.errors import NotAllowed, SignInNeeded

View = TypeVar("View", bound=Callable[..., Any])


def me() -> User:
    """Return the person who is signed in, as the row itself: a deed stores it."""
    return cast("User", current_user._get_current_object())  # noqa: SLF001 -- werkzeug's documented way to the real object


def login_required(view: View) -> View:
    """Let only signed-in people in: readers are sent to sign in and come back, writers are asked to sign in first."""
    return _guarded(view, lambda: None)


def team_required(view: View) -> View:
    """Let only the team in."""
    return _guarded(view, _require_team)


def role_required(*roles: str) -> Callable[[View], View]:
    """Let only people in who have one of these roles; an admin has them all."""
    return lambda view: _guarded(view, lambda: _require_role(roles))


def _guarded(view: View, check: Callable[[], None]) -> View:
    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not current_user.is_authenticated:
            if request.method not in {"GET", "HEAD"}:
                raise SignInNeeded(gettext("Please sign in in another tab, then come back and send this again."))
            here = request.full_path if request.query_string else request.path
            return redirect(url_for("accounts.sign_in", next=here), code=303)
        check()
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]  # functools.wraps keeps the signature


def _require_team() -> None:
    if not current_user.is_team:
        raise NotAllowed(gettext("This part is for the team."))


def _require_role(roles: tuple[str, ...]) -> None:
    if not any(current_user.has_role(role) for role in roles):
        raise NotAllowed(gettext("This part is for people with another task."))
