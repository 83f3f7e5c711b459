"""Arranging: names, categories, owners, tags and pins of topics, and posts split off into a topic of their own."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from flask_babel import gettext
from sqlalchemy import delete, select, update

from accounts import audit
from accounts.models import User
from core import outbox, texts
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.problems import Problems
from forum import (
    answers,
    closing,
    counters,
    experiences,
    follows,
    limits,
    me_too,
    moderation,
    policy,
    queries,
    tags,
    topics,
)
from forum.events import AuthorChanged, PostEdited, PostsMoved
from forum.models import Category, Notification, Pin, Post, PostRevision, Topic, Vote

LONGEST_SPLIT = 200
"""So many posts can be split off at once."""


def rename(topic: Topic, *, title: str, by: User) -> None:
    """Give a question another title; its old one stays in the history, and its old address leads to the new one."""
    _ask_policy(by)
    title = _at("title", title)
    closing.begin(topic)
    db.session.refresh(topic, ["title"])
    if title == topic.title:
        return
    before = topic.title
    question = question_of(topic)
    _keep(question, title=before, by=by)
    topic.title, topic.slug = title, texts.slug(title, fallback="topic")
    db.session.flush()
    audit.record("forum.topic.rename", topic, by=by, before={"title": before}, after={"title": title})
    outbox.publish(PostEdited(topic.id, question.id))


def move(topic: Topic, *, category: Category, by: User) -> None:
    """Put a topic into another category; it is pinned there no more, for that was for the readers of the other one."""
    _ask_policy(by)
    closing.begin(topic)
    db.session.refresh(topic, ["category_id"])
    if topic.category_id == category.id:
        return
    before = {"category": topic.category.slug, "pinned": pin_of(topic) is not None}
    _unpin(topic)
    topic.category = category
    db.session.flush()
    audit.record("forum.topic.move", topic, by=by, before=before, after={"category": category.slug, "pinned": False})


def give(post: Post, *, to: User, by: User) -> None:
    """Make somebody else the author of a post, and with a question of its topic; who owns a topic now follows it.

    Whose it was and whose it is are told, as far as they may see it.
    """
    _ask_policy(by)
    topic = post.topic
    closing.begin(topic)
    db.session.refresh(post, ["author_id"])
    if post.author_id == to.id:
        return
    before = post.author_id
    post.author_id = to.id
    post.official_at = post.official_at if to.is_team else None
    if post.kind == "question":
        topic.asker_id = to.id
    db.session.flush()
    db.session.expire(post, ["author"])
    db.session.expire(topic, ["asker"])
    _take_own_praise(post, to)
    if post.kind == "question":
        follows.follow(topic, by=to)
    audit.record("forum.post.give", post, by=by, before={"author_id": before}, after={"author_id": to.id})
    outbox.publish(AuthorChanged(topic.id, post.id, before, to.id, by.id))


def pin(topic: Topic, *, by: User, until: datetime | None = None) -> None:
    """Keep a topic on top of its category, for good or `until` a moment to come."""
    _ask_policy(by)
    if until is not None and until <= now():
        sentence = gettext("This moment has passed; please choose one to come.")
        raise Invalid(sentence, fields={"until": sentence})
    closing.begin(topic)
    known = pin_of(topic)
    before = _pin_state(known)
    if known is None:
        known = Pin(topic_id=topic.id)
        db.session.add(known)
    known.until, known.by_id, known.at = until, by.id, now()
    db.session.flush()
    audit.record("forum.topic.pin", topic, by=by, before=before, after=_pin_state(known))


def pin_again(topic: Topic, *, until: str | None, by: User) -> None:
    """Pin a topic as it was pinned; what would be over by now is left."""
    moment = None if until is None else datetime.fromisoformat(until)
    if moment is None or moment > now():
        pin(topic, by=by, until=moment)


def unpin(topic: Topic, *, by: User) -> None:
    """Let a topic stand where its last activity puts it; what is not pinned stays as it is."""
    _ask_policy(by)
    closing.begin(topic)
    known = pin_of(topic)
    if known is not None:
        before = _pin_state(known)
        _unpin(topic)
        audit.record("forum.topic.unpin", topic, by=by, before=before, after=_pin_state(None))


def retag(topic: Topic, *, names: Iterable[str], by: User) -> None:
    """Give a topic exactly these tags."""
    _ask_policy(by)
    problems = Problems()
    clean: list[str] = problems.take("tags", lambda: tags.checked(names, category=None, by=by), [])
    problems.refuse()
    closing.begin(topic)
    db.session.expire(topic, ["tag_line"])
    before = topic.tag_names
    if before != clean:
        topics.set_tags(topic, clean)
        audit.record("forum.topic.retag", topic, by=by, before={"tags": before}, after={"tags": clean})


def one_tag(word: str, *, by: User) -> str:
    """Return the tag that a word means; raise `Invalid` at the field `tag` when it is none."""
    problems = Problems()
    names: list[str] = problems.take("tag", lambda: tags.checked([word], category=None, by=by), [])
    if not names:
        problems.fields.setdefault("tag", gettext("Please give a tag."))
    problems.refuse()
    return names[0]


def split(topic: Topic, *, post_ids: Sequence[int], title: str, category: Category, by: User, knowing: bool) -> Topic:
    """Make a topic of its own from posts of this one: the oldest becomes the question, comments go along.

    Links to the posts stay right. When the accepted answer is among them, `knowing` says that this is meant: the
    topic it leaves is not solved any more.
    """
    _ask_policy(by)
    title = _at("title", title)
    closing.begin(topic)
    answers.hold_for_arranging(topic)
    moderation.lift_expired_in(topic)
    posts = _chosen(topic, post_ids)
    leaving = [one for one in queries.solutions(topic) if one.post_id in {post.id for post in posts}]
    takes_solution = bool(leaving)
    if takes_solution and not knowing:
        sentence = gettext("The solution of this question is among these posts. Without it the question is unsolved.")
        raise Invalid(sentence, fields={"knowing": sentence})
    for acceptance in leaving:
        answers.drop_acceptance(acceptance, by=by)
    made = _made_from(posts[0], topic, title=title, category=category)
    _settle(posts, made)
    for moved_from in (topic, made):
        counters.settle(moved_from)
    for user_id in {post.author_id for post in posts if post.author_id is not None and post.kind != "comment"}:
        follows.follow_by_id(made, user_id)
    ids = tuple(post.id for post in posts)
    audit.record(
        "forum.topic.split",
        topic,
        by=by,
        before={"topic_id": topic.id, "post_ids": list(ids), "accepted": takes_solution},
        after={"topic_id": made.id, "title": made.title},
    )
    outbox.publish(PostsMoved(made.id, topic.id, ids))
    return made


def question_of(topic: Topic) -> Post:
    """Return the post that asks."""
    return db.session.scalars(select(Post).where(Post.topic_id == topic.id, Post.kind == "question")).unique().one()


def pin_of(topic: Topic) -> Pin | None:
    """Return the pin of a topic, when its time is not up."""
    found = db.session.scalars(select(Pin).where(Pin.topic_id == topic.id)).first()
    if found is not None and found.until is not None and found.until <= now():
        db.session.delete(found)
        db.session.flush()
        return None
    return found


def _ask_policy(by: User) -> None:
    if not policy.may_arrange_topics(by):
        raise NotAllowed(gettext("Only moderators can arrange questions."))


def _at(field: str, title: str) -> str:
    problems = Problems()
    clean = problems.take(field, lambda: limits.title(title), "")
    problems.refuse()
    return clean


def _keep(question: Post, *, title: str, by: User) -> None:
    """Keep what a question said, as an edit does."""
    db.session.refresh(question, ["version", "source"])
    db.session.add(
        PostRevision(
            post_id=question.id,
            number=question.version,
            title=title,
            source=question.source,
            details=question.details,
            by_id=by.id,
            at=now(),
        )
    )
    question.version += 1
    question.edited_at = now()


def _unpin(topic: Topic) -> None:
    db.session.execute(delete(Pin).where(Pin.topic_id == topic.id))


def _take_own_praise(post: Post, author: User) -> None:
    """Take back what the new author said of the text: nobody calls the own one helpful or shares the own problem."""
    own = db.session.scalars(select(Vote).where(Vote.post_id == post.id, Vote.user_id == author.id)).first()
    if own is not None:
        db.session.delete(own)
        post.helpful_count = Post.helpful_count - 1
    experiences.forget(post, by=author)
    if post.kind == "question":
        me_too.forget(post.topic, by=author)
    db.session.flush()


def _pin_state(pin: Pin | None) -> dict[str, object]:
    return {"pinned": pin is not None, "until": None if pin is None or pin.until is None else pin.until.isoformat()}


def _chosen(topic: Topic, post_ids: Sequence[int]) -> list[Post]:
    """Return the chosen posts, the oldest first, and the comments on them."""
    wanted = set(post_ids)
    every = list(
        db.session.scalars(
            select(Post)
            .where(Post.topic_id == topic.id, Post.kind != "question")
            .order_by(Post.created_at, Post.id)
            .execution_options(populate_existing=True)
        ).unique()
    )
    chosen = [post for post in every if post.id in wanted]
    going = [post for post in every if post.id in wanted or post.parent_id in wanted]
    sentence = ""
    if not chosen or len(chosen) != len(wanted):
        sentence = gettext("Please choose answers or comments of this question; somebody may have moved them already.")
    elif len(chosen) > LONGEST_SPLIT:
        sentence = gettext("%(most)s posts can be moved at once.", most=LONGEST_SPLIT)
    elif topic.is_muted:
        sentence = gettext("This question is muted. Unmute it first: what was hidden must not appear by splitting.")
    elif any(post.is_muted for post in going[:1]):
        sentence = gettext("The oldest of them is muted and cannot become a question.")
    elif any(post.parent_id not in wanted and _is_below_muted(post) for post in going):
        sentence = gettext("Some of them stand below something muted. Unmute that first, or take it along.")
    if sentence:
        raise Invalid(sentence, fields={"posts": sentence})
    return going


def _is_below_muted(post: Post) -> bool:
    return post.parent is not None and post.parent.is_muted


def _made_from(first: Post, topic: Topic, *, title: str, category: Category) -> Topic:
    made = Topic(
        category=category,
        asker_id=first.author_id,
        title=title,
        slug=texts.slug(title, fallback="topic"),
        locale=topic.locale,
        created_at=first.created_at,
        last_activity_at=first.created_at,
        answer_count=0,
    )
    db.session.add(made)
    db.session.flush()
    topics.set_tags(made, topic.tag_names)
    return made


def _settle(posts: Sequence[Post], made: Topic) -> None:
    """Move the posts; what commented on a post that stays becomes an answer."""
    moving = {post.id for post in posts}
    first = posts[0]
    for post in posts:
        post.topic_id = made.id
        if post is first:
            post.kind, post.parent_id, post.official_at = "question", None, None
        elif post.parent_id is not None and post.parent_id not in moving:
            post.kind, post.parent_id = "answer", None
    db.session.flush()
    db.session.execute(update(Notification).where(Notification.post_id.in_(moving)).values(topic_id=made.id))
    for post in posts:
        db.session.expire(post, ["topic", "parent"])
