"""`whyfeel study create`: a blind study out of runs and human references, frozen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def create(
    study: Annotated[Path, typer.Argument(help="The study folder to be made.", metavar="STUDY")],
    kind: Annotated[str, typer.Option(help="pairwise or rating.", metavar="KIND")],
    from_: Annotated[
        list[Path] | None, typer.Option("--from", help="A finished run; may be repeated.", metavar="RUN")
    ] = None,
    human: Annotated[bool, typer.Option("--human", help="Human references are a source, too.")] = False,
    task: Annotated[
        str | None, typer.Option(help="With --human alone: whose references are rated.", metavar="T")
    ] = None,
    items: Annotated[int | None, typer.Option(help="Draw so many items (all there are).", metavar="N")] = None,
    ratings: Annotated[int, typer.Option(help="Votes an item is to get.", metavar="K")] = 3,
    items_each: Annotated[int, typer.Option(help="Items a rater gets at most.", metavar="N")] = 20,
    repeats: Annotated[int | None, typer.Option(help="Of them that come again (2).", metavar="R")] = None,
    attention: Annotated[int, typer.Option(help="Attention checks a rater gets.", metavar="A")] = 2,
    scale: Annotated[str | None, typer.Option(help="Rating: its points (0:5).", metavar="LO:HI")] = None,
    anchor: Annotated[
        list[str] | None, typer.Option(help="Rating: what a point means; may be repeated.", metavar="POINT=TEXT")
    ] = None,
    entry: Annotated[str, typer.Option(help="open, invited or prolific.", metavar="E")] = "open",
    seats: Annotated[int, typer.Option(help="Invited: links to make.", metavar="N")] = 0,
    completion_code: Annotated[str, typer.Option(help="Shown at the end.", metavar="C")] = "",
    lease: Annotated[
        float, typer.Option(help="Minutes without a sign of life until items go to others.", metavar="MIN")
    ] = 30.0,
    texts: Annotated[
        Path | None, typer.Option(help="A TOML file of texts over ours (docs/studies.md).", metavar="FILE")
    ] = None,
    max_failed_attention: Annotated[
        int | None, typer.Option(help="Attention checks that may be failed (half).", metavar="N")
    ] = None,
    min_seconds: Annotated[
        float, typer.Option(help="Who answers faster than this, in the median, does not count.", metavar="S")
    ] = 3.0,
    seed: Annotated[int, typer.Option(help="Seeds everything random.", metavar="N")] = 0,
    data: o.Data = None,
    images: o.Images = None,
    no_images: Annotated[bool, typer.Option("--no-images", help="Show no pictures.")] = False,
    json: o.Json = False,
) -> int:
    """Make a blind study: whose texts are shown is written into key.json alone, which nothing reads until it is asked.

    The design is frozen. Nothing that is printed here tells which system is which.
    """
    from typing import cast

    from whyfeel.report.study_created_table import study_created_table
    from whyfeel.study.create import create_study
    from whyfeel.study.design import Entry, Kind
    from whyfeel.study.options import StudyOptions

    options = StudyOptions(
        *(study, cast("Kind", kind), tuple(from_ or ()), human, task, items, ratings, items_each, repeats, attention),
        scale=scale,
        anchors=tuple(anchor or ()),
        entry=cast("Entry", entry),
        seats=seats,
        completion_code=completion_code,
        lease=lease,
        texts=texts,
        max_failed_attention=max_failed_attention,
        min_seconds=min_seconds,
        seed=seed,
        data=data,
        images=images,
        no_images=no_images,
    )
    document = create_study(options)
    if json:
        print_json(document)
    else:
        print_table(*study_created_table(document))
    return 0
