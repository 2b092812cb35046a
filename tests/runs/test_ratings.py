"""Files of ratings in every form, the faults they may have, and the published figures of two real sets."""

from __future__ import annotations

import csv
import json
import math
import re
from itertools import combinations
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest

from whyfeel.errors import DataError, UserError
from whyfeel.runs.agree import agree_files, agreement
from whyfeel.runs.ratings import Ratings, parse_scale, read_ratings
from whyfeel.stats.agreement import krippendorff
from whyfeel.stats.resampling import Bootstrap

FEW = Bootstrap(0, 50)
LONG = "Image,annotator,comment,SCORE\nb,zoe,,4\na,zoe,,2\na,yan,fine,3\nb,yan,,NA\n"
WIDE = "id,yan,zoe,text\na,3,2,x\nb,,4,y\n"
SETS = {
    "Lend an Ear": "lend_an_ear",
    "Empathetic Dialogues": "empatheticdialogues",
    "Perceived Empathy": "perceived_empathy",
    "EPITOME": "epitome",
}


@pytest.fixture
def write(tmp_path: Path):
    def made(*texts: str | bytes, suffix: str = "csv") -> list[Path]:
        paths = [tmp_path / f"rater{place}.{suffix}" for place in range(1, len(texts) + 1)]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return paths

    return made


def test_the_published_quality_study(eibench: Path) -> None:
    files = sorted((eibench / "human_eval").glob("*.jsonl"))
    found = agree_files(files)
    assert agree_files(files[::-1]) == found
    assert (found["n_items"], found["n_raters"], found["scale"]) == (200, 3, [0, 5])
    assert found["n_by_class"] == {"overall": 200, "happy": 13, "angry": 50, "sad": 75, "excited": 62}
    exact = {"rel": 1e-14, "abs": 0}
    means = [4.415925006892749, 4.282051282051282, 4.6066666666666665, 4.124444444444444, 4.650537634408602]
    assert list(found["mean"].values()) == pytest.approx(means, **exact)
    deviations = [0.5366269111911884, 0.625992545216528, 0.9838397942453544, 0.6909177416323837]
    assert list(found["deviation"].values())[1:] == pytest.approx(deviations, **exact)
    assert found["deviation"]["overall"] == pytest.approx(math.sqrt(fmean(one**2 for one in deviations)), **exact)
    raters = {
        "7861": ([4.861736972704715, 4.923076923076923, 4.9, 4.64, 4.983870967741935], 0.4638448385693166, 0.885),
        "7862": (
            [4.309648469809761, 4.384615384615385, 4.62, 3.6533333333333333, 4.580645161290323],
            0.9416568482467603,
            0.575,
        ),
        "7866": ([4.076389578163772, 3.5384615384615383, 4.3, 4.08, 4.387096774193548], 0.7014183680770562, 0.375),
    }
    for name, (means, deviation, top) in raters.items():
        one = found["raters"][name]
        assert list(one["mean"].values()) == pytest.approx(means, **exact)
        assert one["deviation"]["overall"] == pytest.approx(deviation, **exact)
        assert (one["n"], one["at_highest_point"]) == (200, top)

    def rounded(by: dict, digits: int) -> list[float]:
        return [round(one["value"], digits) for one in by.values()]

    assert rounded(found["alpha"], 4) == [0.0257, 0.0712, 0.1218]
    assert rounded(found["icc"], 3) == [0.165, 0.194, 0.373]
    assert round(found["ac2"]["value"], 3) == 0.886
    assert list(found["spearman"]) == ["7861-7862", "7861-7866", "7862-7866"]
    assert rounded(found["spearman"], 3) == [0.219, 0.109, 0.242]
    assert rounded(found["weighted_kappa"]["quadratic"], 3) == [0.142, 0.091, 0.239]
    assert [one["exact"] for one in found["pairs"].values()] == [0.585, 0.39, 0.415]
    assert [one["within_one"] for one in found["pairs"].values()] == [0.825, 0.86, 0.845]
    # intervals published beside the values, by another package and another seed
    for one, ends in (("ordinal", (-0.012, 0.147)), ("interval", (0.007, 0.239))):
        assert [found["alpha"][one][end] for end in ("low", "high")] == pytest.approx(ends, abs=0.015)
    assert len(found["notes"]) == 1


def test_the_published_agreement_of_experts(shared: Path) -> None:
    folder = shared / "data" / "llm_judge_empathy" / "annotations"
    with (folder / "all_annotator_pairs_spearman_kappa.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if len(re.findall(r"expert\d", row["Annotator Pair"])) == 2]
    assert len(rows) == 63
    found = {}
    for name, place in SETS.items():
        ratings = read_ratings(sorted((folder / place).glob("expert?_ratings.csv")))
        assert ratings.raters == ("expert1", "expert2", "expert3")
        assert len(ratings.items) == 50
        found[name] = agreement(ratings, Bootstrap(0, 1))
    for row in rows:
        one = found[row["Dataset"]]["dimensions"][row["Dimension"]]
        pair = "-".join(sorted(re.findall(r"expert\d", row["Annotator Pair"])))
        assert f"{one['spearman'][pair]['value']:.2f}" == row["Spearman Correlation"]
        assert f"{one['weighted_kappa']['quadratic'][pair]['value']:.2f}" == row["Weighted Cohen's Kappa"]
    assert found["EPITOME"]["left_out"] == ["rp_id"]


def test_dimensions_are_pooled_by_the_stated_rule(write) -> None:
    one = "conv_id,warm,clear\nx,1,4\ny,2,5\nz,3,4\n"
    other = "conv_id,clear,warm\nz,4,3\nx,5,2\ny,5,2\n"
    found = agreement(read_ratings(write(one, other), (1, 5)), FEW)
    assert (found["n_items"], found["n_raters"], found["n_dimensions"]) == (3, 2, 2)
    assert list(found["dimensions"]) == ["warm", "clear"]
    pooled = found["pooled"]
    assert pooled["rule"].startswith("ratings of all dimensions stacked, items = (item, dimension)")
    stacked = np.array([[1, 2], [4, 5], [2, 2], [5, 5], [3, 3], [4, 4.0]])
    clusters = ["x", "x", "y", "y", "z", "z"]
    wanted = krippendorff(stacked, "ordinal", Bootstrap(0, 50, clusters))
    assert pooled["n_items"] == 6
    assert pooled["alpha"]["ordinal"] == wanted.to_json()
    values = [found["dimensions"][name]["ac2"]["value"] for name in ("warm", "clear")]
    assert pooled["mean_of_dimensions"]["ac2"]["value"] == pytest.approx(fmean(values))
    assert list(pooled["mean_of_dimensions"]["spearman"]) == ["rater1-rater2"]


def test_a_mean_over_dimensions_is_undefined_where_one_of_them_is(write) -> None:
    same, other = "id,warm,clear\nx,1,4\ny,2,4\n", "id,warm,clear\nx,1,4\ny,1,4\n"
    mean = agreement(read_ratings(write(same, other)), FEW)["pooled"]["mean_of_dimensions"]
    assert mean["alpha"]["nominal"] == {"value": None, "why": "undefined (no variation) in 'clear'"}
    assert mean["ac2"] == {"value": None, "why": "undefined (no scale is declared) in 'warm'"}


@pytest.mark.parametrize("form", ["long", "wide", "files", "excel", "json"])
def test_every_form_holds_the_same(write, form: str) -> None:
    files = {
        "long": lambda: write(LONG),
        "wide": lambda: write(WIDE),
        "excel": lambda: write(b"\xef\xbb\xbf" + WIDE.replace("\n", "\r\n").replace("a,3", '"a","3"').encode()),
        "files": lambda: write("image,rating\na,3\n", "image,rating\na,2\nb,4\n"),
        "json": lambda: write('{"a": "3"}\n\n', '{"a": 2}\n{"b": 4.0}', suffix="jsonl"),
    }[form]()
    found = read_ratings(files)
    assert found.items == ("a", "b")
    assert found.raters == (("rater1", "rater2") if form in {"files", "json"} else ("yan", "zoe"))
    assert found.values[:, :, 0] == pytest.approx(np.array([[3, 2], [math.nan, 4]]), nan_ok=True)
    assert (found.dimensions, found.classes, found.scale) == (("",), (), None)
    document = agreement(found, FEW)
    assert (document["n_items"], document["mean"], document["exact"]) == (2, {"overall": 3}, 0)


def test_columns_without_ratings_are_told(write) -> None:
    text = ',Unnamed: 1,sample,user id,anna,ben,why\n0,0,"p, 1",7,1,2,"so,\nand so"\n1,1,p2,8,2,2,\n'
    found = read_ratings(write(text))
    assert (found.items, found.raters) == (("p, 1", "p2"), ("anna", "ben"))
    assert found.left_out == ("Unnamed: 1", "user id", "why")
    assert agreement(found, FEW)["left_out"] == ["Unnamed: 1", "user id", "why"]


def test_names_of_items_may_be_numbers(write) -> None:
    found = read_ratings(write("picture,anna,ben\n12,1,2\n7,3,4\n"))
    assert (found.items, found.raters) == (("12", "7"), ("anna", "ben"))


def test_items_have_the_class_of_their_folder(write) -> None:
    lines = [json.dumps({f"{folder}/{n}.jpg": n}) for n, folder in enumerate(["CAER-S/train/Happy", "EmoSet/joy"])]
    found = read_ratings(write(*["\n".join(lines)] * 2, suffix="jsonl"))
    assert (found.scale, found.groups) == ((0, 5), ("happy", "other"))
    assert agreement(found, FEW)["mean"] == {"overall": 0.5, "happy": 0, "other": 1}
    assert read_ratings(write(*["\n".join(lines)] * 2, suffix="jsonl"), (-1, 1)).scale == (-1, 1)


def test_gaps_leave_means_of_what_was_rated() -> None:
    values = np.array([[[1.0], [math.nan]], [[5.0], [4.0]], [[math.nan], [math.nan]], [[3.0], [math.nan]]])
    ratings = Ratings(tuple("abcd"), ("x", "y"), ("",), values, ("happy", "happy", "sad", "happy"), (1, 5))
    found = agreement(ratings, FEW)
    assert (found["n_items"], found["n_by_class"]) == (3, {"overall": 3, "happy": 3, "sad": 0})
    assert found["mean"] == {"overall": 13 / 4, "happy": 13 / 4, "sad": None}
    assert found["deviation"]["happy"] == pytest.approx(math.sqrt((8 / 3 + 0) / 2))
    assert found["raters"]["y"]["n"] == 1
    assert found["raters"]["x"]["at_lowest_point"] == pytest.approx(1 / 3)
    assert found["icc"]["a1"]["why"] == "undefined (only one item was rated twice)"
    assert found["pairs"]["x-y"] == {"n": 1, "exact": 0, "within_one": 1}


@pytest.mark.parametrize("text", ["", "5", "5:0", "1:1", "0:5:1", "a:b", "0.5:5", "0:9999999", "٠:٥"])
def test_a_scale_is_two_whole_numbers(text: str) -> None:
    with pytest.raises(UserError, match="--scale: expected LO:HI"):
        parse_scale(text)
    assert parse_scale(" -2:2 ") == (-2, 2)


TWO = "id,a,b\n1,1,2\n2,2,2\n"
FAULTS = [
    # what is no file of ratings
    ([b""], "is empty"),
    ([b"\n \n"], "is empty"),
    ([b"\xef\xbb\xbf"], "is empty"),
    ([b"\x89PNG\r\n\x1a\n\0\0"], "rater1.csv', line 1: expected UTF-8 text, got the byte 0x89"),
    ([b"id,a\n1,\xff\n"], "line 2: expected UTF-8 text"),
    ([b"a" * (3 << 20)], "line 1: expected ratings, got a line of over 1,048,576 bytes"),
    ([b'id,a,b\n1,"2,3\n4,5,6\n'], "line 2: expected CSV; unexpected end of data"),
    ([b"id,a,b\n1," + b"9" * 200_000 + b",3\n"], "line 2: expected CSV; field larger"),
    ([b"id,a,b\r1,2,3\r"], "line 1: expected CSV; new-line character"),
    (["id,a,b\n"], "holds no ratings"),
    (["id,a,b\n1,2\n"], "line 2: expected 3 cells, as the head has, got 2"),
    (["id,a,b\n\n1,2,3,4\n"], "line 3: expected 3 cells, as the head has, got 4"),
    (["id,a,a\n1,2,3\n"], "two columns are called 'a'"),
    (["id,a,b\n1,x,y\n"], "got no number in ['id', 'a', 'b']"),
    # ratings
    (["id,a,b\n1,2,3\n2,two,3\n"], "line 3: expected a number as the rating by 'a' of '2', got 'two'"),
    (["id,a,b\n1,2,nan\n2,3,4\n"], "line 2: expected a number as the rating by 'b' of '1', got 'nan'"),
    (["id,a,b\n1,2,1e999\n"], "expected a number"),
    (["id,a,b\n1,2,٣\n2,1,1\n"], "expected a number"),
    (["id,a,b\n1,2,9\n2,1,1\n"], "line 2: expected a rating by 'b' of '1' from 0 to 5, got '9'; --scale LO:HI"),
    (["id,a,b\n1,2,3\n2,3,3\n1,2,3\n"], "line 4: the rating by 'a' of '1' stands twice, the first time in"),
    (['id,a,b,c\n1,2,3,"so,\nand\nso"\n2,x,3,y\n'], "line 5: expected a number as the rating by 'a' of '2', got 'x'"),
    (["id,a,b\n,2,3\n"], "line 2: expected the item's name first"),
    (["item,rater,rating\nx,,3\n"], "line 2: expected an item and a rater"),
    # raters
    (["id,a\n1,2\n"], "expected two raters or more, got 'a'"),
    (["id,a,b\n1,2,\n2,,3\n"], "'a' rated no item that another rated"),
    (["id,r\n1,2\n", "id,r\n2,2\n"], "rated no item that another rated"),
    (["id,a,a-b,b,b-b\n1,2,2,2,2\n"], "two pairs of raters would have one name"),
    (["id,r,s\n1,2,3\n", "id,r\n1,2\n"], "rater2.csv' has no column 's', which another file has"),
    ([TWO, "item,rater,rating\n1,a,2\n"], "rater1.csv' lacks columns for item, rater and rating"),
    ([TWO, '{"1": 2}\n'], "rater1.csv' is not JSON Lines, while another file is"),
    # JSON Lines
    (['{"1": 2}\n{"2": tru}\n'], "line 2: expected one {item: rating}, got '{\"2\": tru}': Expecting value"),
    (['{"1": NaN}\n'], "NaN is not JSON"),
    (['{"1": 2, "1": 3}\n'], "the key '1' stands twice"),
    (['{"1": 2, "2": 3}\n'], "expected one {item: rating}"),
    (['{"1": true}\n'], "expected one {item: rating}"),
    (['{"1": null}\n'], "expected one {item: rating}"),
    (['{" ": 1}\n'], "expected one {item: rating}"),
    (['{"1": "good"}\n'], "expected a number as the rating by 'rater1' of '1', got 'good'"),
    (["{" * 100_000], "expected one {item: rating}"),
    (['{"1": ' + "9" * 5000 + "}\n"], "expected one {item: rating}"),
    (['{"1": ' + "9" * 4000 + "}\n"], "expected a number"),
    (['{"1": 2}\n{"1": 2}\n'], "line 2: the rating by 'rater1' of '1' stands twice"),
]


@pytest.mark.parametrize(("texts", "told"), FAULTS, ids=[told[:40] for _, told in FAULTS])
def test_every_fault_is_one_line_that_names_it(write, texts: list[str | bytes], told: str) -> None:
    with pytest.raises(DataError) as raised:
        read_ratings(write(*texts), (0, 5))
    message = str(raised.value)
    assert told in message
    assert len(message) < 700
    assert "\n" not in message


def test_files_that_are_not_there_or_given_twice(tmp_path: Path, write) -> None:
    with pytest.raises(DataError, match=r"nowhere.csv' cannot be read: No such file"):
        read_ratings([tmp_path / "nowhere.csv"])
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_ratings([tmp_path])
    with pytest.raises(DataError, match="is given twice"):
        read_ratings(write(TWO) * 2)


def test_raters_are_called_by_what_differs(tmp_path: Path) -> None:
    for names in (["anna/all", "ben/all"], ["r", "r_2"], ["score_1_a", "score_2_a", "score_10_a"]):
        paths = [tmp_path / f"{name}.csv" for name in names]
        for path in paths:
            path.parent.mkdir(exist_ok=True)
            path.write_text("id,x\n1,2\n2,3\n", encoding="utf-8")
        wanted = {"anna/all": ("anna", "ben"), "r": ("r", "r_2"), "score_1_a": ("1", "10", "2")}[names[0]]
        assert read_ratings(paths).raters == wanted


def test_many_raters_have_a_figure_for_each_pair() -> None:
    values = np.random.default_rng(0).integers(1, 6, (30, 5, 1)).astype(float)
    found = agreement(Ratings(tuple(map(str, range(30))), tuple("abcde"), ("",), values), FEW)
    assert list(found["spearman"]) == ["-".join(pair) for pair in combinations("abcde", 2)]
    assert found["ac2"]["why"] == "undefined (no scale is declared)"
    assert found["notes"] == []
