"""What `whyfeel metrics` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import columns, plain_table
from whyfeel.report.words import visible

GROUPS = (
    "Groups say who wrote the references. They say nothing about the people in the pictures, nor whether a model is "
    "fair to anybody; a worker may stand behind many entries."
)
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


def by_group_table(document: Mapping[str, Any]) -> list[RenderableType]:
    """How near answers come to the reasons of each group, a table a metric, and what separates every two groups.

    Args:
        document: what `whyfeel metrics --by --json` prints.
    """
    by, least, withheld = document["by"], document["least"], document["withheld"]
    title = f"{document['task']} · {document['model']} · {document['strategy']} · metrics by {by} of who wrote the "
    title += f"references, {numbers.count(document['answered'])} answers"
    parts: list[RenderableType] = ["", Text(visible(title), style="bold"), "", _sizes(by, document), ""]
    for name, one in document["metrics"].items():
        parts += [_nearness(name, one), ""]
        parts += [_apart(name, one["differences"]), ""] if one["differences"] else []
    lines = [
        GROUPS,
        "all at once: all of a group's reasons as references, so that a group with more reasons tends to score higher. "
        "one by one: the mean over its reasons, each held against the answer alone; the differences are of these, over "
        "the answers that both groups explained.",
        "95% intervals by bootstrap of whole pictures; p by sign flips, corrected for the pairs of a metric (Holm).",
        *_withheld(withheld, least),
        *(f"{name}: {why}" for name, one in document["metrics"].items() for why in _why_apart(one["differences"])),
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
    table = columns("metric", "mean", "95% interval", "n", "undefined", "corpus", "range")
    for name, one in metrics.items():
        corpus = numbers.score(one["facts"]["corpus"]) if "corpus" in one["facts"] else ""
        undefined = numbers.count(sum(one["undefined"].values()))
        table.add_row(Text(visible(name)), *_cells(one["scores"]["overall"]), undefined, corpus, _range(one["range"]))
    return table


def _groups(name: str, groups: Mapping[str, Any]) -> Table:
    table = columns(name, "mean", "95% interval", "n")
    for group, one in groups.items():
        table.add_row(Text(visible(group)), *_cells(one))
    return table


def _sizes(by: str, document: Mapping[str, Any]) -> Table:
    table = columns(by, "entries", "answers", "reasons")
    for group, one in _rows(document):
        table.add_row(group, *(numbers.count(one[key]) for key in ("entries", "answers", "reasons")))
    return table


def _nearness(name: str, metric: Mapping[str, Any]) -> Table:
    table = columns(name, "all at once", "95% interval", "one by one", "95% interval", "n")
    for group, one in _rows(metric):
        table.add_row(group, *_cells(one["all_at_once"])[:2], *_cells(one["one_by_one"]))
    return table


def _rows(found: Mapping[str, Any]) -> list[tuple[Text, Mapping[str, Any]]]:
    """Everyone, and then the groups; a group may have any name."""
    groups = [(Text(visible(name)), one) for name, one in found["groups"].items()]
    return [(Text("everyone", style="bold"), found["everyone"]), *groups]


def _apart(name: str, differences: Iterable[Mapping[str, Any]]) -> Table:
    table = columns(f"{name}, one by one", "difference", "95% interval", "p", "n")
    for one in differences:
        told = _cells({**one, "value": one["difference"]})
        table.add_row(Text(visible(f"{one['a']} - {one['b']}")), *told[:2], numbers.score(one["p_holm"]), told[2])
    return table


def _withheld(withheld: Mapping[str, int], least: int) -> list[str]:
    """Small groups in one line; where there are others, a group is never withheld alone."""
    if not (n := withheld["groups"]):
        return []
    told = f"withheld together: {numbers.count(n)} groups" if n > 1 else "withheld: the only group"
    return [
        f"{told}, {numbers.count(withheld['entries'])} entries; a group is shown from {least} entries and answers on"
    ]


def _why_apart(differences: Iterable[Mapping[str, Any]]) -> list[str]:
    return [f"{one['a']} - {one['b']}: {one['why']}" for one in differences if "why" in one]


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
