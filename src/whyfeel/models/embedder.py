"""Sentence embeddings for the judge `overlap`: a BERT encoder that a user names, run in numpy without torch.

Only safetensors, JSON and the tokenizer's JSON are read: nothing in a model's folder can run code. Any model that
sentence-transformers would run as plain BERT with mean or first-token pooling will do (MiniLM, BGE, E5, GTE); no
prefix is put before a text.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from whyfeel.errors import DataError, UserError, brief
from whyfeel.models.bert import ACTIVATIONS, Bert, Build
from whyfeel.models.safetensors import Tensors
from whyfeel.records import canonical

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WEIGHTS, TOKENIZER, CONFIG = "model.safetensors", "tokenizer.json", "config.json"
MODULES, POOLING, LIMITS = "modules.json", "1_Pooling/config.json", "sentence_bert_config.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
LENGTH = 256  # tokens of a text that are read where a model does not say
MOST_LENGTH = 512  # BERT's own; memory grows with its square
MOST_CONFIG, MOST_TOKENIZER = 1 << 20, 1 << 26  # bytes
BATCH = 512  # tokens computed together: their vectors stay in the processor's cache
TOKENIZED = 1024  # texts split together
POOLS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Embedder:
    """Texts to vectors.

    Attributes:
        name: what the user named it by: a folder or a Hub id.
        digest: 64 hex digits of all that decides the vectors: weights, tokenizer and settings.
        dimension: numbers a vector.
    """

    name: str
    digest: str
    dimension: int
    _split: Callable[[Sequence[str]], list[list[int]]]
    _encode: Bert
    _pooling: str

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """A unit vector for each text, whatever stands beside it; 0 for a text without tokens.

        Returns:
            Shape (len(texts), dimension).

        Raises:
            DataError: tokenizer and weights do not belong together, or the weights give no numbers.
        """
        rows = np.zeros((len(texts), self.dimension), np.float32)
        tokens = self._tokens(texts)
        by_length: dict[int, list[int]] = {}
        for i, found in enumerate(tokens):
            by_length.setdefault(len(found), []).append(i)
        by_length.pop(0, None)
        for length, alike in sorted(by_length.items()):
            for batch in _chunks(alike, max(1, BATCH // length)):
                rows[batch] = self._vectors(np.array([tokens[i] for i in batch]))
        return rows

    def _vectors(self, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):  # the vectors are looked at instead
            states = self._encode(tokens)
            pooled = states[:, 0] if self._pooling == "cls" else states.mean(axis=1)
        sizes = np.linalg.norm(pooled.astype(np.float64), axis=1, keepdims=True)
        if not np.isfinite(sizes).all():
            raise DataError(f"the weights of {self.name!r} give no finite vectors; get the model's files anew")
        return pooled / np.where(sizes > 0, sizes, 1)

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        found: list[list[int]] = []
        for some in _chunks(texts, TOKENIZED):
            # half a character, as a model's broken reply may hold, is one that cannot be read
            found += self._split([text.encode(errors="replace").decode() for text in some])
        for one in found:
            if len(one) > self._encode.positions or max(one, default=0) >= self._encode.vocabulary:
                raise DataError(f"the tokenizer of {self.name!r} does not fit its weights; get the model's files anew")
        return found


def load_embedder(spec: str, *, local_only: bool = False) -> Embedder:
    """The embedder that a user named.

    Args:
        spec: a folder with model.safetensors, config.json and tokenizer.json, or, where there is no such folder, the
            id of a model on the Hugging Face Hub, which is downloaded unless it is in the Hub's cache.
        local_only: take a Hub's model from that cache alone.

    Raises:
        UserError: tokenizers is not installed, there is no such model, a file is missing or damaged, or it is not a
            plain BERT.
    """
    try:
        import tokenizers  # noqa: F401, PLC0415 - an extra; looked for before anything is downloaded
    except ImportError:
        raise UserError("--embedder needs the package tokenizers: pip install 'whyfeel[embed]'") from None
    # os.path, since Path.is_dir raises for a name that is too long for any file
    folder = Path(spec) if os.path.isdir(spec) else _from_hub(spec, local_only)  # noqa: PTH112
    build, pooling = _build(folder / CONFIG), _pooling(folder)
    tensors = Tensors(_weights(folder))
    encode = Bert(tensors, build)
    length = min(_length(folder / LIMITS), encode.positions, MOST_LENGTH)
    split, tokenizer_sha256 = _splitter(folder / TOKENIZER, length)
    decides = {"settings": asdict(build), "pooling": pooling, "length": length}
    digest = canonical([tensors.sha256, tokenizer_sha256, decides])
    return Embedder(spec, hashlib.sha256(digest.encode()).hexdigest(), build.hidden, split, encode, pooling)


def _from_hub(spec: str, local_only: bool) -> Path:
    """The folder of the Hub's cache in which a model lies, after it was downloaded where it had to be."""
    if not HUB_ID.fullmatch(spec):
        raise UserError(
            f"--embedder {brief(spec)}: there is no such folder, and it is no id on the Hub such as "
            "sentence-transformers/all-MiniLM-L6-v2"
        )
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - comes with the extra

    files = [WEIGHTS, TOKENIZER, CONFIG, MODULES, POOLING, LIMITS]
    try:
        return Path(snapshot_download(spec, allow_patterns=files, local_files_only=local_only))
    except Exception as error:  # noqa: BLE001 - what fails may come from any of three libraries, and ends the same way
        where = "in the Hub's cache (--local-only allows no download)" if local_only else "to be had from the Hub"
        raise UserError(
            f"--embedder {spec!r}: there is no such folder, and no such model {where}: {_first_line(error)}"
        ) from None


def _weights(folder: Path) -> Path:
    path = folder / WEIGHTS
    if path.is_file():
        return path
    pickles = sorted(one.name for pattern in PICKLES for one in folder.glob(pattern))
    why = f"; {brief(pickles[0])} is not read, since a pickle can run code" if pickles else ""
    raise DataError(f"{str(folder)!r} has no {WEIGHTS}{why}; take a model that is saved as one safetensors file")


def _build(path: Path) -> Build:
    """What config.json says of the encoder."""
    config = _settings(path, dict)
    if config is None:
        raise DataError(f"{str(path)!r} is missing; an embedder is a folder with {CONFIG}, {TOKENIZER} and {WEIGHTS}")
    _expect(path, config, "model_type", ("bert",))
    _expect(path, config, "position_embedding_type", (None, "absolute"))
    _expect(path, config, "is_decoder", (None, False))
    _expect(path, config, "hidden_act", tuple(ACTIVATIONS))
    sizes = [config.get(key) for key in ("hidden_size", "num_hidden_layers", "num_attention_heads")]
    epsilon = config.get("layer_norm_eps", 1e-12)
    if not all(type(n) is int and 0 < n < 1 << 16 for n in sizes) or sizes[0] % sizes[2]:
        raise DataError(f"{str(path)!r}: hidden_size, num_hidden_layers, num_attention_heads are {brief(sizes)}")
    if type(epsilon) is not float or not 0 < epsilon < 1:
        raise DataError(f"{str(path)!r}: layer_norm_eps is {brief(epsilon)}, expected a small number above 0")
    return Build(*sizes, config["hidden_act"], epsilon)


def _pooling(folder: Path) -> str:
    """How a text's vectors become one: mean or cls, as 1_Pooling says; mean for a plain encoder."""
    path = folder / MODULES
    modules = _settings(path, list)
    if modules is not None:
        chain = [(str(m.get("type")).rsplit(".", 1)[-1], m.get("path")) for m in modules if isinstance(m, dict)]
        if chain[:2] != [("Transformer", ""), ("Pooling", "1_Pooling")] or [c[0] for c in chain[2:]] not in (
            [],
            ["Normalize"],
        ):
            raise DataError(f"{str(path)!r}: the modules are {brief(chain)}, expected Transformer, Pooling, Normalize")
    path = folder / POOLING
    config = _settings(path, dict)
    if config is None and modules is not None:
        raise DataError(f"{str(path)!r} is missing, and {MODULES} names it; get the model's files anew")
    if config is None:
        return "mean"
    modes = [POOLS.get(key, key) for key, value in config.items() if key.startswith("pooling_mode_") and value]
    modes += [config["pooling_mode"]] if "pooling_mode" in config else []  # as newer versions write it
    if modes not in (["mean"], ["cls"]):
        raise DataError(f"{str(path)!r}: the pooling is {brief(modes)}, expected either the mean or the first token")
    return str(modes[0])


def _length(path: Path) -> int:
    """How many tokens of a text the model reads."""
    config = _settings(path, dict) or {}
    _expect(path, config, "do_lower_case", (None, False))
    length = config.get("max_seq_length")
    if length is None:
        return LENGTH
    if type(length) is not int or length < 3:  # two tokens mark start and end
        raise DataError(f"{str(path)!r}: max_seq_length is {brief(length)}, expected a number of tokens from 3")
    return length


def _splitter(path: Path, length: int) -> tuple[Callable[[Sequence[str]], list[list[int]]], str]:
    """What splits texts into at most so many tokens each, and the tokenizer's SHA-256."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - an extra

    data = _read(path, MOST_TOKENIZER)
    if data is None:
        raise DataError(f"{str(path)!r} is missing; an embedder is a folder with {CONFIG}, {TOKENIZER} and {WEIGHTS}")
    tokenizer: Tokenizer = Tokenizer.from_buffer(data)
    tokenizer.no_padding()
    tokenizer.enable_truncation(length)

    def split(texts: Sequence[str]) -> list[list[int]]:
        return [found.ids for found in tokenizer.encode_batch_fast(texts)]

    return split, hashlib.sha256(data).hexdigest()


def _expect(path: Path, config: dict[str, Any], key: str, allowed: tuple[object, ...]) -> None:
    if (value := config.get(key)) not in allowed:
        told = " or ".join("nothing" if one is None else str(one) for one in allowed)
        raise DataError(f"{str(path)!r}: {key} is {brief(value)}, expected {told}: this model cannot be run here")


def _settings(path: Path, kind: type) -> Any:
    """A JSON file of settings, None where there is none."""
    data = _read(path, MOST_CONFIG)
    if data is None:
        return None
    try:
        found = json.loads(data.decode())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, kind):
        raise DataError(f"{str(path)!r} is not a JSON {kind.__name__}; get the model's files anew")
    return found


def _read(path: Path, most: int) -> bytes | None:
    """A whole file of at most so many bytes, None where there is none."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    if len(data) > most:
        raise DataError(f"{str(path)!r} has more than {most:,} bytes; get the model's files anew")
    return data


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
