"""A real PDS and directory on loopback for the tests of Bluesky, and what its AppView and chat service would tell.

One process of Node runs them all (`pds/servers.mjs`) and ends with the tests, whatever becomes of these.
"""

import itertools
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "pds"
PASSWORD = "correct horse battery staple"
LONGEST_SECONDS = 10_800
"""Longer than the whole suite; they end with the tests, this is for tests that are killed."""
_numbers = itertools.count(1)


class NotInstalled(Exception):
    """The servers are not there: `tests/install_pds.sh` installs them."""


class Declined(Exception):
    """The PDS said no."""

    def __init__(self, status: int, told: dict[str, Any]) -> None:
        super().__init__(status, told)
        self.status = status
        self.told = told


@dataclass(frozen=True, slots=True)
class Person:
    """An account on the PDS."""

    did: str
    handle: str
    token: str


class Servers:
    """The process, and the doors of what runs in it."""

    def __init__(self) -> None:
        if shutil.which("node") is None or not (FOLDER / "node_modules" / "@atproto" / "pds").exists():
            raise NotInstalled
        self.process = subprocess.Popen(
            ["node", "servers.mjs"],  # noqa: S607 -- wherever it is installed
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "LOG_ENABLED": "false", "LONGEST_SECONDS": str(LONGEST_SECONDS)},
        )
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())
        self.pds: str = told["pds"]
        self.directory: str = told["directory"]
        self.chat_service: str = told["chatDid"]
        self._control: str = told["control"]
        self._home: str = told["home"]

    @property
    def endpoints(self) -> str:
        """The pairs of host and port for KLINKE_PRIVATE_ENDPOINTS."""
        return ",".join(urllib.parse.urlsplit(url).netloc for url in (self.pds, self.directory))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=20)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def control(self, command: str, **told: Any) -> Any:
        """Say to the stand-in what a test wants; it does not count as a request."""
        return _answer(urllib.request.Request(f"{self._control}/control/{command}", data=json.dumps(told).encode()))

    def call(self, method: str, body: Any = None, *, token: str = "", **params: str) -> Any:
        """Speak to the PDS as a program of somebody else's would, past the door that counts and fails."""
        query = f"?{urllib.parse.urlencode(params)}" if params else ""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        raw = None if body is None else json.dumps(body).encode()
        return _answer(urllib.request.Request(f"{self._home}/xrpc/{method}{query}", data=raw, headers=headers))

    def upload(self, by: Person, content: bytes, media_type: str) -> dict[str, Any]:
        """Give the PDS a file of somebody's, and return how a record names it."""
        headers = {"Content-Type": media_type, "Authorization": f"Bearer {by.token}"}
        url = f"{self._home}/xrpc/com.atproto.repo.uploadBlob"
        blob: dict[str, Any] = _answer(urllib.request.Request(url, data=content, headers=headers))["blob"]
        return blob

    def refresh(self, token: str) -> Any:
        """Renew a sign-in, which is a POST without a body."""
        headers = {"Authorization": f"Bearer {token}"}
        url = f"{self._home}/xrpc/com.atproto.server.refreshSession"
        return _answer(urllib.request.Request(url, method="POST", headers=headers))

    def person(self, name: str, *, followers: int = 0, allows: str = "all", **told: Any) -> Person:
        """Open an account, and make it known to the stand-in."""
        handle = f"{name}-{next(_numbers)}{uuid.uuid4().hex[:4]}.test"
        told_of = {"handle": handle, "email": f"{handle}@example.org", "password": PASSWORD}
        account = self.call("com.atproto.server.createAccount", told_of)
        person = Person(account["did"], handle, account["accessJwt"])
        self.control("person", did=person.did, handle=handle, followers=followers, allows=allows, **told)
        return person

    def app_password(self, person: Person, *, may_chat: bool = True) -> str:
        told = {"name": uuid.uuid4().hex[:8], "privileged": may_chat}
        return str(self.call("com.atproto.server.createAppPassword", told, token=person.token)["password"])

    def post(self, by: Person, text: str, *, is_seen: bool = True, **more: Any) -> dict[str, str]:
        """Write a post to the PDS as its writer's program does, and let the AppView see it."""
        record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": stamp(), **more}
        told = {"repo": by.did, "collection": "app.bsky.feed.post", "record": record}
        made = self.call("com.atproto.repo.createRecord", told, token=by.token)
        if is_seen:
            self.see(made["uri"])
        return {"uri": made["uri"], "cid": made["cid"]}

    def see(self, uri: str) -> dict[str, Any]:
        """Let the AppView see a post as it stands on the PDS now."""
        did, collection, key = uri.removeprefix("at://").split("/")
        found: dict[str, Any] = self.call("com.atproto.repo.getRecord", repo=did, collection=collection, rkey=key)
        self.control("post", uri=uri, cid=found["cid"], did=did, record=found["value"], indexedAt=stamp())
        return found

    def notify(self, person: Person, uri: str, reason: str, at: datetime | None = None) -> None:
        self.control("notice", did=person.did, uri=uri, reason=reason, at=stamp(at))

    def records(self, person: Person, collection: str = "app.bsky.feed.post") -> list[dict[str, Any]]:
        """What stands in somebody's repository, the newest first."""
        told = self.call("com.atproto.repo.listRecords", repo=person.did, collection=collection, limit="100")
        return list(told["records"])


def mention_of(person: Person) -> list[dict[str, Any]]:
    """A facet that mentions somebody with the first letter of a text, so that a test can choose the words."""
    feature = {"$type": "app.bsky.richtext.facet#mention", "did": person.did}
    return [{"index": {"byteStart": 0, "byteEnd": 1}, "features": [feature]}]


def stamp(moment: datetime | None = None) -> str:
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _answer(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        raise Declined(error.code, json.loads(error.read() or b"{}")) from None
