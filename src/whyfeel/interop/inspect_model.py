"""Inspect's models as ours: an ask becomes one call, with the same words, the same bytes and the same settings."""

from __future__ import annotations

from collections.abc import Mapping

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    Content,
    ContentImage,
    ContentText,
    GenerateConfig,
    Model,
    ModelOutput,
    ResponseSchema,
)
from inspect_ai.util import JSONSchema

from whyfeel.engine import Conversing, Reply, Request, Route
from whyfeel.media import Loaded, MediaStore
from whyfeel.models.dialects import reading
from whyfeel.models.dialects.schemas import strict
from whyfeel.models.dialects.writing import words
from whyfeel.records import Answer, Ask, Media, Message, Picture

SPEAKERS = {"system": ChatMessageSystem, "user": ChatMessageUser, "assistant": ChatMessageAssistant}
SAMPLING = ("temperature", "max_tokens", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty")


class InspectModel:
    """A model of Inspect, which sees to connections, retries, limits and the log.

    Attributes:
        name: as Inspect writes it, such as "openai/gpt-4o".
        given: the sampling settings that the user gave Inspect; they go over those of an ask, as `--gen` does.
    """

    def __init__(self, model: Model) -> None:
        self.name = str(model)
        self.address = ""
        self.price = None
        told = model.config.model_dump(include=set(SAMPLING), exclude_none=True)
        self.given = {name: told[name] for name in SAMPLING if name in told}
        self._model = model

    async def answer(self, request: Request) -> Reply:
        """One call; whatever Inspect raises is Inspect's to deal with."""
        messages = [_turn(message, request.pictures) for message in request.ask.messages]
        return reply_of(await self._model.generate(messages, config=_config(request.ask)))

    async def close(self) -> None:
        """Nothing to let go: Inspect closes its models."""


class Straight:
    """Brings answers from the models themselves: Inspect keeps the record, and there is no ledger."""

    async def obtain(self, request: Request, route: Route) -> Answer:
        """The answer of one call."""
        reply = await route.model.answer(request)
        return Answer(
            *(request.key, reply.text, reply.outcome, reply.finish, reply.tokens_in, reply.tokens_out),
            served=reply.served,
            reasoning=reply.reasoning,
        )


def conversing(models: Mapping[str, Model], media: MediaStore) -> Conversing:
    """Drives strategies and judges with Inspect's models.

    Args:
        models: role to model.
        media: the pictures.
    """
    ours = {role: InspectModel(model) for role, model in models.items()}
    return Conversing({role: Route(model, model.given) for role, model in ours.items()}, media, Straight())


def reply_of(output: ModelOutput) -> Reply:
    """What a call brought, ended as our own clients would have it."""
    text, thoughts = reading.without_thoughts(output.completion)
    finish = output.stop_reason if output.choices else None
    usage = output.usage
    return Reply(
        text,
        reading.outcome(text, finish),
        finish,
        usage.input_tokens if usage else None,
        usage.output_tokens if usage else None,
        output.model or None,
        reasoning=thoughts,
    )


def _turn(message: Message, pictures: Mapping[Media, Loaded]) -> ChatMessage:
    """A turn; one of words alone is a plain text, as our own clients send it."""
    speaker = SPEAKERS[message.speaker]
    if not any(isinstance(part, Picture) for part in message.parts):
        return speaker(content=words(message.parts))
    content: list[Content] = [
        ContentImage(image=_uri(pictures[part.media])) if isinstance(part, Picture) else ContentText(text=part.text)
        for part in message.parts
    ]
    return speaker(content=content)


def _uri(picture: Loaded) -> str:
    return f"data:{picture.header.mime};base64,{picture.base64.decode()}"


def _config(ask: Ask) -> GenerateConfig:
    """The ask's settings under Inspect's names, which for these are those of chat completions."""
    schema = None
    if ask.schema is not None:
        schema = ResponseSchema(name=ask.role, json_schema=JSONSchema.model_validate(strict(ask.schema)), strict=True)
    return GenerateConfig(response_schema=schema, **{name: ask.gen[name] for name in SAMPLING if name in ask.gen})
