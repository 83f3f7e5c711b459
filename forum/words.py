"""Watched words: what is refused, held, replaced or linked where somebody writes it.

A rule is one word or several in a row, with * for any letters within a word. Texts are cut into words once and each is
compared by looking for pieces one after the other, so no rule takes more than linear time.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask_babel import gettext
from sqlalchemy import delete, func, select

from accounts import audit
from accounts.models import User
from core import texts
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from core.problems import Problems
from core.unique import add_once
from forum import policy
from forum.models import WatchedWord, WordDeed

MOST_RULES = 500
MOST_WORDS_IN_A_RULE = 6
LONGEST_RULE = 80
LONGEST_INTO = 300
FEWEST_LETTERS = 2
DEEDS: tuple[WordDeed, ...] = ("block", "hold", "replace", "link")

_INVISIBLE = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))
_WORD = re.compile(r"\w+")
_RULE_WORD = re.compile(r"[\w*]+")
_KEPT = re.compile(r"`[^`\n]*`|\[[^\[\]\n]*\]\([^()\s]*\)|<[^<>\s]*>|https?://[^\s<>]+")
"""What is never rewritten within a line: code, links, addresses."""
_FENCE = ("```", "~~~", "    ", "\t")


@dataclass(frozen=True, slots=True)
class Rule:
    """A watched word, ready to be compared."""

    words: str
    deed: WordDeed
    into: str
    pieces: tuple[tuple[str, ...], ...]
    """Each word, cut at its stars."""


@dataclass(frozen=True, slots=True)
class Match:
    rule: Rule
    said: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rules make of a text."""

    text: str
    """With everything replaced and linked."""
    blocked: Sequence[str]
    held: Sequence[str]
    """What was said, as it was said."""


def watch(words: str, *, deed: str, into: str = "", by: User) -> None:
    """Watch a word from now on; raise `Invalid` with fields where the rule cannot be one."""
    if not policy.may_arrange(by):
        raise NotAllowed(gettext("Only admins choose the watched words."))
    key, into = checked(words, deed=deed, into=into)
    if (db.session.scalar(select(func.count(WatchedWord.id))) or 0) >= MOST_RULES:
        raise Invalid(gettext("There are %(most)s watched words already.", most=MOST_RULES))
    if not add_once(WatchedWord, words=key, deed=deed, into=into):
        raise Invalid(fields={"words": gettext("This word is watched already.")})
    row = db.session.scalars(select(WatchedWord).where(WatchedWord.words == key)).one()
    audit.record("forum.word.watch", row, by=by, after={"words": key, "deed": deed, "into": row.into})


def checked(words: str, *, deed: str, into: str) -> tuple[str, str]:
    """Return a rule as it is stored; raise `Invalid` with fields where it cannot be one."""
    problems = Problems()
    key = problems.take("words", lambda: _key(words), "")
    into = problems.take("into", lambda: texts.line(into, longest=LONGEST_INTO), "")
    if deed not in DEEDS:
        problems.fields["deed"] = gettext("Please choose one of these.")
    elif deed == "link" and not _is_address(into) and "into" not in problems.fields:
        problems.fields["into"] = gettext("Please give an address that begins with https:// or with /.")
    problems.refuse()
    return key, into if deed in {"replace", "link"} else ""


def forget(word_id: int, *, by: User) -> None:
    """Watch a word no more."""
    if not policy.may_arrange(by):
        raise NotAllowed(gettext("Only admins choose the watched words."))
    row = db.session.get(WatchedWord, word_id) if word_id <= LARGEST_ID else None
    if row is None:
        raise NotFound
    audit.record("forum.word.forget", row, by=by, before={"words": row.words, "deed": row.deed, "into": row.into})
    db.session.execute(delete(WatchedWord).where(WatchedWord.id == row.id))


def watched() -> list[WatchedWord]:
    """Return all rules by their words."""
    return list(db.session.scalars(select(WatchedWord).order_by(WatchedWord.words)))


def judge(text: str, *, is_markdown: bool = True) -> Judged:
    """Say what the rules make of a text; without Markdown a link is no link, and stays the word it was."""
    rules = [Rule(row.words, row.deed, row.into, _pieces(row.words)) for row in watched()]
    if not rules:
        return Judged(text, (), ())
    found = list(_matches(text, rules))
    return Judged(
        text=_rewritten(text, rules, is_markdown=is_markdown),
        blocked=_said(match for match in found if match.rule.deed == "block"),
        held=_said(match for match in found if match.rule.deed == "hold"),
    )


def check_name(name: str) -> None:
    """Raise `Invalid` where a name has a word in it that is refused, held or replaced in texts."""
    for row in watched():
        rule = Rule(row.words, row.deed, row.into, _pieces(row.words))
        # A handle is one word for the eye and several for us: `buy_pills`.
        if rule.deed != "link" and any(_matches(name.replace("_", " "), [rule])):
            raise Invalid(gettext("This name has a word in it that cannot be used here. Please choose another."))


def check_about(text: str) -> None:
    """Raise `Invalid` where what somebody says about themselves has a word in it that is refused or held in texts."""
    judged = judge(text, is_markdown=False)
    if said := [*judged.blocked, *judged.held]:
        raise Invalid(refusal(said))


def check_tag(name: str) -> None:
    """Raise `Invalid` where a new tag has a word in it that is refused, held or replaced in texts."""
    for row in watched():
        rule = Rule(row.words, row.deed, row.into, _pieces(row.words))
        if rule.deed != "link" and any(_matches(name.replace("_", " "), [rule])):
            raise Invalid(gettext("“%(tag)s” cannot be a tag here. Please choose another.", tag=name))


def short(text: str, *, by: User) -> str:
    """Return a few words that everybody reads at once, with what is replaced.

    Raise `Invalid` where they say what is refused, or what would have to wait for the team: so few words do not wait.
    The team may say everything, and trusted members what others have to wait for.
    """
    judged = judge(text, is_markdown=False)
    said = [] if by.is_team else [*judged.blocked, *(() if by.is_trusted else judged.held)]
    if said:
        raise Invalid(refusal(list(dict.fromkeys(said))))
    return judged.text


def refusal(blocked: Sequence[str]) -> str:
    """Return the sentence that says which words cannot be used."""
    said = ", ".join(f"“{word}”" for word in blocked)
    return str(gettext("This cannot be written here: %(words)s. Please say it in other words.", words=said))


def _key(words: str) -> str:
    clean = texts.line(words, longest=LONGEST_RULE, shortest=1)
    parts = [re.sub(r"\*+", "*", _folded(part)) for part in _RULE_WORD.findall(clean)]
    if not parts or any(len(part.replace("*", "")) < FEWEST_LETTERS and "*" in part for part in parts):
        raise Invalid(gettext("A word with * in it needs two letters or more besides."))
    if len(parts) > MOST_WORDS_IN_A_RULE:
        raise Invalid(gettext("At most %(most)s words in a row, please.", most=MOST_WORDS_IN_A_RULE))
    return " ".join(parts)[:LONGEST_RULE]


def _is_address(into: str) -> bool:
    is_clean = not re.search(r"[\s()<>\"'\\]", into)
    is_path = into.startswith("/") and not into.startswith("//")
    return is_clean and (is_path or (urlsplit(into).scheme == "https" and bool(urlsplit(into).hostname)))


def _said(matches: Iterable[Match]) -> list[str]:
    return list(dict.fromkeys(match.said for match in matches))


def _matches(text: str, rules: Sequence[Rule]) -> Iterator[Match]:
    text = text.translate(_INVISIBLE)
    places = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    said = [_folded(text[start:end]) for start, end in places]
    plain: dict[str, list[Rule]] = {}
    starred = []
    for rule in rules:
        first = rule.pieces[0]
        if len(first) == 1:
            plain.setdefault(first[0], []).append(rule)
        else:
            starred.append(rule)
    begins = {
        word: [*plain.get(word, ()), *(rule for rule in starred if _fits(rule.pieces[0], word))] for word in set(said)
    }
    for at, word in enumerate(said):
        for rule in begins[word]:
            end = at + len(rule.pieces)
            if end <= len(said) and all(map(_fits, rule.pieces[1:], said[at + 1 : end])):
                start, stop = places[at][0], places[end - 1][1]
                yield Match(rule, text[start:stop], start, stop)


def _rewritten(text: str, rules: Sequence[Rule], *, is_markdown: bool) -> str:
    wanted = [rule for rule in rules if rule.deed == "replace" or (rule.deed == "link" and is_markdown)]
    if not wanted or not any(_matches(text, wanted)):
        return text
    if not is_markdown:
        return _put_in(text, wanted)
    lines, is_fenced = [], False
    for line in text.split("\n"):
        if line.lstrip().startswith(_FENCE[:2]):
            is_fenced = not is_fenced
        lines.append(line if is_fenced or line.startswith(_FENCE) else _rewritten_line(line, wanted))
    return "\n".join(lines)


def _rewritten_line(line: str, rules: Sequence[Rule]) -> str:
    parts, done = [], 0
    for kept in _KEPT.finditer(line):
        parts += [_put_in(line[done : kept.start()], rules), kept[0]]
        done = kept.end()
    return "".join([*parts, _put_in(line[done:], rules)])


def _put_in(text: str, rules: Sequence[Rule]) -> str:
    found = list(_matches(text, rules))
    if not found:
        return text
    text = text.translate(_INVISIBLE)
    parts, done = [], 0
    for match in found:
        if match.start >= done:
            new = match.rule.into if match.rule.deed == "replace" else f"[{match.said}]({match.rule.into})"
            parts += [text[done : match.start], new]
            done = match.end
    return "".join([*parts, text[done:]])


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


@functools.lru_cache(maxsize=MOST_RULES)
def _pieces(words: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(word.split("*")) for word in words.split(" "))


def _fits(pieces: tuple[str, ...], word: str) -> bool:
    first, *between = pieces
    if not between:
        return word == first
    last = between.pop()
    if len(word) < len(first) + len(last) or not word.startswith(first) or not word.endswith(last):
        return False
    at, end = len(first), len(word) - len(last)
    for piece in between:
        found = word.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
