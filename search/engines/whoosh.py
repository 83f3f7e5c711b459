"""The embedded engine: Whoosh keeps documents in segments and commits them, the postings and the scoring are ours.

Whoosh's own matchers walk one document at a time through a tree of Python objects; at ten thousand documents that takes
longer than a person waits. So each segment holds its postings as arrays (`arrays.py`), and numpy scores them
(`snapshot.py`).

The index is a cache that can be rebuilt from the database at any time. Reading it unpickles data, so its folder belongs
to its owner alone and is never restored from a stranger's backup. It lies in a folder of its own for each version and
encoder, with a number; a new one is built beside the old one and becomes the index by one rename.
"""

import contextlib
import errno
import fcntl
import logging
import math
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from whoosh import fields, writing
from whoosh.codec.whoosh3 import W3Codec
from whoosh.filedb.filestore import FileStorage
from whoosh.index import FileIndex
from whoosh.reading import SegmentReader

from search.analysis import lexicon
from search.analysis.facts import digest
from search.documents import Document, Ref
from search.encoders import Encoder
from search.engines import Condition, EngineQuery, Findings, IndexBusy, SearchUnavailable, TitleQuery, Word
from search.engines.arrays import ArraysColumn, Ints, Segment, ToWrite
from search.engines.leaves import Cache, Leaf
from search.engines.snapshot import Snapshot

VERSION: Final = "6"
"""Changes whenever an index of the version before cannot serve: other arrays, other terms."""

_COLUMN: Final = "arrays"
_SCHEMA: Final = fields.Schema(**{_COLUMN: fields.COLUMN(ArraysColumn())})
_LARGEST_SEGMENT: Final = 50_000
"""Documents of a segment, at most: more would need too much memory while it is written."""
_LARGEST_TEXTS: Final = 60_000_000
"""Characters of a segment, at most, for the same reason."""
_MERGED_AT_ONCE: Final = 2_000
"""Documents that a commit may copy to keep the segments few; larger ones are merged when there is time (`tidy`)."""
_TIER: Final = 8
"""Segments of about the same size, within this factor, become one when there are so many of them."""
_MOST_DELETED: Final = 0.2
"""The share of a segment that may be deleted documents."""
_NAME: Final = "MAIN"
_TOC: Final = re.compile(rf"_{_NAME}_([0-9]+)\.toc")
_DAMAGE_FILE: Final = "damaged"
_LOCK_FILE: Final = "write.lock"
_UNFINISHED: Final = "new"
_LOCK_SECONDS: Final = 10.0
_LOCK_PAUSE_SECONDS: Final = 0.05
_LISTED: Final = 0.2
"""How well a word is known that the list has and no text; in logarithms of occurrences."""
_ATTEMPTS: Final = 20
"""How often an index that changes while it is being opened is opened again."""
_SETTLED_NS: Final = 50_000_000
"""A folder's time of change is believed only when it is this old: two changes may have the same time."""
_NOT_THE_INDEX: Final = frozenset(
    {errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.EDQUOT}
)
"""Errors of the machine: rebuilding the index would not help."""

log = logging.getLogger(__name__)


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

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        self._folder = folder
        self._encoder = encoder
        self._kind = f"{VERSION}-{encoder.name}"
        self._opening = threading.Lock()
        self._opened: _Opened | None = None
        self._cache = Cache()
        self._sound: dict[Path, tuple[int, int]] = {}
        """Files whose every byte was looked at, and was what had been written; with size and time of change then."""

    def find(self, query: EngineQuery, limit: int, *, counted: bool = False) -> Findings:
        with self._guarded():
            snapshot = self._current()
            return snapshot.find(query, limit, counted=counted) if snapshot else Findings([], 0)

    def titled(self, query: TitleQuery, limit: int) -> list[Ref]:
        with self._guarded():
            snapshot = self._current()
            return snapshot.titled(query, limit) if snapshot else []

    def counts(self, digests: NDArray[np.uint64]) -> Ints:
        with self._guarded():
            snapshot = self._current()
            return snapshot.counts(digests) if snapshot else np.zeros(len(digests), dtype=np.int64)

    def rarity(self, word: Word, *, inside: bool = False) -> float:
        with self._guarded():
            snapshot = self._current()
            return snapshot.rarity(word, inside=inside) if snapshot else 0.0

    def refs(self) -> set[Ref]:
        # For comparing with the database: nothing that was opened before is believed, and every byte is read.
        with self._guarded():
            for _attempt in range(_ATTEMPTS):
                home = self._home()
                if home is None:
                    return set()
                generation = _generation(home)
                try:
                    opened = self._open(home, _Seen.of(self._folder, home), None)
                except Exception:  # the same as in `_current`
                    if self._is_still(home, generation):
                        raise
                    continue
                for leaf in opened.leaves.values():
                    leaf.segment.verify()
                return opened.snapshot.refs()
        raise SearchUnavailable

    def generation(self) -> int:
        home = self._home()
        return -1 if home is None else _generation(home)

    def condition(self) -> Condition:
        home = self._home()
        if home is None:
            return Condition.OUTDATED if self._others() else Condition.ABSENT
        if (home / _DAMAGE_FILE).exists():
            return Condition.DAMAGED
        try:
            with self._guarded():
                self._current()
                self._verify()
        except SearchUnavailable:
            return Condition.DAMAGED if (home / _DAMAGE_FILE).exists() else Condition.READY
        return Condition.READY

    def apply(self, upserts: Iterable[Document], deletes: Iterable[Ref]) -> None:
        documents = {document.ref: document for document in upserts}
        gone = set(deletes) | documents.keys()
        with self._writing():
            home = self._home()
            if home is None:
                with self._built() as fresh:
                    self._write(fresh, documents.values(), set())
            else:
                self._write(home, documents.values(), gone)

    def replace(self, documents: Iterable[Document]) -> int:
        count = 0

        def counted() -> Iterator[Document]:
            nonlocal count
            for count, document in enumerate(documents, 1):  # noqa: B007 -- the count is the result
                yield document

        with self._writing(), self._built() as fresh:
            self._write(fresh, counted(), set())
        return count

    def tidy(self) -> bool:
        """Merge segments that became too many or hold too much that is deleted; tell whether there was anything."""
        with self._writing():
            home = self._home()
            if home is None:
                return False
            with _released(_Storage(home)) as storage:
                with self._guarded():
                    chosen = _too_many(_open(storage)._segments(), _LARGEST_SEGMENT)  # noqa: SLF001 -- it has no other name
                if not chosen:
                    return False
                with self._writer(storage) as writer, self._guarded():
                    writer.commit(mergetype=_merging(_LARGEST_SEGMENT))
            _settle(home)
        return True

    def wipe(self) -> None:
        with self._writing():
            for path in self._folder.iterdir():
                if path.name != _LOCK_FILE:
                    _remove(path)

    # Reading.

    def _current(self) -> Snapshot | None:
        """Return the snapshot of the last commit, None where there is no index."""
        opened = self._opened
        if opened is not None and opened.is_current():
            return opened.snapshot
        with self._opening:
            for _attempt in range(_ATTEMPTS):
                home = self._home()
                if home is None:
                    self._opened = None
                    if self._others():
                        raise SearchUnavailable
                    return None
                if (home / _DAMAGE_FILE).exists():  # what one process noticed, none believes any more
                    self._opened = None
                    raise SearchUnavailable
                generation = _generation(home)
                before = self._opened
                try:
                    seen = _Seen.of(self._folder, home)
                    if before is not None and before.seen.home == seen.home and before.generation == generation:
                        self._opened = before._replace(seen=seen)
                    else:
                        self._opened = self._open(home, seen, before)
                except Exception:
                    # Whoever committed meanwhile took away what was being read: only what stays is damaged.
                    if self._is_still(home, generation):
                        raise
                    continue
                return self._opened.snapshot
        raise SearchUnavailable

    def _open(self, home: Path, seen: "_Seen", before: "_Opened | None") -> "_Opened":
        toc = _toc(home)
        known = before.leaves if before is not None and before.seen.home == seen.home else {}
        leaves: dict[str, Leaf] = {}
        for segment in toc.segments:
            name, count = segment.segment_id(), segment.doc_count_all()
            if not count:
                continue
            deleted = frozenset(segment.deleted_docs())
            old = known.get(name)
            if old is None:
                leaves[name] = Leaf(_segment(home, segment), deleted)
            else:
                leaves[name] = old if old.deleted == deleted else Leaf(old.segment, deleted, old)
        for name, leaf in known.items():
            if leaves.get(name) is not leaf:
                self._cache.forget(leaf.number)
        return _Opened(self._folder, seen, toc.generation, leaves, Snapshot(list(leaves.values()), self._cache))

    def _verify(self) -> None:
        """Read every byte of what was not looked at or has changed since: once written, a file of the index stays."""
        opened = self._opened
        if opened is None:
            return
        home = self._folder / opened.seen.home
        look: dict[Path, Callable[[], object]] = {
            home / f"{name}.{_COLUMN}.col": leaf.segment.verify for name, leaf in opened.leaves.items()
        }
        look[home / f"_{_NAME}_{opened.generation}.toc"] = lambda: _toc(home)
        sound: dict[Path, tuple[int, int]] = {}
        for path, verify in look.items():
            try:
                stat = path.stat()
                sound[path] = (stat.st_size, stat.st_mtime_ns)
                if self._sound.get(path) != sound[path]:
                    verify()
            except FileNotFoundError:
                if self._is_still(home, opened.generation):
                    raise
                return  # somebody committed meanwhile
        self._sound = sound

    def _is_still(self, home: Path, generation: int) -> bool:
        """Tell whether nobody committed anything after this."""
        return home == self._home() and _generation(home) == generation

    def _home(self) -> Path | None:
        """Return the folder of the index of our version that was finished last."""
        numbered = self._numbered()
        return max(numbered)[1] if numbered else None

    def _numbered(self) -> list[tuple[int, Path]]:
        pattern = re.compile(rf"{re.escape(self._kind)}\.([0-9]+)")
        return [(int(found[1]), path) for path in self._paths() if (found := pattern.fullmatch(path.name))]

    def _others(self) -> list[Path]:
        """Return what is there of other versions."""
        own = {path for _, path in self._numbered()}
        return [path for path in self._paths() if path not in own and path.name not in {_LOCK_FILE, _UNFINISHED}]

    def _paths(self) -> list[Path]:
        try:
            return list(self._folder.iterdir())
        except FileNotFoundError:
            return []

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        """Turn whatever is raised over a damaged file into `SearchUnavailable`, and leave word for the worker.

        Whoosh unpickles and raises plain `Exception` itself, so that nothing narrower would be complete.
        """
        try:
            yield
        except (SearchUnavailable, IndexBusy):
            raise
        except Exception as error:
            self._opened = None
            if not (isinstance(error, OSError) and error.errno in _NOT_THE_INDEX):
                self._report_damage(error)
            raise SearchUnavailable from error

    def _report_damage(self, error: Exception) -> None:
        log.error("the search index cannot be read and will be rebuilt: %s: %s", type(error).__name__, error)
        home = self._home()
        if home is not None:
            with contextlib.suppress(OSError):  # a read-only folder: the line above is all that can be done
                (home / _DAMAGE_FILE).touch()

    # Writing.

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
    def _built(self) -> Iterator[Path]:
        """Give a folder for a new index; when the block ends it is the index, unless the block failed."""
        fresh = self._folder / _UNFINISHED
        _remove(fresh)  # of a writer that was killed
        fresh.mkdir(mode=0o700)
        try:
            with _released(_Storage(fresh)) as storage:
                FileIndex.create(storage, _SCHEMA, _NAME)
            yield fresh
        except BaseException:
            _remove(fresh)
            raise
        number = max((number for number, _ in self._numbered()), default=0) + 1
        finished = fresh.rename(self._folder / f"{self._kind}.{number}")
        _sync(self._folder)
        for path in self._paths():
            if path != finished and path.name != _LOCK_FILE:
                _remove(path)

    def _write(self, home: Path, documents: Iterable[Document], gone: set[Ref]) -> None:
        """Commit documents, a segment at a time, after `gone` was taken out."""
        waiting = iter(documents)
        known = self._known()
        with _released(_Storage(home)) as storage:
            document = next(waiting, None)
            while document is not None or gone:
                with self._writer(storage) as writer:
                    self._take_out(home, writer.segments, gone)
                    gone = set()
                    texts = 0
                    while document is not None and writer.doc_count() < _LARGEST_SEGMENT and texts < _LARGEST_TEXTS:
                        texts += len(document.body)
                        with self._guarded():
                            writer.add_document(**{_COLUMN: ToWrite(document, self._encoder, known)})
                        document = next(waiting, None)
                    with self._guarded():
                        writer.commit(mergetype=_merging(_MERGED_AT_ONCE))
        _settle(home)

    @contextlib.contextmanager
    def _writer(self, storage: _Storage) -> Iterator[Any]:
        with self._guarded():
            writer = writing.SegmentWriter(_open(storage), compound=False)
        try:
            yield writer
        finally:
            if not writer.is_closed:
                with self._guarded():
                    writer.cancel()

    def _take_out(self, home: Path, segments: list[Any], gone: set[Ref]) -> None:
        with self._guarded():
            opened = self._opened
            leaves = opened.leaves if opened is not None and opened.seen.home == home.name else {}
            for segment in segments if gone else ():
                known = leaves.get(segment.segment_id())
                arrays = _segment(home, segment) if known is None else known.segment
                for number in arrays.numbers(gone).tolist():
                    if not segment.is_deleted(number):
                        segment.delete_document(number)

    def _known(self) -> Callable[[str], float]:
        """Return how well German words are known, from the list of words and from what is indexed already."""
        listed = lexicon.opened()
        try:
            with self._guarded():
                snapshot = self._current()
        except SearchUnavailable:  # it is being rebuilt: the list of words has to do
            snapshot = None

        def known(word: str) -> float:
            seen = 0
            if snapshot is not None:
                seen = int(snapshot.counts(np.array([digest(word, "de")], dtype=np.uint64))[0])
            return math.log1p(seen) + (_LISTED if listed.knows(word, "de") else 0.0)

        return known


class _Seen(NamedTuple):
    """What the folders looked like when the index was opened."""

    home: str
    root_changed: int
    home_changed: int
    settled: bool
    """Whether the last change was long enough ago to be told from the next one."""

    @classmethod
    def of(cls, folder: Path, home: Path) -> "_Seen":
        root_changed, home_changed = folder.stat().st_mtime_ns, home.stat().st_mtime_ns
        return cls(
            home.name, root_changed, home_changed, time.time_ns() - max(root_changed, home_changed) > _SETTLED_NS
        )


class _Opened(NamedTuple):
    """A snapshot and where it comes from."""

    folder: Path
    seen: _Seen
    generation: int
    leaves: dict[str, Leaf]
    snapshot: Snapshot

    def is_current(self) -> bool:
        """Tell whether certainly nothing was committed since; False also where it cannot be told so quickly."""
        if not self.seen.settled:
            return False
        try:
            return (
                os.stat(self.folder).st_mtime_ns == self.seen.root_changed  # noqa: PTH116 -- asked at every search
                and os.stat(self.folder / self.seen.home).st_mtime_ns == self.seen.home_changed  # noqa: PTH116
            )
        except FileNotFoundError:
            return False


def _open(storage: _Storage) -> FileIndex:
    """Open the index with our schema: the one in the folder is not even unpickled."""
    return FileIndex(storage, schema=_SCHEMA, indexname=_NAME)


def _toc(home: Path) -> Any:
    """Read what the last commit left: which segments there are and what is deleted in them."""
    with _released(_Storage(home)) as storage:
        return _open(storage)._read_toc()  # noqa: SLF001 -- what readers of Whoosh do


def _segment(home: Path, segment: Any) -> Segment:
    descriptor = os.open(home / W3Codec.column_filename(segment, _COLUMN), os.O_RDONLY)
    return Segment(descriptor, 0, os.fstat(descriptor).st_size, segment.doc_count_all())


def _generation(home: Path) -> int:
    try:
        names = os.listdir(home)  # noqa: PTH208 -- names are all that is needed
    except FileNotFoundError:
        return -1
    return max((int(found[1]) for name in names if (found := _TOC.fullmatch(name))), default=-1)


def _merging(most: int) -> Callable[[Any, list[Any]], list[Any]]:
    """Return a merge policy of Whoosh's: it copies what it merges into the writer and returns what stays as it is."""

    def merge(writer: Any, segments: list[Any]) -> list[Any]:
        chosen = _too_many(segments, most)
        for segment in chosen:
            reader = SegmentReader(writer.storage, writer.schema, segment)
            writer.add_reader(reader)
        return [segment for segment in segments if segment not in chosen and segment.doc_count()]

    return merge


def _too_many(segments: list[Any], most: int) -> list[Any]:
    """Return the segments to become one, `most` documents at most: many of a size, or full of deleted documents."""
    tiers: dict[int, list[Any]] = {}
    for segment in segments:
        if segment.doc_count():
            tiers.setdefault(int(math.log(segment.doc_count(), _TIER)), []).append(segment)
    chosen = [segment for segment in segments if 0 < segment.deleted_count() > _MOST_DELETED * segment.doc_count_all()]
    for tier in sorted(tiers):
        if len(tiers[tier]) >= _TIER:
            chosen += [segment for segment in tiers[tier] if segment not in chosen]
            break
    fitting: list[Any] = []
    for segment in sorted(chosen, key=lambda each: each.doc_count()):
        if segment.doc_count() and sum(each.doc_count() for each in fitting) + segment.doc_count() <= most:
            fitting.append(segment)
    alone = len(fitting) == 1 and not fitting[0].deleted_count()
    return [] if alone else fitting


def _settle(folder: Path) -> None:
    """Bring what was committed to the disk, Whoosh does not."""
    for path in folder.iterdir():
        if path.is_file():
            _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
