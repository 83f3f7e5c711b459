"""Recalling: when the instructions of an article were wrong, every place that carried them is looked at, by reach.

Rooms above say where their replies are and how many people saw them, by `contribute`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext
from sqlalchemy import Select, func, select

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import markup
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from core.unique import add_once
from forum import addresses as forum_addresses
from forum import notifications
from forum import queries as forum_queries
from forum.models import Notification, Post, Topic
from kb import policy, queries, tasks
from kb.models import Article, ArticleRecall, ArticleUse, RecallState, Revision

LONGEST_EXCERPT: Final = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where words of an article stand: what it is, its address, how many people saw it, and how it begins."""

    title: str
    url: str
    reach: int
    excerpt: str
    locale: str = ""


Finder = Callable[[Collection[int], Viewer | None], Mapping[int, Place]]
"""Given ids and who looks (None: the house itself): the places among them that this person may see."""

_finders: dict[str, Finder] = {}


def contribute(where_kind: str, finder: Finder) -> None:
    """Let a kind of place be found; a use whose place nobody finds any more is not recalled."""
    _finders[where_kind] = finder


def begin(article: Article, correction: Revision, *, by: User | None = None) -> int:
    """List every place that carries earlier words than this correction, and what it was made from; may be repeated.

    Returns how many places there are to look at. What was settled after an earlier correction is asked anew.
    """
    carried: dict[tuple[str, int], int | None] = {("post", source.post_id): None for source in article.sources}
    older = select(Revision.id).where(Revision.article_id == article.id, Revision.number < correction.number)
    uses = select(ArticleUse.where_kind, ArticleUse.where_id, ArticleUse.revision_id).where(
        ArticleUse.article_id == article.id, ArticleUse.revision_id.in_(older)
    )
    carried |= {(kind, where_id): revision_id for kind, where_id, revision_id in db.session.execute(uses)}
    listed = 0
    for kind, finder in _finders.items():
        ids = [where_id for of, where_id in carried if of == kind]
        for where_id, place in finder(ids, None).items() if ids else ():
            listed += _list(article, correction, kind, where_id, carried[kind, where_id], place.reach)
    db.session.flush()
    if listed:
        notifications.notify_each(
            tasks.dealers(article),
            kind="article_recall",
            key=f"recall:{correction.id}",
            url=f"/kb/articles/{article.id}/recall",
            data={"article_id": article.id, "count": listed},
        )
    if listed and by is not None:
        audit.record("kb.article.recall", article, by=by, after={"version": correction.number, "places": listed})
    return listed


def settle(row: ArticleRecall, state: str, *, by: User) -> None:
    """Say that a place was corrected, or needs nothing, or is to be looked at after all."""
    if not may_settle(by):
        raise NotAllowed(gettext("Only the team passes corrections on."))
    said = _state(state)
    before = row.state
    row.state, row.by_id, row.at = said, by.id, now()
    db.session.flush()
    where = {"where": f"{row.where_kind}:{row.where_id}"}
    audit.record("kb.recall.settle", row, by=by, before={**where, "state": before}, after={**where, "state": said})


def may_settle(viewer: Viewer) -> bool:
    """Tell whether somebody passes corrections on: the team, because who answers knows best where."""
    return policy.may_see_drafts(viewer)


def of(article: Article) -> Select[ArticleRecall]:
    """Select the places to look at, for the team; page them by reach and id."""
    return select(ArticleRecall).where(ArticleRecall.article_id == article.id)


def row(recall_id: int) -> ArticleRecall:
    """Return one place of the list, or raise `NotFound`."""
    found = db.session.get(ArticleRecall, recall_id) if 0 < recall_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("This place is not on the list any more."))
    return found


def places(rows: Collection[ArticleRecall], viewer: Viewer) -> Mapping[int, Place]:
    """Return by row where it is, as far as this person may see it."""
    found: dict[int, Place] = {}
    for kind, finder in _finders.items():
        mine = {one.where_id: one.id for one in rows if one.where_kind == kind}
        found |= {mine[where_id]: place for where_id, place in (finder(mine, viewer) if mine else {}).items()}
    return found


def numbers(rows: Collection[ArticleRecall]) -> Mapping[int, int]:
    """Return the numbers of the versions that these rows name, by the version's id."""
    ids = {one.carried_id for one in rows} | {one.revision_id for one in rows}
    found = db.session.execute(select(Revision.id, Revision.number).where(Revision.id.in_(ids - {None})))
    return {row[0]: row[1] for row in found}


def open_counts() -> Mapping[int, int]:
    """Return how many places wait, by article, the most first."""
    rows = db.session.execute(
        select(ArticleRecall.article_id, func.count())
        .where(ArticleRecall.state == "todo")
        .group_by(ArticleRecall.article_id)
        .order_by(func.count().desc(), ArticleRecall.article_id)
    )
    return {row[0]: row[1] for row in rows}


def _list(article: Article, correction: Revision, kind: str, where_id: int, carried_id: int | None, reach: int) -> bool:
    values = {"revision_id": correction.id, "carried_id": carried_id, "reach": reach, "state": "todo", "at": now()}
    if add_once(ArticleRecall, article_id=article.id, where_kind=kind, where_id=where_id, **values):
        return True
    kept = db.session.scalars(
        select(ArticleRecall).where(
            ArticleRecall.article_id == article.id,
            ArticleRecall.where_kind == kind,
            ArticleRecall.where_id == where_id,
        )
    ).one()
    if kept.revision_id >= correction.id:
        return False
    for name, value in values.items():
        setattr(kept, name, value)
    kept.by_id = None
    return True


def _state(typed: str) -> RecallState:
    known: tuple[RecallState, ...] = ("todo", "done", "not_needed")
    found = next((state for state in known if state == typed), None)
    if found is None:
        raise Invalid(gettext("Please choose one of these."))
    return found


def _posts(ids: Collection[int], viewer: Viewer | None) -> Mapping[int, Place]:
    """Return where answers are; who has the same problem, follows or answers is about who saw them."""
    statement = (
        select(
            Post.id, Post.html, Topic.title, Topic.locale, Topic.me_too_count, Topic.answer_count, Post.helpful_count
        )
        .join(Topic, Topic.id == Post.topic_id)
        .where(Post.id.in_(ids))
    )
    if viewer is not None:
        statement = statement.where(forum_queries.posts_visible_to(viewer))
    return {
        row.id: Place(
            title=row.title,
            url=forum_addresses.of_post_id(row.id),
            reach=1 + row.me_too_count + row.answer_count + row.helpful_count,
            excerpt=markup.excerpt(markup.plain(row.html), LONGEST_EXCERPT),
            locale=row.locale,
        )
        for row in db.session.execute(statement)
    }


contribute("post", _posts)


@notifications.kind("article_recall", group="needs")
def _article_recall(notification: Notification) -> str:
    article = db.session.get(Article, notification.data.get("article_id"))
    title = "" if article is None else queries.newest_revision(article).title
    return str(
        gettext(
            "“%(title)s” was corrected. Replies that carried the old instructions: %(count)s.",
            title=title,
            count=notification.data.get("count", 0),
        )
    )
