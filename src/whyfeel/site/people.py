"""What people said of the answers of a board's runs, out of the report's studies: counts, and nothing about anybody.

Of a study that is still blind nothing is told: votes beside a run's own answer would tell whose texts are whose.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from whyfeel.report import numbers
from whyfeel.runs.folder import RunFolder
from whyfeel.site.book import Board, Book
from whyfeel.site.study_page import addresses, read_blind
from whyfeel.study.design import Design
from whyfeel.study.exclusions import Vote, excluded, votes_of
from whyfeel.study.folder import StudyFolder
from whyfeel.study.systems import labels


@dataclass(frozen=True)
class Heard:
    """The votes of one unblinded study, as far as they count by its rules.

    Attributes:
        address: of its page.
        design: what was shown.
        names: number to name of the systems, all distinct.
        runs: SHA-256 of a responses.jsonl to the number of the system whose texts it holds.
        votes: item to its votes.
    """

    address: str
    design: Design
    names: Mapping[int, str]
    runs: Mapping[str, int]
    votes: Mapping[str, Sequence[Vote]]

    def on_run(self, digest: str) -> dict[str, list[list[Any]]]:
        """Sample id to what was said of the answer of a run; empty where the study does not show the run.

        Returns:
            of a pairwise study [name of the other, votes for this, for the other, both good, both bad], one for each
            other; of a rating study [mean, votes at each point of the scale, lowest first].
        """
        system = self.runs.get(digest)
        told: dict[str, list[list[Any]]] = {}
        for item in self.design.items:
            own = [one.system for one in item.candidates]
            if system in own and (votes := self.votes.get(item.id)):
                told.setdefault(item.sample, []).append(self._said(system, votes))
        return told

    def _said(self, system: int | None, votes: Sequence[Vote]) -> list[Any]:
        if self.design.scale is not None:
            points = Counter(vote.rating for vote in votes)
            mean = numbers.score(fmean(points.elements()), 2)
            return [mean, [points[point] for point in self.design.scale.points]]
        first, second = votes[0].systems
        own, other = ("A", "B") if system == first else ("B", "A")
        choices = Counter[str](vote.choice for vote in votes)
        name = self.names[second if system == first else first]
        return [name, *(choices[one] for one in (own, other, "both good", "both bad"))]


class People:
    """What people said of the runs of one board.

    Args:
        heard: the unblinded studies of the report.
        board: whose answers they may be about.
    """

    def __init__(self, heard: Sequence[Heard], board: Board) -> None:
        digests = [_digest(run.path) if heard else "" for run in board.runs]
        found = [(one, [one.on_run(digest) for digest in digests]) for one in heard]
        found = [(one, runs) for one, runs in found if any(runs)]
        self._heard = [one for one, _ in found]
        self._told = [runs for _, runs in found]

    def of(self, run: int, sample_id: str) -> list[list[Any]]:
        """[place of the study in `studies`, what was said], one for each thing said of the answer of a run."""
        return [[place, said] for place, runs in enumerate(self._told) for said in runs[run].get(sample_id, ())]

    def rated(self, run: int) -> set[str]:
        """The ids of the samples at which people judged the answer of a run."""
        return {sample_id for runs in self._told for sample_id in runs[run]}

    @property
    def studies(self) -> list[dict[str, Any]]:
        """The studies that are about any of the runs: title, address and question, and the scale of a rating study."""
        return [_study(one) for one in self._heard]


def hear(book: Book) -> list[Heard]:
    """The unblinded studies of a report, with the votes that count.

    Raises:
        UserError, DataError, StoreFailed: as `read_blind`.
    """
    return [one for path, address in addresses(book) if (one := _heard(path, address)) is not None]


def _heard(path: Path, address: str) -> Heard | None:
    read = read_blind(path)
    if read.names is None:
        return None
    design = read.design
    sources = StudyFolder(path).read_key(design).systems
    votes: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes_of(design, read.collected, excluded(design, read.collected)):
        votes[vote.item.id].append(vote)
    runs = {source.responses: system for system, source in sources.items() if source.responses}
    return Heard(address, design, labels(design, read.names), runs, votes)


def _study(one: Heard) -> dict[str, Any]:
    told: dict[str, Any] = {"title": one.design.texts.title, "address": one.address}
    told["question"] = one.design.texts.question
    if (scale := one.design.scale) is not None:
        told["points"] = list(scale.points)
    return told


def _digest(run: Path) -> str:
    return hashlib.sha256(RunFolder(run).responses.read_bytes()).hexdigest()
