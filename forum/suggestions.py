"""A question that need not be asked: a suggestion solved it, and that is counted."""

from datetime import datetime

from sqlalchemy import func, select

from accounts.people import Viewer
from core import texts
from core.db import db
from core.errors import NotFound
from forum.models import SolvedBySuggestion
from search import registry
from search.documents import Found

LONGEST_ID = 2**63 - 1
LONGEST_ASKED = 300


def suggested(kind: str, ref_id: int, *, viewer: Viewer) -> Found:
    """Return what was suggested, or raise `NotFound` when the viewer may not see it."""
    source = registry.source(kind)
    found = source.visible([ref_id], viewer).get(ref_id) if source is not None and 0 < ref_id <= LONGEST_ID else None
    if found is None:
        raise NotFound
    return found


def count_solved(found: Found, *, title: str, by: Viewer) -> SolvedBySuggestion:
    """Note that `found` answered what `by` was about to ask under `title`, which may be long or empty."""
    solved = SolvedBySuggestion(
        user_id=by.id,
        kind=found.ref.kind,
        ref_id=found.ref.id,
        title=texts.line(title[:LONGEST_ASKED], longest=LONGEST_ASKED)[:LONGEST_ASKED],
    )
    db.session.add(solved)
    db.session.flush()
    return solved


def solved_since(moment: datetime) -> int:
    """Return how many questions need not have been asked since then."""
    return db.session.scalar(select(func.count(SolvedBySuggestion.id)).where(SolvedBySuggestion.at >= moment)) or 0
