"""How long customers wait, drawn, in numbers, and each number as its list; agents see their own first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, request, url_for
from flask_babel import gettext
from flask_login import current_user
from markupsafe import Markup

from accounts.access import role_required
from core import i18n
from core.edge import show
from desk import clock_words, sheets, timing
from desk.clock_models import ClockEvent, ConversationClock
from desk.timing import Measured, Slice
from desk.views.edge import bp
from desk.views.figure_tabs import sections, whose_tabs
from kb import drawing

A_MINUTE: Final = 60
TIMED: Final = ("first", "next", "solved")


@dataclass(frozen=True, slots=True)
class Cell:
    """A number, and the list it leads to; words where it has no list of its own."""

    words: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A drawing, the table beside it, and one sentence."""

    id: str
    title: str
    sentence: str
    head: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    drawing: Markup
    parts: Sequence[str] = ()


@bp.get("/desk/figures")
@role_required("agent")
def timing_figures() -> Response:
    along, of = _asked()
    names = {
        "week": gettext("by week"),
        "channel": gettext("by channel"),
        "hour": gettext("by hour"),
        "team": gettext("by team"),
    }
    address = timing.address(of)
    return show(
        "desk/figures.html",
        parts=_parts(along, of),
        tabs=[
            {"label": names[one], "url": url_for(".timing_figures", **{**address, "by": one}), "current": one == along}
            for one in timing.DIMENSIONS
        ],
        sections=sections("time", whose=address["whose"]),
        whose=whose_tabs(of.by_id is not None, ".timing_figures", by=along),
        sheet=url_for(".timing_sheet", **{**address, "by": along}),
    )


@bp.get("/desk/figures.csv")
@role_required("agent")
def timing_sheet() -> Response:
    """Return the same numbers as a table, times in seconds."""
    by, of = _asked()
    head = [by, *(f"{key}_{name}" for key in TIMED for name in ("count", "median", "p90", "kept", "late"))]
    head += ["reopened", "begun", "unanswered"]
    found = _found(by, of)
    rows = []
    for number, name in timing.groups(by, list(found.values())):
        row: list[Any] = [name]
        for key in TIMED:
            one = found[key].get(number, Measured())
            row += [one.count, one.median, one.ninetieth, one.kept, one.late]
        rows.append([*row, *(found[key].get(number, Measured()).count for key in ("reopened", "begun", "unanswered"))])
    return sheets.answer(f"figures-by-{by}", head, rows)


@bp.get("/desk/figures/<figure>")
@role_required("agent")
def timing_list(figure: str) -> Response:
    one, of = timing.metric(figure), timing.read_slice(request.args, me=current_user.id)
    found, address = timing.listed(one, of, request.args.get("page")), timing.address(of)
    return show(
        "desk/figure.html",
        title=one.name,
        rows=[_row(each) for each in found.items],
        count=timing.count(one, of),
        newer=url_for(".timing_list", figure=figure, page=found.previous, **address) if found.previous else None,
        older=url_for(".timing_list", figure=figure, page=found.next, **address) if found.next else None,
        sheet=url_for(".timing_list_sheet", figure=figure, **address),
        back=url_for(".timing_figures", whose=address["whose"]),
        words=clock_words,
    )


@bp.get("/desk/figures/<figure>.csv")
@role_required("agent")
def timing_list_sheet(figure: str) -> Response:
    one, of = timing.metric(figure), timing.read_slice(request.args, me=current_user.id)
    head = ["at", "conversation", "channel", "contact", "seconds", "in_time", "by"]
    rows = (
        (
            row["at"].isoformat(),
            row["id"],
            row["channel"],
            row["name"],
            row["seconds"],
            "" if row["is_kept"] is None else int(row["is_kept"]),
            row["by"],
        )
        for row in map(_row, timing.everything(one, of))
    )
    return sheets.answer(figure, head, rows)


def _asked() -> tuple[str, Slice]:
    by = request.args.get("by", "week")
    return by if by in timing.DIMENSIONS else "week", timing.read_slice(request.args, me=current_user.id)


def _found(by: str, of: Slice) -> dict[str, Mapping[int, Measured]]:
    keys = (*TIMED, "reopened", "begun", "unanswered")
    return {key: timing.measured(timing.metric(key), by, of) for key in keys}


def _parts(by: str, of: Slice) -> list[Part]:
    found = _found(by, of)
    groups = timing.groups(by, list(found.values()))
    titles = {
        "first": gettext("Until the first answer"),
        "next": gettext("Until each next answer"),
        "solved": gettext("Until it was solved"),
    }
    return [
        *(_timed(key, titles[key], found[key], groups, by, of) for key in TIMED),
        _counted(gettext("Without any answer"), ("begun", "unanswered"), found, groups, by, of),
        _counted(gettext("Opened again"), ("solved", "reopened"), found, groups, by, of),
    ]


def _timed(
    key: str, title: str, found: Mapping[int, Measured], groups: Sequence[tuple[int, str]], by: str, of: Slice
) -> Part:
    rows = []
    for number, name in groups:
        one, part = found.get(number, Measured()), timing.narrowed(of, by, number)
        rows.append(
            (
                name,
                [
                    _cell(key, one.count, part),
                    Cell(_time(one.median)),
                    Cell(_time(one.ninetieth)),
                    _cell(f"{key}-kept", one.kept, part),
                    _cell(f"{key}-late", one.late, part),
                ],
            )
        )
    all_of_it = timing.overall(timing.metric(key), of)
    sentence = gettext("Nothing yet.")
    if all_of_it.count:
        sentence = gettext(
            "Half of them within %(median)s, nine of ten within %(ninetieth)s.",
            median=_time(all_of_it.median),
            ninetieth=_time(all_of_it.ninetieth),
        )
    if all_of_it.kept + all_of_it.late:
        share = round(100 * all_of_it.kept / (all_of_it.kept + all_of_it.late))
        sentence += " " + gettext("%(num)s %% as promised.", num=share)
    median = [(found.get(number, Measured()).median or 0) // A_MINUTE for number, _name in groups]
    ninetieth = [(found.get(number, Measured()).ninetieth or 0) // A_MINUTE for number, _name in groups]
    series = [("median", median), ("ninetieth", [high - low for low, high in zip(median, ninetieth, strict=True)])]
    return Part(
        key,
        title,
        sentence,
        [gettext("Number"), gettext("Median"), gettext("90th percentile"), gettext("In time"), gettext("Too late")],
        rows,
        drawing.bars(_labels(groups, by), series),
        [gettext("Median, in minutes"), gettext("up to the 90th percentile")],
    )


def _counted(
    title: str,
    keys: tuple[str, str],
    found: Mapping[str, Mapping[int, Measured]],
    groups: Sequence[tuple[int, str]],
    by: str,
    of: Slice,
) -> Part:
    whole, part = keys
    rows = []
    for number, name in groups:
        narrow = timing.narrowed(of, by, number)
        counts = [found[key].get(number, Measured()).count for key in keys]
        cells = [_cell(key, count, narrow) for key, count in zip(keys, counts, strict=True)]
        rows.append((name, [*cells, Cell(_share(counts[1], counts[0]))]))
    all_of_it = [sum(one.count for one in found[key].values()) for key in keys]
    sentence = gettext("%(part)s of %(whole)s.", part=all_of_it[1], whole=all_of_it[0])
    numbers = [found[part].get(number, Measured()).count for number, _name in groups]
    head = [str(timing.metric(whole).name), str(timing.metric(part).name), gettext("Share")]
    return Part(part, title, sentence, head, rows, drawing.bars(_labels(groups, by), [("", numbers)]))


def _row(one: ClockEvent | ConversationClock) -> dict[str, Any]:
    conversation = one.conversation
    is_event = isinstance(one, ClockEvent)
    return {
        "id": conversation.id,
        "name": conversation.contact.name or conversation.contact.handle,
        "channel": conversation.channel.name,
        "at": one.at if isinstance(one, ClockEvent) else one.began_at,
        "seconds": one.seconds if isinstance(one, ClockEvent) else None,
        "is_kept": one.is_kept if isinstance(one, ClockEvent) else None,
        "by": one.by.name if isinstance(one, ClockEvent) and one.by is not None else "",
        "took": _time(one.seconds) if is_event and one.seconds is not None else "",  # type: ignore[union-attr]  # asked before
    }


def _cell(key: str, count: int, of: Slice) -> Cell:
    return Cell(str(count), url_for(".timing_list", figure=key, **timing.address(of)))


def _labels(groups: Sequence[tuple[int, str]], by: str) -> list[str]:
    return [name[5:] if by == "week" else name[:12] for _number, name in groups]


def _time(seconds: int | None) -> str:
    return "–" if seconds is None else i18n.minutes_in_words(seconds)


def _share(part: int, whole: int) -> str:
    return f"{round(100 * part / whole)} %" if whole else "–"
