"""What came with a message can be opened by agents; what was changed or taken away is told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from core.clock import now
from core.db import db
from desk import arrivals
from desk.channels.base import IncomingFile, IncomingMessage, Removed
from desk.models import Channel, Message
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel

Stage = Callable[[Callable[[World], Any]], Any]
PAGE = b"<script>alert(1)</script>"


def told(on: Channel, text: str, **more: Any) -> arrivals.Taken:
    taken = arrivals.take(
        on,
        IncomingMessage(
            **{
                "conversation": "thread-1",
                "id": "post-1",
                "text": text,
                "created_at": now() - timedelta(minutes=5),
                "is_public": False,
                "handle": "max@social.example",
                "name": "Max",
                **more,
            }
        ),
    )
    assert taken is not None
    return taken


def with_file(world: World) -> tuple[int, int]:
    """A message with a page of a stranger's; the conversation and the channel."""
    world.everybody()
    on = channel(world)
    file = IncomingFile(name="Rechnung „März“.html", media_type="text/html", content=PAGE, words="The bill")
    return told(on, "Please look at the bill.", subject="A bill", files=(file,)).conversation_id, on.id


def test_agents_take_a_file_and_no_browser_opens_it(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    conversation_id, _ = stage(with_file)
    dora = browser_of("dora")
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert "Rechnung „März“.html" in page
    assert "The bill" in page
    assert "A bill" in page
    answer = dora.get("/desk/message-files/1")
    assert answer.data == PAGE
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Cache-Control"] == "no-store"


def test_nobody_else_takes_it(stage: Stage, browser_of: Callable[[str], Browser], guest: Browser) -> None:
    stage(with_file)
    for handle in ("alice", "ada", "emil"):
        assert browser_of(handle).get("/desk/message-files/1").status_code == 403
    assert guest.get("/desk/message-files/1").status_code == 303
    dora = browser_of("dora")
    for number in (2, 10**18, 10**30):
        assert dora.get(f"/desk/message-files/{number}").status_code == 404


def test_a_file_is_no_plain_text_in_the_database(world: World) -> None:
    with_file(world)
    raw = db.session.connection().exec_driver_sql("SELECT content FROM message_file").scalar_one()
    assert PAGE not in bytes(raw)


def test_what_was_changed_shows_what_it_said_before(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> int:
        world.everybody()
        on = channel(world)
        told(on, "It is broken.")
        return told(on, "It is broken, and I want my money back!", edited_at=now()).conversation_id

    conversation_id = stage(scene)
    page = browser_of("dora").get(f"/desk/conversations/{conversation_id}").text
    assert "It is broken, and I want my money back!" in page
    assert "Changed by who wrote it" in page
    assert "It is broken.</p>" in page


def test_what_a_message_quotes_is_folded_beneath_it_as_plain_text(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> int:
        world.everybody()
        quoted = "On Monday we wrote:\n> <b>Please</b> restart it once."
        return told(channel(world), "That helped!", quoted=quoted).conversation_id

    conversation_id = stage(scene)
    dora = browser_of("dora")
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    folded = page.partition("<summary>Quoted text</summary>")[2].partition("</details>")[0]
    assert "On Monday we wrote:\n&gt; &lt;b&gt;Please&lt;/b&gt; restart it once." in folded
    assert "<details open" not in page
    assert "Quoted text" not in dora.get("/desk").text


def test_what_a_message_quotes_changes_and_goes_with_it(world: World) -> None:
    world.everybody()
    on = channel(world)
    message_id = told(on, "That helped!", quoted="> Restart it").message_id
    told(on, "That did not help!", quoted="> Restart it twice", edited_at=now())
    assert db.session.get_one(Message, message_id).quoted == "> Restart it twice"
    arrivals.take(on, Removed(id="post-1"))
    assert db.session.get_one(Message, message_id).quoted is None


def test_what_was_taken_away_is_gone_with_its_files(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    conversation_id, channel_id = stage(with_file)
    stage(lambda _world: arrivals.take(db.session.get_one(Channel, channel_id), Removed(id="post-1")))
    dora = browser_of("dora")
    page = dora.get(f"/desk/conversations/{conversation_id}").text
    assert "Who wrote this took it away." in page
    assert "Please look at the bill." not in page
    assert "Rechnung" not in page
    assert dora.get("/desk/message-files/1").status_code == 404


def test_what_was_taken_away_before_it_came_does_not_come(world: World) -> None:
    world.everybody()
    on = channel(world)
    arrivals.take(on, Removed(id="post-1"))
    message = IncomingMessage(
        conversation="thread-1",
        id="post-1",
        text="My password is swordfish.",
        created_at=now(),
        is_public=True,
        handle="@max",
    )
    assert arrivals.take(on, message) is None


def test_an_older_change_does_not_undo_a_newer_one(world: World) -> None:
    world.everybody()
    on = channel(world)
    at = now()
    told(on, "One.")
    told(on, "Three.", edited_at=at)
    told(on, "Two.", edited_at=at - timedelta(minutes=1))
    message = db.session.scalars(db.select(Message)).one()
    assert message.text == "Three."
