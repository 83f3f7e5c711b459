"""The queue: what waits first, who has it, what they decide, and taking it back."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from accounts import penalties
from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core import paging
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from forum import answers, flags, holding, moderation, queries, reviewing
from forum.models import Acceptance, Muting, Notification, Post, ReviewCase, Topic
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
Settings = Callable[..., None]
REASON = "There is advertising in it."


def question_of(topic: Topic) -> Post:
    return db.session.query(Post).filter_by(topic_id=topic.id, kind="question").one()


def flagged(world: World, *, reason: str = "spam", words: str = "", text: str = "An answer to report.") -> ReviewCase:
    answer = world.answer(world.ask(), text)
    return flags.flag(answer, reason=reason, words=words, by=world.charlie).case


def held(world: World) -> ReviewCase:
    topic = world.ask(by=world.newcomer())
    return db.session.query(ReviewCase).filter_by(post_id=question_of(topic).id).one()


def is_seen(post: Post) -> bool:
    return db.session.query(Post).filter(Post.id == post.id, queries.posts_visible_to(AnonymousUser())).count() == 1


def order() -> list[int]:
    return [case.id for case in paging.page(reviewing.waiting(), by=(ReviewCase.priority, ReviewCase.id))]


def test_the_most_urgent_comes_first(world: World) -> None:
    waits = held(world)
    spam = flagged(world)
    illegal = flagged(world, reason="illegal", words="It breaks the law, see there.", text="Something illegal.")
    twice = flagged(world, text="An answer that two people report.")
    flags.flag(twice.post, reason="spam", by=world.tina)
    assert order() == [illegal.id, twice.id, spam.id, waits.id]


def test_what_reaches_more_people_comes_earlier(world: World) -> None:
    quiet = flagged(world, text="An answer nobody follows.")
    lively = world.ask(title="A question many answer")
    for number in range(6):
        world.answer(lively, f"Answer number {number} here.", by=world.person(f"author-{number}"))
    busy = flags.flag(question_of(lively), reason="spam", by=world.charlie).case
    assert order() == [busy.id, quiet.id]


@pytest.mark.parametrize("handle", ["alice", "tina", "dora", "emil"])
def test_only_moderators_decide(world: World, handle: str) -> None:
    case, person = flagged(world), getattr(world, handle)
    for deed in (
        lambda: reviewing.claim(case, by=person),
        lambda: reviewing.release(case, by=person),
        lambda: reviewing.decide(case, "agree", by=person, reason=REASON),
        lambda: reviewing.decide_many([case.id], "ignore", by=person),
        lambda: reviewing.undo("x", by=person),
        lambda: reviewing.edit(case, source="Something else entirely.", title=None, version=1, by=person),
    ):
        with pytest.raises(NotAllowed):
            deed()
    assert case.decided_at is None


def test_agreeing_mutes_with_the_reason_and_is_in_the_log(world: World) -> None:
    case = flagged(world)
    reviewing.decide(case, "agree", by=world.ada, reason=REASON)
    assert not is_seen(case.post)
    assert (case.outcome, case.decided_by, case.reason) == ("agreed", world.ada, REASON)
    assert case.post.muting is not None
    assert case.post.muting.reason == REASON
    deeds = [entry.deed for entry in db.session.query(AuditEntry).order_by(AuditEntry.id)]
    assert deeds == ["forum.post.mute", "forum.case.agree"]


def test_agreeing_needs_a_reason(world: World) -> None:
    with pytest.raises(Invalid) as caught:
        reviewing.decide(flagged(world), "agree", by=world.ada, reason=" ")
    assert list(caught.value.fields) == ["reason"]


@pytest.mark.parametrize(("deed", "outcome"), [("disagree", "disagreed"), ("ignore", "ignored")])
def test_disagreeing_and_setting_aside_show_it_again(world: World, settings: Settings, deed: str, outcome: str) -> None:
    settings(hide_at_flags=1)
    case = flagged(world)
    assert not is_seen(case.post)
    reviewing.decide(case, deed, by=world.ada)
    assert is_seen(case.post)
    assert case.outcome == outcome
    assert db.session.query(AuditEntry).filter_by(deed=f"forum.case.{deed}").one().by == world.ada


def test_editing_settles_it(world: World, settings: Settings) -> None:
    settings(hide_at_flags=1)
    case = flagged(world)
    reviewing.edit(case, source="The same without the advertising.", title=None, version=1, by=world.ada)
    assert is_seen(case.post)
    assert case.post.source == "The same without the advertising."
    assert case.outcome == "edited"


def test_a_held_question_is_released_or_muted(world: World) -> None:
    first = held(world)
    reviewing.decide(first, "disagree", by=world.ada)
    assert is_seen(first.post)
    second = held(world)
    reviewing.decide(second, "agree", by=world.ada, reason=REASON)
    assert not is_seen(second.post)
    assert db.session.query(Muting).one().cause == "team"


def test_what_is_not_a_deed_is_refused(world: World) -> None:
    with pytest.raises(Invalid):
        reviewing.decide(flagged(world), "burn", by=world.ada)
    with pytest.raises(Invalid):
        reviewing.decide_many([], "agree", by=world.ada)
    with pytest.raises(Invalid):
        reviewing.decide_many(range(1, 52), "agree", by=world.ada)


def test_who_took_a_case_decides_it_until_their_time_is_up(world: World) -> None:
    case, other = flagged(world), world.person("moritz", "moderator")
    reviewing.claim(case, by=world.ada)
    for deed in (
        lambda: reviewing.claim(case, by=other),
        lambda: reviewing.release(case, by=other),
        lambda: reviewing.decide(case, "ignore", by=other),
    ):
        with pytest.raises(Conflict) as caught:
            deed()
        assert "Ada is looking at this" in caught.value.sentence
    with time_machine.travel(now() + timedelta(minutes=16)):
        reviewing.claim(case, by=other)
    reviewing.decide(case, "ignore", by=other)
    with pytest.raises(Conflict) as caught:
        reviewing.decide(case, "agree", by=world.ada, reason=REASON)
    assert "Moritz has decided this already" in caught.value.sentence
    assert is_seen(case.post)


def test_a_case_given_back_is_anybodys(world: World) -> None:
    case = flagged(world)
    reviewing.claim(case, by=world.ada)
    reviewing.release(case, by=world.ada)
    reviewing.decide(case, "ignore", by=world.root)
    assert case.decided_by == world.root


def test_muting_on_the_page_of_the_post_settles_its_case(world: World) -> None:
    case = flagged(world)
    moderation.mute(case.post, by=world.ada, reason=REASON)
    db.session.refresh(case)
    assert (case.outcome, case.decided_by) == ("agreed", world.ada)


def test_after_a_decision_new_flags_are_a_new_case(world: World) -> None:
    case = flagged(world)
    reviewing.decide(case, "disagree", by=world.ada)
    again = flags.flag(case.post, reason="rude", by=world.tina).case
    assert again.id != case.id
    assert reviewing.earlier_cases(again) == [case]
    assert [entry.deed for entry in reviewing.history(again)] == ["forum.case.disagree"]


def test_several_at_once_and_what_somebody_else_has_is_left(world: World) -> None:
    cases = [flagged(world, text=f"Answer number {number} to report.") for number in range(3)]
    reviewing.claim(cases[1], by=world.root)
    _, done, missed = reviewing.decide_many([case.id for case in cases] + [10**6], "agree", by=world.ada, reason=REASON)
    assert (done, missed) == (2, 2)
    assert [is_seen(case.post) for case in cases] == [False, True, False]


def test_undoing_brings_everything_back(world: World) -> None:
    topic = world.solved()
    solution = flags.flag(topic.acceptance.post, reason="spam", by=world.charlie).case
    cases = [solution, flagged(world), held(world)]
    batch, done, _ = reviewing.decide_many([case.id for case in cases], "agree", by=world.ada, reason=REASON)
    assert done == 3
    assert reviewing.undo(batch, by=world.ada) == 3
    assert [case.decided_at for case in cases] == [None] * 3
    assert [is_seen(case.post) for case in cases] == [True, True, False]
    assert db.session.query(Muting).one().cause == "first"
    assert db.session.query(Acceptance).one().post_id == solution.post_id
    assert db.session.query(AuditEntry).filter_by(deed="forum.case.undo").count() == 3
    with pytest.raises(Conflict):
        reviewing.undo(batch, by=world.ada)


def test_undoing_a_release_holds_it_again(world: World) -> None:
    case = held(world)
    batch = reviewing.decide(case, "disagree", by=world.ada)
    assert is_seen(case.post)
    reviewing.undo(batch, by=world.ada)
    assert not is_seen(case.post)
    assert db.session.query(Muting).one().cause == "first"
    assert db.session.query(ReviewCase).one().decided_at is None


def test_undoing_is_for_ten_minutes(world: World) -> None:
    batch = reviewing.decide(flagged(world), "agree", by=world.ada, reason=REASON)
    with time_machine.travel(now() + timedelta(minutes=11)), pytest.raises(Conflict):
        reviewing.undo(batch, by=world.ada)


def test_what_was_undone_is_told_to_nobody(stage: Stage, worker: Callable[[], None]) -> None:
    start = now()

    def play(world: World) -> None:
        reviewing.undo(reviewing.decide(flagged(world), "agree", by=world.ada, reason=REASON), by=world.ada)

    stage(play)
    with time_machine.travel(start + timedelta(minutes=12)):
        worker()
    assert "flag_decided" not in stage(lambda _: [note.kind for note in db.session.query(Notification)])
    assert "post_muted" not in stage(lambda _: [note.kind for note in db.session.query(Notification)])


def test_two_moderators_at_once_leave_one_decision(app: Flask, stage: Stage) -> None:
    case_id = stage(lambda world: [world.ada, world.root, flagged(world).id][2])
    start = threading.Barrier(2)

    def press(handle: str, deed: str) -> str:
        with app.app_context():
            world = World()
            case = reviewing.case(case_id)
            by = getattr(world, handle)
            db.session.rollback()
            start.wait(timeout=20)
            try:
                reviewing.decide(case, deed, by=by, reason=REASON)
                db.session.commit()
            except Conflict:
                db.session.rollback()
                return "conflict"
            return deed

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(press, "ada", "agree"), pool.submit(press, "root", "disagree")
        outcomes = {one.result(timeout=60), other.result(timeout=60)}
    assert "conflict" in outcomes
    decided = stage(lambda _: db.session.query(ReviewCase).one().outcome)
    mutings = stage(lambda _: db.session.query(Muting).count())
    assert (decided, mutings) == (("agreed", 1) if "agree" in outcomes else ("disagreed", 0))


def test_other_rooms_have_what_waits_with_them_listed(stage: Stage, browser_of: BrowserOf) -> None:
    def play(world: World) -> None:
        world.everybody()
        Shelf(world).nominated(title="A question that was solved well")
        penalties.impose(world.bob, kind="silence", days=1, reason="Calls people names.", by=world.ada)
        penalties.object_to(penalties.of(world.bob), words="I called nobody names, please look again.")

    stage(play)
    page = browser_of("root").get("/moderation").text
    assert "A question that was solved well" in page
    assert "Objection to a silence" in page
    page = browser_of("ada").get("/moderation").text
    assert "A question that was solved well" not in page, "nominations are for editors"
    assert "@bob" in page
    assert "Objection" not in browser_of("emil").get("/moderation").text


def test_the_page_shows_what_waits_and_decides_it(stage: Stage, browser_of: BrowserOf, guest: Browser) -> None:
    case_id, post_id = stage(lambda world: [world.everybody(), (case := flagged(world)), (case.id, case.post_id)][2])
    ada = browser_of("ada")
    page = ada.get("/moderation").text
    assert f"/moderation/cases/{case_id}" in page
    assert "1 × Advertising or spam" in page
    assert ada.get(f"/moderation/cases/{case_id}").status_code == 200
    assert ada.post(f"/moderation/cases/{case_id}/claim").status_code == 303
    assert "You have this" in ada.get("/moderation").text
    assert "Ada has this" in browser_of("root").get("/moderation").text
    refused = ada.post(f"/moderation/cases/{case_id}/decision", data={"deed": "agree", "reason": ""})
    assert refused.status_code == 422
    assert "This is still empty." in refused.text
    sent = ada.post(
        f"/moderation/cases/{case_id}/decision", data={"deed": "agree", "reason": REASON}, follow_redirects=True
    )
    assert "1 decided." in sent.text
    batch = sent.text.split('name="batch" value="')[1].split('"')[0]
    assert guest.get(f"/p/{post_id}").status_code == 404
    assert REASON in ada.get("/moderation?show=decided").text or "muted" in ada.get("/moderation?show=decided").text
    assert "Decided: muted" in ada.get(f"/moderation/cases/{case_id}").text
    assert ada.post("/moderation/undo", data={"batch": batch}).status_code == 303
    assert guest.get(f"/p/{post_id}").status_code == 302


def test_a_conflict_has_a_clear_page(stage: Stage, browser_of: BrowserOf) -> None:
    case_id = stage(lambda world: [world.everybody(), flagged(world).id][1])
    browser_of("ada").post(f"/moderation/cases/{case_id}/claim")
    for path, data in (
        ("decision", {"deed": "disagree"}),
        ("claim", {}),
        ("decision", {"deed": "agree", "reason": REASON}),
    ):
        answer = browser_of("root").post(f"/moderation/cases/{case_id}/{path}", data=data)
        assert answer.status_code == 409
        assert "Somebody was faster" in answer.text
        assert "Ada is looking at this" in answer.text
    browser_of("ada").post(f"/moderation/cases/{case_id}/decision", data={"deed": "ignore"})
    answer = browser_of("root").post(f"/moderation/cases/{case_id}/decision", data={"deed": "agree", "reason": REASON})
    assert answer.status_code == 409
    assert "Ada has decided this already" in answer.text
    assert "Decided: set aside" in answer.text


def test_several_ticked_in_the_queue(stage: Stage, browser_of: BrowserOf) -> None:
    ids = stage(lambda world: [world.everybody(), [flagged(world, text=f"Answer number {n}.").id for n in range(3)]][1])
    ada = browser_of("ada")
    for reason in ("", "x", "y" * 501):
        refused = ada.post("/moderation/cases", data={"case": ids, "deed": "agree", "reason": reason})
        assert refused.status_code == 422
        assert refused.text.count(" checked>") == 3 + 1, "the ticks stay, and the one in the help for the keys"
        assert 'id="bulk-reason-error"' in refused.text
        assert f'value="{reason}"' in refused.text
    assert stage(lambda _: db.session.query(Muting).count()) == 0
    sent = ada.post(
        "/moderation/cases", data={"case": ids[:2], "deed": "agree", "reason": REASON}, follow_redirects=True
    )
    assert "2 decided." in sent.text
    assert stage(lambda _: db.session.query(Muting).count()) == 2
    assert ada.post("/moderation/cases", data={"deed": "ignore"}).status_code == 422


def test_editing_from_the_queue_keeps_what_was_typed(stage: Stage, browser_of: BrowserOf) -> None:
    case_id = stage(lambda world: [world.everybody(), flagged(world).id][1])
    ada = browser_of("ada")
    refused = ada.post(f"/moderation/cases/{case_id}/edit", data={"source": "short", "version": "1"})
    assert refused.status_code == 422
    assert "A little short" in refused.text
    stale = ada.post(
        f"/moderation/cases/{case_id}/edit", data={"source": "A text that is long enough.", "version": "9"}
    )
    assert stale.status_code == 409
    assert "A text that is long enough." in stale.text
    fine = ada.post(f"/moderation/cases/{case_id}/edit", data={"source": "A text that is long enough.", "version": "1"})
    assert fine.status_code == 303
    assert stage(lambda _: db.session.query(ReviewCase).one().outcome) == "edited"


def test_the_queue_is_for_the_team_and_deciding_for_moderators(stage: Stage, browser_of: BrowserOf) -> None:
    case_id = stage(lambda world: [world.everybody(), flagged(world).id][1])
    assert browser_of("tina").get(f"/moderation/cases/{case_id}").status_code == 403
    page = browser_of("dora").get(f"/moderation/cases/{case_id}").text
    assert 'name="deed"' not in page
    assert browser_of("dora").post(f"/moderation/cases/{case_id}/claim").status_code == 403
    assert browser_of("ada").get("/moderation/cases/99999").status_code == 404


def test_a_held_comment_on_an_answer_is_decided_like_the_rest(world: World) -> None:
    answer = world.answer(world.ask())
    comment = answers.comment(answer, source="A comment of a newcomer.", by=world.newcomer())
    assert holding.is_new(world.newcomer())
    assert not is_seen(comment)
    reviewing.decide(db.session.query(ReviewCase).one(), "disagree", by=world.ada)
    assert is_seen(comment)
