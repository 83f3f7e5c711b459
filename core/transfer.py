"""Import and export as JSON lines: the rooms bring their record types, this module reads, writes, counts and reports.

A line that cannot be taken is reported with its number and reason and skipped; the rest goes in. A second import of the
same file changes nothing, because every record keeps the source system's id.
"""

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import click
from flask import Flask
from flask.cli import with_appcontext
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import IntegrityError

from core.db import db
from core.errors import KlinkeError
from core.problems import reasons
from core.settings import current_settings

LONGEST_HOLD_SECONDS = 0.2
"""An import commits after so long, because on SQLite nobody else can write in the meantime."""
PAUSE_SECONDS = 0.05
"""Then it waits, because on SQLite whoever waits for the lock only looks now and then whether it is free."""
LONGEST_LINE = 4 * 1024 * 1024
_BEGINS = re.compile(rb'\s*\{\s*"type"\s*:\s*"([a-z_]{1,40})"')
"""How the lines of an export begin: it says of which type a line is before all of it is read."""

Outcome = Literal["new", "changed", "unchanged"]
Load = Callable[[Any], Outcome]
Dump = Callable[[], Iterable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class RecordType:
    """One `type` of line: how it is checked, taken in and written out.

    Types of a lower `order` go in first, since later ones name them.
    """

    name: str
    order: int
    model: type[BaseModel]
    load: Load
    dump: Dump


@dataclass(slots=True)
class Report:
    """What an import did."""

    counts: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    """Line number and reason."""

    def count(self, outcome: Outcome) -> int:
        return sum(number for (_name, what), number in self.counts.items() if what == outcome)


_types: dict[str, RecordType] = {}


def register(record_type: RecordType) -> None:
    """Make a room's record type known."""
    _types[record_type.name] = record_type


def types() -> list[RecordType]:
    """Return the known record types, in the order in which they must go in."""
    return sorted(_types.values(), key=lambda known: known.order)


def iso(at: datetime) -> str:
    """Write a moment the way the format does: `2026-01-05T10:00:00Z`, with microseconds only where there are some."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_jsonl(path: Path, *, progress: Callable[[int], None] = lambda _lines: None) -> Report:
    """Import a file, a pass for each record type, committed every few records; call `progress` with the lines read."""
    report = Report()
    present, lines, may_skip = _look_through(path, report)
    for known in types():
        if known.name not in present:
            progress(lines)
            continue
        began = time.monotonic()
        for number, raw in _lines(path):
            progress(1)
            if may_skip and _beginning(raw) not in {"", known.name}:
                continue
            record, reason = _read(number, raw)
            if reason or record is None or record.get("type") != known.name:
                continue
            _take(known, number, record, report)
            if time.monotonic() - began >= LONGEST_HOLD_SECONDS:
                db.session.commit()
                db.session.expunge_all()
                if current_settings().is_sqlite:
                    time.sleep(PAUSE_SECONDS)
                began = time.monotonic()
        db.session.commit()
    report.skipped.sort()
    return report


def _look_through(path: Path, report: Report) -> tuple[frozenset[str], int, bool]:
    """Report what cannot be read; return the types in the file, its lines, and whether their beginnings say which."""
    present = set[str]()
    lines = 0
    may_skip = True
    for number, raw in _lines(path):
        lines += 1
        record, reason = _read(number, raw)
        if record is None:
            report.skipped.append((number, reason))
        else:
            present.add(record["type"])
            may_skip = may_skip and _beginning(raw) in {"", record["type"]}  # two types in a line: the last one counts
    return frozenset(present), lines, may_skip


def write_jsonl(path: Path) -> Counter[str]:
    """Export everything to a file that appears only when it is complete; return the number of records of each type."""
    counts: Counter[str] = Counter()
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        for known in types():
            for record in known.dump():
                file.write(json.dumps({"type": known.name, **record}, ensure_ascii=False) + "\n")
                counts[known.name] += 1
    partial.replace(path)
    return counts


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if raw.strip():
                yield number, raw


def _beginning(raw: bytes) -> str:
    """Return the type with which a line begins, without reading the rest; empty where it begins with something else."""
    found = _BEGINS.match(raw)
    return "" if found is None else found[1].decode()


def _read(number: int, raw: bytes) -> tuple[dict[str, Any] | None, str]:
    """Return the record of a line, or why it is none."""
    if len(raw) > LONGEST_LINE:
        return None, f"longer than {LONGEST_LINE} bytes"
    try:
        record = json.loads(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError:
        return None, "not UTF-8"
    except (ValueError, RecursionError):
        return None, "not JSON"
    if not isinstance(record, dict):
        return None, "not an object"
    if not isinstance(record.get("type"), str) or record["type"] not in _types:
        return None, f"unknown type {str(record.get('type'))[:40]!r}"
    return record, ""


def _take(known: RecordType, number: int, record: dict[str, Any], report: Report) -> None:
    try:
        checked = known.model.model_validate({name: value for name, value in record.items() if name != "type"})
        with db.session.begin_nested():
            outcome = known.load(checked)
        report.counts[known.name, outcome] += 1
    except ValidationError as error:
        field_name, reason = next(iter(reasons(error, whole="the record").items()))
        report.skipped.append((number, f"{field_name}: {reason}"))
    except KlinkeError as error:
        report.skipped.append((number, error.sentence or str(error.title)))
    except IntegrityError:
        report.skipped.append((number, "contradicts a record that is already there"))


def init_app(app: Flask) -> None:
    app.cli.add_command(import_group)
    app.cli.add_command(export)


@click.group("import")
def import_group() -> None:
    """Bring in what another system holds."""


@import_group.command("jsonl")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def import_jsonl(path: Path) -> None:
    """Import a file of JSON lines (docs/import.md describes the format)."""
    with path.open("rb") as file:
        lines = sum(1 for line in file if line.strip())
    with click.progressbar(length=lines * len(_types), label="Importing") as bar:
        report = read_jsonl(path, progress=bar.update)
    finish(report)


@click.command("export")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def export(path: Path) -> None:
    """Export users, topics, articles and conversations as JSON lines."""
    counts = write_jsonl(path)
    click.echo(f"{path}: " + ", ".join(f"{number} {name}s" for name, number in sorted(counts.items())))


def finish(report: Report) -> None:
    """Say what an import did; exit with 1 when something was skipped."""
    for name in dict.fromkeys(name for name, _outcome in report.counts):
        parts = [
            f"{report.counts[name, what]} {what}"
            for what in ("new", "changed", "unchanged")
            if report.counts[name, what]
        ]
        click.echo(f"{name}: " + ", ".join(parts))
    for number, reason in report.skipped:
        click.echo(f"line {number} skipped: {reason}", err=True)
    click.echo(f"{len(report.skipped)} skipped")
    if report.skipped:
        raise SystemExit(1)
