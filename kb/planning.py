"""Publications that are planned: a version appears by itself when its time has come, once, whatever is restarted."""

from datetime import datetime, timedelta
from typing import Final

from flask_babel import gettext
from sqlalchemy import delete, select, update
from sqlalchemy.orm import joinedload

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, KlinkeError, NotAllowed
from core.worker import chore
from forum import notifications
from forum.models import Notification
from kb import addresses, articles, policy, queries
from kb.models import Article, PlannedPublication, Revision, Significance

FARTHEST: Final = timedelta(days=366)
MOST_AT_ONCE: Final = 20


def plan(
    article: Article,
    *,
    due_at: datetime,
    by: User,
    number: int | None = None,
    significance: Significance = "content",
    is_matching: bool = False,
) -> PlannedPublication:
    """Have the newest version (or the one with this number) published at a time; a plan there is already is moved."""
    if not policy.may_publish(by, article):
        raise NotAllowed
    wrong = ""
    if due_at <= now():
        wrong = gettext("This moment is over. Choose a later one, or publish now.")
    elif due_at > now() + FARTHEST:
        wrong = gettext("A year ahead at most, please.")
    if wrong:
        raise Invalid(wrong, fields={"due_at": wrong})
    newest = articles.lock(article)
    revision = queries.revision_of(article, number or newest)
    if article.is_published and article.published is not None and article.published.number >= revision.number:
        raise Conflict(gettext("Readers see this version already."))
    found = planned(article)
    before = None if found is None else found.due_at.isoformat()
    if found is None:
        found = PlannedPublication(article_id=article.id)
        db.session.add(found)
    found.revision_id, found.due_at, found.by_id, found.at = revision.id, due_at, by.id, now()
    found.significance, found.is_matching, found.failure = significance, is_matching, None
    db.session.flush()
    audit.record(
        "kb.article.plan",
        article,
        by=by,
        before={"due_at": before},
        after={"due_at": due_at.isoformat(), "version": revision.number},
    )
    return found


def cancel(article: Article, *, by: User) -> None:
    """Plan nothing more; a repeat changes nothing."""
    if not policy.may_publish(by, article):
        raise NotAllowed
    gone = db.session.execute(
        delete(PlannedPublication)
        .where(PlannedPublication.article_id == article.id)
        .returning(PlannedPublication.due_at)
    ).first()
    if gone is not None:
        before, after = {"due_at": gone.due_at.isoformat()}, {"due_at": None}
        audit.record("kb.article.plan", article, by=by, before=before, after=after)


def planned(article: Article) -> PlannedPublication | None:
    """Return what is planned for an article; rows that others took away meanwhile are not remembered."""
    statement = select(PlannedPublication).where(PlannedPublication.article_id == article.id)
    return db.session.scalars(
        statement.options(joinedload(PlannedPublication.revision).lazyload("*")).execution_options(
            populate_existing=True
        )
    ).one_or_none()


@chore("kb.publish_planned", every=15)
def publish_due() -> int:
    """Publish what is due; return how much was published. What cannot be published waits, and its planner is told."""
    due = select(PlannedPublication.article_id).where(
        PlannedPublication.due_at <= now(), PlannedPublication.failure.is_(None)
    )
    ids = db.session.scalars(due.order_by(PlannedPublication.due_at).limit(MOST_AT_ONCE)).all()
    db.session.rollback()
    return sum(_publish(article_id) for article_id in ids)


def _publish(article_id: int) -> bool:
    # Whoever takes the row away publishes, in the same transaction: a second worker finds none, a crash brings it back.
    taken = db.session.execute(
        delete(PlannedPublication)
        .where(
            PlannedPublication.article_id == article_id,
            PlannedPublication.due_at <= now(),
            PlannedPublication.failure.is_(None),
        )
        .returning(
            PlannedPublication.revision_id,
            PlannedPublication.significance,
            PlannedPublication.is_matching,
            PlannedPublication.by_id,
        )
    ).first()
    if taken is None:
        db.session.rollback()
        return False
    try:
        _publish_taken(article_id, taken.revision_id, taken.significance, taken.is_matching, taken.by_id)
    except KlinkeError as error:
        db.session.rollback()
        _note_failure(article_id, error.sentence or str(error.title), by_id=taken.by_id)
        db.session.commit()
        return False
    db.session.commit()
    return True


def _publish_taken(
    article_id: int, revision_id: int, significance: Significance, is_matching: bool, by_id: int | None
) -> None:
    by = db.session.get(User, by_id) if by_id is not None else None
    article = db.session.get_one(Article, article_id)
    if by is None or not policy.may_publish(by, article):
        raise NotAllowed(gettext("Who planned this may not publish any more."))
    number = db.session.get_one(Revision, revision_id).number
    articles.publish(article, by=by, significance=significance, is_matching=is_matching, number=number)


def _note_failure(article_id: int, sentence: str, *, by_id: int | None) -> None:
    db.session.execute(
        update(PlannedPublication).where(PlannedPublication.article_id == article_id).values(failure=sentence)
    )
    article = db.session.get_one(Article, article_id)
    plan_at = db.session.scalar(select(PlannedPublication.at).where(PlannedPublication.article_id == article_id))
    people = {by_id, article.owner_id} - {None}
    notifications.notify_each(
        sorted(person for person in people if person is not None),
        kind="publication_failed",
        key=f"publication_failed:{article_id}:{plan_at}",
        url=addresses.of_article(article),
        data={"article_id": article_id},
    )


@notifications.kind("publication_failed", group="alarms")
def _publication_failed(notification: Notification) -> str:
    article = db.session.get(Article, notification.data.get("article_id"))
    user = db.session.get(User, notification.user_id)
    if article is None or user is None or not policy.may_see_drafts(user):
        return str(gettext("An article could not be published at its time."))
    return str(gettext("“%(title)s” could not be published at its time.", title=queries.newest_revision(article).title))
