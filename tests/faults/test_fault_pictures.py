"""Pictures through the whole command: bad ones are named before the first call and never sent, good ones go clean.

The chat server keeps every body, so that what it was shown is what is checked: each picture decodes, is upright, of
eight bits, and carries neither EXIF nor GPS.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import Call, ChatServer, Drop, Say, Script, chat, good
from PIL import ExifTags, Image

ROOT = Path(__file__).resolve().parents[2]
GPS, TURNED = 0x8825, 6
SECRET = b"a secret about 48.8584 N"

# Runs the command line and leaves the most memory it held, which the kernel counts from the start of the program.
MEASURED = """
import sys
from pathlib import Path
from whyfeel.cli import main
try:
    main()
finally:
    status = Path("/proc/self/status").read_text()
    Path(sys.argv[-1] + ".memory").write_text(status.partition("VmHWM:")[2].split()[0])
"""


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", binascii.crc32(kind + data))


def bomb(side: int = 10_000) -> bytes:
    """A sound black-and-white PNG of `side` by `side` pixels, one bit each: 12 KB for 100 megapixels."""
    row = bytes(1 + (side + 7) // 8)
    packer = zlib.compressobj(9)
    coded = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", coded) + chunk(b"IEND", b"")


def coded(image: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def exif() -> Image.Exif:
    """Turned by a quarter, with a place on the map and words that must not leave."""
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = TURNED
    tags[ExifTags.Base.ImageDescription] = SECRET.decode()
    tags.get_ifd(GPS)[ExifTags.GPS.GPSLatitude] = (48.0, 51.0, 30.24)
    return tags


def good_pictures() -> dict[str, bytes]:
    """Name to bytes; by what has to change on the way out, or nothing."""
    wide = Image.linear_gradient("L").resize((60, 40)).convert("RGB")
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    half = Image.new("RGBA", (20, 20), (255, 0, 0, 128))
    return {
        "plain.png": coded(wide, "PNG"),
        "camera.jpg": coded(wide, "JPEG", exif=exif(), comment=SECRET, quality=90),
        "camera.webp": coded(wide, "WEBP", exif=exif(), lossless=True),
        "deep.png": coded(Image.new("I;16", (20, 20), 40_000), "PNG"),
        "inks.jpg": coded(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG"),
        "moving.gif": coded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "see-through.png": coded(half, "PNG"),
        "of another kind.png": coded(wide, "JPEG"),
        "ünï códe — 喜び.png": coded(wide.transpose(Image.Transpose.FLIP_TOP_BOTTOM), "PNG"),
    }


def bad_pictures(root: Path) -> dict[str, str]:
    """Lay bad pictures down; the name in the record to what must be said of it."""
    sound = coded(Image.effect_noise((64, 64), 90.0), "JPEG")
    files = {
        "bomb.png": bomb(),
        "cut.jpg": sound[: len(sound) // 2],
        "page.jpg": b"<!doctype html><title>Not found</title>",
        "empty.png": b"",
    }
    assert len(files["bomb.png"]) < 13_000
    for name, data in files.items():
        (root / name).write_bytes(data)
    (root.parent / "outside.png").write_bytes(sound)
    (root / "link.png").symlink_to(root.parent / "outside.png")
    os.mkfifo(root / "pipe.png")
    (root / "folder.png").mkdir()
    told = {
        "bomb.png": "megapixels",
        "cut.jpg": "cut off",
        "page.jpg": "not a JPEG, PNG, WebP or GIF",
        "empty.png": "empty (0 bytes)",
        "pipe.png": "no regular file",
        "folder.png": "",
        "link.png": "outside the images folder",
        "../outside.png": "outside the images folder",
        str(root / "plain.png"): "outside the images folder",
        "plain.png\x00.jpg": "NUL",
        "missing.png": "no such file",
        "PLAIN.png": "no such file",
        "..%2foutside.png": "no such file",
        "..\\outside.png": "no such file",
        "\\\\server\\share\\a.png": "no such file",
        f"{'x' * 300}.png": "",
        "http://127.0.0.1:1/a.png": "--allow-urls",
    }
    if os.geteuid():  # the system's master reads everything
        (root / "locked.png").write_bytes(sound)
        (root / "locked.png").chmod(0)
        told["locked.png"] = "Permission denied"
    return told


def records(file: Path, names: list[str]) -> Path:
    lines = [
        {"id": f"r{n}", "image": name, "question": f"Why is person {n} sad?", "emotion": "sad", "triggers": ["Rain"]}
        for n, name in enumerate(names)
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


def pictures_in(call: Call) -> Iterator[bytes]:
    """The pictures of a request, as they came."""
    for message in call.body["messages"]:
        for part in message["content"] if isinstance(message["content"], list) else []:
            if part["type"] == "image_url":
                head, _, data = part["image_url"]["url"].partition(";base64,")
                assert head in {"data:image/png", "data:image/jpeg", "data:image/webp", "data:image/gif"}
                yield base64.b64decode(data, validate=True)


def decoded(data: bytes) -> Image.Image:
    """A picture that was sent, checked: it decodes, says nothing of itself, and needs no knowledge to be shown."""
    image = Image.open(io.BytesIO(data))
    image.load()
    assert not dict(image.getexif())
    assert not {"comment", "exif", "xmp"} & image.info.keys()
    assert SECRET not in data
    assert getattr(image, "n_frames", 1) == 1
    assert image.mode in {"1", "L", "P", "RGB"}, image.mode
    return image


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Bad pictures beside good ones, and a record of each."""
    root = tmp_path / "images"
    root.mkdir()
    for name, data in good_pictures().items():
        (root / name).write_bytes(data)
    return root


def measured(home: Path, *args: object) -> tuple[subprocess.CompletedProcess[str], int]:
    """The command in a process of its own; how it ended, and megabytes of memory at most."""
    command = [sys.executable, "-W", "error", "-c", MEASURED, *map(str, args)]
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, timeout=40, check=False)
    memory = Path(f"{args[-1]}.memory")
    return done, int(memory.read_text()) // 1024


def test_a_folder_of_bad_pictures_beside_good_ones(folder, serve, cli, tmp_path, lines) -> None:
    bad = bad_pictures(folder)
    names = [*good_pictures(), *bad]
    data = records(tmp_path / "data.jsonl", names)
    server = serve()
    told = ["run", "jsonl", "--data", data, "--images", folder, "--model", server.model("mock"), "--json"]
    out = tmp_path / "run"
    done, megabytes = measured(cli.home, *told, "--out", out)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["n"], summary["scored"]) == (len(names), len(good_pictures()))
    assert summary["unscored"] == {"bad picture": len(bad)}
    assert megabytes < 500
    assert f"{len(bad)} pictures cannot be sent and stay unscored" in done.stderr
    responses = dict(zip(names, lines(out / "responses.jsonl"), strict=True))
    for name, why in bad.items():
        assert responses[name]["asks"] == []
        assert responses[name]["unscored"]["reason"] == "bad picture"
        assert why in responses[name]["unscored"]["detail"], name
    shown = {call.person: decoded(one) for call in server.calls for one in pictures_in(call)}
    assert sorted(shown) == list(range(len(good_pictures())))  # each good one once, and nothing else
    by_name = dict(zip(good_pictures(), (shown[n] for n in sorted(shown)), strict=True))
    assert by_name["camera.jpg"].size == by_name["camera.webp"].size == (40, 60)  # upright
    assert by_name["plain.png"].size == by_name["of another kind.png"].size == (60, 40)
    assert by_name["deep.png"].convert("L").getpixel((3, 3)) == 156
    assert by_name["moving.gif"].convert("RGB").getpixel((3, 3)) == (255, 0, 0)
    assert by_name["see-through.png"].convert("RGB").getpixel((3, 3)) == (255, 127, 127)
    red = by_name["inks.jpg"].convert("RGB").getpixel((3, 3))
    assert all(abs(a - b) <= 3 for a, b in zip(red, (255, 0, 0), strict=True)), red
    plain = next(one for call in server.calls if call.person == 0 for one in pictures_in(call))
    assert plain == good_pictures()["plain.png"]  # nothing to change, nothing changed


def test_each_bad_picture_is_named_before_the_first_call(folder, serve, cli, tmp_path) -> None:
    """Where no call may be made at all, they are named all the same: it costs nothing to know."""
    bad = bad_pictures(folder)
    data = records(tmp_path / "data.jsonl", ["plain.png", *bad])
    server = serve()
    told = ["run", "jsonl", "--data", data, "--images", folder, "--model", server.model("mock"), "--max-calls", 0]
    done = cli.run(*told, "--out", tmp_path / "run")
    assert done.status == 1
    assert server.calls == []
    assert f"whyfeel: {len(bad)} pictures cannot be sent and stay unscored:" in done.said
    for name, why in bad.items():
        shown = name.replace("\x00", "\\x00")
        (line,) = [one for one in done.said if one.startswith(f"whyfeel:   {shown}: ")]
        assert why in line


def test_the_check_names_every_bad_picture_and_changes_nothing(folder, cli, tmp_path) -> None:
    bad = bad_pictures(folder)
    del bad["http://127.0.0.1:1/a.png"]  # counted, and not looked at
    data = records(tmp_path / "data.jsonl", [*good_pictures(), *bad, "http://127.0.0.1:1/a.png"])
    (folder / "twin.png").write_bytes((folder / "plain.png").read_bytes())
    with data.open("a") as file:
        record = {"id": "t", "image": "twin.png", "question": "?", "emotion": "sad", "triggers": ["Rain"]}
        file.write(json.dumps(record) + "\n")
    done, megabytes = measured(cli.home, "data", "check", "jsonl", "--images", folder, "--json", "--data", data)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    found = {one["path"]: one["reason"] for one in report["bad_pictures"]}
    assert found.keys() == bad.keys()
    for name, why in bad.items():
        assert why in found[name]
    assert report["urls"] == 1
    assert ["plain.png", "twin.png"] in report["duplicates"]
    assert "there is 'plain.png'" in found["PLAIN.png"]
    assert megabytes < 500


def test_max_side_holds_for_every_picture_sent(folder, serve, cli, tmp_path) -> None:
    names = list(good_pictures())
    data = records(tmp_path / "data.jsonl", names)
    server = serve()
    told = ["run", "jsonl", "--data", data, "--images", folder, "--model", server.model("mock"), "--json"]
    done = cli.run(*told, "--max-side", 32, "--out", tmp_path / "run")
    assert done.status == 0, done.err
    assert json.loads(done.out)["scored"] == len(names)
    sizes = {call.person: decoded(one).size for call in server.calls for one in pictures_in(call)}
    # 60 by 40 becomes 32 by 21, what was small enough stays
    expected = {"camera.jpg": (21, 32), "camera.webp": (21, 32), "plain.png": (32, 21)}
    expected |= dict.fromkeys(("deep.png", "inks.jpg", "moving.gif", "see-through.png"), (20, 20))
    for name, size in expected.items():
        assert sizes[names.index(name)] == size, name
    other = cli.run(*told, "--max-side", 64, "--out", tmp_path / "run")  # the same folder: it is another run
    assert other.status == 2
    assert "max-side=32" in other.one_line()


# --- pictures at URLs ----------------------------------------------------------------------------------------------


def gallery(pictures: dict[str, bytes]) -> Script:
    """Serves pictures by path."""

    def serve(call: Call) -> Say:
        data = pictures.get(call.path)
        return Say(data, headers={"Content-Type": "image/png"}) if data is not None else Say(status=404)

    return serve


@pytest.fixture
def hung(serve: Callable[..., ChatServer]) -> ChatServer:
    """A gallery of three pictures, of which one is a web page."""
    names = ("/one.png", "/two.png")
    drawn = {name: coded(Image.new("RGB", (9, 9), (n, 7, 7)), "PNG") for n, name in enumerate(names)}
    return serve(gallery({**drawn, "/page.png": b"<html>"}))


@pytest.mark.parametrize("more", [(), ("--allow-urls",)])
def test_a_picture_at_a_url_is_not_fetched_unasked(more, hung, serve, cli, tmp_path) -> None:
    """Neither without --allow-urls nor, inside, without the host's name: nobody is even connected to."""
    data = records(tmp_path / "data.jsonl", [f"http://127.0.0.1:{hung.port}/one.png"])
    server = serve()
    told = ["run", "jsonl", "--data", data, "--model", server.model("mock"), "--json", "--out", tmp_path / "run"]
    done = cli.run(*told, *more)
    assert done.status == 1
    assert json.loads(done.out)["unscored"] == {"bad picture": 1}
    assert ("--allow-host" if more else "--allow-urls") in done.err
    assert hung.calls == server.calls == []


def test_a_picture_at_a_url_is_fetched_once_and_never_again(hung, serve, cli, tmp_path, lines) -> None:
    paths = ["/one.png", "/two.png", "/page.png", "/gone.png", "/one.png"]
    data = records(tmp_path / "data.jsonl", [f"http://127.0.0.1:{hung.port}{path}" for path in paths])
    server = serve()
    told = ["run", "jsonl", "--data", data, "--model", server.model("mock"), "--json", "--out", tmp_path / "run"]
    told += ["--allow-urls", "--allow-host", "127.0.0.1"]
    first = cli.run(*told)
    assert first.status == 0, first.err
    summary = json.loads(first.out)
    assert (summary["scored"], summary["unscored"]) == (3, {"bad picture": 2})
    assert [line.get("text") is None for line in lines(tmp_path / "run" / "responses.jsonl")] == [0, 0, 1, 1, 0]
    asked = sorted(call.path for call in hung.calls)
    assert asked == sorted(set(paths))
    for call in hung.calls:  # nothing of the user's goes along
        assert not {"authorization", "cookie", "referer"} & call.headers.keys()
    sent = {decoded(one).getpixel((0, 0)) for call in server.calls for one in pictures_in(call)}
    assert sent == {(0, 7, 7), (1, 7, 7)}
    calls = len(server.calls)
    hung.script = lambda call: Drop() if call.path in {"/one.png", "/two.png"} else Say(status=404)
    again = cli.run(*told)
    assert again.status == 0, again.err
    assert json.loads(again.out)["scored"] == 3
    assert sorted(call.path for call in hung.calls[len(asked) :]) == ["/gone.png", "/page.png"]  # what failed, only
    assert len(server.calls) == calls


# --- where pictures go ---------------------------------------------------------------------------------------------

PUBLIC = "http://93.184.215.14/v1#mock"


def told_of(few: Any, out: Path, model: str, *more: object) -> list[object]:
    return ["run", "jsonl", "--data", few.file, "--images", few.images, "--model", model, "--out", out, *more]


def test_local_only_connects_to_no_public_address(few, serve, cli, tmp_path) -> None:
    """A proxy stands in for the world: whatever left the building would pass it."""
    proxy = serve()
    env = {"http_proxy": f"http://127.0.0.1:{proxy.port}", "https_proxy": f"http://127.0.0.1:{proxy.port}"}
    out = tmp_path / "run"
    done = cli.run(*told_of(few, out, PUBLIC, "--local-only"), env=env)
    assert done.status == 2
    assert "93.184.215.14" in done.one_line()
    assert proxy.calls == []
    assert not (out / "ledger.sqlite").exists()
    # and so would these calls have
    open_ = cli.run(*told_of(few, out, PUBLIC, "--limit", 2), env=env)
    assert open_.status == 0, open_.err
    assert {call.path for call in proxy.calls} == {"http://93.184.215.14/v1/chat/completions"}
    assert f"pictures go to 93.184.215.14 through the proxy 127.0.0.1:{proxy.port}" in open_.err


def test_local_only_speaks_to_this_machine_past_the_proxy(few, serve, cli, tmp_path) -> None:
    proxy, server = serve(), serve()
    env = {"http_proxy": f"http://127.0.0.1:{proxy.port}", "ALL_PROXY": f"http://127.0.0.1:{proxy.port}"}
    done = cli.run(*told_of(few, tmp_path / "run", server.model("mock"), "--local-only", "--json"), env=env)
    assert done.status == 0, done.err
    assert json.loads(done.out)["scored"] == few.count
    assert f"pictures go to 127.0.0.1:{server.port} (this machine)\n" in done.err
    assert proxy.calls == []


def test_local_only_holds_for_the_judge_and_the_captioner_too(few, serve, cli, tmp_path) -> None:
    server = serve()
    for more in (
        ("--judge", "official-llama3", "--judge-model", PUBLIC),
        ("--judge", "verdicts", "--judge-model", f"{server.model('a')},{server.model('b')},{PUBLIC}"),
        ("--strategy", "caption", "--captioner", PUBLIC),
    ):
        done = cli.run(*told_of(few, tmp_path / "run", server.model("mock"), "--local-only", *more))
        assert done.status == 2
        assert "93.184.215.14" in done.one_line()
    assert server.calls == []


def test_a_run_says_where_pictures_go_before_the_first_call(few, cli, tmp_path) -> None:
    """With nobody there: it is said all the same, and before that is found out."""
    server = ChatServer(good)
    with server:
        pass
    done = cli.run(*told_of(few, tmp_path / "run", server.model("mock"), "--max-calls", 0))
    assert f"whyfeel: pictures go to 127.0.0.1:{server.port} (this machine)\n" in done.err
    text = cli.run(
        *told_of(few, tmp_path / "text", server.model("mock"), "--max-calls", 0, "--strategy", "caption(text-only)"),
        *("--captions", _captions(few, tmp_path)),
    )
    assert "pictures go to" not in text.err


def _captions(few: Any, folder: Path) -> Path:
    file = folder / "captions.jsonl"
    file.write_text("".join(json.dumps({f"{n:03}.png": f"Caption {n}."}) + "\n" for n in range(few.count)))
    return file


def test_nothing_but_text_goes_where_only_text_is_asked_for(few, serve, cli, tmp_path) -> None:
    server = serve()
    told = told_of(few, tmp_path / "run", server.model("mock"), "--strategy", "caption(text-only)", "--json")
    done = cli.run(*told, "--captions", _captions(few, tmp_path))
    assert done.status == 0, done.err
    assert json.loads(done.out)["scored"] == few.count
    assert len(server.calls) == few.count
    for call in server.calls:
        assert list(pictures_in(call)) == []
        assert f"Caption {call.person}." in call.raw.decode()
        assert b"base64" not in call.raw


def test_an_unreadable_reply_about_a_picture_shows_none_of_it(few, serve, here, tmp_path, lines) -> None:
    """A server that echoes what it was sent does not put pictures into the messages of a run."""

    def echo(call: Call) -> Say:
        return Say(call.raw) if call.person == 0 else chat("1. Rain")

    done = here(few, serve(echo), tmp_path / "run", judge="overlap", judge_model=None, limit=3)
    assert done.summary["scored"] == 2
    first = lines(tmp_path / "run" / "responses.jsonl")[0]
    assert first["unscored"]["reason"] == "bad reply"
    assert len(first["unscored"]["detail"]) < 700


def test_no_word_of_the_data_can_draw_on_the_terminal(folder, serve, cli, tmp_path) -> None:
    """Names and emotions are shown escaped: in the remark before the first call, and in the table."""
    data = records(tmp_path / "data.jsonl", ["plain.png", "a\x1b[2J\nwhyfeel: all is well.png"])
    data.write_text(data.read_text().replace('"sad"', json.dumps("sad\x1b[2J\u202e")))
    server = serve()
    told = ["run", "jsonl", "--data", data, "--images", folder, "--model", server.model("mock")]
    done = cli.run(*told, "--out", tmp_path / "run")
    assert done.status == 0
    for said in (done.out, done.err):
        assert "\x1b" not in said
        assert "\u202e" not in said
    assert "\nwhyfeel: all is well" not in done.err
