"""What may help with a message: articles and accepted answers, as a text that fits the channel, and why."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from flask_babel import gettext, ngettext
from sqlalchemy import select

from accounts.people import AnonymousUser, Viewer
from core import markup
from core.counting import Measure
from core.db import db
from core.errors import NotFound
from core.i18n import LOCALES
from core.web import absolute
from desk import wordings
from desk.channels.base import adapter_of
from desk.channels.counting import measure
from desk.models import Channel
from desk.wordings import Wording
from forum import addresses as forum_addresses
from forum import queries as forum_queries
from forum.models import Post, Topic
from kb import addresses, faces, judging
from kb import queries as kb_queries
from kb.models import Article
from kb.queries import Publication
from search import query
from search.analysis import language
from search.query import Hit

LONGEST_TITLE: Final = 300
LONGEST_ANSWER: Final = 1000
"""Characters of an answer that are quoted where the channel sets no limit."""
KINDS: Final = ("article", "topic")


Kind = Literal["article", "answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something to answer with. `text` ends with the address, `length` is as the channel counts; no `limit` is None."""

    kind: Kind
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
    warning: str = ""
    """What somebody who used it says against it; known after `warned`."""
    note: str = ""
    """What whoever inserts it should see first: it says Sie where du is wanted, or something in it stands open."""


def suggest_for(
    text: str,
    *,
    locale: str | None = None,
    channel: Channel | str,
    viewer: Viewer,
    limit: int = 5,
    only_likely: bool = False,
    wording: Wording | None = None,
) -> list[Suggestion]:
    """Return what a reader outside may be sent about `text`, the best first; nothing to those who are not on the team.

    There is always a best one where there is anything at all; `only_likely` leaves out what hardly fits.

    `channel` is a channel or the name of a service. Only what every guest may read is suggested, whoever asks: a link
    that the customer cannot open helps nobody.
    """
    if not viewer.is_team:
        return []
    how_long = _measure(channel)
    wording = wording or wordings.plain(channel)
    spoken = str(locale) if locale in LOCALES else language.guess(text)
    hits = [hit for hit in _hits(text, spoken, limit) if _is_helpful(hit) and (hit.is_likely or not only_likely)]
    hits.sort(key=lambda hit: bool(hit.found.meta.get("obsolete")))  # what holds comes first
    articles = kb_queries.publications([hit.found.ref.id for hit in hits if hit.found.ref.kind == "article"])
    answers = _source_ids([hit.found.meta["accepted_post_id"] for hit in hits if hit.found.ref.kind == "topic"])
    return [
        _of_article(hit, articles[hit.found.ref.id], how_long, spoken, wording)
        if hit.found.ref.kind == "article"
        else _of_answer(hit, answers, how_long, spoken)
        for hit in hits
        if hit.found.ref.kind == "topic" or hit.found.ref.id in articles
    ]


def warned(found: Sequence[Suggestion]) -> list[Suggestion]:
    """Return suggestions with what others say against the articles among them."""
    warnings = judging.warnings([one.id for one in found if one.kind == "article"])
    return [
        replace(one, warning=judging.in_words(warnings[one.id]))
        if one.kind == "article" and one.id in warnings
        else one
        for one in found
    ]


def of_solution(topic: Topic, post_id: int, *, channel: Channel) -> Suggestion | None:
    """Return the solution of a question that was asked for this customer; None when a guest cannot read it."""
    text = text_of("answer", post_id, channel=channel)
    if text is None:
        return None
    how_long = _measure(channel)
    return Suggestion(
        kind="answer",
        id=post_id,
        source_id=None,
        title=topic.title,
        url=absolute(forum_addresses.of_post_id(post_id)),
        text=text,
        fits=how_long.fits(text),
        length=how_long.count(text),
        limit=how_long.limit,
        score=1.0,
        why=(gettext("The answer to what was asked for this customer"),),
        locale=topic.locale,
    )


def text_of(kind: str, thing_id: int, *, channel: Channel | str, wording: Wording | None = None) -> str | None:
    """Return the text that is inserted for an article or an answer; None when a guest cannot read it."""
    guest = AnonymousUser()
    try:
        if kind == "article":
            article = kb_queries.visible_article(thing_id, viewer=guest)
            url = absolute(addresses.of_article(article))
            return _face(article, url, _measure(channel), wording or wordings.plain(channel)).text
        if kind == "answer":
            answer = forum_queries.visible_post(thing_id, viewer=guest)
            url = absolute(forum_addresses.of_post(answer))
            return _quoted(markup.plain(answer.html), url, _measure(channel))
    except NotFound:
        return None
    return None


def _measure(channel: Channel | str) -> Measure:
    return measure(channel) if isinstance(channel, str) else adapter_of(channel).measure


def _hits(text: str, locale: str, limit: int) -> list[Hit]:
    """Return articles and solved questions that every guest may read; private messages may have taught it."""
    return query.closest(
        text, viewer=AnonymousUser(), kinds=KINDS, locale=locale, only_answers=True, limit=limit, inside=True
    )


def _is_helpful(hit: Hit) -> bool:
    """Tell whether there is an answer at all: the index may not have heard yet that one was taken away."""
    return hit.found.ref.kind == "article" or hit.found.meta["accepted_post_id"] is not None


def _source_ids(post_ids: Collection[int]) -> Mapping[int, str | None]:
    if not post_ids:
        return {}
    return {row[0]: row[1] for row in db.session.execute(select(Post.id, Post.source_id).where(Post.id.in_(post_ids)))}


def _of_article(hit: Hit, article: Publication, how_long: Measure, locale: str, wording: Wording) -> Suggestion:
    url = absolute(hit.found.url)
    face = _face(article, url, how_long, wording)
    found = _suggestion(hit, "article", article.id, article.source_id, url, face.text, how_long, locale)
    return replace(found, note=wordings.note(face, wording, hit.found.locale))


def _of_answer(hit: Hit, source_ids: Mapping[int, str | None], how_long: Measure, locale: str) -> Suggestion:
    meta = hit.found.meta
    answer_id, url = meta["accepted_post_id"], absolute(meta["accepted_url"])
    text = _quoted(meta["accepted_text"], url, how_long)
    return _suggestion(hit, "answer", answer_id, source_ids.get(answer_id), url, text, how_long, locale)


def _suggestion(
    hit: Hit, kind: Kind, thing_id: int, source_id: str | None, url: str, text: str, how_long: Measure, locale: str
) -> Suggestion:
    return Suggestion(
        kind=kind,
        id=thing_id,
        source_id=source_id,
        title=hit.found.title,
        url=url,
        text=text,
        fits=how_long.fits(text),
        length=how_long.count(text),
        limit=how_long.limit,
        score=hit.score,
        why=tuple(_reasons(hit, locale)),
        locale=hit.found.locale,
    )


def _face(article: Article | Publication, url: str, how_long: Measure, wording: Wording) -> faces.Chosen:
    return faces.choose(
        article,
        limit=how_long.limit,
        count=how_long.count,
        url=url,
        values=wording.values,
        is_informal=wording.is_informal,
        leaves_open=True,
    )


def _quoted(answer: str, url: str, how_long: Measure) -> str:
    """Return as much of the answer as fits with its address behind it."""
    limit = how_long.limit
    room = LONGEST_ANSWER if limit is None else min(LONGEST_ANSWER, limit - how_long.count(f" {url}"))
    while room > 0:
        text = f"{markup.excerpt(answer, room)} {url}"
        if how_long.fits(text):
            return text
        room -= max(1, how_long.count(text) - (limit or 0))
    return url


def _reasons(hit: Hit, locale: str) -> Iterator[str]:
    yield from hit.why
    meta = hit.found.meta
    if meta.get("obsolete"):
        yield gettext("Obsolete")
    if meta.get("confidence") == "validated":
        yield gettext("Checked")
    if hit.found.locale == locale:
        yield gettext("In the customer’s language")
    if number := meta.get("uses"):
        yield ngettext("Used %(num)s time", "Used %(num)s times", number)
