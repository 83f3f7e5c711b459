"""Static vectors: one for each piece of a word, and a text is their sum. They know English far better than German.

The vectors and the tokenizer are WordLlama's (256 dimensions, taken from the token embeddings of language models). Only
its files are used: importing the package would configure the root logger and load three times the memory. The
weights stay in their file and are mapped, so that all processes of a machine share them.
"""

import importlib.util
import json
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from search.encoders import Vectors, units

_DIMENSIONS: Final = 256
_WEIGHTS: Final = f"weights/l2_supercat_{_DIMENSIONS}.safetensors"
_TOKENIZER: Final = "tokenizers/l2_supercat_tokenizer_config.json"
_LONGEST: Final = 8_000
"""Characters of a text that are encoded."""
_CACHED_WORDS: Final = 150_000


class StaticVectors:
    name: Final = "wordllama-256"
    dimensions: Final = _DIMENSIONS
    strength: Final = {"en": 1.0, "de": 0.06}

    def __init__(self) -> None:
        folder = _folder()
        self._tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._rows = _mapped(folder / _WEIGHTS)
        self._known: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str) -> Vectors:
        vector: Vectors = units(self._sums([text]))[0]
        return vector

    def encode_document(self, passages: list[str]) -> tuple[Vectors, Vectors]:
        sums = self._sums(passages)
        return units(sums.sum(axis=0, keepdims=True))[0], units(sums)

    def _sums(self, texts: list[str]) -> Vectors:
        pieces = [self._pieces(text[:_LONGEST]) for text in texts]
        sums = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
        told = [number for number, found in enumerate(pieces) if found]
        if told:
            rows = self._rows[[piece for found in pieces for piece in found]].astype(np.float32)
            sums[told] = np.add.reduceat(rows, np.cumsum([0, *(len(pieces[number]) for number in told[:-1])]))
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
                encoding = self._tokenizer.encode(_storable(word), add_special_tokens=False)
                pieces = known[word] = tuple(encoding.ids)
            found += pieces
        return found


def _storable(text: str) -> str:
    """Return what the tokenizer can take: half a pair of surrogates is no character."""
    return text.encode("utf-8", "replace").decode()


def _folder() -> Path:
    found = importlib.util.find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("wordllama is not installed")
    return Path(found.submodule_search_locations[0])


def _mapped(path: Path) -> NDArray[np.float16]:
    """Map the one tensor of a safetensors file: eight bytes with the length of a JSON header, the header, the data."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    (tensor,) = header.values()
    if tensor["dtype"] != "F16":
        raise ValueError(f"{path.name} has numbers of another kind: {tensor['dtype']}")
    begin, _end = tensor["data_offsets"]
    mapped = np.memmap(path, dtype="<f2", mode="r", offset=8 + length + begin, shape=tuple(tensor["shape"]))
    return np.asarray(mapped)  # the same memory, without what memmap does at every look
