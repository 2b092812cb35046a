"""A conversation as a model's own chat template reads it, for answering and for learning to answer."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

from whyfeel.media import Loaded as LoadedPicture
from whyfeel.models.dialects.writing import words
from whyfeel.records import Media, Message, Picture


def chat(messages: Sequence[Message], pictures: Mapping[Media, LoadedPicture], *, sees: bool) -> list[dict[str, Any]]:
    """The turns of a conversation.

    Args:
        messages: the conversation.
        pictures: each picture in it.
        sees: whether the model takes pictures; one that does not gets each turn as one text.
    """
    return [_turn(message, pictures, sees=sees) for message in messages]


def _turn(message: Message, pictures: Mapping[Media, LoadedPicture], *, sees: bool) -> dict[str, Any]:
    if not sees:
        return {"role": message.speaker, "content": words(message.parts)}
    parts = [
        {"type": "image", "image": _picture(pictures[part.media])}
        if isinstance(part, Picture)
        else {"type": "text", "text": part.text}
        for part in message.parts
    ]
    return {"role": message.speaker, "content": parts}


def _picture(loaded: LoadedPicture) -> Any:  # noqa: ANN401 - a late import's
    from PIL import Image  # noqa: PLC0415

    return Image.open(io.BytesIO(base64.b64decode(loaded.base64))).convert("RGB")
