"""One search in the database: it ranks by what its index alone can tell, and the best are compared with the question.

The full-text ranking of PostgreSQL reads every text that it ranks, which takes a second among a hundred thousand. So
what a rank needs lies in the narrow part of a row (how long the text is) and in the names of the lexemes (whether a
stem counts much there), and no text is read before few hundred are left. Those are scored exactly, like the embedded
engine scores them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple
from typing import cast as cast_type

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    ScalarSelect,
    Select,
    TableValuedAlias,
    and_,
    any_,
    cast,
    column,
    desc,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, TSQUERY
from sqlalchemy.engine import Connection

from search import ranking
from search.analysis.facts import digest
from search.analysis.text import label
from search.documents import AUDIENCES, Ref
from search.engines import EngineHit, EngineQuery, Findings, Phrase, TitleQuery, Variant, Word, comparing, records
from search.engines.analysed import LOCALES
from search.engines.comparing import CLOSE, MOST_TOKENS
from search.engines.postgres_tables import documents
from search.engines.statistics import Statistics
from search.ranking import Candidates, Collection, Ints

COUNTED: Final = 1_000
"""Up to so many hits are counted, all of them only where the facets are asked for."""
_SUGGESTED: Final = 50
"""Whoever wants no more hits does not look at how many there are."""
_COMPARED: Final = 150
"""How many of the best are read and compared with the question."""
_ENOUGH: Final = 100
"""With so many ranked nobody else is looked for."""
_DRIVING: Final = 2_000
"""Whatever has one of the rarest words is ranked, as long as they are in no more documents than this, together."""
_WANTED: Final = 40
"""So many should have enough of the other words to be ranked, if words stood together by chance; more really do."""
_MOST_TOGETHER: Final = 4
"""So many of the other words, the rarest, are looked for together."""
_SMALL: Final = 5_000
"""Among so many documents what is close is always looked for; among more only where the words find little."""
_LITTLE: Final = 0.3
"""What tells less than this share of the best word is not worth a look into the index, before texts are compared."""
_ALWAYS_WEIGHED: Final = 3
_MOST_TITLED: Final = 2_000
"""So many titles that fit are brought into order; more begin alike only where too little was typed to mean one."""
_BITS: Final = 63
_STRONG_FREQUENCY: Final = 2.5
"""How often a stem counts, about, where it counts much; elsewhere about once."""

_RECORDS: Final = """
    SELECT id, record, own_length, asked_length, inside_length FROM search_document WHERE id = ANY(%s)
"""
_PASSAGES: Final = "SELECT id, passages FROM search_document WHERE id = ANY(%s)"

_d: Final = documents.c


class _Asked(NamedTuple):
    """One term in one language: which word it stands for, how many documents have it, what it tells."""

    word: int
    variant: Variant
    having: int
    tell: float
    """What it adds to `words` where it counts infinitely often, over K1 + 1."""


class _Ranked(NamedTuple):
    """A document by what the index alone can tell; bit n of `words` says that it has word n."""

    id: int
    ref: Ref
    locale: str
    weight: float
    worth: float
    words: int


class Finder:
    """Answers one query."""

    def __init__(self, connection: Connection, index_id: int, statistics: Statistics, query: EngineQuery) -> None:
        self._connection = connection
        self._statistics = statistics
        self._query = query
        self._filters = _filters(query, index_id)
        self._words, self._asked = self._looked_up()

    def find(self, limit: int, *, counted: bool) -> Findings:
        query = self._query
        if not query.words and query.question is None:
            return self._newest(limit, counted=counted)
        facets: dict[str, tuple[tuple[str, int], ...]] = {}
        with _by_index(self._connection):
            ranked, total = self._ranked(max(limit, _COMPARED), counted=limit > _SUGGESTED and not counted)
            if counted:
                total, facets = self._facets(self._matching())
        return Findings(self._best(ranked, limit)[:limit], total, facets)

    # First: which documents have the words, and about how well.

    def _looked_up(self) -> tuple[list[Word], list[_Asked]]:
        """Return the words that tell most, in the order of the query, and their terms that are there."""
        query = self._query
        words = list(dict.fromkeys(query.words))
        variants = [(number, variant) for number, word in enumerate(words) for variant in word.variants]
        having = self._having([variant for _, variant in variants])
        weighed = []
        for number, word in enumerate(words):
            of_word = [count for (owner, _), count in zip(variants, having, strict=True) if owner == number]
            if any(count is not None for count in of_word):
                told = ranking.rarity(sum(filter(None, of_word)), self._statistics.total) * word.weight
                weighed.append((told, number))
        chosen = {number for _, number in sorted(weighed, key=lambda item: -item[0])[: query.most_words]}
        tells = [
            ranking.rarity(count or 0, self._statistics.collections[query.inside][variant.locale].documents)
            * words[number].weight
            for (number, variant), count in zip(variants, having, strict=True)
        ]
        reachable = _reachable(variants, tells)
        return words, [
            _Asked(number, variant, count, tell * variant.weight / reachable[variant.locale])
            for (number, variant), count, tell in zip(variants, having, tells, strict=True)
            if number in chosen and count is not None
        ]

    def _having(self, variants: Sequence[Variant]) -> list[int | None]:
        """Return how many documents for everybody have each term; None where nobody who asks may find it anywhere."""
        digests = np.array([digest(variant.term, variant.locale) for variant in variants], dtype=np.uint64)
        counts: list[int | None] = [
            count if count > 0 else None for count in self._statistics.documents(digests).tolist()
        ]
        unknown = [number for number, count in enumerate(counts) if count is None]
        if unknown and not self._is_for_all():
            for place in self._there([variants[number] for number in unknown]):
                counts[unknown[place]] = 0
        return counts

    def _is_for_all(self) -> bool:
        """Tell whether whoever asks finds nothing but what everybody finds, of which the statistics know all."""
        return self._query.audience == "everyone" and not self._query.inside

    def _there(self, variants: Sequence[Variant]) -> set[int]:
        """Return which terms stand in anything that may be found, by their place in `variants`."""
        wanted = (
            func.unnest(
                cast([records.lexeme(variant.term, variant.locale) for variant in variants], ARRAY(TSQUERY)),
                cast(list(range(len(variants))), ARRAY(Integer)),
            )
            .table_valued(column("query", TSQUERY), column("number", Integer), name="wanted")
            .render_derived()
        )
        matching = self._has(wanted.c.query)
        found = select(wanted.c.number).where(select(_d.id).where(matching, *self._filters).correlate(wanted).exists())
        with _by_index(self._connection):
            return set(self._connection.scalars(found))

    def _has(self, query: Any) -> ColumnElement[bool]:
        """Say that a document has what a tsquery asks for; inside, in private messages too."""
        if self._query.inside:
            return or_(_d.terms.bool_op("@@")(query), _d.inside.op("@@")(query))
        return _d.terms.bool_op("@@")(query)

    def _telling(self) -> list[_Asked]:
        return [asked for asked in self._asked if self._words[asked.word].is_telling]

    def _ranked(self, most: int, *, counted: bool) -> tuple[list[_Ranked], int]:
        """Return the documents with a telling word, best first, and how many there are, at least (see `COUNTED`)."""
        ranked: list[_Ranked] = []
        total = 0
        for drivers in self._drivers():
            ranked, total = self._ranked_by(drivers, most)
            if drivers is None or len(ranked) >= max(most - _COMPARED, _ENOUGH):
                break
        if counted and total < COUNTED and drivers is not None:
            some = select(_d.id).where(self._matching(), *self._filters).limit(COUNTED).subquery()
            total = self._connection.scalar(select(func.count()).select_from(some)) or 0
        return ranked, total

    def _drivers(self) -> Iterator[str | None]:
        """Yield what a document must have to be ranked, from the strictest to nothing in particular.

        Most documents with a common word have nothing else of the query, and ranking them all would take long. So the
        rare words lead, and so many of the common ones together, or one of them said with emphasis.
        """
        terms = sorted({_lexeme(each): each for each in self._telling()}.values(), key=lambda asked: asked.having)
        seen, rare = 0, 0
        while rare < len(terms) and seen + terms[rare].having <= _DRIVING:
            seen += terms[rare].having
            rare += 1
        if rare < len(terms):
            leading = [_lexeme(each) for each in terms[:rare]]
            common = terms[rare : rare + _MOST_TOGETHER]
            shares = [each.having / max(self._statistics.total, 1) for each in common]
            together = len(common)
            while together > 1 and seen + _expected(shares, together) * self._statistics.total < _WANTED:
                together -= 1
            for least in range(together, 1, -1):
                yield "|".join([*leading, _at_least(least, [_lexeme(each) for each in common])])
            if leading:
                yield "|".join(leading)
            yield "|".join([*leading, *(_lexeme(each, is_strong=True) for each in terms[rare:])])
        yield None

    def _ranked_by(self, drivers: str | None, most: int) -> tuple[list[_Ranked], int]:
        """Rank the documents that match `drivers`, or all that have a telling word."""
        wanted = self._wanted(drivers)
        if wanted is None:
            return [], 0
        # A query of its own for each term: joined freely, the planner may read every text for each of them instead.
        having = (
            select(_d.id, _d.weight, _d.own_length)
            .where(self._has(wanted.c.query), *self._filters)
            .correlate(wanted)
            .offset(0)
            .lateral("having")
        )
        short = 1 - wanted.c.b + wanted.c.b * having.c.own_length / wanted.c.average
        told = wanted.c.tell * (_saturated(wanted.c.high, short) - _saturated(wanted.c.low, short))
        best = (
            select(
                having.c.id,
                func.sum(told * having.c.weight).label("worth"),
                func.bit_or(wanted.c.word).label("words"),
                func.count().over().label("total"),
            )
            .select_from(wanted.join(having, true()))
            .group_by(having.c.id)
            .order_by(desc("worth"), having.c.id)
            .limit(most)
            .subquery("best")
        )
        found = (
            select(best, _d.kind, _d.ref_id, _d.locale, _d.weight)
            .join(documents, _d.id == best.c.id)
            .order_by(best.c.worth.desc(), best.c.id)
        )
        ranked = self._connection.execute(found).all()
        return [
            _Ranked(row.id, Ref(row.kind, row.ref_id), row.locale, row.weight, row.worth, row.words) for row in ranked
        ], ranked[0].total if ranked else 0

    def _wanted(self, drivers: str | None) -> TableValuedAlias | None:
        """Return what is looked up as a table: a tsquery, a bit for its word, and what BM25F needs to know of it."""
        rows: list[tuple[str, int, float, float, float, float, float]] = []
        without = "".join(f"&!{lexeme}" for lexeme in _excluded(self._query))
        within = f"&({drivers})" if drivers else ""
        for asked in self._weighing(within):
            locale = asked.variant.locale
            average = max(self._statistics.collections[False][locale].own_length, 1.0)
            b = ranking.weights(locale).b
            bit = 1 << asked.word if asked.word < _BITS else 0
            for is_strong, low, high in ((False, 0.0, 1.0), (True, 1.0, _STRONG_FREQUENCY)):
                query = f"{_lexeme(asked, is_strong=is_strong)}{within}{without}"
                rows.append((query, bit, asked.tell, average, b, low, high))
        if not rows:
            return None
        queries, bits, *numbers = zip(*rows, strict=True)
        return (
            func.unnest(
                cast(list(queries), ARRAY(TSQUERY)),
                cast(list(bits), ARRAY(BigInteger)),
                *(cast(list(values), ARRAY(Float)) for values in numbers),
            )
            .table_valued(
                column("query", TSQUERY),
                column("word", BigInteger),
                *(column(name, Float) for name in ("tell", "average", "b", "low", "high")),
                name="wanted",
            )
            .render_derived()
        )

    def _weighing(self, within: str) -> list[_Asked]:
        """Return the terms that a document is ranked by; within few documents those that tell little are left out."""
        telling = self._telling()
        if not within:
            return telling
        least = _LITTLE * max(asked.tell for asked in telling)
        rarest = sorted(telling, key=lambda asked: asked.having)[:_ALWAYS_WEIGHED]
        return [asked for asked in telling if asked.tell >= least or asked in rarest]

    def _matching(self) -> ColumnElement[bool]:
        """Say that a document has a telling word."""
        terms = "|".join(_lexeme(each) for each in self._telling())
        return self._has(_asked_for(terms)) if terms else false()

    # Second: the best of them, and those that mean the same, are compared with the question.

    def _best(self, ranked: list[_Ranked], limit: int) -> list[EngineHit]:
        query = self._query
        compared = ranked[:_COMPARED]
        looks_further = query.is_open and (self._statistics.total <= _SMALL or len(ranked) < _COMPARED)
        if looks_further and query.question is not None and query.question.vector is not None:
            known = {each.id for each in compared}
            compared += [each for each in self._close(query.question.vector) if each.id not in known]
        hits = self._compared(compared, limit)
        hits += [
            EngineHit(
                each.ref,
                each.worth,
                self._matched(number for number in range(_BITS) if each.words >> number & 1),
                (),
                each.weight,
            )
            for each in ranked[_COMPARED:limit]
        ]
        return hits

    def _close(self, vector: NDArray[np.float32]) -> list[_Ranked]:
        """Return the documents whose vectors have the most signs in common with `vector`."""
        bits = cast(records.sketch(vector), BIT(varying=True))
        found = (
            select(_d.id, _d.kind, _d.ref_id, _d.locale, _d.weight)
            .where(*self._filters)
            .order_by(func.bit_count(_d.sketch.op("#")(bits)), _d.id)
            .limit(CLOSE)
        )
        return [
            _Ranked(row.id, Ref(row.kind, row.ref_id), row.locale, row.weight, 0.0, 0)
            for row in self._connection.execute(found)
        ]

    def _compared(self, those: list[_Ranked], limit: int) -> list[EngineHit]:
        """Score documents exactly, best first."""
        found = self._fetched(_RECORDS, [each.id for each in those])
        rows = {each: records.Kept(*row) for each, row in found.items()}
        those = [each for each in those if each.id in rows]
        if not those:
            return []
        query = self._query
        words = np.zeros(len(those), dtype=np.float32)
        weights = np.array([each.weight for each in those], dtype=np.float32)
        has = np.zeros((len(those), len(self._asked)), dtype=np.bool_)
        groups = []
        for locale in LOCALES:
            mine = np.array([place for place, each in enumerate(those) if each.locale == locale], dtype=np.int64)
            if not len(mine):
                continue
            collection = self._statistics.collections[query.inside][locale]
            opened = records.opened([rows[those[place].id] for place in mine.tolist()], inside=query.inside)
            columns = [number for number, asked in enumerate(self._asked) if asked.variant.locale == locale]
            if columns:
                wanted = [self._asked[number] for number in columns]
                digests = np.array([digest(each.variant.term, locale) for each in wanted], dtype=np.uint64)
                often = records.frequencies(opened, digests, collection, ranking.weights(locale).b)
                tells = np.array([each.tell for each in wanted], dtype=np.float32)
                words[mine] = ranking.saturated(often) @ tells
                has[mine[:, None], columns] = often > 0
            ids = [those[place].id for place in mine.tolist()]
            groups.append(_Group(mine, locale, collection, opened, ids, self._passages))
        parts, scores = comparing.compared(query, groups, words, weights)
        return [
            EngineHit(
                those[row].ref,
                float(scores[row]),
                self._matched(self._asked[number].word for number in np.flatnonzero(has[row]).tolist()),
                () if query.question is None else tuple(parts[row].tolist()),
                those[row].weight,
            )
            for row in np.argsort(-scores, kind="stable")[:limit].tolist()
        ]

    def _passages(self, ids: list[int], dimensions: int) -> tuple[NDArray[np.int8], Ints]:
        """Return the passages of documents and how many each has; those of private messages only inside."""
        found = self._fetched(_PASSAGES, ids)
        return records.passages([found[each][0] for each in ids], dimensions, inside=self._query.inside)

    def _fetched(self, statement: str, ids: list[int]) -> dict[int, tuple[Any, ...]]:
        """Return rows by their ids. The driver is asked itself, because it alone hands over bytes as they are."""
        driver = cast_type("psycopg.Connection[tuple[Any, ...]]", self._connection.connection.dbapi_connection)
        with driver.cursor(binary=True) as cursor:
            return {row[0]: row[1:] for row in cursor.execute(statement, (ids,))}

    def _matched(self, numbers: Iterable[int]) -> tuple[str, ...]:
        there = set(numbers)
        return tuple(dict.fromkeys(word.text for number, word in enumerate(self._words) if number in there))

    # What is shown.

    def _newest(self, limit: int, *, counted: bool) -> Findings:
        found = (
            select(_d.kind, _d.ref_id).where(*self._filters).order_by(_d.created.desc(), _d.ref_id.desc()).limit(limit)
        )
        hits = [EngineHit(Ref(row.kind, row.ref_id), 1.0, ()) for row in self._connection.execute(found)]
        if counted:
            return Findings(hits, *self._facets(None))
        some = select(_d.id).where(*self._filters).limit(COUNTED).subquery()
        return Findings(hits, self._connection.scalar(select(func.count()).select_from(some)) or 0)

    def _facets(self, matching: ColumnElement[bool] | None) -> tuple[int, dict[str, tuple[tuple[str, int], ...]]]:
        """Return how many documents there are, and how many of each kind, locale, category, state and tag."""
        where = self._filters if matching is None else [matching, *self._filters]
        like = (
            select(func.min(_d.id).label("id"), func.count().label("documents"))
            .where(*where)
            .group_by(_d.facets)
            .subquery("like")
        )
        grouped = select(like.c.documents, _d.kind, _d.locale, _d.category, _d.solved, _d.tags).join(
            documents, _d.id == like.c.id
        )
        counts: dict[str, dict[str, int]] = {name: {} for name in ("kind", "locale", "category", "solved", "tag")}
        total = 0
        for row in self._connection.execute(grouped):
            total += row.documents
            names = [("kind", row.kind), ("locale", row.locale), ("category", row.category)]
            names += [("solved", "solved" if row.solved else "unsolved"), *(("tag", tag) for tag in row.tags)]
            for facet, name in names:
                if name:
                    counts[facet][name] = counts[facet].get(name, 0) + row.documents
        return total, {
            facet: tuple(sorted(of.items(), key=lambda item: (-item[1], item[0]))) for facet, of in counts.items()
        }


def titled(query: TitleQuery, serving: ScalarSelect[Any]) -> Select[str, int]:
    """Select kind and id of what has such a title in the index that `serving` says, in the order of `Engine.titled`."""
    last = [records.title_lexeme(query.beginning, is_beginning=True), *map(records.title_lexeme, sorted(query.last))]
    words = [[records.title_lexeme(entry) for entry in sorted(word)] for word in query.words]
    terms = "&".join(f"({'|'.join(those)})" for those in [*words, last])
    found = select(_d.kind, _d.ref_id, _d.locale, _d.weight, _d.created).where(
        _d.index_id == serving,
        _d.audience <= AUDIENCES.index(query.audience),
        _d.terms.bool_op("@@")(_asked_for(terms)),
    )
    if query.kinds is not None:
        found = found.where(_d.kind == any_(cast(sorted(query.kinds), ARRAY(_d.kind.type))))
    some = found.limit(_MOST_TITLED).subquery("some").c
    is_preferred = some.locale == (query.preferred or "")
    order = (is_preferred, some.weight, some.created, some.ref_id, some.kind)
    return select(some.kind, some.ref_id).order_by(*(each.desc() for each in order))


class _Group(NamedTuple):
    """Documents of one language, for `comparing`."""

    rows: Ints
    locale: str
    collection: Collection
    opened: records.Opened
    ids: list[int]
    read: Callable[[list[int], int], tuple[NDArray[np.int8], Ints]]

    def vectors(self) -> NDArray[np.int8]:
        return self.opened.vectors

    def candidates(self, chosen: Ints) -> Candidates:
        return self.opened.candidates.some(chosen, MOST_TOKENS)

    def passages(self, chosen: Ints) -> tuple[NDArray[np.int8], Ints]:
        return self.read([self.ids[place] for place in chosen.tolist()], self.opened.vectors.shape[1])


@contextmanager
def _by_index(connection: Connection) -> Iterator[None]:
    """Have PostgreSQL look words up in the index, however few documents there are.

    It takes reading a text for cheap, where a long one is unpacked anew for each word that is looked for.
    """
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    yield
    connection.exec_driver_sql("SET LOCAL enable_seqscan TO DEFAULT")


def _reachable(variants: Sequence[tuple[int, Variant]], tells: Sequence[float]) -> dict[str, float]:
    """Return the score that a text made of the query alone would reach in each language."""
    best: dict[tuple[int, str], float] = {}
    for (number, variant), tell in zip(variants, tells, strict=True):
        best[number, variant.locale] = max(best.get((number, variant.locale), 0.0), tell)
    found = dict.fromkeys(LOCALES, 1e-9)
    for (_, locale), tell in best.items():
        found[locale] += (ranking.K1 + 1) * tell
    return found


def _saturated(frequency: Any, short: Any) -> Any:
    return (ranking.K1 + 1) * frequency / (ranking.K1 * short + frequency)


def _filters(query: EngineQuery, index_id: int) -> list[ColumnElement[bool]]:
    """Say what a document must be beside having the words."""
    return [
        _d.index_id == index_id,
        _d.audience <= AUDIENCES.index(query.audience),
        *_of_columns(query),
        *(literal(label(tag)) == any_(_d.tags) for tag in query.tags),
        *_of_terms(query),
    ]


def _of_columns(query: EngineQuery) -> Iterator[ColumnElement[bool]]:
    if query.kinds is not None:
        yield _d.kind == any_(cast(sorted(query.kinds), ARRAY(_d.kind.type)))
    if query.locale is not None:
        yield _d.locale == query.locale
    if query.category is not None:
        yield _d.category == label(query.category)
    if query.solved is not None:
        yield _d.solved.is_(query.solved)
    if query.only_answers:
        yield _d.answers
    if query.author is not None:
        yield and_(_d.author == label(query.author), _d.author != "")
    if query.since is not None:
        yield _d.created >= int(query.since.timestamp())
    if query.without:
        gone = [(ref.kind, ref.id) for ref in sorted(query.without, key=lambda ref: (ref.kind, ref.id))]
        yield tuple_(_d.kind, _d.ref_id).not_in(gone)


def _of_terms(query: EngineQuery) -> Iterator[ColumnElement[bool]]:
    for phrases in query.phrases:
        written = "|".join(_written(phrase) for phrase in phrases)
        yield _has_one(written, inside=query.inside) if written else false()
    terms = _excluded(query)
    # Where words are looked up the index itself leaves these out, which is quicker; but it sees one column at a time.
    if terms and (query.inside or not query.words):
        yield ~_has_one("|".join(terms), inside=query.inside)


def _excluded(query: EngineQuery) -> list[str]:
    return [records.lexeme(variant.term, variant.locale) for word in query.excluded for variant in word.variants]


def _has_one(terms: str, *, inside: bool) -> ColumnElement[bool]:
    query = _asked_for(terms)
    if inside:
        return or_(_d.terms.bool_op("@@")(query), func.coalesce(_d.inside.bool_op("@@")(query), false()))
    return _d.terms.bool_op("@@")(query)


def _asked_for(terms: str) -> ScalarSelect[Any]:
    """Return a tsquery that the planner cannot look into: it would think that reading every text is cheap."""
    return select(cast(terms, TSQUERY)).scalar_subquery()


def _lexeme(asked: _Asked, *, is_strong: bool = False) -> str:
    return records.lexeme(asked.variant.term, asked.variant.locale, is_strong=is_strong)


def _at_least(least: int, lexemes: Sequence[str]) -> str:
    """Return a tsquery for so many of some lexemes; short, because the index judges it again and again."""
    if least == 1:
        return f"({'|'.join(lexemes)})"
    if least == len(lexemes):
        return f"({'&'.join(lexemes)})"
    return f"({lexemes[0]}&{_at_least(least - 1, lexemes[1:])}|{_at_least(least, lexemes[1:])})"


def _expected(shares: Sequence[float], least: int) -> float:
    """Return the share of documents that have at least so many of some terms, if they were scattered by chance."""
    exactly = [1.0]
    for share in shares:
        exactly = [
            (exactly[number] if number < len(exactly) else 0.0) * (1 - share)
            + (exactly[number - 1] * share if number else 0.0)
            for number in range(len(exactly) + 1)
        ]
    return sum(exactly[least:])


def _written(phrase: Phrase) -> str:
    """Return a phrase as a tsquery: each term so many places behind the one before."""
    written, before = "", 0
    for term, place in phrase.terms:
        written += f"{f'<{place - before}>' if written else ''}{records.lexeme(term, phrase.locale)}"
        before = place
    return f"({written})"
