"""Pages that are read: lists, a topic, its permalinks and its history, a person."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from core import ready
from core.clock import now
from core.db import db
from forum import answers, follows, moderation, posts, topics, votes
from forum.models import Category, Duplicate, Post, Topic
from forum.threads import ANSWERS_A_PAGE
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]


@pytest.fixture
def solved(stage: Stage) -> int:
    """A question of Alice that Bob's answer solved; its id."""
    return stage(lambda world: world.solved(title="The router forgets its name at night").id)


@pytest.fixture
def statements(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """The statements sent to the database so far; each page is made anew."""
    sent: list[str] = []
    monkeypatch.setattr(ready, "SECONDS", -1.0)

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield lambda: sent
    event.remove(engine, "before_cursor_execute", note)


def path_of(stage: Stage, topic_id: int) -> str:
    return stage(lambda _: f"/t/{topic_id}-{db.session.get_one(Topic, topic_id).slug}")


def test_the_home_page_shows_the_questions_and_where_to_ask(stage: Stage, guest: Browser, solved: int) -> None:
    stage(lambda world: world.ask(title="Where is the serial number?").id)
    page = guest.get("/").text
    assert "The router forgets its name at night" in page
    assert "Where is the serial number?" in page
    assert 'href="/ask"' in page
    assert 'href="/c/router"' in page


def test_lists_are_narrowed_by_state_and_say_how_many_there_are(stage: Stage, guest: Browser, solved: int) -> None:
    stage(lambda world: world.answer(world.ask(title="Answered, and nobody said it helped")).id)
    stage(lambda world: world.ask(title="Nobody has said anything yet").id)
    expected = {
        "unanswered": {"Nobody has said anything yet"},
        "unsolved": {"Nobody has said anything yet", "Answered, and nobody said it helped"},
        "solved": {"The router forgets its name at night"},
    }
    titles = set.union(*expected.values())
    for state, shown in expected.items():
        page = guest.get(f"/?state={state}").text
        assert {title for title in titles if title in page} == shown, state
        assert f'<span class="tabs__count num">{len(shown)}</span>' in page


def test_a_list_can_show_one_language_only(stage: Stage, guest: Browser) -> None:
    stage(
        lambda world: (
            (world.ask(title="Wo steht die Seriennummer?", locale="de"), world.ask(title="An English one"))[0].id
        )
    )
    page = guest.get("/c/router?locale=de").text
    assert "Wo steht die Seriennummer?" in page
    assert "An English one" not in page
    assert 'lang="de"' in page


def test_a_list_goes_on_with_older_questions(stage: Stage, guest: Browser) -> None:
    stage(lambda world: [world.ask(title=f"Question number {number:03}").id for number in range(25)])
    first = guest.get("/c/router").text
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = guest.get(older).text
    shown = [{f"{n:03}" for n in range(25) if f"Question number {n:03}" in page} for page in (first, second)]
    assert len(shown[0]) == 20
    assert len(shown[1]) == 5
    assert not shown[0] & shown[1]
    newer = second.split('rel="prev" href="')[1].split('"')[0].replace("&amp;", "&")
    assert "Question number 024" in guest.get(newer).text


@pytest.mark.parametrize("query", ["?page=nonsense", "?page=WyJhIl0", "?state=odd&locale=xx&page=", "?answers=many"])
def test_nonsense_in_an_address_is_the_plain_list(guest: Browser, solved: int, query: str) -> None:
    page = guest.get(f"/{query}")
    assert page.status_code == 200
    assert "The router forgets its name at night" in page.text


def test_an_empty_category_leads_on_and_an_unknown_one_is_missing(stage: Stage, guest: Browser) -> None:
    stage(lambda world: world.router.id)
    assert 'href="/ask"' in guest.get("/c/router").text
    assert guest.get("/c/nowhere").status_code == 404


def test_a_tag_lists_its_questions_and_a_tag_nobody_sees_is_missing(stage: Stage, guest: Browser) -> None:
    stage(lambda world: world.ask(title="Tagged and public", tags=("wifi",)).id)
    hidden = stage(lambda world: world.ask(title="Tagged and hidden", tags=("secret",)).id)
    stage(lambda world: moderation.mute(db.session.get_one(Topic, hidden), by=world.ada, reason="personal data").id)
    assert "Tagged and public" in guest.get("/tags/wifi").text
    assert guest.get("/tags/secret").status_code == 404
    assert guest.get("/tags/never").status_code == 404


def test_a_topic_says_in_words_that_it_is_solved_and_by_whom(stage: Stage, guest: Browser, solved: int) -> None:
    page = guest.get(path_of(stage, solved)).text
    assert "Solved" in page
    assert "answer by @bob" in page
    assert "confirmed by the asker" in page
    assert "post--accepted" in page


def test_the_reason_says_when_the_team_decided(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> int:
        topic = world.ask()
        answers.accept(world.answer(topic), by=world.ada)
        return topic.id

    page = guest.get(path_of(stage, stage(scene))).text
    assert "chosen by the team" in page
    assert "confirmed by the asker" not in page


def test_the_accepted_answer_comes_first_then_what_helped_most_then_the_oldest(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> int:
        topic = world.ask()
        for words in (
            "the oldest of all answers",
            "the helpful one of them",
            "the accepted one of them",
            "the youngest of them",
        ):
            world.answer(topic, words)
        by_words = {post.source: post for post in db.session.query(Post).filter_by(kind="answer")}
        votes.vote(by_words["the helpful one of them"], by=world.charlie)
        answers.accept(by_words["the accepted one of them"], by=world.alice)
        return topic.id

    page = guest.get(path_of(stage, stage(scene))).text
    words = ("the accepted one of them", "the helpful one of them", "the oldest of all answers", "the youngest of them")
    places = [page.index(f"<p>{text}</p>") for text in words]
    assert places == sorted(places)


def test_comments_stand_below_what_they_comment_on(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> int:
        topic = world.ask()
        first, _second = (
            world.answer(topic, "The first answer of two."),
            world.answer(topic, "The second answer of two."),
        )
        answers.comment(first, source="A remark about the first.", by=world.charlie)
        return topic.id

    page = guest.get(path_of(stage, stage(scene))).text
    assert page.index("The first answer") < page.index("A remark about the first") < page.index("The second answer")


def test_an_address_without_or_with_an_old_slug_leads_to_the_right_one(
    stage: Stage, guest: Browser, solved: int
) -> None:
    path = path_of(stage, solved)
    for old in (f"/t/{solved}", f"/t/{solved}-an-old-title", f"/t/{solved}-"):
        answer = guest.get(f"{old}?answers=1")
        assert answer.status_code == 301
        assert answer.location == f"{path}?answers=1"


def test_every_post_has_a_permalink(stage: Stage, guest: Browser, solved: int) -> None:
    answer_id = stage(lambda _: db.session.query(Post).filter_by(topic_id=solved, kind="answer").one().id)
    answer = guest.get(f"/p/{answer_id}")
    assert answer.status_code == 302
    assert answer.location == f"{path_of(stage, solved)}#p{answer_id}"
    assert f'id="p{answer_id}"' in guest.get(answer.location).text


@pytest.mark.parametrize(
    "path", ["/t/99", "/p/99", "/t/99999999999999999999", "/p/99999999999999999999", "/posts/99/history", "/u/nobody"]
)
def test_what_is_not_there_is_a_page_with_a_way_onward(guest: Browser, path: str) -> None:
    answer = guest.get(path)
    assert answer.status_code == 404
    assert 'action="/search"' in answer.text


def test_a_long_thread_has_pages_and_a_permalink_finds_the_right_one(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> tuple[int, int]:
        topic = world.ask()
        ids = [world.answer(topic, f"Answer number {number:03}.").id for number in range(ANSWERS_A_PAGE + 5)]
        return topic.id, ids[-1]

    topic_id, last = stage(scene)
    path = path_of(stage, topic_id)
    assert f"Answer number {ANSWERS_A_PAGE:03}." not in guest.get(path).text
    permalink = guest.get(f"/p/{last}").location
    assert permalink == f"{path}?answers=2#p{last}"
    second = guest.get(permalink).text
    assert f"Answer number {ANSWERS_A_PAGE + 4:03}." in second
    assert f'<link rel="canonical" href="http://localhost{path}?answers=2">' in second
    assert "Answer number 000." not in second
    assert guest.get(f"{path}?answers=999").status_code == 200


def test_a_topic_tells_search_engines_its_one_address_and_what_it_is_about(stage: Stage, guest: Browser) -> None:
    topic_id = stage(lambda world: world.ask(title="A title of its own", source='About "quotes" & **bold** words.').id)
    page = guest.get(path_of(stage, topic_id)).text
    assert f'<link rel="canonical" href="http://localhost/t/{topic_id}-a-title-of-its-own">' in page
    assert '<meta name="description" content="About &#34;quotes&#34; &amp; bold words.">' in page
    assert "<title>A title of its own · Klinke</title>" in page


def test_a_thread_is_marked_with_its_own_language(stage: Stage, guest: Browser) -> None:
    topic_id = stage(lambda world: world.ask(title="Warum geht das WLAN nicht?", locale="de").id)
    page = guest.get(path_of(stage, topic_id), headers={"Accept-Language": "en"}).text
    assert '<html lang="en"' in page
    assert '<h1 lang="de">' in page
    assert '<div class="prose" lang="de">' in page


def test_the_article_made_from_it_stands_at_the_solution_in_one_line(stage: Stage, guest: Browser, solved: int) -> None:
    stage(lambda _: topics.add_see_also(db.session.get_one(Topic, solved), title="Names of routers", url="/kb/7-names"))
    page = guest.get(path_of(stage, solved)).text
    accepted = page[page.index("post--accepted") :]
    assert page.count('href="/kb/7-names"') == 1
    assert 'href="/kb/7-names"' in accepted


def test_a_duplicate_leads_to_what_was_asked_before_if_one_may_see_it(
    stage: Stage, guest: Browser, solved: int
) -> None:
    def scene(world: World) -> int:
        topic = world.ask(title="The same again, asked by Charlie", by=world.charlie)
        db.session.add(Duplicate(topic_id=topic.id, target_id=solved))
        return topic.id

    path = path_of(stage, stage(scene))
    assert "This was asked before" in guest.get(path).text
    stage(lambda world: moderation.mute(db.session.get_one(Topic, solved), by=world.ada, reason="personal data").id)
    page = guest.get(path).text
    assert "This was asked before" not in page
    assert "forgets its name" not in page


def test_old_answers_say_their_age(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> int:
        topic = world.ask()
        answer = world.answer(topic)
        answer.created_at = now().replace(year=now().year - 4)
        return topic.id

    topic_id = stage(scene)
    page = guest.get(path_of(stage, topic_id)).text
    assert "years ago. In newer versions" in page


def test_a_guest_is_invited_to_sign_in_and_comes_back(stage: Stage, guest: Browser, solved: int) -> None:
    path = path_of(stage, solved)
    page = guest.get(path).text
    assert f'href="/sign-in?next={path}"' in page
    assert "<textarea" not in page
    assert 'action="/posts/2/helpful"' in page, "this one works without an account"
    assert "/vote" not in page


def test_what_people_wrote_cannot_become_markup_of_the_page(stage: Stage, guest: Browser) -> None:
    evil = '"><script>alert(1)</script>'
    topic_id = stage(
        lambda world: world.ask(title=f"Evil {evil} title", source=f"Evil {evil} text, long enough", tags=()).id
    )
    for path in (path_of(stage, topic_id), "/", "/c/router", "/u/alice", "/feeds/latest.xml"):
        assert "<script>alert" not in guest.get(path).text


def test_the_buttons_of_a_page_are_those_the_policy_allows(stage: Stage, browser_of: BrowserOf) -> None:
    def scene(world: World) -> int:
        world.everybody()
        topic = world.ask()
        world.answer(topic)
        return topic.id

    path = path_of(stage, stage(scene))
    words = {"This solved my problem", "Choose as the solution", ">Helpful<", ">Mute<", ">Edit<", "Post your answer"}
    expected = {
        "alice": {"This solved my problem", ">Helpful<", ">Edit<", "Post your answer"},
        "bob": {">Helpful<", ">Edit<", "Post your answer"},
        "charlie": {">Helpful<", "Post your answer"},
        "tina": {"Choose as the solution", ">Helpful<", "Post your answer"},
        "ada": {"Choose as the solution", ">Helpful<", ">Mute<", ">Edit<", "Post your answer"},
        "dora": {"Choose as the solution", ">Helpful<", ">Edit<", "Post your answer"},
    }
    for handle, allowed in expected.items():
        page = browser_of(handle).get(path).text
        assert {word for word in words if word in page} == allowed, handle


def test_the_history_shows_every_version_and_what_changed(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> int:
        topic = world.ask(title="A title with a typpo", source="The first line.\n\nThe second line stays.")
        question = world.settled(db.session.query(Post).filter_by(topic_id=topic.id, kind="question").one())
        posts.edit(
            question,
            source="The better line.\n\nThe second line stays.",
            title="A title without one",
            by=world.alice,
            version=1,
        )
        return question.id

    post_id = stage(scene)
    page = guest.get(f"/posts/{post_id}/history").text
    assert "<del>first</del><ins>better</ins>" in page
    assert "The second line stays." in page
    assert "2 versions" in page
    first = guest.get(f"/posts/{post_id}/history?version=1").text
    assert "A title with a typpo" in first
    assert "<del>" not in first
    assert guest.get(f"/posts/{post_id}/history?version=99").status_code == 200
    assert guest.get(f"/posts/{post_id}/history?version=x").status_code == 200


def test_a_person_is_what_they_asked_and_answered(stage: Stage, guest: Browser, solved: int) -> None:
    stage(lambda world: world.ask(title="Still open and of Alice").id)
    page = guest.get("/u/alice").text
    assert "The router forgets its name at night" in page
    assert "Still open and of Alice" in page
    assert "forgets" not in guest.get("/u/alice?state=unsolved").text
    answered = guest.get("/u/bob?show=answers").text
    assert "The router forgets its name at night" in answered
    assert "Solution" in answered
    assert 'name="robots" content="noindex' in answered


def test_a_persons_page_shows_others_nothing_muted(stage: Stage, guest: Browser, browser_of: BrowserOf) -> None:
    def scene(world: World) -> None:
        world.everybody()
        muted = world.ask(title="A muted question of Alice")
        answer = world.answer(world.ask(title="A public one of Charlie", by=world.charlie), "A muted answer of Bob.")
        moderation.mute(muted, by=world.ada, reason="personal data")
        moderation.mute(answer, by=world.ada, reason="personal data")

    stage(scene)
    pages = "/u/alice", "/u/bob?show=answers"
    for path, words in zip(pages, ("A muted question of Alice", "A muted answer of Bob."), strict=True):
        assert words not in guest.get(path).text
        assert words not in browser_of("charlie").get(path).text
        assert words in browser_of("ada").get(path).text
    assert "A muted question of Alice" in browser_of("alice").get("/u/alice").text
    assert "A muted answer of Bob." in browser_of("bob").get("/u/bob?show=answers").text
    assert '<span class="tabs__count num">1</span>' not in guest.get("/u/alice").text


def test_a_topic_page_needs_as_many_statements_for_many_posts_as_for_few(
    stage: Stage, browser_of: BrowserOf, statements: Callable[[], list[str]]
) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        small, large = world.ask(), world.ask()
        for topic, number in ((small, 2), (large, 12)):
            for person in [world.person(f"writer{count}") for count in range(number)]:
                answer = world.answer(topic, f"An answer of {person.handle}.", by=person)
                answers.comment(answer, source="And a comment on it.", by=world.person(f"fan-of-{person.handle}"))
        follows.follow(large, by=world.charlie)
        return small.id, large.id

    small, large = (path_of(stage, topic_id) for topic_id in stage(scene))
    browser = browser_of("charlie")
    counts = []
    for path in (small, large):
        browser.get(path)  # what one has read is noted at the first look
        before = len(statements())
        browser.get(path)
        counts.append(len(statements()) - before)
    assert counts[0] == counts[1]
    assert counts[0] <= 16


def test_a_list_needs_as_many_statements_for_many_topics_as_for_few(
    stage: Stage, guest: Browser, statements: Callable[[], list[str]]
) -> None:
    def scene(world: World) -> None:
        other = Category(slug="other", names={"en": "Other"})
        db.session.add(other)
        world.ask(category=other)
        for count in range(12):
            topic = world.ask(by=world.person(f"asker{count}"), tags=(f"tag{count}",))
            answers.accept(world.answer(topic, by=world.person(f"helper{count}")), by=world.ada)

    stage(scene)
    counts = []
    for path in ("/c/other", "/c/router"):
        guest.get(path)
        before = len(statements())
        guest.get(path)
        counts.append(len(statements()) - before)
    assert counts[0] == counts[1]
    assert counts[0] <= 8


def test_answers_are_read_in_the_order_that_is_chosen(stage: Stage, guest: Browser, browser_of: BrowserOf) -> None:
    def scene(world: World) -> tuple[str, int, list[int]]:
        world.everybody()
        topic = world.ask(created_at=now() - timedelta(hours=2))
        ids = [
            answers.post(
                topic,
                source=f"Answer number {number}.",
                by=world.bob,
                created_at=now() - timedelta(minutes=90 - number),
            ).id
            for number in range(32)
        ]
        first, solution = (db.session.get_one(Post, one) for one in (ids[20], ids[5]))
        votes.vote(first, by=world.charlie)
        answers.accept(solution, by=world.alice)
        return f"/t/{topic.id}-{topic.slug}", ids[20], ids

    path, helpful, ids = stage(scene)
    solution, others = ids[5], [one for one in ids if one != ids[5]]

    def shown(address: str, reader: Browser = guest) -> list[int]:
        return [int(found) for found in re.findall(r'<article[^>]* id="p(\d+)"', reader.get(address).text)][1:]

    assert shown(path)[:3] == [solution, helpful, others[0]]
    for reader in (guest, browser_of("charlie")):
        assert shown(f"{path}?order=newest", reader) == [solution, *others[::-1][:30]]
        assert shown(f"{path}?order=newest&answers=2", reader) == others[:1]
        assert shown(f"{path}?order=oldest", reader) == [solution, *others[:30]]
        assert shown(f"{path}?order=oldest&answers=2", reader) == others[30:]
    for odd in ("odd", "NEWEST", "", "helpful", "newest' or 1=1"):
        assert shown(f"{path}?order={odd}") == shown(path)
    page = guest.get(f"{path}?order=newest").text
    assert f'<link rel="canonical" href="http://localhost{path}">' in page
    assert f'href="{path}?order=newest&amp;answers=2"' in page
    assert f'href="{path}?order=newest#answers" aria-current="true"' in page
    assert f'href="{path}#answers"' in page
    moved = guest.get(f"/t/{path[3:].split('-')[0]}-old-words?order=oldest")
    assert moved.location == f"{path}?order=oldest"


def test_where_there_is_one_answer_nothing_is_chosen(stage: Stage, guest: Browser) -> None:
    topic_id = stage(lambda world: world.answer(world.ask()).topic_id)
    assert "order=newest" not in guest.get(f"/t/{topic_id}", follow_redirects=True).text
