"""Texts and pictures through a model: the states of all its layers at the chosen tokens.

What is probed is a user's turn in the model's own chat template. A token's state depends on what stands before it and
on nothing behind it, so the turn is cut off after the last token that is looked at, and rows are padded on the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whyfeel.checkpoint_files import first_line
from whyfeel.errors import DataError, Interrupted, UserError
from whyfeel.models.local.checkpoint import Loaded, unfit
from whyfeel.probe.folds import Indices
from whyfeel.probe.options import MEAN
from whyfeel.probe.states import States
from whyfeel.records import Sample

# What follows a text while it is watched how long its emotion stays: no feeling, no person, no verdict.
FILLER = (
    " The next part is a list. It has three columns, and each column has a name. The first one holds a number, "
    "the second one a date, and the third one the size of a box in whole units. The rows stand in the order of "
    "their numbers, one below the other, and the list ends with a line that counts them."
)
MARK = "\u2983text\u2984"  # stands where the text goes while the template is looked at
BYTES = 1 << 28  # hidden states held at once
MOST = 64  # texts at once


@dataclass(frozen=True, slots=True)
class Turn:
    """A user's turn as tokens.

    Attributes:
        ids: up to the last token that is looked at.
        first, last: positions of the text's own first and last token.
    """

    ids: tuple[int, ...]
    first: int
    last: int


class Reader:
    """One model under one system prompt.

    Args:
        loaded: the model, in float32.
        slots: what is kept of each text: "last", "mean", or how many tokens behind its last.
        system: the system prompt, "" for none.

    Raises:
        UserError: the model's chat template takes no system prompt.
        DataError: its tokeniser does not tell where a token stands in a text.
    """

    def __init__(self, loaded: Loaded, slots: Sequence[str | int], system: str = "") -> None:
        self._loaded, self._slots, self._system = loaded, tuple(slots), system
        self._ahead = max((one for one in slots if isinstance(one, int)), default=0)
        if not loaded.tokenizer.is_fast:
            raise unfit(loaded.checkpoint, "its tokeniser does not tell where in a text a token stands")
        config = loaded.model.config.get_text_config()
        self._room: int | None = getattr(config, "max_position_embeddings", None)
        self._filler = FILLER * (1 + self._ahead // 16)
        self._heads: dict[int, str] = {}

    def _head(self, pictures: int) -> str:
        """What the template writes before a text that so many pictures stand before."""
        if pictures not in self._heads:
            self._heads[pictures] = self._written(pictures)
        return self._heads[pictures]

    def _written(self, pictures: int) -> str:
        parts, sees = [{"type": "image"}] * pictures, self._loaded.sees
        content: Any = [*parts, {"type": "text", "text": MARK}] if sees else MARK
        turns = [{"role": "user", "content": content}]
        if self._system:
            said: Any = [{"type": "text", "text": self._system}] if sees else self._system
            turns.insert(0, {"role": "system", "content": said})
        try:
            written: str = self._loaded.processor.apply_chat_template(turns, tokenize=False)
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001 - a template is a program of the model's makers
            if self._system:
                raise self._no_system() from None
            raise unfit(self._loaded.checkpoint, f"its chat template fails: {first_line(error)}") from None
        head, mark, _ = written.partition(MARK)
        if not mark:
            raise unfit(self._loaded.checkpoint, "its chat template leaves out what the user says")
        if self._system.strip() not in head:
            raise self._no_system()
        return head

    def _no_system(self) -> UserError:
        name = self._loaded.checkpoint.name
        return UserError(f"--system: the chat template of {name!r} takes no system prompt; leave it out")

    def turn(self, sample: Sample) -> Turn:
        """A sample's turn; of pictures, before each becomes as many tokens as the model makes of it.

        Raises:
            DataError: it has more tokens than the model takes.
        """
        head, text = self._head(len(sample.media)), sample.question.strip()
        told = self._tokens(head + text + self._filler)
        ends = len(head) + len(text)
        own = [place for place, (a, b) in enumerate(told["offset_mapping"]) if b > len(head) and a < ends and b > a]
        if not own:
            raise DataError(f"the text of {sample.id!r} has no token that the model knows; leave it out")
        first, last = own[0], own[-1]
        ids = tuple(told["input_ids"][: last + self._ahead + 1])
        if self._room is not None and len(ids) > self._room:
            raise self._too_long(sample, len(ids))
        return Turn(ids, first, last)

    def states(self, turns: Sequence[Turn]) -> States:
        """States of texts, shape (slots, layers + 1, texts, width), float32; layer 0 is the embedding.

        The last layer's are those that the model's words are made from, after its final norm.
        """
        import torch  # noqa: PLC0415 - an extra, and slow

        device = self._loaded.place.device
        length = max(len(one.ids) for one in turns)
        pad = self._loaded.tokenizer.pad_token_id or 0
        ids = torch.tensor([[*one.ids, *[pad] * (length - len(one.ids))] for one in turns], device=device)
        mask = torch.tensor([[1] * len(one.ids) + [0] * (length - len(one.ids)) for one in turns], device=device)
        return self._kept({"input_ids": ids, "attention_mask": mask}, turns)

    def pictured(self, sample: Sample, pictures: Sequence[Any]) -> States:
        """States of one sample that shows pictures, shape as above; the mean is over the pictures' tokens as well.

        Args:
            pictures: as Pillow has them, in the sample's order.
        """
        turn, model = self.turn(sample), self._loaded.model
        text = self._head(len(sample.media)) + sample.question.strip() + self._filler
        encoded = self._loaded.processor(
            images=list(pictures), text=[text], return_tensors="pt", add_special_tokens=False
        ).to(self._loaded.place.device)
        ids = encoded["input_ids"][0]
        # a picture becomes many tokens, all of them before the text
        last = turn.last + len(ids) - len(self._tokens(text)["input_ids"])
        image = getattr(model.config, "image_token_id", None)
        if image is None:
            raise unfit(self._loaded.checkpoint, "it does not tell which of its tokens stand for a picture")
        first = int((ids == image).nonzero()[0])
        if self._room is not None and len(ids) > self._room:
            raise self._too_long(sample, len(ids))
        return self._kept(dict(encoded), [Turn((), first, last)])

    def _tokens(self, text: str) -> Any:  # noqa: ANN401 - a late import's
        return self._loaded.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)

    def _too_long(self, sample: Sample, tokens: int) -> DataError:
        why = f"is {tokens:,} tokens long and the model takes {self._room:,}; shorten it or leave it out"
        return DataError(f"the text of {sample.id!r} {why}")

    def _kept(self, inputs: dict[str, Any], turns: Sequence[Turn]) -> States:
        import torch  # noqa: PLC0415

        with torch.inference_mode():
            told = self._loaded.model.base_model(**inputs, output_hidden_states=True, use_cache=False)
            layers = getattr(told, "hidden_states", None)
            if not layers:
                raise unfit(self._loaded.checkpoint, "it does not tell its hidden states")
            found = [torch.stack([self._slot(layer, turns, slot) for layer in layers]) for slot in self._slots]
            states: States = torch.stack(found).float().cpu().numpy()
        if not np.isfinite(states).all():
            raise unfit(self._loaded.checkpoint, "its hidden states are not finite numbers")
        return states

    @staticmethod
    def _slot(layer: Any, turns: Sequence[Turn], slot: str | int) -> Any:  # noqa: ANN401 - a late import's
        """Shape (texts, width)."""
        import torch  # noqa: PLC0415

        if slot == MEAN:
            return torch.stack([layer[row, one.first : one.last + 1].mean(dim=0) for row, one in enumerate(turns)])
        behind = slot if isinstance(slot, int) else 0
        places = torch.tensor([one.last + behind for one in turns], device=layer.device)
        return layer[torch.arange(len(turns), device=layer.device), places]


def together(lengths: Indices, layers: int, width: int) -> int:
    """How many of the first texts of these lengths (ascending, in tokens) may be read at once.

    >>> together(np.array([10, 10, 500]), layers=33, width=4096)
    2
    """
    most = BYTES // (4 * layers * width)
    fit = np.arange(1, len(lengths[:MOST]) + 1) * lengths[:MOST] <= most
    return max(1, int(fit.sum()))
