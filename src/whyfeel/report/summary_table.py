"""The scores of a run, between the controls that the same judge judged. Every number carries its n and its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.phases_table import phases_table
from whyfeel.report.tables import plain_table
from whyfeel.report.words import label, visible

NUMBER = 6  # columns that a score takes: -0.123
ROOMY = 5  # scores whose names stand side by side unbroken
UNLEAKED, MICRO = "_unleaked", "trigger_recall"
HYPHENATED = {
    "precision": "preci-\nsion",
    "contradicted": "contra-\ndicted",
    "unsupported": "unsup-\nported",
    "invented": "in-\nvented",
}
BESIDE = ("f1", "recall", "precision")  # what the table of controls shows besides the headline


def summary_table(summary: Mapping[str, Any], folder: Path) -> list[RenderableType]:
    """A run's scores by group, with the headline first, then its controls, what was left out and what it took."""
    judge = summary["judge"] + (f" ({summary['judge_model']})" if summary["judge_model"] else "")
    title = f"{summary['task']} · {summary['model']} · {summary['strategy']} · judged by {judge}"
    refused = summary["headline"].get("refused")
    parts: list[RenderableType] = ["", Text(visible(title), style="bold"), ""]
    if refused:
        parts += [Text(f"No headline: {refused}", style="bold red"), ""]
    parts += [_scores(summary), ""]
    if summary["controls"]:
        parts += [controls_table([_model_row(summary), *_control_rows(summary)], _first(summary)), ""]
    if phases := summary.get("phases"):
        parts += [phases_table(phases, max(1, summary["n"])), ""]
    return [*parts, *_footnotes(summary, folder)]


def _first(summary: Mapping[str, Any]) -> str:
    """The score that heads the table, also where it may not be the headline."""
    return str(summary["headline"].get("score") or next(iter(summary["scores"])))


def _scores(summary: Mapping[str, Any]) -> Table:
    scores, headline = summary["scores"], _first(summary)
    groups = list(next(iter(scores.values())))
    names, _ = _columns(summary)
    table = plain_table()
    # a long name of a group folds: the interval, n and 7 columns a score come first
    table.add_column("", overflow="fold", width=min(max(map(cell_len, groups)), max(9, 48 - 8 * len(names))))
    table.add_column(label(headline), justify="right", overflow="fold", min_width=NUMBER)
    table.add_column("95% interval", justify="right", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    for name in names:
        head = HYPHENATED.get(name, label(name)) if len(names) >= ROOMY else label(name)
        table.add_column(head, justify="right", overflow="fold", min_width=5)
    for group in groups:
        first = scores[headline].get(group, {})
        cells = [_value(first), numbers.interval(first.get("low"), first.get("high")), numbers.count(first.get("n", 0))]
        cells += [_value(scores[name][group]) if group in scores[name] else "" for name in names]
        table.add_row(Text(visible(group)), *cells, style="bold" if group == "overall" else "")
    return table


def _columns(summary: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The scores that have a column beside the headline's, and those that are told in the foot."""
    headline = _first(summary)
    names = [name for name in summary["scores"] if name != headline and not name.endswith(UNLEAKED)]
    if len(names) < ROOMY:
        return names, []
    shown = [name for name in names if name != MICRO][:ROOMY]
    return shown, [name for name in names if name not in shown]


Row = tuple[str, Mapping[str, float | None], Mapping[str, Any], int]  # name, values, intervals, n


def _model_row(summary: Mapping[str, Any]) -> Row:
    overall = {name: by["overall"] for name, by in summary["scores"].items() if "overall" in by}
    intervals = {name: (one["low"], one["high"]) for name, one in overall.items()}
    values = {name: one["value"] for name, one in overall.items()}
    return "this run", values, intervals, overall[_first(summary)]["n"]


def _control_rows(summary: Mapping[str, Any]) -> list[Row]:
    """The controls that are judged as the model is."""
    told, first = summary["controlled"], _first(summary)
    rows = ((name, v, told[name]["intervals"], told[name]["n"]) for name, v in summary["controls"].items())
    return [row for row in rows if first in row[1]]


def controls_table(rows: Sequence[Row], headline: str) -> Table:
    """Controls beside each other and the run itself, best first."""
    table = plain_table()
    table.add_column("control")
    shown = [name for name in BESIDE if name in rows[0][1] and name != headline]
    for name in (label(headline), "95% interval", "n", *map(label, shown)):
        table.add_column(name, justify="right")
    for name, values, intervals, n in sorted(rows, key=lambda row: -_or(row[1].get(headline), -math.inf)):
        low, high = intervals.get(headline, (None, None))
        cells = [numbers.score(values.get(headline)), numbers.interval(low, high), numbers.count(n)]
        cells += [numbers.score(values.get(other)) for other in shown]
        table.add_row(Text(name), *cells, style="bold" if name == "this run" else "")
    return table


def _or(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _footnotes(summary: Mapping[str, Any], folder: Path) -> list[RenderableType]:
    unscored = ", ".join(f"{reason} {numbers.count(n)}" for reason, n in summary["unscored"].items())
    outcomes = ", ".join(f"{outcome} {numbers.count(n)}" for outcome, n in summary["outcomes"].items() if n)
    tokens = summary["tokens"]
    lines = [
        summary["note"],
        *(warning[:1].upper() + warning[1:] for warning in summary["warnings"]),
        *_until(summary.get("until")),
        *_beyond(summary),
        *_chance(summary),
        *_unleaked(summary),
        *_held_to_account(summary),
        *_panel(summary.get("panel")),
        *_pairwise(summary.get("pairwise")),
        *_reasons(summary["scores"]),
        f"{numbers.count(summary['scored'])} of {numbers.count(summary['n'])} samples scored"
        + (f"; unscored: {unscored}" if unscored else "")
        + (f"; among the answers: {outcomes}" if outcomes else ""),
        f"{numbers.count(summary['calls'])} {'call' if summary['calls'] == 1 else 'calls'}, "
        f"{numbers.tokens(tokens['in'])} tokens in, "
        f"{numbers.tokens(tokens['out'])} out, cost {numbers.money(summary['cost'])}, "
        f"{numbers.duration(summary['seconds'])}",
        *(
            f"{numbers.count(n)} answers were given without the setting {name}, which the server does not take"
            for name, n in summary["left_out"].items()
        ),
    ]
    return [Text(line, style="dim") for line in (*map(visible, lines), f"Files: {folder}")]


def _until(until: Mapping[str, Any] | None) -> list[str]:
    """How an adaptive run stopped."""
    if until is None:
        return []
    return [
        f"Stopped after {numbers.count(until['taken'])} of {numbers.count(until['of'])} samples, at "
        f"{until['points']:g} points. The first interval is for the score over all of them and holds however the run "
        f"stops: {until['interval']}. The other intervals do not know of stopping."
    ]


def _beyond(summary: Mapping[str, Any]) -> list[str]:
    """The scores over all samples for which the table has no column left."""
    scores, (_, beyond) = summary["scores"], _columns(summary)
    lines = [f"Over all samples: {label(name)} {_value(scores[name]['overall'])}." for name in beyond if name != MICRO]
    if MICRO in beyond:
        lines.append(f"Of all annotated triggers, {_value(scores[MICRO]['overall'])} were named (trigger recall).")
    return lines


def _chance(summary: Mapping[str, Any]) -> list[str]:
    """What kF1 was corrected for."""
    chance = summary.get("chance", {"n": 0})
    if not chance["n"]:
        return []
    return [
        f"kF1 is F1 corrected for chance: against other samples' triggers the same answers have F1 "
        f"{numbers.score(chance['f1'])} (n {numbers.count(chance['n'])})."
    ]


def _unleaked(summary: Mapping[str, Any]) -> list[str]:
    """The scores without the triggers that the questions give away."""
    leaked, scores = summary.get("leaked"), summary["scores"]
    names = [name.removesuffix(UNLEAKED) for name in scores if name.endswith(UNLEAKED)]
    if not leaked or not leaked["triggers"]:
        return []
    by = {name: scores[name + UNLEAKED]["overall"] for name in names}
    said = ", ".join(f"{label(name)} {_value(one)}" for name, one in by.items())
    first = by[names[0]]
    return [
        f"Without the {numbers.count(leaked['triggers'])} of {numbers.count(leaked['of'])} triggers that the questions "
        f"give away: {said}; {label(names[0])} {numbers.interval(first['low'], first['high'])}, "
        f"n {numbers.count(first['n'])}."
    ]


def _held_to_account(summary: Mapping[str, Any]) -> list[str]:
    """The controls that are no scores of the same kind: a wrong emotion, and the canaries."""
    lines = []
    if (wrong := summary["controls"].get("wrong-emotion")) is not None:
        told = summary["controlled"]["wrong-emotion"]
        low, high = told["intervals"]["invented"]
        lines.append(
            f"Asked about an emotion nobody named, {numbers.score(wrong['invented'])} "
            f"{numbers.interval(low, high)} of {numbers.count(told['n'])} answers invent reasons and "
            f"{numbers.score(wrong['objected'])} object, by their words."
        )
    if canaries := summary.get("canaries"):
        earned = f"{numbers.count(len(canaries['paid']))} earned something" if canaries["paid"] else "none earned"
        silent = f"; {numbers.count(canaries['unscored'])} could not be judged" if canaries["unscored"] else ""
        lines.append(f"{numbers.count(canaries['n'])} answers that talk to the judge were judged: {earned}{silent}.")
    missed = [(name, told["unscored"]) for name, told in summary["controlled"].items() if told["unscored"]]
    if missed:
        said = ", ".join(f"{name} {numbers.count(n)}" for name, n in missed)
        lines.append(f"Answers of controls that could not be judged: {said}.")
    return lines


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


def _pairwise(told: Mapping[str, Any] | None) -> list[str]:
    """How steady a judge is that compares in both orders, and each member's share of a panel."""
    if told is None:
        return []
    lines = [_steadiness(told)]
    if told["identical"]:
        lines.append(f"Ties of equal texts, of which nobody was asked: {numbers.count(told['identical'])}.")
    lines += [
        f"{one['model']}: preferred {numbers.score(one['preferred'])} (n {numbers.count(one['scored'])}). "
        f"{_steadiness(one)}"
        for one in told.get("members", ())
    ]
    if (agreement := told.get("agreement")) is not None:
        alpha = numbers.score(agreement["alpha"]) if agreement["alpha"] is not None else agreement["why"]
        exact = numbers.score(agreement["exact"])
        lines.append(f"The members agree on {exact} of {numbers.count(agreement['n'])} pairs; alpha {alpha}")
    return lines


def _steadiness(told: Mapping[str, Any]) -> str:
    return (
        f"Both orders came to the same for {numbers.score(told['consistency'])} of {numbers.count(told['n'])} pairs; "
        f"the answer shown first had {numbers.score(told['first'])} of {numbers.count(told['decided'])} preferences."
    )


def _reasons(scores: Mapping[str, Any]) -> list[str]:
    """Why a value or an interval is missing, each reason once with the groups or scores it stands for."""
    places: dict[str, list[str]] = {}
    for name, by in scores.items():
        for group, one in by.items():
            if why := one.get("why"):
                place = group if "picture" in why or "nothing" in why else label(name)
                places.setdefault(why, []).append(place)
    return [f"{', '.join(dict.fromkeys(found))}: {why}" for why, found in places.items()]


def _value(one: Mapping[str, Any]) -> str:
    return numbers.score(one.get("value"))


def baselines_table(summaries: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """The runs of the seven baselines beside each other, best first, and what their order shows."""
    rows = [(one["model"].removeprefix("baseline:"), *_model_row(one)[1:]) for one in summaries]
    first = summaries[0]
    title = f"{first['task']} · {numbers.count(first['n'])} samples · judged by {first['judge']}"

    def order(score: str) -> str:
        return " > ".join(name for name, values, _, _ in sorted(rows, key=lambda row: -_or(row[1][score], -math.inf)))

    lines = [
        f"by kF1:    {order('kf1')}",
        f"by F1:     {order('f1')}",
        f"by recall: {order('recall')}",
        "Recall rewards a list of common triggers (stuff), F1 a good guess (top5), kF1",
        "only what is true of this picture and not of others.",
        first["note"],
    ]
    table = controls_table(rows, "kf1")
    return ["", Text(title, style="bold"), "", table, "", *(Text(line, style="dim") for line in lines)]
