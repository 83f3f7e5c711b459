"""What is promised to a customer has an owner and a time, and nothing makes it forgotten."""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from desk import conversations, promises, replies
from desk.models import Conversation, Message
from desk.promise_models import Promise
from desk.promises import NewPromise
from forum.models import Notification
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received

Stage = Callable[[Callable[[World], Any]], Any]
SOON = timedelta(hours=2)


@pytest.fixture
def conversation(world: World) -> Conversation:
    world.everybody()
    return received(channel(world, endpoint="https://social.example/replies")).conversation


def made(conversation: Conversation, world: World, *, due: timedelta = SOON, **about: Any) -> Promise:
    given = {"what": "I send you the key.", "owner": world.dora, "by": world.dora}
    return promises.make(conversation, due_at=now() + due, **(given | about))


def late(promise: Promise) -> Promise:
    promise.due_at = now() - timedelta(minutes=1)
    db.session.flush()
    promises.look_after()
    return promise


def told(kind: str) -> set[int]:
    return {one.user_id for one in db.session.query(Notification).filter_by(kind=kind)}


def test_a_sent_draft_makes_the_promise_in_the_same_transaction(world: World, conversation: Conversation) -> None:
    message = replies.reply(
        conversation,
        text="I send you the key by Friday.",
        by=world.dora,
        promised=[NewPromise(what="I send you the key by Friday.", due_at=now() + SOON)],
    )
    promise = db.session.query(Promise).one()
    assert (promise.message_id, promise.owner_id, promise.state) == (message.id, world.dora.id, "open")
    db.session.rollback()
    assert db.session.query(Promise).count() == 0
    assert db.session.query(Message).filter_by(direction="out").count() == 0


def test_a_promise_that_cannot_be_noted_stops_the_reply(world: World, conversation: Conversation) -> None:
    for wrong in (
        NewPromise(what="Soon.", due_at=now() - SOON),
        NewPromise(what="", due_at=now() + SOON),
        NewPromise(what="Soon.", due_at=now() + SOON, owner_id=world.bob.id),
        NewPromise(what="Soon.", due_at=now() + SOON, owner_id=10**9),
        NewPromise(what="x" * 501, due_at=now() + SOON),
    ):
        with pytest.raises(Invalid):
            replies.reply(conversation, text="Soon.", by=world.dora, promised=[wrong])


def test_it_outlives_answers_and_other_hands(world: World, conversation: Conversation) -> None:
    promise = made(conversation, world)
    received(conversation.channel, "Thanks!")
    conversations.assign(conversation, world.root, by=world.dora)
    conversations.change_state(conversation, "solved", by=world.dora)
    assert list(promises.of_conversation(conversation)) == [promise]
    assert promise.owner_id == world.dora.id
    late(promise)
    assert told("promise_broken") == {world.dora.id, world.root.id}, "who promised and who has it now"


def test_before_it_is_due_its_owner_is_nudged_once(world: World, conversation: Conversation) -> None:
    made(conversation, world, due=timedelta(minutes=30))
    made(conversation, world, due=timedelta(days=3))
    assert promises.look_after() == 1
    assert promises.look_after() == 0
    assert told("promise_due") == {world.dora.id}


def test_kept_broken_and_withdrawn(world: World, conversation: Conversation) -> None:
    kept, broken, gone, open_ = (made(conversation, world) for _ in range(4))
    promises.keep(kept, by=world.dora)
    late(broken)
    with pytest.raises(Conflict):
        promises.withdraw(broken, reason="It was late anyway.", by=world.dora)
    with pytest.raises(Invalid):
        promises.withdraw(gone, reason="  ", by=world.dora)
    promises.withdraw(gone, reason="They found it themselves.", by=world.dora)
    for one in (kept, gone):
        with pytest.raises(Conflict):
            promises.keep(one, by=world.dora)
    counted = promises.counts(world.dora)
    assert counted == {"today": 1, "overdue": 1, "open": 2, "kept": 1, "broken": 1, "withdrawn": 1}
    assert promises.rate(counted).percent == 50
    for view in promises.VIEWS:
        assert len(promises.listing(view, viewer=world.dora)) == counted[view], "a number is the length of its list"
    promises.keep(broken, by=world.dora)
    assert (broken.state, promises.counts(world.dora)["overdue"]) == ("broken", 0)
    assert open_.state == "open"


def test_done_after_its_time_is_broken_even_before_the_worker_said_so(world: World, conversation: Conversation) -> None:
    promise = made(conversation, world)
    promise.due_at = now() - timedelta(minutes=1)
    promises.keep(promise, by=world.dora)
    assert promise.state == "broken"


def test_who_does_not_work_at_the_desk_neither_makes_nor_sees_any(world: World, conversation: Conversation) -> None:
    promise = made(conversation, world)
    for stranger in (world.bob, world.ada, world.emil):
        with pytest.raises(NotAllowed):
            promises.make(conversation, what="x", due_at=now() + SOON, owner=world.dora, by=stranger)
        with pytest.raises(NotAllowed):
            promises.keep(promise, by=stranger)
        with pytest.raises(NotFound):
            promises.visible_promise(promise.id, viewer=stranger)
        assert set(promises.counts(stranger).values()) == {0}
        assert not promises.listing("open", viewer=stranger).items


def test_the_apology_is_in_the_language_of_the_customer(world: World, conversation: Conversation) -> None:
    promise = made(conversation, world)
    conversation.locale = "de"
    assert "Das war unser Fehler" in promises.apology(promise)
    conversation.locale = "en"
    assert "Hello Max, we promised" in promises.apology(promise)
    assert "I send you the key." in promises.apology(promise)


def scene(world: World) -> int:
    assert world.dora
    return received(channel(world, endpoint="https://social.example/replies")).conversation_id


def test_a_page_offers_it_with_the_moment_filled_in(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    conversation_id = stage(scene)
    agent = browser_of("dora")
    path = f"/desk/conversations/{conversation_id}/replies"
    text = "I will send you the key tomorrow morning."
    page = agent.post(path, data={"text": text})
    assert page.status_code == 409
    seal = re.search(r'name="promise" value="([0-9a-f]+)" checked', page.text)
    assert seal is not None
    due = re.search(rf'name="promise_due-{seal[1]}" value="([^"]+)"', page.text)
    assert due is not None
    assert due[1].endswith("T12:00")
    fields = {
        "text": text,
        "confirmed": seal[1],
        "promise": seal[1],
        f"promise_what-{seal[1]}": text,
        f"promise_due-{seal[1]}": "",
    }
    without = agent.post(path, data=fields)
    assert without.status_code == 422
    assert text in without.text
    assert f'name="promise_due-{seal[1]}"' in without.text, "what was ticked is still there"
    assert agent.post(path, data=fields | {f"promise_due-{seal[1]}": due[1]}).status_code == 303
    assert stage(lambda _: [one.what for one in db.session.query(Promise)]) == [text]
    shown = agent.get(f"/desk/conversations/{conversation_id}").text
    assert "1 promise" in shown
    assert text in agent.get("/desk/promises?view=open").text


def test_passed_on_without_owner_and_time_is_asked_for_both(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    conversation_id = stage(scene)
    page = browser_of("dora").post(
        f"/desk/conversations/{conversation_id}/replies", data={"text": "We have forwarded your request to the team."}
    )
    assert page.status_code == 409
    assert re.search(r'name="promise" value="[0-9a-f]+">', page.text), "offered, and not ticked without a time"
    assert 'name="promise_owner-' in page.text


def test_pages_settle_and_draft_the_apology(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def play(world: World) -> tuple[int, int, int]:
        conversation = db.session.get_one(Conversation, scene(world))
        first = made(conversation, world)
        broken = late(made(conversation, world, what="<b>The key</b>"))
        return conversation.id, first.id, broken.id

    conversation_id, first_id, broken_id = stage(play)
    agent = browser_of("dora")
    refused = agent.post(f"/desk/promises/{first_id}/settling", data={"outcome": "withdrawn", "reason": ""})
    assert refused.status_code == 422
    assert "Why is it not to be kept any more?" in refused.text
    assert agent.post(f"/desk/promises/{first_id}/settling", data={"outcome": "kept"}).status_code == 303
    drafted = agent.get(f"/desk/conversations/{conversation_id}?apology={broken_id}").text
    assert "did not keep it: “&lt;b&gt;The key" in drafted
    assert "did not keep it" not in agent.get(f"/desk/conversations/{conversation_id}?apology={first_id}").text
    for nonsense in ("x", "-1", "9" * 40):
        assert agent.get(f"/desk/conversations/{conversation_id}?apology={nonsense}").status_code == 200
        assert agent.get(f"/desk/promises?view={nonsense}&page={nonsense}").status_code == 200


def test_one_made_on_the_telephone_is_noted_by_hand(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    conversation_id = stage(scene)
    agent = browser_of("dora")
    path = f"/desk/conversations/{conversation_id}/promises"
    agent.post(path, data={"what": "A new key", "due": "nonsense"})
    assert stage(lambda _: db.session.query(Promise).count()) == 0
    agent.post(path, data={"what": "A new key", "due": (now() + SOON).strftime("%Y-%m-%dT%H:%M+00:00")})
    assert stage(lambda _: db.session.query(Promise).one().message_id) is None


def test_two_who_settle_at_once_settle_once(stage: Stage, app: Flask) -> None:
    def play(world: World) -> tuple[int, int]:
        return made(db.session.get_one(Conversation, scene(world)), world).id, world.dora.id

    promise_id, _ = stage(play)
    outcomes: list[str] = []
    ready = threading.Barrier(2)

    def settle() -> None:
        with app.app_context():
            ready.wait()
            agent = World().dora
            try:
                promises.keep(promises.visible_promise(promise_id, viewer=agent), by=agent)
                db.session.commit()
                outcomes.append("kept")
            except Conflict:
                db.session.rollback()
                outcomes.append("refused")

    threads = [threading.Thread(target=settle) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["kept", "refused"]


def test_lists_cost_the_same_with_many_rows(stage: Stage, browser_of: Callable[[str], Browser], app: Flask) -> None:
    conversation_id = stage(scene)
    agent = browser_of("dora")

    def more(world: World) -> None:
        for _ in range(12):
            made(db.session.get_one(Conversation, conversation_id), world)

    stage(more)
    paths = ("/desk/promises?view=open", f"/desk/conversations/{conversation_id}")

    def statements(path: str) -> int:
        seen: list[str] = []
        with app.app_context():
            engine = db.engine
        note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- listened to and removed below
        event.listen(engine, "before_cursor_execute", note)
        assert agent.get(path).status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        return len([statement for statement in seen if statement.startswith("SELECT")])

    for path in paths:
        agent.get(path)  # what is kept from then on is not counted
    few = [statements(path) for path in paths]
    stage(more)
    assert [statements(path) for path in paths] == few
