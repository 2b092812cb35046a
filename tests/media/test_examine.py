"""Every pixel of a sound picture can be decoded, and pixels that are missing behind sound markers are missed."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from handmade import chunk, exif, gif, png, riff, saved, segment, webp_with
from PIL import Image, ImageFile

from whyfeel.media import BadPicture, Loaded, examine_bytes
from whyfeel.media.headers import walk
from whyfeel.media.png import check_rows

Make = Callable[[str], bytes]

JPEGS = ["jpeg", "jpeg progressive", "jpeg grey", "jpeg cmyk", "jpeg restarts", "jpeg icc", "jpeg thumbnail"]
PNGS = ["png", "png grey", "png palette", "png alpha", "png one bit", "png interlaced", "png animated"]


def test_every_kind_is_sound(picture: bytes) -> None:
    assert examine_bytes(picture) is None
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (8, 8), (16, 16), (17, 33), (256, 3), (640, 480)])
@pytest.mark.parametrize("quality", [1, 50, 100])
@pytest.mark.parametrize("more", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 2}])
def test_sound_jpegs_miss_no_pixels(size: tuple[int, int], quality: int, more: dict[str, int]) -> None:
    for mode in ("RGB", "L"):
        picture = Image.effect_noise(size, 80).convert(mode)
        assert examine_bytes(saved(picture, "JPEG", quality=quality, **more)) is None


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_jpeg_that_ends_early_behind_a_sound_end_marker(name: str, share: float, make: Make) -> None:
    whole = make(name)
    scan = whole.rindex(b"\xff\xda") + 14
    cut = whole[: scan + int((len(whole) - scan) * share)].rstrip(b"\xff") + b"\xff\xd9"
    Loaded(cut)  # nothing in its markers shows it
    assert examine_bytes(cut) == "cannot be decoded: pixels are missing before the end marker"


@pytest.mark.parametrize("name", PNGS)
def test_a_png_whose_rows_end_early(name: str, make: Make) -> None:
    whole = make(name)
    start = whole.index(b"IDAT") - 4
    length = int.from_bytes(whole[start : start + 4], "big")
    rows = zlib.decompress(whole[start + 8 : start + 8 + length])
    check_rows(walk(whole).plain)
    for kept in (len(rows) - 1, len(rows) // 2, 0):
        short = whole[:start] + chunk(b"IDAT", zlib.compress(rows[:kept])) + chunk(b"IEND", b"")
        with pytest.raises(BadPicture, match=rf"{kept:,} bytes of pixels came, expected {len(rows):,}"):
            check_rows(walk(short).plain)
        assert (examine_bytes(short) or "").startswith("cannot be decoded: ")
    more = whole[:start] + chunk(b"IDAT", zlib.compress(rows + b"more")) + chunk(b"IEND", b"")
    assert examine_bytes(more) is None


@pytest.mark.parametrize("rows", [1, 20, 29])
def test_rows_that_the_decoder_makes_up_are_missed(rows: int) -> None:
    data = png((30, 30), 8, 2, [bytes(range(90))] * rows)
    Loaded(data)
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()  # says nothing
    assert examine_bytes(data) == f"cannot be decoded: {91 * rows:,} bytes of pixels came, expected 2,730"


def test_a_png_in_many_parts_is_put_together() -> None:
    coded = zlib.compress(b"\x00abc\x00def")
    parts = b"".join(chunk(b"IDAT", coded[i : i + 1]) + chunk(b"IDAT", b"") for i in range(1, len(coded)))
    data = png((3, 2), 8, 0, [])
    start = data.index(b"IDAT") - 4
    assert examine_bytes(data[:start] + chunk(b"IDAT", coded[:1]) + parts + chunk(b"IEND", b"")) is None


def test_a_png_with_damaged_pixels() -> None:
    coded = bytearray(zlib.compress(bytes(range(256)) * 40))
    coded[40] ^= 0xFF
    data = png((255, 40), 8, 0, [])
    start = data.index(b"IDAT") - 4
    assert (examine_bytes(data[:start] + chunk(b"IDAT", bytes(coded)) + chunk(b"IEND", b"")) or "").startswith("cannot")


def test_a_small_png_that_inflates_to_gigabytes_is_not_inflated() -> None:
    """Only as many bytes are inflated as the rows need."""
    data = walk(png((1, 1), 8, 0, [bytes(30_000_000)])).plain
    many = walk(png((3000, 3000), 8, 2, [bytes(9000)] * 3000)).plain
    tracemalloc.start()
    check_rows(data)
    check_rows(many)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5_000_000


def test_a_gif_that_ends_early() -> None:
    data = gif((4, 4), [((0, 0, 4, 4), bytes(16), None)], [0] * 12)
    assert examine_bytes(data) is None
    short = gif((4, 4), [((0, 0, 4, 4), bytes(7), None)], [0] * 12)
    assert (examine_bytes(short) or "").startswith("cannot be decoded: ")


@pytest.mark.parametrize("name", ["webp", "webp lossless"])
def test_a_webp_that_ends_early(name: str, make: Make) -> None:
    whole = make(name)
    body = riff(whole[12:16], whole[20 : 20 + len(whole) // 2])
    assert (examine_bytes(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body) or "").startswith(
        "cannot be dec"
    )


def test_what_is_no_picture_says_the_same_as_a_run(make: Make) -> None:
    for data in (b"", b"<html>", make("jpeg")[:-2], make("png")[:-1], png((1, 1), 8, 0, [b"a"], chunk(b"ABCD", b""))):
        with pytest.raises(BadPicture) as refused:
            Loaded(data)
        assert examine_bytes(data) == str(refused.value)


def test_metadata_do_not_disturb(make: Make) -> None:
    data = make("jpeg")
    assert examine_bytes(data[:2] + segment(0xE1, exif(6) + b"\xff\xd9") + data[2:] + b"more") is None
    assert examine_bytes(webp_with(make("webp"), (37, 23), 8, after=riff(b"EXIF", exif(3)))) is None
