"""At night the linter reads what is stored to be said again and again: faces of articles, and the team's own blocks."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from flask_babel import gettext
from sqlalchemy import func, select

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import paging, texts, worker
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.unique import add_once
from core.worker import chore
from desk import leading, linting
from desk.promise_models import LONGEST_REASON, LintFinding
from kb import addresses
from kb.models import Article, Face, Revision

LONGEST_SEAL: Final = 24
AT_ONCE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A text that is said again and again; `ref` names it for ever within its source."""

    ref: str
    text: str
    title: str
    url: str
    locale: str | None = None


Source = Callable[[], Iterable[Stored]]
One = Callable[[str], Stored | None]
_sources: dict[str, Source] = {}
_ones: dict[str, tuple[One, str]] = {}


def source(name: str) -> Callable[[Source], Source]:
    """Have the texts of a source read every night; `name` has at most 20 characters."""

    def register(texts_of: Source) -> Source:
        _sources[name] = texts_of
        return texts_of

    return register


def shown_by(name: str, *, to: str) -> Callable[[One], One]:
    """Have one text of a source found by its `ref`; its own page is for people with the role `to`, "" for everybody."""

    def register(one: One) -> One:
        _ones[name] = (one, to)
        return one

    return register


def stored(finding: LintFinding) -> Stored | None:
    """Return the text in which something was found, as it is now; None where it is gone."""
    one = _ones.get(finding.source)
    return None if one is None else one[0](finding.ref)


def may_open(viewer: Viewer, finding: LintFinding) -> bool:
    """Whether the page of the text itself is for whoever reads the list of findings."""
    one = _ones.get(finding.source)
    return one is None or not one[1] or viewer.has_role(one[1])


def may_settle(viewer: Viewer) -> bool:
    """Editors look after what is stored."""
    return viewer.has_role("editor")


@chore("desk.lint_stored", every=86_400)
def look() -> int:
    """Read everything stored; return how many findings are new. What is not found any more is settled by itself."""
    new = 0
    for name, texts_of in _sources.items():
        seen: set[tuple[str, str, str]] = set()
        for number, stored in enumerate(texts_of()):
            for kind, said in _found_in(stored):
                key = (stored.ref, kind, _seal(said))
                seen.add(key)
                new += add_once(
                    LintFinding,
                    source=name,
                    ref=key[0],
                    type=key[1],
                    seal=key[2],
                    said=said,
                    title=stored.title,
                    url=stored.url,
                )
            if number % AT_ONCE == AT_ONCE - 1:
                db.session.commit()
                worker.let_through()  # thousands of articles take minutes, and customers write at night, too
        _settle_gone(name, seen)
        db.session.commit()
    return new


def accept(finding: LintFinding, *, reason: str, by: User) -> None:
    """Say why these words stay; they are not found again."""
    if not may_settle(by):
        raise NotAllowed
    reason = texts.line(reason, longest=LONGEST_REASON)
    if not reason:
        sentence = gettext("Why may it stay? The next one who wonders reads it.")
        raise Invalid(sentence, fields={"reason": sentence})
    if finding.settled_at is not None:
        raise Conflict(gettext("Somebody has settled this already."))
    finding.settled_at = now()
    finding.reason = reason
    finding.settled_by = by
    db.session.flush()
    audit.record("desk.lint.accept", finding, by=by, after={"reason": reason})


def visible_finding(finding_id: int, *, viewer: Viewer) -> LintFinding:
    found = None
    if 0 < finding_id <= LARGEST_ID and may_settle(viewer):
        found = db.session.scalars(
            select(LintFinding).where(LintFinding.id == finding_id).with_for_update(of=LintFinding)
        ).one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such finding."))
    return found


def listing(*, settled: bool, cursor: str | None = None, size: int = 30) -> paging.Page[LintFinding]:
    """Return a page of what was found, the newest first."""
    wanted = LintFinding.settled_at.is_not(None) if settled else LintFinding.settled_at.is_(None)
    return paging.page(
        select(LintFinding).where(wanted), by=(LintFinding.found_at, LintFinding.id), cursor=cursor, size=size
    )


def open_count() -> int:
    return db.session.scalar(select(func.count(LintFinding.id)).where(LintFinding.settled_at.is_(None))) or 0


def _settle_gone(name: str, seen: set[tuple[str, str, str]]) -> None:
    """Settle what is no longer found, and open again what was taken out once and has come back."""
    for finding in db.session.scalars(select(LintFinding).where(LintFinding.source == name)):
        is_there = (finding.ref, finding.type, finding.seal) in seen
        if not is_there and finding.settled_at is None:
            finding.settled_at = now()
        elif is_there and finding.settled_at is not None and not finding.reason:
            finding.settled_at = None
            finding.found_at = now()


def _found_in(stored: Stored) -> Iterator[tuple[str, str]]:
    """Yield what kind of thing is found in a text, and its very words."""
    for issue in linting.look(stored.text, public=True, locale=stored.locale):
        yield issue.type, issue.value
    for url in leading.dead_links(stored.text):
        yield leading.CODE, url


def _seal(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()[:LONGEST_SEAL]


@shown_by("face", to="")
def _face(ref: str) -> Stored | None:
    """Return a short text by `face:9`."""
    number = texts.number(ref.removeprefix("face:"))
    face = None if number is None or not 0 < number <= LARGEST_ID else db.session.get(Face, number)
    article = None if face is None else db.session.get(Article, face.article_id)
    if face is None or article is None or article.published is None:
        return None
    url = addresses.of_article(article)
    return Stored(ref=ref, text=face.text, title=article.published.title, url=url, locale=article.locale)


@source("face")
def _faces() -> Iterator[Stored]:
    """Yield the short texts of published articles."""
    rows = db.session.execute(
        select(Face.id, Face.text, Article.id, Article.locale, Revision.title, Revision.slug)
        .join(Article, Article.id == Face.article_id)
        .join(Revision, Revision.id == Article.published_id)
        .order_by(Face.id)
    ).all()
    for face_id, text, article_id, locale, title, slug in rows:
        yield Stored(
            ref=f"face:{face_id}",
            text=text,
            title=title,
            url=addresses.path(article_id, slug),
            locale=locale,
        )
