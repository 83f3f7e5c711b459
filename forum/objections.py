"""Objecting to a muting: its author says once why it should not be, and the team answers."""

from flask_babel import gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core import outbox, problems, texts
from core.clock import now
from core.db import db
from core.errors import Conflict, NotAllowed
from core.unique import add_once
from forum import limits, moderation, policy
from forum.events import ObjectionAnswered, ObjectionRaised
from forum.models import Muting, Objection, Post


def raise_against(post: Post, *, text: str, by: User) -> Objection:
    """Say why a post, or the topic of a question, should not be muted: once for each muting."""
    if not policy.may_object(by, post):
        raise NotAllowed(gettext("Only its author can object, as long as it is muted."))
    with problems.at("text"):
        text = texts.block(text.strip(), longest=limits.LONGEST_OBJECTION, shortest=limits.SHORTEST_REASON)
    muting = post.topic.muting if post.kind == "question" else post.muting
    assert muting is not None  # noqa: S101 -- for the type checker: the policy has asked
    subject = {"topic_id": muting.topic_id, "post_id": muting.post_id}
    if not add_once(Objection, muting_id=muting.id, author_id=by.id, text=text, answer="", at=now(), **subject):
        raise Conflict(gettext("You objected to this already, and the team has it."))
    objection = db.session.scalars(select(Objection).where(Objection.muting_id == muting.id)).one()
    outbox.publish(ObjectionRaised(objection.id))
    return objection


def answer(objection: Objection, *, text: str, lifts: bool, by: User) -> None:
    """Answer an author: the muting stays, or it is lifted."""
    if not policy.may_mute(by):
        raise NotAllowed(gettext("Only moderators answer objections."))
    with problems.at("text"):
        text = limits.reason(text)
    # Of two moderators at the same moment the second waits here and then sees what the first one answered.
    db.session.execute(select(Objection.id).where(Objection.id == objection.id).with_for_update())
    db.session.refresh(objection, ["answered_at", "muting_id"])
    if not objection.is_open:
        raise Conflict(gettext("This was answered meanwhile, or the muting was lifted."))
    objection.answer, objection.answered_by_id, objection.answered_at = text, by.id, now()
    muting = db.session.get_one(Muting, objection.muting_id)
    subject = moderation.subject_of(muting)
    audit.record("forum.objection.answer", objection, by=by, reason=text, after={"lifts": lifts})
    if lifts:
        moderation.unmute(subject, by=by, reason=text)
    outbox.publish(ObjectionAnswered(objection.id))
