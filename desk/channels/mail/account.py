"""How a mailbox is reached, as its admin said."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from desk.models import Channel

Security = Literal["tls", "starttls", "plain"]
MOST_FOLDERS: Final = 20
MOST_ALIASES: Final = 50
OTHERWISE_DAYS: Final = 7
OTHERWISE_AN_HOUR: Final = 20
_SUFFIX: Final = re.compile(r"\+[^@]*(?=@)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    host: str
    port: int
    security: Security


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """What a fresh access token is asked for with."""

    endpoint: str
    client_id: str
    client_secret: str
    refresh_token: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One mailbox: both its servers, and what is done with what lies in it."""

    address: str
    aliases: frozenset[str]
    sender_name: str
    imap: Server
    smtp: Server
    user: str
    password: str
    oauth: OAuth | None
    folders: tuple[str, ...]
    sent_folder: str
    has_suffixes: bool
    copies_itself: bool
    days: int
    authority: str
    most_an_hour: int

    def is_own(self, address: str) -> bool:
        """Tell whether mail to this address arrives in this mailbox, with something after a plus or without."""
        return _SUFFIX.sub("", address.lower()) in {self.address, *self.aliases}


def of(channel: Channel) -> Account:
    """Read the account of a channel."""
    said: Mapping[str, Any] = channel.settings
    secrets: Mapping[str, str] = channel.credentials or {}
    address = str(said.get("address") or "").lower()
    oauth = None
    if said.get("token_endpoint"):
        oauth = OAuth(
            endpoint=str(said["token_endpoint"]),
            client_id=str(said.get("client_id") or ""),
            client_secret=secrets.get("client_secret", ""),
            refresh_token=secrets.get("refresh_token", ""),
            scope=str(said.get("scope") or ""),
        )
    return Account(
        address=address,
        aliases=frozenset(each.lower() for each in _lines(said.get("aliases"))[:MOST_ALIASES]),
        sender_name=str(said.get("sender_name") or channel.name or ""),
        imap=_server(said, "imap", 993),
        smtp=_server(said, "smtp", 465),
        user=str(said.get("user") or "") or address,
        password=secrets.get("password", ""),
        oauth=oauth,
        folders=tuple(_lines(said.get("folders"))[:MOST_FOLDERS]) or ("INBOX",),
        sent_folder=str(said.get("sent_folder") or ""),
        has_suffixes=bool(said.get("suffixes")),
        copies_itself=bool(said.get("copy_to_self")),
        days=_number(said.get("days"), OTHERWISE_DAYS),
        authority=str(said.get("authority") or "").lower(),
        most_an_hour=_number(said.get("most_an_hour"), OTHERWISE_AN_HOUR),
    )


def _server(said: Mapping[str, Any], which: str, port: int) -> Server:
    security = said.get(f"{which}_security")
    return Server(
        host=str(said.get(f"{which}_host") or ""),
        port=_number(said.get(f"{which}_port"), port),
        security=security if security in {"starttls", "plain"} else "tls",
    )


def _number(told: Any, otherwise: int) -> int:
    return otherwise if told is None else int(told)


def _lines(told: Any) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in str(told or "").splitlines() if line.strip()))
