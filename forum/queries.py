"""Reads, each scoped to a viewer. The two `…_visible_to` clauses say who sees what; the rest is built on them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, get_args

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select, true
from sqlalchemy.orm import aliased, joinedload, lazyload, with_expression

from accounts.models import User
from accounts.people import Viewer
from core.clock import now
from core.db import LARGEST_ID, UtcDateTime, db
from core.errors import NotFound
from forum.models import (
    Acceptance,
    Category,
    Duplicate,
    Experience,
    Muting,
    Note,
    Objection,
    Pin,
    Post,
    SeeAlso,
    Tag,
    TagSynonym,
    Topic,
    TopicRedirect,
    TopicTag,
)

State = Literal["unanswered", "unsolved", "solved"]
STATES: tuple[State, ...] = get_args(State)
MOST_PINS = 5
"""So many pinned topics a category shows, lest they hide the others."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many topics a category has in one language: `all`, `unanswered`, `unsolved` and `solved`."""

    category_id: int
    locale: str
    counts: dict[str, int]


# Made once: an alias costs more than the rest of a clause.
_own, _above, _whole = aliased(Muting), aliased(Muting), aliased(Muting)
_topic, _parent = aliased(Topic), aliased(Post)


def topics_visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the clause for a statement that selects from `Topic`: not muted, or one's own, or for the team."""
    if viewer.is_team:
        return true()
    is_muted = select(_own.id).where(_own.topic_id == Topic.id, in_force(_own)).correlate(Topic).exists()
    # A guest has no id, and neither has an asker whose account was erased; the two must never meet.
    return ~is_muted if viewer.id is None else or_(~is_muted, Topic.asker_id == viewer.id)


def posts_visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the clause for a statement that selects from `Post`; it needs no other table there.

    Neither the post nor what it comments on is muted (or the muted one is one's own), and the topic is visible.
    """
    if viewer.is_team:
        return true()
    is_muted = select(_own.id).where(_own.post_id == Post.id, in_force(_own)).correlate(Post).exists()
    hidden_above = (
        select(_above.id)
        .join(_parent, _parent.id == _above.post_id)
        .where(_above.post_id == Post.parent_id, in_force(_above))
    )
    hidden_topic = (
        select(_whole.id)
        .join(_topic, _topic.id == _whole.topic_id)
        .where(_whole.topic_id == Post.topic_id, in_force(_whole))
    )
    is_shown = ~is_muted
    if viewer.id is not None:
        is_shown = or_(is_shown, Post.author_id == viewer.id)
        hidden_above = hidden_above.where(_parent.author_id.is_distinct_from(viewer.id))
        hidden_topic = hidden_topic.where(_topic.asker_id.is_distinct_from(viewer.id))
    return and_(is_shown, ~hidden_above.correlate(Post).exists(), ~hidden_topic.correlate(Post).exists())


def visible_topics(viewer: Viewer) -> Select[Topic]:
    """Return the statement for every topic the viewer may see."""
    return select(Topic).where(topics_visible_to(viewer))


def listed(topics: Select[Topic]) -> Select[Topic]:
    """Load no more than a list shows: it names the asker; who accepted and who muted is said on the topic's page."""
    return topics.options(*_LISTED)


def visible_topic(topic_id: int, *, viewer: Viewer) -> Topic:
    """Return a topic, or what it was merged into; raise `NotFound` when there is none that the viewer may see."""
    found = None
    if 0 < topic_id <= LARGEST_ID:
        kind, given = kind_of(viewer), {"topic_id": topic_id, "viewer_id": viewer.id}
        found = db.session.scalars(_topic_by_id(kind), given).unique().first()
        if found is None:
            found = db.session.scalars(_topic_by_old_id(kind), given).unique().first()
    if found is None:
        raise NotFound
    return found


def visible_posts(topic: Topic, *, viewer: Viewer) -> list[Post]:
    """Return the topic's posts that the viewer may see, oldest first, with authors and mutings."""
    given = {"topic_id": topic.id, "viewer_id": viewer.id}
    return list(db.session.scalars(_posts_of_topic(kind_of(viewer)), given).unique())


def visible_post(post_id: int, *, viewer: Viewer) -> Post:
    """Return a post, or raise `NotFound` when there is none that the viewer may see."""
    found = None
    if 0 < post_id <= LARGEST_ID:
        found = db.session.scalars(select(Post).where(Post.id == post_id, posts_visible_to(viewer))).unique().first()
    if found is None:
        raise NotFound
    return found


def visible_posts_by(author: User, *, viewer: Viewer) -> Select[Post]:
    """Return the statement for what a person wrote and the viewer may see."""
    return (
        select(Post)
        .where(Post.author_id == author.id, posts_visible_to(viewer))
        .options(joinedload(Post.topic), joinedload(Post.acceptance).lazyload("*"))
    )


def with_tag(viewer: Viewer, name: str) -> Select[Topic]:
    """Return the statement for the visible topics that have a tag."""
    return visible_topics(viewer).where(has_tag(name))


def has_tag(name: str) -> ColumnElement[bool]:
    """Return the clause for topics that have a tag, by its name or another word for it."""
    meant = select(TagSynonym.tag_id).where(TagSynonym.name == name)
    tags = select(Tag.id).where(or_(Tag.name == name, Tag.id.in_(meant)))
    return Topic.id.in_(select(TopicTag.topic_id).where(TopicTag.tag_id.in_(tags)))


def meant_tag(name: str) -> str:
    """Return the name of the tag that this is another word for, else the word itself."""
    meant = select(Tag.name).join(TagSynonym, TagSynonym.tag_id == Tag.id).where(TagSynonym.name == name)
    return db.session.scalar(meant) or name


def in_state(state: State) -> ColumnElement[bool]:
    """Return the clause for topics in a state; unsolved ones have answers or none."""
    if state == "unanswered":
        return is_unanswered()
    return is_solved() if state == "solved" else and_(~is_solved(), is_open())


def is_solved() -> ColumnElement[bool]:
    """Return the clause for topics with an accepted answer."""
    return select(Acceptance.id).where(Acceptance.topic_id == Topic.id).correlate(Topic).exists()


def is_first_of(topic: type[Topic]) -> ColumnElement[bool]:
    """Return the clause that joins a topic with its first solution: with one row, also where it has several."""
    return and_(Acceptance.topic_id == topic.id, Acceptance.position == 0)


def solutions(topic: Topic) -> list[Acceptance]:
    """Return every acceptance of a topic in its order, as it is now."""
    chosen = select(Acceptance).where(Acceptance.topic_id == topic.id).order_by(Acceptance.position)
    return list(db.session.scalars(chosen.execution_options(populate_existing=True)).unique())


def chosen(topic: Topic) -> list[Acceptance]:
    """Return the acceptances of a topic that was read with its first one; asks again only where there may be more."""
    if topic.category.accepts_several:
        return solutions(topic)
    return [] if topic.acceptance is None else [topic.acceptance]


def is_unsolved_and_answered() -> ColumnElement[bool]:
    """Return the clause for topics with answers that wait for somebody to say which one helped."""
    return and_(Topic.answer_count > 0, ~is_solved())


def is_unanswered() -> ColumnElement[bool]:
    """Return the clause for topics that wait for an answer: nobody gave one, and they are not closed."""
    return and_(Topic.answer_count == 0, is_open())


def is_open() -> ColumnElement[bool]:
    """Return the clause for topics that take answers."""
    return Topic.closed_as.is_(None)


def counts(viewer: Viewer, *where: ColumnElement[bool]) -> dict[str, int]:
    """Return how many visible topics there are: `all`, `unanswered`, `unsolved` and `solved`."""
    row = db.session.execute(
        select(*_numbers()).outerjoin(Acceptance, is_first_of(Topic)).where(topics_visible_to(viewer), *where)
    ).one()
    return _by_state(row)


def categories() -> list[Category]:
    """Return every category in its order."""
    return list(db.session.scalars(select(Category).order_by(Category.position, Category.id)))


def category(slug: str) -> Category:
    """Return the category with this slug, or raise `NotFound`."""
    found = db.session.scalars(select(Category).where(Category.slug == slug)).first()
    if found is None:
        raise NotFound
    return found


def category_with_pins(slug: str, *, viewer: Viewer) -> tuple[Category, list[Topic]]:
    """Return a category and the topics pinned there that the viewer may see, the newest pin first."""
    pinned = select(Pin.id).join(Topic, Topic.id == Pin.topic_id).where(Topic.category_id == Category.id)
    has_any = pinned.where(in_force(Pin)).correlate(Category).exists()
    row = db.session.execute(select(Category, has_any).where(Category.slug == slug)).first()
    if row is None:
        raise NotFound
    found, has_pins = row
    if not has_pins:  # which is nearly always, and costs no statement of its own
        return found, []
    topics = (
        listed(visible_topics(viewer))
        .join(Pin, Pin.topic_id == Topic.id)
        .where(Topic.category_id == found.id, in_force(Pin))
        .order_by(Pin.at.desc(), Pin.id.desc())
    )
    return found, list(db.session.scalars(topics.limit(MOST_PINS)).unique())


def pin_in_force(topic: Topic) -> Pin | None:
    """Return the pin of a topic, unless its time is up."""
    return db.session.scalars(select(Pin).where(Pin.topic_id == topic.id, in_force(Pin))).first()


def category_names(slugs: Collection[str], viewer: Viewer) -> dict[str, str]:  # noqa: ARG001 -- everybody sees every category; search asks with a viewer
    """Return what the categories with these slugs are called."""
    found = db.session.scalars(select(Category).where(Category.slug.in_(slugs)))
    return {category.slug: category.name for category in found}


def tallies(viewer: Viewer, *where: ColumnElement[bool]) -> list[Tally]:
    """Count all visible topics, apart by category and language, in one statement."""
    rows = db.session.execute(
        select(Topic.category_id, Topic.locale, *_numbers())
        .outerjoin(Acceptance, is_first_of(Topic))
        .where(topics_visible_to(viewer), *where)
        .group_by(Topic.category_id, Topic.locale)
    )
    return [Tally(row[0], row[1], _by_state(row[2:])) for row in rows]


def added(tallies: Iterable[Tally]) -> dict[str, int]:
    """Return the same as `counts`, from tallies."""
    total: Counter[str] = Counter({"all": 0, "unanswered": 0, "unsolved": 0, "solved": 0})
    for tally in tallies:
        total.update(tally.counts)
    return dict(total)


def see_also(topic: Topic) -> list[SeeAlso]:
    """Return the links beneath a topic; asks nothing where the topic was read and has none."""
    if topic.has_see_also is False:
        return []
    return list(db.session.scalars(select(SeeAlso).where(SeeAlso.topic_id == topic.id).order_by(SeeAlso.id)))


def duplicate_of(topic: Topic, *, viewer: Viewer) -> Topic | None:
    """Return the earlier topic that asks the same, the first one named that the viewer may see; asks as above."""
    if topic.has_duplicate is False:
        return None
    statement = visible_topics(viewer).join(Duplicate, Duplicate.target_id == Topic.id)
    return db.session.scalars(statement.where(Duplicate.topic_id == topic.id).order_by(Duplicate.id)).unique().first()


def mutings_in_force() -> Select[Muting]:
    """Return the statement for what is muted now, for the team's eyes."""
    return select(Muting).where(in_force(Muting))


def own_posts_in_muted(topic_id: int, *, viewer: Viewer) -> list[Post]:
    """Return what the viewer wrote in somebody else's topic that is muted: they may keep their own words."""
    if viewer.id is None or not 0 < topic_id <= LARGEST_ID:
        return []
    muted = select(_whole.id).where(_whole.topic_id == topic_id, in_force(_whole)).exists()
    mine = select(Post).where(Post.topic_id == topic_id, Post.author_id == viewer.id, muted)
    return list(db.session.scalars(mine.order_by(Post.id).options(lazyload("*"))))


def own_post_in_muted(post_id: int, *, viewer: Viewer) -> Post | None:
    """Return a post that the viewer wrote below what is muted: in somebody's topic, or as a comment on their answer."""
    if viewer.id is None or not 0 < post_id <= LARGEST_ID:
        return None
    post = next(iter(own_posts([post_id], viewer=viewer)), None)
    if post is None:
        return None
    found = {one.id for one in own_posts_in_muted(post.topic_id, viewer=viewer)}
    found |= set(db.session.scalars(below_muted(post.topic_id, viewer.id)))
    return post if post.id in found else None


def below_muted(topic_id: int, viewer_id: int) -> Select[int]:
    """Return the statement for the ids of what somebody wrote below another person's text that is muted."""
    mine = select(Post.id).where(Post.topic_id == topic_id, Post.author_id == viewer_id, Post.kind == "comment")
    others = select(_above.id).join(_parent, _parent.id == _above.post_id).where(_above.post_id == Post.parent_id)
    others = others.where(in_force(_above), _parent.author_id.is_distinct_from(viewer_id))
    return mine.where(others.correlate(Post).exists())


def own_posts(post_ids: Collection[int], *, viewer: Viewer) -> list[Post]:
    """Return those of these posts that the viewer wrote, whatever hides them from others."""
    mine = select(Post).where(Post.id.in_(post_ids), Post.author_id == viewer.id)
    return list(db.session.scalars(mine.order_by(Post.id).options(lazyload("*"))))


def commenters(post: Post) -> list[User]:
    """Return who commented on a post and did not write it, in the order in which they came."""
    first = func.min(Post.id).label("first")
    wrote = (
        select(Post.author_id, first)
        .where(Post.parent_id == post.id, Post.author_id.is_distinct_from(post.author_id))
        .group_by(Post.author_id)
        .subquery()
    )
    return list(db.session.scalars(select(User).join(wrote, wrote.c.author_id == User.id).order_by(wrote.c.first)))


def participants(topic: Topic) -> list[User]:
    """Return who wrote in a topic and is not its asker, in the order in which they came."""
    first = func.min(Post.id).label("first")
    wrote = (
        select(Post.author_id, first)
        .where(Post.topic_id == topic.id, Post.kind != "question", Post.author_id.is_distinct_from(topic.asker_id))
        .group_by(Post.author_id)
        .subquery()
    )
    return list(db.session.scalars(select(User).join(wrote, wrote.c.author_id == User.id).order_by(wrote.c.first)))


def objections_to(mutings: Iterable[Muting | None]) -> dict[int, Objection]:
    """Return what authors said against mutings, by muting; asks nothing where nothing is muted."""
    ids = [muting.id for muting in mutings if muting is not None and muting.is_in_force]
    if not ids:
        return {}
    found = db.session.scalars(select(Objection).where(Objection.muting_id.in_(ids)))
    return {objection.muting_id: objection for objection in found if objection.muting_id is not None}


def objections() -> Select[Objection]:
    """Return the statement for what authors said against mutings, for the team's eyes."""
    return select(Objection).options(
        joinedload(Objection.topic).lazyload("*"),
        joinedload(Objection.post).options(lazyload("*"), joinedload(Post.topic).lazyload("*")),
        joinedload(Objection.author),
        joinedload(Objection.answered_by),
    )


def objection(objection_id: int) -> Objection:
    """Return what an author said against a muting, or raise `NotFound`."""
    found = db.session.get(Objection, objection_id) if 0 < objection_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    return found


def visible_experience(experience_id: int, *, viewer: Viewer) -> Experience:
    """Return what somebody said about a solution, or raise `NotFound` when the viewer may not see the answer."""
    found = db.session.get(Experience, experience_id) if 0 < experience_id <= LARGEST_ID else None
    if found is None:
        raise NotFound
    visible_post(found.post_id, viewer=viewer)
    return found


def notes_on(topic: Topic, *, viewer: Viewer) -> list[Note]:
    """Return what the team noted about a topic; for others there is nothing, and nothing is asked."""
    if not viewer.is_team:
        return []
    return list(db.session.scalars(select(Note).where(Note.topic_id == topic.id).order_by(Note.id)).unique())


def posts_in(topic_ids: Collection[int], *, viewer: Viewer) -> Mapping[int, Sequence[Post]]:
    """Return the visible posts of several topics in one statement, by topic, oldest first."""
    posts: dict[int, list[Post]] = {topic_id: [] for topic_id in topic_ids}
    statement = select(Post).where(Post.topic_id.in_(topic_ids), posts_visible_to(viewer))
    for post in db.session.scalars(statement.order_by(Post.created_at, Post.id)).unique():
        posts[post.topic_id].append(post)
    return posts


def _numbers() -> tuple[ColumnElement[int], ...]:
    return (
        func.count(Topic.id),
        func.count(Topic.id).filter(is_unanswered()),
        func.count(Topic.id).filter(Acceptance.id.is_(None), is_open()),
        func.count(Acceptance.id),
    )


def _by_state(numbers: Sequence[int]) -> dict[str, int]:
    every, unanswered, unsolved, solved = numbers
    return {"all": every, "unanswered": unanswered, "unsolved": unsolved, "solved": solved}


def in_force(timed: Any) -> ColumnElement[bool]:
    """Return the clause for what has no end yet: a muting, a pin."""
    # The moment of asking, not of putting the statement together.
    return or_(timed.until.is_(None), timed.until > bindparam(None, callable_=now, type_=UtcDateTime()))


# What is read on every page is put together once: building a statement costs more than asking it.


@dataclass(frozen=True, slots=True)
class _StandIn:
    """Whoever asks, in a statement that is made once for everybody of their kind."""

    id: Any
    is_team: bool


Kind = Literal["guest", "member", "team"]
_STAND_INS: Final[Mapping[Kind, Any]] = {
    "guest": _StandIn(None, is_team=False),
    "member": _StandIn(bindparam("viewer_id"), is_team=False),
    "team": _StandIn(bindparam("viewer_id"), is_team=True),
}


def stand_in(kind: Kind) -> Viewer:
    """Return whoever asks of this kind; their id is the parameter `viewer_id` of what is made with it."""
    found: Viewer = _STAND_INS[kind]
    return found


def kind_of(viewer: Viewer) -> Kind:
    """Return of which kind somebody is who asks."""
    if viewer.is_team:
        return "team"
    return "guest" if viewer.id is None else "member"


@cache
def _topic_by_id(kind: Kind) -> Select[Topic]:
    return _with_all(visible_topics(_STAND_INS[kind]).where(Topic.id == bindparam("topic_id")), kind)


@cache
def _topic_by_old_id(kind: Kind) -> Select[Topic]:
    merged = select(TopicRedirect.topic_id).where(TopicRedirect.old_id == bindparam("topic_id")).scalar_subquery()
    return _with_all(visible_topics(_STAND_INS[kind]).where(Topic.id == merged), kind)


@cache
def _posts_of_topic(kind: Kind) -> Select[Post]:
    visible = select(Post).where(Post.topic_id == bindparam("topic_id"), posts_visible_to(_STAND_INS[kind]))
    return visible.order_by(Post.created_at, Post.id).options(_named(Post.author), _muting(Post.muting, kind))


def _with_all(statement: Select[Topic], kind: Kind) -> Select[Topic]:
    return statement.options(
        _muting(Topic.muting, kind),
        _named(Topic.asker),
        joinedload(Topic.acceptance).options(_named(Acceptance.by)),
        with_expression(Topic.has_see_also, select(SeeAlso.id).where(SeeAlso.topic_id == Topic.id).exists()),
        with_expression(Topic.has_duplicate, select(Duplicate.id).where(Duplicate.topic_id == Topic.id).exists()),
    )


def _muting(path: Any, kind: Kind) -> Any:
    # Guests see nothing that is muted, so nobody tells them who did it.
    found = joinedload(path)
    return found.lazyload(Muting.by) if kind == "guest" else found.options(_named(Muting.by))


def _named(path: Any) -> Any:
    """Load of a person what a page shows; the rest comes when somebody asks for it."""
    return joinedload(path).load_only(User.handle, User.name, User.role_line)


_LISTED: Final = (
    _named(Topic.asker),
    joinedload(Topic.acceptance).lazyload(Acceptance.by),
    joinedload(Topic.muting).lazyload(Muting.by),
)
