"""From an accepted answer to a published article: how long the machine makes an editor wait, all pages together.

The clicks are those of `tests/browser/test_promoting.py`: the answer is open, *Make an article*, a choice for each
thing that looks personal (in the browser, without the server), *Publish*. In a base of so many articles, with threads
of 60 posts; what a person reads and thinks comes on top.

python bench/bench_promotion.py [articles]
"""

import http.client
import tempfile
import time
from html.parser import HTMLParser
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from bench_kb import ARTICLES, fill
from measure import klinke, report, settings, spread

CLICKS = 2
"""Those that ask the server; one more for each thing that looks personal."""


class Form(HTMLParser):
    """Reads what a browser would send of one form."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.values: list[tuple[str, str]] = []
        self.personal = 0
        self._action, self._is_in = action, False
        self._area: list[str] | None = None
        self._select: list[str] | None = None
        self._name = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        name = about.get("name", "")
        if tag == "form":
            self._is_in = about.get("action") == self._action
        elif not self._is_in:
            return
        elif tag == "input" and name and about.get("type") not in {"checkbox", "radio"}:
            self.values.append((name, about.get("value", "")))
        elif tag == "input" and about.get("type") == "radio" and about.get("value") == "remove":
            self.values.append((name, "remove"))
            self.personal += 1
        elif tag == "textarea":
            self._name, self._area = name, []
        elif tag == "select":
            self._name, self._select = name, []
        elif tag == "option" and self._select is not None:
            if "selected" in about:
                self._select.insert(0, about.get("value", ""))
            else:
                self._select.append(about.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_in = False
        elif tag == "textarea" and self._area is not None:
            self.values.append((self._name, "".join(self._area).removeprefix("\n")))
            self._area = None
        elif tag == "select" and self._select is not None:
            self.values.append((self._name, self._select[0] if self._select else ""))
            self._select = None


class Editor:
    """A browser that follows where it is sent, and counts how long it waits."""

    def __init__(self, port: int, cookie: str) -> None:
        self.port, self.headers = port, {"Cookie": cookie}
        self.waited = 0.0
        self.path = ""

    def get(self, path: str) -> str:
        return self._open("GET", path)

    def post(self, path: str, values: list[tuple[str, str]]) -> str:
        return self._open("POST", path, urlencode(values))

    def _open(self, method: str, path: str, body: str | None = None) -> str:
        headers = {**self.headers, **({"Content-Type": "application/x-www-form-urlencoded"} if body else {})}
        begun = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        page = answer.read().decode()
        for changed in answer.headers.get_all("Set-Cookie", ()):  # the session, which knows the seals of forms
            if changed.partition("=")[0] == self.headers["Cookie"].partition("=")[0]:
                self.headers["Cookie"] = changed.split(";", 1)[0]
        connection.close()
        self.waited += time.perf_counter() - begun
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            parts = urlsplit(answer.headers["Location"])
            return self._open("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        if answer.status != HTTPStatus.OK:
            message = f"{method} {path} answers {answer.status}"
            raise SystemExit(message)
        self.path = path
        return page


def answers_of(data_dir: Path, nominations: list[int]) -> list[int]:
    """Return the ids of the nominated answers."""
    from app import create_app
    from core.db import db
    from kb.models import Nomination

    with create_app(settings(data_dir)).app_context():
        return list(db.session.scalars(db.select(Nomination.post_id).where(Nomination.id.in_(nominations))))


def promote(editor: Editor, post_id: int) -> tuple[float, float, float, int]:
    """Promote one answer; return the waits for the thread, the draft and the article in ms, and the extra clicks."""
    waits = []

    def note() -> None:
        waits.append(1000 * editor.waited)
        editor.waited = 0.0

    editor.waited = 0.0
    thread = editor.get(f"/p/{post_id}")
    note()
    action = f"/posts/{post_id}/nomination"
    draft = editor.post(action, read(thread, action).values)
    note()
    action = f"{editor.path}/article"
    form = read(draft, action)
    editor.post(action, [*form.values, ("do", "publish")])
    note()
    if not editor.path.startswith("/kb/") or "nominations" in editor.path:
        message = f"nothing was published: {editor.path}"
        raise SystemExit(message)
    return waits[0], waits[1], waits[2], form.personal


def read(page: str, action: str) -> Form:
    form = Form(action)
    form.feed(page)
    return form


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        waiting, _paths, cookie = fill(data_dir)
        posts = answers_of(data_dir, waiting)
        with klinke(data_dir) as (port, _process):
            editor = Editor(port, cookie)
            editor.get("/kb")
            timed = [promote(editor, post_id) for post_id in posts]
    for name, place in (("thread opened", 0), ("Make an article", 1), ("Publish", 2)):
        report("promotion", f"{name} p50", spread([one[place] for one in timed])[0], "ms", "lower")
    p50, p95 = spread([sum(one[:3]) for one in timed])
    report("promotion", f"all waits together among {ARTICLES} articles p50", p50, "ms", "lower")
    report("promotion", f"all waits together among {ARTICLES} articles p95", p95, "ms", "lower")
    report("promotion", "clicks that ask the server", CLICKS, "clicks", "lower")
    report(
        "promotion", "choices about personal data, on average", sum(one[3] for one in timed) / len(timed), "", "lower"
    )


if __name__ == "__main__":
    main()
