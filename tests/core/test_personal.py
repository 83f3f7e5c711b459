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


def test_every_placeholder_list_and_desk_is_left_alone() -> None:
    text = (
        "scp user@host.dom, first.last@something.org, foo@example.org, listmaster@lists.debian.org, "
        "info@shop.example; ff02::1, 203.0.113.7; 5-Zylinder-Zweitaktmotor-Konfiguration; 07/30/2021; "
        "43934,5055555555591126903891563; LC-34 mit einer Umstellung der Energie; Zeile 12, String 2"
    )
    assert personal.find(text) == []


MESSAGES = [
    (
        "Mein Name ist Ottilie Quendlinger, KdNr 1170 4482 9.",
        [("name", "Ottilie Quendlinger"), ("customer_no", "1170 4482 9")],
    ),
    ("Account's 7730 0182 66, ref CV-4410-7728?", [("customer_no", "7730 0182 66"), ("order_no", "CV-4410-7728")]),
    ("Vertrag 4-771-20938, geb. 4.6.1949", [("customer_no", "4-771-20938"), ("birthdate", "4.6.1949")]),
    ("lorenzo.b at brightmail dot example it is", [("email", "lorenzo.b at brightmail dot example")]),
    ("Send it to 14 Cobbler's Row, Castle Harrow CH9 4ZZ.", [("address", "14 Cobbler's Row, Castle Harrow CH9 4ZZ")]),
    ("Ich wohne Lindenallee 14b, 48231 Oberwiek.", [("address", "Lindenallee 14b, 48231 Oberwiek")]),
    ("Ring Eoin on (555) 555-0172, or 07700 900471", [("phone", "(555) 555-0172"), ("phone", "07700 900471")]),
    ("Refund GB67 ZXKW 9902 1335 1987 90 now", [("iban", "GB67 ZXKW 9902 1335 1987 90")]),
    ("Am 28.10. auf DE90992336684503516216 gebucht", [("iban", "DE90992336684503516216")]),
    ("Frau Szymanek half. Ihr Friedhelm Ostendarp", [("name", "Szymanek"), ("name", "Friedhelm Ostendarp")]),
    ("Ms Odalys Brightwater rang", [("name", "Odalys Brightwater")]),
    ("Log says 198.51.100.24", [("ip", "198.51.100.24")]),
    ("The card is in the name of P. Marchetti-Boyle", [("name", "P. Marchetti-Boyle")]),
    ("Kundennummern 4471209 und 4471210", [("customer_no", "4471209"), ("customer_no", "4471210")]),
    ("77120934 ist meine Kundennummer", [("customer_no", "77120934")]),
]


@pytest.mark.parametrize(("text", "said"), MESSAGES, ids=lambda one: one[:30] if isinstance(one, str) else "")
def test_a_message_is_read_by_the_types_of_triage(text: str, said: list[tuple[str, str]]) -> None:
    found = personal.spans(text)
    assert [(one.type, one.value) for one in found] == said
    assert [text[one.start : one.end] for one in found] == [one.value for one in found]


@pytest.mark.parametrize(
    "text",
    [
        "Seriennummer SN-4471-2093, Artikelnummer 882-44710, Gutscheincode SOMMER-2024-99",
        "GB00 AAAA 1234 5678 9012 34 and 4111 1111 1111 1112",
        "Paid by card ending 6171 on 2 May",
        "Ring the helpline 0800 471 2093, oder die Hotline 069 90009 123",
        "Die Filiale in der Marktstraße 12 ist zu. Our shop at 14 High Street is cold.",
        "Meine Frau Petra wartet. Danke, Sinan",
        "Sherlock Holmes, Frau Holle and Mr Bean; post for Mr Current Occupier",
        "Schöne Grüße aus Bad Selm. Worst Service Ever",
        "Bei euch bin ich am 01.01.1900 geboren",
        "Firmware 7.21.3.9 on 192.168.178.1",
        "Order 66, Vertrag 12 Monate, Ticket 49 Euro, Case closed in 2023",
        "write to service@telvara.example or @sabine_k",
    ],
)
def test_what_only_looks_like_somebodys_is_left_to_triage(text: str) -> None:
    assert personal.spans(text) == []


def test_a_name_that_nothing_announces_is_made_of_no_words() -> None:
    text = "Gestern stand Wunibald Kressenstein vor der Prepaid Station"
    assert personal.spans(text, "de") == []
    words = {"gestern", "stand", "vor", "der", "prepaid", "station"}
    found = personal.spans(text, "de", is_word=lambda word: word.lower() in words)
    assert [one.value for one in found] == ["Wunibald Kressenstein"]


def test_places_are_those_of_the_text_itself() -> None:
    text = "👩‍👩‍👧 ｍａｘ＠ｐｏｓｔ．ｅｘａｍｐｌｅ &amp; Frau Süß\u200bmilch 🎂"
    found = personal.spans(text, "de")
    assert [(one.type, text[one.start : one.end]) for one in found] == [
        ("email", "ｍａｘ＠ｐｏｓｔ．ｅｘａｍｐｌｅ"),
        ("name", "Süß\u200bmilch"),
    ]


def test_the_house_allows_what_is_nobodys_secret_in_messages_too() -> None:
    rules = personal.Rules(allowed=("@klinke.example", "030 23125044"))
    assert personal.spans("anna@klinke.example, Tel. 030 / 231 250 44", "de", rules=rules) == []


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        " ",
        "Frau ",
        "Aa ",
        "1 ",
        "Kundennummer ",
        "Otto Quandel, ",
        "A. ",
        "Straße 1 ",
        "a at b dot ",
        "geb. ",
        "1/",
    ],
)
def test_no_message_takes_longer_than_in_proportion(piece: str) -> None:
    began = time.process_time()
    personal.spans((piece * 100_000)[:100_000])
    assert time.process_time() - began < 4
