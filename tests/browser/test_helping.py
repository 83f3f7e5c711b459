"""Helping, in a real browser: what is inserted goes to the cursor with script and behind the text without."""

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Walker

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SHOTS = os.environ.get("KLINKE_TEST_SHOTS", "")
"""A folder for pictures of the pages, for people to look at."""


def shoot(walker: Walker, name: str) -> None:
    if SHOTS:
        walker.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("locale", "script", "width", "dark"),
    [("en", True, 1440, False), ("de", False, 360, True)],
    ids=["with script on a desk", "without script on a phone"],
)
def test_replies_and_articles_go_into_an_answer(
    walker: Callable[..., Walker], locale: str, script: bool, width: int, dark: bool
) -> None:
    ada = walker(locale=locale, script=script, width=width, dark=dark)
    ada.sign_in("ada")
    page = ada.page
    ada.open("/?state=unanswered")
    shoot(ada, f"list-{width}")
    ada.press(".row__title:has-text('Gäste im WLAN')")
    field = page.locator("#source")
    field.fill("Davor. Danach.")
    page.locator("#inserting > summary").click()
    page.fill("#insert-words", "neu starten")
    if script:
        field.evaluate("(it) => { it.focus(); it.setSelectionRange(6, 6); }")
        page.locator("#insert-words").press_sequentially(" ")
        button = page.locator("#inserts button[value^='reply:']").first
        button.click()
        expect(field).to_have_value("Davor.\n\n" + reply() + "\n\n Danach.")
    else:
        ada.press("button[name=do][value=find]")
        shoot(ada, f"inserts-{width}")
        ada.press("#inserts button[value^='reply:']")
        expect(field).to_have_value("Davor. Danach.\n\n" + reply())
    shoot(ada, f"inserted-{width}")
    ada.press("#answer-form .form__foot button.button--primary")
    expect(page.locator(".post--answer").last).to_contain_text("für eine Minute vom Strom")
    ada.open("/moderation/replies")
    expect(page.locator("main")).to_contain_text("Used 1 time" if locale == "en" else "1-mal")
    shoot(ada, f"replies-{width}")


def reply() -> str:
    return (
        "Hallo Klara Wiesner, bitte trennen Sie das Gerät für eine Minute vom Strom und schalten Sie es wieder ein. "
        "Ist es danach noch so, schreiben Sie bitte, welche Lampe leuchtet.\n\nViele Grüße, Ada Lorenz"
    )


@pytest.mark.parametrize(
    ("locale", "width", "dark"), [("en", 1440, False), ("de", 360, True)], ids=["en on a desk", "de on a phone"]
)
def test_pages_that_help_together_fit(walker: Callable[..., Walker], locale: str, width: int, dark: bool) -> None:
    mo = walker(locale=locale, width=width, dark=dark)
    mo.sign_in("mo")
    mo.open("/?locale=en")
    mo.press(".row__title:has-text('Moving house next month')")
    expect(mo.page.locator(".banner--warn")).to_be_visible()
    for summary in mo.page.locator("#answer summary").all():
        summary.click()
    mo.look()
    shoot(mo, f"asked-back-{width}")
    mo.open("/?locale=en&state=unsolved")
    mo.press(".row__title:has-text('behind my provider')")
    mo.look()
    shoot(mo, f"obsolete-{width}")
    mo.press("a[href$='/obsolete']")
    shoot(mo, f"obsolete-form-{width}")
    mo.open("/taken")
    shoot(mo, f"taken-{width}")
    mo.open("/ask")
    mo.page.locator("#own-answer > summary").click()
    mo.look()
    shoot(mo, f"ask-{width}")
