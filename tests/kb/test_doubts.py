"""An article whose answer does not stand any more is marked for the editors, until it stands again or one says so."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core.db import db
from core.errors import NotAllowed
from forum import aging, alarms, answers, experiences, moderation
from forum.models import Notification, Post, Topic
from kb import articles, doubts, promotion
from kb.models import Article, ArticleDoubt
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf, accepted

Stage = Callable[[Callable[[World], Any]], Any]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def ids(stage: Stage, worker: Callable[[], None]) -> tuple[int, int, int]:
    """An article made of a solution: the ids of article, answer and topic."""

    def scene(world: World) -> tuple[int, int, int]:
        world.everybody()
        topic = world.solved()
        article = Shelf(world).published(sources=[accepted(topic)])
        return article.id, accepted(topic).id, topic.id

    made: tuple[int, int, int] = stage(scene)
    worker()
    return made


def contradict(answer_id: int, *people: tuple[str, str]) -> Callable[[World], None]:
    def scene(world: World) -> None:
        answer = db.session.get_one(Post, answer_id)
        for handle, version in people or (("charlie", "7.1"), ("tina", "8.0")):
            experiences.tell(answer, has_worked=False, version=version, words="Not here.", by=world.person(handle))

    return scene


def said(article_id: int, handle: str = "emil") -> Callable[[World], list[str]]:
    return lambda world: [
        one.words for one in doubts.of(db.session.get_one(Article, article_id), viewer=world.person(handle))
    ]


def test_a_contradicted_answer_marks_its_article_for_the_team_only(
    stage: Stage, worker: Callable[[], None], guest: Browser, browser_of: Callable[[str], Browser], ids: Any
) -> None:
    article_id, answer_id, _ = ids
    stage(contradict(answer_id))
    worker()
    words = "The answer this came from has been contradicted: 2 times. With: 8.0, 7.1."
    assert stage(said(article_id)) == [words]
    for browser, may_see in ((guest, False), (browser_of("charlie"), False), (browser_of("dora"), True)):
        page = browser.get(f"/kb/{article_id}", follow_redirects=True).text
        assert (words in page) is may_see
        assert ("It holds" in page) is False
        for path in ("/kb", "/kb/s/router"):
            assert ("In doubt" in browser.get(path).text) is may_see
    emil = browser_of("emil")
    assert "It holds" in emil.get(f"/kb/{article_id}", follow_redirects=True).text
    assert words in emil.get("/kb/doubts").text
    assert "Article in doubt" in browser_of("root").get("/moderation").text
    assert guest.get("/kb/doubts").status_code == 303
    assert browser_of("charlie").get("/kb/doubts").status_code == 403
    assert stage(lambda _: doubts.of(db.session.get_one(Article, article_id), viewer=AnonymousUser())) == []


def test_the_mark_goes_when_the_answer_stands_again(stage: Stage, worker: Callable[[], None], ids: Any) -> None:
    article_id, answer_id, _ = ids
    stage(contradict(answer_id))
    worker()
    stage(lambda world: experiences.withdraw(db.session.get_one(Post, answer_id), by=world.charlie))
    worker()
    assert stage(said(article_id)) == []
    assert stage(lambda _: db.session.query(ArticleDoubt).count()) == 0


def test_what_the_team_calls_obsolete_marks_too(stage: Stage, worker: Callable[[], None], ids: Any) -> None:
    article_id, answer_id, _ = ids
    stage(lambda world: aging.declare(db.session.get_one(Post, answer_id), reason="Version 8 is out.", by=world.ada))
    worker()
    assert stage(said(article_id)) == ["The answer this came from is obsolete, says the team."]
    stage(lambda world: aging.lift(db.session.get_one(Post, answer_id), by=world.ada))
    worker()
    assert stage(said(article_id)) == []


@pytest.mark.parametrize("how", ["unaccepted", "muted", "topic muted"])
def test_what_is_no_solution_or_muted_marks_too_and_goes_the_same_way(
    how: str, stage: Stage, worker: Callable[[], None], ids: Any
) -> None:
    article_id, answer_id, topic_id = ids

    def fall(world: World) -> None:
        topic, answer = db.session.get_one(Topic, topic_id), db.session.get_one(Post, answer_id)
        if how == "unaccepted":
            answers.undo_acceptance(topic, by=world.alice)
        else:
            moderation.mute(answer if how == "muted" else topic, by=world.ada, reason="off topic")

    def rise(world: World) -> None:
        topic, answer = db.session.get_one(Topic, topic_id), db.session.get_one(Post, answer_id)
        if how == "topic muted":
            moderation.unmute(topic, by=world.ada)
        elif how == "muted":
            moderation.unmute(answer, by=world.ada)
        if how != "topic muted":
            answers.accept(answer, by=world.alice)

    stage(fall)
    worker()
    (words,) = stage(said(article_id))
    assert ("no solution any more" if how == "unaccepted" else "muted") in words
    stage(rise)
    worker()
    assert stage(said(article_id)) == []


def test_a_muted_solution_that_is_shown_again_is_still_no_solution(
    stage: Stage, worker: Callable[[], None], ids: Any
) -> None:
    article_id, answer_id, topic_id = ids

    def fall(world: World) -> None:
        other = world.answer(db.session.get_one(Topic, topic_id), "Use a pin.", by=world.charlie)
        moderation.mute(db.session.get_one(Post, answer_id), by=world.ada, reason="off topic")
        answers.accept(other, by=world.alice)

    stage(fall)
    worker()
    stage(lambda world: moderation.unmute(db.session.get_one(Post, answer_id), by=world.ada))
    worker()
    assert stage(said(article_id)) == ["The answer this came from is no solution any more."]


def test_an_article_of_an_answer_that_was_never_a_solution_is_not_in_doubt(
    stage: Stage, worker: Callable[[], None]
) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        answer = world.answer(world.ask())
        return promotion.draft_from_post(answer, by=world.emil).id, answer.id

    article_id, answer_id = stage(scene)
    for _ in range(2):
        stage(lambda world: moderation.mute(db.session.get_one(Post, answer_id), by=world.ada, reason="off topic"))
        worker()
        assert stage(said(article_id)) == ["The answer this came from is muted."]
        stage(lambda world: moderation.unmute(db.session.get_one(Post, answer_id), by=world.ada))
        worker()
        assert stage(said(article_id)) == []


def test_an_editor_confirms_and_it_is_written_down_until_it_falls_anew(
    stage: Stage, worker: Callable[[], None], browser_of: Callable[[str], Browser], clock: Any, ids: Any
) -> None:
    article_id, answer_id, topic_id = ids
    stage(contradict(answer_id))
    worker()
    path = f"/kb/articles/{article_id}/confirmation"
    for handle in ("charlie", "dora", "ada"):
        assert browser_of(handle).post(path, data={"reason": "x"}).status_code == 403
    for _ in range(2):
        assert browser_of("emil").post(path, data={"reason": "The article says more."}).status_code == 303

    def log(_: World) -> list[str]:
        return [one.reason for one in db.session.query(AuditEntry).filter_by(deed="kb.article.confirm")]

    assert stage(log) == ["The article says more."]
    assert stage(said(article_id)) == []
    stage(lambda _: doubts.look_again())
    assert stage(said(article_id)) == [], "the same thing is not asked again"
    clock.shift(timedelta(hours=1))
    stage(lambda world: answers.undo_acceptance(db.session.get_one(Topic, topic_id), by=world.alice))
    worker()
    assert stage(said(article_id)) == ["The answer this came from is no solution any more."]


def test_a_second_contradiction_after_the_word_of_an_editor_asks_again(
    stage: Stage, worker: Callable[[], None], clock: Any, ids: Any
) -> None:
    article_id, answer_id, _ = ids
    stage(contradict(answer_id))
    worker()
    stage(lambda world: doubts.confirm(db.session.get_one(Article, article_id), by=world.emil))
    clock.shift(timedelta(hours=1))

    def helps_and_fails_again(world: World) -> None:
        answer = db.session.get_one(Post, answer_id)
        experiences.withdraw(answer, by=world.charlie)
        experiences.tell(answer, has_worked=False, words="Again.", by=world.charlie)

    stage(helps_and_fails_again)
    worker()
    assert len(stage(said(article_id))) == 1


def test_what_waits_too_long_alarms_the_editors_once(
    stage: Stage, worker: Callable[[], None], clock: Any, ids: Any
) -> None:
    article_id, answer_id, _ = ids
    stage(contradict(answer_id))
    worker()
    clock.shift(timedelta(hours=49))
    for _ in range(2):
        stage(lambda _: alarms.raise_alarms())

    def rung(world: World) -> list[tuple[bool, str]]:
        rows = db.session.query(Notification).filter_by(kind="article_doubted")
        return [(row.user_id == world.emil.id, row.url) for row in rows]

    assert [(is_emil, url.startswith(f"/kb/{article_id}-")) for is_emil, url in stage(rung)] == [(True, True)]


def test_what_no_event_told_of_is_found_daily(stage: Stage, ids: Any) -> None:
    article_id, answer_id, _ = ids
    stage(contradict(answer_id))
    assert stage(said(article_id)) == []
    assert stage(lambda _: doubts.look_again()) == 1
    assert len(stage(said(article_id))) == 1


def test_only_editors_confirm(world: World) -> None:
    world.everybody()
    article = Shelf(world).published()
    for handle in ("alice", "tina", "dora", "ada"):
        with pytest.raises(NotAllowed):
            doubts.confirm(article, by=world.person(handle))
    doubts.confirm(article, by=world.emil)
    assert db.session.query(AuditEntry).filter_by(deed="kb.article.confirm").count() == 0
    articles.withdraw(article, by=world.emil, reason="wrong")
