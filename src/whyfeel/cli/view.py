"""`whyfeel view`: the report's pages in the browser, which grow while a run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o

PORT = 8419


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("view")(view)


def view(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of runs, annotations and studies.", metavar="RUN…", show_default=False)
    ],
    port: Annotated[int, typer.Option(help=f"The port on 127.0.0.1 ({PORT}).", metavar="N", min=1, max=65535)] = PORT,
    no_images: Annotated[bool, typer.Option("--no-images", help="Show no pictures.")] = False,
    data: o.Data = None,
    images: o.Images = None,
) -> int:
    """Serve the report on this machine; runs that are under way are shown as far as they are."""
    _check_extra()
    from tempfile import TemporaryDirectory

    from whyfeel.site.options import SiteOptions
    from whyfeel.web import serving
    from whyfeel.web.view.application import Kiosk, create_app
    from whyfeel.web.view.press import Press

    options = SiteOptions(data=data, images=images, pictures=not no_images)
    with serving.listening(serving.HOST, port) as listener, TemporaryDirectory(prefix="whyfeel-view-") as scratch:
        kiosk = Kiosk(Press(runs, options, Path(scratch)))
        print(f"http://{serving.HOST}:{listener.getsockname()[1]}/", flush=True)
        print("Ctrl-C ends it; reload a page to see what has come since.", flush=True)
        serving.serve(create_app(kiosk), listener)
    return 0


def _check_extra() -> None:
    from importlib.util import find_spec

    from whyfeel.errors import UserError

    if not all(map(find_spec, ("jinja2", "starlette", "uvicorn"))):
        raise UserError("the pages need a web server: pip install 'whyfeel[report,web]'")
