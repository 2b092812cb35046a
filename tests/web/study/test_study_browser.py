"""The study in a real browser and a real process: keys, double clicks, back, two tabs, a killed server, no script."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studied import design_of, write_study

from web.browsing import Chromium, Server, Tell, browsing, check_page
from whyfeel.study.collected import Collected
from whyfeel.study.design import Design
from whyfeel.study.folder import StudyFolder
from whyfeel.study.opened import open_store

PREFILLED = "() => document.querySelectorAll('input:checked').length"


@contextmanager
def serving(folder: Path, design: Design, tell: Tell) -> Iterator[Server]:
    study = write_study(folder / "STUDY", design).path
    server = Server(tell, folder / "says", "study", "serve", str(study))
    try:
        yield server
    finally:
        server.kill()


def collected(folder: Path) -> Collected:
    async def read() -> Collected:
        study = StudyFolder(folder / "STUDY")
        async with open_store(study.read_design(), study.store) as store:
            return await store.collected()

    return asyncio.run(read())


def tab_to(page: Any, selector: str) -> None:
    """Press Tab until what is meant has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("(wanted) => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def begin(page: Any) -> None:
    """From the consent to the first trial, by keyboard alone."""
    tab_to(page, "button.main")
    page.keyboard.press("Enter")
    page.wait_for_url("**/instructions")
    for n in range(2):
        tab_to(page, f"[name=q{n}]")
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")  # the second is right
    tab_to(page, "button.main")
    page.keyboard.press("Enter")
    page.wait_for_url("**/trials/1")


def answer(page: Any, key: str) -> None:
    """One trial by keys; waits for the page that comes next."""
    here = page.url
    assert page.evaluate(PREFILLED) == 0
    page.keyboard.press(key)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != here)


def test_twenty_pairs_through_thick_and_thin(tmp_path: Path, tell: Tell, chromium: Chromium) -> None:
    design = design_of(20, items=20, repeats=1, attention=2)
    with serving(tmp_path, design, tell) as server, browsing(server, chromium) as opened:
        page = opened(server.home)
        begin(page)
        given = {}
        for place in range(1, 24):
            assert page.url.endswith(f"/trials/{place}")
            assert f"{place} of 23" in page.inner_text("header")
            given[place] = ("left", "right", "both good", "both bad")[place % 4]
            key = str(place % 4 + 1)
            if place == 3:  # Enter without a choice sends nothing; letters in the comment are no keys
                page.keyboard.press("Enter")
                page.click("summary >> text=Say something")
                page.click("textarea")
                page.keyboard.type("12 and 3\n4")
                assert page.evaluate(PREFILLED) == 0
                page.evaluate("document.activeElement.blur()")
            if place == 5:
                double_click(page, key)
            elif place == 8:
                key = "1"
                given[place] = "left"
                answer_in_another_tab(page)
            elif place == 12:
                kill_and_restart(page, server, key)
            else:
                answer(page, key)
            if place == 6:
                go_back(page)
            if place == 10:
                page.keyboard.press("2")
                page.reload()
        page.wait_for_url("**/about-you")
        tab_to(page, "select")
        page.keyboard.press("ArrowDown")
        tab_to(page, "button.main")
        page.keyboard.press("Enter")
        page.wait_for_selector("text=C0FFEE-42")
    held = collected(tmp_path)
    assert {one.place: one.answer for one in held.trials} == given
    assert held.trials[2].comment == "12 and 3\n4"
    assert len({one.item for one in held.trials if one.role == "item"}) == 20
    assert ([one.status for one in held.raters], held.demographics) == (["finished"], {1: {"age": "18 to 34"}})


def double_click(page: Any, key: str) -> None:
    """The second click sends nothing."""
    stopped: list[str] = []
    page.on("console", lambda one: stopped.append(one.text))
    page.evaluate("addEventListener('submit', (event) => console.log(event.defaultPrevented))")
    here = page.url
    page.keyboard.press(key)
    page.eval_on_selector(".button.main", "(button) => { button.click(); button.click(); }")
    page.wait_for_url(lambda url: url != here)
    assert stopped == ["false", "true"]


def go_back(page: Any) -> None:
    here = page.url
    page.go_back()
    page.wait_for_selector("text=Your answer: Both are good.")
    page.click("a:text-is('Go on')")
    page.wait_for_url(here)


def answer_in_another_tab(page: Any) -> None:
    """The first tab's answer comes too late, and is told the other's."""
    here, tab = page.url, page.context.new_page()
    tab.goto(here.partition("/trials")[0])
    assert tab.url == here
    answer(tab, "1")
    after = tab.url
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Your answer: A is better.")
    page.click("a:text-is('Go on')")
    page.wait_for_url(after)
    tab.close()


def kill_and_restart(page: Any, server: Server, key: str) -> None:
    here = page.url
    server.kill()
    page.keyboard.press(key)
    with page.expect_event("requestfailed"):
        page.keyboard.press("Enter")
    server.start()
    page.goto(here)
    answer(page, key)


def test_without_script_from_consent_to_code_and_away_for_too_long(
    tmp_path: Path, tell: Tell, chromium: Chromium
) -> None:
    design = design_of(1, items=1, ratings=1, repeats=0, attention=0, lease=0.2)
    with serving(tmp_path, design, tell) as server, browsing(server, chromium) as opened:

        def person() -> Any:
            page = opened(server.home, java_script_enabled=False)
            page.click("text=I agree")
            for n in range(2):
                page.locator(f"[name=q{n}]").nth(1).check()
            page.click("text=Begin")
            return page

        slow = person()
        time.sleep(0.25)
        quick, statuses = person(), set()
        quick.on("response", lambda one: statuses.add(one.status))
        quick.click(".button.main")  # the browser itself asks for an answer
        quick.check("text=Both are bad")
        quick.click("summary >> text=Say something")
        quick.fill("textarea", "because")
        quick.dblclick(".button.main")
        quick.click("text=Send and finish")
        quick.wait_for_selector("text=C0FFEE-42")
        assert statuses == {200, 303}
        slow.check("text=A is better")
        slow.click(".button.main")
        slow.wait_for_selector("text=This one went to somebody else")
        slow.click("a:text-is('Go on')")
        slow.wait_for_selector("text=Nothing is left to judge just now")
        slow.click("text=Stop and leave")
        slow.click("text=Leave and withdraw")
        slow.wait_for_selector("text=You have left the study")
    held = collected(tmp_path)
    told = [(one.rater, one.answer, one.comment, one.passed_on) for one in held.trials]
    assert told == [(1, "", "", True), (2, "both bad", "because", False)]
    assert [one.status for one in held.raters] == ["withdrawn", "finished"]


def test_everybody_can_use_it(tmp_path: Path, tell: Tell, chromium: Chromium) -> None:
    design = design_of(2, items=2, repeats=0, attention=0)
    with serving(tmp_path, design, tell) as server, browsing(server, chromium) as opened:
        size = {"width": 1280, "height": 800}
        page = opened(server.home, bypass_csp=True, viewport=size)

        def check(about: str) -> None:
            for scheme, width in (("light", 1280), ("dark", 390)):
                page.emulate_media(color_scheme=scheme)
                page.set_viewport_size(size | {"width": width})
                check_page(page, (about, scheme), again=scheme == "dark")

        check("consent")
        page.click("text=I agree")
        for n in range(2):
            page.locator(f"[name=q{n}]").first.check()
        page.click("text=Begin")
        check("instructions, once more")
        for n in range(2):
            page.locator(f"[name=q{n}]").nth(1).check()
        page.click("text=Begin")
        page.click("summary >> text=Say something")
        page.keyboard.press("Escape")
        page.eval_on_selector_all("[required]", "(all) => all.forEach((one) => { one.required = false; })")
        page.click(".button.main")
        page.click("summary >> text=Say something")
        page.check("text=A is better")
        check("a trial")
        page.click(".button.main")
        page.click("text=Skip")
        check("about you")
        for path in ("/trials/1", "/leave", "/done"):
            page.goto(server.home + path)
            check(path)
