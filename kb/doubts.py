"""Articles whose answer does not stand any more: contradicted, no solution any longer, muted, obsolete, or edited.

The mark is for the team. It goes when the answer stands again, or when an editor says that the article holds; another
cause, or the same one anew, asks again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy import Select, delete, or_, select
from sqlalchemy.orm import joinedload, lazyload

from accounts import audit
from accounts.models import User
from accounts.people import AnonymousUser, Viewer
from core import texts
from core.clock import now
from core.db import db
from core.errors import NotAllowed
from core.problems import at
from core.unique import add_once
from core.worker import chore
from forum import addresses as forum_addresses
from forum import alarms, notifications
from forum import queries as forum_queries
from forum.models import Acceptance, Experience, Notification, Post
from forum.reviewing import Waiting
from kb import addresses, articles, policy, queries
from kb.models import Article, ArticleDoubt, ArticleSource, DoubtCause

MOST_WAITING = 5
MOST_VERSIONS = 5


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why an article should be looked at, in words, and where the answer is."""

    article_id: int
    words: str
    url: str
    at: datetime
    compare_url: str = ""
    """Where an editor sees the answer then and now."""


def look_at(post_id: int, *, is_undone: bool = False) -> None:
    """Mark the articles made from an answer, or lift the mark, as the answer stands now. May be repeated.

    `is_undone` says that it was a solution until now: an article may be made of an answer that never was one.
    """
    for article_id in db.session.scalars(
        select(ArticleSource.article_id).where(ArticleSource.post_id == post_id)
    ).all():
        _look_at(article_id, post_id, is_undone=is_undone)


@chore("kb.look_for_doubts", every=86_400)
def look_again() -> int:
    """Look at every article whose answer may not stand, for what no event told of; return how many answers."""
    hidden = ~forum_queries.posts_visible_to(AnonymousUser())
    made_of = (
        select(ArticleSource.post_id)
        .join(Post, Post.id == ArticleSource.post_id)
        .outerjoin(Acceptance, Acceptance.post_id == Post.id)
        .where(
            or_(
                Acceptance.contradicted_at.is_not(None),
                Post.obsolete.is_not(None),
                Post.version > ArticleSource.post_version,
                hidden,
            )
        )
    )
    post_ids = set(db.session.scalars(made_of)) | set(db.session.scalars(select(ArticleDoubt.post_id)))
    for post_id in sorted(post_ids):
        look_at(post_id)
        db.session.commit()
    return len(post_ids)


def confirm(article: Article, *, by: User, reason: str = "") -> None:
    """Say that an article holds although its answer does not; where nothing is in doubt, nothing happens."""
    if not policy.may_edit(by, article):
        raise NotAllowed(gettext("Only editors can say that an article holds."))
    with at("reason"):
        reason = texts.line(reason, longest=articles.LONGEST_REASON)
    for source in article.sources:
        source.post_version = source.post.version  # the editor had the way to each of them before their eyes
    _confirm(article, _open().where(ArticleDoubt.article_id == article.id), by=by, reason=reason)


def confirm_source(article: Article, post_id: int, *, by: User, reason: str = "") -> None:
    """Say that an article holds although this one of its answers changed or fell."""
    if not policy.may_edit(by, article):
        raise NotAllowed(gettext("Only editors can say that an article holds."))
    with at("reason"):
        reason = texts.line(reason, longest=articles.LONGEST_REASON)
    mine = _open().where(ArticleDoubt.article_id == article.id, ArticleDoubt.post_id == post_id)
    _confirm(article, mine, by=by, reason=reason)


def _confirm(article: Article, which: Select[ArticleDoubt], *, by: User, reason: str) -> None:
    open_ones = which.with_for_update(of=ArticleDoubt)
    found = list(db.session.scalars(open_ones.execution_options(populate_existing=True)))
    for doubt in found:
        doubt.confirmed_at, doubt.confirmed_by_id = now(), by.id
    db.session.flush()
    if found:
        causes = [{"post_id": doubt.post_id, "cause": doubt.cause} for doubt in found]
        audit.record("kb.article.confirm", article, by=by, reason=reason, before={"doubts": causes}, after={})


def oppose(article: Article, post: Post) -> None:
    """Mark an article against which another answer stands. It is none of its sources; only an editor lifts the mark."""
    add_once(ArticleDoubt, article_id=article.id, post_id=post.id, cause="opposed", is_unaccepted=False, at=now())
    mine = (ArticleDoubt.article_id == article.id, ArticleDoubt.post_id == post.id)
    doubt = db.session.scalars(select(ArticleDoubt).where(*mine)).one()
    if doubt.confirmed_at is not None and doubt.cause == "opposed":
        doubt.at, doubt.confirmed_at, doubt.confirmed_by_id = now(), None, None
        db.session.flush()


def of(article: Article, *, viewer: Viewer) -> Sequence[Doubt]:
    """Return what speaks against an article; nothing for who is not on the team, and nothing is asked then."""
    if not policy.may_see_drafts(viewer):
        return []
    return _in_words(db.session.scalars(_open().where(ArticleDoubt.article_id == article.id)).unique().all())


def doubted_articles() -> Select[Article]:
    """Select the articles that editors should look at, for the team."""
    return select(Article).where(queries.in_doubt()).options(*queries.light())


def in_words_by_article(ids: Collection[int]) -> Mapping[int, Sequence[Doubt]]:
    """Return what speaks against articles, by article, for the team."""
    if not ids:
        return {}
    found: dict[int, list[Doubt]] = {}
    rows = db.session.scalars(_open().where(ArticleDoubt.article_id.in_(ids))).unique().all()
    for doubt in _in_words(rows):
        found.setdefault(doubt.article_id, []).append(doubt)
    return found


def waiting(viewer: Viewer) -> Iterator[Waiting]:
    """Yield the articles in doubt for those who may edit them; the team's queue lists them."""
    if not policy.may_decide(viewer):
        return
    oldest = db.session.scalars(_open().order_by(ArticleDoubt.at).limit(MOST_WAITING)).unique().all()
    words = queries.newest_revisions([doubt.article for doubt in oldest]) if oldest else {}
    for doubt in oldest:
        said = words[doubt.article_id]
        url = addresses.of_article(doubt.article, said)
        yield Waiting(gettext("Article in doubt"), said.title, url, doubt.at, doubt.article.locale)


def _look_at(article_id: int, post_id: int, *, is_undone: bool) -> None:
    # Two who tell at the same moment are looked at one after the other.
    db.session.execute(select(Article.id).where(Article.id == article_id).with_for_update(key_share=True))
    mine = (ArticleDoubt.article_id == article_id, ArticleDoubt.post_id == post_id)
    before = db.session.scalars(
        select(ArticleDoubt).where(*mine).execution_options(populate_existing=True)
    ).one_or_none()
    acceptance = (
        db.session.scalars(
            select(Acceptance).where(Acceptance.post_id == post_id).execution_options(populate_existing=True)
        )
        .unique()
        .one_or_none()
    )
    is_unaccepted = acceptance is None and (is_undone or (before is not None and before.is_unaccepted))
    cause = _cause(post_id, acceptance, is_unaccepted=is_unaccepted) or _drift(article_id, post_id)
    if cause is None:
        db.session.execute(delete(ArticleDoubt).where(*mine))
        return
    since = acceptance.contradicted_at if cause == "contradicted" and acceptance is not None else None
    if before is None:
        values = {"cause": cause, "is_unaccepted": is_unaccepted, "at": since or now()}
        add_once(ArticleDoubt, article_id=article_id, post_id=post_id, **values)
        return
    is_anew = since is not None and before.confirmed_at is not None and since > before.confirmed_at
    if cause != before.cause or is_anew:
        before.cause, before.at, before.confirmed_at, before.confirmed_by_id = cause, since or now(), None, None
    before.is_unaccepted = is_unaccepted
    db.session.flush()


def _cause(post_id: int, acceptance: Acceptance | None, *, is_unaccepted: bool) -> DoubtCause | None:
    everybody = forum_queries.posts_visible_to(AnonymousUser())
    if db.session.scalar(select(Post.id).where(Post.id == post_id, everybody)) is None:
        return "muted"
    if db.session.scalar(select(Post.id).where(Post.id == post_id, Post.obsolete.is_not(None))) is not None:
        return "obsolete"
    if acceptance is not None and acceptance.is_contradicted:
        return "contradicted"
    return "unaccepted" if is_unaccepted else None


def _drift(article_id: int, post_id: int) -> DoubtCause | None:
    """Tell whether the answer says something else than when an editor last compared it."""
    changed = (
        select(ArticleSource.id)
        .join(Post, Post.id == ArticleSource.post_id)
        .where(ArticleSource.article_id == article_id, ArticleSource.post_id == post_id)
        .where(Post.version > ArticleSource.post_version)
    )
    return "edited" if db.session.scalar(changed) is not None else None


def _open() -> Select[ArticleDoubt]:
    return (
        select(ArticleDoubt)
        .where(ArticleDoubt.confirmed_at.is_(None))
        .order_by(ArticleDoubt.id)
        .options(
            joinedload(ArticleDoubt.article).options(lazyload("*"), joinedload(Article.published).lazyload("*")),
            joinedload(ArticleDoubt.post).lazyload("*"),
        )
    )


def _in_words(found: Collection[ArticleDoubt]) -> list[Doubt]:
    contradicted = [doubt.post_id for doubt in found if doubt.cause == "contradicted"]
    failures: dict[int, list[str]] = {}
    if contradicted:
        rows = db.session.execute(
            select(Experience.post_id, Experience.version)
            .where(Experience.post_id.in_(contradicted), Experience.has_worked.is_(False))
            .order_by(Experience.at.desc(), Experience.id.desc())
        )
        for post_id, version in rows:
            failures.setdefault(post_id, []).append(version)
    return [
        Doubt(
            doubt.article_id,
            _sentence(doubt.cause, failures.get(doubt.post_id, [])),
            forum_addresses.of_post_id(doubt.post_id),
            doubt.at,
            f"/kb/articles/{doubt.article_id}/sources/{doubt.post_id}",
        )
        for doubt in found
    ]


_SENTENCES: Final[Mapping[str, Any]] = {
    "muted": lazy_gettext("The answer this came from is muted."),
    "obsolete": lazy_gettext("The answer this came from is obsolete, says the team."),
    "opposed": lazy_gettext("Another answer says something else."),
    "edited": lazy_gettext("The answer this came from says something else now."),
    "unaccepted": lazy_gettext("The answer this came from is no solution any more."),
}


def _sentence(cause: DoubtCause, failures: Sequence[str]) -> str:
    if cause in _SENTENCES:
        return str(_SENTENCES[cause])
    said: str = ngettext(
        "The answer this came from has been contradicted: %(num)s time.",
        "The answer this came from has been contradicted: %(num)s times.",
        len(failures),
    )
    versions = list(dict.fromkeys(version for version in failures if version))[:MOST_VERSIONS]
    if not versions:
        return said
    return " ".join([said, gettext("With: %(versions)s.", versions=", ".join(versions))])


@notifications.kind("article_doubted", group="alarms")
def _article_doubted(notification: Notification) -> str:
    article = db.session.get(Article, notification.data.get("article_id"))
    title = "" if article is None else queries.newest_revision(article).title
    return str(gettext("The article “%(title)s” is still in doubt: its answer does not stand any more.", title=title))


def _doubted_for_long(after: datetime, before: datetime) -> Iterator[alarms.Waiting]:
    waits = _open().where(ArticleDoubt.at > after, ArticleDoubt.at <= before).limit(alarms.MOST_AT_ONCE)
    for doubt in db.session.scalars(waits).unique():
        yield alarms.Waiting(
            key=f"doubt:{doubt.id}:{doubt.at.isoformat()}",
            kind="article_doubted",
            url=addresses.of_article(doubt.article, queries.newest_revision(doubt.article)),
            data={"article_id": doubt.article_id},
        )


alarms.contribute("doubts", roles=("editor",), find=_doubted_for_long)
