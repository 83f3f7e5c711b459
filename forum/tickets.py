"""Signed permissions in mails: whoever holds one may do one thing for one person, signed in or not.

All are signed with a key made of the installation's own. A reply ticket also carries the address it was sent to: with
another address the old tickets are worth nothing.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from flask import current_app
from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from accounts import people
from accounts.models import User
from core.db import LARGEST_ID, db
from core.errors import NotFound
from forum.models import GuestFollow, MailedQuestion, Post

GOOD_FOR_DECIDING: Final = 60 * 24 * 3600
"""Seconds that the buttons in a mail work."""

SEALED: Final = 20
"""Characters that nobody guesses: 100 bits."""

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_REPLY: Final = re.compile(r"(?<![0-9a-z])([0-9a-z]{1,13})-([0-9a-z]{1,13})-([a-z2-7]{26})(?![0-9a-z])")
_SHORT: Final = re.compile(r"([0-9a-z]{1,13})-[a-z2-7]{20}")


def for_reply(user: User, post_id: int) -> str:
    """Return what stands in the reply address and in the Message-ID: lower case, for mail servers may change it so."""
    return f"{_short(user.id)}-{_short(post_id)}-{_mark(user, post_id)}"


def replies_in(text: str) -> Iterator[tuple[User, int]]:
    """Yield the person and the id of the post of every true reply ticket in a text."""
    for found in _REPLY.finditer(text.lower()):
        user_id, post_id = int(found[1], 36), int(found[2], 36)
        user = people.by_id(user_id)
        if user is not None and user.is_active and hmac.compare_digest(found[3], _mark(user, post_id)):
            yield user, post_id


def for_unsubscribing(user: User, groups: Iterable[str], topic_id: int | None = None) -> str:
    """Return what ends mails of these sorts; it works for as long as the account exists."""
    return str(_plain("unsubscribe").dumps([user.id, sorted(groups), topic_id]))


def unsubscribing(ticket: str) -> tuple[User, list[str], int | None]:
    """Return whose mails of which sorts it ends, and which topic the mail was about; raise `NotFound` for others."""
    user_id, groups, topic_id = _opened(_plain("unsubscribe"), ticket)
    return _person(user_id), groups, topic_id


def for_deciding(user: User, post: Post) -> str:
    """Return what lets a person say whether an answer solved their question."""
    return str(_timed().dumps([user.id, post.id]))


def deciding(ticket: str) -> tuple[User, Post]:
    """Return who may decide about which answer; raise `NotFound` for what is no such ticket, or too old."""
    try:
        user_id, post_id = _timed().loads(ticket, max_age=GOOD_FOR_DECIDING)
    except (BadSignature, ValueError):
        raise NotFound from None
    post = db.session.get(Post, post_id) if 0 < post_id <= LARGEST_ID else None
    if post is None:
        raise NotFound
    return _person(user_id), post


def for_guest_following(wish: GuestFollow) -> str:
    """Return what confirms and ends a guest's wish to hear of a solution; it dies with the wish."""
    return str(_plain("guest").dumps(wish.id))


def guest_following(ticket: str) -> int:
    """Return the id of the wish; raise `NotFound` for what is no such ticket."""
    return int(_opened(_plain("guest"), ticket))


def for_mailed_question(question: MailedQuestion) -> str:
    """Return what lets a member post a question that came by mail; with another address it is worth nothing."""
    address = hashlib.sha256((question.user.email_key or "").encode()).hexdigest()[:16]
    return str(_plain("question").dumps([question.id, question.user_id, address]))


def mailed_question(ticket: str) -> tuple[int, int]:
    """Return the ids of the question and of its member; raise `NotFound` for what is no such ticket."""
    question_id, user_id, _ = _opened(_plain("question"), ticket)
    return question_id, user_id


def short(purpose: str, thing_id: int, about: str) -> str:
    """Return a ticket as short as a message to a customer needs it, for one thing of which `about` says what it is."""
    return f"{_short(thing_id)}-{_seal(purpose, thing_id, about)}"


def of_short(ticket: str) -> int:
    """Return which thing a short ticket names; raise `NotFound` for what is none. `is_short` proves it."""
    found = _SHORT.fullmatch(ticket)
    number = int(found[1], 36) if found else 0
    if not 0 < number <= LARGEST_ID:
        raise NotFound
    return number


def is_short(ticket: str, purpose: str, thing_id: int, about: str) -> bool:
    """Tell whether this is the ticket that was given out for the thing."""
    return hmac.compare_digest(ticket.encode(), short(purpose, thing_id, about).encode())


def _person(user_id: int) -> User:
    user = people.by_id(user_id)
    if user is None or not user.is_active:
        raise NotFound
    return user


def _opened(serializer: URLSafeSerializer, ticket: str) -> Any:
    try:
        return serializer.loads(ticket)
    except BadSignature:
        raise NotFound from None


def _plain(purpose: str) -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=f"klinke mail {purpose}", signer_kwargs=_SIGNER)


def _timed() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="klinke mail decide", signer_kwargs=_SIGNER)


_SIGNER: Final = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}


def _mark(user: User, post_id: int) -> str:
    key = hashlib.sha256(b"klinke mail reply\0" + current_app.config["SECRET_KEY"].encode()).digest()
    said = f"{user.id}\0{post_id}\0{user.email_key or ''}".encode()
    return base64.b32encode(hmac.digest(key, said, "sha256")).decode().lower()[:26]


def _seal(purpose: str, thing_id: int, about: str) -> str:
    key = hashlib.sha256(f"klinke short {purpose}\0{current_app.config['SECRET_KEY']}".encode()).digest()
    return base64.b32encode(hmac.digest(key, f"{thing_id}\0{about}".encode(), "sha256")).decode().lower()[:SEALED]


def _short(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
