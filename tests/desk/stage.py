"""What the desk's tests share: a service that signs with a foreign library, and one that takes replies, strictly."""

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from core.clock import now
from desk import connections, inbox
from desk.channels.base import IncomingMessage
from desk.models import Channel, Message
from tests.cast import World

HEADER = "X-Hub-Signature-256"
SECRET = "whsec_" + base64.b64encode(b"a secret for the tests, 32 bytes").decode()


def payload(text: str = "My router is offline since the update, what now?", **changes: Any) -> dict[str, Any]:
    """What a service delivers; `changes` go into the message, `contact`, `conversation`, `type`, `locale` beside it."""
    outer = {
        "type": "message",
        "conversation": "thread-1",
        "contact": {"handle": "@max@social.example", "name": "Max", "reach": 1200},
        **{name: changes.pop(name) for name in ("type", "conversation", "contact", "locale") if name in changes},
    }
    message = {
        "id": "post-1",
        "text": text,
        "created": "2026-01-05T10:00:00Z",
        "public": True,
        "url": "https://social.example/@max/1",
    }
    return outer | {"message": message | changes}


def raw(body: Any) -> bytes:
    """Bytes as a service writes them: not as Python's json would."""
    return json.dumps(body, ensure_ascii=False, separators=(", ", ":")).encode()


def signed(
    body: bytes, *, secret: str = SECRET, at: datetime | None = None, webhook_id: str = "msg_1"
) -> dict[str, str]:
    """The headers of Standard Webhooks, made by its own library."""
    # The library reads the local clock's digits as UTC, so they are given as such.
    moment = (at or datetime.now(UTC)).astimezone(UTC)
    return {
        "Content-Type": "application/json",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, moment, body.decode("utf-8", "surrogateescape")),
    }


def hexed(body: bytes, *, secret: str = SECRET) -> dict[str, str]:
    """The headers of the other style, made as GitHub's documentation says: HMAC-SHA256 of the bytes, in hex."""
    return {
        "Content-Type": "application/json",
        HEADER: "sha256=" + hmac.new(secret.encode("utf-8"), msg=body, digestmod=hashlib.sha256).hexdigest(),
    }


def channel(world: World, slug: str = "social", *, endpoint: str = "", limit: int | None = None) -> Channel:
    """A webhook channel with the secret that the tests know."""
    opened = connections.open_webhook(slug, name=slug.title(), endpoint=endpoint, limit=limit, by=world.root)
    opened.secret = SECRET
    return opened


def received(on: Channel, text: str = "My router is offline since the update, what now?", **about: Any) -> Message:
    """A message taken in, a new one each time unless `id` says otherwise."""
    at = about.pop("created_at", now() - timedelta(minutes=5))
    message = inbox.receive(
        on,
        IncomingMessage(
            **{
                "conversation": "thread-1",
                "id": f"post-{at.timestamp()}",
                "text": text,
                "created_at": at,
                "is_public": True,
                "handle": "@max@social.example",
                "name": "Max",
                **about,
            }
        ),
    )
    assert message is not None
    return message


class Service:
    """Takes replies on loopback as the other side would: it verifies with a foreign library and takes each id once."""

    def __init__(self) -> None:
        self.taken: dict[str, dict[str, Any]] = {}
        """What became visible there, by webhook-id."""
        self.attempts: list[str] = []
        self.wrong: list[str] = []
        self.answers: list[Callable[[BaseHTTPRequestHandler], None] | tuple[int, dict[str, str], bytes]] = []
        """What the next requests get; then everything is fine."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service._take(self, body)

            def log_message(self, *_args: Any) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}/replies"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def proven(self, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        """Return what is said, or raise `WebhookVerificationError`."""
        told: dict[str, Any] = Webhook(SECRET).verify(body, headers)
        return told

    def _take(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        webhook_id = handler.headers.get("webhook-id", "")
        self.attempts.append(webhook_id)
        try:
            told = self.proven(body, dict(handler.headers.items()))
        except WebhookVerificationError as error:
            self.wrong.append(str(error))
            answer_with(handler, 401, {}, b"")
            return
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, tuple):
            answer_with(handler, *answer)
            return
        self.taken.setdefault(webhook_id, told)
        if answer is not None:
            answer(handler)
            return
        answer_with(handler, 200, {"Content-Type": "application/json"}, raw({"id": f"post-{webhook_id[-8:]}"}))


class HexService(Service):
    """The same, for which replies are signed in the other style."""

    def proven(self, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        told = {name.lower(): value for name, value in headers.items()}
        if not hmac.compare_digest(hexed(body)[HEADER], told.get(HEADER.lower(), "")):
            raise WebhookVerificationError("the signature does not fit")
        said: dict[str, Any] = json.loads(body)
        return said


def answer_with(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Break the connection without an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.connection.close()
    handler.close_connection = True
