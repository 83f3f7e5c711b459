"""What articles need: what readers, those who use them and their figures say, as work for their owners.

Who says the same thing twice has one task; it opens again when they say something new after it was settled.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from flask_babel import gettext, lazy_gettext
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import joinedload, lazyload

from accounts import audit
from accounts.models import User, UserRole
from accounts.people import Viewer
from core import texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.problems import at
from core.unique import add_once
from forum import alarms, notifications
from forum.models import Notification
from forum.reviewing import Waiting
from kb import addresses, policy, queries
from kb.models import Article, ArticleTask, FeedbackReason, Revision, TaskKind, TaskOutcome

LONGEST_WORDS: Final = 1000
SHORTEST_WORDS: Final = 3
LONGEST_NOTE: Final = 1000
MOST_WAITING: Final = 5
KINDS: Final[Mapping[TaskKind, object]] = {
    "feedback": lazy_gettext("A reader says that it did not help"),
    "flag": lazy_gettext("Somebody reports a mistake"),
    "wrong": lazy_gettext("Somebody who wanted to use it calls it wrong"),
    "use": lazy_gettext("It was sent to a customer and did not help"),
    "decay": lazy_gettext("It helps fewer readers than it did"),
    "version": lazy_gettext("Somebody names a newer version"),
    "links": lazy_gettext("A link leads nowhere"),
    "release": lazy_gettext("A new version is out: is it still true?"),
}
REASONS: Final[Mapping[FeedbackReason, object]] = {
    "wrong": lazy_gettext("It is wrong"),
    "outdated": lazy_gettext("It is outdated"),
    "unclear": lazy_gettext("I do not understand it"),
    "not_mine": lazy_gettext("It is not about my problem"),
}


def need(
    article: Article,
    kind: TaskKind,
    ref: str,
    *,
    words: str = "",
    reason: FeedbackReason | None = None,
    by: User | None = None,
) -> ArticleTask:
    """Have an article need something; who deals with it is told. A repeat changes nothing, new words open it anew."""
    is_new = add_once(
        ArticleTask,
        article_id=article.id,
        kind=kind,
        ref=ref,
        words=words,
        reason=reason,
        by_id=_id(by),
        at=now(),
        note="",
    )
    task = db.session.scalars(
        select(ArticleTask)
        .where(ArticleTask.article_id == article.id, ArticleTask.kind == kind, ArticleTask.ref == ref)
        .with_for_update(of=ArticleTask)
        .execution_options(populate_existing=True)
    ).one()
    if not is_new and (task.words, task.reason) != (words, reason):
        is_new = task.done_at is not None
        task.words, task.reason = words, reason
        if is_new:
            task.at, task.done_at, task.done_by_id, task.outcome, task.note = now(), None, None, None, ""
        db.session.flush()
    if is_new:
        _tell(article, task)
    return task


def flag(article: Article, *, words: str, by: User) -> ArticleTask:
    """Report a mistake to who looks after the article; who reports again says it better."""
    if not policy.may_flag(by, article):
        raise NotAllowed(gettext("Please sign in to report a mistake."))
    with at("words"):
        words = texts.block(words, longest=LONGEST_WORDS, shortest=SHORTEST_WORDS)
    return need(article, "flag", f"user:{by.id}", words=words, by=by)


def drop(article: Article, kind: TaskKind, ref: str) -> None:
    """Forget what nobody says any more, while it waits; what was settled stays."""
    task = db.session.scalars(
        select(ArticleTask).where(
            ArticleTask.article_id == article.id,
            ArticleTask.kind == kind,
            ArticleTask.ref == ref,
            ArticleTask.done_at.is_(None),
        )
    ).one_or_none()
    if task is not None:
        notifications.retract_with(f"need:{task.id}:")
        db.session.delete(task)
        db.session.flush()


def settle(task: ArticleTask, outcome: str, *, by: User, note: str = "") -> None:
    """Say what was done about it, or that nothing is needed; who reported it hears that."""
    if not policy.may_edit(by, task.article):
        raise NotAllowed(gettext("Only editors settle what articles need."))
    with at("note"):
        note = texts.block(note, longest=LONGEST_NOTE)
    settled = _outcome(outcome)
    # Of two editors at the same moment the second waits here and then sees what the first one did.
    db.session.refresh(task, ["done_at", "outcome"], with_for_update={"of": ArticleTask})
    if task.done_at is not None:
        raise Conflict(gettext("Somebody has settled this already."))
    task.outcome, task.note, task.done_at, task.done_by_id = settled, note, now(), by.id
    db.session.flush()
    notifications.retract_with(f"need:{task.id}:")
    about = {"article": task.article_id, "kind": task.kind}
    audit.record("kb.task.settle", task, by=by, reason=note, before=about, after={**about, "outcome": settled})
    if task.kind in {"flag", "wrong"} and task.by_id not in {None, by.id} and task.by_id is not None:
        notifications.notify(
            task.by_id,
            kind="article_task_settled",
            key=f"settled:{task.id}:{task.done_at.isoformat()}",
            url=addresses.of_article(task.article),
            data={"article_id": task.article_id, "outcome": settled},
        )


def waiting_tasks(viewer: Viewer, *, of_all: bool = False, article_id: int | None = None) -> Select[ArticleTask]:
    """Select what waits for this person, or (`of_all`) for anybody; page it by id. Only for editors."""
    statement = _loaded(select(ArticleTask).join(Article, Article.id == ArticleTask.article_id))
    statement = statement.where(ArticleTask.done_at.is_(None))
    if article_id is not None:
        return statement.where(ArticleTask.article_id == article_id)
    return statement if of_all else statement.where(falls_to(viewer))


def settled_tasks(article_id: int | None = None) -> Select[ArticleTask]:
    """Select what was settled, of one article or of all; page it by id."""
    statement = _loaded(select(ArticleTask)).where(ArticleTask.done_at.is_not(None))
    return statement if article_id is None else statement.where(ArticleTask.article_id == article_id)


def falls_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the clause for articles that this person looks after: their own, and those that no editor owns."""
    editors = select(UserRole.user_id).join(User, User.id == UserRole.user_id)
    able = editors.where(UserRole.role.in_(("editor", "admin")), User.disabled_at.is_(None))
    return or_(Article.owner_id == viewer.id, Article.owner_id.is_(None), Article.owner_id.not_in(able))


def count_for(viewer: Viewer) -> int:
    """Return how much waits for this person."""
    statement = select(func.count(ArticleTask.id)).join(Article, Article.id == ArticleTask.article_id)
    return db.session.scalar(statement.where(ArticleTask.done_at.is_(None), falls_to(viewer))) or 0


def task(task_id: int) -> ArticleTask:
    """Return a task, or raise `NotFound`."""
    found = None
    if 0 < task_id <= LARGEST_ID:
        found = db.session.scalars(_loaded(select(ArticleTask).where(ArticleTask.id == task_id))).unique().one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such task. The list shows what there is."))
    return found


def is_open(kind: TaskKind) -> ColumnElement[bool]:
    """Return the clause for articles for which a task of this kind waits."""
    return exists().where(
        and_(ArticleTask.article_id == Article.id, ArticleTask.kind == kind, ArticleTask.done_at.is_(None))
    )


def waiting(viewer: Viewer) -> Iterator[Waiting]:
    """Yield the oldest of what waits for this person; the team's queue lists it."""
    if not policy.may_decide(viewer):
        return
    oldest = db.session.scalars(waiting_tasks(viewer).order_by(ArticleTask.id).limit(MOST_WAITING)).unique().all()
    words = queries.newest_revisions([task.article for task in oldest]) if oldest else {}
    for one in oldest:
        url = f"/kb/needs?article={one.article_id}"
        yield Waiting(str(KINDS[one.kind]), words[one.article_id].title, url, one.at, one.article.locale)


def dealers(article: Article) -> list[int]:
    """Return whom an article's needs are told to: its owner, or every editor where no editor owns it."""
    able = select(User.id).join(UserRole).where(User.disabled_at.is_(None), User.is_staged.is_(False))
    if article.owner_id is not None:
        owner = able.where(User.id == article.owner_id, UserRole.role.in_(("editor", "admin")))
        if db.session.scalar(owner.limit(1)) is not None:
            return [article.owner_id]
    return list(db.session.scalars(able.where(UserRole.role == "editor").distinct().order_by(User.id)))


def _tell(article: Article, task: ArticleTask) -> None:
    told = [user_id for user_id in dealers(article) if user_id != task.by_id]
    notifications.notify_each(
        told,
        kind="article_needs",
        key=f"need:{task.id}:{task.at.isoformat()}",
        url=f"/kb/needs?article={article.id}",
        data={"article_id": article.id, "what": task.kind},
    )


def _loaded(statement: Select[ArticleTask]) -> Select[ArticleTask]:
    return statement.options(
        joinedload(ArticleTask.article).options(lazyload("*"), joinedload(Article.published).lazyload(Revision.by)),
        joinedload(ArticleTask.by),
        joinedload(ArticleTask.done_by),
    )


def _outcome(typed: str) -> TaskOutcome:
    if typed == "done":
        return "done"
    if typed == "not_needed":
        return "not_needed"
    raise Invalid(gettext("Please choose what to do."))


def _id(user: User | None) -> int | None:
    return None if user is None else user.id


def _title_of(notification: Notification) -> str:
    article = db.session.get(Article, notification.data.get("article_id"))
    return "" if article is None else queries.newest_revision(article).title


@notifications.kind("article_needs", group="needs")
def _article_needs(notification: Notification) -> str:
    what = KINDS.get(notification.data.get("what", ""), "")
    return str(gettext("“%(title)s”: %(what)s.", title=_title_of(notification), what=what))


@notifications.kind("article_task_settled", group="articles")
def _task_settled(notification: Notification) -> str:
    article = db.session.get(Article, notification.data.get("article_id"))
    if article is None or not article.is_published or article.published is None:
        return str(gettext("The editors have looked at what you reported."))
    if notification.data.get("outcome") == "done":
        return str(gettext("“%(title)s” was mended after what you reported. Thank you.", title=article.published.title))
    return str(
        gettext("The editors looked at what you reported of “%(title)s” and left it.", title=article.published.title)
    )


@notifications.kind("article_task_waits", group="alarms")
def _task_waits(notification: Notification) -> str:
    return str(gettext("“%(title)s” still needs something.", title=_title_of(notification)))


def _waiting_for_long(after: datetime, before: datetime) -> Iterator[alarms.Waiting]:
    waits = _loaded(select(ArticleTask)).where(
        ArticleTask.done_at.is_(None), ArticleTask.at > after, ArticleTask.at <= before
    )
    seen: set[int] = set()
    for one in db.session.scalars(waits.order_by(ArticleTask.id).limit(alarms.MOST_AT_ONCE)).unique():
        if one.article_id not in seen:
            seen.add(one.article_id)
            yield alarms.Waiting(
                key=f"need:{one.article_id}:{one.at.date().isoformat()}",
                kind="article_task_waits",
                url=f"/kb/needs?article={one.article_id}",
                data={"article_id": one.article_id},
            )


alarms.contribute("needs", roles=("editor",), find=_waiting_for_long)
