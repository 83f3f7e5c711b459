"""What the knowledge base does when it hears of something; everything here may be repeated without harm."""

from collections.abc import Iterator
from datetime import datetime

from flask_babel import gettext
from sqlalchemy import select

from accounts.models import User
from core.db import db
from core.outbox import listens_to
from forum import alarms, notifications, topics
from forum.events import (
    AcceptanceUndone,
    AnswerAccepted,
    AnswerContradicted,
    AnswerPosted,
    ContradictionLifted,
    ObsolescenceChanged,
    PostEdited,
    PostMuted,
    PostsMoved,
    PostUnmuted,
    TopicMuted,
    TopicUnmuted,
)
from forum.models import Acceptance, Notification, Post, Topic
from kb import addresses, articles, credit, doubts, following, promotion, uses
from kb.events import ArticlePublished, ReadershipChanged
from kb.models import Article, ArticleSource, Nomination


@listens_to(AnswerAccepted)
def nominate(event: AnswerAccepted) -> None:
    """Have the accepted answer wait for an editor."""
    _nominate(event.post_id)


@listens_to(PostUnmuted)
def nominate_unmuted_answer(event: PostUnmuted) -> None:
    """Nominate what was muted when it was accepted."""
    _nominate(event.post_id)


@listens_to(TopicUnmuted)
def nominate_from_unmuted_topic(event: TopicUnmuted) -> None:
    """Nominate the accepted answers of a topic that was muted as a whole."""
    for post_id in db.session.scalars(select(Acceptance.post_id).where(Acceptance.topic_id == event.topic_id)).all():
        _nominate(post_id)


@listens_to(AnswerPosted)
def note_what_an_answer_reuses(event: AnswerPosted) -> None:
    """Count the articles that an answer of the team or a trusted member leads to as reused there."""
    _note_uses(event.post_id)


@listens_to(PostEdited)
def note_what_an_edited_answer_reuses(event: PostEdited) -> None:
    """Count what was added, and no longer what was taken out."""
    _note_uses(event.post_id)


@listens_to(PostUnmuted)
def note_what_a_released_answer_reuses(event: PostUnmuted) -> None:
    """Count what was held when it was posted, or muted for a while."""
    _note_uses(event.post_id)


@listens_to(TopicUnmuted)
def note_what_released_answers_reuse(event: TopicUnmuted) -> None:
    """Count what stands below a question that everybody sees again."""
    _note_uses_below(event.topic_id)


@listens_to(PostMuted)
def forget_what_a_muted_answer_reuses(event: PostMuted) -> None:
    """Count nothing where not everybody reads it: a number tells of it, too."""
    _note_uses(event.post_id)


@listens_to(TopicMuted)
def forget_what_muted_answers_reuse(event: TopicMuted) -> None:
    """Count nothing below a question that not everybody sees."""
    _note_uses_below(event.topic_id)


@listens_to(PostsMoved)
def link_where_the_posts_are(event: PostsMoved) -> None:
    """Have the article made from a post linked in the topic where the post is now, and not where it was."""
    of_these = select(ArticleSource.article_id).where(ArticleSource.post_id.in_(event.post_ids))
    for article in db.session.scalars(select(Article).where(Article.id.in_(of_these)).order_by(Article.id)).unique():
        left = db.session.get(Topic, event.from_id)
        if left is not None and left not in {source.post.topic for source in article.sources}:
            topics.remove_see_also(left, url=addresses.of_article(article))
        articles.link_threads(article)


@listens_to(AcceptanceUndone)
def retract(event: AcceptanceUndone) -> None:
    """Take the nomination back, unless the answer was accepted once more meanwhile."""
    post = db.session.get(Post, event.post_id)
    accepted = db.session.scalar(select(Acceptance.id).where(Acceptance.post_id == event.post_id))
    if post is not None and accepted is None:
        promotion.retract(post)


@listens_to(AnswerContradicted)
def doubt_what_is_contradicted(event: AnswerContradicted) -> None:
    """Mark the articles made from a solution that does not work for others."""
    doubts.look_at(event.post_id)


@listens_to(ContradictionLifted)
def trust_what_is_not_contradicted(event: ContradictionLifted) -> None:
    """Lift the mark of the articles made from a solution that works after all."""
    doubts.look_at(event.post_id)


@listens_to(AcceptanceUndone)
def doubt_what_is_no_solution(event: AcceptanceUndone) -> None:
    """Mark the articles made from an answer that is no solution any more, unless it was accepted once more."""
    doubts.look_at(event.post_id, is_undone=True)


@listens_to(AnswerAccepted)
def trust_what_is_accepted(event: AnswerAccepted) -> None:
    """Lift the mark of the articles made from an answer that is the solution again."""
    doubts.look_at(event.post_id)


@listens_to(PostMuted)
def doubt_what_is_muted(event: PostMuted) -> None:
    """Mark the articles made from an answer that is muted."""
    doubts.look_at(event.post_id)


@listens_to(PostUnmuted)
def trust_what_is_unmuted(event: PostUnmuted) -> None:
    """Lift the mark of the articles made from an answer that everybody reads again."""
    doubts.look_at(event.post_id)


@listens_to(ObsolescenceChanged)
def look_whether_it_is_obsolete(event: ObsolescenceChanged) -> None:
    """Mark the articles made from an answer that is obsolete, or lift the mark when it holds again."""
    doubts.look_at(event.post_id)


@listens_to(TopicMuted)
def doubt_what_stands_in_a_muted_topic(event: TopicMuted) -> None:
    """Mark the articles made from answers in a topic that is muted."""
    _look_at_topic(event.topic_id)


@listens_to(TopicUnmuted)
def trust_what_stands_in_an_unmuted_topic(event: TopicUnmuted) -> None:
    """Lift the mark of the articles made from answers in a topic that everybody reads again."""
    _look_at_topic(event.topic_id)


@listens_to(ArticlePublished)
def tell_authors(event: ArticlePublished) -> None:
    """Tell the author of the answer and the asker that an article was made of it: once, and not the editor."""
    article = db.session.get(Article, event.article_id)
    if article is None or not event.is_first or not article.is_published or article.audience == "team":
        return
    for source in article.sources:
        _tell(article, source, event.by_id)


@listens_to(ArticlePublished)
def settle_points(event: ArticlePublished) -> None:
    """Give the points for what became an article."""
    _settle(event.article_id)


@listens_to(ReadershipChanged)
def settle_points_again(event: ReadershipChanged) -> None:
    """Take them back, or give them, when fewer or more people may read it."""
    _settle(event.article_id)


@listens_to(ArticlePublished)
def tell_followers(event: ArticlePublished) -> None:
    """Tell who follows the article, unless only a typo went or it was taken back or replaced meanwhile."""
    article = db.session.get(Article, event.article_id)
    if article is None or not article.is_published or article.published is None or event.significance == "typo":
        return
    if article.published.id == event.revision_id:
        following.tell(article, article.published, by_id=event.by_id, is_first=event.is_first)


@notifications.kind("article_published", group="articles")
def _article_published(notification: Notification) -> str:
    article = db.session.get(Article, notification.data.get("article_id"))
    words = article.published if article is not None and article.is_published else None
    if notification.data.get("part") == "answer":
        if words is None:
            return str(gettext("Your answer became an article, which is being revised at the moment."))
        reader = db.session.get(User, notification.user_id)
        if reader is not None and not reader.is_named:
            return str(
                gettext(
                    "Your answer became the article “%(title)s”. You are not named, as you wished.", title=words.title
                )
            )
        return str(
            gettext("Your answer became the article “%(title)s”. You are named as its author.", title=words.title)
        )
    if words is None:
        return str(gettext("Your question became an article, which is being revised at the moment."))
    return str(gettext("Your question became the article “%(title)s”.", title=words.title))


@notifications.kind("nomination_waits", group="alarms")
def _nomination_waits(notification: Notification) -> str:
    title = notification.topic.title if notification.topic is not None else ""
    return str(gettext("The nomination of “%(title)s” still waits for an editor.", title=title))


def _waiting_nominations(after: datetime, before: datetime) -> Iterator[alarms.Waiting]:
    told = select(Notification.id).where(
        Notification.kind == "nomination_waits", Notification.topic_id == Post.topic_id
    )
    waiting = (
        select(Nomination)
        .join(Post, Post.id == Nomination.post_id)
        .where(Nomination.state == "pending", Nomination.at > after, Nomination.at <= before)
        .where(~told.correlate(Post).exists())
        .order_by(Nomination.id)
        .limit(alarms.MOST_AT_ONCE)
    )
    for nomination in db.session.scalars(waiting).unique():
        yield alarms.Waiting(
            key=f"nomination:{nomination.id}",
            kind="nomination_waits",
            url=f"/kb/nominations/{nomination.id}",
            topic=nomination.post.topic,
        )


alarms.contribute("nominations", roles=("editor",), find=_waiting_nominations)


def _settle(article_id: int) -> None:
    article = db.session.get(Article, article_id)
    if article is not None:
        credit.settle(article)


def _look_at_topic(topic_id: int) -> None:
    made_of = select(ArticleSource.post_id).join(Post, Post.id == ArticleSource.post_id)
    for post_id in db.session.scalars(made_of.where(Post.topic_id == topic_id).distinct()).all():
        doubts.look_at(post_id)


def _note_uses(post_id: int) -> None:
    post = db.session.get(Post, post_id)
    if post is not None and post.kind == "answer" and post.author is not None and post.author.is_trusted:
        uses.note_in_answer(post)


def _note_uses_below(topic_id: int) -> None:
    for post_id in db.session.scalars(select(Post.id).where(Post.topic_id == topic_id, Post.kind == "answer")).all():
        _note_uses(post_id)


def _nominate(post_id: int) -> None:
    post = db.session.get(Post, post_id)
    if post is not None:
        promotion.nominate(post)


def _tell(article: Article, source: ArticleSource, editor_id: int) -> None:
    post, topic = source.post, source.post.topic
    for user_id, part in ((post.author_id, "answer"), (topic.asker_id, "question")):
        if user_id is not None and user_id != editor_id:
            # Whoever asked and answered is told once, of the answer: both notices have the same key.
            notifications.notify(
                user_id,
                kind="article_published",
                key=f"article:{article.id}",
                url=addresses.of_article(article),
                topic=topic,
                data={"article_id": article.id, "part": part},
            )
