"""The review's file: nothing is lost, nothing is half done, and nobody takes what another has in hand unasked."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from review_parts import CAKE, GHOST, annotation, done, edit, found, put

from whyfeel.annotate.review.assignment import Held, Progress
from whyfeel.annotate.review.edits import BadEdit, Edit, NotHeld, Stale
from whyfeel.annotate.review.file import read_review
from whyfeel.annotate.review.fold import decision, reviewed
from whyfeel.annotate.review.store import ReviewStore
from whyfeel.errors import DataError, StoreFailed, UserError
from whyfeel.records import rng

ITEMS = ("i", "j", "k")
Open = Callable[..., ReviewStore]


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Open]:
    """Opens the review once more."""
    with contextlib.ExitStack() as stack:

        def again(items: Any = ITEMS, **more: Any) -> ReviewStore:
            store = ReviewStore(tmp_path / "review.sqlite", found(items), **{"clock": clock, **more})
            stack.callback(store.close)
            return store

        yield again


def test_an_edit_is_kept_as_it_was_made_with_who_when_and_why(opened: Open, tmp_path: Path):
    store = opened()
    made = edit("add", text="2.  A <b>cake</b>\n", kind="object", explicit=True, why="it\nstands there")
    stored = store.add(made, 0)
    value = {"text": "A <b>cake</b>", "kind": "object", "explicit": True}
    assert stored == replace(made, value=value, why="it stands there", at="1970-01-12T13:46:40.000+00:00", seq=1)
    assert opened().edits("i", "r1") == (stored,)  # another process
    assert store.edits("i", "r2") == store.edits("j", "r1") == ()
    assert read_review(tmp_path / "review.sqlite")["i", ""].edits == {"r1": [stored]}
    assert store.add(edit("remove", "t1", item="j", reason="other"), 0).seq == 2


def test_the_same_edit_sent_twice_counts_once(opened: Open):
    store = opened()
    made = edit("edit", "t1", text="Cake")
    stored = store.add(made, 0)
    assert store.add(made, 0) == stored
    store.add(edit("move", "t1", before="t3"), stored.seq)
    assert store.add(made, 0) == stored  # also much later
    for other in (replace(made, value={"text": "Pie"}), replace(made, reviewer="r2"), replace(made, item="j")):
        with pytest.raises(Stale, match="sent before"):
            store.add(other, 0)
    moved = edit("move", "t2", before="t1")
    assert store.add(moved, 2).value == store.add(replace(moved, value={"before": ""}), 2).value
    assert len(store.edits("i", "r1")) == 3


def test_a_tab_that_is_behind_changes_nothing(opened: Open):
    store = opened()
    first = store.add(edit("remove", "t1", reason="other"), 0)
    with pytest.raises(Stale, match="another window"):
        store.add(edit("remove", "t2", reason="other"), 0)
    with pytest.raises(Stale, match="another window"):
        store.finish("i", "r1", 0)
    store.finish("i", "r1", first.seq)
    with pytest.raises(Stale, match="finished this item; reopen it"):
        store.add(edit("remove", "t2", reason="other"), first.seq)
    assert store.edits("i", "r1") == (first,)


def test_an_edit_that_does_not_fit_is_not_stored(opened: Open):
    store = opened()
    for wrong in (edit("edit", "t1", text=" "), edit("undo", edit="0" * 32), replace(edit("restore", "t1"), id="x")):
        with pytest.raises(BadEdit):
            store.add(wrong, 0)
    with pytest.raises(KeyError):
        store.add(edit("restore", "t1", item="none"), 0)
    with pytest.raises(UserError, match="plain text in one line"):
        store.take("\ud800")
    assert store.edits("i", "r1") == ()
    assert store.progress().in_hand == 0


def test_items_go_round_once_and_skipped_ones_come_last(opened: Open):
    store = opened()
    assert store.take("r1") == store.take("r1") == "i"
    assert store.take("r2") == "j"
    store.release("i", "r1")
    assert store.take("r1") == "k"
    store.release("k", "r1")
    assert [store.take("r3"), store.take("r1")] == ["i", "k"]
    done(store, "k", "r1")
    assert store.take("r1") is None
    assert store.progress() == Progress(3, 1, 2, 0, 0, {"r1": 1})
    done(store, "j", "r2")
    done(store, "i", "r3")
    assert store.take("r2") is None
    assert store.progress() == Progress(3, 3, 0, 0, 0, {"r1": 1, "r2": 1, "r3": 1})


def test_what_was_opened_by_its_link_comes_before_what_is_free(opened: Open):
    store = opened()
    assert store.open("j", "r1") == Held(mine=True, by="r1", until=1_000_900.0, finished=False)
    assert store.take("r1") == "j"
    store.release("j", "r1")
    assert store.take("r1") == "i"


def test_a_lease_runs_out_unless_its_item_is_worked_on(opened: Open, clock: Clock):
    store = opened(lease=100.0)
    assert store.take("r1") == "i"
    clock.now += 99
    assert store.open("i", "r2") == Held(mine=False, by="r1", until=1_000_100.0, finished=False)
    put(store, edit("remove", "t1", reason="other"))
    clock.now += 99
    assert store.open("i", "r2").by == "r1"
    clock.now += 1
    assert store.take("r2") == "i"
    with pytest.raises(NotHeld, match="r2 has this item in hand"):
        put(store, edit("remove", "t2", reason="other"))
    with pytest.raises(NotHeld, match="r2 has this item in hand"):
        store.finish("i", "r1", 1)
    assert store.edits("i", "r2") == ()  # each begins with the annotation as it was made
    clock.now += 100
    assert store.take("r1") == "i"  # her own, though it ran out
    assert len(store.edits("i", "r1")) == 1


def test_taking_over_is_asked_for(opened: Open):
    store = opened()
    store.take("r1")
    assert not store.open("i", "r2").mine
    assert store.open("i", "r2", claim=True).mine
    assert store.open("i", "r1") == Held(mine=False, by="r2", until=1_000_900.0, finished=False)
    assert store.take("r1") == "j"
    done(store, "i", "r2")
    over = Held(mine=False, by="r2", until=0.0, finished=True)
    assert store.open("i", "r1", claim=True) == store.open("i", "r2") == over
    with pytest.raises(NotHeld, match="r2 has finished this item"):
        store.finish("i", "r1", 0)
    assert store.finishers("i") == ("r2",)


def test_what_is_finished_can_be_reopened_by_who_finished_it(opened: Open):
    store = opened()
    done(store, "i", "r1", edit("remove", "t1", reason="other"))
    store.finish("i", "r1", 99)  # a second press
    store.reopen("i", "r2")
    assert store.finishers("i") == ("r1",)
    store.reopen("i", "r1")
    assert store.finishers("i") == ()
    assert store.open("i", "r2").by == "r1"
    put(store, edit("remove", "t2", reason="other"))
    assert store.take("r1") == "i"


@pytest.mark.parametrize(("share", "wanted"), [(0.0, 0), (0.2, 8), (0.31, 13), (1.0, 41)])
def test_the_stated_share_is_annotated_twice(opened: Open, share: float, wanted: int):
    items = [f"i{n}" for n in range(41)]
    store = opened(items, double=share, seed=7)
    twice = {one.item for one in store.standings() if one.needs == 2}
    draws = sorted(items, key=lambda item: rng(7, "double", item).random())
    assert twice == set(draws[:wanted])
    assert store.progress().doubles == wanted
    assert opened(items, double=share, seed=7).standings() == store.standings()


def test_who_annotates_what_twice_is_drawn_once(opened: Open):
    opened(double=0.3, seed=1).close()
    before = opened().progress()
    assert before == opened(double=0.3).progress() == opened(seed=1).progress(), "what is not said is as it was"
    for other, told in (({"double": 0.5}, "0.5 and 1"), ({"seed": 0}, "0.3 and 0")):
        with pytest.raises(UserError, match=f"--double 0.3 --seed 1, now they are {told}"):
            opened(**other)
    with pytest.raises(UserError, match=r"from 0 to 1, got 1\.5"):
        opened(double=1.5)


def test_a_resumed_run_adds_items_and_takes_none_away(opened: Open):
    store = opened(double=0.5)
    done(store, "i", "r1")
    twice = {one.item for one in store.standings() if one.needs == 2}
    more = opened(("young", *ITEMS, "odd \ud800"), double=0.5)
    assert [one.item for one in more.standings()] == ["i", "j", "k", "young", "odd \ud800"]
    assert twice <= {one.item for one in more.standings() if one.needs == 2}
    assert more.progress().doubles == 2  # round(0.5 * 5)
    put(more, edit("remove", "t1", item="odd \ud800", reason="other"))
    assert store.progress().items == 3  # the other process goes on with those it knows
    assert len(more.edits("odd \ud800", "r1")) == 1
    with pytest.raises(DataError, match="reviews 'young', which the run no longer holds"):
        opened(ITEMS, double=0.5)
    with pytest.raises(DataError, match="two annotations have the id 'i'"):
        opened(("i", "i"), double=0.5)


def test_a_double_goes_to_two_different_people_and_no_third(opened: Open, clock: Clock):
    store = opened(("i",), double=1.0)
    assert store.take("r2") == "i"
    clock.now -= 1
    assert store.take("r1") == "i"
    clock.now += 1
    assert store.take("r3") is None
    assert store.open("i", "r3") == Held(mine=False, by="r1", until=1_000_899.0, finished=False)
    done(store, "i", "r1", edit("remove", "t1", reason="other"))
    assert store.take("r1") is None
    assert store.open("i", "r3").by == "r2"
    assert store.progress() == Progress(1, 0, 1, 1, 0, {"r1": 1})
    done(store, "i", "r2")
    assert store.open("i", "r3") == Held(mine=False, by="r1", until=0.0, finished=True)
    assert store.finishers("i") == ("r1", "r2")
    assert store.progress() == Progress(1, 1, 0, 1, 1, {"r1": 1, "r2": 1})


def test_differences_are_adjudicated_once_by_somebody_who_counts_apart(opened: Open, tmp_path: Path):
    store = opened(("i", "j"), double=1.0)
    r4 = "adjudicator:r4"
    assert store.take(r4) is None
    gone = edit("remove", "t1", reason="hallucination")
    for item in ("i", "j"):
        done(store, item, "r1", replace(gone, item=item, id=f"{ord(item):032x}"))
    assert store.to_adjudicate() == ()
    done(store, "i", "r2", edit("add", text="Wine", reviewer="r2"))
    done(store, "j", "r2", edit("remove", "t1", item="j", reviewer="r2", reason="irrelevant"))
    assert store.to_adjudicate() == ("i",)
    assert store.take(r4) == "i"
    assert store.take("adjudicator:r9") is None
    with pytest.raises(NotHeld, match="adjudicator:r4 has this item"):
        store.adjudicate("i", "r9", [])
    wine = next(one for one in reviewed(annotation(), store.edits("i", "r2")) if one.text == "Wine")
    chosen = decision(annotation(), [replace(GHOST, dropped=""), CAKE, wine])
    settled = store.adjudicate("i", "r4", chosen)
    assert [one.action for one in settled] == ["remove", "remove", "restore", "move", "move", "add"]
    assert {one.reviewer for one in settled} == {r4}
    final = reviewed(annotation(), store.edits("i", r4))
    assert [one.text for one in final if not one.dropped] == ["A ghost", "A birthday cake", "Wine"]
    assert store.adjudicate("i", r4, chosen) == settled  # sent twice
    assert len(store.edits("i", r4)) == 6
    assert store.to_adjudicate() == ()
    assert store.finishers("i") == ("r1", "r2")
    assert store.progress() == Progress(2, 2, 0, 2, 2, {"r1": 2, "r2": 2})
    with pytest.raises(NotHeld, match="adjudicator:r4 has finished"):
        store.adjudicate("i", "r9", [])
    with pytest.raises(BadEdit):
        store.adjudicate("i", "r4", [{"action": "edit", "trigger": "t1", "value": {"text": ""}}])
    assert store.adjudicate("i", "r4", []) == ()  # second thoughts take the first decision back
    assert reviewed(annotation(), store.edits("i", r4)) == annotation().triggers
    assert read_review(tmp_path / "review.sqlite")["i", ""].adjudicator == r4


def test_an_adjudicator_can_decide_edit_by_edit(opened: Open):
    store = opened(("i",), double=1.0)
    done(store, "i", "adjudicator:r4", edit("remove", "t1", reviewer="adjudicator:r4", reason="other"))
    assert store.standings()[0].adjudicator == "adjudicator:r4"
    assert store.take("r1") == store.take("r2") == "i"


def test_threads_of_several_stores_never_share_an_item(opened: Open):
    items = [f"i{n}" for n in range(12)]
    stores = [opened(items, double=0.5) for _ in range(2)]
    start = threading.Barrier(4)

    def work(n: int) -> list[str]:
        start.wait()
        mine = []
        while (item := stores[n % 2].take(f"r{n}")) is not None:
            done(stores[n % 2], item, f"r{n}", edit("remove", "t1", item=item, reviewer=f"r{n}", reason="other"))
            mine.append(item)
        return mine

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(4)))
    assert all(len(set(mine)) == len(mine) for mine in found)
    taken = Counter(item for mine in found for item in mine)
    assert taken == {one.item: one.needs for one in stores[0].standings()}
    assert stores[0].progress().finished == 12


def test_two_at_once_make_one_file(tmp_path: Path):
    for n in range(10):
        start = threading.Barrier(3)

        def begin(path: Path, start: threading.Barrier) -> None:
            start.wait()
            ReviewStore(path, found(ITEMS), double=0.5).close()

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(begin, [tmp_path / f"{n}.sqlite"] * 3, [start] * 3))
        with contextlib.closing(ReviewStore(tmp_path / f"{n}.sqlite", found(ITEMS), double=0.5)) as store:
            assert store.progress().doubles == 2


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from review_parts import edit, found, put
from whyfeel.annotate.review.store import ReviewStore
store = ReviewStore(Path(sys.argv[1]), found("i"))
for n in range(100_000):
    made = put(store, edit("edit", "t1", text=f"Cake {n}"))
    sys.stdout.write(f"{made.seq}\\n")
    sys.stdout.flush()
"""


def test_a_kill_loses_nothing_that_was_told_to_be_stored(tmp_path: Path):
    path = tmp_path / "review.sqlite"
    command = [sys.executable, "-c", KILLED, str(path), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(30)]
        os.kill(process.pid, signal.SIGKILL)
        told += process.stdout.readlines()
    known = [int(line) for line in told if line.endswith("\n")]
    assert known == list(range(1, len(known) + 1))
    with contextlib.closing(ReviewStore(path, found("i"))) as store:
        edits = store.edits("i", "r1")
        assert len(known) <= len(edits) <= len(known) + 1
        assert [one.value["text"] for one in edits] == [f"Cake {n}" for n in range(len(edits))]
        assert put(store, edit("edit", "t1", text="Tart")).seq == len(edits) + 1
        assert store.standings()[0].hands == {}.fromkeys(["r1"], store.standings()[0].hands["r1"])


def test_what_cannot_be_written_is_not_half_done(opened: Open, monkeypatch: pytest.MonkeyPatch):
    store = opened()
    put(store, edit("remove", "t1", reason="other"))

    def fails(*_: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(store._rows, "append", fails)
    with pytest.raises(StoreFailed, match=r"the review '.*review\.sqlite' cannot be written: disk I/O error"):
        put(store, edit("remove", "t2", item="j", reason="other"))
    with pytest.raises(StoreFailed):
        store.adjudicate("i", "r4", [{"action": "restore", "trigger": "t1", "value": {}}])
    assert [one.hands for one in store.standings()] == [{"r1": 1_000_900.0}, {}, {}]
    assert store.standings()[0].adjudicator == ""


def test_a_full_disk_is_told_in_one_sentence(opened: Open):
    store = opened()
    store._db.execute(f"PRAGMA max_page_count = {store._db.execute('PRAGMA page_count').fetchone()[0]}")
    stored: list[Edit] = []

    def fill() -> None:
        while len(stored) < 100:
            stored.append(put(store, edit("edit", "t1", text=f"{len(stored)} " + "cake " * 300)))

    with pytest.raises(StoreFailed, match="database or disk is full"):
        fill()
    assert store.edits("i", "r1") == tuple(stored)
    assert store._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_review_at_rest_is_one_plain_file(opened: Open, tmp_path: Path):
    store, other = opened(), opened()
    put(store, edit("remove", "t1", reason="other"))
    store.close()
    assert len(other.edits("i", "r1")) == 1
    other.close()
    assert [path.name for path in tmp_path.iterdir()] == ["review.sqlite"]
    assert other.path.read_bytes()[18:20] == b"\x01\x01"  # no log beside it


def test_what_is_no_review_is_left_alone(opened: Open, tmp_path: Path):
    path = tmp_path / "review.sqlite"
    assert read_review(path) == {}
    path.write_bytes(b"no database at all, but long enough to look like one" * 40)
    for read in (opened, lambda: read_review(path)):
        with pytest.raises(DataError, match="damaged, or no review"):
            read()
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")
    with pytest.raises(DataError, match="is not a review"):
        opened()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 2")
    for read in (opened, lambda: read_review(path)):
        with pytest.raises(DataError, match="newer whyfeel"):
            read()
