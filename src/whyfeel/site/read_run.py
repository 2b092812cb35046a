"""One run read for the explorer: sample after sample, its answer, what each judge made of it, the asks behind both.

Places in texts are counted in UTF-16 units, as scripts count them.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from whyfeel.engine import Entry, Ledger
from whyfeel.errors import DataError
from whyfeel.records import Judgement, Response, Sample
from whyfeel.report import numbers
from whyfeel.runs.folder import RunFolder, read_json
from whyfeel.runs.lines import read_lines, read_responses
from whyfeel.runs.metrics import FOLDER as METRICS
from whyfeel.runs.metrics import SUMMARY
from whyfeel.site.book import Judged, RunView
from whyfeel.site.evidence import told_of
from whyfeel.site.shortened import MOST_TEXT, cut, middle
from whyfeel.site.spans import Span, spans_of
from whyfeel.stats import Series


class RunReader:
    """What one run tells of sample after sample, asked for in the task's order."""

    def __init__(self, run: RunView) -> None:
        self.judges = [JudgeReader(judged) for judged in run.judges]
        self.notes: list[str] = []
        self._folder = RunFolder(run.path)
        self._places = {one: place for place, one in enumerate(run.ids)}
        self._responses = read_responses(self._folder.responses)
        self._metrics = _metrics(self._folder)
        self._ledger: Ledger | None = None

    def __enter__(self) -> RunReader:
        """Open the ledger, where there is one."""
        if self._folder.ledger.is_file():
            self._ledger = Ledger(self._folder.ledger, readonly=True)
        else:
            self.notes.append("The run folder holds no ledger: what was asked of models cannot be told.")
        return self

    def __exit__(self, *_: object) -> None:
        """Close the ledger."""
        if self._ledger is not None:
            self._ledger.close()

    def response(self, sample_id: str) -> Response | None:
        """The run's response to a sample, None where it has none.

        Raises:
            DataError: the file is not in the task's order.
        """
        if sample_id not in self._places:
            return None
        response = next(self._responses, None)
        if response is None or response.sample_id != sample_id:
            raise DataError(
                f"{str(self._folder.responses)!r} is not in the order of the task's records at {sample_id!r}: "
                "run the run's own command again, which writes the file anew"
            )
        return response

    def told(self, sample: Sample, response: Response) -> dict[str, Any]:
        """A response, what each judge made of it, and the asks behind both."""
        place = self._places[sample.id]
        judged = [judge.told(place, sample, response) for judge in self.judges]
        keys = list(dict.fromkeys((*response.asks, *(key for judge in self.judges for key in judge.asks(place)))))
        numbers = {key: number for number, key in enumerate(keys)}
        told: dict[str, Any] = {"outcome": response.outcome, "text": cut(response.text)}
        if response.unscored is not None:
            told = {"unscored": [response.unscored.reason, response.unscored.detail]}
        return {
            **told,
            "long": max(len(response.text) - MOST_TEXT, 0),
            "metrics": {name: values[sample.id] for name, values in self._metrics.items() if sample.id in values},
            "own": [numbers[key] for key in response.asks],
            "judges": [
                {**one, "own": [numbers[key] for key in judge.asks(place)]}
                for one, judge in zip(judged, self.judges, strict=True)
            ],
            "asks": [self._ask(key) for key in keys],
        }

    def _ask(self, key: str) -> dict[str, Any]:
        entry = self._ledger.entry(key) if self._ledger is not None else None
        return {"key": key} if entry is None else ask_told(entry)


class JudgeReader:
    """What one judge tells of sample after sample of a run."""

    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        self._scores = {one.name: _shares(one) for one in judged.finished.series if _is_shown(one)}

    @cached_property
    def headline(self) -> str:
        """The score that stands for a sample: the headline's, before it is corrected for chance."""
        first = self._judged.finished.series[0].name
        return first if first in self._scores else first.removeprefix("k")

    def in_index(self, places: Mapping[str, int]) -> dict[str, Any]:
        """The judge's part of the index: thousandths, one a sample of the board, None where it is unscored."""
        values: list[int | None] = [None] * len(places)
        for one, value in zip(self._judged.finished.ids, self._scores[self.headline], strict=True):
            values[places[one]] = None if value is None else round(round(value, 3) * 1000)  # as numbers.score rounds
        note = self._judged.summary.get("note", "")
        told = {"id": self._judged.id, "title": self._judged.title, "note": note, "score": self.headline}
        return {**told, "scores": list(self._scores), "values": values}

    def asks(self, place: int) -> tuple[str, ...]:
        """Keys of the asks that produced a judgement."""
        return self._judged.finished.judgements[place].asks

    def told(self, place: int, sample: Sample, response: Response) -> dict[str, Any]:
        """A judgement with its scores, and where in the answer its verdicts lie."""
        judgement = self._judged.finished.judgements[place]
        text = cut(response.text)
        spans = spans_of(text, judgement.detail)
        return _given(
            {
                "values": [numbers.score(values[place]) for values in self._scores.values()],
                "chance": numbers.score(judgement.counts["chance"]) if "chance" in judgement.counts else None,
                "unscored": _unscored(judgement),
                "spans": in_units(text, spans),
                **told_of(judgement.detail, len(sample.triggers)),
            }
        )


def in_units(text: str, spans: Sequence[Span]) -> list[list[Any]]:
    """Spans as the script reads them: start and end in UTF-16 units, the first letter of the kind, the triggers.

    >>> in_units("\U0001f600 ab", [Span(2, 4, "found", (0,))])
    [[3, 5, 'f', [0]]]
    """
    wide = [] if text.isascii() else [place for place, one in enumerate(text) if ord(one) > 0xFFFF]
    units = [[place + bisect_left(wide, place) for place in (one.start, one.end)] for one in spans]
    return [[*ends, one.kind[0], list(one.triggers)] for ends, one in zip(units, spans, strict=True)]


def ask_told(entry: Entry) -> dict[str, Any]:
    """An ask and its answer, long words cut in their middle."""
    answer = entry.answer
    messages = json.loads(entry.asked)["messages"]
    asked = "\n\n".join(f"{speaker}: {_said(parts)}" for speaker, parts in messages)
    facts = {
        "outcome": "" if answer.outcome == "ok" else answer.outcome,
        "tokens": f"{numbers.tokens(answer.tokens_in)} in, {numbers.tokens(answer.tokens_out)} out",
        "cost": numbers.money(answer.cost),
        "time": numbers.duration(entry.seconds),
        "served by": answer.served if answer.served != entry.model else "",
        "attempts": numbers.count(answer.attempts) if answer.attempts > 1 else "",
        "taken from": answer.source,
        "without": ", ".join(answer.left_out),
    }
    return _given(
        {
            "role": entry.role,
            "model": entry.model,
            "asked": middle(asked),
            "text": middle(answer.text),
            "reasoning": middle(answer.reasoning),
            "facts": list(_given(facts).items()),
        }
    )


def _said(parts: Sequence[Any]) -> str:
    return "\n".join(one if isinstance(one, str) else "[picture]" for one in parts)


def _given(told: Mapping[str, Any]) -> dict[str, Any]:
    """What there is anything to tell of."""
    return {name: value for name, value in told.items() if value not in (None, "", [], ())}


def _unscored(judgement: Judgement) -> list[str] | None:
    return None if judgement.unscored is None else [judgement.unscored.reason, judgement.unscored.detail]


def _is_shown(series: Series) -> bool:
    return series.groups is None and series.chance is None and not series.why and not series.name.endswith("_unleaked")


def _shares(series: Series) -> list[float | None]:
    """A score's value of each sample, from 0 to 1; None where the sample is unscored or has nothing to score."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = series.numerator / series.denominator
    return [value if np.isfinite(value) else None for value in shares.tolist()]


def _metrics(folder: RunFolder) -> dict[str, dict[str, str]]:
    """The metrics of these very answers: name to sample id to value, where it is defined."""
    path: Path = folder.path / METRICS
    if not (path / SUMMARY).is_file():
        return {}
    summary = read_json(path / SUMMARY, "the metrics of a run; delete it to have it made anew")
    if summary.get("responses") != hashlib.sha256(folder.responses.read_bytes()).hexdigest():
        return {}
    files = {name: path / f"{name}.jsonl" for name in summary.get("metrics", ())}
    return {
        name: {one["id"]: numbers.score(one["value"]) for one in read_lines(file) if one["value"] is not None}
        for name, file in files.items()
        if file.is_file()
    }
