"""The team's own text blocks: what agents keep to put into replies again.

A block is somebody's own, the team's, or one channel's. It says itself in German (Sie, and du where somebody wrote
that), in English, and in other words on a channel that wants them. Variables and parts that may vanish are written as
in the short texts of articles (`core.variables`), and `{{block:name}}` puts another block in.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from flask_babel import gettext, lazy_gettext
from sqlalchemy import ColumnElement, Select, delete, exists, false, func, or_, select, true
from sqlalchemy.orm import lazyload

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.problems import Problems
from core.unique import add_once
from desk import policy, wordings
from desk.block_models import (
    SCOPES,
    ReplyBlock,
    ReplyBlockFavourite,
    ReplyBlockUse,
    ReplyBlockVersion,
    Scope,
)
from desk.channels.base import LONGEST_TEXT
from desk.models import Channel
from desk.wordings import Wording
from kb import references

LONGEST_TITLE: Final = 120
LONGEST_FOLDER: Final = 80
LONGEST_KEYWORD: Final = 60
LONGEST_COMMENT: Final = 300
MOST_KEYWORDS: Final = 20
MOST_NESTED: Final = references.MOST_NESTED
LANGUAGES: Final[Mapping[str, Any]] = {
    "de": lazy_gettext("German, with Sie"),
    "de-du": lazy_gettext("German, with du"),
    "en": lazy_gettext("English"),
}
"""In which ways a block may say itself; `de@social` is the same on the channel of that short name."""

_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_KEY: Final = re.compile(r"(?:de|de-du|en)(?:@[a-z0-9-]{1,80})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything that somebody says of a block."""

    title: str
    words: Mapping[str, str]
    name: str = ""
    """Empty: made of the title."""
    folder: str = ""
    keywords: Sequence[str] = ()
    scope: str = "team"
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a block says in one place."""

    text: str
    key: str
    """In which of its ways."""


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the clause for the blocks that somebody may read: what is one person's own is nobody else's."""
    if not policy.may_work(viewer):
        return false()
    return or_(ReplyBlock.scope != "mine", ReplyBlock.owner_id == viewer.id)


def visible_block(block_id: int, *, viewer: Viewer) -> ReplyBlock:
    """Return a block; raise `NotFound` where there is none that the viewer may read."""
    found = None
    if policy.may_work(viewer) and 0 < block_id <= LARGEST_ID:
        found = db.session.scalars(
            select(ReplyBlock).where(ReplyBlock.id == block_id, visible_to(viewer))
        ).one_or_none()
    if found is None:
        raise NotFound(gettext("There is no such text block. The list shows them all."))
    return found


def create(words: Words, *, by: User) -> ReplyBlock:
    """Keep a new block; raise `Invalid` with what is wrong at each field."""
    if not policy.may_work(by):
        raise NotAllowed
    said = _clean(words)
    name = said.pop("name") or _free_name(said["title"])
    block = ReplyBlock(**said, name=name, owner_id=by.id)
    _refuse_taken(name)
    _refuse_unreadable(block, by=by)
    db.session.add(block)
    db.session.flush()
    _note(block, by=by, comment="")
    audit.record("desk.block.create", block, by=by, after={"name": name, "scope": block.scope})
    return block


def revise(block: ReplyBlock, words: Words, *, by: User, comment: str = "", based_on: int | None = None) -> ReplyBlock:
    """Have a block say something else; `Conflict` where somebody else changed it since `based_on`."""
    _require_mine(block, by)
    _lock(block)
    if based_on is not None and based_on != block.number:
        raise Conflict(gettext("Somebody else changed this block meanwhile. Your words are still here; compare them."))
    said = _clean(words)
    name = said.pop("name") or block.name
    before = (block.title, dict(block.words))
    if name != block.name:
        _refuse_taken(name)
        _refuse_used(block, gettext("Other blocks have it in them by its name, so the name stays."), field="name")
    if said["scope"] != block.scope or said["channel_id"] != block.channel_id:
        _refuse_narrower(block, said["scope"], said["channel_id"], by=by)
    for field, value in said.items():
        setattr(block, field, value)
    block.name, block.updated_at = name, now()
    _refuse_unreadable(block, by=by)
    if (block.title, dict(block.words)) != before:
        block.number += 1
        db.session.flush()
        _note(block, by=by, comment=texts.line(comment, longest=LONGEST_COMMENT))
    db.session.flush()
    audit.record("desk.block.revise", block, by=by, after={"number": block.number})
    return block


def restore(block: ReplyBlock, number: int, *, by: User) -> ReplyBlock:
    """Have a block say again what an earlier version said, as a new version."""
    old = next((one for one in versions(block) if one.number == number), None)
    if old is None:
        raise NotFound
    words = Words(
        title=old.title,
        words=old.words,
        name=block.name,
        folder=block.folder,
        keywords=block.keywords,
        scope=block.scope,
        channel=block.channel,
    )
    return revise(block, words, by=by, comment=gettext("As in version %(number)s", number=number))


def put_away(block: ReplyBlock, *, by: User) -> None:
    """Offer a block to nobody any more; what was sent with it stays known."""
    _require_mine(block, by)
    _refuse_used(block, gettext("It stands in other blocks. Take it out there first."))
    if block.archived_at is None:
        block.archived_at = now()
        db.session.flush()
        audit.record("desk.block.put_away", block, by=by)


def take_back(block: ReplyBlock, *, by: User) -> None:
    """Offer a block again."""
    _require_mine(block, by)
    if block.archived_at is not None:
        block.archived_at = None
        _refuse_unreadable(block, by=by)
        db.session.flush()
        audit.record("desk.block.take_back", block, by=by)


def favour(block: ReplyBlock, *, by: User, is_favourite: bool) -> None:
    """Keep a block at hand, or no longer; twice is once."""
    if not policy.may_work(by):
        raise NotAllowed
    if is_favourite:
        add_once(ReplyBlockFavourite, block_id=block.id, user_id=by.id, at=now())
    else:
        mine = (ReplyBlockFavourite.block_id == block.id, ReplyBlockFavourite.user_id == by.id)
        db.session.execute(delete(ReplyBlockFavourite).where(*mine))


def versions(block: ReplyBlock) -> list[ReplyBlockVersion]:
    """Return every version, the newest first."""
    of_block = select(ReplyBlockVersion).where(ReplyBlockVersion.block_id == block.id)
    return list(db.session.scalars(of_block.order_by(ReplyBlockVersion.number.desc())))


def may_change(block: ReplyBlock, viewer: Viewer) -> bool:
    """Say whether somebody may change a block: every agent what is the team's, and only its owner what is not."""
    return policy.may_work(viewer) and (block.scope != "mine" or block.owner_id == viewer.id)


def chosen(words: Mapping[str, str], *, locale: str, channel: str, is_informal: bool) -> Spoken | None:
    """Return what fits a customer best: their language before all, du where it is wanted, then the channel's words."""
    du = ["de-du"] if is_informal else []
    preferred = [*du, "de"] if locale == "de" else ["en"]
    others = ["en"] if locale == "de" else [*du, "de", "de-du"]
    for key in [*preferred, *others]:
        for one in (f"{key}@{channel}", key):
            if words.get(one):
                return Spoken(words[one], one)
    key, text = next(iter(words.items()), ("", ""))
    return Spoken(text, key) if text else None


def text_of(
    block: ReplyBlock, *, locale: str, channel: Channel, wording: Wording, viewer: Viewer
) -> tuple[str, str] | None:
    """Return a block as it is inserted, and in which of its ways; None where it says nothing."""
    spoken = chosen(block.words, locale=locale, channel=channel.slug, is_informal=wording.is_informal)
    if spoken is None:
        return None

    def said(words: Mapping[str, str]) -> str:
        found = chosen(words, locale=locale, channel=channel.slug, is_informal=wording.is_informal)
        return "" if found is None else found.text

    whole = _expanded(spoken.text, said, viewer=viewer)
    return wordings.filled(whole, wording, locale=locale), spoken.key


def favourites_and_recent(viewer: Viewer) -> Any:
    """Return, for a statement over blocks: how often a block was used, whether and when by the viewer, and kept."""
    used = (
        select(func.count(ReplyBlockUse.id))
        .where(ReplyBlockUse.block_id == ReplyBlock.id)
        .correlate(ReplyBlock)
        .scalar_subquery()
    )
    last = (
        select(func.max(ReplyBlockUse.at))
        .where(ReplyBlockUse.block_id == ReplyBlock.id, ReplyBlockUse.by_id == viewer.id)
        .correlate(ReplyBlock)
        .scalar_subquery()
    )
    kept = (
        exists()
        .where(ReplyBlockFavourite.block_id == ReplyBlock.id, ReplyBlockFavourite.user_id == viewer.id)
        .correlate(ReplyBlock)
    )
    return used.label("used"), last.label("last"), kept.label("is_kept")


def ranked(viewer: Viewer, *wanted: ColumnElement[bool]) -> Select[Any]:
    """Return the statement for blocks with how they are used, as (block, used, last used by the viewer, kept)."""
    return (
        select(ReplyBlock, *favourites_and_recent(viewer))
        .where(visible_to(viewer), *wanted)
        .options(lazyload(ReplyBlock.owner), lazyload(ReplyBlock.channel))
    )


def outer(block: ReplyBlock) -> list[ReplyBlock]:
    """Return the blocks that have this one in them."""
    return [
        other
        for other in db.session.scalars(select(ReplyBlock).where(ReplyBlock.plain.contains(f"block:{block.name}")))
        if other.id != block.id and block.name in _names_in(other.words)
    ]


def _clean(words: Words) -> dict[str, Any]:
    problems = Problems()
    said: dict[str, Any] = {
        "title": problems.take("title", lambda: texts.line(words.title, longest=LONGEST_TITLE, shortest=1), ""),
        "folder": problems.take("folder", lambda: texts.line(words.folder, longest=LONGEST_FOLDER), ""),
        "name": problems.take("name", lambda: _checked_name(words.name), ""),
        "keywords": problems.take("keywords", lambda: _keywords(words.keywords), list[str]()),
    }
    said["words"] = {}
    for key, text in words.words.items():
        if not _KEY.fullmatch(key):
            continue
        clean = problems.take(_field(key), partial(_checked, text), "")
        if clean.strip():
            said["words"][key] = clean.strip()
    if not said["words"] and not problems.fields:
        problems.fields["words-de"] = gettext("A block says something in one language at least.")
    scope = next((one for one in SCOPES if one == words.scope), None)
    if scope is None:
        problems.fields["scope"] = gettext("Please choose one of these.")
    if scope == "channel" and words.channel is None:
        problems.fields["channel"] = gettext("Please choose the channel.")
    problems.refuse()
    said["scope"] = scope
    said["channel_id"] = words.channel.id if scope == "channel" and words.channel else None
    said["plain"] = _plain(said)
    return said


def _checked(text: str) -> str:
    clean = texts.block(text, longest=LONGEST_TEXT)
    wordings.check(clean)
    return clean


def _checked_name(name: str) -> str:
    name = name.strip()
    if name and (len(name) > references.LONGEST_NAME or not _NAME.fullmatch(name)):
        raise Invalid(gettext("Please choose small letters, digits and dashes, %(most)s at most.", most=60))
    return name


def _keywords(words: Iterable[str]) -> list[str]:
    clean = [texts.line(word, longest=LONGEST_KEYWORD) for word in words]
    return [word for word in dict.fromkeys(clean) if word][:MOST_KEYWORDS]


def _plain(said: Mapping[str, Any]) -> str:
    parts = [said["title"], said["folder"], *said["keywords"], *said["words"].values()]
    return "\n".join(parts).lower()


def _field(key: str) -> str:
    return f"words-{key}"


def _free_name(title: str) -> str:
    wished = texts.slug(title, fallback="block", longest=50)
    taken = set(db.session.scalars(select(ReplyBlock.name).where(ReplyBlock.name.startswith(wished))))
    number = 2
    name = wished
    while name in taken:
        name, number = f"{wished}-{number}", number + 1
    return name


def _refuse_taken(name: str) -> None:
    if db.session.scalar(select(ReplyBlock.id).where(ReplyBlock.name == name)) is not None:
        sentence = gettext("Another block has this name.")
        raise Invalid(sentence, fields={"name": sentence})


def _require_mine(block: ReplyBlock, by: User) -> None:
    if not may_change(block, by):
        raise NotAllowed


def _lock(block: ReplyBlock) -> None:
    held = select(ReplyBlock).where(ReplyBlock.id == block.id).with_for_update(of=ReplyBlock)
    db.session.scalars(held.execution_options(populate_existing=True)).one()


def _refuse_used(block: ReplyBlock, why: str, *, field: str = "") -> None:
    users = outer(block)
    if users:
        titles = ", ".join(one.title for one in users if one.scope != "mine")
        sentence = f"{why} ({titles})" if titles else why
        raise Invalid(sentence, fields={field: sentence} if field else {})


def _refuse_narrower(block: ReplyBlock, scope: Scope, channel_id: int | None, *, by: User) -> None:
    """Raise `Invalid` where a block would be for fewer people than those that have it in them."""
    for user in outer(block):
        if not _reaches(scope, channel_id, by.id, user):
            sentence = gettext("It stands in “%(title)s”, which is for more people.", title=user.title)
            raise Invalid(sentence, fields={"scope": sentence})


def _reaches(scope: str, channel_id: int | None, owner_id: int | None, outer_block: ReplyBlock) -> bool:
    """Tell whether everybody who is offered the outer block may have this one in it."""
    if scope == "team":
        return True
    if scope == "mine":
        return outer_block.scope == "mine" and outer_block.owner_id == owner_id
    return outer_block.scope == "channel" and outer_block.channel_id == channel_id


def _refuse_unreadable(block: ReplyBlock, *, by: User) -> None:
    """Raise `Invalid` at each text that has an unknown block in it, itself, or one that is for fewer people."""
    problems = Problems()
    with db.session.no_autoflush:
        for key, text in block.words.items():
            problems.take(_field(key), partial(_look, block, text, (block.name,), by=by), None)
    problems.refuse()


def _look(block: ReplyBlock, text: str, above: tuple[str, ...], *, by: User) -> None:
    names = references.names_in(text)
    if not names:
        return
    if len(above) > MOST_NESTED:
        raise Invalid(gettext("Blocks stand in each other too deep here: %(most)s deep at most.", most=MOST_NESTED))
    known = _named(names, viewer=by)
    for name in names:
        if name in above:
            raise Invalid(gettext("The block “%(name)s” would have itself in it.", name=name))
        inner = known.get(name)
        if inner is None:
            raise Invalid(gettext("There is no block “%(name)s”.", name=name))
        if not _reaches(inner.scope, inner.channel_id, inner.owner_id, block):
            raise Invalid(gettext("The block “%(name)s” in it is for fewer people.", name=name))
        for words in inner.words.values():
            _look(block, words, (*above, name), by=by)


def _named(names: Collection[str], *, viewer: Viewer) -> dict[str, ReplyBlock]:
    rows = db.session.scalars(
        select(ReplyBlock)
        .where(ReplyBlock.name.in_(names), visible_to(viewer), ReplyBlock.archived_at.is_(None))
        .options(lazyload(ReplyBlock.owner), lazyload(ReplyBlock.channel))
    )
    return {block.name: block for block in rows}


def _names_in(words: Mapping[str, str]) -> set[str]:
    return {name for text in words.values() for name in references.names_in(text)}


def _expanded(text: str, said: Any, *, viewer: Viewer) -> str:
    """Return a text with its blocks, level by level: a statement for each level that there is."""
    for _level in range(MOST_NESTED):
        names = references.names_in(text)
        if not names:
            break
        known = _named(names, viewer=viewer)
        if not known:
            break
        for name in names:
            if name in known:
                text = references.replaced(text, name, said(known[name].words))
        if len(text) > 2 * LONGEST_TEXT:
            break
    return text


def _note(block: ReplyBlock, *, by: User, comment: str) -> None:
    db.session.add(
        ReplyBlockVersion(
            block_id=block.id,
            number=block.number,
            title=block.title,
            words=dict(block.words),
            by_id=by.id,
            comment=comment,
        )
    )
    db.session.flush()


def listing(
    viewer: Viewer, *, words: str = "", folder: str | None = None, whose: str = "all", most: int = 200
) -> list[Any]:
    """Return blocks with how they are used, for the page that manages them, by folder and title.

    `whose`: `all`, `mine`, `kept`, `unused` (nobody ever sent one), or `away` (put away).
    """
    _used, _last, is_kept = favourites_and_recent(viewer)
    wanted = {
        "all": true(),
        "mine": ReplyBlock.scope == "mine",
        "kept": is_kept.element,
        "unused": ~exists().where(ReplyBlockUse.block_id == ReplyBlock.id),
        "away": true(),
    }.get(whose, true())
    is_away = ReplyBlock.archived_at.is_not(None) if whose == "away" else ReplyBlock.archived_at.is_(None)
    clauses = [wanted, is_away]
    if folder is not None:
        clauses.append(ReplyBlock.folder == folder)
    clauses += [ReplyBlock.plain.contains(word, autoescape=True) for word in words.lower().split()[:6]]
    rows = ranked(viewer, *clauses).order_by(ReplyBlock.folder, ReplyBlock.title, ReplyBlock.id).limit(most)
    return list(db.session.execute(rows))


def folders(viewer: Viewer) -> list[tuple[str, int]]:
    """Return the folders that have something in them for the viewer, and how much."""
    rows = db.session.execute(
        select(ReplyBlock.folder, func.count())
        .where(visible_to(viewer), ReplyBlock.archived_at.is_(None))
        .group_by(ReplyBlock.folder)
        .order_by(ReplyBlock.folder)
    )
    return [(row[0], row[1]) for row in rows]


def record_use(block: ReplyBlock, message_id: int, *, by: User, at: datetime | None = None) -> None:
    """Keep that a reply was written with a block; twice is once."""
    add_once(ReplyBlockUse, block_id=block.id, message_id=message_id, number=block.number, by_id=by.id, at=at or now())
