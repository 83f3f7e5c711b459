"""Uses: where an article was reused, in which revision and face, by whom, and what had been asked."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update

from accounts.models import User
from accounts.people import AnonymousUser
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import NotFound
from core.settings import current_settings
from core.unique import add_once
from forum.models import Post
from forum.queries import posts_visible_to
from kb import queries
from kb.models import Article, ArticleUse
from search import tracking

MOST_IN_ANSWER: Final = 20
"""Articles that an answer is taken to reuse; more than that is a list."""


def note_in_answer(post: Post) -> None:
    """Have the uses of an answer in the forum be the articles it leads to, as far as every guest can read both.

    What had been asked helps only the team to find the article: the question may be muted later.
    """
    is_read = db.session.scalar(select(Post.id).where(Post.id == post.id, posts_visible_to(AnonymousUser())))
    led = [] if is_read is None else led_to(post.source)
    for use in db.session.scalars(
        select(ArticleUse).where(ArticleUse.where_kind == "post", ArticleUse.where_id == post.id)
    ).unique():
        if use.article_id not in led:
            db.session.delete(use)
    for article_id in led:
        try:
            article = queries.visible_article(article_id, viewer=AnonymousUser())
        except NotFound:
            continue  # an address can name anything; what is not there was not used
        record(
            article,
            face=None,
            where_kind="post",
            where_id=post.id,
            by=post.author,
            asked=post.topic.title,
            at=post.created_at,
        )
    db.session.flush()


def record(  # noqa: PLR0913 -- the properties of a use, by keyword
    article: Article,
    *,
    face: str | None,
    where_kind: str,
    where_id: int,
    by: User | None,
    way: str | None = None,
    asked: str = "",
    asked_in_public: bool = False,
    at: datetime | None = None,
    revision_id: int | None = None,
) -> ArticleUse:
    """Keep that an article was reused; a repeat for the same place changes nothing. Search learns what had been asked.

    The revision is the published one of this moment, or the newest where nothing is published, unless it is given: of
    imported history it is the one that was there then.
    """
    add_once(
        ArticleUse,
        article_id=article.id,
        revision_id=revision_id or article.published_id or queries.newest_revision(article).id,
        face=face,
        way=way,
        where_kind=where_kind,
        where_id=where_id,
        by_id=None if by is None else by.id,
        at=at or now(),
        asked=asked,
        asked_in_public=asked_in_public,
    )
    tracking.note("article", [article.id])
    return db.session.scalars(
        select(ArticleUse).where(
            ArticleUse.article_id == article.id, ArticleUse.where_kind == where_kind, ArticleUse.where_id == where_id
        )
    ).one()


def forget(where_kind: str, where_ids: Sequence[int]) -> None:
    """Forget that articles were reused in places which never came to be: a reply that was taken back."""
    those = (ArticleUse.where_kind == where_kind, ArticleUse.where_id.in_(where_ids))
    article_ids = set(db.session.scalars(select(ArticleUse.article_id).where(*those)))
    if article_ids:
        db.session.execute(delete(ArticleUse).where(*those))
        tracking.note("article", sorted(article_ids))


def forget_what_was_asked(where_kind: str, where_ids: Sequence[int]) -> None:
    """Forget the words that were asked in these places; that an article was reused there stays counted."""
    those = (ArticleUse.where_kind == where_kind, ArticleUse.where_id.in_(where_ids), ArticleUse.asked != "")
    article_ids = set(
        db.session.scalars(update(ArticleUse).where(*those).values(asked="").returning(ArticleUse.article_id))
    )
    if article_ids:
        tracking.note("article", sorted(article_ids))


def led_to(source: str) -> list[int]:
    """Return the ids of the articles whose addresses stand in a text, whole or as a path, by whatever slug."""
    here = re.escape(current_settings().base_url)
    found = re.findall(rf"(?:{here}|(?<![\w/.:-]))/kb/([0-9]{{1,18}})(?![0-9])", source)
    return [number for number in dict.fromkeys(map(int, found)) if 0 < number <= LARGEST_ID][:MOST_IN_ANSWER]
