"""Where a duplicate may lead: to a topic, or to a page of another room that readers can open."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask_babel import gettext

from accounts.people import AnonymousUser, Viewer
from core import texts
from core.errors import Invalid, NotFound
from core.settings import current_settings
from forum import addresses, queries
from forum.models import Post, Topic
from search import registry
from search.documents import Found

FIELD = "target"
GUEST = AnonymousUser()

_TOPIC = re.compile(r"/t/(\d{1,18})(?:-[^/]*)?/?")
_POST = re.compile(r"/p/(\d{1,18})/?")
_places: dict[str, re.Pattern[str]] = {}


@dataclass(frozen=True, slots=True)
class Target:
    """A page that answers a question which was asked again."""

    kind: str
    id: int
    title: str
    url: str
    locale: str


def register(kind: str, path: str) -> None:
    """Let duplicates lead to a kind of search source; the first group of the pattern is the id in the page's path."""
    _places[kind] = re.compile(path)


def named(text: str, *, viewer: Viewer) -> Topic | Target:
    """Return what a number or an address on this site means; raise `Invalid` when readers cannot open it."""
    path = _path_of(texts.line(text, longest=500).strip())
    try:
        if match := _TOPIC.fullmatch(path):
            return queries.visible_topic(int(match[1]), viewer=viewer)
        if match := _POST.fullmatch(path):
            return queries.visible_post(int(match[1]), viewer=viewer).topic
    except NotFound:
        raise _refused(gettext("There is no question at this address.")) from None
    for kind, pattern in _places.items():
        if match := pattern.fullmatch(path):
            place = at(kind, int(match[1]), viewer=GUEST)
            if place is None:
                raise _refused(gettext("Not everybody can read this page, so it cannot be what the question leads to."))
            return place
    raise _refused(gettext("Please give the number of a question, or the address of a question or an article here."))


def post_named(text: str, *, viewer: Viewer) -> Post | None:
    """Return the post whose address this is; None where it is no post's, or none that the viewer may see."""
    match = _POST.fullmatch(_path_of(texts.line(text, longest=500).strip()))
    try:
        return None if match is None else queries.visible_post(int(match[1]), viewer=viewer)
    except NotFound:
        return None


def at(kind: str, place_id: int, *, viewer: Viewer) -> Target | None:
    """Return a page of another room as it is called now, when the viewer may see it."""
    source = registry.source(kind)
    found = source.visible([place_id], viewer).get(place_id) if source is not None else None
    return None if found is None else of_found(found)


def of_found(found: Found) -> Target:
    return Target(found.ref.kind, found.ref.id, found.title, found.url, found.locale)


def of_topic(topic: Topic) -> Target:
    return Target("topic", topic.id, topic.title, addresses.of_topic(topic), topic.locale)


def _path_of(text: str) -> str:
    number = texts.number(text.removeprefix("#"))
    if number is not None:
        return f"/t/{number}"
    try:
        parts = urlsplit(text)
    except ValueError:
        raise _refused(gettext("This is no address.")) from None
    if parts.netloc and parts.netloc != urlsplit(current_settings().base_url).netloc:
        raise _refused(gettext("This address is on another site. Only a page of this one can be the answer."))
    # The address of a post on its topic's page names the post; the topic is what is meant.
    return parts.path


def _refused(sentence: str) -> Invalid:
    return Invalid(sentence, fields={FIELD: sentence})
