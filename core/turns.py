"""Deeds that must not be done at the same moment by two people, whichever rows they touch."""

import zlib

from sqlalchemy import func, select

from core.db import db


def take_turn(name: str) -> None:
    """Wait until no other transaction has this turn; it is given back when the transaction ends.

    On SQLite there is one writer at a time anyway. Read what the deed depends on afterwards.
    """
    db.session.flush()
    if db.session.get_bind().dialect.name == "postgresql":
        db.session.execute(select(func.pg_advisory_xact_lock(zlib.crc32(name.encode()))))
