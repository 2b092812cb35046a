"""`whyfeel study status`: how far a study is."""

from __future__ import annotations

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table
from whyfeel.cli.study_options import Db, Study


def status(study: Study, db: Db = None, json: o.Json = False) -> int:
    """Tell how far a study is: votes, raters, what is in hand. It may be served meanwhile."""
    from whyfeel.report.study_status_table import study_status_table
    from whyfeel.study.opened import read_progress
    from whyfeel.study.status import status_of

    document = status_of(*read_progress(study, db))
    if json:
        print_json(document)
    else:
        print_table(*study_status_table(document))
    return 0
