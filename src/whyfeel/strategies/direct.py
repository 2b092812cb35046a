"""The plainest procedure: one ask, the picture and the question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from whyfeel.prompts import Prompts
from whyfeel.records import Ask, Asking, Picture, Response, Sample, Text, user_turn

MAX_TOKENS = 512  # what most of EIBench's own scripts allow


@dataclass(frozen=True)
class Direct:
    """Asks the question about the picture and takes the reply as it is.

    Attributes:
        texts: the prompt texts; "direct.user" is filled with the question.
    """

    texts: Prompts
    name: str = field(default="direct", init=False)
    roles: Mapping[str, bool] = field(default_factory=lambda: {"answer": True}, init=False)
    prompts: tuple[str, ...] = field(default=("direct",), init=False)

    def respond(self, sample: Sample) -> Asking[Response]:
        """One ask in the role "answer": the pictures, then the text."""
        answer = yield answer_ask(sample, self.texts.fill("direct", "user", **question_fields(sample)))
        return Response(sample.id, answer.text, answer.outcome, (answer.ask_id,))


def answer_ask(sample: Sample, text: str, *, pictures: bool = True) -> Ask:
    """What is asked of the model under test: the sample's pictures, unless they are kept from it, then the text."""
    shown = (Picture(media) for media in sample.media if pictures)
    return Ask("answer", user_turn(*shown, Text(text)), gen={"temperature": 0, "max_tokens": MAX_TOKENS})


def question_fields(sample: Sample) -> dict[str, str]:
    """What a text may call the question: `$question`, or `$question_lower` as some of EIBench's scripts send it."""
    return {"question": sample.question, "question_lower": sample.question.lower()}
