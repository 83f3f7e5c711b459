"""Anchors: every heading of an article has an address, and keeps it when it is called otherwise.

An anchor is made of the heading's words. A published version takes over the anchors of the one before: a heading that
stands in the place of another one leads its links on, and what is left out leads to the heading above it.
"""

from collections.abc import Sequence
from difflib import SequenceMatcher

from flask_babel import gettext
from sqlalchemy import select

from core import markup, texts
from core.db import db
from kb.models import Revision

PREFIX = "s-"
"""Nothing else on the page has an id that begins so."""
MOST_OLD = 20
"""So many old anchors a heading carries, the latest first."""


def keep(revision: Revision, *, before: Revision | None) -> None:
    """Write down the anchors of a version that is being published; `before` is what readers saw until now."""
    published = select(Revision).where(Revision.article_id == revision.article_id, Revision.anchors.is_not(None))
    latest = db.session.scalars(published.order_by(Revision.number.desc()).limit(1)).first() or before
    new = _fresh(revision)
    if latest is None:
        revision.anchors = new
    elif latest.id != revision.id:
        revision.anchors = _followed(of(latest), new)
    elif latest.anchors is None or [own for own, *_ in latest.anchors] != [own for own, *_ in new]:
        # Published before, and a block in it has other headings by now.
        revision.anchors = _followed(latest.anchors or [], new)
    db.session.flush()


def of(revision: Revision) -> list[list[str]]:
    """Return for each heading its anchors, the own one first."""
    fresh = _fresh(revision)
    kept = revision.anchors
    return kept if kept is not None and len(kept) == len(fresh) else fresh


def anchored(revision: Revision) -> tuple[str, str]:
    """Return the HTML of symptoms and resolution with anchors at their headings."""
    every, label = of(revision), gettext("Link to this section")
    first = len(markup.headings(revision.symptoms_html))
    return (
        markup.with_anchors(revision.symptoms_html, every[:first], label=label),
        markup.with_anchors(revision.resolution_html, every[first:], label=label),
    )


def _fresh(revision: Revision) -> list[list[str]]:
    names: dict[str, int] = {}
    for words in [*markup.headings(revision.symptoms_html), *markup.headings(revision.resolution_html)]:
        name = first = PREFIX + texts.slug(words, fallback="section")
        number = names.get(first, 0)
        while name in names:
            number += 1
            name = f"{first}-{number + 1}"
        names[first] = max(number, names.get(first, 0))
        names.setdefault(name, 0)
    return [[name] for name in names]


def _followed(old: Sequence[Sequence[str]], new: list[list[str]]) -> list[list[str]]:
    names = [own for own, *_ in new]
    current = set(names)
    matcher = SequenceMatcher(a=[own for own, *_ in old], b=names, autojunk=False)
    for deed, begin, end, new_begin, new_end in matcher.get_opcodes():
        for number in range(begin, end):
            # Beyond the last heading that came for these, and where none came, the one above takes them over.
            place = min(new_begin + number - begin, new_end - 1) if deed in {"equal", "replace"} else new_begin - 1
            if new:
                heirs = new[max(place, 0)]
                heirs += [name for name in old[number] if name not in current and name not in heirs]
    return [anchors[: MOST_OLD + 1] for anchors in new]
