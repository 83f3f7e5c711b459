"""The inbox in a real browser: all by keys, nothing moves under whoever stands in the list, and no script is needed."""

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Walker

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SHOTS = os.environ.get("KLINKE_TEST_SHOTS", "")
"""A folder for pictures of the pages, for people to look at."""
LIVE_MILLISECONDS = 30_000


def shoot(walker: Walker, name: str) -> None:
    if SHOTS:
        walker.page.screenshot(path=f"{SHOTS}/inbox-{name}.png")


def grumble(guest: Walker, handle: str, text: str) -> None:
    """Have somebody write on the square, from where it comes to the desk."""
    guest.open("/demo/plaza")
    guest.page.fill("main input[name=handle]", handle)
    guest.page.fill("main textarea[name=text]", text)
    guest.press("main form[method=post] button.button--primary")


@pytest.mark.parametrize(("locale", "dark"), [("en", False), ("de", True)], ids=["en", "de and dark"])
def test_everything_is_reached_by_keys(walker: Callable[..., Walker], locale: str, dark: bool) -> None:
    grumble(walker(), "lena", "Mein WLAN ist seit gestern so langsam, hat das noch jemand?")
    ada = walker(locale=locale, dark=dark)
    ada.sign_in("ada")
    page = ada.page
    ada.open("/desk")
    shoot(ada, f"list-{locale}")
    page.keyboard.press("?")
    expect(page.locator("dialog[data-keys-help]")).to_be_visible()
    ada.look()
    shoot(ada, f"keys-{locale}")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#look")).to_be_focused()
    page.keyboard.type("n")
    assert page.input_value("#look") == "n", "who types, types"
    page.locator("#look").fill("")
    page.locator("h1").click()
    page.keyboard.press("j")
    first = page.locator("[data-keys-item] a").first
    expect(first).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("[data-keys-item] input[type=checkbox]").first).to_be_checked()
    page.select_option("#deed", "snooze")
    ada.press("#bulk button[type=submit]")
    shoot(ada, f"preview-{locale}")
    ada.press("button[name=do]")
    shoot(ada, f"done-{locale}")
    ada.press("form[action$='/undo'] button")
    ada.open("/desk")
    with page.expect_navigation():
        page.keyboard.press("n")
    ada.look()
    assert "/desk/conversations/" in page.url
    shoot(ada, f"conversation-{locale}")
    page.keyboard.press("s")
    expect(page.locator("details.menu button[name=minutes]").first).to_be_focused()
    ada.look()
    shoot(ada, f"snooze-{locale}")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("e")
    assert page.input_value("#text").endswith("e")
    page.locator("#text").fill("")
    page.locator("#conversation-title").click()
    with page.expect_navigation():
        page.keyboard.press("e")
    look_around(ada, page.url.split("#")[0].removeprefix(ada.base) + "/history", locale)


def look_around(ada: Walker, history: str, locale: str) -> None:
    """Look at the pages beside the inbox, then switch the single keys off."""
    page = ada.page
    for path, name in (
        (history, "history"),
        ("/desk/checklist", "checklist"),
        ("/desk/views/new", "view"),
        ("/desk?view=lost", "lost"),
    ):
        ada.open(path)
        shoot(ada, f"{name}-{locale}")
    ada.open("/desk")
    page.keyboard.press("?")
    page.locator("#keys-on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator("[data-keys-item] a").first).not_to_be_focused()


def test_nothing_moves_under_whoever_stands_in_the_list(walker: Callable[..., Walker]) -> None:
    guest, ada = walker(), walker()
    grumble(guest, "lena", "Mein WLAN ist seit gestern so langsam.")
    ada.sign_in("ada")
    page = ada.page
    ada.open("/desk?view=all")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("j")
    stands = page.evaluate("document.activeElement.href")
    before = page.evaluate("document.activeElement.getBoundingClientRect().top")
    lines = page.locator("[data-live-item]").count()
    grumble(guest, "otto", "Ist das Netz bei euch auch weg?")
    note = page.locator(".live button")
    expect(note).to_be_visible(timeout=LIVE_MILLISECONDS)
    assert page.evaluate("document.activeElement.href") == stands
    assert page.locator("[data-live-item]").count() == lines
    moved = page.evaluate("document.activeElement.getBoundingClientRect().top") - before
    shoot(ada, "live")
    assert abs(moved) < 1, "the word that there is more has its place already"
    assert page.locator(".live[role=status]").count() == 1
    ada.look()
    note.click()
    expect(page.locator("[data-live-item]", has_text="otto")).to_have_count(1)
    page.locator("h1").click()
    page.evaluate("document.activeElement.blur()")
    grumble(guest, "pia", "Hallo, jemand da?")
    expect(page.locator("[data-live-item]", has_text="pia")).to_have_count(1, timeout=LIVE_MILLISECONDS)
    assert page.evaluate("document.activeElement === document.body"), "nothing takes the focus"


def test_on_a_phone_without_a_script(walker: Callable[..., Walker]) -> None:
    grumble(walker(), "lena", "Mein WLAN ist seit gestern so langsam.")
    ada = walker(locale="de", script=False, width=360)
    ada.sign_in("ada")
    ada.open("/desk?view=unassigned")
    shoot(ada, "phone")
    chosen = "[data-live-item] a[href*='/desk/conversations/']"
    href = (ada.page.locator(chosen).first.get_attribute("href") or "").partition("?")[0]
    ada.page.locator("[data-live-item] input[type=checkbox]").first.check()
    ada.page.select_option("#deed", "assign")
    ada.press("#bulk button[type=submit]")
    shoot(ada, "phone-preview")
    ada.press("button[name=do]")
    ada.open("/desk?view=mine")
    assert ada.page.locator(f"[data-live-item] a[href^='{href}']").count() > 0, "what was given is among one's own"
    ada.press("form[action='/desk/next'] button")
    shoot(ada, "phone-conversation")
    for path in ("/desk/checklist", "/desk/views/new", "/desk/bulk"):
        ada.open(path)
    ada.open("/desk/checklist")
    shoot(ada, "phone-checklist")
