"""The review in a real browser and a real process: keys, drafts, two people, two tabs, a killed server."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reviewable import scene_annotations, write_run

from needs import need
from whyfeel.annotate.finished import read_annotation_run
from whyfeel.annotate.review.final import Final, final_annotations

CHROMIUM = shutil.which("chromium")
COMMAND = "from whyfeel.cli import main; main()"
SWITCHES = ("--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking", "--no-first-run")
WAIT = 8_000  # milliseconds
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


class Served:
    """A review in a process of its own, always on the same port."""

    def __init__(self, run: Path) -> None:
        self.run = run
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        self.home = f"http://127.0.0.1:{self.port}"
        self.links: dict[str, str] = {}
        self.start()

    def start(self) -> None:
        people = ("--reviewer", "reviewer-a", "--reviewer", "reviewer-b")
        command = [sys.executable, "-c", COMMAND, "review", str(self.run), *people, "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            name, _, link = line.strip().partition(": ")
            if "token=" not in link:
                return
            self.links[name] = link

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()


@contextmanager
def serving(folder: Path, n: int) -> Iterator[Served]:
    served = Served(write_run(folder / "RUN", scene_annotations(n)))
    try:
        yield served
    finally:
        served.kill()


@contextmanager
def browser(served: Served) -> Iterator[Any]:
    """Opens pages as a person; fails for a request that leaves the server, and for a script's error."""
    need(CHROMIUM is not None, "chromium")
    need(find_spec("playwright") is not None, "playwright")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where it is there

    strays: list[str] = []

    def route(one: Any) -> None:
        if one.request.url.startswith(served.home + "/"):
            one.continue_()
        else:
            strays.append(one.request.url)
            one.abort()

    with sync_playwright() as tool:
        chromium = tool.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))

        def person(name: str, **options: Any) -> Any:
            context = chromium.new_context(service_workers="block", **options)
            context.set_default_timeout(WAIT)
            context.route("**/*", route)
            context.on("weberror", lambda error: strays.append(str(error.error)))
            page = context.new_page()
            page.goto(served.links[name])
            page.wait_for_url("**/items/*")
            return page

        yield person
        chromium.close()
    assert strays == []


def finals(served: Served) -> list[Final]:
    run = read_annotation_run(served.run)
    try:
        return list(final_annotations(run))
    finally:
        run.close()


def words(page: Any) -> list[str]:
    return [one.strip() for one in page.locator("ol.triggers .words").all_inner_texts()]


def go_on(page: Any) -> None:
    """Finish, and wait for the page that comes next."""
    here = page.url
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != here)


def test_ten_items_by_keyboard_alone(tmp_path: Path) -> None:
    with serving(tmp_path, 10) as served, browser(served) as person:
        page = person("reviewer-a")
        kept = words(page)
        for key in "jjxKut":  # the third away, the next one up a place; that taken back; explicit or implicit
            page.keyboard.press(key)
        page.keyboard.press("p")
        page.wait_for_selector(".origin .step")
        page.keyboard.press("a")
        page.keyboard.type("She turns seven today")
        page.keyboard.press("Enter")
        page.wait_for_selector("ol.triggers li:has-text('She turns seven today')[aria-current]")
        page.keyboard.press("k")
        page.keyboard.press("e")
        page.keyboard.press("Control+a")
        page.keyboard.type("A kite that nobody sees")
        page.keyboard.press("Enter")
        page.wait_for_selector("ol.triggers li:has-text('A kite that nobody sees')")
        page.keyboard.press("w")
        page.keyboard.type("nothing in the sky")
        page.keyboard.press("Enter")
        page.keyboard.press("x")
        page.wait_for_selector(".aside li:has-text('A kite that nobody sees')")
        for _ in range(10):
            go_on(page)
        assert page.url.endswith("/items?done=1")
        first, *others = finals(served)
        assert [one.text for one in first.annotation.kept] == [*kept[:2], *kept[3:5], "She turns seven today"]
        assert {one.status for one in (first, *others)} == {"reviewed"}
        page.go_back()
        page.wait_for_selector("text=You have finished this item")
        page.keyboard.press("o")
        page.wait_for_selector(".bar")


def test_two_people_two_tabs_and_their_texts(tmp_path: Path) -> None:
    with serving(tmp_path, 4) as served, browser(served) as person:
        a_client, b_client = person("reviewer-a"), person("reviewer-b")
        taken = [a_client.url, b_client.url]
        go_on(a_client)
        go_on(b_client)
        assert len({*taken, a_client.url, b_client.url}) == 4
        # somebody else's item: told, and left alone
        bob_page = b_client.url
        b_client.goto(a_client.url)
        b_client.wait_for_selector("text=reviewer-a has this item in hand")
        b_client.keyboard.press("x")
        assert b_client.locator(".aside li").count() == 1
        b_client.goto(bob_page)
        # a tab that is behind shows how the item stands, with its own text in the field
        other = a_client.context.new_page()
        other.goto(a_client.url)
        other.keyboard.press("x")
        other.wait_for_selector(".aside li >> nth=1")
        a_client.keyboard.press("j")
        a_client.keyboard.press("e")
        a_client.keyboard.press("Control+a")
        a_client.keyboard.type("Mine from the first tab")
        a_client.keyboard.press("Enter")
        a_client.wait_for_selector("text=This item has changed since this page showed it")
        assert a_client.locator(".aside li").count() == 2
        assert a_client.locator("textarea:focus").input_value() == "Mine from the first tab"
        # a refresh loses nothing of it
        a_client.reload()
        assert a_client.locator("textarea:focus").input_value() == "Mine from the first tab"
        # what is not saved stops whoever would leave
        a_client.keyboard.press("Escape")
        a_client.keyboard.press("e")
        a_client.keyboard.type("!")
        a_client.evaluate("document.activeElement.blur()")
        a_client.keyboard.press("Enter")
        a_client.wait_for_selector("text=This text is not saved yet")
        a_client.keyboard.press("Enter")
        a_client.wait_for_selector("text=reworded")
        assert words(a_client)[0].endswith("!")
        # all of it without script, too
        plain = person("reviewer-b", java_script_enabled=False)
        plain.locator("li.trigger").first.get_by_role("button", name="Irrelevant").click()
        plain.wait_for_selector("text=removed: irrelevant")


def test_a_killed_server_loses_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, 2) as served, browser(served) as person:
        page = person("reviewer-a")
        page.keyboard.press("x")
        page.wait_for_selector(".aside li >> nth=1")
        page.keyboard.press("e")
        page.keyboard.press("Control+a")
        page.keyboard.type("Written while the server died")
        served.kill()
        page.keyboard.press("Enter")
        page.wait_for_selector("#offline:has-text('does not answer')")
        assert page.locator("textarea:focus").input_value() == "Written while the server died"
        served.start()
        page.wait_for_selector("ol.triggers li:has-text('Written while the server died') >> text=reworded")
        assert page.locator("#offline").is_hidden()
        page.keyboard.press("a")
        page.keyboard.type("Not sent before the kill")
        served.kill()
        served.start()
        page.reload()
        assert page.locator("textarea:focus").input_value() == "Not sent before the kill"
        page.keyboard.press("Enter")
        page.wait_for_selector("ol.triggers li:has-text('Not sent before the kill')")
        page.reload()
        assert page.locator("details.add[open]").count() == 0
        go_on(page)
        first = finals(served)[0].annotation
        assert (first.kept[0].text, first.kept[-1].text) == (
            "Written while the server died",
            "Not sent before the kill",
        )
        assert first.triggers[0].dropped == "removed: hallucination"


def test_everybody_can_use_it(tmp_path: Path) -> None:
    need(find_spec("axe_playwright_python") is not None, "axe-playwright-python")
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - where it is there

    with serving(tmp_path, 2) as served, browser(served) as person:
        for scheme, width in (("light", 1280), ("dark", 390)):
            page = person("reviewer-a", bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 800})
            page.keyboard.press("p")
            page.wait_for_selector(".origin .step")
            page.keyboard.press("e")
            for path in ("", "/items") if width < 1000 else ("",):
                if path:
                    page.goto(served.home + path)
                found = Axe().run(page, options=AXE)
                assert [(one["id"], [n["html"] for n in one["nodes"]]) for one in found.response["violations"]] == []
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert wide == 0, (path, width)
