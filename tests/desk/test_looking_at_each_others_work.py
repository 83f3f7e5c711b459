"""Colleagues look at links and at closed cases: never one's own, by chance, at will, and nobody is compared."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from desk import conversations, link_checks, measures, peers, replies
from desk.figure_models import LinkCheck, PeerReview
from desk.measures import Of
from desk.models import Message
from forum.models import Notification
from kb import figures
from kb.models import ArticleUse
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as props
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]


def closed_cases(world: World, many: int = 3, by: str = "dora") -> list[Message]:
    """Closed cases of an agent, each answered with an article."""
    agent = world.person(by, "agent")
    article = Shelf(world).published(title=f"An article that {by} sends")
    on = props.channel(world, f"channel-{by}", endpoint="https://social.example/replies")
    sent = []
    for number in range(many):
        asked = props.received(
            on, f"Question {number} of a customer", conversation=f"{by}-{number}", id=f"{by}-{number}"
        )
        conversations.assign(asked.conversation, agent, by=agent)
        reply = replies.reply(asked.conversation, text=f"See http://localhost/kb/{article.id}", by=agent)
        reply.state, reply.sent_at = "sent", now()
        conversations.change_state(asked.conversation, "solved", by=agent)
        sent.append(reply)
    db.session.flush()
    return sent


def this_week() -> str:
    return figures.week_names()[-1]


# Links


def test_a_sheet_has_links_of_its_week_each_once(world: World) -> None:
    sent = closed_cases(world, 8)
    old = db.session.scalars(select(ArticleUse).where(ArticleUse.where_id == sent[0].id)).one()
    old.at = now() - timedelta(days=14)
    db.session.flush()
    first = link_checks.draw(this_week(), 5, is_own=False, by=world.root)
    second = link_checks.draw(this_week(), 5, is_own=False, by=world.root)
    drawn = [check.use_id for sheet in (first, second) for check in sheet.checks]
    assert len(drawn) == len(set(drawn)) == 7
    assert old.id not in drawn
    with pytest.raises(Invalid, match="No link"):
        link_checks.draw(this_week(), 5, is_own=False, by=world.root)


def test_chance_draws_and_not_the_order(world: World) -> None:
    closed_cases(world, 30)
    drawn = set()
    for _ in range(6):
        sheet = link_checks.draw(this_week(), 5, is_own=False, by=world.root)
        drawn.add(tuple(sorted(check.use_id for check in sheet.checks)))
        for check in sheet.checks:
            db.session.delete(check)
        db.session.flush()
        db.session.expire_all()
    assert len(drawn) > 1


def test_a_sheet_of_ones_own_has_ones_own_links_only(world: World) -> None:
    closed_cases(world, 2)
    theirs = closed_cases(world, 3, by="karl")
    sheet = link_checks.draw(this_week(), 50, is_own=True, by=world.person("karl"))
    assert {check.use.where_id for check in sheet.checks} == {reply.id for reply in theirs}
    assert sheet.whose_id == world.person("karl").id


@pytest.mark.parametrize(("week", "size"), [("2020-01-06", 5), ("never", 5), ("", 5), (None, 7)])
def test_a_wrong_week_or_size_is_refused(world: World, week: str | None, size: int) -> None:
    closed_cases(world)
    with pytest.raises((Invalid, NotFound)):
        link_checks.draw(this_week() if week is None else week, size, is_own=False, by=world.root)


def test_never_the_linker_and_one_colleague_says_it(world: World) -> None:
    closed_cases(world, 1)
    karl = world.person("karl", "agent")
    check = link_checks.draw(this_week(), 5, is_own=False, by=world.dora).checks[0]
    with pytest.raises(NotAllowed):
        link_checks.judge(check, "right", words="", by=world.dora)
    with pytest.raises(Invalid):
        link_checks.judge(check, "superb", words="", by=karl)
    with pytest.raises(NotAllowed):
        link_checks.judge(check, "right", words="", by=world.charlie)
    link_checks.judge(check, "better", words="There is a newer one.", by=karl)
    link_checks.judge(check, "right", words="", by=karl)
    assert (check.verdict, check.words, check.by_id) == ("right", "", karl.id)
    with pytest.raises(Conflict):
        link_checks.judge(check, "wrong", words="", by=world.person("lisa", "agent"))
    everybody = Of(me_id=karl.id)
    assert measures.listed("link-right", everybody).count() == 1
    assert measures.listed("link-right", Of(me_id=world.dora.id, by_id=world.dora.id)).count() == 0


def test_the_pages_of_sheets(stage: Stage, browser_of: BrowserOf) -> None:
    def scene(world: World) -> None:
        world.everybody()
        world.person("karl", "agent")
        closed_cases(world, 2)

    stage(scene)
    dora, karl = browser_of("dora"), browser_of("karl")
    drawn = dora.post("/desk/figures/sheets", data={"week": week_of(stage), "size": "5", "whose": "all"})
    assert drawn.status_code == 303
    page = dora.get(drawn.headers["Location"]).text
    assert "You put this link in yourself." in page
    assert 'name="verdict"' not in page
    page = karl.get(drawn.headers["Location"]).text
    assert "Question 0 of a customer" in page
    assert "Dora" not in page, "who put it in is not said"
    check = stage(lambda _: db.session.query(LinkCheck).first().id)
    assert dora.post(f"/desk/figures/checks/{check}", data={"verdict": "right"}).status_code == 403
    wrong = karl.post(f"/desk/figures/checks/{check}", data={"verdict": "", "words": "kept as typed"})
    assert wrong.status_code == 422
    assert "kept as typed" in wrong.text
    assert karl.post(f"/desk/figures/checks/{check}", data={"verdict": "wrong"}).status_code == 303
    assert "1 of 2 looked at" in karl.get("/desk/figures/sheets").text
    again = dora.post("/desk/figures/sheets", data={"week": week_of(stage), "size": "5", "whose": "all"})
    assert again.status_code == 422
    assert "No link of this week is left to draw." in again.text
    assert dora.post("/desk/figures/sheets", data={"week": "x", "size": "y"}).status_code in {404, 422}
    assert dora.get("/desk/figures/sheets/99").status_code == 404
    assert dora.post("/desk/figures/checks/99", data={"verdict": "right"}).status_code == 404


def week_of(stage: Stage) -> str:
    return str(stage(lambda _: this_week()))


# Closed cases


def with_criteria(world: World) -> list[int]:
    return [peers.add_criterion(words, by=world.root).id for words in ("Was it kind?", "Was it right?")]


def test_a_case_of_a_colleague_is_drawn_once_and_never_ones_own(world: World) -> None:
    with_criteria(world)
    closed_cases(world, 2)
    karl, lisa = world.person("karl", "agent"), world.person("lisa", "agent")
    first = peers.draw(by=karl)
    assert first.reviewed_id == world.dora.id
    assert peers.draw(by=karl).id == first.id, "the one that is not written yet comes again"
    second = peers.draw(by=lisa)
    assert second.conversation_id != first.conversation_id
    with pytest.raises(Invalid, match="No closed case"):
        peers.draw(by=world.dora)
    with pytest.raises(Invalid, match="No closed case"):
        peers.draw(by=world.person("mona", "agent"))
    peers.give_back(first, by=karl)
    assert peers.draw(by=world.person("mona", "agent")).conversation_id


def test_nothing_is_drawn_while_nothing_is_asked(world: World) -> None:
    closed_cases(world)
    with pytest.raises(Invalid, match="Nothing is asked"):
        peers.draw(by=world.person("karl", "agent"))


def test_it_counts_once_its_person_has_read_it_and_nobody_else_sees_it(world: World) -> None:
    kind, right = with_criteria(world)
    closed_cases(world, 1)
    karl = world.person("karl", "agent")
    review = peers.draw(by=karl)
    with pytest.raises(NotFound):
        peers.visible_review(review.id, viewer=world.dora)
    with pytest.raises(Invalid):
        peers.write(review, {kind: True}, words="", by=karl)
    with pytest.raises(NotAllowed):
        peers.write(review, {kind: True, right: True}, words="", by=world.dora)
    peers.write(review, {kind: True, right: True}, words="Well done.", by=karl)
    peers.write(review, {kind: True, right: False}, words="Well done, nearly.", by=karl)
    assert db.session.query(Notification).filter_by(user_id=world.dora.id, kind="peer_review").count() == 1
    assert peers.visible_review(review.id, viewer=world.dora) is review
    for other in (world.root, world.person("lisa", "agent"), world.charlie):
        with pytest.raises(NotFound):
            peers.visible_review(review.id, viewer=other)
    everybody, own = Of(me_id=karl.id), Of(me_id=world.dora.id, by_id=world.dora.id)
    assert measures.listed("review-met", everybody).count() == 0
    with pytest.raises(NotAllowed):
        peers.read(review, reply="", by=karl)
    peers.read(review, reply="Thanks, I see it otherwise.", by=world.dora)
    assert measures.listed("review-met", everybody).count() == measures.listed("review-missed", own).count() == 1
    assert measures.listed("review-met", Of(me_id=karl.id, by_id=karl.id)).count() == 0
    with pytest.raises(Conflict):
        peers.write(review, {kind: False, right: False}, words="", by=karl)
    with pytest.raises(Conflict):
        peers.give_back(review, by=karl)


def test_what_everybody_sees_names_neither_the_person_nor_the_case(world: World) -> None:
    kind, right = with_criteria(world)
    closed_cases(world, 1)
    karl = world.person("karl", "agent")
    review = peers.draw(by=karl)
    peers.write(review, {kind: True, right: True}, words="Secret words", by=karl)
    peers.read(review, reply="Secret reply", by=world.dora)
    rows, _page = measures.listed("review-met", Of(me_id=karl.id)).page(karl)
    assert {(row.title, row.url, row.said) for row in rows} == {("Was it kind?", "", ""), ("Was it right?", "", "")}


def test_a_question_that_is_asked_no_more_keeps_its_answers(world: World) -> None:
    kind, right = with_criteria(world)
    closed_cases(world, 1)
    karl = world.person("karl", "agent")
    review = peers.draw(by=karl)
    peers.write(review, {kind: True, right: True}, words="", by=karl)
    peers.read(review, reply="", by=world.dora)
    peers.remove_criterion(kind, by=world.root)
    peers.remove_criterion(kind, by=world.root)
    assert [one.id for one in peers.criteria()] == [right]
    assert measures.listed("review-met", Of(me_id=karl.id)).count() == 2


def test_only_admins_say_what_is_asked(world: World) -> None:
    with pytest.raises(NotAllowed):
        peers.add_criterion("Was it kind?", by=world.dora)
    with_criteria(world)
    for words in ("", "x", "was it KIND?", "y" * 201):
        with pytest.raises(Invalid):
            peers.add_criterion(words, by=world.root)
    with pytest.raises(NotAllowed):
        peers.remove_criterion(1, by=world.dora)
    with pytest.raises(NotFound):
        peers.remove_criterion(99, by=world.root)
    for number in range(10):
        peers.add_criterion(f"Question number {number}?", by=world.root)
    with pytest.raises(Invalid, match="small form"):
        peers.add_criterion("One more?", by=world.root)


def test_the_pages_of_reviews(stage: Stage, browser_of: BrowserOf) -> None:
    def scene(world: World) -> list[int]:
        world.everybody()
        world.person("karl", "agent")
        closed_cases(world, 1)
        return with_criteria(world)

    kind, right = stage(scene)
    karl, dora, root = browser_of("karl"), browser_of("dora"), browser_of("root")
    drawn = karl.post("/desk/reviews")
    assert drawn.status_code == 303
    where = drawn.headers["Location"]
    assert "Dora had this case." in karl.get(where).text
    assert dora.get(where).status_code == 404
    wrong = karl.post(where, data={f"criterion-{kind}": "yes", "words": "kept as typed"})
    assert wrong.status_code == 422
    assert "kept as typed" in wrong.text
    assert "Please answer every question with yes or no." in wrong.text
    told = {f"criterion-{kind}": "yes", f"criterion-{right}": "no", "words": "Nearly."}
    assert karl.post(where, data=told).status_code == 303
    assert "Karl looked at your case. Only you two see this." in dora.get(where).text
    assert root.get(where).status_code == 404
    assert dora.post(f"{where}/reading", data={"reply": "Thanks."}).status_code == 303
    assert "Thanks." in karl.get(where).text
    assert "read" in dora.get("/desk/reviews").text
    assert karl.post(f"{where}/return").status_code == 409
    again = karl.post("/desk/reviews")
    assert again.status_code == 422
    assert "No closed case of the last 30 days" in again.text
    assert stage(lambda _: db.session.query(PeerReview).count()) == 1


def test_the_page_of_questions(stage: Stage, browser_of: BrowserOf) -> None:
    stage(lambda world: world.everybody() and None)
    root = browser_of("root")
    assert "Nothing is asked yet" in root.get("/admin/criteria").text
    assert root.post("/admin/criteria", data={"words": "Was it kind?"}).status_code == 303
    wrong = root.post("/admin/criteria", data={"words": "Was it kind?"})
    assert wrong.status_code == 422
    assert "This question is asked already." in wrong.text
    assert root.post("/admin/criteria/1/removal").status_code == 303
    assert "Nothing is asked yet" in root.get("/admin/criteria").text
    assert browser_of("dora").get("/admin/criteria").status_code == 403
