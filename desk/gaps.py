"""What the desk was asked and answered without an article: the knowledge base looks for what it lacks."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import aliased

from accounts.people import Viewer
from core import markup, personal
from core.clock import now
from core.db import db
from desk import asking, policy
from desk.block_models import ConversationArticle
from desk.models import Conversation, Message
from kb import likeness, radar
from kb.models import ArticleUse

KEPT: Final = timedelta(days=90)
LONGEST: Final = 300

_question = aliased(Message)


def with_article() -> ColumnElement[bool]:
    """Return the clause for replies that an article was used in, or whose conversation somebody linked to one."""
    used = select(ArticleUse.id).where(ArticleUse.where_kind == "message", ArticleUse.where_id == Message.id).exists()
    is_about = ConversationArticle.conversation_id == Message.conversation_id
    return used | select(ConversationArticle.id).where(is_about).correlate(Message).exists()


def free_texts(viewer: Viewer, locale: str, most: int) -> Iterable[radar.Asked]:
    """Yield what customers wrote and got an answer to that no article is in, without personal data.

    Who does not work at the desk reads only what was written in public.
    """
    before = (
        select(func.max(_question.id))
        .where(
            _question.conversation_id == Message.conversation_id,
            _question.direction == "in",
            _question.id < Message.id,
        )
        .scalar_subquery()
    )
    asked = aliased(Message)
    rows = db.session.execute(
        select(Message.id, Message.conversation_id, Message.created_at, asked.text, Conversation.contact_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .join(asked, asked.id == before)
        .where(
            Message.direction == "out",
            Message.state.in_(("queued", "sent")),
            Message.created_at > now() - KEPT,
            Conversation.locale == locale,
            ~with_article(),
            ~asking.is_question(),
            true() if policy.may_work(viewer) else asked.is_public,
        )
        .order_by(Message.id.desc())
        .limit(most)
    )
    for row in rows:
        yield radar.Asked(
            kind="reply",
            id=row.id,
            text=markup.excerpt(personal.redacted(row.text), LONGEST),
            locale=locale,
            at=row.created_at,
            url=f"/desk/conversations/{row.conversation_id}" if policy.may_work(viewer) else "",
            who=f"contact:{row.contact_id}",
        )


def replies_without_article(locale: str, most: int) -> Iterable[likeness.Written]:
    """Yield what agents wrote lately without an article, without personal data, for counting only."""
    rows = db.session.execute(
        select(Message.conversation_id, Message.text)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(
            Message.direction == "out",
            Message.state.in_(("queued", "sent")),
            Message.created_at > now() - KEPT,
            Conversation.locale == locale,
            ~with_article(),
            ~asking.is_question(),
        )
        .order_by(Message.id.desc())
        .limit(most)
    )
    for conversation_id, text in rows:
        yield likeness.Written(str(conversation_id), markup.excerpt(personal.redacted(text), likeness.LONGEST))


likeness.contribute("reply", replies_without_article)
radar.contribute("reply", free_texts)
