"""What the desk does when it hears of something, in the worker."""

from typing import Final

from core.db import db
from core.outbox import Later, listens_to
from desk import call_backs, correcting, counters, credit_lines, hiding, questions, replies
from desk.events import AnswersReused, CorrectionQueued, CounterUsed, HidingQueued, ReplyQueued
from desk.models import Message
from forum.events import AnswerAccepted

UNTIL_SENT_SECONDS: Final = 60.0


@listens_to(ReplyQueued)
def deliver_reply(event: ReplyQueued) -> None:
    replies.send(event.message_id)


@listens_to(HidingQueued)
def hide_at_the_service(event: HidingQueued) -> None:
    hiding.carry_out(event.hiding_id)


@listens_to(CorrectionQueued)
def correct_at_the_service(event: CorrectionQueued) -> None:
    correcting.carry_out(event.correction_id)


@listens_to(AnswerAccepted)
def tell_who_asked_for_a_customer(event: AnswerAccepted) -> None:
    """Tell the agent that the question asked for a customer is solved, when it still is."""
    questions.tell_who_asked(event.topic_id)


@listens_to(CounterUsed)
def tell_who_has_the_conversation(event: CounterUsed) -> None:
    counters.tell_who_has_it(event.conversation_id, event.counter_id)


@listens_to(CounterUsed)
def call_as_they_wish(event: CounterUsed) -> None:
    call_backs.arrange_from_counter(event.counter_id)


@listens_to(AnswersReused)
def thank_authors(event: AnswersReused) -> None:
    """Thank those whose answers a reply carries, once it has left the house."""
    message = db.session.get(Message, event.message_id)
    if message is not None and message.state == "queued":
        raise Later(UNTIL_SENT_SECONDS)
    credit_lines.thank(event.message_id)
