"""Merging: two topics that ask the same become one; nothing that was written is lost, and old addresses lead on."""

import re

from flask_babel import gettext
from sqlalchemy import delete, select, update

from accounts import audit
from accounts.models import User
from core import markup, outbox
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import answers, arranging, closing, counters, experiences, pointers, policy, queries
from forum.events import AnswerAccepted, PostsMoved, TopicsMerged
from forum.limits import LONGEST_SOURCE
from forum.models import (
    Closing,
    Draft,
    Duplicate,
    Follow,
    MeToo,
    Muting,
    Notification,
    Post,
    PostRevision,
    Topic,
    TopicRedirect,
    TopicTag,
)
from search import tracking

ABOUT_THE_WHOLE = ("topic_asked", "topic_closed", "accept_reminder")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def merge(topic: Topic, *, into: Topic, by: User, knowing: bool) -> Topic:
    """Move everything from one topic to another and lead its address there for ever. This cannot be undone.

    Its question becomes a comment on the other question, its answers stay answers; who followed it follows the other.
    When only the first is solved, its solution is the team's choice for the other; when both are, the other keeps its
    own. `knowing` says that whoever does this has read so.
    """
    if not policy.may_arrange_topics(by):
        raise NotAllowed(gettext("Only moderators can arrange questions."))
    closing.begin(topic)
    _refuse(topic, into, knowing=knowing)
    for one in sorted((topic, into), key=lambda it: it.id):
        answers.hold_for_arranging(one)
    before = _before(topic, into)
    targets = [into.id, *db.session.scalars(select(Duplicate.target_id).where(Duplicate.topic_id == topic.id))]
    _move_solutions(topic, into, by=by)
    post_ids = _move_posts(topic, into, by=by)
    _forget_news(topic)
    _move_links(topic, into)
    old_id, source_id = topic.id, topic.source_id
    _delete(topic)
    db.session.add(TopicRedirect(old_id=old_id, topic_id=into.id, source_id=source_id, by_id=by.id))
    db.session.execute(delete(MeToo).where(MeToo.topic_id == into.id, MeToo.user_id == into.asker_id))
    counters.settle(into)
    tracking.note("topic", targets)  # its title is not what they are found by any more
    outbox.readdress("topic_id", old_id, into.id)
    audit.record("forum.topic.merge", into, by=by, before=before, after=_after(into))
    outbox.publish(TopicsMerged(old_id, into.id))
    outbox.publish(PostsMoved(into.id, old_id, post_ids))
    return into


def _refuse(topic: Topic, into: Topic, *, knowing: bool) -> None:
    fields: dict[str, str] = {}
    for one in (topic, into):
        db.session.expire(one, ["muting"])  # it may have been muted while this waited for its turn
    if topic.id == into.id:
        fields["into"] = gettext("A question cannot be merged into itself.")
    elif topic.is_muted or into.is_muted:
        fields["into"] = gettext("One of them is muted. Unmute it first: what was hidden must not appear by merging.")
    elif closing.leads_to(into, topic):
        fields["into"] = gettext("That question is closed as a duplicate of this one. Merge it the other way round.")
    if not knowing:
        fields["knowing"] = gettext("Please confirm: merging cannot be undone.")
    if fields:
        raise Invalid(next(iter(fields.values())), fields=fields)


def _before(topic: Topic, into: Topic) -> dict[str, object]:
    followers = select(Follow.user_id).where(Follow.topic_id == topic.id).order_by(Follow.user_id)
    return {
        "topic_id": topic.id,
        "title": topic.title,
        "asker_id": topic.asker_id,
        "category": topic.category.slug,
        "tags": topic.tag_names,
        "accepted": None if topic.acceptance is None else topic.acceptance.post_id,
        "followers": list(db.session.scalars(followers)),
        "closing": closing.state(topic),
        "into": _after(into),
    }


def _after(into: Topic) -> dict[str, object]:
    return {
        "answers": into.answer_count,
        "accepted": None if into.acceptance is None else into.acceptance.post_id,
    }


def _move_solutions(topic: Topic, into: Topic, *, by: User) -> None:
    """Take along what solved the other question, as far as this one may have it beside its own solutions."""
    there = queries.solutions(into)
    for acceptance in queries.solutions(topic):
        is_same = any(one.label.casefold() == acceptance.label.casefold() for one in there)
        if there and (is_same or not into.category.accepts_several):
            answers.drop_acceptance(acceptance, by=by)
            continue
        # Its asker accepted it for the other question; that it solves this one, too, is what the team says by merging.
        acceptance.topic_id, acceptance.by_id, acceptance.at = into.id, by.id, now()
        acceptance.position = max((one.position for one in there), default=-1) + 1
        db.session.flush()
        db.session.expire(acceptance, ["topic", "by"])
        experiences.count(acceptance)  # another asker's word counts now, and what was said before the choice is old
        there.append(acceptance)
        outbox.publish(AnswerAccepted(into.id, acceptance.post_id, by.id, is_own=answers.is_own(acceptance.post)))
    for one in (topic, into):
        db.session.expire(one, ["acceptance"])


def _move_posts(topic: Topic, into: Topic, *, by: User) -> tuple[int, ...]:
    posts = list(
        db.session.scalars(
            select(Post)
            .where(Post.topic_id == topic.id)
            .order_by(Post.created_at, Post.id)
            .execution_options(populate_existing=True)
        ).unique()
    )
    asked = next(post for post in posts if post.kind == "question")
    above = arranging.question_of(into)
    _keep_title(asked, topic, by=by)
    for post in posts:
        post.topic_id = into.id
        if post is asked:
            post.kind, post.parent_id = "comment", above.id
        elif post.parent_id == asked.id:
            post.parent_id = above.id
    db.session.flush()
    for post in posts:
        db.session.expire(post, ["topic", "parent"])
    return tuple(post.id for post in posts)


def _keep_title(asked: Post, topic: Topic, *, by: User) -> None:
    """Have the question say its title itself where it still fits; in any case its history knows it."""
    db.session.add(
        PostRevision(
            post_id=asked.id,
            number=asked.version,
            title=topic.title,
            source=asked.source,
            details=asked.details,
            by_id=by.id,
            at=now(),
        )
    )
    asked.version += 1
    title = _MARKDOWN.sub(r"\\\1", topic.title)
    source = f"**{title}**\n\n{asked.source}"
    if len(source) <= LONGEST_SOURCE["question"]:
        asked.source, asked.html, asked.renderer_version = source, markup.render(source), markup.RENDERER_VERSION
        asked.edited_at = now()


def _move_links(topic: Topic, into: Topic) -> None:
    """Move what points to the topic; what it was (closed, pinned, tagged) goes with it."""
    onward = select(Duplicate.topic_id).where(Duplicate.target_id == into.id)
    for stale in (
        delete(Duplicate).where(Duplicate.topic_id == topic.id),
        delete(Duplicate).where(Duplicate.target_id == topic.id, Duplicate.topic_id.in_(onward)),
        delete(Closing).where(Closing.topic_id == topic.id),
        delete(Muting).where(Muting.topic_id == topic.id),  # its time was up, or merging had been refused
        delete(TopicTag).where(TopicTag.topic_id == topic.id),
    ):
        db.session.execute(stale)
    key, other = f"answer:{topic.id}", f"answer:{into.id}"
    writing = select(Draft.user_id).where(Draft.key == other)
    db.session.execute(
        update(Draft)
        .where(Draft.key == key, Draft.user_id.not_in(writing))
        .values(key=other)
        .execution_options(synchronize_session=False)
    )
    pointers.move(Topic, topic.id, into.id, but={"post", "topic_tag", "closing", "muting"})


def _forget_news(topic: Topic) -> None:
    """Say no more what was said of the topic as a whole: under the other one's title it would be wrong, or twice."""
    for kind in ABOUT_THE_WHOLE:
        db.session.execute(delete(Notification).where(Notification.topic_id == topic.id, Notification.kind == kind))


def _delete(topic: Topic) -> None:
    db.session.expire_all()
    db.session.delete(topic)
    db.session.flush()
