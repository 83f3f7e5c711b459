"""Likeness: how often agents write freely what a nominated answer says already. The queue of promotion weighs it.

Rooms above this one say what was written (`contribute`). It is compared by the search's own similarity in the worker,
and only the number is kept: the queue costs no more for it, and no word of a conversation gets into it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select, update

from core import markup
from core.db import db, reading
from core.i18n import LOCALES
from core.worker import chore
from forum.models import Post, Topic
from kb.models import Nomination
from search import gathering

EVERY_SECONDS: Final = 3600
MOST_COMPARED: Final = gathering.MOST // 2
"""So many of the latest nominations with so many of the latest texts."""
LONGEST: Final = 300
"""Characters of an answer that are compared; what is contributed is cut alike."""


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody was told freely; `who` tells conversations apart, so that one counts once."""

    who: str
    text: str


Source = Callable[[str, int], Iterable[Written]]

_sources: dict[str, Source] = {}


def contribute(kind: str, source: Source) -> None:
    """Ask `source` what was written freely in a language, so many of the latest at most."""
    _sources[kind] = source


@chore("kb.compare_with_replies", every=EVERY_SECONDS)
def compare() -> int:
    """Count anew for everything that waits for an editor; return for how many the number changed."""
    changed = 0
    for locale in LOCALES:
        with reading():  # comparing takes a while, and nobody waits for it who writes
            answers, written = _answers(locale), _written(locale)
            db.session.rollback()
        texts = [text for _id, _known, text in answers], [one.text for one in written]
        counts = [len({written[place].who for place in alike}) for alike in gathering.alike(*texts, locale)]
        news = [
            {"nomination": nomination_id, "count": count}
            for (nomination_id, known, _text), count in zip(answers, counts, strict=True)
            if count != known
        ]
        if news:
            count = update(Nomination).where(Nomination.id == bindparam("nomination")).values(alike=bindparam("count"))
            db.session.connection().execute(count, news)
            db.session.commit()
        changed += len(news)
    return changed


def _answers(locale: str) -> list[tuple[int, int, str]]:
    """Return of the nominations that wait the id, the number that is kept, and the beginning of the answer."""
    rows = db.session.execute(
        select(Nomination.id, Nomination.alike, Post.html)
        .join(Post, Post.id == Nomination.post_id)
        .join(Topic, Topic.id == Post.topic_id)
        .where(Nomination.state == "pending", Topic.locale == locale)
        .order_by(Nomination.id.desc())
        .limit(MOST_COMPARED)
    )
    return [(row.id, row.alike, markup.excerpt(markup.plain(row.html), LONGEST)) for row in rows]


def _written(locale: str) -> list[Written]:
    return [one for source in _sources.values() for one in source(locale, MOST_COMPARED)][:MOST_COMPARED]
