"""When the answer that an article was made from changes: the source then and now, and what an editor does about it.

The article has words of its own, so it never goes blank: it stays as it is until an editor changes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core.db import db
from core.diffs import Piece, compare
from core.errors import Conflict, NotAllowed, NotFound
from forum.models import Post, PostRevision
from kb import articles, doubts, policy, queries
from kb.models import Article, ArticleSource, Revision


@dataclass(frozen=True, slots=True)
class Drift:
    """A source as it was when an editor last compared it, and as it is."""

    post: Post
    before: str | None
    """None where what it said then is not kept."""
    pieces: Sequence[Piece]

    @property
    def has_changed(self) -> bool:
        return self.before is None or self.before != self.post.source


def source_of(article: Article, post_id: int) -> ArticleSource:
    """Return the source of an article that is this post, or raise `NotFound`."""
    found = next((source for source in article.sources if source.post_id == post_id), None)
    if found is None:
        raise NotFound(gettext("The article was not made from this answer."))
    return found


def between(source: ArticleSource) -> Drift:
    """Return a source then and now."""
    post = source.post
    before: str | None = post.source
    if post.version != source.post_version:
        before = db.session.scalar(
            select(PostRevision.source).where(
                PostRevision.post_id == post.id, PostRevision.number == source.post_version
            )
        )
    return Drift(post, before, compare(before or "", post.source))


def merged(article: Article, drift: Drift) -> str:
    """Return what helps, with the new words of the source where the old ones stand in it unchanged."""
    words = queries.newest_revision(article).resolution
    if not drift.before or drift.before not in words:
        return words
    return words.replace(drift.before, drift.post.source, 1)


def keep(article: Article, post_id: int, *, version: int, by: User, reason: str = "") -> None:
    """Say that the article holds as it is, having compared it with this version of its source."""
    _settle(article, post_id, version=version, by=by)
    doubts.confirm_source(article, post_id, by=by, reason=reason)


def update(article: Article, post_id: int, *, version: int, resolution: str, based_on: int, by: User) -> Revision:
    """Write a version with what the source says now; readers see it when it is published."""
    source = _settle(article, post_id, version=version, by=by)
    words = articles.words_of(queries.newest_revision(article))
    words["resolution"] = resolution
    revision = articles.revise(article, by=by, comment=gettext("After the answer changed"), based_on=based_on, **words)
    doubts.confirm_source(article, source.post_id, by=by, reason=gettext("Version %(number)s", number=revision.number))
    return revision


def _settle(article: Article, post_id: int, *, version: int, by: User) -> ArticleSource:
    if not policy.may_edit(by, article):
        raise NotAllowed(gettext("Only editors can say that an article holds."))
    source = source_of(article, post_id)
    db.session.refresh(source.post, ["version", "source"])
    if version != source.post.version:
        raise Conflict(gettext("The answer changed once more meanwhile. Please look at it again."))
    if source.post_version != version:
        before, source.post_version = source.post_version, version
        db.session.flush()
        about = {"post_id": post_id}
        audit.record(
            "kb.article.source",
            article,
            by=by,
            before={**about, "version": before},
            after={**about, "version": version},
        )
    return source
