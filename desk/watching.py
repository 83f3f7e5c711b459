"""Watching after a serious complaint is closed: what its author writes in public is looked at for some days.

It begins by itself when such a conversation is closed, and ends by itself. Public words alone are watched, on every
channel on which the person is known; the first that are negative open the old conversation again and alarm who had it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import BindParameter, ColumnElement, ScalarSelect, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, lazyload

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import i18n
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import listens_to
from core.settings import current_settings
from core.unique import add_once
from desk import absences, conversations, listing, persons, policy, queries, reasons
from desk.events import ConversationClosed, PublicMessageJudged
from desk.filters import DONE
from desk.listing import View
from desk.models import Contact, Conversation, Message
from desk.reasons import Reason
from desk.triage.priority import BAND
from desk.triage.shown import INTENT_NAMES
from desk.triage.tables import MessageJudgement
from desk.watch_models import CaseWatch, CaseWatchHit
from forum import notifications
from forum.models import Notification

LONGEST_DAYS: Final = 365
MOST_HITS: Final = 10
MOST_WATCHES: Final = 20
NEGATIVE: Final = -1
"""From this mood down a message is negative."""
_COMPLAINTS: Final = ("complaint", "implicit")


@dataclass(frozen=True, slots=True)
class Hit:
    """A public message that a watch caught, for the page of either conversation."""

    message: Message
    watch: CaseWatch


@dataclass(frozen=True, slots=True)
class Beside:
    """What a page of a conversation shows: its own watch, what that caught, and the older case it belongs to."""

    watch: CaseWatch | None = None
    caught: Sequence[Hit] = ()
    of_others: Sequence[CaseWatch] = ()
    """Watches of other conversations of the person, which something here set off."""


@listens_to(ConversationClosed)
def consider(event: ConversationClosed) -> None:
    """Begin to watch where what was closed is a serious complaint; once for each closing."""
    days = current_settings().watch_days
    if not days:
        return
    conversation = conversations.locked(event.conversation_id)
    standing = _standing(conversation)
    if conversation.state not in DONE or (standing is not None and standing.alarmed_at is None):
        return
    since = _last_end(conversation) if standing is None else standing.since
    because = what_is_serious(conversation, since=since) if _wrote_in_public(conversation) else {}
    if because:
        if standing is not None:  # it did what it was for; what follows this closing is another
            standing.ended_at = now()
            db.session.flush()
        _begin(conversation, until=now() + timedelta(days=days), because=because, by=None)


def what_is_serious(conversation: Conversation, *, since: datetime | None = None) -> dict[str, Any]:
    """Return what makes a conversation a serious complaint, by the settings; empty where nothing does.

    With `since` only what was written after that moment counts: what a watch was ended for begins no second one.
    """
    settings = current_settings()
    wanted = [MessageJudgement.conversation_id == conversation.id]
    if since is not None:
        wanted.append(MessageJudgement.at > since)
    rows = db.session.execute(
        select(MessageJudgement.intent, func.max(MessageJudgement.heat))
        .where(*wanted, MessageJudgement.intent.in_(_COMPLAINTS), MessageJudgement.sentiment <= NEGATIVE)
        .group_by(MessageJudgement.intent)
    ).all()
    if not rows:
        return {}
    heats = {row[0]: row[1] for row in rows}
    heat, band = max(heats.values()), conversation.priority // BAND + 1
    found: dict[str, Any] = {}
    if settings.watch_from_heat and heat >= settings.watch_from_heat:
        found["heat"] = heat
    if settings.watch_from_band and band >= settings.watch_from_band:
        found["band"] = band
    return {"intent": next(name for name in _COMPLAINTS if name in heats), **found} if found else {}


@listens_to(PublicMessageJudged)
def look(event: PublicMessageJudged) -> None:
    """Catch a negative public message of somebody who is watched; what was caught before is not caught again."""
    message = db.session.get(Message, event.message_id)
    judgement = db.session.scalars(
        select(MessageJudgement).where(MessageJudgement.message_id == event.message_id)
    ).one_or_none()
    if message is None or judgement is None or not message.is_public or not is_negative(judgement):
        return
    contact_id = message.contact_id or message.conversation.contact_id
    watches = db.session.scalars(
        select(CaseWatch)
        .join(Conversation, Conversation.id == CaseWatch.conversation_id)
        .where(
            is_watched(now()),
            CaseWatch.since <= message.received_at,
            Conversation.contact_id.in_(persons.ids_of(contact_id)),
        )
        .order_by(CaseWatch.conversation_id, CaseWatch.id)
        .limit(MOST_WATCHES)
    ).all()
    for watch in watches:
        if add_once(CaseWatchHit, watch_id=watch.id, message_id=message.id, at=now()):
            _catch(watch, message)


def is_negative(judgement: MessageJudgement) -> bool:
    """Tell whether it is unhappy, or heated without being glad; what it wants says nothing of that."""
    return judgement.sentiment <= NEGATIVE or (judgement.heat > 0 and judgement.sentiment <= 0)


def begin(conversation: Conversation, *, days: int, by: User) -> CaseWatch:
    """Watch the person of a conversation from now on, or so many days longer from today."""
    _require(by)
    until = now() + timedelta(days=_days(days))
    conversations.locked(conversation.id)
    standing = _standing(conversation)
    if standing is None:
        return _begin(conversation, until=until, because={}, by=by)
    before = standing.until
    standing.until = until
    db.session.flush()
    audit.record(
        "desk.watch.change",
        conversation,
        by=by,
        before={"until": before.isoformat()},
        after={"until": until.isoformat()},
    )
    return standing


def end(conversation: Conversation, *, by: User) -> None:
    """Watch no longer. Raise `Conflict` where nobody does."""
    _require(by)
    conversations.locked(conversation.id)
    standing = _standing(conversation)
    if standing is None:
        raise Conflict(gettext("Nothing is watched here any more."))
    standing.ended_at, standing.ended_by_id = now(), by.id
    db.session.flush()
    audit.record("desk.watch.end", conversation, by=by)


def beside(conversation: Conversation, *, viewer: Viewer) -> Beside:
    """Return what there is of watches beside a conversation."""
    if not policy.may_work(viewer):
        return Beside()
    own = db.session.scalars(
        select(CaseWatch)
        .where(CaseWatch.conversation_id == conversation.id)
        .order_by(CaseWatch.id.desc())
        .limit(1)
        .options(joinedload(CaseWatch.begun_by))
    ).first()
    hits = db.session.scalars(
        select(CaseWatchHit)
        .join(CaseWatchHit.watch)
        .join(CaseWatchHit.message)
        .where(or_(CaseWatch.conversation_id == conversation.id, Message.conversation_id == conversation.id))
        .order_by(CaseWatchHit.id.desc())
        .limit(MOST_HITS)
        .options(
            joinedload(CaseWatchHit.watch),
            joinedload(CaseWatchHit.message).options(
                lazyload(Message.by), joinedload(Message.contact).lazyload(Contact.channel), joinedload(Message.channel)
            ),
        )
    ).all()
    caught = [Hit(one.message, one.watch) for one in hits if one.watch.conversation_id == conversation.id]
    others = {one.watch.id: one.watch for one in hits if one.watch.conversation_id != conversation.id}
    return Beside(own, caught, list(others.values()))


def is_there(conversation_id: BindParameter[int]) -> ColumnElement[bool]:
    """Return the clause for whether there is, or was, a watch of this conversation."""
    return CaseWatch.conversation_id == conversation_id


def is_watched(at: datetime) -> ColumnElement[bool]:
    """Return the clause for a watch that still runs."""
    return and_(CaseWatch.ended_at.is_(None), CaseWatch.until > at)


def why(watch: CaseWatch) -> str:
    """Say why somebody is watched, in words."""
    said = watch.because
    parts = []
    if "intent" in said:
        parts.append(str(INTENT_NAMES[said["intent"]]))
    if "heat" in said:
        parts.append(gettext("heat %(heat)s of 3", heat=said["heat"]))
    if "band" in said:
        parts.append(gettext("priority %(band)s of 5", band=said["band"]))
    if parts:
        return ", ".join(parts)
    name = watch.begun_by.name if watch.begun_by is not None else gettext("Somebody")
    return str(gettext("%(name)s wanted it", name=name))


def in_words(watch: CaseWatch) -> str:
    """Say since when, until when and why somebody is watched."""
    return str(
        gettext(
            "watched since %(since)s, until %(until)s, because: %(why)s",
            since=i18n.moment(watch.since),
            until=i18n.moment(watch.until),
            why=why(watch),
        )
    )


@reasons.register
def because_it_is_watched(conversation: Conversation, viewer: Viewer) -> Iterable[Reason]:
    """Say that a conversation is watched, or that something in it set off the watch of an older one."""
    found = beside(conversation, viewer=viewer)
    if found.watch is not None and runs(found.watch):
        yield Reason(gettext("Watched"), in_words(found.watch))
    if found.caught:
        first = found.caught[-1].message
        yield Reason(
            gettext("Opened again"),
            gettext(
                "Its author wrote negatively in public on %(channel)s, %(when)s.",
                channel=first.channel.name,
                when=i18n.ago(first.created_at),
            ),
        )
    for watch in found.of_others:
        yield Reason(gettext("An earlier complaint"), in_words(watch))


def runs(watch: CaseWatch) -> bool:
    return watch.ended_at is None and watch.until > now()


def _catch(watch: CaseWatch, message: Message) -> None:
    """Open the old conversation where it is done, and alarm who had it, the first time only."""
    conversation = conversations.locked(watch.conversation_id)
    if conversation.state in DONE:
        conversations.turn(conversation, "open", by=None, reason="watched")
    if watch.alarmed_at is not None:
        return
    watch.alarmed_at = now()
    notifications.notify_each(
        _who_had_it(conversation),
        kind="watch_alarm",
        key=f"watch:{watch.id}",
        url=f"/desk/conversations/{conversation.id}",
        data={
            "name": (conversation.contact.name or conversation.contact.handle)[:80],
            "channel": message.channel.name,
        },
    )
    db.session.flush()


def _who_had_it(conversation: Conversation) -> Sequence[int]:
    """Return who has it, or answered last; who stands in for them; else everybody at the desk."""
    had = conversation.assignee_id or db.session.scalar(
        select(Message.by_id)
        .where(Message.conversation_id == conversation.id, Message.direction == "out", Message.by_id.is_not(None))
        .order_by(Message.id.desc())
        .limit(1)
    )
    agents = {agent.id for agent in queries.agents()}
    if had is not None:
        away: Mapping[int, int | None] = absences.away({had})
        there = away.get(had, had)
        if there in agents:
            return [there]
    return sorted(agents)


def _begin(conversation: Conversation, *, until: datetime, because: dict[str, Any], by: User | None) -> CaseWatch:
    over = db.session.scalars(
        select(CaseWatch).where(CaseWatch.conversation_id == conversation.id, CaseWatch.ended_at.is_(None))
    ).first()
    if over is not None:  # its time was up; the new one is another
        over.ended_at = over.until
        db.session.flush()
    watch = CaseWatch(
        conversation_id=conversation.id,
        since=now(),
        until=until,
        because=because,
        begun_by=by,
    )
    db.session.add(watch)
    db.session.flush()
    audit.record(
        "desk.watch.begin", conversation, by=by, after={"watch": watch.id, "until": until.isoformat(), **because}
    )
    return watch


def _standing(conversation: Conversation) -> CaseWatch | None:
    """Return the watch that runs; the caller holds the conversation."""
    return db.session.scalars(
        select(CaseWatch)
        .where(CaseWatch.conversation_id == conversation.id, is_watched(now()))
        .options(joinedload(CaseWatch.begun_by))
        .execution_options(populate_existing=True)
    ).first()


def _last_end(conversation: Conversation) -> datetime | None:
    return db.session.scalar(
        select(func.max(func.coalesce(CaseWatch.ended_at, CaseWatch.until))).where(
            CaseWatch.conversation_id == conversation.id
        )
    )


def _wrote_in_public(conversation: Conversation) -> bool:
    """Tell whether the person is known on a channel where anybody reads along: elsewhere there is nothing to watch."""
    known = select(Message.id).where(
        Message.contact_id.in_(persons.ids_of(conversation.contact_id)), Message.is_public.is_(True)
    )
    return db.session.scalar(known.limit(1)) is not None


def _days(days: int) -> int:
    if not 1 <= days <= LONGEST_DAYS:
        sentence = gettext("From 1 to %(most)s days, please.", most=LONGEST_DAYS)
        raise Invalid(sentence, fields={"days": sentence})
    return days


def _require(by: User) -> None:
    if not policy.may_work(by):
        raise NotAllowed


@notifications.kind("watch_alarm", group="alarms", at_once=True)
def _watch_alarm(notification: Notification) -> str:
    return str(
        gettext(
            "%(name)s, whose complaint was closed, writes negatively in public again: on %(channel)s.",
            name=notification.data.get("name", ""),
            channel=notification.data.get("channel", ""),
        )
    )


def _ids(at: datetime) -> Select[int]:
    return select(CaseWatch.conversation_id).where(is_watched(at))


def _count(viewer: Viewer, at: datetime) -> ScalarSelect[int]:
    seen = (is_watched(at), queries.conversations_visible_to(viewer))
    return select(func.count()).select_from(CaseWatch).where(*seen).scalar_subquery()


listing.contribute(
    View(
        key="watched",
        name=_l("Watched"),
        where=lambda _viewer, at: Conversation.id.in_(_ids(at)),
        count=_count,
    )
)
