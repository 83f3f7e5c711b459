"""What every engine makes of a document: its words field after field, and its vectors."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.analysis import passages, tokens
from search.documents import Document
from search.encoders import Encoder, Vectors

FIELDS: Final = ("title", "keywords", "asked", "body", "asked_inside")
"""In the order in which their words stand in a record: what is private last, so that nothing public is cut for it."""
LOCALES: Final = ("de", "en")
MOST_ASKED: Final = 50
"""Messages of each sort that a document keeps; the newest."""
LARGEST_LENGTH: Final = 0xFFFF
NOTHING: Final = ""
"""Stands between what is no neighbour: the end of a field, of a message, a word that a hyphen joins."""


class Analysed(NamedTuple):
    """A document as it is indexed."""

    locale: str
    words: list[str]
    """Folded, with `NOTHING` between what is no neighbour."""
    bounds: tuple[int, ...]
    """Where each of `FIELDS` ends in `words`."""
    lengths: tuple[int, ...]
    """How many words each of `FIELDS` has."""
    vector: NDArray[np.int8]
    """int8[dimensions]."""
    passages: NDArray[np.int8]
    """int8[n, dimensions]: those of the text, then the messages in public, then those in private."""
    passage_counts: tuple[int, int, int]


def analysed(document: Document, encoder: Encoder) -> Analysed:
    """Analyse a document."""
    locale = spoken_in(document)
    texts = {
        "title": [document.title],
        "keywords": [document.keywords],
        "asked": list(document.asked[-MOST_ASKED:]),
        "asked_inside": list(document.asked_inside[-MOST_ASKED:]),
        "body": [] if document.body.strip() == document.title.strip() else [document.body],
    }
    words: list[str] = []
    bounds, lengths = [], []
    for field in FIELDS:
        count = 0
        for text in texts[field]:
            spoken = tokens.spoken(text, locale) if text else tokens.Spoken([], [])
            words += spoken.words
            words.append(NOTHING)
            for word in spoken.joined:
                words += (word, NOTHING)
            count += len(spoken.words) + len(spoken.joined)
        bounds.append(len(words))
        lengths.append(min(count, LARGEST_LENGTH))
    own = passages.of(document.title, document.body)
    whole, each = encoder.encode_document(own)
    asked = [*texts["asked"], *texts["asked_inside"]]
    if asked:
        each = np.concatenate([each, encoder.encode_each(asked)])
    return Analysed(
        locale,
        words,
        tuple(bounds),
        tuple(lengths),
        small(whole[None, :])[0],
        small(each),
        (len(own), len(texts["asked"]), len(texts["asked_inside"])),
    )


def spoken_in(document: Document) -> str:
    """Return the language a document is indexed in."""
    return document.locale if document.locale in LOCALES else "en"


def small(rows: Vectors) -> NDArray[np.int8]:
    """Return unit vectors in one byte a number, each scaled by its own largest."""
    largest = np.maximum(np.abs(rows).max(axis=1, initial=0.0), 1e-9)
    result: NDArray[np.int8] = np.rint(rows * (127.0 / largest)[:, None]).astype(np.int8)
    return result
