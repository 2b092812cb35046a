"""`whyfeel study`: blind studies with people, from the plan to the export."""

from __future__ import annotations

import typer

from whyfeel.cli.study_create import create
from whyfeel.cli.study_export import export
from whyfeel.cli.study_plan import plan
from whyfeel.cli.study_results import results
from whyfeel.cli.study_serve import serve
from whyfeel.cli.study_status import status


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        no_args_is_help=True, rich_markup_mode=None, help="Blind studies: people compare or rate reasons."
    )
    for command in (plan, create, serve, status, results, export):
        group.command(command.__name__)(command)
    app.add_typer(group, name="study")
