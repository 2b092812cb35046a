"""The leaderboard: every number as summary.json has it, who is tied, the band of the controls, and hostile names."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sited import HOSTILE, UNANSWERED, Deaf, Read, run_folders

from whyfeel.report import numbers
from whyfeel.runs import run, run_options
from whyfeel.runs.compare import compare_runs
from whyfeel.site.book import Board, Book, Judged, open_book
from whyfeel.site.drawn import EDGE, WIDTH, scale
from whyfeel.site.leaderboard import Leaderboard
from whyfeel.site.options import SiteOptions
from whyfeel.site.shell import Shell
from whyfeel.site.standings import BLIND, View, lead, standings

OPTIONS = SiteOptions()


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    return run_folders(tmp_path_factory.getbasetemp() / "sited")


@pytest.fixture(scope="module")
def book(folders: tuple[Path, ...]) -> Book:
    return open_book(folders)


@pytest.fixture(scope="module")
def view(book: Book) -> View:
    [one] = views_of(book.boards[0])
    return one


@pytest.fixture(scope="module")
def page(book: Book) -> Read:
    return Read(index_of(book))


def index_of(book: Book) -> bytes:
    pages = list(Leaderboard().pages(book))
    return Shell(pages, OPTIONS).page(pages[0])


def views_of(board: Board) -> list[View]:
    return list(standings(board, board.runs[0].judges[0]))


def summary_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text("utf-8"))


def shown(page: Read, first: str) -> list[list[str]]:
    return [[cell.strip() for cell in row] for row in page.rows if row and row[0].strip() == first]


def test_every_number_is_that_of_summary_json(folders: tuple[Path, ...], page: Read) -> None:
    for rank, folder in enumerate(folders, 1):  # they were made best first
        one = summary_of(folder)
        by = {name: groups["overall"] for name, groups in one["scores"].items()}
        [row] = shown(page, str(rank))
        assert row[2] == numbers.score(by["kf1"]["value"])
        assert row[4] == numbers.interval(by["kf1"]["low"], by["kf1"]["high"], 3)
        assert row[6:10] == [
            *(numbers.score(by[name]["value"]) for name in ("f1", "recall", "precision")),
            str(by["kf1"]["n"]),
        ]
        assert row[11:] == ["0", "0", "0", "$0.00", numbers.duration(one["seconds"])]


def test_controls_stand_below_as_summary_json_has_them(folders: tuple[Path, ...], page: Read) -> None:
    one = summary_of(folders[0])
    rows = {row[1]: row for row in shown(page, "control")}
    assert rows.keys() == one["controls"].keys()
    for name, values in one["controls"].items():
        low, high = one["controlled"][name]["intervals"]["kf1"]
        assert rows[name][2] == numbers.score(values["kf1"])
        assert rows[name][4] == numbers.interval(low, high, 3)
        assert rows[name][6:10] == [*(numbers.score(values[x]) for x in ("f1", "recall", "precision")), "24"]


def test_unscored_samples_are_a_share_with_their_reason(page: Read) -> None:
    share = numbers.score(UNANSWERED / 24)
    assert shown(page, "2")[0][10] == f"{share}: no answer {UNANSWERED}"
    assert shown(page, "1")[0][10] == "0"


def test_a_refused_headline_is_told_in_words(folders: tuple[Path, ...], page: Read) -> None:
    why = summary_of(folders[2])["headline"]["refused"]
    assert f"No headline: {why}" in shown(page, "3")[0][1]
    assert "No headline" not in shown(page, "1")[0][1]


def test_letters_are_those_of_compare(folders: tuple[Path, ...], view: View) -> None:
    told = {one["run"]: one["letters"] for one in compare_runs(folders)["systems"]}
    assert {str(row.run.path): row.letters for row in view.runs} == told
    assert len(set(told.values())) > 1
    assert [note for note in view.notes if "refused" in note] == []


def test_who_answers_alike_is_tied(folders: tuple[Path, ...], tmp_path: Path) -> None:
    shutil.copytree(folders[0], tmp_path / "twin")
    [view] = views_of(open_book([folders[0], tmp_path / "twin", folders[2]]).boards[0])
    first, second, third = view.runs
    assert first.letters == second.letters != third.letters
    assert {first.name, second.name} == {
        f"{first.run.manifest['spec']['model']} answer file ({one})" for one in (folders[0].name, "twin")
    }


def test_the_band_is_from_the_best_blind_control_to_the_oracle(
    folders: tuple[Path, ...], book: Book, view: View
) -> None:
    controls = {name: values["kf1"] for name, values in summary_of(folders[0])["controls"].items()}
    best = max(BLIND, key=lambda name: controls[name])
    assert (view.band.blind, view.band.low, view.band.high) == (best, controls[best], controls["oracle"])
    assert view.band.drawn
    assert not replace(view.band, high=view.band.low).drawn
    said = lead(book.boards[0], view)
    assert f"({best}) reaches {numbers.score(controls[best])}, the annotation itself 1.000." in said
    assert said.startswith("3 runs on scenes, 24 samples: kF1 as the judge overlap gives it")
    assert "only 0.100" in lead(book.boards[0], replace(view, band=replace(view.band, high=0.1, low=0.2)))
    assert "not known what a blind answer" in lead(book.boards[0], replace(view, band=None))


def test_runs_of_baselines_stand_in_for_controls(tmp_path: Path) -> None:
    for name in ("prior", "oracle"):
        run(run_options({"out": tmp_path / name, "task": "scenes", "model": f"baseline:{name}", "limit": 6}), Deaf())
    [view] = views_of(open_book([tmp_path / "prior", tmp_path / "oracle"]).boards[0])
    assert view.controls == ()
    assert (view.band.blind, view.band.high) == ("prior", 1.0)
    assert view.band.low == summary_of(tmp_path / "prior")["scores"]["kf1"]["overall"]["value"]


def test_a_name_is_never_markup(page: Read, book: Book) -> None:
    assert "onerror" not in {name for _, attributes in page.elements for name in attributes}
    assert "img" not in {name for name, _ in page.elements}
    assert HOSTILE.replace("\u202e", "\\u202e") in shown(page, "1")[0][1]
    assert "\u202e" not in page.words
    assert "\u202e" in book.boards[0].runs[0].name  # or the line above could not fail


def official(score: str, book: Book) -> tuple[Board, Judged]:
    """A board of eibench-basic whose one run an official judge judged, with no more than the page reads."""
    board = book.boards[0]
    one = board.runs[0].judges[0]
    entry = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 24, "bounds": [0.5, 0.5]}
    scores = {name: {"overall": entry} for name in ("corrected_recall", "trigger_recall", "official_recall")}
    summary = {**one.summary, "scores": scores, "headline": {"score": score}, "controls": {}, "controlled": {}}
    finished = replace(one.finished, summary=summary, judge={"name": "official-llama3"})
    judged = Judged("official-1", "official-llama3 (l)", finished)
    task = type("Task", (), {"name": "eibench-basic"})()
    runs = tuple(replace(run, judges=(judged,)) for run in board.runs[:2])
    return replace(board, task=task, runs=runs), judged


def test_claimed_figures_stand_beside_official_recall_only(book: Book) -> None:
    board, judged = official("corrected_recall", book)
    first, second = standings(board, judged)
    assert (first.score, second.score) == ("corrected_recall", "official_recall")
    assert first.claimed == ()
    text = files("whyfeel.tasks.published").joinpath("eibench.csv").read_text("utf-8")
    rows = [one for one in csv.DictReader(text.splitlines()) if one["subset"] == "basic" and "llama" in one["judge"]]
    wanted = sorted((round(float(one["overall"]) / 100, 6) for one in rows), reverse=True)
    assert [round(one.value, 6) for one in second.claimed] == wanted
    assert {one.n for one in second.claimed} == {1615}
    assert len(wanted) == 31


def test_runs_are_not_compared_by_official_recall(book: Book) -> None:
    board, judged = official("corrected_recall", book)
    first, second = standings(board, judged)
    assert "released scorer's own figure" in second.notes[0]
    assert {row.letters for row in second.runs} == {""}
    assert "Who is tied cannot be said" in first.notes[0]  # overlap gives no such score


def test_a_run_without_a_value_has_no_rank_and_comes_last(book: Book) -> None:
    board, judged = official("corrected_recall", book)
    nothing = {"value": None, "low": None, "high": None, "n": 0, "bounds": None, "why": "no sample has a score"}
    summary = {**judged.summary, "scores": {"corrected_recall": {"overall": nothing}}, "scored": 0}
    poor = replace(judged, finished=replace(judged.finished, summary=summary))
    board = replace(board, runs=(replace(board.runs[0], judges=(poor,)), board.runs[1]))
    view = next(iter(standings(board, judged)))
    assert [(row.rank, row.value, row.why) for row in view.runs] == [
        (1, 0.5, ""),
        (None, None, "no sample has a score"),
    ]


def test_without_runs_the_index_leads_to_the_other_pages() -> None:
    book = Book((), (), ())
    assert b"<h1>whyfeel report</h1>" in index_of(book)


@given(st.lists(st.none() | st.floats(-3, 3), max_size=6), st.floats(-3, 3), st.floats(-3, 3))
def test_what_is_drawn_stays_in_the_drawing(values: list[float | None], one: float, other: float) -> None:
    found = scale(values)
    assert found.low <= min([0.0, *(value for value in values if value is not None)])
    assert found.high >= max([1.0, *(value for value in values if value is not None)])
    assert EDGE <= found.x(one) <= WIDTH - EDGE
    assert found.x(found.low) == EDGE
    assert found.x(found.high) == WIDTH - EDGE
    assert one > other or found.x(one) <= found.x(other)
    assert found.span(one, other) >= 0
