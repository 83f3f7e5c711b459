"""Redaction: what looks like personal data in an article is taken out, or kept for a reason, before readers see it.

Names are those of everybody in the threads that the article came from. The thread keeps its words. What is kept is kept
for its article, in every spelling and version; only a digest says what it is.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import force_locale, gettext, ngettext
from sqlalchemy import delete, select

from accounts import audit
from accounts.models import User
from core import personal, texts
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.personal import Finding, Kind
from core.unique import add_once
from forum import personal_data
from forum.models import Post
from kb import policy, references
from kb.models import Article, KeptFinding, Revision, TextBlock, TextBlockKept

FIELDS: Final = ("title", "summary", "symptoms", "cause", "resolution", "environment", "keywords")
SHORTEST_REASON: Final = 3
LONGEST_REASON: Final = 300
IN_BLOCK: Final = "block:"
"""With the name of a block behind it: the field of what stands in an article through that block."""
AROUND: Final = 30
DIGEST: Final = 64


class Unconfirmed(Conflict):
    """Something that looks like personal data waits for a person's decision."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that looks like personal data, wherever it stands in an article."""

    digest: str
    kind: Kind
    name: str
    text: str
    replacement: str
    before: str
    after: str
    """What stands around it at the first place."""
    fields: tuple[str, ...]
    times: int

    @property
    def blocks(self) -> list[str]:
        """The names of the blocks it stands in."""
        return [field.removeprefix(IN_BLOCK) for field in self.fields if field.startswith(IN_BLOCK)]

    @property
    def is_only_in_blocks(self) -> bool:
        """Whether it stands nowhere else: then it can only be taken out there."""
        return len(self.blocks) == len(self.fields)


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a person said of findings, by their digest."""

    removed: frozenset[str] = frozenset()
    kept: Mapping[str, str] | None = None
    """The reason for each."""


def find(words: Mapping[str, Any], *, people: Iterable[str] = (), locale: str | None = None) -> list[Found]:
    """Return what looks like personal data in the texts of an article, each once, in the order of the fields.

    What is proposed to stand there instead is in the language of the article, or of the page.
    """
    names = tuple(people)
    rules = personal_data.rules()
    first: dict[str, tuple[Finding, str]] = {}
    places: dict[str, list[str]] = {}
    for field, said in words.items():
        text = said if isinstance(said, str) else "\n".join(said)
        for one in personal.find(text, rules=rules, people=names):
            digest = digest_of(one)
            first.setdefault(digest, (one, text))
            places.setdefault(digest, []).append(field)
    return [
        Found(
            digest=digest,
            kind=one.kind,
            name=one.name,
            text=one.text,
            replacement=_instead(one, locale),
            before=_line(text[max(0, one.start - AROUND) : one.start]),
            after=_line(text[one.end : one.end + AROUND]),
            fields=tuple(dict.fromkeys(places[digest])),
            times=len(places[digest]),
        )
        for digest, (one, text) in first.items()
    ]


def without(
    words: Mapping[str, Any], digests: Collection[str], *, people: Iterable[str] = (), locale: str | None = None
) -> dict[str, Any]:
    """Return the texts with what is proposed in the place of these findings; a keyword that was one is gone."""
    names = tuple(people)
    rules = personal_data.rules()

    def clean(text: str) -> str:
        found = personal.find(text, rules=rules, people=names)
        with force_locale(locale) if locale else nullcontext():
            return personal.without(text, [one for one in found if digest_of(one) in digests])

    left: dict[str, Any] = {}
    for field, said in words.items():
        if isinstance(said, str):
            left[field] = clean(said)
        else:
            left[field] = [word for word in said if clean(word) == word]
    return left


def digest_of(one: Finding) -> str:
    """Return what a finding is known by in every spelling."""
    return hashlib.sha256(f"{one.kind}:{one.key}".encode()).hexdigest()


def participants(posts: Iterable[Post]) -> list[str]:
    """Return what everybody is called who wrote in the threads of these posts, muted or not."""
    topic_ids = {post.topic_id for post in posts}
    if not topic_ids:
        return []
    rows = db.session.execute(
        select(User.handle, User.name)
        .where(User.id.in_(select(Post.author_id).where(Post.topic_id.in_(topic_ids), Post.author_id.is_not(None))))
        .order_by(User.id)
    )
    return list(dict.fromkeys(name for row in rows for name in row if name))


def of(article: Article) -> list[str]:
    """Return the names of everybody in the threads that an article came from."""
    return participants(source.post for source in article.sources)


def texts_of(article: Article, revision: Revision) -> dict[str, Any]:
    """Return every text of an article that readers may see when this revision is published."""
    said: dict[str, Any] = {field: getattr(revision, field) for field in FIELDS}
    said |= {
        f"{IN_BLOCK}{block.name}": block.words.get(article.locale, "") for block in references.in_revision(revision)
    }
    said |= {f"face_{face.kind}": face.text for face in article.faces if not face.is_drafted}
    return said | {f"face_du_{face.kind}": face.text for face in article.informal_faces if not face.is_drafted}


def kept(article: Article) -> list[KeptFinding]:
    """Return what is meant to stay in an article, and why."""
    return list(
        db.session.scalars(select(KeptFinding).where(KeptFinding.article_id == article.id).order_by(KeptFinding.id))
    )


def unconfirmed(article: Article, words: Mapping[str, Any], *, locale: str | None = None) -> list[Found]:
    """Return what looks like personal data in these texts and was not said to stay in this article."""
    found = find(words, people=of(article), locale=locale)
    if not found:
        return []
    known = set(db.session.scalars(select(KeptFinding.digest).where(KeptFinding.article_id == article.id)))
    found = [one for one in found if one.digest not in known]
    inside = [one for one in found if one.blocks]
    if not inside:
        return found
    names = {name for one in inside for name in one.blocks}
    rows = db.session.execute(
        select(TextBlockKept.digest, TextBlock.name)
        .join(TextBlock, TextBlock.id == TextBlockKept.block_id)
        .where(TextBlock.name.in_(names))
    )
    stays = {(digest, name) for digest, name in rows}
    return [one for one in found if not one.is_only_in_blocks or any((one.digest, n) not in stays for n in one.blocks)]


def refuse_unconfirmed(article: Article, revision: Revision) -> None:
    """Raise `Unconfirmed` while something in a revision, or in a face, waits for a decision."""
    if found := unconfirmed(article, texts_of(article, revision)):
        raise Unconfirmed(refusal(len(found)))


def refuse_face(article: Article, field: str, text: str) -> None:
    """Raise `Invalid` at the field where a face says something that was not said to stay in this article."""
    if found := unconfirmed(article, {field: text}):
        kinds = ", ".join(dict.fromkeys(one.name for one in found))
        sentence = gettext(
            "This goes out into the world. Please take out, or say below why it stays: %(kinds)s.", kinds=kinds
        )
        raise Invalid(sentence, fields={field: sentence})


def refusal(count: int) -> str:
    """Return the sentence for so many findings that wait."""
    said: str = ngettext(
        "%(num)s thing in it looks personal. Say whether it is taken out or stays, then it can be published.",
        "%(num)s things in it look personal. Say of each whether it is taken out or stays, then it can be published.",
        count,
    )
    return said


def keep(article: Article, found: Iterable[Found], reasons: Mapping[str, str], *, by: User) -> None:
    """Say that findings stay in an article, each with its reason; said again, the last reason holds."""
    if not policy.may_edit(by, article):
        raise NotAllowed
    known = {one.digest: one for one in found}
    for digest, said in reasons.items():
        if digest not in known:
            continue
        reason = checked_reason(digest, said)
        one = known[digest]
        add_once(KeptFinding, article_id=article.id, digest=digest, kind=one.kind, reason=reason, by_id=by.id, at=now())
        audit.record("kb.finding.keep", article, by=by, reason=reason, after={"kind": one.kind})
    db.session.flush()


def reconsider(article: Article, finding_id: int, *, by: User) -> None:
    """Take back that something stays; it is asked for again at the next publication."""
    if not policy.may_edit(by, article):
        raise NotAllowed
    db.session.execute(delete(KeptFinding).where(KeptFinding.id == finding_id, KeptFinding.article_id == article.id))


def checked_reason(digest: str, said: str) -> str:
    """Return why something stays; raise `Invalid` where nobody can learn anything from it."""
    clean = texts.line(said, longest=LONGEST_REASON)
    if len(clean) < SHORTEST_REASON:
        sentence = gettext("Please say why it stays.")
        raise Invalid(sentence, fields={f"why-{digest}": sentence})
    return clean


def decisions(form: Mapping[str, Any]) -> Decisions:
    """Return what a form says of findings: `find-<digest>` is `remove` or `keep`, `why-<digest>` the reason."""
    removed: set[str] = set()
    kept_ones: dict[str, str] = {}
    for name, said in form.items():
        digest = name.removeprefix("find-")
        if digest == name or len(digest) != DIGEST:
            continue
        if said == "remove":
            removed.add(digest)
        elif said == "keep":
            kept_ones[digest] = str(form.get(f"why-{digest}", ""))
    return Decisions(frozenset(removed), kept_ones)


def _instead(one: Finding, locale: str | None) -> str:
    with force_locale(locale) if locale else nullcontext():
        return one.replacement


def _line(text: str) -> str:
    return " ".join(text.split())
