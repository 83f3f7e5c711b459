"""Pages of one server process beside the floor of the same run: requests a second, p95, CPU a request.

python bench/bench_pages.py [topics]
"""

import random
import re
import sys
import tempfile
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import quote_plus

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


def fill(data_dir: Path) -> tuple[int, str, list[list[str]]]:
    """Build a community; return the id of a topic with 20 posts, an API token, and words to search for."""
    import flask_migrate

    from accounts import people, tokens
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
        db.session.commit()
    worker.work(app, until_idle=True)
    return big, token, [line.split()[:3] for line in sentences(200, seed=2)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        topic_id, token, words = fill(data_dir)
        with klinke(data_dir) as (port, process):
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/t/{topic_id}").read()
            floor_port = free_port()
            command = [sys.executable, str(ROOT / "bench/floor.py"), str(floor_port), folder, str(len(page))]
            with served(command, floor_port, {}) as floor_process:
                floor = measured(floor_port, floor_process, lambda _n: Request("/"), seconds=PATIENT)
                show("floor", floor, floor)
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
            report("pages", "topic page size", len(page) / 1024, "KiB", "lower")
            report("pages", "resident memory of the web process", resident_mib(process.pid), "MiB", "lower")


def show(name: str, found: Figures, floor: Figures) -> None:
    report("pages", f"{name}: requests a second", found.requests_per_second, "1/s", "higher")
    report("pages", f"{name}: p95", found.p95_ms, "ms", "lower")
    report("pages", f"{name}: CPU a request", found.cpu_ms, "ms", "lower")
    if found is not floor:
        report("pages", f"{name}: CPU beside the floor", found.cpu_ms / floor.cpu_ms, "x", "lower")


if __name__ == "__main__":
    main()
