"""Import and export of the team's text blocks, as lines of type `reply_block`. People's own blocks go with their owner.

Those that stand in other blocks go out before these, so that a file can be read from the beginning to its end.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, Field, ValidationError
from sqlalchemy import ColumnElement, select, true

from accounts import people
from accounts.models import User
from accounts.transfer import reference
from core.api import line
from core.db import db
from core.errors import Invalid, KlinkeError
from core.problems import reasons
from core.transfer import LONGEST_LINE, Outcome, RecordType, iso, register
from desk import blocks, queries, transfer
from desk.block_models import ReplyBlock, ReplyBlockVersion, Scope
from desk.channels.base import LONGEST_TEXT
from kb import references

TYPE: Final = "reply_block"
MOST_LINES: Final = 5000


class ReplyBlockRecord(BaseModel):
    """A line of type `reply_block`: a text for replies; its `words` by `de`, `de-du`, `en`, `de@channel`."""

    id: line(100)  # type: ignore[valid-type]  # a type made for the limit
    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=references.LONGEST_NAME)]
    title: line(blocks.LONGEST_TITLE)  # type: ignore[valid-type]  # the same
    folder: line(blocks.LONGEST_FOLDER, 0) = ""  # type: ignore[valid-type]  # the same
    keywords: list[line(blocks.LONGEST_KEYWORD)] = []  # type: ignore[valid-type]  # the same
    scope: Scope = "team"
    channel: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,80}$")] | None = None
    owner: line(100) | None = None  # type: ignore[valid-type]  # the same
    words: dict[
        Annotated[str, Field(pattern=r"^(de|de-du|en)(@[a-z0-9-]{1,80})?$")],
        Annotated[str, Field(max_length=LONGEST_TEXT)],
    ] = Field(min_length=1)
    number: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Which version it is, who wrote it when and why; the earlier ones are lines of their own."""
    by: line(100) | None = None  # type: ignore[valid-type]  # the same
    comment: line(blocks.LONGEST_COMMENT, 0) = ""  # type: ignore[valid-type]  # the same
    created: AwareDatetime | None = None
    updated: AwareDatetime | None = None
    archived: AwareDatetime | None = None
    """Since when it is put away."""


@dataclass(slots=True)
class Report:
    """What came in."""

    new: int = 0
    changed: int = 0
    skipped: list[tuple[int, str]] = field(default_factory=list)


def init_app() -> None:
    register(RecordType(name=TYPE, order=38, model=ReplyBlockRecord, load=load, dump=dump))


def load(record: ReplyBlockRecord, *, by: User | None = None) -> Outcome:
    """Take a block in, or have the one of this name say this; `by` takes it in by hand, and changes no one else's."""
    owner = by or _owner(record)
    if owner is None or not owner.has_role("agent"):
        raise Invalid("owner: a text block belongs to somebody who works at the desk")
    channel = None
    if record.channel is not None:
        channel = transfer.channel_named(record.channel) if by is None else queries.channel_by(record.channel)
        if channel is None:
            raise Invalid(f"channel: there is no channel {record.channel!r}")
    words = blocks.Words(
        title=record.title,
        words=record.words,
        name=record.name,
        folder=record.folder,
        keywords=record.keywords,
        scope=record.scope,
        channel=channel,
    )
    known = db.session.scalars(select(ReplyBlock).where(ReplyBlock.name == record.name)).one_or_none()
    if known is None:
        block = blocks.create(words, by=owner)
        if by is None:
            _complete(block, record)
        return "new"
    if _says(known, record, channel.id if channel else None):
        return "unchanged"
    changer = by or (owner if blocks.may_change(known, owner) else known.owner)
    if changer is None or not blocks.may_change(known, changer):
        raise Invalid(f"name: {record.name!r} is somebody else's block")
    blocks.revise(known, words, by=changer)
    return "changed"


def _complete(block: ReplyBlock, record: ReplyBlockRecord) -> None:
    """Have a block that came in be as old as it is, in the version that it is."""
    block.source_id = record.id
    block.created_at = record.created or block.created_at
    block.updated_at = record.updated or block.updated_at
    block.archived_at = record.archived
    version = db.session.scalars(select(ReplyBlockVersion).where(ReplyBlockVersion.block_id == block.id)).one()
    block.number = version.number = record.number or block.number
    version.at = block.updated_at
    version.comment = record.comment
    if record.by is not None and (writer := people.by_source_id(record.by)) is not None:
        version.by_id = writer.id
    db.session.flush()


def dump(which: ColumnElement[bool] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the blocks, those first that stand in others: all of them, or of `which` those that are in use."""
    wanted = true() if which is None else ReplyBlock.archived_at.is_(None) & which
    rows = db.session.scalars(select(ReplyBlock).where(wanted).order_by(ReplyBlock.id)).all()
    versions = {} if which is not None else _newest()
    for block in _inner_first(rows):
        yield {
            "id": block.source_id or f"klinke:{block.id}",
            "name": block.name,
            "title": block.title,
            **({"folder": block.folder} if block.folder else {}),
            **({"keywords": block.keywords} if block.keywords else {}),
            **({"scope": block.scope} if block.scope != "team" else {}),
            **({"channel": block.channel.slug} if block.channel else {}),
            **({"owner": reference(block.owner)} if block.owner else {}),
            "words": block.words,
            **(_age(block, versions.get(block.id)) if which is None else {}),
        }


def _newest() -> dict[int, ReplyBlockVersion]:
    is_newest = (ReplyBlock.id == ReplyBlockVersion.block_id) & (ReplyBlock.number == ReplyBlockVersion.number)
    found = db.session.scalars(select(ReplyBlockVersion).join(ReplyBlock, is_newest))
    return {version.block_id: version for version in found}


def _age(block: ReplyBlock, version: ReplyBlockVersion | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "number": block.number,
        "created": iso(block.created_at),
        "updated": iso(block.updated_at if version is None else version.at),
    }
    if version is not None and version.by is not None:
        said["by"] = reference(version.by)
    if version is not None and version.comment:
        said["comment"] = version.comment
    if block.archived_at is not None:
        said["archived"] = iso(block.archived_at)
    return said


def take_in(path: Path, *, by: User) -> Report:
    """Read blocks from a file for an agent, each in a transaction of its own inside this one."""
    report = Report()
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            if number > MOST_LINES:
                report.skipped.append((number, f"more than {MOST_LINES} lines"))
                break
            try:
                with db.session.begin_nested():
                    outcome = load(_read(raw), by=by)
            except ValidationError as error:
                named = "; ".join(f"{name}: {reason}" for name, reason in reasons(error).items())
                report.skipped.append((number, named))
            except KlinkeError as error:
                report.skipped.append((number, error.sentence or str(error.title)))
            else:
                report.new += outcome == "new"
                report.changed += outcome == "changed"
    return report


def _read(raw: bytes) -> ReplyBlockRecord:
    if len(raw) > LONGEST_LINE:
        raise Invalid("too long")
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        raise Invalid("not JSON") from None
    if not isinstance(record, dict) or record.get("type") != TYPE:
        raise Invalid(f"not of type {TYPE}")
    return ReplyBlockRecord.model_validate({name: value for name, value in record.items() if name != "type"})


def _owner(record: ReplyBlockRecord) -> User | None:
    if record.owner is not None:
        return people.by_source_id(record.owner)
    return next(iter(queries.agents()), None)


def _says(block: ReplyBlock, record: ReplyBlockRecord, channel_id: int | None) -> bool:
    mine = (block.title, block.folder, block.keywords, block.scope, block.channel_id, block.words)
    theirs = (record.title, record.folder, record.keywords, record.scope, channel_id, record.words)
    return mine == theirs


def _inner_first(rows: Sequence[ReplyBlock]) -> list[ReplyBlock]:
    by_name = {block.name: block for block in rows}
    found: dict[str, ReplyBlock] = {}

    def add(block: ReplyBlock, depth: int) -> None:
        if block.name in found or depth > blocks.MOST_NESTED + 1:
            return
        for text in block.words.values():
            for name in references.names_in(text):
                if name in by_name:
                    add(by_name[name], depth + 1)
        found[block.name] = block

    for block in rows:
        add(block, 0)
    return list(found.values())
