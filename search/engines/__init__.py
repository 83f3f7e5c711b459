"""What an engine is: it keeps documents, finds them by terms, and knows nothing of who may see what."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from core.errors import Unavailable
from search.documents import Document, Ref


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
    most_words: int = 12
    """Of more words only the rarest so many are looked up, which bounds the cost."""
    kinds: frozenset[str] | None = None
    locale: str | None = None
    tags: tuple[str, ...] = ()
    author: str | None = None
    category: str | None = None
    solved: bool | None = None


@dataclass(frozen=True, slots=True)
class EngineHit:
    ref: Ref
    score: float
    matched: tuple[str, ...]
    """Which words of the query, as typed, the document has."""


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

    def hits(self, query: EngineQuery, limit: int) -> list[EngineHit]:
        """Return the best hits, best first; without words or phrases the newest. Raises `SearchUnavailable`."""

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
