"""What `whyfeel probe` prints: baselines and the chosen layer first, then the curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import columns
from whyfeel.report.words import visible

WORDS, LINEAR, NETWORK = "words alone", "linear probe", "two-layer probe"
LONGEST = 60  # characters of a system prompt in a heading
FEW = 3  # reasons for leaving texts out that are told


def probe_table(document: Mapping[str, Any], out: Path) -> list[RenderableType]:
    """Tables and what should be known about them.

    Args:
        document: what `whyfeel probe --json` prints.
        out: where the figures lie.
    """
    count, settings = numbers.count, document["settings"]
    title = (
        f"{document['source']} · {document['model']} · {count(document['n'])} texts, {len(document['labels'])} labels"
    )
    parts: list[RenderableType] = ["", Text(visible(title), style="bold"), "", _summary(document), ""]
    parts += [_head("accuracy by layer, 0 the embedding"), _layers(document["layers"]), ""]
    if document["offsets"]:
        parts += [_head("accuracy by token behind the text, at the layer chosen"), _offsets(document["offsets"]), ""]
    for one in document["contrast"]:
        system = one["system"] if len(one["system"]) <= LONGEST else one["system"][: LONGEST - 1] + "…"
        parts += [_head(f"under the system prompt {system!r}"), _contrast(one["layers"]), ""]
    lines = [
        *_over_words(document["best"]),
        f"{settings['folds']} folds and intervals over {count(document['groups'])} groups; a layer is chosen without "
        "the fold it is tested on.",
        "A probe shows what could be read from the states, not what the model uses.",
        *_left_out(document["left_out"]),
        f"Figures in {out}",
    ]
    return [*parts, *(Text(visible(line), style="dim") for line in lines)]


def _head(text: str) -> Text:
    return Text(visible(text))


def _summary(document: Mapping[str, Any]) -> Table:
    table = columns("", "accuracy", "95% interval", "macro-F1", "95% interval", "n")
    rows = {WORDS: document["baselines"]["words"], LINEAR: document["best"]["linear"]}
    rows = {"commonest label": document["baselines"]["majority"]} | rows | {NETWORK: document["best"]["network"]}
    for name, found in rows.items():
        n = numbers.count(found["accuracy"]["n"])
        table.add_row(name, *_two(found["accuracy"]), *_two(found["macro_f1"]), n)
    return table


def _over_words(best: Mapping[str, Any]) -> Iterator[str]:
    for name, found in ((LINEAR, best["linear"]), (NETWORK, best["network"])):
        value, ends = _two(found["over_words"])
        p = numbers.score(found["over_words"]["p"], 4)
        yield f"accuracy of the {name} less that of {WORDS}: {value} {ends}, p {p}"


def _layers(layers: Sequence[Mapping[str, Any]]) -> Table:
    table = columns("layer", "linear", "95% interval", "two layers", "95% interval", "random", "selectivity")
    for one in layers:
        table.add_row(
            *(numbers.count(one["layer"]), *_two(one["linear"]["accuracy"]), *_two(one["network"]["accuracy"])),
            *(numbers.score(one["control"]["accuracy"]["value"]), numbers.score(one["selectivity"]["value"])),
        )
    return table


def _offsets(offsets: Sequence[Mapping[str, Any]]) -> Table:
    table = columns("tokens", "accuracy", "95% interval", "macro-F1", "95% interval")
    for one in offsets:
        table.add_row(numbers.count(one["offset"]), *_two(one["accuracy"]), *_two(one["macro_f1"]))
    return table


def _contrast(layers: Sequence[Mapping[str, Any]]) -> Table:
    table = columns("layer", "accuracy", "95% interval", "less without", "95% interval", "p")
    for one in layers:
        p = numbers.score(one["difference"]["p"], 4)
        table.add_row(numbers.count(one["layer"]), *_two(one["accuracy"]), *_two(one["difference"]), p)
    return table


def _two(entry: Mapping[str, Any]) -> tuple[str, str]:
    return numbers.score(entry["value"]), numbers.interval(entry["low"], entry["high"])


def _left_out(left_out: Mapping[str, int]) -> Iterator[str]:
    if left_out:
        told = [f"{numbers.count(n)} {why}" for why, n in list(left_out.items())[:FEW]]
        yield f"Left out: {', '.join(told)}" + (", and more in probe.json" if len(left_out) > FEW else "")
