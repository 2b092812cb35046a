"""What `whyfeel study results` prints: the figures of the study, who is left out, and what is known of the raters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.study_pairs import pairwise_parts, short_pair, with_ends
from whyfeel.report.study_ratings import rating_parts
from whyfeel.report.tables import plain_table
from whyfeel.report.words import visible

SHOWN = 15  # raters, and items that are skipped; the JSON has them all
INTERVALS = (
    "Intervals: 95%, by bootstrap of whole pictures (of repeats: of whole raters), or Wilson's where it says so."
)


def study_results_table(document: Mapping[str, Any]) -> list[RenderableType]:
    """The figures, then exclusions and how it would be without them, steadiness, raters, groups.

    Args:
        document: what `whyfeel study results --json` prints.
    """
    names = document["systems"]
    pairwise = document["kind"] == "pairwise"
    figures = pairwise_parts(document["pairwise"], names) if pairwise else rating_parts(document["rating"], names)
    parts = [*_title(document), *figures, "", *_exclusions(document), "", *_steadiness(document), ""]
    parts += [_raters(document), "", *_groups(document)]
    lines = [INTERVALS, *document["notes"], *_more(document)]
    return [*parts, *(Text(visible(line), style="dim") for line in lines)]


def _title(document: Mapping[str, Any]) -> list[RenderableType]:
    seen, items, raters = document["unblinded"], document["items"], document["raters"]
    blind = "blind"
    if seen is not None:
        blind = f"unblinded at {numbers.count(seen['votes'])} votes"
    said = (
        f"{numbers.count(document['votes'])} votes of {numbers.count(raters['counted'])} raters; "
        f"{numbers.count(items['complete'])} of {numbers.count(items['all'])} items have all "
        f"votes ({numbers.count(items['votes_each'])} each)"
    )
    warnings = [Text(visible(f"Warning: {line}"), style="bold") for line in document["warnings"]]
    title = f"{document['title']} · {document['task']} · {blind}"
    return ["", Text(visible(title), style="bold"), Text(said, style="dim"), *warnings, ""]


def _exclusions(document: Mapping[str, Any]) -> list[RenderableType]:
    """Who does not count and why, and the main figures if they did."""
    table = _columns("left out by rule", "raters", "applies to", "votes")
    for rule, one in document["exclusions"]["by_rule"].items():
        table.add_row(rule, *(numbers.count(one[key]) for key in ("raters", "applies", "votes")))
    plain, names = document["without_exclusions"], document["systems"]
    if document["kind"] == "pairwise":
        told = [short_pair(one, names) for one in plain["pairs"]]
    else:
        told = [f"{names[str(one['system'])]} {numbers.score(one['value'], 2)}" for one in plain["systems"]]
    line = f"without exclusions: {numbers.count(plain['votes'])} votes; {'; '.join(told)}"
    return [table, "", Text(visible(line))]


def _steadiness(document: Mapping[str, Any]) -> list[RenderableType]:
    """Repeats, seconds and skips, a line each."""
    same, seconds, skipped = document["repeats"]["same"], document["seconds"], document["skips"]
    lines = [f"repeats answered as before: {with_ends(same)}{' of ' + numbers.count(same['n']) if same['n'] else ''}"]
    if (apart := document["repeats"].get("apart")) is not None and same["n"]:
        lines.append(f"repeats lie apart, on average: {numbers.score(apart['value'], 2)} points")
    if seconds["n"]:
        low, high = map(numbers.duration, seconds["quartiles"])
        lines.append(f"an answer takes {numbers.duration(seconds['median'])} (median; half of them {low} to {high})")
    most = ", ".join(f"{one['sample']} ({numbers.count(one['skips'])})" for one in skipped["most"][:5])
    lines.append(f"skips: {numbers.count(skipped['n'])}{f', most of {most}' if most else ''}")
    return [Text(visible(line)) for line in lines]


def _raters(document: Mapping[str, Any]) -> Table:
    pairwise = document["kind"] == "pairwise"
    last = "left" if pairwise else "mean"
    table = _columns("rater", "votes", "skips", "seconds", "checks failed", "repeats same", last)
    table.add_column("left out", overflow="fold")
    for one in document["per_rater"][:SHOWN]:
        why = Text(visible("; ".join(one["excluded"])))
        if "votes" not in one:
            table.add_row(one["rater"], *[""] * 6, why)
            continue
        checks, repeats = one["attention"], one["repeats"]
        cells = (
            numbers.count(one["votes"]),
            numbers.count(one["skips"]),
            numbers.score(one["median_seconds"], 1),
            f"{numbers.count(checks['failed'])} of {numbers.count(checks['answered'])}",
            f"{numbers.count(repeats['same'])} of {numbers.count(repeats['answered'])}",
            numbers.score(one[last], 2),
        )
        table.add_row(one["rater"], *cells, why)
    return table


def _groups(document: Mapping[str, Any]) -> list[RenderableType]:
    """The main figures of each group that is shown."""
    by, names = document["by"], document["systems"]
    if by is None:
        return []
    pairwise = document["kind"] == "pairwise"
    table = _columns(by["name"], "raters", "votes")
    table.add_column("", overflow="fold")
    for group in by["groups"]:
        if pairwise:
            told = [short_pair(one, names) for one in group["pairs"]]
        else:
            told = [_mean(names, one) for one in group["systems"]]
        cells = (numbers.count(group["raters"]), numbers.count(group["votes"]), Text("\n".join(map(visible, told))))
        table.add_row(Text(visible(group["answer"])), *cells)
    hidden = by["withheld"]
    line = f"withheld: {numbers.count(hidden['groups'])} groups, {numbers.count(hidden['raters'])} raters"
    line += f", for fewer than {numbers.count(by['least'])} raters or because such a group could be told from them"
    told_of = Text(line if hidden["groups"] else "withheld: none", style="dim")
    return [*([table] if by["groups"] else [Text(f"by {visible(by['name'])}:")]), told_of, ""]


def _mean(names: Mapping[str, str], one: Mapping[str, Any]) -> str:
    return f"{names[str(one['system'])]} {numbers.score(one['value'], 2)} {numbers.interval(one['low'], one['high'])}"


def _more(document: Mapping[str, Any]) -> Iterable[str]:
    if (n := len(document["per_rater"])) > SHOWN:
        yield f"Of {numbers.count(n)} raters, the first {SHOWN}; all with --json."
    if document["blind"]:
        yield "Whose texts are whose: --unblind tells it, and the study remembers that it was asked."


def _columns(first: str, *others: str) -> Table:
    table = plain_table()
    table.add_column(first, overflow="fold", min_width=5)
    for head in others:
        table.add_column(head, justify="right")
    return table
