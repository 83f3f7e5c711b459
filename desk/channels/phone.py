"""Telephone and counter: nothing arrives by itself and nothing is sent. People talk, and note what was said.

What a customer said on the telephone becomes a message like any other (`desk.calls`), so that triage, clocks, queues
and figures know it; the reply is a call that a person makes and notes.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from flask_babel import gettext, lazy_gettext

from core.counting import Measure
from desk.channels.base import Capabilities, Field, Finding, Means, Silent, register
from desk.models import Conversation
from desk.numbers import HOME

KIND: Final = "phone"


class Phone(Silent):
    """Calls and visits, as the team notes them."""

    name: ClassVar[Any] = lazy_gettext("Telephone and visits")
    about: ClassVar[Any] = lazy_gettext("Calls and visits, noted by who took them. No telephone system is connected.")
    form: ClassVar[Sequence[Field]] = (
        Field(
            name="country",
            label=lazy_gettext("Country code of numbers that are written without one"),
            hint=lazy_gettext(
                "49 for Germany, 43 for Austria, 41 for Switzerland. It says which numbers are the same."
            ),
            kind="number",
            is_needed=False,
            default=HOME,
            most=999,
        ),
        Field(
            name="hours",
            label=lazy_gettext("When the telephone is answered"),
            hint=lazy_gettext("In words, for who notes a call and promises another one. It may stay empty."),
            is_needed=False,
            longest=200,
        ),
    )

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(may_send=False, public=False, calls=True)

    @property
    def measure(self) -> Measure:
        return Measure(None)

    def means(self, conversation: Conversation) -> Means:  # noqa: ARG002 -- the protocol's signature
        return Means(
            why_not=gettext("Nothing is written here: call them, and note what was said."), public=False, by_call=True
        )

    def check(self) -> Sequence[Finding]:
        return [Finding(is_well=True, words=gettext("There is nothing to connect: people note what was said."))]


register(KIND, Phone)
