"""The page of results, what is shown while somebody types, and the descriptions for browsers."""

from typing import Final

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import format_decimal, gettext, lazy_gettext
from flask_login import current_user
from jinja2.utils import htmlsafe_json_dumps

from core.db import db
from core.errors import NotFound
from core.i18n import LOCALES, locale
from core.ready import remembers
from core.settings import current_settings
from core.web import absolute, limiter
from search import completing, grammar, log, narrowing, query
from search.completing import LONGEST_TEXT
from search.documents import Title
from search.grammar import LONGEST_QUERY, MOST_TERMS, Notice
from search.log import Slip
from search.narrowing import Narrowing

PAGE_SIZE: Final = 20
MOST_MATCHES: Final = 5
MOST_POPULAR: Final = 5
LONGEST_TITLE: Final = 200
KIND_WORDS: Final = {
    "topic": lazy_gettext("Question"),
    "answer": lazy_gettext("Answer"),
    "article": lazy_gettext("Article"),
    "archived": lazy_gettext("Archived article"),
}
NOTHING_TO_SAY: Final = 204

bp = Blueprint("search", __name__)


@bp.get("/search")
@remembers
def results() -> str:
    text = request.args.get("q", "")
    chosen = Narrowing.read(request.args)
    page = max(1, request.args.get("page", 1, type=int))
    found = _find(text, chosen, page)
    pages = -(-found.total // PAGE_SIZE)
    if page > max(pages, 1):
        page = max(pages, 1)
        found = _find(text, chosen, page)
    text = found.query.raw
    return render_template(
        "search/results.html",
        results=found,
        near=found.near,
        notices=[_sentence(notice) for notice in found.query.notices],
        chosen=chosen,
        filters=narrowing.filters(text, chosen, found.facets) if text else [],
        chips=narrowing.chips(text, chosen),
        kind_words=KIND_WORDS,
        spoken=grammar.spoken(text)[:LONGEST_TITLE],
        languages=narrowing.LANGUAGES,
        first=(page - 1) * PAGE_SIZE,
        newer=chosen.address(text, page=page - 1) if page > 1 else None,
        older=chosen.address(text, page=page + 1) if page < pages else None,
        slip=_slip(found, is_counted=page == 1 and not chosen.chosen),
        popular=[] if text else log.popular(locale(), limit=MOST_POPULAR),
    )


@bp.get("/search/similar")
def similar() -> str:
    title = request.args.get("title", "")
    asked = request.args.get("locale")
    hits = query.similar(
        title,
        request.args.get("body", ""),
        viewer=current_user,
        kinds=tuple(narrowing.KINDS),
        locale=asked if asked in LOCALES else locale(),
        limit=MOST_MATCHES,
    )
    return render_template("search/_similar.html", hits=hits, asked=title[:LONGEST_TITLE])


@bp.get("/search/complete")
def complete() -> str:
    popular, titles = _completions()
    return render_template("search/_complete.html", popular=popular, titles=titles, kind_words=KIND_WORDS)


@bp.get("/search/suggestions.json")
def suggestions() -> Response:
    popular, titles = _completions()
    suggested = [
        request.args.get("q", "")[:LONGEST_TEXT],
        [*popular, *(title.title for title in titles)],
        [*("" for _ in popular), *(str(KIND_WORDS.get(title.ref.kind, "")) for title in titles)],
        [*(absolute(url_for(".results", q=text)) for text in popular), *(absolute(title.url) for title in titles)],
    ]
    # It repeats what is in the address: no sign of it must mean anything to who takes it for a page.
    return Response(
        htmlsafe_json_dumps(suggested, ensure_ascii=True), content_type="application/x-suggestions+json; charset=utf-8"
    )


@bp.get("/search/explain")
def explain() -> str:
    if not current_user.is_authenticated or not current_user.is_team:
        raise NotFound
    text = request.args.get("q", "")[:LONGEST_TEXT]
    return render_template(
        "search/explain.html",
        text=text,
        explanation=query.explain(text, viewer=current_user, locale=locale(), limit=PAGE_SIZE)
        if text.strip()
        else None,
        kind_words=KIND_WORDS,
        decimal=lambda number: format_decimal(number, format="0.000"),
    )


@bp.post("/search/log")
@limiter.limit("60 per minute")
def note_search() -> Response:
    """Take what the page's script tells: a search was made, a hit was opened, or somebody goes on to ask."""
    slip, visitor = Slip.unseal(request.form.get("slip", "")), request.form.get("visitor", "")
    if "opened" in request.form:
        position = request.form.get("position", 0, type=int)
        log.note_opened(slip, visitor=visitor, ref=log.ref_of(request.form["opened"]), position=position)
    elif "asks" in request.form:
        log.note_asked_people(slip, visitor=visitor)
    else:
        log.note(slip, visitor=visitor)
    db.session.commit()
    return Response(status=NOTHING_TO_SAY)


@bp.get("/opensearch.xml")
def opensearch() -> Response:
    settings = current_settings()
    description = render_template("search/opensearch.xml", base_url=settings.base_url)
    response = Response(description, content_type="application/opensearchdescription+xml; charset=utf-8")
    response.headers["Cache-Control"] = "private, max-age=86400"
    response.headers["Vary"] = "Cookie, Accept-Language"  # it speaks the reader's language
    return response


def _find(text: str, chosen: Narrowing, page: int) -> query.Results:
    return query.find(
        text, viewer=current_user, locale=locale(), limit=PAGE_SIZE, page=page, counted=True, **chosen.asked()
    )


def _slip(found: query.Results, *, is_counted: bool) -> Slip | None:
    """Return what the page's script may tell of."""
    if found.degraded:
        return None
    return log.slip_of(found.query.raw, locale(), found.total if is_counted else None, viewer=current_user)


def _completions() -> tuple[list[str], list[Title]]:
    """Return what others looked for that begins with what is typed, and the titles that fit it already."""
    text = request.args.get("q", "")[:LONGEST_TEXT].strip()
    popular = [it for it in log.popular(locale(), text, limit=MOST_POPULAR) if log.words_of(it) != log.words_of(text)]
    kinds = tuple(narrowing.KINDS)
    return popular, completing.complete(text, viewer=current_user, kinds=kinds, locale=locale(), limit=MOST_MATCHES)


def _sentence(notice: Notice) -> str:
    if notice is Notice.CUT:
        most = LONGEST_QUERY
        return str(gettext("The search takes the first %(most)s characters; the rest was left out.", most=most))
    return str(gettext("The search takes %(most)s words at once; the rest was left out.", most=MOST_TERMS))
