"""Work in the hands of others: pieces by number, losses, and ends. The other processes are in this one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from scripted_runs import Watcher

from whyfeel.engine import Budget, Engine, Ledger, Request, Route
from whyfeel.errors import KeyRefused, RunStopped, UserError
from whyfeel.media import MediaStore
from whyfeel.models import Scripted
from whyfeel.records import Ask, Asking, Sample, Text, user_turn
from whyfeel.runs.crew import LOSSES, Crew, Lost
from whyfeel.runs.hand import Hand
from whyfeel.runs.options import SittingOptions
from whyfeel.runs.pieces import Drawn, Line, Piece, Prepared, Talks

Script = Callable[[Request], str]


def words(request: Request) -> str:
    part = request.ask.messages[0].parts[0]
    assert isinstance(part, Text)
    return part.text


class Asks(Talks):
    """One question a piece; 13 is a fault of ours, 14 a fault in a sample's own conversation, and 15 cannot be read."""

    def __init__(self, count: int, engine: Any) -> None:
        super().__init__(engine)
        self.count = count

    def pieces(self) -> Iterator[Piece]:
        return (partial(self._one, number) for number in range(self.count))

    async def _one(self, number: int) -> Sequence[Line]:
        if number == 13:
            raise ZeroDivisionError("13")
        if number == 15:
            raise UserError("the data has changed")

        def talk() -> Asking[str]:
            answer = yield Ask("answer", user_turn(Text(f"q{number}")))
            return answer.text[: 1 // (number != 14)] + answer.text[1:]

        told = await self.converse(Sample(f"s{number}", "?", "sad", (), (), f"s{number}"), talk, "answer")
        return ((0, number, {"told": told if isinstance(told, str) else told.detail}),)


@dataclass
class Recipe:
    options: SittingOptions
    count: int
    script: Script
    complaint: str = ""
    models: tuple[str, ...] = ()

    def prepare(self) -> Prepared:
        if self.complaint:
            raise UserError(self.complaint)
        return Prepared({"answer": Route(Slow(self.script))}, None, partial(Asks, self.count))


class Slow(Scripted):
    async def answer(self, request: Request) -> Any:
        await asyncio.sleep(0.002)
        return await super().answer(request)


@dataclass
class Near:
    """The way to a hand in this process; it can be cut."""

    hand: Hand
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    killed: bool = False
    heard: set[Any] = field(default_factory=set)

    async def start(self) -> str | None:
        await asyncio.sleep(0)
        return await self.hand.start()

    async def outbox(self) -> Sequence[object]:
        collecting, cut = asyncio.ensure_future(self.hand.outbox()), asyncio.ensure_future(self.gone.wait())
        try:
            await asyncio.wait({collecting, cut}, return_when=asyncio.FIRST_COMPLETED)
            if cut.done():
                raise Lost("killed")
            return collecting.result()
        finally:
            collecting.cancel()
            cut.cancel()

    def inbox(self, batch: Sequence[object]) -> None:
        if not self.gone.is_set():
            task = asyncio.ensure_future(self.hand.inbox(batch))
            self.heard.add(task)

    def kill(self) -> None:
        self.killed = True


class Place:
    """A sitting whose work is done by hands in this process."""

    def __init__(self, folder: Path, count: int, script: Script, size: int = 2, complaint: str = "") -> None:
        self.options = SittingOptions(out=folder, ray="local", actors=size, concurrency=4)
        self.recipe = Recipe(self.options, count, script, complaint)
        self.links: list[Near] = []
        self.watch = Watcher()
        self.faults: list[str] = []
        self.lines: dict[int, Any] = {}
        self.calls = 0

    def hire(self) -> Near:
        self.links.append(Near(Hand(self.recipe)))
        return self.links[-1]

    @asynccontextmanager
    async def engine(self, **more: Any) -> AsyncIterator[Engine]:
        routes = {"answer": Route(Scripted(lambda _: "never asked"))}
        with closing(Ledger(self.options.out / "ledger.sqlite")) as ledger:
            try:
                yield Engine(routes, ledger, MediaStore(None), concurrency=4, **more)
            finally:
                self.calls = ledger.totals().calls

    async def run(self, first: int = 0, **more: Any) -> None:
        async with self.engine(**more) as engine, asyncio.timeout(20):
            assert self.options.actors is not None
            routes = {"answer": Route(Scripted(lambda _: "never asked"))}
            several = self.options.actors, engine.width, engine, routes, self.watch.note, self.faults
            async with Crew(self.hire, *several) as crew:

                async def work(number: int) -> None:
                    for file, index, record in await crew.do(number):
                        assert (file, index) not in self.lines
                        self.lines[index] = record

                await engine.stream(range(first, self.recipe.count), work)


@pytest.mark.parametrize("size", [1, 2, 5])
async def test_every_piece_is_done_once_and_shared_out(tmp_path: Path, size: int) -> None:
    place = Place(tmp_path, 13, words, size)
    await place.run()
    assert place.lines == {n: {"told": f"q{n}"} for n in range(13)}
    assert (place.calls, place.faults, place.watch.notes) == (13, [], [])
    assert [link.killed for link in place.links] == [True] * size
    if size < 5:
        assert all(link.heard for link in place.links)


async def test_the_pieces_of_a_lost_one_are_done_by_another_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    asked: list[str] = []

    def script(request: Request) -> str:
        asked.append(words(request))
        if len(asked) == 5:
            place.links[0].gone.set()
        return words(request)

    place = Place(tmp_path, 13, script)
    await place.run()
    assert place.lines == {n: {"told": f"q{n}"} for n in range(13)}
    assert (len(place.links), place.calls) == (3, 13)
    assert [note for note in place.watch.notes if "lost" in note] == place.watch.notes
    assert len(place.watch.notes) == 1
    assert len(asked) - len(set(asked)) <= 4, "only calls in flight are made again"


async def test_a_process_that_never_starts_ends_the_run(tmp_path: Path) -> None:
    place = Place(tmp_path, 3, words, 1)
    hire = place.hire

    def dead() -> Near:
        link = hire()
        link.start = _lost  # type: ignore[method-assign]
        return link

    place.hire = dead  # type: ignore[method-assign]
    with pytest.raises(RunStopped, match=f"{LOSSES} actors were lost one after the other, the last one: no memory"):
        await place.run()
    assert len(place.links) == LOSSES


async def _lost() -> str | None:
    raise Lost("no memory")


async def test_a_piece_that_costs_one_process_after_the_other_ends_the_run(tmp_path: Path) -> None:
    def script(request: Request) -> str:
        if words(request) == "q3":
            for link in place.links:
                link.gone.set()
        return words(request)

    place = Place(tmp_path, 6, script, 1)
    with pytest.raises(RunStopped, match=f"{LOSSES} actors were lost"):
        await place.run()


async def test_what_is_wrong_over_there_is_the_users_one_line(tmp_path: Path) -> None:
    place = Place(tmp_path, 3, words, complaint="--data: there is no '/data'")
    with pytest.raises(UserError, match=r"^--data: there is no '/data' \(says an actor of --ray"):
        await place.run()
    assert place.lines == {}


async def test_a_fault_in_a_piece_ends_the_run_and_one_in_a_sample_does_not(tmp_path: Path) -> None:
    place = Place(tmp_path, 15, words)
    place.recipe.count = 13
    await place.run()
    with pytest.raises(RunStopped, match="a fault of ours in an actor: ZeroDivisionError: 13"):
        await _from(Place(tmp_path, 14, words), 13)
    one = Place(tmp_path, 15, words)
    await _from(one, 14)
    why = "ZeroDivisionError: integer division or modulo by zero"
    assert (one.lines, one.faults) == ({14: {"told": why}}, [f"s14: {why}"])


async def test_what_the_user_can_mend_is_told_as_it_would_be_here(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the data has changed"):
        await _from(Place(tmp_path, 16, words), 15)


async def test_each_has_its_share_and_no_more_where_the_others_have_not_come(tmp_path: Path) -> None:
    place, most = Place(tmp_path, 13, words), [0]
    hire = place.hire

    def second_never_starts() -> Near:
        link = hire()
        if len(place.links) == 2:
            link.start = asyncio.Event().wait  # type: ignore[assignment,method-assign]
        return link

    place.hire = second_never_starts  # type: ignore[method-assign]
    take = Drawn.take

    def counted(self: Drawn, number: int) -> Piece:
        most[0] = max(most[0], number + 1 - len(place.lines))
        return take(self, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Drawn, "take", counted)
        await place.run()
    assert len(place.lines) == 13
    assert most[0] <= 6, "half of the twelve that are live with four slots"


async def test_a_piece_is_given_up_though_others_come_home(tmp_path: Path) -> None:
    class Doomed:
        deals = 0

        async def do(self, _: int) -> Sequence[Line]:
            self.deals += 1
            raise Lost

    doomed, place = Doomed(), Place(tmp_path, 1, words)
    async with place.engine() as engine:
        crew = Crew(place.hire, 1, 1, engine, {}, place.watch.note, [])

        async def free() -> Doomed:
            return doomed

        crew._free = free  # type: ignore[assignment,method-assign]
        with pytest.raises(RunStopped, match=rf"{LOSSES} actors were lost at work on piece 8 \(a sample"):
            await crew.do(7)
    assert doomed.deals == LOSSES


async def _from(place: Place, number: int) -> None:
    """Only one piece."""
    async with place.engine() as engine, asyncio.timeout(20):
        several = 1, engine.width, engine, {"answer": Route(Scripted(words))}, place.watch.note, place.faults
        async with Crew(place.hire, *several) as crew:
            for _, index, record in await crew.do(number):
                place.lines[index] = record


async def test_a_refused_key_over_there_ends_the_run(tmp_path: Path) -> None:
    def script(_: Request) -> str:
        raise KeyRefused("401")

    with pytest.raises(KeyRefused, match="401"):
        await Place(tmp_path, 13, script).run()


async def test_the_bound_on_calls_holds_over_all(tmp_path: Path) -> None:
    place = Place(tmp_path, 13, words)
    await place.run(budget=Budget(7))
    assert (len(place.lines), place.calls) == (13, 7)
    assert sum("--max-calls 7" in line["told"] for line in place.lines.values()) == 6


async def test_a_stopped_run_starts_no_more_calls(tmp_path: Path) -> None:
    asked: list[str] = []

    def script(request: Request) -> str:
        asked.append(words(request))
        if len(asked) == 3:
            raise RunStopped("the disk is full")
        return words(request)

    place = Place(tmp_path, 216, script)
    with pytest.raises(RunStopped, match="the disk is full"):
        await place.run(16)  # behind the pieces that are faults
    assert len(asked) < 50, "a few may start until the word has come to the sitting; 200 were to be asked"
    assert place.calls == len(asked) - 1, "those in flight came home"


def test_pieces_are_drawn_in_one_pass_unless_one_comes_again() -> None:
    passes: list[int] = []

    class Numbers:
        faults: list[str] = []  # noqa: RUF012 - as Work has it

        def pieces(self) -> Iterator[Any]:
            passes.append(1)
            return iter(range(1000))

    drawn = Drawn(Numbers())
    assert [drawn.take(n) for n in (0, 1, 5, 999)] == [0, 1, 5, 999]
    assert len(passes) == 1
    assert [drawn.take(n) for n in (2, 3)] == [2, 3]
    assert len(passes) == 2
