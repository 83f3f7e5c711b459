"""The desk in a browser without a script: who waits, the exchange, what may help, and an answer that is not lost."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select

from core.clock import now
from core.db import db
from desk import replies
from desk.models import Channel, Conversation, Message
from kb.models import ArticleUse
from search import indexer
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf, fields_of

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
TYPED = "Dear Max, <b>thanks</b> for asking."


@pytest.fixture
def conversation_id(stage: Stage) -> int:
    """Max asks about his wireless network, on a channel that takes 300 characters; an article knows about it."""

    def scene(world: World) -> int:
        world.everybody()
        Shelf(world).published()
        on = props.channel(world, endpoint="https://social.example/replies", limit=300)
        return props.received(on, "My wireless is gone after the update, <i>please</i> help!").conversation_id

    found: int = stage(scene)
    stage(lambda _world: indexer.catch_up())
    return found


@pytest.fixture
def dora(conversation_id: int, browser_of: BrowserOf) -> Browser:
    return browser_of("dora")


def page_of(browser: Browser, conversation_id: int) -> str:
    answer = browser.get(f"/desk/conversations/{conversation_id}")
    assert answer.status_code == 200
    return str(answer.text)


def reply_with(browser: Browser, conversation_id: int, page: str | None = None, **changes: Any) -> Any:
    """Send the composer as a browser would, with something typed."""
    action = f"/desk/conversations/{conversation_id}/replies"
    fields = fields_of(page or page_of(browser, conversation_id), action)
    fields.pop("look", None)
    return browser.post(action, data={**fields, "text": TYPED, **changes})


def outgoing(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Message.text).where(Message.direction == "out").order_by(Message.id)))


def test_the_inbox_shows_who_waits_how_long_where_and_for_what(dora: Browser, conversation_id: int) -> None:
    page = dora.get("/desk").text
    for word in (
        "Max",
        "Social",
        "5 minutes",
        "My wireless is gone after the update, &lt;i&gt;please&lt;/i&gt; help!",
        "New",
        "Nobody",
    ):
        assert word in page
    assert f"/desk/conversations/{conversation_id}" in page
    assert 'data-live-url="/desk/lines?view=waiting"' in page


def test_the_part_that_refreshes_is_the_list_alone(dora: Browser) -> None:
    part = dora.get("/desk/lines?view=waiting").text
    assert "<html" not in part
    assert "My wireless is gone" in part


def test_each_view_has_its_conversations_and_their_count(stage: Stage, dora: Browser, conversation_id: int) -> None:
    def counts(page: str) -> list[str]:
        """Of what waits, mine, unassigned, and of the customers waiting for us to be done with."""
        return re.findall(r'tabs__count num">(\d+)<', page)[:3]

    assert counts(dora.get("/desk").text) == ["1", "0", "1"]
    dora.post(f"/desk/conversations/{conversation_id}/assignment", data={"assignee": "me"})
    assert counts(dora.get("/desk?view=mine").text) == ["1", "1", "0"]
    assert "Max" in dora.get("/desk?view=mine").text
    dora.post(f"/desk/conversations/{conversation_id}/state", data={"state": "solved"})
    assert counts(dora.get("/desk?view=solved").text) == ["0", "0", "0"]
    assert "Max" in dora.get("/desk?view=solved").text
    for view in ("waiting", "mine", "unassigned"):
        page = dora.get(f"/desk?view={view}").text
        assert "Max" not in page
        assert "empty__title" in page
    assert dora.get("/desk?view=nonsense&page=nonsense").status_code == 200


def test_who_waits_longest_comes_first_and_pages_go_on(stage: Stage, dora: Browser) -> None:
    def crowd(world: World) -> None:
        on = db.session.scalars(select(Channel)).one()
        for number in range(30):
            at = now() - timedelta(hours=number + 1)
            props.received(on, f"Question {number}", created_at=at, conversation=f"c{number}", id=f"c{number}")

    stage(crowd)
    first = dora.get("/desk").text
    assert first.index("Question 29") < first.index("Question 28")
    assert "My wireless" not in first
    older = re.search(r'href="(/desk\?[^"]*page=[^"]*)"', first)
    assert older is not None
    second = dora.get(older[1].replace("&amp;", "&")).text
    assert "My wireless" in second
    assert "Question 29" not in second


def test_the_inbox_costs_the_same_however_many_wait(app: Flask, stage: Stage, dora: Browser) -> None:
    def crowd(world: World) -> None:
        on = db.session.scalars(select(Channel)).one()
        for number in range(25):
            message = props.received(on, f"Question {number}", conversation=f"c{number}", id=f"c{number}")
            message.conversation.assignee = world.dora

    def statements(path: str) -> int:
        seen: list[str] = []
        with app.app_context():
            engine = db.engine
        note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- listened to and removed below
        event.listen(engine, "before_cursor_execute", note)
        assert dora.get(path).status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        return len([statement for statement in seen if statement.startswith("SELECT")])

    few = statements("/desk?view=all")
    stage(crowd)
    assert statements("/desk?view=all") <= few


def test_a_conversation_shows_the_exchange_escaped_and_what_may_help(dora: Browser, conversation_id: int) -> None:
    page = page_of(dora, conversation_id)
    assert "My wireless is gone after the update, &lt;i&gt;please&lt;/i&gt; help!" in page
    assert "Wireless is gone after an update" in page
    assert "In the title:" in page
    assert "Fits" in page
    assert 'data-insert-target="text"' in page
    assert 'data-count-limit="300"' in page
    assert "Everyone can read your reply." in page


def test_a_reply_is_queued_and_shown_as_on_its_way(app: Flask, dora: Browser, conversation_id: int) -> None:
    answer = reply_with(dora, conversation_id)
    assert answer.status_code == 303
    assert answer.location.startswith(f"/desk/conversations/{conversation_id}#m")
    assert outgoing(app) == [TYPED]
    page = page_of(dora, conversation_id)
    assert "On its way" in page
    assert "Dear Max, &lt;b&gt;thanks&lt;/b&gt;" in page
    assert "data-draft-done=" in page


def test_a_double_click_sends_once(app: Flask, dora: Browser, conversation_id: int) -> None:
    page = page_of(dora, conversation_id)
    first, second = (reply_with(dora, conversation_id, page) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.location == second.location
    assert outgoing(app) == [TYPED]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "still empty"),
        ("x" * 301, "This text counts 301 characters here, and 300 fit."),
        ("x" * 20_001, "Too long"),
        ("\x07", "invisible"),
    ],
)
def test_what_cannot_be_sent_stays_in_the_box_with_the_reason(
    app: Flask, dora: Browser, conversation_id: int, text: str, sentence: str
) -> None:
    answer = reply_with(dora, conversation_id, text=text)
    assert answer.status_code == 422
    assert sentence in answer.text
    if text.isprintable():
        assert text in answer.text
    assert outgoing(app) == []


def test_inserting_without_a_script_keeps_what_was_typed_and_remembers_the_use(
    app: Flask, stage: Stage, dora: Browser, conversation_id: int
) -> None:
    page = page_of(dora, conversation_id)
    insert = re.search(r'name="insert" value="(article:\d+)"', page)
    assert insert is not None
    inserted = reply_with(dora, conversation_id, page, insert=insert[1])
    assert inserted.status_code == 200
    fields = fields_of(inserted.text, f"/desk/conversations/{conversation_id}/replies")
    assert fields["text"].startswith(TYPED + " ")
    assert "http://localhost/kb/" in fields["text"]
    assert fields["uses"] == insert[1]
    assert outgoing(app) == []
    sent = reply_with(dora, conversation_id, inserted.text, text=fields["text"] + " Kind regards")
    assert sent.status_code == 303

    def used(_world: World) -> tuple[int, int | None, str]:
        use = db.session.scalars(select(ArticleUse)).one()
        return use.revision_id, use.article.published_id, use.asked

    revision_id, published_id, asked = stage(used)
    assert revision_id == published_id
    assert asked.startswith("My wireless is gone")
    assert "Used:" in page_of(dora, conversation_id)


@pytest.mark.parametrize(
    "what", ["article:4711", "article:", "topic:1", "nonsense", "article:" + "9" * 40, "answer:-1", "article:1٣"]
)
def test_what_cannot_be_inserted_costs_nothing_that_was_typed(dora: Browser, conversation_id: int, what: str) -> None:
    answer = reply_with(dora, conversation_id, insert=what, uses=what)
    assert answer.status_code == 422
    assert "Dear Max, &lt;b&gt;thanks&lt;/b&gt; for asking." in answer.text


def test_looking_for_other_words_keeps_what_was_typed(app: Flask, dora: Browser, conversation_id: int) -> None:
    nothing = reply_with(dora, conversation_id, look="1", help="coffee")
    assert nothing.status_code == 200
    assert "Nothing fits yet" in nothing.text
    assert 'value="coffee"' in nothing.text
    assert "Dear Max, &lt;b&gt;thanks&lt;/b&gt; for asking." in nothing.text
    found = reply_with(dora, conversation_id, look="1", help="router plug")
    assert "Wireless is gone after an update" in found.text
    assert outgoing(app) == []
    assert "Wireless is gone" in dora.get(f"/desk/conversations/{conversation_id}?help=router").text


def test_enter_in_a_line_never_sends(dora: Browser, conversation_id: int) -> None:
    page = page_of(dora, conversation_id)
    form = page[page.index('id="composer"') :]
    assert re.search(r'<button[^>]* type="submit"[^>]*', form)[0].count('name="look"') == 1  # type: ignore[index]


def test_a_message_that_came_meanwhile_is_shown_and_the_text_kept(
    app: Flask, stage: Stage, dora: Browser, conversation_id: int
) -> None:
    page = page_of(dora, conversation_id)
    stage(
        lambda _world: (
            props.received(db.session.scalars(select(Channel)).one(), "Never mind, it works again.", id="2").id
        )
    )
    early = reply_with(dora, conversation_id, page)
    assert early.status_code == 409
    assert "A new message arrived meanwhile." in early.text
    assert "Never mind, it works again." in early.text
    assert "Dear Max, &lt;b&gt;thanks&lt;/b&gt; for asking." in early.text
    assert outgoing(app) == []
    assert reply_with(dora, conversation_id, early.text).status_code == 303
    assert outgoing(app) == [TYPED]


def test_what_failed_says_why_and_can_be_sent_again(
    app: Flask, stage: Stage, dora: Browser, conversation_id: int
) -> None:
    def failed(world: World) -> int:
        message = replies.reply(db.session.get_one(Conversation, conversation_id), text="Hi", by=world.dora)
        message.state, message.failure = "failed", "the other side answered 422: no links, please"
        return message.id

    message_id = stage(failed)
    page = page_of(dora, conversation_id)
    assert "Not sent: the other side answered 422: no links, please" in page
    assert "It has arrived" not in page
    assert dora.post(f"/desk/messages/{message_id}/attempts").status_code == 303
    assert "On its way" in page_of(dora, conversation_id)
    assert dora.post(f"/desk/messages/{message_id}/attempts").status_code == 409
    assert dora.post("/desk/messages/4711/attempts").status_code == 404


def test_what_nobody_knows_of_is_decided_by_a_person(stage: Stage, dora: Browser, conversation_id: int) -> None:
    def unsure(world: World) -> int:
        message = replies.reply(db.session.get_one(Conversation, conversation_id), text="Hi", by=world.dora)
        message.state, message.failure = "unsure", "no answer within 10 seconds"
        return message.id

    message_id = stage(unsure)
    page = page_of(dora, conversation_id)
    assert "Unclear whether it arrived: no answer within 10 seconds" in page
    assert "Send again" in page
    assert dora.post(f"/desk/messages/{message_id}/sent").status_code == 303
    assert "Sent" in page_of(dora, conversation_id)


def test_a_conversation_is_given_to_a_colleague_and_back(stage: Stage, dora: Browser, conversation_id: int) -> None:
    root_id = stage(lambda world: world.root.id)
    alice_id = stage(lambda world: world.alice.id)
    path = f"/desk/conversations/{conversation_id}/assignment"
    assert dora.post(path, data={"assignee": str(root_id)}).status_code == 303
    assert "with Root" in page_of(dora, conversation_id)
    assert dora.post(path, data={"assignee": ""}).status_code == 303
    assert "with nobody yet" in page_of(dora, conversation_id)
    for nobody in (str(alice_id), "4711", "x", "9" * 30):
        assert dora.post(path, data={"assignee": nobody}).status_code == 422


@pytest.mark.parametrize("state", ["new", "gone", ""])
def test_a_state_there_is_not_is_refused_with_a_page(dora: Browser, conversation_id: int, state: str) -> None:
    answer = dora.post(f"/desk/conversations/{conversation_id}/state", data={"state": state})
    assert answer.status_code == 422
    assert "<h1" in answer.text


PAGES = ("/desk", "/desk/lines", "/desk/conversations/1", "/desk/conversations/1/exchange")
DEEDS = (
    "/desk/conversations/1/replies",
    "/desk/conversations/1/state",
    "/desk/conversations/1/assignment",
    "/desk/messages/1/attempts",
    "/desk/messages/1/sent",
)


@pytest.mark.parametrize("who", ["alice", "tina", "ada", "emil"])
def test_the_desk_is_closed_to_those_who_do_not_work_there(
    conversation_id: int, browser_of: BrowserOf, who: str
) -> None:
    browser = browser_of(who)
    for path in (*PAGES, "/admin/channels"):
        assert browser.get(path).status_code == 403
    for path in (*DEEDS, "/admin/channels/new/webhook", "/admin/channels/1/switch", "/admin/channels/1/farewell"):
        assert browser.post(path, data={"text": "x", "state": "solved"}).status_code == 403


def test_guests_are_sent_to_sign_in(conversation_id: int, guest: Browser) -> None:
    for path in (*PAGES, "/admin/channels"):
        answer = guest.get(path)
        assert answer.status_code == 303
        assert answer.location.startswith("/sign-in?next=")
    for path in (*DEEDS, "/admin/channels/new/webhook"):
        assert guest.post(path).status_code == 401


def test_channels_are_for_admins(dora: Browser) -> None:
    assert dora.get("/admin/channels").status_code == 403
    assert dora.post("/admin/channels/new/webhook").status_code == 403


@pytest.mark.parametrize(
    "path", ["/desk/conversations/4711", "/desk/conversations/9223372036854775808", "/desk/conversations/4711/exchange"]
)
def test_what_is_not_there_is_a_404(dora: Browser, path: str) -> None:
    assert dora.get(path).status_code == 404


def test_an_admin_opens_a_channel_and_sees_its_secret_once(
    conversation_id: int, browser_of: BrowserOf, app: Flask
) -> None:
    root = browser_of("root")
    page = root.get("/admin/channels/new/webhook").text
    assert "whsec_" not in page
    fields = fields_of(page, "/admin/channels/new/webhook")
    about = {
        "name": "Forum <b>",
        "slug": "forum-de",
        "says_endpoint": "https://forum.example/in",
        "says_limit": "280",
    }
    opened = root.post("/admin/channels/new/webhook", data={**fields, **about})
    assert opened.status_code == 200
    secret = re.search(r"whsec_[A-Za-z0-9+/=]{40,}", opened.text)
    assert secret is not None
    assert "http://localhost/channels/forum-de/webhook" in opened.text
    assert opened.headers["Cache-Control"] == "no-store"
    assert secret[0] not in root.get("/admin/channels").text
    with app.app_context():
        channel = db.session.scalars(select(Channel).where(Channel.slug == "forum-de")).one()
        assert channel.secret == secret[0]
        assert (channel.settings["endpoint"], channel.settings["limit"]) == ("https://forum.example/in", 280)
        assert channel.settings["signing"] == channel.settings["signing_out"] == "standard"


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ({"slug": "Ä"}, "Small letters"),
        ({"slug": "social"}, "There is a channel with this short name already."),
        ({"name": ""}, "still empty"),
        ({"says_endpoint": "http://127.0.0.1:6379/"}, "Only the ports 80 and 443"),
        ({"says_endpoint": "file:///etc/passwd"}, "Only http and https"),
        ({"says_limit": "many"}, "A number between"),
        ({"says_limit": "-3"}, "A number between"),
        ({"says_limit": "9" * 30}, "A number between"),
    ],
)
def test_a_channel_that_cannot_be_opened_keeps_what_was_typed(
    conversation_id: int, browser_of: BrowserOf, about: dict[str, str], sentence: str
) -> None:
    root = browser_of("root")
    kept = {"name": "Kept name", "slug": "kept-slug", "says_endpoint": "https://kept.example/", "says_limit": ""}
    typed = {**kept, **about}
    answer = root.post("/admin/channels/new/webhook", data=typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    for value in typed.values():
        assert value in answer.text


def test_a_channel_is_switched_off_and_on(stage: Stage, conversation_id: int, browser_of: BrowserOf) -> None:
    root = browser_of("root")
    channel_id = stage(lambda _world: db.session.scalars(select(Channel.id)).one())
    assert root.post(f"/admin/channels/{channel_id}/switch", data={"to": "off"}).status_code == 303
    assert "switched off" in root.get("/admin/channels").text
    page = page_of(root, conversation_id)
    assert "This channel is switched off." in page
    assert 'id="composer"' not in page
    assert root.post(f"/admin/channels/{channel_id}/switch", data={"to": "on"}).status_code == 303
    assert 'id="composer"' in page_of(root, conversation_id)
    assert root.post("/admin/channels/4711/switch").status_code == 404


def test_the_command_opens_a_channel_and_prints_id_and_secret(app: Flask) -> None:
    runner = app.test_cli_runner()
    done = runner.invoke(
        args=["channels", "create", "desk-test", "--kind", "webhook", "--name", "Test", "--limit", "280"]
    )
    assert done.exit_code == 0, done.output
    assert re.search(r"^id: \d+$", done.output, re.MULTILINE)
    assert re.search(r"^secret: whsec_\S+$", done.output, re.MULTILINE)
    assert "desk-test" in runner.invoke(args=["channels", "list"]).output
    again = runner.invoke(args=["channels", "create", "desk-test"])
    assert again.exit_code == 1
    assert "slug" in again.output


def test_a_channel_that_is_not_well_makes_the_house_say_so(
    app: Flask, stage: Stage, guest: Browser, conversation_id: int
) -> None:
    def late(world: World) -> None:
        message = replies.reply(db.session.get_one(Conversation, conversation_id), text="Hi", by=world.dora)
        message.created_at = now() - timedelta(hours=1)

    assert guest.get("/readyz").json["checks"]["channels"] == "ok"
    stage(late)
    assert "Social" in guest.get("/readyz").json["checks"]["channels"]
