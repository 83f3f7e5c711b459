"""How search hears of changes: a note in the same transaction, so that a crash can repeat work and never lose it."""

from collections.abc import Iterable

from flask import Flask
from sqlalchemy import event, insert
from sqlalchemy.orm import Session, UOWTransaction

from core.clock import now
from core.db import db
from search import registry
from search.models import StaleNote


def init_app(_app: Flask) -> None:
    """Listen to the one session of all applications; listening twice would note twice."""
    if not event.contains(db.session, "after_flush", _note_what_changed):
        event.listen(db.session, "after_flush", _note_what_changed)


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
        session.connection().execute(insert(StaleNote.__table__), rows)
