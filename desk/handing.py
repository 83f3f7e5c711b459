"""Moving a public conversation to private: a short word in public, the rest in private, and still one conversation.

Where the channel has no private messages, the secure counter is the way.
"""

from collections.abc import Collection
from dataclasses import dataclass

from flask_babel import force_locale, gettext, pgettext

from accounts import audit
from accounts.models import User
from core import problems
from core.errors import Conflict, NotAllowed
from desk import counters, policy, replies
from desk.means import capabilities_of
from desk.models import Conversation, Message
from desk.person_models import Counter


@dataclass(frozen=True, slots=True)
class Words:
    """What is proposed to be said where; everything can be changed before it goes out."""

    pointer: str
    opening: str


def why_not_private(conversation: Conversation) -> str:
    """Say why nobody can write to this customer in private here; empty when one can."""
    if reason := replies.why_silent(conversation):
        return reason
    if not capabilities_of(conversation).private:
        return str(
            gettext(
                "%(channel)s has no private messages. The secure counter is a way: a page of our own, for this "
                "customer alone.",
                channel=conversation.channel.name,
            )
        )
    return ""


def proposed(conversation: Conversation) -> Words:
    """Return what to begin with, in the customer's language, with Sie or du."""
    name = conversation.contact.name or conversation.contact.handle
    with force_locale(conversation.locale):
        if conversation.says_du:
            return Words(
                pgettext("informal", "We have just sent you a private message."),
                pgettext("informal", "Hello %(name)s, here nobody else reads along. What is it about?")
                % {"name": name},
            )
        return Words(
            gettext("We have just sent you a private message."),
            gettext("Hello %(name)s, here nobody else reads along. What is it about?", name=name),
        )


def move(
    conversation: Conversation,
    *,
    pointer: str,
    opening: str,
    by: User,
    seen: int | None = None,
    confirmed: Collection[str] | None = None,
) -> Message:
    """Say the pointer in public, where there is one, and open the private part; return the private message."""
    if not policy.may_work(by):
        raise NotAllowed
    if reason := why_not_private(conversation):
        raise Conflict(reason)
    if pointer.strip():
        with problems.renamed(text="pointer"):
            replies.reply(conversation, text=pointer, by=by, is_public=True, seen=seen, confirmed=confirmed)
        seen = None
    with problems.renamed(text="opening"):
        message = replies.reply(conversation, text=opening, by=by, is_public=False, seen=seen, confirmed=confirmed)
    audit.record("desk.conversation.hand_over", conversation, by=by, after={"message": message.id})
    return message


def words_for(counter: Counter) -> str:
    """Return what tells the customer of the counter, with its link."""
    conversation, url = counter.conversation, counters.address_of(counter)
    with force_locale(conversation.locale):
        if counter.has_code:
            words = (
                pgettext(
                    "informal",
                    "Please leave your details at our secure counter, not here: %(url)s "
                    "We tell you its code in private.",
                )
                if conversation.says_du
                else gettext(
                    "Please leave your details at our secure counter, not here: %(url)s "
                    "We tell you its code in private."
                )
            )
        else:
            words = (
                pgettext("informal", "Please leave your details at our secure counter, not here: %(url)s")
                if conversation.says_du
                else gettext("Please leave your details at our secure counter, not here: %(url)s")
            )
    return str(words) % {"url": url}


def link_to(counter_id: int, conversation: Conversation) -> str | None:
    """Return the words for a counter that is still open to the customer of this conversation."""
    found = [each for each in counters.of(conversation) if each.id == counter_id and each.is_open]
    return words_for(found[0]) if found else None
