"""What the forum does in the worker when it hears of its own events: it tells people. Each of them may run twice."""

from sqlalchemy import select

from core.db import db
from core.outbox import listens_to
from forum import addresses, follows, mentions, notifications
from forum.events import (
    AcceptanceUndone,
    AnswerAccepted,
    AnswerPosted,
    CommentPosted,
    PostMuted,
    TopicAsked,
    TopicMuted,
)
from forum.models import Acceptance, Muting, Post, Topic


@listens_to(TopicAsked)
def tell_watchers(event: TopicAsked) -> None:
    """Tell who follows the category, a tag or the asker of a new question."""
    topic = db.session.get_one(Topic, event.topic_id)
    question = db.session.scalars(select(Post).where(Post.topic_id == topic.id, Post.kind == "question")).unique().one()
    notifications.notify_each(
        follows.readers_of_question(topic),
        kind="topic_asked",
        key=f"topic:{topic.id}",
        url=addresses.of_topic(topic),
        topic=topic,
        post=question,
    )


@listens_to(AnswerPosted)
def tell_followers(event: AnswerPosted) -> None:
    """Tell who follows the question, or what it belongs to, of a new answer, but not the one who wrote it."""
    answer = db.session.get_one(Post, event.post_id)
    notifications.notify_each(
        follows.readers_of_answer(answer.topic, author_id=answer.author_id),
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


@listens_to(TopicAsked)
def tell_who_is_mentioned_in_a_question(event: TopicAsked) -> None:
    """Tell who is named with @, unless they are told of the question anyway."""
    question = (
        db.session.scalars(select(Post).where(Post.topic_id == event.topic_id, Post.kind == "question")).unique().one()
    )
    _tell_mentioned(question, but=set(follows.readers_of_question(question.topic)))


@listens_to(AnswerPosted)
def tell_who_is_mentioned_in_an_answer(event: AnswerPosted) -> None:
    """Tell who is named with @, unless they are told of the answer anyway."""
    answer = db.session.get_one(Post, event.post_id)
    _tell_mentioned(answer, but=set(follows.readers_of_answer(answer.topic, author_id=answer.author_id)))


@listens_to(CommentPosted)
def tell_who_is_mentioned_in_a_comment(event: CommentPosted) -> None:
    """Tell who is named with @, unless it is a comment on what they wrote."""
    comment = db.session.get_one(Post, event.post_id)
    _tell_mentioned(comment, but={comment.parent.author_id} if comment.parent is not None else set())


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


@listens_to(AnswerAccepted)
def tell_it_is_solved(event: AnswerAccepted) -> None:
    """Tell who follows the question that it is solved, but not who decided it nor whose answer it is."""
    answer = db.session.get_one(Post, event.post_id)
    is_accepted = db.session.scalar(select(Acceptance.id).where(Acceptance.post_id == answer.id)) is not None
    if is_accepted:
        notifications.notify_each(
            [one for one in follows.follower_ids(event.topic_id) if one not in {event.by_id, answer.author_id}],
            kind="topic_solved",
            key=f"solved:{answer.id}",
            url=addresses.of_post(answer),
            topic=answer.topic,
            post=answer,
        )


@listens_to(AcceptanceUndone)
def take_it_back(event: AcceptanceUndone) -> None:
    """Take the good news back, unless the answer is accepted again."""
    answer = db.session.get_one(Post, event.post_id)
    is_accepted = db.session.scalar(select(Acceptance.id).where(Acceptance.post_id == answer.id)) is not None
    if not is_accepted:
        notifications.retract_from_all(answer, f"solved:{answer.id}")
        if answer.author_id is not None:
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


def _tell_mentioned(post: Post, *, but: set[int | None] | set[int]) -> None:
    notifications.notify_each(
        sorted(mentions.in_post(post) - but),
        kind="mentioned",
        key=f"mention:{post.id}",
        url=addresses.of_post(post),
        topic=post.topic,
        post=post,
    )


def _tell_of_muting(
    muting: Muting | None, reader_id: int | None, *, kind: str, url: str, topic: Topic, post: Post | None
) -> None:
    if muting is not None and reader_id is not None and reader_id != muting.by_id:
        notifications.notify(
            reader_id,
            kind=kind,
            key=f"{kind}:{topic.id if post is None else post.id}:{muting.at.isoformat()}",
            url=url,
            topic=topic,
            post=post,
            data={"reason": muting.reason},
        )
