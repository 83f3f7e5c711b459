"""A base in two languages: every reader finds every article, in the own language where there is one, said where not."""

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup

from kb import articles, families, sections
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
DE, EN = {"Accept-Language": "de"}, {"Accept-Language": "en"}


def said_twice(world: World, *, place: int | None = None, **about: Any) -> tuple[int, int]:
    """Publish the same in English and in German; `about` says what is special about the German one."""
    shelf = Shelf(world)
    english = shelf.published(title="The light is off")
    german = shelf.article(locale="de", title="Die Lampe ist aus", resolution="Warten.", **about)
    families.join(german, english, by=world.emil, is_current=True)
    articles.publish(german, by=world.emil)
    articles.place(english, 1, by=world.emil)
    if place is not None:
        articles.place(german, place, by=world.emil)
    return english.id, german.id


def rows(page: str) -> list[tuple[str, str]]:
    """Return the title of each article in the lists of a page, and the language that stands beside it."""
    found = BeautifulSoup(page, "html.parser").select("main ul.rows > li")
    names = {"Deutsch", "English"}
    return [
        (title.text.strip(), "".join(span.text for span in row.select("span[lang]") if span.text in names))
        for row in found
        if (title := row.select_one(".row__title")) is not None
    ]


@pytest.mark.parametrize("path", ["/kb", "/kb/s/router"])
def test_each_reader_gets_the_own_language_and_is_told_where_there_is_none(
    stage: Stage, guest: Browser, path: str
) -> None:
    def scene(world: World) -> None:
        said_twice(world)
        Shelf(world).published(title="Only in English")
        Shelf(world).published(locale="de", title="Nur auf Deutsch", resolution="Warten.")

    stage(scene)
    assert sorted(rows(guest.get(path, headers=DE).text)) == [
        ("Die Lampe ist aus", ""),
        ("Nur auf Deutsch", ""),
        ("Only in English", "English"),
    ]
    assert sorted(rows(guest.get(path, headers=EN).text)) == [
        ("Nur auf Deutsch", "Deutsch"),
        ("Only in English", ""),
        ("The light is off", ""),
    ]


def test_a_section_whose_articles_are_translated_elsewhere_is_not_empty(stage: Stage, guest: Browser) -> None:
    stage(lambda world: said_twice(world, section=sections.named("lampen")))
    for path, header, shown in (
        ("/kb/s/router", DE, [("The light is off", "English")]),
        ("/kb/s/lampen", DE, [("Die Lampe ist aus", "")]),
        ("/kb/s/router", EN, [("The light is off", "")]),
        ("/kb/s/lampen", EN, [("Die Lampe ist aus", "Deutsch")]),
    ):
        assert rows(guest.get(path, headers=header).text) == shown, (path, header)
    for header in (DE, EN):
        home = BeautifulSoup(guest.get("/kb", headers=header).text, "html.parser").select("section.shelf")
        assert len(home) == 2
        assert all(len(shelf.select("li")) == int(shelf.select_one("p").text.split()[0]) == 1 for shelf in home)


def test_a_translation_for_a_smaller_circle_hides_nothing_from_others(
    stage: Stage, guest: Browser, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> None:
        world.everybody()
        said_twice(world, audience="team")
        world.dora.locale = "de"

    stage(scene)
    assert rows(guest.get("/kb/s/router", headers=DE).text) == [("The light is off", "English")]
    dora = BeautifulSoup(browser_of("dora").get("/kb/s/router", headers=DE).text, "html.parser")
    assert [title.text.strip() for title in dora.select("main .row__title")] == ["Die Lampe ist aus"]


def test_the_index_has_what_is_said_in_one_language_only_and_says_so(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> tuple[int, int]:
        pair = said_twice(world, place=2)
        only = Shelf(world).published(locale="de", title="Nur auf Deutsch", resolution="Warten.")
        articles.place(only, 3, by=world.emil)
        return pair

    english, german = stage(scene)

    def index(article_id: int) -> list[str]:
        page = guest.get(f"/kb/{article_id}", follow_redirects=True).text
        return [
            item.get_text(" ", strip=True) for item in BeautifulSoup(page, "html.parser").select(".index .index li")
        ]

    assert index(english) == ["The light is off", "Nur auf Deutsch Deutsch"]
    assert index(german) == ["Die Lampe ist aus", "Nur auf Deutsch"]


def test_a_translation_outside_the_index_does_not_take_the_entry_away(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> int:
        said_twice(world)  # the German one is not in the index
        return Shelf(world).published(locale="de", title="Nur auf Deutsch", resolution="Warten.").id

    page = guest.get(f"/kb/{stage(scene)}", follow_redirects=True).text
    assert "The light is off" in page
