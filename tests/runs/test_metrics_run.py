"""`whyfeel metrics` on scripted runs: what is measured, written, kept and printed."""

from __future__ import annotations

import doctest
import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from scripted_runs import Sitting, png, words

from weights import random_weights, safetensors, save
from whyfeel.cli import metrics as command
from whyfeel.engine import Request
from whyfeel.errors import CallFailed, DataError, UserError
from whyfeel.media import Loaded
from whyfeel.metrics import Item, Measured, MetricInfo, registry, rouge
from whyfeel.metrics import words as words_module
from whyfeel.models.embedder import load_embedder
from whyfeel.report import metrics_table
from whyfeel.runs import metrics as metrics_run
from whyfeel.runs.metrics import measure_run, sentences
from whyfeel.stats import Series, estimate

ROWS = (
    {"triggers": ["his dog ran away", "he is alone"], "image": "a.png", "caption": "A man sits."},
    {"triggers": ["friends sing for her"], "image": "a.png"},
    {"triggers": ["rain falls"], "image": "b.png"},
    {"triggers": ["the exam failed"], "image": "c.png"},
    {"triggers": ["a cake"], "image": "b.png"},
)
ANSWERS = ("His dog ran away.", "A cake. Friends sing.", "", None, "a song\na cake\na song")


def answer(request: Request) -> str:
    said = ANSWERS[int(words(request).split("Why ")[1].split("?")[0])]
    if said is None:
        raise CallFailed("refused by the server", "no", again=False)
    return said


@pytest.fixture
def done(sit: Callable[..., Sitting], records: Callable[..., Path], tmp_path: Path) -> Path:
    """A run of five samples on three pictures: one answer is empty, one was not obtained."""
    data = records(ROWS)
    for name in ("a", "b", "c"):
        (data / f"{name}.png").write_bytes(png(20, 32))
    sit(tmp_path / "out", answer, task="jsonl", data=data, images=data, max_side=16)
    return tmp_path / "out"


def lines(run: Path, name: str) -> list[Any]:
    return [json.loads(line) for line in (run / "metrics" / f"{name}.jsonl").read_text("utf-8").splitlines()]


def summary(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "metrics" / "summary.json").read_text("utf-8"))
    return found


def test_every_sample_has_its_line_and_the_mean_its_interval_by_picture(done: Path) -> None:
    found = measure_run(done, ["rouge-l"])
    # 4 of 4 words; 2 of 4 and 4 words; an empty answer; no answer; 2 of 6 words and 2
    values = [1.0, 0.5, 0.0, None, 0.5]
    assert lines(done, "rouge-l") == [{"id": f"r{i:02}", "value": value} for i, value in enumerate(values)]
    assert (found["n"], found["answered"], found["unscored"]) == (5, 4, {"refused by the server": 1})
    series = Series("rouge-l", np.array([math.nan if v is None else v for v in values]), np.ones(5))
    pictures = ["a.png", "a.png", "b.png", "c.png", "b.png"]
    emotions = ["sad", "happy", "sad", "happy", "sad"]
    expected = estimate([series], emotions, pictures, order=["sad", "happy"], macro=True, seed=0)["rouge-l"]
    scores = found["metrics"]["rouge-l"]["scores"]
    assert scores["overall"]["value"] == statistics.mean([1.0, 0.5, 0.0, 0.5])
    assert set(scores) == set(expected)
    for group, one in expected.items():
        assert scores[group] == {k: v for k, v in one.to_json().items() if k != "bounds"}
    assert found["metrics"]["rouge-l"]["range"] == [0.0, 1.0]


def test_what_is_undefined_is_told_by_reason_and_is_no_zero(done: Path) -> None:
    found = measure_run(done, ["distinct-2", "length"])["metrics"]
    assert [one["value"] for one in lines(done, "distinct-2")] == [1.0, 1.0, None, None, 0.8]
    assert found["distinct-2"]["undefined"] == {"fewer than 2 words": 1}
    assert found["distinct-2"]["scores"]["overall"]["n"] == 3
    # three, three and five pairs, of which "a cake" stands in two answers and "a song" twice in one
    assert found["distinct-2"]["facts"]["corpus"] == 9 / 11
    assert (found["length"]["scores"]["overall"]["value"], found["length"]["range"]) == (3.5, [0.0, None])


def test_earlier_metrics_of_the_same_answers_stay_and_those_of_others_go(done: Path) -> None:
    measure_run(done, ["length", "rouge-l"])
    printed = measure_run(done, ["distinct-1"])
    assert list(printed["metrics"]) == ["distinct-1"]
    assert list(summary(done)["metrics"]) == ["length", "rouge-l", "distinct-1"]
    responses = done / "responses.jsonl"
    responses.write_text(responses.read_text("utf-8").replace("His dog", "Her dog"), "utf-8")
    measure_run(done, ["length"])
    assert list(summary(done)["metrics"]) == ["length"]
    assert not list((done / "metrics").glob("*.part"))


def test_the_same_command_writes_the_same(done: Path) -> None:
    def files() -> dict[str, bytes]:
        measure_run(done, ["cider", "rouge-l"])
        return {path.name: path.read_bytes() for path in (done / "metrics").iterdir()}

    first = files()
    assert sorted(first) == ["cider.jsonl", "rouge-l.jsonl", "summary.json"]
    assert files() == first


def test_a_run_without_answers_has_no_values(
    sit: Callable[..., Sitting], records: Callable[..., Path], tmp_path: Path
) -> None:
    def silent(_: Request) -> str:
        raise CallFailed("refused by the server", "no", again=False)

    sit(tmp_path / "out", silent, task="jsonl", data=records(2))
    found = measure_run(tmp_path / "out", ["rouge-l", "cider", "distinct-1", "length"])
    assert found["answered"] == 0
    for one in found["metrics"].values():
        assert (one["scores"]["overall"]["value"], one["scores"]["overall"]["why"]) == (None, "nothing was scored")
        assert one["undefined"] == {}


@dataclass(frozen=True)
class Probe:
    """A metric that remembers its items and gives what it was told to."""

    seen: list[Item]
    gives: Callable[[Sequence[Item]], Measured]
    name: str = "probe"
    needs: frozenset[str] = frozenset({"picture"})
    low: float = 0.0
    high: float = 1.0
    source: str = "here"

    def measure(self, items: Sequence[Item]) -> Measured:
        self.seen.extend(items)
        return self.gives(items)


def probe(monkeypatch: pytest.MonkeyPatch, gives: Callable[[Sequence[Item]], Measured], **changed: Any) -> Probe:
    """Register a metric under the name "probe"."""
    made = replace(Probe([], gives), **changed)
    monkeypatch.setattr(registry, "METRICS", (MetricInfo("probe", "", lambda *_: made),))
    return made


def halves(items: Sequence[Item]) -> Measured:
    return Measured([0.5] * len(items))


def test_an_item_has_the_references_what_was_asked_and_the_picture_as_it_was_sent(
    done: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = probe(monkeypatch, halves)
    measure_run(done, ["probe"])
    first, second = made.seen[:2]
    assert (first.sample_id, first.hypothesis) == ("r00", "His dog ran away.")
    assert first.references == ("his dog ran away", "he is alone")
    assert (first.source, second.source) == ("A man sits.\nWhy 0?", "Why 1?")
    assert first.cluster == second.cluster
    assert first.picture is not None
    sent = Loaded(first.picture).header
    assert (sent.width, sent.height) == (10, 16)  # --max-side 16 of 20 by 32
    (tmp_path / "records" / "b.png").unlink()
    made.seen.clear()
    measure_run(done, ["probe"])
    assert [one.picture is None for one in made.seen] == [False, False, True, True]
    text = probe(monkeypatch, halves, needs=frozenset())
    measure_run(done, ["probe"])
    assert {one.picture for one in text.seen} == {None}


@pytest.mark.parametrize(
    "gives",
    [
        lambda items: Measured([0.5]),
        lambda items: Measured([None, *[0.5] * (len(items) - 1)]),
        lambda items: Measured([1.5] * len(items)),
        lambda items: Measured([math.nan] * len(items)),
    ],
    ids=["too few", "none without a reason", "out of range", "not a number"],
)
def test_a_metric_that_breaks_its_word_writes_nothing(
    done: Path, monkeypatch: pytest.MonkeyPatch, gives: Callable[[Sequence[Item]], Measured]
) -> None:
    probe(monkeypatch, gives)
    with pytest.raises(ValueError, match=r"^probe: "):
        measure_run(done, ["probe"])
    assert not (done / "metrics").exists()


def test_coherence_runs_on_our_sentences_and_an_embedder(done: Path, tmp_path: Path) -> None:
    folder = save(tmp_path / "tiny", safetensors(random_weights()))
    found = measure_run(done, [f"coherence:{folder}"])["metrics"]["coherence"]
    embedder = load_embedder(str(folder))
    cake, sing, song = embedder(["A cake", "Friends sing", "a song"]).astype(float)
    expected = [None, cake @ sing, None, None, (embedder(["a cake"])[0] @ song + song @ embedder(["a cake"])[0]) / 2]
    for one, value in zip(lines(done, "coherence"), expected, strict=True):
        assert one["value"] == (value if value is None else pytest.approx(value, abs=1e-6))
    assert found["undefined"] == {"fewer than two sentences": 2}
    assert found["facts"] == {"checkpoint": str(folder), "digest": embedder.digest}


def test_an_embedder_is_refused_under_the_option_that_names_it(done: Path) -> None:
    with pytest.raises(UserError, match=r"^--metric coherence: 'none': expected a folder, or a model's id"):
        measure_run(done, ["coherence:none"])


def test_the_examples_in_the_docstrings_hold() -> None:
    for module in (metrics_run, metrics_table, words_module, rouge):
        assert doctest.testmod(module).attempted > 0
        assert doctest.testmod(module).failed == 0


def test_sentences_are_what_an_answer_states() -> None:
    assert sentences("Sure, the reasons:\n- **His dog** ran; he cries!\n- I cannot say.") == [
        "His dog** ran",
        "he cries",
    ]
    assert sentences("") == []


def test_damaged_and_strange_folders_are_told(done: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"run\.json"):
        measure_run(tmp_path, ["length"])
    with pytest.raises(UserError, match="there is no metric 'x'"):
        measure_run(tmp_path, ["x"])
    (done / "metrics").mkdir()
    (done / "metrics" / "summary.json").write_text('{"responses": 1, "metrics": {}}')
    with pytest.raises(DataError, match=r"should hold 'responses'; delete it"):
        measure_run(done, ["length"])


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What the command prints."""
    app = typer.Typer(rich_markup_mode=None)
    command.register(app)

    def run(*args: object) -> str:
        capsys.readouterr()
        assert app([str(one) for one in args], standalone_mode=False) == 0
        return capsys.readouterr().out

    return run


def test_the_command_prints_a_table_of_eighty_columns(done: Path, told: Callable[..., str]) -> None:
    out = told(done, "--metric", "rouge-l, distinct-2", "--metric", "length")
    assert max(map(len, out.splitlines())) <= 80
    table, _, remarks = out.partition("Means over")
    cells = {line.split()[0]: line.split() for line in table.splitlines() if line.strip()}
    assert cells["rouge-l"][1] == "0.500"
    assert cells["rouge-l"][4:] == ["4", "0", "0", "to", "1"]
    assert cells["distinct-2"][4:7] == ["3", "1", "0.818"]
    assert cells["length"][-2:] == ["0", "up"]
    assert "distinct-2 undefined: fewer than 2 words (1)" in remarks
    assert "answers not obtained: refused by the server (1)" in remarks
    assert "happy" not in out


def test_one_metric_is_shown_by_group(done: Path, told: Callable[..., str]) -> None:
    out = told(done, "--metric", "length")
    cells = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    assert (cells["happy"][0], cells["happy"][-1]) == ("4.000", "1")
    assert (cells["sad"][0], cells["sad"][-1]) == ("3.333", "3")
    assert cells["macro"][0] == "3.667"


def test_json_is_the_summary(done: Path, told: Callable[..., str]) -> None:
    assert json.loads(told(done, "--metric", "rouge-l,length", "--json")) == summary(done)


def test_the_default_is_every_metric_without_a_checkpoint(done: Path, told: Callable[..., str]) -> None:
    found = json.loads(told(done, "--json"))["metrics"]
    assert list(found) == list(registry.DEFAULT)
    assert found["bleu"]["facts"]["signature"].startswith("nrefs:var")
    out = told(done)
    assert max(map(len, out.splitlines())) <= 80
    assert all(f"\n{name} " in out for name in found)


def test_a_terminal_gets_no_control_characters(
    done: Path, told: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    probe(monkeypatch, lambda items: Measured([None] * len(items), {"x\x1b[2J": len(items)}, {"y\x07": 1}))
    out = told(done, "--metric", "probe")
    assert r"probe undefined: x\x1b[2J (4)" in out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "probe: nothing was scored" in out


def test_the_list_needs_no_run_and_a_run_is_asked_for(told: Callable[..., str]) -> None:
    out = told("--list")
    [coherence] = [line for line in out.splitlines() if line.startswith("coherence")]
    assert coherence.rstrip().endswith("a checkpoint")
    assert out.count("a checkpoint\n") == sum(one.checkpoint for one in registry.METRICS)
    assert max(map(len, out.splitlines())) <= 80
    assert all(f"\n{one.name} " in out for one in registry.METRICS)
    assert [one["name"] for one in json.loads(told("--list", "--json"))["metrics"]] == [
        one.name for one in registry.METRICS
    ]
    with pytest.raises(UserError, match="expected a finished run folder"):
        told()
