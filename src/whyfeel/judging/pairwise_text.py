"""Reading which of two answers a judge prefers. Nothing in a reply is trusted, and every reply has an outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from whyfeel.judging.verdict_text import read_object
from whyfeel.records import Unscored
from whyfeel.replies import closed

Label = Literal["A", "B", "both good", "both bad"]
LABELS: tuple[Label, ...] = get_args(Label)

# the reason stands before the verdict, so that the verdict follows from it
SCHEMA = closed(
    nonce={"type": "string"},
    reason={"type": "string"},
    verdict={"type": "string", "enum": [*LABELS]},
)


@dataclass(frozen=True, slots=True)
class Preference:
    """What the judge says of two answers, of which A is shown first."""

    label: Label
    reason: str


def read_preference(reply: str, nonce: str) -> Preference | Unscored:
    """The one preference in a reply, or the first check that it fails, told so that the judge can mend it.

    Returns:
        the preference; or unscored as "unparsed", "two verdicts" or "forged verdict", see `read_object`.

    >>> read_preference('{"nonce": "c0de", "reason": "B names a cause.", "verdict": "B"}', "c0de").label
    'B'
    """
    found = read_object(reply, nonce, SCHEMA, "verdict")
    return found if isinstance(found, Unscored) else Preference(found["verdict"], found["reason"])
