"""Where the links of articles and of their faces lead: opened in small bites through the guarded way out.

What leads to this site is looked up in the database instead. Nothing private is reached: `core.http` refuses that.
"""

import hashlib
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from bs4 import BeautifulSoup
from flask_babel import gettext
from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import joinedload, lazyload

from accounts.people import AnonymousUser, Viewer
from core import http
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import KlinkeError, NotFound
from core.settings import current_settings
from core.unique import add_once
from core.worker import chore
from forum import targets
from kb import queries, retiring, tasks
from kb.models import Article, ArticleLink, Face, LinkState, Revision

MOST_A_TURN: Final = 3
"""Links that one turn opens: each may take ten seconds, and the worker has other things to do."""
LONGEST_TURN: Final = 10.0
"""Seconds after which a turn opens no further link; what is left over comes again after `HELD`."""
MOST_OF_ARTICLE: Final = 100
ARTICLES_A_TURN: Final = 200
FAILURES: Final = 2
"""So often in a row a link must fail before it is listed: services have bad hours."""
AGAIN: Final = timedelta(hours=12)
"""When a link that failed is opened again."""
HELD: Final = timedelta(minutes=10)
"""So long a link belongs to the worker that opens it."""
LONGEST_SAID: Final = 300
BAD: Final = ("broken", "unreachable", "refused")
BAD_STATUS: Final = 400
PRIVATE_STATUSES: Final = frozenset({401, 403, 405, 406, 429, 451, 999})
"""Somebody is there and does not talk to programs: that is no broken link."""

_URL: Final = re.compile(r"https?://[^\s<>\"')\]]{4,2000}")


class Led(NamedTuple):
    """One address in one place of an article."""

    place: str
    url: str


@chore("kb.gather_links", every=900)
def gather() -> int:
    """Note where published articles and faces lead, and forget what is gone; return how many addresses are new."""
    if not current_settings().link_check_days:
        return 0
    new = after = 0
    while ids := list(
        db.session.scalars(
            select(Article.id)
            .where(queries.readable_in("team"), Article.id > after)
            .order_by(Article.id)
            .limit(ARTICLES_A_TURN)
        )
    ):
        new += _gather(ids)
        db.session.commit()
        after = ids[-1]
    gone = select(Article.id).where(queries.readable_in("team"))
    db.session.execute(delete(ArticleLink).where(ArticleLink.article_id.not_in(gone)))
    db.session.commit()
    return new


@chore("kb.check_links", every=60)
def check_due() -> int:
    """Open the next few links; nothing is held in the database while somebody else's server is asked."""
    settings = current_settings()
    if not settings.link_check_days:
        return 0
    due = (
        select(ArticleLink)
        .where(ArticleLink.due_at <= now())
        .order_by(ArticleLink.due_at, ArticleLink.id)
        .limit(MOST_A_TURN)
        .with_for_update(skip_locked=True)
    )
    taken: list[tuple[int, str]] = []
    for waiting in db.session.scalars(due):
        waiting.due_at = now() + HELD
        taken.append((waiting.id, waiting.url))
    db.session.commit()
    began, opened_links = time.monotonic(), 0
    for link_id, url in taken:
        if time.monotonic() - began > LONGEST_TURN:
            break
        state, said = _look(url)
        opened_links += 1
        opened = db.session.get(ArticleLink, link_id)
        if opened is not None:
            _keep(opened, state, said)
        db.session.commit()
    return opened_links


def bad_links(viewer: Viewer, *, of_all: bool = True) -> Select[ArticleLink]:
    """Select the links that lead nowhere; page them by id. For the team."""
    statement = select(ArticleLink).join(Article, Article.id == ArticleLink.article_id)
    statement = statement.where(ArticleLink.state.in_(BAD), ArticleLink.failures >= FAILURES)
    if not of_all:
        statement = statement.where(tasks.falls_to(viewer))
    return statement.options(
        joinedload(ArticleLink.article).options(lazyload("*"), joinedload(Article.published).lazyload(Revision.by))
    )


def in_text(text: str) -> Iterator[str]:
    """Yield the addresses in a plain text, without the sign that ends its sentence."""
    for found in _URL.findall(text):
        yield found.rstrip(".,;:!?…")


def known_dead(urls: Iterable[str]) -> Mapping[str, str]:
    """Return which addresses lead nowhere, and why, by what is known here: nobody else's server is asked."""
    dead: dict[str, str] = {}
    keys: dict[str, str] = {}
    for url in _known(urls):
        own = _own_path(url)
        if own is None:
            keys[_key(url)] = url
        elif said := _look_here(own)[1]:
            dead[url] = said
    if keys:
        failed = select(ArticleLink.url_key, ArticleLink.state).where(
            ArticleLink.state.in_(BAD), ArticleLink.failures >= FAILURES, ArticleLink.url_key.in_(keys)
        )
        for row in db.session.execute(failed.distinct()):
            dead[keys[row.url_key]] = str(gettext("Nothing was there when this address was opened last."))
    return dead


def counts() -> Mapping[str, int]:
    """Return how many links are in which state."""
    rows = db.session.execute(select(ArticleLink.state, func.count()).group_by(ArticleLink.state))
    return {row[0]: row[1] for row in rows}


def link(link_id: int) -> ArticleLink:
    """Return a link, or raise `NotFound`."""
    found = db.session.get(ArticleLink, link_id) if 0 < link_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("This link is not there any more."))
    return found


def check_again(link: ArticleLink) -> None:
    """Have a link opened with the next turn."""
    link.due_at = now()
    db.session.flush()


def in_html(html: str) -> Iterator[str]:
    """Yield where the links of a rendered text lead."""
    for anchor in BeautifulSoup(html, "html.parser").find_all("a", href=True):
        yield str(anchor["href"])


def _gather(ids: Iterable[int]) -> int:
    led: dict[int, set[Led]] = {article_id: set() for article_id in ids}
    words = (
        select(Article.id, Revision.symptoms_html, Revision.resolution_html)
        .join(Revision, Revision.id == Article.published_id)
        .where(Article.id.in_(led))
    )
    for article_id, *parts in db.session.execute(words):
        led[article_id] |= {Led("article", url) for html in parts if "href" in html for url in _known(in_html(html))}
    for face in db.session.execute(select(Face.article_id, Face.kind, Face.text).where(Face.article_id.in_(led))):
        if "://" in face.text:
            led[face.article_id] |= {Led(face.kind, url) for url in _known(in_text(face.text))}
    kept = {
        (row.article_id, row.place, row.url_key): row.id
        for row in db.session.execute(
            select(ArticleLink.id, ArticleLink.article_id, ArticleLink.place, ArticleLink.url_key).where(
                ArticleLink.article_id.in_(led)
            )
        )
    }
    new = 0
    for article_id, places in led.items():
        for place, url in sorted(places)[:MOST_OF_ARTICLE]:
            key = (article_id, place, _key(url))
            if kept.pop(key, None) is None:
                new += add_once(
                    ArticleLink,
                    article_id=article_id,
                    place=place,
                    url=url,
                    url_key=key[2],
                    state="waiting",
                    said="",
                    failures=0,
                    due_at=now(),
                )
    if kept:
        db.session.execute(delete(ArticleLink).where(ArticleLink.id.in_(kept.values())))
    return new


def _known(urls: Iterable[str]) -> Iterator[str]:
    """Yield the addresses that can be opened, without the part that only says where on the page."""
    for url in urls:
        try:
            parts = urlsplit(url)
        except ValueError:
            yield url
            continue
        if parts.scheme in {"http", "https"} or (not parts.scheme and not parts.netloc and parts.path.startswith("/")):
            yield urlunsplit(parts._replace(fragment=""))


def _key(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def _look(url: str) -> tuple[LinkState, str]:
    settings = current_settings()
    own = url if url.startswith("/") else _own_path(url)
    if own is not None:
        return _look_here(own)
    try:
        answer = http.look(url, settings)
        if answer.status >= BAD_STATUS and answer.status not in PRIVATE_STATUSES:
            answer = http.look(url, settings, method="GET")  # not every server knows the short question
    except http.Refused as error:
        return "refused", error.reason
    except http.Unreachable as error:
        return "unreachable", error.reason
    said = str(answer.status)
    if answer.status >= BAD_STATUS and answer.status not in PRIVATE_STATUSES:
        return "broken", said
    return "fine", said


def _own_path(url: str) -> str | None:
    base = current_settings().base_url
    return url.removeprefix(base) or "/" if url == base or url.startswith(f"{base}/") else None


def _look_here(path: str) -> tuple[LinkState, str]:
    """Look whether a guest can read the question or the article at an address of this site; other pages are fine."""
    if not re.match(r"/(?:t|p|kb)/\d", path):
        return "fine", ""
    number = re.match(r"/kb/(\d{1,18})", path)
    try:
        targets.named(urlsplit(path).path, viewer=AnonymousUser())
    except KlinkeError:
        if number and retiring.successor_of(int(number[1]), viewer=AnonymousUser()) is not None:
            return "fine", ""
        return "broken", str(gettext("Guests cannot read this page."))
    return "fine", ""


def _keep(link: ArticleLink, state: LinkState, said: str) -> None:
    link.state, link.said, link.checked_at = state, said[:LONGEST_SAID], now()
    days = timedelta(days=current_settings().link_check_days)
    if state == "fine":
        link.failures, link.due_at = 0, now() + days
    else:
        link.failures += 1
        link.due_at = now() + (AGAIN if link.failures < FAILURES else days)
    db.session.flush()
    if link.failures == FAILURES:
        tasks.need(link.article, "links", f"link:{link.url_key}", words=link.url)
    elif state == "fine":
        tasks.drop(link.article, "links", f"link:{link.url_key}")
