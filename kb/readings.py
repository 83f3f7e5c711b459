"""How often articles are read, as the page's script tells; who read them is kept nowhere.

A process gathers for a while before it writes: every commit makes the pages anew that are kept ready for guests. It
writes when it ends in order; a crash (SIGKILL, a power cut) loses fewer than `MOST` readings of each process.
"""

import threading
import time
from collections import Counter
from datetime import UTC

from sqlalchemy import select

from core.clock import now
from core.db import db
from core.unique import inserting
from kb.models import Article, ArticleReading

SECONDS = 60.0
MOST = 100
"""So many are written at once, however short ago the last ones were."""

_lock = threading.Lock()
_gathered: Counter[int] = Counter()
_written_at = 0.0


def note(article: Article) -> None:
    """Count that somebody read an article; written with the first that comes after `SECONDS`, or as number `MOST`."""
    with _lock:
        _gathered[article.id] += 1
        if time.monotonic() - _written_at < SECONDS and _gathered.total() < MOST:
            return
    write_down()


def write_down() -> None:
    """Write what was gathered; where that fails it is kept for the next time."""
    global _gathered, _written_at
    with _lock:
        due, _gathered, _written_at = _gathered, Counter(), time.monotonic()
    if not due:
        return
    try:
        _write(due)
    except Exception:
        with _lock:
            _gathered.update(due)
        raise


def forget() -> None:
    """Drop what was gathered: for a process that goes on with another database, as tests do."""
    with _lock:
        _gathered.clear()


def _write(due: Counter[int]) -> None:
    known = set(db.session.scalars(select(Article.id).where(Article.id.in_(due))))
    today = now().astimezone(UTC).date()
    rows = [{"article_id": article_id, "day": today, "count": due[article_id]} for article_id in sorted(known)]
    if rows:
        statement = inserting(ArticleReading).values(rows)
        more = {"count": ArticleReading.count + statement.excluded.count}
        db.session.execute(statement.on_conflict_do_update(index_elements=["article_id", "day"], set_=more))
