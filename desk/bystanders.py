"""A private reply is read by whom the service shows it to: somebody else who is named in it must not be among them."""

from collections.abc import Iterable

from flask_babel import gettext

from desk.channels.base import adapter_of
from desk.objections import Draft, Objection, WayOut, register


@register
def would_read_along(draft: Draft) -> Iterable[Objection]:
    """Object, for good, to every third person whom a private reply would be shown to."""
    if draft.is_public:
        return
    channel = draft.conversation.channel
    contact = draft.conversation.contact if draft.asked is None else draft.asked.contact
    known = contact.handle if contact is not None else ""
    for name in adapter_of(channel).reading_along(draft.text, known):
        yield Objection(
            code="reads_along",
            said=name,
            words=gettext(
                "%(name)s would read this private reply, for the service shows it to all it names.", name=name
            ),
            ways_out=(WayOut(label=gettext("Without the @"), instead=name.lstrip("@")),),
            is_final=True,
        )
