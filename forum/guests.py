"""What guests find helpful: once for each answer, so many a day from one network, and nobody gets points for it.

A guest is a hash of the address, made with a key of this installation that changes with every window of
`guest_vote_days`. When the window is over the rows are forgotten; how many they were stays at the post.
"""

import hashlib
import hmac
import ipaddress
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from flask import current_app
from flask_babel import gettext
from sqlalchemy import CursorResult, delete, select

from accounts import attempts
from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from core.errors import NotAllowed, TooSoon
from core.i18n import minutes_in_words
from core.settings import current_settings
from core.unique import add_once
from core.worker import chore
from forum import policy
from forum.models import GuestVote, Post

A_DAY: Final = timedelta(days=1)
NOBODY: Final = AnonymousUser()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody without an account, as two hashes: theirs and that of their network."""

    own: str
    network: str


class EnoughOfThisNetwork(TooSoon):
    """Guests of one network called enough helpful for a day; `seconds` says when it goes on."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.sentence = gettext(
            "Guests of your network have called enough answers helpful today. It goes on in %(time)s; with an account "
            "you can at once.",
            time=minutes_in_words(self.seconds),
        )


def guest_at(address: str | None) -> Guest:
    """Return the guest at an address. Behind an IPv6 address there may be any number, so there the network counts."""
    network = attempts.network(address)
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
        own = network if parsed.version == 6 and parsed.ipv4_mapped is None else str(address)  # noqa: PLR2004 -- IPv6
    except ValueError:
        own = network
    return Guest(_hashed("guest", own), _hashed("network", network))


def vote(post: Post, *, by: Guest) -> None:
    """Call an answer helpful; a second time changes nothing."""
    if not policy.may_vote_as_guest(NOBODY, post):
        raise NotAllowed(gettext("This cannot be voted on."))
    if not add_once(GuestVote, post_id=post.id, guest=by.own, network=by.network, at=now()):
        return
    _require_room(by)
    post.helpful_count, post.guest_count = Post.helpful_count + 1, Post.guest_count + 1
    db.session.flush()


def withdraw(post: Post, *, by: Guest) -> None:
    """Take it back; who never said so, or so long ago that it is forgotten, changes nothing."""
    if not policy.may_vote_as_guest(NOBODY, post):
        raise NotAllowed(gettext("This cannot be voted on."))
    gone = db.session.execute(delete(GuestVote).where(GuestVote.post_id == post.id, GuestVote.guest == by.own))
    assert isinstance(gone, CursorResult)  # noqa: S101 -- for the type checker: a DELETE counts its rows
    if gone.rowcount:
        post.helpful_count, post.guest_count = Post.helpful_count - 1, Post.guest_count - 1
        db.session.flush()


def has_voted(post: Post, guest: Guest) -> bool:
    """Tell whether this guest called an answer helpful, as long as it is known."""
    mine = select(GuestVote.post_id).where(GuestVote.post_id == post.id, GuestVote.guest == guest.own)
    return db.session.scalar(mine) is not None


@chore("forum.forget_guests", every=3600)
def forget() -> int:
    """Forget who called what helpful when the time for it is over; return how many rows went."""
    limit = now() - timedelta(days=current_settings().guest_vote_days)
    gone = db.session.execute(delete(GuestVote).where(GuestVote.at < limit))
    assert isinstance(gone, CursorResult)  # noqa: S101 -- for the type checker: a DELETE counts its rows
    db.session.commit()
    return gone.rowcount


def _require_room(guest: Guest) -> None:
    """Refuse one more of this network today; the one just written counts."""
    decisive = db.session.scalar(
        select(GuestVote.at)
        .where(GuestVote.network == guest.network, GuestVote.at > now() - A_DAY)
        .order_by(GuestVote.at.desc())
        .offset(current_settings().guest_votes)
        .limit(1)
    )
    if decisive is not None:
        raise EnoughOfThisNetwork(math.ceil((decisive + A_DAY - now()).total_seconds()))


def _hashed(what: str, address: str) -> str:
    window = (now() - _EPOCH) // timedelta(days=current_settings().guest_vote_days)
    key = hashlib.sha256(f"klinke guest vote\0{window}\0{current_app.config['SECRET_KEY']}".encode()).digest()
    return hmac.new(key, f"{what}\0{address}".encode(), hashlib.sha256).hexdigest()
