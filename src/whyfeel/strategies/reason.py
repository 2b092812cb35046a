"""Why somebody who meets a picture and its caption would feel an emotion: the question of Socratis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from whyfeel.errors import AskFailed
from whyfeel.prompts import Prompts
from whyfeel.records import Asking, Response, Sample
from whyfeel.strategies.direct import answer_ask

NO_CAPTION, NO_IMAGE, ARTICLE = "no-caption", "no-image", "article"
SETTINGS = (None, NO_CAPTION, NO_IMAGE, ARTICLE)


@dataclass(frozen=True)
class Reason:
    """Asks for the reason behind the sample's emotion, in one ask; the sample's own question is not sent.

    A sample without a caption, or without a picture, is asked about by the other alone.

    Attributes:
        texts: the prompt text "reason".
        setting: one of SETTINGS: what is kept from the model, or added; None for picture and caption.
    """

    texts: Prompts
    setting: str | None = None
    roles: Mapping[str, bool] = field(init=False)
    prompts: tuple[str, ...] = field(default=("reason",), init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "roles", {"answer": self.setting != NO_IMAGE})

    @property
    def name(self) -> str:
        """Such as "reason" or "reason(no-image)"."""
        return f"reason({self.setting})" if self.setting else "reason"

    def respond(self, sample: Sample) -> Asking[Response]:
        """One ask in the role "answer": the pictures, where they are shown, then the text.

        Raises:
            AskFailed: there is nothing to show ("no caption", "no picture"), or no article to add ("no article").
        """
        answer = yield answer_ask(sample, self._text(sample), pictures=self.setting != NO_IMAGE)
        return Response(sample.id, answer.text, answer.outcome, (answer.ask_id,))

    def _text(self, sample: Sample) -> str:
        text = self._question(sample)
        if self.setting != ARTICLE:
            return text
        if not sample.article:
            raise AskFailed("no article", f"{sample.id!r} has no article; 'reason' needs none")
        return self.texts.fill("reason", "article", article=sample.article, reason=text)

    def _question(self, sample: Sample) -> str:
        caption = "" if self.setting == NO_CAPTION else sample.caption
        seen = bool(sample.media) and self.setting != NO_IMAGE
        emotion = sample.word or sample.emotion
        if caption:
            return self.texts.fill("reason", "user" if seen else "no_image", caption=caption, emotion=emotion)
        if not seen:
            lacking = "picture" if self.setting == NO_CAPTION else "caption"
            raise AskFailed(f"no {lacking}", f"{sample.id!r} has no {lacking}, and {self.name!r} shows nothing else")
        return self.texts.fill("reason", "no_caption", emotion=emotion)
