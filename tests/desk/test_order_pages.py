"""Hiding, correcting and holding in a browser without a script: what is said before, what is kept, who is let in."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from core.db import db
from desk import approvals, contact_ladder, correcting, replies
from desk.channels.base import ChannelFailed
from desk.models import Message
from desk.order_models import HeldArrival, MessageCorrection, MessageHiding
from tests.cast import World
from tests.conftest import Browser
from tests.desk import orderly as there
from tests.desk import stage as props
from tests.desk.orderly import Orderly, orderly  # noqa: F401 -- a fixture
from tests.kb.shelf import fields_of

pytestmark = pytest.mark.usefixtures("orderly")
Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
WRONG, RIGHT = "It costs 10 euros.", "It costs 12 euros."


@pytest.fixture
def ids(stage: Stage, worker: Callable[[], None], orderly: type[Orderly]) -> tuple[int, int, int]:  # noqa: F811 -- the fixture
    """Conversation, what Max wrote, and what Dora answered."""

    def scene(world: World) -> tuple[int, int, int]:
        world.everybody()
        asked = there.wrote(there.channel(), "You are thieves! What does it cost?")
        reply = replies.reply(asked.conversation, text=WRONG, by=world.dora)
        return asked.conversation_id, asked.id, reply.id

    found: tuple[int, int, int] = stage(scene)
    worker()
    return found


@pytest.fixture
def dora(ids: tuple[int, int, int], browser_of: BrowserOf) -> Browser:
    return browser_of("dora")


def page_of(browser: Browser, conversation_id: int) -> str:
    whole = browser.get(f"/desk/conversations/{conversation_id}")
    part = browser.get(f"/desk/conversations/{conversation_id}/exchange")
    assert (whole.status_code, part.status_code) == (200, 200)
    return str(whole.text)


def test_before_it_is_hidden_it_is_said_what_that_means(
    ids: tuple[int, int, int], dora: Browser, browser_of: BrowserOf, worker: Callable[[], None]
) -> None:
    conversation_id, theirs, _ = ids
    assert f"/desk/messages/{theirs}/hiding" in page_of(dora, conversation_id)
    path = f"/desk/messages/{theirs}/hiding"
    form = dora.get(path).text
    assert "It is folded away there." in form
    assert "It can still be answered" in form
    refused = dora.post(path, data={**fields_of(form, path), "reason": " "})
    assert refused.status_code == 422
    fields = {**fields_of(form, path), "reason": "An insult <b>"}
    for _ in range(2):  # a double click
        assert dora.post(path, data=fields).status_code == 303
    assert "Is being hidden" in page_of(dora, conversation_id)
    worker()
    assert Orderly.asked.count(("hide", "post-1")) == 1
    seen = browser_of("root").get(f"/desk/conversations/{conversation_id}/exchange").text  # a colleague's view
    assert "Hidden at the service" in seen
    assert "An insult &lt;b&gt;" in seen
    again = dora.get(path).text
    assert "Show it again at the service" in again
    assert dora.post(path, data={**fields_of(again, path), "reason": "It was none"}).status_code == 303
    worker()
    assert "Shown again at the service" in page_of(dora, conversation_id)
    assert Orderly.hidden == set()


def test_a_failure_stands_at_the_message_with_its_reason_and_a_way_on(
    ids: tuple[int, int, int], dora: Browser, worker: Callable[[], None]
) -> None:
    conversation_id, theirs, _ = ids
    path = f"/desk/messages/{theirs}/hiding"
    Orderly.refuses.append(ChannelFailed("it is not your post", permanent=True))
    dora.post(path, data={**fields_of(dora.get(path).text, path), "reason": "An insult"})
    worker()
    page = page_of(dora, conversation_id)
    assert "Could not be hidden" in page
    assert "it is not your post" in page
    assert dora.post(f"{path}/done").status_code == 409
    assert dora.post(f"{path}/again").status_code == 303
    worker()
    assert "Hidden at the service" in page_of(dora, conversation_id)


def test_where_the_service_cannot_there_is_no_button_and_a_word_why(ids: tuple[int, int, int], dora: Browser) -> None:
    conversation_id, theirs, ours = ids
    Orderly.can.update(hides=False, corrects=False, hiding="It knows no hiding.")
    page = page_of(dora, conversation_id)
    assert f"/desk/messages/{theirs}/hiding" not in page
    assert f"/desk/messages/{ours}/correction" not in page
    assert "It knows no hiding." in page
    form = dora.get(f"/desk/messages/{theirs}/hiding")
    assert form.status_code == 200
    assert "It knows no hiding." in form.text
    refused = dora.post(f"/desk/messages/{theirs}/hiding", data={"reason": "An insult", "wish": "hide"})
    assert refused.status_code == 409
    assert "An insult" in refused.text or "It knows no hiding." in refused.text
    assert "Send a correction" in page
    begun = dora.get(f"/desk/conversations/{conversation_id}?correct={ours}").text
    assert "A correction to what we wrote you (“It costs 10 euros.”)" in begun
    for nonsense in (theirs, 10**12, "x"):
        other = dora.get(f"/desk/conversations/{conversation_id}?correct={nonsense}")
        assert "A correction to what we wrote" not in other.text


def test_a_reply_is_corrected_on_a_page_with_its_words_in_it(
    ids: tuple[int, int, int], dora: Browser, worker: Callable[[], None]
) -> None:
    conversation_id, _, ours = ids
    path = f"/desk/messages/{ours}/correction"
    assert path in page_of(dora, conversation_id)
    form = dora.get(path).text
    assert re.search(rf"<textarea[^>]*>\s*{WRONG}</textarea>", form)
    fields = fields_of(form, path)
    assert dora.post(path, data={**fields, "text": ""}).status_code == 422
    assert dora.post(path, data={**fields, "text": WRONG}).status_code == 422
    objected = dora.post(path, data={**fields, "text": "Send your password to max@example.net."})
    assert objected.status_code == 409
    assert "Send your password to max@example.net." in objected.text
    for _ in range(2):
        assert dora.post(path, data={**fields, "text": RIGHT}).status_code == 303
    assert "A correction is on its way" in page_of(dora, conversation_id)
    worker()
    page = page_of(dora, conversation_id)
    assert RIGHT in page
    assert WRONG in page, "the former words are folded beside it"
    assert "Corrected" in page
    assert Orderly.asked.count(("correct", Orderly.asked[0][1])) == 1


def test_of_two_who_correct_the_second_loses_nothing_and_sees_what_stands_there(
    ids: tuple[int, int, int], dora: Browser, browser_of: BrowserOf, worker: Callable[[], None]
) -> None:
    _, _, ours = ids
    path = f"/desk/messages/{ours}/correction"
    root = browser_of("root")
    first, second = fields_of(dora.get(path).text, path), fields_of(root.get(path).text, path)
    assert dora.post(path, data={**first, "text": RIGHT}).status_code == 303
    late = root.post(path, data={**second, "text": "It costs 11 euros."})
    assert late.status_code == 409
    assert "It costs 11 euros." in late.text
    worker()
    later = root.post(path, data={**second, "text": "It costs 11 euros.", "once": second["once"]})
    assert later.status_code == 409
    assert RIGHT in later.text
    assert root.post(path, data={**fields_of(later.text, path), "text": "It costs 11 euros."}).status_code == 303


def test_a_second_person_approves_on_the_same_page(
    ids: tuple[int, int, int], dora: Browser, browser_of: BrowserOf, stage: Stage, worker: Callable[[], None]
) -> None:
    conversation_id, _, ours = ids
    stage(
        lambda world: approvals.add(
            "legal", channel=None, of_trainees=False, least_heat=None, words="refund", by=world.root
        )
    )
    path = f"/desk/messages/{ours}/correction"
    assert (
        dora.post(path, data={**fields_of(dora.get(path).text, path), "text": "You get a refund."}).status_code == 303
    )
    worker()
    assert "A correction waits for a second person" in page_of(dora, conversation_id)
    assert "Approve it" not in dora.get(path).text
    assert dora.post(f"{path}/approval").status_code == 403
    root = browser_of("root")
    assert "Approve it" in root.get(path).text
    assert root.post(f"{path}/return", data={"note": "x" * 2001}).status_code == 422
    assert root.post(f"{path}/return", data={"note": "We do not."}).status_code == 303
    back = dora.get(path).text
    assert "We do not." in back
    assert "You get a refund." in back
    assert dora.post(path, data={**fields_of(back, path), "text": "You may get a refund."}).status_code == 303
    assert root.post(f"{path}/approval").status_code == 303
    worker()
    assert stage(lambda _world: db.session.get_one(Message, ours).text) == "You may get a refund."
    assert root.post(f"{path}/approval").status_code == 404


def test_what_could_not_be_corrected_says_why_and_keeps_the_words(
    ids: tuple[int, int, int], dora: Browser, worker: Callable[[], None], stage: Stage
) -> None:
    conversation_id, _, ours = ids
    path = f"/desk/messages/{ours}/correction"
    Orderly.refuses.append(ChannelFailed("it is too old", permanent=True))
    dora.post(path, data={**fields_of(dora.get(path).text, path), "text": RIGHT})
    worker()
    page = page_of(dora, conversation_id)
    assert "Could not be corrected" in page
    assert "it is too old" in page
    form = dora.get(path).text
    assert RIGHT in form
    assert dora.post(f"{path}/done").status_code == 409
    assert dora.post(f"{path}/again").status_code == 303
    worker()
    assert stage(lambda _world: db.session.get_one(Message, ours).text) == RIGHT
    assert dora.post(f"{path}/dropping").status_code == 303


def test_what_is_held_is_let_in_or_closed_with_a_reason(
    stage: Stage, browser_of: BrowserOf, ids: tuple[int, int, int]
) -> None:
    _, theirs, _ = ids

    def scene(world: World) -> tuple[int, int, int]:
        contact = db.session.get_one(Message, theirs).contact
        assert contact is not None
        contact_ladder.take(contact, "restrict", reason="Insults", days=None, by=world.dora)
        on = db.session.get_one(Message, theirs).channel
        one = there.wrote(on, "Once more!", id="post-2", conversation="c2")
        two = there.wrote(on, "And again!", id="post-3", conversation="c3")
        return one.conversation_id, one.id, two.id

    conversation_id, one, two = stage(scene)
    dora = browser_of("dora")
    assert "Held for a look" in dora.get(f"/desk/conversations/{conversation_id}").text
    assert "Once more!" in dora.get("/desk?view=held").text
    assert dora.post(f"/desk/messages/{one}/held/let-in").status_code == 303
    assert dora.post(f"/desk/messages/{one}/held/let-in").status_code == 409
    assert dora.post(f"/desk/messages/{two}/held/close", data={"reason": ""}).status_code == 422
    assert dora.post(f"/desk/messages/{two}/held/close", data={"reason": "Only insults"}).status_code == 303
    states = stage(lambda _world: {row.message_id: row.state for row in db.session.scalars(select(HeldArrival))})
    assert states == {one: "let_in", two: "closed"}
    assert dora.get(f"/desk/messages/{theirs}/held").status_code == 404


PATHS = (
    ("GET", "/desk/messages/{}/hiding"),
    ("POST", "/desk/messages/{}/hiding"),
    ("POST", "/desk/messages/{}/hiding/again"),
    ("POST", "/desk/messages/{}/hiding/done"),
    ("GET", "/desk/messages/{}/protection"),
    ("POST", "/desk/messages/{}/protection"),
    ("POST", "/desk/messages/{}/reveal"),
    ("POST", "/desk/messages/{}/held/let-in"),
    ("POST", "/desk/messages/{}/held/close"),
    ("GET", "/desk/messages/{}/correction"),
    ("POST", "/desk/messages/{}/correction"),
    ("POST", "/desk/messages/{}/correction/approval"),
    ("POST", "/desk/messages/{}/correction/dropping"),
)


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_whom_it_is_not_for_is_turned_away(
    ids: tuple[int, int, int], browser_of: BrowserOf, stage: Stage, method: str, path: str
) -> None:
    _, theirs, ours = ids
    address = path.format(ours if "correction" in path else theirs)
    for who in ("charlie", "ada", "emil"):
        assert browser_of(who).open(address, method=method).status_code == 403
    assert browser_of("dora").open(path.format(10**12), method=method).status_code == 404
    assert stage(lambda _world: db.session.scalars(select(MessageHiding)).all()) == []
    assert stage(lambda _world: db.session.scalars(select(MessageCorrection)).all()) == []


def test_a_message_of_a_customer_has_no_correction(ids: tuple[int, int, int], dora: Browser) -> None:
    assert dora.get(f"/desk/messages/{ids[1]}/correction").status_code == 404


def test_a_reply_on_another_channel_is_answered_by_a_correction_of_its_own(stage: Stage, browser_of: BrowserOf) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        asked = props.received(props.channel(world, endpoint="https://social.example/replies"))
        reply = replies.reply(asked.conversation, text=WRONG, by=world.dora)
        reply.state = "sent"
        assert not correcting.can(reply)
        return asked.conversation_id, reply.id

    conversation_id, reply_id = stage(scene)
    page = browser_of("dora").get(f"/desk/conversations/{conversation_id}").text
    assert f"correct={reply_id}" in page
