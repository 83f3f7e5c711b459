"""The customer who got an article is asked whether it helped: by the link in the reply, and once by a message."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import select

from accounts.models import AuditEntry
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from core.outbox import Delivery
from desk import asking, connections, conversations, figures, gaps, outcomes, replies
from desk.models import Channel, Conversation, FollowUp, Message
from kb import asking as kb_asking
from kb import retiring
from kb.models import Article, ArticleTask, ArticleUse
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
LINK = re.compile(r"http://localhost(/kb/[0-9]+/(?:[0-9a-z]{1,13}-[a-z2-7]{20}|[2-7][a-z2-7]{9}))(?![\w/-])")


def replied(
    world: World,
    *,
    is_public: bool = False,
    limit: int | None = None,
    words: str = "Please look: {url} – bye",
    sent: timedelta | None = timedelta(hours=25),
) -> Message:
    """A reply with an article, that left the house so long ago; None where it did not yet."""
    article = Shelf(world).published(title="My router is offline since the update")
    channel = props.channel(world, endpoint="https://social.example/replies", limit=limit)
    asked = props.received(channel, is_public=is_public, created_at=now() - timedelta(days=2))
    asked.conversation.locale = "en"
    text = words.format(url=f"http://localhost/kb/{article.id}-my-router-is-offline-since-the-update")
    message = replies.reply(asked.conversation, text=text, by=world.dora, uses=[(article.id, None)])
    if sent is not None:
        message.state, message.sent_at = "sent", now() - sent
        message.created_at = message.sent_at
        message.conversation.last_message_at = message.sent_at
    db.session.flush()
    return message


def use_of(message: Message) -> ArticleUse:
    return db.session.scalars(select(ArticleUse).where(ArticleUse.where_id == message.id)).one()


def link_of(message: Message) -> str:
    return kb_asking.address_of(use_of(message)).removeprefix("http://localhost")


def follow_ups() -> list[Message]:
    found = select(Message).join(FollowUp, FollowUp.message_id == Message.id).order_by(Message.id)
    return list(db.session.scalars(found))


# The link


def test_what_leaves_the_house_in_private_leads_to_the_question_and_what_is_kept_does_not(world: World) -> None:
    message = replied(world)
    sent = asking.text_with_links(message)
    assert LINK.findall(sent) == [link_of(message)]
    assert sent == f"Please look: http://localhost{link_of(message)} – bye"
    assert sent == asking.text_with_links(message), "the same each time it is tried"
    assert not LINK.search(message.text)
    assert replies._outgoing(message).text == sent


def test_in_public_nobody_answers_for_the_customer_unless_the_channel_says_so(world: World) -> None:
    message = replied(world, is_public=True)

    def asks() -> bool:
        found = LINK.search(asking.text_with_links(message))
        assert found is not None, "every link has its token, whether or not it asks"
        try:
            return kb_asking.asked(use_of(message).article_id, found[1].rsplit("/", 1)[1]).where_id == message.id
        except NotFound:
            return False

    assert not asks()
    asking.choose(message.channel, "public", by=world.root)
    assert asks()
    asking.choose(message.channel, "never", by=world.root)
    message.is_public = False
    assert not asks()


def test_without_tokens_a_link_leaves_as_it_was_written_unless_it_asks(
    world: World, settings: Callable[..., None]
) -> None:
    settings(link_proof=False)
    message = replied(world, is_public=True)
    assert asking.text_with_links(message) == message.text
    message.is_public = False
    assert re.search(r"/kb/[0-9]+/[0-9a-z]{1,13}-[a-z2-7]{20}", asking.text_with_links(message))


def test_a_link_that_would_not_fit_any_more_stays_as_it_was(world: World, settings: Callable[..., None]) -> None:
    settings(link_proof=False)
    url = "http://localhost/kb/1"
    message = replied(world, limit=len(f"See {url}"), words="See http://localhost/kb/1")
    assert message.text == f"See {url}"
    assert asking.text_with_links(message) == message.text


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("{b}/kb/{n}", "{b}{link}"),
        ("({b}/kb/{n}-what-ever).", "({b}{link})."),
        ("{b}/kb/{n}-x#what-helps", "{b}{link}#what-helps"),
        ("{b}/kb/{n}1 {b}/kb/{n}", "{b}/kb/{n}1 {b}{link}"),
        ("{b}/kb/{n}-x/history {b}/kb/{n}", "{b}/kb/{n}-x/history {b}{link}"),
    ],
)
def test_only_the_address_of_the_article_becomes_the_link(world: World, written: str, sent: str) -> None:
    message = replied(world)
    link, number = link_of(message), use_of(message).article_id
    message.text = written.format(b="http://localhost", n=number)
    assert asking.text_with_links(message) == sent.format(b="http://localhost", n=number, link=link)


def test_the_link_opens_the_article_with_the_question_and_tells_nothing_of_anybody(
    stage: Stage, guest: Browser
) -> None:
    link = stage(lambda world: (world.everybody(), link_of(replied(world)))[1])
    answer = guest.get(link)
    assert answer.status_code == 200
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    page = BeautifulSoup(answer.text, "html.parser")
    assert page.h1 is not None
    assert page.h1.text == "My router is offline since the update"
    asked = page.select_one("#asked")
    assert asked is not None
    assert "Did this solve it for you?" in asked.text
    assert [button["value"] for button in asked.select("button[name=outcome]")] == ["helped", "not", "other"]
    assert page.select_one("meta[name=robots]")["content"] == "noindex, nofollow"  # type: ignore[index]
    assert page.select_one("link[rel=canonical]")["href"].count("/") == 4  # type: ignore[index, union-attr]
    for secret in ("Max", "@max", "social.example", "what now?", "Dora"):
        assert secret not in answer.text
    assert stage(lambda _: db.session.query(ArticleUse).one().outcome) is None, "opening it answers nothing"


def test_a_click_is_kept_can_be_changed_and_counts_once(stage: Stage, guest: Browser) -> None:
    link = stage(lambda world: (world.everybody(), link_of(replied(world)))[1])
    for outcome, words in (("not", "did not help"), ("not", "did not help"), ("helped", "You said that it helped")):
        answer = guest.post(link, data={"outcome": outcome}, without_csrf=True)
        assert (answer.status_code, answer.headers["Location"]) == (303, link)
        assert words in guest.get(link).text

    def look(_: World) -> tuple[Any, ...]:
        use = db.session.query(ArticleUse).one()
        return use.outcome, use.outcome_by_customer, use.outcome_by_id, db.session.query(ArticleTask).count()

    assert stage(look) == ("helped", True, None, 0), "the task is gone with the word that made it"


def test_a_wrong_choice_is_said_on_the_page(stage: Stage, guest: Browser) -> None:
    link = stage(lambda world: (world.everybody(), link_of(replied(world)))[1])
    for form in ({}, {"outcome": "perhaps"}, {"outcome": "x" * 10_000}):
        answer = guest.post(link, data=form)
        assert answer.status_code == 422
        assert "Please choose one of these." in answer.text
    assert stage(lambda _: db.session.query(ArticleUse).one().outcome) is None


def test_what_was_made_up_or_cut_short_leads_to_the_article_and_says_nothing(stage: Stage, guest: Browser) -> None:
    link = stage(lambda world: (world.everybody(), link_of(replied(world)))[1])
    number = link.split("/")[2]
    cut = link[:-1]
    turned = link[:-1] + ("a" if link[-1] != "a" else "b")
    other = link.replace(f"/kb/{number}/", "/kb/4711/")
    for address in (cut, turned, f"/kb/{number}/x", f"/kb/{number}/zzzzzzzzzzzzz-{'a' * 20}"):
        answer = guest.get(address)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/kb/{number}")
        assert guest.post(address, data={"outcome": "not"}).status_code == 404
    assert guest.post(other, data={"outcome": "not"}).status_code == 404
    assert stage(lambda _: db.session.query(ArticleUse).one().outcome) is None


def test_after_a_while_the_link_only_opens_the_article(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> str:
        world.everybody()
        message = replied(world)
        use_of(message).at -= timedelta(days=91)
        return link_of(message)

    link = stage(scene)
    page = guest.get(link)
    assert page.status_code == 200
    assert BeautifulSoup(page.text, "html.parser").select_one("#asked") is None
    assert guest.post(link, data={"outcome": "not"}).status_code == 404


def test_an_article_that_is_gone_meanwhile_is_not_shown_but_the_question_is(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> str:
        world.everybody()
        message = replied(world)
        use_of(message).article.audience = "team"
        return link_of(message)

    link = stage(scene)
    page = guest.get(link)
    assert page.status_code == 200
    assert "Choose channel 6" not in page.text
    assert "My router is offline" not in page.text
    assert guest.post(link, data={"outcome": "other"}).status_code == 303
    assert "another one" in guest.get(link).text


def test_that_an_article_was_archived_takes_the_question_away_from_nobody(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> str:
        world.everybody()
        message = replied(world)
        retiring.retire(use_of(message).article, reason="It is about an old router.", by=world.emil)
        return link_of(message)

    link = stage(scene)
    assert 'value="helped"' in guest.get(link).text


@pytest.mark.parametrize("outcome", ["not", "other"])
def test_who_was_not_helped_waits_again_and_the_case_is_open(world: World, outcome: str) -> None:
    message = replied(world)
    conversation = message.conversation
    conversations.change_state(conversation, "solved", by=world.dora)
    link = link_of(message).split("/")
    use = kb_asking.say(int(link[2]), link[3], outcome)
    assert (use.outcome, use.outcome_by_customer) == (outcome, True)
    assert conversation.state == "open"
    assert conversation.waiting_since is not None
    assert now() - conversation.waiting_since < timedelta(minutes=1)
    assert [task.kind for task in db.session.query(ArticleTask)] == (["use"] if outcome == "not" else [])
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.deed, entry.by_id, entry.after) == ("desk.conversation.change_state", None, {"state": "open"})
    conversations.change_state(conversation, "solved", by=world.dora)
    kb_asking.say(int(link[2]), link[3], outcome)
    assert conversation.state == "solved", "a click again says nothing new"


def test_who_was_helped_opens_nothing(world: World) -> None:
    message = replied(world)
    conversations.change_state(message.conversation, "solved", by=world.dora)
    link = link_of(message).split("/")
    kb_asking.say(int(link[2]), link[3], "helped")
    assert message.conversation.state == "solved"


def test_the_last_word_counts_whoever_said_it(world: World) -> None:
    message = replied(world)
    link = link_of(message).split("/")
    use = use_of(message)
    outcomes.note(use.id, "helped", by=world.dora)
    kb_asking.say(int(link[2]), link[3], "not")
    assert (use.outcome, use.outcome_by_customer, use.outcome_by_id) == ("not", True, None)
    outcomes.note(use.id, "other", by=world.dora)
    assert (use.outcome, use.outcome_by_customer, use.outcome_by_id) == ("other", False, world.dora.id)


def test_ten_clicks_at_once_are_one(app: Flask, stage: Stage) -> None:
    def scene(world: World) -> str:
        world.everybody()
        message = replied(world)
        conversations.change_state(message.conversation, "solved", by=world.dora)
        return link_of(message)

    link = stage(scene)

    def click(_: int) -> int:
        return int(app.test_client().post(link, data={"outcome": "not"}).status_code)

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(click, range(10))) == {303}

    def look(_: World) -> tuple[int, int, str]:
        opened = list(db.session.query(AuditEntry).filter_by(deed="desk.conversation.change_state", by_id=None))
        return len(opened), db.session.query(ArticleTask).count(), db.session.query(Conversation).one().state

    assert stage(look) == (1, 1, "open")


# The message


def test_a_day_later_the_customer_is_asked_once(world: World) -> None:
    reply = replied(world)
    assert asking.ask_all() == 1
    assert asking.ask_all() == 0
    [question] = follow_ups()
    assert asking.text_with_links(question) == f"Did that help? One click tells us: http://localhost{link_of(reply)}"
    assert not LINK.search(question.text), "who reads it at the desk cannot answer for the customer"
    assert (question.state, question.is_public, question.by_id, question.direction) == ("queued", False, None, "out")
    assert reply.conversation.state == "waiting_customer"
    assert db.session.query(Delivery).filter_by(event="ReplyQueued").count() == 2


def test_it_is_asked_in_the_language_of_the_conversation(world: World) -> None:
    replied(world).conversation.locale = "de"
    asking.ask_all()
    assert follow_ups()[0].text.startswith("Hat das geholfen?")


def too_early(world: World, _: Message) -> None:
    db.session.query(Message).filter_by(direction="out").one().sent_at = now() - timedelta(hours=23)


def answered(world: World, reply: Message) -> None:
    props.received(reply.channel, "Thank you!", is_public=False)


def told(world: World, reply: Message) -> None:
    outcomes.note(use_of(reply).id, "helped", by=world.dora)


def at_work(world: World, reply: Message) -> None:
    conversations.change_state(reply.conversation, "waiting_inside", by=world.dora)


def no_answer_needed(world: World, reply: Message) -> None:
    conversations.change_state(reply.conversation, "no_answer", by=world.dora)


def long_ago(world: World, reply: Message) -> None:
    reply.sent_at = now() - timedelta(days=9)


def not_arrived(world: World, reply: Message) -> None:
    reply.state = "unsure"


def without_article(world: World, reply: Message) -> None:
    db.session.delete(use_of(reply))


def imported(world: World, reply: Message) -> None:
    reply.idempotency_key = None


def in_public(world: World, reply: Message) -> None:
    reply.is_public = True


def never(world: World, reply: Message) -> None:
    asking.choose(reply.channel, "never", by=world.root)


def switched_off(world: World, reply: Message) -> None:
    connections.switch_off(reply.channel, by=world.root)


def sent_another_article(world: World, reply: Message) -> None:
    article = Shelf(world).published(title="Another article for the same router")
    text = f"Or this: http://localhost/kb/{article.id}"
    replies.reply(reply.conversation, text=text, by=world.dora, uses=[(article.id, None)])


@pytest.mark.parametrize(
    "what",
    [
        too_early,
        answered,
        told,
        at_work,
        no_answer_needed,
        long_ago,
        not_arrived,
        without_article,
        imported,
        in_public,
        never,
        switched_off,
        sent_another_article,
    ],
)
def test_nobody_is_asked(world: World, what: Callable[[World, Message], None]) -> None:
    what(world, replied(world))
    db.session.flush()
    assert asking.ask_all() == 0
    assert follow_ups() == []


def test_a_setting_says_when_and_whether(world: World, settings: Callable[..., None]) -> None:
    replied(world)
    settings(ask_outcome_hours=0)
    assert asking.ask_all() == 0
    settings(ask_outcome_hours=48)
    assert asking.ask_all() == 0
    settings(ask_outcome_hours=25)
    assert asking.ask_all() == 1


def test_a_case_that_the_team_closed_without_a_word_is_asked_about(world: World) -> None:
    reply = replied(world)
    conversations.change_state(reply.conversation, "solved", by=world.dora)
    assert asking.ask_all() == 1
    assert reply.conversation.state == "solved"


def test_in_public_it_is_asked_where_the_channel_says_so(world: World) -> None:
    reply = replied(world, is_public=True)
    asking.choose(reply.channel, "public", by=world.root)
    assert asking.ask_all() == 1
    assert follow_ups()[0].is_public


def test_what_does_not_fit_is_not_asked(world: World) -> None:
    replied(world, limit=60, words="See http://localhost/kb/1")
    assert asking.ask_all() == 0


def test_a_worker_that_dies_asks_once(app: Flask, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage(lambda world: (world.everybody(), replied(world).id)[1])

    def die(_event: Any) -> None:
        raise SystemExit

    with app.app_context():
        with monkeypatch.context() as dying:
            dying.setattr(asking, "publish", die)
            with pytest.raises(SystemExit):
                asking.ask_all()
        db.session.rollback()
    assert stage(lambda _: len(follow_ups())) == 0
    assert stage(lambda _: asking.ask_all()) == 1
    assert stage(lambda _: asking.ask_all()) == 0


def test_two_workers_at_once_ask_once(app: Flask, stage: Stage) -> None:
    reply_id = stage(lambda world: (world.everybody(), replied(world).id)[1])

    def ask(_: int) -> bool:
        with app.app_context():
            asked = asking.ask(reply_id)
            db.session.commit()
            return asked

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, range(4))) == [False, False, False, True]
    assert stage(lambda _: len(follow_ups())) == 1


def test_an_answer_that_came_while_it_was_being_asked_wins(world: World) -> None:
    reply = replied(world)
    [due] = asking._due()
    props.received(reply.channel, "Thank you!", is_public=False)
    assert asking.ask(due) is False


def test_the_question_is_no_reply_in_the_figures_and_no_gap(world: World) -> None:
    replied(world)
    before = {key: listed.count() for key in ("replies-with", "replies-without") for listed in [_list(key)]}
    asking.ask_all()
    assert {key: _list(key).count() for key in before} == before
    assert list(gaps.free_texts(world.dora, "en", 50)) == []


def _list(key: str) -> Any:
    return figures.figures.listed(key)


def test_only_admins_choose_where_a_channel_asks(world: World) -> None:
    channel = props.channel(world, endpoint="https://social.example/replies")
    assert asking.where(channel) == "private"
    for person in (world.dora, world.ada, world.emil, world.alice):
        with pytest.raises(NotAllowed):
            asking.choose(channel, "public", by=person)
    with pytest.raises(Invalid):
        asking.choose(channel, "everywhere", by=world.root)
    asking.choose(channel, "public", by=world.root)
    assert asking.where(channel) == "public"
    assert channel.settings["endpoint"] == "https://social.example/replies"


def test_the_pages_say_what_was_asked_and_what_the_customer_said(
    stage: Stage, browser_of: Callable[[str], Browser], guest: Browser
) -> None:
    def scene(world: World) -> tuple[int, int, str]:
        world.everybody()
        reply = replied(world)
        asking.ask_all()
        return reply.conversation_id, reply.channel_id, link_of(reply)

    conversation_id, channel_id, link = stage(scene)
    dora, root = browser_of("dora"), browser_of("root")
    assert "it asks once whether the reply helped" in dora.get(f"/desk/conversations/{conversation_id}").text
    guest.post(link, data={"outcome": "not"})
    assert "The customer says: It did not help" in dora.get(f"/desk/conversations/{conversation_id}").text
    path = f"/admin/channels/{channel_id}/asking"
    assert path in root.get("/admin/channels").text
    assert dora.post(path, data={"asks": "never"}).status_code == 403
    assert root.post(path, data={"asks": "no"}).status_code == 422
    assert root.post(path, data={"asks": "never"}).status_code == 303
    assert stage(lambda _: asking.where(db.session.get_one(Channel, channel_id))) == "never"


def test_a_use_of_another_place_hears_nothing_of_the_desk(world: World) -> None:
    article = Shelf(world).published()
    use = ArticleUse(article_id=article.id, revision_id=article.published_id, where_kind="letter", where_id=1)
    db.session.add(use)
    db.session.flush()
    ticket = kb_asking.address_of(use).split("/")[-1]
    assert kb_asking.say(article.id, ticket, "not").outcome == "not"
    with pytest.raises(NotFound):
        kb_asking.say(article.id + 1, ticket, "not")
    assert db.session.get_one(Article, article.id).is_published
