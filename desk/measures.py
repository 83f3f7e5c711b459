"""What helping comes to, beside how long it takes: links in closed cases, what became of them, what people say of it.

Each number is the length of a list, made of the same statement. Of persons one's own numbers can be seen alone, by
oneself; nobody's are set beside anybody's.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

from flask_babel import gettext, lazy_gettext
from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import lazyload

from accounts.people import Viewer
from core import texts
from core.clock import now
from core.db import db
from core.errors import NotFound
from desk import proven
from desk.block_models import AnswerUse, ConversationArticle, ReplyBlock, ReplyBlockUse, ReplyTopic
from desk.clock_models import ConversationClock
from desk.figure_models import LinkCheck, LinkSheet, PeerAnswer, PeerReview, SolvedQuestion
from desk.models import Channel, Contact, Conversation, Message, MessageQuestion
from desk.promise_models import Promise
from kb import figures, queries
from kb.figures import Listed, Row
from kb.models import FACE_KINDS, Article, ArticleUse, Face, Revision, SentLink

LEFT: Final = ("queued", "sent")
MOST_IN_A_SHEET: Final = 50_000
LONGEST_SAID: Final = 200
STALE: Final = timedelta(days=180)
"""What nobody looked at for so long is to be looked at again, where it is sent."""
THINGS: Final = ("article", "face", "text")


class Thing(NamedTuple):
    """What a ranking counts the uses of: `article:5`, `face:5:280`, `text:3`."""

    kind: str
    id: int
    face: str = ""

    @property
    def name(self) -> str:
        return ":".join(str(part) for part in self if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Of:
    """Which of them are counted: of whom (None is everybody), and of which thing; `me_id` looks."""

    me_id: int
    by_id: int | None = None
    thing: Thing | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that is counted."""

    key: str
    name: Any
    select: Callable[[Of], Select[Any]]
    at: Any
    """The column that says when; None for what is so today."""
    by: Sequence[Any]
    rows: Callable[[Sequence[Any], Viewer], list[Row]]


class Place(NamedTuple):
    """Where a message or a case belongs."""

    conversation_id: int
    name: str
    channel: str


_measures: dict[str, Measure] = {}


def contribute(measure: Measure) -> None:
    """Have something counted."""
    _measures[measure.key] = measure


def names() -> list[str]:
    """Return what is counted."""
    return list(_measures)


def listed(key: str, of: Of) -> Listed:
    """Return the list of this name, or raise `NotFound`."""
    one = _measures.get(key)
    if one is None:
        raise NotFound
    return Listed(one.key, one.name, lambda: one.select(of), one.at, one.by, one.rows)


def everything(one: Listed, viewer: Viewer, week: int | None) -> Iterator[Row]:
    """Yield all rows of a list for a sheet, the latest first."""
    cursor = None
    for _page in range(MOST_IN_A_SHEET // figures.A_PAGE):
        rows, found = one.page(viewer, cursor=cursor, week=week)
        yield from rows
        cursor = found.next
        if cursor is None:
            return


def read_of(given: Mapping[str, str], *, me: int) -> Of:
    """Read which part an address means; what makes no sense is `NotFound`."""
    return Of(me_id=me, by_id=None if given.get("whose") == "all" else me, thing=_read_thing(given.get("thing")))


def address(of: Of) -> dict[str, Any]:
    """Return a part as an address has it."""
    return {"whose": "all" if of.by_id is None else None, "thing": None if of.thing is None else of.thing.name}


def _read_thing(name: str | None) -> Thing | None:
    if name is None:
        return None
    kind, _colon, rest = name.partition(":")
    number, _colon, face = rest.partition(":")
    thing_id = texts.number(number)
    if kind not in THINGS or thing_id is None or (face in FACE_KINDS) != (kind == "face") or (face and kind != "face"):
        raise NotFound
    return Thing(kind, thing_id, face)


# Rows


def places(message_ids: Collection[int]) -> Mapping[int, Place]:
    """Return where messages belong, in one statement."""
    found = select(Message.id, Conversation.id, Contact.name, Contact.handle, Channel.name)
    found = found.join(Conversation, Conversation.id == Message.conversation_id)
    found = found.join(Contact, Contact.id == Conversation.contact_id)
    found = found.join(Channel, Channel.id == Conversation.channel_id).where(Message.id.in_(message_ids))
    return {row[0]: Place(row[1], row[2] or row[3], row[4]) for row in db.session.execute(found)}


def cases(conversation_ids: Collection[int]) -> Mapping[int, Place]:
    """Return what cases are called, in one statement."""
    found = select(Conversation.id, Contact.name, Contact.handle, Channel.name)
    found = found.join(Contact, Contact.id == Conversation.contact_id)
    found = found.join(Channel, Channel.id == Conversation.channel_id).where(Conversation.id.in_(conversation_ids))
    return {row[0]: Place(row[0], row[1] or row[2], row[3]) for row in db.session.execute(found)}


def titles(article_ids: Collection[int], viewer: Viewer) -> Mapping[int, tuple[str, str]]:
    """Return what articles are called and in which language, as far as the viewer may see them; one statement."""
    found = (
        select(Article.id, Revision.title, Article.locale)
        .join(Revision, Revision.id == Article.published_id)
        .where(Article.id.in_(article_ids), queries.articles_visible_to(viewer))
    )
    return {row[0]: (row[1], row[2]) for row in db.session.execute(found)}


def _case_row(place: Place | None, at: Any, said: str = "") -> Row:
    if place is None:
        return Row(gettext("A conversation that is gone"), "", "", at, said)
    said = f"{place.channel} · {said}" if said else place.channel
    return Row(place.name, f"/desk/conversations/{place.conversation_id}", "", at, said)


def _clock_rows(clocks: Sequence[ConversationClock], _viewer: Viewer) -> list[Row]:
    known = cases({clock.conversation_id for clock in clocks})
    return [_case_row(known.get(clock.conversation_id), clock.solved_at) for clock in clocks]


def use_row(use: ArticleUse, at: Any, known: Mapping[int, tuple[str, str]], there: Mapping[int, Place]) -> Row:
    """Return the row of one use of an article in a reply."""
    title, lang = known.get(use.article_id, (gettext("An article"), ""))
    place = there.get(use.where_id)
    url = "" if place is None else f"/desk/conversations/{place.conversation_id}#m{use.where_id}"
    said = "" if place is None else f"{place.name} · {place.channel}"
    return Row(title, url, lang, at, f"{said} · {_OUTCOME_WORDS[use.outcome]}" if use.outcome else said)


def _use_rows(uses: Sequence[ArticleUse], viewer: Viewer) -> list[Row]:
    known, there = titles({use.article_id for use in uses}, viewer), places({use.where_id for use in uses})
    return [use_row(use, use.at, known, there) for use in uses]


def _link_rows(links: Sequence[SentLink], viewer: Viewer) -> list[Row]:
    uses = uses_by_id({link.use_id for link in links})
    known = titles({use.article_id for use in uses.values()}, viewer)
    there = places({use.where_id for use in uses.values()})
    return [use_row(uses[link.use_id], link.made_at, known, there) for link in links]


def _check_rows(checks: Sequence[LinkCheck], viewer: Viewer) -> list[Row]:
    uses = uses_by_id({check.use_id for check in checks})
    known = titles({use.article_id for use in uses.values()}, viewer)
    there = places({use.where_id for use in uses.values()})
    return [
        _with_words(use_row(uses[check.use_id], check.at, known, there), check.words[:LONGEST_SAID]) for check in checks
    ]


def _with_words(row: Row, words: str) -> Row:
    return row if not words else Row(row.title, row.url, row.lang, row.at, f"{row.said} · {words}")


def uses_by_id(ids: Collection[int]) -> Mapping[int, ArticleUse]:
    """Return uses without their articles, in one statement."""
    found = db.session.scalars(select(ArticleUse).where(ArticleUse.id.in_(ids)).options(lazyload("*")))
    return {use.id: use for use in found}


def _block_use_rows(uses: Sequence[ReplyBlockUse], _viewer: Viewer) -> list[Row]:
    there = places({use.message_id for use in uses})
    return [_case_row(there.get(use.message_id), use.at) for use in uses]


def _solved_rows(asked: Sequence[SolvedQuestion], _viewer: Viewer) -> list[Row]:
    known = cases({one.conversation_id for one in asked})
    return [_case_row(known.get(one.conversation_id), one.answered_at or one.asked_at) for one in asked]


def _promise_rows(promised: Sequence[Promise], _viewer: Viewer) -> list[Row]:
    known = cases({one.conversation_id for one in promised})
    return [_case_row(known.get(one.conversation_id), one.due_at, one.what[:LONGEST_SAID]) for one in promised]


def _answer_rows(answers: Sequence[PeerAnswer], _viewer: Viewer) -> list[Row]:
    """Return what was said to criteria: neither who had the case nor which it was, only what was asked and when."""
    ids = {answer.review_id for answer in answers}
    read = select(PeerReview.id, PeerReview.seen_at).where(PeerReview.id.in_(ids))
    seen = {row[0]: row[1] for row in db.session.execute(read)}
    return [Row(answer.criterion.words, "", "", seen.get(answer.review_id)) for answer in answers]


def _article_rows(articles: Sequence[Article], viewer: Viewer) -> list[Row]:
    known = titles({article.id for article in articles}, viewer)
    return [
        Row(*_named(article.id, known), article.verified_at, "" if article.verified_at else gettext("never checked"))
        for article in articles
    ]


def _face_rows(faces: Sequence[Face], viewer: Viewer) -> list[Row]:
    known = titles({face.article_id for face in faces}, viewer)
    return [Row(*_named(face.article_id, known), face.at, face_name(face.kind)) for face in faces]


def _named(article_id: int, known: Mapping[int, tuple[str, str]]) -> tuple[str, str, str]:
    title, lang = known.get(article_id, (gettext("An article"), ""))
    return title, f"/kb/{article_id}", lang


def _text_rows(blocks: Sequence[ReplyBlock], _viewer: Viewer) -> list[Row]:
    return [Row(block.title, f"/desk/blocks/{block.id}", "", block.updated_at, block.folder) for block in blocks]


def face_name(kind: str) -> str:
    """Return what a short text of an article is called."""
    if kind == "sentence":
        return str(gettext("One sentence"))
    return str(gettext("For mail") if kind == "mail" else gettext("Up to %(limit)s characters", limit=kind))


# What is counted


def with_article() -> ColumnElement[bool]:
    """Return the clause for cases in which an article was sent, or which somebody linked with one."""
    sent = (
        select(ArticleUse.id)
        .join(Message, and_(Message.id == ArticleUse.where_id, ArticleUse.where_kind == "message"))
        .where(Message.conversation_id == ConversationClock.conversation_id, Message.state.in_(LEFT))
    )
    linked = select(ConversationArticle.id).where(
        ConversationArticle.conversation_id == ConversationClock.conversation_id
    )
    return or_(sent.correlate(ConversationClock).exists(), linked.correlate(ConversationClock).exists())


def made_something() -> ColumnElement[bool]:
    """Return the clause for cases of which an article or a question of the forum was made."""
    made = select(ConversationArticle.id).where(
        ConversationArticle.conversation_id == ConversationClock.conversation_id, ConversationArticle.relation == "made"
    )
    asked = select(MessageQuestion.id).where(MessageQuestion.conversation_id == ConversationClock.conversation_id)
    public = (
        select(ReplyTopic.reply_id)
        .join(Message, Message.id == ReplyTopic.reply_id)
        .where(Message.conversation_id == ConversationClock.conversation_id)
    )
    return or_(*(one.correlate(ConversationClock).exists() for one in (made, asked, public)))


def used_something() -> ColumnElement[bool]:
    """Return the clause for cases that were answered with what was there: an article, or an answer of the forum."""
    answers = (
        select(AnswerUse.id)
        .join(Message, Message.id == AnswerUse.message_id)
        .where(Message.conversation_id == ConversationClock.conversation_id, Message.state.in_(LEFT))
    )
    return or_(with_article(), answers.correlate(ConversationClock).exists())


def _closed(*wanted: Callable[[], ColumnElement[bool]]) -> Callable[[Of], Select[Any]]:
    def statement(of: Of) -> Select[Any]:
        found = (
            select(ConversationClock)
            .join(Conversation, Conversation.id == ConversationClock.conversation_id)
            .where(Conversation.state == "solved", ConversationClock.solved_at.is_not(None))
            .where(*(one() for one in wanted))
            .options(lazyload("*"))
        )
        return found if of.by_id is None else found.where(Conversation.assignee_id == of.by_id)

    return statement


def _uses(*wanted: Callable[[], ColumnElement[bool]]) -> Callable[[Of], Select[Any]]:
    def statement(of: Of) -> Select[Any]:
        found = (
            select(ArticleUse)
            .join(Message, and_(Message.id == ArticleUse.where_id, ArticleUse.where_kind == "message"))
            .outerjoin(SentLink, SentLink.use_id == ArticleUse.id)
            .where(Message.state.in_(LEFT), *(one() for one in wanted))
            .options(lazyload("*"))
        )
        if of.by_id is not None:
            found = found.where(ArticleUse.by_id == of.by_id)
        if of.thing is not None:
            found = found.where(ArticleUse.article_id == of.thing.id)
            if of.thing.face:
                found = found.where(ArticleUse.face == of.thing.face)
        return found

    return statement


def _links(*wanted: Callable[[], ColumnElement[bool]], of_own_articles: bool = False) -> Callable[[Of], Select[Any]]:
    def statement(of: Of) -> Select[Any]:
        found = (
            select(SentLink)
            .join(ArticleUse, ArticleUse.id == SentLink.use_id)
            .join(Message, and_(Message.id == ArticleUse.where_id, ArticleUse.where_kind == "message"))
            .where(Message.state == "sent", *(one() for one in wanted))
            .options(lazyload("*"))
        )
        if of_own_articles:
            mine = select(Revision.article_id).where(Revision.by_id == of.me_id)
            owned = select(Article.id).where(or_(Article.owner_id == of.me_id, Article.id.in_(mine)))
            return found.where(ArticleUse.article_id.in_(owned))
        return found if of.by_id is None else found.where(ArticleUse.by_id == of.by_id)

    return statement


def _text_uses(*wanted: Callable[[], ColumnElement[bool]]) -> Callable[[Of], Select[Any]]:
    def statement(of: Of) -> Select[Any]:
        found = (
            select(ReplyBlockUse)
            .join(ReplyBlock, ReplyBlock.id == ReplyBlockUse.block_id)
            .join(Message, Message.id == ReplyBlockUse.message_id)
            .where(Message.state.in_(LEFT), _is_open_to(of), *(one() for one in wanted))
            .options(lazyload("*"))
        )
        if of.by_id is not None:
            found = found.where(ReplyBlockUse.by_id == of.by_id)
        return found if of.thing is None else found.where(ReplyBlockUse.block_id == of.thing.id)

    return statement


def _is_open_to(of: Of) -> ColumnElement[bool]:
    """Return the clause for blocks that this person may see: what somebody keeps for themselves is nobody else's."""
    return or_(ReplyBlock.scope != "mine", ReplyBlock.owner_id == of.me_id)


def reply_helped() -> ColumnElement[bool]:
    """Return the clause for replies of which the customer said that it is solved, or that an article in it helped."""
    return or_(_said("yes"), _use_was("helped"))


def reply_failed() -> ColumnElement[bool]:
    """Return the clause for replies of which the customer said the opposite, and nothing good beside it."""
    return and_(or_(_said("no"), _use_was("not", "other")), ~reply_helped())


def _said(answer: str) -> ColumnElement[bool]:
    asked = select(SolvedQuestion.reply_id).where(
        SolvedQuestion.reply_id == Message.id, SolvedQuestion.answer == answer
    )
    return asked.correlate(Message).exists()


def _use_was(*outcomes: str) -> ColumnElement[bool]:
    used = select(ArticleUse.id).where(
        ArticleUse.where_kind == "message", ArticleUse.where_id == Message.id, ArticleUse.outcome.in_(outcomes)
    )
    return used.correlate(Message).exists()


def _checked(verdict: str) -> Callable[[Of], Select[Any]]:
    """Select what colleagues said of links: on the desk's sheets, or on those that this person wished for."""

    def statement(of: Of) -> Select[Any]:
        whose = LinkSheet.whose_id.is_(None) if of.by_id is None else LinkSheet.whose_id == of.by_id
        found = select(LinkCheck).join(LinkSheet, LinkSheet.id == LinkCheck.sheet_id)
        return found.where(LinkCheck.verdict == verdict, whose).options(lazyload("*"))

    return statement


def _asked(wanted: Callable[[], ColumnElement[bool]]) -> Callable[[Of], Select[Any]]:
    def statement(of: Of) -> Select[Any]:
        found = select(SolvedQuestion).where(wanted()).options(lazyload("*"))
        return found if of.by_id is None else found.where(SolvedQuestion.by_id == of.by_id)

    return statement


def _promised(state: str) -> Callable[[Of], Select[Any]]:
    def statement(of: Of) -> Select[Any]:
        found = select(Promise).where(Promise.state == state).options(lazyload("*"))
        return found if of.by_id is None else found.where(Promise.owner_id == of.by_id)

    return statement


def _reviewed(*, is_met: bool) -> Callable[[Of], Select[Any]]:
    def statement(of: Of) -> Select[Any]:
        found = select(PeerAnswer).join(PeerReview, PeerReview.id == PeerAnswer.review_id)
        found = found.where(PeerAnswer.is_met.is_(is_met), PeerReview.seen_at.is_not(None))
        return found if of.by_id is None else found.where(PeerReview.reviewed_id == of.by_id)

    return statement


def _published() -> Select[Any]:
    return (
        select(Article)
        .join(Revision, Revision.id == Article.published_id)
        .where(queries.readable_in("team"))
        .options(lazyload("*"))
    )


def _was_sent() -> Select[Any]:
    return (
        select(ArticleUse.id)
        .join(Message, and_(Message.id == ArticleUse.where_id, ArticleUse.where_kind == "message"))
        .where(ArticleUse.article_id == Article.id, Message.state.in_(LEFT))
        .correlate(Article)
    )


def _never_sent(_of: Of) -> Select[Any]:
    return _published().where(~_was_sent().exists())


def _stale(_of: Of) -> Select[Any]:
    last_look = func.coalesce(Article.verified_at, Revision.at)
    lately = _was_sent().where(ArticleUse.at >= figures.begins(figures.WEEKS - 1))
    return _published().where(last_look <= now() - STALE, lately.exists())


def _changed_since(_of: Of) -> Select[Any]:
    return _published().where(Article.verified_at.is_not(None), Article.verified_at < Revision.at, _was_sent().exists())


def _faces_never_sent(_of: Of) -> Select[Any]:
    used = select(ArticleUse.id).where(
        ArticleUse.article_id == Face.article_id, ArticleUse.face == Face.kind, ArticleUse.where_kind == "message"
    )
    published = select(Article.id).where(Article.published_id.is_not(None), queries.readable_in("team"))
    found = select(Face).where(Face.article_id.in_(published), ~used.correlate(Face).exists())
    return found.options(lazyload("*"))


def _texts_never_sent(of: Of) -> Select[Any]:
    used = select(ReplyBlockUse.id).where(ReplyBlockUse.block_id == ReplyBlock.id).correlate(ReplyBlock)
    found = select(ReplyBlock).where(ReplyBlock.archived_at.is_(None), _is_open_to(of), ~used.exists())
    return found.options(lazyload("*"))


def _not(clause: Callable[[], ColumnElement[bool]]) -> Callable[[], ColumnElement[bool]]:
    return lambda: ~clause()


_OUTCOME_WORDS: Final = {
    "helped": lazy_gettext("It helped"),
    "not": lazy_gettext("It did not help"),
    "other": lazy_gettext("It was about something else"),
}
_CASE: Final = (
    ConversationClock.solved_at,
    (ConversationClock.solved_at, ConversationClock.conversation_id),
    _clock_rows,
)
_USE: Final = (ArticleUse.at, (ArticleUse.at, ArticleUse.id), _use_rows)
_LINK: Final = (SentLink.made_at, (SentLink.made_at, SentLink.use_id), _link_rows)
_TEXT: Final = (ReplyBlockUse.at, (ReplyBlockUse.at, ReplyBlockUse.id), _block_use_rows)
_CHECK: Final = (LinkCheck.at, (LinkCheck.at, LinkCheck.id), _check_rows)
_QUESTION: Final = (
    SolvedQuestion.asked_at,
    (SolvedQuestion.asked_at, SolvedQuestion.conversation_id),
    _solved_rows,
)
_PROMISE: Final = (Promise.due_at, (Promise.due_at, Promise.id), _promise_rows)
_REVIEW: Final = (PeerReview.seen_at, (PeerAnswer.review_id, PeerAnswer.criterion_id), _answer_rows)
for _measure in (
    Measure("closed", lazy_gettext("Closed cases"), _closed(), *_CASE),
    Measure("closed-linked", lazy_gettext("With an article"), _closed(with_article), *_CASE),
    Measure("closed-unlinked", lazy_gettext("Without an article"), _closed(_not(with_article)), *_CASE),
    Measure("known", lazy_gettext("Answered by what there was"), _closed(used_something, _not(made_something)), *_CASE),
    Measure("new", lazy_gettext("Made something new"), _closed(made_something), *_CASE),
    Measure("neither", lazy_gettext("Neither"), _closed(_not(used_something), _not(made_something)), *_CASE),
    Measure("reused", lazy_gettext("Uses of articles"), _uses(), *_USE),
    Measure("used", lazy_gettext("Uses"), _uses(), *_USE),
    Measure("used-helped", lazy_gettext("It helped"), _uses(proven.helped), *_USE),
    Measure("used-failed", lazy_gettext("It did not help"), _uses(proven.failed), *_USE),
    Measure("used-opened", lazy_gettext("Opened"), _uses(lambda: SentLink.opened_at.is_not(None)), *_USE),
    Measure("used-spared", lazy_gettext("Spared a message"), _uses(proven.spared), *_USE),
    Measure("text-used", lazy_gettext("Uses"), _text_uses(), *_TEXT),
    Measure("text-helped", lazy_gettext("It helped"), _text_uses(reply_helped), *_TEXT),
    Measure("text-failed", lazy_gettext("It did not help"), _text_uses(reply_failed), *_TEXT),
    Measure(
        "articles-unused",
        lazy_gettext("Articles that were never sent"),
        _never_sent,
        None,
        (Article.id,),
        _article_rows,
    ),
    Measure(
        "articles-stale",
        lazy_gettext("Sent lately, and not checked for long"),
        _stale,
        None,
        (Article.id,),
        _article_rows,
    ),
    Measure(
        "articles-changed",
        lazy_gettext("Changed since the last check"),
        _changed_since,
        None,
        (Article.id,),
        _article_rows,
    ),
    Measure(
        "faces-unused",
        lazy_gettext("Short texts that were never sent"),
        _faces_never_sent,
        None,
        (Face.id,),
        _face_rows,
    ),
    Measure(
        "texts-unused",
        lazy_gettext("Blocks that were never sent"),
        _texts_never_sent,
        None,
        (ReplyBlock.id,),
        _text_rows,
    ),
    Measure("link-right", lazy_gettext("Right"), _checked("right"), *_CHECK),
    Measure("link-better", lazy_gettext("Could be better"), _checked("better"), *_CHECK),
    Measure("link-wrong", lazy_gettext("Wrong"), _checked("wrong"), *_CHECK),
    Measure("asked-yes", lazy_gettext("Solved"), _asked(lambda: SolvedQuestion.answer == "yes"), *_QUESTION),
    Measure("asked-no", lazy_gettext("Not solved"), _asked(lambda: SolvedQuestion.answer == "no"), *_QUESTION),
    Measure("asked-silent", lazy_gettext("Said nothing"), _asked(lambda: SolvedQuestion.answer.is_(None)), *_QUESTION),
    Measure("promise-kept", lazy_gettext("Kept"), _promised("kept"), *_PROMISE),
    Measure("promise-broken", lazy_gettext("Broken"), _promised("broken"), *_PROMISE),
    Measure("promise-withdrawn", lazy_gettext("Withdrawn"), _promised("withdrawn"), *_PROMISE),
    Measure("review-met", lazy_gettext("Yes"), _reviewed(is_met=True), *_REVIEW),
    Measure("review-missed", lazy_gettext("No"), _reviewed(is_met=False), *_REVIEW),
    Measure("links", lazy_gettext("Links sent"), _links(), *_LINK),
    Measure("links-opened", lazy_gettext("Opened"), _links(lambda: SentLink.opened_at.is_not(None)), *_LINK),
    Measure("links-helped", lazy_gettext("Said that it helped"), _links(proven.helped), *_LINK),
    Measure("links-quiet", lazy_gettext("Read it and did not come back"), _links(proven.is_quiet), *_LINK),
    Measure("links-back", lazy_gettext("Came back"), _links(proven.came_back), *_LINK),
    Measure("links-failed", lazy_gettext("Said that it did not help"), _links(proven.failed), *_LINK),
    Measure("links-unopened", lazy_gettext("Not opened"), _links(proven.is_unopened), *_LINK),
    Measure("links-running", lazy_gettext("Not over yet"), _links(proven.is_running), *_LINK),
    Measure("links-spared", lazy_gettext("Spared a message"), _links(proven.spared), *_LINK),
    Measure("credit", lazy_gettext("Links to my articles"), _links(of_own_articles=True), *_LINK),
    Measure("credit-spared", lazy_gettext("Spared a message"), _links(proven.spared, of_own_articles=True), *_LINK),
):
    contribute(_measure)
