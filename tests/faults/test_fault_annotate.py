"""Annotating where everything goes wrong: a clear outcome each time, nothing asked twice, nothing lost."""

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from PIL import Image
from test_fault_pictures import bomb

from phase_server import PhaseServer, Request, refusing
from told import Told
from whyfeel.annotate import annotate as run_annotation
from whyfeel.annotate import annotate_options
from whyfeel.cli.progress import Quiet
from whyfeel.engine import Pace, Retries

CONCURRENCY = 4
EACH = 16  # calls about a picture, by the server's own replies; and one for the query of all


@pytest.fixture
def server() -> Iterator[PhaseServer]:
    with PhaseServer() as serving:
        yield serving


def pictures(home: Path) -> Path:
    """A folder of six pictures."""
    (home / "pictures").mkdir()
    for number in range(6):
        Image.new("RGB", (6, 6), (number, 0, 0)).save(home / "pictures" / f"{number}.png")
    return home / "pictures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pictures(tmp_path)


@pytest.fixture
def command(server: PhaseServer, folder: Path, tmp_path: Path) -> Callable[..., list[object]]:
    """The words of the command, into tmp_path/run unless told otherwise."""

    def command(*more: object, out: Path | None = None, llm: str | None = None) -> list[object]:
        models = ["--vlm", server.vlm, "--llm", llm or server.llm, "--concurrency", CONCURRENCY]
        return ["annotate", folder, *models, "--out", out or tmp_path / "run", "--json", *more]

    return command


@pytest.fixture
def annotate(command: Callable[..., list[object]], whyfeel: Callable[..., Told], monkeypatch: pytest.MonkeyPatch):
    """The command in this process, quick to try again."""
    monkeypatch.setattr("whyfeel.runs.sitting.Retries", functools.partial(Retries, first=0.01, longest=0.05))
    return lambda *more, **where: whyfeel(*command(*more, **where))


def lines_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "annotations.jsonl").read_bytes().split(b"\n")[:-1]]


@dataclass(frozen=True)
class Calm:
    """A run that nothing disturbed."""

    annotations: bytes
    requests: list[Request]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    """Of the same pictures, asked by the same command."""
    home = tmp_path_factory.mktemp("calm")
    with PhaseServer() as server:
        models = {"vlm": server.vlm, "llm": server.llm}
        options = annotate_options({"source": str(pictures(home)), "out": home / "run", **models})
        assert run_annotation(options, Quiet()).summary["annotated"] == 6
        return Calm((home / "run" / "annotations.jsonl").read_bytes(), server.requests)


def test_killed_twice_it_asks_nothing_durable_again_and_ends_the_same(
    cli, command, annotate, calm, server, ledger, tmp_path
):
    run, lost, server.delay = tmp_path / "run", 0, 0.005
    for more in (25, 30):
        known, sent = len(ledger(run)), len(server.requests)
        process = cli.start(*command())
        server.wait_for(sent + more)
        process.kill()
        process.wait()
        time.sleep(0.05)  # what the process had sent has arrived
        repeated = len(server.requests) - sent - (len(ledger(run)) - known)
        assert 0 <= repeated <= CONCURRENCY
        assert not (run / "annotations.jsonl").exists()
        lost += repeated
    told = annotate()
    assert told.status == 0, told.err
    assert told.json["calls"] == 6 * EACH + 1
    assert len(server.requests) == 6 * EACH + 1 + lost
    assert server.digests().keys() == {one.digest for one in calm.requests}
    assert (run / "annotations.jsonl").read_bytes() == calm.annotations


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_it_and_the_same_command_goes_on(
    sent, status, cli, command, annotate, calm, server, ledger, tmp_path
):
    run, server.delay = tmp_path / "run", 0.005
    process = cli.start(*command())
    server.wait_for(40)
    process.send_signal(sent)
    done = cli.end(process, 5.0)
    assert (done.status, done.out) == (status, "")
    assert "run the same command again" in done.one_line()
    assert len(ledger(run)) == len(server.requests) < 6 * EACH, "calls in flight come home"
    assert annotate().status == 0
    assert len(server.requests) == 6 * EACH + 1
    assert (run / "annotations.jsonl").read_bytes() == calm.annotations


def test_pictures_that_cannot_be_sent(annotate, server, folder, tmp_path):
    """They are named before the first call, never sent, stay on record, and are asked about once they are mended."""
    sound = (folder / "0.png").read_bytes()
    bad = {
        "empty.png": b"",
        "page.jpg": b"<!doctype html>",
        "cut.png": sound[:-20],
        "bomb.png": bomb(),
    }
    for name, data in bad.items():
        (folder / name).write_bytes(data)
    (tmp_path / "outside.png").write_bytes(sound)
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "dangling.png").symlink_to(folder / "nothing.png")
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    names = [*bad, "link.png", "dangling.png", "pipe.png"]
    told = annotate()
    assert told.status == 0, told.err
    assert told.json["unscored"] == {"bad picture": len(names)}
    assert (told.json["n"], told.json["annotated"]) == (6 + len(names), 6)
    said = told.err.splitlines()
    assert said[0] == f"whyfeel: {len(names)} pictures cannot be sent and stay unscored:"
    assert len(server.requests) == 6 * EACH + 1
    lines = {line["id"]: line for line in lines_of(tmp_path / "run")}
    assert [*lines] == sorted(lines)
    for name in names:
        assert lines[name]["unscored"]["reason"] == "bad picture"
        assert (lines[name]["triggers"], lines[name]["steps"]) == ([], [])
        assert any(f"  {name}: {lines[name]['unscored']['detail']}" in line for line in said)
    Image.new("RGB", (6, 6), (99, 0, 0)).save(folder / "empty.png")
    assert annotate().json["annotated"] == 7
    assert len(server.requests) == 7 * EACH + 1


def test_a_folder_with_no_picture_that_can_be_sent(annotate, server, folder):
    for file in folder.iterdir():
        file.write_bytes(b"")
    told = annotate()
    assert told.status == 1
    assert told.json["unscored"] == {"bad picture": 6}
    assert told.err.endswith("whyfeel: nothing could be annotated: bad picture (6)\n")
    assert server.requests == []


def test_names_that_files_can_have(annotate, server, folder, tmp_path):
    r"""Blanks, line ends, quotes, markup, right-to-left marks, and bytes that are no UTF-8."""
    turned = "\u202eabc.png".encode()
    names = [b"a b.png", b"a\nb.png", b'"q".png', b"[red]<b>.png", turned, b"\xff\xfe.png", b"\x1b[2J.png"]
    for file in folder.iterdir():
        file.unlink()
    for number, name in enumerate(names):
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:  # noqa: PTH123 - a name that is no text
            Image.new("RGB", (6, 6), (number, 9, 9)).save(file, "PNG")
    (folder / "[empty]\x1b[2J.png").touch()
    told = annotate()
    assert told.json["annotated"] == len(names), told.err
    assert "\x1b" not in told.err + told.out
    assert len(lines_of(tmp_path / "run")) == len(names) + 1
    asked = len(server.requests)
    assert annotate().json["annotated"] == len(names)
    assert len(server.requests) == asked


def test_a_model_that_looks_at_no_picture(annotate, server, tmp_path):
    """Each question that can be put otherwise is, once; what nobody answered is not summed up."""
    server.say |= dict.fromkeys(("rebuild", "general", "scene questions", "scenario", "grounded"), refusing)
    told = annotate("--limit", 1)
    assert told.status == 0
    assert server.phases() == {"parse": 1, "rebuild": 2, "general": 4, "scene questions": 2}
    (line,) = lines_of(tmp_path / "run")
    assert line["unscored"] is None
    assert (line["triggers"], line["question"]) == ([], line["query"])
    assert line["flags"] == ["question not rebuilt", "answers declined", "no scene questions", "nothing was answered"]
    assert len(line["steps"]) == 9
    assert told.json["without_triggers"] == 1
    assert told.json["flags"]["nothing was answered"] == 1


PROSE = "Well, the people here look as though something had happened to them."


def test_a_language_model_that_answers_in_prose(annotate, server, tmp_path):
    server.say |= dict.fromkeys(("parse", "summary", "duplicate", "relevant"), lambda _: PROSE)
    told = annotate("--limit", 1)
    assert told.status == 0
    assert (server.phases()["parse"], server.phases()["summary"], server.phases()["grounded"]) == (2, 2, 0)
    (line,) = lines_of(tmp_path / "run")
    assert {*line["flags"]} == {"query not parsed", "summary unreadable"}
    assert line["triggers"] == []
    assert [step["answer"] for step in line["steps"]].count(PROSE) == 4, "what it said is kept"


def test_prose_with_a_list_in_it(annotate, server, tmp_path):
    """Triggers are saved from it, with what nobody said of them unsaid; gates without a verdict drop nothing."""
    server.say |= dict.fromkeys(("duplicate", "relevant"), lambda _: PROSE)
    server.say["summary"] = lambda _: "The causes are:\n1. A torn letter\n2) **The rain**\n\nHope this helps!"
    told = annotate("--limit", 1)
    (line,) = lines_of(tmp_path / "run")
    found = [(one["text"], one["kind"], one["explicit"], one["confidence"], one["dropped"]) for one in line["triggers"]]
    assert found == [("A torn letter", None, None, None, ""), ("The rain", None, None, None, "")]
    without = [f"{gate} gate without a verdict" for gate in ("duplicate", "relevant")]
    assert line["flags"] == ["summary not in form", "trigger without a source", *without]
    assert told.json["kinds"]["unsaid"] == 2
    assert (server.phases()["duplicate"], server.phases()["relevant"]) == (2, 2)


def test_a_summary_of_a_thousand_triggers(annotate, server, tmp_path):
    """Thirty go through the gates, all stay on record."""
    one = {"kind": "object", "explicit": True, "confidence": 50, "from": ["G1"]}
    thousand = json.dumps({"triggers": [{"trigger": f"cause number {n}", **one} for n in range(1000)]})
    server.say["summary"] = lambda _: thousand
    told = annotate("--limit", 1)
    assert told.status == 0
    (line,) = lines_of(tmp_path / "run")
    assert Counter(one["dropped"] for one in line["triggers"]) == {"": 30, "beyond the first 30": 970}
    assert [one["text"] for one in line["triggers"]] == [f"cause number {n}" for n in range(1000)]
    assert "too many triggers" in line["flags"]
    assert server.phases()["grounded"] == 30
    assert (told.json["triggers"]["found"], told.json["triggers"]["kept"]) == (1000, 30)


HOSTILE = {
    "<script>alert(1)</script>": "<script>alert(1)</script>",
    "[bold red]pay[/bold red]": "[bold red]pay[/bold red]",
    "wiped \x1b[2J\x07 away\x00": "wiped [2J away",
    "two\nlines\r\nof it": "two lines of it",
    "7. **numbered**": "numbered",
    "\u202eegnahc": "\u202eegnahc",
    "a line\u2028of its own": "a line of its own",
    '"} ], "triggers": [': '"} ], "triggers": [',
    "half \ud83d": "half \ufffd",
    "=HYPERLINK(1)": "=HYPERLINK(1)",
}


def test_triggers_of_markup_script_and_control_characters(annotate, whyfeel, command, server, tmp_path):
    """They are text, one line each; what would move a cursor is gone."""
    server.say["summary"] = lambda _: json.dumps({"triggers": [{"trigger": text} for text in HOSTILE]})
    told = annotate("--limit", 1)
    assert told.status == 0, told.err
    (line,) = lines_of(tmp_path / "run")
    assert [one["text"] for one in line["triggers"]] == [*HOSTILE.values()]
    assert "\x1b" not in (tmp_path / "run" / "annotations.jsonl").read_text()
    words = [word for word in command("--limit", 1) if word != "--json"]
    table = whyfeel(*words)
    assert "\x1b" not in table.out + table.err


def test_no_language_model_to_be_reached(annotate, server, folder, monkeypatch, tmp_path):
    """It stops, says so, and goes on where it was once there is one."""
    monkeypatch.setattr("whyfeel.runs.sitting.Pace", functools.partial(Pace, patience=0.3))
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        told = annotate(llm=f"http://127.0.0.1:{taken.getsockname()[1]}/v1#llm")
    assert (told.status, told.out) == (1, "")
    assert "could not be reached" in told.err
    assert "run the same command again" in told.err
    assert not (tmp_path / "run" / "annotations.jsonl").exists()
    told = annotate()
    assert told.status == 0
    assert "llm moved from" in told.err
    assert len(server.requests) == 6 * EACH + 1


def test_a_refused_key_ends_it_in_one_line(annotate, server, tmp_path):
    server.say["general"] = lambda _: web.json_response({"error": {"message": "no such key"}}, status=401)
    told = annotate()
    assert (told.status, told.out) == (2, "")
    assert "401" in told.err
    assert not (tmp_path / "run" / "annotations.jsonl").exists()


def test_a_call_that_fails_for_good_leaves_one_picture_for_later(annotate, server, calm, tmp_path):
    """The next sitting asks for what failed, and for nothing else."""
    genuine = server.say["relevant"]
    failing = next(one.digest for one in calm.requests if one.phase == "relevant")
    answer = web.json_response
    server.say["relevant"] = lambda one: (
        answer({"error": {"message": "too long"}}, status=400) if one.digest == failing else genuine(one)
    )
    told = annotate()
    assert (told.status, told.json["unscored"]) == (0, {"rejected": 1})
    (line,) = [line for line in lines_of(tmp_path / "run") if line["unscored"]]
    assert "too long" in line["unscored"]["detail"]
    server.say["relevant"] = genuine
    assert annotate().json["annotated"] == 6
    assert server.digests() - Counter(server.digests().keys()) == {failing: 1}
    assert (tmp_path / "run" / "annotations.jsonl").read_bytes() == calm.annotations


def test_two_processes_cannot_work_in_one_folder(cli, command, annotate, server, tmp_path):
    server.delay = 0.02
    process = cli.start(*command())
    server.wait_for(3)
    told = annotate()
    assert told.status == 2
    assert f"is in use by process {process.pid}" in told.err
    process.kill()
    process.wait()
