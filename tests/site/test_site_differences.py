"""Differences: the figures of `whyfeel compare`, and the samples a few lines find again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from breakdown_runs import HOSTILE, SIZE, answered, found, records, scored, three, with_runs
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.report import numbers
from whyfeel.runs.compare import compare_runs
from whyfeel.site.book import Book, open_book
from whyfeel.site.breakdown_data import views_of
from whyfeel.site.differences import EACH_WAY, FIRST_WORDS, Differences, common, compared, furthest
from whyfeel.site.options import SiteOptions
from whyfeel.site.pages import Page
from whyfeel.site.shell import Shell


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return three(tmp_path_factory.mktemp("three"))


def page_of(book: Book) -> Page:
    (page,) = Differences().pages(book)
    return page


def test_figures_are_those_of_the_command_compare(book: Book) -> None:
    by_command = compare_runs([run.path for run in book.boards[0].runs])["comparisons"]
    (section,) = page_of(book).values["sections"]
    named = {str(run.path): run.name for run in book.boards[0].runs}
    assert len(by_command) == len(section["pairs"]) == 3
    for one, pair in zip(by_command, section["pairs"], strict=True):
        assert pair["names"] == [named[one["a"]], named[one["b"]]]
        assert pair["difference"] == numbers.score(one["difference"])
        assert pair["interval"] == numbers.interval(one["low"], one["high"], 3)
        assert (pair["p"], pair["p_holm"]) == (numbers.score(one["p"], 4), numbers.score(one["p_holm"], 4))
        assert (pair["n"], pair["left_out"]) == (str(SIZE), "0")
        assert pair["tie"] == ("no" if one["p_holm"] <= 0.05 else "tied")
    assert {pair["tie"] for pair in section["pairs"]} == {"no"}


def test_to_all_digits_where_samples_are_missing_and_groups_differ(book: Book, tmp_path: Path) -> None:
    data = records(tmp_path)
    paths = [
        answered(tmp_path, data, "some", lambda i: None if i < 7 else found(i, 2)),
        answered(tmp_path, data, "others", lambda i: None if i > 30 else found(i, 1 + i % 2)),
    ]
    whole = common(views_of(open_book(paths).boards[0])[0])
    assert whole is not None
    pairs, (one,) = compared(whole)
    (by_command,) = compare_runs(paths)["comparisons"]
    assert [str(paths[place]) for place in pairs[0]] == [by_command["a"], by_command["b"]]
    for name, value in (("difference", one.value), ("low", one.low), ("high", one.high), ("p", one.p)):
        assert by_command[name] == value
    assert (one.n, one.left_out) == (24, 16)


def test_the_samples_are_those_that_differ_most(book: Book) -> None:
    (section,) = page_of(book).values["sections"]
    pair = next(one for one in section["pairs"] if "first" in one["names"][0] and "third" in one["names"][1])
    f1 = {
        run.name: [
            json.loads(line)["counts"]["f1"] for line in (run.path / "judgements.jsonl").read_text("utf-8").splitlines()
        ]
        for run in book.boards[0].runs
    }
    ahead = np.array(f1[pair["names"][0]]) - np.array(f1[pair["names"][1]])
    for way, sign in zip(pair["ways"], (1, -1), strict=True):
        order = sorted(range(SIZE), key=lambda n: (-sign * ahead[n], n))
        expected = [n for n in order if sign * ahead[n] > 0][:EACH_WAY]
        assert [one["id"] for one in way["samples"]] == [f"r{n:02}" for n in expected]
        for one, n in zip(way["samples"], expected, strict=True):
            assert one["scores"] == [numbers.score(f1[name][n]) for name in pair["names"]]
            # the run "third" finds everything in records 0, 3, 6 … and nothing in the others
            assert one["answers"][1] == (" ".join(found(n, 5).split()) if n % 3 == 0 else "nothing of the kind")
            assert one["state"] == {"s": f"r{n:02}", "a": pair["slugs"][0], "b": pair["slugs"][1]}
    assert [len(way["samples"]) for way in pair["ways"]] == [EACH_WAY, EACH_WAY]


@given(st.lists(st.one_of(st.floats(-1, 1), st.just(float("nan"))), max_size=30))
def test_furthest_is_a_sort(ahead: list[float]) -> None:
    places = furthest(np.array(ahead))
    assert places == sorted((n for n, one in enumerate(ahead) if one > 0), key=lambda n: -ahead[n])[:EACH_WAY]


def test_of_many_runs_each_is_held_against_the_best(book: Book) -> None:
    board = book.boards[0]
    draw = np.random.default_rng(5)
    values = [np.clip(draw.normal(0.45 + 0.03 * n, 0.2, SIZE), 0, 1) for n in range(7)]
    runs = [
        replace(board.runs[0], name=f"run {n}", slug=f"r{n}", judges=(scored(board.runs[0].judges[0], one),))
        for n, one in enumerate(values)
    ]
    (section,) = page_of(with_runs(board, *runs)).values["sections"]
    order = sorted(range(7), key=lambda n: -values[n].mean())
    assert section["best"] == f"run {order[0]}"
    assert [pair["names"] for pair in section["pairs"]] == [[f"run {order[0]}", f"run {n}"] for n in order[1:]]
    for pair, n in zip(section["pairs"], order[1:], strict=True):
        assert pair["difference"] == numbers.score(values[order[0]].mean() - values[n].mean())
        assert pair["tie"] == ("no" if float(pair["p_holm"]) <= 0.05 else "tied")
    assert any(0.05 < float(pair["p_holm"]) < 0.5 for pair in section["pairs"])
    raw = [float(pair["p"]) for pair in section["pairs"]]
    assert float(section["pairs"][raw.index(min(raw))]["p_holm"]) == pytest.approx(min(1, 6 * min(raw)), abs=6e-4)
    (section,) = page_of(with_runs(board, *runs[:5])).values["sections"]
    assert (section["best"], len(section["pairs"])) == ("", 10)


def test_runs_of_other_samples_are_compared_on_those_in_common(book: Book) -> None:
    board = book.boards[0]
    run, judged = board.runs[0], board.runs[0].judges[0]
    finished = judged.finished

    def some(keep: slice, value: float) -> Any:
        cut = {name: getattr(finished, name)[keep] for name in ("ids", "groups", "clusters", "judgements")}
        short = replace(judged, finished=replace(finished, **cut))
        return replace(run, name=f"{keep}", judges=(scored(short, np.full(len(short.finished.ids), value)),))

    (section,) = page_of(with_runs(board, some(slice(0, 25), 1), some(slice(15, 40), 0.5))).values["sections"]
    assert (section["n"], section["pairs"][0]["n"], section["pairs"][0]["difference"]) == (10, "10", "0.500")
    ids = [one["id"] for one in section["pairs"][0]["ways"][0]["samples"]]
    assert ids == [f"r{n}" for n in range(15, 25)]
    apart = page_of(with_runs(board, some(slice(0, 15), 1), some(slice(20, 40), 0.5)))
    assert apart.values["sections"][0]["nothing"] == "The runs have no sample in common."
    assert "no sample in common" in Shell([apart], SiteOptions()).page(apart).decode()


def test_one_run_and_runs_of_other_judges_have_no_differences(book: Book) -> None:
    board = book.boards[0]
    one, two = board.runs[:2]
    assert not list(Differences().pages(with_runs(board, one)))
    other = replace(two, judges=(replace(two.judges[0], id="another"),))
    assert not list(Differences().pages(with_runs(board, one, other)))
    assert not list(Differences().files(book))


def test_a_judge_among_several_is_part_of_the_link(book: Book) -> None:
    board = book.boards[0]
    runs = [replace(run, judges=(*run.judges, replace(run.judges[0], id="second"))) for run in board.runs]
    sections = page_of(with_runs(board, *runs)).values["sections"]
    states = [section["pairs"][0]["ways"][0]["samples"][0]["state"]["j"] for section in sections]
    assert states == [board.runs[0].judges[0].id, "second"]


def test_hostile_answers_and_ids_are_words_of_the_page(tmp_path: Path) -> None:
    data = records(tmp_path, lambda i: {"id": f"{HOSTILE}{i}"})
    paths = [
        answered(tmp_path, data, "bad", lambda i: HOSTILE + "\0\x1b[2J " + "x" * 200_000 * (i == 1)),
        answered(tmp_path, data, "good", lambda i: found(i, 2) if i < 8 else None),
    ]
    page = page_of(open_book(paths))
    explorer = Page("explore/jsonl", "Samples", "differences.html", page.values)
    text = Shell([page, explorer], SiteOptions()).page(page).decode()
    assert len(text) < 60_000
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert not {"\u202e", "\0", "\x1b"} & set(text)
    assert "no answer: no answer" not in text, "samples without a score on both sides make no difference"
    link = text.split('<a href="../explore/jsonl.html#', 1)[1].split('"', 1)[0].replace("&amp;", "&")
    state = {name: value for name, (value,) in parse_qs(link).items()}
    assert state["s"].startswith(HOSTILE)
    assert {state["a"], state["b"]} == {"answers-bad-answer-file", "answers-good-answer-file"}
    answers = [
        answer
        for section in page.values["sections"]
        for way in section["pairs"][0]["ways"]
        for one in way["samples"]
        for answer in one["answers"]
    ]
    assert answers
    assert max(map(len, answers)) <= FIRST_WORDS + 1 + 5 * 9  # what is not printable is told in up to six letters
