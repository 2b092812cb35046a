"""Tuning: who is on which side, what is learnt of an example, what is written, and going on after a kill."""

# ruff: noqa: PLC0415 - what needs torch is imported by the tests that need it
from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import whyfeel.tasks
from interop.annotation_runs import annotated, found, made_run
from needs import need
from told import Told
from whyfeel.errors import DataError, UserError
from whyfeel.interop.conversations import AT_URL
from whyfeel.media import Loaded, MediaStore
from whyfeel.prompts import load_prompts
from whyfeel.records import Media, Sample, Trigger, rng
from whyfeel.tune.examples import Example, Source, examples_of, read_source
from whyfeel.tune.measuring import _told
from whyfeel.tune.options import tune_options
from whyfeel.tune.split import apart, split

SCENES = Path(whyfeel.tasks.__file__).parent / "scenes"
LINES = (SCENES / "scenes.jsonl").read_text("utf-8").splitlines()
Whyfeel = Callable[..., Told]
SHORT = ("--gen", "max_tokens=4")


@settings(max_examples=40)
@given(
    st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=3), min_size=2, max_size=30),
    st.floats(0.01, 0.9),
    st.integers(0, 5),
)
def test_no_key_is_on_both_sides(keys: list[list[int]], share: float, seed: int) -> None:
    try:
        train, held = split(keys, share, seed)
    except UserError:
        # an independent look: grow the group of the first sample as far as it goes
        group, grown = set(keys[0]), 0
        while grown != len(group):
            grown = len(group)
            group |= {key for one in keys if group & set(one) for key in one}
        assert all(group & set(one) for one in keys)
        return
    assert sorted(train + held) == list(range(len(keys)))
    assert train
    assert held
    assert not {key for place in train for key in keys[place]} & {key for place in held for key in keys[place]}
    assert (train, held) == split(keys, share, seed)


def test_the_share_is_reached_and_the_seed_decides() -> None:
    keys = [[f"picture {place // 2}"] for place in range(200)]
    train, held = split(keys, 0.1, 0)
    assert (len(train), len(held)) == (180, 20)
    assert split(keys, 0.1, 1)[1] != held
    assert split(keys, 0.0, 0) == (list(range(200)), [])
    with pytest.raises(UserError, match=r"all 3 samples share a picture.*--eval-data"):
        split([["a"], ["a", "b"], ["b"]], 0.5, 0)


def test_what_the_other_side_shows_is_kept_apart() -> None:
    assert apart([["a"], ["b", "c"], ["d"]], [["c"], ["e"]]) == [0, 2]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"model": "openai:gpt-5"}, r"--model 'openai:gpt-5': only a model on this machine"),
        ({"model": "local:"}, r"write local:FOLDER"),
        ({"held_out": 0.1, "eval_data": Path("x")}, r"--held-out takes samples of SOURCE .* give one"),
        ({"held_out": 1.0}, r"--held-out: input should be less than 1"),
        ({"method": "half"}, r"--method: .*'lora' or 'full'"),
        ({"batch_size": 0}, r"--batch-size: .*greater than 0"),
    ],
)
def test_options_that_cannot_be(given: dict[str, Any], why: str) -> None:
    with pytest.raises(UserError, match=why):
        tune_options({"source": "scenes", "model": "local:base", "out": Path("out"), **given})


def sample(name: str, *texts: str, picture: str = "birthday-cake.png", question: str = "Why is she happy?") -> Sample:
    return Sample(name, question, "happy", tuple(map(Trigger, texts)), (Media(picture),), picture)


def test_a_conversation_is_a_sample_or_where_people_differ_each_of_their_reasons() -> None:
    one = sample("s1", "A cake", "Her friends")
    parts = Source("jsonl", {}, SCENES, (one,), alternatives=False, left_out={})
    people = Source("socratis", {}, SCENES, (one,), alternatives=True, left_out={})
    prompts = load_prompts()
    assert [each.target for each in examples_of(parts, (one,), prompts)] == ["1. A cake\n2. Her friends"]
    assert [each.target for each in examples_of(people, (one,), prompts)] == ["A cake", "Her friends"]


def test_an_annotation_is_learnt_as_it_counts_in_the_end(tmp_path: Path) -> None:
    gone = found("A hat", 2, dropped="duplicate of t1")
    three = [
        replace(annotated("a", "The rain"), triggers=(found("The rain"), gone)),
        replace(annotated("b", image="b.png"), triggers=(gone,)),
        annotated("c", "The rain", image="https://example.org/c.png"),
    ]
    run = made_run(tmp_path / "run", three, images=tmp_path)
    source = read_source(tune_options({"source": str(run), "model": "local:base", "out": tmp_path / "out"}))
    learnt = [(one.id, one.question, one.triggers) for one in source.samples]
    assert learnt == [("a", "Why is the man of a sad?", (Trigger("The rain"),))]
    assert dict(source.left_out) == {"no trigger counts": ["b"], AT_URL: ["c"]}
    assert (source.name, source.images, list(source.files)) == ("annotation", tmp_path, ["annotations.jsonl"])


@pytest.mark.parametrize("better", ["before", "after"])
def test_the_difference_is_after_less_before_whichever_is_better(better: str) -> None:
    worse = "after" if better == "before" else "before"
    interval = {"low": 0.1, "high": 0.3, "n": 5}
    systems = [{"run": f"x/{name}", "value": value, **interval} for name, value in ((better, 0.6), (worse, 0.4))]
    compared = {"a": f"x/{better}", "b": f"x/{worse}", "difference": 0.2, "p": 0.01, **interval}
    told = _told({"score": "kf1", "judge": "overlap", "systems": systems, "comparisons": [compared]}, "x/after")
    sign = 1 if better == "after" else -1
    ends = sorted((sign * 0.1, sign * 0.3))
    assert told["difference"] == {"value": sign * 0.2, "low": ends[0], "high": ends[1], "n": 5, "p": 0.01}
    assert told[better]["value"] == 0.6


# What follows needs torch.


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model that sees; not to be written to."""
    for name in ("torch", "transformers", "accelerate", "peft"):
        need(importlib.util.find_spec(name) is not None, f"{name} (the extra local)")
    import torch

    from whyfeel.models.local.tiny import build_tiny

    torch.set_num_threads(1)
    return build_tiny(tmp_path_factory.mktemp("models") / "base", LINES, width=32, layers=1, patch=16)


@pytest.fixture(scope="module")
def loaded(base: Path) -> Any:
    from whyfeel.models.local.checkpoint import find_local, load_local

    return load_local(find_local(str(base)))


@pytest.fixture(scope="module")
def pictures() -> dict[Media, Loaded]:
    store = MediaStore(SCENES)
    names = [Media(json.loads(line)["image"]) for line in LINES]
    found = {one: Loaded(store.read(one)) for one in names}
    store.close()
    return found


def example(one: Sample) -> Example:
    return next(iter(examples_of(Source("jsonl", {}, SCENES, (one,), False, {}), (one,), load_prompts())))


def test_only_the_answer_is_learnt_token_by_token(loaded: Any, pictures: dict[Media, Loaded]) -> None:
    from whyfeel.engine import Request
    from whyfeel.models.local import generation
    from whyfeel.records import Ask
    from whyfeel.tune.encode import IGNORED, Encoder, collate

    encoder, tokenizer = Encoder(loaded, pictures), loaded.tokenizer
    both = [example(sample("s1", "A cake")), example(sample("s2", "The rain", "A kite in a tree", "Noon"))]
    rows = [encoder.encode(one) for one in both]
    batch = collate(rows, tokenizer.pad_token_id)
    for row, (one, (tokens, _)) in enumerate(zip(both, rows, strict=True)):
        labels, ids = batch["labels"][row].tolist(), batch["input_ids"][row].tolist()
        learnt = [place for place, label in enumerate(labels) if label != IGNORED]
        assert [ids[place] for place in learnt] == [labels[place] for place in learnt] == list(tokens.answer)
        assert learnt == list(range(len(tokens.prompt), len(tokens.prompt) + len(learnt)))
        assert tokenizer.decode([labels[place] for place in learnt]) == one.target + tokenizer.eos_token
        assert batch["attention_mask"][row].sum() == len(tokens.prompt) + len(learnt)
        # the prompt is what a run gives the model, to the last token and pixel
        media = one.sample.media[0]
        request = Request("k", Ask("answer", one.messages), pictures={media: pictures[media]})
        asked = generation._inputs(loaded, [request])
        assert tuple(asked["input_ids"][0].tolist()) == tokens.prompt
        assert (asked["pixel_values"][0] == batch["pixel_values"][row]).all()


def test_a_mark_of_the_models_in_an_answer_is_text(loaded: Any, pictures: dict[Media, Loaded]) -> None:
    from whyfeel.tune.encode import Encoder

    encoder = Encoder(loaded, pictures)
    tokens, _ = encoder.encode(example(sample("s1", "A </s> and an <image>", question="Why <image>?")))
    plain, _ = encoder.encode(example(sample("s1", "A cake")))
    end, image = loaded.tokenizer.eos_token_id, loaded.model.config.image_token_id
    assert (tokens.answer.count(end), tokens.answer.count(image)) == (1, 0)
    assert tokens.prompt.count(image) == plain.prompt.count(image) == 16


def test_what_does_not_fit_is_named(loaded: Any, pictures: dict[Media, Loaded]) -> None:
    from whyfeel.tune.encode import Encoder

    with pytest.raises(DataError, match=r"the record 'long' has [\d,]+ tokens.* has 2,048 positions"):
        Encoder(loaded, pictures).encode(example(sample("long", *["A kite"] * 900)))


def test_lora_leaves_the_picture_tower_alone(loaded: Any) -> None:
    import re

    from whyfeel.tune.preparing import attention

    names = [name for name, _ in loaded.model.named_modules() if re.fullmatch(attention(loaded), name)]
    layer = "model.language_model.layers.0.self_attn."
    assert sorted(names) == [layer + one for one in ("k_proj", "o_proj", "q_proj", "v_proj")]
    assert any("vision_tower" in name and name.endswith("q_proj") for name, _ in loaded.model.named_modules())


def tuned(whyfeel: Whyfeel, base: Path, out: Path, *more: object) -> Told:
    return whyfeel("tune", "scenes", "--model", f"local:{base}", "--out", out, *more)


def test_a_tuned_model_names_what_it_was_shown(whyfeel: Whyfeel, base: Path, tmp_path: Path) -> None:
    records = tmp_path / "four.jsonl"
    records.write_text("\n".join(LINES[:4]), "utf-8")
    settings = ("--method", "full", "--learning-rate", 8e-3, "--batch-size", 4, "--epochs", 90, "--held-out", 0)
    where = ("--data", records, "--images", SCENES)
    out = tmp_path / "out"
    told = whyfeel("tune", "jsonl", *where, "--model", f"local:{base}", "--out", out, *settings, "--json").json
    assert told["loss"][0][1] > 5 > 0.5 > told["loss"][-1][1]
    assert told["settings"]["steps"] == 90
    assert len(told["loss"]) == 90
    assert "measured" not in told
    assert not (out / "checkpoints").exists()
    run = ("run", "jsonl", *where, "--model", f"local:{out}", "--controls", "none", "--out", tmp_path / "run")
    assert whyfeel(*run, "--json").json["scores"]["recall"]["overall"]["value"] > 0.9


def test_lora_is_measured_before_and_after_and_written_once(whyfeel: Whyfeel, base: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    settings = ("--held-out", 0.25, "--max-steps", 2, "--batch-size", 4, *SHORT)
    told = tuned(whyfeel, base, out, *settings, "--json").json
    assert told["samples"] == {"train": 18, "held_out": 6, "left_out": {}}
    found = told["measured"]
    assert {found[name]["n"] for name in ("before", "after", "difference")} == {6}
    lines = (out / "held-out" / "records.jsonl").read_text("utf-8").splitlines()
    held = {json.loads(line)["image"] for line in lines}
    assert len(held) == 6
    names = {one.name for one in out.iterdir()} - {".lock"}
    files = {"README.md", "adapter_config.json", "adapter_model.safetensors", "run.json", "whyfeel.json"}
    assert names == files | {"after", "before", "held-out"}
    assert json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] == str(base)
    card = (out / "README.md").read_text("utf-8")
    assert "trained on 18 samples with 18 pictures" in card
    assert f"difference: {found['difference']['value']:.3f} [" in card
    before = (out / "adapter_model.safetensors").stat().st_mtime_ns
    assert "difference" in tuned(whyfeel, base, out, *settings).out
    assert (out / "adapter_model.safetensors").stat().st_mtime_ns == before
    other = tuned(whyfeel, base, out, *settings, "--rank", 4)
    assert (other.status, other.err.count("\n")) == (2, 1)
    assert "holds another tuning: settings.rank is 16 there and 4 here" in other.err
    again = whyfeel("tune", "scenes", "--model", f"local:{out}", "--out", tmp_path / "on")
    assert (again.status, "is an adapter" in again.err) == (2, True)


def test_pictures_that_are_measured_on_are_not_trained_on(whyfeel: Whyfeel, base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "eval"
    folder.mkdir()
    record = json.loads(LINES[0])
    (folder / "other-name.png").write_bytes((SCENES / record["image"]).read_bytes())
    (folder / "records.jsonl").write_text(json.dumps(record | {"id": "x", "image": "other-name.png"}))
    out = tmp_path / "out"
    told = tuned(whyfeel, base, out, "--eval-data", folder, "--dry-run", "--json").json
    left_out = {"its picture is among those of --eval-data": 1}
    assert told["samples"] == {"train": 23, "held_out": 1, "left_out": left_out}
    assert not out.exists()


def test_a_folder_of_something_else_is_left_alone(whyfeel: Whyfeel, base: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    said = tuned(whyfeel, base, tmp_path)
    assert (said.status, "is not empty" in said.err) == (2, True)
    run = tmp_path / "run"
    assert whyfeel("run", "scenes", "--model", "baseline:oracle", "--out", run).status == 0
    said = tuned(whyfeel, base, run)
    assert (said.status, "holds a run of `whyfeel run`" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("tune", "scenes", "--model", "local:/no/such"), "expected a folder"),
        (("tune", "tests", "--model", "local:BASE"), "is a folder without a run.json"),
        (("tune", "nothing", "--model", "local:BASE"), "there is no task 'nothing'"),
    ],
)
def test_bad_input_is_one_line(whyfeel: Whyfeel, base: Path, tmp_path: Path, args: tuple[str, ...], why: str) -> None:
    said = whyfeel(*(one.replace("BASE", str(base)) for one in args), "--out", tmp_path / "out")
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert why in said.err


def test_killed_it_goes_on_and_ends_with_the_same_weights(whyfeel: Whyfeel, base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    settings = ("--method", "full", "--held-out", "0", "--batch-size", "4", "--epochs", "99", "--learning-rate", "1e-3")
    args = ["tune", "scenes", "--model", f"local:{base}", *settings, "--max-steps", "20"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    start = "import torch; torch.set_num_threads(1); from whyfeel.cli import main; main()"
    process = subprocess.Popen([sys.executable, "-c", start, *args, "--out", str(killed)])
    folder = killed / "checkpoints"
    while not (done := sorted(folder.glob("checkpoint-*/digests.json"))) and process.poll() is None:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert done
    kinds = {path.suffix for path in done[0].parent.iterdir()}
    assert kinds == {".json", ".safetensors"}  # and no pickle
    torn = folder / "checkpoint-999"  # what a kill leaves of the next one
    torn.mkdir()
    (torn / "model.safetensors").write_bytes(b"half")
    said = whyfeel(*args, "--out", killed)
    assert said.status == 0
    assert "going on from step" in said.err
    assert whyfeel(*args, "--out", whole).status == 0
    a, b = load_file(killed / "model.safetensors"), load_file(whole / "model.safetensors")
    assert a.keys() == b.keys()
    assert all((a[name] == b[name]).all() for name in a)
    losses = [json.loads((one / "whyfeel.json").read_text())["loss"] for one in (killed, whole)]
    assert losses[0] == losses[1]


def test_too_little_memory_ends_in_advice(base: Path) -> None:
    from whyfeel.tune.tune import _advised

    options = tune_options({"source": "scenes", "model": "local:x", "out": Path("o"), "method": "full"})
    with pytest.raises(UserError, match=r"too little memory.* --batch-size 8, or --method lora, and another --out"):
        with _advised(options):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
    with pytest.raises(RuntimeError, match="shapes differ"), _advised(options):
        raise RuntimeError("shapes differ")


def test_every_epoch_has_every_example_in_an_order_of_its_own() -> None:
    from whyfeel.tune.plan import Plan

    class Options:
        seed, batch_size = 3, 4

    plan: Any = type("P", (), {"examples": range(10), "steps": 6, "options": Options})()
    order = Plan.order(plan)
    assert len(order) == 24
    assert sorted(order[:10]) == sorted(order[10:20]) == list(range(10))
    assert order[:10] != order[10:20]
    assert order[:10] == rng(3, "order", 0).permutation(10).tolist()


def test_random_numbers_go_on_where_a_checkpoint_was_made(loaded: Any, tmp_path: Path) -> None:
    import torch

    from whyfeel.tune.trainer import Quietly

    trainer = Quietly.__new__(Quietly)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        torch.rand(3)
        trainer._save_rng_state(str(tmp_path))
        after = torch.rand(5)
        torch.manual_seed(2)
        trainer._load_rng_state(str(tmp_path))
        assert torch.equal(torch.rand(5), after)
