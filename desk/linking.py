"""Which article a conversation is about, whether or not it was sent: it counts as answered from what is known."""

from collections.abc import Sequence
from typing import Final

from flask_babel import gettext
from sqlalchemy import delete, func, select
from sqlalchemy.orm import joinedload

from accounts import audit
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.unique import add_once
from desk import policy, queries
from desk.block_models import ConversationArticle, Relation
from desk.models import Conversation
from kb import queries as kb_queries

MOST: Final = 20


def link(conversation: Conversation, article_id: int, *, by: User, relation: Relation = "about") -> None:
    """Say that a conversation is about an article, or that the article was made of it; twice is once."""
    if not policy.may_work(by):
        raise NotAllowed
    article = kb_queries.visible_article(article_id, viewer=by)
    count = select(func.count()).where(ConversationArticle.conversation_id == conversation.id)
    if (db.session.scalar(count) or 0) >= MOST:
        raise Invalid(gettext("That many articles say nothing any more: %(most)s at most.", most=MOST))
    if add_once(
        ConversationArticle,
        conversation_id=conversation.id,
        article_id=article.id,
        relation=relation,
        by_id=by.id,
        at=now(),
    ):
        audit.record("desk.conversation.link", conversation, by=by, after={"article_id": article.id, "as": relation})


def unlink(conversation: Conversation, article_id: int, *, by: User) -> None:
    """Say that a conversation is about something else."""
    if not policy.may_work(by):
        raise NotAllowed
    gone = db.session.execute(
        delete(ConversationArticle)
        .where(
            ConversationArticle.conversation_id == conversation.id,
            ConversationArticle.article_id == article_id,
            ConversationArticle.relation == "about",
        )
        .returning(ConversationArticle.id)
    ).first()
    if gone is not None:
        audit.record("desk.conversation.unlink", conversation, by=by, before={"article_id": article_id})


def linked(conversation: Conversation) -> Sequence[ConversationArticle]:
    """Return the articles that a conversation is about, or that were made of it, in one statement."""
    return (
        db.session.scalars(
            select(ConversationArticle)
            .where(ConversationArticle.conversation_id == conversation.id)
            .options(joinedload(ConversationArticle.article).options(*queries.lean_article()))
            .order_by(ConversationArticle.id)
        )
        .unique()
        .all()
    )
