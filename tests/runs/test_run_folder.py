from __future__ import annotations

import errno
import fcntl
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from whyfeel.errors import DataError, RunLocked, StoreFailed, UserError
from whyfeel.records import Response, Unscored, json_line
from whyfeel.runs.folder import RunFolder, read_json, write_json, write_whole
from whyfeel.runs.lines import loads, read_lines, read_responses


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def names(path: Path) -> set[str]:
    return {entry.name for entry in path.iterdir()}


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_whole(path, [b"old"])
    write_whole(path, [b"new", b"er"])
    assert path.read_bytes() == b"newer"
    assert names(path.parent) == {"a.txt"}


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("a fault of ours")])
def test_an_exception_while_writing_leaves_the_old_file(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise error

    with pytest.raises(StoreFailed if isinstance(error, OSError) else ValueError, match=str(error.args[-1])):
        write_whole(path, pieces())
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == {"a.txt"}, "no .part stays behind"


def test_a_folder_that_cannot_be_made_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match=r"a\.txt"):
        write_whole(tmp_path / "file" / "a.txt", [b"x"])


def test_json_files_are_read_back_whatever_they_hold(tmp_path: Path) -> None:
    value = {"z": [1, 2.5, None], "a": {"é": "\ud800 😀"}}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json", "") == value
    assert list(read_json(tmp_path / "a.json", "")) == ["z", "a"], "keys keep their order"
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert read_json(tmp_path / "a.json", "") == value


def test_a_second_holder_is_refused_and_told_the_process(folder: RunFolder) -> None:
    folder.make()
    with folder.locked():
        with pytest.raises(RunLocked, match=f"in use by process {os.getpid()} on "):
            folder.locked().__enter__()
    with folder.locked():
        pass


def test_the_lock_is_free_again_after_an_exception(folder: RunFolder) -> None:
    folder.make()
    with pytest.raises(KeyError), folder.locked():
        raise KeyError
    with folder.locked():
        pass


def test_the_lock_dies_with_its_process(folder: RunFolder) -> None:
    folder.make()
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom whyfeel.runs.folder import RunFolder\n"
        f"with RunFolder(Path({str(folder.path)!r})).locked():\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunLocked, match=f"process {holder.pid} on"), folder.locked():
            pass
        holder.kill()
        holder.wait()
        with folder.locked():
            pass


def test_a_folder_that_holds_something_else_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(UserError, match=r"not empty and not a run folder \(no run\.json\)"):
        RunFolder(tmp_path).make()
    assert names(tmp_path) == {"thesis.txt"}


@pytest.mark.parametrize("left", [[], [".lock"], [".lock", "run.json.part"], ["run.json", "notes.txt"]])
def test_an_empty_folder_a_run_that_died_young_and_a_run_are_taken(folder: RunFolder, left: list[str]) -> None:
    folder.path.mkdir()
    for name in left:
        (folder.path / name).write_text("")
    folder.make()


@pytest.mark.parametrize("place", ["file", "file/run"])
def test_a_folder_cannot_be_made_over_a_file(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="--out"):
        RunFolder(tmp_path / place).make()


GOOD = {"spec": {}, "judges": {}, "addresses": [], "selection": {}}


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", '"run"', "{}", '{"spec": []}', "\ufeff{}", "[" * 100_000),
        json.dumps(GOOD)[:-1] + ', "spec": {}}',
        json.dumps(GOOD | {"seed": math.nan}),
        *(json.dumps(GOOD | {name: None}) for name in GOOD),
        json.dumps(GOOD)[:-9],
    ],
)
def test_a_damaged_manifest_is_named(folder: RunFolder, text: str) -> None:
    folder.path.mkdir()
    folder.manifest.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"run\.json"):
        folder.read_manifest()


def test_a_manifest_that_is_not_there_or_no_text_is_named(folder: RunFolder) -> None:
    with pytest.raises(DataError, match=r"run\.json.*a run folder has one"):
        folder.read_manifest()
    folder.path.mkdir()
    folder.manifest.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="damaged"):
        folder.read_manifest()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOLCK, errno.EROFS])
@pytest.mark.parametrize("at", ["mkdir", "open", "flock", "pwrite"])
def test_a_folder_that_cannot_be_taken_is_told_in_one_line(
    folder: RunFolder, at: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk ends the run, resumable; any other reason is for the user to mend."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    def take() -> None:
        folder.make()
        with folder.locked():
            pass

    owner = {"mkdir": Path, "flock": fcntl}.get(at, os)
    monkeypatch.setattr(owner, at, fail)
    full = number in {errno.ENOSPC, errno.EDQUOT, errno.EIO}
    expected = rf"\A[^\n]*{folder.path}[^\n]*{os.strerror(number)}" + (" .*make room" if full else r"\Z")
    with pytest.raises(StoreFailed if full else UserError, match=expected):
        take()
    monkeypatch.undo()
    take()


def test_the_folder_of_a_judge_lies_in_the_run(folder: RunFolder) -> None:
    judge = folder.judge("overlap-12345678")
    assert judge.summary == folder.path / "judges" / "overlap-12345678" / "summary.json"
    assert judge.judgements.name == "judgements.jsonl"


BAD = {
    "no object": b"[1]",
    "cut off": b'{"a": "b',
    "not UTF-8": b'{"a": "\xff"}',
    "not JSON": b"nul",
    "a text": b'"a"',
    "NaN": b'{"a": NaN}',
    "infinite": b'{"a": [-Infinity]}',
    "a key twice": b'{"a": 1, "a": 1}',
    "a key twice, deep down": b'{"b": [{"a": {"c": 1, "c": 2}}]}',
    "nested deeply": b"[" * 100_000,
    "an object nested deeply": b'{"a":' * 100_000,
    "NUL": b'{"a": "\x00"}',
    "NUL bytes": b"\x00" * 50,
    "a number without end": b'{"a": ' + b"9" * 5000 + b"}",
    "BOM in the middle": b'\xef\xbb\xbf{"a": 1}',
    "ten megabytes": b'{"a": "' + b"x" * 10_000_000,
}


@pytest.mark.parametrize("end", [b"\n", b""])
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_is_named_by_number_and_byte(tmp_path: Path, bad: str, end: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a": 1}\n' + BAD[bad] + end)
    lines = read_lines(path)
    assert next(lines) == {"a": 1}
    with pytest.raises(DataError, match=r"a\.jsonl' line 2 \(byte 9\): expected a JSON object") as refused:
        next(lines)
    assert len(str(refused.value)) < 700
    if bad == "cut off":
        assert ("cut off" in str(refused.value)) == (not end)


def test_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('\ufeff{"a": "é\\u0000"}\n\n  \n{"b": 2}'.encode())
    assert list(read_lines(path)) == [{"a": "é\x00"}, {"b": 2}]
    long = {"text": "x" * 10_000_000}
    path.write_text(json_line(long))
    assert list(read_lines(path)) == [long]
    with pytest.raises(DataError, match="cannot be read"):
        list(read_lines(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="cannot be read"):
        list(read_lines(tmp_path))


def test_a_line_with_a_million_keys_is_refused_at_once() -> None:
    """The look for the key that stands twice must not be quadratic: this would take an hour."""
    keys = ",".join(f'"{n}":0' for n in range(300_000))
    with pytest.raises(ValueError, match="'7' stands twice"):
        loads(f'{{{keys},"7":0}}'.encode())


GOOD_RESPONSES = [
    Response("a", "rain \ud800", "ok", ("k1", "k2")),
    Response("b", "", "empty"),
    Response("c", "", unscored=Unscored("bad picture", "torn")),
]


def test_responses_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "responses.jsonl"
    path.write_text("".join(json_line(one.to_json()) + "\n" for one in GOOD_RESPONSES))
    assert list(read_responses(path)) == GOOD_RESPONSES


@pytest.mark.parametrize(
    "change",
    [
        *({name: None} for name in ("id", "text", "outcome", "asks")),
        *({"id": 1}, {"text": ["a"]}, {"outcome": "fine"}, {"outcome": []}, {"asks": "k"}, {"asks": [1]}),
        *({"unscored": "why"}, {"unscored": {"reason": "r"}}, {"unscored": {"reason": 1, "detail": ""}}),
        {"unscored": {"reason": "r", "detail": "", "more": ""}},
    ],
    ids=str,
)
def test_a_line_that_is_no_response_is_named(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "responses.jsonl"
    good = json_line(GOOD_RESPONSES[0].to_json())
    whole = json.loads(good) | change
    for line in (whole, {name: value for name, value in whole.items() if value is not None}):
        path.write_text(good + "\n" + json.dumps(line) + "\n")
        lines = read_responses(path)
        next(lines)
        with pytest.raises(DataError, match=rf"line 2 \(byte {len(good) + 1}\): expected a response with id"):
            next(lines)
