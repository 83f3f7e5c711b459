"""One account on one instance: mentions and private messages in, replies out.

Notifications are walked forward from the last one read, so that none is missed; what was taken in lately is looked at
again, for nothing tells a mentioned account that a status was changed or deleted. A reply is never seen by more people
than what it answers.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from http import HTTPStatus
from typing import Any, ClassVar, Final
from urllib.parse import urlencode, urlsplit

import mastodon
from flask_babel import lazy_gettext

from core import http
from core.clock import now
from core.counting import Measure
from core.errors import Invalid
from core.phrases import phrase
from core.settings import current_settings
from desk.channels.base import (
    Batch,
    Capabilities,
    ChannelFailed,
    Cursor,
    Field,
    Finding,
    IncomingMessage,
    NotLetIn,
    OutgoingReply,
    Published,
    SentReply,
    Silent,
)
from desk.channels.mastodon import reading
from desk.channels.mastodon.media import files_of
from desk.channels.mastodon.reading import NARROWER, Us, id_of, moment_of
from desk.channels.mastodon.walking import Walk
from desk.channels.mastodon.wire import NotThere, client_for, post_form, speaking

SCOPES: Final = ("read:accounts", "read:notifications", "read:statuses", "write:statuses")
SECONDS_BETWEEN: Final = 30.0
SECONDS_FOR_FILES: Final = 60.0
"""Slow pictures must not keep messages waiting: what is not here by then is left as an address."""
ROOM_FOR_HANDLE: Final = 32
"""What the longest name on Mastodon takes in a reply, with its @ and the space behind it."""
LONGEST_TOKEN: Final = 500
MOST_PAGES_BACK: Final = 5
PAGE: Final = 40
CLOCKS_DIFFER: Final = timedelta(hours=1)
ALIKE: Final = 0.95
"""An instance may set a text its own way (lists, quotation marks); so much of it is the same."""
_BOUND: Final = frozenset({"token", "token_of", "token_print", "client_id", "client_secret", "client_back", "scope"})
"""What of the credentials is worth something at one instance only."""


class Mastodon(Silent):
    """Speaks to one account on one instance."""

    name: ClassVar[Any] = lazy_gettext("Mastodon")
    about: ClassVar[Any] = lazy_gettext(
        "An account on Mastodon, or on a server that speaks its language: who mentions it or writes to it is answered."
    )
    form: ClassVar[Sequence[Field]] = (
        Field(
            name="instance",
            label=lazy_gettext("Address of the instance"),
            hint=lazy_gettext("As in the browser: https://mastodon.social"),
            kind="url",
            longest=http.LONGEST_URL,
        ),
        Field(
            name="token",
            label=lazy_gettext("Access token"),
            hint=lazy_gettext(
                "Only if you made one there yourself, under Development. Otherwise leave it empty and sign in later."
            ),
            is_secret=True,
            is_needed=False,
            longest=LONGEST_TOKEN,
        ),
    )

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            looks_for=True,
            by_hand=True,
            publishes_limits=True,
            polled=True,
            every=SECONDS_BETWEEN,
            corrects=True,
            files=True,
            signs_in=True,
        )

    @property
    def measure(self) -> Measure:
        """The instance's limit without what the customer's name takes, which every reply begins with."""
        whole = self._whole_measure
        return whole if whole.limit is None else replace(whole, limit=max(1, whole.limit - ROOM_FOR_HANDLE))

    @property
    def _whole_measure(self) -> Measure:
        return super().measure

    # Connecting

    def prepare(self) -> None:
        """Keep the instance's address as the instance has it, and no token that belongs to another one."""
        address = str(self.channel.settings.get("instance") or "")
        self.channel.settings = {**self.channel.settings, "instance": _origin(address)}
        kept = dict(self.channel.credentials or {})
        token = kept.get("token", "")
        is_as_before = kept.get("token_print") == _print(token)
        if (is_as_before or not token) and kept.get("token_of", self._base_url) != self._base_url:
            kept = {name: value for name, value in kept.items() if name not in _BOUND}
        elif token and not is_as_before:
            kept = {name: value for name, value in kept.items() if name not in _BOUND}
            kept |= {"token": token, "token_of": self._base_url, "token_print": _print(token)}
        self.channel.credentials = kept or None

    def authorise_url(self, back: str, state: str, challenge: str) -> str:
        """Register us as an application where that was not done, and return where the account's owner lets it in."""
        kept = dict(self.channel.credentials or {})
        if kept.get("client_back") != back or not kept.get("client_id"):
            told = post_form(
                client_for(self._base_url, ""),
                "/api/v1/apps",
                {
                    "client_name": "Klinke",
                    "redirect_uris": back,
                    "scopes": " ".join(SCOPES),
                    "website": current_settings().base_url,
                },
            )
            client_id, client_secret = str(told.get("client_id") or ""), str(told.get("client_secret") or "")
            if not client_id or not client_secret:
                raise ChannelFailed(phrase("the instance did not register us as an application"), permanent=True)
            kept |= {"client_id": client_id, "client_secret": client_secret, "client_back": back}
            kept.setdefault("token_of", self._base_url)
            self.channel.credentials = kept
        asked = {
            "response_type": "code",
            "client_id": kept["client_id"],
            "redirect_uri": back,
            "scope": " ".join(SCOPES),
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._base_url}/oauth/authorize?{urlencode(asked)}"

    def authorised(self, back: str, code: str, verifier: str) -> None:
        kept = dict(self.channel.credentials or {})
        told = post_form(
            client_for(self._base_url, ""),
            "/oauth/token",
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": back,
                "client_id": kept.get("client_id", ""),
                "client_secret": kept.get("client_secret", ""),
                "scope": " ".join(SCOPES),
                "code_verifier": verifier,
            },
        )
        token = str(told.get("access_token") or "")
        if not token or len(token) > LONGEST_TOKEN or not token.isprintable():
            raise ChannelFailed(phrase("the instance gave us no token"), permanent=True)
        kept |= {
            "token": token,
            "token_of": self._base_url,
            "token_print": _print(token),
            "scope": str(told.get("scope") or ""),
        }
        self.channel.credentials = kept
        lasts = told.get("expires_in")
        settings = {name: value for name, value in self.channel.settings.items() if name != "signed_in_until"}
        if isinstance(lasts, int) and 0 < lasts < timedelta(days=3650).total_seconds():
            settings["signed_in_until"] = (now() + timedelta(seconds=lasts)).isoformat()
        self.channel.settings = settings

    def check(self) -> Sequence[Finding]:
        """Look at the instance, the account and what we may do there."""
        found = [self._check_instance()]
        if not found[0].is_well:
            return found
        try:
            client = self._client()
            with speaking(client):
                me = client.account_verify_credentials()
        except ChannelFailed as failure:
            return [*found, Finding(is_well=False, words=failure.reason)]
        acct = str(me.get("acct") or "")
        if me.get("moved") or me.get("suspended"):
            words = phrase("@%(acct)s has moved away or is suspended: nobody writes there any more.", acct=acct)
            found.append(Finding(is_well=False, words=words))
        else:
            found.append(Finding(is_well=True, words=phrase("Signed in as @%(acct)s.", acct=acct)))
        return [*found, self._check_reading(client), self._check_writing(client)]

    def _check_instance(self) -> Finding:
        try:
            told = _instance(client_for(self._base_url, ""))
        except ChannelFailed as failure:
            return Finding(is_well=False, words=failure.reason)
        published = _published(told)
        if published is not None:
            # It is known now, so it holds now; `desk.limits` asks only once a day.
            limits = {"limit": published.limit, "url_length": published.url_length}
            self.channel.settings = {**self.channel.settings, "published": limits}
        return Finding(
            is_well=True,
            words=phrase(
                "%(domain)s answers. It runs version %(version)s, and a post there has up to %(limit)s characters.",
                domain=_domain(told) or urlsplit(self._base_url).netloc,
                version=str(told.get("version") or "?")[:80],
                limit=published.limit if published else self._whole_measure.limit,
            ),
        )

    def _check_reading(self, client: mastodon.Mastodon) -> Finding:
        try:
            with speaking(client):
                client.notifications(limit=1)
        except ChannelFailed as failure:
            words = phrase("Notifications cannot be read: %(why)s", why=failure.reason)
            return Finding(is_well=False, words=words)
        return Finding(is_well=True, words=phrase("Notifications can be read."))

    def _check_writing(self, client: mastodon.Mastodon) -> Finding:
        # A status without words is refused by every server, and before that a token that may not write is.
        try:
            with speaking(client) as session:
                client.status_post("", visibility="direct")
        except ChannelFailed as failure:
            answer = session.last
            if answer is not None and answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}:
                return Finding(is_well=True, words=phrase("Replies can be written."))
            words = phrase("Replies cannot be written: %(why)s", why=failure.reason)
            return Finding(is_well=False, words=words)
        return Finding(is_well=True, words=phrase("Replies can be written."))

    def published(self) -> Published | None:
        return _published(_instance(client_for(self._base_url, "")))

    def farewell(self) -> None:
        """Give the token back; one that somebody made by hand only they can withdraw."""
        kept = self.channel.credentials or {}
        if kept.get("token") and kept.get("client_id"):
            values = {name: kept.get(name, "") for name in ("client_id", "client_secret", "token")}
            post_form(client_for(self._base_url, ""), "/oauth/revoke", values)

    # In

    _files_until = 0.0
    """Until then files are fetched, by the monotonic clock."""

    def poll(self, cursor: Cursor | None) -> Iterator[Batch]:
        """Yield notifications from the last one read on, then what was changed or deleted of what came lately."""
        client = self._client()
        self._files_until = time.monotonic() + SECONDS_FOR_FILES
        us = self._us(client, cursor or {})
        walk = Walk(client, us, cursor, since=self._since)
        until = _read(self.channel.settings.get("signed_in_until"))
        for batch in walk.batches(self._message):
            yield replace(batch, state=replace(batch.state, expires_at=until)) if until is not None else batch

    def _message(self, us: Us, status: Mapping[str, Any], path: Sequence[Mapping[str, Any]]) -> IncomingMessage | None:
        files, left_out = files_of(status, until=self._files_until)
        return reading.incoming(status, us, path=path, files=files, left_out=left_out, since=self._since)

    @property
    def _since(self) -> datetime:
        """From when on what was written to us arrives as messages."""
        return (self.channel.created_at or now()) - Walk.BEGINS_BEFORE

    # Out

    def send(self, reply: OutgoingReply) -> SentReply:
        """Post a reply; what it answers is read first, for that says who may see it."""
        client = self._client()
        draft = self._draft(client, reply)
        with speaking(client, writes=True):
            posted = client.status_post(
                draft["text"],
                in_reply_to_id=reply.in_reply_to,
                visibility=draft["visibility"],
                spoiler_text=draft["spoiler"] or None,
                sensitive=bool(draft["spoiler"]),
                idempotency_key=reply.key,
            )
        return _sent(posted)

    def look_for(self, reply: OutgoingReply) -> SentReply | None:
        """Look through what we posted lately for the reply."""
        client = self._client()
        with speaking(client):
            our_id = id_of(client.account_verify_credentials().get("id"))
        since = (reply.attempted_at or now()) - CLOCKS_DIFFER
        for status in self._own_statuses(client, our_id, since):
            if _is_this(status, reply):
                return _sent(status)
        if reply.in_reply_to is None:
            return None
        try:
            with speaking(client):
                below = client.status_context(reply.in_reply_to).get("descendants") or []
        except NotThere:
            return None
        mine = (each for each in below if id_of((each.get("account") or {}).get("id")) == our_id)
        return next((_sent(each) for each in mine if _is_this(each, reply)), None)

    def correct(self, message_id: str, reply: OutgoingReply) -> SentReply:
        """Change a reply of ours; who is named in it stays named, and nobody else comes to see it."""
        client = self._client()
        with speaking(client):
            status = client.status(message_id)
        named = [str(each.get("acct") or "") for each in status.get("mentions") or []]
        text = reply.text
        for acct in reversed(named):
            text = _addressed(text, [acct])
        if status.get("visibility") not in reading.PUBLIC:
            _refuse_others(text, named)
        spoiler = str(status.get("spoiler_text") or "")
        self._refuse_what_is_too_long(text, spoiler)
        with speaking(client, writes=True):
            changed = client.status_update(
                message_id, text, spoiler_text=spoiler, sensitive=bool(status.get("sensitive"))
            )
        return _sent(changed)

    def reading_along(self, text: str, handle: str) -> Sequence[str]:
        return reading.others_named_in(text, [handle.lstrip("@")])

    def _draft(self, client: mastodon.Mastodon, reply: OutgoingReply) -> dict[str, str]:
        """Return what is posted: the text with whom it answers, its visibility, and what it is folded under."""
        answered: Mapping[str, Any] = {}
        if reply.in_reply_to is not None:
            try:
                with speaking(client):
                    answered = client.status(reply.in_reply_to)
            except NotThere:
                raise ChannelFailed(
                    phrase("what this answers is not there any more, or its writer does not let us see it"),
                    permanent=True,
                ) from None
        acct = self._answered(client, answered, reply)
        if not acct:
            raise ChannelFailed(phrase("nobody knows whom this answers"), permanent=True)
        visibility = _visibility(answered, is_public=reply.is_public)
        names = [acct, reply.handle.lstrip("@")] if _is_same(acct, reply.handle) else [acct]
        text = _addressed(reply.text, names)
        if visibility not in reading.PUBLIC:
            _refuse_others(text, names)
        spoiler = str(answered.get("spoiler_text") or "")
        measure = self._whole_measure
        if spoiler and not measure.fits(text + spoiler):
            spoiler = ""
        self._refuse_what_is_too_long(text, spoiler)
        return {"text": text, "visibility": visibility, "spoiler": spoiler}

    def _answered(self, client: mastodon.Mastodon, answered: Mapping[str, Any], reply: OutgoingReply) -> str:
        """Return whom the reply goes to: who wrote what it answers, at the account where they are now."""
        account = answered.get("account") or {}
        acct = str(account.get("acct") or "")
        if not acct or _is_same(acct, reply.handle):
            told = acct or reply.handle.lstrip("@")
        else:
            with speaking(client):
                our_id = id_of(client.account_verify_credentials().get("id"))
            # A part of a longer reply goes on under the part before it, which is ours.
            told = reply.handle.lstrip("@") if id_of(account.get("id")) == our_id else acct
        moved = account.get("moved")
        new = str(moved.get("acct") or "") if isinstance(moved, Mapping) else ""
        return new if new and told == acct else told

    def _refuse_what_is_too_long(self, text: str, spoiler: str) -> None:
        measure = self._whole_measure
        if not measure.fits(text + spoiler):
            raise ChannelFailed(
                phrase(
                    "with the customer’s name this counts %(length)s characters, and %(limit)s fit",
                    length=measure.count(text + spoiler),
                    limit=measure.limit,
                ),
                permanent=True,
            )

    def _own_statuses(self, client: mastodon.Mastodon, our_id: str, since: datetime) -> Iterator[Mapping[str, Any]]:
        oldest: str | None = None
        for _ in range(MOST_PAGES_BACK):
            with speaking(client):
                page = client.account_statuses(our_id, max_id=oldest, limit=PAGE, exclude_reblogs=True)
            yield from page
            last = page[-1] if page else None
            at = None if last is None else moment_of(last.get("created_at"))
            if last is None or (at is not None and at < since) or id_of(last.get("id")) == oldest:
                return
            oldest = id_of(last.get("id"))

    # The connection

    @property
    def _base_url(self) -> str:
        return str(self.channel.settings.get("instance") or "")

    def _client(self) -> mastodon.Mastodon:
        kept = self.channel.credentials or {}
        token = kept.get("token", "")
        if not token:
            raise NotLetIn(phrase("Nobody has signed in on this channel yet."))
        if kept.get("token_of") != self._base_url or not token.isascii() or not token.isprintable():
            raise NotLetIn(phrase("The token is not one of this instance. Please sign in anew."))
        return client_for(self._base_url, token)

    def _us(self, client: mastodon.Mastodon, cursor: Mapping[str, Any]) -> Us:
        with speaking(client):
            me = client.account_verify_credentials()
        domain = str(cursor.get("domain") or "")
        if not domain:
            domain = _domain(_instance(client)) or urlsplit(self._base_url).netloc
        return Us(id_of(me.get("id")), str(me.get("acct") or ""), domain)


def _read(told: Any) -> datetime | None:
    """Return a moment that we noted ourselves; None where there is none."""
    return datetime.fromisoformat(told) if isinstance(told, str) and told else None


def _origin(address: str) -> str:
    """Return an address without what stands behind its host; raise `Invalid` when a token would go there in clear."""
    parts = urlsplit(address)
    host = f"{parts.hostname}:{parts.port or 80}"
    if parts.scheme != "https" and host not in current_settings().trusted_endpoints:
        sentence = phrase("With https, please: what we sign in with would travel in clear otherwise.")
        raise Invalid(sentence, fields={"instance": sentence})
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _print(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:16]


def _instance(client: mastodon.Mastodon) -> Mapping[str, Any]:
    try:
        with speaking(client):
            told: Mapping[str, Any] = client.instance_v2()
    except NotThere:
        with speaking(client):
            told = client.instance_v1()
    return told


def _domain(instance: Mapping[str, Any]) -> str:
    """Return the server's part of its accounts' names, which need not be the name it is reached by."""
    told = str(instance.get("domain") or instance.get("uri") or "").removeprefix("https://").strip("/")
    return told if 0 < len(told) <= 253 and told.isprintable() and " " not in told else ""  # noqa: PLR2004 -- RFC 1035


def _published(instance: Mapping[str, Any]) -> Published | None:
    statuses = ((instance.get("configuration") or {}).get("statuses")) or {}
    limit = statuses.get("max_characters") or instance.get("max_toot_chars")
    url_length = statuses.get("characters_reserved_per_url")
    if not isinstance(limit, int) or not 0 < limit <= 1_000_000:  # noqa: PLR2004 -- what is more is a slip
        return None
    return Published(limit, url_length if isinstance(url_length, int) and 0 < url_length <= limit else None)


def _visibility(answered: Mapping[str, Any], *, is_public: bool) -> str:
    """Return who sees a reply: as its writer chose, and never more people than see what it answers.

    A private reply is seen by whom it names alone. So is one to what only somebody's followers see: ours are others.
    """
    if not is_public:
        return "direct"
    told = str(answered.get("visibility") or "public")
    if told not in NARROWER or NARROWER.index(told) >= NARROWER.index("private"):
        return "direct"
    return told


def _addressed(text: str, names: Sequence[str]) -> str:
    """Return the text with whom it answers in it, without which nobody is told of a reply; the first name is used."""
    said = set(reading.named_in(text))
    return text if any(name.casefold() in said for name in names) else f"@{names[0]} {text}"


def _refuse_others(text: str, allowed: Sequence[str]) -> None:
    """Refuse to name in private whom it does not concern: who is named in it reads it."""
    others = reading.others_named_in(text, allowed)
    if others:
        raise ChannelFailed(
            phrase(
                "this is private, and whoever is named in it with an @ would read it: %(names)s",
                names=", ".join(others),
            ),
            permanent=True,
        )


def _is_same(acct: str, handle: str) -> bool:
    ours, theirs = acct.casefold(), handle.casefold().lstrip("@")
    return ours == theirs or ("@" not in ours and ours == theirs.partition("@")[0])


def _is_this(status: Mapping[str, Any], reply: OutgoingReply) -> bool:
    answers = id_of(status.get("in_reply_to_id")) or None
    if answers != reply.in_reply_to or id_of(status.get("id")) in reply.thread:
        return False
    said = reading.text_of(status)
    if reading.same_words(said, reply.text):
        return True
    return SequenceMatcher(None, reading.folded(said), reading.folded(reply.text), autojunk=False).ratio() >= ALIKE


def _sent(status: Mapping[str, Any]) -> SentReply:
    return SentReply(id_of(status.get("id")) or None, reading.url_of(status))
