"""Following and silencing: who wants to hear of a topic, a category, a tag or a person, how much, and who wants quiet.

*Silencing* is a reader's own ignoring, and nobody else notices it; *muting* is the team's deed (`forum.moderation`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal, Protocol, get_args

from flask_babel import gettext
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    bindparam,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.orm import joinedload

from accounts.models import User
from accounts.people import Viewer
from core.clock import now
from core.db import UtcDateTime, db
from core.errors import Invalid, NotAllowed
from core.unique import add_once
from forum import policy, queries
from forum.models import Category, Follow, MeToo, Notification, Post, ReadMark, Silence, Tag, Topic, TopicTag, Watch

TopicLevel = Literal["everything", "solution"]
WatchLevel = Literal["everything", "first"]
TOPIC_LEVELS: tuple[TopicLevel, ...] = get_args(TopicLevel)
WATCH_LEVELS: tuple[WatchLevel, ...] = get_args(WatchLevel)
Watched = Category | Tag | User
Subject = Topic | Watched


@dataclass(frozen=True, slots=True)
class Stance:
    """How a reader stands to something: the level they follow it at (empty: not at all), and whether it is silenced."""

    level: str = ""
    is_silenced: bool = False
    silenced_people: frozenset[int] = frozenset()
    """Ids of all people this reader silenced; like what follows only told together with a topic."""
    has_same_problem: bool = False
    has_news: bool = False
    """Whether the bell rings because of the topic."""
    is_read: bool = False
    """Whether the reader has seen the topic as it is."""
    below_muted: frozenset[int] = frozenset()
    """Ids of what the reader wrote below others' texts that are muted, and does not see in its place."""

    @property
    def choice(self) -> str:
        """The value of the form that changes it."""
        return "silenced" if self.is_silenced else self.level or "none"


NO_STANCE = Stance()


@dataclass(frozen=True, slots=True)
class Followed:
    """Something of another room that a person follows: its sort in words, its title and where it is."""

    kind: str
    name: str
    """What names it in the form: its id."""
    sort: str
    title: str
    url: str
    at: datetime


class Following(Protocol):
    """How things of another room are followed; they are followed or not, without levels."""

    def page(self, name: str, *, viewer: User) -> str:
        """Return the address of what is named so; raise `NotFound` when there is none that the viewer may see."""
        ...

    def choose(self, name: str, *, is_followed: bool, by: User) -> None:
        """Follow it, or follow it no more; raise `NotFound` as `page` does."""
        ...

    def followed_by(self, user: User) -> Sequence[Followed]:
        """Return what the person follows and may see."""
        ...


_elsewhere: dict[str, Following] = {}


def contribute(kind: str, following: Following) -> None:
    """Have things of another room followed by the same form and listed on the same page."""
    _elsewhere[kind] = following


def elsewhere(kind: str) -> Following | None:
    """Return how things of this kind are followed; None where no other room knows it."""
    return _elsewhere.get(kind)


def followed_elsewhere(user: User) -> list[Followed]:
    """Return what a person follows in other rooms."""
    return [one for _, following in sorted(_elsewhere.items()) for one in following.followed_by(user)]


def follow(topic: Topic, *, by: User, level: TopicLevel | None = None) -> None:
    """Have `by` told of what happens in the topic; following twice is following.

    Without a level it is what asking and answering bring along: it changes no choice that was made.
    """
    if not policy.may_follow(by):
        raise NotAllowed(gettext("Please sign in to follow a question."))
    if level is None and _is_silenced(topic, by):
        return
    if level is not None:
        _check(level, TOPIC_LEVELS)
        _lift(topic, by)
    is_new = add_once(Follow, topic_id=topic.id, user_id=by.id, at=now(), level=level or "everything")
    if level is not None and not is_new:
        mine = (Follow.topic_id == topic.id, Follow.user_id == by.id)
        db.session.execute(update(Follow).where(*mine).values(level=level))


def follow_by_id(topic: Topic, user_id: int) -> None:
    """Have somebody told of a topic that their own words were moved to."""
    add_once(Follow, topic_id=topic.id, user_id=user_id, at=now())


def unfollow(topic: Topic, *, by: User) -> None:
    """Tell `by` nothing more of the topic."""
    if not policy.may_follow(by):
        raise NotAllowed
    db.session.execute(delete(Follow).where(Follow.topic_id == topic.id, Follow.user_id == by.id))


def watch(subject: Watched, *, by: User, level: WatchLevel) -> None:
    """Have `by` told of questions in a category, with a tag or by a person, and with `everything` of answers, too."""
    if not policy.may_follow(by):
        raise NotAllowed(gettext("Please sign in to follow this."))
    _check(level, WATCH_LEVELS)
    if isinstance(subject, User) and subject.id == by.id:
        raise Invalid(gettext("You hear of your own questions anyway."))
    _lift(subject, by)
    column = _column(Watch, subject)
    if not add_once(Watch, user_id=by.id, level=level, at=now(), **{column.key: subject.id}):
        db.session.execute(update(Watch).where(Watch.user_id == by.id, column == subject.id).values(level=level))


def unwatch(subject: Watched, *, by: User) -> None:
    """Tell `by` nothing more of it."""
    if not policy.may_follow(by):
        raise NotAllowed
    db.session.execute(delete(Watch).where(Watch.user_id == by.id, _column(Watch, subject) == subject.id))


def silence(subject: Subject, *, by: User) -> None:
    """Leave `by` in peace: no bell, no mail, not even when somebody mentions them there; lists leave it out."""
    if not policy.may_follow(by):
        raise NotAllowed(gettext("Please sign in to silence this."))
    if isinstance(subject, User) and subject.id == by.id:
        raise Invalid(gettext("You cannot silence yourself."))
    if isinstance(subject, Topic):
        unfollow(subject, by=by)
    else:
        unwatch(subject, by=by)
    add_once(Silence, user_id=by.id, at=now(), **{_column(Silence, subject).key: subject.id})


def end_silence(subject: Subject, *, by: User) -> None:
    """Let `by` hear of it again."""
    if not policy.may_follow(by):
        raise NotAllowed
    _lift(subject, by)


def choose(subject: Subject, choice: str, *, by: User) -> None:
    """Do what was chosen in the form: a level, `none`, or `silenced`."""
    if choice == "silenced":
        silence(subject, by=by)
    elif isinstance(subject, Topic):
        if choice == "none":
            unfollow(subject, by=by)
            end_silence(subject, by=by)
        else:
            follow(subject, by=by, level=_check(choice, TOPIC_LEVELS))
    elif choice == "none":
        unwatch(subject, by=by)
        end_silence(subject, by=by)
    else:
        watch(subject, by=by, level=_check(choice, WATCH_LEVELS))


def is_following(topic: Topic, viewer: Viewer) -> bool:
    """Tell whether the viewer follows the topic."""
    return bool(stance_on_topic(topic, viewer).level)


def stance_on_topic(topic: Topic, viewer: Viewer) -> Stance:
    """Return how the viewer stands to a topic, and whom they silenced, in one statement."""
    if viewer.id is None:
        return NO_STANCE
    given = {"topic_id": topic.id, "viewer_id": viewer.id, "active_at": topic.last_activity_at}
    rows: Sequence[Any] = db.session.execute(_stances_on_topic(), given).all()
    numbers = {row.what: row.id for row in rows}
    return Stance(
        next((row.level for row in rows if row.what == "follow"), ""),
        any(row.what == "topic" for row in rows),
        frozenset(row.id for row in rows if row.what == "person"),
        has_same_problem="me too" in numbers,
        has_news=bool(numbers["news"]),
        is_read=bool(numbers["read"]),
        below_muted=frozenset(row.id for row in rows if row.what == "hidden" and not viewer.is_team),
    )


@cache
def _stances_on_topic() -> Any:
    """Select how somebody stands to a topic; put together once, since every page of a topic asks it."""
    topic_id: Any = bindparam("topic_id", type_=BigInteger())
    viewer_id: Any = bindparam("viewer_id", type_=BigInteger())
    active_at: Any = bindparam("active_at", type_=UtcDateTime())
    return union_all(
        select(literal("follow").label("what"), Follow.level.label("level"), literal(0).label("id")).where(
            Follow.topic_id == topic_id, Follow.user_id == viewer_id
        ),
        select(literal("topic"), literal(""), literal(0)).where(
            Silence.topic_id == topic_id, Silence.user_id == viewer_id
        ),
        select(literal("person"), literal(""), Silence.person_id).where(
            Silence.user_id == viewer_id, Silence.person_id.is_not(None)
        ),
        select(literal("me too"), literal(""), literal(0)).where(
            MeToo.topic_id == topic_id, MeToo.user_id == viewer_id
        ),
        select(literal("news"), literal(""), func.count(Notification.id)).where(
            Notification.topic_id == topic_id, Notification.user_id == viewer_id, Notification.read_at.is_(None)
        ),
        queries.below_muted(topic_id, viewer_id).with_only_columns(literal("hidden"), literal(""), Post.id),
        select(literal("read"), literal(""), func.count(ReadMark.at)).where(
            ReadMark.topic_id == topic_id, ReadMark.user_id == viewer_id, ReadMark.at >= active_at
        ),
    )


def stance(subject: Watched, viewer: Viewer) -> Stance:
    """Return how the viewer stands to a category, a tag or a person, in one statement."""
    if viewer.id is None:
        return NO_STANCE
    return stance_of(db.session.execute(union_all(*stance_rows(subject, viewer))).all())


def stance_rows(subject: Watched | str, viewer: User) -> list[Select[Any]]:
    """Return the statements whose rows say how the viewer stands to something; a tag may be given by its name."""
    watches: Any = select(literal("watch"), Watch.level, literal(0)).where(Watch.user_id == viewer.id)
    silences: Any = select(literal("silence"), literal(""), literal(0)).where(Silence.user_id == viewer.id)
    if isinstance(subject, str):
        tag_id = select(Tag.id).where(Tag.name == subject).scalar_subquery()
        return [watches.where(Watch.tag_id == tag_id), silences.where(Silence.tag_id == tag_id)]
    mine, quiet = _column(Watch, subject), _column(Silence, subject)
    return [watches.where(mine == subject.id), silences.where(quiet == subject.id)]


def stance_of(rows: Sequence[Any]) -> Stance:
    """Return what these rows say, among others perhaps."""
    return Stance(next((row[1] for row in rows if row[0] == "watch"), ""), any(row[0] == "silence" for row in rows))


def unsilenced_for(viewer: Viewer, *, in_category: bool = False) -> ColumnElement[bool]:
    """Return the clause for topics in lists: not silenced themselves, nor by a tag or their asker; own ones stay.

    On the page of a category that is silenced as a whole its topics still stand.
    """
    if viewer.id is None:
        return true()
    mine = Silence.user_id == viewer.id
    tagged = select(TopicTag.tag_id).where(TopicTag.topic_id == Topic.id, TopicTag.tag_id == Silence.tag_id)
    reasons = [
        Silence.topic_id == Topic.id,
        Silence.person_id == Topic.asker_id,
        Silence.tag_id.is_not(None) & tagged.correlate(Topic, Silence).exists(),
    ]
    if not in_category:
        reasons.append(Silence.category_id == Topic.category_id)
    quiet = exists().where(mine, or_(*reasons))
    return or_(Topic.asker_id == viewer.id, ~quiet)


def follower_ids(topic_id: int) -> list[int]:
    """Return who follows the topic, at whatever level."""
    return list(db.session.scalars(select(Follow.user_id).where(Follow.topic_id == topic_id).order_by(Follow.user_id)))


def readers_of_answer(topic: Topic, *, author_id: int | None) -> list[int]:
    """Return who is told of an answer, but its author: followers of everything there, or of what it belongs to."""
    direct = select(Follow.user_id).where(Follow.topic_id == topic.id, Follow.level == "everything")
    about = _watchers(topic, person_id=author_id).where(Watch.level == "everything")
    return _readers(set(db.session.scalars(direct)), set(db.session.scalars(about)), topic, author_id)


def readers_of_question(topic: Topic) -> list[int]:
    """Return who is told of a new question, but its asker."""
    about = set(db.session.scalars(_watchers(topic, person_id=topic.asker_id)))
    return _readers(set(), about, topic, topic.asker_id)


def silencers(topic_id: int | None, person_id: int | None) -> set[int]:
    """Return who hears nothing of this topic, or nothing by this person."""
    quiet = [Silence.topic_id == topic_id] if topic_id is not None else []
    quiet += [Silence.person_id == person_id] if person_id is not None else []
    return set(db.session.scalars(select(Silence.user_id).where(or_(*quiet)))) if quiet else set()


def watched_by(user: User) -> list[Watch]:
    """Return what a person follows besides single questions."""
    mine = select(Watch).where(Watch.user_id == user.id).order_by(Watch.id)
    return list(db.session.scalars(mine.options(*_named(Watch))))


def silenced_by(user: User) -> list[Silence]:
    """Return what a person silenced, but topics."""
    mine = select(Silence).where(Silence.user_id == user.id, Silence.topic_id.is_(None)).order_by(Silence.id)
    return list(db.session.scalars(mine.options(*_named(Silence))))


def _named(model: type[Watch | Silence]) -> list[Any]:
    return [joinedload(model.category), joinedload(model.tag), joinedload(model.person)]


def _watchers(topic: Topic, *, person_id: int | None) -> Any:
    tags = select(TopicTag.tag_id).where(TopicTag.topic_id == topic.id)
    about = [Watch.category_id == topic.category_id, Watch.tag_id.in_(tags)]
    if person_id is not None:  # an author whose account was erased is not every watch of no person
        about.append(Watch.person_id == person_id)
    return select(Watch.user_id).where(or_(*about))


def _readers(direct: set[int], about: set[int], topic: Topic, author_id: int | None) -> list[int]:
    # Who follows the topic itself meant it; a silenced tag or category only quiets what comes by following others.
    if about - direct:
        tags = select(TopicTag.tag_id).where(TopicTag.topic_id == topic.id)
        quiet = select(Silence.user_id).where(or_(Silence.category_id == topic.category_id, Silence.tag_id.in_(tags)))
        about = about - set(db.session.scalars(quiet))
    return sorted((direct | about) - {author_id})


def _is_silenced(topic: Topic, by: User) -> bool:
    mine = select(Silence.id).where(Silence.user_id == by.id, Silence.topic_id == topic.id)
    return db.session.scalar(mine) is not None


def _lift(subject: Subject, by: User) -> None:
    db.session.execute(delete(Silence).where(Silence.user_id == by.id, _column(Silence, subject) == subject.id))


def _column(model: type[Watch | Silence], subject: Subject) -> Any:
    if isinstance(subject, Topic):
        return Silence.topic_id
    if isinstance(subject, Category):
        return model.category_id
    return model.tag_id if isinstance(subject, Tag) else model.person_id


def _check(level: Any, known: Collection[Any]) -> Any:
    if level not in known:
        raise Invalid(gettext("Please choose one of the list."))
    return level
