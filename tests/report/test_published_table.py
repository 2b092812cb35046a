"""The table of `whyfeel published`."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from whyfeel.report.published_table import published_table

EMPTY = dict.fromkeys(("measured", "low", "high", "corrected", "difference", "run")) | {"why": "", "group": "overall"}
FIRST = {"subset": "basic", "setting": "User Question & Caption", "model": "LLaMA-3 (8B) (Text Only)", "judge": "llama"}
COMMAND = "whyfeel run eibench-basic --model http://127.0.0.1:8000/v1#Qwen/Qwen-VL-Chat --strategy direct --out RUN"


def row(status: str, claimed: float, **more: Any) -> dict[str, Any]:
    return EMPTY | FIRST | {"claimed": claimed, "status": status} | more


@pytest.fixture
def document() -> dict[str, Any]:
    measured = {"low": 52.054, "high": 56.66, "difference": 0.18, "run": "runs/a"}
    return {
        "benchmark": "eibench",
        "source": {"repository": "https://example.org/x", "commit": "aff98d0", "file": "README.md"},
        "rows": [
            row("verified", 54.37, measured=54.55, **measured),
            row("differs", 41.3, model="Otter", measured=100.0, low=100.0, high=100.0, difference=58.7),
            row("differs", 12.34, model="Otter", group="sad", measured=9.876, low=8.0, high=11.0, difference=-2.464),
            row("not comparable", 31.0, model="M1", why="1,614 of 1,615 samples", measured=30.0),
            row("not comparable", 32.0, model="M2", why="judged by \x1b[2Jevil[/red]"),
            row("not yet run", 33.0, model="M3", setting="User Question & CoT"),
            row("can no longer be run", 34.0, model="M4", why="gone in 2024", judge="gpt"),
            row("can no longer be run", 35.0, model="M5", why="gone in 2026", judge="gpt", subset="complex"),
            row("can no longer be run", 36.0, model="M6", why="gone in 2024", judge="gpt", subset="complex"),
        ],
        "counts": {
            "verified": 1,
            "differs": 2,
            "not comparable": 2,
            "not yet run": 1,
            "can no longer be run": 3,
        },
        "arithmetic": {
            "tolerance": 0.06,
            "checked": 62,
            "exceptions": [FIRST | {"published": 48.58, "implied": 48.38, "difference": 0.2}],
        },
        "left_out": [{"run": "runs/\x1b[31m[b]", "why": "not about EIBench: it is a run of scenes"}],
        "notes": ["2 runs fit X: the later one is shown, 'runs/a'"],
        "bars": ["captions were never published", "another"],
        "next": COMMAND,
    }


def printed(document: dict[str, Any]) -> list[str]:
    console = Console(width=80, highlight=False)
    with console.capture() as capture:
        for part in published_table(document):
            console.print(part)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_one_row_a_model_and_setting(document: dict[str, Any]) -> None:
    lines = printed(document)
    assert max(map(cell_len, lines)) <= 80
    wanted = [
        ["LLaMA-3 (8B) (Text Only)", "54.37", "54.55 [52.1, 56.7]", "verified (+0.18)"],
        ["Otter", "41.30", "100.00 [100.0, 100.0]", "differs (+58.70)"],
        ["M1", "31.00", "30.00 n/a", "not comparable (1,614"],
        ["M3", "33.00", "not yet run"],
        ["M4", "34.00", "can no longer be run (1)"],
        ["M5", "35.00", "can no longer be run (2)"],
        ["M6", "36.00", "can no longer be run (1)"],
    ]
    for cells in wanted:
        [line] = [line for line in lines if line.split()[:1] == cells[0].split()[:1] and cells[1] in line]
        assert [cell for cell in cells if cell in line] == cells
    assert [line for line in lines if "judged by" in line and "overall" in line] == [
        "basic · overall · judged by llama",
        "basic · overall · judged by gpt",
        "complex · overall · judged by gpt",
    ]
    assert "(1) gone in 2024" in lines
    assert "(2) gone in 2026" in lines


def test_counts_and_lines(document: dict[str, Any]) -> None:
    text = " ".join(" ".join(printed(document)).split())
    assert (
        "8 overall figures: 1 verified, 1 differs, 2 not comparable, 1 not yet run, 3 can no longer be run 9 figures "
        "with their classes: 1 verified, 2 differs," in text
    )
    assert "61 of 62 overall figures are the mean of their classes within 0.06, not so:" in text
    assert "48.58, by its classes 48.38 (+0.20)" in text
    assert "captions were never published; another" in text
    assert "2 runs fit X" in text


def test_a_class_that_differs_is_told(document: dict[str, Any]) -> None:
    [line] = [line for line in printed(document) if "12.34" in line]
    assert "9.88 [8.0, 11.0]" in line
    assert "sad, judged by llama" in " ".join(" ".join(printed(document)).split())
    document["rows"] = [row for row in document["rows"] if row["group"] == "overall"]
    assert not any("classes that differ" in line for line in printed(document))


def test_words_out_of_runs_do_not_draw_on_the_terminal(document: dict[str, Any]) -> None:
    text = "\n".join(printed(document))
    assert "\x1b" not in text
    assert "evil[/red]" in "".join(text.split())
    assert "runs/\\x1b[31m[b]: not about EIBench" in text


def test_the_command_can_be_pasted(document: dict[str, Any]) -> None:
    lines = printed(document)
    at = lines.index("To measure the first that is left:")
    pasted = "\n".join(lines[at + 1 :]).replace("\\\n", "")  # as a shell joins lines
    assert shlex.split(pasted) == COMMAND.split()
    assert "\n" not in pasted
    document["next"] = None
    assert not any("To measure" in line or "whyfeel run" in line for line in printed(document))
