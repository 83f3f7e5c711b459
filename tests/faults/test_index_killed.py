"""The worker is killed at any moment while posts are written; afterwards the index has what the database has.

Nobody rebuilds it: the index stays the one that was there before the first kill. The suite kills a few times.
`python -m tests.faults.test_index_killed` kills 500 times while 2,000 posts are written, and prints what it counted.
"""

import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask

from core.db import db
from forum import moderation, posts
from forum.models import Post, Topic
from search import registry
from search.engines import EngineQuery, Variant, Word
from tests.cast import World
from tests.faults.house import House

pytestmark = pytest.mark.timeout(240)

SEED = 20261125
KILLS, POSTS = 6, 90
MOST_KILLS, MOST_POSTS = 500, 2_000
FEWEST_KILLS = 3
KILLING_SECONDS = 12
"""A slow machine gets fewer kills, not a longer test."""
WAITING_SECONDS = 10.0
"""How long a kill waits for a worker to be up, or for the commit that it is meant for."""


@dataclass(slots=True)
class Writer(threading.Thread):
    """Asks, answers, edits and mutes, a few posts at each signal, and remembers where each word stands.

    Every post has a word that no other has; an edit replaces it, a muting takes it away from everyone.
    """

    app: Flask
    dice: random.Random
    wanted: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    done: threading.Event = field(default_factory=threading.Event)
    stands: dict[str, int] = field(default_factory=dict)
    """The topic of each word that is to be found."""
    gone: list[str] = field(default_factory=list)
    """Words that were edited away or muted."""
    written: int = 0
    deeds: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        threading.Thread.__init__(self, name="writer", daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        with self.app.app_context():
            world = World()
            answers: dict[int, str] = {}
            while True:
                self.wanted.acquire()
                if self.done.is_set():
                    return
                self._write(world, answers)
                db.session.commit()
                time.sleep(self.dice.uniform(0, 0.2))

    def _write(self, world: World, answers: dict[int, str]) -> None:
        """Write one post; every fifth time also edit or mute one that is there."""
        self.written += 1
        word = f"mark{self.written}x"
        if self.written % 4 == 1:
            topic = world.ask(title=f"A light blinks, {word}", source="It blinks since this morning. What now?")
            self.deeds["asked"] += 1
        else:
            topic = db.session.get_one(Topic, self.dice.choice(sorted(set(self.stands.values()))))
            answers[world.answer(topic, f"Pull the plug and count to ten, {word}.").id] = word
            self.deeds["answered"] += 1
        self.stands[word] = topic.id
        if self.written % 5 == 0 and answers:
            post = db.session.get_one(Post, self.dice.choice(sorted(answers)))
            old = answers.pop(post.id)
            topic_id = self.stands.pop(old)
            self.gone.append(old)
            if self.dice.random() < 0.5:
                moderation.mute(post, by=world.ada, reason="spam")
                self.deeds["muted"] += 1
            else:
                changed = f"{old}edited"
                posts.edit(post, source=f"Only the plug helps, {changed}.", by=world.bob, version=post.version)
                self.stands[changed] = topic_id
                answers[post.id] = changed
                self.deeds["edited"] += 1


@dataclass(slots=True)
class Counts:
    """What was counted: kills at all, and those that fell into the writing of the index."""

    kills: int = 0
    while_writing: int = 0
    left_behind: int = 0
    """Kills after which the folder of the index held files of no commit."""
    posts: int = 0
    deeds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0


def test_the_index_has_what_the_database_has_whenever_the_worker_was_killed(house: House, database: Flask) -> None:
    counts = kill_while_posts_are_written(house, database, KILLS, POSTS, most_seconds=KILLING_SECONDS)
    assert counts.while_writing + counts.left_behind >= 1, "at least one kill must fall into a commit"
    assert counts.kills >= FEWEST_KILLS


def kill_while_posts_are_written(
    house: House, app: Flask, kills: int, posts_written: int, *, most_seconds: float = float("inf")
) -> Counts:
    """Kill the worker again and again; then index and database must agree, word for word, without a rebuild."""
    dice = random.Random(SEED)  # noqa: S311 -- the same moments at every run
    begun = time.monotonic()
    assert house.ask("search", "rebuild").returncode == 0
    (home,) = house.index.glob("*.[0-9]*")
    writer = Writer(app, random.Random(SEED + 1))  # noqa: S311 -- the same posts at every run
    writer.start()
    counts = Counts()
    for number in range(kills * 3):
        has_hit = counts.while_writing + counts.left_behind > 0
        is_late = time.monotonic() - begun > most_seconds and number >= FEWEST_KILLS
        if has_hit and (is_late or number >= kills):
            break  # on a slow machine the first kills may all have missed
        for _post in range(posts_written * (number + 1) // kills - posts_written * number // kills):
            writer.wanted.release()
        house.start("work")
        kill_at_some_moment(house, home, dice, counts, is_straight=not has_hit and number >= FEWEST_KILLS)
    house.start("work")
    while writer.written < posts_written * counts.kills // kills:
        assert writer.is_alive(), "the writer failed"
        time.sleep(0.1)
    writer.done.set()
    writer.wanted.release()
    writer.join(timeout=30)
    assert not writer.is_alive()
    house.let_the_worker_finish(app)
    told = house.ask("search", "check")
    assert told.returncode == 0, told.stdout + told.stderr
    assert list(house.index.glob("*.[0-9]*")) == [home], "the index was built anew"
    compare_word_for_word(app, writer)
    counts.posts, counts.deeds, counts.seconds = writer.written, writer.deeds, time.monotonic() - begun
    return counts


def kill_at_some_moment(
    house: House, home: Path, dice: random.Random, counts: Counts, *, is_straight: bool = False
) -> None:
    """Kill the worker: half of the times within a commit, else at any time, now and then before it is up at all.

    `is_straight`: as soon as it is seen to write.
    """
    is_early, is_aimed = dice.random() < 0.1, dice.random() < 0.5
    if is_straight:
        wait_for(lambda: is_up(house) and is_writing(house))
    elif is_early and counts.kills:
        time.sleep(dice.uniform(0.1, 1.5))
    else:
        wait_for(lambda: is_up(house))
        if is_aimed or not counts.kills:
            wait_for(lambda: is_writing(house))
        time.sleep(dice.uniform(0, 0.06) if is_aimed else dice.uniform(0, 1.5))
    house.running["work"].send_signal(signal.SIGSTOP)  # so that what is looked at here is what is killed
    counts.while_writing += is_writing(house)
    house.kill("work")
    counts.kills += 1
    counts.left_behind += bool(leftovers(home))


def wait_for(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; not for ever, since there may be nothing left to write."""
    deadline = time.monotonic() + WAITING_SECONDS
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.001)


def is_up(house: House) -> bool:
    """Tell whether the worker has opened the database."""
    with suppress(FileNotFoundError):  # a file that is closed while we look
        opened = (entry.readlink() for entry in Path(f"/proc/{house.running['work'].pid}/fd").iterdir())
        return any(path.name == "klinke.db" for path in opened)
    return False


def is_writing(house: House) -> bool:
    """Tell whether the worker holds the right to write the index; without asking for it, which would disturb it."""
    lock = house.index / "write.lock"
    inode = f":{lock.stat().st_ino} "
    pid = f" {house.running['work'].pid} "
    with Path("/proc/locks").open(encoding="ascii") as locks:
        return any("FLOCK" in line and pid in line and inode in line for line in locks)


def leftovers(home: Path) -> list[str]:
    """Return files that no commit knows: what a writer was about to write."""
    (toc, *more) = sorted(home.glob("_MAIN_*.toc"))
    known = toc.read_bytes()
    segments = {path.name.split(".")[0] for path in home.glob("MAIN_*.*")}
    unknown = [name for name in segments if name.removeprefix("MAIN_").encode() not in known]
    return [*(path.name for path in more), *unknown, *(path.name for path in home.glob("*.tmp*"))]


def compare_word_for_word(app: Flask, writer: Writer) -> None:
    """Every word must be found in its topic and nowhere else, and what is gone nowhere."""
    with app.app_context():
        engine = registry.engine()
        for word, topic_id in writer.stands.items():
            query = EngineQuery(words=(Word(word, (Variant("en", word),)),))
            assert [hit.ref.id for hit in engine.find(query, 10).hits] == [topic_id], word
        for word in writer.gone:
            assert engine.find(EngineQuery(words=(Word(word, (Variant("en", word),)),)), 10).total == 0, word
        db.session.rollback()


def main() -> None:
    """Kill 500 times and print what was counted."""
    with tempfile.TemporaryDirectory() as folder:
        house = House.built(Path(folder))
        try:
            counts = kill_while_posts_are_written(house, house.migrated(), MOST_KILLS, MOST_POSTS)
        finally:
            house.stop()
    sys.stdout.write(f"{counts}\nThe index agrees with the database and was not rebuilt.\n")


if __name__ == "__main__":
    main()
