"""Registering, and confirming the address."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from accounts import attempts, handles, one_time, passwords, people
from accounts import mails as written
from accounts.models import User
from core.clock import now
from core.db import db
from core.errors import Invalid
from core.mail import Mail
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
GOOD = {
    "handle": "anna",
    "name": "Anna Amsel",
    "email": "anna@example.org",
    "password": "sieben Zwerge im Regen",
    "licence": "y",
}


def mails(app: Flask) -> list[Mail]:
    with app.app_context():
        return list(db.session.scalars(select(Mail).order_by(Mail.id)))


def link_in(mail: Mail) -> str:
    found = re.search(r"http://localhost(/\S+)", mail.text)
    assert found is not None, mail.text
    return found[1]


def test_a_guest_registers_and_is_signed_in(app: Flask, guest: Browser) -> None:
    answer = guest.post("/register", data={**GOOD, "next": "/ask"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/ask"
    assert guest.get("/settings").status_code == 200
    with app.app_context():
        anna = people.by_handle("anna")
        assert anna is not None
        assert anna.role_names == {"member"}
        assert anna.licence_accepted_at is not None
        assert anna.email_confirmed_at is None
        assert anna.password_hash is not None
        assert anna.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


@pytest.mark.parametrize(("language", "words"), [("de", "anna@example.org"), ("en", "Please confirm your address")])
def test_the_mail_is_in_the_language_of_the_page(app: Flask, guest: Browser, language: str, words: str) -> None:
    guest.post("/register", data=GOOD, headers={"Accept-Language": language})
    (mail,) = mails(app)
    assert mail.to == "anna@example.org"
    assert f'<html lang="{language}">' in (mail.html or "")
    assert words in mail.subject + mail.to
    assert link_in(mail).startswith("/confirm/")


def test_a_name_stands_in_the_text_of_a_mail_as_it_was_typed(app: Flask, guest: Browser) -> None:
    guest.post("/register", data={**GOOD, "name": "Anna & <Söhne> &amp;"})
    (mail,) = mails(app)
    assert "Anna & <Söhne> &amp;," in mail.text
    assert "<Söhne>" not in (mail.html or "")


def test_the_link_in_a_mail_leads_to_the_configured_address_whatever_host_was_asked(app: Flask) -> None:
    with app.test_request_context("/", base_url="http://evil.example"):
        user = people.create("anna", email="anna@example.org")
        written.send_confirm(user, "token", locale="en")
        db.session.commit()
    (mail,) = mails(app)
    assert "evil.example" not in mail.text + (mail.html or "")
    assert link_in(mail) == "/confirm/token"


def test_the_link_shows_a_page_and_only_its_button_confirms(app: Flask, guest: Browser) -> None:
    guest.post("/register", data=GOOD)
    link = link_in(mails(app)[0])
    stranger: Browser = app.test_client()  # type: ignore[assignment]
    page = stranger.get(link)
    assert page.status_code == 200
    assert "anna@example.org" in page.text
    with app.app_context():
        assert people.by_handle("anna").email_confirmed_at is None  # type: ignore[union-attr]
    assert stranger.post(link).status_code == 303
    with app.app_context():
        assert people.by_handle("anna").email_confirmed_at is not None  # type: ignore[union-attr]
    assert stranger.post(link).status_code == 404
    assert stranger.get(link).status_code == 404


def test_a_confirmation_link_dies_after_half_an_hour_and_can_be_sent_again(app: Flask, guest: Browser) -> None:
    guest.post("/register", data=GOOD)
    with time_machine.travel(now() + one_time.GOOD_FOR + timedelta(seconds=1)):
        assert guest.get(link_in(mails(app)[0])).status_code == 404
        assert "not confirmed yet" in guest.get("/settings").text
        assert guest.post("/settings/confirmation").status_code == 303
        assert guest.post(link_in(mails(app)[1])).status_code == 303
        assert "not confirmed yet" not in guest.get("/settings").text


def test_confirmations_are_sent_three_times_and_then_no_more(app: Flask, guest: Browser) -> None:
    guest.post("/register", data=GOOD)
    for _ in range(attempts.MAILS_PER_ACCOUNT + 2):
        assert guest.post("/settings/confirmation").status_code == 303
    assert len(mails(app)) == 1 + attempts.MAILS_PER_ACCOUNT


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("handle", "", "still empty"),
        ("handle", "ab", "3 characters"),
        ("handle", "a" * 31, "Too long"),
        ("handle", "a b c", "letters, digits"),
        ("handle", "-anna", "letters, digits"),
        ("handle", "аnna", "one alphabet"),
        ("handle", "admin", "kept for the house"),
        ("handle", "KL1NKE", "kept for the house"),
        ("handle", "api", "kept for the house"),
        ("name", "", "still empty"),
        ("name", "x" * 81, "Too long"),
        ("name", "a\0b", "control characters"),
        ("email", "anna", "does not look like"),
        ("email", "anna@", "does not look like"),
        ("email", "anna@example", "does not look like"),
        ("email", "a@b@example.org", "does not look like"),
        ("password", "", "still empty"),
        ("password", "kurz", "10 characters"),
        ("password", "x" * 129, "128 characters"),
        ("password", "anna will hinein", "Your handle or address"),
        ("password", "Password123", "Many people"),
        ("password", "aaaaaaaaaaaa", "Many people"),
        ("licence", "", "agreement"),
    ],
)
def test_each_wrong_value_is_told_at_its_field(
    app: Flask, guest: Browser, field: str, value: str, sentence: str
) -> None:
    answer = guest.post("/register", data={**GOOD, field: value})
    assert answer.status_code == 422
    errors = re.findall(rf'id="{field}-error">(.*?)</p>', answer.text, re.DOTALL)
    assert errors
    assert sentence in errors[0]
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(User)) == 0


def test_what_was_typed_is_kept_but_never_the_password(guest: Browser) -> None:
    answer = guest.post("/register", data={**GOOD, "email": "oops"})
    for kept in ("anna", "Anna Amsel", "oops"):
        assert f'value="{kept}"' in answer.text
    assert re.search(r"<input[^>]*checked[^>]*name=\"licence\"", answer.text)
    assert GOOD["password"] not in answer.text


def test_all_wrong_fields_are_told_at_once(guest: Browser) -> None:
    wrong = {"handle": "support", "name": "", "email": "oops", "password": "password123"}
    answer = guest.post("/register", data={**GOOD, **wrong})
    assert answer.text.count('class="field__error"') == 4


@pytest.mark.parametrize("handle", ["Anna", "ANNA", "аnna", "a\u0578\u0578a", "Ann\u0430"])
def test_a_handle_that_looks_like_another_is_not_given_out(guest: Browser, stage: Stage, handle: str) -> None:
    stage(lambda _: people.create("anna").id)
    answer = guest.post("/register", data={**GOOD, "handle": handle})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("one", "other"),
    [("paul", "рaul"), ("pau1", "paul"), ("bob0", "bobo"), ("corner", "comer"), ("Ilse", "llse"), ("maße", "masse")],
)
def test_lookalikes_share_a_skeleton(one: str, other: str) -> None:
    assert handles.key(one) == handles.key(other)


@pytest.mark.parametrize("handle", ["anna", "käthe", "山田太郎", "мария", "a.b-c_d", "x42", "Ωmega1"[1:]])
def test_handles_of_one_alphabet_are_taken(handle: str) -> None:
    assert handles.checked(handle) == handle
    with pytest.raises(Invalid):
        handles.checked("а" + handle + "z" if handle != "мария" else "aмария")


def test_an_address_is_used_once_in_whatever_spelling(guest: Browser, stage: Stage) -> None:
    stage(lambda _: people.create("berta", email="ANNA@example.org").id)
    answer = guest.post("/register", data=GOOD)
    assert answer.status_code == 422
    assert "already" in answer.text


def test_a_double_click_makes_one_account_and_no_complaint(app: Flask, guest: Browser) -> None:
    data = {**GOOD, "once": "0123456789abcdef"}
    other: Browser = app.test_client()  # type: ignore[assignment]
    assert guest.post("/register", data=data).status_code == 303
    answer = other.post("/register", data=data)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in")
    assert other.get("/settings").status_code == 303, "the key of a form signs nobody in"
    assert len(mails(app)) == 1


def test_a_network_registers_only_so_often(app: Flask, guest: Browser) -> None:
    with app.app_context():
        for _ in range(attempts.PER_NETWORK):
            attempts.count_at_door("register", "127.0.0.1")
        db.session.commit()
    answer = guest.post("/register", data=GOOD)
    assert answer.status_code == 429
    assert 'value="Anna Amsel"' in answer.text
    with app.app_context():
        assert people.by_handle("anna") is None


def test_an_invented_password_passes_the_rules() -> None:
    invented = {passwords.invent() for _ in range(20)}
    assert len(invented) == 20
    for password in invented:
        passwords.check(password, handle="anna", email="anna@example.org")


def test_a_password_is_the_same_however_its_umlauts_are_typed() -> None:
    stored = passwords.hashed("Käse und Brötchen")
    assert passwords.fits(stored, "Ka\u0308se und Bro\u0308tchen")
    assert not passwords.fits(stored, "Kase und Brotchen")
    assert not passwords.fits(None, "Käse und Brötchen")
    assert not passwords.fits("no hash at all", "Käse und Brötchen")


def test_somebody_signed_in_need_not_register(browser_of: Callable[[str], Browser], stage: Stage) -> None:
    stage(lambda world: world.alice.id)
    assert browser_of("alice").get("/register").status_code == 303
