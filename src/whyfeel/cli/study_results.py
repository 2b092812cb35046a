"""`whyfeel study results`: what people preferred, or how they rated."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table
from whyfeel.cli.study_options import Db, Study

if TYPE_CHECKING:
    from whyfeel.study.groups import By

Unblind = Annotated[bool, typer.Option("--unblind", help="Tell whose texts are whose; it is recorded in the study.")]


def results(
    study: Study,
    db: Db = None,
    unblind: Unblind = False,
    by: Annotated[
        str | None, typer.Option(help="Also by what raters said of themselves: the question's name.", metavar="NAME")
    ] = None,
    least: Annotated[
        int | None, typer.Option(help="With --by: raters that a group must have (10; never below 5).", metavar="N")
    ] = None,
    json: o.Json = False,
) -> int:
    """Tell what people preferred or how they rated, with intervals, agreement and exclusions, all of it blind.

    Exit status 1 where no vote counts.
    """
    from whyfeel.report.study_results_table import study_results_table
    from whyfeel.study.opened import read_study
    from whyfeel.study.results import results as found_by

    asked = _by(by, least)
    read = read_study(study, db, unblind=unblind, by=asked)
    document = found_by(read.design, read.collected, read.names, asked)
    if json:
        print_json(document)
    elif document["without_exclusions"]["votes"]:
        print_table(*study_results_table(document))
    return told_empty(document, db)


def told_empty(document: Mapping[str, Any], db: str | None) -> int:
    """Say it where there is nothing to report; the exit status that goes with it."""
    if document["votes"]:
        return 0
    dropped = document["without_exclusions"]["votes"]
    if dropped:
        why = f"the design's rules leave out all {dropped:,} votes"
    elif db is None:
        why = "there are no votes yet; if the study is kept in PostgreSQL, give its --db here, too"
    else:
        why = "there are no votes yet"
    print(f"whyfeel: nothing could be scored: {why}", file=sys.stderr)
    return 1


def _by(name: str | None, least: int | None) -> By | None:
    from whyfeel.errors import UserError
    from whyfeel.study.groups import USUAL, By

    if name is None and least is not None:
        raise UserError("--least says how large groups must be; --by NAME says which groups")
    return None if name is None else By(name, USUAL if least is None else least)
