"""What comes in and what goes out on channels: webhooks delivered, services asked for 10,000 items, texts counted.

intake    Signed messages over HTTP, each committed before it is answered, beside a bare Flask page that checks the same
          signature and commits one INSERT (`bench/floor.py`), in the same run. Four senders at once.
mastodon  A poll of 1,000 and of 10,000 mentions from the strict stand-in of the tests, each opening a case, every tenth
          in a thread, beside Mastodon.py alone walking through the same ones; then once more, with nothing new.
feeds     A poll of 1,000 and of 10,000 posts, 500 in a feed, each opening a case, beside feedparser alone over the same
          bytes; then nothing changed (304), then all of it again, as after a cursor was lost.
counting  Texts counted as each service counts, short ones and of 20,000 characters, beside the expression that finds
          graphemes in the `regex` library.

Who is asked runs in a process of its own. Times are the processor's, of the process that asks and of PostgreSQL's
processes for its database, which a busy machine disturbs least; memory is the most that the process held, beside the
same process before it asked.

python bench/channels.py [intake] [mastodon] [feeds] [counting] [sqlite] [postgresql]

Without an argument everything; PostgreSQL is measured where KLINKE_TEST_POSTGRES_URL names one (`. .ci/postgres.sh`).
"""

import base64
import contextlib
import hashlib
import hmac
import io
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from measure import (
    ROOT,
    Request,
    cpu_seconds_named,
    free_port,
    klinke,
    measured,
    median,
    report,
    sentences,
    served,
    settings,
)

sys.path.insert(0, str(ROOT))

PARTS = ("intake", "mastodon", "feeds", "counting")
DATABASES = ("sqlite", "postgresql")
FEW, MANY = 1_000, 10_000
POSTS_OF_A_FEED = 500
WORDS = "Since the update my router loses the light every hour, and nobody answers. Grüße! "
CHANNELS = 60
"""So many that no channel is delivered to more often than is allowed."""
SECRET = b"a secret for the bench, 32 bytes"
STARTED = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
CLIENTS = 4
SECONDS = 4.0
ROUNDS = 3
LONG = 20_000
COUNTED_SECONDS = 0.4
BENCH = "channels"
Environ = dict[str, str]


def main(chosen: list[str]) -> None:
    parts = [part for part in PARTS if part in chosen] or list(PARTS)
    databases = [kind for kind in DATABASES if kind in chosen] or list(DATABASES)
    for kind in databases:
        if kind == "postgresql" and not os.environ.get("KLINKE_TEST_POSTGRES_URL"):
            print("postgresql: KLINKE_TEST_POSTGRES_URL names none, not measured", file=sys.stderr)
            continue
        for part in parts:
            if part != "counting":
                {"intake": intake, "mastodon": mastodon, "feeds": feeds}[part](kind)
    if "counting" in parts:
        counting()


# Delivered


def intake(kind: str) -> None:
    """Report what it takes to take in a signed message, beside the floor of the same run."""
    found: dict[str, list[Any]] = {}
    with tempfile.TemporaryDirectory() as folder, database(kind) as url:
        environ = settings(Path(folder)) | url
        _open_channels(environ)
        deliveries = Deliveries()
        ways: dict[str, Callable[[int], Request]] = {
            "opening a case": deliveries.opening,
            "going on with one": deliveries.going_on,
            "told again": deliveries.again,
        }
        command = [sys.executable, str(ROOT / "bench/floor.py"), str(port := free_port()), folder, "0"]
        with (
            served(command, port, {**url, "FLOOR_SECRET": SECRET.decode()}) as floor,
            klinke(Path(folder), **url) as (
                own_port,
                process,
            ),
        ):
            beside = cpu_of(url)
            for _round in range(ROUNDS):  # in turn, so that a noisy moment meets all
                found.setdefault("floor", []).append(
                    measured(port, floor, deliveries.floor, seconds=SECONDS / 2, clients=CLIENTS, beside=beside)
                )
                for way, make in ways.items():
                    found.setdefault(way, []).append(
                        measured(own_port, process, make, seconds=SECONDS, clients=CLIENTS, beside=beside)
                    )
    floor_cpu = median([one.cpu_ms for one in found["floor"]])
    for way, some in found.items():
        cpu = median([one.cpu_ms for one in some])
        name = f"{kind}, webhook, {way}"
        report(BENCH, name, median([one.requests_per_second for one in some]), "messages/s", "higher")
        report(BENCH, f"{name}, p95", median([one.p95_ms for one in some]), "ms", "lower")
        report(BENCH, f"{name}, cpu", cpu, "ms/message", "lower")
        if way != "floor":
            report(BENCH, f"{name}, beside the floor", cpu / floor_cpu, "x", "lower")


class Deliveries:
    """Signed requests, each made once: numbers go on from one measurement to the next."""

    def __init__(self) -> None:
        self._words = sentences(500, seed=9)
        self._numbers = count()
        self._at = str(int(time.time()))

    def opening(self, _number: int) -> Request:
        number = next(self._numbers)
        return self._request(f"new-{number}", number)

    def going_on(self, _number: int) -> Request:
        number = next(self._numbers)
        return self._request(f"known-{number % (10 * CHANNELS)}", number)

    def again(self, number: int) -> Request:
        return self._request("told", number % CHANNELS, run="told")

    def floor(self, _number: int) -> Request:
        number = next(self._numbers)
        return self._request(f"new-{number}", number, path="/webhook")

    def _request(self, conversation: str, number: int, *, run: str = "", path: str = "") -> Request:
        about = {
            "type": "message",
            "conversation": conversation,
            "contact": {"handle": f"@{conversation}@social.example", "name": "Max", "reach": 120},
            "message": {
                "id": f"{run}{number}",
                "text": self._words[number % len(self._words)],
                "created": STARTED.isoformat(),
                "public": True,
            },
        }
        body = json.dumps(about, ensure_ascii=False).encode()
        if number % 5_000 == 0:
            self._at = str(int(time.time()))  # a signature is good for five minutes
        webhook_id = f"msg_{run}{number}"
        mac = hmac.new(SECRET, f"{webhook_id}.{self._at}.".encode() + body, hashlib.sha256).digest()
        headers = (
            ("Content-Type", "application/json"),
            ("webhook-id", webhook_id),
            ("webhook-timestamp", self._at),
            ("webhook-signature", f"v1,{base64.b64encode(mac).decode()}"),
        )
        return Request(path or f"/channels/bench-{1 + number % CHANNELS}/webhook", "POST", body, headers)


def _open_channels(environ: Environ) -> None:
    import flask_migrate

    from app import create_app
    from core.db import db
    from desk.models import Channel

    with create_app(environ).app_context():
        flask_migrate.upgrade()
        for number in range(1, CHANNELS + 1):
            channel = Channel(slug=f"bench-{number}", kind="webhook", name=f"Bench {number}", settings={})
            channel.secret = "whsec_" + base64.b64encode(SECRET).decode()
            db.session.add(channel)
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


# Asked for


def mastodon(kind: str) -> None:
    runs = {many: run("mastodon", kind, many) for many in (FEW, MANY)}
    alone = run("mastodon_alone", kind, MANY)
    _report_poll(kind, "mastodon", runs, alone, "Mastodon.py")
    report(BENCH, f"{kind}, mastodon: nothing new", runs[MANY]["same"] * 1000, "ms", "lower")


def feeds(kind: str) -> None:
    runs = {many: run("feeds", kind, many) for many in (FEW, MANY)}
    alone = run("feeds_alone", kind, MANY)
    _report_poll(kind, "feeds", runs, alone, "feedparser")
    polled, feeds_of_many = runs[MANY], MANY / POSTS_OF_A_FEED
    report(BENCH, f"{kind}, feeds: reading beside feedparser alone", alone["ours"] / alone["seconds"], "x", "lower")
    report(BENCH, f"{kind}, feeds: nothing changed (304)", polled["same"] * 1000 / feeds_of_many, "ms/feed", "lower")
    report(
        BENCH, f"{kind}, feeds: the same again beside the first time", polled["again"] / polled["seconds"], "x", "lower"
    )


def _report_poll(
    kind: str, service: str, runs: Mapping[int, Mapping[str, float]], alone: Mapping[str, float], library: str
) -> None:
    for many, one in runs.items():
        name = f"{kind}, {service}: poll of {many:,}"
        report(BENCH, name, many / one["seconds"], "items/s", "higher")
        report(BENCH, f"{name}, by the clock", many / one["clock"], "items/s", "higher")
        report(BENCH, f"{name}, memory", one["memory"], "MB more", "lower")
    report(BENCH, f"{kind}, {service}: {library} alone", MANY / alone["seconds"], "items/s", "higher")
    report(BENCH, f"{kind}, {service}: {library} alone, memory", alone["memory"], "MB more", "lower")
    few, all_ = runs[FEW]["seconds"] / FEW, runs[MANY]["seconds"] / MANY
    report(BENCH, f"{kind}, {service}: beside {library} alone", runs[MANY]["seconds"] / alone["seconds"], "x", "lower")
    report(BENCH, f"{kind}, {service}: an item of {MANY:,} beside one of {FEW:,}", all_ / few, "x", "lower")


def run(what: str, kind: str, many: int) -> dict[str, float]:
    """Do one part in a process of its own, so that the memory is its own."""
    told = subprocess.run(
        [sys.executable, __file__, "--do", what, kind, str(many)], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return found


def poll_mastodon(kind: str, many: int) -> dict[str, float]:
    with elsewhere(_instance, many) as (there, about), house(kind, about["port"]) as (admin, beside):
        from desk import connections

        values = {"instance": about["url"], "token": about["token"]}
        channel = connections.connect("mastodon", slug="mastodon", name="Mastodon", values=values, by=admin)
        channel_id = channel.id
        polled(channel_id, beside)  # nothing is there yet: from here on it is read
        there.send("write")
        there.recv()
        return {**_taken(channel_id, many, beside), "same": polled(channel_id, beside)[0]}


def mastodon_alone(_kind: str, many: int) -> dict[str, float]:
    from mastodon import Mastodon

    with elsewhere(_instance, many) as (there, about):
        there.send("write")
        there.recv()
        client = Mastodon(api_base_url=about["url"], access_token=about["token"])
        before, began, counted, position = megabytes(), time.process_time(), 0, "0"
        while page := client.notifications(limit=40, min_id=position, types=["mention"]):
            counted, position = counted + len(page), page[0]["id"]
        seconds, memory = time.process_time() - began, megabytes() - before
    assert counted == many, counted
    return {"seconds": seconds, "memory": memory}


def _instance(pipe: Connection, many: int) -> None:
    """Be the instance: when told to, so many people write, every tenth under what somebody wrote before."""
    from tests.channels.fake_mastodon import FakeMastodon

    fake = FakeMastodon()
    pipe.send({"port": fake.port, "url": fake.url, "token": fake.token})
    while pipe.recv() == "write":
        before = None
        for number in range(many):
            answers = None if before is None or number % 10 else before.id
            before = fake.post(f"{WORDS * 2}{number}", by=f"customer-{number}", answers=answers)
            fake.notify(before)
        pipe.send("written")
    assert fake.wrong == [], fake.wrong[:3]
    fake.close()


def poll_feeds(kind: str, many: int) -> dict[str, float]:
    with elsewhere(_blogs, many) as (_there, about), house(kind, about["port"]) as (admin, beside):
        from desk import connections, watch_lists
        from desk.channels.feeds import reading

        channel = connections.connect("feeds", slug="blogs", name="Blogs", values={"words": "router"}, by=admin)
        for url in about["urls"]:
            watch_lists.add(channel, url=url, title=url, takes="words", words="", by=admin)
        channel_id = channel.id
        with contextlib.suppress(reading.NoFeed):
            reading.read(b"", url="https://blog.example/")  # the import is no part of it
        found = _taken(channel_id, many, beside)
        same = polled(channel_id, beside)[0]
        again = polled(channel_id, beside, anew=True)[0]
        assert _messages() == many
        return {**found, "same": same, "again": again}


def feeds_alone(_kind: str, many: int) -> dict[str, float]:
    import feedparser

    from desk.channels.feeds import reading

    bodies = list(_feeds(many))
    before, began = megabytes(), time.process_time()
    counted = sum(len(feedparser.parse(io.BytesIO(body)).entries) for body in bodies)
    seconds, memory = time.process_time() - began, megabytes() - before
    began = time.process_time()
    ours = sum(len(reading.read(body, url="https://blog.example/").entries) for body in bodies)
    assert counted == ours == many
    return {"seconds": seconds, "memory": memory, "ours": time.process_time() - began}


def _blogs(pipe: Connection, many: int) -> None:
    """Be the blogs."""
    from tests.channels.feed_server import Page, Server

    server = Server()
    for number, body in enumerate(_feeds(many)):
        server.pages[f"/{number}"] = Page(raw=body)
    pipe.send({"port": server.port, "urls": [server.url(path) for path in server.pages]})
    pipe.recv()
    assert server.wrong == [], server.wrong[:3]
    server.close()


def _feeds(many: int) -> Iterator[bytes]:
    """Yield the bytes of the feeds, the same each time of an hour."""
    from tests.channels.feed_server import Page, Post, Server

    server = Server()
    for first in range(0, many, POSTS_OF_A_FEED):
        posts = [
            Post(f"{number}", WORDS * 6 + str(number), title=f"Post {number}", author=f"author {number}", at=STARTED)
            for number in range(first, first + POSTS_OF_A_FEED)
        ]
        yield server.body(Page(posts=posts)).replace(server.url("").encode(), b"https://blog.example")
    server.close()


@contextmanager
def elsewhere(play: Callable[[Connection, int], None], many: int) -> Iterator[tuple[Connection, Any]]:
    """Run who is asked in a process of its own; yields the line to it, and what it says of itself."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=play, args=(theirs, many))
    process.start()
    theirs.close()  # where it dies, the line breaks
    yield ours, ours.recv()
    ours.send("end")
    process.join(timeout=60)
    assert process.exitcode == 0, "who was asked was asked in a way that nobody may"


@contextmanager
def house(kind: str, port: int) -> Iterator[tuple[Any, Callable[[], float]]]:
    """Open an empty installation in this process; yields an admin, and what tells the CPU time of its database."""
    from app import create_app
    from core.db import db

    with tempfile.TemporaryDirectory() as folder, database(kind) as url:
        environ = settings(Path(folder)) | {
            "KLINKE_DATABASE_URL": f"sqlite:///{Path(folder) / 'klinke.db'}",
            "KLINKE_BASE_URL": "http://localhost",
            "KLINKE_PRIVATE_ENDPOINTS": f"127.0.0.1:{port}",
        }
        with create_app(environ | url).app_context():
            from accounts import people

            db.create_all()
            yield (
                people.create("root", name="Root", email="root@example.org", roles=("member", "admin"), locale="en"),
                cpu_of(url),
            )
            db.session.remove()
            db.engine.dispose()


def _taken(channel_id: int, many: int, beside: Callable[[], float]) -> dict[str, float]:
    from core.db import db
    from desk.channel_models import ChannelCourse

    before = megabytes()
    seconds, clock = polled(channel_id, beside)
    memory = megabytes() - before
    assert _messages() == many, _messages()
    assert db.session.get_one(ChannelCourse, channel_id).unread == 0
    db.session.rollback()
    return {"seconds": seconds, "clock": clock, "memory": memory}


def _messages() -> int:
    from sqlalchemy import func, select

    from core.db import db
    from desk.models import Message

    found = db.session.scalar(select(func.count(Message.id))) or 0
    db.session.rollback()
    return found


def polled(channel_id: int, beside: Callable[[], float], *, anew: bool = False) -> tuple[float, float]:
    """Ask a channel now, `anew` as if never before; return the seconds of the processors and of the clock."""
    from core.db import db
    from desk import polling
    from desk.channel_models import ChannelCourse

    polling.begin_anew(channel_id)
    course = db.session.get(ChannelCourse, channel_id)
    if course is not None and "feeds" in (course.cursor or {}):
        states = {key: {**state, "next": 0.0} for key, state in course.cursor["feeds"].items()}
        course.cursor = None if anew else {"feeds": states}
    db.session.commit()
    began, clock, database_began = time.process_time(), time.monotonic(), beside()
    polling.poll(channel_id)
    seconds = time.process_time() - began + beside() - database_began
    course = db.session.get_one(ChannelCourse, channel_id, populate_existing=True)
    assert course.failure == "", course.failure
    db.session.rollback()
    return seconds, time.monotonic() - clock


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def database(kind: str) -> Iterator[Environ]:
    """Yield the settings that name an empty database, for as long as it is there."""
    if kind == "sqlite":
        yield {}
        return
    server = os.environ["KLINKE_TEST_POSTGRES_URL"].rsplit("/", 1)[0]
    name = f"bench_{uuid.uuid4().hex[:12]}"
    _postgres(f'CREATE DATABASE "{name}"')
    try:
        yield {"KLINKE_DATABASE_URL": f"{server}/{name}"}
    finally:
        _postgres(f'DROP DATABASE "{name}" WITH (FORCE)')


def _postgres(statement: str) -> None:
    import psycopg

    url = os.environ["KLINKE_TEST_POSTGRES_URL"].replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def cpu_of(url: Environ) -> Callable[[], float]:
    """Return what tells the CPU time of a database server's processes for this database; SQLite's is the asker's."""
    named = url.get("KLINKE_DATABASE_URL")
    return float if named is None else lambda: cpu_seconds_named(f" {named.rsplit('/', 1)[1]} ")


# Counted


def counting() -> None:
    import regex

    from core.counting import COUNTINGS
    from desk.channels.counting import KNOWN

    texts = _texts()
    for what, text in texts.items():
        reference = _rate(partial(_found, regex.compile(r"\X"), text))
        report(BENCH, f"counting, {what}: regex", reference, "texts/s", "higher")
        for name, counted in COUNTINGS.items():
            rate = _rate(partial(counted, text))
            report(BENCH, f"counting, {what}: {name}", rate, "texts/s", "higher")
            if name != "characters":
                report(BENCH, f"counting, {what}: {name} beside regex", reference / rate, "x", "lower")
    for slug in ("mastodon", "x", "bluesky", "telegram"):
        rate = _rate(partial(KNOWN[slug].fits, texts["short, links and names"]))
        report(BENCH, f"counting, whether a short reply fits: {slug}", rate, "texts/s", "higher")


def _found(expression: Any, text: str) -> int:
    return len(expression.findall(text))


def _texts() -> dict[str, str]:
    plain = " ".join(sentences(400))
    mixed = "Grüße aus Köln 👋🏽 – https://help.example/kb/12-router, @max@social.example 👨‍👩‍👧‍👦! नमस्ते क्षि 한국어 🇩🇪 "
    joined = "👩🏽\u200d"
    return {
        "short, plain": plain[:200],
        "short, links and names": mixed,
        f"{LONG:,} plain": (plain * 4)[:LONG],
        f"{LONG:,} of everything": (mixed * (LONG // len(mixed) + 1))[:LONG],
        f"{LONG:,} joined into one": (joined * LONG)[:LONG],
    }


def _rate(count_once: Callable[[], object]) -> float:
    """Return how often something can be done in a second of the processor."""
    began, times = time.process_time(), 0
    while (used := time.process_time() - began) < COUNTED_SECONDS or not times:
        count_once()
        times += 1
    return times / used


DOINGS: dict[str, Callable[[str, int], dict[str, float]]] = {
    "mastodon": poll_mastodon,
    "mastodon_alone": mastodon_alone,
    "feeds": poll_feeds,
    "feeds_alone": feeds_alone,
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--do"]:
        print(json.dumps(DOINGS[sys.argv[2]](sys.argv[3], int(sys.argv[4]))))
    else:
        main(sys.argv[1:])
