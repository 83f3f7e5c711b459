"""An agent answers: what fits is queued, what was too early is asked back, and what was reused is remembered."""

from datetime import timedelta
from operator import attrgetter
from typing import Any

import pytest
from sqlalchemy import select

from accounts.models import AuditEntry
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import Delivery
from core.web import absolute
from desk import connections, conversations, replies
from desk.models import Conversation
from kb import addresses, faces
from kb.models import ArticleUse
from tests.cast import World
from tests.desk import stage as props
from tests.kb.shelf import Shelf


@pytest.fixture
def conversation(world: World) -> Conversation:
    on = props.channel(world, endpoint="https://social.example/replies", limit=100)
    return props.received(on).conversation


def test_a_reply_is_queued_with_its_key_and_nobody_waits_any_more(world: World, conversation: Conversation) -> None:
    message = replies.reply(conversation, text="  Please restart it.  ", by=world.dora)
    assert (message.state, message.direction, message.text) == ("queued", "out", "  Please restart it.")
    assert message.is_public  # as the customer wrote
    assert message.by == world.dora
    assert message.idempotency_key
    assert (conversation.state, conversation.waiting_since) == ("waiting_customer", None)
    delivery = db.session.scalars(select(Delivery).where(Delivery.event == "ReplyQueued")).one()
    assert delivery.payload == {"message_id": message.id}


def test_a_private_message_is_answered_in_private(world: World) -> None:
    on = props.channel(world, endpoint="https://social.example/replies")
    conversation = props.received(on, is_public=False).conversation
    assert not replies.reply(conversation, text="Yes.", by=world.dora).is_public


@pytest.mark.parametrize("who", ["alice", "tina", "ada", "emil"])
def test_only_agents_answer(world: World, conversation: Conversation, who: str) -> None:
    with pytest.raises(NotAllowed):
        replies.reply(conversation, text="Hello", by=getattr(world, who))
    with pytest.raises(NotAllowed):
        conversations.change_state(conversation, "solved", by=getattr(world, who))
    with pytest.raises(NotAllowed):
        conversations.assign(conversation, world.dora, by=getattr(world, who))
    with pytest.raises(NotAllowed):
        connections.open_webhook("mine", name="Mine", endpoint="", limit=None, by=getattr(world, who))


def test_agents_do_not_open_channels_but_admins_answer(world: World, conversation: Conversation) -> None:
    with pytest.raises(NotAllowed):
        connections.open_webhook("mine", name="Mine", endpoint="", limit=None, by=world.dora)
    assert replies.reply(conversation, text="Hello", by=world.root).state == "queued"


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_an_empty_reply_is_no_reply(world: World, conversation: Conversation, text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        replies.reply(conversation, text=text, by=world.dora)
    assert "text" in refusal.value.fields


def test_what_is_longer_than_the_channel_takes_is_refused_with_both_numbers(
    world: World, conversation: Conversation
) -> None:
    with pytest.raises(Invalid) as refusal:
        replies.reply(conversation, text="ä" * 101, by=world.dora)
    assert "101" in refusal.value.fields["text"]
    assert "100" in refusal.value.fields["text"]
    assert replies.reply(conversation, text="ä" * 100, by=world.dora).state == "queued"


def test_a_message_that_came_meanwhile_is_read_first(world: World, conversation: Conversation) -> None:
    seen = conversation.messages[-1].id
    newer = props.received(conversation.channel, "Never mind, it works.", created_at=now() - timedelta(seconds=1))
    with pytest.raises(replies.SomethingNew, match="new message"):
        replies.reply(conversation, text="Restart it.", by=world.dora, seen=seen)
    assert replies.reply(conversation, text="Glad to hear it.", by=world.dora, seen=newer.id).state == "queued"


def test_an_old_message_that_came_late_is_read_first_as_well(world: World, conversation: Conversation) -> None:
    seen = conversation.messages[-1].id
    props.received(conversation.channel, "Delayed on its way", created_at=now() - timedelta(days=2))
    with pytest.raises(replies.SomethingNew):
        replies.reply(conversation, text="Restart it.", by=world.dora, seen=seen)


def test_of_two_agents_the_second_hears_of_the_first(world: World, conversation: Conversation) -> None:
    seen = conversation.messages[-1].id
    replies.reply(conversation, text="Restart it.", by=world.dora, seen=seen)
    with pytest.raises(replies.SomethingNew, match="Dora"):
        replies.reply(conversation, text="Restart it, please.", by=world.root, seen=seen)


def test_on_a_channel_that_cannot_send_nothing_is_queued(world: World) -> None:
    only_heard = props.received(props.channel(world, "heard")).conversation
    with pytest.raises(Invalid):
        replies.reply(only_heard, text="Hello", by=world.dora)
    on = props.channel(world, "closed", endpoint="https://social.example/")
    closed = props.received(on).conversation
    connections.switch_off(on, by=world.root)
    with pytest.raises(Invalid, match="switched off"):
        replies.reply(closed, text="Hello", by=world.dora)
    connections.switch_on(on, by=world.root)
    assert replies.reply(closed, text="Hello", by=world.dora)


def uses() -> list[ArticleUse]:
    return list(db.session.scalars(select(ArticleUse)))


def test_an_article_that_was_inserted_is_remembered_with_its_revision_and_what_was_asked(world: World) -> None:
    on = props.channel(world, endpoint="https://social.example/replies")
    conversation = props.received(on, "Wifi is gone, help").conversation
    article = Shelf(world).published()
    kind, text = faces.text_for(article, limit=500, url=absolute(addresses.of_article(article)))
    message = replies.reply(conversation, text=f"Hello Max, {text} Bye", by=world.dora, uses=[(article.id, None)])
    use = uses()[0]
    assert (use.article_id, use.revision_id, use.face) == (article.id, article.published_id, kind)
    assert (use.where_kind, use.where_id, use.by_id) == ("message", message.id, world.dora.id)
    assert use.asked == "Wifi is gone, help"


def test_a_link_alone_counts_as_a_use_without_a_face(world: World, conversation: Conversation) -> None:
    article = Shelf(world).published()
    url = absolute(f"/kb/{article.id}")
    replies.reply(conversation, text=f"See {url}", by=world.dora, uses=[(article.id, None), (article.id, None)])
    assert [use.face for use in uses()] == [None]


@pytest.mark.parametrize("leaves", ["nothing", "another article", "a longer number"])
def test_an_article_whose_link_was_deleted_again_was_not_used(
    world: World, conversation: Conversation, leaves: str
) -> None:
    article = Shelf(world).published()
    text = {
        "nothing": "Please restart it.",
        "another article": f"See {absolute('/kb/4711-x')}",
        "a longer number": f"See {absolute(f'/kb/{article.id}7-x')}",
    }[leaves]
    replies.reply(conversation, text=text, by=world.dora, uses=[(article.id, None), (4711, None), (2**70, None)])
    assert uses() == []


def test_a_draft_cannot_be_used(world: World, conversation: Conversation) -> None:
    article = Shelf(world).article()
    replies.reply(conversation, text=f"See {absolute(f'/kb/{article.id}')}", by=world.dora, uses=[(article.id, None)])
    assert uses() == []


def test_who_takes_a_conversation_has_it_and_the_log_says_so(world: World, conversation: Conversation) -> None:
    conversations.take(conversation, by=world.dora)
    assert (conversation.assignee, conversation.state) == (world.dora, "open")
    conversations.assign(conversation, world.root, by=world.dora)
    conversations.assign(conversation, None, by=world.dora)
    assert conversation.assignee is None
    deeds = db.session.scalars(select(AuditEntry.deed).where(AuditEntry.subject_kind == "conversation")).all()
    assert deeds.count("desk.conversation.assign") == 3


@pytest.mark.parametrize("who", ["alice", "emil"])
def test_only_who_works_at_the_desk_can_be_given_one(world: World, conversation: Conversation, who: str) -> None:
    with pytest.raises(Invalid):
        conversations.assign(conversation, getattr(world, who), by=world.dora)


@pytest.mark.parametrize("state", ["solved", "no_answer", "waiting_customer"])
def test_the_clock_stops_when_nobody_waits_and_runs_on_when_somebody_does(
    world: World, conversation: Conversation, state: Any
) -> None:
    began = conversation.waiting_since
    conversations.change_state(conversation, state, by=world.dora)
    assert conversation.waiting_since is None
    conversations.change_state(conversation, "open", by=world.dora)
    assert conversation.waiting_since == began


def test_while_a_colleague_is_asked_the_customer_still_waits(world: World, conversation: Conversation) -> None:
    conversations.change_state(conversation, "waiting_inside", by=world.dora)
    assert conversation.waiting_since is not None


@pytest.mark.parametrize("state", ["new", "gone", ""])
def test_not_every_word_is_a_state(world: World, conversation: Conversation, state: Any) -> None:
    with pytest.raises(Invalid):
        conversations.change_state(conversation, state, by=world.dora)


@pytest.mark.parametrize("state", ["queued", "sent", "received"])
def test_only_what_is_stuck_can_be_sent_again_or_called_sent(
    world: World, conversation: Conversation, state: Any
) -> None:
    message = conversation.messages[0] if state == "received" else replies.reply(conversation, text="Hi", by=world.dora)
    message.state = state
    db.session.flush()
    for deed in (replies.send_again, replies.mark_sent):
        with pytest.raises(Conflict):
            deed(message, by=world.dora)


def test_what_failed_gets_another_start_under_the_same_key(world: World, conversation: Conversation) -> None:
    message = replies.reply(conversation, text="Hi", by=world.dora)
    key = message.idempotency_key
    message.state, message.failure, message.attempts, message.attempted_at = "failed", "refused", 8, now()
    db.session.flush()
    replies.send_again(message, by=world.dora)
    assert (message.state, message.failure, message.attempts, message.attempted_at) == ("queued", None, 0, None)
    assert message.idempotency_key == key
    assert len(db.session.scalars(select(Delivery).where(Delivery.event == "ReplyQueued")).all()) == 2


def test_what_nobody_knows_of_can_be_called_sent_by_who_looked(world: World, conversation: Conversation) -> None:
    message = replies.reply(conversation, text="Hi", by=world.dora)
    message.state, message.failure = "unsure", "no answer"
    db.session.flush()
    replies.mark_sent(message, by=world.dora)
    assert (message.state, message.failure) == ("sent", None)
    assert message.sent_at is not None
    deed = db.session.scalars(select(AuditEntry).where(AuditEntry.deed == "desk.message.mark_sent")).one()
    assert deed.before == {"state": "unsure"}


@pytest.mark.parametrize(
    ("about", "field"),
    [
        ({"slug": ""}, "slug"),
        ({"slug": "Ä B"}, "slug"),
        ({"slug": "a--b"}, "slug"),
        ({"slug": "42"}, "slug"),
        ({"slug": "x" * 81}, "slug"),
        ({"slug": "taken"}, "slug"),
        ({"name": ""}, "name"),
        ({"endpoint": "ftp://example.org"}, "endpoint"),
        ({"endpoint": "http://example.org:22/"}, "endpoint"),
        ({"endpoint": "https://me:secret@example.org/"}, "endpoint"),
        ({"limit": -1}, "limit"),
        ({"limit": 10**12}, "limit"),
    ],
)
def test_a_channel_that_cannot_be_is_refused_at_its_field(world: World, about: dict[str, Any], field: str) -> None:
    connections.open_webhook("taken", name="Taken", endpoint="", limit=None, by=world.root)
    with pytest.raises(Invalid) as refusal:
        connections.open_webhook(
            **{"slug": "new", "name": "New", "endpoint": "", "limit": None, "by": world.root, **about}
        )
    assert list(refusal.value.fields) == [field]


def test_every_channel_has_its_own_secret_and_it_is_not_readable_in_the_database(world: World) -> None:
    one, other = (
        connections.open_webhook(slug, name=slug, endpoint="", limit=None, by=None) for slug in ("one", "two")
    )
    assert one.secret != other.secret
    assert str(one.secret).startswith("whsec_")
    stored = db.session.connection().exec_driver_sql("SELECT secret FROM channel").scalars().all()
    assert not any("whsec_" in secret for secret in stored)


def test_messages_are_in_the_order_in_which_they_were_said(world: World, conversation: Conversation) -> None:
    replies.reply(conversation, text="Restart it.", by=world.dora)
    props.received(conversation.channel, "Earlier", created_at=now() - timedelta(days=1))
    db.session.expire(conversation)
    assert conversation.messages == sorted(conversation.messages, key=attrgetter("created_at"))
    assert [message.direction for message in conversation.messages] == ["in", "in", "out"]
