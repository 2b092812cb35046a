"""Who gets what, on which side, in which order: against brute force, and by what must always hold."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from whyfeel.study.assignment import GAP, Given, Quota, Showing, Standing, choose, schedule


def draw_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def lean_of(sides: tuple[int, ...]) -> int:
    return sides.count(0) - sides.count(1)


@st.composite
def standings(draw: st.DrawFn, ratings: int) -> Standing:
    """Any that the rules let come about: neither side has more than half of the ratings."""
    half = (ratings + 1) // 2
    on = draw(st.tuples(st.integers(0, half), st.integers(0, half)).filter(lambda on: sum(on) <= ratings))
    lapsed = draw(st.tuples(st.integers(0, on[0]), st.integers(0, on[1])))
    return Standing((on[0] - lapsed[0], on[1] - lapsed[1]), lapsed)


@settings(deadline=None)
@given(st.data(), st.integers(1, 5), st.integers(0, 6), st.integers(0, 5), st.integers(-3, 3), st.integers(0, 9))
def test_no_choice_of_the_fewest_taken_keeps_a_rater_s_sides_closer(
    data: st.DataObject, ratings: int, items: int, wanted: int, lean: int, seed: int
) -> None:
    quota = Quota(ratings, sided=True)
    known = {f"i{n}": data.draw(standings(ratings)) for n in range(items)}
    had = data.draw(st.sets(st.sampled_from(sorted(known)))) if known else set()
    chosen = choose(known, wanted, quota, draw_of(seed), had=had, lean=lean)

    free = [item for item, one in known.items() if item not in had and sum(one.held) < ratings]
    names = [one.item for one in chosen]
    assert len(set(names)) == len(names) == min(wanted, len(free))
    assert set(names) <= set(free)
    levels = {item: quota.level(known[item]) for item in free}
    assert sorted(levels[item] for item in names) == sorted(levels.values())[: len(names)]

    fewest = sorted(levels[item] for item in names)
    sides = {item: quota.sides(known[item]) for item in free}
    assert all(one.side in sides[one.item] for one in chosen)
    possible = [
        abs(lean + lean_of(which))
        for some in combinations(free, len(names))
        if sorted(levels[item] for item in some) == fewest
        for which in product(*(sides[item] for item in some))
    ]
    assert abs(lean + lean_of(tuple(one.side for one in chosen))) == min(possible)


@settings(deadline=None)
@given(st.data(), st.integers(1, 6), st.booleans())
def test_one_item_s_sides_come_together_whatever_raters_do(data: st.DataObject, ratings: int, sided: bool) -> None:
    """Raters take, answer, skip, go away, come back and withdraw; the item is assigned whenever somebody wants it."""
    quota = Quota(ratings, sided)
    showings: list[list[str | int]] = []  # state and side of what counts

    def standing() -> Standing:
        counts = {state: [0, 0] for state in ("held", "answered", "lapsed")}
        for state, side in showings:
            counts[str(state)][int(side)] += 1
        held = (counts["held"][0] + counts["answered"][0], counts["held"][1] + counts["answered"][1])
        return Standing(held, (counts["lapsed"][0], counts["lapsed"][1]))

    events = data.draw(st.lists(st.sampled_from(["take", "take", "take", "answer", "go", "back", "lose"]), max_size=40))
    disturbed = False
    for event in events:
        before = standing()
        if event == "take":
            taken = choose({"i": before}, 1, quota, draw_of(len(showings)))
            if not taken:
                assert sum(before.held) == ratings
                continue
            if taken[0].instead is not None:
                showings.remove(["lapsed", taken[0].instead])  # fails where there is none
            showings.append(["held", taken[0].side])
            after = standing()
            if sided:
                apart, now = (abs(one.held[0] - one.held[1]) for one in (before, after))
                assert now <= max(1, apart - 1)
                assert disturbed or now <= 1
        else:
            wanted = {"answer": "held", "go": "held", "back": "lapsed"}.get(event)
            some = [one for one in showings if wanted in {one[0], None}]
            if some:
                one = data.draw(st.sampled_from(some))
                showings.remove(one)
                if event != "lose":  # a skip or a withdrawal
                    showings.append([{"answer": "answered", "go": "lapsed", "back": "held"}[event], one[1]])
                disturbed |= event != "answer"
        left, right = standing().on(0), standing().on(1)
        assert left + right <= ratings
        if sided:
            assert max(left, right) <= (ratings + 1) // 2
            assert left + right < ratings or abs(left - right) <= 1


def test_lapsed_showings_are_taken_only_when_there_is_no_room() -> None:
    quota = Quota(2, sided=True)
    known = {"lapsed": Standing((1, 0), (0, 1)), "room": Standing((1, 0)), "full": Standing((1, 1)), "new": Standing()}
    chosen = choose(known, 9, quota, draw_of(0))
    assert {one.item: one.instead for one in chosen} == {"lapsed": 1, "room": None, "new": None}
    assert [one.item for one in choose(known, 1, quota, draw_of(0))] == ["new"]
    assert {one.item for one in choose(known, 2, quota, draw_of(0))} == {"new", "room"}
    # on either side the lapsed one would be too much; on the other there is room
    for seed in range(9):
        assert choose({"i": Standing((0, 0), (1, 0))}, 1, quota, draw_of(seed)) == (Given("i", 1),)


@pytest.mark.parametrize("ratings", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("sided", [True, False])
def test_an_item_keeps_within_its_ratings_on_either_side(ratings: int, sided: bool) -> None:
    quota, cap = Quota(ratings, sided), (ratings + 1) // 2 if sided else ratings
    for a, b, c, d in product(range(cap + 1), repeat=4):
        on = [a + c, b + d]
        if max(on) > cap or sum(on) > ratings or not (sided or b == d == 0):
            continue
        standing = Standing((a, b), (c, d))
        assert bool(quota.sides(standing)) == (a + b < ratings)
        for side in quota.sides(standing):
            after, instead = on.copy(), quota.instead(standing, side)
            after[side] += 1
            assert (instead is None) == (max(after) <= cap and sum(after) <= ratings)
            if instead is not None:
                assert standing.lapsed[instead] > 0
                after[instead] -= 1
            assert max(after) <= cap
            assert sum(after) <= ratings
            assert not sided or abs((a, b)[side] + 1 - (a, b)[1 - side]) <= max(1, abs(a - b) - 1)


def test_equals_are_drawn_and_a_seed_draws_the_same() -> None:
    known = {f"i{n}": Standing() for n in range(20)}
    drawn = [choose(known, 5, Quota(1, sided=True), draw_of(seed)) for seed in range(200)]
    assert drawn[7] == choose(known, 5, Quota(1, sided=True), draw_of(7))
    counts = {item: sum(item == one.item for chosen in drawn for one in chosen) for item in known}
    assert all(25 <= count <= 80 for count in counts.values())  # 50 of 200 each; five standard deviations are 31
    swapped = sum(one.side for chosen in drawn for one in chosen)
    assert 430 <= swapped <= 570  # 500 of 1000, and what is left over is drawn


def test_thirty_raters_fill_many_items_evenly() -> None:
    quota = Quota(3, sided=True)
    counts = {f"i{n}": [0, 0] for n in range(200)}
    for seed in range(30):
        known = {item: Standing((left, right)) for item, (left, right) in counts.items()}
        chosen = choose(known, 20, quota, draw_of(seed))
        assert abs(lean_of(tuple(one.side for one in chosen))) <= 1
        for one in chosen:
            counts[one.item][one.side] += 1
        assert max(map(sum, counts.values())) - min(map(sum, counts.values())) <= 1
        assert all(abs(left - right) <= 1 for left, right in counts.values())
    assert all(sum(both) == 3 for both in counts.values())


@given(st.integers(0, 30), st.integers(0, 32), st.integers(0, 6), st.integers(0, 99))
@example(3, 3, 0, 0)
@example(3, 1, 2, 1)
def test_an_order_has_everything_once_and_at_a_distance(items: int, repeats: int, checks: int, seed: int) -> None:
    given_ = [Given(f"i{n}", n % 2) for n in range(items)]
    order = schedule(given_, repeats, [str(n) for n in range(checks)], draw_of(seed), sided=True)
    firsts = {one.item: one for one in order if one.role == "item"}
    assert sum(one.role == "item" for one in order) == items == len(firsts)
    assert all(firsts[one.item].swapped == bool(one.side) for one in given_)
    again = [one for one in order if one.role == "repeat"]
    assert len({one.item for one in again}) == len(again) == min(repeats, items)
    for one in again:
        assert one.swapped != firsts[one.item].swapped
        apart = order.index(one) - order.index(firsts[one.item])
        assert apart >= (GAP if items >= GAP else 1)
    places = [place for place, one in enumerate(order) if one.role == "attention"]
    if not items:
        assert order == ()
        return
    assert [order[place] for place in places] == [Showing("attention", str(n)) for n in range(checks)]
    assert all(place > 0 for place in places)
    for n, place in enumerate(places):  # one in each stretch of what is judged
        judged = sum(one.role != "attention" for one in order[:place])
        assert (len(order) - checks) * n / checks <= judged <= (len(order) - checks) * (n + 1) / checks + 1


def test_orders_and_repeats_differ_between_raters() -> None:
    given_ = [Given(f"i{n}", 0) for n in range(12)]
    orders = [schedule(given_, 2, ["0"], draw_of(seed), sided=True) for seed in range(60)]
    assert len(set(orders)) == 60
    assert {one.item for order in orders for one in order if one.role == "repeat"} >= {f"i{n}" for n in range(12)}
    assert len({order[0].item for order in orders}) == 12


def test_a_rater_who_has_enough_is_given_nothing() -> None:
    assert choose({"i": Standing(), "j": Standing()}, 0, Quota(1, sided=True), draw_of(0)) == ()
