"""Search beside other engines in the same run, with the same documents and the same queries.

python bench/bench_search.py [documents …]      (10000 where none is said; 100000 and 1000000 work too)

CPU milliseconds are those of the process that searches. Documents have about 80 words, queries 8 in a row of sentences
that no document has, German and English in turn.
"""

import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measure import (
    ROOT,
    Figures,
    Request,
    Text,
    documents,
    klinke,
    measured,
    median,
    private_mib,
    questions,
    report,
    resident_mib,
    settings,
    spread,
    surroundings,
)

sys.path.insert(0, str(ROOT))

import others

if TYPE_CHECKING:
    from flask import Flask

    from search.documents import Document
    from search.engines import EngineQuery
    from search.engines.whoosh import WhooshEngine

SIZE = 10_000
QUERIES = 200
READER_QUERIES = 1_000
ADDED = 20
CHANGED = 0.05
BATCH = 500
TOP = 10
OTHER_SECONDS = 20.0
"""A slow engine is asked fewer queries, not longer."""
HTTP_SECONDS = 5.0
START = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Figure:
    """One line of the table: p50 and p95, or one value."""

    name: str
    unit: str
    values: tuple[float, ...]
    ratio: float | None = None
    """The first value beside ours of the same work."""


@dataclass(slots=True)
class Table:
    """Everything that was measured at one size; each figure is also printed as it comes."""

    count: int
    figures: list[Figure] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    ours: float = 0.0
    """CPU milliseconds of our engine with the words alone, warm: what the others are measured beside."""

    def spread(self, name: str, values: list[float], unit: str = "ms CPU", *, beside: bool = False) -> None:
        p50, p95 = spread(values)
        ratio = p50 / self.ours if beside else None
        self.figures.append(Figure(name, unit, (p50, p95), ratio))
        self._report(f"{name}: p50", p50, unit)
        self._report(f"{name}: p95", p95, unit)
        if ratio is not None:
            self._report(f"{name}: p50 beside ours", ratio, "x", "higher")

    def value(self, name: str, value: float, unit: str, better: str = "lower", ratio: float | None = None) -> None:
        self.figures.append(Figure(name, unit, (value,), ratio))
        self._report(name, value, unit, better)

    def print(self) -> None:
        """Print what was found for people, on stderr."""
        width = max(len(figure.name) for figure in self.figures)
        lines = [f"\n{self.count} documents{' ' * (width - 14)}    p50       p95"]
        for figure in self.figures:
            values = "".join(f"{value:10.2f}" for value in figure.values) + " " * 10 * (2 - len(figure.values))
            beside = "" if figure.ratio is None else f"  {figure.ratio:.1f} times ours"
            lines.append(f"{figure.name:{width}}{values}  {figure.unit}{beside}")
        lines += [f"{name} is not here: left out" for name in self.missing]
        sys.stderr.write("\n".join(lines) + "\n")

    def _report(self, name: str, value: float, unit: str, better: str = "lower") -> None:
        report("search", f"{self.count} documents, {name}", value, unit, better)


def main(sizes: list[int]) -> None:
    for count in sizes:
        table = Table(count)
        for measure in (measure_ours, measure_others, measure_over_http, measure_in_the_database):
            with tempfile.TemporaryDirectory() as folder:
                measure(count, table, Path(folder))
        table.print()


# Ours, in process.


def measure_ours(count: int, table: Table, folder: Path) -> None:
    with application(folder) as app, app.app_context():
        from core.db import db, reading
        from search import registry

        engine: WhooshEngine = registry.engine()  # type: ignore[assignment]  # the default engine
        texts = Told(count)
        begun = time.process_time()
        assert engine.replace(map(document, texts)) == count
        used = time.process_time() - begun - texts.seconds
        table.value("index build", count / used, "documents a CPU second", "higher")
        table.value("index on disk", _size(folder / "index") / count, "bytes a document")
        with reading():  # a search begins no transaction that others would wait for
            measure_searches(engine, table)
            db.session.rollback()
        measure_readers(table, folder)
        measure_adding(engine, count, table, folder)


def measure_searches(engine: "WhooshEngine", table: Table) -> None:
    asked = questions(QUERIES)
    plain = [replace(query, question=None, preferred=None) for query in map(prepared, asked)]
    _timed(engine, plain)
    warm = _timed(engine, plain)
    table.ours = spread(warm)[0]
    table.spread("words alone, warm", warm)
    table.spread("words alone, terms seen first", _timed(engine, plain, before=lambda: _forget(engine)))
    table.spread("with all filters", _timed(engine, [_filtered(query) for query in plain]))
    table.spread("with facets", _timed(engine, plain, counted=True))
    begun = time.process_time()
    full = [replace(prepared(one), is_open=True, only_answers=True) for one in asked]
    table.value("analysis of a query, its vector included", 1000 * (time.process_time() - begun) / len(full), "ms CPU")
    _timed(engine, full)
    table.spread("with the whole comparison", _timed(engine, full))
    table.spread("the same, terms seen first", _timed(engine, full, before=lambda: _forget(engine)))


def measure_adding(engine: "WhooshEngine", count: int, table: Table, folder: Path) -> None:
    """Say how long one document takes until a reader of its own finds it, in seconds."""
    from search.engines.whoosh import WhooshEngine

    reader = WhooshEngine(folder / "index", _encoder())
    added = _added(engine, reader, count + 1)
    table.value("one document until found, median", median(added), "s")
    table.value("one document until found, worst", max(added), "s")
    changed = islice(documents(count, seed=5), max(int(CHANGED * count), 1))
    begun, number = time.process_time(), 0
    for some in _batches(map(document, changed)):
        engine.apply(some, [])
        number += len(some)
    table.value("changes", number / (time.process_time() - begun), "documents a CPU second", "higher")
    added = _added(engine, reader, count + 1 + ADDED)
    table.value("the same after 5 % were changed, median", median(added), "s")
    table.value("the same after 5 % were changed, worst", max(added), "s")


def measure_readers(table: Table, folder: Path) -> None:
    """Say what a process costs that only reads, and a second one beside it."""
    command = [sys.executable, __file__, "reader", str(folder)]
    readers: list[subprocess.Popen[bytes]] = []
    try:
        for _number in range(2):
            readers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            assert readers[-1].stdout is not None
            assert readers[-1].stdout.readline() == b"ready\n"
        table.value("resident memory of a reader", resident_mib(readers[0].pid), "MiB")
        table.value("private memory of a second one", private_mib(readers[1].pid), "MiB")
    finally:
        for process in readers:
            process.communicate()


def reader(folder: Path) -> None:
    """Be a process that only reads: search, say so, and wait until stdin is closed."""
    from app import create_app
    from core.db import reading

    with create_app(settings(folder)).app_context(), reading():
        from accounts.people import AnonymousUser
        from search import query

        guest = AnonymousUser()
        for number, (text, locale) in enumerate(questions(READER_QUERIES, seed=9)):
            if number % 2:
                query.find(text, viewer=guest, locale=locale)
            else:
                query.closest(text, viewer=guest, locale=locale)
        print("ready", flush=True)
        sys.stdin.read()


# The others.


def measure_others(count: int, table: Table, folder: Path) -> None:
    for name, kind in others.available():
        if kind is None or count > kind.most:
            table.missing.append(name if kind is None else f"{name} with so many documents")
            continue
        place = folder / name.replace(" ", "-")
        place.mkdir()
        engine = kind(place)
        try:
            measure_other(engine, count, table)
        finally:
            engine.close()


def measure_other(engine: others.Other, count: int, table: Table) -> None:
    texts = Told(count)
    begun, begun_elsewhere = time.process_time(), engine.cpu_seconds()
    engine.build(texts)
    used = time.process_time() - begun - texts.seconds
    if engine.is_elsewhere:
        used = engine.cpu_seconds() - begun_elsewhere
    table.value(f"{engine.name}: index build", count / used, "documents a CPU second", "higher")
    table.value(f"{engine.name}: index on disk", engine.bytes_on_disk() / count, "bytes a document")
    asked = [engine.prepared(text) for text, _locale in questions(QUERIES)]
    clock = time.perf_counter if engine.is_elsewhere else time.process_time
    asked = asked[: max(_until(OTHER_SECONDS / 2, engine, asked), 10)]
    before, times, found = engine.cpu_seconds(), [], 0
    for query in asked:
        begun = clock()
        found += engine.search(query)
        times.append(1000 * (clock() - begun))
    assert found >= TOP * len(asked) / 2, "nearly every query finds something"
    table.spread(f"{engine.name}: search", times, "ms wall" if engine.is_elsewhere else "ms CPU", beside=True)
    if engine.is_elsewhere:
        mean = 1000 * (engine.cpu_seconds() - before) / len(asked)
        table.value(f"{engine.name}: search, mean", mean, "ms CPU", ratio=mean / table.ours)


def _until(seconds: float, engine: others.Other, asked: list[Any]) -> int:
    """Ask everything once, which warms caches, for so many seconds at most; return how many queries that were."""
    begun = time.perf_counter()
    for number, query in enumerate(asked, 1):
        engine.search(query)
        if time.perf_counter() - begun > seconds:
            return number
    return len(asked)


# Over HTTP.


def measure_over_http(count: int, table: Table, folder: Path, name: str = "", **more: str) -> None:
    """Say what a real server takes, on SQLite or, with `more` settings that have a name, on something else."""
    import json

    token = fill(folder, count, **more)
    begun = _seconds_of_children()
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "search", "rebuild"]
    environ = {**surroundings(), **settings(folder), **more}
    subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
    used = _seconds_of_children() - begun
    table.value(f"{name}flask search rebuild, its start included", count / used, "documents a CPU second", "higher")
    bearer = (("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"))
    asked = [text for text, _locale in questions(2_000, seed=11)]

    def suggestion(number: int) -> Request:
        body = json.dumps({"text": asked[number % len(asked)], "channel": "webhook"}).encode()
        return Request("/api/v1/suggestions", "POST", body, bearer)

    def page(number: int) -> Request:
        from urllib.parse import quote_plus

        return Request("/search?q=" + quote_plus(asked[number % len(asked)]))

    titles = [text.title for text in documents(2_000)]

    def typed(number: int) -> Request:
        from urllib.parse import quote_plus

        *before, last = titles[number % len(titles)].split()[: 1 + number % 3]
        return Request("/search/complete?q=" + quote_plus(" ".join([*before, last[: 3 + number % 4]])))

    with klinke(folder, **more) as (port, process):
        calls = (("POST /api/v1/suggestions", suggestion), ("GET /search", page), ("GET /search/complete", typed))
        for asked_for, make in calls:
            _show(table, name + asked_for, measured(port, process, make, seconds=HTTP_SECONDS, clients=1))
        table.value(f"{name}resident memory of the web process", resident_mib(process.pid), "MiB")


def measure_in_the_database(count: int, table: Table, folder: Path) -> None:
    """Say the same of the engine that keeps its index in PostgreSQL; the time of the database is in the wall time."""
    if not others.POSTGRES:
        table.missing.append("the engine in PostgreSQL")
        return
    import psycopg

    name = f"klinke_bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(others.POSTGRES, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            url = "postgresql+psycopg" + others.POSTGRES.removeprefix("postgresql").rsplit("/", 1)[0] + f"/{name}"
            engine = {"KLINKE_DATABASE_URL": url, "KLINKE_SEARCH_ENGINE": "postgres"}
            measure_over_http(count, table, folder, "in PostgreSQL, ", **engine)
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def fill(folder: Path, count: int, **more: str) -> str:
    """Write articles as rows, which is faster than as deeds; return the API token of an agent."""
    from accounts import people, tokens
    from core.db import db

    with application(folder, **more) as app, app.app_context():
        from kb.models import Section

        section = Section(slug="everything", names={"en": "Everything", "de": "Alles"}, position=1)
        db.session.add(section)
        agent = people.create("dora", name="Dora", email="dora@example.org", roles=("member", "agent"))
        token = tokens.create(agent, scopes=("all",), name="bench")
        db.session.flush()
        for some in _batches(documents(count)):
            _write_articles(some, section.id)
        db.session.commit()
        db.engine.dispose()
    return token


def _write_articles(some: list[Text], section_id: int) -> None:
    from sqlalchemy import insert, update

    from core import markup
    from core.db import db
    from kb.models import Article, Revision

    at = START
    articles = [
        {
            "id": text.number,
            "section_id": section_id,
            "locale": text.locale,
            "confidence": "validated",
            "audience": "public",
            "created_at": at,
            "published_at": at,
        }
        for text in some
    ]
    revisions = [
        {
            "id": text.number,
            "article_id": text.number,
            "number": 1,
            "title": text.title,
            "slug": "article",
            "resolution": text.body,
            "resolution_html": f"<p>{text.body}</p>",
            "renderer_version": markup.RENDERER_VERSION,
            "plain": text.body,
            "keywords": [],
            "at": at,
        }
        for text in some
    ]
    db.session.execute(insert(Article), articles)
    db.session.execute(insert(Revision), revisions)
    new = Article.id.between(some[0].number, some[-1].number)
    db.session.execute(update(Article).where(new).values(published_id=Article.id))


def _show(table: Table, name: str, found: Figures) -> None:
    table.value(f"{name}: server", found.cpu_ms, "ms CPU")
    table.figures.append(Figure(f"{name}: answer", "ms wall", (found.p50_ms, found.p95_ms)))
    report("search", f"{table.count} documents, {name}: p50", found.p50_ms, "ms wall", "lower")
    report("search", f"{table.count} documents, {name}: p95", found.p95_ms, "ms wall", "lower")


# What they share.


class Told:
    """Documents, made some at a time, and the CPU seconds that this took, which is no engine's work."""

    def __init__(self, count: int) -> None:
        self._count = count
        self.seconds = 0.0

    def __iter__(self) -> Iterator[Text]:
        waiting = documents(self._count)
        while True:
            begun = time.thread_time()
            some = list(islice(waiting, BATCH))
            self.seconds += time.thread_time() - begun
            if not some:
                return
            yield from some


@contextmanager
def application(folder: Path, **more: str) -> "Iterator[Flask]":
    """Give an installation in `folder`, its tables made, with `more` settings."""
    import flask_migrate

    from app import create_app
    from core.db import db

    app = create_app({**settings(folder), **more})
    with app.app_context():
        flask_migrate.upgrade()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def document(text: Text) -> "Document":
    """Return a document with something for each filter to look at."""
    from search.documents import Document, Ref

    number = text.number
    solved = number % 3 == 0
    return Document(
        ref=Ref("article" if number % 4 == 0 else "topic", number),
        locale=text.locale,
        title=text.title,
        body=text.body,
        tags=(f"tag{number % 5}", f"rare{number % 500}"),
        author=f"person{number % 1000}",
        category=f"category{number % 10}",
        solved=solved,
        answers=solved or number % 4 == 0,
        created_at=START + timedelta(minutes=number % 500_000),
    )


def prepared(asked: tuple[str, str]) -> "EngineQuery":
    """Return a text in a person's words as `query.closest` asks for it."""
    from search import query

    text, locale = asked
    return query._question_of(text, "", locale, None)  # noqa: SLF001 -- what closest() does before it asks the engine


def _filtered(query: "EngineQuery") -> "EngineQuery":
    return replace(
        query,
        kinds=frozenset({"topic"}),
        locale="en",
        solved=True,
        tags=("tag1",),
        since=START + timedelta(minutes=100),
    )


def _timed(
    engine: "WhooshEngine",
    asked: "Iterable[EngineQuery]",
    *,
    counted: bool = False,
    before: Callable[[], None] = lambda: None,
) -> list[float]:
    """Return the CPU milliseconds of each search."""
    times, found = [], 0
    for query in asked:
        before()
        begun = time.process_time()
        found += len(engine.find(query, TOP, counted=counted).hits)
        times.append(1000 * (time.process_time() - begun))
    assert found >= len(times), "nearly every query finds something"
    return times


def _forget(engine: "WhooshEngine") -> None:
    """Let the engine forget every term it has read; the segments stay open."""
    for leaf in engine._opened.leaves.values():  # type: ignore[union-attr]  # noqa: SLF001 -- it was searched; it has no name for this
        engine._cache.forget(leaf.number)  # noqa: SLF001 -- the same


def _added(engine: "WhooshEngine", reading: "WhooshEngine", first: int) -> list[float]:
    """Return the seconds that each of some new documents takes until another engine on the same folder finds it."""
    from search.engines import EngineQuery, Variant, Word

    times = []
    for number, text in enumerate(documents(ADDED, seed=13), first):
        marker = f"marker{number}"
        new = document(replace(text, number=number, locale="en", title=f"{marker} {text.title}"))
        wanted = EngineQuery(words=(Word(marker, (Variant("en", marker),)),))
        begun = time.perf_counter()
        engine.apply([new], [])
        while not reading.find(wanted, 1).hits:
            time.sleep(0.001)
        times.append(time.perf_counter() - begun)
    return times


def _batches(things: Iterable[Any]) -> Iterator[list[Any]]:
    waiting = iter(things)
    while some := list(islice(waiting, BATCH)):
        yield some


def _encoder() -> Any:
    from search import registry

    return registry.encoder()


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


if __name__ == "__main__":
    if sys.argv[1:2] == ["reader"]:
        reader(Path(sys.argv[2]))
    else:
        main([int(size) for size in sys.argv[1:]] or [SIZE])
