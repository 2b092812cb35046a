"""Provider batch files: one upload for all, paid once however often the run is killed, through the same ledger."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from batch_server import Answerer, BatchServer, answers

KEY = "sk-planted-batch-key-123456"
PRICES = '[openai."gpt-test"]\nin = 4\nout = 20\nas_of = 2026-11-01\n'

# the last request of a batch is known to be the last after a tenth of a second, not half of one
HASTY = """
import functools, whyfeel.models.batched as batched
batched.Patience = functools.partial(batched.Patience, quiet=0.1, first=0.1)
"""


@pytest.fixture
def cli(cli):
    cli.first = HASTY
    return cli


@pytest.fixture
def batches() -> Iterator[Callable[..., BatchServer]]:
    with ExitStack() as stack:

        def start(answer: Answerer = answers, **how: object) -> BatchServer:
            return stack.enter_context(BatchServer(answer, **how))

        yield start


@pytest.fixture
def command(tmp_path: Path):
    (tmp_path / "prices.toml").write_text(PRICES)

    def build(data, out: Path, *more: object) -> list[object]:
        judging = ["--judge", "official-gpt", "--judge-model", "openai:gpt-test", "--controls", "none"]
        places = ["--data", data.file, "--images", data.images, "--out", out, "--prices", tmp_path / "prices.toml"]
        return ["run", "jsonl", "--model", "openai:gpt-test", "--batch", "openai", *judging, *places, *more]

    return build


def step(request: dict[str, Any]) -> str:
    """What a request asks for."""
    said = json.dumps(request["body"]["messages"])
    if "reference triggers" not in said:
        return "answer"
    return "verdict" if re.search(r"1\. reason \d", said) else "canary"


def env(server: BatchServer) -> dict[str, str]:
    return {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.base_url}


def test_a_run_goes_up_as_one_file_a_step_and_costs_half(cli, batches, command, few, lines, tmp_path):
    server = batches()
    done = cli.run(*command(few, tmp_path / "run", "--json"), env=env(server), first="")
    summary = json.loads(done.out)
    assert (done.status, summary["scored"], summary["calls"]) == (0, few.count, few.calls)
    kinds = [Counter(map(step, made.requests)) for made in server.batches.values()]
    assert sum(kinds, Counter()) == {"answer": few.count, "verdict": few.count, "canary": few.calls - 2 * few.count}
    assert [kind["answer"] for kind in kinds if kind["answer"]] == [few.count]
    assert [kind["verdict"] for kind in kinds if kind["verdict"]] == [few.count]
    assert len(kinds) <= 3, "what is known from the start goes up with the first step, or at once after it"
    assert server.keys == {f"Bearer {KEY}"}
    every = [request for made in server.batches.values() for request in made.requests]
    shown = next(request for request in every if step(request) == "answer")["body"]["messages"][0]["content"]
    assert shown[0]["image_url"]["url"].startswith("data:image/png;base64,")
    # 100 tokens in at $4 and 10 out at $20 a million: $0.0006 a call, and half of it in a batch
    assert summary["cost"] == pytest.approx(few.calls * 0.0003)
    assert [line["text"] for line in lines(tmp_path / "run" / "responses.jsonl")] == [
        f"1. reason {n}" for n in range(few.count)
    ]
    assert "batch_1" in done.err
    assert KEY not in done.err


def test_the_plan_prices_a_batch_at_half(cli, batches, command, few, tmp_path):
    server = batches()
    whole, half = (
        json.loads(cli.run(*line, "--dry-run", "--json", env=env(server)).out)["cost_at_most"]
        for line in (
            [arg for arg in command(few, tmp_path / "r") if arg not in {"--batch", "openai"}],
            command(few, tmp_path / "r"),
        )
    )
    assert whole == pytest.approx(2 * half)
    assert whole > 0
    assert not server.counts


@pytest.mark.parametrize("moment", ["handed over", "coming home"])
def test_a_killed_run_finds_its_batch_again_and_pays_once(moment, cli, batches, command, few, results, tmp_path):
    calm = batches()
    assert cli.run(*command(few, tmp_path / "calm"), env=env(calm)).status == 0

    server, run = batches(needed=10**9), tmp_path / "run"
    process = cli.start(*command(few, run), env=env(server))
    _until(lambda: server.counts["look"] >= 1)
    if moment == "coming home":
        server.needed = 1
        _until(lambda: server.counts["content"] >= 1)
    process.kill()
    process.wait()
    server.needed = 1
    done = cli.run(*command(few, run), env=env(server))
    assert done.status == 0
    assert set(server.asked().values()) == {1}
    assert len(server.asked()) == few.calls
    assert results(run) == results(tmp_path / "calm")


@pytest.mark.parametrize("deaf", ["files", "batches"])
def test_a_reply_that_never_came_is_not_paid_for_twice(deaf, cli, batches, command, few, tmp_path):
    """The connection breaks after the upload, or after the batch was made: then it is found by its tag."""
    server = batches()
    server.deaf = [deaf]
    done = cli.run(*command(few, tmp_path / "run"), env=env(server))
    assert done.status == 0
    assert set(server.asked().values()) == {1}
    assert (server.counts["list"] > 0) == (deaf == "batches")


def test_what_an_expired_batch_left_out_goes_up_again(cli, batches, command, few, tmp_path):
    left: list[str] = []

    def forgetful(body):
        said = json.dumps(body["messages"])
        if "person 3 " in said and not left:
            left.append(said)
            return None
        return answers(body)

    server = batches(forgetful, final="expired")
    done = cli.run(*command(few, tmp_path / "run", "--json"), env=env(server))
    assert (done.status, json.loads(done.out)["scored"]) == (0, few.count)
    assert sorted(server.asked().values())[-2:] == [1, 2]


@pytest.mark.parametrize("final", ["failed", "cancelled"])
def test_a_batch_that_is_turned_down_stops_the_run_and_can_be_tried_again(final, cli, batches, command, few, tmp_path):
    server, run = batches(final=final), tmp_path / "run"
    done = cli.run(*command(few, run), env=env(server))
    assert done.status == 1
    assert f"batch_1 at {server.base_url} is {final}" in done.said[-1]
    assert ("line 1 is not valid" in done.said[-1]) == (final == "failed")
    server.final = "completed"
    assert cli.run(*command(few, run), env=env(server)).status == 0


def test_an_error_in_the_batch_is_that_samples_own(cli, batches, command, few, tmp_path):
    def picky(body):
        if "person 2 " in json.dumps(body["messages"]):
            return 400, {"error": {"message": "the picture is not to our taste", "type": "invalid_request_error"}}
        return answers(body)

    server = batches(picky)
    done = cli.run(*command(few, tmp_path / "run", "--json"), env=env(server))
    summary = json.loads(done.out)
    assert (done.status, summary["unscored"]) == (0, {"rejected": 1})


def test_a_setting_the_model_does_not_take_is_left_out_of_the_next_batch(cli, batches, command, few, tmp_path):
    def strict(body):
        if "temperature" in body:
            said = "Unsupported value: 'temperature' does not support 0 with this model."
            error = {"message": said, "type": "invalid_request_error", "param": "temperature"}
            return 400, {"error": error | {"code": "unsupported_value"}}
        return answers(body)

    server = batches(strict)
    done = cli.run(*command(few, tmp_path / "run", "--json"), env=env(server))
    summary = json.loads(done.out)
    assert (done.status, summary["scored"]) == (0, few.count)
    assert summary["left_out"] == {"temperature": few.calls}


def test_garbage_in_an_output_file_is_nobodys_answer(cli, batches, command, few, tmp_path):
    server = batches()
    end = server._end

    def dirty(made):
        end(made)
        name = made.files["output"]
        clean = server.files[name]
        server.files[name] = (
            b'\xff\xfe\n[]\n{"custom_id": 7}\n' + clean + b'{"custom_id": "' + b"x" * 50 + b'"}\n{"torn'
        )

    server._end = dirty
    done = cli.run(*command(few, tmp_path / "run", "--json"), env=env(server))
    assert (done.status, json.loads(done.out)["scored"]) == (0, few.count)


def test_only_the_named_provider_goes_by_batch(cli, batches, command, few, serve, args, tmp_path):
    direct, server = serve(), batches()
    line = command(few, tmp_path / "run", "--json")
    line[line.index("openai:gpt-test")] = direct.model("mock")
    done = cli.run(*line, env=env(server))
    assert (done.status, json.loads(done.out)["scored"]) == (0, few.count)
    assert len(direct.calls) == few.count
    assert len(server.asked()) == few.calls - few.count


def test_a_batch_of_nothing_that_was_named_is_a_mistake(cli, batches, few, args, serve, tmp_path):
    done = cli.run(*args(few, serve(), tmp_path / "run", "--batch", "openai"))
    assert done.status == 2
    assert "--batch openai" in done.one_line()


def _until(true: Callable[[], bool], within: float = 20.0) -> None:
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)
