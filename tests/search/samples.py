"""Inputs: the shared corpora where they are, small samples of our own otherwise."""

import base64
import json
from pathlib import Path

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
ODD_QUERIES = (
    "",
    " ",
    '"',
    '""',
    '"never closed',
    "-",
    "--",
    "- - -",
    "tag:",
    "tag:tag:tag:",
    "author:",
    "author:@",
    "is:",
    "is:maybe",
    "in:nowhere",
    "lang:xx",
    ":",
    "a:b:c",
    "NOT NOT a",
    "^ ANDNOT REQUIRE '",
    "NOT OR *",
    "[a TO z]",
    "*a*",
    "??????",
    "(" * 200,
    "x" * 100_000,
    "a " * 5_000,
    "+a -b " * 500,
    "\0\x1b\ud800",
    "a\u0300" * 1_000,
    "\u202eabc\u202c",
    "ﷺ ½ ﬁ Ⅷ",
    "'; DROP TABLE stale_note; --",
    "<script>alert(1)</script>",
    "日本語 العربية עברית",
)


def inputs(*names: str) -> list[str]:
    """Return the texts of the named corpora and our own odd ones."""
    found = list(ODD_QUERIES)
    for name in names:
        path = CORPORA / f"{name}.jsonl"
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                record = json.loads(line)
                raw = record.get("input")
                found.append(
                    base64.b64decode(record["input_b64"]).decode("utf-8", "surrogateescape") if raw is None else raw
                )
    return found
