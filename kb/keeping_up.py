"""What is done about the truth of articles when something happened; everything here may be repeated without harm."""

from sqlalchemy import delete, select

from core.db import db
from core.outbox import listens_to
from forum.events import (
    AcceptanceUndone,
    AnswerAccepted,
    AnswerContradicted,
    ContradictionLifted,
    PostEdited,
)
from forum.models import Acceptance
from kb import checking, doubts, judging, recall
from kb.events import ArticlePublished, ReadershipChanged
from kb.models import Article, ArticleRetirement, Revision


@listens_to(PostEdited)
def doubt_what_was_made_of_other_words(event: PostEdited) -> None:
    """Mark the articles made from an answer that says something else now."""
    doubts.look_at(event.post_id)


@listens_to(ArticlePublished)
def begin_to_check(event: ArticlePublished) -> None:
    """Count the first publication as a check, and plan the next one; a later publication moves no clock but its own."""
    article = db.session.get(Article, event.article_id)
    if article is None or not article.is_published:
        return
    if event.is_first and article.verified_at is None:
        article.verified_at, article.verified_by_id = article.published_at, event.by_id
    checking.plan(article)
    db.session.execute(delete(ArticleRetirement).where(ArticleRetirement.article_id == article.id))


@listens_to(ReadershipChanged)
def plan_anew(event: ReadershipChanged) -> None:
    """Plan by the rules of where the article stands now."""
    article = db.session.get(Article, event.article_id)
    if article is not None and article.is_published:
        checking.plan(article)


@listens_to(ArticlePublished)
def recall_what_was_wrong(event: ArticlePublished) -> None:
    """List the replies and threads that carry instructions which were wrong."""
    article, correction = db.session.get(Article, event.article_id), db.session.get(Revision, event.revision_id)
    if article is None or correction is None or event.is_first:
        return
    if event.significance == "instructions":
        recall.begin(article, correction)


@listens_to(AnswerAccepted)
def note_that_it_helped(event: AnswerAccepted) -> None:
    """Have the articles that an answer led to be what solved the question."""
    _follow(event.post_id)


@listens_to(AcceptanceUndone)
def note_that_nobody_knows(event: AcceptanceUndone) -> None:
    """Forget what became of the articles that an answer led to, unless it was accepted once more."""
    _follow(event.post_id)


@listens_to(AnswerContradicted)
def note_that_it_did_not_help(event: AnswerContradicted) -> None:
    """Have what others say of a solution count against the articles that it led to."""
    _follow(event.post_id)


@listens_to(ContradictionLifted)
def note_that_it_helped_after_all(event: ContradictionLifted) -> None:
    """Have the articles that a solution led to be what solved the question after all."""
    _follow(event.post_id)


def _follow(post_id: int) -> None:
    contradicted = db.session.execute(
        select(Acceptance.contradicted_at).where(Acceptance.post_id == post_id)
    ).one_or_none()
    if contradicted is None:
        judging.follow_answer(post_id, None)
    else:
        judging.follow_answer(post_id, "helped" if contradicted[0] is None else "not")
