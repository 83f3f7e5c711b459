"""What is missing: searches, questions and replies in vain, put together, and one click from there to an article."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup

from desk import replies
from forum import closing, moderation
from kb import radar
from search import gathering
from search.log import Slip, note
from tests.cast import World
from tests.conftest import Browser
from tests.desk import stage as desk_stage
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
BrowserOf = Callable[[str], Browser]


def searched(words: str, *, visitors: int = 1, locale: str = "en") -> None:
    for number in range(visitors):
        note(Slip(words, locale, 0), visitor=f"{words.replace(' ', '-')[:20]:_<20}{number}")


def in_vain(world: World) -> None:
    """Three ways in which people look for the same in vain, and one thing that is something else."""
    world.everybody()
    searched("forgot password", visitors=3)
    world.ask("How do I reset my password here?")
    searched("printer does not print")


def written(world: World, text: str, *, is_public: bool = True, about: str = "1", channel: Any = None) -> Any:
    """Return a conversation that a customer began."""
    on = channel or desk_stage.channel(world, endpoint="https://service.example/replies")
    message = desk_stage.received(on, text, is_public=is_public, conversation=f"thread-{about}", id=f"post-{about}")
    message.conversation.locale = "en"
    return message.conversation


def test_what_asks_for_the_same_is_together_and_most_people_come_first(world: World) -> None:
    in_vain(world)
    first, second = radar.gaps(world.emil, "en")
    assert [row.text for row in first.rows] == ["forgot password", "How do I reset my password here?"]
    assert first.people == 4
    assert first.counts == {"search": 1, "topic": 1}
    assert [row.text for row in second.rows] == ["printer does not print"]
    assert radar.gaps(world.emil, "de") == []


def test_every_number_opens_a_list_with_so_many_rows(browser_of: BrowserOf, stage: Stage) -> None:
    stage(in_vain)
    editor = browser_of("emil")
    page = BeautifulSoup(editor.get("/kb/gaps?locale=en").text, "html.parser")
    rows = page.select("main ul.rows > li")
    assert len(rows) == 2
    for row in rows:
        counted = sum(int(re.match(r"\d+", said.text.strip())[0]) for said in row.select(".num")[1:])
        opened = BeautifulSoup(editor.get(row.select_one("a.row__title")["href"]).text, "html.parser")
        assert len(opened.select("main ul.rows > li")) == counted


def test_one_click_starts_an_article_with_the_words_of_people(browser_of: BrowserOf, stage: Stage) -> None:
    stage(in_vain)
    editor = browser_of("emil")
    page = BeautifulSoup(editor.get("/kb/gaps?locale=en").text, "html.parser")
    [link, *_others] = [a["href"] for a in page.select("main a.button") if "gap=" in a["href"]]
    form = BeautifulSoup(editor.get(link).text, "html.parser")
    assert form.select_one("[name=title]")["value"] == "forgot password"
    assert "> How do I reset my password here?" in form.select_one("[name=symptoms]").text
    assert "password" in form.select_one("[name=keywords]")["value"].split(", ")
    assert form.select_one("[name=locale] [selected]")["value"] == "en"
    assert editor.get("/kb/articles/new?gap=search-999").status_code == 404


def test_questions_that_are_answered_closed_muted_or_held_are_no_gap(world: World) -> None:
    world.answer(world.ask("A question that somebody answered"))
    closing.close(world.ask("A question that was closed early"), reason="It is none.", by=world.ada)
    moderation.mute(world.ask("A question that was muted early"), by=world.ada, reason="rude")
    world.ask("A question of a new account here", by=world.newcomer())
    assert radar.gaps(world.ada, "en") == []


def test_a_reply_without_an_article_is_a_gap_and_one_with_an_article_is_none(world: World) -> None:
    article = Shelf(world).published()
    channel = desk_stage.channel(world, endpoint="https://service.example/replies")
    free = written(world, "Where do I find my invoice? Write to me@example.org", about="1", channel=channel)
    helped = written(world, "The wireless is gone after the update", about="2", channel=channel)
    reply = replies.reply(free, text="It is in your account.", by=world.dora)
    with_one = replies.reply(
        helped, text=f"See http://localhost/kb/{article.id}", by=world.dora, uses=[(article.id, None)]
    )
    [gap] = radar.gaps(world.dora, "en")
    [row] = gap.rows
    assert (row.kind, row.id) == ("reply", reply.id)
    assert row.id != with_one.id
    assert "me@example.org" not in row.text
    assert row.url == f"/desk/conversations/{free.id}"


def test_what_was_written_in_private_is_read_by_agents_only(world: World) -> None:
    free = written(world, "Where do I find my invoice?", is_public=False)
    replies.reply(free, text="It is in your account.", by=world.dora)
    assert radar.gaps(world.emil, "en") == []
    assert len(radar.gaps(world.dora, "en")) == 1


def test_one_customer_who_writes_twice_is_one_person(world: World) -> None:
    conversation = written(world, "Where do I find my invoice?", is_public=True)
    for _time in range(2):
        replies.reply(conversation, text="It is in your account.", by=world.dora)
    [gap] = radar.gaps(world.dora, "en")
    assert len(gap.rows) == 2
    assert gap.people == 1


def test_nobody_but_editors_and_moderators_sees_the_gaps(browser_of: BrowserOf, guest: Browser, stage: Stage) -> None:
    stage(in_vain)
    for handle, status in (("alice", 403), ("dora", 403), ("emil", 200), ("ada", 200), ("root", 200)):
        assert browser_of(handle).get("/kb/gaps").status_code == status, handle
    assert guest.get("/kb/gaps").status_code == 303 or guest.get("/kb/gaps").status_code == 302
    assert "Write an article" not in BeautifulSoup(browser_of("ada").get("/kb/gaps").text, "html.parser").main.text


@pytest.mark.parametrize(
    ("locale", "texts"),
    [
        ("en", ["forgot password", "how do I reset my password", "find invoice", "where are my invoices"]),
        ("de", ["Vertrag kündigen", "Wie kündige ich den Vertrag?", "Rechnung finden", "Wo sind meine Rechnungen?"]),
    ],
)
def test_texts_are_gathered_by_stems_and_meaning(world: World, locale: str, texts: list[str]) -> None:
    assert gathering.gathered(texts, locale) == [[0, 1], [2, 3]]
    assert gathering.gathered([], locale) == []
    assert gathering.gathered(["", "?!", texts[0]], locale) == [[0], [1], [2]]
    assert gathering.telling(texts[:2], locale, most=1)[0].casefold() in {"password", "vertrag"}
