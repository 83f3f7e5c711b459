"""What a macro made is kept: the rows of lists and the posts of strangers are the same on many pages.

A macro that is imported without context knows nothing but its arguments, the language and where the site is mounted, so
these are the key, and what is kept is never out of date. What depends on the moment ("3 hours ago") is an argument.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, request
from markupsafe import Markup

from core import i18n

MOST_CHARACTERS: Final = 2 << 20
LARGEST: Final = 16 << 10
"""A longer piece is made again each time: it would take the place of many."""
_DIGEST_BYTES: Final = 16

_pieces: OrderedDict[bytes, Markup] = OrderedDict()
_lock = threading.Lock()
_held = 0


def init_app(app: Flask) -> None:
    app.add_template_global(kept)


def kept(macro: Callable[..., Markup], *given: Any) -> Markup:
    """Return what the macro makes of these plain values (numbers, texts, lists and dictionaries of them)."""
    key = _key(macro, given)
    with _lock:
        piece = _pieces.get(key)
        if piece is not None:
            _pieces.move_to_end(key)
            return piece
    piece = macro(*given)
    if len(piece) <= LARGEST:
        _keep(key, piece)
    return piece


def _key(macro: Any, given: tuple[Any, ...]) -> bytes:
    # The macro by itself, not by its name: after a change of the template in debug mode it is another one.
    told = repr((id(macro), macro.name, i18n.locale(), request.script_root, given))
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()


def _keep(key: bytes, piece: Markup) -> None:
    global _held  # noqa: PLW0603 -- one shelf for the process
    with _lock:
        if key in _pieces:  # another thread was quicker
            return
        _pieces[key] = piece
        _held += len(piece)
        while _held > MOST_CHARACTERS:
            _held -= len(_pieces.popitem(last=False)[1])
