"""CLIPScore and RefCLIPScore: how near a text lies to its picture, and to the references, where CLIP places both."""

from __future__ import annotations

import functools
import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from whyfeel.checkpoint_files import ANEW, Checkpoint, first_line
from whyfeel.errors import DataError
from whyfeel.metrics.base import EMPTY, NO_PICTURE, NO_REFERENCE, Item, Measured
from whyfeel.metrics.checkpoints import (
    Splitter,
    batches,
    check_finite,
    find_checkpoint,
    load_model,
    padded,
)

if TYPE_CHECKING:
    from PIL import Image

BAD_PICTURE = "picture cannot be decoded"
PREFIX = "A photo depicts "
PICTURES = 16  # pictures computed together
NARROW = 64  # sides in this proportion or more: enlarged until the short one fits, such a picture fills the memory

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to make a score of cosines.

    Attributes:
        prefix: what stands before each text.
        scale: what the cosine of picture and text, if above 0, is multiplied by.
        references: whether it is the harmonic mean of that and the highest cosine of text and reference.
        high: the highest value there can be.
        source: paper and equation.
    """

    prefix: str
    scale: float
    references: bool
    high: float
    source: str


_HESSEL = "Hessel et al. 2021, arXiv 2104.08718"
VARIANTS = {
    "clipscore": Variant(PREFIX, 2.5, False, 2.5, f"{_HESSEL}, section 3"),
    "clipscore-raw": Variant("", 100.0, False, 100.0, f"{_HESSEL}, as torchmetrics has it: no prefix, 100 cos"),
    "refclipscore": Variant(PREFIX, 2.5, True, 10 / 7, f"{_HESSEL}, section 3, RefCLIPScore"),
    "refclipscore-raw": Variant(PREFIX, 1.0, True, 1.0, f"{_HESSEL}, RefCLIPScore of the cosine as it is"),
}


class ClipScore:
    """CLIPScore w max(cos(c, v), 0) of the answer c and the picture v, or RefCLIPScore.

    RefCLIPScore is the harmonic mean of CLIPScore and max(max_r cos(c, r), 0) over the references r; 0 where either
    is. The paper has w = 2.5 and the prefix "A photo depicts " before answer and references. Texts are cut to the 77
    tokens that CLIP reads, the mark of the end kept. Single precision; the released script computes in half on a GPU.

    Args:
        name: one of VARIANTS.
        model: what places pictures and texts.

    Source: Hessel et al. 2021, CLIPScore (arXiv 2104.08718), section 3; range 0 to 2.5 (CLIPScore), to 100 (raw), to
    10/7 (RefCLIPScore), to 1 (its raw form).
    """

    low = 0.0

    def __init__(self, name: str, model: Placing) -> None:
        self.name = name
        self._variant, self._model = VARIANTS[name], model
        self.needs = frozenset({"picture", "references"} if self._variant.references else {"picture"})
        self.high, self.source = self._variant.high, self._variant.source

    def measure(self, items: Sequence[Item]) -> Measured:
        """A score for each item; None for an empty answer, and without a picture or a reference that it needs."""
        why = [self._missing(item) for item in items]
        whole = [item for item, reason in zip(items, why, strict=True) if reason is None]
        pictures = dict(zip(map(id, whole), self._model.pictures([item.picture or b"" for item in whole]), strict=True))
        texts = self._model.texts([text for item in whole for text in self._texts(item)])
        values: list[float | None] = []
        cut, reasons = 0, Counter[str]()
        for item, reason in zip(items, why, strict=True):
            picture = pictures.get(id(item))
            if reason or picture is None:
                values.append(None)
                reasons[reason or BAD_PICTURE] += 1
                continue
            placed = [texts[text] for text in self._texts(item)]
            values.append(self._score(picture, [vector for vector, _ in placed]))
            cut += any(shortened for _, shortened in placed)
        scaling = {"scaling": f"{self._variant.scale:g}*max(cos,0)", "prefix": self._variant.prefix}
        return Measured(values, reasons, {**self._model.facts, **scaling, "truncated": cut})

    def _missing(self, item: Item) -> str | None:
        if not item.hypothesis.strip():
            return EMPTY
        if item.picture is None:
            return NO_PICTURE
        return None if not self._variant.references or len(self._texts(item)) > 1 else NO_REFERENCE

    def _texts(self, item: Item) -> list[str]:
        """The answer, and then the references where they count, each behind the prefix."""
        references = item.references if self._variant.references else ()
        return [self._variant.prefix + text for text in (item.hypothesis, *(one for one in references if one.strip()))]

    def _score(self, picture: Vector, texts: Sequence[Vector]) -> float:
        answer, *references = texts
        shown = self._variant.scale * max(float(picture @ answer), 0.0)
        if not references:
            return shown
        said = max(0.0, *(float(answer @ one) for one in references))
        return 2 * shown * said / (shown + said) if shown and said else 0.0


class Placing:
    """The CLIP behind the scores; where it placed a text or a picture is kept for the other variants.

    Args:
        checkpoint: a CLIP.

    Attributes:
        facts: which model it is.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        from transformers import CLIPImageProcessorPil  # noqa: PLC0415 - an extra, and slow

        self._model = load_model(checkpoint, "CLIPModel", ("clip",))
        reads = self._model.config.text_config
        self._split = Splitter(checkpoint, reads.max_position_embeddings, reads.vocab_size)
        self._fill = reads.eos_token_id  # what stands behind a text's end is not looked at
        try:
            self._ready = CLIPImageProcessorPil.from_pretrained(checkpoint.folder, local_files_only=True)
        except Exception as error:  # noqa: BLE001 - a damaged file raises whatever the library raises
            said = first_line(error)
            raise DataError(f"{checkpoint.name!r}: preprocessor_config.json cannot be read: {said}; {ANEW}") from None
        self._texts: dict[str, tuple[Vector, bool]] = {}
        self._pictures: dict[bytes, Vector | None] = {}
        self.facts = {"checkpoint": checkpoint.digest, "model": checkpoint.name}

    def texts(self, texts: Sequence[str]) -> dict[str, tuple[Vector, bool]]:
        """Each text's vector of length 1, and whether the text was cut."""
        import torch  # noqa: PLC0415 - an extra, and slow

        new = [text for text in dict.fromkeys(texts) if text not in self._texts]
        split = self._split(new)
        for batch in batches([len(one.ids) for one in split]):
            ids, mask = padded([split[i].ids for i in batch], self._fill, self._model.device)
            with torch.inference_mode():
                placed = self._model.get_text_features(ids, attention_mask=mask).pooler_output
            for i, vector in zip(batch, self._unit(placed), strict=True):
                self._texts[new[i]] = vector, split[i].cut
        return self._texts

    def pictures(self, pictures: Sequence[bytes]) -> list[Vector | None]:
        """Each picture's vector of length 1, None for one that cannot be decoded."""
        keys = [hashlib.sha256(one).digest() for one in pictures]
        new = {key: one for key, one in zip(keys, pictures, strict=True) if key not in self._pictures}
        waiting = list(new)
        for start in range(0, len(waiting), PICTURES):
            some = waiting[start : start + PICTURES]
            decoded = {key: picture for key in some if (picture := _decoded(new[key])) is not None}
            self._pictures |= dict.fromkeys(some)
            if decoded:
                self._pictures |= zip(decoded, self._placed(list(decoded.values())), strict=True)
        return [self._pictures[key] for key in keys]

    def _placed(self, pictures: list[Image.Image]) -> list[Vector]:
        import torch  # noqa: PLC0415 - an extra, and slow

        ready = self._ready(images=pictures, return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            return self._unit(self._model.get_image_features(ready.to(self._model.device)).pooler_output)

    def _unit(self, placed: Any) -> list[Vector]:  # noqa: ANN401 - torch's tensors
        rows = placed.cpu().numpy().astype(np.float64)
        check_finite(self.facts, rows)
        return list(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def clipscore(name: str, spec: str, *, local_only: bool = False) -> ClipScore:
    """One of VARIANTS by the checkpoint that a user named; the variants share one model.

    Args:
        name: one of VARIANTS.
        spec: a folder or Hub id.
        local_only: whether a Hub's model may come from the Hub's cache alone.

    Raises:
        UserError: the checkpoint cannot be had or used.
    """
    return ClipScore(name, _placing(find_checkpoint(spec, local_only=local_only)))


@functools.lru_cache(maxsize=1)
def _placing(checkpoint: Checkpoint) -> Placing:
    return Placing(checkpoint)


def _decoded(data: bytes) -> Image.Image | None:
    """The picture in RGB."""
    from PIL import Image  # noqa: PLC0415 - only for this metric

    try:
        picture = Image.open(io.BytesIO(data))
        return None if max(picture.size) >= NARROW * min(picture.size) else picture.convert("RGB")
    except Exception:  # noqa: BLE001 - a decoder raises whatever hostile bytes lead it to
        return None
