"""What happens in accounts that others hear of."""

from dataclasses import dataclass

from core.outbox import Event


@dataclass(frozen=True, slots=True)
class ResetAsked(Event):
    """Somebody asked for a new password for this address.

    It carries what was typed and not an id, so that the request takes the same time whether the address is known or
    not.
    """

    email: str
    locale: str
