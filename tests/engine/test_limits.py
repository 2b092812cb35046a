"""The pace of one endpoint and the budget of a run, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whyfeel.engine import Budget, Limiter, Price, Request
from whyfeel.errors import AskFailed, EndpointDown
from whyfeel.records import Ask

Virtual = Callable[[Coroutine[Any, Any, Any]], Any]
many = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def now() -> float:
    """Virtual seconds."""
    return asyncio.get_running_loop().time()


async def enter_all(limiter: Limiter, tokens: list[int], seconds: float = 0.0) -> list[float]:
    """Calls that want to start together: when each did, in seconds from now."""
    began, starts = now(), [0.0] * len(tokens)

    async def call(index: int) -> None:
        await limiter.enter(tokens[index])
        starts[index] = round(now() - began, 6)
        await asyncio.sleep(seconds)
        limiter.leave()

    await asyncio.gather(*(call(index) for index in range(len(tokens))))
    return starts


class TestWindow:
    def test_it_bounds_the_calls_under_way(self, virtual: Virtual) -> None:
        assert virtual(enter_all(Limiter("a", 3), [0] * 7, 1.0)) == [0, 0, 0, 1, 1, 1, 2]

    def test_it_halves_once_for_all_calls_of_a_burst(self, virtual: Virtual) -> None:
        async def main() -> list[float]:
            limiter = Limiter("a", 8)
            started, seen = now(), []
            await asyncio.sleep(0.1)
            for _ in range(8):
                limiter.limited(started, None)
                seen.append(limiter.window)
            await asyncio.sleep(1)
            limiter.limited(started, None)  # a slow reply of the same burst
            limiter.limited(now(), None)  # a call that started after the cut
            return [*seen, limiter.window]

        assert virtual(main()) == [4] * 8 + [2]

    def test_it_never_closes(self, virtual: Virtual) -> None:
        async def main() -> float:
            limiter = Limiter("a", 4)
            for _ in range(10):
                await asyncio.sleep(1)
                limiter.limited(now(), None)
            assert await enter_all(limiter, [0, 0], 1.0) == [0, 1]
            return limiter.window

        assert virtual(main()) == 1

    def test_replies_open_it_again_up_to_its_first_width(self, virtual: Virtual) -> None:
        async def main() -> None:
            limiter = Limiter("a", 4)
            limiter.limited(now(), None)
            widths = []
            for _ in range(30):
                limiter.replied()
                widths.append(limiter.window)
            assert widths[:3] == pytest.approx([2.1, 2.2, 2.3])
            assert widths[19:] == pytest.approx([4.0] * 11)
            assert max(widths) <= 4

        virtual(main())

    def test_who_waits_is_let_in_in_order(self, virtual: Virtual) -> None:
        async def main() -> list[int]:
            limiter, order = Limiter("a", 1), list[int]()

            async def call(index: int) -> None:
                await limiter.enter(0)
                order.append(index)
                await asyncio.sleep(1)
                limiter.leave()

            await asyncio.gather(*(call(index) for index in range(5)))
            return order

        assert virtual(main()) == [0, 1, 2, 3, 4]


class TestCancellation:
    @pytest.mark.parametrize("granted", [False, True], ids=["while it waits", "in the moment it is let in"])
    def test_who_gives_up_leaves_the_turn_to_the_next(self, virtual: Virtual, granted: bool) -> None:
        async def main() -> None:
            limiter = Limiter("a", 1)
            await limiter.enter(0)
            second, third = (asyncio.create_task(limiter.enter(0)) for _ in range(2))
            await asyncio.sleep(1)
            if granted:
                limiter.leave()
            second.cancel()
            if not granted:
                limiter.leave()
            await third
            limiter.leave()
            await limiter.enter(0)  # nothing was lost: the place is free again
            assert second.cancelled()

        virtual(main())

    @many
    @given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=25), st.integers(1, 3))
    def test_no_place_is_ever_lost(self, virtual: Virtual, calls: list[tuple[int, bool]], most: int) -> None:
        """Whatever is cancelled and whenever, as many calls as at first fit in afterwards, and never more."""

        async def main() -> None:
            limiter, under_way = Limiter("a", most), 0

            async def call(seconds: int) -> None:
                nonlocal under_way
                await limiter.enter(0)
                under_way += 1
                assert under_way <= most
                try:
                    await asyncio.sleep(seconds)
                finally:
                    under_way -= 1
                    limiter.leave()

            tasks = []
            for seconds, cancelled in calls:
                tasks.append(asyncio.create_task(call(seconds)))
                await asyncio.sleep(seconds % 2)
                if cancelled:
                    tasks[len(tasks) // 2].cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                assert ended is None or isinstance(ended, asyncio.CancelledError)
            assert await enter_all(limiter, [0] * (most + 1), 1.0) == [0] * most + [1]

        virtual(main())


class TestPauses:
    def test_retry_after_holds_back_everybody(self, virtual: Virtual) -> None:
        async def main() -> list[float]:
            limiter = Limiter("a", 8)
            limiter.limited(now(), 7.0)
            return await enter_all(limiter, [0] * 3)

        assert virtual(main()) == [7, 7, 7]

    def test_a_pause_that_is_prolonged_meanwhile_holds(self, virtual: Virtual) -> None:
        async def main() -> list[float]:
            limiter = Limiter("a", 8)
            limiter.limited(now(), 5.0)
            waiting = asyncio.create_task(enter_all(limiter, [0, 0]))
            await asyncio.sleep(3)
            limiter.limited(now(), 10.0)
            limiter.limited(now(), 1.0)  # a shorter pause does not cut the longer one short
            return await waiting

        assert virtual(main()) == [13, 13]

    def test_without_retry_after_nobody_is_held_back(self, virtual: Virtual) -> None:
        async def main() -> list[float]:
            limiter = Limiter("a", 8)
            limiter.limited(now(), None)
            return await enter_all(limiter, [0] * 3)

        assert virtual(main()) == [0, 0, 0]

    def test_tokens_given_back_do_not_cut_retry_after_short(self, virtual: Virtual) -> None:
        async def main() -> list[float]:
            limiter = Limiter("a", 8, tpm=6000)
            for _ in range(2):
                await limiter.enter(500)
            limiter.limited(now(), 60.0)
            limiter.leave()
            limiter.replied(-400)
            limiter.leave()
            return await enter_all(limiter, [0])

        assert virtual(main())[0] >= 60


class TestRates:
    def test_requests_a_minute_are_spaced_evenly(self, virtual: Virtual) -> None:
        assert virtual(enter_all(Limiter("a", 50, rpm=30), [0] * 5)) == [0, 2, 4, 6, 8]

    def test_tokens_a_minute_are_spaced_by_their_number(self, virtual: Virtual) -> None:
        assert virtual(enter_all(Limiter("a", 50, tpm=6000), [100, 250, 0, 50, 1])) == [0, 1, 3.5, 3.5, 4]

    def test_both_add_up(self, virtual: Virtual) -> None:
        assert virtual(enter_all(Limiter("a", 50, rpm=60, tpm=6000), [100, 100, 100])) == [0, 2, 4]

    def test_time_that_was_not_used_is_not_saved_up(self, virtual: Virtual) -> None:
        async def main() -> list[float]:
            limiter = Limiter("a", 50, rpm=60)
            await asyncio.sleep(600)
            return await enter_all(limiter, [0] * 3)

        assert virtual(main()) == [0, 1, 2]

    def test_tokens_that_the_estimate_missed_are_booked_later(self, virtual: Virtual) -> None:
        async def main() -> list[float]:
            limiter = Limiter("a", 50, tpm=6000)
            await limiter.enter(100)
            limiter.replied(200)
            limiter.leave()
            return await enter_all(limiter, [0])

        assert virtual(main()) == [3]

    def test_tokens_that_were_not_used_are_given_back(self, virtual: Virtual) -> None:
        """The estimate holds the most that can come out, often five times what does: who waits must profit too."""

        async def main() -> list[float]:
            limiter = Limiter("a", 50, tpm=6000)
            await limiter.enter(1000)  # 10 s
            waiting = asyncio.create_task(enter_all(limiter, [0]))
            await asyncio.sleep(1)
            limiter.replied(-800)  # 2 s
            limiter.leave()
            return await waiting

        assert virtual(main()) == [2]

    @many
    @given(st.lists(st.integers(0, 500), min_size=1, max_size=12), st.integers(1, 4), st.floats(0, 5))
    def test_no_minute_ever_holds_more_than_it_may(
        self, virtual: Virtual, tokens: list[int], most: int, seconds: float
    ) -> None:
        limiter = Limiter("a", most, rpm=60, tpm=6000)
        starts = sorted(zip(virtual(enter_all(limiter, tokens, seconds)), tokens, strict=True))
        for (earlier, spent), (later, _) in pairwise(starts):
            assert later - earlier >= 1 + spent / 100 - 1e-5


class TestRefusedConnections:
    def test_the_run_stops_when_nothing_else_happened_for_too_long(self, virtual: Virtual) -> None:
        async def main() -> None:
            limiter = Limiter("http://h/v1", 4, patience=30)
            for _ in range(6):
                limiter.refused("no route")
                await asyncio.sleep(5)
            with pytest.raises(EndpointDown, match=r"\Ahttp://h/v1 .* 30 s \(7 tries; no route\)[^\n]+\Z"):
                limiter.refused("no route")

        virtual(main())

    @pytest.mark.parametrize("sign", ["a reply", "a 429"])
    def test_any_sign_of_life_starts_the_clock_anew(self, virtual: Virtual, sign: str) -> None:
        async def main() -> None:
            limiter = Limiter("a", 4, patience=30)
            limiter.refused("x")
            await asyncio.sleep(29)
            limiter.replied() if sign == "a reply" else limiter.limited(now(), None)
            limiter.refused("x")
            await asyncio.sleep(29)
            limiter.refused("x")
            await asyncio.sleep(1)
            with pytest.raises(EndpointDown, match="3 tries"):
                limiter.refused("x")

        virtual(main())


@dataclass(frozen=True)
class Call:
    """A call as the budget sees it: dollars it may cost, dollars it does cost, and how long it takes."""

    most: float
    cost: float | None
    seconds: float


def priced(dollars: float) -> tuple[Request, Price]:
    """A request that may cost so many dollars."""
    return Request("", Ask("answer", ()), tokens=(0, 1)), Price(0.0, dollars * 1e6)


async def spend(budget: Budget, calls: list[Call]) -> tuple[list[str], float]:
    """Make the calls side by side: what became of each, and the most that was ever spent or set aside."""
    spent = set_aside = most = 0.0

    async def make(call: Call) -> str:
        nonlocal spent, set_aside, most
        try:
            reserved = await budget.reserve(*priced(call.most))
        except AskFailed as failed:
            return failed.reason
        set_aside += call.most
        most = max(most, spent + set_aside)
        await asyncio.sleep(call.seconds)
        set_aside -= call.most
        spent += call.most if call.cost is None else call.cost
        budget.settle(reserved, call.cost)
        return "made"

    return list(await asyncio.gather(*(make(call) for call in calls))), most


class TestBudget:
    def test_without_limits_everything_passes(self, virtual: Virtual) -> None:
        assert virtual(spend(Budget(), [Call(1e9, 1e9, 0)] * 50))[0] == ["made"] * 50

    def test_no_more_calls_than_allowed(self, virtual: Virtual) -> None:
        made, _ = virtual(spend(Budget(3), [Call(0, 0, 1)] * 5))
        assert made == ["made"] * 3 + ["budget"] * 2

    def test_calls_of_earlier_sittings_count(self, virtual: Virtual) -> None:
        assert virtual(spend(Budget(3, calls=2), [Call(0, 0, 0)] * 2))[0] == ["made", "budget"]
        assert virtual(spend(Budget(3, calls=7), [Call(0, 0, 0)]))[0] == ["budget"]
        assert virtual(spend(Budget(0), [Call(0, 0, 0)]))[0] == ["budget"]

    def test_cost_of_earlier_sittings_counts(self, virtual: Virtual) -> None:
        assert virtual(spend(Budget(max_cost=10, cost=6), [Call(5, 5, 0)]))[0] == ["budget"]
        assert virtual(spend(Budget(max_cost=10, cost=5), [Call(5, 5, 0)]))[0] == ["made"]

    def test_who_does_not_fit_yet_waits_for_what_is_under_way(self, virtual: Virtual) -> None:
        calls = [Call(6, 1, 2), Call(6, 1, 2), Call(9, 9, 1)]
        assert virtual(spend(Budget(max_cost=10), calls))[0] == ["made", "made", "budget"]

    def test_a_call_that_nobody_can_price_afterwards_costs_what_was_set_aside(self, virtual: Virtual) -> None:
        calls = [Call(6, None, 1), Call(6, 1, 0)]
        assert virtual(spend(Budget(max_cost=10), calls))[0] == ["made", "budget"]

    def test_the_message_names_the_option_and_its_value(self, virtual: Virtual) -> None:
        for budget, says in ((Budget(0), "--max-calls 0"), (Budget(max_cost=0.5), "--max-cost 0.5")):
            with pytest.raises(AskFailed, match=says):
                virtual(budget.reserve(*priced(1)))

    def test_an_unknown_price_reserves_nothing(self, virtual: Virtual) -> None:
        request, _ = priced(1)
        assert virtual(Budget(max_cost=0).reserve(request, None)) == 0

    @many
    @given(
        st.lists(
            st.integers(0, 8).flatmap(
                lambda most: st.builds(
                    Call, st.just(most / 4), st.none() | st.integers(0, most).map(lambda c: c / 4), st.integers(0, 3)
                )
            ),
            max_size=15,
        ),
        st.integers(0, 20).map(lambda dollars: dollars / 4),
        st.none() | st.integers(0, 15),
    )
    def test_neither_limit_is_ever_exceeded_and_nobody_waits_for_ever(
        self, virtual: Virtual, calls: list[Call], max_cost: float, max_calls: int | None
    ) -> None:
        made, most = virtual(spend(Budget(max_calls, max_cost), calls))
        assert most <= max_cost
        assert set(made) <= {"made", "budget"}
        if max_calls is not None:
            assert made.count("made") <= max_calls
        if max_calls is None and sum(call.most for call in calls) <= max_cost:
            assert set(made) <= {"made"}
