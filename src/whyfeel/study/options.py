"""What a user asks of a new study, checked before anything is read."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from whyfeel.errors import UserError, brief
from whyfeel.records import storable
from whyfeel.study.design import Entry, Kind, Scale
from whyfeel.study.texts import shipped_anchors

MOST = 1_000_000  # items, ratings, seats: beyond them nobody plans
MOST_POINTS = 101
LONGEST_CODE = 200
SCALE = re.compile(r"(-?\d{1,6}):(-?\d{1,6})", re.ASCII)
ANCHOR = re.compile(r"(-?\d{1,6})=(.*\S.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """A study to be created.

    Attributes:
        out: the study folder.
        kind: whether two texts are compared, or one is rated.
        runs: finished runs whose answers are judged.
        human: whether the references of the data are, too.
        task: whose references are judged where there is no run.
        items: items drawn; all that can be made where None.
        ratings: votes an item is to get.
        items_each: items a rater gets at most.
        repeats: of them that come a second time; 2, as far as there are as many, where None.
        attention: attention checks a rater gets.
        scale, anchors: of a rating study, as `read_scale` takes them.
        entry, seats, completion_code: as in `Terms`.
        lease: minutes.
        texts: a file of texts over the shipped ones.
        max_failed_attention: attention checks that may be failed; half of them, rounded down, where None.
        min_seconds: the least median time an answer may take.
        seed: of everything drawn.
        data, images: where the task's records and pictures lie now, where not where run.json says.
        no_images: whether no picture is shown.
    """

    out: Path
    kind: Kind
    runs: tuple[Path, ...] = ()
    human: bool = False
    task: str | None = None
    items: int | None = None
    ratings: int = 3
    items_each: int = 20
    repeats: int | None = None
    attention: int = 2
    scale: str | None = None
    anchors: tuple[str, ...] = ()
    entry: Entry = "open"
    seats: int = 0
    lease: float = 30.0
    completion_code: str = ""
    texts: Path | None = None
    max_failed_attention: int | None = None
    min_seconds: float = 3.0
    seed: int = 0
    data: Path | None = None
    images: Path | None = None
    no_images: bool = False

    def check(self) -> None:
        """That the options can be and go together.

        Raises:
            UserError: names the first that cannot.
        """
        _one_of("--kind", self.kind, get_args(Kind))
        _one_of("--entry", self.entry, get_args(Entry))
        for flag, value, least, most in (
            ("--items", self.items, 1, MOST),
            ("--ratings", self.ratings, 1, MOST),
            ("--items-each", self.items_each, 1, MOST),
            ("--repeats", self.repeats, 0, self.items_each),
            ("--attention", self.attention, 0, MOST),
            ("--max-failed-attention", self.max_failed_attention, 0, self.attention),
            ("--lease", self.lease, 1, 7 * 24 * 60),
            ("--min-seconds", self.min_seconds, 0, 3600),
            ("--seed", self.seed, -math.inf, math.inf),
        ):
            if value is not None and not least <= value <= most:
                raise UserError(f"{flag}: expected {least:,} to {most:,}, got {brief(value)}")
        self._check_entry()
        self._check_sources()

    def _check_entry(self) -> None:
        if self.entry == "invited" and not 1 <= self.seats <= MOST:
            raise UserError(f"--entry invited needs --seats, how many links to make, 1 to {MOST:,}; got {self.seats}")
        if self.entry != "invited" and self.seats:
            raise UserError(f"--seats is for --entry invited, each seat a link; the entry is {self.entry}")
        code = self.completion_code
        if len(code) > LONGEST_CODE or not code.isprintable():
            raise UserError(
                f"--completion-code: expected one line of at most {LONGEST_CODE} characters; got {code[:60]!r}"
            )

    def _check_sources(self) -> None:
        if self.runs and self.task is not None:
            raise UserError("--task is for a study without runs; with --from the task is that of the runs")
        if not self.runs and not (self.human and self.task is not None):
            raise UserError("nothing to judge: give --from RUN, or --human and --task T for the references alone")
        if self.kind == "pairwise" and len(self.runs) + self.human < 2:
            raise UserError(
                "a pairwise study needs two sources at least: --from RUN --from RUN2, or --from RUN --human"
            )
        if self.kind == "pairwise" and (self.scale is not None or self.anchors):
            raise UserError("--scale and --anchor are for --kind rating")
        if self.no_images and self.images is not None:
            raise UserError("--images names a folder and --no-images shows none of it: give one of them")


def read_scale(scale: str | None, anchors: Sequence[str] = ()) -> Scale:
    """The scale that a command line describes; from 0 to 5 with our anchors where it says nothing.

    Args:
        scale: "LO:HI".
        anchors: "POINT=TEXT" each. A scale of one's own needs them at both ends: numbers alone mean something else to
            everybody.

    Raises:
        UserError: it is no scale of 2 to MOST_POINTS whole numbers, or an anchor does not fit it.

    >>> read_scale("1:7", ["1=not at all", "7=fully"])
    Scale(low=1, high=7, anchors={1: 'not at all', 7: 'fully'})
    """
    found = SCALE.fullmatch(scale or "0:5")
    low, high = (int(found[1]), int(found[2])) if found else (0, 0)
    if not low < high < low + MOST_POINTS:
        raise UserError(f"--scale: expected LO:HI, 2 to {MOST_POINTS} whole numbers such as 0:5; got {brief(scale)}")
    said: dict[int, str] = {}
    for anchor in anchors:
        parts = ANCHOR.fullmatch(anchor)
        if parts is None or not low <= int(parts[1]) <= high:
            raise UserError(f"--anchor: expected POINT=TEXT with a point from {low} to {high}; got {brief(anchor)}")
        if int(parts[1]) in said:
            raise UserError(f"--anchor: point {int(parts[1])} has two texts; give each point one")
        said[int(parts[1])] = storable(parts[2].strip())
    if not said and (low, high) == (0, 5):
        said = shipped_anchors()
    if missing := {low, high} - said.keys():
        raise UserError(f"--scale {low}:{high} needs words at both ends: --anchor {min(missing)}=TEXT")
    return Scale(low, high, dict(sorted(said.items())))


def _one_of(flag: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UserError(f"{flag}: expected {' or '.join(known)}, got {brief(value)}")
