"""What other programs read: feeds and the sitemap. Whoever asks for them, they show what a guest may see."""

from collections.abc import Iterable
from datetime import datetime

from flask import Response, request, url_for
from flask_babel import gettext
from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager

from accounts.people import AnonymousUser
from core.db import db
from core.errors import NotFound
from core.i18n import locale
from core.web import limiter
from forum import addresses, feeds, finding, queries, sitemaps
from forum.models import Post, Topic
from forum.sitemaps import Place
from forum.views.edge import bp
from search import query
from search.narrowing import Narrowing

GUEST = AnonymousUser()


@bp.get("/feeds/latest.xml")
def latest_feed() -> Response:
    return _feed(queries.visible_topics(GUEST), gettext("Latest questions"), url_for(".latest_feed"), url_for(".home"))


@bp.get("/feeds/c/<slug>.xml")
def category_feed(slug: str) -> Response:
    category = queries.category(slug)
    return _feed(
        queries.visible_topics(GUEST).where(Topic.category_id == category.id),
        category.name,
        url_for(".category_feed", slug=slug),
        url_for(".show_category", slug=slug),
    )


@bp.get("/feeds/tag/<tag>.xml")
def tag_feed(tag: str) -> Response:
    return _feed(
        queries.with_tag(GUEST, tag),
        gettext("Questions tagged “%(tag)s”", tag=tag),
        url_for(".tag_feed", tag=tag),
        url_for(".show_tag", tag=tag),
        empty_is_missing=True,
    )


@bp.get("/feeds/search.xml")
@limiter.limit("60 per minute")
def search_feed() -> Response:
    """Tell of the latest questions that a search finds: its words and filters are those of the page of results."""
    chosen, text = Narrowing.read(request.args), request.args.get("q", "")
    asked = {**chosen.asked(), "kinds": ("topic",)}
    found = query.find(text, viewer=GUEST, locale=locale(), limit=query.LARGEST_PAGE, **asked)
    if found.query.is_empty:
        raise NotFound
    page = chosen.address(found.query.raw)
    ids = [hit.found.ref.id for hit in found.hits]
    return _feed(
        queries.visible_topics(GUEST).where(Topic.id.in_(ids)),
        gettext("Questions with “%(words)s”", words=found.query.raw),
        f"{url_for('.search_feed')}?{page.partition('?')[2]}",
        page,
    )


@bp.get("/sitemap.xml")
def sitemap() -> Response:
    return feeds.sitemap_index(sitemaps.parts())


@bp.get("/sitemaps/<part>.xml")
def sitemap_part(part: str) -> Response:
    return feeds.sitemap(sitemaps.places(part))


def places() -> list[Place]:
    """Return the pages of the forum that are no question."""
    return [
        Place(url_for(".home")),
        Place(url_for(".leaders")),
        *(Place(url_for(".show_category", slug=it.slug)) for it in queries.categories()),
    ]


class Topics:
    """The questions that search engines may show, for the sitemap."""

    def highest(self) -> int:
        return db.session.scalar(select(func.max(Topic.id))) or 0

    def latest(self, most: int) -> Iterable[tuple[int, datetime]]:
        rows = db.session.execute(
            select(Topic.id, Topic.last_activity_at)
            .where(queries.topics_visible_to(GUEST))
            .order_by(Topic.last_activity_at.desc(), Topic.id.desc())
            .limit(most)
        )
        return ((row.id, row.last_activity_at) for row in rows)

    def between(self, first: int, last: int) -> Iterable[Place]:
        rows = db.session.execute(
            select(Topic.id, Topic.slug, Topic.last_activity_at)
            .where(Topic.id.between(first, last), queries.topics_visible_to(GUEST), finding.worth_finding())
            .order_by(Topic.id)
        )
        return [Place(addresses.of_topic(row), row.last_activity_at) for row in rows]


sitemaps.contribute("forum", places)
sitemaps.contribute_many("topics", Topics())


def _feed(topics: Select[Topic], title: str, path: str, page: str, *, empty_is_missing: bool = False) -> Response:
    liveliest = (
        topics.order_by(Topic.last_activity_at.desc(), Topic.id.desc())
        .limit(feeds.MOST_ENTRIES)
        .with_only_columns(Topic.id)
    )
    questions = list(
        db.session.scalars(
            select(Post)
            .join(Post.topic)
            .options(contains_eager(Post.topic))
            .where(Post.kind == "question", Post.topic_id.in_(liveliest), queries.posts_visible_to(GUEST))
            .order_by(Topic.last_activity_at.desc(), Topic.id.desc())
        ).unique()
    )
    if empty_is_missing and not questions:
        raise NotFound
    return feeds.atom(title=title, path=path, page=page, entries=[_entry(question) for question in questions])


def _entry(question: Post) -> feeds.Entry:
    author = question.author.name if question.author is not None else gettext("Somebody who has left")
    return feeds.Entry(
        path=f"/t/{question.topic_id}",
        title=question.topic.title,
        author=author,
        published_at=question.created_at,
        updated_at=max(question.topic.last_activity_at, question.edited_at or question.created_at),
        html=question.html,
        locale=question.topic.locale,
    )
