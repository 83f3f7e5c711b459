"""How long a reply may be depends on who reads it, where a service makes that difference."""

from collections.abc import Callable
from typing import Any

import pytest

from core.db import db
from core.errors import Invalid
from desk import replies
from desk.channels.base import adapter_of, measure_of
from desk.means import measure_here
from desk.models import Channel, Conversation
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props

Stage = Callable[[Callable[[World], Any]], Any]
LONG = "ü" * 1000
"""As much as a direct message on Bluesky takes, and more than a post does."""


def asked(kind: str = "bluesky", *, chat: bool = True, is_public: bool = True) -> Conversation:
    on = Channel(slug=f"here-{kind}", kind=kind, name="Here", settings={"handle": "desk.example", "chat": chat})
    db.session.add(on)
    db.session.flush()
    return props.received(on, is_public=is_public).conversation


def test_what_one_person_reads_may_be_longer_than_what_everybody_reads(world: World) -> None:
    conversation = asked()
    channel = conversation.channel
    assert (adapter_of(channel).measure.limit, adapter_of(channel).measure.longest_bytes) == (300, 3000)
    private = measure_of(channel, is_public=False)
    assert (private.limit, private.longest_bytes, private.counting) == (1000, 10_000, "bluesky")
    assert measure_here(conversation).limit == 300, "what fits wherever it goes"
    with pytest.raises(Invalid) as refusal:
        replies.reply(conversation, text=LONG, by=world.dora, is_public=True)
    assert "300" in refusal.value.sentence
    with pytest.raises(Invalid):
        replies.reply(conversation, text=LONG, by=world.dora)
    message = replies.reply(conversation, text=LONG, by=world.dora, is_public=False)
    assert (message.text, message.is_public) == (LONG, False)
    with pytest.raises(Invalid) as refusal:
        replies.reply(conversation, text=LONG + "ü", by=world.dora, is_public=False)
    assert "1000" in refusal.value.sentence


def test_who_wrote_in_private_is_answered_at_that_length(world: World) -> None:
    assert replies.reply(asked(is_public=False), text=LONG, by=world.dora).text == LONG


def test_parts_are_as_long_as_who_reads_them_takes(world: World) -> None:
    conversation, text = asked(), "Please restart it once. " * 30
    in_public = replies.in_parts(conversation, text, "numbered", by=world.dora, is_public=True)
    assert len(in_public) == 3
    assert len(replies.in_parts(conversation, text, "numbered", by=world.dora, is_public=False)) == 1


def test_elsewhere_it_makes_no_difference(world: World) -> None:
    channel = asked("mastodon").channel
    assert measure_of(channel, is_public=False) == measure_of(channel, is_public=True)


def test_the_page_says_both_and_takes_what_fits(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    conversation_id = stage(lambda world: (world.everybody(), asked().id)[1])
    dora = browser_of("dora")
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert "300 characters in public, 1000 in private" in page
    assert 'data-count-by="public" data-count-yes="300 3000" data-count-no="1000 10000"' in page
    sent = {"text": LONG, "seen": "1", "public": "yes"}
    refused = dora.post(f"/desk/conversations/{conversation_id}/replies", data=sent)
    assert refused.status_code == 422
    assert LONG in refused.text
    looked = dora.post(f"/desk/conversations/{conversation_id}/replies", data={**sent, "public": "no", "parts": "1"})
    assert "1000 of 1000 characters" in looked.text
    taken = dora.post(f"/desk/conversations/{conversation_id}/replies", data={**sent, "public": "no"})
    assert taken.status_code == 303


def test_where_nothing_is_private_one_length_is_said(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    conversation_id = stage(lambda world: (world.everybody(), asked(chat=False).id)[1])
    page = browser_of("dora").get(f"/desk/conversations/{conversation_id}").text
    assert "300 characters" in page
    assert 'data-count-by="' not in page
