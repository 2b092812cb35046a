"""Examples before the question: the samples that are asked most nearly the same, each with one of its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from numpy.random import Generator

from whyfeel.errors import AskFailed, UserError
from whyfeel.records import Ask, Asking, Corpus, Media, Message, Response, Sample, Text, rng
from whyfeel.strategies.base import Strategy
from whyfeel.strategies.composed import Composed
from whyfeel.strategies.modifiers import Messages
from whyfeel.strategies.nearest import Nearness

POOL = 4096  # samples among which examples are sought, some 10 MB; memory does not grow with a data set beyond it


@dataclass(frozen=True, slots=True)
class Example:
    """A sample that can be shown: the turns that ask about it, and what may stand as the reply."""

    cluster: str
    asked: Messages
    media: frozenset[Media]
    reasons: tuple[str, ...]


class FewShot:
    """A procedure whose ask for the answer comes after earlier turns: `count` examples, each with a reply.

    The examples are those whose words are nearest to what the procedure asks about the sample, the nearest last, so
    that it stands next to the question. They are of pictures other than the sample's, no two of one picture. The seed
    and the sample's id decide among equally near ones, and which of an example's reasons stands as its reply; what
    else is asked in the run does not.

    Source: Liu et al. 2022, "What Makes Good In-Context Examples for GPT-3?" (arXiv 2101.06804), who take nearness by
    sentence embeddings; here it is by words, as in the control `prior`.

    Args:
        procedure: what asks, the samples and the examples; its first ask must be the one for the answer.
        corpus: all samples of the task, read once; at most POOL of them are held, drawn evenly.
        count: examples a sample, 1 or more.
        seed: of the draws.

    Raises:
        UserError: the procedure asks something else first, or too few pictures have samples that can be shown.
    """

    def __init__(self, procedure: Strategy, corpus: Corpus, count: int, seed: int) -> None:
        self.procedure = procedure
        self.name = f"{procedure.name}+few-shot({count})"
        self.roles: Mapping[str, bool] = procedure.roles
        self.prompts = procedure.prompts
        self._count, self._seed = count, seed
        self._pool = _pool(_examples(procedure, corpus), seed)
        if (there := len({example.cluster for example in self._pool})) <= count:
            wanted = f"{self.name!r} shows {count} other pictures or texts before each"
            raise UserError(f"{wanted}; the task has {there} that can be shown, and needs {count + 1}")
        self._nearness = Nearness(_words(example.asked) for example in self._pool)

    def respond(self, sample: Sample) -> Asking[Response]:
        """The procedure's conversation, the examples before every ask for the answer."""
        found: list[Messages] = []  # sought once, when it is known what is asked

        def behind_examples(messages: Messages) -> Messages:
            if not found:
                found.append(self._turns(sample, messages))
            return (*found[0], *messages)

        return Composed(self.name, self.procedure, (behind_examples,)).respond(sample)

    def _turns(self, sample: Sample, asked: Messages) -> Messages:
        draw = rng(self._seed, "few-shot", sample.id)
        shown = [turn for example in self._nearest(sample, _words(asked), draw) for turn in _shown(example, draw)]
        return tuple(shown)

    def _nearest(self, sample: Sample, asked: str, draw: Generator) -> list[Example]:
        """The examples, the nearest last; a sample asked with another one's picture is not shown that one either."""
        order = draw.permutation(len(self._pool))
        near = self._nearness.to(asked)[order]
        used, own, found = {sample.cluster}, frozenset(sample.media), list[Example]()
        for place in order[(-near).argsort(kind="stable")]:
            example = self._pool[place]
            if example.cluster in used or not own.isdisjoint(example.media):
                continue
            used.add(example.cluster)
            found.append(example)
            if len(found) == self._count:
                break
        return found[::-1]


def _shown(example: Example, draw: Generator) -> Messages:
    reason = example.reasons[int(draw.integers(len(example.reasons)))]
    return (*example.asked, Message("assistant", (Text(reason),)))


def _words(messages: Messages) -> str:
    """All that is said; what every ask says weighs next to nothing."""
    return "\n".join(part.text for message in messages for part in message.parts if isinstance(part, Text))


def _examples(procedure: Strategy, corpus: Corpus) -> Iterator[Example]:
    """The samples that have a reason and can be asked about; one that lacks what is to be shown is passed over."""
    for sample in corpus:
        if not sample.triggers:
            continue
        try:
            ask = next(procedure.respond(sample))
        except AskFailed:
            continue
        if not isinstance(ask, Ask) or ask.role != "answer":
            raise UserError(f"few-shot: {procedure.name!r} asks for something else before the answer; give --captions")
        reasons = tuple(trigger.text for trigger in sample.triggers)
        yield Example(sample.cluster, ask.messages, frozenset(sample.media), reasons)


def _pool(examples: Iterator[Example], seed: int) -> list[Example]:
    """At most POOL of the examples, each as likely as any other."""
    draw = rng(seed, "few-shot pool")
    pool: list[Example] = []
    for count, example in enumerate(examples, 1):
        if count <= POOL:
            pool.append(example)
        elif (place := int(draw.integers(count))) < POOL:
            pool[place] = example
    return pool
