"""What the desk does when it hears of something, in the worker."""

from core.outbox import listens_to
from desk import counters, questions, replies
from desk.events import CounterUsed, ReplyQueued
from forum.events import AnswerAccepted


@listens_to(ReplyQueued)
def deliver_reply(event: ReplyQueued) -> None:
    replies.send(event.message_id)


@listens_to(AnswerAccepted)
def tell_who_asked_for_a_customer(event: AnswerAccepted) -> None:
    """Tell the agent that the question asked for a customer is solved, when it still is."""
    questions.tell_who_asked(event.topic_id)


@listens_to(CounterUsed)
def tell_who_has_the_conversation(event: CounterUsed) -> None:
    counters.tell_who_has_it(event.conversation_id, event.counter_id)
