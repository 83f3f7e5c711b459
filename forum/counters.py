"""The numbers kept beside the rows they count: `flask doctor` checks them, `flask forum recount` repairs them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import aliased

from core.db import db
from forum.models import (
    Acceptance,
    Assignment,
    Closing,
    Duplicate,
    Experience,
    InfoRequest,
    MeToo,
    Muting,
    Post,
    Topic,
    Vote,
)


def complaints() -> Iterator[str]:
    """Yield a sentence for every counter that is not what is counted."""
    for row in db.session.execute(_wrong_answer_counts()):
        yield f"Topic {row.id} says {row.kept} answers and has {row.counted}; `flask forum recount` repairs it."
    for has_worked, words in ((True, "worked"), (False, "did not work")):
        for wrong in db.session.execute(_wrong_experience_counts(has_worked=has_worked)):
            yield (
                f"The solution of topic {wrong.topic_id} says it {words} for {wrong.kept} people, it did for "
                f"{wrong.counted}; `flask forum recount` repairs it."
            )
    for row in db.session.execute(_wrong_helpful_counts()):
        yield f"Post {row.id} says {row.kept} times helpful, it is {row.counted}; `flask forum recount` repairs it."
    for topic_id, closing in db.session.execute(_wrong_closings()):
        what = "closed and nobody closed it" if closing is None else "open and somebody closed it"
        yield f"Topic {topic_id} is {what}; `flask forum recount` repairs it."
    for wrong_request in db.session.execute(_wrong_requests()):
        yield (
            f"Topic {wrong_request.id} says its asker is waited for, or not, and it is otherwise; "
            "`flask forum recount` repairs it."
        )
    for wrong_holder in db.session.execute(_wrong_assignments()):
        yield (
            f"Topic {wrong_holder.id} says somebody has it, or nobody, and it is otherwise; "
            "`flask forum recount` repairs it."
        )
    for row in db.session.execute(_wrong_me_too_counts()):
        yield f"Topic {row.id} says {row.kept} people share it, {row.counted} do; `flask forum recount` repairs it."


def recount() -> int:
    """Set every counter to what is counted; return how many were wrong. The caller commits."""
    wrong = 0
    states: tuple[tuple[Any, Any, str], ...] = (
        (_wrong_answer_counts(), Topic, "answer_count"),
        (_wrong_helpful_counts(), Post, "helpful_count"),
        (_wrong_me_too_counts(), Topic, "me_too_count"),
        (_wrong_experience_counts(has_worked=True), Acceptance, "worked_count"),
        (_wrong_experience_counts(has_worked=False), Acceptance, "failed_count"),
        (_wrong_requests(), Topic, "info_post_id"),
        (_wrong_assignments(), Topic, "taken_until"),
    )
    for statement, model, column in states:
        rows = list(db.session.execute(statement))
        for row in rows:
            db.session.execute(update(model).where(model.id == row.id).values({column: row.counted}))
        wrong += len(rows)
    closings = db.session.execute(_wrong_closings()).all()
    for topic_id, closing_id in closings:
        kept = None if closing_id is None else "duplicate" if _leads(topic_id) else "closed"
        db.session.execute(update(Topic).where(Topic.id == topic_id).values(closed_as=kept))
    return wrong + len(closings)


def last_activity(topic_id: int) -> datetime:
    """Return when somebody last wrote what is not muted there: the order of a list must not tell of the rest."""
    own, above = aliased(Muting), aliased(Muting)
    latest = db.session.scalar(
        select(func.max(Post.created_at)).where(
            Post.topic_id == topic_id,
            ~select(own.id).where(own.post_id == Post.id).correlate(Post).exists(),
            ~select(above.id).where(above.post_id == Post.parent_id).correlate(Post).exists(),
        )
    )
    assert latest is not None  # noqa: S101 -- for the type checker: there is the question, which is muted as its topic
    return latest


def settle(topic: Topic) -> None:
    """Set the numbers of one topic after posts, or people with the same problem, came or went."""
    is_muted = select(Muting.id).where(Muting.post_id == Post.id).exists()
    counted = select(func.count(Post.id)).where(Post.topic_id == topic.id, Post.kind == "answer", ~is_muted)
    topic.answer_count = db.session.scalar(counted) or 0
    same = select(func.count()).select_from(MeToo).where(MeToo.topic_id == topic.id)
    topic.me_too_count = db.session.scalar(same) or 0
    topic.last_activity_at = last_activity(topic.id)
    db.session.flush()


def _wrong_closings() -> Select[int, int | None]:
    return (
        select(Topic.id, Closing.id)
        .outerjoin(Closing, Closing.topic_id == Topic.id)
        .where(Topic.closed_as.is_(None) != Closing.id.is_(None))
        .order_by(Topic.id)
    )


def _leads(topic_id: int) -> bool:
    to_topic = select(Duplicate.id).where(Duplicate.topic_id == topic_id)
    to_place = select(Closing.id).where(Closing.topic_id == topic_id, Closing.place_kind.is_not(None))
    return any(db.session.scalar(statement.limit(1)) is not None for statement in (to_topic, to_place))


def _wrong_requests() -> Select[int, int | None, int | None]:
    return (
        select(Topic.id, Topic.info_post_id.label("kept"), InfoRequest.post_id.label("counted"))
        .outerjoin(InfoRequest, InfoRequest.topic_id == Topic.id)
        .where(Topic.info_post_id.is_distinct_from(InfoRequest.post_id))
        .order_by(Topic.id)
    )


def _wrong_assignments() -> Select[int, datetime | None, datetime | None]:
    return (
        select(Topic.id, Topic.taken_until.label("kept"), Assignment.until.label("counted"))
        .outerjoin(Assignment, Assignment.topic_id == Topic.id)
        .where(Topic.taken_until.is_distinct_from(Assignment.until))
        .order_by(Topic.id)
    )


def _wrong_answer_counts() -> Select[int, int, int]:
    is_muted = select(Muting.id).where(Muting.post_id == Post.id).exists()
    counted = (
        select(func.count(Post.id))
        .where(Post.topic_id == Topic.id, Post.kind == "answer", ~is_muted)
        .correlate(Topic)
        .scalar_subquery()
    )
    return select(Topic.id, Topic.answer_count.label("kept"), counted.label("counted")).where(
        Topic.answer_count != counted
    )


def _wrong_me_too_counts() -> Select[int, int, int]:
    counted = select(func.count()).select_from(MeToo).where(MeToo.topic_id == Topic.id).correlate(Topic)
    number = counted.scalar_subquery()
    return select(Topic.id, Topic.me_too_count.label("kept"), number.label("counted")).where(
        Topic.me_too_count != number
    )


def _wrong_helpful_counts() -> Select[int, int, int]:
    votes = select(func.count()).select_from(Vote).where(Vote.post_id == Post.id).correlate(Post).scalar_subquery()
    counted = Post.imported_score + Post.guest_count + votes
    return select(Post.id, Post.helpful_count.label("kept"), counted.label("counted")).where(
        Post.helpful_count != counted
    )


def _wrong_experience_counts(*, has_worked: bool) -> Select[int, int, int, int]:
    kept = Acceptance.worked_count if has_worked else Acceptance.failed_count
    counted = (
        select(func.count(Experience.id))
        .where(Experience.post_id == Acceptance.post_id, Experience.has_worked.is_(has_worked))
        .correlate(Acceptance)
        .scalar_subquery()
    )
    return select(Acceptance.id, kept.label("kept"), counted.label("counted"), Acceptance.topic_id).where(
        kept != counted
    )
