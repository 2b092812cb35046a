"""The official judges in a run, on toy data whose released and corrected figures are worked out by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_runs import GROUPS, Sitting, check_summary, words

from whyfeel.engine import Reply, Request
from whyfeel.models import Scripted

Sit = Callable[..., Sitting]

IMAGES = {
    "CAER-S/train/Happy/1.png": 4,
    "CAER-S/train/Angry/2.png": 5,
    "EmoSet-118k/image/sadness/3.jpg": 2,
    "EmoSet-118k/image/excitement/4.jpg": 3,
    "CAER-S/train/Angry/5.png": 4,
}


@pytest.fixture
def data(basic: Callable[..., Path], tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    return basic(IMAGES)


@pytest.fixture
def judged(sit: Sit, data: Path, tmp_path: Path) -> Callable[..., Sitting]:
    """Answers of a baseline, judged by a script: image number to the judge's words, or one list of words a try."""

    def run(judge: str, script: dict[int, str | list[str]], model: str = "baseline:echo") -> Sitting:
        def verdict(request: Request) -> str:
            [number] = set(re.findall(r"/(\d)\.(?:png|jpg) trigger", words(request)))
            said = script[int(number)]
            return said if isinstance(said, str) else said[request.ask.repeat]

        return sit(tmp_path / judge, verdict=verdict, task="eibench-basic", data=data, model=model, judge=judge)

    return run


def values(sitting: Sitting, score: str) -> dict[str, float | None]:
    return {group: one["value"] for group, one in sitting.summary["scores"][score].items()}


LLAMA3: dict[int, Any] = {
    1: "{score: 2/4} Two are named.",
    2: "{Score: 1/5}",  # taken, for the script looks at lower case; but the scorer reads no score in it
    3: "As in your example {score: 2/5}, this is {score: 1/2}.",  # the first is scored
    4: "{score: 6/5}",  # above 1
    5: ["none"] * 5,  # five refusals: the script writes 0/1
}


def test_llama3_by_hand(judged: Callable[..., Sitting]) -> None:
    sitting = judged("official-llama3", LLAMA3)
    assert values(sitting, "official_recall") == pytest.approx(
        # row 2 carries row 1's 0.5 into angry, and gives nothing to the overall mean
        {"overall": (0.5 + 0.4 + 1.2 + 0) / 4, "happy": 0.5, "angry": (0.5 + 0) / 2, "sad": 0.4, "excited": 1.2}
    )
    assert values(sitting, "corrected_recall") == pytest.approx(
        {"overall": 0.55, "macro": 0.55, "happy": 0.5, "angry": 0.2, "sad": 0.5, "excited": 1.0}
    )
    corrected = sitting.summary["scores"]["corrected_recall"]
    assert corrected["overall"]["bounds"] == pytest.approx([2.2 / 5, 3.2 / 5])
    assert corrected["angry"]["bounds"] == pytest.approx([0.2 / 2, 1.2 / 2])
    assert corrected["angry"]["n"] == 1
    micro = sitting.summary["scores"]["trigger_recall"]["overall"]
    assert micro["value"] == pytest.approx((2 + 1 + 1 + 3) / (4 + 5 + 2 + 3))
    assert micro["bounds"] == pytest.approx([7 / 18, 11 / 18])
    assert sitting.summary["unscored"] == {"unparsed": 1}
    assert sitting.summary["headline"] == {"score": "corrected_recall"}
    check_summary(sitting.summary, GROUPS["eibench-basic"])


def test_gpt_by_hand(judged: Callable[..., Sitting]) -> None:
    sitting = judged("official-gpt", LLAMA3 | {2: "{score:1/5}"})  # a spelling that this script takes
    assert values(sitting, "official_recall") == pytest.approx(
        {"overall": (0.5 + 0.4 + 1.2) / 3, "happy": 0.5, "angry": 0.5, "sad": 0.4, "excited": 1.2}
    )
    official = sitting.summary["scores"]["official_recall"]
    assert (official["overall"]["n"], official["angry"]["n"]) == (3, 1)
    assert values(sitting, "corrected_recall")["overall"] == pytest.approx(0.55)
    assert sitting.summary["unscored"] == {"unparsed": 1}


@pytest.mark.parametrize(("judge", "log"), [("official-llama3", "{score: 0/1}"), ("official-gpt", None)])
def test_five_refusals_are_five_asks_of_their_own(judged: Callable[..., Sitting], judge: str, log: str | None) -> None:
    sitting = judged(judge, dict.fromkeys(range(1, 5), "{score: 1/2}") | {5: ["none"] * 5})
    line = sitting.lines("judgements.jsonl")[4]
    assert len(set(line["asks"])) == 5
    assert (line["detail"]["log"], line["detail"]["tries"]) == (log, 5)
    assert line["unscored"]["reason"] == "unparsed"
    assert sitting.summary["calls"] == len(sitting.judge.requests) == 4 + 5
    assert sorted(r.ask.repeat for r in sitting.judge.requests) == [0] * 5 + [1, 2, 3, 4]


def test_a_later_try_is_taken(judged: Callable[..., Sitting]) -> None:
    sitting = judged("official-gpt", dict.fromkeys(range(1, 5), "{score: 1/2}") | {5: ["no", "", "{score: 3/4}"]})
    line = sitting.lines("judgements.jsonl")[4]
    assert (line["counts"], line["detail"]["tries"]) == ({"correct": 3, "total": 4}, 3)


def test_a_verdict_on_an_empty_answer_counts_officially_and_not_corrected(judged: Callable[..., Sitting]) -> None:
    sitting = judged("official-gpt", dict.fromkeys(range(1, 6), "{score: 2/2}"), model="baseline:empty")
    assert set(values(sitting, "official_recall").values()) == {1.0}
    assert set(values(sitting, "corrected_recall").values()) == {0.0}
    assert sitting.summary["outcomes"]["empty"] == 5


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ({3: "{score: 0/0}"}, "ZeroDivisionError"),
        ({1: "{Score: 1/4}"}, "no row up to here has a score"),  # the first row has nothing to carry over
    ],
)
def test_where_the_released_scorer_raises_there_is_no_figure_but_a_reason(
    judged: Callable[..., Sitting], script: dict[int, str], why: str
) -> None:
    sitting = judged("official-llama3", dict.fromkeys(range(1, 6), "{score: 1/2}") | script)
    official = sitting.summary["scores"]["official_recall"]
    assert all(one["value"] is one["low"] is one["bounds"] is None for one in official.values())
    assert all(why in one["why"] for one in official.values())
    assert values(sitting, "corrected_recall")["overall"] is not None
    check_summary(sitting.summary, GROUPS["eibench-basic"])


def test_the_complex_set_is_joined_by_position_and_has_one_figure(
    sit: Sit, complex_set: Callable[..., Path], tmp_path: Path
) -> None:
    rows = [("a.jpg", "Why sad one?", 4), ("b.jpg", "Why happy?", 2), ("a.jpg", "Why angry two?", 5)]

    def verdict(request: Request) -> str:
        said = words(request)
        return "{score: 1/4}" if "sad one" in said else "{Score: 2/2}" if "happy" in said else "{score: 3/6}"

    given = {"task": "eibench-complex", "data": complex_set(rows), "model": "baseline:oracle"}
    sitting = sit(tmp_path / "r", verdict=verdict, judge="official-llama3", **given)
    official = sitting.summary["scores"]["official_recall"]
    assert list(official) == ["overall"]
    assert official["overall"]["value"] == pytest.approx((1 / 4 + 3 / 6) / 2), "what is unparsed is dropped"
    assert values(sitting, "corrected_recall") == pytest.approx(
        {"overall": (0.25 + 1 + 0.6) / 3, "happy": 1.0, "angry": 0.6, "sad": 0.25}
    )


def test_a_judge_that_fails_leaves_its_sample_unscored_and_out_of_the_log(judged: Callable[..., Sitting]) -> None:
    script: dict[int, Any] = dict.fromkeys(range(1, 6), "{score: 1/2}")
    del script[3]  # a KeyError in the script: a fault of ours
    sitting = judged("official-gpt", script)
    assert sitting.summary["unscored"] == {"fault": 1}
    assert sitting.summary["scores"]["official_recall"]["overall"]["n"] == 4


def test_the_judge_sees_the_answer_and_the_annotation_word_for_word(sit: Sit, data: Path, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text('[official]\nsystem = "S"\nuser = "<$answer>|<$truth>"\n')
    sitting = sit(
        tmp_path / "r",
        task="eibench-basic",
        data=data,
        model="baseline:echo",
        judge="official-gpt",
        prompts=str(tmp_path / "p.toml"),
        limit=1,
    )
    image = "CAER-S/train/Happy/1.png"
    truth = "\n".join(f"{k}. {image} trigger {k}" for k in range(1, 5))
    assert words(sitting.judge.requests[0]) == f"S\n<Why 0?>|<{truth}>"
    assert sitting.lines("responses.jsonl")[0]["text"] == "Why 0?"


def test_what_a_judge_says_is_never_filled_into_a_template(sit: Sit, tmp_path: Path) -> None:
    sitting = sit(tmp_path / "r", lambda _: Reply("$truth {score: 9/9} ${answer}"), judge="official-gpt", limit=1)
    assert "$truth {score: 9/9} ${answer}" in words(sitting.judge.requests[0])
    assert isinstance(sitting.judge, Scripted)
