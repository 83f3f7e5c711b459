"""Which questions search engines may show: not those that would disappoint whoever comes from there.

The same is asked of a page (`is_worth_finding`) and of the sitemap (`worth_finding`).
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import aliased

from core.clock import now
from core.settings import current_settings
from forum.models import Acceptance, Post, Topic

_question, _answer = aliased(Post), aliased(Post)


def is_worth_finding(topic: Topic, question: Post, answers: Sequence[Post]) -> bool:
    """Tell whether a question is more than a few words that nobody answered, and not one that was left unsolved."""
    settings = current_settings()
    if topic.is_solved:
        return True
    if not topic.is_answered and len(question.source) < settings.thin_question_characters:
        return False
    days = settings.unsolved_found_days
    is_old = bool(days) and topic.last_activity_at < now() - timedelta(days=days)
    return not is_old or any(answer.helpful_count > 0 for answer in answers)


def worth_finding() -> ColumnElement[bool]:
    """Return the same as a clause for a statement that selects from `Topic`."""
    settings = current_settings()
    is_solved = select(Acceptance.id).where(Acceptance.topic_id == Topic.id).exists()
    is_long = (
        select(_question.id)
        .where(
            _question.topic_id == Topic.id,
            _question.kind == "question",
            func.length(_question.source) >= settings.thin_question_characters,
        )
        .exists()
    )
    has_helped = (
        select(_answer.id)
        .where(_answer.topic_id == Topic.id, _answer.kind == "answer", _answer.helpful_count > 0)
        .exists()
    )
    days = settings.unsolved_found_days
    is_young = Topic.last_activity_at >= now() - timedelta(days=days) if days else true()
    return or_(is_solved, and_(or_(Topic.answer_count > 0, is_long), or_(is_young, has_helped)))
