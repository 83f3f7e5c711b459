"""What the forum does in the worker when it hears of its own events: it tells people. Each of them may run twice."""

from sqlalchemy import select

from core.clock import now
from core.db import db
from core.outbox import listens_to
from forum import addresses, cases, follows, mails, notifications
from forum.events import (
    AcceptanceUndone,
    AnswerAccepted,
    AnswerPosted,
    CaseDecided,
    CaseReopened,
    CommentPosted,
    PostMuted,
    TopicMuted,
)
from forum.models import Acceptance, Muting, Post, ReviewCase, Topic


@listens_to(AnswerPosted)
def tell_followers(event: AnswerPosted) -> None:
    """Tell who follows the question of a new answer, but not the one who wrote it."""
    answer = db.session.get_one(Post, event.post_id)
    for user_id in follows.follower_ids(event.topic_id):
        if user_id != answer.author_id:
            notifications.notify(
                user_id,
                kind="answer_posted",
                key=f"answer:{answer.id}",
                url=addresses.of_post(answer),
                topic=answer.topic,
                post=answer,
            )


@listens_to(CommentPosted)
def tell_whom_it_comments(event: CommentPosted) -> None:
    """Tell the author of what was commented on."""
    comment = db.session.get_one(Post, event.post_id)
    reader_id = comment.parent.author_id if comment.parent is not None else None
    if reader_id is not None and reader_id != comment.author_id:
        notifications.notify(
            reader_id,
            kind="comment_posted",
            key=f"comment:{comment.id}",
            url=addresses.of_post(comment),
            topic=comment.topic,
            post=comment,
        )


@listens_to(AnswerAccepted)
def tell_whose_answer_it_is(event: AnswerAccepted) -> None:
    """Tell the author of the answer that it solved the question, when it still does."""
    answer = db.session.get_one(Post, event.post_id)
    is_accepted = db.session.scalar(select(Acceptance.id).where(Acceptance.post_id == answer.id)) is not None
    if is_accepted and answer.author_id is not None and answer.author_id != event.by_id:
        notifications.notify(
            answer.author_id,
            kind="answer_accepted",
            key=f"accepted:{answer.id}",
            url=addresses.of_post(answer),
            topic=answer.topic,
            post=answer,
        )


@listens_to(AcceptanceUndone)
def take_it_back(event: AcceptanceUndone) -> None:
    """Take the good news back, unless the answer is accepted again."""
    answer = db.session.get_one(Post, event.post_id)
    is_accepted = db.session.scalar(select(Acceptance.id).where(Acceptance.post_id == answer.id)) is not None
    if not is_accepted and answer.author_id is not None:
        notifications.retract(answer.author_id, f"accepted:{answer.id}")


@listens_to(TopicMuted)
def tell_the_asker(event: TopicMuted) -> None:
    """Tell the asker that the question is muted and why."""
    topic = db.session.get_one(Topic, event.topic_id)
    _tell_of_muting(
        topic.muting, topic.asker_id, kind="topic_muted", url=addresses.of_topic(topic), topic=topic, post=None
    )


@listens_to(PostMuted)
def tell_the_author(event: PostMuted) -> None:
    """Tell the author that the post is muted and why."""
    post = db.session.get_one(Post, event.post_id)
    _tell_of_muting(
        post.muting, post.author_id, kind="post_muted", url=addresses.of_post(post), topic=post.topic, post=post
    )


@listens_to(CaseDecided)
def tell_who_reported(event: CaseDecided) -> None:
    """Tell who flagged a post what came of it, unless the decision was taken back meanwhile."""
    case = db.session.get_one(ReviewCase, event.case_id)
    if case.decided_at is None or now() - case.decided_at < cases.UNDO:
        return
    for flag in case.flags:
        if flag.by_id is None:
            mails.send_decision(flag, case)
        elif flag.by_id != case.decided_by_id:
            # What is hidden must not be named: neither topic nor post come along.
            notifications.notify(
                flag.by_id,
                kind="flag_decided",
                key=f"flag:{flag.id}",
                url="/notifications" if case.outcome == "agreed" else addresses.of_post_id(case.post_id),
                data={"outcome": case.outcome},
            )


@listens_to(CaseReopened)
def take_the_outcome_back(event: CaseReopened) -> None:
    """Take back what was told of a decision that is no more."""
    case = db.session.get_one(ReviewCase, event.case_id)
    for flag in case.flags if case.decided_at is None else ():
        if flag.by_id is not None:
            notifications.retract(flag.by_id, f"flag:{flag.id}")


def _tell_of_muting(
    muting: Muting | None, reader_id: int | None, *, kind: str, url: str, topic: Topic, post: Post | None
) -> None:
    if muting is not None and muting.is_held:
        return  # the banner on the page says that it waits; nobody muted it
    if muting is not None and reader_id is not None and reader_id != muting.by_id:
        notifications.notify(
            reader_id,
            kind=kind.replace("muted", "hidden") if muting.is_waiting else kind,
            key=notifications.muting_key(muting),
            url=url,
            topic=topic,
            post=post,
            data={"reason": muting.reason},
        )
