"""BERTScore equals the package bert-score on tiny encoders, and a text's score depends on nothing beside it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from measuring import items, values

from whyfeel.errors import UserError
from whyfeel.metrics import bertscore as module
from whyfeel.metrics.bertscore import LAYERS, PARTS, bertscore
from whyfeel.metrics.checkpoints import Split

ROWS = [
    ("the storm took her house", "a storm", "he has a cake", "her house was destroyed by the storm"),
    ("é ü 1, 2!", "the friend"),
    ("cake", "cake", "a friend with a cake"),
    (" friends laugh, and the team wins ", "they win"),
    ("she is sad " * 9, "she is sad", "a " * 40),
]


@pytest.fixture(scope="module")
def package() -> ModuleType:
    """The oracle."""
    import bert_score  # noqa: PLC0415 - brings torch, which takes seconds

    return bert_score


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny encoders and a model that is none, each in a folder of its own."""
    import tiny_models  # noqa: PLC0415 - as above

    there = tmp_path_factory.mktemp("models")
    for build in (tiny_models.bert, tiny_models.roberta, tiny_models.bart):
        build(there / build.__name__)
        shutil.copytree(there / build.__name__, there / f"{build.__name__}-blank")
    settings = there / "roberta-blank" / "tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"add_prefix_space": True}))
    return there


@pytest.fixture(autouse=True)
def _nothing_known() -> Iterator[None]:
    yield
    module._matching.cache_clear()


def alone(spec: str, *row: str) -> float | None:
    """The F1 of one item, by a model that has seen no other."""
    module._matching.cache_clear()
    return values(bertscore("f1", spec), row)[0]


@pytest.mark.parametrize(("model", "layer"), [("bert", 1), ("bert", 3), ("roberta", 2)])
def test_it_equals_the_package(folder: Path, package: ModuleType, model: str, layer: int) -> None:
    answers, references = [row[0] for row in ROWS], [list(row[1:]) for row in ROWS]
    # the package asks RoBERTa's tokenizer for a blank before the text in a way that transformers 5 does not heed
    theirs = package.score(
        answers, references, model_type=str(folder / f"{model}-blank"), num_layers=layer, device="cpu"
    )
    for part, expected in zip(PARTS, theirs, strict=True):
        ours = values(bertscore(part, f"{folder / model}#{layer}"), *ROWS)
        assert ours == pytest.approx(expected.tolist(), abs=1e-5)
        assert len({round(one, 2) for one in ours}) > 3  # the models tell texts apart


def test_published_layers_are_those_of_the_package(package: ModuleType) -> None:
    known = package.utils.model2layers
    assert {name: known.get(name) or known[name.partition("/")[2]] for name in LAYERS} == LAYERS


@pytest.mark.parametrize("model", ["bert#2", "roberta#2"])
def test_what_stands_beside_an_item_does_not_matter(folder: Path, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    together = values(bertscore("f1", f"{folder}/{model}"), *ROWS)
    assert [alone(f"{folder}/{model}", *row) for row in ROWS] == pytest.approx(together, abs=1e-5)
    monkeypatch.setattr(module, "CHUNK", 8)
    module._matching.cache_clear()
    assert values(bertscore("f1", f"{folder}/{model}"), *ROWS) == pytest.approx(together, abs=1e-5)


def test_the_best_reference_counts_wherever_it_stands(folder: Path) -> None:
    metric = bertscore("f1", f"{folder}/bert#2")
    best, first, second = values(metric, ("a cake", "storm", "a man"), ("a cake", "storm"), ("a cake", "a man"))
    assert best == max(first, second)
    assert values(metric, ("a cake", "a man", "storm"), ("a cake", "a cake"), ("a", "a", "x")) == pytest.approx(
        [best, 1, 1]
    )


def test_precision_and_recall_change_places_with_the_texts(folder: Path) -> None:
    precision, recall = (bertscore(part, f"{folder}/bert#2") for part in ("precision", "recall"))
    assert values(precision, ("a cake", "the storm took it")) == values(recall, ("the storm took it", "a cake"))
    assert values(precision, ("a cake", "the storm took it")) != values(recall, ("a cake", "the storm took it"))


def test_what_has_no_value_is_told(folder: Path) -> None:
    rows = [("", "x"), (" \n", "x"), ("x",), ("x", " "), ("\x00\x01", "x"), ("x", "\x00", "x"), ("x", "\x00")]
    told = bertscore("f1", f"{folder}/bert#2").measure(items(*rows))
    assert list(told.values) == pytest.approx([None] * 5 + [1, None])
    assert dict(told.why) == {"empty answer": 2, "no reference": 2, "no tokens": 2}
    assert bertscore("f1", f"{folder}/bert#2").measure([]).values == []


def test_texts_that_were_cut_are_counted_by_item(folder: Path) -> None:
    long = "a " * 18  # with the two marks it fills all twenty places
    rows = [(long, "a"), (long + "b", "a"), (long + "b", long + "b"), ("a", "b", long + "c")]
    found = bertscore("f1", f"{folder}/bert#2").measure(items(*rows))
    assert found.facts["truncated"] == 3
    assert found.values[0] == found.values[1]
    assert found.facts["layer"] == 2
    assert len(found.facts["checkpoint"]) == 64


def test_half_a_character_is_measured_as_a_question_mark(folder: Path) -> None:
    broken, mark = values(bertscore("f1", f"{folder}/roberta#2"), ("a \ud800", "b c"), ("a ?", "b c"))
    assert broken == mark


def test_the_figures_share_one_model_and_what_it_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = items(*ROWS)
    bertscore("f1", f"{folder}/bert#2").measure(rows)
    monkeypatch.setattr(module.Matching, "_match", lambda *asked: pytest.fail(f"computed again: {asked}"))
    recall = bertscore("recall", f"{folder}/bert#2")
    assert None not in recall.measure([dataclasses.replace(one, sample_id="other") for one in rows]).values


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("bert", "expected the layer"),
        ("bert#", "expected the layer"),
        ("bert#x", "expected the layer"),
        ("bert#99999", "expected the layer"),
        ("bert#0", "has the layers 1 to 3, and not 0"),
        ("bert#4", "has the layers 1 to 3, and not 4"),
        ("bart#1", "is a bart"),
    ],
)
def test_a_layer_that_is_not_there_is_refused(folder: Path, spec: str, told: str) -> None:
    with pytest.raises(UserError) as refused:
        bertscore("f1", f"{folder}/{spec}")
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_matching_is_greedy_and_marks_are_not_averaged() -> None:
    split = Split((0, 1, 2), (False, True, True), False), Split((0, 1), (False, True), False)
    one, other = np.array([[1.0, 0], [0, 1], [0.6, 0.8]]), np.array([[0, -1.0], [0.8, 0.6]])
    # the answer's two tokens: max(-1, .6) and max(-.8, .96); the reference's: max(.8, .6, .96), by a mark's leave
    precision, recall, f1 = module._greedy(one, other, *split)
    assert (precision, recall) == pytest.approx((0.78, 0.96))
    assert f1 == pytest.approx(2 * 0.78 * 0.96 / 1.74)
    whole = Split((0,), (True,), False)
    assert module._greedy(np.array([[-1.0]]), np.array([[1.0]]), whole, whole) == (-1, -1, 0)
