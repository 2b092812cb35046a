"""Whatever happened to a file, it is a picture or a BadPicture."""

from __future__ import annotations

import base64
import io
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from whyfeel.media import BadPicture, Header, Loaded, examine_bytes

Make = Callable[[str], bytes]

KINDS = [
    *("jpeg", "jpeg progressive", "jpeg cmyk", "jpeg restarts", "jpeg exif", "jpeg comment", "jpeg fill bytes"),
    *("png", "png palette", "png alpha", "png one bit", "png interlaced", "png animated"),
    *("gif 89a", "gif animated", "webp", "webp lossless", "webp alpha", "webp animated"),
]
MOST = 4_000_000  # pixels; a flipped size may be as large as the limit, and would be decoded for seconds


def outcome(data: bytes, max_side: int | None = None) -> bool:
    """Whether the bytes are taken; where their pixels are sound, what is sent has them in the size that it says."""
    fault = examine_bytes(data)
    assert "\n" not in (fault or "")
    try:
        loaded = Loaded(data, max_side)
    except BadPicture:
        return False
    sent = base64.b64decode(loaded.base64)
    assert b"Exif\x00\x00" not in sent or b"Exif\x00\x00" not in data
    if fault is None:
        with Image.open(io.BytesIO(sent)) as picture:
            picture.load()
            mime = f"image/{str(picture.format).lower()}"
            assert loaded.header == Header(mime, *picture.size)
    return True


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyfeel.media.picture.MOST_PIXELS", MOST)


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(KINDS), st.data())
def test_flips_and_cuts(make: Make, name: str, data: st.DataObject) -> None:
    damaged = bytearray(make(name))
    for place in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    first, last = sorted(data.draw(st.lists(st.integers(0, len(damaged)), min_size=2, max_size=2)))
    outcome(bytes(damaged), data.draw(st.sampled_from([None, 5, 20])))
    outcome(bytes(damaged[:first] + damaged[last:]))
    outcome(bytes(damaged[:last]) + bytes(damaged[first:]))


@pytest.mark.parametrize("kind", KINDS)
def test_each_byte_flipped(kind: str, make: Make) -> None:
    """Of the first 400 bytes, where the structure is, and of some of the others."""
    whole, seeded = make(kind), random.Random(kind)
    places = [*range(min(400, len(whole))), *(seeded.randrange(len(whole)) for _ in range(60))]
    taken = 0
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << seeded.randrange(8)
        taken += outcome(bytes(damaged))
    assert outcome(whole)
    assert taken < len(places)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_is_told_from_the_whole(kind: str, make: Make) -> None:
    """No proper beginning is taken, save of a GIF one that looks like a whole GIF."""
    whole = make(kind)
    for end in {*range(0, len(whole), max(1, len(whole) // 150)), *range(len(whole) - 20, len(whole))}:
        assert not outcome(whole[:end]) or (kind.startswith("gif") and whole[:end].rstrip(b"\x00").endswith(b"\x00;"))


def test_random_files_under_a_name(tmp_path: Path) -> None:
    seeded = random.Random(5)
    for start in (
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"GIF89a",
        b"RIFF\x40\x00\x00\x00WEBPVP8X",
    ):
        for _ in range(200):
            assert not outcome(start + seeded.randbytes(seeded.randrange(120)))
