"""What one person is told: in their language, only what they may still see, until they have read it."""

from collections.abc import Callable
from typing import Any

from core.db import db
from forum import answers, moderation
from forum.models import Notification, Topic
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
Worker = Callable[[], None]


def answered(world: World) -> int:
    """Two questions of Alice are answered by Bob; return the id of the first."""
    world.everybody()
    topics = [world.ask(title="The first question of Alice"), world.ask(title="The second question of Alice")]
    for topic in topics:
        answers.accept(world.answer(topic), by=world.alice)
    return topics[0].id


def test_people_read_what_happened_and_mark_it_as_read(stage: Stage, browser_of: BrowserOf, worker: Worker) -> None:
    stage(answered)
    worker()
    alice = browser_of("alice")
    page = alice.get("/notifications").text
    assert "Bob answered “The first question of Alice”." in page
    assert '<span class="bell__count num">2' in page
    assert page.count("row--unread") == 2
    assert "Mark all as read" in page
    note_id = stage(lambda world: db.session.query(Notification).filter_by(user_id=world.alice.id).first().id)
    assert alice.post("/notifications/read", data={"id": note_id}).location == "/notifications"
    assert alice.get("/notifications").text.count("row--unread") == 1
    alice.post("/notifications/read")
    page = alice.get("/notifications").text
    assert "row--unread" not in page
    assert "bell__count" not in page
    assert "The first question of Alice" in page


def test_looking_marks_nothing_as_read(stage: Stage, browser_of: BrowserOf, worker: Worker) -> None:
    stage(answered)
    worker()
    bob = browser_of("bob")
    for _ in range(2):
        assert bob.get("/notifications").text.count("row--unread") == 2


def test_nobody_marks_what_belongs_to_others(stage: Stage, browser_of: BrowserOf, worker: Worker) -> None:
    stage(answered)
    worker()
    note_id = stage(lambda world: db.session.query(Notification).filter_by(user_id=world.alice.id).first().id)
    browser_of("charlie").post("/notifications/read", data={"id": note_id})
    assert stage(lambda _: db.session.get_one(Notification, note_id).read_at) is None


def test_a_topic_muted_later_is_not_spoken_of(stage: Stage, browser_of: BrowserOf, worker: Worker) -> None:
    topic_id = stage(answered)
    worker()
    stage(lambda world: moderation.mute(db.session.get_one(Topic, topic_id), by=world.ada, reason="personal data").id)
    page = browser_of("bob").get("/notifications").text
    assert "The first question of Alice" not in page
    assert "The second question of Alice" in page
    assert '<span class="bell__count num">1' in page


def test_who_solved_it_is_told(stage: Stage, browser_of: BrowserOf, worker: Worker) -> None:
    stage(answered)
    worker()
    page = browser_of("bob").get("/notifications").text
    assert "Your answer solved “The second question of Alice”." in page


def test_nothing_new_leads_on_and_guests_sign_in_first(stage: Stage, browser_of: BrowserOf, guest: Browser) -> None:
    stage(lambda world: world.charlie.id)
    page = browser_of("charlie").get("/notifications").text
    assert "Nothing new." in page
    assert guest.get("/notifications").location == "/sign-in?next=/notifications"
    assert guest.post("/notifications/read").status_code == 401


def test_the_way_back_stays_on_this_site(stage: Stage, browser_of: BrowserOf) -> None:
    stage(lambda world: world.charlie.id)
    answer = browser_of("charlie").post("/notifications/read", data={"next": "https://evil.example", "id": "x"})
    assert answer.location == "/notifications"


def test_the_home_page_knows_ones_open_questions(stage: Stage, browser_of: BrowserOf) -> None:
    stage(
        lambda world: (
            (world.everybody(), world.ask(), world.ask(title="A second open question"), world.solved())[0][0].id
        )
    )
    assert "2 of them wait for a solution" in browser_of("alice").get("/").text
    assert "wait for a solution" not in browser_of("bob").get("/").text
