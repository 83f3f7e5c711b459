"""Articles that begin with something that rooms above have, such as a reply."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from flask_babel import gettext

from accounts.models import User
from accounts.people import Viewer
from core import texts
from core.db import db
from core.errors import NotFound
from kb import articles, queries
from kb.models import Article
from search import query
from search.query import Hit

MOST_SIMILAR: Final = 5


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the form begins with, and where that is from."""

    fields: Mapping[str, Any]
    label: str
    url: str
    about: str
    """What it is about, for looking whether an article says it already."""


class Source(Protocol):
    """Where articles of one kind begin."""

    def begin(self, thing_id: int, *, viewer: Viewer) -> Beginning:
        """Return what the form begins with; raise `NotFound` where there is nothing for this person."""

    def made(self, thing_id: int, article: Article, *, by: User) -> None:
        """Hear that an article was made of it."""


_sources: dict[str, Source] = {}


def contribute(kind: str, source: Source) -> None:
    """Let articles begin with things of a kind, named like `message-12`."""
    _sources[kind] = source


def begin(ref: str, *, viewer: Viewer) -> Beginning:
    """Return what an article begins with; raise `NotFound` where nothing of this name is there for this person."""
    source, thing_id = _named(ref)
    return source.begin(thing_id, viewer=viewer)


def similar(found: Beginning, viewer: Viewer) -> Sequence[Hit]:
    """Return the articles that may say it already."""
    title, locale = str(found.fields.get("title", "")), str(found.fields.get("locale", "de"))
    return query.similar(title, found.about, viewer=viewer, kinds={"article"}, locale=locale, limit=MOST_SIMILAR)


def made(ref: str, article: Article, *, by: User) -> None:
    """Have its first version say where it is from, and tell who has that."""
    source, thing_id = _named(ref)
    found = source.begin(thing_id, viewer=by)
    comment = gettext("Begun with: %(label)s %(url)s", label=found.label, url=found.url)
    queries.newest_revision(article).comment = comment[: articles.LONGEST_COMMENT]
    source.made(thing_id, article, by=by)
    db.session.flush()


def _named(ref: str) -> tuple[Source, int]:
    kind, _, typed = ref.partition("-")
    number = texts.number(typed)
    if kind not in _sources or number is None:
        raise NotFound
    return _sources[kind], number
