"""From one engine to the other without a gap: both are kept up until the new one has served for a while.

There are two engines only where the database is PostgreSQL, and so the tables of this page are only there.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, insert, select, update

from core.clock import now
from core.db import db
from search import registry
from search.documents import Ref
from search.engines import Engine, TransactionalEngine
from search.engines.postgres_tables import late_notes, switches

KEPT_UP: Final = timedelta(hours=1)
"""So long after the new engine began to serve the old one is kept up too, for processes not yet started anew."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Switch:
    """A switch under way."""

    engine: str
    is_built: bool


def current() -> Switch | None:
    """Return the switch that is under way; None where one engine is all there is."""
    if not _is_possible():
        return None
    row = db.session.execute(select(switches.c.engine, switches.c.is_built)).first()
    return None if row is None else Switch(row.engine, row.is_built)


def begin(engine: str) -> None:
    """Have every change noted for `engine` too from now on. Commits the session."""
    stop()
    db.session.execute(insert(switches).values(engine=engine, is_built=False))
    db.session.commit()
    serving = registry.engine()
    if isinstance(serving, TransactionalEngine):
        serving.wait_for_writers()


def built(engine: str) -> None:
    """Say that the index of `engine` is complete, and that the worker keeps it up. Commits the session."""
    db.session.execute(update(switches).where(switches.c.engine == engine).values(is_built=True))
    db.session.commit()


def stop() -> None:
    """Keep up only the engine that serves; what was noted for others is forgotten. Commits the session."""
    db.session.execute(delete(switches))
    db.session.execute(delete(late_notes).where(late_notes.c.engine != registry.engine_name()))
    db.session.commit()


def pass_on(refs: Collection[Ref]) -> None:
    """Note what the serving index has heard of for every other one that must hear of it, in the same transaction."""
    rows = [
        {"engine": name, "kind": ref.kind, "ref_id": ref.id}
        for name in _others()
        for ref in sorted(refs, key=lambda ref: (ref.kind, ref.id))
    ]
    if rows:
        db.session.execute(insert(late_notes), rows)


def notes_for(engine: str, limit: int | None = None) -> Sequence[tuple[int, Ref]]:
    """Return what `engine` has not heard of, oldest first, with the ids of the notes."""
    if not _is_possible():
        return []
    wanted = select(late_notes).where(late_notes.c.engine == engine).order_by(late_notes.c.id).limit(limit)
    return [(row.id, Ref(row.kind, row.ref_id)) for row in db.session.execute(wanted)]


def forget(note_ids: Iterable[int]) -> None:
    """Forget notes that their index has heard of."""
    db.session.execute(delete(late_notes).where(late_notes.c.id.in_(list(note_ids))))


def behind() -> Iterator[str]:
    """Yield the engines whose index the worker has to keep up beside the serving one."""
    switch = current()
    if switch is not None and switch.is_built:
        yield from registry.engines()
    elif _is_possible():
        yield registry.engine_name()


def finish() -> None:
    """Notice that the new engine serves, and remove the index of the old one after `KEPT_UP`. Commits the session."""
    switch = current()
    if switch is None or switch.engine != registry.engine_name():
        return
    since = db.session.scalar(select(switches.c.serving_since))
    if since is None:
        db.session.execute(update(switches).values(serving_since=now()))
    elif now() - since > KEPT_UP:
        stop()
        for old in _not_serving():
            old.wipe()
        log.info("search is served by %s alone; the other index is removed", switch.engine)
    db.session.commit()


def _others() -> Iterator[str]:
    """Yield the engines that must hear of a change besides the serving one, or anew."""
    if not _is_possible():
        return
    serving = registry.engine()
    if isinstance(serving, TransactionalEngine) and serving.is_replaced():
        yield registry.engine_name()
    if current() is not None:
        yield from (name for name in registry.engines() if name != registry.engine_name())


def _not_serving() -> Iterator[Engine]:
    return (engine for name, engine in registry.engines().items() if name != registry.engine_name())


def _is_possible() -> bool:
    return len(registry.engines()) > 1
