"""The report: what it costs to write, and how soon a browser shows and filters it; part of bench.py.

Five runs of the baselines on the records of make_data.py with their pictures, then one run of 50,000 samples without.
The browser is Debian's Chromium through Playwright, on files; where it is not, only the writing is measured.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Row = tuple[str, str, str]  # what, the bound, what was measured
Measure = Callable[[list[str]], Any]  # runs a command to its end and tells its `wall` and `cpu` seconds, `peak` MB
BASELINES = ("oracle", "prior", "top5", "shuffled", "stuff")
SAMPLES, MANY = 1615, 50_000
OPEN = 2  # times, of which the first fills the machine's own caches
SHOWN = "document.querySelector('.sample .head') !== null"
FILTER = """async () => {
  const field = document.querySelector("[data-filter-name=q]");
  const left = document.querySelector("[data-left]"), before = left.textContent, begun = performance.now();
  field.value = "angry";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  while (left.textContent === before && performance.now() - begun < 5000)
    await new Promise((resolve) => requestAnimationFrame(resolve));
  left.getBoundingClientRect();
  return performance.now() - begun;
}"""


def rows(work: Path, whyfeel: list[str], measure: Measure) -> Iterator[Row]:
    """Measure everything.

    Args:
        work: the folder with the data, which takes runs and sites too.
        whyfeel: the command.
        measure: as bench.py has it.
    """

    def run(name: str, count: int) -> str:
        out = work / f"reported-{name}-{count}"
        shutil.rmtree(out, ignore_errors=True)
        given = ("--data", str(work / f"{count}.jsonl"), "--out", str(out))
        measure([*whyfeel, "run", "jsonl", "--model", f"baseline:{name}", *given])
        return str(out)

    runs = [run(name, SAMPLES) for name in BASELINES]
    shown = ["--images", str(work / "images")]
    yield from _written(work, whyfeel, measure, f"5 runs of {SAMPLES:,}", [*runs, *shown], ("15 s", "500 MB"))
    yield from _written(work, whyfeel, measure, f"a run of {MANY:,}", [run("empty", MANY), "--no-images"], ("", ""))


def _written(
    work: Path, whyfeel: list[str], measure: Measure, what: str, asked: list[str], most: tuple[str, str]
) -> Iterator[Row]:
    out = work / "report"
    shutil.rmtree(out, ignore_errors=True)
    cost = measure([*whyfeel, "report", *asked, "--out", str(out)])
    size = sum(one.stat().st_size for one in out.rglob("*") if one.is_file())
    yield f"`report`, {what}: wall time", most[0], f"{cost.wall:.1f} s"
    yield f"`report`, {what}: CPU", "", f"{cost.cpu:.1f} s"
    yield f"`report`, {what}: peak memory", most[1], f"{cost.peak:.0f} MB"
    yield f"`report`, {what}: written", "", f"{size / 1e6:.0f} MB"
    chromium = shutil.which("chromium")
    if chromium is None or find_spec("playwright") is None:
        return
    for page, opened, filtered in browsed(out, chromium):
        yield f"`report`, {what}: the page of {page} opens in", "1 s", f"{opened:.2f} s"
        if filtered is not None:
            yield f"`report`, {what}: the samples are filtered in", "100 ms", f"{filtered:.0f} ms"


def browsed(out: Path, chromium: str) -> Iterator[tuple[str, float, float | None]]:
    """Of one page of each kind: seconds until all of it is shown, and milliseconds that a filter takes."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where it is there

    first = {one.relative_to(out).parts[0]: one for one in sorted(out.rglob("*.html"), reverse=True)}
    with sync_playwright() as tool:
        switches = ["--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        browser = tool.chromium.launch(executable_path=chromium, args=switches)
        for name, path in sorted(first.items()):
            explorer = name == "explore"
            for _ in range(OPEN):
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.goto(path.as_uri(), wait_until="load")
                if explorer:
                    page.wait_for_function(SHOWN)
                opened = page.evaluate("performance.now()") / 1000
                filtered = page.evaluate(FILTER) if explorer else None
                page.close()
            yield name.removesuffix(".html"), opened, filtered
        browser.close()
