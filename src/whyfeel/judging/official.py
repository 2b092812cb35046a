"""The official judges: an LLM counts the triggers that an answer names, as EIBench's two judging scripts have it.

`official_recall` repeats the released scorers to the last digit, faults included (see `released`).
`corrected_recall` reads the same words with care: any spelling of the score, the last one, never more than the
annotation's own number of triggers, and unscored where the judge gave none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whyfeel.judging.released import CLASSES, ReleasedScore, Scorer, released_score, scored_part
from whyfeel.prompts import Prompts
from whyfeel.records import Ask, Asking, Judgement, Message, Response, Sample, Text, Unscored
from whyfeel.stats.series import Series

TRIES = 5

_SCORE = re.compile(
    r"""(?<![a-z])score[ "'*_`:：=(){}\[]{0,12}"""
    r"""(\d{1,9}(?:\.\d{1,9}|,\d{1,2})?)[ "'*_`]{0,6}(?:/|／|out of)[ "'*_`]{0,6}\d""",
    re.IGNORECASE,
)


def tolerant_score(text: str) -> float | None:
    """The number of triggers that the last score in a judge's words counts; None where there is no score.

    >>> tolerant_score("{score: 5/5}? No: **Score : 2.5 / 5**")
    2.5
    """
    correct = None
    for match in _SCORE.finditer(" ".join(text.split())):
        correct = float(match[1].replace(",", "."))
    return correct


@dataclass(frozen=True, slots=True)
class JudgeProtocol:
    """How one of the released judging scripts asks.

    Attributes:
        name: the judge's name in a command.
        gen: its sampling settings.
        mark: what a reply must hold to be accepted.
        any_case: whether the mark is looked for in the lower-cased reply.
        fallback: what is logged after five refused replies, None for nothing (the script would ask for ever).
    """

    name: str
    gen: Mapping[str, Any]
    mark: str
    any_case: bool
    fallback: str | None

    def accepts(self, reply: str) -> bool:
        """Whether the script would stop asking."""
        return self.mark in (reply.lower() if self.any_case else reply)


LLAMA3 = JudgeProtocol(
    "official-llama3", {"temperature": 0.1, "top_p": 0.9, "max_tokens": 512}, "{score: ", True, "{score: 0/1}"
)
GPT = JudgeProtocol("official-gpt", {"temperature": 0.1, "max_tokens": 512}, "{score", False, None)


class OfficialJudge:
    """An LLM that states `{score: correct/total}`, asked up to five times.

    Args:
        protocol: LLAMA3 or GPT.
        prompts: texts with "official" ("system", "user" with $answer and $truth).
        scorer: which released scorer `official_recall` repeats.
    """

    headline = "corrected_recall"
    roles: Mapping[str, bool] = {"judge": False}
    prompts = ("official",)
    version = ""
    note = "An LLM counts, may miscount, and can be talked to. official_recall repeats the released scorer's faults."

    def __init__(self, protocol: JudgeProtocol, prompts: Prompts, scorer: Scorer) -> None:
        self.name = protocol.name
        self._protocol = protocol
        self._texts = prompts
        self._scorer: Scorer = scorer

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """Ask until a reply is accepted; the corrected count is that of the last reply.

        An answer without any text is put to the judge too, for the official log, but counts 0.
        """
        messages = self._messages(sample, response)
        keys: list[str] = []
        reply, log = "", self._protocol.fallback
        for repeat in range(TRIES):
            answer = yield Ask("judge", messages, self._protocol.gen, repeat=repeat)
            keys.append(answer.ask_id)
            reply = answer.text
            if self._protocol.accepts(reply):
                log = reply
                break
        detail = {"image": image_of(sample), "log": log, "tries": len(keys)}
        correct = tolerant_score(reply) if response.text.strip() else 0.0
        return _judgement(sample, correct, reply, detail, tuple(keys))

    def _messages(self, sample: Sample, response: Response) -> tuple[Message, ...]:
        values = {"answer": response.text, "truth": sample.annotation}
        return (
            Message("system", (Text(self._texts.fill("official", "system", **values)),)),
            Message("user", (Text(self._texts.fill("official", "user", **values)),)),
        )

    def tally(self) -> OfficialTally:
        """An empty tally."""
        return OfficialTally(self._scorer)


def image_of(sample: Sample) -> str:
    """The image under which the official logs know a sample; its id where it has none."""
    return sample.media[0].path if sample.media else sample.id


def _judgement(
    sample: Sample, correct: float | None, reply: str, detail: Mapping[str, Any], keys: tuple[str, ...]
) -> Judgement:
    total = len(sample.triggers)
    unscored = None
    if not total:
        unscored = Unscored("no triggers", "the sample has no annotated trigger")
    elif correct is None:
        unscored = Unscored("unparsed", f"no score in the judge's last reply, which begins {reply[:80]!r}")
    if correct is None or unscored is not None:
        return Judgement(sample.id, {}, detail, keys, unscored)
    return Judgement(sample.id, {"correct": min(correct, total), "total": total}, detail, keys)


def corrected_series(correct: Sequence[float], totals: Sequence[int]) -> list[Series]:
    """Corrected scores over samples: `corrected_recall` (mean of min(correct, total) / total) and `trigger_recall`.

    Args:
        correct: triggers found in each sample, NaN where it is unscored.
        totals: annotated triggers of each sample; where there are none the sample is unscored.
    """
    total = np.array(totals, dtype=np.float64)
    found = np.where(total > 0, np.minimum(np.array(correct, dtype=np.float64), total), np.nan)
    total = np.maximum(total, 1)
    return [
        Series("corrected_recall", found / total, np.ones(len(total))),
        Series("trigger_recall", found, total),
    ]


class OfficialTally:
    """Collects the counts and the official log of a run; of the log only what the released scorer reads."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer: Scorer = scorer
        self._correct: list[float] = []
        self._totals: list[int] = []
        self._emotions: list[str] = []
        self._log: list[tuple[int, str, str]] = []

    def add(self, sample: Sample, judgement: Judgement) -> None:
        """Take the judgement of the next sample; one without a log text is no row of the official log."""
        log = judgement.detail.get("log")
        if isinstance(log, str):
            self._log.append((len(self._totals), image_of(sample), scored_part(log)))
        counted = judgement.unscored is None
        self._correct.append(judgement.counts["correct"] if counted else math.nan)
        self._totals.append(len(sample.triggers))
        self._emotions.append(sample.emotion)

    def series(self) -> list[Series]:
        """corrected_recall, trigger_recall, official_recall; for basic the last once overall, once by class."""
        released = released_score(((image, text) for _, image, text in self._log), self._scorer)
        series = [
            *corrected_series(self._correct, self._totals),
            self._official(released.overall, ("overall",), released.why),
        ]
        if self._scorer == "basic":
            why = released.why or self._misfiled(released)
            series.append(self._official(released.by_class, CLASSES, why))
        return series

    def facts(self) -> Mapping[str, Any]:
        """Nothing more."""
        return {}

    def _official(self, values: Sequence[float], groups: tuple[str, ...], why: str) -> Series:
        numerator = np.full(len(self._totals), np.nan)
        if not why:
            numerator[[index for index, _, _ in self._log]] = values
        return Series("official_recall", numerator, np.ones(len(numerator)), groups, why)

    def _misfiled(self, released: ReleasedScore) -> str:
        """Where a class read off a path is not the sample's emotion, so that the class means cannot be told."""
        for (index, image, _), name in zip(self._log, released.classes, strict=True):
            if name is not None and name != self._emotions[index]:
                return f"the released scorer files {image!r} ({self._emotions[index]}) under {name}"
        return ""
