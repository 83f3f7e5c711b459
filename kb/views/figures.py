"""What the work on the knowledge base comes to, for editors: drawn, in numbers, and each number as its list."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
READINGS: Final = "readings"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: what it is called, its numbers, and the list that each leads to."""

    name: Any
    numbers: Sequence[int]
    urls: Sequence[str]
    total: int | None = None
    """The number of all the weeks; None where there are none."""
    total_url: str = ""


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
    if figure in {READ, READINGS}:
        return _counted_page(figure, week, name)
    chosen = figures.listed(figure)
    count, title = chosen.count(week), chosen.name
    rows, found = chosen.page(current_user, cursor=request.args.get("page"), week=week)
    newer = url_for(".figure_list", figure=figure, week=name, page=found.previous) if found.previous else None
    older = url_for(".figure_list", figure=figure, week=name, page=found.next) if found.next else None
    return show("kb/figure.html", title=title, rows=rows, count=count, week=name, newer=newer, older=older)


def _counted_page(figure: str, week: int | None, name: str | None) -> Response:
    """Show a list that is made of sums: its pages are numbered."""
    if figure == READ:
        count, listing, title = figures.count_read(week), figures.most_read, gettext("Articles that were read")
    else:
        views = figures.views()
        count = sum(views) if week is None else views[figures.WEEKS - 1 - week]
        listing, title = figures.readings, gettext("Readings")
    last = max(-(-count // figures.A_PAGE), 1)
    number = min(max(request.args.get("page", 1, type=int), 1), last)
    rows = listing(current_user, week=week, number=number)
    newer = url_for(".figure_list", figure=figure, week=name, page=number - 1) if number > 1 else None
    older = url_for(".figure_list", figure=figure, week=name, page=number + 1) if number < last else None
    return show("kb/figure.html", title=title, rows=rows, count=count, week=name, newer=newer, older=older)


def _views() -> Part:
    weeks = figures.week_names()
    read = [figures.count_read(week) for week in reversed(range(figures.WEEKS))]
    columns = [
        _column(gettext("Readings"), READINGS, figures.views()),
        replace(_column(gettext("Articles read"), READ, read), total=figures.count_read()),
    ]
    sentence = gettext("As far as browsers with JavaScript tell; who read them is kept nowhere.")
    drawn = drawing.bars(_days(weeks), [("", columns[0].numbers)])
    return Part("views", gettext("Readings"), sentence, weeks, columns, drawn)


def _helped() -> Part:
    columns = _by_week(figures.lists("helped", "not-helped"))
    share = figures.rate(*(sum(column.numbers) for column in columns))
    sentence = gettext("%(num)s %% of those who said something were helped.", num=share) if share is not None else ""
    return _weekly("helped", gettext("Did it help?"), sentence, columns)


def _used() -> Part:
    sentence = gettext("How often articles were used in answers and replies.")
    return _weekly("uses", gettext("Uses"), sentence, _by_week(figures.lists("uses")))


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
    return [_column(one.name, one.key, one.weekly()) for one in found]


def _column(name: Any, key: str, numbers: Sequence[int]) -> Column:
    """Return what happened in each week, and in all of them."""
    urls = [url_for(".figure_list", figure=key, week=week) for week in figures.week_names()]
    return Column(name, numbers, urls, sum(numbers), url_for(".figure_list", figure=key))


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
