"""The page of a study: its figures as they are in its results, blind until somebody has asked otherwise."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from site_studies import write_study

from study.simulated import LENIENT, answered, collect, make_design, simulate, unblinded, voted
from whyfeel.report import numbers
from whyfeel.site.book import Book
from whyfeel.site.options import SiteOptions
from whyfeel.site.shell import Shell
from whyfeel.site.study_page import NO_STORE, Studies, facts_of
from whyfeel.study.design import Kind
from whyfeel.study.results import results


def html(path: Path) -> str:
    pages = list(Studies().pages(Book((), (), (path,))))
    return Shell(pages, SiteOptions()).page(pages[0]).decode()


def row(page: str, name: str, number: int = 0) -> list[str]:
    """The cells of the row of a name, in the table of that number among those that have it."""
    found = re.findall(
        rf"<th scope=\"row\"[^>]*>(?:<bdi>)?{re.escape(name)}(?:</bdi>)?</th>(.*?)</tr>", page, re.DOTALL
    )
    cells = re.findall(r"<td[^>]*>(.*?)</td>", found[number], re.DOTALL)
    return [cell.strip() for cell in cells if "<svg" not in cell]


def said(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_what_was_published_is_drawn_and_told(tmp_path: Path) -> None:
    design, collected = voted({"A": 223, "B": 91, "both good": 47, "both bad": 11})
    page = html(write_study(tmp_path / "s", design, collected))
    one = results(design, collected, None)["pairwise"]["pairs"][0]["shares"]["A"]
    assert "372 votes of 38 raters; 372 of 372 items have all their votes (1 each)" in page
    ends = (numbers.interval(one[how]["low"], one[how]["high"], 3) for how in ("clustered", "wilson"))
    assert row(page, "system 1") == ["0.599", *ends, "223", "223"]
    assert "[0.549, 0.648]" in row(page, "system 1")  # Wilson's, by hand
    assert row(page, "both bad")[0] == "0.030"
    # 223 / 372 of a line of 176 units that ends 6 units from either edge
    assert f'<rect class="bar" x="6.0" y="7" width="{164 * 223 / 372:.1f}"' in page
    assert "system 1 : system 2 0.599 to 0.245, ratio 2.45 (95%, pictures [" in page
    assert "The study is blind: nobody has asked whose texts are whose." in page
    assert page.count("items won") == 1
    assert "--" not in said(page)  # no word of a command's options


NAMES = {1: "human", 2: "<b>qwen</b>", 3: "a\x1b[2Jb\u202ec"}


def test_a_study_is_not_unblinded_by_a_page_and_told_by_name_once_it_is(tmp_path: Path) -> None:
    design = make_design(items=30, systems=3)
    collected = simulate(design, 1)
    blind = write_study(tmp_path / "blind", design, collected, NAMES)
    page = html(blind)
    assert "system 3" in page
    assert not any(word in page for word in ("human", "qwen", "--unblind"))
    with closing(sqlite3.connect(blind / "study.sqlite")) as db:
        assert db.execute("SELECT unblinded, votes FROM study").fetchall() == [(None, None)]
    seen = write_study(tmp_path / "seen", design, unblinded(collected, 3000.0, 12), NAMES)
    told = html(seen)
    assert "Somebody first asked whose texts are whose 1970-01-01T00:50:00+00:00, at 12 votes." in told
    assert "votes came after somebody had asked whose texts are whose" in told
    assert "&lt;b&gt;qwen&lt;/b&gt;" in told
    assert "a\\x1b[2Jb\\u202ec" in told
    assert not any(one in told for one in ("<b>qwen", "\x1b", "\u202e", "system 1"))
    with closing(sqlite3.connect(seen / "study.sqlite")) as db:
        assert db.execute("SELECT unblinded, votes FROM study").fetchall() == [(3000.0, 12)]  # as it was


def test_who_unblinded_a_study_that_everybody_has_left_since(tmp_path: Path) -> None:
    design = make_design(items=3, votes=1)
    trials = [answered(1, k, item.id, "left") for k, item in enumerate(design.items, 1)]
    left = unblinded(collect(trials, {1: "withdrawn"}), 3000.0, 3)
    page = html(write_study(tmp_path / "s", design, left, NAMES))
    assert "No vote counts yet." in page
    assert row(page, "withdrew")[:2] == ["1", "1"]


def test_ratings_with_and_without_exclusions(tmp_path: Path) -> None:
    """Two raters of ten items each: one gives 1 and 3 in turn, the other nothing but 5, which a rule leaves out."""
    design = make_design("rating", items=10, systems=1, votes=2, rules=replace(LENIENT, alike=True))
    given = [answered(1, k, item.id, "13"[k % 2]) for k, item in enumerate(design.items, 1)]
    given += [answered(2, k, item.id, "5") for k, item in enumerate(design.items, 1)]
    page = html(write_study(tmp_path / "s", design, collect(given)))
    assert row(page, "system 1")[0] == "2.00"
    assert row(page, "system 1")[2:5] == ["10", "10", "0.50"]  # items, votes, the share below 2.5
    assert f'width="{164 * 2 / 5:.1f}"' in page
    assert row(page, "all answers alike") == ["1", "1", "10"]
    assert row(page, "votes") == ["10", "20"]
    assert row(page, "mean of system 1") == ["2.00", "3.50"]
    assert "1 rater is left out" in page


def test_neither_comments_nor_what_raters_say_of_themselves_are_shown(tmp_path: Path) -> None:
    design = make_design(items=4, votes=1)
    trials = [replace(answered(1, k, item.id, "left"), comment="a secret") for k, item in enumerate(design.items, 1)]
    page = html(write_study(tmp_path / "s", design, collect(trials, demographics={1: {"age": "18 to 40"}})))
    assert not any(one in page for one in ("a secret", "18 to 40", "How old", "r001", "CODE"))


@pytest.mark.parametrize("kind", ["pairwise", "rating"])
def test_a_study_without_votes_and_one_whose_votes_lie_elsewhere(kind: Kind, tmp_path: Path) -> None:
    design = make_design(kind, items=4)
    page = html(write_study(tmp_path / "nobody", design, collect([])))
    assert "No vote counts yet." in page
    assert "<svg" not in page
    elsewhere = write_study(tmp_path / "elsewhere", design, None)
    assert unescape(html(elsewhere)).count(NO_STORE) == 1
    assert [one.name for one in elsewhere.iterdir()] == ["design.json"]  # nothing was made


def test_facts_of_a_design() -> None:
    facts = dict(facts_of(replace(make_design("rating", items=3), left_out={"no picture": 1200})))
    assert facts["scale"] == "0 to 5 (0: not at all, 5: wholly)"
    assert facts["made no item: no picture"] == "1,200"
    assert "scale" not in dict(facts_of(make_design()))


def test_studies_of_one_name_have_addresses_of_their_own(tmp_path: Path) -> None:
    paths = [write_study(tmp_path / place / "s", make_design(items=2), None) for place in ("a", "b")]
    pages = Studies().pages(Book((), (), tuple(paths)))
    assert [page.address for page in pages] == ["studies/s", "studies/s-2"]
