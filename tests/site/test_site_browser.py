"""The whole site in a browser: from a folder, from a web server's sub-folder, as one file; every page for everybody."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sited import run_folders

from interop.annotation_runs import annotated, found, made_run, png
from web.browsing import Chromium, check_page
from web.study.studied import design_of, write_study
from whyfeel.report import numbers
from whyfeel.site.options import SiteOptions
from whyfeel.site.writer import write_site

ANNOTATED = {
    **dict.fromkeys(("n", "annotated", "without_triggers", "calls"), 1),
    **dict.fromkeys(("source", "vlm", "llm"), "a model"),
    **{name: {} for name in ("unscored", "kinds", "flags", "phases", "left_out")},
    "triggers": {"found": 1, "kept": 1, "explicit": 0, "dropped": {}},
    "tokens": {"in": 1, "out": 1},
    "cost": 0.0,
    "seconds": 1.0,
}
WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 800}
PAPER = {"width": 1031, "height": 703}  # A4 on its side, less margins of 12 mm
# what would be cut off on paper: all that is wider than the page and cannot be scrolled there
CUT = """() => [...document.querySelectorAll("main *")].filter((one) => one.checkVisibility()
  && !one.closest("svg") && one.scrollWidth > one.clientWidth + 1
  && ["auto", "scroll", "hidden"].includes(getComputedStyle(one).overflowX)
  && !one.matches(".hidden, .sr, input, select")).map((one) => one.tagName + "." + one.className)"""

# of rows and items of the same elements and classes one is left: axe would find the same of all of them
ONE_OF_A_KIND = """() => { for (const box of document.querySelectorAll("main :is(tbody, ul, ol), main")) {
  const shape = (one) => [one, ...one.querySelectorAll("*")].map((each) => each.tagName + each.getAttribute("class"));
  const seen = new Set();
  for (const one of [...box.children]) { const of = shape(one).join(); if (seen.has(of)) one.remove(); seen.add(of); }
} }"""
LINKS = "(all) => all.map((one) => one.href.split('#')[0])"
TITLED = "(at) => document.title === document.querySelector(`main > [data-address='${at}']`).dataset.title"
LOADED = "[...document.images].filter((one) => one.checkVisibility()).every((one) => one.complete && one.naturalWidth)"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    base = tmp_path_factory.mktemp("folders")
    png(base / "pictures", "a.png", 8)
    annotations = made_run(
        base / "annotations", [annotated("a", triggers=(found("rain", 1),))], images=base / "pictures"
    )
    (annotations / "summary.json").write_text(json.dumps(ANNOTATED), "utf-8")
    study = write_study(base / "study", design_of(2)).path
    runs = [judged_twice(one, base) for one in run_folders(tmp_path_factory.getbasetemp() / "sited")]
    return [*runs, annotations, study]


def judged_twice(run: Path, base: Path) -> Path:
    """A copy of a run, with a second judge of another mind: the complement of what the first one says."""
    out = base / run.name
    shutil.copytree(run, out)
    manifest = json.loads((out / "run.json").read_text())
    [(first, entry)] = manifest["judges"].items()
    manifest["judges"]["overlap-2"] = entry
    (out / "run.json").write_text(json.dumps(manifest))
    shutil.copytree(out / "judges" / first, out / "judges" / "overlap-2")
    summary = json.loads((out / "summary.json").read_text())
    overall = summary["scores"]["kf1"]["overall"]
    overall |= {"value": -overall["value"], "low": -overall["high"], "high": -overall["low"]}
    (out / "judges" / "overlap-2" / "summary.json").write_text(json.dumps(summary))
    return out


@pytest.fixture(scope="module")
def site(folders: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(folders, tmp_path_factory.mktemp("web") / "sub folder" / "report", SiteOptions()).out


@contextmanager
def opening(chromium: Chromium, home: str) -> Iterator[Callable[..., Any]]:
    """Opens pages as a new person; fails for what leaves home or is not there, a script's error, a policy's refusal."""
    faults: list[str] = []

    def asked(one: Any) -> None:
        if not one.url.startswith((home, "data:")):
            faults.append(one.url)

    def failed(one: Any) -> None:
        if one.failure != "net::ERR_ABORTED":  # the page was left before its icon had come
            faults.append(f"{one.failure}: {one.url}")

    with chromium.used() as made:

        def person(link: str, **options: Any) -> Any:
            context = made(**options)
            context.on("request", asked)
            context.on("requestfailed", failed)
            context.on("response", lambda one: faults.append(f"{one.status}: {one.url}") if one.status > 399 else None)
            context.on("weberror", lambda error: faults.append(str(error.error)))
            context.on("console", lambda one: faults.append(one.text) if one.type == "error" else None)
            page = context.new_page()
            page.goto(link)
            return page

        yield person
    assert faults == []


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A plain web server's address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - as the base class has it

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def kinds(site: Path) -> list[str]:
    """One page of each kind, the index first."""
    pages = sorted(one.relative_to(site).as_posix() for one in site.rglob("*.html"))
    first = {page.split("/")[0]: page for page in reversed(pages)}
    return sorted(first.values(), key=lambda page: page != "index.html")


def test_everybody_can_use_every_kind_of_page(site: Path, chromium: Chromium) -> None:
    # served, since axe fetches style sheets
    with served(site) as home, opening(chromium, home) as person:
        page = person(home, bypass_csp=True, viewport=WIDE)
        there = {home + quote(one.relative_to(site).as_posix()) for one in site.rglob("*.html")}
        assert len(kinds(site)) >= 7
        for name in kinds(site):
            page.emulate_media(media="screen", color_scheme="light")
            page.goto(home + name)
            if name.startswith("explore"):
                page.wait_for_selector(".sample .head")
            assert there <= set(page.eval_on_selector_all("a[href]", LINKS)), name
            for media, size in (("print", PAPER), ("screen", NARROW), ("screen", WIDE)):
                page.emulate_media(media=media)
                page.set_viewport_size(size)
                assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], (name, size)
                assert page.evaluate(CUT if media == "print" else "[]") == [], name
            page.evaluate(ONE_OF_A_KIND)
            check_page(page, (name, "light"))
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size(NARROW)
            check_page(page, (name, "dark"), again=True)


def test_a_board_is_sorted_filtered_and_switched(site: Path, folders: list[Path], chromium: Chromium) -> None:
    summaries = [json.loads((one / "summary.json").read_text()) for one in folders[:3]]
    with served(site.parent.parent) as home, opening(chromium, home) as person:
        page = person(f"{home}sub%20folder/report/", viewport=WIDE)
        shown = page.locator("[data-view]:not([hidden])")
        body = shown.locator("tbody").first

        def column(index: int) -> list[str]:
            return [one.strip() for one in body.locator(f"tr > :nth-child({index})").all_inner_texts()]

        values = [one["scores"]["kf1"]["overall"]["value"] for one in summaries]
        down = [numbers.score(one) for one in sorted(values, reverse=True)]
        assert column(3) == down
        head = shown.locator("th", has_text="kF1").first
        head.locator("button").press("Enter")
        assert (head.get_attribute("aria-sort"), column(3)) == ("descending", down)
        head.locator("button").click()
        assert (head.get_attribute("aria-sort"), column(3)) == ("ascending", down[::-1])
        page.get_by_label("Filter").fill("few")
        assert body.locator("tr:visible").count() == 1
        assert "few" in body.locator("tr:visible").inner_text()
        page.get_by_label("Filter").fill("")
        assert body.locator("tr:visible").count() == 3
        page.get_by_label("controls").uncheck()
        assert shown.locator("tbody.control").is_hidden()
        page.get_by_label("Judge").select_option("overlap-2")
        assert shown.count() == 1
        assert column(3) == [numbers.score(-one) for one in sorted(values)]
        link = page.url  # the state is in it
        page.goto("about:blank")
        page.goto(link)
        assert page.get_by_label("Judge").input_value() == "overlap-2"
        assert page.locator("[data-view]:visible").count() == 1


def test_without_script_every_table_is_there(site: Path, chromium: Chromium) -> None:
    with opening(chromium, site.as_uri()) as person:
        page = person((site / "index.html").as_uri(), java_script_enabled=False, viewport=NARROW)
        views = page.locator("[data-view]")
        assert views.count() == 2
        assert all(one.is_visible() for one in views.all())


def test_one_file_holds_all_pages(folders: list[Path], tmp_path: Path, chromium: Chromium) -> None:
    file = write_site(folders[1:], tmp_path / "report.html", SiteOptions(single_file=True)).out
    with opening(chromium, file.as_uri()) as person:
        page = person(file.as_uri(), viewport=WIDE)
        sections = page.eval_on_selector_all("main > section", "(all) => all.map((one) => one.dataset.address)")
        assert len({one.split("/")[0] for one in sections}) == 7  # each kind, but for published figures
        for address in sections:
            page.evaluate("(address) => { location.hash = address; }", address)
            page.wait_for_function(TITLED, arg=address)
            assert page.locator("main > section:visible").count() == 1
            assert page.locator("main h1:visible").first.is_visible()
        page.wait_for_function(LOADED)
