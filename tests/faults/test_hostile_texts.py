"""Hostile and odd texts in every field, and every page that shows them in a real browser: nothing runs, nothing breaks.

The texts are a sample of ../shared/corpora where that folder exists, and our own few everywhere.
"""

import json
import os
import random
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext, Page, Route, sync_playwright
from werkzeug.serving import make_server

from accounts import people, sessions, tokens
from accounts.models import User
from app import create_app
from core import worker
from core.db import db
from core.errors import KlinkeError
from demo import plaza
from desk import connections, replies
from forum import answers, drafts, limits, moderation, topics, votes
from forum.models import LONGEST_TITLE, Post, Topic
from forum.threads import ANSWERS_A_PAGE
from kb import articles, promotion, sections
from kb.models import Article
from tests.browser.conftest import FLAGS
from tests.cast import World
from tests.desk import stage as desk_stage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

T = TypeVar("T")

CORPORA = Path(os.environ.get("KLINKE_SHARED", Path(__file__).parents[3] / "shared")) / "corpora"
SEED = 20261122
SAMPLE = 400
OWN = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' onmouseover='alert(1)",
    "[click](javascript:alert(1))",
    "![x](data:text/html,<script>alert(1)</script>)",
    "<javascript:alert(1)>",
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "</textarea></title></style><script>prompt(1)</script>",
    "<style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
    "<iframe srcdoc='<script>parent.confirm(1)</script>'></iframe>",
    "<a href='//evil.example' target=_top>x</a><base href=//evil.example/>",
    "<form action=//evil.example><button formaction=javascript:alert(1)>x</button></form>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--><img src=x onerror=alert(1)>'>",
    "\u202egnp.exe \u2066isolated\u2069 \ufeff\u200b",
    "Z\u0335\u0321a\u0338l\u0336g\u0337o\u0334 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "]]> --> %> &lt;script&gt; &#x3c;script&#x3e;",
    "`" * 7 + "\n<script>alert(1)</script>",
    "| a | b |\n|---|---|\n| <script>alert(1)</script> | [x](vbscript:x) |",
    'https://evil.example/"onmouseover=alert(1)//  www.evil.example/<script>',
)
LISTEN = """
window.__complaints = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.__complaints.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""
TITLES, AUTHORS, ARTICLES, MESSAGES, SEARCHES = 80, 50, 12, 80, 6


@dataclass(slots=True)
class Watch:
    """What the browser complained about, by page."""

    dialogs: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def over(self, page: Page) -> None:
        def dismiss(dialog: Any) -> None:
            self.dialogs.append(f"{page.url}: {dialog.type} {dialog.message}")
            dialog.dismiss()

        page.add_init_script(LISTEN)
        page.on("dialog", dismiss)
        page.on("pageerror", lambda error: self.errors.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                self.violations.append(f"{page.url}: {message.text}")
                if "Content Security Policy" in message.text or "TrustedHTML" in message.text
                else None
            ),
        )
        page.on(
            "response",
            lambda answer: self.faults.append(f"{answer.url}: {answer.status}") if answer.status >= 500 else None,
        )

    def look(self, page: Page, url: str) -> None:
        answer = page.goto(url)
        assert answer is not None
        assert answer.status < 400, f"{url}: {answer.status}"
        page.wait_for_timeout(20)
        self.violations += [f"{url}: {complaint}" for complaint in page.evaluate("window.__complaints")]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Flask, str]]:
    """An installation with the Marktplatz, served from this process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    app = create_app(
        {
            "KLINKE_DATA_DIR": str(tmp_path / "var"),
            "KLINKE_BASE_URL": base,
            "KLINKE_SECRET_KEY": "tests " * 8,
            "KLINKE_POST_PAUSE_SECONDS": "0",
            "KLINKE_DEMO": "1",
        }
    )
    with app.app_context():
        db.create_all()
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield app, base
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def texts() -> list[str]:
    """Return the hostile texts, each once, in an order that is the same at every run."""
    found = [*OWN]
    for name, most in (("xss", SAMPLE), ("naughty", 1000), ("unicode", 1000)):
        path = CORPORA / f"{name}.jsonl"
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()
            records = [json.loads(line).get("input", "") for line in lines]
            found += random.Random(SEED).sample(records, min(most, len(records)))  # noqa: S311 -- the same at every run
    return list(dict.fromkeys(filter(None, found)))


def test_no_text_runs_or_breaks_a_page_that_shows_it(house: tuple[Flask, str]) -> None:
    app, base = house
    hostile = texts()
    with app.test_request_context():  # the Marktplatz names the page of a post
        stored, paths, cookie = fill(app, hostile)
    worker.work(app, until_idle=True)
    assert stored >= len(hostile), "most of them must have been taken"
    # In a thread of its own, since other tests of this run may have a browser of their own in the main one.
    with ThreadPoolExecutor(1) as pool:
        watch, looked = pool.submit(walk, base, paths, cookie, hostile).result(timeout=150)
    assert watch.dialogs == []
    assert watch.violations == []
    assert watch.errors == []
    assert watch.faults == []
    assert looked >= 25


def walk(base: str, paths: Sequence[str], cookie: str, hostile: Sequence[str]) -> tuple[Watch, int]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium is not None, "There is no Chromium. On Debian and Ubuntu: sudo apt-get install chromium"
    watch = Watch()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        context = browser.new_context(locale="en-GB")
        context.set_default_timeout(15_000)
        prove_that_it_would_be_noticed(context, base)
        page = context.new_page()
        watch.over(page)
        context.add_cookies([{"name": "klinke", "value": cookie, "url": base}])
        looked = 0
        words = [quote(text[:150], errors="replace") for text in hostile[:SEARCHES]]
        for path in (*paths, "/search?q=alert", *(f"/search?q={word}" for word in words)):
            watch.look(page, base + path)
            looked += 1
        browser.close()
    return watch, looked


def prove_that_it_would_be_noticed(context: BrowserContext, base: str) -> None:
    """Check the watch itself: what it must see, it sees."""
    control = Watch()
    page = context.new_page()
    control.over(page)

    def serve(route: Route, policy: str) -> None:
        body = "<title>x</title><img src=x onerror=alert(1)><script>alert(2)</script><script>oops()</script>"
        route.fulfill(status=200, content_type="text/html", body=body, headers={"Content-Security-Policy": policy})

    page.route("**/control-open", lambda route: serve(route, "img-src 'self'"))
    page.route("**/control-closed", lambda route: serve(route, "script-src 'self'"))
    control.look(page, f"{base}/control-open")
    page.wait_for_timeout(200)
    assert len(control.dialogs) == 2, control.dialogs
    assert control.errors
    assert not control.violations
    control.look(page, f"{base}/control-closed")
    page.wait_for_timeout(200)
    assert len(control.dialogs) == 2
    assert control.violations
    page.close()


class Filling:
    """Puts the texts into every field that takes them, and remembers which pages show them."""

    def __init__(self, world: World, hostile: list[str]) -> None:
        self.world, self.hostile = world, hostile
        self.taken = 0
        self.paths = ["/", "/?locale=de", "/?state=unanswered", "/c/router", "/kb", "/desk", "/demo/plaza", "/ask"]
        self.paths += ["/notifications", "/moderation", "/admin/log", "/admin/people", "/admin/channels", "/settings"]
        self.paths += [
            "/settings/sessions",
            "/settings/tokens",
            "/kb/nominations",
            "/kb/drafts",
            "/search/similar?title=x",
        ]
        world.everybody()

    def put(self, deed: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
        """Return what the deed returns; a refusal is fine here, and test_bad_input.py looks at how it is told."""
        try:
            with db.session.begin_nested():
                done = deed(*args, **kwargs)
        except KlinkeError:
            return None
        self.taken += 1
        return done

    def people(self) -> list[User]:
        found = [self.world.person(f"writer{number}") for number in range(AUTHORS)]
        for number, user in enumerate(found):
            about = "\n".join(self.some(number * 7, 7))[: people.LONGEST_ABOUT]
            name = self.hostile[number % len(self.hostile)][: people.LONGEST_NAME]
            self.put(people.change_profile, user, name=name, about=about, locale="en", theme="auto")
        self.put(tokens.create, self.world.root, scopes=["read"], name=self.hostile[0][:80])
        self.paths += [f"/u/{user.handle}" for user in found[::12]]
        return found

    def questions(self, authors: list[User]) -> list[Topic]:
        asked = []
        for number, text in enumerate(self.hostile[:TITLES]):
            topic = self.put(
                topics.ask,
                title=f"Why is that: {text}"[:LONGEST_TITLE],
                source=f"{self.hostile[-number]}\n\nWhat does this mean, please?",
                category=self.world.router,
                locale="de" if number % 2 else "en",
                tags=[tag for tag in text.split()[:2] if is_tag(tag)],
                by=authors[number % AUTHORS],
            )
            asked += [topic] if topic is not None else []
        assert len(asked) >= min(len(self.hostile), TITLES) // 2
        self.put(moderation.mute, asked[1], by=self.world.root, reason=" ".join(self.hostile[:4])[:500])
        self.paths += [f"/t/{topic.id}" for topic in asked[:3]]
        return asked

    def answers_to(self, topic: Topic, authors: list[User]) -> Post:
        """Two texts in every answer, one in every comment; return the accepted answer."""
        written = []
        for number in range(0, len(self.hostile), 4):
            source = "\n\n".join([*self.some(number, 2), "This is what helped here."])
            post = self.put(answers.post, topic, source=source, by=authors[number % AUTHORS])
            written += [post] if post is not None else []
        for number, text in enumerate(self.hostile):
            self.put(answers.comment, written[number % len(written)], source=f"{text} and so on", by=self.world.bob)
        pages = -(-len(written) // ANSWERS_A_PAGE)
        self.paths += [f"/t/{topic.id}-{topic.slug}?answers={page}" for page in range(1, pages + 1)]
        self.paths.append(f"/posts/{written[0].id}/edit")
        answers.accept(written[0], by=self.world.root)
        nomination = promotion.nominate(written[0])
        assert nomination is not None
        self.paths.append(f"/kb/nominations/{nomination.id}")
        return written[0]

    def articles(self) -> None:
        made = [article.id for number in range(ARTICLES) if (article := self.put(self._article, number)) is not None]
        assert len(made) >= 5
        self.paths += [f"/kb/{article_id}" for article_id in made[:6]]
        self.paths += [f"/kb/articles/{made[0]}/edit", f"/kb/articles/{made[0]}/history", "/kb/s/router"]

    def _article(self, number: int) -> Article:
        one = self.some(number * 11, 11)
        article = articles.create(
            section=sections.named("router"),
            locale="en",
            by=self.world.root,
            title=f"About: {one[0]}"[: articles.LONGEST_TITLE],
            summary=one[1][: articles.LONGEST_SUMMARY],
            symptoms="\n\n".join(one[2:5]),
            environment=" ".join(one[5].split())[: articles.LONGEST_ENVIRONMENT],
            resolution="\n\n".join([*one[6:10], "And that is all."]),
            keywords=[word for word in one[10].split()[:3] if len(word) < articles.LONGEST_KEYWORD],
        )
        articles.publish(article, by=self.world.root)
        return article

    def desk(self) -> None:
        channel = desk_stage.channel(self.world, endpoint="https://social.example/replies")
        name = self.hostile[1][:80]
        self.put(connections.open_webhook, "hostile", name=name, endpoint="", limit=None, by=self.world.root)
        for number, text in enumerate(self.hostile[-MESSAGES:]):
            about = {"id": f"post-{number}", "name": self.hostile[number % len(self.hostile)][:200]}
            url = f"https://social.example/?{quote(text[:50], errors='replace')}"
            message = self.put(desk_stage.received, channel, text=text, url=url, **about)
            if message is not None and number % 10 == 0:
                self.put(replies.reply, message.conversation, text=text, by=self.world.root)
        self.paths.append("/desk/conversations/1")

    def plaza(self) -> None:
        for number, text in enumerate(self.hostile[:MESSAGES]):
            self.put(plaza.post, handle=f"guest{number % 9}", text=text[:280])

    def draft(self) -> None:
        fields = {"title": " ".join(self.hostile[:9])[:150], "source": "\n".join(self.hostile[:60])[:30_000]}
        drafts.save(self.world.root, "ask", fields)

    def some(self, start: int, many: int) -> list[str]:
        return [self.hostile[(start + step) % len(self.hostile)] for step in range(many)]


def fill(app: Flask, hostile: list[str]) -> tuple[int, list[str], str]:
    """Fill the installation; return how often a text was taken, the pages to look at, and the cookie of an admin."""
    filling = Filling(World(), hostile)
    authors = filling.people()
    asked = filling.questions(authors)
    solution = filling.answers_to(asked[0], authors)
    votes.vote(solution, by=filling.world.alice)
    filling.articles()
    filling.desk()
    filling.plaza()
    filling.draft()
    db.session.commit()
    session = {"_user_id": sessions.begin(filling.world.root, device=hostile[0]), "_fresh": True}
    db.session.commit()
    cookie = app.session_interface.get_signing_serializer(app).dumps(session)  # type: ignore[attr-defined]  # Flask's own has one
    return filling.taken, filling.paths, str(cookie)


def is_tag(text: str) -> bool:
    try:
        return bool(limits.tag(text))
    except KlinkeError:
        return False
