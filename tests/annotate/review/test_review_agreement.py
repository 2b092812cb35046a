"""How far two reviewers agree, against the krippendorff package and figures worked out by hand."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import krippendorff as oracle
import numpy as np
import pytest
from review_parts import CAKE, FRIENDS, RAIN, annotation, done, edit, run_of

from whyfeel.annotate.review.agreement import ReviewAgreement, SameTriggers, agreement
from whyfeel.annotate.review.edits import Edit
from whyfeel.annotate.review.file import seen
from whyfeel.annotate.review.store import ReviewStore
from whyfeel.records import AnnotatedTrigger, Annotation
from whyfeel.stats.agreement import krippendorff
from whyfeel.stats.resampling import Bootstrap

Made = dict[str, tuple[list[Edit], list[Edit]]]  # item to the edits of r1 and of r2


def change(item: str, action, trigger: str = "", reviewer: str = "r1", **value: object) -> Edit:
    return edit(action, trigger, item=item, reviewer=reviewer, **value)


def measured(path: Path, pictures: list[Annotation], made: Made, **more: int) -> ReviewAgreement:
    with closing(run_of(path, pictures)) as run:
        with closing(ReviewStore(path / "review.sqlite", list(map(seen, pictures)), double=1.0)) as store:
            for item, (r1, r2) in made.items():
                done(store, item, "r1", *r1)
                done(store, item, "r2", *r2)
            if made:
                store.adjudicate(next(iter(made)), "r4", [])
        return agreement(run, **more)


def removals(item: str, triggers: str, reviewer: str) -> list[Edit]:
    return [change(item, "remove", trigger, reviewer, reason="other") for trigger in triggers.split()]


def test_alpha_and_f1_of_keeping_and_removing(tmp_path: Path):
    pictures = [annotation("a", image="x.jpg"), annotation("b", image="x.jpg"), annotation("c"), annotation("d")]
    made = {
        "a": (removals("a", "t1", "r1"), removals("a", "t1 t2", "r2")),
        "b": (removals("b", "t1 t2 t3", "r1"), removals("b", "t1 t2 t3", "r2")),
        "c": ([], removals("c", "t3", "r2")),
    }
    found = measured(tmp_path, pictures, made, seed=3, resamples=500)
    kept = np.array([[0, 0], [1, 0], [1, 1], [0, 0], [0, 0], [0, 0], [1, 1], [1, 1], [1, 0]], float)
    assert (found.n, found.triggers) == (3, 9)
    assert found.alpha.value == pytest.approx(oracle.alpha(reliability_data=kept.T, level_of_measurement="nominal"))
    assert found.alpha == krippendorff(kept, "nominal", Bootstrap(3, 500, ["x"] * 6 + ["y"] * 3))
    assert found.alpha.low is not None
    # F1: a 2 * 1 / (2 + 1), b nothing on either side, c 2 * 2 / (3 + 2)
    assert found.f1.value == pytest.approx((2 / 3 + 1 + 4 / 5) / 3)
    assert found.f1.n == 3
    # two pictures: their means (2/3 + 1) / 2 and 4/5 are all that a resample can be apart from the whole
    assert (found.f1.low, found.f1.high) == (pytest.approx(4 / 5), pytest.approx(5 / 6))
    assert found.to_json() == {"n": 3, "triggers": 9, "alpha": found.alpha.to_json(), "f1": found.f1.to_json()}


def test_a_merged_trigger_is_kept_where_the_other_is(tmp_path: Path):
    merged = change("a", "merge", "t1", into="t2")
    made = {
        "a": ([merged, *removals("a", "t3", "r1")], removals("a", "t3", "r2")),
        "b": ([change("b", "merge", "t1", into="t2"), *removals("b", "t2", "r1")], []),
        "c": ([change("c", "merge", "t1", into="t2"), change("c", "merge", "t2", into="t3")], []),
    }
    found = measured(tmp_path, [annotation("a"), annotation("b"), annotation("c")], made, resamples=1)
    kept = np.array([[1, 1], [1, 1], [0, 0], [0, 1], [0, 1], [1, 1], [1, 1], [1, 1], [1, 1]], float)
    assert found.alpha.value == krippendorff(kept).value


@pytest.mark.parametrize(
    ("made", "n", "alpha", "f1"),
    [
        ({}, 0, "undefined (no item was rated twice)", "nothing was scored"),
        ({"a": ([], [])}, 1, "undefined (no variation)", "fewer than two pictures"),
    ],
)
def test_what_is_undefined_has_a_reason(tmp_path: Path, made: Made, n: int, alpha: str, f1: str):
    found = measured(tmp_path, [annotation("a"), annotation("b")], made)
    assert (found.n, found.alpha.value, found.alpha.why) == (n, None, alpha)
    assert found.f1.why == f1
    assert found.f1.value == (1.0 if n else None)


def test_a_run_without_a_review_has_no_agreement(tmp_path: Path):
    with closing(run_of(tmp_path, [annotation("a")])) as run:
        assert agreement(run).n == 0


LONG = "A birthday cake, balloons, a long queue, the empty street, two broken chairs, music, an old dog, smoke, snow"


def new(text: str, name: str = "r1") -> AnnotatedTrigger:
    return AnnotatedTrigger(name, text)


@pytest.mark.parametrize(
    ("mine", "theirs", "f1"),
    [
        ([CAKE, FRIENDS], [FRIENDS, CAKE], 1),
        ([CAKE], [FRIENDS], 0),
        ([CAKE], [], 0),
        ([], [], 1),
        ([CAKE, new("A glass of wine")], [CAKE, new("a glass of wine.", "r2")], 1),  # equal but for case and full stop
        ([CAKE, new("His dog died")], [CAKE, new("The death of his dog", "r2")], 1),
        ([CAKE, new("His dog died")], [CAKE, new("A quarrel at work", "r2")], 2 * 1 / 4),
        ([new("A delicious dessert with candles")], [new("Candles on the dessert", "r2")], 1),
        ([AnnotatedTrigger("t1", "The birthday cake with candles")], [CAKE], 1),  # reworded by one
        ([AnnotatedTrigger("t1", "A quarrel at work")], [CAKE], 0),
        ([new("Friends laughing"), new("Laughter of friends", "r3")], [FRIENDS], 2 * 1 / 3),  # one to one
        ([new(LONG)], [CAKE], 1),  # a piece of it is as near as the whole is not
        ([new("On and on")], [new("Over and over", "r2")], 0),  # no content words
        ([new("<b>\u202e!?x")], [new("喜", "r2")], 0),
    ],
)
def test_which_triggers_are_the_same(tmp_path: Path, mine, theirs, f1):
    picture = annotation("a")
    with closing(run_of(tmp_path, [picture])) as run:
        same = SameTriggers(run)
        assert same.f1(picture, mine, theirs) == pytest.approx(f1)
        assert same.f1(picture, theirs, mine) == pytest.approx(f1)


def test_two_triggers_of_the_annotation_itself_are_two_however_near_their_words(tmp_path: Path):
    picture = annotation("b", RAIN, AnnotatedTrigger("t2", "Rain on the window"))
    others = [annotation(f"o{n}", CAKE, FRIENDS) for n in range(9)]  # in which rain is rare, and so it weighs
    with closing(run_of(tmp_path, [picture, *others])) as run:
        same = SameTriggers(run)
        rain, window = picture.triggers
        assert same.f1(picture, [rain], [window]) == 0
        assert same.f1(picture, [rain, new("A quarrel")], [window]) == 0
        assert same.f1(picture, [rain], [new("Rain on the window pane")]) == 1
