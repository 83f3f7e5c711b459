"""What a process still has to do before it ends in order: rooms hold in memory what need not be written at once."""

import atexit
import logging
from collections.abc import Callable
from typing import Final

from flask import Flask

from core.db import db

ENDERS: Final[dict[str, Callable[[], None]]] = {}
"""By a name what writes down what a process holds; it flushes, and costs nothing where there is nothing to write."""

log = logging.getLogger(__name__)


def finish_at_exit(app: Flask) -> None:
    """Have the process finish when it ends by itself, by Ctrl-C or by SIGTERM; nobody can promise more."""
    atexit.register(finish, app)


def finish(app: Flask) -> None:
    """Write down what this process holds; what cannot be written is said in the log and does not hold up the rest."""
    for name, end in ENDERS.items():
        with app.app_context():
            try:
                end()
                db.session.commit()
            except Exception:  # of one room; the others still have something to write, and the process ends anyway
                db.session.rollback()
                log.exception("%s could not be written when the process ended", name)
