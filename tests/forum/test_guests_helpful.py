"""Guests call answers helpful: once, without an account or a cookie, and without points for anybody."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from core.clock import now
from core.db import db
from core.errors import NotAllowed
from forum import counters, guests, moderation, points, votes
from forum.models import GuestVote, PointEntry, Post
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]


def counts(_world: World) -> tuple[int, int]:
    post = db.session.scalars(select(Post).where(Post.kind == "answer")).unique().one()
    return post.helpful_count, post.guest_count


def test_a_guest_is_one_vote_counted_apart_from_members_and_brings_no_points(world: World) -> None:
    answer = world.answer(world.ask())
    votes.vote(answer, by=world.charlie)
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"):
        guests.vote(answer, by=guests.guest_at(address))
    assert (answer.helpful_count, answer.guest_count) == (3, 2)
    points.settle([answer.id])
    assert db.session.scalar(select(func.sum(PointEntry.points))) == 5
    assert list(counters.complaints()) == []
    guests.withdraw(answer, by=guests.guest_at("192.0.2.1"))
    guests.withdraw(answer, by=guests.guest_at("192.0.2.1"))
    guests.withdraw(answer, by=guests.guest_at("192.0.2.9"))
    assert (answer.helpful_count, answer.guest_count) == (2, 1)


def test_behind_an_address_of_ipv6_there_is_one_guest(app: Flask) -> None:
    with app.app_context():
        assert guests.guest_at("2001:db8::1") == guests.guest_at("2001:db8::2")
        assert guests.guest_at("2001:db8::1") != guests.guest_at("2001:db8:0:1::1")
        assert guests.guest_at("192.0.2.1").network == guests.guest_at("192.0.2.2").network
        assert guests.guest_at(None) == guests.guest_at("no address")


def test_from_one_network_come_so_many_a_day(world: World, settings: Callable[..., None]) -> None:
    settings(guest_votes=2)
    first, second, third = (world.answer(world.ask(), f"Answer number {number}.") for number in range(3))
    guests.vote(first, by=guests.guest_at("192.0.2.1"))
    guests.vote(second, by=guests.guest_at("192.0.2.2"))
    with pytest.raises(guests.EnoughOfThisNetwork):
        guests.vote(third, by=guests.guest_at("192.0.2.3"))
    guests.vote(third, by=guests.guest_at("198.51.100.1"))
    with time_machine.travel(now() + timedelta(hours=25), tick=False):
        guests.vote(third, by=guests.guest_at("192.0.2.3"))


def test_who_it_was_is_forgotten_and_the_number_stays(world: World, settings: Callable[..., None]) -> None:
    answer = world.answer(world.ask())
    guests.vote(answer, by=guests.guest_at("192.0.2.1"))
    own, network = db.session.execute(select(GuestVote.guest, GuestVote.network)).one()
    assert "192.0.2" not in own + network
    with time_machine.travel(now() + timedelta(days=6), tick=False):
        assert guests.forget() == 0
    with time_machine.travel(now() + timedelta(days=8), tick=False):
        assert guests.forget() == 1
        assert guests.guest_at("192.0.2.1").own != own, "the key has changed"
    assert (answer.helpful_count, answer.guest_count) == (1, 1)
    assert list(counters.complaints()) == []


def test_questions_what_is_muted_and_an_installation_that_does_not_want_it_take_none(
    world: World, settings: Callable[..., None]
) -> None:
    answer = world.answer(world.ask())
    guest = guests.guest_at("192.0.2.1")
    with pytest.raises(NotAllowed):
        guests.vote(answer.topic.posts[0], by=guest)
    settings(guest_votes=0)
    with pytest.raises(NotAllowed):
        guests.vote(answer, by=guest)
    settings(guest_votes=20)
    moderation.mute(answer, by=world.ada, reason="Wrong and dangerous")
    for deed in (guests.vote, guests.withdraw):
        with pytest.raises(NotAllowed):
            deed(answer, by=guest)


def test_a_guest_presses_the_button_of_the_page_and_no_cookie_comes_of_it(stage: Stage, guest: Browser) -> None:
    topic_id, post_id = stage(lambda world: [(post := world.answer(world.ask())).topic_id, post.id])
    page = guest.get(f"/t/{topic_id}", follow_redirects=True)
    assert f'action="/posts/{post_id}/helpful"' in page.text
    answers = [page, guest.post(f"/posts/{post_id}/helpful", without_csrf=True)]
    assert answers[-1].status_code == 303
    answers += [guest.get(answers[-1].location)]
    assert "helped 1 person" in answers[-1].text
    assert stage(counts) == (1, 1)
    assert "helped 1 person" in guest.get(f"/t/{topic_id}", follow_redirects=True).text
    answers += [guest.post(f"/posts/{post_id}/helpful/undo", without_csrf=True)]
    answers += [guest.get(answers[-1].location)]
    assert "Did this answer help?" in answers[-1].text
    assert stage(counts) == (0, 0)
    assert [answer.headers.getlist("Set-Cookie") for answer in answers] == [[]] * 5


def test_another_site_cannot_press_it(stage: Stage, guest: Browser) -> None:
    post_id = stage(lambda world: world.answer(world.ask()).id)
    sent = guest.post(f"/posts/{post_id}/helpful", without_csrf=True, headers={"Sec-Fetch-Site": "cross-site"})
    assert sent.status_code == 403
    assert stage(counts) == (0, 0)


def test_whoever_signed_in_meanwhile_is_counted_as_a_member_and_needs_the_token(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    post_id = stage(lambda world: [world.answer(world.ask()).id, world.charlie][0])
    charlie = browser_of("charlie")
    assert charlie.post(f"/posts/{post_id}/helpful", without_csrf=True).status_code == 400
    assert charlie.post(f"/posts/{post_id}/helpful").status_code == 303
    assert stage(counts) == (1, 0)
    assert charlie.get(f"/posts/{post_id}/helpful").status_code == 303
    charlie.post(f"/posts/{post_id}/helpful/undo")
    assert stage(counts) == (0, 0)


def test_too_many_are_told_when_it_goes_on(stage: Stage, guest: Browser, settings: Callable[..., None]) -> None:
    settings(guest_votes=1)
    first, second = stage(lambda world: [world.answer(topic := world.ask()).id, world.answer(topic, "Another one.").id])
    guest.post(f"/posts/{first}/helpful", without_csrf=True)
    refused = guest.post(f"/posts/{second}/helpful", without_csrf=True)
    assert refused.status_code == 429
    assert "Guests of your network" in refused.text
    assert int(refused.headers["Retry-After"]) > 3600
    assert stage(lambda _world: db.session.scalar(select(func.count()).select_from(GuestVote))) == 1


def test_many_presses_at_once_are_one_vote(stage: Stage, app: Flask) -> None:
    post_id = stage(lambda world: world.answer(world.ask()).id)
    answers: list[int] = []

    def press() -> None:
        answers.append(app.test_client().post(f"/posts/{post_id}/helpful", without_csrf=True).status_code)

    threads = [threading.Thread(target=press) for _number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303] * 10
    assert stage(counts) == (1, 1)
