"""Short texts that ask for the same, put together by what the search itself goes by: stems, parts of words, meaning."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from search import meant, ranking, registry
from search.analysis import stems, stopwords, tokens
from search.ranking import Floats

ALIKE: Final = {"de": 0.33, "en": 0.42}
"""From this similarity on two texts ask for the same. German has more words for a thing, so fewer are shared."""
MOST: Final = 2_000
"""Texts that are compared at once, each with each."""
_PART: Final = 0.7
"""What a part of a compound counts beside the whole, as in `search.query`."""
_SHORTEST: Final = 3


def gathered(texts: Sequence[str], locale: str) -> list[list[int]]:
    """Return the places of the texts in groups: the first of each is the one that the others are like.

    Earlier texts lead, so the weightiest ones come first; every text is in one group. Past `MOST` each stands alone.
    """
    compared = texts[:MOST]
    groups: list[list[int]] = []
    if compared:
        alike = _similarities(compared, locale) >= ALIKE[locale]
        is_free = np.ones(len(compared), dtype=bool)
        for place in range(len(compared)):
            if is_free[place]:
                others = [int(other) for other in np.flatnonzero(alike[place] & is_free) if other != place]
                groups.append([place, *others])
                is_free[groups[-1]] = False
    return [*groups, *([place] for place in range(len(compared), len(texts)))]


def alike(texts: Sequence[str], others: Sequence[str], locale: str) -> list[list[int]]:
    """Return for each of the texts the places of those others that say the same; all together at most `MOST`."""
    if not texts or not others:
        return [[] for _text in texts]
    found = _similarities([*texts, *others], locale)[: len(texts), len(texts) :] >= ALIKE[locale]
    return [[int(place) for place in np.flatnonzero(row)] for row in found]


def telling(texts: Sequence[str], locale: str, *, most: int) -> list[str]:
    """Return the words that most of the texts have and that say something, as they were first written."""
    counts: Counter[str] = Counter()
    written: dict[str, str] = {}
    for text in texts:
        for stem, word in {tokens.term(word, locale): word for word in _words(text, locale)}.items():
            counts[stem] += 1
            written.setdefault(stem, word)
    return [written[stem] for stem, _count in counts.most_common(most)]


def _similarities(texts: Sequence[str], locale: str) -> Floats:
    """Return how alike each two texts are, float32[n, n], by the weights of the search in this language."""
    encoder = registry.encoder()
    vectors = encoder.encode_each(list(texts))
    chosen = ranking.weights(locale)
    meaning = chosen.meaning * encoder.strength[locale].whole
    found = chosen.words * _shared(texts, locale) + meaning * (vectors @ vectors.T)
    return (found / (chosen.words + meaning)).astype(np.float32)


def _shared(texts: Sequence[str], locale: str) -> Floats:
    """Return the cosines of the texts' terms, each as weighty as it is rare, float32[n, n]."""
    rows = [dict(_terms(text, locale)) for text in texts]
    having = Counter(term for row in rows for term in row)
    column = {term: number for number, term in enumerate(having)}
    table = np.zeros((len(texts), max(len(column), 1)), dtype=np.float32)
    for place, row in enumerate(rows):
        for term, share in row.items():
            table[place, column[term]] = share * ranking.rarity(having[term], len(texts) + 1)
    lengths = np.sqrt(np.einsum("ij,ij->i", table, table))
    table /= np.maximum(lengths, 1e-9)[:, None]
    found: Floats = table @ table.T
    return found


def _terms(text: str, locale: str) -> Iterator[tuple[str, float]]:
    for word in _words(text, locale):
        if locale == "de":
            yield from ((stems.stem(part, locale), _PART) for part in meant.parts(word))
    for word in _words(text, locale):
        yield tokens.term(word, locale), 1.0


def _words(text: str, locale: str) -> Iterator[str]:
    for word in tokens.words(text):
        folded = tokens.spelt(word.text, locale)
        if len(folded) >= _SHORTEST and not stopwords.is_stop_word(folded, locale) and tokens.term(word.text, locale):
            yield word.text
