"""How well triage judges labelled posts, by repeated stratified cross-validation; one JSON line for each figure.

python bench/triage.py [FILE] [--repeats=N] [--without-own] [--wrong]

FILE are labelled posts, by default those of the shared folder. Each time the model is trained on four fifths of them
and the texts that come with Klinke (`--without-own`: without those), and asked about the fifth. `--wrong` prints what
it judged otherwise than the person, on stderr. What ships is trained on everything: `flask triage train FILE`.
"""

import json
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from measure import ROOT, SHARED, report

sys.path.insert(0, str(ROOT))

from core import personal
from desk.triage import judging, model
from forum.personal_data import is_word
from search.analysis import language

FOLDS = 5
POSTS = SHARED / "eval" / "posts_dev.jsonl"


def main() -> None:
    """Print the figures."""
    given = [Path(one) for one in sys.argv[1:] if not one.startswith("--")]
    repeats = next((int(one.partition("=")[2]) for one in sys.argv if one.startswith("--repeats=")), 4)
    lines = (given[0] if given else POSTS).read_text(encoding="utf-8").splitlines()
    posts = model.labelled(lines)
    private = [json.loads(line).get("pii", []) for line in lines]
    own = [] if "--without-own" in sys.argv else model.own_texts()
    figures: dict[str, list[float]] = {}
    for seed in range(repeats):
        for name, value in _once(posts, own, seed).items():
            figures.setdefault(name, []).append(value)
    for name, values in figures.items():
        better = "lower" if "error" in name else "higher"
        report("triage", name, statistics.mean(values), "", better)
        report("triage", f"{name}: spread over {repeats} repeats", statistics.pstdev(values), "sd", "lower")
    told = [language.guess(post.text) == post.locale for post in posts]
    report("triage", "language: accuracy", statistics.mean(told), "", "higher")
    _report_private(posts, private)


def _once(posts: Sequence[model.Labelled], own: Sequence[model.Labelled], seed: int) -> dict[str, float]:
    """Return the figures of one division of the posts into folds."""
    said: list[judging.Judgement | None] = [None] * len(posts)
    folds = _folds([post.answers["intent"] for post in posts], seed)
    for fold in range(FOLDS):
        learnt = model.train([*(post for post, at in zip(posts, folds, strict=True) if at != fold), *own])
        for place in np.flatnonzero(folds == fold):
            post = posts[place]
            said[place] = judging.judge(post.text, channel=post.channel, by=learnt)
    if "--wrong" in sys.argv and seed == 0:
        for post, one in zip(posts, said, strict=True):
            if one is not None and one.intent != post.answers["intent"]:
                print(f"{post.answers['intent']:10}{one.intent:10}{post.text}", file=sys.stderr)
    figures: dict[str, float] = {}
    pairs = [(post.answers["intent"], one.intent) for post, one in zip(posts, said, strict=True) if one is not None]
    scores = {intent: _f1(pairs, intent) for intent in model.INTENTS}
    figures["intent: macro-F1"] = statistics.mean(scores.values())
    figures |= {f"intent: F1 {intent}": score for intent, score in scores.items()}
    for head in ("sentiment", "heat", "urgency"):
        off = [abs(post.answers[head] - getattr(one, head)) for post, one in zip(posts, said, strict=True)]
        figures[f"{head}: mean error"] = statistics.mean(off)
    return figures


def _folds(answers: Sequence[Any], seed: int) -> Any:
    """Return for each post in which fold it is asked; every fold has its share of every answer."""
    shuffled = np.random.default_rng(seed)
    folds = np.zeros(len(answers), dtype=int)
    for answer in sorted(set(answers)):
        places = shuffled.permutation(np.flatnonzero(np.array(answers) == answer))
        folds[places] = (np.arange(len(places)) + shuffled.integers(FOLDS)) % FOLDS
    return folds


def _f1(pairs: Sequence[tuple[str, str]], intent: str) -> float:
    right = sum(1 for told, said in pairs if told == said == intent)
    named = sum((told == intent) + (said == intent) for told, said in pairs)
    return 2 * right / named if named else 0.0


def _report_private(posts: Sequence[model.Labelled], private: Sequence[Sequence[dict[str, str]]]) -> None:
    caught, said, told = Counter[str](), Counter[str](), Counter[str]()
    for post, labels in zip(posts, private, strict=True):
        wanted = Counter((one["type"], one["value"]) for one in labels)
        found = Counter((one.type, one.value) for one in personal.spans(post.text, is_word=is_word))
        for (kind, _value), many in (wanted & found).items():
            caught[kind] += many
        told.update(one["type"] for one in labels)
        said.update(kind for (kind, _value), many in found.items() for _ in range(many))
    score = 2 * sum(caught.values()) / max(1, sum(told.values()) + sum(said.values()))
    report("triage", "personal data: F1", score, "", "higher")
    for kind in sorted(told):
        report("triage", f"personal data: F1 {kind}", 2 * caught[kind] / (told[kind] + said[kind]), "", "higher")


if __name__ == "__main__":
    main()
