"""The generic signed webhook, in and out, as Standard Webhooks 1.0 describes it (docs/webhook.md has our payloads)."""

import base64
import email.utils
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar, Final, Literal

from flask_babel import gettext, lazy_gettext
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError, field_validator
from pydantic import Field as Bounded

from core import http
from core.clock import now
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
_TRY_AGAIN: Final = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}
_DIGITS: Final = re.compile(r"[0-9]{1,12}")


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
    )

    @property
    def capabilities(self) -> Capabilities:
        # The receiver is told, in writing, to take a webhook-id once: that is what makes a repeat harmless.
        return Capabilities(
            may_send=bool(self._endpoint), idempotent_send=True, has_webhook=True, may_follow_up=True, by_hand=True
        )

    @property
    def _secrets(self) -> list[str]:
        """Return what a delivery may be signed with: while a secret is being changed, the one before as well."""
        told = self.channel.credentials or {}
        is_old_taken = "old_secret_until" in told and now() < datetime.fromisoformat(told["old_secret_until"])
        return [one for one in (self.channel.secret, told.get("old_secret") if is_old_taken else None) if one]

    @property
    def _endpoint(self) -> str:
        return str(self.channel.settings.get("endpoint") or "")

    def prepare(self) -> None:
        self.channel.secret = self.channel.secret or new_secret()

    def verify(self, headers: Mapping[str, str], raw: bytes) -> None:
        """Raise `WrongSignature` unless a signature fits these very bytes and they were signed within 5 minutes."""
        message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        given = headers.get("webhook-signature", "")
        if not (message_id and timestamp and given):
            raise WrongSignature(
                gettext("The headers webhook-id, webhook-timestamp and webhook-signature are all needed.")
            )
        if not _DIGITS.fullmatch(timestamp):
            raise WrongSignature(gettext("webhook-timestamp must be seconds since 1970."))
        secrets_now = self._secrets
        expected = [signature(secret, message_id, timestamp, raw).encode() for secret in secrets_now]
        # Every signature is compared, so that the time does not tell which one came near.
        fits = [
            hmac.compare_digest(ours, one.encode("utf-8", "surrogateescape"))
            for ours in expected
            for one in given.split(" ")
        ]
        if not any(fits):
            raise WrongSignature(gettext("No signature fits these bytes and this secret."))
        if abs(now().timestamp() - int(timestamp)) > TOLERANCE.total_seconds():
            raise WrongSignature(
                gettext(
                    "webhook-timestamp is more than %(minutes)s minutes away from now.", minutes=TOLERANCE.seconds // 60
                )
            )

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
        settings = current_settings()
        body = json.dumps(_payload(reply), ensure_ascii=False, separators=(",", ":")).encode()
        timestamp = str(int(now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": reply.key,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self.channel.secret or "", reply.key, timestamp, body),
        }
        try:
            answer = http.post(self._endpoint, body, headers, settings)
        except http.Refused as refusal:
            raise ChannelFailed(refusal.reason, permanent=True) from None
        except http.Unreachable as problem:
            raise ChannelFailed(problem.reason, unsure=problem.sent) from None
        return _outcome(answer)


def new_secret() -> str:
    """Return a fresh secret, as it is shown once and given to the other side."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, timestamp: str, raw: bytes) -> str:
    """Return the `v1` signature: HMAC-SHA256 over id, timestamp and the raw bytes, joined by dots."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:  # binascii.Error is one
        message = "the channel's secret is not whsec_ and base64"
        raise ValueError(message) from None
    signed = message_id.encode("utf-8", "surrogateescape") + b"." + timestamp.encode() + b"." + raw
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


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
