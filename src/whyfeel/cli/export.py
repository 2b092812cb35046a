"""`whyfeel export`: annotations in the formats of other tools, with a data card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(
    run: Annotated[Path, typer.Argument(help="The folder of an annotation.", metavar="RUN")],
    format: Annotated[  # noqa: A002 - the option's name
        str,
        typer.Option(help="eibench, jsonl, parquet, or sharegpt and llava, also with -reasoning.", metavar="F"),
    ],
    out: Annotated[Path, typer.Option(help="The file to write, or with eibench the folder.", metavar="PATH")],
    json: o.Json = False,
) -> int:
    """Write annotations in another format, as people left them, with a data card that names all that went in."""
    from whyfeel import interop
    from whyfeel.report.export_table import export_table

    done = interop.export(run, format, out)
    if json:
        print_json(done.to_json())
    else:
        print_table(*export_table(done))
    return 0
