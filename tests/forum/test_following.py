"""Following and silencing: topics, categories, tags, people; who is told of what, and who has quiet."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from accounts.people import AnonymousUser
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import answers, follows, moderation, queries
from forum.models import Notification, Silence, Tag, Topic, Watch
from tests.cast import World
from tests.conftest import Browser
from tests.forum.test_notifications import told

Worker = Callable[[], None]


@pytest.fixture
def work(world: World, worker: Worker) -> Worker:
    def do() -> None:
        db.session.commit()
        worker()

    return do


def tag(name: str) -> Tag:
    return db.session.scalars(select(Tag).where(Tag.name == name)).one()


ASKED = "Alice asked: “Wireless gone after the update”"
ANSWERED = "Bob answered “Wireless gone after the update”."


@pytest.mark.parametrize("what", ["category", "tag", "person"])
@pytest.mark.parametrize(("level", "expected"), [("first", [ASKED]), ("everything", [ASKED, ANSWERED])])
def test_watchers_hear_of_questions_and_at_the_upper_level_of_answers(
    what: str, level: follows.WatchLevel, expected: list[str], world: World, work: Worker
) -> None:
    world.ask("An older question about wifi", by=world.tina)
    work()
    subject = {"category": lambda: world.router, "tag": lambda: tag("wifi"), "person": lambda: world.alice}[what]()
    follows.watch(subject, by=world.charlie, level=level)
    topic = world.ask()
    work()
    world.answer(topic)
    work()
    assert told(world.charlie) == (expected if what != "person" or level == "first" else [ASKED])
    assert told(world.alice) == [ANSWERED]


def test_who_follows_a_person_hears_of_their_answers(world: World, work: Worker) -> None:
    follows.watch(world.bob, by=world.charlie, level="everything")
    world.answer(world.ask())
    work()
    assert told(world.charlie) == [ANSWERED]


def test_nobody_is_told_of_what_they_wrote_themselves_nor_twice(world: World, work: Worker) -> None:
    follows.watch(world.router, by=world.alice, level="everything")
    follows.watch(world.router, by=world.bob, level="everything")
    follows.watch(world.alice, by=world.bob, level="everything")
    topic = world.ask()
    work()
    world.answer(topic)
    work()
    assert told(world.alice) == [ANSWERED]
    assert told(world.bob) == [ASKED]


def test_who_follows_for_the_solution_hears_of_that_only(world: World, work: Worker) -> None:
    topic = world.ask()
    follows.follow(topic, by=world.charlie, level="solution")
    answer = world.answer(topic)
    work()
    assert told(world.charlie) == []
    answers.accept(answer, by=world.alice)
    work()
    assert told(world.charlie) == ["“Wireless gone after the update” is solved."]
    answers.undo_acceptance(topic, by=world.alice)
    work()
    assert told(world.charlie) == []


def test_who_answers_keeps_the_level_they_chose(world: World) -> None:
    topic = world.ask()
    follows.follow(topic, by=world.bob, level="solution")
    world.answer(topic)
    assert follows.stance_on_topic(topic, world.bob).level == "solution"
    follows.follow(topic, by=world.bob, level="everything")
    assert follows.stance_on_topic(topic, world.bob).level == "everything"


def test_a_silenced_topic_tells_nothing_whatever_the_kind(world: World, work: Worker) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    work()
    follows.silence(topic, by=world.bob)
    answers.comment(answer, source="Which channel, @bob?", by=world.alice)
    answers.accept(answer, by=world.alice)
    world.answer(topic, "Another answer of mine, though.", by=world.bob)
    world.answer(topic, "And one more by somebody else.", by=world.charlie)
    work()
    assert told(world.bob) == []
    assert follows.stance_on_topic(topic, world.bob).choice == "silenced"


def test_who_is_named_is_told_but_not_twice_nor_where_it_is_silenced(world: World, work: Worker) -> None:
    world.everybody()
    topic = world.ask(source="Does @charlie or @alice know? Or nobody@tina.example, or @bo, or @nobody-here.")
    answer = world.answer(topic, "Ask @Dora, @alice. And @bob knows, too.")
    follows.silence(topic, by=world.tina)
    answers.comment(answer, source="Yes, @bob, and @tina, and @emil.", by=world.charlie)
    work()
    mention = "{} mentions you in “Wireless gone after the update”."
    assert told(world.charlie) == [mention.format("Alice")]
    assert told(world.dora) == [mention.format("Bob")]
    assert told(world.emil) == [mention.format("Charlie")]
    assert told(world.alice) == [ANSWERED]
    assert told(world.bob) == ["Charlie commented on what you wrote in “Wireless gone after the update”."]
    assert told(world.tina) == []


def test_a_silenced_person_tells_nothing(world: World, work: Worker) -> None:
    follows.silence(world.bob, by=world.alice)
    topic = world.ask()
    world.answer(topic)
    world.answer(topic, "Somebody else says the same.", by=world.charlie)
    work()
    assert told(world.alice) == ["Charlie answered “Wireless gone after the update”."]


def test_a_silenced_tag_quiets_what_comes_by_the_category_but_not_ones_own_question(world: World, work: Worker) -> None:
    world.ask("An older question about wifi", by=world.tina)
    for person in (world.alice, world.charlie):
        follows.watch(world.router, by=person, level="everything")
        follows.silence(tag("wifi"), by=person)
    world.answer(world.ask())
    work()
    assert told(world.charlie) == []
    assert told(world.alice) == [ANSWERED]


def test_the_teams_decisions_are_told_although_the_topic_is_silenced(world: World, work: Worker) -> None:
    topic = world.ask()
    follows.silence(topic, by=world.alice)
    moderation.mute(topic, by=world.ada, reason="off topic")
    work()
    assert len(told(world.alice)) == 1


def test_lists_leave_out_what_is_silenced_for_this_reader_only(world: World) -> None:
    shown = world.ask("Something else about cables", tags=("cable",), by=world.dora)
    topic = world.ask()
    tagged = world.ask("A question about the night", tags=("night",), by=world.tina)
    asked = world.ask("A question that Bob has asked", tags=(), by=world.bob)
    own = world.ask("A question of Charlie at night", tags=("night",), by=world.charlie)
    for subject in (topic, tag("night"), world.bob):
        follows.silence(subject, by=world.charlie)

    def listed(viewer: object) -> set[int]:
        clause = follows.unsilenced_for(viewer)  # type: ignore[arg-type]  # a viewer of the cast
        return set(db.session.scalars(select(Topic.id).where(clause)))

    assert listed(world.charlie) == {shown.id, own.id}
    everything = {shown.id, topic.id, tagged.id, asked.id, own.id}
    assert listed(world.alice) == listed(AnonymousUser()) == everything
    follows.silence(world.router, by=world.charlie)
    assert listed(world.charlie) == {own.id}


def test_following_lifts_the_silence_and_silencing_ends_the_following(world: World) -> None:
    topic = world.ask()
    follows.silence(topic, by=world.alice)
    assert follows.follower_ids(topic.id) == []
    follows.follow(topic, by=world.alice)
    assert follows.follower_ids(topic.id) == []
    follows.follow(topic, by=world.alice, level="everything")
    assert follows.stance_on_topic(topic, world.alice).choice == "everything"
    follows.watch(world.bob, by=world.alice, level="first")
    follows.silence(world.bob, by=world.alice)
    assert follows.stance(world.bob, world.alice).choice == "silenced"
    assert follows.stance_on_topic(topic, world.alice).silenced_people == {world.bob.id}
    follows.watch(world.bob, by=world.alice, level="everything")
    assert follows.stance(world.bob, world.alice).choice == "everything"
    assert db.session.query(Silence).count() == 0


def test_twice_is_once(world: World) -> None:
    for level in ("first", "everything", "everything"):
        follows.watch(world.router, by=world.alice, level=level)
    follows.silence(world.bob, by=world.alice)
    follows.silence(world.bob, by=world.alice)
    assert (db.session.query(Watch).count(), db.session.query(Silence).count()) == (1, 1)


def test_what_makes_no_sense_is_refused(world: World) -> None:
    topic = world.ask()
    with pytest.raises(Invalid):
        follows.watch(world.alice, by=world.alice, level="first")
    with pytest.raises(Invalid):
        follows.silence(world.alice, by=world.alice)
    with pytest.raises(Invalid):
        follows.choose(topic, "loud", by=world.alice)
    world.bob.disabled_at = topic.created_at
    for deed in (lambda: follows.silence(topic, by=world.bob), lambda: follows.choose(topic, "none", by=world.bob)):
        with pytest.raises(NotAllowed):
            deed()


def test_an_erased_author_is_not_everybodys_acquaintance(world: World) -> None:
    follows.watch(world.tina, by=world.charlie, level="everything")
    follows.watch(tag_of(world, "cable"), by=world.charlie, level="everything")
    topic = world.ask()
    assert follows.readers_of_answer(topic, author_id=None) == [world.alice.id]


def tag_of(world: World, name: str) -> Tag:
    world.ask(f"A question about the {name} here", tags=(name,), by=world.tina)
    return tag(name)


def test_the_page_of_everything_offers_the_choice_and_keeps_it(
    stage: Callable[[Callable[[World], object]], object], browser_of: Callable[[str], Browser], guest: Browser
) -> None:
    topic_id = stage(lambda world: [world.everybody(), world.ask().id][1])
    charlie = browser_of("charlie")
    for page, kind, name, choice in (
        (f"/t/{topic_id}-wireless-gone-after-the-update", "topic", str(topic_id), "solution"),
        ("/c/router", "category", "router", "first"),
        ("/tags/wifi", "tag", "wifi", "everything"),
        ("/u/alice", "person", "alice", "first"),
    ):
        assert 'id="following-' not in guest.get(page).text
        assert f'name="kind" value="{kind}"' in charlie.get(page).text
        data = {"kind": kind, "id": name, "choice": choice, "next": page}
        answer = charlie.post("/following", data=data)
        assert (answer.status_code, answer.headers["Location"]) == (303, page)
        assert f'<option value="{choice}" selected>' in charlie.get(page).text
        assert charlie.post("/following", data=data | {"choice": "loud"}).status_code == 422
    followed = charlie.get("/following").text
    assert all(word in followed for word in ("Wireless gone", "Routers", "wifi", "Alice"))
    charlie.post("/following", data={"kind": "person", "id": "alice", "choice": "silenced"})
    charlie.post("/following", data={"kind": "topic", "id": str(topic_id), "choice": "silenced"})
    silenced = charlie.get("/following?show=silenced").text
    assert "Alice" in silenced
    assert "Wireless gone" in silenced
    assert "Wireless gone" not in charlie.get("/").text
    assert "Wireless gone" in guest.get("/").text
    assert "You silenced this person" in charlie.get(f"/t/{topic_id}-wireless-gone-after-the-update").text


def test_what_is_not_there_cannot_be_followed(
    stage: Callable[[Callable[[World], object]], object], browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> int:
        world.everybody()
        topic = world.ask(tags=("secret",))
        moderation.mute(topic, by=world.ada, reason="off topic")
        return topic.id

    topic_id = stage(scene)
    charlie = browser_of("charlie")
    for kind, name in (
        ("topic", str(topic_id)),
        ("topic", "x"),
        ("topic", "9" * 30),
        ("tag", "secret"),
        ("tag", "\0"),
        ("tag", ""),
        ("category", "nothing"),
        ("person", "nobody-at-all"),
        ("person", ""),
        ("planet", "1"),
        ("", ""),
    ):
        answer = charlie.post("/following", data={"kind": kind, "id": name, "choice": "silenced"})
        assert answer.status_code == 404, (kind, name)
    assert stage(lambda _: db.session.query(Silence).count()) == 0


def test_counts_on_the_home_page_are_those_of_the_list(
    stage: Callable[[Callable[[World], object]], object], browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> None:
        world.everybody()
        follows.silence(world.ask(), by=world.charlie)
        world.ask("Another one about the router", by=world.tina)
        assert queries.counts(world.charlie, follows.unsilenced_for(world.charlie))["all"] == 1

    stage(scene)
    assert stage(lambda _: db.session.query(Notification).count()) == 0
    assert "Another one" in browser_of("charlie").get("/").text
