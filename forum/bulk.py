"""One deed for many topics, each with its own line in the log, and the way back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from flask_babel import gettext, lazy_gettext
from sqlalchemy import select, update

from accounts import audit
from accounts.models import User
from core import choosing
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, KlinkeError, NotAllowed
from forum import arranging, closing, policy, targets
from forum.models import BulkDeed, Category, Topic

MOST_TOPICS: Final = 100
DEEDS: Final = {
    "duplicate": lazy_gettext("Close as duplicates"),
    "close": lazy_gettext("Close"),
    "reopen": lazy_gettext("Reopen"),
    "move": lazy_gettext("Move to the category"),
    "tag": lazy_gettext("Add a tag"),
    "untag": lazy_gettext("Take a tag away"),
    "pin": lazy_gettext("Pin"),
    "unpin": lazy_gettext("Unpin"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be done; each deed takes what it needs."""

    reason: str = ""
    category: Category | None = None
    tag: str = ""
    target: str = ""


@dataclass(slots=True)
class Outcome:
    """What became of it: how many topics changed, and why others did not."""

    deed: BulkDeed | None = None
    changed: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    """A sentence by the id of the topic."""


def do(deed: str, topics: Sequence[Topic], *, wanted: Wanted, by: User) -> Outcome:
    """Do one deed to many topics; what cannot be done to one does not keep it from the others.

    Raises `Invalid` when the deed itself cannot be done to any topic.
    """
    _ask_policy(by)
    act = _act_of(deed, wanted, by)
    choosing.require_some(
        topics,
        most=MOST_TOPICS,
        field="topics",
        none=gettext("Please choose a question."),
        too_many=gettext("%(most)s questions at once, please.", most=MOST_TOPICS),
    )
    outcome = Outcome()
    changes = []
    for topic in sorted(topics, key=lambda it: it.id):
        before = state(topic)
        try:
            with db.session.begin_nested():
                act(topic)
        except KlinkeError as error:
            db.session.expire(topic)
            outcome.refused[topic.id] = error.sentence or str(error.title)
            continue
        after = state(topic)
        if after != before:
            changes.append({"topic_id": topic.id, "before": before, "after": after})
    outcome.changed = len(changes)
    if changes:
        outcome.deed = BulkDeed(deed=deed, reason=wanted.reason, changes=changes, by_id=by.id, at=now())
        db.session.add(outcome.deed)
        db.session.flush()
        audit.record("forum.bulk.do", outcome.deed, by=by, reason=wanted.reason, after=_summary(deed, changes))
    return outcome


def undo(done: BulkDeed, *, by: User) -> Outcome:
    """Bring the topics back to what they were; those that somebody changed since stay as they are now."""
    _ask_policy(by)
    first = db.session.scalar(
        update(BulkDeed)
        .where(BulkDeed.id == done.id, BulkDeed.undone_at.is_(None))
        .values(undone_at=now())
        .returning(BulkDeed.id)
    )
    if first is None:
        raise Conflict(gettext("This has been undone already."))
    db.session.refresh(done)
    outcome = Outcome(deed=done)
    for change in done.changes:
        topic = db.session.get(Topic, change["topic_id"])
        if topic is None:
            continue  # merged into another one since
        if state(topic) != change["after"]:
            outcome.refused[topic.id] = gettext("Somebody changed this question since; it stays as it is.")
            continue
        try:
            with db.session.begin_nested():
                _put_back(topic, change["before"], by=by)
        except KlinkeError as error:
            db.session.expire(topic)
            outcome.refused[topic.id] = error.sentence or str(error.title)
        else:
            outcome.changed += 1
    audit.record("forum.bulk.undo", done, by=by, before=_summary(done.deed, done.changes))
    return outcome


def latest(limit: int) -> list[BulkDeed]:
    """Return what was done last, the newest first."""
    return list(db.session.scalars(select(BulkDeed).order_by(BulkDeed.id.desc()).limit(limit)).unique())


def state(topic: Topic) -> dict[str, Any]:
    """Return everything of a topic that these deeds change."""
    db.session.expire(topic, ["tag_line"])
    pin = arranging.pin_of(topic)
    return {
        "category_id": topic.category_id,
        "tags": topic.tag_names,
        "closing": closing.state(topic),
        "pinned": pin is not None,
        "pinned_until": None if pin is None or pin.until is None else pin.until.isoformat(),
    }


def _act_of(deed: str, wanted: Wanted, by: User) -> Callable[[Topic], object]:
    if deed not in DEEDS:
        raise _refused("deed", gettext("Please choose one of the list."))
    if deed == "duplicate":
        target = targets.named(wanted.target, viewer=by)
        return lambda topic: closing.close_as_duplicate(topic, target=target, by=by, reason=wanted.reason)
    if deed == "close":
        if not wanted.reason.strip():
            raise _refused("reason", gettext("Please give a reason; everybody reads it."))
        return lambda topic: closing.close(topic, by=by, reason=wanted.reason)
    if deed == "move":
        return _mover(wanted.category, by)
    if deed in {"tag", "untag"}:
        return _tagger(wanted.tag, by, adds=deed == "tag")
    plain: dict[str, Callable[[Topic], object]] = {
        "reopen": lambda topic: closing.reopen(topic, by=by, reason=wanted.reason),
        "pin": lambda topic: arranging.pin(topic, by=by),
        "unpin": lambda topic: arranging.unpin(topic, by=by),
    }
    return plain[deed]


def _mover(category: Category | None, by: User) -> Callable[[Topic], object]:
    if category is None:
        raise _refused("category", gettext("Please choose a category."))
    return lambda topic: arranging.move(topic, category=category, by=by)


def _tagger(tag: str, by: User, *, adds: bool) -> Callable[[Topic], object]:
    word = arranging.one_tag(tag, by=by)

    def change(topic: Topic) -> None:
        names = [name for name in topic.tag_names if name != word]
        arranging.retag(topic, names=[*names, word] if adds else names, by=by)

    return change


def _put_back(topic: Topic, was: dict[str, Any], *, by: User) -> None:
    closing.put_back(topic, was["closing"], by=by)
    category = db.session.get(Category, was["category_id"])
    if category is not None:
        arranging.move(topic, category=category, by=by)
    arranging.retag(topic, names=was["tags"], by=by)
    if was["pinned"]:
        arranging.pin_again(topic, until=was["pinned_until"], by=by)
    else:
        arranging.unpin(topic, by=by)


def _summary(deed: str, changes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"deed": deed, "topics": [change["topic_id"] for change in changes]}


def _ask_policy(by: User) -> None:
    if not policy.may_arrange_topics(by):
        raise NotAllowed(gettext("Only moderators can arrange questions."))


def _refused(name: str, sentence: str) -> Invalid:
    return Invalid(sentence, fields={name: sentence})
