"""Passwords: argon2id, a few at a time, and rules that a person can keep."""

import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from flask_babel import gettext

from core.errors import Invalid, Unavailable

SHORTEST = 10
LONGEST = 128
SHORTEST_PART = 4
"""A shorter handle may stand in a password by chance."""
FEWEST_CHARACTERS = 4
AT_ONCE = 4
WAIT_SECONDS = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
COMMON = frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").split())

# RFC 9106's second recommendation: 64 MiB, three passes, four lanes.
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$sjEFnu7rOC+i91cFsD7lMQ$k7FtQFWjxN2E4qoFQDJBuBv9+fRLWOg5FZtu4Lv5HY4"
_room = threading.BoundedSemaphore(AT_ONCE)


def hashed(password: str) -> str:
    """Return what is stored instead of `password`; takes a tenth of a second, so hold no database lock meanwhile."""
    with _turn():
        return _hasher.hash(_normal(password))


def fits(stored: str | None, password: str) -> bool:
    """Tell whether `password` is the one that was stored; takes the same time when there is none (None)."""
    with _turn():
        try:
            return _hasher.verify(stored or _NOBODYS, _normal(password)) and stored is not None
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError):
            # A stored value that is no hash fits nothing; `flask users` can set a new one.
            return False


def is_outdated(stored: str) -> bool:
    """Tell whether a stored hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def check(password: str, *, handle: str, email: str | None) -> None:
    """Raise `Invalid` with a sentence at the field `password` when somebody could guess it."""
    if sentence := _weakness(password, handle, email):
        raise Invalid(sentence, fields={"password": sentence})


def invent() -> str:
    """Return a password for a person who chooses their own later: 100 bits, without characters that look alike."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(5)) for _ in range(4))


def _weakness(password: str, handle: str, email: str | None) -> str:
    if len(password) < SHORTEST:
        return str(gettext("A password has %(least)s characters or more.", least=SHORTEST))
    if len(password) > LONGEST:
        return str(gettext("A password has at most %(most)s characters.", most=LONGEST))
    bare = _normal(password).casefold()
    own = [handle.casefold(), *(email or "").casefold().split("@")[:1]]
    if any(len(part) >= SHORTEST_PART and part in bare for part in own):
        return str(gettext("Your handle or address is in this password. Please choose one that nobody can read off."))
    if bare in COMMON or len(set(bare)) < FEWEST_CHARACTERS:
        return str(gettext("Many people use this password, so it is guessed first. Please choose another."))
    return ""


def _normal(password: str) -> str:
    # The length is bounded before the normalisation, which is slow on hostile input.
    return unicodedata.normalize("NFC", password[: LONGEST + 1])


@contextmanager
def _turn() -> Iterator[None]:
    # Each hash takes 64 MiB: without a bound, a crowd at the door would take all memory.
    if not _room.acquire(timeout=WAIT_SECONDS):
        raise Unavailable
    try:
        yield
    finally:
        _room.release()
