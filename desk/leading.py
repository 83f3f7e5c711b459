"""Links in a draft that lead the customer nowhere, or to where only the house can go."""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from flask_babel import gettext

from core import http
from core.settings import current_settings
from desk.objections import Draft, Objection, WayOut, register
from kb import links

CODE: Final = "dead_link"
MOST: Final = 20
"""So many links of a draft are looked at."""
OF_THE_TEAM: Final = ("/desk", "/admin")
"""Pages of this installation that ask for a role."""


@register
def leads_nowhere(draft: Draft) -> Iterable[Objection]:
    """Object to links to pages that the customer cannot open."""
    for url, why in dead_links(draft.text).items():
        yield Objection(
            code=CODE,
            said=url,
            words=gettext("This link leads the customer nowhere. %(why)s", why=why),
            ways_out=(WayOut(label=gettext("Leave it out"), instead=""),),
        )


def dead_links(text: str) -> Mapping[str, str]:
    """Return the links that lead nowhere, and why; what is unknown here is not opened, for a writer waits for it."""
    found = list(dict.fromkeys(links.in_text(text)))[:MOST]
    inside = {url: str(gettext("Only the team can open this page.")) for url in found if _is_inside(url)}
    dead = {**inside, **links.known_dead(url for url in found if url not in inside)}
    return {url: dead[url] for url in found if url in dead}


def _is_inside(url: str) -> bool:
    base = current_settings().base_url
    if url == base or url.startswith((f"{base}/", f"{base}?")):
        path = urlsplit(url).path
        return any(path == place or path.startswith(f"{place}/") for place in OF_THE_TEAM)
    return http.is_of_a_house(url)
