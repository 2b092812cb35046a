"""What an annotation found, what its gates dropped, and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.phases_table import phases_table
from whyfeel.report.tables import pairs
from whyfeel.report.words import visible


def annotation_table(summary: Mapping[str, Any], folder: Path) -> list[RenderableType]:
    """Triggers by kind, what was dropped and why, then calls, tokens, cost and seconds a picture, by phase."""
    models = summary["vlm"] if summary["vlm"] == summary["llm"] else f"{summary['vlm']} with {summary['llm']}"
    title = f"{summary['source']} · annotated by {models}"
    triggers, kinds = summary["triggers"], summary["kinds"]
    mean = f"{triggers['kept'] / summary['annotated']:.1f} a sample" if summary["annotated"] else "none annotated"
    rows = [
        ("samples annotated", f"{numbers.count(summary['annotated'])} of {numbers.count(summary['n'])}"),
        (f"triggers that count ({mean})", numbers.count(triggers["kept"])),
        *((f"  {kind}", numbers.count(n)) for kind, n in kinds.items() if n),
        ("  seen, not inferred", numbers.count(triggers["explicit"])),
        *((f"dropped: {why}", numbers.count(n)) for why, n in triggers["dropped"].items()),
    ]
    return [
        "",
        Text(visible(title), style="bold"),
        "",
        pairs([(visible(name), value) for name, value in rows]),
        "",
        phases_table(summary["phases"], max(1, summary["n"])),
        "",
        *(Text(visible(line), style="dim") for line in _footnotes(summary)),
        Text(f"Files: {folder}", style="dim"),
    ]


def _footnotes(summary: Mapping[str, Any]) -> list[str]:
    lines = [
        "Tokens in and out, cost and seconds are for one image. Seconds are those of the calls, added up; calls that "
        "run side by side count each.",
        "Whoever annotates must not be measured on it: the same model wrote the labels.",
    ]
    if unscored := ", ".join(f"{why} {numbers.count(n)}" for why, n in summary["unscored"].items()):
        lines.append(f"Not annotated: {unscored}.")
    if summary["without_triggers"]:
        lines.append(f"Annotated, and no trigger counts: {numbers.count(summary['without_triggers'])}.")
    if flags := ", ".join(f"{flag} {numbers.count(n)}" for flag, n in summary["flags"].items()):
        lines.append(f"Flags: {flags}.")
    lines += [
        f"{numbers.count(n)} answers were given without the setting {name}, which the server does not take."
        for name, n in summary["left_out"].items()
    ]
    tokens, calls = summary["tokens"], summary["calls"]
    lines.append(
        f"{numbers.count(calls)} {'call' if calls == 1 else 'calls'}, {numbers.tokens(tokens['in'])} tokens in, "
        f"{numbers.tokens(tokens['out'])} out, cost {numbers.money(summary['cost'])}, "
        f"{numbers.duration(summary['seconds'])}. Next: `whyfeel review` it, or `whyfeel export` it."
    )
    return lines
