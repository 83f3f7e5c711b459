"""What the worker does for the ledger of points when it hears of a deed, and what it looks after now and then."""

from collections.abc import Collection

from core.db import db
from core.outbox import listens_to
from core.worker import chore
from forum import points, trust
from forum.events import (
    AcceptanceUndone,
    AnswerAccepted,
    AuthorChanged,
    PostMuted,
    PostsMoved,
    PostUnmuted,
    TopicMuted,
    TopicUnmuted,
    VoteChanged,
)


@listens_to(VoteChanged)
def settle_vote(event: VoteChanged) -> None:
    weigh(points.settle([event.post_id], kind="helpful", ref_id=event.by_id))


@listens_to(AnswerAccepted)
def settle_solution(event: AnswerAccepted) -> None:
    weigh(points.settle([event.post_id], kind="solution"))


@listens_to(AcceptanceUndone)
def settle_undone_solution(event: AcceptanceUndone) -> None:
    weigh(points.settle([event.post_id], kind="solution"))


@listens_to(PostMuted)
def settle_muted_post(event: PostMuted) -> None:
    weigh(points.settle([event.post_id]))


@listens_to(PostUnmuted)
def settle_unmuted_post(event: PostUnmuted) -> None:
    weigh(points.settle([event.post_id]))


@listens_to(TopicMuted)
def settle_muted_topic(event: TopicMuted) -> None:
    weigh(points.settle_topic(event.topic_id))


@listens_to(TopicUnmuted)
def settle_unmuted_topic(event: TopicUnmuted) -> None:
    weigh(points.settle_topic(event.topic_id))


@listens_to(PostsMoved)
def settle_moved_posts(event: PostsMoved) -> None:
    """Look again whether what solved a question is not an answer to oneself now."""
    weigh(points.settle(event.post_ids))


@listens_to(AuthorChanged)
def settle_given_post(event: AuthorChanged) -> None:
    weigh(points.settle([event.post_id]) | points.settle_topic(event.topic_id))


@chore("forum.settle_points", every=600)
def settle_some() -> int:
    """Settle what no deed told of: imports, people who left, a limit that was changed; return how much there was."""
    return settle_all()


def settle_all() -> int:
    """Do so once, for so many posts and days at a time."""
    posts, days = points.wrong_posts(), points.wrong_days()
    for post_id in posts:
        weigh(points.settle([post_id]))
        db.session.commit()
    for user_id, day in days:
        weigh(points.settle_days([(user_id, day)]))
        db.session.commit()
    return len(posts) + len(days)


def weigh(user_ids: Collection[int]) -> None:
    """Give these people the level of trust that their points are worth now."""
    for user_id in sorted(user_ids):
        trust.weigh(user_id)
