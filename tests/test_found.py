"""What search engines are told: valid by their own vocabulary, only of what a guest may see, and small."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from accounts.people import AnonymousUser
from core import worker as core_worker
from core.clock import now
from core.db import db
from core.linked_data import script, thing
from core.transfer import iso
from demo import load
from forum import addresses, answers, closing, finding, moderation, sitemaps, threads
from forum.models import Post, Topic
from kb import addresses as kb_addresses
from kb import families
from tests import vocabulary
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf, accepted

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
SHORT = "Why does it do that at all?"
LONG = "It has been like this since the update of last week. " * 4
ROLES = ("alice", "charlie", "tina", "ada", "emil", "dora", "root")


HEAD = (
    """{% for one in alternates %}<link rel="alternate" hreflang="{{ one.lang }}" href="{{ one.url }}">{% endfor %}"""
)


def locations(browser: Browser, path: str) -> list[str]:
    root = ET.fromstring(browser.get(path).data)  # noqa: S314 -- what our own server has just made
    return [element.findtext(f"{SITEMAP}loc") or "" for element in root]


def everything(browser: Browser) -> list[str]:
    """Return the paths of all pages in the sitemap."""
    found = [one for part in locations(browser, "/sitemap.xml") for one in locations(browser, _path(part))]
    return [_path(one) for one in found]


def _path(address: str) -> str:
    assert address.startswith("http://localhost/")
    return address.removeprefix("http://localhost")


def question_of(page: str) -> dict[str, Any]:
    [told] = vocabulary.told(page)
    assert list(vocabulary.complaints(told)) == []
    assert told["@type"] == "QAPage"
    question: dict[str, Any] = told["mainEntity"]
    return question


def test_a_solved_question_says_its_solution_its_other_answers_and_who_wrote_them(guest: Browser, stage: Stage) -> None:
    def scene(world: World) -> tuple[str, int, int]:
        topic = world.ask(source=LONG)
        solution, other = world.answer(topic), world.answer(topic, "Buy a **new** one.", by=world.tina)
        answers.accept(solution, by=world.alice)
        solution.helpful_count = 3
        return addresses.of_topic(topic), solution.id, other.id

    path, solution_id, other_id = stage(scene)
    question = question_of(guest.get(path).text)
    assert question["name"] == "Wireless gone after the update"
    assert question["text"] == LONG.strip()
    assert question["answerCount"] == 2
    assert question["author"] == {"@type": "Person", "name": "Alice", "url": "http://localhost/u/alice"}
    assert question["acceptedAnswer"]["url"] == f"http://localhost/p/{solution_id}"
    assert question["acceptedAnswer"]["upvoteCount"] == 3
    assert [one["text"] for one in question["suggestedAnswer"]] == ["Buy a new one."]
    assert question["suggestedAnswer"][0]["url"] == f"http://localhost/p/{other_id}"


def test_what_somebody_wrote_cannot_leave_the_data(guest: Browser, stage: Stage) -> None:
    evil = "</script><script>alert(1)</script><!-- & \u2028 \u2029 ]]>"

    def scene(world: World) -> str:
        topic = world.solved(title="Is this </script><b>bold</b> or not?")
        topic.acceptance.post.html = f"<p>{evil.replace('&', '&amp;').replace('<', '&lt;')}</p>"
        return addresses.of_topic(topic)

    page = guest.get(stage(scene)).text
    question = question_of(page)
    assert question["name"] == "Is this </script><b>bold</b> or not?"
    assert question["acceptedAnswer"]["text"] == " ".join(evil.split())
    blocks = BeautifulSoup(page, "html.parser").find_all("script", type="application/ld+json")
    assert len(blocks) == 1
    assert not set("<>&\u2028\u2029") & set(blocks[0].string)
    assert "\u2028" not in script(thing("Person", name="\u2028"))


def test_answers_without_words_and_without_an_account_are_told_as_far_as_they_go(guest: Browser, stage: Stage) -> None:
    def scene(world: World) -> str:
        topic = world.ask()
        picture, left = world.answer(topic), world.answer(topic, "Turn it off and on again.", by=world.tina)
        picture.html = '<p><img src="/uploads/x.png" alt="A router"></p>'
        left.author_id = None
        return addresses.of_topic(topic)

    question = question_of(guest.get(stage(scene)).text)
    assert [one["text"] for one in question["suggestedAnswer"]] == ["Turn it off and on again."]
    assert "author" not in question["suggestedAnswer"][0]
    assert question["answerCount"] == 2


def _unanswered(world: World) -> Topic:
    return world.ask(source=LONG)


def _duplicate(world: World) -> Topic:
    topic = world.solved()
    closing.close_as_duplicate(topic, target=world.solved(title="The one that was asked before"), by=world.ada)
    return topic


def _only_muted_answers(world: World) -> Topic:
    topic = world.ask()
    moderation.mute(world.answer(topic), by=world.ada, reason="personal data")
    return topic


@pytest.mark.parametrize("make", [_unanswered, _duplicate, _only_muted_answers])
def test_what_is_no_question_with_an_answer_is_not_called_one(
    guest: Browser, stage: Stage, make: Callable[[World], Topic]
) -> None:
    page = guest.get(stage(lambda world: addresses.of_topic(make(world))))
    assert page.status_code == 200
    assert vocabulary.told(page.text) == []


def test_what_is_muted_held_or_not_for_everybody_is_told_to_nobody(
    guest: Browser, browser_of: BrowserOf, stage: Stage
) -> None:
    def scene(world: World) -> tuple[list[str], list[str]]:
        world.everybody()
        topic = world.solved(source=LONG)
        moderation.mute(world.answer(topic, "MUTED words here.", by=world.tina), by=world.ada, reason="rude")
        world.answer(topic, "HELD words here.", by=world.newcomer())
        hidden = world.solved(title="MUTED question as a whole")
        shelf = Shelf(world)
        inside = [shelf.published(audience=audience) for audience in ("team", "signed_in")]
        draft = shelf.article()
        public = shelf.published(sources=[accepted(hidden), accepted(topic)])
        moderation.mute(hidden, by=world.ada, reason="rude")
        closed = [addresses.of_topic(hidden), *map(kb_addresses.of_article, inside), f"/kb/{draft.id}"]
        return [addresses.of_topic(topic), kb_addresses.of_article(public)], closed

    shown, closed = stage(scene)
    for path in shown:
        page = guest.get(path).text
        [told] = vocabulary.told(page)
        assert list(vocabulary.complaints(told)) == []
        assert "MUTED" not in page
        assert "HELD" not in page
        assert "MUTED" not in str(told)
    for path in closed:
        assert guest.get(path).status_code == 404
    # Whoever is signed in may see more than a search engine, which is a guest: to them nothing is told at all.
    for handle in ROLES:
        browser = browser_of(handle)
        for path in (*shown, *closed):
            assert vocabulary.told(browser.get(path, follow_redirects=True).text) == [], (handle, path)


def test_what_is_contradicted_or_obsolete_is_no_accepted_answer(guest: Browser, stage: Stage) -> None:
    def scene(world: World) -> tuple[str, str]:
        contradicted, obsolete = world.solved(), world.solved(title="Another question about the router")
        contradicted.acceptance.contradicted_at = now()
        obsolete.acceptance.post.obsolete = {"since": iso(now()), "reason": "old", "url": ""}
        return addresses.of_topic(contradicted), addresses.of_topic(obsolete)

    contradicted, obsolete = stage(scene)
    question = question_of(guest.get(contradicted).text)
    assert "acceptedAnswer" not in question
    assert len(question["suggestedAnswer"]) == 1
    assert vocabulary.told(guest.get(obsolete).text) == []


def test_a_page_of_twenty_long_posts_stays_small(guest: Browser, stage: Stage) -> None:
    def scene(world: World) -> str:
        topic = world.ask(source="Wörter über Wörter, die jemand geschrieben hat. " * 20)
        for number in range(19):
            world.answer(topic, f"Antwort {number}: " + "ein Satz, der zur Sache gehört. " * 15)
        answers.accept(db.session.query(Post).filter_by(kind="answer").first(), by=world.alice)
        return addresses.of_topic(topic)

    page = guest.get(stage(scene))
    assert len(page.data) < 45 << 10
    block = vocabulary._SCRIPT.search(page.text)
    assert block is not None
    assert len(block[0].encode()) < 11 << 10
    assert len(question_of(page.text)["suggestedAnswer"]) == 18


def test_an_article_says_what_it_is_who_is_credited_and_where_it_comes_from(guest: Browser, stage: Stage) -> None:
    def scene(world: World) -> tuple[str, str]:
        topic = world.solved()
        article = Shelf(world).published(sources=[accepted(topic)])
        return kb_addresses.of_article(article), addresses.of_topic(topic)

    path, thread = stage(scene)
    [told] = vocabulary.told(guest.get(path).text)
    assert list(vocabulary.complaints(told)) == []
    assert told["@type"] == "TechArticle"
    assert told["isBasedOn"] == f"http://localhost{thread}"
    assert told["author"]["name"] == "Bob"
    assert told["dateModified"] >= told["datePublished"] or told["dateModified"]
    assert told["keywords"] == "wifi, wlan"


def test_an_article_that_nobody_may_be_named_for_is_the_houses_own(guest: Browser, stage: Stage) -> None:
    def scene(world: World) -> str:
        article = Shelf(world).published()
        article.owner_id = None
        return kb_addresses.of_article(article)

    [told] = vocabulary.told(guest.get(stage(scene)).text)
    assert list(vocabulary.complaints(told)) == []
    assert told["author"] == {"@type": "Organization", "name": "Klinke", "url": "http://localhost/"}


@pytest.mark.parametrize(
    ("answered", "words", "days", "helpful", "found"),
    [
        (True, SHORT, 0, 0, True),
        (False, SHORT, 0, 0, False),
        (False, LONG, 0, 0, True),
        (False, LONG, 366, 0, False),
        (True, LONG, 366, 0, False),
        (True, LONG, 366, 1, True),
        (True, LONG, 364, 0, True),
    ],
)
def test_thin_and_old_unsolved_questions_are_kept_from_search_engines(
    guest: Browser, stage: Stage, answered: bool, words: str, days: int, helpful: int, found: bool
) -> None:
    def scene(world: World) -> str:
        topic = world.ask(source=words)
        if answered:
            world.answer(topic).helpful_count = helpful
        topic.last_activity_at = now() - timedelta(days=days)
        return addresses.of_topic(topic)

    path = stage(scene)
    assert ('<meta name="robots" content="noindex">' not in guest.get(path).text) == found
    assert (path in everything(guest)) == found


def test_what_is_solved_is_found_however_old_and_short_it_is(guest: Browser, stage: Stage) -> None:
    def scene(world: World) -> str:
        topic = world.solved(source=SHORT)
        topic.last_activity_at = now() - timedelta(days=5000)
        return addresses.of_topic(topic)

    path = stage(scene)
    assert "noindex" not in guest.get(path).text
    assert path in everything(guest)


def test_the_page_and_the_sitemap_agree_for_every_question(world: World, settings: Callable[..., None]) -> None:
    settings(thin_question_characters=50, unsolved_found_days=10)
    made = 0
    for words in (SHORT, LONG):
        for days in (0, 11):
            for many in range(3):
                topic = world.ask(title=f"Question number {(made := made + 1)} here", source=words)
                given = [world.answer(topic, f"Answer number {number} it is.") for number in range(many)]
                if many == 2:
                    given[0].helpful_count = 1
                topic.last_activity_at = now() - timedelta(days=days)
    db.session.flush()
    by_clause = set(db.session.scalars(db.select(Topic.id).where(finding.worth_finding())))
    by_page = set()
    for topic in db.session.scalars(db.select(Topic)).unique():
        thread = threads.read(topic, viewer=AnonymousUser())
        if finding.is_worth_finding(topic, thread.question, thread.answers):
            by_page.add(topic.id)
    assert by_clause == by_page
    assert 0 < len(by_page) < made


def test_the_sitemap_is_an_index_of_parts_by_id(guest: Browser, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def scene(world: World) -> list[str]:
        made = [world.ask(title=f"Question number {number} here", source=LONG) for number in range(5)]
        moderation.mute(made[4], by=world.ada, reason="rude")
        Shelf(world).published()
        return [addresses.of_topic(topic) for topic in made]

    monkeypatch.setattr(sitemaps, "PART", 2)
    paths = stage(scene)
    parts = [_path(part) for part in locations(guest, "/sitemap.xml")]
    assert [part for part in parts if "topics" in part] == [f"/sitemaps/topics-{number}.xml" for number in (1, 2, 3)]
    assert "/sitemaps/articles-1.xml" in parts
    assert [_path(one) for one in locations(guest, "/sitemaps/topics-2.xml")] == paths[2:4]
    assert locations(guest, "/sitemaps/topics-3.xml") == []
    root = ET.fromstring(guest.get("/sitemap.xml").data)  # noqa: S314 -- as above
    changed = {element.findtext(f"{SITEMAP}loc"): element.findtext(f"{SITEMAP}lastmod") for element in root}
    assert changed["http://localhost/sitemaps/topics-1.xml"]
    assert changed["http://localhost/sitemaps/topics-3.xml"] is None, "nothing of it is for everybody"
    for wrong in ("topics-0", "topics-4", "topics-01", "topics-x", "topics-²", "topics", "nowhere", "topics--1"):
        assert guest.get(f"/sitemaps/{wrong}.xml").status_code == 404, wrong
    assert guest.get(f"/sitemaps/topics-{'9' * 400}.xml").status_code == 404


def test_every_page_of_the_sitemap_of_the_demonstration_is_there_and_valid(app: Flask, guest: Browser) -> None:
    with app.app_context():
        load.load()
        db.session.commit()
    core_worker.work(app, until_idle=True)
    paths = everything(guest)
    kinds = set()
    assert len(paths) > 10
    for path in paths:
        page = guest.get(path)
        assert page.status_code == 200, path
        assert f'<link rel="canonical" href="http://localhost{path}">' in page.text, path
        assert '<meta name="robots"' not in page.text, path
        for told in vocabulary.told(page.text):
            assert list(vocabulary.complaints(told)) == [], path
            kinds.add(told["@type"])
    assert kinds == {"QAPage", "TechArticle"}


def test_orders_and_pages_have_a_canonical_address(
    guest: Browser, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "ANSWERS_A_PAGE", 2)

    def scene(world: World) -> str:
        topic = world.ask(source=LONG)
        for number in range(3):
            world.answer(topic, f"Answer number {number} it is.")
        return addresses.of_topic(topic)

    path = stage(scene)
    assert f'<link rel="canonical" href="http://localhost{path}">' in guest.get(f"{path}?order=newest").text
    second = guest.get(f"{path}?order=oldest&answers=2").text
    assert f'<link rel="canonical" href="http://localhost{path}?answers=2">' in second
    question = question_of(guest.get(f"{path}?answers=2").text)
    assert len(question["suggestedAnswer"]) == 1
    assert question["answerCount"] == 3


@pytest.mark.parametrize("path", ["/", "/c/router", "/tags/wifi", "/kb", "/kb/s/router", "topic", "article"])
def test_a_shared_page_says_what_it_is(guest: Browser, stage: Stage, path: str) -> None:
    def scene(world: World) -> dict[str, str]:
        topic, article = world.solved(), Shelf(world).published()
        return {"topic": addresses.of_topic(topic), "article": kb_addresses.of_article(article)}

    path = stage(scene).get(path, path)
    page = BeautifulSoup(guest.get(path).text, "html.parser")
    said = {meta["property"]: meta["content"] for meta in page.find_all("meta", property=True)}
    assert said["og:url"] == f"http://localhost{path}"
    assert said["og:site_name"] == "Klinke"
    assert said["og:title"]
    assert said["og:locale"] == "en_GB"
    assert said["og:type"] == ("article" if path.startswith(("/t/", "/kb/")) and "/s/" not in path else "website")


def test_links_to_people_pass_nothing_on(guest: Browser, stage: Stage) -> None:
    def scene(world: World) -> str:
        topic = world.ask(source="See https://example.org/spam for more of it.")
        return addresses.of_topic(topic)

    page = BeautifulSoup(guest.get(stage(scene)).text, "html.parser")
    assert {"ugc", "nofollow"} <= set(page.find("a", href="https://example.org/spam")["rel"])
    assert {"ugc", "nofollow"} <= set(page.find("a", href="/u/alice")["rel"])
    assert 'content="noindex, follow"' in guest.get("/u/alice").text


def test_translations_name_each_other_for_guests_and_only_what_everybody_may_read(
    guest: Browser, browser_of: BrowserOf, stage: Stage
) -> None:
    def scene(world: World) -> list[str]:
        world.everybody()
        shelf = Shelf(world)
        english, german = shelf.published(), shelf.published(locale="de", title="Das WLAN ist weg")
        families.join(german, english, by=world.emil)
        alone, inside = shelf.published(), shelf.published(locale="de", title="Nur intern", audience="team")
        families.join(inside, alone, by=world.emil)
        return [kb_addresses.of_article(article) for article in (english, german, alone)]

    english, german, alone = stage(scene)
    for path in (english, german):
        page = BeautifulSoup(guest.get(path).text, "html.parser")
        named = {link["hreflang"]: link["href"] for link in page.find_all("link", hreflang=True)}
        assert named == {lang: f"http://localhost{to}" for lang, to in (("de", german), ("en", english))} | {
            "x-default": f"http://localhost{english}"
        }
        assert "hreflang" not in str(BeautifulSoup(browser_of("charlie").get(path).text, "html.parser").head)
    assert "hreflang" not in str(BeautifulSoup(guest.get(alone).text, "html.parser").head)
