"""What people are told, and what they are not told any more."""

from collections.abc import Callable

import pytest

from accounts.models import User
from core.db import db
from forum import answers, follows, moderation, notifications
from forum.models import Notification
from tests.cast import World

Worker = Callable[[], None]


@pytest.fixture
def work(world: World, worker: Worker) -> Worker:
    """Commit what happened on stage and let the worker hear of it."""

    def do() -> None:
        db.session.commit()
        worker()

    return do


def told(person: User) -> list[str]:
    rows = db.session.scalars(notifications.visible_notifications(person).order_by(Notification.id)).unique()
    return [notifications.sentence(row) for row in rows]


def test_followers_are_told_of_an_answer_but_not_who_wrote_it(world: World, work: Worker) -> None:
    topic = world.ask()
    follows.follow(topic, by=world.charlie)
    world.answer(topic)
    work()
    sentence = "Bob answered “Wireless gone after the update”."
    assert told(world.alice) == told(world.charlie) == [sentence]
    assert told(world.bob) == []


def test_who_no_longer_follows_is_told_nothing(world: World, work: Worker) -> None:
    topic = world.ask()
    follows.unfollow(topic, by=world.alice)
    world.answer(topic)
    work()
    assert told(world.alice) == []


def test_a_comment_is_told_to_whom_it_comments(world: World, work: Worker) -> None:
    answer = world.answer(world.ask())
    answers.comment(answer, source="Which channel?", by=world.charlie)
    answers.comment(answer, source="Six, as I said", by=world.bob)
    work()
    assert told(world.bob) == ["Charlie commented on what you wrote in “Wireless gone after the update”."]
    assert told(world.charlie) == []


def test_the_author_is_told_when_the_answer_solved_it(world: World, work: Worker) -> None:
    world.solved()
    work()
    assert told(world.bob) == ["Your answer solved “Wireless gone after the update”."]


def test_accepting_ones_own_answer_is_no_news(world: World, work: Worker) -> None:
    topic = world.ask()
    answers.accept(world.answer(topic, by=world.alice), by=world.alice)
    work()
    assert told(world.alice) == []


def test_an_undone_acceptance_takes_the_news_back(world: World, work: Worker) -> None:
    topic = world.solved()
    work()
    answers.undo_acceptance(topic, by=world.alice)
    work()
    assert told(world.bob) == []


def test_an_author_is_told_of_a_muting_and_its_reason_each_time(world: World, work: Worker) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    moderation.mute(answer, by=world.ada, reason="Names a customer")
    work()
    moderation.unmute(answer, by=world.ada)
    moderation.mute(answer, by=world.ada, reason="Names her again")
    work()
    start = "The team muted what you wrote in “Wireless gone after the update”. The reason: "
    assert told(world.bob) == [start + "Names a customer", start + "Names her again"]
    moderation.mute(topic, by=world.ada, reason="It spreads")
    work()
    assert "The team muted your question “Wireless gone after the update”. The reason: It spreads" in told(world.alice)


def test_nothing_of_what_was_muted_later_is_read_or_counted(world: World, work: Worker) -> None:
    topic = world.ask()
    follows.follow(topic, by=world.charlie)
    answer = world.answer(topic)
    work()
    assert notifications.unread_count(world.charlie) == 1
    moderation.mute(answer, by=world.ada, reason="Spam")
    assert (told(world.charlie), notifications.unread_count(world.charlie)) == ([], 0)
    moderation.unmute(answer, by=world.ada)
    moderation.mute(topic, by=world.ada, reason="Spam")
    assert (told(world.charlie), notifications.unread_count(world.charlie)) == ([], 0)
    assert notifications.unread_count(world.alice) == 1  # her own question: she reads on
    moderation.unmute(topic, by=world.ada)
    assert notifications.unread_count(world.charlie) == 1


def test_a_repeated_event_tells_once(world: World) -> None:
    from forum import listeners
    from forum.events import AnswerPosted

    topic = world.ask()
    answer = world.answer(topic)
    for _ in range(2):
        listeners.tell_followers(AnswerPosted(topic.id, answer.id))
    assert notifications.unread_count(world.alice) == 1


def test_reading_is_noted_for_one_or_for_all(world: World) -> None:
    for key in ("a", "b", "c"):
        notifications.notify(world.alice, kind="news", key=key, url="/")
    first = db.session.query(Notification).order_by(Notification.id).first()
    assert first is not None
    notifications.mark_read(world.bob, [first.id])
    assert notifications.unread_count(world.alice) == 3
    notifications.mark_read(world.alice, [first.id])
    assert notifications.unread_count(world.alice) == 2
    notifications.mark_read(world.alice)
    assert notifications.unread_count(world.alice) == 0


def test_another_room_brings_its_own_words(world: World) -> None:
    @notifications.kind("test.news")
    def _news(notification: Notification) -> str:
        return f"There is {notification.data['what']}."

    notifications.notify(world.alice, kind="test.news", key="n1", url="/kb/1", data={"what": "an article"})
    notifications.notify(world.alice, kind="test.of_a_room_that_left", key="n2", url="/kb/1")
    assert told(world.alice) == ["There is an article.", "There is something new for you."]


def test_words_are_made_in_the_readers_language(world: World) -> None:
    from flask_babel import force_locale, gettext

    @notifications.kind("test.translated")
    def _translated(_notification: Notification) -> str:
        return str(gettext("Please sign in first"))

    notifications.notify(world.alice, kind="test.translated", key="n", url="/")
    with force_locale("en"):
        assert told(world.alice) == ["Please sign in first"]


def test_an_author_who_has_left_is_somebody(world: World, work: Worker) -> None:
    answer = world.answer(world.ask())
    work()
    answer.author_id = None
    db.session.flush()
    db.session.expire(answer)
    assert told(world.alice) == ["Somebody who has left answered “Wireless gone after the update”."]
