"""After a serious complaint is closed: what its author writes in public is watched, and bad news is heard once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import deliver_due
from core.transfer import iso
from desk import conversations, listing, persons, reasons, shared_drafts, watching
from desk.models import Contact, Conversation
from desk.watch_models import CaseWatch, CaseWatchHit
from forum.models import Notification
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props

ANGRY = "Your service is terrible and you lied to me. I am fed up with this company."
MOST_OF_A_PAGE = 24
"""Statements of a page that has everything on it."""
CALM = "Thank you, that is kind of you."
Settings = Callable[..., None]


def deliver() -> None:
    db.session.commit()
    while deliver_due():
        pass
    db.session.rollback()


def complaint(world: World, *, public: bool = True, text: str = ANGRY) -> Conversation:
    world.everybody()
    message = props.received(props.channel(world, endpoint="https://social.example/replies"), text, is_public=public)
    conversation = message.conversation
    conversations.take(conversation, by=world.dora)
    deliver()
    return db.session.get_one(Conversation, conversation.id)


def closed(world: World, **about: Any) -> Conversation:
    conversation = complaint(world, **about)
    conversations.change_state(conversation, "solved", by=world.dora)
    deliver()
    return db.session.get_one(Conversation, conversation.id)


def watches() -> list[CaseWatch]:
    return list(db.session.scalars(select(CaseWatch).order_by(CaseWatch.id)))


def alarms() -> list[int]:
    kind = Notification.kind == "watch_alarm"
    return list(db.session.scalars(select(Notification.user_id).where(kind).order_by(Notification.id)))


def joined_elsewhere(world: World, conversation: Conversation) -> Conversation:
    """The same person on another channel, as somebody proved."""
    said = props.received(
        props.channel(world, "photos"), "Hello there", conversation="elsewhere", id="hello", handle="@max2"
    )
    persons.join(
        conversation.contact, db.session.get_one(Contact, said.conversation.contact_id), proof="claimed", by=world.dora
    )
    return said.conversation


def test_a_serious_complaint_that_is_closed_is_watched_for_two_weeks(world: World) -> None:
    conversation = closed(world)
    watch = watches()[0]
    assert watch.conversation_id == conversation.id
    assert watch.because["heat"] >= 2
    assert timedelta(days=13) < watch.until - now() <= timedelta(days=14)
    said = {reason.label: reason.words for reason in reasons.why(conversation, viewer=world.dora)}
    assert "because: " in said["Watched"]
    assert "heat" in said["Watched"]


def test_what_is_not_serious_is_not_watched(world: World, settings: Settings) -> None:
    settings(watch_from_heat=0, watch_from_band=0)
    closed(world)
    assert watches() == []


def test_a_band_of_priority_makes_a_complaint_serious_too(world: World, settings: Settings) -> None:
    settings(watch_from_heat=0, watch_from_band=1)
    closed(world)
    assert watches()[0].because.keys() == {"intent", "band"}


def test_praise_and_private_complaints_are_not_watched_and_no_days_are_none(world: World, settings: Settings) -> None:
    settings(watch_from_band=1)
    closed(world, text="You are wonderful, thank you so much, everything works now.")
    assert watches() == []
    settings(watch_days=0)
    conversation = closed_again(world)
    assert (watches(), conversation.state) == ([], "solved")


def closed_again(world: World) -> Conversation:
    conversation = db.session.scalars(select(Conversation)).one()
    props.received(conversation.channel, ANGRY, id="again")
    deliver()
    conversations.change_state(db.session.get_one(Conversation, conversation.id), "solved", by=world.dora)
    deliver()
    return db.session.get_one(Conversation, conversation.id)


def test_somebody_who_writes_in_private_alone_is_not_watched(world: World) -> None:
    closed(world, public=False)
    assert watches() == []


def test_a_bad_word_on_any_channel_of_the_person_opens_the_old_conversation_and_alarms_once(world: World) -> None:
    old = closed(world)
    new = joined_elsewhere(world, old)
    deliver()
    assert db.session.get_one(Conversation, old.id).state == "solved", "a greeting is no bad word"
    for number in range(2):
        props.received(new.channel, ANGRY, conversation="elsewhere", id=f"bad-{number}", handle="@max2")
        deliver()
    old = db.session.get_one(Conversation, old.id)
    assert old.state == "open"
    assert alarms() == [world.dora.id]
    assert len(db.session.scalars(select(CaseWatchHit)).all()) == 2
    found = watching.beside(old, viewer=world.dora)
    assert {hit.message.conversation_id for hit in found.caught} == {new.id}
    new = db.session.get_one(Conversation, new.id)
    assert [watch.conversation_id for watch in watching.beside(new, viewer=world.dora).of_others] == [old.id]
    assert "Opened again" in {reason.label for reason in reasons.why(old, viewer=world.dora)}
    assert "An earlier complaint" in {reason.label for reason in reasons.why(new, viewer=world.dora)}
    assert watching.beside(old, viewer=world.alice) == watching.Beside()


def test_the_worker_may_hear_of_it_twice(world: World) -> None:
    old = closed(world)
    message = props.received(old.channel, ANGRY, id="worse")
    deliver()
    watching.look(watching.PublicMessageJudged(message.id))
    watching.consider(watching.ConversationClosed(old.id, old.state, iso(now())))
    assert alarms() == [world.dora.id]
    assert len(watches()) == 1
    assert len(db.session.scalars(select(CaseWatchHit)).all()) == 1


@pytest.mark.parametrize("about", [{"text": CALM}, {"is_public": False}])
def test_kind_words_and_private_ones_alarm_nobody(world: World, about: dict[str, Any]) -> None:
    old = closed(world)
    props.received(old.channel, id="more", **{"text": ANGRY, **about})
    deliver()
    assert alarms() == []


def test_strangers_are_not_watched_and_what_is_over_is_over(world: World) -> None:
    old = closed(world)
    props.received(old.channel, ANGRY, conversation="other", id="stranger", handle="@somebody")
    deliver()
    assert alarms() == []
    db.session.execute(update(CaseWatch).values(until=now() - timedelta(minutes=1)))
    props.received(old.channel, ANGRY, id="late")
    deliver()
    assert alarms() == []
    assert not watching.runs(watches()[0])


def test_closed_once_more_after_an_alarm_it_is_watched_anew(world: World) -> None:
    old = closed(world)
    props.received(old.channel, ANGRY, id="worse")
    deliver()
    conversations.change_state(db.session.get_one(Conversation, old.id), "solved", by=world.dora)
    deliver()
    first, second = watches()
    assert first.ended_at is not None
    assert second.alarmed_at is None
    props.received(old.channel, ANGRY, id="worst")
    deliver()
    assert alarms() == [world.dora.id, world.dora.id], "once for each closing"


def test_agents_begin_lengthen_and_end_a_watch(world: World) -> None:
    conversation = complaint(world, text="When do you open?")
    watch = watching.begin(conversation, days=3, by=world.dora)
    assert "Dora wanted it" in watching.in_words(watch)
    assert watching.begin(conversation, days=30, by=world.root) is watch
    assert watch.until - now() > timedelta(days=29)
    for days in (0, 366, -1):
        with pytest.raises(Invalid):
            watching.begin(conversation, days=days, by=world.dora)
    with pytest.raises(NotAllowed):
        watching.begin(conversation, days=3, by=world.alice)
    watching.end(conversation, by=world.dora)
    with pytest.raises(Conflict):
        watching.end(conversation, by=world.dora)
    conversations.change_state(conversation, "solved", by=world.dora)
    deliver()
    assert not any(watching.runs(one) for one in watches()), "what a person ended begins by itself for news only"


def test_the_view_of_what_is_watched_counts_what_is_done_too(world: World) -> None:
    conversation = closed(world)
    view = listing.built_in("watched")
    assert view is not None
    assert listing.counts([view], viewer=world.dora) == {"watched": 1}
    assert [line.conversation.id for line in listing.listing(view, viewer=world.dora).lines] == [conversation.id]
    assert listing.counts([view], viewer=world.alice) == {"watched": 0}
    watching.end(conversation, by=world.dora)
    assert listing.counts([view], viewer=world.dora) == {"watched": 0}


def test_by_buttons(stage: Any, browser_of: Callable[[str], Browser]) -> None:
    conversation_id = stage(lambda world: closed(world).id)
    dora = browser_of("dora")
    page = f"/desk/conversations/{conversation_id}"
    shown = dora.get(page).text
    assert "because: " in shown
    assert "Watched" in dora.get("/desk?view=watched").text
    wrong = dora.post(f"{page}/watch", data={"days": "many"})
    assert wrong.status_code == 422
    assert dora.post(f"{page}/watch", data={"days": "30"}).status_code == 303
    assert "Watch no longer" in dora.get(f"{page}/watch").text
    assert dora.post(f"{page}/watch/end").status_code == 303
    assert dora.post(f"{page}/watch/end").status_code == 409
    assert "Nothing is watched now" in dora.get(f"{page}/watch").text
    assert "Watched no longer" in dora.get(f"{page}/history").text
    assert browser_of("alice").get(f"{page}/watch").status_code == 403


def test_more_drafts_hits_and_watches_take_no_more_statements(
    app: Flask, stage: Any, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> int:
        conversation = complaint(world)
        watching.begin(conversation, days=3, by=world.dora)
        shared_drafts.save(conversation, shared_drafts.Written(text="Begun"), by=world.root)
        props.received(conversation.channel, ANGRY, id="hit-0")
        deliver()
        return conversation.id

    def more(world: World) -> None:
        conversation = db.session.get_one(Conversation, conversation_id)
        for number in range(1, 12):
            by = (world.dora, world.root)[number % 2]
            draft = shared_drafts.of(conversation, viewer=by).open
            assert draft is not None
            written = shared_drafts.Written(text=f"Text {number}", version=draft.version)
            shared_drafts.save(conversation, written, by=by)
            props.received(conversation.channel, ANGRY, id=f"hit-{number}")
        deliver()

    def statements(path: str) -> int:
        seen: list[str] = []
        with app.app_context():
            engine = db.engine
        note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- listened to and removed below
        event.listen(engine, "before_cursor_execute", note)
        assert dora.get(path).status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        return sum(statement.startswith("SELECT") for statement in seen)

    conversation_id = stage(scene)
    dora = browser_of("dora")
    page = f"/desk/conversations/{conversation_id}"
    paths = (page, f"{page}/why", f"{page}/watch", "/desk?view=watched", "/desk?view=my_teams")
    dora.get(page)  # the first page of a session notes that it was seen
    few = [statements(path) for path in paths]
    stage(more)
    assert [statements(path) for path in paths] == few
    assert few[0] <= MOST_OF_A_PAGE
