"""What people are told; the words are made when they read it, in their language, and only of what they may see then."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, cast, get_args

from flask_babel import gettext, lazy_gettext
from sqlalchemy import Select, delete, func, or_, select, update
from sqlalchemy.orm import contains_eager, joinedload, lazyload

from accounts.models import User
from accounts.people import Viewer
from core.clock import now
from core.db import db
from core.errors import Invalid
from core.unique import add_once
from forum import follows, queries
from forum.models import Muting, Notification, NotificationChoice, Post, Topic

Sentence = Callable[[Notification], str]
Way = Literal["mail", "digest", "bell", "off"]
WAYS: tuple[Way, ...] = get_args(Way)
WAY_NAMES: Final = {
    "mail": lazy_gettext("Bell and mail"),
    "digest": lazy_gettext("Bell and weekly summary"),
    "bell": lazy_gettext("Bell only"),
    "off": lazy_gettext("Not at all"),
}


@dataclass(frozen=True, slots=True)
class Group:
    """News of one sort, which a person chooses one way for."""

    label: Any
    way: Way
    is_for_team: bool = False


GROUPS: Final[Mapping[str, Group]] = {
    "answers": Group(lazy_gettext("Answers to questions you follow"), "mail"),
    "comments": Group(lazy_gettext("Comments on what you wrote"), "mail"),
    "mentions": Group(lazy_gettext("Somebody mentions you"), "mail"),
    "solutions": Group(lazy_gettext("A question is solved"), "mail"),
    "questions": Group(lazy_gettext("New questions in what you follow"), "digest"),
    "articles": Group(lazy_gettext("Your words became an article"), "mail"),
    "credit": Group(lazy_gettext("Once a month: what became of your answers"), "mail"),
    "revisions": Group(lazy_gettext("An article you follow has changed"), "mail"),
    "tasks": Group(lazy_gettext("Questions that are given to you"), "mail", is_for_team=True),
    "needs": Group(lazy_gettext("What your articles need"), "mail", is_for_team=True),
    "other": Group(lazy_gettext("Everything else"), "bell"),
    "alarms": Group(lazy_gettext("Something waits too long"), "mail", is_for_team=True),
}
MOST_ASKED: Final = 5000
"""People in one statement; databases take some ten thousand values."""
DECISIONS: Final = "decisions"
"""What the team decided about one's own text: always told, by bell and mail, whatever is silenced."""

_kinds: dict[str, Sentence] = {}
_groups: dict[str, str] = {}
_at_once: set[str] = set()
URGENT: Final = "at_once"
"""The bundle of what is mailed at once."""


def kind(name: str, *, group: str = "other", at_once: bool = False) -> Callable[[Sentence], Sentence]:
    """Register the function that puts notifications of a kind into a sentence, and the sort of news it is.

    What is to be known `at_once` is mailed without waiting for more of its sort, each by itself.
    """

    def register(sentence: Sentence) -> Sentence:
        _kinds[name] = sentence
        _groups[name] = group
        if at_once:
            _at_once.add(name)
        return sentence

    return register


def notify(
    user: User | int,
    *,
    kind: str,
    key: str,
    url: str,
    topic: Topic | None = None,
    post: Post | None = None,
    data: dict[str, Any] | None = None,
) -> bool:
    """Tell a person something once: a second call with the same `key` changes nothing. Returns whether it is new.

    With `topic` or `post` they read it only while they may see that, and hear nothing of it where they silenced the
    topic or the author of the post, whatever the kind.
    """
    told = user if isinstance(user, int) else user.id
    return bool(notify_each([told], kind=kind, key=key, url=url, topic=topic, post=post, data=data))


def notify_each(
    user_ids: Iterable[int],
    *,
    kind: str,
    key: str,
    url: str,
    topic: Topic | None = None,
    post: Post | None = None,
    data: dict[str, Any] | None = None,
) -> int:
    """Tell several people the same; return how many of them hear it for the first time."""
    group = _groups.get(kind, "other")
    quiet: set[int] = set()
    if group != DECISIONS:
        quiet = follows.silencers(None if topic is None else topic.id, None if post is None else post.author_id)
    wanted = [user_id for user_id in user_ids if user_id not in quiet]
    ways: dict[int, Way] = {}
    for first in range(0, len(wanted), MOST_ASKED):
        ways |= _ways(group, wanted[first : first + MOST_ASKED])
    bundle = group if group == "alarms" or topic is None else f"topic:{topic.id}"
    if kind in _at_once:
        bundle = URGENT
    new = 0
    for user_id in wanted:
        if ways[user_id] != "off":
            new += add_once(
                Notification,
                user_id=user_id,
                kind=kind,
                key=key,
                url=url,
                topic_id=None if topic is None else topic.id,
                post_id=None if post is None else post.id,
                data=data or {},
                at=now(),
                way=ways[user_id],
                bundle=bundle,
            )
    return new


def choices(user: User) -> dict[str, Way]:
    """Return how a person is told of each sort of news."""
    rows = db.session.scalars(select(NotificationChoice).where(NotificationChoice.user_id == user.id))
    chosen = {row.group: cast("Way", row.way) for row in rows}
    return {
        name: chosen.get(name, group.way) for name, group in GROUPS.items() if user.is_team or not group.is_for_team
    }


def choose(user: User, ways: Mapping[str, str]) -> None:
    """Have a person told as they choose; what is not named stays. What waits to be mailed follows the choice."""
    for group, way in ways.items():
        if group not in GROUPS or way not in WAYS:
            raise Invalid(fields={group: gettext("Please choose one of these.")})
        mine = (NotificationChoice.user_id == user.id, NotificationChoice.group == group)
        if not add_once(NotificationChoice, user_id=user.id, group=group, way=way):
            db.session.execute(update(NotificationChoice).where(*mine).values(way=way))
        names = [name for name, of in _groups.items() if of == group]
        waiting = update(Notification).where(
            Notification.user_id == user.id, Notification.kind.in_(names), Notification.mailed_at.is_(None)
        )
        db.session.execute(waiting.values(way="bell" if way == "off" else way))


def group_of(notification: Notification) -> str:
    """Return the sort of news it is."""
    return _groups.get(notification.kind, "other")


def retract(user_id: int, key: str) -> None:
    """Take back what is no longer true."""
    db.session.execute(delete(Notification).where(Notification.user_id == user_id, Notification.key == key))


def retract_from_all(post: Post, key: str) -> None:
    """Take back what is no longer true of a post for anybody."""
    db.session.execute(delete(Notification).where(Notification.post_id == post.id, Notification.key == key))


def retract_with(prefix: str) -> None:
    """Take back from everybody what was told under keys that begin so."""
    db.session.execute(delete(Notification).where(Notification.key.startswith(prefix, autoescape=True)))


def muting_key(muting: Muting) -> str:
    """Return the key under which an author was told of a muting."""
    kind = "topic_muted" if muting.topic_id is not None else "post_muted"
    return f"{kind}:{muting.topic_id or muting.post_id}:{muting.at.isoformat()}"


def sentence(notification: Notification) -> str:
    """Say it in the language of the page."""
    words = _kinds.get(notification.kind)
    return words(notification) if words else str(gettext("There is something new for you."))


def visible_notifications(user: User) -> Select[Notification]:
    """Return the statement for what the person may read now; its topics and posts are loaded along."""
    return _readable(select(Notification), user).options(
        # Only titles and names are read; and an inner join to the category would lose what is about no topic.
        contains_eager(Notification.topic).options(lazyload("*"), joinedload(Topic.asker)),
        contains_eager(Notification.post).options(lazyload(Post.muting), joinedload(Post.author)),
    )


def unread_count(user: User) -> int:
    """Return how many of them wait to be read."""
    return db.session.scalar(_unread(queries.kind_of(user)), {"viewer_id": user.id}) or 0


@cache
def _unread(kind: queries.Kind) -> Select[int]:
    """Count what waits to be read; put together once, since every page of a member asks it."""
    counted = select(func.count(Notification.id)).where(Notification.read_at.is_(None))
    return _readable(counted, queries.stand_in(kind))


def mark_read(user: User, ids: list[int] | None = None) -> None:
    """Note that the person has read these, or all of them."""
    mine = update(Notification).where(Notification.user_id == user.id, Notification.read_at.is_(None))
    db.session.execute((mine if ids is None else mine.where(Notification.id.in_(ids))).values(read_at=now()))


def _ways(group: str, user_ids: list[int]) -> dict[int, Way]:
    if group == DECISIONS:
        return dict.fromkeys(user_ids, "mail")
    ways: dict[int, Way] = dict.fromkeys(user_ids, GROUPS[group].way)
    rows = db.session.execute(
        select(NotificationChoice.user_id, NotificationChoice.way).where(
            NotificationChoice.group == group, NotificationChoice.user_id.in_(user_ids)
        )
    )
    return ways | {user_id: cast("Way", way) for user_id, way in rows}


def _readable(statement: Select[Any], user: Viewer) -> Select[Any]:
    return (
        statement.outerjoin(Topic, Topic.id == Notification.topic_id)
        .outerjoin(Post, Post.id == Notification.post_id)
        .where(
            Notification.user_id == user.id,
            or_(Notification.topic_id.is_(None), queries.topics_visible_to(user)),
            or_(Notification.post_id.is_(None), queries.posts_visible_to(user)),
        )
    )


@kind("answer_posted", group="answers")
def _answer_posted(notification: Notification) -> str:
    return str(gettext("%(name)s answered “%(title)s”.", name=_author(notification), title=_title(notification)))


@kind("comment_posted", group="comments")
def _comment_posted(notification: Notification) -> str:
    return str(
        gettext(
            "%(name)s commented on what you wrote in “%(title)s”.",
            name=_author(notification),
            title=_title(notification),
        )
    )


@kind("mentioned", group="mentions")
def _mentioned(notification: Notification) -> str:
    return str(gettext("%(name)s mentions you in “%(title)s”.", name=_author(notification), title=_title(notification)))


@kind("answer_accepted", group="solutions")
def _answer_accepted(notification: Notification) -> str:
    return str(gettext("Your answer solved “%(title)s”.", title=_title(notification)))


@kind("topic_solved", group="solutions")
def _topic_solved(notification: Notification) -> str:
    return str(gettext("“%(title)s” is solved.", title=_title(notification)))


@kind("topic_asked", group="questions")
def _topic_asked(notification: Notification) -> str:
    topic = notification.topic
    asker = topic.asker.name if topic is not None and topic.asker is not None else str(gettext("Somebody who has left"))
    return str(gettext("%(name)s asked: “%(title)s”", name=asker, title=_title(notification)))


@kind("answer_contradicted")
def _answer_contradicted(notification: Notification) -> str:
    return str(
        gettext(
            "The solution of “%(title)s” does not work for everybody. Please have a look.", title=_title(notification)
        )
    )


@kind("accept_reminder")
def _accept_reminder(notification: Notification) -> str:
    return str(
        gettext("Did one of the answers solve “%(title)s”? With one click you tell others.", title=_title(notification))
    )


@kind("participated_muted", group=DECISIONS)
def _participated_muted(notification: Notification) -> str:  # noqa: ARG001 -- neither title nor reason may be told
    return str(gettext("The team muted a question that you wrote in. Your own words are kept for you."))


@kind("commented_muted", group=DECISIONS)
def _commented_muted(notification: Notification) -> str:
    title = _title(notification)
    return str(
        gettext("The team muted an answer in “%(title)s” that you commented on. Your own words are kept.", title=title)
    )


@kind("muting_review")
def _muting_review(notification: Notification) -> str:
    return str(gettext("Please look again: does “%(title)s” still have to be muted?", title=_title(notification)))


@kind("objection_raised")
def _objection_raised(notification: Notification) -> str:
    return str(gettext("The author objects to a muting in “%(title)s”.", title=_title(notification)))


@kind("objection_answered", group=DECISIONS)
def _objection_answered(notification: Notification) -> str:
    if notification.data.get("is_lifted"):
        return str(gettext("You objected, and “%(title)s” is shown to everybody again.", title=_title(notification)))
    return str(gettext("The team answered your objection about “%(title)s”.", title=_title(notification)))


@kind("topic_muted", group=DECISIONS)
def _topic_muted(notification: Notification) -> str:
    return str(
        gettext(
            "The team muted your question “%(title)s”. The reason: %(reason)s",
            title=_title(notification),
            reason=notification.data.get("reason", ""),
        )
    )


@kind("topic_closed", group=DECISIONS)
def _topic_closed(notification: Notification) -> str:
    title, reason = _title(notification), notification.data.get("reason", "")
    if notification.data.get("as") == "duplicate":
        return str(gettext("“%(title)s” was asked before. There is a link to the answer now.", title=title))
    return str(gettext("The team closed your question “%(title)s”. The reason: %(reason)s", title=title, reason=reason))


@kind("post_moved", group=DECISIONS)
def _post_moved(notification: Notification) -> str:
    return str(gettext("The team moved what you wrote to “%(title)s”.", title=_title(notification)))


@kind("edit_suggested")
def _edit_suggested(notification: Notification) -> str:
    name = notification.data.get("name") or str(gettext("Somebody who has left"))
    return str(
        gettext("%(name)s suggests a change to your text in “%(title)s”.", name=name, title=_title(notification))
    )


@kind("suggestion_taken")
def _suggestion_taken(notification: Notification) -> str:
    return str(gettext("Your change to a text in “%(title)s” was taken. Thank you.", title=_title(notification)))


@kind("suggestion_declined")
def _suggestion_declined(notification: Notification) -> str:
    title, words = _title(notification), notification.data.get("words", "")
    return str(gettext("Your change to a text in “%(title)s” was not taken: %(words)s", title=title, words=words))


@kind("post_given", group=DECISIONS)
def _post_given(notification: Notification) -> str:
    return str(gettext("The team made a text in “%(title)s” yours.", title=_title(notification)))


@kind("post_given_away", group=DECISIONS)
def _post_given_away(notification: Notification) -> str:
    name, title = _author(notification), _title(notification)
    return str(gettext("The team says that your text in “%(title)s” is by %(name)s.", title=title, name=name))


@kind("post_muted", group=DECISIONS)
def _post_muted(notification: Notification) -> str:
    return str(
        gettext(
            "The team muted what you wrote in “%(title)s”. The reason: %(reason)s",
            title=_title(notification),
            reason=notification.data.get("reason", ""),
        )
    )


@kind("topic_hidden")
@kind("post_hidden")
def _hidden(notification: Notification) -> str:
    return str(
        gettext(
            "Several people reported what you wrote in “%(title)s”. It is hidden until the team has looked at it; "
            "you can change it once.",
            title=_title(notification),
        )
    )


@kind("flag_decided")
def _flag_decided(notification: Notification) -> str:
    outcome = notification.data.get("outcome")
    if outcome == "agreed":
        return str(gettext("Thank you for your report. The team agreed, and the post is hidden now."))
    if outcome == "edited":
        return str(gettext("Thank you for your report. The team changed what was wrong with the post."))
    if outcome == "disagreed":
        return str(gettext("Thank you for your report. The team looked at the post and found that it can stay."))
    return str(gettext("Thank you for your report. The team looked at the post; nothing had to be done."))


def _title(notification: Notification) -> str:
    return notification.topic.title if notification.topic is not None else ""


def _author(notification: Notification) -> str:
    author = notification.post.author if notification.post is not None else None
    return author.name if author is not None else str(gettext("Somebody who has left"))
