"""What a strategy and a judge return, one record a sample. A value that was not obtained is unscored, never 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from whyfeel.records.asks import Outcome


@dataclass(frozen=True, slots=True)
class Unscored:
    """Why a sample has no score: a short reason it is counted under, and the detail."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """A model's (or a baseline's) answer to a sample, or why there is none.

    Attributes:
        sample_id: the sample answered.
        text: the answer; "" where the model said nothing or where there is no answer.
        outcome: how the last ask ended.
        asks: keys of the asks that produced it, for the audit trail.
        unscored: set where no answer was obtained.
    """

    sample_id: str
    text: str
    outcome: Outcome = "ok"
    asks: tuple[str, ...] = ()
    unscored: Unscored | None = None

    def to_json(self) -> dict[str, Any]:
        """The line of responses.jsonl; carries no times."""
        line: dict[str, Any] = {"id": self.sample_id}
        if self.unscored is None:
            line |= {"text": self.text, "outcome": self.outcome}
        else:
            line["unscored"] = asdict(self.unscored)
        return line | {"asks": list(self.asks)}

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Response:
        """Read a line of responses.jsonl back."""
        unscored = line.get("unscored")
        return cls(
            line["id"],
            line.get("text", ""),
            line.get("outcome", "ok"),
            tuple(line["asks"]),
            Unscored(**unscored) if unscored else None,
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judge's verdict on one response, or why there is none.

    Attributes:
        sample_id: the sample judged.
        counts: what was counted, such as {"correct": 2, "total": 5}; the judge's tally turns counts into scores.
        detail: the evidence, such as the judge's own words or the matched pairs.
        asks: keys of the asks that produced it.
        unscored: set where no verdict was obtained.
    """

    sample_id: str
    counts: Mapping[str, float] = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    asks: tuple[str, ...] = ()
    unscored: Unscored | None = None

    def to_json(self) -> dict[str, Any]:
        """The line of judgements.jsonl; carries no times."""
        line: dict[str, Any] = {"id": self.sample_id}
        if self.unscored is None:
            line["counts"] = dict(self.counts)
        else:
            line["unscored"] = asdict(self.unscored)
        return line | {"detail": dict(self.detail), "asks": list(self.asks)}

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Judgement:
        """Read a line of judgements.jsonl back."""
        unscored = line.get("unscored")
        return cls(
            line["id"],
            line.get("counts", {}),
            line["detail"],
            tuple(line["asks"]),
            Unscored(**unscored) if unscored else None,
        )
