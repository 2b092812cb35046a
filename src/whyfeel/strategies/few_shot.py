"""Examples before the question: other samples as they would be asked, each with one of its reasons as the reply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from whyfeel.errors import AskFailed, UserError
from whyfeel.records import Ask, Asking, Corpus, Message, Response, Sample, Text, rng
from whyfeel.strategies.base import Strategy
from whyfeel.strategies.composed import Composed
from whyfeel.strategies.modifiers import Messages

POOL = 1024  # samples among which examples are drawn; memory does not grow with a data set beyond it


@dataclass(frozen=True, slots=True)
class Example:
    """A sample that can be shown: the turns that ask about it, and what may stand as the reply."""

    cluster: str
    asked: Messages
    reasons: tuple[str, ...]


class FewShot:
    """A procedure whose ask for the answer comes after earlier turns: `count` examples, each with a reply.

    Examples are of pictures other than the sample's, no two of one picture. Which they are depends on the seed, the
    sample's id and the task's records, not on what else is asked in the run.

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

    def respond(self, sample: Sample) -> Asking[Response]:
        """The procedure's conversation, the examples before every ask for the answer."""
        turns = self._turns(sample)
        return Composed(self.name, self.procedure, (lambda messages: (*turns, *messages),)).respond(sample)

    def _turns(self, sample: Sample) -> Messages:
        draw = rng(self._seed, "few-shot", sample.id)
        turns: list[Message] = []
        used = {sample.cluster}
        for place in draw.permutation(len(self._pool)):
            example = self._pool[place]
            if example.cluster in used:
                continue
            used.add(example.cluster)
            reason = example.reasons[int(draw.integers(len(example.reasons)))]
            turns += (*example.asked, Message("assistant", (Text(reason),)))
            if len(used) > self._count:
                break
        return tuple(turns)


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
        yield Example(sample.cluster, ask.messages, tuple(trigger.text for trigger in sample.triggers))


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
