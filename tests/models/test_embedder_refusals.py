"""What is no plain BERT, is damaged, or cannot be had is told in one line; nothing of it is run."""

from __future__ import annotations

import doctest
import json
import math
import os
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weights import CONFIG, MODULES, Weights, packed, random_weights, safetensors, save, tokenizer
from whyfeel import checkpoint_files
from whyfeel.errors import DataError, UserError
from whyfeel.models.embedder import load_embedder

TEXTS = ["a b c", "", "ä ß 1 a", "a b c d e f g h i j k l"]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The folder of a tiny encoder."""
    return save(tmp_path / "tiny", safetensors(random_weights()))


def refusal(spec: object, **options: Any) -> str:
    """What a user is told: one line, not too long for one."""
    with pytest.raises(UserError) as refused:
        load_embedder(str(spec), **options)
    said = str(refused.value)
    assert "\n" not in said
    assert len(said) < 1500
    return said


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("config.json", CONFIG | {"model_type": "roberta"}, "model_type is 'roberta', expected 'bert'"),
        ("config.json", CONFIG | {"hidden_act": "relu"}, "hidden_act is 'relu', expected 'gelu' or 'gelu_new'"),
        ("config.json", CONFIG | {"position_embedding_type": "relative_key"}, "expected 'absolute'"),
        ("config.json", CONFIG | {"is_decoder": True}, "is_decoder is True, expected False"),
        ("config.json", CONFIG | {"num_attention_heads": 3}, "num_attention_heads are [8, 2, 3]"),
        ("config.json", CONFIG | {"num_attention_heads": 0}, "num_attention_heads are [8, 2, 0]"),
        ("config.json", CONFIG | {"num_hidden_layers": 10**30}, "whole numbers"),
        ("config.json", CONFIG | {"num_hidden_layers": 3}, "there is no tensor 'encoder.layer.2."),
        ("config.json", CONFIG | {"hidden_size": 16}, "has the shape [30, 8], expected [any, 16]"),
        ("config.json", CONFIG | {"hidden_size": None}, "are [None, 2, 2]"),
        ("config.json", CONFIG | {"layer_norm_eps": "1e-12"}, "layer_norm_eps is '1e-12'"),
        ("config.json", [CONFIG], "is not a JSON object"),
        ("config.json", None, "config.json' is missing"),
        ("tokenizer.json", None, "tokenizer.json' is missing"),
        ("tokenizer.json", {}, "is no sound tokenizer"),
        ("modules.json", {}, "is not a JSON list"),
        ("modules.json", [*MODULES, {"type": "sentence_transformers.models.Dense", "path": "3_Dense"}], "'Dense'"),
        ("modules.json", [MODULES[0] | {"path": "0_BERT"}, MODULES[1]], "in the folder itself"),
        ("modules.json", ["x", 3], "['None', 'None']"),
        ("1_Pooling/config.json", None, "is missing, and modules.json names it"),
        (
            "1_Pooling/config.json",
            {"pooling_mode_max_tokens": True},
            "['pooling_mode_max_tokens'], expected mean or",
        ),
        ("1_Pooling/config.json", {"pooling_mode": ["mean", "cls"]}, "[['mean', 'cls']]"),
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, "'mean', 'cls'"),
        ("1_Pooling/config.json", {}, "the pooling is []"),
        ("sentence_bert_config.json", {"max_seq_length": 2}, "max_seq_length is 2"),
        ("sentence_bert_config.json", {"max_seq_length": "256"}, "max_seq_length is '256'"),
        ("sentence_bert_config.json", {"do_lower_case": True}, "do_lower_case is True"),
    ],
)
def test_what_cannot_be_run_is_refused(tiny: Path, file: str, content: object, told: str) -> None:
    if content is None:
        (tiny / file).unlink()
    else:
        (tiny / file).write_text(json.dumps(content))
    said = refusal(tiny)
    assert str(tiny / file) in said or str(tiny / "model.safetensors") in said
    assert told in said


def test_settings_that_are_no_settings(tiny: Path) -> None:
    for content in (b"\xff\xfe{\x00}\x00", b"[" * 100_000, b"9" * 5000, b"", b"{" + b" " * (1 << 20) + b"}"):
        (tiny / "config.json").write_bytes(content)
        assert "config.json" in refusal(tiny)
    (tiny / "config.json").unlink()
    os.mkfifo(tiny / "config.json")  # is not waited for
    assert "config.json' is missing" in refusal(tiny)


def test_a_pickle_is_never_read(tiny: Path) -> None:
    (tiny / "model.safetensors").unlink()
    assert "has no model.safetensors; take a model" in refusal(tiny)
    (tiny / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'touch run'\ntR.")
    assert "'pytorch_model.bin' is not read, since a pickle can run code" in refusal(tiny)
    assert not Path("run").exists()


@pytest.mark.parametrize(
    "break_it",
    [
        lambda tokens: tokens["post_processor"]["special_tokens"].pop("[SEP]"),  # the library panics
        lambda tokens: tokens["post_processor"]["special_tokens"]["[SEP]"].update(ids=[30]),
        lambda tokens: tokens["model"]["vocab"].update({"more": 30}),
        lambda tokens: tokens["model"]["vocab"].pop("[UNK]"),
    ],
)
def test_a_tokenizer_of_another_model_is_told_before_a_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], break_it: Callable[[dict[str, Any]], object]
) -> None:
    tokens = tokenizer()
    break_it(tokens)
    said = refusal(save(tmp_path / "m", safetensors(random_weights()), tokens=tokens))
    assert "tokenizer.json" in said
    assert "get the model's files anew" in said


def test_a_start_and_end_too_long_for_the_weights(tmp_path: Path) -> None:
    tokens = tokenizer()
    tokens["post_processor"]["special_tokens"]["[CLS]"] |= {"ids": [2] * 40, "tokens": ["[CLS]"] * 40}
    assert "makes texts of 4" in refusal(save(tmp_path / "m", safetensors(random_weights()), tokens=tokens))


@pytest.mark.parametrize("value", [math.nan, math.inf, 3e38])
def test_weights_that_give_no_numbers_are_told_before_a_run(tmp_path: Path, value: float) -> None:
    weights = random_weights()
    weights["encoder.layer.1.output.LayerNorm.weight"][:] = value
    weights["encoder.layer.1.output.LayerNorm.bias"][:] = value
    assert "no finite vectors" in refusal(save(tmp_path / "m", safetensors(weights)))


ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
DEEP = b'{"a":' * 50_000


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "a header of 0 bytes in a file of 0"),
        (b"\x02\x00\x00", "a header of 2 bytes in a file of 3"),
        (b"\x00" * 8, "a header of 0 bytes"),
        (b"\xff" * 8 + b"{}", "a header of 18,446,744,073,709,551,615 bytes in a file of 10"),
        (packed(b"{}" + b" " * (1 << 20)), "a header of 1,048,578 bytes"),
        (packed(b"{]"), "not JSON"),
        (packed(b"\xff\xfe{\x00}\x00"), "not JSON"),
        (packed(DEEP), "not JSON"),
        (packed(b'{"a": ' + b"9" * 5000 + b"}"), "not JSON"),
        (packed(b"[]"), "no JSON object"),
        (packed({"a": 3}), "'a' is 3"),
        (packed({"a": ONE | {"dtype": "F4"}}, bytes(8)), "no known dtype"),
        (packed({"a": ONE | {"dtype": ["F32"]}}, bytes(8)), "no known dtype"),
        (packed({"a": ONE | {"shape": [3]}}, bytes(8)), "does not fit its shape"),
        (packed({"a": ONE | {"shape": [-1, -2]}}, bytes(8)), "does not fit its shape"),
        (packed({"a": ONE | {"shape": [2.0]}}, bytes(8)), "does not fit its shape"),
        (packed({"a": ONE | {"shape": [2] + [1] * 8}}, bytes(8)), "does not fit its shape"),
        (packed({"a": ONE | {"shape": [10**300] * 500}}, bytes(8)), "does not fit its shape"),
        (packed({"a": ONE | {"shape": [-(10**4000)] * 6}}, bytes(8)), "does not fit its shape"),
        (packed({"a": ONE | {"data_offsets": [8, 0]}}, bytes(8)), "does not fit its shape"),
        (packed({"a": ONE | {"data_offsets": [-8, 0]}}, bytes(8)), "does not fit its shape"),
        (packed({"a": ONE}, bytes(7)), "take 8 bytes and 7 are there"),
        (packed({"a": ONE}, bytes(9)), "take 8 bytes and 9 are there"),
        (packed({"a": ONE, "b": ONE}, bytes(8)), "'b' starts at byte 0, expected 8"),
        (packed({"a": ONE | {"data_offsets": [4, 12]}}, bytes(12)), "'a' starts at byte 4, expected 0"),
        (packed({"a": ONE | {"shape": [10**12], "data_offsets": [0, 4 * 10**12]}}, bytes(8)), "4000000000000 bytes"),
        (packed({"a": ONE}, bytes(8)), "there is no tensor 'embeddings.word_embeddings.weight'"),
        (packed({}), "there is no tensor"),
    ],
)
def test_a_damaged_file_of_weights_is_refused(tiny: Path, data: bytes, told: str) -> None:
    (tiny / "model.safetensors").write_bytes(data)
    said = refusal(tiny)
    assert said.startswith(f"{str(tiny / 'model.safetensors')!r} ")
    assert told in said


def zeros(*shape: int) -> Any:
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w.pop("encoder.layer.1.output.dense.bias"), "no tensor 'encoder.layer.1.output.dense.bias'"),
        (lambda w: w.update({"embeddings.LayerNorm.bias": zeros(7)}), "shape [7], expected [8]"),
        (lambda w: w.update({"embeddings.LayerNorm.bias": zeros(8, 1)}), "[8, 1], expected [8]"),
        (lambda w: w.update({"embeddings.position_embeddings.weight": zeros(0, 8)}), "[0, 8], expected [any, 8]"),
        (lambda w: w.update({"encoder.layer.0.output.dense.weight": zeros(8, 11)}), "[8, 11], expected [8, 12]"),
    ],
)
def test_weights_that_do_not_belong_together(tmp_path: Path, change: Callable[[Weights], object], told: str) -> None:
    weights = random_weights()
    change(weights)
    assert told in refusal(save(tmp_path / "m", safetensors(weights)))


def test_numbers_of_another_kind(tmp_path: Path) -> None:
    said = refusal(save(tmp_path / "m", safetensors(random_weights(), "F64")))
    assert "'embeddings.word_embeddings.weight' holds F64, expected F32, F16, BF16" in said


FILES = [
    *("model.safetensors", "config.json", "tokenizer.json", "modules.json", "1_Pooling/config.json"),
    "sentence_bert_config.json",
]
PIECES = [
    *(b"", b"\x00", b"\xff", b'"', b"[", b"]", b"{", b"}", b",", b"-1", b"0", b"1", b"null"),
    *(b"9" * 30, b"9" * 5000, b"[" * 2000),
]
EDIT = st.tuples(
    st.floats(0, 0.2) | st.floats(0, 1),  # the header of the weights, or the whole of a file
    st.sampled_from([0, 1, 2, 8, 60, 1 << 20]),
    st.sampled_from(PIECES) | st.binary(max_size=9),
)


def loaded(folder: Path) -> Any:
    """The vectors of some texts, or what was raised for a user."""
    try:
        return load_embedder(str(folder))(TEXTS)
    except DataError as error:
        return str(error)


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(file=st.sampled_from([*FILES, *FILES[:1] * 4]), edits=st.lists(EDIT, min_size=1, max_size=3))
def test_whatever_happened_to_a_file_it_is_told_in_one_line(
    tiny: Path, file: str, edits: list[tuple[float, int, bytes]]
) -> None:
    sound = data = (tiny / file).read_bytes()
    for where, lost, piece in edits:
        start = int(where * len(data))
        data = data[:start] + piece + data[start + lost :]
    (tiny / file).write_bytes(data)
    tracemalloc.start()
    try:
        found = loaded(tiny)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        (tiny / file).write_bytes(sound)
    assert peak < 4 << 20
    if isinstance(found, str):
        assert str(tiny) in found
        assert "\n" not in found
        assert len(found) < 1500
    else:
        sizes = np.linalg.norm(found, axis=1)
        assert np.all((np.abs(sizes - 1) < 1e-6) | (sizes == 0))


def test_without_the_extra_it_says_how_to_get_it(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    assert refusal(tiny) == f"--embedder {str(tiny)!r} needs the package tokenizers: pip install 'whyfeel[embed]'"
    assert "whyfeel[embed]" in refusal("org/name")  # before anything is downloaded


@pytest.mark.parametrize(
    "spec",
    ["", "minilm", "./org/name", "/no/such/folder", "org/name/more", "x" * 5000, "a\x00/b", "org/..", "喜/び"],
)
def test_what_is_neither_folder_nor_id(spec: str) -> None:
    assert "expected a folder, or a model's id on the Hugging Face Hub such as sentence-transformers/" in refusal(spec)


def test_a_model_is_taken_from_the_cache_of_the_hub(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert refusal("org/name", local_only=True) == (
        "--embedder 'org/name' is no folder, and cannot be had from the Hub: is not in the Hub's cache, and "
        "--local-only allows no download"
    )
    commit = "0123456789abcdef0123456789abcdef01234567"
    model = tmp_path / "hub" / "models--org--name"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text(commit)
    (model / "snapshots").mkdir()
    tiny.rename(model / "snapshots" / commit)
    embedder = load_embedder("org/name", local_only=True)
    assert embedder.name == "org/name"
    assert embedder.digest == load_embedder(str(model / "snapshots" / commit)).digest


def test_only_what_is_needed_is_downloaded(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def download(name: str, **options: Any) -> str:
        asked.append((name, options))
        return str(tiny)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert load_embedder("org/name").name == "org/name"
    [(name, options)] = asked
    assert name == "org/name"
    assert sorted(options.pop("allow_patterns")) == sorted(FILES)
    assert options == {"local_files_only": False}


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(checkpoint_files).attempted > 0
    assert doctest.testmod(checkpoint_files).failed == 0


def test_a_hub_out_of_reach_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(name: str, **options: Any) -> str:
        raise RuntimeError("the first line\nand a second")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert refusal("org/name").endswith("cannot be had from the Hub: the first line")
