"""Pictures on disk: inside their root, read once, and held no longer than somebody needs them."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import os
import re
import socket
import stat
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from whyfeel.media import BadPicture, Header, Loaded, MediaStore, fetched_name, store
from whyfeel.records import Media

Make = Callable[[str], bytes]


@pytest.fixture
def root(tmp_path: Path, make: Make) -> Path:
    """A folder of pictures, with one beside it that nobody may see."""
    folder = tmp_path / "images"
    (folder / "Happy").mkdir(parents=True)
    (folder / "Happy" / "1.jpg").write_bytes(make("jpeg"))
    (folder / "2.png").write_bytes(make("png"))
    (tmp_path / "secret.jpg").write_bytes(make("jpeg"))
    (tmp_path / "images-2").mkdir()
    (tmp_path / "images-2" / "secret.jpg").write_bytes(make("jpeg"))
    return folder


@pytest.fixture
def media(root: Path) -> Iterator[MediaStore]:
    pictures = MediaStore(root)
    yield pictures
    pictures.close()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the files read so far; every read takes a moment, so that readers overlap."""
    seen: list[int] = []

    class Counted(Loaded):
        def __init__(self, data: bytes, max_side: int | None = None) -> None:
            seen.append(len(data))
            time.sleep(0.02)
            super().__init__(data, max_side)

    monkeypatch.setattr(store, "Loaded", Counted)
    return seen


async def refuse(media: MediaStore, name: str) -> str:
    """What is said about a picture that must be refused, by the check and by the loading alike."""
    with pytest.raises(BadPicture, match=r"\A[^\n]+\Z") as checked:
        media.check(Media(name))
    with pytest.raises(BadPicture) as loaded:
        await media.load(Media(name))
    assert str(loaded.value) == str(checked.value)
    return str(checked.value)


async def test_a_picture_is_checked_and_loaded(media: MediaStore, make: Make) -> None:
    header = Header("image/jpeg", 37, 23)
    assert media.check(Media("Happy/1.jpg")) == header
    loaded = await media.load(Media("Happy/1.jpg"))
    assert loaded.header == header
    assert loaded.token == hashlib.sha256(make("jpeg")).hexdigest() + ":plain/2"
    assert base64.b64decode(loaded.base64, validate=True) == make("jpeg")
    assert loaded.base64 is loaded.base64


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg",
        "Happy/../../secret.jpg",
        "../images-2/secret.jpg",
        "Happy/../../images-2/secret.jpg",
        "..",
        "Happy/../..",
        "",
        ".",
        "/etc/passwd",
        "//etc/passwd",
        "../images",
        "no-such-folder/../../secret.jpg",
    ],
)
async def test_no_name_leads_out_of_the_root(media: MediaStore, name: str) -> None:
    said = await refuse(media, name)
    assert "outside the images folder" in said
    assert repr(name) in said


async def test_an_absolute_name_is_refused_even_where_it_lies_inside(media: MediaStore, root: Path) -> None:
    """Data that names absolute paths would only work on one machine."""
    assert "outside the images folder" in await refuse(media, str(root / "2.png"))


async def test_a_name_may_wander_as_long_as_it_ends_inside(media: MediaStore) -> None:
    expected = media.check(Media("2.png"))
    for name in ("./2.png", "Happy/../2.png", "Happy//..//2.png", "../images/2.png", "Happy/./../2.png"):
        assert media.check(Media(name)) == expected
        assert (await media.load(Media(name))).header == expected


async def test_links_are_followed_inside_and_refused_outside(media: MediaStore, root: Path, tmp_path: Path) -> None:
    (root / "inside.png").symlink_to("2.png")
    (root / "Sad").symlink_to(root / "Happy")
    (root / "absolute.png").symlink_to(root / "2.png")
    for name in ("inside.png", "Sad/1.jpg", "absolute.png"):
        assert media.check(Media(name)) == (await media.load(Media(name))).header
    (root / "outside.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "relative.jpg").symlink_to("../secret.jpg")
    (root / "folder").symlink_to(tmp_path / "images-2")
    (root / "again").symlink_to("folder")
    (root / "chain.jpg").symlink_to("outside.jpg")
    for name in ("outside.jpg", "relative.jpg", "folder/secret.jpg", "again/secret.jpg", "chain.jpg", "folder"):
        assert "outside the images folder" in await refuse(media, name)


async def test_the_root_itself_may_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    media = MediaStore(tmp_path / "link")
    assert media.check(Media("Happy/1.jpg")) == (await media.load(Media("Happy/1.jpg"))).header
    assert "outside" in await refuse(media, "../secret.jpg")
    media.close()


async def test_the_file_system_root_can_be_the_root(root: Path) -> None:
    media = MediaStore(Path("/"))
    assert media.check(Media(str(root / "2.png").lstrip("/"))).mime == "image/png"
    media.close()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing.jpg", "no such file"),
        ("no-such-folder/1.jpg", "no such file"),
        ("Happy", "directory"),
        ("Happy/.", "directory"),
        ("2.png/3.png", "directory"),
        ("a\x00b.jpg", "NUL"),
        ("2.png\x00", "NUL"),
        ("a\ud800.jpg", "no name a file can have"),
        ("\ud800/1.jpg", "no name a file can have"),
        ("line\nbreak.jpg", "no such file"),
        ("x" * 300, "cannot be read"),
        ("x/" * 3000 + "1.jpg", "cannot be read"),
    ],
)
async def test_what_cannot_be_opened_is_refused_by_name(media: MediaStore, name: str, says: str) -> None:
    said = await refuse(media, name)
    assert says in said.lower() or says in said
    assert repr(name) in said


async def test_odd_files_are_refused(media: MediaStore, root: Path) -> None:
    (root / "empty.jpg").write_bytes(b"")
    (root / "page.jpg").write_bytes(b"<html>not found</html>")
    (root / "loop.jpg").symlink_to("loop.jpg")
    (root / "gone.jpg").symlink_to("nothing.jpg")
    assert "empty" in await refuse(media, "empty.jpg")
    assert "<html>" in await refuse(media, "page.jpg")
    assert "cannot be read" in await refuse(media, "loop.jpg")
    assert "no such file" in await refuse(media, "gone.jpg")


async def test_a_disk_that_fails_is_a_bad_picture(media: MediaStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store, "open", failing, raising=False)
    assert await refuse(media, "2.png") == "'2.png' cannot be read: Input/output error"


@pytest.mark.parametrize("kind", ["fifo", "socket", "null"])
async def test_what_is_no_regular_file_is_not_waited_for(
    media: MediaStore, root: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that nobody writes to would hold a reading thread for ever."""
    if kind == "fifo":
        os.mkfifo(root / "odd.jpg")
    elif kind == "socket":
        monkeypatch.chdir(root)  # the address of a socket may not be long
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("odd.jpg")
    else:
        try:
            os.mknod(root / "odd.jpg", stat.S_IFCHR | 0o666, os.makedev(1, 3))
            (root / "odd.jpg").read_bytes()
        except PermissionError:
            pytest.skip("no device can be made or opened here")
    said = await asyncio.wait_for(refuse(media, "odd.jpg"), 10)
    assert said == (
        "'odd.jpg' cannot be read: No such device or address"
        if kind == "socket"
        else "'odd.jpg' is no regular file but a pipe or a device"
    )
    with pytest.raises(BadPicture, match=re.escape(said)):
        media.read(Media("odd.jpg"))


async def test_a_file_of_more_than_64_mib_is_refused_unread(media: MediaStore, root: Path, make: Make) -> None:
    for name, size in (("large.jpg", 64 * 2**20), ("larger.jpg", 64 * 2**20 + 1)):
        (root / name).write_bytes(make("jpeg"))
        os.truncate(root / name, size)  # zeros behind the end, which take no room on the disk
    assert media.check(Media("large.jpg")) == Header("image/jpeg", 37, 23)
    assert base64.b64decode((await media.load(Media("large.jpg"))).base64) == make("jpeg")
    assert "'larger.jpg' has 67,108,865 bytes; at most 67,108,864 (64" in await refuse(media, "larger.jpg")


NAMES = [
    *("a b.jpg", " .jpg", "%2e%2e", "%2e%2e%2f2.png", "a%20b.jpg", "..jpg", "...", "-rf", "~", "$HOME", "*?.jpg"),
    *("a\\b.jpg", "..\\2.png", "C:\\1.jpg", "\\\\server\\share", "caf\u00e9.jpg", "cafe\u0301.jpg", "x" * 255),
    *("\u202e.jpg", "line\nbreak.jpg", "tab\t.jpg", "ﬁ.jpg", "con.jpg", "trailing.", "http:", "file:1.jpg"),
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_means_nothing_but_itself(media: MediaStore, root: Path, make: Make, name: str) -> None:
    (root / "Happy" / name).write_bytes(make("webp"))
    assert media.check(Media(f"Happy/{name}")).mime == "image/webp"
    (root / name).write_bytes(make("webp"))
    assert (await media.load(Media(name))).header == media.check(Media(name))


async def test_names_that_differ_in_case_or_form_are_two(media: MediaStore, root: Path, make: Make) -> None:
    (root / "A.png").write_bytes(make("png"))
    (root / "a.png").write_bytes(make("png grey"))
    (root / "caf\u00e9.png").write_bytes(make("png palette"))
    assert media.read(Media("A.png")) == make("png")
    assert media.read(Media("a.png")) == make("png grey")
    assert media.read(Media("caf\u00e9.png")) == make("png palette")
    assert "no such file" in await refuse(media, "cafe\u0301.png")
    assert "no such file" in await refuse(media, "happy/1.JPG")


URL = "https://example.org/a/1.jpg?size=large"


async def test_a_picture_at_a_url_is_read_where_it_was_fetched_to(root: Path, tmp_path: Path, make: Make) -> None:
    (tmp_path / "fetched").mkdir()
    store_of_both = MediaStore(root, fetched=tmp_path / "fetched")
    (tmp_path / "fetched" / hashlib.sha256(URL.encode()).hexdigest()).write_bytes(make("png"))
    assert store_of_both.check(Media(URL)) == Header("image/png", 37, 23)
    assert (await store_of_both.load(Media(URL))).header == Header("image/png", 37, 23)
    assert store_of_both.read(Media(URL)) == make("png")
    assert store_of_both.check(Media("2.png")).mime == "image/png"
    said = await refuse(store_of_both, "http://example.org/../../secret.jpg")
    assert said.endswith("was not fetched: pictures at URLs are fetched only with --allow-urls")
    store_of_both.close()


@pytest.mark.parametrize("folder", [Path("/"), None])
async def test_a_url_is_never_a_path(folder: Path | None, media: MediaStore, root: Path, make: Make) -> None:
    (root / "https:" / "example.org" / "a").mkdir(parents=True)
    (root / "https:" / "example.org" / "a" / "1.jpg?size=large").write_bytes(make("jpeg"))
    assert await refuse(media, URL) == f"{URL!r} was not fetched: pictures at URLs are fetched only with --allow-urls"
    other = MediaStore(folder)
    assert "--allow-urls" in await refuse(other, URL)
    other.close()
    assert media.fault(Media("ftp://example.org/1.jpg")) == "no such file: 'ftp://example.org/1.jpg'"


def test_the_name_of_what_was_fetched() -> None:
    assert fetched_name(URL) == hashlib.sha256(URL.encode()).hexdigest()
    assert len({fetched_name(url) for url in (URL, URL + " ", URL.upper(), URL + "\ud800")}) == 4


async def test_a_store_sends_no_more_pixels_than_it_was_told(root: Path, make: Make) -> None:
    small = MediaStore(root, max_side=20)
    loaded = await small.load(Media("2.png"))
    assert loaded.header == Header("image/png", 20, 12)
    assert loaded.token == hashlib.sha256(make("png")).hexdigest() + ":plain/2,max-side=20"
    assert small.check(Media("2.png")) == Header("image/png", 37, 23)
    small.close()


def test_a_picture_is_read_as_it_is(media: MediaStore, root: Path, make: Make) -> None:
    assert media.read(Media("2.png")) == make("png")
    with pytest.raises(BadPicture, match=r"no such file: 'no\.png'"):
        media.read(Media("no.png"))
    (root / "page.jpg").write_bytes(b"<html>")
    assert media.read(Media("page.jpg")) == b"<html>"
    with pytest.raises(BadPicture, match="outside the images folder"):
        media.read(Media("../secret.jpg"))


async def test_without_a_root_there_are_no_pictures() -> None:
    media = MediaStore(None)
    assert await refuse(media, "2.png") == "no images folder was given"
    media.close()


async def test_a_picture_is_read_once_while_somebody_holds_it(media: MediaStore, reads: list[int]) -> None:
    first = await media.load(Media("2.png"))
    assert await media.load(Media("2.png")) is first
    other = await media.load(Media("Happy/1.jpg"))
    assert other is not first
    assert len(reads) == 2


async def test_a_picture_that_nobody_holds_is_dropped_and_read_again(media: MediaStore, reads: list[int]) -> None:
    loaded = await media.load(Media("2.png"))
    url, gone = loaded.base64, weakref.ref(loaded)
    del loaded
    await asyncio.sleep(0)
    gc.collect()
    assert gone() is None
    assert (await media.load(Media("2.png"))).base64 == url
    assert len(reads) == 2


async def test_loads_at_the_same_time_share_one_read(media: MediaStore, reads: list[int]) -> None:
    loaded = await asyncio.gather(*(media.load(Media("2.png")) for _ in range(50)))
    assert len({id(one) for one in loaded}) == 1
    assert len(reads) == 1


async def test_a_load_that_is_given_up_does_not_disturb_the_others(media: MediaStore, reads: list[int]) -> None:
    first, second = (asyncio.create_task(media.load(Media("2.png"))) for _ in range(2))
    while not reads:
        await asyncio.sleep(0)
    first.cancel()
    assert (await second).header.mime == "image/png"
    with pytest.raises(asyncio.CancelledError):
        await first
    assert len(reads) == 1


async def test_a_failed_load_fails_for_all_who_wait_and_is_not_remembered(
    media: MediaStore, root: Path, make: Make, reads: list[int]
) -> None:
    (root / "late.jpg").write_bytes(make("jpeg")[:-2])
    failed = await asyncio.gather(*(media.load(Media("late.jpg")) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in failed] == [BadPicture] * 3
    assert len(reads) == 1
    (root / "late.jpg").write_bytes(make("jpeg"))
    assert (await media.load(Media("late.jpg"))).header == Header("image/jpeg", 37, 23)


async def test_the_token_changes_with_every_byte_and_with_nothing_else(make: Make) -> None:
    data = make("jpeg")
    tokens = {Loaded(data + bytes([trailer])).token for trailer in range(256)} | {Loaded(data).token}
    assert len(tokens) == 257
    assert Loaded(bytes(data)).token in tokens
