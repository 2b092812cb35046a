"""`whyfeel study export`: a study's votes as CSV, with a data card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table
from whyfeel.cli.study_options import Db, Study
from whyfeel.cli.study_results import Unblind


def export(
    study: Study,
    out: Annotated[Path, typer.Option(help="The folder to write.", metavar="DIR")],
    db: Db = None,
    unblind: Unblind = False,
    demographics: Annotated[
        bool, typer.Option("--demographics", help="Also what raters said of themselves, which may make them known.")
    ] = False,
    json: o.Json = False,
) -> int:
    """Write votes, raters, items and results as files that other programs read, and apart from them who is to be paid.

    What was exported to the same place before is replaced.
    """
    from whyfeel.interop.study import export_study
    from whyfeel.report.study_export_table import study_export_table
    from whyfeel.study.opened import read_study
    from whyfeel.study.results import results

    read = read_study(study, db, unblind=unblind)
    document = results(read.design, read.collected, read.names)
    done = export_study(read.design, read.collected, read.names, document, out, demographics=demographics)
    if json:
        print_json(done)
    else:
        print_table(*study_export_table(done))
    return 0
