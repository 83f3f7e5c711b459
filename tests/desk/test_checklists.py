"""The daily checklist: admins write it, whoever did it signs, and the days before stay as they were."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts.models import User
from core.db import db
from core.errors import Invalid, NotAllowed
from desk import checklists
from desk.inbox_models import ChecklistItem, ChecklistSign
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]


def item(world: World, words: str = "Read the notes of the night shift", part: str = "start") -> ChecklistItem:
    return checklists.add(team="Social care", part=part, words=words, by=world.root)


def test_a_day_has_its_parts_and_who_signed(world: World) -> None:
    first, last = item(world), item(world, "Hand over what is open", "end")
    assert checklists.sign(first, by=world.dora)
    assert not checklists.sign(first, by=world.root), "once a day"
    day = checklists.of_day(checklists.today(), viewer=world.dora)["Social care"]
    assert [(step.item.id, step.sign and step.sign.by_id) for step in day["start"]] == [(first.id, world.dora.id)]
    assert [(step.item.id, step.sign) for step in day["end"]] == [(last.id, None)]
    assert checklists.of_day(checklists.today(), viewer=world.ada) == {}


def test_the_days_before_keep_the_words_of_then(world: World) -> None:
    one = item(world)
    checklists.sign(one, by=world.dora)
    yesterday = checklists.today() - timedelta(days=1)
    db.session.scalars(select(ChecklistSign)).one().day = yesterday
    checklists.change(one, words="Read the hand-over", by=world.root)
    checklists.remove(one, by=world.root)
    assert checklists.of_day(checklists.today(), viewer=world.dora) == {}
    [step] = checklists.of_day(yesterday, viewer=world.dora)["Social care"]["start"]
    assert step.sign is not None
    assert step.sign.words == "Read the notes of the night shift"
    assert checklists.history() == [checklists.Day(yesterday, 1)]
    with pytest.raises(Invalid):
        checklists.sign(one, by=world.dora)


def test_who_may_do_what(world: World) -> None:
    one = item(world)
    with pytest.raises(NotAllowed):
        checklists.add(team="Social care", part="start", words="Mine", by=world.dora)
    for deed in (checklists.remove, checklists.sign, checklists.unsign):
        with pytest.raises(NotAllowed):
            deed(one, by=world.alice)
    checklists.sign(one, by=world.dora)
    with pytest.raises(NotAllowed):
        checklists.unsign(one, by=world.person("ben", "agent"))
    checklists.unsign(one, by=world.dora)
    assert checklists.sign(one, by=world.dora)


@pytest.mark.parametrize(
    ("team", "part", "words"),
    [
        ("", "start", "x"),
        ("Team", "night", "x"),
        ("Team", "start", ""),
        ("Team", "start", "x" * 201),
        ("T" * 61, "end", "x"),
    ],
)
def test_nonsense_is_refused(world: World, team: str, part: str, words: str) -> None:
    with pytest.raises(Invalid):
        checklists.add(team=team, part=part, words=words, by=world.root)


def test_two_who_sign_at_once_are_one_signature(app: Flask, stage: Stage) -> None:
    one, dora, root = stage(lambda world: (item(world).id, world.dora.id, world.root.id))
    start = threading.Barrier(2)
    new: list[bool] = []

    def press(user_id: int) -> None:
        with app.app_context():
            start.wait(timeout=20)
            by = db.session.get_one(User, user_id)
            new.append(checklists.sign(db.session.get_one(ChecklistItem, one), by=by))
            db.session.commit()

    threads = [threading.Thread(target=press, args=(user,)) for user in (dora, root)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(new) == [False, True]
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(ChecklistSign)) == 1


def test_in_the_browser(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: world.everybody() and None)
    root, dora = browser_of("root"), browser_of("dora")
    assert "There is no checklist yet" in dora.get("/desk/checklist").text
    wrong = root.post("/desk/checklist/items", data={"team": "Social care", "part": "end", "words": ""})
    assert wrong.status_code == 422
    assert 'value="Social care"' in wrong.text
    added = {"team": "Social care", "part": "end", "words": "<i>Hand</i> over"}
    assert root.post("/desk/checklist/items", data=added).status_code == 303
    page = dora.get("/desk/checklist").text
    assert "&lt;i&gt;Hand&lt;/i&gt; over" in page
    assert "Change the list" not in page
    number = stage(lambda _world: db.session.scalars(select(ChecklistItem.id)).one())
    dora.post(f"/desk/checklist/items/{number}/signature")
    assert "Dora" in dora.get("/desk/checklist").text
    today = stage(lambda _world: checklists.today().isoformat())
    assert "Dora" in root.get(f"/desk/checklist/days/{today}").text
    assert dora.get("/desk/checklist/days/never").status_code == 404
    dora.post(f"/desk/checklist/items/{number}/signature", data={"back": "1"})
    assert "Not signed yet" in dora.get("/desk/checklist").text
    assert dora.post(f"/desk/checklist/items/{number}/removal").status_code == 403
