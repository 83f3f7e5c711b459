"""What a draft does, sentence by sentence: neighbouring clauses that do the same are one thing."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from desk.lint import due
from desk.lint.beside import Floats
from desk.lint.learnt import KINDS, Learnt
from desk.lint.reading import Clause, Part, Reading, Sentence

_SLACK: Final = 3
"""So many letters beside a time are nothing of their own."""
_SOMEBODY: Final = re.compile(
    r"\b(?i:herrn?|frau|mr|mrs|ms|dr|kolleg(?:en?|in)|colleague)\.? [A-ZÄÖÜ]\w+|\b(?:an|to|bei|with|von|by) (?!Montag"
    r"|Dienstag|Mittwoch|Donnerstag|Freitag|Monday|Tuesday|Wednesday|Thursday|Friday)[A-ZÄÖÜ][a-zäöüß]{2,}\b"
)
_JOINED: Final = re.compile(r"(?:und|and|but|aber|weil|because|dass|denn|oder|or)\s+", re.IGNORECASE)
"""By what a clause hangs on the one before, and is no part of what it does."""
_GAP: Final = 1
"""Between who has it and what they will do, so many clauses say more of them."""


class Done(NamedTuple):
    """One thing that a draft does, and the place of the time that a promise names."""

    kind: str
    start: int
    end: int
    due: tuple[int, int] | None = None


def done(reading: Reading, model: Learnt, *, is_public: bool) -> list[Done]:
    """Return what a model sees in a draft."""
    clauses = reading.clauses()
    likely = model.likely(clauses, is_public=is_public)
    found: list[Done] = []
    rows = zip(clauses, likely, strict=True)
    for _, each in groupby(rows, key=lambda one: one[0].number):
        found += _in_sentence(list(each), model.clauses.least)
    return found


def _in_sentence(rows: Sequence[tuple[Clause, Floats]], least: Floats) -> Iterator[Done]:
    sentence = rows[0][0].sentence
    parts = [clause.part for clause, _ in rows]
    does = {kind: [bool(row[at] >= least[at]) for _, row in rows] for at, kind in enumerate(KINDS)}
    does["promise"] = [
        promises and not sure for promises, sure in zip(does["promise"], does["unverifiable_guarantee"], strict=True)
    ]
    promises = [(first, last, _time(sentence, parts[first], parts[last])) for first, last in _promises(parts, does)]
    passed = list(_runs(does["forwarded"]))
    for number, (first, last, said) in enumerate(promises):
        for run in passed:
            if said and run[0] <= last and first <= run[1] + 1 + _GAP and _names_somebody(sentence, parts, run):
                promises[number] = (min(first, run[0]), max(last, run[1]), said)
                passed.remove(run)
                break
    for first, last, said in promises:
        yield Done("promise", *_place(sentence, parts, first, last), said)
    for kind in KINDS:
        if kind != "promise":
            for first, last in passed if kind == "forwarded" else _runs(does[kind]):
                yield Done(kind, *_place(sentence, parts, first, last))


def _runs(does: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of those that do something and follow one another."""
    for is_so, each in groupby(range(len(does)), key=lambda at: does[at]):
        if is_so:
            run = list(each)
            yield run[0], run[-1]


def _promises(parts: Sequence[Part], does: dict[str, list[bool]]) -> Iterator[tuple[int, int]]:
    """Yield the promises of a sentence: with a time that stands alone behind one, and each that names its own."""
    does_or_times = list(does["promise"])
    times = [due.times(part.words) for part in parts]
    is_time = [
        sum(one.end - one.start for one in found) >= len(part.words.strip()) - _SLACK and bool(found)
        for part, found in zip(parts, times, strict=True)
    ]
    for at, is_so in enumerate(does["promise"][:-1]):
        if is_so and is_time[at + 1]:
            does_or_times[at + 1] = True
    for first, last in _with_what_comes_of_it(list(_runs(does_or_times)), times):
        start, has_time = first, False
        for at in range(first, last + 1):
            names = bool(times[at]) and not is_time[at]
            if names and has_time:
                yield start, at - 1
                start = at
            has_time = has_time or bool(times[at])
        yield start, last


def _with_what_comes_of_it(
    runs: Sequence[tuple[int, int]], times: Sequence[Sequence[due.Time]]
) -> Iterator[tuple[int, int]]:
    """Yield runs, joined where the first names no time and the next is near: one promise, told in two."""
    before: tuple[int, int] | None = None
    for run in runs:
        is_timeless = before is not None and not any(times[at] for at in range(before[0], before[1] + 1))
        if before is not None and is_timeless and run[0] <= before[1] + 1 + _GAP:
            before = (before[0], run[1])
            continue
        if before is not None:
            yield before
        before = run
    if before is not None:
        yield before


def _time(sentence: Sentence, first: Part, last: Part) -> tuple[int, int] | None:
    """Return the place of the time between two clauses: the first that says something."""
    words = sentence.words[first.start - sentence.start : last.end - sentence.start]
    found = due.times(words)
    if not found:
        return None
    one = next((one for one in found if not one.is_weak), found[0])
    return first.start + one.start, first.start + one.end


def _place(sentence: Sentence, parts: Sequence[Part], first: int, last: int) -> tuple[int, int]:
    """Return where these clauses stand: a whole sentence with its last sign, others without what joins them."""
    if first == 0 and last == len(parts) - 1:
        return sentence.start, sentence.end
    start, end = parts[first].start, parts[last].end
    joined = _JOINED.match(parts[first].words) if first else None
    return start + (joined.end() if joined is not None else 0), end


def _names_somebody(sentence: Sentence, parts: Sequence[Part], run: tuple[int, int]) -> bool:
    start, end = parts[run[0]].start, parts[run[1]].end
    return _SOMEBODY.search(sentence.words[start - sentence.start : end - sentence.start]) is not None
