"""States on the disk: filled by blocks, taken up again after a kill, and refused where they are another probe's."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from whyfeel.errors import DataError, SpecMismatch, StoreFailed, UserError
from whyfeel.probe.files import probe_folder
from whyfeel.probe.states import StateFile

SHAPE, ORDER = (2, 3, 10, 4), np.array([3, 1, 0, 2, 9, 8, 7, 4, 5, 6])
SPEC = {"model": "m", "texts": "t"}
KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from whyfeel.probe.states import StateFile

def read(places):
    if 8 in places:
        os.kill(os.getpid(), signal.SIGKILL)
    return np.full((2, 3, len(places), 4), 7.0)

file = StateFile(Path(sys.argv[1]), "none", {"model": "m", "texts": "t"})
for _ in file.fill((2, 3, 10, 4), np.array([3, 1, 0, 2, 9, 8, 7, 4, 5, 6]), read, lambda _: 3):
    pass
"""


def reader(asked: list[int]) -> Callable[[Sequence[int]], np.ndarray]:
    """A text's states are its number, a layer and slot each a hundredth more."""

    def read(places: Sequence[int]) -> np.ndarray:
        asked.extend(places)
        inner = np.arange(6).reshape(2, 3, 1, 1) / 100
        return np.broadcast_to(np.array(places)[:, None] + inner, (2, 3, len(places), 4)).astype(np.float32)

    return read


def test_every_text_is_read_once_and_stands_in_its_place(tmp_path: Path) -> None:
    asked: list[int] = []
    file = StateFile(tmp_path, "none", SPEC)
    assert list(file.fill(SHAPE, ORDER, reader(asked), lambda start: 4 if start else 3)) == [3, 7, 10]
    assert asked == ORDER.tolist()
    again = StateFile(tmp_path, "none", SPEC)
    assert (again.done, again.shape) == (10, SHAPE)
    assert again.opened()[1, 2, :, 0].tolist() == pytest.approx([n + 0.05 for n in range(10)])
    assert list(again.fill(SHAPE, ORDER, reader(asked), lambda _: 3)) == []
    assert len(asked) == 10


def test_a_kill_costs_the_block_that_was_read(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    asked: list[int] = []
    file = StateFile(tmp_path, "none", SPEC)
    assert file.done == 3
    list(file.fill(SHAPE, ORDER, reader(asked), lambda _: 3))
    assert asked == ORDER[3:].tolist()
    kept = file.opened()[0, 0, :, 0].tolist()
    assert kept == [7, 7, 2, 7, 4, 5, 6, 7, 8, 9]
    assert not list(tmp_path.glob("*.part"))


def test_an_array_without_its_note_does_not_count(tmp_path: Path) -> None:
    np.save(tmp_path / "states-none.npy", np.ones(3))
    file = StateFile(tmp_path, "none", SPEC)
    list(file.fill(SHAPE, ORDER, reader([]), lambda _: 10))
    assert file.opened().shape == SHAPE


@pytest.mark.parametrize(("spec", "said"), [
    ({"model": "other", "texts": "t"}, "model was 'm', is 'other'"),
    ({"model": "m", "texts": "t", "tokens": [1]}, r"tokens was None, is \[1\]"),
    ({"model": "m"}, "texts was 't', is None"),
])  # fmt: skip
def test_the_states_of_another_probe(tmp_path: Path, spec: dict[str, object], said: str) -> None:
    list(StateFile(tmp_path, "none", SPEC).fill(SHAPE, ORDER, reader([]), lambda _: 10))
    with pytest.raises(SpecMismatch, match=said):
        StateFile(tmp_path, "none", spec)


@pytest.mark.parametrize("harm", ["gone", "cut", "pickle", "shape"])
def test_a_damaged_array(tmp_path: Path, harm: str) -> None:
    list(StateFile(tmp_path, "none", SPEC).fill(SHAPE, ORDER, reader([]), lambda _: 10))
    path = tmp_path / "states-none.npy"
    if harm == "gone":
        path.unlink()
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[:300])
    elif harm == "pickle":
        np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    else:
        np.save(path, np.zeros((2, 3), np.float32))
    with pytest.raises(DataError, match=r"states-none\.npy' is damaged.*remove the folder's states-"):
        StateFile(tmp_path, "none", SPEC).opened()


@pytest.mark.parametrize("note", ["{", "[]", '{"spec": {}}', '{"spec": 1, "shape": [], "done": 0}'])
def test_a_damaged_note(tmp_path: Path, note: str) -> None:
    (tmp_path / "states-none.json").write_text(note)
    with pytest.raises(DataError, match=r"states-none\.json'"):
        StateFile(tmp_path, "none", SPEC)


def test_a_full_disk_stops_it_and_keeps_what_is_done(tmp_path: Path) -> None:
    def full(places: Sequence[int]) -> np.ndarray:
        if 8 in places:
            raise OSError(28, "No space left on device")
        return reader([])(places)

    file = StateFile(tmp_path, "none", SPEC)
    with pytest.raises(StoreFailed, match="No space left"):
        list(file.fill(SHAPE, ORDER, full, lambda _: 3))
    assert json.loads((tmp_path / "states-none.json").read_text())["done"] == 3


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(UserError, match="not a probe's folder"), probe_folder(tmp_path):
        pass
    with pytest.raises(UserError, match="cannot be made"), probe_folder(tmp_path / "thesis.txt" / "out"):
        pass
    with probe_folder(tmp_path / "new"), pytest.raises(UserError, match="in use"), probe_folder(tmp_path / "new"):
        pass
