"""A worker is killed 200 times between sending and writing that down: nothing is sent twice, no doubt is hidden."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.db import db
from core.outbox import Delivery
from desk import replies
from desk.channels import base
from desk.models import Channel, Conversation, Message
from tests.cast import World
from tests.desk import stage as props
from tests.faults.house import ROOT
from tests.faults.sender import FileService

KILLS = 200
SPARE = 20
"""More messages than kills, so that every kill finds a worker at work."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("knows_repeats", "kills"), [(False, KILLS), (True, KILLS // 4)])
def test_a_worker_killed_while_it_sends_sends_nothing_twice(
    app: Flask, stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knows_repeats: bool, kills: int
) -> None:
    monkeypatch.setitem(base._kinds, "file", FileService)
    monkeypatch.setattr(FileService, "knows_repeats", knows_repeats)

    def scene(world: World) -> None:
        channel = Channel(slug="file", kind="file", name="File", settings={})
        db.session.add(channel)
        db.session.flush()
        conversation = props.received(channel).conversation
        for number in range(kills + SPARE):
            replies.reply(conversation, text=f"Reply number {number}", by=world.dora)

    stage(scene)
    taken_at = tmp_path / "taken"
    hit = run(app, taken_at, kills=kills, knows_repeats=knows_repeats)
    assert hit == kills, "every kill found a worker that was sending"

    taken = Counter(taken_at.read_text(encoding="utf-8").split())
    with app.app_context():
        assert db.session.scalars(select(Delivery).where(Delivery.event == "ReplyQueued")).all() == []
        messages = db.session.scalars(select(Message).where(Message.direction == "out")).all()
        states = Counter(message.state for message in messages)
        if knows_repeats:
            assert states == {"sent": kills + SPARE}, "the service tells a repeat by its key"
            assert set(taken) == {message.idempotency_key for message in messages}
            return
        assert set(taken.values()) == {1}, "nothing was sent twice"
        assert set(states) == {"sent", "unsure"}
        assert states["unsure"] >= kills // 4, "the kills fell between sending and writing it down"
        in_doubt = {message.idempotency_key for message in messages if message.state == "unsure"}
        assert in_doubt & set(taken), "of some the service knows"
        for message in messages:
            if message.state == "sent":
                assert taken[message.idempotency_key or ""] == 1, "what is called sent has arrived"
            else:
                assert message.failure, "a person reads why nobody knows"
        assert db.session.scalars(select(Conversation)).one().waiting_since is not None, "the customer is not forgotten"


def run(app: Flask, taken_at: Path, **how: Any) -> int:
    settings = app.extensions["klinke-settings"]
    environ = {
        "KLINKE_DATABASE_URL": settings.database_url,
        "KLINKE_DATA_DIR": str(settings.data_dir),
        "KLINKE_SECRET_KEY": settings.secret_key,
        "KLINKE_BASE_URL": settings.base_url,
    }
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    told = json.dumps({"environ": environ, "taken_at": str(taken_at), "seed": 7, **how})
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.sender"],
        cwd=ROOT,
        input=told,
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    hit: int = json.loads(done.stdout.splitlines()[-1])["hit"]
    return hit
