"""The JSON API of finding: GET /search and GET /similar, and POST /searches, which says what became of a search."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from flask_login import current_user
from pydantic import AfterValidator, BeforeValidator, Field

from core.api import Api, Model
from core.i18n import locale
from search import log
from search import query as ask
from search.log import Slip
from search.models import LONGEST_VISITOR
from search.query import Hit

LONGEST_INPUT = 20_000

api = Api("search")


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Text = Annotated[str, Field(max_length=LONGEST_INPUT)]
Language = Annotated[Literal["de", "en"] | None, BeforeValidator(_none_if_empty)]


Moment = Annotated[Annotated[datetime, AfterValidator(_in_utc)] | None, BeforeValidator(_none_if_empty)]


class SearchInput(Model):
    q: Text = Field(
        "",
        description='Words, "phrases", -word, tag:, product:, author:, is:solved, is:unsolved, in:kb, in:forum, '
        "lang:de; for the team also in:archive",
    )
    kind: str = Field("", max_length=200, description="Kinds of things, separated by commas; empty means all.")
    locale: Language = Field(None, description="Find only what is written in this language.")
    category: str = Field(
        "", max_length=80, description="The slug of a category of questions or a section of articles."
    )
    solved: Annotated[bool | None, BeforeValidator(_none_if_empty)] = Field(
        None, description="Only questions that are solved, or only those that are not."
    )
    tag: str = Field("", max_length=80)
    product: str = Field("", max_length=80, description="A product of articles: its slug, its name or another name.")
    archived: Annotated[Literal["too", "only"] | None, BeforeValidator(_none_if_empty)] = Field(
        None, description="For the team: also what was archived, or only that. Nobody else finds it."
    )
    author: str = Field("", max_length=80, description="The handle of a person, with or without @.")
    since: Moment = Field(None, description="Nothing older than this moment (ISO 8601; without a zone it is UTC).")
    counted: bool = Field(False, description="Also say how many hits each kind, language, category, state and tag has.")
    limit: int = Field(20, ge=1, le=ask.LARGEST_PAGE)
    page: int = Field(1, ge=1, le=ask.MOST_HITS)


class SimilarInput(Model):
    title: Text = ""
    body: Text = ""
    kind: str = Field("", max_length=200, description="Kinds of things, separated by commas; empty means all.")
    locale: Language = Field(None, description="The language of the text where the text itself does not show it.")
    limit: int = Field(5, ge=1, le=ask.LARGEST_PAGE)


class SearchTold(Model):
    slip: str = Field(max_length=2_000, description="What GET /search answered with, within the last day.")
    visitor: str = Field(
        max_length=LONGEST_VISITOR,
        description="A random mark of 16 to 40 letters and digits for one visit of one person, kept nowhere else: "
        "no name, no address, no number of theirs.",
    )
    opened: str = Field("", max_length=40, description='The hit that was opened, by kind and id: "topic:12".')
    position: int = Field(0, ge=0, le=ask.MOST_HITS, description="Where it stood among the hits, from 1.")
    asks_people: bool = Field(False, description="Whether the person goes on to ask the community.")


@api.call("GET", "/search", summary="Find questions, answers and articles", query=SearchInput)
def search(query: SearchInput) -> dict[str, Any]:
    results = ask.find(
        query.q,
        viewer=current_user,
        kinds=_kinds(query.kind),
        locale=query.locale,
        only_locale=query.locale,
        category=query.category or None,
        solved=query.solved,
        tag=query.tag or None,
        product=query.product or None,
        archived=query.archived,
        author=query.author.lstrip("@") or None,
        since=query.since,
        counted=query.counted,
        limit=query.limit,
        page=query.page,
    )
    return {
        "total": results.total,
        "hits": [_json(hit) for hit in results.hits],
        "near": [_json(hit) for hit in results.near],
        "did_you_mean": results.did_you_mean,
        "facets": {facet: dict(counts) for facet, counts in results.facets.items()},
        "notices": list(results.query.notices),
        "degraded": results.degraded,
        "slip": _slip(query, results),
    }


@api.call(
    "POST",
    "/searches",
    summary="Say that a person made a search, opened a hit, or goes on to ask",
    body=SearchTold,
    scope="write",
    status=HTTPStatus.NO_CONTENT,
)
def note_search(body: SearchTold) -> None:
    slip = Slip.unseal(body.slip, by_program=True)
    if body.opened:
        log.note_opened(slip, visitor=body.visitor, ref=log.ref_of(body.opened), position=body.position)
    elif body.asks_people:
        log.note_asked_people(slip, visitor=body.visitor)
    else:
        log.note(slip, visitor=body.visitor)


@api.call("GET", "/similar", summary="What is already asked or written about the same", query=SimilarInput)
def similar(query: SimilarInput) -> dict[str, Any]:
    hits = ask.similar(
        query.title, query.body, viewer=current_user, kinds=_kinds(query.kind), locale=query.locale, limit=query.limit
    )
    return {"total": len(hits), "hits": [_json(hit) for hit in hits]}


def _kinds(text: str) -> list[str] | None:
    return [kind.strip() for kind in text.split(",") if kind.strip()] or None


def _slip(query: SearchInput, results: ask.Results) -> str | None:
    """Return what may be told of a search; a further page and one that is narrowed are no search of their own.

    A language is no narrowing here: a program asks in the language of the person.
    """
    if results.degraded:
        return None
    narrowed = (
        *(query.kind, query.category, query.solved, query.tag),
        *(query.product, query.archived, query.author, query.since),
    )
    is_counted = query.page == 1 and all(chosen in {"", None} for chosen in narrowed)
    hits = results.total if is_counted else None
    slip = log.slip_of(results.query.raw, query.locale or locale(), hits, viewer=current_user, by_program=True)
    return None if slip is None else slip.seal()


def _json(hit: Hit) -> dict[str, Any]:
    found = hit.found
    return {
        "kind": found.ref.kind,
        "id": found.ref.id,
        "source_id": found.source_id,
        "title": found.title,
        "url": found.url,
        "locale": found.locale,
        "excerpt": hit.excerpt.striptags(),
        "score": round(hit.score, 4),
        "solved": found.solved,
        "why": list(hit.why),
    }
