"""The store on both databases: raters, trials and answers, and what goes to whom when people come, go and skip."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from store_parts import LEASE, Clock, Opener, Place, StoreOpener, complete, small, working

from whyfeel.errors import DataError
from whyfeel.records import rng
from whyfeel.study.collected import STATUSES, Outline, Progress, Trial, Unblinding
from whyfeel.study.database import open_database
from whyfeel.study.design import SKIP
from whyfeel.study.store import AlreadyAnswered, AlreadyBegun, NoPlace, NotNow, PassedOn, StudyStore


async def counted(store: StudyStore) -> Counter[tuple[str, bool]]:
    """What counts of each item, by side."""
    held = await store.collected()
    left = {one.id for one in held.raters if one.status == "withdrawn"}
    return Counter(
        (one.item, one.swapped)
        for one in held.trials
        if one.role == "item" and one.answer != SKIP and not one.passed_on and one.rater not in left
    )


async def test_a_rater_s_way(stores: StoreOpener, clock: Clock) -> None:
    store = await stores(small(4, repeats=1, attention=1))
    token = await store.begin()
    rater = await store.rater(token)
    assert rater is not None
    assert (rater.id, rater.entrant, rater.status, rater.tries) == (1, "", "consented", 0)
    assert (rater.begun, rater.seen, rater.ended) == (clock.now, clock.now, None)
    with pytest.raises(NotNow, match="instructions first"):
        await store.next(1)
    clock.now += 10
    assert (await store.comprehend(1, right=False)).tries == 1
    assert (await store.comprehend(1, right=True)).status == "working"
    with pytest.raises(NotNow):
        await store.comprehend(1, right=True)
    with pytest.raises(NotNow, match="more for you"):
        await store.finish(1)
    assert await store.outline(1) == Outline(0, 0)
    for place in range(1, 7):
        clock.now += 5
        trial = await store.next(1)
        assert trial is not None
        assert (trial.place, trial.shown, trial.answered) == (place, clock.now, None)
        clock.now += 7
        assert await store.next(1) == trial  # a refresh shows it anew, and the first showing stands
        with pytest.raises(NotNow, match="more for you"):
            await store.finish(1)
        done = await store.answer(1, place, "both good", "because")
        assert done == replace(trial, answered=clock.now, answer="both good", comment="because")
        assert done.seconds == 7
        assert await store.trial(1, place) == done
        assert await store.outline(1) == Outline(place, 6)
    assert await store.next(1) is None
    await store.describe(1, {"age": "18 to 40"})
    await store.describe(1, {"age": "over 40", "other": ""})
    ended = await store.finish(1)
    assert (ended.status, ended.ended) == ("finished", clock.now)
    clock.now += 1
    assert await store.finish(1) == ended == await store.rater(token)
    with pytest.raises(NotNow, match="over"):
        await store.next(1)
    held = await store.collected()
    assert held.raters == (ended,)
    assert [one.place for one in held.trials] == [1, 2, 3, 4, 5, 6]
    assert Counter(one.role for one in held.trials) == {"item": 4, "repeat": 1, "attention": 1}
    assert held.demographics == {1: {"age": "over 40", "other": ""}}
    assert held.unblinding is None


async def test_the_first_answer_stands(stores: StoreOpener, clock: Clock) -> None:
    store = await stores(small(2))
    rater = await working(store)
    trial = await store.next(rater)
    assert trial is not None
    clicks = await asyncio.gather(*(store.answer(rater, 1, "left", str(n)) for n in range(5)))
    assert len(set(clicks)) == 1
    clock.now += 1
    with pytest.raises(AlreadyAnswered, match="first answer stands"):
        await store.answer(rater, 1, "right")
    with pytest.raises(AlreadyAnswered):
        await store.answer(rater, 1, SKIP)
    assert await store.trial(rater, 1) == clicks[0] == await store.answer(rater, 1, "left", "later")
    await complete(store, rater)
    await store.finish(rater)
    assert await store.answer(rater, 1, "left") == clicks[0]  # the back button, after the end
    assert (await store.progress()).votes == 2


async def test_what_cannot_be_answered(stores: StoreOpener) -> None:
    store = await stores(small(2))
    rater = await working(store)
    with pytest.raises(ValueError, match=r"no trial 1"):
        await store.answer(rater, 1, "left")
    await store.next(rater)
    for answer in ("", "Left", "0", "left ", "\0"):
        with pytest.raises(ValueError, match="has no answer"):
            await store.answer(rater, 1, answer)
    for place in (0, -1, 3, 2**31, 10**40):
        assert await store.trial(rater, place) is None
        with pytest.raises(ValueError, match="no trial"):
            await store.answer(rater, place, "left")
    with pytest.raises(NotNow, match="not been shown"):
        await store.answer(rater, 2, "left")
    with pytest.raises(ValueError, match="no rater 9"):
        await store.next(9)
    assert (await store.progress()).votes == 0


async def test_a_rating_has_the_scale_s_answers_and_no_sides(stores: StoreOpener) -> None:
    store = await stores(small(3, ratings=3, each=6, kind="rating", repeats=1))
    for _ in range(3):
        rater = await working(store)
        done = await complete(store, rater, lambda trial: str(trial.place % 6))
        assert [one.answer for one in done] == ["1", "2", "3", "4", "5", "0", "1"]
        with pytest.raises(ValueError, match="it has 0, 1, 2, 3, 4, 5"):
            await store.answer(rater, 1, "left")
    assert not any(one.swapped for one in (await store.collected()).trials)
    assert (await store.progress()).complete == 6


async def test_tokens_are_hashed_and_tell_one_rater(place: Place, stores: StoreOpener) -> None:
    store = await stores(small())
    tokens = [await store.begin() for _ in range(3)]
    assert [one.id for one in [await store.rater(token) for token in tokens] if one is not None] == [1, 2, 3]
    assert all(len(token) == 43 for token in tokens)  # 256 bits at six a character
    for wrong in ("", "x", tokens[0][:-1], tokens[0] + "\n", "\0", "\ud800", "a" * 10**6, "' OR 1=1 --"):
        assert await store.rater(wrong) is None
    if isinstance(place[0], Path):
        stored = b"".join(one.read_bytes() for one in place[0].parent.iterdir())
    else:
        db = await asyncpg.connect(place[0])
        tables = await db.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = $1", f"whyfeel_{place[1]}"
        )
        assert len(tables) == 5
        rows = [await db.fetch(f"SELECT * FROM whyfeel_{place[1]}.{name}") for (name,) in tables]
        stored = repr(rows).encode()
        await db.close()
    for token in tokens:
        assert token.encode() not in stored
        assert hashlib.sha256(token.encode()).hexdigest().encode() in stored


async def test_entrants(stores: StoreOpener) -> None:
    store = await stores(small())
    both = await asyncio.gather(*(store.begin("prolific:5a\0") for _ in range(2)), return_exceptions=True)
    assert [type(one) for one in both].count(AlreadyBegun) == 1
    first, second = [await store.begin("invited:ann") for _ in range(2)]
    assert first != second
    assert await store.rater(first) == await store.rater(second)
    assert await store.begin() != await store.begin()
    assert [one.entrant for one in (await store.collected()).raters] == ["prolific:5a\ufffd", "invited:ann", "", ""]


async def test_the_comprehension_check_turns_away(stores: StoreOpener, clock: Clock) -> None:
    design = small()
    store = await stores(replace(design, rules=replace(design.rules, tries=2)))
    await store.begin()
    await store.comprehend(1, right=False, tries=0)
    with pytest.raises(NotNow):  # a second click
        await store.comprehend(1, right=False, tries=0)
    clock.now += 1
    out = await store.comprehend(1, right=False)
    assert (out.status, out.tries, out.ended) == ("screened out", 2, clock.now)
    for refused in (
        store.comprehend(1, right=True),
        store.next(1),
        store.finish(1),
        store.withdraw(1),
        store.describe(1, {}),
    ):
        with pytest.raises(NotNow):
            await refused


async def test_withdrawing_frees_items_and_counts_nothing(stores: StoreOpener, clock: Clock) -> None:
    store = await stores(small(4, ratings=1))
    first, second = await working(store), await working(store)
    await store.next(first)
    await store.answer(first, 1, "left")
    with pytest.raises(NoPlace):
        await store.next(second)
    clock.now += 1
    await store.describe(first, {"age": "18 to 40"})
    gone = await store.withdraw(first)
    assert (await store.collected()).demographics == {}
    assert (gone.status, gone.ended) == ("withdrawn", clock.now)
    clock.now += 1
    assert await store.withdraw(first) == gone
    for refused in (
        store.answer(first, 1, "left"),
        store.answer(first, 2, "left"),
        store.next(first),
        store.finish(first),
        store.describe(first, {}),
    ):
        with pytest.raises(NotNow, match="over for you"):
            await refused
    assert len(await complete(store, second)) == 4
    await store.finish(second)
    found = await store.progress()
    assert (found.votes, found.left_before, found.complete, found.raters["withdrawn"]) == (4, 1, 4, 1)
    assert (await store.withdraw(second)).status == "withdrawn"  # also after the end
    assert (await store.progress()).votes == 0


async def test_a_skip_frees_the_item_for_others_alone(stores: StoreOpener) -> None:
    store = await stores(small(3, ratings=1, repeats=3))
    first = await working(store)
    trial = await store.next(first)
    assert trial is not None
    await store.answer(first, 1, SKIP, "too sad")
    assert await store.answer(first, 1, SKIP) == await store.trial(first, 1)
    done = await complete(store, first)
    assert trial.item not in {one.item for one in done}  # neither again nor as a repeat
    assert len(done) == 4
    second = await working(store)
    done = await complete(store, second, lambda trial: SKIP if trial.role == "repeat" else "right")
    assert [(one.item, one.role) for one in done] == [(trial.item, "item"), (trial.item, "repeat")]
    found = await store.progress()
    assert (found.votes, found.skipped, found.complete) == (3, 1, 3)


async def test_repeats_exchange_sides_and_are_no_votes(stores: StoreOpener) -> None:
    store = await stores(small(6, repeats=2, attention=2))
    done = await complete(store, await working(store))
    firsts = {one.item: one for one in done if one.role == "item"}
    again = [one for one in done if one.role == "repeat"]
    assert len(again) == 2
    assert all(one.swapped != firsts[one.item].swapped and one.place >= firsts[one.item].place + 3 for one in again)
    assert {one.item for one in done if one.role == "attention"} == {"0", "1"}
    assert done[0].role == "item"
    assert (await store.progress()).votes == 6


async def test_somebody_away_keeps_items_until_they_are_needed(stores: StoreOpener, clock: Clock) -> None:
    store = await stores(small(4, ratings=1, each=2))
    first = await working(store)
    await store.next(first)
    clock.now += LEASE + 1
    second = await working(store)
    theirs = {one.item for one in await complete(store, second)}
    late = [await store.answer(first, 1, "left")]  # nobody needed it
    assert theirs.isdisjoint({late[0].item})
    assert (await store.progress()).in_hand == 1
    clock.now += LEASE  # to the second: still there
    with pytest.raises(NoPlace):
        await store.next(await working(store))
    clock.now += 0.5
    third = await working(store)
    assert (await store.next(third)) is not None
    with pytest.raises(PassedOn, match="somebody else"):
        await store.answer(first, 2, "left")
    assert (await store.trial(first, 2) or late[0]).passed_on
    assert await store.outline(first) == Outline(1, 1)
    assert await store.next(first) is None  # there is nothing else for them
    await store.finish(first)
    await complete(store, third)
    assert (await store.progress()).complete == 4


async def test_who_comes_back_gets_others_for_what_was_passed_on(stores: StoreOpener, clock: Clock) -> None:
    store = await stores(small(8, ratings=1, each=4, repeats=1, attention=1))
    first, second, third = [await working(store) for _ in range(3)]
    trial = await store.next(first)
    assert trial is not None
    clock.now += LEASE + 1
    for rater in (second, third):
        await store.next(rater)
    had = {one.item for one in (await store.collected()).trials if one.rater == first and one.role == "item"}
    with pytest.raises(NoPlace):  # all eight went to people who are there
        await store.next(first)
    await store.withdraw(second)  # whose items the first never had
    now = await store.next(first)
    assert now is not None
    own = [one for one in (await store.collected()).trials if one.rater == first]
    fresh = [one for one in own if not one.passed_on]
    assert [one.role for one in own if one.passed_on] == ["item"] * 4
    assert fresh[0].role == "item"
    assert had.isdisjoint({one.item for one in fresh if one.role == "item"})
    assert len({one.place for one in own}) == len(own)
    done = await complete(store, first)
    assert done == [one for one in (await store.collected()).trials if one.rater == first and not one.passed_on]
    roles = Counter(one.role for one in done)
    assert roles["attention"] == 1
    assert roles["repeat"] <= 1
    assert 1 <= roles["item"] <= 4
    assert (await store.finish(first)).status == "finished"


async def test_what_a_rater_gets_later_evens_out_their_sides(tmp_path: Path, clock: Clock) -> None:
    for seed in range(8):
        store = StudyStore(
            await open_database(tmp_path / str(seed), ""), replace(small(6, ratings=1, each=4), seed=seed), clock
        )
        await store.prepare()
        first, second = await working(store), await working(store)
        await store.next(first)
        clock.now += LEASE + 1
        await store.next(second)  # the two that are free, and two of the first's
        await store.withdraw(second)
        await store.next(first)
        own = [one for one in (await store.collected()).trials if one.rater == first and not one.passed_on]
        assert (len(own), sum(one.swapped for one in own)) == (4, 2)
        await store.close()


async def test_no_item_is_taken_too_often_whatever_raters_do(stores: StoreOpener, clock: Clock) -> None:
    """Many events in a fixed disorder; the figures are those of an item's showings, counted anew each time."""
    ratings, draw = 3, rng(0, "disorder")
    store = await stores(small(12, ratings=ratings, each=5, repeats=1))
    raters: list[int] = []
    for _ in range(160):
        if len(raters) < 4 or draw.random() < 0.15:
            raters.append(await working(store))
        rater = int(draw.choice(raters[-6:]))
        clock.now += float(draw.choice([1, LEASE / 2, LEASE + 1], p=[0.7, 0.2, 0.1]))
        try:
            trial = await store.next(rater)
            if trial is None:
                await store.finish(rater)
            elif draw.random() < 0.9:
                await store.answer(rater, trial.place, SKIP if draw.random() < 0.2 else "left")
            if draw.random() < 0.03:
                await store.withdraw(rater)
        except (NoPlace, NotNow):
            continue
    while (await store.progress()).complete < 12:
        clock.now += LEASE + 1
        await complete(store, await working(store))
    sides = await counted(store)
    held = await store.collected()
    assert sum(one.passed_on for one in held.trials) > 0
    assert sum(one.answer == SKIP for one in held.trials) > 0
    for item in {item for item, _ in sides}:
        assert sides[item, False] + sides[item, True] == ratings
        assert abs(sides[item, False] - sides[item, True]) == 1
    for rater in raters:
        items = [one for one in held.trials if one.rater == rater and one.role == "item"]
        assert len({one.item for one in items}) == len(items)
        assert sum(not one.passed_on for one in items) <= 5


async def test_thirty_raters_at_once(stores: StoreOpener) -> None:
    store = await stores(small(200, ratings=3, each=20))
    answers: dict[tuple[int, int], str] = {}

    async def one() -> None:
        rater = await working(store)
        for trial in await complete(store, rater, lambda trial: "left" if trial.place % 2 else "both bad"):
            answers[rater, trial.place] = trial.answer
        await store.finish(rater)

    await asyncio.gather(*(one() for _ in range(30)))
    held = await store.collected()
    assert {(one.rater, one.place): one.answer for one in held.trials} == answers
    assert len(answers) == 600
    sides = await counted(store)
    assert all(abs(sides[item, False] - sides[item, True]) == 1 for item, _ in sides)
    for rater in range(1, 31):
        assert sum(one.swapped for one in held.trials if one.rater == rater) == 10
    raters = dict.fromkeys(STATUSES, 0) | {"finished": 30}
    assert await store.progress() == Progress(raters, 600, 600, 200, 0, 0, 0, None)
    with pytest.raises(NoPlace):
        await store.next(await working(store))


async def test_progress_counts_what_is_in_hand(stores: StoreOpener, clock: Clock) -> None:
    store = await stores(small(6, ratings=2, each=4, repeats=1, attention=1))
    first, second = await working(store), await working(store)
    await store.begin()
    await store.next(first)
    await store.answer(first, 1, SKIP)
    clock.now += LEASE + 1
    await store.next(second)
    await store.answer(second, 1, "left")
    found = await store.progress()
    assert found.raters == {"consented": 1, "working": 2, "finished": 0, "screened out": 0, "withdrawn": 0}
    assert (found.votes, found.wanted, found.complete, found.in_hand, found.skipped) == (1, 12, 0, 3, 1)


async def test_unblinding_is_written_down_once(stores: StoreOpener, clock: Clock) -> None:
    store = await stores(small(2, repeats=1))
    rater = await working(store)
    await complete(store, rater)
    await store.unblind()
    at, expected = clock.now, Unblinding(clock.now, 2)
    clock.now += 9
    await store.withdraw(rater)
    await store.unblind()
    assert (await store.collected()).unblinding == expected
    assert (await store.progress()).unblinded == at


async def test_any_text_is_kept_as_it_can_be(stores: StoreOpener) -> None:
    store = await stores(small(2))
    rater = await working(store)
    hostile = "<script>\0\ud800\u202e'); DROP TABLE trials;-- {} %s $1 ?" + "é" * 10**5
    kept = hostile.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
    await store.next(rater)
    done = await store.answer(rater, 1, "left", hostile)
    assert done == await store.trial(rater, 1)
    assert done.comment == kept
    await store.describe(rater, {hostile: hostile})
    assert (await store.collected()).demographics == {rater: {kept: kept}}


async def test_a_store_belongs_to_one_design(stores: StoreOpener, opened: Opener, clock: Clock) -> None:
    design = small(2)
    first = await stores(design)
    rater = await working(first)
    again = await stores(design)
    assert await again.next(rater) == await first.next(rater)
    with pytest.raises(DataError, match=rf"answers to the design {design.digest}.*frozen"):
        await stores(replace(design, seed=1))
    db = await opened()
    async with db.changing() as tx:
        await tx.run("UPDATE study SET version = 2")
    with pytest.raises(DataError, match=r"newer whyfeel .*version 2"):
        await stores(design)


async def test_stores_may_be_prepared_at_once_and_serve_together(opened: Opener, clock: Clock) -> None:
    design = small(20, ratings=2, each=10)
    stores = [StudyStore(await opened(), design, clock) for _ in range(3)]
    await asyncio.gather(*(store.prepare() for store in stores))

    async def one(store: StudyStore) -> list[Trial]:
        return await complete(store, await working(store))

    done = [trial for trials in await asyncio.gather(*map(one, [*stores, stores[0]])) for trial in trials]
    assert len(done) == 40 == (await stores[1].progress()).votes
    assert set((await counted(stores[2])).values()) == {1}


async def test_another_seed_draws_another_order_and_the_same_the_same(tmp_path: Path, clock: Clock) -> None:
    orders = []
    for n, seed in enumerate((1, 1, 2)):
        store = StudyStore(await open_database(tmp_path / str(n), ""), replace(small(10), seed=seed), clock)
        await store.prepare()
        orders.append([(one.item, one.swapped) for one in await complete(store, await working(store))])
        await store.close()
    assert orders[0] == orders[1]
    assert [item for item, _ in orders[0]] != [item for item, _ in orders[2]]


async def test_a_click_that_comes_twice_over_two_processes_is_one(stores: StoreOpener) -> None:
    one, other = await stores(small(4)), await stores(small(4))
    # both share the store: the same consent is the same person, the same check the same try
    assert await one.begin("", "token of one form") == await other.begin("", "token of one form")
    assert await one.begin("", "token of another form") == "token of another form"
    rater = await other.rater("token of one form")
    assert rater is not None
    assert len((await one.collected()).raters) == 2
    failed = await one.comprehend(rater.id, right=False, tries=0)
    with pytest.raises(NotNow):
        await other.comprehend(rater.id, right=False, tries=0)
    assert failed.tries == 1
    assert await other.rater("token of one form") == failed
