"""What `whyfeel agree` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import columns
from whyfeel.report.words import visible

PAIRS = "±1: within one point. rho: Spearman's. tau-b: Kendall's. kappa: Cohen's, with quadratic weights."
SHOWN = 15  # raters and pairs of raters; the JSON has them all
# Coefficients by their place in the document, with what each says
COEFFICIENTS = (
    ("alpha, nominal", ("alpha", "nominal"), "same or not, beyond chance"),
    ("alpha, ordinal", ("alpha", "ordinal"), "by rank, beyond chance"),
    ("alpha, interval", ("alpha", "interval"), "by distance, beyond chance"),
    ("ICC(A,1)", ("icc", "a1"), "how well one rater tells items apart"),
    ("ICC(C,1)", ("icc", "c1"), "the same, raters' levels set equal"),
    ("ICC(A,k)", ("icc", "ak"), "how well the mean of all raters does"),
    ("AC2, quadratic", ("ac2",), "by distance; sharing a habit counts"),
)


def agreement_table(document: Mapping[str, Any]) -> list[RenderableType]:
    """Means by class, raters, coefficients with intervals, and pairs; a line a dimension where there are several."""
    if "dimensions" in document:
        return _dimensions(document)
    scale = document["scale"]
    points = "" if scale is None else f" · scale {scale[0]} to {scale[1]}"
    parts = [*_title(document, points), _means(document)]
    parts += ["", _raters(document["raters"], scale), "", _coefficients(document), "", _pairs(document)]
    return [*parts, "", *_lines([PAIRS, *document["notes"], *_reasons(document), *_ending(document)])]


def _title(document: Mapping[str, Any], more: str) -> list[RenderableType]:
    told = f"agreement · {numbers.count(document['n_items'])} items · {numbers.count(document['n_raters'])} raters"
    return ["", Text(told + more, style="bold"), ""]


def _means(document: Mapping[str, Any]) -> Table:
    means, deviations, sizes = document["mean"], document["deviation"], document["n_by_class"]
    table = columns("class", "n", "mean", "pooled deviation")
    for name in [*(name for name in means if name != "overall"), "overall"]:
        cells = numbers.count(sizes[name]), numbers.score(means[name]), numbers.score(deviations[name])
        table.add_row(Text(visible(name)), *cells, style="bold" if name == "overall" else "")
    return table


def _raters(raters: Mapping[str, Any], scale: Sequence[int] | None) -> Table:
    ends = [] if scale is None else [f"at {scale[0]}", f"at {scale[1]}"]
    table = columns("rater", "n", "mean", "deviation", "lowest", "highest", *ends)
    for name, one in list(raters.items())[:SHOWN]:
        shares = [numbers.score(one.get(f"at_{end}_point")) for end in ("lowest", "highest")][: len(ends)]
        spread = numbers.score(one["lowest"], 1), numbers.score(one["highest"], 1)
        means = numbers.score(one["mean"]["overall"]), numbers.score(one["deviation"]["overall"])
        table.add_row(Text(visible(name)), numbers.count(one["n"]), *means, *spread, *shares)
    return table


def _coefficients(document: Mapping[str, Any]) -> Table:
    table = columns("all raters", "value", "95% interval")
    table.add_column("what it says")
    shares = (("same rating", "exact", "share of items"), ("within one point", "within_one", "share of items"))
    for label, key, says in shares:
        table.add_row(label, numbers.score(document[key]), "", says)
    for label, path, says in COEFFICIENTS:
        one = _at(document, path)
        told = says if one["value"] is not None else one["why"]
        table.add_row(label, numbers.score(one["value"]), numbers.interval(one["low"], one["high"]), Text(told))
    return table


def _pairs(document: Mapping[str, Any]) -> Table:
    heads = ("n", "same", "±1", "rho", "95% interval", "tau-b", "kappa", "95% interval")
    table = columns("pair", *heads)
    for name, one in list(document["pairs"].items())[:SHOWN]:
        rho, tau = document["spearman"][name], document["kendall"][name]
        kappa = document["weighted_kappa"]["quadratic"][name]
        table.add_row(
            Text(visible(name)),
            numbers.count(one["n"]),
            *(numbers.score(one[share], 2) for share in ("exact", "within_one")),
            numbers.score(rho["value"]),
            numbers.interval(rho["low"], rho["high"]),
            numbers.score(tau["value"]),
            numbers.score(kappa["value"]),
            numbers.interval(kappa["low"], kappa["high"]),
        )
    return table


def _dimensions(document: Mapping[str, Any]) -> list[RenderableType]:
    """A line a dimension, and the two ways to pool them."""
    heads = ("n", "alpha,\nordinal", "95% interval", "ICC\n(A,1)", "AC2", "rho", "kappa")
    table = columns("dimension", *heads)
    for name, one in document["dimensions"].items():
        table.add_row(Text(visible(name)), numbers.count(one["n_items"]), *_summary(one))
    pooled = document["pooled"]
    mean = pooled["mean_of_dimensions"]
    table.add_section()
    table.add_row("mean of dimensions", "", *_summary(mean), style="bold")
    table.add_row("stacked", numbers.count(pooled["n_items"]), *_summary(pooled))
    lines = [
        "rho (Spearman's) and kappa (quadratic weights): means over the pairs of raters; --json has each pair.",
        f"Stacked: {pooled['rule']}.",
        *(f"{name}: {one['why']}" for name, one in _missing(mean)),
        *_ending(document),
    ]
    return [*_title(document, f" · {numbers.count(document['n_dimensions'])} dimensions"), table, "", *_lines(lines)]


def _summary(one: Mapping[str, Any]) -> list[str]:
    """The cells of a line of dimensions but for its name and n."""
    alpha = one["alpha"]["ordinal"]
    means = (_mean(one["spearman"]), _mean(one["weighted_kappa"]["quadratic"]))
    return [
        numbers.score(alpha["value"]),
        numbers.interval(alpha["low"], alpha["high"]) if "low" in alpha else "",
        numbers.score(one["icc"]["a1"]["value"]),
        numbers.score(one["ac2"]["value"]),
        *map(numbers.score, means),
    ]


def _mean(by_pair: Mapping[str, Any]) -> float | None:
    values = [one["value"] for one in by_pair.values()]
    return None if None in values else sum(values) / len(values)


def _missing(document: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """The coefficients of all raters that have no value."""
    found = ((label, _at(document, path)) for label, path, _ in COEFFICIENTS)
    return [(label, one) for label, one in found if one["value"] is None]


def _reasons(document: Mapping[str, Any]) -> list[str]:
    """Why pairs lack a value or an interval, each reason once with the pairs."""
    pairs: dict[str, dict[str, None]] = {}
    kappas = document["weighted_kappa"]["quadratic"]
    for by_pair in (document["spearman"], document["kendall"], kappas):
        for name, one in by_pair.items():
            if why := one.get("why"):
                pairs.setdefault(why, {})[name] = None
    return [f"{', '.join(names)}: {why}" for why, names in pairs.items()]


def _ending(document: Mapping[str, Any]) -> list[str]:
    """What was not shown and what was not read."""
    sizes = {name: len(document.get(name, ())) for name in ("raters", "pairs")}
    lines = [
        f"Of {numbers.count(n)} {name}, the first {SHOWN}; all with --json." for name, n in sizes.items() if n > SHOWN
    ]
    left_out = ", ".join(document.get("left_out", ()))
    return lines + ([f"Columns without ratings, left out: {left_out}."] if left_out else [])


def _at(document: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any]:
    found: Any = document
    for key in path:
        found = found[key]
    return dict(found)


def _lines(lines: Iterable[str]) -> list[RenderableType]:
    return [Text(visible(line), style="dim") for line in lines]
