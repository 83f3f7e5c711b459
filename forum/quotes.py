"""What a person wrote in a mail, without the mail they answered and without their signature.

The library `mail-parser-reply` knows how German and English mail programs announce a quotation. It is asked only where
the answer ends: it takes indentation away, which Markdown needs, and its patterns are slow on long lines and on many
empty ones. So it is shown a short form of every line, and the lines themselves are returned.
"""

import re
from typing import Final

from mailparser_reply import EmailMessage

LANGUAGES: Final = ("de", "en")
MOST_LINES: Final = 600
LONGEST_LINE: Final = 240
"""So much of a line is looked at; what announces a quotation is shorter."""
LONGEST_SHOWN: Final = 110
"""The same for the library, whose time grows with the third power of a line's length."""
LONGEST_CLOSING: Final = 10
"""Lines of a farewell with name, address and telephone; more is what somebody wanted to say."""
MOST_WORDS: Final = 4
"""Words in the first line of a farewell: "Viele Grüße aus Köln"."""

_ANNOUNCED: Final = re.compile(
    # What the library does not know: Thunderbird's and Apple's German words, with a date and no comma before the name.
    r"^(?:Am [^\n]{4,200}(?:schrieb|hat)\b[^\n]{0,200}:|"
    r"On [^\n]{4,200}\bwrote:|"
    r"-{2,} ?(?:Ursprüngliche Nachricht|Originalnachricht|Original Message|Weitergeleitete Nachricht) ?-{2,}|"
    r"_{20,}|"
    r"(?:Von|From): [^\n]{1,200}@[^\n]{1,200})$"
)
_SIGNED: Final = re.compile(
    r"^(?:Von meinem \w[\w ]{0,40} gesendet\.?|Gesendet von [^\n]{1,60}|Gesendet mit [^\n]{1,60}|"
    r"Diese Nachricht wurde von [^\n]{1,60} gesendet\.?|Sent from [^\n]{1,60}|Sent with [^\n]{1,60}|"
    r"Get Outlook for [^\n]{1,40}|Holen Sie sich Outlook für [^\n]{1,40})$",
    re.IGNORECASE,
)


def trimmed(text: str) -> str:
    """Return what was written above the quotation and the signature, its Markdown untouched."""
    return parted(text)[0]


def parted(text: str) -> tuple[str, str]:
    """Return what was written above the quotation and the signature, and these with whatever follows them."""
    whole = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ").split("\n")
    lines = _until_announced(whole[:MOST_LINES])
    kept = lines[: _length_by_library(lines)]
    while kept and (not kept[-1].strip() or kept[-1].lstrip().startswith(">")):
        kept.pop()  # a quotation that nothing announces, and the empty lines before it
    rest = "\n".join(line.rstrip() for line in whole[len(kept) :]).strip("\n")
    while kept and not kept[0].strip():
        kept.pop(0)
    return "\n".join(line.rstrip() for line in kept), rest


def _until_announced(lines: list[str]) -> list[str]:
    for place, line in enumerate(lines):
        short = line.strip()[:LONGEST_LINE]
        following = lines[place + 1].strip()[:LONGEST_LINE] if place + 1 < len(lines) else ""
        # A date and a name often take two lines; programs break them anywhere.
        is_broken = short.startswith(("Am ", "On ")) and _ANNOUNCED.match(f"{short} {following}")
        if line.rstrip("\n") in {"-- ", "--"} or _ANNOUNCED.match(short) or is_broken or _SIGNED.match(short):
            return lines[:place]
    return lines


def _length_by_library(lines: list[str]) -> int:
    """Return how many lines the library takes for the answer itself."""
    shown = [line.strip()[:LONGEST_SHOWN] for line in lines]
    places = [place for place, line in enumerate(shown) if line]
    asked = "\n".join(shown[place] for place in places)
    reply = EmailMessage(text=asked, languages=list(LANGUAGES), keep_hyphen_lists=True).read().replies[0]
    # Not its `body`: that is without disclaimers, too, for which it takes sentences about mail that begin with "Note:".
    content = reply.content.split("\n") if reply.content else []
    closing = reply.signatures.split("\n") if reply.signatures else []
    if closing and content[-len(closing) :] == closing and _is_closing(closing):
        content = content[: -len(closing)]
    count = 0
    while count < len(content) and count < len(places) and content[count].strip() == shown[places[count]]:
        count += 1
    return places[count - 1] + 1 if count else 0


def _is_closing(lines: list[str]) -> bool:
    """Tell a farewell from a sentence that begins like one: "Thanks, that was it. Now the light is green."."""
    return (
        len(lines) <= LONGEST_CLOSING
        and len(lines[0].split()) <= MOST_WORDS
        and (lines[0][-1:] not in {".", "?"} or lines[0].startswith("--"))
    )
