"""Asking: what is typed becomes a query, the engine finds, the rooms say what of it the viewer may see."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select

from core.db import db
from search import excerpts, grammar, labels, meant, registry, synonyms
from search.analysis import language, stopwords, tokens
from search.documents import PRODUCT, Audience, Found, PlainSource, QuickSource, Ref
from search.engines import EngineHit, EngineQuery, Findings, Phrase, SearchUnavailable, Variant, Word
from search.grammar import ParsedQuery
from search.meant import Meant
from search.models import StaleNote
from search.ranking import Question

MOST_HITS: Final = 1000
"""Hits that can be paged through; what comes after them is not what anybody looks for."""
LARGEST_PAGE: Final = 100
LONGEST_TITLE: Final = 300
LONGEST_BODY: Final = 2_000

Archived = Literal["too", "only"]
"""Whether what was archived is found, too, or alone."""

_LOCALES: Final = ("de", "en")
_OTHER_LANGUAGE: Final = 0.8
_STOP_WORD: Final[Mapping[str, float]] = {"en": 0.7, "de": 0.4}
"""What a stop word counts: "how do I" and "why can't I" are different questions about the same thing."""
_PART: Final = 0.7
"""What a part of a compound counts beside the whole."""
_SYNONYM: Final = 0.8
_BODY_WORD: Final = 0.5
_CHECKED: Final = 200
"""So many of the best hits are checked with the database, whatever the index says."""
_LOADED_AT_ONCE: Final = 20
"""So few are loaded at once instead of being checked first and loaded then: they fit on a page."""
_MOST_NOTES: Final = 2_000
_SIMILAR_SHARE: Final = 0.35
"""A similar thing has at least this share of the best one's score; weaker ones would only distract."""
_MOST_NEAR: Final = 5
_NEAR: Final = 0.13
"""From this score on it is shown where nothing has the words; weaker ones would only puzzle."""
_MOST_PLAIN: Final = 6
"""Words that are looked for in the database while there is no index; each is a look at every text."""
_LIKELY: Final = 0.22
"""From this score on something is about the same although it has none of the words."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found that the viewer may see; `why` says in words why it was found."""

    found: Found
    score: float
    why: tuple[str, ...]
    terms: frozenset[str]
    is_likely: bool
    """Whether it has a telling word of the query, or means much the same."""

    @property
    def excerpt(self) -> Markup:
        """Cut the best part out of the text, safe HTML with <mark>; costs a look at every word of it."""
        return excerpts.highlight(self.found.text, self.terms, self.found.locale)


@dataclass(frozen=True, slots=True)
class Results:
    """One page of hits and how many there are for this viewer; `degraded` while the index cannot be read.

    `facets` says how many hits each kind, locale, category, state ("solved"), tag and product has, most first. `near`
    is what means the same and is shown where nothing has the words.
    """

    hits: list[Hit]
    total: int
    query: ParsedQuery
    did_you_mean: str | None = None
    degraded: bool = False
    facets: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    near: list[Hit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ExplainedHit:
    """Why a hit stands where it stands: what each signal contributed, by its name in words."""

    found: Found
    score: float
    parts: tuple[tuple[str, float], ...]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was asked word by word (typed, searched, how much it tells), and the hits."""

    words: tuple[tuple[str, str, float], ...]
    rows: tuple[ExplainedHit, ...]


def find(  # noqa: PLR0913 -- each filter is a keyword
    text: str,
    *,
    viewer: Any,
    kinds: Collection[str] | None = None,
    locale: str | None = None,
    only_locale: str | None = None,
    category: str | None = None,
    solved: bool | None = None,
    tag: str | None = None,
    product: str | None = None,
    author: str | None = None,
    since: datetime | None = None,
    archived: Archived | None = None,
    limit: int = 20,
    page: int = 1,
    counted: bool = False,
) -> Results:
    """Find what `text` asks for and `viewer` may see; takes any text and never raises over it.

    `archived` takes in what was archived, or only that; without it not even the team finds it.
    `locale` is the language of the person, whose own language counts more; `only_locale` leaves the other one out. The
    facets are there only where they were asked for (`counted`).
    """
    parsed = grammar.parse(text)
    size = min(max(limit, 1), LARGEST_PAGE)
    first = min((max(page, 1) - 1) * size, MOST_HITS)
    narrowed = _Narrowed(kinds, only_locale, category, solved, (tag,) if tag else (), author, since, product, archived)
    if parsed.is_empty:
        return Results([], 0, parsed)
    try:
        words = meant.of([*parsed.words, *_of_phrases(parsed)], locale)
        query = _query_of(parsed, words, narrowed, locale=locale, viewer=viewer)
        findings, known = _seen(query, viewer, first + size, counted=counted)
        near = _near(query, viewer) if not findings.hits and parsed.words and first == 0 else []
    except SearchUnavailable:
        return _from_database(parsed, narrowed, viewer, first, size)
    hits = _loaded(findings.hits[first : first + size], viewer, query, known)
    facets = _with_products(findings.facets)
    return Results(hits, min(findings.total, MOST_HITS), parsed, words.correction, facets=facets, near=near)


def similar(
    title: str,
    body: str = "",
    *,
    viewer: Any,
    kinds: Collection[str] | None = None,
    locale: str | None = None,
    limit: int = 5,
) -> list[Hit]:
    """Find what is already asked or written about the same; the texts are plain words, without operators.

    Weaker hits are left out beside a strong one.
    """
    try:
        query = _question_of(title[:LONGEST_TITLE], body[:LONGEST_BODY], locale, kinds)
        query = replace(query, audience=audience_of(viewer), inside=is_team(viewer), kinds=_everyday(kinds, viewer))
        if not query.words:
            return []
        hits = registry.engine().find(query, _CHECKED).hits
        allowed, known = _allowed([hit.ref for hit in hits], viewer)
    except SearchUnavailable:
        log.warning("similar things were not looked for: no index")
        return []
    hits = [hit for hit in hits if hit.ref in allowed]
    # Of the best that may be seen, not of a hidden one.
    enough = _SIMILAR_SHARE * hits[0].score if hits else 0.0
    close = [hit for hit in hits if hit.score >= enough]
    return _loaded(close[: min(max(limit, 1), LARGEST_PAGE)], viewer, query, known)


def closest(
    text: str,
    *,
    viewer: Any,
    kinds: Collection[str] | None = None,
    locale: str | None = None,
    only_answers: bool = False,
    limit: int = 5,
    inside: bool = False,
) -> list[Hit]:
    """Find the things that answer a message best: always some where there are any.

    `inside` says that private messages that were answered before may help to find them, for the team's eyes only; what
    is found is what `viewer` may see. `only_answers` leaves out questions that nobody has solved.
    """
    try:
        query = _question_of(text[:LONGEST_TITLE], text[LONGEST_TITLE : LONGEST_TITLE + LONGEST_BODY], locale, kinds)
        query = replace(query, audience=audience_of(viewer), inside=inside, is_open=True)
        query = replace(query, kinds=_everyday(kinds, viewer))
        query = replace(query, only_answers=only_answers)
        hits = registry.engine().find(query, min(max(limit, 1), LARGEST_PAGE)).hits
        return _loaded(hits, viewer, query)
    except SearchUnavailable:
        log.warning("nothing was suggested: no index")
        return []


def explain(text: str, *, viewer: Any, locale: str | None = None, limit: int = 20) -> Explanation:
    """Say why the hits of a search stand in their order. Raises `SearchUnavailable`."""
    parsed = grammar.parse(text)
    words = meant.of([*parsed.words, *_of_phrases(parsed)], locale)
    query = _query_of(parsed, words, _Narrowed(), locale=locale, viewer=viewer)
    engine = registry.engine()
    told = tuple(
        (word.text, ", ".join(dict.fromkeys(variant.term for variant in word.variants)), engine.rarity(word))
        for word in query.words
    )
    hits = engine.find(query, limit).hits
    found = _found(hits, viewer, {})
    names = (*signal_names(), gettext("weight of the text"))
    rows = tuple(
        ExplainedHit(
            found[hit.ref],
            hit.score,
            tuple(zip(names, (*hit.signals, hit.weight), strict=False)),
            tuple(_reasons(hit, found[hit.ref], query)),
        )
        for hit in hits
        if hit.ref in found
    )
    return Explanation(told, rows)


def signal_names() -> tuple[str, ...]:
    """Return the names of `ranking.SIGNALS` in words."""
    return (
        gettext("the words"),
        gettext("spelt alike"),
        gettext("words side by side"),
        gettext("the meaning of the whole"),
        gettext("the closest passage"),
    )


def audience_of(viewer: Any) -> Audience:
    """Return the circle a viewer belongs to."""
    if is_team(viewer):
        return "team"
    return "members" if getattr(viewer, "is_authenticated", False) else "everyone"


def is_team(viewer: Any) -> bool:
    """Tell whether a viewer is on the team."""
    return bool(getattr(viewer, "is_team", False))


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """Filters that were chosen, beside those that were typed."""

    kinds: Collection[str] | None = None
    locale: str | None = None
    category: str | None = None
    solved: bool | None = None
    tags: tuple[str, ...] = ()
    author: str | None = None
    since: datetime | None = None
    product: str | None = None
    archived: Archived | None = None


def _query_of(
    parsed: ParsedQuery, words: Meant, narrowed: _Narrowed, *, locale: str | None, viewer: Any
) -> EngineQuery:
    preferred = locale if locale in _LOCALES else words.locale
    encoder = registry.encoder()
    return EngineQuery(
        words=tuple(_words(words, preferred=preferred)),
        phrases=tuple(_phrase(phrase) for phrase in parsed.phrases),
        excluded=tuple(_plain_words(parsed.excluded, preferred)),
        most_words=grammar.MOST_TERMS,
        question=Question(words.sequence, encoder.encode(words.text)) if words.sequence else None,
        strength=encoder.strength,
        kinds=_kinds(parsed, narrowed, viewer),
        locale=parsed.locale or narrowed.locale,
        tags=(*parsed.tags, *narrowed.tags, *_products(parsed, narrowed)),
        author=parsed.author or narrowed.author,
        category=narrowed.category,
        solved=narrowed.solved if parsed.solved is None else parsed.solved,
        since=narrowed.since,
        preferred=preferred,
        audience=audience_of(viewer),
        inside=is_team(viewer),
    )


def _kinds(parsed: ParsedQuery, narrowed: _Narrowed, viewer: Any) -> frozenset[str] | None:
    """Return the kinds of things that are wanted; None where all are that are not set aside."""
    kinds = narrowed.kinds
    if parsed.kinds is not None:
        kinds = parsed.kinds if kinds is None else set(kinds).intersection(parsed.kinds)
    archived = "only" if parsed.archived else narrowed.archived
    if archived == "only":
        return registry.kinds_aside()
    if archived == "too":
        return (registry.kinds_everyday() if kinds is None else frozenset(kinds)) | registry.kinds_aside()
    return _everyday(kinds, viewer)


def _everyday(kinds: Collection[str] | None, viewer: Any) -> frozenset[str] | None:
    """Return these kinds; where all are wanted, without what is set aside, which only the team could find at all."""
    if kinds is not None:
        return frozenset(kinds)
    return registry.kinds_everyday() if is_team(viewer) else None


def _products(parsed: ParsedQuery, narrowed: _Narrowed) -> Iterator[str]:
    for product in {parsed.product, narrowed.product} - {None, ""}:
        yield PRODUCT + labels.meant("product", str(product))


def _with_products(facets: Mapping[str, tuple[tuple[str, int], ...]]) -> Mapping[str, tuple[tuple[str, int], ...]]:
    """Return the facets with the products by themselves, which the index keeps among the tags."""
    if "tag" not in facets:
        return facets
    tags = tuple(pair for pair in facets["tag"] if not pair[0].startswith(PRODUCT))
    products = tuple((tag.removeprefix(PRODUCT), count) for tag, count in facets["tag"] if tag.startswith(PRODUCT))
    return {**facets, "tag": tags, "product": products}


def _question_of(title: str, body: str, locale: str | None, kinds: Collection[str] | None) -> EngineQuery:
    """Return the query of a text in a person's words."""
    spoken = language.guess(f"{title} {body}", locale)
    words = meant.of(title.split(), spoken)
    asked = _words(words, preferred=words.locale)
    known = {word.variants for word in asked}
    more = meant.of(body.split(), spoken) if body.strip() else None
    if more is not None:
        asked += [
            replace(word, weight=_BODY_WORD * word.weight)
            for word in _words(more, preferred=words.locale)
            if word.variants not in known
        ]
    encoder = registry.encoder()
    whole = words.text if more is None else f"{words.text} {more.text}"
    return EngineQuery(
        words=tuple(asked),
        question=Question(words.sequence, encoder.encode(whole)),
        strength=encoder.strength,
        kinds=None if kinds is None else frozenset(kinds),
        preferred=words.locale,
    )


def _words(words: Meant, *, preferred: str) -> list[Word]:
    """Return what is looked up: each word in both languages, the parts of compounds, the synonyms of admins."""
    found = []
    for typed, written in words.pairs:
        variants = _variants(written, preferred)
        if typed != written:  # what nobody but a smaller circle has may have been meant after all
            variants += _variants(typed, preferred)
        is_telling = not stopwords.is_stop_word(written, words.locale)
        if variants:
            found.append(Word(written, variants, 1.0 if is_telling else _STOP_WORD[words.locale], is_telling))
    if not any(word.is_telling for word in found):
        found = [replace(word, weight=1.0, is_telling=True) for word in found]
    return list(dict.fromkeys([*found, *_parts(words), *_synonyms(words, preferred)]))


def _variants(written: str, preferred: str, weight: float = 1.0) -> tuple[Variant, ...]:
    terms = {locale: tokens.term(written, locale) for locale in _LOCALES}
    return tuple(
        Variant(locale, term, weight * (1.0 if locale == preferred else _OTHER_LANGUAGE))
        for locale, term in terms.items()
        if term
    )


def _parts(words: Meant) -> Iterator[Word]:
    for _, written in words.pairs:
        for part in meant.parts(written):
            yield Word(part, (Variant("de", tokens.term(part, "de")),), _PART, is_typed=False)


def _synonyms(words: Meant, preferred: str) -> Iterator[Word]:
    known = synonyms.all_of(words.locale)
    if not known:
        return
    for phrase in words.phrases(longest=3):
        for other in known.get(phrase, ()):
            for word in other.split():
                variants = _variants(word, preferred)
                if variants:
                    yield Word(word, variants, _SYNONYM, is_typed=False)


def _plain_words(runs: Iterable[str], preferred: str) -> list[Word]:
    pieces = dict.fromkeys(piece for run in runs for piece in meant.pieces(run))
    return [Word(piece, variants) for piece in pieces if (variants := _variants(piece, preferred))]


def _of_phrases(parsed: ParsedQuery) -> list[str]:
    return [word for phrase in parsed.phrases for word in phrase.split()]


def _phrase(text: str) -> tuple[Phrase, ...]:
    parts = [word.text for word in tokens.words(text)]
    phrases = []
    for locale in _LOCALES:
        terms = tuple((term, distance) for distance, part in enumerate(parts) if (term := tokens.term(part, locale)))
        if terms:
            phrases.append(Phrase(locale, terms))
    return tuple(phrases)


def _seen(query: EngineQuery, viewer: Any, most: int, *, counted: bool) -> tuple[Findings, dict[Ref, Found]]:
    """Return the findings without what the viewer may not see, and what was already loaded of them.

    The best hits are checked with the database. What stands behind them is checked where it has changed since the index
    heard of it: of the rest the index knows as much as the database.
    """
    engine = registry.engine()
    findings = engine.find(query, max(most, _CHECKED), counted=counted)
    checked = [hit.ref for hit in findings.hits[:_CHECKED]]
    if findings.total > len(checked):
        checked += _noted()
    allowed, found = _allowed(checked, viewer)
    hidden = frozenset(checked) - allowed
    if hidden:
        findings = engine.find(replace(query, without=hidden), max(most, _CHECKED), counted=counted)
    return findings, found


def _noted() -> list[Ref]:
    """Return what changed and is not in the index yet, the newest `_MOST_NOTES`."""
    rows = select(StaleNote.kind, StaleNote.ref_id).order_by(StaleNote.id.desc()).limit(_MOST_NOTES)
    return [Ref(kind, ref_id) for kind, ref_id in db.session.execute(rows)]


def _allowed(refs: Sequence[Ref], viewer: Any) -> tuple[frozenset[Ref], dict[Ref, Found]]:
    """Return which of `refs` the viewer may see; of a source that cannot tell without loading, also what it loaded."""
    allowed: set[Ref] = set()
    found: dict[Ref, Found] = {}
    for kind, ids in _by_kind(refs).items():
        source = registry.source(kind)
        if isinstance(source, QuickSource) and len(ids) > _LOADED_AT_ONCE:
            allowed.update(Ref(kind, ref_id) for ref_id in source.visible_ids(ids, viewer))
        elif source is not None:
            found.update((Ref(kind, ref_id), seen) for ref_id, seen in source.visible(ids, viewer).items())
    return frozenset(allowed | found.keys()), found


def _near(query: EngineQuery, viewer: Any) -> list[Hit]:
    """Return what means the same where nothing has the words."""
    if query.phrases or query.excluded or query.question is None:
        return []
    hits = registry.engine().find(replace(query, is_open=True), _MOST_NEAR).hits
    return _loaded([hit for hit in hits if hit.score >= _NEAR], viewer, query)


def _loaded(
    hits: list[EngineHit], viewer: Any, query: EngineQuery, known: Mapping[Ref, Found] | None = None
) -> list[Hit]:
    """Return hits with what is shown of them; what vanished since it was counted is left out."""
    found = _found(hits, viewer, known or {})
    return [_hit(hit, found[hit.ref], query) for hit in hits if hit.ref in found]


def _found(hits: list[EngineHit], viewer: Any, known: Mapping[Ref, Found]) -> dict[Ref, Found]:
    found = dict(known)
    for kind, ids in _by_kind([hit.ref for hit in hits if hit.ref not in found]).items():
        source = registry.source(kind)
        if source is not None:
            found.update((Ref(kind, ref_id), seen) for ref_id, seen in source.visible(ids, viewer).items())
    return found


def _by_kind(refs: Sequence[Ref]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {}
    for ref in refs:
        ids.setdefault(ref.kind, []).append(ref.id)
    return ids


def _from_database(parsed: ParsedQuery, narrowed: _Narrowed, viewer: Any, first: int, size: int) -> Results:
    """Find what simply has the words, newest first, while there is no index."""
    log.warning("a search went without the index")
    words = [*parsed.words, *parsed.phrases][:_MOST_PLAIN]
    kinds = _kinds(parsed, narrowed, viewer)
    refs = [
        Ref(source.kind, ref_id)
        for source in registry.sources()
        if isinstance(source, PlainSource) and words and (kinds is None or source.kind in kinds)
        for ref_id in source.plainly(words, viewer, MOST_HITS)
    ]
    hits = [EngineHit(ref, 0.0, ()) for ref in refs[first : first + size]]
    return Results(_loaded(hits, viewer, EngineQuery()), len(refs), parsed, degraded=True)


def _hit(hit: EngineHit, found: Found, query: EngineQuery) -> Hit:
    telling = [word for word in query.words if word.is_telling]  # "der" and "the" would only distract
    terms = frozenset(variant.term for word in telling for variant in word.variants if variant.locale == found.locale)
    is_likely = bool({word.text for word in telling}.intersection(hit.matched)) or hit.score >= _LIKELY
    return Hit(found, hit.score, tuple(_reasons(hit, found, query)), terms, is_likely)


def _reasons(hit: EngineHit, found: Found, query: EngineQuery) -> Iterator[str]:
    title = {tokens.term(word.text, found.locale) for word in tokens.words(found.title)}
    telling = {word.text: word for word in query.words if word.is_telling}
    typed = {word.text for word in query.words if word.is_telling and word.is_typed}
    matched = [word for word in hit.matched if word in telling]
    in_title = [
        word
        for word in matched
        if any(variant.term in title for variant in telling[word].variants if variant.locale == found.locale)
    ]
    elsewhere = [word for word in matched if word not in in_title]
    if in_title:
        yield gettext("In the title: %(words)s", words=", ".join(in_title))
    if elsewhere:
        yield gettext("In the text: %(words)s", words=", ".join(elsewhere))
    if len(typed) > 1 and typed.issubset(matched):
        yield gettext("Has all the words")
    if found.solved:
        yield gettext("Solved")
