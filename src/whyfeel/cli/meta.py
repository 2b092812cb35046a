"""`whyfeel meta`: do metrics and judges agree with people?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table
from whyfeel.cli.study_options import Db

if TYPE_CHECKING:
    from whyfeel.study.collected import Collected
    from whyfeel.study.design import Design


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("meta")(meta)


def meta(
    sources: Annotated[list[Path], typer.Argument(help="Run folders; or files of judges' ratings.", metavar="SOURCE…")],
    study: Annotated[
        list[Path], typer.Option(help="A study folder; or a file of people's ratings, once for each.", metavar="PEOPLE")
    ],
    metric: Annotated[
        list[str] | None, typer.Option(help="Metrics of the runs, several with commas (all measured).", metavar="M,…")
    ] = None,
    judge: Annotated[
        list[str] | None, typer.Option(help="ID or ID:SCORE, several with commas (all headlines).", metavar="J,…")
    ] = None,
    data: o.Data = None,
    db: Db = None,
    seed: Annotated[int | None, typer.Option(help="Of the intervals (the study's own).", metavar="N")] = None,
    json: o.Json = False,
) -> int:
    """Tell how well metrics and judges predict people's choices, or follow their ratings.

    With a study this asks whose texts are whose, which the study remembers (docs/meta.md).
    """
    from whyfeel.errors import UserError
    from whyfeel.report.meta_table import meta_table

    if missing := next((path for path in (*sources, *study) if not path.exists()), None):
        raise UserError(f"{str(missing)!r} is not there")
    folders = [path.is_dir() for path in (*sources, *study)]
    if any(folders) and not (all(folders) and len(study) == 1):
        why = "expected run folders and one study folder, or files of ratings on both sides"
        raise UserError(f"{why}, got {', '.join(repr(str(path)) for path in (*sources, *study))}")
    if all(folders):
        document = _of_study(sources, study[0], _names(metric), _names(judge), data=data, db=db, seed=seed)
    else:
        document = _of_files(sources, study, metric or judge or data or db, seed or 0)
    if json:
        print_json(document)
    else:
        print_table(*meta_table(document))
    return 0


def _names(given: Sequence[str] | None) -> list[str] | None:
    return None if given is None else [name.strip() for one in given for name in one.split(",")]


def _of_files(judges: Sequence[Path], people: Sequence[Path], surplus: object, seed: int) -> dict[str, Any]:
    from whyfeel.errors import UserError
    from whyfeel.stats.resampling import Bootstrap
    from whyfeel.study.meta import meta_files

    if surplus:
        raise UserError(
            "--metric, --judge, --data and --db are for runs and a study; files of ratings have none of them"
        )
    return meta_files(judges, people, Bootstrap(seed))


def _of_study(
    paths: Sequence[Path],
    study: Path,
    metrics: Sequence[str] | None,
    judges: Sequence[str] | None,
    *,
    data: Path | None,
    db: str | None,
    seed: int | None,
) -> dict[str, Any]:
    """Runs are read, and looked up in the key, first: a mistake in them unblinds nothing, as no figure is told."""
    import asyncio

    from whyfeel.errors import UserError
    from whyfeel.stats.resampling import Bootstrap
    from whyfeel.study.folder import StudyFolder
    from whyfeel.study.meta import meta_study, sources_of
    from whyfeel.study.meta_runs import read_run

    folder = StudyFolder(study)
    design = folder.read_design()
    runs = [read_run(path, metrics, judges, data=data) for path in paths]
    if db is None and not folder.store.exists():
        raise UserError(f"{str(folder.store)!r} is not there: nobody has voted yet, or the study is kept at a --db")
    key = folder.read_key(design)
    sources_of(design, key, runs)
    collected = asyncio.run(_unblinded(db or folder.store, design))
    return meta_study(design, collected, key, runs, Bootstrap(design.seed if seed is None else seed))


async def _unblinded(place: str | Path, design: Design) -> Collected:
    """What a study holds, once it is written down that somebody knows whose texts are whose."""
    from whyfeel.study.opened import open_store, unblind_voted

    async with open_store(design, place) as store:
        await unblind_voted(store)
        return await store.collected()
