"""Which feeds a channel watches: added, removed and asked anew by an admin."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User, UserRole
from core import http, i18n, phrases
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.settings import current_settings
from core.worker import chore
from desk import policy, polling
from desk.channel_models import ChannelCourse
from desk.channels.base import ChannelFailed
from desk.channels.feeds import KIND, asking, fetching, hubs
from desk.channels.feeds.watching import DAYS, LIST, MOST_FEEDS, Takes, Watched, watched, words_of
from desk.models import Channel
from forum import notifications
from forum.models import Notification

TOLD_AFTER: Final = 5
"""So many failures in a row are told to the admins."""
LONGEST_NAME: Final = 80


@dataclass(frozen=True, slots=True)
class Health:
    """A feed, and how it has been doing."""

    feed: Watched
    url: str
    """Where it is asked: it may have moved for good."""
    heard_at: datetime | None
    next_at: datetime | None
    failure: str
    failures: int
    is_gone: bool
    told_until: datetime | None
    """Until when its hub tells at once."""
    hub_failure: str
    posts: int
    """Of so many posts the comments are followed."""


def channel_of(channel_id: int) -> Channel:
    """Return a channel that has a watch list; raise `NotFound`."""
    found = db.session.get(Channel, channel_id)
    if found is None or found.kind != KIND:
        raise NotFound(gettext("There is no such channel."))
    return found


def health(channel: Channel) -> list[Health]:
    """Return the feeds of a channel with how each is doing."""
    states = _states(channel.id)
    return [_health(channel, one, states.get(one.key, {})) for one in watched(channel)]


def find(url: str) -> tuple[str, str]:
    """Return the address and the title of the feed at an address, or that the page there names.

    It asks the network, so it is called before anything is written. Raise `Invalid`.
    """
    url = url.strip()
    if url and "://" not in url:
        url = f"https://{url}"
    try:
        http.check(url, current_settings())
        i18n.locale()  # what fails is said in somebody's language, which would be looked up in the middle of it
        db.session.rollback()  # nothing in the database waits for the network
        address, feed = fetching.discover(url)
    except (ChannelFailed, http.Refused) as problem:
        reason = problem.reason[:1].upper() + problem.reason[1:] + "."
        raise Invalid(reason, fields={"url": reason}) from None
    return address, feed.title


def add(channel: Channel, *, url: str, title: str, takes: Takes, words: str, by: User) -> Watched:
    """Watch another feed from now on."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    _hold(channel)
    feeds = watched(channel)
    if any(url in {one.url, _states(channel.id).get(one.key, {}).get("url")} for one in feeds):
        sentence = gettext("This feed is on the list already.")
        raise Conflict(sentence, fields={"url": sentence})
    if len(feeds) >= MOST_FEEDS:
        raise Invalid(
            gettext("A list has at most %(most)s feeds. Another channel can have another one.", most=MOST_FEEDS)
        )
    own_words = words_of(words)
    if takes == "words" and not own_words and not words_of(str(channel.settings.get("words") or "")):
        sentence = gettext("Which words? Neither this feed nor the channel has any yet.")
        raise Invalid(sentence, fields={"words": sentence})
    days = channel.settings.get("days")
    one = Watched(
        key=_key(feeds, url),
        url=url,
        title=title,
        takes=takes,
        words=own_words,
        added_at=now(),
        days=DAYS if days is None else int(days),
    )
    _keep(channel, [*feeds, one])
    audit.record("desk.feed.add", channel, by=by, after={"url": url, "takes": takes, "words": list(own_words)})
    return one


def remove(channel: Channel, key: str, *, by: User) -> None:
    """Watch a feed no longer; what came from it stays."""
    one = _held(channel, key, by)
    _keep(channel, [each for each in watched(channel) if each.key != key])
    audit.record("desk.feed.remove", channel, by=by, before={"url": one.url})


def ask_again(channel: Channel, key: str, *, by: User) -> None:
    """Have a feed asked at once, also one that was gone."""
    one = _held(channel, key, by)
    again = replace(one, again_at=now())
    _keep(channel, [again if each.key == key else each for each in watched(channel)])
    audit.record("desk.feed.ask_again", channel, by=by, after={"url": one.url})


@chore("desk.silent_feeds", every=300)
def tell_of_silent() -> int:
    """Tell the admins once of each feed that is gone for good or does not answer; return how many notices are new."""
    told = 0
    for channel in db.session.scalars(select(Channel).where(Channel.kind == KIND, Channel.disabled_at.is_(None))).all():
        feeds = health(channel)
        silent = [one for one in feeds if one.is_gone or one.failures >= TOLD_AFTER]
        if len(silent) == len(feeds):
            continue  # then the whole channel is deaf, which is told by itself
        for one in silent:
            heard = "never" if one.heard_at is None else int(one.heard_at.timestamp())
            told += notifications.notify_each(
                _admins(),
                kind="feed_silent",
                key=f"alarm:feed:{channel.id}:{one.feed.key}:{heard}:{one.is_gone}",
                url=f"/admin/channels/{channel.id}/feeds",
                data={
                    "name": (one.feed.title or one.url)[:LONGEST_NAME],
                    "why": phrases.kept(one.failure),
                    "channel": channel.name,
                },
            )
    db.session.commit()
    return told


@notifications.kind("feed_silent", group="alarms")
def _silent_words(notification: Notification) -> str:
    told = notification.data
    return str(
        gettext(
            "%(channel)s: the feed %(name)s does not answer: %(why)s",
            channel=told.get("channel", ""),
            name=told.get("name", ""),
            why=phrases.said(told.get("why")),
        )
    )


def _admins() -> Sequence[int]:
    return db.session.scalars(
        select(User.id).join(UserRole).where(User.disabled_at.is_(None), UserRole.role == "admin").order_by(User.id)
    ).all()


def _held(channel: Channel, key: str, by: User) -> Watched:
    if not policy.may_manage_channels(by):
        raise NotAllowed
    _hold(channel)
    one = next((each for each in watched(channel) if each.key == key), None)
    if one is None:
        raise NotFound(gettext("This feed is no longer on the list."))
    return one


def _hold(channel: Channel) -> None:
    """Hold the channel as it is now: the list is one value, of which two deeds change parts."""
    db.session.refresh(channel, with_for_update=True)


def _keep(channel: Channel, feeds: Sequence[Watched]) -> None:
    channel.settings = {**channel.settings, LIST: [one.as_setting() for one in feeds]}
    db.session.flush()
    polling.begin_anew(channel.id)


def _key(feeds: Sequence[Watched], url: str) -> str:
    """Return a key by the address: a feed that is added again finds its posts again."""
    key = hashlib.sha256(url.encode()).hexdigest()[:10]
    return key if all(one.key != key for one in feeds) else secrets.token_hex(5)


def _states(channel_id: int) -> dict[str, Any]:
    course = db.session.get(ChannelCourse, channel_id)
    found: dict[str, Any] = ((course.cursor if course is not None else None) or {}).get("feeds", {})
    return found


def _health(channel: Channel, one: Watched, state: dict[str, Any]) -> Health:
    hub = state.get("hub") or {}
    until = hubs.lease_of(channel, one.key, hub["topic"]) if hub else None
    return Health(
        feed=one,
        url=state.get("url") or one.url,
        heard_at=asking.moment(state.get("heard")),
        next_at=asking.moment(state.get("next")),
        failure=phrases.said(state.get("failure")),
        failures=int(state.get("failures", 0)),
        is_gone=state.get("why") == "gone",
        told_until=until,
        hub_failure=phrases.said(hub.get("failure")),
        posts=len(state.get("posts", {})),
    )
