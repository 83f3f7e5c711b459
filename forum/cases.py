"""Cases: what waits for the team, one open case a post. The deeds on them are in `forum.reviewing`."""

from datetime import timedelta

from sqlalchemy import func, select

from accounts.models import User
from core import outbox
from core.clock import now
from core.db import db
from core.unique import add_once
from forum.events import CaseDecided
from forum.models import CaseKind, Cause, Flag, FlagReason, Follow, Outcome, Post, ReviewCase, Topic

UNDO = timedelta(minutes=10)
"""So long a decision can be taken back; only then those who reported hear of it."""
PER_WEIGHT = 10
PER_FLAG = 2
FARTHEST_REACH = 20
URGENT: dict[FlagReason, int] = {"illegal": 50, "personal": 20}
HELD = 5
EDITED = 15


def open_for(post: Post, *, kind: CaseKind) -> ReviewCase:
    """Return the open case of a post, which is opened where there is none."""
    add_once(ReviewCase, post_id=post.id, kind=kind, priority=HELD if kind == "held" else 0, opened_at=now(), reason="")
    found = open_of(post.id)
    assert found is not None  # noqa: S101 -- for the type checker: it was opened one line above
    return found


def open_of(post_id: int) -> ReviewCase | None:
    """Return the open case of a post, as it is now."""
    statement = select(ReviewCase).where(ReviewCase.post_id == post_id, ReviewCase.decided_at.is_(None))
    return db.session.scalars(statement.execution_options(populate_existing=True)).first()


def lock(subject: Topic | Post) -> None:
    """Have whoever flags, mutes or decides the same post at the same moment wait until this transaction ends."""
    which = (
        (Post.topic_id == subject.id, Post.kind == "question")
        if isinstance(subject, Topic)
        else (Post.id == subject.id,)
    )
    db.session.execute(select(Post.id).where(*which).with_for_update(key_share=True))


def subject_of(post: Post) -> Topic | Post:
    """Return what is muted when this post is: of a question, the topic."""
    return post.topic if post.kind == "question" else post


def question_of(subject: Topic | Post) -> Post:
    """Return the post whose case it is."""
    if isinstance(subject, Post):
        return subject
    statement = select(Post).where(Post.topic_id == subject.id, Post.kind == "question")
    return db.session.scalars(statement).unique().one()


def settle(
    subject: Topic | Post, outcome: Outcome, *, by: User, reason: str = "", cause: Cause | None = None
) -> ReviewCase | None:
    """Close the open case of a topic or post, if there is one; who reported it hears of it later."""
    case = open_of(question_of(subject).id)
    if case is None:
        return None
    case.outcome, case.decided_by_id, case.decided_at, case.reason, case.cause = outcome, by.id, now(), reason, cause
    case.claimed_by_id = case.claimed_until = None
    db.session.flush()
    outbox.publish(CaseDecided(case.id), due_at=now() + UNDO)
    return case


def put_back(post: Post) -> None:
    """Have the queue show that the author edited what waits; who had taken the case looks anew."""
    case = open_of(post.id)
    if case is not None:
        case.claimed_by_id = case.claimed_until = None
        case.priority = ranked(case, post) + EDITED
        db.session.flush()


def ranked(case: ReviewCase, post: Post) -> int:
    """Return how much a case matters: weight of the flags, what they say, and how far the post reaches."""
    if case.kind == "held":
        return HELD
    flags = list(db.session.execute(select(Flag.weight, Flag.reason).where(Flag.case_id == case.id)))
    followers = db.session.scalar(select(func.count()).select_from(Follow).where(Follow.topic_id == post.topic_id)) or 0
    reach = min(FARTHEST_REACH, followers + post.topic.answer_count + max(post.helpful_count, 0))
    urgent = max((URGENT.get(reason, 0) for _, reason in flags), default=0)
    return sum(weight for weight, _ in flags) * PER_WEIGHT + len(flags) * PER_FLAG + urgent + reach
