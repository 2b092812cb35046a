"""The files of a model that a user named, wherever they lie: a folder or a Hub id, and never a pickle."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyfeel.errors import DataError, Interrupted, UserError, brief
from whyfeel.records import canonical

ANEW = "get the model's files anew"
WEIGHTS, INDEX, CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"
SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors", re.ASCII)
SHARDS = "model-*-of-*.safetensors"
VERSIONED = re.compile(r"tokenizer\.[\d.]+\.json", re.ASCII)  # taken in the place of tokenizer.json by newer libraries
VOCABULARY = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
PIECES = ("vocab.txt", "vocab.json", "merges.txt", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
PICTURES = ("preprocessor_config.json", "processor_config.json")
CHAT = ("chat_template.jinja", "chat_template.json", "generation_config.json")
FILES = (WEIGHTS, INDEX, CONFIG, *VOCABULARY, *PIECES, *PICTURES)  # with the shards, all that decides a value
ADAPTER, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
CARD = "whyfeel.json"  # what `whyfeel tune` notes beside a model, such as the digest of the one it started from
# kinds of adapters that can be merged into a model; others read files of their own, which nobody has looked at
KINDS = frozenset(("ADALORA", "BOFT", "HRA", "IA3", "LOHA", "LOKR", "LORA", "OFT", "VERA"))
ADAPTED = (ADAPTER, ADAPTER_WEIGHTS, CARD)
MOST_INDEX = 1 << 24  # bytes
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's files on this machine; made by `find_checkpoint`.

    Attributes:
        name: what the user named it by: a folder or a Hub id.
        folder: where they lie.
        digest: 64 hex digits of all that decides its values: weights, settings and vocabulary.
        adapter: the folder of an adapter (LoRA and its like) that is merged into the weights; then `folder` is that of
            the model below it, and the digest is of both.
    """

    name: str
    folder: Path
    digest: str
    adapter: Path | None = None

    @property
    def title(self) -> str:
        """A short name that changes with the weights: the last part of what the user wrote, and 8 digits.

        >>> Checkpoint("models/tiny-llava", Path("models/tiny-llava"), "3fa9c2d1" + 56 * "0").title
        'tiny-llava@3fa9c2d1'
        """
        last = (self.adapter or self.folder).resolve().name if os.path.isdir(self.name) else Path(self.name).name  # noqa: PTH112
        return f"{last or 'model'}@{self.digest[:8]}"


def find_checkpoint(
    spec: str,
    *,
    option: str = "the checkpoint",
    example: str = "google-bert/bert-base-uncased",
    chats: bool = False,
    local_only: bool = False,
) -> Checkpoint:
    """The checkpoint that a user named; its weights are hashed, not read.

    Args:
        spec: a folder or, where there is no such folder, the id of a model on the Hugging Face Hub, which is
            downloaded unless it is in the Hub's cache.
        option, example: what errors call the model by, before its name, and a model's id.
        chats: whether it is to answer, so that its chat template and ways of ending count as well, and that it may be
            an adapter.
        local_only: whether a Hub's model may come from that cache alone.

    Raises:
        UserError: there is no such model.
        DataError: its weights are no safetensors, or files are missing.
    """
    decide = (*FILES, *CHAT) if chats else FILES
    wanted = (*decide, SHARDS, "tokenizer.*.json", *(ADAPTED if chats else ()))
    folder = model_folder(spec, wanted, option=option, example=example, local_only=local_only)
    if chats and (folder / ADAPTER).exists():
        return _adapted(spec, folder, example=example, local_only=local_only)
    _check(folder)
    if chats:
        _check_config(folder / CONFIG)
    used = [
        path
        for path in folder.iterdir()
        if path.name in decide or SHARD.fullmatch(path.name) or VERSIONED.fullmatch(path.name)
    ]
    return Checkpoint(spec, folder, _digest(used))


def _check_config(path: Path) -> None:
    """That settings name neither weights that nobody hashed nor code on the Hub."""
    config = _json_of(path)
    if "transformers_weights" in config:
        raise DataError(f"{str(path)!r} names weights of its own (transformers_weights); expected {WEIGHTS}")
    parts = [config, *(part for part in config.values() if isinstance(part, dict))]
    for name in ("attn_implementation", "_attn_implementation"):
        for value in (part.get(name) for part in parts):
            if "/" in canonical(value):
                raise DataError(
                    f"{str(path)!r}: {name} is {brief(canonical(value))}, which is code on the Hub; remove it"
                )


def _adapted(spec: str, folder: Path, *, example: str, local_only: bool) -> Checkpoint:
    """An adapter and the model it changes."""
    path = folder / ADAPTER
    config = _json_of(path)
    if (kind := config.get("peft_type")) not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise DataError(f"{str(path)!r}: peft_type is {brief(str(kind))}; expected one that can be merged ({known})")
    named = config.get("base_model_name_or_path")
    if not isinstance(named, str) or not named:
        raise DataError(f"{str(path)!r} does not name its model (base_model_name_or_path); {ANEW}")
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise DataError(
            f"{str(folder)!r} has no {ADAPTER_WEIGHTS}{pickle_remark(folder)}; save the adapter as safetensors"
        )
    option = f"the model {brief(named)} below the adapter {brief(spec)}:"
    base = find_checkpoint(named, option=option, example=example, chats=True, local_only=local_only)
    if base.adapter is not None:
        raise DataError(f"{option} it is an adapter itself; merge it into its model and save that")
    trained_on = _json_of(folder / CARD).get("base_digest") if (folder / CARD).is_file() else None
    if trained_on not in {None, base.digest}:
        raise DataError(f"{option} it is not the one that the adapter was trained on; name the adapter's own model")
    both = f"{base.digest}{_digest([path, folder / ADAPTER_WEIGHTS])}"
    return Checkpoint(spec, base.folder, hashlib.sha256(both.encode()).hexdigest(), folder)


def _digest(paths: Iterable[Path]) -> str:
    """Of files: their names and contents."""
    used = sorted(paths)
    decides = canonical([[path.name, _sha256(path, path.stat().st_size, path.stat().st_mtime_ns)] for path in used])
    return hashlib.sha256(decides.encode()).hexdigest()


def _json_of(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes()) if path.stat().st_size <= MOST_INDEX else None
    except (OSError, ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise DataError(f"{str(path)!r} cannot be read, expected a JSON object; {ANEW}")
    return data


def model_folder(spec: str, files: Iterable[str], *, option: str, example: str, local_only: bool) -> Path:
    """The folder in which a model lies, downloaded into the Hub's cache if need be.

    Args:
        spec: a folder or, where there is no such folder, the id of a model on the Hugging Face Hub.
        files: the files that are downloaded, as names or patterns.
        option: what errors call the model by, before its name.
        example: a model's id.
        local_only: whether a Hub's model may come from its cache alone.

    Raises:
        UserError: there is no such model.
    """
    # os.path, since Path.is_dir raises for a name that is too long for any file
    if os.path.isdir(spec):  # noqa: PTH112
        return Path(spec)
    named = f"{option} {brief(spec)}"
    if not HUB_ID.fullmatch(spec):
        raise UserError(f"{named}: expected a folder, or a model's id on the Hugging Face Hub such as {example}")
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - comes with an extra

    try:
        return Path(snapshot_download(spec, allow_patterns=list(files), local_files_only=local_only))
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - the Hub's client raises what any of three libraries raises
        why = "is not in the Hub's cache, and --local-only allows no download" if local_only else first_line(error)
        raise UserError(f"{named} is no folder, and cannot be had from the Hub: {why}") from None


def pickle_remark(folder: Path) -> str:
    """Why a folder's pickled weights do not serve, to follow an error; "" where it has none."""
    pickles = sorted(one.name for pattern in PICKLES for one in folder.glob(pattern))
    return f"; {brief(pickles[0])} is not read, since a pickle can run code" if pickles else ""


def first_line(error: BaseException) -> str:
    r"""What a library's error says first, at most 200 characters of it.

    >>> first_line(OSError("no such model\nand more")), first_line(KeyError())
    ('no such model', 'KeyError')
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _check(folder: Path) -> None:
    """That a folder has a model's weights, as safetensors and of the folder itself."""
    if (folder / ADAPTER).exists():
        raise DataError(f"{str(folder)!r} holds an adapter ({ADAPTER}); merge it into its model and save that")
    if not (folder / CONFIG).is_file():
        raise DataError(f"{str(folder / CONFIG)!r} is missing: it says how the model is built; {ANEW}")
    if (folder / WEIGHTS).is_file():
        return
    if (folder / INDEX).is_file():
        _check_index(folder)
        return
    raise DataError(
        f"{str(folder)!r} has no {WEIGHTS}{pickle_remark(folder)}; name a model that is saved as safetensors"
    )


def _check_index(folder: Path) -> None:
    path = folder / INDEX
    try:
        if path.stat().st_size > MOST_INDEX:
            raise DataError(f"{str(path)!r} has more than {MOST_INDEX:,} bytes; {ANEW}")
        shards = set(json.loads(path.read_bytes())["weight_map"].values())
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise DataError(f"{str(path)!r} does not say in which file each weight lies; {ANEW}") from None
    for shard in sorted(map(str, shards)):
        if not SHARD.fullmatch(shard) or not (folder / shard).is_file():
            raise DataError(f"{str(path)!r} names {brief(shard)}, expected {SHARDS} in the same folder; {ANEW}")


@functools.lru_cache
def _sha256(path: Path, _size: int, _changed: int) -> str:
    """Of a file, once for all that share a checkpoint: gigabytes take seconds."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
