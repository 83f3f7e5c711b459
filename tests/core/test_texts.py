"""Texts are decoded, bearable and harmless before they are stored."""

import pytest
from flask import Flask

from core import texts
from core.errors import Invalid


def test_a_line_is_one_line_in_nfc_without_edges() -> None:
    assert texts.line("  Gru\u0308ße \n aus  Köln ", longest=40) == "Grüße aus Köln"


def test_a_block_keeps_its_lines_and_its_indentation() -> None:
    assert texts.block("\r\n    code\r\nText  \r\n\r\n", longest=40) == "    code\nText"


def test_direction_marks_are_taken_out_and_umlauts_stay() -> None:
    assert texts.line("ab\u202ecd\u2066 äöü", longest=20) == "abcd äöü"


@pytest.mark.parametrize("damaged", ["a\0b", "a\x1bb", "half \ud83d pair"])
def test_what_cannot_be_stored_is_refused_with_a_sentence(app: Flask, damaged: str) -> None:
    with app.test_request_context(), pytest.raises(Invalid) as refusal:
        texts.line(damaged, longest=20)
    assert refusal.value.sentence.endswith(".")


def test_too_long_says_by_how_much_before_anything_expensive_happens(app: Flask) -> None:
    with app.test_request_context(), pytest.raises(Invalid, match="Too long by 999990 characters; 10 fit"):
        texts.line("\u0315\u0316" * 500_000, longest=10)


def test_too_short_says_how_much_is_asked_for(app: Flask) -> None:
    with app.test_request_context():
        with pytest.raises(Invalid, match="still empty"):
            texts.line("   ", longest=10, shortest=3)
        with pytest.raises(Invalid, match="3 characters or more"):
            texts.line("ab", longest=10, shortest=3)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Kein WLAN nach Update", "kein-wlan-nach-update"),
        ("Größe ändern? Überall!", "groesse-aendern-ueberall"),
        ("Café & Crème", "cafe-creme"),
        ("日本語", "x"),
        ("-- !! --", "x"),
    ],
)
def test_a_slug_is_readable_and_ascii(title: str, slug: str) -> None:
    assert texts.slug(title) == slug


@pytest.mark.parametrize(("typed", "number"), [("7", 7), ("0", 0), ("9" * 18, 10**18 - 1)])
def test_digits_are_a_number(typed: str, number: int) -> None:
    assert texts.number(typed) == number


@pytest.mark.parametrize("typed", ["", "-1", "1.0", " 7", "²", "٧", "9" * 19])
def test_what_is_no_number_that_a_row_can_have_is_none(typed: str) -> None:
    assert texts.number(typed) is None
