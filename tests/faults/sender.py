"""A worker that is killed again and again: run by `test_sending_killed.py` as a process of its own.

It forks a worker, waits until that begins to send, and kills it a random moment later, before, while or after the
service takes the message and the worker writes down that it did. The service is a file: a line for each message taken.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from sqlalchemy import update

from app import create_app
from core.db import db
from core.outbox import Delivery, deliver_due
from desk.channels.base import Capabilities, OutgoingReply, SentReply, Silent, register

DICE = random.Random()  # noqa: S311 -- the same moments at every run


class FileService(Silent):
    """Takes a message by writing its key into a file; it cannot tell a repeat from a second message by itself."""

    taken_at = ""
    begins: int = -1
    knows_repeats = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(may_send=True, idempotent_send=self.knows_repeats)

    def send(self, reply: OutgoingReply) -> SentReply:
        if self.begins >= 0:
            os.write(self.begins, b".")
        time.sleep(DICE.uniform(0, 0.002))
        with Path(self.taken_at).open("ab", buffering=0) as taken:
            taken.write(f"{reply.key}\n".encode())
        time.sleep(DICE.uniform(0, 0.002))
        return SentReply()


def main(environ: dict[str, str], *, taken_at: str, kills: int, knows_repeats: bool, seed: int) -> int:
    """Kill the worker so many times, then let one finish; return how many kills hit a worker."""
    app = create_app(environ)
    register("file", FileService)
    FileService.taken_at, FileService.knows_repeats = taken_at, knows_repeats
    DICE.seed(seed)
    hit = 0
    for _ in range(kills):
        reading, FileService.begins = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            DICE.seed(f"{seed} {hit}")
            _work(app)
        os.close(FileService.begins)
        # An empty answer: the worker had nothing left to do and ended by itself.
        began = os.read(reading, 1)
        os.close(reading)
        if began:
            time.sleep(DICE.uniform(0, 0.012))
            os.kill(child, signal.SIGKILL)
            hit += 1
        os.waitpid(child, 0)
    FileService.begins = -1
    child = os.fork()
    if child == 0:
        _work(app)
    os.waitpid(child, 0)
    return hit


def _work(app: object) -> None:
    """Deliver until nothing is left; a worker that was killed holds its lease no longer. Never returns."""
    code = 1
    try:
        with app.app_context():  # type: ignore[attr-defined]  # an application
            db.session.execute(update(Delivery).values(lease=None, leased_until=None, attempts=0))
            db.session.commit()
            while deliver_due():
                pass
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    told = json.loads(sys.stdin.read())
    sys.stdout.write(json.dumps({"hit": main(told.pop("environ"), **told)}))
