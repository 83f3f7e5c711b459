"""The cause of what an article is about."""

from typing import Any

import pytest
from bs4 import BeautifulSoup

from core.errors import Invalid
from kb import addresses, articles, differences, queries, transfer
from kb.source import Articles
from tests.cast import World
from tests.kb.shelf import Shelf

CAUSE = "The light goes off at night.\n\nThat saves current."


def test_the_cause_is_in_the_revision_the_difference_and_what_is_found(world: World, shelf: Shelf) -> None:
    article = shelf.published(cause=CAUSE)
    assert article.published.cause == CAUSE
    assert CAUSE in article.published.plain
    assert CAUSE in next(iter(Articles().documents([article.id]))).body
    after = articles.revise(article, by=world.emil, **{**articles.words_of(article.published), "cause": "Nobody knows"})
    assert [field for field, _ in differences.between(article.published, after)] == ["cause"]


def test_a_cause_is_not_endless(shelf: Shelf) -> None:
    with pytest.raises(Invalid) as refusal:
        shelf.article(cause="c" * 2001)
    assert list(refusal.value.fields) == ["cause"]


def test_the_cause_travels(shelf: Shelf) -> None:
    article = shelf.published(cause=CAUSE)
    [line] = transfer.dump()
    assert line["cause"] == CAUSE
    record = transfer.ArticleRecord.model_validate(
        line | {"id": "other", "cause": "Another", "author": None, "version": None}
    )
    assert transfer.load(record) == "new"
    assert transfer.load(record) == "unchanged"
    assert queries.newest_revision(article).cause == CAUSE


def test_the_page_shows_the_cause_in_paragraphs_and_escapes_it(stage: Any, guest: Any) -> None:
    path = stage(lambda world: addresses.of_article(Shelf(world).published(cause=CAUSE + " <b>")))
    page = BeautifulSoup(guest.get(path).text, "html.parser")
    section = next(one for one in page.find_all("section") if one.h2 and one.h2.text == "Cause")
    assert [p.text for p in section.find_all("p")] == ["The light goes off at night.", "That saves current. <b>"]
