"""The embedded engine: Whoosh keeps the postings and the commits, the scoring is ours.

Whoosh's own matchers walk one document at a time through a tree of Python objects. Here the postings of a term are read
once a generation, scored (BM25F, Robertson and Zaragoza 2009, section 3.6) and added up, which also tells which words
matched.

The index is a cache that can be rebuilt from the database at any time. Reading it unpickles data, so its folder belongs
to its owner alone and is never restored from a stranger's backup.
"""

import contextlib
import errno
import fcntl
import heapq
import logging
import math
import os
import re
import shutil
import threading
import time
import weakref
from array import array
from bisect import bisect_right
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from whoosh import columns, fields, formats, writing
from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex
from whoosh.reading import TermNotFound

from search.analysis import text, tokens
from search.documents import Document, Ref
from search.engines import Condition, EngineHit, EngineQuery, IndexBusy, Phrase, SearchUnavailable, Word

VERSION: Final = "1"
"""Changes whenever an index of the version before cannot serve: other fields, other terms."""

_LOCALES: Final = ("de", "en")


class _Weights(NamedTuple):
    """How much a field counts, and how much its length matters (0 not at all, 1 fully)."""

    boost: float
    b: float


_FIELDS: Final = {"title": _Weights(3.0, 0.4), "keywords": _Weights(2.5, 0.2), "body": _Weights(1.0, 0.75)}
_K1: Final = 1.2
_FULL_MATCH: Final = 0.2
"""The share of a score that depends on how much of the query's weight a document has."""

_LAST_POSITION: Final = 0xFFFF
_WRITER_MEGABYTES: Final = 64
_CACHED_POSTINGS: Final = 2_000_000
_NAME: Final = "MAIN"
_TOC: Final = re.compile(rf"_{_NAME}_([0-9]+)\.toc")
_VERSION_FILE: Final = "version"
_DAMAGE_FILE: Final = "damaged"
_LOCK_FILE: Final = "write.lock"
_LOCK_SECONDS: Final = 10.0
_LOCK_PAUSE_SECONDS: Final = 0.05
_NOT_THE_INDEX: Final = frozenset(
    {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.EDQUOT}
)
"""Errors of the machine: rebuilding the index would not help."""

log = logging.getLogger(__name__)


class _Places(formats.Format):
    """Where a term stands in a field: positions of two bytes each."""

    posting_size = -1

    @staticmethod
    def encode(positions: list[int]) -> bytes:
        return array("H", positions).tobytes()

    @staticmethod
    def decode_positions(value: bytes) -> "array[int]":
        return array("H", value)


class _Terms(fields.FieldType):
    """A field that is handed terms with their positions; the analysis is not Whoosh's business."""

    analyzer = None
    indexed = True

    def __init__(self) -> None:
        super().__init__(format=_Places(), analyzer=None, scorable=True)

    def index(self, value: Mapping[str, list[int]], **_mode: object) -> Iterator[tuple[bytes, int, float, bytes]]:
        for term, positions in value.items():
            yield term.encode(), len(positions), float(len(positions)), _Places.encode(positions)


class _Labels(fields.FieldType):
    """What filters ask for: kind, language, tags and the like, all as "name:value"."""

    analyzer = None
    indexed = True

    def __init__(self) -> None:
        super().__init__(format=formats.Existence(), analyzer=None, scorable=False)

    def index(self, value: Iterable[str], **_mode: object) -> Iterator[tuple[bytes, int, float, bytes]]:
        for label in set(value):
            yield label.encode(), 1, 1.0, b""


_SCHEMA: Final = fields.Schema(
    key=fields.ID(unique=True, sortable=columns.VarBytesColumn()),
    labels=_Labels(),
    weight=fields.COLUMN(columns.NumericColumn("f", default=1.0)),
    created=fields.COLUMN(columns.NumericColumn("I", default=0)),
    **{f"{name}_{locale}": _Terms() for name in _FIELDS for locale in _LOCALES},
)


class _Storage(FileStorage):
    """A folder that closes what was opened in it; Whoosh itself leaves files to the garbage collector."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), supports_mmap=False)  # a mapped file that somebody truncates kills the process
        self._opened: list[Any] = []

    def open_file(self, name: str, **options: Any) -> Any:
        return self._kept(super().open_file(name, **options))

    def create_file(self, name: str, **options: Any) -> Any:
        return self._kept(super().create_file(name, **options))

    def temp_storage(self, name: str | None = None) -> "_Storage":
        storage = _Storage(Path(self.folder) / (name or f"{_NAME}.tmp"))
        storage._opened = self._opened  # all is closed together
        storage.create()
        return storage

    def release(self) -> None:
        while self._opened:
            self._opened.pop().close()

    def _kept(self, file: Any) -> Any:
        self._opened.append(file.raw_file())
        return file


@contextlib.contextmanager
def _released(storage: _Storage) -> Iterator[_Storage]:
    try:
        yield storage
    finally:
        storage.release()


class WhooshEngine:
    """Keeps its index in a folder; every process may read, one at a time writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reading = threading.Lock()  # Whoosh's readers seek in shared files
        self._snapshot: _Snapshot | None = None
        self._sound = -1
        """The last generation whose files were all there when looked at."""

    def hits(self, query: EngineQuery, limit: int) -> list[EngineHit]:
        with self._reading, self._whoosh():
            snapshot = self._current()
            return snapshot.hits(query, limit) if snapshot else []

    def refs(self) -> set[Ref]:
        with self._reading, self._whoosh():
            snapshot = self._current()
            return snapshot.refs() if snapshot else set()

    def generation(self) -> int:
        try:
            names = [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return -1
        return max((int(found[1]) for name in names if (found := _TOC.fullmatch(name))), default=-1)

    def condition(self) -> Condition:
        if (self._folder / _DAMAGE_FILE).exists():
            return Condition.DAMAGED
        version = self._version()
        if version is None:
            return Condition.ABSENT
        if version != VERSION:
            return Condition.OUTDATED
        generation = self.generation()
        if generation != self._sound:
            try:
                with self._whoosh(), _released(_Storage(self._folder)) as storage:
                    _open(storage).reader()
            except SearchUnavailable:
                return Condition.DAMAGED if (self._folder / _DAMAGE_FILE).exists() else Condition.READY
            self._sound = generation
        return Condition.READY

    def apply(self, upserts: Iterable[Document], deletes: Iterable[Ref]) -> None:
        rows = {document.ref: _row(document) for document in upserts}
        gone = set(deletes) - rows.keys()
        with self._writing():
            fresh = self._version() is None
            if fresh:
                self._clear()
            with self._writer() as writer:
                for ref in [*gone, *rows]:
                    writer.delete_by_term("key", _key(ref))
                for row in rows.values():
                    writer.add_document(**row)
                writer.commit()
            self._settle(fresh=fresh)

    def replace(self, documents: Iterable[Document]) -> int:
        count = 0
        with self._writing():
            fresh = self.condition() is not Condition.READY
            if fresh:
                self._clear()
            with self._writer() as writer:
                for document in documents:
                    row = _row(document)
                    with self._whoosh():
                        writer.add_document(**row)
                    count += 1
                with self._whoosh():
                    writer.commit(mergetype=writing.CLEAR)
            self._settle(fresh=fresh)
        return count

    def wipe(self) -> None:
        with self._writing():
            self._remove_files()

    def _current(self) -> "_Snapshot | None":
        """Return the open snapshot, a new one where the index has moved on, None where there is no index."""
        identity = self._identity()
        while identity is not None and (self._snapshot is None or self._snapshot.identity != identity):
            self._close()
            if self._version() != VERSION:
                raise SearchUnavailable
            try:
                self._snapshot = _Snapshot(_Storage(self._folder), identity)
            except FileNotFoundError:
                before, identity = identity, self._identity()
                if identity == before:
                    raise  # nobody committed meanwhile: the file is really gone
        if identity is None:
            self._close()
        return self._snapshot

    def _identity(self) -> "_Identity | None":
        try:
            mark = (self._folder / _VERSION_FILE).stat()
        except FileNotFoundError:
            return None
        return _Identity(self.generation(), mark.st_ino, mark.st_mtime_ns)

    def _close(self) -> None:
        if self._snapshot is not None:
            self._snapshot.close()
            self._snapshot = None

    def _version(self) -> str | None:
        try:
            return (self._folder / _VERSION_FILE).read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def _whoosh(self) -> Iterator[None]:
        """Turn whatever Whoosh raises over a damaged file into `SearchUnavailable`, and leave word for the worker.

        It unpickles, inflates and raises plain `Exception` itself, so that nothing narrower would be complete.
        """
        try:
            yield
        except (SearchUnavailable, IndexBusy):
            raise
        except Exception as error:
            self._snapshot = None
            if not (isinstance(error, OSError) and error.errno in _NOT_THE_INDEX):
                self._report_damage(error)
            raise SearchUnavailable from error

    def _report_damage(self, error: Exception) -> None:
        log.error("the search index cannot be read and will be rebuilt: %s: %s", type(error).__name__, error)
        if self._version() is None:
            return  # it is being built anew at this very moment
        with contextlib.suppress(OSError):  # a read-only folder: the line above is all that can be done
            (self._folder / _DAMAGE_FILE).touch()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the only right to write; raise `IndexBusy` where another process keeps it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        with (self._folder / _LOCK_FILE).open("a") as lock:
            until = time.monotonic() + _LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > until:
                        raise IndexBusy from None
                    time.sleep(_LOCK_PAUSE_SECONDS)
            yield

    @contextlib.contextmanager
    def _writer(self) -> Iterator[Any]:
        with _released(_Storage(self._folder)) as storage:
            with self._whoosh():
                writer = writing.SegmentWriter(_open(storage), limitmb=_WRITER_MEGABYTES)
            try:
                yield writer
            finally:
                if not writer.is_closed:
                    with self._whoosh():
                        writer.cancel()

    def _clear(self) -> None:
        self._remove_files()
        with _released(_Storage(self._folder)) as storage:
            FileIndex.create(storage, _SCHEMA, _NAME)

    def _remove_files(self) -> None:
        self._sound = -1
        # The version goes first: without it there is no index, so a crash in the middle leaves none behind.
        (self._folder / _VERSION_FILE).unlink(missing_ok=True)
        for path in self._folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name != _LOCK_FILE:
                path.unlink()

    def _settle(self, *, fresh: bool) -> None:
        """Bring what was committed to the disk, Whoosh does not; and let a new index count from now on."""
        for path in self._folder.iterdir():
            if path.is_file():
                _sync(path)
        if fresh:
            (self._folder / _DAMAGE_FILE).unlink(missing_ok=True)  # said of the old index by somebody who was late
            version = self._folder / _VERSION_FILE
            version.write_text(VERSION + "\n", encoding="utf-8")
            _sync(version)
        _sync(self._folder)


class _Identity(NamedTuple):
    """Which commit of which index: a wiped one counts its generations from the beginning."""

    generation: int
    file: int
    made_at: int


class _Postings(NamedTuple):
    """The documents that have a term, in order, and what it adds to the score of each before its rarity counts."""

    documents: "array[int]"
    scores: "array[float]"


class _Snapshot:
    """One generation of the index, open for reading, with what was read of it so far."""

    def __init__(self, storage: _Storage, identity: "_Identity") -> None:
        self.identity = identity
        self.close = weakref.finalize(
            self, storage.release
        )  # also when nobody closes it, and at the end of the process
        reader = _open(storage).reader()
        self._leaves: list[tuple[Any, int]] = [] if reader.doc_count_all() == 0 else list(reader.leaf_readers())
        self._postings: OrderedDict[tuple[str, str], _Postings] = OrderedDict()
        self._cached = 0
        self._labelled: dict[str, frozenset[int]] = {}
        self._total = reader.doc_count()
        self._bases = [base for _, base in self._leaves]
        self._keys = [leaf.column_reader("key") for leaf, _ in self._leaves]
        self._refs: dict[int, Ref] = {}
        self._weights = self._column("weight", "f")
        self._created = self._column("created", "I")
        self._lengths = {
            locale: {
                name: reader.field_length(f"{name}_{locale}") / max(1, len(self._with_label(f"locale:{locale}")))
                for name in _FIELDS
            }
            for locale in _LOCALES
        }

    def hits(self, query: EngineQuery, limit: int) -> list[EngineHit]:
        allowed = self._allowed(query)
        if not query.words:
            found = allowed if allowed is not None else self._everything()
            newest = heapq.nlargest(limit, found, key=lambda number: (self._created[number], number))
            return [EngineHit(self._ref(number), 1.0, ()) for number in newest]
        return self._best(self._rarest(query), allowed, limit)

    def refs(self) -> set[Ref]:
        return {self._ref(number) for number in self._everything()}

    def _rarest(self, query: EngineQuery) -> list[tuple[Word, float]]:
        """Return the words that say most, each with its weight."""
        weighed = [(word, self._rarity(word) * word.weight) for word in dict.fromkeys(query.words)]
        return heapq.nlargest(query.most_words, (item for item in weighed if item[1] > 0), key=lambda item: item[1])

    def _rarity(self, word: Word) -> float:
        """Say how much a word tells, by how few documents of all languages have it."""
        count = sum(len(self._term(variant.locale, variant.term).documents) for variant in word.variants)
        total = max(self._total, count)
        return math.log(1 + (total - count + 0.5) / (count + 0.5)) if count else 0.0

    def _best(self, words: list[tuple[Word, float]], allowed: frozenset[int] | None, limit: int) -> list[EngineHit]:
        scores: dict[int, float] = defaultdict(float)
        matched: dict[int, int] = defaultdict(int)
        for number, (word, word_weight) in enumerate(words):
            bit = 1 << number
            for variant in word.variants:
                weight = word_weight * variant.weight
                for document, score in zip(*self._term(variant.locale, variant.term), strict=True):
                    scores[document] += weight * score
                    matched[document] |= bit
        telling = sum(1 << number for number, (word, _) in enumerate(words) if word.is_telling)
        scores = {
            document: score
            for document, score in scores.items()
            if matched[document] & telling and (allowed is None or document in allowed)
        }
        total = sum(weight for _, weight in words)
        share = {
            mask: 1
            - _FULL_MATCH * (1 - sum(weight for number, (_, weight) in enumerate(words) if mask >> number & 1) / total)
            for mask in set(matched.values())
        }
        weights = self._weights
        final = ((score * share[matched[document]] * weights[document], document) for document, score in scores.items())
        return [
            EngineHit(
                self._ref(document),
                score,
                tuple(word.text for n, (word, _) in enumerate(words) if matched[document] >> n & 1),
            )
            for score, document in heapq.nlargest(limit, final)
        ]

    def _allowed(self, query: EngineQuery) -> frozenset[int] | None:
        """Return the documents that pass the filters; None where there are none to pass."""
        labels = [f"tag:{text.label(tag)}" for tag in query.tags]
        labels += [
            f"{name}:{text.label(value)}"
            for name in ("locale", "author", "category")
            if (value := getattr(query, name))
        ]
        if query.solved is not None:
            labels.append("is:solved" if query.solved else "is:unsolved")
        sets = [self._with_label(label) for label in labels]
        if query.kinds is not None:
            sets.append(frozenset().union(*(self._with_label(f"kind:{kind}") for kind in query.kinds)))
        sets += [frozenset().union(*(self._with_phrase(phrase) for phrase in phrases)) for phrases in query.phrases]
        allowed = frozenset.intersection(*sets) if sets else None
        unwanted = {
            document
            for word in query.excluded
            for variant in word.variants
            for document in self._term(variant.locale, variant.term).documents
        }
        if unwanted:
            allowed = (self._everything() if allowed is None else allowed) - unwanted
        return allowed

    def _term(self, locale: str, term: str) -> _Postings:
        if locale not in self._lengths:
            return _Postings(array("I"), array("f"))
        known = self._postings.get((locale, term))
        if known is None:
            known = self._postings[locale, term] = self._read_term(locale, term)
            self._cached += len(known.documents) + 1
            while self._cached > _CACHED_POSTINGS and len(self._postings) > 1:
                _, oldest = self._postings.popitem(last=False)
                self._cached -= len(oldest.documents) + 1
        else:
            self._postings.move_to_end((locale, term))
        return known

    def _read_term(self, locale: str, term: str) -> _Postings:
        frequencies: dict[int, float] = defaultdict(float)
        for name, (boost, b) in _FIELDS.items():
            field = f"{name}_{locale}"
            average = self._lengths[locale][name] or 1.0
            for leaf, base in self._leaves:
                for matcher in _postings(leaf, field, term):
                    number = matcher.id()
                    length = leaf.doc_field_length(number, field) or 1
                    frequencies[base + number] += boost * matcher.weight() / (1 - b + b * length / average)
        documents = array("I", sorted(frequencies))
        return _Postings(
            documents, array("f", ((_K1 + 1) * frequencies[n] / (_K1 + frequencies[n]) for n in documents))
        )

    def _with_label(self, label: str) -> frozenset[int]:
        if label not in self._labelled:
            found = frozenset(
                base + matcher.id() for leaf, base in self._leaves for matcher in _postings(leaf, "labels", label)
            )
            if not found:
                return found  # anybody can ask for labels that nothing has; they are not worth keeping
            self._labelled[label] = found
        return self._labelled[label]

    def _with_phrase(self, phrase: Phrase) -> frozenset[int]:
        found: set[int] = set()
        if phrase.locale not in self._lengths:
            return frozenset()
        for name in _FIELDS:
            for leaf, base in self._leaves:
                starts: dict[int, set[int]] | None = None
                for term, distance in phrase.terms:
                    there = {
                        matcher.id(): {position - distance for position in _Places.decode_positions(matcher.value())}
                        for matcher in _postings(leaf, f"{name}_{phrase.locale}", term)
                    }
                    starts = (
                        there if starts is None else {n: starts[n] & there[n] for n in starts.keys() & there.keys()}
                    )
                found.update(base + number for number, left in (starts or {}).items() if left)
        return frozenset(found)

    def _everything(self) -> frozenset[int]:
        return frozenset(base + number for leaf, base in self._leaves for number in leaf.all_doc_ids())

    def _ref(self, number: int) -> Ref:
        known = self._refs.get(number)
        if known is None:
            place = bisect_right(self._bases, number) - 1
            kind, _, ref_id = self._keys[place][number - self._bases[place]].rpartition(":")
            known = self._refs[number] = Ref(kind, int(ref_id))
        return known

    def _column(self, name: str, code: str) -> "array[Any]":
        values = array(code)
        for leaf, _ in self._leaves:
            values.extend(array(code, leaf.column_reader(name)))
        return values


def _open(storage: _Storage) -> FileIndex:
    """Open the index with our schema: the one in the folder is not even unpickled."""
    return FileIndex(storage, schema=_SCHEMA, indexname=_NAME)


def _postings(leaf: Any, field: str, term: str) -> Iterator[Any]:
    """Yield Whoosh's matcher once for every document of a segment that has the term."""
    try:
        matcher = leaf.postings(field, term)
    except TermNotFound:
        return
    while matcher.is_active():
        yield matcher
        matcher.next()


def _row(document: Document) -> dict[str, Any]:
    """Return the fields of a document as Whoosh gets them."""
    locale = document.locale if document.locale in _LOCALES else "en"
    labels = [f"kind:{document.ref.kind}", f"locale:{locale}", "is:solved" if document.solved else "is:unsolved"]
    labels += [f"tag:{text.label(tag)}" for tag in document.tags]
    labels += [f"{name}:{text.label(value)}" for name in ("author", "category") if (value := getattr(document, name))]
    row: dict[str, Any] = {
        "key": _key(document.ref),
        "labels": labels,
        "weight": min(max(document.weight, 0.1), 10.0),
        "created": min(max(int(document.created_at.timestamp()), 1), 0xFFFFFFFF),
    }
    for name in _FIELDS:
        places: dict[str, list[int]] = defaultdict(list)
        for term, position in tokens.terms(getattr(document, name), locale):
            places[term].append(min(position, _LAST_POSITION))
        if places:
            row[f"{name}_{locale}"] = places
    return row


def _key(ref: Ref) -> str:
    return f"{ref.kind}:{ref.id}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
