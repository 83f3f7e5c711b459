"""The desk of a team that has worked for years: 100,000 conversations with 500,000 messages, beside 1,000 with 5,000.

Both have the same articles. Pages are asked for by one agent at a time, each beside the floor of the same run
(`bench/floor.py`); messages are delivered signed, by four services at once, a quarter of them opening a conversation.
"Ten times" and the like are CPU time of the server and, of PostgreSQL, of its processes for this database: a busy
machine disturbs that least.

python bench/desk.py [sqlite|postgresql] [conversations] [articles] [folder]

Where a folder is given, what was built stays there for the next run, which works on a copy: nothing that one run
receives is there in the next.
PostgreSQL is measured where KLINKE_TEST_POSTGRES_URL names one (`. .ci/postgres.sh`).
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import random
import shutil
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from measure import (
    ROOT,
    Figures,
    Request,
    cpu_seconds_named,
    documents,
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

DATABASES = ("sqlite", "postgresql")
CONVERSATIONS = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
ARTICLES = int(sys.argv[3]) if len(sys.argv) > 3 else 5_000
KEPT = Path(sys.argv[4]) if len(sys.argv) > 4 else None
FEW = 1_000
MESSAGES = 5
"""Of each conversation, on the average."""
CHANNELS = 60
"""So many that no channel is delivered to more often than is allowed."""
AGENTS = 8
OPEN_OF_MANY, FEWEST_OPEN = 0.02, 100
"""A fiftieth of the conversations is not done; in the small desk at least as many as fill its pages."""
BATCH = 2_000
ROUNDS = 3
SECONDS = 3.0
CLIENTS = 4
SECRET = b"a secret for the bench, 32 bytes"
STARTED = datetime.now(UTC)

VIEWS = ("waiting", "mine", "unassigned", "overdue", "lost", "all", "solved")


@dataclass(frozen=True, slots=True)
class Desk:
    """An installation, what its agent is known by, and conversations that are open."""

    folder: Path
    more: dict[str, str]
    cookie: str
    open_ids: tuple[int, ...]


def main() -> None:
    for kind in sys.argv[1:2] if len(sys.argv) > 1 else DATABASES:
        if kind == "postgresql" and not os.environ.get("KLINKE_TEST_POSTGRES_URL"):
            print("postgresql: KLINKE_TEST_POSTGRES_URL names none, not measured", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            small, large = (
                desks(kind, Path(folder), stack) if KEPT is None else _copies(kind, KEPT, Path(folder), stack)
            )
            compare(kind, small, large, Path(folder))


def desks(kind: str, folder: Path, stack: contextlib.ExitStack) -> tuple[Desk, Desk]:
    """Build both: the articles once, which are the same in both."""
    small, large = folder / "small", folder / "large"
    small.mkdir()
    begun = time.monotonic()
    if kind == "sqlite":
        _fill_articles(small, {})
        settings_of: tuple[dict[str, str], dict[str, str]] = ({}, {})
    else:
        first = _database(stack)
        _fill_articles(small, first)
        settings_of = (first, _database(stack, like=first))
    shutil.copytree(small, large)
    print(f"{kind}: articles after {time.monotonic() - begun:.0f} s", file=sys.stderr)
    filled = (
        _fill_conversations(small, settings_of[0], FEW),
        _fill_conversations(large, settings_of[1], CONVERSATIONS),
    )
    print(f"{kind}: all after {time.monotonic() - begun:.0f} s", file=sys.stderr)
    return filled


def _copies(kind: str, kept: Path, folder: Path, stack: contextlib.ExitStack) -> tuple[Desk, Desk]:
    """Copy what an earlier run built in a folder; build it there if none did."""
    built = kept / f"{kind}-{CONVERSATIONS}-{ARTICLES}"
    if not (built / "desks.json").exists():
        built.mkdir(parents=True)
        with contextlib.ExitStack() as on_failure:
            about = [
                {"more": one.more, "cookie": one.cookie, "open_ids": one.open_ids}
                for one in desks(kind, built, on_failure)
            ]
            (built / "desks.json").write_text(json.dumps(about))
            on_failure.pop_all()
    found = []
    for name, one in zip(("small", "large"), json.loads((built / "desks.json").read_text()), strict=True):
        more = _database(stack, like=one["more"]) if one["more"] else {}
        shutil.copytree(built / name, folder / name)
        found.append(Desk(folder / name, more, one["cookie"], tuple(one["open_ids"])))
        _upgrade(found[-1])
    return found[0], found[1]


def _upgrade(desk: Desk) -> None:
    """Bring a copy to what the code is now, which may be younger than what was built."""
    import flask_migrate

    from app import create_app
    from core.db import db

    with create_app(settings(desk.folder) | desk.more).app_context():
        flask_migrate.upgrade()
        _settle(db.engine)
        db.engine.dispose()


def _database(stack: contextlib.ExitStack, like: dict[str, str] | None = None) -> dict[str, str]:
    """Create a database of PostgreSQL, which goes with the stack, and return the settings that name it."""
    server = os.environ["KLINKE_TEST_POSTGRES_URL"].rsplit("/", 1)[0]
    name = f"bench_{uuid.uuid4().hex[:12]}"
    template = "" if like is None else f' TEMPLATE "{like["KLINKE_DATABASE_URL"].rsplit("/", 1)[1]}"'
    _postgres(f'CREATE DATABASE "{name}"{template}')
    stack.callback(_postgres, f'DROP DATABASE "{name}" WITH (FORCE)')
    return {"KLINKE_DATABASE_URL": f"{server}/{name}"}


def compare(kind: str, small: Desk, large: Desk, folder: Path) -> None:
    found: dict[tuple[str, str], list[Figures]] = {}
    for _round in range(ROUNDS):  # in turn, so that a noisy moment meets both
        for name, desk in (("small", small), ("large", large)):
            for what, figures in walked(desk, folder):
                found.setdefault((what, name), []).append(figures)
    for what in dict.fromkeys(what for what, _name in found):
        cpu = {name: median([one.cpu_ms for one in found[what, name]]) for name in ("small", "large")}
        for name, size in (("small", FEW), ("large", CONVERSATIONS)):
            some = found[what, name]
            floor = median([one.cpu_ms for one in found["floor", name]])
            report(
                "desk", f"{kind}, {what}: {size} conversations, p95", median([x.p95_ms for x in some]), "ms", "lower"
            )
            report("desk", f"{kind}, {what}: {size} conversations, cpu", cpu[name], "ms", "lower")
            if what.startswith("receiving"):
                each = median([x.requests_per_second for x in some])
                report("desk", f"{kind}, {what}: {size} conversations", each, "1/s", "higher")
            if what != "floor":
                report(
                    "desk", f"{kind}, {what}: {size} conversations, beside the floor", cpu[name] / floor, "x", "lower"
                )
        if what != "floor":
            report("desk", f"{kind}, {what}: beside {FEW} conversations", cpu["large"] / cpu["small"], "x", "lower")


def walked(desk: Desk, folder: Path) -> Iterator[tuple[str, Figures]]:
    """Yield what each page takes of a server that has just been started, and what receiving takes."""
    as_agent = (("Cookie", desk.cookie),)
    database = _cpu_of_database(desk)
    pages: dict[str, Callable[[int], str]] = {
        "conversation with suggestions": lambda number: (
            f"/desk/conversations/{desk.open_ids[number * 7 % FEWEST_OPEN]}"  # as many different ones in both
        ),
        **{f"inbox {view}": lambda _number, view=view: f"/desk?view={view}" for view in VIEWS},
    }
    with klinke(desk.folder, **desk.more) as (port, process):
        opener = urllib.request.Request(f"http://127.0.0.1:{port}/desk", headers={"Cookie": desk.cookie})
        page = urllib.request.urlopen(opener).read()
        assert b"data-keys-item" in page, "the agent sees who waits"
        floor_port = free_port()
        command = [sys.executable, str(ROOT / "bench/floor.py"), str(floor_port), str(folder), str(len(page))]
        with served(command, floor_port, {}) as floor:
            yield "floor", measured(floor_port, floor, lambda _number: Request("/"), seconds=SECONDS / 2, clients=1)
        for name, address in pages.items():
            yield (
                name,
                measured(
                    port,
                    process,
                    lambda number, address=address: Request(address(number), headers=as_agent),
                    seconds=SECONDS,
                    clients=1,
                    beside=database,
                ),
            )
        deliveries = Deliveries(desk)
        yield "receiving", measured(port, process, deliveries.next, seconds=SECONDS, clients=CLIENTS, beside=database)


def _cpu_of_database(desk: Desk) -> Callable[[], float]:
    """Return what tells the CPU time of a database server's processes for this desk; SQLite's is the server's own."""
    url = desk.more.get("KLINKE_DATABASE_URL")
    if url is None:
        return float
    name = url.rsplit("/", 1)[1]
    return lambda: cpu_seconds_named(f" {name} ")


class Deliveries:
    """Signed messages, each new; every fourth opens a conversation, the others go on with one that is there."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._words = sentences(500, seed=9)
        self._run = uuid.uuid4().hex[:8]

    def next(self, number: int) -> Request:
        open_ids = self._desk.open_ids
        known = open_ids[number * 13 % len(open_ids)]
        is_new = number % 4 == 0
        channel = 1 + (number if is_new else known - 1) % CHANNELS
        name = f"new-{self._run}-{number}" if is_new else f"thread-{known}"
        about = {
            "type": "message",
            "conversation": name,
            "contact": {"handle": f"@{name}@social.example", "name": "Max", "reach": 120},
            "message": {
                "id": f"{self._run}-{number}",
                "text": self._words[number % len(self._words)],
                "created": STARTED.isoformat(),
                "public": True,
            },
        }
        body = json.dumps(about, ensure_ascii=False).encode()
        at = str(int(time.time()))
        webhook_id = f"msg_{self._run}_{number}"
        mac = hmac.new(SECRET, f"{webhook_id}.{at}.".encode() + body, hashlib.sha256).digest()
        headers = (
            ("Content-Type", "application/json"),
            ("webhook-id", webhook_id),
            ("webhook-timestamp", at),
            ("webhook-signature", f"v1,{base64.b64encode(mac).decode()}"),
        )
        return Request(f"/channels/bench-{channel}/webhook", "POST", body, headers)


def _postgres(statement: str) -> None:
    import psycopg

    url = os.environ["KLINKE_TEST_POSTGRES_URL"].replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _fill_articles(folder: Path, more: dict[str, str]) -> None:
    import flask_migrate

    from accounts import people
    from app import create_app
    from core import outbox
    from core.db import db
    from kb import articles, queries, redaction, sections
    from search import indexer

    app = create_app(settings(folder) | more)
    with app.app_context():
        flask_migrate.upgrade()
        editor = people.create("emil", name="Emil", email="emil@example.org", roles=("member", "editor"))
        for number in range(AGENTS):
            people.create(f"agent-{number}", name=f"Agent {number}", email=f"a{number}@example.org", roles=("agent",))
        section = sections.create(names={"en": "Routers", "de": "Router"}, by=editor)
        for text in documents(ARTICLES):
            article = articles.create(
                section=section,
                locale=text.locale,
                title=text.title.ljust(12, "."),
                summary="",
                symptoms="",
                environment="",
                resolution=text.body,
                keywords=[],
                tags=(),
                by=editor,
            )
            revision = redaction.texts_of(article, queries.newest_revision(article))
            found = redaction.find(revision)  # real texts name mailing lists and the like, which an editor would keep
            redaction.keep(article, found, {one.digest: "Part of the manual" for one in found}, by=editor)
            articles.publish(article, by=editor)
            if text.number % 200 == 0:
                db.session.commit()
        # Who would hear of it is of no interest here; the index is.
        db.session.execute(db.delete(outbox.Delivery))
        db.session.commit()
        while indexer.catch_up():
            pass
        db.session.remove()
        db.engine.dispose()


def _fill_conversations(folder: Path, more: dict[str, str], count: int) -> Desk:
    from flask.sessions import SecureCookieSessionInterface

    from accounts import people, sessions
    from app import create_app
    from core.db import db
    from core.secrets import Encrypted
    from desk.models import Channel

    app = create_app(settings(folder) | more)
    secret = "whsec_" + base64.b64encode(SECRET).decode()
    with app.app_context():
        for number in range(1, CHANNELS + 1):
            db.session.add(
                Channel(id=number, slug=f"bench-{number}", kind="webhook", name=f"Bench {number}", settings={})
            )
        db.session.flush()
        for channel in db.session.scalars(db.select(Channel)):
            channel.secret = secret
        assert isinstance(Channel.__table__.c.secret.type, Encrypted)
        agents = [people.by_handle(f"agent-{number}") for number in range(AGENTS)]
        agent_ids = [agent.id for agent in agents if agent is not None]
        _team(agent_ids)
        open_ids: list[int] = []
        for table, rows in _rows(random.Random(1), count, agent_ids, open_ids):
            waiting = iter(rows)
            while some := list(islice(waiting, BATCH)):
                db.session.execute(db.metadata.tables[table].insert(), some)
        if db.engine.dialect.name == "postgresql":
            for table in ("channel", "contact", "conversation", "message"):
                column = db.metadata.tables[table].c.id
                db.session.execute(
                    db.select(db.func.setval(db.func.pg_get_serial_sequence(table, "id"), db.func.max(column)))
                )
        db.session.commit()
        agent = people.by_handle("agent-0")
        assert agent is not None
        session = {"_user_id": sessions.begin(agent, device="bench"), "_fresh": True}
        sealed = SecureCookieSessionInterface().get_signing_serializer(app)
        assert sealed is not None
        cookie = f"{app.config['SESSION_COOKIE_NAME']}={sealed.dumps(session)}"
        db.session.commit()
        db.session.remove()
        _settle(db.engine)
        db.engine.dispose()
    return Desk(folder, more, cookie, tuple(open_ids))


def _team(agent_ids: list[int]) -> None:
    """One team has all agents; what is new finds one of them by itself, as long as they are here."""
    from accounts.models import User
    from core.db import db
    from desk.team_models import Team, TeamMember

    team = Team(name="Support", way="turn", channel_ids=[], languages=[], skills=[])
    db.session.add(team)
    db.session.flush()
    db.session.add_all([TeamMember(team_id=team.id, user_id=agent_id) for agent_id in agent_ids])
    db.session.execute(db.update(User).where(User.id.in_(agent_ids)).values(seen_at=STARTED))
    db.session.flush()


def _settle(engine: Any) -> None:
    """Leave a database as years leave it: PostgreSQL counts what it holds by itself, SQLite keeps a short log."""
    raw = engine.raw_connection()
    raw.driver_connection.rollback()
    if engine.dialect.name == "postgresql":
        raw.driver_connection.autocommit = True
        raw.cursor().execute("VACUUM ANALYZE")
    else:
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()


def _rows(
    rng: random.Random, count: int, agents: list[int], open_ids: list[int]
) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """Yield tables and their rows, in an order in which they can be written."""
    texts = sentences(3_000, seed=3)
    numbers = range(1, count + 1)
    newest = set(rng.sample(numbers, max(FEWEST_OPEN, int(count * OPEN_OF_MANY))))
    open_ids.extend(sorted(newest))
    begun = {
        number: STARTED - timedelta(minutes=rng.randrange(60, 2_000 if number in newest else 1_000_000))
        for number in numbers
    }
    lengths = {number: rng.randrange(1, 2 * MESSAGES) for number in numbers}
    yield (
        "contact",
        (
            {"id": n, "channel_id": 1 + (n - 1) % CHANNELS, "handle": f"@thread-{n}@social.example", "name": f"Max {n}"}
            for n in numbers
        ),
    )
    yield (
        "conversation",
        (_conversation(rng, n, n in newest, begun[n], lengths[n], agents, texts) for n in numbers),
    )
    message_id = iter(range(1, 100 * count))
    yield (
        "message",
        (
            _message(next(message_id), n, place, lengths[n], n in newest, begun[n], agents, texts)
            for n in numbers
            for place in range(lengths[n])
        ),
    )
    yield from _beside(begun, lengths, newest, agents)


def _beside(
    begun: dict[int, datetime], lengths: dict[int, int], newest: set[int], agents: list[int]
) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """Yield what the years leave beside messages: judgements, places, clocks and what happened to them, uses, notes."""
    first = 1
    ids = {}
    for number, length in lengths.items():
        ids[number] = [(first + place, place) for place in range(length)]
        first += length
    incoming = [
        (message_id, number, place)
        for number, some in ids.items()
        for message_id, place in some
        if _is_incoming(place, lengths[number], number in newest)
    ]
    outgoing = [
        (message_id, number, place)
        for number, some in ids.items()
        for message_id, place in some
        if not _is_incoming(place, lengths[number], number in newest)
    ]
    yield (
        "message_judgement",
        (
            {
                "message_id": message_id,
                "conversation_id": number,
                "locale": "en" if number % 2 else "de",
                "intent": ("question", "implicit", "complaint", "praise", "none")[message_id % 5],
                "sentiment": message_id % 5 - 2,
                "heat": message_id % 4,
                "urgency": message_id % 4,
                "sure": 0.8,
                "reasons": [],
                "private": [],
                "at": begun[number] + timedelta(minutes=place),
            }
            for message_id, number, place in incoming
        ),
    )
    yield (
        "conversation_standing",
        (
            {
                "conversation_id": number,
                "intent": "question",
                "sentiment": number % 5 - 2,
                "heat": number % 4,
                "urgency": number % 4,
                **dict.fromkeys(("severity", "reach", "visibility", "value", "repeats"), 0.5),
                "joined": 0,
                "said_at": at,
                "lift": 0,
                "placed_at": STARTED,
            }
            for number, at in begun.items()
        ),
    )
    yield (
        "conversation_clock",
        (
            {
                "conversation_id": number,
                "policy_name": "",
                "promise": "next" if number in newest else None,
                "began_at": at,
                "began_hour": at.hour,
                "first_answered_at": at + timedelta(minutes=1),
                "solved_at": None if number in newest else at + timedelta(minutes=lengths[number]),
                "reopened": 0,
            }
            for number, at in begun.items()
        ),
    )
    yield (
        "clock_event",
        (
            {
                "conversation_id": number,
                "kind": "answered",
                "at": begun[number] + timedelta(minutes=place),
                "by_id": agents[number % len(agents)],
                "channel_id": 1 + (number - 1) % CHANNELS,
                "message_id": message_id,
                "promise": "next",
                "since": begun[number] + timedelta(minutes=place - 1),
                "seconds": 60,
                "details": {},
            }
            for message_id, number, place in outgoing
        ),
    )
    yield (
        "article_use",
        (
            {
                "article_id": 1 + message_id % ARTICLES,
                "revision_id": 1 + message_id % ARTICLES,
                "where_kind": "message",
                "where_id": message_id,
                "by_id": agents[number % len(agents)],
                "at": begun[number] + timedelta(minutes=place),
                "asked": "",
                "asked_in_public": False,
                "outcome_by_customer": False,
            }
            for message_id, number, place in outgoing
            if message_id % 2
        ),
    )
    yield (
        "desk_note",
        (
            {"conversation_id": number, "by_id": agents[0], "text": "Called back, waits for the part.", "at": at}
            for number, at in begun.items()
            if number % 10 == 0
        ),
    )


def _is_incoming(place: int, length: int, is_open: bool) -> bool:
    return (length - 1 - place) % 2 == (0 if is_open else 1) or place == 0


def _conversation(
    rng: random.Random, number: int, is_open: bool, begun: datetime, length: int, agents: list[int], texts: list[str]
) -> dict[str, Any]:
    waits = is_open and rng.random() < 0.6
    states = ("new", "open") if waits else ("waiting_customer", "waiting_inside")
    state = rng.choice(states) if is_open else rng.choices(("solved", "no_answer"), (9, 1))[0]
    since = begun + timedelta(minutes=length - 1) if waits else None
    return {
        "id": number,
        "channel_id": 1 + (number - 1) % CHANNELS,
        "contact_id": number,
        "external_id": f"thread-{number}",
        "state": state,
        "locale": "en" if number % 2 else "de",
        "assignee_id": None if state == "new" else rng.choice(agents),
        "created_at": begun,
        "last_message_at": begun + timedelta(minutes=length - 1),
        "waiting_since": since,
        "due_at": None if since is None else since + timedelta(minutes=60),
        **_words(texts[number % len(texts)]),
    }


def _words(text: str) -> dict[str, str]:
    from desk.models import Conversation

    return {"last_words": text[:200]} if hasattr(Conversation, "last_words") else {}


def _message(
    message_id: int,
    conversation: int,
    place: int,
    length: int,
    is_open: bool,
    begun: datetime,
    agents: list[int],
    texts: list[str],
) -> dict[str, Any]:
    is_incoming = _is_incoming(place, length, is_open)
    at = begun + timedelta(minutes=place)
    return {
        "id": message_id,
        "conversation_id": conversation,
        "channel_id": 1 + (conversation - 1) % CHANNELS,
        "external_id": f"m-{message_id}",
        "direction": "in" if is_incoming else "out",
        "is_public": True,
        "text": texts[message_id % len(texts)],
        "contact_id": conversation if is_incoming else None,
        "by_id": None if is_incoming else agents[conversation % len(agents)],
        "created_at": at,
        "received_at": at,
        "state": "received" if is_incoming else "sent",
        "sent_at": None if is_incoming else at,
    }


if __name__ == "__main__":
    main()
