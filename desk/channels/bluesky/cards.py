"""The card under a post that links to an article of ours."""

import re
from typing import Any, Final

from accounts.people import AnonymousUser
from core.db import db
from core.errors import NotFound
from core.settings import current_settings
from kb import queries

LONGEST_TITLE: Final = 300
LONGEST_WORDS: Final = 300


def card_for(text: str) -> dict[str, Any] | None:
    """Return the card for the first article of ours that the text links to and everybody may read."""
    base = re.escape(current_settings().base_url)
    for found in re.finditer(rf"{base}/kb/(\d{{1,18}})(?![0-9])[^\s<>\"]*", text):
        try:
            article = queries.visible_article(int(found.group(1)), viewer=AnonymousUser())
        except NotFound:
            continue
        if article.published is None:
            continue
        return {
            "uri": found.group().rstrip(".,;:!?)"),
            "title": article.published.title[:LONGEST_TITLE],
            "description": " ".join(article.published.summary.split())[:LONGEST_WORDS],
        }
    return None


def card_apart(text: str) -> dict[str, Any] | None:
    """Return the same, and leave nothing open in the database: the network is waited for next."""
    was_outside = not db.session().in_transaction()
    card = card_for(text)
    if was_outside:
        db.session.rollback()
    return card
