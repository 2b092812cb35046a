"""What is left out of pictures that need no other change, and that not a byte more is."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable

import pytest
from handmade import chunk, exif, gif, opened, pixels, png, riff, saved, segment, webp_with
from PIL import Image

from whyfeel.media import BadPicture, Header, Loaded
from whyfeel.media.headers import walk

Make = Callable[[str], bytes]

SECRET = b"GPS 48.2082N 16.3738E"
PROFILE = bytes(16) + b"RGB " + bytes(range(256)) * 300  # long enough for several segments
PALETTE = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]
UPRIGHT = exif(1)


def sent(data: bytes) -> bytes:
    return base64.b64decode(Loaded(data).base64, validate=True)


@pytest.mark.parametrize(
    "name",
    [
        *("jpeg", "jpeg progressive", "jpeg grey", "jpeg restarts", "jpeg icc", "jpeg fill bytes"),
        *("png", "png grey", "png palette", "png one bit", "png interlaced", "gif 87a", "webp", "webp lossless"),
    ],
)
def test_a_picture_with_nothing_to_cut_is_sent_byte_by_byte(name: str, make: Make) -> None:
    assert walk(make(name)).plain is make(name)
    assert sent(make(name)) == make(name)


def test_a_jpeg_keeps_what_decides_its_pixels_and_nothing_else(make: Make) -> None:
    start, rest = b"\xff\xd8", make("jpeg progressive")[2:]
    jfif, rest = rest[:18], rest[18:]
    assert jfif == segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
    scan = rest.index(b"\xff\xda", rest.index(b"\xff\xda") + 2)  # the second one
    adobe, profile = segment(0xEE, b"Adobe\x00\x64\x00\x00\x00\x00\x01"), segment(0xE2, b"ICC_PROFILE\x00\x01\x01abc")
    dropped = [
        segment(0xE1, UPRIGHT),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta/>" + SECRET),
        segment(0xE0, b"JFXX\x00\x10" + make("jpeg")[:60]),
        segment(0xE2, b"MPF\x00" + SECRET),
        segment(0xED, b"Photoshop 3.0\x00" + SECRET),
        segment(0xEE, b"Other" + SECRET),
        segment(0xEF, SECRET),
        segment(0xFE, SECRET + b"\xff\xd9"),
        segment(0xF7, SECRET),
    ]
    whole = start + jfif + b"".join(dropped) + profile + adobe + rest[:scan] + b"".join(dropped) + rest[scan:]
    assert sent(whole + make("jpeg") + SECRET) == start + jfif + profile + adobe + rest
    assert Loaded(whole).header == Header("image/jpeg", 37, 23)


def test_pixels_do_not_change_when_metadata_go(make: Make) -> None:
    for name in ("jpeg", "jpeg grey", "jpeg restarts", "jpeg icc"):
        data = make(name)
        loaded = sent(data[:2] + segment(0xE1, UPRIGHT) + data[2:-2] + segment(0xFE, SECRET) + data[-2:] + SECRET)
        assert loaded == data
        assert SECRET not in loaded


def test_a_thumbnail_in_the_jfif_header_is_taken_out(make: Make) -> None:
    data = make("jpeg")
    small = segment(0xE0, data[6:18] + b"\x02\x01" + b"thumbs")
    assert sent(data[:2] + small + data[20:]) == data


def test_colours_of_a_jpeg_do_not_change() -> None:
    """Adobe's segment says that these three components are red, green and blue."""
    picture = Image.linear_gradient("L").resize((32, 32))
    colours = Image.merge("RGB", [picture, picture.rotate(90), picture.rotate(180)])
    data = saved(colours, "JPEG", keep_rgb=True, icc_profile=PROFILE, comment=SECRET, exif=UPRIGHT)
    data = data[:2] + segment(0xEE, b"Adobe\x00\x64\x00\x00\x00\x00\x00") + data[2:]
    loaded = sent(data)
    assert pixels(loaded) == pixels(data)
    assert opened(loaded).info["icc_profile"] == PROFILE
    assert opened(loaded).info["adobe_transform"] == 0
    assert SECRET not in loaded
    assert b"Exif" not in loaded


def test_a_png_keeps_what_decides_its_colours_and_nothing_else() -> None:
    kept = [chunk(kind, b"12345678") for kind in (b"cHRM", b"gAMA", b"sBIT", b"sRGB", b"cICP", b"mDCV", b"cLLI")]
    kinds = (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"pHYs", b"bKGD", b"prVt", b"acTL", b"fcTL", b"fdAT")
    dropped = [chunk(kind, SECRET) for kind in kinds]
    rows = [b"\x10\x20", b"\x30\x40"]
    whole = png((2, 2), 8, 0, rows, *kept, *dropped, after=b"".join(dropped))
    assert sent(whole + SECRET) == png((2, 2), 8, 0, rows, *kept)


def test_the_profile_of_a_png_stays() -> None:
    data = saved(Image.new("RGB", (3, 3), "red"), "PNG", icc_profile=PROFILE, exif=UPRIGHT)
    assert opened(sent(data)).info["icc_profile"] == PROFILE
    assert SECRET not in sent(data)


@pytest.mark.parametrize("name", ["webp", "webp lossless"])
def test_a_webp_loses_metadata_and_their_flags(name: str, make: Make) -> None:
    profile = riff(b"ICCP", PROFILE)
    more = riff(b"EXIF", UPRIGHT) + riff(b"XMP ", SECRET) + riff(b"ABCD", SECRET + b"!")
    whole = webp_with(make(name), (37, 23), 0x20 | 0x08 | 0x04, before=profile, after=more)
    plain = webp_with(make(name), (37, 23), 0x20, before=profile)
    assert sent(whole + SECRET) == plain
    assert sent(plain) == plain
    assert pixels(plain) == pixels(make(name))
    assert opened(plain).info["icc_profile"] == PROFILE


def test_a_webp_without_its_last_even_byte_is_taken(make: Make) -> None:
    data = make("webp")
    assert sent(webp_with(data, (37, 23), 0, after=b"ABCD\x01\x00\x00\x00x")) == webp_with(data, (37, 23), 0)


def test_a_gif_keeps_its_first_frame_and_nothing_else() -> None:
    full = ((0, 0, 2, 2), b"\x00\x01\x02\x03", None)
    other = ((1, 1, 1, 1), b"\x02", 0)
    loop = b"!\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
    comment, text = b"!\xfe\x15" + SECRET + b"\x00", b"!\x01\x0c" + bytes(12) + b"\x02hi\x00"
    plain = gif((2, 2), [full], PALETTE)
    assert sent(plain) == plain
    whole = gif((2, 2), [full, other, full], PALETTE, loop, comment, text)
    assert sent(whole[:-1] + b"\x00\x00" + comment + b";" + SECRET) == plain
    assert sent(gif((2, 2), [full], PALETTE, comment + b"\x00")) == plain
    assert opened(plain).convert("RGB").get_flattened_data() == ((0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255))


def test_an_animated_png_keeps_the_picture_that_every_reader_shows(make: Make) -> None:
    loaded = sent(make("png animated"))
    assert b"acTL" not in loaded
    assert pixels(loaded) == pixels(make("png"))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            lambda make: make("jpeg").replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"),
            "3 components of 12 bits",
        ),
        (lambda make: make("jpeg").replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc9\x00\x11\x08"), "rare kind (frame 0xC9)"),
        (lambda make: make("jpeg")[:-2] + make("jpeg")[2:], "two frame headers"),
        (lambda make: make("jpeg")[:-2] + b"\xff\x02\x00\x04ab\xff\xd9", "a marker 0x2 stands"),
        (lambda make: make("jpeg")[:-2] + b"\xff\xe1\xff\xff\xff\xd9", "cut off or damaged"),
        (lambda make: make("jpeg")[:-2] + segment(0xE1, b"\xff\xd9"), "cut off or damaged"),
        (lambda make: png((1, 1), 8, 0, [b"a"], chunk(b"ABCD", b"")), "needs a chunk b'ABCD'"),
        (lambda make: png((1, 1), 8, 0, [b"a"], chunk(b"IHDR", bytes(13))), "two headers"),
        (lambda make: png((1, 1), 8, 3, [b"a"]), "no pixels or no palette"),
        (lambda make: make("png").replace(b"IDAT", b"iDAT"), "checksum of a b'iDAT' chunk"),
        (lambda make: make("png")[:-12] + make("png")[-12:-1] + b"\x00" + make("png")[-12:], "checksum of a b'IEND'"),
        (lambda make: make("png")[:40] + make("png")[-12:], "cut off"),
        (lambda make: gif((2, 2), [], PALETTE), "no frame"),
        (lambda make: gif((2, 2), [((0, 0, 2, 0), b"", None)], PALETTE), "2x0 pixels"),
        (lambda make: gif((2, 2), [((0, 0, 2, 2), bytes(4), None)], PALETTE)[:-1] + b"?\x00;", "begins with b'?'"),
        (lambda make: gif((2, 2), [((0, 0, 2, 2), bytes(4), None)], PALETTE)[:-1] + b"!\xfe\xffabc\x00;", "cut off"),
        (lambda make: webp_with(make("webp"), (37, 24), 0), "differ in size"),
        (lambda make: webp_with(b"x" * 12, (37, 24), 0), "no pixels"),
        (lambda make: webp_with(make("webp"), (37, 23), 0, after=b"EXIF\xff\x00\x00\x00"), "longer than the file"),
        (lambda make: webp_with(make("webp"), (37, 23), 0, after=riff(b"VP8X", bytes(10))), "stands twice"),
    ],
)
def test_what_is_damaged_inside_is_refused(data: Callable[[Make], bytes], says: str, make: Make) -> None:
    with pytest.raises(BadPicture, match=r"\A[^\n]+\Z") as refused:
        Loaded(data(make))
    assert says in str(refused.value)


def test_coded_data_end_where_they_end(make: Make) -> None:
    """Stuffed bytes, restart markers and fill bytes belong to them; an end marker in a comment does not end them."""
    data = make("jpeg restarts")
    assert b"\xff\xd0" in data
    assert b"\xff\x00" in data
    filled = data[:-2] + b"\xff\xff" + data[-2:]
    assert sent(filled) == filled
    hidden = segment(0xFE, b"\xff\xd9" * 20)
    assert sent(data[:-2] + hidden + data[-2:] + b"\xff\xd9") == data


def test_a_long_run_of_fill_bytes_takes_no_longer_than_its_length(make: Make) -> None:
    data = make("jpeg")[:-2] + b"\xff" * 3_000_000 + b"\x00" * 3_000_000 + b"\xff\xd9"
    assert walk(data).plain is data


def test_many_small_parts_stay_small_in_memory() -> None:
    parts = (chunk(b"sRGB", b"\x00") + chunk(b"tEXt", b"")) * 20_000
    assert len(sent(png((1, 1), 8, 0, [b"a"], parts))) == len(png((1, 1), 8, 0, [b"a"])) + 20_000 * 13


def test_a_size_in_a_header_is_that_of_the_picture_sent(make: Make) -> None:
    assert Loaded(make("webp")).header == Header("image/webp", 37, 23)
    assert struct.unpack("<HH", sent(make("gif 89a"))[6:10]) == (37, 23)
