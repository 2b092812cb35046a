"""Small files with enormous pictures are refused before they are decoded, and large ones fit in memory."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from handmade import chunk, gif, png, saved, webp_with
from PIL import Image

from peak import PEAK
from whyfeel.media import BadPicture, Header, Loaded, convert, examine_bytes, read_header

Make = Callable[[str], bytes]

# a pale square of 39 megapixels, in each form whose conversion holds most in memory
CHILD = f"""{PEAK}
import json, sys
from pathlib import Path
from whyfeel.media import Loaded, examine_bytes
before = peak()
data = Path(sys.argv[1]).read_bytes()
if sys.argv[2] == "load":
    loaded = Loaded(data)
    said = [loaded.header.mime, loaded.header.width, loaded.header.height]
else:
    said = examine_bytes(data)
print(json.dumps([said, before, peak()]))
"""


def flat(side: int, colour: int, samples: int, depth: int = 8, *extra: bytes) -> bytes:
    """A PNG of one value everywhere, written row by row: it may not take much memory here either."""
    row = b"\x00" + (b"\x9c\x40" if depth == 16 else b"\xd2") * (side * samples)
    deflate = zlib.compressobj(1)
    coded = b"".join(deflate.compress(row) for _ in range(side)) + deflate.flush()
    data = png((side, side), depth, colour, [], *extra)
    start = data.index(b"IDAT") - 4
    return data[:start] + chunk(b"IDAT", coded) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("side", "megapixels"), [(10_000, "100.0"), (14_000, "196.0"), (30_000, "900.0")])
def test_a_bomb_is_refused_by_its_header(side: int, megapixels: str) -> None:
    coded = zlib.compress(bytes(1_000_000), 9)
    data = png((side, side), 1, 0, [], after=chunk(b"IDAT", coded))
    assert len(data) < 13_000
    with pytest.raises(BadPicture, match=rf"{side}x{side} pixels are {megapixels} megapixels; at most 40 are allowed"):
        read_header(io.BytesIO(data))
    with pytest.raises(BadPicture, match="megapixels"):
        Loaded(data)
    assert "megapixels" in (examine_bytes(data) or "")


@pytest.mark.parametrize(
    ("size", "allowed"), [((8000, 5000), True), ((5000, 8000), True), ((8000, 5001), False), ((5001, 8000), False)]
)
def test_forty_megapixels_are_the_limit_in_each_format(size: tuple[int, int], allowed: bool, make: Make) -> None:
    width, height = size
    jpeg, webp = make("jpeg"), webp_with(make("webp"), size, 0)
    frame = jpeg.index(b"\xff\xc0") + 5
    for data in (
        png(size, 8, 0, []),
        jpeg[:frame] + struct.pack(">HH", height, width) + jpeg[frame + 4 :],
        gif(size, [((0, 0, 2, 2), bytes(4), None)], [0] * 12),
        webp,
    ):
        if allowed:
            assert (read_header(io.BytesIO(data)).width, read_header(io.BytesIO(data)).height) == size
        else:
            with pytest.raises(BadPicture, match=r"are 40\.0 megapixels"):
                read_header(io.BytesIO(data))


@pytest.mark.parametrize("size", [(50_000, 1), (1, 30_001)])
def test_a_strip_has_few_pixels_and_is_refused_all_the_same(size: tuple[int, int]) -> None:
    data = saved(Image.new("RGB", size, "red"), "PNG")
    why = f"{size[0]}x{size[1]} pixels; at most 30,000 a side are allowed"
    with pytest.raises(BadPicture, match=why):
        read_header(io.BytesIO(data))
    with pytest.raises(BadPicture, match=why):
        Loaded(data, 1000)
    assert why in (examine_bytes(data) or "")
    longest = saved(Image.new("RGB", (30_000, 1), "red"), "PNG")
    assert Loaded(longest).header == Header("image/png", 30_000, 1)


@pytest.mark.parametrize(("side", "megapixels"), [(7000, r"49\.0"), (10_000, r"100\.0"), (60_000, r"3,600\.0")])
def test_a_gif_frame_may_not_be_larger_than_its_screen_allows(side: int, megapixels: str) -> None:
    """The decoder grows its picture to the frame: it is refused before the decoder warns of it."""
    data = gif((2, 2), [((0, 0, side, side), bytes(4), None)], [0] * 12)
    assert read_header(io.BytesIO(data)) == Header("image/gif", 2, 2)
    with pytest.raises(BadPicture, match=rf"\A{side}x{side} pixels are {megapixels} megapixels"):
        Loaded(data)


def test_headers_that_disagree_are_refused(make: Make) -> None:
    jpeg = make("jpeg")
    frame = jpeg.index(b"\xff\xc0")
    large = jpeg[frame : frame + 5] + struct.pack(">HH", 60_000, 60_000) + jpeg[frame + 9 : frame + 19]
    with pytest.raises(BadPicture, match="two frame headers"):
        Loaded(jpeg[:frame] + large + jpeg[frame:])
    with pytest.raises(BadPicture, match="differ in size"):
        Loaded(webp_with(make("webp"), (2, 2), 0))
    second = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    with pytest.raises(BadPicture, match="two headers"):
        Loaded(png((2, 2), 8, 0, [b"ab", b"cd"], second))


def measured(path: Path, how: str) -> tuple[object, int, int]:
    run = [sys.executable, "-c", CHILD, str(path), how]
    done = subprocess.run(run, check=True, capture_output=True, text=True)
    said, before, most = json.loads(done.stdout)
    assert done.stderr == ""
    return said, before, most


@pytest.mark.parametrize("kind", ["grey of 16 bits", "colours of 16 bits with alpha", "palette with alpha", "inks"])
def test_39_megapixels_are_converted_in_less_than_500_mb(kind: str, tmp_path: Path) -> None:
    side, path = 6245, tmp_path / "large"
    if kind == "grey of 16 bits":
        path.write_bytes(flat(side, 0, 1, 16))
    elif kind == "colours of 16 bits with alpha":
        path.write_bytes(flat(side, 6, 4, 16))
    elif kind == "palette with alpha":
        palette = chunk(b"PLTE", bytes(768)) + chunk(b"tRNS", bytes(range(256)))
        path.write_bytes(flat(side, 3, 1, 8, palette))
    else:
        Image.new("CMYK", (side, side), (1, 2, 3, 4)).save(path, "JPEG")
    said, before, most = measured(path, "load")
    assert said == ["image/jpeg" if kind == "inks" else "image/png", side, side]
    assert before < most < 500
    if kind == "inks":
        assert measured(path, "examine")[2] < 500


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    together, most, lock = 0, 0, threading.Lock()
    decode = convert._decoded

    def watched(plain: bytes) -> Image.Image:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        gate.wait(0.05)
        try:
            return decode(plain)
        finally:
            with lock:
                together -= 1

    gate = threading.Event()
    monkeypatch.setattr(convert, "_decoded", watched)
    monkeypatch.setattr(convert, "LARGE", 99)

    def load(side: int) -> None:
        threads = [threading.Thread(target=Loaded, args=(flat(side, 4, 2),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    load(10)
    assert most == 1
    most = 0
    load(9)
    assert most > 1
