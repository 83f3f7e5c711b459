"""Run as a program: reads a picture from standard input, draws it anew, and writes it to standard output.

It knows nothing of the house. What goes in comes from strangers and meets decoders written in C, so that happens in a
process of its own with little memory, little time, no secrets and no file that it may write. What comes out is made of
the pixels alone: no place, no camera, no name, no comment, no second picture behind the first.
"""

import io
import resource
import struct
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as Pixels

HEADER = struct.Struct(">4sHH")
"""Kind, width and height; the picture follows."""

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 10

LONGEST_EDGE = 2560
"""Pixels; a larger picture is drawn smaller, in the same shape."""
NARROWEST = 100
"""What is more than so many times as long as wide shows nothing, and drawn smaller it would have no width at all."""

FINE, NO_PICTURE, TOO_LARGE, MOVING = 0, 3, 4, 5
"""How the process ends. With any other status it broke off: Pillow has no one word for a picture that is damaged."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_INTO = {"PNG": "PNG", "GIF": "PNG", "JPEG": "JPEG", "MPO": "JPEG", "WEBP": "WEBP"}
"""A JPEG with a second one behind it, as some cameras make them, is called MPO."""
_KINDS = {"PNG": b"png", "JPEG": b"jpg", "WEBP": b"webp"}


def main(megapixels: int) -> int:
    """Draw one picture and return the status."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        resource.setrlimit(what, (most, most))
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # the size is asked for below, before anything is unpacked
    try:
        given = Image.open(io.BytesIO(sys.stdin.buffer.read()), formats=_FORMATS)
    except UnidentifiedImageError:
        return NO_PICTURE
    width, height = given.size
    if width * height > megapixels * 1_000_000 or max(width, height) > min(width, height) * NARROWEST:
        return TOO_LARGE
    if given.format != "MPO" and getattr(given, "is_animated", False):
        return MOVING
    _write(_drawn(given), _INTO[str(given.format)])
    return FINE


def _drawn(given: "Pixels") -> "Pixels":
    """Return the pixels, upright and not too many, without anything that came along with them."""
    from PIL import Image, ImageOps

    given.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))  # a large photo is unpacked at half its size or less
    upright = ImageOps.exif_transpose(given)
    pixels = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    pixels.thumbnail((LONGEST_EDGE, LONGEST_EDGE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    bare = Image.new(pixels.mode, pixels.size)
    bare.paste(pixels)
    return bare


def _write(drawn: "Pixels", kind: str) -> None:
    how = {"JPEG": {"quality": 85, "optimize": True, "progressive": True}, "WEBP": {"quality": 90}, "PNG": {}}[kind]
    out = io.BytesIO()
    drawn.save(out, kind, **how)
    sys.stdout.buffer.write(HEADER.pack(_KINDS[kind], *drawn.size) + out.getvalue())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
