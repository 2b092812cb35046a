"""The hidden states of all texts under all system prompts, read once and kept in the probe's folder."""

from __future__ import annotations

import hashlib
import io
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from typing import Any

import numpy as np

from whyfeel.checkpoint_files import Checkpoint
from whyfeel.errors import DataError, UserError
from whyfeel.media import BadPicture, MediaStore
from whyfeel.media import Loaded as Picture
from whyfeel.models.local.checkpoint import Loaded, Place, load_local
from whyfeel.probe.curves import Tick
from whyfeel.probe.options import ProbeOptions
from whyfeel.probe.reading import FILLER, Reader, together
from whyfeel.probe.source import Material
from whyfeel.probe.states import StateFile, States
from whyfeel.records import Sample, content_id

NONE = ""  # no system prompt
PICTURES = 16  # samples with pictures between two notes of how far it has come


def extracted(options: ProbeOptions, checkpoint: Checkpoint, material: Material, tick: Tick) -> list[States]:
    """States without a system prompt, then under each, mapped from the disk.

    The model is loaded only if something is missing.

    Returns:
        arrays of shape (slots, layers, n, width); under a system prompt there is one slot, the probed position.
    """
    with closing(MediaStore(material.images)) as store:
        texts = content_id([[one.question, _digests(one, store)] for one in material.samples])

    @cache
    def load() -> Loaded:
        import torch  # noqa: PLC0415 - an extra, and slow

        loaded = load_local(checkpoint, Place("cuda" if torch.cuda.is_available() else "cpu", "float32"))
        if options.pictures and not loaded.sees:
            raise UserError(f"--pictures: the model {checkpoint.name!r} sees none; leave it out to probe the questions")
        return loaded

    found: list[States] = []
    for system in (NONE, *options.systems):
        slots = options.slots if system == NONE else options.slots[:1]
        spec = {"model": checkpoint.digest, "texts": texts, "tokens": list(slots), "system": system}
        spec["filler"] = content_id(FILLER)
        file = StateFile(options.out, content_id(system)[:8] if system else "none", spec)
        if file.done < len(material.samples):
            _fill(file, Reader(load(), slots, system), material, tick)
        found.append(file.opened())
    return found


def _fill(file: StateFile, reader: Reader, material: Material, tick: Tick) -> None:
    with _pictures(material) as opened:
        turns = [reader.turn(one) for one in material.samples]
        lengths = np.array([len(one.ids) for one in turns])
        order = np.argsort(lengths, kind="stable")

        def read(places: Sequence[int]) -> States:
            if opened is None:
                return reader.states([turns[place] for place in places])
            samples = [material.samples[place] for place in places]
            return np.concatenate([reader.pictured(one, opened(one)) for one in samples], axis=2)

        slots, layers, _, width = read(order[:1].tolist()).shape

        def most(start: int) -> int:
            return PICTURES if opened is not None else together(lengths[order[start:]], layers, width)

        for done in file.fill((slots, layers, len(turns), width), order, read, most):
            tick("texts", done, len(turns))


@contextmanager
def _pictures(material: Material) -> Iterator[Any]:
    """What opens a sample's pictures; None where none are shown."""
    if not any(one.media for one in material.samples):
        yield None
        return
    from PIL import Image  # noqa: PLC0415 - only here

    with closing(MediaStore(material.images)) as store:

        def opened(sample: Sample) -> list[Image.Image]:
            try:
                sound = [b64decode(Picture(data).base64) for data in _read(sample, store)]
                return [Image.open(io.BytesIO(data)).convert("RGB") for data in sound]
            except (BadPicture, OSError) as bad:
                raise DataError(f"{sample.id!r}: its picture cannot be shown: {bad}") from None

        yield opened


def _digests(sample: Sample, store: MediaStore) -> list[str]:
    """What a sample's pictures are, by their bytes."""
    return [hashlib.sha256(data).hexdigest() for data in _read(sample, store)]


def _read(sample: Sample, store: MediaStore) -> Iterator[bytes]:
    """The bytes of pictures that can be shown."""
    for media in sample.media:
        try:
            yield store.read(media)
        except BadPicture as bad:
            raise DataError(f"{sample.id!r}: its picture cannot be shown: {bad}") from None
