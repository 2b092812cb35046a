"""What counts in the end."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from review_parts import CAKE, FRIENDS, GHOST, RAIN, annotation, done, edit, put, run_of

from whyfeel.annotate.review.agreement import agreement
from whyfeel.annotate.review.file import seen
from whyfeel.annotate.review.final import Final, final_annotations
from whyfeel.annotate.review.store import ReviewStore
from whyfeel.errors import DataError
from whyfeel.interop.people import people_of
from whyfeel.records import Annotation, Step, Unscored

ITEMS = ("automatic", "begun", "sole", "agreed", "disputed", "settled")


def gone(item: str, reviewer: str, trigger: str = "t1", reason: str = "hallucination"):
    return edit("remove", trigger, item=item, reviewer=reviewer, reason=reason)


def test_without_a_review_all_is_automatic(tmp_path: Path):
    pictures = [annotation("a"), annotation("b")]
    with closing(run_of(tmp_path, pictures)) as run:
        assert list(final_annotations(run)) == [Final(one, "automatic", (), 0) for one in pictures]
    assert not (tmp_path / "review.sqlite").exists()


def test_who_says_what_counts(tmp_path: Path):
    removed = replace(CAKE, dropped="removed: hallucination")
    with closing(run_of(tmp_path, [annotation(item) for item in ITEMS])) as run:
        with closing(ReviewStore(tmp_path / "review.sqlite", list(map(seen, run.annotations())), double=1.0)) as store:
            put(store, gone("begun", "r1"))
            back = put(store, gone("sole", "r1", "t2"))
            done(store, "sole", "r1", edit("undo", item="sole", edit=back.id), gone("sole", "r1"))
            done(
                store,
                "agreed",
                "r2",
                gone("agreed", "r2"),
                edit("move", "t3", item="agreed", reviewer="r2", before="t1"),
            )
            done(store, "agreed", "r1", gone("agreed", "r1", reason="irrelevant"))
            for item in ("disputed", "settled"):
                done(store, item, "r2", gone(item, "r2"))
                done(store, item, "r1", gone(item, "r1", "t2"))
            restore = {"action": "restore", "trigger": "t4", "value": {}}
            store.adjudicate("settled", "r4", [restore])
            found = {one.annotation.sample_id: one for one in final_annotations(run)}  # while it is open
        assert {one.annotation.sample_id: one for one in final_annotations(run)} == found
    assert list(found) == list(ITEMS)
    told = {item: (one.status, one.reviewers, one.edits, one.annotation.triggers) for item, one in found.items()}
    assert told == {
        "automatic": ("automatic", (), 0, (CAKE, FRIENDS, RAIN, GHOST)),
        "begun": ("automatic", (), 0, (CAKE, FRIENDS, RAIN, GHOST)),
        "sole": ("reviewed", ("r1",), 1, (removed, FRIENDS, RAIN, GHOST)),
        "agreed": ("reviewed", ("r2", "r1"), 2, (RAIN, removed, FRIENDS, GHOST)),
        "disputed": ("disputed", ("r2", "r1"), 1, (removed, FRIENDS, RAIN, GHOST)),
        "settled": (
            "adjudicated",
            ("r2", "r1", "adjudicator:r4"),
            1,
            (CAKE, FRIENDS, RAIN, replace(GHOST, dropped="")),
        ),
    }
    assert found["sole"].annotation == replace(annotation("sole"), triggers=(removed, FRIENDS, RAIN, GHOST))


@pytest.mark.parametrize(
    "now",
    [
        annotation("i", replace(CAKE, text="A wedding cake")),
        annotation("i", replace(CAKE, kind=None)),
        annotation("i", replace(CAKE, dropped="not grounded")),
        annotation("i", CAKE, FRIENDS),
        replace(annotation("i", CAKE), steps=(Step("general", "G1", "", "", "another picture's ask"),)),
    ],
)
def test_what_was_annotated_anew_is_no_longer_reviewed(tmp_path: Path, now: Annotation):
    """A former annotation's removal must not fall on the trigger that has its id now, nor pass for a look at it."""
    before = annotation("i", CAKE)
    for one in (before, now, before):
        with closing(ReviewStore(tmp_path / "review.sqlite", [seen(one), seen(annotation("j"))], double=1.0)) as store:
            if one == before and not store.edits("i", "r1"):
                done(store, "i", "r1", gone("i", "r1"))
                store.finish("i", "r2", 0)
            standing = store.standings()[0] if one == before else store.standings()[-1]
            assert (standing.item, standing.needs) == ("i", 2)
            assert standing.finished == (("r1", "r2") if one == before else ())
            assert store.anew() == (("i",) if one == now else ())
            assert store.progress().items == 2
        with closing(run_of(tmp_path, [one, annotation("j")])) as run:
            first = next(final_annotations(run))
            assert agreement(run, resamples=10).n == people_of(run).twice == (1 if one == before else 0)
        if one == now:
            assert first == Final(now, "automatic", (), 0)
        else:
            assert (first.status, first.annotation.kept) == ("disputed", ())


def test_a_chain_that_ends_in_a_later_sitting_is_to_be_reviewed(tmp_path: Path):
    lost = Annotation("i", "i.jpg", unscored=Unscored("budget", "spent"))
    with closing(ReviewStore(tmp_path / "review.sqlite", [seen(lost)])) as store:
        done(store, "i", "r1")
    late = replace(lost, unscored=Unscored("timeout", "slow"))  # for another reason: still nothing to look at
    for one, status in ((lost, "reviewed"), (late, "reviewed"), (annotation("i"), "automatic")):
        with closing(run_of(tmp_path, [one])) as run:
            assert [final.status for final in final_annotations(run)] == [status]
    with closing(ReviewStore(tmp_path / "review.sqlite", [seen(annotation("i"))])) as store:
        assert (store.anew(), store.take("r1")) == (("i",), "i")
        done(store, "i", "r1")
        assert (store.anew(), store.take("r1")) == ((), None)


def test_edits_that_do_not_fit_their_annotation_are_named(tmp_path: Path):
    with closing(ReviewStore(tmp_path / "review.sqlite", [seen(annotation("i", CAKE))])) as store:
        done(store, "i", "r1", gone("i", "r1", "t3"))
    with closing(run_of(tmp_path, [annotation("i", CAKE)])) as run:
        with pytest.raises(DataError, match=r"what 'r1' changed in 'i' does not fit .*no trigger 't3'.*put back"):
            list(final_annotations(run))
