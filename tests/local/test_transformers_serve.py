"""`transformers serve`, a genuine OpenAI-compatible server: a run through it, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from needs import need
from told import Told
from whyfeel.engine import Request
from whyfeel.errors import CallFailed
from whyfeel.media import Loaded
from whyfeel.models import Endpoint
from whyfeel.records import Ask, Media, Picture, Text, user_turn

TRANSFORMERS = Path(sys.executable).with_name("transformers")
SAMPLES = 24  # of the bundled scenes
MOST = 16  # tokens of an answer


@pytest.fixture(scope="module")
def server(llava: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a server on this machine, without a network behind it."""
    need(TRANSFORMERS.is_file(), "the command transformers (pip install 'transformers[serving]')")
    home = tmp_path_factory.mktemp("hub")
    (home / "hub").mkdir()  # it lists the models there, and answers 500 where there is no such folder
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [TRANSFORMERS, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
        env={**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(2000):
            assert process.poll() is None, "the server has ended"
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as reply:
                assert reply.status == 200
                break
            time.sleep(0.05)
        else:
            pytest.fail("the server does not get ready")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)


def responses(run: Path) -> dict[str, tuple[str, str]]:
    """What was answered, by sample."""
    lines = map(json.loads, (run / "responses.jsonl").read_text(encoding="utf-8").splitlines())
    return {line["id"]: (line["text"], line["outcome"]) for line in lines}


def answers(run: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(run / "ledger.sqlite")) as db:
        return db.execute("SELECT text, finish, tokens_in, tokens_out FROM answers ORDER BY text").fetchall()


def test_a_run_through_the_server_says_what_the_model_says_in_this_process(
    server: str, llava: Path, whyfeel: Callable[..., Told], tmp_path: Path
) -> None:
    common = ("--judge", "overlap", "--controls", "none", "--gen", f"max_tokens={MOST}", "--concurrency", "4", "--json")
    served, local = tmp_path / "served", tmp_path / "local"
    told = whyfeel("run", "scenes", "--model", f"{server}#{llava}", "--out", served, *common)
    assert told.status == 0, told.err
    assert "pictures go to 127.0.0.1" in told.err
    assert (told.json["n"], told.json["scored"], told.json["unscored"]) == (SAMPLES, SAMPLES, {})
    here = whyfeel("run", "scenes", "--model", f"local:{llava}", "--out", local, *common)
    assert here.status == 0, here.err
    assert responses(served) == responses(local)
    assert len(set(responses(local).values())) == SAMPLES, "each scene has an answer of its own"
    assert answers(served) == answers(local)
    assert told.json["tokens"] == here.json["tokens"]
    assert here.json["model"].startswith("tiny-llava@")
    assert here.json["cost"] == 0
    assert "pictures go" not in here.err


async def test_what_it_cannot_do_is_a_failed_call_with_its_words(server: str, llava: Path, asked: Any) -> None:
    """It says 500 to everything, also to what will fail for ever; so each may be tried again."""
    endpoint, unknown = Endpoint(str(llava), server), Endpoint("/no/such/model", server)
    good = asked("Why?", 0, max_tokens=2)
    media = Media("cut.png")
    whole = next(iter(good.pictures.values()))
    cut = Loaded.__new__(Loaded)
    cut.header, cut.token, cut._data, cut._base64 = whole.header, whole.token, None, whole.base64[:400]
    bad = Request("k", Ask("answer", user_turn(Picture(media), Text("Why?")), {"max_tokens": 2}), pictures={media: cut})
    try:
        replies = await asyncio.gather(
            endpoint.answer(bad),
            unknown.answer(good),
            endpoint.answer(asked("Why?", 0, max_tokens=2, stop=["x"])),
            endpoint.answer(good),
            return_exceptions=True,
        )
    finally:
        await endpoint.close()
        await unknown.close()
    for failed in replies[:3]:
        assert isinstance(failed, CallFailed), failed
        assert (failed.reason, failed.again) == ("server error", True)
        assert "status 500" in failed.detail
    assert replies[3].tokens_out == 2


def test_a_run_that_is_stopped_asks_nothing_twice(
    server: str, llava: Path, whyfeel: Callable[..., Told], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = ["run", "scenes", "--model", f"{server}#{llava}", "--judge", "overlap", "--controls", "none"]
    command += ["--gen", "max_tokens=48", "--concurrency", "2", "--out", str(run)]
    process = subprocess.Popen([sys.executable, "-m", "whyfeel", *command], stderr=subprocess.PIPE, text=True)
    known = 0
    while known < 3:
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.02)
        with suppress(sqlite3.Error):
            known = len(answers(run)) if (run / "ledger.sqlite").exists() else 0
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "run the same command again" in said
    known = len(answers(run))
    assert 3 <= known < SAMPLES
    told = whyfeel(*command, "--max-calls", SAMPLES, "--json")
    assert told.status == 0, told.err
    assert (told.json["scored"], told.json["calls"]) == (SAMPLES, SAMPLES), "the limit holds over both sittings"
    assert told.json["outcomes"]["truncated"] == SAMPLES
