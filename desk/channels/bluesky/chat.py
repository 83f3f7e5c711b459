"""Direct messages: read by the log of the chat service, written where the other one allows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from core.clock import now
from core.phrases import phrase
from desk.channels.base import LONGEST_ID, Arrival, ChannelFailed, IncomingMessage, OutgoingReply, SentReply
from desk.channels.bluesky import posts
from desk.channels.bluesky.account import Connection
from desk.channels.bluesky.calls import Declined
from desk.channels.bluesky.writing import read_uri

PREFIX: Final = "chat:"
"""How the ids of conversations and messages of the chat service begin here, so that none is taken for a post's."""
MOST_PAGES: Final = 10
FIRST_LOOK_BACK: Final = timedelta(days=3)
MOST_CONVOS: Final = 50
MOST_MESSAGES: Final = 50
CLOCKS_DIFFER: Final = timedelta(minutes=2)
LONGEST_SEARCH: Final = 4
"""So many pages of a conversation are looked through for a message that may have arrived."""


@dataclass(slots=True)
class Seen:
    """What was read of one conversation."""

    members: list[Mapping[str, Any]]
    kind: str


def newest(connection: Connection) -> tuple[list[Arrival], str]:
    """Return what was written lately, and from where the log goes on: for a channel that was never asked."""
    told = connection.ask_chat("chat.bsky.convo.listConvos", {"limit": MOST_CONVOS})
    convos = [one for one in told.get("convos") or () if isinstance(one, dict)]
    since = now() - FIRST_LOOK_BACK
    arrivals: list[Arrival] = []
    for convo in convos:
        last = posts.inside(convo.get("lastMessage"))
        if posts.moment(last.get("sentAt"), since) <= since:
            continue
        messages = _messages(connection, str(convo.get("id")))
        arrivals += _arrivals(connection, str(convo.get("id")), convo, messages, since=since)
    return arrivals, max((str(convo.get("rev") or "") for convo in convos), default="")


def since(connection: Connection, cursor: str) -> tuple[list[Arrival], str, bool]:
    """Return what the log tells after the cursor, how far that is, and whether there is more."""
    told = connection.ask_chat("chat.bsky.convo.getLog", {"cursor": cursor} if cursor else {})
    entries = [one for one in told.get("logs") or () if isinstance(one, dict)]
    ids: dict[str, list[str]] = {}
    for entry in entries:
        message = posts.inside(entry.get("message"))
        if str(entry.get("$type")).endswith("#logCreateMessage") and "text" in message:
            ids.setdefault(str(entry.get("convoId")), []).append(str(message.get("id")))
    arrivals: list[Arrival] = []
    for convo_id, wanted in ids.items():
        try:
            convo = posts.inside(connection.ask_chat("chat.bsky.convo.getConvo", {"convoId": convo_id}).get("convo"))
            messages = _messages(connection, convo_id)
        except Declined:
            continue  # we are no longer in it
        # What the log has and the newest page has not any more comes from the log.
        known = {str(one.get("id")) for one in messages}
        older = [
            posts.inside(entry.get("message"))
            for entry in entries
            if str(entry.get("convoId")) == convo_id
            and "text" in posts.inside(entry.get("message"))
            and str(posts.inside(entry.get("message")).get("id")) not in known
        ]
        arrivals += _arrivals(connection, convo_id, convo, [*older, *messages], only=set(wanted))
    ahead = str(told.get("cursor") or cursor)
    return arrivals, ahead, bool(entries) and ahead != cursor


def _messages(connection: Connection, convo_id: str, cursor: str = "") -> list[Mapping[str, Any]]:
    """Return the newest messages of a conversation, the oldest first."""
    params: dict[str, str | int | Sequence[str]] = {"convoId": convo_id, "limit": MOST_MESSAGES}
    if cursor:
        params["cursor"] = cursor
    told = connection.ask_chat("chat.bsky.convo.getMessages", params)
    return [one for one in reversed(told.get("messages") or []) if isinstance(one, dict)]


def _arrivals(
    connection: Connection,
    convo_id: str,
    convo: Mapping[str, Any],
    messages: Sequence[Mapping[str, Any]],
    *,
    only: set[str] | None = None,
    since: datetime | None = None,
) -> list[Arrival]:
    ours = connection.signed_in().did
    members = {str(one.get("did")): one for one in convo.get("members") or () if isinstance(one, dict)}
    found: list[Arrival] = []
    before: list[str] = []
    for message in messages:
        message_id, sender = message_name(convo_id, str(message.get("id"))), posts.inside(message.get("sender"))
        did, sent_at = str(sender.get("did")), posts.moment(message.get("sentAt"))
        is_wanted = (only is None or str(message.get("id")) in only) and (since is None or sent_at > since)
        text = posts.words_of(message)
        if quote := posts.inside(posts.inside(message.get("embed")).get("record")).get("uri"):
            read = read_uri(str(quote))
            text = f"{text}\n{read.page}".strip() if read is not None else text
        if is_wanted and did != ours and text and len(message_id) <= LONGEST_ID:
            author = members.get(did, {"did": did})
            found.append(
                IncomingMessage(
                    conversation=PREFIX + convo_id,
                    id=message_id,
                    text=text,
                    created_at=min(sent_at, now()),
                    is_public=False,
                    handle=posts.shown_handle(author),
                    name=posts.shown_name(author),
                    person_id=did,
                    kind="direct",
                    answers=tuple(reversed(before)),
                )
            )
        before.append(message_id)
    return found


def message_name(convo_id: str, message_id: str) -> str:
    return f"{PREFIX}{convo_id}/{message_id}"


def convo_in(name: str | None) -> str | None:
    """Return the conversation's id at the chat service out of one of our names for it or for a message in it."""
    return name.removeprefix(PREFIX).split("/", 1)[0] if name is not None and name.startswith(PREFIX) else None


def send(connection: Connection, reply: OutgoingReply, text: str, facets: list[dict[str, Any]]) -> SentReply:
    """Write a direct message; raise `ChannelFailed` with words where the other one does not want any."""
    convo_id = _convo(connection, reply, begins=True)
    assert convo_id is not None  # noqa: S101 -- it is begun where there was none
    message = {"text": text, **({"facets": facets} if facets else {})}
    try:
        told = connection.tell_chat("chat.bsky.convo.sendMessage", {"convoId": convo_id, "message": message})
    except Declined as declined:
        raise _why_not(declined) from None
    message_id = str(told.get("id") or "")
    return SentReply(message_name(convo_id, message_id) if message_id else None)


def look_for(connection: Connection, reply: OutgoingReply, text: str) -> SentReply | None:
    """Return a message of ours with this text, written since the first attempt and not known as another one."""
    convo_id = _convo(connection, reply, begins=False)
    if convo_id is None or reply.attempted_at is None:
        return None
    ours, after, cursor = connection.signed_in().did, reply.attempted_at - CLOCKS_DIFFER, ""
    for _ in range(LONGEST_SEARCH):
        params: dict[str, str | int | Sequence[str]] = {"convoId": convo_id, "limit": 100}
        told = connection.ask_chat("chat.bsky.convo.getMessages", {**params, **({"cursor": cursor} if cursor else {})})
        page = [one for one in told.get("messages") or () if isinstance(one, dict)]
        for one in page:
            name = message_name(convo_id, str(one.get("id")))
            is_ours = str(posts.inside(one.get("sender")).get("did")) == ours
            is_late = posts.moment(one.get("sentAt")) >= after
            if is_ours and one.get("text") == text and is_late and name not in reply.thread:
                return SentReply(name)
        cursor = str(told.get("cursor") or "")
        if not cursor or not page or posts.moment(page[-1].get("sentAt")) < after:
            return None
    raise ChannelFailed(
        phrase("the conversation went on so much that the message cannot be looked for"), permanent=True
    )


def _convo(connection: Connection, reply: OutgoingReply, *, begins: bool) -> str | None:
    """Return the conversation with whom a reply is for; one is begun only to write in it."""
    # Not by what else was said before: in a public thread several people write, each with a private one.
    for each in (reply.conversation, reply.in_reply_to):
        if (known := convo_in(each)) is not None:
            return known
    did = _whom(connection, reply)
    if not begins:
        told = connection.ask_chat("chat.bsky.convo.getConvoAvailability", {"members": [did]})
        found = posts.inside(told.get("convo")).get("id")
        return None if found is None else str(found)
    try:
        told = connection.ask_chat("chat.bsky.convo.getConvoForMembers", {"members": [did]})
    except Declined as declined:
        raise _why_not(declined) from None
    found = posts.inside(told.get("convo")).get("id")
    if not isinstance(found, str) or not found:
        raise ChannelFailed(phrase("the chat service names no conversation"))
    return found


def _whom(connection: Connection, reply: OutgoingReply) -> str:
    """Return the DID of whom a reply is for: who wrote what it answers; a handle may be somebody else's by now."""
    answered = read_uri(reply.in_reply_to)
    if answered is not None and answered.did != connection.signed_in().did:
        return answered.did
    did = connection.did_of(reply.handle.removeprefix("@"))
    if did is None:
        raise ChannelFailed(phrase("nobody knows the handle %(handle)s", handle=reply.handle), permanent=True)
    return did


def _why_not(declined: Declined) -> ChannelFailed:
    words = {
        "NotFollowedBySender": phrase("They take direct messages only from accounts that they follow."),
        "MessagesDisabled": phrase("They take no direct messages."),
        "BlockedActor": phrase("They have blocked us, or we them."),
        "RecipientNotFound": phrase("Their account is not there any more."),
        "AccountSuspended": phrase("Their account or ours is suspended."),
        "ConvoLocked": phrase("The conversation is locked."),
        "InvalidConvo": phrase("The conversation is not there any more."),
        "InvalidToken": phrase("The app password was made without access to direct messages."),
    }
    return ChannelFailed(words.get(declined.name, declined.reason), permanent=True)
