"""Deliveries and replies that are signed with `sha256=` and hex digits: what is proven, what is refused, and why."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from core.clock import now
from core.db import db
from core.errors import Invalid
from core.outbox import deliver_due
from desk import connections, erasing, replies
from desk.channel_models import ChannelDelivery
from desk.channels import webhook
from desk.channels.base import adapter_of
from desk.models import Channel, Contact, Message
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props

Stage = Callable[[Callable[[World], Any]], Any]
ADDRESS = "/channels/hook/webhook"
UMLAUTS = "Schöne Grüße aus Köln – mein WLAN ist weg 😭👨‍👩‍👧 “seit” gestern"
OLD = "the secret that was in use before"


def opened(world: World, **values: str) -> Channel:
    values = {"signing": "hex", "typed_secret": props.SECRET, **values}
    return connections.connect("webhook", slug="hook", name="Hook", values=values, by=world.root)


@pytest.fixture
def hook(stage: Stage) -> int:
    channel_id: int = stage(lambda world: opened(world).id)
    return channel_id


def many(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count(Message.id))) or 0


def deliver(guest: Any, body: bytes, headers: dict[str, str]) -> Any:
    return guest.post(ADDRESS, data=body, headers=headers, without_csrf=True)


def test_the_published_example_of_github_fits() -> None:
    """GitHub's documentation, "Validating webhook deliveries", names secret, payload and signature to test with."""
    theirs = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert webhook.hex_signature("It's a Secret to Everybody", b"Hello, World!") == theirs


def test_the_published_example_is_proven_at_the_door(stage: Stage, guest: Any) -> None:
    stage(lambda world: opened(world, typed_secret="It's a Secret to Everybody"))
    theirs = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    answer = deliver(guest, b"Hello, World!", {props.HEADER: theirs})
    assert answer.status_code == 422, "it is proven, and no message"
    assert deliver(guest, b"Hello, World?", {props.HEADER: theirs}).status_code == 401


@pytest.mark.parametrize("body", [props.raw(props.payload(UMLAUTS)), json.dumps(props.payload(UMLAUTS)).encode()])
def test_the_very_bytes_are_what_is_signed(app: Flask, guest: Any, hook: int, body: bytes) -> None:
    answer = deliver(guest, body, props.hexed(body))
    assert answer.status_code == 202
    with app.app_context():
        assert db.session.get_one(Message, answer.json["id"]).text == UMLAUTS


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda body, headers: (body[:-1], headers), "No signature fits"),
        (lambda body, headers: (body + b" ", headers), "No signature fits"),
        (lambda body, headers: (body.replace("ü".encode(), b"u"), headers), "No signature fits"),
        (lambda body, headers: (json.dumps(json.loads(body)).encode(), headers), "No signature fits"),
        (lambda body, _headers: (body, props.hexed(body, secret="somebody else's secret")), "No signature fits"),
        (lambda body, headers: (body, {props.HEADER: headers[props.HEADER][:-1]}), "64 hex digits"),
        (lambda body, headers: (body, {props.HEADER: headers[props.HEADER][7:]}), "64 hex digits"),
        (lambda body, _headers: (body, {props.HEADER: "sha1=" + "0" * 40}), "64 hex digits"),
        (lambda body, _headers: (body, {props.HEADER: "sha256=" + "٠" * 64}), "64 hex digits"),
        (lambda body, _headers: (body, {props.HEADER: "sha256=" + "0" * 63 + "ß"}), "64 hex digits"),
        (lambda body, headers: (body, {props.HEADER: ", ".join([headers[props.HEADER]] * 2)}), "there twice"),
        (lambda body, _headers: (body, {}), "X-Hub-Signature-256 is missing"),
        (lambda body, headers: (body, {"X-Hub-Signature": headers[props.HEADER]}), "X-Hub-Signature-256 is missing"),
        (lambda body, _headers: (body, props.signed(body)), "X-Hub-Signature-256 is missing"),
    ],
)
def test_what_is_not_signed_so_is_not_taken_and_the_answer_says_why(
    app: Flask, guest: Any, hook: int, spoil: Any, words: str
) -> None:
    body = props.raw(props.payload(UMLAUTS))
    body, headers = spoil(body, props.hexed(body))
    headers = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    answer = deliver(guest, body, headers)
    assert answer.status_code == 401
    assert words in answer.json["detail"]
    assert many(app) == 0


def test_nothing_in_the_answer_tells_which_secret_came_near(stage: Stage, guest: Any, hook: int) -> None:
    stage(lambda world: connections.renew_secret(db.session.get_one(Channel, hook), by=world.root))
    body = props.raw(props.payload())
    wrong = [deliver(guest, body, props.hexed(body, secret=secret)).get_data() for secret in ("a" * 20, "b" * 50)]
    almost = props.hexed(body)[props.HEADER][:-1]
    wrong.append(deliver(guest, body, {props.HEADER: almost + ("0" if almost[-1] != "0" else "1")}).get_data())
    assert len(set(wrong)) == 1


def test_capital_digits_are_the_same(guest: Any, hook: int) -> None:
    body = props.raw(props.payload())
    headers = {props.HEADER: props.hexed(body)[props.HEADER].upper()}
    assert deliver(guest, body, headers).status_code == 202


def test_more_than_256_kilobytes_are_refused(app: Flask, guest: Any, hook: int) -> None:
    body = props.raw(props.payload("x" * 270_000))
    assert deliver(guest, body, props.hexed(body)).status_code == 413
    assert many(app) == 0


def test_ten_at_once_are_one_message(app: Flask, hook: int) -> None:
    body = props.raw(props.payload())
    gate = threading.Barrier(10)
    statuses: list[int] = []

    def post() -> None:
        client = app.test_client()
        gate.wait(timeout=10)
        statuses.append(client.post(ADDRESS, data=body, headers=props.hexed(body)).status_code)

    threads = [threading.Thread(target=post) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(statuses) == [200] * 9 + [202]
    assert many(app) == 1


# Time


def test_a_header_of_the_sender_may_be_called_otherwise_and_bring_the_time(
    app: Flask, stage: Stage, guest: Any
) -> None:
    stage(lambda world: opened(world, signature_header="X-Shop-Signature", time_header="X-Shop-Time"))
    body = props.raw(props.payload(UMLAUTS))

    def headers(seconds: float = 0, *, signed_as: str | None = None) -> dict[str, str]:
        stamp = str(int(now().timestamp() + seconds))
        signed = props.hexed((signed_as or stamp).encode() + b"." + body)[props.HEADER]
        return {"X-Shop-Signature": signed, "X-Shop-Time": stamp}

    assert "is missing" in deliver(guest, body, props.hexed(body)).json["detail"]
    assert deliver(guest, body, {**headers(), "X-Shop-Time": ""}).status_code == 401
    assert "seconds" in deliver(guest, body, {**headers(), "X-Shop-Time": "soon"}).json["detail"]
    assert "No signature" in deliver(guest, body, headers(signed_as="1")).json["detail"], "the time is signed, too"
    for seconds in (-400, 400):
        assert "minutes away" in deliver(guest, body, headers(seconds)).json["detail"]
    assert many(app) == 0
    assert deliver(guest, body, headers(-200)).status_code == 202
    with app.app_context():
        channel = db.session.scalars(select(Channel)).one()
        assert not adapter_of(channel).capabilities.untimed


def test_without_a_time_the_bytes_of_somebody_who_was_forgotten_bring_nobody_back(
    app: Flask, stage: Stage, guest: Any, hook: int
) -> None:
    body = props.raw(props.payload(UMLAUTS))
    assert deliver(guest, body, props.hexed(body)).status_code == 202

    def forget(world: World) -> None:
        contact = db.session.scalars(select(Contact)).one()
        erasing.erase(contact, by=world.root, typed=contact.handle)

    stage(forget)
    again = deliver(guest, body, props.hexed(body))
    assert (again.status_code, again.json["id"]) == (200, None)
    assert many(app) == 1
    with app.app_context():
        assert [one.text for one in db.session.scalars(select(Message))] == [""]
        assert db.session.scalar(select(func.count(Contact.id))) == 1
        newest = db.session.scalars(select(ChannelDelivery).order_by(ChannelDelivery.id.desc()).limit(1)).one()
        assert (newest.outcome, newest.body) == ("twice", None)


# Secrets


def test_a_secret_that_was_changed_is_taken_for_another_day(stage: Stage, guest: Any, app: Flask) -> None:
    with time_machine.travel("2026-11-26T10:00:00Z", tick=False) as clock:
        channel_id = stage(lambda world: opened(world, typed_secret=OLD).id)
        stage(
            lambda world: connections.change(
                db.session.get_one(Channel, channel_id),
                name="Hook",
                values={"signing": "hex", "typed_secret": props.SECRET},
                by=world.root,
            )
        )
        bodies = [props.raw(props.payload(id=f"post-{number}")) for number in range(4)]
        assert deliver(guest, bodies[0], props.hexed(bodies[0], secret=OLD)).status_code == 202
        assert deliver(guest, bodies[1], props.hexed(bodies[1])).status_code == 202
        clock.shift(timedelta(hours=25))
        assert deliver(guest, bodies[2], props.hexed(bodies[2], secret=OLD)).status_code == 401
        assert deliver(guest, bodies[3], props.hexed(bodies[3])).status_code == 202
    with app.app_context():
        raw = db.session.connection().exec_driver_sql("SELECT settings, secret, credentials FROM channel").all()
        assert OLD not in str(raw)
        assert props.SECRET not in str(raw)


def test_saving_without_a_secret_leaves_it_as_it_is(stage: Stage, guest: Any, hook: int) -> None:
    stage(
        lambda world: connections.change(
            db.session.get_one(Channel, hook), name="Other", values={"signing": "hex"}, by=world.root
        )
    )
    body = props.raw(props.payload())
    assert deliver(guest, body, props.hexed(body)).status_code == 202


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"typed_secret": "too short"}, "typed_secret"),
        ({"signing": "standard", "typed_secret": "no base64, and long enough"}, "typed_secret"),
        (
            {
                "signing_out": "standard",
                "endpoint": "https://shop.example/replies",
                "typed_secret": "no base64, and long enough",
            },
            "typed_secret",
        ),
        ({"signing": "perhaps"}, "signing"),
        ({"signature_header": "X Hub"}, "signature_header"),
        ({"signature_header": "Cookie"}, "signature_header"),
        ({"time_header": "Date:\r\nX"}, "time_header"),
        ({"time_header": "x-hub-signature-256"}, "time_header"),
    ],
)
def test_what_does_not_go_together_is_said_at_its_field(world: World, values: dict[str, str], field: str) -> None:
    said = {"signing": "hex", "signing_out": "hex", **values}
    with pytest.raises(Invalid) as refusal:
        connections.connect("webhook", slug="hook", name="Hook", values=said, by=world.root)
    assert set(refusal.value.fields) == {field}


def test_a_channel_with_a_foreign_secret_does_not_become_a_standard_one(world: World) -> None:
    channel = opened(world, typed_secret="It's a Secret to Everybody", signing_out="hex")
    with pytest.raises(Invalid) as refusal:
        connections.change(channel, name="Hook", values={"signing": "standard"}, by=world.root)
    assert set(refusal.value.fields) == {"signing"}


def test_the_form_keeps_what_was_typed_and_shows_no_secret(
    app: Flask, stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: world.everybody())
    root = browser_of("root")
    said = {"slug": "hook", "name": "Hook", "says_signing": "hex", "says_signing_out": "hex"}
    wrong = root.post("/admin/channels/new/webhook", data={**said, "says_signature_header": "X Hub"})
    assert wrong.status_code == 422
    assert 'value="X Hub"' in wrong.text
    secret = "a secret of the other side"
    done = root.post(
        "/admin/channels/new/webhook",
        data={**said, "says_typed_secret": secret, "says_signature_header": "X-Shop", "says_time_header": ""},
    )
    assert done.status_code in {200, 303}
    with app.app_context():
        channel = db.session.scalars(select(Channel)).one()
        assert channel.secret == secret
        assert channel.settings["signature_header"] == "X-Shop"
        path = f"/admin/channels/{channel.id}"
    page = root.get(path).text
    assert secret not in page
    assert "signed without a time" in page
    assert secret not in root.get("/admin/log").text


# Out


@pytest.fixture
def hex_service(app: Flask) -> Iterator[props.HexService]:
    there = props.HexService()
    settings = app.extensions["klinke-settings"]
    app.extensions["klinke-settings"] = settings.model_copy(update={"private_endpoints": f"127.0.0.1:{there.port}"})
    yield there
    app.extensions["klinke-settings"] = settings
    there.close()


def test_a_reply_is_signed_so_where_the_channel_says_it(world: World, hex_service: props.HexService) -> None:
    channel = opened(world, endpoint=hex_service.endpoint, signing="standard", signing_out="hex")
    message = replies.reply(props.received(channel).conversation, text=UMLAUTS, by=world.dora)
    db.session.commit()
    deliver_due()
    db.session.rollback()
    assert (message.state, hex_service.wrong) == ("sent", [])
    assert [told["message"]["text"] for told in hex_service.taken.values()] == [UMLAUTS]
    assert set(hex_service.taken) == {message.idempotency_key}, "webhook-id goes along, so that a repeat is known"


def test_while_a_secret_is_changed_a_reply_is_signed_with_both(world: World, service: props.Service) -> None:
    channel = props.channel(world, endpoint=service.endpoint)
    connections.renew_secret(channel, by=world.root)
    message = replies.reply(props.received(channel).conversation, text="Please restart it.", by=world.dora)
    db.session.commit()
    deliver_due()
    db.session.rollback()
    assert (message.state, service.wrong) == ("sent", []), "the other side knows only the old secret yet"
