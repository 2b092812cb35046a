"""A checkpoint is safetensors in a folder or on the Hub; what is none is told in one line, and nothing of it is run."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measuring import values

from weights import encoded, packed
from whyfeel import checkpoint_files
from whyfeel.errors import DataError, UserError
from whyfeel.metrics import checkpoints
from whyfeel.metrics.bertscore import Matching, _matching, bertscore
from whyfeel.metrics.checkpoints import Splitter, batches, find_checkpoint, load_model

ROWS = [("a cake", "the storm"), ("she is sad", "a man")]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder."""
    import tiny_models  # noqa: PLC0415 - brings torch, which takes seconds

    return tiny_models.bert(tmp_path_factory.mktemp("models") / "bert")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    """A copy of it to be spoilt."""
    return Path(shutil.copytree(saved, tmp_path / "bert"))


def refusal(spec: object, **options: Any) -> str:
    """What a user is told: one line, not too long for one."""
    with pytest.raises(UserError) as refused:
        load_model(find_checkpoint(str(spec), **options), "AutoModel", ())
    said = str(refused.value)
    assert "\n" not in said
    assert len(said) < 1000
    return said


def change(path: Path, **settings: Any) -> None:
    """Settings of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))


def tensors(path: Path) -> dict[str, tuple[str, list[int], bytes]]:
    """Name to dtype, shape and bytes of what a safetensors file holds."""
    data = path.read_bytes()
    first = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:first])
    header.pop("__metadata__", None)
    places = {name: (entry["data_offsets"], entry) for name, entry in header.items()}
    return {
        name: (entry["dtype"], entry["shape"], data[first + start : first + end])
        for name, ((start, end), entry) in places.items()
    }


def pack(path: Path, found: dict[str, tuple[str, list[int], bytes]]) -> None:
    """Such a file."""
    header, numbers = dict[str, Any](__metadata__={"format": "pt"}), b""
    for name, (dtype, shape, data) in found.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(numbers), len(numbers) + len(data)]}
        numbers += data
    path.write_bytes(packed(header, numbers))


def shards(folder: Path) -> None:
    """The weights in two files with an index."""
    found = tensors(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(found)
    parts = {f"model-0000{part}-of-00002.safetensors": names[part - 1 :: 2] for part in (1, 2)}
    for file, held in parts.items():
        pack(folder / file, {name: found[name] for name in held})
    places = {name: file for file, held in parts.items() for name in held}
    (folder / checkpoint_files.INDEX).write_text(json.dumps({"metadata": {}, "weight_map": places}))


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def indexed(*files: object) -> Callable[[Path], None]:
    """An index that names these files for the weights."""

    def spoil(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
        places = {f"w{number}": file for number, file in enumerate(files)}
        (folder / checkpoint_files.INDEX).write_text(json.dumps({"weight_map": places}))

    return spoil


def lacking(folder: Path) -> None:
    found = tensors(folder / "model.safetensors")
    del found["encoder.layer.1.output.dense.weight"]
    pack(folder / "model.safetensors", found)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda at: (at / "config.json").unlink(), "config.json' is missing"),
        (lambda at: (at / "config.json").write_text("{"), "cannot be used"),
        (lambda at: (at / "model.safetensors").unlink(), "has no model.safetensors; name a model"),
        (pickled, "'pytorch_model.bin' is not read, since a pickle can run code"),
        (indexed("pytorch_model.bin"), "names 'pytorch_model.bin', expected model-*-of-*.safetensors"),
        (indexed("../model-00001-of-00001.safetensors"), "names '../model"),
        (indexed("model-00001-of-00001.safetensors"), "in the same folder"),
        (indexed(3), "names '3'"),
        (indexed([]), "does not say in which file"),
        (lambda at: (indexed()(at), (at / checkpoint_files.INDEX).write_text("[]")), "does not say in which file"),
        (lambda at: (at / "adapter_config.json").write_text("{}"), "holds an adapter"),
        (lambda at: (at / "model.safetensors").write_bytes(b"\x80\x04."), "cannot be used"),
        (lambda at: os.truncate(at / "model.safetensors", 3000), "cannot be used"),
        (lacking, "1 of its weights are missing, such as 'encoder.layer.1.output.dense.weight'"),
        (lambda at: change(at / "config.json", hidden_size=16), "cannot be used"),
        (lambda at: change(at / "config.json", model_type="no such"), "cannot be used"),
    ],
)
def test_what_is_no_sound_checkpoint_is_refused(folder: Path, spoil: Callable[[Path], object], told: str) -> None:
    spoil(folder)
    assert told in refusal(folder)


def test_code_in_the_folder_is_not_run(folder: Path) -> None:
    (folder / "own.py").write_text(f"open({str(folder / 'ran')!r}, 'w')")
    change(folder / "config.json", model_type="own", auto_map={"AutoConfig": "own.Own", "AutoModel": "own.Own"})
    assert "cannot be used" in refusal(folder)
    change(folder / "config.json", model_type="bert")
    find = find_checkpoint(str(folder))
    load_model(find, "AutoModel", ("bert",))
    change(folder / "tokenizer_config.json", auto_map={"AutoTokenizer": ["own.Own", None]}, tokenizer_class="Own")
    with contextlib.suppress(DataError):  # its other files say enough to make a tokenizer of them
        Splitter(find, 20, 100)
    assert not (folder / "ran").exists()


def test_the_weights_may_lie_in_shards_or_halves_and_the_pooler_may_lack(folder: Path, saved: Path) -> None:
    wanted = values(bertscore("f1", f"{saved}#3"), *ROWS)
    whole = find_checkpoint(str(saved)).digest
    shards(folder)
    assert values(bertscore("f1", f"{folder}#3"), *ROWS) == pytest.approx(wanted, abs=1e-6)
    assert find_checkpoint(str(folder)).digest != whole
    found = tensors(saved / "model.safetensors")
    half = {
        name: ("F16", shape, encoded(np.frombuffer(data, "<f4"), "F16"))
        for name, (_, shape, data) in found.items()
        if not name.startswith("pooler.")
    }
    pack(folder / "model.safetensors", half)
    change(folder / "config.json", dtype="float16")
    assert values(bertscore("f1", f"{folder}#3"), *ROWS) == pytest.approx(wanted, abs=1e-2)
    model = load_model(find_checkpoint(str(folder)), "AutoModel", ())
    assert {str(one.dtype) for one in model.parameters()} == {"torch.float32"}
    assert not model.training


def test_the_digest_tells_what_decides_the_values(folder: Path, saved: Path) -> None:
    def digest() -> str:
        return find_checkpoint(str(folder)).digest

    seen = {find_checkpoint(str(saved)).digest, digest()}
    assert len(seen) == 1
    (folder / "README.md").write_text("anything")
    (folder / "model.onnx").write_text("anything")
    assert digest() in seen
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text((folder / name).read_text() + " ")
        assert digest() not in seen
        seen.add(digest())
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    os.utime(folder / "model.safetensors", ns=(1, 1))  # a file of the same size, and perhaps of the same moment
    assert digest() not in seen


def test_a_vocabulary_that_does_not_fit_is_refused(folder: Path) -> None:
    split = Splitter(find_checkpoint(str(folder)), 20, 40)
    assert split(["ab"])[0].own == (False, True, True, False)
    assert split([]) == []
    with pytest.raises(DataError, match="its tokenizer makes token 56, and it knows 40"):
        split(["a cake"])
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(DataError, match="its tokenizer cannot be read"):
        Splitter(find_checkpoint(str(folder)), 20, 40)


@pytest.mark.parametrize(("stated", "positions", "limit"), [(10, 20, 10), (30, 20, 20), (10**30, 20, 20)])
def test_a_text_is_cut_to_what_vocabulary_and_weights_can_take(
    folder: Path, stated: int, positions: int, limit: int
) -> None:
    change(folder / "tokenizer_config.json", model_max_length=stated)
    split = Splitter(find_checkpoint(str(folder)), positions, 100)
    fits, cut = split(["a " * (limit - 2), "a " * (limit - 1)])
    assert fits.ids == cut.ids
    assert len(fits.ids) == limit
    assert (fits.cut, cut.cut) == (False, True)
    assert cut.own == (False, *[True] * (limit - 2), False)


def test_weights_that_give_no_numbers_are_refused(folder: Path) -> None:
    found = tensors(folder / "model.safetensors")
    dtype, shape, data = found["embeddings.LayerNorm.bias"]
    found["embeddings.LayerNorm.bias"] = dtype, shape, encoded(np.full(len(data) // 4, np.nan), "F32")
    pack(folder / "model.safetensors", found)
    with pytest.raises(DataError, match="gives no finite numbers"):
        values(bertscore("f1", f"{folder}#1"), *ROWS)


def test_roberta_counts_its_places_from_behind_the_filling(tmp_path: Path) -> None:
    import tiny_models  # noqa: PLC0415 - as above

    folder = tiny_models.roberta(tmp_path / "roberta")
    change(folder / "tokenizer_config.json", model_max_length=10**30)
    model = Matching(find_checkpoint(str(folder)), 1)
    assert model._split.limit == 20
    assert [cut for _, cut in model([("z " * 50, ["a"])])] == [True]


def test_what_is_neither_folder_nor_id_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def snapshot(spec: str, **options: Any) -> str:
        asked.append((spec, options))
        raise OSError("no such model\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    for spec in ("no folder", "", "a/b/c", "../x", "http://host/x", "x" * 5000):
        told = refusal(spec)
        assert told.startswith("the checkpoint '")
        assert "expected a folder, or a model's id on the Hugging Face Hub such as google-bert/" in told
    assert not asked
    assert "the checkpoint 'a/b' is no folder, and cannot be had from the Hub: no such model" in refusal("a/b")
    assert "--local-only allows no download" in refusal("a/b", local_only=True)
    wanted = asked[0][1]["allow_patterns"]
    assert [options["local_files_only"] for _, options in asked] == [False, True]
    assert not [one for one in wanted if not one.endswith((".json", ".safetensors", ".txt", ".model"))]


def test_a_model_of_the_hub_is_read_from_its_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda spec, **_: str(folder))
    monkeypatch.setitem(bertscore.__globals__["LAYERS"], "some/bert", 2)
    _matching.cache_clear()
    found = bertscore("f1", "some/bert").measure([])
    assert (found.facts["model"], found.facts["layer"]) == ("some/bert", 2)
    assert found.facts["checkpoint"] == find_checkpoint(str(folder)).digest


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_a_missing_package_is_told_with_the_command(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    assert f"needs the package {package}: pip install 'whyfeel[metrics]'" in refusal("a/b")


@pytest.mark.parametrize("name", ["checkpoints", "bertscore", "bartscore", "clipscore"])
def test_what_is_slow_is_not_imported_at_the_top(name: str) -> None:
    tree = ast.parse(Path(checkpoints.__file__).with_name(f"{name}.py").read_text())
    modules = [one.module or "" for one in tree.body if isinstance(one, ast.ImportFrom)]
    modules += [alias.name for one in tree.body if isinstance(one, ast.Import) for alias in one.names]
    assert "__future__" in modules
    assert not {one.partition(".")[0] for one in modules} & {"torch", "transformers", "PIL", "huggingface_hub"}


@given(st.lists(st.integers(1, 50), max_size=30), st.integers(1, 200))
def test_batches_hold_each_text_once_and_stay_within_the_room(lengths: list[int], room: int) -> None:
    found = list(batches(lengths, room))
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    assert all(len(one) == 1 or len(one) * max(lengths[i] for i in one) <= room for one in found)
