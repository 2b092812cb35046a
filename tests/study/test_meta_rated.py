"""Metrics and judges beside people's ratings: scipy, loops, and three LLM judges beside experts."""

from __future__ import annotations

import csv
import statistics
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from simulated import answered, collect, make_design, simulate_ratings

from whyfeel.errors import DataError
from whyfeel.stats.meta import rated
from whyfeel.stats.resampling import Bootstrap
from whyfeel.study.design import Key, Source
from whyfeel.study.meta import meta_files, meta_study
from whyfeel.study.meta_runs import Measure, MeasuredRun

FEW = Bootstrap(0, 200)


def test_a_rating_study_as_scipy_has_it() -> None:
    design = make_design("rating", items=25, systems=2, votes=3, a_picture=2)
    collected = simulate_ratings(design, 4, {1: 2.0, 2: 3.5})
    points: dict[str, list[int]] = defaultdict(list)
    for trial in collected.trials:
        points[trial.item].append(int(trial.answer))
    mine = [item for item in design.items if item.candidates[0].system == 2]
    generator = np.random.default_rng(0)
    values = {item.sample: statistics.mean(points[item.id]) + float(generator.normal()) for item in mine}
    del values[mine[3].sample]
    texts = {item.sample: item.candidates[0].text for item in mine}
    texts[mine[0].sample] = "another"
    run = MeasuredRun(Path("run"), "d", texts, {"m": Measure("m", "metric", values)})
    key = Key(design.digest, {1: Source("human", "human", "", ""), 2: Source("model", "run", "r", "d")})
    document = meta_study(design, collected, key, [run], FEW)
    [part] = document["parts"]
    found = part["measures"]["m"]
    held = [(values[item.sample], statistics.mean(points[item.id])) for item in mine if item not in (mine[0], mine[3])]
    assert found["left_out"] == {"another text was shown": 1, "no value": 1}
    assert found["spearman"]["value"] == pytest.approx(scipy.stats.spearmanr(*zip(*held, strict=True)).statistic)
    assert found["kendall"]["value"] == pytest.approx(scipy.stats.kendalltau(*zip(*held, strict=True)).statistic)
    assert found["absolute"]["value"] == pytest.approx(np.mean([abs(one - other) for one, other in held]))
    assert found["bias"]["low"] < found["bias"]["value"] < found["bias"]["high"]
    # whole pictures are drawn, each of two items
    means = {item.id: statistics.mean(points[item.id]) for item in mine}
    known = [values.get(item.sample, np.nan) if item is not mine[0] else np.nan for item in mine]
    clustered = replace(FEW, clusters=[item.cluster for item in mine])
    assert found["spearman"] == rated(np.array(known), np.array(list(means.values())), clustered).spearman.to_json()
    # each rating beside the mean of the others of its item
    pairs = [
        (own, (sum(points[item.id]) - own) / (len(points[item.id]) - 1)) for item in mine for own in points[item.id]
    ]
    others = part["measures"]["the other raters"]
    assert (others["n"], others["kind"]) == (75, "people")
    assert others["spearman"]["value"] == pytest.approx(scipy.stats.spearmanr(*zip(*pairs, strict=True)).statistic)
    assert (document["kind"], document["votes"], document["votes_aside"]) == ("rating", 150, 75)
    assert (part["name"], part["items"], part["ratings"]) == ("model", 25, 75)


def test_a_single_rating_has_no_others() -> None:
    design = make_design("rating", items=2, systems=1, votes=1)
    trials = [answered(1, place, item.id, str(place)) for place, item in enumerate(design.items, 1)]
    texts: dict[str, str | None] = {item.sample: item.candidates[0].text for item in design.items}
    run = MeasuredRun(Path("run"), "d", texts, {"m": Measure("m", "metric", {"s0000": 0.0, "s0001": 1.0})})
    key = Key(design.digest, {1: Source("model", "run", "r", "d")})
    [part] = meta_study(design, collect(trials), key, [run], FEW)["parts"]
    assert part["measures"]["m"]["spearman"]["value"] == 1.0
    others = part["measures"]["the other raters"]
    assert (others["n"], others["left_out"], others["verdict"]) == (0, {"the item's only vote": 2}, "undefined")


def sheet(path: Path, heads: str, *rows: str) -> Path:
    path.write_text("\n".join([heads, *rows]) + "\n", "utf-8")
    return path


def test_files_by_hand(tmp_path: Path) -> None:
    judge = sheet(tmp_path / "judge.csv", "id,warm,note", "a,1,x", "b,2,y", "c,3,z", "e,9,z")
    ann = sheet(tmp_path / "ann.csv", "id,warm,note", "a,1,x", "b,3,y", "c,2,z", "d,5,z")
    ben = sheet(tmp_path / "ben.csv", "id,warm,note", "a,2,x", "b,,y", "c,4,z", "d,6,z")
    document = meta_files([judge], [ann, ben], FEW)
    assert (document["judges"], document["people"], document["left_out"]) == (["judge"], ["ann", "ben"], ["note"])
    [part] = document["parts"]
    # people's means: a 1.5, b 3 (only Ann), c 3, d 5.5 (no value), e none
    found = part["measures"]["judge"]
    assert (found["n"], found["left_out"], part["items"], part["ratings"]) == (3, {"no value or no rating": 2}, 4, 7)
    assert found["bias"]["value"] == pytest.approx((-0.5 - 1 + 0) / 3)
    assert found["spearman"]["value"] == pytest.approx(scipy.stats.spearmanr([1, 2, 3], [1.5, 3, 3]).statistic)
    assert part["measures"]["ann"]["bias"]["value"] == pytest.approx((-1 - 2 - 1) / 3)
    assert part["measures"]["ben"]["bias"]["value"] == pytest.approx((1 + 2 + 1) / 3)
    assert [part["measures"][name]["kind"] for name in ("judge", "ann", "ben")] == ["judge", "people", "people"]
    assert list(meta_files([judge], [ann], FEW)["parts"][0]["measures"]) == ["judge"]  # nobody else to be held against


def test_raters_named_in_a_column(tmp_path: Path) -> None:
    judges = sheet(tmp_path / "j.csv", "item,rater,score", "a,x,1", "b,x,2", "a,y,3", "b,y,4")
    people = sheet(tmp_path / "p.csv", "item,rater,score", "a,p,1", "b,p,2", "a,q,1", "b,q,3")
    document = meta_files([judges], [people], FEW)
    assert (document["judges"], document["people"]) == (["x", "y"], ["p", "q"])
    clash = sheet(tmp_path / "c.csv", "item,rater,score", "d,x,1", "b,p,2")
    with pytest.raises(DataError, match="'x' stands among the judges and among the people"):
        meta_files([judges], [clash], FEW)


# --- Kumar et al.: experts, crowd and LLM judges on 200 conversations; the worked example of docs/meta.md

SETS = ("lend_an_ear", "empatheticdialogues", "perceived_empathy", "epitome")
JUDGES = ("gpt", "claude", "gemini", "crowd")
EXPERTS = ("expert1", "expert2", "expert3")
Sheets = dict[str, dict[str, dict[str, dict[str, float]]]]


@pytest.fixture(scope="module")
def sheets(shared: Path) -> Sheets:
    """Set to rater to dimension to item to rating, read by the csv module alone."""
    found: Sheets = {}
    for name in SETS:
        for rater in (*EXPERTS, *JUDGES):
            path = shared / "data" / "llm_judge_empathy" / "annotations" / name / f"{rater}_ratings.csv"
            rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
            first = next(head for head in rows[0] if head == "id" or head.endswith("_id"))
            heads = found[name]["expert1"] if name in found else [one for one in rows[0] if not one.endswith("id")]
            found.setdefault(name, {})[rater] = {head: {row[first]: float(row[head]) for row in rows} for head in heads}
    return found


@pytest.fixture(scope="module")
def documents(shared: Path) -> dict[str, Any]:
    folder = shared / "data" / "llm_judge_empathy" / "annotations"
    return {
        name: meta_files(
            *([folder / name / f"{rater}_ratings.csv" for rater in raters] for raters in (JUDGES, EXPERTS)),
            Bootstrap(0, 500),
        )
        for name in SETS
    }


def test_every_figure_of_the_worked_example_is_scipys(sheets: Sheets, documents: dict[str, Any]) -> None:
    seen = 0
    for name, document in documents.items():
        for part in document["parts"]:
            by = {rater: sheets[name][rater][part["name"]] for rater in (*JUDGES, *EXPERTS)}
            items = list(by["gpt"])
            for rater in (*JUDGES, *EXPERTS):
                experts = [one for one in EXPERTS if one != rater]
                people = [statistics.mean(by[one][item] for one in experts) for item in items]
                own = [by[rater][item] for item in items]
                found = part["measures"][rater]
                assert found["spearman"]["value"] == pytest.approx(scipy.stats.spearmanr(own, people).statistic)
                assert found["kendall"]["value"] == pytest.approx(scipy.stats.kendalltau(own, people).statistic)
                assert found["bias"]["value"] == pytest.approx(statistics.mean(own) - statistics.mean(people))
                seen += 1
            assert part["differences"]["tested"] == 6
    assert seen == 21 * 7


def test_what_the_docs_say_of_the_worked_example(documents: dict[str, Any]) -> None:
    parts = [part for document in documents.values() for part in document["parts"]]
    tracked = {
        name: sum(part["measures"][name]["verdict"] == "tracks people" for part in parts)
        for name in (*JUDGES, *EXPERTS)
    }
    assert tracked == {"gpt": 20, "claude": 21, "gemini": 21, "crowd": 17, "expert1": 21, "expert2": 19, "expert3": 21}
    among = [
        one for part in parts for one in part["differences"]["pairs"] if "crowd" not in (one["first"], one["second"])
    ]
    assert len(among) == 63
    # at an end of an interval that lies at 0 the number of resamples decides: with 10,000 there are six
    assert 4 <= sum(one["low"] > 0 or one["high"] < 0 for one in among) <= 8
    crowd = [one for part in parts for one in part["differences"]["pairs"] if one["second"] == "crowd"]
    assert len(crowd) == 63
    assert sum(one["low"] > 0 for one in crowd) > 15
    assert sum(one["high"] < 0 for one in crowd) == 0


def test_the_published_correlation_of_two_experts(shared: Path) -> None:
    folder = shared / "data" / "llm_judge_empathy" / "annotations" / "lend_an_ear"
    document = meta_files([folder / "expert1_ratings.csv"], [folder / "expert2_ratings.csv"], FEW)
    rho = {part["name"]: part["measures"]["expert1"]["spearman"]["value"] for part in document["parts"]}
    assert round(rho["advice_giving"], 2) == 0.79
    assert round(rho["demonstrating_understanding"], 2) == 0.58
