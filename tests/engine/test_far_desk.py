"""Conversations that ask from other processes: what they get, and the bounds that hold over all of them together."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from whyfeel.engine import Budget, Conversing, Engine, Price, Reply, Request, Route
from whyfeel.engine.far import Counter, FarDesk
from whyfeel.errors import AskFailed, CallFailed, KeyRefused, NoCredit
from whyfeel.media import MediaStore
from whyfeel.models import Scripted
from whyfeel.records import Text

Virtual = Callable[[Coroutine[Any, Any, Any]], Any]


def echo(request: Request) -> str:
    last = request.ask.messages[-1].parts[-1]
    assert isinstance(last, Text)
    return f"re: {last.text}"


class Far:
    """A far process in this one; every message is pickled on its way, as it would be."""

    def __init__(self, engine: Engine, model: Scripted, seconds: float = 0.01) -> None:
        self.cut = False
        self.sent: list[Any] = []
        here = {"answer": Route(Scripted(lambda _: "never asked", name=model.name, price=model.price))}
        self.counter = Counter(engine.desk, here, lambda m: self._carry(lambda: self.desk.hear, m, seconds))
        self.desk = FarDesk(lambda m: self._carry(lambda: self.counter.hear, m, seconds))
        self.talks = Conversing({"answer": Route(model)}, MediaStore(None), self.desk)

    def _carry(self, to: Callable[[], Callable[[Any], None]], message: Any, seconds: float) -> None:
        self.sent.append(message)
        if not self.cut:
            read = pickle.loads(pickle.dumps(message))
            asyncio.get_running_loop().call_later(seconds, lambda: None if self.cut else to()(read))

    def lose(self) -> None:
        self.cut = True
        self.counter.close()


def asked(far: Far, tools: Any, *asks: Any) -> asyncio.Task[list[str]]:
    return asyncio.ensure_future(far.talks.converse(tools.asking(*asks), "answer"))


async def ended(*tasks: asyncio.Task[Any]) -> list[Any]:
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_a_far_conversation_gets_what_one_here_gets(virtual: Virtual, tools: Any) -> None:
    ledgers = [tools.Memory(), tools.Memory()]
    reply = Reply("Rain.", "truncated", "length", 10, 20, "m-2", reasoning="so", left_out=("seed",))
    models = [Scripted(lambda _: reply, name="m", price=Price(1e6, 2e6)) for _ in range(2)]

    async def main() -> None:
        engine = tools.engine(models[1], ledgers[1])
        far = Far(engine, models[1])
        assert await tools.engine(models[0], ledgers[0]).converse(tools.asking("a", "b"), "answer") == ["Rain."] * 2
        assert await far.talks.converse(tools.asking("a", "b"), "answer") == ["Rain."] * 2
        assert (engine.counts.calls, engine.counts.cost, engine.counts.in_flight) == (2, 100.0, 0)
        assert await far.talks.converse(tools.asking("a"), "answer") == ["Rain."]
        assert (engine.counts.calls, engine.counts.known) == (2, 1)

    virtual(main())
    here, there = (list(one.entries.values()) for one in ledgers)
    assert [one.answer for one in here] == [one.answer for one in there]
    assert [one.row()[:5] for one in here] == [one.row()[:5] for one in there]
    assert len(models[1].requests) == 2


def test_an_answer_is_handed_on_only_once_it_is_durable(virtual: Virtual, tools: Any) -> None:
    ledger = tools.Memory(seconds=5.0)

    async def main() -> None:
        far = Far(tools.engine(Scripted(echo), ledger), Scripted(echo), 0.0)
        task = asked(far, tools, "a")
        await asyncio.sleep(4.9)
        assert (ledger.committing, task.done()) == (1, False)
        await asyncio.sleep(0.2)
        assert task.result() == ["re: a"]

    virtual(main())


def test_the_slots_hold_over_all_far_processes(virtual: Virtual, tools: Any) -> None:
    model = tools.Slow(echo, 1.0)

    async def main() -> None:
        engine = tools.engine(model, concurrency=3)
        fars = [Far(engine, model) for _ in range(2)]
        tasks = [asked(fars[n % 2], tools, f"{n}") for n in range(10)]
        assert [one[0] for one in await ended(*tasks)] == [f"re: {n}" for n in range(10)]

    virtual(main())
    assert model.most == 3


def test_the_budget_holds_over_all_far_processes(virtual: Virtual, tools: Any) -> None:
    model = tools.Slow(echo, 1.0)

    async def main() -> list[Any]:
        engine = tools.engine(model, budget=Budget(5))
        fars = [Far(engine, model) for _ in range(2)]
        return await ended(*(asked(fars[n % 2], tools, f"{n}") for n in range(8)))

    results = virtual(main())
    assert len(model.requests) == 5
    refused = [one for one in results if isinstance(one, AskFailed)]
    assert [(one.reason, one.detail) for one in refused] == [("budget", "--max-calls 5 is used up")] * 3


def test_equal_asks_of_two_processes_are_one_call(virtual: Virtual, tools: Any) -> None:
    model = tools.Slow(echo, 1.0)

    async def main() -> None:
        engine = tools.engine(model)
        assert await ended(*(asked(Far(engine, model), tools, "same") for _ in range(3))) == [["re: same"]] * 3

    virtual(main())
    assert len(model.requests) == 1


def test_a_call_that_failed_is_tried_again_by_the_rules_here(virtual: Virtual, tools: Any) -> None:
    replies = iter([CallFailed("server error", "500"), CallFailed("timeout", "60 s"), "at last"])

    def script(_: Request) -> str:
        reply = next(replies)
        if isinstance(reply, CallFailed):
            raise reply
        return reply

    async def main() -> tuple[Any, Engine]:
        engine = tools.engine(Scripted(script))
        return await asked(Far(engine, Scripted(script)), tools, "a"), engine

    texts, engine = virtual(main())
    assert (texts, engine.counts.retries) == (["at last"], 2)


@pytest.mark.parametrize("more", [{"again": False}, {"retry_after": 1e6}, {"again": False, "connected": False}])
def test_a_hopeless_ask_fails_over_there_as_it_would_here(virtual: Virtual, tools: Any, more: dict[str, Any]) -> None:
    def script(_: Request) -> str:
        raise CallFailed("content filter", "no", **more)

    async def main() -> list[Any]:
        engines = [tools.engine(Scripted(script)) for _ in range(2)]
        far = asked(Far(engines[0], Scripted(script)), tools, "a")
        results = await ended(far, engines[1].converse(tools.asking("a"), "answer"))
        assert engines[0].counts.failures == engines[1].counts.failures == {"content filter": 1}
        return results

    far, here = virtual(main())
    assert isinstance(far, AskFailed)
    assert (far.reason, far.detail) == (here.reason, here.detail)


def test_a_fault_keeps_its_name_on_the_way(virtual: Virtual, tools: Any) -> None:
    async def main() -> list[Any]:
        def script(_: Request) -> str:
            raise KeyError("choices")

        return await ended(asked(Far(tools.engine(Scripted(script)), Scripted(script)), tools, "a"))

    [fault] = virtual(main())
    assert f"{type(fault).__name__}: {fault}" == "KeyError: 'choices'"


@pytest.mark.parametrize("fatal", [KeyRefused("401"), NoCredit("empty")])
def test_what_ends_a_run_there_ends_it_here(virtual: Virtual, tools: Any, fatal: Exception) -> None:
    def script(_: Request) -> str:
        raise fatal

    async def main() -> None:
        engine = tools.engine(Scripted(script))
        far = Far(engine, Scripted(script))

        async def work(_: int) -> None:
            await asked(far, tools, "a")

        await engine.stream([1], work)

    with pytest.raises(type(fatal), match=str(fatal)):
        virtual(main())


class TestLost:
    """A far process that is gone."""

    def test_its_slots_and_the_lead_go_to_others(self, virtual: Virtual, tools: Any) -> None:
        dead, alive = tools.Slow(echo, 1e9), tools.Slow(echo, 1.0)

        async def main() -> None:
            engine = tools.engine(alive, concurrency=2)
            gone, there = Far(engine, dead), Far(engine, alive)
            lost = [asked(gone, tools, text) for text in ("same", "x", "y")]
            await asyncio.sleep(1)
            kept = [asked(there, tools, text) for text in ("same", "z")]
            await asyncio.sleep(100)
            assert (engine.counts.in_flight, [task.done() for task in kept]) == (2, [False, False])
            gone.lose()
            assert await ended(*kept) == [["re: same"], ["re: z"]]
            assert engine.counts.in_flight == 0
            for task in lost:
                task.cancel()
            await ended(*lost)

        virtual(main())

    def test_what_it_had_said_is_kept(self, virtual: Virtual, tools: Any) -> None:
        ledger, model = tools.Memory(seconds=5.0), Scripted(echo)

        async def main() -> None:
            engine = tools.engine(model, ledger)
            gone = Far(engine, model)
            lost = asked(gone, tools, "a")
            await asyncio.sleep(1)
            assert ledger.committing == 1
            gone.lose()
            assert await asked(Far(engine, model), tools, "a") == ["re: a"]
            lost.cancel()
            await ended(lost)

        virtual(main())
        assert len(model.requests) == len(ledger.entries) == 1

    def test_an_ask_between_two_tries_is_given_up(self, virtual: Virtual, tools: Any) -> None:
        def script(_: Request) -> str:
            raise CallFailed("rate limited", "429", retry_after=50.0)

        async def main() -> None:
            engine = tools.engine(Scripted(script), concurrency=1)
            gone = Far(engine, Scripted(script))
            lost = asked(gone, tools, "a")
            await asyncio.sleep(1)
            gone.lose()
            before = len(gone.sent)
            await asyncio.sleep(500)
            assert (len(gone.sent), engine.counts.in_flight) == (before, 0)
            lost.cancel()
            await ended(lost)

        virtual(main())


def test_an_asker_that_is_cancelled_before_its_call_gives_the_slot_back(virtual: Virtual, tools: Any) -> None:
    model = tools.Slow(echo, 1.0)

    async def main() -> None:
        engine = tools.engine(model, concurrency=1)
        far = Far(engine, model)
        first, second = asked(far, tools, "a"), asked(far, tools, "b")
        await asyncio.sleep(0.015)  # the word "go" is under way
        first.cancel()
        assert await ended(second) == [["re: b"]]
        assert engine.counts.in_flight == 0

    virtual(main())
    assert len(model.requests) == 1


def test_an_asker_that_is_cancelled_leaves_the_others_alone(virtual: Virtual, tools: Any) -> None:
    model = tools.Slow(echo, 1.0)

    async def main() -> None:
        far = Far(tools.engine(model), model)
        first, second = asked(far, tools, "a"), asked(far, tools, "b")
        await asyncio.sleep(0.5)
        first.cancel()
        assert await ended(second) == [["re: b"]]
        await asyncio.sleep(1)  # the answer to the first comes home, and nobody minds
        assert far.desk._open == {}

    virtual(main())
