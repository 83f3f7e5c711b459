"""What the things of the forum are called in the log of the team, which sees them all."""

from collections.abc import Collection, Mapping
from typing import Any

from flask_babel import gettext
from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload, lazyload

from accounts import subjects
from accounts.models import User
from accounts.subjects import Named
from core.db import db
from forum import addresses, bulk
from forum.models import BulkDeed, Category, Objection, Post, Tag, Topic, TopicRedirect, WatchedWord

_BARE = lazyload("*")


def init_app() -> None:
    """Tell the log what topics, posts, tags and the rest are called."""
    subjects.register("topic", topics, find=_topics_called)
    subjects.register("post", posts, find=_posts_called)
    subjects.register("category", categories, find=_categories_called)
    subjects.register("tag", tags, find=lambda words: select(Tag.id).where(Tag.name.icontains(words, autoescape=True)))
    subjects.register("watched_word", words, find=_words_called)
    subjects.register("objection", objections)
    subjects.register("bulk_deed", bulk_deeds)


def topics(ids: Collection[int]) -> Mapping[int, Named]:
    """Return the titles of topics; one that was merged is named by the one that it went into."""
    found = {topic.id: topic for topic in db.session.scalars(select(Topic).where(Topic.id.in_(ids)).options(_BARE))}
    names = {
        topic_id: Named(topic.title, addresses.of_topic_id(topic_id), topic.locale) for topic_id, topic in found.items()
    }
    if gone := set(ids) - found.keys():
        merged = select(TopicRedirect.old_id, Topic.title).join(Topic, Topic.id == TopicRedirect.topic_id)
        for old_id, title in db.session.execute(merged.where(TopicRedirect.old_id.in_(gone))):
            sentence = gettext("merged into “%(title)s”", title=title)
            names[old_id] = Named(sentence, addresses.of_topic_id(old_id))
    return names


def posts(ids: Collection[int]) -> Mapping[int, Named]:
    """Say of each post what it is, by whom, and in which question."""
    statement = (
        select(Post)
        .where(Post.id.in_(ids))
        .options(_BARE, joinedload(Post.topic).lazyload("*"), joinedload(Post.author).lazyload("*"))
    )
    return {post.id: Named(_post(post), addresses.of_post(post)) for post in db.session.scalars(statement)}


def categories(ids: Collection[int]) -> Mapping[int, Named]:
    """Return what categories are called."""
    found = db.session.scalars(select(Category).where(Category.id.in_(ids)))
    return {one.id: Named(gettext("Category “%(name)s”", name=one.name), f"/c/{one.slug}") for one in found}


def tags(ids: Collection[int]) -> Mapping[int, Named]:
    """Return the names of tags."""
    found = db.session.scalars(select(Tag).where(Tag.id.in_(ids)))
    return {one.id: Named(gettext("Tag “%(name)s”", name=one.name), f"/tags/{one.name}") for one in found}


def words(ids: Collection[int]) -> Mapping[int, Named]:
    """Return watched words; of those that are watched no more the entry itself tells."""
    found = db.session.scalars(select(WatchedWord).where(WatchedWord.id.in_(ids)))
    return {one.id: Named(gettext("Watched word “%(words)s”", words=one.words)) for one in found}


def objections(ids: Collection[int]) -> Mapping[int, Named]:
    """Say whose objections they are."""
    statement = select(Objection.id, User.handle).outerjoin(User, User.id == Objection.author_id)
    rows = db.session.execute(statement.where(Objection.id.in_(ids)))
    return {
        row.id: Named(gettext("Objection by @%(handle)s", handle=row.handle or "?"), addresses.OBJECTIONS)
        for row in rows
    }


def bulk_deeds(ids: Collection[int]) -> Mapping[int, Named]:
    """Say how many questions were changed at once."""
    found = db.session.scalars(select(BulkDeed).where(BulkDeed.id.in_(ids)).options(_BARE))
    return {
        one.id: Named(f"{bulk.DEEDS.get(one.deed, one.deed)}: {', '.join(str(it['topic_id']) for it in one.changes)}")
        for one in found
    }


def _post(post: Post) -> str:
    name = f"@{post.author.handle}" if post.author is not None else gettext("somebody who has left")
    about = {"name": name, "title": post.topic.title}
    if post.kind == "question":
        return str(gettext("Question by %(name)s: “%(title)s”", **about))
    if post.kind == "answer":
        return str(gettext("Answer by %(name)s in “%(title)s”", **about))
    return str(gettext("Comment by %(name)s in “%(title)s”", **about))


def _topics_called(words: str) -> Select[Any]:
    return select(Topic.id).where(Topic.title.icontains(words, autoescape=True))


def _posts_called(words: str) -> Select[Any]:
    author = select(User.id).where(User.handle.icontains(words.removeprefix("@"), autoescape=True))
    return (
        select(Post.id)
        .join(Topic, Topic.id == Post.topic_id)
        .where(or_(Topic.title.icontains(words, autoescape=True), Post.author_id.in_(author)))
    )


def _categories_called(words: str) -> Select[Any]:
    names = [Category.names[locale].as_string().icontains(words, autoescape=True) for locale in ("de", "en")]
    return select(Category.id).where(or_(Category.slug.icontains(words, autoescape=True), *names))


def _words_called(words: str) -> Select[Any]:
    return select(WatchedWord.id).where(WatchedWord.words.icontains(words, autoescape=True))
