"""What changed and is not in the index yet, what people looked for, and which words mean the same."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Subquery,
    UniqueConstraint,
    and_,
    bindparam,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import BigId, UtcDateTime, db

if TYPE_CHECKING:
    from core.db import Base as Model
else:
    Model = db.Model

LONGEST_KIND: Final = 20
LONGEST_SEARCH: Final = 200
LONGEST_VISITOR: Final = 40
LONGEST_VERSION: Final = 32
TIME_TO_CHOOSE: Final = timedelta(minutes=10)
"""So long a person may read the results before it is said that none of them was opened."""

GapKind = Literal["nothing", "unopened", "again"]
"""What went wrong with a search: it found nothing, nothing of it was opened, or it was asked again in other words."""
ClosedKind = Literal["nothing", "unopened", "again", "popular"]
"""What the team can see to: besides the gaps, what is popular and should not be shown."""


class StaleNote(db.Model):  # type: ignore[name-defined]  # Flask-SQLAlchemy builds its Model at run time
    """A document that changed, written in the transaction that changed it and deleted when the index knows."""

    __tablename__ = "stale_note"
    # An id must never come back: two indexers that read the same note would delete a new one of the same number.
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(LONGEST_KIND))
    ref_id: Mapped[int] = mapped_column(BigInteger)
    noted_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class LoggedSearch(Model):
    """One search of somebody, of whom nothing is kept but a random mark that ends with the browser's tab."""

    __tablename__ = "logged_search"
    __table_args__ = (
        Index("ix_logged_search_visitor", "visitor", "id"),
        Index("ix_logged_search_words", "words", "locale"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    visitor: Mapped[str] = mapped_column(String(LONGEST_VISITOR))
    text: Mapped[str] = mapped_column(String(LONGEST_SEARCH))
    """As it was typed."""
    words: Mapped[str] = mapped_column(String(LONGEST_SEARCH))
    """In the one spelling that searches are grouped by."""
    locale: Mapped[str] = mapped_column(String(2))
    hits: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    opened_kind: Mapped[str | None] = mapped_column(String(LONGEST_KIND))
    opened_id: Mapped[int | None] = mapped_column(BigInteger)
    opened_position: Mapped[int | None]
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the first hit was opened; the three above say which."""
    asked_again_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the same visitor looked for the same in other words."""
    asked_people_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the visitor went on to ask the community."""
    by_program: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether a program told of it over the API: it can be a gap, and never makes a search popular."""


class PopularSearch(Model):
    """What several people looked for and found; it is shown to everybody, so it is chosen with care by the worker."""

    __tablename__ = "popular_search"
    __table_args__ = (UniqueConstraint("locale", "words"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    locale: Mapped[str] = mapped_column(String(2))
    words: Mapped[str] = mapped_column(String(LONGEST_SEARCH))
    text: Mapped[str] = mapped_column(String(LONGEST_SEARCH))
    visitors: Mapped[int]


class ClosedGap(Model):
    """The team has seen to a search that went wrong, which comes back when it does so again; or hides a popular one."""

    __tablename__ = "closed_gap"
    __table_args__ = (UniqueConstraint("kind", "words", "locale"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[ClosedKind] = mapped_column(String(LONGEST_KIND))
    words: Mapped[str] = mapped_column(String(LONGEST_SEARCH))
    locale: Mapped[str] = mapped_column(String(2))
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Synonym(Model):
    """Words and short phrases that mean the same."""

    __tablename__ = "synonym"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    locale: Mapped[str | None] = mapped_column(String(2))
    """None where they mean the same in every language, as the names of products do."""
    words: Mapped[list[str]] = mapped_column(JSON)
    is_one_way: Mapped[bool]
    """Whoever looks for the first word also finds the others, and not the other way round."""
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class SynonymVersion(Model):
    """One row, with a mark that is another one after every change, so that each process notices cheaply."""

    __tablename__ = "synonym_version"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    mark: Mapped[str] = mapped_column(String(LONGEST_VERSION))


def _grouped(kind: GapKind, went_wrong: ColumnElement[bool]) -> Subquery:
    """Return the searches that went wrong in one way and were not seen to since, by words and language."""
    seen_to = and_(
        ClosedGap.kind == kind, ClosedGap.words == LoggedSearch.words, ClosedGap.locale == LoggedSearch.locale
    )
    return (
        select(
            func.max(LoggedSearch.id).label("last_id"),
            LoggedSearch.words,
            LoggedSearch.locale,
            func.max(LoggedSearch.text).label("text"),
            func.count(LoggedSearch.id).label("times"),
            func.count(LoggedSearch.visitor.distinct()).label("visitors"),
            func.max(LoggedSearch.at).label("last_at"),
        )
        .outerjoin(ClosedGap, seen_to)
        .where(went_wrong, or_(ClosedGap.at.is_(None), LoggedSearch.at > ClosedGap.at))
        .group_by(LoggedSearch.words, LoggedSearch.locale)
        .subquery(f"gap_{kind}")
    )


class Gap:
    """Searches with the same words that went wrong: a view without a table, one class for each way."""

    last_id: Any
    words: Any
    locale: Any
    text: Any
    times: Any
    visitors: Any
    last_at: Any


class NothingFound(Gap, Model):
    __table__ = _grouped("nothing", LoggedSearch.hits == 0)
    __mapper_args__ = {"primary_key": [__table__.c.last_id]}


class NothingOpened(Gap, Model):
    __table__ = _grouped(
        "unopened",
        and_(
            LoggedSearch.hits > 0,
            LoggedSearch.opened_at.is_(None),
            ~LoggedSearch.by_program,  # it need not tell what is opened
            LoggedSearch.at
            < bindparam("before", callable_=lambda: now() - TIME_TO_CHOOSE, type_=UtcDateTime(), unique=True),
        ),
    )
    __mapper_args__ = {"primary_key": [__table__.c.last_id]}


class AskedAgain(Gap, Model):
    __table__ = _grouped("again", LoggedSearch.asked_again_at.is_not(None))
    __mapper_args__ = {"primary_key": [__table__.c.last_id]}


GAPS: Final[dict[GapKind, type[NothingFound | NothingOpened | AskedAgain]]] = {
    "nothing": NothingFound,
    "unopened": NothingOpened,
    "again": AskedAgain,
}
