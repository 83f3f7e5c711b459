"""Who publishes in a section: editors, agents as well, or people who are named. Admins say so; nobody gets round it."""

from collections.abc import Iterable
from typing import Final, Literal

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit, people
from accounts.models import User
from accounts.transfer import reference
from core.db import db
from core.errors import Invalid, NotAllowed
from kb import policy
from kb.models import Article, Section

Who = Literal["editors", "agents", "people"]
WHO: Final[tuple[Who, ...]] = ("editors", "agents", "people")
MOST_PEOPLE: Final = 20
AGENTS_TOO: Final = ["role:editor", "role:agent"]
_PERSON: Final = "user:"


def choose(section: Section, who: str, *, handles: Iterable[str] = (), by: User) -> None:
    """Say who publishes in a section from now on; a plan of somebody who may not any more fails and says so."""
    if not policy.may_set_publishers(by):
        raise NotAllowed(gettext("Only admins say who publishes in a section."))
    if who not in WHO:
        sentence = gettext("Please choose one of these.")
        raise Invalid(sentence, fields={"who": sentence})
    before = section.publishers
    named = {"editors": None, "agents": AGENTS_TOO}[who] if who != "people" else _named(handles)
    if before == named:
        return
    section.publishers = named
    db.session.flush()
    audit.record(
        "kb.section.publishers", section, by=by, before={"publishers": before}, after={"publishers": section.publishers}
    )


def who_in(section: Section) -> Who:
    """Return which of the choices a section has made."""
    if section.publishers is None:
        return "editors"
    return "people" if any(one.startswith(_PERSON) for one in section.publishers) else "agents"


def people_in(section: Section) -> list[User]:
    """Return whom a section names, as they were named; who cannot publish any more is left out."""
    ids = [int(one.removeprefix(_PERSON)) for one in section.publishers or () if one.startswith(_PERSON)]
    if not ids:
        return []
    found = {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids))).unique()}
    return [found[one] for one in ids if one in found and policy.may_draft(found[one])]


def in_words(section: Section) -> str:
    """Return the sentence that says who publishes here."""
    who = who_in(section)
    if who == "editors":
        return str(gettext("Editors publish here."))
    if who == "agents":
        return str(gettext("Editors and agents publish here."))
    names = [user.name for user in people_in(section)]
    if not names:
        return str(gettext("Nobody who is named here can publish any more; an admin names others."))
    if len(names) == 1:
        return str(gettext("%(name)s publishes here.", name=names[0]))
    return str(gettext("%(names)s or %(last)s publishes here.", names=", ".join(names[:-1]), last=names[-1]))


def read(said: Iterable[str] | None) -> list[str] | None:
    """Return what an import says; raise `Invalid` for somebody who is not here."""
    if said is None:
        return None
    found = []
    for one in said:
        person = people.by_source_id(one.removeprefix(_PERSON)) if one.startswith(_PERSON) else None
        if person is None and one not in AGENTS_TOO:
            raise Invalid(gettext("nobody has the id “%(id)s”, which is given as who publishes here", id=one))
        found.append(one if person is None else f"{_PERSON}{person.id}")
    return found or None


def written(section: Section) -> dict[str, list[str]]:
    """Return what an export says of who publishes in a section; nothing where editors do."""
    if section.publishers is None:
        return {}
    roles = [one for one in section.publishers if not one.startswith(_PERSON)]
    return {"publishers": roles + [f"{_PERSON}{reference(user)}" for user in people_in(section)]}


def refuse_way_around(article: Article, *, section: Section, locale: str, audience: str, by: User) -> None:
    """Refuse to publish in effect what somebody may not publish: by moving it, or by letting others read it.

    What stands in a section for which others publish stays there, or it could be published elsewhere.
    """
    is_moved = section.id != article.section_id
    is_shown = article.published_id is not None
    is_changed = is_moved or locale != article.locale or audience != article.audience
    if is_moved and article.section.publishers is not None and not policy.may_publish(by, article):
        _refuse("section", article.section)
    if is_shown and is_changed and not policy.may_publish(by, article):
        _refuse("section" if is_moved else "audience" if audience != article.audience else "locale", article.section)
    if is_shown and is_moved and not policy.may_publish_in(by, section):
        _refuse("section", section)


def _refuse(field: str, section: Section) -> None:
    sentence = in_words(section)
    raise Invalid(sentence, fields={field: sentence})


def _named(handles: Iterable[str]) -> list[str]:
    found: dict[str, User | None] = {}
    for handle in dict.fromkeys(one.strip().lstrip("@") for one in handles if one.strip(" @")):
        user = people.by_handle(handle)
        found[handle] = user if user is not None and policy.may_draft(user) else None
    unknown = [handle for handle, user in found.items() if user is None]
    sentence = ""
    if unknown:
        sentence = gettext("Nobody who writes articles is called %(handles)s.", handles=", ".join(unknown))
    elif not found:
        sentence = gettext("Please name somebody.")
    elif len(found) > MOST_PEOPLE:
        sentence = gettext("At most %(most)s, please.", most=MOST_PEOPLE)
    if sentence:
        raise Invalid(sentence, fields={"handles": sentence})
    return [f"{_PERSON}{user.id}" for user in found.values() if user is not None]
