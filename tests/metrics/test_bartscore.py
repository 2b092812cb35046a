"""BARTScore equals the mean token log-likelihood, gathered from one pair at a time without padding."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from measuring import items, values

from whyfeel.errors import DataError
from whyfeel.metrics import Item
from whyfeel.metrics import bartscore as module
from whyfeel.metrics.bartscore import DIRECTIONS, bartscore

ROWS = [
    ("the storm took her house", "a storm", "her house was destroyed"),
    ("é 日 1, 2!", "the friend"),
    ("cake", "cake", "cake", "a friend with a cake"),
    ("she is sad " * 9, "she is sad", "a " * 40),
    (" friends laugh ", "they win"),
]
Likely = Callable[[str, str], float]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BART."""
    import tiny_models  # noqa: PLC0415 - brings torch, which takes seconds

    return tiny_models.bart(tmp_path_factory.mktemp("models") / "bart")


@pytest.fixture(scope="module")
def likely(folder: Path) -> Likely:
    """The oracle: the mean of log p of the second text's tokens, given the first and those before."""
    import torch  # noqa: PLC0415 - as above
    from transformers import BartForConditionalGeneration, PreTrainedTokenizerFast  # noqa: PLC0415

    model: Any = BartForConditionalGeneration.from_pretrained(folder).double().eval()
    split = PreTrainedTokenizerFast.from_pretrained(folder)

    def tokens(text: str) -> list[int]:
        found = split(text, truncation=False).input_ids
        return found if len(found) <= 20 else [*found[:19], split.eos_token_id]

    def mean(read: str, written: str) -> float:
        target = tokens(written)
        before = torch.tensor([[model.config.decoder_start_token_id, *target[:-1]]])
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([tokens(read)]), decoder_input_ids=before).logits[0]
        steps = [float(torch.log_softmax(row, dim=-1)[token]) for row, token in zip(logits, target, strict=True)]
        return sum(steps) / len(target)

    return mean


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    yield
    module._likelihood.cache_clear()


def test_it_equals_the_likelihood_token_by_token(folder: Path, likely: Likely) -> None:
    def mean(*found: float) -> float:
        return sum(found) / len(found)

    there = [mean(*(likely(row[0], one) for one in row[1:])) for row in ROWS]
    back = [mean(*(likely(one, row[0]) for one in row[1:])) for row in ROWS]
    expected = {
        "source-hypothesis": [likely("Why?", row[0]) for row in ROWS],
        "hypothesis-reference": there,
        "reference-hypothesis": back,
        "f": [mean(*both) for both in zip(there, back, strict=True)],
    }
    assert list(expected) == list(DIRECTIONS)
    for direction, wanted in expected.items():
        metric = bartscore(direction, str(folder))
        assert metric.name == f"bartscore-{direction}"
        assert values(metric, *ROWS) == pytest.approx(wanted, abs=1e-5)
        assert all(one < 0 for one in wanted)
        assert len({round(one, 2) for one in wanted}) > 3  # the model tells texts apart


def test_what_stands_beside_an_item_does_not_matter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    together = values(bartscore("f", str(folder)), *ROWS)
    monkeypatch.setattr(module, "ROOM", 1)
    module._likelihood.cache_clear()
    assert values(bartscore("f", str(folder)), *ROWS) == pytest.approx(together, abs=1e-5)


def test_the_order_of_references_changes_no_digit(folder: Path) -> None:
    metric = bartscore("f", str(folder))
    one, other = values(metric, ("cake", "a", "b c", "storm"), ("cake", "storm", "b c", "a"))
    assert one == other


def test_what_has_no_value_is_told(folder: Path) -> None:
    rows = [("", "x"), (" ", "x"), ("x",), ("x", " \n"), ("x", "", "y")]
    told = bartscore("f", str(folder)).measure(items(*rows))
    assert [one is None for one in told.values] == [True] * 4 + [False]
    assert dict(told.why) == {"empty answer": 2, "no reference": 2}
    assert told.values[4] == pytest.approx(values(bartscore("f", str(folder)), ("x", "y"))[0])
    faithful = bartscore("source-hypothesis", str(folder))
    assert faithful.needs == {"source"}
    unasked = [Item("s", answer, (), source, None, "c") for answer, source in (("x", " "), ("", ""), ("x", "why"))]
    told = faithful.measure(unasked)
    assert [one is None for one in told.values] == [True, True, False]
    assert dict(told.why) == {"no source": 1, "empty answer": 1}
    assert faithful.measure([]).values == []


def test_texts_that_were_cut_are_counted_by_item(folder: Path) -> None:
    long = "z " * 25
    rows = [("a", "b"), (long, "a"), (long, long), ("a", "b", long)]
    found = bartscore("f", str(folder)).measure(items(*rows))
    assert found.facts["truncated"] == 3
    assert found.facts["model"] == str(folder)


def test_half_a_character_is_measured_as_a_question_mark(folder: Path) -> None:
    broken, mark = values(bartscore("f", str(folder)), ("a \ud800", "b c"), ("a ?", "b c"))
    assert broken == mark
    assert math.isfinite(mark)


def test_the_directions_share_one_model_and_what_it_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bartscore("f", str(folder)).measure(items(*ROWS))
    monkeypatch.setattr(module.Likelihood, "_means", lambda *asked: pytest.fail(f"computed again: {asked}"))
    assert None not in values(bartscore("reference-hypothesis", str(folder)), *ROWS)


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    import tiny_models  # noqa: PLC0415 - as above

    with pytest.raises(DataError, match="it is a model of type 'bert', expected 'bart'"):
        bartscore("f", str(tiny_models.bert(tmp_path / "bert")))
