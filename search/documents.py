"""What a room hands over to be found, what it hands back to be shown, and how it is asked."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Protocol, runtime_checkable

from sqlalchemy import Select

Audience = Literal["everyone", "members", "team"]
AUDIENCES: Final[tuple[Audience, ...]] = ("everyone", "members", "team")
"""Each sees what those before it see. What is not for everyone never touches what everyone finds."""
PRODUCT: Final = "product:"
"""What a product is marked with among the tags of a document; no tag that somebody writes has a colon."""


@dataclass(frozen=True, slots=True)
class Ref:
    """A thing that can be found: its kind and its id within that kind."""

    kind: str
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a room hands over to be indexed; all texts are plain text."""

    ref: Ref
    locale: str
    title: str
    body: str
    keywords: str = ""
    asked: tuple[str, ...] = ()
    """Messages in public that this was the answer to, the newest last."""
    asked_inside: tuple[str, ...] = ()
    """The same in private; only the team's searches learn from them."""
    tags: tuple[str, ...] = ()
    author: str = ""
    category: str = ""
    solved: bool = False
    answers: bool = True
    """Whether it says what to do, and does not only ask."""
    created_at: datetime
    weight: float = 1.0
    """How much more than its words a document counts; 1 is neutral."""
    audience: Audience = "everyone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a room hands back for a hit that its viewer may see; excerpts are cut from the plain `text`."""

    ref: Ref
    title: str
    url: str
    locale: str
    text: str
    source_id: str | None
    solved: bool | None
    created_at: datetime
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Title:
    """A thing as it is suggested while somebody types."""

    ref: Ref
    title: str
    url: str
    locale: str


class TitleRow(Protocol):
    """A row of what `TitleSource.titles` selects."""

    @property
    def id(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def slug(self) -> str: ...
    @property
    def locale(self) -> str: ...


class Source(Protocol):
    """One kind of thing that a room lets people find."""

    kind: str

    def documents(self, ids: Collection[int]) -> Iterable[Document]:
        """Yield what may be indexed of `ids` at all, in its current state: public, not muted, not unpublished."""

    def ids(self) -> Iterable[int]:
        """Yield every id for which `documents` would yield something."""

    def visible(self, ids: Collection[int], viewer: Any) -> Mapping[int, Found]:
        """Return those of `ids` that `viewer` may see now."""

    def stale(self, instance: object) -> Iterable[int]:
        """Return the ids of the documents that a changed row touches; it is asked within a flush and must not write."""


@runtime_checkable
class AsideSource(Source, Protocol):
    """A source that nobody finds who does not ask for it, such as what was archived."""

    is_aside: bool


@runtime_checkable
class InnerSource(Source, Protocol):
    """A source that only its own room asks for, by its kind, such as the texts of the desk; for the team alone."""

    is_inner: bool


@runtime_checkable
class QuickSource(Source, Protocol):
    """A source that can tell who may see what without loading it, so that only one page of many hits is loaded."""

    def visible_ids(self, ids: Collection[int], viewer: Any) -> Collection[int]:
        """Return exactly the ids that `visible` would return something for."""


@runtime_checkable
class PlainSource(Source, Protocol):
    """A source that can be searched without an index: slowly, and without knowing what is better."""

    def plainly(self, words: Sequence[str], viewer: Any, limit: int) -> Sequence[int]:
        """Return what has all the words as they are written and `viewer` may see, the newest first."""


@runtime_checkable
class TitleSource(Source, Protocol):
    """A source whose titles several others can be asked for in the same statement."""

    def titles(self, ids: Collection[int], viewer: Any) -> Select[int, str, str, str]:
        """Select id, title, slug and locale of those of `ids` that `viewer` may see now."""

    def address(self, row: TitleRow) -> str:
        """Return the path of the page of what was selected."""
