from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pingouin
import pytest
from drawn_ratings import drawn, percentiles
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from whyfeel.stats.icc import FORMS, icc
from whyfeel.stats.resampling import Bootstrap

# Shrout & Fleiss (1979), six targets and four judges: the example that every package is checked against
SHROUT = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
MATRICES = arrays(float, st.tuples(st.integers(2, 9), st.integers(2, 4)), elements=st.integers(0, 5).map(float))


def by_package(ratings):
    items, raters = np.indices(ratings.shape)
    long = pd.DataFrame({"item": items.ravel(), "rater": raters.ravel(), "rating": ratings.ravel()})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = pingouin.intraclass_corr(long, targets="item", raters="rater", ratings="rating")
    values = dict(zip(table["Type"], table["ICC"], strict=True))
    return {form: values[next(name for name in values if name in names)] for form, names in NAMES.items()}


# as pingouin has called them from one release to another
NAMES = {"A,1": ("ICC2", "ICC(A,1)"), "C,1": ("ICC3", "ICC(C,1)"), "A,k": ("ICC2k", "ICC(A,k)")}


def test_the_published_example():
    assert [round(icc(SHROUT, form).value, 2) for form in FORMS] == [0.29, 0.71, 0.62]


@pytest.mark.parametrize("seed", range(5))
def test_as_pingouin_has_it(seed):
    ratings = drawn(seed, items=10 + 7 * seed, raters=2 + seed)
    wanted = by_package(ratings)
    for form in FORMS:
        assert icc(ratings, form).value == pytest.approx(wanted[form], abs=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_the_interval_is_that_of_a_bootstrap_written_out(form):
    ratings = drawn(4, items=12)
    found = icc(ratings, form, Bootstrap(seed=2, resamples=25))
    wanted = percentiles(ratings, lambda drawn_: by_package(drawn_)[form], 2, 25)
    assert [found.low, found.high] == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("ratings", "why"),
    [
        (np.array([[1.0, 2]]), "undefined (only one item was rated twice)"),
        (np.array([[1.0], [2]]), "undefined (fewer than two raters)"),
        (np.array([[1, 2], [2, math.nan], [3, 3]]), "undefined (1 of 3 items lack a rating)"),
        (np.full((5, 3), 0.1), "undefined (no variation)"),
    ],
)
def test_what_is_undefined(ratings, why, form):
    found = icc(ratings, form, Bootstrap(resamples=9))
    assert (found.value, found.why) == (None, why)


def test_items_that_do_not_differ():
    # the items' means are equal, so that the mean square of items is 0 and that of errors is all there is
    ratings = np.array([[1, 2], [2, 1], [1, 2], [2, 1.0]])
    assert icc(ratings, "C,1").value == pytest.approx(-1)
    assert (icc(ratings, "A,k").value, icc(ratings, "A,k").why) == (None, "undefined (the items hardly differ)")
    # raters who only differ in level: nothing else varies
    levels = np.array([[0.1, 0.7]] * 5)
    assert icc(levels, "A,1").value == 0
    assert icc(levels, "C,1").why == "undefined (the items hardly differ)"


def test_a_divisor_that_is_nothing_but_rounding():
    ratings = np.array([[2, 0, 5], [1, 2, 1], [2, 2, 1.0]])
    for other in (ratings, ratings * 0.1 - 1, ratings * 0.3):
        assert icc(other, "A,k").why == "undefined (the items hardly differ)"


def test_forms_are_named():
    with pytest.raises(ValueError, match="expected a form"):
        icc(SHROUT, "C,k")


@settings(deadline=None)
@given(MATRICES, st.integers(-5, 5), st.sampled_from([0.1, 2, 30]))
def test_what_it_does_not_depend_on(ratings, shift, stretch):
    for form in FORMS:
        found = icc(ratings, form).value
        assert found is None or found <= 1
        for other in (ratings[::-1], ratings[:, ::-1], ratings * stretch + shift):
            assert icc(other, form).value == pytest.approx(found, abs=1e-6)
    # consistency looks past a rater's level
    levels = ratings + np.arange(ratings.shape[1])
    assert icc(levels, "C,1").value == pytest.approx(icc(ratings, "C,1").value, abs=1e-6)


@settings(deadline=None)
@given(MATRICES)
def test_raters_who_agree(ratings):
    alike = np.repeat(ratings[:, :1], 3, axis=1)
    for form in FORMS:
        found = icc(alike, form)
        assert found.value == pytest.approx(1) if len(np.unique(alike)) > 1 else found.value is None
