"""Import of a Stack Exchange data dump: a small invented one, and the real one where it is there."""

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from accounts import people
from accounts.models import User
from accounts.people import AnonymousUser
from core.db import db
from core.outbox import Delivery
from forum import counters, queries, stackexchange
from forum.models import Acceptance, Category, Duplicate, Notification, Post, Topic
from search.models import StaleNote
from tests.cast import World

SAMPLE = Path(__file__).parent / "samples" / "stackexchange-teahouse"
SHARED = Path(os.environ.get("KLINKE_SHARED") or Path(__file__).parents[2].parent / "shared")
REAL = SHARED / "data" / "stackexchange-quantumcomputing"
GUEST = AnonymousUser()


def user(number: int) -> User:
    found = people.by_source_id(f"stackexchange:teahouse:u:{number}")
    assert found is not None
    return found


def topic(number: int) -> Topic:
    return db.session.query(Topic).filter_by(source_id=f"stackexchange:teahouse:p:{number}").one()


@pytest.fixture
def report(world: World) -> stackexchange.DumpReport:
    """Import the small dump."""
    return stackexchange.read(SAMPLE)


def test_everything_that_can_be_taken_comes_in(report: stackexchange.DumpReport) -> None:
    assert {what: number for (what, outcome), number in report.counts.items() if outcome == "new"} == {
        "user": 5,
        "question": 2,
        "answer": 2,
        "comment": 2,
        "acceptance": 1,
        "duplicate": 1,
    }
    assert report.left_out == {"posts that are neither question nor answer": 1, "votes": 1, "links": 1}
    assert list(counters.complaints()) == []


def test_what_cannot_be_taken_is_said_with_file_row_and_reason(report: stackexchange.DumpReport) -> None:
    assert report.skipped == [
        ("Posts.xml", "8", "unknown user 77"),
        ("Posts.xml", "6", "answers the question 99, which is not there"),
        ("Posts.xml", "7", "'last spring' is no date"),
        ("Comments.xml", "3", "comments on the post 6, which is not there"),
        ("PostLinks.xml", "3", "links the question 99, which is not there"),
    ]


@pytest.mark.usefixtures("report")
def test_a_question_keeps_its_date_author_score_and_tags() -> None:
    asked = topic(1)
    question = queries.visible_posts(asked, viewer=GUEST)[0]
    assert (asked.title, asked.locale, asked.category.slug) == ("Why does my green tea taste bitter?", "en", "teahouse")
    assert asked.tag_names == ["green-tea", "water"]
    assert asked.asker == question.author == user(1)
    assert asked.created_at == question.created_at == datetime(2018, 3, 12, 17, tzinfo=UTC)
    assert asked.last_activity_at == datetime(2018, 3, 14, 10, tzinfo=UTC)
    assert (question.imported_score, question.helpful_count) == (5, 5)
    assert topic(3).tag_names == asked.tag_names[:1]


@pytest.mark.usefixtures("report")
def test_bodies_become_markdown_and_safe_html() -> None:
    asked = topic(1)
    question, answer = (post for post in queries.visible_posts(asked, viewer=GUEST) if post.kind != "comment")
    assert question.source == "I pour *boiling* water on it. See [the guide](https://tea.example/guide)."
    assert 'href="https://tea.example/guide"' in question.html
    assert "<strong>two</strong>" in answer.html
    assert "kettle --until 80" in answer.html
    assert "<pre" in answer.html
    assert "<script" not in answer.html
    assert answer.edited_at == datetime(2018, 3, 13, 8, tzinfo=UTC)


@pytest.mark.usefixtures("report")
def test_comments_stand_below_what_they_comment_on() -> None:
    comments = [post for post in queries.visible_posts(topic(1), viewer=GUEST) if post.kind == "comment"]
    below_question, below_answer = comments
    assert (below_question.parent.kind if below_question.parent else "", below_question.author) == ("question", None)
    assert (below_answer.parent.kind if below_answer.parent else "", below_answer.author) == ("answer", user(1))
    assert below_answer.html == "<p>Worked for me, <em>thank you</em>.</p>"
    assert below_answer.helpful_count == 3


@pytest.mark.usefixtures("report")
def test_the_solution_is_the_askers_from_the_day_of_the_vote() -> None:
    acceptance = topic(1).acceptance
    assert acceptance is not None
    assert (acceptance.post.source_id, acceptance.by) == ("stackexchange:teahouse:p:2", user(1))
    assert acceptance.at == datetime(2018, 3, 14, tzinfo=UTC)
    assert topic(3).state == "answered"


@pytest.mark.usefixtures("report")
def test_a_duplicate_leads_to_the_first_question() -> None:
    assert queries.duplicate_of(topic(3), viewer=GUEST) is topic(1)
    (link,) = db.session.query(Duplicate).all()
    assert link.at == datetime(2018, 3, 16, 9, tzinfo=UTC)


@pytest.mark.usefixtures("report")
def test_people_are_staged_under_handles_that_nobody_shares() -> None:
    mei, other_mei, cup = user(1), user(3), user(4)
    assert (mei.handle, mei.name) == ("Mei-Lin", "Mei Lin")
    assert (other_mei.handle, other_mei.name) == ("mei-lin-2", "mei-lin")
    assert (cup.handle, cup.name) == ("user", "☕☕")
    assert user(2).handle == "Jörg"
    for person in (mei, other_mei, cup):
        assert person.is_staged
        assert not person.is_active
        assert (person.email, person.password_hash) == (None, None)


@pytest.mark.usefixtures("report")
def test_nobody_is_told_but_search() -> None:
    assert db.session.query(Delivery).count() == 0
    assert db.session.query(Notification).count() == 0
    noted = {note.ref_id for note in db.session.query(StaleNote).filter_by(kind="topic")}
    assert noted == {topic(1).id, topic(3).id}


@pytest.mark.usefixtures("report")
def test_a_second_import_changes_nothing() -> None:
    def state() -> list[list[tuple[object, ...]]]:
        tables = (User, Topic, Post, Acceptance, Duplicate, Category)
        return [[tuple(row) for row in db.session.execute(select(table.__table__))] for table in tables]

    before = state()
    again = stackexchange.read(SAMPLE)
    assert state() == before
    assert {outcome for _what, outcome in again.counts} == {"unchanged"}
    assert len(again.skipped) == 5


def test_category_and_language_can_be_chosen(world: World) -> None:
    stackexchange.read(SAMPLE, category="router", locale="de")
    assert (topic(1).category.slug, topic(1).locale) == ("router", "de")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the small dump that a test may break."""
    folder = tmp_path / "stackexchange-teahouse"
    shutil.copytree(SAMPLE, folder)
    return folder


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE posts [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE posts [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE posts SYSTEM "https://dtd.example/posts.dtd">',
    ],
)
def test_entities_are_refused(world: World, copy: Path, head: str) -> None:
    text = (copy / "Posts.xml").read_text(encoding="utf-8-sig")
    (copy / "Posts.xml").write_text(text.replace("<posts>", head + "<posts>"), encoding="utf-8")
    with pytest.raises(stackexchange.Unreadable, match="document type declaration"):
        stackexchange.read(copy)
    assert db.session.query(Topic).count() == 0


def test_broken_xml_is_said_with_its_place(world: World, copy: Path) -> None:
    (copy / "Posts.xml").write_text('<posts><row Id="1"</posts>', encoding="utf-8")
    with pytest.raises(stackexchange.Unreadable, match=r"Posts\.xml is not well-formed XML: .*line 1"):
        stackexchange.read(copy)


def test_without_the_files_it_needs_nothing_happens(world: World, copy: Path) -> None:
    (copy / "Users.xml").unlink()
    with pytest.raises(stackexchange.Unreadable, match=r"Users\.xml is missing"):
        stackexchange.read(copy)


def test_the_other_files_may_be_missing(world: World, copy: Path) -> None:
    for name in stackexchange.OPTIONAL:
        (copy / name).unlink()
    assert stackexchange.read(copy).counts["question", "new"] == 2
    acceptance = topic(1).acceptance
    assert acceptance is not None
    assert acceptance.at == acceptance.post.created_at


def test_a_row_that_comes_twice_is_taken_once(world: World, copy: Path) -> None:
    text = (copy / "Comments.xml").read_text(encoding="utf-8-sig")
    (copy / "Comments.xml").write_text(
        text.replace(
            '<row Id="2"', '<row Id="1" PostId="2" Text="Once more" CreationDate="2018-03-14" UserId="1"/><row Id="2"'
        )
    )
    report = stackexchange.read(copy)
    assert ("Comments.xml", "1", "contradicts a row that is already there") in report.skipped
    assert report.counts["comment", "new"] == 2


def test_the_command_says_what_it_did_and_ends_with_1_when_rows_were_skipped(app: Flask) -> None:
    outcome = app.test_cli_runner().invoke(args=["import", "stackexchange", str(SAMPLE)])
    assert "question: 2 new" in outcome.output
    assert "Posts.xml row 6 skipped: answers the question 99, which is not there" in outcome.output
    assert outcome.output.strip().endswith("5 skipped")
    assert outcome.exit_code == 1


def test_the_command_names_what_it_cannot_read(app: Flask, tmp_path: Path) -> None:
    outcome = app.test_cli_runner().invoke(args=["import", "stackexchange", str(tmp_path)])
    assert outcome.exit_code == 1
    assert "Users.xml is missing." in outcome.output


@pytest.mark.skipif(not REAL.is_dir(), reason="the real dump is not on this machine; the small one above stands for it")
@pytest.mark.timeout(300)
def test_a_real_community_comes_in_once(world: World) -> None:
    begun = time.process_time()
    report = stackexchange.read(REAL)
    seconds = time.process_time() - begun
    assert {what: number for (what, outcome), number in report.counts.items() if outcome == "new"} == {
        "user": 3461,
        "question": 612,
        "answer": 1060,
        "comment": 3413,
        "acceptance": 389,
        "duplicate": 11,
    }
    # Three links belong to questions that were deleted there.
    assert {(file, reason) for file, _row, reason in report.skipped} == {
        ("PostLinks.xml", "links the question 1463, which is not there"),
        ("PostLinks.xml", "links the question 3805, which is not there"),
    }
    assert list(counters.complaints()) == []
    answered = {row["ParentId"] for row in stackexchange.rows(REAL / "Posts.xml") if row["PostTypeId"] == "2"}
    unanswered = 612 - len(answered)
    assert queries.counts(GUEST) == {"all": 612, "unanswered": unanswered, "unsolved": 223, "solved": 389}
    assert db.session.scalar(select(func.count(Post.id)).where(Post.html.contains("<script"))) == 0
    again = stackexchange.read(REAL)
    assert {outcome for _what, outcome in again.counts} == {"unchanged"}
    assert seconds < 60, "of this process; a machine that is busy otherwise may take longer"
