"""An installation has a category from its first minute, and admins make and name the others."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from accounts.models import AuditEntry
from core.db import db
from core.errors import Invalid, NotAllowed
from forum import categories, transfer
from forum.models import Category
from tests.cast import World
from tests.conftest import Browser


def test_an_empty_installation_gets_a_first_category_once(world: World) -> None:
    assert categories.make_first() != []
    assert categories.make_first() == []
    assert [category.slug for category in db.session.scalars(select(Category))] == ["general"]
    assert list(transfer.dump_categories()) == [], "an export need not bring it"


def test_where_there_is_a_category_none_is_made(world: World) -> None:
    assert world.router.slug == "router"
    assert categories.make_first() == []


def test_an_admin_makes_a_category_in_both_languages(world: World) -> None:
    made = categories.create(
        names={"de": "Heizung & Thermostate", "en": "Heating"}, descriptions={"de": "Warm."}, by=world.root
    )
    assert (made.slug, made.names["de"], made.descriptions) == ("heating", "Heizung & Thermostate", {"de": "Warm."})
    assert db.session.scalars(select(AuditEntry.deed)).all() == ["forum.category.create"]


def test_a_name_in_one_language_serves_both_and_none_is_refused(world: World) -> None:
    assert categories.create(names={"de": "Umzug"}, descriptions={}, by=world.root).names == {
        "de": "Umzug",
        "en": "Umzug",
    }
    with pytest.raises(Invalid) as refusal:
        categories.create(names={}, descriptions={}, by=world.root)
    assert set(refusal.value.fields) == {"name_en"}


def test_the_same_name_twice_is_refused(world: World) -> None:
    categories.create(names={"en": "Heating"}, descriptions={}, by=world.root)
    with pytest.raises(Invalid, match="already"):
        categories.create(names={"en": "Heating"}, descriptions={}, by=world.root)


@pytest.mark.parametrize("who", ["alice", "tina", "ada", "emil", "dora"])
def test_nobody_but_an_admin_arranges_categories(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        categories.create(names={"en": "Mine"}, descriptions={}, by=getattr(world, who))
    with pytest.raises(NotAllowed):
        categories.revise(world.router, names={"en": "Mine"}, descriptions={}, position=1, by=getattr(world, who))


def test_the_page_makes_renames_and_keeps_what_was_typed(
    stage: Callable[[Callable[[World], Any]], Any], browser_of: Callable[[str], Browser]
) -> None:
    stage(lambda world: world.everybody() and None)
    root = browser_of("root")
    form = {"name_de": "Heizung", "name_en": "Heating", "position": "0", "once": "a"}
    assert root.post("/admin/categories", data=form).status_code == 303
    assert root.post("/admin/categories", data=form).status_code == 303, "pressed twice"
    assert root.get("/ask").text.count(">Heating</option>") == 1
    changed = root.post("/admin/categories/heating", data={**form, "name_en": "Warmth", "position": "3"})
    assert changed.status_code == 303
    assert "Warmth" in root.get("/").text
    refused = root.post("/admin/categories/heating", data={**form, "name_en": "Warmth", "position": "many"})
    assert refused.status_code == 422
    assert "Warmth" in refused.text
    assert browser_of("alice").get("/admin/categories").status_code == 403
