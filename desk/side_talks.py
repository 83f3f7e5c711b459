"""Side talks: a colleague without an account is asked by mail and answers on a page of their own.

They see what the agent wrote to them and nothing of the customer. What they answer is a note in the conversation; who
stays silent is reminded once, and the agent is told.
"""

from datetime import timedelta
from typing import Final

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit, emails
from accounts.models import User
from core import mail, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, NotAllowed, NotFound
from core.i18n import LOCALES
from core.problems import Problems
from core.settings import current_settings
from core.web import absolute
from core.worker import chore
from desk import conversations, notes, policy
from desk.inside import Note, SideTalk
from desk.models import Conversation
from forum import notifications, tickets
from forum.models import Notification

LONGEST_NAME: Final = 80
LONGEST_QUESTION: Final = 5000
LONGEST_ANSWER: Final = 10_000
MOST_OPEN: Final = 20
"""So many talks of one conversation may wait at once."""
MOST_ANSWERS: Final = 50
PURPOSE: Final = "side-talk"
MOST_AT_ONCE: Final = 50


def begin(conversation: Conversation, *, name: str, address: str, question: str, locale: str, by: User) -> SideTalk:
    """Ask a colleague by mail; the conversation waits inside meanwhile. Raise `Invalid` with what is wrong."""
    if not policy.may_work(by):
        raise NotAllowed
    problems = Problems()
    name = problems.take("name", lambda: texts.line(name, longest=LONGEST_NAME, shortest=1), "")
    address = problems.take("address", lambda: emails.checked(address), "")
    question = problems.take("question", lambda: texts.block(question, longest=LONGEST_QUESTION, shortest=1), "")
    problems.refuse()
    conversations.locked(conversation.id)
    if len([talk for talk in of(conversation) if talk.closed_at is None]) >= MOST_OPEN:
        raise Conflict(gettext("There are %(most)s open questions here already. Please end some.", most=MOST_OPEN))
    talk = SideTalk(
        conversation_id=conversation.id,
        by=by,
        name=name,
        address=address,
        question=question,
        locale=locale if locale in LOCALES else "en",
    )
    db.session.add(talk)
    db.session.flush()
    _write(talk, "asked")
    if conversation.state not in {"solved", "no_answer"}:
        conversations.change_state(conversation, "waiting_inside", by=by)
    audit.record("desk.side_talk.begin", talk, by=by, after={"conversation": conversation.id})
    return talk


def answer(talk: SideTalk, text: str) -> Note:
    """Take what the colleague writes on their page; it becomes a note, and the agent is told. More may follow."""
    if talk.closed_at is not None:
        raise NotFound
    text = texts.block(text, longest=LONGEST_ANSWER, shortest=1)
    conversation = conversations.locked(talk.conversation_id)
    if len(answers(talk)) >= MOST_ANSWERS:
        raise Conflict(gettext("That is enough for one question. Please ask whoever wrote to you."))
    note = notes.add_answer(talk, text)
    talk.answered_at = now()
    if conversation.state == "waiting_inside":
        conversation.state = "open"
    db.session.flush()
    audit.record("desk.side_talk.answer", talk, by=None)
    notifications.notify_each(
        {one for one in (talk.by_id, conversation.assignee_id) if one is not None},
        kind="desk_side_answer",
        key=f"side_answer:{note.id}",
        url=f"/desk/conversations/{conversation.id}#n{note.id}",
        data={"name": talk.name},
    )
    return note


def end(talk: SideTalk, *, by: User) -> None:
    """End a talk: its link leads nowhere from now on."""
    if not policy.may_work(by):
        raise NotAllowed
    if talk.closed_at is None:
        talk.closed_at = now()
        db.session.flush()
        audit.record("desk.side_talk.end", talk, by=by)


@chore("desk.remind_colleagues", every=300)
def remind_all() -> int:
    """Remind, once, those who have not answered for long, and tell who asked; return how many that were."""
    hours = current_settings().side_talk_hours
    if not hours:
        return 0
    waiting = db.session.scalars(
        select(SideTalk)
        .where(
            SideTalk.closed_at.is_(None),
            SideTalk.answered_at.is_(None),
            SideTalk.reminded_at.is_(None),
            SideTalk.at < now() - timedelta(hours=hours),
        )
        .order_by(SideTalk.id)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True, of=SideTalk)
    ).all()
    for talk in waiting:
        talk.reminded_at = now()
        _write(talk, "reminded")
        if talk.by_id is not None:
            notifications.notify(
                talk.by_id,
                kind="desk_side_silent",
                key=f"side_silent:{talk.id}",
                url=f"/desk/conversations/{talk.conversation_id}",
                data={"name": talk.name, "hours": hours},
            )
    db.session.commit()
    return len(waiting)


def of(conversation: Conversation) -> list[SideTalk]:
    """Return the talks beside a conversation, the latest first."""
    return list(
        db.session.scalars(
            select(SideTalk).where(SideTalk.conversation_id == conversation.id).order_by(SideTalk.id.desc())
        )
    )


def answers(talk: SideTalk) -> list[Note]:
    """Return what the colleague has answered so far."""
    return list(db.session.scalars(select(Note).where(Note.side_talk_id == talk.id).order_by(Note.id)))


def found(conversation: Conversation, talk_id: int) -> SideTalk:
    """Return a talk beside this conversation; raise `NotFound` for any other."""
    talk = db.session.get(SideTalk, talk_id) if 0 < talk_id <= LARGEST_ID else None
    if talk is None or talk.conversation_id != conversation.id:
        raise NotFound(gettext("There is no such question."))
    return talk


def behind(ticket: str) -> SideTalk:
    """Return the open talk that a link leads to; raise `NotFound` for what is none, or ended."""
    talk = db.session.get(SideTalk, tickets.of_short(ticket))
    if talk is None or talk.closed_at is not None or not tickets.is_short(ticket, PURPOSE, talk.id, _about(talk)):
        raise NotFound(gettext("This link leads nowhere any more. Whoever asked you has ended the question."))
    return talk


def link_of(talk: SideTalk) -> str:
    """Return the address of the page on which the colleague answers."""
    return absolute(f"/aside/{tickets.short(PURPOSE, talk.id, _about(talk))}")


def _write(talk: SideTalk, what: str) -> None:
    values = {"talk": talk, "url": link_of(talk), "asker": "" if talk.by is None else talk.by.name, "what": what}
    subject, text, html = mail.written("desk/mail/side_talk", locale=talk.locale, **values)
    mail.queue(talk.address, subject=subject, text=text, html=html)


def _about(talk: SideTalk) -> str:
    return f"{talk.conversation_id} {talk.address}"


@notifications.kind("desk_side_answer", group="tasks")
def _answered(notification: Notification) -> str:
    return str(gettext("%(name)s answered what you asked.", name=notification.data["name"]))


@notifications.kind("desk_side_silent", group="tasks")
def _silent(notification: Notification) -> str:
    data = notification.data
    return str(
        gettext(
            "%(name)s has not answered for %(hours)s hours and was reminded.", name=data["name"], hours=data["hours"]
        )
    )
