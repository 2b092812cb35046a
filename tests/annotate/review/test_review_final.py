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
            put(store, gone("begun", "ann"))
            back = put(store, gone("sole", "ann", "t2"))
            done(store, "sole", "ann", edit("undo", item="sole", edit=back.id), gone("sole", "ann"))
            done(
                store,
                "agreed",
                "bob",
                gone("agreed", "bob"),
                edit("move", "t3", item="agreed", reviewer="bob", before="t1"),
            )
            done(store, "agreed", "ann", gone("agreed", "ann", reason="irrelevant"))
            for item in ("disputed", "settled"):
                done(store, item, "bob", gone(item, "bob"))
                done(store, item, "ann", gone(item, "ann", "t2"))
            restore = {"action": "restore", "trigger": "t4", "value": {}}
            store.adjudicate("settled", "eve", [restore])
            found = {one.annotation.sample_id: one for one in final_annotations(run)}  # while it is open
        assert {one.annotation.sample_id: one for one in final_annotations(run)} == found
    assert list(found) == list(ITEMS)
    told = {item: (one.status, one.reviewers, one.edits, one.annotation.triggers) for item, one in found.items()}
    assert told == {
        "automatic": ("automatic", (), 0, (CAKE, FRIENDS, RAIN, GHOST)),
        "begun": ("automatic", (), 0, (CAKE, FRIENDS, RAIN, GHOST)),
        "sole": ("reviewed", ("ann",), 1, (removed, FRIENDS, RAIN, GHOST)),
        "agreed": ("reviewed", ("bob", "ann"), 2, (RAIN, removed, FRIENDS, GHOST)),
        "disputed": ("disputed", ("bob", "ann"), 1, (removed, FRIENDS, RAIN, GHOST)),
        "settled": (
            "adjudicated",
            ("bob", "ann", "adjudicator:eve"),
            1,
            (CAKE, FRIENDS, RAIN, replace(GHOST, dropped="")),
        ),
    }
    assert found["sole"].annotation == replace(annotation("sole"), triggers=(removed, FRIENDS, RAIN, GHOST))


def test_an_annotation_that_is_no_longer_the_one_reviewed_is_named(tmp_path: Path):
    with closing(ReviewStore(tmp_path / "review.sqlite", ["i"])) as store:
        done(store, "i", "ann", gone("i", "ann", "t3"))
    with closing(run_of(tmp_path, [annotation("i", CAKE)])) as run:
        with pytest.raises(DataError, match=r"what 'ann' changed in 'i' does not fit .*no trigger 't3'.*put back"):
            list(final_annotations(run))
