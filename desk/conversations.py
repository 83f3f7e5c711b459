"""What is done with a conversation besides answering it: who has it, and where it stands."""

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.outbox import publish
from core.transfer import iso
from desk import clocks, policy, queries
from desk.events import ConversationClosed
from desk.models import CONVERSATION_STATES, LONGEST_LAST_WORDS, Conversation, ConversationState

DONE: tuple[ConversationState, ...] = ("solved", "no_answer")
NOBODY_WAITS: tuple[ConversationState, ...] = ("waiting_customer", *DONE)


def locked(conversation_id: int) -> Conversation:
    """Return a conversation as it is now and hold it, so that of two deeds the second sees what the first did."""
    return db.session.scalars(
        select(Conversation)
        .where(Conversation.id == conversation_id)
        .options(joinedload(Conversation.clock))
        .with_for_update(of=Conversation)
        .execution_options(populate_existing=True)
    ).one()


def assign(conversation: Conversation, to: User | None, *, by: User) -> None:
    """Give the conversation to an agent, or to nobody."""
    if not policy.may_work(by):
        raise NotAllowed
    if to is not None and not (to.is_active and policy.may_work(to)):
        sentence = gettext("%(name)s does not work at the desk.", name=to.name)
        raise Invalid(sentence, fields={"assignee": sentence})
    locked(conversation.id)
    before, after = conversation.assignee_id, None if to is None else to.id
    if before == after:
        return
    conversation.assignee = to
    if conversation.clock is not None:
        conversation.clock.given_why = None
    clocks.moved(conversation, what="agent", before=before, after=after, by=by)
    db.session.flush()
    audit.record(
        "desk.conversation.assign", conversation, by=by, before={"assignee": before}, after={"assignee": after}
    )


def take(conversation: Conversation, *, by: User) -> None:
    """Take the conversation and open it."""
    assign(conversation, by, by=by)
    if conversation.state == "new":
        change_state(conversation, "open", by=by)


def change_state(conversation: Conversation, state: ConversationState, *, by: User) -> None:
    """Say where the conversation stands; the clock stops when nobody waits for us, and runs on when somebody does."""
    if not policy.may_work(by):
        raise NotAllowed
    if state not in CONVERSATION_STATES or state == "new":
        sentence = gettext("A conversation cannot be put into this state.")
        raise Invalid(sentence, fields={"state": sentence})
    locked(conversation.id)
    if conversation.state == state:
        return
    turn(conversation, state, by=by)
    if state in NOBODY_WAITS:
        clocks.stop(conversation, state, by=by)
    else:
        if conversation.waiting_since is None and (newest := queries.newest_incoming(conversation)) is not None:
            clocks.run(conversation, newest.created_at)
        clocks.resume(conversation, by=by)
        if state == "waiting_inside" and conversation.assignee_id is not None:
            clocks.pause(conversation, "inside", by=by)
    db.session.flush()


def turn(conversation: Conversation, state: ConversationState, *, by: User | None, reason: str = "") -> None:
    """Write into the history that the state is another now, and what follows: it sleeps no longer.

    Every change of a state comes through here; the clock is the caller's, who holds the conversation.
    """
    before: dict[str, str] = {"state": conversation.state}
    after: dict[str, str | None] = {"state": state}
    if conversation.snoozed_until is not None:
        before["snoozed_until"], after["snoozed_until"] = iso(conversation.snoozed_until), None
    conversation.state, conversation.snoozed_until = state, None
    db.session.flush()
    if before != after:
        audit.record("desk.conversation.change_state", conversation, by=by, reason=reason, before=before, after=after)
    if state in DONE and before["state"] not in DONE:
        note_end(conversation)


def note_end(conversation: Conversation) -> None:
    """Say that nobody is to do anything any more."""
    publish(ConversationClosed(conversation.id, conversation.state, iso(now())))


def keep_words(conversation: Conversation, text: str, *, is_incoming: bool) -> None:
    """Keep for the lists how the last words begin: the customer's, or ours until a customer writes."""
    if is_incoming or not conversation.last_words:
        conversation.last_words = text[:LONGEST_LAST_WORDS]
