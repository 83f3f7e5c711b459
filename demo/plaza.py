"""The Marktplatz: what passers-by post there reaches the desk, and what the desk replies stands beneath it."""

import json
import math
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask import url_for
from flask_babel import gettext
from sqlalchemy import func, select

from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, TooSoon
from core.settings import current_settings
from core.transfer import iso
from core.web import absolute
from demo import channel as channels
from demo.models import PlazaPost
from desk import arrivals, intake
from desk.channels.base import adapter_of
from desk.channels.webhook import signature
from desk.models import Channel

MOST_THREADS: Final = 30


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a post's text; `url` where it is an address of this installation, which alone becomes a link."""

    text: str
    url: str | None = None


def post(*, handle: str, text: str, thread: str = "") -> PlazaPost:
    """Put a passer-by's post up and deliver it to the desk, signed; with `thread` it joins an exchange."""
    if thread and not has_thread(thread):
        raise Invalid(gettext("This exchange is not here any more. Please start a new one."))
    _rest(channels.address(handle))
    token = secrets.token_hex(8)
    written = PlazaPost(
        external_id=f"post-{token}",
        thread=thread or f"thread-{token}",
        handle=channels.address(handle),
        name=handle,
        text=text,
        created_at=now(),
    )
    db.session.add(written)
    db.session.flush()
    _deliver(channels.open_once(), written)
    return written


def threads() -> list[Sequence[PlazaPost]]:
    """Return the exchanges, the one with the latest post first, each from its beginning."""
    latest = (
        select(PlazaPost.thread)
        .group_by(PlazaPost.thread)
        .order_by(func.max(PlazaPost.created_at).desc(), func.max(PlazaPost.id).desc())
        .limit(MOST_THREADS)
    )
    by_thread: dict[str, list[PlazaPost]] = {thread: [] for thread in db.session.scalars(latest)}
    posts = select(PlazaPost).where(PlazaPost.thread.in_(list(by_thread))).order_by(PlazaPost.created_at, PlazaPost.id)
    for each in db.session.scalars(posts):
        by_thread[each.thread].append(each)
    return list(by_thread.values())


def has_thread(thread: str) -> bool:
    """Tell whether there is such an exchange; an address or a form can name anything."""
    return (
        "\0" not in thread
        and db.session.scalar(select(PlazaPost.id).where(PlazaPost.thread == thread).limit(1)) is not None
    )


def parts(text: str) -> Iterator[Part]:
    """Yield the text in pieces, so that a page can make links of our own addresses and of no others."""
    base = current_settings().base_url + "/"
    at = 0
    while (found := text.find(base, at)) >= 0:
        end = next((place for place in range(found, len(text)) if text[place].isspace()), len(text))
        url = text[found:end].rstrip(".,;:)“”\"'")
        yield Part(text[at:found])
        yield Part(url, url)
        at = found + len(url)
    yield Part(text[at:])


def _rest(handle: str) -> None:
    last = db.session.scalar(select(func.max(PlazaPost.created_at)).where(PlazaPost.handle == handle))
    if last is not None:
        left = last + timedelta(seconds=current_settings().post_pause_seconds) - now()
        if left > timedelta(0):
            raise TooSoon(math.ceil(left.total_seconds()))


def _deliver(channel: Channel, written: PlazaPost) -> None:
    """Hand a post to the door that every webhook comes through, signed over the very bytes that are handed over."""
    raw = json.dumps(_payload(written), ensure_ascii=False).encode()
    timestamp = str(int(now().timestamp()))
    headers = {
        "content-type": "application/json",
        "webhook-id": written.external_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(channel.secret or "", written.external_id, timestamp, raw),
    }
    trouble = intake.trouble_with(channel, headers, raw)
    if trouble is not None:
        raise Conflict(gettext("The desk takes nothing in from the Marktplatz right now: %(why)s", why=trouble.title))
    for message in adapter_of(channel).parse(raw):
        arrivals.take(channel, message)


def _payload(written: PlazaPost) -> dict[str, object]:
    return {
        "type": "message",
        "conversation": written.thread,
        "message": {
            "id": written.external_id,
            "text": written.text,
            "created": iso(written.created_at),
            "public": True,
            "url": absolute(url_for("demo.plaza", _anchor=f"p{written.id}")),
        },
        "contact": {"handle": written.handle, "name": written.name},
    }
