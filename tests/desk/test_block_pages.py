"""Text blocks and what is used of them, in a browser without a script."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from core.db import db
from desk import blocks, conversations, replies
from desk.block_models import ConversationArticle, ReplyBlock, ReplyBlockUse
from desk.blocks import Words
from desk.models import Channel, Conversation
from kb import queries as kb_queries
from kb.models import Article, ArticleUse
from search import indexer
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf, fields_of

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
FIELDS = {"title": "Greeting", "scope": "team", "words-de": "Guten Tag {customer|zusammen}", "words-en": "Hello"}


@pytest.fixture
def conversation_id(stage: Stage) -> int:
    def scene(world: World) -> int:
        world.everybody()
        Shelf(world).published()
        blocks.create(
            Words(title="Wireless gone", words={"en": "Restart the wireless after the update, {customer}."}),
            by=world.dora,
        )
        on = props.channel(world, endpoint="https://social.example/replies", limit=500)
        message = props.received(on, "My wireless is gone after the update, please help!", locale="en")
        return message.conversation_id

    found: int = stage(scene)
    stage(lambda _world: indexer.catch_up())
    return found


@pytest.fixture
def dora(conversation_id: int, browser_of: BrowserOf) -> Browser:
    assert conversation_id
    return browser_of("dora")


def test_a_block_is_written_changed_and_restored(app: Flask, dora: Browser) -> None:
    answer = dora.post("/desk/blocks", data={**FIELDS, "words-de@social": "Hallo dort", "keywords": "hi, moin"})
    assert answer.status_code == 303
    page = dora.get(answer.location).text
    assert "Guten Tag {customer|zusammen}" in page
    assert "Hallo dort" in page
    assert "moin" in page
    edit = dora.get(answer.location + "/edit").text
    assert "Hallo dort" in edit
    fields = fields_of(edit, answer.location + "/edit")
    assert dora.post(answer.location + "/edit", data={**fields, "words-en": "Hi there"}).status_code == 303
    assert dora.post(answer.location + "/edit", data={**fields, "words-en": "Late"}).status_code == 409
    assert "Version 2" in dora.get(answer.location).text
    assert dora.post(answer.location + "/revisions/1/restoration").status_code == 303
    with app.app_context():
        kept = db.session.scalars(select(ReplyBlock).where(ReplyBlock.title == "Greeting")).one()
        assert (kept.number, kept.words["en"]) == (3, "Hello")


def test_what_was_typed_stays_where_something_is_wrong(dora: Browser) -> None:
    answer = dora.post("/desk/blocks", data={**FIELDS, "words-en": "Dear {nonsense}", "folder": "Hello there"})
    assert answer.status_code == 422
    assert "Dear {nonsense}" in answer.text
    assert 'value="Hello there"' in answer.text
    assert 'id="words-en-error"' in answer.text
    assert dora.post("/desk/blocks", data={"title": "", "scope": "nobody"}).status_code == 422


def test_the_list_finds_by_words_folder_and_use(dora: Browser) -> None:
    dora.post("/desk/blocks", data={**FIELDS, "folder": "Start & more"})
    assert "Greeting" in dora.get("/desk/blocks?q=zusammen").text
    assert "Greeting" not in dora.get("/desk/blocks?q=nothing").text
    assert "Greeting" in dora.get("/desk/blocks?folder=Start+%26+more").text
    assert "Greeting" in dora.get("/desk/blocks?whose=unused").text
    assert "Greeting" not in dora.get("/desk/blocks?whose=kept").text
    assert dora.get("/desk/blocks?whose=x&folder=y&q=%25").status_code == 200


def test_somebody_elses_own_block_is_not_there(stage: Stage, dora: Browser, browser_of: BrowserOf) -> None:
    def scene(world: World) -> int:
        block = blocks.create(
            Words(title="Secret", words={"en": "psst"}, scope="mine"), by=world.person("dirk", "agent")
        )
        return block.id

    block_id = stage(scene)
    for path in (f"/desk/blocks/{block_id}", f"/desk/blocks/{block_id}/edit"):
        assert dora.get(path).status_code == 404
    assert dora.post(f"/desk/blocks/{block_id}/standing", data={"to": "away"}).status_code == 404
    for path in ("/desk/blocks", "/desk/blocks/export", "/desk/blocks?whose=mine"):
        assert "psst" not in dora.get(path).text
    assert "psst" in browser_of("dirk").get("/desk/blocks/export").text


def test_blocks_go_out_and_come_in_again(app: Flask, dora: Browser) -> None:
    dora.post("/desk/blocks", data={**FIELDS, "words-de": "{{block:wireless-gone}} Tschüß"})
    out = dora.get("/desk/blocks/export")
    lines = [json.loads(line) for line in out.text.splitlines()]
    assert [line["name"] for line in lines] == ["wireless-gone", "greeting"]
    with app.app_context():
        for block in db.session.scalars(select(ReplyBlock)):
            db.session.delete(block)
        db.session.commit()
    raw = out.text + "nonsense\n" + json.dumps({"type": "reply_block", "id": "x", "name": "Bad Name"}) + "\n"

    def bring_in() -> str:
        data = {"file": (io.BytesIO(raw.encode()), "blocks.jsonl")}
        assert dora.post("/desk/blocks/import", data=data, content_type="multipart/form-data").status_code == 303
        return str(dora.get("/desk/blocks").text)

    page = bring_in()
    assert "2 new, 0 changed" in page
    assert "Line 3 was left out" in page
    assert "Line 4 was left out" in page
    assert "0 new, 0 changed" in bring_in()
    assert dora.post("/desk/blocks/import", data={}).status_code == 303


def composed(dora: Browser, conversation_id: int, **changes: Any) -> Any:
    action = f"/desk/conversations/{conversation_id}/replies"
    fields = fields_of(dora.get(f"/desk/conversations/{conversation_id}").text, action)
    fields.pop("look", None)
    return dora.post(action, data={**fields, **changes})


def test_the_panel_puts_a_block_in_and_its_use_is_kept(app: Flask, dora: Browser, conversation_id: int) -> None:
    with app.app_context():
        block_id = db.session.scalars(select(ReplyBlock.id)).one()
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert f'value="block:{block_id}"' in page
    page = composed(dora, conversation_id, text="Thank you.", insert=f"block:{block_id}").text
    assert "Thank you. Restart the wireless after the update, Max." in page
    assert f'name="uses" value="block:{block_id}"' in page
    fields = fields_of(page, f"/desk/conversations/{conversation_id}/replies")
    fields.pop("look", None)
    answer = dora.post(f"/desk/conversations/{conversation_id}/replies", data=fields)
    assert answer.status_code == 303
    with app.app_context():
        assert db.session.scalars(select(ReplyBlockUse.block_id)).all() == [block_id]


def test_a_link_and_a_passage_are_put_in_and_kept_as_such(app: Flask, dora: Browser, conversation_id: int) -> None:
    with app.app_context():
        article_id = db.session.scalars(select(Article.id)).one()
    page = composed(dora, conversation_id, text="Look:", preview=f"article:{article_id}").text
    assert "Look:" in page
    assert f'value="article:{article_id}:quote:0"' in page
    page = composed(dora, conversation_id, text="Look:", insert=f"article:{article_id}:link").text
    assert "Look: Wireless is gone after an update: http://localhost/kb/" in page
    fields = fields_of(page, f"/desk/conversations/{conversation_id}/replies")
    fields.pop("look", None)
    assert dora.post(f"/desk/conversations/{conversation_id}/replies", data=fields).status_code == 303
    with app.app_context():
        assert db.session.scalars(select(ArticleUse.way)).one() == "link"


def test_an_article_is_linked_and_the_draft_stays(app: Flask, dora: Browser, conversation_id: int) -> None:
    with app.app_context():
        article_id = db.session.scalars(select(Article.id)).one()
    page = composed(dora, conversation_id, text="Half a sen", about=str(article_id)).text
    assert "Half a sen" in page
    assert "This is about:" in page
    with app.app_context():
        assert db.session.scalars(select(ConversationArticle.article_id)).all() == [article_id]
    page = composed(dora, conversation_id, text="Half a sen", not_about=str(article_id)).text
    assert "This is about:" not in page
    for nonsense in ("x", "99999999", "9" * 300):
        assert "Half" in composed(dora, conversation_id, text="Half", about=nonsense).text


def test_the_choices_at_the_slash(dora: Browser, conversation_id: int) -> None:
    page = dora.get(f"/desk/conversations/{conversation_id}/offers?q=wirel").text
    assert page.count('role="option"') == 2
    assert "<html" not in page
    assert "Restart the wireless after the update, Max." in page
    assert dora.get(f"/desk/conversations/{conversation_id}/offers?q={'x' * 3000}").status_code == 200
    assert dora.get("/desk/conversations/999999/offers").status_code == 404
    assert dora.get(f"/desk/conversations/{conversation_id}/preview?what=article:1").status_code == 200
    assert dora.get(f"/desk/conversations/{conversation_id}/preview?what=nothing").status_code == 404


def test_a_reply_without_an_article_offers_to_begin_one(
    app: Flask, stage: Stage, dora: Browser, browser_of: BrowserOf
) -> None:
    def scene(world: World) -> tuple[int, int]:
        on = db.session.scalars(select(Channel)).one()
        asked = props.received(
            on, "Hello, the lamp of my router is blue. Max", locale="en", conversation="c2", id="c2-1", name="Max"
        )
        reply = replies.reply(asked.conversation, text="Hi Max, press it twice. Call 0170 1234567.", by=world.dora)
        reply.state = "sent"
        return asked.conversation_id, reply.id

    conversation_id, message_id = stage(scene)
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert f"/kb/articles/new?begin=message-{message_id}" in page
    form = dora.get(f"/kb/articles/new?begin=message-{message_id}").text
    assert "the lamp of my router is blue" in form.lower()
    assert "0170 1234567" not in form
    assert "Press it twice." in form
    assert browser_of("emil").get(f"/kb/articles/new?begin=message-{message_id}").status_code == 404
    assert dora.get("/kb/articles/new?begin=nonsense").status_code == 404
    fields = fields_of(form, "/kb/articles")
    fields |= {"title": "The blue lamp of the router", "section": "router"}
    assert dora.post("/kb/articles", data=fields).status_code == 303
    with app.app_context():
        made = db.session.scalars(select(ConversationArticle)).one()
        assert (made.conversation_id, made.relation) == (conversation_id, "made")
        article = db.session.get_one(Article, made.article_id)
        assert f"/desk/conversations/{conversation_id}" in kb_queries.newest_revision(article).comment
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert "Made of this:" in page
    assert "begin=message-" not in page


def test_a_solved_exchange_goes_into_the_forum(
    stage: Stage, dora: Browser, guest: Browser, conversation_id: int
) -> None:
    def solve(world: World) -> int:
        conversation = db.session.get_one(Conversation, conversation_id)
        reply = replies.reply(conversation, text="Hi Max, restart the router and choose channel 6.", by=world.dora)
        reply.state = "sent"
        conversations.change_state(conversation, "solved", by=world.dora)
        assert world.router
        return reply.id

    message_id = stage(solve)
    assert f"/desk/messages/{message_id}/topic" in dora.get(f"/desk/conversations/{conversation_id}").text
    page = dora.get(f"/desk/messages/{message_id}/topic").text
    fields = fields_of(page, f"/desk/messages/{message_id}/topic")
    personal = {**fields, "answer": "Dear Max, yes.", "category": "router"}
    wrong = dora.post(f"/desk/messages/{message_id}/topic", data=personal)
    assert wrong.status_code == 422
    assert "Dear Max, yes." in wrong.text
    assert dora.post(f"/desk/messages/{message_id}/topic", data={**fields, "category": "router"}).status_code == 303
    answer = dora.get(f"/desk/messages/{message_id}/topic")
    assert answer.status_code == 303
    topic = guest.get(answer.location, follow_redirects=True).text
    assert "QAPage" in topic
    assert "acceptedAnswer" in topic
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert re.search(r"Asked in the forum:.*/t/", page)
    assert f"/desk/messages/{message_id}/topic" not in page


def test_a_conversation_costs_no_more_for_many_blocks(
    app: Flask, stage: Stage, dora: Browser, conversation_id: int
) -> None:
    def statements() -> int:
        seen: list[str] = []
        with app.app_context():
            engine = db.engine
        note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- listened to and removed below
        event.listen(engine, "before_cursor_execute", note)
        assert dora.get(f"/desk/conversations/{conversation_id}").status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        return len([statement for statement in seen if statement.startswith("SELECT")])

    few = statements()

    def crowd(world: World) -> None:
        for number in range(20):
            blocks.create(
                Words(title=f"Wireless {number}", words={"en": "Restart the wireless after the update."}), by=world.dora
            )
        while indexer.catch_up():
            pass

    stage(crowd)
    assert statements() <= few
