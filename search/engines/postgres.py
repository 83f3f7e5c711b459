"""The engine for a larger installation: the index is some tables of the database that PostgreSQL already runs.

A change of the index is part of the transaction that changed what is indexed, so any number of processes on any number
of machines write and read, and nothing lags behind. Who writes waits for others only where they change the same
document; the statistics are sums of differences (`statistics.py`).

`apply` and `wipe` work in the session's transaction and leave the commit to whoever called; `replace` has a connection
of its own and builds beside the index that serves.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, and_, any_, cast, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection

from core.db import db
from search import ranking
from search.analysis import facts, hashes, lexicon
from search.documents import AUDIENCES, Document, Ref
from search.encoders import Encoder
from search.engines import (
    Condition,
    EngineQuery,
    Findings,
    IndexBusy,
    SearchUnavailable,
    TitleQuery,
    Word,
    postgres_tables,
    records,
)
from search.engines.postgres_search import Finder, titled
from search.engines.statistics import Counts, Statistics
from search.ranking import Ints

VERSION: Final = "2"
"""Changes whenever an index of the version before cannot serve: other columns, other terms."""

_BATCH: Final = 500
_MOST_PENDING: Final = 200
"""Differences that readers add up themselves; more are summed up for them (`tidy`)."""
_SUMMED_AT_ONCE: Final = 50
_GONE_AT_ONCE: Final = 5_000
_GRACE_SECONDS: Final = 1.0
_LISTED: Final = 0.2
"""How well a word is known that the list has and no text; in logarithms of occurrences."""
_WRITING: Final = hashes.of("klinke: the search index is written") >> 1
"""The name of the advisory lock that writers share until their transaction ends."""
_BUILDING: Final = hashes.of("klinke: a search index is built") >> 1

_documents: Final = postgres_tables.documents
_indexes: Final = postgres_tables.indexes
_changes: Final = postgres_tables.changes
_d: Final = _documents.c
_i: Final = _indexes.c
_c: Final = _changes.c
log = logging.getLogger(__name__)


class _Held(NamedTuple):
    """What this process knows of the statistics of an index."""

    index_id: int
    generation: int
    base: Counts
    recent: dict[int, Counts]
    """By the ids of the differences that are not in `base`."""
    statistics: Statistics


class PostgresEngine:
    """Keeps its index in the database; every process may read and write."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._name = f"{VERSION}-{encoder.name}"
        self._reading = threading.Lock()
        self._held: _Held | None = None

    def find(self, query: EngineQuery, limit: int, *, counted: bool = False) -> Findings:
        connection = db.session.connection()
        held = self._current(connection)
        if held is None:
            return Findings([], 0)
        return Finder(connection, held.index_id, held.statistics, query).find(limit, counted=counted)

    def titled(self, query: TitleQuery, limit: int) -> list[Ref]:
        # One statement, which says itself what serves: whoever types asks at every letter.
        serving = select(func.max(_i.id)).where(_i.name == self._name, _i.is_complete).scalar_subquery()
        found = db.session.connection().execute(titled(query, serving).limit(limit))
        return [Ref(kind, ref_id) for kind, ref_id in found]

    def counts(self, digests: NDArray[np.uint64]) -> Ints:
        held = self._current(db.session.connection())
        return np.zeros(len(digests), dtype=np.int64) if held is None else held.statistics.occurrences(digests)

    def rarity(self, word: Word, *, inside: bool = False) -> float:  # noqa: ARG002 -- the protocol's; private messages say nothing of what is rare
        held = self._current(db.session.connection())
        if held is None:
            return 0.0
        digests = np.array([facts.digest(each.term, each.locale) for each in word.variants], dtype=np.uint64)
        having = int(held.statistics.documents(digests).sum())
        return ranking.rarity(having, held.statistics.total) if having else 0.0

    def refs(self) -> set[Ref]:
        connection = db.session.connection()
        held = self._current(connection)
        if held is None:
            return set()
        found = connection.execute(select(_d.kind, _d.ref_id).where(_d.index_id == held.index_id))
        return {Ref(kind, ref_id) for kind, ref_id in found}

    def generation(self) -> int:
        pending = select(func.count()).where(_c.index_id == _i.id).scalar_subquery()
        statement = select(_i.changes + pending).where(_i.name == self._name, _i.is_complete)
        found = db.session.connection().scalar(statement)
        return -1 if found is None else int(found)

    def condition(self) -> Condition:
        names = set(db.session.connection().scalars(select(_i.name).where(_i.is_complete)))
        if self._name in names:
            return Condition.READY
        return Condition.OUTDATED if names else Condition.ABSENT

    def claim(self, refs: Iterable[Ref]) -> None:
        """Let nobody else change these documents until the transaction ends, so that what is read now stays true.

        Those that are not there yet are held by an empty row, which `apply` fills or takes out.
        """
        connection = db.session.connection()
        connection.execute(select(func.pg_advisory_xact_lock_shared(_WRITING)))
        index_id = self._written(connection)
        ordered = sorted(refs, key=lambda ref: (ref.kind, ref.id))
        if ordered:
            stubs = [{"index_id": index_id, "kind": ref.kind, "ref_id": ref.id, **_EMPTY} for ref in ordered]
            connection.execute(postgresql.insert(_documents).on_conflict_do_nothing(), stubs)
            connection.execute(
                select(_d.id).where(_is_one_of(index_id, ordered)).order_by(_d.kind, _d.ref_id).with_for_update()
            )

    def apply(self, upserts: Iterable[Document], deletes: Iterable[Ref]) -> None:
        wanted = {document.ref: document for document in upserts}
        gone = [ref for ref in deletes if ref not in wanted]
        connection = db.session.connection()
        index_id = self._written(connection)
        refs = [*wanted, *gone]
        if not refs:
            return
        before = connection.execute(_COUNTED.where(_is_one_of(index_id, refs))).mappings().all()
        rows = records.to_keep(list(wanted.values()), self._encoder, self._known(connection))
        if gone:
            connection.execute(delete(_documents).where(_is_one_of(index_id, gone)))
        if rows:
            new = postgresql.insert(_documents)
            kept = {name: new.excluded[name] for name in rows[0] if name not in {"kind", "ref_id"}}
            statement = new.on_conflict_do_update(index_elements=[_d.kind, _d.ref_id, _d.index_id], set_=kept)
            connection.execute(statement, [{"index_id": index_id, **row} for row in rows])
        change = Counts.total([records.counted(before).taken_away(), records.counted(rows)])
        connection.execute(insert(_changes).values(index_id=index_id, counts=change.packed()))

    def replace(self, documents: Iterable[Document]) -> int:
        """Build an index beside the one that serves, in transactions of its own."""
        with self._building() as connection:
            index_id = self._begun(connection)
            count = self._filled(connection, index_id, documents)
            connection.execute(update(_indexes).values(is_complete=_i.id == index_id))
            is_old_in_use = connection.scalar(select(select(_d.id).where(_d.index_id != index_id).exists()))
            connection.commit()
            if is_old_in_use:
                time.sleep(_GRACE_SECONDS)  # for whoever asked a moment ago where to look
        return count

    def tidy(self) -> bool:
        """Sum up the differences, and remove what a killed build has left; tell whether there was anything to do."""
        with db.engine.connect() as connection:
            summed = self._summed_up(connection)
            return self._cleared(connection) or summed

    def wipe(self) -> None:
        connection = db.session.connection()
        for table in (_changes, _documents, _indexes):
            connection.execute(delete(table))
        self._held = None

    def is_replaced(self) -> bool:
        """Tell whether an index is being built beside the one that serves, and must hear of what changes."""
        return bool(db.session.connection().scalar(select(select(_i.id).where(~_i.is_complete).exists())))

    def wait_for_writers(self) -> None:
        with db.engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_WRITING)))

    # Reading.

    def _current(self, connection: Connection) -> _Held | None:
        """Return the statistics as they are now; None where there is no index. One cheap look where nothing changed."""
        for _attempt in range(20):
            pending = select(func.coalesce(func.array_agg(_c.id), cast([], ARRAY(_c.id.type)))).where(
                _c.index_id == _i.id
            )
            row = connection.execute(
                select(_i.id, _i.generation, pending.scalar_subquery().label("pending"))
                .where(_i.name == self._name, _i.is_complete)
                .order_by(_i.id.desc())
                .limit(1)
            ).first()
            if row is None:
                if connection.scalar(select(select(_i.id).where(_i.is_complete).exists())):
                    raise SearchUnavailable
                return None
            held = self._held
            if held is not None and held[:2] == (row.id, row.generation) and held.recent.keys() == set(row.pending):
                return held
            with self._reading:
                held = self._caught_up(connection, row.id, row.generation, set(row.pending))
            if held is not None:
                return held
        raise SearchUnavailable

    def _caught_up(self, connection: Connection, index_id: int, generation: int, pending: set[int]) -> _Held | None:
        """Read what is missing; None where it was summed up meanwhile."""
        held = self._held
        if held is None or held[:2] != (index_id, generation):
            packed = connection.scalar(select(_i.counts).where(_i.id == index_id, _i.generation == generation))
            if packed is None:
                return None
            held = _Held(index_id, generation, Counts.unpacked(packed), {}, Statistics(Counts.none(), Counts.none()))
        missing = sorted(pending - held.recent.keys())
        recent = {number: counts for number, counts in held.recent.items() if number in pending}
        if missing:
            wanted = select(_c.id, _c.counts).where(_c.id == any_(cast(missing, ARRAY(_c.id.type))))
            recent |= {number: Counts.unpacked(packed) for number, packed in connection.execute(wanted)}
            if not pending <= recent.keys():
                return None
        self._held = held._replace(recent=recent, statistics=Statistics(held.base, Counts.total(recent.values())))
        return self._held

    # Writing.

    def _written(self, connection: Connection) -> int:
        """Return the index that serves; an empty one where there is none."""
        statement = select(_i.id).where(_i.name == self._name, _i.is_complete).order_by(_i.id.desc()).limit(1)
        found = connection.scalar(statement)
        if found is None:
            found = connection.scalar(insert(_indexes).values(**self._new(is_complete=True)).returning(_i.id))
        return int(found or 0)

    def _new(self, *, is_complete: bool) -> dict[str, Any]:
        return {
            "name": self._name,
            "is_complete": is_complete,
            "generation": 0,
            "changes": 0,
            "counts": Counts.none().packed(),
        }

    def _known(self, connection: Connection, built: Counts | None = None) -> Callable[[str], float]:
        """Return how well German words are known, from the list of words and from what is indexed already."""
        listed = lexicon.opened()
        try:
            held = self._current(connection)
        except SearchUnavailable:  # only an index of another version is there: the list of words has to do
            held = None
        told: dict[str, float] = {}

        def known(word: str) -> float:
            if word not in told:
                digests = np.array([facts.digest(word, "de")], dtype=np.uint64)
                seen = 0 if held is None else int(held.statistics.occurrences(digests)[0])
                seen += 0 if built is None else int(built.occurrences(digests)[0])
                told[word] = math.log1p(max(seen, 0)) + (_LISTED if listed.knows(word, "de") else 0.0)
            return told[word]

        return known

    # Building.

    @contextmanager
    def _building(self) -> Iterator[Connection]:
        """Hold the only right to build; raise `IndexBusy` where another process has it."""
        with db.engine.connect() as connection:
            if not connection.scalar(select(func.pg_try_advisory_lock(_BUILDING))):
                raise IndexBusy
            try:
                yield connection
            finally:
                connection.rollback()
                self._drop_unfinished(connection)
                connection.execute(select(func.pg_advisory_unlock(_BUILDING)))
                connection.commit()

    def _begun(self, connection: Connection) -> int:
        """Begin an index; from now on every writer notes what it changes."""
        self._drop_unfinished(connection)  # of a builder that was killed
        found = connection.scalar(insert(_indexes).values(**self._new(is_complete=False)).returning(_i.id))
        connection.commit()
        # Whoever began to write before that knows nothing of it: what they change must be there before it is read.
        self.wait_for_writers()
        return int(found or 0)

    def _filled(self, connection: Connection, index_id: int, documents: Iterable[Document]) -> int:
        waiting = iter(documents)
        count, sums = 0, [Counts.none()]
        while some := list(islice(waiting, _BATCH)):
            rows = records.to_keep(some, self._encoder, self._known(connection, sums[0]))
            connection.execute(
                postgresql.insert(_documents).on_conflict_do_nothing(), [{"index_id": index_id, **row} for row in rows]
            )
            connection.commit()
            count += len(rows)
            sums.append(records.counted(rows))
            if len(sums) > _SUMMED_AT_ONCE:
                sums = [Counts.total(sums)]
        connection.execute(
            update(_indexes).where(_i.id == index_id).values(counts=Counts.total(sums).packed(), changes=1)
        )
        connection.exec_driver_sql("ANALYZE search_document")
        return count

    def _drop_unfinished(self, connection: Connection) -> bool:
        found = list(connection.scalars(delete(_indexes).where(~_i.is_complete).returning(_i.id)))
        connection.commit()
        self._remove(connection, found)
        return bool(found)

    @staticmethod
    def _remove(connection: Connection, gone: Sequence[int]) -> None:
        """Take out what belongs to indexes that are gone, some at a time."""
        if not gone:
            return
        connection.execute(delete(_changes).where(_c.index_id.in_(gone)))
        while True:
            some = select(_d.id).where(_d.index_id.in_(gone)).limit(_GONE_AT_ONCE)
            removed = connection.execute(delete(_documents).where(_d.id.in_(some)))
            connection.commit()
            if removed.rowcount < _GONE_AT_ONCE:
                return

    # Putting in order.

    def _summed_up(self, connection: Connection) -> bool:
        """Add many differences to the counts that readers load whole; readers and writers are not disturbed."""
        found = connection.execute(
            select(_i.id, _i.counts).where(_i.name == self._name, _i.is_complete).with_for_update(skip_locked=True)
        ).first()
        pending = (
            [] if found is None else connection.execute(select(_c.id, _c.counts).where(_c.index_id == found.id)).all()
        )
        if found is None or len(pending) <= _MOST_PENDING:
            connection.rollback()
            return False
        counts = Counts.total(Counts.unpacked(packed) for packed in (found.counts, *(row.counts for row in pending)))
        connection.execute(
            update(_indexes)
            .where(_i.id == found.id)
            .values(counts=counts.packed(), generation=_i.generation + 1, changes=_i.changes + len(pending))
        )
        connection.execute(delete(_changes).where(_c.id == any_(cast([row.id for row in pending], ARRAY(_c.id.type)))))
        connection.commit()
        return True

    def _cleared(self, connection: Connection) -> bool:
        if not connection.scalar(select(func.pg_try_advisory_lock(_BUILDING))):
            connection.rollback()
            return False
        try:
            return self._drop_unfinished(connection)
        finally:
            connection.execute(select(func.pg_advisory_unlock(_BUILDING)))
            connection.commit()


_COUNTED: Final = select(_d.audience, _d.locale, _d.own_length, _d.asked_length, _d.inside_length, _d.record, _d.words)
_EMPTY: Final[dict[str, Any]] = {
    "locale": "",
    "audience": len(AUDIENCES),
    "solved": False,
    "answers": False,
    "weight": 1.0,
    "created": 0,
    "facets": 0,
    "author": "",
    "category": "",
    "tags": [],
    "own_length": 0,
    "asked_length": 0,
    "inside_length": 0,
    "sketch": "",
    "terms": "",
    "record": b"",
    "words": b"",
    "passages": b"",
}
"""The row of a document that is only claimed; it is for nobody."""


def _is_one_of(index_id: int, refs: Sequence[Ref]) -> ColumnElement[bool]:
    """Say that a row is the one of a ref; each kind with its ids, so that the statement is the same for any number."""
    kinds = cast([ref.kind for ref in refs], ARRAY(_d.kind.type))
    ids = cast([ref.id for ref in refs], ARRAY(_d.ref_id.type))
    wanted = select(func.unnest(kinds), func.unnest(ids))
    return and_(_d.index_id == index_id, tuple_(_d.kind, _d.ref_id).in_(wanted))
