"""How an account's notifications are read: forward from the last one, without gaps, some at a time.

Beside them what came in the last two weeks is looked at again, the newest each time and the rest in turn: nobody whom a
status mentions is told when it is changed or deleted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

import mastodon

from core.clock import now
from desk.channels.base import Arrival, Batch, ChannelFailed, Cursor, IncomingMessage, NotLetIn, Removed, State
from desk.channels.mastodon import reading
from desk.channels.mastodon.reading import Us, id_of, moment_of
from desk.channels.mastodon.wire import NotThere, session_of, speaking

TYPES: Final = ("mention", "status", "update", "quote")
PAGES: Final = (40, 5, 1)
"""So many notifications are asked for at once; fewer where they are too long to be told together."""
AT_ONCE: Final = 10
MOST_PAGES_BACK: Final = 100
MOST_WATCHED: Final = 300
WATCHED_FOR: Final = timedelta(days=14)
TOGETHER: Final = 20
"""So many statuses Mastodon tells at once (since 4.3)."""
ONE_BY_ONE: Final = 5
KEPT_FOR_REPLIES: Final = 30
"""So many requests are not spent on reading: an answer must not wait for a new quota."""
MOST_UPWARDS: Final = 20
FIRST: Final = "0"

Make = Callable[[Us, Mapping[str, Any], Sequence[Mapping[str, Any]]], IncomingMessage | None]


class Walk:
    """One time of asking."""

    BEGINS_BEFORE: ClassVar[timedelta] = timedelta(days=7)
    """What was written so long before a channel was connected is taken in the first time."""

    def __init__(self, client: mastodon.Mastodon, us: Us, cursor: Cursor | None, *, since: datetime) -> None:
        told = dict(cursor or {})
        if told.get("me", us.id) != us.id:
            told = {}  # another account: its notifications have other ids
        self._client = client
        self._session = session_of(client)
        self._us = us
        self._position = str(told.get("min_id") or "")
        self._watched: list[list[str]] = [list(each) for each in told.get("watched") or []]
        self._turn = int(told.get("turn") or 0)
        self._one_by_one = bool(told.get("one_by_one"))
        self._begins = since

    def batches(self, make: Make) -> Iterator[Batch]:
        """Yield what is new, and then what became of what came lately."""
        if not self._position:
            self._position = self._before_everything()
        while page := self._page(min_id=self._position):
            before = self._position
            oldest_first = page[::-1]
            for at in range(0, len(oldest_first), AT_ONCE):
                some = oldest_first[at : at + AT_ONCE]
                arrivals = [arrival for each in some if (arrival := self._arrival(each, make)) is not None]
                self._position = id_of(some[-1].get("id")) or self._position
                yield self._batch(arrivals)
                if self._is_nearly_spent:
                    return
            if self._position == before:
                break
        if not self._is_nearly_spent:
            yield self._batch(self._looked_at_again(make))

    def _before_everything(self) -> str:
        """Return the last notification that is too old to be taken in."""
        oldest: str | None = None
        for _ in range(MOST_PAGES_BACK):
            page = self._page(max_id=oldest)
            for each in page:
                at = moment_of(each.get("created_at"))
                if at is not None and at < self._begins:
                    return id_of(each.get("id"))
            if not page or id_of(page[-1].get("id")) == oldest:
                return FIRST
            oldest = id_of(page[-1].get("id"))
        return oldest or FIRST

    def _page(self, *, min_id: str | None = None, max_id: str | None = None) -> list[Mapping[str, Any]]:
        # The library has no argument for it; without it, what the account's own filter holds back would be missed.
        self._session.params = {"include_filtered": "true"}
        told = {"min_id": min_id, "max_id": max_id, "types": list(TYPES)}
        try:
            for size in PAGES:
                try:
                    with speaking(self._client):
                        return list(self._client.notifications(limit=size, **told))
                except ChannelFailed:
                    if not self._session.was_too_long or size == PAGES[-1]:
                        raise
            return []
        finally:
            self._session.params = {}

    def _arrival(self, notification: Mapping[str, Any], make: Make) -> Arrival | None:
        status, kind = notification.get("status"), notification.get("type")
        if not isinstance(status, Mapping) or kind not in TYPES or reading.is_ours(status, self._us):
            return None
        if kind == "update" and not reading.mentions_us(status, self._us):
            return None  # something we had passed on was changed; it was not written to us
        try:
            message = make(self._us, status, self._path(status))
        except NotThere:
            return None  # deleted meanwhile
        if message is not None:
            self._watch(message)
        return message

    def _path(self, status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Return what stands before a status in its thread, as far as the instance knows it."""
        if not id_of(status.get("in_reply_to_id")):
            return []
        try:
            with speaking(self._client):
                return list(self._client.status_context(id_of(status.get("id"))).get("ancestors") or [])
        except ChannelFailed:
            if not self._session.was_too_long:
                raise
        return self._upwards(status)

    def _upwards(self, status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        path: list[Mapping[str, Any]] = []
        parent = id_of(status.get("in_reply_to_id"))
        while parent and len(path) < MOST_UPWARDS:
            try:
                with speaking(self._client):
                    above = self._client.status(parent)
            except NotThere:
                break
            path.insert(0, above)
            parent = id_of(above.get("in_reply_to_id"))
        return path

    def _watch(self, message: IncomingMessage) -> None:
        edited = message.edited_at.isoformat() if message.edited_at else ""
        self._watched = [each for each in self._watched if each[0] != message.id]
        self._watched.append([message.id, edited, now().isoformat()])
        self._watched = self._watched[-MOST_WATCHED:]

    def _looked_at_again(self, make: Make) -> list[Arrival]:
        oldest = (now() - WATCHED_FOR).isoformat()
        self._watched = [each for each in self._watched if each[2] >= oldest]
        asked = self._whose_turn()
        if not asked:
            return []
        found = self._told({each[0] for each in asked})
        arrivals: list[Arrival] = []
        for each in asked:
            status = found.get(each[0])
            if status is None:
                if self._is_gone(each[0]):
                    self._watched.remove(each)
                    arrivals.append(Removed(id=each[0]))
                continue
            edited = moment_of(status.get("edited_at"))
            if edited is None or edited.isoformat() == each[1]:
                continue
            each[1] = edited.isoformat()
            message = make(self._us, status, ())
            if message is not None:
                arrivals.append(message)
        return arrivals

    def _whose_turn(self) -> list[list[str]]:
        """Return half from the newest, and half from the others, which take turns."""
        most = ONE_BY_ONE if self._one_by_one else TOGETHER
        newest, others = self._watched[-(most // 2 or 1) :], self._watched[: -(most // 2 or 1)]
        turn = self._turn % len(others) if others else 0
        in_turn = (others[turn:] + others[:turn])[: most - len(newest)]
        self._turn = turn + len(in_turn)
        return newest + in_turn

    def _told(self, ids: set[str]) -> dict[str, Mapping[str, Any]]:
        """Return the statuses that are still there, by id."""
        if not self._one_by_one:
            try:
                with speaking(self._client):
                    return {id_of(each.get("id")): each for each in self._client.statuses(sorted(ids))}
            except ChannelFailed as failure:
                if not failure.permanent or isinstance(failure, NotLetIn):
                    raise
                self._one_by_one = True  # a server that does not know the call: Mastodon before 4.3, GoToSocial
                ids = {each[0] for each in self._watched[-ONE_BY_ONE:]} & ids
        found: dict[str, Mapping[str, Any]] = {}
        for status_id in ids:
            try:
                with speaking(self._client):
                    found[status_id] = self._client.status(status_id)
            except NotThere:
                continue
        return found

    def _is_gone(self, status_id: str) -> bool:
        """Ask for one status by itself: that it was not among others says little."""
        try:
            with speaking(self._client):
                self._client.status(status_id)
        except NotThere:
            return True
        return False

    @property
    def _is_nearly_spent(self) -> bool:
        left = self._session.quota_left
        return left is not None and left < KEPT_FOR_REPLIES

    def _batch(self, arrivals: Sequence[Arrival]) -> Batch:
        renewed = self._session.quota_renewed_at
        wait = None
        if self._is_nearly_spent and renewed is not None:
            wait = max(0.0, (renewed - now()).total_seconds())
        return Batch(
            arrivals=tuple(arrivals),
            cursor={
                "me": self._us.id,
                "domain": self._us.domain,
                "min_id": self._position,
                "watched": [list(each) for each in self._watched],
                "turn": self._turn,
                "one_by_one": self._one_by_one,
            },
            state=State(wait=wait, quota_left=self._session.quota_left, quota_renewed_at=renewed),
        )
