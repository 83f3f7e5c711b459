"""The mails of accounts: each is a folder of templates and is written in its reader's language."""

from typing import Any

from flask import current_app

from accounts.models import Penalty, User
from accounts.one_time import GOOD_FOR
from core import mail
from core.web import absolute


def send_confirm(user: User, token: str, *, locale: str) -> None:
    """Ask a person whether this address is theirs."""
    _send(user, "confirm", locale, url=_address("accounts.confirm_email", token=token))


def send_reset(user: User, token: str, *, locale: str) -> None:
    """Send a person the link for choosing a new password."""
    _send(user, "reset", locale, url=_address("accounts.reset_password", token=token))


def send_penalty(user: User, penalty: Penalty, *, locale: str) -> None:
    """Tell a person what the team decided, why, for how long, and where they can object."""
    url = _address("accounts.object_to_penalty", penalty_key=penalty.key)
    _send(user, "penalty", locale, url=url, penalty=penalty)


def _send(user: User, name: str, locale: str, **values: Any) -> None:
    if not user.email:
        return
    subject, text, html = mail.written(
        f"accounts/mail/{name}", locale=locale, user=user, minutes=int(GOOD_FOR.total_seconds() // 60), **values
    )
    mail.queue(user.email, subject=subject, text=text, html=html)


def _address(endpoint: str, **values: str) -> str:
    # Built on the configured address, never on the Host header of a request: whoever sends that header must not be able
    # to choose where a link in somebody else's mail leads.
    return absolute(current_app.url_map.bind("localhost").build(endpoint, values))
