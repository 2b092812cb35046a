"""The model that is trained: all of it, or LoRA's matrices around the attention of its language model.

Imports peft and transformers (the extra `local`) where they are needed.
"""

from __future__ import annotations

import re
from typing import Any

from whyfeel.checkpoint_files import Checkpoint
from whyfeel.errors import DataError
from whyfeel.models.local.checkpoint import Loaded, Place, choose_place, load_local
from whyfeel.records import rng
from whyfeel.tune.options import TuneOptions

ATTENTION = re.compile(r"attn|attention")


def load_base(checkpoint: Checkpoint, method: str) -> Loaded:
    """The model that is tuned; in 32 bits where all its weights are, since small steps are lost in 16.

    Raises:
        DataError: it is no model that chats, or is damaged.
    """
    place = choose_place()
    return load_local(checkpoint, Place(place.device, "float32") if method == "full" else place)


def prepared(loaded: Loaded, options: TuneOptions) -> Any:  # noqa: ANN401 - transformers' or peft's
    """What is trained.

    Raises:
        DataError: LoRA is asked for and the language model has no attention projections.
    """
    import torch  # noqa: PLC0415 - an extra, and slow

    torch.manual_seed(int(rng(options.seed, "tune").integers(2**31)))  # of LoRA's matrices
    if options.method == "full":
        return loaded.model.requires_grad_(requires_grad=True)
    from peft import LoraConfig, get_peft_model  # noqa: PLC0415

    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=options.rank,
        lora_alpha=2 * options.rank,
        lora_dropout=0.0,
        target_modules=attention(loaded),
    )
    model = get_peft_model(loaded.model, config)
    model.peft_config["default"].base_model_name_or_path = base_name(loaded.checkpoint)
    return model


def base_name(checkpoint: Checkpoint) -> str:
    """What an adapter calls its base: the folder's whole path, or the Hub id."""
    from pathlib import Path  # noqa: PLC0415

    named = Path(checkpoint.name)
    return str(named.resolve()) if named.is_dir() else checkpoint.name


def attention(loaded: Loaded) -> str:
    """A pattern that matches the attention projections of the language model, and none of a picture tower's.

    Raises:
        DataError: there are none.
    """
    import torch  # noqa: PLC0415

    decoder = loaded.model.get_decoder()
    inside = {id(one) for one in decoder.modules()}
    names = [
        name
        for name, one in loaded.model.named_modules()
        if id(one) in inside and isinstance(one, torch.nn.Linear) and ATTENTION.search(name.rpartition(".")[0])
    ]
    if not names:
        raise DataError(
            f"the language model of {loaded.checkpoint.name!r} has no attention projections to add LoRA to; "
            "use --method full"
        )
    prefix = next(name for name, one in loaded.model.named_modules() if one is decoder)
    last = "|".join(sorted({re.escape(name.rpartition(".")[2]) for name in names}))
    return rf"{re.escape(prefix)}\..*\.(?:{last})" if prefix else rf".*\.(?:{last})"
