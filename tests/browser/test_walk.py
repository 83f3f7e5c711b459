"""The whole loop, walked in a real browser: question, accepted answer, article, reply on a channel, muting.

Four walks: in English and in German, with JavaScript and without, on a phone and on a desk's screen, light and dark.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Walker, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

QUESTIONS = {
    "en": (
        "Night light of the router stays on after the update",
        (
            "Since yesterday the **night light** of my router stays on.\n\n"
            "```\nled.night = auto\nled.level = 3\n```\n\nWhat can I do?"
        ),
        (
            "Open the settings, choose *Lights*, and "
            "set the night light to **off** and back to **automatic**. That wrote it anew here."
        ),
        "Thank you, that was quick. The light is off at night again.",
        "My router shines all night since the update, the night light never goes off. Is this a joke?",
    ),
    "de": (
        "Nachtlicht des Routers bleibt nach dem Update an",
        (
            "Seit gestern bleibt das **Nachtlicht** meines Routers an.\n\n"
            "```\nled.nacht = auto\nled.stufe = 3\n```\n\nWas kann ich tun?"
        ),
        (
            "Öffnen Sie die Einstellungen, wählen Sie *Lichter*, "
            "und stellen Sie das Nachtlicht auf **aus** und zurück auf **automatisch**."
        ),
        "Vielen Dank, das ging schnell. Das Licht ist nachts wieder aus.",
        "Mein Router leuchtet seit dem Update die ganze Nacht, das Nachtlicht geht nie aus. Soll das ein Witz sein?",
    ),
}
OTHER_FORMS = {"en": "night lights of routers", "de": "Nachtlichter Router"}


@dataclass(slots=True)
class Story:
    """One walk through the loop: who can be sent on their way, what they write, and where it has led so far."""

    person: Callable[[str | None], Walker]
    guest: Walker
    asker: Walker
    helper: Walker
    script: bool
    locale: str
    topic: str = ""
    article: str = ""

    @property
    def title(self) -> str:
        return QUESTIONS[self.locale][0]

    def is_found(self) -> bool:
        """Tell whether a guest finds thread and article by other forms of the words."""
        self.guest.page.goto(f"{self.guest.base}/search?q={OTHER_FORMS[self.locale].replace(' ', '+')}")
        main = self.guest.page.locator("main")
        return all(main.locator(f"a[href*='{one}']").count() > 0 for one in (self.topic, self.article))


@pytest.mark.parametrize(
    ("locale", "script", "width", "dark"),
    [("en", True, 1440, False), ("de", True, 360, True), ("de", False, 1440, False), ("en", False, 360, True)],
)
def test_the_loop(walker: Callable[..., Walker], locale: str, script: bool, width: int, dark: bool) -> None:
    def person(handle: str | None) -> Walker:
        one = walker(locale=locale, script=script, width=width, dark=dark)
        if handle:
            one.sign_in(handle)
        return one

    story = Story(person, person(None), person("anna"), person("jonas"), script, locale)
    a_guest_reads_and_searches(story)
    a_member_asks(story)
    others_answer_and_the_asker_says_what_solved_it(story)
    an_editor_makes_an_article_of_it(story)
    wait_until(story.is_found, 20, "thread and article are found by other forms of the words")
    story.guest.look()
    an_agent_answers_a_post_with_the_article(story)
    a_moderator_mutes_the_thread(story)


def a_guest_reads_and_searches(story: Story) -> None:
    guest = story.guest
    guest.open("/")
    assert guest.page.locator("html").get_attribute("lang") == story.locale
    guest.press("main a[href^='/c/'], aside a[href^='/c/']")
    guest.open("/")
    guest.press("main a[href^='/t/']")
    guest.open("/kb")
    guest.press("main a[href^='/kb/']:not([href*='/s/'])")
    guest.open("/search?q=Rechnungsadressen")
    assert guest.page.locator("main mark").count() > 0
    guest.open("/register")


def a_member_asks(story: Story) -> None:
    asker, page = story.asker, story.asker.page
    title, question, *_rest = QUESTIONS[story.locale]
    half = title[: len(title) // 2]
    asker.open("/ask")
    page.fill("input[name=title]", half)
    if story.script:
        expect(page.locator("#similar a").first).to_be_visible()
        asker.look()
        page.fill("input[name=title]", title)
        page.fill("textarea[name=source]", question)
        page.context.set_offline(True)
        page.locator("textarea[name=source]").press_sequentially(" ")
        page.wait_for_timeout(1500)
        page.context.set_offline(False)
        asker.open("/ask")
        expect(page.locator("textarea[name=source]")).to_have_value(re.compile("led."))
    else:
        asker.press("button[name=do][value=similar]")
        assert page.locator("#similar a[href^='/']").count() > 0
        assert page.input_value("input[name=title]") == half
        assert page.locator("form[action*='/solved-by-suggestion']").count() > 0
    page.fill("input[name=title]", title)
    page.fill("textarea[name=source]", question)
    page.select_option("select[name=category]", index=1)
    if not story.script:  # with it what the category asks stands there by itself
        asker.press("button[name=do][value=fields]")
    asker.press("form[action='/topics'] button.button--primary")
    assert page.locator("main pre code").count() == 1
    story.topic = page.url.removeprefix(asker.base).split("?")[0].split("#")[0]
    assert story.topic.startswith("/t/")


def others_answer_and_the_asker_says_what_solved_it(story: Story) -> None:
    _title, _question, answer, thanks, _grumble = QUESTIONS[story.locale]
    helper, asker, third = story.helper, story.asker, story.person("mira")
    helper.open(story.topic)
    helper.page.fill("form[action$='/answers'] textarea[name=source]", answer)
    helper.press("form[action$='/answers'] button.button--primary")
    third.open(story.topic)
    third.press("article.post--answer button[formaction$='/vote']")
    third.page.locator("article.post--answer a[href*='/comments/new']").first.click()
    third.page.fill("article.post--answer form[action$='/comments'] textarea", thanks)
    third.press("article.post--answer form[action$='/comments'] button[type=submit]")
    asker.open(story.topic)
    asker.press("button[formaction$='/acceptance']")
    assert asker.page.locator("article.post--accepted").count() == 1
    if not story.script:  # with script a question comes first, which the pages' own tests ask
        asker.press("form[action$='/acceptance/undo'] button")
        assert asker.page.locator("article.post--accepted").count() == 0
        asker.press("button[formaction$='/acceptance']")


def an_editor_makes_an_article_of_it(story: Story) -> None:
    editor, guest, helper, title = story.person("emil"), story.guest, story.helper, story.title

    def is_nominated() -> bool:
        editor.page.goto(f"{editor.base}/kb/nominations")
        return editor.page.get_by_role("link", name=title).count() > 0

    wait_until(is_nominated, 20, "the accepted answer is nominated")
    editor.look()
    with editor.page.expect_navigation():
        editor.page.get_by_role("link", name=title).first.click()
    editor.look()
    assert editor.page.input_value("input[name=title]") == title
    assert "led." in editor.page.input_value("textarea[name=symptoms]")
    assert "*" in editor.page.input_value("textarea[name=resolution]")
    editor.press("form[action$='/article'] button[value=draft]")
    editor.press("form[action$='/publication'] button")
    editor.open(story.topic)
    links = editor.page.locator("main a[href*='/kb/']")
    assert links.count() > 0, "the thread leads to the article"
    guest.open(links.first.get_attribute("href") or "")
    story.article = guest.page.url.removeprefix(guest.base)
    guest.press(f"main a:has-text('{title}')")
    assert story.topic in guest.page.url, "the article leads to the thread"

    def is_told() -> bool:
        helper.page.goto(f"{helper.base}/notifications")
        return helper.page.locator(f"main a[href*='{story.article.split('-')[0]}']").count() > 0

    wait_until(is_told, 20, "the author of the answer is told of the article")
    helper.look()


def an_agent_answers_a_post_with_the_article(story: Story) -> None:
    guest, agent, grumble = story.guest, story.person("ada"), QUESTIONS[story.locale][4]
    guest.open("/demo/plaza")
    guest.page.fill("main input[name=handle]", "walker")
    guest.page.fill("main textarea[name=text]", grumble)
    guest.press("main form[method=post] button.button--primary")
    agent.open("/desk")
    agent.press("main tr:has-text('walker') a[href*='/desk/conversations/']")
    assert grumble in agent.page.inner_text("main")
    card = agent.page.locator(".suggestion", has=agent.page.locator(f"a[href*='{story.article}']")).first
    expect(card).to_be_visible()
    assert card.locator("ul li").count() > 0, "with the reason"
    hello = {"en": "Hello, sorry to hear that. ", "de": "Guten Tag, das tut uns leid. "}[story.locale]
    agent.page.fill("textarea[name=text]", hello)
    if story.script:
        card.locator("button[name=insert]").click()
    else:
        with agent.page.expect_navigation():
            card.locator("button[name=insert]").click()
    reply = agent.page.input_value("textarea[name=text]")
    assert reply.startswith(hello.strip())
    assert story.article.split("-")[0] in reply
    agent.press("#composer button[data-send]")
    conversation = agent.page.url.removeprefix(agent.base).split("#")[0]

    def is_sent() -> bool:
        guest.page.goto(f"{guest.base}/demo/plaza")
        return hello.strip() in guest.page.inner_text("main")

    wait_until(is_sent, 30, "the reply arrives on the plaza")
    guest.look()
    assert guest.page.inner_text("main").count(hello.strip()) == 1
    agent.open(f"{conversation}?again")
    assert agent.page.locator(".bubbles a[href*='/kb/']").count() > 0, "the use is recorded"


def a_moderator_mutes_the_thread(story: Story) -> None:
    moderator, reason = story.person("mo"), "Needs a check by the team first."
    moderator.open(story.topic)
    moderator.press("article.post--question a[href$='/mute']")
    moderator.page.fill("textarea[name=reason]", reason)
    moderator.press("button[value=preview]")
    assert story.guest.status(story.topic) == 200, "so far it is only looked at"
    moderator.press("main button.button--danger")
    assert story.guest.status(story.topic) == 404
    story.helper.open(story.topic)
    assert story.title not in story.helper.page.inner_text("main"), "who answered finds their own words and no more"
    assert story.helper.page.locator("textarea[readonly]").count() == 1
    story.asker.open(story.topic)
    assert reason in story.asker.page.inner_text("main")
    assert not story.is_found()
    number = story.topic.split("/")[2].split("-")[0]
    for address in ("/", "/sitemaps/topics-1.xml", "/feeds/latest.xml", f"/api/v1/topics/{number}"):
        assert story.topic not in story.guest.page.request.get(story.guest.base + address).text(), address
    moderator.open("/moderation")
    assert story.title in moderator.page.inner_text("main")
