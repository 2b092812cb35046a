"""What `whyfeel meta` prints: who tracks people, how well, and which two can be told apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import columns
from whyfeel.report.words import visible

TRACKS = "tracks people"
UNTOLD = "cannot be told from chance"
ASIDE = "Votes on texts of no given run, not used"
ABREAST = 5  # judges in a table of the overview
SHOWN = 20  # differences of a part; the JSON has them all
CHOICES = {"A": "A better", "B": "B better", "both good": "both good", "both bad": "both bad"}
VOTES = (
    "AUC: how often a vote for A has a higher value than one for B; 0.5 is chance.",
    "accuracy: decided votes for the higher value, ties half; 0.5 is chance.",
    "tau-b: do values rise from B over neither to A? 0 is chance.",
    "mean: of A's value less B's. *: of A's text alone, which has no accuracy.",
)
RATINGS = (
    "rho: Spearman's, tau-b: Kendall's; both ask for the order alone, 0 is chance.",
    "bias, apart: mean and mean size of value - rating, where both have one scale.",
)


def meta_table(document: Mapping[str, Any]) -> list[RenderableType]:
    """Every part with its tables; an overview first where there are several.

    Args:
        document: what `whyfeel meta --json` prints.
    """
    parts = document["parts"]
    rated = document["kind"] != "pairwise"
    found: list[RenderableType] = ["", Text(visible(_title(document)), style="bold"), ""]
    if rated and len(parts) > 1:
        found += _overview(parts, document["overview"]["verdicts"])
    for part in parts:
        found += [*(_rated(part) if rated else _voted(part)), *_apart(part, alone=len(parts) == 1), ""]
    return [*found, *_dim([*(RATINGS if rated else VOTES), *_notes(document)])]


def _title(document: Mapping[str, Any]) -> str:
    if document["kind"] == "files":
        people = f"{numbers.count(len(document['people']))} people"
        return f"held against {people} · {numbers.count(document['items'])} items"
    told = "ratings" if document["kind"] == "rating" else "votes"
    counted = f"{numbers.count(document['votes'])} {told} of {numbers.count(document['raters'])} raters"
    return f"{document['task']} · held against people · {counted}"


def _overview(parts: Sequence[Mapping[str, Any]], verdicts: Mapping[str, Any]) -> list[RenderableType]:
    """A line a part: rho of each judge, and from where to where it lies of people among themselves."""
    judges = list(dict.fromkeys(name for part in parts for name in _kind(part, people=False)))
    found: list[RenderableType] = []
    for start in range(0, len(judges), ABREAST):
        here = judges[start : start + ABREAST]
        table = columns("rho")
        for name in here:
            table.add_column(Text(visible(name)), justify="right", overflow="fold", min_width=6)
        table.add_column("people", justify="right", no_wrap=True)
        for part in parts:
            cells = [_bracketed(part["measures"].get(name)) for name in here]
            table.add_row(Text(visible(part["name"])), *cells, _span(_kind(part, people=True).values()))
        table.add_row(TRACKS, *(f"{verdicts[name][TRACKS]}/{sum(verdicts[name].values())}" for name in here), "")
        found += [table, ""]
    told = "In brackets: cannot be told from chance."
    several = any(len(_kind(part, people=True)) > 1 for part in parts)
    told += " people: each against the mean of the others, lowest to highest." if several else ""
    return [*found, *_dim([told]), ""]


def _span(people: Iterable[Mapping[str, Any]]) -> str:
    known = [one["spearman"]["value"] for one in people if one["spearman"]["value"] is not None]
    ends = dict.fromkeys(numbers.score(end, 2) for end in (min(known, default=None), max(known, default=None)))
    return " to ".join(ends) if known else ""


def _bracketed(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return ""
    value = numbers.score(one["spearman"]["value"], 2)
    return f"({value})" if one["verdict"] == UNTOLD else value


def _kind(part: Mapping[str, Any], *, people: bool) -> dict[str, Any]:
    return {name: one for name, one in part["measures"].items() if (one["kind"] == "people") == people}


def _voted(part: Mapping[str, Any]) -> list[RenderableType]:
    counts = ", ".join(f"{CHOICES[name]} {numbers.count(n)}" for name, n in part["choices"].items())
    head = [Text(visible(f"A: {part['a']}. B: {part['b']}."), style="bold"), Text(counts)]
    measures = part["measures"]
    return [*head, "", _auc(measures), "", _finer(measures), "", _means(measures), *_spaced(_dim(_remarks(part)))]


def _auc(measures: Mapping[str, Any]) -> Table:
    table = columns("", "n", "AUC", "95% interval")
    table.add_column("", no_wrap=True)
    for name, one in measures.items():
        told = Text(one["verdict"], style="bold" if one["verdict"] == TRACKS else "")
        table.add_row(Text(visible(name)), numbers.count(one["n"]), *_coefficient(one["auc"]), told)
    return table


def _finer(measures: Mapping[str, Any]) -> Table:
    table = columns("", "decided", "accuracy", "95% interval", "tau-b", "95% interval")
    for name, one in measures.items():
        cells = *_coefficient(one["accuracy"]), *_coefficient(one["kendall"])
        table.add_row(Text(visible(name)), numbers.count(one["decided"]), *cells)
    return table


def _means(measures: Mapping[str, Any]) -> Table:
    """The mean of each measure over the votes for each choice, its interval below it."""
    table = columns("mean", *CHOICES.values())
    for name, one in measures.items():
        means = [one["means"].get(choice, {"value": None, "low": None, "high": None}) for choice in CHOICES]
        known = [abs(mean["value"]) for mean in means if mean["value"] is not None]
        digits = 3 if max(known, default=0.0) < 10 else 1  # words or percents are no finer
        cells = [
            f"{numbers.score(mean['value'], digits)}\n{numbers.interval(mean['low'], mean['high'], digits)}"
            for mean in means
        ]
        table.add_row(Text(visible(name) + ("" if one["both_sides"] else "*")), *cells)
    return table


def _rated(part: Mapping[str, Any]) -> list[RenderableType]:
    table = columns("", "n", "rho", "95% interval", "tau-b", "95% interval", "bias", "apart")
    for name, one in part["measures"].items():
        table.add_row(
            Text(visible(name), style="dim" if one["kind"] == "people" else ""),
            numbers.count(one["n"]),
            *_coefficient(one["spearman"], 2),
            *_coefficient(one["kendall"], 2),
            *(numbers.score(one[mean]["value"], 2) for mean in ("bias", "absolute")),
        )
    told: dict[str, list[str]] = {}
    for name, one in _kind(part, people=False).items():
        told.setdefault(one["verdict"], []).append(name)
    lines = [Text(visible(f"{said}: {', '.join(names)}")) for said, names in told.items()]
    return [Text(visible(part["name"]), style="bold"), "", table, *_spaced([*lines, *_dim(_remarks(part))])]


def _coefficient(one: Mapping[str, Any], digits: int = 3) -> tuple[str, str]:
    return numbers.score(one["value"], digits), numbers.interval(one["low"], one["high"], 2)


def _apart(part: Mapping[str, Any], *, alone: bool) -> list[RenderableType]:
    """The differences whose interval excludes 0, the largest first."""
    whole = part["differences"]
    told = [one for one in whole["pairs"] if one["low"] is not None and (one["low"] > 0 or one["high"] < 0)]
    told.sort(key=lambda one: -abs(one["value"]))
    lines = []
    for one in told[:SHOWN]:
        better, worse = (one["first"], one["second"]) if one["value"] > 0 else (one["second"], one["first"])
        low, high = sorted(abs(end) for end in (one["low"], one["high"]))
        lines.append(f"{better} above {worse}: {numbers.score(abs(one['value']))} {numbers.interval(low, high, 3)}")
    lines += [f"{numbers.count(len(told) - SHOWN)} more with --json."] if len(told) > SHOWN else []
    counted = _dim([_tested(whole)] if alone and whole["pairs"] else [])
    return _spaced([*(Text(visible(line)) for line in lines), *counted])


def _tested(whole: Mapping[str, Any]) -> str:
    tested, apart = numbers.count(whole["tested"]), numbers.count(whole["apart"])
    chance = f"{whole['by_chance']:.1f} would by chance if no two differed"
    return f"Of {tested} differences between two, {apart} have an interval without 0; {chance}."


def _remarks(part: Mapping[str, Any]) -> list[str]:
    """What was left out and why a number is missing; what is the same for several measures is said once."""
    lines: dict[str, list[str]] = {}
    for name, one in part["measures"].items():
        if one["left_out"]:
            told = ", ".join(f"{reason} ({numbers.count(n)})" for reason, n in one["left_out"].items())
            lines.setdefault(f"left out: {told}", []).append(name)
        # that a metric of one side has no accuracy stands in the legend
        for coefficient in ("auc", "kendall", "spearman", *(["accuracy"] if one.get("both_sides") else [])):
            if why := one.get(coefficient, {}).get("why"):
                lines.setdefault(f"{coefficient} {why}", []).append(name)
    for name, why in part["unmeasured"].items():
        lines.setdefault(why, []).append(name)
    return [f"{', '.join(names)}: {line}" for line, names in lines.items()]


def _notes(document: Mapping[str, Any]) -> Iterable[str]:
    parts, whole = document["parts"], document["overview"]["differences"]
    if len(parts) > 1:
        yield _tested(whole)
    n = sum(len(_kind(part, people=False)) for part in parts)
    yield f"Of {numbers.count(n)} intervals, {n * 0.05:.1f} would exclude chance by luck alone if none tracked people."
    drawn = "items" if document["kind"] == "files" else "whole pictures"
    yield f"95% intervals by bootstrap of {drawn}, the same resamples for all."
    yield from (f"{name}: {told}." for name, told in document.get("run_judges", {}).items())
    if unblinded := document.get("unblinded"):
        yield f"The study was unblinded at {numbers.count(unblinded['votes'])} votes."
    told = {"excluded": "Raters left out by the design's rules, or withdrawn", "votes_aside": ASIDE}
    yield from (f"{said}: {numbers.count(document[key])}." for key, said in told.items() if document.get(key))
    if document.get("left_out"):
        yield f"Columns without ratings, left out: {', '.join(document['left_out'])}."


def _spaced(lines: Sequence[RenderableType]) -> list[RenderableType]:
    return ["", *lines] if lines else []


def _dim(lines: Iterable[str]) -> list[RenderableType]:
    return [Text(visible(line), style="dim") for line in lines]
