"""What was written in private is not answered in public by accident."""

from collections.abc import Iterable

from flask_babel import gettext

from desk import objections
from desk.objections import Draft, Objection


@objections.register
def goes_public(draft: Draft) -> Iterable[Objection]:
    """Ask once more where the customer wrote in private and the reply would be public."""
    if draft.is_public and draft.asked is not None and not draft.asked.is_public:
        yield Objection(
            code="goes_public",
            words=gettext("The customer wrote this in private. Everyone could read this reply."),
        )
