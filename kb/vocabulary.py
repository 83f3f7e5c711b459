"""Words that mean the same: what the search also looks for, said by an admin."""

from collections.abc import Iterable

from flask_babel import gettext

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from core.i18n import LOCALES
from kb import policy
from search import synonyms
from search.models import Synonym


def group(synonym_id: int) -> Synonym:
    """Return a group of words, or raise `NotFound`."""
    found = db.session.get(Synonym, synonym_id) if synonym_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def add(*, words: Iterable[str], locale: str | None, is_one_way: bool = False, by: User) -> Synonym:
    """Say that words mean the same; with `is_one_way` the first only leads to the others."""
    if not policy.may_arrange_synonyms(by):
        raise NotAllowed
    check_room()
    added = Synonym(words=synonyms.checked(words), locale=_checked(locale), is_one_way=is_one_way)
    db.session.add(added)
    db.session.flush()
    synonyms.changed()
    audit.record("kb.synonym.add", added, by=by, after=_state(added))
    return added


def revise(synonym: Synonym, *, words: Iterable[str], locale: str | None, is_one_way: bool, by: User) -> None:
    """Say anew what a group is."""
    if not policy.may_arrange_synonyms(by):
        raise NotAllowed
    before = _state(synonym)
    synonym.words, synonym.locale, synonym.is_one_way = synonyms.checked(words), _checked(locale), is_one_way
    if before != _state(synonym):
        synonym.changed_at = now()
        db.session.flush()
        synonyms.changed()
        audit.record("kb.synonym.revise", synonym, by=by, before=before, after=_state(synonym))


def remove(synonym: Synonym, *, by: User) -> None:
    """Say that the words of a group do not mean the same."""
    if not policy.may_arrange_synonyms(by):
        raise NotAllowed
    audit.record("kb.synonym.remove", synonym, by=by, before=_state(synonym))
    db.session.delete(synonym)
    db.session.flush()
    synonyms.changed()


def check_room() -> None:
    """Raise `Invalid` where there are as many groups as there may be."""
    if synonyms.count() >= synonyms.MOST_GROUPS:
        raise Invalid(
            gettext("There are %(most)s groups already; more would slow the search.", most=synonyms.MOST_GROUPS)
        )


def _checked(locale: str | None) -> str | None:
    if locale is not None and locale not in LOCALES:
        sentence = gettext("Please choose one of the list.")
        raise Invalid(sentence, fields={"locale": sentence})
    return locale


def _state(synonym: Synonym) -> dict[str, object]:
    return {"words": list(synonym.words), "locale": synonym.locale, "one way": synonym.is_one_way}
