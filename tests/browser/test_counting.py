"""The counter in the browser has the same results as the server: a table of texts, each counted by both."""

import json
from pathlib import Path

from playwright.sync_api import Browser

from core.counting import COUNTINGS, Measure

SCRIPT = Path(__file__).parents[2] / "static/js/measure.js"
LINK = "https://help.example.org/kb/12-a-very-long-title-of-an-article"
TEXTS = [
    "",
    "Grüße aus Köln – „bis bald“, 5 €",
    "Gru\u0308ße",
    "a\nb\n\nc",
    "a\r\nb",
    "👩‍👩‍👧‍👦 👍🏽 ❤️ 🇩🇪🇬🇧🇩 1️⃣ ©️ © ™ 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "👩\u200d\u200d👧 a\u200db \u200d",
    "日本語、ひらがな、か\u3099",
    "한국어 한 각",
    "ক্ষ क्षि র্ক ക്ഷ தமிழ் ประเทศไทยกำ ລາວກຳ",
    "עברית \u200fالعربية\u0600١٢ \u202bx\u202c",
    "\ufeffBOM \u00ad soft \u2028 line \u2029 paragraph \u0301start",
    f"See {LINK} and {LINK}.",
    f"({LINK}) „{LINK}“ {LINK}, {LINK}! x{LINK}",
    "http:// https:// https://. http://ä.example/ö?x=ü#(1)",
    "example.com and help.example.org/x-y, mail@example.com, @max@social.example, a.b.c, 3.5.de, www.heise.de/a?b=c.",
    "Example.COM/ example.community example.dev. x-example.net -example.net .com de",
    "@max@example.social hello @Ünä_1.x@a-b.example.org @@a@b.c /@a@b.example x@a@b.example @anna",
    "@max @max@ @max@localhost @max@a.b..c",
    "\x00\x01\t\x7f\x85\xa0 control",
    "e\u0301\u0302\u0303" * 30,
    "🤬" * 300,
    "wort " * 400,
    "\u200b zero\u200bwidth \u2060 joiner \u200c non",
]


def test_browser_and_server_count_the_same(engine: Browser) -> None:
    page = engine.new_page()
    try:
        page.set_content("<!doctype html>")
        source = json.dumps(SCRIPT.read_text(encoding="utf-8"))
        counted = page.evaluate(
            f"""async ({{texts, countings}}) => {{
                const url = URL.createObjectURL(new Blob([{source}], {{type: "text/javascript"}}));
                const {{ bytesOf, lengthOf }} = await import(url);
                return texts.map((text) => [
                    ...countings.map((counting) => lengthOf(text, {{ counting, urlLength: 23 }})), bytesOf(text)]);
            }}""",
            {"texts": TEXTS, "countings": list(COUNTINGS)},
        )
    finally:
        page.close()
    expected = [[*(count(text) for count in COUNTINGS.values()), len(text.encode())] for text in TEXTS]
    for text, theirs, ours in zip(TEXTS, counted, expected, strict=True):
        assert dict(zip([*COUNTINGS, "bytes"], theirs, strict=True)) == dict(
            zip([*COUNTINGS, "bytes"], ours, strict=True)
        ), text


OWN = "https://help.example.org/kb/"
LEAVING = [
    f"See {LINK} and {OWN}7.",
    f"({OWN}7-x) {OWN}7-x#part {OWN}7-x, {OWN}7-x/history {OWN}7/history {OWN}7ä {OWN}7-ä {OWN}x",
    "https://other.example.org/kb/7-x http://help.example.org/kb/7-x",
]


def test_browser_and_server_put_the_same_tokens_into_addresses(engine: Browser) -> None:
    page = engine.new_page()
    try:
        page.set_content("<!doctype html>")
        source = json.dumps(SCRIPT.read_text(encoding="utf-8"))
        theirs = page.evaluate(
            f"""async ({{texts, own}}) => {{
                const url = URL.createObjectURL(new Blob([{source}], {{type: "text/javascript"}}));
                const {{ leaving }} = await import(url);
                return texts.map((text) => leaving(text, {{ own, token: 10 }}));
            }}""",
            {"texts": LEAVING, "own": OWN},
        )
    finally:
        page.close()
    assert theirs == [Measure(500, own=OWN, token=10).leaving(text) for text in LEAVING]
    assert theirs[0] == f"See {OWN}12/xxxxxxxxxx and {OWN}7/xxxxxxxxxx."
