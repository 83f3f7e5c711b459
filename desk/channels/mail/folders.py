"""What is new in the folders of a mailbox: by UIDVALIDITY and UID, never by whether somebody has read it."""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import imap_tools
from imap_tools.errors import UnexpectedCommandStatusError

from core.clock import now
from core.phrases import phrase
from desk.channels.base import Batch, ChannelFailed, Cursor, GoneForGood, NotLetIn, State
from desk.channels.mail import imap, reading
from desk.channels.mail.account import Account
from desk.channels.mail.sent import imap_date
from desk.models import Channel

MOST_AT_ONCE: Final = 25
MOST_BYTES: Final = 10 * 1024 * 1024
"""Mails of a batch are as many as fit into this, and one at least."""
LARGEST_MAIL: Final = 30 * 1024 * 1024
OF_A_LARGE_ONE: Final = 1024 * 1024
LONGEST_LOOK: Final = 180.0
"""Seconds that are spent on a mailbox at a time; what is left comes next."""
RENEWED_SECONDS: Final = 540.0
"""An idle connection is renewed before a router forgets it."""
LISTENED_SECONDS: Final = 1500.0
"""Then the connection is made anew, of what the admin says by then."""
GLANCE_SECONDS: Final = 1.0
MOST_RETRIES: Final = 6
LONGEST_RETRY: Final = 30.0
_UID: Final = re.compile(rb"\bUID (\d+)")
_SIZE: Final = re.compile(rb"\bRFC822\.SIZE (\d+)")
_ARRIVED: Final = re.compile(rb'INTERNALDATE "([ 0-9]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d\d)(\d\d)"')
_MONTHS: Final = b"jan feb mar apr may jun jul aug sep oct nov dec".split()

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a folder has been read."""

    validity: int
    uid: int


def read(channel: Channel, account: Account, box: imap_tools.BaseMailBox, cursor: Cursor | None) -> Iterator[Batch]:
    """Yield what arrived in the folders since the cursor; a folder that is missing does not hold up the others.

    The cursor is {"since": day, "folders": {name: {"validity": n, "uid": n}}}. When a folder's UIDVALIDITY changes, its
    numbers mean nothing any more: it is read again from the day on which the channel began, and what the desk knows by
    its Message-ID stays as it is.
    """
    begun = _begun(account, cursor)
    places = _places(cursor)
    until = time.monotonic() + LONGEST_LOOK
    missing: list[str] = []
    for folder in account.folders:
        try:
            box.folder.set(folder, readonly=True)
        except UnexpectedCommandStatusError:
            missing.append(folder)
            continue
        place = _place_now(box, places.get(folder), looks_back=account.days > 0)
        for fetched, uid in _new(box, begun, place.uid):
            place = _Place(place.validity, uid)
            places[folder] = place
            yield Batch(arrivals=tuple(reading.arrivals(channel, account, fetched)), cursor=_cursor(begun, places))
            if time.monotonic() > until:
                yield Batch(state=State(wait=0.0))
                return
        places[folder] = place
    after = _cursor(begun, places)
    if after != cursor:
        yield Batch(cursor=after)
    if missing:
        raise _missing(missing)


def _missing(folders: Sequence[str]) -> ChannelFailed:
    return ChannelFailed(phrase("There is no folder called %(folder)s.", folder=", ".join(folders)))


def _begun(account: Account, cursor: Cursor | None) -> datetime:
    told = (cursor or {}).get("since")
    if told:
        return datetime.fromisoformat(str(told)).replace(tzinfo=UTC)
    # A day more: servers and we may live in different time zones.
    day = now() - timedelta(days=account.days + 1)
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def _places(cursor: Cursor | None) -> dict[str, _Place]:
    told: dict[str, dict[str, int]] = dict((cursor or {}).get("folders") or {})
    return {name: _Place(int(each["validity"]), int(each["uid"])) for name, each in told.items()}


def _cursor(begun: datetime, places: dict[str, _Place]) -> dict[str, Any]:
    return {
        "since": begun.date().isoformat(),
        "folders": {name: {"validity": place.validity, "uid": place.uid} for name, place in places.items()},
    }


def _place_now(box: imap_tools.BaseMailBox, before: _Place | None, *, looks_back: bool) -> _Place:
    """Return from where the open folder is read."""
    validity = _told(box, "UIDVALIDITY")
    if before is not None and before.validity == validity:
        return before
    if before is None and not looks_back:
        return _Place(validity, max(0, _told(box, "UIDNEXT") - 1))
    return _Place(validity, 0)


def _told(box: imap_tools.BaseMailBox, name: str) -> int:
    found = box.client.response(name)[1][0]
    return int(found) if found else 0


def _new(box: imap_tools.BaseMailBox, begun: datetime, after: int) -> Iterator[tuple[list[reading.Fetched], int]]:
    """Yield mails after a UID, some at a time, each time with the UID up to which that goes."""
    uids = _search(box, begun, after)
    for start in range(0, len(uids), MOST_AT_ONCE * 4):
        sizes = _sizes(box, uids[start : start + MOST_AT_ONCE * 4])
        group: list[int] = []
        weight = 0
        for uid, size in sizes:
            if group and (len(group) >= MOST_AT_ONCE or weight + size > MOST_BYTES):
                yield _fetched(box, group), group[-1]
                group, weight = [], 0
            if size > LARGEST_MAIL:
                if group:
                    yield _fetched(box, group), group[-1]
                    group, weight = [], 0
                yield _fetched(box, [uid], part=f"<0.{OF_A_LARGE_ONE}>"), uid
                continue
            group.append(uid)
            weight += size
        if group:
            yield _fetched(box, group), group[-1]


def _search(box: imap_tools.BaseMailBox, begun: datetime, after: int) -> list[int]:
    # `n:*` names the last mail also where its UID is below n.
    criteria = f"UID {after + 1}:* SINCE {imap_date(begun)}"
    return sorted(uid for uid in (int(each) for each in box.uids(criteria)) if uid > after)


def _sizes(box: imap_tools.BaseMailBox, uids: Sequence[int]) -> list[tuple[int, int]]:
    told: dict[int, int] = {}
    for meta, _ in _answers(box, uids, "(UID RFC822.SIZE)"):
        uid, size = _UID.search(meta), _SIZE.search(meta)
        if uid is not None and size is not None:
            told[int(uid[1])] = int(size[1])
    return [(uid, told[uid]) for uid in uids if uid in told]  # what went away meanwhile is not there


def _fetched(box: imap_tools.BaseMailBox, uids: Sequence[int], *, part: str = "") -> list[reading.Fetched]:
    found: dict[int, reading.Fetched] = {}
    for meta, raw in _answers(box, uids, f"(UID INTERNALDATE BODY.PEEK[]{part})"):
        uid = _UID.search(meta)
        if uid is not None and raw is not None:
            found[int(uid[1])] = reading.Fetched(raw, _arrived_at(meta), is_cut=bool(part))
    return [found[uid] for uid in uids if uid in found]


def _answers(box: imap_tools.BaseMailBox, uids: Sequence[int], wanted: str) -> Iterator[tuple[bytes, bytes | None]]:
    """Yield for each mail what was said of it, and its bytes where they were asked for."""
    if not uids:
        return
    status, told = box.client.uid("FETCH", ",".join(str(uid) for uid in uids), wanted)
    if status != "OK":
        raise UnexpectedCommandStatusError((status, told), "OK")
    open_one: tuple[bytes, bytes | None] | None = None
    for each in told:
        if isinstance(each, tuple):
            if open_one is not None:
                yield open_one
            open_one = bytes(each[0]), bytes(each[1])
        elif isinstance(each, bytes):
            if open_one is not None and not re.match(rb"\d+ \(", each):
                yield open_one[0] + b" " + each, open_one[1]  # what is said of it after its bytes
                open_one = None
            else:
                if open_one is not None:
                    yield open_one
                    open_one = None
                yield each, None
    if open_one is not None:
        yield open_one


def _arrived_at(meta: bytes) -> datetime:
    found = _ARRIVED.search(meta)
    if found is None or found[2].lower() not in _MONTHS:
        return now()
    try:
        local = datetime(
            int(found[3]),
            _MONTHS.index(found[2].lower()) + 1,
            int(found[1]),
            int(found[4]),
            int(found[5]),
            int(found[6]),
            tzinfo=UTC,
        )
        hours = int(found[7])
        ahead = timedelta(hours=abs(hours), minutes=int(found[8]))
        moment = local - (ahead if not found[7].startswith(b"-") else -ahead)
    except (ValueError, OverflowError):
        return now()
    return min(moment, now())


# Hearing at once


def can_idle(box: imap_tools.BaseMailBox) -> bool:
    return "IDLE" in box.client.capabilities


def listen(channel: Channel, account: Account, wake: Callable[[], None], stopping: threading.Event) -> None:
    """Hold the first folder open and call `wake` when something arrives; a server that restarts is found again."""
    until = time.monotonic() + LISTENED_SECONDS
    failures = 0
    while not stopping.is_set() and time.monotonic() < until:
        begun = time.monotonic()
        try:
            _listen_once(channel, account, wake, stopping, until)
        except (NotLetIn, GoneForGood):
            raise
        except ChannelFailed as failure:
            failures = 1 if time.monotonic() - begun > LONGEST_RETRY else failures + 1
            if failure.permanent or failures > MOST_RETRIES:
                raise
            stopping.wait(min(LONGEST_RETRY, 0.5 * 2.0 ** (failures - 1)))


def _listen_once(
    channel: Channel, account: Account, wake: Callable[[], None], stopping: threading.Event, until: float
) -> None:
    with imap.opened(channel, account, seconds=LISTENED_SECONDS + 60) as box:
        box.folder.set(account.folders[0], readonly=True)
        wake()  # what came while nobody listened
        if not can_idle(box):
            stopping.wait(max(0.0, until - time.monotonic()))
            return
        while not stopping.is_set() and time.monotonic() < until:
            box.idle.start()  # type: ignore[no-untyped-call]  # as it is written
            said = _hear(box, stopping, min(until, time.monotonic() + RENEWED_SECONDS))
            box.idle.stop()  # type: ignore[no-untyped-call]  # where the server is gone, this says so
            if any(b"EXISTS" in line for line in said):
                wake()


def _hear(box: imap_tools.BaseMailBox, stopping: threading.Event, until: float) -> list[bytes]:
    """Return what the server says first; nothing when it is time to renew, to stop, or to see whether it is there."""
    while not stopping.is_set() and time.monotonic() < until:
        begun = time.monotonic()
        said = box.idle.poll(timeout=GLANCE_SECONDS)
        if said or time.monotonic() - begun < GLANCE_SECONDS / 2:
            return said
    return []
