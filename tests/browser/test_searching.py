"""The search box in a real browser: suggestions with the keyboard and the finger, and what stays on the device."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Walker, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_suggestions_and_searches_of_ones_own(walker: Callable[..., Walker]) -> None:
    guest = walker(locale="en")
    the_keyboard_chooses_a_title(guest)
    what_was_looked_for_stays_on_the_device(guest)
    the_list_can_be_cleared(guest)
    a_phone_has_room_for_it(walker(locale="de", width=360, dark=True))
    without_script_it_is_a_form(walker(locale="en", script=False))
    the_team_learns_of_it(walker(locale="en"))


def box(guest: Walker, field: str = "#search-page") -> tuple[Locator, Locator]:
    return guest.page.locator(field), guest.page.locator(f"{field}-suggestions")


def the_keyboard_chooses_a_title(guest: Walker) -> None:
    guest.open("/")
    field, shown = box(guest, "#site-search")
    expect(field).to_have_attribute("role", "combobox")
    field.press_sequentially("rout")
    expect(shown.locator("[role=option]").first).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    guest.look()
    field.press("Escape")
    expect(shown).to_be_hidden()
    expect(field).to_have_value("rout")
    expect(field).to_have_attribute("aria-expanded", "false")
    field.press("ArrowDown")
    expect(shown.locator("[role=option]").first).to_be_visible()
    field.press("ArrowUp")
    last = shown.locator("[role=option]").last
    expect(last).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", str(last.get_attribute("id")))
    address = last.get_attribute("data-open")
    with guest.page.expect_navigation():
        field.press("Enter")
    assert guest.page.url.startswith(guest.base + str(address))


def what_was_looked_for_stays_on_the_device(guest: Walker) -> None:
    for text in ("green elephants", "router"):
        guest.open(f"/search?q={text.replace(' ', '+')}")
    guest.press("main .row__title")
    guest.open("/search")
    own = guest.page.locator("[data-recent-searches] a")
    assert own.all_text_contents() == ["router", "green elephants"]
    field, shown = box(guest)
    expect(shown).to_be_hidden()
    field.press("ArrowDown")
    first = shown.locator("[data-own]").first
    expect(first).to_contain_text("router")
    field.press("ArrowDown")
    field.press("Delete")
    expect(shown.locator("[data-own]")).to_have_count(1)
    field.press("Tab")
    expect(shown.locator("xpath=following-sibling::button")).to_be_focused()
    guest.page.keyboard.press("Escape")


def the_list_can_be_cleared(guest: Walker) -> None:
    guest.open("/search")
    own = guest.page.locator("[data-recent-searches] li")
    expect(own).to_have_count(1)
    own.locator("button").click()
    expect(guest.page.locator("[data-recent-searches]")).to_be_hidden()


def a_phone_has_room_for_it(guest: Walker) -> None:
    guest.open("/search?q=router")
    guest.open("/search")
    field, shown = box(guest)
    field.click()
    option = shown.locator("[data-own]").first
    expect(option).to_be_visible()
    size = option.bounding_box()
    assert size is not None
    assert size["height"] >= 44
    guest.look()
    with guest.page.expect_navigation():
        option.click()
    assert guest.page.url == f"{guest.base}/search?q=router"
    guest.page.locator(".filters--folded summary").click()
    guest.look()
    guest.press(".filters--folded a[href*='kind=article']")
    expect(guest.page.locator(".chip")).to_have_count(1)
    guest.press(".chip")
    assert guest.page.url == f"{guest.base}/search?q=router"


def without_script_it_is_a_form(guest: Walker) -> None:
    guest.open("/search")
    guest.page.fill("#search-page", "router")
    guest.press("main form[role=search] button")
    assert guest.page.locator("main .row__title").count() > 0
    guest.press(".filters--beside a[href*='locale=de']")
    expect(guest.page.locator(".chip")).to_have_count(1)


def the_team_learns_of_it(editor: Walker) -> None:
    editor.sign_in("emil")
    listed = editor.page.locator(".row__title", has_text="green elephants")

    def is_listed() -> bool:
        editor.open("/admin/searches")
        return listed.count() == 1

    wait_until(is_listed, 10, "the search that found nothing is on the list")
    editor.press("main .row:has-text('green elephants') a.button")
    expect(editor.page.locator("input[name=title]")).to_have_value("green elephants")
    editor.open("/admin/searches")
    editor.press("main .row:has-text('green elephants') button")
    expect(listed).to_have_count(0)
    editor.open("/admin/searches?list=unopened")
    editor.open("/search/explain?q=router")
