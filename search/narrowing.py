"""What the results are narrowed to: read from the address, written into addresses, shown as filters and chips."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Self

from flask import url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user

from core.clock import now
from core.i18n import LOCALES
from search import labels, query
from search.grammar import LONGEST_QUERY

KINDS: Final = {"topic": lazy_gettext("Questions"), "article": lazy_gettext("Articles")}
LANGUAGES: Final = {"de": "Deutsch", "en": "English"}
STATES: Final = {"solved": lazy_gettext("Solved"), "unsolved": lazy_gettext("Unsolved")}
PERIODS: Final = {
    "week": lazy_gettext("Past week"),
    "month": lazy_gettext("Past month"),
    "year": lazy_gettext("Past year"),
}
ARCHIVE: Final = {"too": lazy_gettext("With the archive"), "only": lazy_gettext("Only the archive")}
"""For the team: nobody else finds what was archived."""
TITLES: Final = {
    "kind": lazy_gettext("What to find"),
    "locale": lazy_gettext("Language"),
    "category": lazy_gettext("Category or section"),
    "solved": lazy_gettext("State"),
    "tag": lazy_gettext("Tag"),
    "product": lazy_gettext("Product"),
    "archived": lazy_gettext("Archive"),
    "since": lazy_gettext("Date"),
}
MOST_CHOICES: Final = 8
LONGEST_VALUE: Final = 80
_LENGTHS: Final = {"week": timedelta(days=7), "month": timedelta(days=30), "year": timedelta(days=365)}

Facets = Mapping[str, tuple[tuple[str, int], ...]]

_SLUG = re.compile(r"[a-z0-9-]{1,80}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """The chosen filters, each as it stands in the address; None where all is wanted."""

    kind: str | None = None
    locale: str | None = None
    category: str | None = None
    solved: str | None = None
    tag: str | None = None
    since: str | None = None
    author: str | None = None
    product: str | None = None
    archived: str | None = None

    @classmethod
    def read(cls, args: Mapping[str, str]) -> Self:
        """Return what an address narrows to; a value that nobody offered narrows nothing."""
        return cls(
            kind=_one_of(args.get("kind"), KINDS),
            locale=_one_of(args.get("locale"), LOCALES),
            category=_slug(args.get("category")),
            solved=_one_of(args.get("solved"), STATES),
            tag=_word(args.get("tag")),
            since=_one_of(args.get("since"), PERIODS),
            author=_word(args.get("author", "").lstrip(" @")),
            product=_slug(args.get("product")),
            archived=_one_of(args.get("archived"), ARCHIVE) if query.is_team(current_user) else None,
        )

    @property
    def chosen(self) -> dict[str, str]:
        """Return the filters that narrow something, with their values."""
        values: dict[str, str | None] = {
            "kind": self.kind,
            "locale": self.locale,
            "category": self.category,
            "solved": self.solved,
            "tag": self.tag,
            "since": self.since,
            "author": self.author,
            "product": self.product,
            "archived": self.archived,
        }
        return {facet: value for facet, value in values.items() if value}

    @property
    def earliest(self) -> datetime | None:
        """Return the moment before which nothing is wanted."""
        return None if self.since is None else now() - _LENGTHS[self.since]

    def changed(self, facet: str, value: str | None) -> Self:
        """Return the same filters but for one."""
        return replace(self, **{facet: value})

    def address(self, text: str, *, page: int = 1) -> str:
        """Return the address of the results for `text` with these filters."""
        values: dict[str, Any] = {"q": text[:LONGEST_QUERY], **self.chosen, "page": page if page > 1 else None}
        return url_for("search.results", **values)

    def asked(self) -> dict[str, Any]:
        """Return the filters as `search.query.find` takes them."""
        return {
            "kinds": None if self.kind is None else (self.kind,),
            "only_locale": self.locale,
            "category": self.category,
            "solved": None if self.solved is None else self.solved == "solved",
            "tag": self.tag,
            "author": self.author,
            "since": self.earliest,
            "product": self.product,
            "archived": self.archived,
        }


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter: a link, and how many hits it has where they were counted."""

    label: str
    url: str
    count: int | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class Filter:
    facet: str
    title: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Chip:
    """A chosen filter and the address without it."""

    label: str
    url: str


def filters(text: str, narrowing: Narrowing, facets: Facets) -> list[Filter]:
    """Return the filters that can be chosen; without counts those whose values are known anyway."""
    offered: dict[str, Mapping[str, str]] = {
        "kind": {value: str(label) for value, label in KINDS.items()},
        "solved": {value: str(label) for value, label in STATES.items()},
        "category": _names("category", narrowing.category, facets),
        "tag": _names("tag", narrowing.tag, facets),
        "product": _names("product", narrowing.product, facets),
        "locale": LANGUAGES,
        "archived": {value: str(label) for value, label in ARCHIVE.items()} if query.is_team(current_user) else {},
        "since": {value: str(label) for value, label in PERIODS.items()},
    }
    return [
        Filter(facet, str(TITLES[facet]), choices)
        for facet, names in offered.items()
        if (choices := tuple(_choices(facet, names, text, narrowing, facets)))
    ]


def chips(text: str, narrowing: Narrowing) -> list[Chip]:
    """Return the chosen filters in words, each with the address of the results without it."""
    return [
        Chip(_in_words(facet, value), narrowing.changed(facet, None).address(text))
        for facet, value in narrowing.chosen.items()
    ]


def _choices(facet: str, names: Mapping[str, str], text: str, narrowing: Narrowing, facets: Facets) -> Iterator[Choice]:
    counts = dict(facets[facet]) if facet in facets else None
    current = narrowing.chosen.get(facet)
    worth = [value for value in names if counts is None or counts.get(value) or value == current]
    if not worth:
        return
    yield Choice(_all_of(facet), narrowing.changed(facet, None).address(text), None, current is None)
    for value in worth:
        count = None if counts is None else counts.get(value, 0)
        yield Choice(names[value], narrowing.changed(facet, value).address(text), count, value == current)


def _names(facet: str, chosen: str | None, facets: Facets) -> dict[str, str]:
    values = [value for value, _ in facets.get(facet, ())[:MOST_CHOICES]]
    if chosen is not None and chosen not in values:
        values.insert(0, chosen)
    return labels.names(facet, values, viewer=current_user)


def _all_of(facet: str) -> str:
    if facet == "since":
        return str(gettext("Any time"))
    if facet == "archived":
        return str(gettext("Without the archive"))
    return str(gettext("Everything") if facet == "kind" else gettext("All"))


def _in_words(facet: str, value: str) -> str:
    if facet == "author":
        return str(gettext("By @%(handle)s", handle=value))
    if facet == "tag":
        return str(gettext("Tag: %(name)s", name=value))
    if facet in {"category", "product"}:
        return labels.names(facet, [value], viewer=current_user)[value]
    known: Mapping[str, Mapping[str, Any]] = {
        "kind": KINDS,
        "locale": LANGUAGES,
        "solved": STATES,
        "since": PERIODS,
        "archived": ARCHIVE,
    }
    return str(known[facet][value])


def _one_of(value: str | None, known: Any) -> str | None:
    return value if value in known else None


def _slug(value: str | None) -> str | None:
    return value if value and _SLUG.fullmatch(value) else None


def _word(value: str | None) -> str | None:
    return _UNPRINTABLE.sub(" ", value or "").strip()[:LONGEST_VALUE].strip() or None
