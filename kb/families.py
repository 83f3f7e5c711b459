"""Families: one article for each language, which say the same; and which of them has fallen behind.

Two moments are enough: `Article.changed_at`, when readers last got to read something else, and `Article.matches_at`,
when it said what the others say. It lags behind another one that changed after that.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flask_babel import gettext
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.i18n import LOCALES
from kb import addresses, policy, queries
from kb.models import Article, ArticleFamily, Revision, Significance

State = Literal["current", "older", "missing"]


@dataclass(frozen=True, slots=True)
class Sibling:
    """The same article in another language, as far as the viewer may read it."""

    id: int
    locale: str
    title: str
    url: str
    significance: Significance | None
    """How much its published version changed."""
    changed_at: datetime | None

    def is_ahead_of(self, article: Article) -> bool:
        """Tell whether it changed and the article did not follow yet."""
        return _changed_since(self.changed_at, article.matches_at)


def siblings(article: Article, *, viewer: Viewer) -> list[Sibling]:
    """Return what the viewer may read of this in the other languages; asks nothing where there is no family."""
    if article.family_id is None:
        return []
    rows = db.session.execute(
        select(
            Article.id,
            Article.locale,
            Article.changed_at,
            Revision.title,
            Revision.slug,
            Revision.significance,
        )
        .join(Revision, Revision.id == Article.published_id)
        .where(Article.family_id == article.family_id, Article.id != article.id, queries.readable_by(viewer))
        .order_by(Article.locale)
    )
    return [
        Sibling(
            row.id,
            row.locale,
            row.title,
            addresses.path(row.id, row.slug),
            row.significance,
            row.changed_at,
        )
        for row in rows
    ]


def members(article: Article) -> list[Article]:
    """Return every article of the family, drafts as well, without the parts that lists do not show."""
    if article.family_id is None:
        return [article]
    statement = select(Article).where(Article.family_id == article.family_id).order_by(Article.locale)
    return list(db.session.scalars(statement.options(*queries.light())).unique())


def note(
    article: Article,
    revision: Revision,
    *,
    before: Revision | None,
    significance: Significance,
    is_first: bool,
    is_matching: bool,
) -> None:
    """Write down what a publication means for the other languages; for `articles.publish`, which holds the article."""
    revision.significance = None if before is None else significance
    moment = now()
    if before is None or significance != "typo":
        article.changed_id, article.changed_at = revision.id, moment
    if is_matching:
        article.matches_at = moment
    if article.family_id is not None and (is_first or is_matching):
        # What appears for the first time as a translation, or was brought in line, puts nobody behind.
        others = update(Article).where(Article.family_id == article.family_id, Article.id != article.id)
        db.session.execute(others.values(matches_at=moment))
    db.session.flush()


def join(article: Article, other: Article, *, by: User, is_current: bool = False) -> None:
    """Make two articles one family: the article says in its language what the other one says in its own.

    With `is_current` it says all that the other one says now.
    """
    if not (policy.may_edit(by, article) and policy.may_edit(by, other)):
        raise NotAllowed
    lock(article, other)
    if article.family_id is not None and article.family_id == other.family_id:
        return
    if article.family_id is not None:
        _refuse(gettext("This article has a family already. Take it out of there first."))
    taken = {one.locale for one in members(other)}
    if article.locale in taken:
        _refuse(gettext("There is one in this language already."))
    if other.family_id is None:
        family = ArticleFamily()
        db.session.add(family)
        db.session.flush()
        other.family_id = family.id
    article.family_id = other.family_id
    other.matches_at = now()
    if is_current:
        article.matches_at = other.matches_at
    _flush()
    audit.record("kb.article.join", article, by=by, after={"family": article.family_id, "with": other.id})


def leave(article: Article, *, by: User) -> None:
    """Take an article out of its family; a repeat changes nothing. A family of one is none."""
    if not policy.may_edit(by, article):
        raise NotAllowed
    family_id = article.family_id
    if family_id is None:
        return
    rest = [one for one in members(article) if one.id != article.id]
    lock(article, *rest)
    article.family_id = article.matches_at = None
    if len(rest) == 1:
        rest[0].family_id = rest[0].matches_at = None
    db.session.flush()
    if len(rest) <= 1:
        db.session.execute(delete(ArticleFamily).where(ArticleFamily.id == family_id))
    audit.record("kb.article.leave", article, by=by, before={"family": family_id})


def confirm(article: Article, *, by: User) -> None:
    """Say that the article says what the others say by now, without changing a word."""
    if not policy.may_edit(by, article):
        raise NotAllowed
    lock(article)
    article.matches_at = now()
    db.session.flush()
    audit.record("kb.article.match", article, by=by)


def missing(article: Article) -> list[str]:
    """Return the languages in which there is no article of this family, not even a draft."""
    spoken = {one.locale for one in members(article)}
    return [locale for locale in LOCALES if locale not in spoken]


def state_of(article: Article, others: list[Article]) -> State:
    """Tell how an article stands to the published ones of its family."""
    if not article.is_published:
        return "missing"
    ahead = any(
        one.is_published and one.id != article.id and _changed_since(one.changed_at, article.matches_at)
        for one in others
    )
    return "older" if ahead else "current"


def lock(*articles: Article) -> None:
    """Keep others waiting who would change the families of these articles; always in the same order."""
    ids = sorted(article.id for article in articles)
    rows = select(Article.id).where(Article.id.in_(ids)).order_by(Article.id)
    db.session.execute(rows.with_for_update(key_share=True))
    for article in articles:
        db.session.refresh(article, ["family_id", "locale", "changed_at", "matches_at"])


def _changed_since(changed_at: datetime | None, moment: datetime | None) -> bool:
    return changed_at is not None and (moment is None or changed_at > moment)


def _flush() -> None:
    try:
        db.session.flush()
    except IntegrityError:
        db.session.rollback()
        sentence = gettext("Somebody else added one in this language a moment ago.")
        raise Conflict(sentence) from None


def _refuse(sentence: str) -> None:
    raise Invalid(sentence, fields={"other": sentence})
