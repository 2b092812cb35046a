"""Damaged files of a run, and of others for a run, read back: one line that names the place, never a traceback."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from chat_server import ChatServer, good

from told import Told
from whyfeel.cli.progress import Quiet
from whyfeel.runs import run as run_it
from whyfeel.runs import run_options

Whyfeel = Callable[..., Told]

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda line: line[: len(line) // 2],
    "garbage": lambda line: b"<html>busy</html>\n",
    "no object": lambda line: b"[1, 2]\n",
    "not UTF-8": lambda line: line.replace(b"person", b"pers\xf6n"),
    "NaN": lambda line: line.rstrip()[:-1] + b', "more": NaN}\n',
    "a key twice": lambda line: line.rstrip()[:-1] + b', "x": "a", "x": "a"}\n',
    "nested deeply": lambda line: b'{"a":' * 100_000 + b"\n",
    "NUL bytes": lambda line: b"\x00" * len(line) + b"\n",
    "ten megabytes": lambda line: b'{"a": "' + b"x" * 10_000_000 + b"\n",
    "two in a line": lambda line: line.rstrip() + line,
    "BOM": lambda line: b"\xef\xbb\xbf" + line,
}


def damaged(path: Path, damage: Callable[[bytes], bytes], which: int) -> int:
    """Damage one line of a file; where it begins."""
    lines = path.read_bytes().splitlines(keepends=True)
    lines[which] = damage(lines[which])
    path.write_bytes(b"".join(lines))
    return sum(map(len, lines[:which]))


@pytest.fixture(scope="module")
def finished(few, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that is done."""
    out = tmp_path_factory.mktemp("finished") / "run"
    with ChatServer(good) as server:
        told = {"task": "jsonl", "model": server.model("mock"), "judge": "overlap", "data": few.file}
        run_it(run_options({**told, "images": few.images, "out": out}), Quiet())
    return out


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


def check_refused(told: Told, path: Path, line: int, byte: int) -> None:
    assert told.status == 2, told.err
    assert told.err.count("\n") == 1
    assert f"{str(path)!r} line {line} (byte {byte:,})" in told.err
    assert len(told.err) < 1000
    assert told.out == ""


def judge_again(whyfeel: Whyfeel, run: Path) -> Told:
    return whyfeel("judge", run, "--judge", "overlap", "--json")


@pytest.mark.parametrize("which", [0, 3, 7])
@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_responses_are_refused_by_line_and_byte(kind, which, run, whyfeel):
    path = run / "responses.jsonl"
    before = {file: file.read_bytes() for file in run.rglob("judgements.jsonl")}
    byte = damaged(path, DAMAGE[kind], which)
    told = judge_again(whyfeel, run)
    if kind == "BOM" and which == 0:
        assert told.status == 0, "some editors put one at the beginning of a file"
        return
    check_refused(told, path, which + 1, byte)
    assert {file: file.read_bytes() for file in before} == before


@pytest.mark.parametrize(
    "change",
    [{"text": None}, {"text": 5}, {"asks": None}, {"asks": [1]}, {"outcome": "fine"}, {"unscored": 7}, {"id": ["r1"]}],
    ids=str,
)
def test_a_response_of_another_shape_is_refused_by_line_and_byte(change, run, whyfeel):
    path = run / "responses.jsonl"
    byte = damaged(path, lambda line: json.dumps({**json.loads(line), **change}).encode() + b"\n", 2)
    check_refused(judge_again(whyfeel, run), path, 3, byte)


def test_responses_that_lost_their_last_lines_are_refused(run, whyfeel):
    path = run / "responses.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-2]))
    told = judge_again(whyfeel, run)
    assert told.status == 2
    assert "does not hold the samples that run.json selects" in told.err


def test_the_runs_own_command_makes_damaged_files_anew(few, serve, cli, args, results, tmp_path):
    """They are functions of the ledger; what a model said is not asked again."""
    server, out = serve(good), tmp_path / "run"
    command = args(few, server, out)
    assert cli.run(*command).status == 0
    whole, calls = results(out), len(server.calls)
    for path in out.rglob("*.jsonl"):
        path.write_bytes(path.read_bytes()[:100] + b"\x00garbage")
    done = cli.run(*command)
    assert (done.status, done.news) == (0, "")
    assert results(out) == whole
    assert len(server.calls) == calls


@pytest.mark.parametrize("name", ["run.json", "summary.json"])
@pytest.mark.parametrize("kind", [kind for kind in DAMAGE if kind not in {"two in a line", "BOM"}])
def test_damaged_json_files_of_a_run(kind, name, run, whyfeel):
    """run.json is read back and refused; summary.json is only written."""
    whole = (run / name).read_bytes()
    text = json.dumps(json.loads(whole)).encode() + b"\n"
    spoilt = DAMAGE[kind](text.replace(b"overlap", b"person")) if kind == "not UTF-8" else DAMAGE[kind](text)
    (run / name).write_bytes(spoilt)
    told = judge_again(whyfeel, run)
    if name == "summary.json":
        assert told.status == 0, told.err
        return
    assert told.status == 2
    assert told.err.count("\n") == 1
    assert str(run / "run.json") in told.err
    assert (run / name).read_bytes() == spoilt


@pytest.fixture
def answers(few, tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl"
    lines = [{f"{n:03}.png": f"1. What made person {n} feel so."} for n in range(few.count)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def judge_answers(whyfeel: Whyfeel, few, answers: Path, out: Path) -> Told:
    places = ["--data", few.file, "--images", few.images, "--out", out]
    return whyfeel("judge-answers", answers, "--task", "jsonl", *places, "--judge", "overlap", "--json")


@pytest.mark.parametrize("which", [0, 4, 7])
@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_answer_file_is_refused_by_line_and_byte(kind, which, few, answers, whyfeel, tmp_path):
    byte = damaged(answers, DAMAGE[kind], which)
    told = judge_answers(whyfeel, few, answers, tmp_path / "out")
    if kind == "BOM" and which == 0:
        assert told.status == 0
        assert json.loads(told.out)["scored"] == few.count
        return
    check_refused(told, answers, which + 1, byte)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("value", ["null", "5", '["a"]', '{"a": "b"}'])
def test_an_answer_that_is_no_text_is_refused_by_its_record(value, few, answers, whyfeel, tmp_path):
    damaged(answers, lambda line: line.split(b":")[0] + b": " + value.encode() + b"}\n", 4)
    told = judge_answers(whyfeel, few, answers, tmp_path / "out")
    assert told.status == 2
    assert told.err.count("\n") == 1
    assert str(answers) in told.err
    assert "5" in told.err
    assert "'004.png'" in told.err


def test_an_answer_keeps_what_json_can_carry(few, answers, whyfeel, tmp_path, lines):
    odd = "NUL \x00, half a pair \ud800, a line end\n, a long s" + "o" * 100_000
    path = tmp_path / "answers.jsonl"
    path.write_text(json.dumps({"000.png": odd}) + "\n")
    assert judge_answers(whyfeel, few, path, tmp_path / "out").status == 0
    assert lines(tmp_path / "out" / "responses.jsonl")[0]["text"] == odd


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_judge_log_is_scored_or_refused_and_never_a_fault(seed, eibench, tmp_path, whyfeel):
    """The released scorer's own failure is part of the figure: `official` is null and says why (contract)."""
    random_ = random.Random(f"log {seed}")
    log = tmp_path / "log.jsonl"
    lines = [json.dumps({f"p{n}.jpg": f"{{score: {n % 3}/3}}"}).encode() + b"\n" for n in range(6)]
    log.write_bytes(b"".join(lines))
    kind = random_.choice(list(DAMAGE))
    which = random_.randrange(6)
    damaged(log, (lambda _: b'{"p": "\xff"}\n') if kind == "not UTF-8" else DAMAGE[kind], which)
    told = whyfeel("score", log, "--task", "eibench-basic", "--data", eibench, "--json")
    if told.status == 2:
        assert kind == "not UTF-8"
        assert told.err.count("\n") == 1
        assert str(log) in told.err
        return
    assert told.status == 0, told.err
    document = json.loads(told.out)
    if kind not in {"NaN", "a key twice", "BOM"}:
        assert document["official"] is None
        assert f"line {which + 1}" in document["why"] or kind == "two in a line"
