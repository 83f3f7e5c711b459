"""No dead ends: whatever goes wrong, the page says what, and leads on."""

import pytest
from flask import Flask, render_template
from sqlalchemy.exc import OperationalError

from core.errors import Unavailable
from tests.conftest import Browser


@pytest.mark.parametrize(("path", "status"), [("/no/such/page", 404), ("/t/1", 404), ("/topics", 405)])
def test_an_error_page_says_what_it_is_and_has_ways_onward(guest: Browser, path: str, status: int) -> None:
    answer = guest.get(path)
    assert answer.status_code == status
    assert f"Code {status}" in answer.text
    for way in ('action="/search"', 'href="/"', 'href="/ask"'):
        assert way in answer.text


def test_the_way_back_is_where_one_came_from_if_that_was_here(guest: Browser) -> None:
    page = guest.get("/nowhere", headers={"Referer": "http://localhost/c/router"}).text
    assert 'href="http://localhost/c/router">Go back' in page
    page = guest.get("/nowhere", headers={"Referer": "http://evil.example/"}).text
    assert "evil.example" not in page
    page = guest.get("/nowhere", headers={"Referer": "http://localhost.evil.example/"}).text
    assert "evil.example" not in page


def test_who_is_not_signed_in_is_shown_where_to(guest: Browser) -> None:
    page = guest.post("/notifications/read")
    assert page.status_code == 401
    assert 'href="/sign-in"' in page.text


def test_the_page_for_a_broken_database_asks_no_database(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.test_request_context("/"):
        from core.db import db

        def broken(*_args: object, **_kwargs: object) -> None:
            raise OperationalError("SELECT", {}, Exception("gone"))

        monkeypatch.setattr(db.session, "execute", broken)
        monkeypatch.setattr(db.session, "scalar", broken)
        monkeypatch.setattr(db.session, "scalars", broken)
        page = render_template("error.html", status=503, title=Unavailable.title, sentence="In a moment.")
    assert "In a moment." in page
    assert 'href="/"' in page


def test_the_site_says_what_it_is(guest: Browser) -> None:
    page = guest.get("/about").text
    assert "<h1>About this site</h1>" in page
    assert 'href="/about"' in guest.get("/").text
