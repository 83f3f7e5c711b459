"""What may help with a message: articles and accepted answers, as a text that fits the channel, and why."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from flask_babel import gettext, ngettext
from sqlalchemy import select

from accounts.people import AnonymousUser
from core import markup
from core.db import db
from core.i18n import LOCALES
from desk import policy
from desk.channels.base import adapter_of
from desk.channels.counting import Measure, measure
from desk.models import Channel
from forum.models import Post
from kb import addresses, faces
from kb.models import Article
from search import query
from search.analysis import language
from search.query import Hit

LONGEST_TITLE: Final = 300
LONGEST_ANSWER: Final = 1000
"""Characters of an answer that are quoted where the channel sets no limit."""
KINDS: Final = ("article", "topic")
_LOOKED_AT: Final = 4
"""How many times as many hits are looked at as are wanted, because questions without a solution fall out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something to answer with. `text` ends with the address; `length` is as the channel counts, `limit` None for none."""

    kind: Literal["article", "answer"]
    id: int
    source_id: str | None
    title: str
    url: str
    text: str
    fits: bool
    length: int
    limit: int | None
    score: float
    why: tuple[str, ...]
    locale: str


def suggest_for(
    text: str, *, locale: str | None = None, channel: Channel | str, viewer: Any, limit: int = 5
) -> list[Suggestion]:
    """Return what a reader outside may be sent about `text`, the best first.

    `channel` is a channel or the name of a service. Only what every guest may read is suggested, whoever asks: a link that
    the customer cannot open helps nobody. Who does not work at the desk gets nothing.
    """
    if not policy.may_work(viewer) and not viewer.is_team:
        return []
    how_long = measure(channel) if isinstance(channel, str) else adapter_of(channel).measure
    spoken = locale if locale in LOCALES else language.guess(text)
    hits = [hit for hit in _hits(text, spoken, limit) if _is_helpful(hit)][:limit]
    articles = _articles([hit.found.ref.id for hit in hits if hit.found.ref.kind == "article"])
    answers = _source_ids([hit.found.meta["accepted_post_id"] for hit in hits if hit.found.ref.kind == "topic"])
    return list(_suggestions(hits, articles, answers, how_long, spoken))


def _hits(text: str, locale: str, limit: int) -> list[Hit]:
    wanted = limit * _LOOKED_AT
    # The first words of a message are what it is about; `similar` takes every word for a word.
    hits = query.similar(
        text[:LONGEST_TITLE], text[LONGEST_TITLE:], viewer=AnonymousUser(), kinds=KINDS, locale=locale, limit=wanted
    )
    return hits or query.find(text, viewer=AnonymousUser(), kinds=KINDS, locale=locale, limit=wanted).hits


def _is_helpful(hit: Hit) -> bool:
    return hit.found.ref.kind == "article" or hit.found.meta["accepted_post_id"] is not None


def _articles(ids: Collection[int]) -> Mapping[int, Article]:
    if not ids:
        return {}
    found = db.session.scalars(select(Article).where(Article.id.in_(ids))).unique()
    return {article.id: article for article in found}


def _source_ids(post_ids: Collection[int]) -> Mapping[int, str | None]:
    if not post_ids:
        return {}
    return {row[0]: row[1] for row in db.session.execute(select(Post.id, Post.source_id).where(Post.id.in_(post_ids)))}


def _suggestions(
    hits: list[Hit],
    articles: Mapping[int, Article],
    answers: Mapping[int, str | None],
    how_long: Measure,
    locale: str,
) -> Iterator[Suggestion]:
    for hit in hits:
        found = hit.found
        if found.ref.kind == "article":
            if found.ref.id not in articles:
                continue
            kind: Literal["article", "answer"] = "article"
            thing_id, source_id = found.ref.id, found.source_id
            url = addresses.full(found.url)
            _face, text = faces.text_for(articles[thing_id], limit=how_long.limit, count=how_long.count, url=url)
        else:
            kind, thing_id = "answer", found.meta["accepted_post_id"]
            source_id = answers.get(thing_id)
            url = addresses.full(found.meta["accepted_url"])
            text = _quoted(found.meta["accepted_text"], url, how_long)
        yield Suggestion(
            kind=kind,
            id=thing_id,
            source_id=source_id,
            title=found.title,
            url=url,
            text=text,
            fits=how_long.fits(text),
            length=how_long.count(text),
            limit=how_long.limit,
            score=hit.score,
            why=tuple(_reasons(hit, locale)),
            locale=found.locale,
        )


def _quoted(answer: str, url: str, how_long: Measure) -> str:
    """Return as much of the answer as fits with its address behind it."""
    room = LONGEST_ANSWER if how_long.limit is None else min(LONGEST_ANSWER, how_long.limit - how_long.count(f" {url}"))
    while room > 0:
        text = f"{markup.excerpt(answer, room)} {url}".strip()
        if how_long.fits(text):
            return text
        room -= max(1, how_long.count(text) - (how_long.limit or 0))
    return url


def _reasons(hit: Hit, locale: str) -> Iterator[str]:
    yield from hit.why
    meta = hit.found.meta
    if meta.get("confidence") == "validated":
        yield gettext("Checked")
    if hit.found.locale == locale:
        yield gettext("In the customer’s language")
    if number := meta.get("uses"):
        yield ngettext("Used %(num)s time", "Used %(num)s times", number)
