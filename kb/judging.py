"""Using is reviewing: who inserts an article says whether it is still right, and what became of it afterwards.

That it was used says nothing about whether it is right: only what people say does.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, get_args

from flask_babel import gettext, lazy_gettext
from sqlalchemy import func, select

from accounts.models import User
from accounts.people import AnonymousUser
from core import texts
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from core.problems import at
from core.settings import current_settings
from core.unique import add_once
from kb import articles, checking, policy, queries, tasks
from kb.models import Article, ArticleTask, ArticleUse, ArticleVerdict, UseOutcome, Verdict

VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
OUTCOMES: Final[Mapping[UseOutcome, object]] = {
    "helped": lazy_gettext("It helped"),
    "not": lazy_gettext("It did not help"),
    "other": lazy_gettext("It was about something else"),
}
"""What becomes of a use, in words of the team."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Somebody called an article wrong, and nobody has settled that yet."""

    name: str
    words: str
    at: datetime


class Question:
    """What is asked where an article is inserted: whether it is still right."""

    def warnings(self, ids: Collection[int]) -> Mapping[int, str]:
        return {article_id: in_words(found) for article_id, found in warnings(ids).items()}

    def answer(self, thing_id: int, verdict: str, *, words: str, by: User) -> None:
        """Keep the verdict; what is not there, or not for everybody, is left out."""
        try:
            article = queries.visible_article(thing_id, viewer=AnonymousUser())
        except NotFound:
            return
        if article.is_published and verdict in VERDICTS:
            say(article, verdict, words=words[: tasks.LONGEST_WORDS], by=by)


def say(article: Article, verdict: str, *, words: str = "", by: User) -> None:
    """Keep whether somebody who inserts a published article holds it for right; their last word counts.

    Enough people who say so, none of them twice and with nobody against it, verify the article together.
    """
    if not policy.may_judge(by):
        raise NotAllowed(gettext("Who may insert articles says whether they are right."))
    said = next((known for known in VERDICTS if known == verdict), None)
    if said is None:
        raise Invalid(gettext("Please choose one of these."))
    with at("words"):
        words = texts.block(words, longest=tasks.LONGEST_WORDS)
    articles.hold(article)
    if article.published_id is None or not article.is_published:
        raise Invalid(gettext("Only what is published can be checked."))
    _keep(article, said, words, by)
    if said == "wrong":
        tasks.need(article, "wrong", f"user:{by.id}", words=words, by=by)
        return
    if said == "yes":
        tasks.drop(article, "wrong", f"user:{by.id}")
        if _is_enough(article):
            checking.note(article, by=None)


def warnings(article_ids: Collection[int]) -> Mapping[int, Sequence[Warned]]:
    """Return who calls these articles wrong, by article, the newest first: everybody is warned who inserts one."""
    found: dict[int, list[Warned]] = {}
    if not article_ids:
        return found
    rows = db.session.execute(
        select(ArticleTask.article_id, User.name, ArticleTask.words, ArticleTask.at)
        .outerjoin(User, User.id == ArticleTask.by_id)
        .where(ArticleTask.article_id.in_(article_ids), ArticleTask.kind == "wrong", ArticleTask.done_at.is_(None))
        .order_by(ArticleTask.id.desc())
    )
    for article_id, name, words, moment in rows:
        found.setdefault(article_id, []).append(Warned(name or "", words, moment))
    return found


def in_words(warned: Sequence[Warned]) -> str:
    """Return the warning that is shown where an article is inserted; empty where nobody calls it wrong."""
    if not warned:
        return ""
    first = warned[0]
    name = first.name or gettext("Somebody")
    if first.words:
        return str(gettext("%(name)s calls this wrong: “%(words)s”", name=name, words=first.words))
    return str(gettext("%(name)s calls this wrong.", name=name))


def note_outcome(use: ArticleUse, outcome: str, *, by: User) -> None:
    """Keep what became of a use, as somebody of the team heard; that it did not help is a task of the owner."""
    if not by.is_team:
        raise NotAllowed(gettext("Only the team says what became of a reply."))
    said = next((known for known in OUTCOMES if known == outcome), None)
    if said is None:
        raise Invalid(gettext("Please choose one of these."))
    _keep_outcome(use, said, by=by)


def hear_outcome(use: ArticleUse, outcome: str) -> bool:
    """Keep what the customer said of a use; tell whether that is news. The caller has proven that it is the customer.

    Their last word counts, also over what somebody of the team heard before.
    """
    said = next((known for known in OUTCOMES if known == outcome), None)
    if said is None:
        raise Invalid(gettext("Please choose one of these."))
    if use.outcome == said and use.outcome_by_customer:
        return False
    _keep_outcome(use, said, by=None)
    return True


def follow_answer(post_id: int, outcome: UseOutcome | None) -> None:
    """Have the uses in an answer of the forum follow what became of it; what a person said of them stays."""
    for use in db.session.scalars(
        select(ArticleUse).where(
            ArticleUse.where_kind == "post", ArticleUse.where_id == post_id, ArticleUse.outcome_by_id.is_(None)
        )
    ).unique():
        use.outcome, use.outcome_at = outcome, None if outcome is None else now()
    db.session.flush()


def _keep_outcome(use: ArticleUse, said: UseOutcome, *, by: User | None) -> None:
    use.outcome, use.outcome_at, use.outcome_by_id = said, now(), None if by is None else by.id
    use.outcome_by_customer = by is None
    db.session.flush()
    if said == "not":
        tasks.need(use.article, "use", f"use:{use.id}", by=by)
    else:
        tasks.drop(use.article, "use", f"use:{use.id}")


def _keep(article: Article, verdict: Verdict, words: str, by: User) -> None:
    mine = {"revision_id": article.published_id, "verdict": verdict, "words": words, "at": now()}
    if add_once(ArticleVerdict, article_id=article.id, by_id=by.id, **mine):
        return
    kept = db.session.scalars(
        select(ArticleVerdict).where(ArticleVerdict.article_id == article.id, ArticleVerdict.by_id == by.id)
    ).one()
    for name, value in mine.items():
        setattr(kept, name, value)
    db.session.flush()


def _is_enough(article: Article) -> bool:
    settings = current_settings()
    since = now() - timedelta(days=settings.verify_yes_days)
    if article.verified_at is not None:
        since = max(since, article.verified_at)
    is_open = select(ArticleTask.id).where(
        ArticleTask.article_id == article.id, ArticleTask.kind == "wrong", ArticleTask.done_at.is_(None)
    )
    if db.session.scalar(is_open.limit(1)) is not None:
        return False
    yes = (
        select(func.count(ArticleVerdict.id))
        .where(ArticleVerdict.article_id == article.id, ArticleVerdict.verdict == "yes")
        .where(ArticleVerdict.revision_id == article.published_id, ArticleVerdict.at > since)
    )
    return (db.session.scalar(yes) or 0) >= settings.verify_yes
