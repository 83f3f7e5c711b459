"""What the work on the knowledge base comes to, for editors: drawn, in numbers, and each number as its list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, request, url_for
from flask_babel import gettext
from flask_login import current_user
from markupsafe import Markup

from accounts.access import role_required
from kb import drawing, figures
from kb.figures import Listed
from kb.views.edge import bp, show

READ: Final = "read"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: what it is called, its numbers, and where each leads (empty: a sum, which is no list)."""

    name: Any
    numbers: Sequence[int]
    urls: Sequence[str]


@dataclass(frozen=True, slots=True)
class Part:
    """A drawing, the table beside it, and one sentence."""

    id: str
    title: str
    sentence: str
    labels: Sequence[str]
    columns: Sequence[Column]
    drawing: Markup
    parts: Sequence[str] = ()
    """What the parts of its bars are called, where there are several."""


@bp.get("/kb/figures", endpoint="figures")
@role_required("editor")
def show_figures() -> Response:
    return show(
        "kb/figures.html", parts=[_views(), _helped(), _used(), *_linked(), _solved(), _failed(), _aged(), _spoken()]
    )


@bp.get("/kb/figures/<figure>")
@role_required("editor")
def figure_list(figure: str) -> Response:
    week, name = figures.week_of(request.args.get("week")), request.args.get("week")
    if figure == READ:
        number, count = max(request.args.get("page", 1, type=int), 1), figures.count_read(week)
        rows = figures.most_read(current_user, week=week, number=min(number, count // figures.A_PAGE + 1))
        newer = url_for(".figure_list", figure=figure, week=name, page=number - 1) if number > 1 else None
        older = (
            url_for(".figure_list", figure=figure, week=name, page=number + 1)
            if count > number * figures.A_PAGE
            else None
        )
        title: Any = gettext("Articles that were read")
    else:
        chosen = figures.listed(figure)
        count, title = chosen.count(week), chosen.name
        rows, found = chosen.page(current_user, cursor=request.args.get("page"), week=week)
        newer = url_for(".figure_list", figure=figure, week=name, page=found.previous) if found.previous else None
        older = url_for(".figure_list", figure=figure, week=name, page=found.next) if found.next else None
    return show("kb/figure.html", title=title, rows=rows, count=count, week=name, newer=newer, older=older)


def _views() -> Part:
    weeks, views = figures.week_names(), figures.views()
    read = [figures.count_read(week) for week in reversed(range(figures.WEEKS))]
    urls = [url_for(".figure_list", figure=READ, week=week) for week in weeks]
    return Part(
        "views",
        gettext("Readings"),
        gettext(
            "Articles were read %(num)s times in these weeks, as far as browsers with JavaScript tell; who read "
            "them is kept nowhere.",
            num=sum(views),
        ),
        weeks,
        [Column(gettext("Readings"), views, ()), Column(gettext("Articles read"), read, urls)],
        drawing.bars(_days(weeks), [("", views)]),
    )


def _helped() -> Part:
    columns = _by_week(figures.lists("helped", "not-helped"))
    share = figures.rate(*(sum(column.numbers) for column in columns))
    sentence = gettext("%(num)s %% of those who said something were helped.", num=share) if share is not None else ""
    return _weekly("helped", gettext("Did it help?"), sentence, columns)


def _used() -> Part:
    columns = _by_week(figures.lists("uses"))
    sentence = gettext("Articles were used in answers and replies %(num)s times.", num=sum(columns[0].numbers))
    return _weekly("uses", gettext("Uses"), sentence, columns)


def _linked() -> list[Part]:
    """Return how many replies had an article, where there is somebody who replies."""
    found = figures.lists("replies-with", "replies-without")
    if not found:
        return []
    columns = _by_week(found)
    share = figures.rate(*(sum(column.numbers) for column in columns))
    sentence = gettext("%(num)s %% of the replies had an article in them.", num=share) if share is not None else ""
    return [_weekly("replies", gettext("Replies with an article"), sentence, columns)]


def _solved() -> Part:
    """Return what customers said of the articles they were sent, and which share of these solved it."""
    columns = _by_week(figures.lists("solved", "unsolved", "beside", "untold"))
    share = figures.rate(sum(columns[0].numbers), sum(columns[1].numbers))
    sentence = (
        gettext("%(num)s %% of the replies with an article whose customers said something solved it.", num=share)
        if share is not None
        else ""
    )
    return _weekly("solved", gettext("Did the replies help?"), sentence, columns, drawn=2)


def _failed() -> Part:
    counts = figures.failed_searches()
    names = {
        "nothing": gettext("Nothing found"),
        "unopened": gettext("Nothing opened"),
        "again": gettext("Asked again"),
    }
    urls = [url_for(".searches", list=kind) for kind in counts]
    column = Column(gettext("Searches"), list(counts.values()), urls)
    labels = [names[kind] for kind in counts]
    return _today(
        "searches", gettext("Searches that failed"), gettext("Of the last 90 days, by words."), labels, column
    )


def _aged() -> Part:
    found = figures.lists(*(f"age-{place}" for place in range(len(figures.AGES) + 1)))
    sentence = gettext("How long ago somebody last checked them, or wrote them where nobody did.")
    return _today("ages", gettext("Age of what is published"), sentence, *_by_list(found))


def _spoken() -> Part:
    sentence = gettext("How many articles there are in each language, and of how many there is no other.")
    return _today(
        "languages", gettext("Languages"), sentence, *_by_list(figures.lists("in-de", "only-de", "in-en", "only-en"))
    )


def _by_week(found: Sequence[Listed]) -> list[Column]:
    weeks = figures.week_names()
    return [
        Column(one.name, one.weekly(), [url_for(".figure_list", figure=one.key, week=week) for week in weeks])
        for one in found
    ]


def _by_list(found: Sequence[Listed]) -> tuple[list[str], Column]:
    urls = [url_for(".figure_list", figure=one.key) for one in found]
    return [str(one.name) for one in found], Column(gettext("Articles"), [one.count() for one in found], urls)


def _weekly(key: str, title: str, sentence: str, columns: list[Column], *, drawn: int | None = None) -> Part:
    """Return a part whose first columns are drawn; all stand in the table."""
    weeks = figures.week_names()
    series = [(str(column.name), column.numbers) for column in columns[:drawn]]
    names = [name for name, _numbers in series] if len(series) > 1 else ()
    return Part(key, title, sentence, weeks, columns, drawing.bars(_days(weeks), series), names)


def _today(key: str, title: str, sentence: str, labels: list[str], column: Column) -> Part:
    return Part(key, title, sentence, labels, [column], drawing.bars(labels, [("", column.numbers)]))


def _days(weeks: Sequence[str]) -> list[str]:
    """Return weeks as short as a drawing has room for: month and day."""
    return [week[5:] for week in weeks]
