"""The watch list of a channel: which feeds, and what is wanted of each. It stands in the channel's settings."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from desk.channels.feeds.reading import Entry
from desk.models import Channel

MOST_FEEDS: Final = 200
MOST_WORDS: Final = 50
LONGEST_WORD: Final = 60
DAYS: Final = 7
MINUTES: Final = 30
Takes = Literal["words", "all"]
LIST: Final = "feeds"
"""The setting that holds the list."""
HUBS: Final = "hubs"
"""The setting that holds what hubs confirmed, by the keys of the feeds: it is written at the webhook's door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One feed that is watched."""

    key: str
    """Stands in the ids of its posts, so that no feed can speak for another."""
    url: str
    title: str = ""
    takes: Takes = "words"
    """Only posts that name one of the words, or all: the blog of somebody who complains."""
    words: tuple[str, ...] = ()
    """Empty: those of the channel."""
    added_at: datetime
    days: int = DAYS
    again_at: datetime | None = None
    """An admin had it asked anew then."""

    @property
    def since(self) -> datetime:
        """Posts that were there before are history, and nobody waits because of them."""
        return self.added_at - timedelta(days=self.days)

    def wants(self, entry: Entry, words: Iterable[str]) -> bool:
        """Tell whether a post is for the desk; `words` are the channel's."""
        return self.takes == "all" or names(f"{entry.text}\n{entry.tags}", self.words or words)

    def as_setting(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "url": self.url,
            "title": self.title,
            "takes": self.takes,
            "words": list(self.words),
            "added_at": self.added_at.isoformat(),
            "days": self.days,
            "again_at": None if self.again_at is None else self.again_at.isoformat(),
        }


def watched(channel: Channel) -> list[Watched]:
    """Return the watch list, in the order in which it was written."""
    return [_of_setting(each) for each in channel.settings.get(LIST) or ()]


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a field, one a line."""
    found = (" ".join(line.split())[:LONGEST_WORD] for line in text.splitlines())
    return tuple(dict.fromkeys(word for word in found if word))[:MOST_WORDS]


def names(text: str, words: Iterable[str]) -> bool:
    """Tell whether a text has one of the words, whole and in any case; `brand*` also finds `Brandbox`."""
    parts = [
        r"\s+".join(re.escape(part) for part in word.rstrip("*").split()) + ("" if word.endswith("*") else r"(?!\w)")
        for word in words
        if word.strip("* ")
    ]
    return bool(parts) and re.search(rf"(?<!\w)(?:{'|'.join(parts)})", text, re.IGNORECASE) is not None


def _of_setting(told: Mapping[str, Any]) -> Watched:
    return Watched(
        key=told["key"],
        url=told["url"],
        title=told.get("title", ""),
        takes="all" if told.get("takes") == "all" else "words",
        words=tuple(told.get("words", ())),
        added_at=datetime.fromisoformat(told["added_at"]),
        days=int(told.get("days", DAYS)),
        again_at=datetime.fromisoformat(told["again_at"]) if told.get("again_at") else None,
    )
