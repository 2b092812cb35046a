"""What the user asked for, in one validated record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from whyfeel.errors import UserError
from whyfeel.runs.options import Place, Positive, Rate, SittingOptions, checked

LOCAL = "local:"
RATES: Mapping[str, float] = {"lora": 2e-4, "full": 2e-5}  # AdamW's, where the user names none
HELD_OUT = 0.1


class TuneOptions(SittingOptions):
    """The options of `whyfeel tune`.

    Attributes:
        source: a task, or the folder of an annotation.
        model: the model that is tuned, `local:` and a folder or Hub id.
        method: "lora" adds small matrices to the attention of the language model; "full" changes every weight.
        epochs: how often every sample is seen; max_steps ends the training sooner.
        batch_size: samples a step.
        learning_rate: at its highest, after the warm-up; None for that of the method.
        rank: of LoRA's matrices.
        held_out: the share of the samples that is measured on and never trained on; 0 measures nothing.
        eval_data: a record file of the task `jsonl` that is measured on instead.
        judge, judge_model: who judges before and after.
    """

    source: str
    model: str
    method: Literal["lora", "full"] = "lora"
    epochs: Positive = 3
    max_steps: Positive | None = None
    batch_size: Positive = 16
    learning_rate: Rate | None = None
    rank: Annotated[int, Field(gt=0, le=1024)] = 16
    held_out: Annotated[float, Field(ge=0, lt=1)] | None = None
    eval_data: Place | None = None
    judge: str = "overlap"
    judge_model: str | None = None

    @property
    def base(self) -> str:
        """The folder or Hub id of the model that is tuned."""
        return self.model.removeprefix(LOCAL)

    @property
    def rate(self) -> float:
        """The highest learning rate."""
        return RATES[self.method] if self.learning_rate is None else self.learning_rate

    @property
    def share(self) -> float:
        """The share of the samples that is held out."""
        if self.held_out is not None:
            return self.held_out
        return HELD_OUT if self.eval_data is None else 0.0


def tune_options(given: Mapping[str, Any]) -> TuneOptions:
    """The options of a tuning.

    Raises:
        UserError: a value of the wrong kind, a needed one that is missing, or two that contradict each other; one line.
    """
    options = checked(TuneOptions, given)
    if not options.base or not options.model.startswith(LOCAL):
        raise UserError(f"--model {options.model!r}: only a model on this machine can be tuned; write local:FOLDER")
    if options.eval_data is not None and options.held_out:
        raise UserError("--held-out takes samples of SOURCE to measure on, and --eval-data names others: give one")
    return options
