"""What can be set about the chain: its general questions, how many scene questions, gates, and how often it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from whyfeel.prompts import Prompts

PROMPT = "self-ask"  # the id of the chain's prompt texts
TOPICS = ("people", "activities", "expressions", "posture")  # the paper's four, as fields of the prompt

PARSE, REBUILD, GENERAL, SCENARIO, SUMMARY = "parse", "rebuild", "general", "scenario", "summary"
DUPLICATE, GROUNDED, RELEVANT = "duplicate", "grounded", "relevant"
GATES = (DUPLICATE, GROUNDED, RELEVANT)
# The phases in order, which are the roles of their asks, and whether those show the picture. What shows it goes to
# the model under test, everything else to the helper.
PHASES: Mapping[str, bool] = MappingProxyType(
    {
        PARSE: False,
        REBUILD: True,
        GENERAL: True,
        SCENARIO: True,
        SUMMARY: False,
        DUPLICATE: False,
        GROUNDED: True,
        RELEVANT: False,
    }
)
HELPED = frozenset(phase for phase, shown in PHASES.items() if not shown)

SCENARIOS = 3  # questions about the scene; the paper does not tell how many
MOST_TRIGGERS = 30  # of one chain; what is beyond is kept on record and goes through no gate


@dataclass(frozen=True, slots=True)
class SelfAskSettings:
    """What decides a chain besides its prompts.

    Attributes:
        questions: the general questions, asked about every picture.
        scenarios: how many questions about the scene are asked, at least 1.
        repeat: how many chains run; above 1, a trigger's confidence is how often it returns.
        gates: those that are on.
    """

    questions: tuple[str, ...]
    scenarios: int = SCENARIOS
    repeat: int = 1
    gates: tuple[str, ...] = GATES

    @property
    def temperature(self) -> float:
        """Of what a chain asks: several chains must be able to differ."""
        return 0 if self.repeat == 1 else 0.7


def default_settings(prompts: Prompts) -> SelfAskSettings:
    """The paper's four topics, in our words; one whose text a user's file leaves blank is not asked about."""
    return SelfAskSettings(tuple(filter(str.strip, (prompts.fill(PROMPT, topic) for topic in TOPICS))))
