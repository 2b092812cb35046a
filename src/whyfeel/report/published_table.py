"""What `whyfeel published` prints: the overall figures, one row a model and setting, a table a judge and subset."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import WIDTH, listing
from whyfeel.report.words import visible

OVERALL = "overall"
HEADS = ("", "claimed", "measured [95%]", "status")
GONE = "can no longer be run"

Row = Mapping[str, Any]


def published_table(document: Mapping[str, Any]) -> list[RenderableType]:
    """Every overall figure with its status, then classes that differ, counts, the table's own arithmetic, and help."""
    source = document["source"]
    rows: Sequence[Row] = document["rows"]
    overall = [row for row in rows if row["group"] == OVERALL]
    ends = list(dict.fromkeys(row["why"] for row in overall if row["status"] == GONE))
    parts: list[RenderableType] = [
        "",
        Text(f"{document['benchmark']} · published recall in percent", style="bold"),
        Text(f"{source['repository']} {source['file']} at {source['commit']}", style="dim"),
    ]
    for judge, subset in dict.fromkeys((row["judge"], row["subset"]) for row in overall):
        shown = [row for row in overall if (row["judge"], row["subset"]) == (judge, subset)]
        parts += ["", Text(f"{subset} · overall · judged by {judge}", style="bold"), "", _table(shown, ends)]
    parts += _differing(rows)
    lines = [*(f"({number}) {why}" for number, why in enumerate(ends, 1)), *_lines(document, rows, overall)]
    return [*parts, "", *(Text(visible(line), style="dim") for line in lines), *_help(document["next"])]


def _table(rows: Iterable[Row], ends: Sequence[str]) -> Table:
    cells: list[tuple[str, ...]] = []
    for setting, block in groupby(rows, key=lambda row: row["setting"]):
        cells += [("",) * len(HEADS)] if cells else []
        cells.append((setting, "", "", ""))
        cells += [(f" {row['model']}", *_figures(row), _status(row, ends)) for row in block]
    table = listing(HEADS, cells)
    for column in table.columns[:-1]:
        column.no_wrap = True  # the reason folds, names and figures do not
    return table


def _figures(row: Row) -> tuple[str, str]:
    measured = ""
    if row["measured"] is not None:
        measured = f"{numbers.score(row['measured'], 2)} {numbers.interval(row['low'], row['high'], 1)}"
    return numbers.score(row["claimed"], 2), measured


def _status(row: Row, ends: Sequence[str]) -> str:
    """The status with its reason, a number where many rows share it, or by how much measured is above claimed."""
    why = row["why"] or ("" if row["difference"] is None else _signed(row["difference"]))
    if row["status"] == GONE:
        why = str(1 + ends.index(why))
    return visible(f"{row['status']} ({why})" if why else row["status"])


def _signed(difference: float) -> str:
    return f"{'+' * (difference > 0)}{numbers.score(difference, 2)}"


def _differing(rows: Iterable[Row]) -> list[RenderableType]:
    """The classes whose figures differ, of any row."""
    found = [row for row in rows if row["status"] == "differs" and row["group"] != OVERALL]
    if not found:
        return []
    heads = ("classes that differ", "claimed", "measured [95%]", "")
    cells = [
        (f"{row['model']}, {row['setting']}", *_figures(row), f"{row['group']}, judged by {row['judge']}")
        for row in found
    ]
    return ["", listing(heads, cells)]


def _lines(document: Mapping[str, Any], rows: Sequence[Row], overall: Sequence[Row]) -> list[str]:
    sums, counts = document["arithmetic"], document["counts"]
    return [
        f"{numbers.count(len(overall))} overall figures: {_counted(overall, counts)}",
        f"{numbers.count(len(rows))} figures with their classes: {_counted(rows, counts)}",
        "Verified: the claimed figure lies in the interval of a run of the same model, prompts, judge and data",
        f"Can be measured, not verified: {'; '.join(document['bars'])}",
        f"Arithmetic: {numbers.count(sums['checked'] - len(sums['exceptions']))} of {numbers.count(sums['checked'])} "
        f"overall figures are the mean of their classes within {numbers.score(sums['tolerance'], 2)}, not so:",
        *(_exception(one) for one in sums["exceptions"]),
        *document["notes"],
        *(f"{one['run']}: {one['why']}" for one in document["left_out"]),
    ]


def _counted(rows: Iterable[Row], statuses: Iterable[str]) -> str:
    """How many rows are of each status, those of none left out."""
    have = [row["status"] for row in rows]
    return ", ".join(f"{numbers.count(have.count(one))} {one}" for one in statuses if one in have)


def _exception(one: Row) -> str:
    published, implied = (numbers.score(one[name], 2) for name in ("published", "implied"))
    what = f"{one['model']}, judged by {one['judge']}"
    return f"  {what}: {published}, by its classes {implied} ({_signed(one['difference'])})"


def _help(command: str | None) -> list[RenderableType]:
    """The command that would measure the first figure that is left, as it can be pasted into a shell."""
    if command is None:
        return []
    lines = textwrap.wrap(command, WIDTH - 6, break_long_words=False, break_on_hyphens=False)
    return ["", Text("To measure the first that is left:"), Text("  " + " \\\n    ".join(lines))]
