"""How much personal data is caught and missed, of made-up texts in two languages; one JSON line for each kind.

python bench/bench_personal.py [--texts]

What was missed, or taken for something that it is not, is printed on stderr with `--texts`. The last line is what a
text of 32,000 characters takes.
"""

import json
import statistics
import sys
import time
from collections import Counter

from measure import ROOT, report

sys.path.insert(0, str(ROOT))

from core import personal

TEXTS = ROOT / "tests" / "core" / "personal_texts.jsonl"
RULES = personal.Rules(masks=("KD-######",), allowed=("@klinke.example", "0800 330 1000"))
PEOPLE = ("alice_k", "Anna Huber")
LONG = 32_000
TIMES = 9


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
    every = "\n".join(text["text"] for text in texts)
    long = (every * (LONG // len(every) + 1))[:LONG]
    report("personal", "a text of 32,000 characters full of it", _milliseconds(long), "ms", "lower")


def _milliseconds(text: str) -> float:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        personal.find(text, rules=RULES, people=PEOPLE)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


if __name__ == "__main__":
    main()
