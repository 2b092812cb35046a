"""The sample explorer in a browser, opened as a file: filters, keys, links, pictures, and answers that mean harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from site_boards import Made, book_of, counted, make_board, overlapped, sample
from site_studies import VOTES, digest, pairs, study

from web.browsing import Chromium, check_page
from whyfeel.engine import Entry
from whyfeel.records import Answer, Judgement, Response, Unscored, ask_key, canonical
from whyfeel.site import payload
from whyfeel.site.book import Board
from whyfeel.site.explorer import Explorer
from whyfeel.site.options import SiteOptions
from whyfeel.site.shell import Shell, assets

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> \u202egnirts\u0000 \ud800 \U0001f600 a cake"
SAMPLES = 120
ODD = 3  # its picture is missing, and its answers mean harm


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board of two runs and two judges, in three data files, as pages and as one file."""
    folder = tmp_path_factory.mktemp("explorer")
    for n in range(2):
        Image.new("RGB", (640, 480), (200 * n, 90, 120)).save(folder / f"{n}.png")
    samples = [
        sample(n, picture=f"{n if n == ODD else n % 2}.png", flags=("odd",) if n % 20 == ODD else ())
        for n in range(SAMPLES)
    ]
    samples[ODD] = sample(
        ODD, id=f"s3 {HOSTILE}", picture="gone.png", flags=("odd",), question=HOSTILE, triggers=(HOSTILE, "rain")
    )
    asked = canonical({"messages": [["user", ["Why is she happy? " + HOSTILE]]]})
    entry = Entry(Answer(ask_key(asked), "A cake", tokens_in=5, cost=0.25), "answer", "m", asked, "answer", "", 2.0)
    first = [
        Response(one.id, ("A cake. Balloons.", "A cake, rain", "rain")[n % 3], asks=(entry.answer.ask_id,))
        for n, one in enumerate(samples)
    ]
    first[ODD] = Response(samples[ODD].id, HOSTILE + " <b>x</b>\n" * 100_000)
    first[5] = Response("s5", "", unscored=Unscored("timeout", "nobody answered"))
    second = [
        Response(one.id, ("rain", "A cake, rain")[n % 2], "refused" if n == 7 else "ok")
        for n, one in enumerate(samples)
    ]
    judged = [Response(one.sample_id, one.text[:200], unscored=one.unscored) for one in first]
    one, two = overlapped(samples, judged), overlapped(samples, second)
    board = make_board(
        folder,
        samples,
        Made("one", first, {"overlap": one, "verdicts": [_verdict(r) for r in first]}, [entry]),
        Made("two", second, {"overlap": two}),
    )
    options = SiteOptions(images=folder)
    part = Explorer(options)
    book = replace(book_of(board), studies=(_studied(folder / "study", board),))
    pages = list(part.pages(book))
    shell = Shell(pages, options)
    files = {f"assets/{name}": content for name, content in assets().items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(payload, "PAGE", 50)
        files |= {file.address: file.content for file in part.files(book)}
    held = {address: content for address, content in files.items() if address.startswith(("data/", "thumbs/"))}
    files |= {f"{page.address}.html": shell.page(page) for page in pages}
    files["single.html"] = b"".join(shell.single(held))
    for address, content in files.items():
        (folder / "site" / address).parent.mkdir(parents=True, exist_ok=True)
        (folder / "site" / address).write_bytes(content)
    return folder / "site"


def _studied(path: Path, board: Board) -> Path:
    """People held the two runs against each other at s0 and s1."""
    words = HOSTILE.replace("\ud800", "")  # which no study can hold
    design, collected = pairs(VOTES)
    items = tuple(replace(one, sample=f"s{n}") for n, one in enumerate(design.items))
    design = replace(design, items=items, texts=replace(design.texts, title=words, question=words))
    return study(path, design, collected, {1: digest(board, 1), 2: digest(board, 0)})


def _verdict(response: Response) -> Judgement:
    if response.unscored is not None:
        return Judgement(response.sample_id, unscored=response.unscored)
    verdicts = [
        {"verdict": "contradicted", "quote": response.text.split(".")[0][:6], "reason": "It says otherwise."},
        {"verdict": "absent", "quote": "", "reason": "Not there."},
    ]
    return Judgement(response.sample_id, counted(f1=0.9), {"verdicts": verdicts, "claims": [], "tries": 1})


@contextmanager
def opening(chromium: Chromium) -> Iterator[Callable[..., Any]]:
    """Opens a file as a new person; fails for a request that leaves the files, a script's error, or a dialog."""
    faults: list[str] = []
    with chromium.used() as made:

        def person(path: Path, state: str = "", **options: Any) -> Any:
            context = made(**options)
            context.on(
                "request", lambda one: faults.append(one.url) if not one.url.startswith(("file:", "data:")) else None
            )
            context.on("weberror", lambda error: faults.append(str(error.error)))
            page = context.new_page()
            page.on("dialog", lambda one: faults.append(one.message))
            page.on(
                "console",
                lambda one: (
                    faults.append(one.text) if "Security" in one.text and "connect-src" not in one.text else None
                ),
            )
            page.goto(path.as_uri() + state)
            page.wait_for_selector(".sample .head, .sample .notice")
            return page

        yield person
    assert faults == []


def head(page: Any) -> str:
    return str(page.locator(".sample .head h2").inner_text())


def until(page: Any, shown: str) -> None:
    page.wait_for_function("wanted => document.querySelector('.sample .head h2')?.textContent === wanted", arg=shown)


def left(page: Any, count: int) -> None:
    page.wait_for_function(
        "wanted => document.querySelector('[data-left]').textContent === wanted", arg=f"{count} of 120"
    )


def test_a_sample_is_found_compared_linked_and_walked_by_key(site: Path, chromium: Chromium) -> None:
    with opening(chromium) as person:
        page = person(site / "explore" / "toys.html", viewport={"width": 1280, "height": 900})
        assert head(page) == "s0"
        assert page.locator("[data-list] .row").count() < 40  # of 120
        for key, shown in (
            ("j", "s1"),
            ("ArrowRight", "s2"),
            ("k", "s1"),
            ("ArrowLeft", "s0"),
            ("k", "s0"),
            ("j", "s1"),
        ):
            page.keyboard.press(key)
            until(page, shown)
        page.go_back()
        until(page, "s0")

        page.keyboard.press("/")
        page.keyboard.type("s11 BALLOONS")
        left(page, sum(n % 3 == 0 for n in (11, *range(110, 120))))
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        until(page, "s111")  # the first of them
        page.get_by_label("Search").fill("")
        left(page, SAMPLES)

        page.locator(".more > summary").click()
        page.get_by_label("Emotion").select_option("sad")
        left(page, SAMPLES // 2)
        page.get_by_label("Flag").select_option("odd")
        left(page, sum(n % 20 == ODD and n % 2 == 1 for n in range(SAMPLES)))
        page.get_by_role("button", name="Clear").click()
        page.get_by_label("Outcome").select_option("none")
        left(page, 1)
        page.get_by_label("Outcome").select_option("")
        page.get_by_label("Score from").fill("0.9")  # both triggers and nothing else
        left(page, sum(n % 3 == 0 and n != ODD for n in range(SAMPLES)))
        page.get_by_label("Beside it").select_option("two")
        page.get_by_label("Difference").select_option("b")
        left(page, 0)
        page.get_by_label("Difference").select_option("a")
        page.get_by_label("Order").select_option("down")
        page.locator("[data-list]").focus()
        page.keyboard.press("End")
        until(page, "s117")
        link, count = page.url, page.locator("[data-left]").inner_text()
        page.goto("about:blank")
        page.goto(link)
        until(page, "s117")
        assert page.locator(".side").count() == 2
        assert page.locator("[data-left]").inner_text() == count

        # a trigger lights its words, and the other way round; verdicts go with the judge
        page.locator(".gold li").first.hover()
        assert page.locator("mark.lit").all_inner_texts() == ["A cake✓1\n(names trigger 1)"] * 2
        page.locator(".side mark").first.focus()
        assert "lit" in page.locator(".gold li").first.get_attribute("class")
        assert page.locator(".gold li").first.locator(".badge").all_inner_texts() == [
            "✓ found (first)",
            "✓ found (second)",
        ]
        page.locator("[data-name=j]").select_option("verdicts")
        page.wait_for_selector("mark.c")
        assert "this run was not judged by the one chosen" in page.locator(".side").nth(1).inner_text()
        page.locator(".side").first.locator("summary", has_text="Verdict on each trigger").click()
        assert "It says otherwise." in page.locator(".verdicts").first.inner_text()
        page.locator(".side").first.locator("summary", has_text="Asks:").click()
        page.locator(".tree .fold summary").first.click()
        assert "Why is she happy?" in page.locator(".tree pre").first.inner_text()
        assert "5 in, n/a out · cost $0.2500 · time 2.0 s" in page.locator(".tree .facts").first.inner_text()

        # the picture, larger
        page.locator("button.picture").click()
        page.wait_for_function("document.querySelector('dialog img')?.naturalWidth === 640")
        page.keyboard.press("j")
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="hidden")
        assert head(page) == "s117"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            check_page(page, scheme, again=scheme == "dark")


def test_people_and_links_that_ask_for_what_is_not_there(site: Path, chromium: Chromium) -> None:
    with opening(chromium) as person:
        page = person(site / "explore" / "toys.html", "#s=s0&f=d%3Da%26by%3Dapart%26h%3D1")
        left(page, 2)  # a difference and an order for which there is no second run
        fields = "(all) => all.map((one) => [one.dataset.filterName, one.value]).filter(([, value]) => value)"
        assert page.eval_on_selector_all("[data-filter-name]", fields) == [["h", "1"]]
        assert page.locator("[data-set]").inner_text() == "1 set"
        said = page.locator(".people li p").first
        assert said.inner_text() == "7 votes: 2 for this answer, 3 for model 1, both good 0, both bad 2."
        assert "<script>alert(2)</script>" in page.locator(".people").inner_text()
        assert page.locator(".people a").get_attribute("href") == "../studies/study.html"
        page.get_by_label("Beside it").select_option("two")  # now there is one
        left(page, 1)
        assert page.get_by_label("Difference").input_value() == "a"
        sides = page.locator(".side .people li p:first-child")
        assert sides.nth(1).inner_text() == "7 votes: 3 for this answer, 2 for model 2, both good 0, both bad 2."
        page.goto((site / "explore" / "toys.html").as_uri() + "#s=s2")
        until(page, "s2")
        assert page.locator(".people").count() == 0


def test_an_answer_that_means_harm_is_shown_as_it_is(site: Path, chromium: Chromium) -> None:
    with opening(chromium) as person:
        page = person(site / "explore" / "toys.html", "#b=two&f=g%3Dodd", viewport={"width": 390, "height": 844})
        assert page.locator(".sample img, .sample script, .sample b").count() == 0
        assert "<script>alert(2)</script>" in page.locator(".answer").first.inner_text()
        assert "<img src=x onerror=alert(1)>" in page.locator(".gold li").first.inner_text()
        assert "no such file: 'gone.png'" in page.locator(".given").inner_text()
        page.get_by_role("button", name="Show the other 30,001 characters").click()  # one of them is two units
        page.wait_for_function("document.querySelector('.answer').textContent.length > 50000")
        check_page(page, "a megabyte at 390 pixels")
        page.goto((site / "explore" / "toys.html").as_uri() + "#s=%3Cb%3Enobody")
        page.wait_for_function("document.querySelector('.sample').textContent === 'There is no sample <b>nobody here.'")


def test_one_file_holds_all_of_it_and_a_lost_file_is_told(site: Path, chromium: Chromium) -> None:
    with opening(chromium) as person:
        page = person(site / "single.html", "#explore/toys?s=s110&b=two")
        assert head(page) == "s110"
        page.wait_for_function("document.querySelector('.picture img').naturalWidth === 320")
        page.keyboard.press("j")
        until(page, "s111")
        assert "#explore/toys?" in page.url
        (site / "data" / "toys" / "2.js").unlink()
        page.goto((site / "explore" / "toys.html").as_uri() + "#s=s110")
        page.wait_for_selector(".sample .notice")
        assert "2.js cannot be read" in page.locator(".sample").inner_text()
