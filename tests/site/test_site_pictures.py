"""The pictures of a site: as they were sent, once each, small ones beside them; what cannot be shown says why."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path

import pytest
from PIL import Image

from whyfeel.media import BadPicture, Loaded, fetched_name
from whyfeel.records import Media
from whyfeel.site import pictures as module
from whyfeel.site.pages import File
from whyfeel.site.pictures import Pictures, Shown, thumbnail


def write(
    path: Path, size: tuple[int, int] = (640, 480), kind: str = "JPEG", mode: str = "RGB", colour: int = 0
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, colour).save(path, kind)
    return path


def opened(file: File) -> Image.Image:
    return Image.open(io.BytesIO(file.content))


def test_a_picture_and_a_small_one_of_it(tmp_path: Path) -> None:
    data = write(tmp_path / "a" / "b.jpg").read_bytes()
    pictures = Pictures(tmp_path)
    full, small = pictures.files([Media("a/b.jpg")])
    name = full.address.removeprefix("pictures/").removesuffix(".jpg")
    assert pictures.shown == {Media("a/b.jpg"): Shown(full.address, f"thumbs/{name}.jpg", 640, 480)}
    assert small.address == f"thumbs/{name}.jpg"
    assert full.content == data  # as it was sent: nothing had to change
    assert (opened(small).size, opened(small).format) == ((320, 240), "JPEG")


def test_they_are_shown_as_they_were_sent(tmp_path: Path) -> None:
    """Without metadata, upright, and no larger than the run had them."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "where she lives"
    Image.new("RGB", (600, 300)).save(tmp_path / "a.jpg", exif=exif)
    pictures = Pictures(tmp_path, max_side=100)
    full, small = pictures.files([Media("a.jpg")])
    assert b"where she lives" not in full.content + small.content
    assert opened(full).size == opened(small).size == (50, 100)
    shown = pictures.shown[Media("a.jpg")]
    assert (shown.width, shown.height) == (50, 100)
    assert full.content == Loaded((tmp_path / "a.jpg").read_bytes(), 100)._data


@pytest.mark.parametrize(
    ("kind", "mode", "ending"),
    [
        ("PNG", "RGB", "png"),
        ("PNG", "P", "png"),
        ("PNG", "L", "png"),
        ("PNG", "RGBA", "png"),
        ("WEBP", "RGB", "webp"),
        ("GIF", "P", "gif"),
    ],
)
def test_every_format_that_is_sent_is_shown(tmp_path: Path, kind: str, mode: str, ending: str) -> None:
    write(tmp_path / "a.x", (40, 30), kind, mode)
    full, small = Pictures(tmp_path).files([Media("a.x")])
    assert full.address.rsplit(".", 1)[1] in {ending, "png"}
    assert (opened(small).size, opened(small).format) == ((40, 30), "JPEG")  # never enlarged


def test_each_distinct_picture_is_written_once(tmp_path: Path) -> None:
    write(tmp_path / "a.png", (9, 9), "PNG")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    write(tmp_path / "c.png", (9, 9), "PNG", colour=7)
    media = [Media(name) for name in ("a.png", "b.png", "a.png", "c.png")]
    pictures = Pictures(tmp_path)
    files = list(pictures.files(media))
    assert len(files) == len({one.address for one in files}) == 4
    assert pictures.shown[media[0]] == pictures.shown[media[1]] != pictures.shown[media[3]]
    assert list(pictures.files(media)) == []


def test_what_cannot_be_shown_says_why_and_stops_nothing(tmp_path: Path) -> None:
    sound = write(tmp_path / "good.jpg", (8, 8)).read_bytes()
    (tmp_path / "torn.jpg").write_bytes(sound[: len(sound) // 2])
    (tmp_path / "text.jpg").write_bytes(b"<svg onload=alert(1)>")
    names = ["gone.jpg", "torn.jpg", "text.jpg", "../x.jpg", "/etc/passwd", "http://h/a.jpg", "a\x00b", "good.jpg"]
    pictures = Pictures(tmp_path)
    files = list(pictures.files(map(Media, names)))
    assert [one.address[:7] for one in files] == ["picture", "thumbs/"]
    why = {media.path: one.why for media, one in pictures.shown.items()}
    assert list(why) == names
    assert why.pop("good.jpg") == ""
    assert all(why.values())
    assert "outside the images folder" in why["../x.jpg"]
    nowhere = Pictures(None)
    assert list(nowhere.files([Media("a.jpg")])) == []
    assert "no images folder" in nowhere.shown[Media("a.jpg")].why


def test_one_at_a_url_is_looked_for_in_every_folder_and_the_first_tells_it(tmp_path: Path) -> None:
    urls = [Media(f"http://h/{n}.png") for n in range(4)]
    folders = [tmp_path / name for name in ("none", "one", "two")]  # the first does not exist
    for place, held in ((1, (1, 2)), (2, (2, 3))):
        for n in held:
            write(folders[place] / fetched_name(urls[n].path), (10 * place, 10 * n), "PNG", colour=place)
    write(tmp_path / "local.png", (7, 7), "PNG")
    pictures = Pictures(tmp_path, folders)
    list(pictures.files([*urls, Media("local.png")]))
    shown = [(one.width, one.height) for one in pictures.shown.values()]
    assert shown == [(0, 0), (10, 10), (10, 20), (20, 30), (7, 7)]
    assert "was not fetched" in pictures.shown[urls[0]].why


def test_a_header_that_promises_a_picture_is_not_enough() -> None:
    with pytest.raises(BadPicture, match="cannot be decoded"):
        thumbnail(b"\x89PNG\r\n\x1a\n" + b"\0" * 30)


def test_few_pictures_are_ready_before_they_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all of them would be in memory at once."""
    media = [Media(f"{n}.png") for n in range(40)]
    for n, one in enumerate(media):
        write(tmp_path / one.path, (4, 4), "PNG", colour=n)
    made: list[bytes] = []
    monkeypatch.setattr(module, "thumbnail", lambda data: made.append(data) or b"small")
    files = Pictures(tmp_path).files(media)
    next(files)
    time.sleep(0.15)  # in which all of them could be made
    assert len(made) <= module.AHEAD + 1
    assert len([*files]) == 79
    assert len(made) == 40
    assert not [one for one in threading.enumerate() if one.name.startswith("whyfeel-site")]
