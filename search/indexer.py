"""Keeping the index equal to the database: in batches after every change, all anew, and checking."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from sqlalchemy import delete, select

from core.db import db, reading
from core.worker import chore
from search import registry, switching
from search.documents import Document, Ref
from search.engines import Condition, Engine, IndexBusy, SearchUnavailable, TransactionalEngine
from search.models import StaleNote

BATCH: Final = 500
_READ_AT_ONCE: Final = 200

Thing = TypeVar("Thing")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IndexReport:
    """How index and database compare; what waits in a note counts as neither missing nor surplus."""

    missing: frozenset[Ref]
    surplus: frozenset[Ref]
    stale_notes: int
    documents: int

    @property
    def is_clean(self) -> bool:
        return not self.missing and not self.surplus


def catch_up(limit: int = BATCH) -> int:
    """Bring up to `limit` noted changes into the index and return how many; rebuild an index that cannot be used.

    The notes are deleted after the index is committed, so a crash in between repeats work. Commits the session.
    """
    engine = registry.engine()
    if engine.condition() is not Condition.READY:
        return rebuild()
    db.session.commit()
    with reading():
        notes = _notes(limit)
        wanted = {Ref(kind, ref_id) for _, kind, ref_id in notes}
        current = _current(engine, wanted)
        if not isinstance(engine, TransactionalEngine):
            db.session.commit()
    if notes:
        engine.apply(current, wanted - {document.ref for document in current})
        switching.pass_on(wanted)
        _forget([note_id for note_id, _, _ in notes])
    db.session.commit()
    return len(notes)


def catch_up_late(name: str, limit: int = BATCH) -> int:
    """Bring what was noted for the engine `name` alone into its index and return how many. Commits the session."""
    engine = registry.engines()[name]
    is_building = isinstance(engine, TransactionalEngine) and engine.is_replaced()
    if is_building or engine.condition() is not Condition.READY:
        return 0
    notes = switching.notes_for(name, limit)
    if notes:
        wanted = {ref for _, ref in notes}
        current = _current(engine, wanted)
        engine.apply(current, wanted - {document.ref for document in current})
        switching.forget(note_id for note_id, _ in notes)
    db.session.commit()
    return len(notes)


def index_at_once(note_ids: Sequence[int]) -> None:
    """Bring changes into the index within the transaction that noted them, where the engine can, and forget the notes.

    What cannot be indexed keeps its note, so that the change itself is never lost: the worker tries again.
    """
    engine = registry.engine()
    if not isinstance(engine, TransactionalEngine) or engine.condition() is not Condition.READY:
        return
    connection = db.session.connection()
    found = select(StaleNote.id, StaleNote.kind, StaleNote.ref_id).order_by(StaleNote.kind, StaleNote.ref_id)
    notes = [
        row for some in batches(note_ids, BATCH) for row in connection.execute(found.where(StaleNote.id.in_(some)))
    ]
    # In one order for all transactions, so that two of them cannot wait for each other.
    for batch in batches(sorted(notes, key=lambda row: (row.kind, row.ref_id)), BATCH):
        wanted = {Ref(kind, ref_id) for _, kind, ref_id in batch}
        try:
            with connection.begin_nested():
                current = _current(engine, wanted)
                engine.apply(current, wanted - {document.ref for document in current})
                switching.pass_on(wanted)
                connection.execute(delete(StaleNote).where(StaleNote.id.in_([row.id for row in batch])))
        except Exception:
            # Whatever is wrong with the index, what somebody wrote is kept.
            log.exception("%s documents could not be indexed at once; the worker tries again", len(wanted))
            return


def rebuild(progress: Callable[[int, int], None] | None = None) -> int:
    """Write the whole index anew from the database and return how many documents it has.

    Readers keep the old one meanwhile, where it can be read. `progress` hears how many are done, of how many.
    """
    db.session.commit()
    with reading():
        notes = _notes(None)
        count = _replace(registry.engine(), progress)
    _forget([note_id for note_id, _, _ in notes])
    while catch_up_late(registry.engine_name()):
        pass
    return count


def switch(name: str, progress: Callable[[int, int], None] | None = None) -> IndexReport:
    """Build the index of another engine, while the old one serves and hears of every change; then both do.

    Return how the new index and the database compare.
    """
    switching.begin(name)
    engine = registry.engines()[name]
    with reading():
        _replace(engine, progress)
    while catch_up_late(name):
        pass
    switching.built(name)
    return check(name)


def check(name: str | None = None) -> IndexReport:
    """Compare the index with the database: the one that serves, or that of another engine."""
    with reading():
        notes = _notes(None)
        noted = {Ref(kind, ref_id) for _, kind, ref_id in notes}
        noted |= {ref for _, ref in switching.notes_for(name or registry.engine_name())}
        expected = {Ref(source.kind, ref_id) for source in registry.sources() for ref_id in source.ids()}
        held = registry.engines()[name or registry.engine_name()].refs()
        db.session.commit()
    return IndexReport(
        missing=frozenset(expected - held - noted),
        surplus=frozenset(held - expected - noted),
        stale_notes=len(notes),
        documents=len(held),
    )


def why_not_ready() -> str:
    """Return a sentence when the index cannot be used, else an empty string."""
    condition = registry.engine().condition()
    return "" if condition is Condition.READY else f"is {condition}; the worker rebuilds it"


def complaints() -> Iterator[str]:
    """Yield a sentence for each difference between index and database."""
    try:
        report = check()
    except SearchUnavailable:
        yield "The search index cannot be read; the worker rebuilds it, or `flask search rebuild` does."
        return
    if report.missing:
        yield f"{len(report.missing)} documents are missing from the index. Run `flask search rebuild`."
    if report.surplus:
        yield f"{len(report.surplus)} documents are in the index and should not be. Run `flask search rebuild`."


@chore("search.catch_up", every=1)
def catch_up_fully() -> None:
    """Bring every noted change into the index, batch by batch; another writer is waited for, not fought."""
    try:
        while catch_up() >= BATCH:
            pass
        for name in list(switching.behind()):
            while catch_up_late(name) >= BATCH:
                pass
        switching.finish()
        registry.engine().tidy()
    except IndexBusy:
        log.info("the index is being written by another process; the changes wait")


def _replace(engine: Engine, progress: Callable[[int, int], None] | None) -> int:
    ids = {source.kind: list(source.ids()) for source in registry.sources()}
    count = engine.replace(_told(_everything(ids), sum(map(len, ids.values())), progress))
    db.session.commit()
    return count


def _current(engine: Engine, refs: Collection[Ref]) -> list[Document]:
    """Return the documents of `refs` as they are now; where others may write too, they wait until this is done."""
    if isinstance(engine, TransactionalEngine):
        engine.claim(refs)
    return [document for kind, ids in _by_kind(refs).items() for document in _documents(kind, ids)]


def _notes(limit: int | None) -> Sequence[tuple[int, str, int]]:
    statement = select(StaleNote.id, StaleNote.kind, StaleNote.ref_id).order_by(StaleNote.id).limit(limit)
    return [(note_id, kind, ref_id) for note_id, kind, ref_id in db.session.execute(statement)]


def _by_kind(refs: Iterable[Ref]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {}
    for ref in refs:
        ids.setdefault(ref.kind, []).append(ref.id)
    return ids


def _everything(ids: dict[str, list[int]]) -> Iterator[Document]:
    for kind, of_kind in ids.items():
        yield from _documents(kind, of_kind)


def _documents(kind: str, ids: Collection[int]) -> Iterator[Document]:
    source = registry.source(kind)
    if source is None:  # a room that is not there any more; its documents go
        return
    for some in batches(ids, _READ_AT_ONCE):
        yield from source.documents(some)


def batches(those: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """Yield the things some at a time."""
    waiting = iter(those)
    while some := list(islice(waiting, size)):
        yield some


def _told(documents: Iterable[Document], total: int, progress: Callable[[int, int], None] | None) -> Iterator[Document]:
    for done, document in enumerate(documents, 1):
        yield document
        if progress is not None:
            progress(done, total)


def _forget(note_ids: Sequence[int]) -> None:
    for some in batches(note_ids, BATCH):
        db.session.execute(delete(StaleNote).where(StaleNote.id.in_(some)))
    db.session.commit()
