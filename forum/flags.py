"""Flags: somebody says what is wrong with a post; guests only that it is illegal (Digital Services Act, article 16)."""

from flask_babel import gettext
from sqlalchemy import func, select

from accounts import emails
from accounts.models import User
from accounts.people import AnonymousUser
from core import texts
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.i18n import locale
from core.problems import Problems
from core.settings import current_settings
from forum import cases, holding, mails, moderation, policy
from forum.models import Flag, FlagReason, Post, ReviewCase

LONGEST_WORDS = 2000
SHORTEST_WORDS = 10
LONGEST_NAME = 80
REASONS: tuple[FlagReason, ...] = ("spam", "rude", "personal", "off_topic", "other", "illegal")
NEEDS_WORDS = frozenset({"other", "illegal"})
ENOUGH = 3
"""So many decided flags say how well somebody flags."""
REMEMBERED = 20


def flag(post: Post, *, reason: str, words: str = "", by: User) -> Flag:
    """Say what is wrong with a post, once for each person; enough weight hides it until somebody has looked."""
    if not policy.may_flag(by, post):
        raise NotAllowed(gettext("You cannot report this."))
    fine_reason, words = _check(reason, words)
    cases.lock(post)  # of five flags at the same moment each waits here and then counts those before it
    if db.session.scalar(select(Flag.id).where(Flag.post_id == post.id, Flag.by_id == by.id)) is not None:
        raise Conflict(gettext("You have reported this already. Thank you; we will tell you what comes of it."))
    case = cases.open_for(post, kind="flagged")
    row = Flag(
        post_id=post.id, case_id=case.id, by_id=by.id, reason=fine_reason, words=words, weight=weight(by), at=now()
    )
    return _added(row, case, post)


def report(post: Post, *, words: str, name: str = "", email: str = "") -> Flag:
    """Take a guest's word that a post is illegal; name and address may stay empty, and with one a receipt is sent."""
    if not policy.may_flag(AnonymousUser(), post):
        raise NotAllowed(gettext("You cannot report this."))
    fields = Problems()
    words = fields.take("words", lambda: _checked_words(words, is_wanted=True), "")
    name = fields.take("name", lambda: texts.line(name, longest=LONGEST_NAME), "")
    email = fields.take("email", lambda: _checked_email(email), "")
    fields.refuse()
    cases.lock(post)
    case = cases.open_for(post, kind="flagged")
    row = Flag(
        post_id=post.id,
        case_id=case.id,
        reason="illegal",
        words=words,
        guest_name=name,
        guest_email=email,
        guest_locale=locale(),
        weight=0,
        at=now(),
    )
    _added(row, case, post)
    mails.send_receipt(row, post)
    return row


def of_person(user: User, post: Post) -> Flag | None:
    """Return how somebody flagged a post."""
    return db.session.scalars(select(Flag).where(Flag.post_id == post.id, Flag.by_id == user.id)).first()


def weight(user: User) -> int:
    """Return what the flag of somebody counts: of new accounts nothing, and of those who were right more."""
    if holding.is_new(user):
        return 0
    least = 3 if user.is_team else 2 if user.is_experienced else 1
    latest = (
        select(ReviewCase.outcome)
        .join(Flag, Flag.case_id == ReviewCase.id)
        .where(Flag.by_id == user.id, ReviewCase.outcome.in_(("agreed", "edited", "disagreed")))
        .order_by(Flag.id.desc())
        .limit(REMEMBERED)
        .subquery()
    )
    wrong = latest.c.outcome == "disagreed"
    right, missed = db.session.execute(
        select(func.count().filter(~wrong), func.count().filter(wrong)).select_from(latest)
    ).one()
    if missed >= ENOUGH and missed > right and not user.is_team:
        return 0
    return least + (1 if right >= ENOUGH and right >= ENOUGH * missed else 0)


def _added(row: Flag, case: ReviewCase, post: Post) -> Flag:
    db.session.add(row)
    db.session.flush()
    case.priority = cases.ranked(case, post)
    total = db.session.scalar(select(func.sum(Flag.weight)).where(Flag.case_id == case.id)) or 0
    enough = current_settings().hide_at_flags
    if enough and total >= enough and not (post.author is not None and post.author.is_team):
        moderation.hide(post, cause="flags")
    db.session.flush()
    return row


def _check(reason: str, words: str) -> tuple[FlagReason, str]:
    fields = Problems()
    found = next((known for known in REASONS if known == reason), None)
    if found is None:
        fields.fields["reason"] = gettext("Please choose what is wrong.")
    words = fields.take("words", lambda: _checked_words(words, is_wanted=reason in NEEDS_WORDS), "")
    fields.refuse()
    assert found is not None  # noqa: S101 -- for the type checker: refused above
    return found, words


def _checked_words(words: str, *, is_wanted: bool) -> str:
    return texts.block(words.strip(), longest=LONGEST_WORDS, shortest=SHORTEST_WORDS if is_wanted else 0)


def _checked_email(email: str) -> str:
    if not email.strip():
        return ""
    try:
        return emails.checked(email)
    except Invalid as error:
        raise Invalid(error.fields.get("email", error.sentence)) from None
