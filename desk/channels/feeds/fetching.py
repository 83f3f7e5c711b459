"""Feeds are fetched through the guard, and only what changed; what came of it is said in words."""

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from core import http
from core.clock import now
from core.phrases import phrase
from core.settings import current_settings
from desk.channels.base import ChannelFailed, GoneForGood, NotLetIn
from desk.channels.feeds import reading
from desk.channels.feeds.reading import Feed

SECONDS: Final = 20.0
LONGEST_TAG: Final = 500
_ACCEPT: Final = "application/atom+xml, application/rss+xml, application/rdf+xml, application/xml;q=0.9, */*;q=0.5"
_DIGITS: Final = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What stands at a feed's address."""

    feed: Feed | None
    """None: nothing changed."""
    url: str
    moved_to: str | None
    etag: str
    modified: str


def fetch(url: str, *, etag: str = "", modified: str = "", seconds: float = SECONDS) -> Found:
    """Ask for a feed, if it changed; raise `ChannelFailed`: `GoneForGood` for 410, `NotLetIn` for 401."""
    headers = {"Accept": _ACCEPT}
    if etag:
        headers["If-None-Match"] = etag
    if modified:
        headers["If-Modified-Since"] = modified
    told = get(url, headers=headers, seconds=seconds)
    answer = told.answer
    if answer.status == HTTPStatus.NOT_MODIFIED and (etag or modified):
        return Found(feed=None, url=told.url, moved_to=told.moved_to, etag=etag, modified=modified)
    require_success(answer)
    return Found(
        feed=_read(told),
        url=told.url,
        moved_to=told.moved_to,
        etag=_tag(answer.headers.get("etag", "")),
        modified=_tag(answer.headers.get("last-modified", "")),
    )


def discover(url: str) -> tuple[str, Feed]:
    """Return the feed at an address, or the one that the page there names, with its address; raise `ChannelFailed`."""
    told = get(url, headers={"Accept": _ACCEPT})
    require_success(told.answer)
    address = told.moved_to or url
    try:
        return address, _read(told)
    except ChannelFailed:
        named = reading.header_links(told.answer.headers.get("link", ""), told.url).get("alternate")
        named = reading.feed_of_page(told.answer.body, told.url) or named
        if named is None:
            raise ChannelFailed(phrase("there is no feed, and the page names none")) from None
    found = fetch(named)
    assert found.feed is not None  # noqa: S101 -- nothing was said of what we had
    return found.moved_to or named, found.feed


def get(url: str, *, headers: Mapping[str, str], seconds: float = SECONDS) -> http.Fetched:
    """Fetch an address through the guard; raise `ChannelFailed`."""
    try:
        return http.fetch(url, current_settings(), headers=headers, largest=reading.LARGEST, seconds=seconds)
    except (http.Refused, http.Unreachable) as problem:
        raise ChannelFailed(problem.reason) from None


def require_success(answer: http.Answer) -> None:
    """Raise `ChannelFailed` with the reason where an answer is not what was asked for."""
    if answer.status == HTTPStatus.GONE:
        raise GoneForGood(phrase("it is gone for good (410); it is not asked again"))
    if answer.status == HTTPStatus.UNAUTHORIZED:
        raise NotLetIn(phrase("it wants a password (401)"))
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise ChannelFailed(
            phrase("the other side answered %(status)s", status=answer.status),
            retry_after=pause(answer.headers.get("retry-after", "")),
        )
    if answer.is_cut:
        raise ChannelFailed(
            phrase("it broke off, or is larger than %(most)s MB", most=reading.LARGEST // (1024 * 1024))
        )


def pause(value: str) -> float | None:
    """Read Retry-After, which is a number of seconds or a date (RFC 9110 10.2.3)."""
    if _DIGITS.fullmatch(value.strip()):
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - now().timestamp())


def _read(told: http.Fetched) -> Feed:
    headers = told.answer.headers
    try:
        return reading.read(
            told.answer.body,
            url=told.url,
            content_type=headers.get("content-type", ""),
            link=headers.get("link", ""),
        )
    except reading.NoFeed as no:
        raise ChannelFailed(no.reason) from None


def _tag(value: str) -> str:
    return value if len(value) <= LONGEST_TAG and value.isprintable() else ""
