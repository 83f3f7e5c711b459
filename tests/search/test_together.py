"""Ten people who search at once get what each would get alone, also while something is being added."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from core.db import db
from search import indexer
from tests.cast import World
from tests.conftest import POSTGRES
from tests.kb.shelf import Shelf as Articles

WRITTEN = (
    ("en", "The router forgets its name at night", "After each restart the wireless network has another name."),
    ("en", "Cancel an order and get the money back", "Which button cancels what I have ordered?"),
    ("en", "The printer prints only blank pages", "The ink is full and the paper is new."),
    ("en", "Change the address on an invoice", "We moved, and the invoices still name the old flat."),
    ("en", "The lamp does not turn off", "The remote control blinks and nothing happens."),
    ("de", "Rücksendung anmelden und Etikett drucken", "Wo finde ich das Etikett für mein Paket?"),
    ("de", "Das Passwort lässt sich nicht ändern", "Die Seite sagt, das alte Kennwort sei falsch."),
    ("de", "Der Fernseher findet keine Sender", "Der Suchlauf endet ohne ein einziges Programm."),
    ("de", "Gutschein wird nicht angenommen", "An der Kasse heißt es, er sei abgelaufen."),
    ("de", "Lieferung kommt zu spät", "Seit einer Woche steht die Sendung im Lager."),
)
ASKED = (
    "/search?q=router+name",
    "/search?q=cancle+order",
    "/search?q=%22blank+pages%22+printer",
    "/search?q=invoice+address&locale=en",
    "/search?q=lamp+-printer&kind=topic",
    "/search/complete?q=r%C3%BCcks",
    "/search/complete?q=das+passw",
    "/search?q=Sender+Fernseher&sort=x",
    "/search/suggestions.json?q=guts",
    "/search/similar?title=Lieferung+im+Lager",
)
"""One for each of ten people."""
ADDED = 8
ROUNDS = 3


def furnish(world: World) -> None:
    for locale, title, body in WRITTEN:
        world.ask(title=title, source=body, locale=locale)
    Articles(world).published(title="Give the router another name")
    Articles(world).published(title="Reset the router of the kitchen")
    db.session.flush()


def answer(app: Flask, address: str) -> list[str]:
    """Return what a guest is shown, in its order: where it leads, which words are marked, how many there are."""
    response = app.test_client().get(address, base_url=app.extensions["klinke-settings"].base_url)
    assert response.status_code == 200
    return re.findall(
        r"/(?:t|kb)/\d+-[a-z0-9-]+|<mark>[^<]+</mark>|data-ref=\S+|[0-9]+ (?:hits?|results?)", response.text
    )


def add(app: Flask, number: int) -> None:
    """Ask something that none of the ten looks for, and have it found."""
    with app.app_context():
        world = World()
        world.ask(title=f"Zebra crossing number {number}", source="Gravel, moss and heather.", by=world.bob)
        db.session.commit()
        indexer.catch_up()
        db.session.remove()


def ten_at_once(app: Flask) -> None:
    alone = [answer(app, address) for address in ASKED]
    assert all(alone), "each finds something"
    assert [answer(app, address) for address in ASKED] == alone
    done, together = threading.Event(), threading.Barrier(len(ASKED) + 1)

    def search(address: str) -> list[list[str]]:
        together.wait(timeout=30)
        answers = []
        while len(answers) < ROUNDS or not done.is_set():
            answers.append(answer(app, address))
        return answers

    def write() -> None:
        together.wait(timeout=30)
        try:
            for number in range(ADDED):
                add(app, number)
        finally:
            done.set()

    with ThreadPoolExecutor(len(ASKED) + 1) as people:
        written = people.submit(write)
        searches = [people.submit(search, address) for address in ASKED]
        written.result(timeout=100)
        for address, expected, found in zip(ASKED, alone, searches, strict=True):
            others = [each for each in found.result(timeout=100) if each != expected]
            assert others == [], address
    assert [answer(app, address) for address in ASKED] == alone
    assert len(answer(app, "/search?q=zebra")) >= ADDED, "what was added is found"


def test_ten_at_once_over_the_embedded_index(app: Flask, stage: Callable[[Callable[[World], Any]], Any]) -> None:
    stage(furnish)
    with app.app_context():
        indexer.rebuild()
        db.session.remove()
    ten_at_once(app)


@pytest.mark.skipif(not POSTGRES, reason="needs PostgreSQL")
def test_ten_at_once_over_the_index_in_the_database(in_database: Flask) -> None:
    furnish(World())
    db.session.commit()
    indexer.rebuild()
    db.session.remove()
    ten_at_once(in_database)
