"""The account behind a channel: whoever speaks to its server asks here, and is signed in."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from core.phrases import phrase
from desk.channels.base import ChannelFailed, NotLetIn, State
from desk.channels.bluesky import calls, identity, sessions
from desk.channels.bluesky.calls import Declined, Params, SignInEnded, Told
from desk.channels.bluesky.sessions import Account, Session
from desk.channels.bluesky.writing import Uri
from desk.models import Channel

CHAT: Final = "did:web:api.bsky.chat"
GONE: Final = frozenset({"RecordNotFound", "RepoNotFound"})
"""How a server says that it has no such record any more, and will have none."""


class Connection:
    """Our account at its server, for one use: signed in when it is first needed."""

    def __init__(self, channel: Channel) -> None:
        # Read once: while the network is waited for, nothing is asked of the database.
        settings: Mapping[str, Any] = channel.settings or {}
        credentials = channel.credentials or {}
        self._account = Account(
            channel_id=channel.id,
            handle=str(settings.get("handle") or "").strip().removeprefix("@").lower(),
            password=str(credentials.get("password") or ""),
            server=str(settings.get("server") or "").rstrip("/"),
            directory=str(settings.get("directory") or identity.DIRECTORY).rstrip("/"),
        )
        self.chats: bool = bool(settings.get("chat"))
        self._chat_service = f"{settings.get('chat_service') or CHAT}#bsky_chat"
        self._session = self._account.kept(credentials)
        self._servers: dict[str, str] = {}
        self._limits: Mapping[str, str] = {}

    @property
    def handle(self) -> str:
        return self._account.handle

    @property
    def known(self) -> Session | None:
        """The sign-in that is kept, as it may be used without asking anybody."""
        return self._session

    def signed_in(self) -> Session:
        """Return the sign-in, and begin one where there is none; raise `ChannelFailed`."""
        if self._session is None:
            self._session = sessions.begin(self._account, instead_of=None)
        return self._session

    def sign_in_anew(self) -> Session:
        """Sign in with handle and password, whatever is kept: what a check wants to know."""
        self._session = sessions.anew(self._account)
        return self._session

    def ask(self, method: str, params: Params | None = None) -> Told:
        """Return what our server answers to a query, its own or one that it hands on to the AppView."""
        return self._heeded(
            lambda session: calls.ask(session.server, method, params, sessions.bearing(session)),
        )

    def tell(self, method: str, body: Any) -> Told:
        """Return what our server answers to a procedure."""
        return self._heeded(lambda session: calls.tell(session.server, method, body, sessions.bearing(session)))

    def ask_chat(self, method: str, params: Params | None = None) -> Told:
        """Return what the chat service answers, to which our server hands on."""
        proxy = {"atproto-proxy": self._chat_service}
        return self._heeded(
            lambda session: calls.ask(session.server, method, params, {**sessions.bearing(session), **proxy})
        )

    def tell_chat(self, method: str, body: Any) -> Told:
        proxy = {"atproto-proxy": self._chat_service}
        return self._heeded(
            lambda session: calls.tell(session.server, method, body, {**sessions.bearing(session), **proxy})
        )

    def record(self, uri: Uri) -> Told | None:
        """Return a record with its `cid` and `value`; None where its own server says that there is none."""
        params = {"repo": uri.did, "collection": uri.collection, "rkey": uri.key}
        session = self.signed_in()
        server = session.server if uri.did == session.did else self.server_of(uri.did)
        try:
            return calls.ask(server, "com.atproto.repo.getRecord", params)
        except Declined as declined:
            if declined.name in GONE:
                return None
            raise

    def server_of(self, did: str) -> str:
        """Return the address of the server that keeps somebody's records."""
        if did not in self._servers:
            self._servers[did] = identity.server_of(did, self._account.directory)
        return self._servers[did]

    def did_of(self, handle: str) -> str | None:
        """Return whose handle it is; None where it is nobody's."""
        if identity.is_did(handle):
            return handle
        if not identity.is_handle(handle):
            return None
        try:
            did = str(self.ask("com.atproto.identity.resolveHandle", {"handle": handle}).get("did"))
        except SignInEnded:
            raise
        except Declined:
            return None
        return did if identity.is_did(did) else None

    def state(self, wait: float | None = None) -> State:
        """Return what the server said of its limits last."""
        left, reset = self._limits.get("ratelimit-remaining", ""), self._limits.get("ratelimit-reset", "")
        if not (left.isdecimal() and reset.isdecimal()):
            return State(wait=wait)
        return State(wait=wait, quota_left=int(left), quota_renewed_at=datetime.fromtimestamp(int(reset), UTC))

    def farewell(self) -> None:
        """Give the sign-in back where one is kept; raise `ChannelFailed`."""
        if self._session is not None:
            sessions.end(self._session)

    def _heeded(self, call: Callable[[Session], Told]) -> Told:
        """Make a request, a second time where the sign-in has ended, and remember what the server says of limits."""
        session = self.signed_in()
        try:
            told = call(session)
        except SignInEnded:
            self._session = sessions.begin(self._account, instead_of=session)
            try:
                told = call(self._session)
            except SignInEnded as ended:
                raise NotLetIn(phrase("our sign-in is not accepted: %(reason)s", reason=ended.reason)) from None
        if "ratelimit-remaining" in told.headers:
            self._limits = told.headers
        return told


def is_gone(failure: ChannelFailed) -> bool:
    return isinstance(failure, Declined) and failure.name in GONE
