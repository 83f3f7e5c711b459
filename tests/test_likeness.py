"""What agents write again and again without an article speaks for making one of the answer that says it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from core.clock import now
from core.db import db
from desk import asking, gaps, replies
from desk.models import Channel, Message
from kb import evidence, likeness, promotion
from kb.models import Nomination
from search import gathering
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as desk_stage
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
ANSWER = {
    "en": "Restart the router, then choose channel 6 in the settings.",
    "de": "Starten Sie den Router neu und wählen Sie danach in den Einstellungen Kanal 6.",
}
SAME = {
    "en": "Hello Max, please restart your router once and then choose channel 6 in its settings. That should help!",
    "de": "Hallo Max, bitte starten Sie Ihren Router einmal neu und wählen Sie dann in den Einstellungen Kanal 6.",
}
OTHERS = {
    "en": ("Hello, please send the printer back to us, we will repair it for free.", "Thanks, glad it works!"),
    "de": ("Guten Tag, bitte schicken Sie uns den Drucker zurück.", "Danke, schön dass es klappt!"),
}


def nominated(world: World, locale: str = "en", number: int = 0) -> Nomination:
    topic = world.ask(title=f"The wireless is gone at night, case {number}", locale=locale)
    answer = world.answer(topic, ANSWER[locale])
    promotion.nominate_by_hand(answer, by=world.tina)
    return db.session.query(Nomination).filter_by(post_id=answer.id).one()


def told(world: World, channel: Channel, text: str, *, about: str, locale: str = "en") -> Message:
    asked = desk_stage.received(channel, conversation=f"thread-{about}", id=f"post-{about}-{text}")
    asked.conversation.locale = locale
    return replies.reply(asked.conversation, text=text, by=world.dora)


def points_of(nomination: Nomination) -> tuple[int, list[str]]:
    found = evidence.weigh(Nomination.id == nomination.id)[0]
    return found.score, [line.words for line in found.lines()]


@pytest.mark.parametrize("locale", ["en", "de"])
def test_each_conversation_counts_once_and_other_words_do_not(world: World, locale: str) -> None:
    nomination = nominated(world, locale)
    channel = desk_stage.channel(world, endpoint="https://service.example/replies")
    for about in ("one", "two"):
        told(world, channel, SAME[locale], about=about, locale=locale)
        told(world, channel, SAME[locale] + " !", about=about, locale=locale)
    for number, text in enumerate(OTHERS[locale]):
        told(world, channel, text, about=f"other-{number}", locale=locale)
    told(world, channel, SAME[locale], about="elsewhere", locale="de" if locale == "en" else "en")
    db.session.commit()
    before, _lines = points_of(nomination)
    assert likeness.compare() == 1
    assert likeness.compare() == 0, "nothing is new"
    db.session.expire_all()
    after, lines = points_of(nomination)
    assert (nomination.alike, after - before) == (2, 2)
    assert "Agents wrote much the same to 2 customers" in lines


def test_what_had_an_article_or_only_asks_does_not_count(world: World) -> None:
    nomination = nominated(world)
    article = Shelf(world).published()
    channel = desk_stage.channel(world, endpoint="https://service.example/replies")
    asked = desk_stage.received(channel, is_public=False)
    asked.conversation.locale = "en"
    text = f"{SAME['en']} http://localhost/kb/{article.id}"
    reply = replies.reply(asked.conversation, text=text, by=world.dora, uses=[(article.id, None)])
    reply.state, reply.sent_at = "sent", now() - timedelta(hours=30)
    assert asking.ask_all() == 1
    old = told(world, channel, SAME["en"], about="old")
    old.created_at = now() - timedelta(days=100)
    failed = told(world, channel, SAME["en"], about="failed")
    failed.state = "failed"
    db.session.commit()
    assert list(gaps.replies_without_article("en", 50)) == []
    likeness.compare()
    db.session.expire_all()
    assert nomination.alike == 0


def test_what_is_decided_is_not_compared_any_more_and_numbers_fall_again(world: World) -> None:
    waiting, declined = nominated(world, number=1), nominated(world, number=2)
    promotion.decline(declined, by=world.emil, reason="It is known.")
    channel = desk_stage.channel(world, endpoint="https://service.example/replies")
    message = told(world, channel, SAME["en"], about="one")
    db.session.commit()
    likeness.compare()
    db.session.expire_all()
    assert (waiting.alike, declined.alike) == (1, 0)
    message.state = "failed"
    db.session.commit()
    likeness.compare()
    db.session.expire_all()
    assert waiting.alike == 0


def test_nothing_to_compare_is_no_error(world: World) -> None:
    assert likeness.compare() == 0
    nominated(world)
    db.session.commit()
    assert likeness.compare() == 0
    assert gathering.alike([], ["a"], "en") == []
    assert gathering.alike(["a", "", "…"], [""], "de") == [[], [], []]


def test_the_number_holds_no_private_word(world: World) -> None:
    channel = desk_stage.channel(world, endpoint="https://service.example/replies")
    told(world, channel, "Please call Anna at 0170 1234567 and restart the router.", about="one")
    db.session.commit()
    [written] = gaps.replies_without_article("en", 10)
    assert "0170" not in written.text


def test_the_queue_asks_the_database_no_more_for_it(
    app: Flask, stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    def some(world: World) -> None:
        world.everybody()
        channel = desk_stage.channel(world, endpoint="https://service.example/replies")
        for number in range(3):
            nominated(world, number=number)
            told(world, channel, SAME["en"], about=str(number))

    stage(some)
    emil, sent = browser_of("emil"), []
    with app.app_context():
        engine = db.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    def cost() -> int:
        sent.clear()
        assert emil.get("/kb/nominations").status_code == 200
        return len([one for one in sent if one.startswith("SELECT")])

    event.listen(engine, "before_cursor_execute", note)
    before = cost()
    with app.app_context():
        assert likeness.compare() == 3
    assert cost() == before
    event.remove(engine, "before_cursor_execute", note)
    assert "Agents wrote much the same to 3 customers" in emil.get("/kb/nominations").text
