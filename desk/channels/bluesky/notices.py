"""Mentions, replies and quotes: read backwards from the newest to the last one seen, and watched for a while after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask_babel import gettext

from core.clock import now
from desk.channels.base import LONGEST_ID, Arrival, Batch, ChannelFailed, IncomingMessage, Kind, Removed
from desk.channels.bluesky import posts
from desk.channels.bluesky.account import Connection, is_gone
from desk.channels.bluesky.calls import Declined
from desk.channels.bluesky.writing import read_uri

REASONS: Final = ("mention", "reply", "quote")
PAGE: Final = 100
MOST_PAGES: Final = 10
"""So many pages are read at one time of asking; the walk goes on at the next."""
FIRST_LOOK_BACK: Final = timedelta(days=3)
OVERLAP: Final = timedelta(minutes=15)
"""A post whose writer's clock is late stands below newer ones: it is looked for this far below the last seen."""
MOST_RECENT: Final = 300
MOST_WATCHED: Final = 100
WATCHED_FOR: Final = timedelta(days=14)
AT_ONCE: Final = 25
"""So many posts or people are asked for in one request."""
MOST_ABOVE: Final = 20
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Course:
    """How far the notifications have been read; as JSON it is a part of the channel's cursor."""

    seen_at: str = ""
    """The newest that was read to the end."""
    recent: list[str] = field(default_factory=list)
    """What was taken in around there."""
    walk: dict[str, str] | None = None
    """A walk that was interrupted: where it goes on (`cursor`), how far down (`floor`), where it began (`top`)."""
    watched: list[dict[str, str]] = field(default_factory=list)
    """Posts that may still be changed or taken away: `uri`, `cid`, and since when (`at`)."""
    next_watched: int = 0

    @classmethod
    def read(cls, told: Any) -> "Course":
        told = told if isinstance(told, dict) else {}
        return cls(**{name: told[name] for name in cls.__slots__ if name in told})

    def written(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def walk(connection: Connection, course: Course) -> Iterator[tuple[list[Arrival], bool]]:
    """Yield page by page what is new, and whether more is left than one time of asking reads; `course` goes along."""
    pages = 0
    if course.walk is not None:  # first what lies below an interrupted walk, then what came since
        for arrivals in _down(connection, course, MOST_PAGES):
            pages += 1
            yield arrivals, False
    if course.walk is None and pages < MOST_PAGES:
        floor = moment_or(course.seen_at, now() - FIRST_LOOK_BACK + OVERLAP) - OVERLAP
        course.walk = {"cursor": "", "floor": floor.isoformat(), "top": ""}
        for arrivals in _down(connection, course, MOST_PAGES - pages):
            yield arrivals, False
    if course.walk is not None:
        yield [], True


def _down(connection: Connection, course: Course, most: int) -> Iterator[list[Arrival]]:
    for _ in range(most):
        stretch = course.walk
        if stretch is None:
            return
        params: dict[str, str | int | Sequence[str]] = {"limit": PAGE, "reasons": REASONS}
        if stretch["cursor"]:
            params["cursor"] = stretch["cursor"]
        try:
            told = connection.ask("app.bsky.notification.listNotifications", params)
        except Declined as declined:
            if not stretch["cursor"] or declined.name not in {"InvalidRequest", ""}:
                raise
            # What a server no longer knows of its own cursor: the walk begins again, and what is known stays known.
            course.walk = {**stretch, "cursor": ""}
            continue
        page = [one for one in told.get("notifications") or () if isinstance(one, dict)]
        floor = moment_or(stretch["floor"], now() - FIRST_LOOK_BACK)
        new = [one for one in page if one.get("uri") not in course.recent and _at(one) >= floor]
        arrivals = _taken(connection, course, new)
        top = stretch["top"] or (_at(page[0]).isoformat() if page else now().isoformat())
        cursor = str(told.get("cursor") or "")
        if not cursor or not page or _at(page[-1]) < floor:
            course.seen_at = max(course.seen_at, top, key=lambda each: moment_or(each, _LONG_AGO))
            course.walk = None
        else:
            course.walk = {"cursor": cursor, "floor": stretch["floor"], "top": top}
        yield arrivals


def _taken(connection: Connection, course: Course, new: Sequence[Mapping[str, Any]]) -> list[Arrival]:
    found = views(connection, [str(one.get("uri")) for one in new])
    reach = _reach(connection, {str(posts.inside(one.get("author")).get("did")) for one in new})
    open_to: dict[str, bool] = {}
    arrivals: list[Arrival] = []
    for one in reversed(new):  # the oldest first, so that a thread is built as it was
        arrival = _arrival(connection, one, found.get(str(one.get("uri"))), reach, open_to)
        course.recent.append(str(one.get("uri")))
        if arrival is not None:
            arrivals.append(arrival)
            course.watched.append({"uri": arrival.id, "cid": str(one.get("cid")), "at": now().isoformat()})
    del course.recent[:-MOST_RECENT], course.watched[:-MOST_WATCHED]
    return arrivals


def _arrival(
    connection: Connection,
    told: Mapping[str, Any],
    view: Mapping[str, Any] | None,
    reach: Mapping[str, int],
    open_to: dict[str, bool],
) -> IncomingMessage | None:
    """Return the message that a notification tells of; None where it is ours or cannot be read."""
    ours = connection.signed_in().did
    uri, author, record = read_uri(told.get("uri")), told.get("author"), told.get("record")
    if uri is None or len(str(uri)) > LONGEST_ID or uri.did == ours:
        return None
    if not isinstance(author, dict) or not isinstance(record, dict):
        return None
    above = _above(connection, str(uri), record)
    files, lines = posts.files_of(record, uri.did, connection)
    text = "\n".join([posts.words_of(record), *lines]).strip() or (gettext("[A picture]") if files else "…")
    langs = record.get("langs")
    quote = posts.quoted(record)
    thread = [post for each in above if (post := posts.earlier(each, ours)) is not None]
    if quote is not None and not above:
        thread = [post for each in views(connection, [quote]).values() if (post := posts.earlier(each, ours))]
    may_reply = not posts.inside((view or {}).get("viewer")).get("replyDisabled", False)
    return IncomingMessage(
        conversation=_conversation(str(uri), record, above, ours),
        id=str(uri),
        text=text,
        created_at=posts.written_at(record, _at(told)),
        is_public=True,
        url=uri.page,
        handle=posts.shown_handle(author),
        name=posts.shown_name(author),
        person_id=uri.did,
        reach=reach.get(uri.did),
        locale=str(langs[0])[:2].lower() if isinstance(langs, list) and langs else None,
        capabilities={
            "public": may_reply,
            "private": _may_chat(connection, uri.did, open_to),
            "hide": (root := _refs(record)[1]) is not None and _is_ours(root, ours),
        },
        thread=tuple(thread),
        kind=_kind(str(told.get("reason")), record, ours),
        answers=_answers(record, above, quote),
        files=files,
    )


def _kind(reason: str, record: Mapping[str, Any], ours: str) -> Kind:
    parent, root = _refs(record)
    if reason == "reply":
        is_on_our_post = parent is not None and parent == root and _is_ours(parent, ours)
        return "comment" if is_on_our_post else "reply"
    return "mention"


def _refs(record: Mapping[str, Any]) -> tuple[str | None, str | None]:
    reply = posts.inside(record.get("reply"))
    found = [posts.inside(reply.get(name)).get("uri") for name in ("parent", "root")]
    parent, root = (one if isinstance(one, str) and read_uri(one) is not None else None for one in found)
    return parent, root


def _conversation(uri: str, record: Mapping[str, Any], above: Sequence[Mapping[str, Any]], ours: str) -> str:
    """Return what the exchange is called: the thread, and under a post of ours, where many write, the branch."""
    parent, root = _refs(record)
    if root is None or parent is None:
        return uri
    if not _is_ours(root, ours):
        return root
    if parent == root:
        return uri
    chain = [str(post.get("uri")) for post in above]
    branch = chain[chain.index(root) + 1 :] if root in chain else chain
    return next((one for one in branch if not _is_ours(one, ours)), uri if _is_ours(parent, ours) else parent)


def _is_ours(uri: str, ours: str) -> bool:
    return uri.startswith(f"at://{ours}/")


def _answers(record: Mapping[str, Any], above: Sequence[Mapping[str, Any]], quote: str | None) -> tuple[str, ...]:
    parent, root = _refs(record)
    chain = [str(post.get("uri")) for post in reversed(above)]
    return tuple(dict.fromkeys(one for one in (parent, *chain, root, quote) if one is not None))


def _above(connection: Connection, uri: str, record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the posts above one in its thread, the topmost first; what is blocked or gone leaves a gap."""
    if _refs(record)[0] is None:
        return []
    try:
        told = connection.ask("app.bsky.feed.getPostThread", {"uri": uri, "depth": 0, "parentHeight": MOST_ABOVE})
    except Declined:
        return []
    found: list[Mapping[str, Any]] = []
    node = posts.inside(posts.inside(told.get("thread")).get("parent"))
    while post := posts.inside(node.get("post")):
        found.append(post)
        node = posts.inside(node.get("parent"))
    return found[::-1]


def views(connection: Connection, uris: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for at in range(0, len(uris), AT_ONCE):
        told = connection.ask("app.bsky.feed.getPosts", {"uris": uris[at : at + AT_ONCE]})
        found |= {str(one.get("uri")): one for one in told.get("posts") or () if isinstance(one, dict)}
    return found


def _reach(connection: Connection, dids: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    actors = sorted(dids)
    for at in range(0, len(actors), AT_ONCE):
        told = connection.ask("app.bsky.actor.getProfiles", {"actors": actors[at : at + AT_ONCE]})
        for one in told.get("profiles") or ():
            if isinstance(one, dict) and isinstance(one.get("followersCount"), int):
                found[str(one.get("did"))] = max(0, min(one["followersCount"], 2**31 - 1))
    return found


def _may_chat(connection: Connection, did: str, known: dict[str, bool]) -> bool:
    if not connection.chats or not connection.signed_in().may_chat:
        return False
    if did not in known:
        try:
            told = connection.ask_chat("chat.bsky.convo.getConvoAvailability", {"members": [did]})
            known[did] = told.get("canChat") is True
        except ChannelFailed:
            # That the chat service is away must not keep public posts from us; at worst an agent is told so on sending.
            known[did] = True
    return known[did]


def watch(connection: Connection, course: Course) -> Batch | None:
    """Look at some of the posts that were taken in: what was changed or taken away there changes or goes here."""
    since = now() - WATCHED_FOR
    course.watched = [one for one in course.watched if moment_or(one.get("at"), since) > since]
    if not course.watched:
        return None
    begin = course.next_watched if course.next_watched < len(course.watched) else 0
    some = course.watched[begin : begin + AT_ONCE]
    course.next_watched = begin + AT_ONCE
    found = views(connection, [one["uri"] for one in some])
    arrivals: list[Arrival] = []
    for one in some:
        view = found.get(one["uri"])
        if view is None:
            if _was_taken_away(connection, one["uri"]):
                arrivals.append(Removed(id=one["uri"]))
                course.watched.remove(one)
        elif str(view.get("cid")) != one["cid"]:
            one["cid"] = str(view.get("cid"))
            if (changed := _changed(view, connection)) is not None:
                arrivals.append(changed)
    return Batch(arrivals=tuple(arrivals)) if arrivals else None


def _was_taken_away(connection: Connection, uri: str) -> bool:
    """Tell whether its writer's own server says that a post is gone: what the AppView leaves out may be a block."""
    read = read_uri(uri)
    try:
        return read is not None and connection.record(read) is None
    except ChannelFailed as failure:
        return is_gone(failure)


def _changed(view: Mapping[str, Any], connection: Connection) -> IncomingMessage | None:
    now_says, record = posts.earlier(view, connection.signed_in().did), posts.inside(view.get("record"))
    if now_says is None:
        return None
    writer = str(posts.inside(view.get("author")).get("did"))
    _, lines = posts.files_of(record, writer, connection)
    return IncomingMessage(
        conversation=now_says.id,
        id=now_says.id,
        text="\n".join([now_says.text, *lines]),
        created_at=now_says.created_at,
        edited_at=now(),
        is_public=True,
        url=now_says.url,
        handle=now_says.handle,
        name=now_says.name,
    )


def _at(told: Mapping[str, Any]) -> datetime:
    return posts.moment(told.get("indexedAt"))


def moment_or(told: str | None, otherwise: datetime) -> datetime:
    return posts.moment(told, otherwise)
