"""A signed post from outside becomes one message in one conversation, however often it is delivered."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook

from core.clock import now
from core.db import db
from core.outbox import Delivery
from desk import inbox
from desk.api import DELIVERIES
from desk.channels import webhook
from desk.models import Contact, Conversation, Message
from tests.cast import World
from tests.desk import stage as props

Stage = Callable[[Callable[[World], Any]], Any]
UMLAUTS = "Schöne Grüße aus Köln – mein WLAN ist weg 😭👨‍👩‍👧 “seit” gestern, ÄÖÜß 日本"


@pytest.fixture
def address(stage: Stage) -> str:
    channel_id = stage(lambda world: props.channel(world).id)
    return f"/api/v1/channels/{channel_id}/webhook"


def counted(app: Flask) -> tuple[int, int, int]:
    with app.app_context():
        return tuple(
            db.session.scalar(select(func.count()).select_from(kind)) for kind in (Message, Conversation, Contact)
        )  # type: ignore[return-value]


def test_a_signed_post_becomes_a_waiting_conversation(app: Flask, guest: Any, address: str) -> None:
    body = props.raw(props.payload(UMLAUTS))
    answer = guest.post(address, data=body, headers=props.signed(body), without_csrf=True)
    assert answer.status_code == 202
    with app.app_context():
        message = db.session.get(Message, answer.json["id"])
        assert (message.text, message.url, message.is_public) == (UMLAUTS, "https://social.example/@max/1", True)
        assert (message.direction, message.state, message.external_id) == ("in", "received", "post-1")
        conversation = message.conversation
        assert conversation.id == answer.json["conversation"]
        assert (conversation.state, conversation.locale, conversation.external_id) == ("new", "de", "thread-1")
        assert conversation.waiting_since == datetime(2026, 1, 5, 10, tzinfo=UTC)
        assert (conversation.contact.handle, conversation.contact.name) == ("@max@social.example", "Max")
        assert conversation.contact.reach == 1200


def test_the_address_by_slug_takes_the_same(guest: Any, address: str) -> None:
    body = props.raw(props.payload())
    assert guest.post("/channels/social/webhook", data=body, headers=props.signed(body)).status_code == 202
    assert guest.post(address, data=body, headers=props.signed(body)).status_code == 200


def test_a_service_may_deliver_more_than_a_guest_may_call(app: Flask, guest: Any, address: str) -> None:
    body = props.raw(props.payload())
    headers = props.signed(body)
    many = app.extensions["klinke-settings"].guest_api_per_minute + 1
    statuses = [guest.post(address, data=body, headers=headers, without_csrf=True).status_code for _ in range(many)]
    assert statuses == [202] + [200] * (many - 1)


def test_what_strangers_send_from_one_address_is_limited_and_does_not_count_for_the_service(
    guest: Any, address: str
) -> None:
    body = props.raw(props.payload())
    most = int(DELIVERIES.split()[0])
    stranger = {"REMOTE_ADDR": "203.0.113.7"}
    statuses = {guest.post(address, data=b"{}", environ_base=stranger).status_code for _ in range(most)}
    assert statuses == {401}
    refused = guest.post(address, data=b"{}", environ_base=stranger)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert guest.post(address, data=body, headers=props.signed(body)).status_code == 202


def test_an_idempotency_key_changes_nothing_of_how_a_delivery_is_taken(guest: Any, address: str) -> None:
    body = props.raw(props.payload())
    headers = {**props.signed(body), "Idempotency-Key": "k"}
    assert [guest.post(address, data=body, headers=headers).status_code for _ in range(2)] == [202, 200]


def test_our_signature_and_the_foreign_library_agree() -> None:
    body = UMLAUTS.encode()
    at = datetime.now(UTC)
    theirs = Webhook(props.SECRET).sign("msg_ä", at, UMLAUTS)
    assert webhook.signature(props.SECRET, "msg_ä", str(int(at.timestamp())), body) == theirs


def test_ten_deliveries_make_one_message_and_all_are_told_the_same_id(app: Flask, guest: Any, address: str) -> None:
    body = props.raw(props.payload())
    answers = [
        guest.post(address, data=body, headers=props.signed(body, webhook_id=f"msg_{n}"), without_csrf=True)
        for n in range(10)
    ]
    assert [answer.status_code for answer in answers] == [202] + [200] * 9
    assert len({answer.json["id"] for answer in answers}) == 1
    assert counted(app) == (1, 1, 1)


def test_ten_deliveries_at_once_make_one_message(app: Flask, address: str) -> None:
    body = props.raw(props.payload())
    headers = props.signed(body)
    gate = threading.Barrier(10)
    answers: list[Any] = []

    def deliver() -> None:
        client = app.test_client()
        gate.wait(timeout=10)
        answers.append(client.post(address, data=body, headers=headers))

    threads = [threading.Thread(target=deliver) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [202]
    assert len({answer.json["id"] for answer in answers}) == 1
    assert counted(app) == (1, 1, 1)
    with app.app_context():
        each = select(func.count()).select_from(Delivery).group_by(Delivery.event, Delivery.listener)
        assert set(db.session.scalars(each)) <= {1}, "every listener hears of it once"


def test_ten_different_posts_of_one_thread_at_once_make_one_conversation(app: Flask, address: str) -> None:
    gate = threading.Barrier(10)
    statuses: list[int] = []

    def deliver(number: int) -> None:
        body = props.raw(props.payload(id=f"post-{number}"))
        client = app.test_client()
        gate.wait(timeout=10)
        statuses.append(client.post(address, data=body, headers=props.signed(body)).status_code)

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert statuses == [202] * 10
    assert counted(app) == (10, 1, 1)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_without_one_of_the_headers_nothing_is_taken(app: Flask, guest: Any, address: str, missing: str) -> None:
    body = props.raw(props.payload())
    headers = props.signed(body)
    del headers[missing]
    answer = guest.post(address, data=body, headers=headers, without_csrf=True)
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert counted(app) == (0, 0, 0)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body, headers: (body[:-1], headers),
        lambda body, headers: (body + b" ", headers),
        lambda body, headers: (body.replace("ü".encode(), b"u"), headers),
        lambda body, headers: (json.dumps(json.loads(body)).encode(), headers),
        lambda body, headers: (body, headers | {"webhook-id": "msg_2"}),
        lambda body, headers: (body, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}),
        lambda body, headers: (body, headers | {"webhook-timestamp": "soon"}),
        lambda body, headers: (body, headers | {"webhook-timestamp": "9" * 40}),
        lambda body, headers: (body, headers | {"webhook-signature": headers["webhook-signature"][3:]}),
        lambda body, headers: (body, headers | {"webhook-signature": "v1,"}),
        lambda body, headers: (body, headers | {"webhook-signature": "v1a," + headers["webhook-signature"][3:]}),
        lambda body, headers: (body, headers | {"webhook-signature": "v1,ÄÖÜ=="}),
        lambda body, _headers: (body, props.signed(body, secret="whsec_" + "b" * 44)),
    ],
)
def test_what_is_not_signed_as_it_came_is_not_taken(app: Flask, guest: Any, address: str, spoil: Any) -> None:
    body = props.raw(props.payload(UMLAUTS))
    body, headers = spoil(body, props.signed(body))
    answer = guest.post(address, data=body, headers=headers, without_csrf=True)
    assert answer.status_code == 401
    assert counted(app) == (0, 0, 0)


def test_one_fitting_signature_among_several_is_enough(guest: Any, address: str) -> None:
    body = props.raw(props.payload())
    headers = props.signed(body)
    old = props.signed(body, secret="whsec_" + "b" * 44)["webhook-signature"]
    headers["webhook-signature"] = f"v1a,xyz {old} {headers['webhook-signature']}"
    assert guest.post(address, data=body, headers=headers, without_csrf=True).status_code == 202


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_delivery_that_was_signed_too_far_from_now_is_not_taken(
    app: Flask, guest: Any, address: str, minutes: int
) -> None:
    body = props.raw(props.payload())
    headers = props.signed(body, at=now() + timedelta(minutes=minutes))
    answer = guest.post(address, data=body, headers=headers, without_csrf=True)
    assert answer.status_code == 401
    assert "minutes" in answer.json["detail"]
    assert counted(app) == (0, 0, 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"not json", "body"),
        (b"\xff\xfe\xff", "body"),
        (b"[" * 5000, "body"),
        (b"[]", "body"),
        (b'"message"', "body"),
        (props.raw({}), "type"),
        (props.raw(props.payload(type="ping")), "type"),
        (props.raw(props.payload(conversation="")), "conversation"),
        (props.raw(props.payload(conversation="x" * 301)), "conversation"),
        (props.raw(props.payload(conversation="a\u0000b")), "conversation"),
        (props.raw(props.payload(id="")), "message.id"),
        (props.raw(props.payload(id=7)), "message.id"),
        (props.raw(props.payload("")), "message.text"),
        (props.raw(props.payload(" \u0000\n ")), "message.text"),
        (props.raw(props.payload("x" * 20_001)), "message.text"),
        (props.raw(props.payload(created="yesterday")), "message.created"),
        (props.raw(props.payload(created="2026-01-05T10:00:00")), "message.created"),
        (props.raw(props.payload(created="0001-01-01T00:00:00+14:00")), "message.created"),
        (props.raw(props.payload(created="9999-12-31T23:59:59-14:00")), "message.created"),
        (props.raw(props.payload(public="perhaps")), "message.public"),
        (props.raw(props.payload(url="javascript:alert(1)")), "message.url"),
        (props.raw(props.payload(contact={"handle": ""})), "contact.handle"),
        (props.raw(props.payload(contact={"handle": "\u0000"})), "contact.handle"),
        (props.raw(props.payload(contact={"handle": "a", "reach": -1})), "contact.reach"),
        (props.raw(props.payload(contact=None)), "contact"),
        (props.raw(props.payload(locale="klingon")), "locale"),
    ],
)
def test_what_cannot_be_read_is_answered_with_the_reason(
    app: Flask, guest: Any, address: str, body: bytes, field: str
) -> None:
    headers = webhook_headers(body)
    answer = guest.post(address, data=body, headers=headers, without_csrf=True)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert field in answer.json["errors"]
    assert counted(app) == (0, 0, 0)


def webhook_headers(body: bytes) -> dict[str, str]:
    # The foreign library signs text only; these bytes are none.
    timestamp = str(int(now().timestamp()))
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": webhook.signature(props.SECRET, "msg_1", timestamp, body),
    }


def test_characters_that_no_database_takes_cost_nobody_their_message(app: Flask, guest: Any, address: str) -> None:
    body = (
        b'{"type":"message","conversation":"c","contact":{"handle":"max","name":"M\\u0000ax"},"extra":1,'
        b'"message":{"id":"1","text":"half \\ud83d\\u0000 a\\u202e smile\\r\\nnew line",'
        b'"created":"2026-01-05T10:00:00Z","public":false}}'
    )
    answer = guest.post(address, data=body, headers=webhook_headers(body), without_csrf=True)
    assert answer.status_code == 202
    with app.app_context():
        message = db.session.get(Message, answer.json["id"])
        assert message.text == "half \N{REPLACEMENT CHARACTER} a smile\nnew line"
        assert message.contact.name == "Max"


def test_more_than_256_kilobytes_are_refused(app: Flask, guest: Any, address: str) -> None:
    body = props.raw(props.payload("x" * 270_000))
    answer = guest.post(address, data=body, headers=props.signed(body), without_csrf=True)
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"
    assert counted(app) == (0, 0, 0)


def test_nothing_is_delivered_to_what_is_no_channel_or_no_longer_one(
    app: Flask, guest: Any, stage: Stage, address: str
) -> None:
    def switched_off(world: World) -> None:
        closed = props.channel(world, "closed")
        closed.disabled_at = now()

    stage(switched_off)
    body = props.raw(props.payload())
    for path in (
        "/api/v1/channels/4711/webhook",
        "/api/v1/channels/9223372036854775808/webhook",
        "/channels/closed/webhook",
        "/channels/none/webhook",
    ):
        assert guest.post(path, data=body, headers=props.signed(body)).status_code == 404
    assert counted(app) == (0, 0, 0)


def test_a_post_from_the_future_is_as_old_as_its_arrival(world: World) -> None:
    message = props.received(props.channel(world), created_at=now() + timedelta(hours=2))
    assert message.created_at <= now()


def test_the_clock_runs_from_the_first_message_that_nobody_answered(world: World) -> None:
    on = props.channel(world)
    first = props.received(on, created_at=now() - timedelta(minutes=30))
    props.received(on, "Hello?", created_at=now() - timedelta(minutes=3))
    assert first.conversation.waiting_since == first.created_at
    assert first.conversation.state == "new"


@pytest.mark.parametrize("before", ["solved", "no_answer", "waiting_customer", "waiting_inside"])
def test_a_new_message_opens_the_conversation_again(world: World, before: Any) -> None:
    on = props.channel(world)
    conversation = props.received(on).conversation
    conversation.state, conversation.waiting_since = before, None
    db.session.flush()
    again = props.received(on, "It is broken again.", created_at=now() - timedelta(seconds=9))
    assert again.conversation is conversation
    assert (conversation.state, conversation.waiting_since) == ("open", again.created_at)


def test_a_repeat_is_none_and_changes_nothing(world: World) -> None:
    on = props.channel(world)
    first = props.received(on, id="post-1")
    assert first is not None
    with pytest.raises(AssertionError):
        props.received(on, "Something else under the same id", id="post-1")
    assert inbox.message_of(on, "post-1").text == first.text  # type: ignore[union-attr]


def test_two_people_in_one_thread_stay_two(world: World) -> None:
    on = props.channel(world)
    first = props.received(on, id="1")
    second = props.received(on, "Same here!", id="2", handle="@mia@social.example", name="Mia")
    assert second.conversation is first.conversation
    assert (first.contact.name, second.contact.name) == ("Max", "Mia")  # type: ignore[union-attr]


def test_who_gained_followers_is_known_with_them(world: World) -> None:
    on = props.channel(world)
    props.received(on, id="1", reach=10)
    again = props.received(on, "More", id="2", name="Max M.", reach=2000)
    assert (again.contact.name, again.contact.reach) == ("Max M.", 2000)  # type: ignore[union-attr]
