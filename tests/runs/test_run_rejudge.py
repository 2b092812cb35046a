"""`whyfeel judge` and `whyfeel judge-answers`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_runs import ANSWERER, JUDGE_MODEL, Sitting, Watcher, check_summary, words, write_lines

from told import Told
from whyfeel.engine import Request
from whyfeel.judging import CANARIES, CANARY_SAMPLES
from whyfeel.runs import RunFolder, run, run_options
from whyfeel.strategies import BASELINES

Sit = Callable[..., Sitting]
Whyfeel = Callable[..., Told]
Records = Callable[..., Path]


def contents(run: Path) -> dict[str, bytes]:
    """The files of a run but its manifest, its lock and its ledger."""
    ours = (path for path in run.rglob("*") if path.is_file() and path.suffix in {".jsonl", ".json"})
    return {str(path.relative_to(run)): path.read_bytes() for path in ours if path.name != "run.json"}


def purposes(run: Path) -> dict[str, int]:
    """How many answers of each purpose a run's ledger holds."""
    with sqlite3.connect(f"file:{run / 'ledger.sqlite'}?mode=ro", uri=True) as db:
        found = dict(db.execute("SELECT purpose, count(*) FROM answers GROUP BY purpose"))
    db.close()
    return found


def verdict(request: Request) -> str:
    return f"{{score: {len(words(request)) % 4}/4}}"


OFFICIAL = ("--judge", "official-gpt", "--judge-model")


def test_another_judge_asks_no_answer_and_writes_its_own_folder_only(
    tmp_path: Path, sit: Sit, whyfeel: Whyfeel
) -> None:
    sit(tmp_path / "a", limit=6)
    other = sit(tmp_path / "b", verdict=verdict, judge="official-gpt", limit=6, controlled=True)
    before = contents(tmp_path / "a")
    told = whyfeel("judge", tmp_path / "a", *OFFICIAL, f"replay:{tmp_path / 'b'}", "--json")
    assert (told.status, told.err) == (0, "")
    after = contents(tmp_path / "a")
    [judge] = {path.parent.name for path in (tmp_path / "a" / "judges").glob("official*/*")}
    controls = {f"controls/{name}.jsonl" for name in (*BASELINES, "canaries")}
    written = {f"judges/{judge}/{name}" for name in {"judgements.jsonl", "summary.json"} | controls}
    assert after.keys() - before.keys() == written
    assert {name: after[name] for name in before} == before
    judged = len(other.judge.requests)
    assert judged <= 6 * (1 + len(BASELINES)) + CANARY_SAMPLES * len(CANARIES)
    assert purposes(tmp_path / "a") == {"answer": 6, judge: judged}
    # and it says what it would have said as the first judge
    assert after[f"judges/{judge}/judgements.jsonl"] == (tmp_path / "b" / "judgements.jsonl").read_bytes()
    for name in controls:
        assert after[f"judges/{judge}/{name}"] == (tmp_path / "b" / "judges" / judge / name).read_bytes()
    for part in ("scores", "controls", "controlled", "canaries", "headline"):
        assert told.json[part] == other.summary[part]
    assert told.json == json.loads(after[f"judges/{judge}/summary.json"])
    manifest = RunFolder(tmp_path / "a").read_manifest()
    assert manifest["spec"]["judge"]["name"] == "overlap"
    assert sorted(one["name"] for one in manifest["judges"].values()) == ["official-gpt", "overlap"]
    assert judge in manifest["judges"]


def test_a_rejudged_run_still_resumes(tmp_path: Path, sit: Sit, whyfeel: Whyfeel) -> None:
    sit(tmp_path / "a", judge="official-gpt", limit=3)
    assert whyfeel("judge", tmp_path / "a", "--judge", "overlap").status == 0
    again = sit(tmp_path / "a", judge="official-gpt", limit=3)
    assert again.answerer.requests == again.judge.requests == []
    assert len(RunFolder(tmp_path / "a").read_manifest()["judges"]) == 2


def test_judging_twice_writes_the_same(tmp_path: Path, whyfeel: Whyfeel) -> None:
    whyfeel("run", "scenes", "--model", "baseline:prior", "--out", tmp_path / "a")
    first = contents(tmp_path / "a")
    told = whyfeel("judge", tmp_path / "a", "--judge", "overlap", "--json")
    again = contents(tmp_path / "a")
    assert again["judgements.jsonl"] == first["judgements.jsonl"]
    assert again.keys() == first.keys()
    assert {**told.json, "seconds": 0} == {**json.loads(first["summary.json"]), "seconds": 0}


def test_a_sampled_run_is_judged_on_its_own_samples(tmp_path: Path, sit: Sit, whyfeel: Whyfeel) -> None:
    sitting = sit(tmp_path / "a", sample=9, seed=5)
    told = whyfeel("judge", tmp_path / "a", "--judge", "overlap", "--json")
    assert told.json["scores"] == sitting.summary["scores"]
    assert told.json["n"] == 9


def test_what_was_unscored_stays_unscored_for_the_same_reason(
    tmp_path: Path, sit: Sit, whyfeel: Whyfeel, records: Records
) -> None:
    sitting = sit(tmp_path / "a", task="jsonl", data=records(4), max_calls=3, concurrency=1)
    told = whyfeel("judge", tmp_path / "a", "--judge", "overlap", "--json")
    assert told.json["unscored"] == sitting.summary["unscored"] == {"budget": 1}


def test_an_unfinished_run_is_refused(tmp_path: Path, sit: Sit, whyfeel: Whyfeel) -> None:
    sit(tmp_path / "a", limit=4)
    (tmp_path / "a" / "responses.jsonl").unlink()
    told = whyfeel("judge", tmp_path / "a", "--judge", "overlap")
    assert (told.status, told.out) == (2, "")
    assert "has no responses.jsonl yet: finish the run first" in told.err


@pytest.mark.parametrize("limit", [3, 5, None])
def test_responses_of_another_selection_are_refused(
    tmp_path: Path, sit: Sit, whyfeel: Whyfeel, limit: int | None
) -> None:
    """A sitting with another --limit that was killed leaves its selection in run.json and no responses."""
    sit(tmp_path / "a", limit=4)
    manifest = json.loads((tmp_path / "a" / "run.json").read_text())
    manifest["selection"]["limit"] = limit
    (tmp_path / "a" / "run.json").write_text(json.dumps(manifest))
    told = whyfeel("judge", tmp_path / "a", "--judge", "overlap")
    assert (told.status, told.out, told.err.count("\n")) == (2, "", 1)
    assert "does not hold the samples that run.json selects" in told.err


def test_changed_data_are_refused(tmp_path: Path, sit: Sit, whyfeel: Whyfeel, records: Records) -> None:
    sit(tmp_path / "a", task="jsonl", data=records(3))
    records([{"triggers": ["something else"]}, {}, {}])
    told = whyfeel("judge", tmp_path / "a", "--judge", "overlap")
    assert told.status == 2
    assert "the record files are not those of the run: r.jsonl is" in told.err


def test_moved_data_are_found_where_data_says(tmp_path: Path, sit: Sit, whyfeel: Whyfeel, records: Records) -> None:
    data = records(3)
    sit(tmp_path / "a", task="jsonl", data=data)
    data.rename(tmp_path / "moved")
    assert whyfeel("judge", tmp_path / "a", "--judge", "overlap").status == 2
    assert whyfeel("judge", tmp_path / "a", "--judge", "overlap", "--data", tmp_path / "moved").status == 0


def test_a_run_in_use_is_refused(tmp_path: Path, whyfeel: Whyfeel) -> None:
    whyfeel("run", "scenes", "--model", "baseline:echo", "--out", tmp_path / "a")
    with RunFolder(tmp_path / "a").locked():
        told = whyfeel("judge", tmp_path / "a", "--judge", "overlap")
    assert told.status == 2
    assert "is in use by process" in told.err


# --- judge-answers -------------------------------------------------------------------------------------------------

IMAGES = {"CAER-S/train/Happy/1.png": 2, "CAER-S/train/Angry/2.png": 3, "EmoSet-118k/image/sadness/3.jpg": 2}
HAPPY, ANGRY, SAD = IMAGES


@pytest.fixture
def answers(whyfeel: Whyfeel, basic: Callable[..., Path], tmp_path: Path) -> Callable[..., Told]:
    """`whyfeel judge-answers` on toy answers to eibench-basic, judged by overlap."""

    def told(*rows: dict[str, Any], out: str = "r", given: tuple[str, ...] = ("--json",)) -> Told:
        file = write_lines(tmp_path / "answers.jsonl", rows)
        data = ("--task", "eibench-basic", "--data", basic(IMAGES))
        return whyfeel("judge-answers", file, *data, "--judge", "overlap", "--out", tmp_path / out, *given)

    return told


def test_basic_answers_are_joined_by_image(answers: Callable[..., Told], tmp_path: Path) -> None:
    told = answers({SAD: "1. none"}, {HAPPY: f"1. {HAPPY} trigger 1\n2. {HAPPY} trigger 2", ANGRY: ""})
    assert (told.status, told.err) == (0, "")
    summary = told.json
    check_summary(summary, ["overall", "macro", "happy", "angry", "sad"])
    assert (summary["model"], summary["strategy"]) == ("answers:answers", "answer file")
    assert summary["scores"]["recall"]["happy"]["value"] == 1.0
    assert summary["scores"]["recall"]["angry"]["value"] == 0.0
    assert (summary["outcomes"]["empty"], summary["unscored"]) == (1, {})
    assert summary == json.loads((tmp_path / "r" / "summary.json").read_text())
    responses = [json.loads(line) for line in (tmp_path / "r" / "responses.jsonl").read_text().splitlines()]
    assert [line["id"] for line in responses] == list(IMAGES), "in the order of the task"


def test_missing_answers_are_unscored_and_unknown_images_remarked(answers: Callable[..., Told]) -> None:
    told = answers({HAPPY: "a"}, {"CAER-S/train/Happy/999.png": "b"}, {"elsewhere.png": "c"})
    assert told.status == 0
    assert told.json["unscored"] == {"no answer": 2}
    assert told.json["scored"] == 1
    assert told.err.splitlines() == [
        "whyfeel: 2 answers are to pictures that eibench-basic does not have, such as 'CAER-S/train/Happy/999.png'",
        "whyfeel: 2 of 3 samples have no answer and stay unscored",
    ]


def test_an_empty_file_scores_nothing(answers: Callable[..., Told]) -> None:
    told = answers()
    assert (told.status, told.json["unscored"]) == (1, {"no answer": 3})
    assert told.err.endswith("whyfeel: nothing could be scored: no answer (3)\n")


def test_the_same_answer_twice_counts_once(answers: Callable[..., Told]) -> None:
    assert answers({HAPPY: "a"}, {HAPPY: "a"}).json["unscored"] == {"no answer": 2}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            [{HAPPY: "a"}, {SAD: "b"}, {HAPPY: "c"}],
            "records 1, 3: 2 answers to 'CAER-S/train/Happy/1.png', which has 1",
        ),
        ([{HAPPY: "a"}, {SAD: 3}], "record 2: the answer to 'EmoSet-118k/image/sadness/3.jpg' should be a text, got 3"),
        ([{HAPPY: None}], "record 1: the answer to 'CAER-S/train/Happy/1.png' should be a text, got None"),
    ],
)
def test_answers_that_cannot_be_right_are_refused_by_record(
    answers: Callable[..., Told], tmp_path: Path, rows: list[dict[str, Any]], said: str
) -> None:
    told = answers(*rows)
    assert (told.status, told.out, told.err.count("\n")) == (2, "", 1)
    assert said in told.err
    assert not (tmp_path / "r").exists()


def test_answers_resume_and_other_answers_are_another_run(answers: Callable[..., Told]) -> None:
    first = answers({HAPPY: "a"})
    again = answers({HAPPY: "a"})
    assert {**first.json, "seconds": 0} == {**again.json, "seconds": 0}
    told = answers({HAPPY: "b"})
    assert told.status == 2
    assert "data.answers is" in told.err


def test_complex_answers_are_joined_by_position(
    tmp_path: Path, whyfeel: Whyfeel, complex_set: Callable[..., Path]
) -> None:
    rows = [("a.jpg", "Why sad tree?", 1), ("b.jpg", "Why happy lake?", 1), ("a.jpg", "Why angry moon?", 1)]
    data = ("--task", "eibench-complex", "--data", complex_set(rows), "--judge", "overlap", "--json")
    file = write_lines(
        tmp_path / "answers.jsonl", [{"a.jpg": "sad tree"}, {"a.jpg": "angry moon"}, {"b.jpg": "happy lake"}]
    )
    told = whyfeel("judge-answers", file, *data, "--out", tmp_path / "r")
    recall = told.json["scores"]["recall"]
    assert [recall[group]["value"] for group in ("overall", "sad", "happy", "angry")] == [1.0] * 4
    write_lines(file, [{"a.jpg": "angry moon"}, {"b.jpg": "happy lake"}])
    told = whyfeel("judge-answers", file, *data, "--out", tmp_path / "s")
    recall = told.json["scores"]["recall"]
    assert (recall["sad"]["value"], recall["happy"]["value"], told.json["unscored"]) == (0.0, 1.0, {"no answer": 1})
    assert "1 of 3 samples have no answer" in told.err
    write_lines(file, [{"a.jpg": "x"}, {"a.jpg": "x"}, {"b.jpg": "y"}, {"a.jpg": "x"}])
    told = whyfeel("judge-answers", file, *data, "--out", tmp_path / "t")
    assert told.status == 2
    assert "records 1, 2, 4: 3 answers to 'a.jpg', which has 2" in told.err


def test_answers_are_judged_by_a_model_once(tmp_path: Path, sit: Sit, whyfeel: Whyfeel, basic: Any) -> None:
    data = ("--task", "eibench-basic", "--data", basic(IMAGES))
    sit(
        tmp_path / "a",
        verdict=verdict,
        task="eibench-basic",
        data=basic(IMAGES),
        model="baseline:echo",
        judge="official-gpt",
    )
    questions = {image: f"Why {index}?" for index, image in enumerate(IMAGES)}
    file = write_lines(tmp_path / "answers.jsonl", [questions])
    told = whyfeel(
        "judge-answers", file, *data, *OFFICIAL, f"replay:{tmp_path / 'a'}", "--out", tmp_path / "r", "--json"
    )
    assert told.status == 0
    assert (tmp_path / "r" / "judgements.jsonl").read_bytes() == (tmp_path / "a" / "judgements.jsonl").read_bytes()
    assert told.json["calls"] == 0, "a replayed verdict is no call of this run"


def test_real_answers_of_every_sample_are_all_scored(whyfeel: Whyfeel, eibench: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (eibench / "EI_Basic" / "user.jsonl").read_text("utf-8").splitlines()]
    file = write_lines(tmp_path / "echoed.jsonl", list(reversed(rows)))
    given = ("--task", "eibench-basic", "--data", eibench, "--judge", "overlap", "--controls", "none", "--json")
    told = whyfeel("judge-answers", file, *given, "--out", tmp_path / "r")
    assert (told.json["n"], told.json["scored"]) == (1615, 1615)
    options = {"task": "eibench-basic", "data": eibench, "model": "baseline:echo", "out": tmp_path / "s"}
    assert told.json["scores"] == run(run_options(options), Watcher()).summary["scores"]


def test_the_addresses_stand_for_nothing(sit: Sit, tmp_path: Path) -> None:
    """The scripted sittings above must never reach out: their addresses answer nobody."""
    assert sit(tmp_path / "a", limit=1).answerer.address == "scripted"
    assert ANSWERER.startswith("http://127.0.0.1:9/")
    assert JUDGE_MODEL.startswith("http://127.0.0.1:9/")
