"""What many things are chosen for at once: some of them, and not too many."""

from collections.abc import Sequence
from typing import Any

from core.errors import Invalid


def require_some(chosen: Sequence[Any], *, most: int, field: str, none: str, too_many: str) -> None:
    """Raise `Invalid` at the field, in one of these sentences, where nothing is chosen or more than `most`."""
    if not chosen:
        raise Invalid(none, fields={field: none})
    if len(chosen) > most:
        raise Invalid(too_many, fields={field: too_many})
