"""What is special about feeds: conditions, redirects, health of each, words, edits, comments, hubs, what is hostile."""

import hashlib
import hmac
import urllib.parse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core import http, phrases
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from desk import by_hand, connections, conversations, forgetting, polling, watch_lists
from desk.channel_models import ChannelCourse, MessageVersion
from desk.channels.feeds import hubs, reading
from desk.channels.feeds.watching import names, watched
from desk.models import Channel, Conversation, Message
from forum.models import Notification
from tests.cast import World
from tests.channels.conformance import texts
from tests.channels.feed_server import Page, Post, Server
from tests.channels.test_feeds import ask

Stage = Callable[[Callable[[World], Any]], Any]
LONG_AGO = datetime.now(UTC) - timedelta(days=60)


@pytest.fixture
def server(settings: Callable[..., None]) -> Iterator[Server]:
    there = Server()
    settings(private_endpoints=f"127.0.0.1:{there.port}")
    there.pages["/feed"] = Page()
    yield there
    there.close()
    assert there.wrong == []


@pytest.fixture
def watch(server: Server, stage: Stage) -> Callable[..., str]:
    """Open the channel where it is not open yet, and watch a feed; return its key."""

    def add(path: str = "/feed", *, takes: Any = "all", words: str = "", **values: str) -> str:
        def scene(world: World) -> str:
            channel = db.session.scalars(select(Channel)).one_or_none() or connections.connect(
                "feeds", slug="blogs", name="Blogs", values={"words": "Klinke", "push": "y", **values}, by=world.root
            )
            url = server.url(path)
            return watch_lists.add(channel, url=url, title=path, takes=takes, words=words, by=world.root).key

        return str(stage(scene))

    return add


def course(app: Flask) -> ChannelCourse:
    db.session.rollback()
    return db.session.scalars(select(ChannelCourse)).one()


def state(app: Flask, key: str) -> dict[str, Any]:
    with app.app_context():
        found: dict[str, Any] = (course(app).cursor or {})["feeds"][key]
        return found


def poll(app: Flask) -> None:
    """Ask the channel now; each feed has its own turn."""
    with app.app_context():
        channel_id = db.session.scalars(select(Channel.id)).one()
        polling.begin_anew(channel_id)
        db.session.commit()
        polling.poll(channel_id)


# Asking


@pytest.mark.parametrize("has_tags", [True, False])
def test_a_feed_that_did_not_change_is_not_sent_again(app: Flask, server: Server, watch: Any, has_tags: bool) -> None:
    server.pages["/feed"] = Page(posts=[Post("1", "Klinke broke my router")], has_tags=has_tags)
    watch()
    ask(app)
    ask(app)
    assert [status for _path, status in server.given] == [200, 304]
    assert texts(app) == ["Klinke broke my router"]


def test_each_feed_is_asked_when_its_own_turn_comes(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/other"] = Page(channel="<ttl>600</ttl>")
    often, seldom = watch("/feed"), watch("/other")
    poll(app)
    poll(app)
    assert sorted(path for path, _headers in server.asked) == ["/feed", "/other"]
    at = now().timestamp()
    assert state(app, often)["next"] == pytest.approx(at + 30 * 60, abs=60)
    assert state(app, seldom)["next"] == pytest.approx(at + 600 * 60, abs=60)
    with app.app_context():
        assert course(app).next_at == pytest.approx(now() + timedelta(minutes=30), abs=timedelta(minutes=1))


def test_how_often_a_feed_changes_it_says_itself(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].channel = "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>"
    key = watch()
    ask(app)
    assert state(app, key)["next"] == pytest.approx(now().timestamp() + 6 * 3600, abs=60)


def test_a_feed_that_asks_for_a_pause_gets_it_and_the_others_go_on(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/ill"] = Page(answers=[(503, {"Retry-After": "7200"})])
    server.pages["/feed"].posts = [Post("1", "Klinke broke my router")]
    ill = watch("/ill")
    watch("/feed")
    ask(app)
    assert texts(app) == ["Klinke broke my router"]
    assert state(app, ill)["next"] == pytest.approx(now().timestamp() + 7200, abs=60)
    with app.app_context():
        assert course(app).failures == 0
        health = watch_lists.health(db.session.scalars(select(Channel)).one())
        assert [(one.failures, bool(one.failure)) for one in health] == [(1, True), (0, False)]


def test_a_feed_that_goes_on_failing_is_asked_less_and_less(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/ill"] = Page(answers=[404, 500, 502])
    ill = watch("/ill")
    watch("/feed")
    pauses = []
    for _ in range(3):
        ask(app)
        pauses.append(round(state(app, ill)["next"] - state(app, ill)["asked"]))
    assert pauses == [300, 600, 1200]
    ask(app)
    assert state(app, ill)["failures"] == 0


def test_a_feed_that_is_gone_is_asked_no_more_until_an_admin_says_so_and_the_admins_hear_of_it(
    app: Flask, server: Server, watch: Any, stage: Stage, worker: Callable[[], None]
) -> None:
    server.pages["/gone"] = Page(answers=[410])
    gone = watch("/gone")
    watch("/feed")
    poll(app)
    poll(app)
    assert state(app, gone)["next"] is None
    assert [path for path, _headers in server.asked].count("/gone") == 1
    worker()
    with app.app_context():
        told = db.session.scalars(select(Notification).where(Notification.kind == "feed_silent")).all()
        assert [one.data["name"] for one in told] == ["/gone"]
    stage(lambda world: watch_lists.ask_again(db.session.scalars(select(Channel)).one(), gone, by=world.root))
    poll(app)
    assert state(app, gone)["failures"] == 0


def test_when_the_only_feed_is_gone_the_channel_stops_and_says_so(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].answers = [410]
    watch()
    poll(app)
    with app.app_context():
        assert course(app).next_at is None
        assert "410" in course(app).failure


def test_a_feed_that_moved_for_good_is_asked_at_its_new_address_and_keeps_its_posts(
    app: Flask, server: Server, watch: Any
) -> None:
    server.pages["/feed"].posts = [Post("1", "Klinke broke my router")]
    key = watch()
    ask(app)
    server.pages["/new"] = Page(posts=server.pages["/feed"].posts)
    server.pages["/feed"].moved = (301, "/new")
    ask(app)
    ask(app)
    assert [path for path, _headers in server.asked] == ["/feed", "/feed", "/new", "/new"]
    assert state(app, key)["url"] == server.url("/new")
    assert texts(app) == ["Klinke broke my router"]


def test_a_feed_that_is_elsewhere_for_now_is_asked_at_its_own_address(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/other"] = Page(posts=[Post("1", "Klinke broke my router")])
    server.pages["/feed"].moved = (302, "/other")
    key = watch()
    ask(app)
    assert texts(app) == ["Klinke broke my router"]
    assert "url" not in state(app, key)


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:1/", "http://localhost/", "http://[::1]/", "http://2130706433/", "http://0x7f.1/"]
)
def test_a_feed_that_moves_to_a_private_address_is_refused_and_its_move_forgotten(
    app: Flask, server: Server, watch: Any, location: str
) -> None:
    server.pages["/feed"].moved = (301, location)
    key = watch()
    ask(app)
    assert "url" not in state(app, key)
    assert state(app, key)["failures"] == 1
    assert len(server.asked) == 1


def test_what_a_feed_names_inside_is_asked_through_the_guard_only(app: Flask, server: Server, watch: Any) -> None:
    inside = Server()
    inside.pages["/c"] = Page(posts=[Post("c", "secret")])
    server.pages[
        "/feed"
    ].channel = (
        f'<atom:link rel="hub" href="{inside.url("/hub")}"/><atom:link rel="self" href="{server.url("/feed")}"/>'
    )
    server.pages["/feed"].posts = [Post("1", "Klinke broke my router", comments=inside.url("/c"), count=1)]
    key = watch()
    ask(app)
    ask(app)
    inside.close()
    assert (inside.asked, inside.subscriptions) == ([], [])
    assert texts(app) == ["Klinke broke my router"]
    assert state(app, key)["hub"]["failure"]


# What comes of it


def test_only_posts_that_name_a_word_come_in_where_words_are_listened_for(
    app: Flask, server: Server, watch: Any
) -> None:
    server.pages["/feed"].posts = [
        Post("1", "Der KLINKE-Router ist toll."),
        Post("2", "Die Türklinken sind neu."),
        Post("3", "Nothing about you.", title="About klinke"),
        Post("4", "Nothing at all."),
    ]
    watch(takes="words")
    ask(app)
    assert sorted(texts(app)) == ["About klinke\n\nNothing about you.", "Der KLINKE-Router ist toll."]


@pytest.mark.parametrize(
    ("text", "words", "is_named"),
    [
        ("I hate Klinke.", ["klinke"], True),
        ("Türklinke", ["klinke"], False),
        ("Klinkenputzer", ["klinke"], False),
        ("Klinkenputzer", ["klinke*"], True),
        ("the Acme\nBox is broken", ["acme box"], True),
        ("C++ (really)", ["c++"], True),
        ("anything", [], False),
        ("anything", ["*", " "], False),
        ("a.c", ["abc", "a.c"], True),
        ("abc", ["a.c"], False),
    ],
)
def test_a_word_is_named_whole_in_any_case(text: str, words: list[str], is_named: bool) -> None:
    assert names(text, words) is is_named


def test_a_feed_can_have_words_of_its_own(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].posts = [Post("1", "Klinke is nice"), Post("2", "Acme is not")]
    watch(takes="words", words="acme")
    ask(app)
    assert texts(app) == ["Acme is not"]


def test_of_a_new_feed_only_what_is_new_is_read_and_what_is_old_stays_old(
    app: Flask, server: Server, watch: Any
) -> None:
    old = [Post(str(number), f"Old {number}", at=LONG_AGO) for number in range(3)]
    server.pages["/feed"].posts = [Post("new", "New"), Post("none", "Undated", at=None), *old]
    watch()
    ask(app)
    ask(app)
    assert texts(app) == ["New"]
    server.pages["/feed"].posts.insert(0, Post("later", "Undated later", at=None))
    server.pages["/feed"].posts.append(Post("older", "A window that grew", at=LONG_AGO))
    ask(app)
    assert sorted(texts(app)) == ["New", "Undated later"]


def test_an_old_post_that_is_changed_to_name_us_comes_in(app: Flask, server: Server, watch: Any) -> None:
    post = Post("1", "My router is great", at=LONG_AGO)
    server.pages["/feed"].posts = [post]
    watch(takes="words")
    ask(app)
    post.text = "My router is great. Update: not since Klinke touched it!"
    ask(app)
    assert texts(app) == [post.text]


def test_a_new_post_or_a_change_opens_the_case_of_the_same_author_again(
    app: Flask, server: Server, watch: Any, stage: Stage
) -> None:
    first = Post("1", "Klinke broke my router")
    server.pages["/feed"].posts = [first, Post("x", "Me too", author="lena")]
    watch()
    ask(app)

    def solve(world: World) -> None:
        for conversation in db.session.scalars(select(Conversation)):
            conversations.change_state(conversation, "solved", by=world.dora)

    def states() -> dict[str, str]:
        return stage(
            lambda _world: {one.contact.name: one.state for one in db.session.scalars(select(Conversation)).unique()}
        )

    stage(solve)
    server.pages["/feed"].posts.insert(0, Post("2", "Still broken, nobody answers"))
    ask(app)
    assert states() == {"max": "open", "lena": "solved"}
    stage(solve)
    first.text = "Klinke broke my router and then my heart; I am going to a lawyer, and to the newspapers, too"
    ask(app)
    assert states() == {"max": "open", "lena": "solved"}
    with app.app_context():
        assert [one.text for one in db.session.scalars(select(MessageVersion))] == ["Klinke broke my router"]


def test_the_same_markup_in_other_words_is_no_change(app: Flask, server: Server, watch: Any) -> None:
    post = Post("1", "<p>Klinke <b>broke</b> it</p><script>track(1)</script>", is_html=True)
    server.pages["/feed"].posts = [post]
    key = watch()
    ask(app)
    before = state(app, key)["seen"]
    post.text = "<div>Klinke broke it</div><script>track(2)</script><style>p {}</style>"
    ask(app)
    assert state(app, key)["seen"] == before
    assert texts(app) == ["Klinke broke it"]


def test_a_post_without_a_guid_is_known_by_its_address(app: Flask, server: Server, watch: Any) -> None:
    post = Post("1", "Klinke broke my router", guid=False)
    server.pages["/feed"].posts = [post]
    watch()
    ask(app)
    post.text = "Klinke broke my router twice"
    ask(app)
    assert texts(app) == ["Klinke broke my router twice"]


def test_no_feed_speaks_for_another(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].posts = [Post("1", "Klinke broke my router")]
    server.pages["/evil"] = Page(posts=[Post("1", "I withdraw everything")])
    watch("/feed")
    watch("/evil")
    ask(app)
    assert sorted(texts(app)) == ["I withdraw everything", "Klinke broke my router"]


def test_a_mail_address_in_a_feed_is_nobodys_name() -> None:
    authors = ["lena@blog.example (Lena K.)", "Lena K. &lt;lena@blog.example&gt;", "lena@blog.example", "Lena"]
    items = "".join(f"<item><guid>{one}</guid><author>{one}</author><title>x</title></item>" for one in authors)
    raw = f"<rss version='2.0'><channel>{items}</channel></rss>".encode()
    found = [one.author for one in reading.read(raw, url="https://blog.example/").entries]
    assert found == ["Lena K.", "Lena K.", "lena", "Lena"]


def test_atom_is_read_like_rss() -> None:
    raw = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>Größe</title>
      <link rel="hub" href="https://hub.example/"/><link rel="self" href="https://blog.example/atom"/>
      <link href="https://blog.example/"/>
      <entry><id>tag:blog.example,2026:1</id><title type="html">A &amp;amp; B</title>
      <link href="/one"/><link rel="replies" type="application/atom+xml" href="/one/comments"/>
      <updated>2026-01-05T10:00:00Z</updated><author><name>Lena</name></author>
      <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Klinke ist <em>kaputt</em></p></div></content>
      </entry></feed>""".encode()
    feed = reading.read(raw, url="https://blog.example/atom")
    (entry,) = feed.entries
    assert (feed.title, feed.hub, feed.topic) == ("Größe", "https://hub.example/", "https://blog.example/atom")
    assert (entry.text, entry.author, entry.url) == ("A & B\n\nKlinke ist kaputt", "Lena", "https://blog.example/one")
    assert entry.comments == "https://blog.example/one/comments"
    assert entry.at == datetime(2026, 1, 5, 10, tzinfo=UTC)


# What is hostile or broken


def test_declared_entities_are_not_expanded_and_nothing_outside_is_read(app: Flask, server: Server) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    raw = f"""<?xml version="1.0"?><!DOCTYPE rss SYSTEM "{server.url("/dtd")}" [<!ENTITY l0 "lol">{laughs}
      <!ENTITY file SYSTEM "file:///etc/passwd"><!ENTITY net SYSTEM "{server.url("/net")}">]>
      <rss version="2.0"><channel><title>&l9;</title><item><guid>1</guid><title>a&file;b&net;c</title>
      <description>&l9;</description></item></channel></rss>""".encode()
    feed = reading.read(raw, url="https://blog.example/feed")
    said = feed.title + "".join(entry.text for entry in feed.entries)
    assert len(said) < 200
    assert "root:" not in said
    assert server.asked == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html><body>hello</body></html>",
        b"{}",
        b"\xff\xfe\x00",
        b"\x89PNG\r\n\x1a\n",
        b"<" * (reading.MOST_TAGS + 1),
        b"/etc/passwd",
        b"http://127.0.0.1/",
    ],
)
def test_what_is_no_feed_is_said_to_be_none(app: Flask, world: World, raw: bytes) -> None:
    with pytest.raises(reading.NoFeed) as no:
        reading.read(raw, url="https://blog.example/feed")
    assert no.value.reason


def test_of_broken_xml_is_read_what_can_be(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].raw = (
        b"<rss version='2.0'><channel><title>R&D</title><item><guid>1</guid><description>Klinke & Co</description>"
        b"</item>"
        b"<item><guid>2</guid><description>cut"
    )
    watch()
    ask(app)
    assert len(server.given) == 1
    feed = reading.read(server.pages["/feed"].raw, url="https://blog.example/feed")
    assert feed.entries[0].text == "Klinke & Co"


@pytest.mark.parametrize("is_zipped", [True, False])
def test_a_feed_that_is_too_large_is_refused_also_where_it_comes_small(
    app: Flask, server: Server, watch: Any, is_zipped: bool
) -> None:
    server.pages["/feed"].raw = b"<rss version='2.0'><channel>" + b" " * (reading.LARGEST + 1)
    server.pages["/feed"].is_zipped = is_zipped
    key = watch()
    ask(app)
    with app.app_context():
        assert "MB" in phrases.said(state(app, key)["failure"])


def test_a_zipped_feed_is_read(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].posts, server.pages["/feed"].is_zipped = [Post("1", "Klinke")], True
    watch()
    ask(app)
    assert texts(app) == ["Klinke"]


def test_a_text_that_is_too_long_is_cut_and_bad_dates_are_none(app: Flask, server: Server, watch: Any) -> None:
    future, ancient = datetime(2199, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)
    server.pages["/feed"].posts = [Post("1", "w " * 40_000, at=future), Post("2", "x", at=ancient)]
    watch()
    ask(app)
    assert [len(text) for text in texts(app)] == [20_000]
    with app.app_context():
        assert db.session.scalars(select(Message)).one().created_at <= now()


# Comments


def test_comments_of_a_post_that_is_a_case_come_into_it_and_ours_do_not(
    app: Flask, server: Server, watch: Any, stage: Stage
) -> None:
    post = Post("1", "Klinke broke my router", comments=server.url("/1/comments"), count=0)
    server.pages["/feed"].posts = [post, Post("2", "About cats", comments=server.url("/2/comments"), count=9)]
    comments = server.pages["/1/comments"] = Page()
    watch(takes="words")
    ask(app)
    stage(
        lambda world: by_hand.record(
            db.session.scalars(select(Conversation)).one(), text="Restart it.", url=server.url("/1#c2"), by=world.dora
        )
    )
    post.count = 2
    comments.posts = [
        Post("c2", "Restart it.", author="Klinke", link=server.url("/1#c2")),
        Post("c1", "Mine, too!", author="lena", link=server.url("/1#c1")),
    ]
    ask(app)
    ask(app)
    with app.app_context():
        found = db.session.scalars(select(Message).where(Message.direction == "in").order_by(Message.id)).all()
        assert [(one.text, one.kind) for one in found] == [
            ("Klinke broke my router", "post"),
            ("Mine, too!", "comment"),
        ]
        assert len({one.conversation_id for one in found}) == 1
        assert found[1].contact is not None
        assert found[1].contact_id != found[0].contact_id
    assert not any(path.startswith("/2/") for path, _headers in server.asked)


def test_a_post_whose_comments_cannot_be_read_makes_nobody_deaf(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].posts = [Post("1", "Klinke", comments=server.url("/nowhere"))]
    key = watch()
    ask(app)
    assert state(app, key)["failures"] == 0


def test_wordpress_has_the_comments_of_a_post_behind_its_address(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].channel = "<generator>https://wordpress.org/?v=6.9</generator>"
    server.pages["/feed"].posts = [Post("one", "Klinke")]
    server.pages["/one/feed/"] = Page(posts=[Post("c1", "Mine, too!", author="lena")])
    watch()
    ask(app)
    assert sorted(texts(app)) == ["Klinke", "Mine, too!"]


def test_a_feed_of_all_comments_of_a_blog_answers_its_posts(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].posts = [
        Post("c1", "Mine, too!", author="lena", link=server.url("/one#comment-7")),
        Post("1", "Klinke", link=server.url("/one"), comments=server.url("/none")),
    ]
    watch()
    ask(app)
    ask(app)
    with app.app_context():
        assert len(set(db.session.scalars(select(Message.conversation_id)))) == 1


def test_the_comments_may_have_a_feed_of_their_own(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].posts = [Post("1", "Klinke", link=server.url("/one"), comments=server.url("/none"))]
    server.pages["/comments/feed"] = Page(posts=[Post("c1", "Mine!", author="lena", link=server.url("/one#comment-7"))])
    watch("/feed")
    watch("/comments/feed")
    ask(app)
    with app.app_context():
        assert len(db.session.scalars(select(Message)).all()) == 2
        assert len(set(db.session.scalars(select(Message.conversation_id)))) == 1


# The list


def test_a_sites_address_finds_its_feed_and_not_that_of_its_comments(
    app: Flask, server: Server, stage: Stage, browser_of: Callable[[str], Any]
) -> None:
    server.pages["/"] = Page(
        raw=b"""<!doctype html><head>
        <link rel='alternate' type='application/rss+xml' title='Comments' href='/comments/feed'>
        <link rel="alternate" type="application/rss+xml" title="R &amp; D" href="feed?a=1&amp;b=2"></head>""",
        content_type="text/html",
    )
    stage(
        lambda world: connections.connect(
            "feeds", slug="blogs", name="Blogs", values={"words": "Klinke"}, by=world.root
        )
    )
    with app.app_context():
        channel_id = db.session.scalars(select(Channel.id)).one()
    root = browser_of("root")
    page = f"/admin/channels/{channel_id}/feeds"
    answer = root.post(page, data={"url": server.url("/"), "takes": "words", "words": ""})
    assert answer.status_code == 303
    assert "Max writes" in root.get(page).text
    assert root.post(page, data={"url": server.url("/"), "takes": "all", "words": ""}).status_code == 409
    with app.app_context():
        assert [one.url for one in watched(db.session.scalars(select(Channel)).one())] == [server.url("/feed?a=1&b=2")]


@pytest.mark.parametrize("url", ["", "nonsense", "http://127.0.0.1:1/", "file:///etc/passwd", "http://localhost/feed"])
def test_an_address_that_leads_to_no_feed_is_refused_with_the_reason_and_stays_typed(
    app: Flask, server: Server, watch: Any, browser_of: Callable[[str], Any], url: str
) -> None:
    watch()
    answer = browser_of("root").post("/admin/channels/1/feeds", data={"url": url, "takes": "all", "words": "abc def"})
    assert answer.status_code == 422
    assert "abc def" in answer.text
    assert server.asked == []


def test_a_page_without_a_feed_says_so(app: Flask, server: Server, watch: Any, world: World) -> None:
    server.pages["/plain"] = Page(raw=b"<html><body>Hello</body></html>", content_type="text/html")
    with pytest.raises(Invalid, match="names none"):
        watch_lists.find(server.url("/plain"))


def test_a_feed_is_removed_and_its_posts_stay(
    app: Flask, server: Server, watch: Any, browser_of: Callable[[str], Any]
) -> None:
    server.pages["/feed"].posts = [Post("1", "Klinke broke my router")]
    key = watch()
    ask(app)
    root = browser_of("root")
    assert root.post(f"/admin/channels/1/feeds/{key}/turn").status_code == 303
    assert root.post(f"/admin/channels/1/feeds/{key}/removal").status_code == 303
    assert root.post(f"/admin/channels/1/feeds/{key}/removal").status_code == 404
    assert root.post(f"/admin/channels/1/feeds/{key}/turn").status_code == 404
    poll(app)
    assert texts(app) == ["Klinke broke my router"]
    with app.app_context():
        assert course(app).cursor == {"feeds": {}}


def test_only_admins_see_and_change_the_list(
    app: Flask, server: Server, watch: Any, stage: Stage, browser_of: Callable[[str], Any]
) -> None:
    key = watch()
    stage(lambda world: world.everybody())
    for who in ("dora", "alice", "emil"):
        for path in ("", f"/{key}/removal", f"/{key}/turn"):
            assert browser_of(who).post(f"/admin/channels/1/feeds{path}").status_code in {403, 404}
        assert browser_of(who).get("/admin/channels/1/feeds").status_code in {403, 404}

    def scene(world: World) -> None:
        channel = db.session.scalars(select(Channel)).one()
        with pytest.raises(NotAllowed):
            watch_lists.add(channel, url="https://blog.example/feed", title="", takes="all", words="", by=world.dora)
        with pytest.raises(Conflict):
            watch_lists.add(channel, url=server.url("/feed"), title="", takes="all", words="", by=world.root)

    stage(scene)


def test_without_any_words_there_is_nothing_to_listen_for(world: World, server: Server) -> None:
    channel = connections.connect("feeds", slug="quiet", name="Quiet", values={}, by=world.root)
    with pytest.raises(Invalid) as refusal:
        watch_lists.add(channel, url=server.url("/feed"), title="", takes="words", words="", by=world.root)
    assert refusal.value.fields["words"]


# Hubs


def hub_of(server: Server) -> str:
    return f'<atom:link rel="hub" href="{server.url("/hub")}"/><atom:link rel="self" href="{server.url("/feed")}"/>'


def called(app: Flask, form: dict[str, str], **more: str) -> Any:
    """Have the hub ask us whether we meant it."""
    query = {
        "hub.mode": form["hub.mode"],
        "hub.topic": form["hub.topic"],
        "hub.challenge": "a challenge <b>&",
        "hub.lease_seconds": "864000",
        **more,
    }
    return app.test_client().get(f"{form['hub.callback']}&{urllib.parse.urlencode(query)}")


def pushed(app: Flask, form: dict[str, str], raw: bytes, *, method: str = "sha256", secret: str | None = None) -> Any:
    digest = hmac.new((secret or form["hub.secret"]).encode(), raw, getattr(hashlib, method)).hexdigest()
    return app.test_client().post(
        form["hub.callback"],
        data=raw,
        headers={"X-Hub-Signature": f"{method}={digest}", "Content-Type": "application/rss+xml"},
    )


def test_a_hub_is_asked_confirmed_and_tells_at_once(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].channel = hub_of(server)
    key = watch()
    ask(app)
    (form,) = server.subscriptions
    assert form["hub.topic"] == server.url("/feed")
    answer = called(app, form)
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "a challenge <b>&", "text/plain")
    ask(app)
    assert len(server.subscriptions) == 1
    assert state(app, key)["next"] >= now().timestamp() + 7000
    server.pages["/feed"].posts = [Post("1", "Größe 🙈 von Klinke")]
    raw = server.body(server.pages["/feed"])
    for method in ("sha1", "sha256", "sha384", "sha512"):
        assert pushed(app, form, raw, method=method).status_code in {200, 202}
    ask(app)
    assert texts(app) == ["Größe 🙈 von Klinke"]
    with app.app_context():
        (health,) = watch_lists.health(db.session.scalars(select(Channel)).one())
        assert health.told_until is not None
        assert health.told_until > now() + timedelta(days=9)


def test_what_no_hub_of_this_feed_signed_is_not_taken(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].channel = server.pages["/feed"].channel = hub_of(server)
    server.pages["/other"] = Page(channel=hub_of(server).replace("/feed", "/other"))
    watch("/feed")
    watch("/other")
    ask(app)
    one, other = server.subscriptions
    raw = server.body(Page(posts=[Post("1", "Klinke")]))
    assert pushed(app, one, raw, secret=other["hub.secret"]).status_code == 401
    assert pushed(app, one, raw, secret="guessed").status_code == 401
    assert app.test_client().post(one["hub.callback"], data=raw).status_code == 401
    wrong = {"X-Hub-Signature": "md5=abc"}
    assert app.test_client().post(one["hub.callback"], data=raw, headers=wrong).status_code == 401
    assert pushed(app, {**one, "hub.callback": one["hub.callback"].replace("feed=", "feed=x")}, raw).status_code == 401
    assert pushed(app, one, b"no feed").status_code == 422
    assert texts(app) == []


def test_nobody_else_can_have_us_confirm_anything(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].channel = hub_of(server)
    key = watch()
    ask(app)
    (form,) = server.subscriptions
    assert called(app, {**form, "hub.topic": "https://evil.example/feed"}).status_code == 404
    assert called(app, form, **{"hub.mode": "unsubscribe"}).status_code == 404
    assert called(app, form, **{"hub.mode": "publish"}).status_code == 404
    assert called(app, form, **{"hub.challenge": ""}).status_code == 404
    assert called(app, {**form, "hub.callback": form["hub.callback"].replace("proof=", "proof=0")}).status_code == 404
    assert app.test_client().get("/channels/blogs/webhook").status_code == 404
    assert app.test_client().get("/channels/nobody/webhook").status_code == 404
    with app.app_context():
        channel = db.session.scalars(select(Channel)).one()
        assert hubs.lease_of(channel, key, server.url("/feed")) is None


def test_a_lease_that_is_about_to_end_is_renewed(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].channel = hub_of(server)
    watch()
    ask(app)
    called(app, server.subscriptions[0], **{"hub.lease_seconds": "7200"})
    server.pages["/feed"].title = "Changed"
    ask(app)
    assert len(server.subscriptions) == 1, "a hub is not asked twice within an hour"
    later_by(app, hours=2)
    server.pages["/feed"].title = "Changed again"
    ask(app)
    assert len(server.subscriptions) == 2


def later_by(app: Flask, *, hours: float) -> None:
    with app.app_context():
        found = course(app)
        assert found.cursor is not None
        states = {
            key: {**state, "hub": {**state["hub"], "asked": state["hub"]["asked"] - hours * 3600}}
            for key, state in found.cursor["feeds"].items()
        }
        found.cursor = {"feeds": states}
        db.session.commit()


def test_a_hub_that_denies_is_noted(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].channel = hub_of(server)
    key = watch()
    ask(app)
    assert called(app, server.subscriptions[0], **{"hub.mode": "denied", "hub.reason": "no"}).status_code == 200
    with app.app_context():
        channel = db.session.scalars(select(Channel)).one()
        assert channel.settings["hubs"][key]["denied"] == "no"


def test_hubs_are_told_when_a_feed_or_the_channel_goes(
    app: Flask, server: Server, watch: Any, stage: Stage, worker: Callable[[], None]
) -> None:
    for path in ("/feed", "/other"):
        server.pages[path] = Page(channel=hub_of(server).replace("/feed", path))
    key = watch("/feed")
    watch("/other")
    ask(app)
    stage(lambda world: watch_lists.remove(db.session.scalars(select(Channel)).one(), key, by=world.root))
    poll(app)
    left = server.subscriptions[2]
    assert (left["hub.mode"], left["hub.topic"]) == ("unsubscribe", server.url("/feed"))
    assert called(app, left).text == "a challenge <b>&"
    stage(lambda world: forgetting.forget(db.session.scalars(select(Channel)).one(), typed="blogs", by=world.root))
    worker()
    left = server.subscriptions[3]
    assert (left["hub.mode"], left["hub.topic"]) == ("unsubscribe", server.url("/other"))


def test_without_the_switch_no_hub_is_asked(app: Flask, server: Server, watch: Any) -> None:
    server.pages["/feed"].channel = hub_of(server)
    watch(push="")
    ask(app)
    assert server.subscriptions == []


def test_the_guard_is_what_fetches(app: Flask, server: Server, watch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No library opens a connection of its own: without the guard's resolver nothing is reached."""

    def refuse(*_args: Any) -> Any:
        raise http.Refused("not today")

    server.pages["/feed"].posts = [Post("1", "Klinke", comments=server.url("/c"))]
    key = watch()
    monkeypatch.setattr(http, "_resolve", refuse)
    ask(app)
    assert state(app, key)["failure"] == "not today"
    assert server.asked == []
