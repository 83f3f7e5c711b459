"""Asking well, in a real browser: pictures, what a category asks, and what is missing; with script and without."""

import base64
import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from tests.browser.conftest import Walker

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SHOTS = os.environ.get("KLINKE_TEST_SHOTS", "")
"""A folder for pictures of the pages, for people to look at."""

GIVE = """([selector, kind, name, type, content]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name, { type }));
  const field = document.querySelector(selector);
  field.focus();
  const event = kind === "paste"
    ? new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  return field.dispatchEvent(event);
}"""
LOADED = "() => [...document.querySelectorAll('.prose img')].map((img) => img.complete && img.naturalWidth)"


def picture(path: Path | None = None, size: tuple[int, int] = (1600, 900)) -> bytes:
    image = Image.new("RGB", size, "#dfe6ee")
    pen = ImageDraw.Draw(image)
    pen.rectangle((size[0] // 4, size[1] // 3, size[0] * 3 // 4, size[1] * 2 // 3), fill="#b3261e")
    pen.text((size[0] // 4 + 20, size[1] // 2), "Error 1203: no address", fill="white")
    out = io.BytesIO()
    image.save(out, "PNG")
    if path:
        path.write_bytes(out.getvalue())
    return out.getvalue()


def shoot(walker: Walker, name: str) -> None:
    if SHOTS:
        walker.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("locale", "width", "dark"), [("en", 1440, False), ("de", 360, True)], ids=["en on a desk", "de on a phone"]
)
def test_pictures_come_while_somebody_writes(
    walker: Callable[..., Walker], tmp_path: Path, locale: str, width: int, dark: bool
) -> None:
    anna = walker(locale=locale, width=width, dark=dark)
    anna.sign_in("anna")
    anna.open("/ask?category=router")
    page = anna.page
    page.fill("#title", "The router shows a red box since the update")
    page.fill("#source", "It appears when I open the settings.")
    state = page.locator("[data-pictures-state]")
    content = base64.b64encode(picture()).decode()

    assert page.evaluate(GIVE, ["#source", "paste", "screen.png", "image/png", content]) is False
    expect(page.locator("#source")).to_have_value(
        re.compile(r"settings\.\n\n!\[.+\]\(/uploads/\S+-1600x900\.png\)\s*$")
    )
    marked = page.evaluate(
        "() => { const f = document.querySelector('#source'); return f.value.slice(f.selectionStart, f.selectionEnd) }"
    )
    page.keyboard.type("A red box that says 1203")
    expect(page.locator("#source")).to_have_value(re.compile(r"!\[A red box that says 1203\]"))
    assert marked
    expect(state).not_to_be_empty()
    anna.look()
    shoot(anna, f"ask-{locale}-{width}")

    page.fill("#picture_words", "A small green box")
    small = base64.b64encode(picture(size=(300, 200))).decode()
    page.evaluate(GIVE, ["#source", "drop", "small.png", "image/png", small])
    expect(page.locator("#source")).to_have_value(re.compile(r"!\[A small green box\]\(/uploads/\S+-300x200\.png\)"))
    page.evaluate(GIVE, ["#source", "drop", "letter.txt", "text/plain", small])
    expect(page.locator(".pictures__state--failed")).to_contain_text("PNG")
    picture(tmp_path / "chosen.png", size=(500, 400))
    page.set_input_files("#pictures", tmp_path / "chosen.png")
    expect(page.locator("#source")).to_have_value(re.compile(r"-500x400\.png\)"))
    assert page.input_value("#pictures") == "", "it does not come a second time with the form"

    page.locator("[data-preview-button][aria-controls=source-preview]").click()
    expect(page.locator("#source-preview img")).to_have_count(3)
    anna.press("form#question .button--primary")
    shoot(anna, f"missing-{locale}-{width}")
    anna.press("button[name=anyway]")  # a picture has no words yet
    expect(page.locator(".post--question .prose .prose img")).to_have_count(3)
    for image in page.locator(".post--question .prose .prose img").all():
        image.scroll_into_view_if_needed()
    page.wait_for_function("() => [...document.querySelectorAll('.prose img')].every((img) => img.naturalWidth > 0)")
    assert sorted(page.evaluate(LOADED)) == [300, 500, 1600]
    shoot(anna, f"topic-{locale}-{width}")
    anna.look()
    page.locator(".post--question .prose a img").first.click()
    page.wait_for_url("**/uploads/*")
    shoot(anna, f"picture-{locale}-{width}")
    assert page.evaluate("document.querySelector('img').naturalWidth") == 1600


def test_pictures_come_with_the_form_without_script(walker: Callable[..., Walker], tmp_path: Path) -> None:
    anna = walker(locale="de", script=False, width=360)
    anna.sign_in("anna")
    anna.open("/ask?category=router")
    picture(tmp_path / "chosen.png", size=(500, 400))
    anna.page.fill("#title", "Der Router zeigt seit dem Update ein rotes Feld")
    anna.page.fill("#source", "Es erscheint, sobald ich die Einstellungen öffne, und geht nicht mehr weg.")
    anna.page.set_input_files("#pictures", tmp_path / "chosen.png")
    anna.page.fill("#picture_words", "Ein rotes Feld mit der Nummer 1203")
    shoot(anna, "ask-without-script")
    anna.press("form#question .button--primary")
    expect(anna.page.locator(".post--question img[alt='Ein rotes Feld mit der Nummer 1203']")).to_be_visible()
    shoot(anna, "topic-without-script")


@pytest.mark.parametrize(
    ("locale", "script", "width", "dark"),
    [("de", True, 1440, False), ("en", True, 360, True), ("de", False, 360, False)],
    ids=["de on a desk", "en on a phone", "de without script"],
)
def test_a_category_asks_for_more_and_what_is_missing_is_said_once(
    walker: Callable[..., Walker], locale: str, script: bool, width: int, dark: bool
) -> None:
    jonas = walker(locale=locale, script=script, width=width, dark=dark)
    jonas.sign_in("jonas")
    jonas.open("/ask")
    page = jonas.page
    page.fill("#title", "HILFE!!!!!!")
    page.select_option("#category", "app")
    if not script:
        jonas.press("button[name=do][value=fields]")
    expect(page.locator("#detail_device")).to_be_visible()
    page.fill("#detail_device", "Kiesel")
    if script:
        page.select_option("#category", "ideas")
        expect(page.locator("#detail_device")).to_have_count(0)
        page.select_option("#category", "thermostats")
        expect(page.locator("#detail_version")).to_be_visible()
        page.fill("#detail_device", "Kiesel")
        page.select_option("#category", "app")
        expect(page.locator("#fields input[name=asked]")).to_have_value("app")
        expect(page.locator("#detail_device")).to_have_value("Kiesel")
    page.fill("#detail_version", "2.4")
    page.fill("#detail_message", "E-204: no answer\nTry again later")
    page.fill("#source", "Since this morning, sadly.")
    jonas.look()
    shoot(jonas, f"guided-{locale}-{width}-{script}")
    jonas.press("form#question .button--primary")
    expect(page.locator("button[name=anyway]")).to_be_visible()
    shoot(jonas, f"hints-{locale}-{width}-{script}")
    assert page.input_value("#detail_version") == "2.4"
    page.fill("#title", "The app does not find the second Kiesel")
    jonas.press("form#question .button--primary" if script else "button[name=anyway]")
    expect(page.locator(".post--question .details")).to_contain_text("E-204: no answer")
    expect(page.locator("#version")).to_be_visible()
    shoot(jonas, f"asked-{locale}-{width}-{script}")


def test_an_admin_says_what_a_category_asks(walker: Callable[..., Walker]) -> None:
    ruth = walker(locale="de", width=360)
    ruth.sign_in("ruth")
    ruth.open("/admin/categories/ideas")
    ruth.page.locator("#fields summary").click()
    ruth.page.locator("#fields input[name=name_de]").fill("Anlass")
    ruth.page.locator("#fields input[name=name_en]").fill("Occasion")
    ruth.look()
    shoot(ruth, "fields-admin")
    ruth.press("#fields button.button--primary")
    expect(ruth.page.locator("#fields table")).to_contain_text("Occasion")
    ruth.open("/admin/categories/ideas/fields/occasion")
    shoot(ruth, "field-edit")
