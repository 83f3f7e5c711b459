"""Archiving articles, and putting another one in their place: the old address leads there for ever.

What is archived stays findable for the team. Only what is published can take a place, so no chain ever becomes a
circle; where one of a chain is withdrawn later, its old addresses lead nowhere until it is back.
"""

from typing import Final

from flask_babel import gettext
from sqlalchemy import Select, select

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import texts
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import publish as publish_event
from core.problems import at
from forum import closing, targets, topics
from forum.targets import Target
from kb import addresses, articles, following, policy, queries
from kb.events import ReadershipChanged
from kb.models import Article, ArticleRetirement, Audience, Revision

LONGEST_CHAIN: Final = 50
_CIRCLES: Final[dict[Audience, int]] = {"team": 0, "signed_in": 1, "public": 2}


def retire(article: Article, *, by: User, reason: str, successor: Article | None = None) -> None:
    """Archive an article; with `successor`, whoever opens it, or was led to it, is led there from now on."""
    if not policy.may_publish(by, article):
        raise NotAllowed(gettext("Only editors archive articles."))
    with at("reason"):
        reason = texts.block(reason, longest=articles.LONGEST_REASON, shortest=articles.SHORTEST_REASON)
    both = {one.id: one for one in (article, successor) if one is not None}
    for _, one in sorted(both.items()):  # two at once wait for each other in the same order
        articles.hold(one)
    if article.confidence == "archived":
        raise Conflict(gettext("This article is archived already."))
    if successor is not None:
        _refuse(article, successor)
    before, path = article.confidence, addresses.of_article(article)
    _forget(article)
    row = ArticleRetirement(
        article_id=article.id,
        successor_id=None if successor is None else successor.id,
        before=before,
        reason=reason,
        by_id=by.id,
    )
    db.session.add(row)
    article.confidence = "archived"
    db.session.flush()
    if successor is not None:
        _lead_on(article, successor)
    articles.link_threads(article, old_path=path)
    following.retract(article)
    after = {"confidence": "archived", "successor": row.successor_id}
    audit.record("kb.article.retire", article, by=by, reason=reason, before={"confidence": before}, after=after)
    publish_event(ReadershipChanged(article.id))


def revive(article: Article, *, by: User) -> None:
    """Bring an archived article back as it was; its address is its own again."""
    if not policy.may_publish(by, article):
        raise NotAllowed(gettext("Only editors bring articles back."))
    articles.hold(article)
    if article.confidence != "archived":
        raise Conflict(gettext("This article is not archived."))
    row = of(article)
    successor = None if row is None or row.successor_id is None else db.session.get(Article, row.successor_id)
    article.confidence = "not_validated" if row is None else row.before
    if article.published_id is None:
        article.confidence = "in_progress"
    _forget(article)
    if successor is not None:
        _lead_back(article, successor)
    articles.link_threads(article)
    audit.record(
        "kb.article.revive", article, by=by, before={"confidence": "archived"}, after={"confidence": article.confidence}
    )
    publish_event(ReadershipChanged(article.id))


def of(article: Article) -> ArticleRetirement | None:
    """Return how an article was archived."""
    return db.session.get(ArticleRetirement, article.id)


def successor_of(article_id: int, *, viewer: Viewer) -> Article | None:
    """Return what took the place of an article, and of that one, as far as this viewer can read it; or None."""
    if article_id > LARGEST_ID:
        return None
    seen = {article_id}
    for _ in range(LONGEST_CHAIN):
        onward = db.session.scalar(
            select(ArticleRetirement.successor_id).where(ArticleRetirement.article_id == article_id)
        )
        if onward is None or onward in seen:
            return None
        found = (
            db.session.scalars(
                select(Article).where(Article.id == onward, queries.readable_by(viewer)).options(*queries.light())
            )
            .unique()
            .one_or_none()
        )
        if found is not None:
            return found
        seen.add(onward)
        article_id = onward
    return None


def archived_articles(words: str = "") -> Select[Article]:
    """Select what is archived, for the team; `words` must stand in the title or the text."""
    statement = select(Article).where(Article.confidence == "archived").options(*queries.light())
    for word in words.split()[:10]:
        has = select(Revision.id).where(Revision.article_id == Article.id)
        in_it = Revision.title.icontains(word, autoescape=True) | Revision.plain.icontains(word, autoescape=True)
        statement = statement.where(has.where(in_it).exists())
    return statement


def named(typed: str, *, viewer: Viewer) -> Article | None:
    """Return the article that a number or an address means; None for nothing, `Invalid` for what is none."""
    typed = typed.strip()
    if not typed:
        return None
    number = texts.number(typed)
    if number is None:
        with at("successor"):
            place = targets.named(typed, viewer=viewer)
            if not isinstance(place, Target) or place.kind != "article":
                raise Invalid(gettext("This is not the address of an article."))
            number = place.id
    found = (
        db.session.scalars(select(Article).where(Article.id == number, queries.readable_by(viewer)))
        .unique()
        .one_or_none()
    )
    if found is None:
        with at("successor"):
            raise Invalid(gettext("There is no published article with this number."))
    return found


def _refuse(article: Article, successor: Article) -> None:
    sentence = ""
    if successor.id == article.id:
        sentence = gettext("An article cannot take its own place.")
    elif not successor.is_published:
        sentence = gettext("Only a published article can take the place of another.")
    elif _CIRCLES[successor.audience] < _CIRCLES[article.audience]:
        sentence = gettext("Not everybody who could read this article can read that one.")
    if sentence:
        raise Invalid(sentence, fields={"successor": sentence})


def _lead_on(article: Article, successor: Article) -> None:
    """Have what led to the article lead to what took its place: its threads, and questions closed as duplicates."""
    words = successor.published
    if words is None or successor.audience != "public":
        return
    closing.move_place("article", article.id, successor.id)
    for topic in dict.fromkeys(source.post.topic for source in article.sources):
        topics.add_see_also(topic, title=words.title, url=addresses.of_article(successor))


def _lead_back(article: Article, successor: Article) -> None:
    own = {source.post.topic for source in successor.sources}
    for topic in dict.fromkeys(source.post.topic for source in article.sources):
        if topic not in own:
            topics.remove_see_also(topic, url=addresses.of_article(successor))


def _forget(article: Article) -> None:
    row = of(article)
    if row is not None:
        db.session.delete(row)
    db.session.flush()
