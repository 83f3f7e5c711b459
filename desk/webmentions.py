"""Webmention (W3C): blogs tell us that they write about a page of ours, and we tell them where our answer stands.

A stranger's word starts it, so nothing is believed: whoever says that a page links here is looked up later, through the
guard, and what the page says is what comes in.
"""

import html as entities
import logging
import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode, urlsplit

from flask import Response, current_app, request
from sqlalchemy import func, select

from accounts import audit
from core import http, markup
from core.clock import now
from core.db import db
from core.errors import Invalid, KlinkeError, NotFound, TooSoon
from core.outbox import Delivery, listens_to, publish
from core.phrases import phrase
from core.settings import current_settings
from core.web import absolute
from desk import arrivals, inbox, queries
from desk.channels.base import LONGEST_URL, ChannelFailed, GoneForGood, IncomingMessage, Removed, tidied
from desk.channels.feeds import KIND, fetching, reading
from desk.events import ExchangePublished, ReplyNoted, WebmentionReceived
from desk.models import Channel, Conversation, Message
from forum import addresses, targets
from forum.models import Topic

ADVERTISED: Final = frozenset({"forum.show_topic", "kb.show_article"})
CHECK_SECONDS = 60.0
MOST_WAITING: Final = 500
"""So many mentions wait to be looked up; then no more are taken for a while."""
WAIT_SECONDS: Final = 600
LONGEST_WORDS: Final = 4000
LONGEST_NAME: Final = 100
HTML: Final = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
_PARTS: Final = tuple(
    (re.compile(rf"<{name}\b[^<>]*>", re.IGNORECASE), re.compile(rf"</{name}\b", re.IGNORECASE))
    for name in ("article", "main", "body")
)
_TITLE: Final = re.compile(r"<title\b[^<>]*>([^<]{0,500})", re.IGNORECASE)
_META: Final = re.compile(r"<meta\b[^<>]{0,1000}>", re.IGNORECASE)
_CONTENT: Final = re.compile(r"""\bcontent\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_NAMES_AUTHOR: Final = re.compile(r"""\bname\s*=\s*["']?author\b""", re.IGNORECASE)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Known:
    """What this process knows of who takes webmentions, for guests' pages are too many to ask for each of them."""

    slug: str = ""
    until: float = 0.0


_known = _Known()


class NoMention(KlinkeError):
    """What is said cannot be a webmention."""

    status = 400


def place(channel: Channel) -> str:
    """Return the address at which a channel takes webmentions."""
    return absolute(f"/channels/{channel.slug}/webmention")


def advertise(response: Response) -> Response:
    """Tell whoever reads a question or an article where to say that they write about it."""
    is_page = request.endpoint in ADVERTISED and response.status_code == HTTPStatus.OK and _is_guest()
    if is_page and (slug := _taker()):
        response.headers.add("Link", f'<{absolute(f"/channels/{slug}/webmention")}>; rel="webmention"')
    return response


def accept(channel: Channel | None, *, source: str, target: str) -> None:
    """Take a mention to be looked up later; raise `NotFound` where none are taken, `NoMention` where it is none."""
    if channel is None or channel.kind != KIND or channel.disabled_at is not None or not _takes(channel):
        raise NotFound
    _require_page_of_ours(target)
    try:
        http.check(source, current_settings())
    except http.Refused as refusal:
        raise NoMention(refusal.reason) from None
    if len(source) > LONGEST_URL or urlsplit(source).netloc == urlsplit(current_settings().base_url).netloc:
        raise NoMention(phrase("The source is not another site."))
    waiting = (
        db.session.scalar(select(func.count(Delivery.id)).where(Delivery.event == WebmentionReceived.__name__)) or 0
    )
    if waiting >= MOST_WAITING:
        raise TooSoon(WAIT_SECONDS)
    publish(WebmentionReceived(channel.id, source, target))


@listens_to(WebmentionReceived)
def look_up(event: WebmentionReceived) -> None:
    """Look whether the page links here, and take in what it says; one that no longer does is taken away."""
    channel = db.session.get(Channel, event.channel_id)
    if channel is None or channel.disabled_at is not None:
        return
    mention_id = f"wm:{reading.digest(f'{event.source} {event.target}')}"
    is_known = inbox.message_of(channel, mention_id) is not None
    db.session.rollback()  # nothing in the database waits for the network
    try:
        incoming = _read(event, mention_id, is_known=is_known)
    except ChannelFailed as failure:
        # Whoever said so can say it again; what is here stays until its page says something else.
        log.info("a webmention from %s could not be looked up: %s", event.source, failure.reason)
        return
    channel = db.session.get(Channel, event.channel_id)
    if channel is None or channel.disabled_at is not None:
        return
    if incoming is not None:
        arrivals.take(channel, incoming)
    elif is_known:
        arrivals.take(channel, Removed(id=mention_id))


@listens_to(ReplyNoted)
def tell_of_reply(event: ReplyNoted) -> None:
    """Tell the blog where our answer stands, when that is a page of ours."""
    message = db.session.get(Message, event.message_id)
    if message is None or message.channel.kind != KIND or not message.url:
        return
    try:
        _require_page_of_ours(message.url)
    except NoMention:
        return
    _tell(message.conversation, source=message.url)


@listens_to(ExchangePublished)
def tell_of_exchange(event: ExchangePublished) -> None:
    """Tell the blog that what it asked is answered in the forum, where that leads to it."""
    message, topic = db.session.get(Message, event.message_id), db.session.get(Topic, event.topic_id)
    if message is not None and topic is not None and message.channel.kind == KIND:
        _tell(message.conversation, source=absolute(addresses.of_topic(topic)))


def send(source: str, target: str) -> str:
    """Tell the page at `target` that `source` writes about it; return what came of it, in words for agents."""
    try:
        told = fetching.get(target, headers={"Accept": HTML})
        fetching.require_success(told.answer)
    except ChannelFailed as failure:
        return phrase("The page could not be asked: %(why)s", why=failure.reason)
    endpoint = _endpoint(told)
    if endpoint is None:
        return phrase("The page takes no webmentions.")
    body = urlencode({"source": source, "target": target}).encode()
    try:
        answer = http.post(endpoint, body, {"Content-Type": "application/x-www-form-urlencoded"}, current_settings())
    except (http.Refused, http.Unreachable) as problem:
        return phrase("The webmention did not arrive: %(why)s", why=problem.reason)
    if 200 <= answer.status < 300:  # noqa: PLR2004 -- any success will do
        return phrase("The blog took the webmention.")
    return str(phrase("The blog did not take the webmention (%(status)s).", status=answer.status))


def _tell(conversation: Conversation, *, source: str) -> None:
    asked = queries.newest_incoming(conversation)
    if asked is None or not asked.url:
        return
    conversation_id, target = conversation.id, asked.url
    db.session.rollback()  # nothing in the database waits for the network
    outcome = send(source, target)
    conversation = db.session.get_one(Conversation, conversation_id)
    audit.record("desk.conversation.webmention", conversation, by=None, reason=outcome, after={"target": target})


def _endpoint(told: http.Fetched) -> str | None:
    """Return where a page takes webmentions: by its Link header, else by the first link that says so."""
    named = reading.header_links(told.answer.headers.get("link", ""), told.url).get("webmention")
    if named is not None:
        return named
    for link in reading.links(told.answer.body, told.url):
        if "webmention" in link.get("rel", "").lower().split():
            return link["href"]
    return None


def _read(event: WebmentionReceived, mention_id: str, *, is_known: bool) -> IncomingMessage | None:
    """Return what a page says that links to us; None where it does not, or is gone for good. Raise `ChannelFailed`."""
    try:
        told = fetching.get(event.source, headers={"Accept": HTML})
        fetching.require_success(told.answer)
    except GoneForGood:
        return None
    page = told.answer.body[: reading.LONGEST_PAGE]
    if not any(_is_same_page(link["href"], event.target) for link in reading.links(page, told.url)):
        return None
    text = page.decode("utf-8", "replace")
    title, author = _title(text), _author(text)
    words = tidied(markup.lines(_main_part(text)))
    if title and not words.startswith(title):
        words = f"{title}\n\n{words}"
    host = urlsplit(event.source).hostname or "?"
    return IncomingMessage(
        conversation=f"wm/{reading.digest(event.source)}",
        id=mention_id,
        text=words[:LONGEST_WORDS].strip() or event.source,
        created_at=now(),
        is_public=True,
        url=event.source,
        handle=f"{author}, {host}" if author else host,
        name=author or host,
        kind="mention",
        edited_at=now() if is_known else None,
    )


def _main_part(text: str) -> str:
    for begins, ends in _PARTS:
        if (begin := begins.search(text)) is not None:
            end = ends.search(text, begin.end())
            return text[begin.end() : end.start() if end is not None else None]
    return text


def _title(text: str) -> str:
    found = _TITLE.search(text)
    return " ".join(tidied(entities.unescape(found[1])).split())[:LONGEST_NAME] if found else ""


def _author(text: str) -> str:
    for tag in _META.finditer(text):
        if _NAMES_AUTHOR.search(tag[0]) and (content := _CONTENT.search(tag[0])):
            return " ".join(tidied(entities.unescape(content[1] or content[2] or "")).split())[:LONGEST_NAME]
    return ""


def _is_same_page(url: str, target: str) -> bool:
    return url.partition("#")[0] == target.partition("#")[0]


def _require_page_of_ours(url: str) -> None:
    """Raise `NoMention` unless this is the address of a question or an article that everybody can read."""
    if not url.startswith(current_settings().base_url + "/"):
        raise NoMention(phrase("The target is not a page of ours."))
    try:
        targets.named(url, viewer=targets.GUEST)
    except (Invalid, NotFound):
        raise NoMention(phrase("The target is not a page of ours.")) from None


def _takes(channel: Channel) -> bool:
    return bool(channel.settings.get("mentions", True))


def _taker() -> str:
    """Return the short name of the channel that takes webmentions, empty where none does; asked for once a minute."""
    if time.monotonic() >= _known.until:
        _known.slug, _known.until = _find_taker(), time.monotonic() + CHECK_SECONDS
    return _known.slug


def _find_taker() -> str:
    channels = select(Channel).where(Channel.kind == KIND, Channel.disabled_at.is_(None)).order_by(Channel.id)
    return next((channel.slug for channel in db.session.scalars(channels) if _takes(channel)), "")


def _is_guest() -> bool:
    return current_app.config["SESSION_COOKIE_NAME"] not in request.cookies
