"""What speaks to feeds: it asks those whose turn it is, listens to their hubs, and sends nothing."""

import copy
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from flask_babel import lazy_gettext, ngettext
from sqlalchemy import select

from core import phrases
from core.clock import now
from core.counting import Measure
from core.db import db
from core.phrases import phrase
from desk.channel_models import ChannelCourse
from desk.channels.base import (
    Arrival,
    Batch,
    Capabilities,
    ChannelFailed,
    Cursor,
    Field,
    Finding,
    GoneForGood,
    Means,
    NotLetIn,
    Silent,
    State,
    WrongPayload,
    WrongSignature,
)
from desk.channels.feeds import asking, fetching, hubs, reading
from desk.channels.feeds.asking import Asker
from desk.channels.feeds.watching import DAYS, MINUTES, Watched, watched
from desk.models import Conversation, Message

KIND: Final = "feeds"
MOST_A_ROUND: Final = 50
AT_ONCE: Final = 100
"""So many posts are kept together."""
MOST_TRIED: Final = 10
TRY_SECONDS: Final = 5.0
MOST_OURS: Final = 1000


class Feeds(Silent):
    """Reads the feeds of a watch list."""

    name: ClassVar[Any] = lazy_gettext("Feeds and blogs")
    about: ClassVar[Any] = lazy_gettext(
        "Posts of blogs and news that name you, the blogs of people who complain, and comments there."
    )
    form: ClassVar[Sequence[Field]] = (
        Field(
            name="words",
            label=lazy_gettext("Words to listen for"),
            hint=lazy_gettext(
                "One a line: your name, your products. With * at the end it may go on. A feed can have its own."
            ),
            kind="lines",
            is_needed=False,
            longest=3000,
        ),
        Field(
            name="minutes",
            label=lazy_gettext("Minutes between two looks at a feed"),
            hint=lazy_gettext("A feed that asks for more gets more."),
            kind="number",
            is_needed=False,
            default=str(MINUTES),
            most=1440,
        ),
        Field(
            name="days",
            label=lazy_gettext("Days that a new feed is read back"),
            hint=lazy_gettext("What is older when a feed is added stays where it is."),
            kind="number",
            is_needed=False,
            default=str(DAYS),
            most=365,
        ),
        Field(
            name="push",
            label=lazy_gettext("Have hubs tell at once"),
            hint=lazy_gettext("Where a feed has a hub (WebSub). It must reach this installation from outside."),
            kind="switch",
            is_needed=False,
            default="y",
        ),
        Field(
            name="mentions",
            label=lazy_gettext("Take webmentions"),
            hint=lazy_gettext("Blogs tell us when they write about a question or an article of ours."),
            kind="switch",
            is_needed=False,
            default="y",
        ),
    )
    pages: ClassVar[Sequence[tuple[Any, str]]] = ((lazy_gettext("The watch list"), "desk.watch_list"),)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            may_send=False, private=False, by_hand=True, polled=True, has_webhook=True, every=MINUTES * 60.0
        )

    @property
    def measure(self) -> Measure:
        return Measure(None)

    def means(self, conversation: Conversation) -> Means:  # noqa: ARG002 -- the protocol's signature
        return Means(
            why_not=phrase("Blogs take no replies from here. Write yours there and bring its address back."),
            private=False,
            by_hand=True,
        )

    def prepare(self) -> None:
        told = self.channel.credentials or {}
        self.channel.credentials = {hubs.SECRET: secrets.token_hex(32), **told}

    def poll(self, cursor: Cursor | None) -> Iterator[Batch]:
        """Ask the feeds whose turn it is; one that fails does not hold up the others, and waits longer each time."""
        book = copy.deepcopy(dict(cursor or {}))
        states: dict[str, Any] = book.setdefault("feeds", {})
        feeds = watched(self.channel)
        if self._leave(states, feeds):
            yield Batch(cursor=book)
        asker = Asker(channel=self.channel, ours=self._places_of_ours(), states=states)
        due = [one for one in feeds if asking.is_due(one, states.get(one.key, {}))]
        if not due and _trouble(feeds, states) is not None:
            due = feeds  # nobody answers, and somebody wants it tried
        for one in due[:MOST_A_ROUND]:
            arrivals = asker.ask(one, states.setdefault(one.key, {}))
            for first in range(0, len(arrivals), AT_ONCE):
                yield Batch(arrivals=tuple(arrivals[first : first + AT_ONCE]))
            yield Batch(cursor=book)
        wait = _wait(feeds, states, is_more=len(due) > MOST_A_ROUND)
        if (trouble := _trouble(feeds, states)) is not None:
            raise trouble(wait)
        yield Batch(state=State(wait=wait))

    def verify(self, headers: Mapping[str, str], raw: bytes) -> None:
        if self._asked_feed() is None:
            raise WrongSignature(phrase("Nobody watches this feed."))
        hubs.check(self.channel, self.query, headers, raw)

    def parse(self, raw: bytes) -> Sequence[Arrival]:
        one = self._asked_feed()
        if one is None:
            return []
        course = db.session.get(ChannelCourse, self.channel.id)
        states = ((course.cursor if course is not None else None) or {}).get("feeds", {})
        state = copy.deepcopy(states.get(one.key, {}))
        try:
            feed = reading.read(raw, url=state.get("url") or one.url)
        except reading.NoFeed as no:
            raise WrongPayload({"body": no.reason}) from None
        return Asker(channel=self.channel, states=states).arrivals(one, state, feed)

    def challenge(self) -> str | None:
        return hubs.answer(self.channel, self.query, is_watched=self._asked_feed() is not None)

    def check(self) -> Sequence[Finding]:
        feeds = watched(self.channel)
        if not feeds:
            return [Finding(is_well=False, words=phrase("No feed is watched yet. Add one to the watch list."))]
        found = [_tried(one) for one in feeds[:MOST_TRIED]]
        if len(feeds) > MOST_TRIED:
            words = phrase("Only %(tried)s of %(all)s feeds were tried.", tried=MOST_TRIED, all=len(feeds))
            found.append(Finding(is_well=True, words=words))
        return found

    def farewell(self) -> None:
        course = db.session.get(ChannelCourse, self.channel.id)
        states = ((course.cursor if course is not None else None) or {}).get("feeds", {})
        db.session.rollback()
        reasons = [
            reason
            for key, state in states.items()
            if (hub := state.get("hub")) and (reason := hubs.unsubscribe(self.channel, key, hub["url"], hub["topic"]))
        ]
        if reasons:
            raise ChannelFailed(reasons[0])

    def _asked_feed(self) -> Watched | None:
        """Return the feed that a hub calls us about."""
        if self.channel.disabled_at is not None:
            return None
        return next((one for one in watched(self.channel) if one.key == self.query.get("feed")), None)

    def _leave(self, states: dict[str, Any], feeds: Sequence[Watched]) -> bool:
        """Forget the feeds that are no longer watched, and tell their hubs; tell whether there were any."""
        left = states.keys() - {one.key for one in feeds}
        for key in left:
            if hub := states.pop(key).get("hub"):
                hubs.unsubscribe(self.channel, key, hub["url"], hub["topic"])
        return bool(left)

    def _places_of_ours(self) -> frozenset[str]:
        """Return where our replies stand: in a feed of comments they are not a customer's words."""
        stand_at = (
            select(Message.url)
            .where(Message.channel_id == self.channel.id, Message.direction == "out", Message.url.is_not(None))
            .order_by(Message.id.desc())
            .limit(MOST_OURS)
        )
        places = frozenset(asking.place_of(url) for url in db.session.scalars(stand_at) if url)
        db.session.rollback()  # nothing in the database waits for the network
        return places


class _Trouble:
    """None of the feeds answers; made when it is known for how long to wait."""

    def __init__(self, kind: str, reason: str) -> None:
        self._kind, self._reason = kind, reason

    def __call__(self, wait: float) -> ChannelFailed:
        if self._kind == "gone":
            return GoneForGood(self._reason)
        if self._kind == "not let in":
            return NotLetIn(self._reason)
        return ChannelFailed(self._reason, retry_after=wait)


def _trouble(feeds: Sequence[Watched], states: Mapping[str, Any]) -> _Trouble | None:
    """Return what is wrong when not a single feed answers; one that does is enough to be well."""
    told = [states.get(one.key, {}) for one in feeds]
    if not told or not all(state.get("failures") for state in told):
        return None
    kinds = {state.get("why", "") for state in told}
    name = states[feeds[0].key].get("title") or feeds[0].title or feeds[0].url
    reason = phrases.joined(f"{name}: ", phrases.said(told[0]["failure"]))
    if len(feeds) > 1:
        reason = phrase("none of the %(many)s feeds answers; %(one)s", many=len(feeds), one=reason)
    return _Trouble(kinds.pop() if len(kinds) == 1 else "", reason)


def _wait(feeds: Sequence[Watched], states: Mapping[str, Any], *, is_more: bool) -> float:
    if is_more:
        return 0.0
    nexts = [at for one in feeds if (at := states.get(one.key, {}).get("next")) is not None]
    return max(0.0, min(nexts) - now().timestamp()) if nexts else MINUTES * 60.0


def _tried(one: Watched) -> Finding:
    try:
        found = fetching.fetch(one.url, seconds=TRY_SECONDS)
    except ChannelFailed as failure:
        return Finding(is_well=False, words=f"{one.title or one.url}: {failure.reason}")
    many = 0 if found.feed is None else len(found.feed.entries)
    words = ngettext("%(name)s: %(num)s post", "%(name)s: %(num)s posts", many, name=one.title or one.url)
    return Finding(is_well=True, words=words)
