"""Who the customers of the demonstration are: one writes on two channels, marks, calls, and the secure counter."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import select

from accounts.models import User
from core.clock import now
from core.db import db
from demo import channel as channels
from desk import calls, connections, counters, inbox, notes_on_people, persons
from desk.calls import Again, Said
from desk.channels.base import EarlierPost, IncomingMessage
from desk.models import Contact, Conversation

THANKED: Final = "ulmenfunk:c04"
TIRED: Final = "ulmenfunk:c02"
SERVED: Final = "ulmenfunk:c03"
MAILED: Final = "ulmenfunk:c07"
SAID: Final = (
    "Die Rechnung stimmt immer noch nicht, @ulmenfunk. Ich hatte Ihnen deswegen schon gemailt. Hat das jemand gelesen?"
)
BEFORE: Final = (
    (
        "pappelhof",
        "Jo Pappel",
        "Umgezogen, und die Hälfte der Firmen schreibt noch an die alte Adresse. Bei euch auch?",
    ),
    (
        "ulmenfunk",
        "Ulmenfunk",
        "Ein Umzug steht bei uns in der App unter „Vertrag → Anschrift“. Das dauert keine Minute.",
    ),
)


def begin(everybody: Mapping[str, User]) -> None:
    """Have it be known."""
    ada = everybody["ada"]
    notes_on_people.mark(
        _conversation(THANKED).contact, is_positive=True, note="Lobt öffentlich, freut sich über ein Danke.", by=ada
    )
    notes_on_people.mark(
        _conversation(TIRED).contact,
        is_positive=False,
        note="Dritter Versuch mit den Batterien: gleich zur Sache kommen, keine Standardtipps.",
        by=ada,
    )
    mailed = _conversation(MAILED)
    calls.note(
        mailed,
        Said(
            kind="call_out",
            result="no_answer",
            caller="Heike Lindner",
            number="030 555 0123",
            text="Wollte sagen, dass die neue Rechnung kommt. Niemand ging ans Telefon.",
        ),
        at=now() - timedelta(minutes=10),
        by=ada,
    )
    _calls(by=ada, admin=everybody["ruth"])
    persons.join(_also_in_public(), mailed.contact, proof="claimed", by=ada)
    served = counters.open_for(_conversation(SERVED), asks=["identity", "callback"], in_public=True, by=ada)
    counters.submit(
        served,
        said={
            "name": "Robin Beispiel",
            "customer_number": "K-20417",
            "phone": "030 555 0142",
            "slot": counters.slots()[1].value,
            "text": "My new address is robin@post.example. The old one is gone with the job.",
        },
        files=[],
    )


def _calls(*, by: User, admin: User) -> None:
    """Have the telephone ring twice: one caller waits, the other has an answer."""
    on = connections.connect(
        "phone",
        slug="telefon",
        name="Telefon",
        values={"country": "49", "hours": "Montag bis Freitag, 9 bis 17 Uhr"},
        by=admin,
    )
    waits = calls.note_new(
        Said(
            kind="call_in",
            result="call_again",
            caller="Georg Ahorn",
            number="0171 555 0177",
            text="Der Router startet seit gestern Abend immer wieder neu. Das Netzteil hat er schon getauscht.",
        ),
        channel=on,
        locale="de",
        again=Again(since=now(), until=now() + timedelta(hours=6), owner=by),
        at=now() - timedelta(minutes=14),
        by=by,
    )
    calls.attempt_again(waits.conversation, at=now() - timedelta(minutes=9), by=by)
    served = calls.note_new(
        Said(
            kind="visit",
            result="reached",
            caller="Nele Birke",
            text="Kam mit dem alten Receiver vorbei und fragte, wohin er zurückgeschickt wird.",
        ),
        channel=on,
        locale="de",
        at=now() - timedelta(minutes=13),
        by=by,
    )
    calls.note(
        served.conversation,
        Said(
            kind="call_out",
            result="reached",
            caller="Nele Birke",
            number="040 555 0166",
            text="Den Aufkleber für die Rücksendung gibt es in der App unter „Geräte“. Sie hat ihn gefunden.",
            is_answer=True,
        ),
        at=now() - timedelta(minutes=11),
        by=by,
    )


def _also_in_public() -> Contact:
    at = now() - timedelta(minutes=9)
    message = inbox.receive(
        channels.open_once(),
        IncomingMessage(
            conversation="demo-invoice",
            id="demo-invoice-1",
            text=SAID,
            created_at=at,
            is_public=True,
            handle=channels.address("heikel"),
            name="Heike L.",
            locale="de",
            thread=tuple(
                EarlierPost(
                    id=f"demo-before-{number}",
                    text=text,
                    created_at=at - timedelta(minutes=30 - 10 * number),
                    handle=channels.address(handle),
                    name=name,
                    is_ours=handle == channels.HOUSE,
                )
                for number, (handle, name, text) in enumerate(BEFORE)
            ),
        ),
    )
    assert message is not None  # noqa: S101 -- for the type checker: it is taken in once
    assert message.contact is not None  # noqa: S101 -- the same: somebody wrote it
    return message.contact


def _conversation(source_id: str) -> Conversation:
    return db.session.scalars(select(Conversation).where(Conversation.source_id == source_id)).one()
