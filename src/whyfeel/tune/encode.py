"""From an example to tokens: the prompt as a run sends it, then the answer, which alone is learnt.

Imports torch (the extra `local`), and is imported when a model is tuned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from whyfeel.errors import DataError, UserError
from whyfeel.media import Loaded as LoadedPicture
from whyfeel.models.local.chat import chat
from whyfeel.models.local.checkpoint import Loaded
from whyfeel.records import Media, Message, Text, user_turn
from whyfeel.tune.examples import Example

IGNORED = -100  # the label of a token that is not learnt, as torch's cross entropy has it
MOST_PIXELS = 1 << 30  # bytes of prepared pictures that are kept; the others are prepared whenever they are needed
STAND_IN = "whyfeel"  # a text that no chat template holds
IDS, MASK, LABELS = "input_ids", "attention_mask", "labels"
Tensors = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tokens:
    """An example in a model's tokens.

    Attributes:
        prompt: the tokens that are given, those in a picture's place included.
        answer: the tokens that are learnt; ends with one that ends a reply.
        along: what the processor says of each token of the prompt besides, by name.
    """

    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    along: Mapping[str, tuple[int, ...]]


class Encoder:
    """Examples in the tokens of one model.

    Args:
        loaded: the model.
        pictures: every picture of every example.
    """

    def __init__(self, loaded: Loaded, pictures: Mapping[Media, LoadedPicture]) -> None:
        self._loaded = loaded
        self._pictures = pictures
        config = loaded.model.config.get_text_config()
        self._positions: int | None = getattr(config, "max_position_embeddings", None)
        self._before, self._end = _frame(loaded)

    def encode(self, example: Example) -> tuple[Tokens, Tensors]:
        """An example in tokens, and the tensors of its pictures.

        Raises:
            UserError: it has a picture, and the model sees none.
            DataError: it is longer than the model's positions.
        """
        model, name = self._loaded, example.sample.id
        if example.sample.media and not model.sees:
            raise UserError(f"{model.checkpoint.name!r} sees no pictures, and {name!r} has one; name a model that does")
        given = dict(
            model.processor.apply_chat_template(
                chat(example.messages, self._pictures, sees=model.sees),
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                sanitize_control_tokens=True,
                **({"processor_kwargs": {"return_tensors": "pt"}} if model.sees else {"return_tensors": "pt"}),
            )
        )
        prompt = given.pop(IDS)
        given.pop(MASK, None)
        along = {key: tuple(value[0].tolist()) for key, value in given.items() if value.shape == prompt.shape}
        tokens = Tokens(tuple(prompt[0].tolist()), self._answer(example.target), along)
        length = len(tokens.prompt) + len(tokens.answer)
        if self._positions is not None and length > self._positions:
            raise DataError(
                f"the record {name!r} has {length:,} tokens, its picture and its triggers included, and the model "
                f"{model.checkpoint.name!r} has {self._positions:,} positions; shorten it or leave it out"
            )
        return tokens, {key: value for key, value in given.items() if key not in along}

    def _answer(self, target: str) -> tuple[int, ...]:
        """The tokens that the model is to draw; what looks like a mark of its own is text."""
        ids = self._loaded.tokenizer(self._before + target, add_special_tokens=False, split_special_tokens=True)[IDS]
        return (*ids, self._end)


def _frame(loaded: Loaded) -> tuple[str, int]:
    """What a chat template puts between the prompt and an answer, and the token by which it ends one."""
    ends = loaded.model.generation_config.eos_token_id
    ends = loaded.tokenizer.eos_token_id if ends is None else ends
    if ends is None:
        raise DataError(f"the model {loaded.checkpoint.name!r} names no token that ends a reply; name another")
    ends = [ends] if isinstance(ends, int) else list(ends)
    asked = chat(user_turn(Text(STAND_IN)), {}, sees=loaded.sees)
    said = chat([Message("assistant", (Text(STAND_IN),))], {}, sees=loaded.sees)
    render = partial(loaded.processor.apply_chat_template, tokenize=False)
    prompt, whole = render(asked, add_generation_prompt=True), render([*asked, *said])
    before, found, after = whole.removeprefix(prompt).partition(STAND_IN)
    if not whole.startswith(prompt) or not found:  # such as a template that thinks aloud before it answers
        return "", ends[0]
    shown = loaded.tokenizer(after, add_special_tokens=False)[IDS]
    return before, next((one for one in shown if one in ends), ends[0])


class Encoded:
    """All examples of a training in tokens; a torch data set.

    Args:
        encoder: encodes them, at once, so that a bad one is known before the training starts.
        order: which example is taken at each place, n places.
    """

    def __init__(self, encoder: Encoder, examples: Sequence[Example], order: Sequence[int]) -> None:
        self._encoder = encoder
        self._examples = examples
        self._order = order
        self._tokens: list[Tokens] = []
        self._seen: dict[int, Tensors] = {}
        room = MOST_PIXELS
        for place, example in enumerate(examples):
            tokens, seen = encoder.encode(example)
            self._tokens.append(tokens)
            room -= sum(one.nbytes for one in seen.values())
            if room >= 0:
                self._seen[place] = seen

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> tuple[Tokens, Tensors]:
        place = self._order[index]
        seen = self._seen.get(place)
        return self._tokens[place], self._encoder.encode(self._examples[place])[1] if seen is None else seen


def collate(rows: Sequence[tuple[Tokens, Tensors]], pad: int) -> Tensors:
    """A batch: rows padded on the right to the longest, pictures one after another.

    Args:
        rows: B of them.
        pad: the token that stands where a row has ended; it is masked.

    Returns:
        input_ids, attention_mask and labels, (B, T) each; what the processor says of tokens, (B, T); and the pictures'
        tensors as the model takes them, joined along their first axis.
    """
    length = max(len(tokens.prompt) + len(tokens.answer) for tokens, _ in rows)
    batch: Tensors = {IDS: torch.full((len(rows), length), pad), MASK: torch.zeros(len(rows), length, dtype=torch.long)}
    batch[LABELS] = torch.full((len(rows), length), IGNORED)
    for row, (tokens, _) in enumerate(rows):
        start, end = len(tokens.prompt), len(tokens.prompt) + len(tokens.answer)
        batch[IDS][row, :end] = torch.tensor(tokens.prompt + tokens.answer)
        batch[MASK][row, :end] = 1
        batch[LABELS][row, start:end] = torch.tensor(tokens.answer)
        for name, values in tokens.along.items():
            batch.setdefault(name, torch.zeros(len(rows), length, dtype=torch.long))
            batch[name][row, :start] = torch.tensor(values)
    for name in {name for _, seen in rows for name in seen}:
        batch[name] = torch.cat([seen[name] for _, seen in rows if name in seen])
    return batch
