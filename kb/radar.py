"""Gaps: what people look for, ask and write in vain, put together, so that the next article is never a guess.

Searches that failed, questions without an answer, and what the desk was asked and answered without an article. Rooms
above this one contribute theirs (`contribute`). Nothing is kept: gaps are made of what is there when somebody looks.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import select

from accounts.people import AnonymousUser, Viewer
from core import markup
from core.db import db
from core.errors import NotFound
from core.i18n import LOCALES
from forum import addresses
from forum import queries as forum_queries
from forum.models import Topic
from kb import articles
from search import gathering
from search.models import GAPS

MOST_OF_A_KIND: Final = 500
"""So many of the latest of each kind are looked at."""
MOST_QUOTED: Final = 8
LONGEST_QUOTE: Final = 200
MOST_KEYWORDS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Something that found no answer in an article, in the words of whoever asked."""

    kind: str
    id: int
    text: str
    locale: str
    at: datetime
    url: str
    people: int = 1
    who: str = ""
    """Whose it is, where one person may be behind several; then `people` is 1."""

    @property
    def ref(self) -> str:
        return f"{self.kind}-{self.id}"


@dataclass(frozen=True, slots=True)
class Gap:
    """What asks for the same, the weightiest first."""

    rows: Sequence[Asked]

    @property
    def locale(self) -> str:
        return self.rows[0].locale

    @property
    def ref(self) -> str:
        return self.rows[0].ref

    @property
    def title(self) -> str:
        return markup.excerpt(self.rows[0].text, articles.LONGEST_TITLE)

    @property
    def people(self) -> int:
        """Return how many people are behind it, each counted once as far as that is known."""
        return sum(row.people for row in self.rows if not row.who) + len({row.who for row in self.rows if row.who})

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows there are of each kind."""
        return dict(Counter(row.kind for row in self.rows))

    @property
    def last_at(self) -> datetime:
        return max(row.at for row in self.rows)

    def beginning(self) -> dict[str, Any]:
        """Return what the form of an article begins with: the words that people used."""
        texts = list(dict.fromkeys(" ".join(row.text.split()) for row in self.rows))
        quotes = [f"> {markup.excerpt(text, LONGEST_QUOTE)}" for text in texts[:MOST_QUOTED]]
        return {
            "title": self.title,
            "locale": self.locale,
            "symptoms": "\n\n".join(quotes),
            "keywords": ", ".join(gathering.telling(texts, self.locale, most=MOST_KEYWORDS)),
        }


Source = Callable[[Viewer, str, int], Iterable[Asked]]

_sources: dict[str, Source] = {}


def contribute(kind: str, source: Source) -> None:
    """Ask `source` for what is in vain: of a viewer, in a language, so many of the latest at most."""
    _sources[kind] = source


def gaps(viewer: Viewer, locale: str) -> list[Gap]:
    """Return the gaps in a language as far as the viewer may read them; behind the first ones are the most people."""
    asked = [row for source in _sources.values() for row in source(viewer, locale, MOST_OF_A_KIND)]
    asked.sort(key=lambda row: (-row.people, -row.at.timestamp(), row.ref))
    groups = gathering.gathered([row.text for row in asked], locale)
    found = [Gap([asked[place] for place in group]) for group in groups]
    return sorted(found, key=lambda gap: (-gap.people, -len(gap.rows), -gap.last_at.timestamp(), gap.ref))


def gap(ref: str, *, viewer: Viewer) -> Gap:
    """Return the gap that something is part of; raise `NotFound` where it is in none any more."""
    for locale in LOCALES:
        for one in gaps(viewer, locale):
            if any(row.ref == ref for row in one.rows):
                return one
    raise NotFound


def _searches(_viewer: Viewer, locale: str, most: int) -> Iterable[Asked]:
    """Yield the searches that went wrong in any way, the same words once."""
    found: dict[str, Any] = {}
    for view in GAPS.values():
        latest = select(view).where(view.locale == locale).order_by(view.last_id.desc()).limit(most)
        rows: Iterable[Any] = db.session.scalars(latest)
        for row in rows:
            if row.words not in found or row.visitors > found[row.words].visitors:
                found[row.words] = row
    for row in found.values():
        url = "/search?" + urlencode({"q": row.text})
        yield Asked(
            kind="search", id=row.last_id, text=row.text, locale=locale, at=row.last_at, url=url, people=row.visitors
        )


def _questions(_viewer: Viewer, locale: str, most: int) -> Iterable[Asked]:
    """Yield the open questions that nobody has answered; what is muted is no business of an article."""
    rows = db.session.execute(
        select(Topic.id, Topic.slug, Topic.title, Topic.created_at, Topic.me_too_count)
        .where(
            Topic.locale == locale,
            Topic.answer_count == 0,
            Topic.closed_as.is_(None),
            forum_queries.topics_visible_to(AnonymousUser()),
        )
        .order_by(Topic.id.desc())
        .limit(most)
    )
    for row in rows:
        yield Asked(
            kind="topic",
            id=row.id,
            text=row.title,
            locale=locale,
            at=row.created_at,
            url=addresses.of_topic(row),
            people=1 + row.me_too_count,
        )


contribute("search", _searches)
contribute("topic", _questions)
