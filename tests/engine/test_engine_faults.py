"""The engine when things go wrong: nothing is lost, nobody waits for ever, and no call is made in vain."""

from __future__ import annotations

import asyncio
import gc
import inspect
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest

from whyfeel.engine import Budget, Ledger, Pace, Price, Reply, Request, Retries, Route
from whyfeel.engine.stream import GRACE
from whyfeel.errors import AskFailed, CallFailed, DataError, EndpointDown, Interrupted, KeyRefused, StoreFailed
from whyfeel.models import Scripted
from whyfeel.records import Asking, Text

Virtual = Callable[[Coroutine[Any, Any, Any]], Any]
Within = Callable[[Awaitable[Any]], Awaitable[Any]]
Script = Callable[[Request], str]


def said(request: Request) -> str:
    """The last text of the ask."""
    last = request.ask.messages[-1].parts[-1]
    assert isinstance(last, Text)
    return last.text


def now() -> float:
    return asyncio.get_running_loop().time()


def failing(*failures: Exception) -> Script:
    """Fail one call after the other, then answer "so"."""
    left = list(failures)

    def script(_: Request) -> str:
        if left:
            raise left.pop(0)
        return "so"

    return script


LIMITED = CallFailed("rate limited", "slow down")
REFUSED = CallFailed("connection", "refused", connected=False)
BROKEN = CallFailed("server error", "status 500")
HOPELESS = CallFailed("rejected", "status 400", again=False)


class TestAskFailed:
    def test_a_generator_that_does_not_catch_it_ends_with_it(self, virtual: Virtual, tools: Any) -> None:
        ended = []

        def strategy() -> Asking[None]:
            try:
                yield tools.question("a")
            finally:
                ended.append("closed")

        engine = tools.engine(Scripted(failing(HOPELESS)))
        with pytest.raises(AskFailed, match=r"\Arejected: status 400\Z") as failed:
            virtual(engine.converse(strategy(), "answer"))
        assert (failed.value.reason, failed.value.detail) == ("rejected", "status 400")
        assert ended == ["closed"]
        assert engine.counts.failures == {"rejected": 1}

    def test_a_generator_that_catches_it_goes_on(self, virtual: Virtual, tools: Any) -> None:
        def strategy() -> Asking[list[str]]:
            try:
                yield tools.question("a")
            except AskFailed as failed:
                answer = yield tools.question("b")
                return [failed.reason, answer.text]
            return []

        assert virtual(tools.engine(Scripted(failing(HOPELESS))).converse(strategy(), "answer")) == ["rejected", "so"]

    def test_a_generator_may_end_on_it(self, virtual: Virtual, tools: Any) -> None:
        def strategy() -> Asking[str]:
            try:
                yield tools.question("a")
            except AskFailed:
                return "never mind"
            return ""

        engine = tools.engine(Scripted(failing(HOPELESS)))
        assert virtual(engine.converse(strategy(), "answer")) == "never mind"

    def test_a_generator_that_breaks_is_closed_and_its_error_told(self, virtual: Virtual, tools: Any) -> None:
        def strategy() -> Asking[None]:
            answer = yield tools.question("a")
            raise ZeroDivisionError(answer.text)

        with pytest.raises(ZeroDivisionError, match="so"):
            virtual(tools.engine(Scripted(failing())).converse(strategy(), "answer"))

    def test_a_generator_whose_task_is_cancelled_is_closed(self, virtual: Virtual, tools: Any) -> None:
        asking = tools.asking("a", "b")

        async def main() -> None:
            task = asyncio.create_task(tools.engine(tools.Slow(failing(), 9.0)).converse(asking, "answer"))
            await asyncio.sleep(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        virtual(main())
        assert inspect.getgeneratorstate(asking) == inspect.GEN_CLOSED


class TestTryingAgain:
    def test_a_call_that_fails_is_made_again(self, virtual: Virtual, tools: Any) -> None:
        memory, model = tools.Memory(), Scripted(failing(BROKEN, BROKEN))
        engine = tools.engine(model, memory)
        assert virtual(engine.converse(tools.asking("a"), "answer")) == ["so"]
        assert [entry.answer.attempts for entry in memory.entries.values()] == [3]
        assert (engine.counts.retries, engine.counts.calls, engine.counts.failures) == (2, 1, {})

    def test_tries_are_used_up(self, virtual: Virtual, tools: Any) -> None:
        model = Scripted(failing(*[BROKEN] * 9))
        engine = tools.engine(model, retries=Retries(tries=3))
        with pytest.raises(AskFailed, match=r"status 500 \(after 3 tries\)") as failed:
            virtual(engine.converse(tools.asking("a"), "answer"))
        assert failed.value.reason == "server error"
        assert len(model.requests) == 3

    def test_what_is_hopeless_is_not_tried_again(self, virtual: Virtual, tools: Any) -> None:
        model = Scripted(failing(HOPELESS))
        with pytest.raises(AskFailed):
            virtual(tools.engine(model).converse(tools.asking("a"), "answer"))
        assert len(model.requests) == 1

    @pytest.mark.parametrize("patient", [LIMITED, REFUSED], ids=["rate limits", "refused connections"])
    def test_waiting_for_the_endpoint_uses_up_no_tries(self, virtual: Virtual, tools: Any, patient: CallFailed) -> None:
        """A server that starts refuses connections, then says 503 while it loads: that 503 is its first fault."""
        model = Scripted(failing(*[patient] * 6, BROKEN))
        engine = tools.engine(model, retries=Retries(tries=2))
        assert virtual(engine.converse(tools.asking("a"), "answer")) == ["so"]

    def test_the_rate_limits_patience_ends(self, virtual: Virtual, tools: Any) -> None:
        async def main() -> float:
            began = now()
            engine = tools.engine(Scripted(failing(*[LIMITED] * 10_000)), retries=Retries(patience=100))
            with pytest.raises(AskFailed, match="rate limited"):
                await engine.converse(tools.asking("a"), "answer")
            return now() - began

        assert 60 <= virtual(main()) <= 100

    def test_retry_after_holds_back_everybody_at_that_endpoint(self, virtual: Virtual, tools: Any) -> None:
        starts = dict[str, list[float]](busy=[], other=[])

        def script(request: Request) -> str:
            starts["busy"].append(now())
            if len(starts["busy"]) == 1:
                raise CallFailed("rate limited", "slow down", retry_after=20)
            return "so"

        def other(_: Request) -> str:
            starts["other"].append(now())
            return "so"

        one, two = Scripted(script, address="one"), Scripted(other, name="two", address="two")
        engine = tools.engine(one, routes={"answer": Route(one), "judge": Route(two)}, concurrency=1)
        virtual(tools.stream(engine, [*"abc", tools.question("d", role="judge")]))
        first, *rest = starts["busy"]
        assert len(rest) == 3
        assert all(start >= first + 20 for start in rest)
        assert len(starts["other"]) == 1
        assert starts["other"][0] < first + 20

    def test_a_try_counts_against_the_budget(self, virtual: Virtual, tools: Any) -> None:
        model = Scripted(failing(*[BROKEN] * 9))
        with pytest.raises(AskFailed) as failed:
            virtual(tools.engine(model, budget=Budget(2)).converse(tools.asking("a"), "answer"))
        assert failed.value.reason == "budget"
        assert len(model.requests) == 2


class TestIdenticalAsksThatFail:
    @pytest.mark.parametrize(
        "budget", [None, Budget(0), Budget(max_cost=0.0)], ids=["rejected", "no calls left", "no money left"]
    )
    def test_all_who_wait_are_told(self, virtual: Virtual, tools: Any, budget: Budget | None) -> None:
        model = tools.Slow(failing(HOPELESS), 1.0, price=Price(1.0, 1.0))
        ended = virtual(tools.stream(tools.engine(model, budget=budget), ["same"] * 5))
        reason = "budget" if budget else "rejected"
        assert [error.reason for error in ended.values()] == [reason] * 5
        assert len(model.requests) == (0 if budget else 1)

    def test_none_is_lost_where_the_first_meets_a_fault(self, virtual: Virtual, tools: Any) -> None:
        """A fault of ours must cost its sample a reason, and never make another one vanish."""
        model = tools.Slow(failing(*[ZeroDivisionError("fault")] * 9), 1.0)
        ended = virtual(tools.stream(tools.engine(model), ["same"] * 5))
        assert sorted(ended) == list(range(5))
        assert all(isinstance(error, ZeroDivisionError) for error in ended.values())

    def test_none_is_lost_where_the_first_gives_up(self, virtual: Virtual, tools: Any) -> None:
        engine = tools.engine(tools.Slow(failing(), 1.0))

        async def main() -> list[Any]:
            first, *others = (asyncio.create_task(engine.converse(tools.asking("same"), "x")) for _ in range(4))
            await asyncio.sleep(0.5)
            first.cancel()
            return await asyncio.gather(*others, return_exceptions=True)

        assert virtual(main()) == [["so"]] * 3

    def test_who_gives_up_waiting_leaves_the_others_alone(self, virtual: Virtual, tools: Any) -> None:
        engine = tools.engine(tools.Slow(failing(), 1.0))

        async def main() -> list[Any]:
            first, second, third = (asyncio.create_task(engine.converse(tools.asking("same"), "x")) for _ in range(3))
            await asyncio.sleep(0.5)
            second.cancel()
            return list(await asyncio.gather(first, second, third, return_exceptions=True))

        first, second, third = virtual(main())
        assert first == third == ["so"]
        assert isinstance(second, asyncio.CancelledError)

    @pytest.mark.parametrize("order", [1, -1], ids=["first asker first", "first asker last"])
    def test_where_all_give_up_none_asks_in_the_others_stead(self, virtual: Virtual, tools: Any, order: int) -> None:
        engine = tools.engine(tools.Slow(failing(), 1000.0))

        async def main() -> float:
            began = now()
            tasks = [asyncio.create_task(engine.converse(tools.asking("same"), "x")) for _ in range(4)]
            await asyncio.sleep(1)
            for task in tasks[::order]:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(ended, asyncio.CancelledError)
            return now() - began

        assert virtual(main()) == pytest.approx(1, abs=0.01)

    def test_without_a_stream_all_are_told_that_the_key_is_refused(self, virtual: Virtual, tools: Any) -> None:
        engine = tools.engine(tools.Slow(failing(*[KeyRefused("no")] * 9), 1.0))

        async def main() -> list[Any]:
            return await asyncio.gather(
                *(engine.converse(tools.asking("same"), "x") for _ in range(3)), return_exceptions=True
            )

        assert [type(one) for one in virtual(main())] == [KeyRefused] * 3

    def test_a_failed_ask_may_be_asked_again(self, virtual: Virtual, tools: Any) -> None:
        engine = tools.engine(Scripted(failing(HOPELESS)))
        with pytest.raises(AskFailed):
            virtual(engine.converse(tools.asking("a"), "answer"))
        assert virtual(engine.converse(tools.asking("a"), "answer")) == ["so"]


class TestFaultsAmongSiblings:
    def test_a_fault_in_a_list_leaves_no_ask_behind(self, virtual: Virtual, tools: Any) -> None:
        """An ask that outlives its sample would write to a ledger that is closed."""

        def script(request: Request) -> str:
            if said(request) == "bad":
                raise ZeroDivisionError("fault")
            return "so"

        def strategy() -> Asking[None]:
            yield [tools.question("bad"), tools.question("good")]

        class Uneven(tools.Slow):  # type: ignore[misc]
            async def answer(self, request: Request) -> Reply:
                await asyncio.sleep(0 if said(request) == "bad" else 5)
                reply: Reply = await super().answer(request)
                return reply

        async def main() -> int:
            with pytest.raises(ZeroDivisionError):
                await tools.engine(Uneven(script)).converse(strategy(), "answer")
            return len(asyncio.all_tasks())

        assert virtual(main()) == 1

    def test_a_fault_in_the_work_ends_the_stream_with_it(self, virtual: Virtual, tools: Any) -> None:
        async def work(item: int) -> None:
            await asyncio.sleep(item)
            if item == 2:
                raise ZeroDivisionError("fault")

        with pytest.raises(ZeroDivisionError, match="fault"):
            virtual(tools.engine(Scripted(failing())).stream(range(5), work))

    def test_a_fault_in_the_items_ends_the_stream_with_it(self, virtual: Virtual, tools: Any) -> None:
        def items() -> Iterator[str]:
            yield "a"
            raise DataError("line 2")

        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            with pytest.raises(DataError, match="line 2"):
                virtual(tools.stream(tools.engine(Scripted(failing())), items()))
            gc.collect()
        assert warned == []  # such as "coroutine was never awaited", which would reach the user's terminal

    def test_a_stream_that_is_cancelled_cancels_its_calls(self, virtual: Virtual, tools: Any) -> None:
        model = tools.Slow(failing(), 100.0)
        engine = tools.engine(model)

        async def main() -> None:
            streaming = asyncio.create_task(tools.stream(engine, "abc"))
            await asyncio.sleep(1)
            assert model.under_way == 3
            streaming.cancel()
            with pytest.raises(asyncio.CancelledError):
                await streaming

        virtual(main())
        assert (model.under_way, engine.counts.in_flight) == (0, 0)


def refusing(word: str, error: Exception) -> Script:
    """Fail for good on one text."""

    def script(request: Request) -> str:
        if said(request) == word:
            raise error
        return "so"

    return script


class Staggered(Scripted):
    """The text of an ask says after how many seconds it is answered."""

    async def answer(self, request: Request) -> Reply:
        await asyncio.sleep(float(said(request)))
        return await super().answer(request)


class TestFatalErrors:
    @pytest.mark.parametrize("error", [KeyRefused("no"), StoreFailed("full"), EndpointDown("gone")], ids=repr)
    def test_they_end_the_stream_when_the_calls_under_way_are_home(
        self, virtual: Virtual, tools: Any, error: Exception
    ) -> None:
        memory, model = tools.Memory(), Staggered(refusing("1", error))
        engine = tools.engine(model, memory, concurrency=3)

        async def main() -> float:
            began = now()
            with pytest.raises(type(error), match=str(error)):
                await tools.stream(engine, ["1", "2", "2.5", *map(str, range(3, 50))])
            return now() - began

        assert virtual(main()) == pytest.approx(2.5, abs=0.1)
        assert len(memory.entries) == 2
        assert len(model.requests) == 3  # no call was started after the error
        assert engine.counts.in_flight == 0

    def test_a_second_one_does_not_cut_the_others_short(self, virtual: Virtual, tools: Any) -> None:
        """Two calls meet a refused key almost together, nearly always: the paid ones must still come home."""

        def script(request: Request) -> str:
            if said(request) in {"1", "1.1", "1.2"}:
                raise KeyRefused(said(request))
            return "so"

        memory, model = tools.Memory(), Staggered(script)
        with pytest.raises(KeyRefused, match=r"\A1\Z"):
            virtual(tools.stream(tools.engine(model, memory), ["1", "1.1", "1.2", "2", "2.5"]))
        assert len(memory.entries) == 2

    def test_a_call_that_never_ends_is_not_waited_for(self, virtual: Virtual, tools: Any) -> None:
        async def main() -> float:
            began = now()
            with pytest.raises(KeyRefused):
                await tools.stream(tools.engine(Staggered(refusing("1", KeyRefused("no")))), ["1", "1000"])
            return now() - began

        assert virtual(main()) == pytest.approx(1 + GRACE, abs=0.1)

    def test_an_endpoint_that_refuses_everything_stops_the_run_within_a_minute(
        self, virtual: Virtual, tools: Any
    ) -> None:
        async def main() -> float:
            began = now()
            with pytest.raises(EndpointDown, match=r"\Ahttp://h/v1 could not be reached"):
                await tools.stream(
                    tools.engine(Scripted(failing(*[REFUSED] * 10_000), address="http://h/v1")), map(str, range(100))
                )
            return now() - began

        assert 30 <= virtual(main()) <= 60

    def test_how_long_an_endpoint_may_be_away_is_the_users_choice(self, virtual: Virtual, tools: Any) -> None:
        engine = tools.engine(Scripted(failing(*[REFUSED] * 20)), pace=Pace(patience=1e6))
        assert virtual(tools.stream(engine, ["a"])) == {0: "so"}

    def test_a_ledger_that_fails_stops_the_run(self, virtual: Virtual, tools: Any) -> None:
        memory = tools.Memory(0.1, StoreFailed("full"))
        model = tools.Slow(failing(), 0.1)
        engine = tools.engine(model, memory, concurrency=4)
        with pytest.raises(StoreFailed, match="full"):
            virtual(tools.stream(engine, map(str, range(100))))
        assert len(model.requests) <= 4


class TestStop:
    def test_it_starts_no_more_calls_and_brings_home_those_under_way(self, virtual: Virtual, tools: Any) -> None:
        memory, model, drawn = tools.Memory(0.3), tools.Slow(failing(), 1.0), list[int]()
        engine = tools.engine(model, memory, concurrency=4)

        def items() -> Iterator[str]:
            for one in range(1000):
                drawn.append(one)
                yield str(one)

        async def main() -> float:
            began = now()
            asyncio.get_running_loop().call_later(0.5, engine.stop, Interrupted(2))
            with pytest.raises(Interrupted) as interrupted:
                await tools.stream(engine, items())
            assert interrupted.value.signal == 2
            return now() - began

        assert virtual(main()) == pytest.approx(1.3, abs=0.1)
        assert (len(model.requests), len(memory.entries), model.came_home) == (4, 4, 4)
        assert len(drawn) < 30

    def test_a_second_one_ends_it_at_once(self, virtual: Virtual, tools: Any) -> None:
        model = tools.Slow(failing(), 1000.0)
        engine = tools.engine(model, concurrency=4)

        async def main() -> float:
            began = now()
            for moment in (0.5, 0.7):
                asyncio.get_running_loop().call_later(moment, engine.stop, Interrupted(2))
            with pytest.raises(Interrupted):
                await tools.stream(engine, map(str, range(100)))
            return now() - began

        assert virtual(main()) == pytest.approx(0.7, abs=0.01)
        assert model.under_way == 0

    def test_a_call_that_waits_for_its_turn_is_not_made(self, virtual: Virtual, tools: Any) -> None:
        """Whether it waits for the endpoint's pace, for a slot, for another try or for the budget."""
        budget = Budget(max_cost=1.0)
        for more in ({"pace": Pace(rpm=60)}, {"concurrency": 1}, {"budget": budget}):
            model = tools.Slow(lambda _: Reply("so", tokens_in=0, tokens_out=0), 1.0, price=Price(0.0, 1e4))
            engine = tools.engine(model, **more)

            async def main(engine: Any = engine) -> None:
                asyncio.get_running_loop().call_later(0.5, engine.stop, Interrupted(2))
                asks = [tools.question(str(one), gen={"max_tokens": 100}) for one in range(3)]
                with pytest.raises(Interrupted):
                    await tools.stream(engine, asks)

            virtual(main())
            assert len(model.requests) == 1, more

    def test_an_ask_that_waits_for_another_try_does_not_hold_it_up(self, virtual: Virtual, tools: Any) -> None:
        engine = tools.engine(Scripted(failing(*[CallFailed("server error", "x", retry_after=500)] * 99)))

        async def main() -> float:
            began = now()
            asyncio.get_running_loop().call_later(1, engine.stop, Interrupted(15))
            with pytest.raises(Interrupted):
                await tools.stream(engine, "abc")
            return now() - began

        assert virtual(main()) <= 1.1

    async def test_the_same_run_goes_on_where_it_stopped(self, ledger: Ledger, tools: Any, within: Within) -> None:
        texts = [str(one) for one in range(60)]
        model = tools.Slow(said, 0.001)
        engine = tools.engine(model, ledger, concurrency=4)

        async def stopping() -> None:
            while model.came_home < 10:
                await asyncio.sleep(0)
            engine.stop(Interrupted(2))

        stopper = asyncio.create_task(stopping())
        with pytest.raises(Interrupted):
            await within(tools.stream(engine, texts))
        await stopper
        assert len(model.requests) < 60
        assert ledger.totals().calls == len(model.requests)
        again = tools.engine(model, ledger, concurrency=4)
        assert await within(tools.stream(again, texts)) == dict(enumerate(texts))
        assert len(model.requests) == 60  # no call was made twice
