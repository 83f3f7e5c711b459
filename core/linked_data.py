"""What search engines are told of a page, as JSON-LD (json-ld.org, schema.org): data that no browser runs.

A script element whose type is no kind of script is a data block (HTML Standard, 4.12.1, "prepare the script element"):
the Content-Security-Policy is not asked for it, and Trusted Types guard only what scripts write into a page.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup

CONTEXT: Final = "https://schema.org"
Thing = dict[str, Any]

# Nothing that somebody wrote can end the element or begin another: these signs mean the same in JSON when escaped. The
# last two end a line in older scripts.
_ESCAPED: Final = str.maketrans(
    {"<": r"\u003c", ">": r"\u003e", "&": r"\u0026", "\u2028": r"\u2028", "\u2029": r"\u2029"}
)


def thing(kind: str, **told: Any) -> Thing:
    """Return a thing of this kind with what is known of it: None, empty texts and empty lists are left out."""
    return {"@type": kind, **{name: value for name, value in told.items() if value not in (None, "", [])}}


def moment(at: datetime | None) -> str | None:
    """Return a time as ISO 8601 has it, in UTC."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def script(told: Thing) -> Markup:
    """Return the element that carries a thing, for the end of its page."""
    text = json.dumps({"@context": CONTEXT, **told}, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPED)
    return Markup(f'<script type="application/ld+json">{text}</script>')  # noqa: S704 -- every sign that means something in HTML is escaped above
