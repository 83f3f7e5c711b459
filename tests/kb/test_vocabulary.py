"""An admin says which words mean the same, and the search knows it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from accounts.models import AuditEntry
from core.db import db
from core.errors import Invalid, NotAllowed, NotFound
from kb import vocabulary
from search import synonyms
from search.models import Synonym
from tests.cast import World
from tests.conftest import Browser

Stage = Callable[[Callable[[World], Any]], Any]


def test_what_is_added_revised_and_removed_is_known_at_once_and_logged(world: World) -> None:
    added = vocabulary.add(words=["bill", "invoice"], locale="en", by=world.root)
    assert synonyms.expansions("bill", "en") == ("invoice",)
    vocabulary.revise(added, words=["bill", "receipt"], locale=None, is_one_way=True, by=world.root)
    assert synonyms.expansions("bill", "de") == ("receipt",)
    assert synonyms.expansions("receipt", "de") == ()
    vocabulary.revise(added, words=["bill", "receipt"], locale=None, is_one_way=True, by=world.root)
    vocabulary.remove(added, by=world.root)
    assert synonyms.expansions("bill", "de") == ()
    entries = list(db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
    assert [entry.deed for entry in entries] == ["kb.synonym.add", "kb.synonym.revise", "kb.synonym.remove"]
    assert entries[1].before == {"words": ["bill", "invoice"], "locale": "en", "one way": False}
    assert entries[1].after == {"words": ["bill", "receipt"], "locale": None, "one way": True}


@pytest.mark.parametrize("who", ["alice", "tina", "ada", "emil", "dora"])
def test_nobody_but_an_admin_arranges_words(world: World, who: str) -> None:
    group = vocabulary.add(words=["bill", "invoice"], locale="en", by=world.root)
    by = getattr(world, who)
    for deed in (
        lambda: vocabulary.add(words=["a", "b"], locale="en", by=by),
        lambda: vocabulary.revise(group, words=["a", "b"], locale="en", is_one_way=False, by=by),
        lambda: vocabulary.remove(group, by=by),
    ):
        with pytest.raises(NotAllowed):
            deed()


def test_there_is_room_for_200_groups(world: World) -> None:
    db.session.add_all(Synonym(words=[f"a{n}", f"b{n}"], locale="en", is_one_way=False) for n in range(200))
    db.session.flush()
    with pytest.raises(Invalid, match="200"):
        vocabulary.add(words=["bill", "invoice"], locale="en", by=world.root)


def test_a_language_that_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(Invalid) as refusal:
        vocabulary.add(words=["bill", "invoice"], locale="xx", by=world.root)
    assert set(refusal.value.fields) == {"locale"}


def test_what_is_not_there_is_not_found(world: World) -> None:
    for number in (1, 2**70):
        with pytest.raises(NotFound):
            vocabulary.group(number)


def test_the_page_adds_edits_and_removes(stage: Stage, browser_of: Callable[[str], Browser]) -> None:
    stage(lambda world: world.everybody() and None)
    root = browser_of("root")
    assert "There is none yet" in root.get("/admin/synonyms").text
    form = {"words": "Wi-Fi, WLAN\nwireless <b>network</b>", "locale": "en", "once": "a"}
    for _ in range(2):
        assert root.post("/admin/synonyms", data=form).status_code == 303, "also pressed twice"
    page = root.get("/admin/synonyms").text
    assert "1 of 200 groups" in page
    assert "wireless &lt;b&gt;network" in page
    address = page.split('href="/admin/synonyms/')[1].split('"')[0]
    assert "Wi-Fi\nWLAN\n" in root.get(f"/admin/synonyms/{address}").text
    changed = {"words": "Wi-Fi\nWLAN", "locale": "", "is_one_way": "y"}
    assert root.post(f"/admin/synonyms/{address}", data=changed).status_code == 303
    page = root.get("/admin/synonyms").text
    assert "Every language" in page
    assert "leads to" in page
    assert root.post(f"/admin/synonyms/{address}/removal").status_code == 303
    assert "There is none yet" in root.get("/admin/synonyms").text
    assert root.get(f"/admin/synonyms/{address}").status_code == 404


@pytest.mark.parametrize(
    ("words", "sentence"), [("", "still empty"), ("alone", "two words"), ("x" * 81 + ",y", "Too long")]
)
def test_a_refusal_keeps_what_was_typed(
    stage: Stage, browser_of: Callable[[str], Browser], words: str, sentence: str
) -> None:
    group = stage(lambda world: vocabulary.add(words=["bill", "invoice"], locale="en", by=world.root).id)
    root = browser_of("root")
    for address in ("/admin/synonyms", f"/admin/synonyms/{group}"):
        answer = root.post(address, data={"words": words, "locale": "de", "once": "b"})
        assert answer.status_code == 422
        assert sentence in answer.text
        assert words in answer.text
        assert '<option selected value="de">' in answer.text
