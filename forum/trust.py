"""Trust: what a member may do grows with what helped others, and can be lost again.

Four levels. Whether somebody is new is asked at the deed (`forum.holding.is_new`). The two above a member's are earned,
weighed whenever points change and once a day, and stand at the account (`User.trust`). The team can set a level by
hand, which then stays. The role `trusted` is worth the highest level, whatever was earned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from flask_babel import gettext, lazy_gettext
from sqlalchemy import func, or_, select, update

from accounts import audit
from accounts.models import EXPERIENCED, TRUSTED, Penalty, User
from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.settings import current_settings
from core.unique import add_once
from core.worker import chore
from forum import holding, limits, notifications, points, policy, queries
from forum.models import Muting, Notification, PointEntry, Post, Standing, Topic

NEW, MEMBER = 0, 1
LEVELS: Final = (NEW, MEMBER, EXPERIENCED, TRUSTED)
NAMES: Final = {
    NEW: lazy_gettext("New here"),
    MEMBER: lazy_gettext("Member"),
    EXPERIENCED: lazy_gettext("Experienced"),
    TRUSTED: lazy_gettext("Trusted"),
}
KEPT_PERCENT: Final = 80
"""Who has a level keeps it with so much of the points and solutions that it took."""
AT_ONCE: Final = 200
GUEST: Final = AnonymousUser()


@dataclass(frozen=True, slots=True)
class Measured:
    """What counts for a level, as everybody can see it."""

    days: int
    posts: int
    points: int
    solutions: int
    mutings: int
    """Of the last while, without those that their author is not told of."""
    has_penalty: bool


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a level takes, how much of it there is, and how much there must be."""

    what: str
    has: int
    wanted: int
    is_at_most: bool = False

    @property
    def is_met(self) -> bool:
        return self.has <= self.wanted if self.is_at_most else self.has >= self.wanted

    @property
    def is_nearly_met(self) -> bool:
        """Whether it is enough for keeping a level."""
        return self.is_met if self.is_at_most else self.has * 100 >= self.wanted * KEPT_PERCENT


def level_of(user: User) -> int:
    """Return the level that counts now, of `LEVELS`: the role and the team are worth the highest."""
    if user.is_trusted:
        return TRUSTED
    if user.is_experienced:
        return EXPERIENCED
    return NEW if holding.is_new(user) else MEMBER


def standing_of(user: User) -> Standing:
    """Return what is noted about a person; a row that was not written yet where there is nothing."""
    return db.session.get(Standing, user.id) or Standing(
        user_id=user.id, is_fixed=False, is_unlisted=False, told={}, weighed_at=None
    )


def measure(user: User) -> Measured:
    """Count what a person's level follows from."""
    since = now() - timedelta(days=current_settings().trust_clean_days)
    seen = queries.posts_visible_to(GUEST)
    posts = select(func.count(Post.id)).where(Post.author_id == user.id, Post.kind != "comment", seen).scalar_subquery()
    solved = (
        select(func.count(PointEntry.id))
        .join(Post, Post.id == PointEntry.post_id)
        .where(PointEntry.user_id == user.id, PointEntry.kind == "solution", points.is_outstanding(), seen)
        .scalar_subquery()
    )
    told = (Muting.cause == "team", Muting.is_silent.is_(False), Muting.at > since)
    mutings = (
        select(func.count(Muting.id))
        .outerjoin(Post, Post.id == Muting.post_id)
        .outerjoin(Topic, Topic.id == Muting.topic_id)
        .where(*told, or_(Post.author_id == user.id, Topic.asker_id == user.id))
        .scalar_subquery()
    )
    penalised = (
        select(Penalty.id)
        .where(Penalty.user_id == user.id, or_(Penalty.until.is_(None), Penalty.until > since))
        .exists()
    )
    row = db.session.execute(select(posts, points.total(user, viewer=GUEST), solved, mutings, penalised)).one()
    return Measured((now() - user.created_at).days, *row)


def needs(level: int, measured: Measured) -> Sequence[Need]:
    """Return what a level above a member's takes, and what this person has of it."""
    settings = current_settings()
    wanted: Mapping[str, int] = (
        {
            "days": settings.trusted_days,
            "solutions": settings.trusted_solutions,
            "points": settings.trusted_points,
        }
        if level == TRUSTED
        else {
            "days": settings.experienced_days,
            "posts": settings.experienced_posts,
            "points": settings.experienced_points,
        }
    )
    return [
        *(Need(what, getattr(measured, what), number) for what, number in wanted.items()),
        Need("mutings", measured.mutings, settings.trust_mutings, is_at_most=True),
        Need("penalties", int(measured.has_penalty), 0, is_at_most=True),
    ]


def needs_of_new(user: User) -> Sequence[Need]:
    """Return what a new account still takes to be a member's."""
    settings = current_settings()
    hours = int((now() - user.created_at) / timedelta(hours=1))
    posts = holding.seen_posts(user, most=settings.held_first_posts)
    return [Need("hours", hours, settings.new_account_hours), Need("seen", posts, settings.held_first_posts)]


def weigh(user_id: int) -> bool:
    """Give a person the level that they have earned; tell whether it changed. What the team set by hand stays.

    Who came with an import and has not claimed the account is weighed when they do.
    """
    standing = _held(user_id)
    user = db.session.get_one(User, user_id, populate_existing=True)
    if user.is_staged:
        return False
    standing.weighed_at = now()
    if standing.is_fixed:
        db.session.flush()
        return False
    before, after = user.trust, _earned(user)
    if before == after:
        db.session.flush()
        return False
    _change(user, after)
    if not user.is_trusted or after == TRUSTED:
        notifications.notify(
            user,
            kind="trust_gained" if after > before else "trust_lost",
            key=f"trust:{after}:{now().isoformat()}",
            url="/trust",
            data={"level": after},
        )
    return True


def set_level(user: User, level: int | None, *, by: User, reason: str) -> None:
    """Set a level by hand, or with None have it earned again."""
    if not policy.may_set_trust(by, user):
        raise NotAllowed(gettext("You cannot set this person's level."))
    if level is not None and level not in LEVELS:
        raise Invalid(fields={"level": gettext("Please choose one of these.")})
    reason = limits.reason(reason)
    standing = _held(user.id)
    db.session.refresh(user, ["trust"])
    before = {"level": user.trust, "by_hand": standing.is_fixed}
    standing.is_fixed = level is not None
    _change(user, _earned(user) if level is None else level)
    after = {"level": user.trust, "by_hand": standing.is_fixed}
    audit.record("forum.user.set_trust", user, by=by, reason=reason, before=before, after=after)


@chore("forum.weigh_trust", every=1800)
def weigh_all() -> int:
    """Weigh who has points or a level once a day, for days pass by themselves; return how many."""
    yesterday = now() - timedelta(days=1)
    has_points = select(PointEntry.id).where(PointEntry.user_id == User.id).exists()
    due = (
        select(User.id)
        .outerjoin(Standing, Standing.user_id == User.id)
        .where(or_(User.trust > MEMBER, has_points), User.is_staged.is_(False), User.disabled_at.is_(None))
        .where(or_(Standing.weighed_at.is_(None), Standing.weighed_at < yesterday))
        .order_by(Standing.weighed_at, User.id)
        .limit(AT_ONCE)
    )
    user_ids = list(db.session.scalars(due))
    db.session.rollback()
    for user_id in user_ids:
        weigh(user_id)
        db.session.commit()
    return len(user_ids)


def _held(user_id: int) -> Standing:
    """Return what is noted about a person, and keep it from others until the transaction ends."""
    add_once(Standing, user_id=user_id)
    fresh = select(Standing).where(Standing.user_id == user_id).with_for_update()
    return db.session.scalars(fresh.execution_options(populate_existing=True)).one()


def _earned(user: User) -> int:
    """Return the level somebody has earned; what they have, they keep with a little less."""
    measured, earned = measure(user), MEMBER
    for level in (EXPERIENCED, TRUSTED):
        if not all(need.is_nearly_met if level <= user.trust else need.is_met for need in needs(level, measured)):
            break
        earned = level
    return earned


def _change(user: User, level: int) -> None:
    db.session.execute(update(User).where(User.id == user.id).values(trust=level))
    db.session.expire(user, ["trust"])


@notifications.kind("trust_gained")
def _trust_gained(notification: Notification) -> str:
    level = NAMES.get(notification.data.get("level", MEMBER), "")
    return str(gettext("Thank you for helping here. Your level is now “%(level)s”; see what you may do.", level=level))


@notifications.kind("trust_lost")
def _trust_lost(notification: Notification) -> str:
    level = NAMES.get(notification.data.get("level", MEMBER), "")
    return str(gettext("Your level is now “%(level)s”. See why, and what is missing for the next.", level=level))
