"""Tokens a second of the local backend on a GPU: a LLaVA of about a billion random numbers, in batches of 1, 8 and 32.

`make bench-gpu`. What it says means nothing, so it never ends before it must: every answer has as many tokens as asked.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import whyfeel.tasks
from whyfeel.engine import Request
from whyfeel.media import BLANK, Loaded
from whyfeel.media.blank import blank_png
from whyfeel.models.local import Local, find_local, missing_package
from whyfeel.models.local.tiny import build_tiny
from whyfeel.records import Ask, Picture, Text, user_turn

BATCHES = (1, 8, 32)
TOKENS, ROUNDS = 128, 2  # an answer's, and how many full batches are timed
PIXELS, PATCH = 336, 14  # 576 tokens a picture
SIZE = {"wide": 2048, "layers": 16, "seen_wide": 1024, "seen_layers": 24}


def build(folder: Path, wide: int, layers: int, seen_wide: int, seen_layers: int) -> None:
    """A LLaVA with random weights: a CLIP tower and a Llama with heads of 64, saved as safetensors.

    Args:
        folder: where it is saved.
        wide, layers: of the language model.
        seen_wide, seen_layers: of the tower.
    """
    import torch  # noqa: PLC0415 - an extra
    import transformers  # noqa: PLC0415

    scenes = Path(whyfeel.tasks.__file__).parent / "scenes" / "scenes.jsonl"
    build_tiny(folder, scenes.read_text(encoding="utf-8").splitlines(), layers=1, pixels=PIXELS, patch=PATCH)
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    text, seen = config.text_config, config.vision_config
    text.hidden_size, text.num_hidden_layers, text.intermediate_size = wide, layers, 3 * wide
    text.num_attention_heads, text.num_key_value_heads, text.head_dim = wide // 64, max(1, wide // 256), 64
    text.vocab_size = 32_000
    seen.hidden_size, seen.num_hidden_layers, seen.intermediate_size = seen_wide, seen_layers, 4 * seen_wide
    seen.num_attention_heads = seen_wide // 64
    text.eos_token_id = text.bos_token_id = None
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = transformers.LlavaForConditionalGeneration(config).to(torch.bfloat16)
    model.generation_config.eos_token_id = None
    model.save_pretrained(folder)


async def measured(folder: Path, batch: int, tokens: int = TOKENS) -> tuple[str, float]:
    """What the backend says of itself, and its tokens a second at batches of this size.

    Args:
        folder: of the model.
        batch: asks at a time.
        tokens: of each answer.
    """
    model = Local(find_local(str(folder)), batch)
    ends = model.load().model.generation_config
    ends.eos_token_id = None
    held = {BLANK: Loaded(blank_png())}

    def request(number: int, most: int) -> Request:
        ask = Ask("answer", user_turn(Picture(BLANK), Text(f"{number}. Why is she happy?")), {"max_tokens": most})
        return Request(str(number), ask, pictures=held)

    async def asked(count: int, most: int) -> int:
        replies = await asyncio.gather(*(model.answer(request(number, most)) for number in range(count)))
        return sum(reply.tokens_out or 0 for reply in replies)

    await asked(batch + 4, 4)  # kernels are chosen and memory is measured
    begun = time.perf_counter()
    out = await asked(ROUNDS * batch, tokens)
    taken = time.perf_counter() - begun
    await model.close()
    return model.remark, out / taken


def main() -> int:
    """Print a line for each size of batch."""
    if name := missing_package():
        print(f"no measurement: the package {name} is not installed (pip install 'whyfeel[local]')")
        return 0
    import torch  # noqa: PLC0415

    if not torch.cuda.is_available():
        print("no measurement: there is no GPU that CUDA can use")
        return 0
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, a picture of 576 tokens and {TOKENS} out an ask")
    with TemporaryDirectory(prefix="whyfeel-gpu-") as work:
        folder = Path(work) / "llava-1b"
        build(folder, **SIZE)
        return _table(folder)


def _table(folder: Path) -> int:
    first = 0.0
    for batch in BATCHES:
        told, speed = asyncio.run(measured(folder, batch))
        first = first or speed
        print(f"batch {batch:>2}: {speed:>8,.0f} tokens a second, {speed / first:>5.1f} times one at a time ({told})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
