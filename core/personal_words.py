"""The words by which personal data is told, as they stand in `personal_words.toml`."""

import tomllib
from functools import lru_cache
from pathlib import Path


def listed(name: str) -> frozenset[str]:
    """Return the words or phrases of a list, in small letters but where capitals matter."""
    said = _lists()[name]
    return frozenset(" ".join(one.split()) for one in (said.split("|") if "|" in said else said.split()))


@lru_cache(maxsize=1)
def _lists() -> dict[str, str]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
