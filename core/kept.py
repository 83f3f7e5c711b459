"""What a macro made is kept: the rows of lists and the posts of strangers are the same on many pages.

A macro that is imported without context knows nothing but its arguments, the language and where the site is mounted, so
these are the key, and what is kept is never out of date. What depends on the moment ("3 hours ago") is an argument.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, current_app, request
from markupsafe import Markup

from core import i18n

MOST_CHARACTERS: Final = 2 << 20
LARGEST: Final = 16 << 10
"""A longer piece is made again each time: it would take the place of many."""
_DIGEST_BYTES: Final = 16

_macros: dict[int, Any] = {}
"""Those that were looked at, by `id`; as they stay here, nothing else ever has theirs."""
_pieces: OrderedDict[bytes, Markup] = OrderedDict()
_lock = threading.Lock()
_held = 0


def init_app(app: Flask) -> None:
    app.add_template_global(kept)


def kept(macro: Callable[..., Markup], *given: Any) -> Markup:
    """Return what the macro makes of these plain values (numbers, texts, lists and dictionaries of them).

    `TypeError` says that the macro knows more than these: it stands on the page itself, or was imported with context.
    """
    if id(macro) not in _macros:
        _refuse_context(macro)
        _macros[id(macro)] = macro
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


def _refuse_context(macro: Any) -> None:
    """Raise `TypeError` unless this is the macro that everybody gets who imports it without context."""
    name = macro._func.__globals__["name"]  # noqa: SLF001 -- Jinja's macros do not say otherwise where they are from
    module = None if name is None else current_app.jinja_env.get_template(name).module
    if getattr(module, macro.name, None) is not macro:
        sentence = f"kept() takes macros that are imported without context; {macro.name} of {name} has one"
        raise TypeError(sentence)


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
