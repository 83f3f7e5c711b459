"""Many conversations at once: seen first, each once, conflicts named, and the way back."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from accounts.models import AuditEntry
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from desk import bulk, conversations
from desk.bulk import Wanted
from desk.inbox_models import DeskBulkDeed
from desk.models import Conversation
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received
from tests.desk.test_inbox_views import conversation

Stage = Callable[[Callable[[World], Any]], Any]


def three(world: World) -> list[Conversation]:
    on = channel(world)
    return [conversation(on, name, minutes=10) for name in ("max", "eva", "tom")]


def test_each_changes_once_with_its_own_line_in_the_log_and_comes_back(world: World) -> None:
    found = three(world)
    before = [bulk.state(one) for one in found]
    outcome = bulk.do("solved", [*found, found[0]], wanted=Wanted(), by=world.dora)
    assert outcome.changed == 3
    assert {one.state for one in found} == {"solved"}
    lines = db.session.scalars(select(AuditEntry.subject_id).where(AuditEntry.deed == "desk.conversation.change_state"))
    assert sorted(lines) == sorted(one.id for one in found)
    assert outcome.deed is not None
    assert bulk.undo(outcome.deed, by=world.dora).changed == 3
    assert [bulk.state(one) for one in found] == before, "the clocks, too"
    with pytest.raises(Conflict):
        bulk.undo(outcome.deed, by=world.dora)


def test_every_deed_can_be_done_and_undone(world: World) -> None:
    found = three(world)
    wanted = Wanted(assignee=world.dora, until=now() + timedelta(hours=1))
    for deed in bulk.DEEDS:
        before = [bulk.state(one) for one in found]
        outcome = bulk.do(deed, found, wanted=wanted, by=world.dora)
        assert outcome.refused == {}
        if outcome.deed is not None:
            bulk.undo(outcome.deed, by=world.dora)
        assert [bulk.state(one) for one in found] == before, deed


def test_who_changed_since_the_preview_stays_and_is_named(world: World) -> None:
    found = three(world)
    seals = {one.id: bulk.seal(one) for one in found}
    received(found[1].channel, "And one more thing", conversation="eva", id="more", created_at=now())
    outcome = bulk.do("solved", found, wanted=Wanted(), by=world.dora, seals=seals)
    assert outcome.changed == 2
    assert list(outcome.refused) == [found[1].id]
    assert found[1].state == "new"


def test_what_somebody_changed_since_is_not_undone(world: World) -> None:
    found = three(world)
    outcome = bulk.do("assign", found, wanted=Wanted(assignee=world.dora), by=world.dora)
    assert outcome.deed is not None
    conversations.assign(found[0], None, by=world.dora)
    undone = bulk.undo(outcome.deed, by=world.dora)
    assert (undone.changed, list(undone.refused)) == (2, [found[0].id])


def test_too_many_none_and_nonsense_are_refused(world: World) -> None:
    found = three(world)
    for ids in ([], list(range(1, bulk.MOST + 2))):
        with pytest.raises(Invalid):
            bulk.chosen(ids, by=world.dora)
    assert bulk.chosen([found[0].id, found[0].id, 10**12], by=world.dora) == [found[0]]
    for deed in ("", "drop", "new"):
        with pytest.raises(Invalid):
            bulk.do(deed, found, wanted=Wanted(), by=world.dora)
    with pytest.raises(Invalid):
        bulk.do("snooze", found, wanted=Wanted(), by=world.dora)
    assert bulk.do("assign", found, wanted=Wanted(assignee=world.alice), by=world.dora).changed == 0
    with pytest.raises(NotAllowed):
        bulk.do("solved", found, wanted=Wanted(), by=world.ada)


def test_in_the_browser_nothing_is_done_before_it_was_seen(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> list[int]:
        world.everybody()
        return [one.id for one in three(world)]

    ids = stage(scene)
    dora = browser_of("dora")
    form = {"deed": "snooze", "conversations": [str(one) for one in ids], "view": "waiting"}
    preview = dora.post("/desk/bulk", data=form)
    assert "3 conversations would change" in preview.text
    assert stage(lambda _world: db.session.scalars(select(DeskBulkDeed)).all()) == []
    seen = re.findall(r'name="seen" value="([^"]+)"', preview.text)
    wrong = dora.post("/desk/bulk", data={**form, "seen": seen, "do": "1", "until": "soon"})
    assert wrong.status_code == 422
    assert 'value="soon"' in wrong.text
    done = dora.post("/desk/bulk", data={**form, "seen": seen, "do": "1", "minutes": "60"}, follow_redirects=True)
    assert "3 conversations changed" in done.text
    undo = re.search(r"/desk/bulk/\d+/undo", done.text)
    assert undo is not None
    assert "3 conversations changed" in dora.post(undo[0], follow_redirects=True).text
    again = dora.post(undo[0])
    assert again.status_code == 409
    none = dora.post("/desk/bulk", data={"deed": "solved"}, follow_redirects=True)
    assert "Please choose a conversation" in none.text
    stale = dora.post("/desk/bulk", data={**form, "deed": "solved", "seen": [], "do": "1"}, follow_redirects=True)
    assert "Somebody changed this conversation meanwhile" in stale.text
