"""Blocks: named pieces of text that stand in several articles. Mended once, they are mended everywhere at once.

What a block says is shown from the moment on at which it is saved. Where only its wording changed, the versions that
show it are shown again with it; where it says something else, every published article that has it gets a new version,
with all that a correction brings: short texts that are older, other languages that are behind, replies to look at.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, cast

from flask_babel import gettext
from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from accounts import audit
from accounts.models import User
from core import markup, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.i18n import LOCALES
from core.outbox import publish as publish_event
from core.problems import Problems, at
from core.unique import add_once
from kb import articles, families, policy, queries, redaction, references
from kb.events import ArticlePublished
from kb.models import (
    Article,
    Audience,
    PlannedPublication,
    Revision,
    Significance,
    TextBlock,
    TextBlockKept,
    TextBlockRevision,
    TextBlockUse,
)
from kb.redaction import Decisions, Found

LONGEST_WORDS: Final = 8000
MOST_BLOCKS: Final = 500
_NAME: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")

Change = Callable[[articles.Words], articles.Words]


def block(block_id: int) -> TextBlock:
    """Return a block, or raise `NotFound`."""
    found = db.session.get(TextBlock, block_id) if 0 < block_id <= LARGEST_ID else None
    if found is None:
        raise NotFound(gettext("There is no such block."))
    return found


def every() -> Sequence[TextBlock]:
    """Return all blocks by name."""
    return db.session.scalars(select(TextBlock).order_by(TextBlock.name).limit(MOST_BLOCKS)).all()


def innermost_first() -> list[TextBlock]:
    """Return all blocks in an order in which each comes after those that stand in it."""
    waiting, done = list(every()), list[TextBlock]()
    while waiting:
        names = {one.name for one in waiting}
        ready = [one for one in waiting if not names & _names_in(one.words)] or waiting[:1]
        done += ready
        waiting = [one for one in waiting if one not in ready]
    return done


def named(name: str) -> TextBlock | None:
    return db.session.scalars(select(TextBlock).where(TextBlock.name == name)).one_or_none()


def revisions_of(of: TextBlock) -> Sequence[TextBlockRevision]:
    """Return what a block said, the newest first."""
    mine = select(TextBlockRevision).where(TextBlockRevision.block_id == of.id)
    return db.session.scalars(mine.order_by(TextBlockRevision.number.desc())).all()


def using(of: TextBlock) -> Select[Article]:
    """Select the articles that have a block in what readers see, in their newest version, or in one that is planned."""
    return select(Article).where(Article.id.in_(_users([of.id]))).options(*queries.light()).order_by(Article.id)


def counts() -> Mapping[int, int]:
    """Return in how many articles each block stands."""
    rows = db.session.execute(
        select(TextBlockUse.block_id, func.count(func.distinct(Revision.article_id)))
        .join(Revision, Revision.id == TextBlockUse.revision_id)
        .where(_counts())
        .group_by(TextBlockUse.block_id)
    )
    return {row[0]: row[1] for row in rows}


def outer_of(of: TextBlock) -> list[TextBlock]:
    """Return the blocks that have this one in them, themselves or through another one."""
    everything = every()
    found, names = dict[int, TextBlock](), {of.name}
    while True:
        more = [one for one in everything if one.id not in found and names & _names_in(one.words)]
        if not more:
            return sorted(found.values(), key=lambda one: one.name)
        found |= {one.id: one for one in more}
        names = {one.name for one in more}


def create(
    *, name: str, words: Mapping[str, str], audience: Audience, by: User, decided: Decisions | None = None
) -> TextBlock:
    """Write a block; articles refer to it by its name, which stays."""
    if not policy.may_write(by):
        raise NotAllowed(gettext("Only editors write blocks."))
    _refuse_name(name)
    if (db.session.scalar(select(func.count(TextBlock.id))) or 0) >= MOST_BLOCKS:
        raise Invalid(gettext("There are %(most)s blocks already.", most=MOST_BLOCKS))
    said, stays = _decided(_clean(words), decided, by_article=[], known=set())
    made = TextBlock(name=name, words=said, audience=_audience(audience))
    try:
        with db.session.begin_nested():
            db.session.add(made)
    except IntegrityError:
        sentence = gettext("There is a block of this name already.")
        raise Invalid(sentence, fields={"name": sentence}) from None
    _refuse_unreadable(made)
    db.session.add(TextBlockRevision(block_id=made.id, number=1, words=said, by_id=by.id))
    _keep(made, stays, by=by)
    audit.record("kb.block.create", made, by=by, after={"name": name, "audience": audience})
    return made


def revise(
    of: TextBlock,
    *,
    words: Mapping[str, str],
    audience: Audience,
    significance: Significance,
    by: User,
    comment: str = "",
    based_on: int | None = None,
    decided: Decisions | None = None,
) -> None:
    """Have a block say something else, everywhere at once; `significance` says how much that changes for readers.

    `Conflict` where somebody changed it since version `based_on`. `Invalid` where an article that has it could not be
    shown any more, or is for more people than the block.
    """
    if not policy.may_write(by):
        raise NotAllowed(gettext("Only editors write blocks."))
    with at("comment"):
        comment = texts.line(comment, longest=articles.LONGEST_COMMENT)
    _lock(of)
    if based_on is not None and based_on != of.number:
        raise Conflict(gettext("Somebody saved version %(number)s while you were writing.", number=of.number))
    users = list(db.session.scalars(using(of)).unique())
    said, stays = _decided(_clean(words), decided, by_article=users, known=_kept(of))
    _keep(of, stays, by=by)
    before = {"words": dict(of.words), "audience": of.audience}
    of.audience = _audience(audience)
    changed = {locale for locale in LOCALES if said.get(locale, "") != of.words.get(locale, "")}
    if changed:
        of.words, of.number = said, of.number + 1
        db.session.flush()
        _note(of, significance=significance, by=by, comment=comment)
    db.session.flush()
    if before == {"words": of.words, "audience": of.audience}:
        return
    _refuse_unreadable(of)
    for outer in outer_of(of):
        _refuse_unreadable(outer)
    _refuse_narrower(users)
    touched = [article for article in users if article.locale in changed]
    _carry(touched, by=by, significance=significance, comment=_said_of(of, comment), is_everywhere=len(changed) > 1)
    audit.record(
        "kb.block.revise",
        of,
        by=by,
        before={"audience": before["audience"], "version": of.number - bool(changed)},
        after={"audience": of.audience, "version": of.number, "significance": significance},
    )


def restore(of: TextBlock, number: int, *, significance: Significance, by: User) -> None:
    """Bring back what a block said at an earlier version, as a new one."""
    earlier = next((one for one in revisions_of(of) if one.number == number), None)
    if earlier is None:
        raise NotFound(gettext("There is no such version."))
    comment = gettext("Version %(number)s brought back", number=number)
    revise(of, words=earlier.words, audience=of.audience, significance=significance, by=by, comment=comment)


def remove(of: TextBlock, *, by: User) -> None:
    """Remove a block that stands nowhere; `Conflict` while it does."""
    if not policy.may_write(by):
        raise NotAllowed(gettext("Only editors write blocks."))
    _lock(of)
    if outer_of(of) or db.session.scalar(using(of).with_only_columns(Article.id).limit(1)) is not None:
        raise Conflict(gettext("This block is used. Take it out there first, or put its words in its place."))
    _delete(of, by=by)


def dissolve(of: TextBlock, *, by: User) -> int:
    """Put the words of a block in its place wherever it stands, and remove it; return in how many articles."""
    if not policy.may_write(by):
        raise NotAllowed(gettext("Only editors write blocks."))
    _lock(of)
    for outer in outer_of(of):
        if of.name in _names_in(outer.words):
            _lock(outer)
            outer.words = {
                locale: references.replaced(said, of.name, of.words.get(locale, ""))
                for locale, said in outer.words.items()
            }
            outer.number += 1
            db.session.flush()
            _note(outer, significance="typo", by=by, comment=_gone(of))
    users = list(db.session.scalars(using(of)).unique())
    for article in users:
        instead = partial(_with_words_of, of, article.locale)
        _renew(article, by=by, significance="typo", comment=_gone(of), change=instead)
    _delete(of, by=by)
    return len(users)


def found(of: TextBlock | None, words: Mapping[str, str]) -> list[Found]:
    """Return what looks personal in the words of a block and was not said to stay, by field."""
    users = [] if of is None else list(db.session.scalars(using(of)).unique())
    return _found(_fields(words), users, set() if of is None else _kept(of))


def takes_over(of: TextBlock, *, words: Mapping[str, str], audience: Audience) -> None:
    """Have a block say what an import says; for the transfer, which nobody hears of."""
    said = _clean(words)
    of.audience = _audience(audience)
    if of.words != said:
        of.words, of.number = said, (of.number or 0) + 1
        db.session.add(of)
        db.session.flush()
        _note(of, significance=None, by=None, comment="")
    db.session.flush()
    _refuse_unreadable(of)
    users = list(db.session.scalars(using(of)).unique())
    _refuse_narrower(users)
    for article in users:
        _show_again(article)


def _carry(
    touched: Iterable[Article], *, by: User, significance: Significance, comment: str, is_everywhere: bool
) -> None:
    """Bring what a block says by now into the articles that have it."""
    states = {article.id: families.state_of(article, families.members(article)) for article in touched}
    for article in touched:
        try:
            if significance == "typo" or not article.is_published:
                articles.hold(article)
                _show_again(article)
                if article.is_published and article.published_id is not None:
                    publish_event(ArticlePublished(article.id, article.published_id, by.id, False, "typo"))
            else:
                is_matching = is_everywhere and article.family_id is not None and states[article.id] == "current"
                _renew(article, by=by, significance=significance, comment=comment, is_matching=is_matching)
        except Invalid as error:
            title = queries.newest_revision(article).title
            sentence = gettext("In the article “%(title)s”: %(sentence)s", title=title, sentence=error.sentence)
            raise Invalid(sentence) from None


def _show_again(article: Article) -> None:
    """Show the versions that stand for an article with what its blocks say by now."""
    rows = select(Revision).where(Revision.article_id == article.id, _counts()).order_by(Revision.number)
    for revision in db.session.scalars(rows).unique().all():
        articles.render_again(article, revision)


def _renew(
    article: Article,
    *,
    by: User,
    significance: Significance,
    comment: str,
    change: Change | None = None,
    is_matching: bool = False,
) -> None:
    """Write a new version of what readers see, and publish it; what is newer and not published yet stays the newest."""
    number = articles.lock(article)
    newest, published = queries.newest_revision(article), article.published
    is_draft = published is None or newest.id != published.id
    if published is not None:
        shown = _copy(article, published, number + 1, change)
        shown.by, shown.comment = by, comment
        number += 1
    if is_draft:
        draft = _copy(article, newest, number + 1, change)
        draft.by, draft.at, draft.comment = newest.by, newest.at, newest.comment
        db.session.flush()
        db.session.execute(
            update(PlannedPublication)
            .where(PlannedPublication.article_id == article.id, PlannedPublication.revision_id == newest.id)
            .values(revision_id=draft.id)
        )
        db.session.expire_all()
    db.session.flush()
    if published is not None and article.is_published:
        articles.show(article, shown, by=by, significance=significance, is_matching=is_matching)
    elif published is not None:
        article.published = shown
        db.session.flush()


def _copy(article: Article, revision: Revision, number: int, change: Change | None) -> Revision:
    words = articles.words_of(revision)
    made = articles.revision_with(article, number, dict(words if change is None else change(words)))
    db.session.add(made)
    db.session.flush()
    return made


def _counts() -> ColumnElement[bool]:
    """Return the clause for the versions that stand for an article: published, planned, and the newest."""
    newer, shown, planned = aliased(Revision), aliased(Article), aliased(PlannedPublication)
    is_published = select(shown.id).where(shown.published_id == Revision.id).correlate(Revision).exists()
    is_planned = select(planned.article_id).where(planned.revision_id == Revision.id).correlate(Revision).exists()
    has_newer = (
        select(newer.id)
        .where(newer.article_id == Revision.article_id, newer.number > Revision.number)
        .correlate(Revision)
        .exists()
    )
    return or_(is_published, is_planned, ~has_newer)


def _users(block_ids: Collection[int]) -> Select[int]:
    return (
        select(Revision.article_id)
        .join(TextBlockUse, TextBlockUse.revision_id == Revision.id)
        .where(TextBlockUse.block_id.in_(block_ids), _counts())
    )


def _note(of: TextBlock, *, significance: Significance | None, by: User | None, comment: str) -> None:
    db.session.add(
        TextBlockRevision(
            block_id=of.id,
            number=of.number,
            words=of.words,
            by_id=None if by is None else by.id,
            comment=comment,
            significance=significance,
        )
    )
    db.session.flush()


def _lock(of: TextBlock) -> None:
    """Keep others waiting who change this block, or save an article with it, until this transaction ends."""
    held = select(TextBlock).where(TextBlock.id == of.id).with_for_update()
    if db.session.scalars(held.execution_options(populate_existing=True)).one_or_none() is None:
        raise NotFound(gettext("There is no such block."))


def _delete(of: TextBlock, *, by: User) -> None:
    audit.record("kb.block.remove", of, by=by, before={"name": of.name})
    db.session.execute(delete(TextBlock).where(TextBlock.id == of.id))
    db.session.expire_all()


def _clean(words: Mapping[str, str]) -> dict[str, str]:
    problems, said = Problems(), dict[str, str]()
    for locale in LOCALES:
        clean = partial(texts.block, words.get(locale, ""), longest=LONGEST_WORDS)
        said[locale] = problems.take(f"words_{locale}", clean, "")
    if not problems.fields and not any(said.values()):
        problems.fields["words_de"] = gettext("A block says something in one language at least.")
    problems.refuse()
    return {locale: spoken for locale, spoken in said.items() if spoken}


def _refuse_unreadable(of: TextBlock) -> None:
    """Raise `Invalid` where a block cannot be shown, has itself in it, or another one that is for fewer people."""
    problems = Problems()
    for locale in of.words:

        def look(locale: str = locale) -> None:
            said, inside = references.expanded({"": f"{{{{block:{of.name}}}}}"}, locale)
            markup.render(said[""])
            for one in inside:
                if references.WIDTH[one.audience] < references.WIDTH[of.audience]:
                    raise Invalid(gettext("The block “%(name)s” in it is for fewer people.", name=one.name))

        problems.take(f"words_{locale}", look, None)
    problems.refuse()


def _refuse_narrower(users: Iterable[Article]) -> None:
    for article in users:
        try:
            references.refuse_wider(article, article.audience)
        except Invalid:
            title = queries.newest_revision(article).title
            sentence = gettext("It stands in “%(title)s”, which is for more people.", title=title)
            raise Invalid(sentence, fields={"audience": sentence}) from None


def _refuse_name(name: str) -> None:
    if len(name) > references.LONGEST_NAME or not _NAME.fullmatch(name):
        sentence = gettext("Please choose small letters, digits and dashes, %(most)s at most.", most=60)
        raise Invalid(sentence, fields={"name": sentence})


def _audience(typed: str) -> Audience:
    for known in articles.AUDIENCES:
        if typed == known:
            return known
    sentence = gettext("Choose who may read this.")
    raise Invalid(sentence, fields={"audience": sentence})


def _names_in(words: Mapping[str, str]) -> set[str]:
    return {name for said in words.values() for name in references.names_in(said)}


def _said_of(of: TextBlock, comment: str) -> str:
    said = gettext("Block “%(name)s”", name=of.name)
    return f"{said}: {comment}"[: articles.LONGEST_COMMENT] if comment else str(said)


def _with_words_of(of: TextBlock, locale: str, words: articles.Words) -> articles.Words:
    said: dict[str, str] = {name: str(words.get(name, "")) for name in references.FIELDS}
    spoken = of.words.get(locale, "")
    put_in = {name: references.replaced(text, of.name, spoken) for name, text in said.items()}
    return cast("articles.Words", articles.clean(cast("articles.Words", {**words, **put_in})))


def _gone(of: TextBlock) -> str:
    return str(gettext("The words of the block “%(name)s” in its place", name=of.name))


def _fields(words: Mapping[str, str]) -> dict[str, str]:
    return {f"words_{locale}": said for locale, said in words.items()}


def _found(fields: Mapping[str, str], users: Iterable[Article], known: Collection[str]) -> list[Found]:
    people = redaction.participants(source.post for article in users for source in article.sources)
    return [one for one in redaction.find(fields, people=people) if one.digest not in known]


def _kept(of: TextBlock) -> set[str]:
    return set(db.session.scalars(select(TextBlockKept.digest).where(TextBlockKept.block_id == of.id)))


def _decided(
    words: Mapping[str, str], decided: Decisions | None, *, by_article: Sequence[Article], known: Collection[str]
) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Return the words without what is taken out, and what stays, by digest: its kind and the reason."""
    decided = decided or Decisions(kept={})
    fields = _fields(words)
    waiting = _found(fields, by_article, known)
    reasons, problems = dict[str, tuple[str, str]](), Problems()
    for one in waiting:
        if one.digest in (decided.kept or {}):
            said = (decided.kept or {})[one.digest]
            clean = problems.take_all(partial(redaction.checked_reason, one.digest, said), "")
            reasons[one.digest] = (one.kind, clean)
        elif one.digest not in decided.removed:
            for name in one.fields:
                problems.fields[name] = gettext("Something in it looks personal. Say below whether it stays.")
    problems.refuse()
    people = redaction.participants(source.post for article in by_article for source in article.sources)
    left = {
        locale: redaction.without({"": said}, decided.removed, people=people, locale=locale)[""]
        for locale, said in words.items()
    }
    return left, reasons


def _keep(of: TextBlock, reasons: Mapping[str, tuple[str, str]], *, by: User) -> None:
    for digest, (kind, reason) in reasons.items():
        add_once(TextBlockKept, block_id=of.id, digest=digest, kind=kind, reason=reason, by_id=by.id, at=now())
        audit.record("kb.block.keep_finding", of, by=by, reason=reason, after={"kind": kind})
