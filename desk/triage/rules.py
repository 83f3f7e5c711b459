"""Rules: if a message is so, the desk does that, once for each message, in their order.

Words are looked for as they are, never as patterns, so no rule takes more than linear time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from accounts import audit, people
from accounts.models import User
from core import texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from core.unique import add_once
from desk import clocks, conversations, policy, queries
from desk.models import Channel, Contact, Conversation, Message
from desk.triage import priority
from desk.triage.model import INTENTS
from desk.triage.tables import (
    LONGEST_NAME,
    LONGEST_TAG,
    ConversationMute,
    ConversationTag,
    DeskRule,
    DeskRuleHit,
    MessageJudgement,
)
from forum import notifications
from forum.models import Notification

MOST_RULES: Final = 100
MOST_WORDS: Final = 30
LONGEST_WORDS: Final = 1000
LARGEST_REACH: Final = 10**9
LOOKED_BACK: Final = timedelta(days=30)
MOST_LOOKED_AT: Final = 5000
MOST_SHOWN: Final = 50
DEEDS: Final = {
    "tag": _l("tagged"),
    "assign": _l("given to somebody"),
    "lift": _l("moved in the queue"),
    "mute": _l("muted"),
    "complete": _l("completed"),
    "alert": _l("the agents told"),
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule may go by."""

    text: str
    author: str
    channel: str
    locale: str
    reach: int | None
    intent: str
    is_public: bool


@dataclass(frozen=True, slots=True)
class Trial:
    """What a rule would have done over the past."""

    looked_at: int
    matched: int
    changes: Sequence[tuple[Message, Sequence[str]]]
    """The newest messages that it would have changed something for, each with its deeds."""


def rules() -> list[DeskRule]:
    """Return every rule in the order in which they are asked."""
    return list(db.session.scalars(select(DeskRule).order_by(DeskRule.position, DeskRule.id)))


def rule(rule_id: int) -> DeskRule:
    found = db.session.get(DeskRule, rule_id) if 0 < rule_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("There is no such rule."))
    return found


def write(
    existing: DeskRule | None,
    *,
    name: str,
    conditions: Mapping[str, Any],
    deeds: Mapping[str, Any],
    stops: bool,
    by: User,
) -> DeskRule:
    """Make a rule, which is off at first, or change one."""
    _require_admin(by)
    name, conditions, deeds = checked(name, conditions, deeds)
    before = None if existing is None else _said(existing)
    if existing is None:
        many, last = db.session.execute(select(func.count(DeskRule.id), func.max(DeskRule.position))).one()
        if many >= MOST_RULES:
            raise Invalid(gettext("There are %(most)s rules already, and no more fit.", most=MOST_RULES))
        existing = DeskRule(position=(last or 0) + 1, by_id=by.id)
        db.session.add(existing)
    existing.name, existing.conditions, existing.deeds, existing.stops = name, conditions, deeds, stops
    db.session.flush()
    audit.record("desk.rule.write", existing, by=by, before=before, after=_said(existing))
    return existing


def switch(which: DeskRule, *, on: bool, by: User) -> None:
    _require_admin(by)
    if (which.switched_on_at is not None) == on:
        return
    which.switched_on_at = now() if on else None
    db.session.flush()
    audit.record("desk.rule.switch_on" if on else "desk.rule.switch_off", which, by=by)


def move(which: DeskRule, *, up: bool, by: User) -> None:
    """Have a rule asked before the one above it, or after the one below it."""
    _require_admin(by)
    every = rules()
    place = every.index(which)
    other = place - 1 if up else place + 1
    if not 0 <= other < len(every):
        return
    every[place], every[other] = every[other], every[place]
    for position, one in enumerate(every, 1):
        one.position = position
    db.session.flush()
    audit.record("desk.rule.move", which, by=by, before={"place": place + 1}, after={"place": other + 1})


def remove(which: DeskRule, *, by: User) -> None:
    """Forget a rule; what it did stays done."""
    _require_admin(by)
    audit.record("desk.rule.remove", which, by=by, before=_said(which))
    db.session.delete(which)
    db.session.flush()


def apply(message: Message, conversation: Conversation, judgement: MessageJudgement) -> None:
    """Ask every rule about a message, and do what those say that it is for."""
    facts = _facts(message, conversation, judgement)
    for one in rules():
        if one.switched_on_at is None or not matches(one.conditions, facts):
            continue
        done = changes(one.deeds, conversation, tags=_tags([conversation.id]).get(conversation.id, frozenset()))
        if add_once(
            DeskRuleHit, rule_id=one.id, message_id=message.id, conversation_id=conversation.id, did=done, at=now()
        ):
            _do(one, done, message, conversation)
        if one.stops:
            return


def matches(conditions: Mapping[str, Any], facts: Facts) -> bool:
    """Tell whether a message is as the conditions say; each that is set must hold."""
    text, author = facts.text.casefold(), facts.author.casefold()
    return bool(conditions) and all(_holds(name, wanted, facts, text, author) for name, wanted in conditions.items())


def _holds(name: str, wanted: Any, facts: Facts, text: str, author: str) -> bool:
    holds: bool
    match name:
        case "words":
            holds = any(word in text for word in wanted)
        case "author":
            holds = wanted in author
        case "channel":
            holds = wanted == facts.channel
        case "locale":
            holds = wanted == facts.locale
        case "intents":
            holds = facts.intent in wanted
        case "reach_from":
            holds = facts.reach is not None and facts.reach >= wanted
        case "reach_to":
            holds = facts.reach is not None and facts.reach <= wanted
        case "public":
            holds = wanted == facts.is_public
        case _:
            holds = False  # a condition that nobody knows any more holds for nothing
    return holds


def changes(deeds: Mapping[str, Any], conversation: Conversation, *, tags: Iterable[str]) -> list[str]:
    """Return which of the deeds would change something about a conversation."""
    done = []
    if deeds.get("tag") and deeds["tag"] not in tags:
        done.append("tag")
    if deeds.get("assign") and conversation.assignee_id is None:
        done.append("assign")
    if deeds.get("lift"):
        done.append("lift")
    if deeds.get("mute"):
        done.append("mute")
    if (deeds.get("complete") or deeds.get("mute")) and conversation.state not in {"solved", "no_answer"}:
        done.append("complete")
    if deeds.get("alert"):
        done.append("alert")
    return done


def try_out(conditions: Mapping[str, Any], deeds: Mapping[str, Any]) -> Trial:
    """Return what a rule would have done for the messages of the last weeks; nothing is changed."""
    rows = db.session.execute(
        select(Message, Conversation, MessageJudgement)
        .join(MessageJudgement, MessageJudgement.message_id == Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(MessageJudgement.at > now() - LOOKED_BACK)
        .order_by(MessageJudgement.at.desc(), MessageJudgement.id.desc())
        .limit(MOST_LOOKED_AT)
    ).all()
    matched = [
        (message, conversation)
        for message, conversation, judgement in rows
        if matches(conditions, _facts(message, conversation, judgement))
    ]
    tags = _tags([conversation.id for _message, conversation in matched])
    found = []
    for message, conversation in matched[:MOST_SHOWN]:
        found.append((message, changes(deeds, conversation, tags=tags.get(conversation.id, frozenset()))))
    return Trial(len(rows), len(matched), found)


def hits(conversation: Conversation) -> list[DeskRuleHit]:
    """Return what rules did for a conversation, the newest first."""
    return list(
        db.session.scalars(
            select(DeskRuleHit)
            .where(DeskRuleHit.conversation_id == conversation.id)
            .order_by(DeskRuleHit.id.desc())
            .limit(MOST_SHOWN)
        )
    )


def checked(
    name: str, conditions: Mapping[str, Any], deeds: Mapping[str, Any]
) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return a rule as it is kept; raise `Invalid` with the fields that need another look."""
    wrong: dict[str, str] = {}
    words = [one.casefold() for one in _listed(str(conditions.get("words") or ""))]
    if len(words) > MOST_WORDS:
        wrong["words"] = gettext("At most %(most)s words or phrases, separated by commas.", most=MOST_WORDS)
    kept: dict[str, Any] = {
        "words": words,
        "author": str(conditions.get("author") or "").strip().casefold(),
        "channel": conditions.get("channel") or "",
        "locale": conditions.get("locale") or "",
        "intents": [one for one in INTENTS if one in (conditions.get("intents") or ())],
        "reach_from": conditions.get("reach_from"),
        "reach_to": conditions.get("reach_to"),
        "public": conditions.get("public"),
    }
    kept = {field: value for field, value in kept.items() if value not in ("", None, [])}
    if not kept:
        wrong.setdefault("words", gettext("Say at least one thing about the messages that the rule is for."))
    done = {field: value for field, value in deeds.items() if field in DEEDS and value}
    if not done:
        wrong["tag"] = gettext("Say at least one thing that is to be done.")
    if "assign" in done and not _works_here(done["assign"]):
        wrong["assign"] = gettext("There is nobody of this name at the desk.")
    if wrong:
        raise Invalid(gettext("Some fields need another look."), fields=wrong)
    if "tag" in done:
        done["tag"] = texts.line(str(done["tag"]), longest=LONGEST_TAG).casefold()
    return texts.line(name, longest=LONGEST_NAME), kept, done


def mute(conversation: Conversation, *, reason: str, by_id: int | None, rule_id: int | None = None) -> None:
    """Keep a conversation away from the desk: it is complete, and stays so whatever they write."""
    add_once(ConversationMute, conversation_id=conversation.id, by_id=by_id, rule_id=rule_id, reason=reason, at=now())
    _complete(conversation)
    db.session.flush()


def _complete(conversation: Conversation) -> None:
    was_open = conversation.state not in conversations.DONE
    conversation.state = "no_answer"
    clocks.stop(conversation, "no_answer")
    if was_open:
        conversations.note_end(conversation)


def _do(which: DeskRule, done: Sequence[str], message: Message, conversation: Conversation) -> None:
    deeds = which.deeds
    if "tag" in done:
        add_once(ConversationTag, conversation_id=conversation.id, tag=deeds["tag"], at=now())
    if "assign" in done and _works_here(deeds["assign"]):
        clocks.moved(conversation, what="agent", before=conversation.assignee_id, after=deeds["assign"], by=None)
        conversation.assignee_id = deeds["assign"]
    if "lift" in done:
        priority.lift(conversation, deeds["lift"])
    if "mute" in done:
        mute(conversation, reason="rule", by_id=None, rule_id=which.id)
    elif "complete" in done:
        _complete(conversation)
    if "alert" in done:
        notifications.notify_each(
            [agent.id for agent in queries.agents()],
            kind="desk_rule",
            key=f"desk_rule:{which.id}:{message.id}",
            url=f"/desk/conversations/{conversation.id}",
            data={"rule": which.name},
        )
    db.session.flush()
    audit.record(
        "desk.rule.apply", conversation, by=None, reason=which.name, after={"did": list(done), "rule": which.id}
    )


@notifications.kind("desk_rule", group="alarms")
def _alert_words(notification: Notification) -> str:
    name = (notification.data or {}).get("rule", "")
    return str(gettext("A message came in that the rule “%(name)s” tells of.", name=name))


def _facts(message: Message, conversation: Conversation, judgement: MessageJudgement) -> Facts:
    contact: Contact = message.contact or conversation.contact
    channel: Channel = conversation.channel
    return Facts(
        message.text,
        f"{contact.handle} {contact.name}",
        channel.slug,
        judgement.locale,
        contact.reach,
        judgement.intent,
        message.is_public,
    )


def _tags(conversation_ids: Sequence[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    rows = db.session.execute(
        select(ConversationTag.conversation_id, ConversationTag.tag).where(
            ConversationTag.conversation_id.in_(conversation_ids)
        )
    )
    for conversation_id, tag in rows:
        found.setdefault(conversation_id, set()).add(tag)
    return found


def _listed(typed: str) -> list[str]:
    cleaned = " ".join(typed[:LONGEST_WORDS].split())
    return list(dict.fromkeys(one.strip() for one in cleaned.split(",") if one.strip()))


def _works_here(user_id: int) -> bool:
    found = people.by_id(user_id)
    return found is not None and found.is_active and policy.may_work(found)


def _said(which: DeskRule) -> dict[str, Any]:
    return {"name": which.name, "conditions": which.conditions, "deeds": which.deeds, "stops": which.stops}


def _require_admin(by: User) -> None:
    if not policy.may_manage_channels(by):
        raise NotAllowed
