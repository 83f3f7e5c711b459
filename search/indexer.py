"""Keeping the index equal to the database: in batches after every change, all anew, and checking."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy import delete, select

from core.db import db, reading
from core.worker import chore
from search import registry
from search.documents import Document, Ref
from search.engines import Condition, IndexBusy, SearchUnavailable
from search.models import StaleNote

BATCH: Final = 500
_READ_AT_ONCE: Final = 200

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
        current = [document for kind, ids in _by_kind(wanted).items() for document in _documents(kind, ids)]
        db.session.commit()
    if notes:
        engine.apply(current, wanted - {document.ref for document in current})
        _forget([note_id for note_id, _, _ in notes])
    return len(notes)


def rebuild(progress: Callable[[int, int], None] | None = None) -> int:
    """Write the whole index anew from the database and return how many documents it has.

    Readers keep the old one meanwhile, where it can be read. `progress` hears how many are done, of how many.
    """
    db.session.commit()
    with reading():
        notes = _notes(None)
        ids = {source.kind: list(source.ids()) for source in registry.sources()}
        count = registry.engine().replace(_told(_everything(ids), sum(map(len, ids.values())), progress))
        db.session.commit()
    _forget([note_id for note_id, _, _ in notes])
    return count


def check() -> IndexReport:
    """Compare the index with the database."""
    with reading():
        notes = _notes(None)
        noted = {Ref(kind, ref_id) for _, kind, ref_id in notes}
        expected = {Ref(source.kind, ref_id) for source in registry.sources() for ref_id in source.ids()}
        held = registry.engine().refs()
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
        registry.engine().tidy()
    except IndexBusy:
        log.info("the index is being written by another process; the changes wait")


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
    waiting = iter(ids)
    while some := list(islice(waiting, _READ_AT_ONCE)):
        yield from source.documents(some)


def _told(documents: Iterable[Document], total: int, progress: Callable[[int, int], None] | None) -> Iterator[Document]:
    for done, document in enumerate(documents, 1):
        yield document
        if progress is not None:
            progress(done, total)


def _forget(note_ids: Sequence[int]) -> None:
    waiting = iter(note_ids)
    while some := list(islice(waiting, BATCH)):
        db.session.execute(delete(StaleNote).where(StaleNote.id.in_(some)))
    db.session.commit()
