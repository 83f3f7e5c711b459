"""Short texts for channels."""

from typing import Any

import pytest

from core import markup
from core.errors import Invalid, NotAllowed
from core.web import absolute
from kb import addresses, articles, faces, outline, sentences
from kb.models import FACE_KINDS
from tests.cast import World
from tests.kb.shelf import Shelf

URL = "https://help.example.org/kb/7-kein-wlan"
FAMILY = "👩‍👩‍👧‍👦"


def mastodon(text: str) -> int:
    """Count as Mastodon does: every address is 23 characters."""
    return sum(23 if word.startswith("http") else len(word) for word in text.split(" ")) + text.count(" ")


def bytes_of(text: str) -> int:
    return len(text.encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Wählen Sie z. B. Kanal 6. Dann neu starten.", ["Wählen Sie z. B. Kanal 6.", "Dann neu starten."]),
        ("Am 3. Mai ging es los. Seitdem nicht mehr.", ["Am 3. Mai ging es los.", "Seitdem nicht mehr."]),
        ("Press the button, e.g. with a pin! Done?", ["Press the button, e.g. with a pin!", "Done?"]),
        ("Version 7.1 of Dr. Who is out. See www.example.org for it.", None),
        ("Siehe Nr. 4 bzw. Abs. 2. „Fertig.“ Danke.", ["Siehe Nr. 4 bzw. Abs. 2.", "„Fertig.“", "Danke."]),
        ("no end", ["no end"]),
        ("", []),
    ],
)
def test_sentences_end_where_people_end_them(text: str, expected: list[str] | None) -> None:
    wanted = expected or ["Version 7.1 of Dr. Who is out.", "See www.example.org for it."]
    if not text:
        wanted = []
    assert sentences.split(text) == wanted


def test_an_outline_knows_paragraphs_steps_lists_and_code() -> None:
    html = markup.render(
        "Do **this**:\n\n1. One `x`\n2. Two\n    - inner\n\nAnd:\n\n- a\n- b\n\n```\ncode\n  more\n```\n\nThe end."
    )
    assert [(block.kind, block.lines) for block in outline.blocks(html)] == [
        ("text", ("Do this:",)),
        ("steps", ("One x", "Two – inner")),
        ("text", ("And:",)),
        ("list", ("a", "b")),
        ("code", ("code", "  more")),
        ("text", ("The end.",)),
    ]


def test_steps_are_numbered_and_given_whole(shelf: Shelf) -> None:
    revision = shelf.article().revisions[0]
    assert faces.draft(revision, kind="280", url=URL) == (
        "Restart the router, then choose channel 6.\nPull the plug.\n"
        "1. Wait a minute.\n2. Plug it in.\n3. Choose channel 6."
    )


def test_steps_that_do_not_fit_are_left_to_the_article(shelf: Shelf) -> None:
    steps = "\n".join(f"{n}. Press button number {n} for ten seconds." for n in range(1, 9))
    revision = shelf.article(summary="Reset it. It takes a minute.", resolution=steps).revisions[0]
    assert faces.draft(revision, kind="280", url=URL) == "Reset it. It takes a minute."
    assert faces.draft(revision, kind="500", url=URL).endswith("8. Press button number 8 for ten seconds.")


def test_without_steps_whole_sentences_are_taken_as_many_as_fit(shelf: Shelf) -> None:
    told = " ".join(f"Sentence number {n} says something." for n in range(20))
    revision = shelf.article(summary="", resolution=told).revisions[0]
    text = faces.draft(revision, kind="280", url=URL)
    assert told.startswith(text)
    assert text.endswith(".")
    assert len(faces.with_link(text, URL)) <= 280
    assert len(text) > 150


def test_one_sentence_is_one_sentence(shelf: Shelf) -> None:
    assert (
        faces.draft(shelf.article().revisions[0], kind="sentence", url=URL)
        == "Restart the router, then choose channel 6."
    )


def test_a_summary_that_the_text_repeats_is_said_once(shelf: Shelf) -> None:
    revision = shelf.article(summary="Pull the plug.", resolution="Pull the plug. Then wait.").revisions[0]
    assert faces.draft(revision, kind="500", url=URL) == "Pull the plug. Then wait."


@pytest.mark.parametrize("word", ["Überprüfungsgeräteeinstellung", "🧑‍💻" * 5, FAMILY * 3, "e\u0301" * 9, "🇩🇪" * 6])
@pytest.mark.parametrize("count", [len, bytes_of, mastodon])
@pytest.mark.parametrize("limit", [60, 61, 62, 63, 64, 65, 280, 300, 500, 1000])
def test_every_draft_fits_by_the_channels_own_counting(shelf: Shelf, word: str, count: Any, limit: int) -> None:
    revision = shelf.article(summary=f"{word} {word} " * 16, resolution=f"{word} " * 60).revisions[0]
    for kind in FACE_KINDS:
        text = faces.draft(revision, kind=kind, url=URL, count=count, limit=limit)
        assert count(faces.with_link(text, URL)) <= max(limit, count(URL))


def test_what_a_person_sees_as_one_character_is_never_cut_in_two(shelf: Shelf) -> None:
    for character in (FAMILY, "q\u0301", "🇩🇪", "👍🏽"):
        revision = shelf.article(summary=character * 140, resolution="x y z").revisions[0]
        for limit in range(50, 90):
            text = faces.draft(revision, kind="280", url=URL, limit=limit).removesuffix("…")
            assert text == character * (len(text) // len(character))
            assert text or limit < len(URL) + 2 + len(character)


def test_faces_are_drafted_at_publication_for_every_kind(world: World, shelf: Shelf) -> None:
    article = shelf.article()
    assert article.faces == []
    articles.publish(article, by=world.emil)
    assert {face.kind for face in article.faces} == set(FACE_KINDS)
    url = absolute(addresses.of_article(article))
    for face in article.faces:
        assert face.is_drafted
        assert face.revision_id == article.published_id
        assert url not in face.text
        assert len(faces.with_link(face.text, url)) <= faces.LIMITS[face.kind]


def test_what_a_person_wrote_stays_at_the_next_publication_the_rest_is_drafted_anew(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    faces.write(article, kind="280", text="My own words.", by=world.emil)
    words = {**articles.words_of(article.published), "summary": "Only restart it."}
    articles.revise(article, by=world.emil, **words)
    articles.publish(article, by=world.emil)
    by_kind = {face.kind: face for face in article.faces}
    assert by_kind["280"].text == "My own words."
    assert by_kind["280"].by_id == world.emil.id
    assert faces.is_outdated(by_kind["280"], article)
    assert by_kind["sentence"].text == "Only restart it."
    assert not faces.is_outdated(by_kind["sentence"], article)


def test_an_emptied_face_is_drafted_again(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    faces.write(article, kind="sentence", text="My own words.", by=world.emil)
    faces.write(article, kind="sentence", text="", by=world.emil)
    face = next(face for face in article.faces if face.kind == "sentence")
    assert (face.text, face.is_drafted) == ("Restart the router, then choose channel 6.", True)


def test_a_face_must_fit_with_the_address(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    room = 280 - 1 - 23  # whatever its address, X counts 23
    faces.write(article, kind="280", text="x" * room, by=world.emil)
    with pytest.raises(Invalid) as refusal:
        faces.write(article, kind="280", text="x" * (room + 1), by=world.emil)
    assert list(refusal.value.fields) == ["face_280"]
    with pytest.raises(NotAllowed):
        faces.write(article, kind="280", text="Mine.", by=world.dora)


def test_the_richest_face_that_fits_is_taken(world: World, shelf: Shelf) -> None:
    long = " ".join(f"Sentence number {n} says something useful." for n in range(60))
    article = shelf.published(summary="Short.", resolution=long)
    assert faces.text_for(article, limit=None, url=URL)[0] == "mail"
    for limit, kind in ((1000, "1000"), (999, "500"), (500, "500"), (300, "300"), (299, "280"), (280, "280")):
        taken, text = faces.text_for(article, limit=limit, url=URL)
        assert taken == kind
        assert text.endswith(" " + URL)
        assert len(text) <= limit


def test_a_short_channel_gets_a_text_of_its_own_length(shelf: Shelf) -> None:
    article = shelf.published()
    kind, text = faces.text_for(article, limit=60, url=URL)
    assert (kind, len(text) <= 60, text.endswith(URL)) == ("sentence", True, True)
    assert text.startswith("Restart the")
    assert faces.text_for(article, limit=10, url=URL) == ("sentence", URL)


def test_the_written_text_comes_before_the_drafted_one_unless_it_wastes_the_room(world: World, shelf: Shelf) -> None:
    article = shelf.published(resolution="This helps. " * 100)
    faces.write(article, kind="300", text="A person says it better.", by=world.emil)
    assert faces.text_for(article, limit=500, url=URL) == ("300", f"A person says it better. {URL}")
    assert faces.text_for(article, limit=300, url=URL)[0] == "300"
    assert faces.text_for(article, limit=280, url=URL)[0] == "300"
    assert faces.text_for(article, limit=None, url=URL)[0] == "mail"
    assert faces.text_for(article, limit=1000, url=URL)[0] == "1000"


def test_an_article_without_stored_faces_gets_one_on_the_fly(world: World, shelf: Shelf) -> None:
    article = shelf.published()
    for face in list(article.faces):
        article.faces.remove(face)
    kind, text = faces.text_for(article, limit=500, count=mastodon, url=URL)
    assert kind == "500"
    assert "3. Choose channel 6." in text
    assert mastodon(text) <= 500


def test_the_best_stored_face_is_the_longest_that_fits(shelf: Shelf) -> None:
    article = shelf.published(resolution="This helps, says everybody here. " * 100)
    assert faces.best(article, limit=None, url=URL).kind == "mail"
    assert faces.best(article, limit=500, count=mastodon, url=URL).kind == "500"
    assert faces.best(article, limit=5, url=URL) is None


def test_the_address_is_on_a_line_of_its_own_beneath_steps() -> None:
    assert faces.with_link("One.\n1. Two.", URL) == f"One.\n1. Two.\n{URL}"
    assert faces.with_link("One.", URL) == f"One. {URL}"
    assert faces.with_link("", URL) == URL
    assert faces.with_link(f"Read {URL} first.", URL) == f"Read {URL} first."
