"""How a sample is put to a model: procedures, modifiers and the baselines that ask nothing."""

from whyfeel.strategies.base import Strategy
from whyfeel.strategies.baselines import BASELINES, Baseline, build_baseline
from whyfeel.strategies.caption import captions_from
from whyfeel.strategies.composed import Changed, Composed
from whyfeel.strategies.registry import STRATEGIES, build_strategy

__all__ = [
    "BASELINES",
    "STRATEGIES",
    "Baseline",
    "Changed",
    "Composed",
    "Strategy",
    "build_baseline",
    "build_strategy",
    "captions_from",
]
