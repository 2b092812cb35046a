"""What `whyfeel calibrate` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import plain_table
from whyfeel.report.words import label, visible

TRIGGERS = {
    "accuracy": "both say the same",
    "true_positive_rate": "found by people, and by the judge",
    "false_positive_rate": "not found by people, but by the judge",
}


def calibration_table(told: Mapping[str, Any]) -> list[RenderableType]:
    """The score with and without the labels, how far judge and people agree, and what to mind."""
    judge = told["judge"] + (f" ({told['judge_model']})" if told["judge_model"] else "")
    title = f"{told['task']} · {told['model']} · {told['strategy']} · {judge} held against people"
    one = told["groups"]["overall"]
    name = label(told["score"])
    rows = [
        (f"{name}, the judge alone", one["judge"]),
        (f"{name}, the labels alone", one["labels"]),
        (f"{name}, corrected by the labels", one["corrected"]),
    ]
    agreement = {**one["agreement"]["spearman"], "n": one["agreement"]["n"]}
    apart = [
        ("judge less people", one["agreement"]["bias"]),
        ("judge and people apart", one["agreement"]["absolute"]),
        ("rank correlation (Spearman)", agreement),
    ]
    parts: list[RenderableType] = ["", Text(visible(title), style="bold"), ""]
    parts += [_figures("the score", rows, bold=rows[-1][0]), "", _figures("answer by answer", apart)]
    found = one["triggers"]
    if found is not None:
        shares = [(words, found[key]) for key, words in TRIGGERS.items()]
        rate = {**found["corrected_rate"], "n": found["n"]}
        shares.append(("triggers found, errors taken off", rate))
        parts += ["", _figures("trigger by trigger", shares)]
    warnings = [Text(visible(f"Warning: {line}"), style="bold") for line in told["warnings"]]
    lines = [*_notes(told, one), *_reasons([*rows, *apart])]
    return [*parts, "", *warnings, *(Text(visible(line), style="dim") for line in lines)]


def _figures(title: str, rows: Sequence[tuple[str, Mapping[str, Any]]], bold: str = "") -> Table:
    table = plain_table()
    table.add_column(title, overflow="fold", width=42)
    for head in ("", "95% interval", "n"):
        table.add_column(head, justify="right", no_wrap=True)
    for name, one in rows:
        cells = numbers.score(one["value"]), numbers.interval(one["low"], one["high"]), numbers.count(one["n"])
        table.add_row(Text(name), *cells, style="bold" if name == bold else "")
    return table


def _notes(told: Mapping[str, Any], one: Mapping[str, Any]) -> list[str]:
    """What the figures rest on."""
    lines = [
        f"{numbers.count(told['labelled'])} of {numbers.count(told['n'])} answers are labelled"
        + _left_out(told, "unscored", "have no score by the judge")
        + _left_out(told, "partial", "lack the label of a trigger")
        + _left_out(told, "blank", "lines of the file have no label")
    ]
    if one["worth"] is not None and not one.get("why"):
        lines.append(
            f"With the judge, {numbers.count(one['corrected']['n'])} labels tell as much as "
            f"{numbers.count(round(one['effective']))} without (lambda {numbers.score(one['lambda'], 2)})"
        )
    if one.get("why"):
        lines.append(f"The judge adds nothing to the labels: {one['why']}")
    if one["triggers"] and one["triggers"]["tied"]:
        lines.append(f"{numbers.count(one['triggers']['tied'])} triggers on which the raters are divided are left out")
    raters = told["raters"]
    if raters["alpha"] is not None:
        alpha = raters["alpha"]
        value = alpha["why"] if alpha["value"] is None else numbers.score(alpha["value"])
        interval = "" if alpha["low"] is None else f" {numbers.interval(alpha['low'], alpha['high'])}"
        several = f"{numbers.count(raters['several'])} {told['labels']}"
        lines.append(f"{numbers.count(raters['n'])} raters: alpha {value}{interval} on {several}")
    return lines


def _left_out(told: Mapping[str, Any], key: str, words: str) -> str:
    return f"; {numbers.count(told[key])} {words}" if told[key] else ""


def _reasons(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    return [f"{name}: {one['why']}" for name, one in rows if one.get("why")]
