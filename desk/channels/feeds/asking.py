"""One feed is asked: what is new in it, what changed, how it is doing, and when it is asked again.

How far a feed was read is a dictionary that goes into the channel's cursor; moments in it are seconds since 1970.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from core import phrases
from core.clock import now
from desk.channels.base import ChannelFailed, GoneForGood, IncomingMessage, NotLetIn
from desk.channels.feeds import fetching, hubs
from desk.channels.feeds.reading import Entry, Feed, digest
from desk.channels.feeds.watching import MINUTES, Watched, words_of
from desk.models import Channel

SHORTEST: Final = 60.0
DAY: Final = 86_400.0
FIRST_PAUSE: Final = 300.0
PUSHED: Final = 7200.0
"""What a hub tells of is asked for all the same, though less often: hubs lose things."""
MOST_POSTS: Final = 50
"""Of so many posts the comments are followed, of each feed."""
COMMENTS_AT_ONCE: Final = 5
FOLLOWED: Final = 30 * DAY
"""Comments are followed for so long after the post or the last of them."""
COMMENTS_EVERY: Final = 3600.0
State = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """What asking the feeds of a channel needs to know of it."""

    channel: Channel
    ours: Collection[str] = ()
    """Where replies of ours stand, as `place` writes addresses."""
    states: Mapping[str, State] = field(default_factory=dict)
    """Of all feeds, by their keys: the comments of a blog may have a feed of their own."""

    @property
    def words(self) -> tuple[str, ...]:
        return words_of(str(self.channel.settings.get("words") or ""))

    def ask(self, one: Watched, state: State) -> list[IncomingMessage]:
        """Ask a feed and return what is new in it, oldest first; what came of it is noted in its state."""
        state["asked"] = now().timestamp()
        try:
            found = fetching.fetch(
                state.get("url") or one.url, etag=state.get("etag", ""), modified=state.get("modified", "")
            )
        except ChannelFailed as failure:
            self._note_failure(state, failure)
            return []
        if found.moved_to is not None:
            state["url"] = found.moved_to
        state["etag"], state["modified"] = found.etag, found.modified
        arrivals: list[IncomingMessage] = []
        if found.feed is not None:
            arrivals = self.arrivals(one, state, found.feed)
            state["title"], state["wish"] = found.feed.title, found.feed.every
            self._be_told_at_once(one, state, found.feed, found.url)
        arrivals += self._comments(one, state)
        self._note_success(one, state)
        return arrivals

    def arrivals(self, one: Watched, state: State, feed: Feed) -> list[IncomingMessage]:
        """Return what of a feed is for the desk and not as it was, and note that it was seen."""
        before: Mapping[str, str] = state.get("seen", {})
        seen: dict[str, str] = {}
        arrivals: list[IncomingMessage] = []
        posts: dict[str, Any] = state.setdefault("posts", {})
        for entry in reversed(feed.entries):  # the oldest first, as a rule: a comment comes after its post
            known = before.get(entry.id)
            is_taken = known is not None and known.endswith("+")
            has_changed = known is not None and known.removesuffix("+") != entry.fingerprint
            is_old = known is None and entry.at is not None and entry.at < one.since
            is_undated_history = known is None and entry.at is None and "seen" not in state
            is_wanted = is_taken or (
                not (is_old or is_undated_history) and (known is None or has_changed) and one.wants(entry, self.words)
            )
            seen[entry.id] = entry.fingerprint + ("+" if is_wanted else "")
            if is_wanted and (known is None or has_changed) and not self._is_ours(entry):
                arrivals.append(_message(one, feed, entry, is_edit=has_changed, answers=self._answered(entry, posts)))
            if is_wanted and entry.comments:
                self._follow(one, entry, posts)
        state["seen"] = seen
        return sorted(arrivals, key=lambda each: each.created_at)

    def _follow(self, one: Watched, entry: Entry, posts: dict[str, Any]) -> None:
        """Keep where the comments of a post are, and whether the feed says that there are more of them."""
        post_id = message_id(one, entry)
        at = now().timestamp()
        post = posts.setdefault(
            post_id,
            {
                "until": at + FOLLOWED,
                "next": at,
                "conversation": _conversation(one, entry),
                "place": place(entry),
            },
        )
        if entry.comments != post.get("url"):
            post.update(url=entry.comments, etag="", modified="")
        if entry.comment_count is not None and entry.comment_count != post.get("count"):
            post["count"], post["next"] = entry.comment_count, at
        for surplus in sorted(posts, key=lambda each: posts[each]["until"])[:-MOST_POSTS]:
            del posts[surplus]

    def _comments(self, one: Watched, state: State) -> list[IncomingMessage]:
        """Ask for the comments of some posts that are cases, those that have waited longest first."""
        at = now().timestamp()
        posts: dict[str, Any] = state.get("posts", {})
        for post_id in [each for each, post in posts.items() if post["until"] < at]:
            del posts[post_id]
        due = sorted(
            (post["next"], post_id) for post_id, post in posts.items() if post.get("url") and post["next"] <= at
        )
        arrivals: list[IncomingMessage] = []
        for _when, post_id in due[:COMMENTS_AT_ONCE]:
            post = posts[post_id]
            post["next"] = at + COMMENTS_EVERY
            try:
                found = fetching.fetch(post["url"], etag=post.get("etag", ""), modified=post.get("modified", ""))
            except GoneForGood:
                post["url"] = None
                continue
            except ChannelFailed as failure:
                # A post without comments has no feed of them at many a blog: that makes nobody deaf.
                post["next"] = at + max(COMMENTS_EVERY * 4, failure.retry_after or 0.0)
                continue
            post["etag"], post["modified"] = found.etag, found.modified
            if found.feed is not None:
                arrivals += self._new_comments(one, post_id, post, found.feed)
        return arrivals

    def _new_comments(self, one: Watched, post_id: str, post: dict[str, Any], feed: Feed) -> Iterator[IncomingMessage]:
        before, seen = post.get("seen", {}), {}
        for entry in reversed(feed.entries):
            seen[entry.id] = entry.fingerprint
            if before.get(entry.id) == entry.fingerprint or self._is_ours(entry) or message_id(one, entry) == post_id:
                continue
            post["until"] = now().timestamp() + FOLLOWED
            yield IncomingMessage(
                conversation=post["conversation"],
                id=f"{one.key}:c:{entry.id}",
                text=entry.text,
                created_at=entry.at or now(),
                is_public=True,
                url=entry.url,
                handle=f"{entry.author or '?'}, {_host(post['url'])}/comments"[:200],
                name=entry.author,
                locale=feed.locale,
                kind="comment",
                answers=(post_id,),
                edited_at=now() if entry.id in before else None,
            )
        post["seen"] = seen

    def _answered(self, entry: Entry, posts: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the post that an entry answers: a feed of comments can be watched like any other."""
        said = place_of(entry.answers or "")
        if not said and entry.url and "#" in entry.url:
            said = place_of(entry.url.partition("#")[0])
        known = [posts, *(state.get("posts", {}) for state in self.states.values())] if said else []
        return tuple(post_id for each in known for post_id, post in each.items() if post.get("place") == said)[:1]

    def _is_ours(self, entry: Entry) -> bool:
        return bool(self.ours) and entry.url is not None and place(entry) in self.ours

    def _be_told_at_once(self, one: Watched, state: State, feed: Feed, url: str) -> None:
        """Have the feed's hub tell us at once, where it has one and the admin wants it."""
        if feed.hub is None or not self.channel.settings.get("push", True):
            state.pop("hub", None)
            return
        topic, at = feed.topic or url, now().timestamp()
        hub = state.get("hub") or {}
        if (hub.get("url"), hub.get("topic")) != (feed.hub, topic):
            hub = {"url": feed.hub, "topic": topic, "asked": 0.0}
        if hubs.is_to_be_renewed(self.channel, one.key, topic) and at - hub["asked"] > hubs.PAUSE.total_seconds():
            hub["asked"] = at
            hub["failure"] = phrases.kept(hubs.subscribe(self.channel, one.key, feed.hub, topic))
        state["hub"] = hub

    def _note_success(self, one: Watched, state: State) -> None:
        at = now().timestamp()
        state.update(heard=at, failures=0, failure="", why="")
        every = max(
            SHORTEST, float(self.channel.settings.get("minutes") or MINUTES) * 60, float(state.get("wish") or 0)
        )
        hub = state.get("hub")
        if hub and hubs.lease_of(self.channel, one.key, hub["topic"]) is not None:
            every = max(every, PUSHED)
        state["next"] = at + min(every, DAY)

    def _note_failure(self, state: State, failure: ChannelFailed) -> None:
        at = now().timestamp()
        failures = int(state.get("failures", 0)) + 1
        state.update(failures=failures, failure=phrases.kept(failure.reason), why="")
        pause = max(FIRST_PAUSE * 2.0 ** min(failures - 1, 10), failure.retry_after or 0.0)
        state["next"] = at + min(pause, DAY)
        if isinstance(failure, GoneForGood):
            state["next"], state["why"] = None, "gone"
        elif isinstance(failure, NotLetIn):
            state["next"], state["why"] = at + DAY, "not let in"


def is_due(one: Watched, state: Mapping[str, Any]) -> bool:
    """Tell whether a feed's turn has come; one that is gone for good has none, until an admin says so."""
    if "asked" not in state or (one.again_at is not None and one.again_at.timestamp() > state["asked"]):
        return True
    return state.get("next") is not None and state["next"] <= now().timestamp()


def message_id(one: Watched, entry: Entry) -> str:
    return f"{one.key}:{entry.id}"


def place(entry: Entry) -> str:
    """Return what is the same of two spellings of an entry's address."""
    return place_of(entry.url or "")


def place_of(url: str) -> str:
    return url.strip().partition("://")[2].rstrip("/").lower()


def _message(one: Watched, feed: Feed, entry: Entry, *, is_edit: bool, answers: tuple[str, ...]) -> IncomingMessage:
    host = _host(entry.url or feed.site)
    return IncomingMessage(
        conversation=_conversation(one, entry),
        id=message_id(one, entry),
        text=entry.text,
        created_at=entry.at or now(),
        is_public=True,
        url=entry.url,
        handle=(f"{entry.author}, {host}" if entry.author else host)[:200],
        name=(entry.author or feed.title)[:200],
        locale=feed.locale,
        kind="post",
        answers=answers,
        edited_at=now() if is_edit else None,
    )


def _conversation(one: Watched, entry: Entry) -> str:
    """Return one case for each author; where a feed of many does not name them, one for each post."""
    if entry.author:
        return f"{one.key}/{digest(entry.author.casefold())}"
    return f"{one.key}/" if one.takes == "all" else f"{one.key}/{entry.id}"


def _host(url: str) -> str:
    return urlsplit(url).hostname or "?"


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
