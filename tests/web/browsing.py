"""A browser and servers that are real processes, for the tests of pages."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from needs import need

CHROMIUM = shutil.which("chromium")
SWITCHES = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# Imports are most of what a start costs: this process has made them, and forks a command; it kills and reaps it.
STARTER = """
import json, os, signal, sys
import aiosqlite, uvicorn
from whyfeel.cli import main
from whyfeel.web.review import application, desk
from whyfeel.web.study import application
for line in sys.stdin:
    task = json.loads(line)
    if isinstance(task, int):
        os.kill(task, signal.SIGKILL)
        os.waitpid(task, 0)
        print("killed", flush=True)
    elif child := os.fork():
        print(child, flush=True)
    else:
        os.dup2(os.open(task["says"], os.O_WRONLY | os.O_CREAT), 1)
        sys.argv = ["whyfeel", *task["line"]]
        main()
"""
WAIT = 8_000  # milliseconds
# what is in order is not told: of a large page that is most of what axe finds
VIOLATIONS = """(wish) => axe.run({ ...wish, resultTypes: ["violations"], preload: false })
  .then((found) => found.violations.map((one) => [one.id, one.nodes.map((node) => node.html)]))"""
SEEN = {"runOnly": ["color-contrast", "target-size"]}  # what colours and widths change
AXE = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}

Tell = Callable[[Any], str]


class Server:
    """A command that serves pages in a process of its own, always on the same port."""

    def __init__(self, tell: Tell, says: Path, *line: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = found.getsockname()[1]
        self.home = f"http://127.0.0.1:{port}"
        self._tell, self._says, self._line = tell, says, [*line, "--port", str(port)]
        self.start()

    def start(self) -> None:
        says = self._says
        says.unlink(missing_ok=True)
        self._process = int(self._tell({"says": str(says), "line": self._line}))
        self.told = wait(lambda: says.read_text() if says.is_file() and "Ctrl-C" in says.read_text() else "")

    def kill(self) -> None:
        if self._process:
            self._tell(self._process)
        self._process = 0


def wait(ready: Callable[[], str]) -> str:
    """What comes in the end."""
    for _ in range(1000):
        if found := ready():
            return found
        time.sleep(0.01)
    raise AssertionError("it never came")


@pytest.fixture(scope="session")
def tell() -> Iterator[Tell]:
    """Has the starter fork a server, or kill one; returns what it says."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as starter:

        def ask(task: Any) -> str:
            starter.stdin.write(json.dumps(task) + "\n")
            starter.stdin.flush()
            return starter.stdout.readline().strip()

        yield ask
        starter.stdin.close()


class Chromium:
    """A browser, and the loop by which it is talked to."""

    def __init__(self) -> None:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where it is there

        self._tool = sync_playwright().start()
        self._loop = asyncio._get_running_loop()
        self._browser = self._tool.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        asyncio._set_running_loop(None)

    @contextmanager
    def used(self) -> Iterator[Callable[..., Any]]:
        """Makes contexts, a new person's each. Meanwhile its loop counts as running, and else tests run their own."""
        made: list[Any] = []

        def context(**options: Any) -> Any:
            made.append(self._browser.new_context(service_workers="block", reduced_motion="reduce", **options))
            made[-1].set_default_timeout(WAIT)
            return made[-1]

        asyncio._set_running_loop(self._loop)
        try:
            yield context
        finally:
            for one in made:
                one.close()
            asyncio._set_running_loop(None)

    def close(self) -> None:
        asyncio._set_running_loop(self._loop)
        self._browser.close()
        self._tool.stop()


STARTED: list[Chromium] = []  # one a process, however many folders of tests have the fixture


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A browser that the tests share; each opens its own people in it."""
    need(CHROMIUM is not None, "chromium")
    need(find_spec("playwright") is not None, "playwright")
    if STARTED:
        yield STARTED[0]
        return
    STARTED.append(Chromium())
    yield STARTED[0]
    STARTED.pop().close()


@contextmanager
def browsing(server: Server, chromium: Chromium) -> Iterator[Callable[..., Any]]:
    """Opens an address as a new person; fails for a request that leaves the server, and for a script's error."""
    strays: list[str] = []

    def asked(one: Any) -> None:  # the browser itself finds no other host
        if not one.url.startswith(server.home + "/"):
            strays.append(one.url)

    with chromium.used() as context:

        def person(link: str, **options: Any) -> Any:
            new = context(**options)
            new.on("request", asked)
            new.on("weberror", lambda error: strays.append(str(error.error)))
            page = new.new_page()
            page.goto(link)
            return page

        yield person
    assert strays == []


def check_page(page: Any, about: object, *, again: bool = False) -> None:
    """No fault that axe finds, and nothing wider than the window; again in other colours or widths: in what they do."""
    need(find_spec("axe_playwright_python") is not None, "axe-playwright-python")
    if not page.evaluate("'axe' in window"):
        from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - where it is there

        page.evaluate(Axe().axe_script)
    found = page.evaluate(VIOLATIONS, SEEN if again else AXE)
    assert [(about, *one) for one in found] == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, about
