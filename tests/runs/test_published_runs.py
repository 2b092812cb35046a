"""Runs held against published figures: real run folders, whose models are scripted and whose figures are counted."""

from __future__ import annotations

import json
import shlex
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from scripted_runs import Sitting, Watcher, png, words

from whyfeel.engine import Price, Request
from whyfeel.errors import DataError, UserError
from whyfeel.models import Scripted
from whyfeel.prompts import shipped_prompts
from whyfeel.prompts.published import FAMILIES, JUDGES
from whyfeel.records import Picture
from whyfeel.runs import RunFolder, judge_run, run_options
from whyfeel.runs.published import published
from whyfeel.strategies import build_strategy

Row = Mapping[str, Any]
Measure = Callable[..., Sitting]

ANSWER = "Purple cake"
SERVER = "http://127.0.0.1:9/v1#"  # never called: a script stands in
LLAVA, LLAMA, GPT = "llava-hf/llava-1.5-13b-hf", "meta-llama/Meta-Llama-3-8B-Instruct", "gpt-3.5-turbo"
# scripts of the shape of the released ones, in other words
ASKING = """
for data in ec_data:
    for img_path, question in data.items():
        inp = f"Be a NAME. Sniff the photo, {question}. Then purr step by step."
"""
JUDGING = """
def ask(prompt):
    return create([{"role": "system", "content": "Be NAME."}, {"role": "user", "content": prompt}])

for data in ec_data:
    for img_path, data_input in data.items():
        content = "Purr as {score: n/m}."
        content = content + f" Now:\\n{data_input}. And the truth:\\n{gt[img_path]}\\n\\nPurr:"
"""


@pytest.fixture
def release(eibench: Path, tmp_path: Path) -> Path:
    """A checkout of the release: its records, and scripts in other words."""
    folder = tmp_path / "release"
    for name in ("EI_Basic", "EI_Complex"):
        shutil.copytree(eibench / name, folder / name)
    for family, scripts in FAMILIES.items():
        for script in scripts:
            (folder / script).parent.mkdir(parents=True, exist_ok=True)
            (folder / script).write_text(ASKING.replace("NAME", family))
    for scripts in JUDGES.values():
        for script in scripts:
            (folder / script).write_text(JUDGING.replace("NAME", script))
    return folder


def draw(release: Path, subset: str) -> None:
    """A picture for each record."""
    name = {"basic": "EI_Basic/user.jsonl", "complex": "EI_Complex/ec_complex.jsonl"}[subset]
    for line in (release / name).read_text("utf-8").splitlines():
        for image in json.loads(line):
            path = release / "images" / image
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png())


def first(right: int) -> Callable[[Request], str]:
    """A judge that finds one trigger of one in so many of the model's answers, and none in others or in controls."""
    asked = Counter[str]()

    def verdict(request: Request) -> str:
        asked[ANSWER] += (of_the_model := ANSWER in words(request))
        return f"{{score: {int(of_the_model and asked[ANSWER] <= right)}/1}}"

    return verdict


@pytest.fixture
def measure(sit: Callable[..., Sitting], release: Path, tmp_path: Path) -> Measure:
    """Run the complex set as LLaVA-1.5 was, so that the judge finds `right` of 50; `given` changes one or other."""
    draw(release, "complex")

    def run(name: str, right: int = 19, **given: Any) -> Sitting:
        usual = {
            "task": "eibench-complex",
            "data": release,
            "images": release / "images",
            "model": SERVER + LLAVA,
            "prompts": "eibench:llava",
            "judge": "official-llama3",
            "judge_model": SERVER + LLAMA,
        }
        return sit(tmp_path / name, lambda _: ANSWER, first(right), **usual | given)

    return run


def row(document: Mapping[str, Any], judge: str = "llama-3-8b-instruct", group: str = "overall", **named: str) -> Row:
    wanted = {"subset": "complex", "setting": "Open-Source", "model": "LLaVA-1.5 (13B)"} | named
    wanted |= {"judge": judge, "group": group}
    [found] = [one for one in document["rows"] if {name: one[name] for name in wanted} == wanted]
    return found


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file by hand."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def official(value: Mapping[str, Any]) -> dict[str, Any]:
    return value["scores"]["official_recall"]["overall"]


# --- what a run measures --------------------------------------------------------------------------------------------


def test_a_figure_in_the_interval_is_verified(measure: Measure) -> None:
    sitting = measure("a", right=19)
    found = row(published("eibench", [sitting.result.folder]))
    estimate = official(sitting.summary)
    assert (found["claimed"], found["measured"], found["difference"]) == (38.1, 100 * 19 / 50, -0.1)
    assert (found["status"], found["why"], found["run"]) == ("verified", "", str(sitting.result.folder))
    assert [found["low"], found["high"]] == pytest.approx([100 * estimate["low"], 100 * estimate["high"]], abs=1e-4)
    assert found["low"] < 38.0 < found["high"]
    corrected = sitting.summary["scores"]["corrected_recall"]["overall"]["value"]
    assert found["corrected"] == pytest.approx(100 * corrected, abs=1e-4)
    assert found["corrected"] < found["measured"]  # one of three to six triggers, not of the one the judge wrote


def test_a_figure_outside_differs(measure: Measure) -> None:
    document = published("eibench", [measure("a", right=50).result.folder])
    found = row(document)
    assert (found["measured"], found["low"], found["high"], found["status"]) == (100.0, 100.0, 100.0, "differs")
    assert found["difference"] == 61.9
    assert document["counts"] == {
        "verified": 0,
        "differs": 1,
        "not comparable": 0,
        "not yet run": 149,
        "can no longer be run": 186,
    }


@pytest.mark.parametrize(
    ("end", "value", "status"),
    [
        *(("low", 0.38105, "verified"), ("low", 0.38106, "differs")),  # 38.10 stands for all from 38.095 to 38.105
        *(("high", 0.38095, "verified"), ("high", 0.38094, "differs")),
    ],
)
def test_the_interval_holds_its_ends(measure: Measure, end: str, value: float, status: str) -> None:
    folder = measure("a").result.folder
    edit(folder / "summary.json", lambda summary: official(summary).update({end: value}))
    assert row(published("eibench", [folder]))["status"] == status


def test_every_class_of_the_basic_set_is_held_against_its_own(
    sit: Callable[..., Sitting], release: Path, tmp_path: Path
) -> None:
    draw(release, "basic")
    right = {"Happy": 54, "Angry": 155, "sadness": 255, "excitement": 720}
    seen = Counter[str]()

    def answer(request: Request) -> str:
        [picture] = [part for m in request.ask.messages for part in m.parts if isinstance(part, Picture)]
        return f"folder {picture.media.path.split('/')[2]}."

    def verdict(request: Request) -> str:
        kind = next((kind for kind in right if f"folder {kind}." in words(request)), "control")
        seen[kind] += 1
        return f"{{score: {int(seen[kind] <= right.get(kind, 0))}/1}}"

    usual = {"data": release, "images": release / "images", "prompts": "eibench:llava"}
    sitting = sit(
        *(tmp_path / "a", answer, verdict),
        **{**usual, "task": "eibench-basic", "model": SERVER + LLAVA, "strategy": "cot"},
        judge="official-llama3",
        judge_model=SERVER + "llama3:8b-instruct",
    )
    document = published("eibench", [sitting.result.folder])
    named = {"subset": "basic", "setting": "User Question & CoT"}
    rows = {group: row(document, group=group, **named) for group in ("happy", "angry", "sad", "excited", "overall")}
    assert {group: one["measured"] for group, one in rows.items()} == {
        "happy": pytest.approx(100 * 54 / 91, abs=1e-4),  # 59.12 claimed
        "angry": pytest.approx(100 * 155 / 342, abs=1e-4),  # 40.97
        "sad": pytest.approx(100 * 255 / 462, abs=1e-4),  # 53.07
        "excited": 100.0,  # 54.16
        "overall": pytest.approx(100 * (54 + 155 + 255 + 720) / 1615, abs=1e-4),  # 51.34
    }
    assert {group: one["status"] for group, one in rows.items()} == {
        **dict.fromkeys(("happy", "angry", "sad"), "verified"),
        **dict.fromkeys(("excited", "overall"), "differs"),
    }
    assert document["counts"]["verified"] == 3
    assert {one["status"] for one in document["rows"] if one["subset"] == "complex"} == {
        "not yet run",
        "can no longer be run",
    }


def test_a_withdrawn_model_that_was_run_counts(measure: Measure) -> None:
    given = {"model": SERVER + "claude-3-haiku-20240307", "prompts": "eibench:claude"}
    named = {"model": "Claude-3-haiku", "setting": "Close-Source"}
    assert row(published("eibench", []), **named)["status"] == "can no longer be run"
    folder = measure("a", right=12, **given).result.folder
    found = row(published("eibench", [folder]), **named)
    assert (found["status"], found["measured"], found["claimed"]) == ("verified", 24.0, 24.0)


# --- what is not comparable -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"prompts": None}, "other prompts: direct"),
        ({"prompts": "eibench:qwen"}, "another model's prompts"),
        ({"judge_model": SERVER + "gpt-4o-mini"}, "judged by gpt-4o-mini"),
        ({"judge_gen": {"temperature": 0}}, "judge's temperature changed"),
    ],
)
def test_a_run_under_other_conditions_is_shown_and_not_compared(
    measure: Measure, given: dict[str, Any], why: str
) -> None:
    found = row(published("eibench", [measure("a", right=19, **given).result.folder]))
    assert (found["status"], found["why"], found["measured"]) == ("not comparable", why, 38.0)


def test_a_part_of_the_data_is_not_comparable(measure: Measure) -> None:
    found = row(published("eibench", [measure("a", right=20, limit=40).result.folder]))
    assert (found["status"], found["why"], found["measured"]) == ("not comparable", "40 of 50 samples", 50.0)
    whole = row(published("eibench", [measure("b", limit=50).result.folder]))
    assert whole["status"] == "verified", "all of it is all of it, however it was asked for"


def test_other_records_are_not_comparable(measure: Measure, release: Path) -> None:
    with (release / "EI_Complex" / "ec_complex.jsonl").open("a") as file:
        file.write("\n")
    found = row(published("eibench", [measure("a").result.folder]))
    assert (found["status"], found["why"], found["measured"]) == ("not comparable", "other record files", 38.0)


def test_a_judge_that_gives_no_official_figure(measure: Measure) -> None:
    document = published("eibench", [measure("a", judge="overlap", judge_model=None).result.folder])
    for judge in ("llama-3-8b-instruct", "gpt-3.5-turbo"):
        found = row(document, judge)
        assert (found["status"], found["why"], found["measured"]) == ("not comparable", "judged by overlap", None)
        assert found["run"]


@pytest.mark.parametrize(("n", "why"), [(49, ""), (48, "2 of 50 without a score")])
def test_too_many_samples_without_a_score(measure: Measure, n: int, why: str) -> None:
    folder = measure("a").result.folder
    edit(folder / "summary.json", lambda summary: official(summary).update(n=n))
    found = row(published("eibench", [folder]))
    assert (found["status"], found["why"]) == ("not comparable" if why else "verified", why)


@pytest.mark.parametrize(
    ("change", "why", "measured"),
    [
        ({"low": None, "high": None, "why": "fewer than two pictures"}, "fewer than two pictures", 38.0),
        (dict.fromkeys(("value", "low", "high")) | {"why": "ZeroDivisionError"}, "ZeroDivisionError", None),
        ({"low": None}, "it has no interval", 38.0),
    ],
)
def test_a_figure_without_an_interval(
    measure: Measure, change: dict[str, Any], why: str, measured: float | None
) -> None:
    folder = measure("a").result.folder
    edit(folder / "summary.json", lambda summary: official(summary).update(change))
    found = row(published("eibench", [folder]))
    assert (found["status"], found["why"], found["measured"]) == ("not comparable", why, measured)


# --- several runs and judges ----------------------------------------------------------------------------------------


def test_of_two_runs_that_fit_the_later_one_is_shown(measure: Measure) -> None:
    earlier, later = measure("a", right=50).result.folder, measure("b").result.folder
    edit(earlier / "run.json", lambda manifest: manifest.update(created="2026-01-01T00:00:00+00:00"))
    for order in ([earlier, later], [later, earlier]):
        document = published("eibench", order)
        assert (row(document)["run"], row(document)["measured"]) == (str(later), 38.0)
        [note] = document["notes"]
        assert note.startswith("2 runs fit Open-Source, LLaVA-1.5 (13B), llama-3-8b-instruct")
        assert repr(str(later)) in note


def test_one_that_fits_goes_before_a_later_one_that_does_not(measure: Measure) -> None:
    fits, later = measure("a").result.folder, measure("b", prompts=None).result.folder
    edit(fits / "run.json", lambda manifest: manifest.update(created="2026-01-01T00:00:00+00:00"))
    document = published("eibench", [fits, later])
    assert (row(document)["run"], row(document)["status"], document["notes"]) == (str(fits), "verified", [])


def test_a_run_given_twice_counts_once(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = measure("a").result.folder
    monkeypatch.chdir(folder.parent)
    assert published("eibench", [folder, Path("a"), folder])["notes"] == []


def named_gpt(script: Any, name: str, price: Price | None) -> Scripted:
    """Scripted models, the judge under the name that its ledger shall hold."""
    return Scripted(script, name={"j": GPT}.get(name, name), price=price)


def test_each_judge_of_a_run_counts(measure: Measure, release: Path) -> None:
    folder = measure("a").result.folder
    gpt = {"judge": "official-gpt", "judge_model": SERVER + GPT, "kind": named_gpt}
    other = measure("b", right=20, **gpt).result.folder
    before = row(published("eibench", [folder]), "gpt-3.5-turbo")
    assert (before["status"], before["run"]) == ("can no longer be run", None)
    replayed = {"judge": "official-gpt", "judge_model": f"replay:{other}", "prompts": "eibench:llava"}
    judge_run(
        run_options({"task": "eibench-complex", "model": LLAVA, "out": folder, "data": release, **replayed}), Watcher()
    )
    [name] = [name for name in RunFolder(folder).read_manifest()["judges"] if name.startswith("official-gpt")]

    def origins(found: dict[str, str]) -> Callable[[dict[str, Any]], object]:
        return lambda manifest: manifest["judges"][name].update(origins=found)

    edit(folder / "run.json", lambda manifest: manifest["judges"][name].pop("origins", None))
    untold = row(published("eibench", [folder]), "gpt-3.5-turbo")
    assert (untold["status"], untold["measured"]) == ("not comparable", 40.0)
    assert untold["why"] == "run.json does not tell the judge's prompt"
    edit(folder / "run.json", origins({"official": f"EIBench {JUDGES['official-gpt'][1]} lines 7, 9"}))
    found = row(published("eibench", [folder]), "gpt-3.5-turbo")
    assert (found["status"], found["measured"], found["claimed"]) == ("verified", 40.0, 39.53)


def test_a_judge_that_has_not_finished_is_named(measure: Measure) -> None:
    folder = measure("a").result.folder
    entry = {"name": "official-gpt", "model": GPT, "gen": {}, "prompts": {"official": "x"}}
    edit(folder / "run.json", lambda manifest: manifest["judges"].update({"official-gpt-12345678": entry}))
    document = published("eibench", [folder])
    assert row(document)["status"] == "verified"
    assert [one["why"] for one in document["left_out"]] == ["official-gpt has not finished: there is no summary.json"]
    (folder / "summary.json").unlink()
    assert row(published("eibench", [folder]))["status"] == "not yet run"


def test_runs_of_no_row_are_named(measure: Measure, sit: Callable[..., Sitting], tmp_path: Path) -> None:
    paths = [sit(tmp_path / "s", limit=2).result.folder, measure("a", model=SERVER + "gpt-9").result.folder]
    paths.append(measure("b", strategy="cot", model=SERVER + "gpt-4o").result.folder)
    document = published("eibench", paths)
    assert [one["run"] for one in document["left_out"]] == list(map(str, paths))
    for one, why in zip(document["left_out"], ("scenes", "'gpt-9'", "'direct+cot'"), strict=True):
        assert why in one["why"]
    assert document["counts"]["not comparable"] == 0


# --- what is left, and what is no run -------------------------------------------------------------------------------


def test_the_command_that_is_told_would_measure_the_first_figure_that_is_left() -> None:
    document = published("eibench", [])
    program, command, task, *flags = shlex.split(document["next"])
    assert (program, command, task) == ("whyfeel", "run", "eibench-basic")
    given = {
        flag.removeprefix("--").replace("-", "_"): value for flag, value in zip(flags[::2], flags[1::2], strict=True)
    }
    options = run_options({"task": task, **given})
    left = next(one for one in document["rows"] if one["status"] == "not yet run")
    assert left["model"].lower() in options.model.lower()
    assert build_strategy(options.strategy, shipped_prompts()).name == "direct"
    assert (options.prompts, options.judge) == ("eibench:qwen", "official-llama3")


def test_the_document_of_no_runs() -> None:
    document = published("eibench", [])
    assert set(document["rows"][0]) == {
        *("subset", "setting", "model", "judge", "group", "claimed", "measured", "low", "high", "corrected"),
        *("difference", "status", "why", "run"),
    }
    assert len(document["rows"]) == sum(document["counts"].values()) == 336
    assert document["source"]["commit"] == "aff98d0"
    sums = document["arithmetic"]
    assert (sums["checked"], sums["tolerance"], sums["largest_of_the_others"]) == (62, 0.06, 0.0521)
    assert sums["exceptions"] == [
        {
            "subset": "basic",
            "setting": "Close-source Models",
            "model": "ChatGPT-4V",
            "judge": "gpt-3.5-turbo",
            "published": 48.58,
            "implied": 48.3798,
            "difference": 0.2002,
        }
    ]
    json.dumps(document, allow_nan=False)


def test_another_benchmark() -> None:
    with pytest.raises(UserError, match="no published figures of 'emobench'; there are those of eibench"):
        published("emobench", [])


def drop(*path: str) -> Callable[[dict[str, Any]], object]:
    def change(value: dict[str, Any]) -> None:
        for name in path[:-1]:
            value = value[name]
        del value[path[-1]]

    return change


def put(*path: str, value: object) -> Callable[[dict[str, Any]], object]:
    def change(inside: dict[str, Any]) -> None:
        for name in path[:-1]:
            inside = inside[name]
        inside[path[-1]] = value

    return change


OTHER = {"name": "overlap", "model": None, "gen": {}, "prompts": {}}
OVERALL = ("scores", "official_recall", "overall")
DAMAGE: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("run.json", drop("created"), "created"),
    ("run.json", drop("spec"), "spec"),
    ("run.json", drop("prompts"), "prompts"),
    ("run.json", put("prompts", "direct", value=3), "prompts.direct"),
    ("run.json", drop("spec", "judge", "name"), "spec.judge.name"),
    ("run.json", put("spec", "data", value={"a": 1}), "spec.data.a"),
    ("run.json", put("judges", "overlap-1", value={}), "judges.overlap-1.name"),
    ("run.json", put("judges", "../../x", value=OTHER), "judges"),  # no name of a folder
    ("run.json", put("judges", "x" * 400, value=OTHER), "judges"),
    ("summary.json", drop("n"), "n"),
    ("summary.json", put("n", value="50"), "n"),
    ("summary.json", put("n", value=True), "n"),
    ("summary.json", drop("scores"), "scores"),
    ("summary.json", put("scores", value=[]), "scores"),
    ("summary.json", drop(*OVERALL, "low"), "scores.official_recall.overall.low"),
    ("summary.json", put(*OVERALL, "value", value="0.5"), "scores.official_recall.overall.value"),
]


@pytest.mark.parametrize(("name", "change", "where"), DAMAGE)
def test_a_damaged_file_is_told_in_one_line(
    measure: Measure, name: str, change: Callable[[dict[str, Any]], object], where: str
) -> None:
    folder = measure("a").result.folder
    edit(folder / name, change)
    with pytest.raises(DataError) as raised:
        published("eibench", [folder])
    said = str(raised.value)
    assert repr(str(folder / name)) in said
    assert where in said
    assert "\n" not in said
    assert len(said) < 1000


@pytest.mark.parametrize("text", ["", "{", "[]", '{"n": NaN}', '{"n": 1, "n": 2}', "\udcff"])
def test_a_summary_that_is_no_json_object(measure: Measure, text: str) -> None:
    folder = measure("a").result.folder
    (folder / "summary.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=r"summary\.json"):
        published("eibench", [folder])


def test_what_is_no_run_folder(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(DataError, match=r"run\.json.*a run folder has one"):
            published("eibench", [path])


def test_scores_that_are_missing_altogether(measure: Measure) -> None:
    folder = measure("a").result.folder
    edit(folder / "summary.json", drop("scores", "official_recall"))
    found = row(published("eibench", [folder]))
    assert (found["status"], found["why"], found["measured"]) == ("not comparable", "it has no official_recall", None)
