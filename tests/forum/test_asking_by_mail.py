"""Questions by mail: of members by their own word only, of strangers under a staged account, once, of no machine."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from accounts import people, staged
from accounts.models import AuditEntry, OneTimeToken, StagedIdentity, User
from core.db import db
from core.errors import KlinkeError, NotAllowed
from core.settings import Settings
from forum import notifications, replies_by_mail, tickets, topics
from forum.models import Follow, Image, MailedQuestion, Muting, Note, Post, PostImage, ReceivedMail, Topic
from tests.cast import World
from tests.conftest import Browser
from tests.forum.test_images import picture
from tests.forum.test_mailing import html_of, mails, text_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Worker = Callable[[], None]
Stage = Callable[[Callable[[World], Any]], Any]
TEXT = "Seit gestern blinkt der Router rot und das WLAN ist weg. Was kann ich noch tun?"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def addresses(app: Flask) -> Iterator[None]:
    before: Settings = app.extensions["klinke-settings"]
    app.extensions["klinke-settings"] = before.model_copy(
        update={"mail_reply_to": "reply@help.example.org", "mail_question_category": "router"}
    )
    yield
    app.extensions["klinke-settings"] = before


def letter(text: str = TEXT, *, sender: str = "Gerda Muster <gerda@example.net>", **headers: str) -> EmailMessage:
    message = EmailMessage()
    about = {
        "From": sender,
        "To": "reply@help.example.org",
        "Subject": "Router blinkt rot seit dem Update",
        "Message-ID": "<1@example.net>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    for name, value in about.items():
        if value:
            message[name] = value
    message.set_content(text)
    return message


def received(message: EmailMessage) -> Callable[[World], str]:
    def scene(world: World) -> str:
        world.everybody()
        assert world.router
        return replies_by_mail.receive(message.as_bytes()).outcome

    return scene


def cast(world: World) -> int:
    world.everybody()
    return world.router.id


def path_in(message: EmailMessage, part: str) -> str:
    found = re.search(rf"http://localhost({part}\S+)", text_of(message))
    assert found, text_of(message)
    return found[1]


def everything(_: World) -> tuple[int, int, int]:
    return db.session.query(Topic).count(), db.session.query(MailedQuestion).count(), db.session.query(User).count()


def test_a_stranger_asks_under_a_staged_account_and_the_team_looks_first(
    app: Flask, stage: Stage, worker: Worker, guest: Browser, browser_of: Callable[[str], Browser]
) -> None:
    assert stage(received(letter())) == "asked"

    def written(_: World) -> tuple[Any, ...]:
        topic = db.session.query(Topic).one()
        (post,) = topic.posts
        asker = topic.asker
        assert asker is not None
        muting = db.session.scalars(select(Muting).where(Muting.topic_id == topic.id)).one()
        return topic.id, topic.title, post.source, topic.locale, asker.is_staged, asker.email, muting.cause

    topic_id, title, source, locale, is_staged, address, cause = stage(written)
    assert (title, source, locale) == ("Router blinkt rot seit dem Update", TEXT, "de")
    assert (is_staged, address, cause) == (True, None, "first")
    assert guest.get(f"/t/{topic_id}", follow_redirects=True).status_code == 404
    page = browser_of("ada").get(f"/t/{topic_id}", follow_redirects=True).text
    assert "This question came by mail" in page
    for hidden in ("gerda", "Gerda", "Muster", "example.net"):
        assert hidden not in page
    worker()
    (mail,) = mails(app)
    assert str(mail["To"]) == "gerda@example.net"
    for words in (str(mail["Subject"]), text_of(mail), html_of(mail)):
        assert "blinkt" not in words, "nobody writes to others through us"
    assert path_in(mail, "/claim/")
    assert path_in(mail, "/claim/") in html_of(mail)


def test_a_members_address_posts_nothing_until_the_member_says_so(
    app: Flask, stage: Stage, worker: Worker, guest: Browser
) -> None:
    forged = letter(sender="Alice <alice@example.org>", Reply_To="eve@example.net", Sender="eve@example.net")
    assert stage(received(forged)) == "waiting"
    topic_count, waiting, people_count = stage(everything)
    assert (topic_count, waiting) == (0, 1)
    worker()
    (mail,) = mails(app)
    assert str(mail["To"]) == "alice@example.org", "never where the mail says that answers go"
    assert "blinkt" not in str(mail["Subject"]) + text_of(mail) + html_of(mail)
    path = path_in(mail, "/mail/question/")
    page = guest.get(path)
    assert page.status_code == 200
    assert "Seit gestern blinkt" in page.text
    assert "@alice" in page.text
    assert stage(everything)[0] == 0, "a look changes nothing"
    sent = {"title": "Router blinkt rot seit dem Update", "source": TEXT}
    assert guest.post(path, data=sent, without_csrf=True).status_code == 400
    answer = guest.post(path, data=sent)
    assert answer.status_code == 303
    assert stage(lambda world: [topic.asker_id == world.alice.id for topic in db.session.query(Topic)]) == [True]
    assert guest.get(path).status_code == 404
    assert guest.post(path, data=sent).status_code == 404
    assert stage(everything) == (1, 0, people_count)


@pytest.mark.parametrize("handle", ["root", "ada", "dora", "emil", "tina", "alice"])
def test_nobodys_name_is_borrowed_by_a_forged_sender(stage: Stage, handle: str) -> None:
    for number, sender in enumerate(
        (
            f"{handle}@example.org",
            f"{handle.upper()}@EXAMPLE.ORG",
            f'"{handle}@example.org" <{handle}@example.org>',
            f"eve@example.net, {handle}@example.org",
            f"{handle}@example.org <eve@example.net>",
        )
    ):
        message = letter(f"{TEXT} {number}", sender=sender, Message_ID=f"<{number}@example.net>")
        try:
            stage(received(message))
        except KlinkeError:
            continue
    named = stage(
        lambda world: (
            db.session.query(Post).filter_by(author_id=world.person(handle).id).count(),
            [topic.asker.is_staged for topic in db.session.query(Topic) if topic.asker],
        )
    )
    assert named[0] == 0
    assert all(named[1])


def test_the_link_is_worth_nothing_with_another_address_or_for_another_question(
    app: Flask, stage: Stage, worker: Worker, guest: Browser
) -> None:
    stage(received(letter(sender="alice@example.org")))
    worker()
    path = path_in(mails(app)[0], "/mail/question/")
    token = path.rsplit("/", 1)[1]
    other = stage(lambda world: tickets.for_unsubscribing(world.alice, ["answers"]))
    for forged in (token[:-1] + ("A" if token[-1] != "A" else "B"), token[:-4], other, "x"):
        assert guest.get(f"/mail/question/{forged}").status_code == 404
        assert guest.post(f"/mail/question/{forged}", data={"do": "discard"}).status_code == 404

    def moved(world: World) -> None:
        world.alice.email, world.alice.email_key = "new@example.org", "new@example.org"

    stage(moved)
    assert guest.get(path).status_code == 404
    assert stage(everything)[1] == 1


def test_who_is_closed_suspended_or_silenced_asks_nothing_by_mail(
    app: Flask, stage: Stage, worker: Worker, guest: Browser
) -> None:
    def scene(world: World) -> None:
        world.alice.disabled_at = NOW
        world.bob.suspended_until = NOW + timedelta(days=1)
        world.charlie.silenced_until = NOW + timedelta(days=1)

    stage(scene)
    for number, handle in enumerate(("alice", "bob", "charlie")):
        message = letter(sender=f"{handle}@example.org", Message_ID=f"<{number}@x.org>")
        assert stage(received(message)) == "waiting", "the sender learns nothing of the account"
    worker()
    (mail,) = mails(app)
    assert str(mail["To"]) == "charlie@example.org"
    path = path_in(mail, "/mail/question/")
    assert guest.get(path).status_code == 403
    assert guest.post(path, data={"title": "Router blinkt rot", "source": TEXT}).status_code == 403
    assert stage(everything)[0] == 0


def test_a_member_mends_discards_or_lets_it_go(
    app: Flask, stage: Stage, worker: Worker, guest: Browser, clock: time_machine.Traveller
) -> None:
    stage(received(letter(f"{TEXT} Ruft mich an: 0170 1234567.", sender="alice@example.org")))
    worker()
    path = path_in(mails(app)[0], "/mail/question/")
    page = guest.get(path).text
    assert "phone number" in page
    wrong = guest.post(path, data={"title": "x", "source": TEXT})
    assert wrong.status_code == 422
    assert 'id="title-error"' in wrong.text
    typed = {"title": "Router blinkt rot", "source": f"{TEXT} 0170 1234567"}
    warned = guest.post(path, data=typed)
    assert warned.status_code == 422
    assert "Post it as it is" in warned.text
    assert "0170 1234567" in warned.text
    assert guest.post(path, data=typed | {"anyway": "1"}).status_code == 303
    stage(received(letter(sender="bob@example.org", Message_ID="<2@x.org>")))
    worker()
    path = path_in(mails(app)[1], "/mail/question/")
    assert guest.post(path, data={"do": "discard"}).status_code == 303
    assert guest.get(path).status_code == 404
    stage(received(letter(sender="charlie@example.org", Message_ID="<3@x.org>")))
    worker()
    path = path_in(mails(app)[2], "/mail/question/")
    clock.shift(timedelta(days=2, minutes=1))
    assert guest.get(path).status_code == 404
    worker()
    assert stage(everything)[:2] == (1, 0)


def test_one_member_is_not_asked_without_end(app: Flask, stage: Stage, worker: Worker) -> None:
    for number in range(6):
        message = letter(f"{TEXT} {number}", sender="alice@example.org", Message_ID=f"<{number}@x.org>")
        assert stage(received(message)) == "waiting"
    worker()
    assert len(mails(app)) == 3


def test_the_same_mail_twice_is_one_question(stage: Stage) -> None:
    assert stage(received(letter())) == "asked"
    assert stage(received(letter())) == "again"
    nameless = letter(Message_ID="", Date="Mon, 02 Mar 2026 10:00:00 +0100")
    assert stage(received(nameless)) == "asked"
    assert stage(received(nameless)) == "again"
    assert stage(everything)[0] == 2
    assert stage(lambda _: db.session.query(StagedIdentity).count()) == 1, "one sender is one person"


def test_the_same_mail_twice_at_once_is_one_question(app: Flask, stage: Stage) -> None:
    stage(cast)
    outcomes: list[str] = []

    def turn() -> None:
        with app.app_context():
            outcomes.append(replies_by_mail.receive(letter().as_bytes()).outcome)
            db.session.commit()
            db.session.remove()

    threads = [threading.Thread(target=turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["again", "again", "again", "asked"]
    assert stage(everything)[0] == 1


def test_two_mails_of_a_new_sender_at_once_are_one_person(app: Flask, stage: Stage) -> None:
    stage(cast)

    def turn(number: int) -> None:
        with app.app_context():
            message = letter(f"{TEXT} {number}", Message_ID=f"<{number}@x.org>")
            replies_by_mail.receive(message.as_bytes())
            db.session.commit()
            db.session.remove()

    threads = [threading.Thread(target=turn, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    askers = stage(lambda _: [topic.asker_id for topic in db.session.query(Topic)])
    assert len(askers) == 4
    assert len(set(askers)) == 1
    assert stage(lambda _: db.session.query(User).filter_by(is_staged=True).count()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List-Id": "<news.example.net>"},
        {"Return-Path": "<>"},
        {"From": "MAILER-DAEMON@example.net"},
        {"From": "noreply@example.net"},
        {"X-Autoreply": "yes"},
    ],
)
def test_what_machines_send_asks_nothing(stage: Stage, headers: dict[str, str]) -> None:
    assert stage(received(letter(**headers))) == "automatic"
    assert stage(everything)[:2] == (0, 0)


def test_two_machines_that_answer_each_other_stop(app: Flask, stage: Stage, worker: Worker) -> None:
    """What comes back to our own mail answers it, and so is no question; and few a day are taken of one address."""
    stage(received(letter()))
    worker()
    (ours,) = mails(app)
    answer = letter("I am away until Monday, and this is long enough.", In_Reply_To=str(ours["Message-ID"]))
    with pytest.raises(NotAllowed):
        stage(received(answer))
    for sender in ("klinke@localhost", "reply@help.example.org"):
        with pytest.raises(KlinkeError):
            stage(received(letter(sender=sender)))
    for number in range(2, 6):
        assert stage(received(letter(f"{TEXT} {number}", Message_ID=f"<{number}@x.org>"))) == "asked"
    with pytest.raises(NotAllowed):
        stage(received(letter(f"{TEXT} 6", Message_ID="<6@x.org>")))
    worker()
    assert len(mails(app, "gerda")) == 1, "and we write to it once a day"


def test_an_answer_with_a_wrong_ticket_is_no_question(stage: Stage) -> None:
    stage(cast)
    for to in ("reply+1-1-aaaaaaaaaaaaaaaaaaaaaaaaaa@help.example.org", "reply+x@help.example.org"):
        with pytest.raises(NotAllowed):
            stage(received(letter(To=to)))
    assert stage(everything)[:2] == (0, 0)


def test_personal_data_is_taken_out_and_the_signature_is_not_posted(stage: Stage) -> None:
    text = (
        f"{TEXT}\n\nMeine Kundennummer ist KD-778812, Telefon 0170 1234567, Mail gerda@example.net.\n\n"
        "Viele Grüße\nGerda Muster\nHauptstraße 12\n89073 Ulm\n"
    )
    stage(received(letter(text, Subject="Kundennummer KD-778812: Router blinkt rot")))
    title, source, note = stage(
        lambda _: (
            db.session.query(Topic).one().title,
            db.session.query(Post).one().source,
            db.session.query(Note).one().text,
        )
    )
    for private in ("KD-778812", "1234567", "gerda@", "Gerda", "Hauptstraße", "89073"):
        assert private not in title + source
    assert "[Telefonnummer]" in source
    assert "phone number" in note
    assert "1234567" not in note


def test_only_what_is_caught_waits_where_the_setting_says_so(
    stage: Stage, settings: Callable[..., None], guest: Browser
) -> None:
    settings(mail_questions_held="caught", mail_question_category="router", mail_reply_to="reply@help.example.org")
    stage(received(letter()))
    links = " ".join(f"https://example.net/{number}" for number in range(3))
    stage(received(letter(f"{TEXT} {links}", Message_ID="<2@x.org>")))
    stage(received(letter(f"{TEXT} Telefon 0170 1234567", Message_ID="<3@x.org>")))
    shown = stage(lambda _: [not topic.is_muted for topic in db.session.query(Topic).order_by(Topic.id)])
    assert shown == [True, False, False]
    page = guest.get("/t/1", follow_redirects=True)
    assert page.status_code == 200
    for hidden in ("gerda", "Gerda", "example.net"):
        assert hidden not in page.text


def test_pictures_are_drawn_anew_and_what_is_none_is_left_out(stage: Stage, guest: Browser) -> None:
    message = letter()
    message.add_attachment(picture().content, maintype="image", subtype="png", filename="../../etc/passwd")
    message.add_attachment(b"GIF89a<script>", maintype="image", subtype="gif", filename="x.gif")
    message.add_attachment(b"MZ" * 100, maintype="application", subtype="x-msdownload", filename="x.exe")
    assert stage(received(message)) == "asked"
    names = stage(lambda _: [image.name for image in db.session.query(Image)])
    assert len(names) == 1
    assert names[0] in stage(lambda _: db.session.query(Post).one().source)
    assert stage(lambda _: db.session.query(PostImage).count()) == 1
    assert guest.get(f"/uploads/{names[0]}").status_code == 404, "as long as the question waits"


def test_a_members_pictures_are_theirs_only_when_they_post(
    app: Flask, stage: Stage, worker: Worker, guest: Browser, browser_of: Callable[[str], Browser]
) -> None:
    message = letter(sender="alice@example.org")
    message.add_attachment(picture().content, maintype="image", subtype="png", filename="light.png")
    stage(received(message))
    worker()
    (name,) = stage(lambda _: [image.name for image in db.session.query(Image)])
    assert browser_of("alice").get(f"/uploads/{name}").status_code == 404
    path = path_in(mails(app)[0], "/mail/question/")
    guest.post(path, data={"title": "Router blinkt rot", "source": TEXT})
    assert guest.get(f"/uploads/{name}").status_code == 200


def test_what_is_too_short_too_large_or_not_for_us_is_returned(stage: Stage, settings: Callable[..., None]) -> None:
    for message in (letter("Hilfe"), letter(""), letter("x" * 33_000), letter(sender="no address")):
        with pytest.raises(KlinkeError):
            stage(received(message))
    settings(mail_question_category="no-such-thing")
    with pytest.raises(NotAllowed):
        stage(received(letter()))
    settings(mail_question_category="")
    with pytest.raises(NotAllowed, match="answers none of ours"):
        stage(received(letter()))
    assert stage(everything)[:2] == (0, 0)


def test_a_short_subject_gets_words_of_the_text_and_marks_of_answers_go(stage: Stage) -> None:
    stage(received(letter(Subject="AW: Re: WLAN")))
    stage(received(letter(f"{TEXT} 2", Subject="", Message_ID="<2@x.org>")))
    stage(received(letter(f"{TEXT} 3", Subject="x" * 400, Message_ID="<3@x.org>")))
    titles = stage(lambda _: [topic.title for topic in db.session.query(Topic).order_by(Topic.id)])
    assert titles[0].startswith("WLAN: Seit gestern")
    assert titles[1].startswith("Seit gestern")
    assert all(len(title) <= 150 for title in titles)


def test_a_flood_of_strangers_is_sent_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from forum import questions_by_mail

    monkeypatch.setattr(questions_by_mail, "MOST_UNKNOWN_AN_HOUR", 2)
    for number in range(2):
        stage(received(letter(sender=f"a{number}@example.net", Message_ID=f"<{number}@x.org>")))
    with pytest.raises(NotAllowed):
        stage(received(letter(sender="a3@example.net", Message_ID="<3@x.org>")))
    assert stage(everything)[0] == 2


def test_a_staged_person_can_do_nothing_but_be_asked_for(world: World) -> None:
    world.everybody()
    somebody = staged.person("mail", "gerda@example.net", locale="de", email="gerda@example.net")
    with pytest.raises(NotAllowed):
        world.ask(by=somebody)
    with pytest.raises(NotAllowed):
        world.answer(world.ask(), by=somebody)
    assert people.by_email("gerda@example.net") is None, "an unproven address is not the account's"
    somebody.disabled_at = NOW
    with pytest.raises(NotAllowed):
        topics.take_in(title="Router blinkt rot", source=TEXT, category=world.router, locale="de", asker=somebody)
    with pytest.raises(NotAllowed):
        staged.person("mail", "gerda@example.net", locale="de", email="gerda@example.net")


SAID = {"handle": "gerda", "name": "Gerda", "password": "a lamp on the stairs", "licence": "y"}


@pytest.fixture
def claim(app: Flask, stage: Stage, worker: Worker) -> str:
    """The path of the link that went to Gerda."""
    stage(received(letter()))
    worker()
    return path_in(mails(app, "gerda")[0], "/claim/")


def test_claiming_makes_a_member_with_everything_and_only_once(
    app: Flask, stage: Stage, guest: Browser, claim: str
) -> None:
    before = stage(lambda _: db.session.query(Topic).one().asker_id)
    page = guest.get(claim)
    assert page.status_code == 200
    assert "gerda@example.net" in page.text
    assert stage(lambda _: db.session.get_one(User, before).is_staged) is True
    wrong = guest.post(claim, data=SAID | {"handle": "x", "password": "short", "licence": ""})
    assert wrong.status_code == 422
    for field in ("handle", "password", "licence"):
        assert f'id="{field}-error"' in wrong.text
    taken = guest.post(claim, data=SAID | {"handle": "alice"})
    assert taken.status_code == 422
    assert 'id="handle-error"' in taken.text
    assert guest.post(claim, data=SAID).status_code == 303

    def member(_: World) -> tuple[Any, ...]:
        user = db.session.get_one(User, before)
        follow = db.session.query(Follow).filter_by(user_id=user.id).count()
        return user.handle, user.email, user.is_staged, user.is_active, user.email_confirmed_at is not None, follow

    assert stage(member) == ("gerda", "gerda@example.net", False, True, True, 1)
    assert stage(lambda _: db.session.query(StagedIdentity).count()) == 0
    assert app.test_client().get(claim).status_code == 404
    assert guest.get("/settings").status_code == 200, "and is signed in"


def test_a_claimed_members_mail_is_a_members_mail(stage: Stage, guest: Browser, claim: str) -> None:
    guest.post(claim, data=SAID)
    assert stage(received(letter(f"{TEXT} 2", Message_ID="<2@x.org>"))) == "waiting"


def test_claiming_into_an_account_moves_everything(
    app: Flask, stage: Stage, browser_of: Callable[[str], Browser], claim: str
) -> None:
    def more(world: World) -> int:
        topic = db.session.query(Topic).one()
        notifications.notify(topic.asker_id or 0, kind="answer_posted", key="answer:1", url="/", topic=topic)
        from forum import moderation, votes

        moderation.unmute(topic, by=world.ada)
        votes.vote(topic.posts[0], by=world.charlie)
        votes.vote(topic.posts[0], by=world.bob)
        return topic.asker_id or 0

    staged_id = stage(more)
    browser = browser_of("charlie")
    assert "@charlie" in browser.get(claim).text
    assert browser.post(claim, without_csrf=True).status_code == 400
    assert browser.post(claim).status_code == 303

    def outcome(world: World) -> tuple[Any, ...]:
        topic = db.session.query(Topic).one()
        return (
            topic.asker_id == world.charlie.id,
            topic.posts[0].author_id == world.charlie.id,
            topic.posts[0].helpful_count,
            db.session.query(Follow).filter_by(user_id=world.charlie.id, topic_id=topic.id).count(),
            db.session.get(User, staged_id),
        )

    assert stage(outcome) == (True, True, 1, 1, None), "with the votes of others, not with one's own"
    assert browser.get(claim).status_code == 404
    from forum import counters

    assert stage(lambda _: list(counters.complaints())) == []


def test_who_has_the_address_claims_it_and_nobody_else(
    app: Flask, stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], claim: str
) -> None:
    stage(lambda _: people.create("gerda", email="gerda@example.net", password="a lamp on the stairs").id)
    for handle in ("charlie", "root"):
        assert browser_of(handle).get(claim).status_code == 404
        assert browser_of(handle).post(claim).status_code == 404
    page = guest.get(claim)
    assert "/sign-in" in page.text
    assert 'name="password"' not in page.text
    assert guest.post(claim, data=SAID | {"handle": "gerda2"}).status_code == 200
    assert stage(lambda _: db.session.query(Topic).one().asker.is_staged) is True
    assert browser_of("gerda").post(claim).status_code == 303
    assert stage(lambda _: db.session.query(Topic).one().asker.handle) == "gerda"


def test_a_forged_old_or_closed_claim_opens_nothing(
    app: Flask, stage: Stage, guest: Browser, claim: str, clock: time_machine.Traveller
) -> None:
    for forged in (claim[:-1], claim + "x", "/claim/x", "/claim/" + "A" * 43):
        assert guest.get(forged).status_code == 404
        assert guest.post(forged, data=SAID).status_code == 404
    from accounts import one_time

    for purpose in ("confirm", "reset"):  # what is for members opens no staged account, and the other way round
        token = stage(lambda world, purpose=purpose: one_time.issue(world.alice, purpose))
        assert guest.get(f"/claim/{token}").status_code == 404
    token = claim.rsplit("/", 1)[1]
    assert guest.get(f"/reset/{token}").status_code == 404
    assert guest.get(f"/confirm/{token}").status_code == 404
    clock.shift(timedelta(days=14, minutes=1))
    assert guest.get(claim).status_code == 404
    assert guest.post(claim, data=SAID).status_code == 404


@pytest.mark.parametrize("how", ["closed", "erased"])
def test_what_was_closed_or_erased_does_not_come_back(
    app: Flask, stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], claim: str, how: str
) -> None:
    def scene(_: World) -> None:
        user = db.session.query(User).filter_by(is_staged=True).one()
        if how == "closed":
            user.disabled_at = NOW
        else:
            db.session.delete(user)

    stage(scene)
    assert guest.get(claim).status_code == 404
    assert guest.post(claim, data=SAID).status_code == 404
    assert browser_of("charlie").post(claim).status_code == 404
    assert stage(lambda _: db.session.query(OneTimeToken).filter_by(purpose="claim").count()) == (how == "closed")
    assert stage(lambda _: db.session.query(User).filter_by(handle="gerda").count()) == 0


def test_moderators_end_what_comes_from_a_stranger(
    stage: Stage, guest: Browser, browser_of: Callable[[str], Browser], claim: str
) -> None:
    handle = stage(lambda _: db.session.query(User).filter_by(is_staged=True).one().handle)
    path = f"/moderation/people/{handle}/closing"
    for other in ("charlie", "tina", "dora", "emil"):
        assert browser_of(other).post(path).status_code == 403
    assert browser_of("ada").post("/moderation/people/charlie/closing").status_code == 404
    assert "Take nothing more from here" in browser_of("ada").get(f"/u/{handle}").text
    for _ in range(2):
        assert browser_of("ada").post(path).status_code == 303
    assert guest.get(claim).status_code == 404
    with pytest.raises(NotAllowed):
        stage(received(letter(f"{TEXT} 2", Message_ID="<2@x.org>")))
    assert browser_of("ada").post(path, data={"to": "open"}).status_code == 303
    assert guest.get(claim).status_code == 404, "a link that was ended stays so"
    assert stage(received(letter(f"{TEXT} 2", Message_ID="<2@x.org>"))) == "asked"
    deeds = stage(lambda _: [one.deed for one in db.session.query(AuditEntry).order_by(AuditEntry.id)])
    assert [deed for deed in deeds if deed.startswith("accounts.")] == ["accounts.user.disable", "accounts.user.enable"]


def test_two_presses_at_once_make_one_member(app: Flask, stage: Stage, claim: str) -> None:
    token = claim.rsplit("/", 1)[1]
    outcomes: list[str] = []

    def turn(number: int) -> None:
        with app.test_request_context():
            try:
                staged.become_member(
                    token, handle=f"gerda{number}", name="Gerda", email="", password_hash="x", locale="de"
                )
                db.session.commit()
                outcomes.append("member")
            except KlinkeError:
                db.session.rollback()
                outcomes.append("refused")
            db.session.remove()

    threads = [threading.Thread(target=turn, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["member", "refused", "refused", "refused"]


def test_two_who_choose_the_same_handle_at_once_get_it_once(
    app: Flask, stage: Stage, worker: Worker, claim: str
) -> None:
    stage(received(letter(f"{TEXT} 2", sender="hans@example.net", Message_ID="<2@x.org>")))
    worker()
    tokens = [path.rsplit("/", 1)[1] for path in (claim, path_in(mails(app, "hans")[0], "/claim/"))]
    outcomes: list[str] = []

    def turn(token: str) -> None:
        with app.test_request_context():
            said = {"handle": "the-same", "name": "Somebody", "email": "", "password_hash": "x", "locale": "de"}
            try:
                staged.become_member(token, **said)
                db.session.commit()
                outcomes.append("member")
            except KlinkeError:
                db.session.rollback()
                outcomes.append("refused")
            db.session.remove()

    threads = [threading.Thread(target=turn, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["member", "refused"]


def test_who_came_with_an_import_goes_on_as_that_person_but_never_as_the_team(
    stage: Stage, guest: Browser, claim: str
) -> None:
    def imported(roles: tuple[str, ...]) -> Callable[[World], int]:
        def scene(world: World) -> int:
            user = people.create(
                "gerda_old", email="gerda@example.net", is_staged=True, source_id="u7", roles=("member", *roles)
            )
            world.router  # noqa: B018 -- there is a category
            return user.id

        return scene

    user_id = stage(imported(("admin",)))
    assert guest.post(claim, data=SAID).status_code == 409
    assert stage(lambda _: db.session.get_one(User, user_id).is_staged) is True
    stage(lambda _: db.session.delete(db.session.get_one(User, user_id)))
    user_id = stage(imported(()))
    assert guest.post(claim, data=SAID).status_code == 303
    assert stage(lambda _: [(t.asker_id == user_id, t.asker.handle) for t in db.session.query(Topic)]) == [
        (True, "gerda")
    ]


def test_received_mail_remembers_no_address(stage: Stage) -> None:
    stage(received(letter()))
    rows = stage(lambda _: [row.key for row in db.session.query(ReceivedMail)])
    assert all("gerda" not in key for key in rows)


def test_a_mail_that_is_no_mail_is_refused(stage: Stage) -> None:
    stage(cast)
    for raw in (b"", b"\0" * 100, b"From: a@b.c\r\n\r\n"):
        with pytest.raises(KlinkeError):
            stage(lambda _, raw=raw: replies_by_mail.receive(raw))
