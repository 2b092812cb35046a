"""Every mistake of the user is one line on stderr, nothing on stdout, exit status 2, and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Whyfeel = Callable[..., Any]

RUN = "run scenes --model baseline:echo --out r"
ASK = "run scenes --model http://127.0.0.1:9/v1#m --out r"
MISTAKES = [
    # names nobody knows
    ("nonsense", "nonsense"),
    ("run scens --model baseline:echo --out r", "did you mean 'scenes'?"),
    ("run scenes --model baseline:orcle --out r", "did you mean 'oracle'?"),
    ("run scenes --model opnai:gpt-4o --out r", "did you mean 'openai'?"),
    ("run scenes --model gpt-4o --out r", "'gpt-4o' is not a model"),
    ("run scenes --model http://127.0.0.1:9/v1 --out r", "which model of the server?"),
    ("run scenes --model http://user:secret@127.0.0.1:9/v1#m --out r", "an address with a user, password or query"),
    ("run scenes --model ftp://x#m --out r", "no provider 'ftp'"),
    (f"{RUN} --judge overlop", "Did you mean 'overlap'?"),
    (f"{ASK} --strategy direkt", "did you mean 'direct'?"),
    (f"{ASK} --strategy direct+cot+cot", "names the modifier 'cot' twice"),
    (f"{ASK} --strategy direct+", "cannot be read"),
    (f"{RUN} --banana", "--banana"),
    # values of the wrong kind
    (f"{RUN} --limit ten", "Invalid value for '--limit'"),
    (f"{RUN} --limit 0", "--limit: input should be greater than 0"),
    (f"{RUN} --limit 3 --sample 3", "give one of them"),
    (f"{RUN} --concurrency -1", "--concurrency"),
    (f"{RUN} --rpm 0", "--rpm"),
    (f"{RUN} --max-cost -1", "--max-cost"),
    (f"{ASK} --gen temperature", "--gen: expected name=value pairs"),
    (f"{ASK} --gen temperature=NaN", "--gen: the settings cannot be sent as JSON"),
    (f"{ASK} --judge-gen a=1", "asks no model: leave --judge-model and --judge-gen out"),
    # what does not go together, or is missing
    ("run scenes --model baseline:echo", "--out is needed"),
    ("run --model baseline:echo --out r", "TASK is needed"),
    ("run scenes --out r", "--model is needed"),
    (f"{RUN} --strategy cot", "asks no model: leave --strategy and --gen out"),
    (f"{RUN} --judge official-gpt", "name it with --judge-model"),
    (f"{RUN} --judge-model vllm:x", "leave --judge-model and --judge-gen out"),
    ("run scenes --model openai:gpt-4o --out r", "set the environment variable OPENAI_API_KEY"),
    (f"{ASK} --max-cost 1", "--max-cost needs a price"),
    (f"{RUN} --data .", "scenes comes with whyfeel"),
    ("run eibench-basic --model baseline:echo --out r", "eibench-basic needs --data"),
    # files
    ("run eibench-basic --model baseline:echo --out r --data nowhere", "there is no file"),
    ("run jsonl --model baseline:echo --out r --data bad.jsonl", "'bad.jsonl', line 2"),
    ("run jsonl --model baseline:echo --out r --data good.jsonl --images nowhere", "--images: expected a folder"),
    (f"{RUN} --prompts nowhere.toml", "--prompts"),
    (f"{RUN} --prompts bad.toml", "there is no prompt 'nobody'"),
    (f"{RUN} --prices bad.toml", "must have the keys in, out"),
    (f"{RUN} --config bad.toml", "'nobody', which is no option of a run"),
    (f"{RUN} --config nowhere.toml", "is not a readable TOML file"),
    (f"{RUN} --reuse nowhere", "--reuse: there is no run at 'nowhere'"),
    (f"{RUN} --reuse nowhere --dry-run", "there is no ledger at 'nowhere'"),
    ("run scenes --model baseline:echo --out good.jsonl", "--out: 'good.jsonl' cannot be made"),
    ("run scenes --model baseline:echo --out stranger", "is not empty and not a run folder"),
    ("run scenes --model baseline:echo --out damaged", "is damaged"),
    ("run scenes --model replay:nowhere --out r", "there is no ledger at 'nowhere'"),
    ("run scenes --model replay:good.jsonl --out r", "is not a ledger"),
    # the other commands
    ("judge", "Missing argument 'RUN'"),
    ("judge done", "Missing option '--judge'"),
    ("judge nowhere --judge overlap", "'nowhere/run.json' cannot be read"),
    ("judge damaged --judge overlap", "is damaged"),
    ("judge stranger --judge overlap", "a run folder has one"),
    ("judge done --judge nobody", "there is no judge 'nobody'"),
    ("judge done --judge official-gpt", "name it with --judge-model"),
    ("judge-answers good.jsonl --task scenes", "Missing option '--out'"),
    ("judge-answers nowhere.jsonl --task scenes --out r", "'nowhere.jsonl' cannot be read"),
    ("judge-answers torn.jsonl --task scenes --out r", "line 2 (byte 3)"),
    ("judge-answers answers.jsonl --task scenes --out stranger", "is not empty and not a run folder"),
    ("score nowhere.jsonl --task scenes", "the log 'nowhere.jsonl' cannot be read"),
    ("score binary.jsonl --task scenes", "the log 'binary.jsonl' cannot be read"),
    ("score answers.jsonl --task eibench-basic", "eibench-basic needs --data"),
    ("score answers.jsonl", "Missing option '--task'"),
    ("data check", "Missing argument"),
    ("data chek", "chek"),
    ("data check nobody", "there is no task 'nobody'"),
    ("data check jsonl --data nowhere", "there is no 'nowhere'"),
    ("data check jsonl --data folder", "expected exactly one *.jsonl"),
    ("demo --out good.jsonl", "--out: 'good.jsonl/empty' cannot be made"),
    ("tasks --banana", "--banana"),
    ("models extra", "extra"),
    ("doctor --out", "--out"),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with files to get wrong."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "WHYFEEL_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    record = {"id": "1", "question": "Why?", "emotion": "sad", "triggers": ["rain"]}
    (tmp_path / "good.jsonl").write_text(json.dumps(record) + "\n")
    (tmp_path / "bad.jsonl").write_text(json.dumps(record) + "\n{torn")
    (tmp_path / "answers.jsonl").write_text("{}\n")
    (tmp_path / "torn.jsonl").write_text("{}\n{torn")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff\xfe\n")
    (tmp_path / "bad.toml").write_text("[nobody]\nuser = 'x'\n")
    for name in ("folder", "stranger", "damaged"):
        (tmp_path / name).mkdir()
    (tmp_path / "stranger" / "thesis.txt").write_text("precious")
    (tmp_path / "damaged" / "run.json").write_text('{"spec": {')
    return tmp_path


@pytest.fixture
def done(place: Path, whyfeel: Whyfeel) -> Path:
    assert whyfeel("run", "scenes", "--model", "baseline:echo", "--out", "done", "--limit", 2).status == 0
    return place


@pytest.mark.parametrize(("command", "said"), MISTAKES, ids=[command for command, _ in MISTAKES])
def test_a_mistake_is_told_in_one_line(
    request: pytest.FixtureRequest, place: Path, whyfeel: Whyfeel, command: str, said: str
) -> None:
    if "done" in command:
        request.getfixturevalue("done")
    told = whyfeel(*command.split())
    assert told.out == ""
    assert told.err.startswith("whyfeel: ")
    assert told.err.endswith("\n")
    assert len(told.err.splitlines()) == 1
    assert said in told.err
    assert told.status == 2
    assert not (place / "r" / "responses.jsonl").exists()
    assert (place / "stranger" / "thesis.txt").read_text() == "precious"


def test_json_changes_nothing_about_that(place: Path, whyfeel: Whyfeel) -> None:
    told = whyfeel(*RUN.split(), "--limit", 0, "--json")
    assert (told.status, told.out, len(told.err.splitlines())) == (2, "", 1)


@pytest.mark.parametrize("name", ["a" * 300, "a/" * 3000])
@pytest.mark.parametrize("option", ["--out", "--data", "--images", "--prompts", "--prices", "--reuse"])
def test_a_path_too_long_is_a_mistake_like_another(place: Path, whyfeel: Whyfeel, option: str, name: str) -> None:
    given = ["run", "jsonl", "--model", "baseline:echo", "--out", "r", "--data", "good.jsonl"]
    told = whyfeel(*given, option, name)
    assert (told.status, told.out, len(told.err.splitlines())) == (2, "", 1)
    assert "too long" in told.err


def test_a_message_with_line_ends_stays_on_one_line(place: Path, whyfeel: Whyfeel) -> None:
    told = whyfeel("run", "scenes", "--model", "vllm:x", "--out", "r", "--gen", "one\ntwo\r\nthree")
    assert (told.status, len(told.err.splitlines())) == (2, 1)


def test_a_real_process_keeps_the_streams_apart(place: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "whyfeel", *RUN.split(), "--limit", "0"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "whyfeel: --limit: input should be greater than 0; got 0\n"
    ended = subprocess.run(
        [sys.executable, "-m", "whyfeel", *RUN.split(), "--json"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout) == json.loads((place / "r" / "summary.json").read_text())


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_terminal_that_lacks_characters_gets_a_table_all_the_same(place: Path, encoding: str) -> None:
    ended = subprocess.run(
        [
            sys.executable.encode(),
            b"-m",
            b"whyfeel",
            *RUN.replace("--out r", "--out caf\udce9").encode(errors="surrogateescape").split(),
        ],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"overall" in ended.stdout
    assert b"Files: caf?" in ended.stdout


@pytest.mark.parametrize("command", ["tasks", "tasks --json", "models", "--help", RUN, f"{RUN} --json"])
def test_a_reader_that_goes_away_gets_no_traceback(place: Path, command: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-m", "whyfeel", *command.split()], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")
