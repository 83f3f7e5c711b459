"""Promotion: an accepted answer is nominated, an editor makes an article of it or says why not."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from flask_babel import gettext
from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import joinedload, lazyload

from accounts import audit
from accounts.models import User
from accounts.people import AnonymousUser, Viewer
from core import problems, texts
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.unique import add_once
from forum import queries as forum_queries
from forum.models import Acceptance, Post
from forum.reviewing import Waiting
from kb import articles, doubts, evidence, outline, policy, sections, sentences
from kb.evidence import Evidence
from kb.models import Article, ArticleSource, Audience, Nomination, Revision, Section, Way
from search import query as search
from search.analysis import stopwords

CHECKS: Final = ("new", "general", "advisable")
"""What an editor says of an answer: it is not written yet, it helps others, too, and it may be recommended."""
STATES: Final = ("pending", "drafted", "published", "declined")
MOST_SIMILAR: Final = 5
MOST_WAITING: Final = 5
MOST_SUGGESTED_KEYWORDS: Final = 8
SHORTEST_KEYWORD: Final = 4


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a draft begins with: the question's words for the problem, the answer's words for the solution."""

    title: str
    summary: str
    symptoms: str
    environment: str
    resolution: str
    keywords: Sequence[str]
    tags: Sequence[str]
    locale: str
    section: Section | None
    """The section that is called like the topic's category, where there is one."""
    section_name: str


def nominate(post: Post) -> Nomination | None:
    """Have an accepted answer wait for an editor; what is not accepted any more, or muted, is not nominated (None).

    Whatever became of an earlier nomination of the same answer stays: a repeat changes nothing.
    """
    if db.session.scalar(select(Post.id).where(Post.id == post.id, _may_wait())) is None:
        return None
    add_once(Nomination, post_id=post.id, state="pending", at=now())
    return of_post(post)


def nominate_by_hand(post: Post, *, by: User) -> Nomination:
    """Say that an answer should become an article; where it waits or was decided already, nothing changes."""
    if not policy.may_nominate(by):
        raise NotAllowed(gettext("Trusted members and the team nominate answers."))
    _refuse_what_no_article_is_made_of(post)
    add_once(Nomination, post_id=post.id, state="pending", by_id=by.id, at=now())
    nomination = of_post(post)
    if nomination is None:
        raise NotFound
    return nomination


def retract(post: Post) -> None:
    """Take a nomination back that no editor has looked at yet."""
    nomination = of_post(post)
    if nomination is not None and nomination.state == "pending" and nomination.by_id is None:
        db.session.delete(nomination)
        db.session.flush()


def nominate_all() -> Iterator[int]:
    """Nominate every accepted answer that never was, as after an import; yield the id of each new nomination's post."""
    ids = db.session.scalars(
        select(Post.id).where(_may_wait(), ~exists().where(Nomination.post_id == Post.id)).order_by(Post.id)
    ).all()
    for post_id in ids:
        if add_once(Nomination, post_id=post_id, state="pending", at=now()):
            yield post_id


def of_post(post: Post) -> Nomination | None:
    return db.session.scalars(select(Nomination).where(Nomination.post_id == post.id)).unique().one_or_none()


def visible_nomination(nomination_id: int) -> Nomination:
    """Return a nomination; raise `NotFound` when there is none, or its thread is muted."""
    nomination = None
    if nomination_id <= LARGEST_ID:
        statement = select(Nomination).join(Post, Post.id == Nomination.post_id).where(_is_open())
        nomination = db.session.scalars(statement.where(Nomination.id == nomination_id)).unique().one_or_none()
    if nomination is None:
        raise NotFound(gettext("This nomination is not here any more. The queue shows what is."))
    return nomination


def queue(state: str) -> list[Evidence]:
    """Return the nominations in a state, ranked by what speaks for them; muted threads are left out."""
    shown = select(Nomination.id).join(Post, Post.id == Nomination.post_id).where(Nomination.state == state, _is_open())
    return evidence.weigh(Nomination.id.in_(shown))


def waiting(viewer: Viewer) -> Iterator[Waiting]:
    """Yield the nominations that have most for them, for those who may decide them; the team's queue lists them."""
    if not policy.may_decide(viewer):
        return
    ranked = queue("pending")[:MOST_WAITING]
    nominations = by_id([one.nomination_id for one in ranked]) if ranked else {}
    for one in ranked:
        topic = nominations[one.nomination_id].post.topic
        url = f"/kb/nominations/{one.nomination_id}"
        yield Waiting(gettext("Nomination"), topic.title, url, one.at, topic.locale)


def by_id(nomination_ids: Collection[int]) -> dict[int, Nomination]:
    """Return these nominations with what a list shows of them: the answer, who wrote it, the question's title."""
    rows = db.session.scalars(
        select(Nomination)
        .where(Nomination.id.in_(nomination_ids))
        .options(
            joinedload(Nomination.post).options(lazyload(Post.muting), joinedload(Post.topic).lazyload("*")),
        )
    )
    return {nomination.id: nomination for nomination in rows.unique()}


def counts() -> dict[str, int]:
    """Return how many nominations are in which state; muted threads are left out."""
    rows = db.session.execute(
        select(Nomination.state, func.count())
        .join(Post, Post.id == Nomination.post_id)
        .where(_is_open())
        .group_by(Nomination.state)
    )
    return dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in rows}


def similar_articles(nomination: Nomination, viewer: Viewer) -> list[search.Hit]:
    """Return the articles that already say something like this."""
    question = _question_of(nomination.post)
    return search.similar(
        nomination.post.topic.title,
        question.source,
        viewer=viewer,
        kinds={"article"},
        locale=nomination.post.topic.locale,
        limit=MOST_SIMILAR,
    )


def resolutions(article_ids: Collection[int]) -> dict[int, str]:
    """Return what helps, as published articles say it, by the id of the article."""
    rows = select(Article.id, Revision.resolution).join(Revision, Revision.id == Article.published_id)
    return {row[0]: row[1] for row in db.session.execute(rows.where(Article.id.in_(article_ids)))}


def propose(post: Post) -> Proposal:
    """Return what a draft made from this answer begins with."""
    topic = post.topic
    tags = sorted(topic.tag_names)
    return Proposal(
        title=topic.title,
        summary=_first_sentence(post),
        symptoms=_question_of(post).source,
        environment="",
        resolution=post.source,
        keywords=_telling_words(topic.title, topic.locale),
        tags=tags,
        locale=topic.locale,
        section=sections.find(topic.category.slug),
        section_name=topic.category.name,
    )


def draft_from(
    nomination: Nomination,
    *,
    by: User,
    section: Section | None = None,
    locale: str | None = None,
    tags: Sequence[str] | None = None,
    audience: Audience = "public",
    words: articles.Words | None = None,
    sources: Iterable[Post] = (),
) -> Article:
    """Make a draft of a nominated answer, as proposed or in the editor's `words`.

    Its author is credited, and the authors of the other posts of the thread that it was made from, `sources`.
    """
    _claim(nomination, by=by)
    post = nomination.post
    proposal = propose(post)
    article = articles.create(
        section=section or proposal.section or sections.named(post.topic.category.slug),
        locale=locale or proposal.locale,
        tags=proposal.tags if tags is None else tags,
        audience=audience,
        by=by,
        sources=[post, *_usable(sources, nomination)],
        **(words or _proposed_words(proposal)),
    )
    _settle(nomination, article, "new", by=by)
    return article


def put_into(
    nomination: Nomination,
    article: Article,
    *,
    by: User,
    words: articles.Words,
    way: Literal["add", "replace"],
    based_on: int,
    sources: Iterable[Post] = (),
) -> Article:
    """Write a new version of an article that holds a nominated answer, or says what it says instead.

    `Conflict` says that there is a newer version than the one it is based on. Readers see it when it is published.
    """
    if not policy.may_edit(by, article):
        raise NotAllowed
    _claim(nomination, by=by)
    post = nomination.post
    comments = {
        "add": gettext("From “%(title)s”", title=post.topic.title),
        "replace": gettext("Replaced from “%(title)s”", title=post.topic.title),
    }
    articles.revise(article, by=by, comment=comments[way][: articles.LONGEST_COMMENT], based_on=based_on, **words)
    there = {source.post_id for source in article.sources}
    for one in dict.fromkeys([post, *_usable(sources, nomination)]):
        if one.id not in there:
            article.sources.append(ArticleSource(post=one, post_version=one.version))
    _settle(nomination, article, way, by=by)
    return article


def note_checks(nomination: Nomination, checks: Iterable[str], *, by: User) -> None:
    """Keep with the decision what the editor found true of the answer; what is no check is left out."""
    if not policy.may_decide(by):
        raise NotAllowed
    said = set(checks)
    nomination.checks = [check for check in CHECKS if check in said]
    db.session.flush()


def contradict(nomination: Nomination, article: Article, *, by: User) -> None:
    """Say that an article says something else: it is in doubt until somebody looks, and the nomination waits on."""
    if not policy.may_decide(by):
        raise NotAllowed
    _lock(nomination)
    if nomination.state in {"drafted", "published"}:
        raise Conflict(gettext("There is an article of this answer already."))
    nomination.contradicts_id = article.id
    doubts.oppose(article, nomination.post)
    db.session.flush()
    audit.record("kb.nomination.contradict", nomination, by=by, after={"article_id": article.id})


def merged(article_words: articles.Words, proposal: Proposal, way: Literal["add", "replace"]) -> articles.Words:
    """Return what an article would say with a nominated answer added to it, or in the place of what helped before."""
    known = list(article_words.get("keywords", ()))
    said: articles.Words = {
        **article_words,
        "keywords": list(dict.fromkeys([*known, *proposal.keywords]))[: articles.MOST_KEYWORDS],
    }
    if way == "replace":
        return {**said, "resolution": proposal.resolution, "summary": proposal.summary or said.get("summary", "")}
    return {**said, "resolution": joined([article_words["resolution"], proposal.resolution])}


def joined(parts: Iterable[str]) -> str:
    """Return texts below each other, each once."""
    return "\n\n".join(dict.fromkeys(part.strip() for part in parts if part.strip()))


def draft_from_post(post: Post, *, by: User) -> Article:
    """Make a draft of any answer, nominated or not."""
    if not policy.may_decide(by):
        raise NotAllowed
    _refuse_what_no_article_is_made_of(post)
    add_once(Nomination, post_id=post.id, state="pending", by_id=by.id, at=now())
    nomination = of_post(post)
    if nomination is None:
        raise NotFound
    return draft_from(nomination, by=by)


def decline(nomination: Nomination, *, by: User, reason: str) -> None:
    """Say why no article is made of this answer."""
    if not policy.may_decide(by):
        raise NotAllowed
    with problems.at("reason"):
        reason = texts.block(reason.strip(), longest=articles.LONGEST_REASON, shortest=articles.SHORTEST_REASON)
    _lock(nomination)
    if nomination.state in {"drafted", "published"}:
        raise Conflict(gettext("There is an article of this answer already."))
    before = nomination.state
    nomination.reason = reason
    _decide(nomination, "declined", by=by)
    audit.record(
        "kb.nomination.decline", nomination, by=by, reason=reason, before={"state": before}, after={"state": "declined"}
    )


def _claim(nomination: Nomination, *, by: User) -> None:
    """Have this editor decide; of two at once the second is refused. Of what was muted meanwhile nothing is made."""
    if not policy.may_decide(by):
        raise NotAllowed
    _lock(nomination)
    if nomination.state in {"drafted", "published"}:
        raise Conflict(gettext("There is an article of this answer already."))
    _refuse_what_no_article_is_made_of(nomination.post)


def _refuse_what_no_article_is_made_of(post: Post) -> None:
    if post.kind != "answer":
        raise Invalid(gettext("Articles are made from answers."))
    if db.session.scalar(select(Post.id).where(Post.id == post.id, _is_open())) is None:
        raise Invalid(gettext("This answer is muted, so nothing is made of it."))


def _usable(posts: Iterable[Post], nomination: Nomination) -> list[Post]:
    """Return the other posts an article is made from; raise `Invalid` for what not everybody reads in that thread."""
    others = [post for post in dict.fromkeys(posts) if post.id != nomination.post_id]
    ids = {post.id for post in others}
    in_thread = (Post.id.in_(ids), Post.topic_id == nomination.post.topic_id, _is_open())
    if ids and len(set(db.session.scalars(select(Post.id).where(*in_thread)))) < len(ids):
        raise Invalid(gettext("One of the chosen posts cannot be read by everybody any more. Please choose again."))
    return others


def _settle(nomination: Nomination, article: Article, way: Way, *, by: User) -> None:
    nomination.article = article
    nomination.way = way
    nomination.reason = ""
    _decide(nomination, "drafted", by=by)


def _may_wait() -> ColumnElement[bool]:
    accepted = exists().where(Acceptance.post_id == Post.id)
    from_before = exists().where(ArticleSource.post_id == Post.id)
    return and_(Post.kind == "answer", accepted, ~from_before, _is_open())


def _is_open() -> ColumnElement[bool]:
    """Return the clause for posts that everybody may read: only from those articles are made."""
    return forum_queries.posts_visible_to(AnonymousUser())


def _lock(nomination: Nomination) -> None:
    # Of two editors at the same moment the second waits here and then sees what the first one decided.
    db.session.execute(select(Nomination.id).where(Nomination.id == nomination.id).with_for_update(key_share=True))
    db.session.refresh(nomination, ["state", "article_id"])


def _decide(nomination: Nomination, state: Literal["drafted", "declined"], *, by: User) -> None:
    nomination.state = state
    nomination.decided_by_id, nomination.decided_at = by.id, now()
    db.session.flush()


def _question_of(post: Post) -> Post:
    return (
        db.session.scalars(select(Post).where(Post.topic_id == post.topic_id, Post.kind == "question")).unique().one()
    )


def _first_sentence(post: Post) -> str:
    for block in outline.blocks(post.html):
        if block.kind == "text" and (told := sentences.split(block.text)):
            return told[0][: articles.LONGEST_SUMMARY]
    return ""


def _telling_words(title: str, locale: str) -> list[str]:
    # An editor makes the title more general; what the customer called it stays findable.
    words = [word.strip(".,;:!?()[]{}\"'„“”»«…") for word in title.split()]
    telling = [
        word
        for word in words
        if SHORTEST_KEYWORD <= len(word) <= articles.LONGEST_KEYWORD and not stopwords.is_stop_word(word, locale)
    ]
    return list(dict.fromkeys(telling))[:MOST_SUGGESTED_KEYWORDS]


def _proposed_words(proposal: Proposal) -> articles.Words:
    return {
        "title": proposal.title,
        "summary": proposal.summary,
        "symptoms": proposal.symptoms,
        "environment": proposal.environment,
        "resolution": proposal.resolution,
        "keywords": proposal.keywords,
    }
