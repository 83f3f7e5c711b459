"""What every view of the knowledge base stands on: the blueprint, who is here, one deed for a form sent twice."""

import hashlib
import json
from typing import Any, cast

from flask import Blueprint, Response, make_response, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts.models import User
from core import once, web
from core.db import db
from core.errors import Conflict, Invalid, KlinkeError, TooSoon
from core.forms import Form
from kb import policy

bp = Blueprint("kb", __name__)

REFUSALS = (Invalid, Conflict, TooSoon)
"""What a person can mend in the form; everything else has a page of its own."""
UNPROCESSABLE = 422


def me() -> User:
    """Return the person who is signed in, as the row itself: a deed stores it."""
    return cast("User", current_user._get_current_object())  # noqa: SLF001 -- werkzeug's documented way to the real object


def show(template: str, *, status: int = 200, refused: KlinkeError | None = None, **context: Any) -> Response:
    """Render a page; after a refusal with its status."""
    page = render_template(template, policy=policy, **context)
    return make_response(page, refused.status if refused else status)


def sent_before(form: Form) -> WerkzeugResponse | None:
    """Claim the form for this person; sent before with the same content, it leads where it led the first time."""
    before = once.claim(f"user:{current_user.id}", _key(form))
    if before is None:
        return None
    db.session.rollback()
    return web.go(before.answer or "/kb")


def done(form: Form, url: str) -> WerkzeugResponse:
    """Commit the deed together with where its form leads, and go there."""
    once.remember(f"user:{current_user.id}", _key(form), status=303, answer=url)
    db.session.commit()
    return web.go(url)


def _key(form: Form) -> str:
    # Of its content, too: whoever goes back, writes something else and sends it does a second deed.
    content = {name: value for name, value in form.data.items() if name != "csrf_token"}
    return hashlib.sha256(json.dumps([request.path, content], default=str).encode()).hexdigest()
