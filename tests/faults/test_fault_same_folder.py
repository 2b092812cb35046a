"""Two processes, or two different runs, that want one folder."""

from __future__ import annotations

import pytest
from chat_server import after, good


def test_a_second_process_is_refused_and_told_who_is_first(few, serve, cli, args, tmp_path):
    server, run = serve(after(0.3)), tmp_path / "run"
    command = args(few, server, run, "--concurrency", 1)
    first = cli.start(*command)
    server.wait_for(1)
    second = cli.run(*command)
    assert second.status == 2
    assert f"process {first.pid} " in second.one_line()
    assert first.poll() is None, "the second process harmed the first"
    server.script = good
    assert cli.end(first).status == 0
    assert len(server.calls) == few.calls


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (["--model", "http://127.0.0.1:9/v1#other"], "model is 'mock' there and 'other' here"),
        (["--gen", "temperature=0.5"], "gen.temperature is None there and 0.5 here"),
        (["--judge-gen", "top_p=0.5"], "judge.gen.top_p is None there and 0.5 here"),
        (["--judge", "official-gpt"], "judge.name is 'official-llama3' there and 'official-gpt' here"),
        (["--judge-model", "http://127.0.0.1:9/v1#other"], "judge.model is 'judge' there and 'other' here"),
        (["--strategy", "direct+cot"], "strategy is 'direct' there and 'direct+cot' here"),
        (["--seed", "7"], "seed is 0 there and 7 here"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_folder_of_another_run_is_refused_with_the_difference(
    change, difference, few, serve, cli, here, args, tmp_path
):
    server, run = serve(good), tmp_path / "run"
    here(few, server, run, limit=2)

    def files():
        return {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != ".lock"}

    before = files()
    done = cli.run(*args(few, server, run), *change)
    assert done.status == 2
    assert difference in done.one_line()
    assert len(server.calls) == 4
    assert files() == before


def test_other_records_are_another_run(few, data, serve, cli, here, args, tmp_path):
    server, run = serve(good), tmp_path / "run"
    here(few, server, run)
    done = cli.run(*args(data, server, run))
    assert done.status == 2
    assert "data.data.jsonl is" in done.one_line()


def test_limits_addresses_and_budgets_are_no_other_run(few, serve, here, tmp_path):
    run = tmp_path / "run"
    here(few, serve(good), run, limit=2)
    again = here(few, serve(good), run, concurrency=3, rpm=60_000, tpm=10**9, max_calls=10**6)
    assert again.summary["scored"] == few.count
