"""Moving house: what was said beside the articles arrives in an empty installation, and plans come true once."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select, update

from accounts import people
from accounts.models import User
from core import transfer
from core.clock import now
from core.db import db
from core.outbox import Delivery
from core.web import absolute
from desk import replies
from forum.models import Notification, Topic
from kb import (
    addresses,
    articles,
    checking,
    doubts,
    feedback,
    judging,
    planning,
    promotion,
    queries,
    recall,
    redaction,
    retiring,
    sections,
    tasks,
    uses,
)
from kb.models import (
    Article,
    ArticleDoubt,
    ArticleRecall,
    ArticleRetirement,
    ArticleTask,
    ArticleUse,
    ArticleVerdict,
    KeptFinding,
    Nomination,
    PlannedPublication,
    Revision,
    SectionAddress,
    VerifyRule,
)
from tests.cast import World
from tests.desk import stage as desk_stage
from tests.forum.test_moving_house import empty as emptied
from tests.forum.test_moving_house import written
from tests.kb.shelf import Shelf, accepted

START = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
CARRIED = (
    Revision,
    SectionAddress,
    VerifyRule,
    KeptFinding,
    ArticleVerdict,
    ArticleDoubt,
    Nomination,
    ArticleUse,
    ArticleTask,
    ArticleRecall,
    ArticleRetirement,
    PlannedPublication,
)
PLAN = timedelta(days=3)
Later = Callable[[], None]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def changed(world: World, article: Article, **said: Any) -> None:
    articles.revise(article, by=world.emil, comment="Better", **{**articles.words_of(newest(article)), **said})


def newest(article: Article) -> Revision:
    return queries.newest_revision(article)


def sent(world: World, article: Article) -> int:
    """Answer a customer with the article."""
    channel = desk_stage.channel(world, "social", endpoint="https://social.example/replies")
    message = desk_stage.received(channel, conversation="20", is_public=True)
    message.conversation.contact.reach = 20
    text = f"Please look: {absolute(addresses.of_article(article))}"
    reply = replies.reply(message.conversation, text=text, by=world.dora, uses=[(article.id, "280")])
    reply.state = "sent"
    db.session.flush()
    return reply.id


def house(world: World, clock: time_machine.Traveller) -> None:
    """Have everything happen once that is carried."""
    world.everybody()
    shelf = Shelf(world)

    def later() -> None:
        clock.shift(timedelta(minutes=7))

    inner = sections.create(names={"en": "Wireless", "de": "Funk"}, by=world.emil)
    sections.readdress(inner, slug="air", by=world.emil)
    checking.set_rule(inner, "validated", 30, by=world.root)
    checking.set_rule(None, "not_validated", 90, by=world.root)
    topic = world.solved()
    later()
    nomination = shelf.nominated(topic)
    promotion.note_checks(nomination, ["new", "general"], by=world.emil)
    article = promotion.draft_from(nomination, by=world.emil, section=inner, sources=[topic.posts[0]])
    articles.publish(article, by=world.emil)
    later()
    checking.verify(article, by=world.root)
    later()
    # The line of the house is meant to stay.
    changed(world, article, resolution="Call the house: +49 89 12345678. Choose channel 6.")
    found = redaction.unconfirmed(article, redaction.texts_of(article, newest(article)))
    redaction.keep(article, found, {one.digest: "It is the line of the house." for one in found}, by=world.emil)
    articles.publish(article, by=world.emil)
    later()
    reuse(world, article, later)
    later()
    doubt(world, article, topic)
    later()
    promotion.decline(shelf.nominated(title="About the weather"), by=world.emil, reason="Too special.")
    promotion.nominate_by_hand(world.answer(topic, "A longer answer.", by=world.tina), by=world.tina)
    later()
    plan(world, article, later)


def reuse(world: World, article: Article, later: Later) -> None:
    """Have it used, judged, flagged, mended and recalled."""
    reply = sent(world, article)
    answer = world.answer(world.ask("Another one"), f"See http://localhost/kb/{article.id} for it.", by=world.dora)
    uses.note_in_answer(answer)
    later()
    judging.say(article, "yes", by=world.dora)
    judging.say(article, "wrong", words="Channel 6 is full.", by=world.tina)
    tasks.flag(article, words="The light is green, not red.", by=world.charlie)
    (use,) = db.session.query(ArticleUse).filter_by(where_kind="message", where_id=reply)
    judging.note_outcome(use, "not", by=world.dora)
    feedback.give(article, reader=f"user:{world.bob.id}", helped=False, reason="unclear", by=world.bob)
    done = db.session.query(ArticleTask).filter_by(kind="feedback").one()
    later()
    tasks.settle(done, "done", by=world.emil, note="It says more now.")
    changed(world, article, resolution="Call the house: +49 89 12345678. Choose channel 11.")
    articles.publish(article, by=world.emil, significance="instructions")
    recall.begin(article, newest(article))
    rows = db.session.scalars(recall.of(article).order_by(ArticleRecall.id)).all()
    recall.settle(rows[0], "done", by=world.dora)


def doubt(world: World, article: Article, topic: Topic) -> None:
    """Have an answer be edited since, and another one speak against it, which an editor heard."""
    edited = accepted(topic)
    edited.source, edited.version = "Choose channel 13.", edited.version + 1
    db.session.flush()
    doubts.look_at(edited.id)
    other = Shelf(world).nominated(title="Channel 6 is wrong")
    promotion.contradict(other, article, by=world.emil)
    doubts.confirm_source(article, other.post_id, by=world.emil)


def plan(world: World, article: Article, later: Later) -> None:
    """Archive an article, and plan three publications."""
    shelf = Shelf(world)
    old = shelf.published(title="An older article")
    retiring.retire(old, by=world.emil, reason="Said better elsewhere.", successor=article)
    changed(world, article, summary="Only restart it.")
    planning.plan(article, due_at=now() + PLAN, by=world.emil, significance="typo")
    later()
    draft = shelf.article(title="A plan for a first time")
    changed(world, draft, summary="Two versions.")
    planning.plan(draft, due_at=now() + PLAN, by=world.emil, number=1)
    lost = shelf.article(title="A plan that failed")
    planning.plan(lost, due_at=now() + PLAN, by=world.emil)
    planning.planned(lost).failure = "Its thread is muted."  # type: ignore[union-attr]  # it is there
    db.session.flush()


def empty() -> None:
    db.session.execute(update(Article).values(published_id=None))
    emptied()


def rows() -> dict[str, int]:
    return {model.__tablename__: db.session.scalar(select(func.count()).select_from(model)) or 0 for model in CARRIED}


def person(handle: str) -> User:
    found = people.by_handle(handle)
    assert found is not None
    return found


def by_title(title: str) -> Article:
    called_so = select(Revision.article_id).where(Revision.title == title)
    return db.session.scalars(select(Article).where(Article.id.in_(called_so))).unique().one()


def moved(world: World, clock: time_machine.Traveller, path: Path) -> list[dict[str, Any]]:
    house(world, clock)
    db.session.commit()
    lines = written(path)
    empty()
    report = transfer.read_jsonl(path)
    assert report.skipped == []
    return lines


def test_everything_beside_the_articles_arrives(world: World, clock: time_machine.Traveller, tmp_path: Path) -> None:
    house(world, clock)
    db.session.commit()
    before, lines = rows(), written(tmp_path / "one.jsonl")
    assert all(before.values()), before
    assert {line["type"] for line in lines} >= {
        "section_address",
        "check_rule",
        "kept_finding",
        "verdict",
        "doubt",
        "nomination",
        "use",
        "task",
        "recall",
        "retirement",
        "planned_publication",
    }
    empty()
    report = transfer.read_jsonl(tmp_path / "one.jsonl")
    assert report.skipped == []
    assert rows() == before
    assert written(tmp_path / "two.jsonl") == lines
    told_of = db.session.scalar(select(func.count()).select_from(Notification))
    assert (told_of, db.session.scalar(select(func.count()).select_from(Delivery))) == (0, 0), "nobody is told"
    again = transfer.read_jsonl(tmp_path / "two.jsonl")
    assert (again.skipped, again.count("new"), again.count("changed")) == ([], 0, 0)
    assert written(tmp_path / "three.jsonl") == lines


def test_what_was_said_means_the_same_here(world: World, clock: time_machine.Traveller, tmp_path: Path) -> None:
    moved(world, clock, tmp_path / "house.jsonl")
    article = by_title("An older article")
    successor = retiring.of(article)
    assert successor is not None
    found = db.session.get_one(Article, successor.successor_id)
    assert [revision.number for revision in queries.revisions_of(found)] == [4, 3, 2, 1]
    assert [one.id for one in sorted(queries.revisions_of(found), key=lambda one: one.id)] == [
        one.id for one in queries.revisions_of(found)[::-1]
    ], "the later version has the greater id"
    assert (found.published.number, found.published.significance) == (3, "instructions")  # type: ignore[union-attr]
    assert (found.verified_by_id, found.verified_at) == (person("root").id, START + timedelta(minutes=14))
    assert redaction.unconfirmed(found, redaction.texts_of(found, newest(found))) == []
    assert sections.moved_to("wireless") is not None
    flagged = db.session.query(ArticleTask).filter_by(kind="flag").one()
    assert flagged.ref == f"user:{person('charlie').id}"
    use = db.session.query(ArticleUse).filter_by(where_kind="message").one()
    assert (use.outcome, use.face, use.outcome_by_id) == ("not", "280", person("dora").id)
    assert db.session.query(ArticleTask).filter_by(kind="use").one().ref == f"use:{use.id}"
    states = {row.where_kind: row.state for row in db.session.scalars(recall.of(found)) if row.state == "done"}
    assert len(states) == 1
    doubts.look_again()
    assert {(one.cause, one.confirmed_at is None) for one in db.session.query(ArticleDoubt)} == {
        ("edited", True),
        ("opposed", False),
    }


def test_what_was_planned_is_published_once_after_the_import(
    world: World, clock: time_machine.Traveller, tmp_path: Path
) -> None:
    path = tmp_path / "house.jsonl"
    lines = moved(world, clock, path)
    assert [line["type"] for line in lines[-3:]] == ["planned_publication"] * 3
    assert planning.publish_due() == 0, "nothing is due yet"
    clock.shift(PLAN + timedelta(hours=2))
    assert planning.publish_due() == 2, [plan.failure for plan in db.session.query(PlannedPublication)]
    draft = by_title("A plan for a first time")
    assert (draft.is_published, draft.published.number) == (True, 1)  # type: ignore[union-attr]
    assert not by_title("A plan that failed").is_published
    # A second import plans nothing that came true, nor what an editor took back or withdrew since.
    articles.withdraw(draft, by=person("emil"), reason="Not yet.")
    planning.cancel(by_title("A plan that failed"), by=person("emil"))
    db.session.commit()
    transfer.read_jsonl(path)
    assert db.session.query(PlannedPublication).count() == 0
    assert planning.publish_due() == 0
    assert not by_title("A plan for a first time").is_published


def test_what_is_due_by_now_is_published_after_the_import_and_not_during_it(
    app: Flask, world: World, clock: time_machine.Traveller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house(world, clock)
    db.session.commit()
    path = tmp_path / "house.jsonl"
    written(path)
    empty()
    clock.shift(PLAN + timedelta(hours=2))
    seen: list[int] = []
    take = transfer._take

    def work() -> None:
        with app.app_context():
            seen.append(planning.publish_due())

    def taken(known: transfer.RecordType, *others: Any) -> None:
        if known.name != "planned_publication":
            db.session.commit()
            worker = threading.Thread(target=work)
            worker.start()
            worker.join()
        take(known, *others)

    monkeypatch.setattr(transfer, "_take", taken)
    report = transfer.read_jsonl(path)
    assert report.skipped == []
    assert seen
    assert not any(seen)
    assert planning.publish_due() == 2
    assert planning.publish_due() == 0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"type": "section_address", "slug": "a b", "section": "air"}, "slug"),
        ({"type": "check_rule", "days": -1}, "days"),
        ({"type": "kept_finding", "article": "a9", "digest": "0" * 64, "kind": "phone", "reason": "x"}, "article"),
        ({"type": "kept_finding", "article": "a1", "digest": "x", "kind": "phone", "reason": "x"}, "digest"),
        ({"type": "verdict", "article": "a1", "version": 7, "by": "u1", "verdict": "yes"}, "version 7"),
        ({"type": "verdict", "article": "a1", "version": 1, "by": "u9", "verdict": "yes"}, "author"),
        ({"type": "doubt", "article": "a1", "cause": "edited"}, "where"),
        ({"type": "doubt", "article": "a1", "post": "p9", "cause": "edited"}, "unknown post"),
        ({"type": "nomination", "post": "p1", "topic": "t1", "state": "pending"}, "one of"),
        ({"type": "nomination", "topic": "t1", "state": "published"}, "needs the article"),
        ({"type": "use", "article": "a1", "version": 1, "message": "m1"}, "one of"),
        ({"type": "use", "article": "a1", "version": 1, "message": "m1", "conversation": "c1"}, "unknown message"),
        ({"type": "task", "article": "a1", "kind": "flag", "ref": "user:u1", "outcome": "done"}, "belong together"),
        ({"type": "task", "article": "a1", "kind": "use", "ref": "use", "topic": "t1"}, "not used there"),
        ({"type": "recall", "article": "a1", "version": 1, "carried": 3, "topic": "t1"}, "version 3"),
        ({"type": "retirement", "article": "a1", "successor": "a9", "before": "validated"}, "unknown article"),
        ({"type": "planned_publication", "article": "a1", "version": 2, "due": "2026-01-05T10:00:00Z"}, "version 2"),
    ],
)
def test_a_line_that_cannot_be_taken_says_why(world: World, tmp_path: Path, line: dict[str, Any], reason: str) -> None:
    moment = "2026-01-05T10:00:00Z"
    user = {"type": "user", "id": "u1", "handle": "anna"}
    topic = {"type": "topic", "id": "t1", "category": "router", "author": "u1", "title": "A lamp", "body": "Blinks"}
    article = {"type": "article", "id": "a1", "section": "air", "locale": "en", "title": "A lamp", "body": "Off."}
    path = tmp_path / "lines.jsonl"
    lines = (user, {**topic, "locale": "en", "created": moment}, article, {"created": moment, **line})
    path.write_text("\n".join(json.dumps(one) for one in lines), encoding="utf-8")
    report = transfer.read_jsonl(path)
    ((number, why),) = report.skipped
    assert number == 4
    assert reason in why
    assert world is not None


def test_two_versions_with_one_number_are_refused(world: World, tmp_path: Path) -> None:
    version = {"number": 1, "created": "2026-01-05T10:00:00Z", "title": "A lamp", "body": "On."}
    article = {"type": "article", "id": "a1", "section": "air", "locale": "en", "title": "A lamp", "body": "Off."}
    path = tmp_path / "lines.jsonl"
    path.write_text(json.dumps({**article, "history": [version]}), encoding="utf-8")
    ((_number, why),) = transfer.read_jsonl(path).skipped
    assert "same number" in why
    assert world is not None
