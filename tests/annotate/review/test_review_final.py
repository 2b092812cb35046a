"""What counts in the end."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from review_parts import CAKE, FRIENDS, GHOST, RAIN, annotation, done, edit, put, run_of

from whyfeel.annotate.review.final import Final, final_annotations
from whyfeel.annotate.review.store import ReviewStore
from whyfeel.errors import DataError

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
        with closing(ReviewStore(tmp_path / "review.sqlite", ITEMS, double=1.0)) as store:
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


def test_an_annotation_that_is_no_longer_the_one_reviewed_is_named(tmp_path: Path):
    with closing(ReviewStore(tmp_path / "review.sqlite", ["i"])) as store:
        done(store, "i", "r1", gone("i", "r1", "t3"))
    with closing(run_of(tmp_path, [annotation("i", CAKE)])) as run:
        with pytest.raises(DataError, match=r"what 'r1' changed in 'i' does not fit .*no trigger 't3'.*put back"):
            list(final_annotations(run))
