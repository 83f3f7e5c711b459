"""Signs that an article grows old: it helps fewer readers, a version that it does not know is named or released.

Contradicted sources are in `kb.doubts`, uses that somebody calls wrong in `kb.judging`.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from sqlalchemy import case, func, select
from sqlalchemy.orm import lazyload

from core.clock import now
from core.db import db
from core.settings import current_settings
from core.worker import chore
from forum.models import Experience
from kb import products, queries, tasks
from kb.models import Article, ArticleFeedback, ArticleSource, ArticleUse, Revision

RECENT: Final = timedelta(days=90)
LONGEST_VERSION: Final = 90
HALF: Final = 0.5
_VERSION: Final = re.compile(r"(?<![\w.])\d{1,6}(?:\.\d{1,6}){0,3}(?![\w.]*\w)")

Version = tuple[int, ...]


@chore("kb.look_for_decay", every=86_400)
def look() -> int:
    """Make tasks of what speaks against an article; return how many articles that were."""
    found = {*_helping_less(), *_behind(), *products.look_at_releases()}
    db.session.commit()
    return len(found)


def versions_in(text: str) -> list[Version]:
    """Return the versions that a text names, as numbers; a number inside a name (`R2`) is none."""
    return [_numbers(one) for one in _VERSION.findall(text)]


def _helping_less() -> Iterator[int]:
    """Yield the articles that help fewer people now than before, or fewer than half of them.

    Readers count who answered the question below the article, and customers who got it as a reply.
    """
    settings = current_settings()
    since = now() - RECENT
    told: dict[int, list[int]] = {}
    for told_at, helped, model in (
        (ArticleFeedback.at, ArticleFeedback.helped, ArticleFeedback),
        (ArticleUse.outcome_at, ArticleUse.outcome == "helped", ArticleUse),
    ):
        is_recent, did = told_at > since, case((helped, 1), else_=0)
        rows = select(
            model.article_id,
            func.sum(case((is_recent, did), else_=0)),
            func.sum(case((is_recent, 1), else_=0)),
            func.sum(case((is_recent, 0), else_=did)),
            func.sum(case((is_recent, 0), else_=1)),
        ).group_by(model.article_id)
        if model is ArticleUse:
            rows = rows.where(ArticleUse.outcome.in_(("helped", "not")))
        for article_id, *numbers in db.session.execute(rows):
            before = told.get(article_id, [0, 0, 0, 0])
            told[article_id] = [int(a) + int(b) for a, b in zip(before, numbers, strict=True)]
    quarter = f"rate:{now().year}-{(now().month - 1) // 3 + 1}"
    for article_id, (helped_now, told_now, helped_before, told_before) in sorted(told.items()):
        if told_now < settings.decay_votes:
            continue
        share = helped_now / told_now
        has_fallen = (
            told_before >= settings.decay_votes and 100 * (helped_before / told_before - share) >= settings.decay_points
        )
        article = db.session.get(Article, article_id) if has_fallen or share < HALF else None
        if article is not None and article.is_published:
            was = f"{helped_before}/{told_before} → " if told_before else ""
            tasks.need(article, "decay", quarter, words=f"{was}{helped_now}/{told_now}")
            yield article_id


def _behind() -> Iterator[int]:
    """Yield the articles whose answers were tried with a newer version than the article names, since it was checked."""
    rows = db.session.execute(
        select(Article, Revision.environment, Experience.version)
        .join(Revision, Revision.id == Article.published_id)
        .join(ArticleSource, ArticleSource.article_id == Article.id)
        .join(Experience, Experience.post_id == ArticleSource.post_id)
        .where(queries.readable_in("team"), Revision.environment != "", Experience.version != "")
        .where(Experience.at > func.coalesce(Article.verified_at, Article.published_at, Article.created_at))
        .options(lazyload("*"))
        .order_by(Article.id, Experience.id)
    )
    for article, environment, said in rows:
        known, named = versions_in(environment), versions_in(said)
        if known and named and max(named) > max(known):
            tasks.need(article, "version", f"version:{said[:LONGEST_VERSION]}", words=said)
            yield article.id


def _numbers(text: str) -> Version:
    return tuple(int(part) for part in text.split("."))
