"""The linter finds what pushes customers away or promises too much, and the desk shows it with ways out."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from core import timezones
from core.db import db
from core.settings import current_settings
from desk import lint, linting, replies
from desk.lint import due, training
from desk.lint.training import Marked
from desk.models import Message
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received

Stage = Callable[[Callable[[World], Any]], Any]
BERLIN = "Europe/Berlin"
WEDNESDAY = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)


def drafts() -> list[Marked]:
    """Invented drafts of every kind: those that the model was not made from."""
    return training.invented(held=True)


def test_places_are_those_of_the_text_itself() -> None:
    for draft in drafts():
        for prefix in ("", "🎧 \u202eÄ\u0301 ", "\u00a0\n"):
            text = prefix + draft.text
            for one in lint.issues(text, public=draft.is_public):
                assert text[one.start : one.end] == one.value
                assert one.due is None or one.due in one.value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "\u202e\u200f\u2067" * 500,
        "🎉" * 5000,
        "a" * 20_000,
        "!?" * 10_000,
        "„" * 20_000,
        "Bitte rufen Sie an, " * 1000,
        "by " * 6000,
        "am am am im bis " * 1200,
        "0171 " * 4000,
        "@example" * 2500,
        "İ" * 3000 + " I'll call you by Friday",
        "(((((" * 4000,
        "A" * 20_000,
        "ab, " * 5000,
        "a." * 10_000,
        "1-" * 10_000,
        "A1 " * 6000,
        "Main Main Main " * 1300,
        " ".join(f"w{number}," for number in range(3000)),
    ],
)
def test_rubbish_takes_no_longer_than_words(text: str) -> None:
    for one in lint.issues(text):
        assert text[one.start : one.end] == one.value


def test_any_piece_of_any_draft_can_be_read() -> None:
    drawn = random.Random(7)  # noqa: S311 -- draws lots, guards nothing
    every = " ".join(draft.text for draft in drafts())
    for _ in range(60):
        start = drawn.randrange(len(every))
        piece = every[start : start + drawn.randrange(1, 400)]
        for one in lint.issues(piece):
            assert piece[one.start : one.end] == one.value


@pytest.mark.parametrize(
    ("said", "day", "clock"),
    [
        ("morgen Vormittag", "2026-11-26", "12:00"),
        ("morgen", "2026-11-26", "18:00"),
        ("heute noch", "2026-11-25", "18:00"),
        ("noch heute Abend", "2026-11-25", "22:00"),
        ("übermorgen früh", "2026-11-27", "12:00"),
        ("bis Ende der Woche", "2026-11-27", "18:00"),
        ("in zwei Stunden", "2026-11-25", "11:30"),
        ("in einer halben Stunde", "2026-11-25", "10:00"),
        ("in 20 Minuten", "2026-11-25", "09:50"),
        ("binnen zwei Werktagen", "2026-11-27", "18:00"),
        ("innerhalb von drei Werktagen", "2026-11-30", "18:00"),
        ("in den nächsten Tagen", "2026-11-28", "18:00"),
        ("KW 49", "2026-12-04", "18:00"),
        ("KW 18", "2027-05-07", "18:00"),
        ("am Montag", "2026-11-30", "18:00"),
        ("Mittwoch", "2026-12-02", "18:00"),
        ("um 15:30 Uhr", "2026-11-25", "15:30"),
        ("bis 18h", "2026-11-25", "18:00"),
        ("um 8 Uhr", "2026-11-26", "08:00"),
        ("am 3. Mai", "2027-05-03", "18:00"),
        ("am 3.12.", "2026-12-03", "18:00"),
        ("Mitte Juni", "2027-06-20", "18:00"),
        ("übers Wochenende", "2026-11-29", "18:00"),
        ("Anfang nächster Woche", "2026-12-01", "18:00"),
        ("by Friday", "2026-11-27", "18:00"),
        ("by close of business", "2026-11-25", "18:00"),
        ("by 4 pm today", "2026-11-25", "16:00"),
        ("tomorrow between 9 and 11", "2026-11-26", "11:00"),
        ("first thing tomorrow", "2026-11-26", "10:00"),
        ("over the weekend", "2026-11-29", "18:00"),
        ("within 24 hours", "2026-11-26", "09:30"),
        ("some time next week", "2026-12-04", "18:00"),
        ("from 1 June", "2027-06-01", "18:00"),
        ("on Monday morning", "2026-11-30", "12:00"),
        ("before Christmas", "2026-12-24", "18:00"),
        ("by Easter", "2027-03-26", "18:00"),
        ("by the end of the month", "2026-11-30", "18:00"),
        ("in half an hour", "2026-11-25", "10:00"),
    ],
)
def test_a_time_is_a_moment_in_business(said: str, day: str, clock: str) -> None:
    found = due.resolve(said, at=WEDNESDAY, zone=BERLIN)
    assert found is not None
    assert timezones.local(found, BERLIN).strftime("%Y-%m-%d %H:%M") == f"{day} {clock}"


@pytest.mark.parametrize("said", ["zeitnah", "in due course", "im nächsten Sprint", "am 31. Februar", "KW 99", ""])
def test_where_no_moment_follows_there_is_none(said: str) -> None:
    assert due.resolve(said, at=WEDNESDAY, zone=BERLIN) is None


def test_a_time_is_by_the_clock_of_the_installation() -> None:
    there = due.resolve("tomorrow morning", at=WEDNESDAY, zone="America/New_York")
    assert there == datetime(2026, 11, 26, 17, 0, tzinfo=UTC)


def test_shouting_is_said_calmly() -> None:
    assert linting.calm("PLEASE READ THE PINNED POST!!!") == "Please read the pinned post!"
    assert linting.calm("WARUM DENN NICHT?!") == "Warum denn nicht?"


def test_the_api_answers_as_the_contract_says(
    stage: Stage, browser_of: Callable[[str], Browser], token_of: Callable[..., str], app: Any
) -> None:
    stage(lambda world: world.dora.id)
    client = app.test_client()
    headers = {"Authorization": f"Bearer {token_of('dora', 'desk')}"}
    text = "Rufen Sie uns bitte an. Ich melde mich morgen Vormittag."
    answer = client.post("/api/v1/lint", json={"text": text, "channel": "mastodon", "public": True}, headers=headers)
    assert answer.status_code == 200
    found = answer.get_json()["issues"]
    assert [one["type"] for one in found] == ["send_elsewhere_phone", "promise"]
    assert all(text[one["start"] : one["end"]] == one["value"] for one in found)
    assert found[1]["due"] == "morgen Vormittag"
    assert found[1]["due_at"]
    assert client.post("/api/v1/lint", json={"text": text}).status_code == 401
    assert client.post("/api/v1/lint", json={"text": "x" * 20_001}, headers=headers).status_code == 422


def test_way_out_is_the_channels_own_and_sending_goes_on(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    conversation_id: int = stage(
        lambda world: (world.dora, received(channel(world, endpoint="https://social.example/replies")).conversation_id)[
            1
        ]
    )
    agent = browser_of("dora")
    path = f"/desk/conversations/{conversation_id}/replies"
    page = agent.post(path, data={"text": "Please email us at care@bank.example."})
    assert page.status_code == 409
    assert "Ask for a private message" in page.text
    way = page.text.split('name="mend" value="')[1].split('"')[0]
    mended = agent.post(path, data={"text": "Please email us at care@bank.example.", "mend": way})
    assert "Please send us the details as a private message." in mended.text
    sent = agent.post(path, data={"text": "Thank you, the lamp is fixed."})
    assert sent.status_code == 303, "what nothing speaks against goes out at once"


def test_while_typing_a_fragment_says_what_is_found(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    conversation_id: int = stage(
        lambda world: (world.dora, world.bob, received(channel(world, endpoint="https://a.example/r")).conversation_id)[
            2
        ]
    )
    path = f"/desk/conversations/{conversation_id}/lint"
    agent = browser_of("dora")
    page = agent.post(path, data={"text": "I'll call you by Friday."})
    assert page.status_code == 200
    assert "A promise" in page.text
    assert "<html" not in page.text
    assert agent.post(path, data={"text": ""}).text.strip() == ""
    assert agent.post(path, data={"text": "x" * 60_000}).status_code == 200
    assert browser_of("bob").post(path, data={"text": "I'll call you."}).status_code == 403
    assert stage(lambda _: db.session.query(Message).filter_by(direction="out").count()) == 0


def test_a_program_is_not_stopped(world: World) -> None:
    world.everybody()
    conversation = received(channel(world, endpoint="https://social.example/replies")).conversation
    assert replies.reply(conversation, text="PLEASE CALL US!!!", by=world.dora).state == "queued"


def test_a_page_of_the_installation_is_neither_inside_nor_elsewhere(world: World) -> None:
    text = "Siehe {}/kb/1-lampe."
    assert {one.type for one in lint.issues(text.format("https://wiki.intern.lampenhaus.example"))} == {"internal"}
    assert linting.look(text.format(current_settings().base_url), public=True, locale="de") == []


def test_the_port_of_an_address_is_nobodys_number() -> None:
    text = "Hello, sorry to hear that. Open the settings and choose Lights. http://127.0.0.1:42783/kb/31-night-light"
    assert lint.issues(text, public=True) == []
