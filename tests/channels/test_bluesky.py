"""Bluesky does what every channel must: against a real PDS, and a strict stand-in for what only an AppView tells."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core.db import db
from desk import connections
from desk.channel_models import ChannelCourse
from desk.models import Channel
from tests.cast import World
from tests.channels.atproto import Person, Servers, mention_of
from tests.channels.conformance import Conformance, Rig, Seen, Trouble, poll_now


class BlueskyRig(Rig):
    kind = "bluesky"
    hides = True

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        servers.control("reset")
        self.desk = servers.person("desk")
        self.password = servers.app_password(self.desk)
        self.people: dict[str, Person] = {}
        self.written: dict[str, dict[str, str]] = {}
        self.roots: dict[str, dict[str, str]] = {}
        self.told: set[str] = set()

    @property
    def secrets(self) -> Sequence[str]:  # type: ignore[override]
        # With the tokens that were ever shown at the door.
        seen = {one["headers"].get("authorization", "") for one in self.servers.control("counts")["log"]}
        return [self.password, *(token.removeprefix("Bearer ") for token in seen if token)]

    def close(self) -> None:
        self.servers.control("door", closed=True)

    def settings(self) -> dict[str, Any]:
        return {"private_endpoints": self.servers.endpoints}

    def connect(self, world: World) -> Channel:
        values = {
            "handle": f"@{self.desk.handle}",
            "password": self.password,
            "server": self.servers.pds,
            "directory": self.servers.directory,
            "chat": "y",
            "chat_service": self.servers.chat_service,
        }
        return connections.connect("bluesky", slug="sky", name="Sky", values=values, by=world.root)

    def by(self, name: str) -> Person:
        if name not in self.people:
            self.people[name] = self.servers.person(name, followers=1200)
        return self.people[name]

    def write(self, text: str, *, id: str, answers: str | None = None, by: str = "max") -> None:  # noqa: A002
        more: dict[str, Any] = {"facets": mention_of(self.desk), "langs": ["en"]}
        if answers is not None:
            parent = self.written[answers]
            self.roots[id] = self.roots.get(answers, parent)
            more["reply"] = {"root": self.roots[id], "parent": parent}
        self.written[id] = self.servers.post(self.by(by), text, **more)

    def write_where_we_may_hide(self, text: str, *, id: str) -> None:  # noqa: A002 -- the name that `Rig` says
        root = self.servers.post(self.desk, "We have a new router.")
        more = {"facets": mention_of(self.desk), "langs": ["en"], "reply": {"root": root, "parent": root}}
        self.written[id] = self.servers.post(self.by("max"), text, **more)

    def hidden(self) -> list[str]:
        gates = self.servers.records(self.desk, "app.bsky.feed.threadgate")
        return [uri for gate in gates for uri in gate["value"].get("hiddenReplies", [])]

    def edit(self, id: str, text: str) -> None:  # noqa: A002
        uri = self.external_id(id)
        did, collection, key = uri.removeprefix("at://").split("/")
        record = self.servers.see(uri)["value"] | {"text": text, "facets": mention_of(self.desk)}
        writer = next(one for one in self.people.values() if one.did == did)
        told = {"repo": did, "collection": collection, "rkey": key, "record": record}
        self.servers.call("com.atproto.repo.putRecord", told, token=writer.token)
        self.servers.see(uri)

    def remove(self, id: str) -> None:  # noqa: A002
        uri = self.external_id(id)
        did, collection, key = uri.removeprefix("at://").split("/")
        writer = next(one for one in self.people.values() if one.did == did)
        told = {"repo": did, "collection": collection, "rkey": key}
        self.servers.call("com.atproto.repo.deleteRecord", told, token=writer.token)
        self.servers.control("unpost", uri=uri)

    def external_id(self, id: str) -> str:  # noqa: A002
        return self.written[id]["uri"]

    def bring(self, app: Flask, only: Sequence[str] | None = None) -> None:
        for name in self.written if only is None else only:
            if name not in self.told:
                self.told.add(name)
                self.servers.notify(self.desk, self.external_id(name), "mention")
                if only is not None:
                    self._poll(app)
        self._poll(app)

    def bring_again(self, app: Flask) -> None:
        for name in self.written:
            if name not in self.told:
                self.told.add(name)
                self.servers.notify(self.desk, self.external_id(name), "mention")
        self.servers.control("door", shutOut=False)
        with app.app_context():
            for course in db.session.scalars(select(ChannelCourse)):
                course.cursor = None
            db.session.commit()
        self._poll(app)

    def _poll(self, app: Flask) -> None:
        with app.app_context():
            channel_id = db.session.scalars(select(Channel.id)).one()
        poll_now(app, channel_id)

    def trouble(self, *what: Trouble) -> None:
        self.servers.control("door", troubles=list(what))

    def trouble_reading(self, what: Trouble) -> None:
        self.servers.control("door", readingTrouble=what)

    def seen(self) -> list[Seen]:
        found = []
        for record in self.servers.records(self.desk):
            answers = record["value"].get("reply", {}).get("parent", {}).get("uri")
            found.append(Seen(record["uri"], record["value"]["text"], answers))
        return found

    def requests(self) -> int:
        return int(self.servers.control("counts")["requests"])

    def attempts(self) -> int:
        return int(self.servers.control("counts")["attempts"])


class TestBluesky(Conformance):
    # The door asks for a minute; a busy machine takes a part of it until the test looks.
    retry_after = 7

    @pytest.fixture
    def rig(self, at_servers: Servers) -> Iterator[Rig]:
        rig = BlueskyRig(at_servers)
        yield rig
        at_servers.control("reset")
