"""What of the desk travels beside its conversations, and what stays behind.

Secrets and numbers stay ciphertext: an installation with the same KLINKE_SECRET_KEY reads them, any other takes the
rest of the line. A channel comes in switched off, since two houses would answer on it; what was to go out comes back to
who wrote it, since nothing leaves by an import.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field
from sqlalchemy import delete, exists, select, update

from accounts.models import AuditEntry, User
from core import timezones
from core.clock import now
from core.db import db
from core.errors import Invalid
from core.transfer import iso
from desk import erasing, filters, moving, transfer
from desk.block_models import (
    AnswerUse,
    ConversationArticle,
    ReplyBlock,
    ReplyBlockFavourite,
    ReplyBlockUse,
    ReplyBlockVersion,
    ReplyTopic,
)
from desk.channels.base import kinds
from desk.clock_models import (
    Acknowledgement,
    AnswerPolicy,
    Calendar,
    ClockEvent,
    ConversationClock,
    EscalationStep,
    Goodwill,
)
from desk.inbox_models import ChecklistItem, ChecklistSign, SavedView
from desk.inside import HandOver, Note, SideTalk
from desk.models import Channel, Contact, Conversation, FollowUp, Message, MessageQuestion, Promised
from desk.moving import MADE, Codec, Reference, Thing, Values, carry, refer
from desk.person_models import (
    CallNote,
    CardLook,
    CardSource,
    ContactJoin,
    ContactMark,
    ContactMember,
    ThreadPost,
)
from desk.promise_models import CallAttempt, CallBack, Promise
from desk.sending_models import AgentProfile, ApprovalRule, Departure, HeldReply
from desk.team_models import Absence, AgentSkills, Giving, Team, TeamMember
from desk.triage import priority
from desk.triage.tables import (
    ConversationMute,
    ConversationStanding,
    ConversationTag,
    DeskRule,
    DeskRuleHit,
    Incident,
    IncidentCase,
    JudgementCorrection,
    MessageJudgement,
    PriorityWeighing,
)
from forum.models import Post, Topic
from kb.models import Article

BEFORE: Final = 37
"""What conversations are sorted into comes in before them."""
BLOCKS: Final = 39
AFTER: Final = 70
LATER: Final = 71
LATEST: Final = 72
_SLUG: Final = re.compile(r"[a-z0-9-]{1,80}")
A_DAY: Final = 1440
DAYS: Final = 7

Minutes = Annotated[int, Field(ge=0, le=A_DAY)]
Span = Annotated[list[Minutes], Field(min_length=2, max_length=2)]
Words = Annotated[str, Field(max_length=1000)]
Some = Annotated[list[Annotated[str, Field(max_length=80)]], Field(max_length=200)]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]


def init_app() -> None:
    _name()
    for thing in (*_before(), *_blocks(), *_beside(), *_judged(), *_sent()):
        carry(thing)
    moving.carry_also("held_reply", _unsent)


def _name() -> None:
    """Say how lines name what rows of the desk belong to."""
    refer("user", moving.by_source(User, "person"))
    refer("conversation", moving.by_source(Conversation, "conversation"))
    refer("topic", moving.by_source(Topic, "topic"))
    refer("article", moving.by_source(Article, "article"))
    refer("channel", moving.by_name(Channel.slug, "channel", Slug))
    for model, label in ((Team, "team"), (Calendar, "calendar"), (AnswerPolicy, "policy"), (CardSource, "card")):
        refer(
            model.__tablename__,
            moving.by_name(model.name, label, Annotated[str, Field(max_length=80)]),
        )
    refer("reply_block", moving.by_name(ReplyBlock.name, "text block"))
    refer("contact", Reference(_contacts, _contact, dict[Literal["channel", "handle"], Words]))
    refer("message", Reference(_messages, _message))
    refer("message_judgement", Reference(_judgements, _judgement, list[moving.Id]))
    refer("post", Reference(_posts, _post))


def _before() -> Iterator[Thing]:
    yield Thing(
        name="channel",
        order=36,
        model=Channel,
        about="A line of type `channel`: a connection to a service; it comes in switched off.",
        once=("slug",),
        stays={"disabled_at": now},
        takes=_is_channel,
    )
    yield Thing(
        name="contact",
        order=BEFORE,
        model=Contact,
        about="A line of type `contact`: somebody on a channel; conversations name them, too.",
        once=("channel_id", "handle"),
        stays={"handle_key": MADE},
        takes=_is_not_forgotten,
    )
    yield Thing(
        name="calendar",
        order=BEFORE,
        model=Calendar,
        about="A line of type `calendar`: when somebody works.",
        once=("name",),
        shapes={
            "week": Annotated[list[list[Span]], Field(min_length=DAYS, max_length=DAYS)],
            "closed": dict[Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")], Words],
        },
        takes=_is_calendar,
    )
    yield Thing(
        name="answer_policy",
        order=BEFORE,
        model=AnswerPolicy,
        about="A line of type `answer_policy`: in what time customers are to have an answer.",
        once=("name",),
    )
    yield Thing(
        name="team",
        order=BEFORE,
        model=Team,
        about="A line of type `team`: who shares conversations, and which go to them.",
        once=("name",),
        codecs={"channel_ids": Codec(_channel_names, _channel_ids)},
        shapes={"channel_ids": Some, "languages": Some, "skills": Some},
    )
    yield Thing(
        name="team_member",
        order=BEFORE,
        model=TeamMember,
        about="A line of type `team_member`: who is in a team.",
        once=("team_id", "user_id"),
    )
    yield Thing(
        name="agent_skills",
        order=BEFORE,
        model=AgentSkills,
        about="A line of type `agent_skills`: what somebody at the desk can do, and how much at once.",
        once=("user_id",),
        shapes={"languages": Some, "skills": Some},
    )
    yield Thing(
        name="agent_profile",
        order=BEFORE,
        model=AgentProfile,
        about="A line of type `agent_profile`: the initials behind somebody's replies, and whether they are learning.",
        once=("user_id",),
    )
    yield Thing(
        name="absence",
        order=BEFORE,
        model=Absence,
        about="A line of type `absence`: who is away until when, and who stands in.",
    )
    yield Thing(
        name="escalation_step",
        order=BEFORE,
        model=EscalationStep,
        about="A line of type `escalation_step`: who decides when an answer is so late, and what they may give away.",
    )
    yield Thing(
        name="approval_rule",
        order=BEFORE,
        model=ApprovalRule,
        about="A line of type `approval_rule`: which replies a second person reads.",
        once=("name",),
    )
    yield Thing(
        name="card_source",
        order=BEFORE,
        model=CardSource,
        about="A line of type `card_source`: where another system tells about customers; its headers stay sealed.",
        once=("name",),
        shapes={"fields": list[dict[Literal["label", "path"], Words]]},
    )
    yield Thing(
        name="priority_weighing",
        order=BEFORE,
        model=PriorityWeighing,
        about="A line of type `priority_weighing`: how much each part counts for who is first.",
        once=("id",),
        stays={"id": 1},
        shapes={"weights": dict[str, Annotated[int, Field(ge=0, le=1000)]]},
        takes=_is_weighing,
    )
    yield Thing(
        name="desk_rule",
        order=BEFORE,
        model=DeskRule,
        about="A line of type `desk_rule`: what happens by itself to what customers write.",
        codecs={"deeds": Codec(_deeds_out, _deeds_back)},
        shapes={
            "conditions": dict[
                Literal["words", "author", "channel", "locale", "intents", "reach_from", "reach_to", "public"], Any
            ],
            "deeds": dict[Literal["tag", "assign", "lift", "mute", "complete", "alert"], Any],
        },
        takes=_is_rule,
    )
    yield Thing(
        name="saved_view",
        order=BEFORE,
        model=SavedView,
        about="A line of type `saved_view`: a view of the inbox that somebody made of filters.",
        codecs={"filters": Codec(_filters_out, _filters_back)},
        shapes={"filters": dict[str, Words]},
    )
    yield Thing(
        name="checklist_item",
        order=BEFORE,
        model=ChecklistItem,
        about="A line of type `checklist_item`: something that a team does every day.",
    )
    yield Thing(
        name="checklist_sign",
        order=BEFORE,
        model=ChecklistSign,
        about="A line of type `checklist_sign`: somebody signed an item off for a day.",
        once=("item_id", "day"),
    )
    yield Thing(
        name="incident",
        order=BEFORE,
        model=Incident,
        about="A line of type `incident`: one cause that many customers write about.",
    )


def _blocks() -> Iterator[Thing]:
    yield Thing(
        name="reply_block_version",
        order=BLOCKS,
        model=ReplyBlockVersion,
        about="A line of type `reply_block_version`: what a text block said before, and who wrote that.",
        once=("block_id", "number"),
        which=lambda: (  # the newest version stands in the block's own line
            ReplyBlockVersion.number
            < select(ReplyBlock.number).where(ReplyBlock.id == ReplyBlockVersion.block_id).scalar_subquery()
        ),
        shapes={"words": dict[str, Annotated[str, Field(max_length=moving.LONGEST_TEXT)]]},
    )
    yield Thing(
        name="reply_block_favourite",
        order=BLOCKS,
        model=ReplyBlockFavourite,
        about="A line of type `reply_block_favourite`: who keeps a text block at hand.",
        once=("block_id", "user_id"),
    )


def _beside() -> Iterator[Thing]:
    """Yield what stands beside conversations and contacts."""
    yield Thing(
        name="contact_join",
        order=AFTER,
        model=ContactJoin,
        about="A line of type `contact_join`: two contacts are one person, and by which proof.",
        once=("one_id", "other_id"),
        takes=_in_order,
    )
    yield Thing(
        name="contact_member",
        order=AFTER,
        model=ContactMember,
        about="A line of type `contact_member`: a contact is a member of the forum, and by which proof.",
        once=("contact_id", "user_id"),
    )
    yield Thing(
        name="contact_mark",
        order=AFTER,
        model=ContactMark,
        about="A line of type `contact_mark`: how it went with somebody, until when that is shown.",
    )
    yield Thing(
        name="card_look",
        order=AFTER,
        model=CardLook,
        about="A line of type `card_look`: who looked at a customer's card, and why.",
    )
    yield Thing(
        name="thread_post",
        order=AFTER,
        model=ThreadPost,
        about="A line of type `thread_post`: what others wrote before in the thread.",
        once=("conversation_id", "external_id"),
    )
    yield Thing(
        name="conversation_tag",
        order=AFTER,
        model=ConversationTag,
        about="A line of type `conversation_tag`: a word by which the desk sorts.",
        once=("conversation_id", "tag"),
    )
    yield Thing(
        name="conversation_mute",
        order=AFTER,
        model=ConversationMute,
        about="A line of type `conversation_mute`: the desk does not want to see a conversation.",
        once=("conversation_id",),
    )
    yield Thing(
        name="conversation_clock",
        order=AFTER,
        model=ConversationClock,
        about="A line of type `conversation_clock`: until when a customer is to have an answer.",
        once=("conversation_id",),
        more={"due": AwareDatetime, "due_for": Promised},
        tell=_due_of,
        takes=_takes_clock,
        after=_set_due,
    )
    yield Thing(
        name="clock_event",
        order=LATER,
        model=ClockEvent,
        about="A line of type `clock_event`: what happened to a conversation's clock; figures are made of these.",
        codecs={"details": Codec(_details_out, _details_back), "key": Codec(_key_out, _key_back)},
        shapes={"details": dict[str, Any], "key": Annotated[str, Field(max_length=100)]},
        takes=lambda values: moving.is_carried("conversation_clock", f"conversation:{values['conversation_id']}"),
    )
    yield Thing(
        name="side_talk",
        order=AFTER,
        model=SideTalk,
        about="A line of type `side_talk`: a question to a colleague outside; its link is not good in another house.",
    )
    yield Thing(
        name="desk_note",
        order=LATER,
        model=Note,
        about="A line of type `desk_note`: words of the team beside a conversation.",
    )
    yield Thing(
        name="hand_over",
        order=AFTER,
        model=HandOver,
        about="A line of type `hand_over`: a conversation given on, with what the next one has to know.",
    )
    yield Thing(
        name="promise",
        order=AFTER,
        model=Promise,
        about="A line of type `promise`: what was promised to a customer, by whom, until when, and what became of it.",
    )
    yield Thing(
        name="call_back",
        order=AFTER,
        model=CallBack,
        about="A line of type `call_back`: whom to call, between when and when; the number stays sealed.",
        stays={"counter_id": None},
    )
    yield Thing(
        name="call_attempt",
        order=LATER,
        model=CallAttempt,
        about="A line of type `call_attempt`: one time that somebody rang.",
    )
    yield Thing(
        name="call_note",
        order=AFTER,
        model=CallNote,
        about="A line of type `call_note`: a call or a visit; who called and what was said stays sealed.",
        stays={"seal": None},
        after=_said_aloud,
    )
    yield Thing(
        name="goodwill",
        order=AFTER,
        model=Goodwill,
        about="A line of type `goodwill`: something given away, who asked and who decided.",
    )
    yield Thing(
        name="giving",
        order=AFTER,
        model=Giving,
        about="A line of type `giving`: a conversation went to somebody by itself, and why to them.",
        once=("conversation_id", "at"),
    )
    yield Thing(
        name="incident_case",
        order=AFTER,
        model=IncidentCase,
        about="A line of type `incident_case`: a conversation belongs to an incident, and what it was told.",
        once=("conversation_id", "incident_id"),
        names={"told_id": "told_by", "solved_id": "solved_by"},
    )
    yield Thing(
        name="conversation_article",
        order=AFTER,
        model=ConversationArticle,
        about="A line of type `conversation_article`: what a conversation is about, or what was made of it.",
        once=("conversation_id", "article_id"),
    )


def _judged() -> Iterator[Thing]:
    """Yield what messages are taken for."""
    yield Thing(
        name="message_judgement",
        order=AFTER,
        model=MessageJudgement,
        about="A line of type `message_judgement`: what a message is taken for.",
        once=("message_id",),
        shapes={
            "reasons": list[Annotated[list[Words], Field(min_length=2, max_length=2)]],
            "private": list[Annotated[list[str | int], Field(min_length=3, max_length=3)]],
        },
    )
    yield Thing(
        name="judgement_correction",
        order=LATER,
        model=JudgementCorrection,
        about="A line of type `judgement_correction`: a person said what a message is; triage learns from it.",
        once=("judgement_id",),
        shapes={"said": dict[str, Any]},
    )
    yield Thing(
        name="conversation_standing",
        order=AFTER,
        model=ConversationStanding,
        about="A line of type `conversation_standing`: what makes a conversation's place in the queue.",
        once=("conversation_id",),
    )
    yield Thing(
        name="desk_rule_hit",
        order=AFTER,
        model=DeskRuleHit,
        about="A line of type `desk_rule_hit`: a rule did something for a message.",
        once=("rule_id", "message_id"),
        shapes={"did": Some},
    )


def _sent() -> Iterator[Thing]:
    """Yield what replies were made of, and what has not left the house."""
    yield Thing(
        name="held_reply",
        order=AFTER,
        model=HeldReply,
        about="A line of type `held_reply`: a reply that did not go out, and with whom it lies.",
        codecs={"uses": Codec(_uses_out, _uses_back), "drafters": Codec(_drafters_out, _drafters_back)},
        shapes={"uses": list[Annotated[list[Any], Field(min_length=1, max_length=5)]], "drafters": Some},
        takes=_is_not_on_its_way,
    )
    yield Thing(
        name="acknowledgement",
        order=LATEST,
        model=Acknowledgement,
        about="A line of type `acknowledgement`: a reply only says that we are at it; the answer is promised.",
        once=("message_id",),
    )
    yield Thing(
        name="reply_block_use",
        order=AFTER,
        model=ReplyBlockUse,
        about="A line of type `reply_block_use`: a reply was written with a text block.",
        once=("block_id", "message_id"),
    )
    yield Thing(
        name="answer_use",
        order=AFTER,
        model=AnswerUse,
        about="A line of type `answer_use`: a reply led to an answer of the forum.",
        once=("post_id", "message_id"),
    )
    yield Thing(
        name="reply_topic",
        order=AFTER,
        model=ReplyTopic,
        about="A line of type `reply_topic`: a public exchange became a question of the forum.",
        once=("reply_id",),
    )
    yield Thing(
        name="message_question",
        order=AFTER,
        model=MessageQuestion,
        about="A line of type `message_question`: a customer's message became a question of the forum.",
        once=("message_id",),
    )
    yield Thing(
        name="follow_up",
        order=AFTER,
        model=FollowUp,
        about="A line of type `follow_up`: the customer was asked whether a reply helped.",
        once=("reply_id",),
    )


def _unsent() -> Iterator[dict[str, Any]]:
    """Yield what is queued or failed as what lies with its writer: nothing leaves by an import."""
    statement = (
        select(Message, Departure)
        .outerjoin(Departure, Departure.message_id == Message.id)
        .where(Message.state.in_(transfer.STAYS), Message.by_id.is_not(None))
        .where((Departure.message_id.is_(None)) | (Departure.part == 1))
        .order_by(Message.id)
    )
    for message, departure in db.session.execute(statement, execution_options={"yield_per": moving.BATCH}):
        is_typed = departure is not None and bool(departure.typed)
        yield {
            "id": f"klinke:message-{message.id}",
            "conversation": moving.name_of("conversation", message.conversation_id),
            "by": moving.name_of("user", message.by_id),
            "state": "back",
            "text": departure.typed if is_typed else message.text,
            "public": message.is_public,
            "uses": _uses_out(departure.uses, {}) if departure is not None else [],
            "split": "",
            "drafters": [] if departure is None else _drafters_out(departure.drafters, {}),
            **(
                {"send": iso(message.send_after)}
                if departure is not None and departure.is_scheduled and message.send_after
                else {}
            ),
            "reason": "undone",
            "rule": "",
            "note": "",
            "created": iso(message.created_at),
        }


def _contacts(ids: Collection[int]) -> Mapping[int, Any]:
    rows = db.session.execute(
        select(Contact.id, Contact.handle, Channel.slug)
        .join(Channel, Channel.id == Contact.channel_id)
        .where(Contact.id.in_(ids))
    )
    return {contact_id: {"channel": slug, "handle": handle} for contact_id, handle, slug in rows}


def _contact(said: Any, _values: Mapping[str, Any]) -> int:
    found = db.session.scalar(
        select(Contact.id)
        .join(Channel, Channel.id == Contact.channel_id)
        .where(Channel.slug == said.get("channel"), Contact.handle == said.get("handle"))
    )
    if found is None:
        raise Invalid(f"unknown contact {said.get('handle')!r}")
    return found


def _messages(ids: Collection[int]) -> Mapping[int, Any]:
    rows = db.session.execute(
        select(Message.id, Message.source_id, Conversation.id, Conversation.source_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.id.in_(ids), Message.state.not_in(transfer.STAYS))
    )
    return {
        message_id: (of_source or f"klinke:{of}", source or f"klinke:{message_id}")
        for message_id, source, of, of_source in rows
    }


def _message(said: Any, values: Mapping[str, Any]) -> int:
    if not values.get("conversation"):
        raise Invalid("a message needs its conversation")
    conversation_id = moving.row_named("conversation", values["conversation"], values)
    found = db.session.scalar(
        select(Message.id).where(Message.conversation_id == conversation_id, Message.source_id == said)
    )
    if found is None:
        raise Invalid(f"unknown message {said!r}")
    return found


def _judgements(ids: Collection[int]) -> Mapping[int, Any]:
    rows = dict(
        db.session.execute(
            select(MessageJudgement.id, MessageJudgement.message_id).where(MessageJudgement.id.in_(ids))
        ).all()
    )
    named = _messages(list(rows.values()))
    return {judgement: list(named[message]) for judgement, message in rows.items() if message in named}


def _judgement(said: Any, _values: Mapping[str, Any]) -> int:
    if len(said) != 2:  # noqa: PLR2004 -- a conversation and a message of it
        raise Invalid("names a conversation and its message")
    message_id = _message(said[1], {"conversation": said[0]})
    found = db.session.scalar(select(MessageJudgement.id).where(MessageJudgement.message_id == message_id))
    if found is None:
        raise Invalid("the message has no judgement")
    return found


def _posts(ids: Collection[int]) -> Mapping[int, Any]:
    rows = db.session.execute(
        select(Post.id, Post.kind, Post.source_id, Topic.id, Topic.source_id)
        .join(Topic, Topic.id == Post.topic_id)
        .where(Post.id.in_(ids))
    )
    return {
        post_id: f"question:{topic_source or f'klinke:{topic_id}'}"
        if kind == "question"
        else source or f"klinke:{post_id}"
        for post_id, kind, source, topic_id, topic_source in rows
    }


def _post(said: Any, values: Mapping[str, Any]) -> int:
    if said.startswith("question:"):
        topic_id = moving.row_named("topic", said.removeprefix("question:"), values)
        found = db.session.scalar(select(Post.id).where(Post.topic_id == topic_id, Post.kind == "question"))
    else:
        found = db.session.scalar(select(Post.id).where(Post.source_id == said))
    if found is None:
        raise Invalid(f"unknown post {said!r}")
    return found


def _is_channel(values: Values) -> bool:
    if values["kind"] not in kinds():
        raise Invalid(f"kind: no channel is of the kind {values['kind']!r}")
    if not _SLUG.fullmatch(values["slug"]):
        raise Invalid("slug: small letters, digits and dashes")
    return True


def _is_not_forgotten(values: Values) -> bool:
    return not erasing.was_erased(db.session.get_one(Channel, values["channel_id"]), values["handle"])


def _is_calendar(values: Values) -> bool:
    if not timezones.is_known(values["time_zone"]):
        raise Invalid(f"time_zone: unknown {values['time_zone']!r}")
    for day in values["week"]:
        if any(begins >= ends for begins, ends in day) or any(one[1] > other[0] for one, other in pairwise(day)):
            raise Invalid("week: hours begin before they end, and come in order")
    return True


def _is_weighing(values: Values) -> bool:
    if set(values["weights"]) != set(priority.weights()):
        raise Invalid("weights: not the parts that count here")
    return True


def _is_rule(values: Values) -> bool:
    conditions = values["conditions"]
    if not conditions or not values["deeds"]:
        raise Invalid("conditions, deeds: a rule needs both")
    for name in ("words", "intents"):
        said = conditions.get(name, [])
        if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
            raise Invalid(f"conditions: {name} is a list of words")
    for name in ("author", "channel", "locale"):
        if not isinstance(conditions.get(name, ""), str):
            raise Invalid(f"conditions: {name} is a word")
    for name in ("reach_from", "reach_to"):
        if not isinstance(conditions.get(name, 0), int):
            raise Invalid(f"conditions: {name} is a number")
    if not isinstance(values["deeds"].get("tag", ""), str) or not isinstance(values["deeds"].get("lift", 0), int):
        raise Invalid("deeds: tag is a word, lift a number")
    return True


def _channel_names(ids: Any, _row: Mapping[str, Any]) -> list[Any]:
    named = db.session.execute(select(Channel.id, Channel.slug).where(Channel.id.in_(ids))).all()
    known = dict(named)
    return [known[one] for one in ids if one in known]


def _channel_ids(slugs: Any, values: Mapping[str, Any]) -> list[int]:
    return [moving.row_named("channel", slug, values) or 0 for slug in slugs]


def _deeds_out(deeds: Any, _row: Mapping[str, Any]) -> dict[str, Any]:
    named = moving.name_of("user", deeds.get("assign"))
    return {name: value for name, value in (deeds | {"assign": named}).items() if value is not None}


def _deeds_back(deeds: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    if "assign" not in deeds:
        return dict(deeds)
    return {**deeds, "assign": moving.row_named("user", str(deeds["assign"]), values)}


def _filters_out(said: Any, _row: Mapping[str, Any]) -> dict[str, str]:
    found = dict(said)
    for name, table in (("channel", "channel"), ("assignee", "user")):
        value = str(found.get(name, ""))
        if value.isdecimal():
            named = moving.name_of(table, int(value))
            found[name] = f"={named}" if named else ""
    return {name: value for name, value in found.items() if value}


def _filters_back(said: Any, values: Mapping[str, Any]) -> dict[str, str]:
    found = dict(said)
    for name, table in (("channel", "channel"), ("assignee", "user")):
        value = str(found.get(name, ""))
        if value.startswith("="):
            found[name] = str(moving.row_named(table, value[1:], values))
    return filters.cleaned(found)


def _uses_out(uses: Any, _row: Mapping[str, Any]) -> list[Any]:
    return [[named, *use[1:]] for use in uses if (named := moving.name_of("article", use[0]))]


def _drafters_out(ids: Any, _row: Mapping[str, Any]) -> list[Any]:
    return [named for one in ids if (named := moving.name_of("user", one))]


def _drafters_back(said: Any, values: Mapping[str, Any]) -> list[Any]:
    return [moving.row_named("user", str(one), values) for one in said]


def _uses_back(uses: Any, values: Mapping[str, Any]) -> list[Any]:
    return [[moving.row_named("article", str(use[0]), values), *use[1:]] for use in uses]


_IN_DETAILS: Final[Mapping[str, Mapping[str, str | None]]] = {
    "moved": {"from": None, "to": None},
    "escalated": {"to": "user", "for": "user", "step": "escalation_step"},
    "acknowledged": {"owner": "user"},
}


def _tables(kind: Any, details: Mapping[str, Any]) -> dict[str, str]:
    moved = "team" if details.get("what") == "team" else "user"
    return {name: table or moved for name, table in _IN_DETAILS.get(kind, {}).items()}


def _details_out(details: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    tables = _tables(row["kind"], details)
    return {
        name: moving.name_of(tables[name], value) if name in tables and value is not None else value
        for name, value in details.items()
    }


def _details_back(details: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    tables = _tables(values["kind"], details)
    return {
        name: moving.row_named(tables[name], str(value), values) if name in tables and value is not None else value
        for name, value in details.items()
    }


def _key_out(key: Any, _row: Mapping[str, Any]) -> str:
    """Leave the conversation's number out of a key, and name the step in it as lines do."""
    _own, _, rest = str(key).partition(":")
    name, _, began = rest.partition(":")
    if name.startswith("step-") and name[5:].isdecimal():
        name = f"step-{moving.name_of('escalation_step', int(name[5:]))}"
    return f"{name}|{began}"


def _key_back(key: Any, values: Mapping[str, Any]) -> str:
    name, _, began = str(key).partition("|")
    if name.startswith("step-klinke:"):
        name = f"step-{moving.row_named('escalation_step', name[5:], values)}"
    return f"{values['conversation_id']}:{name}:{began}"


def _said_aloud(values: Values, _said: Mapping[str, Any]) -> None:
    """Have the message that has a call's words be known as what was said aloud: its own line does not say so."""
    if (message_id := values.get("message_id")) is not None:
        kind = "visit" if values["kind"] == "visit" else "call"
        db.session.execute(update(Message).where(Message.id == message_id, Message.kind.is_(None)).values(kind=kind))


def _is_not_on_its_way(values: Values) -> bool:
    """Leave out what this very installation still has queued, or what failed in it."""
    same = (
        Message.conversation_id == values["conversation_id"],
        Message.by_id == values["by_id"],
        Message.created_at == values["at"],
        Message.state.in_(transfer.STAYS),
    )
    return db.session.scalar(select(Message.id).where(*same).limit(1)) is None


def _in_order(values: Values) -> bool:
    """Put the two contacts in the order that the table asks for: their numbers are others here."""
    if values["one_id"] == values["other_id"]:
        raise Invalid("one, other: a contact is one already")
    values["one_id"], values["other_id"] = sorted((values["one_id"], values["other_id"]))
    return True


def _due_of(ids: Collection[int]) -> Mapping[int, Mapping[str, Any]]:
    rows = db.session.execute(
        select(Conversation.id, Conversation.due_at, Conversation.due_for).where(
            Conversation.id.in_(ids), Conversation.due_at.is_not(None)
        )
    )
    return {
        row_id: {"due": iso(due), **({"due_for": due_for} if due_for else {})}
        for row_id, due, due_for in rows
        if due is not None
    }


def _takes_clock(values: Values) -> bool:
    """Let a clock take the place of what was learnt from the messages, unless somebody here worked on it since."""
    conversation_id = values["conversation_id"]
    came = f"conversation:{conversation_id}"
    conversation = db.session.get_one(Conversation, conversation_id)
    written_here = select(Message.id).where(Message.conversation_id == conversation_id, Message.source_id.is_(None))
    touched = select(AuditEntry.id).where(
        AuditEntry.subject_kind == "conversation", AuditEntry.subject_id == conversation_id
    )
    if (
        moving.is_carried("conversation_clock", came)
        or conversation.source_id is None
        or db.session.scalar(select(exists(written_here) | exists(touched)))
    ):
        return False
    db.session.execute(delete(ClockEvent).where(ClockEvent.conversation_id == conversation_id))
    db.session.execute(delete(ConversationClock).where(ConversationClock.conversation_id == conversation_id))
    db.session.expire(conversation)
    moving.keep("conversation_clock", came, conversation_id)
    return True


def _set_due(values: Values, said: Mapping[str, Any]) -> None:
    conversation = db.session.get_one(Conversation, values["conversation_id"])
    conversation.due_at, conversation.due_for = said.get("due"), said.get("due_for")
    db.session.flush()
