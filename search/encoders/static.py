"""Static vectors: one for each piece of a word, and a text is their sum. They know English far better than German.

The vectors and the tokenizer are WordLlama's (256 dimensions, taken from the token embeddings of large language models).
Only its files are used: importing the package would configure the root logger and load three times the memory. The
weights stay in their file and are mapped, so that all processes of a machine share them.
"""

import importlib.util
import json
import os
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from search.encoders import Vectors, units

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # one text is too little to share, and forks would warn
from tokenizers import Tokenizer

_DIMENSIONS: Final = 256
_WEIGHTS: Final = f"weights/l2_supercat_{_DIMENSIONS}.safetensors"
_TOKENIZER: Final = "tokenizers/l2_supercat_tokenizer_config.json"
_LONGEST: Final = 8_000
"""Characters of a text that are encoded."""


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

    def encode(self, text: str) -> Vectors:
        return units(self._sums([text]))[0]

    def encode_document(self, passages: list[str]) -> tuple[Vectors, Vectors]:
        sums = self._sums(passages)
        return units(sums.sum(axis=0, keepdims=True))[0], units(sums)

    def _sums(self, texts: list[str]) -> Vectors:
        tokens = [
            found.ids
            for found in self._tokenizer.encode_batch_fast(
                [_storable(text) for text in texts], add_special_tokens=False
            )
        ]
        sums = np.zeros((len(texts), _DIMENSIONS), dtype=np.float32)
        told = [number for number, ids in enumerate(tokens) if ids]
        if told:
            rows = self._rows[[token for number in told for token in tokens[number]]].astype(np.float32)
            starts = np.cumsum([0, *(len(tokens[number]) for number in told[:-1])])
            sums[told] = np.add.reduceat(rows, starts)
        return sums


def _storable(text: str) -> str:
    """Return what the tokenizer can take: half a pair of surrogates is no character."""
    return text[:_LONGEST].encode("utf-8", "replace").decode()


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
    return np.memmap(path, dtype="<f2", mode="r", offset=8 + length + begin, shape=tuple(tensor["shape"]))
