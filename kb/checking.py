"""When somebody last said that an article is right, and when it is to be looked at again.

Three clocks run by themselves: edited, verified, used. An article that is overdue stays where it is and as it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext, ngettext
from sqlalchemy import Select, func, select, update

from accounts import audit
from accounts.models import User, UserRole
from accounts.people import Viewer
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from core.settings import current_settings
from core.unique import add_once
from core.worker import chore
from forum import alarms, notifications
from forum.models import Notification
from kb import addresses, policy, queries, tasks
from kb.models import Article, Confidence, Revision, Section, VerifyRule

LONGEST_DAYS: Final = 3650
MOST_AT_ONCE: Final = 200
ANY: Final = "*"
RULED: Final[tuple[Confidence, ...]] = ("validated", "not_validated")


@dataclass(frozen=True, slots=True)
class Clocks:
    """What the team sees of an article's age; three things that do not move each other."""

    edited_at: datetime
    verified_at: datetime | None
    verified_by: User | None
    verify_by: datetime | None
    used_at: datetime | None
    uses: int

    @property
    def is_overdue(self) -> bool:
        return self.verify_by is not None and self.verify_by <= now()


def verify(article: Article, *, by: User) -> None:
    """Say that an article is right as it is published; when it is looked at next follows from the rules."""
    if not policy.may_edit(by, article):
        raise NotAllowed(gettext("Only editors say that an article is right."))
    if not article.is_published:
        raise Invalid(gettext("Only what is published can be checked."))
    note(article, by=by)


def verify_many(article_ids: Iterable[int], *, by: User) -> int:
    """Say of several articles that they are right; return how many that were. What is not published is left out."""
    if not policy.may_write(by):
        raise NotAllowed(gettext("Only editors say that an article is right."))
    wanted = sorted(set(article_ids))
    if not wanted:
        raise Invalid(gettext("Please choose at least one."))
    if len(wanted) > MOST_AT_ONCE:
        raise Invalid(gettext("At most %(most)s at once, please.", most=MOST_AT_ONCE))
    found = db.session.scalars(queries.readable_articles(by).where(Article.id.in_(wanted)).order_by(Article.id))
    done = 0
    for article in found.unique().all():
        verify(article, by=by)
        done += 1
    return done


def give(article: Article, to: User | None, *, by: User) -> None:
    """Say who looks after an article: an editor, or nobody, which is every editor."""
    if not policy.may_edit(by, article):
        raise NotAllowed(gettext("Only editors say who looks after an article."))
    if to is not None and not policy.may_write(to):
        sentence = gettext("Only editors look after articles.")
        raise Invalid(sentence, fields={"owner": sentence})
    before = article.owner_id
    if before == (None if to is None else to.id):
        return
    article.owner = to
    db.session.flush()
    after = {"owner": None if to is None else to.handle}
    audit.record("kb.article.give", article, by=by, before={"owner_id": before}, after=after)
    if to is not None and to.id != by.id:
        notifications.notify(
            to,
            kind="article_given",
            key=f"given:{article.id}:{now().isoformat()}",
            url=addresses.of_article(article, article.published or queries.newest_revision(article)),
            data={"article_id": article.id},
        )


def editors() -> Sequence[User]:
    """Return who may look after articles."""
    able = select(UserRole.user_id).where(UserRole.role.in_(("editor", "admin")))
    return db.session.scalars(
        select(User).where(User.id.in_(able), User.disabled_at.is_(None)).order_by(User.name, User.id)
    ).all()


def note(article: Article, *, by: User | None) -> None:
    """Keep that an article was verified, by an editor or (None) by those who use it; the policy was asked before."""
    before = {"verified_at": _iso(article.verified_at), "confidence": article.confidence}
    article.verified_at, article.verified_by_id = now(), None if by is None else by.id
    if article.confidence == "not_validated":
        article.confidence = "validated"
    plan(article)
    db.session.flush()
    after = {"verified_at": _iso(article.verified_at), "confidence": article.confidence}
    audit.record("kb.article.verify", article, by=by, before=before, after=after)


def plan(article: Article) -> None:
    """Have an article looked at again when the rules say so, counted from the last time somebody did."""
    article.verify_by = _due(rules(), article.section_id, article.confidence, _base(article))


def clocks(article: Article, words: Revision, *, used_at: datetime | None, uses: int) -> Clocks:
    """Return what the team sees of an article's age."""
    verifier = None if article.verified_by_id is None else db.session.get(User, article.verified_by_id)
    return Clocks(words.at, article.verified_at, verifier, article.verify_by, used_at, uses)


def overdue_articles(viewer: Viewer, *, of_all: bool = True) -> Select[Article]:
    """Select what should have been looked at by now, without the parts that lists do not show; for the team."""
    statement = queries.readable_articles(viewer).where(Article.verify_by <= now())
    return statement if of_all else statement.where(tasks.falls_to(viewer))


def overdue_count(viewer: Viewer) -> int:
    """Return how many articles this person looks after that should have been looked at by now."""
    statement = select(func.count(Article.id)).where(queries.readable_by(viewer), Article.verify_by <= now())
    return db.session.scalar(statement.where(tasks.falls_to(viewer))) or 0


def rules() -> Mapping[str, int]:
    """Return the days by place, the general setting among them."""
    found = {row.place: row.days for row in db.session.scalars(select(VerifyRule))}
    return {f"{ANY}:{ANY}": current_settings().verify_days, **found}


def all_rules() -> Sequence[VerifyRule]:
    """Return the rules that somebody set."""
    return db.session.scalars(select(VerifyRule).order_by(VerifyRule.place)).all()


def set_rule(section: Section | None, confidence: str, days: int, *, by: User) -> None:
    """Say after how many days articles of a section, of a confidence, of both or all are looked at again."""
    if not policy.may_set_rules(by):
        raise NotAllowed(gettext("Only admins say how often articles are checked."))
    if not 0 <= days <= LONGEST_DAYS:
        sentence = gettext("Please give a number from 0 to %(most)s.", most=LONGEST_DAYS)
        raise Invalid(sentence, fields={"days": sentence})
    known = next((one for one in RULED if one == confidence), None)
    place = place_of(None if section is None else section.id, known)
    section_id = None if section is None else section.id
    add_once(VerifyRule, place=place, section_id=section_id, confidence=known, days=days)
    rule = db.session.scalars(select(VerifyRule).where(VerifyRule.place == place).with_for_update()).one()
    before, rule.days = rule.days, days
    db.session.flush()
    after = {"place": place, "days": days}
    audit.record("kb.rule.set", rule, by=by, before={"place": place, "days": before}, after=after)
    plan_all()


def drop_rule(rule: VerifyRule, *, by: User) -> None:
    """Take a rule back; the next more general one holds again."""
    if not policy.may_set_rules(by):
        raise NotAllowed(gettext("Only admins say how often articles are checked."))
    audit.record("kb.rule.drop", rule, by=by, before={"place": rule.place, "days": rule.days}, after={})
    db.session.delete(rule)
    db.session.flush()
    plan_all()


def rule(rule_id: int) -> VerifyRule:
    """Return a rule, or raise `NotFound`."""
    found = db.session.get(VerifyRule, rule_id) if 0 < rule_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("There is no such rule any more."))
    return found


def place_of(section_id: int | None, confidence: Confidence | None) -> str:
    """Return by what a rule for this section and confidence is known; there is one of each."""
    return f"{section_id or ANY}:{confidence or ANY}"


@chore("kb.plan_checks", every=86_400)
def plan_anew() -> int:
    """Plan the checks of what no event told of, as after an import or another setting; remind the owners."""
    planned = plan_all()
    _remind()
    db.session.commit()
    return planned


def plan_all() -> int:
    """Plan every published article as the rules are now; return how many dates changed."""
    known = rules()
    base = func.coalesce(Article.verified_at, Article.published_at, Article.created_at)
    rows = db.session.execute(
        select(Article.id, Article.section_id, Article.confidence, Article.verify_by, base).where(
            Article.published_id.is_not(None)
        )
    ).all()
    changed = [
        {"id": row[0], "verify_by": due} for row in rows if (due := _due(known, row[1], row[2], row[4])) != row[3]
    ]
    if changed:
        db.session.execute(update(Article), changed)
    return len(changed)


def _base(article: Article) -> datetime:
    return article.verified_at or article.published_at or article.created_at


def _due(known: Mapping[str, int], section_id: int, confidence: Confidence, base: datetime) -> datetime | None:
    for place in (
        place_of(section_id, confidence),
        place_of(section_id, None),
        place_of(None, confidence),
        place_of(None, None),
    ):
        if place in known:
            return base + timedelta(days=known[place]) if known[place] else None
    return None


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _remind() -> None:
    """Tell the owners once a week how much is due, while something is."""
    due = select(Article.owner_id).where(queries.readable_in("team"), Article.verify_by <= now())
    for owner_id in db.session.scalars(due.where(Article.owner_id.is_not(None)).distinct().order_by(Article.owner_id)):
        owner = db.session.get(User, owner_id)
        if owner is not None and policy.may_write(owner):
            week = _week()
            notifications.notify(owner, kind="articles_due", key=f"due:{week}", url="/kb/overdue?whose=mine")


def _week() -> str:
    return f"{now():%G-W%V}"


@notifications.kind("article_given", group="needs")
def _article_given(notification: Notification) -> str:
    article = db.session.get(Article, notification.data.get("article_id"))
    title = "" if article is None else queries.newest_revision(article).title
    return str(gettext("You look after “%(title)s” from now on.", title=title))


@notifications.kind("articles_due", group="needs")
def _articles_due(notification: Notification) -> str:
    reader = db.session.get(User, notification.user_id)
    number = 0 if reader is None else overdue_count(reader)
    if not number:
        return str(gettext("Your articles are checked: none is due any more."))
    return str(
        ngettext(
            "%(num)s of your articles is to be checked again.",
            "%(num)s of your articles are to be checked again.",
            number,
        )
    )


@notifications.kind("articles_overdue", group="alarms")
def _articles_overdue(_notification: Notification) -> str:
    return str(gettext("There are articles that should have been checked again."))


def _overdue_for_long(after: datetime, before: datetime) -> Iterator[alarms.Waiting]:
    late = select(Article.id).where(queries.readable_in("team"), Article.verify_by > after, Article.verify_by <= before)
    if db.session.scalar(late.limit(1)) is not None:
        yield alarms.Waiting(key=f"overdue:{_week()}", kind="articles_overdue", url="/kb/overdue")


alarms.contribute("checks", roles=("editor",), find=_overdue_for_long)
