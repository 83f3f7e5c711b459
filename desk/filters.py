"""What the inbox can be narrowed by, from an address or a saved view; other modules add their own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, false, literal_column, or_, true

from accounts.people import Viewer
from core import texts
from core.db import LARGEST_ID
from core.errors import KlinkeError
from desk import queries
from desk.models import CONVERSATION_STATES, IS_OPEN_SQL, Contact, Conversation

LONGEST_VALUE: Final = 100
DONE: Final = ("solved", "no_answer")
# Not of type Boolean: of that SQLAlchemy makes "… = 1" on SQLite, which then does not know the index any more.
IS_OPEN: Final[ColumnElement[bool]] = literal_column(f"(conversation.{IS_OPEN_SQL})")
# In the words of `IS_DONE_SQL`, as its index.
IS_DONE: Final[ColumnElement[bool]] = literal_column(f"(not (conversation.{IS_OPEN_SQL}))")
Choices = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One question to a conversation. `choices` is None where something is typed."""

    name: str
    label: Any
    clause: Callable[[str, Viewer], ColumnElement[bool]]
    accepts: Callable[[str], bool]
    choices: Callable[[], Choices] | None = None


_filters: dict[str, Filter] = {}


def contribute(one: Filter) -> None:
    """Have the inbox offer one more filter, after those that are there."""
    _filters[one.name] = one


def known() -> list[Filter]:
    """Return every filter in the order in which they are offered."""
    return list(_filters.values())


def cleaned(typed: Mapping[str, Any]) -> dict[str, str]:
    """Return what can be asked for of what was typed or stored; what makes no sense is left out."""
    found = {}
    for one in _filters.values():
        try:
            value = texts.line(str(typed.get(one.name) or ""), longest=LONGEST_VALUE, shortest=0)
        except KlinkeError:
            continue
        if value and one.accepts(value):
            found[one.name] = value
    return found


def clause(filters: Mapping[str, str], *, viewer: Viewer) -> ColumnElement[bool]:
    """Return what a conversation must be; where nothing is said of its state, that it is not done."""
    wanted = [one.clause(filters[one.name], viewer) for one in _filters.values() if one.name in filters]
    if "state" not in filters:
        wanted.append(IS_OPEN)
    return and_(true(), *wanted)


def is_countable(filters: Mapping[str, str]) -> bool:
    """Tell whether only conversations that are not done can fit: these are few, and counted on every page."""
    return filters.get("state") not in {*DONE, "all"}


def _of_state(value: str, _viewer: Viewer) -> ColumnElement[bool]:
    if value == "all":
        return true()
    if value == "undone":
        return IS_OPEN
    is_it = Conversation.state == value
    return (IS_DONE if value in DONE else IS_OPEN) & is_it


def _states() -> Choices:
    names = {
        "new": gettext("New"),
        "open": gettext("Open"),
        "waiting_customer": gettext("Waiting for the customer"),
        "waiting_inside": gettext("Waiting for a colleague"),
        "solved": gettext("Solved"),
        "no_answer": gettext("No answer needed"),
    }
    return [("undone", gettext("Not done yet")), *names.items(), ("all", gettext("Any"))]


def _of_assignee(value: str, viewer: Viewer) -> ColumnElement[bool]:
    if value == "me":
        return Conversation.assignee_id == viewer.id
    if value == "nobody":
        return Conversation.assignee_id.is_(None)
    number = texts.number(value)
    return false() if number is None else Conversation.assignee_id == number


def _assignees() -> Choices:
    people = [(str(agent.id), agent.name) for agent in queries.agents()]
    return [("", gettext("Anybody")), ("me", gettext("Me")), ("nobody", gettext("Nobody")), *people]


def _of_text(value: str, _viewer: Viewer) -> ColumnElement[bool]:
    return or_(
        Conversation.last_words.icontains(value, autoescape=True),
        Conversation.contact.has(
            or_(Contact.name.icontains(value, autoescape=True), Contact.handle.icontains(value, autoescape=True))
        ),
    )


def _is_number(value: str) -> bool:
    number = texts.number(value)
    return number is not None and 0 < number <= LARGEST_ID


def _channels() -> Choices:
    return [("", gettext("All")), *((str(channel.id), channel.name) for channel in queries.channels())]


for _filter in (
    Filter(
        name="channel",
        label=_l("Channel"),
        clause=lambda value, _viewer: Conversation.channel_id == int(value),
        accepts=_is_number,
        choices=_channels,
    ),
    Filter(
        name="locale",
        label=_l("Language"),
        clause=lambda value, _viewer: Conversation.locale == value,
        accepts=lambda value: value in {"de", "en"},
        choices=lambda: [("", gettext("All")), ("de", "Deutsch"), ("en", "English")],
    ),
    Filter(
        name="state",
        label=_l("State"),
        clause=_of_state,
        accepts=lambda value: value in {*CONVERSATION_STATES, "undone", "all"},
        choices=_states,
    ),
    Filter(
        name="assignee",
        label=_l("With"),
        clause=_of_assignee,
        accepts=lambda value: value in {"me", "nobody"} or _is_number(value),
        choices=_assignees,
    ),
    Filter(name="text", label=_l("Words in it"), clause=_of_text, accepts=bool),
):
    contribute(_filter)
