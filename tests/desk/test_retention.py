"""Words of closed conversations are kept as long as an admin chose, private ones apart."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from desk import conversations, notes, promises, retention
from desk.inside import Note
from desk.models import Conversation, Message
from desk.promise_models import Promise
from desk.retention_models import RetentionRun
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props

Stage = Callable[[Callable[[World], Any]], Any]


def old(world: World, number: int, *, days: int, public: bool = True, closed: bool = True) -> Conversation:
    channel = db.session.scalars(select(props.Channel)).first() or props.channel(world)
    at = now() - timedelta(days=days)
    message = props.received(
        channel, f"Words number {number}", conversation=f"t{number}", id=f"m{number}", created_at=at, is_public=public
    )
    conversation = message.conversation
    notes.write(conversation, text=f"Note number {number}", by=world.dora)
    if closed:
        conversations.change_state(conversation, "solved", by=world.dora)
    conversation.last_message_at = at
    db.session.flush()
    return conversation


def words() -> list[str]:
    return sorted(filter(None, db.session.scalars(select(Message.text))))


def test_what_is_older_goes_and_private_words_have_a_time_of_their_own(world: World) -> None:
    old(world, 1, days=100)
    old(world, 2, days=100, public=False)
    old(world, 3, days=10, public=False)
    old(world, 4, days=400)
    still = old(world, 5, days=400, closed=False)
    retention.choose(public_days=365, private_days=30, by=world.root)
    assert retention.old(public_days=365, private_days=30) == retention.Old(conversations=2, messages=2)
    assert retention.purge() == 2
    assert words() == ["Words number 1", "Words number 3", "Words number 5"]
    assert still.last_words == "Words number 5"
    left = sorted(filter(None, db.session.scalars(select(Note.text))))
    assert left == ["Note number 3", "Note number 5"], "what the team noted goes with the private words"
    run = db.session.scalars(select(RetentionRun)).one()
    assert (run.conversations, run.messages, run.beside) == (3, 2, 3)
    assert retention.purge() == 0
    assert db.session.scalar(select(func.count()).select_from(RetentionRun)) == 1
    assert db.session.scalar(select(func.count()).select_from(Message)) == 5, "what is counted stays"


def test_nothing_goes_where_nobody_chose(world: World) -> None:
    old(world, 1, days=4000)
    assert retention.purge() == 0
    retention.choose(public_days=None, private_days=5, by=world.root)
    retention.purge()
    assert words() == ["Words number 1"]


def test_what_is_still_owed_stays_whole(world: World) -> None:
    conversation = old(world, 1, days=100)
    promises.make(conversation, what="A new lamp", due_at=now() + timedelta(days=2), owner=world.dora, by=world.dora)
    retention.choose(public_days=30, private_days=30, by=world.root)
    retention.purge()
    promise = db.session.scalars(select(Promise)).one()
    assert promise.what == "A new lamp"


def test_many_go_in_batches(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    monkeypatch.setattr(retention, "MOST_IN_A_TURN", 4)
    for number in range(5):
        old(world, number, days=50)
    retention.choose(public_days=30, private_days=30, by=world.root)
    assert retention.purge() == 4
    assert retention.purge() == 1


def test_only_admins_choose_and_only_what_makes_sense(world: World) -> None:
    with pytest.raises(NotAllowed):
        retention.choose(public_days=3, private_days=3, by=world.dora)
    with pytest.raises(Invalid) as refused:
        retention.choose(public_days=0, private_days=40_000, by=world.root)
    assert set(refused.value.fields) == {"public_days", "private_days"}


def test_the_page_says_first_what_would_go(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: [world.everybody(), old(world, 1, days=100)])
    admin = browser_of("root")
    assert admin.get("/admin/retention").status_code == 200
    said = admin.post("/admin/retention", data={"public_days": "30", "private_days": ""})
    assert "1 message" in said.text
    assert stage(lambda _: retention.rule()) is None, "nothing is chosen by looking"
    wrong = admin.post("/admin/retention", data={"public_days": "many", "private_days": "7"})
    assert (wrong.status_code, 'value="many"' in wrong.text) == (422, True)
    done = admin.post("/admin/retention", data={"public_days": "30", "private_days": "", "sure": "yes"})
    assert done.status_code == 303
    assert stage(lambda _: retention.rule().public_days) == 30  # type: ignore[union-attr]  # it is there
