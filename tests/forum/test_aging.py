"""What no longer holds: said by the team, shown to all, behind what holds in threads, search and at the desk."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import AuditEntry
from accounts.people import AnonymousUser
from core import transfer
from core.db import db
from core.errors import Invalid, NotAllowed
from desk import suggestions
from forum import aging, answers, moderation, official, threads
from forum.models import Post
from kb import addresses
from search import indexer, query
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
WHY = "Since version 5 the menu is another one."


def test_the_team_says_it_with_a_reason_and_takes_it_back(world: World) -> None:
    answer = world.answer(world.ask())
    aging.declare(answer, reason=WHY, by=world.dora)
    said = aging.of(answer)
    assert (said.reason, said.url) == (WHY, "")
    aging.declare(answer, reason="Since version 6, too.", by=world.ada)
    assert aging.of(answer).since == said.since, "it is as old as before"
    aging.lift(answer, by=world.ada)
    aging.lift(answer, by=world.ada)
    assert answer.obsolete is None
    deeds = [entry.deed for entry in db.session.query(AuditEntry).order_by(AuditEntry.id)]
    assert deeds == ["forum.post.make_obsolete", "forum.post.make_obsolete", "forum.post.unmake_obsolete"]


def test_nobody_else_says_it_and_comments_are_too_small(world: World) -> None:
    answer = world.answer(world.ask())
    for person in (world.charlie, world.bob, world.tina):
        with pytest.raises(NotAllowed):
            aging.declare(answer, reason=WHY, by=person)
        with pytest.raises(NotAllowed):
            aging.lift(answer, by=person)
    comment = answers.comment(answer, source="Works here.", by=world.charlie)
    with pytest.raises(NotAllowed):
        aging.declare(comment, reason=WHY, by=world.ada)
    for wrong in ("", "x", "x" * 501):
        with pytest.raises(Invalid) as refusal:
            aging.declare(answer, reason=wrong, by=world.ada)
        assert list(refusal.value.fields) == ["reason"]


def test_it_leads_to_what_holds_without_naming_it(world: World) -> None:
    topic, other = world.ask(), world.ask("How it is done since version 5")
    answer, better = world.answer(topic), world.answer(topic, "Open the new menu.")
    article = Shelf(world).published(title="Choosing a wireless channel")
    for typed, path in (
        (str(other.id), f"/t/{other.id}"),
        (f"http://localhost/t/{other.id}-{other.slug}", f"/t/{other.id}"),
        (f"/p/{better.id}", f"/p/{better.id}"),
        (addresses.of_article(article), f"/kb/{article.id}"),
    ):
        aging.declare(answer, reason=WHY, successor=typed, by=world.ada)
        assert aging.of(answer).url == path
    muted = world.ask("A question that is muted")
    moderation.mute(muted, by=world.ada, reason="off topic")
    inside = Shelf(world).published(title="For the team only", audience="team")
    question = db.session.query(Post).filter_by(topic_id=topic.id, kind="question").one()
    for post, typed in (
        (answer, f"/p/{answer.id}"),
        (question, str(topic.id)),
        (answer, str(muted.id)),
        (answer, addresses.of_article(inside)),
        (answer, "987654321"),
        (answer, "https://example.com/t/1"),
        (answer, "/nowhere"),
    ):
        with pytest.raises(Invalid) as refusal:
            aging.declare(post, reason=WHY, successor=typed, by=world.ada)
        assert list(refusal.value.fields) == ["successor"]


def test_it_stands_behind_what_holds_and_does_not_lead(world: World) -> None:
    topic = world.ask()
    old, new = world.answer(topic), world.answer(topic, "Open the new menu.", by=world.ada)
    official.declare(new, by=world.ada)
    answers.accept(old, by=world.alice)
    guest = AnonymousUser()
    assert threads.read(topic, viewer=guest).leading == [old]
    aging.declare(old, reason=WHY, by=world.ada)
    aging.declare(new, reason=WHY, by=world.ada)
    third = world.answer(topic, "Or leave it as it is.", by=world.tina)
    thread = threads.read(topic, viewer=guest)
    assert (thread.leading, thread.answers[0], thread.official) == ([], third, None)
    assert thread.accepted == old, "it still is what solved it then"


def test_search_and_desk_put_it_behind_what_holds(world: World) -> None:
    title = "The wireless channel of the router {}"
    topics = [world.solved(title=title.format(word)) for word in ("at home", "at work")]
    db.session.flush()
    indexer.catch_up()

    def found() -> tuple[list[int], list[int]]:
        hits = query.find("wireless channel router", viewer=AnonymousUser(), kinds=("topic",)).hits
        offered = suggestions.suggest_for(
            "wireless channel of the router", locale="en", channel="mail", viewer=world.dora
        )
        posts = [db.session.get_one(Post, one.id).topic_id for one in offered if one.kind == "answer"]
        return [hit.found.ref.id for hit in hits], posts

    for old, new in (topics, reversed(topics)):
        answer = db.session.query(Post).filter_by(topic_id=old.id, kind="answer").one()
        aging.declare(answer, reason=WHY, by=world.ada)
        db.session.flush()
        indexer.catch_up()
        assert found() == ([new.id, old.id], [new.id, old.id])
        hits = query.find("wireless channel router", viewer=AnonymousUser(), kinds=("topic",)).hits
        assert [hit.found.meta["obsolete"] for hit in hits] == [False, True]
        aging.lift(answer, by=world.ada)
    question = db.session.query(Post).filter_by(topic_id=topics[0].id, kind="question").one()
    aging.declare(question, reason=WHY, by=world.ada)
    db.session.flush()
    indexer.catch_up()
    assert found()[0] == [topics[1].id, topics[0].id]


def test_it_travels_with_an_export_but_for_the_way(world: World, tmp_path: Path) -> None:
    said = {"reason": WHY, "since": "2026-02-01T10:00:00Z"}
    answer = {"id": "p1", "author": "u1", "body": "Restart it.", "created": "2026-01-05T11:00:00Z", "obsolete": said}
    topic = {"type": "topic", "id": "t1", "category": "router", "author": "u1", "title": "No light", "body": "Why?"}
    topic |= {"locale": "en", "created": "2026-01-05T10:00:00Z", "answers": [answer]}
    user = {"type": "user", "id": "u1", "handle": "anna", "name": "Anna", "created": "2026-01-01T10:00:00Z"}
    file = tmp_path / "in.jsonl"

    def take() -> list[tuple[int, str]]:
        file.write_text("\n".join(json.dumps(record) for record in (user, topic)), encoding="utf-8")
        return list(transfer.read_jsonl(file).skipped)

    assert take() == []
    post = db.session.query(Post).filter_by(source_id="p1").one()
    assert aging.of(post).reason == WHY
    aging.declare(post, reason=WHY, successor=str(world.ask().id), by=world.ada)
    db.session.commit()
    before = dict(post.obsolete or {})
    transfer.write_jsonl(tmp_path / "out.jsonl")
    written = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines())
    (given,) = [one for one in written if one.get("id") == "t1"]
    assert given["answers"][0]["obsolete"] == said
    assert take() == []
    assert post.obsolete == before, "a second import changes nothing"
    answer["obsolete"] = None
    assert take() == []
    db.session.expire_all()
    assert post.obsolete is None


def test_everybody_reads_it_on_the_page_and_in_the_api(stage: Stage, browser_of: BrowserOf, guest: Browser) -> None:
    def scene(world: World) -> tuple[int, int, int]:
        world.everybody()
        topic = world.ask()
        answer = world.answer(topic)
        return topic.id, answer.id, answers.comment(answer, source="Works here.", by=world.charlie).id

    topic_id, answer_id, comment_id = stage(scene)
    ada, place = browser_of("ada"), f"/posts/{answer_id}/obsolete"
    assert ada.get(place).status_code == 200
    wrong = ada.post(place, data={"reason": WHY, "successor": "nonsense"})
    assert (wrong.status_code, f"{WHY}</textarea>" in wrong.text, 'value="nonsense"' in wrong.text) == (422, True, True)
    assert ada.post(place, data={"reason": WHY, "successor": str(topic_id)}).status_code == 303
    for reader in (guest, browser_of("charlie"), ada):
        page = reader.get(f"/t/{topic_id}", follow_redirects=True).text
        assert "Obsolete: this answer no longer holds" in page
        assert WHY in page
        assert f'href="/t/{topic_id}">This holds instead' in page
    told = guest.get(f"/api/v1/topics/{topic_id}").json["answers"][0]["obsolete"]
    assert (told["reason"], told["instead"]) == (WHY, f"/t/{topic_id}")
    assert f'value="/t/{topic_id}"' in ada.get(place).text
    assert browser_of("tina").get(place).status_code == 403
    assert ada.get(f"/posts/{comment_id}/obsolete").status_code == 404
    assert ada.post(f"{place}/undo").status_code == 303
    assert "no longer holds" not in guest.get(f"/t/{topic_id}", follow_redirects=True).text
