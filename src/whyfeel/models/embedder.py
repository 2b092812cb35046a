"""Sentence embeddings for the judge `overlap`: a BERT encoder that a user names, run in numpy without torch.

Only safetensors, JSON and the tokenizer's JSON are read: nothing in a model's folder can run code. Any model that
sentence-transformers runs as a plain BERT with mean or first-token pooling will do (MiniLM, BGE, E5, GTE); no prefix
is put before a text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from whyfeel.checkpoint_files import ANEW, first_line, model_folder, pickle_remark
from whyfeel.errors import DataError, UserError, brief
from whyfeel.models.bert import Bert
from whyfeel.models.embedder_settings import CONFIG, LIMITS, MODULES, POOLING, read_bytes, read_settings
from whyfeel.models.safetensors import Tensors
from whyfeel.records import canonical

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
FILES = (WEIGHTS, TOKENIZER, CONFIG, MODULES, POOLING, LIMITS)
EXAMPLE = "sentence-transformers/all-MiniLM-L6-v2"
MOST_TOKENIZER = 1 << 26  # bytes
BATCH = 512  # tokens computed together: enough for a matrix product at full speed
SPLIT = 1024  # texts split together

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Embedder:
    """Texts to vectors; made by `load_embedder`.

    Attributes:
        name: what the user named it by: a folder or a Hub id.
        digest: 64 hex digits of all that decides the vectors: weights, tokenizer and settings.
        dimension: numbers a vector.
    """

    name: str
    digest: str
    dimension: int
    _named: str
    _tokenizer: Tokenizer
    _encode: Bert
    _pooling: str

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A unit vector for each text, whatever stands beside it; 0 for a text without tokens.

        Returns:
            Shape (len(texts), dimension).

        Raises:
            DataError: the tokenizer does not fit the weights, or these give no finite numbers.
        """
        rows = np.zeros((len(texts), self.dimension), np.float32)
        tokens = [found for some in _chunks(texts, SPLIT) for found in self._split(some)]
        by_length: dict[int, list[int]] = {}
        for i, found in enumerate(tokens):
            by_length.setdefault(len(found), []).append(i)
        by_length.pop(0, None)
        for length, alike in by_length.items():
            for batch in _chunks(alike, max(1, BATCH // length)):
                rows[batch] = self._vectors(np.array([tokens[i] for i in batch]))
        return rows

    def _split(self, texts: Sequence[str]) -> list[list[int]]:
        # half a character, as a broken reply may hold, becomes a question mark
        sound = [text.encode(errors="replace").decode() for text in texts]
        try:
            found = [split.ids for split in self._tokenizer.encode_batch_fast(sound)]
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - a panic of the tokenizer is no Exception
            raise self._unfit(first_line(error)) from None
        longest, last = max(map(len, found), default=0), max((max(ids, default=0) for ids in found), default=0)
        if longest > self._encode.positions or last >= self._encode.vocabulary:
            raise self._unfit(f"it makes texts of {longest} tokens, up to number {last}")
        return found

    def _vectors(self, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):  # the vectors are looked at instead
            states = self._encode(tokens)
            pooled = states[:, 0] if self._pooling == "cls" else states.mean(axis=1)
        sizes = np.linalg.norm(pooled.astype(np.float64), axis=1, keepdims=True)
        if not np.isfinite(sizes).all():
            raise DataError(f"{self._named}: its weights give no finite vectors; {ANEW}")
        return pooled / np.where(sizes > 0, sizes, 1)

    def _unfit(self, why: str) -> DataError:
        return DataError(f"{self._named}: its {TOKENIZER} does not fit its weights: {why}; {ANEW}")


def load_embedder(spec: str, *, option: str = "--embedder", local_only: bool = False) -> Embedder:
    """The embedder that a user named, tried on a text.

    Args:
        spec: a folder with model.safetensors, tokenizer.json and config.json or, where there is no such folder, the
            id of a model on the Hugging Face Hub, which is downloaded unless it is in the Hub's cache.
        option: where the user named it, for errors.
        local_only: whether a Hub's model may come from that cache alone.

    Raises:
        UserError: tokenizers is not installed, there is no such model, a file is missing or damaged, or it is not a
            plain BERT.
    """
    try:
        import tokenizers  # noqa: F401, PLC0415 - an extra, missed before anything is downloaded
    except ImportError:
        raise UserError(f"{option} {brief(spec)} needs the package tokenizers: pip install 'whyfeel[embed]'") from None
    folder = model_folder(spec, FILES, option=option, example=EXAMPLE, local_only=local_only)
    settings = read_settings(folder)
    tensors = Tensors(_weights(folder))
    encode = Bert(tensors, settings.build)
    settings = replace(settings, length=min(settings.length, encode.positions))
    tokenizer, tokenizer_sha256 = _tokenizer(folder / TOKENIZER, settings.length, encode.vocabulary)
    decides = canonical([tensors.sha256, tokenizer_sha256, asdict(settings)])
    digest = hashlib.sha256(decides.encode()).hexdigest()
    named = f"{option} {brief(spec)}"
    embedder = Embedder(spec, digest, settings.build.hidden, named, tokenizer, encode, settings.pooling)
    embedder(["why"])
    return embedder


def _weights(folder: Path) -> Path:
    path = folder / WEIGHTS
    if path.is_file():
        return path
    why = f"{WEIGHTS}{pickle_remark(folder)}"
    raise DataError(f"{str(folder)!r} has no {why}; take a model that is saved as one safetensors file")


def _tokenizer(path: Path, length: int, vocabulary: int) -> tuple[Tokenizer, str]:
    """What splits texts into at most so many tokens, and the SHA-256 of its file."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - an extra

    data = read_bytes(path, MOST_TOKENIZER)
    if data is None:
        raise DataError(f"{str(path)!r} is missing; take a model that is saved with its fast tokenizer")
    try:
        tokenizer: Tokenizer = Tokenizer.from_buffer(data)
        tokenizer.no_padding()
        tokenizer.enable_truncation(length)
    except ValueError as error:
        raise DataError(f"{str(path)!r} is no sound tokenizer: {first_line(error)}; {ANEW}") from None
    if (known := tokenizer.get_vocab_size()) > vocabulary:
        raise DataError(f"{str(path)!r} knows {known:,} tokens and the weights {vocabulary:,}; {ANEW}")
    return tokenizer, hashlib.sha256(data).hexdigest()


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
