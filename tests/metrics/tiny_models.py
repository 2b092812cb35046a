"""BERT, RoBERTa, BART and CLIP of a few random numbers, built from their configurations; nothing is downloaded.

To import this takes seconds (torch, transformers): a test imports it in the fixture that needs it.
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

transformers.utils.logging.disable_progress_bar()
torch.set_num_threads(1)  # workers' threads would wait for each other

LETTERS = string.ascii_lowercase
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *LETTERS, *(f"##{one}" for one in LETTERS), "cake", "storm", "friend"]
TEXT = ["a man holds a birthday cake", "the storm took her house", "friends laugh, and the team wins!", "é ü 1 2 3"]
LIMIT = 20  # tokens that each of the models reads
SIDE = 8  # pixels of a picture


def shaken(model: Any, seed: int = 0) -> Any:
    """The model with weights so large that each part of it, and each place in a text, matters."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            noise = torch.randn(weights.shape, generator=draw)
            if "norm" in name.lower():
                weights.add_(noise * 0.1)
            elif weights.ndim:  # and not the temperature of CLIP
                weights.copy_(noise)
    return model.eval()


def bert(folder: Path, **settings: Any) -> Path:
    """An encoder of three layers with a vocabulary of letters."""
    sizes = {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 12}
    config = transformers.BertConfig(
        vocab_size=len(WORDS), max_position_embeddings=LIMIT, pad_token_id=0, **(sizes | settings)
    )
    shaken(transformers.BertModel(config)).save_pretrained(folder)
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    transformers.BertTokenizer(vocab=vocabulary, do_lower_case=True, model_max_length=LIMIT).save_pretrained(folder)
    return folder


def byte_level(folder: Path, start: str, end: str, kind: str, fill: str = "<pad>") -> int:
    """A vocabulary of bytes and a few pairs of them in the folder; its size."""
    suffix = "</w>" if kind == "CLIPTokenizer" else ""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix=suffix))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    marks = list(dict.fromkeys([start, fill, end, "<unk>", "<mask>"]))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=alphabet, special_tokens=marks, show_progress=False, end_of_word_suffix=suffix
    )
    tokenizer.train_from_iterator([*TEXT, " ".join(LETTERS + string.digits)], trainer)
    ends = [(mark, tokenizer.token_to_id(mark)) for mark in (end, start)]
    tokenizer.post_processor = processors.RobertaProcessing(*ends, add_prefix_space=False, trim_offsets=False)
    folder.mkdir(parents=True, exist_ok=True)
    state = json.loads(tokenizer.to_str())
    merges = [tuple(one) for one in state["model"]["merges"]]
    names = {"bos_token": start, "eos_token": end, "pad_token": fill, "unk_token": "<unk>"}
    if kind != "CLIPTokenizer":
        names |= {"cls_token": start, "sep_token": end, "mask_token": "<mask>"}
    built = getattr(transformers, kind)(vocab=state["model"]["vocab"], merges=merges, model_max_length=LIMIT, **names)
    built.save_pretrained(folder)
    return tokenizer.get_vocab_size()


def roberta(folder: Path) -> Path:
    """An encoder that counts its places from behind the number that fills up."""
    known = byte_level(folder, "<s>", "</s>", "RobertaTokenizer")
    config = transformers.RobertaConfig(
        vocab_size=known,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=12,
        max_position_embeddings=LIMIT + 2,
        pad_token_id=1,
        type_vocab_size=1,
    )
    shaken(transformers.RobertaModel(config)).save_pretrained(folder)
    return folder


def bart(folder: Path) -> Path:
    """A sequence-to-sequence model with a layer a side."""
    known = byte_level(folder, "<s>", "</s>", "BartTokenizer")
    sides = {f"{side}_{what}": n for side in ("encoder", "decoder") for what, n in (("layers", 1), ("ffn_dim", 12))}
    config = transformers.BartConfig(
        vocab_size=known,
        d_model=8,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        max_position_embeddings=LIMIT,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_eos_token_id=2,
        **sides,
    )
    shaken(transformers.BartForConditionalGeneration(config)).save_pretrained(folder)
    return folder


def clip(folder: Path, seed: int = 0) -> Path:
    """Two towers of one layer."""
    known = byte_level(folder, "<|startoftext|>", "<|endoftext|>", "CLIPTokenizer", fill="<|endoftext|>")
    tower = {"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2}
    vocabulary = transformers.AutoTokenizer.from_pretrained(folder)
    text = tower | {
        "vocab_size": known,
        "max_position_embeddings": LIMIT,
        "bos_token_id": vocabulary.bos_token_id,
        "eos_token_id": vocabulary.eos_token_id,
        "pad_token_id": vocabulary.pad_token_id,
    }
    seen = tower | {"image_size": SIDE, "patch_size": 4}
    config = transformers.CLIPConfig(text_config=text, vision_config=seen, projection_dim=6)
    shaken(transformers.CLIPModel(config), seed).save_pretrained(folder)
    transformers.CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    ).save_pretrained(folder)
    return folder
