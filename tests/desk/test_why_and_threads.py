"""What stands around a conversation: the thread before it, why it is here, and what matters in a long one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.clock import now
from core.db import db
from desk import conversations, reasons, replies, summing
from desk.models import Conversation, Message
from desk.person_models import ThreadPost
from desk.reasons import Reason
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]


def earlier(post_id: str, words: str = "Mine, too.", **about: Any) -> dict[str, Any]:
    return {
        "id": post_id,
        "text": words,
        "created": "2026-01-05T09:00:00Z",
        "url": f"https://social.example/{post_id}",
        "contact": {"handle": "@eve@social.example", "name": "Eve"},
        **about,
    }


def deliver(guest: Browser, thread: Any, **changes: Any) -> Any:
    body = props.payload(**changes)
    body["thread"] = thread
    sent = props.raw(body)
    return guest.post("/channels/social/webhook", data=sent, headers=props.signed(sent))


def test_the_thread_before_it_is_kept_once_and_nobody_waits_for_it(
    stage: Stage, guest: Browser, browser_of: BrowserOf
) -> None:
    stage(lambda world: (world.everybody(), props.channel(world), None)[-1])
    thread = [
        earlier("post-0", "Does anybody else <b>wait</b>?"),
        earlier("post-ours", "We look into it.", ours=True, contact={"handle": "@house@social.example"}),
        earlier("post-private", public=False),
        earlier("post-1", "what is written to us stands in the exchange"),
        {"id": "broken"},
        earlier("post-wrong", url="javascript:alert(1)"),
        "nonsense",
        None,
        [[[[]]]],
    ]
    for _ in range(2):
        assert deliver(guest, thread).status_code in {200, 202}
    assert deliver(guest, thread, id="post-2").status_code == 202
    kept = stage(lambda _world: [(post.external_id, post.is_ours) for post in db.session.scalars(select(ThreadPost))])
    assert kept == [("post-0", False), ("post-ours", True)]
    dora = browser_of("dora")
    page = dora.get("/desk/conversations/1").text
    assert "Does anybody else &lt;b&gt;wait&lt;/b&gt;?" in page
    assert "written by us" in page
    assert 'href="https://social.example/post-0"' in page
    assert "The whole thread where it was written" in page
    waiting = stage(lambda _world: db.session.scalars(select(Conversation)).one().waiting_since)
    assert waiting is not None
    assert waiting.year == 2026


@pytest.mark.parametrize("thread", ["x", 7, {}, [], [None] * 100_000, None])
def test_a_thread_that_is_none_costs_the_message_nothing(stage: Stage, guest: Browser, thread: Any) -> None:
    stage(lambda world: (props.channel(world), None)[-1])
    answer = deliver(guest, thread)
    assert answer.status_code in {202, 413}
    assert stage(lambda _world: db.session.query(ThreadPost).count()) == 0


def test_a_private_message_brings_no_thread(stage: Stage, guest: Browser) -> None:
    stage(lambda world: (props.channel(world), None)[-1])
    assert deliver(guest, [earlier("post-0")], public=False).status_code == 202
    assert stage(lambda _world: db.session.query(ThreadPost).count()) == 0


def conversation_of(world: World, count: int = 1) -> Conversation:
    world.everybody()
    on = props.channel(world, endpoint="https://social.example/replies")
    for number in range(count):
        message = props.received(
            on,
            f"Hello there. Is the light number {number} broken? Thanks.",
            id=f"post-{number}",
            created_at=now() - timedelta(hours=count - number),
        )
    return message.conversation


def test_why_says_how_it_came_and_who_had_it(world: World) -> None:
    conversation = conversation_of(world)
    conversations.take(conversation, by=world.dora)
    conversations.assign(conversation, world.person("dirk", "agent"), by=world.dora)
    conversations.change_state(conversation, "solved", by=world.dora)
    conversations.change_state(conversation, "open", by=world.dora)
    labels = [reason.label for reason in reasons.why(conversation, viewer=world.dora)]
    assert labels == ["Channel", "Beginning", "Waiting", "Due"]
    told = [deed.words for deed in reasons.deeds(conversation)]
    assert told[0] == "put it from “Solved” to “Open”"
    assert "gave it to Dirk" in told
    assert "took it" in told


def test_others_say_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "_sources", list(reasons._sources))

    @reasons.register
    def rule(_conversation: Conversation, _viewer: Any) -> list[Reason]:
        return [Reason("Rule", "Speaks of the light", weight="+3")]

    assert reasons.why(conversation_of(world), viewer=world.dora)[-1] == Reason("Rule", "Speaks of the light", "+3")


def test_a_long_conversation_has_a_short_form_and_a_short_one_none(world: World) -> None:
    conversation = conversation_of(world, 21)
    replies.reply(conversation, text="Hello. Please press it twice.", by=world.dora)
    props.received(conversation.channel, "Is it over then? I wait.", id="last", created_at=now() + timedelta(seconds=1))
    db.session.expire(conversation)
    summary = summing.of(conversation, {})
    assert summary is not None
    assert [(point.kind, point.passage) for point in summary.points] == [
        ("came_with", "Is the light number 0 broken?"),
        ("open_question", "Is it over then?"),
        ("said_last", "Please press it twice."),
    ]
    conversation.messages[-2].state = "unsure"
    failed = summing.of(conversation, {})
    assert failed is not None
    assert "not_sent" in {point.kind for point in failed.points}


@pytest.mark.parametrize("words", ["?", "🎈" * 5000, "x" * 20_000, "a. " * 6000, "\u202e…", "\n" * 20 + "a"])
def test_rubbish_is_summed_up_too(world: World, words: str) -> None:
    conversation = conversation_of(world)
    assert summing.of(conversation, {}) is None
    message = db.session.scalars(select(Message)).one()
    message.text = words
    summary = summing.of(conversation, {}, at_any_length=True)
    assert summary is not None
    assert all(len(point.passage) <= summing.LONGEST_PASSAGE + 1 for point in summary.points)


def test_the_page_says_it(stage: Stage, browser_of: BrowserOf) -> None:
    conversation_id = stage(lambda world: conversation_of(world, 21).id)
    dora = browser_of("dora")
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert "In short: what matters in 21 messages" in page
    why = dora.get(f"/desk/conversations/{conversation_id}/why").text
    assert "Social delivered it here." in why
    assert "Is the light number 0 broken?" in why
