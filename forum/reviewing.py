"""The queue: what waits for the team in one place, who is looking at it, and what they decide.

Other rooms have what waits with them listed here by `contribute`; it is decided on their own pages.
"""

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from flask_babel import gettext
from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, lazyload, selectinload

from accounts import audit
from accounts.models import AuditEntry, User
from accounts.people import Viewer
from core import outbox
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.i18n import moment
from core.settings import current_settings
from forum import cases, moderation, policy, posts
from forum.events import CaseReopened
from forum.models import Flag, Muting, Post, ReviewCase, Topic

Deed = Literal["agree", "disagree", "ignore"]
DEEDS: tuple[Deed, ...] = get_args(Deed)
MOST_AT_ONCE = 50
MOST_HISTORY = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in another room: `kind` and `title` in words, the address where it is decided, since when."""

    kind: str
    title: str
    url: str
    since: datetime
    lang: str = ""


Contribution = Callable[[Viewer], Iterable[Waiting]]

_contributions: dict[str, Contribution] = {}


def contribute(name: str, function: Contribution) -> None:
    """Ask `function` at each look at the queue for what the viewer should decide elsewhere, the most urgent first."""
    _contributions[name] = function


def elsewhere(viewer: Viewer) -> list[Waiting]:
    """Return what waits for this viewer in other rooms."""
    return [waiting for _, function in sorted(_contributions.items()) for waiting in function(viewer)]


def waiting() -> Select[ReviewCase]:
    """Return the statement for the open cases; page it by priority and id."""
    return _with_posts(select(ReviewCase).where(ReviewCase.decided_at.is_(None)))


def decided() -> Select[ReviewCase]:
    """Return the statement for the decided cases; page it by id."""
    return _with_posts(select(ReviewCase).where(ReviewCase.decided_at.is_not(None)))


def waiting_count() -> int:
    """Return how many cases are open."""
    return db.session.scalar(select(func.count(ReviewCase.id)).where(ReviewCase.decided_at.is_(None))) or 0


def case(case_id: int) -> ReviewCase:
    """Return a case with its post and flags, or raise `NotFound`."""
    found: ReviewCase | None = None
    if 0 < case_id <= LARGEST_ID:
        found = db.session.scalars(_with_posts(select(ReviewCase).where(ReviewCase.id == case_id))).unique().first()
    if found is None:
        raise NotFound
    return found


def earlier_cases(case: ReviewCase) -> list[ReviewCase]:
    """Return what was decided before about what the same person wrote, the latest first."""
    about = ReviewCase.post_id == case.post_id
    if case.post.author_id is not None:
        about = or_(about, Post.author_id == case.post.author_id)
    statement = _with_posts(select(ReviewCase).join(Post, Post.id == ReviewCase.post_id))
    statement = statement.where(about, ReviewCase.id != case.id, ReviewCase.decided_at.is_not(None))
    return list(db.session.scalars(statement.order_by(ReviewCase.id.desc()).limit(MOST_HISTORY)).unique())


def history(case: ReviewCase) -> list[AuditEntry]:
    """Return what the team did to the post or its topic, the latest first."""
    about = and_(AuditEntry.subject_kind == "post", AuditEntry.subject_id == case.post_id)
    if case.post.kind == "question":
        about = or_(about, and_(AuditEntry.subject_kind == "topic", AuditEntry.subject_id == case.post.topic_id))
    statement = select(AuditEntry).where(about).order_by(AuditEntry.id.desc()).limit(MOST_HISTORY)
    return list(db.session.scalars(statement).unique())


def is_claimed(case: ReviewCase) -> bool:
    """Tell whether somebody took the case and their time is not up."""
    return case.claimed_by_id is not None and case.claimed_until is not None and case.claimed_until > now()


def claim(case: ReviewCase, *, by: User) -> None:
    """Take a case, so that nobody else decides it for a while; taking it again gives more time."""
    _mine(case, by=by)
    case.claimed_by_id, case.claimed_until = by.id, now() + timedelta(minutes=current_settings().claim_minutes)
    db.session.flush()
    db.session.expire(case, ["claimed_by"])


def release(case: ReviewCase, *, by: User) -> None:
    """Give a case back before the time is up."""
    _mine(case, by=by)
    case.claimed_by_id = case.claimed_until = None
    db.session.flush()


def decide(
    case: ReviewCase,
    deed: str,
    *,
    by: User,
    reason: str = "",
    until: datetime | None = None,
    release: bool = False,
    batch: str = "",
) -> str:
    """Decide a case: `agree` mutes the post with the reason, `disagree` and `ignore` show it to everybody.

    A question that others lead to as duplicates is muted only with `release`, as by `moderation.mute`.
    `ignore` says nothing about those who flagged. Returns the name of the batch, by which it can be undone. Raises
    `Conflict` where somebody else has taken the case or decided it.
    """
    _mine(case, by=by)
    case.batch = batch or secrets.token_hex(8)
    subject = cases.subject_of(case.post)
    muting = subject.muting
    cause = muting.cause if muting is not None else None
    if deed == "agree":
        moderation.mute(subject, by=by, reason=reason, until=until, release=release)  # closes the case, too
    elif deed in DEEDS:
        outcome = cases.settle(
            subject, "disagreed" if deed == "disagree" else "ignored", by=by, reason=reason, cause=cause
        )
        assert outcome is not None  # noqa: S101 -- for the type checker: it is open, says _mine
        if muting is not None and muting.is_waiting:
            moderation.unmute(subject, by=by, reason=reason)
    else:
        raise Invalid(gettext("Please choose what to do."))
    audit.record(f"forum.case.{deed}", case.post, by=by, reason=reason, before={"case": case.id, "hidden": cause})
    return case.batch


def edit(case: ReviewCase, *, source: str, title: str | None, version: int, by: User, reason: str = "") -> str:
    """Change what is wrong with the post and show it to everybody; the case is closed with that."""
    _mine(case, by=by)
    case.batch = secrets.token_hex(8)
    posts.edit(case.post, source=source, title=title, version=version, by=by)
    subject = cases.subject_of(case.post)
    muting = subject.muting
    cases.settle(subject, "edited", by=by, reason=reason, cause=muting.cause if muting is not None else None)
    if muting is not None and muting.is_waiting:
        moderation.unmute(subject, by=by, reason=reason)
    audit.record("forum.case.edit", case.post, by=by, reason=reason, before={"case": case.id})
    return case.batch


def decide_many(case_ids: Sequence[int], deed: str, *, by: User, reason: str = "") -> tuple[str, int, int]:
    """Decide several cases in one go; return the batch, how many were decided, and how many somebody else has."""
    if not policy.may_review(by):
        raise NotAllowed(gettext("Only moderators decide what waits here."))
    if not case_ids:
        raise Invalid(gettext("Please choose at least one."))
    if len(case_ids) > MOST_AT_ONCE:
        raise Invalid(gettext("At most %(most)s at once, please.", most=MOST_AT_ONCE))
    if deed not in DEEDS:
        raise Invalid(gettext("Please choose what to do."))
    batch = secrets.token_hex(8)
    done = missed = 0
    for case_id in sorted(set(case_ids)):
        try:
            decide(case(case_id), deed, by=by, reason=reason, batch=batch)
            done += 1
        except (Conflict, NotFound):
            missed += 1
    return batch, done, missed


def undo(batch: str, *, by: User) -> int:
    """Take back what was decided with one press, while nobody has heard of it; return how many cases are open again."""
    if not policy.may_review(by):
        raise NotAllowed(gettext("Only moderators decide what waits here."))
    statement = select(ReviewCase).where(ReviewCase.batch == batch, ReviewCase.decided_at > now() - cases.UNDO)
    undone = 0
    for found in list(db.session.scalars(_with_posts(statement).order_by(ReviewCase.id)).unique()):
        undone += _undo(found, by=by)
    if not undone:
        raise Conflict(gettext("This cannot be undone any more. You can decide anew on the page of the post."))
    return undone


def _undo(case: ReviewCase, *, by: User) -> bool:
    post, subject = case.post, cases.subject_of(case.post)
    cases.lock(post)
    db.session.expire(case)
    db.session.expire(subject, ["muting"])
    if case.decided_at is None or case.outcome == "edited" or cases.open_of(post.id) is not None:
        return False
    if (case.outcome == "agreed") != (subject.muting is not None):
        return False  # somebody muted or unmuted it since, and knew why
    outcome, cause = case.outcome, case.cause
    case.outcome = case.decided_at = case.decided_by_id = case.batch = case.cause = None
    case.reason = ""
    db.session.flush()
    audit.record("forum.case.undo", post, by=by, before={"case": case.id, "outcome": outcome})
    if outcome == "agreed":
        moderation.take_back(subject, by=by, cause=cause)
    elif cause is not None:
        moderation.hide(post, cause=cause)
    outbox.publish(CaseReopened(case.id))
    return True


def _mine(case: ReviewCase, *, by: User) -> None:
    """Lock the case and make sure that `by` may decide it now."""
    if not policy.may_review(by):
        raise NotAllowed(gettext("Only moderators decide what waits here."))
    # Of two moderators at the same moment the second waits here and then sees what the first one did.
    cases.lock(case.post)
    db.session.expire(case)
    db.session.expire(cases.subject_of(case.post), ["muting"])
    if case.decided_at is not None:
        name = case.decided_by.name if case.decided_by is not None else gettext("Somebody who has left")
        raise Conflict(gettext("%(name)s has decided this already. Nothing was changed.", name=name))
    if is_claimed(case) and case.claimed_by_id != by.id:
        name = case.claimed_by.name if case.claimed_by is not None else gettext("Somebody who has left")
        raise Conflict(
            gettext(
                "%(name)s is looking at this, until %(moment)s at the latest. Nothing was changed.",
                name=name,
                moment=moment(case.claimed_until),
            )
        )


def _with_posts(statement: Select[Any]) -> Select[Any]:
    return statement.options(
        joinedload(ReviewCase.post, innerjoin=True).options(
            joinedload(Post.topic, innerjoin=True).options(
                lazyload(Topic.asker),
                lazyload(Topic.acceptance),
                lazyload(Topic.category),
                joinedload(Topic.muting).lazyload(Muting.by),
            ),
            joinedload(Post.author),
            joinedload(Post.muting).lazyload(Muting.by),
        ),
        selectinload(ReviewCase.flags).joinedload(Flag.by),
        joinedload(ReviewCase.claimed_by),
        joinedload(ReviewCase.decided_by),
    )
