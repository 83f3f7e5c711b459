"""What people look for, what they open, and where they leave with nothing: kept for 90 days, without a person.

The page of results carries a sealed slip (what was asked, in which language, how many hits); a script sends it back
with a random mark that lives as long as the browser's tab. So a reading request writes nothing, and nobody can have
searches counted that were never made.

A program that searches over the API for people gets such a slip too and tells the same with `POST /searches`. Nobody
can say how many people are behind it, so what it tells is a gap to close where nothing was found or other words were
tried, and never makes a search popular.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Self

from flask import current_app
from flask_babel import gettext
from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import case, delete, func, select

from core.clock import now
from core.db import LARGEST_ID, db, reading
from core.errors import Invalid
from core.worker import chore
from search import registry
from search.analysis import tokens
from search.analysis.text import folded
from search.documents import Ref
from search.models import LONGEST_SEARCH, ClosedGap, LoggedSearch, PopularSearch

KEPT: Final = timedelta(days=90)
SAME_MATTER: Final = timedelta(minutes=10)
"""Who looks again within this time is taken to look for the same thing."""
ENOUGH_VISITORS: Final = 3
"""So many must have typed the same before others see it."""
MOST_POPULAR: Final = 200
LONGEST_POPULAR: Final = 60
_SHORTEST_POPULAR: Final = 3
_MOST_POPULAR_WORDS: Final = 8
_SLIP_SECONDS: Final = 24 * 3600
_MOST_POSITION: Final = 1000

_VISITOR = re.compile(r"[A-Za-z0-9_-]{16,40}")
_REF = re.compile(r"([a-z]{1,20}):([0-9]{1,18})")
_MAIL = re.compile(r"\S@\S+\.\S")
_IBAN = re.compile(r"\b[a-z]{2}[ ]?[0-9]{2}(?:[ ]?[a-z0-9]{4}){2,8}", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9](?:[ ()/.+-]{0,2}[0-9]){6,}")
"""Seven digits and more, however they are parted: numbers of telephones, customers, invoices, cards."""
_LONG_NUMBER = re.compile(r"[0-9]{6}")
_SECRET = re.compile(r"(?=\S*[0-9])(?=\S*[A-Za-z])[A-Za-z0-9+/=_-]{20,}")
"""A long word of letters and digits: a key or a password that went into the wrong field."""
_OPERATOR = re.compile(r'[:@/<>"„“”]|(?:^|\s)-')


@dataclass(frozen=True, slots=True)
class Slip:
    """A search that was made on this installation: as typed, in which language of the page, with how many hits."""

    text: str
    locale: str
    hits: int | None
    """None on a page that does not count as a search of its own: a further one, or one that a filter narrows."""
    by_program: bool = False
    """Whether it was made over the API; such a slip is no good on the page, and the other way round."""

    @property
    def words(self) -> str:
        return words_of(self.text)

    def seal(self) -> str:
        """Return the slip as the page carries it; only this installation can write one."""
        return str(_sealing(by_program=self.by_program).dumps([self.text[:LONGEST_SEARCH], self.locale, self.hits]))

    @classmethod
    def unseal(cls, sealed: str, *, by_program: bool = False) -> Self:
        """Return what was sealed within the last day, or raise `Invalid`."""
        try:
            text, locale, hits = _sealing(by_program=by_program).loads(sealed, max_age=_SLIP_SECONDS)
        except BadData:
            raise Invalid(gettext("This search was not made here, or too long ago.")) from None
        return cls(text, locale, hits, by_program)


def words_of(text: str) -> str:
    """Return the one spelling of a search by which equal ones are recognised; operators keep their signs."""
    text = "".join(sign if sign.isprintable() else " " for sign in text[:LONGEST_SEARCH])
    parts = (part.casefold() if _OPERATOR.search(part) else _folded(part) for part in text.split())
    return " ".join(part for part in parts if part)[:LONGEST_SEARCH]


def is_kept(text: str) -> bool:
    """Tell whether a search may be kept: not if it looks like an address, a number of somebody, or a secret."""
    private = (_MAIL, _IBAN, _DIGITS, _LONG_NUMBER, _SECRET)
    return bool(words_of(text)) and not any(pattern.search(text) for pattern in private)


def slip_of(text: str, locale: str, hits: int | None, *, viewer: Any, by_program: bool = False) -> Slip | None:
    """Return what may be told of a search of `viewer`; None where nothing may.

    Who on the team tries a search is not looking for something.
    """
    is_team = viewer.is_authenticated and viewer.is_team
    return None if is_team or not is_kept(text) else Slip(text, locale, hits, by_program)


def note(slip: Slip, *, visitor: str) -> LoggedSearch | None:
    """Keep a search; the same one again within ten minutes is one, and other words for it mark the one before."""
    before = _latest(_checked(visitor))
    if slip.hits is None or not is_kept(slip.text):
        return None
    is_recent = before is not None and now() - before.at < SAME_MATTER
    if before is not None and is_recent:
        if (before.words, before.locale) == (slip.words, slip.locale):
            return before
        if _is_the_same_matter(before, slip):
            before.asked_again_at = now()
    row = LoggedSearch(
        visitor=visitor,
        text=slip.text,
        words=slip.words,
        locale=slip.locale,
        hits=slip.hits,
        by_program=slip.by_program,
    )
    db.session.add(row)
    db.session.flush()
    return row


def note_opened(slip: Slip, *, visitor: str, ref: Ref, position: int) -> None:
    """Note which hit of a search was opened first."""
    row = _latest(_checked(visitor), slip)
    if row is not None and row.opened_at is None:
        row.opened_kind, row.opened_id = ref.kind, ref.id
        row.opened_position = min(max(position, 1), _MOST_POSITION)
        row.opened_at = now()
        db.session.flush()


def note_asked_people(slip: Slip, *, visitor: str) -> None:
    """Note that somebody went from the results on to ask the community."""
    row = _latest(_checked(visitor), slip)
    if row is not None and row.asked_people_at is None:
        row.asked_people_at = now()
        db.session.flush()


def ref_of(text: str) -> Ref:
    """Return the thing that "topic:12" names, or raise `Invalid`."""
    found = _REF.fullmatch(text)
    if found is None or registry.source(found[1]) is None or int(found[2]) > LARGEST_ID:
        raise Invalid
    return Ref(found[1], int(found[2]))


def popular(locale: str, beginning: str = "", *, limit: int) -> list[str]:
    """Return what many people looked for and found and what begins so, the most popular first."""
    words = words_of(beginning)
    if beginning and not words:
        return []
    statement = (
        select(PopularSearch.text)
        .where(PopularSearch.locale == locale, PopularSearch.words.startswith(words, autoescape=True))
        .order_by(PopularSearch.visitors.desc(), PopularSearch.words)
        .limit(limit)
    )
    return list(db.session.scalars(statement))


@chore("search.popular", every=600)
def choose_popular() -> None:
    """Choose anew what is shown to everybody: typed by three visitors or more, still found, and harmless."""
    db.session.commit()
    with reading():
        chosen = {(row.locale, row.words): row for row in _popular_searches()}
        known = {(row.locale, row.words): row for row in db.session.scalars(select(PopularSearch))}
        is_same = {key: (row.text, row.visitors) for key, row in chosen.items()} == {
            key: (row.text, row.visitors) for key, row in known.items()
        }
        db.session.rollback()
    if not is_same:
        db.session.execute(delete(PopularSearch))
        db.session.add_all(chosen.values())
    db.session.commit()


@chore("search.forget", every=3600)
def forget() -> None:
    """Forget what is older than 90 days; what should not be shown to everybody stays hidden."""
    before = now() - KEPT
    db.session.execute(delete(LoggedSearch).where(LoggedSearch.at < before))
    db.session.execute(delete(ClosedGap).where(ClosedGap.at < before, ClosedGap.kind != "popular"))
    db.session.commit()


def _sealing(*, by_program: bool) -> URLSafeTimedSerializer:
    salt = "search-log-api" if by_program else "search-log"
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=salt)


def _folded(part: str) -> str:
    return " ".join(folded(word.text) for word in tokens.words(part))


def _checked(visitor: str) -> str:
    if not _VISITOR.fullmatch(visitor):
        raise Invalid
    return visitor


def _latest(visitor: str, slip: Slip | None = None) -> LoggedSearch | None:
    statement = select(LoggedSearch).where(LoggedSearch.visitor == visitor)
    if slip is not None:
        statement = statement.where(LoggedSearch.words == slip.words, LoggedSearch.locale == slip.locale)
    return db.session.scalars(statement.order_by(LoggedSearch.id.desc()).limit(1)).first()


def _is_the_same_matter(before: LoggedSearch, slip: Slip) -> bool:
    """Who opened nothing still looks for it; who opened something does so only in partly the same words."""
    return before.opened_at is None or bool(set(before.words.split()) & set(slip.words.split()))


def _popular_searches() -> Iterable[PopularSearch]:
    newest = func.max(LoggedSearch.id)
    finders = func.count(case((LoggedSearch.hits > 0, LoggedSearch.visitor)).distinct())
    often = db.session.execute(
        select(newest, finders)
        .where(~LoggedSearch.by_program)
        .group_by(LoggedSearch.words, LoggedSearch.locale)
        .having(finders >= ENOUGH_VISITORS)
        .order_by(finders.desc(), newest.desc())
        .limit(MOST_POPULAR)
    )
    counted = {row[0]: row[1] for row in often}
    # The newest of them says whether it still finds something: what was muted since is not looked for in vain.
    hidden = select(ClosedGap.id).where(
        ClosedGap.kind == "popular", ClosedGap.words == LoggedSearch.words, ClosedGap.locale == LoggedSearch.locale
    )
    still = select(LoggedSearch).where(LoggedSearch.id.in_(counted), LoggedSearch.hits > 0, ~hidden.exists())
    for row in db.session.scalars(still):
        if _is_for_all(row.text):
            yield PopularSearch(locale=row.locale, words=row.words, text=row.text, visitors=counted[row.id])


def _is_for_all(text: str) -> bool:
    """Tell whether everybody may read what somebody typed: plain words, few and short, without signs and numbers."""
    return (
        is_kept(text)
        and _SHORTEST_POPULAR <= len(text) <= LONGEST_POPULAR
        and len(text.split()) <= _MOST_POPULAR_WORDS
        and text.isprintable()
        and not _OPERATOR.search(text)
        and any(letter.isalpha() for letter in text)
    )
