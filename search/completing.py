"""What is suggested while somebody types: titles that have the words typed so far and one that begins like the last.

Everything is asked again at every letter, so it costs one look into the index and one statement for the titles. No word
is corrected and nothing is looked for by its meaning: a half-typed word has neither.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import literal, union_all

from core.db import db
from search import registry
from search.analysis import language, stopwords, titles, tokens
from search.documents import Ref, Title, TitleSource
from search.engines import SearchUnavailable, TitleQuery
from search.query import audience_of

SHORTEST_BEGINNING: Final = 3
"""Fewer characters begin too many titles to be a help, where no other word was typed."""
LONGEST_TEXT: Final = 200
_MOST_WORDS: Final = 20
_CANDIDATES: Final = 50
"""So many are checked with the database and brought into order."""
_LOCALES: Final = ("de", "en")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Typed:
    """A text that is being typed, word by word; `needed` are those that a title must have."""

    locale: str
    words: tuple[str, ...]
    needed: tuple[str, ...]
    beginning: str

    @classmethod
    def read(cls, text: str, hint: str | None) -> "_Typed | None":
        """Return what is being typed; None where it is too little."""
        locale = language.guess(text[:LONGEST_TEXT], hint)
        words = [word.text for word in tokens.words(text[:LONGEST_TEXT])][:_MOST_WORDS]
        beginning = titles.spelling(words[-1], locale) if words else ""
        earlier = words[:-1]
        needed = [word for word in earlier if not stopwords.is_stop_word(word, locale)]
        if not needed and len(beginning) < SHORTEST_BEGINNING:
            needed = earlier
        if not beginning or (not needed and len(beginning) < SHORTEST_BEGINNING):
            return None
        return cls(locale, tuple(words), tuple(needed), beginning)

    def query(self, kinds: Collection[str] | None, viewer: Any) -> TitleQuery:
        needed = (titles.whole(word, _LOCALES) for word in self.needed)
        return TitleQuery(
            words=tuple(dict.fromkeys(entries for entries in needed if entries)),
            beginning=self.beginning,
            last=titles.whole(self.words[-1], _LOCALES),
            kinds=None if kinds is None else frozenset(kinds),
            preferred=self.locale,
            audience=audience_of(viewer),
        )

    def distance(self, title: Title) -> tuple[bool, int]:
        """Say how far a title is from what was typed: whether it goes on otherwise, how many of the words it lacks."""
        typed = " ".join(titles.spellings(" ".join(self.words), self.locale))
        written = " ".join(titles.spellings(title.title, title.locale))
        has = titles.entries(title.title, title.locale)
        lacking = sum(has.isdisjoint(titles.whole(word, _LOCALES)) for word in self.words[:-1])
        return not written.startswith(typed), lacking


def complete(
    text: str, *, viewer: Any, kinds: Collection[str] | None = None, locale: str | None = None, limit: int = 5
) -> list[Title]:
    """Return the titles that fit what is typed and that `viewer` may see; takes any text and never raises over it.

    `locale` is the language of the person. Titles that begin with what was typed come first, then those that have more
    of its words; small words need not be there.
    """
    typed = _Typed.read(text, locale)
    if typed is None:
        return []
    query = typed.query(registry.kinds_everyday() if kinds is None else kinds, viewer)
    try:
        refs = registry.engine().titled(query, _CANDIDATES)
    except SearchUnavailable:
        log.warning("nothing was suggested while somebody typed: no index")
        return []
    shown = _shown(refs, viewer)
    # A title that was changed a moment ago is another one than the index found.
    fitting = [shown[ref] for ref in refs if ref in shown and _fits(shown[ref], query)]
    return sorted(fitting, key=typed.distance)[:limit]


def _fits(title: Title, query: TitleQuery) -> bool:
    entries = titles.entries(title.title, title.locale)
    begins = any(entry.startswith(query.beginning) for entry in entries) or not entries.isdisjoint(query.last)
    return begins and not any(entries.isdisjoint(word) for word in query.words)


def _shown(refs: Sequence[Ref], viewer: Any) -> Mapping[Ref, Title]:
    """Return those that the viewer may see now; one statement for all kinds that can be asked for together."""
    together: dict[str, tuple[TitleSource, list[int]]] = {}
    found: dict[Ref, Title] = {}
    for kind, ids in _by_kind(refs):
        source = registry.source(kind)
        if isinstance(source, TitleSource):
            together[kind] = source, ids
        elif source is not None:
            for one in source.visible(ids, viewer).values():
                found[one.ref] = Title(one.ref, one.title, one.url, one.locale)
    if together:
        each = [
            source.titles(ids, viewer).add_columns(literal(kind).label("kind"))
            for kind, (source, ids) in together.items()
        ]
        for row in db.session.execute(union_all(*each)):
            ref = Ref(row.kind, row.id)
            found[ref] = Title(ref, row.title, together[row.kind][0].address(row), row.locale)
    return found


def _by_kind(refs: Sequence[Ref]) -> Iterator[tuple[str, list[int]]]:
    for kind in dict.fromkeys(ref.kind for ref in refs):
        yield kind, [ref.id for ref in refs if ref.kind == kind]
