"""At the desk it is asked whether an inserted article is still right, and later what became of the reply."""

from collections.abc import Callable
from typing import Any

import pytest

from core.db import db
from desk import conversations, replies
from desk.models import Conversation, Message
from kb import judging
from kb.models import ArticleTask, ArticleUse, ArticleVerdict
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as desk_stage
from tests.kb.shelf import Shelf, fields_of

Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture
def ids(stage: Stage, worker: Callable[[], None]) -> tuple[int, int]:
    """A conversation, and an article that fits it."""

    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        article = Shelf(world).published(title="My router is offline since the update")
        channel = desk_stage.channel(world, endpoint="https://social.example/replies")
        return desk_stage.received(channel).conversation_id, article.id

    made: tuple[int, int] = stage(scene)
    worker()
    return made


def test_the_verdict_is_sent_with_the_reply_and_warns_the_next_agent(
    stage: Stage, browser_of: Callable[[str], Browser], ids: tuple[int, int]
) -> None:
    conversation_id, article_id = ids
    dora, page_path = browser_of("dora"), f"/desk/conversations/{conversation_id}"
    path, name = f"{page_path}/replies", f"article:{article_id}"
    page = dora.get(page_path).text
    assert f'name="verdict-{name}"' in page
    assert "calls this wrong" not in page
    said = {f"verdict-{name}": "wrong", f"verdict_words-{name}": "Nobody has channel 6 any more."}
    form = {**fields_of(page, path), **said}
    put = dora.post(path, data={**form, "text": "", "insert": name}).text
    assert f'<input type="hidden" name="verdict-{name}" value="wrong">' in put
    assert stage(lambda _: db.session.query(ArticleVerdict).count()) == 0, "nothing was sent yet"
    text = f"Please look: http://localhost/kb/{article_id}"
    assert dora.post(path, data={**fields_of(put, path), **said, "text": text}).status_code == 303
    assert len(stage(lambda _: judging.warnings([article_id]))[article_id]) == 1
    assert "Dora calls this wrong: “Nobody has channel 6 any more.”" in browser_of("root").get(page_path).text


def test_a_verdict_of_what_was_not_used_is_not_kept(
    stage: Stage, browser_of: Callable[[str], Browser], ids: tuple[int, int]
) -> None:
    conversation_id, article_id = ids
    dora, path = browser_of("dora"), f"/desk/conversations/{conversation_id}/replies"
    form = fields_of(dora.get(f"/desk/conversations/{conversation_id}").text, path)
    form |= {"text": "Please restart it.", f"verdict-article:{article_id}": "yes", "uses": f"article:{article_id}"}
    assert dora.post(path, data=form).status_code == 303
    assert stage(lambda _: db.session.query(ArticleVerdict).count()) == 0


def test_that_it_did_not_help_opens_the_conversation_and_counts_against_the_article(
    stage: Stage, browser_of: Callable[[str], Browser], ids: tuple[int, int]
) -> None:
    conversation_id, article_id = ids

    def reply(world: World) -> int:
        conversation = db.session.get_one(Conversation, conversation_id)
        text = f"Please look: http://localhost/kb/{article_id}"
        message = replies.reply(conversation, text=text, by=world.dora, uses=[(article_id, None)])
        message.state = "sent"
        conversations.change_state(conversation, "solved", by=world.dora)
        return db.session.query(ArticleUse).filter_by(where_id=message.id).one().id

    use_id = stage(reply)
    path, dora = f"/desk/uses/{use_id}/outcome", browser_of("dora")
    assert path in dora.get(f"/desk/conversations/{conversation_id}").text
    assert browser_of("emil").post(path, data={"outcome": "not"}).status_code == 403
    assert dora.post(path, data={"outcome": "perhaps"}).status_code == 422
    assert dora.post("/desk/uses/4711/outcome", data={"outcome": "not"}).status_code == 404
    assert dora.post(path, data={"outcome": "not"}).status_code == 303

    def look(_: World) -> tuple[str, list[str], int]:
        kinds = [task.kind for task in db.session.query(ArticleTask)]
        return db.session.get_one(Conversation, conversation_id).state, kinds, db.session.query(Message).count()

    assert stage(look)[:2] == ("open", ["use"])
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert "It did not help" in page
    assert path not in page
