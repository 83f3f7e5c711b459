"""Levels of trust: earned by what helped, lost when that is taken back, set by hand where the team wants it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts import penalties
from accounts.models import AuditEntry, User
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import answers, flags, holding, moderation, points, policy, posts, trust, votes
from forum.models import Notification, Post, Standing
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture(autouse=True)
def low(settings: Callable[..., None]) -> Callable[..., None]:
    """Make the levels easy to reach."""
    settings(
        experienced_days=10,
        experienced_posts=2,
        experienced_points=20,
        trusted_days=20,
        trusted_solutions=3,
        trusted_points=50,
        trust_mutings=1,
    )
    return settings


def solve(world: World, times: int, *, by: User | None = None) -> list[Post]:
    """Have Bob, or somebody else, solve questions of others, and settle the points."""
    solved = []
    for number in range(times):
        topic = world.ask(f"Question number {number} about routers", by=world.person(f"asker-{number}"))
        answer = world.answer(topic, f"Answer number {number} at length.", by=by)
        answers.accept(answer, by=topic.asker)  # type: ignore[arg-type]  # somebody asked it
        solved.append(answer)
    points.settle(answer.id for answer in solved)
    return solved


def older(user: User, days: int) -> User:
    user.created_at = now() - timedelta(days=days)
    db.session.flush()
    return user


def told(user: User) -> list[str]:
    rows = db.session.query(Notification).filter_by(user_id=user.id).order_by(Notification.id)
    return [row.kind for row in rows if row.kind.startswith("trust")]


def test_a_level_is_earned_by_what_helped_and_by_nothing_less(world: World) -> None:
    bob = older(world.bob, 9)
    solve(world, 2)
    assert not trust.weigh(bob.id), "a day is missing"
    older(bob, 10)
    assert trust.weigh(bob.id)
    assert (bob.trust, trust.level_of(bob), bob.is_experienced, bob.is_trusted) == (2, 2, True, False)
    assert told(bob) == ["trust_gained"]
    assert not trust.weigh(bob.id)
    solve(world, 4)
    older(bob, 20)
    trust.weigh(bob.id)
    assert (bob.trust, bob.is_trusted) == (3, True)


def test_the_page_says_exactly_what_is_missing(world: World) -> None:
    bob = older(world.bob, 4)
    solve(world, 1)
    needs = {need.what: (need.has, need.wanted, need.is_met) for need in trust.needs(2, trust.measure(bob))}
    assert needs == {
        "days": (4, 10, False),
        "posts": (1, 2, False),
        "points": (15, 20, False),
        "mutings": (0, 1, True),
        "penalties": (0, 0, True),
    }


def test_much_writing_earns_nothing(world: World) -> None:
    bob = older(world.bob, 400)
    topic = world.ask()
    for number in range(30):
        world.answer(topic, f"Answer number {number} that helps nobody.")
    trust.weigh(bob.id)
    assert bob.trust == 1


def test_a_level_is_lost_when_much_of_what_helped_is_taken_back_and_not_at_once(world: World) -> None:
    bob = older(world.bob, 30)
    first, second, *_rest = solve(world, 2)
    for voter in (world.charlie, world.tina):
        votes.vote(first, by=voter)
    points.settle([first.id])
    trust.weigh(bob.id)
    assert bob.trust == 2
    votes.withdraw(first, by=world.charlie)
    points.settle([first.id])
    assert not trust.weigh(bob.id)
    answers.undo_acceptance(second.topic, by=second.topic.asker)  # type: ignore[arg-type]  # somebody asked it
    points.settle([second.id])
    assert not trust.weigh(bob.id), "20 of 20 points are left"
    votes.withdraw(first, by=world.tina)
    points.settle([first.id])
    assert trust.weigh(bob.id), "15 of 20 are too few"
    assert bob.trust == 1
    assert told(bob) == ["trust_gained", "trust_lost"]


def test_penalties_and_mutings_cost_a_level_for_a_while(world: World, low: Callable[..., None]) -> None:
    bob = older(world.bob, 30)
    solved = solve(world, 5)
    trust.weigh(bob.id)
    assert bob.trust == 3
    for post in (world.answer(solved[0].topic, "A rude answer."), world.answer(solved[1].topic, "Another rude one.")):
        moderation.mute(post, by=world.ada, reason="Not kind at all", rule="rude")
    trust.weigh(bob.id)
    assert bob.trust == 1
    low(trust_mutings=9, experienced_posts=2, experienced_days=1, trusted_days=1, trusted_points=5)
    trust.weigh(bob.id)
    assert bob.trust == 3
    penalties.impose(bob, kind="silence", days=1, reason="Calls people names.", by=world.ada)
    trust.weigh(bob.id)
    assert bob.trust == 1
    penalties.lift(bob, by=world.ada)
    trust.weigh(bob.id)
    assert bob.trust == 3, "a penalty that was lifted was a mistake"


def test_what_is_muted_silently_does_not_show_in_what_counts(world: World) -> None:
    bob = older(world.bob, 30)
    spam = world.answer(world.ask(), "Buy cheap routers at my shop.")
    moderation.mute(spam, by=world.ada, reason="Spam for a shop", rule="spam", is_silent=True)
    assert trust.measure(bob).mutings == 0


def test_levels_open_what_they_promise(world: World) -> None:
    bob = older(world.bob, 30)
    old = world.settled(world.answer(world.ask()))
    old.created_at = now() - timedelta(days=3)
    topic = old.topic
    db.session.flush()
    assert not policy.may_edit(bob, old)
    assert flags.weight(bob) == 1
    trust.set_level(bob, 2, by=world.ada, reason="Known from the fair")
    assert policy.may_edit(bob, old)
    posts.edit(old, source="Restart it, then choose channel 11.", by=bob, version=old.version)
    assert flags.weight(bob) == 2
    other = world.answer(topic, "Another answer.", by=world.charlie)
    assert not policy.may_accept_answer(bob, topic)
    trust.set_level(bob, 3, by=world.ada, reason="Known from the fair")
    answers.accept(other, by=bob)


def test_who_is_set_back_to_new_has_the_limits_of_a_new_account(world: World) -> None:
    assert not holding.is_new(world.bob)
    trust.set_level(world.bob, 0, by=world.ada, reason="Posts links to a shop")
    assert holding.is_new(world.bob)
    assert flags.weight(world.bob) == 0
    with pytest.raises(Invalid):
        world.answer(world.ask(), "See https://a.example https://b.example https://c.example")


def test_an_earned_level_ends_being_new(world: World) -> None:
    nora = world.newcomer()
    assert holding.is_new(nora)
    trust.set_level(nora, 2, by=world.ada, reason="She wrote the manual")
    assert not holding.is_new(nora)


def test_what_the_team_sets_stays_is_in_the_log_and_can_be_left_to_be_earned(world: World) -> None:
    bob = older(world.bob, 30)
    trust.set_level(bob, 3, by=world.ada, reason="Known from the fair")
    trust.weigh(bob.id)
    assert bob.trust == 3
    entry = db.session.query(AuditEntry).filter_by(deed="forum.user.set_trust").one()
    assert (entry.before, entry.after) == ({"level": 1, "by_hand": False}, {"level": 3, "by_hand": True})
    assert entry.reason == "Known from the fair"
    trust.set_level(bob, None, by=world.ada, reason="It was a mistake")
    assert bob.trust == 1


def test_only_moderators_set_levels_and_not_of_themselves_or_the_team(world: World) -> None:
    for by, person in (
        (world.bob, world.alice),
        (world.dora, world.alice),
        (world.ada, world.ada),
        (world.ada, world.dora),
    ):
        with pytest.raises(NotAllowed):
            trust.set_level(person, 3, by=by, reason="I like it")
    with pytest.raises(Invalid):
        trust.set_level(world.bob, 7, by=world.ada, reason="I like it")
    with pytest.raises(Invalid):
        trust.set_level(world.bob, 2, by=world.ada, reason=" ")


def test_the_role_stays_worth_the_highest_level(world: World) -> None:
    trust.weigh(world.tina.id)
    assert world.tina.trust == 1
    assert trust.level_of(world.tina) == 3
    assert world.tina.is_trusted


def test_who_came_with_an_import_is_weighed_when_they_claim_the_account(world: World) -> None:
    bob = older(world.bob, 30)
    solve(world, 2)
    bob.is_staged = True
    db.session.flush()
    assert not trust.weigh(bob.id)
    bob.is_staged = False
    db.session.commit()
    assert trust.weigh_all() == 1
    assert db.session.get_one(User, bob.id).trust == 2


def test_days_pass_by_themselves(world: World) -> None:
    bob = older(world.bob, 9)
    solve(world, 2)
    trust.weigh(bob.id)
    assert bob.trust == 1
    older(bob, 10)
    db.session.commit()
    assert trust.weigh_all() == 0, "it was weighed today"
    db.session.get_one(Standing, bob.id).weighed_at = now() - timedelta(hours=25)
    db.session.commit()
    assert trust.weigh_all() == 1
    assert db.session.get_one(User, bob.id).trust == 2


def test_the_worker_gives_the_level_with_the_deed(stage: Stage, worker: Callable[[], None]) -> None:
    def scene(world: World) -> None:
        older(world.bob, 30)
        for number in range(2):
            topic = world.ask(f"Question number {number} about routers")
            answers.accept(world.answer(topic), by=world.alice)

    stage(scene)
    worker()
    assert stage(lambda world: world.bob.trust) == 2


def test_the_page_says_where_one_stands_and_what_is_missing(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: [older(world.bob, 4).id, len(solve(world, 1))])
    page = browser_of("bob").get("/trust").text
    assert "Your level: Member." in page
    assert "What is missing for “Experienced”" in page
    assert "6 are missing" in page
    assert "1 is missing" in page
    assert "5 are missing" in page


def test_new_accounts_read_what_they_wait_for(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: world.newcomer() and None)
    page = browser_of("nora").get("/trust").text
    assert "Your level: New here." in page
    assert "24 are missing" in page
    assert "2 are missing" in page


def test_the_team_reads_that_levels_are_for_members(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: world.ada and None)
    page = browser_of("ada").get("/trust").text
    assert "You belong to the team" in page
    assert "is missing" not in page


def test_a_refusal_leads_to_the_page(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    topic_id, post_id = stage(
        lambda world: [(post := world.answer(world.ask(), by=world.newcomer())).topic_id, post.id]
    )
    nora = browser_of("nora")
    too_many = {"source": "See https://a.example https://b.example https://c.example", "once": "x" * 32}
    refused = nora.post(f"/topics/{topic_id}/answers", data=too_many)
    assert refused.status_code == 422
    assert 'href="/trust"' in refused.text

    def let_days_pass(world: World) -> None:
        post = db.session.get_one(Post, post_id)
        moderation.unmute(post, by=world.ada)
        post.created_at = now() - timedelta(days=3)

    stage(let_days_pass)
    closed = nora.get(f"/posts/{post_id}/edit")
    assert closed.status_code == 403
    assert 'href="/trust"' in closed.text


def test_a_moderator_sets_a_level_on_a_page_that_keeps_what_was_typed(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: [world.bob.id, world.ada.id])
    ada = browser_of("ada")
    assert "/moderation/people/bob/trust" in ada.get("/u/bob").text
    assert ada.get("/moderation/people/nobody/trust").status_code == 404
    wrong = ada.post("/moderation/people/bob/trust", data={"level": "2", "reason": ""})
    assert wrong.status_code == 422
    assert 'value="2" checked' in wrong.text or "checked" in wrong.text
    assert (
        ada.post("/moderation/people/bob/trust", data={"level": "2", "reason": "Helps at the fair"}).status_code == 303
    )
    assert "Experienced" in ada.get("/u/bob").text
    assert "Set by hand" in ada.get("/moderation/people/bob/trust").text
    assert ada.post("/moderation/people/ada/trust", data={"level": "2", "reason": "I like it"}).status_code == 403


def test_ones_points_are_explained_row_by_row(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    def scene(world: World) -> None:
        (answer,) = solve(world, 1)
        answers.undo_acceptance(answer.topic, by=world.ada)
        votes.vote(answer, by=world.charlie)
        points.settle([answer.id])

    stage(scene)
    bob = browser_of("bob")
    page = bob.get("/trust/points").text
    assert "taken back" in page
    assert page.count("Question number 0 about routers") == 3
    assert "+15" in page
    assert "−15" in page
    assert "+5" in page
    assert "No points yet" in browser_of("charlie").get("/trust/points").text
