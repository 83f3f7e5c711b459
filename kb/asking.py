"""Asking who got an article whether it helped: the address that a reply leads to, and what is said there.

The address opens the article with the question on top. It names the use and nothing else, is sealed so that nobody
guesses another, and needs no account: whoever holds it may answer. Rooms above this one hear of it (`contribute`).
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from flask_babel import lazy_gettext
from sqlalchemy import select

from core.clock import now
from core.db import db
from core.errors import NotFound
from core.web import absolute
from forum import tickets
from kb import judging, sent_links
from kb.models import ArticleUse, SentLink, UseOutcome

PURPOSE: Final = "outcome"
ANSWERED_WITHIN: Final = timedelta(days=90)
"""Afterwards the address opens the article and asks nothing."""
ANSWERS: Final[Mapping[UseOutcome, object]] = {
    "helped": lazy_gettext("Yes, it helped"),
    "not": lazy_gettext("No, it did not"),
    "other": lazy_gettext("My question was another one"),
}

Hear = Callable[[ArticleUse], None]

_hearers: dict[str, Hear] = {}


def contribute(where_kind: str, hear: Hear) -> None:
    """Have `hear` called when a customer says something new of a use in such a place."""
    _hearers[where_kind] = hear


def address_of(use: ArticleUse) -> str:
    """Return the whole address at which the customer reads the article and says whether it helped.

    Where links have tokens it is the one of its link (`kb.sent_links`), else a ticket for the use.
    """
    link = sent_links.of([use]).get(use.id)
    ticket = tickets.short(PURPOSE, use.id, _about(use)) if link is None or link.token is None else link.token
    return absolute(f"/kb/{use.article_id}/{ticket}")


def asked(article_id: int, ticket: str, *, for_answer: bool = False) -> ArticleUse:
    """Return the use that an address is about, held `for_answer`; raise `NotFound` where it asks nothing."""
    wanted = select(ArticleUse).where(ArticleUse.article_id == article_id, ArticleUse.at > now() - ANSWERED_WITHIN)
    is_token = sent_links.is_token(ticket)
    if is_token:
        asks = select(SentLink.use_id).where(SentLink.token == ticket, SentLink.asks.is_(True))
        wanted = wanted.where(ArticleUse.id.in_(asks))
    else:
        wanted = wanted.where(ArticleUse.id == tickets.of_short(ticket))
    if for_answer:
        wanted = wanted.with_for_update(of=ArticleUse).execution_options(populate_existing=True)
    use = db.session.scalars(wanted).one_or_none()
    if use is None or not (is_token or tickets.is_short(ticket, PURPOSE, use.id, _about(use))):
        raise NotFound
    return use


def say(article_id: int, ticket: str, outcome: str) -> ArticleUse:
    """Keep what the customer says; the same said again, ten times at once or a year later, changes nothing."""
    use = asked(article_id, ticket, for_answer=True)
    if judging.hear_outcome(use, outcome) and use.where_kind in _hearers:
        _hearers[use.where_kind](use)
    return use


def _about(use: ArticleUse) -> str:
    return f"{use.article_id}:{use.where_kind}:{use.where_id}"
