"""CIDEr and CIDEr-D against a plain recomputation, and against what pycocoevalcap gives."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from measuring import item, items, values

from whyfeel.metrics.cider import Cider, CiderD
from whyfeel.metrics.words import stems, words

ROWS = (
    ("a man lost his dog and cries", "the man lost his dog", "his dog ran away and the man cries"),
    ("friends sing at the party", "her friends sing a song at the party", "a cake"),
    ("a man sings", "the crowd cheers the man", "a man sings and the crowd cheers"),
    ("", "rain falls on the tent"),
)
# pycocoevalcap 1.2, Cider().compute_score on the words of ROWS, blank-separated
COCO = (3.868819, 1.767916, 1.859358, 0.0)


def plainly(rows: tuple[tuple[str, ...], ...], split: Callable[[str], list[str]], *, d: bool) -> list[float]:
    """The paper's equations over dense vectors, n-gram by n-gram."""
    found = []
    for said, *references in rows:
        total = 0.0
        for n in range(1, 5):

            def bag(text: str, n: int = n) -> Counter[str]:
                tokens = split(text)
                return Counter(" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1))

            axis = sorted({gram for row in rows for text in row for gram in bag(text)})
            having = [sum(any(gram in bag(one) for one in row[1:]) for row in rows) for gram in axis]
            rarity = np.log(len(rows) / np.maximum(having, 1))

            def vector(text: str) -> np.ndarray:
                return np.array([bag(text)[gram] for gram in axis]) * rarity  # noqa: B023 - called in this turn

            for reference in references:
                ours, theirs = vector(said), vector(reference)
                size = np.linalg.norm(ours) * np.linalg.norm(theirs)
                if size:
                    value = (np.minimum(ours, theirs) if d else ours) @ theirs / size
                    gap = len(split(said)) - len(split(reference))
                    total += value * (10 * math.exp(-(gap**2) / 72) if d else 1) / len(references) / 4
        found.append(total)
    return found


def test_it_is_the_papers() -> None:
    assert values(Cider(), *ROWS) == pytest.approx(plainly(ROWS, stems, d=False), abs=1e-12)
    assert values(CiderD(), *ROWS) == pytest.approx(plainly(ROWS, words, d=True), abs=1e-12)


def test_cider_d_is_what_the_coco_evaluation_calls_cider() -> None:
    assert values(CiderD(), *ROWS) == pytest.approx(COCO, abs=1e-6)


def test_words_are_stemmed_in_cider_alone() -> None:
    rows = (("dogs bark", "dog barking"), ("rain", "rain"))
    assert values(Cider(), *rows) == [pytest.approx(0.5), pytest.approx(0.25)]  # 1 and 2 words of four orders
    assert values(CiderD(), *rows)[0] == 0


def test_saying_a_word_again_pays_less_in_cider_d() -> None:
    reference = "the dog ran home today"
    rows = ((f"{reference} dog dog dog", reference), ("rain", "rain"))
    once = ((reference, reference), ("rain", "rain"))
    assert values(CiderD(), *once)[0] == pytest.approx(10)
    assert values(CiderD(), *rows)[0] == pytest.approx(plainly(rows, words, d=True)[0])
    assert values(CiderD(), *rows)[0] < 10 * values(Cider(), *rows)[0]


def test_what_every_picture_has_weighs_nothing() -> None:
    assert values(Cider(), ("the sea", "the sea"), ("the sea", "the sea")) == [0, 0]


def test_items_of_one_picture_are_one_document() -> None:
    two = [
        item("a cake", "a cake", cluster="p", number=0),
        item("a song", "a song", cluster="p", number=1),
        item("rain", "a storm", cluster="q", number=2),
    ]
    found = Cider().measure(two).values
    # "a" has weight 0, of one picture's two items each has the full weight of log 2
    assert found[:2] == [pytest.approx(0.5), pytest.approx(0.5)]
    alone = Cider().measure(two[:2])
    assert (list(alone.values), alone.why) == ([None, None], {"references of one picture only": 2})


@pytest.mark.parametrize("metric", [Cider(), CiderD()], ids=["cider", "cider-d"])
def test_every_missing_value_has_its_reason(metric: Cider | CiderD) -> None:
    found = metric.measure(items(("a", "a"), ("b",), ("c", "c")))
    assert (found.values[1], found.why) == (None, {"no reference": 1})
    found = metric.measure(items(("a", "a"), ("b",)))
    assert (list(found.values), found.why) == ([None, None], {"no reference": 1, "references of one picture only": 1})
    assert metric.measure([]).values == []
