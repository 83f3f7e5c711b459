"""What a reply was written with, in which way, which article a conversation is about, and thanks to authors."""

import re
from typing import Any

import pytest
from sqlalchemy import select

from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from core.web import absolute
from desk import credit_lines, gaps, linking, previewing, replies, reuse, suggestions
from desk.block_models import AnswerUse, ConversationArticle
from desk.models import Conversation, Message
from desk.reuse import Used
from forum import moderation
from forum.models import Notification, Topic
from kb import addresses, judging
from kb.models import Article, ArticleUse
from tests.cast import World
from tests.desk import stage as props
from tests.kb.shelf import Shelf


@pytest.fixture
def article(world: World) -> Article:
    return Shelf(world).published()


@pytest.fixture
def conversation(world: World) -> Conversation:
    return props.received(props.channel(world, endpoint="https://a.example/r"), locale="en").conversation


def send(world: World, conversation: Conversation, text: str, *used: Used) -> Message:
    message = replies.reply(
        conversation,
        text=text,
        by=world.dora,
        uses=[(one.id, None) for one in used if one.kind == "article"],
        ways=reuse.ways(used),
    )
    reuse.record(message, used, by=world.dora)
    return message


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("article:9", Used("article", 9, "short")),
        ("article:9:link", Used("article", 9, "link")),
        ("article:9:quote:3", Used("article", 9, "quote", "3")),
        ("block:4", Used("block", 4, "short")),
        ("article:x", None),
        ("topic:1", None),
        ("article:9:stolen", None),
        ("", None),
        (":::", None),
        ("article:" + "9" * 400, None),
    ],
)
def test_a_form_says_what_was_put_in(typed: str, expected: Used | None) -> None:
    assert reuse.read(typed) == expected
    if expected is not None:
        assert reuse.read(expected.value) == expected


def test_each_way_to_use_an_article_is_recorded(world: World, article: Article, conversation: Conversation) -> None:
    ways = {}
    for way in ("short", "link", "quote:1"):
        used = reuse.read(f"article:{article.id}" if way == "short" else f"article:{article.id}:{way}")
        assert used is not None
        text = previewing.text_of(used, conversation, by=world.dora)
        assert text is not None
        assert absolute(addresses.of_article(article)) in text
        message = send(world, conversation, text, used)
        use = db.session.scalars(select(ArticleUse).where(ArticleUse.where_id == message.id)).one()
        ways[way] = (use.way, use.face)
    assert ways["short"][0] == "short"
    assert ways["short"][1] is not None
    assert ways["link"] == ("link", None)
    assert ways["quote:1"] == ("quote", None)


def test_a_passage_is_quoted_as_it_stands_and_cut_where_there_is_no_room(world: World, article: Article) -> None:
    on = props.channel(world, "short", limit=60)
    passages = suggestions.passages(article)
    assert any("Wait a minute" in one for one in passages)
    text = suggestions.passage(article, 0, on)
    assert text is not None
    leaves = re.sub(r"/kb/([0-9]+)-[\w-]+", r"/kb/\1/2345678901", text)
    assert len(leaves) <= 60, "the address as it leaves, with its token"
    assert suggestions.passage(article, 999, on) is None


def test_an_answer_counts_where_its_address_still_stands(world: World, conversation: Conversation) -> None:
    topic: Topic = world.solved(title="The wireless network disappears at night")
    post_id = topic.acceptance.post_id  # type: ignore[union-attr]
    used = Used("answer", post_id, "short")
    send(world, conversation, "Something else entirely.", used)
    send(world, conversation, f"Look here: http://localhost/p/{post_id}0", used)
    assert db.session.scalars(select(AnswerUse)).all() == []
    message = send(world, conversation, f"Look here: http://localhost/p/{post_id}", used, used)
    assert [use.message_id for use in db.session.scalars(select(AnswerUse))] == [message.id]


def test_the_author_is_thanked_once_a_day_when_the_reply_has_left(world: World, conversation: Conversation) -> None:
    topic: Topic = world.solved(title="The wireless network disappears at night")
    post_id = topic.acceptance.post_id  # type: ignore[union-attr]
    messages = [
        send(world, conversation, f"Look: http://localhost/p/{post_id} {number}", Used("answer", post_id, "short"))
        for number in range(2)
    ]
    assert [credit_lines.thank(message.id) for message in messages] == [0, 0]
    for message in messages:
        message.state = "sent"
    assert [credit_lines.thank(message.id) for message in messages] == [1, 0]
    news = db.session.scalars(select(Notification).where(Notification.kind == "answer_reused")).all()
    assert [one.user_id for one in news] == [world.bob.id]
    assert news[0].url == f"/p/{post_id}"


def test_who_wrote_into_an_article_is_thanked_too(world: World, conversation: Conversation) -> None:
    topic: Topic = world.solved(title="The wireless network disappears at night")
    article = Shelf(world).published(sources=[topic.acceptance.post])  # type: ignore[union-attr]
    message = send(
        world, conversation, f"See {absolute(addresses.of_article(article))}", Used("article", article.id, "link")
    )
    message.state = "sent"
    assert credit_lines.thank(message.id) == 1
    moderation.mute(topic, by=world.ada, reason="spam")
    db.session.execute(db.delete(Notification))
    assert credit_lines.thank(message.id) == 0


def test_a_channel_names_authors_only_where_an_admin_wants_it(world: World, conversation: Conversation) -> None:
    topic: Topic = world.solved(title="The wireless network disappears at night")
    post = topic.acceptance.post  # type: ignore[union-attr]
    on = conversation.channel
    assert "Bob" not in (suggestions.text_of("answer", post.id, channel=on) or "")
    with pytest.raises(NotAllowed):
        credit_lines.choose(on, is_on=True, by=world.dora)
    credit_lines.choose(on, is_on=True, by=world.root)
    text = suggestions.text_of("answer", post.id, channel=on) or ""
    assert f"(Answer by {post.author.name}" in text
    assert text.endswith(f"/p/{post.id}")
    post.author.is_named = False
    assert "Answer by" not in (suggestions.text_of("answer", post.id, channel=on) or "")


def test_a_conversation_is_about_an_article_without_sending_it(
    world: World, article: Article, conversation: Conversation
) -> None:
    message = send(world, conversation, "I rang you.")
    counted = select(Message.id).where(gaps.with_article())
    assert db.session.scalars(counted).all() == []
    for _twice in range(2):
        linking.link(conversation, article.id, by=world.dora)
    assert [one.article_id for one in linking.linked(conversation)] == [article.id]
    assert db.session.scalars(counted.where(Message.direction == "out")).all() == [message.id]
    linking.unlink(conversation, article.id, by=world.dora)
    assert linking.linked(conversation) == []


def test_only_agents_link_and_only_what_they_see(world: World, article: Article, conversation: Conversation) -> None:
    with pytest.raises(NotAllowed):
        linking.link(conversation, article.id, by=world.emil)
    with pytest.raises(NotFound):
        linking.link(conversation, 10**12, by=world.dora)
    for number in range(linking.MOST):
        linking.link(conversation, Shelf(world).published(title=f"Article {number}").id, by=world.dora)
    with pytest.raises(Invalid):
        linking.link(conversation, article.id, by=world.dora)
    assert len(db.session.scalars(select(ConversationArticle)).all()) == linking.MOST


def test_a_preview_says_how_far_an_article_holds(world: World, article: Article, conversation: Conversation) -> None:
    preview = previewing.of(f"article:{article.id}", conversation, by=world.dora)
    assert preview is not None
    assert preview.is_public
    assert preview.state == "Published and checked"
    assert [piece.used.way for piece in preview.pieces][:3] == ["short", "link", "quote"]
    judging.say(article, "wrong", words="Channel 6 is gone.", by=world.dora)
    preview = previewing.of(f"article:{article.id}", conversation, by=world.dora)
    assert preview is not None
    assert any("Channel 6 is gone." in warning for warning in preview.warnings)


def test_a_preview_warns_of_what_customers_cannot_open(
    world: World, article: Article, conversation: Conversation
) -> None:
    article.audience = "team"
    preview = previewing.of(f"article:{article.id}", conversation, by=world.dora)
    assert preview is not None
    assert not preview.is_public
    assert preview.pieces == []
    assert re.search("cannot open", preview.warnings[0])
    for nothing in ("article:99999", "answer:99999", "block:1", "nonsense", ""):
        assert previewing.of(nothing, conversation, by=world.dora) is None


def test_a_muted_answer_has_no_preview_to_quote_from(world: World, conversation: Conversation) -> None:
    topic: Topic = world.solved(title="The wireless network disappears at night")
    post: Any = topic.acceptance.post  # type: ignore[union-attr]
    preview = previewing.of(f"answer:{post.id}", conversation, by=world.dora)
    assert preview is not None
    assert len(preview.pieces) == 2
    moderation.mute(post, by=world.ada, reason="spam")
    db.session.commit()
    preview = previewing.of(f"answer:{post.id}", conversation, by=world.dora)
    assert preview is None or (preview.pieces == [] and preview.warnings)
