"""What the benchmarks share: servers as processes of their own, a closed-loop client, and one JSON object a line."""

import contextlib
import gzip
import http.client
import json
import multiprocessing
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCALES = ("de", "en")
WORDS_OF_A_DOCUMENT = 80
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
SHARED = Path(os.environ.get("KLINKE_SHARED", ROOT.parent / "shared"))
SENTENCES = SHARED / "data/sentences"

_HELD_OUT = 4000
"""Sentences of each language that queries are cut from and no document has."""
_OWN_WORDS = {
    "en": "router light update cable page letter number window garden small green quick restart choose open turn",
    "de": "Router Licht Update Kabel Seite Brief Nummer Fenster Garten klein grün schnell neu öffnen suchen wo",
}


@dataclass(frozen=True, slots=True)
class Figures:
    requests_per_second: float
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    """CPU milliseconds of the server process for one request."""


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    method: str = "GET"
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()


def report(bench: str, name: str, value: float, unit: str, better: str) -> None:
    """Print one figure."""
    print(
        json.dumps({"bench": bench, "name": name, "value": round(value, 4), "unit": unit, "better": better}), flush=True
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(command: list[str], port: int, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; it is there when the block begins."""
    process = subprocess.Popen(command, cwd=ROOT, env={**surroundings(), **environ})
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def klinke(data_dir: Path, **more: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run Klinke's embedded server on a data folder, with `more` settings."""
    port = free_port()
    environ = {**settings(data_dir), **more, "KLINKE_PORT": str(port)}
    with served([sys.executable, "-m", "flask", "--app", "wsgi", "serve"], port, environ) as process:
        yield port, process


def surroundings() -> dict[str, str]:
    """Return the environment of a process of Klinke's, without what only benchmarks know."""
    return {name: value for name, value in os.environ.items() if name != "KLINKE_SHARED"}


def settings(data_dir: Path) -> dict[str, str]:
    """Return the settings of a benchmark's installation."""
    return {
        "KLINKE_DATA_DIR": str(data_dir),
        "KLINKE_SECRET_KEY": "benchmark" * 5,
        "KLINKE_DEMO": "0",
        "KLINKE_POST_PAUSE_SECONDS": "0",
        "KLINKE_GUEST_API_PER_MINUTE": "10000000",
    }


def measured(
    port: int,
    process: subprocess.Popen[bytes],
    make: Callable[[int], Request],
    *,
    seconds: float = 5,
    clients: int = 4,
    beside: Callable[[], float] = float,
) -> Figures:
    """Ask as fast as `clients` connections can, after a warm-up of a second; every answer must be below 400.

    `beside` returns the CPU seconds that others have used for the server so far, which are counted, too.
    """
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.apply(_drive, (port, _requests(make, 200), 1.0, clients))
        before = cpu_seconds(process.pid) + beside()
        times, elapsed = pool.apply(_drive, (port, _requests(make, 20_000, start=200), seconds, clients))
        used = cpu_seconds(process.pid) + beside() - before
    p50, p95 = spread([1000 * time for time in times])
    return Figures(len(times) / elapsed, p50, p95, 1000 * used / len(times))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def cpu_seconds_named(words: str) -> float:
    """Return the CPU time of all processes that have these words in their command, which a database's have."""
    total = 0.0
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError, IndexError):  # it ended meanwhile
            if words.encode() in command.read_bytes():
                total += cpu_seconds(int(command.parent.name))
    return total


def resident_mib(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def private_mib(pid: int) -> float:
    """Return the memory that a process shares with no other: what one more of its kind costs."""
    found = dict(
        line.split()[:2]
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        if ":" in line.split()[0]
    )
    return (int(found["Private_Clean:"]) + int(found["Private_Dirty:"])) / 1024


def sentences(count: int, seed: int = 1, locale: str = "en") -> list[str]:
    """Return sentences for posts: real ones where ../shared is there, else made of our own words."""
    return random.Random(seed).choices(_lines(locale)[_HELD_OUT:], k=count)


@dataclass(frozen=True, slots=True)
class Text:
    """A document: its first sentence is the title."""

    number: int
    locale: str
    title: str
    body: str


def documents(count: int, seed: int = 1) -> Iterator[Text]:
    """Yield documents of about `WORDS_OF_A_DOCUMENT` words, German and English in turn; the same at every run."""
    rng = random.Random(seed)
    known = {locale: [(line, len(line.split())) for line in _lines(locale)[_HELD_OUT:]] for locale in LOCALES}
    for number in range(1, count + 1):
        locale = LOCALES[number % len(LOCALES)]
        title, words = rng.choice(known[locale])
        body = []
        while words < WORDS_OF_A_DOCUMENT:
            sentence, more = rng.choice(known[locale])
            body.append(sentence)
            words += more
        yield Text(number, locale, title[:120], " ".join(body))


def questions(count: int, seed: int = 2, words: int = 8) -> list[tuple[str, str]]:
    """Return queries of so many words in a row with their language, cut from sentences that no document has."""
    rng = random.Random(seed)
    long = {
        locale: [found for line in _lines(locale)[:_HELD_OUT] if len(found := line.split()) >= words]
        for locale in LOCALES
    }
    asked = []
    for number in range(count):
        locale = LOCALES[number % len(LOCALES)]
        line = rng.choice(long[locale])
        start = rng.randrange(len(line) - words + 1)
        asked.append((" ".join(line[start : start + words]), locale))
    return asked


@lru_cache(maxsize=2)
def _lines(locale: str) -> list[str]:
    """Return all sentences of a language, shuffled once and for all."""
    rng = random.Random(7)
    path = SENTENCES / f"{locale}.txt.gz"
    if not path.exists():
        return [
            " ".join(rng.choices(_OWN_WORDS[locale].split(), k=12)).capitalize() + "."
            for _number in range(2 * _HELD_OUT)
        ]
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    rng.shuffle(lines)
    return lines


def median(values: list[float]) -> float:
    return statistics.median(values)


def spread(values: list[float]) -> tuple[float, float]:
    """Return median and 95th percentile."""
    values = sorted(values)
    return values[len(values) // 2], values[int(0.95 * len(values))]


def _requests(make: Callable[[int], Request], count: int, start: int = 0) -> list[Request]:
    return [make(number) for number in range(start, start + count)]


def _drive(port: int, requests: list[Request], seconds: float, clients: int) -> tuple[list[float], float]:
    from concurrent.futures import ThreadPoolExecutor

    started = time.perf_counter()
    end = started + seconds
    queue = iter(requests)

    def client(_number: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        times = []
        for request in queue:
            if time.perf_counter() > end:
                break
            begun = time.perf_counter()
            connection.request(request.method, request.path, request.body, dict(request.headers))
            answer = connection.getresponse()
            text = answer.read()
            times.append(time.perf_counter() - begun)
            assert answer.status < 400, f"{request.path}: {answer.status} {text[:200]!r}"
        connection.close()
        return times

    with ThreadPoolExecutor(clients) as pool:
        times = [one for some in pool.map(client, range(clients)) for one in some]
    return times, time.perf_counter() - started
