"""What can stand open in the short texts of articles, and what of it the article itself knows."""

import re
from collections.abc import Mapping
from typing import Any, Final

from flask_babel import lazy_gettext

from core import variables

VARIABLES: Final[Mapping[str, Any]] = {
    "customer": lazy_gettext("the customer’s name"),
    "agent": lazy_gettext("your name"),
    "link": lazy_gettext("the address of the article"),
    "product": lazy_gettext("the product that the article applies to"),
    "version": lazy_gettext("its version"),
}
LONGEST: Final[Mapping[str, str]] = {
    "customer": "n" * 30,
    "agent": "n" * 30,
    "product": "n" * 40,
    "version": "n" * 12,
}
"""As long as a value may reasonably be: a text is counted with these, or with its defaults where these are longer."""

_VERSION: Final = re.compile(
    r"(?:^|\s)(?:(?:version|v\.?)\s{0,3}(\d[\w.]{0,15})|(\d{1,6}\.\d[\w.]{0,15}))$", re.IGNORECASE
)


def values_of(environment: str, url: str) -> dict[str, str]:
    """Return what an article knows of its variables: `environment` is what it applies to, products first."""
    first = environment.split(",", maxsplit=1)[0].strip()
    version = _VERSION.search(first)
    product = first[: version.start()].strip() if version else first
    return {
        "link": url,
        "product": product or first,
        "version": (version[1] or version[2]) if version and product else "",
    }


def filled(text: str, values: Mapping[str, str], *, leaves_open: bool = False) -> str:
    """Return a short text with what is known; what has neither value nor default vanishes, or stays open."""
    return variables.fill(text, values, known=VARIABLES, leaves_open=leaves_open)


def extremes(text: str, url: str) -> tuple[str, str]:
    """Return the text as long as it may reasonably become, and with its defaults."""
    full, _ = variables.extremes(text, {**LONGEST, "link": url})
    return full, filled(text, {"link": url})


def check(text: str) -> None:
    """Raise `Invalid` where something in the text can never be filled in."""
    variables.check(text, known=VARIABLES)


def left_open(text: str) -> list[str]:
    """Return what still waits for somebody to fill it in."""
    return variables.left_open(text, known=VARIABLES)


def escaped(text: str) -> str:
    """Return what the rules drafted so that nothing in it is a variable."""
    return variables.escaped(text, known=VARIABLES)
