"""Links to articles that left the house: each has a token of its own, so that it is known whether it was opened.

The token is random, says nothing of anybody, and needs no cookie. It counts as opened what the page's script tells
after some seconds in view: programs that follow links or fetch a preview run no script, or show no page.
"""

import re
import secrets
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final

from sqlalchemy import Select, select, update

from core.clock import now
from core.db import db
from core.errors import NotFound
from core.settings import current_settings
from core.unique import add_once
from core.worker import chore
from kb.models import ArticleUse, SentLink

LENGTH: Final = 10
_FIRST: Final = "234567"
_REST: Final = "abcdefghijklmnopqrstuvwxyz234567"
_TOKEN: Final = re.compile(rf"[{_FIRST}][a-z2-7]{{{LENGTH - 1}}}")
_PROGRAM: Final = re.compile(r"bot\b|crawl|spider|preview|headless|scan|fetch|monitor|python|curl|wget", re.IGNORECASE)
A_DAY: Final = 86400
AT_ONCE: Final = 5000


def are_on() -> bool:
    """Tell whether links get a token at all."""
    return current_settings().link_proof


def make(use: ArticleUse, *, asks: bool) -> None:
    """Give the link of a use its token, where links get one; twice is once. `asks` is whether its page may ask."""
    if are_on():
        add_once(SentLink, use_id=use.id, token=_token(), asks=asks, made_at=now())


def of(uses: Collection[ArticleUse]) -> Mapping[int, SentLink]:
    """Return the links that still have their tokens by the ids of these uses; none where links get none."""
    if not uses or not are_on():
        return {}
    wanted = select(SentLink).where(SentLink.use_id.in_([use.id for use in uses]), SentLink.token.is_not(None))
    return {link.use_id: link for link in db.session.scalars(wanted)}


def is_token(ticket: str) -> bool:
    """Tell whether this looks like a token: it begins with a figure, so that no word of an address does."""
    return _TOKEN.fullmatch(ticket) is not None


def known(article_id: int, token: str) -> bool:
    """Tell whether a link to this article went out with this token, and it is kept still."""
    return is_token(token) and db.session.scalar(_found(article_id, token)) is not None


def note_opened(article_id: int, token: str, *, program: str) -> None:
    """Keep that somebody reads the article under this link; the first time counts. Raise `NotFound` for what is none.

    `program` is what the browser calls itself: what says that it is a robot is none that reads.
    """
    if not known(article_id, token):
        raise NotFound
    if not program or _PROGRAM.search(program):
        return
    opened = update(SentLink).where(SentLink.token == token, SentLink.opened_at.is_(None)).values(opened_at=now())
    db.session.execute(opened)


@chore("kb.forget_sent_links", every=A_DAY)
def forget() -> int:
    """Take the tokens away whose days are over; the links lead to their articles as before. Return how many."""
    before = now() - timedelta(days=current_settings().link_proof_days)
    due = select(SentLink.use_id).where(SentLink.token.is_not(None), SentLink.made_at < before)
    use_ids = list(db.session.scalars(due.order_by(SentLink.made_at).limit(AT_ONCE)))
    if use_ids:
        db.session.execute(update(SentLink).where(SentLink.use_id.in_(use_ids)).values(token=None))
    db.session.commit()
    return len(use_ids)


def _found(article_id: int, token: str) -> Select[int]:
    return (
        select(SentLink.use_id)
        .join(ArticleUse, ArticleUse.id == SentLink.use_id)
        .where(SentLink.token == token, ArticleUse.article_id == article_id)
    )


def _token() -> str:
    return secrets.choice(_FIRST) + "".join(secrets.choice(_REST) for _ in range(LENGTH - 1))
