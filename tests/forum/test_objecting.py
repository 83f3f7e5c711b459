"""Honest muting: its author reads why, may mend and object; who wrote there keeps their words; the team looks again."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
import time_machine
from flask import Flask

from accounts.people import AnonymousUser
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import answers, counters, follows, moderation, objections, policy, posts, queries, threads
from forum.models import Muting, Notification, Objection, Post, Topic
from forum.source import Topics
from tests.cast import World
from tests.conftest import Browser
from tests.faults.test_once_only import at_once

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
REASON = "There is a telephone number in it."


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


class Scene(NamedTuple):
    topic_id: int
    path: str
    question_id: int
    answer_id: int


@pytest.fixture
def scene(stage: Stage) -> Scene:
    def play(world: World) -> Scene:
        world.everybody()
        topic = world.ask(title="Please call me about my router", source="My number is 01234 567.")
        answer = world.answer(topic, "An answer that **Bob** gave.")
        question = db.session.query(Post).filter_by(topic_id=topic.id, kind="question").one()
        return Scene(topic.id, f"/t/{topic.id}-{topic.slug}", question.id, answer.id)

    return stage(play)


def question_of(topic: Topic) -> Post:
    return db.session.query(Post).filter_by(topic_id=topic.id, kind="question").one()


def kinds_told(world: World, handle: str) -> list[str]:
    told = db.session.query(Notification).filter_by(user_id=getattr(world, handle).id).order_by(Notification.id)
    return [note.kind for note in told if note.kind not in {"answer_posted", "comment_posted"}]


def test_its_author_reads_everything_and_objects_once(
    stage: Stage, scene: Scene, browser_of: BrowserOf, worker: Callable[[], None]
) -> None:
    ada, alice = browser_of("ada"), browser_of("alice")
    data = {"reason": REASON, "rule": "personal_data", "wanted": "Take the number out.", "until": "2026-06-20"}
    assert ada.post(f"/topics/{scene.topic_id}/mute", data=data).status_code == 303
    page = alice.get(scene.path).text
    for words in ("No personal data", REASON, "Take the number out.", "until 20 June 2026", "Muted <time", "Object"):
        assert words in page
    assert f'href="/posts/{scene.question_id}/edit"' in page
    empty = alice.post(f"/posts/{scene.question_id}/objection", data={"text": " "})
    assert empty.status_code == 422
    assert f'id="objection-{scene.question_id}-error"' in empty.text
    text = "It is the number of the <b>house</b>."
    assert alice.post(f"/posts/{scene.question_id}/objection", data={"text": text}).location.startswith(scene.path)
    again = alice.post(f"/posts/{scene.question_id}/objection", data={"text": "Once more."})
    assert again.status_code == 409
    page = alice.get(scene.path).text
    assert "It is the number of the &lt;b&gt;house&lt;/b&gt;." in page
    assert f'action="/posts/{scene.question_id}/objection"' not in page
    worker()
    assert stage(lambda world: kinds_told(world, "ada")) == ["objection_raised"]
    listed = ada.get("/moderation/objections").text
    assert "It is the number of the &lt;b&gt;house&lt;/b&gt;." in listed
    objection_id = stage(lambda _: db.session.query(Objection).one().id)
    refused = ada.post(f"/objections/{objection_id}/answer", data={"text": "", "do": "keep"})
    assert (refused.status_code, f'id="answer-{objection_id}-error"' in refused.text) == (422, True)
    answer = {"text": "It is a number all the same.", "do": "keep"}
    assert ada.post(f"/objections/{objection_id}/answer", data=answer).status_code == 303
    assert ada.post(f"/objections/{objection_id}/answer", data=answer).status_code == 409
    worker()
    assert "It is a number all the same." in alice.get(scene.path).text
    assert "The team answered your objection" in alice.get("/notifications").text
    assert stage(lambda _: db.session.query(Muting).count()) == 1


def test_an_objection_can_lift_the_muting_and_stays_on_record(
    stage: Stage, scene: Scene, browser_of: BrowserOf, guest: Browser, worker: Callable[[], None]
) -> None:
    ada, bob = browser_of("ada"), browser_of("bob")
    ada.post(f"/posts/{scene.answer_id}/mute", data={"reason": REASON})
    assert guest.get(f"/p/{scene.answer_id}").status_code == 404
    bob.post(f"/posts/{scene.answer_id}/objection", data={"text": "There is none."})
    objection_id = stage(lambda _: db.session.query(Objection).one().id)
    ada.post(f"/objections/{objection_id}/answer", data={"text": "You are right.", "do": "lift"})
    assert guest.get(f"/p/{scene.answer_id}").status_code == 302
    worker()
    assert "is shown to everybody again" in bob.get("/notifications").text
    assert "You are right." in ada.get("/moderation/objections").text

    def kept(_world: World) -> tuple[Any, ...]:
        objection = db.session.query(Objection).one()
        return objection.muting_id, objection.post_id, objection.answer, objection.is_open

    assert stage(kept) == (None, scene.answer_id, "You are right.", False)
    ada.post(f"/posts/{scene.answer_id}/mute", data={"reason": "Now there is one."})
    assert bob.post(f"/posts/{scene.answer_id}/objection", data={"text": "Where?"}).status_code == 303, "a new muting"


def test_only_its_author_objects_and_only_moderators_answer(world: World) -> None:
    topic = world.ask()
    question, answer = question_of(topic), world.answer(topic)
    for person in (world.alice, world.bob, AnonymousUser()):
        with pytest.raises(NotAllowed):
            objections.raise_against(question, text="It is not muted.", by=person)
    moderation.mute(answer, by=world.ada, reason=REASON)
    for person in (world.alice, world.charlie, world.ada, AnonymousUser()):
        with pytest.raises(NotAllowed):
            objections.raise_against(answer, text="It is fine.", by=person)
    with pytest.raises(Invalid):
        objections.raise_against(answer, text="x" * 2001, by=world.bob)
    objection = objections.raise_against(answer, text="It is fine.", by=world.bob)
    for person in (world.bob, world.dora, world.emil, AnonymousUser()):
        with pytest.raises(NotAllowed):
            objections.answer(objection, text="So be it.", lifts=True, by=person)


def test_ten_objections_at_once_are_one(app: Flask, stage: Stage, scene: Scene, browser_of: BrowserOf) -> None:
    browser_of("ada").post(f"/posts/{scene.answer_id}/mute", data={"reason": REASON})
    browsers = [browser_of("bob") for _ in range(10)]
    data = {"text": "There is none."}
    told = at_once(lambda number: browsers[number].post(f"/posts/{scene.answer_id}/objection", data=data), 10)
    assert sorted(answer.status_code for answer in told) == [303] + [409] * 9
    assert stage(lambda _: db.session.query(Objection).count()) == 1


def test_ten_moderators_at_once_answer_once(app: Flask, stage: Stage, scene: Scene, browser_of: BrowserOf) -> None:
    browser_of("ada").post(f"/posts/{scene.answer_id}/mute", data={"reason": REASON})
    browser_of("bob").post(f"/posts/{scene.answer_id}/objection", data={"text": "There is none."})
    objection_id = stage(lambda _: db.session.query(Objection).one().id)
    browsers = [browser_of("ada") for _ in range(10)]

    def answer(number: int) -> int:
        data = {"text": f"Answer {number}", "do": "lift" if number % 2 else "keep"}
        return int(browsers[number].post(f"/objections/{objection_id}/answer", data=data).status_code)

    assert sorted(at_once(answer, 10)) == [303] + [409] * 9
    assert stage(lambda _: list(counters.complaints())) == []


def test_whoever_wrote_there_finds_a_stub_with_their_own_words(
    stage: Stage, scene: Scene, browser_of: BrowserOf, guest: Browser, worker: Callable[[], None]
) -> None:
    bob = browser_of("bob")
    browser_of("ada").post(f"/topics/{scene.topic_id}/mute", data={"reason": REASON})
    for path in (scene.path, f"/t/{scene.topic_id}"):
        stub = bob.get(path)
        assert stub.status_code == 200
        assert "An answer that <strong>Bob</strong> gave." in stub.text
        assert "An answer that **Bob** gave.</textarea>" in stub.text, "to copy as it was typed"
        assert 'content="noindex"' in stub.text
        for hidden in ("call me", "01234", REASON):
            assert hidden not in stub.text
    assert "call-me" not in bob.get(f"/t/{scene.topic_id}").text
    assert bob.get(f"/p/{scene.answer_id}").location == f"/t/{scene.topic_id}#p{scene.answer_id}"
    assert bob.get(f"/p/{scene.question_id}").status_code == 404
    for deed in (f"/topics/{scene.topic_id}/answers", f"/posts/{scene.answer_id}/comments"):
        assert bob.post(deed, data={"source": "One more word here."}).status_code == 404
    for reader in (guest, browser_of("charlie")):
        assert reader.get(f"/t/{scene.topic_id}").status_code == 404
    worker()
    notes = bob.get("/notifications").text
    assert "Your own words are kept for you." in notes
    assert f'href="/t/{scene.topic_id}"' in notes
    assert "call me" not in notes


def test_whoever_commented_on_a_muted_answer_finds_a_stub_with_their_own_words(
    stage: Stage, browser_of: BrowserOf, guest: Browser, worker: Callable[[], None]
) -> None:
    def scene(world: World) -> tuple[str, int, int, int]:
        world.everybody()
        topic = world.ask()
        answer = world.answer(topic, "Call me at midnight.")
        mine = answers.comment(answer, source="That is **not** how it works.", by=world.charlie)
        answers.comment(answer, source="Others wrote that as well.", by=world.tina)
        return f"/t/{topic.id}-{topic.slug}", answer.id, mine.id, topic.id

    path, answer_id, mine_id, topic_id = stage(scene)
    charlie = browser_of("charlie")
    assert "muted answer" not in charlie.get(path).text
    browser_of("ada").post(f"/posts/{answer_id}/mute", data={"reason": REASON})
    worker()
    page = charlie.get(path).text
    assert "What you wrote below a muted answer" in page
    assert f'id="p{mine_id}"' in page
    assert "That is <strong>not</strong> how it works." in page
    assert "That is **not** how it works.</textarea>" in page
    for hidden in ("midnight", "Others wrote that", REASON):
        assert hidden not in page
    assert charlie.get(f"/p/{mine_id}").location == f"/t/{topic_id}#p{mine_id}"
    for path_of_nothing in (f"/p/{answer_id}", f"/posts/{mine_id}/history", f"/posts/{mine_id}/edit"):
        assert charlie.get(path_of_nothing).status_code == 404
    notes = charlie.get("/notifications").text
    assert "that you commented on. Your own words are kept." in notes
    for reader, sees in ((guest, False), (browser_of("alice"), False), (browser_of("dora"), False)):
        assert ("What you wrote below a muted answer" in reader.get(path).text) is sees
    bob = browser_of("bob").get(path).text
    assert "That is <strong>not</strong> how it works." in bob, "the author of the answer sees what stands below it"
    assert "What you wrote below a muted answer" not in bob
    browser_of("ada").post(f"/posts/{answer_id}/unmute")
    again = charlie.get(path).text
    assert "What you wrote below a muted answer" not in again
    assert "Others wrote that" in again


def test_a_comment_whose_author_is_gone_is_nobodys_own(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    comment = answers.comment(answer, source="One more word.", by=world.charlie)
    comment.author_id = None
    moderation.mute(answer, by=world.ada, reason=REASON)
    assert queries.own_post_in_muted(comment.id, viewer=AnonymousUser()) is None
    assert threads.read(topic, viewer=AnonymousUser()).own_hidden == ()


def test_without_an_author_there_is_no_stub_for_guests(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    answer.author_id = None
    moderation.mute(topic, by=world.ada, reason=REASON)
    assert queries.own_posts_in_muted(topic.id, viewer=AnonymousUser()) == []


def test_silence_is_for_spam_only(world: World) -> None:
    topic = world.ask()
    with pytest.raises(Invalid) as caught:
        moderation.mute(topic, by=world.ada, reason="Not kind", rule="rude", is_silent=True)
    assert list(caught.value.fields) == ["is_silent"]
    with pytest.raises(Invalid) as caught:
        moderation.mute(topic, by=world.ada, reason="Not kind", rule="no such rule")
    assert list(caught.value.fields) == ["rule"]
    assert moderation.mute(topic, by=world.ada, reason="Buy pills", rule="spam", is_silent=True).is_silent


def test_who_is_muted_silently_sees_no_difference(
    stage: Stage, scene: Scene, browser_of: BrowserOf, guest: Browser, worker: Callable[[], None]
) -> None:
    alice = browser_of("alice")
    worker()
    alice.get(scene.path)  # which answers the bell
    before = alice.get(scene.path).text
    data = {"reason": "Buy pills", "rule": "spam", "is_silent": "y"}
    assert browser_of("ada").post(f"/topics/{scene.topic_id}/mute", data=data).status_code == 303
    worker()
    after = alice.get(scene.path).text
    assert "banner--muted" not in after
    assert "noindex" not in after
    assert "post--muted" not in after
    assert len(after) == len(before)
    assert guest.get(scene.path).status_code == 404
    assert stage(lambda world: kinds_told(world, "alice") + kinds_told(world, "bob")) == []
    assert alice.post(f"/posts/{scene.question_id}/objection", data={"text": "Why?"}).status_code == 403
    posted = alice.post(f"/topics/{scene.topic_id}/answers", data={"source": "Nobody hears me.", "once": "1"})
    assert posted.status_code == 303
    assert "Buy pills" in browser_of("dora").get(scene.path).text
    browser_of("ada").post(f"/topics/{scene.topic_id}/mute", data={"reason": "Said aloud", "rule": "spam"})
    worker()
    assert "Said aloud" in alice.get(scene.path).text
    assert stage(lambda world: kinds_told(world, "alice")) == ["topic_muted"]


@pytest.mark.parametrize(
    ("ends_after", "asked_after"),
    [(timedelta(days=10), timedelta(days=9)), (timedelta(hours=10), timedelta(hours=5)), (None, timedelta(days=30))],
)
def test_somebody_is_asked_to_look_again(
    world: World, clock: time_machine.Traveller, ends_after: timedelta | None, asked_after: timedelta
) -> None:
    topic = world.ask()
    muting = moderation.mute(topic, by=world.ada, reason=REASON, until=NOON + ends_after if ends_after else None)
    assert muting.review_at == NOON + asked_after
    db.session.commit()
    clock.move_to(NOON + asked_after - timedelta(seconds=1))
    assert moderation.ask_for_reviews() == 0
    clock.move_to(NOON + asked_after)
    assert moderation.ask_for_reviews() == 1
    assert moderation.ask_for_reviews() == 0
    assert kinds_told(world, "ada") == ["muting_review"]


def test_when_who_muted_it_is_no_moderator_any_more_the_others_are_asked(
    world: World, clock: time_machine.Traveller
) -> None:
    chosen = NOON + timedelta(days=3)
    moderation.mute(world.ask(), by=world.ada, reason=REASON, review_at=chosen)
    world.ada.roles = []
    world.root.name = "Root"
    db.session.commit()
    clock.move_to(chosen)
    assert moderation.ask_for_reviews() == 1
    assert (kinds_told(world, "ada"), kinds_told(world, "root")) == ([], ["muting_review"])


def test_a_day_to_look_again_lies_before_the_end(world: World) -> None:
    topic = world.ask()
    for review_at, until in ((NOON - timedelta(days=1), None), (NOON + timedelta(days=3), NOON + timedelta(days=2))):
        with pytest.raises(Invalid) as caught:
            moderation.mute(topic, by=world.ada, reason=REASON, until=until, review_at=review_at)
        assert list(caught.value.fields) == ["review_at"]


def test_six_workers_at_once_ask_once(app: Flask, stage: Stage, clock: time_machine.Traveller) -> None:
    stage(lambda world: moderation.mute(world.ask(), by=world.ada, reason=REASON) and None)
    clock.move_to(NOON + timedelta(days=30))

    def work(_number: int) -> int:
        with app.app_context():
            return int(moderation.ask_for_reviews())  # type: ignore[call-overload]

    assert sum(at_once(work, 6)) == 1


def test_the_moderator_sees_it_as_others_would_and_nothing_happens(
    stage: Stage, scene: Scene, browser_of: BrowserOf, guest: Browser
) -> None:
    ada = browser_of("ada")
    form = ada.get(f"/topics/{scene.topic_id}/mute").text
    assert "See it as others would" in form
    data = {"reason": REASON, "rule": "personal_data", "wanted": "Take it out.", "do": "preview"}
    page = ada.post(f"/topics/{scene.topic_id}/mute", data=data)
    assert page.status_code == 200
    looks = page.text[page.text.index('id="looks"') :]
    as_guest, as_author, as_participant = looks.split("<h3>")[1:4]
    assert "There is nothing here" in as_guest
    assert "Alice" in as_author
    assert "01234 567" in as_author
    assert "Take it out." in as_author
    assert "Bob" in as_participant
    assert "An answer that <strong>Bob</strong> gave." in as_participant
    assert "01234" not in as_participant.split("</section>")[0]
    assert "Take it out.</textarea>" in page.text, "what was typed stays"
    assert guest.get(scene.path).status_code == 200
    assert stage(lambda _: db.session.query(Muting).count()) == 0
    answer = ada.post(f"/posts/{scene.answer_id}/mute", data=data).text
    looks = answer[answer.index('id="looks"') :].split("<h3>")
    assert "An answer that Bob gave." not in looks[1], "a guest sees the question without it"
    assert "01234 567" in looks[1]
    assert "An answer that Bob gave." in looks[2]
    for handle in ("alice", "bob", "dora"):
        assert browser_of(handle).post(f"/topics/{scene.topic_id}/mute", data=data).status_code == 403


def test_lifting_brings_place_followers_and_search_back(
    stage: Stage, guest: Browser, worker: Callable[[], None], clock: time_machine.Traveller
) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        older = world.ask("The oldest question of them all")
        clock.shift(60)
        topic = world.ask("Zauberlaterne is not shining", "It went dark in the night.")
        follows.follow(topic, by=world.charlie)
        clock.shift(60)
        world.ask("The newest question of them all", by=world.bob)
        return topic.id, older.id

    topic_id, _ = stage(scene)
    worker()
    before = guest.get("/").text
    found = guest.get("/search?q=Zauberlaterne").text
    assert "is not shining" in found
    clock.shift(3600)
    stage(lambda world: moderation.mute(db.session.get_one(Topic, topic_id), by=world.ada, reason=REASON) and None)
    worker()
    assert "is not shining" not in guest.get("/search?q=Zauberlaterne").text

    def mend_and_lift(world: World) -> None:
        topic = db.session.get_one(Topic, topic_id)
        question = question_of(topic)
        posts.edit(question, source="It went dark at night.", by=world.alice, version=question.version)
        moderation.unmute(topic, by=world.ada)

    stage(mend_and_lift)
    worker()
    after = guest.get("/").text
    titles = ("newest question", "not shining", "oldest question")
    for page in (before, after):
        assert sorted(titles, key=page.index) == list(titles)
    assert "is not shining" in guest.get("/search?q=Zauberlaterne").text
    assert stage(lambda world: world.charlie.id in follows.follower_ids(topic_id))
    assert stage(lambda _: topic_id in set(Topics().ids()))


def test_a_muted_solution_of_a_silent_author_stays_in_step(world: World) -> None:
    topic = world.solved()
    assert topic.acceptance is not None
    answer = topic.acceptance.post
    moderation.mute(answer, by=world.ada, reason="Buy pills", rule="spam", is_silent=True)
    assert policy.may_edit(world.bob, answer)
    with pytest.raises(Invalid):
        answers.accept(answer, by=world.alice)
    with pytest.raises(Conflict):
        posts.edit(answer, source="Something else here.", by=world.bob, version=9)
    assert list(counters.complaints()) == []
