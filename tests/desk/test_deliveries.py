"""The log of a webhook channel: what came and went, bounded, encrypted, gone with its person, and done once more."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select, update

from accounts.models import AuditEntry
from core import outbox
from core.clock import now
from core.db import db
from core.errors import Conflict, NotAllowed
from core.outbox import deliver_due
from desk import arrivals, connections, deliveries, disclosure, emptying, erasing, forgetting, repeating, replies
from desk import retention as keeping
from desk.channel_models import ChannelDelivery
from desk.channels import webhook
from desk.channels.base import Capabilities, WrongPayload
from desk.models import Channel, Contact, Conversation, Message
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.desk.stage import Service

Stage = Callable[[Callable[[World], Any]], Any]
ADDRESS = "/channels/social/webhook"
TEXT = "Mein WLAN ist weg 😭, Größe egal. Meine Nummer: 0171 2345678"


@pytest.fixture(autouse=True)
def flood(monkeypatch: pytest.MonkeyPatch) -> deliveries._Flood:
    """Nothing was refused yet in this minute."""
    fresh = deliveries._Flood()
    monkeypatch.setattr(deliveries, "_flood", fresh)
    return fresh


@pytest.fixture
def hook(stage: Stage) -> int:
    channel_id: int = stage(lambda world: [world.everybody(), world.lena, props.channel(world).id][2])
    return channel_id


def deliver(guest: Any, text: str = TEXT, **changes: Any) -> Any:
    body = props.raw(props.payload(text, **changes))
    return guest.post(ADDRESS, data=body, headers=props.signed(body), without_csrf=True)


def refuse(guest: Any, body: bytes = b"{}") -> Any:
    return guest.post(ADDRESS, data=body, headers={"webhook-id": "msg_9", "User-Agent": "Shop/1.0"}, without_csrf=True)


def log(*columns: str) -> list[Any]:
    """Every line, the oldest first."""
    db.session.rollback()
    rows = db.session.scalars(select(ChannelDelivery).order_by(ChannelDelivery.id)).all()
    return [tuple(getattr(row, name) for name in columns) if columns else row for row in rows]


# What is written down


def test_what_is_taken_in_stands_there_with_its_words_encrypted(app: Flask, guest: Any, hook: int) -> None:
    answer = deliver(guest)
    with app.app_context():
        row = log()[0]
        assert (row.direction, row.outcome, row.status, row.key) == ("in", "taken", 202, "msg_1")
        assert (row.message_id, row.channel_id, row.attempts) == (answer.json["id"], hook, 1)
        assert row.size == row.kept == len(props.raw(props.payload(TEXT)))
        assert TEXT in (deliveries.body_of(row) or b"").decode()
        told = db.session.connection().exec_driver_sql("SELECT body, facts, reason FROM channel_delivery").one()
        assert b"WLAN" not in bytes(told[0])
        assert "v1," not in str(told[1]), "no signature is kept"


def test_a_repeat_is_a_line_without_its_words(app: Flask, guest: Any, hook: int) -> None:
    first, again = deliver(guest), deliver(guest)
    assert (first.status_code, again.status_code) == (202, 200)
    with app.app_context():
        assert log("outcome", "status", "message_id") == [
            ("taken", 202, first.json["id"]),
            ("twice", 200, first.json["id"]),
        ]
        assert [row.kept > 0 for row in log()] == [True, False]


def test_what_nobody_proves_is_a_line_with_a_reason_and_without_words(app: Flask, guest: Any, hook: int) -> None:
    assert refuse(guest, b'{"text": "secret words"}').status_code == 401
    with app.app_context():
        row = log()[0]
        assert (row.outcome, row.status, row.key, row.kept, row.size) == ("refused", 401, "msg_9", 0, 24)
        assert "all needed" in row.reason
        assert row.facts["user-agent"] == "Shop/1.0"
        assert "webhook-id" in row.facts["headers"]
        assert deliveries.body_of(row) is None


def test_a_flood_of_refused_ones_is_a_few_lines_and_a_number(
    app: Flask, guest: Any, hook: int, flood: deliveries._Flood
) -> None:
    for _ in range(deliveries.REFUSED_A_MINUTE + 12):
        assert refuse(guest).status_code == 401
    with app.app_context():
        assert len(log()) == deliveries.REFUSED_A_MINUTE
    flood.minutes[hook].began -= deliveries.MINUTE
    refuse(guest)
    with app.app_context():
        assert log()[-1].left_out == 12


def test_who_is_refused_waits_for_no_writer(
    app: Flask, guest: Any, hook: int, flood: deliveries._Flood, caplog: pytest.LogCaptureFixture
) -> None:
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            assert refuse(guest).status_code == 401  # nobody waits for anybody there
            return
        with db.engine.connect() as writer:
            writer.exec_driver_sql("UPDATE channel SET name = 'Busy'")
            assert refuse(guest).status_code == 401
            writer.rollback()
        assert log() == []
        assert "is not in its log" in caplog.text
    assert refuse(guest).status_code == 401
    with app.app_context():
        assert [row.left_out for row in log()] == [1]


def test_a_channel_that_is_off_and_a_body_that_is_too_long_are_told_of(app: Flask, guest: Any, hook: int) -> None:
    assert deliver(guest, "x" * 270_000).status_code == 413
    with app.app_context():
        db.session.get_one(Channel, hook).disabled_at = now()
        db.session.commit()
    assert deliver(guest).status_code == 404
    with app.app_context():
        assert log("outcome", "status") == [("refused", 413), ("refused", 404)]
        assert log()[0].size > 270_000


def test_where_there_is_no_such_channel_nothing_is_written(app: Flask, guest: Any, hook: int) -> None:
    assert guest.post("/channels/none/webhook", data=b"{}", without_csrf=True).status_code == 404
    with app.app_context():
        assert log() == []


def test_a_line_costs_one_statement_and_no_transaction_of_its_own(
    app: Flask, guest: Any, stage: Stage, hook: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    def counted(text: str, **changes: Any) -> tuple[int, int]:
        body = props.raw(props.payload(text, **changes))
        sent.clear()
        guest.post(ADDRESS, data=body, headers={**props.signed(body), **props.hexed(body)}, without_csrf=True)
        begun = sum(each.startswith("BEGIN") for each in sent)
        return len([each for each in sent if not each.startswith(("BEGIN", "COMMIT", "ROLLBACK"))]), begun

    def quiet(self: webhook.Webhook) -> Capabilities:
        return Capabilities(has_webhook=True)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        deliver(guest, id="warm")
        with monkeypatch.context() as without:
            without.setattr(webhook.Webhook, "capabilities", property(quiet))
            plain = [counted(TEXT, id="a"), counted(TEXT, id="a")]
        logged = [counted(TEXT, id="b"), counted(TEXT, id="b")]
        with app.app_context():
            db.session.execute(update(Channel).values(settings={"signing": "hex"}))
            db.session.commit()
        in_hex = [counted(TEXT, id="c"), counted(TEXT, id="c")]
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert [(many - 1, begun) for many, begun in logged] == plain
    assert [(in_hex[0][0] - 2, in_hex[0][1]), (in_hex[1][0] - 1, in_hex[1][1])] == plain, "one more asks for a replay"


# Failing, and taking in again


def test_what_cannot_be_read_is_kept_and_comes_in_when_that_is_mended(
    app: Flask, guest: Any, hook: int, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(_self: Any, _raw: bytes) -> Any:
        raise WrongPayload({"message": "We cannot read this yet."})

    with monkeypatch.context() as before:
        before.setattr(webhook.Webhook, "parse", unable)
        assert deliver(guest).status_code == 422
        row = stage(lambda _: (log()[0].id, log("outcome", "status", "reason")))
        assert row[1] == [("failed", 422, "message: We cannot read this yet.")]
        again = stage(lambda world: repeating.repeat(row[0], by=world.lena))
        assert (again.outcome, again.reason) == ("failed", "message: We cannot read this yet.")
    done = stage(lambda world: repeating.repeat(row[0], by=world.lena))
    assert done.outcome == "taken"
    with app.app_context():
        assert db.session.get_one(Message, done.message_id).text == TEXT
        assert log("outcome", "attempts", "reason", "message_id") == [("taken", 3, "", done.message_id)]
    assert stage(lambda world: repeating.repeat(row[0], by=world.lena)).outcome == "twice"
    assert deliver(guest).status_code == 200
    with app.app_context():
        assert db.session.scalar(select(func.count(Message.id))) == 1


@pytest.mark.parametrize("where", ["parse", "take"])
def test_where_something_breaks_the_sender_is_to_come_again_and_the_log_says_what(
    app: Flask, guest: Any, hook: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    def break_down(*_args: Any) -> Any:
        raise KeyError(TEXT)

    with monkeypatch.context() as ill:
        ill.setattr(
            *{"parse": (webhook.Webhook, "parse", break_down), "take": (arrivals, "take_all", break_down)}[where]
        )
        answer = deliver(guest)
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert "could not be taken in" in caplog.text
    with app.app_context():
        assert log("outcome", "status") == [("failed", 500)]
        assert "KeyError" in log()[0].reason
        assert "WLAN" not in log()[0].reason
        assert db.session.scalar(select(func.count(Conversation.id))) == 0, "nothing half remains"
    assert deliver(guest).status_code == 202
    with app.app_context():
        failed = log()[0].id
    with app.app_context():
        done = repeating.repeat(failed, by=World().lena)
        db.session.commit()
        assert done.outcome == "twice"
        assert db.session.scalar(select(func.count(Message.id))) == 1


def test_ten_who_take_in_again_at_once_make_one_message(
    app: Flask, guest: Any, hook: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ill:
        ill.setattr(webhook.Webhook, "parse", lambda *_: (_ for _ in ()).throw(WrongPayload({"message": "no"})))
        deliver(guest)
    with app.app_context():
        row_id = log()[0].id
    gate = threading.Barrier(10)
    outcomes: list[str] = []

    def press() -> None:
        with app.app_context():
            by = World().lena
            db.session.rollback()
            gate.wait(timeout=10)
            outcomes.append(repeating.repeat(row_id, by=by).outcome)
            db.session.commit()

    threads = [threading.Thread(target=press) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["taken"] + ["twice"] * 9
    with app.app_context():
        assert db.session.scalar(select(func.count(Message.id))) == 1


def test_what_makes_no_sense_to_repeat_is_said(app: Flask, guest: Any, hook: int, stage: Stage) -> None:
    refuse(guest)
    deliver(guest)
    refused, taken = stage(lambda _: [row.id for row in log()])
    assert stage(lambda world: repeating.repeat(taken, by=world.lena)).outcome == "twice"

    def refusals(world: World) -> None:
        with pytest.raises(Conflict, match="proven"):
            repeating.repeat(refused, by=world.lena)
        db.session.execute(
            update(ChannelDelivery)
            .where(ChannelDelivery.id == taken)
            .values(body=None, kept=0, message_id=None, outcome="failed")
        )
        with pytest.raises(Conflict, match="not kept"):
            repeating.repeat(taken, by=world.lena)
        connections.switch_off(db.session.get_one(Channel, hook), by=world.root)
        with pytest.raises(Conflict, match="switched off"):
            repeating.repeat(taken, by=world.lena)
        with pytest.raises(NotAllowed):
            repeating.repeat(taken, by=world.dora)

    stage(refusals)


# Out


@pytest.fixture
def replied(world: World, service: Service) -> Message:
    channel = props.channel(world, endpoint=service.endpoint)
    message = replies.reply(props.received(channel, id="post-1").conversation, text=TEXT, by=world.dora)
    db.session.commit()
    return message


def due() -> None:
    db.session.execute(update(outbox.Delivery).values(due_at=now() - timedelta(seconds=1), leased_until=None))
    db.session.commit()
    deliver_due()
    db.session.rollback()


def test_a_reply_is_one_line_however_often_it_was_tried(service: Service, replied: Message) -> None:
    service.answers.append((503, {}, b"later"))
    due()
    assert log("direction", "outcome", "status", "attempts") == [("out", "underway", 503, 1)]
    assert "503" in log()[0].reason
    due()
    assert log("direction", "outcome", "status", "attempts", "reason", "key") == [
        ("out", "sent", 200, 2, "", replied.idempotency_key)
    ]
    assert TEXT in (deliveries.body_of(log()[0]) or b"").decode()
    assert log()[0].milliseconds >= 0


def test_a_reply_that_was_given_up_is_failed_and_sent_again_from_the_log(
    world: World, service: Service, replied: Message
) -> None:
    service.answers.append((400, {}, b"no"))
    due()
    assert (replied.state, log("outcome", "status")) == ("failed", [("failed", 400)])
    assert repeating.repeat(log()[0].id, by=world.lena).outcome == "underway"
    db.session.commit()
    due()
    assert (replied.state, log("outcome", "attempts")) == ("sent", [("sent", 2)])


def test_what_arrived_is_sent_again_under_its_own_id_word_for_word(
    world: World, service: Service, replied: Message
) -> None:
    due()
    before = dict(service.taken)
    line = log()[0].id
    assert repeating.repeat(line, by=world.lena).outcome == "underway"
    with pytest.raises(Conflict, match="on its way"):
        repeating.repeat(line, by=world.lena)
    db.session.commit()
    service.taken.clear()
    due()
    assert service.taken == before
    assert service.attempts == [replied.idempotency_key] * 2
    assert service.wrong == []
    assert (replied.state, replied.attempts, log("outcome", "attempts")) == ("sent", 1, [("sent", 2)])


def test_what_arrived_and_is_sent_again_in_vain_stays_sent_for_the_customer(
    world: World, service: Service, replied: Message
) -> None:
    due()
    repeating.repeat(log()[0].id, by=world.lena)
    db.session.commit()
    service.answers.append((500, {}, b"oops"))
    due()
    assert (replied.state, log("outcome", "status")) == ("sent", [("failed", 500)])


# Forgetting


def test_words_that_go_from_the_desk_go_from_the_log(app: Flask, guest: Any, hook: int, stage: Stage) -> None:
    deliver(guest, id="one")
    deliver(guest, id="one")
    stage(lambda _: emptying.say_nothing(Message.id > 0))
    with app.app_context():
        assert log("outcome", "body", "kept", "key", "reason", "facts") == [
            ("taken", None, 0, "", "", {}),
            ("twice", None, 0, "", "", {}),
        ]


def test_a_line_goes_with_its_message(app: Flask, guest: Any, hook: int, stage: Stage) -> None:
    deliver(guest)
    stage(lambda world: forgetting.forget(db.session.get_one(Channel, hook), typed="social", by=world.root))
    with app.app_context():
        while forgetting.forget_on():
            pass
        assert log() == []
        assert db.session.scalar(select(func.count(Channel.id))) == 0


def test_whose_words_cannot_be_told_go_with_everybody_on_the_channel(
    app: Flask, guest: Any, hook: int, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(guest, id="one")
    deliver(guest, "Max is right.", id="two", contact={"handle": "@eva@social.example"}, conversation="other")
    with monkeypatch.context() as ill:
        ill.setattr(webhook.Webhook, "parse", lambda *_: (_ for _ in ()).throw(WrongPayload({"message": "no"})))
        deliver(guest, id="three")

    def forget(world: World) -> None:
        contact = db.session.scalars(select(Contact).where(Contact.handle == "@max@social.example")).one()
        told = "".join(disclosure.of(contact, by=world.root))
        assert '"deliveries"' in told
        assert '"outcome": "taken"' in told
        erasing.erase(contact, by=world.root, typed=contact.handle)

    stage(forget)
    with app.app_context():
        assert log("outcome", "body", "kept") == [("taken", None, 0), ("taken", None, 0), ("failed", None, 0)]


def test_bodies_without_a_message_are_kept_no_longer_than_words(
    app: Flask, guest: Any, hook: int, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ill:
        ill.setattr(webhook.Webhook, "parse", lambda *_: (_ for _ in ()).throw(WrongPayload({"message": "no"})))
        deliver(guest)
    stage(lambda world: keeping.choose(public_days=30, private_days=3, by=world.root))
    with app.app_context():
        db.session.execute(update(ChannelDelivery).values(created_at=now() - timedelta(days=2)))
        db.session.commit()
        assert deliveries.forget() == 0
        db.session.execute(update(ChannelDelivery).values(created_at=now() - timedelta(days=4)))
        db.session.commit()
        assert deliveries.forget() == 1
        assert log("outcome", "body") == [("failed", None)]


# Bounds


def lines(world: World, many: int, **about: Any) -> Channel:
    channel = props.channel(world)
    for number in range(many):
        values: dict[str, Any] = {"outcome": "taken", "body": b"x" * 10, "kept": 10, "size": 10, **about}
        db.session.add(ChannelDelivery(channel_id=channel.id, direction="in", key=f"msg_{number}", facts={}, **values))
    db.session.commit()
    return channel


def test_the_log_forgets_after_its_days_some_at_a_time(
    world: World, settings: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings(delivery_log_days=3)
    monkeypatch.setattr(deliveries, "AT_ONCE", 4)
    channel = lines(world, 10, created_at=now() - timedelta(days=4))
    db.session.add(ChannelDelivery(channel_id=channel.id, direction="in", key="young", outcome="taken", facts={}))
    db.session.commit()
    assert deliveries.forget() == 10
    assert log("key") == [("young",)]


@pytest.mark.parametrize(("bound", "outcome"), [("MOST_LINES", "taken"), ("MOST_REFUSED", "refused")])
def test_the_log_keeps_so_many_lines_the_newest(
    world: World, monkeypatch: pytest.MonkeyPatch, bound: str, outcome: str
) -> None:
    monkeypatch.setattr(deliveries, "AT_ONCE", 2)
    monkeypatch.setattr(deliveries, bound, 3)
    lines(world, 8, outcome=outcome)
    assert deliveries.forget() == 5
    assert log("key") == [("msg_5",), ("msg_6",), ("msg_7",)]
    assert deliveries.forget() == 0


def test_the_log_keeps_so_many_bytes_of_the_newest(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "AT_ONCE", 2)
    monkeypatch.setattr(deliveries, "MOST_BYTES", 35)
    lines(world, 8)
    assert deliveries.forget() == 5
    assert [kept for (kept,) in log("kept")] == [0] * 5 + [10] * 3


def test_of_a_long_body_only_the_size_is_kept(app: Flask, guest: Any, hook: int) -> None:
    thread = [
        {
            "id": f"t{number}",
            "text": "y" * 3000,
            "created": "2026-01-05T09:00:00Z",
            "public": True,
            "contact": {"handle": "@eva@social.example"},
        }
        for number in range(30)
    ]
    body = props.raw({**props.payload(TEXT), "thread": thread})
    assert guest.post(ADDRESS, data=body, headers=props.signed(body), without_csrf=True).status_code == 202
    with app.app_context():
        assert log("outcome", "size", "kept", "body") == [("taken", len(body), 0, None)]


# Pages


@pytest.fixture
def filled(app: Flask, guest: Any, hook: int, monkeypatch: pytest.MonkeyPatch) -> int:
    deliver(guest)
    refuse(guest)
    with monkeypatch.context() as ill:
        ill.setattr(webhook.Webhook, "parse", lambda *_: (_ for _ in ()).throw(WrongPayload({"message": "Unreadable"})))
        deliver(guest, id="three")
    return hook


def test_the_log_is_read_by_leads_and_narrowed(filled: int, browser_of: Callable[[str], Browser]) -> None:
    lead = browser_of("lena")
    assert "Social" in lead.get("/admin/deliveries").text
    whole = lead.get(f"/admin/channels/{filled}/deliveries").text
    assert all(words in whole for words in ("taken in", "not taken in", "Unreadable", "all needed"))
    assert "WLAN" not in whole, "no words of customers in a list"
    failed = lead.get(f"/admin/channels/{filled}/deliveries?show=failed").text
    assert ("Unreadable" in failed, "all needed" in failed) == (True, False)
    refused = lead.get(f"/admin/channels/{filled}/deliveries?show=refused").text
    assert ("Unreadable" in refused, "all needed" in refused) == (False, True)
    assert lead.get(f"/admin/channels/{filled}/deliveries?show=nonsense&page=nonsense").status_code == 200
    health = browser_of("root").get(f"/admin/channels/{filled}").text
    assert all(words in health for words in ("taken in: 1", "not taken in: 1", "refused: 1"))


def test_who_reads_the_words_is_written_down(app: Flask, filled: int, browser_of: Callable[[str], Browser]) -> None:
    lead = browser_of("lena")
    with app.app_context():
        row_id = log()[0].id
    assert "WLAN" not in lead.get(f"/admin/deliveries/{row_id}").text
    shown = lead.post(f"/admin/deliveries/{row_id}/body")
    assert "WLAN ist weg 😭" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.deed == "desk.delivery.read")).one()
        assert (entry.by.handle, entry.subject_id, entry.after) == ("lena", row_id, None)


def test_the_button_takes_in_again_and_says_what_came_of_it(
    app: Flask, filled: int, browser_of: Callable[[str], Browser]
) -> None:
    lead = browser_of("lena")
    with app.app_context():
        taken, refused, failed = [row.id for row in log()]
    assert "Take in again" not in lead.get(f"/admin/deliveries/{refused}").text
    for row_id, words in (
        (failed, "there is a message of it now"),
        (failed, "at the desk already"),
        (taken, "at the desk already"),
        (refused, "Nobody has proven"),
    ):
        assert lead.post(f"/admin/deliveries/{row_id}/repeat").status_code == 303
        assert words in lead.get(f"/admin/deliveries/{row_id}").text
    assert lead.post("/admin/deliveries/4711/repeat").status_code == 404
    with app.app_context():
        assert db.session.scalar(select(func.count(Message.id))) == 2
        repeated = select(func.count()).where(AuditEntry.deed == "desk.delivery.repeat")
        assert db.session.scalar(repeated) == 3, "of what was refused there is nothing to tell"


def test_the_log_is_for_leads_alone(app: Flask, filled: int, browser_of: Callable[[str], Browser]) -> None:
    with app.app_context():
        row_id = log()[0].id
    for handle in ("dora", "charlie", "emil"):
        browser = browser_of(handle)
        for path in ("/admin/deliveries", f"/admin/channels/{filled}/deliveries", f"/admin/deliveries/{row_id}"):
            assert browser.get(path).status_code == 403
        for path in ("body", "repeat"):
            assert browser.post(f"/admin/deliveries/{row_id}/{path}").status_code == 403


def test_pages_cost_the_same_however_many_lines_there_are(
    app: Flask, stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    channel_id = stage(lambda world: [world.everybody(), world.lena, lines(world, 2).id][2])
    lead = browser_of("lena")
    paths = ("/admin/deliveries", f"/admin/channels/{channel_id}/deliveries")
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")) and "pg_current_snapshot" not in statement:
            sent.append(statement)

    def cost(path: str) -> int:
        lead.get(path)
        sent.clear()
        assert lead.get(path).status_code == 200
        return len(sent)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        few = [cost(path) for path in paths]

        def more(_world: World) -> None:
            for number in range(80):
                values = {"direction": "in", "outcome": "failed", "kept": 3, "body": b"abc", "facts": {}}
                db.session.add(ChannelDelivery(channel_id=channel_id, key=f"more-{number}", **values))

        stage(more)
        assert [cost(path) for path in paths] == few
        assert max(few) <= 7
    finally:
        event.remove(engine, "before_cursor_execute", note)
    page = lead.get(paths[1])
    assert page.text.count("more-") == deliveries.PAGE
    assert "Older" in page.text
