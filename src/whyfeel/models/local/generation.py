"""Answers of a model in this process, many at once, each the same as if it were the only one.

A row of a batch is drawn by numbers of its own, ends by itself, and sees nothing of the padding, so what else is in its
batch decides nothing but speed. (In float32, that is. In half precision two tokens may be so nearly equal that how
many rows are multiplied together decides which is the larger.)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from whyfeel.engine import Reply, Request
from whyfeel.errors import CallFailed
from whyfeel.models.dialects import reading
from whyfeel.models.local.chat import chat
from whyfeel.models.local.checkpoint import Loaded
from whyfeel.models.local.settings import Settings
from whyfeel.records import rng

SEGMENTS = "token_type_ids"  # tokenizers make them for models that do not take them, too
TAIL = 4  # tokens more than a stop has bytes: its first may belong to a letter that began before


def only_ends(loaded: Loaded) -> None:
    """Leave nothing of the model's own sampling settings but the tokens that end an answer: what is asked, counts.

    They are those that its settings name, and its tokenizer's.
    """
    import transformers  # noqa: PLC0415 - an extra, and slow

    named = loaded.model.generation_config.eos_token_id
    named = named if isinstance(named, list) else [named]
    ends = sorted({one for one in (*named, loaded.tokenizer.eos_token_id) if one is not None})
    loaded.model.generation_config = transformers.GenerationConfig(
        eos_token_id=ends or None,
        pad_token_id=loaded.tokenizer.pad_token_id,
        bos_token_id=loaded.tokenizer.bos_token_id,
    )


def generate(
    loaded: Loaded, requests: Sequence[Request], settings: Settings, given_up: Callable[[], bool] = lambda: False
) -> list[Reply | CallFailed]:
    """The replies to requests, in their order.

    Args:
        requests: all with pictures or all without.
        settings: how the answers are drawn.
        given_up: asked at every token; whether nobody waits for the answers any more.

    Returns:
        a reply each, or why there is none: the prompt is longer than the model's positions.

    Raises:
        Exception: whatever the model or its chat template raises; then there are no replies.
    """
    inputs = _inputs(loaded, requests)
    lengths = inputs["attention_mask"].sum(dim=1).tolist()
    positions = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None)
    room = [settings.most if positions is None else min(settings.most, positions - length) for length in lengths]
    if min(room) >= 1:
        # a row that has ended still grows until the last one ends, and must not leave the positions meanwhile
        crowded = positions is not None and max(lengths) + max(room) > positions
        now = [min(room)] * len(room) if crowded else room
        replies: list[Reply | CallFailed] = list(_answered(loaded, requests, settings, inputs, lengths, now, given_up))
        longer = [
            place
            for place, reply in enumerate(replies)
            if room[place] > now[place] and isinstance(reply, Reply) and reply.finish == "length"
        ]
        anew = generate(loaded, [requests[place] for place in longer], settings, given_up) if longer else []
        for place, reply in zip(longer, anew, strict=True):
            replies[place] = reply
        return replies
    fitting = [request for request, left in zip(requests, room, strict=True) if left >= 1]
    answers = iter(generate(loaded, fitting, settings, given_up) if fitting else ())
    return [
        next(answers) if left >= 1 else _too_long(length, positions) for length, left in zip(lengths, room, strict=True)
    ]


def _too_long(length: int, positions: int | None) -> CallFailed:
    said = f"{length:,} tokens with its pictures, and the model has {positions:,} places for them and the answer"
    return CallFailed("prompt too long", f"{said}; take fewer examples, or shorter texts", again=False)


def _inputs(loaded: Loaded, requests: Sequence[Request]) -> dict[str, Any]:
    """The tensors of a batch, padded on the left."""
    import torch  # noqa: PLC0415 - an extra, and slow

    chats = [chat(request.ask.messages, request.pictures, sees=loaded.sees) for request in requests]
    padded: dict[str, Any] = {"padding": True, "return_tensors": "pt"}
    inputs = loaded.processor.apply_chat_template(
        chats,
        add_generation_prompt=True,
        tokenize=True,
        return_dict=True,
        sanitize_control_tokens=True,  # what a question or an answer quotes is text, whatever it looks like
        **({"processor_kwargs": padded} if loaded.sees else padded),
    )
    numbers, taken = getattr(torch, loaded.place.dtype), inspect.signature(loaded.model.forward).parameters
    return {
        name: value.to(loaded.place.device, numbers if value.is_floating_point() else None)
        for name, value in inputs.items()
        if isinstance(value, torch.Tensor) and (name != SEGMENTS or SEGMENTS in taken)
    }


def _answered(
    loaded: Loaded,
    requests: Sequence[Request],
    settings: Settings,
    inputs: dict[str, Any],
    lengths: Sequence[int],
    room: Sequence[int],
    given_up: Callable[[], bool],
) -> Iterator[Reply]:
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    width = inputs["input_ids"].shape[1]
    ends = frozenset(loaded.model.generation_config.eos_token_id or ())
    end = _End(loaded.tokenizer, width, ends, room, settings.stop, given_up)
    drawing = [] if settings.temperature == 0 else [Drawing(settings, [r.key for r in requests], width, max(room))]
    with torch.inference_mode():
        told = loaded.model.generate(
            **inputs,
            max_new_tokens=max(room),
            do_sample=False,
            logits_processor=transformers.LogitsProcessorList(drawing),
            stopping_criteria=transformers.StoppingCriteriaList([end]),
        )
    for row, tokens_in, ended in zip(told[:, width:].tolist(), lengths, end.ended, strict=True):
        yield _reply(loaded, row[:ended], ends, settings.stop, tokens_in)


def _reply(loaded: Loaded, tokens: list[int], ends: frozenset[int], stop: Sequence[str], tokens_in: int) -> Reply:
    text = loaded.tokenizer.decode(tokens, skip_special_tokens=True)
    places = [place for one in stop if (place := text.find(one)) >= 0]
    finish = "stop" if places or (tokens and tokens[-1] in ends) else "length"
    text, thoughts = reading.without_thoughts(text[: min(places)] if places else text)
    return Reply(
        text=text,
        outcome=reading.outcome(text, finish),
        finish=finish,
        tokens_in=tokens_in,
        tokens_out=len(tokens),
        reasoning=thoughts,
    )


@dataclass(slots=True)
class _Row:
    """One row's end."""

    most: int
    ended: int | None = None


class _End:
    """Says at each token which rows are at their end.

    Attributes:
        ended: how many tokens each row has, the one that ended it included.
    """

    def __init__(
        self,
        tokenizer: Any,  # noqa: ANN401
        width: int,
        ends: frozenset[int],
        room: Sequence[int],
        stop: Sequence[str],
        given_up: Callable[[], bool],
    ) -> None:
        self._tokenizer, self._width, self._ends, self._stop, self._given_up = tokenizer, width, ends, stop, given_up
        self._rows = [_Row(most) for most in room]
        self._tail = max((len(one.encode()) for one in stop), default=0) + TAIL

    @property
    def ended(self) -> list[int]:
        return [row.most if row.ended is None else row.ended for row in self._rows]

    def __call__(self, tokens: Any, scores: Any, **_: object) -> Any:  # noqa: ANN401, ARG002
        """Whether each row is at its end, a tensor of shape (rows,); `tokens` holds prompts and answers."""
        import torch  # noqa: PLC0415

        count = tokens.shape[1] - self._width
        over = self._given_up()
        last = tokens[:, -1].tolist()
        for place, row in enumerate(self._rows):
            if row.ended is None and (
                over or count >= row.most or last[place] in self._ends or self._stops(tokens[place, self._width :])
            ):
                row.ended = count
        return torch.tensor([row.ended is not None for row in self._rows], device=tokens.device)

    def _stops(self, tokens: Any) -> bool:  # noqa: ANN401
        if not self._stop:
            return False
        text = self._tokenizer.decode(tokens[-self._tail :], skip_special_tokens=True)
        return any(one in text for one in self._stop)


class Drawing:
    """Draws each row's next token by numbers that its request's key decides, and nothing else.

    Args:
        settings: temperature, top_k and top_p, in this order.
        keys: of the requests, which hold their seeds and repeats.
        width: tokens of the prompts.
        most: tokens that are drawn at most.
    """

    def __init__(self, settings: Settings, keys: Sequence[str], width: int, most: int) -> None:
        import torch  # noqa: PLC0415

        self._settings, self._width = settings, width
        drawn = [torch.from_numpy(rng(0, "next token", key).random(most)) for key in keys]
        self._numbers = torch.stack(drawn, dim=1)  # shape (tokens, rows)

    def __call__(self, tokens: Any, scores: Any) -> Any:  # noqa: ANN401
        """Scores of which only the drawn token is left; shape (rows, vocabulary)."""
        import torch  # noqa: PLC0415

        likeliest, order = torch.sort(
            scores.double() / self._settings.temperature, dim=-1, descending=True, stable=True
        )
        if self._settings.top_k:
            likeliest, order = likeliest[:, : self._settings.top_k], order[:, : self._settings.top_k]
        shares = torch.softmax(likeliest, dim=-1)
        reached = shares.cumsum(dim=-1)
        kept = reached - shares < self._settings.top_p  # the first is always kept
        total = (shares * kept).sum(dim=-1, keepdim=True)
        number = self._numbers[tokens.shape[1] - self._width].to(scores.device)[:, None] * total
        place = (reached <= number).sum(dim=-1, keepdim=True)
        place = torch.minimum(place, kept.sum(dim=-1, keepdim=True) - 1)  # rounding must not draw what is not kept
        return torch.full_like(scores, -torch.inf).scatter(1, order.gather(1, place), 0.0)
