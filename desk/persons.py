"""Contacts of several channels that are one person: how they are joined, by which proof, and taken apart again.

A person is no row. It is all contacts that joins lead to from one of them, so that a join that is taken back leaves
everything exactly as it was.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from flask_babel import gettext
from sqlalchemy import BindParameter, ColumnElement, Select, case, or_, select

from accounts import audit, emails
from accounts.models import User
from accounts.people import Viewer
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.turns import take_turn
from core.unique import add_once
from desk import policy
from desk.models import Contact, is_mail
from desk.person_models import ContactJoin, ContactMember, Proof

MOST_CONTACTS: Final = 30
"""So many contacts are one person; more are a mistake, or a company."""
MOST_SUGGESTED: Final = 5
_CANDIDATES: Final = 50

Why = Literal["same_mail", "same_name"]


@dataclass(frozen=True, slots=True)
class Suggested:
    """Somebody who may be the same person: a contact, or a member of the forum."""

    why: Why
    contact: Contact | None = None
    member: User | None = None


def visible_contact(contact_id: int, *, viewer: Viewer) -> Contact:
    """Return a contact, or raise `NotFound`; only who works at the desk finds any."""
    found = db.session.get(Contact, contact_id) if policy.may_work(viewer) and 0 < contact_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("There is no such contact. The inbox lists all conversations."))
    return found


def ids_of(contact_id: int | BindParameter[int]) -> Select[int]:
    """Select the ids of all contacts of the person to whom this one belongs, itself among them."""
    person = select(Contact.id.label("id")).where(Contact.id == contact_id).cte("person", recursive=True)
    further = select(
        case((ContactJoin.one_id == person.c.id, ContactJoin.other_id), else_=ContactJoin.one_id)
    ).join_from(ContactJoin, person, or_(ContactJoin.one_id == person.c.id, ContactJoin.other_id == person.c.id))
    return select(person.union(further).c.id)


def contacts_of(contact: Contact) -> list[Contact]:
    """Return all contacts of the person, this one first."""
    found = db.session.scalars(select(Contact).where(Contact.id.in_(ids_of(contact.id))).order_by(Contact.id))
    return sorted(found, key=lambda each: each.id != contact.id)


def joins_among(ids: Collection[int]) -> list[ContactJoin]:
    """Return what makes these contacts one person."""
    return list(db.session.scalars(select(ContactJoin).where(ContactJoin.one_id.in_(ids)).order_by(ContactJoin.id)))


def members_of(ids: Collection[int]) -> list[ContactMember]:
    """Return which members of the forum these contacts are, as far as somebody proved it and they are still here."""
    return list(
        db.session.scalars(
            select(ContactMember)
            .join(User, User.id == ContactMember.user_id)
            .where(ContactMember.contact_id.in_(ids), User.disabled_at.is_(None), User.is_staged.is_(False))
            .order_by(ContactMember.id)
        )
    )


def join(contact: Contact, other: Contact, *, proof: Proof, by: User) -> None:
    """Say that two contacts are one person; twice is once, and a better proof takes the place of a weaker one.

    `matched_by_mail` must be true, and `verified` is what `desk.codes` found out.
    """
    if not policy.may_work(by):
        raise NotAllowed
    if contact.id == other.id:
        raise Invalid(gettext("These are one contact already."))
    if proof == "matched_by_mail" and not have_same_mail(contact, other):
        raise Invalid(gettext("These two do not have the same mail address."))
    take_turn("desk.persons")
    one_id, other_id = sorted((contact.id, other.id))
    pair = (ContactJoin.one_id == one_id, ContactJoin.other_id == other_id)
    standing = db.session.scalars(select(ContactJoin).where(*pair)).one_or_none()
    if standing is not None:
        if _is_better(proof, standing.proof):
            before, standing.proof = standing.proof, proof
            standing.by, standing.at = by, now()
            audit.record("desk.contact.join", contact, by=by, before={"proof": before}, after={"proof": proof})
        return
    all_ids = {each.id for each in (*contacts_of(contact), *contacts_of(other))}
    if len(all_ids) > MOST_CONTACTS:
        raise Conflict(gettext("More than %(most)s contacts are not one person.", most=MOST_CONTACTS))
    add_once(ContactJoin, one_id=one_id, other_id=other_id, proof=proof, by_id=by.id, at=now())
    audit.record("desk.contact.join", contact, by=by, after={"other": other.id, "proof": proof})


def part(join_id: int, *, by: User) -> None:
    """Take a join back: everything is as it was before it. Twice is once."""
    if not policy.may_work(by):
        raise NotAllowed
    take_turn("desk.persons")
    standing = db.session.get(ContactJoin, join_id) if 0 < join_id <= LARGEST_ID else None
    if standing is None:
        return
    contact = db.session.get_one(Contact, standing.one_id)
    audit.record("desk.contact.part", contact, by=by, before={"other": standing.other_id, "proof": standing.proof})
    db.session.delete(standing)
    db.session.flush()


def join_member(contact: Contact, member: User, *, proof: Proof, by: User) -> None:
    """Say that a contact is a member of the forum; an address or a code proves it, nobody's word does."""
    if not policy.may_work(by):
        raise NotAllowed
    if proof == "claimed" or (proof == "matched_by_mail" and not _is_at_address(member, contact)):
        raise Invalid(gettext("A member is only recognised by a confirmed address or by a code."))
    if not member.is_active or member.is_staged:
        raise Invalid(gettext("This account is not in use."))
    add_once(ContactMember, contact_id=contact.id, user_id=member.id, proof=proof, by_id=by.id, at=now())
    audit.record("desk.contact.join_member", contact, by=by, after={"member": member.id, "proof": proof})


def part_member(link_id: int, *, by: User) -> None:
    """Take it back. Twice is once."""
    if not policy.may_work(by):
        raise NotAllowed
    standing = db.session.get(ContactMember, link_id) if 0 < link_id <= LARGEST_ID else None
    if standing is None:
        return
    contact = db.session.get_one(Contact, standing.contact_id)
    audit.record(
        "desk.contact.part_member", contact, by=by, before={"member": standing.user_id, "proof": standing.proof}
    )
    db.session.delete(standing)
    db.session.flush()


def suggested(contacts: Sequence[Contact], member_ids: Collection[int]) -> list[Suggested]:
    """Return who may be the same person, the same mail address first; nobody is joined by it."""
    known = {contact.id for contact in contacts}
    keys = {contact.handle_key for contact in contacts if contact.handle_key}
    found: dict[tuple[str, int], Suggested] = {}
    for other in db.session.scalars(
        select(Contact)
        .where(Contact.handle_key.in_(keys), Contact.id.not_in(known))
        .order_by(Contact.id.desc())
        .limit(_CANDIDATES)
    ):
        if any(have_same_mail(contact, other) for contact in contacts):
            found["contact", other.id] = Suggested("same_mail", contact=other)
        elif any(_have_same_name(contact, other) for contact in contacts):
            found["contact", other.id] = Suggested("same_name", contact=other)
    for member in db.session.scalars(_members_at(contacts).where(User.id.not_in(member_ids))):
        found["member", member.id] = Suggested("same_mail", member=member)
    return sorted(found.values(), key=lambda one: one.why != "same_mail")[:MOST_SUGGESTED]


def have_same_mail(contact: Contact, other: Contact) -> bool:
    """Tell whether both write from one mail address."""
    return is_mail(contact.handle.casefold()) and contact.handle_key == other.handle_key


def _have_same_name(contact: Contact, other: Contact) -> bool:
    names = {" ".join(each.name.casefold().split()) for each in (contact, other)}
    return contact.handle_key == other.handle_key and len(names) == 1 and names != {""}


def _members_at(contacts: Sequence[Contact]) -> Select[User]:
    keys = [emails.key(contact.handle) for contact in contacts if is_mail(contact.handle.casefold())]
    return select(User).where(User.email_key.in_(keys), *_uses_address()).order_by(User.id)


def _is_at_address(member: User, contact: Contact) -> bool:
    return (
        is_mail(contact.handle.casefold())
        and member.email_confirmed_at is not None
        and member.email_key == emails.key(contact.handle)
    )


def _uses_address() -> tuple[ColumnElement[bool], ...]:
    return (User.email_confirmed_at.is_not(None), User.disabled_at.is_(None), User.is_staged.is_(False))


def _is_better(proof: Proof, than: Proof) -> bool:
    order: tuple[Proof, ...] = ("claimed", "matched_by_mail", "verified")
    return order.index(proof) > order.index(than)
