"""The embedder against BERT's equations written out, and against what was published of a genuine model."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weights import (
    CONFIG,
    HEADS,
    HIDDEN,
    LAYERS,
    MODULES,
    POSITIONS,
    WORDS,
    Weights,
    random_weights,
    safetensors,
    save,
    tokenizer,
)
from whyfeel.models.bert import gelu, gelu_tanh
from whyfeel.models.embedder import Embedder, load_embedder
from whyfeel.models.safetensors import Tensors

Row = list[float]
TEXTS = ["a b c", "", "z", "q w e r t y u i", "B", "c b a", "ä ß 1 a", "a b c d e f g h i j k l"]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The folder of a tiny encoder."""
    return save(tmp_path / "tiny", safetensors(random_weights()))


@pytest.fixture(scope="session")
def released(eibench: Path) -> list[str]:
    """The annotated triggers of EIBench basic."""
    truth = json.loads((eibench / "EI_Basic" / "basic_ground_truth.json").read_text(encoding="utf-8"))
    return [line.partition(".")[2].strip() for text in truth.values() for line in text.splitlines() if line.strip()]


# BERT as it is written down (https://arxiv.org/abs/1810.04805, 1706.03762), in Python's double precision


def dot(one: Row, other: Row) -> float:
    return math.fsum(x * y for x, y in zip(one, other, strict=True))


def added(one: list[Row], other: list[Row]) -> list[Row]:
    return [[x + y for x, y in zip(*rows, strict=True)] for rows in zip(one, other, strict=True)]


def dense(weights: Weights, name: str, rows: list[Row]) -> list[Row]:
    w, b = weights[f"{name}.weight"].tolist(), weights[f"{name}.bias"].tolist()
    return [[dot(row, line) + b[i] for i, line in enumerate(w)] for row in rows]


def norm(weights: Weights, name: str, rows: list[Row]) -> list[Row]:
    w, b = weights[f"{name}.weight"].tolist(), weights[f"{name}.bias"].tolist()
    done = []
    for row in rows:
        mean = math.fsum(row) / len(row)
        spread = math.sqrt(math.fsum((x - mean) ** 2 for x in row) / len(row) + CONFIG["layer_norm_eps"])
        done.append([(x - mean) / spread * w[i] + b[i] for i, x in enumerate(row)])
    return done


def attention(query: list[Row], key: list[Row], value: list[Row]) -> list[Row]:
    size = HIDDEN // HEADS
    done = [[0.0] * HIDDEN for _ in query]
    for head in range(HEADS):
        part = range(head * size, head * size + size)
        for i, asked in enumerate(query):
            scores = [math.fsum(asked[d] * other[d] for d in part) / math.sqrt(size) for other in key]
            total = math.fsum(math.exp(s) for s in scores)
            for d in part:
                done[i][d] = math.fsum(math.exp(s) / total * v[d] for s, v in zip(scores, value, strict=True))
    return done


def exact_gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


def tanh_gelu(x: float) -> float:
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def written_out(
    w: Weights, numbers: list[int], pooling: str = "mean", act: Callable[[float], float] = exact_gelu
) -> Row:
    words, places, segments = (
        w[f"embeddings.{kind}_embeddings.weight"].tolist() for kind in ("word", "position", "token_type")
    )
    rows = added([words[n] for n in numbers], places[: len(numbers)])
    rows = norm(w, "embeddings.LayerNorm", added(rows, segments[:1] * len(numbers)))
    for i in range(LAYERS):
        at = f"encoder.layer.{i}."
        mixed = attention(*(dense(w, f"{at}attention.self.{part}", rows) for part in ("query", "key", "value")))
        mixed = dense(w, f"{at}attention.output.dense", mixed)
        rows = norm(w, f"{at}attention.output.LayerNorm", added(rows, mixed))
        wide = [[act(x) for x in row] for row in dense(w, f"{at}intermediate.dense", rows)]
        rows = norm(w, f"{at}output.LayerNorm", added(rows, dense(w, f"{at}output.dense", wide)))
    whole = rows[0] if pooling == "cls" else [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
    return [x / math.sqrt(dot(whole, whole)) for x in whole]


def numbers_of(text: str, most: int = 10) -> list[int]:
    """What the tiny tokenizer makes of letters between blanks."""
    known = [WORDS.index(word) if word in WORDS else 1 for word in text.lower().replace("ä", "a").split()]
    return [2, *known[: most - 2], 3]


@pytest.mark.parametrize(
    ("act", "one"), [("gelu", exact_gelu), ("gelu_new", tanh_gelu), ("gelu_pytorch_tanh", tanh_gelu)]
)
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_are_what_the_equations_give(
    tmp_path: Path, act: str, one: Callable[[float], float], pooling: str
) -> None:
    weights = random_weights(3)
    mode = {"pooling_mode_cls_token": pooling == "cls", "pooling_mode_mean_tokens": pooling == "mean"}
    folder = save(tmp_path / "m", safetensors(weights), config=CONFIG | {"hidden_act": act}, pooling=mode)
    found = load_embedder(str(folder))(TEXTS)
    expected = [written_out(weights, numbers_of(text), pooling, one) for text in TEXTS]
    assert found.dtype == np.float32
    assert found.shape == (len(TEXTS), HIDDEN)
    assert np.abs(found - np.array(expected)).max() < 2e-6


@pytest.mark.parametrize(("fast", "one"), [(gelu, exact_gelu), (gelu_tanh, tanh_gelu)])
def test_the_activation_is_near_the_exact_one(fast: Callable[[Any], Any], one: Callable[[float], float]) -> None:
    x = np.concatenate([np.linspace(-9, 9, 4001), [-1e4, -60, 60, 1e4, -1e-30, 0]]).astype(np.float32)
    kept = x.copy()
    exact = np.array([one(float(v)) for v in x])
    assert np.all(np.abs(fast(x) - exact) <= 1e-6 * np.maximum(1, np.abs(exact)))
    assert np.array_equal(x, kept)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text("abc Z#é喜", max_size=30) | st.text(max_size=30), max_size=12))
def test_a_vector_has_length_one_and_does_not_depend_on_its_company(tiny: Path, texts: list[str]) -> None:
    embedder = load_embedder(str(tiny))
    found = embedder(texts)
    assert found.shape == (len(texts), HIDDEN)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    for text, row in zip(texts, found, strict=True):
        assert np.abs(embedder([text])[0] - row).max() < 1e-6
        assert np.abs(embedder([text, *["a b c d"] * 300])[0] - row).max() < 1e-6


def test_many_texts_come_back_in_their_order(tiny: Path) -> None:
    embedder = load_embedder(str(tiny))
    texts = [" ".join("abcdefgh"[: i % 7]) + f" {'xyz'[i % 3]}" for i in range(2500)]
    apart = {text: embedder([text])[0] for text in set(texts)}
    assert np.abs(embedder(texts) - np.array([apart[text] for text in texts])).max() < 1e-6


@pytest.mark.parametrize("prefix", ["", "bert.", "0.auto_model."])
@pytest.mark.parametrize("pad", [0, 1, 2])
def test_names_and_places_make_no_difference(tiny: Path, tmp_path: Path, prefix: str, pad: int) -> None:
    moved = save(tmp_path / "moved", safetensors(random_weights(), prefix=prefix, pad=pad))
    assert np.array_equal(load_embedder(str(moved))(TEXTS), load_embedder(str(tiny))(TEXTS))


def test_single_precision_is_not_copied(tiny: Path) -> None:
    taken = Tensors(tiny / "model.safetensors").take("embeddings.word_embeddings.weight", None, HIDDEN)
    assert np.array_equal(taken, random_weights()["embeddings.word_embeddings.weight"])
    assert not taken.flags.owndata
    assert not taken.flags.writeable


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_halves_are_read_as_the_numbers_they_are(tmp_path: Path, dtype: str) -> None:
    weights = random_weights()
    if dtype == "F16":
        rounded = {name: values.astype(np.float16).astype(np.float32) for name, values in weights.items()}
    else:  # the lower 16 bits of a single are gone
        rounded = {name: (values.view(np.uint32) & 0xFFFF0000).view(np.float32) for name, values in weights.items()}
    half = load_embedder(str(save(tmp_path / "half", safetensors(weights, dtype))))
    single = load_embedder(str(save(tmp_path / "single", safetensors(rounded))))
    assert np.array_equal(half(TEXTS), single(TEXTS))
    assert half.digest != single.digest


@pytest.mark.parametrize(
    ("limits", "most"),
    [({"max_seq_length": 5}, 5), ({"max_seq_length": 400}, POSITIONS), ({}, POSITIONS), (None, POSITIONS)],
)
def test_a_text_is_cut_at_the_length_of_the_model(tmp_path: Path, limits: object, most: int) -> None:
    weights = random_weights()
    embedder = load_embedder(str(save(tmp_path / "m", safetensors(weights), limits=limits)))
    letters = " ".join("abcdefghijklmnopqrstuvwxyz")
    assert np.abs(embedder([letters])[0] - written_out(weights, numbers_of(letters, most))).max() < 2e-6


def test_no_more_is_read_than_memory_allows(tmp_path: Path) -> None:
    weights = random_weights()
    weights["embeddings.position_embeddings.weight"] = np.tile(
        weights["embeddings.position_embeddings.weight"], (50, 1)
    )
    folder = save(tmp_path / "m", safetensors(weights), limits={"max_seq_length": 800})
    found = load_embedder(str(folder))(["a " * 509 + "b", "a " * 509 + "b " * 90, "a " * 510])
    assert np.array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])


@pytest.mark.parametrize(
    ("modules", "pooling", "expected"),
    [
        (None, None, "mean"),
        (None, {"pooling_mode_cls_token": True}, "cls"),
        (MODULES[:2], {"pooling_mode": "cls", "embedding_dimension": 8}, "cls"),
        (MODULES, {"pooling_mode": "mean", "include_prompt": True}, "mean"),
        (
            [{"path": "", "type": "Transformer"}, {"path": "1_Pooling", "type": "new.Pooling"}],
            {"pooling_mode": "mean"},
            "mean",
        ),
    ],
)
def test_the_ways_a_pooling_is_written(tmp_path: Path, modules: object, pooling: object, expected: str) -> None:
    weights = random_weights()
    embedder = load_embedder(str(save(tmp_path / "m", safetensors(weights), modules=modules, pooling=pooling)))
    assert np.abs(embedder(["f e"])[0] - written_out(weights, numbers_of("f e"), expected)).max() < 2e-6


def test_texts_at_the_edge(tmp_path: Path) -> None:
    bare = tokenizer() | {"post_processor": None}
    embedder = load_embedder(str(save(tmp_path / "m", safetensors(random_weights()), tokens=bare)))
    assert embedder([]).shape == (0, HIDDEN)
    found = embedder(["", "a", " \u200b\n", "x\ud800", "x?"])
    assert np.array_equal(np.linalg.norm(found, axis=1).round(6), [0, 1, 0, 1, 1])
    assert np.array_equal(found[3], found[4])


def test_a_vector_of_zeros_stays_one(tmp_path: Path) -> None:
    weights = random_weights()
    for kind in ("weight", "bias"):
        weights[f"encoder.layer.{LAYERS - 1}.output.LayerNorm.{kind}"][:] = 0
    assert not load_embedder(str(save(tmp_path / "m", safetensors(weights))))(["a"]).any()


def test_the_digest_is_that_of_what_decides_the_vectors(tmp_path: Path) -> None:
    weights = random_weights()
    base = load_embedder(str(save(tmp_path / "a", safetensors(weights))))
    assert (base.name, base.dimension) == (str(tmp_path / "a"), HIDDEN)
    assert len(base.digest) == 64
    same = save(tmp_path / "b", safetensors(weights), config={"_name_or_path": "x", **CONFIG}, modules=MODULES[:2])
    (same / "pytorch_model.bin").write_bytes(b"never read")
    assert load_embedder(str(same)).digest == base.digest
    changed = [
        {"config": CONFIG | {"hidden_act": "gelu_new"}},
        {"config": CONFIG | {"num_attention_heads": 4}},
        {"config": CONFIG | {"layer_norm_eps": 1e-5}},
        {"pooling": {"pooling_mode_cls_token": True}},
        {"limits": {"max_seq_length": 9}},
        {"tokens": tokenizer() | {"padding": None}},
    ]
    folders = [save(tmp_path / str(i), safetensors(weights), **one) for i, one in enumerate(changed)]
    folders.append(save(tmp_path / "w", safetensors(random_weights(1))))
    assert len({load_embedder(str(folder)).digest for folder in folders} - {base.digest}) == len(folders)


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = "import sys, whyfeel.models.embedder; print({'tokenizers', 'huggingface_hub', 'scipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_genuine_model_gives_the_published_similarities(minilm: Embedder) -> None:
    # https://sbert.net/docs/quickstart.html
    rows = minilm(["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."])
    expected = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    assert np.abs(rows @ rows.T - np.array(expected)).max() < 1e-4
    assert minilm.dimension == 384
    # what runs record: it must not change as long as the vectors do not
    assert minilm.digest == "4748e448cf975caca78934db1ba25f5163c4263e23afceb79800cfc8f6302f29"


OTHER = """
import json, sys
sys.path.insert(0, sys.argv[1])
from minilm_numpy import NpMiniLM
print(json.dumps(NpMiniLM(sys.argv[2]).encode(json.load(sys.stdin), 8).tolist()))
"""


def test_the_genuine_model_agrees_with_another_forward_pass(
    minilm: Embedder, shared: Path, released: list[str]
) -> None:
    texts = [*released[::150], "why does she smile? " * 20, "why does she smile? " * 99, "喜び \u202e é" * 20]
    assert len(texts) > 50
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", OTHER, str(shared / "prototype"), minilm.name],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )
    assert np.abs(minilm(texts) - np.array(json.loads(done.stdout))).max() < 1e-5
