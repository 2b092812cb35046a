"""Blurring a region of a picture: strongly, with soft edges, and always in the same way."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whyfeel.media import BadPicture, Loaded
from whyfeel.media.headers import walk
from whyfeel.media.picture import Walked

if TYPE_CHECKING:
    from PIL import Image

BLUR = "gauss/1"  # these rules, as they enter the spec of a run
QUALITY = 95
LEAST_EDGE = 2  # pixels

Box = tuple[int, int, int, int]
Floats = NDArray[np.float64]


def upright_size(walked: Walked) -> tuple[int, int]:
    """Width and height of a picture as it is looked at."""
    size = walked.header.width, walked.header.height
    return (size[1], size[0]) if walked.orientation > 4 else size


def blurred(data: bytes, box: Box | None) -> bytes:
    """A picture with one region blurred, as a file.

    Pixels in the box are replaced by those of a Gaussian blur whose standard deviation is half the box's longer side
    (Pillow's approximation of one by three box filters). Outside, this fades linearly over an edge of a sixteenth of
    the longer side, at least LEAST_EDGE pixels; beyond it no pixel changes. What was coded with loss becomes JPEG of
    quality 95 without colour subsampling, all else PNG, also where there is no box: two of a picture's files differ
    by the blur alone.

    Args:
        data: any picture that can be sent; it is made upright and opaque as it would be for sending.
        box: left, top, right and bottom of the region in pixels of the upright picture, None to blur nothing.

    Raises:
        BadPicture: it cannot be sent, or not be decoded.
    """
    from PIL import Image  # noqa: PLC0415 - decoding is not on the way of a run that changes nothing

    lossy = walk(data).lossy
    try:
        picture: Image.Image = Image.open(io.BytesIO(base64.b64decode(Loaded(data).base64)))
        profile = picture.info.get("icc_profile")
        picture = picture if picture.mode in {"L", "RGB"} else picture.convert("RGB")
        if box is not None:
            _blur(picture, box)
        out = io.BytesIO()
        if lossy:
            picture.save(out, "JPEG", quality=QUALITY, subsampling=0, icc_profile=profile)
        else:
            picture.save(out, "PNG", icc_profile=profile)
    except (OSError, ValueError, SyntaxError) as error:
        raise BadPicture(f"cannot be decoded: {' '.join(str(error).split())}") from None
    return out.getvalue()


def _blur(picture: Image.Image, box: Box) -> None:
    """Blur a region in place; what lies farther away than four deviations has no part in it."""
    from PIL import Image, ImageFilter  # noqa: PLC0415

    left, top, right, bottom = box
    longer = max(right - left, bottom - top)
    edge = max(LEAST_EDGE, longer // 16)
    reach = edge + 2 * longer
    width, height = picture.size
    around = max(0, left - reach), max(0, top - reach), min(width, right + reach), min(height, bottom + reach)
    soft = picture.crop(around).filter(ImageFilter.GaussianBlur(longer / 2))
    mask = Image.fromarray(_mask(box, around, edge))
    picture.paste(soft, around[:2], mask)


def _mask(box: Box, around: Box, edge: int) -> NDArray[np.uint8]:
    """255 in the box, fading to 0 over the edge; shape (height, width) of what is around."""
    across = _ramp(box[0], box[2], around[0], around[2], edge)
    down = _ramp(box[1], box[3], around[1], around[3], edge)
    return np.rint(255 * np.outer(down, across)).astype(np.uint8)


def _ramp(start: int, end: int, first: int, last: int, edge: int) -> Floats:
    """1 from start up to end, falling to 0 on either side; for the pixels from first up to last."""
    at = np.arange(first, last)
    away = np.maximum(np.maximum(start - at, at - (end - 1)), 0)
    ramp: Floats = np.maximum(1 - away / (edge + 1), 0.0)
    return ramp
