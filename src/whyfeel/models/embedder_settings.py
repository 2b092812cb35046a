"""What the JSON files beside an encoder's weights say of it, as sentence-transformers writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyfeel.checkpoint_files import ANEW
from whyfeel.errors import DataError, brief
from whyfeel.models.bert import ACTIVATIONS, Build

CONFIG, MODULES = "config.json", "modules.json"
POOLING, LIMITS = "1_Pooling/config.json", "sentence_bert_config.json"
LENGTH = 256  # tokens of a text that are read where a model does not say
MOST_LENGTH = 512  # BERT's own; the memory for a text grows with its square
MOST_BYTES = 1 << 20
CHAINS = (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"])
POOLS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


@dataclass(frozen=True, slots=True)
class Settings:
    """How a text becomes a vector.

    Attributes:
        build: how the encoder is built.
        pooling: "mean" of the tokens' vectors, or "cls", the first token's.
        length: tokens of a text that are read, 3 to MOST_LENGTH; the weights may know fewer positions.
    """

    build: Build
    pooling: str
    length: int


def read_settings(folder: Path) -> Settings:
    """The settings of the model in a folder.

    Raises:
        DataError: a file is missing or damaged, or asks for what is not computed here.
    """
    return Settings(_build(folder / CONFIG), _pooling(folder), _length(folder / LIMITS))


def read_bytes(path: Path, most: int) -> bytes | None:
    """A whole file, None where there is none.

    Args:
        path: the file.
        most: bytes it may have.

    Raises:
        DataError: it cannot be read, or has more.
    """
    if not path.is_file():
        return None
    try:
        if path.stat().st_size <= most:
            return path.read_bytes()
    except OSError as error:
        raise DataError(f"{str(path)!r} cannot be read: {error.strerror or error}") from None
    raise DataError(f"{str(path)!r} has more than {most:,} bytes; {ANEW}")


def _build(path: Path) -> Build:
    config = _object(path)
    if config is None:
        raise DataError(f"{str(path)!r} is missing: it says how the model is built; name the folder that holds it")
    _expect(path, config, "model_type", ("bert",))
    _expect(path, config, "position_embedding_type", (None, "absolute"))
    _expect(path, config, "is_decoder", (None, False))
    _expect(path, config, "hidden_act", tuple(ACTIVATIONS))
    sizes = [config.get(key) for key in ("hidden_size", "num_hidden_layers", "num_attention_heads")]
    epsilon = config.get("layer_norm_eps")
    match [*sizes, epsilon]:
        case [int(hidden), int(layers), int(heads), float(epsilon)] if (
            0 < heads <= hidden < 1 << 16 and 0 < layers < 1 << 16 and not hidden % heads and 0 < epsilon < 1
        ):
            return Build(hidden, layers, heads, config["hidden_act"], epsilon)
    raise DataError(
        f"{str(path)!r}: hidden_size, num_hidden_layers and num_attention_heads are {brief(sizes)}, expected whole "
        f"numbers, the first a multiple of the last; layer_norm_eps is {brief(epsilon)}, expected 1e-12 or so; {ANEW}"
    )


def _pooling(folder: Path) -> str:
    """As 1_Pooling says; mean for an encoder that nothing is said of."""
    whole = _is_chain(folder / MODULES)
    path = folder / POOLING
    config = _object(path)
    if config is None:
        if whole:
            raise DataError(f"{str(path)!r} is missing, and {MODULES} names it; {ANEW}")
        return "mean"
    modes = [POOLS.get(key, key) for key, value in config.items() if key.startswith("pooling_mode_") and value]
    if "pooling_mode" in config:  # as newer versions write it
        modes.append(config["pooling_mode"])
    if modes not in (["mean"], ["cls"]):
        raise DataError(f"{str(path)!r}: the pooling is {brief(modes)}, expected mean or cls: it cannot be run here")
    return str(modes[0])


def _is_chain(path: Path) -> bool:
    """Whether modules.json is there; what it lists is an encoder, its pooling and perhaps a normalisation."""
    modules = _json(path, list)
    if modules is None:
        return False
    found = [module if isinstance(module, dict) else {} for module in modules]
    kinds = [str(module.get("type")).rsplit(".", 1)[-1] for module in found]
    if kinds not in CHAINS or [module.get("path") for module in found[:2]] != ["", "1_Pooling"]:
        raise DataError(
            f"{str(path)!r}: the modules are {brief(kinds)}, expected {CHAINS[0]} in the folder itself and 1_Pooling, "
            "and perhaps 'Normalize': this model cannot be run here"
        )
    return True


def _length(path: Path) -> int:
    config = _object(path) or {}
    _expect(path, config, "do_lower_case", (None, False))
    length = config.get("max_seq_length")
    if length is None:
        return LENGTH
    if not isinstance(length, int) or length < 3:  # two tokens mark start and end
        raise DataError(f"{str(path)!r}: max_seq_length is {brief(length)}, expected a number of tokens from 3; {ANEW}")
    return min(length, MOST_LENGTH)


def _expect(path: Path, config: dict[str, Any], key: str, allowed: tuple[object, ...]) -> None:
    if (value := config.get(key)) not in allowed:
        told = " or ".join(repr(one) for one in allowed if one is not None)
        raise DataError(f"{str(path)!r}: {key} is {brief(value)}, expected {told}: this model cannot be run here")


def _object(path: Path) -> dict[str, Any] | None:
    found: dict[str, Any] | None = _json(path, dict)
    return found


def _json(path: Path, kind: type) -> Any:  # noqa: ANN401 - checked to be of the kind, or None where there is no file
    data = read_bytes(path, MOST_BYTES)
    if data is None:
        return None
    try:
        found = json.loads(data.decode())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, kind):
        raise DataError(f"{str(path)!r} is not a JSON {'object' if kind is dict else 'list'}; {ANEW}")
    return found
