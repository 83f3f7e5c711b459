"""Asking: what is typed becomes a query, the engine finds, the rooms say what of it the viewer may see."""

import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from flask_babel import gettext
from markupsafe import Markup

from search import excerpts, grammar, registry
from search.analysis import language, stopwords, tokens
from search.documents import Found, QuickSource, Ref
from search.engines import EngineHit, EngineQuery, Phrase, SearchUnavailable, Variant, Word
from search.grammar import ParsedQuery

MOST_HITS: Final = 1000
"""Hits that are checked with the database; what comes after them is not what anybody looks for."""
LARGEST_PAGE: Final = 100
LONGEST_TITLE: Final = 300
LONGEST_BODY: Final = 2_000

_LOCALES: Final = ("de", "en")
_OTHER_LANGUAGE: Final = 0.8
_STOP_WORD: Final = 0.3
"""What a stop word counts: "how do I" and "why can't I" are different questions about the same thing."""
_BODY_WORD: Final = 0.4
_MOST_SIMILAR: Final = 200
_MOST_SIMILAR_WORDS: Final = 20
_SIMILAR_SHARE: Final = 0.25
"""A similar thing has at least this share of the best one's score; weaker ones would only distract."""
_LONGEST_JOINED: Final = 40

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found that the viewer may see; `excerpt` is safe HTML with <mark>, `why` says it in words."""

    found: Found
    score: float
    excerpt: Markup
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits and how many there are for this viewer; `degraded` while the index cannot be read."""

    hits: list[Hit]
    total: int
    query: ParsedQuery
    did_you_mean: str | None = None
    degraded: bool = False


def find(
    text: str,
    *,
    viewer: Any,
    kinds: Collection[str] | None = None,
    locale: str | None = None,
    category: str | None = None,
    limit: int = 20,
    page: int = 1,
    only_locale: str | None = None,
) -> Results:
    """Find what `text` asks for and `viewer` may see; takes any text and never raises over it.

    `locale` is the language of the person, whose own language counts more; `only_locale` leaves the other one out.
    """
    parsed = grammar.parse(text)
    if parsed.is_empty:
        return Results([], 0, parsed)
    query = _query_of(parsed, kinds=kinds, locale=locale, category=category, only_locale=only_locale)
    try:
        seen = _visible(registry.engine().hits(query, MOST_HITS), viewer)
    except SearchUnavailable:
        log.warning("a search went without the index")
        return Results([], 0, parsed, degraded=True)
    size = min(max(limit, 1), LARGEST_PAGE)
    first = (max(page, 1) - 1) * size
    page_of_hits = seen.load(seen.hits[first : first + size], viewer)
    return Results([_hit(*pair, query) for pair in page_of_hits], len(seen.hits), parsed)


def similar(
    title: str,
    body: str = "",
    *,
    viewer: Any,
    kinds: Collection[str] | None = None,
    locale: str | None = None,
    limit: int = 5,
) -> list[Hit]:
    """Find what is already asked or written about the same; the texts are plain words, without operators."""
    title, body = title[:LONGEST_TITLE], body[:LONGEST_BODY]
    spoken = language.guess(f"{title} {body}", locale)
    words = _words(title.split(), spoken=spoken, preferred=spoken)
    known = {word.variants for word in words}
    words += [
        replace(word, weight=_BODY_WORD * word.weight)
        for word in _words(body.split(), spoken=spoken, preferred=spoken)
        if word.variants not in known
    ]
    if not words:
        return []
    query = EngineQuery(
        words=tuple(words), most_words=_MOST_SIMILAR_WORDS, kinds=None if kinds is None else frozenset(kinds)
    )
    engine = registry.engine()
    try:
        hits = engine.hits(query, _MOST_SIMILAR)
        if not hits:  # none of the telling words is known here; how it is asked may still say something
            hits = engine.hits(replace(query, words=tuple(_telling(word) for word in words)), _MOST_SIMILAR)
        seen = _visible(hits, viewer)
    except SearchUnavailable:
        log.warning("similar things were not looked for: no index")
        return []
    enough = (
        _SIMILAR_SHARE * seen.hits[0].score if seen.hits else 0.0
    )  # of the best that may be seen, not of a hidden one
    close = [hit for hit in seen.hits if hit.score >= enough][: min(max(limit, 1), LARGEST_PAGE)]
    return [_hit(*pair, query) for pair in seen.load(close, viewer)]


def _query_of(
    parsed: ParsedQuery,
    *,
    kinds: Collection[str] | None,
    locale: str | None,
    category: str | None,
    only_locale: str | None,
) -> EngineQuery:
    spoken = language.guess(parsed.raw, locale)
    preferred = locale if locale in _LOCALES else spoken
    if parsed.kinds is not None:
        kinds = parsed.kinds if kinds is None else set(kinds).intersection(parsed.kinds)
    asked = [*parsed.words, *(word for phrase in parsed.phrases for word in phrase.split())]
    return EngineQuery(
        words=tuple(_words(asked, spoken=spoken, preferred=preferred)),
        phrases=tuple(_phrase(phrase) for phrase in parsed.phrases),
        excluded=tuple(_words(parsed.excluded, spoken=None, preferred=preferred)),
        most_words=grammar.MOST_TERMS,
        kinds=None if kinds is None else frozenset(kinds),
        locale=parsed.locale or only_locale,
        tags=parsed.tags,
        author=parsed.author,
        category=category,
        solved=parsed.solved,
    )


def _words(runs: Iterable[str], *, spoken: str | None, preferred: str) -> list[Word]:
    """Return the words of `runs` with their terms in both languages; stop words count little beside others."""
    words = []
    for piece in dict.fromkeys(piece for run in runs for piece in _pieces(run)):
        terms = {locale: tokens.term(piece, locale) for locale in _LOCALES}
        variants = tuple(
            Variant(locale, term, 1.0 if locale == preferred else _OTHER_LANGUAGE)
            for locale, term in terms.items()
            if term
        )
        is_telling = spoken is None or not stopwords.is_stop_word(piece, spoken)
        if variants:
            words.append(Word(piece, variants, 1.0 if is_telling else _STOP_WORD, is_telling))
    return words if any(word.is_telling for word in words) else [_telling(word) for word in words]


def _telling(word: Word) -> Word:
    return replace(word, weight=1.0, is_telling=True)


def _pieces(run: str) -> Iterator[str]:
    """Yield the words of what stands between two blanks; of "e-mail" also "email", in place of a lone letter."""
    parts = [word.text for word in tokens.words(run)]
    joined = "".join(parts)
    if len(parts) > 1 and "-" in run and len(joined) <= _LONGEST_JOINED:
        yield joined
        parts = [part for part in parts if len(part) > 1 or part.isdigit()]
    yield from parts


def _phrase(text: str) -> tuple[Phrase, ...]:
    parts = [word.text for word in tokens.words(text)]
    phrases = []
    for locale in _LOCALES:
        terms = tuple((term, distance) for distance, part in enumerate(parts) if (term := tokens.term(part, locale)))
        if terms:
            phrases.append(Phrase(locale, terms))
    return tuple(phrases)


def _visible(hits: list[EngineHit], viewer: Any) -> "_Seen":
    """Return the hits that the viewer may see, in their order; each kind is asked once."""
    allowed: set[Ref] = set()
    found: dict[Ref, Found] = {}
    for kind, ids in _by_kind(hits).items():
        source = registry.source(kind)
        if isinstance(source, QuickSource):
            allowed.update(Ref(kind, ref_id) for ref_id in source.visible_ids(ids, viewer))
        elif source is not None:
            found.update((Ref(kind, ref_id), seen) for ref_id, seen in source.visible(ids, viewer).items())
    allowed.update(found)
    return _Seen([hit for hit in hits if hit.ref in allowed], found)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The hits a viewer may see, and what was already loaded of them."""

    hits: list[EngineHit]
    found: dict[Ref, Found]

    def load(self, hits: list[EngineHit], viewer: Any) -> list[tuple[EngineHit, Found]]:
        """Return some of the hits with what is shown of them; what vanished since it was counted is left out."""
        found = dict(self.found)
        for kind, ids in _by_kind([hit for hit in hits if hit.ref not in found]).items():
            source = registry.source(kind)
            if source is not None:
                found.update((Ref(kind, ref_id), seen) for ref_id, seen in source.visible(ids, viewer).items())
        return [(hit, found[hit.ref]) for hit in hits if hit.ref in found]


def _by_kind(hits: list[EngineHit]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {}
    for hit in hits:
        ids.setdefault(hit.ref.kind, []).append(hit.ref.id)
    return ids


def _hit(hit: EngineHit, found: Found, query: EngineQuery) -> Hit:
    telling = [word for word in query.words if word.is_telling]  # "der" and "the" would only distract
    terms = {variant.term for word in telling for variant in word.variants if variant.locale == found.locale}
    return Hit(
        found, hit.score, excerpts.highlight(found.text, terms, found.locale), tuple(_reasons(hit, found, query))
    )


def _reasons(hit: EngineHit, found: Found, query: EngineQuery) -> Iterator[str]:
    title = {tokens.term(word.text, found.locale) for word in tokens.words(found.title)}
    telling = {word.text for word in query.words if word.is_telling}
    matched = [word for word in hit.matched if word in telling]
    in_title = [word for word in matched if tokens.term(word, found.locale) in title]
    elsewhere = [word for word in matched if word not in in_title]
    if in_title:
        yield gettext("In the title: %(words)s", words=", ".join(in_title))
    if elsewhere:
        yield gettext("In the text: %(words)s", words=", ".join(elsewhere))
    if len(matched) > 1 and len(matched) == len(telling):
        yield gettext("Has all the words")
    if found.solved:
        yield gettext("Solved")
