"""What has to be asked about pictures like this one: the chain's phase 2 over a sample of a data set.

Source: Why We Feel (arXiv 2504.07521). A language model writes open questions over the data set; the frequent ones
are found by `whyfeel.annotate.questions`. That it sees a description of each picture, and every text, is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from whyfeel.prompts import Prompts
from whyfeel.records import Answer, Ask, Asking, Sample, Step, Text, user_turn
from whyfeel.strategies.self_ask import readers
from whyfeel.strategies.self_ask.asking import usable
from whyfeel.strategies.self_ask.chain import look
from whyfeel.strategies.self_ask.settings import PROMPT

PLAN_PROMPT = "self-ask-plan"  # the id of the prompt texts
DESCRIBE, QUESTION = "describe", "question"
QUESTIONS = 8  # written about a picture

NOT_DESCRIBED = "picture not described"
NO_QUESTIONS = "no questions written"

DESCRIPTION_ROOM, ROOM_A_QUESTION = 256, 64  # tokens


@dataclass(frozen=True, slots=True)
class Questioned:
    """The questions that one picture gave rise to.

    Attributes:
        sample_id: the sample it belongs to.
        description: the picture in words, "" where the model would not describe it.
        questions: different ones, as many as were asked for at most; none where a flag says why.
        steps: all that was asked, in order.
        flags: what went wrong on the way.
    """

    sample_id: str
    description: str
    questions: tuple[str, ...]
    steps: tuple[Step, ...]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Questioning:
    """Writes open questions about one picture at a time.

    What it tells models of a sample is its question and its pictures, as the chain does.

    Attributes:
        texts: the prompt texts of "self-ask" (its opening) and "self-ask-plan".
        count: how many questions are written about a picture, at least 1.
    """

    texts: Prompts
    count: int = QUESTIONS
    roles: Mapping[str, bool] = field(default_factory=lambda: {DESCRIBE: True, QUESTION: False}, init=False)
    prompts: tuple[str, ...] = field(default=(PROMPT, PLAN_PROMPT), init=False)

    def question(self, sample: Sample) -> Asking[Questioned]:
        """A description with the picture, then questions by the language model, who sees query and description only.

        Raises:
            AskFailed: an ask failed, or the sample has no picture.
        """
        ask = look(self.texts, sample, DESCRIBE, self._fill("describe"), DESCRIPTION_ROOM)
        described, steps = yield from usable(
            ask, "", _read_description, lambda fault: self._fill("describe_again", fault=fault)
        )
        if described is None:
            # the query alone would get one and the same questions for every such picture, and they would seem frequent
            return Questioned(sample.id, "", (), steps, (NOT_DESCRIBED,))
        found, more = yield from usable(
            self._write(sample.question, described),
            "",
            lambda answer: readers.read_questions(answer, self.count),
            lambda _: self._fill("question_again", count=str(self.count)),
        )
        flags = () if found else (NO_QUESTIONS,)
        return Questioned(sample.id, described, found or (), (*steps, *more), flags)

    def _write(self, query: str, description: str) -> Ask:
        text = self._fill("question", query=query, description=description, count=str(self.count))
        return Ask(QUESTION, user_turn(Text(text)), {"temperature": 0, "max_tokens": ROOM_A_QUESTION * self.count})

    def _fill(self, name: str, **values: str) -> str:
        return self.texts.fill(PLAN_PROMPT, name, **values)


def _read_description(answer: Answer) -> str:
    """The description on one line; one that was cut off is used.

    Raises:
        Unusable: it was declined.
    """
    if readers.declined(answer):
        raise readers.Unusable("it declines, or says nothing")
    return " ".join(answer.text.split())
