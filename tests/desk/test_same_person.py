"""Where a service has ids of its own for people, one who takes another handle stays the same contact."""

from typing import Any

from sqlalchemy import select

from core.clock import now
from core.db import db
from desk import inbox
from desk.channels.base import IncomingMessage
from desk.models import Contact, Message
from tests.cast import World
from tests.desk import stage


def told(number: int, **about: Any) -> IncomingMessage:
    values = {"conversation": "t", "text": "Hello", "created_at": now(), "is_public": True} | about
    return IncomingMessage(id=f"m{number}", **values)


def handles() -> dict[str | None, str]:
    return {one.external_id: one.handle for one in db.session.scalars(select(Contact))}


def test_another_handle_is_the_same_contact(world: World) -> None:
    channel = stage.channel(world)
    inbox.receive(channel, told(1, handle="@max.example", person_id="did:1"))
    inbox.receive(channel, told(2, handle="@maximilian.example", person_id="did:1"))
    assert handles() == {"did:1": "@maximilian.example"}
    assert db.session.scalars(select(Contact)).one().handle_key == "maximilian.example"


def test_who_takes_a_handle_that_somebody_had_is_another_contact(world: World) -> None:
    channel = stage.channel(world)
    inbox.receive(channel, told(1, handle="@max.example", person_id="did:1"))
    inbox.receive(channel, told(2, handle="@max.example", person_id="did:2"))
    assert handles() == {"did:1": "did:1", "did:2": "@max.example"}
    inbox.receive(channel, told(3, handle="@old-max.example", person_id="did:1"))
    assert handles() == {"did:1": "@old-max.example", "did:2": "@max.example"}
    wrote = {one.external_id: one.contact.external_id for one in db.session.scalars(select(Message)) if one.contact}
    assert wrote == {"m1": "did:1", "m2": "did:2", "m3": "did:1"}


def test_two_who_change_handles_with_each_other_stay_who_they_are(world: World) -> None:
    channel = stage.channel(world)
    inbox.receive(channel, told(1, handle="@a.example", person_id="did:1"))
    inbox.receive(channel, told(2, handle="@b.example", person_id="did:2"))
    inbox.receive(channel, told(3, handle="@b.example", person_id="did:1"))
    inbox.receive(channel, told(4, handle="@a.example", person_id="did:2"))
    assert handles() == {"did:1": "@b.example", "did:2": "@a.example"}


def test_who_was_known_by_the_handle_alone_is_known_by_the_id_from_then_on(world: World) -> None:
    channel = stage.channel(world)
    inbox.receive(channel, told(1, handle="@max.example"))
    inbox.receive(channel, told(2, handle="@max.example", person_id="did:1"))
    assert handles() == {"did:1": "@max.example"}
