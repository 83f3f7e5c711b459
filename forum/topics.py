"""Asking, and what is linked beneath a question."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from flask_babel import gettext
from sqlalchemy import delete, select

from accounts.models import User
from core import markup, outbox, texts
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.problems import Problems
from core.unique import add_once
from forum import fields, follows, holding, images, limits, policy
from forum import tags as tag_rules
from forum.events import TopicAsked
from forum.models import Category, Post, SeeAlso, Tag, Topic, TopicTag

LONGEST_LINK = 300


def ask(  # noqa: PLR0913 -- the parts of a question, by keyword
    *,
    title: str,
    source: str,
    category: Category | None,
    locale: str,
    tags: Iterable[str] = (),
    details: Mapping[str, str] = MappingProxyType({}),
    by: User,
    created_at: datetime | None = None,
    typed_in: float | None = None,
) -> Topic:
    """Ask a question; its asker follows it. Raises `Invalid` with every field that needs another look.

    `details` say what is written into which field of the category. With `created_at` the past is told: no pause between
    posts counts, and nothing is held. `typed_in` says for how many seconds the form was open, where there was one.
    """
    if not policy.may_ask(by):
        raise NotAllowed(gettext("Please sign in to ask."))
    title, source, names, said = _check(title, source, category, locale, tags, details, by)
    assert category is not None  # noqa: S101 -- for the type checker: _check refuses a missing one
    cause = None
    if created_at is None:
        limits.rest(by, "question", source)
        looked = holding.look_at(title=title, source=source, details=said, by=by, typed_in=typed_in)
        # Words that replaced others may have made them too long.
        title, source = limits.post_title(looked.title), limits.post_source("question", looked.source)
        said, cause = looked.details, looked.cause
    at = created_at or now()
    topic = Topic(
        category=category,
        asker_id=by.id,
        title=title,
        slug=texts.slug(title, fallback="topic"),
        locale=locale,
        created_at=at,
        last_activity_at=at,
        answer_count=0,
    )
    db.session.add(topic)
    db.session.flush()
    set_tags(topic, names)
    question = Post(
        topic_id=topic.id,
        kind="question",
        author_id=by.id,
        source=source,
        html=markup.render(source),
        renderer_version=markup.RENDERER_VERSION,
        details=said or None,
        created_at=at,
    )
    db.session.add(question)
    db.session.flush()
    images.link(question, by=by)
    follows.follow(topic, by=by)
    if cause is None:
        outbox.publish(TopicAsked(topic.id))
    else:
        holding.hold(question, cause)
    return topic


def set_tags(topic: Topic, names: Sequence[str]) -> None:
    """Give the topic exactly these tags, which `limits.tags` has checked, in this order."""
    before = {row.tag_id: row for row in db.session.scalars(select(TopicTag).where(TopicTag.topic_id == topic.id))}
    for position, tag in enumerate(tagged(names)):
        row = before.pop(tag.id, None)
        if row is None:
            db.session.add(TopicTag(topic_id=topic.id, tag_id=tag.id, position=position))
        else:
            row.position = position
    for row in before.values():
        db.session.delete(row)
    db.session.flush()
    db.session.expire(topic, ["tag_line"])


def tagged(names: Sequence[str]) -> list[Tag]:
    """Return the tags that these words mean, in this order; new ones are made."""
    if not names:
        return []
    names = tag_rules.meant(list(names))
    known = {tag.name: tag for tag in db.session.scalars(select(Tag).where(Tag.name.in_(names)))}
    for name in names:
        if name not in known:
            add_once(Tag, name=name, is_reserved=False)
            known[name] = db.session.scalars(select(Tag).where(Tag.name == name)).one()
    return [known[name] for name in names]


def add_see_also(topic: Topic, *, title: str, url: str) -> None:
    """Link a page elsewhere in Klinke beneath a topic, or give the link there a new title."""
    if len(url) > LONGEST_LINK:
        raise Invalid(gettext("This address is too long."))
    title = title[:LONGEST_LINK]
    if not add_once(SeeAlso, topic_id=topic.id, title=title, url=url, at=now()):
        link = db.session.scalars(select(SeeAlso).where(SeeAlso.topic_id == topic.id, SeeAlso.url == url)).one()
        link.title = title
        db.session.flush()


def remove_see_also(topic: Topic, *, url: str) -> None:
    """Take a link away again; where there is none, nothing happens."""
    db.session.execute(delete(SeeAlso).where(SeeAlso.topic_id == topic.id, SeeAlso.url == url))


def _check(
    title: str,
    source: str,
    category: Category | None,
    locale: str,
    tags: Iterable[str],
    details: Mapping[str, str],
    by: User,
) -> tuple[str, str, list[str], list[dict[str, Any]]]:
    problems = Problems()
    clean_title = problems.take("title", lambda: limits.title(title), "")
    clean_source = problems.take("source", lambda: limits.source("question", source), "")
    problems.take("locale", lambda: limits.locale(locale), "")
    names: list[str] = problems.take("tags", lambda: tag_rules.checked(tags, category=category, by=by), [])
    said: list[dict[str, Any]] = problems.take_all(lambda: fields.checked(category, details), [])
    if category is None:
        problems.fields["category"] = gettext("Please choose where this belongs.")
    problems.refuse()
    return clean_title, clean_source, names, said
