"""What is asked beside the text: the fields of a category, as an admin made them, and what was written into them.

A post keeps each value together with the names of its field, so that it says the same when the field is renamed, taken
away, or the question moves to another category.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final, Literal, get_args

from flask_babel import gettext, ngettext

from accounts import audit
from accounts.models import User
from core import bilingual, texts
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from core.i18n import spoken
from core.problems import Problems
from forum import policy
from forum.models import Category, Post

Kind = Literal["line", "version", "text"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""One line; one line that says which version something holds for; several lines, such as an error message."""
MOST: Final = 8
LONGEST: Final[Mapping[Kind, int]] = {"line": 200, "version": 60, "text": 4000}
LONGEST_HINT: Final = 200
PREFIX: Final = "detail_"
"""Where a value that is refused says so: `detail_device`."""


@dataclass(frozen=True, slots=True)
class AskedField:
    """A field of a category. `key` stays when its names change."""

    key: str
    kind: Kind
    names: dict[str, str]
    hints: dict[str, str]
    required: bool

    @property
    def name(self) -> str:
        return spoken(self.names, otherwise=self.key)

    @property
    def hint(self) -> str:
        return spoken(self.hints)


@dataclass(frozen=True, slots=True)
class Detail:
    """What somebody wrote into a field."""

    key: str
    kind: Kind
    names: dict[str, str]
    value: str

    @property
    def name(self) -> str:
        return spoken(self.names, otherwise=self.key)


def of(category: Category | None) -> list[AskedField]:
    """Return what is asked in a category, in its order."""
    return [] if category is None else [AskedField(**field) for field in category.fields or ()]


def find(category: Category, key: str) -> AskedField:
    """Return one of its fields, or raise `NotFound`."""
    found = next((field for field in of(category) if field.key == key), None)
    if found is None:
        raise NotFound
    return found


def add(
    category: Category, *, names: dict[str, str], hints: dict[str, str], kind: str, required: bool, by: User
) -> AskedField:
    """Ask one thing more in a category, behind the others."""
    _refuse_strangers(by)
    _lock(category)
    known = of(category)
    if len(known) == MOST:
        raise Invalid(ngettext("%(num)s field fits.", "%(num)s fields fit. Whoever asks has little time.", MOST))
    said = _checked(names, hints, kind)
    key = texts.slug(said["names"]["en"], "field", longest=30).replace("-", "_")
    if any(field.key == key for field in known):
        sentence = gettext("There is a field with this name already.")
        raise Invalid(sentence, fields={"name_en": sentence})
    field = AskedField(key=key, required=required, **said)
    _store(category, [*known, field], by)
    return field


def revise(
    category: Category,
    key: str,
    *,
    names: dict[str, str],
    hints: dict[str, str],
    kind: str,
    required: bool,
    position: int,
    by: User,
) -> None:
    """Give a field other words or another place, counted from 1; what was written into it stays as it is."""
    _refuse_strangers(by)
    _lock(category)
    find(category, key)
    others = [field for field in of(category) if field.key != key]
    others.insert(max(position, 1) - 1, AskedField(key=key, required=required, **_checked(names, hints, kind)))
    _store(category, others, by)


def remove(category: Category, key: str, *, by: User) -> None:
    """Ask this no more; what was written into it stays with the questions. Where there is none, nothing happens."""
    _refuse_strangers(by)
    _lock(category)
    _store(category, [field for field in of(category) if field.key != key], by)


def checked(category: Category | None, given: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what is stored with a post of this category; raise `Invalid` with every value that needs another look."""
    problems = Problems()
    details = []
    for field in of(category):
        value = problems.take(PREFIX + field.key, partial(_value, field, given.get(field.key, "")), "")
        if value:
            details.append(asdict(Detail(field.key, field.kind, field.names, value)))
    unknown = given.keys() - {field.key for field in of(category)}
    if any(given[key].strip() for key in unknown):
        problems.fields["details"] = gettext("Nothing of this name is asked here: %(names)s", names=", ".join(unknown))
    problems.refuse()
    return details


def of_post(post: Post) -> list[Detail]:
    """Return what a post says beside its text."""
    return [Detail(**detail) for detail in post.details or ()]


def version_of(post: Post) -> Detail | None:
    """Return which version a post is about, None where it does not say so."""
    return next((detail for detail in of_post(post) if detail.kind == "version"), None)


def for_version(question: Post, value: str) -> list[dict[str, Any]]:
    """Return what is stored with an answer that holds for one version; the question must have been asked for one."""
    value = texts.line(value, longest=LONGEST["version"])
    asked = version_of(question)
    if not value or asked is None:
        return []
    return [asdict(Detail(asked.key, asked.kind, asked.names, value))]


def reworded(details: Sequence[Mapping[str, Any]], values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what is stored, with other values; `values` are named as where they are refused when they do not fit."""
    problems = Problems()
    said = []
    for detail in details:
        name = PREFIX + detail["key"]
        value = problems.take(name, partial(_fitted, detail["kind"], values[name]), "")
        said.append({**detail, "value": value})
    problems.refuse()
    return said


def text_of(details: Sequence[Mapping[str, Any]] | None) -> str:
    """Return details as lines of text, for comparing."""
    return "\n".join(f"{spoken(detail['names'])}: {detail['value']}" for detail in details or ())


def values_of(details: Sequence[Mapping[str, Any]] | None) -> str:
    """Return what was written into the fields, without their names, for search."""
    return "\n".join(detail["value"] for detail in details or ())


def _value(field: AskedField, value: str) -> str:
    return _fitted(field.kind, value, shortest=1 if field.required else 0)


def _fitted(kind: Kind, value: str, *, shortest: int = 0) -> str:
    clean = texts.block if kind == "text" else texts.line
    return clean(value, longest=LONGEST[kind], shortest=shortest)


def _checked(names: dict[str, str], hints: dict[str, str], kind: str) -> dict[str, Any]:
    if kind not in KINDS:
        sentence = gettext("Please choose one of the list.")
        raise Invalid(sentence, fields={"kind": sentence})
    said = {locale: texts.line(words, longest=LONGEST_HINT) for locale, words in hints.items()}
    return {
        "names": bilingual.checked(names),
        "hints": {locale: words for locale, words in said.items() if words},
        "kind": kind,
    }


def _refuse_strangers(by: User) -> None:
    if not policy.may_arrange(by):
        raise NotAllowed


def _lock(category: Category) -> None:
    # Of two admins at work at the same moment the second builds on what the first did.
    db.session.refresh(category, ["fields"], with_for_update=True)


def _store(category: Category, fields: Sequence[AskedField], by: User) -> None:
    before, after = category.fields or [], [asdict(field) for field in fields]
    if before != after:
        category.fields = after
        db.session.flush()
        audit.record("forum.category.fields", category, by=by, before={"fields": before}, after={"fields": after})
