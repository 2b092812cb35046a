"""Tiny untrained models, for tests (yours and ours) and as what `make tiny` trains from scratch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

START, END, PAD, PICTURE = "<s>", "</s>", "<pad>", "<image>"
CHAT = (
    "{{ bos_token }}{% for message in messages %}{{ message['role'] }}: "
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{{ '\\n' }}{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)
POSITIONS = 2048  # tokens, the picture's included


def build_tiny(
    folder: Path,
    texts: Iterable[str],
    *,
    layers: int = 2,
    width: int = 64,
    pixels: int = 64,
    patch: int = 8,
    vocabulary: int = 1024,
    seed: int = 0,
) -> Path:
    """A LLaVA without any training: a CLIP tower, a projector and a Llama, saved as safetensors.

    With the defaults it has about 0.4 million parameters and loads in a tenth of a second.

    Args:
        folder: where it is saved; made where it is missing.
        texts: what its vocabulary is made from.
        layers, width: of both towers; a head is 16 wide.
        pixels, patch: the side of the square that a picture is reduced to, and of the patches it is cut into.
        vocabulary: tokens at most.
        seed: of its weights.

    Returns:
        the folder.
    """
    import transformers as t  # noqa: PLC0415 - an extra, and slow

    tokenizer = _tokenizer(texts, vocabulary, (PICTURE,))
    tower = t.CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 16,
        image_size=pixels,
        patch_size=patch,
        projection_dim=width,
    )
    config = t.LlavaConfig(
        vision_config=tower,
        text_config=_llama(tokenizer, layers, width),
        image_token_id=tokenizer.convert_tokens_to_ids(PICTURE),
        image_seq_length=(pixels // patch) ** 2,
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )
    sides = {"height": pixels, "width": pixels}
    processor = t.LlavaProcessor(
        t.CLIPImageProcessorPil(size=sides, crop_size=sides, do_center_crop=False),
        tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="default",
        chat_template=CHAT,
        image_token=PICTURE,
        num_additional_image_tokens=1,
    )
    _saved(t.LlavaForConditionalGeneration, config, folder, seed)
    processor.save_pretrained(folder)
    return folder


def build_tiny_text(
    folder: Path, texts: Iterable[str], *, layers: int = 2, width: int = 64, vocabulary: int = 1024, seed: int = 0
) -> Path:
    """A Llama without any training, which reads text alone; arguments as for `build_tiny`."""
    import transformers as t  # noqa: PLC0415 - an extra, and slow

    tokenizer = _tokenizer(texts, vocabulary, ())
    tokenizer.chat_template = CHAT
    _saved(t.LlamaForCausalLM, _llama(tokenizer, layers, width), folder, seed)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer(texts: Iterable[str], vocabulary: int, more: tuple[str, ...]) -> Any:  # noqa: ANN401 - a late import's
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, START, END, *more],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words.train_from_iterator(texts, trainer)
    named = {"image_token": PICTURE} if PICTURE in more else {}
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        bos_token=START,
        eos_token=END,
        pad_token=PAD,
        padding_side="left",
        model_max_length=POSITIONS,
        extra_special_tokens=named,
    )


def _llama(tokenizer: Any, layers: int, width: int) -> Any:  # noqa: ANN401
    from transformers import LlamaConfig  # noqa: PLC0415

    return LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 16,
        max_position_embeddings=POSITIONS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=False,
    )


def _saved(kind: Any, config: Any, folder: Path, seed: int) -> None:  # noqa: ANN401
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = kind(config)
    model.save_pretrained(folder)
