"""Searches that went wrong: what the knowledge base still lacks, and what is done about it."""

from typing import Final

from sqlalchemy import delete, func, select, update

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import NotAllowed, NotFound
from core.unique import add_once
from kb import policy
from search.models import GAPS, ClosedGap, ClosedKind, PopularSearch

KINDS: Final[tuple[ClosedKind, ...]] = ("nothing", "unopened", "again", "popular")


def counts() -> dict[ClosedKind, int]:
    """Return how many searches with the same words each list has."""
    found: dict[ClosedKind, int] = {
        kind: db.session.scalar(select(func.count()).select_from(view)) or 0 for kind, view in GAPS.items()
    }
    return {**found, "popular": db.session.scalar(select(func.count(PopularSearch.id))) or 0}


def close(kind: ClosedKind, *, words: str, locale: str, by: User) -> None:
    """Say that a gap is seen to, until the search goes wrong again; or hide a popular search for good."""
    if not policy.may_see_searches(by):
        raise NotAllowed
    if not _is_listed(kind, words, locale):
        if _closed(kind, words, locale) is not None:  # pressed twice, or somebody else was as quick
            return
        raise NotFound
    if not add_once(ClosedGap, kind=kind, words=words, locale=locale, by_id=by.id, at=now()):
        same = (ClosedGap.kind == kind, ClosedGap.words == words, ClosedGap.locale == locale)
        db.session.execute(update(ClosedGap).where(*same).values(by_id=by.id, at=now()))
    if kind == "popular":
        db.session.execute(delete(PopularSearch).where(PopularSearch.words == words, PopularSearch.locale == locale))
    closed = _closed(kind, words, locale)
    audit.record("kb.search.close", closed, by=by, after={"list": kind, "words": words, "locale": locale})


def _is_listed(kind: ClosedKind, words: str, locale: str) -> bool:
    listed = PopularSearch if kind == "popular" else GAPS[kind]
    found = select(listed.words).where(listed.words == words, listed.locale == locale)
    return db.session.scalar(found.limit(1)) is not None


def _closed(kind: ClosedKind, words: str, locale: str) -> ClosedGap | None:
    return db.session.scalars(
        select(ClosedGap).where(ClosedGap.kind == kind, ClosedGap.words == words, ClosedGap.locale == locale)
    ).one_or_none()
