"""With a model: states against a plain forward pass, a planted signal, and the command from end to end."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.cells import cell_len

from needs import need
from whyfeel.errors import DataError, UserError
from whyfeel.models.local.checkpoint import Loaded, Place, find_local, load_local
from whyfeel.models.local.tiny import build_tiny, build_tiny_text
from whyfeel.probe import ProbeOptions, probe
from whyfeel.probe.curves import Labelled, layer_curve
from whyfeel.probe.figures import Measured
from whyfeel.probe.fitting import control_probe, dense
from whyfeel.probe.folds import splits
from whyfeel.probe.reading import Reader
from whyfeel.records import Media, Sample, rng

Whyfeel = Callable[..., Any]
TEXTS = [
    "What a lovely day!",
    "no",
    "I am so sad today, and nobody seems to mind.",
    "café 😀",
    "why would you say that",
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need(all(map(find_spec, ("torch", "transformers", "accelerate", "peft"))), "the extra local")
    return build_tiny_text(tmp_path_factory.mktemp("tiny"), TEXTS, layers=2, width=32, vocabulary=300)


@pytest.fixture(scope="module")
def loaded(tiny: Path) -> Loaded:
    return load_local(find_local(str(tiny)), Place("cpu", "float32"))


def sample(text: str, *pictures: str) -> Sample:
    return Sample(text, text, "joy", (), tuple(map(Media, pictures)), text)


def plain(loaded: Loaded, text: str) -> np.ndarray:
    """All layers of one text alone, shape (layers, tokens, width)."""
    import torch  # noqa: PLC0415 - an extra

    ids = loaded.tokenizer(text, add_special_tokens=False, return_tensors="pt")
    with torch.no_grad():
        told = loaded.model(**ids, output_hidden_states=True)
    return torch.stack(told.hidden_states)[:, 0].numpy()


def common(one: list[int], other: list[int]) -> int:
    """How many tokens two texts begin with together: a blank may belong to the word behind it."""
    return next((n for n, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1), len(one))


@pytest.mark.parametrize("system", ["", "You are calm."])
def test_states_in_a_batch_are_those_of_each_text_alone(loaded: Loaded, system: str) -> None:
    """The last token, the mean and what follows, each by the template that is written out here."""
    reader = Reader(loaded, ("last", "mean", 1, 4), system)
    found = reader.states([reader.turn(sample(text)) for text in TEXTS])
    assert found.shape == (4, 3, len(TEXTS), 32)
    assert found.dtype == np.float32
    head = "<s>" + (f"system: {system}\n" if system else "") + "user: "
    for place, text in enumerate(TEXTS):
        alone = plain(loaded, head + text)
        before = common(loaded.tokenizer(head)["input_ids"], loaded.tokenizer(head + text)["input_ids"])
        assert found[0, :, place] == pytest.approx(alone[:, -1], abs=1e-5)
        assert found[1, :, place] == pytest.approx(alone[:, before:].mean(axis=1), abs=1e-5)
        followed = plain(loaded, f"{head}{text} The next part is a list. It has three columns")
        assert found[2, :, place] == pytest.approx(followed[:, alone.shape[1]], abs=1e-5)
        assert found[3, :, place] == pytest.approx(followed[:, alone.shape[1] + 3], abs=1e-5)


def test_a_text_that_is_too_long_and_templates_that_do_not_serve(loaded: Loaded, monkeypatch) -> None:
    with pytest.raises(DataError, match=r"the text of 'wwww.* tokens long and the model takes 2,048"):
        Reader(loaded, ("last",)).turn(Sample("wwww", "w " * 3000, "joy", (), (), "c"))
    monkeypatch.setattr(loaded.processor, "chat_template", "{% for m in messages %}{% if m['role'] == 'user' %}"
                        "{{ m['content'] }}{% endif %}{% endfor %}")  # fmt: skip
    assert Reader(loaded, ("last",)).turn(sample("no")).last >= 0
    with pytest.raises(UserError, match=r"--system: the chat template of .* takes no system prompt"):
        Reader(loaded, ("last",), "You are calm.").turn(sample("no"))
    monkeypatch.setattr(loaded.processor, "chat_template", "{{ raise_exception('no') }}")
    with pytest.raises(DataError, match="its chat template fails: no"):
        Reader(loaded, ("last",)).turn(sample("no"))
    monkeypatch.setattr(loaded.processor, "chat_template", "hello")
    with pytest.raises(DataError, match="leaves out what the user says"):
        Reader(loaded, ("last",)).turn(sample("no"))


def test_a_model_without_hidden_states(loaded: Loaded, monkeypatch) -> None:
    import torch  # noqa: PLC0415 - an extra

    reader = Reader(loaded, ("last",))
    monkeypatch.setattr(loaded.model.base_model, "forward", lambda **_: object())
    with pytest.raises(DataError, match="it does not tell its hidden states"):
        reader.states([reader.turn(sample("no"))])
    nothing = SimpleNamespace(hidden_states=(torch.full((1, 99, 32), torch.nan),))
    monkeypatch.setattr(loaded.model.base_model, "forward", lambda **_: nothing)
    with pytest.raises(DataError, match="its hidden states are not finite numbers"):
        reader.states([reader.turn(sample("no"))])


def test_pictures_stand_before_their_text(tmp_path: Path) -> None:
    """The last text token sees its picture; the mean runs from the picture's first token on."""
    import torch  # noqa: PLC0415 - an extra

    need(find_spec("torch") is not None, "the extra local")
    build_tiny(tmp_path, TEXTS, layers=1, width=32, pixels=32, patch=16, vocabulary=300)
    loaded = load_local(find_local(str(tmp_path)), Place("cpu", "float32"))
    reader, picture = Reader(loaded, ("last", "mean", 2)), Image.new("RGB", (40, 30), "red")
    found = reader.pictured(sample("Look.", "a.png"), [picture])
    inputs = loaded.processor(images=[picture], text=["<s>user: <image>\nLook."], return_tensors="pt")
    with torch.no_grad():
        told = torch.stack(loaded.model(**inputs, output_hidden_states=True).hidden_states)[:, 0]
    first = inputs["input_ids"][0].tolist().index(loaded.model.config.image_token_id)
    assert found[0, :, 0] == pytest.approx(told[:, -1].numpy(), abs=1e-5)
    assert found[1, :, 0] == pytest.approx(told[:, first:].mean(dim=1).numpy(), abs=1e-5)
    blue = reader.pictured(sample("Look.", "b.png"), [Image.new("RGB", (40, 30), "blue")])
    assert np.abs(found[:, 1] - blue[:, 1]).max() > 1e-4


def test_a_planted_signal_is_found_in_its_layer_and_nowhere_else(tiny: Path) -> None:
    """Layer 1 has it in a direction; layer 2 where only a network finds it: a label is whether two signs agree."""
    n, generator = 400, rng(0, "test")
    y, groups = np.arange(n) % 2, np.arange(n)
    noise = generator.normal(size=(3, n, 8)).astype(np.float32)
    noise[1, :, 3] += 3 * (2 * y - 1)
    sign = np.arange(n) // 2 % 2 * 2 - 1
    noise[2, :, 0] = 2 * sign + generator.normal(size=n) / 4
    noise[2, :, 1] = 2 * sign * (2 * y - 1) + generator.normal(size=n) / 4
    labelled = Labelled(y, 2, groups, tuple(splits(y, groups, 3, 0)), 0)
    layers = layer_curve(noise, labelled, lambda *_: None)
    again = layer_curve(noise[2:], labelled, lambda *_: None)
    assert again[0].linear.predicted.tolist() == layers[2].linear.predicted.tolist()
    strength, split = layers[1].linear.strengths[0], labelled.splits[0]
    assert strength is not None
    control = control_probe(dense(noise[1]), labelled.random, 2, split, strength)
    assert layers[1].control[split.test].tolist() == control.predicted.tolist()
    linear, network, control = (
        [one["accuracy"] for one in Measured(truth, groups, 2, 0).figures(said)]
        for truth, said in (
            (y, [one.linear.predicted for one in layers]),
            (y, [one.network.predicted for one in layers]),
            (labelled.random, [one.control for one in layers]),
        )
    )
    assert linear[1]["value"] > 0.97
    assert network[1]["value"] > 0.97
    assert network[2]["value"] > 0.85
    for nothing in (linear[0], linear[2], network[0], *control):
        assert nothing["low"] - 0.03 < 0.5 < nothing["high"] + 0.03


@pytest.fixture(scope="module")
def comments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two labels that a word tells apart, one that is too rare, one comment of two labels."""
    folder = tmp_path_factory.mktemp("comments")
    (folder / "labels.txt").write_text("anger\njoy\nneutral")
    lines = [f"{'awful' if n % 2 else 'lovely'} thing number {n}\t{n % 2}\tc{n}" for n in range(24)]
    (folder / "dev.tsv").write_text("\n".join([*lines, "hm\t2\tx", "both\t0,1\ty"]) + "\n")
    return folder


def test_the_command(whyfeel: Whyfeel, tiny: Path, comments: Path, tmp_path: Path, monkeypatch) -> None:
    told_to = ("probe", "goemotions", "--data", comments, "--model", f"local:{tiny}", "--out", tmp_path / "out")
    (tmp_path / "calm.txt").write_text("You are \x1b[31mcalm.\n")
    told_to += ("--folds", 2, "--offsets", "0,2", "--system", tmp_path / "calm.txt")
    told = whyfeel(*told_to)
    assert (told.status, told.err) == (0, "")
    assert [line for line in told.out.splitlines() if cell_len(line) > 80] == []
    assert "\x1b" not in told.out
    document = json.loads((tmp_path / "out" / "probe.json").read_text())
    assert document["labels"] == {"anger": 12, "joy": 12}
    assert (document["n"], document["groups"]) == (24, 24)
    assert document["left_out"] == {"with more than one label": 1, "labelled 'neutral', in fewer than 2 groups": 1}
    assert document["baselines"]["majority"]["accuracy"]["value"] == 0.5
    assert document["baselines"]["words"]["accuracy"]["value"] == 1
    for part in ("1 with more than one label", "words alone", "24 texts, 2 labels"):
        assert part in " ".join(told.out.split())  # a long path moves a line's end
    assert f"{document['best']['linear']['accuracy']['value']:.3f}" in told.out
    assert f"{document['contrast'][0]['layers'][2]['difference']['value']:.3f}" in told.out
    assert document["offsets"][0]["accuracy"] == document["best"]["linear"]["accuracy"]  # token 0 is the text's last
    assert document["contrast"][0]["system"] == "You are \x1b[31mcalm."
    _check_files(tmp_path / "out", document)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a model is loaded where all states are known")

    monkeypatch.setattr("whyfeel.probe.extract.load_local", never)
    again = whyfeel(*told_to, "--json")
    assert (again.status, again.json) == (0, document)
    monkeypatch.setattr("whyfeel.cli.probe._draw", lambda *_: None)  # half a second that shows nothing more
    assert whyfeel(*told_to[:-2]).status == 0
    assert json.loads((tmp_path / "out" / "probe.json").read_text())["contrast"] == []
    assert not (tmp_path / "out" / "contrast.csv").exists()
    wrong = whyfeel(*told_to, "--position", "mean")
    assert wrong.status == 2
    assert "holds the states of another probe: tokens was ['last', 2], is ['mean', 'last', 2]" in wrong.err


def _check_files(out: Path, document: dict[str, Any]) -> None:
    rows = {
        name: list(csv.DictReader((out / f"{name}.csv").read_text().splitlines()))
        for name in ("layers", "offsets", "contrast")
    }
    assert len(rows["layers"]) == 3 * 3 * 2
    assert len(rows["offsets"]) == 2 * 2
    assert len(rows["contrast"]) == 3 * 3
    first = {"layer": "0", "probe": "linear", "score": "accuracy"}
    first["value"] = str(document["layers"][0]["linear"]["accuracy"]["value"])
    assert first.items() <= rows["layers"][0].items()
    need(find_spec("matplotlib") is not None, "matplotlib")
    for name in rows:
        assert (out / f"{name}.svg").read_text().startswith("<?xml")


def test_pictures_of_a_task(whyfeel: Whyfeel, tiny: Path, tmp_path: Path) -> None:
    """Scenes are shown with one sentence, whose words tell nothing, and a model that sees none is told so."""
    build_tiny(tmp_path / "vlm", TEXTS, layers=1, width=32, pixels=32, patch=16, vocabulary=300)
    asked = ("probe", "scenes", "--pictures", "--out", tmp_path / "out", "--folds", 2, "--offsets", "0")
    told = whyfeel(*asked, "--model", f"local:{tmp_path / 'vlm'}", "--json")
    assert (told.status, told.err) == (0, "")
    words, common = (told.json["baselines"][name]["accuracy"]["value"] for name in ("words", "majority"))
    assert words == common == 0.25
    blind = whyfeel(*asked, "--out", tmp_path / "two", "--model", f"local:{tiny}")
    assert blind.status == 2
    assert "sees none; leave it out to probe the questions" in blind.err


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"model": "openai:gpt"}, "--model: expected local: and a folder or Hub id, got 'openai:gpt'"),
        ({"position": "first"}, "--position: expected last or mean, got 'first'"),
        ({"offsets": (0, -1)}, "--offsets: expected different numbers from 0 to 256, got 0,-1"),
        ({"folds": 1}, "--folds: expected 2 to 20, got 1"),
        ({"limit": 5, "sample": 5}, "--limit and --sample"),
        ({"limit": 0}, "expected at least 1"),
        ({"systems": (" ",)}, "--system: expected different texts"),
        ({"source": "goemotion"}, "there is no task 'goemotion'"),
        ({"data": None}, "goemotions needs --data"),
        ({"pictures": True}, "goemotions has no pictures"),
        ({"source": "scenes", "data": None, "labels": "ekman"}, "--labels is for goemotions"),
        ({"folds": 13}, "expected at least two labels with a group for each of 13 folds, got 3"),
        ({"limit": 1}, "expected at least two labels with a group for each of 5 folds, got 1 (1 groups in all), 0"),
    ],
)
def test_mistakes_in_one_line(comments: Path, tmp_path: Path, told: dict[str, Any], said: str) -> None:
    given = {"source": "goemotions", "model": "local:x", "out": tmp_path / "out", "data": comments} | told
    with pytest.raises(UserError) as error:
        probe(ProbeOptions(**given))
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_picture_that_cannot_be_shown(tiny: Path, tmp_path: Path) -> None:
    record = {"question": "Why?", "triggers": ["rain"]}
    lines = [record | {"id": f"r{n}", "emotion": f"{n % 2}", "image": f"{n}.png"} for n in range(4)]
    (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    with pytest.raises(DataError, match=r"'r0': its picture cannot be shown: .*0\.png"):
        probe(ProbeOptions("jsonl", f"local:{tiny}", tmp_path / "out", tmp_path, pictures=True, folds=2))


def test_without_the_extra(whyfeel: Whyfeel, comments: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "torch" else object())
    told = whyfeel("probe", "goemotions", "--data", comments, "--model", "local:x", "--out", tmp_path / "out")
    assert told.status == 2
    assert told.err == "whyfeel: whyfeel probe needs the package torch: pip install 'whyfeel[local]'\n"


def test_no_text_at_all_and_no_such_model(whyfeel: Whyfeel, comments: Path, tmp_path: Path) -> None:
    need(find_spec("torch") is not None, "the extra local")
    (tmp_path / "labels.txt").write_text("anger\njoy\n")
    (tmp_path / "dev.tsv").write_text("both\t0,1\tc\n")
    asked = ("probe", "goemotions", "--model", "local:no such/folder", "--out", tmp_path / "out")
    told = whyfeel(*asked, "--data", tmp_path)
    assert (told.status, "there is no text to probe; 1 with more than one label" in told.err) == (2, True)
    told = whyfeel(*asked, "--data", comments)
    assert (told.status, "expected a folder, or a model's id" in told.err) == (2, True)
    told = whyfeel(*asked, "--data", comments, "--offsets", "1,x")
    assert (told.status, "--offsets: expected whole numbers" in told.err) == (2, True)
