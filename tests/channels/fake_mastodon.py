"""A strict instance on loopback: it speaks the documented API of Mastodon (4.4) or GoToSocial (0.19) over real HTTP.

It refuses what a real one refuses: method, path, parameters, token, scopes, length, what is not shown to whom asks.
What a client must not do is `wrong`. All that it tells is checked against the entities that Mastodon.py declares.
"""

import base64
import hashlib
import html
import json
import re
import secrets
import threading
import time
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from mastodon import return_types, types_base

from core.counting import graphemes
from tests.desk.stage import reset

DOMAIN = "social.example"
SCOPES = {"read", "write", "follow", "push", "profile"} | {
    f"{verb}:{what}"
    for verb in ("read", "write")
    for what in ("accounts", "notifications", "statuses", "media", "lists")
}
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
MENTION = re.compile(r"(?<![\w/=])@(\w[\w.-]*\w|\w)(?:@([\w.-]+\w))?")
LINK = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?)]")
_LEFT_OUT = """
quote quotes_count tagged_collections quote_approval filtered card application bookmarked favourited
muted pinned reblogged moved suspended limited roles role source mute_expires_at memorial
hide_collections avatar_description header_description show_media show_media_replies show_featured
feature_approval invalid_handle state noindex fields report event moderation_warning fallback
collection group_key text_url preview_remote_url wrapstodon thumbnail icon rules usage contact
registrations source_url description languages vapid_key redirect_uri id own_votes voted meta
blurhash
"""
TOO_NEW = frozenset(_LEFT_OUT.split())
"""What a real instance may leave out, or this one does not need to tell."""

Answer = tuple[int, Any]
Trouble = Callable[[BaseHTTPRequestHandler], bool]
"""Returns True when it has answered; otherwise the request is done, and its answer lost."""


@dataclass
class Account:
    id: str
    acct: str
    name: str = ""
    is_local: bool = False
    moved: str = ""

    @property
    def domain(self) -> str:
        return self.acct.partition("@")[2] or DOMAIN

    @property
    def username(self) -> str:
        return self.acct.partition("@")[0]

    @property
    def url(self) -> str:
        return f"https://{self.domain}/@{self.username}"


@dataclass
class Status:
    id: str
    by: Account
    content: str
    visibility: str
    mentions: list[Account]
    answers: str | None
    created_at: datetime
    spoiler: str = ""
    text: str = ""
    edited_at: datetime | None = None
    media: list[dict[str, Any]] = field(default_factory=list)
    poll: dict[str, Any] | None = None
    language: str = "en"


class Refusal(Exception):
    def __init__(self, status: int, error: str, **more: str) -> None:
        super().__init__(error)
        self.answer: Answer = (status, {"error": error, **more})


class FakeMastodon:
    """One instance with one account of the house, `@support`."""

    def __init__(self, variant: Literal["mastodon", "gotosocial"] = "mastodon") -> None:
        self.variant = variant
        self.limit = 500 if variant == "mastodon" else 5000
        self.accounts: dict[str, Account] = {}
        self.statuses: dict[str, Status] = {}
        self.notifications: list[tuple[str, str, Account, str, datetime, bool]] = []
        """Id, type, who, the status, when, and whether the account's filter holds it back."""
        self.apps: dict[str, dict[str, str]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, set[str]] = {}
        self.keys: dict[str, str] = {}
        """What was posted with an idempotency key within the hour."""
        self.media: dict[str, tuple[str, bytes]] = {}
        self.wrong: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.writing: list[Trouble] = []
        self.reading: list[Trouble] = []
        self.headers: dict[str, str] = {}
        """Told with every answer, over the usual ones."""
        self.gone: set[str] = set()
        self.lock = threading.RLock()
        self._last_id = 110_000_000_000_000_000 + secrets.randbelow(10**6)
        self.us = self.account("support", local=True)
        self.token = self.new_token({"read", "write"})
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                fake._serve(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do  # noqa: N815 -- the names http.server looks for

            def log_message(self, *_args: Any) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    # What people do there

    def account(self, acct: str, *, local: bool = False, name: str = "") -> Account:
        acct = acct if local or "@" in acct else f"{acct}@remote.example"
        return self.accounts.setdefault(acct, Account(self.new_id(), acct, name, local))

    def new_token(self, scopes: Iterable[str]) -> str:
        token = secrets.token_urlsafe(32)
        self.tokens[token] = set(scopes)
        return token

    def new_id(self) -> str:
        with self.lock:
            self._last_id += 1 + secrets.randbelow(5)
            return str(self._last_id) if self.variant == "mastodon" else f"01K{self._last_id:023d}"

    def post(
        self,
        text: str,
        *,
        by: str | Account = "max",
        answers: str | None = None,
        visibility: str = "public",
        spoiler: str = "",
        to_us: bool = True,
        at: datetime | None = None,
        local: bool = False,
        media: Iterable[dict[str, Any]] = (),
        poll: dict[str, Any] | None = None,
        language: str = "en",
        content: str | None = None,
    ) -> Status:
        """Have somebody post; with `to_us` it begins with our name."""
        who = by if isinstance(by, Account) else self.account(by, local=local)
        said = f"@support@{DOMAIN} {text}" if to_us else text
        rendered, mentions = self.rendered(said)
        status = Status(
            self.new_id(),
            who,
            rendered if content is None else content,
            visibility,
            mentions,
            answers,
            at or datetime.now(UTC),
            spoiler,
            said,
            media=list(media),
            poll=poll,
            language=language,
        )
        with self.lock:
            self.statuses[status.id] = status
        return status

    def notify(
        self, status: Status, kind: str = "mention", *, filtered: bool = False, at: datetime | None = None
    ) -> None:
        with self.lock:
            self.notifications.append((self.new_id(), kind, status.by, status.id, at or datetime.now(UTC), filtered))

    def change(self, status: Status, text: str) -> None:
        with self.lock:
            status.text = f"@support@{DOMAIN} {text}"
            status.content, status.mentions = self.rendered(status.text)
            status.edited_at = datetime.now(UTC)

    def delete(self, status: Status) -> None:
        with self.lock:
            del self.statuses[status.id]
            self.notifications = [each for each in self.notifications if each[3] != status.id]

    def picture(self, *, words: str = "", content: bytes = PICTURE, media_type: str = "image/png") -> dict[str, Any]:
        media_id = self.new_id()
        self.media[media_id] = (media_type, content)
        return {
            "id": media_id,
            "type": media_type.partition("/")[0],
            "url": f"{self.url}/media/{media_id}.png",
            "remote_url": None,
            "preview_url": None,
            "description": words or None,
        }

    def ours(self) -> list[Status]:
        with self.lock:
            return [each for each in self.statuses.values() if each.by is self.us]

    def grant(self, address: str) -> str:
        """Let the application in as the account's owner does in the browser; return where they are sent back to."""
        parts = urlsplit(address)
        told = dict(parse_qsl(parts.query))
        app = self.apps[told["client_id"]]
        assert parts.path == "/oauth/authorize"
        assert told["response_type"] == "code"
        assert told["redirect_uri"] == app["redirect_uri"]
        assert set(told["scope"].split()) <= set(app["scopes"].split())
        assert told["code_challenge_method"] == "S256"
        assert told["state"]
        code = secrets.token_urlsafe(16)
        self.codes[code] = told
        return f"{told['redirect_uri']}?{urlencode({'code': code, 'state': told['state']})}"

    # Requests

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        parts = urlsplit(handler.path)
        path = parts.path.rstrip("/") or "/"
        with self.lock:
            self.asked.append((handler.command, path))
            is_writing = handler.command in {"POST", "PUT"} and path.startswith("/api/v1/statuses")
            troubles = self.writing if is_writing else self.reading
            trouble = troubles.pop(0) if troubles else None
        if trouble is not None and trouble(handler):
            return
        if path.startswith("/media/"):
            media_type, content = self.media[path.removeprefix("/media/").removesuffix(".png")]
            if handler.headers.get("Authorization"):
                self.wrong.append("the token was told to whoever keeps the pictures")
            self._tell(handler, 200, content, media_type)
            return
        try:
            query = parse_qsl(parts.query, keep_blank_values=True)
            with self.lock:
                status, told = self._routed(handler, path, query, body)
        except Refusal as refusal:
            status, told = refusal.answer
        if trouble is not None:
            reset(handler)
            return
        self._tell(handler, status, json.dumps(told, ensure_ascii=False).encode(), "application/json; charset=utf-8")

    def _tell(self, handler: BaseHTTPRequestHandler, status: int, content: bytes, media_type: str) -> None:
        renewed = datetime.now(UTC) + timedelta(minutes=5)
        handler.send_response(status)
        for name, value in {
            "Content-Type": media_type,
            "Content-Length": str(len(content)),
            "X-RateLimit-Limit": "300",
            "X-RateLimit-Remaining": "280",
            "X-RateLimit-Reset": (
                renewed.isoformat().replace("+00:00", "Z")
                if self.variant == "mastodon"
                else str(int(renewed.timestamp()))
            ),
            **self.headers,
        }.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content)

    def _routed(self, handler: BaseHTTPRequestHandler, path: str, query: list[tuple[str, str]], body: bytes) -> Answer:
        routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", r"/api/v2/instance", self._instance),
            ("POST", r"/api/v1/apps", self._register),
            ("POST", r"/oauth/token", self._exchange),
            ("POST", r"/oauth/revoke", self._revoke),
            ("GET", r"/api/v1/accounts/verify_credentials", self._verify),
            ("GET", r"/api/v1/notifications", self._notifications),
            ("GET", r"/api/v1/accounts/([^/]+)/statuses", self._account_statuses),
            ("GET", r"/api/v1/statuses/([^/]+)/context", self._context),
            ("GET", r"/api/v1/statuses/([^/]+)", self._status),
            ("PUT", r"/api/v1/statuses/([^/]+)", self._put),
            ("POST", r"/api/v1/statuses", self._post),
        ]
        if self.variant == "mastodon":
            routes.append(("GET", r"/api/v1/statuses", self._several))
        values = query if handler.command == "GET" else self._form(handler, query, body)
        known = False
        for method, pattern, do in routes:
            if match := re.fullmatch(pattern, path):
                known = True
                if method == handler.command:
                    return do(handler, values, *match.groups())
        raise Refusal(405 if known else 404, "Method not allowed" if known else "Not Found")

    def _form(
        self, handler: BaseHTTPRequestHandler, query: list[tuple[str, str]], body: bytes
    ) -> list[tuple[str, str]]:
        if query:
            self._complain("what is written stands in the body, not in the address")
        if handler.headers.get("Content-Type", "").partition(";")[0] != "application/x-www-form-urlencoded":
            self._complain("a form was expected")
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict")

    def _complain(self, words: str) -> typing.NoReturn:
        self.wrong.append(words)
        raise Refusal(400, words)

    def _only(self, values: list[tuple[str, str]], *known: str) -> dict[str, str]:
        for name, _ in values:
            if name not in known:
                self._complain(f"unknown parameter {name}")
        return dict(values)

    def _signed_in(self, handler: BaseHTTPRequestHandler, *scopes: str) -> None:
        told = handler.headers.get("Authorization", "")
        if not told.startswith("Bearer ") or told.removeprefix("Bearer ") not in self.tokens:
            raise Refusal(401, "The access token is invalid")
        has = self.tokens[told.removeprefix("Bearer ")]
        if not any(scope in has or scope.partition(":")[0] in has for scope in scopes):
            raise Refusal(403, "This action is outside the authorized scopes")

    # Open to all

    def _instance(self, _handler: BaseHTTPRequestHandler, values: list[tuple[str, str]]) -> Answer:
        self._only(values)
        version = "4.4.3" if self.variant == "mastodon" else "0.19.1 git-a1b2c3d"
        told = {
            "domain": DOMAIN,
            "title": "Social",
            "version": version,
            "source_url": "https://github.com/mastodon/mastodon",
            "description": "",
            "languages": ["de"],
            "configuration": {
                "statuses": {
                    "max_characters": self.limit,
                    "max_media_attachments": 4,
                    "characters_reserved_per_url": 23,
                }
            },
        }
        return 200, self.checked(told, return_types.InstanceV2, ["configuration", "api_versions"])

    def _register(self, _handler: BaseHTTPRequestHandler, values: list[tuple[str, str]]) -> Answer:
        told = self._only(values, "client_name", "redirect_uris", "scopes", "website")
        if not told.get("client_name") or not told.get("redirect_uris"):
            raise Refusal(422, "Validation failed: Application name can't be blank")
        if not set(told.get("scopes", "read").split()) <= SCOPES:
            raise Refusal(422, "Validation failed: Scopes doesn't match configured on the server.")
        app = {
            "name": told["client_name"],
            "website": told.get("website"),
            "client_id": secrets.token_urlsafe(32),
            "client_secret": secrets.token_urlsafe(32),
            "redirect_uri": told["redirect_uris"],
            "scopes": told.get("scopes", "read"),
        }
        self.apps[str(app["client_id"])] = {name: str(value) for name, value in app.items()}
        return 200, {**app, "scopes": str(app["scopes"]).split()}

    def _exchange(self, _handler: BaseHTTPRequestHandler, values: list[tuple[str, str]]) -> Answer:
        told = self._only(
            values, "grant_type", "code", "client_id", "client_secret", "redirect_uri", "scope", "code_verifier"
        )
        app, granted = self.apps.get(told.get("client_id", "")), self.codes.pop(told.get("code", ""), None)
        if app is None or app["client_secret"] != told.get("client_secret"):
            raise Refusal(401, "invalid_client", error_description="Client authentication failed.")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(told.get("code_verifier", "").encode()).digest())
        if (
            granted is None
            or told.get("grant_type") != "authorization_code"
            or told.get("redirect_uri") != granted["redirect_uri"]
            or granted["client_id"] != told["client_id"]
            or granted["code_challenge"] != challenge.rstrip(b"=").decode()
        ):
            raise Refusal(400, "invalid_grant", error_description="The provided authorization grant is invalid.")
        token = self.new_token(granted["scope"].split())
        return 200, {
            "access_token": token,
            "token_type": "Bearer",
            "scope": granted["scope"],
            "created_at": int(time.time()),
        }

    def _revoke(self, _handler: BaseHTTPRequestHandler, values: list[tuple[str, str]]) -> Answer:
        told = self._only(values, "client_id", "client_secret", "token")
        app = self.apps.get(told.get("client_id", ""))
        if app is None or app["client_secret"] != told.get("client_secret"):
            raise Refusal(403, "unauthorized_client", error_description="You are not authorized to revoke this token")
        self.tokens.pop(told.get("token", ""), None)
        return 200, {}

    # Reading

    def _verify(self, handler: BaseHTTPRequestHandler, values: list[tuple[str, str]]) -> Answer:
        self._only(values)
        self._signed_in(handler, "read:accounts", "profile")
        return 200, self.account_told(self.us)

    def _notifications(self, handler: BaseHTTPRequestHandler, values: list[tuple[str, str]]) -> Answer:
        self._signed_in(handler, "read:notifications")
        told = self._only(
            values,
            "max_id",
            "min_id",
            "since_id",
            "limit",
            "types[]",
            "exclude_types[]",
            "account_id",
            "include_filtered",
        )
        limit = int(told.get("limit", "40"))
        if not 1 <= limit <= 80:
            self._complain("a page has at most 80 notifications")
        types = {value for name, value in values if name == "types[]"}
        found = [
            each
            for each in self.notifications
            if (not types or each[1] in types)
            and (not each[5] or told.get("include_filtered") == "true")
            and ("max_id" not in told or _is_before(each[0], told["max_id"]))
            and ("since_id" not in told or _is_before(told["since_id"], each[0]))
            and ("min_id" not in told or _is_before(told["min_id"], each[0]))
        ]
        found = found[:limit] if "min_id" in told else found[-limit:]
        return 200, [self.notification_told(*each[:5]) for each in reversed(found)]

    def _account_statuses(self, handler: BaseHTTPRequestHandler, values: list[tuple[str, str]], who: str) -> Answer:
        self._signed_in(handler, "read:statuses")
        told = self._only(values, "max_id", "limit", "exclude_reblogs")
        if not any(account.id == who for account in self.accounts.values()):
            raise Refusal(404, "Record not found")
        found = [
            each
            for each in self.statuses.values()
            if each.by.id == who
            and self._is_shown(each)
            and ("max_id" not in told or _is_before(each.id, told["max_id"]))
        ]
        return 200, [self.status_told(each) for each in reversed(found[-int(told.get("limit", "20")) :])]

    def _several(self, handler: BaseHTTPRequestHandler, values: list[tuple[str, str]]) -> Answer:
        self._signed_in(handler, "read:statuses")
        self._only(values, "id[]")
        if len(values) > 20:
            raise Refusal(422, "Too many statuses")
        found = [self.statuses.get(status_id) for _, status_id in values]
        return 200, [self.status_told(each) for each in found if each is not None and self._is_shown(each)]

    def _status(self, handler: BaseHTTPRequestHandler, values: list[tuple[str, str]], status_id: str) -> Answer:
        self._signed_in(handler, "read:statuses")
        self._only(values)
        return 200, self.status_told(self._shown(status_id))

    def _context(self, handler: BaseHTTPRequestHandler, values: list[tuple[str, str]], status_id: str) -> Answer:
        self._signed_in(handler, "read:statuses")
        self._only(values)
        above: list[Status] = []
        at = self._shown(status_id).answers
        while at is not None and at in self.statuses and at not in self.gone:
            if self._is_shown(self.statuses[at]):
                above.insert(0, self.statuses[at])
            at = self.statuses[at].answers
        ids, below = {status_id}, []
        for each in self.statuses.values():
            if each.answers in ids and self._is_shown(each):
                ids.add(each.id)
                below.append(each)
        return 200, {
            "ancestors": [self.status_told(each) for each in above],
            "descendants": [self.status_told(each) for each in below],
        }

    # Writing

    def _post(self, handler: BaseHTTPRequestHandler, values: list[tuple[str, str]]) -> Answer:
        self._signed_in(handler, "write:statuses")
        told = self._only(values, "status", "in_reply_to_id", "visibility", "spoiler_text", "sensitive", "language")
        key = handler.headers.get("Idempotency-Key")
        if self.variant == "mastodon" and key in self.keys:
            return 200, self.status_told(self.statuses[self.keys[key]])
        text = self._checked_text(told)
        visibility = told.get("visibility", "public")
        if visibility not in {"public", "unlisted", "private", "direct"}:
            self._complain(f"no visibility {visibility}")
        answers = told.get("in_reply_to_id")
        if answers is not None and (answers not in self.statuses or not self._is_shown(self.statuses[answers])):
            raise Refusal(404, "The post you are trying to reply to does not appear to exist.")
        rendered, mentions = self.rendered(text)
        status = Status(
            self.new_id(),
            self.us,
            rendered,
            visibility,
            mentions,
            answers,
            datetime.now(UTC),
            told.get("spoiler_text", ""),
            text,
        )
        self.statuses[status.id] = status
        if key is not None:
            self.keys[key] = status.id
        return 200, self.status_told(status)

    def _put(self, handler: BaseHTTPRequestHandler, values: list[tuple[str, str]], status_id: str) -> Answer:
        self._signed_in(handler, "write:statuses")
        told = self._only(values, "status", "spoiler_text", "sensitive", "language")
        status = self._shown(status_id)
        if status.by is not self.us:
            raise Refusal(404, "Record not found")
        status.text = self._checked_text(told)
        status.content, status.mentions = self.rendered(status.text)
        status.spoiler, status.edited_at = told.get("spoiler_text", ""), datetime.now(UTC)
        return 200, self.status_told(status)

    def _checked_text(self, told: Mapping[str, str]) -> str:
        text = told.get("status", "")
        if not text.strip():
            raise Refusal(422 if self.variant == "mastodon" else 400, "Validation failed: Text can't be blank")
        counted = LINK.sub("x" * 23, MENTION.sub(r"@\1", text)) + told.get("spoiler_text", "")
        if graphemes(counted) > self.limit:
            raise Refusal(422, f"Validation failed: Text character limit of {self.limit} exceeded")
        return text

    # What is told

    def _shown(self, status_id: str) -> Status:
        found = self.statuses.get(status_id)
        if found is None or not self._is_shown(found):
            raise Refusal(404, "Record not found")
        return found

    def _is_shown(self, status: Status) -> bool:
        if status.id in self.gone:
            return False
        return status.visibility in {"public", "unlisted"} or status.by is self.us or self.us in status.mentions

    def rendered(self, text: str) -> tuple[str, list[Account]]:
        """Return a text as HTML the way Mastodon writes it, and whom it names."""
        named: list[Account] = []

        def link(match: re.Match[str]) -> str:
            url = match[0]
            bare = url.partition("://")[2]
            return (
                f'<a href="{url}" target="_blank" rel="nofollow noopener" translate="no"><span class="invisible">'
                f'{url.partition("://")[0]}://</span><span class="{"ellipsis" if len(bare) > 30 else ""}">{bare[:30]}'
                f'</span><span class="invisible">{bare[30:]}</span></a>'
            )

        def mention(match: re.Match[str]) -> str:
            name, host = match[1], match[2]
            acct = name if host in {None, DOMAIN} else f"{name}@{host}"
            if (who := self.accounts.get(acct)) is None:
                return match[0]
            if who not in named:
                named.append(who)
            return (
                f'<span class="h-card" translate="no"><a href="{who.url}" class="u-url mention">'
                f"@<span>{name}</span></a></span>"
            )

        paragraphs = []
        for paragraph in re.split(r"\n{2,}", text):
            parts = re.split(f"({LINK.pattern})", paragraph)
            written = "".join(
                LINK.sub(link, part) if at % 2 else MENTION.sub(mention, html.escape(part, False))
                for at, part in enumerate(parts)
            )
            paragraphs.append(f"<p>{written}</p>")
        return "".join(paragraphs).replace("\n", "<br />"), named

    def account_told(self, account: Account) -> dict[str, Any]:
        told = {
            "id": account.id,
            "username": account.username,
            "acct": account.acct,
            "display_name": account.name or account.username.title(),
            "discoverable": True,
            "group": False,
            "indexable": False,
            "locked": False,
            "bot": False,
            "created_at": "2024-01-01T00:00:00.000Z",
            "following_count": 3,
            "followers_count": 1200,
            "statuses_count": 7,
            "note": "",
            "url": account.url,
            "uri": account.url,
            "avatar": f"{account.url}/a.png",
            "header": f"{account.url}/h.png",
            "avatar_static": f"{account.url}/a.png",
            "header_static": f"{account.url}/h.png",
            "emojis": [],
            "last_status_at": None,
        }
        if account.moved:
            told["moved"] = self.account_told(self.account(account.moved))
        return self.checked(told, return_types.Account)

    def status_told(self, status: Status) -> dict[str, Any]:
        parent = self.statuses.get(status.answers or "")
        return self.checked(
            {
                "id": status.id,
                "uri": f"https://{status.by.domain}/users/{status.by.username}/statuses/{status.id}",
                "url": f"{status.by.url}/{status.id}",
                "account": self.account_told(status.by),
                "in_reply_to_id": status.answers if parent is not None else None,
                "in_reply_to_account_id": parent.by.id if parent is not None else None,
                "reblog": None,
                "content": status.content,
                "created_at": _iso(status.created_at),
                "edited_at": None if status.edited_at is None else status.edited_at.isoformat().replace("+00:00", "Z"),
                "reblogs_count": 0,
                "favourites_count": 0,
                "replies_count": 0,
                "sensitive": bool(status.spoiler),
                "spoiler_text": status.spoiler,
                "visibility": status.visibility,
                "mentions": [
                    {"id": each.id, "username": each.username, "acct": each.acct, "url": each.url}
                    for each in status.mentions
                ],
                "media_attachments": status.media,
                "emojis": [],
                "tags": [],
                "language": status.language,
                "poll": status.poll,
            },
            return_types.Status,
        )

    def notification_told(self, id: str, kind: str, by: Account, status_id: str, at: datetime) -> dict[str, Any]:  # noqa: A002
        return self.checked(
            {
                "id": id,
                "type": kind,
                "created_at": _iso(at),
                "account": self.account_told(by),
                "status": self.status_told(self.statuses[status_id]),
            },
            return_types.Notification,
        )

    def checked(self, told: dict[str, Any], entity: Any, open_to: Iterable[str] = ()) -> dict[str, Any]:
        """Return an entity as it is; what Mastodon.py does not know of it, or knows otherwise, is wrong."""
        found = list(_differences(told, entity, set(open_to), entity.__name__))
        self.wrong += found
        assert not found, found
        return told


def _differences(told: Mapping[str, Any], entity: Any, open_to: set[str], where: str) -> Iterable[str]:
    declared = _declared(entity)
    for name, value in told.items():
        if name in open_to:
            continue
        if name not in declared:
            yield f"{where}.{name} is not declared"
        else:
            yield from _misfits(value, declared[name], f"{where}.{name}")
    for name, kind in declared.items():
        is_optional = type(None) in typing.get_args(kind)
        if name not in told and not is_optional and name not in TOO_NEW and name not in open_to:
            yield f"{where}.{name} is missing"


@cache
def _declared(entity: Any) -> Mapping[str, Any]:
    return typing.get_type_hints(entity, vars(return_types))


def _misfits(value: Any, kind: Any, where: str) -> Iterable[str]:  # noqa: C901, PLR0912 -- one branch for each kind of type
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Union:
        if value is None and type(None) in args:
            return
        tried = [list(_misfits(value, one, where)) for one in args if one is not type(None)]
        if all(tried):
            yield from tried[0]
    elif origin is not None and issubclass(origin, list):
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        for each in value:
            yield from _misfits(each, args[0], where)
    elif kind is datetime:
        try:
            datetime.fromisoformat(value)
        except (TypeError, ValueError):
            yield f"{where} is no moment"
    elif isinstance(kind, type) and issubclass(kind, types_base.AttribAccessDict):
        if not isinstance(value, dict):
            yield f"{where} is no object"
        elif kind is not types_base.AttribAccessDict:
            yield from _differences(value, kind, set(), where)
    elif kind is bool or kind is int:
        if type(value) is not kind:
            yield f"{where} is no {kind.__name__}"
    elif isinstance(kind, type) and issubclass(kind, str) and not isinstance(value, str):
        yield f"{where} is no text"


def _is_before(one: str, other: str) -> bool:
    """Tell whether an id is older: numbers at Mastodon, letters in order at GoToSocial."""
    if one.isdigit() and other.isdigit():
        return int(one) < int(other)
    return one < other


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
