"""Atom feeds (RFC 4287) and the sitemap, as XML trees: nothing a person typed can close an element."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from flask import Response, request

from core.web import absolute
from forum.sitemaps import Place

ATOM = "http://www.w3.org/2005/Atom"
SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
MOST_ENTRIES = 30

# XML 1.0, production 2: everything else would make the whole feed unreadable, even escaped.
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of a feed; `path` leads to it and never changes, `html` is safe HTML."""

    path: str
    title: str
    author: str
    published_at: datetime
    updated_at: datetime
    html: str
    locale: str | None = None


def atom(*, title: str, path: str, page: str, entries: Sequence[Entry]) -> Response:
    """Return a feed; `path` is its own address, `page` the page that shows the same. Who has it already gets 304."""
    feed = ET.Element("feed", {"xmlns": ATOM, "xml:base": absolute("/")})
    _add(feed, "id", absolute(path))
    _add(feed, "title", title)
    _add(feed, "updated", _moment(max((entry.updated_at for entry in entries), default=LONG_AGO)))
    _add(feed, "link", rel="self", type="application/atom+xml", href=absolute(path))
    _add(feed, "link", rel="alternate", type="text/html", href=absolute(page))
    for entry in entries:
        _add_entry(feed, entry)
    return _answer(feed, "application/atom+xml; charset=utf-8")


def sitemap(places: Iterable[Place]) -> Response:
    """Return the sitemap of these pages."""
    return _places("urlset", "url", places)


def sitemap_index(parts: Iterable[Place]) -> Response:
    """Return the index of these sitemaps."""
    return _places("sitemapindex", "sitemap", parts)


def _places(whole: str, each: str, places: Iterable[Place]) -> Response:
    root = ET.Element(whole, {"xmlns": SITEMAP})
    for place in places:
        url = ET.SubElement(root, each)
        _add(url, "loc", absolute(place.path))
        if place.changed_at is not None:
            _add(url, "lastmod", _moment(place.changed_at))
    return _answer(root, "application/xml; charset=utf-8")


def _add_entry(feed: ET.Element, entry: Entry) -> None:
    item = ET.SubElement(feed, "entry", {"xml:lang": entry.locale} if entry.locale else {})
    _add(item, "id", absolute(entry.path))
    _add(item, "title", entry.title)
    _add(item, "link", rel="alternate", type="text/html", href=absolute(entry.path))
    _add(item, "published", _moment(entry.published_at))
    _add(item, "updated", _moment(entry.updated_at))
    _add(ET.SubElement(item, "author"), "name", entry.author)
    _add(item, "content", entry.html, type="html")


def _add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> None:
    element = ET.SubElement(parent, name, {key: _NOT_XML.sub("", value) for key, value in attributes.items()})
    if text is not None:
        element.text = _NOT_XML.sub("", text)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _answer(root: ET.Element, content_type: str) -> Response:
    body: Any = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    response = Response(body, content_type=content_type)
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]  # werkzeug returns the same object
