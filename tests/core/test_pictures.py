"""Pictures are drawn anew: nothing but their pixels survives, and what is too much is refused before it is unpacked."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from core import pictures
from core.errors import Invalid
from core.pictures import Picture

ORIENTATION, MAKE, GPS = 0x0112, 0x010F, 0x8825
SECRET = b"Wackersdorf"


@pytest.fixture(autouse=True)
def context(app: Flask) -> Iterator[None]:
    with app.app_context():
        yield


def encoded(image: Image.Image, kind: str, **how: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def redrawn(content: bytes, *, megabytes: int = 5, megapixels: int = 25) -> Picture:
    return pictures.redraw(content, megabytes=megabytes, megapixels=megapixels)


def opened(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.content))


def half_red(size: tuple[int, int] = (40, 20), mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new(mode, size, "blue")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2 - 1, size[1]), fill="red")
    return image


def secrets() -> Image.Exif:
    exif = Image.Exif()
    exif[MAKE] = SECRET.decode()
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[2] = (49.0, 19.0, 0.0)
    return exif


@pytest.mark.parametrize(
    ("given", "kind", "drawn"),
    [("PNG", "png", "PNG"), ("JPEG", "jpg", "JPEG"), ("WEBP", "webp", "WEBP"), ("GIF", "png", "PNG")],
)
def test_a_picture_of_each_kind_comes_out_as_what_it_says(given: str, kind: str, drawn: str) -> None:
    picture = redrawn(encoded(half_red(), given))
    assert (picture.kind, picture.width, picture.height) == (kind, 40, 20)
    image = opened(picture)
    assert (image.format, image.size) == (drawn, (40, 20))
    red, _, blue = image.convert("RGB").getpixel((5, 10))  # type: ignore[misc]
    assert red > 200
    assert blue < 60


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_place_camera_comments_and_profiles_do_not_survive(kind: str) -> None:
    how: dict[str, Any] = {"exif": secrets(), "icc_profile": SECRET * 20, "xmp": b"<x>" + SECRET + b"</x>"}
    if kind == "PNG":
        how["pnginfo"] = PngInfo()
        how["pnginfo"].add_text("Comment", SECRET.decode())
    if kind == "JPEG":
        how["comment"] = SECRET
    content = encoded(half_red(), kind, **how)
    assert SECRET in content, "the picture that is given has something to lose"
    picture = redrawn(content)
    assert SECRET not in picture.content
    assert not opened(picture).getexif()
    assert not set(opened(picture).info) & {"exif", "icc_profile", "comment", "Comment", "xmp"}


def test_what_is_hidden_behind_a_picture_does_not_survive() -> None:
    assert b"<script>" not in redrawn(encoded(half_red(), "PNG") + b"<script>alert(1)</script>").content


def test_a_photo_taken_sideways_is_turned_before_it_forgets_how_it_was_held() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6  # to be turned right by a quarter: what was left is then on top
    picture = redrawn(encoded(half_red(), "JPEG", exif=exif))
    assert (picture.width, picture.height) == (20, 40)
    red, _, blue = opened(picture).getpixel((10, 5))  # type: ignore[misc]
    assert red > 200
    assert blue < 60


def test_holes_stay_holes() -> None:
    picture = redrawn(encoded(Image.new("RGBA", (9, 9), (255, 0, 0, 40)), "PNG"))
    assert opened(picture).getpixel((4, 4)) == (255, 0, 0, 40)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16"])
def test_every_kind_of_pixel_is_understood(mode: str) -> None:
    assert redrawn(encoded(Image.new(mode, (9, 9)), "PNG")).width == 9


def test_a_large_picture_is_drawn_smaller_in_the_same_shape() -> None:
    picture = redrawn(encoded(Image.new("RGB", (5000, 2500)), "JPEG"))
    assert (picture.width, picture.height) == (2560, 1280) == opened(picture).size


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = encoded(Image.new("1", (30_000, 30_000)), "PNG")
    assert len(bomb) < 200_000
    with pytest.raises(Invalid, match="25 megapixels"):
        redrawn(bomb)


def test_a_liar_about_its_size_is_no_picture() -> None:
    content = bytearray(encoded(half_red(), "PNG"))
    content[16:24] = (4000).to_bytes(4, "big") + (4000).to_bytes(4, "big")
    with pytest.raises(Invalid, match="no picture"):
        redrawn(bytes(content))


def test_what_has_more_bytes_than_fit_is_refused_unread() -> None:
    with pytest.raises(Invalid, match="1 MB"):
        redrawn(b"\xff\xd8\xff" + b"\0" * 1024 * 1024, megabytes=1)


def test_a_thread_is_no_picture() -> None:
    with pytest.raises(Invalid, match="too narrow"):
        redrawn(encoded(Image.new("RGB", (5000, 1)), "PNG"))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_moving_pictures_are_refused(kind: str) -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(Invalid, match="Moving"):
        redrawn(content)


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "ICO", "PPM", "TGA", "PDF", "EPS"])
def test_other_kinds_are_refused(kind: str) -> None:
    with pytest.raises(Invalid, match="no picture"):
        redrawn(encoded(half_red(), kind))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + b"x" * 1000,
        b"\xff\xd8\xff\xe0" + b"\0" * 1000,
        b"GIF89a" + b"\xff" * 1000,
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b"RIFF\x10\0\0\0WAVEfmt ",
    ],
    ids=["nothing", "words", "svg", "only a beginning", "junk png", "junk jpeg", "junk gif", "cut webp", "sound"],
)
def test_what_is_no_picture_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(Invalid, match="no picture"):
        redrawn(content)


def test_a_picture_cut_off_is_refused() -> None:
    whole = encoded(Image.effect_noise((300, 300), 50), "PNG")
    with pytest.raises(Invalid, match="no picture"):
        redrawn(whole[: len(whole) // 2])


def test_it_is_drawn_without_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    run = pictures.subprocess.run

    def watched(*args: Any, **kwargs: Any) -> Any:
        seen.update(kwargs["env"])
        return run(*args, **kwargs)

    monkeypatch.setenv("KLINKE_SECRET_KEY", "secret")
    monkeypatch.setattr(pictures.subprocess, "run", watched)
    redrawn(encoded(half_red(), "PNG"))
    assert set(seen) == {"PATH"}
