"""`whyfeel score`: the released figures, faults included, and the corrected ones, against rules written out here."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

import pytest
from scripted_runs import write_lines

from told import Told

Whyfeel = Callable[..., Told]
Row = tuple[str, str]

HAPPY, ANGRY = "CAER-S/train/Happy/1.png", "CAER-S/train/Angry/2.png"
SAD, EXCITED = "EmoSet-118k/image/sadness/3.jpg", "EmoSet-118k/image/excitement/4.jpg"
TOY = {HAPPY: 4, ANGRY: 4, SAD: 5, EXCITED: 3}


@pytest.fixture
def score(whyfeel: Whyfeel, basic: Callable[..., Path], tmp_path: Path) -> Callable[..., dict[str, object]]:
    """The JSON of `whyfeel score` on a toy log of eibench-basic."""

    def run(*rows: Row, text: str | None = None) -> dict[str, object]:
        log = write_lines(tmp_path / "log.jsonl", [{image: said} for image, said in rows])
        if text is not None:
            log.write_text(text, encoding="utf-8")
        told = whyfeel("score", log, "--task", "eibench-basic", "--data", basic(TOY), "--json")
        assert (told.status, told.err) == (0, "")
        return told.json

    return run


def test_defect_1_an_unparsed_row_gives_its_class_the_value_of_the_row_before(score: Callable[..., dict]) -> None:
    found = score((SAD, "{score: 5/5}"), (ANGRY, "{score: 0/4 }"))
    assert found["official"] == {"happy": 0.0, "angry": 1.0, "sad": 1.0, "excited": 0.0, "overall": 1.0}
    assert found["corrected"]["angry"] == 0.0
    assert found["corrected"]["overall"] == 0.5
    assert (found["n"], found["unparsed"]) == (2, 0)


def test_defect_2_an_unparsed_first_row_crashes_it(score: Callable[..., dict]) -> None:
    found = score((SAD, "I would say four of five."), (ANGRY, "{score: 1/4}"))
    assert found["official"] is None
    assert "row 1" in found["why"]
    assert SAD in found["why"]
    assert found["corrected"]["angry"] == 0.25
    assert found["unparsed"] == 1
    assert found["unscored"] == {"no answer": 2, "unparsed": 1}


@pytest.mark.parametrize("said", ["{Score: 2/5}", "{score:2/5}", "{score: 2 / 5}", "{score: 2/5 }", "{ score: 2/5}"])
def test_defect_3_it_reads_one_spelling_only(score: Callable[..., dict], said: str) -> None:
    found = score((HAPPY, "{score: 4/4}"), (SAD, said))
    assert found["official"]["overall"] == 1.0
    assert found["official"]["sad"] == 1.0, "carried over"
    assert found["corrected"]["sad"] == pytest.approx(2 / 5)


def test_defect_3_half_points_are_read(score: Callable[..., dict]) -> None:
    assert score((HAPPY, "{score: 4/4}"), (SAD, "{score: 2.5/5}"))["corrected"]["sad"] == 0.5


def test_defect_4_the_judges_denominator_is_believed(score: Callable[..., dict]) -> None:
    found = score((SAD, "{score: 6/5}"), (ANGRY, "{score: 2/2}"))
    assert found["official"] == {"happy": 0, "angry": 1, "sad": 1.2, "excited": 0, "overall": 1.1}
    assert found["corrected"] == pytest.approx(
        {"sad": 1.0, "angry": 0.5, "overall": 0.75, "happy": None} | {"excited": None}
    )


def test_defect_4_a_total_of_nothing_crashes_it(score: Callable[..., dict]) -> None:
    found = score((SAD, "{score: 0/0}"), (ANGRY, "{score: 1/4}"))
    assert found["official"] is None
    assert "ZeroDivisionError" in found["why"]
    assert found["corrected"]["angry"] == 0.25


def test_defect_5_the_first_score_counts(score: Callable[..., dict]) -> None:
    found = score((ANGRY, "In the form e.g. {score: 2/5}: {score: 1/4}"))
    assert found["official"]["overall"] == 0.4
    assert found["corrected"]["overall"] == 0.25


@pytest.mark.parametrize(
    ("text", "why"),
    [("[1]\n", "line 1"), ("\n", "line 1 is blank"), ("nope\n", "line 1 is not JSON"), ('{"a": 1}', "row 1")],
)
def test_lines_that_are_no_rows_crash_it_and_count_as_unparsed(score: Callable[..., dict], text: str, why: str) -> None:
    found = score(text=text)
    assert found["official"] is None
    assert why in found["why"]
    assert (found["n"], found["unparsed"]) == (1, 1)


def test_rows_that_fit_nothing_are_counted(score: Callable[..., dict]) -> None:
    found = score((HAPPY, "{score: 1/4}"), (HAPPY, "{score: 3/4}"), ("CAER-S/train/Happy/99.png", "{score: 0/4}"))
    assert found["official"]["happy"] == pytest.approx((0.25 + 0.75 + 0) / 3)
    assert found["corrected"]["happy"] == 0.75, "the later row counts"
    assert (found["duplicates"], found["unknown"], found["surplus"]) == (1, 1, 0)


def test_the_table_has_every_figure_and_says_why_one_is_missing(
    whyfeel: Whyfeel, basic: Callable[..., Path], tmp_path: Path
) -> None:
    log = write_lines(tmp_path / "log.jsonl", [{SAD: "{score: 2/5}"}, {ANGRY: "{score: 1/4}"}])
    told = whyfeel("score", log, "--task", "eibench-basic", "--data", basic(TOY))
    assert (told.status, told.err) == (0, "")
    assert "0.32500" in told.out
    assert "unscored samples: no answer 2" in told.out
    write_lines(log, [{SAD: "{score: 0/0}"}])
    told = whyfeel("score", log, "--task", "eibench-basic", "--data", basic(TOY))
    assert told.status == 0
    assert "ZeroDivisionError" in " ".join(told.out.split())
    assert "nan" not in told.out
    assert max(map(len, told.out.splitlines())) <= 80


# --- whole logs against an implementation of its own ---------------------------------------------------------------

# what the judge wrote, what the corrected reading takes from it: the count itself, or nothing
SPELLINGS: list[tuple[str, bool]] = [
    *[("{{score: {c}/{t}}}", True)] * 10,
    ("I count {c}. {{score: {c}/{t}}} because …", True),
    ("{{Score: {c}/{t}}}", True),
    ("{{score:{c}/{t}}}", True),
    ("{{score: {c}/{t} }}", True),
    ("**Score:** {c}/{t}", True),
    ("such as {{score: 1/9}}, so {{score: {c}/{t}}}", True),
    ("none at all", False),
    ("", False),
    ("{{score: many/all}}", False),
]


def seeded_log(totals: list[tuple[str, int]], seed: int) -> tuple[list[Row], list[int | None]]:
    """A row for each sample: the judge's words, and the count that a careful reader takes from them."""
    draw = random.Random(seed)
    rows: list[Row] = []
    counts: list[int | None] = []
    for index, (image, total) in enumerate(totals):
        spelling, readable = draw.choice(SPELLINGS) if index else SPELLINGS[0]
        count = draw.randint(0, total + 1)
        printed = draw.choice([total, total, total, total + 1, max(1, total - 1)])
        rows.append((image, spelling.format(c=count, t=printed)))
        counts.append(min(count, total) if readable else None)
    return rows, counts


def released_basic(rows: list[Row]) -> dict[str, float]:
    """get_scores.py as facts/eibench.md A4 tells it: first match, judge's total, carry-over into the class."""
    overall: list[float] = []
    classes: dict[str, list[float]] = {"happy": [], "angry": [], "sad": [], "excited": []}
    value = None
    for image, said in rows:
        if match := re.search(r"\{score: (\d+)/(\d+)\}", said):
            value = int(match[1]) / int(match[2])
            overall.append(value)
        for mark, name in (("Happy", "happy"), ("sad", "sad"), ("Angry", "angry"), ("excit", "excited")):
            if mark in image:
                assert value is not None
                classes[name].append(value)
                break
    means = {name: sum(values) / len(values) for name, values in classes.items()}
    return means | {"overall": sum(overall) / len(overall)}


def truth_totals(annotation: str) -> int:
    """Lines that say something behind their number."""
    return sum(bool(re.sub(r"^\s*\d+\.", "", line).strip()) for line in annotation.split("\n") if line.strip())


@pytest.mark.parametrize("seed", [0, 1])
def test_a_whole_basic_log_to_the_last_digit(whyfeel: Whyfeel, eibench: Path, tmp_path: Path, seed: int) -> None:
    truth = json.loads((eibench / "EI_Basic" / "basic_ground_truth.json").read_text("utf-8"))
    totals = [(image, truth_totals(annotation)) for image, annotation in truth.items()]
    assert (len(totals), sum(n for _, n in totals)) == (1615, 7422)
    rows, counts = seeded_log(totals, seed)
    log = write_lines(tmp_path / "log.jsonl", [{image: said} for image, said in rows])
    found = whyfeel("score", log, "--task", "eibench-basic", "--data", eibench, "--json").json
    assert found["official"] == released_basic(rows)
    groups: defaultdict[str, list[float]] = defaultdict(list)
    folders = {"Happy": "happy", "Angry": "angry", "sadness": "sad", "excitement": "excited"}
    for (image, total), count in zip(totals, counts, strict=True):
        if count is not None:
            groups[folders[image.split("/")[-2]]].append(count / total)
            groups["overall"].append(count / total)
    assert found["corrected"] == pytest.approx({name: fmean(values) for name, values in groups.items()}, rel=1e-12)
    unparsed = counts.count(None)
    assert (found["n"], found["unparsed"], found["unscored"]) == (1615, unparsed, {"unparsed": unparsed})
    assert list(found)[:2] == ["task", "official"]
    assert list(found["official"]) == ["happy", "angry", "sad", "excited", "overall"]
    assert set(found) >= {"official", "corrected", "n", "unparsed"}
    intervals = found["intervals"]["corrected_recall"]
    for name, values in groups.items():
        assert intervals[name]["n"] == len(values)
        assert intervals[name]["low"] < intervals[name]["value"] < intervals[name]["high"]


def test_a_whole_complex_log_to_the_last_digit(whyfeel: Whyfeel, eibench: Path, tmp_path: Path) -> None:
    totals = []
    for line in (eibench / "EI_Complex" / "ec_complex.jsonl").read_text("utf-8").splitlines():
        [(image, asked)] = json.loads(line).items()
        [annotation] = asked.values()
        totals.append((image, truth_totals(annotation)))
    rows, counts = seeded_log(totals, 7)
    log = write_lines(tmp_path / "log.jsonl", [{image: said} for image, said in rows])
    found = whyfeel("score", log, "--task", "eibench-complex", "--data", eibench, "--json").json
    parsed = [re.search(r"\{score: (\d+)/(\d+)\}", said) for _, said in rows]
    values = [int(match[1]) / int(match[2]) for match in parsed if match]
    assert found["official"] == {"overall": sum(values) / len(values)}
    known = [count / total for count, (_, total) in zip(counts, totals, strict=True) if count is not None]
    assert found["corrected"] == pytest.approx({"overall": fmean(known)}, rel=1e-12)
    assert (found["n"], found["unparsed"]) == (50, counts.count(None))


def test_complex_rows_are_joined_by_position_within_an_image(
    whyfeel: Whyfeel, complex_set: Callable[..., Path], tmp_path: Path
) -> None:
    data = complex_set([("a.jpg", "Why sad?", 4), ("b.jpg", "Why happy?", 2), ("a.jpg", "Why angry?", 2)])
    log = [{"b.jpg": "{score: 1/2}"}, {"a.jpg": "{score: 1/4}"}, {"a.jpg": "{score: 2/2}"}, {"a.jpg": "{score: 2/2}"}]
    told = whyfeel("score", write_lines(tmp_path / "l", log), "--task", "eibench-complex", "--data", data, "--json")
    assert told.json["corrected"]["overall"] == pytest.approx((0.25 + 0.5 + 1) / 3)
    assert told.json["official"]["overall"] == pytest.approx((0.5 + 0.25 + 1 + 1) / 4)
    assert told.json["surplus"] == 1
    recall = told.json["intervals"]["corrected_recall"]
    assert {group: recall[group]["value"] for group in ("sad", "happy", "angry")} == {
        "sad": 0.25,
        "happy": 0.5,
        "angry": 1.0,
    }
