"""Comparing real runs: planted differences, identical systems, and runs that cannot be compared."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripted_runs import ANSWERER, Sitting, Watcher, words

from whyfeel.errors import DataError, UserError
from whyfeel.runs import judge_answers, run, run_options
from whyfeel.runs.compare import compare_runs, measure_spread
from whyfeel.runs.finished import read_finished
from whyfeel.runs.planning import plan_power
from whyfeel.stats.multiple import holm
from whyfeel.stats.paired import differences

Sit = Callable[..., Sitting]
SIZE = 40
GROUPS = ["macro", "sad", "happy"]  # as the records name them


@pytest.fixture
def samples(records: Callable[..., Path]) -> Path:
    """Forty records of two triggers each, two to a picture's worth of emotions."""
    rows = [{"triggers": [f"zebra{i} crossing", f"candle{i} burning"]} for i in range(SIZE)]
    return records(rows)


@pytest.fixture
def answering(sit: Sit, samples: Path, tmp_path: Path) -> Callable[..., Path]:
    """A run that names both triggers of some samples and nothing that is known of the others."""

    def make(name: str, right: Callable[[int], bool], **given: Any) -> Path:
        def answer(request: Any) -> str:
            number = int(words(request).split("Why ")[1].split("?")[0])
            return f"zebra{number} crossing\ncandle{number} burning" if right(number) else "nothing of the kind"

        sit(tmp_path / name, answer, task="jsonl", data=samples, model=f"{ANSWERER}{name}", **given)
        return tmp_path / name

    return make


def test_answer_files_are_compared_with_each_other_and_with_runs(
    answering: Callable[..., Path], samples: Path, tmp_path: Path
) -> None:
    made = answering("made", lambda i: i < 20)
    paths = [made]
    for name, right in (("all", SIZE), ("few", 10)):
        file = tmp_path / f"{name}.jsonl"
        lines = [
            {f"r{i:02}": f"zebra{i} crossing\ncandle{i} burning" if i < right else "nothing of the kind"}
            for i in range(SIZE)
        ]
        file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
        given = {"task": "jsonl", "data": samples, "model": f"answers:{name}", "controls": "none"}
        judge_answers(file, run_options({"out": tmp_path / f"of-{name}", **given}), Watcher())
        paths.append(tmp_path / f"of-{name}")
    assert scores(compare_runs(paths, score="f1")) == {"of-all": 1.0, "made": 0.5, "of-few": 0.25}


def test_a_run_that_stopped_itself_is_said_to_be_one(answering: Callable[..., Path]) -> None:
    whole, until = answering("whole", lambda i: i < 20), answering("until", lambda i: i < 20, until=99.0)
    about = [note for note in compare_runs([whole, until], score="f1")["notes"] if "--until" in note]
    assert len(about) == 1
    assert about[0].startswith("muntil direct: stopped itself (--until) after 1 samples")


def scores(found: dict[str, Any]) -> dict[str, float]:
    return {Path(one["run"]).name: one["value"] for one in found["systems"]}


def test_planted_differences_are_found_and_ties_are_shown(answering: Callable[..., Path]) -> None:
    half = answering("half", lambda i: i < 20)
    other_half = answering("other", lambda i: i >= 20)
    most = answering("most", lambda i: i < 38)
    found = compare_runs([half, most, other_half], score="f1")
    assert scores(found) == {"most": 0.95, "half": 0.5, "other": 0.5}
    assert list(scores(found)) == ["most", "half", "other"], "best first, ties as they were named"
    assert [one["letters"] for one in found["systems"]] == ["a", "b", "b"]
    assert (found["n"], found["score"], found["tests"], found["task"]) == (SIZE, "f1", 3, "jsonl")
    by_pair = {(Path(one["a"]).name, Path(one["b"]).name): one for one in found["comparisons"]}
    assert list(by_pair) == [("most", "half"), ("most", "other"), ("half", "other")]
    # most and half differ on 18 samples, all one way: 2 of 2^18 rearrangements; 10,000 drawn ones find none or so
    sure = by_pair["most", "half"]
    assert sure["difference"] == pytest.approx(0.45)
    assert sure["p"] <= 3 / 10_001
    assert 0.25 < sure["low"] < 0.45 < sure["high"] < 0.65
    assert by_pair["half", "other"]["difference"] == 0
    assert by_pair["half", "other"]["p"] == 1
    assert [one["p_holm"] for one in found["comparisons"]] == holm([one["p"] for one in found["comparisons"]])
    assert all(one["p"] <= one["p_bh"] <= one["p_holm"] for one in found["comparisons"])
    json.dumps(found, allow_nan=False)


def test_the_same_answers_by_another_name_are_tied(answering: Callable[..., Path]) -> None:
    found = compare_runs([answering(name, lambda i: i % 3 > 0) for name in ("one", "two")])
    (only,) = found["comparisons"]
    assert found["score"] == "kf1"
    assert (only["difference"], only["low"], only["high"], only["p"], only["p_holm"]) == (0, 0, 0, 1, 1)
    assert [one["letters"] for one in found["systems"]] == ["a", "a"]


def test_values_and_intervals_are_those_of_the_runs_own_summaries(answering: Callable[..., Path]) -> None:
    runs = [answering("one", lambda i: i % 3 > 0), answering("two", lambda i: i % 5 > 0)]
    for score in ("kf1", "f1", "trigger_recall"):
        found = compare_runs(runs, score=score)
        for one in found["systems"]:
            summary = json.loads((Path(one["run"]) / "summary.json").read_text())["scores"][score]
            for group, by in [("overall", one)] + [
                (name, next(s for s in entry["systems"] if s["run"] == one["run"]))
                for name, entry in found["groups"].items()
            ]:
                mine = {name: by[name] for name in ("value", "low", "high", "n")}
                assert mine == {name: summary[group][name] for name in mine}, (score, group)


def test_groups_have_their_own_comparisons_corrected_together(answering: Callable[..., Path]) -> None:
    runs = [answering("one", lambda i: i % 4 > 0), answering("two", lambda i: i % 2 > 0), answering("six", bool)]
    found = compare_runs(runs, score="recall")
    assert list(found["groups"]) == GROUPS
    everything = [one for entry in found["groups"].values() for one in entry["comparisons"]]
    assert [one["p_holm"] for one in everything] == holm([one["p"] for one in everything])
    sad = found["groups"]["sad"]
    assert {Path(one["run"]).name: one["value"] for one in sad["systems"]} == {"six": 0.95, "one": 0.5, "two": 0.0}
    assert {Path(one["run"]).name: one["n"] for one in sad["systems"]} == dict.fromkeys(("six", "one", "two"), 20)
    finished = [read_finished(Path(one["run"])) for one in found["systems"]]
    direct = differences(
        *([one.score("recall") for one in finished], finished[0].groups, finished[0].clusters),
        order=finished[0].task.groups,
        macro=finished[0].task.macro,
        seed=0,
    )
    for pair, one in zip(combinations(range(3), 2), sad["comparisons"], strict=True):
        entry = direct[pair]["sad"]
        assert (one["difference"], one["low"], one["p"]) == (entry.value, entry.low, entry.p)


def test_only_common_samples_count_and_the_others_are_told(answering: Callable[..., Path]) -> None:
    whole = answering("whole", lambda i: i < 10)
    part = answering("part", lambda i: i < 10, limit=16)
    found = compare_runs([whole, part], score="f1")
    assert found["n"] == 16
    assert scores(found) == {"whole": 10 / 16, "part": 10 / 16}
    assert [one["left_out"] for one in found["systems"]] == [24, 0]
    assert sum("24 of its 40 samples" in note for note in found["notes"]) == 1
    assert found["comparisons"][0]["p"] == 1


def test_samples_scored_on_one_side_only_are_counted(answering: Callable[..., Path]) -> None:
    one, two = answering("one", lambda i: i < 20), answering("two", lambda i: i < 10)
    for judgements in (two / "judgements.jsonl", next((two / "judges").iterdir()) / "judgements.jsonl"):
        lines = [json.loads(line) for line in judgements.read_text().splitlines()]
        for line in lines[:5]:
            del line["counts"]
            line["unscored"] = {"reason": "timeout", "detail": ""}
        judgements.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = compare_runs([one, two], score="f1")
    (only,) = found["comparisons"]
    assert (only["n"], only["left_out"]) == (35, 5)
    assert only["difference"] == pytest.approx(15 / 35 - 5 / 35)
    assert [system["n"] for system in found["systems"]] == [40, 35]


def test_what_should_be_known_about_the_runs_is_said(answering: Callable[..., Path], samples: Path) -> None:
    one, two = answering("one", lambda i: i < 20), answering("two", lambda i: i < 10)
    base = one.parent / "prior"
    run(run_options({"task": "jsonl", "data": samples, "model": "baseline:prior", "out": base}), Watcher())
    for path, change in (
        (one, {"controls": {}}),
        (two, {"headline": {"refused": "a list wins"}, "controls": {"a": {}}}),
    ):
        file = next((path / "judges").iterdir()) / "summary.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | change))
    found = compare_runs([one, two, base])
    by_run = {Path(system["run"]).name: system for system in found["systems"]}
    assert by_run["two"]["headline"] == {"refused": "a list wins"}
    about = {name: [note for note in found["notes"] if note.startswith(by_run[name]["name"])] for name in by_run}
    assert [len(about[name]) for name in ("one", "two", "prior")] == [1, 1, 0], "a baseline has no controls of its own"
    assert "no controls" in about["one"][0]
    assert "refused: a list wins" in about["two"][0]


def test_runs_of_one_model_are_told_apart_by_their_folders(answering: Callable[..., Path]) -> None:
    one = answering("one", lambda i: i < 20)
    shutil.copytree(one, one.parent / "again")
    found = compare_runs([one, one.parent / "again"])
    assert [system["name"].split()[-1] for system in found["systems"]] == ["(one)", "(again)"]


# --- what cannot be compared


def refused(*runs: Path, **given: Any) -> str:
    with pytest.raises(UserError) as error:
        compare_runs(runs, **given)
    return str(error.value)


def test_too_few_and_the_same_run(answering: Callable[..., Path]) -> None:
    one, two = answering("one", bool), answering("two", bool)
    assert "at least two runs, got 1" in refused(one)
    assert "at least two runs, got 0" in refused()
    assert "named twice" in refused(one, two, two.parent / "two" / ".." / "one")


def test_other_tasks_other_data_and_other_judges(
    answering: Callable[..., Path], sit: Sit, records: Callable[..., Path], tmp_path: Path
) -> None:
    one = answering("one", bool)
    sit(tmp_path / "scenes", task="scenes", model="baseline:echo")
    assert "different tasks, jsonl and scenes" in refused(one, tmp_path / "scenes")
    sit(tmp_path / "other", task="jsonl", model="baseline:echo", data=records(SIZE, "elsewhere"))
    assert "on different data: r.jsonl is " in refused(one, tmp_path / "other")
    judged = answering("judged", bool, judge="official-gpt")
    said = refused(one, judged)
    assert "have different judges" in said
    assert "name is 'overlap' there and 'official-gpt' here" in said
    assert "whyfeel judge" in said
    assert "no judge 'verdicts'" in refused(one, judged, judge="verdicts")


def test_no_sample_in_common(answering: Callable[..., Path]) -> None:
    whole = answering("whole", lambda i: i < 20)
    part = answering("part", bool, limit=3)
    folder = shutil.copytree(whole, whole.parent / "rest")
    for file in (folder / "responses.jsonl", next((folder / "judges").iterdir()) / "judgements.jsonl"):
        file.write_text("".join(line + "\n" for line in file.read_text().splitlines()[3:]))
    assert "no sample in common" in refused(part, folder)
    found = compare_runs([whole, folder], score="f1")
    assert found["n"] == SIZE - 3
    assert scores(found) == {"whole": 17 / 37, "rest": 17 / 37}, "each run's own first samples are other ones"


def test_other_seeds_draw_other_foils_and_that_is_said(answering: Callable[..., Path]) -> None:
    one, two = answering("one", lambda i: i < 20), answering("two", lambda i: i < 20, seed=7)
    assert [note for note in compare_runs([one, two])["notes"] if "seeds differ (0, 7)" in note]
    assert not [note for note in compare_runs([one, two], score="f1")["notes"] if "seeds" in note]


def test_unknown_scores_and_folders_that_are_no_runs(answering: Callable[..., Path], tmp_path: Path) -> None:
    one, two = answering("one", bool), answering("two", bool)
    assert "gives no score 'elegance'; it gives kf1, f1" in refused(one, two, score="elegance")
    with pytest.raises(DataError, match=r"run\.json"):
        compare_runs([one, tmp_path])


def test_a_score_without_a_value_is_no_comparison_and_no_crash(answering: Callable[..., Path]) -> None:
    """Runs of two answers of 40 have kF1, but with every judgement's chance cut out there is none."""
    runs = [answering("one", lambda i: i < 20), answering("two", lambda i: i < 10)]
    for path in runs:
        file = next((path / "judges").iterdir()) / "judgements.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        for line in lines:
            line["counts"] = {name: n for name, n in line["counts"].items() if not name.startswith("chance")}
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = compare_runs(runs)
    (only,) = found["comparisons"]
    assert (only["difference"], only["p"], only["p_holm"], found["tests"]) == (None, None, None, 0)
    assert "not known" in only["why"]
    assert [one["letters"] for one in found["systems"]] == ["a", "a"]


# --- planning


def test_the_spread_of_two_runs_plans_the_next(answering: Callable[..., Path]) -> None:
    """One right on 20 of 40, the other on 30, these 20 among them: the difference is 0 or 1."""
    runs = answering("one", lambda i: i < 30), answering("two", lambda i: i < 20)
    spread = measure_spread(runs, score="f1")
    ones, twos = np.arange(SIZE) < 30, np.arange(SIZE) < 20
    assert spread.sd_difference == pytest.approx(np.std(ones ^ twos, ddof=1))
    assert spread.rho == pytest.approx(np.corrcoef(ones, twos)[0, 1])
    assert (spread.design, spread.n) == (pytest.approx(1), SIZE)
    plan = plan_power(None, 25, runs, None, None, alpha=0.05, power=0.8, score="f1")
    assert plan["n"] == int(np.ceil((2.8015852 * spread.sd_difference / 0.25) ** 2))
    assert "Measured on" in plan["source"]


def test_a_plan_without_runs_is_the_literatures() -> None:
    plan = plan_power(200, None, None, None, None, alpha=0.05, power=0.8)
    assert round(100 * plan["difference"], 1) == 5.9
    assert [(one["n"], round(100 * one["difference"], 1)) for one in plan["sizes"]] == [
        (50, 11.9), (200, 5.9), (1615, 2.1),
    ]  # fmt: skip
    assert "assumed" in plan["source"]
    assert plan_power(None, 2, None, 0.3, 0.5, alpha=0.05, power=0.8)["n"] == 1766


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((None, None, None, None, None), "either --n SAMPLES or --difference"),
        ((200, 2, None, None, None), "either --n SAMPLES or --difference"),
        ((200, None, (Path("a"), Path("b")), 0.3, None), "leave --sd and --rho out"),
        ((None, 0, None, None, None), "points from 0.0001 to 100, got 0"),
        ((None, 101, None, None, None), "to 100, got 101"),
        ((0, None, None, None, None), "samples, got 0"),
        ((9, None, None, 0, None), "an sd above 0"),
        ((9, None, None, None, 1), "below 1"),
    ],
)
def test_mistakes_in_a_plan(asked: tuple[Any, ...], said: str) -> None:
    with pytest.raises(UserError) as error:
        plan_power(*asked, alpha=0.05, power=0.8)
    assert said in str(error.value)


def test_more_mistakes_in_a_plan(answering: Callable[..., Path]) -> None:
    for levels in ({"alpha": 0, "power": 0.8}, {"alpha": 0.05, "power": 1}, {"alpha": float("nan"), "power": 0.8}):
        with pytest.raises(UserError, match="alpha < power"):
            plan_power(9, None, None, None, None, **levels)
    with pytest.raises(UserError, match="are for --runs"):
        plan_power(9, None, None, None, None, alpha=0.05, power=0.8, score="f1")
    same = answering("one", lambda i: i < 20), answering("two", lambda i: i < 20)
    with pytest.raises(UserError, match="the two never differ"):
        plan_power(9, None, same, None, None, alpha=0.05, power=0.8)
