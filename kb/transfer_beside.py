"""Import and export of what stands beside the articles: what editors, readers and those who use them said, and is due.

Each is a type of line of its own, so that whoever does not know them has articles as before. A line names its article
as `article` and a version by its number; where words stand is a `post`, or a `message` of a `conversation`, which the
room above tells by `contribute`. Nobody is told of what comes in, and what is planned is published after the import.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, Field, model_validator
from sqlalchemy import Select, select
from sqlalchemy.orm import lazyload

from accounts.models import AuditEntry, User
from core.api import line
from core.db import db
from core.errors import Invalid
from core.transfer import Outcome, RecordType, iso, register
from core.unique import add_once
from forum.models import Post, Topic
from forum.transfer import LONGEST_ID, author_id, person_id, reference, topic_id_of
from kb import articles, checking, promotion, redaction, sections, tasks
from kb.models import (
    Article,
    ArticleDoubt,
    ArticleRecall,
    ArticleRetirement,
    ArticleSource,
    ArticleTask,
    ArticleUse,
    ArticleVerdict,
    Confidence,
    DoubtCause,
    FeedbackReason,
    KeptFinding,
    Nomination,
    PlannedPublication,
    RecallState,
    Revision,
    Section,
    SectionAddress,
    Significance,
    TaskKind,
    TaskOutcome,
    UseOutcome,
    Verdict,
    VerifyRule,
    Way,
)

BATCH: Final = 200
LONGEST_REF: Final = 100
LARGEST_REACH: Final = 2**31 - 1
LAST: Final = 99
"""What is planned comes in after everything else: it is due only once the rest is there."""

Id = line(LONGEST_ID)
Slug = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")]
Number = Annotated[int, Field(ge=1, le=1_000_000)]


@dataclass(frozen=True, slots=True)
class Carrier:
    """How lines name places of a kind: what they say of these ids, and which id they mean."""

    refer: Callable[[Collection[int]], Mapping[int, Mapping[str, str]]]
    find: Callable[["Somewhere"], int]


_carriers: dict[str, Carrier] = {}


def contribute(where_kind: str, carrier: Carrier) -> None:
    """Let places of a kind travel; what stands in a place that nobody can name stays behind."""
    _carriers[where_kind] = carrier


class Somewhere(BaseModel):
    """What says where words stand: `topic` means its question."""

    post: Id | None = None  # type: ignore[valid-type]  # a type made for the limit
    topic: Id | None = None  # type: ignore[valid-type]  # the same
    conversation: Id | None = None  # type: ignore[valid-type]  # the same
    message: Id | None = None  # type: ignore[valid-type]  # the same

    @model_validator(mode="after")
    def _one(self) -> Self:
        said = sum(one is not None for one in (self.post, self.topic, self.message))
        if said > 1 or (self.conversation is None) != (self.message is None):
            raise ValueError("needs one of post, topic, and message with its conversation")
        return self

    @property
    def where_kind(self) -> str | None:
        if self.message is not None:
            return "message"
        return None if self.post is None and self.topic is None else "post"


class AddressRecord(BaseModel):
    """A line of type `section_address`: `section` was found at `slug` once."""

    slug: Slug
    section: Slug
    created: AwareDatetime


class CheckRuleRecord(BaseModel):
    """A line of type `check_rule`: after how many days articles are looked at again (0: never)."""

    section: Slug | None = None
    confidence: Confidence | None = None
    days: Annotated[int, Field(ge=0, le=checking.LONGEST_DAYS)]


class FindingRecord(BaseModel):
    """A line of type `kept_finding`: what looks like personal data stays in an article; only its digest travels."""

    article: Id  # type: ignore[valid-type]  # a type made for the limit
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    kind: line(10)  # type: ignore[valid-type]  # the same
    reason: line(redaction.LONGEST_REASON)  # type: ignore[valid-type]  # the same
    by: Id | None = None  # type: ignore[valid-type]  # the same
    created: AwareDatetime


class VerdictRecord(BaseModel):
    """A line of type `verdict`: what somebody who inserted an article said of it."""

    article: Id  # type: ignore[valid-type]  # a type made for the limit
    version: Number
    by: Id  # type: ignore[valid-type]  # the same
    verdict: Verdict
    words: Annotated[str, Field(max_length=tasks.LONGEST_WORDS)] = ""
    created: AwareDatetime


class DoubtRecord(Somewhere):
    """A line of type `doubt`: an answer that an article was made from does not stand any more."""

    article: Id  # type: ignore[valid-type]  # a type made for the limit
    cause: DoubtCause
    unaccepted: bool = False
    created: AwareDatetime
    confirmed: AwareDatetime | None = None
    confirmed_by: Id | None = None  # type: ignore[valid-type]  # the same


class NominationRecord(Somewhere):
    """A line of type `nomination`: an answer waits for an editor, or was decided."""

    state: Literal["pending", "drafted", "published", "declined"]
    by: Id | None = None  # type: ignore[valid-type]  # a type made for the limit
    created: AwareDatetime
    article: Id | None = None  # type: ignore[valid-type]  # the same
    decided: AwareDatetime | None = None
    decided_by: Id | None = None  # type: ignore[valid-type]  # the same
    reason: Annotated[str, Field(max_length=articles.LONGEST_REASON)] = ""
    checks: list[Literal["new", "general", "advisable"]] | None = None
    way: Way | None = None
    contradicts: Id | None = None  # type: ignore[valid-type]  # the same


class UseRecord(Somewhere):
    """A line of type `use`: where which version of an article was reused, and what became of it."""

    article: Id  # type: ignore[valid-type]  # a type made for the limit
    version: Number
    face: line(10, 0) = ""  # type: ignore[valid-type]  # the same
    way: Literal["short", "quote", "link"] | None = None
    by: Id | None = None  # type: ignore[valid-type]  # the same
    created: AwareDatetime
    asked: str = ""
    asked_in_public: bool = False
    outcome: UseOutcome | None = None
    outcome_at: AwareDatetime | None = None
    outcome_by: Id | None = None  # type: ignore[valid-type]  # the same


class TaskRecord(Somewhere):
    """A line of type `task`: what an article needs, or needed; the place is that of the use it came from."""

    article: Id  # type: ignore[valid-type]  # a type made for the limit
    kind: TaskKind
    ref: line(LONGEST_REF + LONGEST_ID)  # type: ignore[valid-type]  # the same
    reason: FeedbackReason | None = None
    words: str = ""
    by: Id | None = None  # type: ignore[valid-type]  # the same
    created: AwareDatetime
    outcome: TaskOutcome | None = None
    done: AwareDatetime | None = None
    done_by: Id | None = None  # type: ignore[valid-type]  # the same
    note: Annotated[str, Field(max_length=tasks.LONGEST_NOTE)] = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.outcome is None) != (self.done is None):
            raise ValueError("outcome and done belong together")
        return self


class RecallRecord(Somewhere):
    """A line of type `recall`: a place that carries words which were corrected in `version`."""

    article: Id  # type: ignore[valid-type]  # a type made for the limit
    version: Number
    carried: Number | None = None
    """The version that stands there; where missing, the article was made from it."""
    reach: Annotated[int, Field(ge=0, le=LARGEST_REACH)] = 0
    state: RecallState = "todo"
    by: Id | None = None  # type: ignore[valid-type]  # the same
    created: AwareDatetime


class RetirementRecord(BaseModel):
    """A line of type `retirement`: why an article was archived, and what took its place."""

    article: Id  # type: ignore[valid-type]  # a type made for the limit
    successor: Id | None = None  # type: ignore[valid-type]  # the same
    before: Confidence
    reason: Annotated[str, Field(max_length=articles.LONGEST_REASON)] = ""
    by: Id | None = None  # type: ignore[valid-type]  # the same
    created: AwareDatetime


class PlanRecord(BaseModel):
    """A line of type `planned_publication`: a version is published by itself at its time."""

    article: Id  # type: ignore[valid-type]  # a type made for the limit
    version: Number
    due: AwareDatetime
    significance: Significance = "content"
    matching: bool = False
    by: Id | None = None  # type: ignore[valid-type]  # the same
    created: AwareDatetime
    failure: str = ""


def init_app() -> None:
    for name, order, model, load, dump in (
        ("section_address", 50, AddressRecord, load_address, dump_addresses),
        ("check_rule", 51, CheckRuleRecord, load_rule, dump_rules),
        ("kept_finding", 52, FindingRecord, load_finding, dump_findings),
        ("verdict", 53, VerdictRecord, load_verdict, dump_verdicts),
        ("doubt", 54, DoubtRecord, load_doubt, dump_doubts),
        ("nomination", 55, NominationRecord, load_nomination, dump_nominations),
        ("use", 56, UseRecord, load_use, dump_uses),
        ("task", 57, TaskRecord, load_task, dump_tasks),
        ("recall", 58, RecallRecord, load_recall, dump_recalls),
        ("retirement", 59, RetirementRecord, load_retirement, dump_retirements),
        ("planned_publication", LAST, PlanRecord, load_plan, dump_plans),
    ):
        register(RecordType(name=name, order=order, model=model, load=load, dump=dump))
    contribute("post", Carrier(_refer_to_posts, _post_id))


def load_address(record: AddressRecord) -> Outcome:
    """Take in an old address of a section, unless another section is found there."""
    if sections.find(record.slug) is not None:
        return "unchanged"
    section = sections.named(record.section)
    return _once(SectionAddress, slug=record.slug, section_id=section.id, at=record.created)


def load_rule(record: CheckRuleRecord) -> Outcome:
    """Take in a rule; the one that holds here already stays. Dates follow within a day."""
    section_id = None if record.section is None else sections.named(record.section).id
    place = checking.place_of(section_id, record.confidence)
    return _once(VerifyRule, place=place, section_id=section_id, confidence=record.confidence, days=record.days)


def load_finding(record: FindingRecord) -> Outcome:
    """Take in that something stays in an article, and why."""
    return _once(
        KeptFinding,
        article_id=_article_id(record.article),
        digest=record.digest,
        kind=record.kind,
        reason=record.reason,
        by_id=author_id(record.by),
        at=record.created,
    )


def load_verdict(record: VerdictRecord) -> Outcome:
    """Take in what somebody said of an article; what they say here counts more."""
    article_id = _article_id(record.article)
    return _once(
        ArticleVerdict,
        article_id=article_id,
        revision_id=_revision_id(article_id, record.version),
        by_id=author_id(record.by),
        verdict=record.verdict,
        words=record.words,
        at=record.created,
    )


def load_doubt(record: DoubtRecord) -> Outcome:
    """Take in a doubt; the source that changed counts as one that changed here, too."""
    article_id, post_id = _article_id(record.article), _place_id(record)[1]
    outcome = _once(
        ArticleDoubt,
        article_id=article_id,
        post_id=post_id,
        cause=record.cause,
        is_unaccepted=record.unaccepted,
        at=record.created,
        confirmed_at=record.confirmed,
        confirmed_by_id=author_id(record.confirmed_by),
    )
    if outcome == "new" and record.cause == "edited":
        source = db.session.scalars(
            select(ArticleSource).where(ArticleSource.article_id == article_id, ArticleSource.post_id == post_id)
        ).one_or_none()
        if source is not None and source.post_version == source.post.version:
            source.post_version = source.post.version - 1
            db.session.flush()
    return outcome


def load_nomination(record: NominationRecord) -> Outcome:
    """Take in a nomination as it was decided; of an answer that is nominated here the editors here decide."""
    kind, post_id = _place_id(record)
    if kind != "post":
        raise Invalid("only posts are nominated")
    article_id = None if record.article is None else _article_id(record.article)
    if record.state in {"drafted", "published"} and article_id is None:
        raise Invalid("needs the article that was made of it")
    return _once(
        Nomination,
        post_id=post_id,
        state=record.state,
        by_id=author_id(record.by),
        at=record.created,
        article_id=article_id,
        decided_by_id=author_id(record.decided_by),
        decided_at=record.decided,
        reason=record.reason,
        checks=None if record.checks is None else [one for one in promotion.CHECKS if one in record.checks],
        way=record.way,
        contradicts_id=None if record.contradicts is None else _article_id(record.contradicts),
    )


def load_use(record: UseRecord) -> Outcome:
    """Take in a use, or what the line of a conversation could not say of one; what was said here of it stays."""
    article_id, (kind, where_id) = _article_id(record.article), _place_id(record)
    said = {
        "revision_id": _revision_id(article_id, record.version),
        "face": record.face or None,
        "way": record.way,
        "by_id": author_id(record.by),
        "at": record.created,
        "outcome": record.outcome,
        "outcome_at": record.outcome_at,
        "outcome_by_id": author_id(record.outcome_by),
    }
    place = {"article_id": article_id, "where_kind": kind, "where_id": where_id}
    asked = {"asked": record.asked, "asked_in_public": record.asked_in_public}
    if add_once(ArticleUse, **place, **said, **asked):
        return "new"
    use = _use(article_id, kind, where_id)
    if use is None or use.by_id is not None or use.outcome is not None:
        return "unchanged"
    changed = {name: value for name, value in said.items() if getattr(use, name) != value}
    for name, value in changed.items():
        setattr(use, name, value)
    db.session.flush()
    return "changed" if changed else "unchanged"


def load_task(record: TaskRecord) -> Outcome:
    """Take in what an article needs; whoever deals with it finds it on the list."""
    article_id = _article_id(record.article)
    return _once(
        ArticleTask,
        article_id=article_id,
        kind=record.kind,
        ref=_ref_here(record, article_id),
        reason=record.reason,
        words=record.words,
        by_id=author_id(record.by),
        at=record.created,
        done_at=record.done,
        done_by_id=author_id(record.done_by),
        outcome=record.outcome,
        note=record.note,
    )


def load_recall(record: RecallRecord) -> Outcome:
    """Take in a place that somebody looks at, or did."""
    article_id, (kind, where_id) = _article_id(record.article), _place_id(record)
    return _once(
        ArticleRecall,
        article_id=article_id,
        revision_id=_revision_id(article_id, record.version),
        carried_id=None if record.carried is None else _revision_id(article_id, record.carried),
        where_kind=kind,
        where_id=where_id,
        reach=record.reach,
        state=record.state,
        at=record.created,
        by_id=author_id(record.by),
    )


def load_retirement(record: RetirementRecord) -> Outcome:
    """Take in what took the place of an article that is archived here, too."""
    article_id = _article_id(record.article)
    successor_id = None if record.successor is None else _article_id(record.successor)
    if db.session.scalar(select(Article.confidence).where(Article.id == article_id)) != "archived":
        return "unchanged"  # it was brought back here
    if _leads_back(article_id, successor_id):
        raise Invalid("what took its place leads back to it")
    return _once(
        ArticleRetirement,
        article_id=article_id,
        successor_id=successor_id,
        before=record.before,
        reason=record.reason,
        by_id=author_id(record.by),
        at=record.created,
    )


def load_plan(record: PlanRecord) -> Outcome:
    """Take in a plan, unless it came true here already or an editor here planned or cancelled something.

    What is due by now is published by the worker as if its time had just come.
    """
    article_id = _article_id(record.article)
    revision_id = _revision_id(article_id, record.version)
    if _was_published(article_id, revision_id) or _is_planned_here(article_id):
        return "unchanged"
    return _once(
        PlannedPublication,
        article_id=article_id,
        revision_id=revision_id,
        due_at=record.due,
        significance=record.significance,
        is_matching=record.matching,
        by_id=author_id(record.by),
        at=record.created,
        failure=record.failure or None,
    )


def dump_addresses() -> Iterator[dict[str, Any]]:
    """Yield where sections were found once."""
    statement = select(SectionAddress.slug, Section.slug, SectionAddress.at)
    statement = statement.join(Section, Section.id == SectionAddress.section_id)
    for slug, section, at in db.session.execute(statement.order_by(SectionAddress.at, SectionAddress.slug)):
        yield {"slug": slug, "section": section, "created": iso(at)}


def dump_rules() -> Iterator[dict[str, Any]]:
    """Yield the rules for checks."""
    statement = select(Section.slug, VerifyRule.confidence, VerifyRule.days)
    rows = db.session.execute(statement.outerjoin(Section, Section.id == VerifyRule.section_id)).all()
    for slug, confidence, days in sorted(rows, key=lambda row: (row[0] or "", row[1] or "")):
        yield {**_set(section=slug, confidence=confidence), "days": days}


def dump_findings() -> Iterator[dict[str, Any]]:
    """Yield what editors keep in articles."""
    for row, article, by in _rows(_with_sources(KeptFinding, by=KeptFinding.by_id)):
        yield {
            "article": article,
            "digest": row.digest,
            "kind": row.kind,
            "reason": row.reason,
            **_set(by=by),
            "created": iso(row.at),
        }


def dump_verdicts() -> Iterator[dict[str, Any]]:
    """Yield what those who inserted articles said of them."""
    statement = _with_sources(ArticleVerdict, by=ArticleVerdict.by_id)
    for row, article, by, version in _rows(statement.add_columns(_number(ArticleVerdict.revision_id))):
        yield {
            "article": article,
            "version": version,
            "by": by,
            "verdict": row.verdict,
            **_set(words=row.words),
            "created": iso(row.at),
        }


def dump_doubts() -> Iterator[dict[str, Any]]:
    """Yield which articles are in doubt, or were."""
    rows = _rows(_with_sources(ArticleDoubt, by=ArticleDoubt.confirmed_by_id))
    for (row, article, by), place in _placed(rows, lambda each: ("post", each[0].post_id)):
        yield {
            "article": article,
            **place,
            "cause": row.cause,
            **_set(unaccepted=row.is_unaccepted),
            "created": iso(row.at),
            **_set(confirmed=_moment(row.confirmed_at), confirmed_by=by),
        }


def dump_nominations() -> Iterator[dict[str, Any]]:
    """Yield what waits for an editor, and what was decided."""
    statement = _with_sources(Nomination, by=Nomination.by_id).add_columns(
        _source(User, Nomination.decided_by_id), _source(Article, Nomination.contradicts_id)
    )
    for (row, article, by, decider, contradicted), place in _placed(
        _rows(statement), lambda each: ("post", each[0].post_id)
    ):
        yield {
            **place,
            "state": row.state,
            **_set(by=by),
            "created": iso(row.at),
            **_set(article=article, decided=_moment(row.decided_at), decided_by=_who(decider, row.decided_by_id)),
            **_set(reason=row.reason, way=row.way, contradicts=_who(contradicted, row.contradicts_id)),
            **({} if row.checks is None else {"checks": row.checks}),
        }


def dump_uses() -> Iterator[dict[str, Any]]:
    """Yield where articles were reused. What had been asked stands in the conversation where there is one."""
    statement = _with_sources(ArticleUse, by=ArticleUse.by_id).add_columns(
        _number(ArticleUse.revision_id), _source(User, ArticleUse.outcome_by_id)
    )
    # Those in conversations come in with them: their ids say nothing of when they were.
    ordered = statement.order_by(None).order_by(
        ArticleUse.at, ArticleUse.article_id, ArticleUse.where_kind, ArticleUse.where_id
    )
    for (row, article, by, version, judge), place in _placed(_rows(ordered), _where):
        asked = _set(asked=row.asked, asked_in_public=row.asked_in_public) if row.where_kind == "post" else {}
        yield {
            "article": article,
            **place,
            "version": version,
            **_set(face=row.face, way=row.way, by=by),
            "created": iso(row.at),
            **asked,
            **_set(outcome=row.outcome, outcome_at=_moment(row.outcome_at), outcome_by=_who(judge, row.outcome_by_id)),
        }


def dump_tasks() -> Iterator[dict[str, Any]]:
    """Yield what articles need, and needed."""
    statement = _with_sources(ArticleTask, by=ArticleTask.by_id).add_columns(_source(User, ArticleTask.done_by_id))
    for batch in _batches(_rows(statement)):
        refs = _Refs([row.ref for row, *_others in batch])
        for row, article, by, settler in batch:
            yield {
                "article": article,
                "kind": row.kind,
                **refs.told(row.ref),
                **_set(reason=row.reason, words=row.words, by=by),
                "created": iso(row.at),
                **_set(outcome=row.outcome, done=_moment(row.done_at), done_by=_who(settler, row.done_by_id)),
                **_set(note=row.note),
            }


def dump_recalls() -> Iterator[dict[str, Any]]:
    """Yield the places that carry words which were corrected."""
    statement = _with_sources(ArticleRecall, by=ArticleRecall.by_id).add_columns(
        _number(ArticleRecall.revision_id), _number(ArticleRecall.carried_id)
    )
    for (row, article, by, version, carried), place in _placed(_rows(statement), _where):
        yield {
            "article": article,
            **place,
            "version": version,
            **_set(carried=carried, reach=row.reach, by=by),
            "state": row.state,
            "created": iso(row.at),
        }


def dump_retirements() -> Iterator[dict[str, Any]]:
    """Yield why articles were archived, and what took their places."""
    model = ArticleRetirement
    statement = select(model, _source(Article, model.article_id), _source(User, model.by_id))
    statement = statement.add_columns(_source(Article, model.successor_id)).options(lazyload("*"))
    for row, source, by, successor in db.session.execute(statement.order_by(model.at, model.article_id)):
        yield {
            "article": reference(source, row.article_id),
            **_set(successor=_who(successor, row.successor_id)),
            "before": row.before,
            **_set(reason=row.reason, by=_who(by, row.by_id)),
            "created": iso(row.at),
        }


def dump_plans() -> Iterator[dict[str, Any]]:
    """Yield what is planned."""
    model = PlannedPublication
    statement = select(model, _source(Article, model.article_id), _source(User, model.by_id))
    statement = statement.add_columns(_number(model.revision_id)).options(lazyload("*"))
    for row, source, by, version in db.session.execute(statement.order_by(model.at, model.article_id)):
        yield {
            "article": reference(source, row.article_id),
            "version": version,
            "due": iso(row.due_at),
            **_set(significance=row.significance if row.significance != "content" else "", matching=row.is_matching),
            **_set(by=_who(by, row.by_id)),
            "created": iso(row.at),
            **_set(failure=row.failure),
        }


class _Refs:
    """Who or what tasks came from, in words that hold elsewhere, too: ids of this database do not."""

    def __init__(self, refs: Iterable[str]) -> None:
        numbers: dict[str, set[int]] = {"user": set(), "use": set()}
        for ref in refs:
            kind, number = _taken_apart(ref)
            if number is not None:
                numbers[kind].add(number)
        people = select(User.id, User.source_id).where(User.id.in_(numbers["user"]))
        self._people = {row.id: reference(row.source_id, row.id) for row in db.session.execute(people)}
        uses = select(ArticleUse.id, ArticleUse.where_kind, ArticleUse.where_id).where(
            ArticleUse.id.in_(numbers["use"])
        )
        rows = list(db.session.execute(uses))
        self._places = {row.id: place for row, place in _placed(rows, lambda each: (each.where_kind, each.where_id))}

    def told(self, ref: str) -> dict[str, str]:
        kind, number = _taken_apart(ref)
        if number is None:
            return {"ref": ref}
        if kind == "user":
            return {"ref": f"user:{self._people.get(number) or reference(None, number)}"}
        if number in self._places:
            return {"ref": "use", **self._places[number]}
        return {"ref": f"use:{reference(None, number)}"}


def _taken_apart(ref: str) -> tuple[str, int | None]:
    kind, _, number = ref.partition(":")
    return kind, int(number) if kind in {"user", "use"} and number.isdecimal() else None


def _ref_here(record: TaskRecord, article_id: int) -> str:
    kind, _, rest = record.ref.partition(":")
    if kind == "user" and (user_id := person_id(rest)) is not None:
        return f"user:{user_id}"
    if kind == "use" and (record.message or record.post or record.topic) is not None:
        use = _use(article_id, *_place_id(record))
        if use is None:
            raise Invalid("the article was not used there")
        return f"use:{use.id}"
    return str(record.ref)[:LONGEST_REF]


def _use(article_id: int, kind: str, where_id: int) -> ArticleUse | None:
    mine = (ArticleUse.article_id == article_id, ArticleUse.where_kind == kind, ArticleUse.where_id == where_id)
    return db.session.scalars(select(ArticleUse).where(*mine).options(lazyload("*"))).one_or_none()


def _was_published(article_id: int, revision_id: int) -> bool:
    """Tell whether readers here saw this version, or a later one."""
    number, anchors = db.session.execute(
        select(Revision.number, Revision.anchors).where(Revision.id == revision_id)
    ).one()
    published = select(Revision.number).join(Article, Article.published_id == Revision.id)
    seen = db.session.scalar(published.where(Article.id == article_id))
    return anchors is not None or (seen is not None and seen >= number)


def _is_planned_here(article_id: int) -> bool:
    planned = select(AuditEntry.id).where(
        AuditEntry.subject_kind == "article",
        AuditEntry.subject_id == article_id,
        AuditEntry.deed == "kb.article.plan",
    )
    return db.session.scalar(planned.limit(1)) is not None


def _leads_back(article_id: int, successor_id: int | None) -> bool:
    passed = set[int]()
    while successor_id is not None and successor_id not in passed:
        if successor_id == article_id:
            return True
        passed.add(successor_id)
        further = select(ArticleRetirement.successor_id).where(ArticleRetirement.article_id == successor_id)
        successor_id = db.session.scalar(further)
    return False


def _once(model: Any, **values: Any) -> Outcome:
    return "new" if add_once(model, **values) else "unchanged"


def _article_id(source_id: str) -> int:
    found = db.session.scalar(select(Article.id).where(Article.source_id == source_id))
    if found is None:
        raise Invalid(f"unknown article {source_id!r}")
    return found


def _revision_id(article_id: int, number: int) -> int:
    found = db.session.scalar(select(Revision.id).where(Revision.article_id == article_id, Revision.number == number))
    if found is None:
        raise Invalid(f"the article has no version {number}")
    return found


def _place_id(record: Somewhere) -> tuple[str, int]:
    kind = record.where_kind
    if kind is None or kind not in _carriers:
        raise Invalid("does not say where: needs post, topic or message")
    return kind, _carriers[kind].find(record)


def _refer_to_posts(ids: Collection[int]) -> Mapping[int, Mapping[str, str]]:
    statement = select(Post.id, Post.kind, Post.source_id, Post.topic_id, Topic.source_id.label("topic_source"))
    rows = db.session.execute(statement.join(Topic, Topic.id == Post.topic_id).where(Post.id.in_(ids)))
    return {
        row.id: {"topic": reference(row.topic_source, row.topic_id)}
        if row.kind == "question"
        else {"post": reference(row.source_id, row.id)}
        for row in rows
    }


def _post_id(record: Somewhere) -> int:
    statement = select(Post.id)
    if record.post is not None:
        statement = statement.where(Post.source_id == record.post)
    else:
        statement = statement.where(Post.topic_id == topic_id_of(str(record.topic)), Post.kind == "question")
    found = db.session.scalar(statement)
    if found is None:
        raise Invalid(f"unknown post {record.post!r}")
    return found


def _where(each: Any) -> tuple[str, int]:
    return each[0].where_kind, each[0].where_id


def _placed(rows: Iterable[Any], where: Callable[[Any], tuple[str, int]]) -> Iterator[tuple[Any, Mapping[str, str]]]:
    """Yield rows with what a line says of where they are; those in places that nobody can name are left out."""
    for batch in _batches(rows):
        wanted: dict[str, set[int]] = {}
        for each in batch:
            kind, where_id = where(each)
            wanted.setdefault(kind, set()).add(where_id)
        found = {kind: _carriers[kind].refer(ids) for kind, ids in wanted.items() if kind in _carriers}
        for each in batch:
            kind, where_id = where(each)
            if where_id in found.get(kind, {}):
                yield each, found[kind][where_id]


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    ordered = iter(rows)
    while batch := list(islice(ordered, BATCH)):
        yield batch


def _with_sources(model: Any, *, by: Any) -> Select[Any]:
    statement = select(model, _source(Article, model.article_id), _source(User, by).label("by_source"))
    return statement.options(lazyload("*")).order_by(model.at, model.id)


def _rows(statement: Select[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield rows of `_with_sources` with the ids by which lines name the article and the person."""
    for row, article, by, *others in db.session.execute(statement):
        by_id = row.confirmed_by_id if isinstance(row, ArticleDoubt) else row.by_id
        yield row, _who(article, row.article_id), _who(by, by_id), *others


def _source(model: type[Article | User], key: Any) -> Any:
    return select(model.source_id).where(model.id == key).scalar_subquery()


def _number(key: Any) -> Any:
    return select(Revision.number).where(Revision.id == key).scalar_subquery()


def _set(**values: Any) -> dict[str, Any]:
    """Return what says something."""
    return {name: value for name, value in values.items() if value}


def _who(source: str | None, row_id: int | None) -> str | None:
    return None if row_id is None else reference(source, row_id)


def _moment(at: Any) -> str | None:
    return None if at is None else iso(at)
