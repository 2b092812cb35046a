"""`whyfeel report`: runs, annotations and studies as pages that open anywhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table
from whyfeel.report.words import visible


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    runs: Annotated[
        list[Path], typer.Argument(help="Finished folders of runs, annotations and studies.", metavar="RUN…")
    ],
    out: Annotated[Path, typer.Option(help="The folder to write, or with --single-file the file.", metavar="DIR")],
    single_file: Annotated[bool, typer.Option("--single-file", help="One HTML file, to mail.")] = False,
    no_images: Annotated[
        bool, typer.Option("--no-images", help="Leave out pictures that may not be passed on.")
    ] = False,
    data: o.Data = None,
    images: o.Images = None,
    title: Annotated[str, typer.Option(help="What the report is called.", metavar="T")] = "whyfeel report",
    json: o.Json = False,
) -> int:
    """Write a report to look at: leaderboard, breakdowns, every sample with its answers, how each run was made.

    It asks nothing of any server and opens from a folder, a web server or, as one file, a mail.
    """
    from whyfeel.report.site_table import site_table
    from whyfeel.site.options import SiteOptions, check_extra

    check_extra()
    from whyfeel.site.writer import named, write_site

    options = SiteOptions(title, data, images, not no_images, single_file)
    done = write_site(runs, out, options)
    if single_file and named(out) != out:
        print(f"whyfeel: the report is {visible(done.out.name)}: browsers know a page by its ending", file=sys.stderr)
    if json:
        print_json(done.to_json())
    else:
        print_table(*site_table(done.to_json()))
    return 0
