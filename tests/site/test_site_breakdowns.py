"""Breakdowns: every figure against hand-derived values, the summaries, or a few lines that count again."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from breakdown_runs import HOSTILE, SIZE, answered, found, records, scored, three, triggers, with_runs
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from truthful_judge import truthful
from whyfeel.engine import LEDGER, Ledger
from whyfeel.judging.quotes import AnswerText
from whyfeel.judging.verdicts import VerdictsJudge
from whyfeel.prompts import load_prompts
from whyfeel.records import AnnotatedTrigger, Annotation, Answer, Judgement, Response, Text, Unscored, json_line
from whyfeel.report import numbers
from whyfeel.site.book import Book, open_book
from whyfeel.site.breakdown_data import (
    by_emotion,
    by_length,
    by_triggers,
    recall_and_precision,
    trigger_groups,
    views_of,
)
from whyfeel.site.breakdown_judges import RESAMPLES, RHO, judges_compared
from whyfeel.site.breakdown_kinds import by_kind, found_of, read_kinds
from whyfeel.site.breakdowns import Breakdowns, chart_of, csv_of, table_of
from whyfeel.site.options import SiteOptions
from whyfeel.site.shell import Shell
from whyfeel.stats.ranks import spearman
from whyfeel.stats.resampling import Bootstrap


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    return three(tmp_path_factory.mktemp("three"))


@pytest.fixture(scope="module")
def drawn(book: Book) -> dict[str, bytes]:
    return {file.address: file.content for file in Breakdowns().files(book)}


def rows_of(content: bytes | str) -> list[dict[str, str]]:
    text = content.decode() if isinstance(content, bytes) else content
    return list(csv.DictReader(io.StringIO(text, newline="")))


def lines(book: Book, place: int) -> list[dict[str, Any]]:
    path = book.boards[0].runs[place].path / "judgements.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_scores_by_emotion_are_those_of_the_summary_to_the_digit(book: Book, drawn: dict[str, bytes]) -> None:
    view = views_of(book.boards[0])[0]
    told = by_emotion(view)
    heads, rows = table_of(told)
    assert heads == ["sad", "happy"]
    in_file = {(row["run"], row["group"]): row for row in rows_of(drawn["plots/jsonl-1-emotion.csv"])}
    for (run, _), row in zip(view.runs, rows, strict=True):
        summary = json.loads((run.path / "summary.json").read_text())["scores"]["kf1"]
        for head, cell in zip(heads, row["cells"], strict=True):
            one = summary[head]
            written = [f"{one['value']:.3f}", f"[{one['low']:.3f}, {one['high']:.3f}]", f"n {one['n']}"]
            assert [text.replace("-0.000", "0.000") for text in written] == cell
            line = in_file[run.name, head]
            assert [float(line[key]) for key in ("n", "value", "low", "high")] == [
                one[key] for key in ("n", "value", "low", "high")
            ]
            assert (line["judge"], line["score"], line["few"]) == ("overlap", "kf1", "0")
    assert len(in_file) == 6
    # in the chart the runs of a group stand one below the other, in their order, and apart from the next group's
    places = [point.y for line in chart_of(told).lines for point in line.points]
    assert places == pytest.approx([-7 / 30, 23 / 30, 0, 1, 7 / 30, 37 / 30])


def test_scores_by_number_of_triggers_are_what_the_judgements_come_to(book: Book) -> None:
    view = views_of(book.boards[0])[0]
    told = by_triggers(view, book.boards[0].samples)
    assert told.groups == ("1 or 2", "3", "4", "5 or more")
    named = [cell.y.value for cell in told.cells if cell.run.startswith("answers:first")]
    # an answer that names one of n triggers and claims nothing else: recall 1 / n, precision 1
    assert named == pytest.approx([2 / 3, 2 / 4, 2 / 5, 2 / 6])
    for place, (run, _) in enumerate(view.runs):
        counts = [line["counts"] for line in lines(book, place)]
        for n, cell in zip((2, 3, 4, 5), [one for one in told.cells if one.run == run.name], strict=True):
            own = [one for one in counts if one["total"] == n]
            f1, chance = (math.fsum(one[name] for one in own) / len(own) for name in ("f1", "chance"))
            assert cell.y.value == pytest.approx((f1 - chance) / (1 - chance))
            assert cell.y.n == len(own) == 10


def test_intervals_resample_pictures(tmp_path: Path) -> None:
    """Both records of a picture are alike: the interval is that of 20 pictures, not of 40 samples."""
    data = records(tmp_path, lambda i: {"triggers": triggers(4 * i + i // 20)})
    board = open_book([answered(tmp_path, data, "one", lambda i: "nothing")]).boards[0]
    run = board.runs[0]
    alike = scored(run.judges[0], np.array([float(i // 2 % 2) for i in range(SIZE)]))
    board = with_runs(board, replace(run, judges=(alike,))).boards[0]
    told = by_triggers(views_of(board)[0], board.samples)
    assert told.groups == ("1 or 2", "3")
    shares = np.random.default_rng(1).binomial(10, 0.5, 20_000) / 10
    for cell in told.cells:
        assert cell.y.value == pytest.approx(0.5)
        assert (cell.y.low, cell.y.high) == pytest.approx(np.quantile(shares, (0.025, 0.975)), abs=0.051)
        assert cell.y.n == 20


@pytest.mark.parametrize(
    ("counts", "names"),
    [
        ([2, 3, 4, 7], {2: "1 or 2", 3: "3", 4: "4", 7: "5 or more"}),
        ([1, 2, 3, 3], {1: "1 or 2", 2: "1 or 2", 3: "3"}),
        ([5, 6, 7, 8], {5: "5", 6: "6", 7: "7", 8: "8"}),  # all in one of the groups: quarters
        ([6, 6, 6, 6, 6, 9], {6: "6", 9: "9"}),
        ([3], {3: "3"}),
    ],
)
def test_groups_of_numbers_of_triggers(counts: list[int], names: dict[int, str]) -> None:
    assert trigger_groups(counts)[0] == names


@given(st.lists(st.integers(1, 30), min_size=1))
def test_every_number_of_triggers_has_one_group_and_groups_keep_their_order(counts: list[int]) -> None:
    names, said = trigger_groups(counts)
    assert set(names) == set(counts)
    assert said.startswith(("Groups: 1 or 2 annotated", "Groups: quarters"))
    ordered = [names[n] for n in sorted(names)]
    assert len(list(dict.fromkeys(ordered))) == 1 + sum(a != b for a, b in pairwise(ordered))


def test_lengths_are_quarters_of_each_runs_own_answers(tmp_path: Path) -> None:
    data = records(tmp_path)
    short = answered(tmp_path, data, "short", lambda i: None if i < 4 else " ".join(["word"] * i))
    same = answered(tmp_path, data, "same", lambda i: "not a thing")
    told = by_length(views_of(open_book([short, same]).boards[0])[0])
    cells = {(cell.run.split()[0], cell.group): cell for cell in told.cells}
    assert len(cells) == 5
    quarters = [cells["answers:short", f"quarter {n}"] for n in (1, 2, 3, 4)]
    assert [cell.said for cell in quarters] == ["4 to 12 words", "13 to 21 words", "22 to 30 words", "31 to 39 words"]
    assert [cell.y.n for cell in quarters] == [9, 9, 9, 9]
    assert quarters[0].x is not None
    assert (quarters[0].x.value, quarters[0].x.low, quarters[0].x.high) == (8, 4, 12)
    assert (cells["answers:same", "quarter 1"].said, cells["answers:same", "quarter 1"].y.n) == ("3 words", SIZE)
    _, rows = table_of(told)
    assert "few" in rows[0]["cells"][0]
    assert "few" not in rows[1]["cells"][0]
    assert [len(cell) for cell in rows[1]["cells"]] == [4, 0, 0, 0]
    points = chart_of(told).lines[0].points
    assert all(point.few and point.y_ends and point.x_ends is None for point in points), "the range is no interval"
    line = rows_of(csv_of(told))[0]
    assert (line["words"], line["words_least"], line["words_most"], line["few"]) == ("8.0", "4.0", "12.0", "1")


def test_recall_against_precision_is_a_point_a_run_with_its_controls(book: Book) -> None:
    view = views_of(book.boards[0])[0]
    run, judged = view.runs[1]
    controls = {"stuff": {"recall": 1.0, "precision": 0.1}, "pair": {"preferred": 0.5}}
    summary = {**judged.summary, "controls": controls}
    changed = replace(judged, finished=replace(judged.finished, summary=summary))
    told = recall_and_precision(replace(view, runs=((run, changed),)))
    assert told.marks == (("stuff", 1.0, 0.1),)
    (point,) = chart_of(told).lines[0].points
    scores = summary["scores"]
    assert (point.x, point.y) == (scores["recall"]["overall"]["value"], 1.0)
    assert point.x_ends == (scores["recall"]["overall"]["low"], scores["recall"]["overall"]["high"])
    assert table_of(told)[0] == ["recall", "precision"]
    assert table_of(told)[1][0]["cells"][0][0] == numbers.score(point.x)
    (line,) = rows_of(csv_of(told))
    assert (float(line["recall"]), float(line["value"]), line["score"]) == (point.x, 1.0, "precision")


def annotation(folder: Path, changes: dict[int, str]) -> Path:
    """An annotation from which the records were exported: every other trigger is seen, kinds take turns."""
    kinds: list[Any] = ["environment", "social", None]
    folder.mkdir()
    spec = {"source": "records", "vlm": "m", "llm": "m", "settings": {}, "prompts": {}, "data": {}}
    manifest = {"kind": "annotate", "created": "", "spec": spec, "addresses": [], "images": None}
    (folder / "run.json").write_text(json.dumps(manifest))
    with (folder / "annotations.jsonl").open("w") as file:
        for i in range(SIZE):
            known = [
                AnnotatedTrigger(f"t{n}", changes.get(i, "") * (n == 1) + text, kinds[n % 3], (True, False)[n % 2])
                for n, text in enumerate(triggers(i))
            ]
            file.write(f"{json_line(Annotation(f'r{i:02}', triggers=tuple(known)).to_json())}\n")
    Ledger(folder / LEDGER).close()
    return folder


def test_kinds_of_triggers_are_those_of_the_annotation(book: Book, tmp_path: Path) -> None:
    board = book.boards[0]
    kinds = read_kinds([annotation(tmp_path / "a", {0: "other "})], board.samples)
    assert len(kinds) == SIZE - 1, "a record with other triggers is another record"
    told = by_kind(views_of(board)[0], board.samples, kinds)
    cells = {(cell.run.split()[0], cell.group): cell.y for cell in told.cells}
    # of the records 1 to 39, 39 have a first and a second trigger, 30 a third, 20 a fourth, 10 a fifth;
    # the run "first" finds the first alone: explicit, of the environment, as the fourth is
    first = {group: one.value for (run, group), one in cells.items() if run == "answers:first"}
    assert first == pytest.approx({"environment": 39 / 59, "social": 0, "explicit": 39 / 79, "implicit": 0})
    assert cells["answers:first", "environment"].n == 39
    assert cells["answers:all", "implicit"].value == 1


def test_what_the_data_do_not_tell_is_said(book: Book, drawn: dict[str, bytes], tmp_path: Path) -> None:
    (page,) = Breakdowns().pages(book)
    (section,) = page.values["sections"]
    kind = next(one for one in section["told"] if one["title"].startswith("By kind"))
    assert kind["nothing"].startswith("The records do not tell the kinds")
    assert not [address for address in drawn if "kind" in address]
    assert len(drawn) == 8
    silent = answered(tmp_path, records(tmp_path), "silent", lambda i: None)
    (page,) = Breakdowns().pages(open_book([silent]))
    told = [one["nothing"] for one in page.values["sections"][0]["told"]]
    assert told[:2] == [told[3], told[4]] == ["Nothing was scored."] * 2


def test_a_judge_that_names_no_triggers_has_no_kinds(book: Book) -> None:
    board = book.boards[0]
    view = views_of(board)[0]
    run, judged = view.runs[0]
    counted = tuple(replace(one, detail={"log": "{score: 1/2}", "tries": 1}) for one in judged.finished.judgements)
    changed = replace(judged, finished=replace(judged.finished, judgements=counted))
    kinds = {
        one.id: {t.text: AnnotatedTrigger("t", t.text, "object", True) for t in one.triggers} for one in board.samples
    }
    told = by_kind(replace(view, runs=((run, changed),)), board.samples, kinds)
    assert told.nothing == "This judge counts triggers and does not say which of them it found."


def test_what_judges_say_of_each_trigger(book: Book) -> None:
    sample = book.boards[0].samples[3]
    texts = load_prompts()

    def verdict(answer: str) -> Judgement:
        asking = VerdictsJudge(texts).judge(sample, Response(sample.id, answer))
        try:
            ask: Any = next(asking)
            asking.send(
                Answer("k", truthful("\n".join(one.text for one in ask.messages[-1].parts if isinstance(one, Text))))
            )
        except StopIteration as end:
            judged: Judgement = end.value
            return judged
        raise AssertionError("asked again")

    third = verdict(f"{sample.triggers[2].text}")
    assert found_of(third, 5) == [0, 0, 1, 0, 0]
    assert found_of(verdict("..."), 5) == [0] * 5, "nothing to quote: the judge is not asked"
    assert AnswerText("...").find("x").times == 0
    shared = replace(third, detail={"verdicts": [{"verdict": "supported", "shared": True}, {"verdict": "absent"}]})
    assert found_of(shared, 2) == [0, 0]
    members = [{"detail": third.detail}, {"detail": verdict(sample.triggers[0].text).detail}]
    assert found_of(Judgement("x", detail={"members": members}), 5) == [0.5, 0, 0.5, 0, 0]
    assert found_of(Judgement("x", detail={"members": [*members, {"detail": {"tries": 3}}]}), 5) is None
    assert found_of(Judgement("x", unscored=Unscored("unparsed")), 5) is None
    assert found_of(Judgement("x", detail={"matched": [[1, "a", 0.9]]}), 2) == [0, 1]


def test_two_judges_are_held_against_each_other(book: Book) -> None:
    board = book.boards[0]
    run = board.runs[2]
    draw = np.random.default_rng(3)
    own = draw.random(SIZE)
    own[-2:] = (0.6, 1)
    run = replace(run, judges=(scored(run.judges[0], own),))
    values = draw.integers(0, 5, SIZE) / 4
    values[:3] = np.nan
    other = scored(run.judges[0], values, id="other-1", title="=other")
    (told,) = judges_compared(with_runs(board, replace(run, judges=(run.judges[0], other))).boards[0])
    ((name, fact, rho),) = told.facts
    assert (name, fact, rho.n) == (run.name, RHO, SIZE - 3)
    assert rho.value == pytest.approx(spearmanr(own[3:], values[3:]).statistic)
    pictures = [f"p{i // 2:02}" for i in range(3, SIZE)]
    again = spearman(np.array([own[3:], values[3:]]).T, Bootstrap(0, RESAMPLES, pictures))
    assert (rho.low, rho.high) == (again.low, again.high)
    for cell in told.cells:
        low, high = map(float, cell.group.split(" to "))
        held = [n for n in range(3, SIZE) if low <= own[n] < high or own[n] == high == 1]
        assert cell.y.n == len(held)
        assert cell.x is not None
        assert (cell.x.value, cell.y.value) == pytest.approx((own[held].mean(), values[held].mean()))
    assert sum(cell.y.n for cell in told.cells) == SIZE - 3
    heads, rows = table_of(told)
    assert heads[0] == RHO
    assert rows[0]["cells"][0][:2] == [numbers.score(rho.value), numbers.interval(rho.low, rho.high, 3)]
    assert rows_of(csv_of(told))[-1]["score"] == RHO
    assert (chart_of(told).x, chart_of(told).y) == ("overlap, F1", "=other, F1")
    best = board.runs[0]
    whole = replace(best, judges=(best.judges[0], replace(other, finished=best.judges[0].finished)))
    (told,) = judges_compared(with_runs(board, whole, replace(run, judges=(run.judges[0], other))).boards[0])
    assert next(cell.group for cell in told.cells) == "0.8 to 1"
    assert [group[:3] for group in told.groups] == sorted(group[:3] for group in told.groups)
    assert len(told.groups) > 1
    nobody = scored(run.judges[0], np.full(SIZE, np.nan), id="nobody")
    (told,) = judges_compared(with_runs(board, replace(run, judges=(run.judges[0], nobody))).boards[0])
    assert told.nothing == "No sample was scored by both judges."


def test_many_runs_and_groups_are_all_in_the_table_and_the_best_in_the_chart(book: Book) -> None:
    board = book.boards[0]
    runs = [
        replace(
            board.runs[n % 3],
            slug=f"r{n}",
            name=f"run {n}",
            judges=(scored(board.runs[0].judges[0], np.full(SIZE, n / 20)),),
        )
        for n in range(20)
    ]
    view = views_of(with_runs(board, *runs).boards[0])[0]
    told = by_triggers(view, board.samples)
    assert [line.name for line in chart_of(told).lines] == [f"run {n}" for n in range(8, 20)]
    assert len(table_of(told)[1]) == 20
    (page,) = Breakdowns().pages(with_runs(board, *runs))
    assert page.values["sections"][0]["told"][1]["said"].endswith(
        "Drawn: the 12 best runs of 20; the table and the CSV have all."
    )


def test_pages_draw_nothing(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    part = Breakdowns()
    assert [page.address for page in part.pages(book)] == ["breakdowns/jsonl"]
    with pytest.raises(ImportError):
        next(part.files(book))


def test_pages_and_files_count_once(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr("whyfeel.site.breakdowns.by_length", lambda view: calls.append(1) or by_length(view))
    part = Breakdowns()
    for _ in part.pages(book), part.files(book):
        list(_)
    list(part.pages(replace(book)))
    assert len(calls) == 2, "once a book"


def words_of(book: Book) -> Iterator[str]:
    part = Breakdowns()
    pages = list(part.pages(book))
    shell = Shell(pages, SiteOptions())
    yield from (shell.page(page).decode() for page in pages)


def test_hostile_words_are_told_as_words(tmp_path: Path) -> None:
    data = records(tmp_path, lambda i: {"emotion": HOSTILE if i % 2 else "sad"})
    book = open_book([answered(tmp_path, data, "a", lambda i: HOSTILE + found(i, 1))])
    run = replace(book.boards[0].runs[0], name=HOSTILE)
    hostile = with_runs(book.boards[0], run)
    (page,) = words_of(hostile)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "\u202e" not in page
    for file in Breakdowns().files(hostile):
        if file.address.endswith(".svg"):
            words = "".join(ElementTree.fromstring(file.content).itertext())
            assert "=1+1 <script>" in words
            assert "\u202e" not in words
        else:
            cells = [cell for row in csv.reader(io.StringIO(file.content.decode(), newline="")) for cell in row]
            assert [cell for cell in cells if cell.startswith("'=1+1")]
            assert not [cell for cell in cells if cell.startswith("=")]
