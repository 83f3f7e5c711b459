"""Using is reviewing: who inserts an article says whether it is right, and what became of it counts."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from core.db import db
from core.errors import Invalid, NotAllowed
from forum import answers, experiences, inserting
from forum.models import Post, Topic
from kb import articles, judging, tasks, uses
from kb.models import Article, ArticleTask, ArticleUse, ArticleVerdict
from search import indexer
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_three_different_people_verify_an_article_together(world: World, clock: Any) -> None:
    world.everybody()
    article = Shelf(world).published()
    article.confidence = "not_validated"
    for person in (world.dora, world.tina, world.dora, world.dora):
        judging.say(article, "yes", by=person)
        assert article.verified_at is None, "two people, however often they say so"
    clock.shift(timedelta(days=1))
    judging.say(article, "yes", by=world.ada)
    assert (article.verified_at, article.verified_by_id) == (NOW + timedelta(days=1), None)
    assert article.confidence == "validated"
    assert article.verify_by == NOW + timedelta(days=1 + 365)


def test_a_yes_of_long_ago_or_of_other_words_counts_no_more(world: World, clock: Any) -> None:
    world.everybody()
    article = Shelf(world).published()
    judging.say(article, "yes", by=world.dora)
    judging.say(article, "yes", by=world.tina)
    clock.shift(timedelta(days=91))
    judging.say(article, "yes", by=world.ada)
    assert article.verified_at is None
    articles.revise(article, by=world.emil, title="Another title", resolution="Wait.")
    articles.publish(article, by=world.emil)
    judging.say(article, "yes", by=world.tina)
    judging.say(article, "unsure", by=world.dora)
    assert article.verified_at is None, "Ada spoke of the words before"


def test_one_wrong_warns_everybody_makes_a_task_and_stops_the_counting(world: World) -> None:
    world.everybody()
    article = Shelf(world).published()
    judging.say(article, "wrong", words="Channel 6 is gone.", by=world.dora)
    (task,) = db.session.query(ArticleTask)
    assert (task.kind, task.words) == ("wrong", "Channel 6 is gone.")
    (warned,) = judging.warnings([article.id])[article.id]
    assert judging.in_words([warned]) == "Dora calls this wrong: “Channel 6 is gone.”"
    for person in (world.tina, world.ada, world.emil):
        judging.say(article, "yes", by=person)
    assert article.verified_at is None, "not while somebody calls it wrong"
    tasks.settle(task, "not_needed", by=world.emil, note="It is there.")
    assert judging.warnings([article.id]) == {}
    judging.say(article, "yes", by=world.root)
    assert article.verified_at == NOW


def test_who_takes_it_back_warns_no_more(world: World) -> None:
    world.everybody()
    article = Shelf(world).published()
    judging.say(article, "wrong", by=world.tina)
    assert judging.in_words(judging.warnings([article.id])[article.id]) == "Tina calls this wrong."
    judging.say(article, "yes", by=world.tina)
    assert judging.warnings([article.id]) == {}
    assert db.session.query(ArticleVerdict).count() == 1


def test_who_may_not_insert_says_nothing_and_nonsense_is_refused(world: World) -> None:
    world.everybody()
    article, draft = Shelf(world).published(), Shelf(world).article(title="A draft")
    with pytest.raises(NotAllowed):
        judging.say(article, "yes", by=world.charlie)
    with pytest.raises(Invalid):
        judging.say(article, "maybe", by=world.dora)
    with pytest.raises(Invalid):
        judging.say(article, "wrong", words="x" * 1001, by=world.dora)
    with pytest.raises(Invalid):
        judging.say(draft, "yes", by=world.dora)
    judging.Question().answer(draft.id, "wrong", words="", by=world.dora)
    judging.Question().answer(10**12, "wrong", words="", by=world.dora)
    judging.Question().answer(article.id, "maybe", words="", by=world.dora)
    assert db.session.query(ArticleVerdict).count() == 0


@pytest.fixture
def ids(stage: Stage, worker: Callable[[], None]) -> tuple[int, int]:
    """A question and an article that fits it."""

    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        article = Shelf(world).published()
        return world.ask().id, article.id

    made: tuple[int, int] = stage(scene)
    worker()
    return made


def test_the_question_is_asked_where_an_article_is_inserted_and_sent_with_the_answer(
    stage: Stage, worker: Callable[[], None], browser_of: Callable[[str], Browser], ids: tuple[int, int]
) -> None:
    topic_id, article_id = ids
    tina, path, name = browser_of("tina"), f"/topics/{topic_id}/answers", f"article:{article_id}"
    found = tina.post(path, data={"do": "find", "insert_words": "wireless"}).text
    assert f'name="verdict-{name}"' in found
    put = tina.post(path, data={"insert": name, f"verdict-{name}": "wrong", "source": "Look:"}).text
    assert f'<input type="hidden" name="verdict-{name}" value="wrong">' in put, "without script nothing is lost"
    said = {f"verdict-{name}": "wrong", f"verdict_words-{name}": "Channel 6 is gone."}
    assert tina.post(path, data={"source": "Only a look at it helps.", **said}).status_code == 303
    assert stage(lambda _: judging.warnings([article_id])) == {}, "who only looked has not used it"
    tina.post(path, data={"source": f"Look at http://localhost/kb/{article_id} please.", "uses": name, **said})
    assert len(stage(lambda _: judging.warnings([article_id]))[article_id]) == 1
    warning = "Tina calls this wrong: “Channel 6 is gone.”"
    assert warning in browser_of("dora").get(f"/topics/{topic_id}/inserts?title=wireless").text
    charlie = browser_of("charlie")
    charlie.post(path, data={"source": "Mine.", "uses": name, f"verdict-{name}": "yes"})
    assert stage(lambda _: db.session.query(ArticleVerdict).count()) == 1


def test_a_warning_stands_on_what_is_found_and_on_what_is_taken(world: World) -> None:
    world.everybody()
    article = Shelf(world).published()
    topic = world.ask()
    db.session.flush()
    indexer.catch_up()
    judging.say(article, "wrong", by=world.dora)
    (found,) = inserting.find("wireless", topic, viewer=world.tina)
    assert (found.is_asked_after, found.warning) == (True, "Dora calls this wrong.")
    assert inserting.take(f"article:{article.id}", topic, viewer=world.tina) == found


def test_what_became_of_an_answer_is_what_became_of_its_articles(
    stage: Stage, worker: Callable[[], None], ids: tuple[int, int]
) -> None:
    topic_id, article_id = ids

    def outcome(_: World) -> str | None:
        (use,) = db.session.query(ArticleUse)
        said: str | None = use.outcome
        return said

    def answer(world: World) -> int:
        topic = db.session.get_one(Topic, topic_id)
        return world.answer(topic, f"Look at http://localhost/kb/{article_id} please.", by=world.dora).id

    post_id = stage(answer)
    worker()
    assert stage(outcome) is None
    stage(lambda world: answers.accept(db.session.get_one(Post, post_id), by=world.alice))
    worker()
    assert stage(outcome) == "helped"

    def contradict(world: World) -> None:
        for person in (world.charlie, world.tina):
            experiences.tell(db.session.get_one(Post, post_id), has_worked=False, words="Not here.", by=person)

    stage(contradict)
    worker()
    assert stage(outcome) == "not"
    stage(lambda world: answers.undo_acceptance(db.session.get_one(Topic, topic_id), by=world.alice))
    worker()
    assert stage(outcome) is None


def test_that_a_reply_did_not_help_is_a_task_until_it_did(world: World) -> None:
    world.everybody()
    article = Shelf(world).published()
    use = uses.record(article, face=None, where_kind="message", where_id=1, by=world.dora)
    with pytest.raises(NotAllowed):
        judging.note_outcome(use, "not", by=world.tina)
    with pytest.raises(Invalid):
        judging.note_outcome(use, "perhaps", by=world.dora)
    judging.note_outcome(use, "not", by=world.dora)
    assert [task.kind for task in db.session.query(ArticleTask)] == ["use"]
    judging.note_outcome(use, "helped", by=world.dora)
    assert db.session.query(ArticleTask).count() == 0
    assert article.verified_at is None, "that it was used, and helped, is no check"


def test_used_never_moves_verified(world: World) -> None:
    world.everybody()
    article = Shelf(world).published()
    for number in range(5):
        uses.record(article, face=None, where_kind="message", where_id=number, by=world.dora)
    assert db.session.get_one(Article, article.id).verified_at is None
