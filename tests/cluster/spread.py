"""Runs and annotations in one process and spread over actors of Ray: what came of them, as JSON on stdout.

Called with a folder that is its own, in a network namespace that has nothing but its loopback.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "faults")]

from chat_server import ChatServer, slow  # noqa: E402
from PIL import Image  # noqa: E402

from phase_server import PhaseServer  # noqa: E402
from whyfeel.cli import main  # noqa: E402
from whyfeel.runs.ray_cluster import _connected  # noqa: E402

RECORDS, CONCURRENCY, FIRST = 16, 4, 40  # and how many requests there are before an actor is killed
HAND = re.compile(rb"^ray::Hand")


def make_data(folder: Path) -> tuple[Path, Path]:
    """Records with a tiny picture each."""
    (folder / "images").mkdir()
    lines = []
    for n in range(RECORDS):
        Image.new("RGB", (6, 6), (n, 9, 9)).save(folder / "images" / f"{n}.png")
        record = {"id": f"r{n}", "image": f"{n}.png", "question": f"Why does person {n} feel sad?", "emotion": "sad"}
        lines.append(record | {"triggers": [f"trigger {m} of record {n}" for m in range(1 + n % 3)]})
    file = folder / "data.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file, folder / "images"


def whyfeel(*args: object) -> dict[str, Any]:
    """A command in this process."""
    out, err = io.StringIO(), io.StringIO()
    sys.argv = ["whyfeel", *map(str, args)]
    status: object = None
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    return {"status": status, "out": out.getvalue(), "err": err.getvalue()}


def actors() -> Iterator[int]:
    """The processes of our own namespace that are a `Hand`."""
    for one in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            same = (one / "ns" / "net").readlink() == Path("/proc/self/ns/net").readlink()
            if same and HAND.match((one / "cmdline").read_bytes()):
                yield int(one.name)


def foreign() -> list[str]:
    """Addresses of this namespace besides its loopback's: there should be none."""
    told = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True, check=True).stdout
    return [line for line in told.splitlines() if " lo " not in line]


def process(*args: object) -> dict[str, Any]:
    """A command in a process of its own."""
    words = [sys.executable, "-m", "whyfeel", *map(str, args)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return {"status": done.returncode, "out": done.stdout, "err": done.stderr}


def runs(folder: Path, file: Path, images: Path, cluster: str) -> Iterator[dict[str, Any]]:
    """A run in one process, then over two actors, one of which is killed in the middle of it."""
    with ChatServer(slow) as server:
        yield whyfeel(*run_of(server, file, images, folder / "alone")) | {"calls": len(server.calls)}
    found: dict[str, Any] = {}
    with ChatServer(slow) as server:

        def kill() -> None:
            server.wait_for(FIRST)
            found["most"], found["actors"] = server.flights.most, list(actors())
            os.kill(found["actors"][0], signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        found |= process(*run_of(server, file, images, folder / "spread"), "--ray", cluster, "--actors", 2)
        killer.join()
        counts = server.counts()
        yield found | {"calls": len(server.calls), "repeated": counts.total() - len(counts)}


def run_of(server: ChatServer, file: Path, images: Path, out: Path) -> list[object]:
    """The words of the command."""
    models = ["--model", server.model("mock"), "--judge", "official-llama3", "--judge-model", server.model("judge")]
    places = ["--data", file, "--images", images, "--out", out]
    return ["run", "jsonl", *models, *places, "--concurrency", CONCURRENCY, "--json"]


def annotations(folder: Path, images: Path, cluster: str) -> Iterator[dict[str, Any]]:
    """The same pictures annotated in one process, then over as many actors as there are by default."""
    with PhaseServer() as server:
        models = ["--vlm", server.vlm, "--llm", server.llm, "--emotion", "sad", "--concurrency", CONCURRENCY]
        command = ["annotate", images, *models, "--limit", 4, "--json", "--out"]
        yield whyfeel(*command, folder / "annotated-alone") | {"calls": len(server.requests)}
        alone = len(server.requests)
        told = process(*command, folder / "annotated-spread", "--ray", cluster)
        yield told | {"calls": len(server.requests) - alone}


def spread(folder: Path) -> dict[str, Any]:
    """Everything, one after the other, over one cluster: the one that `--ray local` would start."""
    file, images = make_data(folder)
    ray = _connected("local", 2)
    cluster = ray.get_runtime_context().gcs_address
    found = {"runs": list(runs(folder, file, images, cluster))}
    found |= {"annotations": list(annotations(folder, images, cluster)), "foreign": foreign()}
    ray.shutdown()
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(spread(Path(sys.argv[1]))) + "\n")
