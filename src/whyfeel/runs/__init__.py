"""A run folder: plan, execute, judge again, summarise."""

from whyfeel.runs.execute import RunResult
from whyfeel.runs.folder import RunFolder
from whyfeel.runs.lines import read_lines
from whyfeel.runs.machine import Check, check_machine
from whyfeel.runs.options import RunOptions, parse_settings, run_options
from whyfeel.runs.rehearse import rehearse
from whyfeel.runs.rejudge import judge_answers, judge_run
from whyfeel.runs.run import run
from whyfeel.runs.score import score_file
from whyfeel.runs.sitting import Watch

__all__ = [
    "Check",
    "RunFolder",
    "RunOptions",
    "RunResult",
    "Watch",
    "check_machine",
    "judge_answers",
    "judge_run",
    "parse_settings",
    "read_lines",
    "rehearse",
    "run",
    "run_options",
    "score_file",
]
