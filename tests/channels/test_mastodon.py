"""A channel on Mastodon does what every channel must, and what is special there; against a strict instance."""

from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.db import db
from desk import connections
from desk.channel_models import ChannelCourse
from desk.models import Channel
from tests.cast import World
from tests.channels.conformance import Conformance, Rig, Seen, Trouble, poll_now
from tests.channels.fake_mastodon import FakeMastodon, Status
from tests.desk.stage import answer_with, reset


class MastodonRig(Rig):
    kind = "mastodon"
    corrects = True
    visibility = "public"

    def __init__(self, variant: Any = "mastodon") -> None:
        self.fake = FakeMastodon(variant)
        self.secrets = (self.fake.token,)
        self.written: dict[str, Status] = {}
        self.told: set[str] = set()
        self.is_open = True

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            self.fake.close()

    def settings(self) -> dict[str, Any]:
        return {"private_endpoints": f"127.0.0.1:{self.fake.port}"}

    def connect(self, world: World) -> Channel:
        values = {"instance": self.fake.url, "token": self.fake.token}
        return connections.connect("mastodon", slug="mastodon", name="Mastodon", values=values, by=world.root)

    def write(self, text: str, *, id: str, answers: str | None = None, by: str = "max") -> None:  # noqa: A002
        parent = None if answers is None else self.written[answers].id
        self.written[id] = self.fake.post(text, by=by, answers=parent, visibility=self.visibility)

    def edit(self, id: str, text: str) -> None:  # noqa: A002
        self.fake.change(self.written[id], text)

    def remove(self, id: str) -> None:  # noqa: A002
        self.fake.delete(self.written.pop(id))

    def external_id(self, id: str) -> str:  # noqa: A002
        return self.written[id].id

    def bring(self, app: Flask, only: Sequence[str] | None = None) -> None:
        for name in self.written if only is None else only:
            if name not in self.told:
                self.told.add(name)
                self.fake.notify(self.written[name])
        self._poll(app)

    def bring_again(self, app: Flask) -> None:
        with app.app_context():
            course = db.session.scalars(select(ChannelCourse)).one_or_none()
            if course is not None and course.failures == 0:
                course.cursor = None
                db.session.commit()
        self.bring(app)

    def _poll(self, app: Flask) -> None:
        with app.app_context():
            channel_id = db.session.scalars(select(Channel.id)).one()
        poll_now(app, channel_id)

    def trouble(self, *what: Trouble) -> None:
        self.fake.writing += [does(one) for one in what]

    def trouble_reading(self, what: Trouble) -> None:
        self.fake.reading.append(does(what))

    def seen(self) -> list[Seen]:
        return [Seen(each.id, each.text, each.answers) for each in self.fake.ours()]

    def requests(self) -> int:
        return len(self.fake.asked)

    def attempts(self) -> int:
        return sum(1 for asked in self.fake.asked if asked == ("POST", "/api/v1/statuses"))


def does(what: Trouble) -> Any:
    """Return how an instance is ill; True: it answered and did nothing else."""

    def refuses(handler: BaseHTTPRequestHandler) -> bool:
        if what == "429":
            answer_with(handler, 429, {"Retry-After": "7"}, b'{"error":"Too many requests"}')
        elif what == "500":
            answer_with(handler, 500, {}, b"<html>We are sorry</html>")
        elif what == "refused":
            answer_with(handler, 503, {}, b"")
        elif what == "not let in":
            answer_with(handler, 401, {}, b'{"error":"The access token was revoked"}')
        elif what == "half":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
            handler.close_connection = True
        elif what == "timeout":
            reset(handler)
        return what != "lost answer"

    return refuses


class TestMastodon(Conformance):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        rig = MastodonRig()
        yield rig
        rig.close()
        assert rig.fake.wrong == []


class TestGoToSocial(Conformance):
    """It keeps no idempotency key, tells several statuses at once to nobody, and takes 5,000 characters."""

    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        rig = MastodonRig("gotosocial")
        yield rig
        rig.close()
        assert rig.fake.wrong == []


class TestDirect(Conformance):
    """The same in private."""

    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        rig = MastodonRig()
        rig.visibility, rig.is_public = "direct", False
        yield rig
        rig.close()
        assert rig.fake.wrong == []
