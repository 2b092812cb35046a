"""What people said of answers: counts of the studies that are unblinded, by the runs whose very answers they show."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from site_boards import Made, make_board, overlapped, sample
from site_studies import VOTES, digest, pairs, study
from test_site_payload import read

from study.simulated import LENIENT, answered, collect, make_design, unblinded
from whyfeel.records import Response
from whyfeel.site.book import Board, Book
from whyfeel.site.explorer import Explorer
from whyfeel.site.options import SiteOptions
from whyfeel.site.people import People, hear
from whyfeel.study.folder import StudyFolder


@pytest.fixture
def board(tmp_path: Path) -> Board:
    """Runs "one", "two" and "three" about s0000 and s0001."""
    samples = [sample(n, id=f"s{n:04}") for n in range(2)]
    made = []
    for name in ("one", "two", "three"):
        responses = [Response(one.id, f"a cake, says {name}") for one in samples]
        made.append(Made(name, responses, {"overlap": overlapped(samples, responses)}))
    return make_board(tmp_path, samples, *made)


def test_votes_of_a_pair_stand_with_either_run_from_its_own_side(board: Board, tmp_path: Path) -> None:
    design, collected = pairs(VOTES, statuses={8: "withdrawn"})
    book = Book((board,), (), (study(tmp_path / "s", design, collected, {1: digest(board, 2), 2: digest(board, 0)}),))
    people = People(hear(book), board)
    assert people.of(2, "s0000") == [[0, ["model 2", 3, 1, 0, 2]]]
    assert people.of(0, "s0000") == [[0, ["model 1", 1, 3, 0, 2]]]
    assert people.of(0, "s0001") == [[0, ["model 1", 0, 0, 1, 0]]]
    assert people.of(1, "s0000") == []
    assert [people.rated(run) for run in range(3)] == [{"s0000", "s0001"}, set(), {"s0000", "s0001"}]
    assert people.studies == [{"title": "A study", "address": "studies/s", "question": "Which?"}]


def test_ratings_are_a_mean_and_a_count_a_point(board: Board, tmp_path: Path) -> None:
    design = make_design("rating", items=2, systems=1, rules=replace(LENIENT, attention=0))
    points = ["5", "5", "0", "4", "skip", "1"]
    trials = [answered(rater, 1, design.items[0].id, point) for rater, point in enumerate(points, 1)]
    trials += [answered(6, 2, "0", "3", role="attention")]  # it asks for another answer: who gives it does not count
    collected = unblinded(collect(trials), 3000.0, 2)
    book = Book((board,), (), (study(tmp_path / "s", design, collected, {1: digest(board, 1)}),))
    people = People(hear(book), board)
    assert people.of(1, "s0000") == [[0, ["3.50", [1, 0, 0, 0, 1, 2]]]]
    assert people.of(1, "s0001") == []  # nobody was shown it
    assert people.studies[0]["points"] == [0, 1, 2, 3, 4, 5]


def files(board: Board, *studies: Path) -> dict[str, Any]:
    made = Explorer(SiteOptions(pictures=False)).files(Book((board,), (), studies))
    return dict(read(one.content) for one in made)


def test_the_explorer_is_told_of_each_study_that_is_about_it_and_of_no_rater(board: Board, tmp_path: Path) -> None:
    design, collected = pairs(VOTES)
    other = study(tmp_path / "a" / "s", design, collected, {1: "0" * 64, 2: "1" * 64})  # about other runs
    mine = study(tmp_path / "b" / "s", design, collected, {1: digest(board, 1)})  # beside what people wrote
    told = files(board, other, mine)
    index, samples = told["toys/index"], told["toys/0"]["samples"]
    assert [one["address"] for one in index["studies"]] == ["studies/s-2"]  # as its page is called
    assert [run["rated"] for run in index["runs"]] == [[], [0, 1], []]
    assert [[run.get("people") for run in one["runs"]] for one in samples] == [
        [None, [[0, ["model 2", 3, 2, 0, 2]]], None],
        [None, [[0, ["model 2", 0, 0, 1, 0]]], None],
    ]
    assert not any(word in json.dumps(told) for word in ("secret", "over 40", "rater", "system"))
    without = files(board)
    assert [run["rated"] for run in without["toys/index"]["runs"]] == [[], [], []]
    assert "people" not in json.dumps(without["toys/0"])


def test_a_blind_study_is_silent_and_stays_blind(board: Board, tmp_path: Path) -> None:
    design, collected = pairs(VOTES)
    blind = study(tmp_path / "s", design, replace(collected, unblinding=None), {1: digest(board, 1)})
    assert files(board, blind) == files(board)
    StudyFolder(blind).key.unlink()  # it is not even read
    assert files(board, blind) == files(board)


def test_answers_that_changed_since_are_not_those_that_people_saw(board: Board, tmp_path: Path) -> None:
    design, collected = pairs(VOTES)
    seen = study(tmp_path / "s", design, collected, {1: digest(board, 1)})
    path = board.runs[1].path / "responses.jsonl"
    path.write_text(path.read_text("utf-8").replace("a cake", "a lake"), "utf-8")
    assert files(board, seen) == files(board)
