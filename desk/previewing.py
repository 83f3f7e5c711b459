"""An article, an answer or a block, looked at beside the conversation: how far it holds, and every way to use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext

from accounts.models import User
from accounts.people import AnonymousUser
from core import markup
from core.errors import NotFound
from desk import finding, reuse, suggestions, wordings
from desk.means import measure_here
from desk.models import Conversation
from desk.reuse import Used
from forum import addresses as forum_addresses
from forum import queries as forum_queries
from kb import addresses, judging, policy
from kb import queries as kb_queries
from kb.models import Article

LONGEST_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Piece:
    """A text that can be put in from here, as the channel counts it."""

    used: Used
    label: str
    text: str
    fits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What somebody should know before a customer is sent there."""

    kind: str
    id: int
    title: str
    url: str
    locale: str
    state: str
    """How sure it is, in words."""
    shown: str
    """The beginning of it."""
    pieces: Sequence[Piece]
    checked_at: datetime | None = None
    warnings: Sequence[str] = ()
    is_public: bool = True
    may_edit: bool = False

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.id}"


def of(what: str, conversation: Conversation, *, by: User) -> Preview | None:
    """Return the preview of what `article:9` names; None where there is nothing of that name for this person."""
    used = reuse.read(what)
    try:
        if used is not None and used.kind == "article":
            return _of_article(kb_queries.visible_article(used.id, viewer=by), conversation, by=by)
        if used is not None and used.kind == "answer":
            return _of_answer(used.id, conversation, by=by)
    except NotFound:
        return None
    return None


def text_of(used: Used, conversation: Conversation, *, by: User) -> str | None:
    """Return what is put in for something; None where it is not here any more, or not for everybody."""
    wording = wordings.of(conversation, by=by)
    if used.kind == "block":
        return finding.block_text(conversation, used.id, by=by, wording=wording)
    way = f"{used.way}:{used.detail}" if used.detail else used.way
    return suggestions.text_of(used.kind, used.id, channel=conversation.channel, wording=wording, way=way)


def _of_article(article: Article, conversation: Conversation, *, by: User) -> Preview:
    published = article.published
    words = published or kb_queries.newest_revision(article)
    is_public = article.audience == "public" and article.is_published
    warned = judging.warnings([article.id]).get(article.id, ())
    warnings = [judging.in_words([one]) for one in warned]
    if not is_public:
        warnings.insert(0, gettext("Customers cannot open this article. Do not quote from it."))
    pieces = []
    if is_public:
        pieces = [
            *_pieces("article", article.id, conversation, by=by),
            *_passages(article, conversation),
        ]
    return Preview(
        kind="article",
        id=article.id,
        title=words.title,
        url=addresses.of_article(article, words),
        locale=article.locale,
        state=_state(article),
        shown=markup.excerpt(words.summary or words.plain, LONGEST_SHOWN),
        pieces=pieces,
        checked_at=article.verified_at,
        warnings=warnings,
        is_public=is_public,
        may_edit=policy.may_edit(by, article),
    )


def _of_answer(post_id: int, conversation: Conversation, *, by: User) -> Preview:
    post = forum_queries.visible_post(post_id, viewer=by)
    try:
        forum_queries.visible_post(post_id, viewer=AnonymousUser())
        is_public = True
    except NotFound:
        is_public = False
    return Preview(
        kind="answer",
        id=post.id,
        title=post.topic.title,
        url=forum_addresses.of_post(post),
        locale=post.topic.locale,
        state=gettext("The accepted answer") if post.acceptance is not None else gettext("An answer, not accepted"),
        shown=markup.excerpt(markup.plain(post.html), LONGEST_SHOWN),
        pieces=_pieces("answer", post.id, conversation, by=by) if is_public else [],
        warnings=[] if is_public else [gettext("Customers cannot read this answer.")],
        is_public=is_public,
    )


def _pieces(kind: str, thing_id: int, conversation: Conversation, *, by: User) -> list[Piece]:
    measure = measure_here(conversation)
    found = []
    for value, label in (("", gettext("Short text")), (":link", gettext("Link"))):
        used = reuse.read(f"{kind}:{thing_id}{value}")
        text = None if used is None else text_of(used, conversation, by=by)
        if used is not None and text:
            found.append(Piece(used, label, text, measure.fits(text)))
    return found


def _passages(article: Article, conversation: Conversation) -> list[Piece]:
    measure = measure_here(conversation)
    found = []
    for number in range(len(suggestions.passages(article))):
        text = suggestions.passage(article, number, conversation.channel)
        if text is not None:
            used = Used("article", article.id, "quote", str(number))
            found.append(Piece(used, gettext("Passage"), text, measure.fits(text)))
    return found


def _state(article: Article) -> str:
    if not article.is_published:
        return str(gettext("A draft"))
    if article.confidence == "validated":
        return str(gettext("Published and checked"))
    return str(gettext("Published"))
