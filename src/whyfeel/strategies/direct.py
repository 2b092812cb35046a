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
        text = Text(self.texts.fill("direct", "user", question=sample.question))
        messages = user_turn(*(Picture(media) for media in sample.media), text)
        answer = yield Ask("answer", messages, gen={"temperature": 0, "max_tokens": MAX_TOKENS})
        return Response(sample.id, answer.text, answer.outcome, (answer.ask_id,))
