from __future__ import annotations

import json
import resource
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.errors import StoreFailed
from whyfeel.records import json_line
from whyfeel.runs.spool import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    one = Spool(tmp_path)
    yield one
    one.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spool")


anything = st.characters(min_codepoint=0, max_codepoint=0x10FFFF)  # lone surrogates too


@given(texts=st.lists(st.text(anything), max_size=20), order=st.randoms(use_true_random=False))
def test_in_any_order_in_and_out_in_the_order_of_the_indices(place: Path, texts: list[str], order: object) -> None:
    records = [{"id": f"s{i}", "text": text, "n": i / 3} for i, text in enumerate(texts)]
    indices = list(range(len(records)))
    order.shuffle(indices)  # type: ignore[attr-defined]
    spool = Spool(place)
    for index in indices:
        spool.put(index, records[index])
    assert b"".join(spool.lines()) == "".join(json_line(r) + "\n" for r in records).encode()
    assert list(spool) == records
    assert list(spool) == records, "a second reading gives the same"
    spool.close()


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\u2028\u2029\x85", "line\nline\r\n", "\x00", "😀", ""])
def test_hostile_text_stays_on_one_line_and_comes_back(spool: Spool, text: str) -> None:
    spool.put(0, {"text": text})
    spool.put(1, {"text": "next"})
    assert [json.loads(line) for line in spool.lines()] == [{"text": text}, {"text": "next"}]
    assert all(line.count(b"\n") == 1 and len(line.decode().splitlines()) == 1 for line in spool.lines())


def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put(0, {"a": 1})
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_one_has_no_lines(spool: Spool) -> None:
    assert list(spool.lines()) == []
    assert list(spool) == []


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """A disk on which a file has room for so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


FULL = r"\Aa file '[^\n]*' cannot be written: File too large \([\d,]+ bytes are free there\)\. [^\n]+\Z"


def test_a_full_disk_stops_the_run_with_one_line(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with file_size_limit(1000), pytest.raises(StoreFailed, match=FULL):
        spool.put(0, {"text": "x" * 100_000})
    with file_size_limit(1000):
        spool.close()  # what is still in the buffer cannot go out, and nobody needs it


@pytest.mark.parametrize("read", [list, lambda spool: list(spool.lines())])
def test_a_disk_that_is_full_when_the_buffer_goes_out_stops_the_run_too(tmp_path: Path, read: object) -> None:
    spool = Spool(tmp_path)
    with file_size_limit(10):
        spool.put(0, {"text": "small enough for the buffer"})
        with pytest.raises(StoreFailed, match=FULL):
            read(spool)  # type: ignore[operator]
        spool.close()


def test_a_file_that_cannot_be_made_stops_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(StoreFailed, match=r"\Aa file '.*' cannot be made: No space left"):
        Spool(tmp_path)
