"""Signing in and out."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal

import pytest
import time_machine
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import func, select

from accounts import attempts, passwords, people, sessions
from accounts.models import SignIn, SignInFailure
from core.clock import now
from core.db import db
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
SECRET = "sieben Zwerge im Regen"
MISFIT = "This handle and this password do not fit together."


@pytest.fixture
def anna(stage: Stage) -> int:
    """Anna, who has a password."""
    return int(
        stage(lambda _: people.create("anna", name="Anna", email="Anna@Example.org", password=SECRET, locale="en").id)
    )


def sign_in(browser: Browser, handle: str, password: str = SECRET, **more: str) -> Any:
    return browser.post("/sign-in", data={"handle": handle, "password": password, **more})


@pytest.mark.parametrize("typed", ["anna", "ANNA", " anna ", "@anna", "anna@example.org", "ANNA@example.ORG"])
def test_a_person_signs_in_with_handle_or_address(guest: Browser, anna: int, typed: str) -> None:
    answer = sign_in(guest, typed)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    assert guest.get("/settings").status_code == 200


def test_a_wrong_password_keeps_the_handle_and_never_the_password(guest: Browser, anna: int) -> None:
    answer = sign_in(guest, "anna", "not my password")
    assert answer.status_code == 422
    assert MISFIT in answer.text
    assert 'value="anna"' in answer.text
    assert "not my password" not in answer.text
    assert guest.get("/settings").status_code == 303


def test_a_lookalike_of_the_handle_is_nobody(guest: Browser, anna: int) -> None:
    assert sign_in(guest, "аnna").status_code == 422


def test_empty_fields_are_told_at_the_field(guest: Browser) -> None:
    answer = sign_in(guest, "", "")
    assert answer.status_code == 422
    assert answer.text.count('class="field__error"') == 2


def test_unknown_staged_and_closed_accounts_hear_the_same_sentence(guest: Browser, stage: Stage, anna: int) -> None:
    def scene(world: World) -> None:
        people.create("staged", is_staged=True, password=SECRET)
        closed = people.create("closed", password=SECRET)
        people.disable(closed, by=world.root, reason="left the company")

    stage(scene)
    for handle in ("nobody", "nobody@example.org", "staged", "closed"):
        answer = sign_in(guest, handle)
        assert answer.status_code == 422, handle
        assert MISFIT in answer.text, handle


def test_an_unknown_account_costs_one_comparison_like_a_known_one(
    guest: Browser, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002 -- argon2's signature
            compared.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    monkeypatch.setattr(passwords, "_hasher", Counting(time_cost=3, memory_cost=64 * 1024, parallelism=4))
    for handle in ("anna", "nobody", "nobody@example.org"):
        assert sign_in(guest, handle, "something else entirely").status_code == 422
    assert compared == ["$argon2id$v=19$m=65536,t=3,p=4"] * 3


def test_the_eleventh_failure_of_an_account_has_to_wait(guest: Browser, anna: int) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(attempts.PER_ACCOUNT):
            assert sign_in(guest, "anna", "wrong").status_code == 422
        answer = sign_in(guest, "anna@example.org")
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 901
        assert 'value="anna@example.org"' in answer.text
        assert "15 minutes" in answer.text
        clock.shift(attempts.WINDOW + timedelta(seconds=1))
        assert sign_in(guest, "anna").status_code == 303


def test_unknown_accounts_are_throttled_alike(guest: Browser) -> None:
    for _ in range(attempts.PER_ACCOUNT):
        assert sign_in(guest, "nobody", "wrong").status_code == 422
    assert sign_in(guest, "Nobody", "wrong").status_code == 429


def test_a_network_has_to_wait_after_thirty_failures(app: Flask, guest: Browser, anna: int) -> None:
    with app.app_context():
        for number in range(attempts.PER_NETWORK):
            attempts.begin(None, f"nobody{number}", f"127.0.0.{number}")
        db.session.commit()
    assert sign_in(guest, "anna").status_code == 429
    other = guest.post(
        "/sign-in", data={"handle": "anna", "password": SECRET}, environ_base={"REMOTE_ADDR": "198.51.100.7"}
    )
    assert other.status_code == 303


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_network_is_a_block_of_addresses(address: str | None, network: str) -> None:
    assert attempts.network(address) == network


def test_coming_in_forgives_the_account_and_not_the_network(app: Flask, guest: Browser, anna: int) -> None:
    sign_in(guest, "anna", "wrong")
    sign_in(guest, "anna")
    with app.app_context():
        left = db.session.scalars(select(SignInFailure.subject)).all()
    assert left == ["net:127.0.0.0/24"]


@pytest.mark.parametrize(
    ("wanted", "onward"),
    [
        ("/ask?title=x", "/ask?title=x"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/sign-in?next=/x", "/"),
        ("", "/"),
    ],
)
def test_the_way_onward_stays_on_this_site(guest: Browser, anna: int, wanted: str, onward: str) -> None:
    answer = sign_in(guest, "anna", next=wanted)
    assert answer.headers["Location"] == onward


def test_the_way_onward_survives_a_wrong_password(guest: Browser, anna: int) -> None:
    assert 'name="next" value="/ask"' in sign_in(guest, "anna", "wrong", next="/ask").text


def test_every_sign_in_is_a_new_session_and_ends_the_one_before(app: Flask, guest: Browser, anna: int) -> None:
    sign_in(guest, "anna")
    first = guest.get_cookie("klinke")
    sign_in(guest, "anna")
    second = guest.get_cookie("klinke")
    assert first is not None
    assert second is not None
    assert first.value != second.value
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(SignIn)) == 1


def test_signing_out_ends_the_session_also_for_a_copied_cookie(app: Flask, guest: Browser, anna: int) -> None:
    sign_in(guest, "anna")
    stolen = guest.get_cookie("klinke")
    assert stolen is not None
    assert guest.post("/sign-out").status_code == 303
    thief: Browser = app.test_client()  # type: ignore[assignment]
    thief.set_cookie("klinke", stolen.value)
    assert thief.get("/settings").status_code == 303
    assert guest.get("/settings").status_code == 303


def test_a_get_signs_nobody_out(browser_of: Callable[[str], Browser], stage: Stage) -> None:
    stage(lambda world: world.alice.id)
    alice = browser_of("alice")
    assert alice.get("/sign-out").status_code == 405
    assert alice.get("/settings").status_code == 200


def test_a_signed_in_person_is_sent_on_from_the_sign_in_page(
    browser_of: Callable[[str], Browser], stage: Stage
) -> None:
    stage(lambda world: world.alice.id)
    assert browser_of("alice").get("/sign-in?next=/ask").headers["Location"] == "/ask"


def test_the_cookie_is_kept_from_scripts_and_other_sites(guest: Browser, anna: int) -> None:
    header = sign_in(guest, "anna").headers["Set-Cookie"]
    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Expires" in header


def test_a_post_without_the_forms_token_signs_nobody_in(guest: Browser, anna: int) -> None:
    answer = guest.post("/sign-in", data={"handle": "anna", "password": SECRET}, without_csrf=True)
    assert answer.status_code == 400


def test_a_password_that_was_handed_out_is_to_be_replaced(guest: Browser, stage: Stage) -> None:
    def scene(_: World) -> None:
        people.create("dora", password=SECRET).password_changed_at = None

    stage(scene)
    answer = sign_in(guest, "dora", next="/ask")
    assert answer.headers["Location"].startswith("/settings/password")
    assert "replace the password" in guest.get(answer.headers["Location"]).text


def test_an_outdated_hash_is_renewed_when_its_person_comes_in(
    app: Flask, guest: Browser, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "is_outdated", lambda _stored: True)
    with app.app_context():
        before = people.by_handle("anna").password_hash  # type: ignore[union-attr]
    sign_in(guest, "anna")
    with app.app_context():
        after = people.by_handle("anna").password_hash  # type: ignore[union-attr]
    assert after != before
    assert passwords.fits(after, SECRET)


def test_no_lock_is_held_while_a_password_is_compared(
    app: Flask, guest: Browser, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = passwords.fits

    def fits(stored: str | None, password: str) -> bool:
        assert not db.session().in_transaction()
        return real(stored, password)

    monkeypatch.setattr(passwords, "fits", fits)
    assert sign_in(guest, "anna").status_code == 303
    assert sign_in(guest, "anna", "wrong").status_code == 422


def test_the_page_speaks_both_languages(guest: Browser) -> None:
    for language in ("de", "en"):
        page = guest.get("/sign-in", headers={"Accept-Language": language}).text
        assert re.search(rf'<html lang="{language}"', page)


def test_a_device_is_named_so_that_its_owner_knows_it() -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1"
    assert sessions.device_name(firefox) == "Firefox, Linux"
    assert sessions.device_name(iphone) == "Safari, iPhone"
    assert sessions.device_name("curl/8") == ""
