"""The judgement of one message: language, intent, sentiment, heat, urgency, personal data, and the reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from flask_babel import gettext

from desk.triage import model, signs
from desk.triage.model import HEADS, INTENTS, Floats, Intent, Model
from search.analysis import language

MOST_REASONS: Final = 6
LONGEST_SAID: Final = 40
_CALM: Final[Mapping[str, Any]] = {"intent": "none", "sentiment": 0, "heat": 0, "urgency": 0}
SERVICES: Final = ("mastodon", "bluesky", "facebook", "instagram", "mail", "blog", "rss", "webhook")
"""What is said in a name of a channel that matters for how it is read."""
LEAST_SURE_OF_ABUSE: Final = 0.4
"""Below that a message is taken for what it is likeliest to be besides abuse."""
_TWICE: Final = 2 / signs.MOST_COUNTED
_SOON: Final = 2
_NO_TYPE: Final = frozenset({"token"})


@dataclass(frozen=True, slots=True)
class Reason:
    """A sign that spoke for the intent, and the words in which it was seen."""

    sign: str
    said: str

    @property
    def words(self) -> str:
        """Say it in the language of the page."""
        name = signs.NAMES[self.sign]
        return str(gettext("%(sign)s (“%(said)s”)", sign=name, said=self.said)) if self.said else str(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    locale: str
    intent: Intent
    sentiment: int
    heat: int
    urgency: int
    sure: float
    """How likely the intent is, 0..1."""
    reasons: Sequence[Reason]


def judge(text: str, *, channel: str = "", locale: str | None = None, by: Model | None = None) -> Judgement:
    """Judge a message; `locale` is believed, `channel` is what kind it came over, `by` is the installation's model."""
    known = locale if locale in {"de", "en"} else language.guess(text)
    reading = signs.read(text, known, channel=channel)
    if not any(sign.isalnum() for sign in text[: signs.LONGEST]) and not reading.strengths.keys() & signs.FACES:
        return Judgement(locale=known, sure=1.0, reasons=(), **_CALM)
    chosen = by or model.shipped()
    row = chosen.features([reading], [text])[0]
    likely = chosen.answers(row)
    best = _intent(likely["intent"])
    return Judgement(
        locale=known,
        intent=INTENTS[best],
        sentiment=_middle(likely, "sentiment"),
        heat=_middle(likely, "heat"),
        urgency=max(_middle(likely, "urgency"), _pressed(reading)),
        sure=round(float(likely["intent"][best]), 3),
        reasons=_reasons(reading, chosen, row, best),
    )


def _intent(likely: Floats) -> int:
    """Return the likeliest intent; whoever is called abusive on a guess is wronged, so that takes some certainty."""
    best = int(likely.argmax())
    abuse = INTENTS.index("abuse")
    if best == abuse and likely[abuse] < LEAST_SURE_OF_ABUSE:
        best = int(np.where(np.arange(len(likely)) == abuse, -1.0, likely).argmax())
    return best


def service_of(channel: str) -> str:
    """Return which service a channel is by its name: `facebook-de` is facebook's; empty where the name does not say."""
    name = channel[:80].casefold()
    return next((service for service in SERVICES if service in name), "")


def _middle(likely: Mapping[str, Floats], head: str) -> int:
    """Return the median of what may be: it errs by the fewest steps."""
    return int(HEADS[head][int(np.searchsorted(np.cumsum(likely[head]), 0.5).clip(0, len(HEADS[head]) - 1))])


def _pressed(reading: signs.Reading) -> int:
    """Return how urgent a message is at least: two reasons to hurry and something that fails are believed."""
    pressed = reading.strengths.get("presses", 0.0) >= _TWICE and "pressed_and_failing" in reading.strengths
    return _SOON if pressed else 0


def _reasons(reading: signs.Reading, chosen: Model, row: Floats, best: int) -> list[Reason]:
    """Return the signs that spoke most for this intent rather than for the others."""
    weights = chosen.heads["intent"]
    spoke = {
        name: float(row[number] * (weights[number, best] - weights[number].mean()))
        for number, name in enumerate(chosen.names)
        if name in signs.NAMES and reading.strengths.get(name)
    }
    most = sorted((name for name, share in spoke.items() if share > 0), key=lambda name: -spoke[name])
    return [Reason(name, reading.seen.get(name, "")[:LONGEST_SAID]) for name in most[:MOST_REASONS]]
