"""How search hears of changes: a note in the same transaction, so that a crash can repeat work and never lose it.

Where the index lies in the database itself, the same transaction brings the changes into it and needs no note any more.
"""

from collections.abc import Iterable

from flask import Flask
from sqlalchemy import event, insert
from sqlalchemy.orm import Session, SessionTransaction, UOWTransaction

from core.clock import now
from core.db import db
from search import indexer, registry
from search.engines import TransactionalEngine
from search.models import StaleNote

_NOTED = "search notes of this transaction"


def init_app(_app: Flask) -> None:
    """Listen to the one session of all applications; listening twice would note twice."""
    for name, listener in (
        ("after_flush", _note_what_changed),
        ("before_commit", _index_what_was_noted),
        ("after_soft_rollback", _forget_what_was_noted),
    ):
        if not event.contains(db.session, name, listener):
            event.listen(db.session, name, listener)


def note(kind: str, ids: Iterable[int]) -> None:
    """Note that documents changed behind the session's back: bulk imports, UPDATE and DELETE statements."""
    _write(db.session(), {(kind, ref_id) for ref_id in ids})


def _note_what_changed(session: Session, _flush: UOWTransaction) -> None:
    changed = [*session.new, *session.deleted, *(row for row in session.dirty if session.is_modified(row))]
    if not changed:
        return
    with session.no_autoflush:  # a source may look at a neighbour that is not loaded
        _write(
            session,
            {(source.kind, ref_id) for source in registry.sources() for row in changed for ref_id in source.stale(row)},
        )


def _write(session: Session, refs: set[tuple[str, int]]) -> None:
    if refs:
        at = now()
        rows = [{"kind": kind, "ref_id": ref_id, "noted_at": at} for kind, ref_id in sorted(refs)]
        if isinstance(registry.engine(), TransactionalEngine):
            written = session.connection().execute(insert(StaleNote.__table__).returning(StaleNote.id), rows)
            session.info.setdefault(_NOTED, []).extend(written.scalars())
        else:
            session.connection().execute(insert(StaleNote.__table__), rows)


def _index_what_was_noted(session: Session) -> None:
    if session.in_nested_transaction():  # the end of a savepoint: what surrounds it may still fail
        return
    session.flush()
    note_ids = session.info.pop(_NOTED, [])
    if note_ids:
        indexer.index_at_once(note_ids)


def _forget_what_was_noted(session: Session, ended: SessionTransaction) -> None:
    if not ended.nested:
        session.info.pop(_NOTED, None)
