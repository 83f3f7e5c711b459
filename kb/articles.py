"""Articles: written, revised, published, taken back. Every change of the words is a new revision, and none is lost."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final, NotRequired, TypedDict, Unpack

from flask_babel import gettext
from sqlalchemy import delete, select, update
from sqlalchemy.sql import func

from accounts import audit
from accounts.models import User
from accounts.people import AnonymousUser
from core import markup, texts
from core.clock import now
from core.db import db
from core.errors import Conflict, Invalid, NotAllowed
from core.outbox import publish as publish_event
from core.problems import Problems, at
from forum import closing, limits, topics
from forum.models import Post, Tag
from kb import addresses, anchors, faces, families, following, policy, publishing, queries, redaction, references
from kb.events import ArticlePublished, ReadershipChanged
from kb.models import (
    Article,
    ArticleSource,
    Audience,
    Nomination,
    PlannedPublication,
    Revision,
    Section,
    Significance,
    TextBlock,
)

SHORTEST_TITLE: Final = 3
LONGEST_TITLE: Final = 200
LONGEST_SUMMARY: Final = 1000
LONGEST_ENVIRONMENT: Final = 200
LONGEST_CAUSE: Final = 2000
LONGEST_TEXT: Final = 32_000
LONGEST_REASON: Final = 1000
SHORTEST_REASON: Final = 3
LONGEST_KEYWORD: Final = 60
MOST_KEYWORDS: Final = 30
LONGEST_COMMENT: Final = 300
AUDIENCES: Final[tuple[Audience, ...]] = ("public", "signed_in", "team")


class Words(TypedDict):
    """What an article says."""

    title: str
    summary: NotRequired[str]
    """One or two sentences, plain text."""
    symptoms: NotRequired[str]
    """Markdown."""
    environment: NotRequired[str]
    """One line."""
    cause: NotRequired[str]
    """Plain text."""
    resolution: str
    """Markdown."""
    keywords: NotRequired[Sequence[str]]


def create(
    *,
    section: Section,
    locale: str,
    tags: Iterable[str] = (),
    audience: Audience = "public",
    by: User,
    sources: Iterable[Post] = (),
    **words: Unpack[Words],
) -> Article:
    """Write an article as a draft; the authors of the posts it was made from are credited."""
    if not policy.may_draft(by):
        raise NotAllowed
    said = clean(words)
    article = Article(section=section, locale=_spoken(locale), audience=_known(audience), owner=by)
    article.tags = _tagged(tags)
    db.session.add(article)
    db.session.flush()
    db.session.add(_revision(article, 1, said, by=by))
    for post in dict.fromkeys(sources):
        article.sources.append(ArticleSource(post=post, post_version=post.version))
    db.session.flush()
    references.refuse_wider(article, article.audience)
    return article


def revise(
    article: Article, *, by: User, comment: str = "", based_on: int | None = None, **words: Unpack[Words]
) -> Revision:
    """Write a new version, which readers see when it is published.

    `based_on` is the number of the version that was edited: `Conflict` says that somebody wrote a newer one meanwhile.
    """
    if not policy.may_edit(by, article):
        raise NotAllowed
    said = clean(words)
    comment = _line("comment", comment, longest=LONGEST_COMMENT)
    references.expanded({field: said[field] for field in references.FIELDS}, article.locale)  # before the article
    number = lock(article)
    if based_on is not None and based_on != number and not _says_the_same(article, based_on):
        raise Conflict(gettext("Somebody saved version %(number)s while you were writing.", number=number))
    newest = queries.newest_revision(article)
    if words_of(newest) == said:
        return newest
    revision = _revision(article, number + 1, said, by=by, comment=comment)
    db.session.add(revision)
    db.session.flush()
    return revision


def restore(article: Article, number: int, *, by: User) -> Revision:
    """Bring the words of an earlier version back, as a new version."""
    if not policy.may_edit(by, article):
        raise NotAllowed
    earlier = queries.revision_of(article, number)
    return revise(
        article, by=by, comment=gettext("Version %(number)s brought back", number=number), **words_of(earlier)
    )


def classify(
    article: Article, *, section: Section, locale: str, audience: Audience, tags: Iterable[str], by: User
) -> None:
    """Say where an article stands, its language and who may read it; this holds at once, without a publication."""
    if not policy.may_edit(by, article):
        raise NotAllowed
    before = _place(article)
    spoken = _spoken(locale)
    publishing.refuse_way_around(article, section=section, locale=spoken, audience=audience, by=by)
    if spoken != article.locale and any(one.locale == spoken for one in families.members(article)):
        sentence = gettext("There is one in this language already.")
        raise Invalid(sentence, fields={"locale": sentence})
    article.section = section
    article.locale = spoken
    article.audience = _known(audience)
    wanted = _tagged(tags)
    if [tag.name for tag in article.tags] != sorted(tag.name for tag in wanted):
        article.tags = wanted
    db.session.flush()
    if before["locale"] != article.locale:
        _speak(article)
    references.refuse_wider(article, article.audience)
    after = _place(article)
    if before != after:
        audit.record("kb.article.classify", article, by=by, before=before, after=after)
        link_threads(article)
        publish_event(ReadershipChanged(article.id))
    if before["audience"] != after["audience"]:
        following.retract(article)


def place(article: Article, number: int | None, *, by: User) -> None:
    """Put an article at a place of its section's index, or take it out (None)."""
    if not policy.may_edit(by, article):
        raise NotAllowed
    before, article.place = article.place, number
    db.session.flush()
    if before != number:
        audit.record("kb.article.place", article, by=by, before={"place": before}, after={"place": number})


def publish(
    article: Article,
    *,
    by: User,
    significance: Significance = "content",
    is_matching: bool = False,
    number: int | None = None,
) -> None:
    """Show the newest version (or the one with this number) to readers. A repeat changes nothing.

    `significance` says how much it changes for readers: after a `typo` nobody hears of it and nothing is out of date;
    `instructions` were wrong, so whoever passed them on has to know. With `is_matching` it says what the article says
    in the other languages. What was muted is not brought back by an article: `Conflict` until the thread is unmuted.
    What looks like personal data is taken out or confirmed before: `redaction.Unconfirmed`, a `Conflict`.
    """
    if not policy.may_publish(by, article):
        raise NotAllowed
    lock(article)
    newest = queries.newest_revision(article) if number is None else queries.revision_of(article, number)
    if article.is_published and article.published_id == newest.id:
        return
    if article.is_published and article.published is not None and article.published.number > newest.number:
        raise Conflict(
            gettext("Readers see version %(number)s already, which is newer.", number=article.published.number)
        )
    if not article.is_published and len(queries.visible_sources(article, viewer=AnonymousUser())) < len(
        article.sources
    ):
        raise Conflict(gettext("The thread that this was made from is muted. Unmute it first, or leave the draft."))
    redaction.refuse_unconfirmed(article, newest)
    references.refuse_wider_in([newest.id], article.audience)
    show(article, newest, by=by, significance=significance, is_matching=is_matching)


def show(
    article: Article, newest: Revision, *, by: User, significance: Significance, is_matching: bool = False
) -> None:
    """Have readers see a version from now on; for deeds that asked whether they may, and hold the article."""
    before = article.published
    old_path = addresses.of_article(article)
    is_first = article.published_at is None
    anchors.keep(newest, before=before)
    article.published = newest
    article.published_at = article.published_at or now()
    article.confidence = "validated"
    families.note(article, newest, before=before, significance=significance, is_first=is_first, is_matching=is_matching)
    _forget_plan(article, up_to=newest.number)
    faces.redraw(article)
    link_threads(article, old_path=old_path)
    db.session.execute(
        update(Nomination)
        .where(Nomination.article_id == article.id)
        .values(state="published", decided_by_id=by.id, decided_at=now())
    )
    audit.record(
        "kb.article.publish",
        article,
        by=by,
        before={"version": before.number if before else None},
        after={"version": newest.number, "title": newest.title, "significance": newest.significance},
    )
    publish_event(ArticlePublished(article.id, newest.id, by.id, is_first, significance))


def withdraw(article: Article, *, by: User, reason: str) -> None:
    """Take an article back: it is a draft again, and its threads no longer link to it."""
    if not policy.may_publish(by, article):
        raise NotAllowed
    reason = _line("reason", reason, longest=LONGEST_REASON, shortest=SHORTEST_REASON)
    lock(article)
    if article.published is None:
        return
    path, number = addresses.of_article(article), article.published.number
    article.published = None
    article.confidence = "in_progress"
    _forget_plan(article)
    link_threads(article, old_path=path)
    following.retract(article)
    db.session.execute(
        update(Nomination)
        .where(Nomination.article_id == article.id)
        .values(state="drafted", decided_by_id=by.id, decided_at=now())
    )
    audit.record(
        "kb.article.withdraw", article, by=by, reason=reason, before={"version": number}, after={"version": None}
    )
    publish_event(ReadershipChanged(article.id))


def clean(words: Words) -> dict[str, Any]:
    """Return the words as they are stored; raise `Invalid` with a sentence for every field that needs another look."""
    problems = Problems()

    def line(field: str, text: str, *, longest: int, shortest: int = 0) -> str:
        return problems.take(field, lambda: texts.line(text, longest=longest, shortest=shortest), "")

    def block(field: str, text: str, *, longest: int, shortest: int = 0) -> str:
        return problems.take(field, lambda: texts.block(text, longest=longest, shortest=shortest), "")

    said = {
        "title": line("title", words["title"], longest=LONGEST_TITLE, shortest=SHORTEST_TITLE),
        "summary": block("summary", words.get("summary", ""), longest=LONGEST_SUMMARY),
        "symptoms": block("symptoms", words.get("symptoms", ""), longest=LONGEST_TEXT),
        "environment": line("environment", words.get("environment", ""), longest=LONGEST_ENVIRONMENT),
        "cause": block("cause", words.get("cause", ""), longest=LONGEST_CAUSE),
        "resolution": block("resolution", words["resolution"], longest=LONGEST_TEXT, shortest=1),
        "keywords": problems.take("keywords", lambda: keywords(words.get("keywords", ())), list[str]()),
    }
    for field in ("title", "summary", "environment", "cause"):
        problems.take(field, partial(references.refuse, str(said[field])), None)
    problems.refuse()
    return said


def keywords(words: Iterable[str]) -> list[str]:
    """Return keywords, trimmed and without repeats; raise `Invalid` when they are too many or too long."""
    known = [texts.line(word, longest=LONGEST_KEYWORD) for word in words]
    known = list(dict.fromkeys(word for word in known if word))
    if len(known) > MOST_KEYWORDS:
        raise Invalid(gettext("At most %(most)s keywords, please.", most=MOST_KEYWORDS))
    return known


def revision_with(article: Article, number: int, said: dict[str, Any]) -> Revision:
    """Return a revision that says what `clean` returned; the caller adds who and when, and the row to the session."""
    shown, blocks = _rendered(said, article.locale)
    return Revision(
        article=article,
        number=number,
        slug=texts.slug(said["title"], "article"),
        block_uses=references.uses_of(blocks),
        **shown,
        **said,
    )


def render_again(article: Article, revision: Revision) -> None:
    """Have a version show what its blocks say by now, in the language of the article."""
    shown, blocks = _rendered(dict(words_of(revision)), article.locale)
    for name, value in shown.items():
        setattr(revision, name, value)
    if {use.block_id for use in revision.block_uses} != {block.id for block in blocks}:
        revision.block_uses = references.uses_of(blocks)
    db.session.flush()
    if revision.id != article.published_id:
        return
    anchors.keep(revision, before=None)
    faces.redraw(article)


def _rendered(said: dict[str, Any], locale: str) -> tuple[dict[str, Any], list[TextBlock]]:
    problems = Problems()
    sources, blocks = references.expanded({field: said[field] for field in references.FIELDS}, locale)
    symptoms, resolution = (
        problems.take(field, partial(markup.render, sources[field]), "") if sources[field] else ""
        for field in references.FIELDS
    )
    problems.refuse()
    plain = (said["summary"], markup.plain(symptoms), said.get("cause", ""), markup.plain(resolution))
    shown = {
        "symptoms_html": symptoms,
        "resolution_html": resolution,
        "renderer_version": markup.RENDERER_VERSION,
        "plain": "\n".join(part for part in plain if part),
    }
    return shown, blocks


def link_threads(article: Article, *, old_path: str | None = None) -> None:
    """Have the source threads link to the article while everybody may read it, under its present title and address."""
    words = article.published
    is_open = article.is_published and article.audience == "public"
    path = addresses.of_article(article)
    for topic in dict.fromkeys(source.post.topic for source in article.sources):
        for stale in {old_path, path} - {None}:
            topics.remove_see_also(topic, url=str(stale))
        if is_open and words is not None:
            topics.add_see_also(topic, title=words.title, url=path)
    if not is_open:
        closing.release_place("article", article.id)


def hold(article: Article) -> None:
    """Keep others who change this article waiting until this transaction ends."""
    lock(article)


def words_of(revision: Revision) -> Words:
    """Return what a revision says."""
    return {
        "title": revision.title,
        "summary": revision.summary,
        "symptoms": revision.symptoms,
        "environment": revision.environment,
        "cause": revision.cause,
        "resolution": revision.resolution,
        "keywords": revision.keywords,
    }


def _speak(article: Article) -> None:
    """Have the blocks of an article say in its language what they say."""
    for revision in {one.id: one for one in (article.published, queries.newest_revision(article)) if one}.values():
        if references.in_revision(revision):
            render_again(article, revision)


def _says_the_same(article: Article, number: int) -> bool:
    """Tell whether a version has the words of the newest: what a block changed meanwhile stands in nobody's way."""
    return words_of(queries.revision_of(article, number)) == words_of(queries.newest_revision(article))


def _revision(article: Article, number: int, said: dict[str, Any], *, by: User, comment: str = "") -> Revision:
    revision = revision_with(article, number, said)
    revision.by, revision.comment = by, comment
    return revision


def lock(article: Article) -> int:
    """Keep other editors waiting until this transaction ends; return the number of the newest version."""
    db.session.execute(select(Article.id).where(Article.id == article.id).with_for_update(key_share=True))
    db.session.refresh(article, ["published_id", "published", "confidence", "published_at"])
    return db.session.scalars(select(func.max(Revision.number)).where(Revision.article_id == article.id)).one()


def _forget_plan(article: Article, *, up_to: int | None = None) -> None:
    """Plan nothing more for this article; `up_to` spares versions that are newer than that one."""
    db.session.flush()
    gone = delete(PlannedPublication).where(PlannedPublication.article_id == article.id)
    if up_to is not None:
        older = select(Revision.id).where(Revision.article_id == article.id, Revision.number <= up_to)
        gone = gone.where(PlannedPublication.revision_id.in_(older))
    db.session.execute(gone)


def _place(article: Article) -> dict[str, Any]:
    return {
        "section": article.section.slug,
        "locale": article.locale,
        "audience": article.audience,
        "tags": sorted(tag.name for tag in article.tags),
    }


def _spoken(locale: str) -> str:
    with at("locale"):
        return limits.locale(locale)


def _known(audience: str) -> Audience:
    for known in AUDIENCES:
        if audience == known:
            return known
    sentence = gettext("Choose who may read this.")
    raise Invalid(sentence, fields={"audience": sentence})


def _tagged(names: Iterable[str]) -> list[Tag]:
    with at("tags"):
        return topics.tagged(limits.tags(names))


def _line(field: str, value: str, *, longest: int, shortest: int = 0) -> str:
    with at(field):
        return texts.line(value, longest=longest, shortest=shortest)
