"""An archived article stays findable for the team, and its address leads to what took its place, for ever."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from core.db import db
from core.errors import Conflict, Invalid, KlinkeError, NotAllowed
from forum import closing, targets
from forum.models import SeeAlso, Topic
from kb import articles, retiring
from kb.models import Article
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf, accepted

Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture
def ids(stage: Stage) -> tuple[int, int, int]:
    """Three articles."""

    def scene(world: World) -> tuple[int, ...]:
        world.everybody()
        return tuple(Shelf(world).published(title=f"The light is {color}").id for color in ("red", "blue", "green"))

    made: tuple[int, int, int] = stage(scene)
    return made


def retire(article_id: int, successor_id: int | None = None) -> Callable[[World], None]:
    def deed(world: World) -> None:
        successor = None if successor_id is None else db.session.get_one(Article, successor_id)
        article = db.session.get_one(Article, article_id)
        retiring.retire(article, by=world.emil, reason="There is a better one.", successor=successor)

    return deed


def revive(article_id: int) -> Callable[[World], None]:
    return lambda world: retiring.revive(db.session.get_one(Article, article_id), by=world.emil)


def test_the_old_address_leads_to_the_successor_through_every_chain(
    stage: Stage, worker: Callable[[], None], guest: Browser, browser_of: Callable[[str], Browser], ids: Any
) -> None:
    red, blue, green = ids
    path = browser_of("emil").get(f"/kb/{red}").location
    stage(retire(red, blue))
    worker()
    for asked in (f"/kb/{red}", path):
        moved = guest.get(asked)
        assert (moved.status_code, moved.location) == (301, f"/kb/{blue}-the-light-is-blue")
    stage(retire(blue, green))
    assert guest.get(f"/kb/{red}").location == f"/kb/{green}-the-light-is-green"
    assert guest.get(f"/kb/{blue}").location == f"/kb/{green}-the-light-is-green"
    assert "The light is red" not in guest.get("/kb").text
    page = browser_of("dora").get(f"/kb/{red}", follow_redirects=True).text
    assert "This article is archived" in page
    assert "The light is green" in page
    assert "The light is red" in browser_of("dora").get("/kb/archive?words=red").text
    assert "The light is red" not in browser_of("dora").get("/kb/archive?words=nothing").text
    stage(lambda world: articles.withdraw(db.session.get_one(Article, green), by=world.emil, reason="wrong"))
    assert guest.get(f"/kb/{red}").status_code == 404


def test_a_circle_cannot_be(world: World) -> None:
    world.everybody()
    red, blue, green = (Shelf(world).published(title=f"The light is {color}") for color in ("red", "blue", "green"))
    with pytest.raises(Invalid):
        retiring.retire(red, by=world.emil, reason="better", successor=red)
    retiring.retire(red, by=world.emil, reason="better", successor=blue)
    with pytest.raises(Invalid):
        retiring.retire(blue, by=world.emil, reason="better", successor=red)
    with pytest.raises(Conflict):
        retiring.retire(red, by=world.emil, reason="better", successor=green)
    retiring.retire(blue, by=world.emil, reason="better", successor=green)
    with pytest.raises(Invalid):
        retiring.retire(green, by=world.emil, reason="better", successor=red)
    found = retiring.successor_of(red.id, viewer=world.charlie)
    assert found is not None
    assert found.id == green.id


def test_a_circle_that_came_by_another_way_leads_nowhere_and_ends(
    stage: Stage, guest: Browser, ids: Any, worker: Callable[[], None]
) -> None:
    red, blue, _ = ids
    stage(retire(red, blue))
    stage(lambda world: articles.publish(db.session.get_one(Article, red), by=world.emil))
    stage(retire(blue, red))
    stage(lambda world: articles.withdraw(db.session.get_one(Article, red), by=world.emil, reason="wrong"))
    assert guest.get(f"/kb/{red}").status_code == 404
    assert guest.get(f"/kb/{blue}").status_code == 404
    worker()
    assert guest.get(f"/kb/{blue}").status_code == 404


def test_two_editors_who_replace_each_others_article_at_once_make_no_circle(app: Flask, stage: Stage, ids: Any) -> None:
    red, blue, _ = ids
    refused: list[str] = []
    start = threading.Barrier(2)

    def work(from_id: int, to_id: int) -> None:
        with app.app_context():
            start.wait(timeout=10)
            emil = World().emil
            try:
                articles_of = {one: db.session.get_one(Article, one) for one in (from_id, to_id)}
                retiring.retire(articles_of[from_id], by=emil, reason="better", successor=articles_of[to_id])
                db.session.commit()
            except KlinkeError as error:
                db.session.rollback()
                refused.append(type(error).__name__)

    threads = [threading.Thread(target=work, args=pair) for pair in ((red, blue), (blue, red))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    archived = stage(lambda _: db.session.query(Article).filter_by(confidence="archived").count())
    assert archived == 1


def test_an_article_comes_back_as_it_was(
    stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], ids: Any
) -> None:
    red, blue, _ = ids
    stage(retire(red, blue))
    emil = browser_of("emil")
    assert emil.post(f"/kb/articles/{red}/revival").status_code == 303
    assert guest.get(f"/kb/{red}", follow_redirects=True).status_code == 200
    assert stage(lambda _: db.session.get_one(Article, red).confidence) == "validated"
    assert emil.post(f"/kb/articles/{red}/revival").status_code == 409


def test_archived_without_a_successor_is_gone_for_readers_only(
    stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], ids: Any
) -> None:
    red = ids[0]
    emil, path = browser_of("emil"), f"/kb/articles/{red}/retirement"
    assert emil.get(path).status_code == 200
    assert emil.post(path, data={"reason": "", "successor": ""}).status_code == 422
    for wrong in ("4711", "http://localhost/t/1", "https://elsewhere.example/kb/1", "x" * 400):
        assert emil.post(path, data={"reason": "Old.", "successor": wrong}).status_code == 422
    assert emil.post(path, data={"reason": "Old.", "successor": ""}).status_code == 303
    assert guest.get(f"/kb/{red}").status_code == 404
    assert browser_of("charlie").get(f"/kb/{red}").status_code == 404
    assert "Old." in browser_of("dora").get(f"/kb/{red}", follow_redirects=True).text


def test_a_successor_is_named_by_number_or_address(
    stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], ids: Any
) -> None:
    red, blue, green = ids
    emil = browser_of("emil")
    for article_id, named in ((red, str(blue)), (blue, f"http://localhost/kb/{green}-whatever")):
        path = f"/kb/articles/{article_id}/retirement"
        assert emil.post(path, data={"reason": "Old.", "successor": named}).status_code == 303
    assert guest.get(f"/kb/{red}").location == f"/kb/{green}-the-light-is-green"


def test_readers_of_the_old_article_must_be_able_to_read_the_new_one(world: World) -> None:
    world.everybody()
    public, inside = Shelf(world).published(), Shelf(world).published(title="Inside", audience="team")
    with pytest.raises(Invalid):
        retiring.retire(public, by=world.emil, reason="better", successor=inside)
    with pytest.raises(NotAllowed):
        retiring.retire(public, by=world.dora, reason="better")
    retiring.retire(inside, by=world.emil, reason="better", successor=public)
    assert retiring.successor_of(inside.id, viewer=world.charlie) is not None


def test_threads_and_duplicates_are_led_on(world: World) -> None:
    world.everybody()
    topic = world.solved()
    old, new = Shelf(world).published(sources=[accepted(topic)]), Shelf(world).published(title="The new one")
    again = world.ask("Asked once more")
    place = targets.named(f"/kb/{old.id}", viewer=world.ada)
    closing.close_as_duplicate(again, target=place, by=world.ada)
    retiring.retire(old, by=world.emil, reason="better", successor=new)
    assert [link.title for link in db.session.query(SeeAlso).filter_by(topic_id=topic.id)] == ["The new one"]
    assert closing.place_of(db.session.get_one(Topic, again.id)) == ("article", new.id)
    retiring.revive(old, by=world.emil)
    assert [link.title for link in db.session.query(SeeAlso).filter_by(topic_id=topic.id)] == [
        "Wireless is gone after an update"
    ]
