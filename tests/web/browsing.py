"""A browser and servers that are real processes, for the tests of pages."""

from __future__ import annotations

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
    "--headless",
    "--no-sandbox",
    "--remote-debugging-port=0",
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


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a browser that the tests share; each opens its own people in it."""
    need(CHROMIUM is not None, "chromium")
    need(find_spec("playwright") is not None, "playwright")
    home = tmp_path_factory.mktemp("chromium")
    port = home / "DevToolsActivePort"
    command = [CHROMIUM, *SWITCHES, f"--user-data-dir={home}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            found = wait(lambda: port.read_text() if port.is_file() and "\n" in port.read_text() else "")
            yield f"ws://127.0.0.1:{''.join(found.splitlines())}"
        finally:
            process.terminate()


@contextmanager
def browsing(server: Server, address: str) -> Iterator[Callable[..., Any]]:
    """Opens an address as a new person; fails for a request that leaves the server, and for a script's error."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where it is there

    strays: list[str] = []

    def asked(one: Any) -> None:  # the browser itself finds no other host
        if not one.url.startswith(server.home + "/"):
            strays.append(one.url)

    with sync_playwright() as tool:
        chromium = tool.chromium.connect_over_cdp(address)

        def person(link: str, **options: Any) -> Any:
            context = chromium.new_context(service_workers="block", reduced_motion="reduce", **options)
            context.set_default_timeout(WAIT)
            context.on("request", asked)
            context.on("weberror", lambda error: strays.append(str(error.error)))
            page = context.new_page()
            page.goto(link)
            return page

        yield person
        chromium.close()
    assert strays == []


def check_page(page: Any, about: object, *, colours: bool = False) -> None:
    """No fault that axe finds, and nothing wider than the window; only in its colours, where the rest is known."""
    need(find_spec("axe_playwright_python") is not None, "axe-playwright-python")
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415 - where it is there

    found = Axe().run(page, options={"runOnly": ["color-contrast"]} if colours else AXE).response["violations"]
    assert [(about, one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0, about
