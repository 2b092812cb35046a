"""`whyfeel doctor`: is this machine ready for a run?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(
    model: Annotated[str | None, typer.Option(help="Also ask this model's server for its models.", metavar="M")] = None,
    out: Annotated[Path, typer.Option(help="The folder runs will be written to.", metavar="DIR")] = Path(),
    json: o.Json = False,
) -> int:
    """Check Python, the libraries, the disk and, if asked, a model's server. Exit status 1 where something fails."""
    from whyfeel.report.tables import listing
    from whyfeel.runs import check_machine

    checks = check_machine(out, model)
    if json:
        print_json({"checks": [{"name": c.name, "ok": c.ok, "detail": c.detail} for c in checks]})
    else:
        rows = [(check.name, "ok" if check.ok else "FAILS", check.detail) for check in checks]
        print_table(listing(("check", "", "detail"), rows))
    return int(not all(check.ok for check in checks))
