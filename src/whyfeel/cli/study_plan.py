"""`whyfeel study plan`: how many items and raters show a preference, or what so many items show."""

from __future__ import annotations

from typing import Annotated

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table


def plan(
    kind: Annotated[str, typer.Option(help="pairwise or rating.", metavar="KIND")],
    share: Annotated[
        float | None, typer.Option(help="Pairwise: of the decided votes, to be shown (0.6).", metavar="S")
    ] = None,
    ties: Annotated[
        float | None, typer.Option(help="Pairwise: votes that decide nothing, 0 to 1 (0.15).", metavar="T")
    ] = None,
    difference: Annotated[
        float | None, typer.Option(help="Rating: points between two means, to be shown (0.5).", metavar="D")
    ] = None,
    sd: Annotated[float | None, typer.Option(help="Rating: of one rating, in points (1).", metavar="SD")] = None,
    items: Annotated[int | None, typer.Option(help="So many items: what do they show?", metavar="N")] = None,
    ratings: Annotated[int, typer.Option(help="Votes an item gets.", metavar="K")] = 3,
    items_each: Annotated[int, typer.Option(help="Items a rater gets at most.", metavar="N")] = 20,
    agreement: Annotated[float, typer.Option(help="Correlation of votes of one item (ICC).", metavar="ICC")] = 0.2,
    power: Annotated[float, typer.Option(help="How often it should be found.", metavar="P")] = 0.8,
    alpha: Annotated[float, typer.Option(help="p up to which it counts.", metavar="A")] = 0.05,
    json: o.Json = False,
) -> int:
    """Plan a human study before anybody is asked; its assumptions are printed with the answer."""
    from typing import cast

    from whyfeel.report.study_plan_table import study_plan_table
    from whyfeel.study.design import Kind
    from whyfeel.study.plan import plan_study

    document = plan_study(
        cast("Kind", kind),
        share=share,
        ties=ties,
        difference=difference,
        sd=sd,
        items=items,
        items_each=items_each,
        ratings=ratings,
        agreement=agreement,
        alpha=alpha,
        power=power,
    )
    if json:
        print_json(document)
    else:
        print_table(*study_plan_table(document))
    return 0
