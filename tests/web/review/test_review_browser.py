"""The review in a real browser and a real process: keys, drafts, two people, two tabs, a killed server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reviewable import scene_annotations, write_run

from web.browsing import Chromium, Server, Tell, browsing, check_page
from whyfeel.annotate.finished import read_annotation_run
from whyfeel.annotate.review.final import Final, final_annotations


class Served(Server):
    """A review."""

    def __init__(self, run: Path, tell: Tell, *wish: str) -> None:
        self.run = run
        people = ("--reviewer", "reviewer-a", "--reviewer", "reviewer-b", *wish)
        super().__init__(tell, run.parent / "says", "review", str(run), *people)

    @property
    def links(self) -> dict[str, str]:
        return dict(one.split(": ", 1) for one in self.told.splitlines() if "token=" in one)


@contextmanager
def serving(folder: Path, n: int, tell: Tell, *wish: str) -> Iterator[Served]:
    served = Served(write_run(folder / "RUN", scene_annotations(n)), tell, *wish)
    try:
        yield served
    finally:
        served.kill()


@contextmanager
def browser(served: Served, chromium: Chromium) -> Iterator[Any]:
    """Opens pages as a person."""
    with browsing(served, chromium) as opened:

        def person(name: str, **options: Any) -> Any:
            page = opened(served.links[name], **options)
            page.wait_for_url(lambda url: "token=" not in url)
            return page

        yield person


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


def test_ten_items_by_keyboard_alone(tmp_path: Path, tell: Tell, chromium: Chromium) -> None:
    with serving(tmp_path, 10, tell) as served, browser(served, chromium) as person:
        page = person("reviewer-a")
        kept = words(page)
        for key in "jjxKut":  # the third away, the next one up a place; that taken back; explicit or implicit
            page.keyboard.press(key)
        page.keyboard.press("a")  # and what is typed before the answers are there is text, too
        page.keyboard.type("She turns seven today")
        page.keyboard.press("Enter")
        page.wait_for_selector("ol.triggers li:has-text('She turns seven today')[aria-current]")
        page.keyboard.press("k")
        page.keyboard.press("p")
        page.wait_for_selector(".origin .step")
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


def test_two_people_two_tabs_and_their_texts(tmp_path: Path, tell: Tell, chromium: Chromium) -> None:
    with serving(tmp_path, 4, tell) as served, browser(served, chromium) as person:
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
        # the field is focused once more when the browser tells that its box is open
        a_client.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
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


def test_a_killed_server_loses_nothing(tmp_path: Path, tell: Tell, chromium: Chromium) -> None:
    with serving(tmp_path, 2, tell) as served, browser(served, chromium) as person:
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
        # a key that the dead server never got, in a tab that was closed before it came back
        page.keyboard.press("j")
        served.kill()
        page.keyboard.press("i")
        page.wait_for_selector("#offline:has-text('does not answer')")
        here, context = page.url, page.context
        page.close()
        served.start()
        page = context.new_page()
        page.goto(here)
        page.wait_for_selector(".aside li >> nth=2")
        page.reload()
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
        assert [first.triggers[n].dropped for n in (0, 2)] == ["removed: hallucination", "removed: irrelevant"]
        assert finals(served)[0].edits == 4


def test_an_adjudicator_picks_by_keyboard(tmp_path: Path, tell: Tell, chromium: Chromium) -> None:
    wish = ("--double", "1", "--adjudicator", "reviewer-c")
    with serving(tmp_path, 2, tell, *wish) as served, browser(served, chromium) as person:
        a_client = person("reviewer-a")
        kept = words(a_client)
        a_client.keyboard.press("x")
        a_client.wait_for_selector(".aside li >> nth=1")
        first = a_client.url
        go_on(a_client)
        b_client = person("reviewer-b")
        b_client.keyboard.press("j")
        b_client.keyboard.press("i")
        b_client.wait_for_selector(".aside li >> nth=1")
        go_on(b_client)
        c_client = person("adjudicator:reviewer-c")
        picked = c_client.locator(":checked")
        for key in "1j2":  # out, as reviewer-a has it; out, as reviewer-b has it
            c_client.keyboard.press(key)
        c_client.reload()
        assert picked.count() == 2
        assert c_client.locator("#changed").is_hidden()
        # a reviewer changes one of the two meanwhile, and the browser's tab was closed
        b_client.goto(first)
        with b_client.expect_navigation():  # a key before the new page's script is there goes nowhere
            b_client.keyboard.press("o")
        b_client.keyboard.press("e")
        b_client.wait_for_selector("textarea[name=text]:focus")
        b_client.keyboard.press("Control+a")
        b_client.keyboard.type("Candles and cake")
        b_client.keyboard.press("Enter")
        b_client.wait_for_selector("text=reworded")
        go_on(b_client)
        c_client.keyboard.press("Enter")  # from a page that shows what was
        c_client.wait_for_selector("#changed:has-text('A reviewer has changed this item')")
        here, context = c_client.url, c_client.context
        c_client.close()
        c_client = context.new_page()
        c_client.goto(here)
        picked = c_client.locator(":checked")
        assert c_client.locator("#changed").inner_text().endswith("one of your picks no longer fits and is open again.")
        c_client.keyboard.press("Enter")  # not while one is open
        assert (c_client.url, picked.count()) == (here, 1)
        c_client.keyboard.press("k")
        c_client.keyboard.press("2")
        go_on(c_client)
        assert c_client.url.endswith("/adjudicate")
        assert c_client.evaluate("Object.keys(localStorage)") == []
        final = finals(served)[0]
        assert final.status == "adjudicated"
        assert [one.text for one in final.annotation.kept] == ["Candles and cake", *kept[2:]]


def test_everybody_can_use_it(tmp_path: Path, tell: Tell, chromium: Chromium) -> None:
    with serving(tmp_path, 2, tell) as served, browser(served, chromium) as person:
        for scheme, width in (("light", 1280), ("dark", 390)):
            page = person("reviewer-a", bypass_csp=True, color_scheme=scheme, viewport={"width": width, "height": 800})
            page.keyboard.press("p")
            page.wait_for_selector(".origin .step")
            page.keyboard.press("e")
            for path in ("", "/items") if width < 1000 else ("",):
                if path:
                    page.goto(served.home + path)
                check_page(page, (path, width))
