"""Muting by hand: a reason is asked for, the author reads it, everybody else finds nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from accounts import people
from core.clock import now
from core.db import db
from forum import answers, arranging, categories, merging, moderation, tags, words
from forum.models import Muting, Post, SolvedBySuggestion, Tag, Topic, WatchedWord
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]

REASON = "There is a telephone number in it."


class Scene(NamedTuple):
    topic_id: int
    path: str
    question_id: int
    answer_id: int
    comment_id: int


@pytest.fixture
def scene(stage: Stage) -> Scene:
    def play(world: World) -> Scene:
        world.everybody()
        topic = world.ask(title="Please call me about my router", tags=("telephone",))
        answer = world.answer(topic, "An answer that Bob gave.")
        comment = answers.comment(answer, source="A comment of Charlie.", by=world.charlie)
        question = db.session.query(Post).filter_by(topic_id=topic.id, kind="question").one()
        return Scene(topic.id, f"/t/{topic.id}-{topic.slug}", question.id, answer.id, comment.id)

    return stage(play)


def test_a_muted_topic_stays_for_its_author_and_the_team_and_is_missing_for_others(
    scene: Scene, browser_of: BrowserOf, guest: Browser
) -> None:
    ada = browser_of("ada")
    assert ada.post(f"/topics/{scene.topic_id}/mute", data={"reason": REASON}).location == scene.path
    addresses = (
        scene.path,
        f"/t/{scene.topic_id}",
        f"/p/{scene.answer_id}",
        f"/p/{scene.question_id}",
        f"/posts/{scene.question_id}/history",
        "/tags/telephone",
        "/feeds/tag/telephone.xml",
    )
    for browser in (guest, browser_of("tina")):
        for address in addresses[:1] if browser is not guest else addresses:
            answer = browser.get(address)
            assert answer.status_code == 404, address
            assert "call me" not in answer.text
    for browser in (ada, browser_of("alice")):
        assert browser.get(scene.path).status_code == 200
    for browser in (guest, browser_of("bob")):
        for address in (
            "/",
            "/c/router",
            "/u/alice",
            "/feeds/latest.xml",
            "/feeds/c/router.xml",
            "/sitemaps/topics-1.xml",
        ):
            assert "call-me" not in browser.get(address).text, address
            assert "call me" not in browser.get(address).text, address


def test_the_author_reads_why_since_when_until_when_and_who_decides(scene: Scene, browser_of: BrowserOf) -> None:
    until = (now() + timedelta(days=3)).date()
    browser_of("ada").post(f"/topics/{scene.topic_id}/mute", data={"reason": REASON, "until": until.isoformat()})
    page = browser_of("alice").get(scene.path).text
    banner = page[page.index("banner--muted") : page.index("topic__head")]
    assert "Muted: only you and the team see this" in banner
    assert REASON in banner
    assert "Muted <time" in banner, "since when"
    assert f"until {until.day} " in banner
    assert "A person of the team decided this." in banner
    assert "mailto:" not in banner, "nobody is sent away to write a mail"
    assert "Ada" not in banner, "who decided is for the team to know"
    assert "(Ada)" in browser_of("dora").get(scene.path).text


def test_a_muted_answer_is_gone_with_its_comments(scene: Scene, browser_of: BrowserOf, guest: Browser) -> None:
    browser_of("ada").post(f"/posts/{scene.answer_id}/mute", data={"reason": REASON})
    for browser in (guest, browser_of("alice")):
        page = browser.get(scene.path).text
        assert "An answer that Bob gave." not in page
        assert "A comment of Charlie." not in page
        assert browser.get(f"/p/{scene.answer_id}").status_code == 404
        assert browser.get(f"/posts/{scene.answer_id}/history").status_code == 404
    assert "Unanswered" in guest.get(scene.path).text
    page = browser_of("bob").get(scene.path).text
    assert "An answer that Bob gave." in page
    assert REASON in page


def test_a_muted_comment_is_gone_alone(scene: Scene, browser_of: BrowserOf, guest: Browser) -> None:
    browser_of("ada").post(f"/posts/{scene.comment_id}/mute", data={"reason": REASON})
    page = guest.get(scene.path).text
    assert "An answer that Bob gave." in page
    assert "A comment of Charlie." not in page
    assert REASON in browser_of("charlie").get(scene.path).text


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"reason": ""}, "This is still empty."),
        ({"reason": "x"}, "A little short"),
        ({"reason": "x" * 501}, "Too long by 1 characters"),
        ({"reason": REASON, "until": "2001-01-01"}, "This moment has passed"),
        ({"reason": REASON, "until": "9999-01-01"}, "Please choose an earlier date."),
        ({"reason": REASON, "until": "tomorrow"}, "valid date"),
    ],
)
def test_a_muting_that_cannot_be_taken_says_why_and_keeps_the_reason(
    stage: Stage, scene: Scene, browser_of: BrowserOf, data: dict[str, str], sentence: str
) -> None:
    ada = browser_of("ada")
    for address in (
        f"/topics/{scene.topic_id}/mute",
        f"/posts/{scene.question_id}/mute",
        f"/posts/{scene.answer_id}/mute",
    ):
        refused = ada.post(address, data=data)
        assert refused.status_code == 422
        assert sentence in refused.text
        assert data["reason"] in refused.text
        assert 'id="reason-error"' in refused.text or 'id="until-error"' in refused.text
    assert stage(lambda _: db.session.query(Muting).count()) == 0


@pytest.mark.parametrize("handle", ["alice", "charlie", "tina", "emil", "dora"])
def test_only_moderators_mute(stage: Stage, scene: Scene, browser_of: BrowserOf, handle: str) -> None:
    browser = browser_of(handle)
    assert browser.post(f"/topics/{scene.topic_id}/mute", data={"reason": REASON}).status_code == 403
    assert browser.post(f"/posts/{scene.answer_id}/mute", data={"reason": REASON}).status_code == 403
    assert stage(lambda _: db.session.query(Muting).count()) == 0


def test_unmuting_shows_it_to_everybody_again(scene: Scene, browser_of: BrowserOf, guest: Browser) -> None:
    ada = browser_of("ada")
    for what in (f"/topics/{scene.topic_id}", f"/posts/{scene.answer_id}"):
        ada.post(f"{what}/mute", data={"reason": REASON})
        assert ">Unmute<" in ada.get(scene.path).text
        assert ada.post(f"{what}/unmute").status_code == 303
        assert "An answer that Bob gave." in guest.get(scene.path).text


def test_unmuting_leads_back_to_where_it_was_pressed_and_nowhere_else(scene: Scene, browser_of: BrowserOf) -> None:
    ada = browser_of("ada")
    ada.post(f"/topics/{scene.topic_id}/mute", data={"reason": REASON})
    answer = ada.post(f"/topics/{scene.topic_id}/unmute", data={"next": "/moderation"})
    assert answer.location == "/moderation"
    answer = ada.post(f"/topics/{scene.topic_id}/unmute", data={"next": "//evil.example"})
    assert answer.location == scene.path


def test_the_moderation_page_lists_what_is_muted_and_what_was_done(
    stage: Stage, scene: Scene, browser_of: BrowserOf
) -> None:
    ada = browser_of("ada")
    assert "Nothing is muted." in ada.get("/moderation").text
    ada.post(f"/topics/{scene.topic_id}/mute", data={"reason": REASON})
    ada.post(f"/posts/{scene.answer_id}/mute", data={"reason": "An answer of its own kind."})
    page = ada.get("/moderation").text
    assert "Please call me about my router" in page
    assert REASON in page
    assert "An answer of its own kind." in page
    assert "without an end" in page
    assert "muted a question" in page
    assert page.count(">Unmute") == 2
    page = browser_of("dora").get("/moderation").text
    assert REASON in page, "the whole team sees it"
    assert ">Unmute" not in page, "but only moderators lift it"
    ada.post(f"/topics/{scene.topic_id}/unmute")
    page = ada.get("/moderation").text
    assert "unmuted a question" in page
    stage(lambda world: moderation.unmute(db.session.get_one(Post, scene.answer_id), by=world.ada))
    assert "Nothing is muted." in ada.get("/moderation").text


def test_the_moderation_page_counts_the_questions_that_need_not_be_asked(
    stage: Stage, scene: Scene, browser_of: BrowserOf
) -> None:
    def past(_world: World) -> None:
        for days in (1, 40):
            db.session.add(SolvedBySuggestion(kind="topic", ref_id=1, title="t", at=now() - timedelta(days=days)))

    stage(past)
    assert "In the last 30 days 1 person found the solution" in browser_of("ada").get("/moderation").text


def test_the_moderation_page_is_for_the_team(scene: Scene, browser_of: BrowserOf, guest: Browser) -> None:
    assert browser_of("tina").get("/moderation").status_code == 403
    assert guest.get("/moderation").status_code == 303


def test_a_muting_whose_time_is_up_hides_nothing_and_says_nothing(stage: Stage, scene: Scene, guest: Browser) -> None:
    def play(world: World) -> None:
        topic = db.session.get_one(Topic, scene.topic_id)
        moderation.mute(topic, by=world.ada, reason=REASON, until=now() + timedelta(days=1))
        db.session.query(Muting).one().until = now() - timedelta(minutes=1)

    stage(play)
    page = guest.get(scene.path)
    assert page.status_code == 200
    assert REASON not in page.text


def test_the_log_says_names_and_is_searched_by_them(stage: Stage, browser_of: BrowserOf) -> None:
    def scene(world: World) -> None:
        world.everybody()
        topic = world.ask("The printer eats paper")
        answer = world.answer(topic)
        moderation.mute(answer, by=world.ada, reason="off topic")
        words.watch("pear", deed="block", by=world.root)
        words.watch("quince", deed="block", by=world.root)
        row = db.session.query(WatchedWord).filter_by(words="quince").one()
        words.forget(row.id, by=world.root)
        categories.set_rules(world.router, accepts_several=True, closes_after_hours=None, by=world.root)
        merged = world.ask("The printer is hungry", by=world.charlie)
        arranging.rename(merged, title="The printer is very hungry", by=world.ada)
        merging.merge(merged, into=topic, by=world.ada, knowing=True)
        tag = db.session.query(Tag).filter_by(name="wifi").one()
        tags.reserve(tag, is_reserved=True, by=world.root)
        people.disable(world.charlie, by=world.root, reason="asked for it")

    stage(scene)
    ada, root = browser_of("ada"), browser_of("root")
    page = ada.get("/moderation").text
    for name in (
        "Answer by @bob in “The printer eats paper”",
        "Watched word “pear”",
        "(quince)",
        "Tag “wifi”",
        "Category “Routers”",
        "merged into “The printer eats paper”",
    ):
        assert name in page, name
    for number in ("watched_word 1<", "tag 1<", "category 1<"):
        assert number not in page
    found = ada.get("/moderation?log=pear").text
    assert "Watched word “pear”" in found
    assert "Tag “wifi”" not in found
    assert "Answer by @bob" in ada.get("/moderation?log=off topic").text
    assert "Tag “wifi”" not in ada.get("/moderation?log=no such thing").text
    log = root.get("/admin/log").text
    assert "@charlie</bdi>" in log
    assert "Category “Routers”" in root.get("/admin/log?q=Routers").text
    assert "Category “Routers”" in root.get("/admin/log?q=category 1").text
    assert "Category “Routers”" not in root.get("/admin/log?q=@charlie").text
    assert "@charlie</bdi>" in root.get("/admin/log?q=@charlie").text
    for strange in ("%", "_", "'", "\\", "topic 99999999999999999999"):
        assert root.get("/admin/log", query_string={"q": strange}).status_code == 200
