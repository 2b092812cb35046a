"""A run's metrics and judges as `whyfeel meta` reads them, and the command from a new metric to its verdict."""

from __future__ import annotations

import doctest
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from rich.cells import cell_len
from simulated import answered, collect, make_design, unblinded

from whyfeel.cli import meta as command
from whyfeel.errors import DataError, UserError
from whyfeel.metrics import Item, Measured, MetricInfo, registry
from whyfeel.records import Judgement, Unscored
from whyfeel.runs import run, run_options
from whyfeel.runs.metrics import measure_run
from whyfeel.study import meta_parts, meta_runs
from whyfeel.study import opened as study_opened
from whyfeel.study.design import Candidate, Design, Key, Source
from whyfeel.study.folder import StudyFolder
from whyfeel.study.meta_runs import read_run


class Quiet:
    def note(self, text: str) -> None: ...
    def start(self, total: int, counts: object) -> None: ...
    def tick(self, done: int) -> None: ...
    def finish(self) -> None: ...


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose answers are other samples' triggers; its length and ROUGE-L are measured."""
    folder = tmp_path_factory.mktemp("runs") / "prior"
    run(run_options({"task": "scenes", "model": "baseline:prior", "out": folder}), Quiet())
    measure_run(folder, ["length", "rouge-l"])
    return folder


@pytest.fixture
def done(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def answers(folder: Path) -> dict[str, str]:
    lines = [json.loads(line) for line in (folder / "responses.jsonl").read_text("utf-8").splitlines()]
    return {line["id"]: line["text"] for line in lines}


def test_every_metric_and_the_headline_of_every_judge(finished: Path) -> None:
    found = read_run(finished)
    texts = answers(finished)
    [judge_id] = [path.name for path in (finished / "judges").iterdir()]
    headline = json.loads((finished / "summary.json").read_text("utf-8"))["headline"]["score"]
    assert list(found.measures) == ["length", "rouge-l", f"{judge_id}:{headline}"]
    assert dict(found.texts) == texts
    # words are runs of letters and digits; numbers of list entries are words, too
    sample = next(iter(texts))
    assert found.measures["length"].values[sample] == len(texts[sample].replace(".", " ").split())
    assert {one.kind for one in found.measures.values()} == {"metric", "judge"}
    assert found.measures["length"].rules == "a count of words"


def test_a_score_of_a_sample_is_its_own_ratio(finished: Path) -> None:
    [judge_id] = [path.name for path in (finished / "judges").iterdir()]
    found = read_run(finished, ["length"], [f"{judge_id}:recall", "overlap:trigger_recall"])
    assert list(found.measures) == ["length", f"{judge_id}:recall", f"{judge_id}:trigger_recall"]
    # over all triggers of the run the two differ; of one answer they are the same share
    assert found.measures[f"{judge_id}:trigger_recall"].values == found.measures[f"{judge_id}:recall"].values
    lines = (finished / "judgements.jsonl").read_text("utf-8").splitlines()
    judged = {line["id"]: line["counts"] for line in map(json.loads, lines)}
    values = found.measures[f"{judge_id}:recall"].values
    assert set(values) == set(judged)
    assert all(0 <= value <= 1 for value in values.values())
    recall = json.loads((finished / "summary.json").read_text("utf-8"))["scores"]["recall"]["overall"]["value"]
    assert math.fsum(values.values()) / len(values) == pytest.approx(recall)


def test_what_is_missing_is_told(done: Path) -> None:
    with pytest.raises(UserError, match=r"was not measured by 'bleu', .* there are: length, rouge-l; run whyfeel"):
        read_run(done, ["bleu"])
    with pytest.raises(UserError, match="no judge 'x'"):
        read_run(done, None, ["x"])
    with pytest.raises(UserError, match="gives no score 'x'"):
        read_run(done, None, ["overlap:x"])
    values = done / "metrics" / "length.jsonl"
    lines = values.read_text("utf-8").splitlines()
    values.write_text("\n".join(['{"id": "birthday-cake", "value": null}', *lines[1:]]) + "\n", "utf-8")
    assert "birthday-cake" not in read_run(done).measures["length"].values
    for broken in ('{"id": 1, "value": 2}', '{"id": "a", "value": "2"}', '{"id": "a", "value": true}'):
        values.write_text(f"{lines[0]}\n{broken}\n", "utf-8")
        with pytest.raises(DataError, match=r"length\.jsonl', record 2: expected an id and a value, a number or null"):
            read_run(done)
    summary = done / "metrics" / "summary.json"
    summary.write_text('{"responses": 1, "metrics": {}}')
    with pytest.raises(DataError, match="should hold 'responses'; run whyfeel metrics again"):
        read_run(done)
    summary.unlink()
    with pytest.raises(UserError, match="there are: none"):
        read_run(done, ["length"])
    assert [one.kind for one in read_run(done).measures.values()] == ["judge"]


def test_metrics_of_earlier_answers_are_none(done: Path) -> None:
    summary = done / "metrics" / "summary.json"
    told = json.loads(summary.read_text("utf-8"))
    told["metrics"]["length"]["facts"] = {"checkpoint": "/folder", "digest": "abc"}
    summary.write_text(json.dumps(told), "utf-8")
    assert read_run(done).measures["length"].rules == "a count of words abc"
    summary.write_text(json.dumps({**told, "responses": "of other answers"}), "utf-8")
    assert "length" not in read_run(done).measures


def test_the_pairwise_judge_is_won_less_lost(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"won": 0.25, "tied": 0.25, "lost": 0.5}
    judged = (
        Judgement("a", counts, {"opponent": "0f"}),
        Judgement("b", {}, {"opponent": "0e"}, unscored=Unscored("unparsed")),
        Judgement("c", {"won": 1.0, "tied": 0.0, "lost": 0.0}, {"opponent": "0d"}),
    )
    told = SimpleNamespace(judge={"name": "pairwise"}, judge_id="pairwise-1", judgements=judged)
    monkeypatch.setattr(meta_runs, "read_finished", lambda path, judge, data: told)
    found = read_run(finished, [], ["pairwise-1"]).measures["pairwise-1:won-lost"]
    assert (found.values, found.opponents) == ({"a": -0.25, "c": 1.0}, {"a": "0f", "c": "0d"})


# --- the command, with a metric that somebody proposes


@dataclass(frozen=True)
class Remainder:
    """A metric of one's own: it has all that docs/meta.md says a metric has."""

    name: str = "remainder"
    needs: frozenset[str] = frozenset()
    low: float = 0.0
    high: float = math.inf
    source: str = "letters modulo 7"

    def measure(self, items: Sequence[Item]) -> Measured:
        return Measured([float(len(item.hypothesis) % 7) for item in items])


class Store:
    """What the command asks of the store, in order."""

    calls: list[str]
    holds: Any
    votes = 24

    def __init__(self, opened: object, design: Design) -> None:
        assert opened == ("postgresql://h/db", design.digest)

    async def prepare(self) -> None:
        self.calls.append("prepare")

    async def progress(self) -> object:
        return SimpleNamespace(votes=self.votes)

    async def unblind(self) -> None:
        self.calls.append("unblind")

    async def collected(self) -> object:
        self.calls.append("collected")
        return self.holds

    async def close(self) -> None:
        self.calls.append("close")


def study_of(folder: Path, texts: dict[str, str], digest: str) -> tuple[StudyFolder, Design]:
    """Each answer of the run beside a human text, three to a picture."""
    design = make_design(items=len(texts), a_picture=3)
    items = [
        replace(item, sample=sample, candidates=(Candidate("x", "people", 2), Candidate("y", text, 1)))
        for item, (sample, text) in zip(design.items, texts.items(), strict=True)
    ]
    design = replace(design, items=tuple(items))
    made = StudyFolder(folder)
    folder.mkdir()
    made.design.write_text(json.dumps(design.to_json()), "utf-8")
    sources = {1: Source("m direct", "run", "r", digest), 2: Source("human", "human", "", "")}
    made.key.write_text(json.dumps(Key(design.digest, sources).to_json()), "utf-8")
    return made, design


def test_a_new_metric_is_registered_measured_and_tested(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        registry, "METRICS", (*registry.METRICS, MetricInfo("remainder", "a try", lambda *_: Remainder()))
    )
    measure_run(done, ["remainder"])
    folder, design = study_of(tmp_path / "study", answers(done), read_run(done).responses)
    trials = [
        answered(1, place, item.id, "right" if len(item.candidates[1].text) % 7 > 2 else "left")
        for place, item in enumerate(design.items, 1)
    ]
    monkeypatch.setattr(Store, "calls", [], raising=False)
    monkeypatch.setattr(Store, "holds", unblinded(collect(trials), 0.0, 7), raising=False)

    async def opened(place: str, name: str) -> tuple[str, str]:
        return place, name

    monkeypatch.setattr(study_opened, "StudyStore", Store)
    monkeypatch.setattr(study_opened, "open_database", opened)
    app = typer.Typer(rich_markup_mode=None)
    command.register(app)

    def told(*more: str) -> str:
        capsys.readouterr()
        given = [str(done), "--study", str(folder.path), "--db", "postgresql://h/db", *more]
        assert app(given, standalone_mode=False) == 0
        return capsys.readouterr().out

    document = json.loads(told("--metric", "length, remainder", "--judge", "overlap", "--json", "--seed", "5"))
    assert Store.calls == ["prepare", "unblind", "collected", "close"]
    [part] = document["parts"]
    assert list(part["measures"])[:2] == ["length", "remainder"]
    assert part["measures"]["remainder"]["auc"]["value"] == 1.0
    assert part["measures"]["remainder"]["verdict"] == "tracks people"
    assert (document["seed"], document["study"], document["unblinded"]["votes"]) == (5, design.digest, 7)
    lines = told("--metric", "remainder").splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert any(line.split()[:3] == ["remainder", "24", "1.000"] and "tracks people" in line for line in lines)
    assert "The study was unblinded at 7 votes." in lines
    # a mistake in a run unblinds nothing
    Store.calls.clear()
    with pytest.raises(UserError, match="was not measured by 'x'"):
        told("--metric", "x")
    assert Store.calls == []
    # nor does one who comes before anybody voted
    monkeypatch.setattr(Store, "votes", 0)
    with pytest.raises(UserError, match="no vote yet; it was not unblinded"):
        told()
    assert Store.calls == ["prepare", "close"]
    with pytest.raises(
        UserError, match=r"study\.sqlite' is not there: nobody has voted yet, or the study is kept at a"
    ):
        app([str(done), "--study", str(folder.path)], standalone_mode=False)
    assert not folder.store.exists()


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(meta_parts) == (0, 1)


def test_sources_and_people_must_be_of_one_kind(tmp_path: Path) -> None:
    app = typer.Typer(rich_markup_mode=None)
    command.register(app)
    file = tmp_path / "a.csv"
    file.touch()
    for given in ([tmp_path, "--study", file], [file, "--study", tmp_path], [tmp_path, *["--study", tmp_path] * 2]):
        with pytest.raises(UserError, match="expected run folders and one study folder, or files of ratings"):
            app([str(one) for one in given], standalone_mode=False)
    with pytest.raises(UserError, match="--metric, --judge, --data and --db are for runs and a study"):
        app([str(file), "--study", str(file), "--metric", "m"], standalone_mode=False)
    with pytest.raises(UserError, match=r"nowhere' is not there"):
        app([str(file), "--study", str(tmp_path / "nowhere")], standalone_mode=False)
