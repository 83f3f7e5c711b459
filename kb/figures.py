"""Figures of the knowledge base. Each is the number of rows of a list, so whoever doubts it reads the list.

Rooms above this one contribute lists (`contribute`): the desk knows which replies had an article in them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import aliased, contains_eager, joinedload, lazyload

from accounts.people import Viewer
from core import markup
from core.clock import now
from core.db import db
from core.errors import NotFound
from core.paging import Page, page
from forum import addresses as forum_addresses
from kb import addresses, queries
from kb.models import Article, ArticleFeedback, ArticleReading, ArticleUse, Revision, UseOutcome
from search.models import GAPS

WEEKS: Final = 13
A_WEEK: Final = timedelta(days=7)
A_PAGE: Final = 50
LONGEST_SAID: Final = 200
AGES: Final = (90, 180, 365)
"""Days that part the articles by how long ago somebody last checked them, or wrote them where nobody did."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list: what it is, the path it leads to (empty where the viewer may not go there), what was said."""

    title: str
    url: str
    lang: str
    at: datetime | None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that a figure counts."""

    key: str
    name: Any
    """In the language of the page."""
    statement: Callable[[], Select[Any]]
    """Selects one entity, and nothing that belongs to a time."""
    at: Any
    """The column that says when; None for what is so today."""
    by: Sequence[Any]
    rows: Callable[[Sequence[Any], Viewer], list[Row]]
    """Makes what is shown of a page of entities, with the same number of statements however many they are."""

    def count(self, week: int | None = None) -> int:
        """Return how many rows there are of the last weeks, or of one of them, 0 the latest."""
        statement = self._within(week).with_only_columns(func.count(), maintain_column_froms=True)
        return db.session.scalar(statement.order_by(None)) or 0

    def weekly(self) -> list[int]:
        """Return how many rows there are of each week, the latest last; one statement."""
        if self.at is None:
            return []
        counts = [func.count().filter(_in_week(self.at, week)) for week in reversed(range(WEEKS))]
        within = self._within(None).with_only_columns(*counts, maintain_column_froms=True)
        return list(db.session.execute(within.order_by(None)).one())

    def page(
        self, viewer: Viewer, *, cursor: str | None = None, week: int | None = None
    ) -> tuple[list[Row], Page[Any]]:
        """Return a page of the rows, the latest first."""
        found = page(self._within(week), by=self.by, cursor=cursor, size=A_PAGE)
        return self.rows(found.items, viewer), found

    def _within(self, week: int | None) -> Select[Any]:
        statement = self.statement()
        if self.at is None:
            return statement
        return (
            statement.where(self.at >= begins(WEEKS - 1), self.at < begins(-1))
            if week is None
            else statement.where(_in_week(self.at, week))
        )


_other = aliased(Article)
_lists: dict[str, Listed] = {}


def contribute(listed: Listed) -> None:
    """Have a list among the figures."""
    _lists[listed.key] = listed


def listed(key: str) -> Listed:
    """Return the list of this name, or raise `NotFound`."""
    if key not in _lists:
        raise NotFound
    return _lists[key]


def lists(*keys: str) -> list[Listed]:
    """Return those of the lists that there are."""
    return [_lists[key] for key in keys if key in _lists]


def week_names() -> list[str]:
    """Return the first day of each week, the latest last."""
    return [begins(week).date().isoformat() for week in reversed(range(WEEKS))]


def week_of(name: str | None) -> int | None:
    """Return which week begins on this day, None for all of them; raise `NotFound` for another day."""
    if name is None:
        return None
    names = week_names()
    if name not in names:
        raise NotFound
    return WEEKS - 1 - names.index(name)


def begins(week: int) -> datetime:
    """Return the Monday on which a week begins, 0 the present one, by UTC as readings are counted."""
    today = now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=today.weekday()) - week * A_WEEK


def views() -> list[int]:
    """Return how often articles were read in each week, the latest last; what is not written yet is not counted."""
    days = _days()
    sums = [func.coalesce(func.sum(ArticleReading.count).filter(days(week)), 0) for week in reversed(range(WEEKS))]
    return [int(number) for number in db.session.execute(select(*sums)).one()]


def read_articles(week: int | None) -> Select[int, int]:
    """Select articles and how often they were read, for `most_read`."""
    days = _days()
    within = days(week) if week is not None else ArticleReading.day >= begins(WEEKS - 1).date()
    times = func.sum(ArticleReading.count)
    return (
        select(ArticleReading.article_id, times)
        .where(within)
        .group_by(ArticleReading.article_id)
        .order_by(times.desc(), ArticleReading.article_id)
    )


def count_read(week: int | None = None) -> int:
    """Return how many articles were read by anybody."""
    return db.session.scalar(select(func.count()).select_from(read_articles(week).order_by(None).subquery())) or 0


def most_read(viewer: Viewer, *, week: int | None = None, number: int = 1) -> list[Row]:
    """Return a page of the articles that were read, the most read first."""
    times = {
        row[0]: row[1] for row in db.session.execute(read_articles(week).limit(A_PAGE).offset((number - 1) * A_PAGE))
    }
    wanted = select(Article).where(Article.id.in_(times), queries.articles_visible_to(viewer)).options(*queries.light())
    found = {article.id: article for article in db.session.scalars(wanted).unique()}
    return [
        Row(
            _title(found[one]),
            addresses.of_article(found[one]),
            found[one].locale,
            None,
            str(ngettext("read %(num)s time", "read %(num)s times", int(number))),
        )
        for one, number in times.items()
        if one in found
    ]


def readings(viewer: Viewer, *, week: int | None = None, number: int = 1) -> list[Row]:
    """Return a page of the readings, the latest day first, one row for each: nothing is known of one but its day."""
    first = (number - 1) * A_PAGE
    days = _days()
    within = days(week) if week is not None else ArticleReading.day >= begins(WEEKS - 1).date()
    order = (ArticleReading.day.desc(), ArticleReading.article_id)
    upto = func.sum(ArticleReading.count).over(order_by=order).label("upto")
    times = ArticleReading.count.label("times")
    counted = select(ArticleReading.article_id, ArticleReading.day, times, upto).where(within).subquery()
    overlaps = (counted.c.upto > first, counted.c.upto - counted.c.times < first + A_PAGE)
    found = db.session.execute(
        select(counted).where(*overlaps).order_by(counted.c.day.desc(), counted.c.article_id)
    ).all()
    wanted = select(Article).where(Article.id.in_({row.article_id for row in found})).options(*queries.light())
    articles = {
        article.id: article
        for article in db.session.scalars(wanted.where(queries.articles_visible_to(viewer))).unique()
    }
    return [
        Row(
            _title(article),
            addresses.of_article(article),
            article.locale,
            datetime.combine(row.day, time(), UTC),
            str(gettext("reading %(place)s of %(count)s on this day", place=place, count=row.times)),
        )
        for row in found
        if (article := articles.get(row.article_id)) is not None
        for place in range(1, row.times + 1)
        if first < int(row.upto) - row.times + place <= first + A_PAGE
    ]


def failed_searches() -> Mapping[str, int]:
    """Return how many searches each list of `kb.gaps` has."""
    return {kind: db.session.scalar(select(func.count()).select_from(view)) or 0 for kind, view in GAPS.items()}


def rate(part: int, other: int) -> int | None:
    """Return what share `part` is of both, in percent; None where there is nothing."""
    return round(100 * part / (part + other)) if part + other else None


def _in_week(at: Any, week: int) -> ColumnElement[bool]:
    return and_(at >= begins(week), at < begins(week - 1))


def _days() -> Callable[[int], ColumnElement[bool]]:
    return lambda week: and_(ArticleReading.day >= begins(week).date(), ArticleReading.day < begins(week - 1).date())


def _published() -> Select[Any]:
    return (
        select(Article)
        .join(Revision, Revision.id == Article.published_id)
        .where(queries.readable_in("team"))
        .options(
            joinedload(Article.owner),
            lazyload(Article.sources),
            contains_eager(Article.published).lazyload(Revision.by),
        )
    )


def _aged(place: int) -> Callable[[], Select[Any]]:
    def statement() -> Select[Any]:
        youngest = now() - timedelta(days=AGES[place - 1]) if place else None
        oldest = now() - timedelta(days=AGES[place]) if place < len(AGES) else None
        found = _published()
        since = func.coalesce(Article.verified_at, Revision.at)
        found = found.where(since <= youngest) if youngest is not None else found
        return found.where(since > oldest) if oldest is not None else found

    return statement


def _alone(lang: str) -> Callable[[], Select[Any]]:
    is_said_elsewhere = (
        select(_other.id)
        .where(
            _other.family_id == Article.family_id,
            _other.id != Article.id,
            _other.published_id.is_not(None),
            _other.confidence != "archived",
        )
        .exists()
    )
    return lambda: _published().where(Article.locale == lang, ~is_said_elsewhere)


def _spoken(lang: str) -> Callable[[], Select[Any]]:
    return lambda: _published().where(Article.locale == lang)


def _article_rows(articles: Sequence[Article], _viewer: Viewer) -> list[Row]:
    return [
        Row(_title(article), addresses.of_article(article), article.locale, article.published.at)
        for article in articles
        if article.published is not None
    ]


def _title(article: Article) -> str:
    return article.published.title if article.published is not None else gettext("An article that is not published")


def _feedback(*, helped: bool) -> Callable[[], Select[Any]]:
    return lambda: select(ArticleFeedback).where(ArticleFeedback.helped.is_(helped))


def _feedback_rows(given: Sequence[ArticleFeedback], _viewer: Viewer) -> list[Row]:
    articles = _articles_of(given)
    return [
        Row(
            _title(article := articles[one.article_id]),
            addresses.of_article(article),
            article.locale,
            one.at,
            markup.excerpt(one.comment, LONGEST_SAID),
        )
        for one in given
    ]


def _use_rows(uses: Sequence[ArticleUse], _viewer: Viewer) -> list[Row]:
    articles = _articles_of(uses)
    return [
        Row(
            _title(article := articles[use.article_id]),
            forum_addresses.of_post_id(use.where_id) if use.where_kind == "post" else addresses.of_article(article),
            article.locale,
            use.at,
            gettext("In an answer") if use.where_kind == "post" else gettext("In a reply"),
        )
        for use in uses
    ]


def _told(outcome: UseOutcome | None) -> Callable[[], Select[Any]]:
    """Select the replies with an article of which their customers said this, or None: nothing yet."""
    said = ArticleUse.outcome.is_(None) if outcome is None else ArticleUse.outcome == outcome
    return lambda: select(ArticleUse).where(ArticleUse.where_kind == "message", said).options(lazyload("*"))


def _articles_of(rows: Sequence[ArticleFeedback] | Sequence[ArticleUse]) -> dict[int, Article]:
    wanted = select(Article).where(Article.id.in_({row.article_id for row in rows})).options(*queries.light())
    return {article.id: article for article in db.session.scalars(wanted).unique()}


def _ages() -> Iterator[Listed]:
    names = (
        lazy_gettext("up to %(num)s days", num=AGES[0]),
        *(
            lazy_gettext("%(from)s to %(to)s days", **{"from": AGES[at], "to": AGES[at + 1]})
            for at in range(len(AGES) - 1)
        ),
        lazy_gettext("more than %(num)s days", num=AGES[-1]),
    )
    for place, name in enumerate(names):
        yield Listed(f"age-{place}", name, _aged(place), None, (Article.id,), _article_rows)


_OUTCOMES: Final[tuple[tuple[str, Any, UseOutcome | None], ...]] = (
    ("solved", lazy_gettext("Helped customers"), "helped"),
    ("unsolved", lazy_gettext("Did not help customers"), "not"),
    ("beside", lazy_gettext("Were about something else"), "other"),
    ("untold", lazy_gettext("Nobody said yet"), None),
)
contribute(
    Listed(
        "helped",
        lazy_gettext("It helped"),
        _feedback(helped=True),
        ArticleFeedback.at,
        (ArticleFeedback.at, ArticleFeedback.id),
        _feedback_rows,
    )
)
contribute(
    Listed(
        "not-helped",
        lazy_gettext("It did not help"),
        _feedback(helped=False),
        ArticleFeedback.at,
        (ArticleFeedback.at, ArticleFeedback.id),
        _feedback_rows,
    )
)
contribute(
    Listed(
        "uses",
        lazy_gettext("Uses"),
        lambda: select(ArticleUse).options(lazyload("*")),
        ArticleUse.at,
        (ArticleUse.at, ArticleUse.id),
        _use_rows,
    )
)
for _key, _named, _outcome in _OUTCOMES:
    _at = ArticleUse.at if _outcome is None else ArticleUse.outcome_at
    contribute(Listed(_key, _named, _told(_outcome), _at, (_at, ArticleUse.id), _use_rows))
for _age in _ages():
    contribute(_age)
for _lang, _name, _only in (
    ("de", lazy_gettext("In German"), lazy_gettext("Only in German")),
    ("en", lazy_gettext("In English"), lazy_gettext("Only in English")),
):
    contribute(Listed(f"in-{_lang}", _name, _spoken(_lang), None, (Article.id,), _article_rows))
    contribute(Listed(f"only-{_lang}", _only, _alone(_lang), None, (Article.id,), _article_rows))
