"""What a site is made from: runs of one name are told apart, and none is there twice."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from sited import run_folders

from whyfeel.errors import DataError, UserError
from whyfeel.site.book import open_book
from whyfeel.site.run_page import facts_of, passed_on


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_folders(tmp_path_factory.mktemp("book"))[1]


def test_runs_of_one_name_have_as_much_of_their_folders_as_tells_them_apart(run: Path, tmp_path: Path) -> None:
    copies = [tmp_path / one / "run" for one in ("a", "b")] + [tmp_path / "a" / "again"]
    for one in copies:
        shutil.copytree(run, one)
    (board,) = open_book(copies).boards
    names = [view.name for view in board.runs]
    own = names[0].partition(" (")[0]
    assert names == [f"{own} (a/run)", f"{own} (b/run)", f"{own} (again)"]
    assert len({view.slug for view in board.runs}) == 3
    (board,) = open_book(copies[:1]).boards
    assert [view.name for view in board.runs] == [own]


def test_one_folder_is_no_two_runs_however_it_is_written(run: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(run)
    for other in (run, tmp_path / "link", Path(os.path.relpath(run))):
        with pytest.raises(UserError, match="is given twice"):
            open_book([run, other])
    with pytest.raises(DataError, match=r"run\.json' cannot be read"):
        open_book([tmp_path])


def test_a_page_that_is_handed_on_does_not_tell_where_folders_lie(run: Path) -> None:
    (board,) = open_book([run]).boards
    manifest = {"data": "/home/somebody/records", "images": "/mnt/pictures", "reuse": ["/home/somebody/runs/old"]}
    assert passed_on(manifest) == {"data": "records", "images": "pictures", "reuse": ["old"]}
    told = " ".join(str(part) for fact in facts_of(board.runs[0]) for part in fact)
    assert str(run.parent) not in told
