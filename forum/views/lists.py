"""The lists: home, a category, a tag, a person."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from flask import Response, redirect, request, url_for
from flask_login import current_user
from sqlalchemy import ColumnElement, Select, func, select
from werkzeug.wrappers import Response as WerkzeugResponse

from accounts import people
from accounts.models import User
from core import markup, paging
from core.db import db
from core.errors import NotFound
from core.i18n import LOCALES
from core.paging import Page
from core.ready import remembered, same_for_guests
from forum import follows, queries, reading
from forum.models import Acceptance, Post, Topic
from forum.views.edge import bp, show

T = TypeVar("T")
PAGE_SIZE = 20
EXCERPT_LENGTH = 180


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of topics and how many there are; `link(state=…)` leads to the same list, narrowed otherwise."""

    topics: Page[Topic]
    counts: dict[str, int]
    state: queries.State | None
    locale: str | None
    link: Callable[..., str]


@bp.get("/")
@same_for_guests
def home() -> Response:
    quiet = follows.unsilenced_for(current_user)
    tallies = _counted("tallies", lambda: queries.tallies(current_user, quiet))
    spoken = _locale()
    categories = queries.categories()
    is_narrowed = _since() is not None
    listing = (
        _listing(quiet, reading.since_last_visit(current_user))
        if is_narrowed
        else _listing(quiet, counts=queries.added(tally for tally in tallies if spoken in {None, tally.locale}))
    )
    return show(
        "forum/home.html",
        listing=listing,
        glance=reading.glance(current_user, listing.topics.items, at_home=True),
        is_narrowed=is_narrowed,
        categories=categories,
        topic_counts={
            category.id: queries.added(tally for tally in tallies if tally.category_id == category.id)["all"]
            for category in categories
        },
        is_first_page=not request.args.get("page"),
    )


@bp.get("/c/<slug>")
@same_for_guests
def show_category(slug: str) -> Response:
    category, pinned = queries.category_with_pins(slug, viewer=current_user)
    listing = _listing(Topic.category_id == category.id, follows.unsilenced_for(current_user, in_category=True))
    if listing.state or listing.locale or request.args.get("page"):
        pinned = []
    others = [topic for topic in listing.topics.items if topic not in pinned]
    if pinned and others:
        listing = replace(listing, topics=replace(listing.topics, items=others))
    pinned = pinned if others else []
    glance = reading.glance(current_user, [*pinned, *listing.topics.items], subject=category)
    return show("forum/category.html", category=category, listing=listing, pinned=pinned, glance=glance)


@bp.get("/tags/<tag>")
@same_for_guests
def show_tag(tag: str) -> Response | WerkzeugResponse:
    listing = _listing(queries.has_tag(tag))
    if not listing.counts["all"] and not listing.locale:
        raise NotFound
    if listing.topics.items and tag not in listing.topics.items[0].tag_names:
        return redirect(url_for(".show_tag", tag=queries.meant_tag(tag)), code=301)
    glance = reading.glance(current_user, listing.topics.items, subject=tag)
    return show("forum/tag.html", tag=tag, listing=listing, glance=glance)


@bp.get("/u/<handle>")
@same_for_guests
def show_person(handle: str) -> Response:
    person = people.by_handle(handle)
    if person is None:
        raise NotFound
    tab = "answers" if request.args.get("show") == "answers" else "questions"
    asked, is_open = Topic.asker_id == person.id, ~queries.is_solved()
    questions = queries.visible_topics(current_user).where(asked)
    state = request.args.get("state")
    if state == "unsolved":
        questions = questions.where(is_open)
    answers = queries.visible_posts_by(person, viewer=current_user).where(Post.kind == "answer")
    cursor = request.args.get("page")
    return show(
        "forum/person.html",
        person=person,
        stance=follows.stance(person, current_user),
        tab=tab,
        state=state if state == "unsolved" else None,
        counts=_counts_of(person, asked),
        topics=_page_of_topics(questions) if tab == "questions" else None,
        answers=paging.page(answers, by=(Post.id,), cursor=cursor, size=PAGE_SIZE) if tab == "answers" else None,
        excerpt=lambda post: markup.excerpt(markup.plain(post.html), EXCERPT_LENGTH),
        link=_link(handle=handle, show=tab if tab == "answers" else None, state=state),
    )


def _since() -> str | None:
    return "visit" if request.args.get("since") == "visit" and current_user.is_authenticated else None


def _locale() -> str | None:
    chosen = request.args.get("locale")
    return chosen if chosen in LOCALES else None


def _listing(*where: ColumnElement[bool], counts: dict[str, int] | None = None) -> Listing:
    state = next((known for known in queries.STATES if known == request.args.get("state")), None)
    spoken = _locale()
    if spoken:
        where = (*where, Topic.locale == spoken)
    topics = queries.visible_topics(current_user).where(*where)
    if state is not None:
        topics = topics.where(queries.in_state(state))
    return Listing(
        topics=_page_of_topics(topics),
        counts=_counted("states", lambda: queries.counts(current_user, *where)) if counts is None else counts,
        state=state,
        locale=spoken,
        link=_link(**(request.view_args or {}), state=state, locale=spoken, since=_since()),
    )


def _counted(what: str, count: Callable[[], T]) -> T:
    """Return what is counted over all that a list has: for guests the same for all of them until somebody commits."""
    if current_user.is_authenticated:
        return count()
    return remembered((what, request.path, _locale()), count)


def _page_of_topics(topics: Select[Topic]) -> Page[Topic]:
    by = (Topic.last_activity_at, Topic.id)
    return paging.page(queries.listed(topics), by=by, cursor=request.args.get("page"), size=PAGE_SIZE)


def _link(**given: Any) -> Callable[..., str]:
    endpoint = request.endpoint or ".home"
    return lambda **changed: url_for(endpoint, **{**given, **changed})


def _counts_of(person: User, asked: ColumnElement[bool]) -> dict[str, int]:
    row = db.session.execute(
        select(func.count(Post.id), func.count(Acceptance.id))
        .outerjoin(Acceptance, Acceptance.post_id == Post.id)
        .where(Post.author_id == person.id, Post.kind == "answer", queries.posts_visible_to(current_user))
    ).one()
    questions = queries.counts(current_user, asked)
    return {"questions": questions["all"], "unsolved": questions["unsolved"], "answers": row[0], "solutions": row[1]}
