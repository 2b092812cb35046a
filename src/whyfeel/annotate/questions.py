"""Which questions are asked about picture after picture: equal ones in other words are found by clustering.

A question is its content stems and the words by which it asks ("many", "where"). A stem that is asked about one
picture only can make no two pictures' questions alike, and is left out: so "What is the man doing near the fountain?"
is "What is the man doing?". A stem weighs ln((n + 1) / (df + 1/2)), where df of the n questions have it. Clusters are
joined by the mean cosine between their questions; a cluster is as frequent as there are pictures it was asked about.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.annotate.options import PlanOptions
from whyfeel.judging.claims import BLAND, FUNCTION_WORDS, LONGEST_WORD, PADDING, stem
from whyfeel.records import rng
from whyfeel.stats.bootstrap import Interval
from whyfeel.stats.proportions import wilson
from whyfeel.strategies.self_ask.readers import LONGEST_QUESTION, clean

COUNT = 4  # the paper's
# Found on a hundred hand-written questions of ten topics: clusters are pure (nine pairs of ten) rather than whole.
ALIKE = 0.2  # mean cosine from which on clusters are one
MOST = 2_000  # questions in different words that are clustered: 150 MB, a second
MOST_A_PICTURE = 40
WORDINGS, RUNNERS_UP = 5, 8  # that are kept as evidence

# words by which something is asked; elsewhere they are grammar
ASKING = frozenset(["who", "where", "when", "many", "doing", "relate", "related", "other", "others"])
_GRAMMAR = (FUNCTION_WORDS | PADDING) - ASKING
_WORD = re.compile(r"[^\W_]+")
_EDGE = "\"'\u201c\u201d\u2018\u2019`*_ "

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Topic:
    """Questions that ask the same in other words.

    Attributes:
        question: the one among them that is nearest to all others.
        pictures: how many pictures it was asked about.
        share: of all pictures with questions.
        interval: Wilson's, for that share.
        asked: how many of the questions it has.
        wordings: others of them, those asked most first, five at most.
    """

    question: str
    pictures: int
    share: float
    interval: Interval
    asked: int
    wordings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The topic as it stands in a plan and in a summary."""
        bounds = {"low": self.interval.low, "high": self.interval.high}
        counts = {"pictures": self.pictures, "share": self.share, **bounds, "asked": self.asked}
        return {"question": self.question, **counts, "wordings": list(self.wordings)}


@dataclass(frozen=True, slots=True)
class QuestionPlan:
    """The chosen questions and the evidence for them.

    Attributes:
        topics: the chosen ones, the most frequent first.
        others: the next ones, which were not chosen.
        further: how many more there are.
        pictures: those with questions, which all shares are of.
        asked: their questions.
        silent: pictures without a usable question.
        passed_over: pictures that the draw left out, because there are too many questions to cluster.
        unusable: questions without a question mark or a word, too long, or beyond the first forty of a picture.
    """

    topics: tuple[Topic, ...]
    others: tuple[Topic, ...]
    further: int
    pictures: int
    asked: int
    silent: int
    passed_over: int
    unusable: int

    @property
    def questions(self) -> tuple[str, ...]:
        """What is to be asked about every picture; fewer than were wanted where there are no more."""
        return tuple(topic.question for topic in self.topics)

    def to_json(self) -> dict[str, Any]:
        """The evidence as it stands in a plan and in a summary; carries no times."""
        counts = ("pictures", "asked", "silent", "passed_over", "unusable", "further")
        return {
            **{name: getattr(self, name) for name in counts},
            "chosen": [topic.to_json() for topic in self.topics],
            "not_chosen": [topic.to_json() for topic in self.others],
        }


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question about one picture."""

    text: str
    stems: frozenset[str]


@dataclass(slots=True)
class _Unit:
    """Questions in the same words, but for particular ones.

    Attributes:
        pictures: where they were asked.
        wordings: each text and how often it was asked.
        surplus: each text and how many stems of its own it has.
    """

    stems: frozenset[str]
    pictures: set[str] = field(default_factory=set)
    wordings: Counter[str] = field(default_factory=Counter)
    surplus: dict[str, int] = field(default_factory=dict)


def plan_from(asked: Mapping[str, Sequence[str]], options: PlanOptions) -> QuestionPlan:
    """The plan that the questions about a sample of pictures come to."""
    return frequent_questions(asked, options.questions, options.seed)


def frequent_questions(asked: Mapping[str, Sequence[str]], count: int = COUNT, seed: int = 0) -> QuestionPlan:
    """The topics that come up in most pictures, whatever the order of the pictures.

    Args:
        asked: sample id to the questions about its picture.
        count: how many are chosen.
        seed: draws pictures where there are more than 2,000 questions in different words.

    >>> plan = frequent_questions({"a": ["What is the weather like?", "Who won?"], "b": ["How is the weather?"]}, 1)
    >>> plan.questions, plan.topics[0].pictures
    (('How is the weather?',), 2)
    """
    heard = {sample: _heard(asked[sample]) for sample in sorted(asked)}
    speaking = {sample: questions for sample, questions in heard.items() if questions}
    drawn = _drawn(speaking, seed)
    units = _units(drawn)
    clusters, near = _clusters(units)
    topics = [_topic([units[one] for one in some], near[np.ix_(some, some)], len(drawn)) for some in clusters]
    topics.sort(key=lambda topic: (-topic.pictures, -topic.asked, topic.question))
    others = topics[count : count + RUNNERS_UP]
    return QuestionPlan(
        topics=tuple(topics[:count]),
        others=tuple(others),
        further=max(0, len(topics) - count - len(others)),
        pictures=len(drawn),
        asked=sum(map(len, drawn.values())),
        silent=len(asked) - len(speaking),
        passed_over=len(speaking) - len(drawn),
        unusable=sum(map(len, asked.values())) - sum(map(len, heard.values())),
    )


def _heard(questions: Sequence[str]) -> list[_Asked]:
    """The usable questions about one picture."""
    fit = (text for text in questions[:MOST_A_PICTURE] if "?" in text and len(text) <= LONGEST_QUESTION)
    found = (_Asked(text, _stems(text)) for text in (clean(text).strip(_EDGE) for text in fit))
    return [one for one in found if one.stems]


def _stems(text: str) -> frozenset[str]:
    """Stems of what a question asks about; of all its words where those are for anybody and anything."""
    words = {word[:LONGEST_WORD] for word in _WORD.findall(text.lower())}
    told = {word for word in words - _GRAMMAR if len(word) > 1 or not word.isascii()}
    return frozenset(map(stem, told - BLAND or told or words))


def _drawn(heard: Mapping[str, Sequence[_Asked]], seed: int) -> dict[str, Sequence[_Asked]]:
    """All pictures, or as many of a random order as there is room for."""
    samples = [*heard]
    distinct: set[frozenset[str]] = set()
    drawn: dict[str, Sequence[_Asked]] = {}
    for place in rng(seed, "plan").permutation(len(samples)).tolist():
        sample = samples[place]
        distinct.update(one.stems for one in heard[sample])
        if len(distinct) > MOST:
            break
        drawn[sample] = heard[sample]
    return drawn


def _units(heard: Mapping[str, Sequence[_Asked]]) -> list[_Unit]:
    """Questions of equal words made one, in an order that does not depend on the pictures'."""
    pictures = Counter(one for questions in heard.values() for one in frozenset().union(*(q.stems for q in questions)))
    units: dict[frozenset[str], _Unit] = {}
    for sample, questions in heard.items():
        for question in questions:
            common = frozenset(one for one in question.stems if pictures[one] > 1) or question.stems
            unit = units.setdefault(common, _Unit(common))
            unit.pictures.add(sample)
            unit.wordings[question.text] += 1
            unit.surplus[question.text] = len(question.stems) - len(common)
    return sorted(units.values(), key=lambda unit: sorted(unit.stems))


def _clusters(units: Sequence[_Unit]) -> tuple[list[list[int]], Floats]:
    """Average linkage; the places of the units of each cluster, and the cosines of all: shape (units, units)."""
    near = _cosines(units)
    if len(units) < 2:
        return [[place] for place in range(len(units))], near
    from scipy.cluster.hierarchy import fcluster, linkage  # noqa: PLC0415 - takes a third of a second

    tree = linkage((1 - near)[np.triu_indices(len(units), 1)], "average")
    clusters: dict[int, list[int]] = {}
    for place, label in enumerate(fcluster(tree, 1 - ALIKE, "distance").tolist()):
        clusters.setdefault(label, []).append(place)
    return [*clusters.values()], near


def _cosines(units: Sequence[_Unit]) -> Floats:
    """The cosine of each two units, from 0 to 1."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - only here

    frequency: Counter[str] = Counter()
    for unit in units:
        for one in unit.stems:
            frequency[one] += unit.wordings.total()
    n = sum(unit.wordings.total() for unit in units)
    number = {one: place for place, one in enumerate(sorted(frequency))}
    weight = {one: float(np.log((n + 1) / (df + 0.5))) for one, df in frequency.items()}
    rows = [sorted(unit.stems) for unit in units]
    lengths = [sum(weight[one] ** 2 for one in row) ** 0.5 for row in rows]
    values = [weight[one] / length for row, length in zip(rows, lengths, strict=True) for one in row]
    vectors = csr_array(
        (values, [number[one] for row in rows for one in row], np.cumsum([0, *map(len, rows)])),
        shape=(len(units), len(number)),
    )
    return np.asarray(np.clip((vectors @ vectors.T).toarray(), 0, 1), np.float64)


def _topic(units: Sequence[_Unit], near: Floats, pictures: int) -> Topic:
    """A cluster with its medoid; of a unit's wordings, the one with the fewest words of its own stands for it."""
    # rounded, so that a tie is one on every machine
    central = np.round(near @ np.array([len(unit.pictures) for unit in units]), 9).tolist()
    medoid = min(range(len(units)), key=lambda place: (-central[place], *_plainness(units[place])))
    question = _plainness(units[medoid])[-1]
    wordings: Counter[str] = Counter()
    for unit in units:
        wordings += unit.wordings
    others = _different((text for text, _ in _by_frequency(wordings)), question)
    where = frozenset().union(*(unit.pictures for unit in units))
    return Topic(
        question=question,
        pictures=len(where),
        share=len(where) / pictures,
        interval=wilson(len(where), pictures),
        asked=wordings.total(),
        wordings=others[:WORDINGS],
    )


def _plainness(unit: _Unit) -> tuple[int, int, int, str]:
    """The plainest wording of a unit, behind what makes it so."""
    return min((unit.surplus[text], -times, len(text), text) for text, times in unit.wordings.items())


def _by_frequency(wordings: Counter[str]) -> list[tuple[str, int]]:
    return sorted(wordings.items(), key=lambda pair: (-pair[1], pair[0]))


def _different(texts: Iterable[str], known: str) -> tuple[str, ...]:
    """The texts that differ from a known one, and from those before, by more than capitals."""
    seen = {known.lower(): ""}
    for text in texts:
        seen.setdefault(text.lower(), text)
    return tuple(text for text in seen.values() if text)
