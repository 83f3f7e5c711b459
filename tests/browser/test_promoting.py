"""From an accepted answer to a published article in a real browser, with every click counted."""

import os
from collections.abc import Callable

import pytest

from tests.browser.conftest import Walker

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SHOTS = os.environ.get("KLINKE_TEST_SHOTS", "")
"""A folder for pictures of the pages, for people to look at."""
QUESTION = "Since yesterday the light of my router blinks twice at night. What can I do about it, in the settings?"
ANSWER = "Open the settings and choose *Lights*, then off and on again. If not, call me at 0170 1234567."


def shoot(walker: Walker, name: str) -> None:
    if SHOTS:
        walker.page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("locale", "script", "width", "dark"),
    [("en", True, 1440, False), ("de", False, 360, True)],
    ids=["with script on a desk", "without script on a phone"],
)
def test_an_accepted_answer_becomes_an_article_in_a_few_clicks(
    walker: Callable[..., Walker], locale: str, script: bool, width: int, dark: bool
) -> None:
    def person(handle: str) -> Walker:
        one = walker(locale=locale, script=script, width=width, dark=dark)
        one.sign_in(handle)
        return one

    topic = a_solved_question(person, width)
    editor = person("emil")
    editor.open(topic)
    shoot(editor, f"promoting-answer-{width}")
    clicks = []

    def click(what: str, selector: str) -> None:
        editor.press(selector)
        clicks.append(what)

    click("Make an article", "article.post--accepted form[action$='/nomination'] button")
    assert "/kb/nominations/" in editor.page.url
    assert editor.page.input_value("input[name=title]") == "The light blinks twice at night"
    assert "0170 1234567" in editor.page.input_value("textarea[name=resolution]")
    shoot(editor, f"promoting-draft-{width}")
    found = editor.page.locator("#personal fieldset")
    assert "0170 1234567" in found.first.inner_text()
    for at in range(found.count()):
        found.nth(at).locator("input[value=remove]").check()
        clicks.append("Take it out")
    click("Publish", "#promotion button[value=publish]")
    assert editor.page.url.split("/")[-2] == "kb"
    shoot(editor, f"promoting-article-{width}")
    body = editor.page.inner_text("main article")
    assert "0170" not in body
    assert "choose Lights" in body
    assert clicks == ["Make an article", "Take it out", "Publish"]
    editor.open(topic)
    assert editor.page.locator("article.post--accepted a[href*='/kb/']").count() > 0
    assert "0170 1234567" in editor.page.inner_text("article.post--accepted"), "the thread keeps its words"


def a_solved_question(person: Callable[[str], Walker], width: int) -> str:
    asker, helper = person("anna"), person("jonas")
    asker.open("/ask")
    asker.page.fill("input[name=title]", "The light blinks twice at night")
    asker.page.fill("textarea[name=source]", QUESTION)
    asker.page.select_option("select[name=category]", index=1)
    if not asker.has_script:
        asker.press("button[name=do][value=fields]")
    asker.press("form[action='/topics'] button.button--primary")
    topic = asker.page.url.removeprefix(asker.base).split("?")[0].split("#")[0]
    assert topic.startswith("/t/")
    helper.open(topic)
    helper.page.fill("form[action$='/answers'] textarea[name=source]", ANSWER)
    helper.press("form[action$='/answers'] button.button--primary")
    assert "0170 1234567" in helper.page.inner_text("main .banner--warn")
    assert helper.page.input_value("form[action$='/answers'] textarea[name=source]") == ANSWER
    shoot(helper, f"promoting-warned-{width}")
    helper.press("button[name=private]")
    asker.open(topic)
    asker.press("form[action$='/acceptance'] button")
    return topic


@pytest.mark.parametrize(("locale", "width", "dark"), [("en", 1440, False), ("de", 360, True)])
def test_the_rules_for_personal_data_fit(walker: Callable[..., Walker], locale: str, width: int, dark: bool) -> None:
    root = walker(locale=locale, width=width, dark=dark)
    root.sign_in("ruth")
    root.open("/admin/personal-data")
    root.page.fill("input[name=words]", "KD-######")
    root.press("main form[action$='/personal-data'][method=post] button.button--primary")
    root.page.fill("textarea[name=trial]", "KD-204418, anna@example.org")
    root.press("#trial button")
    assert "anna@example.org" in root.page.inner_text("#trial [role=status]")
    shoot(root, f"promoting-rules-{width}")
    root.open("/settings")
    shoot(root, f"promoting-settings-{width}")
