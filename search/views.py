"""The page of results, what is shown while a question is typed, and the description for browsers."""

from typing import Any, Final

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user

from core.i18n import LOCALES, locale
from core.settings import current_settings
from search import query
from search.grammar import Notice

PAGE_SIZE: Final = 20
MOST_MATCHES: Final = 5
LONGEST_TITLE: Final = 200
KINDS: Final = {"topic": lazy_gettext("Questions"), "article": lazy_gettext("Articles")}
"""What the results can be narrowed to."""
KIND_WORDS: Final = {
    "topic": lazy_gettext("Question"),
    "answer": lazy_gettext("Answer"),
    "article": lazy_gettext("Article"),
}
LANGUAGE_NAMES: Final = {"de": "Deutsch", "en": "English"}

bp = Blueprint("search", __name__)


@bp.get("/search")
def results() -> str:
    text = request.args.get("q", "")
    kind = _one_of(request.args.get("kind"), KINDS)
    only = _one_of(request.args.get("locale"), LOCALES)
    page = max(1, request.args.get("page", 1, type=int))
    found = _find(text, kind, only, page)
    pages = -(-found.total // PAGE_SIZE)
    if page > max(pages, 1):
        page = max(pages, 1)
        found = _find(text, kind, only, page)
    return render_template(
        "search/results.html",
        results=found,
        notices=[_sentence(notice) for notice in found.query.notices],
        kind=kind,
        only=only,
        kinds=KINDS,
        kind_words=KIND_WORDS,
        languages=LANGUAGE_NAMES,
        newer=_address(text, kind, only, page - 1) if page > 1 else None,
        older=_address(text, kind, only, page + 1) if page < pages else None,
        address=_address,
    )


@bp.get("/search/similar")
def similar() -> str:
    title = request.args.get("title", "")
    hits = query.similar(
        title,
        request.args.get("body", ""),
        viewer=current_user,
        kinds=tuple(KINDS),
        locale=_one_of(request.args.get("locale"), LOCALES) or locale(),
        limit=MOST_MATCHES,
    )
    return render_template("search/_similar.html", hits=hits, asked=title[:LONGEST_TITLE])


@bp.get("/opensearch.xml")
def opensearch() -> Response:
    settings = current_settings()
    description = render_template("search/opensearch.xml", base_url=settings.base_url)
    response = Response(description, content_type="application/opensearchdescription+xml; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


def _find(text: str, kind: str | None, only: str | None, page: int) -> query.Results:
    return query.find(
        text,
        viewer=current_user,
        kinds=None if kind is None else (kind,),
        locale=locale(),
        only_locale=only,
        limit=PAGE_SIZE,
        page=page,
    )


def _address(text: str, kind: str | None, only: str | None, page: int = 1) -> str:
    return url_for("search.results", q=text[:200], kind=kind, locale=only, page=page if page > 1 else None)


def _one_of(value: str | None, known: Any) -> str | None:
    return value if value in known else None


def _sentence(notice: Notice) -> str:
    if notice is Notice.CUT:
        return str(gettext("The search takes the first 200 characters; the rest was left out."))
    return str(gettext("The search takes 12 words at once; the rest was left out."))
