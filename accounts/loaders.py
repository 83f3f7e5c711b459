"""Who is asking: a browser says it with its session's cookie, a program with its token, never the other way round."""

import logging

from flask import Flask, Request, Response, g, request
from flask_login import LoginManager
from sqlalchemy.exc import OperationalError

from accounts import sessions, tokens
from accounts.models import User
from accounts.people import AnonymousUser
from core import web
from core.clock import now

log = logging.getLogger(__name__)

login_manager = LoginManager()
login_manager.session_protection = None  # the row of the session is the protection
login_manager.anonymous_user = AnonymousUser


def init_app(app: Flask) -> None:
    app.config.update(PERMANENT_SESSION_LIFETIME=sessions.ABSOLUTE_LIMIT, SESSION_REFRESH_EACH_REQUEST=False)
    login_manager.init_app(app)
    app.after_request(_note_seen)


@login_manager.user_loader
def _by_cookie(token: str) -> User | None:
    if web.is_api():
        return None
    sign_in = sessions.find(token)
    if sign_in is None:
        return None
    g.sign_in = sign_in
    sign_in.user.session_token = token
    if now() - sign_in.seen_at > sessions.SEEN_EVERY:
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            g.seen_sign_in_id = sign_in.id
        else:
            sign_in.seen_at = now()  # goes in with the deed of this request
            sessions.continue_visit(sign_in.user)
    return sign_in.user


@login_manager.request_loader
def _by_bearer(asked: Request) -> User | None:
    if not web.is_api():
        return None
    scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
    found = tokens.find(token.strip()) if scheme.lower() == "bearer" else None
    if found is None:
        return None
    g.token_scopes = frozenset(found.scopes)
    return found.user


def _note_seen(response: Response) -> Response:
    sign_in_id: int | None = g.pop("seen_sign_in_id", None)
    if sign_in_id is not None:
        try:
            sessions.note_seen(sign_in_id)
        except OperationalError as error:
            # The database is busy writing; the next page notes it. A page is not refused for this.
            log.info("seen_at of session %s not noted: %s", sign_in_id, error.orig)
    return response
