"""The engine's work when all goes well: asks in, durable answers out, within the bounds the user set."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from whyfeel.engine import Budget, Engine, Entry, Ledger, Pace, Price, Reply, Request, Route
from whyfeel.errors import AskFailed
from whyfeel.media import MediaStore
from whyfeel.models import Scripted
from whyfeel.records import Answer, Ask, Asking, Failure, Media, Picture, Text, ask_key, user_turn

Virtual = Callable[[Coroutine[Any, Any, Any]], Any]
Open = Callable[..., Ledger]

PIXEL = bytes.fromhex(  # a GIF of one pixel
    "47494638396101000100800000ffffff00000021f90401000000002c000000000100010000020144003b"
)


def echo(request: Request) -> str:
    """Answer with the last text of the ask."""
    last = request.ask.messages[-1].parts[-1]
    assert isinstance(last, Text)
    return f"re: {last.text}"


async def test_one_ask_is_sent_answered_and_remembered(ledger: Ledger, tools: Any) -> None:
    model = Scripted(
        lambda _: Reply("Rain.", "ok", "stop", 10, 20, "m-2"), name="m", price=Price(1e6, 2e6), address="http://h/v1"
    )
    engine = tools.engine(model, ledger)
    ask = tools.question("Why?", gen={"temperature": 0}, schema={"type": "string"}, repeat=2)

    def strategy() -> Asking[Answer]:
        answer: Answer = yield ask
        return answer

    answer = await engine.converse(strategy(), "purpose-1")
    key = ask_key(ask.canonical("m", {}))
    assert answer == Answer(key, "Rain.", "ok", "stop", 10, 20, 50.0, "m-2", 1, None)
    assert ledger.get(key) == answer
    assert ledger.totals(["purpose-1"]).calls == 1
    (request,) = model.requests
    assert (request.key, request.ask, request.purpose) == (key, ask, "purpose-1")
    assert json.loads(request.asked)["messages"] == [["user", ["Why?"]]]
    assert (engine.counts.calls, engine.counts.known, engine.counts.cost, engine.counts.in_flight) == (1, 0, 50.0, 0)


def test_a_strategy_talks_turn_by_turn(virtual: Virtual, tools: Any) -> None:
    engine = tools.engine(Scripted(echo))
    assert virtual(engine.converse(tools.asking("a", "b", "a"), "answer")) == ["re: a", "re: b", "re: a"]
    assert (engine.counts.calls, engine.counts.known) == (2, 1)


def test_a_strategy_that_asks_nothing_needs_no_model(virtual: Virtual, tools: Any) -> None:
    assert virtual(tools.engine(Scripted(echo), routes={}).converse(tools.asking(), "answer")) == []


def test_roles_go_to_their_models(virtual: Virtual, tools: Any) -> None:
    answers, judges = Scripted(lambda _: "a", name="one"), Scripted(lambda _: "j", name="two")
    engine = tools.engine(answers, routes={"answer": Route(answers), "judge": Route(judges)})
    both = tools.asking("x", tools.question("x", role="judge"))
    assert virtual(engine.converse(both, "answer")) == ["a", "j"]
    assert (len(answers.requests), len(judges.requests)) == (1, 1)
    assert answers.requests[0].key != judges.requests[0].key


class TestSideBySide:
    def test_a_list_is_asked_together_and_answered_in_order(self, virtual: Virtual, tools: Any) -> None:
        model = tools.Slow(echo, 1.0)

        def strategy() -> Asking[list[str]]:
            answers = yield [tools.question(text) for text in "cab"]
            return [answer.text for answer in answers]

        engine = tools.engine(model)
        assert virtual(engine.converse(strategy(), "answer")) == ["re: c", "re: a", "re: b"]
        assert model.most == 3

    def test_a_failure_stands_in_its_place(self, virtual: Virtual, tools: Any) -> None:
        def script(request: Request) -> str:
            if echo(request) == "re: b":
                raise tools.fault("rejected", again=False)
            return echo(request)

        def strategy() -> Asking[list[Any]]:
            answers: list[Any] = yield [tools.question(text) for text in "abc"]
            return answers

        first, second, third = virtual(tools.engine(Scripted(script)).converse(strategy(), "answer"))
        assert (first.text, third.text) == ("re: a", "re: c")
        assert second == Failure("rejected", "detail")

    def test_a_list_of_nothing_is_answered_by_nothing(self, virtual: Virtual, tools: Any) -> None:
        def strategy() -> Asking[list[Any]]:
            answers: list[Any] = yield []
            return answers

        assert virtual(tools.engine(Scripted(echo)).converse(strategy(), "answer")) == []


class TestPictures:
    @pytest.fixture
    def media(self, tmp_path: Path) -> Iterator[MediaStore]:
        (tmp_path / "1.gif").write_bytes(PIXEL)
        store = MediaStore(tmp_path)
        yield store
        store.close()

    @staticmethod
    def ask(name: str) -> Ask:
        return Ask("answer", user_turn(Picture(Media(name)), Text("Why?")))

    async def test_a_picture_goes_along_and_into_the_key(self, media: MediaStore, tools: Any, tmp_path: Path) -> None:
        model = Scripted(echo)
        engine = tools.engine(model, media=media)
        await engine.converse(tools.asking(self.ask("1.gif")), "answer")
        (tmp_path / "2.gif").write_bytes(PIXEL)
        await engine.converse(tools.asking(self.ask("2.gif")), "answer")
        assert len(model.requests) == 1  # the same bytes under another name are the same ask
        (tmp_path / "3.gif").write_bytes(PIXEL + b"\x00")
        await engine.converse(tools.asking(self.ask("3.gif")), "answer")
        assert len(model.requests) == 2
        shown = model.requests[0].pictures[Media("1.gif")]
        assert (shown.header.mime, shown.base64[:4]) == ("image/png", b"iVBO")  # a transparent one, laid on white
        assert json.loads(model.requests[0].asked)["messages"] == [["user", [{"picture": shown.token}, "Why?"]]]

    async def test_a_bad_picture_fails_the_ask_without_a_call(self, media: MediaStore, tools: Any) -> None:
        model = Scripted(echo)
        engine = tools.engine(model, media=media)
        for name, says in (("nothing.gif", "no such file: 'nothing.gif'"), ("../x", "outside the images folder")):
            with pytest.raises(AskFailed, match=says) as failed:
                await engine.converse(tools.asking(self.ask(name)), "answer")
            assert failed.value.reason == "bad picture"
        assert model.requests == []


class TestMemory:
    async def test_a_known_answer_makes_no_call(self, tmp_path: Path, tools: Any, open_ledger: Open) -> None:
        model = Scripted(echo)
        for sitting in range(2):
            ledger = open_ledger(tmp_path / "ledger.sqlite")
            engine = tools.engine(model, ledger)
            assert await engine.converse(tools.asking("a", "b"), "answer") == ["re: a", "re: b"]
            assert (engine.counts.calls, engine.counts.known) == ((2, 0), (0, 2))[sitting]
            ledger.close()
        assert len(model.requests) == 2

    async def test_another_servers_address_keeps_the_answers(self, ledger: Ledger, tools: Any) -> None:
        for address in ("http://one/v1", "http://two/v1"):
            model = Scripted(echo, address=address)
            await tools.engine(model, ledger).converse(tools.asking("a"), "answer")
        assert model.requests == []

    async def test_an_answer_of_another_run_is_copied_with_its_origin(
        self, tmp_path: Path, tools: Any, open_ledger: Open
    ) -> None:
        old, new = (open_ledger(tmp_path / name) for name in ("old.sqlite", "new.sqlite"))
        model = Scripted(lambda _: Reply("said before", tokens_in=5, tokens_out=5), price=Price(1.0, 1.0))
        await tools.engine(model, old).converse(tools.asking("a"), "answer")
        reuse = {"runs/none": open_ledger(tmp_path / "new.sqlite", readonly=True), "runs/old": old}
        engine = tools.engine(model, new, reuse=reuse, budget=Budget(0))
        assert await engine.converse(tools.asking("a"), "again") == ["said before"]
        assert (engine.counts.calls, engine.counts.known, engine.counts.cost) == (0, 1, 0.0)
        copied = new.get(model.requests[0].key)
        assert copied is not None
        assert copied.source == "runs/old"
        assert new.totals().calls == 0

    def test_a_replayed_answer_is_free_and_keeps_its_origin(self, virtual: Virtual, tools: Any) -> None:
        memory = tools.Memory()
        model = Scripted(lambda _: Reply("so", tokens_in=9, tokens_out=9, source="runs/old"), price=Price(1.0, 1.0))
        engine = tools.engine(model, memory)
        virtual(engine.converse(tools.asking("a"), "answer"))
        (entry,) = memory.entries.values()
        assert (entry.answer.source, entry.answer.cost) == ("runs/old", 0.0)
        assert (engine.counts.calls, engine.counts.known) == (0, 1)

    def test_an_unknown_price_makes_the_cost_unknown(self, virtual: Virtual, tools: Any) -> None:
        for model in (Scripted(lambda _: Reply("so", tokens_in=9, tokens_out=9)), Scripted(echo, price=Price(1, 1))):
            engine = tools.engine(model)
            virtual(engine.converse(tools.asking("a"), "answer"))
            assert engine.counts.cost is None


class TestSettings:
    def test_the_users_settings_stand_over_the_strategys(self, virtual: Virtual, tools: Any) -> None:
        model = Scripted(echo)
        engine = tools.engine(model, gen={"temperature": 1.0, "max_tokens": None, "top_p": 0.5, "seed": None})
        virtual(
            engine.converse(tools.asking(tools.question("a", gen={"temperature": 0, "max_tokens": 9, "n": 1})), "x")
        )
        expected = {"temperature": 1.0, "n": 1, "top_p": 0.5}
        assert dict(model.requests[0].ask.gen) == expected
        assert json.loads(model.requests[0].asked)["gen"] == expected

    def test_settings_decide_the_key(self, virtual: Virtual, tools: Any) -> None:
        keys = set()
        for gen in ({}, {"temperature": 0}, {"temperature": 1}):
            model = Scripted(echo)
            virtual(tools.engine(model, gen=gen).converse(tools.asking("a"), "answer"))
            keys.add(model.requests[0].key)
        assert len(keys) == 3

    def test_the_estimate_counts_words_pictures_and_what_may_come_out(self, virtual: Virtual, tools: Any) -> None:
        model = Scripted(echo)
        engine = tools.engine(model)
        for gen in ({}, {"max_tokens": 100}, {"max_tokens": 100, "max_completion_tokens": 50}):
            virtual(engine.converse(tools.asking(tools.question("x" * 400, gen=gen)), "answer"))
        assert [request.tokens for request in model.requests] == [(100, 1024), (100, 100), (100, 50)]


class TestBounds:
    def test_no_more_calls_under_way_than_allowed(self, virtual: Virtual, tools: Any) -> None:
        model = tools.Slow(echo, 1.0)
        engine = tools.engine(model, concurrency=4)
        ended = virtual(tools.stream(engine, map(str, range(30))))
        assert ended == {number: f"re: {number}" for number in range(30)}
        assert model.most == 4

    def test_the_bound_holds_over_all_models_together(self, virtual: Virtual, tools: Any) -> None:
        seen = []

        def script(request: Request) -> str:
            seen.append(one.under_way + two.under_way)
            return echo(request)

        one, two = (tools.Slow(script, 1.0, name=name, address=name) for name in ("one", "two"))
        engine = tools.engine(one, routes={"answer": Route(one), "judge": Route(two)}, concurrency=5)
        asks = [tools.question(str(number), role=("answer", "judge")[number % 2]) for number in range(40)]
        virtual(tools.stream(engine, asks))
        assert max(seen) == 5
        assert len(seen) == 40

    def test_a_slot_is_held_until_the_answer_is_committed(self, virtual: Virtual, tools: Any) -> None:
        """A kill then repeats no more calls than `concurrency`, however slow the disk is."""
        seen = []

        def script(request: Request) -> str:
            seen.append(model.under_way + memory.committing)
            return echo(request)

        model, memory = tools.Slow(script, 0.1), tools.Memory(1.0)
        virtual(tools.stream(tools.engine(model, memory, concurrency=4), map(str, range(20))))
        assert max(seen) == 4
        assert model.most <= 4

    def test_an_answer_is_handed_on_only_when_it_is_committed(self, virtual: Virtual, tools: Any) -> None:
        memory, log = tools.Memory(5.0), list[str]()

        def strategy() -> Asking[None]:
            answer = yield tools.question("a")
            log.append("known" if memory.get(answer.ask_id) else "too early")
            both = yield [tools.question("b"), tools.question("c")]
            log.extend("known" if memory.get(answer.ask_id) else "too early" for answer in both)

        virtual(tools.engine(Scripted(echo), memory).converse(strategy(), "answer"))
        assert log == ["known"] * 3

    def test_items_are_drawn_as_they_are_needed_and_tasks_stay_few(self, virtual: Virtual, tools: Any) -> None:
        drawn = done = ahead = tasks = 0

        def items() -> Iterator[int]:
            nonlocal drawn, ahead, tasks
            for item in range(10_000):
                drawn += 1
                ahead, tasks = max(ahead, drawn - done), max(tasks, len(asyncio.all_tasks()))
                yield item

        async def work(item: int) -> None:
            nonlocal done
            await engine.converse(tools.asking(str(item)), "answer")
            done += 1

        engine = tools.engine(tools.Slow(echo, 0.01), concurrency=16)
        virtual(engine.stream(items(), work))
        assert done == 10_000
        assert ahead <= 16 + 8 + 1
        assert tasks <= 16 + 8 + 10

    def test_all_slots_are_kept_busy(self, virtual: Virtual, tools: Any) -> None:
        async def main() -> float:
            began = asyncio.get_running_loop().time()
            await tools.stream(tools.engine(tools.Slow(echo, 1.0), concurrency=10), map(str, range(100)))
            return asyncio.get_running_loop().time() - began

        assert virtual(main()) == pytest.approx(10)

    def test_the_users_pace_holds(self, virtual: Virtual, tools: Any) -> None:
        starts = []

        def script(request: Request) -> str:
            starts.append(asyncio.get_running_loop().time())
            return echo(request)

        virtual(tools.stream(tools.engine(Scripted(script), pace=Pace(rpm=30)), "abcde"))
        assert [start - starts[0] for start in starts] == pytest.approx([0, 2, 4, 6, 8])


class TestBudgets:
    def test_calls_stop_at_their_number(self, virtual: Virtual, tools: Any) -> None:
        model = tools.Slow(echo, 1.0)
        engine = tools.engine(model, budget=Budget(3))
        ended = virtual(tools.stream(engine, "abcdef"))
        failed = [error for error in ended.values() if isinstance(error, AskFailed)]
        assert [error.reason for error in failed] == ["budget"] * 3
        assert len(model.requests) == 3

    def test_a_budget_is_not_exceeded_by_calls_under_way_together(self, virtual: Virtual, tools: Any) -> None:
        """A call may cost 1 and does cost 0.5: nine are made of 20, and never more is set aside than there is."""
        model = tools.Slow(lambda _: Reply("so", tokens_in=0, tokens_out=50), 1.0, price=Price(0.0, 1e4))
        engine = tools.engine(model, budget=Budget(max_cost=5.0))
        ended = virtual(tools.stream(engine, [tools.question(str(n), gen={"max_tokens": 100}) for n in range(20)]))
        assert engine.counts.cost == pytest.approx(4.5)
        assert [isinstance(one, AskFailed) for one in ended.values()].count(True) == 11
        assert model.most == 5

    def test_known_answers_are_free(self, virtual: Virtual, tools: Any) -> None:
        memory, model = tools.Memory(), Scripted(echo)
        virtual(tools.engine(model, memory).converse(tools.asking("a"), "answer"))
        engine = tools.engine(model, memory, budget=Budget(0, 0.0))
        assert virtual(engine.converse(tools.asking("a"), "answer")) == ["re: a"]


class TestIdenticalAsks:
    def test_they_are_sent_once(self, virtual: Virtual, tools: Any) -> None:
        model = tools.Slow(echo, 1.0)
        ended = virtual(tools.stream(tools.engine(model), ["same"] * 20 + ["other"]))
        assert list(ended.values()).count("re: same") == 20
        assert len(model.requests) == 2

    def test_repeats_are_not_identical(self, virtual: Virtual, tools: Any) -> None:
        model = tools.Slow(echo, 1.0)
        asks = [tools.question("same", repeat=number) for number in range(3)]
        virtual(tools.stream(tools.engine(model), asks))
        assert len(model.requests) == 3

    def test_they_wait_for_the_commit_too(self, virtual: Virtual, tools: Any) -> None:
        class Watched(tools.Memory):  # type: ignore[misc]
            async def put(self, entry: Entry) -> None:
                await super().put(entry)
                committed.append(asyncio.get_running_loop().time())

        committed = list[float]()
        engine = tools.engine(Scripted(echo), Watched(7.0))

        async def main() -> list[float]:
            async def one() -> float:
                await engine.converse(tools.asking("same"), "answer")
                return asyncio.get_running_loop().time()

            return list(await asyncio.gather(one(), one()))

        assert virtual(main()) == committed * 2


async def test_closing_closes_every_model_once() -> None:
    closed = []

    class Closing(Scripted):
        async def close(self) -> None:
            closed.append(self.name)

    one, two = Closing(echo, name="one"), Closing(echo, name="two")
    routes = {"answer": Route(one), "judge": Route(two), "caption": Route(one)}
    engine = Engine(routes, None, MediaStore(None))  # type: ignore[arg-type]
    await engine.close()
    assert sorted(closed) == ["one", "two"]
