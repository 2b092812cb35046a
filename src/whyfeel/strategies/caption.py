"""The question behind a caption of its picture, with the picture or without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from whyfeel.errors import AskFailed, DataError
from whyfeel.prompts import Prompts
from whyfeel.records import Ask, Asking, Media, Picture, Response, Sample, Text, user_turn
from whyfeel.strategies.direct import answer_ask, question_fields

MAX_TOKENS = 256


@dataclass(frozen=True)
class Caption:
    """Puts a caption of the picture before the question, as EIBench's setting "User Question + Caption" does.

    A caption comes from `captions`, or is asked for in the role "caption". That ask is the same for all questions
    about a picture, so that it is paid once. A caption that was cut off is used. Where the captioner said nothing or
    declined, "caption.missing" stands in the caption's place and the question is asked all the same: a model that
    describes its pictures itself must not shed the hard ones by declining.

    Attributes:
        texts: the prompt texts "caption" and "direct".
        captions: image path to caption, as `captions_from` reads them; None to ask for them.
        text_only: whether the answer is given by the caption alone, without the picture.
    """

    texts: Prompts
    captions: Mapping[str, str] | None = None
    text_only: bool = False
    roles: Mapping[str, bool] = field(init=False)

    def __post_init__(self) -> None:
        asked = {"caption": True} if self.captions is None else {}
        object.__setattr__(self, "roles", {**asked, "answer": not self.text_only})

    @property
    def name(self) -> str:
        """Either "caption" or "caption(text-only)"."""
        return "caption(text-only)" if self.text_only else "caption"

    @property
    def prompts(self) -> tuple[str, ...]:
        """The text of `direct` stands in that of `caption`, but for a model that sees no picture."""
        return ("caption",) if self.text_only else ("caption", "direct")

    def respond(self, sample: Sample) -> Asking[Response]:
        """One ask in the role "caption" a picture, where captions are asked for, and then one in the role "answer".

        Raises:
            AskFailed: the sample has no picture ("no picture"), or `captions` has none for it ("no caption").
        """
        if not sample.media:
            raise AskFailed("no picture", f"{sample.id!r} has no picture that a caption could describe")
        found, asks = [], []
        for media in sample.media:
            if self.captions is not None:
                found.append(self._given(media))
                continue
            caption = yield self._ask(media)
            asks.append(caption.ask_id)
            text = "" if caption.outcome == "refused" else caption.text.strip()
            found.append(text or self.texts.fill("caption", "missing"))
        answer = yield answer_ask(sample, self._text(sample, "\n\n".join(found)), pictures=not self.text_only)
        return Response(sample.id, answer.text, answer.outcome, (*asks, answer.ask_id))

    def _given(self, media: Media) -> str:
        caption = (self.captions or {}).get(media.path)
        if caption is None:
            raise AskFailed("no caption", f"--captions has none for {media.path!r}")
        return caption

    def _ask(self, media: Media) -> Ask:
        messages = user_turn(Picture(media), Text(self.texts.fill("caption", "ask")))
        return Ask("caption", messages, gen={"temperature": 0, "max_tokens": MAX_TOKENS})

    def _text(self, sample: Sample, caption: str) -> str:
        question = question_fields(sample)
        if self.text_only:
            return self.texts.fill("caption", "text_only", caption=caption, **question)
        direct = self.texts.fill("direct", "user", **question)
        return self.texts.fill("caption", "user", caption=caption, direct=direct)


def captions_from(lines: Iterable[tuple[int, Mapping[str, Any]]], where: str) -> dict[str, str]:
    """Image path to caption, from the numbered objects `{image: caption}` of a file.

    A caption that stands twice is kept once; blanks around it are dropped.

    Args:
        where: the file's name, for messages.

    Raises:
        DataError: a caption is not a text or is blank, an image has two captions, or there is no caption at all.

    >>> captions_from([(1, {"a.png": "A dog. "}), (2, {"b.png": "A cat.", "a.png": "A dog."})], "captions.jsonl")
    {'a.png': 'A dog.', 'b.png': 'A cat.'}
    """
    captions: dict[str, str] = {}
    first: dict[str, int] = {}
    for number, line in lines:
        for image, caption in line.items():
            place = f"{where!r} record {number}: image {image!r}"
            if not isinstance(caption, str) or not caption.strip():
                raise DataError(f"{place} needs a caption, a text that is not blank; got {caption!r:.80}")
            text = caption.strip()
            if captions.setdefault(image, text) != text:
                raise DataError(f"{place} has another caption than in record {first[image]}; keep one of them")
            first.setdefault(image, number)
    if not captions:
        raise DataError(f"{where!r} holds no caption; expected one JSON object {{image: caption}} a line")
    return captions
