"""Pages of one server process beside the floor of the same run: requests a second, p95, CPU a request.

A guest's page is measured as it is asked for again and again, "made anew" each time (by an address nobody asked for
before), and "unchanged" (with the ETag of what the reader has, beside a bare "hello"); a member's is always made anew.

python bench/bench_pages.py [topics]
"""

import random
import re
import sys
import tempfile
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote_plus

from flask.sessions import SecureCookieSessionInterface
from measure import (
    ROOT,
    Figures,
    Request,
    free_port,
    klinke,
    measured,
    report,
    resident_mib,
    sentences,
    served,
    settings,
)

sys.path.insert(0, str(ROOT))

TOPICS = int(sys.argv[1]) if len(sys.argv) > 1 else 300
ANSWERS = 19
PATIENT = 3.0


def fill(data_dir: Path) -> tuple[int, str, str, list[list[str]]]:
    """Build a community; return the id of a topic of 20 posts, an API token, a member's cookie, words to search for."""
    import flask_migrate

    from accounts import people, sessions, tokens
    from app import create_app
    from core import worker
    from core.db import db
    from forum import answers, topics
    from forum.models import Category

    app = create_app(settings(data_dir))
    rng = random.Random(1)
    texts = iter(sentences(TOPICS * 30 + ANSWERS * 20))
    with app.app_context():
        flask_migrate.upgrade()
        category = Category(slug="router", names={"en": "Routers", "de": "Router"}, descriptions={}, position=1)
        db.session.add(category)
        asker = people.create("alice", name="Alice", email="alice@example.org")
        helper = people.create("bob", name="Bob", email="bob@example.org", roles=("member", "trusted"))
        big = 0
        for number in range(TOPICS):
            title = " ".join(next(texts).split()[:9])[:100].ljust(12, ".")
            topic = topics.ask(
                title=title,
                source=" ".join(next(texts) for _n in range(4)),
                category=category,
                locale="en",
                tags=("wifi",),
                by=asker,
            )
            for _answer in range(ANSWERS if number == 0 else rng.randrange(3)):
                answers.post(topic, source=" ".join(next(texts) for _n in range(4)), by=helper)
            big = big or topic.id
            if number % 50 == 0:
                db.session.commit()
        token = tokens.create(helper, scopes=("all",), name="bench")
        session = {"_user_id": sessions.begin(asker, device="bench"), "_fresh": True}
        sealed = SecureCookieSessionInterface().get_signing_serializer(app)
        assert sealed is not None
        cookie = f"{app.config['SESSION_COOKIE_NAME']}={sealed.dumps(session)}"
        db.session.commit()
    worker.work(app, until_idle=True)
    return big, token, cookie, [line.split()[:3] for line in sentences(200, seed=2)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        topic_id, token, cookie, words = fill(data_dir)
        with klinke(data_dir) as (port, process):
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/t/{topic_id}").read()
            floor_port = free_port()
            command = [sys.executable, str(ROOT / "bench/floor.py"), str(floor_port), folder, str(len(page))]
            with served(command, floor_port, {}) as floor_process:
                floor = measured(floor_port, floor_process, lambda _n: Request("/"), seconds=PATIENT)
                show("floor", floor, floor)
                hello = measured(floor_port, floor_process, lambda _n: Request("/hello"), seconds=PATIENT)
                show("hello", hello, hello)
                slug = re.search(rf"/t/{topic_id}-[\w-]+", page.decode())
                address = slug[0] if slug else f"/t/{topic_id}"
                bearer = (("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"))
                text = b'{"body": "Turn it off, count to ten, turn it on again. That helped here. %d"}'
                pages = {
                    "topic": lambda _n: Request(address),
                    "category": lambda _n: Request("/c/router"),
                    "home": lambda _n: Request("/"),
                    "search": lambda n: Request("/search?q=" + quote_plus(" ".join(words[n % len(words)]))),
                    "answer": lambda n: Request(
                        f"/api/v1/topics/{topic_id + 1 + n % (TOPICS - 2)}/answers",
                        "POST",
                        text % uuid.uuid4().int,
                        bearer,
                    ),
                }
                for name, make in pages.items():
                    show(name, measured(port, process, make, seconds=PATIENT), floor)
                for name, path in {"topic": address, "category": "/c/router", "home": "/"}.items():
                    etag = urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").headers["ETag"]
                    had, mine = (("If-None-Match", etag),), (("Cookie", cookie),)
                    unchanged = measured(port, process, always(Request(path, headers=had)), seconds=PATIENT)
                    show(f"{name}, unchanged", unchanged, hello, "hello")
                    anew = measured(port, process, lambda n, path=path: Request(f"{path}?anew={n}"), seconds=PATIENT)
                    show(f"{name}, made anew", anew, floor)
                    own = measured(port, process, always(Request(path, headers=mine)), seconds=PATIENT)
                    show(f"{name}, for a member", own, floor)
            report("pages", "topic page size", len(page) / 1024, "KiB", "lower")
            report("pages", "resident memory of the web process", resident_mib(process.pid), "MiB", "lower")


def always(request: Request) -> Callable[[int], Request]:
    return lambda _number: request


def show(name: str, found: Figures, beside: Figures, called: str = "the floor") -> None:
    report("pages", f"{name}: requests a second", found.requests_per_second, "1/s", "higher")
    report("pages", f"{name}: p95", found.p95_ms, "ms", "lower")
    report("pages", f"{name}: CPU a request", found.cpu_ms, "ms", "lower")
    if found is not beside:
        report("pages", f"{name}: CPU beside {called}", found.cpu_ms / beside.cpu_ms, "x", "lower")


if __name__ == "__main__":
    main()
