"""Which files are taken for pictures, and what their headers are read as.

What holds for a file that was cut off: no proper beginning of a JPEG, PNG or WebP is taken. Of a GIF, whose end
marker is the single byte ";", a beginning is taken only where it ends with a zero byte and ";" (and more zeros).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from whyfeel.media import BadPicture, Header, read_header

Make = Callable[[str], bytes]

STARTS = [b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\x00\x10", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", b"GIF89a", b"GIF87a"]
WEBPS = [b"RIFF\x00\x00\x00\x00WEBP" + kind + b"\x00\x00\x00\x00" for kind in (b"VP8 ", b"VP8L", b"VP8X", b"")]
FAMILIES = ["jpeg progressive", "png", "gif 89a", "webp", "webp lossless", "webp alpha"]


def read(data: bytes) -> Header:
    return read_header(io.BytesIO(data))


def taken(data: bytes) -> bool:
    """Whether the bytes are taken; anything but a Header or BadPicture is an error of the test."""
    try:
        header = read(data)
    except BadPicture:
        return False
    assert header.width > 0
    assert header.height > 0
    return True


def test_every_kind_is_read_as_pillow_reads_it(picture: bytes) -> None:
    with Image.open(io.BytesIO(picture)) as judge:
        judge.load()
        # Pillow calls an animated PNG image/apng, a name that no provider documents
        mime = "image/png" if judge.format == "PNG" else judge.get_format_mimetype()
        assert read(picture) == Header(str(mime), *judge.size)


def test_the_kinds_are_what_they_are_called(make: Make) -> None:
    """Else a change in Pillow could quietly leave a format untested."""
    assert make("gif 87a").startswith(b"GIF87a")
    assert make("gif 89a").startswith(b"GIF89a")
    assert [make(name)[12:16] for name in ("webp", "webp lossless", "webp alpha", "webp animated")] == [
        b"VP8 ",
        b"VP8L",
        b"VP8X",
        b"VP8X",
    ]
    assert b"\xff\xc0" in make("jpeg")
    assert b"\xff\xc2" in make("jpeg progressive")
    assert make("png interlaced")[28] == 1
    assert make("jpeg fill bytes")[2:6] == b"\xff\xff\xff\xff"


def test_a_picture_that_was_cut_off_is_not_taken(kind: str, picture: bytes) -> None:
    step = 1 if len(picture) < 8_000 else 61
    cut = [k for k in (*range(0, len(picture) - 64, step), *range(len(picture) - 64, len(picture))) if k >= 0]
    accepted = [k for k in cut if taken(picture[:k])]
    if kind.startswith("gif"):
        assert accepted == [k for k in cut if k > 13 and picture[:k].rstrip(b"\x00").endswith(b"\x00;")]
    else:
        assert accepted == []


def test_a_gif_cut_behind_a_semicolon_is_not_taken(make: Make) -> None:
    whole = make("gif 89a")
    inside = whole.index(b"a ; in") + 3
    assert whole[:inside].endswith(b";")
    assert not taken(whole[:inside])


@pytest.mark.parametrize("name", ["jpeg", "jpeg progressive", "png", "webp", "webp lossless"])
def test_what_cameras_and_editors_append_does_no_harm(name: str, make: Make) -> None:
    expected = read(make(name))
    for trailer in (b"\x00", b"\x00" * 1000, b"<!-- edited -->\n", bytes(range(256)) * 200, make("jpeg"), make("png")):
        assert read(make(name) + trailer) == expected


def test_zeros_behind_a_gif_do_no_harm(make: Make) -> None:
    assert read(make("gif animated") + b"\x00" * 500) == read(make("gif animated"))


@pytest.mark.parametrize("name", ["jpeg", "png"])
def test_an_end_marker_is_looked_for_in_the_last_64_kib(name: str, make: Make) -> None:
    marker = 2 if name == "jpeg" else 12
    assert taken(make(name) + b"\x01" * (65_536 - marker))
    assert not taken(make(name) + b"\x01" * (65_536 - marker + 1))


def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture(make: Make) -> None:
    whole = make("jpeg thumbnail")
    assert whole.count(b"\xff\xd9") == 2
    assert read(whole) == read(make("jpeg"))
    assert not taken(whole[:-2])


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\n", "not a JPEG, PNG, WebP or GIF"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "<!DOCTYPE ht"),
        (b"version https://git-lfs.github.com/spec/v1\n", "version http"),
        (b"BM" + bytes(60), "not a JPEG"),
        (b"II*\x00" + bytes(60), "not a JPEG"),
        (b"\x00\x00\x00\x20ftypavif" + bytes(60), "not a JPEG"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40), "not a JPEG"),
        (b"\xff\xd8\xff", "before its first scan"),
        (b"\xff\xd8\xff\xd9", "before its first scan"),
        (b"\xff\xd8\xff\xe0\x00\x01" + bytes(20), "cut off or damaged"),
        (b"\xff\xd8\xff\xe0\x00\x04\x00\x00\x00\x00", "cut off or damaged"),
        (b"\xff\xd8\xff\xe0\xff\xff" + bytes(100), "cut off or damaged"),
        (b"\xff\xd8\xff\xc0\x00\x05\x08\x00\x10", "frame header is cut off"),
        (b"\xff\xd8\xff\xda\x00\x02" + bytes(10) + b"\xff\xd9", "no frame header"),
        (b"\xff\xd8" + b"\xff" * 5000, "before its first scan"),
        (b"\x89PNG\r\n\x1a\n", "PNG header"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIDAT" + bytes(40), "PNG header"),
        (b"GIF89a\x01\x00\x01", "GIF header"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00", "GIF is cut off"),
        (b"RIFF\x04\x00\x00\x00WEBP", "WebP header"),
        (b"RIFF\xff\xff\xff\xffWEBPVP8 " + bytes(40), "shorter than its header says"),
        (b"RIFF\x20\x00\x00\x00WEBPVP8Z" + bytes(40), "WebP header"),
        (b"RIFF\x20\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x2e" + bytes(40), "WebP header"),
    ],
)
def test_what_is_no_picture_is_refused_and_the_message_says_why(data: bytes, says: str) -> None:
    with pytest.raises(BadPicture, match=r"\A[^\n]+\Z") as refused:
        read(data)
    assert says in str(refused.value)


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (0, 0)])
def test_a_picture_without_pixels_is_refused(width: int, height: int, make: Make) -> None:
    png, gif = make("png"), make("gif 87a")
    for data in (
        png[:16] + struct.pack(">II", width, height) + png[24:],
        gif[:6] + struct.pack("<HH", width, height) + gif[10:],
    ):
        with pytest.raises(BadPicture, match=f"{width}x{height} pixels"):
            read(data)


def test_the_largest_sizes_are_read_in_full(make: Make) -> None:
    """Width and height take all their bits, and stay apart."""
    png, gif, webp = make("png"), make("gif 87a"), make("webp alpha")
    large, wide = 2**31 - 1, 65_535
    assert read(png[:16] + struct.pack(">II", large, 3) + png[24:]) == Header("image/png", large, 3)
    assert read(gif[:6] + struct.pack("<HH", 3, wide) + gif[10:]) == Header("image/gif", 3, wide)
    canvas = (2**24 - 1).to_bytes(3, "little") + (2).to_bytes(3, "little")
    assert read(webp[:24] + canvas + webp[30:]) == Header("image/webp", 2**24, 3)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200) | st.builds(bytes.__add__, st.sampled_from(STARTS + WEBPS), st.binary(max_size=120)))
def test_random_bytes_never_crash(data: bytes) -> None:
    taken(data)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(FAMILIES), st.data())
def test_damaged_pictures_never_crash(make: Make, name: str, data: st.DataObject) -> None:
    damaged = bytearray(make(name))
    for place in data.draw(st.lists(st.integers(0, min(600, len(damaged)) - 1), min_size=1, max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    taken(bytes(damaged))
    taken(bytes(damaged[:cut]))
    taken(bytes(damaged[:cut] + damaged[cut + 1 :]))
