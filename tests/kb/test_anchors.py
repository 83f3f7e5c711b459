"""Every heading of an article has an address that lasts."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from core import markup
from kb import anchors, articles
from kb.models import Article
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]


def revised(world: World, article: Article, resolution: str) -> list[list[str]]:
    articles.revise(
        article, by=world.emil, title="Wireless is gone", summary="", symptoms="", environment="", resolution=resolution
    )
    articles.publish(article, by=world.emil)
    assert article.published is not None
    return anchors.of(article.published)


def sections(*names: str) -> str:
    return "\n\n".join(f"# {name}\n\nSome words." for name in names)


@pytest.mark.parametrize(
    ("before", "after", "places"),
    [
        (("One", "Two"), ("One", "Two"), [["s-one"], ["s-two"]]),
        (("One", "Two"), ("One", "Second"), [["s-one"], ["s-second", "s-two"]]),
        (("One", "Two", "Three"), ("One", "Three"), [["s-one", "s-two"], ["s-three"]]),
        (("One", "Two"), ("Two", "One"), [["s-two"], ["s-one"]]),
        (("One",), ("Zero", "One"), [["s-zero"], ["s-one"]]),
        (("One", "Two", "Three"), ("All",), [["s-all", "s-one", "s-two", "s-three"]]),
        (("One", "Two"), ("Two",), [["s-two", "s-one"]]),
        (("One",), (), []),
    ],
)
def test_old_anchors_lead_on(
    world: World, before: tuple[str, ...], after: tuple[str, ...], places: list[list[str]]
) -> None:
    article = Shelf(world).article(symptoms="")
    revised(world, article, sections(*before))
    assert revised(world, article, sections(*after) or "No section any more.") == places


def test_they_lead_on_for_ever_but_never_away_from_a_heading_of_that_name(world: World) -> None:
    article = Shelf(world).article(symptoms="")
    revised(world, article, sections("One", "Two"))
    revised(world, article, sections("First", "Two"))
    assert revised(world, article, sections("Beginning", "Two")) == [["s-beginning", "s-first", "s-one"], ["s-two"]]
    articles.withdraw(article, by=world.emil, reason="not true")
    assert revised(world, article, sections("Begin", "One")) == [
        ["s-begin", "s-beginning", "s-first"],
        ["s-one", "s-two"],
    ]
    for number in range(60):
        found = revised(world, article, sections(f"Name {number}"))
    assert len(found[0]) == anchors.MOST_OLD + 1
    assert found[0][:2] == ["s-name-59", "s-name-58"]


def test_headings_that_are_called_alike_have_anchors_of_their_own(world: World) -> None:
    found = revised(world, Shelf(world).article(), sections("Note", "Note", "Note 2", "Note", "Über „Äpfel“", "!"))
    names = [own for own, *_ in found]
    assert len(set(names)) == 6
    assert names[0] == "s-note"
    assert names[4:] == ["s-ueber-aepfel", "s-section"]


def test_what_came_in_by_an_import_has_anchors_too(world: World) -> None:
    article = Shelf(world).published(resolution=sections("One"))
    assert article.published is not None
    article.published.anchors = None
    assert anchors.of(article.published) == [["s-one"]]
    assert revised(world, article, sections("Uno")) == [["s-uno", "s-one"]]


def test_the_page_has_them_and_links_to_each(stage: Stage, guest: Browser) -> None:
    def scene(world: World) -> str:
        article = Shelf(world).article(symptoms="# Light\n\nIt is off.")
        revised(world, article, sections("Reset <it>", "Wait"))
        revised(world, article, sections("Restart & reset", "Wait"))
        return f"/kb/{article.id}"

    path = stage(scene)
    page = guest.get(path, follow_redirects=True).text
    assert '<h3 id="s-restart-reset"><span id="s-reset-it"></span>Restart &amp; reset <a class="section-link"' in page
    assert 'href="#s-wait" aria-label="Link to this section">#</a></h3>' in page
    assert len(set(re.findall(r' id="([^"]+)"', page))) == len(re.findall(r' id="([^"]+)"', page))


def test_headings_in_code_are_no_headings() -> None:
    html = markup.render("# One\n\n```\n# Two\n<h3>Three</h3>\n```\n\n## *Four* & `five`\n")
    assert markup.headings(html) == ["One", "Four & five"]
    anchored = markup.with_anchors(html, [["a"], ["b", '"><script>']], label="Here")
    assert '<h4 id="b"><span id="&quot;&gt;&lt;script&gt;"></span>' in anchored
    assert markup.with_anchors(html, [], label="Here") == html
