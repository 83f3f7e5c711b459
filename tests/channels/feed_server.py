"""A web server on loopback with blogs on it, strict about what it is asked; nothing in it is of the product."""

import email.utils
import gzip
import hashlib
import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wfw="http://wellformedweb.org/CommentAPI/" '
    'xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:atom="http://www.w3.org/2005/Atom"'
)


@dataclass(slots=True)
class Post:
    """A post or a comment; what is empty is not said."""

    id: str
    text: str
    title: str = ""
    author: str = "max"
    at: datetime | None = field(default_factory=lambda: datetime.now(UTC))
    link: str = ""
    guid: bool = True
    comments: str = ""
    count: int | None = None
    is_html: bool = False
    """The text is markup already."""


@dataclass(slots=True)
class Page:
    """What stands at a path: a feed of posts, or these bytes."""

    posts: list[Post] = field(default_factory=list)
    title: str = "Max writes"
    channel: str = ""
    """More of the channel, as it stands in the XML."""
    raw: bytes | None = None
    content_type: str = "application/rss+xml; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    answers: list[Any] = field(default_factory=list)
    """What the next requests get: a status, a status with headers, or a function of the handler; then all is well."""
    moved: tuple[int, str] | None = None
    has_tags: bool = True
    is_zipped: bool = False
    at: datetime = datetime(2026, 1, 1, tzinfo=UTC)


class Server:
    """Serves pages with ETag and Last-Modified, and takes what is posted to its hub and its webmention endpoint."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        """Every GET: its path and headers."""
        self.given: list[tuple[str, int]] = []
        """Every GET: its path and what it was answered."""
        self.subscriptions: list[dict[str, str]] = []
        self.mentions: list[dict[str, str]] = []
        self.mention_status = 202
        self.wrong: list[str] = []
        """What a client must not do."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self._is_open = True

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(timeout=5)

    def body(self, page: Page) -> bytes:
        if page.raw is not None:
            return page.raw
        items = "".join(self._item(post) for post in page.posts)
        return (
            f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0" {NAMESPACES}><channel>'
            f"<title>{escape(page.title)}</title><link>{self.url('/')}</link>{page.channel}{items}</channel></rss>"
        ).encode()

    def _item(self, post: Post) -> str:
        link = post.link or self.url(f"/{post.id}")
        body = escape(post.text if post.is_html else escape(post.text))
        parts = [f"<link>{escape(link)}</link>", f"<description>{body}</description>"]
        parts += [f'<guid isPermaLink="false">{escape(post.id)}</guid>'] if post.guid else []
        parts += [f"<title>{escape(escape(post.title))}</title>"] if post.title else []
        parts += [f"<dc:creator>{escape(post.author)}</dc:creator>"] if post.author else []
        parts += [f"<pubDate>{email.utils.format_datetime(post.at)}</pubDate>"] if post.at else []
        parts += [f"<wfw:commentRss>{escape(post.comments)}</wfw:commentRss>"] if post.comments else []
        parts += [f"<slash:comments>{post.count}</slash:comments>"] if post.count is not None else []
        return f"<item>{''.join(parts)}</item>"

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        path = handler.path
        headers = {name.lower(): value for name, value in handler.headers.items()}
        self.asked.append((path, headers))
        for needed in ("host", "user-agent", "accept"):
            if not headers.get(needed):
                self.wrong.append(f"GET {path} without {needed}")
        page = self.pages.get(urlsplit(path).path)
        told = page.answers.pop(0) if page is not None and page.answers else None
        if callable(told):
            told(handler)
        elif told is not None:
            status, more = told if isinstance(told, tuple) else (told, {})
            self._answer(handler, status, more, b"")
        elif page is None:
            self._answer(handler, 404, {}, b"")
        elif page.moved is not None:
            self._answer(handler, page.moved[0], {"Location": page.moved[1]}, b"")
        else:
            self._serve_page(handler, page, headers)

    def _serve_page(self, handler: BaseHTTPRequestHandler, page: Page, headers: dict[str, str]) -> None:
        body = self.body(page)
        tag, at = f'"{hashlib.sha256(body).hexdigest()[:12]}"', email.utils.format_datetime(page.at, usegmt=True)
        has_same = headers.get("if-none-match") == tag
        if "if-none-match" not in headers:
            has_same = headers.get("if-modified-since") == at and not page.has_tags
        if has_same:
            self._answer(handler, 304, {"ETag": tag}, b"")
            return
        own = {"Content-Type": page.content_type, **page.headers}
        own |= {"ETag": tag} if page.has_tags else {"Last-Modified": at}
        if page.is_zipped:
            if "gzip" not in headers.get("accept-encoding", ""):
                self.wrong.append("zipped for somebody who does not take it")
            body, own["Content-Encoding"] = gzip.compress(body), "gzip"
        self._answer(handler, 200, own, body)

    def _answer(self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
        self.given.append((handler.path, status))
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def take(self, handler: BaseHTTPRequestHandler) -> None:
        """Take a form at the hub or at the webmention endpoint, and refuse what the specifications refuse."""
        raw = handler.rfile.read(int(handler.headers["Content-Length"]))
        if handler.headers.get("Content-Type") != "application/x-www-form-urlencoded":
            self.wrong.append(f"POST {handler.path} as {handler.headers.get('Content-Type')}")
            self._answer(handler, 415, {}, b"")
            return
        form = {name: values[0] for name, values in parse_qs(raw.decode(), strict_parsing=True).items()}
        if urlsplit(handler.path).path == "/hub":
            self._take_subscription(handler, form)
        else:
            self._take_mention(handler, form)

    def _take_subscription(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        needed = {"hub.callback", "hub.mode", "hub.topic"}
        is_right = needed <= form.keys() and form["hub.mode"] in {"subscribe", "unsubscribe"}
        is_right = is_right and len(form.get("hub.secret", "")) < 200 and "#" not in form.get("hub.callback", "#")
        if not is_right:
            self.wrong.append(f"hub: {form}")
            self._answer(handler, 400, {}, b"")
            return
        self.subscriptions.append(form)
        self._answer(handler, 202, {}, b"")

    def _take_mention(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        if form.keys() < {"source", "target"} or form["source"] == form["target"]:
            self.wrong.append(f"webmention: {form}")
            self._answer(handler, 400, {}, b"")
            return
        self.mentions.append(form)
        self._answer(handler, self.mention_status, {}, b"")


def _handler_of(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.serve(self)

        def do_POST(self) -> None:
            server.take(self)

        def log_message(self, *_args: Any) -> None:
            """Tests are quiet."""

    return Handler


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Break the connection without an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.connection.close()
    handler.close_connection = True


def half(handler: BaseHTTPRequestHandler) -> None:
    """Say that there is more than there is."""
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<rss version="2.0"><channel><item>')
    handler.close_connection = True
