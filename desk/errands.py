"""What the worker carries out at a service besides sending: to hide a message, to change one that was sent.

Like a reply it is tried again with pauses, and what came of it is kept. Unlike a reply it says how something is to be,
so that carried out twice it is as it was once: what may have been done is done again until the service says so.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from flask_babel import gettext

from core.clock import now
from core.db import db
from core.outbox import Later
from desk.channels.base import Adapter, ChannelFailed, apart
from desk.order_models import MessageCorrection, MessageHiding
from desk.replies import LONGEST_WISH_SECONDS, MOST_ATTEMPTS, pause_after
from forum import notifications
from forum.models import Notification

Row = TypeVar("Row", MessageHiding, MessageCorrection)
Told = TypeVar("Told")
NEWS: Final = "desk_errand_failed"


def taken(model: type[Row], row_id: int) -> Row | None:
    """Return what is to be carried out now, held until the end of the transaction; None where it is not any more."""
    row = db.session.get(model, row_id, with_for_update={"of": model}, populate_existing=True)
    return row if row is not None and row.state == "queued" else None


def carry_out(row: Row, do: Callable[[Adapter], Told]) -> tuple[Row, Told] | None:
    """Ask the service once; return the row, held again, and what was told; None where it failed for good.

    Raise `Later` where it is to be tried again. The worker is an edge, and this commits before the service is asked:
    that an attempt began must be known before it begins.
    """
    model, row_id, channel_id = type(row), row.id, row.message.channel_id
    was_in_doubt = row.attempted_at is not None
    row.attempts += 1
    row.attempted_at = now()
    db.session.commit()
    adapter = apart(channel_id)
    try:
        told = do(adapter)
    except ChannelFailed as failure:
        _note_failure(_held(model, row_id), failure, was_in_doubt=was_in_doubt)
        return None
    row = _held(model, row_id)
    row.state, row.failure, row.done_at = "done", None, now()
    db.session.flush()
    return row, told


def start_again(row: MessageHiding | MessageCorrection) -> None:
    """Give it a fresh start; the caller holds it and publishes."""
    row.state, row.attempts, row.attempted_at, row.failure = "queued", 0, None, None
    db.session.flush()


def end(row: MessageHiding | MessageCorrection, reason: str, *, is_in_doubt: bool = False) -> None:
    """Give up and say why; who asked for it hears of it."""
    row.state, row.failure = "unsure" if is_in_doubt else "failed", reason
    db.session.flush()
    if row.by_id is not None:
        notifications.notify(
            row.by_id,
            kind=NEWS,
            key=f"{row.__tablename__}:{row.id}:{row.attempts}",
            url=f"/desk/conversations/{row.message.conversation_id}#m{row.message_id}",
        )


def _held(model: type[Row], row_id: int) -> Row:
    return db.session.get_one(model, row_id, with_for_update={"of": model}, populate_existing=True)


def _note_failure(row: MessageHiding | MessageCorrection, failure: ChannelFailed, *, was_in_doubt: bool) -> None:
    is_in_doubt = failure.unsure or was_in_doubt
    if failure.permanent:
        end(row, failure.reason, is_in_doubt=was_in_doubt)
        return
    if row.attempts >= MOST_ATTEMPTS:
        end(row, failure.reason, is_in_doubt=is_in_doubt)
        return
    row.failure = failure.reason
    if not is_in_doubt:
        row.attempted_at = None  # it was surely not done: the next attempt begins without a doubt
    pause = max(pause_after(row.attempts), min(failure.retry_after or 0.0, LONGEST_WISH_SECONDS))
    db.session.commit()  # what `Later` rolls back must not be this
    raise Later(pause)


@notifications.kind(NEWS, group="tasks")
def _in_words(_notification: Notification) -> str:
    return str(gettext("Something you wanted done at the service did not work. Its reason stands at the message."))
