"""What the small commands print, what importing costs, and exit statuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from whyfeel import __version__
from whyfeel.models import presets
from whyfeel.strategies import BASELINES

Whyfeel = Callable[..., Any]
KEY = "sk-a-secret-of-mine"


def check_width(text: str) -> None:
    """Eighty columns, in every line."""
    wide = [line for line in text.splitlines() if cell_len(line) > 80]
    assert wide == []
    assert text.strip()


def test_version_and_help(whyfeel: Whyfeel) -> None:
    assert whyfeel("--version").out == f"whyfeel {__version__}\n"
    told = whyfeel("--help")
    assert (told.status, told.err) == (0, "")
    for command in ("run", "judge", "score", "judge-answers", "tasks", "models", "doctor", "demo", "data"):
        assert f"\n  {command} " in told.out
        help_of = whyfeel(command, "--help")
        assert (help_of.status, help_of.err) == (0, "")
        check_width(help_of.out)
    check_width(told.out)


@pytest.mark.parametrize("group", [[], ["data"]])
def test_no_command_at_all_shows_the_help_as_it_is(whyfeel: Whyfeel, group: list[str]) -> None:
    told = whyfeel(*group)
    assert (told.status, told.err) == (0, "")
    assert told.out.rstrip() == whyfeel(*group, "--help").out.rstrip()


def test_tasks(whyfeel: Whyfeel) -> None:
    told = whyfeel("tasks")
    check_width(told.out)
    tasks = whyfeel("tasks", "--json").json["tasks"]
    assert [task["name"] for task in tasks] == ["eibench-basic", "eibench-complex", "socratis", "jsonl", "scenes"]
    assert all(task["name"] in told.out for task in tasks)


def test_models_say_which_keys_are_set_and_never_what_they_are(
    whyfeel: Whyfeel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for preset in presets.PRESETS.values():
        monkeypatch.delenv(preset.key_variable, raising=False)
        monkeypatch.delenv(preset.url_variable, raising=False)
    assert "OPENAI_API_KEY (not set)" in whyfeel("models").out
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    told, document = whyfeel("models"), whyfeel("models", "--json")
    check_width(told.out)
    assert "OPENAI_API_KEY (set)" in told.out
    assert KEY not in told.out + told.err + document.out + document.err
    states = {preset["name"]: preset["key_set"] for preset in document.json["presets"]}
    assert states == dict.fromkeys(presets.PRESETS, False) | {"openai": True}
    assert document.json["baselines"] == list(BASELINES)
    assert set(document.json["presets"][0]) == {"name", "base_url", "key_variable", "key_set"}


def test_an_address_of_the_users_is_shown_and_one_with_a_secret_refused(
    whyfeel: Whyfeel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "10.0.0.7:11434")
    assert "http://10.0.0.7:11434/v1" in whyfeel("models", "--json").out
    monkeypatch.setenv("OLLAMA_HOST", f"http://me:{KEY}@10.0.0.7:11434")
    told = whyfeel("models")
    assert (told.status, len(told.err.splitlines())) == (2, 1)
    assert KEY not in told.err


def test_doctor_of_a_sound_machine(whyfeel: Whyfeel, tmp_path: Path) -> None:
    told = whyfeel("doctor", "--out", tmp_path / "runs" / "later")
    check_width(told.out)
    assert told.status == 0
    assert "FAILS" not in told.out
    checks = whyfeel("doctor", "--out", tmp_path, "--json").json["checks"]
    assert [check["name"] for check in checks] == ["Python 3.11 or newer", "libraries", "disk", "ledger"]
    assert all(check["ok"] is True and check["detail"] for check in checks)
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind and makes no folder"


def failing(told: Any) -> set[str]:
    return {check["name"] for check in told.json["checks"] if not check["ok"]}


def test_doctor_of_a_folder_that_cannot_be_written(whyfeel: Whyfeel, tmp_path: Path) -> None:
    place = tmp_path / "fixed"
    place.mkdir(mode=0o555)
    if os.geteuid() == 0:  # root may write anywhere but where nobody can
        place = Path("/proc/self")
    for out in (place, place / "runs"):
        told = whyfeel("doctor", "--out", out, "--json")
        assert told.status == 1
        assert failing(told) == {"disk", "ledger"}
    check_width(whyfeel("doctor", "--out", place).out)


def test_doctor_of_a_file_and_of_a_model_that_is_none(whyfeel: Whyfeel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = whyfeel("doctor", "--out", tmp_path / "file", "--json")
    assert (told.status, failing(told)) == (1, {"disk"})
    told = whyfeel("doctor", "--out", tmp_path, "--model", "nobody", "--json")
    assert (told.status, failing(told)) == (1, {"model"})
    told = whyfeel("doctor", "--out", tmp_path, "--model", f"replay:{tmp_path}", "--json")
    assert (told.status, failing(told)) == (1, {"model"})


def test_demo_shows_the_controls_in_their_order(whyfeel: Whyfeel, tmp_path: Path) -> None:
    told = whyfeel("demo", "--out", tmp_path)
    assert (told.status, told.err) == (0, "")
    check_width(told.out)
    document = whyfeel("demo", "--json")
    summaries = {one["model"].removeprefix("baseline:"): one for one in document.json["runs"]}
    assert set(summaries) == set(BASELINES) == {path.name for path in tmp_path.iterdir()}
    f1 = {name: one["scores"]["f1"]["overall"]["value"] for name, one in summaries.items()}
    recall = {name: one["scores"]["recall"]["overall"]["value"] for name, one in summaries.items()}
    assert f1["oracle"] == 1.0
    assert f1["empty"] == 0.0
    # stuffing pays in recall and does not in F1, which is what the demo shows
    assert recall["stuff"] > recall["top5"] > recall["echo"]
    assert f1["stuff"] < f1["top5"]
    for name, one in summaries.items():
        assert f"{f1[name]:.3f}" in told.out
        saved = json.loads((tmp_path / name / "summary.json").read_text())
        assert saved["scores"] == one["scores"]
    assert f"by F1:     {' > '.join(sorted(f1, key=lambda name: -f1[name]))}" in told.out


def test_demo_again_in_the_same_folder_is_the_same(whyfeel: Whyfeel, tmp_path: Path) -> None:
    assert whyfeel("demo", "--out", tmp_path).out == whyfeel("demo", "--out", tmp_path).out


@pytest.mark.parametrize("task", ["scenes", "eibench-basic", "eibench-complex"])
def test_data_check(request: pytest.FixtureRequest, whyfeel: Whyfeel, task: str) -> None:
    data = [] if task == "scenes" else ["--data", request.getfixturevalue("eibench")]
    told, document = whyfeel("data", "check", task, *data), whyfeel("data", "check", task, *data, "--json")
    assert (told.status, document.status, told.err) == (0, 0, "")
    check_width(told.out)
    found = document.json
    n, triggers, flags = {"scenes": (24, None, 0), "eibench-basic": (1615, 7422, 15), "eibench-complex": (50, 222, 5)}[
        task
    ]
    assert (found["n"], len(found["flags"])) == (n, flags)
    assert triggers in {None, found["triggers"]}
    assert sum(found["groups"].values()) == n
    assert found["pictures_checked"] == (24 if task == "scenes" else 0)
    assert found["bad_pictures"] == []
    assert f"{n:,}" in told.out


def test_data_check_names_odd_records_and_bad_pictures_whatever_their_names(whyfeel: Whyfeel, tmp_path: Path) -> None:
    names = ["[/red]x.png", "悲しい" * 20 + ".png", "a" * 200 + ".png"]
    with (tmp_path / "r.jsonl").open("w") as file:
        for index, name in enumerate(names):
            record = {"id": f"[bold]{index}", "question": "Why?", "emotion": f"[{name}]"[:120], "triggers": ["x"]}
            file.write(2 * (json.dumps(record | {"image": name}) + "\n"))
    told = whyfeel("data", "check", "jsonl", "--data", tmp_path)
    assert (told.status, told.err) == (0, "")
    check_width(told.out)
    assert "[/red]x.png" in told.out
    assert "[bold]0" in told.out
    counts = [line.split()[-1] for line in told.out.splitlines() if line.startswith("  ")]
    assert "1" in counts, "the number of a group with a long name is shown"
    bad = whyfeel("data", "check", "jsonl", "--data", tmp_path, "--json").json["bad_pictures"]
    assert [one["path"] for one in bad] == names
    assert all("no such file" in one["reason"] for one in bad)


# --- what importing costs ------------------------------------------------------------------------------------------

LATER = """
import atexit, sys
heavy = {names!r}
atexit.register(lambda: print(sorted(set(heavy) & set(sys.modules)), file=sys.stderr))
"""


def loaded(names: list[str], program: str) -> list[str]:
    """Which of some modules a program has loaded at its end."""
    ended = subprocess.run(
        [sys.executable, "-c", LATER.format(names=names) + program], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stderr.splitlines()[-1].replace("'", '"'))


MAIN = "from whyfeel.cli import main\nsys.argv = {argv!r}\nmain()\n"


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["run", "--help"], ["data", "check", "--help"]])
def test_help_loads_nothing_heavy(argv: list[str]) -> None:
    heavy = ["numpy", "aiohttp", "scipy", "rich.console", "sqlite3", "PIL"]
    if argv == ["--help"]:  # behind a command typer itself brings pydantic
        heavy.append("pydantic")
    assert loaded(heavy, MAIN.format(argv=["whyfeel", *argv])) == []


def test_the_runs_need_no_part_of_scipy_until_they_use_it() -> None:
    assert loaded(["scipy.stats", "scipy.optimize", "scipy"], "import whyfeel.runs\n") == []
    assert loaded(["whyfeel.runs"], "import whyfeel.runs\n") == ["whyfeel.runs"], "the probe works"


def test_a_run_with_an_official_judge_never_loads_scipy(tmp_path: Path) -> None:
    (tmp_path / "r.jsonl").write_text(
        json.dumps({"id": "1", "question": "Why?", "emotion": "sad", "triggers": ["rain"]}) + "\n"
    )
    given = ["--model", "baseline:echo", "--judge", "official-gpt", "--judge-model", "vllm:j", "--max-calls", "0"]
    argv = ["whyfeel", "run", "jsonl", "--data", str(tmp_path), *given, "--out", str(tmp_path / "r")]
    program = MAIN.format(argv=argv).replace(
        "main()", "try:\n    main()\nexcept SystemExit as e:\n    assert e.code == 1"
    )
    assert loaded(["scipy", "numpy"], program) == ["numpy"]
    assert json.loads((tmp_path / "r" / "summary.json").read_text())["unscored"] == {"budget": 1}


def test_nothing_happens_at_import(tmp_path: Path) -> None:
    """Importing every module reads no environment variable of ours and writes nothing."""
    program = (
        "import os, pkgutil, importlib, whyfeel\n"
        "seen = []\nget = os.environ.get\n"
        "os.environ.get = lambda name, *d: (seen.append(name), get(name, *d))[1]\n"
        "for m in pkgutil.walk_packages(whyfeel.__path__, 'whyfeel.'):\n"
        "    if not m.name.endswith('__main__'):\n        importlib.import_module(m.name)\n"
        "ours = [n for n in seen if n.endswith('_API_KEY') or n in ('OPENAI_BASE_URL', 'OLLAMA_HOST')]\n"
        "assert not ours, ours\nassert os.listdir('.') == [], os.listdir('.')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
