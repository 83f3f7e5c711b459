"""Colleagues look at each other's closed cases: drawn by chance, by questions with yes or no that admins write.

It takes two: who had the case reads what was said, alone, before it counts. Then it counts for the whole desk without
anybody's name; of oneself one sees it alone.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from flask_babel import gettext
from sqlalchemy import ColumnElement, and_, or_, select

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.problems import at
from core.unique import add_once
from desk import policy, queries
from desk.clock_models import ConversationClock
from desk.figure_models import PeerAnswer, PeerCriterion, PeerReview
from desk.models import Conversation, Message
from forum import notifications
from forum.models import Notification

DRAWN_FROM: Final = timedelta(days=30)
MOST_DRAWN_FROM: Final = 2000
MOST_CRITERIA: Final = 12
MOST_SHOWN: Final = 50
LONGEST_CRITERION: Final = 200
LONGEST_WORDS: Final = 2000


def criteria() -> Sequence[PeerCriterion]:
    """Return the questions by which a case is looked at now, in their order."""
    standing = select(PeerCriterion).where(PeerCriterion.removed_at.is_(None))
    return db.session.scalars(standing.order_by(PeerCriterion.position, PeerCriterion.id)).all()


def add_criterion(words: str, *, by: User) -> PeerCriterion:
    """Add a question; raise `Invalid` where it is empty, there already, or one too many."""
    if not policy.may_manage_clocks(by):
        raise NotAllowed
    with at("words"):
        words = texts.line(words, longest=LONGEST_CRITERION, shortest=3)
    there = criteria()
    if any(one.words.casefold() == words.casefold() for one in there):
        sentence = gettext("This question is asked already.")
        raise Invalid(sentence, fields={"words": sentence})
    if len(there) >= MOST_CRITERIA:
        sentence = gettext("More than %(most)s questions are no small form.", most=MOST_CRITERIA)
        raise Invalid(sentence, fields={"words": sentence})
    criterion = PeerCriterion(words=words, position=max((one.position for one in there), default=0) + 1)
    db.session.add(criterion)
    db.session.flush()
    audit.record("desk.peer_criterion.add", criterion, by=by, after={"words": words})
    return criterion


def remove_criterion(criterion_id: int, *, by: User) -> None:
    """Ask a question no more; what was answered stays. Twice is once."""
    if not policy.may_manage_clocks(by):
        raise NotAllowed
    criterion = db.session.get(PeerCriterion, criterion_id) if 0 < criterion_id <= LARGEST_ID else None
    if criterion is None:
        raise NotFound
    if criterion.removed_at is None:
        criterion.removed_at = now()
        db.session.flush()
        audit.record("desk.peer_criterion.remove", criterion, by=by, before={"words": criterion.words})


def draw(*, by: User) -> PeerReview:
    """Give somebody a closed case of a colleague to look at, by chance; the one they have not written yet comes first.

    Raise `Invalid` where there is none, or nothing is asked.
    """
    if not policy.may_work(by):
        raise NotAllowed
    unwritten = select(PeerReview).where(PeerReview.reviewer_id == by.id, PeerReview.written_at.is_(None))
    begun = db.session.scalars(unwritten.limit(1)).first()
    if begun is not None:
        return begun
    if not criteria():
        raise Invalid(gettext("Nothing is asked yet: an admin writes the questions first."))
    colleagues = [agent.id for agent in queries.agents() if agent.id != by.id]
    found = (
        select(Conversation.id, Conversation.assignee_id)
        .join(ConversationClock, ConversationClock.conversation_id == Conversation.id)
        .where(
            Conversation.state == "solved",
            ConversationClock.solved_at > now() - DRAWN_FROM,
            Conversation.assignee_id.in_(colleagues),
            select(Message.id).where(_is_theirs()).exists(),
            Conversation.id.not_in(select(PeerReview.conversation_id)),
        )
    )
    cases = db.session.execute(found.limit(MOST_DRAWN_FROM)).all()
    if not cases:
        raise Invalid(gettext("No closed case of the last 30 days is left that a colleague had."))
    chosen = secrets.choice(cases)
    add_once(
        PeerReview,
        conversation_id=chosen[0],
        reviewed_id=chosen[1],
        reviewer_id=by.id,
        drawn_at=now(),
        words="",
        reply="",
    )
    review = db.session.scalars(select(PeerReview).where(PeerReview.conversation_id == chosen[0])).one()
    if review.reviewer_id != by.id:
        raise Conflict(gettext("A colleague drew the same case at this moment. Please draw again."))
    return review


def give_back(review: PeerReview, *, by: User) -> None:
    """Put a case back that one does not want to look at: it can be drawn again."""
    if review.reviewer_id != by.id:
        raise NotAllowed
    if review.written_at is not None:
        raise Conflict(gettext("You have written this review already."))
    db.session.delete(review)
    db.session.flush()


def write(review: PeerReview, answers: Mapping[int, bool], *, words: str, by: User) -> None:
    """Keep what a colleague says to each question; until it is read they may change it."""
    if review.reviewer_id != by.id:
        raise NotAllowed
    if review.seen_at is not None:
        raise Conflict(gettext("Your colleague has read this review already."))
    with at("words"):
        words = texts.block(words, longest=LONGEST_WORDS)
    asked = {one.id for one in criteria()}
    if set(answers) != asked:
        sentence = gettext("Please answer every question with yes or no.")
        raise Invalid(sentence, fields={"answers": sentence})
    is_first = review.written_at is None
    review.answers = [PeerAnswer(criterion_id=one, is_met=is_met) for one, is_met in answers.items()]
    review.words, review.written_at = words, now()
    db.session.flush()
    if is_first:
        notifications.notify(
            review.reviewed, kind="peer_review", key=f"peer_review:{review.id}", url=f"/desk/reviews/{review.id}"
        )


def read(review: PeerReview, *, reply: str, by: User) -> None:
    """Say that one has read what a colleague says of one's case, and what one says to it; from now on it counts."""
    if review.reviewed_id != by.id or review.written_at is None:
        raise NotAllowed
    with at("reply"):
        reply = texts.block(reply, longest=LONGEST_WORDS)
    review.seen_at, review.reply = review.seen_at or now(), reply
    db.session.flush()


def visible_review(review_id: int, *, viewer: Viewer) -> PeerReview:
    """Return a review, held until the end of the transaction: to who writes it, and to whom it is about once it is."""
    found = None
    if policy.may_work(viewer) and 0 < review_id <= LARGEST_ID:
        wanted = select(PeerReview).where(PeerReview.id == review_id, _concerns(viewer))
        found = db.session.scalars(wanted.with_for_update(of=PeerReview)).unique().one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such review for you."))
    return found


def reviews_of(viewer: Viewer) -> Sequence[PeerReview]:
    """Return what this person writes, and what was written to them, the newest first."""
    if not policy.may_work(viewer):
        return []
    mine = select(PeerReview).where(_concerns(viewer)).order_by(PeerReview.id.desc()).limit(MOST_SHOWN)
    return db.session.scalars(mine).unique().all()


def _concerns(viewer: Viewer) -> ColumnElement[bool]:
    about = and_(PeerReview.reviewed_id == viewer.id, PeerReview.written_at.is_not(None))
    return or_(PeerReview.reviewer_id == viewer.id, about)


def _is_theirs() -> ColumnElement[bool]:
    return and_(
        Message.conversation_id == Conversation.id,
        Message.direction == "out",
        Message.by_id == Conversation.assignee_id,
    )


@notifications.kind("peer_review", group="tasks")
def _peer_review(_notification: Notification) -> str:
    return str(gettext("A colleague looked at one of your closed cases. You read first what they say."))
