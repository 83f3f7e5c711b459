"""What a message is taken for, corrected by a person, learnt, and taken back; and the place it gives a conversation."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from accounts.models import AuditEntry
from core import outbox, personal
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from desk import conversations
from desk.events import MessageReceived
from desk.models import UNJUDGED, Channel, Conversation, Message
from desk.triage import corrections, judging, learning, model, priority, receiving, signs
from desk.triage.tables import ConversationStanding, JudgementCorrection, LearntModel, MessageJudgement
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import fields_of

SAID = {
    "question": (
        "Does anyone know whether the new router needs a licence?",
        "Weiß jemand, ob man das Rad mitnehmen darf?",
    ),
    "praise": (
        "Thank you so much, your team was brilliant and kind.",
        "Vielen Dank, großartiger Service, sehr freundlich!",
    ),
    "implicit": ("My router has been dead since this morning.", "Seit heute früh geht bei mir nichts mehr."),
    "complaint": (
        "This is a disgrace. I expect an apology from you and I am cancelling my contract.",
        "Eine Frechheit von euch. Ich erwarte eine Entschuldigung und kündige.",
    ),
}


@pytest.mark.parametrize(("intent", "text"), [(intent, text) for intent, texts in SAID.items() for text in texts])
def test_plain_messages_are_taken_for_what_they_are(intent: str, text: str) -> None:
    assert judging.judge(text, channel="mail").intent == intent


def test_nobody_is_called_abusive_on_a_guess() -> None:
    text = "Dritter Satz Batterien seit dem Herbst, und der Kiesel im Bad blinkt schon wieder. Im Wohnzimmer nicht."
    assert judging.judge(text, channel="mastodon").intent != "abuse"
    features = model.shipped().features([signs.read(text, "de", channel="mastodon")], [text])
    likely = model.shipped().answers(features[0])
    assert float(likely["intent"][judging.INTENTS.index("abuse")]) < judging.LEAST_SURE_OF_ABUSE


def test_a_judgement_says_why_in_the_words_that_were_written() -> None:
    judged = judging.judge("Weiß jemand, wo ich die Rechnung finde?")
    assert judged.locale == "de"
    assert any(reason.said and reason.said in "weiss jemand, wo ich die rechnung finde?" for reason in judged.reasons)
    assert all(reason.words for reason in judged.reasons)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\u202e\u200f",
        "?" * 20_000,
        "a" * 20_000,
        "\N{CROCODILE}" * 5_000,
        "nicht " * 4_000,
        "@" * 20_000,
        "\ud800\x00",
    ],
)
def test_rubbish_is_judged_in_no_time(text: str) -> None:
    began = time.perf_counter()
    judged = judging.judge(text)
    personal.spans(text)
    assert time.perf_counter() - began < 2
    assert judged.intent in model.INTENTS


def test_nothing_said_is_nothing_to_do() -> None:
    assert judging.judge("\u202e \u200f").intent == "none"


def test_signs_take_linear_time() -> None:
    for pattern in ("weiss jemand ", "nicht ", "funktioniert a b c ", "0 ", "(", "a" * 31 + " "):
        text = (pattern * signs.LONGEST)[: signs.LONGEST]
        began = time.perf_counter()
        signs.read(text, "de")
        assert time.perf_counter() - began < 0.5


def _judged(message: Message) -> MessageJudgement:
    return db.session.scalars(select(MessageJudgement).where(MessageJudgement.message_id == message.id)).one()


def test_a_message_that_arrives_is_judged_once_and_its_conversation_gets_a_place(world: World) -> None:
    message = props.received(props.channel(world), "Hilfe, seit heute früh geht bei mir gar nichts mehr, dringend!")
    assert message.conversation.priority == UNJUDGED
    for _ in range(2):
        receiving.take_in(MessageReceived(message.conversation_id, message.id))
    told = _judged(message)
    assert (told.locale, told.intent, told.urgency > 0) == ("de", "implicit", True)
    assert message.conversation.locale == "de"
    standing = db.session.get_one(ConversationStanding, message.conversation_id)
    assert standing.intent == "implicit"
    assert message.conversation.priority != UNJUDGED


def test_the_worker_judges_what_arrived(world: World) -> None:
    message = props.received(props.channel(world), "Where do I find my invoice?")
    db.session.commit()
    outbox.deliver_due()
    assert _judged(message).intent == "question"


def test_what_waits_unjudged_is_judged_later(world: World) -> None:
    message = props.received(props.channel(world), "Where do I find my invoice?")
    assert receiving.catch_up() == 1
    assert _judged(message).intent == "question"
    assert receiving.catch_up() == 0


def test_a_correction_counts_is_audited_and_can_be_taken_back(world: World) -> None:
    message = props.received(props.channel(world), "Where do I find my invoice?")
    receiving.take_in(MessageReceived(message.conversation_id, message.id))
    corrections.correct(message, {"intent": "complaint", "heat": 2}, by=world.dora)
    told = _judged(message)
    assert (told.intent, told.heat) == ("complaint", 2)
    assert db.session.get_one(ConversationStanding, message.conversation_id).intent == "complaint"
    corrections.correct(message, {"intent": "praise"}, by=world.dora)
    corrections.undo(message, by=world.dora)
    assert _judged(message).intent == "question"
    assert db.session.scalars(select(JudgementCorrection)).all() == []
    deeds = db.session.scalars(
        select(AuditEntry.deed).where(AuditEntry.subject_id == message.id).order_by(AuditEntry.id)
    )
    assert list(deeds)[-3:] == ["desk.message.correct", "desk.message.correct", "desk.message.undo_correction"]
    with pytest.raises(NotFound):
        corrections.undo(message, by=world.dora)


def test_only_agents_correct_and_only_by_words_that_exist(world: World) -> None:
    message = props.received(props.channel(world))
    with pytest.raises(NotAllowed):
        corrections.correct(message, {"intent": "praise"}, by=world.alice)
    for said in ({}, {"intent": "nonsense"}, {"heat": 9}, {"other": 1}):
        with pytest.raises(Invalid):
            corrections.correct(message, said, by=world.dora)


def test_the_installation_learns_from_corrections_and_forgets_what_was_taken_back(world: World) -> None:
    on = props.channel(world)
    text = "The blinkenbox shows the purple moon."
    before = judging.judge(text)
    messages = [
        props.received(on, f"{text} {number}", conversation=f"c{number}", id=f"p{number}") for number in range(8)
    ]
    for message in messages:
        corrections.correct(message, {"intent": "complaint"}, by=world.dora)
    assert learning.learn() == len(messages)
    assert learning.learn() == 0
    learnt = judging.judge(text, by=learning.current())
    assert learnt.intent == "complaint"
    assert judging.judge(text) == before
    for intent, said in SAID.items():  # bounded: what was known is known still
        assert judging.judge(said[0], channel="mail", by=learning.current()).intent == intent
    for message in messages:
        corrections.undo(message, by=world.dora)
    assert learning.learn() == 0
    assert db.session.scalar(select(LearntModel.id)) is None
    assert judging.judge(text, by=learning.current()).intent == before.intent


def _case(world: World, name: str, text: str, **about: Any) -> Conversation:
    on = db.session.scalars(select(Channel)).first() or props.channel(world)
    message = props.received(on, text, conversation=name, id=name, handle=f"@{name}", **about)
    receiving.take_in(MessageReceived(message.conversation_id, message.id))
    return message.conversation


def test_reach_moves_a_case_only_within_its_band(world: World) -> None:
    quiet = _case(world, "quiet", "My account is hacked and my money is gone, urgent, please help right now!", reach=3)
    loud = _case(world, "loud", "How do I change the colour of my profile?", reach=900_000)
    louder = _case(
        world, "louder", "My account is hacked and my money is gone, urgent, please help right now!", reach=900_000
    )
    assert quiet.priority // priority.BAND > loud.priority // priority.BAND
    assert louder.priority // priority.BAND == quiet.priority // priority.BAND
    assert louder.priority > quiet.priority > loud.priority


def test_reach_fades(world: World) -> None:
    case = _case(world, "loud", "How do I change the colour of my profile?", reach=900_000)
    standing = db.session.get_one(ConversationStanding, case.id)

    def strength() -> float:
        return next(
            part.strength for part in priority.where(standing, case, priority.weights()).parts if part.name == "reach"
        )

    fresh = strength()
    standing.said_at = now() - timedelta(hours=48)
    assert strength() == pytest.approx(fresh / 4, rel=0.02)


def test_who_waits_moves_up_as_time_passes(world: World) -> None:
    case = _case(world, "patient", "How do I change the colour of my profile?")
    before = case.priority
    since = now() - timedelta(hours=3)
    case.waiting_since, case.due_at = since, since + timedelta(hours=1)
    db.session.get_one(ConversationStanding, case.id).placed_at = since
    db.session.commit()
    assert priority.place_waiting() == 1
    assert db.session.get_one(Conversation, case.id).priority > before
    assert priority.place_waiting() == 0


def test_admins_weigh_the_parts_and_see_what_would_come_of_it(world: World) -> None:
    case = _case(world, "one", "How do I change the colour of my profile?")
    other = {**priority.DEFAULTS, "reach": 100}
    (previewed, _old, _new, rank) = priority.preview(other)[0]
    assert (previewed.id, rank) == (case.id, 1)
    priority.weigh(other, by=world.root)
    assert priority.weights()["reach"] == 100
    with pytest.raises(NotAllowed):
        priority.weigh(priority.DEFAULTS, by=world.dora)
    for wrong in ({**other, "reach": 101}, {**other, "reach": -1}, {**other, "severity": 0, "waiting": 0}, {}):
        with pytest.raises(Invalid):
            priority.weigh(wrong, by=world.root)


def test_a_muted_conversation_is_complete_and_stays_so_until_somebody_shows_it_again(world: World) -> None:
    on = props.channel(world)
    message = props.received(on, "Earn money from home, click the link!")
    receiving.take_in(MessageReceived(message.conversation_id, message.id))
    case = message.conversation
    corrections.mute(case, reason="spam", by=world.dora)
    assert (case.state, case.waiting_since) == ("no_answer", None)
    again = props.received(on, "Click it!", id="again")
    assert case.state == "open"
    receiving.take_in(MessageReceived(case.id, again.id))
    assert (case.state, case.waiting_since) == ("no_answer", None)
    corrections.unmute(case, by=world.dora)
    assert (case.state, case.waiting_since) == ("open", again.created_at)
    with pytest.raises(Invalid):
        corrections.mute(case, reason="dislike", by=world.dora)
    with pytest.raises(NotAllowed):
        corrections.mute(case, reason="spam", by=world.alice)
    conversations.change_state(case, "solved", by=world.dora)


def test_the_page_shows_what_it_is_and_why_it_stands_there_and_takes_a_correction(
    stage: Callable[[Callable[[World], Any]], Any], browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        case = _case(world, "max", "Wo finde ich meine Rechnung? Anna Beispiel, 0171 39200 12")
        return case.id, case.messages[0].id

    case_id, message_id = stage(scene)
    dora = browser_of("dora")
    page = dora.get(f"/desk/conversations/{case_id}").text
    assert "Question" in page
    assert "Why this place?" in page
    assert "chooses the band" in page
    action = f"/desk/messages/{message_id}/judgement"
    sent = dora.post(action, data={**fields_of(page, action), "intent": "complaint"})
    assert sent.status_code == 303
    page = dora.get(f"/desk/conversations/{case_id}").text
    assert "Complaint" in page
    assert "corrected" in page
