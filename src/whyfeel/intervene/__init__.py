"""Interventions: is a trigger named because its cause is in the picture?"""

from whyfeel.intervene.execute import InterventionResult, intervene
from whyfeel.intervene.options import InterveneOptions, intervene_options
from whyfeel.intervene.rehearse import rehearse_intervention

__all__ = [
    "InterveneOptions",
    "InterventionResult",
    "intervene",
    "intervene_options",
    "rehearse_intervention",
]
