"""Cards of other systems: asked on purpose, noted, through the guarded way out, and whatever comes back is harmless."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from core.db import db
from core.errors import Invalid, NotAllowed
from desk import cards
from desk.models import Contact
from desk.person_models import CardAnswer, CardLook, CardSource
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
FIELDS = (
    "Contract: customer.contract\nSince: customer.since\nTags: tags\nFirst order: orders.0.state\nPaid: customer.paid"
)
GOOD = {
    "customer": {"contract": "Home L", "since": 2019, "paid": True, "secret": "Quittenmus"},
    "orders": [{"state": "sent <b>"}],
    "tags": ["loyal", {"x": 1}, "kind"],
}


class System:
    """Another system of the house; `answer` is what it says next."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = says(200, json.dumps(GOOD).encode())
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                system.asked.append((self.path, dict(self.headers.items())))
                system.answer(self)

            def log_message(self, *_args: Any) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def says(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        try:
            handler.wfile.write(body)
        except OSError:
            handler.close_connection = True  # the other side has read enough

    return answer


def sleeps(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(3)
    handler.close_connection = True


@pytest.fixture
def system(app: Flask) -> Iterator[System]:
    there = System()
    before = app.extensions["klinke-settings"]
    trusted = {"private_endpoints": f"127.0.0.1:{there.port}", "card_seconds": 1}
    app.extensions["klinke-settings"] = before.model_copy(update=trusted)
    yield there
    app.extensions["klinke-settings"] = before
    there.close()


def source_at(world: World, port: int, path: str = "/customers?handle={handle}", **about: str) -> CardSource:
    said = {
        "name": "CRM",
        "url": f"http://127.0.0.1:{port}{path}",
        "headers": "Authorization: Bearer geheim",
        "fields": FIELDS,
        "purpose": "To see which contract somebody has.",
        **about,
    }
    return cards.add(**said, by=world.root)


def contact(world: World, handle: str = "@max@social.example") -> Contact:
    world.everybody()
    found = props.received(props.channel(world), handle=handle).contact
    assert found is not None
    return found


def looked(world: World, source: CardSource, whom: Contact) -> cards.Card:
    look = cards.look_up(source, whom, reason="Asks for an invoice", by=world.dora)
    card = cards.card(look.id, viewer=world.dora)
    assert card is not None
    return card


def test_what_was_named_is_shown_and_nothing_else(world: World, system: System) -> None:
    whom = contact(world, "@max&admin=1#x/../é")
    source = source_at(world, system.port)
    card = looked(world, source, whom)
    assert [(row.label, row.value) for row in card.rows] == [
        ("Contract", "Home L"),
        ("Since", "2019"),
        ("Tags", "loyal, kind"),
        ("First order", "sent <b>"),
        ("Paid", "yes"),
    ]
    path, headers = system.asked[0]
    assert path == "/customers?handle=%40max%26admin%3D1%23x%2F..%2F%C3%A9"
    assert headers["Authorization"] == "Bearer geheim"
    stored = db.session.execute(text("select headers from card_source")).scalar_one()
    kept = db.session.execute(text("select rows from card_answer")).scalar_one()
    assert "geheim" not in stored
    assert "Home" not in kept


def test_every_look_is_noted_and_seen_by_who_looked(world: World, system: System) -> None:
    whom, source = contact(world), source_at(world, system.port)
    looked(world, source, whom)
    looked(world, source, whom)
    assert len(system.asked) == 1  # a moment later it is still known
    looks = cards.looks_at([whom.id])
    assert [(look.by_id, look.reason) for look in looks] == [(world.dora.id, "Asks for an invoice")] * 2
    assert cards.card(looks[0].id, viewer=world.root) is None
    with pytest.raises(Invalid):
        cards.look_up(source, whom, reason=" ", by=world.dora)
    for by in (world.alice, world.ada, world.emil):
        with pytest.raises(NotAllowed):
            cards.look_up(source, whom, reason="Curious", by=by)
    assert db.session.query(CardLook).count() == 2
    cards.remove(source.id, by=world.root)
    assert db.session.query(CardAnswer).count() == 0
    assert db.session.query(CardLook).count() == 2


@pytest.mark.parametrize(
    "answer",
    [
        says(200, b"<html><script>alert(1)</script></html>"),
        says(200, b"[" * 500_000),
        says(200, b'{"customer": ' + b"9" * 10_000 + b"}"),
        says(200, b"x" * 10_000_000),
        says(200, b"\xff\xfe\x00"),
        says(302, b"", Location="http://169.254.169.254/"),
        says(500, b"broken"),
        says(404, b"{}"),
        sleeps,
    ],
)
def test_a_hostile_answer_is_a_sentence(world: World, system: System, answer: Any) -> None:
    whom, source = contact(world), source_at(world, system.port)
    system.answer = answer
    card = looked(world, source, whom)
    assert card.look.failure
    assert list(card.rows) == []
    assert db.session.query(CardAnswer).count() == 0


@pytest.mark.parametrize(
    "told", [{}, [], "x", 1, None, {"customer": {"contract": {"a": {}}}}, {"customer": [1, 2]}, {"orders": {"0": {}}}]
)
def test_an_answer_of_another_shape_shows_what_fits(world: World, system: System, told: Any) -> None:
    whom, source = contact(world), source_at(world, system.port)
    system.answer = says(200, json.dumps(told).encode())
    card = looked(world, source, whom)
    assert (card.look.failure, list(card.rows)) == ("", [])


def test_long_and_broken_words_are_mended(world: World, system: System) -> None:
    whom, source = contact(world), source_at(world, system.port)
    told = {"customer": {"contract": "\u202eevil\x00" + "y" * 9000, "since": "\ud800 half"}}
    system.answer = says(200, json.dumps(told).encode())
    rows = {row.label: row.value for row in looked(world, source, whom).rows}
    assert len(rows["Contract"]) <= cards.LONGEST_VALUE
    assert "\u202e" not in rows["Contract"]
    assert rows["Since"].endswith("half")


def test_the_way_out_is_guarded(world: World, settings: Callable[..., None]) -> None:
    whom = contact(world)
    source = cards.add(
        name="CRM",
        url="http://crm.example.org/{handle}",
        headers="",
        fields=FIELDS,
        purpose="To see the contract.",
        by=world.root,
    )
    source.url = "http://127.0.0.1:80/{handle}"
    card = looked(world, source, whom)
    assert "127.0.0.1" in card.look.failure
    nobody = looked(world, source, contact_named(world, ".."))
    assert nobody.look.failure


def contact_named(world: World, handle: str) -> Contact:
    channel = db.session.scalars(select(Contact)).first()
    assert channel is not None
    found = props.received(channel.channel, handle=handle, id=f"post-{handle}").contact
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://{handle}.example.org/"),
        ("url", "{handle}://crm.example.org/{handle}"),
        ("url", "http://crm.example.org/all"),
        ("url", "http://crm.example.org/{password}"),
        ("url", "http://127.0.0.1/{handle}"),
        ("url", "http://[::1]/{handle}"),
        ("url", "file:///etc/passwd?{handle}"),
        ("url", "http://user:pass@crm.example.org/{handle}"),
        ("headers", "Host: other.example"),
        ("headers", "no colon"),
        ("headers", "X-Key: ä"),
        ("fields", "no path"),
        ("fields", ""),
        ("purpose", "short"),
        ("name", ""),
    ],
)
def test_what_an_admin_mistypes_is_said_at_its_field(world: World, field: str, value: str) -> None:
    world.everybody()
    good = {
        "name": "CRM",
        "url": "https://crm.example.org/{handle}",
        "headers": "",
        "fields": FIELDS,
        "purpose": "To see the contract.",
    }
    with pytest.raises(Invalid) as refusal:
        cards.add(**{**good, field: value}, by=world.root)
    assert set(refusal.value.fields) == {field}
    with pytest.raises(NotAllowed):
        cards.add(**good, by=world.dora)


def test_the_page_lives_whatever_comes_back(stage: Stage, browser_of: BrowserOf, system: System) -> None:
    def scene(world: World) -> tuple[int, int]:
        return contact(world).id, source_at(world, system.port).id

    contact_id, source_id = stage(scene)
    root, dora = browser_of("root"), browser_of("dora")
    admin = root.get("/admin/cards").text
    assert "geheim" not in admin
    where = f"/desk/contacts/{contact_id}"
    assert "To see which contract" in dora.get(where).text
    assert system.asked == []  # looking at the page asks nobody
    assert dora.post(f"{where}/cards/{source_id}", data={f"card-{source_id}-reason": ""}).status_code == 422
    shown = dora.post(f"{where}/cards/{source_id}", data={f"card-{source_id}-reason": "Asks for it"})
    assert shown.status_code == 303
    page = dora.get(shown.headers["Location"]).text
    assert "Home L" in page
    assert "sent &lt;b&gt;" in page
    assert "Quittenmus" not in page
    assert "Home L" not in root.get(shown.headers["Location"]).text
    system.answer = says(500, b"")
    stage(lambda _world: db.session.execute(text("delete from card_answer")))
    failed = dora.post(f"{where}/cards/{source_id}", data={f"card-{source_id}-reason": "Asks again"})
    assert "Nothing was told" in dora.get(failed.headers["Location"]).text
    assert root.post("/admin/cards", data={"name": "Typed", "url": "x"}).status_code == 422
    assert root.post(f"/admin/cards/{source_id}/removal").status_code == 303
    assert dora.post(f"{where}/cards/{source_id}", data={}).status_code == 404
