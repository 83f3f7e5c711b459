"""Topics in and out as JSON lines."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.people import AnonymousUser
from core import transfer
from core.clock import now
from core.db import db
from core.outbox import Delivery
from forum import answers, closing, counters, merging, moderation, queries
from forum.models import Acceptance, Category, Duplicate, Notification, Post, ReviewCase, Topic
from search.models import StaleNote
from tests.cast import World

PEOPLE: list[dict[str, Any]] = [
    {
        "type": "user",
        "id": f"u{number}",
        "handle": handle,
        "name": handle.title(),
        "roles": ["member"],
        "created": "2026-01-01T10:00:00Z",
    }
    for number, handle in enumerate(("anna", "berta", "carla"), 1)
]
TOPIC: dict[str, Any] = {
    "type": "topic",
    "id": "t1",
    "category": "router",
    "author": "u1",
    "title": "Kein WLAN nach Update",
    "body": "Seit heute früh. **Was nun?**\n",
    "locale": "de",
    "tags": ["wlan", "router"],
    "created": "2026-01-05T10:00:00Z",
    "answers": [
        {
            "id": "p1",
            "author": "u2",
            "body": "Einmal neu starten.",
            "created": "2026-01-05T11:00:00Z",
            "score": -1,
            "accepted": False,
            "comments": [
                {"id": "c1", "author": "u1", "body": "Leider nein", "created": "2026-01-05T11:30:00Z"},
                {"id": "c2", "author": "u2", "body": "Schade", "created": "2026-01-05T11:40:00Z"},
            ],
        },
        {
            "id": "p2",
            "author": "u3",
            "body": "Kanal 6 wählen.",
            "created": "2026-01-05T12:00:00.250000Z",
            "score": 3,
            "accepted": True,
            "comments": [],
        },
    ],
}
PLAIN: dict[str, Any] = {
    "type": "topic",
    "id": "t2",
    "category": "app-und-konto",
    "author": "u2",
    "title": "Is there an app?",
    "body": "For the *thermostat*.",
    "locale": "en",
    "tags": [],
    "created": "2026-01-06T10:00:00Z",
    "answers": [],
}
FULL: dict[str, Any] = TOPIC | {
    "id": "t3",
    "edited": "2026-01-05T10:05:00Z",
    "score": 4,
    "answers": [
        TOPIC["answers"][1]
        | {"id": "p31", "accepted_by": "u2", "accepted_at": "2026-01-07T08:00:00Z", "edited": "2026-01-06T00:00:00Z"},
        {
            "id": "p32",
            "body": "Von jemandem, der gegangen ist.",
            "created": "2026-01-08T00:00:00Z",
            "score": 0,
            "accepted": False,
            "comments": [],
        },
    ],
    "comments": [{"id": "c31", "author": "u3", "body": "Hier auch", "created": "2026-01-05T10:01:00Z", "score": 2}],
}


@pytest.fixture
def take(world: World, tmp_path: Path) -> Callable[..., transfer.Report]:
    """Import these records."""

    def read(*records: Any) -> transfer.Report:
        path = tmp_path / "in.jsonl"
        lines = (record if isinstance(record, str) else json.dumps(record) for record in records)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return transfer.read_jsonl(path)

    return read


@pytest.fixture
def give(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """Export everything."""

    def write() -> list[dict[str, Any]]:
        path = tmp_path / "out.jsonl"
        transfer.write_jsonl(path)
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    return write


Take = Callable[..., transfer.Report]
Give = Callable[[], list[dict[str, Any]]]


def topic_of(source_id: str) -> Topic:
    return db.session.query(Topic).filter_by(source_id=source_id).one()


def test_a_topic_comes_in_with_dates_authors_scores_and_solution(take: Take) -> None:
    report = take(*PEOPLE, TOPIC)
    assert (report.counts["topic", "new"], report.skipped) == (1, [])
    topic = topic_of("t1")
    posts = queries.visible_posts(topic, viewer=AnonymousUser())
    assert [(post.kind, post.source_id) for post in posts] == [
        ("question", None),
        ("answer", "p1"),
        ("comment", "c1"),
        ("comment", "c2"),
        ("answer", "p2"),
    ]
    assert posts[0].html == "<p>Seit heute früh. <strong>Was nun?</strong></p>"
    assert (topic.asker.handle if topic.asker else "", topic.category.name) == ("anna", "Router")
    assert topic.created_at == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert topic.last_activity_at == posts[4].created_at
    assert (topic.answer_count, topic.state, topic.tag_names) == (2, "solved", ["wlan", "router"])
    assert (posts[1].helpful_count, posts[4].helpful_count) == (-1, 3)
    assert topic.acceptance is not None
    assert (topic.acceptance.post, topic.acceptance.by, topic.acceptance.at) == (
        posts[4],
        topic.asker,
        posts[4].created_at,
    )
    assert list(counters.complaints()) == []


def test_an_import_tells_nobody_but_search(take: Take) -> None:
    take(*PEOPLE, TOPIC)
    assert db.session.query(Delivery).count() == 0
    assert db.session.query(Notification).count() == 0
    assert ("topic", topic_of("t1").id) in {(note.kind, note.ref_id) for note in db.session.query(StaleNote)}


def test_export_of_an_import_equals_it(take: Take, give: Give) -> None:
    category = {
        "type": "category",
        "id": "router",
        "names": {"de": "WLAN", "en": "Wi-Fi"},
        "descriptions": {"de": "Funk"},
        "position": 2,
    }
    duplicate = {"type": "duplicate", "topic": "t3", "of": "t1", "created": "2026-01-09T00:00:00Z"}
    answers_of_another = [answer | {"id": f"x{answer['id']}", "comments": []} for answer in TOPIC["answers"]]
    records = [category, *PEOPLE, TOPIC, PLAIN, FULL, TOPIC | {"id": "t4", "answers": answers_of_another}, duplicate]
    assert take(*records).skipped == []
    assert give() == records


def test_a_second_import_changes_nothing(take: Take, give: Give) -> None:
    take(*PEOPLE, TOPIC, FULL)
    before = give()
    report = take(*PEOPLE, TOPIC, FULL)
    assert (report.count("new"), report.count("changed"), report.counts["topic", "unchanged"]) == (0, 0, 2)
    assert give() == before


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Kein WLAN seit dem Update"},
        {"body": "Seit gestern."},
        {"tags": ["wlan"]},
        {"category": "funk"},
        {"locale": "en"},
        {"author": "u3"},
        {"answers": [TOPIC["answers"][0] | {"body": "Zweimal neu starten."}, TOPIC["answers"][1]]},
        {"answers": [*TOPIC["answers"], PLAIN | {"id": "p3", "accepted": False}]},
        {"answers": [TOPIC["answers"][0] | {"accepted": True}, TOPIC["answers"][1] | {"accepted": False}]},
        {"answers": [TOPIC["answers"][0], TOPIC["answers"][1] | {"score": 9}]},
    ],
)
def test_what_changed_there_changes_here(take: Take, give: Give, change: dict[str, Any]) -> None:
    take(*PEOPLE, TOPIC)
    report = take(*PEOPLE, TOPIC | change)
    assert (report.counts["topic", "changed"], report.count("new"), report.skipped) == (1, 0, [])
    after = give()
    assert take(TOPIC | change).counts["topic", "unchanged"] == 1
    assert give() == after
    assert list(counters.complaints()) == []


def test_votes_given_here_stay_on_top_of_the_score(take: Take, world: World) -> None:
    from forum import votes

    take(*PEOPLE, TOPIC)
    answer = db.session.query(Post).filter_by(source_id="p2").one()
    votes.vote(answer, by=world.alice)
    take(TOPIC | {"answers": [TOPIC["answers"][0], TOPIC["answers"][1] | {"score": 10}]})
    db.session.expire_all()
    assert db.session.query(Post).filter_by(source_id="p2").one().helpful_count == 11


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (TOPIC | {"author": "u9"}, "unknown author 'u9'"),
        (TOPIC | {"locale": "fr"}, "locale: "),
        (TOPIC | {"created": "yesterday"}, "created: "),
        (TOPIC | {"created": "2026-01-05T10:00:00"}, "created: "),
        (TOPIC | {"title": ""}, "title: "),
        (TOPIC | {"body": " \n "}, "body: is empty"),
        (TOPIC | {"body": "half a \ud83d pair"}, "body: "),
        (TOPIC | {"body": "nothing \0 at all"}, "body: has a character that cannot be stored"),
        (TOPIC | {"body": "x" * 32_001}, "body: "),
        (TOPIC | {"tags": ["<b>"]}, "tags.0: "),
        (TOPIC | {"answers": [TOPIC["answers"][0] | {"score": "many"}]}, "answers.0.score: "),
        (TOPIC | {"answers": [TOPIC["answers"][0], TOPIC["answers"][0]]}, "an answer or comment has the id"),
        (
            TOPIC | {"answers": [answer | {"accepted": True} for answer in TOPIC["answers"]]},
            "more than one answer is accepted",
        ),
        ({name: value for name, value in TOPIC.items() if name != "category"}, "category: "),
        ({"type": "duplicate", "topic": "t2", "of": "t9", "created": "2026-01-09T00:00:00Z"}, "unknown topic 't9'"),
    ],
)
def test_what_cannot_be_taken_is_skipped_with_its_line_and_reason(
    take: Take, record: dict[str, Any], reason: str
) -> None:
    report = take(*PEOPLE, record, PLAIN)
    ((line, said),) = report.skipped
    assert line == 4
    assert said.startswith(reason)
    assert [topic.source_id for topic in db.session.query(Topic)] == ["t2"]
    assert db.session.query(Post).count() == 1


def test_an_answer_of_another_topic_is_not_moved(take: Take) -> None:
    report = take(*PEOPLE, TOPIC, PLAIN | {"answers": [TOPIC["answers"][0]]})
    assert report.skipped == [(5, "contradicts a record that is already there")]
    assert topic_of("t1").answer_count == 2


def test_numbers_of_topics_and_posts_may_overlap(take: Take) -> None:
    numbered = TOPIC | {"id": "1", "answers": [TOPIC["answers"][0] | {"id": "1"}]}
    assert take(*PEOPLE, numbered).skipped == []


def test_the_muted_goes_out_and_comes_in_muted(take: Take, give: Give, world: World) -> None:
    take(*PEOPLE, TOPIC, PLAIN)
    until = now().replace(microsecond=0) + timedelta(days=1)
    moderation.mute(topic_of("t2"), by=world.ada, reason="Names a customer", until=until)
    moderation.mute(db.session.query(Post).filter_by(source_id="p1").one(), by=world.ada, reason="Spam")
    db.session.commit()
    records = give()
    assert [record["muted"]["reason"] for record in records if "muted" in record] == ["Names a customer"]
    for table in (Post, Topic):  # another installation
        for row in db.session.query(table):
            row.source_id = f"elsewhere {row.id}" if row.source_id else None
    db.session.flush()
    take(*[record for record in records if record["type"] == "topic"])
    topic = topic_of("t1")
    assert topic.answer_count == 1
    assert "p1" not in {post.source_id for post in queries.visible_posts(topic, viewer=AnonymousUser())}
    hidden = topic_of("t2").muting
    assert hidden is not None
    assert (hidden.reason, hidden.until) == ("Names a customer", until)


def test_what_waits_for_the_team_goes_out_and_waits_where_it_comes_in(take: Take, give: Give, world: World) -> None:
    take(*PEOPLE, TOPIC, PLAIN)
    moderation.hide(db.session.query(Post).filter_by(source_id="p1").one(), cause="flags")
    moderation.hide(db.session.query(Post).filter_by(topic_id=topic_of("t2").id, kind="question").one(), cause="words")
    db.session.commit()
    records = give()
    for table in (Post, Topic):  # another installation
        for row in db.session.query(table):
            row.source_id = f"elsewhere {row.id}" if row.source_id else None
    db.session.query(ReviewCase).delete()
    db.session.flush()
    take(*[record for record in records if record["type"] == "topic"])
    hidden = topic_of("t2").muting
    assert hidden is not None
    assert hidden.cause == "words"
    assert sorted(case.kind for case in db.session.query(ReviewCase)) == ["flagged", "held"]


def test_what_was_written_here_goes_out_as_well(world: World, give: Give, take: Take) -> None:
    topic = world.solved()
    assert topic.acceptance is not None
    answers.comment(topic.acceptance.post, source="Thank you", by=world.alice)
    db.session.commit()
    (record,) = [record for record in give() if record["type"] == "topic"]
    assert (record["id"], record["author"]) == (f"klinke:{topic.id}", f"klinke:{world.alice.id}")
    (answer,) = record["answers"]
    assert (answer["accepted"], len(answer["comments"])) == (True, 1)


def test_a_category_is_made_when_the_first_topic_comes(take: Take) -> None:
    take(*PEOPLE, PLAIN, PLAIN | {"id": "t5", "category": "Heizung & Co"})
    names = {category.slug: category.names for category in db.session.query(Category)}
    assert names == {
        "app-und-konto": {"de": "App und konto", "en": "App und konto"},
        "heizung-co": {"de": "Heizung & Co", "en": "Heizung & Co"},
    }


def test_a_link_to_a_duplicate_is_taken_once(take: Take) -> None:
    duplicate = {"type": "duplicate", "topic": "t2", "of": "t1", "created": "2026-01-09T00:00:00Z"}
    assert take(*PEOPLE, TOPIC, PLAIN, duplicate).counts["duplicate", "new"] == 1
    assert take(duplicate).counts["duplicate", "unchanged"] == 1
    assert db.session.query(Duplicate).count() == 1
    assert db.session.query(Acceptance).count() == 1


def test_what_is_closed_goes_out_and_comes_back(take: Take, give: Give, world: World) -> None:
    take(*PEOPLE, TOPIC, PLAIN)
    closing.close_as_duplicate(topic_of("t2"), target=topic_of("t1"), by=world.ada, reason="Asked before")
    closing.close(topic_of("t1"), by=world.ada, reason="The offer has ended.")
    db.session.commit()
    records = [record for record in give() if record["type"] in {"duplicate", "closing"}]
    assert [(record["topic"], record.get("duplicate"), record.get("reason")) for record in records] == [
        ("t2", None, None),
        ("t2", True, "Asked before"),
        ("t1", False, "The offer has ended."),
    ]
    assert {record.pop("by") for record in records if "by" in record} == {f"klinke:{world.ada.id}"}
    assert take(*records[1:]).counts["closing", "unchanged"] == 2
    for source_id in ("t1", "t2"):
        closing.reopen(topic_of(source_id), by=world.ada)
    db.session.commit()
    assert take(*records[1:]).skipped, "a duplicate that leads nowhere is no duplicate"
    assert take(*records).skipped == []
    assert (topic_of("t1").closed_as, topic_of("t2").closed_as) == ("closed", "duplicate")


def test_what_was_merged_here_does_not_come_back(take: Take, world: World) -> None:
    take(*PEOPLE, TOPIC, PLAIN)
    merging.merge(topic_of("t2"), into=topic_of("t1"), by=world.ada, knowing=True)
    db.session.commit()
    assert take(PLAIN).counts["topic", "unchanged"] == 1
    duplicate = {"type": "duplicate", "topic": "t2", "of": "t1", "created": "2026-01-09T00:00:00Z"}
    assert take(duplicate).counts["duplicate", "unchanged"] == 1
    assert db.session.query(Topic).count() == 1
