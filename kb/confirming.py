"""Confirming: an editor says of everything that looks personal in an article whether it goes or stays."""

from collections.abc import Mapping
from typing import Any, cast

from flask_babel import gettext

from accounts.models import User
from core.errors import Conflict, Invalid, NotAllowed
from kb import articles, faces, policy, queries, redaction
from kb.models import FACE_KINDS, Article, FaceKind
from kb.redaction import Decisions, Found


def confirm(article: Article, decided: Decisions, *, by: User, seen: int) -> list[Found]:
    """Take out what goes, as a new version, and keep what stays; return what nobody has decided yet.

    `seen` is the number of the version that was looked at: `Conflict` says that there is a newer one.
    """
    if not policy.may_edit(by, article):
        raise NotAllowed
    newest = queries.newest_revision(article)
    if newest.number != seen:
        raise Conflict(gettext("Somebody saved version %(number)s meanwhile. Please look again.", number=newest.number))
    people = redaction.of(article)
    said = redaction.texts_of(article, newest)
    found = redaction.find(said, people=people, locale=article.locale)
    kept = decided.kept or {}
    check(found, kept)
    redaction.keep(article, found, kept, by=by)
    left = redaction.without(said, decided.removed, people=people, locale=article.locale)
    words = {field: left[field] for field in redaction.FIELDS}
    if words != {field: said[field] for field in redaction.FIELDS}:
        articles.revise(
            article,
            by=by,
            comment=gettext("Personal data taken out"),
            based_on=seen,
            **cast("articles.Words", words),
        )
    for kind in FACE_KINDS:
        for is_informal in (False, True):
            field = faces.field_of(kind, is_informal=is_informal)
            if field in said and left[field] != said[field]:
                faces.write(article, kind=kind, text=left[field], by=by, is_informal=is_informal)
    return redaction.unconfirmed(article, redaction.texts_of(article, queries.newest_revision(article)))


def write_faces(article: Article, typed: Mapping[tuple[FaceKind, bool], str], decided: Decisions, *, by: User) -> None:
    """Keep short texts, by kind and whether they say du, as it was decided about what looks personal in them.

    What is to stay needs its reason; while something is not decided, `Invalid` names every field that it stands in.
    """
    if not policy.may_edit(by, article):
        raise NotAllowed
    people = redaction.of(article)
    said = {faces.field_of(kind, is_informal=is_informal): text for (kind, is_informal), text in typed.items()}
    found = redaction.find(said, people=people, locale=article.locale)
    kept = decided.kept or {}
    check(found, kept)
    redaction.keep(article, found, kept, by=by)
    left = redaction.without(said, decided.removed, people=people, locale=article.locale)
    wrong: dict[str, str] = {}
    for kind, is_informal in typed:
        text = left[faces.field_of(kind, is_informal=is_informal)]
        try:
            faces.write(article, kind=kind, text=text, by=by, is_informal=is_informal)
        except Invalid as error:
            wrong |= error.fields
    if wrong:
        raise Invalid(next(iter(wrong.values())), fields=wrong)


def found_in_faces(article: Article, said: Mapping[str, str]) -> list[Found]:
    """Return what looks personal in short texts that are not saved, by field, and was not said to stay."""
    return redaction.unconfirmed(article, said, locale=article.locale)


def check(found: list[Found], kept: Mapping[str, str]) -> None:
    """Raise `Invalid` with a field for every finding that is to stay without a reason."""
    wrong: dict[str, str] = {}
    for one in found:
        if one.digest in kept:
            try:
                redaction.checked_reason(one.digest, kept[one.digest])
            except Invalid as error:
                wrong |= error.fields or {f"why-{one.digest}": error.sentence}
    if wrong:
        raise Invalid(next(iter(wrong.values())), fields=wrong)


def apply(
    words: articles.Words, decided: Decisions, *, people: list[str], locale: str
) -> tuple[articles.Words, list[Found]]:
    """Return words that are not saved yet as they were decided, and what was found in them before."""
    said: dict[str, Any] = dict(words)
    found = redaction.find(said, people=people, locale=locale)
    check(found, decided.kept or {})
    return cast("articles.Words", redaction.without(said, decided.removed, people=people, locale=locale)), found
