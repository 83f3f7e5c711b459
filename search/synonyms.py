"""Words that mean the same, as the team says; read by the query, arranged by the knowledge base."""

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from flask import Flask, current_app
from flask_babel import gettext
from sqlalchemy import func, select

from core import texts
from core.db import db
from core.errors import Invalid
from core.i18n import LOCALES
from search.analysis import tokens
from search.analysis.text import folded
from search.models import Synonym, SynonymVersion

MOST_GROUPS: Final = 200
MOST_WORDS: Final = 20
LONGEST_PHRASE: Final = 80
CHECK_SECONDS: Final = 3.0
"""After so long a process asks whether another one changed something."""

_EXTENSION: Final = "klinke-synonyms"
_THE_ONE: Final = 1


@dataclass(slots=True)
class _Book:
    """What this process knows, of which version, and when it last asked."""

    version: str = ""
    asked_at: float = float("-inf")
    pages: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)


def init_app(app: Flask) -> None:
    """Open an empty book for this application."""
    app.extensions[_EXTENSION] = _Book()


def forget(app: Flask) -> None:
    """Have the next question ask the database."""
    app.extensions[_EXTENSION] = _Book()


def key(phrase: str) -> str:
    """Return the spelling by which words and phrases are compared: "E-Mail" and "e mail" are one."""
    return " ".join(folded(word.text) for word in tokens.words(phrase[:LONGEST_PHRASE]))


def expansions(word_or_phrase: str, locale: str) -> tuple[str, ...]:
    """Return what else to look for who looks for this, as the team wrote it; empty where nothing means the same."""
    return all_of(locale).get(key(word_or_phrase), ())


def all_of(locale: str) -> Mapping[str, tuple[str, ...]]:
    """Return what else to look for, by the `key` of each word or phrase that has something; one cheap look at most."""
    book: _Book = current_app.extensions[_EXTENSION]
    if time.monotonic() - book.asked_at >= CHECK_SECONDS:
        version = _version()
        if version != book.version:
            book.pages = {each: _page(each) for each in LOCALES} if version else {}
            book.version = version
        book.asked_at = time.monotonic()
    return book.pages.get(locale, {})


def groups() -> Sequence[Synonym]:
    """Return every group, in the order of the alphabet."""
    return sorted(db.session.scalars(select(Synonym)), key=lambda group: [key(word) for word in group.words])


def count() -> int:
    """Return how many groups there are."""
    return db.session.scalar(select(func.count(Synonym.id))) or 0


def checked(words: Iterable[str]) -> list[str]:
    """Return words and phrases as they are kept, each once; raise `Invalid` at `words` where they are no group."""
    found: dict[str, str] = {}
    for word in words:
        try:
            clean = texts.line(word, longest=LONGEST_PHRASE)
        except Invalid as error:
            raise _wrong(
                gettext("“%(word)s”: %(problem)s", word=word[:LONGEST_PHRASE], problem=error.sentence)
            ) from None
        if key(clean):
            found.setdefault(key(clean), clean)
    if len(found) < 2:  # noqa: PLR2004 -- one word has nobody to mean the same as
        raise _wrong(gettext("Please give two words or more that mean the same."))
    if len(found) > MOST_WORDS:
        raise _wrong(
            gettext("At most %(most)s words mean the same; these are %(count)s.", most=MOST_WORDS, count=len(found))
        )
    return list(found.values())


def changed() -> None:
    """Tell every process that the synonyms are others now, in the transaction that changed them."""
    db.session.merge(SynonymVersion(id=_THE_ONE, mark=secrets.token_hex(16)))
    db.session.flush()
    forget(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 -- werkzeug's documented way


def _version() -> str:
    return db.session.scalar(select(SynonymVersion.mark).where(SynonymVersion.id == _THE_ONE)) or ""


def _page(locale: str) -> dict[str, tuple[str, ...]]:
    others: dict[str, dict[str, str]] = {}
    for words, is_one_way, of_locale in db.session.execute(
        select(Synonym.words, Synonym.is_one_way, Synonym.locale).order_by(Synonym.id)
    ):
        if of_locale in {None, locale}:
            for word in words[:1] if is_one_way else words:
                mine = key(word)
                others.setdefault(mine, {}).update((key(other), other) for other in words if key(other) != mine)
    return {word: tuple(same.values()) for word, same in others.items()}


def _wrong(sentence: str) -> Invalid:
    return Invalid(sentence, fields={"words": sentence})
