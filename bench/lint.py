"""How well the linter finds what was labelled in drafts; one JSON line for each figure.

python bench/lint.py [--misses] [--part a|b1|b2] [FILE]

The rules were made while reading the parts a and b1; b2 was never read, only counted.

Micro F1 over (type, span): strict counts a finding whose span is the label's to the letter, overlapping one that meets
it. Spans of one type are matched once each. `mixed_address` has no span in the labels and is counted by draft.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from measure import ROOT, SHARED, report

sys.path.insert(0, str(ROOT))

from desk import lint

DRAFTS = SHARED / "eval/drafts_dev.jsonl"
SEED = 6
SECOND_SEED = 77
"""Halves b into what was read later and what never was."""
LONG = 20_000
Span = tuple[Any, ...]
"""Type, first and last place, time."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DRAFTS)
    parser.add_argument("--part", choices=["a", "b1", "b2"])
    parser.add_argument("--misses", action="store_true", help="say on stderr what was missed or wrong")
    given = parser.parse_args()
    drafts = [json.loads(line) for line in given.file.read_text(encoding="utf-8").splitlines()]
    parts = _parts(drafts)
    if given.part:
        _measure(f"part {given.part}", parts[given.part], says=given.misses)
        return
    _measure("all", drafts, says=given.misses)
    for name, part in parts.items():
        _measure(f"part {name}", part, says=False)
    every = " ".join(draft["text"] for draft in drafts)
    long = (every * (LONG // len(every) + 1))[:LONG]
    began = time.perf_counter()
    lint.issues(long)
    report("lint", "a draft of 20,000 characters", (time.perf_counter() - began) * 1000, "ms", "lower")
    began = time.perf_counter()
    for draft in drafts:
        lint.issues(draft["text"], public=draft["public"])
    report("lint", "a draft", (time.perf_counter() - began) * 1000 / len(drafts), "ms", "lower")


def _parts(drafts: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    first, second = _halved([draft["id"] for draft in drafts], SEED)
    read, unread = _halved(second, SECOND_SEED)
    parts = {"a": set(first), "b1": set(read), "b2": set(unread)}
    return {name: [draft for draft in drafts if draft["id"] in ids] for name, ids in parts.items()}


def _halved(ids: list[str], seed: int) -> tuple[list[str], list[str]]:
    drawn = sorted(ids)
    random.Random(seed).shuffle(drawn)
    return drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :]


def _measure(name: str, drafts: list[dict[str, Any]], *, says: bool) -> None:
    counts: dict[bool, Counter[tuple[str, str]]] = {True: Counter(), False: Counter()}
    due = Counter[str]()
    for draft in drafts:
        found = lint.issues(draft["text"], public=draft["public"], locale=draft["lang"])
        mixed = any(one.type == "mixed_address" for one in found)
        _count(counts, "mixed_address", draft.get("formality") == "mixed", mixed)
        labels = [(one["type"], *_place(draft["text"], one["value"]), one.get("due")) for one in draft["issues"]]
        told = [(one.type, one.start, one.end, one.due) for one in found if one.type != "mixed_address"]
        for is_strict in (True, False):
            pairs, wrong, missed = _matched(labels, told, is_strict)
            for what, ones in (("right", [pair[1] for pair in pairs]), ("wrong", wrong), ("missed", missed)):
                counts[is_strict].update((one[0], what) for one in ones)
        due.update("right" if label[3] == one[3] else "wrong" for label, one in pairs if one[0] == "promise")
        if says:
            _say(draft, pairs, wrong, missed)
    for is_strict, way in ((True, "strict"), (False, "overlapping")):
        spans = {key: n for key, n in counts[is_strict].items() if key[0] != "mixed_address"}
        report("lint", f"{name}: micro F1, {way} spans", _f1(spans), "F1", "higher")
    for kind in lint.TYPES:
        of_kind = {key: n for key, n in counts[False].items() if key[0] == kind}
        report("lint", f"{name}: {kind}, overlapping", _f1(of_kind), "F1", "higher")
    report("lint", f"{name}: due of the promises found", due["right"] / max(1, sum(due.values())), "share", "higher")


def _matched(
    labels: list[Span], told: list[Span], is_strict: bool
) -> tuple[list[tuple[Span, Span]], list[Span], list[Span]]:
    """Return the pairs of labels and findings that are the same, what is wrong, and what was missed."""
    left, pairs, wrong = list(labels), [], []
    for one in told:
        same = next((label for label in left if _same(label, one, is_strict)), None)
        if same is None:
            wrong.append(one)
        else:
            left.remove(same)
            pairs.append((same, one))
    return pairs, wrong, left


def _say(draft: dict[str, Any], pairs: list[tuple[Span, Span]], wrong: list[Span], missed: list[Span]) -> None:
    text = draft["text"]
    lines = [f"WRONG {one[0]} {text[one[1] : one[2]]!r} in {text!r}" for one in wrong]
    lines += [f"MISSED {one[0]} {text[one[1] : one[2]]!r} in {text!r}" for one in missed]
    lines += [
        f"SPAN {one[0]} {text[label[1] : label[2]]!r} found {text[one[1] : one[2]]!r}"
        for label, one in pairs
        if label[1:3] != one[1:3]
    ]
    lines += [
        f"DUE {label[3]!r} found {one[3]!r}" for label, one in pairs if one[0] == "promise" and label[3] != one[3]
    ]
    for line in lines:
        print(draft["id"], line, file=sys.stderr)


def _count(counts: dict[bool, Counter[tuple[str, str]]], kind: str, is_so: bool, is_found: bool) -> None:
    if is_so or is_found:
        for each in counts.values():
            each[kind, "right" if is_so and is_found else "missed" if is_so else "wrong"] += 1


def _place(text: str, value: str) -> tuple[int, int]:
    start = text.index(value)
    return start, start + len(value)


def _same(label: tuple[Any, ...], one: tuple[Any, ...], is_strict: bool) -> bool:
    if label[0] != one[0]:
        return False
    return label[1:3] == one[1:3] if is_strict else label[1] < one[2] and one[1] < label[2]


def _f1(counts: dict[tuple[str, str], int]) -> float:
    total = Counter[str]()
    for (_kind, what), n in counts.items():
        total[what] += n
    of = 2 * total["right"] + total["wrong"] + total["missed"]
    return 2 * total["right"] / of if of else 1.0


if __name__ == "__main__":
    main()
