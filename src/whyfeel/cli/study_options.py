"""Options that the commands of a study share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Study = Annotated[Path, typer.Argument(help="A study folder.", metavar="STUDY")]
Db = Annotated[
    str | None, typer.Option(help="postgresql://… instead of STUDY/study.sqlite, at every command.", metavar="URL")
]
