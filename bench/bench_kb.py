"""The knowledge base: opening a draft beside its thread, article pages beside the floor, and recording a reuse.

A draft is opened from the accepted answer of a thread of 60 posts in a base of so many articles, over HTTP as an
editor does, the check for similar articles included. An article's page is measured beside the floor of the same run
(`bench/floor.py`): "made anew" by an address nobody asked for before, as the floor makes its page, and asked for again.
Reuse is recorded in process, each in a transaction of its own.

python bench/bench_kb.py [articles]
"""

import random
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from flask.sessions import SecureCookieSessionInterface
from measure import (
    ROOT,
    Request,
    documents,
    free_port,
    klinke,
    measured,
    report,
    sentences,
    served,
    settings,
    spread,
)

sys.path.insert(0, str(ROOT))

ARTICLES = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
POSTS = 60
THREADS = 20
RECORDED = 500
AT_ONCE = 200
SECONDS = 5.0
RUNS = 2


def fill(data_dir: Path) -> tuple[list[int], list[str], str]:
    """Build a base; return the nominations that wait, the paths of some articles, and an editor's cookie."""
    import flask_migrate

    from accounts import people
    from app import create_app
    from core import outbox
    from core.db import db
    from forum import answers, topics
    from forum.models import Category
    from kb import addresses, articles, promotion, queries, redaction, sections
    from search import indexer

    app = create_app(settings(data_dir))
    rng = random.Random(1)
    texts = iter(sentences(THREADS * POSTS * 4))
    with app.app_context():
        flask_migrate.upgrade()
        category = Category(slug="router", names={"en": "Routers", "de": "Router"}, descriptions={}, position=1)
        db.session.add(category)
        editor = people.create("emil", name="Emil", email="emil@example.org", roles=("member", "editor"))
        asker = people.create("alice", name="Alice", email="alice@example.org")
        helper = people.create("bob", name="Bob", email="bob@example.org", roles=("member", "trusted"))
        section = sections.create(names={"en": "Routers", "de": "Router"}, by=editor)
        paths = []
        for text in documents(ARTICLES):
            article = articles.create(
                section=section,
                locale=text.locale,
                title=text.title.ljust(12, "."),
                summary="",
                symptoms="",
                environment="",
                resolution=text.body,
                keywords=[],
                tags=(),
                by=editor,
            )
            # Real texts name mailing lists and the like: an editor would keep them, as here.
            found = redaction.find(redaction.texts_of(article, queries.newest_revision(article)))
            redaction.keep(article, found, {one.digest: "Part of the manual" for one in found}, by=editor)
            articles.publish(article, by=editor)
            paths.append(addresses.of_article(article))
            if text.number % AT_ONCE == 0:
                db.session.commit()
        db.session.execute(db.delete(outbox.Delivery))  # who would hear of so many articles is of no interest here
        waiting = []
        for _number in range(THREADS):
            topic = topics.ask(
                title=" ".join(next(texts).split()[:9])[:100].ljust(12, "."),
                source=" ".join(next(texts) for _n in range(3)),
                category=category,
                locale="en",
                tags=("wifi",),
                by=asker,
            )
            posts = [
                answers.post(topic, source=" ".join(next(texts) for _n in range(3)), by=helper)
                for _answer in range(POSTS - 1)
            ]
            answers.accept(rng.choice(posts), by=asker)
            db.session.flush()
            db.session.refresh(topic)
            nomination = promotion.nominate(_accepted(topic))
            assert nomination is not None
            waiting.append(nomination.id)
            db.session.commit()
        cookie = _signed_in(app, editor)
        db.session.commit()
        # What follows from it and the index, without the chores of a night, which read every text there is.
        while outbox.deliver_due():
            pass
        while indexer.catch_up():
            pass
        db.session.remove()
        db.engine.dispose()
    return waiting, rng.sample(paths, min(500, len(paths))), cookie


def _signed_in(app: Any, person: Any) -> str:
    """Return the cookie of somebody who is signed in."""
    from accounts import sessions

    session = {"_user_id": sessions.begin(person, device="bench"), "_fresh": True}
    sealed = SecureCookieSessionInterface().get_signing_serializer(app)
    assert sealed is not None
    return f"{app.config['SESSION_COOKIE_NAME']}={sealed.dumps(session)}"


def _accepted(topic: Any) -> Any:
    assert topic.acceptance is not None
    return topic.acceptance.post


def reuse(data_dir: Path) -> None:
    """Record reuses of articles one after the other, as a reply does."""
    from accounts import people
    from app import create_app
    from core.db import db
    from kb import queries, uses
    from kb.models import Article

    app = create_app(settings(data_dir))
    with app.app_context():
        editor = people.by_handle("emil")
        assert editor is not None
        rng, times = random.Random(2), []
        ids = list(db.session.scalars(db.select(Article.id)))
        db.session.commit()
        for number in range(RECORDED):
            begun = time.perf_counter()
            article = queries.visible_article(rng.choice(ids), viewer=editor)
            uses.record(
                article, face="280", where_kind="message", where_id=number + 1, by=editor, asked="My router is offline."
            )
            db.session.commit()
            times.append(1000 * (time.perf_counter() - begun))
    p50, p95 = spread(times)
    report("kb", "reuse recorded p50", p50, "ms", "lower")
    report("kb", "reuse recorded p95", p95, "ms", "lower")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        waiting, paths, cookie = fill(data_dir)
        with klinke(data_dir) as (port, process):
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}{paths[0]}").read()
            report("kb", "article page", len(page) / 1024, "KiB", "lower")
            as_editor = (("Cookie", cookie),)
            opened = measured(
                port,
                process,
                lambda number: Request(f"/kb/nominations/{waiting[number % len(waiting)]}", headers=as_editor),
                seconds=SECONDS,
                clients=1,
            )
            report("kb", f"draft opened among {ARTICLES} articles p50", opened.p50_ms, "ms", "lower")
            report("kb", f"draft opened among {ARTICLES} articles p95", opened.p95_ms, "ms", "lower")
            report("kb", "draft opened cpu", opened.cpu_ms, "ms", "lower")
            floor_port = free_port()
            command = [sys.executable, str(ROOT / "bench/floor.py"), str(floor_port), folder, str(len(page))]
            with served(command, floor_port, {}) as floor_process:
                for run in range(1, RUNS + 1):
                    floor = measured(floor_port, floor_process, lambda _number: Request("/"), seconds=SECONDS)
                    article = measured(
                        port,
                        process,
                        lambda number, run=run: Request(f"{paths[number % len(paths)]}?anew={run}-{number}"),
                        seconds=SECONDS,
                    )
                    same = measured(port, process, lambda _number: Request(paths[0]), seconds=SECONDS)
                    report("kb", f"floor, run {run}", floor.requests_per_second, "1/s", "higher")
                    for name, one in (("article, made anew", article), ("article, asked for again", same)):
                        report("kb", f"{name}, run {run}", one.requests_per_second, "1/s", "higher")
                        report("kb", f"{name}, run {run}, p95", one.p95_ms, "ms", "lower")
                        report(
                            "kb", f"{name}, run {run}, cpu beside the floor", one.cpu_ms / floor.cpu_ms, "x", "lower"
                        )
        reuse(data_dir)


if __name__ == "__main__":
    main()
