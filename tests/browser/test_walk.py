"""The whole loop, walked in a real browser: question, accepted answer, article, reply on a channel, muting.

Four walks: in English and in German, with JavaScript and without, on a phone and on a desk's screen, in light and in dark.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Walker, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

QUESTIONS = {
    "en": (
        "Night light of the router stays on after the update",
        "Since yesterday the **night light** of my router stays on.\n\n```\nled.night = auto\nled.level = 3\n```\n\nWhat can I do?",
        "Open the settings, choose *Lights*, and set the night light to **off** and back to **automatic**. That wrote it anew here.",
        "Thank you, that was quick. The light is off at night again.",
        "My router shines all night since the update, the night light never goes off. Is this a joke?",
    ),
    "de": (
        "Nachtlicht des Routers bleibt nach dem Update an",
        "Seit gestern bleibt das **Nachtlicht** meines Routers an.\n\n```\nled.nacht = auto\nled.stufe = 3\n```\n\nWas kann ich tun?",
        "Öffnen Sie die Einstellungen, wählen Sie *Lichter*, und stellen Sie das Nachtlicht auf **aus** und zurück auf **automatisch**.",
        "Vielen Dank, das ging schnell. Das Licht ist nachts wieder aus.",
        "Mein Router leuchtet seit dem Update die ganze Nacht, das Nachtlicht geht nie aus. Soll das ein Witz sein?",
    ),
}
OTHER_FORMS = {"en": "night lights of routers", "de": "Nachtlichter Router"}


@pytest.mark.parametrize(
    ("locale", "script", "width", "dark"),
    [("en", True, 1440, False), ("de", True, 360, True), ("de", False, 1440, False), ("en", False, 360, True)],
)
def test_the_loop(walker: Callable[..., Walker], locale: str, script: bool, width: int, dark: bool) -> None:
    def person(handle: str | None = None) -> Walker:
        one = walker(locale=locale, script=script, width=width, dark=dark)
        if handle:
            one.sign_in(handle)
        return one

    title, question, answer, thanks, grumble = QUESTIONS[locale]

    # 1. A guest reads and searches; a member asks.
    guest = person()
    guest.open("/")
    assert guest.page.locator("html").get_attribute("lang") == locale
    guest.press("main a[href^='/c/']")
    guest.open("/")
    guest.press("main a[href^='/t/']")
    guest.open("/kb")
    guest.press("main a[href^='/kb/']:not([href*='/s/'])")
    guest.open("/search?q=Rechnungsadressen")
    assert guest.page.locator("main mark").count() > 0
    guest.open("/register")

    asker = person("anna")
    asker.open("/ask")
    asker.page.fill("input[name=title]", title[: len(title) // 2])
    if script:
        expect(asker.page.locator("#similar a").first).to_be_visible()
        asker.look()
        asker.page.fill("input[name=title]", title)
        asker.page.fill("textarea[name=source]", question)
        asker.page.context.set_offline(True)
        asker.page.locator("textarea[name=source]").press_sequentially(" ")
        asker.page.wait_for_timeout(1500)
        asker.page.context.set_offline(False)
        asker.open("/ask")
        expect(asker.page.locator("textarea[name=source]")).to_have_value(re.compile("led."))
    else:
        asker.press("button[name=do][value=similar]")
        assert asker.page.locator("#similar a[href^='/']").count() > 0
        assert asker.page.input_value("input[name=title]") == title[: len(title) // 2]
        assert asker.page.locator("form[action*='/solved-by-suggestion']").count() > 0
    asker.page.fill("input[name=title]", title)
    asker.page.fill("textarea[name=source]", question)
    asker.page.select_option("select[name=category]", index=1)
    asker.press("form[action='/topics'] button.button--primary")
    assert asker.page.locator("main pre code").count() == 1
    topic = asker.page.url.removeprefix(asker.base).split("?")[0].split("#")[0]
    assert topic.startswith("/t/")

    # 2. Another answers, a third comments, others find it helpful, the asker says that it solved the problem.
    helper = person("jonas")
    helper.open(topic)
    helper.page.fill("form[action$='/answers'] textarea[name=source]", answer)
    helper.press("form[action$='/answers'] button.button--primary")
    third = person("mira")
    third.open(topic)
    third.press("form[action$='/vote'] button >> nth=-1")
    third.page.locator("article.post--answer details:has(form[action$='/comments']) summary").first.click()
    third.page.fill("article.post--answer form[action$='/comments'] textarea", thanks)
    third.press("article.post--answer form[action$='/comments'] button[type=submit]")
    asker.open(topic)
    asker.press("form[action$='/acceptance'] button")
    assert asker.page.locator("article.post--accepted").count() == 1
    if not script:  # with script a question comes first, which the pages' own tests ask
        asker.press("form[action$='/acceptance/undo'] button")
        assert asker.page.locator("article.post--accepted").count() == 0
        asker.press("form[action$='/acceptance'] button")

    # 3. The worker nominates, the editor makes an article of it beside the thread.
    editor = person("emil")

    def nominated() -> bool:
        editor.page.goto(f"{editor.base}/kb/nominations")
        return editor.page.get_by_role("link", name=title).count() > 0

    wait_until(nominated, 20, "the accepted answer is nominated")
    editor.look()
    with editor.page.expect_navigation():
        editor.page.get_by_role("link", name=title).first.click()
    editor.look()
    assert editor.page.input_value("input[name=title]") == title
    assert "led." in editor.page.input_value("textarea[name=symptoms]")
    assert "*" in editor.page.input_value("textarea[name=resolution]")
    editor.press("form[action$='/article'] button.button--primary")
    editor.press("form[action$='/publication'] button")
    article = editor.page.url.removeprefix(editor.base).split("?")[0]
    editor.open(topic)
    assert editor.page.locator("main a[href*='/kb/']").count() > 0, "the thread leads to the article"
    href = editor.page.locator("main a[href*='/kb/']").first.get_attribute("href") or ""
    guest.open(href)
    article = guest.page.url.removeprefix(guest.base)
    guest.press(f"main .provenance a:has-text('{title}'), main a[href*='/p/'], main a[href^='/t/']")
    assert topic in guest.page.url, "the article leads to the thread"

    def told() -> bool:
        helper.page.goto(f"{helper.base}/notifications")
        return helper.page.locator(f"main a[href*='{article.split('-')[0]}']").count() > 0

    wait_until(told, 20, "the author of the answer is told of the article")
    helper.look()

    # 4. Search finds both by other forms of the words.
    def found() -> bool:
        guest.page.goto(f"{guest.base}/search?q={OTHER_FORMS[locale].replace(' ', '+')}")
        links = guest.page.locator("main")
        return links.locator(f"a[href*='{topic}']").count() > 0 and links.locator(f"a[href*='{article}']").count() > 0

    wait_until(found, 20, "thread and article are found")
    guest.look()

    # 5. A post arrives on a channel; the agent answers with the article's short face.
    guest.open("/demo/plaza")
    guest.page.fill("main input[name=handle]", "nachteule" if locale == "de" else "nightowl")
    guest.page.fill("main textarea[name=text]", grumble)
    guest.press("main form[method=post] button.button--primary")
    agent = person("ada")
    agent.open("/desk")
    agent.press("main a[href*='/desk/conversations/']:has-text('night'), main a[href*='/desk/conversations/']:has-text('nacht')")
    assert grumble in agent.page.inner_text("main")
    card = agent.page.locator(".suggestion", has=agent.page.locator(f"a[href*='{article}']")).first
    expect(card).to_be_visible()
    assert card.locator("ul li").count() > 0, "with the reason"
    hello = "Hello, sorry to hear that. " if locale == "en" else "Guten Tag, das tut uns leid. "
    agent.page.fill("textarea[name=text]", hello)
    if script:
        card.locator("button[name=insert]").click()
    else:
        with agent.page.expect_navigation():
            agent.page.locator(".suggestion", has=agent.page.locator(f"a[href*='{article}']")).locator("button[name=insert]").first.click()
    reply = agent.page.input_value("textarea[name=text]")
    assert reply.startswith(hello.strip())
    assert article.split("-")[0] in reply
    agent.press("#composer .composer__foot button[type=submit]")
    conversation = agent.page.url

    def sent() -> bool:
        guest.page.goto(f"{guest.base}/demo/plaza")
        return hello.strip() in guest.page.inner_text("main")

    wait_until(sent, 30, "the reply arrives on the plaza")
    guest.look()
    assert guest.page.inner_text("main").count(hello.strip()) == 1
    agent.open(conversation.removeprefix(agent.base).split("#")[0] + "?again")
    assert agent.page.locator("main a[href*='/kb/']").count() > 0, "the use is recorded"

    # 6. A moderator mutes the thread: its author and the team still see it, everybody else does not.
    moderator = person("mo")
    moderator.open(topic)
    moderator.page.locator("article.post--question details:has(form[action$='/mute']) summary").first.click()
    moderator.page.fill("article.post--question form[action$='/mute'] textarea[name=reason]", "Needs a check by the team first.")
    moderator.press("article.post--question form[action$='/mute'] button[type=submit]")
    assert guest.status(topic) == 404
    assert helper.status(topic) == 404
    asker.open(topic)
    assert "Needs a check by the team first." in asker.page.inner_text("main")
    assert not found()
    for page in ("/", "/sitemap.xml", "/feeds/latest.xml", f"/api/v1/topics/{topic.split('/')[2].split('-')[0]}"):
        guest.page.goto(guest.base + page)
        assert title not in guest.page.content(), page
    moderator.open("/moderation")
    assert title in moderator.page.inner_text("main")
