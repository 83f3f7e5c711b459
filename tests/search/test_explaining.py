"""Why the results stand in this order: a page for the team."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from search import query
from search.documents import Found
from tests.cast import World
from tests.conftest import Browser
from tests.search.conftest import Shelf

Stage = Callable[[Callable[[World], Any]], Any]


@dataclass(frozen=True)
class Explained:
    found: Found
    score: float
    parts: tuple[tuple[str, float], ...]
    why: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    words: tuple[tuple[str, str, float], ...]
    rows: tuple[Explained, ...]


@pytest.fixture
def explained(
    shelves: dict[str, Shelf], indexed: Callable[[], None], stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelves["topic"].put(1, "Router <b>offline</b>")
    indexed()
    stage(lambda world: world.everybody() and None)

    def explain(text: str, *, viewer: Any, locale: str | None = None, limit: int = 20) -> Explanation:
        rows = (
            Explained(hit.found, 1.5, (("Words in the title", 1.25), ("Age", -0.0625)), hit.why)
            for hit in query.find(text, viewer=viewer, locale=locale, limit=limit).hits
        )
        return Explanation((("routers", "router", 2.5),), tuple(rows))

    monkeypatch.setattr(query, "explain", explain, raising=False)


def test_the_team_sees_every_part_of_the_score(explained: None, browser_of: Callable[[str], Browser]) -> None:
    page = browser_of("dora").get("/search/explain?q=routers").text
    for part in ("Router &lt;b&gt;offline", "1.500", "Words in the title", "1.250", "-0.062", "routers", "2.500"):
        assert part in page


def test_numbers_are_written_in_the_language_of_the_page(
    explained: None, browser_of: Callable[[str], Browser], stage: Stage
) -> None:
    stage(lambda world: setattr(world.dora, "locale", "de"))
    assert "1,250" in browser_of("dora").get("/search/explain?q=routers").text


@pytest.mark.parametrize("who", ["", "alice", "tina"])
def test_others_do_not_learn_that_there_is_such_a_page(
    explained: None, guest: Browser, browser_of: Callable[[str], Browser], who: str
) -> None:
    assert (browser_of(who) if who else guest).get("/search/explain?q=routers").status_code == 404


@pytest.mark.parametrize("query_string", ["", "?q=", "?q=green+elephants", "?q=%00", "?q=" + "x" * 3000])
def test_where_there_is_nothing_to_explain_it_says_so(
    explained: None, browser_of: Callable[[str], Browser], query_string: str
) -> None:
    assert browser_of("ada").get(f"/search/explain{query_string}").status_code == 200
