"""What the house knows of personal data: the shapes of its own numbers, and what is nobody's secret.

A shape is compared character by character, with `*` for a few letters or digits, so no rule takes more than linear
time. What is looked for in any case stands in `core.personal`.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from flask_babel import gettext, lazy_gettext
from sqlalchemy import delete, func, select

from accounts import audit
from accounts.models import User
from core import personal, texts
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.personal import Finding, Rules, Span
from core.problems import Problems
from core.unique import add_once
from forum import policy
from forum.models import PersonalRule, RuleDeed
from search.analysis import lexicon
from search.analysis.text import folded

MOST_RULES = 200
LONGEST_RULE = 120
SHORTEST_RULE = 3
DEEDS: tuple[RuleDeed, ...] = ("find", "allow")
SEAL = 32


class Unseen(Conflict):
    """There is something private in what a program wants to post, and nobody has said that it may be known."""

    title = lazy_gettext("There is something private in it")

    def __init__(self, found: Sequence[Mapping[str, object]], confirm: str) -> None:
        super().__init__(
            gettext("Nothing is posted yet. Take out what is found, or send it once more with this value of “confirm”.")
        )
        self.more = {"found": [dict(one) for one in found], "confirm": confirm}


def add(words: str, *, deed: str, by: User) -> None:
    """Look for a shape, or allow a text, from now on; raise `Invalid` with fields where the rule cannot be one."""
    if not policy.may_arrange(by):
        raise NotAllowed(gettext("Only admins choose what counts as personal data."))
    words, known = checked(words, deed=deed)
    if (db.session.scalar(select(func.count(PersonalRule.id))) or 0) >= MOST_RULES:
        raise Invalid(gettext("There are %(most)s rules already.", most=MOST_RULES))
    if not add_once(PersonalRule, words=words, deed=known):
        raise Invalid(fields={"words": gettext("This rule is there already.")})
    row = db.session.scalars(select(PersonalRule).where(PersonalRule.words == words)).one()
    audit.record("forum.personal.add", row, by=by, after={"words": words, "deed": known})


def checked(words: str, *, deed: str) -> tuple[str, RuleDeed]:
    """Return a rule as it is stored; raise `Invalid` with fields where it cannot be one."""
    problems = Problems()
    words = problems.take("words", lambda: texts.line(words, longest=LONGEST_RULE, shortest=SHORTEST_RULE), "")
    known = next((one for one in DEEDS if one == deed), None)
    if known is None:
        problems.fields["deed"] = gettext("Please choose one of these.")
    elif known == "find" and words and not personal.is_mask(words):
        problems.fields["words"] = gettext(
            "A shape has # for a digit, @ for a letter and * for some of both (twice at most, not side by side), "
            "at least four characters besides the stars, and 60 at most."
        )
    problems.refuse()
    return words, known or "find"


def forget(rule_id: int, *, by: User) -> None:
    """Take a rule away."""
    if not policy.may_arrange(by):
        raise NotAllowed(gettext("Only admins choose what counts as personal data."))
    row = db.session.get(PersonalRule, rule_id) if rule_id <= LARGEST_ID else None
    if row is None:
        raise NotFound
    audit.record("forum.personal.forget", row, by=by, before={"words": row.words, "deed": row.deed})
    db.session.execute(delete(PersonalRule).where(PersonalRule.id == row.id))


def known() -> list[PersonalRule]:
    """Return all rules, the shapes first."""
    return list(db.session.scalars(select(PersonalRule).order_by(PersonalRule.deed.desc(), PersonalRule.words)))


def rules() -> Rules:
    """Return the rules as the search for personal data takes them."""
    rows = known()
    return Rules(
        masks=tuple(row.words for row in rows if row.deed == "find"),
        allowed=tuple(row.words for row in rows if row.deed == "allow"),
    )


def find(text: str, *, people: Iterable[str] | None = None) -> list[Finding]:
    """Return what looks like personal data by all that is known, see `core.personal.find`."""
    return personal.find(text, rules=rules(), people=people)


def spans(text: str, locale: str | None = None) -> list[Span]:
    """Return where a message names a person or what belongs to one, by all that is known, see `core.personal.spans`."""
    return personal.spans(text, locale, rules=rules(), is_word=is_word)


def is_word(word: str) -> bool:
    """Tell whether a word is one of the languages that Klinke speaks."""
    known_words = lexicon.opened()
    plain = folded(word)
    return any(known_words.knows(plain, locale) for locale in lexicon.LOCALES)


def kinds(text: str) -> list[str]:
    """Return what the kinds of personal data in a text are called, each once."""
    return personal.kinds(text, rules=rules())


def redacted(text: str) -> str:
    """Return the text with a word in brackets for everything that `find` finds."""
    return personal.redacted(text, rules=rules())


def refuse_unseen(texts: Mapping[str, str], *, seen: str | None) -> None:
    """Raise `Unseen` where something private stands in these texts, by the field's name, and nobody said it may.

    `seen` is the seal of what was found before: a program shows its person what was found, and sends it once more.
    """
    known = rules()
    by_field = {field: personal.find(text, rules=known) for field, text in texts.items() if text}
    found = [one for some in by_field.values() for one in some]
    if not found or seen == seal(found):
        return
    raise Unseen(
        [
            {"field": field, "type": one.kind, "value": one.text, "start": one.start, "end": one.end}
            for field, some in by_field.items()
            for one in some
        ],
        seal(found),
    )


def seal(findings: Sequence[Finding]) -> str:
    """Return a word for these findings, by which it is known that somebody has seen just them."""
    keys = sorted({f"{one.kind}:{one.key}" for one in findings})
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:SEAL]
