"""How well answers are found: every retrieval task of ../shared/eval, each on a fresh installation by default settings.

python bench/bench_quality.py [--encoder static|minilm] [--ablation] [--proven] [--over-http TASK] [task ...]

A task is asked in process, as the desk asks; one of them also over HTTP, which must agree. `--ablation` takes one part
away at a time and prints a table on stderr: what each part gives on each task. `--proven` measures on stderr what it
does that proven answers rise: with what was learnt of every other query, and with proofs by mere chance.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from measure import ROOT, SHARED, klinke, report, settings

sys.path.insert(0, str(ROOT))

from flask import Flask

EVAL = SHARED / "eval"
EVALUATE = EVAL / "evaluate.py"
LIMIT = 10
REUSE = "_reuse"
TYPO = "_typo"
AGREED = 0.002
"""How far apart the two ways may be: a query that ties two answers may break the tie otherwise."""

Query = Mapping[str, Any]


class Quality(NamedTuple):
    first: float
    """The share of queries whose first answer is right (R@1)."""
    reciprocal: float
    """The mean of 1 / rank of the first right answer, 0 where none is among ten (MRR)."""
    empty: float
    """The share of queries without any answer."""


@dataclass(frozen=True, slots=True)
class Installation:
    """One set of articles, the messages that were answered with them before, and the tasks that are asked of it."""

    docs: Path
    reuse: Path | None
    tasks: tuple[Path, ...]

    def names(self) -> dict[str, Path]:
        """Return the tasks by the names of their figures."""
        return {task.stem + (" after reuse" if self.reuse else ""): task for task in self.tasks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", choices=["static", "minilm"], default="static")
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--proven", action="store_true")
    parser.add_argument("--over-http", default="duplicates_de", metavar="TASK")
    parser.add_argument("task", nargs="*", help="all where none is named")
    args = parser.parse_args()
    if not EVALUATE.exists():
        print(
            f"There are no retrieval tasks at {EVAL}; KLINKE_SHARED says where they are. No figures.", file=sys.stderr
        )
        return
    os.environ["KLINKE_ENCODER"] = args.encoder  # the server over HTTP reads it from there
    bench = "quality" if args.encoder == "static" else f"quality, {args.encoder}"
    table: dict[str, dict[str, Quality]] = {}
    for installation in installations(args.task):
        with tempfile.TemporaryDirectory() as folder:
            app = installed(installation, Path(folder), args.encoder)
            for name, task in installation.names().items():
                found = asked(app, task)
                table.setdefault("everything", {})[name] = found
                report(bench, f"{name}: R@1", found.first, "share", "higher")
                report(bench, f"{name}: MRR", found.reciprocal, "share", "higher")
                report(bench, f"{name}: without any answer", found.empty, "share", "lower")
                if name == args.over_http:
                    agree(found, over_http(task, app, Path(folder)))
            if args.ablation:
                ablate(app, installation, table)
            if args.proven:
                prove(app, installation)
    if args.ablation:
        show(table)


def installations(wanted: list[str]) -> Iterator[Installation]:
    """Yield the installations that are needed; tasks with the same articles share one."""
    tasks = [path for path in sorted(EVAL.glob("*.json")) if not path.stem.endswith(REUSE)]
    if unknown := set(wanted) - {path.stem for path in tasks}:
        raise SystemExit(f"There is no task {', '.join(sorted(unknown))}.")
    groups: dict[str, list[Path]] = {}
    for path in tasks:
        if not wanted or path.stem in wanted:
            groups.setdefault(json.dumps(_task(path)["docs"]), []).append(path)
    for group in groups.values():
        yield Installation(group[0], None, tuple(group))
        reuse = EVAL / f"{group[0].stem.removesuffix(TYPO)}{REUSE}.json"
        if reuse.exists():
            yield Installation(group[0], reuse, tuple(group))


def installed(installation: Installation, data_dir: Path, encoder: str) -> Flask:
    """Make an installation, import what the evaluator prints, let the worker index it."""
    import flask_migrate

    from app import create_app
    from core import worker

    given = [installation.docs, *([installation.reuse] if installation.reuse else [])]
    printed = subprocess.run([sys.executable, EVALUATE, "jsonl", *given], check=True, capture_output=True)
    (data_dir / "task.jsonl").write_bytes(printed.stdout)
    app = create_app({**settings(data_dir), "KLINKE_ENCODER": encoder})
    with app.app_context():
        flask_migrate.upgrade()
    imported = app.test_cli_runner().invoke(args=["import", "jsonl", str(data_dir / "task.jsonl")])
    assert imported.exit_code == 0, imported.output
    worker.work(app, until_idle=True)
    return app


def asked(app: Flask, path: Path) -> Quality:
    """Ask every query as the desk does when it suggests."""
    task = _task(path)
    return _quality([[hit.found.source_id for hit in hits] for hits in answers_to(app, task)], task["queries"])


def answers_to(app: Flask, task: Mapping[str, Any]) -> list[list[Any]]:
    """Return what is found for every query, the best first."""
    from accounts.people import AnonymousUser
    from desk.suggestions import KINDS
    from search import query

    answers = []
    with app.test_request_context():
        for each in task["queries"]:
            hits = query.closest(
                each["text"],
                viewer=AnonymousUser(),
                kinds=KINDS,
                locale=task["lang"],
                only_answers=True,
                inside=True,
                limit=LIMIT,
            )
            answers.append(hits)
    return answers


def over_http(path: Path, app: Flask, data_dir: Path) -> Quality:
    """Let the evaluator ask a server process."""
    from accounts import people, tokens
    from core.db import db

    with app.app_context():
        agent = people.create("quality", name="Quality", email="quality@example.org", roles=("member", "agent"))
        token = tokens.create(agent, scopes=("all",), name="bench")
        db.session.commit()
    with klinke(data_dir) as (port, _process):
        url = f"http://127.0.0.1:{port}"
        printed = subprocess.run(
            [sys.executable, EVALUATE, "run", path, "--url", url, "--token", token], check=True, capture_output=True
        )
    found = json.loads(printed.stdout)
    return Quality(found["R@1"], found["MRR"], found["empty"])


def agree(here: Quality, there: Quality) -> None:
    """Make sure that both ways of asking find the same."""
    assert all(abs(one - other) <= AGREED for one, other in zip(here, there, strict=True)), (
        f"in process {here}, over HTTP {there}"
    )
    print(f"Over HTTP the same: {there}", file=sys.stderr)


# What it does that proven answers rise.


def prove(app: Flask, installation: Installation) -> None:
    """Print the quality without proofs, with proofs learnt of every other query, and with proofs by chance."""
    from desk import proven, suggestions

    for name, path in installation.names().items():
        task = _task(path)
        hits = answers_to(app, task)
        learnt = {
            ref: proven.Evidence(sum(right), len(right))
            for ref, right in _first_ones(hits[::2], task["queries"][::2]).items()
        }
        chance = random.Random(1)
        refs = {hit.found.ref.id for one in hits for hit in one}
        by_chance = {ref: proven.Evidence(chance.randint(0, 20), 20) for ref in sorted(refs)}
        for variant, known in (("without proofs", {}), ("learnt", learnt), ("by chance", by_chance)):
            with app.test_request_context():  # the reason is given in words
                ranked = [suggestions.ranked(one, known) for one in hits[1::2]]
            told = _quality([[hit.found.source_id for hit in one] for one in ranked], task["queries"][1::2])
            print(f"{name}, {variant}: R@1 {told.first:.4f}, MRR {told.reciprocal:.4f}", file=sys.stderr)


def _first_ones(hits: list[list[Any]], queries: list[Query]) -> dict[int, list[bool]]:
    """Return of each answer that stood first whether it was right, query by query."""
    right: dict[int, list[bool]] = {}
    for one, query in zip(hits, queries, strict=True):
        if one:
            right.setdefault(one[0].found.ref.id, []).append(one[0].found.source_id in query["rel"])
    return right


# What each part gives.


@dataclass(frozen=True, slots=True)
class Without:
    """A way to take a part away while a block runs; `is_indexed` says that the index must be built without it."""

    part: str
    taking: Callable[[], list[Any]]
    is_indexed: bool = False


def ablate(app: Flask, installation: Installation, table: dict[str, dict[str, Quality]]) -> None:
    """Ask every task of an installation without each part."""
    for without in parts():
        with taken(app, without):
            for name, task in installation.names().items():
                table.setdefault(f"without {without.part}", {})[name] = asked(app, task)
    with taken(app, Without("all but words", lambda: [_trusting(0)])):
        for name, task in installation.names().items():
            table.setdefault("words alone", {})[name] = asked(app, task)


def parts() -> list[Without]:
    """Name the parts and say how each is taken away."""
    from search import meant, query, ranking
    from search.analysis import compounds
    from search.engines import whoosh
    from search.engines.arrays import ToWrite

    signals = [
        Without(name, lambda kept=kept: [_trusting(*kept)])
        for number, name in enumerate(ranking.SIGNALS)
        if (kept := [each for each in range(len(ranking.SIGNALS)) if each != number])
    ]

    def without_asked(document: Any, *rest: Any) -> ToWrite:
        return ToWrite(replace(document, asked=(), asked_inside=()), *rest)

    return [
        *signals,
        Without("parts of compounds", lambda: [patch.object(compounds, "parts", lambda *_: ())], is_indexed=True),
        Without("spelling", lambda: [patch.object(meant, "_corrections", lambda *_: {})]),
        Without("less for stop words", lambda: [patch.object(query, "_STOP_WORD", {"de": 1.0, "en": 1.0})]),
        Without("messages answered before", lambda: [patch.object(whoosh, "ToWrite", without_asked)], is_indexed=True),
    ]


@contextmanager
def taken(app: Flask, without: Without) -> Iterator[None]:
    """Take a part away while the block runs."""
    with ExitStack() as stack:
        for each in without.taking():
            stack.enter_context(each)
        if without.is_indexed:
            _rebuild(app)
        yield
    if without.is_indexed:
        _rebuild(app)


def show(table: dict[str, dict[str, Quality]]) -> None:
    """Print R@1 and MRR of every variant, on stderr: figures are what is printed on stdout."""
    names = list(next(iter(table.values())))
    widest = max(map(len, table))
    print(f"R@1 / MRR\n{'':{widest}}  {'  '.join(f'{name:>{max(len(name), 11)}}' for name in names)}", file=sys.stderr)
    for variant, of_task in table.items():
        cells = (
            f"{of_task[name].first:.3f} {of_task[name].reciprocal:.3f}".rjust(max(len(name), 11)) for name in names
        )
        print(f"{variant:{widest}}  {'  '.join(cells)}", file=sys.stderr)


def _trusting(*kept: int) -> Any:
    """Return a patch that believes only the signals of these numbers."""
    from search import ranking

    trusted = ranking.trusted

    def fewer(*given: Any) -> Any:
        believed = trusted(*given)
        return [value if number in kept else 0 for number, value in enumerate(believed.tolist())]

    return patch.object(ranking, "trusted", fewer)


def _rebuild(app: Flask) -> None:
    from search import indexer

    with app.app_context():
        indexer.rebuild()


def _task(path: Path) -> dict[str, Any]:
    task: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return task


def _quality(answers: list[list[str | None]], queries: list[Query]) -> Quality:
    count = len(queries)
    ranks = [
        next((rank for rank, answer in enumerate(found, 1) if answer in query["rel"]), None)
        for found, query in zip(answers, queries, strict=True)
    ]
    return Quality(
        first=sum(rank == 1 for rank in ranks) / count,
        reciprocal=sum(1 / rank for rank in ranks if rank) / count,
        empty=sum(not found for found in answers) / count,
    )


if __name__ == "__main__":
    main()
