"""What a killed report left: the next one at its place clears it, and touches nothing else."""

from __future__ import annotations

import fcntl
import os
import signal
import warnings
from pathlib import Path

import pytest

from whyfeel.site import leftovers, writer
from whyfeel.site.book import Book
from whyfeel.site.leftovers import MARK, clear_left, marked
from whyfeel.site.options import SiteOptions
from whyfeel.site.writer import write_site


def left(folder: Path, out: str, *, old: bool = False) -> Path:
    """A hidden folder as a killed report leaves it."""
    folder.mkdir(parents=True)
    with marked(folder, Path(out)):
        (folder / out).mkdir()
        (folder / out / "index.html").write_text("half")
        if old:
            (folder / "old").mkdir()
            (folder / "old" / "index.html").write_text("older")
    return folder


def test_what_a_kill_leaves_is_gone_with_the_next_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(_: Book, folder: Path, __: SiteOptions) -> tuple[int, int, int]:
        (folder / "index.html").write_text("pages")
        if os.getpid() == child:  # before they are put in their place
            os.kill(child, signal.SIGKILL)
        return 1, 0, 5

    monkeypatch.setattr(writer, "open_book", lambda *_, **__: Book((), (), ()))
    monkeypatch.setattr(writer, "write_folder", write)
    out = tmp_path / "report"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: what is forked needs none of them
        child = os.fork()
    if not child:
        try:
            child = os.getpid()
            write_site([], out, SiteOptions())
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    (hidden,) = tmp_path.iterdir()
    assert hidden.name.startswith(".report-")
    assert (hidden / "report" / "index.html").is_file()
    write_site([], out, SiteOptions())
    assert [one.name for one in tmp_path.iterdir()] == ["report"]
    assert sorted(one.name for one in out.iterdir()) == ["README.md", "index.html"]


def test_only_what_our_mark_says_is_of_this_place_goes(tmp_path: Path) -> None:
    mine = left(tmp_path / ".report-abc", "report")
    stays = [left(tmp_path / ".report-2-abc", "report-2"), tmp_path / ".report-mine", tmp_path / ".report-other"]
    for one, words in zip(stays[1:], (None, b"my own notes"), strict=True):
        one.mkdir()
        (one / "kept").write_text("kept")
        if words is not None:
            (one / MARK).write_bytes(words)
    outside = left(tmp_path / "elsewhere" / ".report-x", "report")
    (tmp_path / ".report-link").symlink_to(outside)
    (tmp_path / ".report-fifo").mkdir()
    os.mkfifo(tmp_path / ".report-fifo" / MARK)  # and nobody waits for who would write into it
    (tmp_path / ".report-file").write_text("a file")
    (tmp_path / ".report-marked").mkdir()
    (tmp_path / ".report-marked" / MARK).symlink_to(outside / MARK)
    before = sorted(one for one in tmp_path.rglob("*") if mine not in (one, *one.parents))
    clear_left(tmp_path / "report")
    assert sorted(tmp_path.rglob("*")) == before
    clear_left(tmp_path / "none" / "report")  # there is no such folder yet


def test_where_a_process_is_at_work_nothing_goes(tmp_path: Path) -> None:
    (busy := tmp_path / ".report-abc").mkdir()
    with marked(busy, tmp_path / "report"):
        clear_left(tmp_path / "report")
        assert (busy / MARK).is_file()
    clear_left(tmp_path / "report")
    assert not busy.exists()


def test_a_file_system_without_locks_clears_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise OSError("no locks here")

    monkeypatch.setattr(leftovers, "fcntl", type("F", (), {**vars(fcntl), "flock": staticmethod(refuse)}))
    stays = left(tmp_path / ".report-abc", "report")
    clear_left(tmp_path / "report")
    assert (stays / MARK).is_file()


def test_an_older_report_that_was_being_replaced_is_put_back(tmp_path: Path) -> None:
    left(tmp_path / ".report-abc", "report", old=True)
    clear_left(tmp_path / "report")
    assert [one.name for one in tmp_path.iterdir()] == ["report"]
    assert (tmp_path / "report" / "index.html").read_text() == "older"
    left(tmp_path / ".report-abc", "report", old=True)
    (tmp_path / "report" / "index.html").write_text("newer")
    clear_left(tmp_path / "report")  # that one came whole
    assert (tmp_path / "report" / "index.html").read_text() == "newer"
    assert len(list(tmp_path.iterdir())) == 1
