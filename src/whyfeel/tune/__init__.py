"""Fine-tuning a local model on triggers that people or models annotated, and what it gains on pictures it never saw."""

from whyfeel.tune.options import TuneOptions, tune_options
from whyfeel.tune.rehearse import rehearse
from whyfeel.tune.tune import Tuned, tune
from whyfeel.tune.watch import TrainWatch

__all__ = ["TrainWatch", "TuneOptions", "Tuned", "rehearse", "tune", "tune_options"]
