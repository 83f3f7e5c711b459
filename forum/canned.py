"""Replies that the team writes again and again: kept in each language, found by keyword, put into an answer.

In a text `{name}` stands for who asked, `{me}` for who answers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from flask_babel import gettext, lazy_gettext
from sqlalchemy import func, select

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import markup, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Invalid, NotAllowed, NotFound
from core.i18n import LOCALES
from core.problems import Problems
from core.unique import add_once
from forum import inserting, policy
from forum.inserting import Insert
from forum.models import CannedReply, CannedReplyUse, Post, Topic

KIND: Final = "reply"
MOST: Final = 300
"""Replies that a team can keep; all of them are looked through at each search."""
LONGEST_TITLE: Final = 80
LONGEST_KEYWORDS: Final = 200
LONGEST_TEXT: Final = 4000
KEPT_SHARE: Final = 0.5
"""So much of a reply's words must stand in an answer for it to count as used."""
PLACEHOLDERS: Final = {
    "name": lazy_gettext("the name of who asked"),
    "me": lazy_gettext("your own name"),
}

_WORD = re.compile(r"[^\W_]+")
_PLACE = re.compile(r"( ?)\{(\w{1,20})\}")


def keep(
    *, title: str, keywords: str, said: Mapping[str, str], by: User, reply: CannedReply | None = None
) -> CannedReply:
    """Keep a new reply, or change one; it needs a text in one language at least."""
    _refuse(by)
    title, keywords, said = _checked(title, keywords, said, reply)
    before = None if reply is None else _as_logged(reply)
    if reply is None:
        reply = CannedReply(title=title, keywords=keywords, texts=said)
        db.session.add(reply)
    reply.title, reply.keywords, reply.texts = title, keywords, said
    reply.by_id, reply.at = by.id, now()
    db.session.flush()
    db.session.expire(reply, ["by"])
    after = _as_logged(reply)
    if before != after:
        audit.record("forum.reply.keep", reply, by=by, before=before, after=after)
    return reply


def remove(reply: CannedReply, *, by: User) -> None:
    """Throw a reply away; what was written with it stays."""
    _refuse(by)
    audit.record("forum.reply.remove", reply, by=by, before=_as_logged(reply))
    db.session.delete(reply)
    db.session.flush()


def every() -> list[CannedReply]:
    """Return all replies by their titles."""
    return list(db.session.scalars(select(CannedReply).order_by(func.lower(CannedReply.title), CannedReply.id)))


def find(reply_id: int) -> CannedReply:
    """Return a reply, or raise `NotFound`."""
    found = db.session.get(CannedReply, reply_id) if 0 < reply_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def uses() -> dict[int, int]:
    """Return how many answers each reply went into."""
    rows = select(CannedReplyUse.reply_id, func.count()).group_by(CannedReplyUse.reply_id)
    return {row[0]: row[1] for row in db.session.execute(rows)}


def note_uses(post: Post, names: Iterable[str], *, by: User) -> None:
    """Note which replies went into an answer, as far as their words are still there; twice changes nothing."""
    if not policy.may_use_replies(by):
        return
    written = _words(post.source)
    for reply_id in inserting.numbers(names, KIND):
        reply = db.session.get(CannedReply, reply_id) if reply_id <= LARGEST_ID else None
        if reply is not None and any(_is_kept(text, written) for text in reply.texts.values()):
            add_once(CannedReplyUse, reply_id=reply.id, post_id=post.id)


class Replies:
    """The shelf from which replies are taken."""

    def may_use(self, viewer: Viewer) -> bool:
        return policy.may_use_replies(viewer)

    def find(self, words: str, topic: Topic, *, viewer: Viewer) -> Sequence[Insert]:
        wanted = [word.casefold() for word in _WORD.findall(words)]
        rated = [(score, reply) for reply in every() if (score := _score(reply, wanted))]
        rated.sort(key=lambda pair: -pair[0])
        return [_insert(reply, topic, viewer) for _, reply in rated]

    def take(self, thing_id: int, topic: Topic, *, viewer: Viewer) -> Insert | None:
        reply = db.session.get(CannedReply, thing_id) if 0 < thing_id <= LARGEST_ID else None
        return None if reply is None else _insert(reply, topic, viewer)


inserting.contribute(KIND, Replies())


def _score(reply: CannedReply, wanted: Sequence[str]) -> int:
    """Return how well a reply fits: nothing unless each word begins one of its words; title and keywords tell more."""
    if not wanted:
        return 1
    head = {word.casefold() for word in _WORD.findall(f"{reply.title} {reply.keywords}")}
    body = {word.casefold() for text in reply.texts.values() for word in _WORD.findall(text)}
    total = 0
    for word in wanted:
        if any(known.startswith(word) for known in head):
            total += 3
        elif any(known.startswith(word) for known in body):
            total += 1
        else:
            return 0
    return total


def _insert(reply: CannedReply, topic: Topic, viewer: Viewer) -> Insert:
    locale = topic.locale if topic.locale in reply.texts else next(iter(reply.texts))
    names = {
        "name": "" if topic.asker is None else topic.asker.name,
        "me": viewer.name,
    }
    return Insert(
        kind=KIND,
        id=reply.id,
        title=reply.title,
        text=_PLACE.sub(lambda match: _filled(match, names), reply.texts[locale]),
        locale=locale,
        label=gettext("Canned reply"),
    )


def _filled(match: re.Match[str], names: Mapping[str, str]) -> str:
    name = names.get(match[2])
    if name is None:
        return match[0]
    # Who has left has no name any more: "Hello {name}," becomes "Hello,".
    return f"{match[1]}{inserting.as_markdown(name)}" if name else ""


def _checked(
    title: str, keywords: str, said: Mapping[str, str], reply: CannedReply | None
) -> tuple[str, str, dict[str, str]]:
    problems = Problems()
    title = problems.take("title", lambda: texts.line(title, longest=LONGEST_TITLE, shortest=1), "")
    keywords = problems.take("keywords", lambda: texts.line(keywords, longest=LONGEST_KEYWORDS, shortest=0), "")
    kept: dict[str, str] = {}
    for locale in LOCALES:
        field = f"text_{locale}"
        with_text = partial(_text, said.get(locale, ""))
        if text := problems.take(field, with_text, ""):
            kept[locale] = text
    problems.refuse()
    if not kept:
        sentence = gettext("Please write it in one language at least.")
        raise Invalid(sentence, fields={f"text_{LOCALES[0]}": sentence})
    same = select(CannedReply.id).where(func.lower(CannedReply.title) == title.lower())
    if reply is not None:
        same = same.where(CannedReply.id != reply.id)
    if db.session.scalar(same) is not None:
        sentence = gettext("There is a reply of this name already.")
        raise Invalid(sentence, fields={"title": sentence})
    if reply is None and (db.session.scalar(select(func.count(CannedReply.id))) or 0) >= MOST:
        raise Invalid(gettext("%(most)s replies are enough to look through. Please remove one first.", most=MOST))
    return title, keywords, kept


def _text(value: str) -> str:
    text = texts.block(value, longest=LONGEST_TEXT, shortest=0)
    markup.render(text)  # refuses what cannot be shown
    return text


def _words(text: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(text)}


def _is_kept(text: str, written: set[str]) -> bool:
    words = _words(_PLACE.sub("", text))
    return bool(words) and len(words & written) >= KEPT_SHARE * len(words)


def _as_logged(reply: CannedReply) -> dict[str, object]:
    return {"title": reply.title, "keywords": reply.keywords, "texts": dict(reply.texts)}


def _refuse(by: User) -> None:
    if not policy.may_use_replies(by):
        raise NotAllowed(gettext("This part is for the team."))
