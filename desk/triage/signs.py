"""Signs by which a person would tell what a customer wants: words and turns of phrase in German and English.

They are written from knowledge of how people write to a company, dialects included; how much each counts is learnt
(`desk.triage.model`). Every pattern is bounded, so that no text takes more than linear time.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flask_babel import lazy_gettext as _l

LONGEST: Final = 4_000
"""So much of a text is read for signs; what a customer wants is said before that."""
MOST_COUNTED: Final = 3
SHORT, LONG, MANY_SENTENCES, TOLD = 9, 35, 3, 2
"""Words from which a message is not short, or is long; sentences that are many, or that tell beside a question."""
SHORTEST_SHOUT, FEWEST_LETTERS, FEWEST_QUOTES = 3, 4, 3
LURED_TWICE: Final = 0.5

FILE: Final = Path(__file__).with_name("phrases.toml")
_PHRASES: Final[Mapping[str, Mapping[str, str]]] = tomllib.loads(FILE.read_text(encoding="utf-8"))

_EMOJI: Final[Mapping[str, str]] = {
    "smiles": "😊🙂😀😃😄😁😍🥰😘❤💙💚💜🧡💛🤗👍🙏🎉🥳💪⭐🌟✨🙌😇🤩💕🌻",
    "laughs": "😂🤣😆😅😹😜😉",
    "frowns": "😡🤬😠👎💩🖕😤🤮😒🙄😑😞😔😢😭☹🥶🤡🤦",
    "smirks": "🙃🙄😏👏🤡😒🥴",
    "sparkles": "💰💸🔥🚀💎📈🎁👉👇📲🤑✅💯🏆",
}

_QUESTION_WORDS: Final = {
    "de": (
        r"wie|wo|wer|was|wann|warum|wieso|weshalb|wohin|woher|womit|welche\w{0,2}|wem|wen|wozu|wofür|wia|wos|wann|wieviel|"
        r"wo isch"
    ),
    "en": "how|where|who|what|when|why|which|whose|whom|wheres|whats|hows",
}
_VERBS_FIRST: Final = {
    "de": (
        r"kann|kannst|könn\w{1,4}|könnt\w{0,3}|gibt?s?|ist|isch|sind|muss|müss\w{1,4}|darf|dürf\w{1,3}|geht|gehts|haben|"
        r"habt|hat|hätte\w{0,2}|soll|sollte|wird|werden|werdet|wäre|weiss|kennt|gilt|bekomm\w{0,3}|krieg\w{0,3}|"
        r"brauch\w{0,3}|reicht|bietet|lohnt|zählt|stimmt|macht|kommt|darfs|isses|mag|wisst"
    ),
    "en": (
        "do|does|did|is|are|was|were|can|could|will|would|should|shall|has|have|had|may|might|any|anyone|anybody|am"
    ),
}
_GAP: Final = r"(?: \S{1,30}){0,3} "


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a text speaks for something: sign -> how strongly, 0..1, and the words in which it was seen."""

    strengths: Mapping[str, float]
    seen: Mapping[str, str]


def read(text: str, locale: str, *, channel: str = "") -> Reading:
    """Return the signs in a text that is written in this language."""
    text = text[:LONGEST]
    plain = plainly(text)
    strengths: dict[str, float] = {}
    seen: dict[str, str] = {}
    for name, pattern in _PATTERNS[locale].items():
        found = [one.group() for one, _ in zip(pattern.finditer(plain), range(MOST_COUNTED), strict=False)]
        if found:
            strengths[name] = len(found) / MOST_COUNTED
            seen[name] = found[0]
    strengths |= _shape(text, plain, locale, channel)
    strengths |= _together(strengths)
    return Reading(strengths, seen)


def plainly(text: str) -> str:
    """Return a text in small letters, with single blanks, one kind of apostrophe, and 0 for every number."""
    small = " ".join(re.sub(r"[’`´ʼ]", "'", text).casefold().split())
    return re.sub(r"\d{1,20}", "0", small)


def _shape(text: str, plain: str, locale: str, channel: str) -> dict[str, float]:
    """Return what is seen without knowing a word: marks, length, who is spoken to, how it is typed."""
    words = plain.split()
    letters = [sign for sign in text if sign.isalpha()]
    big = sum(1 for word in text.split() if len(word) > SHORTEST_SHOUT and word.isupper())
    questions = plain.count("?")
    sentences = [part.strip() for part in re.split(r"[.!?…\n:;–]{1,9}", plain) if part.strip()]
    found = {
        "question_mark": min(1.0, questions / 2),
        "ends_asking": float(plain.rstrip(" 🙂😊🙏\"'”“)").endswith("?")),
        "asks_and_tells": float(questions > 0 and len(sentences) > TOLD),
        "many_marks": float(bool(re.search(r"[!?]{2,9}", plain))),
        "exclamation": min(1.0, plain.count("!") / 2),
        "dots": float("…" in plain or "..." in plain),
        "asking_word_first": _share(sentences, _FIRST[locale]),
        "verb_first": _share(sentences, _VERB[locale]),
        "shouts": min(1.0, big / 2) if big < len(words) or len(letters) < FEWEST_LETTERS else 1.0,
        "quotes": float(bool(re.search(r"[\"„“”«»]", text)) or plain.count("'") > FEWEST_QUOTES),
        "handle": float("@" in plain),
        "starts_with_handle": float(plain.startswith(("@", ".@"))),
        "hashtag": float("#" in plain),
        "link": float(
            bool(re.search(r"https?:|www\.|\b[a-z0-9-]{2,40}\.(?:example|com|de|net|org|io|ly|at|ch)\b", plain))
        ),
        "number": min(1.0, len(re.findall(r"0", plain)) / 4),
        "short": float(len(words) < SHORT),
        "long": float(len(words) > LONG),
        "many_sentences": float(len(sentences) > MANY_SENTENCES),
        "lower_case": float(text[:1].islower() or text == text.lower()),
        "mail": float(channel == "mail"),
        "page": float(channel in {"facebook", "instagram"}),
        "blog": float(channel in {"blog", "rss"}),
    }
    found |= {name: min(1.0, sum(text.count(one) for one in marks) / 2) for name, marks in _EMOJI.items()}
    return {name: strength for name, strength in found.items() if strength}


def _together(strengths: Mapping[str, float]) -> dict[str, float]:
    """Return what only two signs together say: praise for a failure is irony, a failure unasked is a request."""

    def has(*names: str) -> bool:
        return any(name in strengths for name in names)

    failing = has("fails", "goes_on")
    addressed = has("handle", "mail") or has("you")
    asking = has("question_mark", "asks", "asks_around", "ends_asking")
    angry = has("scolds", "demands", "exclaims")
    found = {
        "praise_of_failure": has("praises", "thanks", "ironic") and failing,
        "praise_alone": has("praises", "thanks") and not failing and not angry and not asking,
        "failure_unasked": failing and not asking and not angry,
        "failure_asked": failing and asking,
        "failure_to_nobody": failing and not addressed,
        "failure_of_mine": failing and has("me"),
        "asked_nicely": asking and not angry and not has("insults"),
        "asked_angrily": asking and angry,
        "angry_at_you": angry and has("you", "handle"),
        "angry_at_nobody": angry and not addressed,
        "rude_to_you": has("insults", "despises") and has("you"),
        "threat_to_you": has("threatens") and has("you"),
        "lure_with_way": has("lures") and (has("link", "sparkles") or strengths.get("lures", 0) > LURED_TWICE),
        "addressed": addressed,
        "to_nobody": not addressed,
        "calm_to_nobody": not addressed and not failing and not asking and not angry,
        "not_about_me": not has("me") and not addressed,
        "question_to_you": asking and addressed,
        "money_and_anger": has("money") and angry,
        "money_and_failure": has("money") and failing,
        "pressed_and_failing": has("presses") and failing,
        "staff_praised": has("staff") and has("praises", "thanks"),
        "staff_scolded": has("staff") and angry,
    }
    return {name: 1.0 for name, is_so in found.items() if is_so}


def _share(sentences: list[str], pattern: re.Pattern[str]) -> float:
    return 1.0 if any(pattern.match(sentence) for sentence in sentences) else 0.0


def _pattern(listed: str) -> re.Pattern[str]:
    phrases = sorted({" ".join(one.split()) for one in listed.split(",")} - {""}, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_phrase, phrases))})(?!\w)")


def _phrase(listed: str) -> str:
    whole = re.escape(listed)
    return whole.replace(r"\ \*\ ", _GAP).replace(r"\*", r"\w{0,20}").replace(r"\ ", " ")


_OPENING: Final = (
    r"(?:@\S{1,60} |(?:und|aber|na|oder|also|hallo|hi|hey|so|and|but|or|ok|okay|sorry|um|please)[ ,]{1,2}){0,3}"
)
_PATTERNS: Final = {
    locale: {name: _pattern(listed[locale]) for name, listed in _PHRASES.items()} for locale in ("de", "en")
}
_FIRST: Final = {locale: re.compile(rf"{_OPENING}(?:{words})\b") for locale, words in _QUESTION_WORDS.items()}
_VERB: Final = {locale: re.compile(rf"{_OPENING}(?:{words})\b") for locale, words in _VERBS_FIRST.items()}

NAMES: Final = {
    "asks_around": _l("asks whether anybody knows"),
    "asks": _l("a question by its words"),
    "wants_told": _l("asks for help or an answer"),
    "fails": _l("something does not work"),
    "goes_on": _l("for some time, or again"),
    "presses": _l("it is urgent"),
    "money": _l("it is about money"),
    "demands": _l("a demand or a consequence"),
    "scolds": _l("scolding words"),
    "exclaims": _l("a question that is a reproach"),
    "ironic": _l("words that are often ironic"),
    "thanks": _l("thanks"),
    "praises": _l("praise"),
    "sells": _l("an advertisement or a job"),
    "reports": _l("news about the business"),
    "chats": _l("told in passing"),
    "lures": _l("lures with money or a link"),
    "insults": _l("an insult"),
    "threatens": _l("a threat"),
    "exposes": _l("says where somebody lives or can be rung"),
    "despises": _l("words against a group of people"),
    "question_mark": _l("a question mark"),
    "ends_asking": _l("ends with a question"),
    "asking_word_first": _l("begins with a question word"),
    "verb_first": _l("begins as a question does"),
    "solved": _l("something was solved"),
    "praise_of_failure": _l("praise for what does not work"),
    "failure_unasked": _l("something does not work, and nothing is asked"),
    "failure_asked": _l("asks about what does not work"),
    "praise_alone": _l("praise and nothing else"),
    "angry_at_you": _l("reproaches the company"),
    "rude_to_you": _l("an insult to the reader"),
    "threat_to_you": _l("a threat to the reader"),
    "lure_with_way": _l("lures, and says where to go"),
    "calm_to_nobody": _l("speaks to nobody and wants nothing"),
    "not_about_me": _l("speaks of others"),
    "shouts": _l("capital letters"),
    "many_marks": _l("many marks"),
    "frowns": _l("an angry or sad face"),
    "smirks": _l("a wry face"),
    "smiles": _l("a smile"),
}
"""What signs are called where the desk says why."""
FACES: Final = frozenset(_EMOJI)
"""Signs that say something without a word."""
