"""The page of an annotation: what was found and dropped, with its sources, and what people made of it."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from PIL import Image

from interop.annotation_runs import ASK, annotated, found, made_run, png
from whyfeel.annotate.finished import read_annotation_run
from whyfeel.annotate.review.edits import Edit, added_id
from whyfeel.annotate.review.file import seen
from whyfeel.annotate.review.store import ReviewStore
from whyfeel.errors import DataError
from whyfeel.records import Annotation, Step, Unscored
from whyfeel.site.annotation_page import Annotations
from whyfeel.site.book import open_book
from whyfeel.site.options import SiteOptions
from whyfeel.site.shell import Shell

SUMMARY = {
    "schema": 1,
    "kind": "annotate",
    "source": "records",
    "vlm": "seer",
    "llm": "teller",
    "n": 3,
    "annotated": 2,
    "unscored": {"timeout": 1},
    "triggers": {"found": 5, "kept": 3, "explicit": 1, "dropped": {"not grounded": 1, "duplicate": 1}},
    "kinds": {"social": 3},
    "without_triggers": 0,
    "flags": {"question not rebuilt": 1},
    "left_out": {},
    "phases": {"general": {"calls": 6, "tokens": {"in": 600, "out": 30}, "cost": 0.03, "seconds": 1.5}},
    "calls": 6,
    "tokens": {"in": 600, "out": 30},
    "cost": 0.03,
    "seconds": 2.0,
}
OTHER = "1" * 32


def annotations() -> list[Annotation]:
    steps = (Step("general", "G1", "How many?", "Two.", ASK), Step("scenario", "S1", "Why?", "Loss.", OTHER))
    triggers = (
        found("a <b>loss</b>", 1, kind="social", explicit=False, confidence=0.75, asks=(OTHER,)),
        found("a phone", 2, dropped="not grounded", gates={"grounded": "absent"}),
        found("the loss", 3, dropped="duplicate of t1"),
        found("two people", 4, explicit=True, asks=(ASK, OTHER)),
    )
    return [
        annotated("a/1", triggers=triggers, steps=steps, flags=("question not rebuilt",)),
        annotated("b\u202e/2", "rain\0", image="gone.png"),
        annotated("c", triggers=(), image=None, unscored=Unscored("timeout", "after 3 tries")),
    ]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    png(tmp_path / "pictures", "a.png", 8)
    path = made_run(tmp_path / "run", annotations(), images=tmp_path / "pictures")
    (path / "summary.json").write_text(json.dumps(SUMMARY), "utf-8")
    return path


def built(path: Path, options: SiteOptions | None = None) -> tuple[str, dict[str, bytes]]:
    """The page, and the files beside it."""
    options = options or SiteOptions()
    part, book = Annotations(options), open_book([path])
    pages = list(part.pages(book))
    files = {file.address: file.content for file in part.files(book)}
    return Shell(pages, options).page(pages[0]).decode(), files


def items(page: str) -> list[str]:
    rows = re.findall(r"<tr>(.*?)</tr>", page.split('<table class="items">')[1], re.DOTALL)[1:]
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", row)).split()) for row in rows]


def test_every_trigger_with_its_facts_and_where_it_comes_from(run: Path) -> None:
    page, _ = built(run)
    first, second, third = items(page)
    assert first == (
        "a/1 sad automatic question not rebuilt Why is the man of a/1 sad? "
        "a <b>loss</b> social, inferred, confidence 0.75; from S1 "
        "two people seen; from G1, S1 "
        "a phone dropped: not grounded ; grounded: absent; from G1 "
        "the loss dropped: duplicate of t1 ; from G1"
    )
    assert "b\\u202e/2 sad automatic" in second
    assert "rain\\x00 from G1" in second
    assert "Not annotated: timeout (after 3 tries)" in third
    assert "a &lt;b&gt;loss&lt;/b&gt;" in page


def test_what_the_gates_dropped_with_examples(run: Path) -> None:
    page, _ = built(run)
    table = page.split("What does not count")[1].split("</table>")[0]
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="n">(\d+)</td><td>(.*?)</td>', table)
    assert [(why, n, re.sub("<[^>]+>", "", told)) for why, n, told in rows] == [
        ("duplicate", "1", "the loss a/1"),
        ("not grounded", "1", "a phone a/1"),
    ]


def test_what_it_took_and_how_it_was_made(run: Path) -> None:
    page, _ = built(run)
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
    assert "2 of 3 samples annotated, 3 of 5 triggers kept by the gates; nobody has reviewed it." in text
    # 6 calls, 600 and 30 tokens, three cents and 1.5 seconds over three pictures
    assert "general 6 2.0 200 10 $0.0100 0.50" in text
    assert "Flags: question not rebuilt 1." in text
    assert "Not annotated: timeout 1." in text
    assert "cost $0.0300, 2.0 s" in text
    assert "`whyfeel" not in text  # no word of what to type next
    assert "How many?" in text.split("Asked about every picture")[1]
    for fact in ("shown the pictures seer (top_p 0.9)", "gates duplicate, grounded", f"prompt self-ask {'a' * 32}"):
        assert fact in text
    assert "teller at http://127.0.0.1:2/v1 summary" in text
    assert "3 automatic." in text


def test_pictures_beside_their_items_unless_they_may_not_be_passed_on(run: Path) -> None:
    page, files = built(run)
    thumb = next(address for address in files if address.startswith("thumbs/"))
    assert f'src="../{thumb}"' in page
    assert 'alt="The picture of a/1"' in page
    assert "gone.png" in items(page)[1]  # why it is not there
    without, none = built(run, SiteOptions(pictures=False))
    assert none == {}
    assert "<img" not in without
    assert "gone.png" not in without
    moved = run.parent / "elsewhere"
    png(moved, "gone.png", 8)
    assert "The picture of b" in built(run, SiteOptions(images=moved))[0]


def test_what_people_changed_counts(run: Path) -> None:
    with_items = read_annotation_run(run)
    known = [seen(one) for one in with_items.annotations()]
    with_items.close()
    store = ReviewStore(run / "review.sqlite", known)
    item, last = store.take("Ada"), 0
    assert item == "a/1"
    ids = [f"{number:032x}" for number in (1, 2)]
    for edit in (
        Edit(ids[0], item, "Ada", "remove", "t4", {"reason": "hallucination"}),
        Edit(ids[1], item, "Ada", "add", added_id(ids[1]), {"text": "an empty chair"}),
    ):
        last = store.add(edit, last).seq
    store.finish(item, "Ada", last)
    store.close()
    page, _ = built(run)
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
    assert "people have looked at some of it" in text
    assert "1 reviewed, 2 automatic." in text
    assert "1 annotations reviewed by 1 person, 0 of them by two" in text
    assert "edits: hallucinations removed 1, commonsense added 1" in text
    first = items(page)[0]
    assert "an empty chair from a person" in first
    assert "two people dropped: removed: hallucination ; seen" in first
    assert "Ada" not in text


def test_a_damaged_summary_is_told(run: Path) -> None:
    (run / "summary.json").write_text(json.dumps(SUMMARY | {"triggers": {"found": 1}}), "utf-8")
    with pytest.raises(DataError, match=r"should hold 'triggers\.kept'; run `whyfeel annotate` again"):
        built(run)


def test_the_thumbnail_is_a_small_picture(run: Path, tmp_path: Path) -> None:
    _, files = built(run)
    (tmp_path / "t.jpg").write_bytes(
        next(content for address, content in files.items() if address.startswith("thumbs"))
    )
    with Image.open(tmp_path / "t.jpg") as picture:
        assert (picture.format, picture.size) == ("JPEG", (8, 1))
