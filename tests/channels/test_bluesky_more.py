"""What is special about Bluesky: record keys, bytes, threads and gates, direct messages, sign-ins, a walk back."""

import base64
import hashlib
import os
import socket
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import undefer

from core.clock import now
from core.counting import shown_address
from core.db import db
from core.web import absolute
from desk import connections, polling, replies
from desk.channel_models import ChannelCourse, MessageFile
from desk.channels.base import ChannelFailed, NotLetIn, OutgoingReply, adapter_of
from desk.channels.bluesky import notices, writing
from desk.channels.bluesky.adapter import Bluesky
from desk.means import capabilities_of
from desk.models import Channel, Contact, Conversation, Message
from desk.person_models import ThreadPost
from kb import addresses
from tests.cast import World
from tests.channels.atproto import PASSWORD, Declined, Servers, mention_of
from tests.channels.conformance import at_once, poll_now, sent, texts
from tests.channels.test_bluesky import BlueskyRig
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture
def rig(at_servers: Servers) -> Iterator[BlueskyRig]:
    rig = BlueskyRig(at_servers)
    yield rig
    at_servers.control("reset")


@pytest.fixture
def on(app: Flask, rig: BlueskyRig, stage: Stage, settings: Callable[..., None]) -> int:
    settings(**rig.settings())
    channel_id: int = stage(lambda world: rig.connect(world).id)
    return channel_id


def adapter(channel_id: int) -> Bluesky:
    """What speaks to the account, in the context that is open and in no transaction."""
    secrets = [undefer(Channel.secret), undefer(Channel.credentials)]
    channel = db.session.get_one(Channel, channel_id, options=secrets, populate_existing=True)
    db.session.expunge(channel)
    db.session.rollback()
    made = adapter_of(channel)
    assert isinstance(made, Bluesky)
    return made


def reply_to(uri: str, text: str, **more: Any) -> OutgoingReply:
    told = {"id": 1, "key": "reply_1", "conversation": uri, "in_reply_to": uri, "is_public": True} | more
    return OutgoingReply(text=text, **told)


def answer(stage: Stage, text: str, **more: Any) -> None:
    def scene(world: World) -> None:
        conversation = db.session.scalars(select(Conversation)).one()
        replies.reply(conversation, text=text, by=world.dora, **more)

    stage(scene)


def counted(rig: BlueskyRig, method: str) -> int:
    return sum(1 for one in rig.servers.control("counts")["log"] if one["method"] == method)


# Writing


def test_a_repeated_record_key_makes_no_second_post(rig: BlueskyRig) -> None:
    told = {
        "repo": rig.desk.did,
        "collection": "app.bsky.feed.post",
        "rkey": writing.new_key(),
        "record": {"$type": "app.bsky.feed.post", "text": "Once.", "createdAt": "2026-01-05T10:00:00.000Z"},
    }
    rig.servers.call("com.atproto.repo.createRecord", told, token=rig.desk.token)
    with pytest.raises(Declined) as refusal:  # the PDS calls it an error of its own, which says nothing of the post
        rig.servers.call("com.atproto.repo.createRecord", told, token=rig.desk.token)
    assert refusal.value.status == 500
    assert len(rig.seen()) == 1


def test_a_repeat_is_in_doubt_and_then_found(app: Flask, rig: BlueskyRig, on: int) -> None:
    rig.write("My router is offline.", id="one")
    with app.app_context():
        reply = reply_to(rig.external_id("one"), "Please restart it.")
        own = adapter(on).own_id(reply)
        reply = reply_to(rig.external_id("one"), "Please restart it.", own_id=own)
        assert adapter(on).look_for(reply) is None
        first = adapter(on).send(reply)
        with pytest.raises(ChannelFailed) as failure:
            adapter(on).send(reply)
        assert failure.value.unsure
        assert not failure.value.permanent
        found = adapter(on).look_for(reply)
    assert found is not None
    assert (found.id, found.url) == (first.id, first.url)
    assert len(rig.seen()) == 1


def test_record_keys_are_of_now_and_differ() -> None:
    keys = [writing.new_key() for _ in range(200)]
    assert len(set(keys)) == 200
    assert all(len(key) == 13 for key in keys)
    assert abs((writing.moment_of(keys[0]) - now()).total_seconds()) < 5
    assert min([*keys[:1], writing.new_key()]) == keys[0]


def test_facets_lie_at_bytes_and_a_long_address_is_shown_short(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    url = "https://help.example.org/kb/12-a-very-long-title-of-an-article?ä=ö"
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    other = rig.by("erika")
    text = f"Größe 👩‍👩‍👧‍👦 prüfen: {url}. Danke @{other.handle} und @nobody.test #Köln #12 (#zwei)"
    answer(stage, text)
    worker()
    record = rig.servers.records(rig.desk)[0]["value"]
    raw = record["text"].encode()
    seen = {
        raw[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode(): one["features"][0]
        for one in record["facets"]
    }
    assert seen == {
        shown_address(url): {"$type": "app.bsky.richtext.facet#link", "uri": url},
        f"@{other.handle}": {"$type": "app.bsky.richtext.facet#mention", "did": other.did},
        "#Köln": {"$type": "app.bsky.richtext.facet#tag", "tag": "Köln"},
        "#zwei": {"$type": "app.bsky.richtext.facet#tag", "tag": "zwei"},
    }
    assert record["langs"] == ["de"]
    assert len(shown_address(url)) < len(url)


def test_the_longest_text_that_counts_as_fitting_is_taken(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    url = "https://help.example.org/" + "x" * 400
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    with app.app_context():
        measure = adapter(on).measure
        text = f"{url} " + "ü" * (300 - len(shown_address(url)) - 1)
        assert measure.fits(text)
        assert not measure.fits(text + "ü")
        assert not measure.fits("👩‍👩‍👧‍👦" * 290)  # 290 graphemes, and more than 3,000 bytes
    answer(stage, text)
    worker()
    with app.app_context():
        assert sent(app).state == "sent"
    assert len(rig.seen()) == 1


def test_the_parts_of_a_long_answer_hang_on_each_other_under_one_root(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    rig.write("My router is offline.", id="one")
    rig.write("It worked yesterday.", id="two", answers="one")
    rig.bring(app)
    answer(stage, "Ein langer Satz über das Netz. " * 20, manner=replies.Manner(split="numbered"))
    for _ in range(5):
        worker()
    records = rig.servers.records(rig.desk)[::-1]
    assert len(records) >= 3
    assert {one["value"]["reply"]["root"]["uri"] for one in records} == {rig.external_id("one")}
    parents = [one["value"]["reply"]["parent"] for one in records]
    assert parents[0]["uri"] == rig.external_id("two")
    assert [one["uri"] for one in parents[1:]] == [one["uri"] for one in records[:-1]]
    assert [one["cid"] for one in parents[1:]] == [one["cid"] for one in records[:-1]]


def test_a_link_to_an_article_of_ours_gets_a_card(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    url = stage(lambda world: absolute(addresses.of_article(Shelf(world).published(title="Router offline"))))
    answer(stage, f"Please see {url} and restart it.")
    worker()
    card = rig.servers.records(rig.desk)[0]["value"]["embed"]
    assert card["$type"] == "app.bsky.embed.external"
    assert card["external"]["uri"].rpartition("/")[0] == url.rpartition("-")[0].rpartition("-")[0], "with its token"
    assert card["external"]["title"] == "Router offline"


def test_what_was_taken_away_cannot_be_answered(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    answer(stage, "Please restart it.")
    rig.remove("one")
    worker()
    with app.app_context():
        assert sent(app).state == "failed"
        assert "not there any more" in (sent(app).failure or "")


def test_the_firehose_tells_of_our_post(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    door = urllib.parse.urlsplit(rig.servers.pds)
    with socket.create_connection((str(door.hostname), int(door.port or 0)), timeout=10) as line:
        key = base64.b64encode(os.urandom(16)).decode()
        line.sendall(
            f"GET /xrpc/com.atproto.sync.subscribeRepos HTTP/1.1\r\nHost: {door.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        greeting = line.recv(4096)
        seal = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
        assert greeting.startswith(b"HTTP/1.1 101")
        assert base64.b64encode(seal) in greeting
        answer(stage, "Please restart it once.")
        worker()
        path = f"app.bsky.feed.post/{rig.seen()[0].id.rsplit('/', 1)[1]}".encode()
        heard = greeting
        while path not in heard:
            part = line.recv(65536)
            assert part, "the firehose ended"
            heard += part
    assert rig.desk.did.encode() in heard


# Hiding


def test_a_reply_under_a_post_of_ours_is_hidden_and_shown_again(app: Flask, rig: BlueskyRig, on: int) -> None:
    root = rig.servers.post(rig.desk, "We have a new router.")
    ugly = rig.servers.post(rig.by("max"), "You are all thieves!", reply={"root": root, "parent": root})
    other = rig.servers.post(rig.by("max"), "Thieves, I say!", reply={"root": root, "parent": ugly})
    with app.app_context():
        for uri in (ugly["uri"], other["uri"], other["uri"]):  # the second time is no news
            adapter(on).hide(uri, is_hidden=True)
        (gate,) = rig.servers.records(rig.desk, "app.bsky.feed.threadgate")
        assert gate["value"]["hiddenReplies"] == [ugly["uri"], other["uri"]]
        assert gate["value"]["post"] == root["uri"]
        assert gate["uri"].rsplit("/", 1)[1] == root["uri"].rsplit("/", 1)[1]
        assert "allow" not in gate["value"]
        adapter(on).hide(ugly["uri"], is_hidden=False)
    (gate,) = rig.servers.records(rig.desk, "app.bsky.feed.threadgate")
    assert gate["value"]["hiddenReplies"] == [other["uri"]]


def test_who_may_reply_stays_as_it_was_when_something_is_hidden(app: Flask, rig: BlueskyRig, on: int) -> None:
    root = rig.servers.post(rig.desk, "We have a new router.")
    key = root["uri"].rsplit("/", 1)[1]
    gate = {
        "$type": "app.bsky.feed.threadgate",
        "post": root["uri"],
        "createdAt": "2026-01-05T10:00:00.000Z",
        "allow": [{"$type": "app.bsky.feed.threadgate#mentionRule"}],
    }
    told = {"repo": rig.desk.did, "collection": "app.bsky.feed.threadgate", "rkey": key, "record": gate}
    rig.servers.call("com.atproto.repo.putRecord", told, token=rig.desk.token)
    ugly = rig.servers.post(rig.by("max"), "Thieves!", reply={"root": root, "parent": root})
    with app.app_context():
        adapter(on).hide(ugly["uri"], is_hidden=True)
    (found,) = rig.servers.records(rig.desk, "app.bsky.feed.threadgate")
    assert found["value"] == gate | {"hiddenReplies": [ugly["uri"]]}


def test_what_stands_under_somebody_elses_post_cannot_be_hidden(app: Flask, rig: BlueskyRig, on: int) -> None:
    rig.write("My router is offline.", id="one")
    with app.app_context(), pytest.raises(ChannelFailed, match="under posts of ours") as failure:
        adapter(on).hide(rig.external_id("one"), is_hidden=True)
    assert failure.value.permanent
    assert rig.servers.records(rig.desk, "app.bsky.feed.threadgate") == []


# Reading


def test_each_who_comments_on_a_post_of_ours_has_a_conversation(app: Flask, rig: BlueskyRig, on: int) -> None:
    root = rig.servers.post(rig.desk, "We have a new router.")
    first = rig.servers.post(rig.by("max"), "Mine is broken.", reply={"root": root, "parent": root})
    second = rig.servers.post(rig.by("erika"), "Mine is great.", reply={"root": root, "parent": root})
    deeper = rig.servers.post(rig.by("max"), "Hello? Anybody?", reply={"root": root, "parent": first})
    for each in (deeper, second, first):
        rig.servers.notify(rig.desk, each["uri"], "reply")
    poll_now(app, on)
    with app.app_context():
        where = {one.text: one.conversation.external_id for one in db.session.scalars(select(Message))}
        assert where == {
            "Mine is broken.": first["uri"],
            "Mine is great.": second["uri"],
            "Hello? Anybody?": first["uri"],
        }
        kinds = {one.text: one.kind for one in db.session.scalars(select(Message))}
        assert kinds == {"Mine is broken.": "comment", "Mine is great.": "comment", "Hello? Anybody?": "reply"}
        ours = db.session.scalars(select(ThreadPost).where(ThreadPost.is_ours)).all()
        assert {one.text for one in ours} == {"We have a new router."}


def test_a_quote_comes_with_what_it_quotes(app: Flask, rig: BlueskyRig, on: int) -> None:
    ours = rig.servers.post(rig.desk, "Our network never fails.")
    embed = {"$type": "app.bsky.embed.record", "record": ours}
    quote = rig.servers.post(rig.by("max"), "Ha! Look at this.", embed=embed)
    rig.servers.notify(rig.desk, quote["uri"], "quote")
    poll_now(app, on)
    with app.app_context():
        assert db.session.scalars(select(Message)).one().kind == "mention"
        post = db.session.scalars(select(ThreadPost)).one()
        assert (post.text, post.is_ours) == ("Our network never fails.", True)


def test_pictures_come_along_with_their_words_and_links_as_they_are(app: Flask, rig: BlueskyRig, on: int) -> None:
    writer = rig.by("max")
    png = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
    blob = rig.servers.upload(writer, png, "image/png")
    words = "Ä: siehe example.org/lang… und hier"
    link = {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.org/lang/und/breit"}
    named = {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.net/"}
    raw = words.encode()

    def at(part: str, feature: dict[str, Any]) -> dict[str, Any]:
        begin = raw.index(part.encode())
        return {"index": {"byteStart": begin, "byteEnd": begin + len(part.encode())}, "features": [feature]}

    missing = {**blob, "ref": {"$link": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"}}
    post = rig.servers.post(
        writer,
        words,
        facets=[*mention_of(rig.desk), at("example.org/lang…", link), at("hier", named)],
        embed={"$type": "app.bsky.embed.images", "images": [{"image": blob, "alt": "Das rote Licht"}]},
    )
    view = rig.servers.see(post["uri"])
    record = view["value"] | {"embed": {**view["value"]["embed"]}}
    record["embed"]["images"] = [*record["embed"]["images"], {"image": missing, "alt": "Noch eins"}]
    rig.servers.control(
        "post", uri=post["uri"], cid=post["cid"], did=writer.did, record=record, indexedAt="2026-01-05T10:00:00.000Z"
    )
    rig.servers.notify(rig.desk, post["uri"], "mention")
    poll_now(app, on)
    assert texts(app) == [
        (
            "Ä: siehe https://example.org/lang/und/breit und hier (https://example.net/)\n"
            "[A picture that could not be fetched: Noch eins]"
        )
    ]
    with app.app_context():
        file = db.session.scalars(select(MessageFile)).one()
        assert (file.media_type, file.words, file.content) == ("image/png", "Das rote Licht", png)
        assert db.session.scalars(select(Contact)).one().reach == 1200


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:{port}", "http://localhost:{port}", "http://[::1]:{port}"])
def test_a_strangers_server_inside_the_house_is_not_asked(app: Flask, rig: BlueskyRig, on: int, endpoint: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.2)
        port = canary.getsockname()[1]
        did = rig.servers.control("stranger", endpoint=endpoint.format(port=port), handle="evil.test")["did"]
        uri = f"at://{did}/app.bsky.feed.post/{writing.new_key()}"
        cid = "bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
        image = {"$type": "blob", "ref": {"$link": cid}, "mimeType": "image/png", "size": 5}
        record = {
            "$type": "app.bsky.feed.post",
            "text": "Look at this.",
            "createdAt": "2026-01-05T10:00:00.000Z",
            "embed": {"$type": "app.bsky.embed.images", "images": [{"image": image, "alt": "A trap"}]},
        }
        rig.servers.control("post", uri=uri, cid=cid, did=did, record=record, indexedAt="2026-01-05T10:00:00.000Z")
        rig.servers.notify(rig.desk, uri, "mention")
        poll_now(app, on)
        rig.servers.control("unpost", uri=uri)
        poll_now(app, on)  # whether it was taken away would be said there, too
        with pytest.raises(TimeoutError):
            canary.accept()
    assert texts(app) == ["Look at this.\n[A picture that could not be fetched: A trap]"]


def test_a_walk_that_breaks_off_goes_on_where_it_stopped(
    app: Flask, rig: BlueskyRig, on: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "PAGE", 3)
    monkeypatch.setattr(notices, "MOST_PAGES", 2)
    writer, begin = rig.by("max"), now() - timedelta(hours=10)

    def written(number: int) -> None:
        post = rig.servers.post(writer, f"Question {number}", facets=mention_of(rig.desk))
        rig.servers.notify(rig.desk, post["uri"], "mention", begin + timedelta(minutes=20 * number))

    for number in range(10):
        written(number)
    poll_now(app, on)  # six of ten, the newest first
    assert len(texts(app)) == 6
    with app.app_context():
        course = db.session.get_one(ChannelCourse, on)
        assert course.next_at is not None
        assert course.next_at <= now() + timedelta(seconds=1)
    for number in range(10, 14):  # these come while the walk is interrupted
        written(number)
    rig.trouble_reading("500")
    for _ in range(5):
        poll_now(app, on)
    assert sorted(texts(app)) == sorted(f"Question {number}" for number in range(14))


def test_a_post_whose_writers_clock_is_late_is_not_missed(app: Flask, rig: BlueskyRig, on: int) -> None:
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    late = rig.servers.post(rig.by("erika"), "Mine as well.", facets=mention_of(rig.desk))
    rig.servers.notify(rig.desk, late["uri"], "mention", datetime.now(UTC) - timedelta(minutes=10))
    poll_now(app, on)
    assert sorted(texts(app)) == ["Mine as well.", "My router is offline."]


def test_nothing_is_asked_twice_about_what_is_known(app: Flask, rig: BlueskyRig, on: int) -> None:
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    rig.servers.control("reset")
    poll_now(app, on)
    assert counted(rig, "app.bsky.notification.listNotifications") == 1
    assert counted(rig, "app.bsky.feed.getPosts") == 1  # whether it still stands there
    assert counted(rig, "app.bsky.actor.getProfiles") == 0
    assert counted(rig, "com.atproto.server.createSession") == 0


def test_what_only_the_appview_leaves_out_is_not_taken_for_gone(app: Flask, rig: BlueskyRig, on: int) -> None:
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    rig.servers.control("unpost", uri=rig.external_id("one"))  # as when its writer blocks us
    poll_now(app, on)
    assert texts(app) == ["My router is offline."]


def test_what_a_stranger_writes_into_a_record_stops_nobody(app: Flask, rig: BlueskyRig, on: int) -> None:
    broken = rig.servers.post(rig.by("max"), "Look", facets=mention_of(rig.desk))
    record = {
        "$type": "app.bsky.feed.post",
        "text": "\ud83d half \u202e and whole",
        "createdAt": "yesterday",
        "langs": [7],
        "reply": {"parent": "no", "root": {"uri": 5}},
        "facets": [{"index": "x"}, {"index": {"byteStart": 0, "byteEnd": 9999}, "features": [{"uri": 5}]}, 7],
        "embed": {"$type": "app.bsky.embed.images", "images": [7, {"image": {"ref": {"$link": "../../etc"}}}]},
    }
    told = {"uri": broken["uri"], "cid": broken["cid"], "did": rig.by("max").did, "indexedAt": "2026-01-05T10:00:00Z"}
    rig.servers.control("post", record=record, **told)
    rig.servers.notify(rig.desk, broken["uri"], "mention")
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    assert "My router is offline." in texts(app)
    assert len(texts(app)) == 2


def test_where_replies_are_closed_the_desk_says_so(app: Flask, rig: BlueskyRig, on: int) -> None:
    writer = rig.by("max")
    rig.servers.control("person", did=writer.did, closed=True, allows="none")
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    with app.app_context():
        assert capabilities_of(db.session.scalars(select(Conversation)).one()).why_not
    rig.servers.control("person", did=writer.did, closed=False, allows="all")
    rig.write("And now?", id="two", answers="one")
    rig.bring(app)
    with app.app_context():
        means = capabilities_of(db.session.scalars(select(Conversation)).one())
        assert (means.why_not, means.public, means.private) == ("", True, True)


def test_who_takes_another_handle_is_the_same_person(app: Flask, rig: BlueskyRig, on: int) -> None:
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    writer, other = rig.by("max"), rig.by("erika")
    taken, free = writer.handle, f"maxine-{writer.handle}"
    rig.servers.call("com.atproto.identity.updateHandle", {"handle": free}, token=writer.token)
    rig.servers.control("person", did=writer.did, handle=free)
    rig.write("It is me again.", id="two")
    rig.bring(app)
    with app.app_context():
        assert db.session.scalars(select(Contact)).one().handle == f"@{free}"
    rig.servers.call("com.atproto.identity.updateHandle", {"handle": taken}, token=other.token)
    rig.servers.control("person", did=other.did, handle=taken)
    rig.write("I have this name now.", id="three", by="erika")
    rig.bring(app)
    with app.app_context():
        wrote = {one.text: one.contact for one in db.session.scalars(select(Message))}
        assert wrote["My router is offline."].id == wrote["It is me again."].id
        assert wrote["I have this name now."].id != wrote["It is me again."].id
        assert wrote["I have this name now."].handle == f"@{taken}"
        assert wrote["It is me again."].external_id == writer.did


# Direct messages


def test_a_direct_message_arrives_and_is_answered_in_private(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    writer = rig.by("max")
    rig.servers.control("write", **{"from": writer.did, "to": rig.desk.did, "text": "Größe 🙈?"})
    poll_now(app, on)
    rig.servers.control("write", **{"from": writer.did, "to": rig.desk.did, "text": "Hello?"})
    poll_now(app, on)
    assert texts(app) == ["Größe 🙈?", "Hello?"]
    with app.app_context():
        conversation = db.session.scalars(select(Conversation)).one()
        assert {one.kind for one in conversation.messages} == {"direct"}
        assert not any(one.is_public for one in conversation.messages)
        means = capabilities_of(conversation)
        assert (means.public, means.private, means.why_not) == (False, True, "")
        assert conversation.contact.handle == f"@{writer.handle}"
    answer(stage, "Bitte einmal neu starten: https://help.example.org/", is_public=False)
    worker()
    convo = rig.servers.control("convo", a=rig.desk.did, b=writer.did)
    assert convo["messages"][-1]["text"] == "Bitte einmal neu starten: help.example.org/"
    assert convo["messages"][-1]["facets"][0]["features"][0]["uri"] == "https://help.example.org/"
    assert rig.seen() == []
    poll_now(app, on)
    assert texts(app) == ["Größe 🙈?", "Hello?"]


def test_what_goes_on_in_private_stays_one_conversation(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    rig.write("My router is offline, customer 4711.", id="one")
    rig.bring(app)
    answer(stage, "Which model is it?", is_public=False)
    worker()
    writer = rig.by("max")
    rig.servers.control("write", **{"from": writer.did, "to": rig.desk.did, "text": "The black one."})
    poll_now(app, on)
    rig.servers.control("write", **{"from": writer.did, "to": rig.desk.did, "text": "With four lights."})
    poll_now(app, on)
    with app.app_context():
        conversation = db.session.scalars(select(Conversation)).one()
        assert [one.text for one in conversation.messages] == [
            "My router is offline, customer 4711.",
            "Which model is it?",
            "The black one.",
            "With four lights.",
        ]
    answer(stage, "Thank you, it works again.", is_public=True)
    worker()
    assert [one.answers for one in rig.seen()] == [rig.external_id("one")]


def test_a_private_word_goes_to_whom_it_answers_and_to_nobody_else_of_the_thread(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    answer(stage, "Your number, please?", is_public=False)
    worker()
    rig.write("Mine as well!", id="two", answers="one", by="erika")
    rig.bring(app)
    answer(stage, "And yours, please?", is_public=False)
    worker()
    told = {
        name: [one["text"] for one in rig.servers.control("convo", a=rig.desk.did, b=rig.by(name).did)["messages"]]
        for name in ("max", "erika")
    }
    assert told == {"max": ["Your number, please?"], "erika": ["And yours, please?"]}


@pytest.mark.parametrize("what", ["timeout", "lost answer", "half", "500"])
def test_of_a_direct_message_nobody_knows_of_none_is_sent_twice(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None], what: Any
) -> None:
    writer = rig.by("max")
    rig.servers.control("write", **{"from": writer.did, "to": rig.desk.did, "text": "Hello?"})
    poll_now(app, on)
    answer(stage, "Please restart it once.", is_public=False)
    rig.trouble(what)
    for _ in range(3):
        worker()
        at_once(app)
    convo = rig.servers.control("convo", a=rig.desk.did, b=writer.did)
    assert [one["text"] for one in convo["messages"]] == ["Hello?", "Please restart it once."]
    with app.app_context():
        assert sent(app).state == "sent"
        assert (sent(app).external_id or "").startswith("chat:")


def test_the_same_words_twice_are_two_direct_messages(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    writer = rig.by("max")
    rig.servers.control("write", **{"from": writer.did, "to": rig.desk.did, "text": "Hello?"})
    poll_now(app, on)
    answer(stage, "One moment please.", is_public=False)
    worker()
    answer(stage, "One moment please.", is_public=False)
    rig.trouble("timeout")
    worker()
    at_once(app)
    worker()
    convo = rig.servers.control("convo", a=rig.desk.did, b=writer.did)
    assert [one["text"] for one in convo["messages"]] == ["Hello?", "One moment please.", "One moment please."]


def test_who_takes_no_direct_messages_is_told_in_words(app: Flask, rig: BlueskyRig, on: int) -> None:
    rig.write("My router is offline.", id="one")
    writer = rig.by("max")
    for allows, words in (("none", "no direct messages"), ("following", "only from accounts that they follow")):
        rig.servers.control("person", did=writer.did, allows=allows)
        with app.app_context(), pytest.raises(ChannelFailed, match=words) as failure:
            adapter(on).send(reply_to(rig.external_id("one"), "Hello", is_public=False, handle=f"@{writer.handle}"))
        assert failure.value.permanent


def test_an_app_password_without_direct_messages_is_noticed(
    app: Flask, rig: BlueskyRig, stage: Stage, settings: Callable[..., None]
) -> None:
    settings(**rig.settings())
    rig.password = rig.servers.app_password(rig.desk, may_chat=False)
    on = stage(lambda world: rig.connect(world).id)
    found = stage(lambda world: connections.check(db.session.get_one(Channel, on), by=world.root))
    assert [one.is_well for one in found] == [True, True, False]
    assert "no access to direct messages" in found[-1].words
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    assert texts(app) == ["My router is offline."]
    with app.app_context():
        assert not capabilities_of(db.session.scalars(select(Conversation)).one()).private


# Signing in


def test_one_sign_in_lasts_for_many_requests_and_is_renewed_when_it_ends(
    app: Flask, rig: BlueskyRig, on: int, stage: Stage, worker: Callable[[], None]
) -> None:
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    rig.bring_again(app)
    answer(stage, "Please restart it once.")
    worker()
    assert counted(rig, "com.atproto.server.createSession") == 1
    assert counted(rig, "com.atproto.server.refreshSession") == 0
    rig.servers.control("door", expired=1)
    poll_now(app, on)
    assert counted(rig, "com.atproto.server.refreshSession") == 1
    assert counted(rig, "com.atproto.server.createSession") == 1
    with app.app_context():
        assert db.session.get_one(ChannelCourse, on).failures == 0


def test_ten_at_once_sign_in_once(app: Flask, rig: BlueskyRig, on: int) -> None:
    wrong: list[BaseException] = []

    def go() -> None:
        try:
            with app.app_context():
                adapter(on)._connection.signed_in()
        except BaseException as error:  # noqa: BLE001 -- a thread's failure is the test's
            wrong.append(error)

    threads = [threading.Thread(target=go) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert wrong == []
    assert counted(rig, "com.atproto.server.createSession") == 1


def test_a_wrong_password_is_not_tried_again(app: Flask, rig: BlueskyRig, stage: Stage, settings: Any) -> None:
    settings(**rig.settings())
    rig.password = "wrong-pass-word-here"
    on = stage(lambda world: rig.connect(world).id)
    poll_now(app, on)
    with app.app_context():
        course = db.session.get_one(ChannelCourse, on)
        assert course.next_at is None
        assert "does not accept this handle and app password" in course.failure
        polling.poll_due()
    assert counted(rig, "com.atproto.server.createSession") == 1


def test_what_an_admin_says_anew_ends_the_old_sign_in(app: Flask, rig: BlueskyRig, on: int, stage: Stage) -> None:
    poll_now(app, on)
    other = rig.servers.person("other")

    def scene(world: World) -> None:
        channel = db.session.get_one(Channel, on)
        values = {**{name: str(value) for name, value in channel.settings.items()}, "chat": "y"}
        values |= {"handle": other.handle, "password": PASSWORD}
        connections.change(channel, name="Sky", values=values, by=world.root)

    stage(scene)
    poll_now(app, on)
    with app.app_context():
        assert adapter(on)._connection.known is not None
        assert adapter(on)._connection.signed_in().did == other.did
        found = adapter(on).check()
        assert "own password" in found[1].words  # it is not an app password


def test_the_server_is_found_by_the_did(
    app: Flask, rig: BlueskyRig, stage: Stage, settings: Callable[..., None]
) -> None:
    settings(**rig.settings())

    def scene(world: World) -> int:
        values = {"handle": rig.desk.did, "password": rig.password, "directory": rig.servers.directory, "chat": ""}
        return connections.connect("bluesky", slug="sky", name="Sky", values=values, by=world.root).id

    on = stage(scene)
    rig.write("My router is offline.", id="one")
    rig.bring(app)
    assert texts(app) == ["My router is offline."]
    with app.app_context():
        assert adapter(on)._connection.signed_in().server == rig.servers.pds


def test_an_account_that_is_switched_off_is_told_in_words(app: Flask, rig: BlueskyRig, on: int) -> None:
    rig.servers.call("com.atproto.server.deactivateAccount", {}, token=rig.desk.token)
    with app.app_context(), pytest.raises(NotLetIn, match="not active"):
        adapter(on)._connection.signed_in()


def test_a_sign_in_is_given_back_at_the_end(app: Flask, rig: BlueskyRig, on: int) -> None:
    poll_now(app, on)
    with app.app_context():
        session = adapter(on)._connection.signed_in()
        adapter(on).farewell()
    with pytest.raises(Declined):
        rig.servers.refresh(session.refresh)


def test_what_the_server_says_of_its_limits_stands_on_the_health_page(app: Flask, rig: BlueskyRig, on: int) -> None:
    reset = int(now().timestamp()) + 200
    limits = {"ratelimit-limit": "3000", "ratelimit-remaining": "2871", "ratelimit-reset": str(reset)}
    rig.servers.control("door", limits=limits)
    poll_now(app, on)
    with app.app_context():
        course = db.session.get_one(ChannelCourse, on)
        assert course.quota_left == 2871
        assert course.quota_renewed_at == datetime.fromtimestamp(reset, UTC)
