"""The search at the slash: articles, answers and blocks, by what the customer means and what is typed."""

from datetime import timedelta
from typing import Any

import pytest

from core.clock import now
from core.db import db
from desk import blocks, finding, wordings
from desk.block_models import ReplyBlock
from desk.blocks import Words
from desk.models import Conversation
from forum.models import Topic
from kb.models import Article
from search import indexer, query
from tests.cast import World
from tests.desk import stage as props
from tests.kb.shelf import Shelf

ASKED = "My wireless is gone since the update, what now?"


@pytest.fixture
def conversation(world: World) -> Conversation:
    return props.received(props.channel(world), ASKED, locale="en").conversation


def block(world: World, title: str, text: str, **about: Any) -> ReplyBlock:
    by = about.pop("by", world.dora)
    return blocks.create(Words(title=title, words=about.pop("words", {"en": text}), **about), by=by)


def index() -> None:
    db.session.commit()
    while indexer.catch_up():
        pass


def found(world: World, conversation: Conversation, typed: str = "", **about: Any) -> list[tuple[str, int]]:
    index()
    offers = finding.find(conversation, typed, by=about.get("by", world.dora))
    return [(offer.kind, offer.id) for offer in offers]


def test_all_three_kinds_are_found_by_the_message_alone(world: World, conversation: Conversation) -> None:
    article: Article = Shelf(world).published()
    topic: Topic = world.solved(title="The wireless network disappears after an update")
    note = block(world, "Wireless gone after an update", "Please restart your router after the update.")
    block(world, "Refund", "We give your money back within a week.")
    answer_id = topic.acceptance.post_id  # type: ignore[union-attr]
    assert set(found(world, conversation)) == {("article", article.id), ("answer", answer_id), ("block", note.id)}


def test_what_is_typed_leads_whatever_the_message_says(world: World, conversation: Conversation) -> None:
    block(world, "Wireless gone after an update", "Please restart your router after the update.")
    refund = block(world, "Refund", "We give your money back within a week.")
    assert found(world, conversation, "money back")[0] == ("block", refund.id)
    assert found(world, conversation, "refu")[0] == ("block", refund.id)


def test_an_article_is_found_while_its_title_is_half_typed(world: World, conversation: Conversation) -> None:
    article = Shelf(world).published(title="Changing the password of the guest network")
    assert ("article", article.id) in found(world, conversation, "Changing the passw")


def test_nothing_is_found_for_nonsense_and_nobody_is_harmed_by_rubbish(
    world: World, conversation: Conversation
) -> None:
    Shelf(world).published()
    assert found(world, conversation, "qqqqzzzz") == []
    for typed in ("%" * 500, "\u202e" + "a" * 30_000, "😀 " * 200, "'; drop table x; --", "   "):
        found(world, conversation, typed)


def test_other_peoples_own_blocks_and_those_of_other_channels_are_not_found(
    world: World, conversation: Conversation
) -> None:
    other = world.person("dirk", "agent")
    mine = block(world, "Wireless", "Restart the wireless router after the update.", scope="mine")
    block(
        world, "Wireless there", "Restart the wireless router.", scope="channel", channel=props.channel(world, "mail")
    )
    here = block(world, "Wireless here", "Restart it.", scope="channel", channel=conversation.channel)
    assert set(found(world, conversation)) == {("block", mine.id), ("block", here.id)}
    assert set(found(world, conversation, "wireless")) == {("block", mine.id), ("block", here.id)}
    assert found(world, conversation, "wireless", by=other) == [("block", here.id)]
    text = finding.block_text(conversation, mine.id, by=other, wording=wordings.of(conversation, by=other))
    assert text is None


def test_nobody_else_finds_anything(world: World, conversation: Conversation) -> None:
    block(world, "Wireless", "Restart the wireless router after the update.")
    assert found(world, conversation, by=world.emil) == []


def test_what_is_put_away_is_gone_before_the_index_hears_of_it(world: World, conversation: Conversation) -> None:
    away = block(world, "Wireless", "Restart the wireless router after the update.")
    assert len(found(world, conversation)) == 1
    blocks.put_away(away, by=world.dora)
    db.session.commit()
    assert finding.find(conversation, "wireless", by=world.dora) == []


def test_the_search_of_the_house_never_finds_blocks(world: World) -> None:
    block(world, "Wireless", "Restart the wireless router after the update.")
    index()
    for person in (world.dora, world.root, world.alice):
        assert query.find("wireless router", viewer=person).hits == []
        assert query.find("wireless router is:archived", viewer=person).hits == []


def test_of_equals_that_comes_first_which_is_kept_or_used(world: World, conversation: Conversation) -> None:
    first = block(world, "Wireless one", "Restart the wireless router after the update.")
    second = block(world, "Wireless two", "Restart the wireless router after the update.")
    message = props.received(conversation.channel, "x", id="other")
    before = [pair[1] for pair in found(world, conversation, "wireless")]
    last = db.session.get_one(ReplyBlock, before[-1])
    blocks.record_use(last, message.id, by=world.dora)
    assert found(world, conversation, "wireless")[0] == ("block", last.id)
    other = first if last.id == second.id else second
    blocks.favour(other, by=world.dora, is_favourite=True)
    message2 = props.received(conversation.channel, "y", id="more")
    blocks.record_use(other, message2.id, by=world.dora, at=now() - timedelta(days=60))
    assert found(world, conversation, "wireless")[0] == ("block", other.id)


def test_what_is_kept_is_offered_where_nothing_fits(world: World) -> None:
    silent = props.received(props.channel(world), "", locale="en").conversation
    kept = block(world, "Refund", "We give your money back.")
    block(world, "Other", "Something else.")
    blocks.favour(kept, by=world.dora, is_favourite=True)
    assert found(world, silent) == [("block", kept.id)]


def test_the_text_is_the_customers_and_says_what_is_missing(world: World) -> None:
    on = props.channel(world, limit=60)
    conversation = props.received(on, "Mein WLAN ist seit dem Update weg", locale="de").conversation
    conversation.is_informal = True
    block(world, "WLAN", "", words={"de": "{greeting}, bitte starten Sie das WLAN neu. {channel}"})
    index()
    (offer,) = [one for one in finding.find(conversation, "WLAN", by=world.dora) if one.kind == "block"]
    assert offer.text == "Hallo Max, bitte starten Sie das WLAN neu. Social"
    assert offer.fits
    assert offer.limit == 60
    assert "Sie" in offer.note


def test_the_panel_shows_what_fits_the_message(world: World, conversation: Conversation) -> None:
    note = block(world, "Wireless", "Restart the wireless router after the update.")
    block(world, "Refund", "We give your money back.")
    index()
    wording = wordings.of(conversation, by=world.dora)
    assert [one.id for one in finding.blocks_for(conversation, ASKED, by=world.dora, wording=wording)] == [note.id]
