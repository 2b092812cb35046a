"""The metrics by name, and what holds for every one of the texts."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measuring import item, items

from whyfeel.errors import UserError
from whyfeel.metrics import DEFAULT, METRICS, Metric, Tools, build_metrics

LONG = "why " * 5000 + "because " * 5000
HOSTILE = ("", " \n", "word", "…!?", "\ud800 half", "😀👩‍👩‍👧", "a\u0000b", "ﬁ İ ß", "１２", "\u202etxet", LONG)
TEXT = st.text(st.sampled_from("ab c.é日"), max_size=30)
FULL = {"bleu": 100, "chrf": 100, "rouge-l": 1, "cider": 1, "cider-d": 10}


def refuse(checkpoint: str) -> None:
    raise AssertionError(checkpoint)


TOOLS = Tools(str.splitlines, refuse)
TEXTS = build_metrics(DEFAULT, TOOLS)


@pytest.fixture(params=TEXTS, ids=lambda metric: metric.name)
def metric(request: pytest.FixtureRequest) -> Metric:
    return request.param


def test_the_default_are_those_without_a_checkpoint_under_their_own_names() -> None:
    assert [one.name for one in TEXTS] == list(DEFAULT)
    assert {info.name for info in METRICS if info.checkpoint} & set(DEFAULT) == set()
    assert {"bleu", "chrf", "rouge-l", "cider", "distinct-1", "distinct-2", "length"} <= set(DEFAULT)


@pytest.mark.parametrize(
    ("specs", "said"),
    [
        (["rogue-l"], "there is no metric 'rogue-l'. Did you mean 'rouge-l'?"),
        ([""], "there is no metric ''"),
        (["bleu", "length", "bleu"], "names 'bleu' twice"),
        (["bleu:folder"], "bleu takes no checkpoint"),
        (["bleu:"], "bleu takes no checkpoint"),
        (["coherence"], "expected coherence:CHECKPOINT"),
        (["coherence:"], "expected coherence:CHECKPOINT"),
        (["coherence:folder", "no such"], "no metric 'no such'"),  # said before the folder is loaded
    ],
)
def test_a_mistake_is_told_in_one_line(specs: list[str], said: str) -> None:
    with pytest.raises(UserError) as told:
        build_metrics(specs, TOOLS)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_a_checkpoint_may_hold_a_colon() -> None:
    named: list[str] = []
    tools = replace(TOOLS, embedder=named.append)
    [found] = build_metrics(["coherence:C:/models/x"], tools)
    assert (found.name, named) == ("coherence", ["C:/models/x"])


def test_hostile_texts_have_values_in_range_or_none_with_a_reason(metric: Metric) -> None:
    found = metric.measure(
        [item(said, reference, number=n) for n, said in enumerate(HOSTILE) for reference in ("why not", HOSTILE[n])]
    )
    known = [value for value in found.values if value is not None]
    assert len(found.values) == 2 * len(HOSTILE)
    assert all(metric.low <= value <= metric.high and math.isfinite(value) for value in known)
    assert sum(found.why.values()) == len(found.values) - len(known)
    assert any(value > 0 for value in known)


def test_a_text_against_itself_has_full_marks(metric: Metric) -> None:
    if metric.name not in FULL:
        assert "references" not in metric.needs
        return
    some = items(("his dog ran away again",) * 2, ("Friends sing her a birthday song.",) * 2)
    assert list(metric.measure(some).values) == [pytest.approx(FULL[metric.name])] * 2
    assert metric.high == FULL[metric.name]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(TEXT, st.lists(TEXT, min_size=1, max_size=3)), min_size=2, max_size=4))
def test_the_order_of_references_and_of_items_changes_nothing(rows: list[tuple[str, list[str]]]) -> None:
    some = [item(said, *references, number=n) for n, (said, references) in enumerate(rows)]
    turned = [replace(one, references=one.references[::-1]) for one in some[::-1]]
    for metric in TEXTS:
        first, second = metric.measure(some), metric.measure(turned)
        assert list(first.values) == [
            one if one is None else pytest.approx(one, abs=1e-12) for one in list(second.values)[::-1]
        ]
        assert first.why == second.why
        assert all(one is None or metric.low <= one <= metric.high for one in first.values)
