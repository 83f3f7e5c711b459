"""Who may write, edit and publish: every state of an article, every role."""

from typing import Any

import pytest

from accounts.people import AnonymousUser
from core.errors import NotAllowed
from kb import articles, faces, planning, policy, queries
from kb.models import Article
from tests.cast import World
from tests.kb.shelf import Shelf, fields_of

NOBODY: dict[str, set[str]] = {"draft": set(), "edit_own": set(), "edit": set(), "publish": set()}
STATES = ("draft", "published", "revised", "withdrawn", "archived", "signed_in", "team")
RIGHTS = {
    "guest": NOBODY,
    "alice": NOBODY,
    "tina": NOBODY,
    "ada": NOBODY,
    "dora": {**NOBODY, "draft": {"yes"}, "edit_own": {"draft"}},
    "emil": {"draft": {"yes"}, "edit_own": set(STATES), "edit": set(STATES), "publish": set(STATES)},
    "root": {"draft": {"yes"}, "edit_own": set(STATES), "edit": set(STATES), "publish": set(STATES)},
}


def in_every_state(world: World, shelf: Shelf) -> dict[str, Article]:
    made = {state: shelf.article(title=f"In the state {state}") for state in STATES}
    for state in STATES[1:]:
        articles.publish(made[state], by=world.emil)
    words = {**articles.words_of(made["revised"].published), "summary": "Another one."}
    articles.revise(made["revised"], by=world.emil, **words)
    articles.withdraw(made["withdrawn"], by=world.emil, reason="It is wrong")
    made["archived"].confidence = "archived"
    made["signed_in"].audience, made["team"].audience = "signed_in", "team"
    return made


@pytest.mark.parametrize("handle", RIGHTS)
def test_what_each_role_may_do_with_an_article_in_each_state(world: World, shelf: Shelf, handle: str) -> None:
    world.everybody()
    who: Any = AnonymousUser() if handle == "guest" else world.person(handle)
    rights, made = RIGHTS[handle], in_every_state(world, shelf)
    assert policy.may_draft(who) == bool(rights["draft"])
    others = world.person("edda", "editor")
    for article in made.values():
        article.owner = others
    world.person("edda")
    assert {state for state, article in made.items() if policy.may_edit(who, article)} == rights["edit"]
    assert {state for state, article in made.items() if policy.may_publish(who, article)} == rights["publish"]
    if handle != "guest":
        for article in made.values():
            article.owner_id = who.id
        assert {state for state, article in made.items() if policy.may_edit(who, article)} == rights["edit_own"]


def test_who_lost_the_role_or_is_suspended_may_nothing(world: World, shelf: Shelf) -> None:
    article = shelf.article()
    world.emil.roles.clear()
    assert not policy.may_draft(world.emil)
    assert not policy.may_edit(world.emil, article)


def test_an_agent_drafts_and_an_editor_publishes(world: World, shelf: Shelf) -> None:
    article = shelf.article(by=world.dora)
    words = {**articles.words_of(queries.newest_revision(article)), "summary": "Better."}
    articles.revise(article, by=world.dora, **words)
    faces.write(article, kind="280", text="Short.", by=world.dora)
    for deed in (
        lambda: articles.publish(article, by=world.dora),
        lambda: planning.plan(article, due_at=article.created_at, by=world.dora),
    ):
        with pytest.raises(NotAllowed):
            deed()
    articles.publish(article, by=world.emil)
    with pytest.raises(NotAllowed):
        articles.revise(article, by=world.dora, **{**words, "summary": "Once more."})


def test_an_agent_writes_on_the_page_without_making_sections(stage: Any, browser_of: Any) -> None:
    def scene(world: World) -> None:
        world.everybody()
        assert Shelf(world).section.slug == "router"

    stage(scene)
    dora = browser_of("dora")
    page = dora.get("/kb/articles/new").text
    assert "A new section" not in page
    values = {**fields_of(page, "/kb/articles"), "title": "Drafted by Dora", "resolution": "Wait."}
    sent = dora.post("/kb/articles", data={**values, "section": "router"})
    assert sent.status_code == 303
    draft = dora.get(sent.headers["Location"]).text
    assert "Edit" in draft
    assert "Publish" not in draft
    assert dora.post("/kb/articles", data={**values, "section": "new", "section_name": "Mine"}).status_code == 422
