"""A server of phases, pictures to annotate, and the command."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from phase_server import PhaseServer
from told import Told
from whyfeel.annotate import AnnotationRun, annotate_options, read_annotation_run
from whyfeel.annotate import annotate as run_annotation
from whyfeel.cli.progress import Quiet


def painted(folder: Path, *names: str) -> Path:
    """Lay down small pictures of a colour of their own."""
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        colour = tuple(hashlib.sha256(name.encode()).digest()[:3])
        Image.new("RGB", (6, 6), colour).save(file, "PNG" if file.suffix.lower() == ".png" else "JPEG")
    return folder


@pytest.fixture
def server() -> Iterator[PhaseServer]:
    with PhaseServer() as serving:
        yield serving


@pytest.fixture
def paint() -> Callable[..., Path]:
    return painted


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three pictures."""
    return painted(tmp_path / "pictures", "a.png", "b.png", "c.png")


@pytest.fixture(scope="session")
def run_of_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over two pictures, to be copied."""
    home = tmp_path_factory.mktemp("two")
    with PhaseServer() as server:
        source = painted(home / "pictures", "a.png", "b.png")
        models = {"vlm": server.vlm, "llm": server.llm}
        run_annotation(annotate_options({"source": str(source), "out": home / "run", **models}), Quiet())
    return home / "run"


@pytest.fixture
def run(run_of_two: Path, tmp_path: Path) -> Path:
    """That run as tmp_path/run."""
    return Path(shutil.copytree(run_of_two, tmp_path / "run"))


@pytest.fixture
def annotate(whyfeel: Callable[..., Told], server: PhaseServer, tmp_path: Path) -> Callable[..., Told]:
    """`whyfeel annotate SOURCE` with the server's two models, into tmp_path/run unless told otherwise."""

    def annotate(source: object, *more: object, out: Path | None = None, json: bool = True) -> Told:
        models = ["--vlm", server.vlm, "--llm", server.llm]
        end = ["--out", out or tmp_path / "run", *(["--json"] if json else [])]
        return whyfeel("annotate", source, *models, *more, *end)

    return annotate


@pytest.fixture
def finished(tmp_path: Path) -> Iterator[Callable[..., AnnotationRun]]:
    """Runs read back, closed at the end."""
    opened: list[AnnotationRun] = []

    def read(path: Path | None = None) -> AnnotationRun:
        opened.append(read_annotation_run(path or tmp_path / "run"))
        return opened[-1]

    yield read
    for run in opened:
        run.close()


@pytest.fixture
def lines(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """The lines of a run's annotations."""

    def read(run: Path | None = None) -> list[dict[str, Any]]:
        file = (run or tmp_path / "run") / "annotations.jsonl"
        return [json.loads(line) for line in file.read_bytes().splitlines()]

    return read
