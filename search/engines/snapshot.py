"""One state of the index, open for searching: what documents it has, what is known of its words, what is best of it.

Nothing in it changes, so threads share it without a lock; only its caches grow. The next state takes over the segments
that are still there, with what was cached of them.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search import ranking
from search.analysis import facts, grams, hashes
from search.analysis.text import label
from search.documents import Audience, Ref
from search.engines import EngineHit, EngineQuery, Findings, Phrase, TitleQuery, Variant, Word, comparing
from search.engines.analysed import FIELDS, LOCALES
from search.engines.arrays import WHOLE_WORD, Ints, Segment, sketch
from search.engines.comparing import CLOSE, MOST_TOKENS, largest
from search.engines.leaves import ASKED, INSIDE, OWN, Cache, Leaf, Mask, Stem
from search.ranking import Candidates, Collection, Floats, WordTable

COMPARED: Final = 100
"""How many of the best by their words are compared with the question."""
_DENSE: Final = 4
"""A stem that more than one of so many documents have is kept as one number a document."""
_PUBLIC: Final = [number for number in range(len(FIELDS)) if number != INSIDE]
_OWN_BOOSTS: Final = np.array([ranking.FIELD_BOOSTS[FIELDS[number]] for number in OWN], dtype=np.float32) / WHOLE_WORD


class Snapshot:
    """All segments of one state of the index."""

    def __init__(self, leaves: list[Leaf], cache: Cache) -> None:
        self._leaves = leaves
        self._cache = cache
        cache.fit(sum(leaf.segment.count for leaf in leaves))
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
            looked = [self._looked_up(word, query.audience, inside=query.inside) for word in dict.fromkeys(query.words)]
            found = self._matching(looked, masks, query.most_words)
            hits = self._best(query, looked, found, masks, limit)
            masks = [each.is_hit for each in found]
        else:
            hits = self._newest(masks, limit)
        total = sum(int(np.count_nonzero(mask)) for mask in masks)
        return Findings(hits, total, self._facets(masks) if counted else {})

    def titled(self, query: TitleQuery, limit: int) -> list[Ref]:
        found: list[tuple[bool, float, int, int, str]] = []
        for leaf in self._leaves:
            columns, names = leaf.segment.columns, leaf.segment.names["kind"]
            documents = np.flatnonzero(_with_title(leaf, query))
            is_preferred = leaf.labelled("locale", query.preferred or "")[documents]
            values = (columns["ref"], columns["created"], columns["weight"])
            best = np.lexsort((*(each[documents] for each in values), is_preferred))[::-1][:limit]
            found += [
                (
                    bool(is_preferred[place]),
                    *(each[documents[place]].item() for each in reversed(values)),
                    names[int(columns["kind"][documents[place]])],
                )
                for place in best.tolist()
            ]
        return [Ref(kind, number) for _, _, _, number, kind in sorted(found, reverse=True)[:limit]]

    def refs(self) -> set[Ref]:
        return {self._ref(leaf, number) for leaf in self._leaves for number in np.flatnonzero(leaf.is_alive).tolist()}

    def counts(self, digests: NDArray[np.uint64]) -> Ints:
        total = np.zeros(len(digests), dtype=np.int64)
        for leaf in self._leaves:
            numbers = leaf.segment.words(digests)
            total += np.where(numbers > 0, leaf.word_counts[numbers], 0)
        return total

    def rarity(self, word: Word, *, inside: bool) -> float:
        return self._looked_up(word, "everyone", inside=inside).rarity

    # First: which documents have the words, and how well.

    def _looked_up(self, word: Word, audience: Audience, *, inside: bool) -> "_Looked":
        """Return what is known of a word; everything that follows asks this and not the segments again.

        What only a larger circle's texts have is not there: it must not even take a place among the telling words.
        """
        found = []
        having, is_there = 0, False
        for variant in word.variants:
            digest = facts.digest(variant.term, variant.locale)
            stems = [self._stem(leaf, variant.locale, digest, inside=inside) for leaf in self._leaves]
            counted = sum(stem.counted for stem in stems if stem is not None)
            having += counted
            is_there = is_there or counted > 0 or self._is_there(stems, audience)
            documents = self._collections[inside][variant.locale].documents
            # What only a smaller circle has tells as much as what nobody has.
            found.append(_Variant(variant, ranking.rarity(counted, documents) * word.weight, stems))
        return _Looked(word, found, ranking.rarity(having, self._total) if is_there else 0.0)

    def _is_there(self, stems: list[Stem | None], audience: Audience) -> bool:
        """Tell whether anything that this circle may find has a term."""
        return any(
            stem is not None and bool((stem.as_mask(leaf.segment.count) & leaf.readable_by(audience)).any())
            for leaf, stem in zip(self._leaves, stems, strict=True)
        )

    def _matching(self, looked: list["_Looked"], masks: list[Mask], most: int) -> list["_Found"]:
        """Return the documents with a telling word, and what all words say of every document of each segment."""
        scores = [np.zeros(leaf.segment.count, dtype=np.float32) for leaf in self._leaves]
        reachable = self._reachable(looked)
        chosen = _most_telling(looked, most)
        for each in chosen:
            if each.word.is_telling:
                each.add_to(scores, reachable)
        hits = [(score > 0) & mask for score, mask in zip(scores, masks, strict=True)]
        for each in chosen:
            if not each.word.is_telling:
                each.add_to(scores, reachable)
        return [_Found(is_hit, score) for is_hit, score in zip(hits, scores, strict=True)]

    @staticmethod
    def _reachable(looked: list["_Looked"]) -> dict[str, float]:
        """Return the score that a text made of the query alone would reach in each language."""
        found = dict.fromkeys(LOCALES, 1e-9)
        for each in looked:
            best: dict[str, float] = {}
            for variant in each.variants:
                best[variant.locale] = max(best.get(variant.locale, 0.0), variant.tell)
            for locale, tell in best.items():
                found[locale] += (ranking.K1 + 1) * tell
        return found

    def _stem(self, leaf: Leaf, locale: str, digest: int, *, inside: bool) -> Stem | None:
        number = leaf.segment.stem(digest)
        if number < 0:
            return None
        key = (leaf.number, number, inside)
        known = self._cache.get(key)
        if known is None or not known.is_like(self._collections[inside][locale]):
            known = self._read(leaf, number, locale, inside=inside)
            self._cache.put(key, known)
        return known

    def _read(self, leaf: Leaf, number: int, locale: str, *, inside: bool) -> Stem:
        documents, found = leaf.segment.postings(number)
        counted = len(documents)
        if leaf.counted is not None or leaf.has_inside:
            public: Mask = np.any(found[:, _PUBLIC], axis=1)
            kept = leaf.is_alive[documents] if inside else leaf.is_alive[documents] & public
            documents, found, public = documents[kept], found[kept], public[kept]
            if leaf.counted is not None:
                public = public & leaf.counted[documents]
            counted = int(public.sum())
        those = self._collections[inside][locale]
        frequencies = found[:, OWN].astype(np.float32) @ _OWN_BOOSTS
        frequencies /= ranking.shortness(leaf.own_lengths[documents], those.own_length, ranking.weights(locale).b)
        asked = found[:, ASKED].astype(np.float32)
        lengths = leaf.asked_lengths
        if inside and leaf.has_inside:
            asked += found[:, INSIDE]
            lengths = leaf.inside_lengths
        if those.coverage and asked.any():
            shortness = ranking.shortness(lengths[documents], those.asked_length, ranking.ASKED_B)
            frequencies += ranking.asked_boost(those) / WHOLE_WORD * asked / shortness
        scores = ranking.saturated(frequencies.astype(np.float32, copy=False))
        if len(documents) * _DENSE > leaf.segment.count:
            dense = np.zeros(leaf.segment.count, dtype=np.float32)
            dense[documents] = scores
            return Stem(None, dense, counted, those.own_length, those.asked_length, those.coverage)
        if leaf.segment.count <= np.iinfo(np.uint16).max:
            documents = documents.astype(np.uint16)
        return Stem(documents, scores, counted, those.own_length, those.asked_length, those.coverage)

    # Second: the best of them, and those that mean or look the same, are compared with the question.

    def _best(
        self, query: EngineQuery, looked: list["_Looked"], found: list["_Found"], masks: list[Mask], limit: int
    ) -> list[EngineHit]:
        ranked = self._ranked(found, limit if query.question is None else max(limit, COMPARED))
        if query.question is not None:
            places = [(each.leaf, each.document) for each in ranked[:COMPARED]]
            if query.is_open and query.question.vector is not None:
                known = set(places)
                places += [place for place in self._close(query.question.vector, masks) if place not in known]
            ranked = self._compared(query, places, found, limit) + ranked[COMPARED:]
        ranked = ranked[:limit]
        return [
            EngineHit(
                self._ref(self._leaves[each.leaf], each.document),
                each.score,
                words,
                each.signals,
                float(self._leaves[each.leaf].segment.columns["weight"][each.document]),
            )
            for each, words in zip(ranked, _matched(looked, ranked), strict=True)
        ]

    def _ranked(self, found: list["_Found"], most: int) -> list["_Ranked"]:
        """Return the hits that are best by their words; of equals the first."""
        ranked = []
        for number, (leaf, each) in enumerate(zip(self._leaves, found, strict=True)):
            worth = each.scores * leaf.segment.columns["weight"]
            worth *= each.is_hit
            top = largest(worth, most)
            ranked += [
                _Ranked(number, document, score, ())
                for document, score in zip(top.tolist(), worth[top].tolist(), strict=True)
                if score > 0
            ]
        return sorted(ranked, key=lambda hit: -hit.score)[:most]

    def _close(self, vector: NDArray[np.float32], masks: list[Mask]) -> list[tuple[int, int]]:
        """Return the documents whose vectors have the most signs in common with `vector`."""
        bits = sketch(vector)
        farthest = 64 * len(bits)
        found: list[tuple[int, int, int]] = []
        for number, (leaf, mask) in enumerate(zip(self._leaves, masks, strict=True)):
            others = np.zeros(leaf.segment.count, dtype=np.int16)
            for those, these in zip(leaf.segment.sketches, bits, strict=True):
                others += np.bitwise_count(those ^ these)
            others = np.where(mask, others, np.int16(farthest + 1))
            reached = np.cumsum(np.bincount(others, minlength=farthest + 2)[: farthest + 1])
            radius = min(int(np.searchsorted(reached, CLOSE)), farthest)
            nearest = np.flatnonzero(others <= radius)
            found += [
                (distance, number, document)
                for distance, document in zip(others[nearest].tolist(), nearest.tolist(), strict=True)
            ]
        return [(leaf, document) for _, leaf, document in sorted(found)[:CLOSE]]

    def _compared(
        self, query: EngineQuery, places: list[tuple[int, int]], found: list["_Found"], limit: int
    ) -> list["_Ranked"]:
        if not places:
            return []
        place = np.array(places)
        words = np.zeros(len(places), dtype=np.float32)
        weights = np.zeros(len(places), dtype=np.float32)
        groups = list(self._groups(place, inside=query.inside))
        for group in groups:
            words[group.rows] = group.words(found)
            weights[group.rows] = group.weights()
        parts, scores = comparing.compared(query, groups, words, weights)
        return [
            _Ranked(places[row][0], places[row][1], float(scores[row]), tuple(parts[row].tolist()))
            for row in np.argsort(-scores, kind="stable")[:limit].tolist()
        ]

    def _groups(self, place: Ints, *, inside: bool) -> Iterator["_Group"]:
        """Yield the rows of `place` that belong to one language, segment by segment."""
        leaf_of = place[:, 0]
        spoken = np.zeros(len(place), dtype=np.int64)
        for number in np.unique(leaf_of).tolist():
            rows = np.flatnonzero(leaf_of == number)
            spoken[rows] = self._leaves[number].segment.columns["locale"][place[rows, 1]]
        order = np.argsort(leaf_of, kind="stable")
        for code, locale in enumerate(LOCALES):
            rows = order[spoken[order] == code]
            if len(rows):
                yield _Group(self._leaves, place[rows], rows, locale, self._collections[inside][locale], inside)

    # Filters.

    def _allowed(self, leaf: Leaf, query: EngineQuery) -> Mask:
        columns, names = leaf.segment.columns, leaf.segment.names
        mask = leaf.readable_by(query.audience).copy()
        for named, value in _labels(query):
            mask &= leaf.labelled(named, value)
        if query.kinds is not None:
            mask &= np.any([leaf.labelled("kind", kind) for kind in query.kinds] or [np.zeros_like(mask)], axis=0)
        if query.author is not None:
            mask &= columns["author"] == np.uint64(hashes.of(label(query.author)))
        if query.since is not None:
            mask &= columns["created"] >= max(int(query.since.timestamp()), 0)
        for phrases in query.phrases:
            mask &= np.any([self._with_phrase(leaf, phrase, inside=query.inside) for phrase in phrases], axis=0)
        for word in query.excluded:
            mask &= ~self._having(leaf, word, inside=query.inside)
        for ref in query.without:
            if ref.kind in names["kind"]:
                mask &= (columns["ref"] != ref.id) | (columns["kind"] != names["kind"].index(ref.kind))
        return mask

    def _having(self, leaf: Leaf, word: Word, *, inside: bool) -> Mask:
        """Tell which documents have a word."""
        mask = np.zeros(leaf.segment.count, dtype=np.bool_)
        for variant in word.variants:
            digest = facts.digest(variant.term, variant.locale)
            stem = self._stem(leaf, variant.locale, digest, inside=inside)
            if stem is not None:
                mask |= stem.as_mask(leaf.segment.count)
        return mask

    def _with_phrase(self, leaf: Leaf, phrase: Phrase, *, inside: bool) -> Mask:
        """Tell which documents have the terms of a phrase behind each other in one field."""
        segment = leaf.segment
        mask = np.zeros(segment.count, dtype=np.bool_)
        terms = [(facts.digest(term, phrase.locale), distance) for term, distance in phrase.terms]
        stems = [self._stem(leaf, phrase.locale, digest, inside=inside) for digest, _ in terms]
        having = np.ones(segment.count, dtype=np.bool_)
        for stem in stems:
            having &= np.zeros_like(having) if stem is None else stem.as_mask(segment.count)
        documents = np.flatnonzero(having)
        if not len(documents):
            return mask
        record = segment.records(documents)
        wanted = [(segment.stem(digest), distance) for digest, distance in terms]
        found = segment.word_stems[record.tokens]
        document_of = np.repeat(documents, record.counts)
        if not inside:
            begins = np.cumsum(record.counts) - record.counts
            last_public = segment.bounds[documents, INSIDE - 1].astype(np.int64)
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
            for row in largest(columns["created"][documents].astype(np.int64), limit).tolist():
                document = int(documents[row])
                made.append((int(columns["created"][document]), int(columns["ref"][document]), number, document))
        made.sort(reverse=True)
        return [EngineHit(self._ref(self._leaves[leaf], document), 1.0, ()) for _, _, leaf, document in made[:limit]]

    def _facets(self, masks: list[Mask]) -> dict[str, tuple[tuple[str, int], ...]]:
        counts: dict[str, dict[str, int]] = {name: {} for name in ("kind", "locale", "category", "solved", "tag")}
        for leaf, mask in zip(self._leaves, masks, strict=True):
            documents = np.flatnonzero(mask)
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


class _Variant(NamedTuple):
    """A term that stands for a word: how much it tells, and what each segment has of it."""

    variant: Variant
    tell: float
    stems: list[Stem | None]

    @property
    def locale(self) -> str:
        return self.variant.locale


class _Looked(NamedTuple):
    """A word of the query with what the segments have of it."""

    word: Word
    variants: list[_Variant]
    rarity: float

    def add_to(self, scores: list[Floats], reachable: dict[str, float]) -> None:
        """Add what the word says of each document to its score, as a share of what is reachable."""
        for variant, tell, stems in self.variants:
            weight = np.float32(tell * variant.weight / reachable[variant.locale])
            for stem, score in zip(stems, scores, strict=True):
                if stem is not None and stem.documents is None:
                    np.add(score, weight * stem.scores, out=score)
                elif stem is not None and stem.documents is not None:
                    np.add.at(score, stem.documents, weight * stem.scores)


class _Found(NamedTuple):
    """The hits of a segment, and what the words say of every one of its documents."""

    is_hit: Mask
    scores: Floats


class _Ranked(NamedTuple):
    leaf: int
    document: int
    score: float
    signals: tuple[float, ...]


class _Group(NamedTuple):
    """Documents of one language, for `comparing`; those of a segment stand together."""

    leaves: list[Leaf]
    place: Ints
    """Segment and document of each, int64[n, 2]."""
    rows: Ints
    locale: str
    collection: Collection
    inside: bool

    def by_leaf(self, chosen: Ints | None = None) -> Iterator[tuple[Leaf, Ints]]:
        """Yield each segment with its documents."""
        place = self.place if chosen is None else self.place[chosen]
        leaf_of = place[:, 0]
        bounds = [0, *(np.flatnonzero(leaf_of[1:] != leaf_of[:-1]) + 1).tolist(), len(place)]
        for begin, end in pairwise(bounds):
            yield self.leaves[int(leaf_of[begin])], place[begin:end, 1]

    def words(self, found: list[_Found]) -> Floats:
        return np.concatenate(
            [
                found[number].scores[self.place[self.place[:, 0] == number, 1]]
                for number in dict.fromkeys(self.place[:, 0].tolist())
            ]
        )

    def weights(self) -> Floats:
        return np.concatenate([leaf.segment.columns["weight"][documents] for leaf, documents in self.by_leaf()])

    def vectors(self) -> NDArray[np.int8]:
        return np.concatenate([leaf.segment.vectors(documents) for leaf, documents in self.by_leaf()])

    def candidates(self, chosen: Ints) -> Candidates:
        tokens, counts, bounds, own, asked = [], [], [], [], []
        words = _Words()
        for leaf, documents in self.by_leaf(chosen):
            record = leaf.segment.records(documents, MOST_TOKENS)
            tokens.append(words.added(leaf.segment, record.tokens))
            counts.append(record.counts)
            bounds.append(leaf.segment.bounds[documents].astype(np.int64))
            own.append(leaf.own_lengths[documents])
            asked.append((leaf.inside_lengths if self.inside else leaf.asked_lengths)[documents])
        bound = np.concatenate(bounds)
        return Candidates(
            tokens=np.concatenate(tokens),
            token_counts=np.concatenate(counts),
            bounds=(bound[:, ASKED - 1], bound[:, ASKED], bound[:, INSIDE - 1]),
            inside=self.inside,
            own_lengths=np.concatenate(own),
            asked_lengths=np.concatenate(asked),
            table=words.table(),
        )

    def passages(self, chosen: Ints) -> tuple[NDArray[np.int8], Ints]:
        found = [leaf.segment.passages(documents, inside=self.inside) for leaf, documents in self.by_leaf(chosen)]
        return np.concatenate([each.vectors for each in found]), np.concatenate([each.counts for each in found])


class _Words:
    """Collects the words that stand in some documents of several segments, numbered anew."""

    def __init__(self) -> None:
        self._count = 1
        self._stems: list[NDArray[np.uint64]] = [np.zeros(1, dtype=np.uint64)]
        self._gram_counts: list[Ints] = [np.zeros(1, dtype=np.int64)]
        self._grams: list[NDArray[np.uint16]] = []

    def added(self, segment: Segment, tokens: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """Return the new numbers of words of a segment."""
        is_there = np.zeros(len(segment.word_stems), dtype=np.bool_)
        is_there[tokens] = True
        is_there[0] = False
        words = np.flatnonzero(is_there)
        number_of = np.empty(len(is_there), dtype=np.uint32)
        number_of[0] = 0
        number_of[words] = np.arange(self._count, self._count + len(words))
        self._count += len(words)
        begins = segment.gram_starts[words].astype(np.int64)
        gram_counts = segment.gram_starts[words + 1].astype(np.int64) - begins
        self._stems.append(segment.stem_digests[segment.word_stems[words]])
        self._gram_counts.append(gram_counts)
        self._grams.append(segment.grams[ranking.ranges(begins, gram_counts)])
        return number_of[tokens]

    def table(self) -> WordTable:
        return WordTable(np.concatenate(self._stems), np.concatenate(self._gram_counts), np.concatenate(self._grams))


def _with_title(leaf: Leaf, query: TitleQuery) -> Mask:
    """Tell which documents that this circle may find have such a title."""
    mask = leaf.readable_by(query.audience).copy()
    if query.kinds is not None:
        mask &= np.any([leaf.labelled("kind", kind) for kind in query.kinds] or [np.zeros_like(mask)], axis=0)
    segment = leaf.segment
    last = [segment.titled(query.beginning), *map(segment.entitled, query.last)]
    for those in ([*map(segment.entitled, word)] for word in query.words):
        mask &= _among(those, segment.count)
    return mask & _among(last, segment.count)


def _among(those: list[NDArray[np.uint32]], count: int) -> Mask:
    mask = np.zeros(count, dtype=np.bool_)
    for documents in those:
        mask[documents] = True
    return mask


def _labels(query: EngineQuery) -> Iterator[tuple[str, str]]:
    """Yield the labels that every hit must have."""
    if query.locale is not None:
        yield "locale", query.locale
    if query.category is not None:
        yield "category", label(query.category)
    if query.solved is not None:
        yield "solved", "yes" if query.solved else "no"
    if query.only_answers:
        yield "answers", "yes"
    for tag in query.tags:
        yield "tag", label(tag)


def _most_telling(looked: list[_Looked], most: int) -> list[_Looked]:
    """Return the words that say most, in the order of the query."""
    told = [each for each in looked if each.rarity > 0]
    if len(told) > most:
        least = sorted((each.rarity * each.word.weight for each in told), reverse=True)[most - 1]
        told = [each for each in told if each.rarity * each.word.weight >= least][:most]
    return told


def _matched(looked: list[_Looked], ranked: list[_Ranked]) -> list[tuple[str, ...]]:
    """Say for each hit which words it has."""
    has: list[dict[str, None]] = [{} for _ in ranked]
    rows: dict[int, list[int]] = {}
    for row, hit in enumerate(ranked):
        rows.setdefault(hit.leaf, []).append(row)
    for leaf, of_leaf in rows.items():
        documents = np.array([ranked[row].document for row in of_leaf], dtype=np.int64)
        for each in looked:
            found = [stem.has(documents) for variant in each.variants if (stem := variant.stems[leaf]) is not None]
            if found:
                for row in np.flatnonzero(found[0] if len(found) == 1 else np.any(found, axis=0)).tolist():
                    has[of_leaf[row]][each.word.text] = None
    return [tuple(words) for words in has]


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


def _count(counts: dict[str, int], names: Sequence[str], values: NDArray[np.integer]) -> None:
    for number, count in enumerate(np.bincount(values, minlength=len(names)).tolist()):
        if count and names[number]:
            counts[names[number]] = counts.get(names[number], 0) + count
