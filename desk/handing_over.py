"""Handing over: a conversation goes on to a colleague together with what they have to know."""

from datetime import datetime
from typing import Final

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core import texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, NotAllowed, NotFound
from core.problems import Problems
from desk import conversations, policy, shared_drafts
from desk.inside import HandOver
from desk.models import Conversation
from forum import notifications
from forum.models import Notification

LONGEST: Final = 2000


def hand_over(
    conversation: Conversation,
    *,
    to: User,
    known: str,
    promised: str,
    next_step: str,
    due_at: datetime | None,
    by: User,
) -> HandOver:
    """Give the conversation to a colleague with a card; an earlier card that nobody took is replaced.

    Raise `Invalid` when there is nothing on the card, or its moment has passed.
    """
    if not policy.may_work(by):
        raise NotAllowed
    problems = Problems()
    known = problems.take("known", lambda: texts.block(known, longest=LONGEST), "")
    promised = problems.take("promised", lambda: texts.block(promised, longest=LONGEST), "")
    next_step = problems.take("next_step", lambda: texts.block(next_step, longest=LONGEST, shortest=1), "")
    if due_at is not None and due_at <= now():
        problems.fields["due_at"] = gettext("This moment is over. Choose a later one.")
    if to.id == by.id:
        problems.fields["to"] = gettext("You have it yourself. Choose a colleague.")
    problems.refuse()
    conversations.assign(conversation, to, by=by)
    if (earlier := open_card(conversation)) is not None:
        earlier.taken_at = now()
    card = HandOver(
        conversation_id=conversation.id,
        by=by,
        to=to,
        known=known,
        promised=promised,
        next_step=next_step,
        due_at=due_at,
    )
    db.session.add(card)
    db.session.flush()
    shared_drafts.go_along(conversation, to=to, by=by)
    audit.record("desk.conversation.hand_over", conversation, by=by, after={"to": to.id, "card": card.id})
    notifications.notify(
        to,
        kind="desk_handed_over",
        key=f"hand_over:{card.id}",
        url=f"/desk/conversations/{conversation.id}",
        data={"name": by.name, "words": next_step[:100]},
    )
    return card


def take(card: HandOver, *, by: User) -> None:
    """Note that whoever was handed the conversation has read the card; nobody else can say so."""
    if not policy.may_work(by) or card.to_id != by.id:
        raise NotAllowed
    if card.taken_at is not None:
        raise Conflict(gettext("This card was taken already, or there is a newer one."))
    card.taken_at = now()
    db.session.flush()


def open_card(conversation: Conversation) -> HandOver | None:
    """Return the card that nobody has taken yet."""
    return db.session.scalars(
        select(HandOver)
        .where(HandOver.conversation_id == conversation.id, HandOver.taken_at.is_(None))
        .order_by(HandOver.id.desc())
        .limit(1)
    ).first()


def found(conversation: Conversation, card_id: int) -> HandOver:
    """Return a card of this conversation; raise `NotFound` when there is none with this id."""
    card = db.session.get(HandOver, card_id) if 0 < card_id <= LARGEST_ID else None
    if card is None or card.conversation_id != conversation.id:
        raise NotFound(gettext("There is no such card."))
    return card


@notifications.kind("desk_handed_over", group="tasks")
def _handed_over(notification: Notification) -> str:
    data = notification.data
    return str(
        gettext("%(name)s hands a conversation over to you. Next: %(words)s", name=data["name"], words=data["words"])
    )
