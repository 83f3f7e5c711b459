"""The generic webhook does what every channel must; its sender signs with a foreign library, or as others document."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from flask import Flask

from desk import connections
from desk.models import Channel
from tests.cast import World
from tests.channels.conformance import Conformance, Rig, Seen, Trouble
from tests.desk.stage import SECRET, HexService, Service, hexed, payload, raw, reset, signed


class WebhookRig(Rig):
    kind = "webhook"
    polled = False
    edits = False
    removes = False
    secrets = (SECRET,)

    values: Mapping[str, str] = {}
    """What an admin says beside the endpoint."""

    def __init__(self) -> None:
        self.service = self.other_side()
        self.written: dict[str, bytes] = {}

    def other_side(self) -> Service:
        return Service()

    def signed(self, body: bytes) -> dict[str, str]:
        return signed(body)

    def close(self) -> None:
        self.service.close()

    def settings(self) -> dict[str, Any]:
        return {"private_endpoints": f"127.0.0.1:{self.service.port}"}

    def connect(self, world: World) -> Channel:
        opened = connections.connect(
            "webhook",
            slug="hook",
            name="Hook",
            values={"endpoint": self.service.endpoint, **self.values},
            by=world.root,
        )
        opened.secret = SECRET
        return opened

    def write(self, text: str, *, id: str, answers: str | None = None, by: str = "max") -> None:  # noqa: A002
        self.written[id] = raw(payload(text, id=id, contact={"handle": f"@{by}@social.example", "name": by.title()}))

    def bring(self, app: Flask, only: Sequence[str] | None = None) -> None:
        for name in self.written if only is None else only:
            body = self.written[name]
            answer = app.test_client().post("/channels/hook/webhook", data=body, headers=self.signed(body))
            assert answer.status_code in {200, 202}

    bring_again = bring

    def trouble(self, *what: Trouble) -> None:
        answers: dict[Trouble, Any] = {
            "429": (429, {"Retry-After": "7"}, b""),
            "500": (500, {}, b""),
            "refused": (503, {}, b""),
            "timeout": reset,
            "half": lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
            "lost answer": reset,
            "not let in": (401, {}, b""),
        }
        self.service.answers += [answers[one] for one in what]

    def seen(self) -> list[Seen]:
        return [
            Seen(f"post-{webhook_id[-8:]}", told["message"]["text"], told["in_reply_to"])
            for webhook_id, told in self.service.taken.items()
        ]

    def requests(self) -> int:
        return len(self.service.attempts)

    attempts = requests


class HexRig(WebhookRig):
    """The same with `sha256=` in both directions."""

    values = {"signing": "hex", "signing_out": "hex"}

    def other_side(self) -> Service:
        return HexService()

    def signed(self, body: bytes) -> dict[str, str]:
        return hexed(body)


class TestWebhook(Conformance):
    @pytest.fixture(params=[WebhookRig, HexRig], ids=["standard", "sha256"])
    def rig(self, request: pytest.FixtureRequest) -> Iterator[Rig]:
        rig: Rig = request.param()
        yield rig
        rig.close()
