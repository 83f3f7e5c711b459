"""What an engine is: it keeps documents, finds them by terms, and knows nothing of who may see what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core.errors import Unavailable
from search.documents import Audience, Document, Ref
from search.encoders import Strength
from search.ranking import Question


class Variant(NamedTuple):
    """One term that a word of the query may have become, in the documents of one language."""

    locale: str
    term: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it was typed, and the terms that stand for it."""

    text: str
    variants: tuple[Variant, ...]
    weight: float = 1.0
    is_telling: bool = True
    """Whether a document that has only this word is a hit; stop words rank what other words have found."""
    is_typed: bool = True
    """False for what was not written but follows from it: the parts of a compound."""


class Phrase(NamedTuple):
    """Terms of one language that must stand behind each other; each with its distance from the first."""

    locale: str
    terms: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineQuery:
    """Documents with at least one telling word of `words`, every one of `phrases`, none of `excluded`.

    A phrase is given once for each language and must stand in one of them.
    """

    words: tuple[Word, ...] = ()
    phrases: tuple[tuple[Phrase, ...], ...] = ()
    excluded: tuple[Word, ...] = ()
    most_words: int = 64
    """Of more words only the rarest so many are looked up, which bounds the cost."""
    question: Question | None = None
    """What the best of the documents are compared with beside the words; without it the words alone decide."""
    is_open: bool = False
    """Whether documents are hits too that only mean the same and have none of the words."""
    kinds: frozenset[str] | None = None
    locale: str | None = None
    tags: tuple[str, ...] = ()
    author: str | None = None
    category: str | None = None
    solved: bool | None = None
    since: datetime | None = None
    only_answers: bool = False
    strength: Mapping[str, Strength] = field(default_factory=dict)
    """How much the vectors are to be believed in each language."""
    preferred: str | None = None
    """Whose documents count more: those of the language that is asked in."""
    audience: Audience = "everyone"
    """Who asks: documents for a smaller circle are no hits."""
    inside: bool = False
    """Whether private messages that documents answered may help to find them: for the team alone."""
    without: frozenset[Ref] = frozenset()
    """Documents that are no hits although the index still has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TitleQuery:
    """Documents whose title has each of `words` and a word that begins with `beginning`; see `analysis.titles`."""

    words: tuple[frozenset[str], ...] = ()
    """Of each word the entries of which the title has at least one."""
    beginning: str
    last: frozenset[str] = frozenset()
    """The same of the word that `beginning` is, should it be a whole one in another form."""
    kinds: frozenset[str] | None = None
    preferred: str | None = None
    """Whose documents come first: those of the language that is typed in."""
    audience: Audience = "everyone"


@dataclass(frozen=True, slots=True)
class EngineHit:
    ref: Ref
    score: float
    matched: tuple[str, ...]
    """Which words of the query, as typed, the document has."""
    signals: tuple[float, ...] = ()
    """What each of `ranking.SIGNALS` contributed to the score, before the weight of the document."""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Findings:
    """The best hits, how many there are in all, and how many of each kind, locale, category, solved, tag.

    An engine may stop counting at a thousand where the facets were not asked for.
    """

    hits: list[EngineHit]
    total: int
    facets: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)


class Condition(StrEnum):
    """How an index is."""

    READY = "ready"
    ABSENT = "absent"
    OUTDATED = "outdated"
    """Written by another version; it must be rebuilt."""
    DAMAGED = "damaged"


class SearchUnavailable(Unavailable):
    """The index cannot be read right now."""


class IndexBusy(Unavailable):
    """Another process is writing the index."""


class Engine(Protocol):
    """An engine. Many threads and processes may read at once; one process writes."""

    def find(self, query: EngineQuery, limit: int, *, counted: bool = False) -> Findings:
        """Return the best hits, best first; without words or phrases the newest. Raises `SearchUnavailable`.

        The facets are counted only where that is asked for.
        """

    def titled(self, query: TitleQuery, limit: int) -> list[Ref]:
        """Return what has such a title: the preferred language first, then what weighs more, then the newest.

        Of thousands an engine may look at some only. Raises `SearchUnavailable`.
        """

    def counts(self, digests: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return how often each word stands in what everybody may find, int64[n]; see `facts.digest`."""

    def rarity(self, word: Word, *, inside: bool = False) -> float:
        """Say how much a word tells (`ranking.rarity`); 0 for one that nothing has."""

    def tidy(self) -> bool:
        """Put the index in order where that takes longer than a change may; tell whether there was anything to do."""

    def apply(self, upserts: Iterable[Document], deletes: Iterable[Ref]) -> None:
        """Write documents and take others out, all in one commit. Raises `IndexBusy`."""

    def replace(self, documents: Iterable[Document]) -> int:
        """Let the index hold exactly `documents`; readers see the old ones until the end. Return how many there are."""

    def refs(self) -> set[Ref]:
        """Return everything the index holds. Raises `SearchUnavailable`."""

    def generation(self) -> int:
        """Return a number that every commit raises; -1 where there is no index."""

    def condition(self) -> Condition:
        """Say whether the index can be used or must be rebuilt."""

    def wipe(self) -> None:
        """Remove the index."""


@runtime_checkable
class TransactionalEngine(Engine, Protocol):
    """An engine whose index lies in the database: many processes write, and `apply` is committed with what changed."""

    def claim(self, refs: Iterable[Ref]) -> None:
        """Keep others from changing these documents until the transaction ends; what is read then stays true."""

    def is_replaced(self) -> bool:
        """Tell whether `replace` is at work somewhere: what changes now may be missing in what it builds."""

    def wait_for_writers(self) -> None:
        """Wait until every transaction that has claimed something has ended."""
