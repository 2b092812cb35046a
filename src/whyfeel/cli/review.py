"""`whyfeel review`: people correct what `whyfeel annotate` found, in their browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json

PORT = 8417
SHOWN = 5  # items that are named


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("review")(review)


def review(
    run: Annotated[Path, typer.Argument(help="A run of `whyfeel annotate`.", metavar="RUN")],
    reviewer: Annotated[
        list[str] | None, typer.Option(help="Somebody who reviews (reviewer); may be repeated.", metavar="NAME")
    ] = None,
    adjudicator: Annotated[
        list[str] | None, typer.Option(help="Somebody who settles differences; may be repeated.", metavar="NAME")
    ] = None,
    double: Annotated[
        float | None, typer.Option(help="Share of items that two people review (0).", metavar="SHARE")
    ] = None,
    port: Annotated[int, typer.Option(help=f"The port on 127.0.0.1 ({PORT}).", metavar="N", min=1, max=65535)] = PORT,
    seed: o.Seed = None,
    json: o.Json = False,
) -> int:
    """Serve the review of an annotation run on this machine. With --json, print how far it is and exit."""
    _check_extra()
    from whyfeel.web.review.application import listening, serve
    from whyfeel.web.review.desk import Wish, open_desk, review_status
    from whyfeel.web.serving import HOST

    wish = Wish(tuple(reviewer or ["reviewer"]), tuple(adjudicator or []), double, seed)
    if json:
        print_json(review_status(run, wish))
        return 0
    with open_desk(run, wish) as desk, listening(port) as listener:
        if anew := desk.store.anew():
            more = f" and {len(anew) - SHOWN:,} more" if len(anew) > SHOWN else ""
            told = f"{', '.join(map(repr, anew[:SHOWN]))}{more}"
            print(f"whyfeel: annotated anew after people had worked on them, and open again: {told}", file=sys.stderr)
        for name, token in desk.tokens():
            print(f"{name}: http://{HOST}:{listener.getsockname()[1]}/?token={token}", flush=True)
        print("Ctrl-C ends it; nothing is lost, and the same links are good the next time.", flush=True)
        serve(desk, listener)
    return 0


def _check_extra() -> None:
    from importlib.util import find_spec

    from whyfeel.errors import UserError

    if not all(map(find_spec, ("fastapi", "jinja2", "uvicorn", "python_multipart"))):
        raise UserError("the review needs FastAPI and what goes with it: pip install 'whyfeel[web]'")
