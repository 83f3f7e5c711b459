"""How far somebody is heard now: which step of the ladder is in force with them, and what follows from it.

The steps themselves are taken in `desk.contact_ladder`; here stands what the rest of the desk asks.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, ScalarSelect, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from core.clock import now
from core.db import db
from desk.models import Contact, Conversation
from desk.order_models import ContactStep, Step

QUIET: Final[tuple[Step, ...]] = ("mute", "hide", "restrict", "block")
"""From muted on nobody is alarmed by what they write."""
NAMES: Final[Mapping[Step, Any]] = {
    "ask": _l("Asked to stop"),
    "mute": _l("Muted"),
    "hide": _l("Hidden"),
    "restrict": _l("Restricted"),
    "block": _l("Blocked"),
}
MEANINGS: Final[Mapping[Step, Any]] = {
    "ask": _l("Somebody asked them to change their tone. Nothing else changes."),
    "mute": _l(
        "What they write arrives, is marked and can be answered. It is offered last, and nobody is alarmed, assigned "
        "or notified."
    ),
    "hide": _l("As muted. What they write in public from now on is also hidden at the service, one by one."),
    "restrict": _l(
        "As muted. What they write in public is held for a look: it becomes a case when somebody lets it in, or by "
        "itself after a day. In private they can still reach us."
    ),
    "block": _l(
        "What they write is kept and closed at once, in public and in private; nobody has to read it. It can be "
        "undone, and nothing is lost. A second person has to agree."
    ),
}


def name_of(step: Step) -> str:
    """Return what a step is called."""
    return str(NAMES[step])


def step_of(contact_id: int | None) -> ContactStep | None:
    """Return the step that is in force with a contact now."""
    if contact_id is None:
        return None
    return db.session.scalars(
        select(ContactStep).where(ContactStep.contact_id == contact_id, is_in_force())
    ).one_or_none()


def is_quiet(conversation: Conversation) -> bool:
    """Tell whether nobody is to be alarmed by what the customer of a conversation writes."""
    step = step_of(conversation.contact_id)
    return step is not None and step.step in QUIET


def quiet_among(contact_ids: Collection[int]) -> frozenset[int]:
    """Return those of these contacts by whom nobody is to be alarmed."""
    rows = select(ContactStep.contact_id).where(
        ContactStep.contact_id.in_(contact_ids), is_in_force(), ContactStep.step.in_(QUIET)
    )
    return frozenset(db.session.scalars(rows))


def is_in_force() -> ColumnElement[bool]:
    """Return the clause for steps that hold at this moment; one that is over by its time needs no hand."""
    return (ContactStep.state == "in_force") & or_(ContactStep.until.is_(None), ContactStep.until > now())


def step_at(at: ColumnElement[Any]) -> ScalarSelect[Any]:
    """Return, for a select of contacts, the step that is in force with each at a moment."""
    return (
        select(ContactStep.step)
        .where(
            ContactStep.contact_id == Contact.id,
            ContactStep.state == "in_force",
            or_(ContactStep.until.is_(None), ContactStep.until > at),
        )
        .correlate(Contact)
        .scalar_subquery()
    )


def shown_in_lists() -> ScalarSelect[Any]:
    """Return, for a list of conversations, the step that is in force with the customer of each."""
    return (
        select(ContactStep.step)
        .where(ContactStep.contact_id == Conversation.contact_id, is_in_force())
        .correlate(Conversation)
        .scalar_subquery()
    )


def is_heard(contact_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Return the clause for contacts by whom people may be alarmed."""
    loud = select(ContactStep.id).where(
        ContactStep.contact_id == contact_id, is_in_force(), ContactStep.step.in_(QUIET)
    )
    return ~loud.exists()
