"""CLIPScore and RefCLIPScore equal what CLIP's own forward pass gives for one picture and its texts at a time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from whyfeel.errors import DataError
from whyfeel.metrics import Item
from whyfeel.metrics import clipscore as module
from whyfeel.metrics.clipscore import VARIANTS, clipscore

Cosines = Callable[[bytes, Sequence[str]], tuple[NDArray[np.float64], NDArray[np.float64]]]


def drawn(seed: int, mode: str = "RGB", size: tuple[int, int] = (12, 10)) -> bytes:
    """A PNG of noise, each channel up to a brightness of its own."""
    channels, draw = {"RGB": 3, "RGBA": 4, "L": 1}[mode], np.random.default_rng(seed)
    pixels = draw.integers(0, draw.integers(2, 256, channels), (size[1], size[0], channels), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels.squeeze(2) if channels == 1 else pixels, mode).save(out, "PNG")
    return out.getvalue()


def shown(picture: bytes | None, hypothesis: str, *references: str) -> Item:
    """An answer to a picture."""
    return Item("s", hypothesis, references, "Why?", picture, "c")


ITEMS = [
    shown(drawn(1), "the storm took her house", "a storm", "her house was destroyed"),
    shown(drawn(2, "L"), "é 日 1, 2!", "the friend"),
    shown(drawn(3, "RGBA", (30, 9)), "cake", "cake", "a friend with a cake"),
    shown(drawn(1), "she is sad " * 9, "she is sad", "a " * 40),
    shown(drawn(4, size=(8, 40)), "they win", "Friends laugh"),
    shown(drawn(5), "a man", "the team", "a man"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CLIP."""
    import tiny_models  # noqa: PLC0415 - brings torch, which takes seconds

    return tiny_models.clip(tmp_path_factory.mktemp("models") / "clip", seed=31)


@pytest.fixture(scope="module")
def cosines(folder: Path) -> Cosines:
    """The oracle: the cosines of the picture with each text, and of the first text with the others."""
    import torch  # noqa: PLC0415 - as above
    from transformers import CLIPImageProcessorPil, CLIPModel, PreTrainedTokenizerFast  # noqa: PLC0415

    model = CLIPModel.from_pretrained(folder).eval()
    split, ready = PreTrainedTokenizerFast.from_pretrained(folder), CLIPImageProcessorPil.from_pretrained(folder)

    def tokens(text: str) -> list[int]:
        found = split(text, truncation=False).input_ids
        return found if len(found) <= 20 else [*found[:19], split.eos_token_id]

    def both(picture: bytes, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        pixels = ready(images=[Image.open(io.BytesIO(picture)).convert("RGB")], return_tensors="pt").pixel_values
        with torch.no_grad():
            out = [model(input_ids=torch.tensor([tokens(text)]), pixel_values=pixels) for text in texts]
        said = np.array([one.text_embeds[0].numpy() for one in out], np.float64)
        return said @ out[0].image_embeds[0].numpy().astype(np.float64), said[1:] @ said[0]

    return both


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    yield
    module._placing.cache_clear()


def measured(name: str, folder: Path, items: Sequence[Item]) -> list[float | None]:
    """The values of a variant."""
    return list(clipscore(name, str(folder)).measure(items).values)


def test_each_variant_equals_a_direct_computation(folder: Path, cosines: Cosines) -> None:
    plain = [cosines(one.picture or b"", [one.hypothesis])[0][0] for one in ITEMS]
    texts = [["A photo depicts " + text for text in (one.hypothesis, *one.references)] for one in ITEMS]
    found = [cosines(one.picture or b"", some) for one, some in zip(ITEMS, texts, strict=True)]
    seen = np.maximum([pictures[0] for pictures, _ in found], 0)
    said = np.maximum([references.max() for _, references in found], 0)
    assert 1 < np.count_nonzero(seen) < len(seen)  # some cosines are below 0
    assert np.count_nonzero(seen[said == 0]) > 0
    with np.errstate(invalid="ignore"):
        means = {w: np.nan_to_num(2 * w * seen * said / (w * seen + said)) for w in (1, 2.5)}
    expected = {
        "clipscore": 2.5 * seen,
        "clipscore-raw": 100 * np.maximum(plain, 0),
        "refclipscore": means[2.5],
        "refclipscore-raw": means[1],
    }
    assert set(expected) == set(VARIANTS)
    for name, wanted in expected.items():
        assert measured(name, folder, ITEMS) == pytest.approx(wanted.tolist(), abs=1e-5 * VARIANTS[name].high)


def test_what_stands_beside_an_item_does_not_matter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = measured("refclipscore", folder, ITEMS)
    monkeypatch.setattr(module, "PICTURES", 1)
    alone = []
    for one in ITEMS:
        module._placing.cache_clear()
        alone += measured("refclipscore", folder, [one])
    assert alone == pytest.approx(together, abs=1e-5)


def test_the_variants_say_their_scaling_and_range(folder: Path) -> None:
    told = {name: clipscore(name, str(folder)).measure([]).facts for name in VARIANTS}
    assert {name: (facts["scaling"], facts["prefix"]) for name, facts in told.items()} == {
        "clipscore": ("2.5*max(cos,0)", "A photo depicts "),
        "clipscore-raw": ("100*max(cos,0)", ""),
        "refclipscore": ("2.5*max(cos,0)", "A photo depicts "),
        "refclipscore-raw": ("1*max(cos,0)", "A photo depicts "),
    }
    for name, one in VARIANTS.items():  # what cosines of 1 give
        best = 2 * one.scale / (one.scale + 1) if one.references else one.scale
        assert clipscore(name, str(folder)).high == pytest.approx(best)


def test_what_has_no_value_is_told(folder: Path) -> None:
    tiny, good = drawn(1, size=(1, 1)), drawn(1)
    items = [
        shown(good, " ", "x"),
        shown(None, "x", "y"),
        shown(b"", "x", "y"),
        shown(good[:60], "x", "y"),
        shown(b"GIF89a\xff", "x", "y"),
        shown(drawn(1, size=(128, 2)), "x", "y"),
        shown(good, "x", " "),
        shown(tiny, "x", "y"),
    ]
    told = clipscore("refclipscore", str(folder)).measure(items)
    assert [one is None for one in told.values] == [True] * 7 + [False]
    assert dict(told.why) == {"empty answer": 1, "no picture": 1, "picture cannot be decoded": 4, "no reference": 1}
    plain = clipscore("clipscore", str(folder)).measure(items)
    assert [one is None for one in plain.values] == [True] * 6 + [False] * 2
    assert clipscore("clipscore", str(folder)).needs == {"picture"}


def test_texts_that_were_cut_are_counted_by_item_where_they_count(folder: Path) -> None:
    items = [shown(drawn(1), "a", "b"), shown(drawn(1), "z " * 30, "b"), shown(drawn(1), "a", "b", "z " * 30)]
    assert clipscore("clipscore", str(folder)).measure(items).facts["truncated"] == 1
    assert clipscore("refclipscore", str(folder)).measure(items).facts["truncated"] == 2


def test_equal_pictures_and_texts_are_placed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clipscore("refclipscore", str(folder)).measure(ITEMS)
    monkeypatch.setattr(module.Placing, "_placed", lambda *asked: pytest.fail(f"computed again: {asked}"))
    assert measured("clipscore", folder, ITEMS[::-1]) == measured("clipscore", folder, ITEMS)[::-1]


def test_a_clip_that_does_not_say_how_it_sees_is_refused(folder: Path) -> None:
    settings = folder / "preprocessor_config.json"
    text = settings.read_text()
    try:
        settings.write_text("{")
        with pytest.raises(DataError, match=r"preprocessor_config\.json cannot be read"):
            clipscore("clipscore", str(folder))
        settings.unlink()
        with pytest.raises(DataError, match=r"preprocessor_config\.json cannot be read"):
            clipscore("clipscore", str(folder))
    finally:
        settings.write_text(text)
