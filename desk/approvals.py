"""Replies that a second person reads before they go out, where a rule asks for it. Nobody approves their own."""

from flask_babel import gettext, lazy_gettext
from sqlalchemy import select

from accounts import audit
from accounts.models import User
from core import texts
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from desk import heat, holding, policy, queries
from desk.models import Channel
from desk.objections import Draft
from desk.sending_models import AgentProfile, ApprovalRule, HeldReply
from desk.triage.model import INTENTS
from desk.triage.tables import MessageJudgement
from forum import notifications
from forum.models import Notification

LONGEST_NAME = 80
LONGEST_WORDS = 2000
LONGEST_NOTE = 2000


class NeedsApproval(Conflict):
    """A rule wants a second person to read the reply."""

    title = lazy_gettext("A colleague reads this before it goes out")

    def __init__(self, rule: ApprovalRule) -> None:
        super().__init__(gettext("The rule “%(name)s” asks for it.", name=rule.name))
        self.rule = rule


def rule_for(draft: Draft) -> ApprovalRule | None:
    """Return the first rule that asks for a second person; None when the reply may go out."""
    rules = db.session.scalars(select(ApprovalRule).order_by(ApprovalRule.id)).all()
    return next((rule for rule in rules if _applies(rule, draft)), None)


def require(draft: Draft, *, approved_by: User | None) -> None:
    """Raise `NeedsApproval` unless no rule asks for it, or somebody else approved."""
    if approved_by is None and (rule := rule_for(draft)) is not None:
        raise NeedsApproval(rule)


def ask(held: HeldReply) -> None:
    """Tell everybody who may approve that a reply waits."""
    learning = set(db.session.scalars(select(AgentProfile.user_id).where(AgentProfile.is_trainee)))
    notifications.notify_each(
        [agent.id for agent in queries.agents() if agent.id not in {held.by_id, *held.drafters, *learning}],
        kind="reply_to_approve",
        key=f"reply_to_approve:{held.id}",
        url=f"/desk/held/{held.id}",
    )


def may_approve(viewer: User, held: HeldReply) -> bool:
    """Whoever works at the desk, has learnt it, and wrote nothing of the reply."""
    return policy.may_work(viewer) and viewer.id not in {held.by_id, *held.drafters} and not is_trainee(viewer)


def is_trainee(user: User) -> bool:
    profile = db.session.get(AgentProfile, user.id)
    return profile is not None and profile.is_trainee


def give_back(held: HeldReply, *, note: str, by: User) -> None:
    """Give a reply back to who wrote it, with a word on why."""
    require_waiting(held, by=by)
    note = texts.block(note, longest=LONGEST_NOTE, shortest=0)
    held.state, held.reason, held.note, held.note_by_id = "back", "returned", note, by.id
    db.session.flush()
    audit.record("desk.reply.give_back", held.conversation, by=by, after={"author": held.by_id, "rule": held.rule})
    holding.tell_author(held)


def require_waiting(held: HeldReply, *, by: User) -> None:
    """Hold the reply for a decision of this person; raise when it is not theirs to make, or was made."""
    if not may_approve(by, held):
        raise NotAllowed(
            gettext("Somebody else approves this: nobody who wrote in it, and nobody who is still learning.")
        )
    holding.require_waiting(held)


def add(
    name: str,
    *,
    channel: Channel | None,
    of_trainees: bool,
    least_heat: int | None,
    words: str,
    by: User,
    intent: str | None = None,
) -> ApprovalRule:
    """Write down a new rule; raise `Invalid` when it has no name or no condition."""
    if not policy.may_manage_approvals(by):
        raise NotAllowed
    wrong = {}
    name = texts.line(name, longest=LONGEST_NAME, shortest=0)
    words = texts.block(words, longest=LONGEST_WORDS, shortest=0).strip()
    if not name:
        wrong["name"] = gettext("This is still empty.")
    elif db.session.scalar(select(ApprovalRule.id).where(ApprovalRule.name == name)):
        wrong["name"] = gettext("There is a rule of this name already.")
    if least_heat is not None and not 1 <= least_heat <= 100:  # noqa: PLR2004 -- a share
        wrong["least_heat"] = gettext("A number from 1 to 100, please.")
    if intent is not None and intent not in INTENTS:
        wrong["intent"] = gettext("Please choose one of these.")
    if channel is None and not of_trainees and least_heat is None and not words and intent is None:
        wrong["words"] = gettext("At least one condition, please: else every reply would wait.")
    if wrong:
        raise Invalid(gettext("Some fields need another look."), fields=wrong)
    rule = ApprovalRule(
        name=name,
        channel_id=None if channel is None else channel.id,
        of_trainees=of_trainees,
        least_heat=least_heat,
        intent=intent,
        words=words,
    )
    db.session.add(rule)
    db.session.flush()
    audit.record("desk.approval_rule.add", rule, by=by, after={"name": name})
    return rule


def remove(rule: ApprovalRule, *, by: User) -> None:
    """Take a rule away; what waits because of it goes on waiting."""
    if not policy.may_manage_approvals(by):
        raise NotAllowed
    audit.record("desk.approval_rule.remove", rule, by=by, before={"name": rule.name})
    db.session.delete(rule)
    db.session.flush()


def rules() -> list[ApprovalRule]:
    """Return every rule, the oldest first."""
    return list(db.session.scalars(select(ApprovalRule).order_by(ApprovalRule.id)))


def _applies(rule: ApprovalRule, draft: Draft) -> bool:
    if rule.channel_id is not None and rule.channel_id != draft.conversation.channel_id:
        return False
    if rule.of_trainees and not is_trainee(draft.by):
        return False
    said = [draft.text, draft.asked.text if draft.asked is not None else ""]
    if rule.least_heat is not None and heat.in_conversation(draft) < rule.least_heat:
        return False
    if rule.intent is not None and rule.intent != _intent(draft):
        return False
    expressions = [line.strip().casefold() for line in rule.words.splitlines() if line.strip()]
    return not expressions or any(one in text.casefold() for one in expressions for text in said)


def _intent(draft: Draft) -> str | None:
    if draft.asked is None:
        return None
    return db.session.scalar(select(MessageJudgement.intent).where(MessageJudgement.message_id == draft.asked.id))


@notifications.kind("reply_to_approve", group="tasks")
def _reply_to_approve(_notification: Notification) -> str:
    return str(gettext("A reply waits for you to approve it."))
