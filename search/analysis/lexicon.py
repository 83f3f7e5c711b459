"""What words there are: German and English word lists of an installed package, as sorted digests.

The lists are those of pyspellchecker. As Python strings they would take 60 MB in every process, as digests they take 4.
They are made once by a process of its own (reading the lists takes that memory for a moment) and kept in a file.
"""

import gzip
import json
import os
import subprocess
import sys
import zipfile
from functools import lru_cache
from importlib import metadata, resources
from pathlib import Path
from tempfile import NamedTemporaryFile, gettempdir
from typing import Final

import numpy as np
from numpy.typing import NDArray

from search.analysis import hashes
from search.analysis.text import folded

LOCALES: Final = ("de", "en")
_PACKAGE: Final = "pyspellchecker"
_FORMAT: Final = 1
_SECONDS: Final = 120


class Lexicon:
    """Sorted digests of the folded words of each language, and how common each is."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as kept:
            self._words: dict[str, NDArray[np.uint64]] = {locale: kept[f"{locale}_words"] for locale in LOCALES}
            self._counts: dict[str, NDArray[np.uint32]] = {locale: kept[f"{locale}_counts"] for locale in LOCALES}

    def knows(self, word: str, locale: str) -> bool:
        """Tell whether a folded word is a word of `locale`."""
        return hashes.place(hashes.of(word), self._words[locale]) >= 0

    def counts(self, digests: NDArray[np.uint64], locale: str) -> NDArray[np.int64]:
        """Return how often each word was seen in the texts behind the list, int64[n]; 0 for what is no word."""
        found = hashes.places(digests, self._words[locale])
        return np.where(found >= 0, self._counts[locale][found].astype(np.int64), 0)


@lru_cache(maxsize=1)
def opened() -> Lexicon:
    """Return the lexicon; the first call on a machine makes it, which takes some seconds."""
    path = _file()
    try:
        return Lexicon(path)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):  # not made yet, or damaged
        subprocess.run(  # noqa: S603 -- our own module, in a process whose memory goes when it ends
            [sys.executable, "-m", "search.analysis.lexicon", str(path)],
            cwd=Path(__file__).parents[2],
            check=True,
            timeout=_SECONDS,
        )
        return Lexicon(path)


def _file() -> Path:
    """Return where the lexicon is kept: among what the system may throw away, shared by all installations of a user."""
    folder = Path(gettempdir()) / f"klinke-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():  # the place is everybody's: a folder in it must be ours to be believed
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder / f"lexicon-{_FORMAT}-{metadata.version(_PACKAGE)}.npz"


def _make(path: Path) -> None:
    arrays: dict[str, NDArray[np.uint64] | NDArray[np.uint32]] = {}
    for locale in LOCALES:
        listed = resources.files("spellchecker") / "resources" / f"{locale}.json.gz"
        seen: dict[str, int] = {}
        for word, count in json.loads(gzip.decompress(listed.read_bytes())).items():
            seen[folded(word)] = seen.get(folded(word), 0) + int(count)
        digests = hashes.of_all(seen)
        order = np.argsort(digests)
        arrays[f"{locale}_words"] = digests[order]
        arrays[f"{locale}_counts"] = np.fromiter(seen.values(), dtype=np.uint32)[order]
    # Several processes may start at once: each makes a file of its own, and the last rename is as good as the first.
    with NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub of savez takes one kind of array only
    Path(file.name).replace(path)


if __name__ == "__main__":
    _make(Path(sys.argv[1]))
