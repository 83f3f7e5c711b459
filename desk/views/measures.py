"""What helping comes to: knowledge, what is used, whether it is solved, links. Drawn, in numbers, each as its list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request, url_for
from flask_babel import gettext
from flask_login import current_user

from accounts.access import role_required
from core.edge import show
from desk import measures, proven, ranking, shares, sheets
from desk.measures import Of
from desk.ranking import Ranked
from desk.shares import Share
from desk.views.edge import bp
from desk.views.figure_tabs import sections, whose_tabs
from desk.views.timing import Cell, Part
from kb import drawing, figures, sent_links

LONGEST_LABEL = 18
MOST_DRAWN = 8


@dataclass(frozen=True, slots=True)
class Weekly:
    """Some lists by week: those that are drawn come first, and `share` says which of them are a part of which whole."""

    id: str
    title: str
    keys: Sequence[str]
    drawn: int
    part: Sequence[str] = ()
    whole: Sequence[str] = ()
    more: str = ""
    """One sentence more."""


@bp.get("/desk/figures/knowledge")
@role_required("agent")
def knowledge_figures() -> Response:
    return _page("knowledge", gettext("Knowledge at work"), _knowledge(_of()))


@bp.get("/desk/figures/outcomes")
@role_required("agent")
def solved_figures() -> Response:
    return _page("outcomes", gettext("Was it solved?"), _solved(_of()))


@bp.get("/desk/figures/links")
@role_required("agent")
def link_figures() -> Response:
    lead = gettext("Links in replies, by the week in which they went out.")
    if not sent_links.are_on():
        lead += " " + gettext("New links get no token: that is switched off, so nothing is added here.")
    return _page("links", gettext("What links are proven to do"), _links(_of()), lead=lead)


@bp.get("/desk/figures/knowledge.csv")
@role_required("agent")
def knowledge_sheet() -> Response:
    return _sheet("knowledge")


@bp.get("/desk/figures/outcomes.csv")
@role_required("agent")
def solved_sheet() -> Response:
    return _sheet("outcomes")


@bp.get("/desk/figures/links.csv")
@role_required("agent")
def links_sheet() -> Response:
    return _sheet("links")


@bp.get("/desk/figures/use")
@role_required("agent")
def use_figures() -> Response:
    of, kind, order = _of(), request.args.get("of", "articles"), request.args.get("by", "uses")
    found = ranking.ranked(kind, order, of, current_user)
    names = {"articles": gettext("Articles"), "faces": gettext("Short texts"), "texts": gettext("Blocks")}
    orders = {"uses": gettext("by use"), "success": gettext("by success"), "deflection": gettext("by what is proven")}
    here = {"whose": measures.address(of)["whose"]}
    drawn = found[:MOST_DRAWN]
    return show(
        "desk/use.html",
        rows=[_ranked_row(one, kind, of) for one in found[: ranking.MOST_SHOWN]],
        many=len(found),
        most=ranking.MOST_SHOWN,
        has_links=kind != "texts",
        drawing=drawing.bars([_short(one.title) for one in drawn], [("", [_drawn(one, order) for one in drawn])]),
        drawn={
            "uses": gettext("Uses of the first ones."),
            "success": gettext("How many customers of the first ones said that it helped."),
            "deflection": gettext("How many messages the first ones are proven to have spared."),
        }[order],
        beside=[_number(key, of) for key in ranking.unused(kind)],
        kinds=[
            {"label": names[one], "url": url_for(".use_figures", of=one, by=order, **here), "current": one == kind}
            for one in ranking.KINDS
        ],
        orders=[
            {"label": orders[one], "url": url_for(".use_figures", of=kind, by=one, **here), "current": one == order}
            for one in ranking.ORDERS
            if one != "deflection" or kind != "texts"
        ],
        whose=whose_tabs(of.by_id is not None, ".use_figures", of=kind, by=order),
        sections=sections("use", whose=here["whose"]),
        sheet=url_for(".use_sheet", of=kind, by=order, **here),
    )


@bp.get("/desk/figures/use.csv")
@role_required("agent")
def use_sheet() -> Response:
    of, kind, order = _of(), request.args.get("of", "articles"), request.args.get("by", "uses")
    head = ["thing", "title", "uses", "helped", "not", "success_from", "success_to", "opened", "spared", "last_used"]
    rows = (
        (
            one.thing.name,
            one.title,
            one.uses,
            one.helped,
            one.failed,
            *(f"{end:.3f}" for end in one.success.bounds),
            one.opened,
            one.spared,
            one.last_at.isoformat() if one.last_at else "",
        )
        for one in ranking.ranked(kind, order, of, current_user)
    )
    return sheets.answer(f"use-of-{kind}", head, rows)


@bp.get("/desk/figures/lists/<figure>")
@role_required("agent")
def measure_list(figure: str) -> Response:
    of, week, name = _of(), figures.week_of(request.args.get("week")), request.args.get("week")
    one, address = measures.listed(figure, of), measures.address(of)
    rows, found = one.page(current_user, cursor=request.args.get("page"), week=week)
    page = {"figure": figure, "week": name, **address}
    return show(
        "desk/measure.html",
        title=one.name,
        rows=rows,
        count=one.count(week),
        week=name,
        newer=url_for(".measure_list", page=found.previous, **page) if found.previous else None,
        older=url_for(".measure_list", page=found.next, **page) if found.next else None,
        sheet=url_for(".measure_list_sheet", **page),
        back=url_for(".knowledge_figures", whose=address["whose"]),
    )


@bp.get("/desk/figures/lists/<figure>.csv")
@role_required("agent")
def measure_list_sheet(figure: str) -> Response:
    of, week = _of(), figures.week_of(request.args.get("week"))
    rows = measures.everything(measures.listed(figure, of), current_user, week)
    lines = ((row.at.isoformat() if row.at else "", row.title, row.said, row.url) for row in rows)
    return sheets.answer(figure, ["at", "title", "said", "path"], lines)


def _of() -> Of:
    return measures.read_of(request.args, me=current_user.id)


def _page(about: str, title: str, parts: Sequence[Weekly], *, lead: str = "") -> Response:
    of = _of()
    return show(
        "desk/measures.html",
        title=title,
        lead=lead,
        about=about,
        parts=[_drawn_part(part, of) for part in parts],
        sections=sections(about, whose=measures.address(of)["whose"]),
        whose=whose_tabs(of.by_id is not None, f".{_ENDPOINTS[about]}"),
        sheet=url_for(f".{_SHEETS[about]}", whose=measures.address(of)["whose"]),
    )


def _sheet(about: str) -> Response:
    """Return the numbers of a page as a table, a line a week."""
    of = _of()
    keys = list(dict.fromkeys(key for part in _PAGES[about](of) for key in part.keys))
    columns = [measures.listed(key, of).weekly() for key in keys]
    rows = [[week, *(column[place] for column in columns)] for place, week in enumerate(figures.week_names())]
    return sheets.answer(about, ["week", *keys], rows)


def _knowledge(of: Of) -> list[Weekly]:
    whole, known = ("closed-linked", "closed-unlinked"), ("known", "new", "neither")
    checks = ("link-right", "link-better", "link-wrong")
    what_is_known = gettext("Known: answered with an article or an answer of the forum. New: one was made of it.")
    whose_sheets = (
        gettext("On sheets of the whole desk. Nobody is named.")
        if of.by_id is None
        else gettext("On sheets that you had drawn for yourself.")
    )
    nobody_has_to = gettext("Nobody has to link anything.")
    how_often = gettext("How often articles went out in replies.")
    return [
        Weekly(
            "linked",
            gettext("Closed cases with an article"),
            (*whole, "closed"),
            2,
            whole[:1],
            ("closed",),
            nobody_has_to,
        ),
        Weekly("known", gettext("New against known"), known, 3, known[:1], known, what_is_known),
        Weekly("reused", gettext("Reuse"), ("reused",), 1, more=how_often),
        Weekly("right", gettext("Do links lead to the right article?"), checks, 3, checks[:1], checks, whose_sheets),
    ]


def _solved(_of: Of) -> list[Weekly]:
    asked, promised = ("asked-yes", "asked-no"), ("promise-kept", "promise-broken")
    reviewed = ("review-met", "review-missed")
    of_those = gettext("Of those who said something, by the week in which they were asked.")
    when_due = gettext("By the week in which they were due.")
    once_read = gettext("Answers of yes and no, once those who had the cases have read them.")
    return [
        Weekly("asked", gettext("Solved? By one click"), (*asked, "asked-silent"), 2, asked[:1], asked, of_those),
        Weekly(
            "promised", gettext("Promises kept"), (*promised, "promise-withdrawn"), 2, promised[:1], promised, when_due
        ),
        Weekly(
            "reviewed", gettext("What colleagues say of closed cases"), reviewed, 2, reviewed[:1], reviewed, once_read
        ),
    ]


def _links(_of: Of) -> list[Weekly]:
    over = ("links-helped", "links-quiet", "links-back", "links-failed", "links-unopened")
    opened, credit = ("links-opened", "links"), ("credit-spared", "credit")
    spared = gettext(
        "Customers who said that it helped, or read it and did not write again within %(days)s days.",
        days=proven.WITHIN.days,
    )
    at_least = gettext("At least so many: only browsers with JavaScript tell, and none that asks not to be tracked.")
    mine = gettext("Links to articles that you look after or wrote on, whoever sent them. Only you see this.")
    return [
        Weekly(
            "spared",
            gettext("Messages that were spared"),
            (*over[:2], "links-spared"),
            2,
            ("links-spared",),
            over,
            spared,
        ),
        Weekly("opened", gettext("Opened"), opened, 1, opened[:1], opened[1:], at_least),
        Weekly("became", gettext("What became of them"), (*over, "links-running"), 3),
        Weekly("credit", gettext("My articles"), credit, 1, credit[:1], credit[1:], mine),
    ]


def _drawn_part(part: Weekly, of: Of) -> Part:
    lists = [measures.listed(key, of) for key in part.keys]
    numbers = {one.key: one.weekly() for one in lists}
    weeks = figures.week_names()
    rows = [
        (week, [Cell(str(numbers[one.key][place]), _url(one.key, of, week)) for one in lists])
        for place, week in enumerate(weeks)
    ]
    totals = [Cell(str(sum(numbers[one.key])), _url(one.key, of)) for one in lists]
    rows.append((gettext("All weeks"), totals))
    sentence = part.more
    if part.part:
        counted = Share(*(_total(keys, numbers, of) for keys in (part.part, part.whole)))
        sentence = f"{shares.in_words(counted)} {part.more}".strip()
    drawn = [(str(one.name), numbers[one.key]) for one in lists[: part.drawn]]
    return Part(
        part.id,
        part.title,
        sentence,
        [str(one.name) for one in lists],
        rows,
        drawing.bars([week[5:] for week in weeks], drawn),
        [name for name, _numbers in drawn] if len(drawn) > 1 else (),
    )


def _total(keys: Sequence[str], numbers: Mapping[str, Sequence[int]], of: Of) -> int:
    return sum(sum(numbers[key]) if key in numbers else measures.listed(key, of).count() for key in keys)


def _url(key: str, of: Of, week: str | None = None) -> str:
    return url_for(".measure_list", figure=key, week=week, **measures.address(of))


def _number(key: str, of: Of) -> dict[str, Any]:
    one = measures.listed(key, of)
    return {"name": one.name, "cell": Cell(str(one.count()), _url(key, of))}


def _ranked_row(one: Ranked, kind: str, of: Of) -> dict[str, Any]:
    about = Of(me_id=of.me_id, by_id=of.by_id, thing=one.thing)
    of_text = kind == "texts"
    keys = {"uses": "text-used" if of_text else "used", "helped": "text-helped" if of_text else "used-helped"}
    keys["failed"] = "text-failed" if of_text else "used-failed"
    cells = [Cell(str(getattr(one, name)), _url(key, about)) for name, key in keys.items()]
    cells.append(Cell(shares.briefly(one.success)))
    if not of_text:
        cells.append(Cell(str(one.opened), _url("used-opened", about)))
        cells.append(Cell(str(one.spared), _url("used-spared", about)))
    return {"title": one.title, "url": one.url, "lang": one.lang, "cells": cells, "last_at": one.last_at}


def _drawn(one: Ranked, order: str) -> int:
    return {"uses": one.uses, "success": one.helped, "deflection": one.spared}[order]


def _short(title: str) -> str:
    return title if len(title) <= LONGEST_LABEL else f"{title[: LONGEST_LABEL - 1]}…"


_PAGES = {"knowledge": _knowledge, "outcomes": _solved, "links": _links}
_ENDPOINTS = {"knowledge": "knowledge_figures", "outcomes": "solved_figures", "links": "link_figures"}
_SHEETS = {"knowledge": "knowledge_sheet", "outcomes": "solved_sheet", "links": "links_sheet"}
