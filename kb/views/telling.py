"""What search engines and those who share an address are told of the knowledge base."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from flask import url_for
from flask_login import current_user
from sqlalchemy import func, select

from accounts.models import User
from accounts.people import AnonymousUser
from core.db import db
from core.linked_data import script
from forum import addresses as forum_addresses
from forum import sitemaps
from forum.addresses import HasAddress
from kb import addresses, alternates, linked_data, queries
from kb.models import Article, Revision


def head(
    article: Article,
    words: Revision,
    *,
    credited: Iterable[User | None],
    threads: Iterable[HasAddress],
    siblings: Iterable[alternates.Translation],
) -> dict[str, Any]:
    """Return what the page of an article adds for search engines, which are guests: nothing for whoever is signed in.

    `credited` are those who may be named, `threads` the questions that the viewer may see, `siblings` the translations.
    """
    if current_user.is_authenticated:
        return {"linked": None, "alternates": ()}
    named = [user for user in dict.fromkeys(credited) if user is not None]
    paths = map(forum_addresses.of_topic, threads)
    told = linked_data.of_article(article, words, credited=named, threads=paths)
    return {
        "linked": None if told is None else script(told),
        "alternates": () if told is None else alternates.of(article, siblings),
    }


def places() -> Iterator[tuple[str, datetime | None]]:
    """Yield the pages of the knowledge base that are no article, as far as a guest finds something on them."""
    yield url_for("kb.home"), None
    for shelf in queries.shelves(AnonymousUser()):
        yield addresses.of_section(shelf.section), None


class Written:
    """The articles that guests can read, for the sitemap."""

    def highest(self) -> int:
        return db.session.scalar(select(func.max(Article.id))) or 0

    def latest(self, most: int) -> Iterable[tuple[int, datetime]]:
        rows = db.session.execute(
            select(Article.id, Revision.at)
            .join(Revision, Revision.id == Article.published_id)
            .where(queries.readable_by(AnonymousUser()))
            .order_by(Article.published_id.desc())
            .limit(most)
        )
        return sorted(((row.id, row.at) for row in rows), key=lambda one: one[1], reverse=True)

    def between(self, first: int, last: int) -> Iterable[sitemaps.Place]:
        rows = db.session.execute(
            select(Article.id, Revision.slug, Revision.at)
            .join(Revision, Revision.id == Article.published_id)
            .where(Article.id.between(first, last), queries.readable_by(AnonymousUser()))
            .order_by(Article.id)
        )
        return [sitemaps.Place(addresses.path(row.id, row.slug), row.at) for row in rows]
