"""How well the linter finds what was marked in drafts; one JSON line for each figure.

python bench/lint.py [--misses] [FILE]

Three looks: at labelled drafts (FILE) by a model that was learnt from the invented drafts alone, and so has seen none
of them; at the same in three parts, each by a model that was learnt from the invented ones and the other two parts; and
at the invented drafts that are held back, by the model that is shipped. Some of the invented drafts were written in the
manner of one half of `drafts_dev.jsonl`; so the other half is told apart, too. The first two learn here, which takes
minutes, and need scikit-learn; without it they are left out, and it is said.

Micro F1 over (type, span): strict counts a finding whose span is the label's to the letter, overlapping one that meets
it. Spans of one type are matched once each. `mixed_address` has no span in the labels and is counted by draft.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measure import ROOT, SHARED, report

sys.path.insert(0, str(ROOT))

from desk import lint
from desk.lint import learnt, training
from desk.lint.learnt import Learnt
from desk.lint.training import Marked

DRAFTS = SHARED / "eval/drafts_dev.jsonl"
SEED = 6
PARTS = 3
LONG = 20_000
Span = tuple[Any, ...]
"""Type, first and last place, time."""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DRAFTS)
    parser.add_argument("--misses", action="store_true", help="say on stderr what was missed or wrong")
    given = parser.parse_args()
    drafts = training.given(given.file.read_text(encoding="utf-8").splitlines())
    held = training.invented(held=True)
    _measure("held back", held, [learnt.shipped()] * len(held), says=given.misses)
    _time(drafts)
    if find_spec("sklearn") is None:
        print("scikit-learn is missing: nothing can be learnt here, and two looks are left out.", file=sys.stderr)
        return
    invented = training.invented(held=False)
    began = time.perf_counter()
    alone = training.train(invented)
    report("lint", "learning from the invented drafts", time.perf_counter() - began, "s", "lower")
    _measure("never seen", drafts, [alone] * len(drafts), says=given.misses)
    other = _not_imitated(given.file)
    _measure("never seen nor imitated", other, [alone] * len(other), says=False)
    _measure("cross-validated", *_by_the_others(invented, drafts), says=given.misses)


def _not_imitated(path: Path) -> list[Marked]:
    """Return the half of the drafts whose manner no invented draft was written in."""
    lines = {json.loads(line)["id"]: line for line in path.read_text(encoding="utf-8").splitlines()}
    drawn = sorted(lines)
    random.Random(SEED).shuffle(drawn)
    return training.given([lines[name] for name in drawn[len(drawn) // 2 :]])


def _by_the_others(invented: list[Marked], drafts: list[Marked]) -> tuple[list[Marked], list[Learnt]]:
    """Return the drafts, and for each the model that was learnt from the invented ones and the other parts."""
    drawn = sorted(drafts, key=lambda one: one.text)
    random.Random(SEED).shuffle(drawn)
    models = [
        training.train(invented, [one for number, one in enumerate(drawn) if number % PARTS != part])
        for part in range(PARTS)
    ]
    return drawn, [models[number % PARTS] for number in range(len(drawn))]


def _time(drafts: list[Marked]) -> None:
    every = " ".join(draft.text for draft in drafts)
    long = (every * (LONG // len(every) + 1))[:LONG]
    began = time.perf_counter()
    lint.issues(long)
    report("lint", "a draft of 20,000 characters", (time.perf_counter() - began) * 1000, "ms", "lower")
    began = time.perf_counter()
    for draft in drafts:
        lint.issues(draft.text, public=draft.is_public)
    report("lint", "a draft", (time.perf_counter() - began) * 1000 / len(drafts), "ms", "lower")
    report("lint", "the model", learnt.FILE.stat().st_size / 1000, "kB", "lower")


def _measure(name: str, drafts: list[Marked], models: Sequence[Learnt], *, says: bool) -> None:
    counts: dict[bool, Counter[tuple[str, str]]] = {True: Counter(), False: Counter()}
    due = Counter[str]()
    for draft, model in zip(drafts, models, strict=True):
        found = lint.told_by(model, draft.text, public=draft.is_public, locale=draft.locale)
        mixed = any(one.type == "mixed_address" for one in found)
        _count(counts, "mixed_address", draft.formality == "mixed", mixed)
        labels = [tuple(span) for span in draft.spans]
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


def _say(draft: Marked, pairs: list[tuple[Span, Span]], wrong: list[Span], missed: list[Span]) -> None:
    text = draft.text
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
        print(line, file=sys.stderr)


def _count(counts: dict[bool, Counter[tuple[str, str]]], kind: str, is_so: bool, is_found: bool) -> None:
    if is_so or is_found:
        for each in counts.values():
            each[kind, "right" if is_so and is_found else "missed" if is_so else "wrong"] += 1


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
