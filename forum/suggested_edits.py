"""Suggested edits: who may not edit a text says what it should say; whose text it is, or a moderator, decides.

What is declined or withdrawn nobody reads but those. What is taken is an edit like others; its history names both.
"""

from collections.abc import Iterator

from flask_babel import gettext
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload, lazyload

from accounts import audit
from accounts.models import User
from accounts.people import Viewer
from core import outbox
from core.clock import now
from core.db import LARGEST_ID, db
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.problems import Problems
from core.settings import current_settings
from core.unique import add_once
from forum import cases, holding, limits, notifications, policy, posts, queries
from forum.events import EditSuggested, SuggestionDecided
from forum.models import Muting, Post, PostRevision, SuggestedEdit, SuggestionOutcome
from forum.reviewing import Waiting

MOST_OF_A_POST = 3
"""So many changes of one text may wait at once, lest its author drowns."""
MOST_LISTED = 50


def suggest(post: Post, *, source: str, reason: str, version: int, by: User, title: str | None = None) -> SuggestedEdit:
    """Say what a text, and with `title` a question, should say instead, and why; it waits until somebody decides.

    Raises `Conflict` when somebody edited since `version`, or one's own suggestion waits there already.
    """
    if not policy.may_suggest(by, post):
        raise NotAllowed(gettext("No change can be suggested here."))
    problems = Problems()
    source = problems.take("source", lambda: limits.source(post.kind, source), "")
    reason = problems.take("reason", lambda: _reason(reason, by), "")
    old_title = post.topic.title if post.kind == "question" else None
    new_title = old_title
    if title is not None and old_title is not None:
        new_title = problems.take("title", lambda: limits.title(title), old_title)
    problems.refuse()
    looked = holding.look_at(title=new_title or "", source=source, by=by, is_edit=True)
    source, new_title = limits.post_source(post.kind, looked.source), None if new_title is None else looked.title
    cases.lock(post)
    db.session.refresh(post, ["version", "source"])
    if post.version != version:
        raise Conflict(gettext("Somebody edited this meanwhile. Your text is still here; please look at both."))
    if (source, new_title) == (post.source, old_title):
        raise Invalid(fields={"source": gettext("This is what it says already.")})
    _refuse_too_many(post, by)
    said = {"version": version, "title": new_title, "source": source, "reason": reason, "words": "", "at": now()}
    if not add_once(SuggestedEdit, post_id=post.id, by_id=by.id, **said):
        raise Conflict(gettext("You have suggested a change here that still waits."))
    suggestion = db.session.scalars(
        select(SuggestedEdit).where(
            SuggestedEdit.post_id == post.id, SuggestedEdit.by_id == by.id, SuggestedEdit.decided_at.is_(None)
        )
    ).one()
    outbox.publish(EditSuggested(suggestion.id))
    return suggestion


def take(
    suggestion: SuggestedEdit, *, version: int, by: User, source: str | None = None, title: str | None = None
) -> None:
    """Let the text say what was suggested, or `source` and `title`, which whoever decides made of it.

    `version` is the one of the post that they saw: raises `Conflict` when somebody edited it since.
    """
    post = _mine_to_decide(suggestion, by=by)
    before = {"title": post.topic.title if post.kind == "question" else None, "source": post.source}
    new_title = suggestion.title if title is None else title
    posts.edit(
        post,
        source=suggestion.source if source is None else source,
        title=new_title if post.kind == "question" else None,
        version=version,
        reason=suggestion.reason,
        by=by,
        suggestion=suggestion,
    )
    suggestion.taken_version = post.version
    audit.record(
        "forum.suggestion.take",
        post,
        by=by,
        reason=suggestion.reason,
        before=before,
        after={"suggestion": suggestion.id, "by_id": suggestion.by_id, "source": post.source},
    )
    _decide(suggestion, "taken", by=by, words="")


def decline(suggestion: SuggestedEdit, *, words: str, by: User) -> None:
    """Leave the text as it is and say why."""
    post = _mine_to_decide(suggestion, by=by)
    problems = Problems()
    words = problems.take("words", lambda: limits.reason(words), "")
    problems.refuse()
    audit.record("forum.suggestion.decline", post, by=by, reason=words, before={"suggestion": suggestion.id})
    _decide(suggestion, "declined", by=by, words=words)


def withdraw(suggestion: SuggestedEdit, *, by: User) -> None:
    """Take back what one suggested, while nobody has decided it."""
    if by.id != suggestion.by_id:
        raise NotAllowed(gettext("Only who suggested it can take it back."))
    _lock(suggestion)
    _decide(suggestion, "withdrawn", by=by, words="")


def undo(suggestion: SuggestedEdit, *, by: User) -> None:
    """Take a decision back, shortly after it: the suggestion waits again, and the text says what it said before."""
    if not policy.may_decide_suggestion(by, suggestion):
        raise _refusal()
    db.session.execute(select(SuggestedEdit.id).where(SuggestedEdit.id == suggestion.id).with_for_update())
    db.session.refresh(suggestion)
    post, outcome = suggestion.post, suggestion.outcome
    is_late = suggestion.decided_at is None or suggestion.decided_at < now() - cases.UNDO
    another = select(SuggestedEdit.id).where(
        SuggestedEdit.post_id == post.id, SuggestedEdit.by_id == suggestion.by_id, SuggestedEdit.decided_at.is_(None)
    )
    if is_late or outcome == "withdrawn" or db.session.scalar(another) is not None:
        raise Conflict(gettext("This cannot be undone any more."))
    if outcome == "taken":
        _put_back(suggestion, by=by)
    suggestion.outcome = suggestion.decided_at = suggestion.decided_by_id = suggestion.taken_version = None
    suggestion.words, suggestion.version = "", post.version
    db.session.flush()
    db.session.expire(suggestion, ["decided_by"])
    audit.record("forum.suggestion.undo", post, by=by, before={"suggestion": suggestion.id, "outcome": outcome})
    if suggestion.by_id is not None:
        notifications.retract(suggestion.by_id, key_of(suggestion))


def found(suggestion_id: int, *, viewer: Viewer) -> SuggestedEdit:
    """Return a suggestion, or raise `NotFound`; of what the viewer may not see there is none."""
    suggestion = db.session.get(SuggestedEdit, suggestion_id) if 0 < suggestion_id <= LARGEST_ID else None
    if suggestion is None:
        raise NotFound
    queries.visible_post(suggestion.post_id, viewer=viewer)
    if not policy.may_see_suggestion(viewer, suggestion):
        raise NotAllowed(gettext("This suggestion is for whose text it is, and for the team."))
    return suggestion


def waiting_of(post: Post, *, by: User) -> SuggestedEdit | None:
    """Return what somebody suggested for a post and nobody has decided."""
    mine = select(SuggestedEdit).where(SuggestedEdit.post_id == post.id, SuggestedEdit.by_id == by.id)
    return db.session.scalars(mine.where(SuggestedEdit.decided_at.is_(None))).first()


def waiting(viewer: Viewer) -> Iterator[Waiting]:
    """Yield what waits for a moderator, the oldest first; what is hidden meanwhile comes back with its post."""
    if not policy.may_review(viewer):
        return
    hidden = select(Muting.id).where((Muting.post_id == Post.id) | (Muting.topic_id == Post.topic_id))
    statement = _open().join(Post, Post.id == SuggestedEdit.post_id).where(~hidden.correlate(Post).exists())
    options = joinedload(SuggestedEdit.post).options(lazyload("*"), joinedload(Post.topic).lazyload("*"))
    for suggestion in db.session.scalars(statement.options(options).order_by(SuggestedEdit.id).limit(MOST_LISTED)):
        topic = suggestion.post.topic
        yield Waiting(gettext("Suggested change"), topic.title, address(suggestion), suggestion.at, topic.locale)


def address(suggestion: SuggestedEdit) -> str:
    return f"/suggestions/{suggestion.id}"


def key_of(suggestion: SuggestedEdit) -> str:
    """Return the key under which whoever suggested it is told of the decision."""
    return f"suggestion_decided:{suggestion.id}"


def may_undo(suggestion: SuggestedEdit, viewer: Viewer) -> bool:
    """Tell whether the decision is fresh enough to be taken back by this person."""
    at = suggestion.decided_at
    is_fresh = at is not None and at > now() - cases.UNDO and suggestion.outcome != "withdrawn"
    return is_fresh and policy.may_decide_suggestion(viewer, suggestion)


def _reason(reason: str, by: User) -> str:
    reason = limits.public_line(reason, longest=limits.LONGEST_EDIT_REASON, by=by)
    if len(reason) < limits.SHORTEST_REASON:
        raise Invalid(gettext("A few words, please: what is better then?"))
    return reason


def _refuse_too_many(post: Post, by: User) -> None:
    most = current_settings().suggestions_waiting
    mine = _count(SuggestedEdit.by_id == by.id)
    if mine >= most:
        raise Invalid(gettext("%(most)s changes by you wait already. Please wait until some are decided.", most=most))
    if _count(SuggestedEdit.post_id == post.id) >= MOST_OF_A_POST:
        raise Invalid(gettext("%(most)s changes of this text wait already.", most=MOST_OF_A_POST))


def _count(where: object) -> int:
    statement = select(func.count(SuggestedEdit.id)).where(where, SuggestedEdit.decided_at.is_(None))  # type: ignore[arg-type]  # a clause
    return db.session.scalar(statement) or 0


def _open() -> Select[SuggestedEdit]:
    return select(SuggestedEdit).where(SuggestedEdit.decided_at.is_(None))


def _mine_to_decide(suggestion: SuggestedEdit, *, by: User) -> Post:
    if not policy.may_decide_suggestion(by, suggestion):
        raise _refusal()
    _lock(suggestion)
    return suggestion.post


def _refusal() -> NotAllowed:
    return NotAllowed(gettext("Whose text it is and moderators decide this, as long as the text is not hidden."))


def _lock(suggestion: SuggestedEdit) -> None:
    # Of two who decide at the same moment the second waits here and then sees what the first one did.
    db.session.execute(select(SuggestedEdit.id).where(SuggestedEdit.id == suggestion.id).with_for_update())
    db.session.refresh(suggestion)
    if suggestion.decided_at is not None:
        name = suggestion.decided_by.name if suggestion.decided_by is not None else gettext("Somebody who has left")
        raise Conflict(gettext("%(name)s has decided this already. Nothing was changed.", name=name))


def _decide(suggestion: SuggestedEdit, outcome: SuggestionOutcome, *, by: User, words: str) -> None:
    suggestion.outcome, suggestion.words = outcome, words
    suggestion.decided_by_id, suggestion.decided_at = by.id, now()
    db.session.flush()
    db.session.expire(suggestion, ["decided_by"])
    outbox.publish(SuggestionDecided(suggestion.id))


def _put_back(suggestion: SuggestedEdit, *, by: User) -> None:
    post = suggestion.post
    db.session.refresh(post, ["version"])
    was = db.session.scalars(
        select(PostRevision).where(PostRevision.post_id == post.id, PostRevision.number == post.version - 1)
    ).first()
    if was is None or post.version != suggestion.taken_version:
        raise Conflict(gettext("Somebody edited this since; please edit it instead."))
    posts.edit(
        post,
        source=was.source,
        title=was.title if post.kind == "question" else None,
        version=post.version,
        reason=gettext("The suggested change was taken back"),
        by=by,
        suggestion=suggestion,
    )
