"""The controls: strategies that ask nothing, between which every score is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from whyfeel.records import Asking, Corpus, Response, Sample, Trigger, numbered, rng
from whyfeel.strategies.nearest import Nearness
from whyfeel.strategies.registry import unknown

Answerer = Callable[[Sample], str]
Lines = tuple[str, ...]

STUFFED = 50
TOP = 5


@dataclass(frozen=True)
class Baseline:
    """A strategy that asks no model: its answer follows from the annotations.

    Attributes:
        answer: the text it responds with.
    """

    answer: Answerer
    name: str = field(default="baseline", init=False)
    roles: Mapping[str, bool] = field(default_factory=dict, init=False)
    prompts: tuple[str, ...] = field(default=(), init=False)

    def respond(self, sample: Sample) -> Asking[Response]:
        """A conversation that ends before the first ask."""
        yield from ()
        text = self.answer(sample)
        return Response(sample.id, text, "ok" if text.strip() else "empty")


def build_baseline(name: str, corpus: Corpus, seed: int) -> Baseline:
    """The baseline of that name, over a data set that is iterated over once and not kept.

    Args:
        name: one of BASELINES.
        corpus: all samples of the task, not only those that are answered.
        seed: of "shuffled"; the others draw nothing.

    Raises:
        UserError: there is no such baseline.
    """
    if name not in _BUILDERS:
        raise unknown("baseline", name, _BUILDERS)
    return Baseline(_BUILDERS[name](corpus, seed))


def _empty(_corpus: Corpus, _seed: int) -> Answerer:
    return lambda _sample: ""


def _echo(_corpus: Corpus, _seed: int) -> Answerer:
    return lambda sample: sample.question


def _oracle(_corpus: Corpus, _seed: int) -> Answerer:
    return lambda sample: numbered(_lines(sample.triggers))


def _stuff(corpus: Corpus, _seed: int) -> Answerer:
    commonest = _Commonest()
    for sample in corpus:
        commonest.add(sample.triggers)
    text = numbered(commonest.top(STUFFED))
    return lambda _sample: text


def _top5(corpus: Corpus, _seed: int) -> Answerer:
    """The commonest triggers of the sample's emotion; "" for an emotion the corpus does not have."""
    of_emotion: dict[str, _Commonest] = {}
    for sample in corpus:
        of_emotion.setdefault(sample.emotion, _Commonest()).add(sample.triggers)
    texts = {emotion: numbered(commonest.top(TOP)) for emotion, commonest in of_emotion.items()}
    return lambda sample: texts.get(sample.emotion, "")


def _shuffled(corpus: Corpus, seed: int) -> Answerer:
    """The triggers of another picture of the same emotion, drawn anew for each sample id.

    A picture is drawn first and then one of its samples, so that no picture is likelier for having more questions.
    Where the emotion has no other picture, one of any emotion is taken; where there is none at all, the answer is "".
    """
    same, every = dict[str, _Pictures](), _Pictures()
    for sample in corpus:
        if lines := _lines(sample.triggers):
            same.setdefault(sample.emotion, _Pictures()).add(sample.cluster, lines)
            every.add(sample.cluster, lines)

    def answer(sample: Sample) -> str:
        generator = rng(seed, "shuffled", sample.id)
        pool = same.get(sample.emotion, every)
        lines = pool.draw(generator, sample.cluster) or every.draw(generator, sample.cluster)
        return numbered(lines)

    return answer


def _prior(corpus: Corpus, _seed: int) -> Answerer:
    """The triggers of the sample of another picture whose question is nearest: what the words alone give away.

    Where no other question shares a word, the first sample of another picture counts as nearest; where there is no
    other picture, the answer is "".
    """
    questions = _Questions(corpus)
    return lambda sample: numbered(questions.nearest(sample))


_BUILDERS: Mapping[str, Callable[[Corpus, int], Answerer]] = {
    "empty": _empty,
    "echo": _echo,
    "shuffled": _shuffled,
    "oracle": _oracle,
    "stuff": _stuff,
    "top5": _top5,
    "prior": _prior,
}

BASELINES: Mapping[str, str] = {
    "empty": "no answer at all",
    "echo": "the question itself",
    "shuffled": "the annotated triggers of another picture of the same emotion",
    "oracle": "the sample's own annotated triggers",
    "stuff": f"the {STUFFED} commonest triggers of the data set",
    "top5": f"the {TOP} commonest triggers of the emotion",
    "prior": "the triggers of the nearest question about another picture",
}


def _lines(triggers: Iterable[Trigger]) -> Lines:
    """One line a trigger, whatever white space it holds."""
    return tuple(" ".join(trigger.text.split()) for trigger in triggers)


class _Commonest:
    """Counts triggers that are equal but for case, white space and a final period; shows each as first seen."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._shown: dict[str, str] = {}

    def add(self, triggers: Iterable[Trigger]) -> None:
        for line in _lines(triggers):
            key = line.casefold().removesuffix(".").rstrip()
            self._counts[key] += 1
            self._shown.setdefault(key, line)

    def top(self, count: int) -> Lines:
        """The commonest, ties by first occurrence."""
        return tuple(self._shown[key] for key, _ in self._counts.most_common(count))


class _Pictures:
    """The triggers of each picture's samples, to draw from those of another picture."""

    def __init__(self) -> None:
        self._place: dict[str, int] = {}
        self._samples: list[list[Lines]] = []

    def add(self, cluster: str, lines: Lines) -> None:
        place = self._place.setdefault(cluster, len(self._samples))
        if place == len(self._samples):
            self._samples.append([])
        self._samples[place].append(lines)

    def draw(self, generator: np.random.Generator, cluster: str) -> Lines:
        """The triggers of a sample of another cluster, () where there is no other."""
        own = self._place.get(cluster, len(self._samples))
        others = len(self._samples) - (own < len(self._samples))
        if not others:
            return ()
        place = int(generator.integers(others))
        samples = self._samples[place + (place >= own)]
        return samples[int(generator.integers(len(samples)))]


class _Questions:
    """The questions of a data set, to find the triggers of the nearest one."""

    def __init__(self, corpus: Corpus) -> None:
        self._lines: list[Lines] = []
        self._of_cluster: dict[str, list[int]] = {}
        self._nearness = Nearness(self._asked(corpus))

    def _asked(self, corpus: Corpus) -> Iterator[str]:
        for sample in corpus:
            if sample.triggers:
                self._of_cluster.setdefault(sample.cluster, []).append(len(self._lines))
                self._lines.append(_lines(sample.triggers))
                yield sample.question

    def nearest(self, sample: Sample) -> Lines:
        """The triggers of the nearest question of another cluster, the first of equals; () where there is none."""
        near = self._nearness.to(sample.question)
        near[self._of_cluster.get(sample.cluster, [])] = -1
        best = int(near.argmax()) if len(near) else -1
        return self._lines[best] if best >= 0 and near[best] >= 0 else ()
