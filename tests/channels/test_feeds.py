"""Feeds do what every channel must, and what is special about them; their server speaks HTTP on loopback, strictly."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.db import db
from desk import connections, polling, watch_lists
from desk.channel_models import ChannelCourse
from desk.channels.feeds import hubs
from desk.models import Channel
from tests.cast import World
from tests.channels.conformance import Conformance, Rig, Seen, Trouble
from tests.channels.feed_server import Page, Post, Server, half, reset

Stage = Callable[[Callable[[World], Any]], Any]
FEED = "/feed"


class FeedRig(Rig):
    kind = "feeds"
    removes = False
    by_hand = True
    path = FEED

    def __init__(self) -> None:
        self.server = Server()
        self.server.pages[FEED] = Page()
        self.secrets: Sequence[str] = ()

    def close(self) -> None:
        self.server.close()

    def settings(self) -> dict[str, Any]:
        return {"private_endpoints": f"127.0.0.1:{self.server.port}"}

    def connect(self, world: World) -> Channel:
        channel = connections.connect("feeds", slug="blogs", name="Blogs", values={"words": "Klinke"}, by=world.root)
        self.key = watch_lists.add(
            channel, url=self.server.url(FEED), title="Max writes", takes="all", words="", by=world.root
        ).key
        self.secrets = ((channel.credentials or {})[hubs.SECRET], hubs.secret_of(channel, self.key))
        return channel

    @property
    def page(self) -> Page:
        return self.server.pages[FEED]

    def write(self, text: str, *, id: str, answers: str | None = None, by: str = "max") -> None:  # noqa: A002
        self.page.posts.insert(0, Post(id, text, author=by))

    def edit(self, id: str, text: str) -> None:  # noqa: A002
        next(post for post in self.page.posts if post.id == id).text = text

    def bring(self, app: Flask, only: Sequence[str] | None = None) -> None:
        posts = self.page.posts
        for name in [None] if only is None else only:
            self.page.posts = posts if name is None else [post for post in posts if post.id == name]
            ask(app)
        self.page.posts = posts

    def bring_again(self, app: Flask) -> None:
        with app.app_context():
            course = db.session.scalars(select(ChannelCourse)).one_or_none()
            if course is not None:
                course.cursor = None
                db.session.commit()
        ask(app)

    def trouble_reading(self, what: Trouble) -> None:
        answers: dict[Trouble, Any] = {
            "429": (429, {"Retry-After": "7"}),
            "500": 500,
            "timeout": reset,
            "half": half,
            "not let in": 401,
        }
        self.page.answers.append(answers[what])

    def seen(self) -> list[Seen]:
        return []

    def requests(self) -> int:
        return len(self.server.asked) + self.attempts()

    def attempts(self) -> int:
        return len(self.server.subscriptions) + len(self.server.mentions)


class TestFeeds(Conformance):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        rig = FeedRig()
        yield rig
        rig.close()
        assert rig.server.wrong == []


def ask(app: Flask) -> None:
    """Ask every feed, whosever turn it is."""
    with app.app_context():
        channel_id = db.session.scalars(select(Channel.id)).one()
        course = db.session.get(ChannelCourse, channel_id)
        if course is not None and course.cursor:
            states = {key: {**state, "next": 0.0} for key, state in course.cursor["feeds"].items()}
            for state in states.values():
                state["posts"] = {one: {**post, "next": 0.0} for one, post in state.get("posts", {}).items()}
            course.cursor = {**course.cursor, "feeds": states}
        polling.begin_anew(channel_id)
        db.session.commit()
        polling.poll(channel_id)
