"""Annotating pictures with triggers: chains of asks over a source, and what people make of them."""

from whyfeel.annotate.annotate import AnnotationResult, annotate
from whyfeel.annotate.finished import AnnotationRun, read_annotation_run
from whyfeel.annotate.options import AnnotateOptions, PlanOptions, annotate_options, plan_options

__all__ = [
    "AnnotateOptions",
    "AnnotationResult",
    "AnnotationRun",
    "PlanOptions",
    "annotate",
    "annotate_options",
    "plan_options",
    "read_annotation_run",
]
