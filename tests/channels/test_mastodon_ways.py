"""What is special on Mastodon: who may see what, whose thread it is, what HTML says, and how one signs in."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from mastodon import return_types
from sqlalchemy import select

from core.clock import now
from core.db import db
from core.errors import Invalid
from desk import connections, forgetting, limits, replies
from desk.channel_models import ChannelCourse, MessageFile
from desk.channels.base import ChannelFailed, NotLetIn, OutgoingReply, adapter_of, apart
from desk.channels.mastodon import reading
from desk.channels.mastodon.wire import client_for, speaking
from desk.means import capabilities_of
from desk.models import Channel, Conversation, Message
from desk.objections import Objected
from desk.person_models import ThreadPost
from tests.cast import World
from tests.channels.conformance import Stage, poll_now, sent, texts
from tests.channels.fake_mastodon import FakeMastodon, Status
from tests.channels.test_mastodon import MastodonRig
from tests.desk.stage import answer_with


@pytest.fixture
def rig() -> Iterator[MastodonRig]:
    rig = MastodonRig()
    yield rig
    rig.close()
    assert rig.fake.wrong == []


@pytest.fixture
def fake(rig: MastodonRig) -> FakeMastodon:
    return rig.fake


@pytest.fixture
def on(app: Flask, rig: MastodonRig, stage: Stage, settings: Callable[..., None]) -> int:
    settings(**rig.settings())
    channel_id: int = stage(lambda world: rig.connect(world).id)
    return channel_id


def hear(app: Flask, on: int, fake: FakeMastodon, *statuses: Status, kind: str = "mention") -> None:
    """Have the desk hear of statuses."""
    for each in statuses:
        fake.notify(each, kind)
    poll_now(app, on)


def reply(stage: Stage, text: str, *, is_public: bool | None = None) -> None:
    def scene(world: World) -> None:
        conversation = db.session.scalars(select(Conversation).order_by(Conversation.id)).first()
        assert conversation is not None
        replies.reply(conversation, text=text, by=world.dora, is_public=is_public)

    stage(scene)


def outgoing(text: str, answers: str | None, *, is_public: bool = True, **more: Any) -> OutgoingReply:
    told = {"id": 1, "key": "reply_1", "conversation": "c", "handle": "@max@remote.example", **more}
    return OutgoingReply(in_reply_to=answers, text=text, is_public=is_public, **told)


def threads(app: Flask) -> list[set[str]]:
    """What customers wrote, by conversation."""
    with app.app_context():
        found: dict[int, set[str]] = {}
        for message in db.session.scalars(select(Message).where(Message.direction == "in")):
            found.setdefault(message.conversation_id, set()).add(message.text)
        return sorted(found.values(), key=sorted)


# What is said


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One.</p><p>Two<br />lines.</p>", "One.\n\nTwo\nlines."),
        ("<p>a &lt;b&gt; &amp; c</p>", "a <b> & c"),
        (
            (
                '<p>See <a href="https://example.org/a/very/long/way?x=1"><span class="invisible">https://</span>'
                '<span class="ellipsis">example.org/a/very</span><span class="invisible">/long/way?x=1</span></a>.</p>'
            ),
            "See https://example.org/a/very/long/way?x=1.",
        ),
        ('<p><a href="https://example.org/help">the manual</a></p>', "the manual (https://example.org/help)"),
        ('<p><a href="javascript:alert(1)">press</a></p>', "press"),
        (
            '<p><a href="https://r.example/@bob" class="u-url mention">@<span>bob</span></a> knows</p>',
            "@bob@r.example knows",
        ),
        ('<p><a href="https://s.example/tags/wlan" class="mention hashtag">#<span>wlan</span></a></p>', "#wlan"),
        ("<ul><li>one</li><li>two</li></ul>", "– one\n– two"),
        ("<blockquote><p>said</p></blockquote><p>and I</p>", "> said\n\nand I"),
        ("<p>wave :blobcat: \N{WAVING HAND SIGN}</p><script>alert(1)</script>", "wave :blobcat: \N{WAVING HAND SIGN}"),
        ("no paragraph", "no paragraph"),
        ("<p>not closed <a href='https://x.example'>", "not closed"),
        ("", ""),
    ],
)
def test_html_is_read_as_its_writer_meant_it(html: str, text: str) -> None:
    mentions = [{"url": "https://r.example/@bob", "acct": "bob@r.example"}]
    assert reading.words_of(html, mentions) == text


def test_html_that_is_made_to_be_slow_is_cut() -> None:
    assert len(reading.words_of("<a><b>" * 200_000)) <= reading.LONGEST_HTML


def test_a_poll_a_warning_and_an_emoji_in_a_name_become_words(app: Flask, fake: FakeMastodon, on: int) -> None:
    poll = {
        "id": "1",
        "expires_at": None,
        "expired": False,
        "multiple": False,
        "votes_count": 4,
        "options": [{"title": "Fibre", "votes_count": 3}, {"title": "Cable", "votes_count": 1}],
        "emojis": [],
        "voters_count": 4,
    }
    hear(app, on, fake, fake.post("Which one?", spoiler="Network talk", poll=poll))
    assert texts(app) == ["[CW: Network talk]\n\nWhich one?\n\nA poll:\n– Fibre – 3 votes\n– Cable – 1 vote"]


def test_a_german_poll_is_told_in_german(app: Flask, fake: FakeMastodon, on: int) -> None:
    poll = {
        "id": "1",
        "expires_at": None,
        "expired": False,
        "multiple": True,
        "votes_count": 1,
        "options": [{"title": "Glasfaser", "votes_count": 1}],
        "emojis": [],
        "voters_count": 1,
    }
    hear(app, on, fake, fake.post("Was nun?", poll=poll, language="de"))
    assert texts(app) == ["Was nun?\n\nEine Umfrage, mehrere Antworten möglich:\n– Glasfaser – 1 Stimme"]


def test_a_picture_comes_along_with_what_it_shows(app: Flask, fake: FakeMastodon, on: int) -> None:
    hear(app, on, fake, fake.post("Look", media=[fake.picture(words="A red light")]))
    with app.app_context():
        file = db.session.scalars(select(MessageFile)).one()
        assert (file.media_type, file.words) == ("image/png", "A red light")
        assert file.content.startswith(b"\x89PNG")
    assert texts(app) == ["Look"]


def test_what_is_too_large_or_lies_inside_the_house_is_left_as_an_address(
    app: Flask, fake: FakeMastodon, on: int
) -> None:
    large = fake.picture(words="A film", content=b"x" * (9 * 1024 * 1024), media_type="video/mp4")
    page = fake.picture(content=b"<script>", media_type="text/html")
    inside = {**fake.picture(), "url": "http://127.0.0.1:9/secret.png"}
    hear(app, on, fake, fake.post("Look", media=[large, page, inside]))
    assert texts(app) == [f"Look\n\nA film {large['url']}\n{page['url']}\nhttp://127.0.0.1:9/secret.png"]
    with app.app_context():
        assert db.session.scalars(select(MessageFile)).all() == []


# Who is told what


def test_what_the_accounts_own_filter_holds_back_is_heard(app: Flask, fake: FakeMastodon, on: int) -> None:
    fake.notify(fake.post("From somebody new"), filtered=True)
    poll_now(app, on)
    assert texts(app) == ["From somebody new"]


def test_a_hundred_and_thirty_notifications_are_walked_page_by_page(app: Flask, fake: FakeMastodon, on: int) -> None:
    for number in range(130):
        fake.notify(fake.post(f"Number {number}", by=f"c{number}"))
    poll_now(app, on)
    fake.notify(fake.post("Number 130"))
    before = len(fake.asked)
    poll_now(app, on)
    assert sorted(texts(app)) == sorted(f"Number {number}" for number in range(131))
    assert len(fake.asked) - before <= 5  # who we are, one page, an empty one, what came lately


def test_what_is_older_than_a_week_when_a_channel_is_connected_stays_there(
    app: Flask, fake: FakeMastodon, on: int
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=30)
    for number in range(50):
        fake.notify(fake.post(f"Old {number}", at=long_ago), at=long_ago)
    hear(app, on, fake, fake.post("New"))
    assert texts(app) == ["New"]


def test_of_other_things_that_happen_nothing_is_made(app: Flask, fake: FakeMastodon, on: int) -> None:
    ours = fake.post("An announcement", by=fake.us, to_us=False)
    fake.notify(ours, "favourite")
    fake.notify(ours, "reblog")
    fake.notify(fake.post("Passed on by us", to_us=False), "update")
    poll_now(app, on)
    assert texts(app) == []


def test_posts_of_somebody_we_follow_are_heard_and_say_that_they_are_posts(
    app: Flask, fake: FakeMastodon, on: int
) -> None:
    hear(app, on, fake, fake.post("My provider is useless.", to_us=False), kind="status")
    with app.app_context():
        assert db.session.scalars(select(Message.kind)).all() == ["post"]


def test_people_under_a_post_of_ours_speak_each_for_themselves(app: Flask, fake: FakeMastodon, on: int) -> None:
    ours = fake.post("Maintenance tonight", by=fake.us, to_us=False)
    max_asks = fake.post("When exactly?", by="max", answers=ours.id)
    lena_asks = fake.post("Does it hit me?", by="lena", answers=ours.id)
    answer = fake.post("@max@remote.example At ten", by=fake.us, to_us=False, answers=max_asks.id)
    max_again = fake.post("Thank you", by="max", answers=answer.id)
    hear(app, on, fake, max_again, lena_asks, max_asks)
    assert threads(app) == [{"Does it hit me?"}, {"Thank you", "When exactly?"}]
    with app.app_context():
        assert sorted(db.session.scalars(select(Message.kind))) == ["comment", "comment", "reply"]


def test_what_stands_before_in_a_public_thread_is_kept_and_nothing_private(
    app: Flask, fake: FakeMastodon, on: int
) -> None:
    begun = fake.post("Is the net down?", by="carla", to_us=False)
    private = fake.post("@support@social.example psst", by="carla", answers=begun.id, visibility="direct", to_us=False)
    joined = fake.post("Mine too, any idea?", by="max", answers=private.id)
    hear(app, on, fake, joined)
    with app.app_context():
        posts = db.session.scalars(select(ThreadPost)).all()
        assert [(post.handle, post.text) for post in posts] == [("@carla@remote.example", "Is the net down?")]


def test_a_private_message_under_somebody_elses_thread_is_a_conversation_of_its_own(
    app: Flask, fake: FakeMastodon, on: int
) -> None:
    asked = fake.post("Who helps?", by="max")
    secret = fake.post("My number is 4711", by="bob", answers=asked.id, visibility="direct")
    hear(app, on, fake, asked, secret)
    assert threads(app) == [{"My number is 4711"}, {"Who helps?"}]


def test_what_its_writer_does_not_show_us_any_more_is_taken_away(app: Flask, fake: FakeMastodon, on: int) -> None:
    status = fake.post("You are all robots")
    hear(app, on, fake, status)
    fake.gone.add(status.id)
    poll_now(app, on)
    assert texts(app) == [""]


def test_a_thread_that_is_too_long_to_tell_is_followed_upwards(
    app: Flask, fake: FakeMastodon, on: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fake.post("First", by="max")
    below = fake.post("x" * 60_000, by="max", answers=first.id, content="<p>second</p>")
    for _ in range(12):
        fake.post("", by="lena", answers=below.id, content=f"<p>{'y' * 4000}</p>")
    monkeypatch.setattr("desk.channels.mastodon.wire.LARGEST", 30_000)
    hear(app, on, fake, below)
    with app.app_context():
        assert db.session.scalars(select(Conversation.external_id)).one() == first.id


def test_notifications_that_are_too_long_together_are_told_one_by_one(
    app: Flask, fake: FakeMastodon, on: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        fake.notify(fake.post("", by=f"c{number}", content=f"<p>{number}{'y' * 8000}</p>"))
    monkeypatch.setattr("desk.channels.mastodon.wire.LARGEST", 20_000)
    poll_now(app, on)
    assert sorted(text[0] for text in texts(app)) == list("0123456")


# Who may see what


@pytest.mark.parametrize(
    ("asked", "is_public", "answered"),
    [
        ("public", True, "public"),
        ("unlisted", True, "unlisted"),
        ("public", False, "direct"),
        ("unlisted", False, "direct"),
        ("private", False, "direct"),
        ("direct", False, "direct"),
    ],
)
def test_a_reply_is_never_seen_by_more_people(
    app: Flask,
    fake: FakeMastodon,
    on: int,
    stage: Stage,
    worker: Callable[[], None],
    asked: str,
    is_public: bool,
    answered: str,
) -> None:
    status = fake.post("What now?", visibility=asked)
    hear(app, on, fake, status)
    reply(stage, "Please restart it.", is_public=is_public)
    worker()
    (ours,) = fake.ours()
    assert (ours.visibility, ours.answers) == (answered, status.id)
    assert ours.text == "@max@remote.example Please restart it."
    assert [each.acct for each in ours.mentions] == ["max@remote.example"]


@pytest.mark.parametrize("asked", ["private", "direct"])
def test_what_was_private_cannot_be_answered_in_public(
    app: Flask, fake: FakeMastodon, on: int, stage: Stage, asked: str
) -> None:
    status = fake.post("What now?", visibility=asked)
    hear(app, on, fake, status)
    with pytest.raises(Invalid):
        reply(stage, "Please restart it.", is_public=True)

    def scene(world: World) -> None:
        apart(on).send(outgoing("All the same", status.id, is_public=True))
        assert capabilities_of(db.session.scalars(select(Conversation)).one()).public is False

    stage(scene)
    assert [each.visibility for each in fake.ours()] == ["direct"]


def test_nobody_else_is_named_in_a_private_reply(app: Flask, fake: FakeMastodon, on: int, stage: Stage) -> None:
    status = fake.post("What now?", visibility="direct")
    hear(app, on, fake, status)
    with pytest.raises(Objected) as refused:
        reply(stage, "Ask @bob@remote.example or mail help@example.org, @max@remote.example")
    (objection,) = [one for one in refused.value.objections if one.code == "reads_along"]
    assert objection.is_final
    assert objection.said == "@bob@remote.example"
    assert objection.ways_out[0].instead == "bob@remote.example"

    def scene(world: World) -> None:
        adapter = apart(on)
        for text in ("Ask @bob@remote.example", "Ask @max, not me", "Ask @support"):
            with pytest.raises(ChannelFailed) as failed:
                adapter.send(outgoing(text, status.id, is_public=False))
            assert failed.value.permanent

    stage(scene)
    assert fake.ours() == []


def test_a_reply_goes_to_whom_it_answers_whoever_wrote_since(
    app: Flask, fake: FakeMastodon, on: int, stage: Stage
) -> None:
    status = fake.post("What now?", by="max")

    def scene(world: World) -> None:
        adapter = apart(on)
        adapter.send(outgoing("For you", status.id, handle="@bob@remote.example", is_public=False))

    stage(scene)
    assert [each.acct for each in fake.ours()[0].mentions] == ["max@remote.example"]


def test_a_part_of_a_longer_reply_goes_on_under_the_part_before(
    app: Flask, fake: FakeMastodon, on: int, stage: Stage
) -> None:
    asked = fake.post("What now?", by="max", visibility="unlisted")
    first = fake.post("@max@remote.example One", by=fake.us, to_us=False, answers=asked.id, visibility="unlisted")

    def scene(world: World) -> None:
        apart(on).send(outgoing("Two", first.id))

    stage(scene)
    assert (fake.ours()[-1].text, fake.ours()[-1].visibility) == ("@max@remote.example Two", "unlisted")


def test_who_has_moved_is_answered_where_they_are_now(app: Flask, fake: FakeMastodon, on: int, stage: Stage) -> None:
    status = fake.post("What now?", by="max")
    fake.account("max@new.example")
    status.by.moved = "max@new.example"
    stage(lambda _: apart(on).send(outgoing("Here", status.id, is_public=False)))
    assert [each.acct for each in fake.ours()[0].mentions] == ["max@new.example"]


def test_what_was_folded_under_a_warning_is_answered_under_it(
    app: Flask, fake: FakeMastodon, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    hear(app, on, fake, fake.post("I feel bad", spoiler="Health"))
    reply(stage, "Please see somebody.")
    worker()
    assert fake.ours()[0].spoiler == "Health"


def test_what_is_deleted_meanwhile_is_not_answered_and_says_so(
    app: Flask, fake: FakeMastodon, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    status = fake.post("What now?")
    hear(app, on, fake, status)
    reply(stage, "Please restart it.")
    fake.delete(status)
    worker()
    with app.app_context():
        assert sent(app).state == "failed"
        assert "not there any more" in (sent(app).failure or "")
    assert fake.ours() == []


def test_two_replies_to_one_message_are_not_taken_for_each_other(
    app: Flask, fake: FakeMastodon, on: int, stage: Stage
) -> None:
    asked = fake.post("What now?")
    first = fake.post("@max@remote.example See https://example.org/a", by=fake.us, to_us=False, answers=asked.id)

    def scene(world: World) -> None:
        adapter = apart(on)
        found = adapter.look_for(outgoing("See https://example.org/a", asked.id, attempted_at=now()))
        assert found is not None
        assert found.id == first.id
        assert adapter.look_for(outgoing("See https://example.org/a", asked.id, thread=(first.id,))) is None
        assert adapter.look_for(outgoing("Something else", asked.id)) is None

    stage(scene)


def test_a_reply_is_corrected_where_it_stands(
    app: Flask, fake: FakeMastodon, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    hear(app, on, fake, fake.post("What now?", visibility="direct", spoiler="Net"))
    reply(stage, "It costs 10 euros.")
    worker()

    def scene(world: World) -> None:
        adapter = apart(on)
        told = adapter.correct(fake.ours()[0].id, outgoing("It costs 12 euros.", None))
        assert told.id == fake.ours()[0].id
        with pytest.raises(ChannelFailed):
            adapter.correct(fake.ours()[0].id, outgoing("Ask @bob@remote.example", None))

    stage(scene)
    (ours,) = fake.ours()
    assert (ours.text, ours.spoiler, ours.visibility) == ("@max@remote.example It costs 12 euros.", "Net", "direct")


# How long


def test_the_instance_says_how_long_a_text_may_be_and_the_name_has_room(
    app: Flask, fake: FakeMastodon, on: int, stage: Stage
) -> None:
    fake.limit = 1000
    with app.app_context():
        limits.read_published()
    stage(lambda _: None)
    with app.app_context():
        measure = apart(on).measure
        assert (measure.limit, measure.url_length, measure.counting) == (968, 23, "mastodon")
        assert measure.count("https://example.org/" + "x" * 100) == 23


def test_what_is_too_long_with_the_name_fails_with_both_numbers(fake: FakeMastodon, on: int, stage: Stage) -> None:
    status = fake.post("What now?", by="m" * 40)

    def scene(world: World) -> None:
        with pytest.raises(ChannelFailed) as failed:
            apart(on).send(outgoing("x" * 468, status.id))
        assert "510" in failed.value.reason
        assert "500" in failed.value.reason

    stage(scene)
    assert fake.ours() == []


# The connection


def test_the_quota_is_kept_for_replies_and_reading_waits(app: Flask, fake: FakeMastodon, on: int) -> None:
    for number in range(30):
        fake.notify(fake.post(f"Number {number}", by=f"c{number}"))
    fake.headers = {"X-RateLimit-Remaining": "12"}
    poll_now(app, on)
    with app.app_context():
        course = db.session.get_one(ChannelCourse, on)
        assert course.quota_left == 12
        assert course.next_at is not None
        assert course.next_at > now() + timedelta(minutes=4)
    assert len(texts(app)) == 10
    fake.headers = {}
    poll_now(app, on)
    assert len(texts(app)) == 30


@pytest.mark.parametrize(
    ("scopes", "words"),
    [
        (["read:accounts", "read:notifications", "read:statuses"], "Replies cannot be written"),
        (["read:accounts", "write:statuses"], "Notifications cannot be read"),
    ],
)
def test_the_check_says_which_right_is_missing(
    fake: FakeMastodon, on: int, stage: Stage, scopes: list[str], words: str
) -> None:
    fake.tokens[fake.token] = set(scopes)

    def scene(world: World) -> list[str]:
        found = connections.check(db.session.get_one(Channel, on), by=world.root)
        assert "social.example" in found[0].words
        assert "4.4.3" in found[0].words
        assert "@support" in found[1].words
        return [one.words for one in found if not one.is_well]

    (found,) = stage(scene)
    assert found.startswith(words)
    assert fake.ours() == []


def test_the_check_says_that_the_account_has_moved(fake: FakeMastodon, on: int, stage: Stage) -> None:
    fake.us.moved = "support@new.example"
    found = stage(lambda world: connections.check(db.session.get_one(Channel, on), by=world.root))
    assert [one.is_well for one in found] == [True, False, True, True]


def test_nothing_follows_an_instance_to_another_address(fake: FakeMastodon, on: int, stage: Stage) -> None:
    fake.reading.append(
        lambda handler: answer_with(handler, 302, {"Location": "http://169.254.169.254/latest"}, b"") is None
    )
    found = stage(lambda world: connections.check(db.session.get_one(Channel, on), by=world.root))
    assert "169.254.169.254" in found[0].words
    assert not found[0].is_well


def test_the_environment_has_no_say(
    app: Flask, fake: FakeMastodon, on: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    hear(app, on, fake, fake.post("Heard all the same"))
    assert texts(app) == ["Heard all the same"]


def test_a_token_that_is_the_name_of_a_file_is_no_file(app: Flask, fake: FakeMastodon, on: int, tmp_path: Any) -> None:
    secret = tmp_path / "secret"
    secret.write_text("what only this machine knows")
    with app.app_context():
        client = client_for(fake.url, str(secret))
        assert client.access_token == str(secret)
        with pytest.raises(NotLetIn), speaking(client):
            client.account_verify_credentials()


def test_a_token_is_told_to_no_other_instance(
    fake: FakeMastodon, on: int, stage: Stage, settings: Callable[..., None]
) -> None:
    other = FakeMastodon()

    def scene(world: World) -> None:
        channel = db.session.get_one(Channel, on)
        connections.change(channel, name="Elsewhere", values={"instance": other.url, "token": ""}, by=world.root)
        assert "token" not in (channel.credentials or {})
        with pytest.raises(NotLetIn):
            next(iter(adapter_of(channel).poll(None)))

    settings(private_endpoints=f"127.0.0.1:{fake.port}, 127.0.0.1:{other.port}")
    try:
        stage(scene)
        assert other.asked == []
    finally:
        other.close()


def test_an_instance_without_encryption_is_refused(on: int, stage: Stage) -> None:
    def scene(world: World) -> None:
        values = {"instance": "http://mastodon.example.org", "token": "abc"}
        with pytest.raises(Invalid) as refused:
            connections.connect("mastodon", slug="open", name="Open", values=values, by=world.root)
        assert "instance" in refused.value.fields

    stage(scene)


# Signing in


def sign_in(browser: Any, on: int, fake: FakeMastodon) -> str:
    """Go to the service and let the desk in; return where the service sends one back to."""
    page = browser.post(f"/admin/channels/{on}/sign-in")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    address = re.search(r'href="([^"]+/oauth/authorize[^"]+)"', page.text)
    assert address is not None
    back = urlsplit(fake.grant(address[1].replace("&amp;", "&")))
    return f"{back.path}?{back.query}"


def told_by(back: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


@pytest.fixture
def unsigned(app: Flask, rig: MastodonRig, stage: Stage, settings: Callable[..., None]) -> int:
    """A channel that nobody has signed in on yet."""
    settings(**rig.settings())

    def scene(world: World) -> int:
        assert world.dora  # an agent, who may not connect channels
        values = {"instance": rig.fake.url + "/@support", "token": ""}
        return connections.connect("mastodon", slug="mastodon", name="M", values=values, by=world.root).id

    channel_id: int = stage(scene)
    return channel_id


def test_an_admin_signs_in_at_the_instance_and_the_channel_works(
    app: Flask, fake: FakeMastodon, unsigned: int, browser_of: Callable[[str], Any]
) -> None:
    poll_now(app, unsigned)
    with app.app_context():
        assert db.session.get_one(ChannelCourse, unsigned).next_at is None
    root = browser_of("root")
    back = sign_in(root, unsigned, fake)
    before = len(fake.tokens)
    page = root.get(back)
    assert page.status_code == 200
    assert len(fake.tokens) == before, "a GET changes nothing"
    assert root.post("/admin/channels/signed-in", data=told_by(back)).status_code == 303
    token = next(token for token in fake.tokens if token != fake.token)
    assert fake.tokens[token] == {"read:accounts", "read:notifications", "read:statuses", "write:statuses"}
    assert "does not work" not in root.post(f"/admin/channels/{unsigned}/check").text
    hear(app, unsigned, fake, fake.post("Hello"))
    assert texts(app) == ["Hello"]
    with app.app_context():
        raw = str(db.session.connection().exec_driver_sql("SELECT settings, credentials FROM channel").all())
        assert token not in raw
        assert next(iter(fake.apps.values()))["client_secret"] not in raw
        kept = db.session.get_one(Channel, unsigned).credentials or {}
        assert not [name for name in kept if name.startswith("letting_in")]


def test_a_sign_in_is_finished_once_by_who_began_it_and_in_time(
    app: Flask, fake: FakeMastodon, unsigned: int, browser_of: Callable[[str], Any]
) -> None:
    root = browser_of("root")
    back = sign_in(root, unsigned, fake)
    assert browser_of("dora").get(back).status_code == 403
    forged = {**told_by(back), "state": f"{unsigned}.forged"}
    assert root.post("/admin/channels/signed-in", data=forged).status_code == 422
    for state in ("", "x", "1.", "99999.x", "1.\ud800".encode("utf-8", "replace").decode()):
        assert root.post("/admin/channels/signed-in", data={"state": state, "code": "c"}).status_code == 422
    wrong = root.post("/admin/channels/signed-in", data={**told_by(back), "code": "wrong"})
    assert "The provided authorization grant is invalid." in wrong.text
    assert root.post("/admin/channels/signed-in", data=told_by(back)).status_code == 422, "the state is used up"
    late = sign_in(root, unsigned, fake)
    with app.app_context():
        channel = db.session.get_one(Channel, unsigned)
        past = (now() - timedelta(seconds=1)).isoformat()
        channel.credentials = {**(channel.credentials or {}), "letting_in_until": past}
        db.session.commit()
    assert root.post("/admin/channels/signed-in", data=told_by(late)).status_code == 422
    assert len(fake.tokens) == 1


def test_who_says_no_at_the_instance_is_told_so(
    fake: FakeMastodon, unsigned: int, browser_of: Callable[[str], Any]
) -> None:
    root = browser_of("root")
    told = told_by(sign_in(root, unsigned, fake))
    page = root.get(
        f"/admin/channels/signed-in?error=access_denied&error_description=You+said+no&state={told['state']}"
    )
    assert "You said no" in page.text


def test_an_instance_that_does_not_answer_leaves_the_page_in_words(
    rig: MastodonRig, unsigned: int, browser_of: Callable[[str], Any]
) -> None:
    rig.close()
    page = browser_of("root").post(f"/admin/channels/{unsigned}/sign-in")
    assert page.status_code == 200
    assert "refuses the connection" in page.text


def test_at_the_farewell_the_token_is_given_back(
    app: Flask,
    fake: FakeMastodon,
    unsigned: int,
    browser_of: Callable[[str], Any],
    stage: Stage,
    worker: Callable[[], None],
) -> None:
    root = browser_of("root")
    back = sign_in(root, unsigned, fake)
    root.post("/admin/channels/signed-in", data=told_by(back))
    assert len(fake.tokens) == 2
    stage(lambda world: forgetting.forget(db.session.get_one(Channel, unsigned), typed="mastodon", by=world.root))
    worker()
    assert list(fake.tokens) == [fake.token]


def test_the_fake_tells_nothing_that_the_library_does_not_declare(fake: FakeMastodon) -> None:
    told = fake.status_told(fake.post("Hello"))
    assert json.dumps(told)
    for wrong in (
        {**told, "colour": "red"},
        {**told, "created_at": "soon"},
        {k: v for k, v in told.items() if k != "uri"},
    ):
        with pytest.raises(AssertionError):
            fake.checked(wrong, return_types.Status)
    fake.wrong.clear()
