"""The JSON API of finding: GET /search and GET /similar."""

from typing import Annotated, Any, Literal

from flask_login import current_user
from pydantic import BeforeValidator, Field

from core.api import Api, Model
from search import query as ask
from search.query import Hit

LONGEST_INPUT = 20_000

api = Api("search")


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


Text = Annotated[str, Field(max_length=LONGEST_INPUT)]
Language = Annotated[Literal["de", "en"] | None, BeforeValidator(_none_if_empty)]


class SearchInput(Model):
    q: Text = Field(
        "", description='Words, "phrases", -word, tag:, author:, is:solved, is:unsolved, in:kb, in:forum, lang:de'
    )
    kind: str = Field("", max_length=200, description="Kinds of things, separated by commas; empty means all.")
    locale: Language = Field(None, description="Find only what is written in this language.")
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
        limit=query.limit,
        page=query.page,
    )
    return {
        "total": results.total,
        "hits": [_json(hit) for hit in results.hits],
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
