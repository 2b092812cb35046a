"""A model of transformers on this machine, read from safetensors and nothing else, ready to chat.

torch and transformers (the extra `local`) take seconds to import and are imported when a model is loaded. Code that
lies in a model's folder is never run, and no pickle is opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from whyfeel.checkpoint_files import ANEW, Checkpoint, find_checkpoint, first_line
from whyfeel.errors import DataError, UserError, brief

EXAMPLE = "llava-hf/llava-1.5-7b-hf"
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
    import importlib.util  # noqa: PLC0415

    for name in ("torch", "transformers", "accelerate", "peft"):
        if importlib.util.find_spec(name) is None:
            raise UserError(f"{what} needs the package {name}: pip install 'whyfeel[local]'")


def choose_place() -> Place:
    """The GPU in bfloat16 (float16 where it has none) if there is one, else the processor in float32."""
    import torch  # noqa: PLC0415 - an extra, and slow

    if not torch.cuda.is_available():
        return Place("cpu", "float32")
    return Place("cuda", "bfloat16" if torch.cuda.is_bf16_supported() else "float16")


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
    place = choose_place() if place is None else place
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
    except Exception as error:  # noqa: BLE001 - a damaged checkpoint raises whatever any of three libraries raises
        raise unfit(checkpoint, first_line(error)) from None
    if missing := sorted(told["missing_keys"]):
        raise unfit(checkpoint, f"{len(missing)} of its weights are missing, such as {brief(missing[0])}")
    processor = _processor(checkpoint, sees=sees)
    tokenizer = processor.tokenizer if sees else processor
    tokenizer.padding_side = "left"  # so that every row of a batch ends where its answer begins
    return Loaded(checkpoint, model.to(place.device).eval(), processor, tokenizer, sees, place)


def _processor(checkpoint: Checkpoint, *, sees: bool) -> Any:  # noqa: ANN401 - a late import's
    import transformers  # noqa: PLC0415

    auto = transformers.AutoProcessor if sees else transformers.AutoTokenizer
    try:
        processor = auto.from_pretrained(checkpoint.folder, **SAFE)
    except Exception as error:  # noqa: BLE001 - as above
        raise unfit(checkpoint, first_line(error)) from None
    if getattr(processor, "chat_template", None) is None:
        raise unfit(checkpoint, "it has no chat template: name a model that was trained to chat")
    return processor


def unfit(checkpoint: Checkpoint, why: str) -> DataError:
    """That a model cannot be used, in one line."""
    return DataError(f"the model {checkpoint.name!r} cannot be used: {why}; {ANEW}, or name another")
