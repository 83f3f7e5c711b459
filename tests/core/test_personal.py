"""Personal data is found by its shape, and what only looks a little like it is left alone."""

import time

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


@pytest.mark.parametrize(
    "piece", ["0", "a@", "+49 ", "A", "DE89 3704 ", "1 ", "a.", "Bestellnummer ", "Aa", "1.", "(0"]
)
def test_no_text_takes_long(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    began = time.process_time()
    personal.find(text)
    assert time.process_time() - began < 1
