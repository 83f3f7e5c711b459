"""At night everything that is stored to be said again is read by the linter; editors see what is found."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from core import worker
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from desk import blocks as desk_blocks
from desk import nightly
from desk.nightly import Stored
from desk.promise_models import LintFinding
from desk.triage.tables import MessageJudgement
from kb import faces
from tests.cast import World
from tests.conftest import Browser
from tests.desk.stage import channel, received
from tests.kb.shelf import Shelf

Stage = Callable[[Callable[[World], Any]], Any]


@pytest.fixture
def blocks() -> Iterator[dict[str, str]]:
    """A source as another part of the desk brings it."""
    texts = {"b1": "Please call our helpline on 0808 157 0142.", "b2": "Thank you, it is fixed."}

    @nightly.source("block")
    def stored() -> Iterator[Stored]:
        for ref, text in texts.items():
            yield Stored(ref=ref, text=text, title=f"Block {ref}", url="/desk/blocks", locale="en")

    yield texts
    del nightly._sources["block"]


def found() -> list[LintFinding]:
    return db.session.query(LintFinding).filter(LintFinding.settled_at.is_(None)).order_by(LintFinding.id).all()


def test_faces_are_read_and_what_was_taken_out_is_settled(world: World) -> None:
    world.everybody()
    article = Shelf(world).published(title="Where to write")
    faces.write(article, kind="280", text="PLEASE READ THE MANUAL FIRST!!!", by=world.emil)
    db.session.flush()
    assert nightly.look() >= 1
    assert nightly.look() == 0, "once for the same words"
    assert {one.type for one in found()} >= {"shouting"}
    faces.write(article, kind="280", text="The manual says it on page 2.", by=world.emil)
    nightly.look()
    assert "shouting" not in {one.type for one in found()}
    faces.write(article, kind="280", text="PLEASE READ THE MANUAL FIRST!!!", by=world.emil)
    nightly.look()
    assert "shouting" in {one.type for one in found()}, "it has come back"


def test_what_is_accepted_for_a_reason_stays_settled(world: World, blocks: dict[str, str]) -> None:
    world.everybody()
    nightly.look()
    (finding,) = [one for one in found() if one.source == "block"]
    assert finding.type == "send_elsewhere_phone"
    with pytest.raises(NotAllowed):
        nightly.accept(finding, reason="It is the emergency line.", by=world.dora)
    with pytest.raises(Invalid):
        nightly.accept(finding, reason=" ", by=world.emil)
    nightly.accept(finding, reason="It is the emergency line.", by=world.emil)
    with pytest.raises(Conflict):
        nightly.accept(finding, reason="Again.", by=world.emil)
    nightly.look()
    assert not [one for one in found() if one.source == "block"]
    blocks["b1"] = "Please ring our other helpline on 0808 157 0143."
    nightly.look()
    assert [one for one in found() if one.source == "block"], "other words are another finding"


def test_the_page_is_for_editors(stage: Stage, browser_of: Callable[[str], Browser], blocks: dict[str, str]) -> None:
    assert blocks
    finding_id = stage(lambda world: (world.everybody(), nightly.look(), found()[-1].id)[2])
    editor = browser_of("emil")
    page = editor.get("/desk/stored").text
    assert "Please call our helpline" in page
    refused = editor.post(f"/desk/stored/{finding_id}/acceptance", data={"reason": ""})
    assert refused.status_code == 422
    assert "Why may it stay?" in refused.text
    assert editor.post(f"/desk/stored/{finding_id}/acceptance", data={"reason": "Wanted."}).status_code == 303
    assert "It stays: Wanted." in editor.get("/desk/stored?view=settled").text
    assert browser_of("dora").get("/desk/stored").status_code in {403, 404}


def test_nobody_else_finds_a_finding(world: World, blocks: dict[str, str]) -> None:
    assert blocks
    world.everybody()
    nightly.look()
    with pytest.raises(NotFound):
        nightly.visible_finding(found()[0].id, viewer=world.dora)
    with pytest.raises(NotFound):
        nightly.visible_finding(10**30, viewer=world.emil)


def test_a_long_night_lets_messages_through(
    world: World, blocks: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.everybody()
    blocks.update({f"b{number}": "Thank you, it is fixed." for number in range(3, 7)})
    monkeypatch.setattr(nightly, "AT_ONCE", 2)
    at_call: list[int] = []
    monkeypatch.setattr(nightly.worker, "let_through", lambda: at_call.append(len(found())))
    nightly.look()
    assert at_call == [1, 1, 1], "what was found is committed before"
    monkeypatch.undo()
    message = received(channel(world, "night"), "My router is offline, please help me!")
    db.session.commit()
    message_id = message.id
    worker.let_through()
    assert db.session.scalar(db.select(MessageJudgement.id).where(MessageJudgement.message_id == message_id))
    assert worker.is_alive()


def test_whoever_reads_the_list_can_read_the_text_it_is_about(
    stage: Stage, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> tuple[int, int]:
        world.everybody()
        block = desk_blocks.create(
            desk_blocks.Words(title="Helpline", words={"en": "Please call our helpline on 0808 157 0142."}),
            by=world.dora,
        )
        nightly.look()
        return block.id, db.session.scalars(select(LintFinding.id)).one()

    block_id, finding_id = stage(scene)
    emil = browser_of("emil")
    assert f"/desk/stored/{finding_id}" in emil.get("/desk/stored").text
    page = emil.get(f"/desk/stored/{finding_id}")
    assert page.status_code == 200
    assert "Please call our helpline on 0808 157 0142." in page.text
    assert f"/desk/blocks/{block_id}" not in page.text, "which is not for editors"
    assert browser_of("alice").get(f"/desk/stored/{finding_id}").status_code == 403
    assert emil.get("/desk/stored/987654321").status_code == 404
