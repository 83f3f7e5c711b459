"""Closing: a topic takes no more answers, because it was asked before or for a reason of the team.

A topic that leads elsewhere always leads somewhere: its target can be read by everybody, chains of targets are followed
to their end, and a target that goes takes the closing with it.
"""

from collections.abc import Iterable
from typing import Any

from flask_babel import gettext
from sqlalchemy import func, select, update

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import outbox
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.turns import take_turn
from forum import info_requests, limits, policy, queries, targets
from forum.events import TopicClosed, TopicReopened
from forum.models import Closing, Duplicate, Topic
from forum.targets import FIELD, Target
from search import registry

TURN = "forum.arranging"
"""Who closes, merges or splits waits for whoever does: two at once could make a circle that neither sees."""
MOST_ASKED = 50


def close_as_duplicate(topic: Topic, *, target: Topic | Target, by: User, reason: str = "") -> Closing:
    """Say that a question was asked before and lead its readers to the answer; an earlier target is replaced."""
    _ask_policy(by)
    reason = limits.public_reason(reason, by=by) if reason.strip() else ""
    begin(topic)
    info_requests.forget(topic)
    before = state(topic)
    if isinstance(target, Topic):
        _refuse_topic(topic, target)
    else:
        _refuse_place(target)
    _forget(topic)
    closing = _closing(topic)
    closing.reason, closing.by_id, closing.at = reason, by.id, now()
    if isinstance(target, Topic):
        closing.place_kind = closing.place_id = None
        db.session.add(Duplicate(topic_id=topic.id, target_id=target.id, by_id=by.id))
    else:
        closing.place_kind, closing.place_id = target.kind, target.id
    topic.closed_as = "duplicate"
    db.session.flush()
    audit.record("forum.topic.close_as_duplicate", topic, by=by, reason=reason, before=before, after=state(topic))
    outbox.publish(TopicClosed(topic.id))
    return closing


def close(topic: Topic, *, by: User, reason: str) -> Closing:
    """Take no more answers and comments, for a reason that everybody reads."""
    _ask_policy(by)
    reason = limits.public_reason(reason, by=by)
    begin(topic)
    info_requests.forget(topic)
    before = state(topic)
    _forget(topic)
    closing = _closing(topic)
    closing.reason, closing.by_id, closing.at = reason, by.id, now()
    closing.place_kind = closing.place_id = None
    topic.closed_as = "closed"
    db.session.flush()
    audit.record("forum.topic.close", topic, by=by, reason=reason, before=before, after=state(topic))
    outbox.publish(TopicClosed(topic.id))
    return closing


def close_for_silence(topic: Topic, *, reason: str) -> bool:
    """Take no more answers because the asker said nothing; who calls has looked whether it is time."""
    begin(topic)
    if not topic.waits_for_asker:
        return False
    before = state(topic)
    closing = _closing(topic)
    closing.reason, closing.by_id, closing.at = reason, None, now()
    closing.place_kind = closing.place_id = None
    topic.closed_as = "closed"
    db.session.flush()
    audit.record("forum.topic.close_for_silence", topic, by=None, reason=reason, before=before, after=state(topic))
    outbox.publish(TopicClosed(topic.id))
    return True


def hear_asker(topic: Topic, *, by: User) -> None:
    """Wait no more for the asker, who is about to say something; what was closed for that alone is open again."""
    if topic.info_post_id is None or by.id != topic.asker_id:
        return
    begin(topic)
    if topic.is_closed_for_silence:
        _reopen(topic, by=by, reason=gettext("its asker replied"))
    info_requests.forget(topic)


def reopen(topic: Topic, *, by: User, reason: str = "") -> None:
    """Take answers again, and lead nowhere any more; what is open and no duplicate stays as it is."""
    _ask_policy(by)
    begin(topic)
    _reopen(topic, by=by, reason=reason)


def target_of(topic: Topic, *, viewer: Viewer) -> Target | None:
    """Return where a duplicate leads in the end, as far as the viewer may see; None for what is no duplicate."""
    found, seen = None, {topic.id}
    here: Topic | None = topic
    while here is not None:
        if here.closed_as == "duplicate" and (place := place_of(here)) is not None:
            return targets.at(*place, viewer=viewer) or found
        here = queries.duplicate_of(here, viewer=viewer)
        if here is None or here.id in seen:
            break
        seen.add(here.id)
        found = targets.of_topic(here)
    return found


def closing_of(topic: Topic) -> Closing | None:
    """Return who closed a topic, when and why."""
    return db.session.scalars(select(Closing).where(Closing.topic_id == topic.id)).unique().first()


def place_of(topic: Topic) -> tuple[str, int] | None:
    """Return kind and id of the page of another room that a duplicate leads to."""
    closing = closing_of(topic)
    if closing is None or closing.place_kind is None or closing.place_id is None:
        return None
    return closing.place_kind, closing.place_id


def leading_to(topic: Topic, *, closed_only: bool = False) -> list[Topic]:
    """Return the topics that lead to this one; some of an import are not closed and take answers themselves."""
    statement = select(Topic).join(Duplicate, Duplicate.topic_id == Topic.id).where(Duplicate.target_id == topic.id)
    if closed_only:
        statement = statement.where(Topic.closed_as == "duplicate")
    return list(db.session.scalars(statement.order_by(Topic.id)).unique())


def count_leading_to_place(kind: str, place_id: int) -> int:
    """Return how many topics lead to a page of another room."""
    statement = select(func.count(Closing.id)).where(Closing.place_kind == kind, Closing.place_id == place_id)
    return db.session.scalar(statement) or 0


def release(topics: Iterable[Topic], *, target: Topic, by: User) -> None:
    """Let topics lead to `target` no more, because it is going; who calls has asked the policy."""
    for topic in topics:
        others = [row for row in _links(topic) if row.target_id != target.id]
        if others:
            before = state(topic)
            for row in _links(topic):
                if row.target_id == target.id:
                    db.session.delete(row)
            db.session.flush()
            audit.record("forum.topic.reopen", topic, by=by, before=before, after=state(topic))
        else:
            _reopen(topic, by=by, reason=gettext("what it led to is muted"))


def release_place(kind: str, place_id: int) -> int:
    """Reopen what leads to a page of another room that not everybody can read any more; return how many that were."""
    take_turn(TURN)
    statement = select(Topic).join(Closing, Closing.topic_id == Topic.id)
    led = list(db.session.scalars(statement.where(Closing.place_kind == kind, Closing.place_id == place_id)).unique())
    for topic in led:
        _reopen(topic, by=None, reason=gettext("what it led to is no longer public"))
    return len(led)


def move_place(kind: str, from_id: int, to_id: int) -> int:
    """Have topics that lead to a page of another room lead to what took its place; return how many that were."""
    take_turn(TURN)
    moved = update(Closing).where(Closing.place_kind == kind, Closing.place_id == from_id).values(place_id=to_id)
    return db.session.execute(moved).rowcount  # type: ignore[attr-defined, no-any-return]  # an UPDATE has one


def state(topic: Topic) -> dict[str, Any]:
    """Return what the log and an undoing have to know."""
    closing = closing_of(topic)
    return {
        "closed_as": topic.closed_as,
        "reason": "" if closing is None else closing.reason,
        "targets": [row.target_id for row in _links(topic)],
        "place": None if closing is None or closing.place_kind is None else [closing.place_kind, closing.place_id],
    }


def put_back(topic: Topic, was: dict[str, Any], *, by: User) -> None:
    """Bring back what `state` said; raise `Invalid` when what it led to is not there any more."""
    begin(topic)
    if was["closed_as"] is None:
        _reopen(topic, by=by, reason="")
    elif was["closed_as"] == "closed":
        close(topic, by=by, reason=was["reason"])
    elif was["place"] is not None:
        place = targets.at(*was["place"], viewer=targets.GUEST)
        if place is None:
            raise Invalid(gettext("What this question led to is not there any more."))
        close_as_duplicate(topic, target=place, by=by, reason=was["reason"])
    for target_id in was["targets"]:
        target = db.session.get(Topic, target_id)
        if target is not None:
            db.session.expire(target, ["muting"])
        if target is None or target.is_muted:
            raise Invalid(gettext("What this question led to is not there any more."))
        if was["closed_as"] == "duplicate":
            close_as_duplicate(topic, target=target, by=by, reason=was["reason"])
        else:  # linked by an import, and not closed
            db.session.add(Duplicate(topic_id=topic.id, target_id=target.id))
            db.session.flush()


def begin(topic: Topic) -> None:
    """Wait for others who arrange, and see the topic as they left it."""
    take_turn(TURN)
    db.session.refresh(topic, ["closed_as", "info_post_id"])


def leads_to(start: Topic, wanted: Topic) -> bool:
    """Tell whether one comes from one topic to the other by following duplicates."""
    seen, ahead = set[int](), {start.id}
    while ahead:
        if wanted.id in ahead:
            return True
        seen |= ahead
        ahead = set(db.session.scalars(select(Duplicate.target_id).where(Duplicate.topic_id.in_(ahead)))) - seen
    return False


def most_asked(viewer: Viewer, *, at_least: int = 1) -> list[tuple[Target, int]]:
    """Return what was asked most often: where duplicates lead in the end, and how many questions lead there."""
    tally: dict[tuple[str, int], int] = {}
    edges = _edges(viewer)
    places = {row.topic_id: (row.place_kind, row.place_id) for row in _placed(viewer)}
    for topic_id in [*edges, *(lone for lone in places if lone not in edges)]:
        end, seen = topic_id, set[int]()
        while end in edges and end not in seen:
            seen.add(end)
            end = edges[end]
        place = places.get(end, ("topic", end))
        if place != ("topic", topic_id):
            tally[place] = tally.get(place, 0) + 1
    ranked = sorted((item for item in tally.items() if item[1] >= at_least), key=lambda item: (-item[1], item[0]))
    return _shown(ranked[:MOST_ASKED], viewer)


def _edges(viewer: Viewer) -> dict[int, int]:
    shown = select(Duplicate.topic_id, Duplicate.target_id).join(Topic, Topic.id == Duplicate.topic_id)
    rows = db.session.execute(shown.where(queries.topics_visible_to(viewer)).order_by(Duplicate.id.desc()))
    return {topic_id: target_id for topic_id, target_id in rows}  # noqa: C416 -- rows are no pairs to the type checker


def _placed(viewer: Viewer) -> Iterable[Any]:
    return db.session.execute(
        select(Closing.topic_id, Closing.place_kind, Closing.place_id)
        .join(Topic, Topic.id == Closing.topic_id)
        .where(Closing.place_kind.is_not(None), queries.topics_visible_to(viewer))
    )


def _shown(ranked: list[tuple[tuple[str, int], int]], viewer: Viewer) -> list[tuple[Target, int]]:
    kinds: dict[str, list[int]] = {}
    for (kind, ref_id), _ in ranked:
        kinds.setdefault(kind, []).append(ref_id)
    found: dict[tuple[str, int], Target] = {}
    for kind, ids in kinds.items():
        source = registry.source(kind)
        if source is not None:
            found |= {(kind, ref_id): targets.of_found(it) for ref_id, it in source.visible(ids, viewer).items()}
    return [(found[place], count) for place, count in ranked if place in found]


def _ask_policy(by: User) -> None:
    if not policy.may_arrange_topics(by):
        raise NotAllowed(gettext("Only moderators can arrange questions."))


def _refuse_topic(topic: Topic, target: Topic) -> None:
    sentence = ""
    db.session.expire(target, ["muting"])  # it may have been muted while this waited for its turn
    if target.id == topic.id:
        sentence = gettext("A question cannot lead to itself.")
    elif target.is_muted:
        sentence = gettext("This question is muted: readers who are led there would find nothing.")
    elif leads_to(target, topic):
        sentence = gettext("This question leads back to the one that you are closing.")
    if sentence:
        raise Invalid(sentence, fields={FIELD: sentence})


def _refuse_place(target: Target) -> None:
    # Asked once more, now that nobody else arranges: it may have been withdrawn meanwhile.
    if targets.at(target.kind, target.id, viewer=targets.GUEST) is None:
        sentence = gettext("Not everybody can read this page, so it cannot be what the question leads to.")
        raise Invalid(sentence, fields={FIELD: sentence})


def _reopen(topic: Topic, *, by: User | None, reason: str) -> None:
    before = state(topic)
    closing = closing_of(topic)
    if closing is None and not before["targets"]:
        return
    _forget(topic)
    info_requests.forget(topic)
    if closing is not None:
        db.session.delete(closing)
    topic.closed_as = None
    db.session.flush()
    audit.record("forum.topic.reopen", topic, by=by, reason=reason, before=before, after=state(topic))
    outbox.publish(TopicReopened(topic.id))


def _closing(topic: Topic) -> Closing:
    closing = closing_of(topic)
    if closing is None:
        closing = Closing(topic_id=topic.id)
        db.session.add(closing)
    return closing


def _links(topic: Topic) -> list[Duplicate]:
    return list(db.session.scalars(select(Duplicate).where(Duplicate.topic_id == topic.id).order_by(Duplicate.id)))


def _forget(topic: Topic) -> None:
    for row in _links(topic):
        db.session.delete(row)
    db.session.flush()
