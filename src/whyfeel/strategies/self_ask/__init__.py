"""Coarse-to-Fine Self-Ask (CFSA): the chain of asks that finds triggers."""

from whyfeel.strategies.self_ask.annotate import SelfAsk
from whyfeel.strategies.self_ask.settings import (
    GATES,
    HELPED,
    PHASES,
    PROMPT,
    SCENARIOS,
    SelfAskSettings,
    default_settings,
)
from whyfeel.strategies.self_ask.stand_in import stand_in

__all__ = [
    "GATES",
    "HELPED",
    "PHASES",
    "PROMPT",
    "SCENARIOS",
    "SelfAsk",
    "SelfAskSettings",
    "default_settings",
    "stand_in",
]
