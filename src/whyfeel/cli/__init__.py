"""The command line. One file a command; each imports what it needs only when it runs."""

from __future__ import annotations

import gc
import os
import signal
import sys
from io import TextIOWrapper
from types import FrameType

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError

from whyfeel import __version__
from whyfeel.cli import (
    agree,
    annotate,
    calibrate,
    compare,
    data,
    demo,
    doctor,
    draw,
    export,
    intervene,
    judge,
    judge_answers,
    meta,
    metrics,
    models,
    power,
    probe,
    published,
    report,
    review,
    run,
    score,
    study,
    tasks,
    tune,
    view,
)
from whyfeel.cli.output import give_up_stdout
from whyfeel.errors import Interrupted, RunStopped, UserError
from whyfeel.report.words import visible

app = typer.Typer(
    name="whyfeel",
    help="Why does this person feel that way, according to a model, and how far may the answer be trusted?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for command in (run, judge, score, judge_answers):
    command.register(app)
data.register(app)
annotate.register(app)
for command in (review, export, study):
    command.register(app)
for command in (metrics, meta, compare, agree, calibrate, power, published):
    command.register(app)
for command in (draw, tune, intervene, probe):
    command.register(app)
for command in (report, view):
    command.register(app)
for command in (tasks, models, doctor, demo):
    command.register(app)


@app.callback(invoke_without_command=True)
def _root(*, version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    if version:
        print(f"whyfeel {__version__}")
        raise typer.Exit


def main() -> None:
    """Run the command line and exit: 0 done, 1 nothing scored or a fault, 2 the user's mistake, 130/143 a signal."""
    # nearly all objects of a run die by their reference counts; hunting for cycles as often as Python does by
    # default costs an eighth of a run's CPU time
    gc.set_threshold(50_000, 20, 100)
    # numpy's matrix products are small here: a pool of threads costs more to start than it saves
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _open_streams()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, _interrupt)
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        # a terminal that cannot show a character gets "?" for it, not a traceback after a paid run
        sys.stdout.reconfigure(errors="replace")
    try:
        status = app(standalone_mode=False)
    except NoArgsIsHelpError as asked:
        print(asked.format_message())
        status = 0
    except ClickException as error:
        _say(error.format_message())
        status = 2
    except UserError as error:
        _say(str(error))
        status = 2
    except RunStopped as error:
        _say(str(error))
        status = 1
    except Interrupted as error:
        _say(str(error))
        status = 128 + error.signal
    except BrokenPipeError:
        give_up_stdout()  # the reader of our output went away
        status = 1
    sys.exit(status if isinstance(status, int) else 0)


def _open_streams() -> None:
    """Give a process that was started without stdout or stderr ones that lead nowhere.

    At once: the next file to be opened, the ledger even, would take their places.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8", closefd=False))


def _interrupt(number: int, _: FrameType | None) -> None:
    """Ctrl-C or SIGTERM while no calls are made: while options and data are read, and while files are written."""
    raise Interrupted(number)


def _say(message: str) -> None:
    print("whyfeel: " + visible(" ".join(message.split())), file=sys.stderr)
