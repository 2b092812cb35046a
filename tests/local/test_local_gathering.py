"""Which asks are computed together, how many fit into memory, and what their settings mean; without torch's help."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyfeel.engine import Price, Request, Route
from whyfeel.errors import CallFailed, UserError
from whyfeel.models import Scripted
from whyfeel.models.local import IN_PROCESS, Local
from whyfeel.models.local import limit as limit_module
from whyfeel.models.local.limit import Limit, is_full
from whyfeel.models.local.local import Waiting, gathered
from whyfeel.models.local.settings import TOKENS, Settings, read_settings
from whyfeel.records import Ask, Media
from whyfeel.runs.destinations import announcement, check_local, check_sight, picture_hosts
from whyfeel.runs.options import RunOptions
from whyfeel.runs.routing import remarks, route_to

SHAPES = (Settings(), Settings(temperature=1.0))


def waiting(size: int, pictured: bool = False, settings: Settings = SHAPES[0]) -> Waiting:
    pictures = {Media("a.png"): None} if pictured else {}
    return Waiting(Request("k", Ask("answer", ()), pictures=cast("Any", pictures)), settings, cast("Any", None), size)


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans(), st.sampled_from(SHAPES)), min_size=1), st.integers(1, 12))
def test_a_batch_holds_the_oldest_ask_and_those_most_like_it(asks: list[Any], most: int) -> None:
    queue = [waiting(*one) for one in asks]
    batch = gathered(queue, most)
    alike = [one for one in queue if one.shape == queue[0].shape]
    assert queue[0] in batch
    assert len(batch) == min(most, len(alike))
    assert {one.shape for one in batch} == {queue[0].shape}
    sizes = sorted(one.size for one in batch)
    between = [one for one in alike if sizes[0] < one.size < sizes[-1]]
    assert all(one in batch for one in between), "no length between theirs is left out"


def test_a_batch_is_taken_from_the_middle_of_the_lengths_around_the_oldest() -> None:
    queue = [waiting(size) for size in (50, 10, 90, 20, 60, 40, 100)]
    assert [one.size for one in gathered(queue, 3)] == [40, 50, 60]
    assert [one.size for one in gathered(queue[::-1], 3)] == [60, 90, 100]
    assert [one.size for one in gathered(queue[1:], 3)] == [10, 20, 40]


class Cuda:
    """A GPU of 1000 bytes, of which the model takes 100; an ask takes 60 while it is computed."""

    def __init__(self) -> None:
        self.peak = self.emptied = 0
        self.reserved = 120

    def is_available(self) -> bool:
        return True

    def reset_peak_memory_stats(self) -> None:
        self.peak = self.memory_allocated()

    def memory_allocated(self) -> int:
        return 100

    def max_memory_allocated(self) -> int:
        return self.peak

    def memory_reserved(self) -> int:
        return self.reserved

    def mem_get_info(self) -> tuple[int, int]:
        return 1000 - self.reserved, 1000

    def empty_cache(self) -> None:
        self.emptied += 1


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    gpu = Cuda()
    torch = SimpleNamespace(cuda=gpu, OutOfMemoryError=type("OutOfMemoryError", (RuntimeError,), {}))
    monkeypatch.setitem(__import__("sys").modules, "torch", torch)
    return gpu


def test_on_a_gpu_the_first_batch_shows_how_many_fit(cuda: Cuda) -> None:
    limit = Limit("cuda", 32)
    assert limit.now == limit_module.FIRST == 4
    with limit.measured(4):
        cuda.peak += 4 * 60
    assert limit.now == limit.most == 12  # 0.8 of 900 free bytes, 60 an ask
    with limit.measured(12):
        cuda.peak += 12 * 100
    assert limit.now == 12, "only the first is looked at"
    limit.lower(6)
    assert (limit.now, cuda.emptied) == (6, 1)
    limit.lower(9)
    assert limit.now == 6
    limit.lower(0)
    assert limit.now == 1
    few = Limit("cuda", 32)
    with few.measured(1):
        cuda.peak = 5000
    assert few.now == 1, "one ask is always tried"


def test_a_first_batch_that_fails_is_measured_anew(cuda: Cuda) -> None:
    limit = Limit("cuda", 32)
    with pytest.raises(ValueError, match="model"), limit.measured(4):
        raise ValueError("the model's own")
    assert limit.now == 4
    assert Limit("cpu", 32).now == 32


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory"),
            True,
        ),
        (RuntimeError("CUDA error: out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_says_that_memory_is_full(cuda: Cuda, error: Exception, full: bool) -> None:
    assert is_full(error) is full


@pytest.mark.parametrize(
    ("gen", "settings"),
    [
        ({}, Settings(TOKENS, 0.0, 0, 1.0, ())),
        ({"temperature": 0, "max_tokens": 5, "seed": 3}, Settings(5)),
        ({"max_tokens": 5, "max_completion_tokens": 9}, Settings(9)),
        ({"temperature": 1, "top_k": -1, "top_p": 1}, Settings(temperature=1.0)),
        ({"stop": "x", "top_k": 4, "top_p": 0.5}, Settings(top_k=4, top_p=0.5, stop=("x",))),
        ({"stop": ["a", "b"]}, Settings(stop=("a", "b"))),
        ({"temperature": None, "stop": None}, Settings()),
    ],
)
def test_settings_are_read_by_their_chat_completions_names(gen: Mapping[str, Any], settings: Settings) -> None:
    assert read_settings(gen) == (settings, ())


@pytest.mark.parametrize(
    ("gen", "words"),
    [
        ({"temperature": -1}, "temperature: expected a number from 0 to 100, got -1"),
        ({"temperature": float("nan")}, "temperature: expected"),
        ({"temperature": True}, "temperature: expected"),
        ({"max_tokens": 0}, "max_tokens: expected a whole number from 1, got 0"),
        ({"max_completion_tokens": 2.5}, "max_completion_tokens: expected a whole number from 1"),
        ({"top_p": 0}, "top_p: expected a number above 0, at most 1, got 0"),
        ({"top_k": "many"}, "top_k: expected a whole number from 1, or 0 for all, got 'many'"),
        ({"seed": "x"}, "seed: expected a whole number"),
        ({"stop": [""]}, "stop: expected a text or a list of texts, none of them empty"),
        ({"stop": 3}, "stop: expected"),
        ({"temprature": 1}, "a local model has no setting 'temprature' (it has max_completion_tokens, max_tokens"),
    ],
)
def test_a_value_that_a_setting_cannot_have_is_refused(gen: Mapping[str, Any], words: str) -> None:
    with pytest.raises(CallFailed, match=re.escape(words)) as failed:
        read_settings(gen, gen)
    assert not failed.value.again


class _Blind(Local):
    """A model that reads text alone, and is told of without its files."""

    sees, remark = False, "blind@0 on cpu"

    def __init__(self) -> None:
        self.name = "blind@0"


def test_a_model_in_this_process_sends_no_picture_anywhere_and_counts_as_local() -> None:
    routes = {"answer": Route(_Blind()), "judge": Route(Scripted(lambda _: "", address="http://10.0.0.7:8000/v1"))}
    assert picture_hosts(routes, ["answer"]) == []
    assert announcement(picture_hosts(routes, ["answer", "judge"])) == "pictures go to 10.0.0.7:8000 (private network)"
    check_local({"answer": routes["answer"]}, lambda host, port: pytest.fail("nobody is asked where it lies"))
    assert _Blind.address == IN_PROCESS
    assert _Blind.price == Price(0.0, 0.0)
    assert remarks({**routes, "caption": routes["answer"]}) == ["blind@0 on cpu"]


def test_a_model_of_text_alone_is_refused_where_it_is_to_be_shown_pictures() -> None:
    routes = {"answer": Route(_Blind())}
    check_sight(routes, [])
    check_sight(routes, ["another"])
    with pytest.raises(UserError, match=r"blind@0 sees no pictures, and the role 'answer' is shown them"):
        check_sight(routes, ["answer"])


def test_settings_that_it_does_not_have_are_refused_before_the_first_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whyfeel.runs.routing.build_model", lambda *_, **__: _Blind())
    options = RunOptions(task="scenes", model="local:x", out="run")  # type: ignore[arg-type]
    assert route_to(options, "local:x", "answer", {}, {"n": None, "top_k": 3}, calls=True).model.name == "blind@0"
    with pytest.raises(UserError, match=r"local:x: a local model has no setting 'n'"):
        route_to(options, "local:x", "answer", {}, {"n": 2}, calls=True)


def test_a_model_that_other_processes_ask_is_not_loaded_in_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[bool] = []

    def build(*_: object, calls: bool, **__: object) -> _Blind:
        loads.append(calls)
        return _Blind()

    monkeypatch.setattr("whyfeel.runs.routing.build_model", build)
    for ray in (None, "local"):
        options = RunOptions(task="scenes", model="local:x", out="run", ray=ray)  # type: ignore[arg-type]
        route_to(options, "local:x", "answer", {}, {}, calls=True)
    assert loads == [True, False]
