"""A published run answers again, without a model and without a network."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from whyfeel.engine import Entry, Ledger, Reply, Request
from whyfeel.errors import CallFailed, DataError
from whyfeel.models import Replay, build_model
from whyfeel.records import Answer, Ask, ask_key

KEY = ask_key("a")
REQUEST = Request(KEY, Ask("answer", ()))


async def write(folder: Path, *entries: tuple[str, str, str]) -> Path:
    """A run folder with these (asked, role, model) in its ledger."""
    await asyncio.to_thread(folder.mkdir)
    ledger = Ledger(folder / "ledger.sqlite")
    for asked, role, model in entries:
        answer = Answer(ask_key(asked), f"said of {asked}", "truncated", "length", 3, 4, 0.5, "m-2", 5, None)
        async with asyncio.timeout(3):
            await ledger.put(Entry(answer, role, model, "{}", "answer", "http://h/v1"))
    ledger.close()
    return folder


async def test_it_says_what_was_said_under_the_name_of_who_said_it(tmp_path: Path) -> None:
    run = await write(tmp_path / "run", ("a", "answer", "gpt-4o"), ("b", "judge", "gpt-3.5"))
    for named in (run, run / "ledger.sqlite"):
        model = Replay(named, "answer")
        assert (model.name, model.address) == ("gpt-4o", "")
        assert await model.answer(REQUEST) == Reply("said of a", "truncated", "length", 3, 4, "m-2", str(named))
        await model.close()
    judge = build_model(f"replay:{run}", "judge", {})
    assert judge.name == "gpt-3.5"
    await judge.close()


async def test_what_it_does_not_remember_is_a_failed_call(tmp_path: Path) -> None:
    model = Replay(await write(tmp_path / "run", ("a", "answer", "m")), "answer")
    key = ask_key("never asked")
    with pytest.raises(CallFailed, match=key) as failed:
        await model.answer(Request(key, Ask("answer", ())))
    assert not failed.value.again
    assert failed.value.reason == "not in the replayed ledger"
    await model.close()


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([], "none"),
        ([("a", "judge", "m")], "none"),
        ([("a", "answer", "m1"), ("b", "answer", "m2")], "'m1', 'm2'"),
    ],
)
async def test_one_model_and_no_other_must_have_answered_the_role(
    tmp_path: Path, entries: list[tuple[str, str, str]], says: str
) -> None:
    run = await write(tmp_path / "run", *entries)
    with pytest.raises(DataError, match=r"\Areplay: [^\n]*'answer' answers; it holds " + says):
        Replay(run, "answer")


def test_a_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "nothing.sqlite"):
        with pytest.raises(DataError, match="there is no ledger at"):
            Replay(path, "answer")


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"a": 1}\n' * 100)
    with pytest.raises(DataError, match="is not a ledger"):
        Replay(tmp_path / "log.jsonl", "answer")
