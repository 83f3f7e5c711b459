"""Conversations come in from JSON lines and go out as they came."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from core.db import db
from core.transfer import Report, read_jsonl, write_jsonl
from desk import replies
from desk.channels.base import adapter_of
from desk.models import Channel, Contact, Conversation, Message
from kb.models import ArticleUse
from tests.cast import World
from tests.desk import stage as props

ARTICLE = {
    "type": "article",
    "id": "a1",
    "section": "wlan",
    "locale": "de",
    "title": "WLAN einrichten",
    "body": "1. Stecker ziehen.",
    "created": "2026-01-01T10:00:00Z",
    "status": "published",
    "audience": "public",
}


def said(message_id: str, direction: str, text: str, created: str, **about: Any) -> dict[str, Any]:
    return {"id": message_id, "direction": direction, "public": True, "text": text, "created": created, **about}


ASKED = said("m1", "in", "Mein WLAN ist weg – seit gestern 😭", "2026-01-05T10:00:00Z")
ANSWERED = said("m2", "out", "Bitte neu starten.", "2026-01-05T10:20:00.500000Z", uses=["a1"])


def conversation(number: int = 1, **about: Any) -> dict[str, Any]:
    return {
        "type": "conversation",
        "id": f"c{number}",
        "channel": "mastodon",
        "contact": {"handle": "@max@example.social", "name": "Max", "reach": 1200},
        "messages": [dict(ASKED), dict(ANSWERED)],
        **about,
    }


UNANSWERED = conversation(
    2,
    contact={"handle": "@mia@example.social"},
    messages=[
        said("m1", "in", "The router is gone", "2026-01-06T10:00:00Z", public=False, url="https://example.social/1"),
        said("m2", "in", "Hello?", "2026-01-06T11:00:00Z", public=False),
    ],
)


def bring(tmp_path: Path, *records: Any) -> Report:
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")
    return read_jsonl(path)


def export(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "out.jsonl"
    write_jsonl(path)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["type"] == "conversation"]


def test_history_comes_in_with_who_waits_and_what_was_used(world: World, tmp_path: Path) -> None:
    report = bring(tmp_path, conversation(), UNANSWERED, ARTICLE)
    assert report.skipped == []
    assert report.counts["conversation", "new"] == 2
    answered, waiting = db.session.scalars(select(Conversation).order_by(Conversation.id))
    assert (answered.state, answered.waiting_since, answered.locale) == ("waiting_customer", None, "de")
    assert (waiting.state, waiting.waiting_since, waiting.locale) == ("new", waiting.messages[0].created_at, "en")
    assert [message.state for message in answered.messages] == ["received", "sent"]
    use = db.session.scalars(select(ArticleUse)).one()
    assert (use.where_kind, use.where_id, use.by_id) == ("message", answered.messages[1].id, None)
    assert use.asked == answered.messages[0].text
    assert use.at == answered.messages[1].created_at
    channel = db.session.scalars(select(Channel)).one()
    assert (channel.slug, channel.kind) == ("mastodon", "archive")
    assert adapter_of(channel).capabilities.may_send is False
    assert adapter_of(channel).measure.limit == 500


def test_a_second_import_changes_nothing(world: World, tmp_path: Path) -> None:
    bring(tmp_path, ARTICLE, conversation(), UNANSWERED)
    again = bring(tmp_path, ARTICLE, conversation(), UNANSWERED)
    assert again.counts["conversation", "unchanged"] == 2
    assert again.count("new") == again.count("changed") == 0
    assert db.session.scalar(select(func.count()).select_from(Message)) == 4
    assert db.session.scalar(select(func.count()).select_from(ArticleUse)) == 1


def test_an_export_of_an_import_equals_it(world: World, tmp_path: Path) -> None:
    joined = said(
        "m3", "in", "Same here", "2026-01-05T11:00:00Z", contact={"handle": "@jo@example.social", "name": "Jo"}
    )
    records = [
        conversation(),
        UNANSWERED,
        conversation(3, state="solved"),
        conversation(4, channel="mail-de", contact={"handle": "eva@example.org"}, locale="en"),
        conversation(5, messages=[dict(ASKED), dict(ANSWERED), joined]),
        conversation(6, messages=[{**ASKED, "quoted": "> Ist es wieder an?"}]),
    ]
    assert bring(tmp_path, ARTICLE, *records).skipped == []
    assert export(tmp_path) == records


def test_a_later_import_brings_what_was_added_and_mended(world: World, tmp_path: Path) -> None:
    bring(tmp_path, ARTICLE, conversation())
    better = {**ASKED, "text": "Mein WLAN ist wieder weg"}
    more = conversation(messages=[better, ANSWERED, said("m3", "in", "Hilft nicht", "2026-01-05T11:00:00Z")])
    assert bring(tmp_path, more).counts["conversation", "changed"] == 1
    found = db.session.scalars(select(Conversation)).one()
    assert [message.text for message in found.messages] == [
        "Mein WLAN ist wieder weg",
        "Bitte neu starten.",
        "Hilft nicht",
    ]
    assert (found.state, found.waiting_since) == ("open", found.messages[2].created_at)
    assert bring(tmp_path, more).counts["conversation", "unchanged"] == 1


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"messages": []}, "messages"),
        ({"channel": "Ä"}, "channel"),
        ({"contact": {"handle": ""}}, "contact.handle"),
        ({"contact": {"handle": "x", "reach": -1}}, "contact.reach"),
        ({"state": "gone"}, "state"),
        ({"messages": [{**ASKED, "direction": "up"}]}, "direction"),
        ({"messages": [{**ASKED, "text": "a\u0000"}]}, "stored"),
        ({"messages": [{**ASKED, "created": "2026-01-05T10:00:00"}]}, "created"),
        ({"messages": [{**ANSWERED, "uses": ["a9"]}]}, "a9"),
        ({"messages": [{**ANSWERED, "author": "u9"}]}, "u9"),
        ({"messages": [ASKED, ASKED]}, "contradicts"),
    ],
)
def test_what_cannot_be_taken_is_skipped_with_its_reason_and_the_rest_goes_in(
    world: World, tmp_path: Path, about: dict[str, Any], reason: str
) -> None:
    report = bring(tmp_path, ARTICLE, conversation(1, **about), UNANSWERED)
    assert report.counts["conversation", "new"] == 1
    assert [number for number, _reason in report.skipped] == [2]
    assert reason in report.skipped[0][1]


def test_what_was_written_here_goes_out_and_comes_back_to_its_place(world: World, tmp_path: Path) -> None:
    on = props.channel(world, endpoint="https://social.example/replies")
    living = props.received(on, id="1").conversation
    replies.reply(living, text="Hi", by=world.dora).state = "sent"
    replies.reply(living, text="Never left", by=world.dora).state = "failed"
    db.session.commit()
    exported = export(tmp_path)
    assert [record["id"] for record in exported] == [f"klinke:{living.id}"]
    assert [message["text"] for message in exported[0]["messages"]] == [living.messages[0].text, "Hi"]
    assert exported[0]["messages"][1]["author"] == f"klinke:{world.dora.id}"
    report = bring(tmp_path, *[{**record, "messages": [record["messages"][0]]} for record in exported])
    assert report.counts["conversation", "unchanged"] == 1
    assert db.session.scalar(select(func.count()).select_from(Conversation)) == 1


def test_a_handle_that_two_records_name_is_one_contact(world: World, tmp_path: Path) -> None:
    other = conversation(2, contact={"handle": "@max@example.social", "name": "Maximilian"})
    bring(tmp_path, ARTICLE, conversation(), other)
    contact = db.session.scalars(select(Contact)).one()
    assert (contact.name, contact.reach) == ("Max", 1200)
    assert bring(tmp_path, conversation(), other).counts["conversation", "unchanged"] == 2


def test_a_thousand_go_in_quickly(world: World, tmp_path: Path) -> None:
    records = [conversation(number, contact={"handle": f"@c{number}@example.social"}) for number in range(1000)]
    began = time.process_time()
    assert bring(tmp_path, ARTICLE, *records).counts["conversation", "new"] == 1000
    assert time.process_time() - began < 30
