"""The draft of a reply that a team writes together: kept while it is typed, gone on with, never written over.

Each change counts the version up, under the lock of the conversation. Who saves says which version they had before
them; of two who write at once the second is told, and chooses between the texts. The other one stays readable.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext, lazy_gettext
from sqlalchemy import BindParameter, ColumnElement, and_, delete, or_, select
from sqlalchemy.orm import joinedload

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import problems, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.worker import chore
from desk import conversations, policy, queries
from desk.channels.base import LONGEST_TEXT
from desk.draft_models import EarlierDraft, SharedDraft
from desk.filters import DONE
from desk.models import Conversation, Message
from desk.sending_models import Departure, HeldReply
from forum import notifications
from forum.models import Notification

STAYS: Final = timedelta(days=1)
"""So long what was dropped can be had back."""
FORGOTTEN: Final = timedelta(days=30)
"""A draft that lies so long in a conversation that is done is nobody's any more."""
MOST_EARLIER: Final = 20
MOST_USES: Final = 20
MOST_AT_ONCE: Final = 200


class WrittenMeanwhile(Conflict):
    """Somebody wrote in the draft since it was opened, or began one."""

    title = lazy_gettext("Somebody wrote in this draft meanwhile")

    def __init__(self, draft: SharedDraft) -> None:
        super().__init__(
            gettext("%(name)s wrote here meanwhile. Both texts are kept; please choose.", name=name_of(draft.by))
        )
        self.draft_id = draft.id


class DraftGone(Conflict):
    """The draft was sent or dropped since it was opened."""

    title = lazy_gettext("This draft is not here any more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What stands in a composer, and what it was begun from."""

    text: str
    version: int | None = None
    """Which version of the draft it was begun from; None: from none."""
    is_public: bool | None = None
    split: str = ""
    uses: Sequence[str] = ()
    seen: int = 0
    held_id: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The draft of a conversation, and what was dropped there a moment ago."""

    open: SharedDraft | None = None
    dropped: SharedDraft | None = None


def save(conversation: Conversation, written: Written, *, by: User) -> SharedDraft | None:
    """Keep what is typed for the colleagues; None where nothing is typed and nothing was kept.

    Raise `WrittenMeanwhile` where somebody else wrote since, and `DraftGone` where it was sent or dropped: nothing is
    kept then, and nothing lost. An emptied text drops the draft.
    """
    _require(by)
    conversations.locked(conversation.id)
    draft = _open(conversation)
    with problems.at("text"):
        text = texts.block(written.text, longest=LONGEST_TEXT)
    if not text.strip() and written.version is None:
        return None
    if draft is None and written.version is not None:
        raise DraftGone(gettext("This draft was sent or dropped meanwhile. Your text is still here."))
    if draft is None and _has_left(conversation, text, since=written.seen, by=by):
        return None
    if draft is not None and not _had_it(draft, written.version, by=by) and text != draft.text:
        raise WrittenMeanwhile(draft)
    if not text.strip():
        if draft is not None:
            _drop(draft, by=by)
        return None
    if draft is None:
        draft = SharedDraft(
            conversation_id=conversation.id,
            begun_by=by,
            begun_at=now(),
            version=0,
            text="",
            drafters=[],
            uses=[],
            turn_from=1,
        )
        db.session.add(draft)
    _write(draft, written, text, by=by)
    db.session.flush()
    return draft


def take_up(conversation: Conversation, typed: str, *, by: User) -> SharedDraft:
    """Return the draft for the composer; what was typed there instead is kept beside it."""
    _require(by)
    conversations.locked(conversation.id)
    draft = _open(conversation)
    if draft is None:
        raise DraftGone(gettext("This draft was sent or dropped meanwhile. Your text is still here."))
    text = texts.block(typed, longest=LONGEST_TEXT)
    if text.strip() and text != draft.text:
        _keep_beside(draft, text, by=by)
    return draft


def hand(draft: SharedDraft, *, to: User, by: User) -> None:
    """Hand the draft to a colleague, who hears of it and finds it in their composer."""
    _require(by)
    if to.id == by.id or not (to.is_active and policy.may_work(to)):
        sentence = gettext("Please choose a colleague who works at the desk.")
        raise Invalid(sentence, fields={"draft_to": sentence})
    _pass_on(draft, to, by=by)


def go_along(conversation: Conversation, *, to: User, by: User) -> None:
    """Have the draft, where there is one, go with a conversation that is handed over; its card tells of it."""
    draft = _open(conversation)
    if draft is not None:
        draft.for_id = to.id
        audit.record("desk.draft.hand", conversation, by=by, after={"to": to.id})
        db.session.flush()


def drop(draft: SharedDraft, *, version: int | None, by: User) -> None:
    """Put the draft away; raise `WrittenMeanwhile` where somebody wrote in it since. It can be had back for a day."""
    _require(by)
    conversations.locked(draft.conversation_id)
    db.session.refresh(draft)
    if draft.dropped_at is not None:
        raise DraftGone(gettext("This draft was dropped already."))
    if draft.version != version:
        raise WrittenMeanwhile(draft)
    _drop(draft, by=by)


def restore(draft: SharedDraft, *, by: User) -> None:
    """Bring back what was dropped, unless there is another draft by now. Twice is once."""
    _require(by)
    conversation = conversations.locked(draft.conversation_id)
    db.session.refresh(draft)
    if draft.dropped_at is None:
        return
    if _open(conversation) is not None:
        raise Conflict(gettext("There is another draft by now. Send or drop that one first."))
    draft.dropped_at = draft.dropped_by_id = None
    draft.version += 1
    db.session.flush()
    audit.record("desk.draft.restore", conversation, by=by)


def settle(
    conversation: Conversation, *, text: str, version: int | None, held_id: int | None, by: User
) -> Sequence[int]:
    """Take the draft away from which a reply was written; return the ids of who drafted it besides its writer.

    The caller holds the conversation. Raise `WrittenMeanwhile` where somebody wrote in the draft since it was opened. A
    draft that the reply was not written from stays.
    """
    drafters = _drafters_of_held(held_id, by=by)
    text = texts.block(text, longest=LONGEST_TEXT)
    draft = _open(conversation)
    if draft is None:
        dropped = None if version is None else _recent(conversation)
        drafters |= set(dropped.drafters) if dropped is not None else set()
    elif version is not None or (draft.drafters == [by.id] and text.startswith(draft.text)):
        if not _had_it(draft, version, by=by) and draft.text != text:
            raise WrittenMeanwhile(draft)
        drafters |= set(draft.drafters)
        db.session.delete(draft)
        db.session.flush()
    return sorted(drafters - {by.id})


def credit(message: Message, drafters: Collection[int], *, by: User) -> None:
    """Write into the history who drafted a reply that its writer did not write alone."""
    if not drafters:
        return
    departure = db.session.get(Departure, message.id)
    if departure is not None:
        departure.drafters = sorted(drafters)
        db.session.flush()
    audit.record(
        "desk.draft.send", message.conversation, by=by, after={"message": message.id, "drafters": sorted(drafters)}
    )


def is_there(
    conversation_id: int | BindParameter[int], *, since: datetime | BindParameter[datetime]
) -> ColumnElement[bool]:
    """Return the clause for what there is to show of drafts in a conversation: dropped ones since a moment."""
    return and_(
        SharedDraft.conversation_id == conversation_id,
        or_(SharedDraft.dropped_at.is_(None), SharedDraft.dropped_at > since),
    )


def of(conversation: Conversation, *, viewer: Viewer) -> Found:
    """Return the draft of a conversation, and what was dropped there last, to who works at the desk."""
    if not policy.may_work(viewer):
        return Found()
    rows = db.session.scalars(
        select(SharedDraft)
        .where(is_there(conversation.id, since=now() - STAYS))
        .order_by(SharedDraft.dropped_at.is_not(None), SharedDraft.dropped_at.desc(), SharedDraft.id.desc())
        .limit(2)
        .options(
            joinedload(SharedDraft.by),
            joinedload(SharedDraft.begun_by),
            joinedload(SharedDraft.meant_for),
            joinedload(SharedDraft.dropped_by),
        )
    ).all()
    standing = next((row for row in rows if row.dropped_at is None), None)
    return Found(standing, next((row for row in rows if row.dropped_at is not None), None))


def newer(conversation: Conversation, *, than: int, viewer: Viewer) -> SharedDraft | None:
    """Return the draft where somebody else wrote in it after the version that the viewer has before them."""
    if not policy.may_work(viewer):
        return None
    return db.session.scalars(
        select(SharedDraft)
        .where(
            SharedDraft.conversation_id == conversation.id,
            SharedDraft.dropped_at.is_(None),
            SharedDraft.version > than,
            or_(SharedDraft.by_id.is_(None), SharedDraft.by_id != viewer.id),
        )
        .options(joinedload(SharedDraft.by))
    ).first()


def earlier(draft: SharedDraft) -> Sequence[EarlierDraft]:
    """Return what others wrote in it before, the latest first."""
    return db.session.scalars(
        select(EarlierDraft).where(EarlierDraft.draft_id == draft.id).order_by(EarlierDraft.id.desc())
    ).all()


def visible_draft(draft_id: int, *, viewer: Viewer) -> SharedDraft:
    """Return a draft; raise `NotFound` when there is none that the viewer may see."""
    found = None
    if 0 < draft_id <= LARGEST_ID:
        found = db.session.scalars(
            select(SharedDraft)
            .join(Conversation, Conversation.id == SharedDraft.conversation_id)
            .where(SharedDraft.id == draft_id, queries.conversations_visible_to(viewer))
            .options(joinedload(SharedDraft.by))
        ).one_or_none()
    if found is None:
        raise NotFound(gettext("This draft was sent, or dropped some time ago."))
    return found


def name_of(person: User | None) -> str:
    return person.name if person is not None else str(gettext("Somebody"))


@chore("desk.forget_drafts", every=3600)
def forget_old() -> int:
    """Delete what was dropped a day ago, and what lies forgotten in conversations that are done; return how many."""
    at = now()
    finished = select(Conversation.id).where(
        Conversation.id == SharedDraft.conversation_id, Conversation.state.in_(DONE)
    )
    ids = db.session.scalars(
        select(SharedDraft.id)
        .where(or_(SharedDraft.dropped_at < at - STAYS, (SharedDraft.at < at - FORGOTTEN) & finished.exists()))
        .order_by(SharedDraft.id)
        .limit(MOST_AT_ONCE)
    ).all()
    if ids:
        db.session.execute(delete(SharedDraft).where(SharedDraft.id.in_(ids)))
    db.session.commit()
    return len(ids)


def _require(by: User) -> None:
    if not policy.may_work(by):
        raise NotAllowed


def _open(conversation: Conversation) -> SharedDraft | None:
    """Return the draft as it is now; the caller holds the conversation."""
    return db.session.scalars(
        select(SharedDraft)
        .where(SharedDraft.conversation_id == conversation.id, SharedDraft.dropped_at.is_(None))
        .options(joinedload(SharedDraft.by))
        .execution_options(populate_existing=True)
    ).one_or_none()


def _had_it(draft: SharedDraft, version: int | None, *, by: User) -> bool:
    """Tell whether who had this version before them loses no word of others: it is the last, or all since is their own.

    The page saves by itself, so what is sent may be one version behind what the same person saved a moment ago.
    """
    return draft.version == version or (draft.by_id == by.id and (version or 0) >= draft.turn_from - 1)


def _has_left(conversation: Conversation, text: str, *, since: int, by: User) -> bool:
    """Tell whether the page saves by itself what its writer has sent already: the one overtook the other."""
    sent = db.session.scalars(
        select(Message.text).where(
            Message.conversation_id == conversation.id,
            Message.id > since,
            Message.direction == "out",
            Message.by_id == by.id,
        )
    )
    return bool(text.strip()) and any(one.startswith(text.strip()) for one in sent)


def _recent(conversation: Conversation) -> SharedDraft | None:
    return db.session.scalars(
        select(SharedDraft)
        .where(SharedDraft.conversation_id == conversation.id, SharedDraft.dropped_at.is_not(None))
        .order_by(SharedDraft.dropped_at.desc(), SharedDraft.id.desc())
        .limit(1)
    ).first()


def _write(draft: SharedDraft, written: Written, text: str, *, by: User) -> None:
    uses = list(dict.fromkeys(written.uses))[:MOST_USES]
    before = (draft.text, draft.is_public, draft.split, draft.uses)
    if before == (text, written.is_public, written.split, uses):
        return
    if text != draft.text:
        is_behind = written.version not in {None, draft.version} and draft.text not in text
        if draft.text and (draft.by_id != by.id or is_behind):
            _keep_beside(draft, draft.text, by=draft.by)
        if draft.by_id != by.id:
            draft.turn_from = draft.version + 1
        draft.by, draft.at, draft.seen_id = by, now(), written.seen
        draft.drafters = sorted({*draft.drafters, by.id})
        if draft.for_id is not None and draft.for_id != by.id:
            draft.for_id = None
    draft.text, draft.is_public, draft.split, draft.uses = text, written.is_public, written.split, uses
    draft.version += 1
    if written.held_id is not None and _own_held(written.held_id, by) is not None:
        draft.held_id = written.held_id


def _keep_beside(draft: SharedDraft, text: str, *, by: User | None) -> None:
    """Keep a text of the draft that another one takes the place of; of very many only the latest."""
    db.session.add(EarlierDraft(draft_id=draft.id, text=text, by=by, at=now()))
    db.session.flush()
    latest = (
        select(EarlierDraft.id)
        .where(EarlierDraft.draft_id == draft.id)
        .order_by(EarlierDraft.id.desc())
        .limit(MOST_EARLIER)
    )
    db.session.execute(
        delete(EarlierDraft).where(EarlierDraft.draft_id == draft.id, EarlierDraft.id.not_in(latest.scalar_subquery()))
    )


def _pass_on(draft: SharedDraft, to: User, *, by: User) -> None:
    draft.for_id = to.id
    db.session.flush()
    db.session.expire(draft, ["meant_for"])
    conversation = db.session.get_one(Conversation, draft.conversation_id)
    audit.record("desk.draft.hand", conversation, by=by, after={"to": to.id})
    notifications.notify(
        to,
        kind="draft_handed",
        key=f"draft_handed:{draft.id}:{draft.version}:{to.id}",
        url=f"/desk/conversations/{draft.conversation_id}#composer",
        data={"name": by.name},
    )


def _drop(draft: SharedDraft, *, by: User) -> None:
    draft.dropped_at, draft.dropped_by = now(), by
    db.session.flush()
    audit.record("desk.draft.drop", db.session.get_one(Conversation, draft.conversation_id), by=by)


def _own_held(held_id: int, by: User) -> HeldReply | None:
    held = db.session.get(HeldReply, held_id) if 0 < held_id <= LARGEST_ID else None
    return held if held is not None and held.by_id == by.id and held.state == "back" else None


def _drafters_of_held(held_id: int | None, *, by: User) -> set[int]:
    held = None if held_id is None else _own_held(held_id, by)
    return set() if held is None else set(held.drafters)


@notifications.kind("draft_handed", group="tasks")
def _draft_handed(notification: Notification) -> str:
    return str(gettext("%(name)s hands you a draft to go on with.", name=notification.data.get("name", "")))
