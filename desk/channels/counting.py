"""How much services take; how they count is in `core.counting`."""

from collections.abc import Mapping
from typing import Any, Final

from core.counting import COUNTINGS, URL_LENGTH, Measure

KNOWN: Final[Mapping[str, Measure]] = {
    "mastodon": Measure(500, "mastodon"),
    "x": Measure(280, "weighted"),
    "bluesky": Measure(300, "bluesky", 3000),
    "facebook": Measure(8000),
    "instagram": Measure(2200),
    "telegram": Measure(4096),
    "whatsapp": Measure(4096),
    "youtube": Measure(10_000),
    "reddit": Measure(10_000),
    "mail": Measure(None),
    "email": Measure(None),
}
"""By the slug of the channel, `-` and what follows left off: `mastodon-support` counts like `mastodon`."""
IN_PRIVATE: Final[Mapping[str, Measure]] = {
    "bluesky": Measure(1000, "bluesky", 10_000),
}
"""By the kind of the channel, where a private message takes another length than what everybody reads."""
OTHERWISE: Final = Measure(500)


def measure(slug: str, settings: Mapping[str, Any] | None = None, *, kind: str = "", is_public: bool = True) -> Measure:
    """Return how a channel counts: as its settings say (`limit`, 0 for none; `counting`), else as its service does.

    Where the server published its own limits (`desk.limits`), these come before what the service usually takes.
    """
    settings = settings or {}
    usual = None if is_public else IN_PRIVATE.get(kind)
    usual = usual or KNOWN.get(slug) or KNOWN.get(slug.partition("-")[0]) or KNOWN.get(kind) or OTHERWISE
    limit, counting = settings.get("limit"), str(settings.get("counting"))
    published = settings.get("published") or {}
    return Measure(
        (published.get("limit") or usual.limit) if limit is None else int(limit) or None,
        counting if counting in COUNTINGS else usual.counting,
        usual.longest_bytes,
        published.get("url_length") or URL_LENGTH,
    )
