"""What pages cost when everything has grown tenfold: 2,000 topics and 19,500 posts beside 20,000 and 195,000.

python bench/bench_growth.py

Every request has an address of its own, so that none is served from the pages that are kept ready.
"""

import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from measure import ROOT, Figures, Request, klinke, measured, median, report, sentences, settings

sys.path.insert(0, str(ROOT))

TOPICS, POSTS = 2_000, 19_500
TIMES = 10
ROUNDS = 3
PATIENT = 2.0
CATEGORIES, PEOPLE, TAGS = 10, 500, 50
"""So few tags that each has more than a page of topics in the small forum, too."""
BATCH = 2_000
START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Forum:
    """An installation, and the address of a topic with 20 posts in it."""

    folder: Path
    topic: str


def main() -> None:
    with tempfile.TemporaryDirectory() as small_folder, tempfile.TemporaryDirectory() as large_folder:
        small = filled(Path(small_folder), TOPICS, POSTS)
        large = filled(Path(large_folder), TIMES * TOPICS, TIMES * POSTS)
        found: dict[str, list[float]] = {}
        for _round in range(ROUNDS):  # in turn, so that a noisy moment meets both
            for name, forum in (("small", small), ("large", large)):
                for page, figures in walked(forum):
                    found.setdefault(f"{page}, {name}", []).append(figures.cpu_ms)
        for page in ("home", "category", "tag", "topic", "unsolved", "second page", "search"):
            before, after = (median(found[f"{page}, {name}"]) for name in ("small", "large"))
            report("growth", f"{page}: {TOPICS} topics", before, "ms CPU", "lower")
            report("growth", f"{page}: {TIMES * TOPICS} topics", after, "ms CPU", "lower")
            report("growth", f"{page}: ten times as much costs", after / before, "x", "lower")


def walked(forum: Forum) -> Iterator[tuple[str, Figures]]:
    """Yield what each page takes of a server that has just been started."""
    words = [line.split()[:3] for line in sentences(500, seed=2)]
    pages: dict[str, Callable[[int], str]] = {
        "home": lambda number: f"/?once={number}",
        "category": lambda number: f"/c/category-1?once={number}",
        "tag": lambda number: f"/tags/tag-1?once={number}",
        "topic": lambda number: f"{forum.topic}?once={number}",
        "unsolved": lambda number: f"/?state=unsolved&once={number}",
        "search": lambda number: f"/search?q={quote_plus(' '.join(words[number % len(words)]))}",
    }
    with klinke(forum.folder) as (port, process):
        older = _older(port)
        pages["second page"] = lambda number: f"{older}&once={number}"
        for name, address in pages.items():
            yield name, measured(port, process, partial(_request, address), seconds=PATIENT, clients=1)


def _request(address: Callable[[int], str], number: int) -> Request:
    return Request(address(number))


def _older(port: int) -> str:
    """Return the address of the home page's second page."""
    import html
    import re
    import urllib.request

    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read().decode()
    found = re.search(r'href="(/\?[^"]*page=[^"]+)"', page)
    assert found is not None, "so many topics have a second page"
    return html.unescape(found[1])


def filled(folder: Path, topics: int, posts: int) -> Forum:
    """Write an installation as rows, which is faster than as deeds; the first topic has 20 posts."""
    import flask_migrate

    from app import create_app
    from core import worker
    from core.db import db

    app = create_app(settings(folder))
    rng = random.Random(1)
    with app.app_context():
        flask_migrate.upgrade()
        for table, rows in rows_of(rng, topics, posts):
            waiting = iter(rows)
            while some := list(islice(waiting, BATCH)):
                db.session.execute(db.metadata.tables[table].insert(), some)
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    worker.work(app, until_idle=True)
    return Forum(folder, "/t/1-topic")


def rows_of(rng: random.Random, topics: int, posts: int) -> Iterator[tuple[str, Iterator[dict[str, Any]]]]:
    """Yield tables and their rows, in an order in which they can be written."""
    texts = sentences(3_000, seed=3)
    at = [START + timedelta(minutes=rng.randrange(1_000_000)) for _topic in range(topics)]
    answers = [0] * topics
    answers[0] = 19
    for _answer in range(posts - topics - answers[0]):
        answers[rng.randrange(1, topics)] += 1
    first = topics + 1
    firsts = [first := first + (answers[number - 1] if number else 0) for number in range(topics)]
    solved = [number for number in range(topics) if answers[number] and rng.random() < 0.4]
    names = {"en": "Category", "de": "Kategorie"}
    yield (
        "category",
        (
            {"id": number, "slug": f"category-{number}", "names": names, "descriptions": {}, "position": number}
            for number in range(1, CATEGORIES + 1)
        ),
    )
    yield "user", (_person(number) for number in range(1, PEOPLE + 1))
    yield "tag", ({"id": number, "name": f"tag-{number}"} for number in range(1, TAGS + 1))
    yield (
        "topic",
        (
            {
                "id": number + 1,
                "category_id": 1 + number % CATEGORIES,
                "asker_id": 1 + number % PEOPLE,
                "title": texts[number % len(texts)][:100].ljust(12, "."),
                "slug": "topic",
                "locale": "en" if number % 2 else "de",
                "created_at": at[number],
                "last_activity_at": at[number] + timedelta(hours=answers[number]),
                "answer_count": answers[number],
            }
            for number in range(topics)
        ),
    )
    yield (
        "topic_tag",
        ({"topic_id": number + 1, "tag_id": 1 + (number * 7) % TAGS, "position": 0} for number in range(topics)),
    )
    yield "post", (_post(number + 1, number + 1, "question", at[number], texts) for number in range(topics))
    yield (
        "post",
        (
            _post(firsts[number] + place, number + 1, "answer", at[number] + timedelta(hours=place + 1), texts)
            for number in range(topics)
            for place in range(answers[number])
        ),
    )
    yield (
        "acceptance",
        (
            {"topic_id": number + 1, "post_id": firsts[number], "by_id": 1 + number % PEOPLE, "at": at[number]}
            for number in solved
        ),
    )


def _person(number: int) -> dict[str, Any]:
    handle = f"person-{number}"
    return {"id": number, "handle": handle, "handle_key": handle, "name": f"Person {number}", "about": ""}


def _post(post_id: int, topic_id: int, kind: str, at: datetime, texts: list[str]) -> dict[str, Any]:
    text = " ".join(texts[(post_id * 3 + place) % len(texts)] for place in range(3))
    return {
        "id": post_id,
        "topic_id": topic_id,
        "kind": kind,
        "parent_id": None,
        "author_id": 1 + post_id % PEOPLE,
        "source": text,
        "html": f"<p>{text}</p>",
        "renderer_version": 1,
        "created_at": at,
    }


if __name__ == "__main__":
    main()
