"""Faces: the short texts of an article, one for each length that channels allow.

A face is kept without the article's address; the address is appended where the text is used, so that a moved article
leaves no wrong links behind. What a person wrote is never overwritten; what the rules drafted is drafted anew at each
publication. In German there are two of each, with Sie and with du; the second is drafted of the first where the rules
of `kb.informal` are sure, and is missing otherwise until a person writes it. What stands open in a face is filled in
where it is used, see `kb.face_variables`.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any, Final, NamedTuple

from flask_babel import gettext
from sqlalchemy import Row

from accounts.models import User
from core import problems, texts
from core.clock import now
from core.counting import Measure
from core.db import db
from core.errors import Invalid, NotAllowed
from core.web import absolute
from kb import addresses, face_variables, outline, policy, publishing, queries, redaction, references, sentences
from kb.informal import informal
from kb.models import FACE_KINDS, LONGEST_FACE, Article, Face, FaceKind, Revision
from kb.outline import Block
from kb.queries import Publication

Count = Callable[[str], int]

MEASURES: Final[dict[FaceKind, Measure]] = {
    "sentence": Measure(200),
    "280": Measure(280, "weighted"),  # as X counts
    "300": Measure(300, "graphemes", 3000),  # as Bluesky does, which also takes 3,000 bytes at most
    "500": Measure(500, "mastodon"),
    "1000": Measure(1000),
    "mail": Measure(LONGEST_FACE),
}
"""How long a face may be together with the address, by the arithmetic of the channel that it is for."""
LIMITS: Final[dict[FaceKind, int]] = {kind: measure.limit or LONGEST_FACE for kind, measure in MEASURES.items()}
RICHEST_FIRST: Final[tuple[FaceKind, ...]] = tuple(reversed(FACE_KINDS))

_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f") | {chr(tone) for tone in range(0x1F3FB, 0x1F400)}
_FLAGS: Final = range(0x1F1E6, 0x1F200)


def with_link(text: str, url: str) -> str:
    """Return the text with the address at its end, on a line of its own where the text has several lines."""
    if not text or url in text:
        return text or url
    return text + ("\n" if "\n" in text else " ") + url


def draft(
    revision: Revision | Row[Any], *, kind: FaceKind, url: str, count: Count | None = None, limit: int | None = None
) -> str:
    """Draft a face by rules: what helps, as much of it as fits together with the address (which is not in the result).

    It is counted as the kind's own channel does unless `count` says otherwise. Steps are given all or not at all,
    sentences are given whole. Only where not even the first sentence fits it is cut.
    """
    measure = MEASURES[kind]
    room = LIMITS[kind] if limit is None else min(limit, LIMITS[kind])

    def fits(text: str) -> bool:
        whole = with_link(text, url)
        if count is None:
            return measure.fits(whole) and measure.count(whole) <= room
        return count(whole) <= room

    for candidate in _candidates(revision, kind):
        if candidate and fits(candidate):
            return candidate
    told = _told(revision)
    return _cut(told[0] if told else revision.title, fits)


class Chosen(NamedTuple):
    """What is inserted for an article: a text that ends with its address."""

    kind: FaceKind
    text: str
    is_informal: bool
    """With du."""


def text_for(
    article: Article | Publication, *, limit: int | None, url: str, count: Count = len
) -> tuple[FaceKind, str]:
    """Return the richest text about a published article that fits `limit` (None: any length) together with the address.

    Of its variables what nobody knows here has its default, or vanishes.
    """
    kind, text, _ = choose(article, limit=limit, url=url, count=count)
    return kind, text


def choose(
    article: Article | Publication,
    *,
    limit: int | None,
    url: str,
    count: Count = len,
    values: Mapping[str, str] | None = None,
    is_informal: bool = False,
    leaves_open: bool = False,
) -> Chosen:
    """Return the richest text about a published article that fits `limit` (None: any length) together with the address.

    A text that a person wrote comes before a drafted one, unless it would leave more than half of the room empty. Where
    not even the address fits, the result is the address, and longer than the limit. `values` are filled in for its
    variables (see `kb.face_variables`); what is missing stays open where it `leaves_open`. Where there is none with du,
    it is one with Sie.
    """
    revision = article.published
    if revision is None:
        raise Invalid(gettext("This article is not published."))
    room = LONGEST_FACE if limit is None else limit
    given = face_variables.values_of(revision.environment, url) | dict(values or {})

    def whole(text: str) -> str:
        return with_link(face_variables.filled(text, given, leaves_open=leaves_open), url)

    if is_informal and (found := _chosen(article.informal_faces, room, count, whole)):
        return Chosen(*found, is_informal=True)

    def drafted(kind: FaceKind) -> str:
        text = draft(revision, kind=kind, url=url, count=count, limit=room)
        return text and with_link(text, url)

    return Chosen(*(_chosen(article.faces, room, count, whole, drafted) or ("sentence", url)), is_informal=False)


def _chosen(
    stored: Iterable[Any],
    room: int,
    count: Count,
    whole: Callable[[str], str],
    drafted: Callable[[FaceKind], str] | None = None,
) -> tuple[FaceKind, str] | None:
    """Return the face to use of those that are stored, or `drafted` where a kind has none that a person wrote."""
    kept = {face.kind: (whole(face.text), face.is_drafted) for face in stored}
    fitting = {kind: text for kind, (text, _) in kept.items() if count(text) <= room}
    for kind in RICHEST_FIRST:
        if kind in fitting and not kept[kind][1] and 2 * LIMITS[kind] >= min(room, LONGEST_FACE):
            return kind, fitting[kind]
    for kind in RICHEST_FIRST:
        if LIMITS[kind] > room and kind != "sentence":
            continue  # drafted for more room than there is
        text = fitting.get(kind)
        if text is None and drafted is not None and (kind not in kept or kept[kind][1]):
            text = drafted(kind)
        if text and count(text) <= room:
            return kind, text
    return None


def best(article: Article, *, limit: int | None, count: Count = len, url: str | None = None) -> Face | None:
    """Return the longest stored face that fits with the address; None where none does."""
    url = url or absolute(addresses.of_article(article))
    kept = {face.kind: face for face in article.faces}
    for kind in RICHEST_FIRST:
        face = kept.get(kind)
        if face is not None and (limit is None or _longest(face.text, url, count) <= limit):
            return face
    return None


def redraw(article: Article) -> None:
    """Draft the faces of what is published anew, except those that a person wrote."""
    revision = article.published
    if revision is None:
        return
    url = absolute(addresses.of_article(article))
    kept = {face.kind: face for face in article.faces}
    for kind in FACE_KINDS:
        face = kept.get(kind)
        if face is not None and not face.is_drafted:
            continue
        text = face_variables.escaped(draft(revision, kind=kind, url=url))
        if face is None:
            face = Face(article=article, kind=kind, is_drafted=True)
            db.session.add(face)
        face.text, face.revision_id, face.at = text, revision.id, now()
    db.session.flush()
    _redraw_informal(article)


def write(article: Article, *, kind: FaceKind, text: str, by: User, is_informal: bool = False) -> Face | None:
    """Keep the words of a person as a face; an empty text gives the face back to the rules."""
    if not policy.may_edit(by, article):
        raise NotAllowed
    if article.is_published and not policy.may_publish(by, article):  # a face is in use as soon as it is written
        sentence = publishing.in_words(article.section)
        raise Invalid(sentence, fields={field_of(kind, is_informal=is_informal): sentence})
    kept = _informal_of(article) if is_informal else {face.kind: face for face in article.faces}
    face = kept.get(kind)
    text = check(article, kind=kind, text=text, is_informal=is_informal)
    redaction.refuse_face(article, field_of(kind, is_informal=is_informal), text)
    if not text:
        if face is not None and not face.is_drafted:
            if face in article.faces:
                article.faces.remove(face)
            db.session.delete(face)
            db.session.flush()
            redraw(article)
        return None
    newest = queries.newest_revision(article)
    if face is None:
        face = Face(article_id=article.id, kind=kind, is_informal=is_informal)
        if not is_informal:
            article.faces.append(face)
        db.session.add(face)
    face.text, face.is_drafted, face.by_id, face.at = text, False, by.id, now()
    face.revision_id = newest.id
    db.session.flush()
    if not is_informal:
        _redraw_informal(article)
    return face


def shown(article: Article) -> dict[FaceKind, str]:
    """Return every face as it is or, where none is stored, as it would be drafted of the published or newest words."""
    words = article.published or queries.newest_revision(article)
    url = absolute(addresses.of_article(article, words))
    kept = {face.kind: face.text for face in article.faces}
    return {kind: kept.get(kind) or face_variables.escaped(draft(words, kind=kind, url=url)) for kind in FACE_KINDS}


def shown_informal(article: Article) -> dict[FaceKind, str]:
    """Return every face with du as it is, or as it would be drafted; empty where a person has to write it."""
    formal, kept = shown(article), {kind: face.text for kind, face in _informal_of(article).items()}
    return {kind: kept.get(kind) or informal(formal[kind]) or "" for kind in FACE_KINDS}


def check(article: Article, *, kind: FaceKind, text: str, is_informal: bool = False) -> str:
    """Return the text, cleaned; raise `Invalid` when it does not fit its kind together with the address."""
    name = field_of(kind, is_informal=is_informal)
    with problems.at(name):
        text = texts.block(text, longest=LONGEST_FACE)
        references.refuse(text)
        face_variables.check(text)
    measure = MEASURES[kind]
    url = absolute(addresses.of_article(article, queries.newest_revision(article)))
    wholes = [with_link(one, url) for one in face_variables.extremes(text, url)]
    over = max(map(measure.count, wholes)) - LIMITS[kind] if text else 0
    if text and over <= 0 and not all(map(measure.fits, wholes)):
        sentence = gettext("Too long: the channel takes %(most)s bytes at most.", most=measure.longest_bytes)
        raise Invalid(sentence, fields={name: sentence})
    if over > 0:
        sentence = gettext(
            "Too long by %(over)s characters: together with the address %(longest)s fit.",
            over=over,
            longest=LIMITS[kind],
        )
        raise Invalid(sentence, fields={name: sentence})
    return text


def field_of(kind: FaceKind, *, is_informal: bool = False) -> str:
    """Return the name of the field in which a face is edited."""
    return f"face_du_{kind}" if is_informal else f"face_{kind}"


def is_outdated(face: Face, article: Article) -> bool:
    """Tell whether this face was written, or drafted of what was written, before the article said something else."""
    since = article.changed_id or article.published_id
    return article.published_id is not None and since is not None and face.revision_id < since


def _redraw_informal(article: Article) -> None:
    """Draft the faces with du anew of those with Sie; where the rules are not sure, there is none."""
    kept = _informal_of(article)
    formal = {face.kind: face for face in article.faces} if article.locale == "de" else {}
    url = absolute(addresses.of_article(article))
    for kind in FACE_KINDS:
        face, source = kept.get(kind), formal.get(kind)
        if face is not None and not face.is_drafted:
            continue
        text = informal(source.text) if source is not None else None
        if source is None or not text or not _fits(text, kind, url):
            if face is not None:
                db.session.delete(face)
            continue
        if face is None:
            face = Face(article_id=article.id, kind=kind, is_informal=True, is_drafted=True)
            db.session.add(face)
        face.text, face.revision_id, face.at = text, source.revision_id, now()
    db.session.flush()
    db.session.expire(article, ["informal_faces"])


def _fits(text: str, kind: FaceKind, url: str) -> bool:
    return all(MEASURES[kind].fits(with_link(one, url)) for one in face_variables.extremes(text, url))


def _longest(text: str, url: str, count: Count) -> int:
    return max(count(with_link(one, url)) for one in face_variables.extremes(text, url))


def _informal_of(article: Article) -> dict[FaceKind, Face]:
    db.session.flush()
    db.session.expire(article, ["informal_faces"])
    return {face.kind: face for face in article.informal_faces}


def _candidates(revision: Revision | Row[Any], kind: FaceKind) -> Iterator[str]:
    """Yield texts from the richest to the poorest."""
    told = _told(revision)
    if kind == "sentence":
        yield told[0] if told else ""
        return
    summary = revision.summary.strip()
    parts = outline.blocks(revision.resolution_html)
    yield _joined([*([] if _repeats(parts, summary) else [summary]), *(part.text for part in parts)], kind)
    intro = sentences.split(summary)
    steps = next((part for part in parts if part.kind == "steps"), None)
    if steps is not None:
        for length in range(len(intro), -1, -1):
            yield _joined([" ".join(intro[:length]), steps.text], kind)
    for length in range(len(told), 0, -1):
        yield " ".join(told[:length])


def _told(revision: Revision | Row[Any]) -> list[str]:
    """Return the sentences of the summary, then those of the resolution up to its first list or code."""
    told = sentences.split(revision.summary)
    for part in outline.blocks(revision.resolution_html):
        if part.kind != "text":
            break
        told += [sentence for sentence in sentences.split(part.text) if sentence not in told]
    return told


def _repeats(parts: Iterable[Block], summary: str) -> bool:
    first = next(iter(parts), None)
    return bool(summary) and first is not None and first.text.startswith(summary.rstrip("…. "))


def _joined(parts: Iterable[str], kind: FaceKind) -> str:
    return ("\n\n" if kind == "mail" else "\n").join(part for part in parts if part)


def _cut(text: str, fits: Callable[[str], bool]) -> str:
    """Return as many whole words of the text as fit, with an ellipsis; of a single endless word, whole characters."""
    words = text.split(" ")
    length = bisect_right(range(1, len(words) + 1), False, key=lambda number: not fits(" ".join(words[:number]) + "…"))
    if length:
        return " ".join(words[:length]).rstrip(",;:–-") + "…"
    word = words[0]
    length = bisect_right(range(1, len(word) + 1), False, key=lambda number: not fits(word[:number] + "…"))
    while 0 < length < len(word) and _splits_a_character(word, length):
        length -= 1
    return word[:length] + "…" if length else ""


def _splits_a_character(word: str, at: int) -> bool:
    """Tell whether what a person sees as one character would be cut in two: accents, emoji families, flags."""
    before, after = word[at - 1], word[at]
    if ord(after) in _FLAGS:
        letters = len(list(takewhile(lambda letter: ord(letter) in _FLAGS, reversed(word[:at]))))
        return letters % 2 == 1  # a flag is two letters of its country
    return before == "\u200d" or after in _JOINERS or unicodedata.combining(after) > 0
