"""`whyfeel run --strategy self-ask --helper`: the chain as the fourth setting, through the whole command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from phase_server import PhaseServer, plain
from told import Told

COUNT = 3
EACH = 16  # calls about a picture, by the server's own replies, and one more to parse each of the three questions
KEPT = ("G1", "G4")  # what the triggers rest on that no gate drops


@pytest.fixture
def server() -> Iterator[PhaseServer]:
    with PhaseServer() as serving:
        yield serving


@pytest.fixture
def run(whyfeel: Callable[..., Told], server: PhaseServer, tmp_path: Path) -> Callable[..., Told]:
    """The command over three records, with the judge that asks nobody, into tmp_path/run unless told otherwise."""
    lines = []
    for number in range(COUNT):
        Image.new("RGB", (6, 6), (number, 0, 0)).save(tmp_path / f"{number}.png")
        record = {"id": f"r{number}", "image": f"{number}.png", "question": f"Why is person {number} sad?"}
        lines.append(json.dumps({**record, "emotion": "zornig", "triggers": ["A secret letter"]}))
    (tmp_path / "data.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(*more: object, strategy: str = "self-ask", helper: bool = True, json: bool = True, **where: Path) -> Told:
        places = ["--data", tmp_path / "data.jsonl", "--out", where.get("out", tmp_path / "run")]
        models = ["--model", server.vlm, *(["--helper", server.llm] if helper else [])]
        end = ["--json"] if json else []
        return whyfeel("run", "jsonl", "--strategy", strategy, *models, *places, "--controls", "none", *end, *more)

    return run


@pytest.fixture
def responses(tmp_path: Path) -> Callable[[], list[dict[str, object]]]:
    return lambda: [json.loads(line) for line in (tmp_path / "run" / "responses.jsonl").read_text().splitlines()]


def test_the_answer_is_the_list_of_what_the_gates_left(run, server, responses, tmp_path):
    told = run()
    assert told.status == 0, told.err
    assert (told.json["n"], told.json["scored"], told.json["strategy"]) == (COUNT, COUNT, "self-ask")
    assert server.phases().total() == COUNT * (EACH + 1)
    for line in responses():
        rows = [row.split(" [")[0] for row in line["text"].splitlines()]
        assert rows == [f"{number}. cause from {label}" for number, label in enumerate(KEPT, 1)]
        assert line["outcome"] == "ok"
        assert len(line["asks"]) == EACH + 1
    manifest = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (manifest["spec"]["model"], manifest["spec"]["helper"]) == ("vlm", "llm")
    assert "self-ask" in manifest["spec"]["prompts"]


def test_who_is_told_what(run, server):
    """`--gen` is for the model under test; emotion and triggers of the record are told to nobody."""
    assert run("--gen", "temperature=0.3,top_p=0.9").status == 0
    assert {(bool(one.pictures), one.model) for one in server.requests} == {(True, "vlm"), (False, "llm")}
    sent = {(one.model, one.body["temperature"], one.body.get("top_p")) for one in server.requests}
    assert sent == {("vlm", 0.3, 0.9), ("llm", 0, None)}
    assert all("zornig" not in json.dumps(one.body) for one in server.requests)
    assert all("secret" not in json.dumps(one.body) for one in server.requests)


def test_what_each_phase_took_is_in_the_summary_and_in_the_table(run, server):
    told = run()
    phases = told.json["phases"]
    asked = server.phases()
    asked["scenario"] += asked.pop("scene questions")
    assert {name: one["calls"] for name, one in phases.items()} == asked
    assert sum(one["calls"] for one in phases.values()) == told.json["calls"]
    assert all(one["tokens"] == {"in": 100 * one["calls"], "out": 10 * one["calls"]} for one in phases.values())
    assert all(one["seconds"] > 0 for one in phases.values())
    table = run(json=False).out
    begun = table.index("calls/image")
    rows = {line.split()[0]: line.split() for line in table[begun:].splitlines()[1:] if line.strip()}
    assert [name for name in rows if name in phases] == [*phases]
    assert rows["grounded"][1] == str(4 * COUNT)
    assert (rows["all"][1], rows["all"][2]) == (str(told.json["calls"]), f"{EACH + 1:.1f}")


def test_a_dry_run_counts_what_a_plain_chain_asks(run, server):
    plain(server)
    dry = run("--dry-run")
    assert (dry.status, server.requests) == (0, [])
    real = run().json
    assert {role: n for role, n in dry.json["calls"].items() if n} == {
        name: one["calls"] for name, one in real["phases"].items()
    }
    assert real["calls"] == len(server.requests) == sum(dry.json["calls"].values())


def test_run_again_it_asks_nothing_and_writes_the_same(run, server, tmp_path):
    run()
    before = (tmp_path / "run" / "responses.jsonl").read_bytes()
    asked = len(server.requests)
    assert run().status == 0
    assert len(server.requests) == asked
    assert (tmp_path / "run" / "responses.jsonl").read_bytes() == before


def test_another_judge_judges_it_and_asks_no_chain(run, whyfeel, server, tmp_path):
    run()
    asked = len(server.requests)
    told = whyfeel(
        *("judge", tmp_path / "run", "--judge", "official-llama3", "--judge-model", f"{server.url}#judge"),
        *("--controls", "none", "--json"),
    )
    assert told.status == 0, told.err
    assert set(server.phases(asked)) == {"judge"}
    assert told.json["scored"] == COUNT


def test_an_annotation_of_the_same_pictures_has_paid_for_most_of_it(run, whyfeel, server, tmp_path):
    """The chain is one and the same; only who asks differs."""
    source = tmp_path / "source.jsonl"
    lines = [{"image": f"{n}.png", "query": f"Why is person {n} sad?"} for n in range(COUNT)]
    source.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    models = ["--vlm", server.vlm, "--llm", server.llm]
    assert whyfeel("annotate", source, *models, "--out", tmp_path / "annotated", "--json").status == 0
    asked = len(server.requests)
    assert run("--reuse", tmp_path / "annotated").json["scored"] == COUNT
    assert len(server.requests) == asked


def test_the_model_helps_itself_where_nobody_else_is_named(run, server, tmp_path):
    assert run(helper=False).status == 0
    assert {one.model for one in server.requests} == {"vlm"}
    assert json.loads((tmp_path / "run" / "run.json").read_text())["spec"]["helper"] == "vlm"
    told = run()
    assert told.status == 2
    assert "helper" in told.err


@pytest.mark.parametrize("strategy", ["direct", "caption", "direct+cot"])
def test_other_strategies_ask_no_helper(strategy, run, server):
    told = run(strategy=strategy)
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("whyfeel: --helper: the strategy ")
    assert told.err.count("\n") == 1
    assert server.requests == []


def test_a_modifier_has_nothing_to_modify(run, server):
    told = run(strategy="self-ask+cot")
    assert (told.status, told.err.count("\n")) == (2, 1)
    assert server.requests == []
