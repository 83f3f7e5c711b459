"""Full names of people, by what stands around them.

A name is two words with capitals or more, or an initial and a surname, or a surname after a title. What stands before
or after it says that it is one: a title, `heißt`, `in the name of`, a greeting, a telephone number in the same
brackets. A given name that many have is a sign of its own; the list is short and of this project's making, so that a
name that is not on it is found by its frame and by nothing else. First names alone and people whom everybody knows are
left alone.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from core.personal_words import listed

MOST_PARTS: Final = 4
MOST_TITLES: Final = 6
SHORTEST_SURNAME: Final = 3
LONGEST_FRAME: Final = 3
"""So many words a frame has at most."""
LONGEST_GAP: Final = 4
SHORTEST_PART: Final = 3
LONGEST_GIVEN: Final = 12
MOST_ASKED: Final = 20_000
NEAR: Final = 14
"""So far from a name another thing of the same person may stand, as in `(Otto Quandel, 0170 1234567)`."""

_WORD: Final = re.compile(r"[^\W\d_]{1,40}(?:(?:-|['\u2019](?=[A-ZÄÖÜÀ-Ý]))[^\W\d_]{1,40}){0,4}")
_PARTICLES: Final = listed("particles")
_AFTER_PARTICLES: Final = listed("particles_after")
_TITLES: Final = listed("titles")
_SMALL_TITLES: Final = frozenset({"mr", "mrs", "dr", "herr", "herrn", "frau"})
_TITLES_AFTER: Final = listed("titles_after")
_ALL_TITLES: Final = _TITLES | _TITLES_AFTER
_WEAK_TITLES: Final = listed("weak_titles")
_OWN: Final = listed("own")

# What stands right before a name; a phrase is up to three words, with nothing but spaces or one sign after it.
_FRAMES: Final = listed("frames")
_CREDITS: Final = listed("credits")
"""What a colon makes a frame of."""
_FILLERS: Final = listed("fillers")
"""What may stand between a frame and the name."""
# Greetings and the like are a frame at the end of a text or line only.
_CLOSINGS: Final = listed("closings")
# What may stand before a name, and before much else, too: a given name must follow, or a surname of two.
_WEAK: Final = listed("weak")
_PLACES: Final = listed("places")
_SAID_AFTER: Final = listed("said_after")
_NO_NAMES: Final = listed("no_names")
_GIVEN: Final = listed("given")
_KNOWN: Final = listed("known")
_KNOWN_TITLED: Final = listed("known_titled")


@dataclass(frozen=True, slots=True)
class _Word:
    said: str
    low: str
    start: int
    end: int


def names(
    plain: str,
    others: Sequence[tuple[int, int]] = (),
    *,
    is_german: bool = True,
    is_word: Callable[[str], bool] | None = None,
) -> Iterator[tuple[int, int]]:
    """Yield where full names stand, and surnames after a title, without it.

    In German every noun has a capital, so two surnames with a hyphen say less there. Two words with capitals that are
    no words, by `is_word`, are a name wherever they stand. `others` is where other personal data stands: a name right
    beside it is one.
    """
    words = [
        _Word(found[0], found[0].lower().replace("\u2019", "'"), found.start(), found.end())
        for found in _WORD.finditer(plain)
    ]
    beside = _Beside(plain, others)
    reading = _Reading(is_german=is_german, is_word=is_word)
    at = 0
    while at < len(words):
        end = _titled(plain, words, at) or _framed(plain, words, at, beside, reading)
        if end is None:
            at += 1
            continue
        first, last = end
        yield words[first].start, words[last].end
        at = last + 1


class _Reading:
    """Tells words from what is none; it asks about so many different ones, and takes what comes then for words."""

    def __init__(self, *, is_german: bool, is_word: Callable[[str], bool] | None) -> None:
        self.is_german = is_german
        self._is_word = is_word
        self._asked: dict[str, bool] = {}

    def is_strange(self, word: _Word) -> bool:
        """Tell whether this is known to be no word."""
        return self._is_word is not None and not all(self._knows(part) for part in word.said.split("-"))

    def is_common(self, word: _Word) -> bool:
        """Tell whether this is known to be a word."""
        return self._is_word is not None and not self.is_strange(word)

    def is_given(self, word: _Word) -> bool:
        """Tell whether this may be a given name that few have: short, no word, and in German not made of two."""
        low = word.low
        return (
            SHORTEST_SURNAME <= len(low) <= LONGEST_GIVEN
            and self.is_strange(word)
            and not (
                self.is_german
                and any(
                    self._knows(low[:cut]) and self._knows(low[cut:])
                    for cut in range(SHORTEST_PART, len(low) - SHORTEST_PART + 1)
                )
            )
        )

    def _knows(self, word: str) -> bool:
        if word not in self._asked:
            self._asked[word] = self._is_word is None or len(self._asked) >= MOST_ASKED or self._is_word(word)
        return self._asked[word]


class _Beside:
    """Tells whether other personal data stands right beside a place; asked in the order of the text."""

    def __init__(self, plain: str, others: Sequence[tuple[int, int]]) -> None:
        self._plain = plain
        self._others = sorted(others)
        self._next = 0

    def covers(self, start: int, end: int) -> bool:
        self._forward(start)
        return self._next < len(self._others) and self._others[self._next][0] < end

    def is_near(self, start: int, end: int) -> bool:
        self._forward(start)
        if self._next < len(self._others):
            until = self._others[self._next][0]
            if until - end <= NEAR and _GAP_AFTER.fullmatch(self._plain, end, until):
                return True
        if self._next:
            since = self._others[self._next - 1][1]
            return start - since <= NEAR and bool(_GAP_BEFORE.fullmatch(self._plain, since, start))
        return False

    def _forward(self, start: int) -> None:
        while self._next < len(self._others) and self._others[self._next][1] <= start:
            self._next += 1


_SPEAKING: Final = frozenset({"hier", "here", "speaking"})
_GLUED: Final = frozenset("@#/_.")
_NOTHING_MORE: Final = re.compile(r"[ .!)\n\"']*\Z")
_BLANK: Final = re.compile(r"[ \n]*\Z")
_PLAIN_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzäöüß-'")
_PREFIX: Final = re.compile(r"^(?:Mc|Mac|De|Di|Du|La|Le|Van|Von|Fitz)(?=[A-Z][a-z])")
_ABSTRACT: Final = re.compile(r".{3,}(?:ung|ungen|heit|keit|schaft|tion|tionen|ität|ismus|ment|ness|ship)")
_GAP_AFTER: Final = re.compile(
    r" ?[,;:(/|<\n-]{0,2} ?(?:(?:geb\.?|born|dob|tel\.?|mobil|kdnr\.?|mail|e-mail|nr\.?)[ .:]{0,2}(?:am )?|(?:unter"
    r"|on|at|via|per|mit|with) )?",
    re.IGNORECASE,
)
_GAP_BEFORE: Final = re.compile(
    r" ?[,;:)/|>\n-]{0,2} ?(?:(?:auf|an|von|for|to|of|belongs to|in name of|is|ist) )?", re.IGNORECASE
)


def _is_name(word: _Word) -> bool:
    said = word.said
    if not said[0].isupper() or word.low in _NO_NAMES:
        return False
    if len(said) == 1:
        return False
    return all(part[:1].isupper() and _is_mixed(part) for part in re.split("[-'\u2019]", said)) or (
        "'" in said and said[0].isupper()
    )


def _is_mixed(part: str) -> bool:
    """Tell whether a part is written as a name is: `Huber`, `McCloud`, `O`, not `USB` or `iPhone`."""
    rest = _PREFIX.sub("", part) or part
    return len(part) == 1 or rest[1:].islower()


def _sequence(plain: str, words: Sequence[_Word], at: int) -> int | None:
    """Return the last word of what is written as a name from here on, of one word or more."""
    last = None
    for step in range(at, min(len(words), at + MOST_PARTS + 1)):
        word = words[step]
        if step > at and plain[words[step - 1].end : word.start] != " " and not _is_initial_gap(plain, words, step):
            break
        if _is_name(word):
            last = step
        elif not (_is_initial(plain, word) or (step > at and _is_particle(word, words[step - 1]))):
            break
    return last


def _is_particle(word: _Word, before: _Word) -> bool:
    return word.said in _PARTICLES or (word.said in _AFTER_PARTICLES and before.said in _PARTICLES)


def _is_initial(plain: str, word: _Word) -> bool:
    return len(word.said) == 1 and word.said.isupper() and plain[word.end : word.end + 1] == "."


def _is_initial_gap(plain: str, words: Sequence[_Word], step: int) -> bool:
    gap = plain[words[step - 1].end : words[step].start]
    return gap in {". ", "."} and (_is_initial(plain, words[step - 1]) or words[step - 1].said == "St")


def _titled(plain: str, words: Sequence[_Word], at: int) -> tuple[int, int] | None:
    title = words[at]
    if not _is_title(plain, title):
        return None
    first = at + 1
    until = min(len(words), at + MOST_TITLES)
    while first < until and words[first].low in _ALL_TITLES and _is_gap(plain, words, first):
        first += 1
    last = _sequence(plain, words, first) if first < until and _is_gap(plain, words, first) else None
    if last is None or _said(words, first, last) in _KNOWN:
        return None
    return (first, last) if last > first or _is_surname(words, at, words[last]) else None


def _is_title(plain: str, title: _Word) -> bool:
    if title.low not in _TITLES or title.said == "MS":
        return False
    if title.said == "dr":  # in dialect, `dr` is an article
        return plain[title.end : title.end + 1] == "."
    return not title.said.islower() or title.low in _SMALL_TITLES


def _is_surname(words: Sequence[_Word], at: int, surname: _Word) -> bool:
    """Tell whether one word after a title is a surname, and not `meine Frau Petra` or somebody of a film."""
    title = words[at]
    is_own = at > 0 and words[at - 1].low in _OWN
    return not (
        len(surname.said) == 1
        or title.low in _WEAK_TITLES
        or surname.low in _KNOWN_TITLED
        or (is_own and (title.low == "frau" or surname.low in _GIVEN))
    )


def _is_gap(plain: str, words: Sequence[_Word], at: int) -> bool:
    return plain[words[at - 1].end : words[at].start] in {" ", ". ", "."}


def _framed(plain: str, words: Sequence[_Word], at: int, beside: _Beside, reading: _Reading) -> tuple[int, int] | None:
    first = words[at]
    if not (_is_name(first) or _is_initial(plain, first)) or plain[max(0, first.start - 1) : first.start] in _GLUED:
        return None
    is_many = first.low in _GIVEN
    if not is_many and (first.low in _FRAMES or _ABSTRACT.fullmatch(first.low)):
        return None
    last = _sequence(plain, words, at)
    if last is None or last == at or beside.covers(first.start, words[last].end):
        return None
    # What stands before a given name is what somebody is, as in `Techniker Jonas Weber`.
    is_role = not is_many and any(word.low in _GIVEN for word in words[at + 1 : last])
    if is_role or _said(words, at, last) in _KNOWN or _said(words, at, at + 1) in _KNOWN:
        return None
    return (at, last) if _Candidate(plain, words, at, last, beside, reading).is_person() else None


class _Candidate:
    """What is written as a full name, and what speaks for its being one."""

    def __init__(
        self, plain: str, words: Sequence[_Word], at: int, last: int, beside: _Beside, reading: _Reading
    ) -> None:
        self._first, self._surname = words[at], words[last]
        self._beside, self._reading = beside, reading
        self._gap = plain[words[at - 1].end if at else 0 : self._first.start]
        self._is_first = at == 0
        self._has_particle = any(word.said in _PARTICLES for word in words[at + 1 : last])
        self._is_abroad = any(not set(word.low) <= _PLAIN_LETTERS for word in words[at : last + 1])
        self._after = words[last + 1].low if last + 1 < len(words) else ""
        self._next = plain[self._surname.end : self._surname.end + 1]
        self._ends = _NOTHING_MORE.match(plain, self._surname.end) is not None
        self._ends_bare = _BLANK.match(plain, self._surname.end) is not None
        before = [word.low for word in words[max(0, at - LONGEST_FRAME - 1) : at]]
        if len(before) > 1 and before[-1] in _FILLERS:
            before.pop()
        self._before = before[-1] if before else ""
        self._phrases = {" ".join(before[-count:]) for count in range(1, LONGEST_FRAME + 1)} if before else set()
        self._is_initial = len(self._first.said) == 1
        self._is_given = self._is_initial or self._first.low.split("-")[0] in _GIVEN

    def is_person(self) -> bool:
        is_framed = self._is_framed()
        if not self._is_given and not is_framed and (self._has_particle or self._surname.low in _GIVEN):
            # Somebody is called by the first name alone: `Ring Eoin`; or a thing is of another: `Liste von Namen`.
            return False
        if self._is_beside() or (self._gap == ": " and self._before in _CREDITS):
            return True
        if is_framed:
            return self._before not in _CLOSINGS or self._is_given or self._ends or self._next == "\n"
        if self._is_initial:
            return self._is_initialled()
        return self._is_given or self._is_no_word() or self._is_in_place()

    def _is_framed(self) -> bool:
        is_joined = self._gap.strip() in {":", ",", "", "("} or (
            len(self._gap) <= LONGEST_GAP and set(self._gap).isdisjoint(".!?;)")
        )
        return is_joined and not _FRAMES.isdisjoint(self._phrases)

    def _is_beside(self) -> bool:
        is_noun = not self._is_given and self._reading.is_common(self._first) and self._reading.is_common(self._surname)
        is_short = self._is_initial and len(self._surname.said) < SHORTEST_SURNAME
        return not is_noun and not is_short and self._beside.is_near(self._first.start, self._surname.end)

    def _is_initialled(self) -> bool:
        """Tell whether an initial and a surname are one, and not the end of a sentence and the beginning of another."""
        is_cut_off = self._is_first or not set(self._gap).isdisjoint(".!?\n,;")
        return (
            (self._before in _WEAK and self._gap == " ")
            or ((self._ends or self._next == "\n") and is_cut_off)
            or (not self._is_first and (self._is_double() or self._after in _SPEAKING))
        )

    def _is_no_word(self) -> bool:
        return (
            self._reading.is_given(self._first)
            and self._reading.is_strange(self._surname)
            and len(self._surname.said) > SHORTEST_SURNAME
            and self._before not in _PLACES
        )

    def _is_in_place(self) -> bool:
        """Tell whether it stands where names do: before what people do, at the end, after a small word, in brackets."""
        if self._gap == " " and not self._is_first:
            is_strong = self._is_abroad or (self._before in _WEAK and self._is_double() and not self._reading.is_german)
            return is_strong or self._after in _SAID_AFTER
        is_apart = self._is_first or not set(self._gap).isdisjoint(".!?\n")
        return (self._ends_bare and is_apart) or (self._gap.strip() == "(" and self._next == ",")

    def _is_double(self) -> bool:
        return "-" in self._surname.said and len(self._surname.said) > SHORTEST_SURNAME + SHORTEST_SURNAME


def _said(words: Sequence[_Word], first: int, last: int) -> str:
    return " ".join(word.low for word in words[first : last + 1])
