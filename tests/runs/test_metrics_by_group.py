"""`whyfeel metrics --by` on a scripted run of Socratis: who is shown, who is not, and what is compared with what."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from scripted_runs import Sitting, words
from statsmodels.stats.multitest import multipletests

from told import Told
from whyfeel.engine import Request
from whyfeel.errors import CallFailed, UserError
from whyfeel.runs.metrics import measure_run
from whyfeel.runs.metrics_by_group import measure_by_group

Sit = Callable[..., Sitting]
Whyfeel = Callable[..., Told]
PAIRS = 24
# The answer is "rain falls". ROUGE-L of a reason: 1 for "rain falls", 1/2 for "rain stops", 0 for "the sun".
ALL, HALF, NONE = "rain falls", "rain stops", "the sun"


def who(gender: str | None) -> dict[str, Any]:
    return {"age": "none", "gender": gender, "education": "masters", "ethnicity": []}


def entries(n: int, sizes: Mapping[str | None, int]) -> list[Any]:
    """What was said of pair n: one reason an entry, another one in every second pair from the women."""
    found = []
    for gender, size in sizes.items():
        reasons = {"female": (NONE, HALF)[n % 2 :] + (HALF,) * (n % 2), "male": (ALL,) if n % 3 else (NONE,)}
        texts = [*reasons.get(str(gender), (HALF,))]
        texts += [None] * (3 - len(texts))
        if n < size:
            found.append([f"{n // 2}.png", "Mud.", ["sad" if one else "" for one in texts], texts, who(gender)])
    return found


@pytest.fixture
def run(sit: Sit, tmp_path: Path) -> Callable[[Mapping[str | None, int]], Path]:
    """A run of one sample a pair; each group stands in the first pairs, as many as are told."""

    def done(sizes: Mapping[str | None, int]) -> Path:
        data = tmp_path / "socratis.json"
        data.write_text(json.dumps({f"P{n:02}": entries(n, sizes) for n in range(max(sizes.values()))}))
        sit(tmp_path / "run", lambda _: "Rain falls.", task="socratis", data=data, strategy="reason(no-image)", seed=5)
        return tmp_path / "run"

    return done


def answer(request: Request) -> str:
    if "Lost." in words(request):
        raise CallFailed("refused by the server", "no", again=False)
    return "Rain falls."


def value(n: int, gender: str, *, best: bool) -> float:
    """ROUGE-L of a group's reasons for pair n, worked out by hand."""
    if gender == "male":
        return 1.0 if n % 3 else 0.0
    return 0.5 if n % 2 or best else 0.25  # 1/2 twice, or 0 and 1/2


def test_a_group_is_held_against_its_own_reasons(run: Callable[..., Path]) -> None:
    folder = run({"male": PAIRS, "female": 20})
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = measure_by_group(folder, "gender", ["rouge-l"], least=10)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before, "a report, no file"
    assert found["groups"] == {
        "male": {"entries": 24, "answers": 24, "reasons": 24},
        "female": {"entries": 20, "answers": 20, "reasons": 40},
    }
    assert found["everyone"] == {"entries": 44, "answers": 24, "reasons": 24 + 40}
    assert found["withheld"] == {"groups": 0, "entries": 0}
    metric = found["metrics"]["rouge-l"]
    for gender, n in (("male", 24), ("female", 20)):
        for kind, best in (("all_at_once", True), ("one_by_one", False)):
            one = metric["groups"][gender][kind]
            assert (one["value"], one["n"]) == (pytest.approx(fmean(value(k, gender, best=best) for k in range(n))), n)
            assert one["low"] <= one["value"] <= one["high"]
            assert "bounds" not in one
    [apart] = metric["differences"]
    both = [value(k, "male", best=False) - value(k, "female", best=False) for k in range(20)]
    assert (apart["a"], apart["b"], apart["n"]) == ("male", "female", 20)
    assert apart["difference"] == pytest.approx(fmean(both))
    assert apart["low"] < apart["difference"] < apart["high"]
    assert apart["p_holm"] == apart["p"]
    # the whole is what the run's own metric is, interval and all
    assert (
        metric["everyone"]["all_at_once"]
        == (measure_run(folder, ["rouge-l"])["metrics"]["rouge-l"]["scores"]["overall"])
    )


def test_more_reasons_of_the_same_people_do_not_look_like_nearness(sit: Sit, tmp_path: Path) -> None:
    said = {"everyone": [ALL, HALF, NONE], "b": [HALF, None, None]}
    pairs = {
        f"P{n}": [["", "Mud.", ["sad" if one else "" for one in texts], texts, who(g)] for g, texts in said.items()]
        for n in range(10)
    }
    (data := tmp_path / "s.json").write_text(json.dumps(pairs))
    sit(tmp_path / "run", lambda _: "Rain falls.", task="socratis", data=data, strategy="reason(no-image)")
    found = measure_by_group(tmp_path / "run", "gender", ["rouge-l"], least=10)["metrics"]["rouge-l"]
    whole = {name: one["all_at_once"]["value"] for name, one in found["groups"].items()}
    assert whole == {"everyone": 1.0, "b": 0.5}
    assert found["everyone"]["all_at_once"]["value"] == 1.0
    assert {one["one_by_one"]["value"] for one in found["groups"].values()} == {0.5}
    assert found["differences"][0]["difference"] == 0


@pytest.mark.parametrize(
    ("sizes", "shown", "groups", "entries"),
    [
        ({"male": 24, "female": 12, "x": 10}, ["male", "female", "x"], 0, 0),
        ({"male": 24, "female": 12, "x": 9}, ["male"], 2, 21),
        ({"male": 24, "female": 20, "x": 9, "y": 2, None: 22}, ["male", "female", "not told"], 2, 11),
        ({"male": 24, None: 9}, [], 2, 33),
        ({"male": 24, "female": 24, "x": 12, "none": 9}, ["female", "male"], 2, 21),
        ({"x": 9}, [], 1, 9),
        ({"male": 24, "female": 12, "x": 3, "y": 3}, ["male"], 3, 18),  # six more could be told from everyone
    ],
)
def test_no_small_group_is_shown_or_found_by_subtraction(
    run: Callable[..., Path], sizes: dict[str | None, int], shown: list[str], groups: int, entries: int
) -> None:
    found = measure_by_group(run(sizes), "gender", ["rouge-l"], least=10)
    assert list(found["groups"]) == shown
    assert found["withheld"] == {"groups": groups, "entries": entries}
    assert list(found["metrics"]["rouge-l"]["groups"]) == shown
    assert len(found["metrics"]["rouge-l"]["differences"]) == len(shown) * (len(shown) - 1) // 2


@pytest.mark.parametrize(
    ("emotions", "times", "pairs"),
    [(["sad", "", ""], 4, 5), (["sad", "mad", ""], 1, 9)],
    ids=["20 entries about 5 answers", "9 entries about 18 answers"],
)
def test_a_group_needs_entries_and_answers(
    sit: Sit, tmp_path: Path, emotions: list[str], times: int, pairs: int
) -> None:
    one = ["", "Mud.", emotions, [ALL if word else None for word in emotions], who("x")]
    other = ["", "Mud.", ["sad", "", ""], [ALL, None, None], who("y")]
    (data := tmp_path / "s.json").write_text(
        json.dumps({f"P{n}": [other, other, *[one] * (times if n < pairs else 0)] for n in range(12)})
    )
    sit(tmp_path / "run", lambda _: "Rain falls.", task="socratis", data=data, strategy="reason(no-image)")
    found = measure_by_group(tmp_path / "run", "gender", ["rouge-l"], least=10)
    assert found["withheld"] == {"groups": 2, "entries": 24 + times * pairs}


def test_p_is_corrected_for_all_pairs_and_few_answers_in_common_are_not_compared(
    sit: Sit, tmp_path: Path, whyfeel: Whyfeel
) -> None:
    pairs: dict[str, Any] = {}
    for n in range(45):
        groups = ["\x1b[2J\u202ex", "b"] if n < 24 else ["c"]
        groups += ["b"] if 24 <= n < 36 else ["\x1b[2J\u202ex"] if 36 <= n < 41 else []
        texts = {"b": (HALF, NONE)[n % 2], "c": (NONE, HALF)[n % 5 > 0]}
        pairs[f"P{n}"] = [
            [f"{n}.png", "Mud.", ["sad", "", ""], [texts.get(g, (NONE, HALF)[n % 3 > 0]), None, None], who(g)]
            for g in groups
        ]
    pairs["lost"] = [["", "Lost.", ["sad", "", ""], [ALL, None, None], who("b")]]
    (data := tmp_path / "s.json").write_text(json.dumps(pairs))
    sit(tmp_path / "run", answer, task="socratis", data=data, strategy="reason(no-image)")
    command = ("metrics", tmp_path / "run", "--by", "gender", "--least", 10, "--metric", "rouge-l,chrf")
    document = whyfeel(*command, "--json").json
    assert document["groups"]["b"] == {"entries": 36, "answers": 36, "reasons": 36}, "what was not answered is no part"
    for metric in document["metrics"].values():
        apart = {(one["a"], one["b"]): one for one in metric["differences"]}
        assert [one["n"] for one in apart.values()] == [24, 12, 5]
        (few,) = (one for one in apart.values() if one["n"] == 5)
        assert (few["difference"], few["p"], few["why"]) == (None, None, "fewer than 10 answers in common")
        tested = [one for one in apart.values() if one["n"] >= 10]
        assert [one["p_holm"] for one in tested] == pytest.approx(
            multipletests([one["p"] for one in tested], method="holm")[1]
        )
        assert any(one["p_holm"] > one["p"] for one in tested)
    out = whyfeel(*command).out
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert r"\x1b[2J\u202ex" in out
    assert "nothing about the people" in out
    cells = {line.split("  ")[0]: line.split() for line in out.splitlines() if line.strip()}
    expected = document["metrics"]["chrf"]["everyone"]["all_at_once"]["value"]
    assert cells["everyone"][1] == f"{expected:.3f}"
    rows = [line.split() for line in out.splitlines() if line.startswith("b - ")]
    corrected = [
        f"{one['p_holm']:.3f}" for m in document["metrics"].values() for one in m["differences"] if one["n"] > 9
    ]
    assert [row[-2] for row in rows] == corrected
    assert set(corrected) - {"0.000", "1.000"}
    assert out.count("fewer than 10 answers in common") == 2
    assert "withheld" not in out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--by", "image"), "--by 'image': expected age, gender, education or ethnicity"),
        (("--by", "age", "--least", 9), "--least 9: expected 10 or more"),
        (("--least", 10), "give --by, too"),
        (("--by", "age", "--metric", "rouge-l,length"), "--by: length reads no references"),
        (("--by", "age", "--metric", "x"), "there is no metric 'x'"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(
    run: Callable[..., Path], whyfeel: Whyfeel, options: tuple[object, ...], told: str
) -> None:
    said = whyfeel("metrics", run({"male": 2}), *options)
    assert said.status == 2
    assert told in said.err
    assert "\n" not in said.err.strip()


def test_small_groups_are_told_in_one_line_and_the_default_is_every_metric_of_references(
    run: Callable[..., Path], whyfeel: Whyfeel
) -> None:
    folder = run({"male": 24, None: 9})
    out = whyfeel("metrics", folder, "--by", "gender", "--least", 10).out
    assert "withheld together: 2 groups, 33 entries" in out.replace("\n", " ")
    assert [name for name in ("bleu", "chrf", "rouge-l", "cider", "cider-d") if f"\n{name} " not in out] == []
    assert "distinct" not in out
    assert "male" not in out


def test_a_task_that_does_not_know_its_writers(sit: Sit, records: Callable[..., Path], tmp_path: Path) -> None:
    sit(tmp_path / "run", task="jsonl", data=records(2))
    with pytest.raises(
        UserError, match=r"^--by: the task jsonl does not tell who wrote its references; socratis does$"
    ):
        measure_by_group(tmp_path / "run", "age")
