"""What `whyfeel metrics` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import plain_table
from whyfeel.report.words import visible

CORPUS = "Corpus: of the whole run at once, which is no mean of answers and has no interval."


def metrics_table(document: Mapping[str, Any]) -> list[RenderableType]:
    """A line a metric; of a single one a line a group, too.

    Args:
        document: what `whyfeel metrics --json` prints.
    """
    title = f"{document['task']} · {document['model']} · {document['strategy']} · metrics of "
    title += f"{numbers.count(document['answered'])} answers"
    metrics = document["metrics"]
    parts: list[RenderableType] = ["", Text(visible(title), style="bold"), "", _overall(metrics), ""]
    if len(metrics) == 1:
        [(name, one)] = metrics.items()
        groups = {group: found for group, found in one["scores"].items() if group != "overall"}
        parts += [_groups(name, groups), ""] if groups else []
    lines = [
        "Means over answers; 95% intervals by bootstrap of whole pictures.",
        *([CORPUS] if any("corpus" in one["facts"] for one in metrics.values()) else []),
        *_counted("answers not obtained", document["unscored"]),
        *(line for name, one in metrics.items() for line in _remarks(name, one)),
    ]
    return [*parts, *(Text(visible(line), style="dim") for line in lines)]


def metrics_list(metrics: Iterable[Mapping[str, Any]]) -> list[RenderableType]:
    """Every metric, what it is, and what it needs."""
    table = plain_table()
    table.add_column("metric", no_wrap=True)
    table.add_column("what it measures", overflow="fold")
    table.add_column("needs", no_wrap=True)
    for one in metrics:
        table.add_row(*map(Text, (one["name"], one["title"], "a checkpoint" if one["checkpoint"] else "")))
    return ["", table, "", Text("With a checkpoint: --metric NAME:FOLDER or NAME:HUB-ID.", style="dim")]


def _overall(metrics: Mapping[str, Any]) -> Table:
    table = _columns("metric", "mean", "95% interval", "n", "undefined", "corpus", "range")
    for name, one in metrics.items():
        corpus = numbers.score(one["facts"]["corpus"]) if "corpus" in one["facts"] else ""
        undefined = numbers.count(sum(one["undefined"].values()))
        table.add_row(Text(visible(name)), *_cells(one["scores"]["overall"]), undefined, corpus, _range(one["range"]))
    return table


def _groups(name: str, groups: Mapping[str, Any]) -> Table:
    table = _columns(name, "mean", "95% interval", "n")
    for group, one in groups.items():
        table.add_row(Text(visible(group)), *_cells(one))
    return table


def _cells(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return (
        numbers.score(one["value"]),
        numbers.interval(one["low"], one["high"], 3),
        numbers.count(one["n"]),
    )


def _range(ends: Sequence[float | None]) -> str:
    """From where to where, "up" where there is no end.

    >>> _range([0, 100]), _range([0, None]), _range([None, 0])
    ('0 to 100', '0 up', 'to 0')
    """
    low, high = (None if end is None else f"{end:g}" for end in ends)
    return f"to {high}" if low is None and high is not None else f"{low} up" if high is None else f"{low} to {high}"


def _remarks(name: str, one: Mapping[str, Any]) -> Iterable[str]:
    """Why a metric lacks a number, and what else is known of it but for the corpus value."""
    yield from _counted(f"{name} undefined", one["undefined"])
    if why := one["scores"]["overall"].get("why"):
        yield f"{name}: {why}"
    if told := ", ".join(f"{key} {value}" for key, value in one["facts"].items() if key != "corpus"):
        yield f"{name}: {told}"


def _counted(what: str, reasons: Mapping[str, int]) -> list[str]:
    told = ", ".join(f"{reason} ({numbers.count(n)})" for reason, n in reasons.items())
    return [f"{what}: {told}"] if told else []


def _columns(first: str, *others: str) -> Table:
    table = plain_table()
    table.add_column(first, overflow="fold", min_width=8)
    for head in others:
        table.add_column(head, justify="right", no_wrap=True)
    return table
