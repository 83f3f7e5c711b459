"""Import and export of what stands beside the questions: experiences, objections, notes, reports, follows and the like.

Each is a type of line of its own, so that whoever does not know them has topics as before. A line names its question as
`topic`, and an answer or a comment as `post`. Nobody is told of what comes in.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from accounts.models import User
from core.api import line
from core.db import db
from core.errors import Invalid
from core.transfer import Outcome, RecordType, iso, register
from core.unique import add_once
from forum import cases, experiences, flags, limits, personal_data, words
from forum.models import (
    Acceptance,
    CaseKind,
    Category,
    Cause,
    Experience,
    Flag,
    FlagReason,
    Follow,
    MeToo,
    Muting,
    Note,
    Objection,
    PersonalRule,
    Post,
    ReadMark,
    ReviewCase,
    RuleDeed,
    Silence,
    Tag,
    Topic,
    Watch,
    WatchedWord,
    WordDeed,
)
from forum.models import Outcome as Decision
from forum.transfer import LONGEST_ID, author_id, category_on_demand, person_id, reference, topic_id_of

Id = line(LONGEST_ID)
Words = Annotated[str, Field(max_length=limits.LONGEST_OBJECTION)]
MOST_FLAGS = 1000


class AboutPost(BaseModel):
    """What says which text it is about: `topic` means its question."""

    topic: Id | None = None  # type: ignore[valid-type]  # a type made for the limit
    post: Id | None = None  # type: ignore[valid-type]  # the same

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.topic is None) == (self.post is None):
            raise ValueError("needs either topic or post")
        return self


class ExperienceRecord(BaseModel):
    """A line of type `experience`: whether an answer worked for somebody."""

    post: Id  # type: ignore[valid-type]  # a type made for the limit
    user: Id  # type: ignore[valid-type]  # the same
    worked: bool
    version: line(limits.LONGEST_VERSION, 0) = ""  # type: ignore[valid-type]  # the same
    words: line(limits.LONGEST_EXPERIENCE, 0) = ""  # type: ignore[valid-type]  # the same
    created: AwareDatetime


class ObjectionRecord(AboutPost):
    """A line of type `objection`: what an author said against a muting; `open` when that muting is still there."""

    author: Id | None = None  # type: ignore[valid-type]  # a type made for the limit
    text: Words
    created: AwareDatetime
    open: bool = False
    answer: Words = ""
    answered_by: Id | None = None  # type: ignore[valid-type]  # the same
    answered: AwareDatetime | None = None


class NoteRecord(BaseModel):
    """A line of type `note`: what the team told itself about a topic."""

    topic: Id  # type: ignore[valid-type]  # a type made for the limit
    author: Id | None = None  # type: ignore[valid-type]  # the same
    text: Annotated[str, Field(max_length=limits.LONGEST_NOTE)]
    created: AwareDatetime


class FlagRecord(BaseModel):
    """Somebody's report; without `by` a guest's."""

    by: Id | None = None  # type: ignore[valid-type]  # a type made for the limit
    reason: FlagReason
    words: Annotated[str, Field(max_length=flags.LONGEST_WORDS)] = ""
    weight: Annotated[int, Field(ge=0, le=100)] = 0
    created: AwareDatetime
    name: line(80, 0) = ""  # type: ignore[valid-type]  # a type made for the limit
    email: line(320, 0) = ""  # type: ignore[valid-type]  # the same
    locale: Annotated[str, Field(max_length=2)] = ""


class CaseRecord(AboutPost):
    """A line of type `case`: a text that somebody of the team should look at, or did, with the reports about it."""

    kind: CaseKind
    opened: AwareDatetime
    priority: Annotated[int, Field(ge=0, le=10**9)] = 0
    outcome: Decision | None = None
    decided: AwareDatetime | None = None
    decided_by: Id | None = None  # type: ignore[valid-type]  # a type made for the limit
    reason: Annotated[str, Field(max_length=limits.LONGEST_REASON)] = ""
    cause: Cause | None = None
    flags: Annotated[list[FlagRecord], Field(max_length=MOST_FLAGS)] = []

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.outcome is None) != (self.decided is None):
            raise ValueError("outcome and decided belong together")
        return self


class WordRecord(BaseModel):
    """A line of type `word`: a watched word."""

    words: line(words.LONGEST_RULE)  # type: ignore[valid-type]  # a type made for the limit
    deed: WordDeed
    into: line(words.LONGEST_INTO, 0) = ""  # type: ignore[valid-type]  # the same


class PersonalRuleRecord(BaseModel):
    """A line of type `personal_rule`: the shape of a number of the house, or a text that is nobody's secret."""

    words: line(personal_data.LONGEST_RULE, personal_data.SHORTEST_RULE)  # type: ignore[valid-type]  # a type made for the limit
    deed: RuleDeed


class FollowRecord(BaseModel):
    """A line of type `follow`: somebody wants to hear of a topic, a category, a tag or a person, or wants quiet."""

    user: Id  # type: ignore[valid-type]  # a type made for the limit
    topic: Id | None = None  # type: ignore[valid-type]  # the same
    category: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    tag: Annotated[str, Field(min_length=1, max_length=limits.LONGEST_TAG)] | None = None
    person: Id | None = None  # type: ignore[valid-type]  # the same
    level: Literal["everything", "solution", "first", "silenced"] = "everything"
    created: AwareDatetime

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.topic, self.category, self.tag, self.person)) != 1:
            raise ValueError("needs one of topic, category, tag and person")
        if self.level not in {"silenced", "everything", "solution" if self.topic is not None else "first"}:
            raise ValueError("cannot be followed at this level")
        return self


class PersonAtTopicRecord(BaseModel):
    """A line of type `read` (up to when somebody read a topic) or `same` (somebody has the same problem)."""

    user: Id  # type: ignore[valid-type]  # a type made for the limit
    topic: Id  # type: ignore[valid-type]  # the same
    at: AwareDatetime


def init_app() -> None:
    for name, order, model, load, dump in (
        ("experience", 30, ExperienceRecord, load_experience, dump_experiences),
        ("case", 31, CaseRecord, load_case, dump_cases),
        ("objection", 32, ObjectionRecord, load_objection, dump_objections),
        ("note", 33, NoteRecord, load_note, dump_notes),
        ("word", 34, WordRecord, load_word, dump_words),
        ("follow", 35, FollowRecord, load_follow, dump_follows),
        ("read", 36, PersonAtTopicRecord, load_read, dump_reads),
        ("same", 37, PersonAtTopicRecord, load_same, dump_same),
        ("personal_rule", 38, PersonalRuleRecord, load_personal_rule, dump_personal_rules),
    ):
        register(RecordType(name=name, order=order, model=model, load=load, dump=dump))


def load_experience(record: ExperienceRecord) -> Outcome:
    """Take in what somebody said of an answer; what they say here counts more."""
    post, user_id = _post_of(record.post), _person(record.user)
    if post.kind != "answer" or post.author_id == user_id:
        raise Invalid("only others say whether an answer worked")
    said = {"has_worked": record.worked, "version": record.version, "words": record.words, "at": record.created}
    if not add_once(Experience, post_id=post.id, user_id=user_id, **said):
        return "unchanged"
    acceptance = db.session.scalars(select(Acceptance).where(Acceptance.post_id == post.id)).unique().first()
    if acceptance is not None:
        experiences.count(acceptance, tells=False)
    return "new"


def load_case(record: CaseRecord) -> Outcome:
    """Take in a case with its reports; the one that an import of what waits has opened becomes this one."""
    post = _about(record)
    known = select(ReviewCase).where(ReviewCase.post_id == post.id, ReviewCase.opened_at == record.opened)
    if db.session.scalars(known).first() is not None:
        return "unchanged"
    case = cases.open_of(post.id) if record.outcome is None else None
    if case is None:
        if record.outcome is None and record.kind == "held":
            return "unchanged"  # nothing waits here any more
        case = ReviewCase(post_id=post.id)
        db.session.add(case)
    elif case.flags:
        return "unchanged"  # reported here as well: the team here decides
    case.kind, case.opened_at, case.priority = record.kind, record.opened, record.priority
    case.outcome, case.decided_at, case.cause = record.outcome, record.decided, record.cause
    case.decided_by_id, case.reason = author_id(record.decided_by), record.reason
    db.session.flush()
    for flag in record.flags:
        add_once(
            Flag,
            post_id=post.id,
            case_id=case.id,
            by_id=author_id(flag.by),
            reason=flag.reason,
            words=flag.words,
            weight=flag.weight,
            at=flag.created,
            guest_name=flag.name,
            guest_email=flag.email,
            guest_locale=flag.locale,
        )
    return "new"


def load_objection(record: ObjectionRecord) -> Outcome:
    """Take in an objection; an open one is one against the muting that came in with its text."""
    post = _about(record)
    subject = {"topic_id": post.topic_id} if post.kind == "question" else {"post_id": post.id}
    column = Objection.topic_id if post.kind == "question" else Objection.post_id
    known = select(Objection.id).where(column.in_(subject.values()), Objection.at == record.created)
    if db.session.scalar(known) is not None:
        return "unchanged"
    muting_id = _muting_without_objection(subject) if record.open else None
    if record.open and muting_id is None:
        return "unchanged"  # the muting did not come in, or somebody objects to it here
    db.session.add(
        Objection(
            **subject,
            muting_id=muting_id,
            author_id=author_id(record.author),
            text=record.text,
            at=record.created,
            answer=record.answer,
            answered_by_id=author_id(record.answered_by),
            answered_at=record.answered,
        )
    )
    db.session.flush()
    return "new"


def load_note(record: NoteRecord) -> Outcome:
    """Take in a note of the team."""
    topic_id = topic_id_of(record.topic)
    known = select(Note.id).where(Note.topic_id == topic_id, Note.at == record.created, Note.text == record.text)
    if db.session.scalar(known) is not None:
        return "unchanged"
    db.session.add(Note(topic_id=topic_id, author_id=author_id(record.author), text=record.text, at=record.created))
    db.session.flush()
    return "new"


def load_word(record: WordRecord) -> Outcome:
    """Take in a watched word; one that is watched here already stays as it is."""
    key, into = words.checked(record.words, deed=record.deed, into=record.into)
    is_new = add_once(WatchedWord, words=key, deed=record.deed, into=into)
    return "new" if is_new else "unchanged"


def load_personal_rule(record: PersonalRuleRecord) -> Outcome:
    """Take in a rule for personal data; one that is here already stays as it is."""
    words_, deed = personal_data.checked(record.words, deed=record.deed)
    return "new" if add_once(PersonalRule, words=words_, deed=deed) else "unchanged"


def load_follow(record: FollowRecord) -> Outcome:
    """Take in what somebody follows or silenced; what they chose here stays."""
    user_id, about = _person(record.user), _followed(record)
    others = {"user_id": user_id, "at": record.created}
    if record.level == "silenced":
        is_new = add_once(Silence, **about, **others)
    elif record.topic is not None:
        is_new = add_once(Follow, **about, **others, level=record.level)
    else:
        is_new = add_once(Watch, **about, **others, level=record.level)
    return "new" if is_new else "unchanged"


def load_read(record: PersonAtTopicRecord) -> Outcome:
    """Take in up to when somebody has read a topic."""
    is_new = add_once(ReadMark, user_id=_person(record.user), topic_id=topic_id_of(record.topic), at=record.at)
    return "new" if is_new else "unchanged"


def load_same(record: PersonAtTopicRecord) -> Outcome:
    """Take in that somebody has the same problem."""
    topic, user_id = db.session.get_one(Topic, topic_id_of(record.topic)), _person(record.user)
    if topic.asker_id == user_id:
        raise Invalid("it is their own question")
    if not add_once(MeToo, topic_id=topic.id, user_id=user_id, at=record.at):
        return "unchanged"
    counted = select(func.count()).select_from(MeToo).where(MeToo.topic_id == topic.id)
    topic.me_too_count = db.session.scalar(counted) or 0
    db.session.flush()
    return "new"


def dump_experiences() -> Iterator[dict[str, Any]]:
    """Yield what people said of answers."""
    statement = select(Experience, Post.source_id, Post.id, User.source_id, User.id)
    statement = statement.join(Post, Post.id == Experience.post_id).join(User, User.id == Experience.user_id)
    for one, post_source, post_id, user_source, user_id in _rows(statement.order_by(Experience.at, Experience.id)):
        yield {
            "post": reference(post_source, post_id),
            "user": reference(user_source, user_id),
            "worked": one.has_worked,
            **_set(version=one.version, words=one.words),
            "created": iso(one.at),
        }


def dump_cases() -> Iterator[dict[str, Any]]:
    """Yield what waits for the team and what it decided, with the reports."""
    reports = dict[int, list[dict[str, Any]]]()
    statement = select(Flag, User.source_id, User.id).outerjoin(User, User.id == Flag.by_id)
    for flag, source, user_id in _rows(statement.order_by(Flag.id)):
        reports.setdefault(flag.case_id, []).append(
            {
                **_set(by=_who(source, user_id)),
                "reason": flag.reason,
                **_set(words=flag.words, weight=flag.weight),
                "created": iso(flag.at),
                **_set(name=flag.guest_name, email=flag.guest_email, locale=flag.guest_locale),
            }
        )
    decider = aliased(User)
    cases_of = _with_post(select(ReviewCase, decider.source_id, decider.id, *_PLACE), ReviewCase.post_id)
    cases_of = cases_of.outerjoin(decider, decider.id == ReviewCase.decided_by_id)
    for case, source, user_id, *place in _rows(cases_of.order_by(ReviewCase.opened_at, ReviewCase.id)):
        yield {
            **_placed(*place),
            "kind": case.kind,
            "opened": iso(case.opened_at),
            **_set(priority=case.priority, outcome=case.outcome, decided_by=_who(source, user_id)),
            **_set(decided=_moment(case.decided_at), reason=case.reason, cause=case.cause),
            **_set(flags=reports.get(case.id)),
        }


def dump_objections() -> Iterator[dict[str, Any]]:
    """Yield what authors said against mutings."""
    author, answerer, question = aliased(User), aliased(User), aliased(Post)
    post_id = func.coalesce(Objection.post_id, question.id)
    statement: Any = select(Objection, author.source_id, author.id, answerer.source_id, answerer.id, *_PLACE)
    statement = statement.outerjoin(question, (question.topic_id == Objection.topic_id) & (question.kind == "question"))
    statement = _with_post(statement, post_id).outerjoin(author, author.id == Objection.author_id)
    statement = statement.outerjoin(answerer, answerer.id == Objection.answered_by_id)
    rows = _rows(statement.order_by(Objection.at, Objection.id))
    for one, author_source, author_key, answerer_source, answerer_key, *place in rows:
        yield {
            **_placed(*place),
            **_set(author=_who(author_source, author_key)),
            "text": one.text,
            "created": iso(one.at),
            **_set(open=one.muting_id is not None, answer=one.answer),
            **_set(answered_by=_who(answerer_source, answerer_key), answered=_moment(one.answered_at)),
        }


def dump_notes() -> Iterator[dict[str, Any]]:
    """Yield what the team told itself."""
    statement = select(Note, Topic.source_id, Topic.id, User.source_id, User.id)
    statement = statement.join(Topic, Topic.id == Note.topic_id).outerjoin(User, User.id == Note.author_id)
    for note, topic_source, topic_id, user_source, user_id in _rows(statement.order_by(Note.at, Note.id)):
        yield {
            "topic": reference(topic_source, topic_id),
            **_set(author=_who(user_source, user_id)),
            "text": note.text,
            "created": iso(note.at),
        }


def dump_words() -> Iterator[dict[str, Any]]:
    """Yield the watched words."""
    for row in words.watched():
        yield {"words": row.words, "deed": row.deed, **_set(into=row.into)}


def dump_personal_rules() -> Iterator[dict[str, Any]]:
    """Yield the rules for personal data."""
    for row in personal_data.known():
        yield {"words": row.words, "deed": row.deed}


def dump_follows() -> Iterator[dict[str, Any]]:
    """Yield what people follow and what they silenced."""
    person = aliased(User)
    on_topics = select(Follow, User.source_id, User.id, Topic.source_id, Topic.id)
    on_topics = on_topics.join(User, User.id == Follow.user_id).join(Topic, Topic.id == Follow.topic_id)
    for row, user_source, user_id, source, topic_id in _rows(on_topics.order_by(Follow.at, Topic.id, User.id)):
        about = {"user": reference(user_source, user_id), "topic": reference(source, topic_id)}
        yield {**about, "level": row.level, "created": iso(row.at)}
    for model in (Watch, Silence):
        statement = select(model, User.source_id, User.id, Category.slug, Tag.name, person.source_id, person.id)
        statement = statement.join(User, User.id == model.user_id)
        statement = statement.outerjoin(Category, Category.id == model.category_id)
        statement = statement.outerjoin(Tag, Tag.id == model.tag_id).outerjoin(person, person.id == model.person_id)
        topics = dict[int, str]()
        if model is Silence:
            silenced = select(Topic.id, Topic.source_id).join(Silence, Silence.topic_id == Topic.id)
            topics = {topic_id: reference(source, topic_id) for topic_id, source in _rows(silenced)}
        rows = _rows(statement.order_by(model.at, model.id))
        for row, user_source, user_id, slug, tag, person_source, person_key in rows:
            yield {
                "user": reference(user_source, user_id),
                **_set(category=slug, tag=tag, person=_who(person_source, person_key)),
                **_set(topic=topics.get(getattr(row, "topic_id", None) or 0)),
                "level": "silenced" if isinstance(row, Silence) else row.level,
                "created": iso(row.at),
            }


def dump_reads() -> Iterator[dict[str, Any]]:
    """Yield up to when people read topics."""
    yield from _people_at_topics(ReadMark)


def dump_same() -> Iterator[dict[str, Any]]:
    """Yield who has the same problem."""
    yield from _people_at_topics(MeToo)


def _people_at_topics(model: type[ReadMark | MeToo]) -> Iterator[dict[str, Any]]:
    statement = select(model.at, User.source_id, User.id, Topic.source_id, Topic.id)
    statement = statement.join(User, User.id == model.user_id).join(Topic, Topic.id == model.topic_id)
    for at, user_source, user_id, source, topic_id in _rows(statement.order_by(model.at, Topic.id, User.id)):
        yield {"user": reference(user_source, user_id), "topic": reference(source, topic_id), "at": iso(at)}


_PLACE = (Post.kind, Post.source_id, Post.id, Topic.source_id, Topic.id)


def _with_post(statement: Any, post_id: Any) -> Any:
    return statement.join(Post, Post.id == post_id).join(Topic, Topic.id == Post.topic_id)


def _placed(kind: str, source: str | None, post_id: int, topic_source: str | None, topic_id: int) -> dict[str, str]:
    if kind == "question":
        return {"topic": reference(topic_source, topic_id)}
    return {"post": reference(source, post_id)}


def _rows(statement: Any) -> Iterator[Any]:
    yield from db.session.execute(statement).unique()


def _set(**values: Any) -> dict[str, Any]:
    """Return what says something."""
    return {name: value for name, value in values.items() if value}


def _who(source: str | None, user_id: int | None) -> str | None:
    return None if user_id is None else reference(source, user_id)


def _moment(at: Any) -> str | None:
    return None if at is None else iso(at)


def _person(source_id: str) -> int:
    found = person_id(source_id)
    if found is None:
        raise Invalid(f"unknown person {source_id!r}")
    return found


def _post_of(source_id: str) -> Post:
    found = db.session.scalars(select(Post).where(Post.source_id == source_id)).unique().first()
    if found is None:
        raise Invalid(f"unknown post {source_id!r}")
    return found


def _about(record: AboutPost) -> Post:
    if record.post is not None:
        return _post_of(record.post)
    question = select(Post).where(Post.topic_id == topic_id_of(str(record.topic)), Post.kind == "question")
    return db.session.scalars(question).unique().one()


def _muting_without_objection(subject: dict[str, int]) -> int | None:
    (name, number), *_ = subject.items()
    muting = select(Muting.id).outerjoin(Objection, Objection.muting_id == Muting.id)
    column = Muting.topic_id if name == "topic_id" else Muting.post_id
    return db.session.scalar(muting.where(column == number, Objection.id.is_(None)))


def _followed(record: FollowRecord) -> dict[str, int]:
    if record.topic is not None:
        return {"topic_id": topic_id_of(record.topic)}
    if record.category is not None:
        return {"category_id": category_on_demand(record.category).id}
    if record.tag is not None:
        tag_id = db.session.scalar(select(Tag.id).where(Tag.name == record.tag))
        if tag_id is None:
            raise Invalid(f"unknown tag {record.tag!r}")
        return {"tag_id": tag_id}
    return {"person_id": _person(str(record.person))}
