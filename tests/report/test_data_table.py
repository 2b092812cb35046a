"""The table of `whyfeel data check`: eighty columns, whatever the data hold."""

from __future__ import annotations

import re

from rich.console import Console

from whyfeel.report.data_table import data_table
from whyfeel.tasks import DataReport, Malformed


def shown(report: DataReport) -> str:
    console = Console(width=80, highlight=False, force_terminal=False)
    with console.capture() as capture:
        for part in data_table(report):
            console.print(part)
    return capture.get()


def test_data_with_long_names_keep_their_counts() -> None:
    flags = (("[i]" + "r" * 100, "odd " * 30),)
    text = shown(DataReport("jsonl", 1234, 5678, {"[/a]": 11, "b" * 200: 22}, flags, 99, (("p" * 200, "w" * 200),)))
    assert max(map(len, text.splitlines())) <= 80
    for number in ("1,234", "5,678", "11", "22", "99"):
        assert re.search(rf" {number}$", text, re.MULTILINE)
    assert "[/a]" in text
    assert "[i]" in text


def test_each_list_has_its_own_table_and_an_empty_one_none() -> None:
    names = DataReport("t", 1, 1, {}, (), 0, ())
    assert len([line for line in shown(names).splitlines() if "───" in line]) == 0
    full = DataReport(
        *("t", 1, 1, {}, (("r1", "odd"),), 5),
        (("Gone.png", "no such file: 'Gone.png'; there is 'gone.png'"), ("cut.png", "cut off")),
        malformed=(Malformed("/data/r.jsonl", 1234, "why"), Malformed("/data/r.jsonl", None, "no record")),
        left_out=(("p#sad", "no reason"),),
        missing=("Gone.png",),
        duplicates=(("a", "b", "c"),),
        case_clashes=(("x", "X"),),
        remembered=3,
        urls=7,
    )
    lines = [" ".join(line.split()) for line in shown(full).splitlines()]
    for row in (
        *("records that cannot be read 2", "seen before, so not decoded again 3", "pictures that cannot be sent 2"),
        *("of these, not there 1", "pictures at URLs, not looked at 7", "r.jsonl, line 1,234 why", "r.jsonl no record"),
        *(
            "r1 odd",
            "left out 1",
            "p#sad no reason",
            "Gone.png there is 'gone.png'",
            "cut.png cut off",
            "a b, c",
            "x X",
        ),
    ):
        assert lines.count(row) == 1, row


def test_a_list_is_cut_where_it_gets_long() -> None:
    for n, said in ((20, []), (21, ["and 1 more (all with --json)"]), (1234, ["and 1,214 more (all with --json)"])):
        flags = tuple((f"id{number}", "odd") for number in range(n))
        lines = shown(DataReport("t", n, n, {}, flags, 0, ())).splitlines()
        assert sum(line.startswith("id") for line in lines) == 20
        assert [line for line in lines if line.startswith("and")] == said
