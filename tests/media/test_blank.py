"""The picture that shows nothing."""

from __future__ import annotations

import io
from contextlib import closing

from PIL import Image

from whyfeel.media import BLANK, Loaded, MediaStore
from whyfeel.media.blank import blank_png


def test_it_is_a_grey_square_that_any_decoder_reads() -> None:
    with Image.open(io.BytesIO(blank_png())) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("PNG", (512, 512))
        assert picture.convert("RGB").getcolors() == [(512 * 512, (128, 128, 128))]


def test_its_bytes_are_always_the_same_and_sent_as_they_are() -> None:
    assert blank_png() == blank_png()
    loaded = Loaded(blank_png())
    assert (loaded.header.mime, loaded.header.width, loaded.header.height) == ("image/png", 512, 512)


async def test_a_store_without_a_folder_has_it() -> None:
    with closing(MediaStore(None)) as store:
        assert store.read(BLANK) == blank_png()
        assert (await store.load(BLANK)).token == Loaded(blank_png()).token
