"""A forgotten password."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from accounts import attempts, one_time, people, sessions, tokens
from accounts.models import OneTimeToken, SignIn
from core.clock import now
from core.db import db
from core.mail import Mail
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
OLD, NEW = "sieben Zwerge im Regen", "acht Zwerge im Schnee"


@pytest.fixture
def anna(stage: Stage) -> int:
    return int(stage(lambda _: people.create("anna", email="anna@example.org", password=OLD, locale="de").id))


@pytest.fixture
def link(app: Flask, guest: Browser, anna: int, worker: Callable[[], None]) -> str:
    """The link in the mail that Anna gets."""
    guest.post("/forgot", data={"email": "Anna@example.org"})
    worker()
    (mail,) = sent(app)
    found = re.search(r"http://localhost(/reset/\S+)", mail.text)
    assert found is not None
    return found[1]


def sent(app: Flask) -> list[Mail]:
    with app.app_context():
        return list(db.session.scalars(select(Mail).order_by(Mail.id)))


def fits(browser: Browser, password: str) -> bool:
    return bool(browser.post("/sign-in", data={"handle": "anna", "password": password}).status_code == 303)


def test_a_link_in_a_mail_leads_to_a_new_password(app: Flask, guest: Browser, link: str) -> None:
    assert guest.get(link).status_code == 200
    assert guest.post(link, data={"password": NEW}).status_code == 303
    assert fits(guest, NEW)
    assert not fits(app.test_client(), OLD)  # type: ignore[arg-type]


def test_the_mail_is_in_the_persons_language(app: Flask, link: str) -> None:
    (mail,) = sent(app)
    assert mail.to == "anna@example.org"
    assert '<html lang="de">' in (mail.html or "")


def test_the_answer_is_the_same_for_an_unknown_address(
    app: Flask, guest: Browser, anna: int, worker: Callable[[], None]
) -> None:
    pages = []
    for email in ("anna@example.org", "nobody@example.org"):
        answer = guest.post("/forgot", data={"email": email})
        assert answer.status_code == 303
        pages.append(re.sub(r'value="[^"]{20,}"', "", guest.get(answer.headers["Location"]).text))
    assert pages[0] == pages[1]
    assert "on its way" in pages[0]
    worker()
    assert [mail.to for mail in sent(app)] == ["anna@example.org"]


def test_staged_and_closed_accounts_get_no_link(
    app: Flask, guest: Browser, stage: Stage, worker: Callable[[], None]
) -> None:
    def scene(world: World) -> None:
        people.create("staged", email="staged@example.org", is_staged=True)
        people.disable(people.create("closed", email="closed@example.org"), by=world.root, reason="gone")

    stage(scene)
    for email in ("staged@example.org", "closed@example.org"):
        assert guest.post("/forgot", data={"email": email}).status_code == 303
    worker()
    assert sent(app) == []


def test_a_link_works_once(guest: Browser, link: str) -> None:
    guest.post(link, data={"password": NEW})
    assert guest.get(link).status_code == 404
    assert guest.post(link, data={"password": "neun Zwerge im Wind"}).status_code == 404
    assert fits(guest, NEW)


def test_a_link_dies_after_half_an_hour(guest: Browser, link: str) -> None:
    with time_machine.travel(now() + one_time.GOOD_FOR + timedelta(seconds=1)):
        assert guest.get(link).status_code == 404
        answer = guest.post(link, data={"password": NEW})
        assert answer.status_code == 404
        assert 'href="/forgot"' in answer.text


def test_a_link_dies_when_the_password_is_changed_elsewhere(
    app: Flask, guest: Browser, link: str, browser_of: Callable[[str], Browser]
) -> None:
    anna = browser_of("anna")
    assert anna.post("/settings/password", data={"current": OLD, "password": NEW}).status_code == 303
    assert guest.post(link, data={"password": "neun Zwerge im Wind"}).status_code == 404


def test_only_the_newest_link_works(app: Flask, guest: Browser, link: str, worker: Callable[[], None]) -> None:
    guest.post("/forgot", data={"email": "anna@example.org"})
    worker()
    assert len(sent(app)) == 2
    assert guest.get(link).status_code == 404


def test_a_weak_password_is_refused_and_the_link_stays_good(guest: Browser, link: str) -> None:
    for password in ("", "kurz", "anna anna anna", "password123"):
        answer = guest.post(link, data={"password": password})
        assert answer.status_code == 422
        assert 'id="password-error"' in answer.text
    assert guest.post(link, data={"password": NEW}).status_code == 303


def test_a_new_password_ends_every_session_and_token(app: Flask, guest: Browser, link: str) -> None:
    with app.app_context():
        user = people.by_handle("anna")
        assert user is not None
        sessions.begin(user, device="stolen")
        token = tokens.create(user, scopes=["all"], name="stolen")
        db.session.commit()
    guest.post(link, data={"password": NEW})
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(SignIn)) == 0
        assert tokens.find(token) is None
        user = people.by_handle("anna")
        assert user is not None
        assert user.email_confirmed_at is not None, "whoever read the mail reads this address"


def test_the_database_does_not_hold_the_token(app: Flask, link: str) -> None:
    token = link.rsplit("/", 1)[1]
    assert len(token) == 43  # 256 bits
    with app.app_context():
        (row,) = db.session.scalars(select(OneTimeToken)).all()
        assert token not in str(vars(row))


def test_a_token_for_one_purpose_does_not_serve_another(app: Flask, guest: Browser, link: str) -> None:
    assert guest.get(link.replace("/reset/", "/confirm/")).status_code == 404


def test_mails_in_a_persons_name_are_limited(app: Flask, guest: Browser, anna: int, worker: Callable[[], None]) -> None:
    for _ in range(attempts.MAILS_PER_ACCOUNT + 2):
        assert guest.post("/forgot", data={"email": "anna@example.org"}).status_code == 303
    worker()
    assert len(sent(app)) == attempts.MAILS_PER_ACCOUNT


@pytest.mark.parametrize("email", ["", "anna", "x" * 300, "anna@@example.org", "a\0b@example.org"])
def test_a_wrong_address_is_told_at_the_field_and_kept(guest: Browser, email: str) -> None:
    answer = guest.post("/forgot", data={"email": email})
    assert answer.status_code == 422
    assert 'id="email-error"' in answer.text


def test_old_failures_tokens_and_sessions_are_forgotten(
    app: Flask, guest: Browser, link: str, worker: Callable[[], None]
) -> None:
    from accounts.models import SignInFailure

    fits(guest, "wrong")
    fits(guest, OLD)
    with time_machine.travel(now() + sessions.IDLE_LIMIT + timedelta(days=1)):
        worker()
        with app.app_context():
            for model in (SignInFailure, OneTimeToken, SignIn):
                assert db.session.scalar(select(func.count()).select_from(model)) == 0, model
