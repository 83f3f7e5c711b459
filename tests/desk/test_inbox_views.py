"""The views of the inbox: what each shows, how many it has, and views that agents make of filters."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from accounts.models import User
from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from desk import bulk, conversations, filters, listing, replies, saved_views, snoozing, teams
from desk.models import Channel, Conversation
from desk.team_models import Team
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received

Stage = Callable[[Callable[[World], Any]], Any]


def conversation(on: Channel, name: str, *, minutes: int = 5, words: str = "What now?", **about: Any) -> Conversation:
    """Somebody of this name has been waiting for so many minutes."""
    at = now() - timedelta(minutes=minutes)
    handle = f"@{name}@social.example"
    message = received(
        on, words, conversation=name, id=f"post-{name}", created_at=at, handle=handle, name=name.title(), **about
    )
    message.conversation.created_at = at
    db.session.flush()
    return message.conversation


def shown(world: World, view: Any, **narrowed: str) -> list[str]:
    return [
        line.conversation.contact.name for line in listing.listing(view, viewer=world.dora, narrowed=narrowed).lines
    ]


def crowd(world: World) -> Mapping[str, Conversation]:
    """One of each: new, mine, due soon, long waiting, answered, asked inside, snoozed, solved."""
    on = channel(world, endpoint="https://social.example/replies")
    found = {
        name: conversation(on, name, minutes=minutes)
        for name, minutes in {
            "new": 5,
            "mine": 20,
            "late": 90,
            "forgotten": 60 * 7,
            "answered": 30,
            "inside": 40,
            "asleep": 50,
            "solved": 55,
        }.items()
    }
    conversations.assign(found["mine"], world.dora, by=world.dora)
    replies.reply(found["answered"], text="Please restart it.", by=world.dora)
    conversations.change_state(found["inside"], "waiting_inside", by=world.dora)
    snoozing.snooze(found["asleep"], now() + timedelta(hours=3), by=world.dora)
    conversations.change_state(found["solved"], "solved", by=world.dora)
    return found


def test_each_view_shows_its_conversations_in_its_order(world: World) -> None:
    crowd(world)
    assert shown(world, "waiting") == ["Forgotten", "Late", "Inside", "Mine", "New"], "who is due first"
    assert shown(world, "mine") == ["Mine"]
    assert set(shown(world, "unassigned")) == {"New", "Late", "Forgotten", "Answered", "Inside"}
    assert shown(world, "due_soon") == ["Inside", "Mine", "New"], "the clock of what sleeps stands"
    assert shown(world, "overdue") == ["Forgotten", "Late"]
    assert shown(world, "waiting_customer") == ["Answered"]
    assert shown(world, "waiting_inside") == ["Inside"]
    assert shown(world, "snoozed") == ["Asleep"]
    assert shown(world, "lost") == ["Forgotten"]
    assert shown(world, "solved") == ["Solved"]
    assert len(shown(world, "all")) == 8


def test_counts_are_the_number_of_lines_and_what_is_done_is_not_counted(world: World) -> None:
    crowd(world)
    views = listing.known()
    counts = listing.counts(views, viewer=world.dora)
    assert counts == {view.key: len(shown(world, view)) for view in views if view.is_counted}
    assert {"solved", "all"} & set(counts) == set()


def test_strangers_see_no_conversation_and_no_count(world: World) -> None:
    crowd(world)
    for viewer in (AnonymousUser(), world.alice, world.ada):
        assert listing.listing("all", viewer=viewer).lines == []
        assert set(listing.counts(listing.known(), viewer=viewer).values()) == {0}
        assert saved_views.visible_to(viewer) == []


def test_the_words_in_the_list_are_the_customers_last_ones(world: World) -> None:
    on = channel(world, endpoint="https://social.example/replies")
    found = conversation(on, "max", words="A" * 20_000)
    assert found.last_words == "A" * 200
    replies.reply(found, text="Please restart it.", by=world.dora)
    assert found.last_words == "A" * 200, "what we wrote is not what they wait for"
    received(on, "It is dark again", conversation="max", id="post-2", created_at=now())
    assert shown(world, "waiting", text="dark AGAIN") == ["Max"]
    assert found.last_words == "It is dark again"


def test_filters_narrow_by_channel_language_state_assignee_and_words(world: World) -> None:
    on = channel(world)
    other = channel(world, "mail")
    first = conversation(on, "max", words="My wireless is gone since the update", locale="en")
    conversation(other, "eva", words="Mein WLAN ist seit dem Update weg", locale="de")
    conversations.assign(first, world.dora, by=world.dora)
    assert shown(world, "all", channel=str(other.id)) == ["Eva"]
    assert shown(world, "all", locale="en") == ["Max"]
    assert shown(world, "all", assignee="me") == ["Max"]
    assert shown(world, "all", assignee="nobody") == ["Eva"]
    assert shown(world, "all", assignee=str(world.dora.id)) == ["Max"]
    assert shown(world, "all", text="100%_") == []
    assert shown(world, "all", text="@eva@") == ["Eva"], "by the name, too"
    conversations.change_state(first, "solved", by=world.dora)
    assert shown(world, "all", state="solved") == ["Max"]
    assert shown(world, "all", state="undone") == ["Eva"]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"channel": "social"},
        {"channel": "9" * 40},
        {"locale": "xx"},
        {"state": "'; drop table"},
        {"assignee": "-1"},
        {"text": "x" * 101},
        {"text": "\0"},
        {"colour": "red"},
        {"text": None},
    ],
    ids=str,
)
def test_what_cannot_be_asked_for_is_left_out(world: World, nonsense: dict[str, Any]) -> None:
    del world
    assert filters.cleaned(nonsense) == {}


def test_a_view_is_its_owners_until_it_is_shared(world: World) -> None:
    on = channel(world)
    conversation(on, "max", words="My wireless is gone")
    conversation(on, "eva", words="My invoice is wrong")
    ben = world.person("ben", "agent")
    own = saved_views.create(name="Wireless", wanted={"text": "wireless"}, is_shared=False, by=world.dora)
    assert shown(world, saved_views.as_view(own)) == ["Max"]
    assert listing.counts([saved_views.as_view(own)], viewer=world.dora) == {f"v{own.id}": 1}
    assert saved_views.visible_to(ben) == []
    with pytest.raises(NotFound):
        saved_views.visible_view(own.id, viewer=ben)
    saved_views.change(own, name="WLAN", wanted={"text": "wireless"}, is_shared=True, by=world.dora)
    assert [one.name for one in saved_views.visible_to(ben)] == ["WLAN"]
    with pytest.raises(NotAllowed):
        saved_views.remove(own, by=ben)
    saved_views.remove(own, by=world.root)
    assert saved_views.visible_to(world.dora) == []


def test_a_view_of_mine_is_everybodys_own(world: World) -> None:
    on = channel(world)
    ben = world.person("ben", "agent")
    conversations.assign(conversation(on, "max"), ben, by=world.dora)
    view = saved_views.as_view(saved_views.create(name="My", wanted={"assignee": "me"}, is_shared=True, by=world.dora))
    assert listing.counts([view], viewer=world.dora) == {view.key: 0}
    assert listing.counts([view], viewer=ben) == {view.key: 1}


def test_a_view_has_a_name_and_nobody_has_too_many(world: World) -> None:
    with pytest.raises(Invalid) as nameless:
        saved_views.create(name="  ", wanted={}, is_shared=False, by=world.dora)
    assert "name" in nameless.value.fields
    for number in range(saved_views.MOST_OWN):
        saved_views.create(name=f"View {number}", wanted={}, is_shared=False, by=world.dora)
    with pytest.raises(Invalid):
        saved_views.create(name="One more", wanted={}, is_shared=False, by=world.dora)
    with pytest.raises(NotAllowed):
        saved_views.create(name="Mine", wanted={}, is_shared=False, by=world.alice)


def test_another_area_contributes_a_view_and_a_filter(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_views", dict(listing._views))
    monkeypatch.setattr(filters, "_filters", dict(filters._filters))
    listing.contribute(
        listing.View(key="german", name="German", where=lambda _viewer, _at: Conversation.locale == "de")
    )
    filters.contribute(
        filters.Filter(
            name="handle",
            label="Handle",
            clause=lambda value, _viewer: Conversation.external_id == value,
            accepts=bool,
        )
    )
    on = channel(world)
    conversation(on, "max", locale="en")
    conversation(on, "eva", locale="de", words="Mein WLAN ist seit dem Update weg")
    assert shown(world, "german") == ["Eva"]
    assert [view.key for view in listing.known()][-3:] == ["german", "solved", "all"]
    assert shown(world, "all", handle="max") == ["Max"]


def test_the_counts_look_at_what_is_open_only(world: World) -> None:
    crowd(world)
    views = listing.known()
    with db.session.no_autoflush:
        at = now()
        columns = [db.func.count().filter(view.where(world.dora, at)) for view in views if view.is_counted]
        statement = db.select(*columns).select_from(Conversation).where(filters.IS_OPEN)
        compiled = statement.compile(db.engine, compile_kwargs={"render_postcompile": True})
    is_sqlite = db.engine.dialect.name == "sqlite"
    if not is_sqlite:
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
    connection = db.session.connection()
    prefix = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    parameters = compiled.construct_params()
    if is_sqlite:
        parameters = tuple(str(parameters[name]) for name in compiled.positiontup or ())  # type: ignore[assignment]
    plan = str(connection.exec_driver_sql(prefix + str(compiled), parameters).all())
    assert "ix_conversation_open" in plan


@pytest.mark.parametrize(("view", "index"), [("solved", "ix_conversation_done"), ("pressing", "ix_conversation_open_")])
def test_a_page_is_chosen_over_a_narrow_index_and_brings_no_secret(world: World, view: Any, index: str) -> None:
    crowd(world)
    seen: list[tuple[str, Any]] = []
    note = lambda _c, _cursor, statement, parameters, *_rest: seen.append((statement, parameters))  # noqa: E731 -- removed below
    event.listen(db.engine, "before_cursor_execute", note)
    assert shown(world, view)
    event.remove(db.engine, "before_cursor_execute", note)
    ((statement, parameters),) = [one for one in seen if "last_words" in one[0] and one[0].startswith("SELECT")]
    assert "secret" not in statement, "each line would decrypt it"
    is_sqlite = db.engine.dialect.name == "sqlite"
    if not is_sqlite:
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        db.session.execute(text("SET LOCAL enable_sort = off"))
    prefix = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    assert index in str(db.session.connection().exec_driver_sql(prefix + statement, parameters).all())


def test_saving_a_view_in_the_browser_keeps_what_was_typed(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> None:
        world.everybody()
        conversation(channel(world), "max", words="My wireless is gone")

    stage(scene)
    dora = browser_of("dora")
    refused = dora.post("/desk/views/new", data={"name": "", "text": "wireless", "who": "me"})
    assert refused.status_code == 422
    assert 'value="wireless"' in refused.text
    look = dora.post("/desk/views/new", data={"look": "1", "text": "wireless"})
    assert look.status_code == 303
    assert "Max" in dora.get(look.headers["Location"]).text
    saved = dora.post("/desk/views/new", data={"name": "<b>WLAN</b>", "text": "wireless", "who": "team"})
    page = dora.get(saved.headers["Location"]).text
    assert "&lt;b&gt;WLAN&lt;/b&gt;" in page
    assert "Max" in page
    view_id = int(saved.headers["Location"].rsplit("v", 1)[1])
    dora.post(f"/desk/views/{view_id}", data={"name": "Invoices", "text": "invoice", "who": "me"})
    assert "Max" not in dora.get(saved.headers["Location"]).text
    assert dora.post(f"/desk/views/{view_id}/removal").status_code == 303
    assert dora.get(f"/desk/views/{view_id}").status_code == 404


def test_a_list_asked_for_again_costs_no_bytes_until_something_changes(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: (world.everybody(), conversation(channel(world), "max", minutes=60 * 24 * 9)))
    dora = browser_of("dora")
    for path in ("/desk/lines?view=all", "/desk/queue?current=1"):
        first = dora.get(path)
        again = dora.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        assert first.headers["Cache-Control"] == "private, no-cache"


def test_the_inbox_and_its_parts_cost_few_statements(
    app: Flask, stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> int:
        world.everybody()
        crowd(world)
        for number in range(10):
            saved_views.create(name=f"View {number}", wanted={"text": "now"}, is_shared=True, by=world.dora)
        return next(iter(db.session.scalars(db.select(Conversation.id))))

    number = stage(scene)
    dora = browser_of("dora")
    with app.app_context():
        engine = db.engine
    seen: list[str] = []
    note = lambda _c, _cursor, statement, *_rest: seen.append(statement)  # noqa: E731 -- listened to and removed below
    paths = {"/desk": 5, "/desk/lines": 4, "/desk/queue": 2, f"/desk/conversations/{number}": 8, "/desk?text=now": 5}
    for path, most in paths.items():
        dora.get(path)
        seen.clear()
        event.listen(engine, "before_cursor_execute", note)
        assert dora.get(path).status_code == 200
        event.remove(engine, "before_cursor_execute", note)
        asked = [statement for statement in seen if statement.startswith(("SELECT", "WITH"))]
        assert len(asked) <= most, f"{path}: {asked}"


def test_a_team_has_its_view_and_own_views_know_any_team(world: World) -> None:
    on = channel(world)
    ours = received(on, "For us", conversation="ours", id="ours").conversation
    theirs = received(on, "For them", conversation="theirs", id="theirs").conversation
    nobodys = received(on, "For nobody", conversation="nobodys", id="nobodys").conversation
    us = team(world, "Us", world.dora)
    them = team(world, "Them", world.root)
    teams.give(ours, us, by=world.root)
    teams.give(theirs, them, by=world.root)
    view = listing.built_in("my_teams")
    assert view is not None
    assert [view.key for view in listing.known()].index("my_teams") == 3
    for viewer, expected in ((world.dora, [ours]), (world.root, [theirs])):
        assert [line.conversation for line in listing.listing(view, viewer=viewer).lines] == expected
        assert listing.counts([view], viewer=viewer) == {"my_teams": 1}
    for value, expected in (("mine", {ours}), ("none", {nobodys}), (str(them.id), {theirs}), ("999", set())):
        saved = saved_views.create(name=f"of {value}", wanted={"team": value}, is_shared=False, by=world.dora)
        made = saved_views.as_view(saved)
        assert {line.conversation for line in listing.listing(made, viewer=world.dora).lines} == expected
        assert listing.counts([made], viewer=world.dora)[made.key] == len(expected)
    assert filters.cleaned({"team": "elsewhere"}) == {}


def test_many_are_given_to_a_team_at_once_and_back(world: World) -> None:
    on = channel(world)
    found = [received(on, "One", conversation=f"c{number}", id=f"c{number}").conversation for number in range(3)]
    us, them = team(world, "Us", world.dora), team(world, "Them", world.root)
    teams.give(found[0], them, by=world.root)
    done = bulk.do("team", found, wanted=bulk.Wanted(team=us), by=world.dora)
    assert done.changed == 3
    assert {one.team_id for one in found} == {us.id}
    assert done.deed is not None
    assert bulk.undo(done.deed, by=world.dora).changed == 3
    assert [one.team_id for one in found] == [them.id, None, None]


def test_what_was_done_before_teams_were_kept_can_be_undone_still(world: World) -> None:
    conversation = received(channel(world), "One").conversation
    done = bulk.do("assign", [conversation], wanted=bulk.Wanted(assignee=world.dora), by=world.dora).deed
    assert done is not None
    done.changes = [
        {**change, **{side: {k: v for k, v in change[side].items() if k != "team_id"} for side in ("before", "after")}}
        for change in done.changes
    ]
    assert bulk.undo(done, by=world.dora).changed == 1
    assert conversation.assignee is None


def team(world: World, name: str, *members: User) -> Team:
    return teams.save(
        None,
        name=name,
        way="nobody",
        channel_ids=[],
        languages="",
        skills="",
        member_ids=[one.id for one in members],
        by=world.root,
    )
