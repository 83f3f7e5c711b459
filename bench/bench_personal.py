"""How much personal data is caught and missed; one JSON line for each kind.

python bench/bench_personal.py [--texts]

First of made-up texts in two languages, some written against the detector; then, where `../shared/eval` is, of the
labelled posts there by the types of triage: what counts is the type and just the place. Those posts were written for
this project by somebody else than the detector, which was made with them at hand. What was missed, or taken for
something that it is not, is printed on stderr with `--texts`. The last lines are what a text of 32,000 characters
takes, and how many of 5,000 texts of manuals a writer would be warned of.
"""

import json
import os
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

from measure import ROOT, SHARED, documents, report

sys.path.insert(0, str(ROOT))

from core import personal
from forum.personal_data import is_word

TEXTS = ROOT / "tests" / "core" / "personal_texts.jsonl"
POSTS = Path(os.environ.get("KLINKE_EVAL", SHARED / "eval")) / "posts_dev.jsonl"
RULES = personal.Rules(masks=("KD-######",), allowed=("@klinke.example", "0800 330 1000"))
PEOPLE = ("alice_k", "Anna Huber")
LONG = 32_000
TIMES = 9
MANUALS = 5_000


def main() -> None:
    """Print the figures."""
    caught, missed, wrong = Counter[str](), Counter[str](), Counter[str]()
    texts = [json.loads(line) for line in TEXTS.read_text(encoding="utf-8").splitlines()]
    left = [text for text in texts if text["kind"] is None]
    for text in texts:
        found = personal.find(text["text"], rules=RULES, people=PEOPLE)
        said = {(one.kind, one.text) for one in found}
        if text["kind"] is None:
            wrong.update(one.kind for one in found[:1])
        elif (text["kind"], text["said"]) in said:
            caught[text["kind"]] += 1
        else:
            missed[text["kind"]] += 1
        if "--texts" in sys.argv and (found if text["kind"] is None else (text["kind"], text["said"]) not in said):
            print(text, sorted(said), file=sys.stderr)
    for kind in personal.KINDS:
        report("personal", f"{kind}: caught", caught[kind], f"of {caught[kind] + missed[kind]}", "higher")
        report("personal", f"{kind}: missed", missed[kind], f"of {caught[kind] + missed[kind]}", "lower")
        report("personal", f"{kind}: seen where there is none", wrong[kind], f"of {len(left)}", "lower")
    if POSTS.exists():
        _posts([json.loads(line) for line in POSTS.read_text(encoding="utf-8").splitlines()])
    every = "\n".join(text["text"] for text in texts)
    long = (every * (LONG // len(every) + 1))[:LONG]
    report("personal", "a text of 32,000 characters full of it", _milliseconds(long), "ms", "lower")
    if SHARED.exists():
        warned = sum(bool(personal.find(f"{one.title}\n{one.body}")) for one in documents(MANUALS))
        report("personal", "texts of manuals with a warning", warned, f"of {MANUALS}", "lower")


def _posts(posts: list[dict[str, object]]) -> None:
    right, missed, wrong = Counter[str](), Counter[str](), Counter[str]()
    for post in posts:
        text = str(post["text"])
        labelled = Counter((one["type"], one["value"]) for one in post["pii"])  # type: ignore[attr-defined]  # a list in every labelled line
        found = Counter((one.type, one.value) for one in personal.spans(text, is_word=is_word))
        for counter, these in ((right, found & labelled), (missed, labelled - found), (wrong, found - labelled)):
            for (kind, value), times in these.items():
                counter[kind] += times
                if "--texts" in sys.argv and counter is not right:
                    print("missed" if counter is missed else "wrong", kind, value, text, file=sys.stderr)
    for kind in personal.TYPES:
        of = f"F1, {right[kind] + missed[kind]} labelled, {wrong[kind]} wrong"
        report("personal", f"posts, {kind}", _f1(right[kind], missed[kind], wrong[kind]), of, "higher")
    report("personal", "posts, micro", _f1(right.total(), missed.total(), wrong.total()), "F1", "higher")


def _f1(right: int, missed: int, wrong: int) -> float:
    return 2 * right / (2 * right + missed + wrong) if right else 0.0


def _milliseconds(text: str) -> float:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        personal.find(text, rules=RULES, people=PEOPLE)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


if __name__ == "__main__":
    main()
