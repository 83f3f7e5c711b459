"""Checks that German is complete: every message has a translation whose placeholders are those of the original.

Run as `python -m tests.translations`; exits with 1 and the missing messages.
"""

import re
import sys
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
PLACEHOLDER = re.compile(r"%\(\w+\)s|%\(\w+\)d|\{\w*\}")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "lazy_gettext": None,
    "_l": None,
    "phrase": None,
    "lazy_phrase": None,
}


def missing() -> list[str]:
    """Return a sentence for each message that German lacks or gets wrong."""
    with (ROOT / "babel.cfg").open() as file:
        mappings, options = parse_mapping_cfg(file)
    with (ROOT / "translations/de/LC_MESSAGES/messages.po").open("rb") as file:
        catalogue = read_po(file, locale="de")
    found: dict[str, str] = {}
    for name, line, message, _comments, _context in extract_from_dir(ROOT, mappings, options, keywords=KEYWORDS):
        first = message[0] if isinstance(message, tuple) else message
        where = f"{name}:{line}"
        if first in found or not first:
            continue
        known = catalogue.get(first)
        forms = known.string if known is not None else ""
        texts = list(forms) if isinstance(forms, tuple) else [forms]
        if known is None or not all(texts) or known.fuzzy:
            found[first] = f"{where}: not translated: {first!r}"
        elif any(set(PLACEHOLDER.findall(text)) - _placeholders(message) for text in texts):
            found[first] = f"{where}: placeholders differ: {first!r} -> {texts!r}"
        elif isinstance(message, tuple) != isinstance(forms, tuple):
            found[first] = f"{where}: plural forms are missing: {first!r}"
        else:
            found[first] = ""
    return [sentence for sentence in found.values() if sentence]


def _placeholders(message: str | tuple[str, ...]) -> set[str]:
    parts = message if isinstance(message, tuple) else (message,)
    return {placeholder for part in parts if part for placeholder in PLACEHOLDER.findall(part)}


if __name__ == "__main__":
    sentences = missing()
    print("\n".join(sentences) or "German is complete.")  # noqa: T201 -- this is a command
    sys.exit(1 if sentences else 0)
