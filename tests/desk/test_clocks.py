"""Since when somebody waits and until when they are to have an answer: set together, stopped together."""

from datetime import timedelta

from core.clock import now
from desk import conversations, replies
from tests.cast import World
from tests.desk.stage import channel, received


def test_the_clock_runs_from_the_first_unanswered_message(world: World) -> None:
    on = channel(world, endpoint="https://social.example/replies")
    first = received(on, created_at=now() - timedelta(minutes=50))
    conversation = first.conversation
    assert conversation.due_at == first.created_at + timedelta(minutes=60)
    received(on, created_at=now() - timedelta(minutes=10))
    assert conversation.due_at == first.created_at + timedelta(minutes=60), "asking again does not start it anew"
    earlier = received(on, created_at=now() - timedelta(minutes=55))
    assert conversation.due_at == earlier.created_at + timedelta(minutes=60), "order of arrival does not matter"


def test_an_answer_stops_it_and_the_next_message_starts_it(world: World) -> None:
    on = channel(world, endpoint="https://social.example/replies")
    conversation = received(on).conversation
    replies.reply(conversation, text="Please restart it.", by=world.dora)
    assert (conversation.waiting_since, conversation.due_at) == (None, None)
    again = received(on, id="post-2", created_at=now())
    assert conversation.due_at == again.created_at + timedelta(minutes=60)
    conversations.change_state(conversation, "no_answer", by=world.dora)
    assert conversation.due_at is None
    conversations.change_state(conversation, "open", by=world.dora)
    assert conversation.due_at == again.created_at + timedelta(minutes=60)
