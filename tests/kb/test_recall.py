"""When instructions were wrong, every reply and thread that carried them is listed, what most people saw first."""

from collections.abc import Callable
from typing import Any

import pytest

from core.db import db
from core.errors import Invalid, NotAllowed
from core.web import absolute
from desk import replies
from desk.models import Message
from forum import me_too, moderation
from forum.models import Notification, Post, Topic
from kb import addresses, articles, keeping_up, queries, recall, uses
from kb.events import ArticlePublished
from kb.models import Article, ArticleRecall, Significance
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as desk_stage
from tests.kb.shelf import Shelf, accepted

Stage = Callable[[Callable[[World], Any]], Any]


def corrected(article: Article, world: World) -> int:
    articles.revise(article, by=world.emil, title="Wireless is gone", resolution="Choose channel 11.")
    articles.publish(article, by=world.emil)
    return recall.begin(article, queries.newest_revision(article))


def sent(world: World, article: Article, *, reach_of: str, is_public: bool = True) -> int:
    channel = desk_stage.channel(world, f"social-{reach_of}", endpoint="https://social.example/replies")
    message = desk_stage.received(channel, conversation=reach_of, is_public=is_public)
    message.conversation.contact.reach = int(reach_of)
    text = f"Please look: {absolute(addresses.of_article(article))}"
    reply = replies.reply(message.conversation, text=text, by=world.dora, uses=[(article.id, None)])
    reply.state = "sent"
    db.session.flush()
    return reply.id


def listed(article: Article) -> list[tuple[str, int, int, str]]:
    rows = db.session.scalars(recall.of(article).order_by(ArticleRecall.reach.desc(), ArticleRecall.id.desc()))
    return [(row.where_kind, row.where_id, row.reach, row.state) for row in rows]


def test_every_place_that_carried_the_old_words_is_listed_by_reach(world: World) -> None:
    world.everybody()
    topic = world.solved()
    article = Shelf(world).published(sources=[accepted(topic)])
    me_too.say(topic, by=world.charlie)
    small, large = sent(world, article, reach_of="20"), sent(world, article, reach_of="5000")
    hidden = sent(world, article, reach_of="9000", is_public=False)
    answer = world.answer(world.ask("Another one"), f"See http://localhost/kb/{article.id} for it.", by=world.dora)
    uses.note_in_answer(answer)
    assert corrected(article, world) == 5
    assert listed(article) == [
        ("message", large, 5001, "todo"),
        ("message", small, 21, "todo"),
        ("post", accepted(topic).id, 3, "todo"),
        ("post", answer.id, 2, "todo"),
        ("message", hidden, 1, "todo"),
    ]
    assert recall.begin(article, queries.newest_revision(article)) == 0, "a repeat changes nothing"
    assert recall.open_counts() == {article.id: 5}
    (notice,) = db.session.query(Notification).filter_by(kind="article_recall")
    assert notice.user_id == world.emil.id


def test_what_carries_the_new_words_is_not_recalled_until_they_are_wrong_too(world: World) -> None:
    world.everybody()
    article = Shelf(world).published()
    old = sent(world, article, reach_of="20")
    assert corrected(article, world) == 1
    new = sent(world, article, reach_of="30")
    (row,) = db.session.query(ArticleRecall)
    recall.settle(row, "done", by=world.dora)
    articles.revise(article, by=world.emil, title="Wireless is gone", resolution="Choose channel 13.")
    articles.publish(article, by=world.emil)
    assert recall.begin(article, queries.newest_revision(article)) == 2
    assert listed(article) == [("message", new, 31, "todo"), ("message", old, 21, "todo")]


@pytest.mark.parametrize(("significance", "places"), [("typo", 0), ("content", 0), ("instructions", 1)])
def test_only_wrong_instructions_are_recalled(world: World, significance: Significance, places: int) -> None:
    world.everybody()
    article = Shelf(world).published()
    sent(world, article, reach_of="20")
    articles.revise(article, by=world.emil, title="Wireless is gone", resolution="Choose channel 11.")
    articles.publish(article, by=world.emil, significance=significance)
    newest = queries.newest_revision(article)
    keeping_up.recall_what_was_wrong(
        ArticlePublished(article.id, newest.id, world.emil.id, is_first=False, significance=significance)
    )
    assert len(listed(article)) == places


def test_the_team_settles_each_place_and_sees_only_what_is_open_to_it(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> tuple[int, int, int, str]:
        world.everybody()
        topic = world.solved()
        article = Shelf(world).published(sources=[accepted(topic)])
        sent(world, article, reach_of="77")
        corrected(article, world)
        rows = {row.where_kind: row for row in db.session.query(ArticleRecall)}
        return article.id, rows["message"].id, rows["post"].id, topic.title

    article_id, message_row, post_row, title = stage(scene)
    path = f"/kb/articles/{article_id}/recall"
    dora, emil, charlie = browser_of("dora"), browser_of("emil"), browser_of("charlie")
    assert charlie.get(path).status_code == 403
    assert "/desk/conversations/" in dora.get(path).text
    page = emil.get(path).text
    assert "/desk/conversations/" not in page, "who does not work at the desk does not see what is there"
    assert "A place that you may not see" in page
    assert title in page
    assert charlie.post(f"/kb/recalls/{post_row}/state", data={"state": "done"}).status_code == 403
    assert dora.post(f"/kb/recalls/{message_row}/state", data={"state": "done"}).status_code == 303
    assert dora.post(f"/kb/recalls/{post_row}/state", data={"state": "gone"}).status_code == 422
    assert emil.post(f"/kb/recalls/{post_row}/state", data={"state": "not_needed"}).status_code == 303
    assert stage(lambda _: recall.open_counts()) == {}
    assert emil.post(f"/kb/recalls/{post_row}/state", data={"state": "todo"}).status_code == 303
    assert "Corrections to pass on" in emil.get("/kb/needs").text


def test_what_never_left_the_house_is_not_listed(world: World) -> None:
    world.everybody()
    article = Shelf(world).published()
    failed = sent(world, article, reach_of="20")
    db.session.get_one(Message, failed).state = "failed"
    db.session.flush()
    assert corrected(article, world) == 0


def test_a_muted_place_is_for_those_who_see_it(world: World) -> None:
    world.everybody()
    topic = world.solved()
    article = Shelf(world).published(sources=[accepted(topic)])
    corrected(article, world)
    moderation.mute(db.session.get_one(Topic, topic.id), by=world.ada, reason="off topic")
    rows = db.session.query(ArticleRecall).all()
    assert recall.places(rows, world.charlie) == {}
    assert len(recall.places(rows, world.ada)) == 1
    assert db.session.get(Post, rows[0].where_id) is not None


def test_only_the_team_settles(world: World) -> None:
    world.everybody()
    article = Shelf(world).published(sources=[accepted(world.solved())])
    corrected(article, world)
    (row,) = db.session.query(ArticleRecall)
    with pytest.raises(NotAllowed):
        recall.settle(row, "done", by=world.tina)
    with pytest.raises(Invalid):
        recall.settle(row, "perhaps", by=world.ada)
