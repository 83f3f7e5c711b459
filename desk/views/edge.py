"""What every view of the desk stands on: the blueprint, and the way back to a conversation."""

from dataclasses import dataclass

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from core import web
from core.clock import now
from desk import scheduling
from desk.models import Conversation
from desk.objections import MOST_SEALS

bp = Blueprint("desk", __name__)
bp.add_app_template_global(scheduling.in_words, "in_words")
bp.add_app_template_global(scheduling.seconds_until, "seconds_until")
Answer = Response | WerkzeugResponse | str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long somebody has waited, for the bar."""

    percent: int
    seconds: float


def waiting(conversation: Conversation) -> Waiting | None:
    """Return how long the customer waits, beside what was promised; None when nobody waits."""
    if conversation.waiting_since is None or conversation.due_at is None:
        return None
    seconds = max(0.0, (now() - conversation.waiting_since).total_seconds())
    promised = max(1.0, (conversation.due_at - conversation.waiting_since).total_seconds())
    return Waiting(min(999, int(100 * seconds / promised)), seconds)


def back_to(conversation_id: int, *, anchor: str | None = None) -> WerkzeugResponse:
    return web.go(url_for(".show_conversation", conversation_id=conversation_id, _anchor=anchor))


def given_seals() -> list[str]:
    """Return the seals of the objections that the writer has read, as a form remembers them."""
    return " ".join(request.form.getlist("confirmed")).split()[:MOST_SEALS]
