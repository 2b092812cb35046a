"""Ratings of items by several raters, out of files: EIBench's human_eval, and CSV. docs/agreement.md has the forms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whyfeel.errors import DataError, UserError, brief
from whyfeel.runs.rating_files import Rating, is_json, json_ratings, rater_names
from whyfeel.runs.rating_sheets import NUMBER, read_sheet, sheet_ratings
from whyfeel.stats.kappa import Scale
from whyfeel.stats.series import Floats
from whyfeel.tasks.eibench import EMOTIONS, FOLDERS, OTHER

EIBENCH_SCALE: Scale = (0, 5)
GAPS = ("", "NA")
LARGEST = 1e6  # beyond it, sums of squares lose what ratings differ by


@dataclass(frozen=True, slots=True)
class Ratings:
    """What raters said of items, on one dimension or several.

    Attributes:
        items, raters: in the order of their names, so that nothing depends on the order of files.
        dimensions: in the order of the first file; ("",) where there is only one.
        values: shape (items, raters, dimensions), NaN where a rater did not rate.
        classes: each item's emotion as its folder tells it, () where no item's does.
        scale: the declared one, lowest and highest point, None where none is.
        left_out: columns that hold no ratings.
    """

    items: tuple[str, ...]
    raters: tuple[str, ...]
    dimensions: tuple[str, ...]
    values: Floats
    classes: tuple[str, ...] = ()
    scale: Scale | None = None
    left_out: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The classes that occur, in the order in which EIBench's emotions are reported."""
        return tuple(emotion for emotion in EMOTIONS if emotion in self.classes)


def parse_scale(text: str) -> Scale:
    """The lowest and the highest point of a scale.

    Raises:
        UserError: it is not LO:HI.

    >>> parse_scale("1:7")
    (1, 7)
    """
    match = re.fullmatch(r"(-?\d{1,5}):(-?\d{1,5})", text.strip(), re.ASCII)
    if match is None or int(match[1]) >= int(match[2]):
        raise UserError(f"--scale: expected LO:HI, two whole numbers of which LO is less, as 1:7, got {brief(text)}")
    return int(match[1]), int(match[2])


def read_ratings(paths: Sequence[Path], scale: Scale | None = None) -> Ratings:
    """The ratings of all files together.

    Args:
        paths: JSON Lines of {item: rating}, a file each rater; or CSV, with a row each rating, or a row each item and
            a column each rater, or a file each rater and a column each dimension.
        scale: the declared one. JSON Lines about EIBench's pictures declare 0 to 5 themselves.

    Raises:
        DataError: a file cannot be read; a rating stands twice, is no number or leaves the scale; there are fewer than
            two raters, or one shares no item with another. The message names the file and the line.
    """
    if again := next((path for place, path in enumerate(paths) if path in paths[:place]), None):
        raise DataError(f"{str(again)!r} is given twice; expected each file once")
    kinds = [is_json(path) for path in paths]
    if any(kinds) and not all(kinds):
        raise DataError(f"{str(paths[kinds.index(False)])!r} is not JSON Lines, while another file is: give one kind")
    left_out: tuple[str, ...] = ()
    if all(kinds):
        found = [one for path, name in zip(paths, rater_names(paths), strict=True) for one in json_ratings(path, name)]
    else:
        found, left_out = sheet_ratings([read_sheet(path) for path in paths])
    emotions = {one.item: FOLDERS.get(one.item.rpartition("/")[0]) for one in found}
    known = any(emotions.values())
    scale = EIBENCH_SCALE if scale is None and all(kinds) and known else scale
    items = tuple(sorted(emotions))
    raters, dimensions, values = _matrix(found, items, scale)
    _check_shared(raters, values)
    classes = tuple(emotions[item] or OTHER for item in items) if known else ()
    return Ratings(items, raters, dimensions, values, classes, scale, left_out)


def _matrix(
    found: Sequence[Rating], items: Sequence[str], scale: Scale | None
) -> tuple[tuple[str, ...], tuple[str, ...], Floats]:
    """Raters, dimensions, and the ratings in their places."""
    raters, dimensions = sorted({one.rater for one in found}), list(dict.fromkeys(one.dimension for one in found))
    item_place, rater_place, dimension_place = (
        {name: place for place, name in enumerate(names)} for names in (items, raters, dimensions)
    )
    values = np.full((len(items), len(raters), len(dimensions)), np.nan)
    first: dict[tuple[int, int, int], Rating] = {}
    for one in found:
        at = item_place[one.item], rater_place[one.rater], dimension_place[one.dimension]
        if at in first:
            raise DataError(f"{one.place}: the rating by {one.what} stands twice, the first time in {first[at].place}")
        first[at] = one
        values[at] = _number(one, scale)
    return tuple(raters), tuple(dimensions), values


def _number(one: Rating, scale: Scale | None) -> float:
    """A rating as a number, NaN for a gap."""
    text = one.text.strip()
    if text in GAPS:
        return np.nan
    value = float(text) if NUMBER.fullmatch(text) else np.nan
    if not abs(value) <= LARGEST:
        raise DataError(f"{one.place}: expected a number as the rating by {one.what}, got {brief(text)}")
    if scale is not None and not scale[0] <= value <= scale[1]:
        wanted = f"a rating by {one.what} from {scale[0]} to {scale[1]}"
        raise DataError(f"{one.place}: expected {wanted}, got {brief(text)}; --scale LO:HI declares another scale")
    return value


def _check_shared(raters: Sequence[str], values: Floats) -> None:
    """Refuse ratings that cannot be compared."""
    if len(raters) < 2:
        raise DataError(f"expected two raters or more, got {', '.join(map(repr, raters))}: give every rater's file")
    if len(set(pair_names(raters))) < len(pair_names(raters)):
        raise DataError("two pairs of raters would have one name: expected raters without '-' in their names")
    rated = ~np.isnan(values).all(axis=2)
    shared = rated & (rated.sum(axis=1, keepdims=True) > 1)
    if not shared.any(axis=0).all():
        alone = raters[int(np.argmin(shared.any(axis=0)))]
        raise DataError(f"{alone!r} rated no item that another rated; expected items of the same names in all files")


def pair_names(raters: Sequence[str]) -> list[str]:
    """What each pair of raters is called.

    >>> pair_names(["7861", "7862", "7866"])
    ['7861-7862', '7861-7866', '7862-7866']
    """
    return [f"{one}-{other}" for place, one in enumerate(raters) for other in raters[place + 1 :]]
