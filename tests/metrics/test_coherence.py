"""Long-term coherence with vectors that are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from measuring import items, values
from numpy.typing import NDArray

from whyfeel.metrics.coherence import Coherence

ANGLES = {"east": 0.0, "north": 90.0, "northeast": 45.0, "west": 180.0}


class Compass:
    """Texts to points of the circle; remembers what it was asked."""

    digest = "d" * 64

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        angles = np.radians([ANGLES[text] for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.fixture
def metric() -> Coherence:
    return Coherence(str.split, Compass(), "compass")


def test_it_is_the_mean_cosine_of_neighbours(metric: Coherence) -> None:
    half = np.sqrt(0.5)
    rows = (("east northeast north",), ("east north northeast",), ("east west",), ("north north north",))
    assert values(metric, *rows) == pytest.approx([half, half / 2, -1.0, 1.0], abs=1e-7)


def test_a_score_of_zero_is_a_score_and_one_sentence_is_none(metric: Coherence) -> None:
    found = metric.measure(items(("east north",), ("east",), ("",)))
    assert found.values[0] == pytest.approx(0, abs=1e-7)
    assert found.values[0] is not None
    assert (list(found.values[1:]), found.why) == ([None, None], {"fewer than two sentences": 2})
    assert found.facts == {"checkpoint": "compass", "digest": "d" * 64}


def test_a_sentence_is_embedded_once_and_only_where_it_counts(metric: Coherence) -> None:
    metric.measure(items(("east north east",), ("north east",), ("west",)))
    assert metric.embedder.asked == ["east", "north"]
    assert metric.measure([]).values == []


def test_values_stay_within_the_range(metric: Coherence) -> None:
    class Long(Compass):
        def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return super().__call__(texts) * np.float32(1.0000001)

    assert values(Coherence(str.split, Long(), ""), ("east east",), ("east west",)) == [1.0, -1.0]
