"""Metrics held against people: scikit-learn, scipy, loops in plain Python, and three LLM judges beside experts."""

from __future__ import annotations

import math
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from whyfeel.records import rng
from whyfeel.runs.ratings import read_ratings
from whyfeel.stats.choices import CHOICES
from whyfeel.stats.meta import SIGNS, Coefficient, chosen, differences, means_by_vote, rated
from whyfeel.stats.resampling import Agreement, Bootstrap

NAN = math.nan
VOTES = st.lists(
    st.tuples(st.sampled_from([-2, -0.1, 0, 0.1, 3, NAN]), st.sampled_from(CHOICES)), min_size=1, max_size=14
)


def drawn(seed: int, n: int = 90, points: int = 8, gaps: float = 0.1) -> tuple[np.ndarray, list, list]:
    """Values with ties and gaps that foretell votes a little; three votes a picture."""
    generator = np.random.default_rng(seed)
    values = np.round(generator.normal(size=n) * points / 4) / 4
    leaning = values + generator.normal(size=n)
    votes = [CHOICES[int(np.digitize(-one, [-0.4, 0.1, 0.5]))] for one in leaning]
    votes = [{"both good": "B", "B": "both good"}.get(vote, vote) for vote in votes]
    values[generator.random(n) < gaps] = NAN
    return values, votes, [f"p{i // 3:03}" for i in range(n)]


def auc(values, votes) -> float:
    """Every vote for A beside every vote for B."""
    pairs = [
        (one > other) + 0.5 * (one == other)
        for one, vote in zip(values, votes, strict=True)
        for other, against in zip(values, votes, strict=True)
        if vote == "A" and against == "B" and not math.isnan(one + other)
    ]
    return float(np.mean(pairs)) if pairs else NAN


def accuracy(values, votes) -> float:
    hits = [
        0.5 if value == 0 else (value > 0) == (vote == "A")
        for value, vote in zip(values, votes, strict=True)
        if vote in "AB" and not math.isnan(value)
    ]
    return float(np.mean(hits)) if hits else NAN


def test_by_hand():
    values = np.array([0.5, 0.2, -0.1, 0, 0.3, NAN])
    found = chosen(values, ["A", "A", "A", "B", "B", "A"])
    # A's 0.5 is above both of B's, 0.2 above one, -0.1 above none; three signs of four that are not 0 ...
    assert found.auc.value == pytest.approx(3 / 6)
    assert found.accuracy.value == pytest.approx((1 + 1 + 0 + 0.5 + 0) / 5)
    assert (found.n, found.decided, found.left_out) == (5, 5, 1)
    assert chosen(values, ["A", "both bad", "B", "B", "both good", "A"]).decided == 3
    assert set(found.to_json()) == {"n", "decided", "left_out", "auc", "kendall", "accuracy"}


@pytest.mark.parametrize("seed", range(3))
def test_as_scikit_learn_and_scipy_have_it(seed):
    values, votes, _ = drawn(seed)
    found = chosen(values, votes)
    known = ~np.isnan(values)
    signs = np.array([SIGNS[vote] for vote in votes])
    decided = known & (signs != 0)
    assert 0 < decided.sum() < known.sum() < 90
    assert found.auc.value == pytest.approx(sklearn.metrics.roc_auc_score(signs[decided] > 0, values[decided]))
    assert found.kendall.value == pytest.approx(scipy.stats.kendalltau(values[known], signs[known]).statistic)
    assert found.auc.value == pytest.approx(auc(values, votes))
    assert found.accuracy.value == pytest.approx(accuracy(values, votes))


def test_the_intervals_are_those_of_a_bootstrap_written_out():
    values, votes, pictures = drawn(7, n=48)
    found = chosen(values, votes, Bootstrap(3, 40, pictures))
    labels = sorted(set(pictures))
    members = [[i for i, name in enumerate(pictures) if name == label] for label in labels]
    draws = rng(3, "agreement").integers(0, len(members), (40, len(members)))
    samples = [[i for place in draw for i in members[place]] for draw in draws]
    for one, of in ((found.auc, auc), (found.accuracy, accuracy)):
        each = [of(values[sample], [votes[i] for i in sample]) for sample in samples]
        assert (one.low, one.high) == pytest.approx(tuple(np.nanquantile(each, (0.025, 0.975))))
        assert one.low < one.value < one.high
    rival = drawn(8, n=48)[0]
    both = np.where(np.isnan(values + rival), NAN, 0)
    apart = difference(values, rival, votes, "auc", Bootstrap(3, 40, pictures))
    each = [
        auc((values + both)[sample], chosen_votes) - auc((rival + both)[sample], chosen_votes)
        for sample in samples
        for chosen_votes in [[votes[i] for i in sample]]
    ]
    assert (apart.low, apart.high) == pytest.approx(tuple(np.nanquantile(each, (0.025, 0.975))))
    assert apart.value == pytest.approx(auc(values + both, votes) - auc(rival + both, votes))


@settings(deadline=None)
@given(VOTES)
def test_what_holds_of_any_votes(rows):
    values, votes = np.array([row[0] for row in rows], float), [row[1] for row in rows]
    found = chosen(values, votes)
    assert found.n + found.left_out == len(rows)
    turned = chosen(-values, [{"A": "B", "B": "A"}.get(vote, vote) for vote in votes])
    risen = chosen(np.exp(values), votes, both_sides=False)
    for name in ("auc", "kendall", "accuracy"):
        one, other = getattr(found, name), getattr(turned, name)
        assert (one.value is None) == bool(one.why)
        # the other answer's name, and a value that is its own opposite, change nothing
        assert other.value == (None if one.value is None else pytest.approx(one.value))
    assert (risen.auc, risen.kendall) == (found.auc, found.kendall)
    for one, of in ((found.auc, auc), (found.accuracy, accuracy)):
        wanted = of(values, votes)
        assert one.value == (None if math.isnan(wanted) else pytest.approx(wanted))


@pytest.mark.parametrize(
    ("values", "votes", "auc_why", "accuracy_why"),
    [
        ([], [], "undefined (no decided vote has a value)", "undefined (no decided vote has a value)"),
        (
            [1, NAN],
            ["both good", "B"],
            "undefined (no decided vote has a value)",
            "undefined (no decided vote has a value)",
        ),
        ([1, 2], ["A", "A"], "undefined (all decided votes went one way)", ""),
        ([1, -2], ["B", "B"], "undefined (all decided votes went one way)", ""),
    ],
)
def test_what_is_undefined(values, votes, auc_why, accuracy_why):
    found = chosen(np.array(values, float), votes, Bootstrap(resamples=9))
    assert (found.auc.value, found.auc.why) == (None, auc_why)
    assert found.accuracy.why == accuracy_why
    assert found.kendall.value is None
    assert found.kendall.why


def test_a_constant_metric_and_one_of_one_side_only():
    found = chosen(np.array([0.5, 0.5, 0.5]), ["A", "B", "B"], both_sides=False)
    assert found.auc.value == 0.5
    assert found.kendall == Agreement(None, "undefined (a rater gave every item the same)")
    assert found.accuracy == Agreement(None, "undefined (only one of the two answers was measured)")


def test_means_by_vote_are_means_of_groups():
    values, votes, pictures = drawn(4)
    found = means_by_vote(values, votes, pictures, seed=0, resamples=200)
    assert list(found) == [choice for choice in CHOICES if choice in votes]
    for choice, one in found.items():
        here = [value for value, vote in zip(values, votes, strict=True) if vote == choice and not math.isnan(value)]
        assert (one.value, one.n, one.bounds) == (pytest.approx(np.mean(here)), len(here), None)
        assert one.low < one.value < one.high
    assert found["A"].value > found["B"].value  # as it was drawn
    logs = means_by_vote(np.array([-5.48, -5.42, NAN]), ["A", "B", "both bad"], list("abc"), seed=0, resamples=20)
    assert (logs["B"].value, logs["B"].why) == (-5.42, "fewer than two pictures")
    assert logs["both bad"].why == "nothing was scored"


def test_ratings_by_other_means():
    generator = np.random.default_rng(0)
    people = np.round(generator.normal(3, 1, 60) * 3) / 3
    judge = np.round(people + generator.normal(0.5, 0.8, 60))
    people[:3], judge[2:5] = NAN, NAN
    clusters = [f"p{i // 2}" for i in range(60)]
    found = rated(judge, people, Bootstrap(0, 400, clusters))
    known = slice(5, None)
    assert (found.n, found.left_out) == (55, 5)
    assert found.spearman.value == pytest.approx(scipy.stats.spearmanr(judge[known], people[known]).statistic)
    assert found.kendall.value == pytest.approx(scipy.stats.kendalltau(judge[known], people[known]).statistic)
    assert found.absolute.value == pytest.approx(sklearn.metrics.mean_absolute_error(people[known], judge[known]))
    assert found.bias.value == pytest.approx(np.mean(judge[known] - people[known]))
    for one in (found.spearman, found.kendall, found.bias, found.absolute):
        assert one.low < one.value < one.high
    assert found.absolute.bounds is None
    assert rated(judge, people, Bootstrap(0, 9)).absolute.value == found.absolute.value
    assert found.to_json()["kendall"]["value"] == found.kendall.value


def test_nothing_to_compare():
    found = rated(np.array([NAN, 1.0]), np.array([1.0, NAN]), Bootstrap(0, 9))
    assert (found.n, found.bias.value, found.bias.why) == (0, None, "nothing was scored")
    assert found.spearman.why == "undefined (no item was rated twice)"
    same = difference(np.array([1.0, 1]), np.array([1.0, 2]), np.array([1.0, 2]), "spearman", Bootstrap(0, 9))
    assert (same.value, same.why) == (None, "undefined (so is one spearman)")


def difference(first, second, people, of: Coefficient, bootstrap: Bootstrap) -> Agreement:
    return differences({"first": first, "second": second}, people, of, bootstrap)["first", "second"]


def test_differences_of_many_metrics_are_those_of_each_two():
    values, votes, pictures = drawn(7, n=48)
    metrics = {"one": values, "two": drawn(8, n=48)[0], "three": np.round(drawn(9, n=48)[0]), "flat": np.ones(48)}
    for of in ("auc", "kendall", "spearman"):
        found = differences(metrics, votes, of, Bootstrap(3, 40, pictures))
        assert list(found) == list(combinations(metrics, 2))
        for (one, other), apart in found.items():
            assert apart == difference(metrics[one], metrics[other], votes, of, Bootstrap(3, 40, pictures))
    assert differences({"one": values}, votes, "auc", Bootstrap()) == {}
    with pytest.raises(ValueError, match="expected a cluster for each of 48 items, got 2"):
        differences(metrics, votes, "auc", Bootstrap(clusters=["a", "b"]))
    with pytest.raises(ValueError, match="expected finite numbers"):
        differences(metrics | {"short": np.ones(3)}, votes, "auc", Bootstrap())


def test_a_difference_is_paired_and_may_reach_2():
    people = np.array([1.0, 2, 3, 4, 5, NAN])
    best = difference(people, -people, people, "kendall", Bootstrap(0, 50))
    assert (best.value, best.low, best.high) == (2, 2, 2)
    itself = difference(people, np.exp(people), people, "spearman", Bootstrap(0, 50))
    assert (itself.value, itself.low, itself.high) == pytest.approx((0, 0, 0))
    # the item that only one of them has is left out for both
    longer = difference(
        np.array([1, 2, 3, 4, 5, 6.0]), -people, np.array([1, 2, 3, 4, 5, 0.0]), "kendall", Bootstrap(0, 50)
    )
    assert longer.value == 2


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"expected votes of .*, got 'tie'"):
        chosen(np.array([1.0]), ["tie"])
    for values in (np.array([1.0]), np.array([1.0, math.inf]), np.zeros((2, 1))):
        with pytest.raises(ValueError, match="expected finite numbers"):
            chosen(values, ["A", "B"])
    with pytest.raises(ValueError, match="expected votes for a difference of AUC, got ratings"):
        difference(*[np.array([1.0, 2])] * 3, "auc", Bootstrap())
    with pytest.raises(ValueError, match="expected a cluster for each of 1 items, got 2"):
        chosen(np.array([1.0]), ["A"], Bootstrap(clusters=["a", "b"]))


# --- three LLM judges beside three experts, 200 conversations

JUDGES = ("claude", "gemini", "gpt")
SETS = ("lend_an_ear", "empatheticdialogues", "perceived_empathy", "epitome")


@pytest.fixture(scope="module")
def empathy(shared: Path) -> dict[str, tuple[dict[str, np.ndarray], np.ndarray]]:
    """Dimension to the ratings of each judge and the mean of the experts'."""
    found = {}
    for name in SETS:
        folder = shared / "data" / "llm_judge_empathy" / "annotations" / name
        raters = [*JUDGES, "expert1", "expert2", "expert3"]
        ratings = read_ratings([folder / f"{rater}_ratings.csv" for rater in raters])
        assert (ratings.raters, len(ratings.items)) == (
            ("claude", "expert1", "expert2", "expert3", "gemini", "gpt"),
            50,
        )
        for place, dimension in enumerate(ratings.dimensions):
            by = dict(zip(ratings.raters, ratings.values[:, :, place].T, strict=True))
            found[f"{name} {dimension}"] = (
                {one: by[one] for one in JUDGES},
                np.mean([by[one] for one in raters[3:]], axis=0),
            )
    return found


def test_which_judge_tracks_the_experts(empathy):
    """The worked example of docs/statistics.md."""
    assert len(empathy) == 21
    bootstrap = Bootstrap(0, 500)
    tracked, told = dict.fromkeys(JUDGES, 0), {}
    for dimension, (judges, experts) in empathy.items():
        for name, judge in judges.items():
            found = rated(judge, experts, bootstrap)
            assert found.spearman.value == pytest.approx(scipy.stats.spearmanr(judge, experts).statistic)
            assert found.absolute.value == pytest.approx(np.mean(np.abs(judge - experts)))
            tracked[name] += found.spearman.low > 0
        for one, other in combinations(JUDGES, 2):
            apart = difference(judges[one], judges[other], experts, "spearman", bootstrap)
            if apart.low > 0.02 or apart.high < -0.02:
                told[dimension, one, other] = round(apart.value, 2)
    assert tracked == {"claude": 21, "gemini": 21, "gpt": 20}
    # of 63 differences three are expected beyond their interval where no two judges differ
    assert told == {
        ("lend_an_ear encouraging_elaboration", "gemini", "gpt"): 0.11,
        ("perceived_empathy m_accepted", "claude", "gpt"): 0.31,
        ("perceived_empathy m_motivation", "claude", "gpt"): 0.19,
        ("epitome level_interpretations", "gemini", "gpt"): 0.33,
    }
