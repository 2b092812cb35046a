"""A site as one file: nothing outside it, every page and file in it, and a policy that knows its own script."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sited import Read, run_folders, site_folder

from told import Told
from whyfeel.errors import UserError
from whyfeel.interop.placing import CARD
from whyfeel.site import writer
from whyfeel.site.options import SiteOptions
from whyfeel.site.pages import Page
from whyfeel.site.shell import Embedded, Shell, assets
from whyfeel.site.writer import Written, named, write_site

SINGLE = SiteOptions(single_file=True)
PAGE = Page("index", "I", "leaderboard.html", {"boards": []})


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folders = run_folders(tmp_path_factory.getbasetemp() / "sited")
    return write_site(folders, tmp_path_factory.mktemp("single") / "site", SINGLE).out


@pytest.fixture(scope="module")
def page(file: Path) -> Read:
    return Read(file.read_bytes())


def sections(page: Read) -> list[str]:
    return [one["data-address"] or "" for tag, one in page.elements if tag == "section" and "data-address" in one]


def test_every_link_leads_to_a_page_in_the_file(page: Read) -> None:
    there = sections(page)
    assert there[0] == "index"
    assert len(there) == len(set(there)) > 5
    inner = [one for one in page.values("href", "src") if not one.startswith("data:")]
    assert {one[1:].split("?")[0] for one in inner if one.startswith("#")} - {"main"} == set(there)
    assert [one for one in inner if not one.startswith("#")] == []


def test_no_id_stands_twice(page: Read) -> None:
    ids = page.values("id")
    assert sorted(ids) == sorted(set(ids))


def test_the_policy_names_the_scripts_and_styles_that_are_there(page: Read) -> None:
    [policy] = [one["content"] for _, one in page.elements if one.get("http-equiv") == "Content-Security-Policy"]
    run = [content for tag, one, content in page.inline if tag == "style" or "type" not in one]
    assert len(run) == len([name for name in assets() if name.endswith((".js", ".css"))])
    hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in run}
    assert set(re.findall(r"'sha256-[^']+'", policy or "")) == hashes
    assert "img-src data:;" in (policy or "")
    assert "'self'" not in (policy or "")
    assert page.values("style") == []


def test_data_and_thumbnails_are_in_it(page: Read, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = site_folder(tmp_path_factory.getbasetemp() / "sited")
    names = {path.relative_to(folder / "data").with_suffix("").as_posix() for path in (folder / "data").rglob("*.js")}
    held = {one["data-name"]: content for _, one, content in page.inline if "data-name" in one}
    assert held.keys() == names
    assert names
    for name, content in held.items():
        written = (folder / "data" / f"{name}.js").read_text("utf-8")
        told = re.fullmatch(r"whyfeel\.data\((\".*?\"), ?(.*)\);?\s*", written, re.DOTALL)
        assert told is not None
        assert (json.loads(told[1]), json.loads(told[2])) == (name, json.loads(content))
    thumbs = {one["data-file"]: content for _, one, content in page.inline if "data-file" in one}
    assert thumbs.keys() == {f"thumbs/{path.name}" for path in (folder / "thumbs").iterdir()}
    for address, uri in thumbs.items():
        head, _, content = uri.partition(",")
        assert head == "data:image/jpeg;base64"
        assert base64.b64decode(content) == (folder / address).read_bytes()


def test_a_hostile_data_file_ends_no_script() -> None:
    value = json.dumps("</script><script>alert(1)//").replace("<", "\\u003c")
    name = 'a"<b>/0'
    content = f"whyfeel.data({json.dumps(name).replace('<', chr(92) + 'u003c')}, {value});\n".encode()
    told = Read(b"".join(Shell([PAGE], SINGLE).single({"data/x.js": content})))
    [(attributes, held)] = [(one, held) for _, one, held in told.inline if "data-name" in one]
    assert attributes["data-name"] == name
    assert json.loads(held) == "</script><script>alert(1)//"


def test_a_full_picture_is_there_as_its_thumbnail() -> None:
    src = Embedded({"thumbs/ab.jpg": b"small"})
    assert (
        src("pictures/ab.png")
        == src("thumbs/ab.jpg")
        == "data:image/jpeg;base64," + base64.b64encode(b"small").decode()
    )


def test_a_name_without_an_ending_gets_one_and_is_told(
    file: Path, tmp_path: Path, whyfeel: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert file.name == "site.html"
    monkeypatch.setattr(writer, "write_site", lambda _, out, __: Written(named(out), named(out), 1, 0, 1))
    told = whyfeel("report", tmp_path, "--single-file", "--out", tmp_path / "may.v2", "--json")
    assert json.loads(told.out)["out"] == str(tmp_path / "may.v2.html")
    assert told.err == "whyfeel: the report is may.v2.html: browsers know a page by its ending\n"
    assert whyfeel("report", tmp_path, "--single-file", "--out", tmp_path / "may.htm").err == ""
    assert whyfeel("report", tmp_path, "--out", tmp_path / "may").err == ""  # a folder needs none


def test_the_card_lies_beside_it_and_nothing_else(
    file: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    card = file.with_name(f"{file.name}.{CARD}")
    assert sorted(path.name for path in file.parent.iterdir()) == sorted([file.name, card.name])
    assert "run: " in card.read_text("utf-8")
    (tmp_path / "site.html").write_text("mine", "utf-8")
    folders = run_folders(tmp_path_factory.getbasetemp() / "sited")
    with pytest.raises(UserError, match="is no report of ours"):
        write_site(folders, tmp_path / "site.html", SINGLE)
    assert (tmp_path / "site.html").read_text("utf-8") == "mine"
