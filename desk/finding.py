"""One search while a reply is written: short texts of articles, accepted answers, blocks, by what the customer means.

What is typed leads; among what fits it, that comes first which also fits the customer's message, and of the blocks what
somebody keeps at hand, used lately or often. Where nothing is typed, the message alone says what is found.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from flask_babel import gettext, ngettext
from sqlalchemy import or_, select

from accounts.models import User
from accounts.people import AnonymousUser
from core.clock import now
from core.counting import Measure
from core.db import db
from desk import blocks, policy, queries, suggestions, wordings
from desk.block_models import ReplyBlock, ReplyBlockFavourite, ReplyBlockUse
from desk.means import measure_here
from desk.models import Conversation
from desk.wordings import Wording
from search import completing, query, registry
from search.documents import Document, Found, Ref
from search.query import Hit

KIND: Final = "reply_block"
LOCALES: Final = ("de", "en")
MOST: Final = 8
MOST_OF_A_KIND: Final = 5
LONGEST_TYPED: Final = 200
_LOOKED_AT: Final = 30
_MOST_BLOCKS: Final = 60
"""Hits that are asked for: other people's own blocks are among them and fall out."""
_OF_MESSAGE: Final = 0.35
"""What fitting the message counts beside fitting what was typed."""
_BEGUN: Final = 0.3
"""What a title counts that goes on from what was typed."""
_KEPT, _USED, _LATELY = 0.12, 0.04, 0.10
_FADES: Final = 14.0
"""After so many days a use counts for about a third of what it counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Something to put into the reply, as the channel counts it."""

    kind: str
    id: int
    title: str
    text: str
    locale: str
    fits: bool
    length: int
    limit: int | None
    score: float
    why: tuple[str, ...] = ()
    note: str = ""
    warning: str = ""
    url: str = ""

    @property
    def value(self) -> str:
        return f"{self.kind}:{self.id}"


class Blocks:
    """The team's blocks, for the search: each is a document in German and one in English, for the desk alone."""

    kind = KIND
    is_inner = True

    def documents(self, ids: Collection[int]) -> Iterable[Document]:
        for ref_id, block in _by_ref(ids).items():
            if block.archived_at is None and (said := _said_in(block, _locale_of(ref_id))):
                yield Document(
                    ref=Ref(self.kind, ref_id),
                    locale=_locale_of(ref_id),
                    title=block.title,
                    body=said,
                    keywords=" ".join([block.folder, *block.keywords]),
                    audience="team",
                    created_at=block.created_at,
                )

    def ids(self) -> Iterable[int]:
        rows = db.session.scalars(select(ReplyBlock).where(ReplyBlock.archived_at.is_(None)).order_by(ReplyBlock.id))
        for block in rows:
            yield from (_ref(block.id, locale) for locale in LOCALES if _said_in(block, locale))

    def visible(self, ids: Collection[int], viewer: Any) -> Mapping[int, Found]:
        """Return the blocks that the viewer may read; `meta` has the block, and how it is used."""
        if not policy.may_work(viewer):
            return {}
        wanted = ReplyBlock.id.in_({ref_id // 2 for ref_id in ids})
        rows = db.session.execute(blocks.ranked(viewer, wanted, ReplyBlock.archived_at.is_(None)))
        by_id = {row[0].id: row for row in rows}
        return {
            ref_id: _found(by_id[ref_id // 2], ref_id)
            for ref_id in ids
            if ref_id // 2 in by_id and _said_in(by_id[ref_id // 2][0], _locale_of(ref_id))
        }

    def stale(self, instance: object) -> Iterable[int]:
        if not isinstance(instance, ReplyBlock) or instance.id is None:
            return []
        return [_ref(instance.id, locale) for locale in LOCALES]


def find(conversation: Conversation, typed: str, *, by: User, most: int = MOST) -> list[Offer]:
    """Return what may be put into the reply to a conversation, the best first."""
    if not policy.may_work(by):
        return []
    typed = " ".join(typed[:LONGEST_TYPED].split())
    asked = queries.newest_incoming(conversation)
    about = asked.text if asked is not None else ""
    wording = wordings.of(conversation, by=by)
    found = [
        *_from_outside(conversation, typed, about, wording),
        *_blocks(conversation, typed, about, wording, by=by),
    ]
    found.sort(key=lambda offer: -offer.score)
    return _mixed(found, most)


def blocks_for(conversation: Conversation, text: str, *, by: User, wording: Wording, most: int = 3) -> list[Offer]:
    """Return the blocks that fit a text, for the panel beside a conversation."""
    hits = query.closest(text, viewer=by, kinds={KIND}, locale=conversation.locale, limit=_LOOKED_AT)
    rows = _best_rows([hit for hit in hits if hit.is_likely])
    return _offers(conversation, rows, wording, by=by)[:most]


def block_text(conversation: Conversation, block_id: int, *, by: User, wording: Wording) -> str | None:
    """Return a block as it is put into this conversation; None where there is none for this writer here."""
    row = db.session.execute(
        blocks.ranked(by, ReplyBlock.id == block_id, ReplyBlock.archived_at.is_(None))
    ).one_or_none()
    offers = _offers(conversation, [(row, 1.0)] if row is not None else [], wording, by=by)
    return offers[0].text if offers else None


def _from_outside(conversation: Conversation, typed: str, about: str, wording: Wording) -> list[Offer]:
    """Return articles and accepted answers."""
    locale = conversation.locale
    by_message = {hit.found.ref: hit for hit in suggestions.hits_for(about, locale, _LOOKED_AT)} if about else {}
    if not typed:
        hits = [hit for hit in by_message.values() if hit.is_likely]
    else:
        by_words = {hit.found.ref: hit for hit in suggestions.hits_for(typed, locale, _LOOKED_AT) if hit.is_likely}
        begun = _begun(typed, locale, [*by_words], by_message)
        hits = [
            replace(hit, score=hit.score + _OF_MESSAGE * (by_message[ref].score if ref in by_message else 0.0))
            for ref, hit in (by_words | begun).items()
        ]
    hits = sorted(hits, key=lambda hit: -hit.score)[: 2 * MOST_OF_A_KIND]
    found = suggestions.of_hits(hits, locale, channel=conversation.channel, wording=wording)
    return [
        Offer(
            kind=one.kind,
            id=one.id,
            title=one.title,
            text=one.text,
            locale=one.locale,
            fits=one.fits,
            length=one.length,
            limit=one.limit,
            score=one.score,
            why=one.why,
            note=one.note,
            warning=one.warning,
            url=one.url,
        )
        for one in suggestions.warned(found)
    ]


def _begun(typed: str, locale: str, known: Collection[Ref], by_message: Mapping[Ref, Hit]) -> dict[Ref, Hit]:
    """Return what has a title that goes on from what was typed: a half-typed word has no meaning yet."""
    guest = AnonymousUser()
    refs = [
        title.ref
        for title in completing.complete(typed, viewer=guest, kinds=suggestions.KINDS, locale=locale)
        if title.ref not in known
    ]
    hits = {ref: replace(by_message[ref], score=_BEGUN) for ref in refs if ref in by_message}
    for kind in suggestions.KINDS:
        ids = [ref.id for ref in refs if ref.kind == kind and ref not in hits]
        source = registry.source(kind)
        if not ids or source is None:
            continue
        for ref_id, found in source.visible(ids, guest).items():
            if kind == "article" or found.meta.get("accepted_post_id") is not None:
                hits[Ref(kind, ref_id)] = Hit(found, _BEGUN, (), frozenset(), is_likely=True)
    return hits


def _blocks(conversation: Conversation, typed: str, about: str, wording: Wording, *, by: User) -> list[Offer]:
    locale = conversation.locale
    likely = query.closest(about, viewer=by, kinds={KIND}, locale=locale, limit=_MOST_BLOCKS) if about else []
    if not typed:
        rows = _best_rows([hit for hit in likely if hit.is_likely])
        known = {row[0].id for row, _score in rows}
        rows += [(row, 0.0) for row in _at_hand(by) if row[0].id not in known]
    else:
        by_words = [
            hit
            for hit in query.closest(typed, viewer=by, kinds={KIND}, locale=locale, limit=_MOST_BLOCKS)
            if hit.is_likely
        ]
        scores = {hit.found.ref: hit.score for hit in likely}
        rows = _best_rows(
            [replace(hit, score=hit.score + _OF_MESSAGE * scores.get(hit.found.ref, 0.0)) for hit in by_words]
        )
        known = {row[0].id for row, _score in rows}
        rows += [(row, _BEGUN) for row in _begun_blocks(typed, by) if row[0].id not in known]
    rows = [(row, score + _at_hand_score(row)) for row, score in rows]
    rows.sort(key=lambda pair: -pair[1])
    return _offers(conversation, rows[: 2 * MOST_OF_A_KIND], wording, by=by)[:MOST_OF_A_KIND]


def _best_rows(hits: Sequence[Hit]) -> list[tuple[Any, float]]:
    """Return the rows of blocks with their scores, each once, though it was found in both languages."""
    best: dict[int, tuple[Any, float]] = {}
    for hit in sorted(hits, key=lambda hit: -hit.score):
        row = hit.found.meta["row"]
        best.setdefault(row[0].id, (row, hit.score))
    return list(best.values())


def _at_hand(by: User) -> list[Any]:
    """Return the blocks that somebody keeps or used lately."""
    kept = select(ReplyBlockFavourite.block_id).where(ReplyBlockFavourite.user_id == by.id)
    lately = (
        select(ReplyBlockUse.block_id)
        .where(ReplyBlockUse.by_id == by.id)
        .order_by(ReplyBlockUse.id.desc())
        .limit(_LOOKED_AT)
    )
    wanted = or_(ReplyBlock.id.in_(kept), ReplyBlock.id.in_(select(lately.subquery().c.block_id)))
    return list(db.session.execute(blocks.ranked(by, wanted, ReplyBlock.archived_at.is_(None)).limit(_LOOKED_AT)))


def _begun_blocks(typed: str, by: User) -> list[Any]:
    """Return the blocks that have every word as far as it is typed, anywhere: a name, a keyword, a word in it."""
    wanted = [
        or_(ReplyBlock.plain.contains(word, autoescape=True), ReplyBlock.name.contains(word, autoescape=True))
        for word in typed.lower().split()[:6]
    ]
    statement = blocks.ranked(by, ReplyBlock.archived_at.is_(None), *wanted)
    return list(db.session.execute(statement.order_by(ReplyBlock.id.desc()).limit(2 * MOST_OF_A_KIND)))


def _at_hand_score(row: Any) -> float:
    _block, used, last, is_kept = row
    score = _KEPT if is_kept else 0.0
    score += _USED * math.log1p(used or 0)
    moment: datetime | None = last
    if moment is not None:
        days = max(0.0, (now() - moment).total_seconds() / 86_400)
        score += _LATELY * math.exp(-days / _FADES)
    return score


def _offers(
    conversation: Conversation, rows: Sequence[tuple[Any, float]], wording: Wording, *, by: User
) -> list[Offer]:
    how_long: Measure = measure_here(conversation)
    found = []
    for row, score in rows:
        block: ReplyBlock = row[0]
        if block.scope == "channel" and block.channel_id != conversation.channel_id:
            continue
        said = blocks.text_of(
            block, locale=conversation.locale, channel=conversation.channel, wording=wording, viewer=by
        )
        if said is None:
            continue
        text, key = said
        found.append(
            Offer(
                kind="block",
                id=block.id,
                title=block.title,
                text=text,
                locale=key[:2],
                fits=how_long.fits(text),
                length=how_long.count(text),
                limit=how_long.limit,
                score=score,
                why=tuple(_why(row)),
                note=_note(conversation, key, text, wording),
            )
        )
    return found


def _why(row: Any) -> Iterable[str]:
    block, used, _last, is_kept = row
    if block.folder:
        yield block.folder
    if is_kept:
        yield gettext("Kept at hand")
    if block.scope == "mine":
        yield gettext("Only yours")
    if used:
        yield ngettext("Used %(num)s time", "Used %(num)s times", used)


def _note(conversation: Conversation, key: str, text: str, wording: Wording) -> str:
    said = []
    language = key.partition("@")[0]
    if language[:2] != conversation.locale:
        said.append(gettext("It does not speak the customer’s language."))
    elif wording.is_informal and language == "de":
        said.append(gettext("There is no short text with du: this one says Sie."))
    if left := wordings.left_open(text):
        said.append(gettext("Still to fill in: %(names)s.", names=", ".join(left)))
    return " ".join(said)


def _mixed(found: Sequence[Offer], most: int) -> list[Offer]:
    """Return the best, but no more of a kind than leave room for the others."""
    counts: dict[str, int] = {}
    chosen = []
    for offer in found:
        counts[offer.kind] = counts.get(offer.kind, 0) + 1
        if counts[offer.kind] <= MOST_OF_A_KIND:
            chosen.append(offer)
    return chosen[:most]


def _found(row: Any, ref_id: int) -> Found:
    block: ReplyBlock = row[0]
    return Found(
        ref=Ref(KIND, ref_id),
        title=block.title,
        url=f"/desk/blocks/{block.id}",
        locale=_locale_of(ref_id),
        text=_said_in(block, _locale_of(ref_id)),
        source_id=block.source_id,
        solved=None,
        created_at=block.created_at,
        meta={"row": row},
    )


def _by_ref(ids: Collection[int]) -> dict[int, ReplyBlock]:
    rows = db.session.scalars(select(ReplyBlock).where(ReplyBlock.id.in_({ref_id // 2 for ref_id in ids})))
    by_id = {block.id: block for block in rows}
    return {ref_id: by_id[ref_id // 2] for ref_id in ids if ref_id // 2 in by_id}


def _said_in(block: ReplyBlock, locale: str) -> str:
    return "\n".join(text for key, text in block.words.items() if key[:2] == locale)


def _ref(block_id: int, locale: str) -> int:
    return 2 * block_id + LOCALES.index(locale)


def _locale_of(ref_id: int) -> str:
    return LOCALES[ref_id % 2]
