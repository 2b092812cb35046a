"""What a user may get wrong, one line each; and what the command prints."""

from __future__ import annotations

import json

import pytest
from rich.console import Console
from scripted_interventions import THINGS, paint, refusal, scene, sitting

from whyfeel.report.intervene_table import intervene_table

CAKE = {"trigger": "a birthday cake", "kind": "object", "image": "c.png"}
REGION = {"trigger": "a birthday cake", "region": [4, 4, 10, 10]}
MISTAKES = {
    "no changes": ({"changes": []}, "'changes'"),
    "changes missing": ({"changes": None}, "'changes'"),
    "a change of nothing": ({"changes": [{"trigger": "a birthday cake"}]}, "expected one of image and region"),
    "both": ({"changes": [CAKE | REGION]}, "expected one of image and region"),
    "a trigger that is not there": ({"changes": [CAKE | {"trigger": "fog"}]}, "got 'fog'"),
    "replaced by nothing": ({"changes": [CAKE | {"how": "replaced"}]}, 'expected "instead"'),
    "instead of what is removed": ({"changes": [CAKE | {"instead": "fog"}]}, 'expected "instead"'),
    "replaced by what is there": (
        {"changes": [CAKE | {"how": "replaced", "instead": "heavy rain"}]},
        "got 'heavy rain', which is there already",
    ),
    "a blur that replaces": (
        {"changes": [REGION | {"how": "replaced", "instead": "fog"}]},
        "puts nothing in its place",
    ),
    "an unknown way": ({"changes": [CAKE | {"how": "moved"}]}, "'removed' or 'replaced'"),
    "a group's name": ({"changes": [CAKE | {"kind": "overall"}]}, "the name of a group"),
    "equal triggers": ({"triggers": ["a birthday cake", "a birthday cake "]}, "expected triggers that differ"),
    "no room": ({"changes": [REGION | {"region": [4, 4, 0, 10]}]}, "with room inside"),
    "below nothing": ({"changes": [REGION | {"region": [-1, 4, 5, 10]}]}, "from 0 on"),
    "beyond all numbers": ({"changes": [REGION | {"region": [4, 4, 5, 10**400]}]}, "of a picture's size"),
    "three numbers": ({"changes": [REGION | {"region": [4, 4, 5]}]}, "region"),
    "not a number": ({"changes": [REGION | {"region": [4, 4, 5, float("nan")]}]}, "region"),
    "two forms": ({"changes": [CAKE, REGION]}, "changes of one form"),
    "an unknown key": ({"chnages": []}, "unknown key 'chnages'"),
    "no picture": ({"image": None}, "'image'"),
    "outside": (
        {"changes": [REGION | {"region": [4, 4, 10, 37]}]},
        "its region leaves the picture 'a.png', which has 60x40",
    ),
    "a missing picture": ({"changes": [CAKE | {"image": "none.png"}]}, "'a', change 1: no such file: 'none.png'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_record_that_is_wrong_is_refused_in_one_line(name, write, tmp_path):
    change, said = MISTAKES[name]
    folder = write([scene("a", ["a birthday cake", "heavy rain"], [CAKE]) | change])
    for file in ("a.png", "c.png"):
        paint(folder / file, ["heavy rain"])
    told = refusal(folder, tmp_path / "run")
    assert said in told
    assert "pairs.jsonl" in told
    assert not (tmp_path / "run").exists()


def test_ids_and_forms_must_agree_between_records(write, tmp_path):
    one, other = (scene(name, ["a birthday cake"], [CAKE]) for name in ("a", "b"))
    assert "line 2: the id 'a' stands on line 1" in refusal(write([one, one]), tmp_path / "run")
    mixed = write([one, other | {"changes": [REGION]}])
    assert "line 2: its changes have a region, those before an image" in refusal(mixed, tmp_path / "run")
    assert "holds no record" in refusal(write([]), tmp_path / "run")
    assert "expected {" in refusal(write([[1]]), tmp_path / "run")


def test_a_source_and_options_that_do_not_fit(drawn, regions, tmp_path):
    out = tmp_path / "run"
    assert "there is no file" in refusal(tmp_path / "none", out)
    assert "the changes in" in refusal(regions, out, by="drawn")
    assert "write jsonl --data" in refusal(drawn, out, by="grid")
    assert "leave it out" in refusal(drawn, out, data=drawn)
    assert "needs a file of pairs" in refusal("scenes", out, by="region")
    assert "--images" in refusal(drawn, out, images=tmp_path / "none")
    assert "finds no trigger" in refusal(drawn, out, judge="pairwise")
    assert "name it with --judge-model" in refusal(drawn, out, judge="verdicts", judge_model=None)
    assert "leave --strategy and --gen out" in refusal(drawn, out, model="baseline:oracle", strategy="cot")
    assert "--by" in refusal(drawn, out, by="hand")
    for grid in ("3", "0x3", "1x1", "11x10", "3x3x3"):
        assert "--grid" in refusal(drawn, out, grid=grid)
    assert "no run at" in refusal(drawn, out, reuse=(tmp_path / "none",))


def test_the_command_prints_the_table_and_the_same_as_json(drawn, tmp_path, run_command):
    told = run_command(drawn, "--model", "baseline:oracle", "--out", tmp_path / "run")
    assert (told.status, told.err) == (0, "")
    rows = [line.split() for line in told.out.splitlines()]
    assert ["object", "1.000", "0.000", "1.000", "[1.000,", "1.000]", "3"] in rows
    assert ["weather", "1.000", "0.000", "1.000", "[1.000,", "1.000]", "2"] in rows
    again = run_command(drawn, "--model", "baseline:oracle", "--out", tmp_path / "run", "--json")
    assert again.json["causal_sensitivity"]["overall"]["value"] == 1
    assert again.json == json.loads((tmp_path / "run" / "summary.json").read_text())
    wrong = run_command(drawn, "--model", "baseline:oracle", "--out", tmp_path / "run", "--seed", 1)
    assert (wrong.status, wrong.out, wrong.err.count("\n")) == (2, "", 1)


def test_nothing_scored_is_status_1(regions, tmp_path, run_command):
    for name in ("a.png", "b.jpg"):
        (regions / name).write_bytes(b"nonsense")
    told = run_command(regions, "--model", "http://127.0.0.1:9/v1#m", "--out", tmp_path / "run")
    assert told.status == 1
    assert "nothing could be scored: bad picture (3)" in told.err


@pytest.mark.parametrize("source", ["drawn", "regions"])
def test_a_dry_run_asks_nothing_leaves_nothing_and_knows_what_is_known(source, tmp_path, run_command, request):
    folder = request.getfixturevalue(source)
    out, model = tmp_path / "run", "http://127.0.0.1:9/v1#m"
    judged = ["--judge", "official-llama3", "--judge-model", "http://127.0.0.1:9/v1#j"]
    told = run_command(folder, "--model", model, "--out", out, *judged, "--dry-run", "--json").json
    pictures, verdicts = (8, 14) if source == "drawn" else (5, 6)
    assert (told["samples"], told["calls"], told["known"]) == (pictures, {"answer": pictures, "judge": verdicts}, 0)
    assert told["tokens"]["in"] > verdicts * 512  # each verdict is on an answer that may be as long as that
    assert not out.exists()
    done = sitting(out, folder)
    assert len(done.answerer.requests) == pictures
    told = run_command(folder, "--model", model, "--out", out, "--dry-run", "--json").json
    assert (told["calls"], told["known"]) == ({"answer": 0}, pictures)


def test_a_table_is_80_columns_wide_and_moves_no_cursor(drawn, tmp_path):
    file = drawn / "pairs.jsonl"
    file.write_text(file.read_text().replace('"weather"', '"\\u001b[2J wea"'))
    done = sitting(tmp_path / "run", drawn, strategy="direct+cot")
    summary = done.summary | {"warnings": ["beware"], "unscored": {"timeout": 2}, "left_out": {"seed": 3}}
    console = Console(width=80, highlight=False)
    with console.capture() as got:
        for part in intervene_table(summary, tmp_path / "run"):
            console.print(part)
    said = got.get()
    assert "\x1b[2J" not in said
    assert "\\x1b[2J wea" in said
    assert max(map(len, said.splitlines())) <= 80
    words = " ".join(said.split())
    for one in (
        "m direct+cot",
        "Caution: beware.",
        "timeout 2",
        "At worst and at best: [1.000, 1.000]",
        "setting seed",
    ):
        assert one in words


def test_the_table_of_a_grid_tells_what_chance_would_do(tmp_path, run_command):
    records = tmp_path / "records"
    records.mkdir()
    for name in "ab":
        paint(records / f"{name}.png", ["a birthday cake"])
    rows = [
        {"id": one, "image": f"{one}.png", "question": "Why?", "emotion": "sad", "triggers": [*THINGS]} for one in "ab"
    ]
    (records / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = run_command(
        "jsonl", "--data", records, "--model", "baseline:oracle", "--grid", "2x2", "--out", tmp_path / "r"
    )
    words = " ".join(told.out.split())
    assert "some cell of 2x2 loses 0.000 [0.000, 0.000]" in words
    assert "expected of as many askings by chance 0.000" in words
    assert "overall 1.000 1.000 0.000 [0.000, 0.000] 10" in words
