"""A feed's bytes become entries of plain text. They are a stranger's: nothing in them is fetched, run or expanded."""

import calendar
import hashlib
import html as entities
import io
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from core import markup
from core.clock import now
from core.phrases import phrase
from desk.channels.base import LONGEST_TEXT, LONGEST_URL, tidied

LARGEST: Final = 4 * 1024 * 1024
MOST_TAGS: Final = 200_000
"""The parser takes up to 8 seconds for a megabyte of nothing but opening tags."""
MOST_ENTRIES: Final = 2000
"""Of a longer feed only the first ones are read, which are the newest by custom."""
LONGEST_NAME: Final = 100
LONGEST_MARKUP: Final = 200_000
LONGEST_PAGE: Final = 400_000
EARLIEST_YEAR: Final = 2000
_PERIODS: Final = {"hourly": 3600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}
_DIGITS: Final = re.compile(r"[0-9]{1,9}")
_MAIL: Final = re.compile(r"\S+@\S+")
_LINK_TAG: Final = re.compile(r"<(?:link|a)\b[^<>]{0,2000}>", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"""(?<![a-zA-Z-])([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_HEADER_LINK: Final = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w*-]+\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]+))*)")
_FEED_TYPES: Final = ("application/rss+xml", "application/atom+xml", "application/rdf+xml")


class NoFeed(Exception):
    """What stands at the address cannot be read as a feed; `reason` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One post or comment; `text` begins with its title."""

    id: str
    """By guid or atom:id, else by its address: the same however often its text changes."""
    title: str
    text: str
    url: str | None
    author: str
    at: datetime | None
    tags: str
    comments: str | None
    """The address of the feed of its comments."""
    comment_count: int | None
    answers: str | None
    """The address of the post that it says it answers."""

    @property
    def fingerprint(self) -> str:
        """What changes when its words do, and only then."""
        return digest(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    title: str
    site: str
    locale: str | None
    every: float | None
    """How often it is worth asking, in seconds, as it says itself."""
    hub: str | None
    topic: str | None
    """By which address its hub knows it."""
    entries: tuple[Entry, ...]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def read(raw: bytes, *, url: str, content_type: str = "", link: str = "") -> Feed:
    """Return what a feed says; `link` is the Link header. Raise `NoFeed`."""
    if raw.count(b"<") > MOST_TAGS:
        raise NoFeed(phrase("the feed has more parts than can be read"))
    told = _parsed(raw, url, content_type)
    if not told.get("version") and not told.entries:
        raise NoFeed(phrase("what stands there is not a feed that can be read"))
    about, rels = told.feed, header_links(link, url)
    entries: dict[str, Entry] = {}
    for one in told.entries[:MOST_ENTRIES]:
        entry = _entry(one, url, about)
        if entry is not None:
            entries.setdefault(entry.id, entry)
    return Feed(
        title=_line(about.get("title_detail") or {"value": about.get("title", "")})[:LONGEST_NAME],
        site=_address(about.get("link"), url) or url,
        locale=_locale(about),
        every=_every(about),
        hub=rels.get("hub") or _rel(about, "hub", url),
        topic=rels.get("self") or _rel(about, "self", url),
        entries=tuple(entries.values()),
    )


def header_links(value: str, url: str) -> dict[str, str]:
    """Return the addresses of a Link header by their relations (RFC 8288); of several with one, the first."""
    found: dict[str, str] = {}
    for match in _HEADER_LINK.finditer(value[:8000]):
        for name, quoted, _single, plain in _ATTRIBUTE.findall(match[2]):
            if name.lower() == "rel" and (address := _address(match[1], url)) is not None:
                for rel in (quoted or plain).lower().split():
                    found.setdefault(rel, address)
    return found


def links(raw: bytes, url: str) -> Iterator[dict[str, str]]:
    """Yield the attributes of each link and anchor in a page, with `href` whole."""
    text = raw[:LONGEST_PAGE].decode("utf-8", "replace")
    for tag in _LINK_TAG.finditer(text):
        told = {
            name.lower(): entities.unescape(double or single or plain)
            for name, double, single, plain in _ATTRIBUTE.findall(tag[0])
        }
        if "href" in told and (href := _address(told["href"] or url, url)) is not None:
            yield {**told, "href": href}


def feed_of_page(raw: bytes, url: str) -> str | None:
    """Return the address of the feed that a page names as its own; of the comments' feed only if there is no other."""
    found = [
        told
        for told in links(raw, url)
        if "alternate" in told.get("rel", "").lower().split() and told.get("type", "").lower() in _FEED_TYPES
    ]
    found.sort(key=lambda told: "comment" in (told.get("title", "") + told["href"]).lower())
    return found[0]["href"] if found else None


def _parsed(raw: bytes, url: str, content_type: str) -> Any:
    import feedparser  # here, since it takes a tenth of a second and only who watches feeds needs it

    # A stream, never the bytes themselves: what feedparser takes for a name it would open. Its sanitizer is not needed,
    # since only the text is taken out; entities that a document declares are left as they are.
    try:
        return feedparser.parse(
            io.BytesIO(raw),
            response_headers={"content-location": url, "content-type": content_type or "application/xml"},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, AssertionError):
        # It mends what is broken, and stumbles over some of it.
        raise NoFeed(phrase("what stands there is not a feed that can be read")) from None


def _entry(told: Any, url: str, about: Any) -> Entry | None:
    title, body = _line(told.get("title_detail") or {"value": told.get("title", "")}), _body(told)
    address = _address(told.get("link"), url)
    is_said_twice = not title or body.startswith(title.rstrip("…."))
    text = body if is_said_twice and body else f"{title}\n\n{body}".strip() or address or ""
    if not text:
        return None
    at = _moment(told)
    identity = str(told.get("id") or "").strip() or address or f"{title} {at}"
    return Entry(
        id=digest(identity),
        title=title,
        text=text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…",
        url=address,
        author=_author(told) or _author(about),
        at=at,
        tags=" ".join(str(tag.get("term") or "") for tag in told.get("tags", ()))[:1000],
        comments=_address(told.get("wfw_commentrss"), url)
        or _rel(told, "replies", url)
        or _of_wordpress(about, address),
        comment_count=_number(told.get("slash_comments")),
        answers=_address((told.get("thr_in-reply-to") or {}).get("href"), url)
        or _address((told.get("thr_in-reply-to") or {}).get("ref"), url),
    )


def _body(told: Any) -> str:
    """Return the longest that the entry says of itself, as text."""
    bodies = [*told.get("content", ()), told.get("summary_detail") or {}]
    return max((_text(one) for one in bodies), key=len, default="")


def _text(detail: Any) -> str:
    value = str(detail.get("value") or "")[:LONGEST_MARKUP]
    return tidied(value if detail.get("type") == "text/plain" else markup.lines(value))


def _line(detail: Any) -> str:
    return " ".join(_text(detail).split())


def _author(told: Any) -> str:
    # RSS 2.0 has "lena@blog.example (Lena)" here, of which feedparser cuts the address in the middle of a long ending.
    # The name is wanted; the mail address is nobody's business.
    said = tidied(markup.plain(str(told.get("author") or "")[:1000]))
    name = " ".join(_MAIL.sub(" ", said).split()).strip("()<> ")
    return (name or said.partition("@")[0].strip("()<> "))[:LONGEST_NAME]


def _moment(told: Any) -> datetime | None:
    for name in ("published_parsed", "updated_parsed", "created_parsed"):
        value = dict.get(told, name)  # its own `get` takes one moment for another
        if not isinstance(value, time.struct_time):
            continue
        try:
            at = datetime.fromtimestamp(calendar.timegm(value), UTC)
        except (ValueError, OverflowError, OSError):
            continue
        if at.year >= EARLIEST_YEAR:
            return min(at, now())
    return None


def _every(about: Any) -> float | None:
    ttl = _number(about.get("ttl"))
    if ttl:
        return ttl * 60.0
    period = _PERIODS.get(str(about.get("sy_updateperiod") or "").strip().lower())
    return None if period is None else period / max(1, _number(about.get("sy_updatefrequency")) or 1)


def _locale(about: Any) -> str | None:
    language = str(about.get("language") or "").lower()[:2]
    return language if language in {"de", "en"} else None


def _of_wordpress(about: Any, address: str | None) -> str | None:
    if address is None or urlsplit(address).query or "wordpress" not in str(about.get("generator") or "").lower():
        return None
    return address.rstrip("/") + "/feed/"


def _rel(told: Any, rel: str, url: str) -> str | None:
    for link in told.get("links", ()):
        if link.get("rel") == rel and (address := _address(link.get("href"), url)) is not None:
            return address
    return None


def _address(value: Any, url: str) -> str | None:
    if not value:
        return None
    try:
        whole = urljoin(url, str(value).strip())
        is_web = urlsplit(whole).scheme in {"http", "https"} and bool(urlsplit(whole).hostname)
    except ValueError:
        return None
    return whole if is_web and len(whole) <= LONGEST_URL and whole.isprintable() and " " not in whole else None


def _number(value: Any) -> int | None:
    text = str(value or "").strip()
    return int(text) if _DIGITS.fullmatch(text) else None
