"""What tests of metrics share: items, and the values of a metric."""

from __future__ import annotations

from whyfeel.metrics import Item, Metric


def item(hypothesis: str, *references: str, cluster: str = "", number: int = 0) -> Item:
    """An item; each has a picture of its own unless `cluster` says otherwise."""
    return Item(f"s{number}", hypothesis, references, "Why?", None, cluster or f"p{number}")


def items(*rows: tuple[str, ...]) -> list[Item]:
    """An item a row: the answer, then its references."""
    return [item(*row, number=number) for number, row in enumerate(rows)]


def values(metric: Metric, *rows: tuple[str, ...]) -> list[float | None]:
    """The metric's values of such items."""
    return list(metric.measure(items(*rows)).values)
