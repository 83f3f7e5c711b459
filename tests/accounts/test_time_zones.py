"""Where people are in the day: their browser says it, or they choose it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from accounts import people
from core import settings, timezones
from core.db import db
from core.errors import Invalid
from tests.cast import World
from tests.conftest import Browser

PASSWORD = "a few words in a row"


def zone_of(app: Flask, handle: str) -> str | None:
    with app.app_context():
        user = people.by_handle(handle)
        assert user is not None
        return user.time_zone


@pytest.mark.parametrize(
    ("said", "kept"),
    [("America/Lima", "America/Lima"), ("Asia/Calcutta", "Asia/Calcutta"), ("Mars/Crater", None), ("", None)],
)
def test_the_browser_says_it_at_the_door(app: Flask, guest: Browser, said: str, kept: str | None) -> None:
    with app.app_context():
        people.create("nina", email="nina@example.org", password=PASSWORD)
        db.session.commit()
    assert "data-time-zone" in guest.get("/sign-in").text
    form = {"handle": "nina", "password": PASSWORD, "time_zone": said}
    assert guest.post("/sign-in", data=form).status_code == 303
    assert zone_of(app, "nina") == kept


def test_who_registers_brings_it_along(app: Flask, guest: Browser) -> None:
    form = {"handle": "nina", "name": "Nina", "email": "nina@example.org", "password": PASSWORD, "licence": "y"}
    assert guest.post("/register", data={**form, "time_zone": "Europe/Vienna"}).status_code == 303
    assert zone_of(app, "nina") == "Europe/Vienna"


def test_what_a_person_chose_no_browser_changes(world: World) -> None:
    people.change_profile(world.alice, name="Alice", about="", locale="en", theme="auto", time_zone="Asia/Tokyo")
    people.learn_time_zone(world.alice, "Europe/Paris")
    assert world.alice.time_zone == "Asia/Tokyo"
    with pytest.raises(Invalid) as caught:
        people.change_profile(world.alice, name="Alice", about="", locale="en", theme="auto", time_zone="Mars/Crater")
    assert set(caught.value.fields) == {"time_zone"}


def test_it_is_chosen_in_the_settings(
    app: Flask, stage: Callable[[Callable[[World], Any]], Any], browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: world.alice and None)
    alice = browser_of("alice")
    assert '<option selected value="Europe/Berlin">' in alice.get("/settings").text, "the usual one"
    form = {"name": "Alice", "about": "", "locale": "en", "theme": "auto"}
    assert alice.post("/settings", data=form).status_code == 303
    assert zone_of(app, "alice") is None, "an older page says nothing of it"
    assert alice.post("/settings", data={**form, "time_zone": "Asia/Tokyo"}).status_code == 303
    assert '<option selected value="Asia/Tokyo">' in alice.get("/settings").text
    refused = alice.post("/settings", data={**form, "time_zone": "Mars/Crater"})
    assert (refused.status_code, 'id="time_zone-error"' in refused.text) == (422, True)
    with app.app_context():
        found = people.by_handle("alice")
        assert found is not None
        found.time_zone = "Asia/Calcutta"
        db.session.commit()
    assert '<option selected value="Asia/Calcutta">' in alice.get("/settings").text, "an old name of a browser"


@pytest.mark.parametrize(("name", "value"), [("KLINKE_TIME_ZONE", "Mars/Crater"), ("KLINKE_REMIND_UNTIL_HOUR", "7")])
def test_a_wrong_setting_stops_the_start(name: str, value: str) -> None:
    with pytest.raises(settings.WrongSetting) as caught:
        settings.read({name: value, "KLINKE_SECRET_KEY": "tests " * 8})
    assert name in str(caught.value)


def test_every_name_to_choose_is_known() -> None:
    assert all(timezones.is_known(name) for name in timezones.names())
