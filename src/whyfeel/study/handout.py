"""Giving a rater their trials: what `assignment` chooses, written down in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from whyfeel.records import rng
from whyfeel.study.assignment import Quota, Standing, choose, schedule
from whyfeel.study.collected import Trial
from whyfeel.study.design import Design
from whyfeel.study.rows import Rows


async def hand_out(rows: Rows, design: Design, rater: int, own: Sequence[Trial], away: float) -> bool:
    """Give a rater trials: all of them, or others for those that went to somebody else.

    Args:
        rows: of a transaction that is alone.
        design: the study's.
        rater: an id.
        own: the rater's trials so far.
        away: raters who were last seen before this moment may lose their open items.

    Returns:
        whether there was an item to give.
    """
    first = 1 + max((one.place for one in own), default=0)
    draw = rng(design.seed, "assignment", rater, *([] if first == 1 else [first]))
    sided = design.kind == "pairwise"
    items = [one for one in own if one.role == "item"]
    kept = [one for one in items if not one.passed_on]
    known = await rows.standings(away)
    given = choose(
        {item.id: known.get(item.id, Standing()) for item in design.items},
        design.terms.items - len(kept),
        Quota(design.terms.ratings, sided),
        draw,
        had={one.item for one in items},
        lean=sum(-1 if one.swapped else 1 for one in kept),
    )
    if not given:
        return False
    for one in given:
        if one.instead is not None:
            await rows.pass_on(one.item, one.instead, away)
    repeats = design.terms.repeats - sum(one.role == "repeat" for one in own)
    if own:
        checks = await rows.drop_checks(rater)
    else:
        texts = draw.permutation(len(design.texts.attention))
        checks = [str(place) for place in texts[: design.terms.attention]]
    await rows.add_trials(rater, first, schedule(given, max(0, repeats), checks, draw, sided=sided))
    return True
