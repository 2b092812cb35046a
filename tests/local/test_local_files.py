"""Folders that are no models, named in one clear line; adapters; and names that change with the weights."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from told import Told
from whyfeel.checkpoint_files import Checkpoint
from whyfeel.errors import DataError, Interrupted, RunStopped, UserError
from whyfeel.models import build_model, declared_name
from whyfeel.models.local import checkpoint as checkpoint_module
from whyfeel.models.local import find_local, open_local
from whyfeel.models.local.checkpoint import Place, choose_place, load_local, weights_of

Spoil = Callable[[Path], object]


def edited(name: str, **changes: Any) -> Spoil:
    """A JSON file with other values."""

    def spoil(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return spoil


def without(*names: str) -> Spoil:
    return lambda folder: [(folder / name).unlink() for name in names]


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def truncated(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-1000])


def sharded(folder: Path) -> None:
    """An index of two files, of which one is missing."""
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    places = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))


def fewer_weights(folder: Path) -> None:
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    weights = load_file(folder / "model.safetensors")
    del weights[next(name for name in weights if "q_proj" in name)]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def other_image_token(folder: Path) -> None:
    """The processor's word for a picture is one that the tokenizer does not have."""
    edited("processor_config.json", image_token="<picture>")(folder)
    edited("tokenizer_config.json", image_token="<picture>", extra_special_tokens={})(folder)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (without("config.json"), ["config.json' is missing", "get the model's files anew"]),
        (lambda folder: (folder / "config.json").write_text("{"), ["cannot be read, expected a JSON object"]),
        (edited("config.json", model_type="nothing-known"), ["cannot be used", "nothing-known"]),
        (
            edited("config.json", model_type="own", auto_map={"AutoConfig": "code.Config"}),
            ["brings code of its own (auto_map in config.json), which is never run"],
        ),
        (pickled, ["has no model.safetensors; 'pytorch_model.bin' is not read, since a pickle can run code"]),
        (truncated, ["cannot be used"]),
        (sharded, ["names 'model-00002-of-00002.safetensors', expected model-*-of-*.safetensors in the same folder"]),
        (fewer_weights, ["1 of its weights are missing, such as", "q_proj"]),
        (without("chat_template.jinja"), ["has no chat template: name a model that was trained to chat"]),
        (without("processor_config.json"), ["has no image processor (preprocessor_config.json or"]),
        (without("tokenizer.json"), ["cannot be used"]),
        (edited("config.json", transformers_weights="other.safetensors"), ["names weights of its own"]),
        (
            edited("config.json", attn_implementation="kernels-community/x"),
            ['"kernels-community/x"', "code on the Hub"],
        ),
        (edited("config.json", vision_config={"_attn_implementation": {"": "a/b"}}), ["which is code on the Hub"]),
        (edited("config.json", image_token_index=7), ["has no image token: config.json gives it the number 7"]),
        (edited("config.json", image_token_id=7), ["has no image token: config.json gives it the number 7"]),
        (other_image_token, ["has no image token: config.json gives it the number 3, and '<picture>' is"]),
    ],
)
def test_a_folder_that_is_no_model_is_refused_in_one_line(
    whyfeel: Callable[..., Told], copied: Path, tmp_path: Path, spoil: Spoil, words: list[str]
) -> None:
    spoil(copied)
    out = tmp_path / "run"
    told = whyfeel("run", "scenes", "--model", f"local:{copied}", "--out", out)
    assert told.status == 2, told
    assert told.err.count("\n") == 1, told.err
    assert "Traceback" not in told.err
    assert "trust_remote_code" not in told.err
    for word in words:
        assert word in told.err
    assert not out.exists(), "nothing was begun"


def test_what_is_no_folder_is_looked_for_on_the_hub(whyfeel: Callable[..., Told], torch: Any, tmp_path: Path) -> None:
    for spec, word in (
        ("nobody/no-such-model", "is not in the Hub's cache, and --local-only allows no download"),
        (str(tmp_path / "nowhere"), "expected a folder, or a model's id on the Hugging Face Hub"),
    ):
        told = whyfeel("run", "scenes", "--model", f"local:{spec}", "--local-only", "--out", tmp_path / "run")
        assert told.status == 2
        assert told.err.count("\n") == 1
        assert word in told.err
        with pytest.raises(UserError, match=r"Hub"):
            declared_name(f"local:{spec}", local_only=True)


def test_a_missing_package_is_named_with_its_extra(llava: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util  # noqa: PLC0415

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "peft" else find(name, *rest))
    with pytest.raises(UserError, match=r"needs the package peft: pip install 'whyfeel\[local\]'"):
        build_model(f"local:{llava}", "answer", {})


def test_a_processor_that_wants_torchvision_says_so(llava: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers  # noqa: PLC0415

    def without(*_: object, **__: object) -> None:
        raise ImportError("\nQwen2VLVideoProcessor requires the Torchvision library but it was not found")

    monkeypatch.setattr(transformers.AutoProcessor, "from_pretrained", without)
    with pytest.raises(UserError, match=r"can read videos, too, .* pip install torchvision"):
        load_local(find_local(str(llava)))


def test_the_name_changes_with_whatever_decides_an_answer(llava: Path, copied: Path) -> None:
    name = declared_name(f"local:{llava}")
    assert name.startswith("tiny-llava@")
    digest = name.partition("@")[2]
    assert len(digest) == 8
    copy = copied.rename(copied.parent / "tiny-llava")
    assert declared_name(f"local:{copy}") == name, "the same files in another place are the same model"
    assert declared_name(f"local:{copy}/") == name
    (copy / "README.md").write_text("what nothing reads changes nothing")
    assert declared_name(f"local:{copy}") == name
    names = {name}
    for file in ("config.json", "tokenizer.json", "chat_template.jinja", "generation_config.json", "model.safetensors"):
        data = (copy / file).read_bytes()
        (copy / file).write_bytes(data + b" ")
        names.add(declared_name(f"local:{copy}"))
        (copy / file).write_bytes(data)
    (copy / "tokenizer.4.0.0.json").write_text("{}")  # newer libraries take it in the place of tokenizer.json
    names.add(declared_name(f"local:{copy}"))
    assert len(names) == 7
    assert Checkpoint("org/some-model", copy, 64 * "a").title == "some-model@aaaaaaaa", "as the Hub names it"


def test_whoever_names_the_same_weights_shares_a_model(llava: Path, copied: Path) -> None:
    one = build_model(f"local:{llava}", "answer", {})
    assert build_model(f"local:{llava}/.", "judge", {}) is one
    (copied / "model.safetensors").touch()
    two = build_model(f"local:{copied}", "judge", {}, calls=False)
    assert two is not one
    assert two.remark == "", "what is not asked is not loaded"  # type: ignore[attr-defined]


async def test_a_model_that_was_not_loaded_at_first_is_loaded_when_it_is_asked(copied: Path, asked: Any) -> None:
    request = asked("Why?", 0, max_tokens=2)
    model = open_local(str(copied), calls=False)
    try:
        assert (await model.answer(request)).tokens_out == 2
        assert model.remark.startswith("copied@")
    finally:
        await model.close()
    (copied / "chat_template.jinja").unlink()
    broken = open_local(str(copied), calls=False)
    assert broken is not model
    try:
        with pytest.raises(RunStopped, match="has no chat template"):
            await broken.answer(request)
    finally:
        await broken.close()


@pytest.fixture(scope="module")
def adapter(llava: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LoRA over the model that sees, with matrices that change what it says."""
    import peft  # noqa: PLC0415
    import torch as t  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("adapters") / "tuned"
    loaded = load_local(find_local(str(llava)), Place("cpu", "float32"))
    config = peft.LoraConfig(r=4, target_modules=r".*language_model.*\.(q_proj|v_proj)", task_type="CAUSAL_LM")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft asks transformers by an old name
        adapted = peft.get_peft_model(loaded.model, config)
    t.manual_seed(0)
    for name, one in adapted.named_parameters():
        if "lora" in name:
            t.nn.init.normal_(one, std=0.3)
    adapted.save_pretrained(folder)
    return folder


def logits(folder: Path) -> Any:
    import torch as t  # noqa: PLC0415

    loaded = load_local(find_local(str(folder)))
    with t.inference_mode():
        return loaded.model(input_ids=t.arange(5, 25)[None]).logits


def test_a_signal_while_a_model_loads_is_no_fault_of_the_model(
    torch: Any, llava: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import transformers  # noqa: PLC0415

    def interrupted(*_: object, **__: object) -> None:
        raise Interrupted(15)

    found = find_local(str(llava))
    for name in ("AutoConfig", "AutoProcessor"):
        with monkeypatch.context() as patch:
            patch.setattr(getattr(transformers, name), "from_pretrained", interrupted)
            with pytest.raises(Interrupted):
                load_local(found)


def test_an_adapter_is_merged_into_its_model(llava: Path, adapter: Path) -> None:
    import peft  # noqa: PLC0415
    import torch as t  # noqa: PLC0415

    base = load_local(find_local(str(llava)), Place("cpu", "float32"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        genuine = peft.PeftModel.from_pretrained(base.model, adapter).eval()
    with t.inference_mode():
        expected = genuine(input_ids=t.arange(5, 25)[None]).logits
    t.testing.assert_close(logits(adapter), expected, rtol=1e-4, atol=1e-4)
    assert not t.allclose(logits(llava), expected, atol=0.1), "the adapter changes something"
    found = find_local(str(adapter))
    assert found.title.startswith("tuned@")
    assert found.folder == llava
    assert found.digest != find_local(str(llava)).digest
    assert open_local(str(adapter)).sees


def rebased(name: object) -> Spoil:
    return edited("adapter_config.json", base_model_name_or_path=name)


def fewer_matrices(folder: Path) -> None:
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    weights = load_file(folder / "adapter_model.safetensors")
    save_file(dict(list(weights.items())[1:]), folder / "adapter_model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (rebased(None), "does not name its model (base_model_name_or_path)"),
        (edited("adapter_config.json", peft_type="XLORA"), "peft_type is 'XLORA'; expected one that can be merged"),
        (rebased("/no/such/folder"), "expected a folder, or a model's id on the Hugging Face Hub"),
        (lambda folder: (folder / "adapter_config.json").write_text("[]"), "cannot be read, expected a JSON object"),
        (
            lambda folder: (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin"),
            "has no adapter_model.safetensors; 'adapter_model.bin' is not read",
        ),
        (
            lambda folder: (folder / "whyfeel.json").write_text('{"base_digest": "0"}'),
            "it is not the one that the adapter was trained on",
        ),
        (fewer_matrices, "some of its adapter's weights are missing"),
        (
            lambda folder: (folder / "adapter_model.safetensors").write_bytes(b"\x01" * 30),
            "its adapter does not fit",
        ),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(adapter: Path, tmp_path: Path, spoil: Spoil, words: str) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    spoil(folder)
    with pytest.raises((DataError, UserError)) as refused:
        open_local(str(folder))
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_adapter_knows_the_model_it_was_trained_on(llava: Path, adapter: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    (folder / "whyfeel.json").write_text(json.dumps({"base_digest": find_local(str(llava)).digest}))
    assert find_local(str(folder)).digest == find_local(str(adapter)).digest
    over = Path(shutil.copytree(adapter, tmp_path / "over"))
    rebased(str(adapter))(over)
    with pytest.raises(DataError, match="it is an adapter itself"):
        find_local(str(over))


class Cuda:
    """A GPU as torch tells of it."""

    def __init__(self, free: int, bf16: bool = True) -> None:
        self.free, self.bf16 = free, bf16

    def is_available(self) -> bool:
        return True

    def is_bf16_supported(self) -> bool:
        return self.bf16

    def mem_get_info(self) -> tuple[int, int]:
        return self.free, 2 * self.free


def test_the_place_is_chosen_by_what_there_is(torch: Any, llava: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = weights_of(find_local(str(llava)))
    model = load_local(find_local(str(llava)), Place("cpu", "float32")).model
    assert numbers == sum(one.numel() for one in model.state_dict().values())
    assert choose_place() == Place("cpu", "float32")
    monkeypatch.setattr(checkpoint_module, "_free_memory", lambda: 1000)
    assert choose_place(250) == Place("cpu", "float32")
    assert choose_place(251) == Place("cpu", "bfloat16")
    with pytest.raises(UserError, match="are free on cpu; take a smaller model"):
        choose_place(501)
    monkeypatch.setattr(torch, "cuda", Cuda(1000))
    assert choose_place(500) == Place("cuda", "bfloat16")
    with pytest.raises(UserError, match="are free on cuda"):
        choose_place(501)
    monkeypatch.setattr(torch, "cuda", Cuda(1000, bf16=False))
    assert choose_place() == Place("cuda", "float16")
