"""One state of the index, open for searching: which documents it has, what is known of its words, what is the best of it.

Nothing in it changes, so threads share it without a lock; only its caches grow. The next state takes over the segments
that are still there, with what was cached of them.
"""

import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search import ranking
from search.analysis import facts, grams, hashes
from search.analysis.text import label
from search.documents import AUDIENCES, Audience, Ref
from search.engines import EngineHit, EngineQuery, Findings, Phrase, Variant, Word
from search.engines.arrays import FIELDS, LOCALES, WHOLE_WORD, Ints, Segment, counted, sketch
from search.ranking import Candidates, Collection, Floats, WordTable

COMPARED: Final = 200
"""How many of the best by their words are compared with the question."""
_CLOSE: Final = 100
"""How many more are, whose vectors are close."""
_LOOKED_INTO: Final = 64
"""How many of those are looked into passage by passage."""
_MOST_TOKENS: Final = 1_500
_CACHED_BYTES: Final = 32 << 20
_DENSE: Final = 4
"""A stem that more than one of so many documents have is kept as one number a document."""
_SAME: Final = 0.002
"""By how much the averages behind cached scores may have moved before they are counted anew."""
_OTHER_LANGUAGE: Final = 0.8
_OWN: Final = tuple(FIELDS.index(name) for name in ("title", "keywords", "body"))
_ASKED: Final = FIELDS.index("asked")
_INSIDE: Final = FIELDS.index("asked_inside")
_OWN_BOOSTS: Final = np.array([ranking.FIELD_BOOSTS[FIELDS[number]] for number in _OWN], dtype=np.float32) / WHOLE_WORD

Mask = NDArray[np.bool_]


class _Stem(NamedTuple):
    """What a stem adds to the words of each document that has it, before its rarity counts."""

    documents: NDArray[np.uint32] | None
    """None where `scores` has a number for every document of the segment."""
    scores: Floats
    counted: int
    """How many documents for everyone have it."""
    own_length: float
    asked_length: float
    coverage: float

    def is_like(self, those: Collection) -> bool:
        """Tell whether the averages that the scores stand on are still those of the collection."""
        return (
            self.coverage == those.coverage
            and abs(self.own_length - those.own_length) <= _SAME * those.own_length
            and abs(self.asked_length - those.asked_length) <= _SAME * those.asked_length
        )

    def has(self, documents: Ints) -> Mask:
        """Tell which of some documents have it."""
        if self.documents is None:
            return self.scores[documents] > 0
        if not len(self.documents):
            return np.zeros(len(documents), dtype=np.bool_)
        place = np.minimum(np.searchsorted(self.documents, documents), len(self.documents) - 1)
        return self.documents[place] == documents

    def as_mask(self, count: int) -> Mask:
        """Tell of every document of its segment whether it has it."""
        if self.documents is None:
            return self.scores > 0
        mask = np.zeros(count, dtype=np.bool_)
        mask[self.documents] = True
        return mask


class Cache:
    """What was read of stems, up to a number of bytes; what was used longest ago goes first."""

    def __init__(self, most_bytes: int = _CACHED_BYTES) -> None:
        self._most = most_bytes
        self._held = 0
        self._stems: OrderedDict[tuple[int, int, bool], _Stem] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: tuple[int, int, bool]) -> _Stem | None:
        with self._lock:
            found = self._stems.get(key)
            if found is not None:
                self._stems.move_to_end(key)
            return found

    def put(self, key: tuple[int, int, bool], stem: _Stem) -> None:
        with self._lock:
            self._remove(key)
            self._stems[key] = stem
            self._held += _bytes(stem)
            while self._held > self._most and len(self._stems) > 1:
                self._remove(next(iter(self._stems)))

    def forget(self, leaf: int) -> None:
        """Forget the stems of a segment."""
        with self._lock:
            for key in [key for key in self._stems if key[0] == leaf]:
                self._remove(key)

    def _remove(self, key: tuple[int, int, bool]) -> None:
        found = self._stems.pop(key, None)
        if found is not None:
            self._held -= _bytes(found)


def _bytes(stem: _Stem) -> int:
    return stem.scores.nbytes + (0 if stem.documents is None else stem.documents.nbytes) + 200


_leaf_numbers = itertools.count()


class Leaf:
    """A segment without its deleted documents."""

    def __init__(self, segment: Segment, deleted: frozenset[int], before: "Leaf | None" = None) -> None:
        self.segment = segment
        self.deleted = deleted
        self.number = next(_leaf_numbers)
        columns = segment.columns
        self.is_alive = np.ones(segment.count, dtype=np.bool_)
        self.is_alive[list(deleted)] = False
        self.counted: Mask | None = None
        """Which documents everyone may find; None where all."""
        if deleted or columns["audience"].any():
            self.counted = self.is_alive & (columns["audience"] == 0)
        lengths = segment.lengths.astype(np.float32)
        self.own_lengths: Floats = lengths[:, _OWN].sum(axis=1)
        self.asked_lengths: Floats = lengths[:, _ASKED]
        self.inside_lengths: Floats = self.asked_lengths + lengths[:, _INSIDE]
        self.word_counts = self._without_deleted(before)
        self.gram_counts: Floats = np.bincount(
            segment.grams,
            np.repeat(self.word_counts, np.diff(segment.gram_starts.astype(np.int64))),
            minlength=grams.COUNT,
        ).astype(np.float32)
        self.table = WordTable(segment.stem_digests, segment.word_stems, segment.gram_starts, segment.grams)
        self.sums = {locale: self._sums(number) for number, locale in enumerate(LOCALES)}

    def _without_deleted(self, before: "Leaf | None") -> NDArray[np.int64]:
        counts = self.segment.word_counts.astype(np.int64) if before is None else before.word_counts
        gone = self.deleted - (frozenset() if before is None else before.deleted)
        public = [number for number in sorted(gone) if self.segment.columns["audience"][number] == 0]
        if not public:
            return counts
        rows = np.array(public)
        record = self.segment.records(rows)
        starts = np.concatenate([[0], np.cumsum(record.counts)]).astype(np.uint64)
        everybody = np.ones(len(rows), dtype=np.bool_)
        return counts - counted(record.tokens, starts, self.segment.bounds[rows], everybody, len(counts))

    def _sums(self, locale: int) -> NDArray[np.float64]:
        """Return what `Collection` is made of, for everyone and for the team, float64[2, 4].

        Documents, their own words, documents that answered messages, the words of these.
        """
        is_it = self.segment.columns["locale"] == locale
        if self.counted is not None:
            is_it &= self.counted
        own = [is_it.sum(), self.own_lengths[is_it].sum()]
        asked = [lengths[is_it] for lengths in (self.asked_lengths, self.inside_lengths)]
        return np.array([[*own, (lengths > 0).sum(), lengths.sum()] for lengths in asked], dtype=np.float64)


class Snapshot:
    """All segments of one state of the index."""

    def __init__(self, leaves: list[Leaf], cache: Cache) -> None:
        self._leaves = leaves
        self._cache = cache
        sums = {locale: sum((leaf.sums[locale] for leaf in leaves), np.zeros((2, 4))) for locale in LOCALES}
        gram_counts = sum((leaf.gram_counts for leaf in leaves), np.zeros(grams.COUNT, dtype=np.float32))
        self._total = int(sum(found[0, 0] for found in sums.values()))
        self._collections = {
            inside: {locale: _collection(sums[locale][int(inside)], self._total, gram_counts) for locale in LOCALES}
            for inside in (False, True)
        }

    def find(self, query: EngineQuery, limit: int, *, counted: bool) -> Findings:
        masks = [self._allowed(leaf, query) for leaf in self._leaves]
        if query.words or query.question is not None:
            found = self._matching(query, masks)
            documents = [each.documents for each in found]
            hits = self._best(query, found, masks, limit)
        else:
            documents = [np.flatnonzero(mask) for mask in masks]
            hits = self._newest(masks, limit)
        return Findings(hits, sum(map(len, documents)), self._facets(documents) if counted else {})

    def refs(self) -> set[Ref]:
        return {self._ref(leaf, number) for leaf in self._leaves for number in np.flatnonzero(leaf.is_alive).tolist()}

    def counts(self, digests: NDArray[np.uint64]) -> Ints:
        total = np.zeros(len(digests), dtype=np.int64)
        for leaf in self._leaves:
            numbers = leaf.segment.words(digests)
            total += np.where(numbers > 0, leaf.word_counts[numbers], 0)
        return total

    def rarity(self, word: Word, *, inside: bool, audience: Audience = "everyone") -> float:
        having = sum(self._having(variant, inside=inside) for variant in word.variants)
        if not having and not any(self._is_there(variant, audience, inside=inside) for variant in word.variants):
            return 0.0
        return ranking.rarity(having, self._total)

    def _is_there(self, variant: Variant, audience: Audience, *, inside: bool) -> bool:
        """Tell whether anything has a term that this circle may find; what others have must not even take a place."""
        for leaf in self._leaves:
            stem = self._stem(leaf, variant.locale, variant.term, inside=inside)
            if stem is not None:
                of_whom = leaf.segment.columns["audience"][stem.as_mask(leaf.segment.count)]
                if (of_whom <= AUDIENCES.index(audience)).any():
                    return True
        return False

    # First: which documents have the words, and how well.

    def _matching(self, query: EngineQuery, masks: list[Mask]) -> list["_Found"]:
        """Return the documents with a telling word, and what all words say of every document of each segment."""
        inside = query.inside
        scores = [np.zeros(leaf.segment.count, dtype=np.float32) for leaf in self._leaves]
        words = self._rarest(query)
        reachable = self._reachable(query, words)
        for word in words:
            if word.is_telling:
                self._add(scores, word, reachable, inside=inside)
        hits = [np.flatnonzero(score) for score in scores]
        for word in words:
            if not word.is_telling:
                self._add(scores, word, reachable, inside=inside)
        return [
            _Found(documents[mask[documents]], score)
            for documents, score, mask in zip(hits, scores, masks, strict=True)
        ]

    def _reachable(self, query: EngineQuery, words: list[Word]) -> dict[str, float]:
        """Return the score that a text made of the query alone would reach in each language."""
        found = dict.fromkeys(LOCALES, 1e-9)
        for word in query.words:
            for locale in {variant.locale for variant in word.variants}:
                tells = [self._tell(word, variant) for variant in word.variants if variant.locale == locale]
                unknown = ranking.rarity(0, self._collections[False][locale].documents) * word.weight
                found[locale] += (ranking.K1 + 1) * (max(tells) if word in words and any(tells) else unknown)
        return found

    def _tell(self, word: Word, variant: Variant) -> float:
        having = self._having(variant, inside=False)
        return (
            ranking.rarity(having, self._collections[False][variant.locale].documents) * word.weight if having else 0.0
        )

    def _having(self, variant: Variant, *, inside: bool) -> int:
        found = (self._stem(leaf, variant.locale, variant.term, inside=inside) for leaf in self._leaves)
        return sum(stem.counted for stem in found if stem is not None)

    def _add(self, scores: list[Floats], word: Word, reachable: dict[str, float], *, inside: bool) -> None:
        for variant in word.variants:
            having = self._having(variant, inside=inside)
            tell = ranking.rarity(having, self._collections[inside][variant.locale].documents)
            weight = np.float32(tell * word.weight * variant.weight / reachable[variant.locale])
            for leaf, score in zip(self._leaves, scores, strict=True):
                stem = self._stem(leaf, variant.locale, variant.term, inside=inside)
                if stem is None:
                    continue
                if stem.documents is None:
                    score += weight * stem.scores
                else:
                    score[stem.documents] += weight * stem.scores

    def _rarest(self, query: EngineQuery) -> list[Word]:
        """Return the words that say most, in the order of the query."""
        weighed = [
            (self.rarity(word, inside=query.inside, audience=query.audience) * word.weight, word)
            for word in dict.fromkeys(query.words)
        ]
        told = sorted((item for item in weighed if item[0] > 0), key=lambda item: -item[0])[: query.most_words]
        chosen = {word for _, word in told}
        return [word for _, word in weighed if word in chosen]

    def _stem(self, leaf: Leaf, locale: str, term: str, *, inside: bool) -> _Stem | None:
        number = leaf.segment.stem(facts.digest(term, locale))
        if number < 0:
            return None
        key = (leaf.number, number, inside)
        known = self._cache.get(key)
        those = self._collections[inside][locale]
        if known is None or not known.is_like(those):
            known = self._read(leaf, number, locale, inside=inside)
            self._cache.put(key, known)
        return known

    def _read(self, leaf: Leaf, number: int, locale: str, *, inside: bool) -> _Stem:
        documents, found = leaf.segment.postings(number)
        public = np.delete(found, _INSIDE, axis=1).any(axis=1)
        kept = leaf.is_alive[documents] if inside else leaf.is_alive[documents] & public
        counts = public[kept] if leaf.counted is None else public[kept] & leaf.counted[documents[kept]]
        documents, found = documents[kept], found[kept]
        those = self._collections[inside][locale]
        frequencies = found[:, _OWN].astype(np.float32) @ _OWN_BOOSTS
        frequencies /= ranking.shortness(leaf.own_lengths[documents], those.own_length, ranking.weights(locale).b)
        asked = found[:, _ASKED].astype(np.float32)
        lengths = leaf.asked_lengths
        if inside:
            asked += found[:, _INSIDE]
            lengths = leaf.inside_lengths
        if asked.any():
            shortness = ranking.shortness(lengths[documents], those.asked_length, ranking.ASKED_B)
            frequencies += ranking.asked_boost(those) / WHOLE_WORD * asked / shortness
        scores = ranking.saturated(frequencies)
        counted = int(counts.sum())
        if len(documents) * _DENSE > leaf.segment.count:
            dense = np.zeros(leaf.segment.count, dtype=np.float32)
            dense[documents] = scores
            return _Stem(None, dense, counted, those.own_length, those.asked_length, those.coverage)
        return _Stem(documents, scores, counted, those.own_length, those.asked_length, those.coverage)

    # Second: the best of them, and those that mean or look the same, are compared with the question.

    def _best(self, query: EngineQuery, found: list["_Found"], masks: list[Mask], limit: int) -> list[EngineHit]:
        worth = [
            each.scores[each.documents] * leaf.segment.columns["weight"][each.documents]
            for leaf, each in zip(self._leaves, found, strict=True)
        ]
        which = np.repeat(np.arange(len(found)), [len(each.documents) for each in found])
        documents = np.concatenate([each.documents for each in found] or [np.zeros(0, dtype=np.int64)])
        scores = np.concatenate(worth or [np.zeros(0, dtype=np.float32)])
        most = limit if query.question is None else max(limit, COMPARED)
        top = _largest(scores, most)
        ranked = [
            _Ranked(int(which[n]), int(documents[n]), float(scores[n]), (float(scores[n]),)) for n in top[COMPARED:]
        ]
        compared = [(int(which[n]), int(documents[n])) for n in top[:COMPARED]]
        if query.question is None:
            ranked = [_Ranked(*place, float(scores[n]), ()) for n, place in zip(top, compared, strict=False)] + ranked
        else:
            if query.is_open and query.question.vector is not None:
                known = set(compared)
                compared += [place for place in self._close(query.question.vector, masks) if place not in known]
            ranked = self._compared(query, compared, found) + ranked
        ranked = ranked[:limit]
        matched = self._matched(query, ranked)
        return [
            EngineHit(
                self._ref(self._leaves[each.leaf], each.document),
                each.score,
                words,
                each.signals,
                float(self._leaves[each.leaf].segment.columns["weight"][each.document]),
            )
            for each, words in zip(ranked, matched, strict=True)
        ]

    def _close(self, vector: NDArray[np.float32], masks: list[Mask]) -> list[tuple[int, int]]:
        """Return the documents whose vectors have the most signs in common with `vector`."""
        bits = sketch(vector)
        found: list[tuple[int, int, int]] = []
        for number, (leaf, mask) in enumerate(zip(self._leaves, masks, strict=True)):
            differing = np.bitwise_count(leaf.segment.sketches ^ bits).sum(axis=1, dtype=np.int32)
            differing[~mask] = 1 << 20
            nearest = _largest(-differing, _CLOSE)
            found += [(int(differing[document]), number, int(document)) for document in nearest if mask[document]]
        return [(leaf, document) for _, leaf, document in sorted(found)[:_CLOSE]]

    def _compared(self, query: EngineQuery, places: list[tuple[int, int]], found: list["_Found"]) -> list["_Ranked"]:
        question = query.question
        inside = query.inside
        if question is None or not places:
            return []
        place = np.array(places)
        signals = np.zeros((len(places), len(ranking.SIGNALS)), dtype=np.float32)
        trust = np.zeros_like(signals)
        weight = np.zeros(len(places), dtype=np.float32)
        groups = list(self._groups(place))
        for leaf, locale, rows in groups:
            documents = place[rows, 1]
            collection = self._collections[inside][locale]
            signals[rows, 0] = found[place[rows[0], 0]].scores[documents]
            signals[rows, 1:4] = ranking.compare(
                question, self._candidates(leaf, documents, inside), collection, locale
            )
            trust[rows] = ranking.trusted(locale, query.strength.get(locale, 0.0), collection.coverage)
            weight[rows] = leaf.segment.columns["weight"][documents]
            if query.preferred is not None and locale != query.preferred:
                weight[rows] *= _OTHER_LANGUAGE
        if question.vector is not None:
            first = _largest((signals * trust).sum(axis=1) * weight, _LOOKED_INTO)
            for leaf, _, rows in groups:
                looked = rows[np.isin(rows, first)]
                if len(looked):
                    those = leaf.segment.passages(place[looked, 1], inside=inside)
                    signals[looked, 4] = ranking.nearness(question.vector, those.vectors, those.counts)
            others = np.delete(np.arange(len(places)), first)
            signals[others, 4] = np.minimum(signals[others, 3], signals[first, 4].min(initial=1.0))
        parts = signals * trust
        scores = parts.sum(axis=1) * weight
        return [
            _Ranked(*places[row], float(scores[row]), tuple(parts[row].tolist()))
            for row in np.argsort(-scores, kind="stable").tolist()
        ]

    def _groups(self, place: Ints) -> Iterator[tuple[Leaf, str, Ints]]:
        """Yield the rows of `place` that belong to one segment and one language."""
        for number, leaf in enumerate(self._leaves):
            of_leaf = np.flatnonzero(place[:, 0] == number)
            spoken = leaf.segment.columns["locale"][place[of_leaf, 1]]
            for code, locale in enumerate(LOCALES):
                rows = of_leaf[spoken == code]
                if len(rows):
                    yield leaf, locale, rows

    @staticmethod
    def _candidates(leaf: Leaf, documents: Ints, inside: bool) -> Candidates:
        record = leaf.segment.records(documents, _MOST_TOKENS)
        bounds = leaf.segment.bounds[documents].astype(np.int64)
        return Candidates(
            vectors=record.vectors,
            tokens=record.tokens,
            token_counts=record.counts,
            bounds=(bounds[:, _ASKED - 1], bounds[:, _ASKED], bounds[:, _INSIDE - 1]),
            inside=inside,
            own_lengths=leaf.own_lengths[documents],
            asked_lengths=(leaf.inside_lengths if inside else leaf.asked_lengths)[documents],
            table=leaf.table,
        )

    def _matched(self, query: EngineQuery, ranked: list["_Ranked"]) -> list[tuple[str, ...]]:
        """Say for each hit which words it has."""
        inside = query.inside
        has: list[list[str]] = [[] for _ in ranked]
        for number, leaf in enumerate(self._leaves):
            rows = [row for row, each in enumerate(ranked) if each.leaf == number]
            documents = np.array([ranked[row].document for row in rows], dtype=np.int64)
            for word in query.words if rows else ():
                having = np.zeros(len(rows), dtype=np.bool_)
                for variant in word.variants:
                    stem = self._stem(leaf, variant.locale, variant.term, inside=inside)
                    if stem is not None:
                        having |= stem.has(documents)
                for row in np.flatnonzero(having).tolist():
                    has[rows[row]].append(word.text)
        return [tuple(dict.fromkeys(words)) for words in has]

    # Filters.

    def _allowed(self, leaf: Leaf, query: EngineQuery) -> Mask:
        columns, names = leaf.segment.columns, leaf.segment.names
        mask = leaf.is_alive & (columns["audience"] <= AUDIENCES.index(query.audience))
        if query.kinds is not None:
            mask &= np.isin(
                columns["kind"], [names["kind"].index(kind) for kind in query.kinds if kind in names["kind"]]
            )
        if query.locale is not None:
            mask &= columns["locale"] == (LOCALES.index(query.locale) if query.locale in LOCALES else -1)
        if query.category is not None:
            wanted = label(query.category)
            mask &= columns["category"] == (names["category"].index(wanted) if wanted in names["category"] else -1)
        if query.solved is not None:
            mask &= columns["solved"] == query.solved
        if query.only_answers:
            mask &= columns["answers"] > 0
        if query.author is not None:
            mask &= columns["author"] == np.uint64(hashes.of(label(query.author)))
        if query.since is not None:
            mask &= columns["created"] >= max(int(query.since.timestamp()), 0)
        for tag in query.tags:
            mask &= self._tagged(leaf, label(tag))
        for phrases in query.phrases:
            mask &= np.any([self._with_phrase(leaf, phrase, inside=query.inside) for phrase in phrases], axis=0)
        for word in query.excluded:
            for variant in word.variants:
                stem = self._stem(leaf, variant.locale, variant.term, inside=query.inside)
                if stem is not None:
                    mask &= ~stem.as_mask(leaf.segment.count)
        for ref in query.without:
            if ref.kind in names["kind"]:
                kind = names["kind"].index(ref.kind)
                mask &= (columns["ref"] != ref.id) | (columns["kind"] != kind)
        return mask

    @staticmethod
    def _tagged(leaf: Leaf, tag: str) -> Mask:
        segment = leaf.segment
        mask = np.zeros(segment.count, dtype=np.bool_)
        if tag in segment.names["tag"]:
            places = np.flatnonzero(segment.tags == segment.names["tag"].index(tag))
            mask[np.searchsorted(segment.tag_starts, places, side="right") - 1] = True
        return mask

    def _with_phrase(self, leaf: Leaf, phrase: Phrase, *, inside: bool) -> Mask:
        """Tell which documents have the terms of a phrase behind each other in one field."""
        segment = leaf.segment
        mask = np.zeros(segment.count, dtype=np.bool_)
        stems = [self._stem(leaf, phrase.locale, term, inside=inside) for term, _ in phrase.terms]
        having = np.ones(segment.count, dtype=np.bool_)
        for stem in stems:
            having &= np.zeros_like(having) if stem is None else stem.as_mask(segment.count)
        documents = np.flatnonzero(having)
        if not len(documents):
            return mask
        record = segment.records(documents)
        wanted = [(segment.stem(facts.digest(term, phrase.locale)), distance) for term, distance in phrase.terms]
        found = segment.word_stems[record.tokens]
        document_of = np.repeat(documents, record.counts)
        if not inside:
            begins = np.cumsum(record.counts) - record.counts
            last_public = segment.bounds[documents, _INSIDE - 1].astype(np.int64)
            found[ranking.ranges(begins + last_public, record.counts - last_public)] = 0
        length = max(distance for _, distance in wanted) + 1
        last = len(found) - length + 1
        if last <= 0:
            return mask
        together = np.ones(last, dtype=np.bool_)
        for number, distance in wanted:
            together &= found[distance : distance + last] == number
        together &= document_of[:last] == document_of[length - 1 :]
        for distance in range(length):  # no gap between two fields, two messages
            together &= record.tokens[distance : distance + last] != 0
        mask[document_of[:last][together]] = True
        return mask

    # What is shown.

    def _newest(self, masks: list[Mask], limit: int) -> list[EngineHit]:
        made: list[tuple[int, int, int, int]] = []
        for number, (leaf, mask) in enumerate(zip(self._leaves, masks, strict=True)):
            documents = np.flatnonzero(mask)
            columns = leaf.segment.columns
            for row in _largest(columns["created"][documents].astype(np.int64), limit).tolist():
                document = int(documents[row])
                made.append((int(columns["created"][document]), int(columns["ref"][document]), number, document))
        made.sort(reverse=True)
        return [EngineHit(self._ref(self._leaves[leaf], document), 1.0, ()) for _, _, leaf, document in made[:limit]]

    def _facets(self, found: list[Ints]) -> dict[str, tuple[tuple[str, int], ...]]:
        counts: dict[str, dict[str, int]] = {name: {} for name in ("kind", "locale", "category", "solved", "tag")}
        for leaf, documents in zip(self._leaves, found, strict=True):
            segment, columns = leaf.segment, leaf.segment.columns
            _count(counts["kind"], segment.names["kind"], columns["kind"][documents])
            _count(counts["locale"], LOCALES, columns["locale"][documents])
            _count(counts["category"], segment.names["category"], columns["category"][documents])
            _count(counts["solved"], ("unsolved", "solved"), columns["solved"][documents])
            begins = segment.tag_starts[documents].astype(np.int64)
            tags = segment.tags[ranking.ranges(begins, segment.tag_starts[documents + 1].astype(np.int64) - begins)]
            _count(counts["tag"], segment.names["tag"], tags)
        return {name: tuple(sorted(of.items(), key=lambda item: (-item[1], item[0]))) for name, of in counts.items()}

    @staticmethod
    def _ref(leaf: Leaf, document: int) -> Ref:
        columns = leaf.segment.columns
        return Ref(leaf.segment.names["kind"][int(columns["kind"][document])], int(columns["ref"][document]))


class _Found(NamedTuple):
    """The hits of a segment, and what the words say of every one of its documents."""

    documents: Ints
    scores: Floats


class _Ranked(NamedTuple):
    leaf: int
    document: int
    score: float
    signals: tuple[float, ...]


def _collection(sums: NDArray[np.float64], total: int, gram_counts: Floats) -> Collection:
    documents, own, answering, asked = sums.tolist()
    return Collection(
        documents=int(documents),
        total=total,
        own_length=own / max(documents, 1),
        asked_length=asked / max(answering, 1),
        coverage=round(answering / max(documents, 1), 2),
        gram_counts=gram_counts,
    )


def _largest(values: NDArray[np.generic], most: int) -> Ints:
    """Return where the largest values stand, largest first; of equals the first."""
    if len(values) <= most:
        return np.argsort(-values, kind="stable")
    kept = np.argpartition(-values, most)[:most]
    kept.sort()
    return kept[np.argsort(-values[kept], kind="stable")]


def _count(counts: dict[str, int], names: Sequence[str], values: NDArray[np.integer]) -> None:
    for number, count in enumerate(np.bincount(values, minlength=len(names)).tolist()):
        if count and names[number]:
            counts[names[number]] = counts.get(names[number], 0) + count
