"""What readers say of an article becomes work of whoever looks after it: why it did not help, and what is wrong."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import AuditEntry
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import alarms
from forum.models import Notification
from kb import articles, feedback, tasks
from kb.models import Article, ArticleTask
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def article_id(stage: Stage) -> int:
    made: int = stage(lambda world: (world.everybody(), Shelf(world).published().id)[1])
    return made


def waiting() -> list[tuple[str, str | None, str]]:
    rows = db.session.query(ArticleTask).filter(ArticleTask.done_at.is_(None)).order_by(ArticleTask.id)
    return [(row.kind, row.reason, row.words) for row in rows]


def told(handle: str) -> Callable[[World], list[str]]:
    def look(world: World) -> list[str]:
        rows = db.session.query(Notification).filter_by(user_id=world.person(handle).id).order_by(Notification.id)
        return [row.kind for row in rows]

    return look


def test_a_guest_who_was_not_helped_says_why_and_the_owner_has_a_task(
    stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], article_id: int
) -> None:
    path = f"/kb/articles/{article_id}/feedback"
    page = guest.post(path, data={"helped": "no"}, follow_redirects=True).text
    for reason in ("It is wrong", "It is outdated", "I do not understand it", "It is not about my problem"):
        assert reason in page
    assert stage(lambda _: waiting()) == [], "a press without a word is counted and makes no work"
    words = "Step 2 is called Funkkanal now."
    page = guest.post(path, data={"helped": "no", "reason": "outdated", "comment": words}, follow_redirects=True).text
    assert "Your note is with the editors" in page
    assert stage(lambda _: waiting()) == [("feedback", "outdated", words)]
    assert stage(told("emil")) == ["article_needs"]
    page = browser_of("emil").get("/kb/needs").text
    assert words in page
    assert "It is outdated" in page
    assert words in browser_of("emil").get(f"/kb/needs?article={article_id}").text
    assert guest.post(path, data={"helped": "yes"}).status_code == 303
    assert stage(lambda _: waiting()) == [], "who changes their mind takes it back"
    assert stage(told("emil")) == []


def test_a_reason_that_nobody_offered_is_none(stage: Stage, guest: Browser, article_id: int) -> None:
    path = f"/kb/articles/{article_id}/feedback"
    assert guest.post(path, data={"helped": "no", "reason": "ugly"}).status_code == 303
    assert guest.post(path, data={"helped": "no", "reason": "x" * 5000, "comment": "y" * 2000}).status_code == 422
    assert guest.post(path, data={"helped": "no", "reason": "not_mine"}).status_code == 303
    assert stage(lambda _: waiting()) == [], "that it is about something else is no fault of the article"


def test_who_says_it_twice_has_one_task_which_opens_again_with_new_words(world: World) -> None:
    world.everybody()
    article = Shelf(world).published()
    for words in ("Wrong plug.", "Wrong plug.", "Wrong plug, and no step 3."):
        feedback.give(article, reader="guest:1", helped=False, reason="wrong", comment=words)
    (task,) = db.session.query(ArticleTask)
    assert task.words == "Wrong plug, and no step 3."
    tasks.settle(task, "done", by=world.emil, note="Mended.")
    feedback.give(article, reader="guest:1", helped=False, reason="wrong", comment="Wrong plug, and no step 3.")
    assert waiting() == []
    feedback.give(article, reader="guest:1", helped=False, reason="unclear", comment="Which plug?")
    assert waiting() == [("feedback", "unclear", "Which plug?")]


def test_who_may_not_edit_reports_a_mistake_and_hears_what_became_of_it(
    stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], article_id: int
) -> None:
    path = f"/kb/articles/{article_id}/flag"
    charlie, emil = browser_of("charlie"), browser_of("emil")
    assert path in charlie.get(f"/kb/{article_id}", follow_redirects=True).text
    assert path not in guest.get(f"/kb/{article_id}", follow_redirects=True).text
    assert path not in emil.get(f"/kb/{article_id}", follow_redirects=True).text, "editors edit at once"
    assert guest.get(path).status_code == 303
    refused = charlie.post(path, data={"words": "x"})
    assert refused.status_code == 422
    assert charlie.post(path, data={"words": "The channel is called 11."}).status_code == 303
    ((task_id, at),) = stage(lambda _: [(row.id, row.at) for row in db.session.query(ArticleTask)])
    assert at is not None
    for handle in ("charlie", "dora", "ada"):
        refused = browser_of(handle).post(f"/kb/tasks/{task_id}/settlement", data={"outcome": "done"})
        assert refused.status_code == 403
    settled = emil.post(f"/kb/tasks/{task_id}/settlement", data={"outcome": "done", "note": "It is 11."})
    assert settled.status_code == 303
    assert stage(told("charlie")) == ["article_task_settled"]
    assert "was mended after what you reported" in charlie.get("/notifications").text
    assert "It is 11." in emil.get("/kb/needs?whose=settled").text
    assert "The channel is called 11." not in emil.get("/kb/needs").text
    again = emil.post(f"/kb/tasks/{task_id}/settlement", data={"outcome": "done"})
    assert "Somebody has settled this already" in again.text


def test_a_task_of_a_draft_is_not_taken_and_an_outcome_must_be_one(world: World) -> None:
    world.everybody()
    draft = Shelf(world).article()
    with pytest.raises(NotAllowed):
        tasks.flag(draft, words="It is wrong.", by=world.charlie)
    article = Shelf(world).published(title="Another one")
    task = tasks.flag(article, words="It is wrong.", by=world.charlie)
    with pytest.raises(Invalid):
        tasks.settle(task, "perhaps", by=world.emil)
    with pytest.raises(NotAllowed):
        tasks.settle(task, "done", by=world.dora)
    tasks.settle(task, "not_needed", by=world.emil, note="It is right.")
    with pytest.raises(Conflict):
        tasks.settle(task, "done", by=world.emil)
    (entry,) = db.session.query(AuditEntry).filter_by(deed="kb.task.settle")
    assert (entry.reason, entry.after["outcome"]) == ("It is right.", "not_needed")


def test_what_belongs_to_nobody_belongs_to_every_editor(world: World) -> None:
    world.everybody()
    edda = world.person("edda", "editor")
    article = Shelf(world).published()
    task = tasks.flag(article, words="It is wrong.", by=world.charlie)
    for viewer, sees in ((world.emil, [task.id]), (edda, [])):
        assert [one.id for one in db.session.scalars(tasks.waiting_tasks(viewer)).unique()] == sees
        assert [one.id for one in db.session.scalars(tasks.waiting_tasks(viewer, of_all=True)).unique()] == [task.id]
    article.owner = world.bob  # who edits no more
    db.session.flush()
    assert [one.id for one in db.session.scalars(tasks.waiting_tasks(edda)).unique()] == [task.id]
    assert tasks.dealers(article) == sorted([world.emil.id, edda.id])
    assert [one.title for one in tasks.waiting(edda)] == ["Wireless is gone after an update"]
    assert list(tasks.waiting(world.ada)) == []


def test_what_waits_too_long_alarms_every_editor_once(world: World) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        world.everybody()
        edda = world.person("edda", "editor")
        tasks.flag(Shelf(world).published(), words="It is wrong.", by=world.charlie)
        clock.shift(timedelta(hours=49))
        for _ in range(2):
            alarms.raise_alarms()
    rows = db.session.query(Notification).filter_by(kind="article_task_waits")
    assert sorted(row.user_id for row in rows) == sorted([world.emil.id, edda.id])


def test_nothing_is_said_of_an_article_that_is_taken_back(
    stage: Stage, browser_of: Callable[[str], Browser], article_id: int
) -> None:
    stage(lambda world: articles.withdraw(db.session.get_one(Article, article_id), by=world.emil, reason="wrong"))
    path = f"/kb/articles/{article_id}/flag"
    assert browser_of("charlie").get(path).status_code == 404
    assert browser_of("charlie").post(path, data={"words": "It is wrong."}).status_code == 404
    assert browser_of("dora").get(path).status_code == 404
