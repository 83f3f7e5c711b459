"""The search at the slash in a real browser: a combobox for the keyboard, and nothing typed is lost."""

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Walker

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SHOTS = os.environ.get("KLINKE_TEST_SHOTS", "")
"""A folder for pictures of the pages, for people to look at."""
RESTART = "schalten Sie es wieder ein"
"""Stands in a block of the demonstration."""


def shoot(walker: Walker, name: str) -> None:
    if SHOTS:
        walker.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def test_the_slash_finds_puts_in_and_gives_back(walker: Callable[..., Walker]) -> None:
    ada = walker(locale="de", script=True, width=1440, dark=False)
    ada.sign_in("ada")
    page = ada.page
    ada.open("/desk")
    ada.press("a.table__link:has-text('WLAN')")
    field, box = page.locator("#text"), page.locator("#reach")
    field.fill("Davor. Danach.")
    field.evaluate("(it) => { it.focus(); it.setSelectionRange(7, 7); }")
    page.keyboard.type("/")
    expect(box).to_be_focused()
    expect(page.locator("#reach-list [role=option]").first).to_be_visible()
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.type("strom")
    expect(page.locator("#reach-list [role=option][aria-selected=true]")).to_contain_text(RESTART)
    active = box.get_attribute("aria-activedescendant")
    assert active is not None
    expect(page.locator(f"#{active}")).to_contain_text(RESTART)
    ada.look()
    shoot(ada, "slash")
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    assert field.input_value().startswith("Davor. ")
    assert field.input_value().endswith("Danach.")
    assert RESTART in field.input_value()
    expect(page.locator("input[name=uses]")).to_have_count(1)
    page.keyboard.press("Control+z")
    expect(field).to_have_value("Davor. Danach.")
    for typed, left in (("und / oder", "und / oder"), (" 1/2 https://a.example/b", " 1/2 https://a.example/b")):
        field.fill("")
        page.keyboard.type(typed)
        expect(field).to_have_value(left)
    page.keyboard.type(" ::nichts")
    expect(box).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_have_value(" 1/2 https://a.example/b ::nichts")


def test_without_a_script_the_panel_does_the_same(walker: Callable[..., Walker]) -> None:
    ada = walker(locale="en", script=False, width=360, dark=True)
    ada.sign_in("ada")
    page = ada.page
    ada.open("/desk")
    ada.press("a.table__link:has-text('WLAN')")
    page.fill("#text", "Davor.")
    ada.press("button[name=preview] >> nth=0")
    expect(page.locator("#preview h3")).to_be_visible()
    expect(page.locator("#text")).to_have_value("Davor.")
    shoot(ada, "preview-phone")
    ada.press("#preview button[name=insert] >> nth=0")
    assert page.locator("#text").input_value().startswith("Davor. ")
    expect(page.locator("input[name=uses]")).to_have_count(1)
