"""How a customer is addressed: with Sie or du, and by which name.

Short texts of articles are chosen and filled in by it, and the team's own blocks. These know a few variables more;
who knows something else of a conversation contributes it (`contribute`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask_babel import gettext, lazy_gettext

from accounts import audit
from accounts.models import User
from core import variables
from core.db import db
from core.errors import Invalid, NotAllowed
from desk import policy
from desk.models import Channel, Conversation
from kb import face_variables, references
from kb.faces import Chosen

LONGEST_NAME: Final = 80
VARIABLES: Final[dict[str, Any]] = {
    "customer": face_variables.VARIABLES["customer"],
    "agent": face_variables.VARIABLES["agent"],
    "greeting": lazy_gettext("a greeting that fits: Sie or du, the language, the name where it is known"),
    "channel": lazy_gettext("the name of the channel"),
}
"""What can stand open in a block, with what it is in words."""

_contributed: dict[str, Callable[[Conversation], str]] = {}
Names = Callable[[], Mapping[str, Any]]
Values = Callable[[Conversation, User], Mapping[str, str]]
_shelves: list[tuple[Names, Values]] = []


def contribute(name: str, label: Any, value: Callable[[Conversation], str]) -> None:
    """Let blocks have a variable more: small letters only, and what it is for a conversation."""
    VARIABLES[name] = label
    _contributed[name] = value


def contribute_some(names: Names, values: Values) -> None:
    """Let blocks have variables more whose names are known only when they are asked for: with what each is in words."""
    _shelves.append((names, values))


def known() -> Mapping[str, Any]:
    """Return every variable that a block may have now, with what it is in words."""
    found = dict(VARIABLES)
    for names, _values in _shelves:
        found = {**names(), **found}
    return found


@dataclass(frozen=True, slots=True)
class Wording:
    is_informal: bool = False
    """With du, in German."""
    values: Mapping[str, str] = field(default_factory=dict)
    """What is known of the variables in a short text."""


def plain(channel: Channel | str) -> Wording:
    """Return how anybody is addressed on a channel, or on a service of this name."""
    return Wording(is_informal=not isinstance(channel, str) and channel.is_informal)


def of(conversation: Conversation, *, by: User) -> Wording:
    """Return how this customer is addressed when this agent writes."""
    values = {"customer": conversation.contact.name, "agent": by.name, "channel": conversation.channel.name}
    values |= {name: value(conversation) for name, value in _contributed.items()}
    for _names, values_for in _shelves:
        values = {**values_for(conversation, by), **values}
    return Wording(conversation.says_du, {name: value[:LONGEST_NAME] for name, value in values.items()})


def note(face: Chosen, wording: Wording, locale: str) -> str:
    """Return what whoever inserts a text should see before; empty where there is nothing."""
    said = []
    if wording.is_informal and locale == "de" and not face.is_informal:
        said.append(gettext("There is no short text with du: this one says Sie."))
    if left := face_variables.left_open(face.text):
        said.append(gettext("Still to fill in: %(names)s.", names=", ".join(left)))
    return " ".join(said)


def filled(text: str, wording: Wording, *, locale: str) -> str:
    """Return a block with what is known; what has neither value nor default stays for a person to fill in."""
    values = {**wording.values, "greeting": _greeting(wording, locale)}
    names = known() if "{" in text else VARIABLES
    return variables.fill(text, values, known=names, leaves_open=True)


def check(text: str) -> None:
    """Raise `Invalid` where something in a block can never be filled in."""
    variables.check(text, known=known() if "{" in text else VARIABLES)


def left_open(text: str) -> list[str]:
    """Return what still waits for somebody to fill it in, also blocks that stand for nothing any more."""
    names = {**face_variables.VARIABLES, **(known() if "{" in text else VARIABLES)}
    return [*variables.left_open(text, known=names), *(f"{{{{block:{name}}}}}" for name in references.names_in(text))]


def refuse_left_open(text: str) -> None:
    """Raise `Invalid` at the text while a variable in it waits for somebody to fill it in."""
    if left := left_open(text):
        sentence = gettext(
            "This still stands open: %(names)s. Put in what belongs there, or take it out.", names=", ".join(left)
        )
        raise Invalid(sentence, fields={"text": sentence})


def address(conversation: Conversation, *, is_informal: bool, by: User) -> None:
    """Have this customer be addressed with du or Sie from now on, whatever the channel says."""
    if not policy.may_work(by):
        raise NotAllowed
    conversation.is_informal = None if is_informal == conversation.channel.is_informal else is_informal
    db.session.flush()


def address_on(channel: Channel, *, is_informal: bool, by: User) -> None:
    """Have customers of a channel be addressed with du or Sie, except those for whom an agent chose."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    before = channel.is_informal
    if before != is_informal:
        channel.is_informal = is_informal
        db.session.flush()
        audit.record(
            "desk.channel.address", channel, by=by, before={"informal": before}, after={"informal": is_informal}
        )


def _greeting(wording: Wording, locale: str) -> str:
    greeting = "Hello" if locale != "de" else "Hallo" if wording.is_informal else "Guten Tag"
    return f"{greeting} {wording.values.get('customer', '')}".strip()
