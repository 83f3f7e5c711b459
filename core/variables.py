r"""Variables in texts that are kept to be used again: what is filled in where such a text is used.

    {customer}                  the value; without one it stays open or vanishes, as who fills it in says
    {customer|Sir or Madam}     the value, or these words where there is none
    {?customer}Dear {customer},{/customer}      only where there is a value
    {!customer}Hello,{/customer}                only where there is none
    \{customer}                 no variable, but these characters

Which names there are is said by those who use this. What is not known stays as it is; a value is never read again as
a text with variables.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

from flask_babel import gettext

from core.errors import Invalid

LONGEST_VALUE: Final = 80
_NAME: Final = r"[a-z]{1,30}"
_TOKEN: Final = re.compile(
    rf"\\\{{"
    rf"|\{{(?P<sign>[?!])(?P<of>{_NAME})\}}(?P<part>.*?)\{{/(?P=of)\}}"
    rf"|(?P<gap> ?)\{{(?P<name>{_NAME})(?:\|(?P<default>[^{{}}\n]{{0,200}}))?\}}",
    re.DOTALL,
)
_CALLED: Final = re.compile(r"(?<![\\$])\{[?!/]?([A-Za-z_]{1,30})(?=[|}])")
_MANY_LINES: Final = re.compile(r"\n{3,}")


def fill(text: str, values: Mapping[str, str], *, known: Collection[str], leaves_open: bool = False) -> str:
    """Return the text with the values; a value that is missing or empty has its default stand there.

    Without a default `{name}` stays for a person to fill in where `leaves_open`, and vanishes otherwise.
    """
    if "{" not in text:
        return text
    given = {name: " ".join(value.split()) for name, value in values.items() if value.strip()}

    def filled(found: re.Match[str]) -> str:
        if found["of"] is not None:
            if found["of"] not in known:
                return found[0]
            is_wanted = (found["of"] in given) == (found["sign"] == "?")
            return _TOKEN.sub(filled, found["part"]) if is_wanted else ""
        name = found["name"]
        if name is None:
            return "{"
        if name not in known or (leaves_open and name not in given and not found["default"]):
            return found[0]
        value = given.get(name) or found["default"] or ""
        return found["gap"] + value if value else ""

    return _MANY_LINES.sub("\n\n", _TOKEN.sub(filled, text)).strip("\n")


def extremes(text: str, longest: Mapping[str, str]) -> tuple[str, str]:
    """Return the text with the longest reasonable values, and with none: one of them is the longest it gets."""
    return fill(text, longest, known=longest), fill(text, {}, known=longest)


def check(text: str, *, known: Collection[str]) -> None:
    """Raise `Invalid` where a variable is not known, or is written so that nobody could fill it in."""
    names = ", ".join(f"{{{name}}}" for name in known)
    for name in _CALLED.findall(text):
        if name not in known:
            raise Invalid(
                gettext(
                    "There is no variable {%(name)s}. These are known: %(names)s. For plain braces write \\{%(name)s}.",
                    name=name,
                    names=names,
                )
            )
    if open_ones := left_open(_without_tokens(text, known), known=known):
        raise Invalid(
            gettext(
                "“%(words)s” is not complete. A variable looks like {customer|there}, a part that may vanish like "
                "{?customer}Dear {customer},{/customer}.",
                words=open_ones[0],
            )
        )


def left_open(text: str, *, known: Collection[str]) -> list[str]:
    """Return what still looks like one of these variables, each once, as it stands there."""
    if "{" not in text or not known:
        return []
    pattern = re.compile(
        rf"(?<!\$)\{{\s{{0,3}}[?!/]?\s{{0,3}}(?:{'|'.join(known)})(?![A-Za-z0-9_])[^{{}}\n]{{0,40}}\}}?"
    )
    return list(dict.fromkeys(found.strip() for found in pattern.findall(text)))


def escaped(text: str, *, known: Collection[str]) -> str:
    """Return the text so that nothing in it is a variable, whatever braces it has."""
    if "{" not in text:
        return text
    return re.sub(rf"\\?\{{(?=[?!/]?(?:{'|'.join(known)})[|}}])|\\\{{", lambda found: "\\" + found[0], text)


def _without_tokens(text: str, known: Collection[str]) -> str:
    def gone(found: re.Match[str]) -> str:
        if found["of"] is not None:
            return _without_tokens(found["part"], known) if found["of"] in known else found[0]
        return "" if found["name"] is None or found["name"] in known else found[0]

    return _TOKEN.sub(gone, text)
