"""What was wrong in two articles of the demonstration, and is corrected: the replies that carried it are looked at."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import select

from accounts.models import User
from core.db import db
from kb import queries, recall
from kb.models import Article, ArticleRecall

CORRECTED: Final = ("a03", "a08")
ASIDE: Final = "a08"
"""Of this one the thread it came from needs nothing: the answer there is about a Birke 2."""


def begin(everybody: Mapping[str, User], article: Callable[[str], Article]) -> None:
    """Begin to look at the replies and threads that carry what was wrong."""
    for source_id in CORRECTED:
        one = article(source_id)
        recall.begin(one, queries.newest_revision(one), by=everybody["emil"])
    threads = select(ArticleRecall).where(
        ArticleRecall.article_id == article(ASIDE).id, ArticleRecall.where_kind == "post"
    )
    for row in db.session.scalars(threads):
        recall.settle(row, "not_needed", by=everybody["ada"])
