"""What a person has read: the topics they opened, and since when they were away. Guests leave no trace."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import Flask, Response, g
from sqlalchemy import ColumnElement, false, func, literal, select, union_all, update
from sqlalchemy.exc import OperationalError

from accounts.models import User
from accounts.people import Viewer
from core.clock import now
from core.db import db
from core.unique import inserting
from forum import follows, queries
from forum.follows import NO_STANCE, Stance, Watched
from forum.models import Notification, ReadMark, Topic

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Glance:
    """What a list says to its reader alone."""

    stance: Stance = NO_STANCE
    unread: frozenset[int] = frozenset()
    """Ids of the topics in the list where something happened since the reader last looked."""
    open_count: int = 0
    """How many of the reader's own questions wait for a solution."""
    new_count: int = 0
    """How many topics something happened in since the last visit."""


NOTHING: Final = Glance()


def glance(
    viewer: Viewer, topics: Sequence[Topic], *, subject: Watched | str | None = None, at_home: bool = False
) -> Glance:
    """Return what a list says to its reader alone, in one statement; `subject` is what it is about, tags by name."""
    if viewer.id is None:
        return NOTHING
    parts: list[Any] = [*_unread(viewer, [topic.id for topic in topics])]
    if subject is not None:
        parts += follows.stance_rows(subject, viewer)
    if at_home:
        mine = (Topic.asker_id == viewer.id, ~queries.is_solved(), queries.topics_visible_to(viewer))
        parts.append(select(literal("open"), literal(""), func.count(Topic.id)).where(*mine))
        if viewer.last_visit_at is not None:
            fresh = (since_last_visit(viewer), queries.topics_visible_to(viewer), follows.unsilenced_for(viewer))
            parts.append(select(literal("new"), literal(""), func.count(Topic.id)).where(*fresh))
    if not parts:
        return NOTHING
    rows: Sequence[Any] = db.session.execute(union_all(*parts)).all()
    numbers = {row[0]: row[2] for row in rows}
    return Glance(
        stance=follows.stance_of(rows),
        unread=frozenset(row[2] for row in rows if row[0] == "unread"),
        open_count=numbers.get("open", 0),
        new_count=numbers.get("new", 0),
    )


def since_last_visit(viewer: Viewer) -> ColumnElement[bool]:
    """Return the clause for topics in which something happened since the viewer was here before."""
    if viewer.id is None or viewer.last_visit_at is None:
        return false()
    return Topic.last_activity_at > viewer.last_visit_at


def is_news(viewer: Viewer, stance: Stance) -> bool:
    """Tell whether opening the topic changes what is unread for its reader."""
    if viewer.id is None:
        return False
    return not stance.is_read or stance.has_news


def init_app(app: Flask) -> None:
    """Note after a page what it showed to whom."""
    app.after_request(_note)


def note_after_this(topic: Topic, viewer: Viewer) -> None:
    """Have it noted, when the page has been made, that the viewer saw the topic as it is now."""
    g.seen_topic = (viewer.id, topic.id, topic.last_activity_at)


def mark(user_id: int, topic_id: int, at: datetime) -> None:
    """Note that a person has read a topic up to a moment, in a transaction of its own; its bell has rung."""
    with db.engine.begin() as connection:
        row = inserting(ReadMark).values(user_id=user_id, topic_id=topic_id, at=at)
        connection.execute(row.on_conflict_do_update(index_elements=["user_id", "topic_id"], set_={"at": at}))
        connection.execute(
            update(Notification)
            .where(Notification.user_id == user_id, Notification.topic_id == topic_id, Notification.read_at.is_(None))
            .values(read_at=now())
        )


def _note(response: Response) -> Response:
    seen: tuple[int, int, datetime] | None = g.pop("seen_topic", None)
    if seen is not None and response.status_code < 300:  # noqa: PLR2004 -- a page, not a refusal
        try:
            mark(*seen)
        except OperationalError as error:
            # The database is busy writing; the next visit notes it. A page is not refused for this.
            log.info("what user %s read is not noted: %s", seen[0], error.orig)
    return response


def _unread(viewer: User, topic_ids: Sequence[int]) -> list[Any]:
    if not topic_ids:
        return []
    seen = (
        select(ReadMark.at)
        .where(ReadMark.topic_id == Topic.id, ReadMark.user_id == viewer.id)
        .correlate(Topic)
        .scalar_subquery()
    )
    before = viewer.last_visit_at or viewer.seen_at or viewer.created_at
    unread = select(literal("unread"), literal(""), Topic.id)
    return [unread.where(Topic.id.in_(topic_ids), Topic.last_activity_at > func.coalesce(seen, before))]
