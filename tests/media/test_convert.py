"""Golden pixels: what becomes of pictures that cannot be sent as they are."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from handmade import chunk, exif, gif, opened, pixels, png, riff, saved, segment, webp_with
from PIL import Image, ImageCms, ImageOps

from whyfeel.media import BadPicture, Header, Loaded, conversion, convert
from whyfeel.media.headers import walk
from whyfeel.media.picture import Walked

Make = Callable[[str], bytes]

WHITE = (255, 255, 255)
PALETTE = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]
# where the pixel comes from that is shown at (column, row), of a stored picture with these last columns and rows
SHOWN: dict[int, Callable[[int, int, int, int], tuple[int, int]]] = {
    1: lambda x, y, w, h: (x, y),
    2: lambda x, y, w, h: (w - x, y),
    3: lambda x, y, w, h: (w - x, h - y),
    4: lambda x, y, w, h: (x, h - y),
    5: lambda x, y, w, h: (y, x),
    6: lambda x, y, w, h: (y, h - x),
    7: lambda x, y, w, h: (w - y, h - x),
    8: lambda x, y, w, h: (w - y, x),
}


def sent(data: bytes, max_side: int | None = None) -> bytes:
    loaded = Loaded(data, max_side)
    result = base64.b64decode(loaded.base64, validate=True)
    picture = opened(result)
    assert loaded.header == Header(f"image/{str(picture.format).lower()}", *picture.size)
    assert picture.mode in {"L", "RGB", "P", "1"}
    assert not picture.getexif()
    return result


def unlike(*values: int) -> Image.Image:
    """Three by two pixels, no two of them alike."""
    picture = Image.new("RGB", (3, 2))
    picture.putdata([(value, 255 - value, 7) for value in values or (0, 50, 100, 150, 200, 250)])
    return picture


class TestSixteenBits:
    def test_grey_becomes_its_high_byte(self) -> None:
        values = [40_000, 0, 255, 256, 65_535, 32_767]
        data = png((6, 1), 16, 0, [struct.pack(">6H", *values)])
        assert values[0] >> 8 == 156
        assert pixels(sent(data)) == [156, 0, 0, 1, 255, 127]

    def test_colours_become_their_high_bytes(self) -> None:
        data = png((2, 1), 16, 2, [struct.pack(">6H", 40_000, 511, 65_535, 255, 256, 32_768)])
        assert pixels(sent(data)) == [(156, 1, 255), (0, 1, 128)]

    def test_colours_with_alpha_are_laid_on_white(self) -> None:
        data = png((3, 1), 16, 6, [struct.pack(">12H", 40_000, 0, 0, 65_535, 9, 9, 9, 255, 65_535, 0, 0, 0x80FF)])
        assert pixels(sent(data)) == [(156, 0, 0), WHITE, (255, 127, 127)]

    def test_grey_with_alpha_is_laid_on_white(self) -> None:
        data = png((3, 1), 16, 4, [struct.pack(">6H", 40_000, 65_535, 0, 0, 0, 0x80FF)])
        assert pixels(sent(data)) == [156, 255, 127]

    def test_a_clear_colour_is_compared_by_high_bytes(self) -> None:
        grey = png((3, 1), 16, 0, [struct.pack(">3H", 40_000, 40_001, 300)], chunk(b"tRNS", struct.pack(">H", 40_000)))
        assert pixels(sent(grey)) == [255, 255, 1]
        colours = struct.pack(">6H", 40_000, 512, 768, 40_000, 512, 1024)
        key = chunk(b"tRNS", struct.pack(">3H", 40_000, 512, 768))
        assert pixels(sent(png((2, 1), 16, 2, [colours], key))) == [WHITE, (156, 2, 4)]


class TestUpright:
    @pytest.mark.parametrize("value", range(1, 9))
    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_pixel_by_pixel_where_coding_loses_nothing(self, value: int, kind: str) -> None:
        stored = unlike()
        options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
        data = saved(stored, kind, exif=exif(value), **options)
        picture = opened(sent(data))
        assert picture.size == ((3, 2) if value < 5 else (2, 3))
        for y in range(picture.height):
            for x in range(picture.width):
                assert picture.getpixel((x, y)) == stored.getpixel(SHOWN[value](x, y, 2, 1))
        assert list(picture.get_flattened_data()) == list(ImageOps.exif_transpose(opened(data)).get_flattened_data())

    @pytest.mark.parametrize("value", range(1, 9))
    def test_a_jpeg(self, value: int) -> None:
        stored = unlike().resize((48, 32), Image.Resampling.NEAREST)
        data = saved(stored, "JPEG", quality=95, subsampling=0, exif=exif(value), comment=b"GPS")
        loaded = sent(data)
        assert b"GPS" not in loaded
        expected = np.asarray(ImageOps.exif_transpose(opened(data)), int)
        assert np.abs(np.asarray(opened(loaded), int) - expected).max() <= 6
        assert opened(loaded).info.get("dpi") is None

    def test_the_first_exif_block_of_a_jpeg_counts(self) -> None:
        data = saved(unlike(), "JPEG")
        assert opened(sent(data[:2] + segment(0xE1, exif(1)) + segment(0xE1, exif(6)) + data[2:])).size == (3, 2)
        assert opened(sent(data[:2] + segment(0xE1, b"XMP") + segment(0xE1, exif(6)) + data[2:])).size == (2, 3)

    def test_grey_and_palette_stay_what_they_are(self) -> None:
        assert opened(sent(saved(unlike().convert("L"), "JPEG", exif=exif(6)))).mode == "L"
        data = saved(unlike().quantize(6), "PNG", exif=exif(3))
        assert pixels(sent(data)) == list(reversed(list(opened(data).convert("RGB").get_flattened_data())))


class TestFourInks:
    INKS = (0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255), (100, 50, 0, 128)

    def jpeg(self, **options: Any) -> bytes:
        picture = Image.new("CMYK", (16 * len(self.INKS), 16))
        for i, inks in enumerate(self.INKS):
            picture.paste(inks, (16 * i, 0, 16 * i + 16, 16))
        return saved(picture, "JPEG", quality=100, subsampling=0, **options)

    def check(self, data: bytes) -> None:
        picture = opened(sent(data))
        assert (picture.format, picture.mode) == ("JPEG", "RGB")
        for i, (*colours, black) in enumerate(self.INKS):
            expected = [(255 - ink) * (255 - black) / 255 for ink in colours]
            found = picture.getpixel((16 * i + 8, 8))
            assert found == pytest.approx(expected, abs=4)

    def test_cmyk_becomes_rgb_as_adobe_counts_inks(self) -> None:
        data = self.jpeg()
        assert b"Adobe" in data
        self.check(data)

    def test_ycck_becomes_rgb(self) -> None:
        """Brightness and differences of the inks as if they were colours, and black inverted."""
        picture = Image.new("CMYK", (16 * len(self.INKS), 16))
        for i, (*inks, black) in enumerate(self.INKS):
            coded = Image.new("RGB", (1, 1), tuple(inks)).convert("YCbCr").getpixel((0, 0))
            stored = (*(255 - value for value in coded), black)  # the encoder inverts all four
            picture.paste(stored, (16 * i, 0, 16 * i + 16, 16))
        data = saved(picture, "JPEG", quality=100, subsampling=0)
        place = data.index(b"Adobe")
        assert data[place + 11] == 0
        self.check(data[: place + 11] + b"\x02" + data[place + 12 :])

    def test_a_profile_for_inks_does_not_go_along(self) -> None:
        profile = bytes(16) + b"CMYK" + bytes(200)
        data = self.jpeg(icc_profile=profile)
        assert opened(data).info["icc_profile"] == profile
        assert "icc_profile" not in opened(sent(data)).info


class TestTransparency:
    def test_half_transparent_red_on_white(self) -> None:
        picture = Image.new("RGBA", (3, 1))
        picture.putdata([(255, 0, 0, 128), (0, 0, 255, 255), (9, 9, 9, 0)])
        for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True})):
            data = saved(picture, kind, **options)
            assert pixels(sent(data)) == [(255, 127, 127), (0, 0, 255), WHITE]
            assert opened(sent(data)).format == "PNG"

    def test_grey_with_alpha(self) -> None:
        picture = Image.new("LA", (3, 1))
        picture.putdata([(0, 128), (77, 255), (9, 0)])
        assert pixels(sent(saved(picture, "PNG"))) == [127, 77, 255]

    def test_a_palette_with_alpha_values(self) -> None:
        palette, alphas = chunk(b"PLTE", bytes(PALETTE)), chunk(b"tRNS", b"\xff\x80\x00")
        data = png((4, 1), 2, 3, [b"\x1b"], palette, alphas)
        assert pixels(sent(data)) == [(0, 0, 0), (255, 127, 127), WHITE, (0, 0, 255)]
        assert pixels(sent(png((4, 1), 2, 3, [b"\x1b"], palette, chunk(b"tRNS", b"\xff\x00")))) == [
            (0, 0, 0),
            WHITE,
            (0, 255, 0),
            (0, 0, 255),
        ]

    @pytest.mark.parametrize(
        ("depth", "row", "key", "expected"),
        [
            (1, b"\x40", 1, [0, 255, 0]),
            (1, b"\x40", 0, [255, 255, 255]),
            (2, b"\x18", 1, [0, 255, 170]),
            (4, b"\x3a\xf0", 10, [51, 255, 255]),
            (4, b"\x3a\x20", 0xF3, [255, 170, 34]),
            (8, b"\x10\x20\x30", 0x20, [16, 255, 48]),
        ],
    )
    def test_a_clear_grey_of_each_depth(self, depth: int, row: bytes, key: int, expected: list[int]) -> None:
        data = png((3, 1), depth, 0, [row], chunk(b"tRNS", struct.pack(">H", key)))
        assert pixels(sent(data)) == expected

    def test_a_clear_colour(self) -> None:
        data = png((2, 1), 8, 2, [b"\x01\x02\x03\x01\x02\x04"], chunk(b"tRNS", struct.pack(">3H", 1, 2, 3)))
        assert pixels(sent(data)) == [WHITE, (1, 2, 4)]

    def test_a_gif_with_a_clear_colour(self) -> None:
        data = gif((2, 2), [((0, 0, 2, 2), b"\x00\x01\x02\x03", 2)], PALETTE)
        assert pixels(sent(data)) == [(0, 0, 0), (255, 0, 0), WHITE, (0, 0, 255)]

    def test_lossy_webp_with_alpha_becomes_a_jpeg(self) -> None:
        picture = Image.new("RGBA", (32, 32), (255, 0, 0, 128))
        picture.paste((0, 0, 255, 255), (16, 0, 32, 32))
        loaded = opened(sent(saved(picture, "WEBP", quality=100, exif=exif(2))))
        assert loaded.format == "JPEG"
        assert loaded.getpixel((4, 16)) == pytest.approx((0, 0, 255), abs=9)
        assert loaded.getpixel((27, 16)) == pytest.approx((255, 127, 127), abs=9)

    def test_an_alpha_channel_that_is_opaque_changes_no_pixel(self) -> None:
        picture = unlike()
        assert pixels(sent(saved(picture.convert("RGBA"), "PNG"))) == list(picture.get_flattened_data())

    def test_an_opaque_palette_is_sent_as_it_is(self, make: Make) -> None:
        assert sent(make("png palette")) == make("png palette")


class TestFirstFrame:
    @pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
    def test_of_an_animation(self, kind: str) -> None:
        frames = [unlike(*range(first, first + 6)) for first in (10, 90, 170)]
        options = {"lossless": True} if kind == "WEBP" else {}
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=50, **options)
        assert opened(data).n_frames == 3  # type: ignore[attr-defined]
        picture = opened(sent(data))
        assert getattr(picture, "n_frames", 1) == 1
        assert list(picture.convert("RGB").get_flattened_data()) == list(frames[0].get_flattened_data())

    def test_of_a_lossy_webp_becomes_a_jpeg(self, make: Make) -> None:
        assert opened(sent(make("webp animated"))).format == "JPEG"

    def test_of_a_lossy_webp_with_alpha_becomes_a_jpeg(self) -> None:
        frames = [Image.new("RGBA", (20, 20), (255, 0, 0, alpha)) for alpha in (128, 0, 255)]
        data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=100, method=0)
        assert b"ALPH" in data
        loaded = opened(sent(data))
        assert loaded.format == "JPEG"
        assert loaded.getpixel((9, 9)) == pytest.approx((255, 127, 127), abs=9)

    @pytest.mark.parametrize("clear", [None, 1])
    def test_that_does_not_cover_its_gif_lies_on_white(self, clear: int | None) -> None:
        data = gif((3, 2), [((1, 1, 2, 1), b"\x01\x02", clear), ((0, 0, 3, 2), bytes(6), None)], PALETTE)
        red = WHITE if clear else (255, 0, 0)
        assert pixels(sent(data)) == [WHITE, WHITE, WHITE, WHITE, red, (0, 255, 0)]

    def test_that_stands_over_is_cut_at_the_edges(self) -> None:
        data = gif((2, 1), [((1, 0, 2, 2), b"\x01\x02\x03\x00", None)], PALETTE)
        assert pixels(sent(data)) == [WHITE, (255, 0, 0)]
        outside = gif((2, 1), [((5, 5, 2, 2), b"\x01\x02\x03\x00", None)], PALETTE)
        assert pixels(sent(outside)) == [WHITE, WHITE]


class TestLongestSide:
    def test_it_is_brought_down_and_never_up(self, make: Make) -> None:
        for name in ("jpeg", "png", "webp", "gif 87a"):
            assert Loaded(make(name), 37).header == Loaded(make(name)).header
            assert sent(make(name), 37) == make(name)
            assert opened(sent(make(name), 20)).size == (20, 12)  # 23 * 20 / 37 = 12.4

    def test_by_lanczos_and_as_the_format_was(self, make: Make) -> None:
        picture = opened(sent(make("png"), 10))
        expected = opened(make("png")).resize((10, 6), Image.Resampling.LANCZOS)
        assert list(picture.get_flattened_data()) == list(expected.get_flattened_data())
        kinds = [opened(sent(make(name), 9)).format for name in ("jpeg", "webp", "webp lossless", "gif 87a")]
        assert kinds == ["JPEG", "JPEG", "PNG", "PNG"]

    def test_after_flattening_and_before_turning(self) -> None:
        picture = Image.new("RGBA", (8, 4), (255, 0, 0, 0))
        data = saved(picture, "PNG", exif=exif(6))
        assert pixels(sent(data, 4)) == [WHITE] * 8
        assert opened(sent(data, 4)).size == (2, 4)

    def test_a_strip_keeps_a_pixel_of_width(self) -> None:
        assert opened(sent(saved(Image.new("L", (1000, 1)), "PNG"), 10)).size == (10, 1)

    @pytest.mark.parametrize("name", ["png one bit", "png palette", "png alpha", "jpeg grey", "jpeg cmyk"])
    def test_every_mode(self, name: str, make: Make) -> None:
        assert opened(sent(make(name), 12)).size == (12, 7)


class TestWhatIsEncoded:
    def test_jpeg_of_quality_95_without_colour_subsampling(self, make: Make) -> None:
        picture = opened(sent(make("jpeg"), 20))
        expected = opened(saved(Image.new("RGB", (20, 12)), "JPEG", quality=95))
        assert picture.quantization == expected.quantization  # type: ignore[attr-defined]
        assert [layer[1:3] for layer in picture.layer] == [(1, 1)] * 3  # type: ignore[attr-defined]

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
    def test_a_profile_of_colours_goes_along_and_nothing_else(self, kind: str) -> None:
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        data = saved(unlike(), kind, icc_profile=profile, exif=exif(6), comment="GPS")
        if kind == "PNG":
            data = data[:33] + chunk(b"tEXt", b"Comment\x00GPS") + chunk(b"gAMA", bytes(4)) + data[33:]
        loaded = sent(data)
        assert opened(loaded).info["icc_profile"] == profile
        assert b"GPS" not in loaded
        assert set(opened(loaded).info) <= {"icc_profile", "jfif", "jfif_version", "jfif_unit", "jfif_density"}

    def test_a_profile_of_colours_does_not_go_with_grey(self) -> None:
        profile = bytes(16) + b"RGB " + bytes(200)
        for space, kept in ((b"RGB ", None), (b"GRAY", bytes(16) + b"GRAY" + bytes(200))):
            profile = bytes(16) + space + bytes(200)
            data = saved(Image.new("LA", (2, 2)), "PNG", icc_profile=profile)
            assert opened(sent(data)).info.get("icc_profile") == kept


class TestToken:
    def test_it_is_of_the_original_and_of_the_conversion(self, make: Make) -> None:
        first = Loaded(make("jpeg exif"))
        assert first.token.endswith(":plain/2")
        assert Loaded(make("jpeg exif"), 1000).token == first.token + ",max-side=1000"
        assert conversion(None) == "plain/2"
        assert conversion(1024) == "plain/2,max-side=1024"


class TestRefusals:
    def test_a_decoder_is_not_believed_about_the_size(self) -> None:
        """What a walk took for one pixel, the decoder sees as 49 megapixels; it is not decoded."""
        data = png((7000, 7000), 8, 2, [], after=chunk(b"IDAT", zlib.compress(bytes(1000))))
        with pytest.raises(BadPicture, match=r"7000x7000 pixels are 49\.0 megapixels"):
            convert.converted(Walked(Header("image/png", 1, 1), data, change=True), None)

    @pytest.mark.parametrize(
        "data", [b"", b"x" * 100, b"\xff\xd8\xff\xd9", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"BM" + bytes(60)]
    )
    def test_only_four_formats_reach_a_decoder(self, data: bytes) -> None:
        with pytest.raises(BadPicture, match="cannot be decoded: the decoder does not know its kind"):
            convert.converted(Walked(Header("image/png", 1, 1), data, change=True), None)

    def test_damaged_pixels_that_must_change(self, make: Make) -> None:
        data = png((30, 30), 8, 6, [b"no"])
        with pytest.raises(BadPicture, match=r"\Acannot be decoded: "):
            Loaded(data)
        bad = webp_with(make("webp lossless"), (37, 23), 0x10)
        place = bad.index(b"VP8L") + 14
        with pytest.raises(BadPicture, match=r"\Acannot be decoded: "):
            Loaded(bad[:place] + b"\xff" * 60 + bad[place + 60 :])

    @pytest.mark.parametrize(("kind", "flag"), [(b"ALPH", 0x10), (b"ANMF", 0x02)])
    def test_a_webp_that_denies_what_it_holds_is_not_sent_as_it_is(self, kind: bytes, flag: int, make: Make) -> None:
        see_through = saved(Image.new("RGBA", (20, 20), (255, 0, 0, 128)), "WEBP", quality=100)
        data = see_through if kind == b"ALPH" else make("webp animated")
        assert kind in data
        assert data[20] & flag
        denied = data[:20] + bytes([data[20] & ~flag]) + data[21:]
        assert walk(denied).change
        if kind == b"ALPH":
            assert opened(sent(denied)).format == "JPEG"
        else:
            with pytest.raises(BadPicture, match=r"\Acannot be decoded: "):
                Loaded(denied)

    def test_an_animation_without_frames(self, make: Make) -> None:
        body = riff(b"VP8X", bytes([2, 0, 0, 0, 9, 0, 0, 9, 0, 0])) + riff(b"ANMF", bytes(16) + b"VP8 " + bytes(20))
        with pytest.raises(BadPicture, match=r"\Acannot be decoded: "):
            Loaded(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body)
