"""Web server and worker are killed in the middle of their work, again and again; nothing acknowledged is lost.

Several people write over the JSON API and vote with their browsers. Each keeps a log of what was acknowledged; what was
cut off is sent again with the same Idempotency-Key. At the end the logs are laid beside the database.
"""

import http.client
import json
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import func, select, text

from accounts import sessions, tokens
from core.db import db
from forum.models import Acceptance, Follow, Post, Topic, Vote
from tests.cast import World
from tests.conftest import RAW_CSRF
from tests.faults.house import House, sent

pytestmark = pytest.mark.timeout(240)

SEED = 20261122
KILLS = 12
FEWEST_KILLS = 5
KILLING_SECONDS = 25
"""A slow machine gets fewer kills, not a longer test."""
PEOPLE = ("alice", "bob", "charlie", "tina")
PATIENCE_SECONDS = 40
REPEATABLE = {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}


@dataclass(slots=True)
class Client(threading.Thread):
    """One person: writes until told to stop, finishes what was begun, and keeps what was acknowledged."""

    port: int
    handle: str
    token: str
    cookie: str
    csrf: str
    stop: threading.Event
    shared: list[int]
    """Answers that others may call helpful."""
    dice: random.Random
    topics: dict[str, int] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)
    accepted: dict[int, int] = field(default_factory=dict)
    votes: set[int] = field(default_factory=set)
    repeats: int = 0
    refused: list[str] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        threading.Thread.__init__(self, name=self.handle, daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        while not self.stop.is_set():
            self.number += 1
            deed = self.dice.choice((self.ask, self.answer, self.answer, self.answer, self.accept, self.vote))
            deed()

    def ask(self) -> None:
        title = f"Question {self.number} of {self.handle} about a light"
        body = {"category": "router", "title": title, "body": f"{title}. What now?", "locale": "en", "tags": ["wifi"]}
        if told := self.write("/api/v1/topics", body):
            self.topics[title] = told["id"]

    def answer(self) -> None:
        if not self.topics:
            return
        words = f"Answer {self.number} of {self.handle}: pull the plug."
        topic_id = self.dice.choice(list(self.topics.values()))
        if told := self.write(f"/api/v1/topics/{topic_id}/answers", {"body": words}):
            self.answers[words] = told["id"]
            self.shared.append(told["id"])
            self.accepted.setdefault(topic_id, 0)

    def accept(self) -> None:
        if not self.answers:
            return
        post_id = self.dice.choice(list(self.answers.values()))
        if told := self.write(f"/api/v1/posts/{post_id}/acceptance", None):
            self.accepted[told["topic_id"]] = post_id

    def vote(self) -> None:
        others = [post_id for post_id in list(self.shared) if post_id not in self.answers.values()]
        if not others:
            return
        post_id = self.dice.choice(others)
        headers = {"Cookie": f"klinke={self.cookie}", "X-CSRFToken": self.csrf}
        status, _ = self.until_answered(f"/posts/{post_id}/vote", b"", headers)
        if status == HTTPStatus.SEE_OTHER:
            self.votes.add(post_id)
        else:
            self.refused.append(f"vote {post_id}: {status}")

    def write(self, path: str, body: dict[str, Any] | None) -> Any:
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Idempotency-Key": f"{self.handle}-{self.number}",
            "Content-Type": "application/json",
        }
        raw = b"" if body is None else json.dumps(body).encode()
        status, answer = self.until_answered(path, raw, headers)
        if status == HTTPStatus.CREATED:
            return json.loads(answer)
        self.refused.append(f"{path}: {status} {answer[:200]!r}")
        return None

    def until_answered(self, path: str, raw: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError, http.client.HTTPException):
                status, answer = sent(self.port, "POST", path, raw, headers)
                if status not in REPEATABLE:
                    return status, answer
            self.repeats += 1
            time.sleep(0.05)
        return 0, b"no answer at all"


def test_nothing_acknowledged_is_lost_when_everything_is_killed(house: House, database: Flask) -> None:
    dice = random.Random(SEED)  # noqa: S311 -- the same moments at every run
    stop, shared = threading.Event(), list[int]()
    clients = [client_of(database, house, handle, stop, shared, dice) for handle in PEOPLE]
    house.start("serve")
    house.start("work")
    house.wait_until_serving()
    for client in clients:
        client.start()
    kill_again_and_again(house, dice)
    stop.set()
    for client in clients:
        client.join(timeout=PATIENCE_SECONDS)
        assert not client.is_alive(), f"{client.handle} still waits for an answer"
    assert [refusal for client in clients for refusal in client.refused] == []
    assert sum(client.repeats for client in clients) >= 3, "the kills must have cut something off"
    assert sum(len(client.answers) for client in clients) >= 20
    assert sum(len(client.votes) for client in clients) >= 3

    with database.app_context():
        compare_with_logs(clients)
        assert db.session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        assert db.session.execute(text("PRAGMA foreign_key_check")).all() == []
    house.let_the_worker_finish(database)
    for command in (("doctor",), ("search", "check")):
        told = house.ask(*command)
        assert told.returncode == 0, f"{command}: {told.stdout}{told.stderr}"


def client_of(
    app: Flask, house: House, handle: str, stop: threading.Event, shared: list[int], dice: random.Random
) -> Client:
    with app.app_context():
        world = World()
        world.router  # noqa: B018 -- the category is made
        user = world.person(handle)
        token = tokens.create(user, scopes=["all"], name="tests")
        session = {"_user_id": sessions.begin(user, device="tests"), "_fresh": True, "csrf_token": RAW_CSRF}
        db.session.commit()
        serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]  # Flask's own has one
        cookie = serializer.dumps(session)
    csrf = URLSafeTimedSerializer(app.secret_key or "", salt="wtf-csrf-token").dumps(RAW_CSRF)
    own_dice = random.Random(dice.random())  # noqa: S311 -- the same deeds at every run
    return Client(house.port, handle, token, cookie, str(csrf), stop, shared, own_dice)


def kill_again_and_again(house: House, dice: random.Random) -> None:
    deadline = time.monotonic() + KILLING_SECONDS
    for number, victims in enumerate(dice.sample([("serve",), ("work",), ("serve", "work")] * (KILLS // 3), KILLS)):
        if time.monotonic() > deadline and number >= FEWEST_KILLS:
            break
        time.sleep(dice.uniform(0.3, 1.2))
        for name in victims:
            house.kill(name)
        for name in victims:
            house.start(name)
        house.wait_until_serving()
    time.sleep(0.5)


def compare_with_logs(clients: list[Client]) -> None:
    titles = Counter(db.session.scalars(select(Topic.title)))
    words = Counter(db.session.scalars(select(Post.source).where(Post.kind == "answer")))
    for client in clients:
        for title, topic_id in client.topics.items():
            assert titles[title] == 1, title
            assert db.session.get_one(Topic, topic_id).title == title
        for answer, post_id in client.answers.items():
            assert words[answer] == 1, answer
            assert db.session.get_one(Post, post_id).source == answer
        chosen = {topic_id: post_id for topic_id, post_id in client.accepted.items() if post_id}
        stored = dict(
            db.session.execute(
                select(Acceptance.topic_id, Acceptance.post_id).where(Acceptance.topic_id.in_(client.topics.values()))
            ).all()
        )
        assert stored == chosen
        voted = set(db.session.scalars(select(Vote.post_id).join(Post).where(Vote.user_id == _id_of(client.handle))))
        assert voted == client.votes
    for counted, written in ((titles, "topics"), (words, "answers")):
        assert sum(counted.values()) == sum(len(getattr(client, written)) for client in clients), "nothing twice"
    half = select(Topic.id).where(
        select(func.count(Post.id)).where(Post.topic_id == Topic.id, Post.kind == "question").scalar_subquery() != 1
    )
    assert db.session.scalars(half).all() == [], "no topic without its question"
    unfollowed = select(Topic.id).where(
        ~select(Follow.topic_id).where(Follow.topic_id == Topic.id, Follow.user_id == Topic.asker_id).exists()
    )
    assert db.session.scalars(unfollowed).all() == [], "what belongs to one deed is there together"


def _id_of(handle: str) -> Any:
    from accounts import people

    user = people.by_handle(handle)
    assert user is not None
    return user.id
