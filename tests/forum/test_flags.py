"""Saying what is wrong with a post: once for each person, with weight, and guests where it is illegal."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.mail import Mail
from forum import answers, flags, moderation, posts, queries, reviewing
from forum.models import Acceptance, Flag, Muting, Notification, Post, ReviewCase, Topic
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
Settings = Callable[..., None]


def question_of(topic: Topic) -> Post:
    return db.session.query(Post).filter_by(topic_id=topic.id, kind="question").one()


def flag_by(world: World, post: Post, *handles: str, reason: str = "spam") -> None:
    for handle in handles:
        flags.flag(post, reason=reason, by=world.person(handle))


def is_seen(post: Post) -> bool:
    return any(found.id == post.id for found in queries.visible_posts(post.topic, viewer=AnonymousUser()))


@pytest.mark.parametrize("reason", ["spam", "rude", "personal", "off_topic"])
def test_members_say_what_is_wrong_and_it_stands_in_the_queue(world: World, reason: str) -> None:
    answer = world.answer(world.ask())
    flag = flags.flag(answer, reason=reason, by=world.charlie)
    assert (flag.reason, flag.by, flag.weight) == (reason, world.charlie, 1)
    case = db.session.query(ReviewCase).one()
    assert (case.kind, case.post_id, flag.case_id) == ("flagged", answer.id, case.id)
    assert is_seen(answer), "one flag hides nothing"


@pytest.mark.parametrize("reason", ["other", "illegal"])
def test_some_reasons_need_words(world: World, reason: str) -> None:
    answer = world.answer(world.ask())
    with pytest.raises(Invalid) as caught:
        flags.flag(answer, reason=reason, by=world.charlie)
    assert list(caught.value.fields) == ["words"]
    flags.flag(answer, reason=reason, words="It names my neighbour.", by=world.charlie)


@pytest.mark.parametrize(("reason", "words"), [("", ""), ("boring", ""), ("spam", "x" * 2001), ("other", "x")])
def test_a_flag_that_cannot_be_taken_names_its_field(world: World, reason: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        flags.flag(world.answer(world.ask()), reason=reason, words=words, by=world.charlie)
    assert caught.value.fields
    assert db.session.query(ReviewCase).count() == 0


def test_one_flag_a_person_and_post(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    flag_by(world, answer, "charlie")
    with pytest.raises(Conflict):
        flag_by(world, answer, "charlie", reason="rude")
    flag_by(world, question_of(topic), "charlie")
    assert db.session.query(Flag).count() == 2


def test_nobody_flags_what_they_wrote_or_what_is_hidden(world: World) -> None:
    answer = world.answer(world.ask())
    with pytest.raises(NotAllowed):
        flag_by(world, answer, "bob")
    moderation.mute(answer, by=world.ada, reason="Advertising")
    with pytest.raises(NotAllowed):
        flag_by(world, answer, "ada")


def test_five_weighted_flags_hide_until_somebody_looks(world: World) -> None:
    topic = world.ask()
    answer = world.answer(topic)
    flag_by(world, answer, "charlie", "anton", "berta")
    assert is_seen(answer)
    flags.flag(answer, reason="spam", by=world.tina)
    assert not is_seen(answer)
    assert answer.muting is not None
    assert answer.muting.cause == "flags"
    db.session.refresh(topic)
    assert topic.answer_count == 0


def test_flags_on_a_question_hide_its_topic(world: World, settings: Settings) -> None:
    settings(hide_at_flags=2)
    topic = world.ask()
    flag_by(world, question_of(topic), "charlie", "bob")
    assert topic.is_muted
    assert db.session.scalar(queries.visible_topics(AnonymousUser())) is None


def test_flags_of_new_accounts_and_guests_hide_nothing(world: World) -> None:
    answer = world.answer(world.ask())
    for number in range(6):
        flags.flag(answer, reason="spam", by=world.newcomer(f"fresh-{number}"))
        flags.report(answer, words=f"It is illegal, says guest {number}.")
    assert is_seen(answer)
    assert db.session.query(Flag).count() == 12


def test_what_the_team_wrote_is_not_hidden_by_flags(world: World, settings: Settings) -> None:
    settings(hide_at_flags=2)
    answer = world.answer(world.ask(), by=world.dora)
    flag_by(world, answer, "charlie", "bob", "tina")
    assert is_seen(answer)


def test_a_setting_hides_nothing(world: World, settings: Settings) -> None:
    settings(hide_at_flags=0)
    answer = world.answer(world.ask())
    flag_by(world, answer, *(f"member-{number}" for number in range(8)))
    assert is_seen(answer)


def test_who_was_right_weighs_more_and_who_was_wrong_nothing(world: World) -> None:
    assert world.tina.is_trusted
    for handle, deed in (("charlie", "agree"), ("tina", "disagree")):
        for number in range(3):
            answer = world.answer(world.ask(), f"Answer {number} that {handle} flags.")
            flag_by(world, answer, handle)
            reviewing.decide(
                db.session.query(ReviewCase).order_by(ReviewCase.id.desc()).first(),
                deed,
                by=world.ada,
                reason="Because",
            )
    assert flags.weight(world.charlie) == 2
    assert flags.weight(world.tina) == 0
    assert (flags.weight(world.bob), flags.weight(world.dora)) == (1, 3)


def test_flags_set_aside_say_nothing_about_who_flagged(world: World) -> None:
    for number in range(4):
        flag_by(world, world.answer(world.ask(), f"Answer number {number}."), "charlie")
        reviewing.decide(db.session.query(ReviewCase).order_by(ReviewCase.id.desc()).first(), "ignore", by=world.ada)
    assert flags.weight(world.charlie) == 1


def test_a_solution_hidden_by_flags_is_the_solution_again_when_they_were_wrong(
    world: World, settings: Settings
) -> None:
    settings(hide_at_flags=1)
    topic = world.solved()
    answer = topic.acceptance.post
    flag_by(world, answer, "charlie")
    assert db.session.query(Acceptance).count() == 0
    reviewing.decide(db.session.query(ReviewCase).one(), "disagree", by=world.ada)
    acceptance = db.session.query(Acceptance).one()
    assert (acceptance.post_id, acceptance.by_id) == (answer.id, world.alice.id)


def test_another_solution_chosen_meanwhile_stays(world: World, settings: Settings) -> None:
    settings(hide_at_flags=1)
    topic = world.solved()
    flag_by(world, topic.acceptance.post, "charlie")
    other = world.answer(topic, "Another way that works.", by=world.tina)
    answers.accept(other, by=world.alice)
    reviewing.decide(db.session.query(ReviewCase).one(), "disagree", by=world.ada)
    assert db.session.query(Acceptance).one().post_id == other.id


def test_the_author_may_change_it_once_which_puts_it_back_into_the_queue(world: World, settings: Settings) -> None:
    settings(hide_at_flags=1)
    answer = world.answer(world.ask())
    flag_by(world, answer, "charlie")
    case = db.session.query(ReviewCase).one()
    reviewing.claim(case, by=world.ada)
    before = case.priority
    posts.edit(answer, source="Said in a kinder way.", by=world.bob, version=1)
    db.session.refresh(case)
    assert case.claimed_by_id is None
    assert case.priority > before
    assert not is_seen(answer)
    with pytest.raises(NotAllowed):
        posts.edit(answer, source="And once more, differently.", by=world.bob, version=2)


def test_the_author_hears_of_it_and_those_who_flagged_hear_the_outcome_once_it_stands(
    stage: Stage, worker: Callable[[], None], settings: Settings
) -> None:
    settings(hide_at_flags=1)
    start = now()

    def play(world: World) -> None:
        answer = world.answer(world.ask())
        flag_by(world, answer, "charlie")

    stage(play)
    worker()
    kinds = stage(lambda _: {(note.user_id, note.kind) for note in db.session.query(Notification)})
    bob, charlie = stage(lambda world: (world.bob.id, world.charlie.id))
    assert (bob, "post_hidden") in kinds
    stage(
        lambda world: reviewing.decide(db.session.query(ReviewCase).one(), "agree", by=world.ada, reason="Advertising")
    )
    worker()
    assert charlie not in stage(lambda _: {note.user_id for note in db.session.query(Notification)})
    with time_machine.travel(start + timedelta(minutes=12)):
        worker()
    notes = stage(
        lambda _: [(n.kind, n.url, n.data) for n in db.session.query(Notification).filter_by(user_id=charlie)]
    )
    assert notes == [("flag_decided", "/notifications", {"outcome": "agreed"})]
    assert (bob, "post_muted") in stage(lambda _: {(n.user_id, n.kind) for n in db.session.query(Notification)})


def test_a_guest_gets_a_receipt_and_the_outcome_by_mail_where_they_left_an_address(
    stage: Stage, worker: Callable[[], None], guest: Browser
) -> None:
    post_id = stage(lambda world: [world.answer(world.ask()).id, world.ada][0])
    start = now()
    data = {
        "words": "It is my photo, used without asking.",
        "email": "mia@example.org",
        "name": "Mia",
        "is_honest": "y",
    }
    sent = guest.post(f"/posts/{post_id}/flag", data=data, headers={"Accept-Language": "de"})
    assert sent.status_code == 303
    assert "Ihre Meldung ist angekommen" in guest.get(sent.location).text
    mails = stage(lambda _: [(m.to, m.subject) for m in db.session.query(Mail)])
    assert [to for to, _ in mails] == ["mia@example.org"]
    stage(
        lambda world: reviewing.decide(db.session.query(ReviewCase).one(), "agree", by=world.ada, reason="Not theirs")
    )
    with time_machine.travel(start + timedelta(minutes=12)):
        worker()
    texts = stage(lambda _: [m.text for m in db.session.query(Mail).order_by(Mail.id)])
    assert len(texts) == 2
    assert f"/p/{post_id}" in texts[1]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"words": "", "is_honest": "y"}, "This is still empty."),
        ({"words": "short", "is_honest": "y"}, "A little short"),
        ({"words": "It is my photo, used without asking."}, "Please confirm this."),
        ({"words": "It is my photo, used.", "email": "nowhere", "is_honest": "y"}, "does not look like"),
    ],
)
def test_a_report_that_cannot_be_taken_says_why_and_keeps_what_was_typed(
    stage: Stage, guest: Browser, data: dict[str, str], sentence: str
) -> None:
    post_id = stage(lambda world: world.answer(world.ask()).id)
    answer = guest.post(f"/posts/{post_id}/flag", data=data)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert data["words"] in answer.text
    assert stage(lambda _: db.session.query(Flag).count()) == 0


def test_a_guest_need_not_say_who_they_are(stage: Stage, guest: Browser) -> None:
    post_id = stage(lambda world: world.answer(world.ask()).id)
    page = guest.get(f"/posts/{post_id}/flag").text
    assert "illegal content and open to everybody" in page
    assert (
        guest.post(
            f"/posts/{post_id}/flag", data={"words": "It is my photo, used without asking.", "is_honest": "y"}
        ).status_code
        == 303
    )
    assert stage(lambda _: [(f.reason, f.by_id, f.guest_email) for f in db.session.query(Flag)]) == [
        ("illegal", None, "")
    ]
    assert stage(lambda _: db.session.query(Mail).count()) == 0


def test_guests_report_only_so_often_and_keep_their_text(stage: Stage, guest: Browser, settings: Settings) -> None:
    settings(guest_reports=2)
    post_id = stage(lambda world: world.answer(world.ask()).id)
    data = {"words": "It is my photo, used without asking.", "is_honest": "y"}
    answers_given = [
        guest.post(f"/posts/{post_id}/flag", data={**data, "words": f"{data['words']} Part {number}."})
        for number in range(3)
    ]
    assert [answer.status_code for answer in answers_given] == [303, 303, 429]
    assert "Part 2." in answers_given[2].text
    assert "what you typed stays here" in answers_given[2].text


def test_a_member_reports_by_hand_and_is_thanked(stage: Stage, browser_of: BrowserOf) -> None:
    topic_id, post_id = stage(
        lambda world: [world.everybody(), (topic := world.ask()), (topic.id, world.answer(topic).id)][2]
    )
    charlie = browser_of("charlie")
    assert f"/posts/{post_id}/flag" in charlie.get(f"/t/{topic_id}-x", follow_redirects=True).text
    assert charlie.post(f"/posts/{post_id}/flag", data={"words": "Hm."}).status_code == 422
    sent = charlie.post(f"/posts/{post_id}/flag", data={"reason": "rude", "words": "Not kind."}, follow_redirects=True)
    assert "you hear what comes of it" in sent.text
    assert "You have reported this already" in charlie.get(f"/posts/{post_id}/flag").text
    assert charlie.post(f"/posts/{post_id}/flag", data={"reason": "spam"}).status_code == 409
    assert browser_of("bob").get(f"/posts/{post_id}/flag").status_code == 403


def test_the_last_flag_that_hides_a_post_leads_to_a_page_that_is_there(
    stage: Stage, browser_of: BrowserOf, settings: Settings
) -> None:
    settings(hide_at_flags=1)
    post_id = stage(lambda world: [world.everybody(), world.answer(world.ask()).id][1])
    sent = browser_of("charlie").post(f"/posts/{post_id}/flag", data={"reason": "spam"}, follow_redirects=True)
    assert sent.status_code == 200
    page = browser_of("bob").get(f"/p/{post_id}", follow_redirects=True).text
    assert "Hidden until the team has looked" in page
    assert "You can change it once" in page


def test_what_is_muted_cannot_be_reported_and_says_nothing(stage: Stage, browser_of: BrowserOf, guest: Browser) -> None:
    def play(world: World) -> int:
        world.everybody()
        answer = world.answer(world.ask())
        moderation.mute(answer, by=world.ada, reason="Advertising")
        return answer.id

    post_id = stage(play)
    for browser in (guest, browser_of("charlie")):
        assert browser.get(f"/posts/{post_id}/flag").status_code == 404
        assert browser.post(f"/posts/{post_id}/flag", data={"reason": "spam"}).status_code == 404


def test_five_flags_at_once_are_five_flags_and_hide_once(app: Flask, stage: Stage) -> None:
    post_id = stage(lambda world: [[world.person(f"member-{n}") for n in range(5)], world.answer(world.ask()).id][1])

    def press(number: int) -> None:
        with app.app_context():
            world = World()
            flags.flag(db.session.get_one(Post, post_id), reason="spam", by=world.person(f"member-{number}"))
            db.session.commit()

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(press, range(5)))
    assert stage(lambda _: db.session.query(Flag).count()) == 5
    assert stage(lambda _: db.session.query(ReviewCase).count()) == 1
    assert stage(lambda _: [row.cause for row in db.session.query(Muting)]) == ["flags"]
