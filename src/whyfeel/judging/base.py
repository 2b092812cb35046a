"""What a judge is: it reads one response, and its tally turns the judgements of a run into scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from whyfeel.records import Asking, Judgement, Response, Sample
from whyfeel.stats.series import Series


class Tally(Protocol):
    """Collects the judgements of a run, in the task's order, into one Series a score."""

    def add(self, sample: Sample, judgement: Judgement) -> None:
        """Take the judgement of the next sample; an unscored one keeps its place."""
        ...

    def series(self) -> list[Series]:
        """The scores of all samples added, the headline's first."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """What else the judgements tell, for summary.json, such as how a panel agrees; {} for nothing."""
        ...


class Judge(Protocol):
    """How a response is scored against the annotation.

    Attributes:
        name: as it is written in a command.
        headline: the score that heads the summary.
        roles: the roles it asks in, and whether those asks show the sample's pictures; empty for an offline judge.
        prompts: ids of the prompt texts it uses.
        version: of its rules, "" for the first; it changes where the same answer would get another score.
        note: what it is and what it cannot see, in one line; stands on every table.
    """

    @property
    def name(self) -> str: ...
    @property
    def headline(self) -> str: ...
    @property
    def roles(self) -> Mapping[str, bool]: ...
    @property
    def prompts(self) -> tuple[str, ...]: ...
    @property
    def version(self) -> str: ...
    @property
    def note(self) -> str: ...

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """The judgement of one response that was obtained (an unscored one never gets here)."""
        ...

    def tally(self) -> Tally:
        """An empty tally."""
        ...
