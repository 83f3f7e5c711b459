"""Moving house with the desk: an export read into an empty installation gives the same rows and the same export."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, func, select, update

from core import transfer
from core.clock import now
from core.db import Base, db
from core.outbox import Delivery
from core.transfer import Report
from desk import blocks, moving, notes, persons, promises, replies
from desk.block_models import (
    AnswerUse,
    ConversationArticle,
    ReplyBlock,
    ReplyBlockFavourite,
    ReplyBlockUse,
    ReplyTopic,
)
from desk.clock_models import (
    Acknowledgement,
    AnswerPolicy,
    Calendar,
    ClockEvent,
    EscalationStep,
    Goodwill,
)
from desk.inbox_models import ChecklistItem, ChecklistSign, SavedView
from desk.inside import HandOver, SideTalk
from desk.models import Channel, Conversation, FollowUp, Message, MessageQuestion
from desk.order_models import ContactStep, HeldArrival, MessageHiding
from desk.person_models import CallNote, CardLook, CardSource, ContactMark, ContactMember, ThreadPost
from desk.promise_models import CallAttempt, CallBack, Promise
from desk.sending_models import AgentProfile, ApprovalRule, HeldReply
from desk.team_models import Absence, AgentSkills, Giving, Team, TeamMember
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
from forum.models import Notification, Post
from tests.cast import World
from tests.desk import stage as props
from tests.desk.test_desk_transfer import ARTICLE, bring

START = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
NUMBER = "+49 711 555 0199"
STAYS_BEHIND = {
    # the desk
    "desk_bulk_deed": "only there to undo a deed of the last minutes",
    "departure": "nothing leaves by an import: what was to go out comes in as a held reply",
    "contact_code": "good for thirty minutes, and keyed with this installation's secret",
    "card_answer": "kept for minutes only",
    "counter": "its sealed address is this house's, and what is left there is kept for days only",
    "counter_file": "the same; documents do not travel in lines",
    "counter_look": "who read what does not travel",
    "lint_finding": "found anew by the next night",
    "channel_course": "how far this house has read; another begins anew and knows what it has",
    "channel_delivery": "the log of this house",
    "call_note_version": "what a note said before stays where it was changed",
    "message_correction": "what a reply is to say instead is made where it was sent",
    "message_version": "what a message said before stays where it was changed",
    "message_file": "documents do not travel in lines",
    "removed_message": "what was taken away is not named elsewhere",
    "alike_message": "gathered anew by the worker each minute",
    "shared_draft": "what nobody has sent yet is its writers'",
    "earlier_draft": "the same",
    "case_watch": "who is watched is decided in each house",
    "case_watch_hit": "the same",
    "contact_worth": "asked anew of the systems of the other house",
    "passed_over": "for an hour only",
    "link_sheet": "a sample of this house's week",
    "link_check": "the same",
    "peer_criterion": "by what colleagues are read is for them alone, and stays with them",
    "peer_review": "the same",
    "peer_answer": "the same",
    "sent_link": "a token of this house's address",
    "solved_question": "a ticket of this house's address",
    "learnt_model": "learnt anew from the corrections, which travel",
    "carried_row": "says under which ids things came in, which is what the lines' ids are",
    "retention_rule": "each house chooses how long it keeps words",
    "retention_run": "the log of this house",
    "webhook": "an endpoint gets the events of one house; its secret is this house's",
    "webhook_delivery": "the log of this house",
    # the core
    "chore_turn": "whose turn it is here",
    "delivery": "what is on its way here",
    "mail": "what is on its way here",
    "mail_standing": "how mails to an address fared from here",
    "once_claim": "what was answered here",
    "stale_note": "what the index here has not heard of yet",
    # accounts
    "api_token": "a secret of this house",
    "audit_entry": "the log of the team stays where the deeds were done",
    "one_time_token": "a secret of this house",
    "sign_in": "sessions end with the move",
    "sign_in_failure": "the same",
    "staged_identity": "by which address or handle a staged person is known is told to nobody",
    # forum
    "assignment": "who looks after which question is decided anew",
    "bulk_deed": "only there to undo it",
    "canned_reply": "text blocks of the knowledge base take their place",
    "canned_reply_use": "the same",
    "digest_turn": "who gets the next letter when",
    "draft": "what nobody has sent yet is its writer's",
    "guest_follow": "what guests wait for by mail is only for them",
    "guest_vote": "one by one they do not travel; their sum does not either",
    "image": "pictures are files, and travel with their folder",
    "info_request": "who was asked for what is decided anew",
    "logged_search": "what people looked for stays",
    "popular_search": "the same",
    "closed_gap": "the same",
    "mailed_question": "questions by mail that wait for a member's word",
    "notification": "nobody is told twice",
    "notification_choice": "how people choose to be told",
    "pin": "is chosen anew",
    "plaza_post": "the demonstration's",
    "point_entry": "points are counted anew from what travels",
    "post_image": "pictures travel with their folder",
    "post_revision": "the history of edits stays",
    "received_mail": "which mails were taken here",
    "reminder": "who was reminded of what",
    "reminder_refusal": "the same",
    "reopening": "that a question was opened again shows in its state",
    "see_also": "made anew when articles come in",
    "solved_by_suggestion": "counted here",
    "standing": "who is known for what is counted anew",
    "suggested_edit": "suggested changes stay",
    "tag_synonym": "the rules for tags stay",
    "upload": "pictures are files, and travel with their folder",
    "vote": "votes one by one; their sum is the score",
    # knowledge base
    "article_feedback": "who found an article helpful stays",
    "article_follow": "who follows what is only for them",
    "article_link": "found anew in the words",
    "article_reading": "how often something was read stays",
    "text_block_kept": "kept anew from the words",
    "text_block_revision": "the history of a block of the knowledge base",
    "text_block_use": "found anew in the words",
    "synonym_version": "counted anew",
}
"""Why the rows of a table stay behind."""
WITH_OTHERS = {
    "user", "user_role", "penalty", "category", "topic", "post", "acceptance", "muting", "duplicate", "closing", "tag",
    "topic_tag", "topic_redirect", "experience", "review_case", "flag", "objection", "note", "watched_word", "follow",
    "watch", "silence", "read_mark", "me_too", "personal_rule", "product", "product_version", "section", "synonym",
    "text_block", "article", "article_family", "article_product", "article_source", "article_tag", "revision", "face",
    "section_address", "verify_rule", "kept_finding", "article_verdict", "article_doubt", "nomination", "article_use",
    "article_task", "article_recall", "article_retirement", "planned_publication",
    "conversation", "message", "reply_block",
}  # fmt: skip
"""Tables that lines of the other rooms, or lines of conversations and blocks, carry."""


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def house(world: World, clock: time_machine.Traveller, tmp_path: Path) -> None:
    """Have everything there once that travels."""
    bring(tmp_path, ARTICLE)  # before anybody is there: an import lets go of what it held
    world.everybody()
    channel = props.channel(world, endpoint="https://social.example/replies")
    asked = props.received(channel, "Where is my parcel? It is three weeks late by now.")
    conversation = asked.conversation
    other = props.received(
        channel, "Hello?", conversation="thread-2", id="b", handle="max@example.org", is_public=False
    )
    clock.shift(timedelta(minutes=3))
    sent = replies.reply(conversation, text="We look for it.", by=world.dora, is_public=True)
    sent.state, sent.sent_at, sent.external_id = "sent", now() + timedelta(seconds=4), "out-1"
    clock.shift(timedelta(minutes=3))
    asking_message = replies.reply(conversation, text="Did that help?", by=world.dora, is_public=True)
    asking_message.state, asking_message.sent_at = "sent", now()
    clock.shift(timedelta(minutes=1))
    replies.reply(other.conversation, text="This one has not left the house yet.", by=world.dora)
    topic = world.ask()
    answer = world.answer(topic)
    team = Team(name="Parcels", way="turn", channel_ids=[channel.id], languages=["en"], skills=["post"])
    calendar = Calendar(
        name="Shop",
        time_zone="Europe/Berlin",
        week=[[[540, 1020]]] * 5 + [[], []],
        closed={"2026-05-02": "Stocktaking"},
    )
    db.session.add_all([team, calendar])
    db.session.flush()
    policy = AnswerPolicy(
        name="Fast",
        channel_id=channel.id,
        calendar_id=calendar.id,
        intent="complaint",
        first_minutes=60,
        hard_minutes=480,
        next_minutes=60,
        solution_minutes=960,
        warn_minutes=10,
    )
    step = EscalationStep(
        channel_id=channel.id, after_minutes=30, decider_id=world.dora.id, deputy_id=world.root.id, limit_cents=5000
    )
    source = CardSource(
        name="Shop",
        url="https://shop.example/{handle}",
        headers="Authorization: secret-of-the-shop",
        fields=[{"label": "Contract", "path": "contract"}],
        purpose="To see the contract.",
    )
    talk = side_talks_of(conversation, world)
    rule = DeskRule(
        name="Parcels",
        position=1,
        conditions={"words": ["parcel"]},
        deeds={"tag": "parcel", "assign": world.dora.id},
        switched_on_at=now(),
        by_id=world.root.id,
    )
    incident = Incident(title="Parcels are late", locale="en", answer="We know.", by_id=world.dora.id)
    item = ChecklistItem(team="Parcels", part="start", words="Read the mails", position=1)
    db.session.add_all([policy, step, source, rule, incident, item])
    db.session.flush()
    conversation.team_id, conversation.snoozed_until, conversation.priority = team.id, START + timedelta(days=1), 3456
    conversation.clock.policy_id = policy.id
    promises.make(
        conversation, what="A parcel", due_at=now() + timedelta(days=1), owner=world.dora, by=world.dora, message=sent
    )
    promise = db.session.scalars(select(Promise)).one()
    notes.write(conversation, text="The parcel is in Kassel.", by=world.dora)
    persons.join(conversation.contact, other.conversation.contact, proof="claimed", by=world.dora)
    call = CallBack(
        conversation_id=conversation.id,
        phone=NUMBER,
        since=now(),
        until=now() + timedelta(hours=2),
        about="Parcel",
        owner_id=world.dora.id,
        by_id=world.dora.id,
    )
    judged = MessageJudgement(
        message_id=asked.id,
        conversation_id=conversation.id,
        locale="en",
        intent="complaint",
        sentiment=-1,
        heat=1,
        urgency=2,
        sure=0.75,
        reasons=[["late", "three weeks late"]],
        private=[["name", 3, 9]],
    )
    db.session.add_all([call, judged])
    db.session.flush()
    words = blocks.Words(title="Parcel", words={"en": "It is on its way."}, name="parcel", keywords=["post"])
    block = blocks.create(words, by=world.dora)
    clock.shift(timedelta(minutes=1))
    blocks.revise(
        block,
        blocks.Words(title="Parcel", words={"en": "It is nearly there."}, name="parcel", keywords=["post"]),
        by=world.dora,
        comment="Nearer",
    )
    article_id = db.session.scalars(select(ConversationArticle.article_id)).first() or db.session.scalar(
        select(func.min(_article().id))
    )
    mine = {"conversation_id": conversation.id}
    moved = {"what": "team", "from": None, "to": team.id}
    db.session.add_all(
        [
            TeamMember(team_id=team.id, user_id=world.dora.id),
            AgentSkills(user_id=world.dora.id, languages=["en", "de"], skills=["post"], capacity=7, given_at=now()),
            AgentProfile(user_id=world.dora.id, initials="do", is_trainee=True),
            Absence(user_id=world.dora.id, starts_at=now(), ends_at=now() + timedelta(days=2), deputy_id=world.root.id),
            ApprovalRule(name="Angry", channel_id=channel.id, least_heat=60, words="lawyer"),
            PriorityWeighing(id=1, weights=_weights(), by_id=world.root.id),
            SavedView(
                owner_id=world.dora.id,
                name="Mine",
                filters={"channel": str(channel.id), "assignee": str(world.dora.id), "state": "open"},
            ),
            ChecklistSign(item_id=item.id, day=date(2026, 4, 1), words="Read the mails", by_id=world.dora.id),
            ReplyBlockFavourite(block_id=block.id, user_id=world.dora.id),
            ReplyBlockUse(block_id=block.id, message_id=sent.id, number=2, by_id=world.dora.id),
            ContactMember(contact_id=other.contact_id, user_id=world.alice.id, proof="verified", by_id=world.dora.id),
            ContactMark(
                contact_id=conversation.contact_id,
                is_positive=True,
                note="Kind",
                by_id=world.dora.id,
                expires_at=now() + timedelta(days=9),
            ),
            CardLook(
                source_id=source.id,
                source_name="Shop",
                contact_id=conversation.contact_id,
                by_id=world.dora.id,
                reason="To see the contract",
            ),
            ContactStep(
                contact_id=conversation.contact_id,
                step="mute",
                reason="Insults",
                by_id=world.dora.id,
                at=START,
                until=START + timedelta(days=9000),
                days=9000,
                ended_why="",
            ),
            HeldArrival(message_id=asked.id, **mine, at=START, state="let_in", by_id=world.dora.id, decided_at=START),
            MessageHiding(
                message_id=asked.id,
                is_hidden=True,
                reason="Insults",
                by_id=world.dora.id,
                at=START,
                state="done",
                attempts=1,
                attempted_at=START,
                done_at=START,
            ),
            ThreadPost(
                **mine, external_id="t-0", handle="@eva", name="Eva", text="Mine is late, too.", created_at=START
            ),
            ConversationTag(**mine, tag="parcel"),
            ConversationMute(conversation_id=other.conversation_id, rule_id=rule.id, reason="rule"),
            ConversationStanding(
                **mine,
                intent="complaint",
                sentiment=-1,
                heat=1,
                urgency=2,
                severity=0.5,
                reach=0.25,
                visibility=1.0,
                value=0.0,
                repeats=0.5,
                followers=1200,
                said_at=START,
            ),
            ClockEvent(
                **mine, kind="moved", channel_id=channel.id, team_id=team.id, by_id=world.dora.id, details=moved
            ),
            ClockEvent(
                **mine,
                kind="escalated",
                channel_id=channel.id,
                details={"step": step.id, "to": world.root.id},
                key=f"{conversation.id}:step-{step.id}:{START.isoformat()}",
            ),
            HandOver(
                **mine,
                by_id=world.dora.id,
                to_id=world.root.id,
                known="All",
                promised="An answer",
                next_step="Ring",
                due_at=now(),
            ),
            talk,
            CallAttempt(call_back_id=call.id, by_id=world.dora.id, result="busy", note="Engaged"),
            CallNote(
                **mine,
                kind="call_in",
                result="reached",
                caller="Max Moon",
                number=NUMBER,
                text="He was friendly.",
                by_id=world.dora.id,
            ),
            Goodwill(
                **mine,
                amount_cents=1500,
                currency="EUR",
                reason="Late",
                state="granted",
                asked_by_id=world.dora.id,
                decider_id=world.root.id,
                decided_at=now(),
                answer="Yes",
            ),
            Giving(**mine, user_id=world.dora.id, team_id=team.id, heat=1, why={"way": "turn", "open": 2}),
            IncidentCase(incident_id=incident.id, **mine, asked_at=now(), told_id=sent.id, told_at=now()),
            ConversationArticle(**mine, article_id=article_id, relation="about", by_id=world.dora.id),
            JudgementCorrection(judgement_id=judged.id, by_id=world.dora.id, said={"intent": "question"}),
            DeskRuleHit(rule_id=rule.id, message_id=asked.id, **mine, did=["tag"]),
            HeldReply(
                **mine,
                by_id=world.dora.id,
                state="approval",
                text="Wait for it.",
                is_public=True,
                uses=[[article_id, "280"]],
                reason="",
                rule="Angry",
            ),
            Acknowledgement(message_id=sent.id, **mine, promise_id=promise.id),
            AnswerUse(post_id=answer.id, message_id=sent.id, way="link", by_id=world.dora.id),
            ReplyTopic(reply_id=sent.id, topic_id=topic.id, post_id=answer.id, has_consent=True, by_id=world.dora.id),
            MessageQuestion(message_id=asked.id, **mine, topic_id=topic.id, by_id=world.dora.id),
            FollowUp(reply_id=sent.id, message_id=asking_message.id),
        ]
    )
    db.session.flush()


def _article() -> Any:
    from kb.models import Article

    return Article


def _weights() -> dict[str, int]:
    from desk.triage import priority

    return {name: number + 1 for name, number in priority.weights().items()}


def side_talks_of(conversation: Conversation, world: World) -> SideTalk:
    return SideTalk(
        conversation_id=conversation.id,
        by_id=world.dora.id,
        name="Carla",
        address="carla@example.org",
        locale="en",
        question="Where is it?",
    )


def written(path: Path) -> list[dict[str, Any]]:
    transfer.write_jsonl(path)
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def empty() -> None:
    db.session.execute(update(Post).values(parent_id=None, kind="answer").where(Post.kind == "comment"))
    db.session.execute(update(_article()).values(published_id=None))
    for table in reversed(db.metadata.sorted_tables):
        db.session.execute(delete(table))
    db.session.commit()
    db.session.expunge_all()


def plain(model: type[Base]) -> list[dict[str, Any]]:
    """Return the rows of a table without the numbers, which are others in another house."""
    table = model.__table__
    columns = [
        column
        for column in table.columns
        if not column.primary_key and not column.foreign_keys and column.name not in {"disabled_at", "source_id"}
    ]
    if not columns:
        return [{}] * (db.session.scalar(select(func.count()).select_from(model)) or 0)
    rows = db.session.execute(select(*(getattr(model, column.name) for column in columns))).mappings()
    return sorted(({column.name: row[column.name] for column in columns} for row in rows), key=repr)


NAMES_ROWS_INSIDE = {"channel_ids", "deeds", "filters", "details", "key", "uses", "external_id", "conversation_id"}
"""Columns with numbers of rows in them; that these are the right ones is shown by the second export."""


def known() -> dict[str, list[dict[str, Any]]]:
    found = {thing.table.name: plain(thing.model) for thing in moving.things()}
    found |= {"conversation": plain(Conversation), "message": plain(Message), "reply_block": plain(ReplyBlock)}
    return {
        table: [{name: value for name, value in row.items() if name not in NAMES_ROWS_INSIDE} for row in rows]
        for table, rows in found.items()
    }


def bring_back(tmp_path: Path) -> Report:
    return transfer.read_jsonl(tmp_path / "one.jsonl")


def bring_where_numbers_are_others(tmp_path: Path) -> Report:
    """Read it where others have the numbers that things had before; they are gone afterwards."""
    there = [Channel(slug="x", kind="archive", name="X"), Team(name="X"), Incident(title="X", locale="en")]
    db.session.add_all(there)
    db.session.flush()
    steps = [(type(one), one.id) for one in there]
    db.session.commit()
    report = bring_back(tmp_path)
    for model, row_id in steps:
        db.session.execute(delete(model).where(model.id == row_id))
    db.session.commit()
    return report


def test_everything_of_the_desk_arrives_and_a_second_import_changes_nothing(
    world: World, clock: time_machine.Traveller, tmp_path: Path
) -> None:
    house(world, clock, tmp_path)
    db.session.commit()
    before, lines = known(), written(tmp_path / "one.jsonl")
    assert all(before.values()), [table for table, rows in before.items() if not rows]
    raw = (tmp_path / "one.jsonl").read_text()
    assert not [secret for secret in (NUMBER, "secret-of-the-shop", props.SECRET, "friendly") if secret in raw]
    empty()
    clock.shift(timedelta(days=1))
    report = bring_where_numbers_are_others(tmp_path)
    assert report.skipped == []
    after = known()
    queued = [row for row in before["message"] if row["state"] == "queued"]
    before["message"] = [row for row in before["message"] if row["state"] != "queued"]
    held = [row for row in after["held_reply"] if row["text"] == queued[0]["text"]]
    assert len(held) == len(queued) == 1, "what was to leave lies with who wrote it"
    after["held_reply"].remove(held[0])
    came_in_archived = ("idempotency_key", "attempts", "attempted_at", "send_after")
    for row in (*before["message"], *after["message"]):
        for name in came_in_archived:
            del row[name]
    for table in before:
        assert after[table] == before[table], table
    assert db.session.scalars(select(Channel)).one().disabled_at == now(), "two houses would answer on it"
    assert written(tmp_path / "two.jsonl") == lines
    told_of = db.session.scalar(select(func.count()).select_from(Notification))
    assert (told_of, db.session.scalar(select(func.count()).select_from(Delivery))) == (0, 0), "nobody is told"
    again = bring_back(tmp_path)
    assert (again.skipped, again.count("new"), again.count("changed")) == ([], 0, 0)
    assert {table: len(rows) for table, rows in known().items()} == {
        table: len(rows) + (table == "held_reply") for table, rows in after.items()
    }


@pytest.mark.usefixtures("app")
def test_every_table_travels_or_says_why_it_does_not() -> None:
    carried = {thing.table.name for thing in moving.things()}
    said = carried | WITH_OTHERS | STAYS_BEHIND.keys()
    tables = set(db.metadata.tables)
    assert tables - said == set(), "neither exported nor named with a reason"
    assert said - tables == set(), "named, and not there"
    assert carried & STAYS_BEHIND.keys() == set()


@pytest.mark.usefixtures("app")
def test_every_column_of_what_travels_is_told() -> None:
    """What a thing leaves out must be what the table or the import says itself."""
    left_out = {(thing.name, name) for thing in moving.things() for name in thing.stays}
    assert left_out == {
        ("channel", "disabled_at"),
        ("contact", "handle_key"),
        ("priority_weighing", "id"),
        ("call_back", "counter_id"),  # a counter stays behind
        ("call_note", "seal"),  # keyed with each house's secret, and made anew by the worker
    }


def test_with_another_key_sealed_values_stay_closed_and_the_rest_comes_in(
    world: World, clock: time_machine.Traveller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flask import current_app

    house(world, clock, tmp_path)
    db.session.commit()
    written(tmp_path / "one.jsonl")
    empty()
    monkeypatch.setitem(current_app.config, "SECRET_KEY", "another house " * 4)
    assert bring_back(tmp_path).skipped == []
    assert db.session.scalars(select(CallBack)).one().phone is None
    assert db.session.scalars(select(CallNote)).one().caller == ""
    assert db.session.scalars(select(Channel)).one().secret is None


def test_what_was_done_here_since_stays(world: World, clock: time_machine.Traveller, tmp_path: Path) -> None:
    house(world, clock, tmp_path)
    db.session.commit()
    written(tmp_path / "one.jsonl")
    empty()
    bring_back(tmp_path)
    promise = db.session.scalars(select(Promise)).one()
    promises.keep(promise, by=World().dora)
    db.session.commit()
    assert bring_back(tmp_path).count("changed") == 0
    assert db.session.scalars(select(Promise)).one().state == "kept"


PEOPLE = {"type": "user", "id": "u1", "handle": "anna", "roles": ["agent"]}
TALK = {
    "type": "conversation",
    "id": "c1",
    "channel": "mastodon",
    "contact": {"handle": "@max"},
    "messages": [{"id": "m1", "direction": "in", "public": True, "text": "Hello", "created": "2026-01-05T10:00:00Z"}],
}
AT = "2026-01-05T10:00:00Z"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"type": "promise", "id": "p1", "conversation": "c9", "what": "x", "due": AT}, "unknown conversation"),
        ({"type": "promise", "id": "p1", "conversation": "c1", "due": AT}, "what"),
        ({"type": "promise", "id": "p1", "conversation": "c1", "what": "x", "due": AT, "state": "maybe"}, "none of"),
        ({"type": "promise", "id": "p1", "conversation": "c1", "what": "x", "due": AT, "by": "u9"}, "unknown person"),
        ({"type": "promise", "id": "p1", "conversation": "c1", "what": "a\0", "due": AT}, "characters"),
        ({"type": "promise", "id": "p1", "conversation": "c1", "message": "m9", "what": "x", "due": AT}, "message"),
        ({"type": "promise", "id": "klinke:1", "conversation": "klinke:1", "what": "x", "due": AT}, "conversation"),
        ({"type": "call_attempt", "id": "a1", "call_back": "k1", "result": "busy"}, "unknown call_back"),
        ({"type": "channel", "slug": "x", "kind": "fax", "name": "Fax"}, "kind"),
        ({"type": "channel", "slug": "A B", "kind": "webhook", "name": "Fax"}, "slug"),
        ({"type": "calendar", "name": "x", "time_zone": "Mars", "week": [[], [], [], [], [], [], []]}, "time_zone"),
        ({"type": "calendar", "name": "x", "time_zone": "UTC", "week": [[[9, 5]], [], [], [], [], [], []]}, "week"),
        ({"type": "calendar", "name": "x", "time_zone": "UTC", "week": []}, "week"),
        ({"type": "desk_rule", "id": "r", "name": "x", "position": 1, "conditions": {}, "deeds": {}}, "both"),
        (
            {"type": "desk_rule", "id": "r", "name": "x", "position": 1, "conditions": {"x": 1}, "deeds": {}},
            "conditions",
        ),
        (
            {
                "type": "contact_join",
                "one": {"channel": "mastodon", "handle": "@max"},
                "other": {"channel": "x"},
                "proof": "claimed",
            },
            "contact",
        ),
        ({"type": "priority_weighing", "weights": {"heat": 3}}, "weights"),
        (
            {
                "type": "message_judgement",
                "message": "m1",
                "locale": "en",
                "intent": "x",
                "sentiment": 0,
                "heat": 0,
                "urgency": 99999999,
                "sure": 1,
                "conversation": "c1",
            },
            "urgency",
        ),
        ({"type": "judgement_correction", "judgement": ["c1", "m1"], "said": {}}, "judgement"),
        ({"type": "conversation", **TALK, "id": "c2", "team": "Nobody"}, "team"),
    ],
)
def test_a_line_that_cannot_be_taken_says_why_and_the_rest_goes_in(
    world: World, tmp_path: Path, line: dict[str, Any], reason: str
) -> None:
    report = bring(tmp_path, PEOPLE, TALK, line, {"type": "desk_note", "id": "n1", "conversation": "c1", "text": "x"})
    assert [number for number, _reason in report.skipped] == [3]
    assert reason in report.skipped[0][1]
    assert report.counts["desk_note", "new"] == 1


def test_lines_of_another_house_never_find_rows_that_have_their_number_by_chance(world: World, tmp_path: Path) -> None:
    message = props.received(props.channel(world))
    db.session.commit()
    note = {
        "type": "desk_note",
        "id": "klinke:1",
        "conversation": f"klinke:{message.conversation_id}",
        "text": "Theirs",
    }
    assert "unknown conversation" in bring(tmp_path, note).skipped[0][1]


def test_two_types_in_a_line_are_what_the_last_one_says(world: World, tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(
        '{"type": "topic", "id": "u1", "handle": "anna", "type": "user"}\n{"type": "nothing"}\n{"type": []}\n'
    )
    report = transfer.read_jsonl(path)
    assert report.counts["user", "new"] == 1
    assert [number for number, _reason in report.skipped] == [2, 3]
