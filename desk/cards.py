"""What another system of the house knows about a customer: asked for when an agent wants it, with a reason, and noted.

The answer is hostile until it is read: it comes through the guarded way out, is JSON of a bearable size, and only the
plain values that the admin named are taken from it.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

from flask_babel import gettext, lazy_gettext
from sqlalchemy import delete, select

from accounts import audit
from accounts.models import User
from core import http, problems, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.settings import current_settings
from core.unique import add_once
from core.worker import chore
from desk import policy
from desk.channels.base import tidied
from desk.models import Contact, is_mail
from desk.person_models import CardAnswer, CardLook, CardSource

MOST_FIELDS: Final = 20
MOST_SOURCES: Final = 5
MOST_LOOKS: Final = 20
MOST_OF_LIST: Final = 5
LONGEST_LABEL: Final = 40
LONGEST_VALUE: Final = 200
LONGEST_REASON: Final = 200
LONGEST_PURPOSE: Final = 300
LONGEST_URL: Final = 1000
LONGEST_HEADERS: Final = 2000
NAMES: Final = ("handle", "name", "channel", "mail")

_HOLE: Final = re.compile(r"\{([^{}]*)\}")
_HEADER: Final = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,60}):[ \t]*([\x21-\x7e][\x20-\x7e]*)")
_OWN_HEADERS: Final = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding"})
_PATH: Final = re.compile(r"[^.\s]{1,80}(?:\.[^.\s]{1,80}){0,7}")
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Card:
    """What was told, or why nothing was."""

    look: CardLook
    purpose: str
    rows: Sequence[Row]


Hearer = Callable[[CardSource, int, Any], None]
_hearers: list[Hearer] = []


def hears(function: Hearer) -> Hearer:
    """Have a function told what a source said about a contact whenever somebody looks."""
    if function not in _hearers:
        _hearers.append(function)
    return function


@dataclass(frozen=True, slots=True)
class Question:
    """Where and with what another system is asked; `url` is empty where it needs what nobody knows."""

    url: str
    headers: dict[str, str]


def sources() -> Sequence[CardSource]:
    """Return where customers can be looked up."""
    return db.session.scalars(select(CardSource).order_by(CardSource.name, CardSource.id)).all()


def source(source_id: int) -> CardSource:
    """Return a source, or raise `NotFound`."""
    found = db.session.get(CardSource, source_id) if 0 < source_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("This system is not asked any more."))
    return found


def add(*, name: str, url: str, headers: str, fields: str, purpose: str, by: User) -> CardSource:
    """Have another system asked about customers from now on; `fields` are lines like `Contract: customer.contract`."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    if len(sources()) >= MOST_SOURCES:
        raise Conflict(gettext("Up to %(most)s systems can be asked.", most=MOST_SOURCES))
    taking = problems.Problems()
    no_fields: list[dict[str, str]] = []
    made = CardSource(
        name=taking.take("name", lambda: texts.line(name, longest=80, shortest=1), ""),
        url=taking.take("url", lambda: _template(url), ""),
        headers=taking.take("headers", lambda: _headers(headers), ""),
        fields=taking.take("fields", lambda: _fields(fields), no_fields),
        purpose=taking.take("purpose", lambda: texts.line(purpose, longest=LONGEST_PURPOSE, shortest=10), ""),
    )
    taken = db.session.scalar(select(CardSource.id).where(CardSource.name == made.name))
    if taken is not None:
        taking.fields["name"] = gettext("There is one of this name already.")
    taking.refuse()
    db.session.add(made)
    db.session.flush()
    audit.record(
        "desk.card_source.add", made, by=by, after={"name": made.name, "url": made.url, "purpose": made.purpose}
    )
    return made


def remove(source_id: int, *, by: User) -> None:
    """Ask a system no longer and forget what it told; who looked at what stays noted. Twice is once."""
    if not policy.may_manage_channels(by):
        raise NotAllowed
    found = db.session.get(CardSource, source_id) if 0 < source_id <= LARGEST_ID else None
    if found is not None:
        audit.record("desk.card_source.remove", found, by=by, before={"name": found.name, "url": found.url})
        db.session.delete(found)
        db.session.flush()


def look_up(source: CardSource, contact: Contact, *, reason: str, by: User) -> CardLook:
    """Ask about a customer, or take what was told a moment ago; a failure is noted and is no error.

    The look is committed before anybody is asked: that somebody looked is known whatever comes of it, and nothing is
    held in the database while another system thinks.
    """
    if not policy.may_work(by):
        raise NotAllowed
    with problems.at("reason"):
        reason = texts.line(reason, longest=LONGEST_REASON, shortest=3)
    noted = CardLook(source_id=source.id, source_name=source.name, contact_id=contact.id, by=by, reason=reason)
    db.session.add(noted)
    db.session.flush()
    noted_id, source_id, contact_id = noted.id, source.id, contact.id
    is_fresh = _kept(source_id, contact_id) is not None
    asking, fields = question(source, contact), list(source.fields)
    db.session.commit()
    if not is_fresh:
        told, failure = ask(asking)
        noted = db.session.get_one(CardLook, noted_id)
        noted.failure = failure[:300]
        asked = db.session.get(CardSource, source_id)
        if not failure and asked is not None:  # else it was removed while it was asked
            rows = [(field["label"], value_at(told, field["path"])) for field in fields]
            _keep(source_id, contact_id, [(label, value) for label, value in rows if value])
            for hear in _hearers:
                hear(asked, contact_id, told)
        db.session.flush()
    return db.session.get_one(CardLook, noted_id)


def card(look_id: int, *, viewer: User) -> Card | None:
    """Return what a look showed, to who looked, for as long as it is kept; None for everybody else and later."""
    found = db.session.get(CardLook, look_id) if policy.may_work(viewer) and 0 < look_id <= LARGEST_ID else None
    if found is None or found.by_id != viewer.id or found.source_id is None or found.at < now() - _good_for():
        return None
    asked = db.session.get(CardSource, found.source_id)
    if asked is None:
        return None
    if found.failure:
        return Card(found, asked.purpose, ())
    kept = _kept(found.source_id, found.contact_id)
    if kept is None:
        return None
    return Card(found, asked.purpose, [Row(label, value) for label, value in json.loads(kept.rows)])


def looks_at(contact_ids: Sequence[int]) -> Sequence[CardLook]:
    """Return who looked at these customers' cards, the latest first."""
    return db.session.scalars(
        select(CardLook).where(CardLook.contact_id.in_(contact_ids)).order_by(CardLook.id.desc()).limit(MOST_LOOKS)
    ).all()


@chore("desk.forget_cards", every=300)
def forget_old() -> None:
    """Forget what was told some minutes ago."""
    db.session.execute(delete(CardAnswer).where(CardAnswer.fetched_at < now() - _good_for()))
    db.session.commit()


def good_since() -> datetime:
    """Return since when what was told and looked at still counts."""
    return now() - _good_for()


def _good_for() -> timedelta:
    # For the look alone: as long as it takes to come back to the page.
    return timedelta(minutes=current_settings().card_minutes or 1)


def _kept(source_id: int, contact_id: int) -> CardAnswer | None:
    found = db.session.get(CardAnswer, (source_id, contact_id), populate_existing=True)
    return found if found is not None and found.fetched_at > now() - _good_for() else None


def _keep(source_id: int, contact_id: int, rows: list[tuple[str, str]]) -> None:
    where = (CardAnswer.source_id == source_id, CardAnswer.contact_id == contact_id)
    db.session.execute(delete(CardAnswer).where(*where))
    add_once(CardAnswer, source_id=source_id, contact_id=contact_id, rows=json.dumps(rows), fetched_at=now())


def question(source: CardSource, contact: Contact) -> Question:
    """Return what is asked about a customer, so that nothing of the database is needed while it is asked."""
    return Question(_filled(source.url, contact), _pairs(source.headers))


def ask(question: Question) -> tuple[Any, str]:
    """Return what another system tells, as it came out of the JSON, and why it told nothing: one of them is empty."""
    settings = current_settings()
    if not question.url:
        return None, gettext("There is nothing known of this customer by which one could ask.")
    try:
        answer = http.look(
            question.url,
            settings,
            method="GET",
            headers={"Accept": "application/json", **question.headers},
            seconds=settings.card_seconds,
        )
    except (http.Refused, http.Unreachable) as problem:
        return None, problem.reason
    if answer.status != _OK:
        return None, gettext("the other side answered %(status)s", status=answer.status)
    if answer.is_cut:
        return None, gettext("its answer was larger than 1 MB, or broke off")
    try:
        return json.loads(answer.body), ""
    except (ValueError, RecursionError):
        return None, gettext("its answer is not JSON")


def checked_path(typed: str) -> str:
    """Return a path into an answer; empty for none. Raise `Invalid` for what no path is."""
    path = texts.line(typed, longest=LONGEST_URL)
    if path and not _PATH.fullmatch(path):
        raise Invalid(gettext("A path like “customer.contract.name”, please."))
    return path


def value_at(told: Any, path: str) -> str:
    """Return the plain value at a path; empty where there is none, or something with parts of its own."""
    for part in path.split("."):
        if isinstance(told, dict):
            told = told.get(part)
        elif isinstance(told, list) and part.isascii() and part.isdigit() and int(part) < len(told):
            told = told[int(part)]
        else:
            return ""
    if isinstance(told, list):
        plain = [_plain(each) for each in told[:MOST_OF_LIST]]
        return ", ".join(filter(None, plain))[:LONGEST_VALUE]
    return _plain(told)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(gettext("yes")) if value else str(gettext("no"))
    if isinstance(value, int | float):
        return str(value)[:LONGEST_VALUE]
    if isinstance(value, str):
        words = " ".join(tidied(value[: 4 * LONGEST_VALUE].encode("utf-8", "replace").decode()).split())
        return words if len(words) <= LONGEST_VALUE else words[: LONGEST_VALUE - 1] + "…"
    return ""


def _filled(template: str, contact: Contact) -> str:
    """Return the address to ask at; empty where it needs something that nobody knows of this customer."""
    handle = contact.handle
    values = {
        "handle": handle,
        "name": contact.name,
        "channel": contact.channel.slug,
        "mail": handle if is_mail(handle.casefold()) else "",
    }
    needed = {values[name] for name in _HOLE.findall(template)}
    if any(not value.strip(". ") for value in needed):  # dots alone would be another folder
        return ""
    return _HOLE.sub(lambda hole: quote(values[hole[1]], safe=""), template)


def _template(typed: str) -> str:
    url = texts.line(typed, longest=LONGEST_URL, shortest=1)
    holes = _HOLE.findall(url)
    if wrong := [hole for hole in holes if hole not in NAMES]:
        raise Invalid(gettext("Nobody knows what {%(name)s} is.", name=wrong[0]))
    parts = urlsplit(_HOLE.sub("x", url))
    if "{" in url.split("//", 1)[-1].split("/", 1)[0].split("?", 1)[0] or "{" in url.split("//", 1)[0]:
        raise Invalid(gettext("Whom to ask is not up to customers: {…} only behind the host."))
    if not holes or not parts.hostname:
        raise Invalid(gettext("An address like https://crm.example.org/customers?mail={mail}, please."))
    try:
        http.check(_HOLE.sub("x", url), current_settings())
    except http.Refused as refusal:
        raise Invalid(gettext("This address cannot be used: %(reason)s.", reason=refusal.reason)) from None
    return url


def _headers(typed: str) -> str:
    lines = [line.strip() for line in texts.block(typed, longest=LONGEST_HEADERS).split("\n") if line.strip()]
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found is None or found[1].casefold() in _OWN_HEADERS:
            raise Invalid(gettext("A line like “Authorization: Bearer …”, please."))
    return "\n".join(lines)


def _pairs(headers: str) -> dict[str, str]:
    found = (_HEADER.fullmatch(line) for line in headers.split("\n"))
    return {each[1]: each[2] for each in found if each is not None}


def _fields(typed: str) -> list[dict[str, str]]:
    lines = [line.strip() for line in texts.block(typed, longest=4000, shortest=1).split("\n") if line.strip()]
    if len(lines) > MOST_FIELDS:
        raise Invalid(gettext("Up to %(most)s lines, please.", most=MOST_FIELDS))
    found = []
    for line in lines:
        label, colon, path = (part.strip() for part in line.rpartition(":"))
        if not colon or not 0 < len(label) <= LONGEST_LABEL or not _PATH.fullmatch(path):
            raise Invalid(str(_LIKE_THIS))
        found.append({"label": label, "path": path})
    return found


_LIKE_THIS: Final = lazy_gettext("Lines like “Contract: customer.contract.name”, please.")
