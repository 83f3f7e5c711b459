"""How the desk speaks to Bluesky."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from flask_babel import lazy_gettext

from core import http
from core.phrases import phrase
from desk.channels.base import (
    Batch,
    Capabilities,
    ChannelFailed,
    Cursor,
    Field,
    Finding,
    Means,
    OutgoingReply,
    SentReply,
    Silent,
)
from desk.channels.bluesky import cards, chat, identity, notices, posts, sessions, threadgates, writing
from desk.channels.bluesky.account import CHAT, Connection
from desk.channels.bluesky.calls import Declined
from desk.channels.bluesky.writing import POST, Uri, read_uri
from desk.models import Channel, Conversation

EVERY_SECONDS: Final = 30.0


class Bluesky(Silent):
    """An account on Bluesky, or on any other server of AT protocol."""

    name: ClassVar[Any] = "Bluesky"
    about: ClassVar[Any] = lazy_gettext(
        "Mentions of your account, replies to it and quotes of its posts, and direct messages where you allow them."
    )
    form: ClassVar[Sequence[Field]] = (
        Field(
            name="handle",
            label=lazy_gettext("Handle"),
            hint=lazy_gettext("As in help.example.org or example.bsky.social."),
            longest=253,
        ),
        Field(
            name="password",
            label=lazy_gettext("App password"),
            hint=lazy_gettext(
                "Made on Bluesky under Settings, Privacy and security, App passwords. For direct messages allow access "
                "to them there."
            ),
            is_secret=True,
        ),
        Field(
            name="chat",
            label=lazy_gettext("Read and answer direct messages"),
            kind="switch",
            is_needed=False,
            default="y",
        ),
        Field(
            name="server",
            label=lazy_gettext("Server"),
            hint=lazy_gettext("Empty: it is found by the handle."),
            kind="url",
            is_needed=False,
            longest=http.LONGEST_URL,
        ),
        Field(
            name="directory",
            label=lazy_gettext("Directory of accounts"),
            hint=lazy_gettext("Empty: the public one, %(directory)s.", directory=identity.DIRECTORY),
            kind="url",
            is_needed=False,
            longest=http.LONGEST_URL,
        ),
        Field(
            name="chat_service",
            label=lazy_gettext("Service for direct messages"),
            hint=lazy_gettext("Empty: that of Bluesky, %(service)s.", service=CHAT),
            is_needed=False,
            longest=200,
        ),
    )

    def __init__(self, channel: Channel) -> None:
        super().__init__(channel)
        self._chats = bool((channel.settings or {}).get("chat"))
        self._made: Connection | None = None

    @property
    def _connection(self) -> Connection:
        if self._made is None:
            self._made = Connection(self.channel)
        return self._made

    @property
    def capabilities(self) -> Capabilities:
        # A post with a record key of ours can be there only once. A direct message has none, so both are looked for.
        return Capabilities(
            private=self._chats,
            polled=True,
            every=EVERY_SECONDS,
            looks_for=True,
            hides=True,
            files=True,
            may_follow_up=self._chats,
        )

    def means(self, conversation: Conversation) -> Means:
        means = super().means(conversation)
        if chat.convo_in(conversation.external_id) is None:
            return means
        if not means.private and not means.why_not:
            return replace(means, public=False, why_not=phrase("Direct messages are switched off for this channel."))
        return replace(means, public=False)

    # In

    def poll(self, cursor: Cursor | None) -> Iterator[Batch]:
        connection = self._connection
        told: Mapping[str, Any] = cursor or {}
        course = notices.Course.read(told.get("notices"))
        chat_cursor = told.get("chat")

        def kept() -> dict[str, Any]:
            return {"notices": course.written(), "chat": chat_cursor}

        is_more = False
        for arrivals, is_more in notices.walk(connection, course):  # noqa: B007 -- the last one is asked below
            yield Batch(arrivals=tuple(arrivals), cursor=kept(), state=connection.state())
        if (changes := notices.watch(connection, course)) is not None:
            yield replace(changes, cursor=kept())
        if connection.chats and connection.signed_in().may_chat:
            if chat_cursor is None:
                found, chat_cursor = chat.newest(connection)
                yield Batch(arrivals=tuple(found), cursor=kept())
            for _ in range(chat.MOST_PAGES):
                found, chat_cursor, goes_on = chat.since(connection, chat_cursor)
                yield Batch(arrivals=tuple(found), cursor=kept())
                if not goes_on:
                    break
        yield Batch(cursor=kept(), state=connection.state(wait=0.0 if is_more else None))

    # Out

    def own_id(self, reply: OutgoingReply) -> str | None:
        if not reply.is_public:
            return None
        session = self._connection.known
        return str(Uri(self._connection.handle if session is None else session.did, POST, writing.new_key()))

    def send(self, reply: OutgoingReply) -> SentReply:
        connection = self._connection
        card = cards.card_apart(reply.text) if reply.is_public else None
        text, facets = writing.rich(reply.text, connection.did_of)
        if not reply.is_public:
            return chat.send(connection, reply, text, facets)
        root, parent = self._refs(reply)
        session = connection.signed_in()
        own = read_uri(reply.own_id)
        uri = Uri(session.did, POST, writing.new_key() if own is None else own.key)
        record = writing.post(text, facets, key=uri.key, root=root, parent=parent, card=card)
        told = connection.tell(
            "com.atproto.repo.createRecord",
            {"repo": session.did, "collection": POST, "rkey": uri.key, "record": record},
        )
        written = read_uri(str(told.get("uri"))) or uri
        return SentReply(str(written), written.page)

    def look_for(self, reply: OutgoingReply) -> SentReply | None:
        connection = self._connection
        if not reply.is_public:
            text, _ = writing.rich(reply.text, lambda _handle: None)
            return chat.look_for(connection, reply, text)
        own = read_uri(reply.own_id)
        if own is None:
            return None
        uri = own if identity.is_did(own.did) else replace(own, did=connection.signed_in().did)
        return SentReply(str(uri), uri.page) if connection.record(uri) is not None else None

    def _refs(self, reply: OutgoingReply) -> tuple[dict[str, str], dict[str, str]]:
        """Return root and parent of a reply, as strong references: with the hash of what they say now."""
        answered = self._answered(reply)
        # The AppView knows everybody's posts; our own of a moment ago, as the part before this one, our server knows.
        view = {} if answered.did == self._connection.signed_in().did else self._view(answered)
        cid, record = view.get("cid"), posts.inside(view.get("record"))
        if cid is None:
            found = self._connection.record(answered)
            if found is None:
                raise ChannelFailed(phrase("The post that this answers is not there any more."), permanent=True)
            cid, record = found.get("cid"), posts.inside(found.get("value"))
        parent = {"uri": str(answered), "cid": str(cid)}
        return _strong(posts.inside(record.get("reply")).get("root")) or parent, parent

    def _view(self, uri: Uri) -> Mapping[str, Any]:
        return notices.views(self._connection, [str(uri)]).get(str(uri), {})

    def _answered(self, reply: OutgoingReply) -> Uri:
        """Return the post that a reply hangs on: the part before it, or what a customer wrote last in public."""
        ours = self._connection.signed_in().did
        before = [uri for each in reversed(reply.thread) if (uri := read_uri(each)) is not None and uri.did != ours]
        for uri in (read_uri(reply.in_reply_to), *before, read_uri(reply.conversation)):
            if uri is not None and uri.collection == POST:
                return uri
        raise ChannelFailed(phrase("There is no post that this could answer in public."), permanent=True)

    def hide(self, message_id: str, *, is_hidden: bool) -> None:
        threadgates.hide(self._connection, message_id, is_hidden=is_hidden)

    # The connection

    def check(self) -> Sequence[Finding]:
        connection = self._connection
        if not identity.is_handle(connection.handle) and not identity.is_did(connection.handle):
            return [Finding(is_well=False, words=phrase("The handle is a name with a dot, as in example.bsky.social."))]
        try:
            session = connection.sign_in_anew()
        except ChannelFailed as failure:
            return [Finding(is_well=False, words=_sentence(failure.reason))]
        found = [
            Finding(
                is_well=True,
                words=phrase("Signed in as @%(handle)s at %(server)s.", handle=session.handle, server=session.server),
            )
        ]
        if session.scope == sessions.MAIN_SCOPE:
            words = phrase("This works with the account’s own password. An app password can be taken back by itself.")
            found.append(Finding(is_well=True, words=words))
        try:
            connection.ask("app.bsky.notification.listNotifications", {"limit": 1, "reasons": notices.REASONS})
            found.append(Finding(is_well=True, words=phrase("Mentions and replies can be read.")))
        except ChannelFailed as failure:
            found.append(Finding(is_well=False, words=phrase("Mentions cannot be read: %(why)s", why=failure.reason)))
        return [*found, *self._check_chat(session)]

    def _check_chat(self, session: sessions.Session) -> list[Finding]:
        connection = self._connection
        if not connection.chats:
            return []
        refused = phrase(
            "The app password has no access to direct messages. Make another one with that access, or switch direct "
            "messages off here."
        )
        if not session.may_chat:
            return [Finding(is_well=False, words=refused)]
        try:
            connection.ask_chat("chat.bsky.convo.listConvos", {"limit": 1})
        except Declined as declined:
            words = refused if declined.name == "InvalidToken" else _sentence(declined.reason)
            return [Finding(is_well=False, words=words)]
        except ChannelFailed as failure:
            words = phrase("Direct messages cannot be read: %(why)s", why=failure.reason)
            return [Finding(is_well=False, words=words)]
        return [Finding(is_well=True, words=phrase("Direct messages can be read."))]

    def farewell(self) -> None:
        self._connection.farewell()


def _strong(told: Any) -> dict[str, str] | None:
    if not isinstance(told, dict) or read_uri(told.get("uri")) is None or not isinstance(told.get("cid"), str):
        return None
    return {"uri": told["uri"], "cid": told["cid"]}


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "!", "?")) else ".")
