"""Pictures from strangers: drawn anew from their pixels, in a process that may fail."""

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from flask_babel import gettext

from core import pictures_child as child
from core.errors import Invalid, Unavailable
from core.web import MEGABYTE

Kind = Literal["png", "jpg", "webp"]
MEDIA_TYPES: dict[Kind, str] = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}

AT_ONCE = 2
"""Each may need half a gigabyte for a moment."""
WALL_SECONDS = 30

_room = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture made of nothing but its pixels; `width` and `height` in pixels."""

    kind: Kind
    width: int
    height: int
    content: bytes


def redraw(content: bytes, *, megabytes: int, megapixels: int) -> Picture:
    """Return the picture, drawn anew: upright, at most 2,560 pixels long, without anything that is not its pixels.

    Takes PNG, JPEG, WebP and a still GIF, whatever its name says. Raises `Invalid` with a sentence for what is too
    large, moves, or is no picture, and `Unavailable` when others are drawn for too long.
    """
    if len(content) > megabytes * MEGABYTE:
        raise too_heavy(megabytes)
    if not content.startswith(_BEGINNINGS):
        raise _no_picture()
    if not _room.acquire(timeout=WALL_SECONDS):
        raise Unavailable
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter and our own file
            [sys.executable, "-m", child.__name__, str(megapixels)],
            cwd=Path(__file__).parents[1],
            input=content,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ.get("PATH", "")},  # no secrets
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable from None
    finally:
        _room.release()
    if done.returncode == child.TOO_LARGE:
        raise Invalid(
            gettext("This picture is too large or too narrow: up to %(most)s megapixels fit.", most=megapixels)
        )
    if done.returncode == child.MOVING:
        raise Invalid(gettext("Moving pictures are not taken. A single picture of it is."))
    if done.returncode != child.FINE:
        raise _no_picture()
    kind, width, height = child.HEADER.unpack_from(done.stdout)
    return Picture(cast("Kind", kind.rstrip(b"\0").decode()), width, height, done.stdout[child.HEADER.size :])


def too_heavy(megabytes: int) -> Invalid:
    return Invalid(gettext("This picture is too large: up to %(most)s MB fit.", most=megabytes))


def _no_picture() -> Invalid:
    return Invalid(gettext("This is no picture that can be read here. PNG, JPEG, WebP and still GIF can."))


# What nobody took for a picture need not be given to a decoder. The decoder itself decides what it is.
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF", b"GIF87a", b"GIF89a")
