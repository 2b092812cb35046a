from __future__ import annotations

import numpy as np
import pytest
from drawn_ratings import drawn

from whyfeel.stats import resampling
from whyfeel.stats.agreement import LEVELS, krippendorff
from whyfeel.stats.icc import FORMS, icc
from whyfeel.stats.kappa import WEIGHTS, weighted_kappa
from whyfeel.stats.resampling import Agreement, Bootstrap, measure, merged, tally


def test_rows_are_merged_with_their_gaps():
    ratings = np.array([[2, np.nan], [1, 1], [2, np.nan], [np.nan, 2], [1, 1], [7, 1]])
    rows = merged(ratings)
    assert rows.values.tolist() == [1, 2, 7]
    assert rows.codes.tolist() == [[-1, 1], [0, 0], [1, -1], [2, 0]]
    assert rows.place.tolist() == [2, 1, 2, 0, 1, 3]
    assert rows.tally(np.array([[1.0, 2, 3, 0], [0, 0, 0, 1]])).tolist() == [[4, 4, 0], [1, 0, 1]]


def test_tally_counts_codes_that_do_not_occur():
    assert tally(np.array([[1.0, 2, 4]]), np.array([3, 0, 3]), 5).tolist() == [[2, 0, 0, 5, 0]]


def test_the_seed_and_the_number_of_items_decide_the_draws(monkeypatch):
    ratings = drawn(1)
    found = krippendorff(ratings, "ordinal", Bootstrap(0, 100))
    assert krippendorff(ratings, "ordinal", Bootstrap(0, 100)) == found
    assert krippendorff(ratings, "ordinal", Bootstrap(1, 100)).low != found.low
    monkeypatch.setattr(resampling, "CHUNK", 90)
    assert krippendorff(ratings, "ordinal", Bootstrap(0, 100)) == found


def test_clusters_of_one_are_items():
    ratings = drawn(1)
    labels = [f"{place:02}" for place in range(len(ratings))]
    assert krippendorff(ratings, bootstrap=Bootstrap(0, 50, labels)) == krippendorff(
        ratings, bootstrap=Bootstrap(0, 50)
    )


def test_clusters_that_repeat_an_item_widen_the_interval():
    ratings = drawn(1)
    four = np.repeat(ratings, 4, axis=0)
    labels = [str(place // 4) for place in range(len(four))]
    naive = krippendorff(four, "interval", Bootstrap(0, 400))
    clustered = krippendorff(four, "interval", Bootstrap(0, 400, labels))
    assert (clustered.high - clustered.low) > 1.6 * (naive.high - naive.low)


def test_no_variation_is_told_whatever_rounding_makes_of_it():
    for n in range(2, 60):
        for value in (0.1, 0.7, 1 / 49, 2.3):
            ratings = np.full((n, 2), value)
            found = [krippendorff(ratings, level) for level in LEVELS] + [icc(ratings, form) for form in FORMS]
            found += [weighted_kappa(ratings, weights, (0, 3)) for weights in WEIGHTS]
            assert {one.value for one in found} == {None}


def test_no_interval_of_one_cluster_or_of_resamples_that_never_vary():
    ratings = drawn(1)
    found = krippendorff(ratings, bootstrap=Bootstrap(clusters=["a"] * len(ratings)))
    assert (found.low, found.high, found.why) == (None, None, "no interval (fewer than two clusters of items)")
    assert found.value == krippendorff(ratings).value
    rows = merged(ratings)
    once = measure(rows, lambda draws: np.array([0.5 if len(draws) == 1 else np.nan] * len(draws)), Bootstrap(0, 9))
    assert once == Agreement(0.5, "no interval (no resample varied)")
    assert once.to_json()["why"] == once.why


@pytest.mark.parametrize("bootstrap", [Bootstrap(resamples=0), Bootstrap(clusters=["a"])])
def test_a_bootstrap_fits_the_ratings(bootstrap):
    with pytest.raises(ValueError, match="expected"):
        krippendorff(drawn(1), bootstrap=bootstrap)
