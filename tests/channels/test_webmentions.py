"""Webmentions come in and go out: what a stranger says is looked up through the guard before it is believed."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import AuditEntry
from core.db import db
from core.outbox import Delivery
from desk import by_hand, connections, conversations, exchanges, watch_lists, webmentions
from desk.models import Channel, Conversation, Message
from forum import addresses, moderation
from forum.models import Topic
from tests.cast import World
from tests.channels.conformance import texts
from tests.channels.feed_server import Page, Post, Server
from tests.channels.test_feeds import ask

Stage = Callable[[Callable[[World], Any]], Any]
BASE = "http://localhost"
DOOR = "/channels/blogs/webmention"


@pytest.fixture
def server(settings: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    # Now and then a process asks who takes them; here it always asks, and forgets what another test had.
    monkeypatch.setattr(webmentions, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(webmentions, "_known", webmentions._Known())
    there = Server()
    settings(private_endpoints=f"127.0.0.1:{there.port}")
    yield there
    there.close()
    assert there.wrong == []


@pytest.fixture
def topic(stage: Stage, server: Server) -> str:
    """The path of a question of ours, with a channel for feeds open."""

    def scene(world: World) -> str:
        connections.connect(
            "feeds", slug="blogs", name="Blogs", values={"words": "Klinke", "mentions": "y"}, by=world.root
        )
        return addresses.of_topic(world.ask())

    return str(stage(scene))


def page(target: str, words: str = "I hate Klinke.") -> Page:
    return Page(
        raw=f"""<!doctype html><html><head><title>My &amp; mine</title><meta name="author" content="Max M."></head>
        <body><nav>Menu</nav><article><p>{words} See <a class=x href="{target}#p3">there</a>.</p><script>x()</script>
        </article><footer>Foot</footer></body></html>""".encode(),
        content_type="text/html; charset=utf-8",
    )


def mention(app: Flask, source: str, target: str, door: str = DOOR) -> int:
    return int(app.test_client().post(door, data={"source": source, "target": target}).status_code)


def test_a_page_that_links_to_us_comes_in_once_as_a_message(
    app: Flask, server: Server, topic: str, worker: Callable[[], None]
) -> None:
    server.pages["/post"] = page(BASE + topic)
    for _ in range(3):
        assert mention(app, server.url("/post"), BASE + topic) == 202
    assert server.asked == [], "nothing is looked up while somebody waits"
    worker()
    assert texts(app) == ["My & mine\n\nI hate Klinke. See there."]
    with app.app_context():
        message = db.session.scalars(select(Message)).one()
        assert (message.kind, message.url, message.is_public) == ("mention", server.url("/post"), True)
        assert message.contact is not None
        assert message.contact.name == "Max M."
        assert message.edited_at is None


def test_a_page_that_changed_changes_here_and_one_that_links_no_longer_goes(
    app: Flask, server: Server, topic: str, worker: Callable[[], None]
) -> None:
    server.pages["/post"] = page(BASE + topic)
    mention(app, server.url("/post"), BASE + topic)
    worker()
    server.pages["/post"] = page(BASE + topic, "I love Klinke now, since they helped me.")
    mention(app, server.url("/post"), BASE + topic)
    worker()
    assert texts(app) == ["My & mine\n\nI love Klinke now, since they helped me. See there."]
    server.pages["/post"].answers = [500]
    mention(app, server.url("/post"), BASE + topic)
    worker()
    assert len(texts(app)[0]) > 10, "a server that is ill takes nothing away"
    server.pages["/post"] = page("https://elsewhere.example/")
    mention(app, server.url("/post"), BASE + topic)
    worker()
    assert texts(app) == [""]


def test_a_page_that_is_gone_goes_here(app: Flask, server: Server, topic: str, worker: Callable[[], None]) -> None:
    server.pages["/post"] = page(BASE + topic)
    mention(app, server.url("/post"), BASE + topic)
    worker()
    server.pages["/post"].answers = [410]
    mention(app, server.url("/post"), BASE + topic)
    worker()
    assert texts(app) == [""]


def test_a_page_that_does_not_link_to_us_is_nothing(
    app: Flask, server: Server, topic: str, worker: Callable[[], None]
) -> None:
    server.pages["/post"] = page("https://elsewhere.example" + topic)
    server.pages["/said"] = Page(raw=f"<p>{BASE}{topic}</p>".encode(), content_type="text/html")
    for path in ("/post", "/said", "/nowhere"):
        assert mention(app, server.url(path), BASE + topic) == 202
    worker()
    assert texts(app) == []
    with app.app_context():
        assert db.session.scalar(select(func.count(Delivery.id))) == 0


@pytest.mark.parametrize(
    "source",
    [
        "",
        "nonsense",
        "http://127.0.0.1/post",
        "http://[::1]/post",
        "http://[::ffff:127.0.0.1]/post",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "file:///etc/passwd",
        "http://user@blog.example/",
        "http://blog.example:8080/",
        "http://localhost/t/1",
    ],
)
def test_a_source_that_is_no_way_out_is_refused_at_the_door(
    app: Flask, server: Server, topic: str, source: str
) -> None:
    assert mention(app, source, BASE + topic) == 400


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost"])
def test_a_source_whose_name_means_this_machine_is_never_fetched(
    app: Flask, server: Server, topic: str, worker: Callable[[], None], host: str
) -> None:
    for source in (f"http://{host}/post", server.url("/hop")):
        server.pages["/hop"] = Page(moved=(302, f"http://{host}:{server.port}/post"))
        server.pages["/post"] = page(BASE + topic)
        assert mention(app, source, BASE + topic) in {202, 400}
    worker()
    assert [path for path, _headers in server.asked] == ["/hop"]
    assert texts(app) == []


def test_only_pages_that_everybody_can_read_are_targets(app: Flask, server: Server, topic: str, stage: Stage) -> None:
    for target in ("", "/", topic, BASE, f"{BASE}/desk", f"{BASE}/t/4711", "https://elsewhere.example" + topic):
        assert mention(app, "https://blog.example/post", target) == 400
    stage(_mute)
    assert mention(app, "https://blog.example/post", BASE + topic) == 400


def _mute(world: World) -> None:
    moderation.mute(db.session.scalars(select(Topic)).one(), by=world.ada, reason="spam")


def test_nothing_is_taken_where_no_channel_wants_it(app: Flask, server: Server, topic: str, stage: Stage) -> None:
    assert mention(app, "https://blog.example/", BASE + topic, "/channels/nobody/webmention") == 404
    stage(lambda _world: _no_mentions())
    assert mention(app, "https://blog.example/", BASE + topic) == 404


def _no_mentions() -> None:
    channel = db.session.scalars(select(Channel)).one()
    channel.settings = {**channel.settings, "mentions": False}


def test_questions_and_articles_say_where_webmentions_go_while_somebody_takes_them(
    app: Flask, server: Server, topic: str, stage: Stage
) -> None:
    said = f'<{BASE}{DOOR}>; rel="webmention"'
    assert app.test_client().get(topic).headers.get("Link") == said
    assert app.test_client().get(topic).headers.get("Link") == said, "also from the shelf"
    assert "Link" not in app.test_client().get("/").headers
    stage(lambda _world: _no_mentions())
    assert "Link" not in app.test_client().get(topic).headers


def test_a_flood_is_held_up(app: Flask, server: Server, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webmentions, "MOST_WAITING", 3)
    answers = [mention(app, f"https://blog.example/{number}", BASE + topic) for number in range(5)]
    assert answers == [202, 202, 202, 429, 429]


# Out


@pytest.fixture
def case(app: Flask, server: Server, topic: str, stage: Stage) -> int:
    """A blog post that is a case."""
    server.pages["/feed"] = Page(posts=[Post("post", "Klinke broke my router. What now?")])
    stage(
        lambda world: watch_lists.add(
            db.session.scalars(select(Channel)).one(),
            url=server.url("/feed"),
            title="Max",
            takes="all",
            words="",
            by=world.root,
        )
    )
    ask(app)
    with app.app_context():
        return db.session.scalars(select(Conversation.id)).one()


def outcome(app: Flask) -> str:
    with app.app_context():
        entry = select(AuditEntry).where(AuditEntry.deed == "desk.conversation.webmention")
        return db.session.scalars(entry).one().reason


@pytest.mark.parametrize(
    "advert",
    [
        {"headers": {"Link": '</x>; rel="other", </mentions?a=1>; rel="webmention"'}},
        {"raw": b"<p><!-- --></p><link href='/mentions?a=1' rel='webmention'>"},
        {"raw": b'<body><a rel="nofollow webmention" href="mentions?a=1">x</a></body>'},
    ],
)
def test_the_blog_hears_of_our_answer_where_it_stands_in_the_forum(
    app: Flask, server: Server, topic: str, case: int, stage: Stage, worker: Callable[[], None], advert: dict[str, Any]
) -> None:
    server.pages["/post"] = Page(**{"raw": b"<html></html>", "content_type": "text/html", **advert})
    stage(
        lambda world: by_hand.record(
            db.session.get_one(Conversation, case), text="See there.", url=BASE + topic, by=world.dora
        )
    )
    worker()
    assert server.mentions == [{"source": BASE + topic, "target": server.url("/post")}]
    assert outcome(app) == "The blog took the webmention."


def test_what_became_of_it_stands_in_the_history(
    app: Flask, server: Server, topic: str, case: int, stage: Stage, worker: Callable[[], None], browser_of: Any
) -> None:
    server.pages["/post"] = Page(raw=b"", content_type="text/html", headers={"Link": "</mentions>; rel=webmention"})
    server.mention_status = 400
    stage(
        lambda world: by_hand.record(
            db.session.get_one(Conversation, case), text="See there.", url=BASE + topic, by=world.dora
        )
    )
    worker()
    assert "(400)" in outcome(app)
    assert "(400)" in browser_of("dora").get(f"/desk/conversations/{case}/history").text


@pytest.mark.parametrize("inside", ["http://127.0.0.1:1/mentions", "http://[::1]/", "http://2130706433/mentions"])
def test_no_blog_has_us_write_to_a_private_address(
    app: Flask, server: Server, topic: str, case: int, stage: Stage, worker: Callable[[], None], inside: str
) -> None:
    server.pages["/post"] = Page(raw=b"", content_type="text/html", headers={"Link": f"<{inside}>; rel=webmention"})
    stage(
        lambda world: by_hand.record(
            db.session.get_one(Conversation, case), text="See there.", url=BASE + topic, by=world.dora
        )
    )
    worker()
    assert server.mentions == []
    assert "did not arrive" in outcome(app)


def test_an_answer_that_stands_elsewhere_is_told_to_nobody(
    app: Flask, server: Server, topic: str, case: int, stage: Stage, worker: Callable[[], None]
) -> None:
    server.pages["/post"] = Page(raw=b"", content_type="text/html", headers={"Link": "</mentions>; rel=webmention"})
    stage(
        lambda world: by_hand.record(
            db.session.get_one(Conversation, case), text="Hi.", url=server.url("/post#c1"), by=world.dora
        )
    )
    worker()
    assert server.mentions == []


def test_an_exchange_that_becomes_a_question_is_told_to_the_blog(
    app: Flask, server: Server, topic: str, case: int, stage: Stage, worker: Callable[[], None]
) -> None:
    server.pages["/post"] = Page(raw=b"", content_type="text/html", headers={"Link": "</mentions>; rel=webmention"})

    def scene(world: World) -> str:
        conversation = db.session.get_one(Conversation, case)
        reply = by_hand.record(
            conversation, text="Restart it, then choose 6.", url="https://x.example/1", by=world.dora
        )
        conversations.change_state(conversation, "solved", by=world.dora)
        return addresses.of_topic(
            exchanges.publish(
                reply,
                title="A router that broke",
                question="My router broke after the update. What now?",
                answer="Restart it, then choose channel 6.",
                category=world.router,
                locale="en",
                has_consent=True,
                by=world.dora,
            )
        )

    path = stage(scene)
    worker()
    assert server.mentions == [{"source": BASE + path, "target": server.url("/post")}]
