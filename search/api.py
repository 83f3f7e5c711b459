"""The JSON API of finding: GET /search and GET /similar."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from flask_login import current_user
from pydantic import AfterValidator, BeforeValidator, Field

from core.api import Api, Model
from search import query as ask
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
        "", description='Words, "phrases", -word, tag:, author:, is:solved, is:unsolved, in:kb, in:forum, lang:de'
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
    }


@api.call("GET", "/similar", summary="What is already asked or written about the same", query=SimilarInput)
def similar(query: SimilarInput) -> dict[str, Any]:
    hits = ask.similar(
        query.title, query.body, viewer=current_user, kinds=_kinds(query.kind), locale=query.locale, limit=query.limit
    )
    return {"total": len(hits), "hits": [_json(hit) for hit in hits]}


def _kinds(text: str) -> list[str] | None:
    return [kind.strip() for kind in text.split(",") if kind.strip()] or None


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
