"""Other programs are told of events: signed, again where nobody answers, logged, and without private words."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from standardwebhooks.webhooks import Webhook as Checker

from core import outbox
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import Delivery
from desk import conversations, promises, replies, webhooks
from desk.promise_models import Promise
from desk.webhook_models import Webhook, WebhookDelivery
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture
def other(settings: Callable[..., None]) -> Iterator["Ears"]:
    ears = Ears()
    settings(private_endpoints=f"127.0.0.1:{ears.port}")
    yield ears
    ears.close()


class Ears:
    """Takes what is told as another program would."""

    def __init__(self) -> None:
        import threading
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        ears = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ears.heard.append(({name.lower(): value for name, value in self.headers.items()}, body))
                status = ears.answers.pop(0) if ears.answers else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", "5")
                self.end_headers()
                self.wfile.write(b"heard")

            def log_message(self, *_args: Any) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def opened(world: World, url: str, *events: str, words: str = "public") -> Webhook:
    made = webhooks.open_hook(name="Bot", url=url, events=events or webhooks.EVENTS, words=words, by=world.root)
    db.session.commit()
    return made


def deliver() -> None:
    for _ in range(6):
        outbox.deliver_due()


def said(ears: Ears) -> list[dict[str, Any]]:
    return [json.loads(body) for _headers, body in ears.heard]


def test_events_are_told_signed_and_once(world: World, other: Ears) -> None:
    hook = opened(world, other.url)
    channel = props.channel(world)
    message = props.received(channel, "The light is on 💡")
    db.session.commit()
    deliver()
    headers, body = other.heard[0]
    Checker(hook.secret).verify(body, headers)
    told = json.loads(body)
    assert told["type"] == "message.received"
    assert told["data"]["message"]["text"] == "The light is on 💡"
    assert told["data"]["conversation"]["id"] == message.conversation_id
    row = db.session.scalars(select(WebhookDelivery)).one()
    assert (row.state, row.status, row.answer, row.attempts) == ("arrived", 200, "heard", 1)
    webhooks.tell(hook, "message.received", key=str(message.id), at=now(), data={})
    assert db.session.scalar(select(func.count()).select_from(WebhookDelivery)) == 1


def test_every_event_is_told(world: World, other: Ears) -> None:
    opened(world, other.url)
    message = props.received(props.channel(world, endpoint="https://social.example/replies"))
    reply = replies.reply(message.conversation, text="Please wait.", by=world.dora)
    reply.state = "unsure"
    db.session.flush()
    replies.mark_sent(reply, by=world.dora)
    conversations.change_state(message.conversation, "solved", by=world.dora)
    db.session.add(
        Promise(
            conversation_id=message.conversation_id,
            what="A lamp",
            owner_id=world.dora.id,
            by_id=world.dora.id,
            due_at=now() - timedelta(minutes=1),
            state="open",
        )
    )
    db.session.commit()
    promises.look_after()
    Shelf(world).published(title="What the light is for")
    db.session.commit()
    deliver()
    assert {one["type"] for one in said(other)} == set(webhooks.EVENTS)
    assert "A lamp" not in json.dumps(said(other)), "what was promised is a private word"


@pytest.mark.parametrize(("words", "is_public", "has_text"), [
    ("none", True, False), ("public", True, True), ("public", False, False), ("all", False, True),
])  # fmt: skip
def test_words_go_along_as_far_as_was_chosen(
    world: World, other: Ears, words: str, is_public: bool, has_text: bool
) -> None:
    opened(world, other.url, "message.received", words=words)
    props.received(props.channel(world), "My number is 4711", is_public=is_public)
    db.session.commit()
    deliver()
    assert len(other.heard) == 1
    assert ("4711" in other.heard[0][1].decode()) is has_text
    assert ("@max" in other.heard[0][1].decode()) is has_text


def test_what_fails_is_tried_again_later_with_the_same_id(world: World, other: Ears) -> None:
    opened(world, other.url, "message.received")
    props.received(props.channel(world))
    db.session.commit()
    other.answers = [500, 302]
    for expected in ("queued", "queued", "arrived"):
        db.session.execute(db.update(Delivery).values(due_at=now()))
        db.session.commit()
        deliver()
        row = db.session.scalars(select(WebhookDelivery)).one()
        assert row.state == expected
        if expected == "queued":
            assert row.next_at is not None
            assert row.next_at > now() + timedelta(seconds=webhooks.PAUSES[row.attempts - 1] * 0.7)
    assert len({headers["webhook-id"] for headers, _body in other.heard}) == 1
    assert len(other.heard) == 3


def test_it_gives_up_in_the_end_and_can_be_told_again_by_hand(world: World, other: Ears) -> None:
    opened(world, other.url, "message.received")
    props.received(props.channel(world))
    db.session.commit()
    deliver()
    row = db.session.scalars(select(WebhookDelivery)).one()
    row.state, row.attempts = "queued", len(webhooks.PAUSES)
    db.session.commit()
    other.answers = [503]
    webhooks.send(row.id)
    assert row.state == "failed"
    webhooks.tell_again(row.id, by=world.root)
    with pytest.raises(Conflict):
        webhooks.tell_again(row.id, by=world.root)
    db.session.commit()
    deliver()
    db.session.refresh(row)
    assert (row.state, row.attempts) == ("arrived", 1)


def test_gone_ends_it(world: World, other: Ears) -> None:
    hook = opened(world, other.url, "message.received")
    channel = props.channel(world)
    props.received(channel)
    db.session.commit()
    other.answers = [410]
    deliver()
    db.session.refresh(hook)
    assert (hook.why_disabled, hook.disabled_at is not None) == ("gone", True)
    props.received(channel, "Hello?", id="second")
    db.session.commit()
    deliver()
    assert len(other.heard) == 1


def test_a_new_secret_is_shown_once_and_the_old_one_signs_for_a_day(world: World, other: Ears) -> None:
    hook = opened(world, other.url, "message.received")
    old = hook.secret
    new = webhooks.rotate(hook, by=world.root)
    webhooks.try_out(hook, by=world.root)
    db.session.commit()
    deliver()
    headers, body = other.heard[0]
    for secret in (old, new):
        Checker(secret).verify(body, headers)
    hook.old_until = now() - timedelta(seconds=1)
    db.session.commit()
    webhooks.forget()
    assert hook.old_secret is None


def test_addresses_inside_are_never_asked(world: World) -> None:
    for url in (
        "http://127.0.0.1/x",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "ftp://x.example",
        "https://a:b@x.example/",
        "",
    ):
        with pytest.raises(Invalid) as refused:
            webhooks.open_hook(name="Bot", url=url, events=webhooks.EVENTS, words="none", by=world.root)
        assert "url" in refused.value.fields
    hook = opened(world, "https://hooks.example/x", "message.received")
    hook.url = "http://localhost/x"
    made = webhooks.try_out(hook, by=world.root)
    db.session.commit()
    with pytest.raises(outbox.Later):
        webhooks.send(made.id)
    assert "not on the public internet" in db.session.get_one(WebhookDelivery, made.id).answer


def test_only_admins_open_some(world: World) -> None:
    for somebody in (world.dora, world.lena, world.emil, world.ada):
        with pytest.raises(NotAllowed):
            webhooks.open_hook(name="Bot", url="https://x.example", events=webhooks.EVENTS, words="none", by=somebody)
    with pytest.raises(Invalid) as refused:
        webhooks.open_hook(name="", url="x", events=["nothing"], words="some", by=world.root)
    assert set(refused.value.fields) == {"name", "url", "events", "words"}


def test_an_event_costs_little_where_nobody_listens(world: World) -> None:
    props.received(props.channel(world))
    db.session.commit()
    deliver()
    assert db.session.scalar(select(func.count()).select_from(WebhookDelivery)) == 0


def test_the_pages(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: world.everybody())
    admin = browser_of("root")
    page = admin.post(
        "/admin/webhooks", data={"name": "Bot", "url": "https://x.example/h", "events": ["reply.sent"], "words": "none"}
    )
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    secret = stage(lambda _: db.session.scalars(select(Webhook)).one().secret)
    assert secret in page.text
    assert secret not in admin.get("/admin/webhooks").text
    wrong = admin.post("/admin/webhooks", data={"name": "Bot", "url": "http://10.0.0.1/", "words": "none"})
    assert (wrong.status_code, "http://10.0.0.1/" in wrong.text) == (422, True)
    assert admin.post("/admin/webhooks/1/test").status_code == 303
    assert "on its way" in admin.get("/admin/webhooks/1").text
    assert admin.post("/admin/webhooks/1/secret").status_code == 200
    assert admin.post("/admin/webhooks/1/switch", data={"to": "off"}).status_code == 303
    assert admin.post("/admin/webhooks/1/test").status_code == 303
    assert admin.post("/admin/webhooks/deliveries/99/repeat").status_code in {303, 404}
    assert admin.get("/admin/webhooks/99").status_code == 404
    assert admin.post("/admin/webhooks/1/removal").status_code == 303
    assert stage(lambda _: db.session.scalar(select(func.count()).select_from(WebhookDelivery))) == 0
