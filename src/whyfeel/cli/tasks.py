"""`whyfeel tasks`: what can be run."""

from __future__ import annotations

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tasks")(tasks)


def tasks(json: o.Json = False) -> int:
    """List the tasks."""
    from dataclasses import asdict

    from whyfeel.report.tables import listing
    from whyfeel.tasks import TASKS

    if json:
        print_json({"tasks": [asdict(task) for task in TASKS]})
    else:
        rows = [(t.name, t.samples, t.title + (f"\n--data: {t.needs_data}" if t.needs_data else "")) for t in TASKS]
        print_table(listing(("task", "samples", "what it is"), rows))
    return 0
