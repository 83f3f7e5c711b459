"""Who else looks at a conversation, and who is writing there.

It is kept where rate limits are counted (in the process, or in Redis where several share it), not in the database: what
is over in half a minute need not be stored, and every commit makes the pages for guests anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext

from accounts.models import User
from core.web import limiter
from desk import queries
from desk.models import Conversation
from desk.objections import Draft, Objection, register

BEAT_SECONDS: Final = 15
"""So often a page that is looked at says so."""
LOOKING_SECONDS: Final = 40
WRITING_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Present:
    person: User
    is_writing: bool


def note(conversation: Conversation, person: User, *, is_writing: bool) -> None:
    """Remember for a short while that somebody looks at a conversation, or writes in it."""
    _keep(_key("looking", conversation, person), LOOKING_SECONDS)
    writing = _key("writing", conversation, person)
    if is_writing:
        _keep(writing, WRITING_SECONDS)
    else:
        limiter.storage.clear(writing)


def others(conversation: Conversation, viewer: User, *, among: Sequence[User]) -> list[Present]:
    """Return who of these people is there besides the viewer, those who write first."""
    found = [
        Present(person, bool(limiter.storage.get(_key("writing", conversation, person))))
        for person in among
        if person.id != viewer.id and limiter.storage.get(_key("looking", conversation, person))
    ]
    return sorted(found, key=lambda one: not one.is_writing)


@register
def somebody_is_writing(draft: Draft) -> Iterable[Objection]:
    """Object once when a colleague is writing in the same conversation."""
    for one in others(draft.conversation, draft.by, among=queries.agents()):
        if one.is_writing:
            yield Objection(
                code=f"writing:{one.person.id}", words=gettext("%(name)s is writing here, too.", name=one.person.name)
            )


def _keep(key: str, seconds: int) -> None:
    limiter.storage.clear(key)
    limiter.storage.incr(key, seconds)


def _key(what: str, conversation: Conversation, person: User) -> str:
    return f"desk-{what}:{conversation.id}:{person.id}"
