"""How often what became of somebody's answers was sent to customers."""

from typing import Any

from sqlalchemy import func, select

from accounts.models import User
from accounts.people import Viewer
from desk.models import Message
from forum import credit
from kb import credit as kb_credit
from kb.models import Article, ArticleUse


def _sent(user: User, viewer: Viewer) -> Any:
    """Count the replies that went out with an article that holds an answer of this person."""
    used = (
        select(func.count(ArticleUse.id))
        .join(Message, Message.id == ArticleUse.where_id)
        .where(ArticleUse.where_kind == "message", Message.state == "sent")
        .where(ArticleUse.article_id.in_(select(Article.id).where(kb_credit.made_of(user, viewer))))
    )
    return used.scalar_subquery()


credit.contribute("sent", _sent)
