"""The tables a command prints, 80 columns wide. Every number carries its n and its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.words import visible

WIDTH = 80
NUMBER = 5  # columns that a score takes: 0.123
ROOMY = 5  # scores whose names stand side by side unbroken
HYPHENATED = {
    "precision": "preci-\nsion",
    "contradicted": "con-\ntra-\ndicted",
    "unsupported": "unsup-\nported",
    "invented": "in-\nvented",
    "trigger_recall": "trig-\nger\nrecall",
}


def listing(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A plain table of texts."""
    table = _table()
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def summary_table(summary: Mapping[str, Any], folder: Path) -> list[RenderableType]:
    """A run's scores by group, with the headline first, then what was left out and what it took."""
    judge = summary["judge"] + (f" ({summary['judge_model']})" if summary["judge_model"] else "")
    title = f"{summary['task']} · {summary['model']} · {summary['strategy']} · judged by {judge}"
    scores = summary["scores"]
    headline = summary["headline"].get("score")
    refused = summary["headline"].get("refused")
    groups = list(next(iter(scores.values())))
    table = _table()
    # a long name of a group folds: the interval, n and 7 columns a score come first
    table.add_column("", overflow="fold", width=min(max(map(cell_len, groups)), max(7, 50 - 7 * len(scores))))
    table.add_column(_words(headline or "score"), justify="right", overflow="fold", min_width=NUMBER)
    table.add_column("95% interval", justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    others = [name for name in scores if name != headline]
    for name in others:
        head = HYPHENATED.get(name, _words(name)) if len(scores) > ROOMY else _words(name)
        table.add_column(head, justify="right", overflow="fold", min_width=NUMBER)
    for group in groups:
        first = scores[headline or others[0]].get(group, {})
        cells = [_value(first), numbers.interval(first.get("low"), first.get("high")), numbers.count(first.get("n", 0))]
        cells += [_value(scores[name][group]) if group in scores[name] else "" for name in others]
        table.add_row(Text(visible(group)), *cells, style="bold" if group == "overall" else "")
    parts: list[RenderableType] = ["", Text(visible(title), style="bold"), ""]
    if refused:
        parts += [Text(f"No headline: {refused}", style="bold red"), ""]
    parts += [table, "", *_footnotes(summary, scores, folder)]
    return parts


def _footnotes(summary: Mapping[str, Any], scores: Mapping[str, Any], folder: Path) -> list[RenderableType]:
    unscored = ", ".join(f"{reason} {numbers.count(n)}" for reason, n in summary["unscored"].items())
    outcomes = ", ".join(f"{outcome} {numbers.count(n)}" for outcome, n in summary["outcomes"].items() if n)
    tokens = summary["tokens"]
    lines = [
        summary["note"],
        *(warning[:1].upper() + warning[1:] for warning in summary["warnings"]),
        *_panel(summary.get("panel")),
        *_reasons(scores),
        f"{numbers.count(summary['scored'])} of {numbers.count(summary['n'])} samples scored"
        + (f"; unscored: {unscored}" if unscored else "")
        + (f"; among the answers: {outcomes}" if outcomes else ""),
        f"{numbers.count(summary['calls'])} calls, {numbers.tokens(tokens['in'])} tokens in, "
        f"{numbers.tokens(tokens['out'])} out, cost {numbers.money(summary['cost'])}, "
        f"{numbers.duration(summary['seconds'])}",
        *(
            f"{numbers.count(n)} answers were given without the setting {name}, which the server does not take"
            for name, n in summary["left_out"].items()
        ),
    ]
    return [Text(line, style="dim") for line in (*map(visible, lines), f"Files: {folder}")]


def _panel(panel: Mapping[str, Any] | None) -> list[str]:
    """Each member's own scores, and how far they agree on a trigger."""
    if panel is None:
        return []
    lines = [
        f"{one['model']}: F1 {numbers.score(one['f1'])}, recall {numbers.score(one['recall'])} "
        f"(n {numbers.count(one['scored'])})"
        for one in panel["members"]
    ]
    agreement = panel["agreement"]
    alpha = numbers.score(agreement["alpha"]) if agreement["alpha"] is not None else agreement["why"]
    exact = numbers.score(agreement["exact"])
    return [*lines, f"The members agree on {exact} of {numbers.count(agreement['n'])} triggers; alpha {alpha}"]


def _reasons(scores: Mapping[str, Any]) -> list[str]:
    """Why a value or an interval is missing, each reason once with the groups or scores it stands for."""
    places: dict[str, list[str]] = {}
    for name, by in scores.items():
        for group, one in by.items():
            if why := one.get("why"):
                place = group if "picture" in why or "nothing" in why else _words(name)
                places.setdefault(why, []).append(place)
    return [f"{', '.join(dict.fromkeys(found))}: {why}" for why, found in places.items()]


def controls_table(summaries: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """The seven baselines beside each other, best first by F1, and what their order shows."""
    ranked = sorted(summaries, key=lambda one: -_overall(one, "f1"))
    table = _table()
    table.add_column("baseline")
    for name in ("F1", "95% interval", "recall", "precision", "n"):
        table.add_column(name, justify="right")
    for summary in ranked:
        scores = {name: by["overall"] for name, by in summary["scores"].items()}
        f1 = scores["f1"]
        table.add_row(
            Text(summary["model"].removeprefix("baseline:")),
            numbers.score(f1["value"]),
            numbers.interval(f1["low"], f1["high"]),
            numbers.score(scores["recall"]["value"]),
            numbers.score(scores["precision"]["value"]),
            numbers.count(f1["n"]),
        )
    first = summaries[0]
    title = f"{first['task']} · {numbers.count(first['n'])} samples · judged by {first['judge']}"
    order = " > ".join(one["model"].removeprefix("baseline:") for one in ranked)
    by_recall = sorted(summaries, key=lambda one: -_overall(one, "recall"))
    recall_order = " > ".join(one["model"].removeprefix("baseline:") for one in by_recall)
    lines = [
        f"by F1:     {order}",
        f"by recall: {recall_order}",
        "Recall alone rewards a list of common triggers (stuff); F1 does not.",
        first["note"],
    ]
    return ["", Text(title, style="bold"), "", table, "", *(Text(line, style="dim") for line in lines)]


def _overall(summary: Mapping[str, Any], score: str) -> float:
    value = summary["scores"][score]["overall"]["value"]
    return -1.0 if value is None else float(value)


def log_table(scored: Mapping[str, Any]) -> list[RenderableType]:
    """An official judge log: the released scorer's figures beside the corrected ones."""
    table = _table()
    table.add_column("", overflow="fold")
    for head in ("official", "corrected", "95% interval", "n"):
        table.add_column(head, justify="right", no_wrap=True)
    official, recall = scored["official"] or {}, scored["intervals"]["corrected_recall"]
    for group in [*recall]:
        one = recall[group]
        printed = f"{official[group]:.5f}" if group in official else "n/a" if official == {} else ""
        table.add_row(
            Text(group),
            printed,
            numbers.score(one["value"]),
            numbers.interval(one["low"], one["high"]),
            numbers.count(one["n"]),
            style="bold" if group == "overall" else "",
        )
    lines = [f"{numbers.count(scored['n'])} rows, {numbers.count(scored['unparsed'])} without a readable score"]
    if scored["official"] is None:
        lines.append(f"official: the released scorer raises ({scored['why']})")
    unscored = ", ".join(f"{reason} {numbers.count(n)}" for reason, n in scored["unscored"].items())
    lines += [f"unscored samples: {unscored}"] if unscored else []
    for name in ("unknown", "surplus", "duplicates"):
        if scored[name]:
            lines.append(f"{name} rows: {numbers.count(scored[name])}")
    title = Text(f"{scored['task']} · an official judge log", style="bold")
    return ["", title, "", table, "", *(Text(line, style="dim") for line in lines)]


def rehearsal_table(rehearsal: Mapping[str, Any]) -> list[RenderableType]:
    """What a run would ask and cost."""
    rows = [
        ("samples", numbers.count(rehearsal["samples"])),
        ("pictures that cannot be sent", numbers.count(rehearsal["bad_pictures"])),
        ("answers already known", numbers.count(rehearsal["known"])),
        *(
            (f"calls, {role}, to {rehearsal['addresses'][role] or 'a ledger'}", numbers.count(n))
            for role, n in rehearsal["calls"].items()
        ),
        ("tokens in, estimated", numbers.tokens(rehearsal["tokens"]["in"])),
        ("tokens out, at most", numbers.tokens(rehearsal["tokens"]["out_at_most"])),
        ("cost, at most", numbers.money(rehearsal["cost_at_most"])),
    ]
    title = Text(f"{rehearsal['task']} · dry run, nothing was sent", style="bold")
    dates = sorted({day for day in rehearsal["prices_as_of"].values() if day})
    prices = f" Prices as of {', '.join(dates)}." if dates else ""
    note = Text(f"A judge whose verdict cannot be read is asked again.{prices}", style="dim")
    return ["", title, "", pairs(rows), "", note]


def _table(*, heads: bool = True) -> Table:
    return Table(
        box=box.SIMPLE_HEAD if heads else None,
        show_header=heads,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1),
        collapse_padding=True,
        header_style="",
    )


def pairs(rows: Iterable[tuple[str, str]]) -> Table:
    """Names and numbers without a head."""
    table = _table(heads=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table


def _value(one: Mapping[str, Any]) -> str:
    return numbers.score(one.get("value"))


def _words(name: str) -> str:
    return name.replace("_", " ")
