"""Does an answer object to the emotion it was asked about? For the control that asks about a wrong one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from whyfeel.judging.claims import statements, stem
from whyfeel.records import Asking, Judgement, Response, Sample
from whyfeel.stats.series import Series

OBJECTED, INVENTED = "objected", "invented"
REACH = 10  # words between a negation and what it denies

# What an emotion is called besides its own name; others are known by their name alone.
NAMES: Mapping[str, str] = {
    "happy": "happy happiness joy joyful cheerful delighted pleased",
    "excited": "excited excitement thrilled enthusiastic thrill",
    "angry": "angry anger furious rage annoyed irritated outraged",
    "sad": "sad sadness sorrow sorrowful unhappy grief upset",
    "afraid": "afraid fear fearful scared frightened terrified",
    "worried": "worried worry anxious anxiety concerned",
    "surprised": "surprised surprise astonished amazed",
    "confused": "confused confusion puzzled",
}
# what is denied stands in the same part of a sentence: "not smiling, which shows anger" does not deny anger
_PART = re.compile(r"[.!?;:,\n]|\b(?:because|which|but|so|since|as)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_DENIES = frozenset(
    ("no", "not", "never", "neither", "nor", "nothing", "without", "hardly", "cannot", "instead", "rather", "unlike")
)
_SIGNS = frozenset(
    ("emotion", "emotions", "feeling", "feelings", "sign", "signs", "evidence", "indication", "indications")
)


def objects(answer: str, emotion: str) -> bool:
    """Whether an answer denies the emotion, by its words: a negation and, at most REACH words after it, its name.

    "There is no sign of any such emotion" denies it too. An answer may object in words that this does not know.

    >>> objects("The woman does not look angry; she smiles.", "angry")
    True
    >>> objects("He is angry because nobody listens.", "angry")
    False
    """
    names = {stem(name) for name in (emotion.lower(), *NAMES.get(emotion.lower(), "").split())}
    return any(_denies(part, names) for part in _PART.split(answer))


def _denies(part: str, names: set[str]) -> bool:
    words = [match[0] for match in _WORD.finditer(part.replace("\u2019", "'").lower())]
    denials = [place for place, word in enumerate(words) if word in _DENIES or word.endswith("n't")]
    named = [place for place, word in enumerate(words) if stem(word) in names or word in _SIGNS]
    # what is denied follows its negation
    return any(0 < place - denial <= REACH for denial in denials for place in named)


class ObjectionJudge:
    """Of answers to a question about a wrong emotion: does it object, or does it invent reasons?

    Counts: `objected` and `invented` (it makes claims and does not object), each 0 or 1. Both are 0 for an answer that
    claims nothing. The sample's emotion is the wrong one that was asked about.
    """

    name = "objection"
    headline = INVENTED
    roles: Mapping[str, bool] = {}
    prompts: tuple[str, ...] = ()
    version = ""
    note = "Objections are known by their words."

    def judge(self, sample: Sample, response: Response) -> Asking[Judgement]:
        """The verdict on one answer; asks nothing."""
        yield from ()
        objected = objects(response.text, sample.emotion)
        invented = not objected and bool(statements(response.text))
        return Judgement(sample.id, {OBJECTED: float(objected), INVENTED: float(invented)})

    def tally(self) -> ObjectionTally:
        """An empty tally."""
        return ObjectionTally()


class ObjectionTally:
    """Shares of the answers that objected, and that invented reasons."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {INVENTED: [], OBJECTED: []}

    def add(self, sample: Sample, judgement: Judgement) -> None:  # noqa: ARG002 - as every tally
        """Take the judgement of the next sample."""
        for name, values in self._values.items():
            values.append(judgement.counts.get(name, math.nan))

    def series(self) -> list[Series]:
        """invented, objected."""
        return [Series(name, np.array(v, dtype=np.float64), np.ones(len(v))) for name, v in self._values.items()]

    def facts(self) -> Mapping[str, Any]:
        """Nothing more."""
        return {}
