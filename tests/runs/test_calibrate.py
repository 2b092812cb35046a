"""A judge held against people: every figure made anew from the files of the run, and what is warned about."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import krippendorff
import numpy as np
import ppi_py
import pytest
import scipy.stats
from scripted_runs import Sitting, Watcher, write_lines

from told import Told
from whyfeel.errors import DataError, UserError
from whyfeel.records import Judgement, Unscored, rng
from whyfeel.runs import run, run_options
from whyfeel.runs.calibrate import calibrate, found_triggers

Sit = Callable[..., Sitting]
Whyfeel = Callable[..., Told]
Records = Callable[..., Path]
Row = dict[str, Any]


class Finished:
    """A run of a baseline over n records of two emotions, judged by overlap, and its files as they are on disk."""

    def __init__(self, folder: Path, data: Path) -> None:
        run(run_options({"task": "jsonl", "model": "baseline:prior", "data": data, "out": folder}), Watcher())
        self.folder = folder
        self.samples = [json.loads(line) for line in (data / "r.jsonl").read_text().splitlines()]
        self.judged = [json.loads(line) for line in (folder / "judgements.jsonl").read_text().splitlines()]
        self.ids = [one["id"] for one in self.samples]

    def scores(self, name: str = "recall") -> np.ndarray:
        return np.array([one["counts"][name] for one in self.judged])

    def found(self, place: int) -> list[int]:
        """The places from 1 of the triggers that the judge found."""
        return [pair[0] + 1 for pair in self.judged[place]["detail"]["matched"]]

    def calibrate(self, rows: list[Row], **more: Any) -> dict[str, Any]:
        told = calibrate(self.folder, write_lines(self.folder.parent / "labels.jsonl", rows), **more)
        json.dumps(told, allow_nan=False)
        return told


WORDS = ("a lost dog", "the long rain", "her mother", "an old letter", "his red car", "the sea at night")


@pytest.fixture
def finished(tmp_path: Path, records: Records) -> Callable[..., Finished]:
    """Records in pairs about one picture, with two to six triggers that other records share."""

    def make(n: int = 60) -> Finished:
        draw = rng(0, "records")
        rows = []
        for i in range(n):
            count = int(draw.integers(2, 7))
            triggers = [WORDS[k] for k in draw.permutation(6)[:count]]
            rows.append({"image": f"{i // 2}.png", "triggers": triggers, "emotion": ("sad", "happy")[i // 2 % 2]})
        return Finished(tmp_path / "run", records(rows))

    return make


def noisy(judge: np.ndarray, n: int, seed: int = 1) -> tuple[list[int], np.ndarray]:
    """n places and what people would say there: less than the judge, and not quite the same."""
    draw = rng(seed, "people")
    chosen = sorted(draw.choice(len(judge), n, replace=False).tolist())
    return chosen, np.clip(judge[chosen] * 0.7 + draw.normal(0, 0.1, n), 0, 1)


# --- the figures


def test_the_figures_of_scores(finished: Callable[..., Finished]) -> None:
    one = finished(120)
    judge = one.scores()
    chosen, people = noisy(judge, 70)
    told = one.calibrate([{"id": one.ids[i], "score": p} for i, p in zip(chosen, people, strict=True)])
    assert (told["score"], told["judge"], told["labels"]) == ("recall", "overlap", "answers")
    assert (told["n"], told["labelled"], told["unscored"], told["partial"], told["blank"]) == (120, 70, 0, 0, 0)
    figures = told["groups"]["overall"]
    rest = np.setdiff1d(np.arange(120), chosen)
    oracle = ppi_py.ppi_mean_pointestimate(people, judge[chosen], judge[rest])[0]
    assert figures["corrected"]["value"] == pytest.approx(oracle, abs=1e-9)
    assert (figures["corrected"]["n"], figures["others"]) == (70, 50)
    assert figures["labels"]["value"] == pytest.approx(people.mean())
    assert figures["judge"]["value"] == pytest.approx(judge.mean())
    assert figures["effective"] == pytest.approx(70 * figures["worth"])
    agreement = figures["agreement"]
    apart = judge[chosen] - people
    assert agreement["n"] == 70
    assert agreement["bias"]["value"] == pytest.approx(apart.mean())
    assert agreement["absolute"]["value"] == pytest.approx(np.abs(apart).mean())
    assert agreement["spearman"]["value"] == pytest.approx(scipy.stats.spearmanr(judge[chosen], people).statistic)
    # the bias is told apart from nothing, and pictures are drawn whole
    sums = np.bincount([i // 2 for i in chosen], apart - apart.mean(), 60)
    clusters = len({i // 2 for i in chosen})
    error = math.sqrt(clusters / (clusters - 1) * (sums**2).sum()) / 70
    width = scipy.stats.t.ppf(0.975, clusters - 1) * error
    assert agreement["bias"]["low"] == pytest.approx(apart.mean() - width)
    assert figures["triggers"] is None


def test_by_emotion_it_is_a_run_of_that_emotion(finished: Callable[..., Finished]) -> None:
    one = finished()
    judge = one.scores()
    chosen, people = noisy(judge, 40)
    told = one.calibrate([{"id": one.ids[i], "score": p} for i, p in zip(chosen, people, strict=True)])
    assert list(told["groups"]) == ["overall", "sad", "happy"]
    sad = np.array([sample["emotion"] == "sad" for sample in one.samples])
    here = sad[chosen]
    rest = np.setdiff1d(np.flatnonzero(sad), chosen)
    found = told["groups"]["sad"]
    oracle = ppi_py.ppi_mean_pointestimate(people[here], judge[chosen][here], judge[rest])[0]
    assert found["corrected"]["value"] == pytest.approx(oracle)
    assert found["judge"]["value"] == pytest.approx(judge[sad].mean())
    assert found["agreement"]["n"] + told["groups"]["happy"]["agreement"]["n"] == 40


def test_the_figures_of_triggers(finished: Callable[..., Finished]) -> None:
    one = finished()
    draw = rng(3, "people")
    rows, pairs, recalls = [], [], []
    for place in range(0, 60, 2):
        count, judged = len(one.samples[place]["triggers"]), one.found(place)
        said = [n for n in range(1, count + 1) if draw.random() < (0.8 if n in judged else 0.2)]
        rows += [{"id": one.ids[place], "trigger": n, "found": n in said} for n in range(1, count + 1)]
        pairs += [(n in judged, n in said) for n in range(1, count + 1)]
        recalls.append(len(said) / count)
    told = one.calibrate(rows)
    assert told["labels"] == "triggers"
    assert told["groups"]["overall"]["labels"]["value"] == pytest.approx(np.mean(recalls))
    found = told["groups"]["overall"]["triggers"]
    judge, people = np.array(pairs).T
    assert (found["n"], found["tied"]) == (len(pairs), 0)
    assert found["accuracy"]["value"] == np.mean(judge == people)
    hits, alarms = judge[people].mean(), judge[~people].mean()
    assert (found["true_positive_rate"]["value"], found["false_positive_rate"]["value"]) == (hits, alarms)
    every = sum(len(one.found(place)) for place in range(60)) / sum(len(s["triggers"]) for s in one.samples)
    rate = found["corrected_rate"]
    assert rate["judged"] == pytest.approx(every)
    assert rate["value"] == pytest.approx((every - alarms) / (hits - alarms))
    assert sum(told["groups"][group]["triggers"]["n"] for group in ("sad", "happy")) == len(pairs)


def test_a_judge_who_says_what_people_say(finished: Callable[..., Finished]) -> None:
    one = finished()
    told = one.calibrate([{"id": name, "found": one.found(place)} for place, name in enumerate(one.ids)])
    figures = told["groups"]["overall"]
    assert figures["agreement"]["bias"]["value"] == 0
    assert figures["agreement"]["bias"]["why"] == "no interval (all are the same)"
    assert figures["agreement"]["spearman"]["value"] == pytest.approx(1)
    assert figures["triggers"]["accuracy"]["value"] == 1
    assert figures["why"] == "every answer has a label"
    assert figures["corrected"] == figures["labels"] == figures["judge"]
    assert told["warnings"] == ["60 labelled answers are few: below 100, take the intervals with care"]


def test_another_score_is_held_against_its_own_labels(finished: Callable[..., Finished]) -> None:
    one = finished()
    told = one.calibrate([{"id": name, "score": 0.5} for name in one.ids[:3]], score="precision")
    assert told["score"] == "precision"
    assert told["groups"]["overall"]["judge"]["value"] == pytest.approx(one.scores("precision").mean())


def test_several_raters(finished: Callable[..., Finished]) -> None:
    one = finished()
    draw = rng(5, "raters")
    ratings = np.round(draw.random((20, 1)) * 0.6 + draw.random((20, 3)) * 0.4, 2)
    ratings[3:9, 2] = np.nan
    rows = [
        {"id": one.ids[place], "score": ratings[place, rater], "rater": "xyz"[rater]}
        for place in range(20)
        for rater in range(3)
        if not math.isnan(ratings[place, rater])
    ]
    told = one.calibrate(rows)
    assert (told["raters"]["n"], told["raters"]["several"]) == (3, 20)
    oracle = krippendorff.alpha(ratings.T, level_of_measurement="interval")
    assert told["raters"]["alpha"]["value"] == pytest.approx(oracle)
    assert told["raters"]["alpha"]["low"] < oracle < told["raters"]["alpha"]["high"]
    assert told["groups"]["overall"]["labels"]["value"] == pytest.approx(np.nanmean(ratings, axis=1).mean())
    assert told["labelled"] == 20


def test_divided_raters_decide_no_trigger(finished: Callable[..., Finished]) -> None:
    one = finished()
    count = len(one.samples[0]["triggers"])
    rows = [{"id": one.ids[0], "found": said, "rater": str(said)} for said in ([], list(range(1, count + 1)))]
    rows.append({"id": one.ids[1], "found": [1]})
    found = one.calibrate(rows)["groups"]["overall"]["triggers"]
    assert (found["tied"], found["n"]) == (count, len(one.samples[1]["triggers"]))


def test_answers_with_a_part_of_their_triggers_labelled(finished: Callable[..., Finished]) -> None:
    one = finished()
    told = one.calibrate([{"id": name, "trigger": 1, "found": n % 2 == 0} for n, name in enumerate(one.ids[:9])])
    assert (told["partial"], told["labelled"]) == (9, 9)
    figures = told["groups"]["overall"]
    assert figures["corrected"]["why"] == "undefined (no answer has both a label and a score)"
    assert figures["triggers"]["n"] == 9
    assert figures["agreement"]["n"] == 0


# --- other judges


def test_the_official_judges_tell_a_recall_and_no_triggers(tmp_path: Path, sit: Sit) -> None:
    def verdict(request: Any) -> str:
        return "no score" if "a gift 3" in str(request) else "{score: 1/2}"

    sitting = sit(tmp_path / "a", answer=numbered(), verdict=verdict, judge="official-gpt", limit=8, concurrency=1)
    lines = sitting.lines("judgements.jsonl")
    rows = [{"id": line["id"], "found": [1]} for line in lines]
    told = calibrate(tmp_path / "a", write_lines(tmp_path / "l", rows))
    assert (told["score"], told["unscored"], told["labelled"]) == ("corrected_recall", 1, 8)
    assert told["groups"]["overall"]["triggers"] is None
    scored = [line["counts"]["correct"] / line["counts"]["total"] for line in lines if "counts" in line]
    assert told["groups"]["overall"]["judge"]["value"] == pytest.approx(np.mean(scored))
    assert told["groups"]["overall"]["agreement"]["n"] == 7


def numbered() -> Callable[[Any], str]:
    """A model whose answers are told apart by their numbers."""
    count = iter(range(100))
    return lambda request: f"a gift {next(count)}"


def test_one_of_several_judges(tmp_path: Path, sit: Sit, whyfeel: Whyfeel) -> None:
    sitting = sit(tmp_path / "a", judge="official-gpt", limit=4)
    assert whyfeel("judge", tmp_path / "a", "--judge", "overlap").status == 0
    labels = write_lines(tmp_path / "l", [{"id": line["id"], "score": 1} for line in sitting.lines("responses.jsonl")])
    assert calibrate(tmp_path / "a", labels)["judge"] == "official-gpt"
    assert calibrate(tmp_path / "a", labels, judge="overlap")["score"] == "recall"


def verdicts(*labels: str) -> dict[str, Any]:
    return {"verdicts": [{"verdict": one} for one in labels], "claims": [], "tries": 1}


@pytest.mark.parametrize(
    ("detail", "found"),
    [
        ({"matched": [[2, "rain", 0.4], [0, "dog", 0.9]], "unsupported": []}, [True, False, True]),
        ({"matched": [], "unsupported": []}, [False] * 3),
        (verdicts("supported", "absent", "contradicted"), [True, False, False]),
        ({"verdicts": [{"verdict": "supported", "shared": True}, *verdicts("supported", "absent")["verdicts"]]},
         [False, True, False]),
        ({"tries": 0}, [False] * 3),
        ({"log": "{score: 1/3}", "tries": 1}, None),
        ({"members": [{"detail": verdicts(*one)} for one in (
            ("supported", "supported", "absent"), ("supported", "absent", "absent"), ("absent", "supported", "absent")
        )]}, [True, True, False]),
        ({"members": [{"detail": verdicts("supported", "absent", "absent")}, {"detail": {"tries": 0}}]}, [False] * 3),
    ],
)  # fmt: skip
def test_the_triggers_that_a_judge_found(detail: dict[str, Any], found: list[bool] | None) -> None:
    assert found_triggers(Judgement("a", {"f1": 1.0}, detail), 3) == found
    assert found_triggers(Judgement("a", {}, detail, unscored=Unscored("timeout")), 3) is None


# --- what is warned about


def standing(n: int, chosen: list[int], scores: Callable[[int], float] = lambda i: i % 3 / 2) -> list[Row]:
    return [{"id": f"r{i:02}", "score": scores(i)} for i in chosen]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (range(10), "they are its first 10"),
        (range(50, 60), "most of them stand near its beginning, or most near its end"),
        ([i for i in range(60) if i // 2 % 2 == 0], "all are 'sad'"),
        ([i for i in range(60) if i // 2 % 2 == 0][3:23:2], "all are 'sad'"),
        ([*[i for i in range(60) if i // 2 % 2 == 0][:27], 2], "they have too many that are 'sad'"),
    ],
)
def test_no_random_sample(finished: Callable[..., Finished], chosen: Any, said: str) -> None:
    warnings = finished().calibrate(standing(60, sorted(set(chosen))))["warnings"]
    assert f"the labelled answers are no random sample of the run: {said}" in warnings


def test_answers_chosen_by_the_judges_score(finished: Callable[..., Finished]) -> None:
    one = finished()
    worst = np.argsort(one.scores(), kind="stable")
    for chosen, word in ((worst[:25], "lower"), (worst[-25:], "higher")):
        warnings = one.calibrate(standing(60, sorted(chosen.tolist())))["warnings"]
        assert (
            f"the labelled answers are no random sample of the run: the judge scores them {word} than the others"
            in (warnings)
        )


def test_a_random_sample_is_not_warned_about(finished: Callable[..., Finished]) -> None:
    one = finished()
    for seed in range(18):
        chosen = rng(seed, "sample").choice(60, 5 + 3 * seed, replace=False)
        [few] = one.calibrate(standing(60, sorted(chosen.tolist())))["warnings"]
        assert few.endswith("labelled answers are few: below 100, take the intervals with care")


def test_a_hundred_labels_are_enough(finished: Callable[..., Finished]) -> None:
    one = finished(120)
    rows = [{"id": one.ids[place], "score": 0.5} for place in rng(0, "sample").permutation(120)]
    assert one.calibrate(rows[:100])["warnings"] == []
    assert len(one.calibrate(rows[:99])["warnings"]) == 1


# --- mistakes


@pytest.mark.parametrize("score", ["kf1", "trigger_recall"])
def test_a_score_that_is_no_mean_over_answers(finished: Callable[..., Finished], score: str) -> None:
    with pytest.raises(UserError, match=f"--score: {score} is no mean over single answers.*; choose f1, recall"):
        finished().calibrate([{"id": "r00", "score": 1}], score=score)


def test_triggers_found_are_labels_of_recall_only(finished: Callable[..., Finished]) -> None:
    with pytest.raises(UserError, match="which gives recall: leave --score f1 out"):
        finished().calibrate([{"id": "r00", "found": [1]}], score="f1")
    with pytest.raises(UserError, match="gives no score 'recal'; it gives kf1"):
        finished().calibrate([{"id": "r00", "found": [1]}], score="recal")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"matched": [[', '"matched": [[9, "x", 1], [', "the judgement of 'r.*' in .* is damaged; run the judge again"),
        ('"matched": [[', '"matched": [3, [', "is damaged"),
        ('"matched": [[', '"matched": [[[1]], [', "is damaged"),
        ('"recall": ', '"recall": 1', "a recall of overlap-.* is not from 0 to 1"),
    ],
)
def test_damaged_judgements(finished: Callable[..., Finished], old: str, new: str, said: str) -> None:
    one = finished(8)
    [path] = (one.folder / "judges").glob("*/judgements.jsonl")
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=said):
        one.calibrate([{"id": "r00", "score": 1}])
