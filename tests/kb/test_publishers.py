"""Who publishes in a section: every role and every way, and nobody gets round it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from accounts.people import AnonymousUser
from core.clock import now
from core.db import db
from core.errors import Invalid, NotAllowed
from kb import articles, checking, faces, planning, policy, publishing, queries, retiring, sections, transfer
from kb.models import Article, PlannedPublication, Section
from tests.cast import World
from tests.conftest import Browser
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]
WHO = {
    "editors": {"emil", "root"},
    "agents": {"emil", "root", "dora"},
    "people": {"edda"},
}


def closed(world: World, who: str = "people") -> Section:
    """Return a section with these publishers; Edda is named where people are."""
    world.everybody()
    world.person("edda", "editor")
    section = sections.named("legal")
    publishing.choose(section, who, handles=["@edda"] if who == "people" else (), by=world.person("root"))
    return section


def drafted(world: World, section: Section, **about: Any) -> Article:
    return Shelf(world).article(section=section, title="Terms of use", **about)


def shown(world: World, section: Section, **about: Any) -> Article:
    article = drafted(world, section, **about)
    articles.publish(article, by=world.person("edda"))
    return article


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("handle", ["guest", "alice", "tina", "ada", "dora", "emil", "edda", "root"])
def test_each_role_in_each_kind_of_section(world: World, who: str, handle: str) -> None:
    section = closed(world, who)
    article = drafted(world, section)
    person: Any = AnonymousUser() if handle == "guest" else world.person(handle)
    may = handle in WHO[who] or (handle == "edda" and who != "people")
    assert policy.may_publish(person, article) == may
    assert policy.may_edit(person, article) == (may or handle in {"emil", "root", "edda"})
    deeds: list[Callable[[], Any]] = [
        lambda: planning.plan(article, due_at=now() + timedelta(days=1), by=person),
        lambda: planning.cancel(article, by=person),
        lambda: articles.publish(article, by=person),
        lambda: articles.withdraw(article, by=person, reason="It is wrong"),
        lambda: retiring.retire(article, by=person, reason="It is old"),
        lambda: retiring.revive(article, by=person),
    ]
    for deed in deeds if handle != "guest" else ():
        if may:
            deed()
        else:
            with pytest.raises(NotAllowed):
                deed()


def test_an_agent_who_publishes_edits_there_and_nowhere_else(world: World) -> None:
    section = closed(world, "agents")
    article = drafted(world, section, by=world.dora)
    articles.publish(article, by=world.dora)
    words = {**articles.words_of(article.published), "summary": "Better."}
    articles.revise(article, by=world.dora, **words)
    articles.publish(article, by=world.dora)
    assert not policy.may_edit(world.dora, Shelf(world).published())


def classify(article: Article, by: Any, **changes: Any) -> None:
    about = {"section": article.section, "locale": article.locale, "audience": article.audience, "tags": (), **changes}
    articles.classify(article, by=by, **about)


def test_an_editor_who_is_not_named_gets_round_it_nowhere(world: World) -> None:
    section = closed(world)
    public, team, draft = shown(world, section), shown(world, section, audience="team"), drafted(world, section)
    elsewhere = Shelf(world).published()
    ways: list[tuple[str, Callable[[], Any]]] = [
        ("section", lambda: classify(draft, world.emil, section=elsewhere.section)),
        ("section", lambda: classify(public, world.emil, section=elsewhere.section)),
        ("section", lambda: classify(elsewhere, world.emil, section=section)),
        ("audience", lambda: classify(team, world.emil, audience="public")),
        ("locale", lambda: classify(public, world.emil, locale="de")),
        (faces.field_of("280"), lambda: faces.write(public, kind="280", text="Mine.", by=world.emil)),
    ]
    for field, way in ways:
        with pytest.raises(Invalid) as refusal:
            way()
        assert refusal.value.fields == {field: "Edda publishes here."}
    for deed in (
        lambda: sections.dissolve(section, into=elsewhere.section, by=world.emil),
        lambda: sections.dissolve(elsewhere.section, into=section, by=world.emil),
        lambda: publishing.choose(section, "editors", by=world.emil),
        lambda: publishing.choose(section, "editors", by=world.person("edda")),
    ):
        with pytest.raises(NotAllowed):
            deed()
    revised = articles.revise(
        public, by=world.emil, **{**articles.words_of(public.published), "summary": "What Emil would say."}
    )
    articles.restore(public, 1, by=world.emil)
    checking.verify(public, by=world.emil)
    classify(public, world.emil, tags=("terms",))
    assert public.published is not None
    assert public.published.number == 1
    assert revised.number == 2
    classify(draft, world.person("edda"), section=elsewhere.section)


def test_a_plan_of_somebody_who_is_not_meant_any_more_fails_and_says_so(stage: Stage) -> None:
    def scene(world: World) -> int:
        world.everybody()
        article = drafted(world, sections.named("legal"))
        planning.plan(article, due_at=now() + timedelta(hours=1), by=world.emil)
        closed(world)
        return article.id

    article_id = stage(scene)

    def later(_world: World) -> None:
        with time_machine.travel(now() + timedelta(hours=2)):
            assert planning.publish_due() == 0
        assert not db.session.get_one(Article, article_id).is_published
        assert db.session.get_one(PlannedPublication, article_id).failure

    stage(later)


def test_it_is_said_in_words(world: World) -> None:
    section = closed(world)
    assert publishing.in_words(section) == "Edda publishes here."
    root = world.person("root")
    publishing.choose(section, "people", handles=["edda", "emil", "dora"], by=root)
    assert publishing.in_words(section) == "Edda, Emil or Dora publishes here."
    world.emil.roles.clear()
    db.session.flush()
    assert publishing.in_words(section) == "Edda or Dora publishes here."
    assert not policy.may_publish_in(world.emil, section), "who lost the task is not meant, though still named"
    publishing.choose(section, "agents", by=root)
    assert publishing.in_words(section) == "Editors and agents publish here."
    publishing.choose(section, "editors", by=root)
    assert (section.publishers, publishing.in_words(section)) == (None, "Editors publish here.")
    for handles in ([], ["alice"], ["nobody-at-all"], [f"nobody{number}" for number in range(30)]):
        with pytest.raises(Invalid) as refusal:
            publishing.choose(section, "people", handles=handles, by=root)
        assert list(refusal.value.fields) == ["handles"]
    with pytest.raises(Invalid):
        publishing.choose(section, "everybody", by=root)


def test_the_pages_and_the_api(
    stage: Stage, browser_of: Callable[[str], Browser], guest: Browser, token_of: Callable[..., str]
) -> None:
    article_id = stage(lambda world: drafted(world, closed(world)).id)
    emil, path = browser_of("emil"), f"/kb/articles/{article_id}"
    page = emil.get(f"/kb/{article_id}", follow_redirects=True).text
    assert "Edda publishes here." in page
    assert "/publication" not in page
    for way in ("publication", "withdrawal", "retirement"):
        refused = emil.get(f"{path}/{way}")
        assert refused.status_code == 403
        assert "Edda publishes here." in refused.text
        assert emil.post(f"{path}/{way}", data={"reason": "Because", "number": "1"}).status_code == 403
    assert emil.post(f"{path}/plan", data={"due_at": "2027-01-01T10:00"}).status_code == 403
    assert emil.post(f"{path}/personal", data={"do": "publish", "seen": "1"}).status_code == 403
    for handle, status in (("emil", 403), ("dora", 403), ("root", 403), ("edda", 201)):
        header = {"Authorization": f"Bearer {token_of(handle)}"}
        assert guest.post(f"/api/v1{path.removeprefix('/kb')}/publication", headers=header).status_code == status
    assert "publishes here" not in browser_of("edda").get(f"/kb/{article_id}", follow_redirects=True).text
    assert "publishes here" not in guest.get(f"/kb/{article_id}", follow_redirects=True).text


def test_an_admin_chooses_on_the_page_and_an_editor_reads(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: closed(world).slug)
    root, path = browser_of("root"), "/kb/s/legal/publishers"
    assert 'value="edda"' in root.get("/kb/s/legal/edit").text
    wrong = root.post(path, data={"who": "people", "handles": "edda, alice"})
    assert wrong.status_code == 422
    assert 'value="edda, alice"' in wrong.text
    assert root.post(path, data={"who": "nobody"}).status_code == 422
    assert root.post(path, data={"who": "agents"}).status_code == 303
    page = browser_of("emil").get("/kb/s/legal/edit").text
    assert "Editors and agents publish here." in page
    assert path not in page
    assert browser_of("emil").post(path, data={"who": "editors"}).status_code == 403
    dora = browser_of("dora")
    article_id = stage(lambda world: drafted(world, sections.named("legal"), by=world.dora).id)
    assert dora.post(f"/kb/articles/{article_id}/publication").status_code == 303
    assert dora.get(f"/kb/articles/{article_id}/edit").status_code == 200


def test_it_travels_and_an_import_is_not_asked(world: World) -> None:
    section = closed(world)
    world.person("edda").source_id = "crm:7"
    article = shown(world, section)
    world.emil.source_id = "crm:8"
    article.source_id = "old:1"
    db.session.flush()
    record = next(one for one in transfer.dump_sections() if one["id"] == "legal")
    assert record["publishers"] == ["user:crm:7"]
    assert transfer.load_section(transfer.SectionRecord(**record)) == "unchanged"
    section.publishers = None
    assert transfer.load_section(transfer.SectionRecord(**record)) == "changed"
    assert section.publishers == [f"user:{world.person('edda').id}"]
    without = {name: value for name, value in record.items() if name != "publishers"}
    assert transfer.load_section(transfer.SectionRecord(**without)) == "unchanged"
    with pytest.raises(Invalid):
        transfer.load_section(transfer.SectionRecord(**{**record, "publishers": ["user:nobody"]}))
    told = next(one for one in transfer.dump() if one["id"] == "old:1")
    assert transfer.load(transfer.ArticleRecord(**{**told, "summary": "Another one."})) == "changed"
    assert queries.newest_revision(article).id == article.published_id
