"""The linear probe against scikit-learn; figures against scikit-learn and by hand; no look at held-out texts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.metrics import log_loss as their_loss
from sklearn.preprocessing import StandardScaler

from whyfeel.probe.curves import Labelled, baselines, chosen_layer, linear_said, offset_curve
from whyfeel.probe.figures import Measured
from whyfeel.probe.fitting import WORD, dense, linear_probe, majority, words
from whyfeel.probe.folds import Split, splits
from whyfeel.probe.linear import STRENGTHS, fit_linear, log_loss, standardised
from whyfeel.records import rng


def drawn(n: int = 240, width: int = 6, classes: int = 3, apart: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    generator = rng(7, "test")
    y = generator.permutation(np.arange(n) % classes)
    centres = generator.normal(size=(classes, width)) * apart
    return (generator.normal(size=(n, width)) + centres[y]).astype(np.float32), y


@cache
def labelled(n: int = 240) -> Labelled:
    _, y = drawn(n)
    groups = np.arange(n)
    return Labelled(y, 3, groups, tuple(splits(y, groups, 4, 0)), 0)


@pytest.mark.parametrize("strength", [1.0, 0.01, 1e-3])
@pytest.mark.parametrize("sparse", [False, True])
def test_the_same_as_scikit_learns(strength: float, sparse: bool) -> None:
    x, y = drawn()
    theirs = LogisticRegression(C=1 / (strength * len(y)), tol=1e-9, max_iter=5000).fit(x.astype(np.float64), y)
    rows = csr_array(x.astype(np.float64)) if sparse else x.astype(np.float64)
    ours = fit_linear(rows, y, 3, strength, gradient=1e-8)
    assert np.abs(ours.weights[:-1].T - theirs.coef_).max() < 1e-3
    chances = theirs.predict_proba(x.astype(np.float64))
    assert log_loss(ours.logits(rows), y) == pytest.approx(their_loss(y, chances), abs=1e-5)
    # in the precision and to the tolerance that probes are fitted with
    assert log_loss(fit_linear(x, y, 3, strength).logits(x), y) == pytest.approx(their_loss(y, chances), abs=1e-3)


def test_a_start_changes_nothing_but_the_time() -> None:
    x, y = drawn()
    cold, warm = (fit_linear(x, y, 3, 0.01, start) for start in (None, fit_linear(x, y, 3, 1.0)))
    assert log_loss(warm.logits(x), y) == pytest.approx(log_loss(cold.logits(x), y), abs=1e-4)


def test_standardised_by_the_known_rows_alone() -> None:
    x, _ = drawn(60)
    x[:, 2] = 5
    known = np.arange(0, 60, 2)
    theirs = StandardScaler().fit(x[known].astype(np.float64)).transform(x)
    ours = standardised(x, known)
    assert ours == pytest.approx(np.where(np.arange(6) == 2, 0, theirs), abs=1e-5)
    x[1] = 1e6  # not known
    assert standardised(x, known)[known].tolist() == ours[known].tolist()


def test_held_out_texts_change_nothing_that_is_learnt() -> None:
    """Whatever stands in the test rows, and whatever their labels are, the other predictions are the same."""
    x, y = drawn()
    split = labelled().splits[0]
    probed = linear_probe(dense(x), y, 3, split)
    assert len(probed.predicted) == len(split.test)
    other, wrong = x.copy(), y.copy()
    other[split.test[1:]] *= -1e4
    wrong[split.test] = (y[split.test] + 1) % 3
    again = linear_probe(dense(other), wrong, 3, split)
    assert (again.predicted[0], again.loss, again.strength) == (probed.predicted[0], probed.loss, probed.strength)
    texts = [f"word{n % 7} {'secret' if n in set(split.test.tolist()) else 'plain'}" for n in range(len(y))]
    rows = words(texts)(split.train)
    assert rows.shape[1] == 8  # seven words and "plain"


def test_the_penalty_is_the_best_on_the_validation_texts() -> None:
    x, y = drawn(apart=0.3)
    split = labelled().splits[1]
    rows = standardised(x, split.inner)
    losses = {
        strength: log_loss(fit_linear(rows[split.inner], y[split.inner], 3, strength).logits(rows[split.validation]),
                           y[split.validation])
        for strength in STRENGTHS
    }  # fmt: skip
    probed = linear_probe(dense(x), y, 3, split)
    assert probed.strength == min(losses, key=losses.__getitem__)
    assert probed.loss == pytest.approx(min(losses.values()), abs=1e-3)


def test_words_are_counted_as_scikit_learn_counts_them() -> None:
    texts = ["Nice nice day!", "a NICE cat", "a day, a dog", "no", "zebra 😀", "zebra 😀"]
    known = np.arange(4)
    theirs = CountVectorizer(token_pattern=WORD.pattern, min_df=2).fit([texts[n] for n in known])
    ours = words(texts)(known).toarray()
    assert sorted(map(tuple, ours.T.tolist())) == sorted(map(tuple, theirs.transform(texts).toarray().T.tolist()))
    assert words(["one", "two"])(np.arange(2)).shape == (2, 0)


def test_the_commonest_label_of_the_training_texts() -> None:
    split = Split(np.array([0, 1, 2]), np.array([0, 1]), np.array([2]), np.array([3, 4]))
    assert majority(np.array([1, 0, 1, 2, 2]), split).tolist() == [1, 1]


def test_texts_whose_words_tell_and_texts_whose_words_do_not() -> None:
    have = labelled()
    told = baselines([f"it is {'abc'[label]}" for label in have.y], have)
    assert (told["words"] == have.y).all()
    same = baselines(["Look at the picture."] * len(have.y), have)["words"]
    assert set(same[have.splits[0].test].tolist()) == {same[have.splits[0].test[0]]}


def test_a_layer_is_chosen_without_the_test_texts() -> None:
    """The layer whose validation loss is least in the fold, also where another one is better on the test texts."""
    x, y = drawn()
    have = labelled()
    said = [linear_said(dense(layer), have) for layer in (rng(1, "noise").normal(size=x.shape).astype(np.float32), x)]
    chosen = chosen_layer(said, have)
    assert chosen.layers == (1, 1, 1, 1)
    assert chosen.predicted.tolist() == said[1].predicted.tolist()
    perfect = said[0].__class__(y, said[0].losses, said[0].strengths)
    assert chosen_layer([perfect, said[1]], have).layers == (1, 1, 1, 1)


def test_offsets_are_probed_at_the_layer_of_each_fold() -> None:
    x, y = drawn(apart=2.0)
    have = labelled()
    noise = rng(1, "noise").normal(size=x.shape).astype(np.float32)
    near, far = np.stack([noise, x]), np.stack([x, noise])
    told, lost = offset_curve([near, far], [1, 1, 1, 1], have, lambda *_: None)
    assert (told == y).mean() > 0.8
    assert (lost == y).mean() < 0.55
    mixed = offset_curve([near], [1, 0, 1, 1], have, lambda *_: None)[0]
    test = have.splits[1].test
    assert mixed[have.splits[0].test].tolist() == told[have.splits[0].test].tolist()
    assert mixed[test].tolist() != told[test].tolist()


def test_figures_are_scikit_learns_and_their_intervals_hold_them() -> None:
    generator = rng(3, "test")
    y, groups = np.arange(90) % 4, np.arange(90) // 2
    said = [np.where(generator.random(90) < share, y, generator.integers(0, 4, 90)) for share in (0.1, 0.5, 1.0)]
    found = Measured(y, groups, 4, 0).figures(said)
    for one, predicted in zip(found, said, strict=True):
        assert one["accuracy"]["value"] == pytest.approx((predicted == y).mean())
        assert one["macro_f1"]["value"] == pytest.approx(f1_score(y, predicted, average="macro"))
        for entry in one.values():
            assert entry["low"] <= entry["value"] <= entry["high"]
            assert entry["n"] == 90
    assert [found[2][name][end] for name in found[2] for end in ("low", "high")] == [1, 1, 1, 1]


def test_the_intervals_are_the_percentiles_over_groups() -> None:
    """Drawn once more, text by text, by the rule that docs/statistics.md states."""
    y, groups = np.arange(12) % 2, np.arange(12) // 3
    said = np.array([0, 1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1])
    drawn = rng(5, "intervals").integers(0, 4, (2000, 4))
    texts = [np.concatenate([np.flatnonzero(groups == group) for group in row]) for row in drawn]
    hits = np.quantile([(said == y)[one].mean() for one in texts], (0.025, 0.975))
    f1 = np.quantile([_macro_f1(y[one], said[one]) for one in texts], (0.025, 0.975))
    found = Measured(y, groups, 2, 5).figures([said])[0]
    assert [found["accuracy"]["low"], found["accuracy"]["high"]] == pytest.approx(hits)
    assert [found["macro_f1"]["low"], found["macro_f1"]["high"]] == pytest.approx(f1)
    less = Measured(y, groups, 2, 5).difference(said, y)
    assert less["value"] == pytest.approx((said == y).mean() - 1)
    assert [less["low"], less["high"]] == pytest.approx(hits - 1)
    assert Measured(y, groups, 2, 5).difference(y, said, said)["value"] == 0  # each held against labels of its own


def _macro_f1(y: np.ndarray, said: np.ndarray) -> float:
    both = [((y == label).sum() + (said == label).sum(), ((y == label) & (said == label)).sum()) for label in (0, 1)]
    return float(np.mean([2 * found / all_ for all_, found in both if all_]))
