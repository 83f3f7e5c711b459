"""Secrets at rest: what must be read again is encrypted with a key derived from the installation's own."""

import base64
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

from core.errors import Unavailable

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

# The cryptographic library is loaded where there is a secret: it is 6 MB in every process that has none.


class Encrypted(TypeDecorator[str]):
    """A text column that is ciphertext in the database (Fernet: AES-128-CBC with HMAC-SHA256)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 -- SQLAlchemy's signature
        return None if value is None else _box().encrypt(value.encode()).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 -- SQLAlchemy's signature
        if value is None:
            return None
        return _opened(value.encode()).decode()


class EncryptedJson(TypeDecorator[dict[str, Any]]):
    """The same for an object of JSON."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:  # noqa: ARG002 -- SQLAlchemy's signature
        return None if value is None else _box().encrypt(json.dumps(value).encode()).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any] | None:  # noqa: ARG002 -- SQLAlchemy's signature
        if value is None:
            return None
        found: dict[str, Any] = json.loads(_opened(value.encode()))
        return found


class EncryptedBytes(TypeDecorator[bytes]):
    """The same for what is no text."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002 -- SQLAlchemy's signature
        return None if value is None else _box().encrypt(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002 -- SQLAlchemy's signature
        return None if value is None else _opened(bytes(value))


def opens(sealed: str) -> bool:
    """Tell whether a ciphertext was made with this installation's key."""
    from cryptography.fernet import InvalidToken

    try:
        _box().decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeError):
        return False
    return True


def _opened(sealed: bytes) -> bytes:
    from cryptography.fernet import InvalidToken

    try:
        return bytes(_box().decrypt(sealed))
    except InvalidToken:
        message = "a stored secret does not fit KLINKE_SECRET_KEY; was the key changed?"
        raise Unavailable(message) from None


def _box() -> "Fernet":
    return _box_of(current_app.config["SECRET_KEY"])


@lru_cache(maxsize=2)
def _box_of(secret_key: str) -> "Fernet":
    from cryptography.fernet import Fernet
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    key = HKDF(SHA256(), 32, salt=None, info=b"klinke secrets at rest").derive(secret_key.encode())
    return Fernet(base64.urlsafe_b64encode(key))
