"""What may help with a message: articles and accepted answers, as a text that fits the channel, and why."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from flask_babel import gettext, ngettext
from sqlalchemy import select

from accounts.models import User
from accounts.people import AnonymousUser, Viewer
from core import markup, texts
from core.counting import Measure
from core.db import db
from core.errors import NotFound
from core.i18n import LOCALES
from core.web import absolute
from desk import credit_lines, proven, wordings
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
SHORTEST_PASSAGE: Final = 12
MOST_PASSAGES: Final = 30
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
    spoken = str(locale) if locale in LOCALES else language.guess(text)
    hits = [hit for hit in hits_for(text, spoken, limit) if hit.is_likely or not only_likely]
    return of_hits(hits, spoken, channel=channel, wording=wording)


def hits_for(text: str, locale: str, limit: int) -> list[Hit]:
    """Return articles and solved questions that every guest may read; private messages may have taught it."""
    hits = query.closest(
        text, viewer=AnonymousUser(), kinds=KINDS, locale=locale, only_answers=True, limit=limit, inside=True
    )
    return [hit for hit in hits if _is_helpful(hit)]


def of_hits(
    hits: Sequence[Hit], spoken: str, *, channel: Channel | str, wording: Wording | None = None
) -> list[Suggestion]:
    """Return what was found as texts that fit the channel, the best first; what holds comes before what does not.

    What is proven to help rises a little, and says so (`desk.proven`).
    """
    how_long = _measure(channel)
    wording = wording or wordings.plain(channel)
    known = proven.evidence({hit.found.ref.id for hit in hits if hit.found.ref.kind == "article"})
    hits = ranked(hits, known)
    articles = kb_queries.publications([hit.found.ref.id for hit in hits if hit.found.ref.kind == "article"])
    answers = _answers([hit.found.meta["accepted_post_id"] for hit in hits if hit.found.ref.kind == "topic"])
    credits_authors = credit_lines.are_on(channel)
    return [
        _of_article(hit, articles[hit.found.ref.id], how_long, spoken, wording)
        if hit.found.ref.kind == "article"
        else _of_answer(hit, answers, how_long, spoken, credits_authors=credits_authors)
        for hit in hits
        if hit.found.ref.kind == "topic" or hit.found.ref.id in articles
    ]


def ranked(hits: Sequence[Hit], known: Mapping[int, proven.Evidence]) -> list[Hit]:
    """Return hits with what is known of their articles in their scores, the best first, what is obsolete last."""
    return sorted((_lifted(hit, known) for hit in hits), key=_rank)


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


def text_of(
    kind: str, thing_id: int, *, channel: Channel | str, wording: Wording | None = None, way: str = "short"
) -> str | None:
    """Return the text that is inserted for an article or an answer; None when a guest cannot read it.

    `way` is `short`, `link` alone, or `quote`, which of an article is `quote:3` for its fourth passage.
    """
    guest = AnonymousUser()
    try:
        if kind == "article":
            article = kb_queries.visible_article(thing_id, viewer=guest)
            return _text_of_article(article, way, channel, wording or wordings.plain(channel))
        if kind == "answer":
            answer = forum_queries.visible_post(thing_id, viewer=guest)
            url = absolute(forum_addresses.of_post(answer))
            if way == "link":
                return _linked(answer.topic.title, url, _measure(channel))
            credit = credit_lines.of(answer) if credit_lines.are_on(channel) else ""
            return quoted(markup.plain(answer.html), url, _measure(channel), credit=credit)
    except NotFound:
        return None
    return None


def _text_of_article(article: Article, way: str, channel: Channel | str, wording: Wording) -> str | None:
    url = absolute(addresses.of_article(article))
    if way == "short" or article.published is None:
        return _face(article, url, _measure(channel), wording).text
    if way == "link":
        return _linked(article.published.title, url, _measure(channel))
    number = texts.number(way.partition(":")[2])
    return None if number is None else passage(article, number, channel)


def passages(article: Article) -> list[str]:
    """Return what can be quoted of an article: the paragraphs and steps that readers see."""
    if article.published is None:
        return []
    lines = (" ".join(line.split()) for line in article.published.plain.splitlines())
    return [line for line in dict.fromkeys(lines) if len(line) >= SHORTEST_PASSAGE][:MOST_PASSAGES]


def passage(article: Article, number: int, channel: Channel | str) -> str | None:
    """Return one passage of an article as it is quoted on a channel; None where there is none of that number."""
    known, how_long = passages(article), _measure(channel)
    if number >= len(known):
        return None
    url = absolute(addresses.of_article(article))
    first, last = ("„", "“") if article.locale == "de" else ("“", "”")
    room = LONGEST_ANSWER
    while room > 0:
        text = f"{first}{markup.excerpt(known[number], room)}{last} {url}"
        if how_long.fits(text):
            return text
        room -= max(1, how_long.count(text) - (how_long.limit or 0))
    return url


def _linked(title: str, url: str, how_long: Measure) -> str:
    text = f"{title}: {url}"
    return text if how_long.fits(text) else url


def _measure(channel: Channel | str) -> Measure:
    return measure(channel) if isinstance(channel, str) else adapter_of(channel).measure


def _lifted(hit: Hit, known: Mapping[int, proven.Evidence]) -> Hit:
    """Return a hit with what is known of its article in its score, and among the reasons for it."""
    told = known.get(hit.found.ref.id) if hit.found.ref.kind == "article" else None
    if told is None or told.known < proven.FEWEST:
        return hit
    reason = gettext(
        "Proven: it was enough for %(solved)s of %(known)s customers", solved=told.solved, known=told.known
    )
    return replace(hit, score=hit.score * told.lift, why=(*hit.why, reason))


def _rank(hit: Hit) -> tuple[bool, float]:
    return bool(hit.found.meta.get("obsolete")), -hit.score


def _is_helpful(hit: Hit) -> bool:
    """Tell whether there is an answer at all: the index may not have heard yet that one was taken away."""
    return hit.found.ref.kind == "article" or hit.found.meta["accepted_post_id"] is not None


def _answers(post_ids: Collection[int]) -> Mapping[int, Any]:
    if not post_ids:
        return {}
    rows = db.session.execute(
        select(Post.id, Post.source_id, *credit_lines.NAMED)
        .outerjoin(User, User.id == Post.author_id)
        .where(Post.id.in_(post_ids))
    )
    return {row.id: row for row in rows}


def _of_article(hit: Hit, article: Publication, how_long: Measure, locale: str, wording: Wording) -> Suggestion:
    url = absolute(hit.found.url)
    face = _face(article, url, how_long, wording)
    found = _suggestion(hit, "article", article.id, article.source_id, url, face.text, how_long, locale)
    return replace(found, note=wordings.note(face, wording, hit.found.locale))


def _of_answer(
    hit: Hit, answers: Mapping[int, Any], how_long: Measure, locale: str, *, credits_authors: bool
) -> Suggestion:
    meta = hit.found.meta
    answer_id, url = meta["accepted_post_id"], absolute(meta["accepted_url"])
    known = answers.get(answer_id)
    credit = credit_lines.line(known, hit.found.locale) if credits_authors and known is not None else ""
    text = quoted(meta["accepted_text"], url, how_long, credit=credit)
    return _suggestion(hit, "answer", answer_id, known.source_id if known else None, url, text, how_long, locale)


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


def quoted(words: str, url: str, how_long: Measure, *, credit: str = "") -> str:
    """Return as much of the words as fits with their address behind them, and who they are from where there is room."""
    limit = how_long.limit
    end = f" {credit} {url}" if credit else f" {url}"
    room = LONGEST_ANSWER if limit is None else min(LONGEST_ANSWER, limit - how_long.count(end))
    while room > 0:
        text = f"{markup.excerpt(words, room)}{end}"
        if how_long.fits(text):
            return text
        room -= max(1, how_long.count(text) - (limit or 0))
    return quoted(words, url, how_long) if credit else url


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
