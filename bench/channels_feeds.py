"""A poll of 10,000 posts, beside feedparser alone with its usual settings over the same bytes in the same run.

The feeds come over HTTP from the strict fake of the tests, twenty with 500 posts each; the poll fetches, reads, and
takes every post into the desk of a fresh database, committed, each opening a case. A second poll gets 304 everywhere, a
third the same posts again from a server that knows no conditions. Memory is the most the process held, beside the same
process after its start. Times are the processor's, which a busy machine disturbs least; the fake's are among them.

POSTS_OF_A_FEED=500 python bench/channels_feeds.py
"""

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from measure import ROOT, report

sys.path.insert(0, str(ROOT))

FEEDS = 20
POSTS = int(os.environ.get("POSTS_OF_A_FEED", "500"))
WORDS = "Since the update my router loses the light every hour, and nobody answers. Grüße! "


def main() -> None:
    runs = {what: run(what) for what in ("alone", "poll")}
    alone, polled = runs["alone"], runs["poll"]
    many = FEEDS * POSTS
    report("channels_feeds", "feedparser alone", many / alone["seconds"], "posts/s", "higher")
    report("channels_feeds", "poll, committed", many / polled["seconds"], "posts/s", "higher")
    report("channels_feeds", "poll / feedparser alone, time", polled["seconds"] / alone["seconds"], "ratio", "lower")
    report("channels_feeds", "reading / feedparser alone, time", alone["ours"] / alone["seconds"], "ratio", "lower")
    report("channels_feeds", "nothing changed (304)", polled["same"] * 1000 / FEEDS, "ms/feed", "lower")
    report(
        "channels_feeds",
        "the same again, unconditional / first poll",
        polled["again"] / polled["seconds"],
        "ratio",
        "lower",
    )
    report("channels_feeds", "feedparser alone, memory", alone["memory"], "MB more", "lower")
    report("channels_feeds", "poll, memory", polled["memory"], "MB more", "lower")
    report("channels_feeds", "poll / feedparser alone, memory", polled["memory"] / alone["memory"], "ratio", "lower")


def run(what: str) -> dict[str, float]:
    """Do one part in a process of its own, so that the memory is its own."""
    told = subprocess.run([sys.executable, __file__, what], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return found


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone() -> dict[str, float]:
    import feedparser

    from desk.channels.feeds import reading

    bodies = [body for _path, body in feeds()]
    before, began = megabytes(), time.process_time()
    counted = sum(len(feedparser.parse(io.BytesIO(body)).entries) for body in bodies)
    seconds, memory = time.process_time() - began, megabytes() - before
    began = time.process_time()
    ours = sum(len(reading.read(body, url="https://blog.example/").entries) for body in bodies)
    assert counted == ours == FEEDS * POSTS
    return {"seconds": seconds, "memory": max(memory, 0.1), "ours": time.process_time() - began}


def poll() -> dict[str, float]:
    from sqlalchemy import func, select

    from app import create_app
    from core.db import db
    from desk import connections, watch_lists
    from desk.channel_models import ChannelCourse
    from desk.channels.feeds import reading
    from desk.models import Message
    from tests.channels.feed_server import Page, Server

    server = Server()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(
            {
                "KLINKE_DATABASE_URL": f"sqlite:///{Path(folder) / 'klinke.db'}",
                "KLINKE_DATA_DIR": folder,
                "KLINKE_SECRET_KEY": "bench " * 8,
                "KLINKE_BASE_URL": "http://localhost",
                "KLINKE_PRIVATE_ENDPOINTS": f"127.0.0.1:{server.port}",
            }
        )
        with app.app_context():
            from accounts import people

            db.create_all()
            admin = people.create("root", name="Root", email="root@example.org", roles=("member", "admin"), locale="en")
            channel = connections.connect("feeds", slug="blogs", name="Blogs", values={"words": "router"}, by=admin)
            for path, body in feeds():
                server.pages[path] = Page(raw=body)
                watch_lists.add(channel, url=server.url(path), title=path, takes="words", words="", by=admin)
            channel_id = channel.id
            db.session.commit()
            reading.read(server.pages["/0"].raw or b"", url="https://blog.example/")  # the import is no part of it
            before = megabytes()
            seconds = polled(channel_id)
            memory = megabytes() - before
            assert db.session.scalar(select(func.count(Message.id))) == FEEDS * POSTS
            same = polled(channel_id)
            for state_page in server.pages.values():
                state_page.has_tags = False
                state_page.at += timedelta(days=1)
            again = polled(channel_id)
            assert db.session.scalar(select(func.count(Message.id))) == FEEDS * POSTS
            assert db.session.get_one(ChannelCourse, channel_id).unread == 0
            db.session.remove()
            db.engine.dispose()
    server.close()
    return {"seconds": seconds, "memory": max(memory, 0.1), "same": same, "again": again}


def polled(channel_id: int) -> float:
    from core.db import db
    from desk import polling
    from desk.channel_models import ChannelCourse

    polling.begin_anew(channel_id)
    course = db.session.get(ChannelCourse, channel_id)
    if course is not None and course.cursor:
        states = {key: {**state, "next": 0.0} for key, state in course.cursor["feeds"].items()}
        course.cursor = {"feeds": states}
    db.session.commit()
    began = time.process_time()
    polling.poll(channel_id)
    return time.process_time() - began


def feeds() -> list[tuple[str, bytes]]:
    """Return paths and bytes of the feeds, the same each time of a day."""
    from tests.channels.feed_server import Page, Post, Server

    server = Server()
    at = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    made = []
    for number in range(FEEDS):
        posts = [
            Post(f"{number}-{post}", WORDS * 6 + str(post), title=f"Post {post}", author=f"author {post}", at=at)
            for post in range(POSTS)
        ]
        made.append((f"/{number}", server.body(Page(posts=posts))))
    server.close()
    return made


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(ROOT))
    if len(sys.argv) > 1:
        print(json.dumps({"alone": alone, "poll": poll}[sys.argv[1]]()))
    else:
        main()
