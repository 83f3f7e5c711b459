"""Models that come inside packages: only their files are used, and the weights are mapped.

So all processes of a machine share what is read of them, and nothing is imported that might load far more.
"""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # one text is too little to share, and forks would warn
from tokenizers import Tokenizer

_KINDS: Final = {"F16": "<f2", "F32": "<f4", "I64": "<i8"}
_LONGEST: Final = 8_000
"""Characters of a text that are encoded."""


def folder_of(package: str) -> Path:
    """Return the folder of an installed package without importing it."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"{package} is not installed")
    return Path(found.submodule_search_locations[0])


def mapped(path: Path) -> dict[str, NDArray[Any]]:
    """Map the tensors of a safetensors file, read-only; raises `ValueError` over numbers of a kind not listed here.

    The file is eight bytes with the length of a JSON header, the header, and the data (the safetensors format).
    """
    data = np.memmap(path, dtype=np.uint8, mode="r")
    begin = 8 + int.from_bytes(data[:8].tobytes(), "little")
    header = json.loads(data[8:begin].tobytes())
    header.pop("__metadata__", None)
    tensors: dict[str, NDArray[Any]] = {}
    for name, told in header.items():
        if told["dtype"] not in _KINDS:
            raise ValueError(f"{path.name} has numbers of another kind: {told['dtype']}")
        first, last = told["data_offsets"]
        numbers = np.asarray(data[begin + first : begin + last]).view(_KINDS[told["dtype"]])
        tensors[name] = numbers.reshape(told["shape"])
    return tensors


def tokenizer(path: Path) -> Tokenizer:
    """Open a tokenizer that neither fills up nor cuts."""
    opened = Tokenizer.from_file(str(path))
    opened.no_padding()
    opened.no_truncation()
    return opened


def storable(text: str) -> str:
    """Return what a tokenizer can take of a text: not too much, blanks for all white space, nothing invisible."""
    line = " ".join(text[:_LONGEST].split())
    return line if line.isprintable() else "".join(letter for letter in line if letter.isprintable())
