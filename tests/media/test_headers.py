"""Which files are taken for pictures, and what their headers are read as.

What holds for a file that was cut off: no proper beginning of a JPEG, PNG or WebP is taken. Of a GIF, whose end
marker is the single byte ";", a beginning is taken only where it ends with a zero byte and ";" (and more zeros).
"""

from __future__ import annotations

import io
import struct
import zlib
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


@pytest.mark.parametrize("name", ["jpeg", "jpeg progressive", "jpeg restarts", "png", "png interlaced", "gif animated"])
@pytest.mark.parametrize("trailer", [b"\x01" * 65_536, b"\x01" * 300_000, b"\xff" * 100_000])
def test_much_behind_the_end_does_no_harm(name: str, trailer: bytes, make: Make) -> None:
    """Where the end marker is not found near the end, the whole file is walked; a cut is still told."""
    whole = make(name)
    assert read(whole + trailer) == read(whole)
    for cut in (whole[:-1], whole[: len(whole) * 2 // 3]):
        assert not taken(cut + trailer)


class Watched(io.BytesIO):
    """A file that counts the bytes read of it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.count += len(data)
        return data


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif 87a", "webp"])
def test_only_the_start_and_the_end_are_read(kind: str, make: Make) -> None:
    """Of a large file with metadata in front, and with a camera's note at the end."""
    whole = make(kind)
    filling = b"\x01" * 50_000
    if kind == "jpeg":
        whole = whole[:2] + (b"\xff\xe5\xc3\x52" + filling) * 20 + whole[2:] + b"note"
    elif kind == "png":
        private = b"\x00\x00\xc3\x50prVt" + filling + struct.pack(">I", zlib.crc32(b"prVt" + filling))
        whole = whole[:33] + private * 20 + whole[33:] + b"note"
    elif kind == "gif 87a":
        whole = whole[:-1] + (b"!\xfe" + (b"\x01\x01") * 25_000 + b"\x00") * 20 + b";"
    else:
        whole += filling * 20
    stream = Watched(whole)
    assert read_header(stream) == read(make(kind))
    assert stream.count < 70_000 < len(whole)


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
        (
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x03\x02\x00\x00\x00",
            "colour type 2 with 3",
        ),
        (
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x05\x00\x00\x00",
            "colour type 5 with 8",
        ),
        (
            b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x02",
            "methods [0, 0, 2]",
        ),
        (b"\xff\xd8\xff\xc0\x00\x0b\x0c\x00\x01\x00\x01\x01" + bytes(20), "1 components of 12 bits"),
        (b"\xff\xd8\xff\xc3\x00\x0b\x08\x00\x01\x00\x01\x01" + bytes(20), "rare kind (frame 0xC3)"),
        (b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x02" + bytes(20), "2 components of 8 bits"),
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
    canvas, widest = ((n - 1).to_bytes(3, "little") for n in (2**24, 30_000))
    assert read(webp[:24] + widest + bytes(3) + webp[30:]) == Header("image/webp", 30_000, 1)
    assert read(gif[:6] + struct.pack("<HH", 3, 29_999) + gif[10:]) == Header("image/gif", 3, 29_999)
    assert read(png[:16] + struct.pack(">II", 3, 29_998) + png[24:]) == Header("image/png", 3, 29_998)
    for data, size in (
        (png[:16] + struct.pack(">II", 2**32 - 1, 3) + png[24:], "4294967295x3"),
        (gif[:6] + struct.pack("<HH", 65_534, 65_535) + gif[10:], "65534x65535"),
        (webp[:24] + canvas + (2).to_bytes(3, "little") + webp[30:], "16777216x3"),
    ):
        with pytest.raises(BadPicture, match=f"{size} pixels are .* megapixels; at most 40 are allowed"):
            read(data)


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
