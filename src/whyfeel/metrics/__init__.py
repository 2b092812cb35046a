"""Measures of a text against references, of one item and of a whole run; none of them asks a model over the network."""

from whyfeel.metrics.base import Item, Measured, Metric
from whyfeel.metrics.registry import DEFAULT, METRICS, MetricInfo, Tools, build_metrics

__all__ = ["DEFAULT", "METRICS", "Item", "Measured", "Metric", "MetricInfo", "Tools", "build_metrics"]
