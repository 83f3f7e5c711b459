"""The generic signed webhook, in and out (docs/webhook.md has our payloads and what each signature is worth).

Two styles, chosen for each direction: Standard Webhooks 1.0, and `sha256=` with the HMAC-SHA256 of the raw body in hex,
as GitHub's documentation "Validating webhook deliveries" describes it and many others do it.
"""

import base64
import email.utils
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar, Final, Literal

from flask_babel import gettext, lazy_gettext
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError, field_validator
from pydantic import Field as Bounded

from core import http
from core.clock import now
from core.errors import Invalid
from core.phrases import phrase
from core.problems import reasons
from core.settings import current_settings
from desk.channels.base import (
    LONGEST_ID,
    LONGEST_TEXT,
    LONGEST_URL,
    Arrival,
    Capabilities,
    ChannelFailed,
    EarlierPost,
    Exchange,
    Field,
    IncomingMessage,
    OutgoingReply,
    SentReply,
    Silent,
    WrongPayload,
    WrongSignature,
    mended,
    register,
    tidied,
)
from desk.models import Channel

TOLERANCE: Final = timedelta(seconds=300)
SECRET_BYTES: Final = 32
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 -- what a secret begins with
LARGEST_LIMIT: Final = 20_000
LONGEST_HANDLE: Final = 200
LONGEST_REASON: Final = 160
LONGEST_PRICE: Final = 80
LARGEST_REACH: Final = 2**31 - 1
MOST_OF_THREAD: Final = 50
EARLIEST_YEAR: Final = 2000
OLD_SECRET_STAYS: Final = timedelta(days=1)
STANDARD: Final = "standard"
HEX: Final = "hex"
STYLES: Final = (
    (STANDARD, lazy_gettext("Standard Webhooks (id, time, body)")),
    (HEX, lazy_gettext("sha256= and hex digits (body alone)")),
)
HEX_PREFIX: Final = "sha256="
USUAL_HEADER: Final = "X-Hub-Signature-256"
LONGEST_HEADER: Final = 80
SHORTEST_SECRET: Final = 16
LONGEST_SECRET: Final = 300
TYPED: Final = "typed_secret"
"""Where the form leaves a secret that the other side made; `prepare` makes it the channel's."""
_TRY_AGAIN: Final = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_DIGITS: Final = re.compile(r"[0-9]{1,12}")
_HEX: Final = re.compile(r"sha256=[0-9a-f]{64}")
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_TAKEN_HEADERS: Final = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "transfer-encoding",
        "user-agent",
        "webhook-id",
    }
)
"""Headers that say something else, in or out."""


class Webhook(Silent):
    """Speaks to whatever program its owner has put at the endpoint."""

    name: ClassVar[Any] = lazy_gettext("Signed webhook")
    about: ClassVar[Any] = lazy_gettext(
        "Any program that signs its requests delivers what customers write and takes the replies."
    )
    form: ClassVar[Sequence[Field]] = (
        Field(
            name="endpoint",
            label=lazy_gettext("Where replies go"),
            hint=lazy_gettext("An address that takes signed replies. Empty: the channel is only listened to."),
            kind="url",
            is_needed=False,
            longest=http.LONGEST_URL,
        ),
        Field(
            name="limit",
            label=lazy_gettext("Characters that fit into a reply"),
            hint=lazy_gettext("Empty: what the service usually takes, or 500. 0: no limit."),
            kind="number",
            is_needed=False,
            most=LARGEST_LIMIT,
        ),
        Field(
            name="signing",
            label=lazy_gettext("How deliveries are signed"),
            hint=lazy_gettext(
                "GitHub, Meta and many others sign with sha256=. Where only the body is signed, a delivery that "
                "somebody caught can be sent again later. The same bytes make one message as long as the log remembers "
                "them."
            ),
            kind="choice",
            choices=STYLES,
            default=STANDARD,
            is_needed=False,
        ),
        Field(
            name="signing_out",
            label=lazy_gettext("How replies are signed"),
            kind="choice",
            choices=STYLES,
            default=STANDARD,
            is_needed=False,
        ),
        Field(
            name="signature_header",
            label=lazy_gettext("Header of the signature"),
            hint=lazy_gettext("For sha256= only. Empty: X-Hub-Signature-256."),
            is_needed=False,
            longest=LONGEST_HEADER,
        ),
        Field(
            name="time_header",
            label=lazy_gettext("Header of the time"),
            hint=lazy_gettext(
                "For sha256= only, where the other side signs the time as well: seconds since 1970, a dot, and the "
                "body. What is older than five minutes is then refused. Empty: no time is signed."
            ),
            is_needed=False,
            longest=LONGEST_HEADER,
        ),
        Field(
            name=TYPED,
            label=lazy_gettext("Secret of the other side"),
            hint=lazy_gettext("Empty: one is made here, and shown once."),
            is_secret=True,
            is_needed=False,
            longest=LONGEST_SECRET,
        ),
    )

    @property
    def capabilities(self) -> Capabilities:
        # The receiver is told, in writing, to take a webhook-id once: that is what makes a repeat harmless.
        return Capabilities(
            may_send=bool(self._endpoint),
            idempotent_send=True,
            has_webhook=True,
            may_follow_up=True,
            by_hand=True,
            keeps_log=True,
            untimed=self._says("signing") == HEX and not self._says("time_header"),
        )

    @property
    def _secrets(self) -> list[str]:
        """Return what a delivery may be signed with: while a secret is being changed, the one before as well."""
        told = self.channel.credentials or {}
        is_old_taken = "old_secret_until" in told and now() < datetime.fromisoformat(told["old_secret_until"])
        return [one for one in (self.channel.secret, told.get("old_secret") if is_old_taken else None) if one]

    @property
    def _endpoint(self) -> str:
        return self._says("endpoint")

    @property
    def _signature_header(self) -> str:
        return self._says("signature_header") or USUAL_HEADER

    @property
    def _is_standard_used(self) -> bool:
        return self._says("signing") != HEX or (bool(self._endpoint) and self._says("signing_out") != HEX)

    def _says(self, name: str) -> str:
        return str(self.channel.settings.get(name) or "")

    def prepare(self) -> None:
        for name in ("signature_header", "time_header"):
            _check_header(name, self._says(name))
        if self._signature_header.lower() == self._says("time_header").lower():
            sentence = gettext("The signature and the time need a header each.")
            raise Invalid(sentence, fields={"time_header": sentence})
        kept = dict(self.channel.credentials or {})
        typed = kept.pop(TYPED, "")
        self.channel.credentials = kept or None
        if typed:
            self._check_secret(TYPED, typed)
            renew(self.channel, typed)
        elif not self.channel.secret:
            self.channel.secret = new_secret()
        else:
            self._check_secret("signing", self.channel.secret)

    def _check_secret(self, field: str, secret: str) -> None:
        if len(secret.encode()) < SHORTEST_SECRET:
            sentence = gettext("At least %(least)s characters, please.", least=SHORTEST_SECRET)
        elif self._is_standard_used and not _key(secret):
            sentence = gettext(
                "Standard Webhooks needs a secret of whsec_ and base64. Make a new one, or sign with sha256=."
            )
        else:
            return
        raise Invalid(sentence, fields={field: sentence})

    def delivery_id(self, headers: Mapping[str, str]) -> str:
        return headers.get("webhook-id", "")

    def verify(self, headers: Mapping[str, str], raw: bytes) -> None:
        """Raise `WrongSignature` unless a signature fits these very bytes, and the time that is signed with them."""
        if self._says("signing") == HEX:
            self._verify_hex(headers, raw)
        else:
            self._verify_standard(headers, raw)

    def _verify_standard(self, headers: Mapping[str, str], raw: bytes) -> None:
        message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        given = headers.get("webhook-signature", "")
        if not (message_id and timestamp and given):
            raise WrongSignature(
                gettext("The headers webhook-id, webhook-timestamp and webhook-signature are all needed.")
            )
        if not _DIGITS.fullmatch(timestamp):
            raise WrongSignature(gettext("%(name)s must be seconds since 1970.", name="webhook-timestamp"))
        signatures = given.split(" ")
        if any(one.endswith(",") for one in signatures):
            raise _there_twice("webhook-signature")
        _require_one([signature(one, message_id, timestamp, raw) for one in self._secrets if _key(one)], signatures)
        _require_now("webhook-timestamp", timestamp)

    def _verify_hex(self, headers: Mapping[str, str], raw: bytes) -> None:
        name, time_name = self._signature_header, self._says("time_header")
        given, timestamp = (
            headers.get(name.lower(), "").strip(),
            headers.get(time_name.lower(), "") if time_name else "",
        )
        for header, value in ((name, given), (time_name, timestamp)):
            if header and not value:
                raise WrongSignature(gettext("The header %(name)s is missing.", name=header))
            if "," in value:
                raise _there_twice(header)
        if not _HEX.fullmatch(given.lower()):
            raise WrongSignature(gettext("%(name)s must be sha256= and 64 hex digits.", name=name))
        if time_name and not _DIGITS.fullmatch(timestamp):
            raise WrongSignature(gettext("%(name)s must be seconds since 1970.", name=time_name))
        _require_one([hex_signature(secret, raw, timestamp) for secret in self._secrets], [given.lower()])
        if time_name:
            _require_now(time_name, timestamp)

    def parse(self, raw: bytes) -> Sequence[Arrival]:
        try:
            delivery = _Delivery.model_validate(_whole(json.loads(raw)))
        except ValidationError as error:
            raise WrongPayload(reasons(error)) from None
        except (ValueError, RecursionError):
            raise WrongPayload({"body": gettext("The body is not valid JSON.")}) from None
        message, contact = delivery.message, delivery.contact
        return [
            IncomingMessage(
                conversation=delivery.conversation,
                id=message.id,
                text=message.text,
                created_at=min(message.created, now()),
                is_public=message.public,
                url=message.url,
                handle=contact.handle,
                name=contact.name,
                reach=contact.reach,
                locale=delivery.locale,
                capabilities=None
                if delivery.capabilities is None
                else delivery.capabilities.model_dump(mode="json", exclude_unset=True),
                thread=_thread(delivery.thread),
            )
        ]

    def send(self, reply: OutgoingReply) -> SentReply:
        return self.repeat(reply.key, json.dumps(_payload(reply), ensure_ascii=False, separators=(",", ":")).encode())

    def repeat(self, key: str, body: bytes) -> SentReply:
        headers = {"Content-Type": "application/json", "webhook-id": key, **self._signed(key, body)}
        began = time.monotonic()
        status: int | None = None
        try:
            answer = http.post(self._endpoint, body, headers, current_settings())
            status = answer.status
            sent = _outcome(answer)
        except http.Refused as refusal:
            failure = ChannelFailed(refusal.reason, permanent=True)
        except http.Unreachable as problem:
            failure = ChannelFailed(problem.reason, unsure=problem.sent)
        except ChannelFailed as told:
            failure = told
        else:
            return replace(sent, exchange=_exchange(body, status, began))
        failure.exchange = _exchange(body, status, began)
        raise failure from None

    def _signed(self, key: str, body: bytes) -> dict[str, str]:
        timestamp, time_name = str(int(now().timestamp())), self._says("time_header")
        if self._says("signing_out") == HEX:
            # One value is all that this style has room for, so the newest secret signs.
            signed = hex_signature(self.channel.secret or "", body, timestamp if time_name else "")
            return {self._signature_header: signed, **({time_name: timestamp} if time_name else {})}
        return {
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(signature(one, key, timestamp, body) for one in self._secrets if _key(one)),
        }


def _exchange(body: bytes, status: int | None, began: float) -> Exchange:
    return Exchange(body=body, status=status, seconds=time.monotonic() - began)


def new_secret() -> str:
    """Return a fresh secret, as it is shown once and given to the other side."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def renew(channel: Channel, secret: str) -> None:
    """Have the channel sign with another secret from now on; the one before is taken for another day."""
    if channel.secret and channel.secret != secret:
        channel.credentials = {
            **(channel.credentials or {}),
            "old_secret": channel.secret,
            "old_secret_until": (now() + OLD_SECRET_STAYS).isoformat(),
        }
    channel.secret = secret


def signature(secret: str, message_id: str, timestamp: str, raw: bytes) -> str:
    """Return the `v1` signature: HMAC-SHA256 over id, timestamp and the raw bytes, joined by dots."""
    key = _key(secret)
    if not key:
        message = "the channel's secret is not whsec_ and base64"
        raise ValueError(message)
    signed = message_id.encode("utf-8", "surrogateescape") + b"." + timestamp.encode() + b"." + raw
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def hex_signature(secret: str, raw: bytes, timestamp: str = "") -> str:
    """Return `sha256=` and the HMAC-SHA256 in hex over the raw bytes, after a timestamp and a dot where there is one.

    The key is the secret as it is written.
    """
    signed = timestamp.encode() + b"." + raw if timestamp else raw
    return HEX_PREFIX + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _key(secret: str) -> bytes:
    """Return the bytes that a secret of Standard Webhooks stands for; empty where it is none."""
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:  # binascii.Error is one
        return b""


def _check_header(field: str, name: str) -> None:
    if name and (not _HEADER.fullmatch(name) or name.lower() in _TAKEN_HEADERS):
        sentence = gettext(
            "The name of a header, please: letters, digits and dashes, and none that says something else."
        )
        raise Invalid(sentence, fields={field: sentence})


def _there_twice(name: str) -> WrongSignature:
    # A server joins a header that came twice by a comma, and which of the two is meant nobody can know.
    return WrongSignature(gettext("The header %(name)s is there twice.", name=name))


def _require_one(ours: Sequence[str], given: Sequence[str]) -> None:
    # Every signature is compared, so that the time does not tell which one came near.
    fits = [
        hmac.compare_digest(mine.encode(), one.encode("utf-8", "surrogateescape")) for mine in ours for one in given
    ]
    if not any(fits):
        raise WrongSignature(gettext("No signature fits these bytes and this secret."))


def _require_now(name: str, timestamp: str) -> None:
    if abs(now().timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
        raise WrongSignature(
            gettext(
                "%(name)s is more than %(minutes)s minutes away from now.", name=name, minutes=TOLERANCE.seconds // 60
            )
        )


class _Part(BaseModel):
    # What a later version adds must not turn today's customers away.
    model_config = ConfigDict(extra="ignore")


class _Message(_Part):
    id: str = Bounded(min_length=1, max_length=LONGEST_ID)
    text: str = Bounded(min_length=1, max_length=LONGEST_TEXT)
    created: AwareDatetime
    public: bool
    url: str | None = Bounded(None, max_length=LONGEST_URL)

    @field_validator("text")
    @classmethod
    def _has_words(cls, value: str) -> str:
        return _needed(tidied(value))

    @field_validator("id")
    @classmethod
    def _is_storable(cls, value: str) -> str:
        return _storable(value)

    @field_validator("created")
    @classmethod
    def _is_of_our_time(cls, value: datetime) -> datetime:
        if value.year < EARLIEST_YEAR or value.year > now().year + 1:
            message = gettext("This time is too far from now.")
            raise ValueError(message)
        return value

    @field_validator("url")
    @classmethod
    def _leads_to_a_page(cls, value: str | None) -> str | None:
        if value and not (value.startswith(("https://", "http://")) and value.isprintable() and " " not in value):
            message = gettext("An address begins with https:// or http://.")
            raise ValueError(message)
        return value or None


class _Contact(_Part):
    handle: str = Bounded(min_length=1, max_length=LONGEST_HANDLE)
    name: str = Bounded("", max_length=LONGEST_HANDLE)
    reach: int | None = Bounded(None, ge=0)

    @field_validator("handle", "name")
    @classmethod
    def _is_one_line(cls, value: str) -> str:
        return " ".join(tidied(value).split())

    @field_validator("handle")
    @classmethod
    def _names_somebody(cls, value: str) -> str:
        return _needed(value)

    @field_validator("reach")
    @classmethod
    def _is_bounded(cls, value: int | None) -> int | None:
        return None if value is None else min(value, LARGEST_REACH)


class _Capabilities(_Part):
    reply: bool = True
    public: bool = True
    private: bool = True
    private_left: int | None = Bounded(None, ge=0, le=1000)
    until: AwareDatetime | None = None
    price: str = Bounded("", max_length=LONGEST_PRICE)
    answer_before_hiding: bool = False

    @field_validator("price")
    @classmethod
    def _is_one_line(cls, value: str) -> str:
        return " ".join(tidied(value).split())


class _EarlierPost(_Message):
    public: bool = True
    contact: _Contact
    ours: bool = False


class _Delivery(_Part):
    type: Literal["message"]
    conversation: str = Bounded(min_length=1, max_length=LONGEST_ID)
    message: _Message
    contact: _Contact
    locale: Literal["de", "en"] | None = None
    capabilities: _Capabilities | None = None
    thread: Any = None

    @field_validator("conversation")
    @classmethod
    def _is_storable(cls, value: str) -> str:
        return _storable(value)


def _thread(told: Any) -> tuple[EarlierPost, ...]:
    """Return the posts of the thread that can be read; the customer's message is not refused for the others."""
    found: dict[str, EarlierPost] = {}
    for each in told[-MOST_OF_THREAD:] if isinstance(told, list) else ():
        try:
            post = _EarlierPost.model_validate(each)
        except (ValidationError, RecursionError):
            continue
        if post.public:
            found[post.id] = EarlierPost(
                id=post.id,
                text=post.text,
                created_at=min(post.created, now()),
                handle=post.contact.handle,
                name=post.contact.name,
                url=post.url,
                is_ours=post.ours,
            )
    return tuple(found.values())


def _whole(values: Any) -> Any:
    """Return JSON values without halves of characters; a customer's message is not refused for one."""
    if isinstance(values, str):
        return mended(values)
    if isinstance(values, list):
        return [_whole(value) for value in values]
    return {mended(name): _whole(value) for name, value in values.items()} if isinstance(values, dict) else values


def _needed(value: str) -> str:
    if not value:
        message = gettext("This is still empty.")
        raise ValueError(message)
    return value


def _storable(value: str) -> str:
    # An id is opaque and compared byte by byte: it is taken as it is or not at all.
    if not value.isprintable():
        message = gettext("An id has no invisible characters.")
        raise ValueError(message)
    return value


def _payload(reply: OutgoingReply) -> dict[str, Any]:
    return {
        "type": "reply",
        "conversation": reply.conversation,
        "in_reply_to": reply.in_reply_to,
        "message": {"id": str(reply.id), "text": reply.text, "public": reply.is_public},
    }


def _outcome(answer: http.Answer) -> SentReply:
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return _sent(answer.body)
    reason = _reason(answer)
    if answer.status in _TRY_AGAIN or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ChannelFailed(reason, retry_after=_pause(answer.headers.get("retry-after", "")))
    raise ChannelFailed(reason, permanent=True)


def _sent(body: bytes) -> SentReply:
    # The status says that it was taken. An answer that cannot be read does not unsay it.
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return SentReply()
    if not isinstance(told, dict):
        return SentReply()
    message_id, url = str(told.get("id") or ""), str(told.get("url") or "")
    is_id = 0 < len(message_id) <= LONGEST_ID and message_id.isprintable()
    is_url = url.startswith(("https://", "http://")) and len(url) <= LONGEST_URL and url.isprintable()
    return SentReply(message_id if is_id else None, url if is_url else None)


def _reason(answer: http.Answer) -> str:
    words = " ".join(tidied(answer.body[:2000].decode("utf-8", "replace")).split())
    if answer.headers.get("content-type", "").split(";")[0].endswith("json"):
        words = _told(answer.body) or words
    if len(words) > LONGEST_REASON:
        words = words[:LONGEST_REASON] + "…"
    status = phrase("the other side answered %(status)s", status=answer.status)
    return status + f": {words}" if words else status


def _told(body: bytes) -> str:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if isinstance(told, dict):
        for name in ("detail", "message", "error", "title"):
            if isinstance(told.get(name), str):
                return " ".join(tidied(told[name]).split())
    return ""


def _pause(value: str) -> float | None:
    """Read Retry-After, which is a number of seconds or a date (RFC 9110 10.2.3)."""
    if _DIGITS.fullmatch(value.strip()):
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - now().timestamp())


register("webhook", Webhook)
