"""What every view of the desk stands on: the blueprint, and the way back to a conversation."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as WerkzeugResponse

from core import web
from core.clock import now

PROMISED_SECONDS = 3600
"""In how long a customer is promised a first answer, until a channel has promises of its own."""

bp = Blueprint("desk", __name__)
Answer = Response | WerkzeugResponse | str


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long somebody has waited, for the bar."""

    percent: int
    seconds: float


def waiting(since: datetime | None) -> Waiting | None:
    if since is None:
        return None
    seconds = max(0.0, (now() - since).total_seconds())
    return Waiting(min(999, int(100 * seconds / PROMISED_SECONDS)), seconds)


def back_to(conversation_id: int, *, anchor: str | None = None) -> WerkzeugResponse:
    return web.go(url_for(".show_conversation", conversation_id=conversation_id, _anchor=anchor))
