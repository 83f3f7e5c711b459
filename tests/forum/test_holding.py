"""The gate for new accounts: what waits until the team has looked, what is refused, and who is never held up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.models import User
from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, TooSoon
from core.outbox import Delivery
from forum import answers, counters, holding, images, moderation, posts, queries, topics
from forum.models import Muting, Notification, Post, ReviewCase, Topic
from tests.cast import World
from tests.conftest import Browser
from tests.forum.test_images import picture, shown

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
Settings = Callable[..., None]


def published() -> list[str]:
    return [row.event for row in db.session.query(Delivery).order_by(Delivery.id)]


def question_of(topic: Topic) -> Post:
    return db.session.query(Post).filter_by(topic_id=topic.id, kind="question").one()


def seen_by(viewer: Any, topic: Topic) -> bool:
    return db.session.scalar(queries.visible_topics(viewer).where(Topic.id == topic.id)) is not None


def established(world: World, settings: Settings) -> User:
    """Somebody who made the account themselves, with two posts that everybody sees, still on the first day."""
    nora = world.newcomer()
    for number in range(2):
        topics.ask(
            title=f"An older question, number {number}",
            source="It was asked long ago, when all was well.",
            category=world.router,
            locale="en",
            by=nora,
            created_at=now() - timedelta(hours=5),
        )
    return nora


def test_the_first_question_of_a_new_account_waits_and_only_its_author_and_the_team_see_it(world: World) -> None:
    topic = world.ask(by=world.newcomer())
    assert topic.muting is not None
    assert topic.muting.cause == "first"
    assert [seen_by(viewer, topic) for viewer in (world.newcomer(), world.ada, world.dora)] == [True] * 3
    assert [seen_by(viewer, topic) for viewer in (AnonymousUser(), world.alice, world.tina)] == [False] * 3
    case = db.session.query(ReviewCase).one()
    assert (case.kind, case.post_id, case.decided_at) == ("held", question_of(topic).id, None)
    assert "TopicAsked" not in published()


def test_a_held_answer_counts_nowhere_and_moves_nothing(world: World) -> None:
    with time_machine.travel(now() - timedelta(hours=3)):
        topic = world.ask()
    before = topic.last_activity_at
    answer = world.answer(topic, by=world.newcomer())
    db.session.refresh(topic)
    assert (topic.answer_count, topic.last_activity_at) == (0, before)
    assert answer.id not in [post.id for post in queries.visible_posts(topic, viewer=world.alice)]
    assert answer.id in [post.id for post in queries.visible_posts(topic, viewer=world.newcomer())]
    assert "AnswerPosted" not in published()
    assert list(counters.complaints()) == []


def test_releasing_publishes_what_writing_would_have_and_keeps_the_place(world: World) -> None:
    with time_machine.travel(now() - timedelta(hours=3)):
        topic = world.ask()
        answer = world.answer(topic, by=world.newcomer())
        written_at = answer.created_at
    world.answer(topic, "Another answer, two hours later.")
    latest = topic.last_activity_at
    moderation.unmute(answer, by=world.ada)
    db.session.refresh(topic)
    assert published().count("AnswerPosted") > 0
    assert "PostUnmuted" not in published()
    assert answer.created_at == written_at
    assert (topic.answer_count, topic.last_activity_at) == (2, latest)
    order = [post.id for post in queries.visible_posts(topic, viewer=AnonymousUser()) if post.kind == "answer"]
    assert order[0] == answer.id
    assert db.session.query(ReviewCase).one().outcome == "disagreed"


def test_who_follows_hears_of_a_held_answer_only_once_it_is_released(stage: Stage, worker: Callable[[], None]) -> None:
    answer_id = stage(lambda world: world.answer(world.ask(), by=world.newcomer()).id)
    worker()
    assert stage(lambda _: db.session.query(Notification).count()) == 0
    stage(lambda world: moderation.unmute(db.session.get_one(Post, answer_id), by=world.ada))
    worker()
    assert stage(lambda _: [note.kind for note in db.session.query(Notification)]) == ["answer_posted"]


def test_held_questions_are_told_of_as_asked_when_they_are_released(world: World) -> None:
    topic = world.ask(by=world.newcomer())
    moderation.unmute(topic, by=world.ada)
    assert "TopicUnmuted" not in published()
    assert seen_by(AnonymousUser(), topic)


def test_after_two_posts_that_everybody_sees_nothing_is_held_any_more(world: World) -> None:
    nora = world.newcomer()
    first, second = world.ask(by=nora), world.answer(world.ask(), by=nora)
    for held in (first, second):
        moderation.unmute(held, by=world.ada)
    assert not world.ask(by=nora).is_muted


def test_posts_the_team_muted_do_not_count_as_seen(world: World) -> None:
    nora = world.newcomer()
    for _ in range(2):
        moderation.mute(world.ask(by=nora), by=world.ada, reason="Advertising")
    assert world.ask(by=nora).is_muted


@pytest.mark.parametrize("handle", ["alice", "tina", "ada", "emil", "dora", "root"])
def test_whom_the_team_or_an_import_brought_is_never_held(world: World, handle: str) -> None:
    assert not world.ask(by=getattr(world, handle)).is_muted


@pytest.mark.parametrize("role", ["trusted", "agent", "moderator", "editor", "admin"])
def test_trusted_members_and_the_team_are_never_held_even_on_the_first_day(world: World, role: str) -> None:
    person = world.person("fresh", role)
    person.licence_accepted_at = now()
    assert not world.ask(by=person).is_muted


def test_what_is_told_of_the_past_is_never_held(world: World) -> None:
    topic = world.ask(by=world.newcomer(), created_at=now() - timedelta(days=3))
    answer = answers.post(topic, source="So it was.", by=world.newcomer(), created_at=now() - timedelta(days=2))
    assert not topic.is_muted
    assert not answer.is_muted


def test_a_setting_holds_more_or_none(world: World, settings: Settings) -> None:
    settings(held_first_posts=0)
    assert not world.ask(by=world.newcomer()).is_muted
    settings(held_first_posts=3)
    assert world.ask(by=world.newcomer()).is_muted


def test_who_types_faster_than_people_do_waits_and_is_not_refused(world: World, settings: Settings) -> None:
    nora = established(world, settings)
    fast = answers.post(world.ask(), source="Buy this, it is good.", by=nora, typed_in=0.4)
    assert fast.muting is not None
    assert fast.muting.cause == "fast"
    assert not answers.post(world.ask(), source="I typed this by hand.", by=nora, typed_in=30).is_muted
    assert not answers.post(world.ask(), source="A program may be fast.", by=nora).is_muted
    with time_machine.travel(now() + timedelta(days=2)):
        assert not answers.post(world.ask(), source="I am known by now.", by=nora, typed_in=0.4).is_muted


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("See [a](https://a.example), [b](https://b.example) and https://c.example please.", 3),
        ("I ask @alice, @bob and @charlie what they think.", 3),
    ],
)
def test_a_new_account_puts_few_links_and_mentions_into_a_text(
    world: World, settings: Settings, source: str, number: int
) -> None:
    topic = world.ask()
    for person in (world.newcomer(), established(world, settings)):
        with pytest.raises(Invalid) as caught:
            world.answer(topic, source, by=person)
        assert str(number) in caught.value.fields["source"]
    world.answer(topic, source, by=world.bob)
    with time_machine.travel(now() + timedelta(days=2)):
        world.answer(topic, source, by=world.newcomer())


def test_a_new_account_shows_few_pictures_in_a_text_and_they_are_no_links(world: World) -> None:
    topic, nora = world.ask(), world.newcomer()
    one, other = (shown(images.keep(picture(number), by=nora)) for number in range(2))
    with pytest.raises(Invalid) as caught:
        world.answer(topic, f"{one}\n\n{other}", by=nora)
    assert "picture" in caught.value.fields["source"]
    world.answer(topic, f"{one} See [a](https://a.example) and [b](https://b.example).", by=nora)


def test_addresses_and_code_are_no_mentions(world: World) -> None:
    source = "Write to a@example.org or b@example.org or c@example.org, see @alice."
    assert world.answer(world.ask(), source, by=world.newcomer()).source == source


def test_a_new_account_cannot_put_the_links_in_afterwards(world: World, settings: Settings) -> None:
    answer = world.answer(world.ask(), by=established(world, settings))
    links = " ".join(f"https://{name}.example" for name in "abc")
    with pytest.raises(Invalid):
        posts.edit(answer, source=links, by=world.newcomer(), version=1)
    posts.edit(answer, source=links, by=world.ada, version=1)


def test_its_author_may_change_what_is_held_and_it_stays_held(world: World) -> None:
    topic = world.ask(by=world.newcomer())
    posts.edit(question_of(topic), source="Said better, and longer.", by=world.newcomer(), version=1)
    posts.edit(question_of(topic), source="Said better, and longer still.", by=world.newcomer(), version=2)
    assert topic.is_muted
    with pytest.raises(NotAllowed):
        posts.edit(question_of(topic), source="I am a stranger, and longer.", by=world.bob, version=3)


def test_a_new_account_pauses_longer(world: World, settings: Settings) -> None:
    settings(post_pause_seconds=10, new_account_pause_seconds=60)
    for person, seconds in ((world.newcomer(), 60), (world.bob, 10)):
        world.ask(by=person, title=f"A question of {person.name}")
        with pytest.raises(TooSoon) as caught:
            world.ask(by=person, title="Another question so soon", source="This one has another text altogether.")
        assert seconds - 2 <= caught.value.seconds <= seconds


def test_five_questions_a_day(world: World, settings: Settings) -> None:
    settings(post_pause_seconds=1, questions_a_day=5)
    start = now()
    for number in range(5):
        with time_machine.travel(start + timedelta(hours=number)):
            world.ask(source=f"This is question number {number} of today.")
    with time_machine.travel(start + timedelta(hours=6)), pytest.raises(TooSoon) as caught:
        world.ask(source="This is one question too many for today.")
    assert abs(caught.value.seconds - 18 * 3600) < 5
    assert "18 hours" in caught.value.sentence
    with time_machine.travel(start + timedelta(hours=6)):
        world.answer(world.ask(by=world.tina), by=world.alice)
    with time_machine.travel(start + timedelta(hours=24, minutes=1)):
        world.ask(source="The first question is a day old by now.")


def test_who_is_new(world: World, settings: Settings) -> None:
    assert holding.is_new(world.newcomer())
    assert not holding.is_new(world.alice)
    with time_machine.travel(now() + timedelta(days=2)):
        assert holding.is_new(world.newcomer()), "nobody has seen anything of theirs yet"
        settings(held_first_posts=0)
        assert not holding.is_new(world.newcomer())


def test_the_author_reads_a_friendly_banner_that_says_when(stage: Stage, browser_of: BrowserOf, guest: Browser) -> None:
    path = stage(lambda world: [world.newcomer(), f"/t/{world.ask(by=world.newcomer()).id}-x", world.ada][1])
    page = browser_of("nora").get(path, follow_redirects=True).text
    assert "Only you and the team see this so far" in page
    assert "at the latest" in page
    assert "banner--muted" not in page
    assert "In review" in browser_of("nora").get("/").text
    assert guest.get(path, follow_redirects=True).status_code == 404
    assert "Waits for review" in browser_of("ada").get(path, follow_redirects=True).text


def test_a_form_that_was_open_for_no_time_is_held_and_its_writer_is_not_refused(
    stage: Stage, browser_of: BrowserOf, settings: Settings
) -> None:
    topic_id = stage(lambda world: [established(world, settings), world.ask().id][1])
    nora = browser_of("nora")
    sent = nora.post(f"/topics/{topic_id}/answers", data={"source": "Sent by a machine.", "once": "x" * 30})
    assert sent.status_code == 303
    assert stage(lambda _: db.session.query(Muting).one().cause) == "fast"
    page = nora.get(f"/t/{topic_id}-x", follow_redirects=True).text
    once = page.split('name="once"')[1].split('value="')[1].split('"')[0]
    with time_machine.travel(now() + timedelta(minutes=2)):
        nora.post(f"/topics/{topic_id}/answers", data={"source": "Typed by a hand.", "once": once})
    assert stage(lambda _: db.session.query(Muting).count()) == 1


def test_a_limit_keeps_the_text_and_names_the_seconds(stage: Stage, browser_of: BrowserOf, settings: Settings) -> None:
    topic_id = stage(lambda world: [world.newcomer(), world.ask().id][1])
    settings(post_pause_seconds=10)
    nora = browser_of("nora")
    nora.post(f"/topics/{topic_id}/answers", data={"source": "The first answer."})
    answer = nora.post(f"/topics/{topic_id}/answers", data={"source": "The second answer, too soon."})
    assert answer.status_code == 429
    assert 50 <= int(answer.headers["Retry-After"]) <= 60
    assert "The second answer, too soon." in answer.text
    assert "more seconds, then you can write again" in answer.text
