"""A site in a folder: whole, linked, closed to the outside, and never over what is somebody else's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urldefrag

import pytest
from sited import HOSTILE, Read, run_folders, site_folder

from whyfeel.cli.report import report
from whyfeel.errors import StoreFailed, UserError
from whyfeel.interop.placing import CARD, LISTING, MARK
from whyfeel.site import writer
from whyfeel.site.options import SiteOptions
from whyfeel.site.pages import Page
from whyfeel.site.shell import Shell, assets
from whyfeel.site.writer import write_folder, write_site


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return run_folders(tmp_path_factory.getbasetemp() / "sited")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return site_folder(tmp_path_factory.getbasetemp() / "sited")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pages_of(folder: Path) -> Mapping[str, Read]:
    return {name: Read(content) for name, content in contents(folder).items() if name.endswith(".html")}


def test_the_listing_names_every_file(site: Path) -> None:
    listed = (site / LISTING).read_text("utf-8").splitlines()
    assert sorted({*listed, CARD, LISTING}) == sorted(contents(site))
    assert len(listed) == len(set(listed))


def test_the_summary_counts_what_is_there(folders: tuple[Path, ...], tmp_path: Path) -> None:
    done = write_site(folders, tmp_path / "site", SiteOptions(pictures=False))
    there = {name: content for name, content in contents(done.out).items() if name not in {CARD, LISTING}}
    pages = [name for name in there if name.endswith(".html")]
    assert (done.pages, done.files) == (len(pages), len(there) - len(pages))
    assert done.size == sum(map(len, there.values()))
    assert done.first == done.out / "index.html"
    assert [name for name in there if name.startswith(("pictures/", "thumbs/"))] == []


def test_every_link_and_file_is_there(site: Path) -> None:
    for name, page in pages_of(site).items():
        for address in page.values("href", "src"):
            path, _ = urldefrag(address)
            assert "://" not in path
            if path:
                assert ((site / name).parent / path).resolve().is_file(), (name, address)


def test_nothing_gets_in(site: Path) -> None:
    for name, page in pages_of(site).items():
        [policy] = [one["content"] for tag, one in page.elements if one.get("http-equiv") == "Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert page.values("style") == []
        assert [content for _, _, content in page.inline if content.strip()] == [], name
        assert [one for _, attributes in page.elements for one in attributes if one.startswith("on")] == []


def test_the_title_is_no_markup(site: Path) -> None:
    for name, page in pages_of(site).items():
        assert [one for one in page.values("src") if one == "x"] == [], name
        assert HOSTILE.split("\u202e", maxsplit=1)[0] in page.words, name


def test_a_report_replaces_a_report_and_leaves_nothing_of_it(
    tmp_path: Path, one: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "parts_of", lambda options: [Small("index", "runs/a")])
    assert one(tmp_path / "site").pages == 2
    before = contents(tmp_path)
    monkeypatch.setattr(writer, "parts_of", lambda options: [Small("index")])
    assert one(tmp_path / "site").pages == 1
    assert before.keys() - contents(tmp_path).keys() == {"site/runs/a.html"}
    monkeypatch.setattr(writer, "parts_of", lambda options: [Small("index", "runs/a")])
    one(tmp_path / "site")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("stranger", ["notes.txt", "pictures/mine.jpg", "runs/mine.html"])
def test_what_a_person_put_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stranger: str, one: Any
) -> None:
    one(tmp_path / "site")
    (tmp_path / "site" / stranger).parent.mkdir(exist_ok=True)
    (tmp_path / "site" / stranger).write_text("mine", "utf-8")
    before = contents(tmp_path)
    with pytest.raises(UserError, match=f"{stranger}' stands there and is no report of ours"):
        one(tmp_path / "site")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("card", ["mine", f"an export\n{MARK}\n"])
def test_what_is_no_report_stays(tmp_path: Path, one: Any, card: str) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / CARD).write_text(card, "utf-8")
    with pytest.raises(UserError, match="is no report of ours"):
        one(tmp_path / "site")
    assert contents(tmp_path) == {f"site/{CARD}": card.encode()}


@pytest.fixture
def one(folders: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a site of one small page."""
    monkeypatch.setattr(writer, "parts_of", lambda options: [Small("index")])
    return partial(write_site, folders[:1], options=SiteOptions())


class Small:
    """A part whose pages say next to nothing."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    def pages(self, book: Any) -> list[Page]:
        return [small(address) for address in self._addresses]

    def files(self, book: Any) -> list[Any]:
        return []


def small(address: str, title: str = "Small") -> Page:
    return Page(address, title, "leaderboard.html", {"boards": []})


def test_a_site_that_fails_leaves_the_older_one(tmp_path: Path, one: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one(tmp_path / "site")
    before = contents(tmp_path)
    broken = Small("index")
    broken.files = lambda book: (_ for _ in ()).throw(ValueError("broken"))  # type: ignore[method-assign]
    monkeypatch.setattr(writer, "parts_of", lambda options: [broken])
    with pytest.raises(ValueError, match="broken"):
        one(tmp_path / "site")
    assert contents(tmp_path) == before


def test_a_file_that_cannot_be_written_is_told(folders: tuple[Path, ...], tmp_path: Path, one: Any) -> None:
    (tmp_path / "assets").write_text("in the way", "utf-8")
    with pytest.raises(StoreFailed, match=r"the report '.*assets/.*cannot be written"):
        write_folder(writer.open_book(folders[:1]), tmp_path, SiteOptions())


def test_links_hold_in_any_folder() -> None:
    pages = [
        Page("index", "I", "leaderboard.html", {"boards": []}),
        Page("runs/a", "A", "leaderboard.html", {"boards": []}),
    ]
    shell = Shell(pages, SiteOptions())
    [index, run] = [Read(shell.page(page)) for page in pages]
    assert {"runs/a.html", "index.html", "assets/site.css"} <= set(index.values("href"))
    assert {"a.html", "../index.html", "../assets/site.css"} <= set(run.values("href"))
    assert [attributes["data-root"] for tag, attributes in index.elements + run.elements if tag == "html"] == [
        "",
        "../",
    ]
    scripts = run.values("src")
    assert scripts[0] == "../assets/site.js"
    assert set(scripts) == {f"../assets/{name}" for name in assets() if name.endswith(".js")}


def test_what_utf_8_cannot_carry_is_written_as_its_escape() -> None:
    board = SimpleNamespace(slug="a\0b \udcff", task=SimpleNamespace(name="t"))  # which no template makes visible
    page = Page("index", "\ud800", "leaderboard.html", {"boards": [(board, [])]})
    told = Read(Shell([page], SiteOptions()).page(page))
    assert "\\ud800 · whyfeel report" in told.words
    assert "index-a\\x00b \\udcff" in told.values("id")


def test_the_command_tells_where_to_look(
    tmp_path: Path, folders: tuple[Path, ...], one: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report([folders[0]], tmp_path / "site", json=True) == 0
    told = json.loads(capsys.readouterr().out)
    size = sum(len(content) for name, content in contents(tmp_path / "site").items() if name not in {CARD, LISTING})
    assert told == {
        "out": str(tmp_path / "site"),
        "open": str(tmp_path / "site" / "index.html"),
        "pages": 1,
        "files": len(assets()),
        "bytes": size,
    }
    assert report([folders[0]], tmp_path / "site") == 0
    lines = capsys.readouterr().out.split()
    assert lines[lines.index("pages") + 1] == "1"
    assert "".join(lines).endswith("index.htmlinabrowser.")


def test_a_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyfeel.site.options.find_spec", lambda name: None if name == "jinja2" else name)
    with pytest.raises(UserError, match=r"pip install 'whyfeel\[report\]'"):
        report([tmp_path], tmp_path / "site")
