"""`whyfeel demo`: the main job on the bundled sample set, with embedded parts only."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo(
    out: Annotated[Path | None, typer.Option(help="Keep the seven runs in this folder.", metavar="DIR")] = None,
    json: o.Json = False,
) -> int:
    """Run every baseline on 24 drawn scenes, judge them by overlap, and show how the controls order.

    Needs no network, no key, no GPU and no data.
    """
    from whyfeel import runs
    from whyfeel.cli.progress import Quiet
    from whyfeel.report.summary_table import baselines_table
    from whyfeel.strategies import BASELINES

    with tempfile.TemporaryDirectory(prefix="whyfeel-demo-") as scratch:
        place = out or Path(scratch)
        summaries = [
            runs.run(
                runs.run_options({"task": "scenes", "model": f"baseline:{name}", "out": place / name}), Quiet()
            ).summary
            for name in BASELINES
        ]
    if json:
        print_json({"runs": summaries})
    else:
        print_table(*baselines_table(summaries))
    return 0
