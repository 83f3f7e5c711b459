"""Pictures over HTTP: brought by themselves or with a form, and served so that they are pictures and nothing else."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from PIL import Image as Pillow

from forum import images, moderation
from forum.views import pictures
from tests.cast import World
from tests.conftest import Browser
from tests.forum.test_images import picture, shown

Stage = Callable[[Callable[[World], Any]], Any]
ADDRESS = r"/uploads/[0-9a-f]{32}-[0-9]+x[0-9]+\.(?:png|jpg|webp)"
TITLE, SOURCE = "Why does the router blink red", "It has been blinking red since the update of this morning."


def file(name: str = "screen.png", size: tuple[int, int] = (40, 20), colour: str = "red") -> tuple[io.BytesIO, str]:
    out = io.BytesIO()
    Pillow.new("RGB", size, colour).save(out, "PNG")
    return io.BytesIO(out.getvalue()), name


def junk(name: str = "virus.png", content: bytes = b"MZ") -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def question(**values: Any) -> dict[str, Any]:
    return {"title": TITLE, "source": SOURCE, "category": "router", "locale": "en", **values}


@pytest.fixture
def alice(stage: Stage, browser_of: Callable[[str], Browser]) -> Browser:
    stage(lambda world: bool(world.everybody() and world.router))
    return browser_of("alice")


def text_in(page: str) -> str:
    found = re.search(r"<textarea[^>]*>\s*(.*?)</textarea>", page, re.DOTALL)
    assert found
    return found[1]


# With script.


def test_a_picture_comes_by_itself_and_answers_with_the_markdown_that_shows_it(alice: Browser) -> None:
    answer = alice.post("/images", data={"picture": file(), "words": "The [red] *light*\nblinks"})
    assert answer.status_code == 201
    assert re.fullmatch(ADDRESS, answer.json["url"])
    assert answer.json["markdown"] == f"![The red light blinks]({answer.json['url']})"
    assert alice.get(answer.json["url"]).status_code == 200


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (dict, "choose a picture"),
        (lambda: {"picture": "no file"}, "choose a picture"),
        (lambda: {"picture": (io.BytesIO(b""), "")}, "choose a picture"),
        (lambda: {"picture": junk()}, "no picture"),
    ],
)
def test_what_cannot_be_taken_is_told_as_a_problem(
    alice: Browser, data: Callable[[], dict[str, Any]], sentence: str
) -> None:
    answer = alice.post("/images", data=data())
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert sentence in answer.json["detail"]


def heavy(size: int) -> dict[str, Any]:
    """A form with a file of so many bytes. A test client would leave a temporary one open."""
    head = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a.jpg"\r\n\r\n\xff\xd8\xff'
    return {"data": head + b"\0" * size + b"\r\n--x--\r\n", "content_type": "multipart/form-data; boundary=x"}


def test_a_heavy_picture_is_told_as_a_problem(alice: Browser) -> None:
    answer = alice.post("/images", **heavy(6_000_000))
    assert answer.status_code == 422
    assert "5 MB" in answer.json["detail"]


def test_more_than_fits_into_a_request_is_not_even_read(alice: Browser) -> None:
    answer = alice.post("/images", **heavy(22_000_000))
    assert answer.status_code == 413
    assert "20 MB" in answer.text
    assert alice.post("/preview", **heavy(300_000)).status_code == 413, "nobody else takes as much"


# Without script.


def test_pictures_come_with_a_question_and_stand_at_its_end(alice: Browser, guest: Browser) -> None:
    answer = alice.post(
        "/topics",
        data=question(pictures=[file(), file(colour="blue")], picture_words="The light"),
        follow_redirects=True,
    )
    assert answer.status_code == 200
    found = re.findall(rf'<img alt="The light" height="20" src="({ADDRESS})" width="40" loading="lazy">', answer.text)
    assert len(found) == 2
    for address in found:
        assert guest.get(address).status_code == 200


def test_pictures_come_with_an_answer_and_with_an_edit(alice: Browser, stage: Stage, guest: Browser) -> None:
    topic_id = stage(lambda world: world.ask().id)
    alice.post(f"/topics/{topic_id}/answers", data={"source": "It looked like this.", "pictures": file()})
    page = guest.get(f"/t/{topic_id}", follow_redirects=True).text
    assert len(re.findall(rf'src="{ADDRESS}"', page)) == 1
    form = alice.get("/posts/1/edit").text
    assert 'name="pictures"' in form
    assert 'enctype="multipart/form-data"' in form
    alice.post(
        "/posts/1/edit",
        data={"title": TITLE, "source": SOURCE, "version": "1", "pictures": file(colour="blue"), "picture_words": "x"},
    )
    page = guest.get(f"/t/{topic_id}", follow_redirects=True).text
    assert len(re.findall(rf'src="{ADDRESS}"', page)) == 2


@pytest.mark.parametrize("wrong", [{"title": "Why"}, {"do": "preview"}, {"do": "similar"}])
def test_a_picture_is_kept_when_the_form_comes_back(alice: Browser, wrong: dict[str, str]) -> None:
    page = alice.post("/topics", data=question(pictures=file(), picture_words="The light", **wrong))
    text = text_in(page.text)
    assert re.fullmatch(rf"{SOURCE}\n\n!\[The light\]\({ADDRESS}\)", text)
    found = re.search(ADDRESS, text)
    assert found
    assert alice.get(found[0]).status_code == 200


def test_what_is_no_picture_is_said_at_the_field_and_everything_else_stays(alice: Browser) -> None:
    page = alice.post("/topics", data=question(pictures=[file(), junk("letter.png")]))
    assert page.status_code == 422
    assert "letter.png: This is no picture" in page.text
    assert 'id="pictures-error"' in page.text
    assert len(re.findall(ADDRESS, text_in(page.text))) == 1
    assert TITLE in page.text


def test_a_draft_keeps_its_pictures(alice: Browser) -> None:
    answer = alice.post(
        "/drafts/ask",
        data=question(pictures=[file(), junk()], picture_words="The light", do="keep"),
        follow_redirects=True,
    )
    assert "virus.png: This is no picture" in answer.text
    assert re.search(rf"!\[The light\]\({ADDRESS}\)", text_in(alice.get("/ask").text))


def test_sent_twice_with_the_same_picture_is_one_question(alice: Browser, guest: Browser) -> None:
    places = {
        alice.post("/topics", data=question(pictures=file(), picture_words="Red", once="x" * 22)).headers["Location"]
        for _ in range(2)
    }
    assert len(places) == 1


# How they are served.


def test_a_picture_is_served_as_a_picture_and_nothing_else(alice: Browser, stage: Stage, guest: Browser) -> None:
    name = stage(in_a_question)
    answer = guest.get(f"/uploads/{name}")
    assert answer.content_type == "image/png"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == pictures.ALONE
    assert answer.headers["Content-Disposition"] == f'inline; filename="{name}"'
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Set-Cookie" not in answer.headers
    again = guest.get(f"/uploads/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def in_a_question(world: World) -> str:
    image = images.keep(picture(), by=world.alice)
    world.ask(source=shown(image))
    return image.name


def test_a_picture_that_not_everybody_sees_is_kept_by_no_cache(
    alice: Browser, stage: Stage, guest: Browser, browser_of: Callable[[str], Browser]
) -> None:
    def scene(world: World) -> str:
        image = images.keep(picture(), by=world.alice)
        moderation.mute(world.ask(source=shown(image)), by=world.ada, reason="Shows a name")
        return f"/uploads/{image.name}"

    address = stage(scene)
    for who in (alice, browser_of("ada")):
        answer = who.get(address)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-cache"
    for nobody in (guest, browser_of("charlie"), browser_of("tina")):
        assert nobody.get(address).status_code == 404


def test_a_file_that_was_lost_is_a_404(app: Flask, alice: Browser, stage: Stage, guest: Browser) -> None:
    name = stage(in_a_question)
    for found in (app.extensions["klinke-settings"].data_dir / "uploads").rglob("*.png"):
        found.unlink()
    assert guest.get(f"/uploads/{name}").status_code == 404


@pytest.mark.parametrize("path", ["/uploads/../klinke.db", "/uploads/%2e%2e%2fsecret_key", "/uploads/", "/uploads/x"])
def test_nothing_else_in_the_folder_is_served(alice: Browser, path: str) -> None:
    assert alice.get(path).status_code == 404


def test_the_form_says_what_fits_and_asks_what_the_picture_shows(alice: Browser) -> None:
    page = alice.get("/ask").text
    assert "up to 5 MB" in page
    assert "What the picture shows" in page
    assert 'data-pictures-url="/images"' in page
