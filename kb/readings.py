"""How often articles are read, as the page's script tells; who read them is kept nowhere.

A process gathers for a while before it writes: every commit makes the pages anew that are kept ready for guests.
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

_lock = threading.Lock()
_gathered: Counter[int] = Counter()
_written_at = 0.0


def note(article: Article) -> None:
    """Count that somebody read an article; written with the first one that comes after `SECONDS`."""
    global _gathered, _written_at
    with _lock:
        _gathered[article.id] += 1
        if time.monotonic() - _written_at < SECONDS:
            return
        due, _gathered, _written_at = _gathered, Counter(), time.monotonic()
    _write(due)


def _write(due: Counter[int]) -> None:
    known = set(db.session.scalars(select(Article.id).where(Article.id.in_(due))))
    today = now().astimezone(UTC).date()
    rows = [{"article_id": article_id, "day": today, "count": due[article_id]} for article_id in sorted(known)]
    if rows:
        statement = inserting(ArticleReading).values(rows)
        more = {"count": ArticleReading.count + statement.excluded.count}
        db.session.execute(statement.on_conflict_do_update(index_elements=["article_id", "day"], set_=more))
