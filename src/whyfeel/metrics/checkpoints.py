"""Checkpoints of the metrics that run a model: a folder or a Hub id, safetensors only, told apart by a digest.

torch and transformers (the extra `metrics`) take seconds to import and are imported when a checkpoint is loaded. A
folder is read offline; code that lies in it is never run, and no pickle is opened.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from whyfeel import checkpoint_files
from whyfeel.checkpoint_files import ANEW, Checkpoint, first_line
from whyfeel.errors import DataError, Interrupted, UserError, brief

SAFE: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}
UNSTATED = 1 << 20  # tokens; a tokenizer that knows no limit states an absurd one
ROOM = 4096  # tokens that are computed together, padding included


@dataclass(frozen=True, slots=True)
class Split:
    """A text as a model reads it.

    Attributes:
        ids: its tokens' numbers, start and end marked as the model is used to.
        own: for each, whether it is a token of the text itself and no mark.
        cut: whether the text was longer than the model can read, and its end was left out.
    """

    ids: tuple[int, ...]
    own: tuple[bool, ...]
    cut: bool


def find_checkpoint(spec: str, *, local_only: bool = False) -> Checkpoint:
    """The checkpoint of a metric that a user named; arguments as for `checkpoint_files.find_checkpoint`.

    Raises:
        UserError: torch or transformers is not installed, there is no such model, or its weights are no safetensors.
    """
    try:
        import torch  # noqa: F401, PLC0415 - an extra, missed before anything is downloaded
        import transformers  # noqa: F401, PLC0415
    except ImportError as error:
        raise UserError(f"this metric needs the package {error.name}: pip install 'whyfeel[metrics]'") from None
    return checkpoint_files.find_checkpoint(spec, local_only=local_only)


def load_model(checkpoint: Checkpoint, auto: str, kinds: Collection[str]) -> Any:  # noqa: ANN401 - torch's own types come late
    """The model, in single precision, on the GPU where there is one, made to compute and not to learn.

    Args:
        checkpoint: where it lies.
        auto: the class of transformers it is read by.
        kinds: the values of model_type that its config.json may have; none for any.

    Raises:
        DataError: it is of another kind, or damaged, or lacks weights.
    """
    import torch  # noqa: PLC0415 - an extra, and slow
    import transformers  # noqa: PLC0415

    transformers.utils.logging.set_verbosity_error()  # what it would warn of is checked here
    transformers.utils.logging.disable_progress_bar()
    try:
        config = transformers.AutoConfig.from_pretrained(checkpoint.folder, **SAFE)
        _expect(checkpoint, config.model_type, kinds)
        model, told = getattr(transformers, auto).from_pretrained(
            checkpoint.folder,
            **SAFE,
            use_safetensors=True,
            output_loading_info=True,
            dtype=torch.float32,
            attn_implementation="eager",  # which every model has; no value hangs on which kernels there are
        )
    except (DataError, Interrupted):
        raise
    except Exception as error:  # noqa: BLE001 - a damaged checkpoint raises whatever any of three libraries raises
        raise _unfit(checkpoint, first_line(error)) from None
    # the pooler of an encoder stands behind the states that are used, and is often left out
    if missing := sorted(name for name in told["missing_keys"] if not name.startswith("pooler.")):
        raise _unfit(checkpoint, f"{len(missing)} of its weights are missing, such as {brief(missing[0])}")
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


class Splitter:
    """Texts to tokens, cut to what a model can read with the mark of the end kept.

    Args:
        checkpoint: whose vocabulary is used.
        positions: tokens the model has places for, marks included.
        vocabulary: different tokens it knows.
        blank: whether a text is read as if a blank stood before it, where a vocabulary tells the two apart.

    Raises:
        DataError: there is no sound fast tokenizer.
    """

    def __init__(self, checkpoint: Checkpoint, positions: int, vocabulary: int, *, blank: bool = False) -> None:
        import transformers  # noqa: PLC0415 - an extra, and slow

        self._checkpoint, self._vocabulary = checkpoint, vocabulary
        try:
            self._tokenizer = transformers.AutoTokenizer.from_pretrained(
                checkpoint.folder, **SAFE, **({"add_prefix_space": True} if blank else {})
            )
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            raise _unfit(checkpoint, f"its tokenizer cannot be read: {first_line(error)}") from None
        if not self._tokenizer.is_fast:
            raise _unfit(checkpoint, "it has no tokenizer.json, and none can be made of its other files")
        stated = self._tokenizer.model_max_length
        self.limit = min(stated, positions) if stated < UNSTATED else positions

    def __call__(self, texts: Sequence[str]) -> list[Split]:
        """The tokens of each text.

        Raises:
            DataError: the vocabulary does not fit the weights.
        """
        if not texts:
            return []
        # half a character, as a broken reply may hold, becomes a question mark
        sound = [text.encode(errors="replace").decode() for text in texts]
        told = self._tokenizer(
            sound, truncation=True, max_length=self.limit, return_special_tokens_mask=True, padding=False
        )
        found = [
            Split(tuple(one.ids), tuple(not mark for mark in one.special_tokens_mask), bool(one.overflowing))
            for one in told.encodings
        ]
        last = max((max(one.ids, default=0) for one in found), default=0)
        if last >= self._vocabulary:
            raise _unfit(self._checkpoint, f"its tokenizer makes token {last}, and it knows {self._vocabulary:,}")
        return found


def batches(lengths: Sequence[int], room: int = ROOM) -> Iterator[list[int]]:
    """The indices of texts of so many tokens, in batches that have at most `room` tokens when they are padded.

    Neighbours in length go together, so that little is padding; a text longer than the room is a batch of its own.

    >>> list(batches([3, 9, 2, 3], room=6))
    [[2, 0], [3], [1]]
    """
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[i] > room:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def padded(rows: Sequence[Sequence[int]], fill: int, device: object) -> tuple[Any, Any]:
    """Token numbers as a tensor of shape (rows, longest), filled up at the right, and which of them are no filling."""
    import torch  # noqa: PLC0415 - an extra, and slow

    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[fill] * (longest - len(row))] for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows], device=device)
    return ids, mask


def check_finite(facts: Mapping[str, Any], numbers: ArrayLike) -> None:
    """That a model gave numbers.

    Raises:
        DataError: some are infinite or none at all: its weights are damaged.
    """
    if not np.isfinite(numbers).all():
        raise DataError(f"the checkpoint {facts['model']!r} gives no finite numbers; {ANEW}")


def _expect(checkpoint: Checkpoint, kind: str, kinds: Collection[str]) -> None:
    if kinds and kind not in kinds:
        raise _unfit(checkpoint, f"it is a model of type {brief(kind)}, expected {' or '.join(map(repr, kinds))}")


def _unfit(checkpoint: Checkpoint, why: str) -> DataError:
    return DataError(f"the checkpoint {checkpoint.name!r} cannot be used: {why}; {ANEW}, or name another")
