"""Short texts at the desk: filled in for this customer, with Sie or with du, and never sent with something open."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from core.db import db
from core.errors import Invalid, NotAllowed
from desk import replies, suggestions, transfer, wordings
from desk.models import Channel, Conversation, Message
from kb import faces
from kb.models import ArticleUse
from search import indexer
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf, fields_of

Stage = Callable[[Callable[[World], Any]], Any]
GREETED = "{?customer}Guten Tag {customer}, {/customer}bitte wählen Sie Kanal 6 am {product|Router}. {agent}"
GERMAN = {
    "locale": "de",
    "title": "WLAN ist nach dem Update weg",
    "summary": "Starten Sie den Router neu und wählen Sie Kanal 6.",
    "environment": "Router R2 8.02, Router R3",
    "symptoms": "Das WLAN ist weg.",
    "resolution": "Starten Sie den Router neu.",
    "keywords": [],
}
ASKED = "Mein WLAN ist nach dem Update weg, was soll ich tun?"


def scene(world: World) -> int:
    world.everybody()
    article = Shelf(world).published(**GERMAN)
    faces.write(article, kind="300", text=GREETED, by=world.emil)
    on = props.channel(world, endpoint="https://social.example/replies", limit=300)
    message = props.received(on, ASKED)
    message.conversation.locale = "de"
    return message.conversation_id


@pytest.fixture
def conversation(world: World) -> Conversation:
    found = db.session.get_one(Conversation, scene(world))
    db.session.commit()
    while indexer.catch_up():
        pass
    return found


def suggested(conversation: Conversation, world: World) -> suggestions.Suggestion:
    found = suggestions.suggest_for(
        ASKED,
        locale="de",
        channel=conversation.channel,
        viewer=world.dora,
        wording=wordings.of(conversation, by=world.dora),
    )
    return next(one for one in found if one.kind == "article")


def test_a_short_text_greets_the_customer_and_knows_agent_and_product(world: World, conversation: Conversation) -> None:
    one = suggested(conversation, world)
    assert one.text.startswith("Guten Tag Max, bitte wählen Sie Kanal 6 am Router R2. Dora http://localhost/kb/")
    leaves = one.text.replace("1-wlan-ist-nach-dem-update-weg", f"1/{'x' * 10}")  # as the address leaves
    assert one.length == len(leaves) <= 300
    assert one.note == ""
    text = suggestions.text_of(
        "article", one.id, channel=conversation.channel, wording=wordings.of(conversation, by=world.dora)
    )
    assert text == one.text


def test_a_customer_without_a_name_is_not_greeted_by_it(world: World, conversation: Conversation) -> None:
    conversation.contact.name = ""
    assert suggested(conversation, world).text.startswith("bitte wählen")


def test_what_stays_open_is_said_and_never_sent(world: World, conversation: Conversation) -> None:
    conversation.contact.name = ""
    article = db.session.scalars(select(faces.Article)).unique().one()
    faces.write(article, kind="300", text="Guten Tag {customer}, " + "wählen Sie bitte Kanal 6. " * 5, by=world.emil)
    one = suggested(conversation, world)
    assert "{customer}" in one.text
    assert "{customer}" in one.note
    with pytest.raises(Invalid) as refusal:
        replies.reply(conversation, text=one.text, by=world.dora)
    assert "{customer}" in refusal.value.fields["text"]
    replies.reply(conversation, text=one.text.replace("{customer}", "Max"), by=world.dora, uses=[(one.id, None)])


def test_the_face_that_was_filled_in_is_known_again(world: World, conversation: Conversation) -> None:
    one = suggested(conversation, world)
    message = replies.reply(conversation, text=one.text, by=world.dora, uses=[(one.id, None)])
    use = db.session.scalars(select(ArticleUse)).unique().one()
    assert (use.where_id, use.face) == (message.id, "300")


def test_a_channel_says_du_and_an_agent_may_say_sie_to_one_customer(world: World, conversation: Conversation) -> None:
    article = db.session.scalars(select(faces.Article)).unique().one()
    faces.write(
        article, kind="300", text="Wähl Kanal 6. {customer|}" + "Er ist frei. " * 12, by=world.emil, is_informal=True
    )
    wordings.address_on(conversation.channel, is_informal=True, by=world.root)
    assert suggested(conversation, world).text.startswith("Wähl Kanal 6. Max")
    wordings.address(conversation, is_informal=False, by=world.dora)
    assert "wählen Sie" in suggested(conversation, world).text
    assert conversation.is_informal is False
    wordings.address(conversation, is_informal=True, by=world.dora)
    assert conversation.is_informal is None  # as the channel says again


def test_where_there_is_none_with_du_it_says_sie_and_that_it_does(world: World, conversation: Conversation) -> None:
    article = db.session.scalars(select(faces.Article)).unique().one()
    for face in article.informal_faces:
        db.session.delete(face)
    db.session.flush()
    db.session.expire_all()
    wordings.address(conversation, is_informal=True, by=world.dora)
    one = suggested(conversation, world)
    assert "wählen Sie" in one.text
    assert "Sie" in one.note


def test_only_who_works_there_decides(world: World, conversation: Conversation) -> None:
    for stranger in (world.charlie, world.emil):
        with pytest.raises(NotAllowed):
            wordings.address(conversation, is_informal=True, by=stranger)
    with pytest.raises(NotAllowed):
        wordings.address_on(conversation.channel, is_informal=True, by=world.dora)


def test_what_an_agent_chose_goes_out_and_comes_in(world: World, conversation: Conversation) -> None:
    wordings.address(conversation, is_informal=True, by=world.dora)
    (record,) = transfer.dump()
    assert record["informal"] is True
    read = transfer.ConversationRecord.model_validate({**record, "id": "other", "channel": "archive"})
    transfer.load(read)
    taken = db.session.scalars(select(Conversation).where(Conversation.source_id == "other")).one()
    assert taken.is_informal is True


@pytest.fixture
def conversation_id(stage: Stage) -> int:
    found: int = stage(scene)
    stage(lambda _world: indexer.catch_up())
    return found


def test_an_agent_switches_on_the_page_and_loses_nothing(
    browser_of: Callable[[str], Browser], conversation_id: int, stage: Stage
) -> None:
    dora = browser_of("dora")
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert "Guten Tag Max, bitte" in page
    action = f"/desk/conversations/{conversation_id}/replies"
    fields = fields_of(page, action)
    switched = dora.post(action, data={**fields, "text": "Lieber Max,", "address": "informal"})
    assert switched.status_code == 200
    assert "Lieber Max," in switched.text
    assert "Short texts say du." in switched.text
    assert "Starte den Router neu" in switched.text
    assert stage(lambda _world: db.session.get_one(Conversation, conversation_id).is_informal) is True
    assert stage(lambda _world: db.session.scalar(select(Message.id).where(Message.direction == "out"))) is None
    refused = dora.post(action, data={**fields, "text": "Guten Tag {customer|"})
    assert refused.status_code == 422
    assert "still stands open" in refused.text


def test_an_admin_sets_it_for_a_channel(
    browser_of: Callable[[str], Browser], conversation_id: int, stage: Stage
) -> None:
    channel_id = stage(lambda _world: db.session.scalars(select(Channel.id)).one())
    root = browser_of("root")
    assert root.post(f"/admin/channels/{channel_id}/address", data={"to": "informal"}).status_code == 303
    assert "Say Sie" in root.get("/admin/channels").text
    assert stage(lambda _world: db.session.get_one(Channel, channel_id).is_informal) is True
