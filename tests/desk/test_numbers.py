"""A number is one number however it is written, found without being read, and shown only by its end."""

import pytest
from flask import Flask

from core.errors import Invalid
from desk import numbers
from tests.cast import World

SAME = ("0171 5550100", "+49 171 555 01 00", "+49 (0) 171/5550100", "0049-171-5550100", "(0171) 5550100")


def test_however_it_is_written_it_is_one_number(world: World) -> None:
    assert {numbers.international(one) for one in SAME} == {"491715550100"}
    assert len({numbers.seal(one) for one in SAME}) == 1
    others = {numbers.seal(one) for one in ("0171 5550101", "+43 171 5550100", "0171 555010")}
    assert len(others - {numbers.seal(SAME[0])}) == 3


def test_another_country_is_home_somewhere_else(world: World) -> None:
    assert numbers.seal("0171 5550100", "43") == numbers.seal("+43 171 5550100", "49")
    assert numbers.seal("0171 5550100", "43") != numbers.seal("0171 5550100", "49")


def test_a_seal_is_keyed_and_says_nothing_of_the_number(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal = numbers.seal(SAME[0])
    assert "5550100" not in seal
    monkeypatch.setitem(app.config, "SECRET_KEY", "another house " * 4)
    assert numbers.seal(SAME[0]) != seal


@pytest.mark.parametrize("nothing", ["", "Max", "12", "1" * 21, "unknown caller"])
def test_what_nobody_can_dial_has_no_seal(world: World, nothing: str) -> None:
    assert numbers.seal(nothing) == ""


@pytest.mark.parametrize("wrong", ["12", "call me", "1" * 21, "+"])
def test_what_nobody_can_dial_is_refused_at_its_field(world: World, wrong: str) -> None:
    with pytest.raises(Invalid) as refused:
        numbers.checked(wrong)
    assert list(refused.value.fields) == ["number"]
    assert numbers.checked("") == ""
    assert numbers.checked("  030 1234 (desk) ") == "030 1234 (desk)"


def test_only_the_end_of_a_number_is_shown(world: World) -> None:
    assert numbers.masked("0171 5550123") == "••• 123"
    assert numbers.masked("110 11") == "•••", "of a short one the end would be half of it"
    assert numbers.masked("") == ""
