"""Whether a solution worked for those who tried it.

It stands first until it is contradicted: by the asker, or by more people than it helped among the latest who tried it
(`contradictions_among`), at least `contradictions_needed` of them. Who changes their mind changes their one row.
"""

from collections.abc import Collection, Mapping, Sequence

from flask_babel import gettext
from sqlalchemy import delete, select

from accounts import audit
from accounts.models import User
from core import outbox
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from core.problems import Problems
from core.settings import current_settings
from forum import limits, policy
from forum.events import AnswerContradicted, ContradictionLifted
from forum.models import Acceptance, Experience, Post, Topic


def tell(post: Post, *, has_worked: bool, version: str = "", words: str = "", by: User) -> Experience:
    """Say whether an accepted answer worked, with which version or device, in a few words."""
    if not policy.may_tell_experience(by, post):
        raise _refusal(by, post)
    problems = Problems()
    version = problems.take("version", lambda: limits.public_line(version, longest=limits.LONGEST_VERSION, by=by), "")
    words = problems.take("words", lambda: limits.public_line(words, longest=limits.LONGEST_EXPERIENCE, by=by), "")
    if not has_worked and not words:
        problems.fields.setdefault("words", gettext("A few words, please: what happened instead?"))
    problems.refuse()
    acceptance = _locked(post)
    if acceptance is None:
        raise Invalid(gettext("This is asked of solutions only."))
    found = of(by, post)
    if found is None:
        found = Experience(post_id=post.id, user_id=by.id)
        db.session.add(found)
    found.has_worked, found.version, found.words, found.at = has_worked, version, words, now()
    db.session.flush()
    count(acceptance)
    return found


def withdraw(post: Post, *, by: User) -> None:
    """Take back what one said; who said nothing changes nothing."""
    if not policy.may_tell_experience(by, post):
        raise _refusal(by, post)
    forget(post, by=by)


def forget(post: Post, *, by: User) -> None:
    """Take back what somebody said; who calls has asked the policy.

    An asker's word weighs more, so with another asker the solutions of the topic are weighed anew.
    """
    acceptance = _locked(post)
    db.session.execute(delete(Experience).where(Experience.post_id == post.id, Experience.user_id == by.id))
    if post.kind == "question":
        for one in db.session.scalars(select(Acceptance).where(Acceptance.topic_id == post.topic_id)).unique():
            count(one)
    elif acceptance is not None:
        count(acceptance)


def remove(experience: Experience, *, by: User, reason: str) -> None:
    """Take away what somebody said, for a reason that stands in the log."""
    if not policy.may_remove_experience(by):
        raise NotAllowed(gettext("Only moderators can remove this."))
    reason = limits.reason(reason)
    post = db.session.get_one(Post, experience.post_id)
    acceptance = _locked(post)
    said = {"user_id": experience.user_id, "has_worked": experience.has_worked, "version": experience.version}
    audit.record("forum.experience.remove", post, by=by, reason=reason, before={**said, "words": experience.words})
    db.session.delete(experience)
    db.session.flush()
    if acceptance is not None:
        count(acceptance)


def of(user: User, post: Post) -> Experience | None:
    """Return what this person said about the answer."""
    return db.session.scalars(
        select(Experience).where(Experience.post_id == post.id, Experience.user_id == user.id)
    ).first()


def with_these(acceptances: Collection[Acceptance]) -> Mapping[int, Sequence[Experience]]:
    """Return what people said about solutions, by post, the latest first; asks nothing where nobody said anything."""
    told = [one.post_id for one in acceptances if one.worked_count or one.failed_count]
    found: dict[int, list[Experience]] = {post_id: [] for post_id in told}
    if told:
        rows = (
            select(Experience).where(Experience.post_id.in_(told)).order_by(Experience.at.desc(), Experience.id.desc())
        )
        for experience in db.session.scalars(rows).unique():
            found[experience.post_id].append(experience)
    return found


def count(acceptance: Acceptance, *, tells: bool = True) -> None:
    """Count what was said about the answer that this acceptance names, and whether that contradicts it.

    Whoever calls holds the lock of the topic. Of what an import brings nobody `tells`.
    """
    settings = current_settings()
    rows = select(Experience).where(Experience.post_id == acceptance.post_id)
    latest_first = rows.order_by(Experience.at.desc(), Experience.id.desc())
    told = list(db.session.scalars(latest_first.execution_options(populate_existing=True)).unique())
    acceptance.worked_count = sum(one.has_worked for one in told)
    acceptance.failed_count = len(told) - acceptance.worked_count
    latest = told[: settings.contradictions_among]
    failed = sum(not one.has_worked for one in latest)
    asker_id = acceptance.topic.asker_id
    by_asker = any(not one.has_worked and one.user_id == asker_id and one.at >= acceptance.at for one in told)
    if by_asker or (failed >= settings.contradictions_needed and failed > len(latest) - failed):
        if acceptance.contradicted_at is None:
            acceptance.contradicted_at = now()
            if tells:
                outbox.publish(AnswerContradicted(acceptance.topic_id, acceptance.post_id))
    elif acceptance.contradicted_at is not None:
        acceptance.contradicted_at = None
        outbox.publish(ContradictionLifted(acceptance.topic_id, acceptance.post_id))
    db.session.flush()


def _locked(post: Post) -> Acceptance | None:
    # Two who tell at the same moment are counted one after the other.
    db.session.flush()
    db.session.execute(select(Topic.id).where(Topic.id == post.topic_id).with_for_update(key_share=True))
    found = select(Acceptance).where(Acceptance.post_id == post.id).execution_options(populate_existing=True)
    return db.session.scalars(found).unique().first()


def _refusal(by: User, post: Post) -> NotAllowed:
    if not by.is_authenticated:
        return NotAllowed(gettext("Please sign in to say whether it worked."))
    if by.id == post.author_id:
        return NotAllowed(gettext("Only others can say whether your answer worked."))
    return NotAllowed(gettext("This is asked of solutions only."))
