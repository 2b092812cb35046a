"""`whyfeel data check`: are the records and the pictures what they should be?"""

from __future__ import annotations

from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(help="Check data before a run.", no_args_is_help=True, rich_markup_mode=None)
    group.command("check")(check)
    # a group of one command must still be called by the command's name
    group.callback()(_group)
    app.add_typer(group, name="data")


def _group() -> None:
    """Check data before a run."""


def check(
    task: Annotated[str, typer.Argument(help="See `whyfeel tasks`.")],
    data: o.Data = None,
    images: o.Images = None,
    json: o.Json = False,
) -> int:
    """Count samples and triggers, name every odd record, and check every picture's header and end."""
    from whyfeel.media import MediaStore
    from whyfeel.report.tables import data_table
    from whyfeel.tasks import check_task, open_task

    opened = open_task(task, data, images)
    store = MediaStore(opened.images)
    report = check_task(opened, store.fault if opened.images is not None else None)
    store.close()
    if json:
        print_json(report.to_json())
    else:
        print_table(*data_table(report))
    return 0
