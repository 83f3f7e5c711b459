"""Personal data in a public message: hidden at the service and answered in private, in one step.

Where the service hides nothing, the public word asks to delete it; where it has no private messages, the secure counter
takes their place.
"""

from collections.abc import Collection
from dataclasses import dataclass

from flask_babel import force_locale, gettext, pgettext

from accounts import audit
from accounts.models import User
from core import problems
from core.errors import Conflict, Invalid, NotAllowed
from desk import counters, handing, hiding, policy, replies
from desk.means import capabilities_of
from desk.models import Conversation, Message
from desk.objections import Objection

ASKED_AT_THE_COUNTER = ("identity",)
SAID_ON_THE_PAGE = Objection(code="open_counter", words="").seal
"""That whoever reads along can use the counter's link stands on the page, above its button."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be done for a message, and the words to begin with."""

    why_not_hidden: str
    is_hidden: bool
    """It is hidden already, or about to be."""
    hiding: str
    """What hiding means at the service."""
    by_counter: bool
    """Nobody can write to this customer in private there: the counter's link is said in public."""
    why_not: str
    """Why nobody can answer them at all; then only hiding is left."""
    reason: str
    pointer: str
    opening: str


def plan(message: Message) -> Plan:
    """Return what is proposed for a message; everything can be changed before it goes out."""
    conversation = message.conversation
    means = capabilities_of(conversation)
    words = handing.proposed(conversation)
    standing = hiding.of([message.id]).get(message.id)
    is_hidden = standing is not None and (standing.is_hidden or standing.is_under_way) and standing.last.is_hidden
    why_not_hidden = hiding.why_not(message, means)
    by_counter = not means.private
    pointer = "" if by_counter or not means.public else words.pointer
    if why_not_hidden and means.public:
        pointer = f"{_please_delete(conversation)} {pointer}".strip()
    return Plan(
        why_not_hidden=why_not_hidden,
        is_hidden=is_hidden,
        hiding=means.hiding,
        by_counter=by_counter,
        why_not=means.why_not,
        reason=gettext("personal data in public"),
        pointer=pointer,
        opening=words.opening,
    )


def protect(
    message: Message,
    *,
    hides: bool,
    reason: str,
    pointer: str,
    opening: str,
    by: User,
    seen: int | None = None,
    confirmed: Collection[str] | None = None,
) -> Message | None:
    """Hide the message where `hides` says so, and answer; return what was said last, None where nothing was.

    What can only be answered before it is hidden is answered first: both leave in this order.
    """
    if not policy.may_hide(by):
        raise NotAllowed
    conversation, means = message.conversation, capabilities_of(message.conversation)
    said = None
    if not means.why_not:
        said = _answer(conversation, pointer, opening, by=by, seen=seen, confirmed=confirmed)
    if hides and not hiding.why_not(message, means):
        hiding.hide(message, reason=reason.strip() or gettext("personal data in public"), by=by)
    elif said is None:
        raise Conflict(means.why_not or gettext("Please hide it, or say something."))
    audit.record("desk.conversation.protect", conversation, by=by, after={"message": message.id, "hides": hides})
    return said


def _answer(
    conversation: Conversation,
    pointer: str,
    opening: str,
    *,
    by: User,
    seen: int | None,
    confirmed: Collection[str] | None,
) -> Message | None:
    means = capabilities_of(conversation)
    if means.private:
        if not opening.strip():
            if pointer.strip():
                sentence = gettext("Please say something in private, too: the public word points there.")
                raise Invalid(sentence, fields={"opening": sentence})
            return None
        return handing.move(
            conversation,
            pointer=pointer if means.public else "",
            opening=opening,
            by=by,
            seen=seen,
            confirmed=confirmed,
        )
    counter = counters.open_for(conversation, asks=ASKED_AT_THE_COUNTER, in_public=True, by=by)
    text = f"{pointer.strip()} {handing.words_for(counter)}".strip()
    if confirmed is not None:
        confirmed = {*confirmed, SAID_ON_THE_PAGE}
    with problems.renamed(text="pointer"):
        return replies.reply(conversation, text=text, by=by, is_public=True, seen=seen, confirmed=confirmed)


def _please_delete(conversation: Conversation) -> str:
    with force_locale(conversation.locale):
        if conversation.says_du:
            words = pgettext("informal", "To protect yourself, please delete your post with the personal details.")
        else:
            words = gettext("To protect yourself, please delete your post with the personal details.")
        return str(words)
