"""Before a reply leaves: it can be taken back, waits for its time, goes out in parts, and says whose it is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import Delivery, deliver_due
from core.web import absolute
from desk import (
    by_hand,
    connections,
    conversations,
    heat,
    holding,
    initials,
    limits,
    replies,
    scheduling,
    sending_settings,
    sla,
)
from desk.channels import base
from desk.channels.base import Capabilities, ChannelFailed, Published, Silent
from desk.means import capabilities_of
from desk.models import Channel, Conversation, Message
from desk.objections import Objected
from desk.replies import Manner
from desk.sending_models import Departure, HeldReply
from forum.models import Notification
from kb.models import ArticleUse
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.desk.stage import Service
from tests.kb.shelf import Shelf

LONG = "Please restart the router. Then open the page of the router and choose channel 6. " * 5


@pytest.fixture
def conversation(world: World, service: Service) -> Conversation:
    return props.received(props.channel(world, endpoint=service.endpoint, limit=100)).conversation


def deliver(*, wait: bool = False) -> None:
    """Deliver what is due; with `wait`, as if all the time had passed."""
    if wait:
        db.session.execute(update(Delivery).values(due_at=now() - timedelta(seconds=1), leased_until=None))
        db.session.execute(update(Message).values(send_after=None))
    db.session.commit()
    while deliver_due():
        if wait:
            break
    db.session.rollback()


def texts_of(service: Service) -> list[str]:
    return [told["message"]["text"] for told in service.taken.values()]


def test_until_its_time_a_reply_stays_and_can_be_taken_back_with_everything(
    world: World, service: Service, conversation: Conversation
) -> None:
    article = Shelf(world).published()
    began = conversation.waiting_since
    text = f"Restart it: {absolute(f'/kb/{article.id}')}"
    message = replies.reply(
        conversation, text=text, by=world.dora, uses=[(article.id, None)], manner=Manner(undo_seconds=10)
    )
    deliver()
    assert service.taken == {}
    assert message.state == "queued"
    assert conversation.waiting_since is None
    held = holding.undo(message, by=world.dora)
    db.session.commit()
    assert (held.text, held.state, held.uses) == (text, "back", [[article.id, None]])
    assert (conversation.state, conversation.waiting_since) == ("open", began)
    assert db.session.scalars(select(ArticleUse)).all() == []
    deliver(wait=True)
    assert service.taken == {}
    assert db.session.scalars(select(Message).where(Message.direction == "out")).all() == []


def test_a_worker_that_hears_of_it_too_early_waits(world: World, service: Service, conversation: Conversation) -> None:
    replies.reply(conversation, text="Hello", by=world.dora, manner=Manner(undo_seconds=10))
    db.session.execute(update(Delivery).values(due_at=now()))
    db.session.commit()
    deliver_due()
    due = db.session.scalars(select(Delivery).where(Delivery.event == "ReplyQueued")).one()
    assert 5 < (due.due_at - now()).total_seconds() <= 10
    assert service.attempts == []
    deliver(wait=True)
    assert texts_of(service) == ["Hello"]
    assert db.session.scalars(select(Departure)).all() == [], "nothing of it is kept twice"


def test_what_left_cannot_be_taken_back(world: World, conversation: Conversation) -> None:
    message = replies.reply(conversation, text="Hello", by=world.dora)
    deliver()
    for who in (world.dora, world.root):
        with pytest.raises(Conflict):
            holding.undo(message, by=who)
    with pytest.raises(NotAllowed):
        holding.undo(message, by=world.alice)


def test_what_failed_brings_the_customer_back_and_its_text_too(
    world: World, service: Service, conversation: Conversation
) -> None:
    began = conversation.waiting_since
    message = replies.reply(conversation, text="Hello", by=world.dora)
    service.answers.append((422, {}, b"not like this"))
    deliver()
    assert (message.state, conversation.state, conversation.waiting_since) == ("failed", "open", began)
    assert holding.undo(message, by=world.dora).text == "Hello"
    assert conversation.waiting_since == began


def test_a_doubt_keeps_the_customer_waiting_until_somebody_looked(world: World, conversation: Conversation) -> None:
    message = replies.reply(conversation, text="Hello", by=world.dora)
    replies._end(message, "unsure", "no answer")
    assert conversation.waiting_since is not None
    with pytest.raises(Conflict):
        holding.undo(message, by=world.dora)
    replies.mark_sent(message, by=world.dora)
    assert (conversation.state, conversation.waiting_since) == ("waiting_customer", None)


def test_refused_for_good_after_a_doubt_it_stays_a_doubt(
    world: World, service: Service, conversation: Conversation
) -> None:
    service.answers += [props.reset, (422, {}, b"twice")]
    message = replies.reply(conversation, text="Hello", by=world.dora)
    deliver()
    deliver(wait=True)
    assert message.state == "unsure"


def half_an_answer(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "500")
    handler.end_headers()
    handler.wfile.write(b'{"id": "po')
    props.reset(handler)


def test_half_an_answer_says_that_it_was_taken(world: World, service: Service, conversation: Conversation) -> None:
    service.answers.append(half_an_answer)
    message = replies.reply(conversation, text="Hello", by=world.dora)
    deliver()
    deliver(wait=True)
    assert message.state == "sent"
    assert texts_of(service) == ["Hello"]


def test_parts_go_out_in_order_each_once_and_the_next_answers_the_one_before(
    world: World, service: Service, conversation: Conversation
) -> None:
    first = replies.reply(conversation, text=LONG, by=world.dora, manner=Manner(split="numbered"))
    deliver()
    said = texts_of(service)
    assert len(said) > 3
    assert [text.rsplit(" ", 1)[1] for text in said] == [f"({n}/{len(said)})" for n in range(1, len(said) + 1)]
    assert all(len(text) <= 100 for text in said)
    assert "".join(text.rsplit(" (", 1)[0].replace(" ", "") for text in said) == LONG.replace(" ", "")
    told = list(service.taken.values())
    assert told[0]["in_reply_to"] == first.conversation.messages[0].external_id
    assert told[1]["in_reply_to"] == first.external_id
    assert len(service.attempts) == len(said)


def test_a_part_that_fails_stops_the_rest_and_says_so(
    world: World, service: Service, conversation: Conversation
) -> None:
    service.answers += [(200, {}, b"{}"), (422, {}, b"no")]
    first = replies.reply(conversation, text=LONG, by=world.dora, manner=Manner(split="numbered"))
    service.answers[0] = lambda handler: props.answer_with(handler, 200, {}, b"{}")  # type: ignore[assignment]
    deliver()
    out = db.session.scalars(select(Message).where(Message.direction == "out").order_by(Message.id)).all()
    assert [one.state for one in out] == ["sent", *["failed"] * (len(out) - 1)]
    assert "Part 2 did not arrive" in str(out[2].failure)
    assert len(service.attempts) == 2
    with pytest.raises(Conflict, match="Part 2"):
        replies.send_again(out[3], by=world.dora)
    with pytest.raises(Conflict):
        holding.undo(first, by=world.dora)
    replies.send_again(out[1], by=world.dora)
    deliver()
    assert {one.state for one in out} == {"sent"}
    assert len(service.taken) == len(out)
    assert len(set(service.attempts)) == len(out)


def test_the_undone_parts_are_one_text_again(world: World, conversation: Conversation) -> None:
    message = replies.reply(conversation, text=LONG, by=world.dora, manner=Manner(split="numbered", undo_seconds=9))
    held = holding.undo(message, by=world.root)
    assert (held.text, held.split, held.by_id) == (LONG, "numbered", world.root.id)
    assert db.session.scalars(select(Message).where(Message.direction == "out")).all() == []


def test_initials_stand_behind_and_count(world: World, conversation: Conversation) -> None:
    sending_settings.choose(conversation.channel, undo_seconds=None, has_initials=True, price="", by=world.root)
    assert replies.reply(conversation, text="x" * 100, by=world.dora).text == "x" * 100
    initials.choose("^db", by=world.dora)
    assert replies.reply(conversation, text="Hello", by=world.dora).text == "Hello ^DB"
    assert replies.reply(conversation, text="Hello ^DB", by=world.dora).text == "Hello ^DB"
    with pytest.raises(Invalid):
        replies.reply(conversation, text="x" * 97, by=world.dora)
    parts = replies.in_parts(conversation, LONG, "numbered", by=world.dora)
    assert [part.endswith("^DB") for part in parts] == [*[False] * (len(parts) - 1), True]
    for wrong in ("ABCDE", "A B", "1", "<b>"):
        with pytest.raises(Invalid):
            initials.choose(wrong, by=world.dora)
    with pytest.raises(NotAllowed):
        initials.choose("AB", by=world.alice)


def planned(world: World, conversation: Conversation, text: str = "Good morning") -> Message:
    return replies.reply(conversation, text=text, by=world.dora, manner=Manner(at=now() + timedelta(hours=9)))


def test_what_is_planned_leaves_the_customer_waiting_until_it_leaves(
    world: World, service: Service, conversation: Conversation
) -> None:
    message = planned(world, conversation)
    assert (conversation.state, conversation.waiting_since is None) == ("open", False)
    assert connections.complaint() == ""
    deliver()
    assert service.taken == {}
    deliver(wait=True)
    assert message.state == "sent"
    assert (conversation.state, conversation.waiting_since) == ("waiting_customer", None)


def test_a_new_message_brings_back_what_was_planned(world: World, service: Service, conversation: Conversation) -> None:
    planned(world, conversation)
    props.received(conversation.channel, "Never mind", id="second")
    held = db.session.scalars(select(HeldReply)).one()
    assert (held.text, held.reason, held.state, held.by_id) == ("Good morning", "new_message", "back", world.dora.id)
    assert db.session.scalars(select(Notification.user_id)).all() == [world.dora.id]
    deliver(wait=True)
    assert service.taken == {}


def test_a_reply_of_somebody_else_brings_it_back_too(
    world: World, service: Service, conversation: Conversation
) -> None:
    planned(world, conversation)
    replies.reply(conversation, text="I was faster", by=world.root)
    assert db.session.scalars(select(HeldReply.reason)).all() == ["other_reply"]
    deliver(wait=True)
    assert texts_of(service) == ["I was faster"]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-27T10:00", None),
        ("2026-11-27T07:59", "2026-11-27T08:00"),
        ("2026-11-27T18:00", "2026-11-30T08:00"),
        ("2026-11-28T12:00", "2026-11-30T08:00"),
        ("2026-03-28T12:00", "2026-03-30T08:00"),
    ],
)
def test_open_hours_are_those_of_the_clock_on_the_wall(world: World, moment: str, expected: str | None) -> None:
    zone = scheduling._zone()
    found = scheduling.next_opening(after=zone.localize(datetime.fromisoformat(moment)))
    assert found == (None if expected is None else zone.localize(datetime.fromisoformat(expected)))


@pytest.mark.parametrize("at", ["", "soon", "2020-01-01T10:00", "9999-12-31T23:59", "2026-13-01T00:00"])
def test_a_time_that_cannot_be_is_refused_at_its_field(conversation: Conversation, at: str) -> None:
    with pytest.raises(Invalid) as refusal:
        scheduling.chosen("at", at, conversation)
    assert list(refusal.value.fields) == ["at"]


def test_a_private_message_is_answered_in_public_only_when_that_is_meant(world: World) -> None:
    on = props.channel(world, endpoint="https://social.example/replies")
    conversation = props.received(on, is_public=False).conversation
    with pytest.raises(Objected) as refused:
        replies.reply(conversation, text="Yes.", by=world.dora, is_public=True, confirmed=[])
    seal = refused.value.objections[0].seal
    assert replies.reply(conversation, text="Yes.", by=world.dora, is_public=True, confirmed=[seal]).is_public
    assert not replies.reply(conversation, text="Yes.", by=world.dora, confirmed=[]).is_public


def told(world: World, service: Service, **capabilities: Any) -> Conversation:
    on = props.channel(world, endpoint=service.endpoint)
    return props.received(on, capabilities=capabilities).conversation


def test_what_the_service_tells_of_a_conversation_holds(world: World, service: Service) -> None:
    conversation = told(world, service, public=False, private_left=1, price="0.20 €")
    means = capabilities_of(conversation)
    assert (means.public, means.private, means.private_left, means.price) == (False, True, 1, "0.20 €")
    with pytest.raises(Invalid):
        replies.reply(conversation, text="Hello", by=world.dora, is_public=True)
    message = replies.reply(conversation, text="Hello", by=world.dora, is_public=False)
    assert capabilities_of(conversation).private_left == 0
    with pytest.raises(Invalid, match="used up"):
        replies.reply(conversation, text="Again", by=world.dora, is_public=False)
    deliver()
    assert message.state == "sent"


def test_after_its_window_nothing_is_sent_but_written_there_by_hand(world: World, service: Service) -> None:
    until = now() + timedelta(hours=3)
    conversation = told(world, service, until=until.isoformat())
    message = replies.reply(conversation, text="Hello", by=world.dora, manner=Manner(undo_seconds=10))
    conversation.capabilities = {"until": (now() - timedelta(seconds=1)).isoformat(), "told_at": now().isoformat()}
    deliver(wait=True)
    assert message.state == "failed"
    assert "over" in str(message.failure)
    for url in ("", "javascript:alert(1)", "https://", "https://a b", "https://[", "ftp://social.example/1"):
        with pytest.raises(Invalid) as refusal:
            by_hand.record(conversation, text="Hello", url=url, by=world.dora)
        assert list(refusal.value.fields) == ["url"]
    written = by_hand.record(conversation, text="Hello", url="https://social.example/9", by=world.dora)
    assert (written.state, written.url, conversation.waiting_since) == ("sent", "https://social.example/9", None)
    with pytest.raises(NotAllowed):
        by_hand.record(conversation, text="Hello", url="https://social.example/9", by=world.ada)


def test_where_it_can_be_sent_nothing_is_noted_by_hand(world: World, conversation: Conversation) -> None:
    with pytest.raises(Conflict):
        by_hand.record(conversation, text="Hello", url="https://social.example/9", by=world.dora)


class Publishing(Silent):
    """A service whose server says how long a text may be."""

    says: Published | ChannelFailed = Published(5000, 30)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(publishes_limits=True)

    def published(self) -> Published:
        if isinstance(self.says, ChannelFailed):
            raise self.says
        return self.says


def test_limits_that_a_server_publishes_hold_and_survive_its_silence(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(base._kinds, "publishing", Publishing)
    channel = Channel(slug="mastodon-de", kind="publishing", name="M", settings={})
    db.session.add(channel)
    db.session.commit()
    measure = base.adapter_of(channel).measure
    assert (measure.limit, measure.url_length) == (500, 23)
    limits.read_published()
    measure = base.adapter_of(channel).measure
    assert (measure.limit, measure.count("https://example.org/x")) == (5000, 30)
    monkeypatch.setattr(Publishing, "says", ChannelFailed("silence"))
    limits.read_published()
    assert base.adapter_of(channel).measure.limit == 5000
    channel.settings = {**channel.settings, "limit": 400}
    assert base.adapter_of(channel).measure.limit == 400, "an admin has the last word"


def test_heat_is_told_by_words_and_asked_once(world: World, settings: Callable[..., None]) -> None:
    assert heat.of("Guten Tag, wie richte ich das WLAN ein?") == 0
    assert heat.of("Was für ein SAFTLADEN!!! Ihr seid unfähig, das ist eine Frechheit") >= heat.HEATED
    assert heat.of("x" * 20_000 + "!?" * 9000) <= 100
    on = props.channel(world, endpoint="https://social.example/replies")
    conversation = props.received(on, "Useless scam!!! You are LIARS").conversation
    with pytest.raises(Objected) as refused:
        replies.reply(conversation, text="Hello", by=world.dora, confirmed=[])
    assert [one.code for one in refused.value.objections] == ["heat"]
    assert replies.reply(conversation, text="Hello", by=world.dora)
    settings(cool_down_seconds=0)
    assert replies.reply(conversation, text="Hello", by=world.dora, confirmed=[])


def test_only_admins_choose_how_a_channel_sends(world: World, conversation: Conversation) -> None:
    about: dict[str, Any] = {"undo_seconds": 30, "has_initials": True, "price": "1 €"}
    with pytest.raises(NotAllowed):
        sending_settings.choose(conversation.channel, **about, by=world.dora)
    with pytest.raises(NotAllowed):
        sending_settings.let_learn(world.dora, is_trainee=True, by=world.dora)
    sending_settings.choose(conversation.channel, **about, by=world.root)
    assert holding.undo_seconds(conversation.channel) == 30
    with pytest.raises(Invalid):
        sending_settings.choose(conversation.channel, **{**about, "undo_seconds": 121}, by=world.root)


# The pages


@pytest.fixture
def conversation_id(stage: Any) -> int:
    def scene(world: World) -> int:
        world.everybody()
        return props.received(props.channel(world, endpoint="https://social.example/replies")).conversation_id

    found: int = stage(scene)
    return found


def test_undone_on_the_page_the_text_is_in_the_composer_again(
    stage: Any, browser_of: Callable[[str], Browser], conversation_id: int
) -> None:
    agent = browser_of("dora")
    page = f"/desk/conversations/{conversation_id}"
    answer = agent.post(f"{page}/replies", data={"text": "Nearly right", "public": "no"})
    assert answer.status_code == 303
    shown = agent.get(page).text
    assert "Take it back" in shown
    message_id = stage(lambda _: db.session.scalar(select(Message.id).where(Message.direction == "out")))
    assert agent.post(f"/desk/messages/{message_id}/undo").status_code == 303
    shown = agent.get(page).text
    assert (
        ">\r\nNearly right</textarea>" in shown
        or ">\nNearly right</textarea>" in shown
        or "Nearly right</textarea>" in shown
    )
    held_id = stage(lambda _: db.session.scalar(select(HeldReply.id)))
    assert f'name="held" value="{held_id}"' in shown
    assert "Nearly right</textarea>" not in browser_of("root").get(page).text
    answer = agent.post(f"{page}/replies", data={"text": "Right", "public": "no", "held": held_id})
    assert answer.status_code == 303
    assert stage(lambda _: db.session.scalars(select(HeldReply)).all()) == []
    assert stage(lambda _: db.session.scalars(select(Message.is_public).where(Message.direction == "out")).all()) == [
        False
    ]


def test_what_came_back_can_be_put_away(stage: Any, browser_of: Callable[[str], Browser], conversation_id: int) -> None:
    def scene(world: World) -> int:
        conversation = db.session.get_one(Conversation, conversation_id)
        message = replies.reply(conversation, text="Hello", by=world.dora, manner=Manner(undo_seconds=5))
        return holding.undo(message, by=world.dora).id

    held_id = stage(scene)
    assert browser_of("root").post(f"/desk/held/{held_id}/away").status_code == 303
    assert stage(lambda _: db.session.get(HeldReply, held_id)) is not None, "only who has it puts it away"
    assert browser_of("dora").post(f"/desk/held/{held_id}/away").status_code == 303
    assert stage(lambda _: db.session.get(HeldReply, held_id)) is None


def test_parts_are_shown_before_and_nothing_is_sent(
    stage: Any, browser_of: Callable[[str], Browser], conversation_id: int
) -> None:
    agent = browser_of("dora")
    path = f"/desk/conversations/{conversation_id}/replies"
    text = "One sentence more. " * 60
    answer = agent.post(path, data={"text": text, "split": "numbered", "parts": "1"})
    assert answer.status_code == 200
    assert "(1/3)" in answer.text
    assert "(3/3)" in answer.text
    answer = agent.post(path, data={"text": text, "split": "link", "parts": "1"})
    assert answer.status_code == 422
    assert "no address in the text" in answer.text
    assert "One sentence more." in answer.text
    answer = agent.post(path, data={"text": "Hi", "when": "at", "at": "2001-01-01T00:00"})
    assert answer.status_code == 422
    assert "has passed" in answer.text
    assert stage(lambda _: db.session.scalars(select(Message).where(Message.direction == "out")).all()) == []


def test_the_composer_says_how_this_can_be_answered(stage: Any, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        on = props.channel(world, endpoint="https://social.example/replies")
        until = (datetime.now(UTC) + timedelta(hours=3, minutes=12)).isoformat()
        open_one = props.received(
            on,
            id="1",
            conversation="a",
            capabilities={"public": False, "private_left": 1, "until": until, "price": "2 ct"},
        )
        shut = props.received(
            on, id="2", conversation="b", url="https://social.example/2", capabilities={"reply": False}
        )
        return open_one.conversation_id, shut.conversation_id

    open_id, shut_id = stage(scene)
    agent = browser_of("dora")
    shown = agent.get(f"/desk/conversations/{open_id}").text
    for words in ("In private only", "1 private reply left", "Window ends in", "Costs 2 ct"):
        assert words in shown
    assert 'name="public"' not in shown
    shown = agent.get(f"/desk/conversations/{shut_id}").text
    assert "Answer in the browser" in shown
    path = f"/desk/conversations/{shut_id}/by-hand"
    assert "https://social.example/2" in agent.get(path).text
    assert agent.post(path, data={"text": "Hi", "url": "nonsense"}).status_code == 422
    assert agent.post(path, data={"text": "Hi", "url": "https://social.example/3"}).status_code == 303
    assert "https://social.example/3" in agent.get(f"/desk/conversations/{shut_id}").text


def test_the_vent_pad_belongs_to_no_form_and_has_no_name(
    browser_of: Callable[[str], Browser], conversation_id: int
) -> None:
    shown = browser_of("dora").get(f"/desk/conversations/{conversation_id}").text
    pad = shown[shown.index('id="vent"') - 200 : shown.index('id="vent"') + 200]
    assert "name=" not in pad.split("<textarea")[1].split(">")[0]
    before = shown[: shown.index('id="vent"')]
    assert before.count("<form") == before.count("</form>")


def test_admins_choose_by_form_and_wrong_values_stay(
    stage: Any, browser_of: Callable[[str], Browser], conversation_id: int
) -> None:
    admin = browser_of("root")
    channel_id = stage(lambda _: db.session.scalar(select(Channel.id)))
    answer = admin.post(f"/admin/channels/{channel_id}/sending", data={"undo_seconds": "500", "price": "a lot"})
    assert answer.status_code == 422
    assert "a lot" in answer.text
    answer = admin.post(f"/admin/channels/{channel_id}/sending", data={"undo_seconds": "0", "has_initials": "y"})
    assert answer.status_code == 303
    settings = stage(lambda _: db.session.get_one(Channel, channel_id).settings)
    assert (settings["undo_seconds"], settings["initials"]) == (0, True)
    assert browser_of("dora").post("/desk/initials", data={"initials": "toolong"}).status_code == 422
    assert browser_of("dora").post("/desk/initials", data={"initials": "db"}).status_code == 303
    assert 'data-count-suffix=" ^DB"' in browser_of("dora").get(f"/desk/conversations/{conversation_id}").text


def test_a_conversation_with_a_held_reply_can_be_solved(world: World, conversation: Conversation) -> None:
    planned(world, conversation)
    conversations.change_state(conversation, "solved", by=world.dora)
    assert conversation.waiting_since is None


def test_the_inbox_says_what_did_not_arrive(
    stage: Any, browser_of: Callable[[str], Browser], conversation_id: int
) -> None:
    def scene(world: World) -> None:
        conversation = db.session.get_one(Conversation, conversation_id)
        message = replies.reply(conversation, text="Hello", by=world.dora)
        replies._end(message, "failed", "the other side answered 422")

    stage(scene)
    agent = browser_of("dora")
    assert "delivery--failed" in agent.get("/desk").text
    assert "the other side answered 422" in agent.get(f"/desk/conversations/{conversation_id}").text


def governed(world: World, conversation: Conversation, **calendar: Any) -> None:
    """Have the conversation's clock run by a policy with a calendar: weekdays from 9 to 17, in Bavaria."""
    about: dict[str, Any] = {
        "name": "Weekdays",
        "time_zone": "Europe/Berlin",
        "region": "DE-BY",
        "days": ["9:00-17:00"] * 5 + ["", ""],
        "closed": "2026-12-24 Christmas Eve",
        **calendar,
    }
    made = sla.save_calendar(None, **about, by=world.root)
    minutes = dict.fromkeys(sla.TIMES, 0) | {"first_minutes": 60}
    policy = sla.save_policy(
        None,
        name="Social",
        channel_id=conversation.channel_id,
        calendar_id=made.id,
        from_priority=None,
        intent="",
        minutes=minutes,
        rests_inside=True,
        by=world.root,
    )
    conversation.clock.policy_id = policy.id  # type: ignore[union-attr]  # it has one since the customer wrote


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-27T10:00", None),
        ("2026-11-27T08:30", "2026-11-27T09:00"),
        ("2026-11-27T17:00", "2026-11-30T09:00"),
        ("2026-12-23T17:30", "2026-12-28T09:00"),
        ("2026-01-05T17:30", "2026-01-07T09:00"),
    ],
)
def test_open_hours_are_those_of_the_calendar_that_governs_the_conversation(
    world: World, conversation: Conversation, moment: str, expected: str | None
) -> None:
    governed(world, conversation)
    zone = scheduling._zone()
    found = scheduling.next_opening(conversation, after=zone.localize(datetime.fromisoformat(moment)))
    assert found == (None if expected is None else zone.localize(datetime.fromisoformat(expected)))


def test_where_no_calendar_is_set_the_settings_hold(
    world: World, conversation: Conversation, settings: Callable[..., None]
) -> None:
    settings(send_hours="10:00-11:00", send_days="6")
    zone = scheduling._zone()
    moment = zone.localize(datetime(2026, 11, 26, 12, 0))  # noqa: DTZ001 -- the line says of which zone
    assert scheduling.next_opening(conversation, after=moment) == zone.localize(
        datetime(2026, 11, 28, 10, 0)  # noqa: DTZ001 -- the same
    )
    governed(world, conversation, region="", days=["0:00-24:00"] * 7, closed="")
    assert scheduling.next_opening(conversation, after=moment) is None


def test_a_place_that_stays_closed_too_long_is_said_and_not_planned(world: World, conversation: Conversation) -> None:
    days = "\n".join(str((now() + timedelta(days=number)).date()) for number in range(-1, 100))
    governed(world, conversation, closed=days)
    with pytest.raises(Invalid, match="At most 90 days"):
        scheduling.chosen("open", "", conversation)
