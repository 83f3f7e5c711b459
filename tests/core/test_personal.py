"""Personal data is found by its shape, and what only looks a little like it is left alone."""

import json
import time
from pathlib import Path

import pytest
from flask import Flask

from core import personal


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Mail me at max.muster@example.org please", "email"),
        ("Call +49 170 1234567 after six", "phone"),
        ("Meine Nummer ist 0170 1234567.", "phone"),
        ("Tel. (0711) 55 66 77 88", "phone"),
        ("DE89 3704 0044 0532 0130 00 is my account", "iban"),
        ("paid with 4111 1111 1111 1111", "card"),
        ("Meine Bestellnummer ist AB-2026-11873", "number"),
        ("Kundennr.: 4711081", "number"),
        ("my order number: 99-88123", "number"),
        ("geboren am 03.04.1971", "birthdate"),
        ("Ich wohne Hauptstraße 12 in Ulm", "address"),
        ("I live at 12 Old Mill Road", "address"),
        ("Max Muster\n89073 Ulm", "address"),
        ("from 84.17.52.10 it fails", "ip"),
    ],
)
def test_what_is_personal_is_found(app: Flask, text: str, kind: str) -> None:
    assert [one.kind for one in personal.find(text)] == [kind]
    with app.test_request_context():
        assert f"[{personal.name(kind)}]" in personal.redacted(text)  # type: ignore[arg-type]  # one of them


@pytest.mark.parametrize(
    "text",
    [
        "Error 0x80070005 since version 7.21.1234",
        "The router is at 192.168.178.1, port 8080",
        "It blinks since 2026-03-02 10:15:00",
        "RFC 5322 allows 998 characters; 12345 of them are too many",
        "WLAN auf Kanal 6 und 11, 2.4 GHz und 5 GHz",
        "4111 1111 1111 1112 is no card",
        "The MAC is 00:11:22:33:44:55",
        "I ordered one and the account works",
        "@anna wrote that 10 of 12 work",
    ],
)
def test_what_is_not_personal_is_left_alone(text: str) -> None:
    assert personal.find(text) == []


TEXTS = [json.loads(line) for line in Path(__file__).with_name("personal_texts.jsonl").read_text("utf-8").splitlines()]
RULES = personal.Rules(masks=("KD-######",), allowed=("@klinke.example", "0800 330 1000"))
PEOPLE = ("alice_k", "Anna Huber")


@pytest.mark.parametrize("text", [one for one in TEXTS if one["kind"]], ids=lambda one: one["text"][:40])
def test_every_text_of_the_set_is_caught_however_it_is_written(app: Flask, text: dict[str, str]) -> None:
    with app.test_request_context():
        found = personal.find(text["text"], rules=RULES, people=PEOPLE)
        assert (text["kind"], text["said"]) in {(one.kind, one.text) for one in found}
        clean = personal.without(text["text"], found)
        assert personal.find(clean, rules=RULES, people=PEOPLE) == []


@pytest.mark.parametrize("text", [one for one in TEXTS if not one["kind"]], ids=lambda one: one["text"][:40])
def test_nothing_of_the_set_is_taken_for_what_it_is_not(text: dict[str, str]) -> None:
    assert personal.find(text["text"], rules=RULES, people=PEOPLE) == []


def test_a_key_ends_where_it_ends(app: Flask) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n{end}\nThen restart the machine."
    for end in ("-----END PRIVATE KEY-----", ""):
        with app.test_request_context():
            left = personal.redacted(key.format(end=end))
            assert " ".join(left.split()) == "[key or password] Then restart the machine."


def test_what_the_house_allows_is_found_in_no_spelling() -> None:
    rules = personal.Rules(allowed=("+49 711 5566770", "help@klinke.example"))
    assert personal.find("Call 0711 / 556 67 70 or write to HELP@klinke.example", rules=rules) == []
    assert len(personal.find("Call 0711 / 556 67 71 or write to me@klinke.example", rules=rules)) == 2


def test_the_same_thing_has_one_key_however_it_is_written() -> None:
    keys = {personal.find(text)[0].key for text in ("+49 170 1234567", "0170/1234567", "0049 170\n123 45 67")}
    assert len(keys) == 1


@pytest.mark.parametrize("mask", ["", "#", "***", "@@@@", "*" * 4 + "AB12", "x" * 61 + "#", "abcd", "A*B*C*12"])
def test_a_shape_that_fits_everything_is_none(mask: str) -> None:
    assert not personal.is_mask(mask)


@pytest.mark.parametrize("mask", ["KD-######", "*-####", "A*-B*-##", "LIC @@@@-####"])
def test_no_shape_takes_long(mask: str) -> None:
    assert personal.is_mask(mask)
    began = time.process_time()
    for piece in ("A", "A-", "1", "A1-B1"):
        personal.find(piece * 40_000, rules=personal.Rules(masks=(mask,) * 50))
    assert time.process_time() - began < 8


@pytest.mark.parametrize(
    "piece",
    [
        "-----BEGIN PRIVATE KEY-----",
        "0",
        "a@",
        "&#",
        "\\.",
        "1::",
        "eyJa.",
        "aB3",
        "Gruß A",
        "pin ",
        "(at)",
        "4 ",
        "\u200b0",
        "a.b@c.d(dot)",
        "+49 ",
        "A",
        "DE89 3704 ",
        "1 ",
        "a.",
        "Bestellnummer ",
        "Aa",
        "1.",
        "(0",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    began = time.process_time()
    personal.find(text)
    assert time.process_time() - began < 1
