"""News by mail: gathered, short of nothing and rid of everything that its reader may not see."""

import email
import email.policy
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from accounts import people
from accounts.models import User
from core.db import db
from core.mail import Mail
from forum import answers, follows, moderation, notices, notifications, posts, tickets
from forum.models import Acceptance, Experience, Follow, Notification, Post, Topic
from tests.cast import World
from tests.conftest import Browser

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Worker = Callable[[], None]
Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def later(clock: time_machine.Traveller, worker: Worker) -> Callable[..., None]:
    """Let the worker work, some time pass, and the worker work again, mails included."""

    def pass_time(**kwargs: float) -> None:
        worker()
        clock.shift(timedelta(**kwargs))
        worker()
        worker()

    return pass_time


def mails(app: Flask, to: str = "") -> list[EmailMessage]:
    """Return what was sent, oldest first."""
    folder = Path(app.extensions["klinke-settings"].mail_url)
    with app.app_context():
        sent = select(Mail.message_id).where(Mail.sent_at.is_not(None)).order_by(Mail.id)
        names = [one.strip("<>").replace("/", "_") for one in db.session.scalars(sent)]
    found = [
        email.message_from_bytes((folder / f"{name}.eml").read_bytes(), policy=email.policy.default) for name in names
    ]
    return [one for one in found if not to or to in str(one["To"])]  # type: ignore[misc]  # the policy makes them so


def raw_mails(app: Flask) -> list[bytes]:
    folder = Path(app.extensions["klinke-settings"].mail_url)
    return [path.read_bytes() for path in sorted(folder.glob("*.eml"))]


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def with_mail(world: World) -> None:
    for person in world.everybody():
        people.confirm_email(person)


def asked_and_answered(world: World) -> dict[str, int]:
    with_mail(world)
    topic = world.ask()
    answer = world.answer(topic)
    return {"topic": topic.id, "answer": answer.id}


def link(message: EmailMessage, part: str) -> str:
    found = re.search(rf"http://localhost(/mail/{part}/\S+)", text_of(message))
    assert found, text_of(message)
    return found[1]


def test_news_is_mailed_after_a_while_in_text_and_html(app: Flask, stage: Stage, later: Callable[..., None]) -> None:
    stage(asked_and_answered)
    later(minutes=4)
    assert mails(app) == []
    later(minutes=2)
    (mail,) = mails(app)
    assert str(mail["To"]) == "alice@example.org"
    assert str(mail["Subject"]) == "[Klinke] Wireless gone after the update"
    for words in (text_of(mail), html_of(mail)):
        assert "Bob answered “Wireless gone after the update”." in words
        assert "Restart it, then choose channel 6." in words
        assert "http://localhost/p/" in words
    assert str(mail["Auto-Submitted"]) == "auto-generated"
    assert "\n-- \n" in text_of(mail)
    later(hours=3)
    assert len(mails(app)) == 1


def test_one_mail_gathers_what_happens_in_a_question(app: Flask, stage: Stage, later: Callable[..., None]) -> None:
    ids = stage(asked_and_answered)

    def more(text: str, who: str) -> None:
        stage(lambda world: world.answer(db.session.get_one(Topic, ids["topic"]), text, by=world.person(who)) and None)

    more("Channel 11 worked for me.", "charlie")
    later(minutes=6)
    assert len(mails(app, "alice")) == 1
    assert "Channel 11" in text_of(mails(app, "alice")[0])
    more("And 13 for somebody else.", "dora")
    later(minutes=10)
    more("Not here, though, sorry.", "emil")
    later(minutes=10)
    assert len(mails(app, "alice")) == 1
    later(minutes=20)
    first, second = mails(app, "alice")
    assert "And 13" in text_of(second)
    assert "Not here" in text_of(second)
    assert first["References"] == second["References"] == f"<topic-{ids['topic']}@localhost>"
    assert first["Message-ID"] != second["Message-ID"]


def test_what_was_read_meanwhile_is_not_mailed(
    app: Flask, stage: Stage, worker: Worker, later: Callable[..., None]
) -> None:
    stage(asked_and_answered)
    worker()
    stage(lambda world: notifications.mark_read(world.alice))
    later(minutes=30)
    assert mails(app) == []


def test_what_is_edited_or_taken_back_meanwhile_is_mailed_as_it_is_then(
    app: Flask, stage: Stage, later: Callable[..., None]
) -> None:
    ids = stage(asked_and_answered)

    def edit(world: World) -> None:
        posts.edit(db.session.get_one(Post, ids["answer"]), source="Choose channel 1 instead.", by=world.bob, version=1)
        answers.accept(db.session.get_one(Post, ids["answer"]), by=world.alice)
        answers.undo_acceptance(db.session.get_one(Topic, ids["topic"]), by=world.alice)

    stage(edit)
    later(minutes=6)
    assert mails(app, "bob") == []
    assert "channel 1 instead" in text_of(mails(app, "alice")[0])


@pytest.mark.parametrize("when", ["before it is told", "before it is mailed", "before it is sent"])
@pytest.mark.parametrize("what", ["topic", "answer"])
def test_what_is_muted_is_in_no_mail_and_leaves_no_trace(
    when: str, what: str, app: Flask, stage: Stage, worker: Worker, clock: time_machine.Traveller
) -> None:
    ids = stage(asked_and_answered)
    stage(lambda world: follows.follow(db.session.get_one(Topic, ids["topic"]), by=world.charlie))

    def mute(world: World) -> None:
        subject = db.session.get_one(Topic if what == "topic" else Post, ids[what])
        moderation.mute(subject, by=world.ada, reason="off topic")

    if when == "before it is told":
        stage(mute)
    worker()
    clock.shift(timedelta(minutes=6))
    if when == "before it is mailed":
        stage(mute)
    with app.app_context():
        notices.mail_due()
        db.session.commit()
        assert all(mail.text == mail.subject == "" for mail in db.session.scalars(select(Mail)))
    if when == "before it is sent":
        stage(mute)
    worker()
    worker()
    assert mails(app, "charlie") == []
    clock.shift(timedelta(days=8))
    worker()
    worker()
    assert mails(app, "charlie") == []
    with app.app_context():
        kept = " ".join(str(row) for row in db.session.execute(select(Mail.subject, Mail.text, Mail.html)))
        assert "Wireless" not in kept
        if when == "before it is sent":
            dropped = db.session.scalars(select(Mail).where(Mail.dropped_at.is_not(None))).all()
            assert "charlie@example.org" in {mail.to for mail in dropped}


def test_its_author_is_mailed_the_reason(app: Flask, stage: Stage, later: Callable[..., None]) -> None:
    def scene(world: World) -> None:
        with_mail(world)
        topic = world.ask()
        follows.silence(topic, by=world.alice)
        moderation.mute(topic, by=world.ada, reason="off topic here")

    stage(scene)
    later(minutes=6)
    (mail,) = mails(app, "alice")
    assert "off topic here" in text_of(mail)
    assert mail["List-Unsubscribe"] is None


@pytest.mark.parametrize("why", ["unconfirmed", "closed", "staged", "off", "silenced", "comes back"])
def test_who_is_not_to_be_mailed_is_not(why: str, app: Flask, stage: Stage, later: Callable[..., None]) -> None:
    def scene(world: World) -> None:
        asked_and_answered(world)
        if why == "unconfirmed":
            world.alice.email_confirmed_at = None
        elif why == "closed":
            world.alice.disabled_at = NOW
        elif why == "staged":
            world.alice.is_staged = True
        elif why == "off":
            notifications.choose(world.alice, {"answers": "off"})
        elif why == "silenced":
            follows.silence(db.session.scalars(select(Topic)).unique().one(), by=world.alice)
        else:
            for _ in range(3):
                notices.note_bounce(world.alice)

    stage(scene)
    later(minutes=6)
    assert mails(app, "alice") == []


def test_mails_speak_the_language_of_their_reader(app: Flask, stage: Stage, later: Callable[..., None]) -> None:
    def scene(world: World) -> None:
        asked_and_answered(world)
        world.alice.locale = "de"

    stage(scene)
    later(minutes=6)
    (mail,) = mails(app, "alice")
    assert "Bob hat auf „Wireless gone after the update“ geantwortet" in text_of(mail)
    assert '<html lang="de">' in html_of(mail)


def test_who_chose_no_language_is_written_to_in_that_of_the_question(
    app: Flask, stage: Stage, later: Callable[..., None]
) -> None:
    def scene(world: World) -> None:
        asked_and_answered(world)
        world.alice.locale = None
        db.session.query(Topic).one().locale = "de"

    stage(scene)
    later(minutes=6)
    assert "Bob hat auf" in text_of(mails(app, "alice")[0])


def test_a_title_makes_no_header_and_no_markup(app: Flask, stage: Stage, later: Callable[..., None]) -> None:
    def scene(world: World) -> None:
        with_mail(world)
        topic = world.ask("<b>Bcc: eve@example.org</b> & “friends”", "<script>alert(1)</script> does not work")
        topic.title = "<b>x</b>\r\nBcc: eve@example.org\r\n\r\nbody\x1f"
        world.answer(topic, "<img src=x onerror=alert(1)> is what I see.")

    stage(scene)
    later(minutes=6)
    (mail,) = mails(app, "alice")
    assert mail["Bcc"] is None
    assert str(mail["Subject"]) == "[Klinke] <b>x</b> Bcc: eve@example.org body"
    assert "<img" not in html_of(mail).lower()
    assert "&lt;b&gt;x" in html_of(mail)


def test_one_click_ends_mails_of_a_sort_without_signing_in(
    app: Flask, stage: Stage, later: Callable[..., None], guest: Browser
) -> None:
    stage(asked_and_answered)
    later(minutes=6)
    (mail,) = mails(app, "alice")
    assert str(mail["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    path = str(mail["List-Unsubscribe"]).strip("<>").removeprefix("http://localhost")
    assert path == link(mail, "stop")
    # On one line and as it is, or no mail program finds it.
    assert f"\r\nList-Unsubscribe: <http://localhost{path}>\r\n".encode() in raw_mails(app)[-1]
    page = guest.get(path)
    assert page.status_code == 200
    assert "Answers to questions you follow" in page.text
    assert stage(lambda world: notifications.choices(world.alice)["answers"]) == "mail"
    answer = guest.post(path, data={"List-Unsubscribe": "One-Click"}, without_csrf=True)
    assert answer.status_code == 200
    assert stage(lambda world: notifications.choices(world.alice)["answers"]) == "bell"
    assert stage(lambda world: notifications.choices(world.alice)["comments"]) == "mail"
    assert guest.post(path, data={"List-Unsubscribe": "One-Click"}, without_csrf=True).status_code == 200


def test_the_same_page_ends_the_following_or_all_mails(
    app: Flask, stage: Stage, later: Callable[..., None], guest: Browser
) -> None:
    ids = stage(asked_and_answered)
    later(minutes=6)
    path = link(mails(app, "alice")[0], "stop")
    guest.post(path, data={"what": "topic"})
    assert stage(lambda world: follows.is_following(db.session.get_one(Topic, ids["topic"]), world.alice)) is False
    guest.post(path, data={"what": "all"})
    assert set(stage(lambda world: notifications.choices(world.alice)).values()) == {"bell"}


def test_a_muted_topic_is_not_named_where_mails_end(
    app: Flask, stage: Stage, later: Callable[..., None], guest: Browser
) -> None:
    def scene(world: World) -> int:
        ids = asked_and_answered(world)
        follows.follow(db.session.get_one(Topic, ids["topic"]), by=world.charlie)
        world.answer(db.session.get_one(Topic, ids["topic"]), "Another answer by me.", by=world.dora)
        return ids["topic"]

    topic_id = stage(scene)
    later(minutes=6)
    path = link(mails(app, "charlie")[0], "stop")
    assert "Wireless gone" in guest.get(path).text
    stage(lambda world: moderation.mute(db.session.get_one(Topic, topic_id), by=world.ada, reason="off topic"))
    assert "Wireless gone" not in guest.get(path).text


@pytest.mark.parametrize("page", ["stop", "answer"])
def test_a_forged_ticket_opens_nothing(
    page: str, app: Flask, stage: Stage, later: Callable[..., None], guest: Browser
) -> None:
    stage(asked_and_answered)
    later(minutes=6)
    path = link(mails(app, "alice")[0], page)
    other = link(mails(app, "alice")[0], "answer" if page == "stop" else "stop").rsplit("/", 1)[1]
    for forged in (
        path[:-1] + ("A" if path[-1] != "A" else "B"),
        path[:-20],
        f"/mail/{page}/{other}",
        f"/mail/{page}/x",
    ):
        assert guest.get(forged).status_code == 404
        assert guest.post(forged, data={"do": "solved"}).status_code == 404
    stage(lambda world: setattr(world.alice, "disabled_at", NOW))
    assert guest.get(path).status_code == 404


def test_the_asker_says_from_the_mail_that_it_is_solved_and_takes_it_back(
    app: Flask, stage: Stage, later: Callable[..., None], guest: Browser
) -> None:
    ids = stage(asked_and_answered)
    later(minutes=6)
    path = link(mails(app, "alice")[0], "answer")
    page = guest.get(path)
    assert "Restart it, then choose channel 6." in page.text
    assert "You decide as @alice" in page.text

    def accepted(_: World) -> list[tuple[int, int | None]]:
        return [(one.post_id, one.by_id) for one in db.session.scalars(select(Acceptance)).unique()]

    assert stage(accepted) == []
    assert guest.post(path, data={"do": "solved"}, without_csrf=True).status_code == 400
    alice_id = stage(lambda world: world.alice.id)
    for _ in range(2):
        assert guest.post(path, data={"do": "solved"}).status_code == 303
        assert stage(accepted) == [(ids["answer"], alice_id)]
    assert "marked as the solution" in guest.get(path).text
    guest.post(path, data={"do": "undo"})
    assert stage(accepted) == []


def test_of_several_solutions_the_mail_takes_back_only_its_own(
    app: Flask, stage: Stage, later: Callable[..., None], guest: Browser
) -> None:
    ids = stage(asked_and_answered)
    later(minutes=6)
    path = link(mails(app, "alice")[0], "answer")

    def two_solutions(world: World) -> int:
        topic = db.session.get_one(Topic, ids["topic"])
        topic.category.accepts_several = True
        other = world.answer(topic, "On the other device press it twice.")
        answers.accept(other, by=world.alice, label="5.0")
        answers.accept(db.session.get_one(Post, ids["answer"]), by=world.alice, label="4.2")
        return other.id

    other_id = stage(two_solutions)
    assert "marked as the solution" in guest.get(path).text
    assert guest.post(path, data={"do": "undo"}).status_code == 303
    assert stage(lambda _: [one.post_id for one in db.session.scalars(select(Acceptance)).unique()]) == [other_id]


def test_what_lacks_an_answer_that_is_no_solution_is_said_beneath_it(
    app: Flask, stage: Stage, later: Callable[..., None], guest: Browser
) -> None:
    ids = stage(asked_and_answered)
    later(minutes=6)
    path = link(mails(app, "alice")[0], "answer")
    for words in ("", "  "):
        refused = guest.post(path, data={"do": "no", "words": words, "version": "7.2"})
        assert refused.status_code == 422
        assert 'value="7.2"' in refused.text
    said = {"do": "no", "words": "The light still blinks red.", "version": "7.2"}
    assert guest.post(path, data=said).status_code == 303

    def comments(_: World) -> list[tuple[str, str, int | None]]:
        found = db.session.scalars(select(Post).where(Post.kind == "comment")).unique()
        return [(c.source, c.author.handle if c.author else "", c.parent_id) for c in found]

    assert stage(comments) == [("The light still blinks red. (7.2)", "alice", ids["answer"])]


def test_the_asker_says_from_the_mail_that_the_solution_did_not_help_and_takes_it_back(
    app: Flask, stage: Stage, later: Callable[..., None], guest: Browser
) -> None:
    ids = stage(asked_and_answered)
    later(minutes=6)
    path = link(mails(app, "alice")[0], "answer")
    guest.post(path, data={"do": "solved"})
    long = guest.post(path, data={"do": "no", "words": "x" * 201, "version": "7.2"})
    assert long.status_code == 422
    assert "x" * 201 in long.text
    assert guest.post(path, data={"do": "no", "words": "It blinks red.", "version": "7.2"}).status_code == 303

    def told(world: World) -> tuple[list[tuple[str, str, bool]], bool]:
        (acceptance,) = db.session.scalars(select(Acceptance)).unique()
        rows = db.session.scalars(select(Experience).where(Experience.post_id == ids["answer"])).unique()
        return [(one.words, one.version, one.user_id == world.alice.id) for one in rows], acceptance.is_contradicted

    assert stage(told) == ([("It blinks red.", "7.2", True)], True)
    page = guest.get(path).text
    assert "You said that it did not help." in page
    assert "It blinks red." in page
    assert guest.post(path, data={"do": "take_back"}).status_code == 303
    assert stage(told) == ([], False)


def test_followers_say_from_the_mail_whether_the_solution_worked_for_them(
    app: Flask, stage: Stage, later: Callable[..., None], guest: Browser
) -> None:
    def scene(world: World) -> None:
        ids = asked_and_answered(world)
        follows.follow(db.session.get_one(Topic, ids["topic"]), by=world.charlie)
        answers.accept(db.session.get_one(Post, ids["answer"]), by=world.alice)

    stage(scene)
    later(minutes=6)
    (mail,) = [one for one in mails(app, "charlie") if "is solved" in text_of(one)]
    path = link(mail, "answer")
    page = guest.get(path).text
    assert "Did this work for you?" in page
    assert "It is not solved after all" not in page
    for do in ("solved", "undo"):  # what only the asker decides
        guest.post(path, data={"do": do})
    guest.post(path, data={"do": "worked"})
    tried = stage(lambda _: [one.has_worked for one in db.session.scalars(select(Experience)).unique()])
    assert tried == [True]
    assert stage(lambda _: db.session.query(Acceptance).count()) == 1
    guest.post(path, data={"do": "no", "words": "Not on mine."})
    tried = stage(lambda _: [(one.has_worked, one.words) for one in db.session.scalars(select(Experience)).unique()])
    assert tried == [(False, "Not on mine.")]


def test_the_link_to_a_muted_answer_leads_nowhere_nor_does_an_old_one(
    app: Flask, stage: Stage, later: Callable[..., None], guest: Browser, clock: time_machine.Traveller
) -> None:
    ids = stage(asked_and_answered)
    later(minutes=6)
    path = link(mails(app, "alice")[0], "answer")
    clock.shift(timedelta(days=61))
    assert guest.get(path).status_code == 404
    clock.shift(timedelta(days=-61))
    assert guest.get(path).status_code == 200
    stage(lambda world: moderation.mute(db.session.get_one(Post, ids["answer"]), by=world.ada, reason="off topic"))
    assert guest.get(path).status_code == 404
    assert guest.post(path, data={"do": "solved"}).status_code == 404


def test_only_the_asker_is_asked_whether_it_is_solved(app: Flask, stage: Stage, later: Callable[..., None]) -> None:
    def scene(world: World) -> None:
        ids = asked_and_answered(world)
        follows.follow(db.session.get_one(Topic, ids["topic"]), by=world.tina)
        world.answer(db.session.get_one(Topic, ids["topic"]), "Another answer by me.", by=world.dora)

    stage(scene)
    later(minutes=6)
    assert "/mail/answer/" not in text_of(mails(app, "tina")[0])


def seen(user: User, at: datetime) -> None:
    user.seen_at = at


def test_the_summary_comes_weekly_while_there_is_something_and_somebody(
    app: Flask, stage: Stage, later: Callable[..., None]
) -> None:
    def scene(world: World) -> None:
        with_mail(world)
        for person in (world.charlie, world.tina):
            follows.watch(world.router, by=person, level="first")
        seen(world.charlie, NOW)
        seen(world.tina, NOW - timedelta(days=181))
        world.ask()

    stage(scene)
    later(days=6)
    assert mails(app, "tina") == []
    assert mails(app, "charlie") == []
    later(days=2)
    (mail,) = mails(app, "charlie")
    assert "Alice asked: “Wireless gone after the update”" in text_of(mail)
    assert str(mail["Subject"]) == "[Klinke] What is new in what you follow"
    assert "One-Click" in str(mail["List-Unsubscribe-Post"])
    later(days=30)
    assert len(mails(app, "charlie")) == 1, "there is nothing new"
    stage(lambda world: world.ask("Another question about the router") and None)
    later(minutes=20)
    assert len(mails(app, "charlie")) == 2
    stage(lambda world: world.ask("A third question about the router") and None)
    later(days=3)
    assert len(mails(app, "charlie")) == 2, "a week has not passed"
    later(days=5)
    assert len(mails(app, "charlie")) == 3
    later(days=180)
    stage(lambda world: world.ask("A fourth question about the router") and None)
    later(days=8)
    assert len(mails(app, "charlie")) == 3, "Charlie is away"
    stage(lambda world: seen(world.charlie, NOW + timedelta(days=260)))
    later(minutes=20)
    assert len(mails(app, "charlie")) == 4
    assert mails(app, "tina") == []


def test_nothing_muted_is_in_a_summary(app: Flask, stage: Stage, later: Callable[..., None], worker: Worker) -> None:
    def scene(world: World) -> int:
        with_mail(world)
        follows.watch(world.router, by=world.charlie, level="first")
        world.ask("What a summary may well name")
        return world.ask().id

    topic_id = stage(scene)
    worker()
    stage(lambda world: moderation.mute(db.session.get_one(Topic, topic_id), by=world.ada, reason="off topic"))
    later(days=8)
    (mail,) = mails(app, "charlie")
    assert "Wireless" not in text_of(mail) + html_of(mail)
    assert "may well name" in text_of(mail)


def test_two_workers_mail_once(app: Flask, stage: Stage, worker: Worker, clock: time_machine.Traveller) -> None:
    stage(asked_and_answered)
    worker()
    clock.shift(timedelta(minutes=6))
    from concurrent.futures import ThreadPoolExecutor

    def mail(_: int) -> int:
        with app.app_context():
            return notices.mail_due()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(mail, range(4))) == 1


def test_the_choice_is_made_in_the_settings(app: Flask, stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: world.everybody() and None)
    charlie = browser_of("charlie")
    page = charlie.get("/settings/notifications").text
    assert "Answers to questions you follow" in page
    assert "Something waits too long" not in page
    assert "Something waits too long" in browser_of("ada").get("/settings/notifications").text
    assert charlie.post("/settings/notifications", data={"answers": "digest", "comments": "off"}).status_code == 303
    chosen = stage(lambda world: notifications.choices(world.charlie))
    assert (chosen["answers"], chosen["comments"], chosen["mentions"]) == ("digest", "off", "mail")
    refused = charlie.post("/settings/notifications", data={"answers": "loud"})
    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    assert stage(lambda world: notifications.choices(world.alice))["answers"] == "mail"


def test_who_chose_nothing_gets_no_bell(stage: Stage, worker: Worker) -> None:
    def scene(world: World) -> None:
        notifications.choose(world.alice, {"answers": "off"})
        world.answer(world.ask())

    stage(scene)
    worker()
    assert stage(lambda _: db.session.query(Notification).count()) == 0
    assert stage(lambda _: db.session.query(Follow).count()) == 2


def test_the_owner_of_an_address_that_failed_can_try_again(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> None:
        with_mail(world)
        for _ in range(3):
            notices.note_bounce(world.charlie)

    stage(scene)
    charlie = browser_of("charlie")
    assert "came back" in charlie.get("/settings/notifications").text
    assert charlie.post("/settings/notifications/address").status_code == 303
    assert "came back" not in charlie.get("/settings/notifications").text
    assert stage(lambda world: notices.may_mail(world.charlie)) is True


def test_reply_tickets_are_bound_to_the_address(world: World) -> None:
    topic = world.ask()
    ticket = tickets.for_reply(world.alice, topic.posts[0].id)
    assert list(tickets.replies_in(f"Klinke <reply+{ticket.upper()}@x.org>")) == [(world.alice, topic.posts[0].id)]
    assert len(f"{'r' * 20}+{ticket}") <= 64
    world.alice.email_key = "other@example.org"
    assert list(tickets.replies_in(ticket)) == []
