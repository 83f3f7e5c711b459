"""Topics, as search finds them."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, and_, inspect, or_, select
from sqlalchemy.orm import InstanceState

from accounts.models import User
from accounts.people import AnonymousUser, Viewer
from core import markup
from core.db import db
from core.i18n import spoken
from forum import addresses, fields, queries
from forum.models import Acceptance, Category, Closing, Duplicate, Muting, Post, Tag, Topic, TopicTag
from search.documents import Document, Found, Ref, TitleRow

DUPLICATE_WEIGHT = 0.5
"""How much less a question counts that leads to another one, which is found by its title, too."""
SOLVED_WEIGHT = 1.15
"""How much more a question counts that somebody said is solved."""

OBSOLETE_WEIGHT = 0.4
"""How much less a question counts that the team calls obsolete, or whose solution it does."""


class Topics:
    """A document is a question with all its answers and comments; what guests may not see is not indexed."""

    kind = "topic"

    def documents(self, ids: Collection[int]) -> Iterable[Document]:
        guest = AnonymousUser()
        leads = select(Duplicate.id).where(Duplicate.topic_id == Topic.id).correlate(Topic).exists()
        rows = db.session.execute(
            select(
                Topic.id,
                Topic.slug,
                Topic.locale,
                Topic.title,
                Topic.created_at,
                User.handle,
                Topic.tag_line,
                Category.slug.label("category"),
                Acceptance.id.label("acceptance_id"),
                or_(Topic.closed_as == "duplicate", leads).label("is_duplicate"),
            )
            .join(Category, Category.id == Topic.category_id)
            .outerjoin(User, User.id == Topic.asker_id)
            .outerjoin(Acceptance, queries.is_first_of(Topic))
            .where(Topic.id.in_(ids), queries.topics_visible_to(guest))
            .order_by(Topic.id)
        ).all()
        shown = [row.id for row in rows]
        asked, obsolete = _asked_of(shown), _obsolete_of(shown)
        texts = _texts_of(shown, guest, read=markup.lines)  # a step of a list is a passage of its own
        for row in rows:
            yield Document(
                ref=Ref(self.kind, row.id),
                locale=row.locale,
                title=row.title,
                body="\n".join(text for _, text in texts.get(row.id, ())),
                tags=tuple((row.tag_line or "").split()),
                author=row.handle or "",
                category=row.category,
                asked=asked.get(row.id, ()),
                solved=row.acceptance_id is not None,
                answers=row.acceptance_id is not None,
                created_at=row.created_at,
                weight=_weight(
                    is_solved=row.acceptance_id is not None,
                    is_duplicate=bool(row.is_duplicate),
                    is_obsolete=row.id in obsolete,
                ),
            )

    def ids(self) -> Iterable[int]:
        statement = select(Topic.id).where(queries.topics_visible_to(AnonymousUser()))
        return db.session.scalars(statement.order_by(Topic.id))

    def visible_ids(self, ids: Collection[int], viewer: Viewer) -> Collection[int]:
        statement = select(Topic.id).where(Topic.id.in_(ids), queries.topics_visible_to(viewer))
        return db.session.scalars(statement).all()

    def plainly(self, words: Sequence[str], viewer: Viewer, limit: int) -> Sequence[int]:
        statement = select(Topic.id).where(queries.topics_visible_to(viewer))
        for word in words:
            said = select(Post.topic_id).where(
                Post.source.icontains(word, autoescape=True), queries.posts_visible_to(viewer)
            )
            statement = statement.where(or_(Topic.title.icontains(word, autoescape=True), Topic.id.in_(said)))
        return db.session.scalars(statement.order_by(Topic.id.desc()).limit(limit)).all()

    def visible(self, ids: Collection[int], viewer: Viewer) -> Mapping[int, Found]:
        """Return what may be shown.

        `meta` says state, answer_count, category (its name), tags, whether it or its solution is obsolete, and of the
        solution accepted_post_id, accepted_text (plain) and accepted_url, None where nothing solved it.
        """
        # A search may ask about a thousand topics at once, so columns are read and no rows are made.
        rows = db.session.execute(
            select(
                Topic.id,
                Topic.slug,
                Topic.locale,
                Topic.title,
                Topic.created_at,
                Topic.source_id,
                Topic.answer_count,
                Category.slug.label("category_slug"),
                Category.names,
                Acceptance.post_id,
                Topic.tag_line,
            )
            .join(Category, Category.id == Topic.category_id)
            .outerjoin(Acceptance, queries.is_first_of(Topic))
            .where(Topic.id.in_(ids), queries.topics_visible_to(viewer))
        ).all()
        obsolete = set[int]()
        texts = _texts_of([row.id for row in rows], viewer, obsolete=obsolete)
        found = {}
        for row in rows:
            posts = dict(texts.get(row.id, ()))
            accepted = posts.get(row.post_id)
            found[row.id] = Found(
                ref=Ref(self.kind, row.id),
                title=row.title,
                url=addresses.of_topic(row),
                locale=row.locale,
                text="\n".join(posts.values()),
                source_id=row.source_id,
                solved=accepted is not None,
                created_at=row.created_at,
                meta={
                    "state": _state(is_solved=accepted is not None, answer_count=row.answer_count),
                    "answer_count": row.answer_count,
                    "category": spoken(row.names, otherwise=row.category_slug),
                    "tags": tuple((row.tag_line or "").split()),
                    "accepted_post_id": row.post_id if accepted is not None else None,
                    "accepted_text": accepted,
                    "obsolete": bool(obsolete & {next(iter(posts), None), row.post_id}),
                    "accepted_url": addresses.of_post_id(row.post_id) if accepted is not None else None,
                },
            )
        return found

    def titles(self, ids: Collection[int], viewer: Viewer) -> Select[int, str, str, str]:
        return select(Topic.id, Topic.title, Topic.slug, Topic.locale).where(
            Topic.id.in_(ids), queries.topics_visible_to(viewer)
        )

    def address(self, row: TitleRow) -> str:
        return addresses.of_topic(row)

    def stale(self, instance: object) -> Iterable[int]:
        if isinstance(instance, Topic):
            return _with_originals([instance.id]) if _has_changed(instance, "title") else [instance.id]
        if isinstance(instance, Post | Acceptance):
            return [instance.topic_id, *_left(instance)]
        if isinstance(instance, TopicTag | Closing):
            return [instance.topic_id]
        if isinstance(instance, Duplicate):
            return [instance.topic_id, instance.target_id]
        if isinstance(instance, Muting):
            return _with_originals([_topic_of(instance)])
        return _renamed(instance)


def _weight(*, is_solved: bool, is_duplicate: bool, is_obsolete: bool) -> float:
    weight = SOLVED_WEIGHT if is_solved else 1.0
    return weight * (DUPLICATE_WEIGHT if is_duplicate else 1.0) * (OBSOLETE_WEIGHT if is_obsolete else 1.0)


def _obsolete_of(ids: Collection[int]) -> frozenset[int]:
    """Return which of the topics do not hold any more: the question itself, or what was to solve it."""
    rows = (
        select(Post.topic_id)
        .outerjoin(Acceptance, and_(Acceptance.post_id == Post.id, Acceptance.position == 0))
        .where(Post.topic_id.in_(ids), Post.obsolete.is_not(None))
        .where(or_(Post.kind == "question", Acceptance.id.is_not(None)))
    )
    return frozenset(db.session.scalars(rows))


def _asked_of(ids: Collection[int]) -> Mapping[int, tuple[str, ...]]:
    """Return for each topic the titles of those that were the same question."""
    asked: dict[int, tuple[str, ...]] = {}
    rows = (
        select(Duplicate.target_id, Topic.title)
        .join(Topic, Topic.id == Duplicate.topic_id)
        .where(Duplicate.target_id.in_(ids), queries.topics_visible_to(AnonymousUser()))
    )
    for topic_id, title in db.session.execute(rows.order_by(Duplicate.id)):
        asked[topic_id] = (*asked.get(topic_id, ()), title)
    return asked


def _texts_of(
    ids: Collection[int],
    viewer: Viewer,
    *,
    read: Callable[[str], str] = markup.plain,
    obsolete: set[int] | None = None,
) -> Mapping[int, list[tuple[int, str]]]:
    """Return the visible posts of each topic as (id, plain text), the question first; gather which are `obsolete`."""
    texts: dict[int, list[tuple[int, str]]] = {}
    rows = select(Post.id, Post.topic_id, Post.kind, Post.html, Post.details, Post.obsolete).where(
        Post.topic_id.in_(ids), queries.posts_visible_to(viewer)
    )
    for post_id, topic_id, kind, html, details, said in db.session.execute(
        rows.order_by(Post.kind != "question", Post.id)
    ):
        # What an answer is for stands in no reply that is made of it.
        words = fields.values_of(details) if kind == "question" else ""
        if said is not None and obsolete is not None:
            obsolete.add(post_id)
        texts.setdefault(topic_id, []).append((post_id, f"{words}\n{read(html)}" if words else read(html)))
    return texts


def _state(*, is_solved: bool, answer_count: int) -> str:
    if is_solved:
        return "solved"
    return "answered" if answer_count else "unanswered"


def _with_originals(ids: Collection[int]) -> Iterable[int]:
    """Return topics with those that they are duplicates of, which are found by their titles too."""
    return [*ids, *db.session.scalars(select(Duplicate.target_id).where(Duplicate.topic_id.in_(ids)))]


def _left(instance: Post | Acceptance) -> Iterable[int]:
    """Return the topic that it was in until now, when that is another one."""
    state: InstanceState[Any] = inspect(instance)
    return [was for was in state.attrs["topic_id"].history.deleted or () if was is not None]


def _topic_of(muting: Muting) -> int:
    if muting.topic_id is not None:
        return muting.topic_id
    return db.session.get_one(Post, muting.post_id).topic_id


def _renamed(instance: object) -> Iterable[int]:
    """Return the topics that carry the name of a tag, a category or a person whose name is another one now."""
    if isinstance(instance, Tag) and _has_changed(instance, "name"):
        return db.session.scalars(select(TopicTag.topic_id).where(TopicTag.tag_id == instance.id))
    if isinstance(instance, Category) and _has_changed(instance, "slug"):
        return db.session.scalars(select(Topic.id).where(Topic.category_id == instance.id))
    if isinstance(instance, User) and _has_changed(instance, "handle"):
        return db.session.scalars(select(Topic.id).where(Topic.asker_id == instance.id))
    return []


def _has_changed(row: Topic | Tag | Category | User, attribute: str) -> bool:
    state: InstanceState[Any] = inspect(row)
    return state.persistent and bool(state.attrs[attribute].history.has_changes())
