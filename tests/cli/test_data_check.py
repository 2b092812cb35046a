"""`whyfeel data check`: what it prints, where it writes, and how it ends."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from rich.cells import cell_len

from whyfeel.cli import data

Whyfeel = Callable[..., Any]
RECORD = {"question": "Why?", "emotion": "sad", "triggers": ["rain"]}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test's own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "whyfeel"


def png(shade: int, size: tuple[int, int] = (64, 64)) -> bytes:
    out = io.BytesIO()
    picture = Image.new("RGB", size)
    picture.putdata([(shade, x * 37 % 256, x * x % 256) for x in range(size[0] * size[1])])
    picture.save(out, "PNG")
    return out.getvalue()


def write(folder: Path, *images: str) -> Path:
    lines = (json.dumps(RECORD | {"id": f"r{n}", "image": image}) for n, image in enumerate(images))
    (folder / "r.jsonl").write_text("".join(line + "\n" for line in lines))
    return folder


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    """A folder with one of everything."""
    folder = tmp_path / "messy"
    folder.mkdir()
    sound = png(10)
    hidden = bytearray(png(20))  # sound at both ends; the fault is in the middle of its pixels
    middle = len(hidden) // 2
    hidden[middle : middle + 40] = bytes(40)
    files = {"a.png": sound, "b.png": sound, "B.png": png(30), "cut.png": sound[:-30], "hidden.png": bytes(hidden)}
    files |= {"empty.png": b"", "page.jpg": b"<!DOCTYPE html><html></html>", "Photo.png": png(40)}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (tmp_path / "secret.png").write_bytes(png(50))
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    names = [*files, "photo.PNG", "nowhere.png", "../secret.png", "/etc/passwd", "link.png", "nul\x00.png"]
    write(folder, *names, "https://example.org/x.png")
    with (folder / "r.jsonl").open("a") as file:
        file.write(json.dumps(RECORD | {"id": "r0", "image": "a.png"}) + "\n[]\n")
        file.write(json.dumps(RECORD | {"id": "r1", "image": "a.png"}) + '\n{"torn')
    return folder


BROKEN = ["cut.png", "hidden.png", "empty.png", "page.jpg", "../secret.png", "/etc/passwd", "link.png", "nul\x00.png"]


def state(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.lstat().st_mtime_ns, p.lstat().st_size) for p in [folder, *folder.rglob("*")]}


def test_a_messy_folder_is_told_in_full(whyfeel: Whyfeel, messy: Path) -> None:
    before = state(messy)
    told = whyfeel("data", "check", "jsonl", "--data", messy, "--json")
    found = told.json
    path = str(messy / "r.jsonl")
    assert told.status == 2
    assert found["n"] == 15
    assert found["flags"] == [{"id": "r0", "flag": "duplicate record"}]
    assert [(one["file"], one["line"]) for one in found["malformed"]] == [(path, 17), (path, 18), (path, 19)]
    assert found["missing"] == ["photo.PNG", "nowhere.png"]
    assert {one["path"] for one in found["bad_pictures"]} == {*BROKEN, *found["missing"]}
    reasons = {one["path"]: one["reason"] for one in found["bad_pictures"]}
    assert reasons["photo.PNG"].endswith("there is 'Photo.png'")
    assert all("outside the images folder" in reasons[name] for name in ("../secret.png", "/etc/passwd", "link.png"))
    assert "empty" in reasons["empty.png"]
    assert reasons["hidden.png"]
    assert found["duplicates"] == [["a.png", "b.png"]]
    assert found["case_clashes"] == [["b.png", "B.png"], ["Photo.png", "photo.PNG"]]
    assert (found["pictures_checked"], found["remembered"], found["urls"]) == (14, 1, 1)
    assert state(messy) == before, "nothing is written beside the data"


def test_the_report_comes_whole_before_the_one_line(whyfeel: Whyfeel, messy: Path) -> None:
    told = whyfeel("data", "check", "jsonl", "--data", messy)
    assert told.status == 2
    assert max(map(cell_len, told.out.splitlines())) <= 80
    for part in ("r.jsonl, line 17", "r.jsonl, line 19", "stands on line 2", "duplicate record", "nowhere.png"):
        assert part in told.out
    assert "15" in told.out
    [line] = told.err.splitlines()
    assert line.startswith(f"whyfeel: 3 records cannot be read, the first: '{messy}/r.jsonl', line 17: ")
    whole = whyfeel("data", "check", "jsonl", "--data", messy, "--json")
    assert whole.err == told.err


def test_bad_pictures_alone_leave_the_status_at_0(whyfeel: Whyfeel, tmp_path: Path) -> None:
    told = whyfeel("data", "check", "jsonl", "--data", write(tmp_path, "x.png"), "--json")
    assert (told.status, told.err, told.json["missing"]) == (0, "", ["x.png"])


def test_a_long_list_is_cut_short_in_the_table_and_whole_in_the_json(whyfeel: Whyfeel, tmp_path: Path) -> None:
    write(tmp_path, *(f"{number:04}.png" for number in range(1, 1235)))
    told = whyfeel("data", "check", "jsonl", "--data", tmp_path)
    assert "0020.png" in told.out
    assert "0021.png" not in told.out
    assert "and 1,214 more (all with --json)" in told.out
    assert len(told.out.splitlines()) < 100
    assert len(whyfeel("data", "check", "jsonl", "--data", tmp_path, "--json").json["missing"]) == 1234


def test_the_second_check_decodes_nothing(whyfeel: Whyfeel, messy: Path, cache: Path) -> None:
    first = whyfeel("data", "check", "jsonl", "--data", messy, "--json").json
    assert [path.name for path in cache.iterdir()] == ["pictures.sqlite"]
    with closing(sqlite3.connect(cache / "pictures.sqlite")) as db:
        rows = dict(db.execute("SELECT sha256, fault FROM pictures").fetchall())
    assert len(rows) == 7, "each content once"
    assert sum(fault is None for fault in rows.values()) == 3
    second = whyfeel("data", "check", "jsonl", "--data", messy, "--json").json
    assert second["remembered"] == 8
    assert second | {"remembered": 1} == first
    # another folder, other names: content alone counts
    elsewhere = messy.parent / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(messy / "hidden.png", elsewhere / "new.png")
    found = whyfeel("data", "check", "jsonl", "--data", write(elsewhere, "new.png"), "--json").json
    assert (found["remembered"], [one["path"] for one in found["bad_pictures"]]) == (1, ["new.png"])


@pytest.mark.parametrize("trouble", ["no home", "a file in the way", "damaged"])
def test_without_its_memory_the_check_goes_on_with_one_note(
    whyfeel: Whyfeel, messy: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    expected = whyfeel("data", "check", "jsonl", "--data", messy, "--json")
    if trouble == "no home":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.delenv("HOME")
    elif trouble == "a file in the way":
        shutil.rmtree(cache)
        cache.write_text("")
    else:
        (cache / "pictures.sqlite").write_bytes(b"x" * 5000)
    told = whyfeel("data", "check", "jsonl", "--data", messy, "--json")
    assert (told.status, told.json) == (2, expected.json)
    note, last = told.err.splitlines()
    assert note.startswith("whyfeel: the next check decodes these pictures again: ")
    assert last + "\n" == expected.err


def test_the_scenes_are_sound(whyfeel: Whyfeel) -> None:
    found = whyfeel("data", "check", "scenes", "--json").json
    assert (found["pictures_checked"], found["remembered"]) == (24, 0)
    for name in ("malformed", "flags", "bad_pictures", "missing", "duplicates", "case_clashes"):
        assert found[name] == [], name


def test_a_terminal_is_told_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    times = iter([100.0, 100.05, 102.0, 102.01, 110.0])
    monkeypatch.setattr(data, "monotonic", lambda: next(times))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    line = data._Line()
    for done in (1, 500, 501, 2000):
        line.tick(done, 2000)
    line.clear()
    said = capsys.readouterr()
    shown = said.err.split("\r\x1b[2K")
    assert shown == ["", "500/2,000 pictures · 250/s · 6.0 s left", "2,000/2,000 pictures · 200/s · 0.0 s left", ""]
    assert said.out == ""


def test_nobody_at_a_terminal_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    line = data._Line()
    line._said_at -= 100
    line.tick(1, 2)
    line.clear()
    assert capsys.readouterr() == ("", "")


def test_a_name_that_would_play_with_the_terminal_is_shown_escaped(whyfeel: Whyfeel, tmp_path: Path) -> None:
    names = ["\x1b[31mred.png", "a\nb.png", "[bold]x.png", "\u202egnp.exe.png", "悲しい.png"]
    told = whyfeel("data", "check", "jsonl", "--data", write(tmp_path, *names))
    assert (told.status, told.err) == (0, "")
    assert not {"\x1b", "\u202e"} & {*told.out}
    for shown in ("\\x1b[31mred.png ", "a\\nb.png ", "[bold]x.png ", "\\u202egnp.exe.png ", "悲しい.png "):
        assert shown in told.out
    assert whyfeel("data", "check", "jsonl", "--data", tmp_path, "--json").json["missing"] == names
