"""What the views of every room share: a page after a refusal, and a form sent twice that is one deed."""

import hashlib
import json
from typing import Any

from flask import Response, make_response, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from core import once, web
from core.db import db
from core.errors import Conflict, Invalid, KlinkeError, TooSoon
from core.forms import Form

REFUSALS = (Invalid, Conflict, TooSoon)
"""What a person can mend in the form; everything else has a page of its own."""
UNPROCESSABLE = 422


def show(template: str, *, status: int = 200, refused: KlinkeError | None = None, **context: Any) -> Response:
    """Render a page; after a refusal with its status, and with the seconds to wait where it names them."""
    answer = make_response(render_template(template, **context), refused.status if refused else status)
    if isinstance(refused, TooSoon):
        answer.headers["Retry-After"] = str(refused.seconds)
    return answer


def sent_before(form: Form) -> WerkzeugResponse | None:
    """Claim the form for this person; sent before with the same content, it leads where it led the first time."""
    before = once.claim(_owner(), _key(form))
    if before is None:
        return None
    db.session.rollback()
    return web.go(before.answer or "/")


def done(form: Form, url: str) -> WerkzeugResponse:
    """Commit the deed together with where its form leads, and go there."""
    once.remember(_owner(), _key(form), status=303, answer=url)
    db.session.commit()
    return web.go(url)


def _owner() -> str:
    return f"user:{current_user.id}" if current_user.is_authenticated else "guest"


def _key(form: Form) -> str:
    # Of its content, too: whoever goes back, writes something else and sends it does a second deed.
    content = {name: value for name, value in form.data.items() if name != "csrf_token"}
    return hashlib.sha256(json.dumps([request.path, content], default=str).encode()).hexdigest()
