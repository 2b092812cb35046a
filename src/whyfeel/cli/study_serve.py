"""`whyfeel study serve`: people take part in a study, in their browsers."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from whyfeel.cli.study_options import Db, Study

PORT = 8418


def serve(
    study: Study,
    port: Annotated[int, typer.Option(help=f"The port ({PORT}).", metavar="N", min=1, max=65535)] = PORT,
    host: Annotated[str, typer.Option(help="The address that is bound (127.0.0.1).", metavar="IP")] = "127.0.0.1",
    address: Annotated[
        str | None, typer.Option(help="By which raters reach the pages: http(s)://HOST[:PORT].", metavar="URL")
    ] = None,
    db: Db = None,
) -> int:
    """Serve the pages of a study until Ctrl-C; this machine alone reaches them, unless --host or a proxy says more."""
    _check_extra()
    import asyncio

    from whyfeel.report.words import visible
    from whyfeel.study.folder import StudyFolder
    from whyfeel.web.serving import listening
    from whyfeel.web.study.application import check_store, serve
    from whyfeel.web.study.site import Site, address_of, in_the_clear

    folder = StudyFolder(study)
    site = Site(folder, address_of(host, address))
    place = db or folder.store
    asyncio.run(check_store(site, place))
    with listening(host, port) as listener:
        if site.address:
            print(f"whyfeel: whoever reaches {visible(site.address)} can take part", file=sys.stderr)
        if in_the_clear(site.address):
            print("whyfeel: plain http shows answers to the network; put https before it", file=sys.stderr)
        home = site.address or f"http://{host}:{listener.getsockname()[1]}"
        for link in site.links(home):
            print(link, flush=True)
        print("Ctrl-C ends it; nothing is lost, and the same links are good the next time.", flush=True)
        serve(site, place, listener)
    return 0


def _check_extra() -> None:
    from importlib.util import find_spec

    from whyfeel.errors import UserError

    if not all(map(find_spec, ("aiosqlite", "fastapi", "jinja2", "uvicorn", "python_multipart"))):
        raise UserError("a study's pages need FastAPI and what goes with it: pip install 'whyfeel[web]'")
