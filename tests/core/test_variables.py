"""Variables in texts that are used again: values, defaults, parts that vanish, and what is refused."""

from contextlib import nullcontext

import pytest
from flask import Flask

from core import variables
from core.errors import Invalid

KNOWN = ("customer", "agent", "version")


def filled(text: str, *, leaves_open: bool = False, **values: str) -> str:
    return variables.fill(text, values, known=KNOWN, leaves_open=leaves_open)


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("Hello {customer}!", {"customer": "Max"}, "Hello Max!"),
        ("{customer|Guten Tag}, …", {}, "Guten Tag, …"),
        ("{customer|Guten Tag}, …", {"customer": " "}, "Guten Tag, …"),
        ("{customer|Guten Tag}, …", {"customer": "Max"}, "Max, …"),
        ("Hello {customer}, yes.", {}, "Hello, yes."),
        ("{?customer}Dear {customer},\n\n{/customer}Restart it.", {"customer": "Max"}, "Dear Max,\n\nRestart it."),
        ("{?customer}Dear {customer},\n\n{/customer}Restart it.", {}, "Restart it."),
        ("{?customer}Dear {customer}{/customer}{!customer}Hello{/customer}", {}, "Hello"),
        ("{?customer}{!agent}a{/agent}{?agent}b{/agent}{/customer}", {"customer": "M", "agent": "D"}, "b"),
        ("A\n\n{?agent}x{/agent}\n\nB", {}, "A\n\nB"),
        (r"\{customer} is a variable", {"customer": "Max"}, "{customer} is a variable"),
        ("{foo} {?foo}a{/foo} ${version}", {}, "{foo} {?foo}a{/foo} $"),
        ("{customer}", {"customer": "{agent}", "agent": "Dora"}, "{agent}"),
        ("{customer}", {"customer": "Max\nMustermann"}, "Max Mustermann"),
        ("", {}, ""),
    ],
)
def test_what_stands_there_follows_from_what_is_known(text: str, values: dict[str, str], expected: str) -> None:
    assert filled(text, **values) == expected


def test_what_nobody_knows_stays_open_for_a_person_where_that_is_wanted() -> None:
    text = filled("Hi {customer}, {version|all versions}{?agent}, {agent}{/agent}", leaves_open=True)
    assert text == "Hi {customer}, all versions"
    assert variables.left_open(text, known=KNOWN) == ["{customer}"]


@pytest.mark.parametrize("left", ["{customer}", "{customer", "{?customer}", "{/customer}", "{ customer }", "{agent|"])
def test_what_was_left_open_is_found_however_damaged(left: str) -> None:
    assert variables.left_open(f"Hello {left}", known=KNOWN)


@pytest.mark.parametrize("plain", ["{customers}", "{foo}", "${version}", '{"customer": 1}', "{}", "customer"])
def test_other_braces_are_nobodys_business(plain: str) -> None:
    assert variables.left_open(plain, known=KNOWN) == []


@pytest.mark.parametrize("text", ["{foo}", "{Customer}", "{?foo}a{/foo}", "{kunde|Sie}", "{customer", "{?customer}a"])
def test_what_can_never_be_filled_in_is_refused_with_words(app: Flask, text: str) -> None:
    with app.app_context(), pytest.raises(Invalid) as refusal:
        variables.check(text, known=KNOWN)
    assert "customer" in refusal.value.sentence


@pytest.mark.parametrize("text", [r"\{foo}", '{"a": 1}', "{customer|a}", "{?customer}{agent}{/customer}", "a { b }c"])
def test_what_can_be_filled_in_is_fine(app: Flask, text: str) -> None:
    with app.app_context():
        variables.check(text, known=KNOWN)


def test_a_drafted_text_has_no_variables_whatever_its_braces_say() -> None:
    for text in ("GET /v/{version}", r"\{customer} and \{x}", "{?agent}a{/agent}", "{foo}", "none"):
        assert filled(variables.escaped(text, known=KNOWN), version="9", agent="D", customer="M") == text


def test_the_longest_and_the_emptiest_are_both_known() -> None:
    text = "{?customer}Dear {customer}{/customer}{!customer}Ladies and gentlemen of the court{/customer}"
    full, empty = variables.extremes(text, {"customer": "nnn"})
    assert (full, empty) == ("Dear nnn", "Ladies and gentlemen of the court")


def test_a_huge_text_of_braces_takes_no_time(app: Flask) -> None:
    for text in ("{?customer}" * 400, "{" * 4000, "{customer|" * 400, "{?customer}{!customer}" * 180):
        filled(text)
        variables.left_open(text, known=KNOWN)
        with app.app_context(), pytest.raises(Invalid) if "customer" in text else nullcontext():
            variables.check(text, known=KNOWN)
