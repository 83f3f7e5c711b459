"""Import of a Stack Exchange data dump: the XML of one community, as it is published for everybody.

Everything gets an id that says where it came from (`stackexchange:<site>:p:31`), so a second import changes nothing.
Bodies are turned into Markdown and rendered before a batch asks the database for anything, so that nobody waits for a
lock meanwhile.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from accounts import people
from accounts.models import User
from core import markup, texts
from core.db import db
from core.errors import Invalid, KlinkeError, Unavailable
from core.transfer import Outcome
from forum import limits, topics, transfer
from forum.models import Acceptance, Duplicate, Post, Topic

NEEDED = ("Users.xml", "Posts.xml")
OPTIONAL = ("Comments.xml", "Votes.xml", "PostLinks.xml")
BATCH = 100
_CHUNK = 64 * 1024
_QUESTION, _ANSWER = "1", "2"
_ACCEPTED_VOTE = "1"
_DUPLICATE_LINK = "3"

Row = dict[str, str]
Progress = Callable[[int], None]


@dataclass(slots=True)
class DumpReport:
    """What an import of a dump did."""

    counts: Counter[tuple[str, Outcome]] = field(default_factory=Counter)
    skipped: list[tuple[str, str, str]] = field(default_factory=list)
    """File, row id and reason of what could not be taken."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Rows that are not for us: wiki pages of tags, votes and links of other kinds."""


class Unreadable(KlinkeError):
    """A file of the dump is missing or is not the XML it should be."""


def size(folder: Path) -> int:
    """Return how many bytes an import will read, for its progress."""
    weights = {"Posts.xml": 2}  # questions first, then answers, which may stand before them
    files = [folder / name for name in (*NEEDED, *OPTIONAL)]
    return sum(path.stat().st_size * weights.get(path.name, 1) for path in files if path.exists())


def read(
    folder: Path, *, category: str | None = None, locale: str = "en", progress: Progress = lambda _bytes: None
) -> DumpReport:
    """Import the dump in a folder that is named after its site; commits in batches, each of them whole.

    Raises `Unreadable` when a file is missing or broken and `Unavailable` when nothing can be rendered now; what was
    committed before stays, and a second import goes on from there.
    """
    for name in NEEDED:
        if not (folder / name).is_file():
            raise Unreadable(f"{folder / name} is missing.")
    return _Import(folder, category=category, locale=locale, progress=progress).run()


class _Import:
    """One dump on its way in. The maps hold numbers only, so a large community fits into memory."""

    def __init__(self, folder: Path, *, category: str | None, locale: str, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self._locale = locale
        self._site = texts.slug(folder.resolve().name.removeprefix("stackexchange-"), longest=40)
        self._category_name = category or self._site
        self._report = DumpReport()
        self._users: dict[str, int] = {}
        self._posts: dict[str, tuple[int, int]] = {}
        """Row id -> (post id, topic id) of questions and answers."""
        self._accepted: dict[str, str] = {}
        """Row id of an answer -> row id of the question that it solved."""

    def run(self) -> DumpReport:
        self._users = self._known(User, "u")
        self._take("Users.xml", self._prepare_user, self._write_user)
        db.session.commit()
        self._read_known_posts()
        accepted_at = self._accepted_at()
        self._category_id = transfer.category_on_demand(self._category_name).id
        db.session.commit()
        self._take("Posts.xml", self._prepare_question, self._write_question)
        self._take("Posts.xml", self._prepare_answer, self._write_answer)
        self._take("Comments.xml", self._prepare_comment, self._write_comment)
        self._write_acceptances(accepted_at)
        self._take("PostLinks.xml", self._prepare_link, self._write_link)
        return self._report

    def _take(self, file: str, prepare: Callable[[Row], Any], write: Callable[[Any], None]) -> None:
        """Prepare the rows of a file without the database, then write them, batch by batch."""
        rows = self._rows(file)
        while batch := list(islice(rows, BATCH)):
            prepared = []
            for row in batch:
                try:
                    ready = prepare(row)
                except Unavailable:
                    raise  # the renderers rest: that is no reason to leave out a row that a second import would take
                except (KeyError, ValueError, KlinkeError) as error:
                    self._skip(file, row, error)
                else:
                    if ready is not None:
                        prepared.append((row, ready))
            for row, ready in prepared:
                try:
                    with db.session.begin_nested():
                        write(ready)
                except KlinkeError as error:
                    self._skip(file, row, error)
                except IntegrityError:
                    self._skip(file, row, Invalid("contradicts a row that is already there"))
            db.session.commit()
            db.session.expunge_all()

    def _rows(self, file: str) -> Iterator[Row]:
        path = self._folder / file
        return rows(path, self._progress) if path.exists() else iter(())

    def _skip(self, file: str, row: Row, error: Exception) -> None:
        if isinstance(error, KeyError):
            reason = f"has no {error.args[0]}"
        elif isinstance(error, KlinkeError):
            reason = error.sentence or str(error.title)
        else:
            reason = str(error)
        self._report.skipped.append((file, row.get("Id", "?"), reason))

    def _count(self, what: str, outcome: Outcome) -> None:
        self._report.counts[what, outcome] += 1

    def _id(self, letter: str, number: str) -> str:
        return f"stackexchange:{self._site}:{letter}:{number}"

    def _known(self, model: type[User | Topic | Post], letter: str) -> dict[str, int]:
        prefix = self._id(letter, "")
        rows_here = select(model.source_id, model.id).where(model.source_id.startswith(prefix, autoescape=True))
        return {str(source_id).removeprefix(prefix): row_id for source_id, row_id in db.session.execute(rows_here)}

    def _read_known_posts(self) -> None:
        prefix = self._id("p", "")
        questions = (
            select(Topic.source_id, Post.id, Topic.id)
            .join(Post, (Post.topic_id == Topic.id) & (Post.kind == "question"))
            .where(Topic.source_id.startswith(prefix, autoescape=True))
        )
        answers = select(Post.source_id, Post.id, Post.topic_id).where(
            Post.source_id.startswith(prefix, autoescape=True)
        )
        for statement in (questions, answers):
            for source_id, post_id, topic_id in db.session.execute(statement):
                self._posts[str(source_id).removeprefix(prefix)] = (post_id, topic_id)
        self._comments = self._known(Post, "c")
        db.session.commit()

    def _accepted_at(self) -> Mapping[str, datetime]:
        moments = {}
        for row in self._rows("Votes.xml"):
            if row.get("VoteTypeId") != _ACCEPTED_VOTE:
                self._report.left_out["votes"] += 1
                continue
            try:
                moments[row["PostId"]] = _moment(row["CreationDate"])
            except (KeyError, ValueError) as error:
                self._skip("Votes.xml", row, error)
        return moments

    def _author_id(self, row: Row, name: str) -> int | None:
        number = row.get(name)
        if number is None:
            return None  # the account was deleted there
        if number not in self._users:
            raise Invalid(f"unknown user {number}")
        return self._users[number]

    def _prepare_user(self, row: Row) -> dict[str, Any] | None:
        if row["Id"] in self._users:
            self._count("user", "unchanged")
            return None
        name = texts.line(row["DisplayName"][: people.LONGEST_NAME], longest=people.LONGEST_NAME)
        return {
            "number": row["Id"],
            "name": name or f"user{row['Id']}",
            "created_at": _moment(row["CreationDate"]),
        }

    def _write_user(self, ready: dict[str, Any]) -> None:
        user = people.create(
            people.free_handle(ready["name"]),
            name=ready["name"],
            is_staged=True,
            source_id=self._id("u", ready["number"]),
            created_at=ready["created_at"],
        )
        self._users[ready["number"]] = user.id
        self._count("user", "new")

    def _prepare_question(self, row: Row) -> dict[str, Any] | None:
        if row["PostTypeId"] not in {_QUESTION, _ANSWER}:
            self._report.left_out["posts that are neither question nor answer"] += 1
            return None
        if row["PostTypeId"] != _QUESTION:
            return None
        if "AcceptedAnswerId" in row:
            self._accepted[row["AcceptedAnswerId"]] = row["Id"]
        if row["Id"] in self._posts:
            self._count("question", "unchanged")
            return None
        tags = row.get("Tags", "").strip("<>|").replace("><", "|").split("|")
        return {
            "number": row["Id"],
            "title": texts.line(row["Title"], longest=transfer.LONGEST_FOREIGN_TITLE, shortest=1),
            "tags": list(dict.fromkeys(limits.tag(tag) for tag in tags if tag)),
            "active_at": _moment(row.get("LastActivityDate", row["CreationDate"])),
            **self._prepare_post(row),
        }

    def _write_question(self, ready: dict[str, Any]) -> None:
        topic = Topic(
            category_id=self._category_id,
            asker_id=ready["post"]["author_id"],
            title=ready["title"],
            slug=texts.slug(ready["title"], fallback="topic"),
            locale=self._locale,
            created_at=ready["post"]["created_at"],
            last_activity_at=ready["active_at"],
            answer_count=0,
            source_id=self._id("p", ready["number"]),
        )
        db.session.add(topic)
        db.session.flush()
        topics.set_tags(topic, ready["tags"])
        post = Post(topic_id=topic.id, kind="question", **ready["post"])
        db.session.add(post)
        db.session.flush()
        self._posts[ready["number"]] = (post.id, topic.id)
        self._count("question", "new")

    def _prepare_answer(self, row: Row) -> dict[str, Any] | None:
        if row["PostTypeId"] != _ANSWER:
            return None
        if row["Id"] in self._posts:
            self._count("answer", "unchanged")
            return None
        if row["ParentId"] not in self._posts:
            raise Invalid(f"answers the question {row['ParentId']}, which is not there")
        return {"number": row["Id"], "topic_id": self._posts[row["ParentId"]][1], **self._prepare_post(row)}

    def _write_answer(self, ready: dict[str, Any]) -> None:
        topic = db.session.get_one(Topic, ready["topic_id"])
        post = Post(topic_id=topic.id, kind="answer", source_id=self._id("p", ready["number"]), **ready["post"])
        db.session.add(post)
        topic.answer_count += 1
        topic.last_activity_at = max(topic.last_activity_at, post.created_at)
        db.session.flush()
        self._posts[ready["number"]] = (post.id, topic.id)
        self._count("answer", "new")

    def _prepare_post(self, row: Row) -> dict[str, Any]:
        source = markup.from_html(row["Body"])
        return self._prepare_text(row, source, by="OwnerUserId")

    def _prepare_comment(self, row: Row) -> dict[str, Any] | None:
        if row["Id"] in self._comments:
            self._count("comment", "unchanged")
            return None
        if row["PostId"] not in self._posts:
            raise Invalid(f"comments on the post {row['PostId']}, which is not there")
        # A comment's text is Markdown in the dump already, other than the HTML of posts.
        ready = self._prepare_text(row, row["Text"], by="UserId")
        return {"number": row["Id"], "on": self._posts[row["PostId"]], **ready}

    def _write_comment(self, ready: dict[str, Any]) -> None:
        post_id, topic_id = ready["on"]
        source_id = self._id("c", ready["number"])
        comment = Post(topic_id=topic_id, kind="comment", parent_id=post_id, source_id=source_id, **ready["post"])
        db.session.add(comment)
        db.session.flush()
        self._count("comment", "new")

    def _prepare_text(self, row: Row, source: str, *, by: str) -> dict[str, Any]:
        score = int(row.get("Score", "0"))
        if abs(score) > transfer.LARGEST_SCORE:
            raise Invalid(f"a score of {score} cannot be")
        post = {
            "author_id": self._author_id(row, by),
            "source": source,
            "html": markup.render(source),
            "renderer_version": markup.RENDERER_VERSION,
            "created_at": _moment(row["CreationDate"]),
            "edited_at": _moment(row["LastEditDate"]) if "LastEditDate" in row else None,
            "imported_score": score,
            "helpful_count": score,
        }
        return {"post": post}

    def _write_acceptances(self, accepted_at: Mapping[str, datetime]) -> None:
        known = set(db.session.scalars(select(Acceptance.topic_id)))
        for answer_number, question_number in self._accepted.items():
            row = {"Id": question_number}
            if question_number not in self._posts:
                continue  # the question itself was skipped, and is reported
            if answer_number not in self._posts:
                self._skip("Posts.xml", row, Invalid(f"accepts the answer {answer_number}, which is not there"))
                continue
            post_id, topic_id = self._posts[answer_number]
            if topic_id != self._posts[question_number][1]:
                self._skip("Posts.xml", row, Invalid(f"accepts the answer {answer_number} of another question"))
                continue
            if topic_id in known:
                self._count("acceptance", "unchanged")
                continue
            answer = db.session.get_one(Post, post_id)
            asker_id = db.session.get_one(Topic, topic_id).asker_id
            at = accepted_at.get(answer_number, answer.created_at)
            db.session.add(Acceptance(topic_id=topic_id, post_id=post_id, by_id=asker_id, at=at))
            db.session.flush()
            self._count("acceptance", "new")
        db.session.commit()
        db.session.expunge_all()

    def _prepare_link(self, row: Row) -> dict[str, Any] | None:
        if row["LinkTypeId"] != _DUPLICATE_LINK:
            self._report.left_out["links"] += 1
            return None
        for end in ("PostId", "RelatedPostId"):
            if row[end] not in self._posts:
                raise Invalid(f"links the question {row[end]}, which is not there")
        return {
            "topic_id": self._posts[row["PostId"]][1],
            "target_id": self._posts[row["RelatedPostId"]][1],
            "at": _moment(row["CreationDate"]),
        }

    def _write_link(self, ready: dict[str, Any]) -> None:
        known = select(Duplicate.id).where(
            Duplicate.topic_id == ready["topic_id"], Duplicate.target_id == ready["target_id"]
        )
        if db.session.scalar(known) is not None:
            self._count("duplicate", "unchanged")
            return
        db.session.add(Duplicate(**ready))
        db.session.flush()
        self._count("duplicate", "new")


def rows(path: Path, progress: Progress = lambda _bytes: None) -> Iterator[Row]:
    """Yield the attributes of every `row` element while reading; a document with a DTD or entities is refused."""
    found: list[Row] = []

    def start(name: str, attributes: Row) -> None:
        if name == "row":
            found.append(attributes)

    def refuse(*_about: object) -> NoReturn:
        # Entities can name local files, or unfold to gigabytes. A dump has none.
        raise Unreadable(f"{path.name} has a document type declaration; a dump has none.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    with path.open("rb") as file:
        is_last = False
        while not is_last:
            chunk = file.read(_CHUNK)
            is_last = not chunk
            try:
                parser.Parse(chunk, is_last)
            except expat.ExpatError as error:
                raise Unreadable(f"{path.name} is not well-formed XML: {error}.") from None
            progress(len(chunk))
            yield from found
            found.clear()


def _moment(value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is no date") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
