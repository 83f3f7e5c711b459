"""Import and export of categories, questions with everything below them, and duplicates.

What came in with an id of its own goes out with it; what was written here goes out as `klinke:<id>`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased, lazyload

from accounts.models import User
from core import markup, texts
from core.api import cleaned, line
from core.clock import now
from core.db import db
from core.errors import Invalid
from core.transfer import Outcome, RecordType, iso, register
from forum import cases, categories, counters, limits, queries, topics
from forum import tags as tag_rules
from forum.fields import LONGEST, LONGEST_HINT, Kind
from forum.fields import MOST as MOST_FIELDS
from forum.models import (
    Acceptance,
    Category,
    Cause,
    Closing,
    Duplicate,
    Muting,
    MutingRule,
    Post,
    PostKind,
    Tag,
    Topic,
    TopicRedirect,
    TopicTag,
)

LONGEST_ID = 100
LONGEST_FOREIGN_TITLE = 300
MOST_TAGS = 20
LARGEST_SCORE = 2**31 - 1
_BATCH = 200


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("has a character that cannot be stored")
    if not value.strip():
        raise ValueError("is empty")
    return value


Id = line(LONGEST_ID)
Body = Annotated[str, Field(max_length=markup.LIMIT), AfterValidator(_storable)]
"""Markdown, stored as it comes."""
Score = Annotated[int, Field(ge=-LARGEST_SCORE, le=LARGEST_SCORE)]


class MutingRecord(BaseModel):
    """The team muted this: it goes out with everything and comes in muted."""

    reason: str
    rule: MutingRule = "other"
    wanted: str = ""
    silent: bool = False
    review: AwareDatetime | None = None
    since: AwareDatetime
    until: AwareDatetime | None = None
    by: Id | None = None  # type: ignore[valid-type]  # a type made for the limit
    cause: Cause = "team"
    """Anything else waits for the team, and stands in the queue again where it comes in."""


class ObsoleteRecord(BaseModel):
    """The team said that this no longer holds; what holds instead is an address here and does not travel."""

    reason: line(limits.LONGEST_REASON)  # type: ignore[valid-type]  # a type made for the limit
    since: AwareDatetime


class DetailRecord(BaseModel):
    """What was written into a field, with the names that the field had."""

    key: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,30}$")]
    kind: Kind
    names: dict[Literal["de", "en"], line(120)] = Field(min_length=1)  # type: ignore[valid-type]  # a type made for the limit
    value: Annotated[str, Field(max_length=LONGEST["text"]), AfterValidator(_storable)]


class FieldRecord(BaseModel):
    """A field of a category."""

    key: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,30}$")]
    kind: Kind
    names: dict[Literal["de", "en"], line(120)] = Field(min_length=1)  # type: ignore[valid-type]  # a type made for the limit
    hints: dict[Literal["de", "en"], line(LONGEST_HINT, 0)] = {}  # type: ignore[valid-type]  # the same
    required: bool = False


class PostRecord(BaseModel):
    """What questions, answers and comments have in common; without `author` the account was erased."""

    id: Id  # type: ignore[valid-type]  # a type made for the limit
    author: Id | None = None  # type: ignore[valid-type]  # the same
    body: Body
    created: AwareDatetime
    edited: AwareDatetime | None = None
    score: Score = 0
    muted: MutingRecord | None = None
    obsolete: ObsoleteRecord | None = None
    details: Annotated[list[DetailRecord], Field(max_length=MOST_FIELDS)] = []
    """What stands in the fields of the category, and of an answer, which version it holds for."""


class AnswerRecord(PostRecord):
    accepted: bool = False
    accepted_by: Id | None = None  # type: ignore[valid-type]  # a type made for the limit
    """Where missing, the asker."""
    accepted_at: AwareDatetime | None = None
    """Where missing, the moment of the answer."""
    accepted_for: line(limits.LONGEST_VERSION, 0) = ""  # type: ignore[valid-type]  # a type made for the limit
    """The version or device: with it several answers of a question may be accepted."""
    official: AwareDatetime | None = None
    """Since when the house speaks in this answer."""
    comments: list[PostRecord] = []


class TopicRecord(PostRecord):
    """A line of type `topic`."""

    category: Annotated[str, Field(min_length=1, max_length=80)]
    title: line(LONGEST_FOREIGN_TITLE)  # type: ignore[valid-type]  # a type made for the limit
    locale: Literal["de", "en"]
    tags: Annotated[list[Annotated[str, cleaned(limits.tag)]], Field(max_length=MOST_TAGS)] = []
    answers: list[AnswerRecord] = []
    comments: list[PostRecord] = []


class CategoryRecord(BaseModel):
    """A line of type `category`: only for one that is more than its slug says."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]
    names: dict[Literal["de", "en"], line(120)] = Field(min_length=1)  # type: ignore[valid-type]  # a type made for the limit
    descriptions: dict[Literal["de", "en"], line(1000, 0)] = {}  # type: ignore[valid-type]  # the same
    position: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    several_solutions: bool = False
    rests_after_hours: Annotated[int, Field(ge=1, le=categories.LONGEST_HOURS)] | None = None
    fields: Annotated[list[FieldRecord], Field(max_length=MOST_FIELDS)] = []


class DuplicateRecord(BaseModel):
    """A line of type `duplicate`: `topic` asks what `of` asked before; both are ids of topics."""

    topic: Id  # type: ignore[valid-type]  # a type made for the limit
    of: Id  # type: ignore[valid-type]  # the same
    created: AwareDatetime


class ClosingRecord(BaseModel):
    """A line of type `closing`: the team closed `topic`, as the duplicate that another line tells of, or otherwise."""

    topic: Id  # type: ignore[valid-type]  # a type made for the limit
    duplicate: bool = False
    reason: Annotated[str, Field(max_length=limits.LONGEST_REASON)] = ""
    by: Id | None = None  # type: ignore[valid-type]  # the same
    created: AwareDatetime


def init_app() -> None:
    register(RecordType(name="category", order=5, model=CategoryRecord, load=load_category, dump=dump_categories))
    register(RecordType(name="topic", order=20, model=TopicRecord, load=load, dump=dump))
    register(RecordType(name="duplicate", order=25, model=DuplicateRecord, load=load_duplicate, dump=dump_duplicates))
    register(RecordType(name="closing", order=26, model=ClosingRecord, load=load_closing, dump=dump_closings))


def load(record: TopicRecord) -> Outcome:
    """Take in a question with its answers and comments; nobody is told of it and no pause counts."""
    _refuse_contradictions(record)
    topic = db.session.scalars(select(Topic).where(Topic.source_id == record.id)).unique().first()
    if topic is None and _merged_into(record.id) is not None:
        return "unchanged"  # the team merged it into another one; it does not come back
    loading = _Loading(topic)
    topic = loading.take_topic(record)
    loading.make_room_for(sum(answer.accepted for answer in record.answers))
    for answer in record.answers:
        post = loading.take_post(topic, "answer", answer, parent=None)
        for comment in answer.comments:
            loading.take_post(topic, "comment", comment, parent=post)
        if answer.accepted:
            loading.take_acceptance(topic, post, answer)
    for comment in record.comments:
        loading.take_post(topic, "comment", comment, parent=loading.question)
    loading.finish(topic)
    return loading.outcome


def load_category(record: CategoryRecord) -> Outcome:
    """Take in a category, or give the one with this slug these names."""
    found = category(record.id)
    names = {str(locale): str(name) for locale, name in record.names.items()}
    descriptions = {str(locale): str(words) for locale, words in record.descriptions.items()}
    outcome: Outcome = "unchanged"
    if found is None:
        found, outcome = Category(slug=record.id), "new"
        db.session.add(found)
    wanted: dict[str, Any] = {
        "names": names,
        "descriptions": descriptions,
        "position": record.position,
    }
    # What a line does not speak of stays as it was decided here.
    if "fields" in record.model_fields_set:
        wanted["fields"] = [field.model_dump() for field in record.fields] or None
    if "several_solutions" in record.model_fields_set:
        wanted["accepts_several"] = record.several_solutions
    if "rests_after_hours" in record.model_fields_set:
        wanted["closes_after_hours"] = record.rests_after_hours
    for name, value in wanted.items():
        if getattr(found, name) != value:
            setattr(found, name, value)
            outcome = "new" if outcome == "new" else "changed"
    db.session.flush()
    return outcome


def load_duplicate(record: DuplicateRecord) -> Outcome:
    """Take in that one topic asks what another one asked before."""
    topic_id, target_id = topic_id_of(record.topic), topic_id_of(record.of)
    known = select(Duplicate.id).where(Duplicate.topic_id == topic_id, Duplicate.target_id == target_id)
    if topic_id == target_id or db.session.scalar(known) is not None:
        return "unchanged"
    db.session.add(Duplicate(topic_id=topic_id, target_id=target_id, at=record.created))
    db.session.flush()
    return "new"


def load_closing(record: ClosingRecord) -> Outcome:
    """Take in that a topic is closed; whether one that is here already is closed, the team here decides."""
    topic = db.session.get_one(Topic, topic_id_of(record.topic))
    if topic.is_closed or topic.source_id != record.topic:
        return "unchanged"
    leads = db.session.scalar(select(Duplicate.id).where(Duplicate.topic_id == topic.id).limit(1)) is not None
    if record.duplicate and not leads:
        raise Invalid(f"topic {record.topic!r} is closed as a duplicate and leads nowhere")
    topic.closed_as = "duplicate" if record.duplicate else "closed"
    db.session.add(Closing(topic_id=topic.id, reason=record.reason, by_id=author_id(record.by), at=record.created))
    db.session.flush()
    return "new"


def dump() -> Iterator[dict[str, Any]]:
    """Yield every topic in the order of their ids, with answers and comments by age."""
    ids = iter(db.session.scalars(select(Topic.id).order_by(Topic.id)).all())
    while batch := list(islice(ids, _BATCH)):
        yield from _Dumping(batch).records()


def dump_categories() -> Iterator[dict[str, Any]]:
    """Yield the categories that an import of their topics alone would not bring back."""
    used = set(db.session.scalars(select(Topic.category_id).distinct()))
    for found in db.session.scalars(select(Category).order_by(Category.id)):
        if categories.is_untouched_first(found) and found.id not in used:
            continue  # every installation makes it by itself
        rules: dict[str, Any] = {"several_solutions": True} if found.accepts_several else {}
        if found.closes_after_hours is not None:
            rules["rests_after_hours"] = found.closes_after_hours
        if found.fields:
            rules["fields"] = found.fields
        if found.names != _names_of(found.slug) or found.descriptions or found.position or rules:
            record = {"id": found.slug, "names": found.names, "descriptions": found.descriptions}
            yield {**record, "position": found.position, **rules}


def dump_duplicates() -> Iterator[dict[str, Any]]:
    """Yield what the topics are duplicates of."""
    topic, target = aliased(Topic), aliased(Topic)
    rows = (
        select(topic.source_id, topic.id, target.source_id, target.id, Duplicate.at)
        .select_from(Duplicate)
        .join(topic, topic.id == Duplicate.topic_id)
        .join(target, target.id == Duplicate.target_id)
        .order_by(Duplicate.id)
    )
    for topic_source, topic_id, target_source, target_id, at in db.session.execute(rows):
        yield {
            "topic": reference(topic_source, topic_id),
            "of": reference(target_source, target_id),
            "created": iso(at),
        }


def dump_closings() -> Iterator[dict[str, Any]]:
    """Yield who closed which topic and why; what leads to a page of another room goes out as closed for its reason."""
    rows = db.session.execute(
        select(
            Topic.source_id,
            Topic.id,
            Topic.closed_as,
            Closing.place_kind,
            Closing.reason,
            Closing.at,
            User.source_id.label("by_source"),
            Closing.by_id,
        )
        .join(Topic, Topic.id == Closing.topic_id)
        .outerjoin(User, User.id == Closing.by_id)
        .order_by(Closing.id)
    )
    for row in rows:
        yield {
            "topic": reference(row.source_id, row.id),
            "duplicate": row.closed_as == "duplicate" and row.place_kind is None,
            "reason": row.reason,
            **({} if row.by_id is None else {"by": reference(row.by_source, row.by_id)}),
            "created": iso(row.at),
        }


def category(slug: str) -> Category | None:
    return db.session.scalars(select(Category).where(Category.slug == slug)).first()


def category_on_demand(name: str) -> Category:
    """Return the category with this slug; where there is none, make one that is called like it."""
    slug = texts.slug(name)
    found = category(slug)
    if found is None:
        names = _names_of(slug) if slug == name else dict.fromkeys(("de", "en"), name)
        found = Category(slug=slug, names=names, descriptions={}, position=0)
        db.session.add(found)
        db.session.flush()
    return found


def _refuse_contradictions(record: TopicRecord) -> None:
    accepted_for = [answer.accepted_for.casefold() for answer in record.answers if answer.accepted]
    if len(accepted_for) > 1 and ("" in accepted_for or len(set(accepted_for)) < len(accepted_for)):
        raise Invalid("more than one answer is accepted, and not each for a version of its own")
    ids = [post.id for post in (*record.answers, *record.comments)]
    ids += [comment.id for answer in record.answers for comment in answer.comments]
    if len(ids) > len(set(ids)):
        raise Invalid("an answer or comment has the id of another one")


def _names_of(slug: str) -> dict[str, str]:
    return dict.fromkeys(("de", "en"), slug.replace("-", " ").capitalize())


def topic_id_of(source_id: str) -> int:
    found = db.session.scalar(select(Topic.id).where(Topic.source_id == source_id)) or _merged_into(source_id)
    if found is None:
        raise Invalid(f"unknown topic {source_id!r}")
    return found


def _merged_into(source_id: str) -> int | None:
    return db.session.scalar(select(TopicRedirect.topic_id).where(TopicRedirect.source_id == source_id))


def reference(source_id: str | None, row_id: int) -> str:
    return source_id or f"klinke:{row_id}"


class _Loading:
    """One topic on its way in: what is there already, and whether anything of it changed."""

    def __init__(self, topic: Topic | None) -> None:
        self._topic = topic
        self._is_changed = False
        self._has_waiting = False
        self._posts: dict[str | None, Post] = {}
        if topic is not None:
            posts = select(Post).where(Post.topic_id == topic.id).options(lazyload(Post.author), lazyload(Post.muting))
            # The question has no id of its own: the source system's numbers of topics and of posts may overlap.
            self._posts = {
                None if post.kind == "question" else post.source_id: post
                for post in db.session.scalars(posts)
                if post.kind == "question" or post.source_id is not None
            }

    @property
    def outcome(self) -> Outcome:
        if self._topic is None:
            return "new"
        return "changed" if self._is_changed else "unchanged"

    @property
    def question(self) -> Post:
        return self._posts[None]

    def take_topic(self, record: TopicRecord) -> Topic:
        topic, place = self._topic, category_on_demand(record.category)
        slug = texts.slug(record.title, fallback="topic")
        tags = tag_rules.meant(list(dict.fromkeys(tag for tag in record.tags if tag)))
        if topic is None:
            topic = Topic(
                category_id=place.id,
                asker_id=author_id(record.author),
                title=record.title,
                slug=slug,
                locale=record.locale,
                created_at=record.created,
                last_activity_at=record.created,
                answer_count=0,
                source_id=record.id,
            )
            db.session.add(topic)
            db.session.flush()
            topics.set_tags(topic, tags)
            self._mute(record.muted, topic_id=topic.id)
        else:
            wanted = {"category_id": place.id, "title": record.title, "slug": slug, "locale": record.locale}
            self._set(topic, wanted | {"asker_id": author_id(record.author), "created_at": record.created})
            if topic.tag_names != tags:
                topics.set_tags(topic, tags)
                self._is_changed = True
        self.take_post(topic, "question", record, parent=None)
        return topic

    def take_post(self, topic: Topic, kind: PostKind, record: PostRecord, *, parent: Post | None) -> Post:
        source_id = None if kind == "question" else record.id
        post = self._posts.get(source_id)
        wanted: dict[str, Any] = {
            "kind": kind,
            "parent_id": None if parent is None else parent.id,
            "author_id": author_id(record.author),
            "created_at": record.created,
            "edited_at": record.edited,
            "imported_score": record.score,
        }
        if "details" in record.model_fields_set:
            wanted["details"] = [detail.model_dump() for detail in record.details] or None
        if "obsolete" in record.model_fields_set:
            wanted["obsolete"] = _obsolete(record, post)
        if isinstance(record, AnswerRecord) and "official" in record.model_fields_set:
            wanted["official_at"] = record.official
        if post is None:
            post = Post(
                topic_id=topic.id,
                source=record.body,
                html=markup.render(record.body),
                renderer_version=markup.RENDERER_VERSION,
                helpful_count=record.score,
                source_id=source_id,
                **wanted,
            )
            db.session.add(post)
            db.session.flush()
            self._posts[source_id] = post
            self._is_changed = True
            if kind != "question":
                self._mute(record.muted, post_id=post.id)
        else:
            post.helpful_count += record.score - post.imported_score
            if post.source != record.body:
                wanted |= {"source": record.body, "html": markup.render(record.body), "version": post.version + 1}
                wanted |= {"renderer_version": markup.RENDERER_VERSION}
            self._set(post, wanted)
        return post

    def make_room_for(self, accepted: int) -> None:
        """Where several solutions come in, or are there, those that are there go first: two could swap their places."""
        self._position = 0
        there = [] if self._topic is None else queries.solutions(self._topic)
        self._solutions = {one.post_id: one for one in there}
        self._takes_several = accepted > 1 or len(there) > 1

    def take_acceptance(self, topic: Topic, post: Post, record: AnswerRecord) -> None:
        by_id = topic.asker_id if record.accepted_by is None else author_id(record.accepted_by)
        wanted = {"post_id": post.id, "by_id": by_id, "at": record.accepted_at or record.created}
        if self._takes_several:
            self._take_one_of_several(topic, {**wanted, "label": record.accepted_for})
            return
        acceptance = db.session.scalars(select(Acceptance).where(Acceptance.topic_id == topic.id)).unique().first()
        if acceptance is None:
            db.session.add(Acceptance(topic_id=topic.id, label=record.accepted_for, **wanted))
            self._is_changed = True
        else:
            is_said = "accepted_for" in record.model_fields_set
            self._set(acceptance, {**wanted, **({"label": record.accepted_for} if is_said else {})})

    def _take_one_of_several(self, topic: Topic, wanted: dict[str, Any]) -> None:
        there = self._solutions.get(wanted["post_id"])
        if there is not None and there.position == self._position:
            self._set(there, wanted)
        else:
            # Whatever stands in this place, or this answer in another one, makes way.
            for one in list(self._solutions.values()):
                if one is there or one.position == self._position:
                    db.session.delete(one)
                    del self._solutions[one.post_id]
            db.session.flush()
            db.session.add(Acceptance(topic_id=topic.id, position=self._position, **wanted))
            self._is_changed = True
        db.session.flush()
        self._position += 1

    def finish(self, topic: Topic) -> None:
        """Count the answers and find the latest moment."""
        db.session.flush()
        muted = set(
            db.session.scalars(
                select(Muting.post_id).join(Post, Post.id == Muting.post_id).where(Post.topic_id == topic.id)
            )
        )
        posts = db.session.execute(select(Post.id, Post.kind).where(Post.topic_id == topic.id)).all()
        topic.answer_count = sum(post.kind == "answer" and post.id not in muted for post in posts)
        topic.last_activity_at = counters.last_activity(topic.id)
        db.session.flush()
        if self._has_waiting:
            self._open_cases(topic)

    def _mute(self, record: MutingRecord | None, *, topic_id: int | None = None, post_id: int | None = None) -> None:
        # Only what is new comes in muted: whether something here is muted, the team here decides.
        if record is not None and (record.until is None or record.until > now()):
            by_id = person_id(record.by)
            db.session.add(
                Muting(
                    topic_id=topic_id,
                    post_id=post_id,
                    reason=record.reason,
                    rule=record.rule,
                    wanted=record.wanted,
                    is_silent=record.silent and record.rule == "spam",
                    review_at=record.review,
                    at=record.since,
                    until=record.until,
                    by_id=by_id,
                    cause=record.cause,
                )
            )
            db.session.flush()
            self._has_waiting = self._has_waiting or record.cause != "team"

    def _open_cases(self, topic: Topic) -> None:
        here = (Muting.topic_id == topic.id, Muting.post_id.in_(post.id for post in self._posts.values()))
        posts = {post.id: post for post in self._posts.values()}
        for muting in db.session.scalars(select(Muting).where(or_(*here), Muting.cause != "team").order_by(Muting.id)):
            post = self.question if muting.post_id is None else posts[muting.post_id]
            cases.open_for(post, kind="held" if muting.is_held else "flagged")

    def _set(self, row: Topic | Post | Acceptance, wanted: Mapping[str, Any]) -> None:
        for name, value in wanted.items():
            if getattr(row, name) != value:
                setattr(row, name, value)
                self._is_changed = True


def author_id(source_id: str | None) -> int | None:
    if source_id is None:
        return None
    found = person_id(source_id)
    if found is None:
        raise Invalid(f"unknown author {source_id!r}")
    return found


def person_id(source_id: str | None) -> int | None:
    if source_id is None:
        return None
    return db.session.scalar(select(User.id).where(User.source_id == source_id))


class _Dumping:
    """Some topics on their way out, read with one statement for each kind of row."""

    def __init__(self, ids: Sequence[int]) -> None:
        self._people: dict[int, str] = {}
        self._topics = db.session.execute(
            select(
                Topic.id,
                Topic.source_id,
                Topic.asker_id,
                Topic.title,
                Topic.locale,
                Topic.created_at,
                Category.slug,
            )
            .join(Category, Category.id == Topic.category_id)
            .where(Topic.id.in_(ids))
            .order_by(Topic.id)
        ).all()
        columns = (
            Post.id,
            Post.source_id,
            Post.topic_id,
            Post.kind,
            Post.parent_id,
            Post.author_id,
            Post.source,
            Post.created_at,
            Post.edited_at,
            Post.imported_score,
            Post.helpful_count,
            Post.official_at,
            Post.obsolete,
            Post.details,
        )
        self._posts: dict[int, list[Any]] = {}
        for row in db.session.execute(
            select(*columns).where(Post.topic_id.in_(ids)).order_by(Post.created_at, Post.id)
        ):
            self._posts.setdefault(row.topic_id, []).append(row)
        self._tags: dict[int, list[str]] = {}
        for topic_id, name in db.session.execute(
            select(TopicTag.topic_id, Tag.name)
            .join(Tag, Tag.id == TopicTag.tag_id)
            .where(TopicTag.topic_id.in_(ids))
            .order_by(TopicTag.position)
        ):
            self._tags.setdefault(topic_id, []).append(name)
        acceptances = select(Acceptance.topic_id, Acceptance.post_id, Acceptance.by_id, Acceptance.at, Acceptance.label)
        self._acceptances = {
            row.post_id: row for row in db.session.execute(acceptances.where(Acceptance.topic_id.in_(ids)))
        }
        self._read_mutings(ids)
        self._read_people()

    def records(self) -> Iterator[dict[str, Any]]:
        for topic in self._topics:
            posts = self._posts.get(topic.id, [])
            question = next(post for post in posts if post.kind == "question")
            yield {
                "id": reference(topic.source_id, topic.id),
                "category": topic.slug,
                **self._author(topic.asker_id),
                "title": topic.title,
                "body": question.source,
                "locale": topic.locale,
                "tags": self._tags.get(topic.id, []),
                "created": iso(topic.created_at),
                **self._extras(question, self._muted_topics.get(topic.id)),
                **({"score": question.helpful_count} if question.helpful_count else {}),
                "answers": [self._answer(post, topic, posts) for post in posts if post.kind == "answer"],
                **({"comments": comments} if (comments := self._comments(question, posts)) else {}),
            }

    def _answer(self, post: Any, topic: Any, posts: Iterable[Any]) -> dict[str, Any]:
        acceptance = self._acceptances.get(post.id)
        record = {
            "id": reference(post.source_id, post.id),
            **self._author(post.author_id),
            "body": post.source,
            "created": iso(post.created_at),
            "score": post.helpful_count,
            "accepted": acceptance is not None,
        }
        if acceptance is not None:
            if acceptance.by_id is not None and acceptance.by_id != topic.asker_id:
                record["accepted_by"] = self._people[acceptance.by_id]
            if acceptance.at != post.created_at:
                record["accepted_at"] = iso(acceptance.at)
            if acceptance.label:
                record["accepted_for"] = acceptance.label
        if post.official_at is not None:
            record["official"] = iso(post.official_at)
        return {
            **record,
            **self._extras(post, self._muted_posts.get(post.id)),
            "comments": self._comments(post, posts),
        }

    def _comments(self, parent: Any, posts: Iterable[Any]) -> list[dict[str, Any]]:
        return [
            {
                "id": reference(post.source_id, post.id),
                **self._author(post.author_id),
                "body": post.source,
                "created": iso(post.created_at),
                **({"score": post.helpful_count} if post.helpful_count else {}),
                **self._extras(post, self._muted_posts.get(post.id)),
            }
            for post in posts
            if post.parent_id == parent.id
        ]

    def _author(self, user_id: int | None) -> dict[str, str]:
        return {} if user_id is None else {"author": self._people[user_id]}

    def _extras(self, post: Any, muting: Any) -> dict[str, Any]:
        extras: dict[str, Any] = {} if post.edited_at is None else {"edited": iso(post.edited_at)}
        if post.details:
            extras["details"] = post.details
        if post.obsolete:
            extras["obsolete"] = {"reason": post.obsolete["reason"], "since": post.obsolete["since"]}
        if muting is not None:
            extras["muted"] = {"reason": muting.reason, "since": iso(muting.at)}
            extras["muted"] |= {"rule": muting.rule} if muting.rule != "other" else {}
            extras["muted"] |= {"wanted": muting.wanted} if muting.wanted else {}
            extras["muted"] |= {"silent": True} if muting.is_silent else {}
            extras["muted"] |= {"review": iso(muting.review_at)} if muting.review_at is not None else {}
            if muting.until is not None:
                extras["muted"]["until"] = iso(muting.until)
            if muting.by_id is not None:
                extras["muted"]["by"] = self._people[muting.by_id]
            if muting.cause != "team":
                extras["muted"]["cause"] = muting.cause
        return extras

    def _read_mutings(self, ids: Sequence[int]) -> None:
        columns = (
            Muting.topic_id,
            Muting.post_id,
            Muting.rule,
            Muting.reason,
            Muting.wanted,
            Muting.is_silent,
            Muting.review_at,
            Muting.at,
            Muting.until,
            Muting.by_id,
            Muting.cause,
        )
        of_topics = select(*columns).where(Muting.topic_id.in_(ids))
        of_posts = select(*columns).join(Post, Post.id == Muting.post_id).where(Post.topic_id.in_(ids))
        self._muted_topics = {row.topic_id: row for row in db.session.execute(of_topics)}
        self._muted_posts = {row.post_id: row for row in db.session.execute(of_posts)}

    def _read_people(self) -> None:
        wanted = {topic.asker_id for topic in self._topics}
        wanted |= {post.author_id for posts in self._posts.values() for post in posts}
        for rows in (self._acceptances, self._muted_topics, self._muted_posts):
            wanted |= {row.by_id for row in rows.values()}
        people = select(User.id, User.source_id).where(User.id.in_(wanted - {None}))
        self._people = {row.id: reference(row.source_id, row.id) for row in db.session.execute(people)}


def _obsolete(record: PostRecord, post: Post | None) -> dict[str, Any] | None:
    """Return what is said of an obsolete post; where it was said here, what holds instead stays known."""
    if record.obsolete is None:
        return None
    url = "" if post is None or not post.obsolete else post.obsolete.get("url", "")
    return {"since": iso(record.obsolete.since), "reason": record.obsolete.reason, "url": url}
