"""Static vectors: one for each piece of a word, and a text is their sum. They know English far better than German.

The vectors and the tokenizer are WordLlama's (256 dimensions, taken from the token embeddings of large language
models). Only its files are used: importing the package would configure the root logger and load three times the memory.
"""

from typing import Final

import numpy as np

from search.encoders import Strength, Vectors, units
from search.encoders.packaged import folder_of, mapped, storable, tokenizer

_DIMENSIONS: Final = 256
_PIECES: Final = -0.25
_PASSAGES: Final = -0.5
"""By which power of its length a vector is scaled in a sum: rare pieces of words and passages of many words have long
ones, which would drown the others."""
_SHORTEST: Final = 1e-6
_WEIGHTS: Final = f"weights/l2_supercat_{_DIMENSIONS}.safetensors"
_TOKENIZER: Final = "tokenizers/l2_supercat_tokenizer_config.json"
_CACHED_WORDS: Final = 150_000


class StaticVectors:
    name: Final = "wordllama-256-tempered"
    dimensions: Final = _DIMENSIONS
    strength: Final = {"en": Strength(1.0, 1.0), "de": Strength(0.06, 0.06)}

    def __init__(self) -> None:
        folder = folder_of("wordllama")
        self._tokenizer = tokenizer(folder / _TOKENIZER)
        (self._rows,) = mapped(folder / _WEIGHTS).values()
        self._known: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str) -> Vectors:
        found: Vectors = self.encode_each([text])[0]
        return found

    def encode_each(self, texts: list[str]) -> Vectors:
        return units(self._sums(texts))

    def encode_document(self, passages: list[str]) -> tuple[Vectors, Vectors]:
        sums = self._sums(passages)
        return units(_tempered(sums, _PASSAGES).sum(axis=0, keepdims=True))[0], units(sums)

    def _sums(self, texts: list[str]) -> Vectors:
        pieces = [self._pieces(storable(text)) for text in texts]
        sums = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
        told = [number for number, found in enumerate(pieces) if found]
        if told:
            rows = self._rows[[piece for found in pieces for piece in found]].astype(np.float32)
            starts = np.cumsum([0, *(len(pieces[number]) for number in told[:-1])])
            sums[told] = np.add.reduceat(_tempered(rows, _PIECES), starts)
        return sums

    def _pieces(self, text: str) -> list[int]:
        """Return the numbers of the pieces of a text; no piece reaches over a blank, so each word is cut once."""
        known = self._known
        if len(known) > _CACHED_WORDS:
            known.clear()
        found: list[int] = []
        for word in text.split():
            pieces = known.get(word)
            if pieces is None:
                pieces = known[word] = tuple(self._tokenizer.encode(word, add_special_tokens=False).ids)
            found += pieces
        return found


def _tempered(rows: Vectors, power: float) -> Vectors:
    """Return rows scaled by a power of their lengths, float32[n, dimensions]; a row of zeros stays one."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    result: Vectors = rows * (np.maximum(lengths, _SHORTEST) ** power)[:, None]
    return result
