"""Variables in the short texts of articles, and what looks personal in them and stays for a reason."""

from typing import Any

import pytest
from sqlalchemy import select

from core.db import db
from core.errors import Invalid
from kb import confirming, face_variables, faces, redaction
from kb.inserting import Articles
from kb.models import Article, Face, KeptFinding
from kb.redaction import Decisions
from tests.cast import World
from tests.kb.shelf import Shelf, fields_of

URL = "http://localhost/kb/1-wireless-is-gone-after-an-update"


@pytest.mark.parametrize(
    ("environment", "product", "version"),
    [
        ("Router R2 8.02, Router R3", "Router R2", "8.02"),
        ("FRITZ!OS v8.1", "FRITZ!OS", "8.1"),
        ("KlinkeApp Version 3", "KlinkeApp", "3"),
        ("Router", "Router", ""),
        ("FRITZ!Box 7590", "FRITZ!Box 7590", ""),
        ("8.02", "8.02", ""),
        ("", "", ""),
    ],
)
def test_product_and_version_are_what_the_article_applies_to(environment: str, product: str, version: str) -> None:
    assert face_variables.values_of(environment, URL) == {"link": URL, "product": product, "version": version}


def test_an_unknown_variable_is_refused_at_its_field(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    with pytest.raises(Invalid) as refusal:
        faces.write(article, kind="280", text="Hello {kunde}", by=world.emil)
    assert "{kunde}" in refusal.value.fields["face_280"]
    assert "{customer}" in refusal.value.fields["face_280"]


def test_the_length_counts_with_a_long_name_or_the_longer_default(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    room = 200 - 1 - len(f"http://localhost/kb/{article.id}-wireless-is-gone-after-an-update")
    faces.write(article, kind="sentence", text="{customer}" + "x" * (room - 30), by=world.emil)
    with pytest.raises(Invalid, match="Too long by 1 "):
        faces.write(article, kind="sentence", text="{customer}" + "x" * (room - 29), by=world.emil)
    with pytest.raises(Invalid, match="Too long by 10 "):
        faces.write(article, kind="sentence", text="{customer|" + "y" * 40 + "}" + "x" * (room - 30), by=world.emil)


def test_an_address_that_stands_within_the_text_is_not_added(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    faces.write(article, kind="280", text="See {link} and restart it, please. " + "Really. " * 20, by=world.emil)
    text = faces.text_for(article, limit=280, url=URL)[1]
    assert text.count(URL) == 1
    assert text.startswith(f"See {URL} and")


def test_in_the_forum_nothing_stays_open(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    faces.write(article, kind="1000", text="Hi {customer}, {agent|we} say: channel 6. " + "Yes. " * 90, by=world.emil)
    taken = Articles().take(article.id, world.ask(), viewer=world.tina)
    assert taken is not None
    assert "Hi, we say" in taken.text
    assert "{" not in taken.text


def test_what_the_rules_drafted_has_no_variables(shelf: Shelf) -> None:
    article = shelf.published(summary="Open /v/{version}/login and sign in.", resolution="Open it.")
    stored = {face.kind: face.text for face in article.faces}
    assert r"\{version}" in stored["280"]
    assert "/v/{version}/login" in faces.text_for(article, limit=280, url=URL)[1]


def test_what_looks_personal_in_a_face_stays_for_a_reason(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    text = "Call our hotline: 0711 5566770."
    with pytest.raises(Invalid) as refusal:
        confirming.write_faces(article, {("280", False): text}, Decisions(kept={}), by=world.emil)
    assert "face_280" in refusal.value.fields
    (found,) = confirming.found_in_faces(article, {"face_280": text})
    with pytest.raises(Invalid) as refusal:
        confirming.write_faces(article, {("280", False): text}, Decisions(kept={found.digest: ""}), by=world.emil)
    assert f"why-{found.digest}" in refusal.value.fields
    said = Decisions(kept={found.digest: "It is our hotline."})
    confirming.write_faces(article, {("280", False): text, ("300", False): text}, said, by=world.emil)
    assert {face.kind: face.text for face in article.faces}["300"] == text
    assert db.session.scalars(select(KeptFinding.reason)).all() == ["It is our hotline."]
    assert redaction.unconfirmed(article, {"face_280": text}) == []


def test_what_looks_personal_in_a_face_is_taken_out(world: World, shelf: Shelf) -> None:
    article = shelf.published(locale="de")
    text = "Rufen Sie an: 0711 5566770."
    (found,) = confirming.found_in_faces(article, {"face_280": text})
    decided = Decisions(removed=frozenset({found.digest}), kept={})
    confirming.write_faces(article, {("280", False): text}, decided, by=world.emil)
    assert {face.kind: face.text for face in article.faces}["280"] == "Rufen Sie an: [Telefonnummer]."


def test_the_form_asks_and_keeps_what_was_typed(browser_of: Any, stage: Any) -> None:
    def scene(world: World) -> int:
        world.everybody()
        return Shelf(world).published().id

    article_id = stage(scene)
    emil = browser_of("emil")
    path = f"/kb/articles/{article_id}/edit"
    page = emil.get(path).text
    assert "{customer}" in page
    fields = fields_of(page, path)
    fields["face_280"] = "Call 0711 5566770, please."
    asked = emil.post(path, data=fields)
    assert asked.status_code == 422
    again = fields_of(asked.text, path)
    assert again["face_280"] == fields["face_280"]
    digest = next(name for name in again if name.startswith("find-")).removeprefix("find-")
    del again[f"find-{digest}"]
    without_reason = emil.post(path, data={**again, f"find-{digest}": "keep"})
    assert without_reason.status_code == 422
    assert "Please say why it stays." in without_reason.text
    saved = emil.post(path, data={**again, f"find-{digest}": "keep", f"why-{digest}": "Our hotline."})
    assert saved.status_code == 303

    def kept(_world: World) -> str:
        one = select(Face.text).where(Face.kind == "280", Face.is_informal.is_(False))
        return str(db.session.scalars(one).one())

    assert stage(kept) == fields["face_280"]
    assert stage(lambda _world: db.session.get_one(Article, article_id).published is not None)
