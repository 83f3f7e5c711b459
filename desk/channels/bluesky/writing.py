"""What is written to Bluesky: record keys chosen by us, texts with their links, mentions and tags, cards, posts."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from core.clock import now
from core.counting import ADDRESS, graphemes, shown_address
from search.analysis import language

POST: Final = "app.bsky.feed.post"
THREADGATE: Final = "app.bsky.feed.threadgate"
_SORTABLE: Final = "234567abcdefghijklmnopqrstuvwxyz"
_TID: Final = re.compile(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}")
_CLOCK_BITS: Final = 10
_LONGEST_TAG: Final = 64
_AT_URI: Final = re.compile(r"at://([a-zA-Z0-9._:%-]+)/([a-zA-Z0-9.-]+)/([a-zA-Z0-9._:~-]{1,512})")
_MENTION: Final = re.compile(
    r"(?<![\w/@.])@((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?)", re.IGNORECASE
)
_TAG: Final = re.compile(
    r"(?<![\w/#&])#(?!\ufe0f|\d+\b)([^\s\u00ad\u2060\u200a-\u200f\u20e2#.,;:!?'\"()\[\]{}<>«»“”„‘’…/\\]+)"
)


def new_key() -> str:
    """Return a record key as AT protocol makes them (a TID): microseconds since 1970 and ten bits of chance."""
    number = (int(now().timestamp() * 1_000_000) << _CLOCK_BITS) | secrets.randbits(_CLOCK_BITS)
    letters = ""
    for _ in range(13):
        letters = _SORTABLE[number & 31] + letters
        number >>= 5
    return letters


def moment_of(key: str) -> datetime:
    """Return when a record key was made, so that every attempt at a post says the same; now for another kind of key."""
    if not _TID.fullmatch(key):
        return now()
    number = 0
    for letter in key:
        number = (number << 5) | _SORTABLE.index(letter)
    return datetime.fromtimestamp((number >> _CLOCK_BITS) / 1_000_000, UTC)


@dataclass(frozen=True, slots=True)
class Uri:
    """The address of a record."""

    did: str
    collection: str
    key: str

    def __str__(self) -> str:
        return f"at://{self.did}/{self.collection}/{self.key}"

    @property
    def page(self) -> str:
        """Where people see the post."""
        return f"https://bsky.app/profile/{self.did}/post/{self.key}"


def read_uri(text: str | None) -> Uri | None:
    """Return the parts of a record's address; None where it is none."""
    found = _AT_URI.fullmatch(text or "")
    return None if found is None else Uri(*found.groups())


def stamp(moment: datetime) -> str:
    """Return a moment as AT protocol writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rich(text: str, did_of: Callable[[str], str | None]) -> tuple[str, list[dict[str, Any]]]:
    """Return the text as it is seen, and its facets: their places are bytes of UTF-8, the end not included.

    An address is shown short, as `core.counting` counts it, and whole behind it. `did_of` says who is mentioned.
    """
    shown: list[str] = []
    facets: list[dict[str, Any]] = []
    at = size = 0

    def write(words: str) -> int:
        nonlocal size
        shown.append(words)
        size += len(words.encode())
        return size

    for start, end, words, feature in _marked(text, did_of):
        write(text[at:start])
        begin = size
        facets.append({"index": {"byteStart": begin, "byteEnd": write(words)}, "features": [feature]})
        at = end
    write(text[at:])
    return "".join(shown), facets


def _marked(text: str, did_of: Callable[[str], str | None]) -> list[tuple[int, int, str, dict[str, Any]]]:
    found: list[tuple[int, int, str, dict[str, Any]]] = []
    links = [(one.start(), one.end()) for one in ADDRESS.finditer(text)]
    for start, end in links:
        url = text[start:end]
        found.append((start, end, shown_address(url), {"$type": "app.bsky.richtext.facet#link", "uri": url}))

    def is_free(one: re.Match[str]) -> bool:
        return not any(start < one.end() and one.start() < end for start, end in links)

    for one in filter(is_free, _MENTION.finditer(text)):
        if (did := did_of(one.group(1).lower())) is not None:
            found += _facet(one, "mention", did=did)
    for one in filter(is_free, _TAG.finditer(text)):
        if graphemes(one.group(1)) <= _LONGEST_TAG:
            found += _facet(one, "tag", tag=one.group(1))
    return sorted(found, key=lambda each: each[0])


def _facet(found: re.Match[str], kind: str, **told: str) -> list[tuple[int, int, str, dict[str, Any]]]:
    return [(found.start(), found.end(), found.group(), {"$type": f"app.bsky.richtext.facet#{kind}", **told})]


def post(
    text: str,
    facets: list[dict[str, Any]],
    *,
    key: str,
    root: dict[str, str],
    parent: dict[str, str],
    card: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return the record of a reply."""
    return {
        "$type": POST,
        "text": text,
        "createdAt": stamp(moment_of(key)),
        "langs": [language.guess(_plain(text, facets))],
        "reply": {"root": root, "parent": parent},
        **({"facets": facets} if facets else {}),
        **({"embed": {"$type": "app.bsky.embed.external", "external": card}} if card else {}),
    }


def _plain(text: str, facets: list[dict[str, Any]]) -> str:
    """Return what was written: addresses and handles are in no language."""
    raw = text.encode()
    for place in sorted((one["index"] for one in facets), key=lambda one: one["byteStart"], reverse=True):
        raw = raw[: place["byteStart"]] + raw[place["byteEnd"] :]
    return raw.decode()
