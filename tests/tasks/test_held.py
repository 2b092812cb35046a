"""A task of few samples is read once, one of many as often as it is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from whyfeel.records import Sample, Trigger
from whyfeel.tasks import held, open_task
from whyfeel.tasks.held import Held


class Counting(SimpleNamespace):
    """A task that counts how often it is read from its start."""

    def __iter__(self) -> Iterator[Sample]:
        self.passes += 1
        return (Sample(f"s{n}", "Why?", "sad", (Trigger("rain"),), (), f"p{n}") for n in range(self.count))


def counting(count: int) -> Counting:
    names = (
        "name",
        "groups",
        "macro",
        "scorer",
        "alternatives",
        "foils",
        "left_out",
        "malformed",
        "files",
        "images",
        "images_help",
    )
    return Counting(**dict.fromkeys(names), passes=0, count=count)


@pytest.mark.parametrize(("count", "passes"), [(0, 1), (3, 1), (4, 3)])
def test_few_samples_are_read_once(monkeypatch: pytest.MonkeyPatch, count: int, passes: int) -> None:
    monkeypatch.setattr(held, "FEW", 3)
    task = counting(count)
    looked = Held(task)
    found = [[sample.id for sample in looked] for _ in range(3)]
    assert found == [[f"s{n}" for n in range(count)]] * 3
    assert task.passes == passes


def test_a_pass_that_is_broken_off_is_not_remembered() -> None:
    task = counting(5)
    looked = Held(task)
    assert next(iter(looked)).id == "s0"
    assert len(list(looked)) == len(list(looked)) == 5
    assert task.passes == 2


def test_two_passes_at_once_do_not_mix() -> None:
    looked = Held(counting(4))
    pairs = list(zip(looked, looked, strict=True))
    assert [one.id for one, _ in pairs] == [other.id for _, other in pairs] == [f"s{n}" for n in range(4)]
    assert [sample.id for sample in looked] == [f"s{n}" for n in range(4)]


def test_an_opened_task_is_what_it_was() -> None:
    task = open_task("scenes", None, None)
    assert (task.name, len(list(task)), len(list(task))) == ("scenes", 24, 24)
    assert task.groups == ("happy", "angry", "sad", "excited")
    assert task.foils == "emotion"
