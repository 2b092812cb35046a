"""What the user asked for, in one validated record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from whyfeel.errors import UserError
from whyfeel.prompts import PUBLISHED
from whyfeel.runs.options import Options, Place, Settings, SittingOptions, checked
from whyfeel.strategies.self_ask import GATES, SCENARIOS

NO_GATES = "none"


def _gates(names: str) -> str:
    """`none`, or some of the gates, in their own order."""
    chosen = [] if names.strip() == NO_GATES else [one.strip() for one in names.split(",")]
    if wrong := [one for one in chosen if one not in GATES]:
        raise ValueError(f"there is no gate {wrong[0]!r}; there are {', '.join((*GATES, NO_GATES))}")
    return ",".join(gate for gate in GATES if gate in chosen)


def _said(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise ValueError("expected a text that is not blank")
    return line


Line = Annotated[str, AfterValidator(_said)]


def _each_once(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


class Asked(SittingOptions):
    """What all that is asked about a source of pictures has in common.

    Attributes:
        source: a folder of pictures, a record file, or a task.
        vlm, llm: who sees the pictures, and who parses and merges; the same where `llm` is None.
        llm_gen: sampling settings of the latter; `gen` has those of the former.
        emotion: the emotions asked about, each of every picture; for sources that name none themselves.
        query: what the user wants to know, for sources that hold no questions.
    """

    source: str
    vlm: str
    llm: str | None = None
    llm_gen: Settings = Field(default_factory=dict)
    emotion: Annotated[tuple[Line, ...], AfterValidator(_each_once)] = ()
    query: Line | None = None


class AnnotateOptions(Asked):
    """The options of `whyfeel annotate`.

    Attributes:
        scenes: questions about the scene that the model asks itself.
        repeat: chains a picture.
        gates: those that are on, by commas; None for all.
        plan: a file of general questions, from `whyfeel annotate plan`.
    """

    scenes: Annotated[int, Field(ge=1, le=12)] = SCENARIOS
    repeat: Annotated[int, Field(ge=1, le=20)] = 1
    gates: Annotated[str, AfterValidator(_gates)] | None = None
    plan: Place | None = None

    @property
    def gates_on(self) -> tuple[str, ...]:
        """The gates that are on, in their order."""
        return GATES if self.gates is None else tuple(filter(None, self.gates.split(",")))


class PlanOptions(Asked):
    """The options of `whyfeel annotate plan`.

    Attributes:
        sample: pictures that questions are written about, drawn by seed.
        each: questions that are written about each.
        questions: how many are chosen.
    """

    sample: Annotated[int, Field(ge=1, le=10_000)] = 50
    each: Annotated[int, Field(ge=1, le=30)] = 8
    questions: Annotated[int, Field(ge=1, le=12)] = 4


def annotate_options(given: Mapping[str, Any]) -> AnnotateOptions:
    """The options of an annotation.

    Raises:
        UserError: a value of the wrong kind, or a needed one that is missing; one line.
    """
    return _asked(checked(AnnotateOptions, given))


def _asked(options: Options) -> Options:
    if (options.prompts or "").partition(":")[0] == PUBLISHED:
        raise UserError("--prompts eibench: no prompt of the paper's annotation was published; give a TOML file")
    return options


def plan_options(given: Mapping[str, Any]) -> PlanOptions:
    """The options of a plan.

    Raises:
        UserError: a value of the wrong kind, or a needed one that is missing; one line.
    """
    options = _asked(checked(PlanOptions, given))
    if options.limit is not None:
        raise UserError("--limit takes the first pictures, and a plan draws its own: use --sample")
    return options
