"""A model of transformers on this machine, read from safetensors and nothing else, ready to chat.

torch and transformers (the extra `local`) take seconds to import and are imported when a model is loaded. Code that
lies in a model's folder is never run, and no pickle is opened.
"""

from __future__ import annotations

import json
import math
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyfeel.checkpoint_files import ANEW, CONFIG, PICTURES, Checkpoint, find_checkpoint, first_line
from whyfeel.errors import DataError, Interrupted, UserError, brief

EXAMPLE = "llava-hf/llava-1.5-7b-hf"
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
MOST_HEADER = 1 << 27  # bytes, as the format has it
SAFE: dict[str, Any] = {"trust_remote_code": False, "local_files_only": True}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model computes: "cpu" or "cuda", and in which numbers, such as "float32" or "bfloat16"."""

    device: str
    dtype: str


@dataclass(frozen=True)
class Loaded:
    """A model that can be asked.

    Attributes:
        checkpoint: its files.
        model: of transformers, in evaluation mode.
        processor: turns a chat into tensors: a processor where the model sees pictures, else a tokenizer.
        tokenizer: of the processor, padding on the left.
        sees: whether it takes pictures.
        place: where it computes.
    """

    checkpoint: Checkpoint
    model: Any
    processor: Any
    tokenizer: Any
    sees: bool
    place: Place


def find_local(spec: str, *, local_only: bool = False) -> Checkpoint:
    """The files of the model that `local:SPEC` names, hashed with its chat template; nothing is loaded.

    Raises:
        UserError: the extra `local` is not installed, or there is no such model.
        DataError: its weights are no safetensors, or files are missing.
    """
    need_local("a model local:…")
    return find_checkpoint(spec, option="--model local:", example=EXAMPLE, chats=True, local_only=local_only)


def need_local(what: str) -> None:
    """That torch, transformers, accelerate and peft are installed.

    Raises:
        UserError: one of them is not.
    """
    if name := missing_package():
        raise UserError(f"{what} needs the package {name}: pip install 'whyfeel[local]'")


def missing_package() -> str:
    """The first package of the extra `local` that is not installed; "" where all are."""
    import importlib.util  # noqa: PLC0415

    wanted = ("torch", "transformers", "accelerate", "peft")
    return next((name for name in wanted if importlib.util.find_spec(name) is None), "")


def choose_place(numbers: int = 0) -> Place:
    """The GPU in bfloat16 (float16 where it has none) if there is one, else the processor in float32.

    A model that does not fit into this machine's free memory as float32 is taken as bfloat16.

    Args:
        numbers: how many the weights are; with 0, memory is not looked at.

    Raises:
        UserError: the weights do not fit into the free memory.
    """
    import torch  # noqa: PLC0415 - an extra, and slow

    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        kinds, where = ["bfloat16" if torch.cuda.is_bf16_supported() else "float16"], "cuda"
    else:
        free, kinds, where = _free_memory(), ["float32", "bfloat16"], "cpu"
    for dtype in kinds:
        if numbers * BYTES[dtype] <= free:
            return Place(where, dtype)
    raise UserError(
        f"the model's {numbers / 1e9:,.1f} billion weights need {numbers * 2 / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB "
        f"are free on {where}; take a smaller model, or serve this one on a larger machine (docs/models.md)"
    )


def _free_memory() -> int:
    """Bytes that a process may take without paging."""
    try:
        told = Path("/proc/meminfo").read_text(encoding="ascii")
        return 1024 * int(told.partition("MemAvailable:")[2].split()[0])
    except (OSError, ValueError, IndexError):  # not Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def weights_of(checkpoint: Checkpoint) -> int:
    """How many numbers a checkpoint's weights are, by the headers of its files; a damaged one counts nothing."""
    return sum(_numbers(path) for path in checkpoint.folder.glob("model*.safetensors"))


def _numbers(path: Path) -> int:
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(min(MOST_HEADER, int.from_bytes(file.read(8), "little"))))
        return sum(math.prod(place["shape"]) for name, place in header.items() if name != "__metadata__")
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return 0  # the loader says what is wrong


def load_local(checkpoint: Checkpoint, place: Place | None = None) -> Loaded:
    """The model and what turns a chat into its tensors.

    Args:
        place: where it shall compute, None to have it chosen.

    Raises:
        DataError: it is no model that chats, is damaged, or lacks weights, a chat template or an image processor.
    """
    import torch  # noqa: PLC0415 - an extra, and slow
    import transformers  # noqa: PLC0415

    transformers.utils.logging.set_verbosity_error()  # what it would warn of is checked here
    transformers.utils.logging.disable_progress_bar()
    place = choose_place(weights_of(checkpoint)) if place is None else place
    try:
        config = transformers.AutoConfig.from_pretrained(checkpoint.folder, **SAFE)
        sees = type(config) in transformers.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        auto = transformers.AutoModelForImageTextToText if sees else transformers.AutoModelForCausalLM
        model, told = auto.from_pretrained(
            checkpoint.folder,
            **SAFE,
            use_safetensors=True,
            output_loading_info=True,
            dtype=getattr(torch, place.dtype),
        )
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged checkpoint raises whatever any of three libraries raises
        raise unfit(checkpoint, _own_code(checkpoint.folder) or first_line(error)) from None
    if missing := sorted(told["missing_keys"]):
        raise unfit(checkpoint, f"{len(missing)} of its weights are missing, such as {brief(missing[0])}")
    processor = _processor(checkpoint, sees=sees)
    tokenizer = processor.tokenizer if sees else processor
    _check_tokens(checkpoint, config, processor, tokenizer, sees=sees)
    tokenizer.padding_side = "left"  # so that every row of a batch ends where its answer begins
    if tokenizer.pad_token is None:  # padding is masked, so any token serves
        tokenizer.pad_token = tokenizer.eos_token
    if checkpoint.adapter is not None:
        model = _merged(checkpoint, checkpoint.adapter, model)
    try:
        model = model.to(place.device).eval()
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - a driver raises anything, such as that its memory is full
        raise unfit(checkpoint, first_line(error)) from None
    return Loaded(checkpoint, model, processor, tokenizer, sees, place)


def _merged(checkpoint: Checkpoint, adapter: Path, model: Any) -> Any:  # noqa: ANN401 - a late import's
    """The model with its adapter in its weights, which costs nothing when it answers."""
    import peft  # noqa: PLC0415

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            merged = peft.PeftModel.from_pretrained(model, adapter, use_safetensors=True).merge_and_unload()
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001 - as for a checkpoint
            below = str(checkpoint.folder)
            raise unfit(checkpoint, f"its adapter does not fit {below!r}: {first_line(error)}") from None
    if any("missing adapter" in str(one.message) for one in told):
        raise unfit(checkpoint, "some of its adapter's weights are missing")
    return merged


def _processor(checkpoint: Checkpoint, *, sees: bool) -> Any:  # noqa: ANN401 - a late import's
    import transformers  # noqa: PLC0415

    if sees and not any((checkpoint.folder / name).is_file() for name in PICTURES):
        raise unfit(checkpoint, f"it has no image processor ({' or '.join(PICTURES)})")
    auto = transformers.AutoProcessor if sees else transformers.AutoTokenizer
    try:
        processor = auto.from_pretrained(checkpoint.folder, **SAFE)
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        if isinstance(error, ImportError) and "torchvision" in str(error).lower():
            raise UserError(
                f"the model {checkpoint.name!r} can read videos, too, for which transformers wants the package "
                "torchvision: pip install torchvision, in the version that belongs to your torch"
            ) from None
        raise unfit(checkpoint, first_line(error)) from None
    if sees and getattr(processor, "image_processor", None) is None:
        raise unfit(checkpoint, f"it has no image processor ({' or '.join(PICTURES)})")
    if getattr(processor, "chat_template", None) is None:
        raise unfit(checkpoint, "it has no chat template: name a model that was trained to chat")
    return processor


def _check_tokens(checkpoint: Checkpoint, config: Any, processor: Any, tokenizer: Any, *, sees: bool) -> None:  # noqa: ANN401
    """That tokenizer and weights belong together, as far as it shows: in the token that stands for a picture."""
    number = getattr(config, "image_token_id", None)
    word = getattr(processor, "image_token", None) if sees else None
    if number is not None and isinstance(word, str) and tokenizer.convert_tokens_to_ids(word) != number:
        has = "that of another" if word in tokenizer.get_vocab() else "no token of it"
        lacks = f"its tokenizer has no image token: {CONFIG} gives it the number {number}, and {brief(word)} is {has}"
        raise unfit(checkpoint, lacks)
    known = config.get_text_config().vocab_size
    if len(tokenizer) > known:
        raise unfit(checkpoint, f"its tokenizer makes {len(tokenizer):,} tokens, and it knows {known:,}")


def _own_code(folder: Path) -> str:
    """That a model brings code, which is why it could not be built; "" where it brings none."""
    try:
        config = json.loads((folder / CONFIG).read_bytes())
    except (OSError, ValueError, RecursionError):
        return ""
    brings = isinstance(config, dict) and "auto_map" in config
    return f"it brings code of its own (auto_map in {CONFIG}), which is never run" if brings else ""


def unfit(checkpoint: Checkpoint, why: str) -> DataError:
    """That a model cannot be used, in one line."""
    return DataError(f"the model {checkpoint.name!r} cannot be used: {why}; {ANEW}, or name another")
