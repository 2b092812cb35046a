"""Tiny models without training, whose answers are long and varied all the same."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import whyfeel.tasks
from needs import need
from whyfeel.engine import Request
from whyfeel.media import Loaded
from whyfeel.records import Ask, Media, Message, Picture, Text, ask_key

SCENES = Path(whyfeel.tasks.__file__).parent / "scenes"
PICTURES = ("birthday-cake.png", "broken-window.png", "fresh-bread.png")


@pytest.fixture(scope="session")
def torch() -> Any:
    """torch, on one thread; the extra `local` is there."""
    for name in ("torch", "transformers", "accelerate", "peft"):
        need(importlib.util.find_spec(name) is not None, f"{name} (the extra local)")
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    return torch


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """What the tiny models' vocabularies are made from."""
    return (SCENES / "scenes.jsonl").read_text(encoding="utf-8").splitlines()


def scaled(folder: Path, by: float = 12.0) -> Path:
    """The model with larger weights, so that it does not say one word for ever."""
    from safetensors.torch import load_file, save_file  # noqa: PLC0415

    weights = load_file(folder / "model.safetensors")
    grown = {name: one * by if one.ndim == 2 and "embed" not in name else one for name, one in weights.items()}
    save_file(grown, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture(scope="session")
def llava(torch: Any, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that sees; not to be written to."""
    from whyfeel.models.local.tiny import build_tiny  # noqa: PLC0415

    return scaled(build_tiny(tmp_path_factory.mktemp("models") / "tiny-llava", texts))


@pytest.fixture(scope="session")
def llama(torch: Any, texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that reads text alone; not to be written to."""
    from whyfeel.models.local.tiny import build_tiny_text  # noqa: PLC0415

    return scaled(build_tiny_text(tmp_path_factory.mktemp("models") / "tiny-llama", texts))


@pytest.fixture
def copied(llava: Path, tmp_path: Path) -> Path:
    """A copy of the model that sees, to be spoilt."""
    return Path(shutil.copytree(llava, tmp_path / "copied"))


@pytest.fixture(scope="session")
def pictures() -> dict[Media, Loaded]:
    """A few pictures."""
    return {Media(name): Loaded((SCENES / name).read_bytes()) for name in PICTURES}


Asked = Callable[..., Request]


@pytest.fixture(scope="session")
def asked(pictures: dict[Media, Loaded]) -> Asked:
    """A request: `asked("Why?", 0, 1, max_tokens=8)` shows the first two pictures."""

    def make(text: str, *shown: int, before: Sequence[Message] = (), schema: Any = None, **gen: Any) -> Request:
        media = [Media(PICTURES[one]) for one in shown]
        turn = Message("user", (*map(Picture, media), Text(text)))
        ask = Ask("answer", (*before, turn), gen, schema)
        held = {one: pictures[one] for one in media}
        key = ask_key(ask.canonical("tiny", {one: loaded.token for one, loaded in held.items()}))
        return Request(key, ask, pictures=held)

    return make
