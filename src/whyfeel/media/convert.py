"""Pictures whose pixels cannot be sent as they are: decoded by Pillow, changed by stated rules, encoded anew.

The decoder sees only what the walk kept: no metadata, one frame, no bytes behind the end.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Lock
from zlib import crc32

from PIL import Image, UnidentifiedImageError, WebPImagePlugin

from whyfeel.media.jpeg import START as JPEG_START
from whyfeel.media.jpeg import padded
from whyfeel.media.picture import BadPicture, Header, Walked, check_size
from whyfeel.media.png import START as PNG_START
from whyfeel.media.png import check_rows

FORMATS = ("JPEG", "PNG", "GIF", WebPImagePlugin.WebPImageFile.format)
LARGE = 8_000_000  # pixels; of larger pictures one is decoded at a time, so that threads do not add up their memory
QUALITY = 95
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SPACES = {"RGB": b"RGB ", "L": b"GRAY"}  # what a colour profile says it is for

_large = Lock()


def converted(walked: Walked, max_side: int | None) -> tuple[bytes, Header]:
    """A picture made fit to be sent, and its new header.

    In this order: 16 bits become their high byte, so that 40000 of 65535 is 156 of 255; four inks become RGB by
    Pillow's formula, (255 - ink)(255 - black) / 255, inks counted as Adobe does; what is transparent is laid on white,
    and so is a first frame that does not cover its picture, cut at its edges; the longest side is brought down to
    max_side (Lanczos, never up); and the picture is turned upright. A colour in a PNG of 16 bits that stands for
    transparent is compared by its high bytes.

    What was coded with loss becomes JPEG of quality 95 without colour subsampling, all else PNG. A colour profile
    stays where it is one for the result; no other metadata is written.

    Args:
        walked: what the walk through the file kept.
        max_side: pixels of the longest side at most, None for as many as it has.

    Raises:
        BadPicture: no decoder takes it.
    """
    with _decoding(walked.header):
        picture = _decoded(walked.plain)
        profile = picture.info.get("icc_profile")
        picture = _in_eight_bits(picture, walked.depth, grey=walked.grey)
        picture = _on_white(picture, walked)
        picture = _shrunk(picture, max_side)
        if walked.orientation != 1:
            picture = picture.transpose(UPRIGHT[walked.orientation])
        return _encoded(picture, profile, lossy=walked.lossy)


def check_pixels(walked: Walked) -> None:
    """That all pixels of a picture, or of its first frame, are there and can be decoded.

    Raises:
        BadPicture: they cannot, or some are missing.
    """
    with _decoding(walked.header):
        shown = crc32(_decoded(walked.plain).tobytes())  # not the bytes: two large pictures are too much at a time
        if walked.plain.startswith(JPEG_START) and shown != crc32(_decoded(padded(walked.plain)).tobytes()):
            raise BadPicture("cannot be decoded: pixels are missing before the end marker")
        if walked.plain.startswith(PNG_START):
            check_rows(walked.plain)


@contextmanager
def _decoding(header: Header) -> Iterator[None]:
    """Large pictures one at a time; whatever a decoder raises is a BadPicture."""
    with _large if header.width * header.height > LARGE else nullcontext():
        try:
            yield
        except BadPicture:
            raise
        except UnidentifiedImageError:  # its message tells an address in memory
            raise BadPicture("cannot be decoded: the decoder does not know its kind") from None
        except Exception as error:  # noqa: BLE001 - a decoder raises whatever hostile bytes lead it to
            why = " ".join(str(error).split()) or type(error).__name__
            raise BadPicture(f"cannot be decoded: {why}") from None


def _decoded(plain: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(plain), formats=FORMATS)
    check_size(*picture.size)  # as the decoder sees it, before it makes room for the pixels
    picture.load()
    return picture


def _in_eight_bits(picture: Image.Image, depth: int, *, grey: bool) -> Image.Image:
    """L, LA, RGB or RGBA: grey and colours of eight bits, with an alpha channel where anything may be transparent."""
    key = picture.info.pop("transparency", None)  # one colour or index, or an alpha value for each index
    if picture.mode == "I;16":
        picture = Image.frombytes("L", picture.size, picture.tobytes()[1::2])
    elif picture.mode == "1":
        picture = picture.convert("L")
    elif picture.mode == "RGBA" and grey:  # as the decoder reads grey of 16 bits with an alpha channel
        picture = picture.convert("LA")
    if key is None:
        return picture.convert("RGB") if picture.mode in {"P", "CMYK"} else picture
    if picture.mode != "P":
        key = tuple(_scaled(one, depth) for one in key) if isinstance(key, tuple) else _scaled(key, depth)
    picture.info["transparency"] = key
    return picture.convert("LA" if picture.mode == "L" else "RGBA")


def _scaled(sample: int, depth: int) -> int:
    """A sample of so many bits as eight bits, as the decoder scales pixels; bits above them do not count."""
    most = (1 << depth) - 1
    return (sample & most) >> 8 if depth == 16 else (sample & most) * 255 // most


def _on_white(picture: Image.Image, walked: Walked) -> Image.Image:
    seen_through = picture.mode in {"LA", "RGBA"}
    if not seen_through and walked.box is None:
        return picture
    size = (walked.header.width, walked.header.height) if walked.box is not None else picture.size
    part = picture if walked.box is None else picture.crop(walked.box)
    white = Image.new(picture.mode.removesuffix("A"), size, "white")
    white.paste(part, walked.box or (0, 0), part if seen_through else None)
    return white


def _shrunk(picture: Image.Image, max_side: int | None) -> Image.Image:
    longest = max(picture.size)
    if max_side is None or longest <= max_side:
        return picture
    width, height = (max(1, round(side * max_side / longest)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _encoded(picture: Image.Image, profile: bytes | None, *, lossy: bool) -> tuple[bytes, Header]:
    """The picture as a file; the profile goes along where it is for such samples."""
    if profile is not None and profile[16:20] != SPACES.get(picture.mode):
        profile = None
    out = io.BytesIO()
    if lossy:
        picture.save(out, "JPEG", quality=QUALITY, subsampling=0, icc_profile=profile)
    else:
        picture.save(out, "PNG", icc_profile=profile)
    return out.getvalue(), Header("image/jpeg" if lossy else "image/png", *picture.size)
