"""The judge `pairwise` through whole runs: people's answers or another run's, controls, resume, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scripted_runs import ANSWERER, JUDGE_MODEL, Sitting, words, write_lines

from phase_server import PhaseServer
from preferring_judge import pair, preference, preferring
from told import Told
from whyfeel.engine import Request
from whyfeel.errors import DataError, UserError
from whyfeel.judging import CANARY_SAMPLES, canaries_of
from whyfeel.records import Sample, Trigger
from whyfeel.runs import RunFolder, run_options
from whyfeel.runs.finished import read_finished
from whyfeel.runs.headline import headline
from whyfeel.runs.opponents import Against, opponent_of
from whyfeel.runs.rehearse import rehearse
from whyfeel.runs.spec import JudgeSpec
from whyfeel.strategies import BASELINES
from whyfeel.tasks import open_task

Sit = Callable[..., Sitting]
Whyfeel = Callable[..., Told]
Records = Callable[..., Path]
PAIRWISE = ("--judge", "pairwise", "--judge-model")
COUNT = 4


def marks(text: str) -> float:
    """What the judges of these tests like: tears first, then keys."""
    return 2 * ("tears" in text) + ("keys" in text)


def judge(request: Request) -> str:
    return preferring(marks)(words(request))


@pytest.fixture
def run(tmp_path: Path, sit: Sit, records: Records) -> Callable[..., Sitting]:
    """A run over four records whose people all wrote "reason N" and "lost keys"."""

    def sitting(out: str = "a", answer: str = "tears", verdict: Callable[[Request], str] = judge, **given: Any) -> Any:
        given = {"task": "jsonl", "data": records(COUNT), "judge": "pairwise", "judge_model": JUDGE_MODEL} | given
        return sit(tmp_path / out, lambda _: answer, verdict, **given)

    return sitting


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def overall(summary: dict[str, Any]) -> dict[str, float]:
    return {name: by["overall"]["value"] for name, by in summary["scores"].items()}


def test_a_whole_run_against_people(run: Callable[..., Sitting], tmp_path: Path) -> None:
    told = run(controlled=True)
    summary = told.summary
    assert overall(summary) == {"preferred": 1, "won": 1, "tied": 0, "lost": 0, "consistent": 1}
    assert summary["scores"]["preferred"]["overall"]["n"] == summary["scored"] == COUNT
    assert list(summary["scores"]["preferred"]) == ["overall", "macro", "sad", "happy"]
    assert summary["pairwise"] == {"consistency": 1, "n": COUNT, "first": 0.5, "decided": 2 * COUNT, "identical": 0}
    assert "with people's, in both orders" in summary["note"]
    # an oracle says what people wrote and ties, which is no failing of the judge; an empty answer loses
    assert {name: one["preferred"] for name, one in summary["controls"].items()} == {
        **dict.fromkeys(("oracle", "shuffled", "stuff", "top5", "prior"), 0.5),
        **dict.fromkeys(("empty", "echo"), 0),
    }
    assert list(summary["controls"]) == list(BASELINES)
    assert summary["headline"] == {"score": "preferred"}
    assert summary["canaries"] == {"n": CANARY_SAMPLES * len(canaries_of("pairwise")), "unscored": 0, "paid": []}
    detail = lines(tmp_path / "a" / "judgements.jsonl")[0]["detail"]
    assert (detail["against"], len(detail["orders"])) == ("human", 2)
    shown = {frozenset((pair(words(one))["a"], pair(words(one))["b"])) for one in told.judge.requests}
    assert frozenset(("tears", "reason 0\nlost keys")) in shown
    again = run(controlled=True)
    assert again.judge.requests == again.answerer.requests == []
    assert {**again.summary, "seconds": 0} == {**summary, "seconds": 0}


def test_a_judge_that_goes_by_the_place_prefers_nobody(run: Callable[..., Sitting]) -> None:
    """Each run is a tie; so is stuffing, so that the headline does not stand."""
    summary = run(verdict=lambda request: preference(words(request), "A"), controlled=True).summary
    assert overall(summary) == {"preferred": 0.5, "won": 0, "tied": 1, "lost": 0, "consistent": 0}
    assert summary["pairwise"]["first"] == 1
    assert summary["headline"] == {"refused": "a list of common triggers scores 0.500, the model 0.500"}


def test_a_judge_that_can_be_talked_to_is_found_out(run: Callable[..., Sitting]) -> None:
    said = dict.fromkeys(canaries_of("pairwise"), 1.0)
    summary = run(
        verdict=lambda request: preferring(lambda text: said.get(text, 0.0))(words(request)), controlled=True
    ).summary
    all_of_them = CANARY_SAMPLES * len(said)
    assert len(summary["canaries"]["paid"]) == all_of_them
    assert f"{all_of_them} of {all_of_them} canaries" in summary["headline"]["refused"]


def test_the_rule_of_the_oracle_is_for_other_scores() -> None:
    controls = {"stuff": {"preferred": 0.1}, "oracle": {"preferred": 0.5}}
    assert headline("preferred", 0.4, controls, 0, 24) == {"score": "preferred"}
    assert "common triggers" in headline("preferred", 0.1, controls, 0, 24)["refused"]
    assert "could not be judged" in headline("preferred", 0.4, {"stuff": {"preferred": None}}, 0, 24)["refused"]


# --- another run ---------------------------------------------------------------------------------------------------


def test_the_command_compares_two_runs_through_a_server(
    run: Callable[..., Sitting], whyfeel: Whyfeel, tmp_path: Path
) -> None:
    for out, answer, model in (("a", "tears", ANSWERER), ("b", "keys", "http://127.0.0.1:9/v1#gpt-4")):
        run(out, answer, model=model, judge="overlap", judge_model=None)
    with PhaseServer() as server:
        server.say["judge"] = lambda request: preferring(marks)(request.said)
        one = (*PAIRWISE, f"{server.url}#judge")
        against = ("--against", tmp_path / "b", "--controls", "none", "--json")
        told = whyfeel("judge", tmp_path / "a", *one, *against)
        assert (told.status, told.err) == (0, "")
        # one pair of answers for all records, but the question in each prompt is another
        assert overall(told.json)["preferred"] == 1
        calls = len(server.requests)
        assert calls == 2 * COUNT + 2 * COUNT * len(canaries_of("pairwise"))
        assert {one.body["response_format"]["type"] for one in server.requests} == {"json_schema"}
        again = whyfeel("judge", tmp_path / "a", *one, *against)
        assert (again.status, len(server.requests)) == (0, calls)
        assert {**again.json, "seconds": 0} == {**told.json, "seconds": 0}
        server.say["judge-2"] = lambda request: preference(request.said, "A")
        several = (*PAIRWISE, f"{server.url}#judge,{server.url}#gpt-4o")
        panel = whyfeel("judge", tmp_path / "a", *several, *against)
        assert overall(panel.json) == {"preferred": 0.75, "won": 0.5, "tied": 0.5, "lost": 0, "consistent": 0.5}
        assert [(one["model"], one["consistency"], one["first"]) for one in panel.json["pairwise"]["members"]] == [
            ("judge", 1, 0.5),
            ("gpt-4o", 0, 1),
        ]
        assert panel.json["pairwise"]["agreement"]["exact"] == 0
        assert [warning.split(";")[0] for warning in panel.json["warnings"]] == [
            "the judge gpt-4o and the model gpt-4 are of one family (gpt)"
        ]
        # the table knows what to do with it
        assert whyfeel("judge", tmp_path / "a", *several, *against[:-1]).out
    judges = [name for name in RunFolder(tmp_path / "a").read_manifest()["judges"] if name.startswith("pairwise-")]
    for name, preferred in zip(judges, (1.0, 0.75), strict=True):
        finished = read_finished(tmp_path / "a", judge=name)
        assert finished.score("preferred").numerator.tolist() == [preferred] * COUNT
        assert {one.detail["against"] for one in finished.judgements} == {"gpt-4 direct"}
        assert "with that of gpt-4 direct, in both orders" in finished.summary["note"]


def options(tmp_path: Path, **given: Any) -> Any:
    return run_options({"out": tmp_path / "a", "task": "jsonl", "model": ANSWERER, "judge": "pairwise", **given})


def test_another_run_is_another_judge_and_so_is_a_changed_one(run: Callable[..., Sitting], tmp_path: Path) -> None:
    task = open_task("jsonl", run("b", "keys", judge="overlap", judge_model=None) and tmp_path / "records", None)
    human = opponent_of(options(tmp_path), task, iter(task))
    assert (human.mark, human.model, human.opponent.name) == ("human", "", "human")
    assert human.opponent.answers == {f"r0{n}": f"reason {n}\nlost keys" for n in range(COUNT)}
    against = options(tmp_path, against=tmp_path / "b")
    before = opponent_of(against, task, iter(task))
    assert (before.opponent.name, before.model) == ("m direct", "m")
    assert before.opponent.answers == dict.fromkeys(human.opponent.answers, "keys")
    responses = tmp_path / "b" / "responses.jsonl"
    first, second, third, last = lines(responses)
    unscored = {"id": first["id"], "unscored": {"reason": "timeout", "detail": ""}, "asks": []}
    write_lines(responses, [unscored, second | {"text": ""}, third, last])
    after = opponent_of(against, task, iter(task))
    assert after.opponent.answers == {"r01": "", "r02": "keys", "r03": "keys"}
    assert len({human.mark, before.mark, after.mark}) == 3
    ids = {JudgeSpec("pairwise", "m", {}, {}, against=one.mark).id for one in (human, before, after)}
    assert len(ids) == 3


def test_a_change_of_the_other_run_is_noticed(run: Callable[..., Sitting], tmp_path: Path) -> None:
    run("b", "keys", judge="overlap", judge_model=None)
    run("c", against=tmp_path / "b")
    responses = tmp_path / "b" / "responses.jsonl"
    write_lines(responses, [one | {"text": "other"} for one in lines(responses)])
    with pytest.raises(UserError, match=r"judge\.against is '[0-9a-f]{64}' there and '[0-9a-f]{64}' here"):
        run("c", against=tmp_path / "b")


def test_what_the_other_run_lacks_is_unscored(run: Callable[..., Sitting], tmp_path: Path) -> None:
    run("b", "keys", judge="overlap", judge_model=None, limit=1)
    summary = run(against=tmp_path / "b").summary
    assert (summary["scored"], summary["unscored"]) == (1, {"no opponent": COUNT - 1})
    assert summary["scores"]["preferred"]["overall"]["bounds"] == [0.25, 1]


def test_what_cannot_be_compared_is_refused(run: Callable[..., Sitting], tmp_path: Path, records: Records) -> None:
    run("b", judge="overlap", judge_model=None)
    task = open_task("jsonl", tmp_path / "records", None)

    def ask(**given: Any) -> Against:
        return opponent_of(options(tmp_path, **given), task, iter(task))

    with pytest.raises(UserError, match="--against is for the judge pairwise, not for verdicts"):
        ask(judge="verdicts", against=tmp_path / "b")
    with pytest.raises(UserError, match="is the run itself"):
        ask(out=tmp_path / "b", against=tmp_path / "x" / ".." / "b")
    with pytest.raises(DataError, match="a run folder has one"):
        ask(against=tmp_path / "none")
    other = open_task("jsonl", records(COUNT + 1, name="more"), None)
    with pytest.raises(UserError, match=r"is a run on other records: r\.jsonl is"):
        opponent_of(options(tmp_path, against=tmp_path / "b"), other, iter(other))
    scenes = open_task("scenes", None, None)
    with pytest.raises(UserError, match="is a run of another task: jsonl, not scenes"):
        opponent_of(options(tmp_path, against=tmp_path / "b"), scenes, iter(scenes))
    (tmp_path / "b" / "responses.jsonl").unlink()
    with pytest.raises(DataError, match=r"has no responses\.jsonl yet: finish that run first"):
        ask(against=tmp_path / "b")


# --- what else reads a judge ---------------------------------------------------------------------------------------


def test_judges_that_compare_nothing_keep_their_ids() -> None:
    """Written down before there was a judge that compares."""
    assert JudgeSpec("overlap", None, {}, {}, version="4").id == "overlap-27f44e7a"
    assert JudgeSpec("verdicts", "openai:x", {"seed": 1}, {"verdicts": "ab"}, "p", "2").id == "verdicts-833bd3cf"
    assert JudgeSpec("official-gpt", "openai:x", {}, {"official": "cd"}).id == "official-gpt-958aaeae"


class People(list[Sample]):
    """Samples to which several people wrote."""

    name, alternatives = "people", True


def test_where_one_of_several_people_is_drawn_another_seed_is_another_judge(tmp_path: Path) -> None:
    wrote = tuple(Trigger(f"person {n}") for n in range(20))
    task: Any = People([Sample("s", "Why?", "sad", wrote, (), "s"), Sample("t", "Why?", "sad", (), (), "t")])
    one, other = (opponent_of(options(tmp_path, seed=seed), task, iter(task)) for seed in (0, 1))
    assert [one.mark, other.mark] == ["human, seed 0", "human, seed 1"]
    assert one.opponent.answers != other.opponent.answers
    for found in (one, other):
        assert list(found.opponent.answers) == ["s"]
        assert found.opponent.answers["s"] in {trigger.text for trigger in wrote}


def test_a_dry_run_counts_two_calls_a_sample(tmp_path: Path, records: Records) -> None:
    given = {"task": "jsonl", "data": records(COUNT), "judge_model": JUDGE_MODEL, "controls": "none"}
    told = rehearse(options(tmp_path, **given))
    canaries = 2 * COUNT * len(canaries_of("pairwise"))
    assert told["parts"] == {"samples": COUNT + 2 * COUNT, "canaries": canaries}
    assert told["calls"] == {"answer": COUNT, "judge": 2 * COUNT + canaries}
    # each answer, as long as it is let, is read twice
    short, long = (rehearse(options(tmp_path, **given, gen={"max_tokens": n}))["tokens"]["in"] for n in (100, 1100))
    assert long - short == 2 * COUNT * 1000


def test_runs_are_compared_and_calibration_is_refused_in_one_line(
    run: Callable[..., Sitting], whyfeel: Whyfeel, tmp_path: Path
) -> None:
    run("a")
    run("b", "keys")
    told = whyfeel("compare", tmp_path / "a", tmp_path / "b", "--json")
    assert told.status == 0
    (pair_,) = told.json["comparisons"]
    assert (told.json["score"], pair_["difference"]) == ("preferred", 0.5)
    labels = write_lines(tmp_path / "labels.jsonl", [{"id": "r00", "score": 1}])
    told = whyfeel("calibrate", tmp_path / "a", "--labels", labels)
    assert (told.status, told.err.count("\n")) == (2, 1)
    assert "the judge pairwise gives no recall: --score is needed; of preferred, won" in told.err
    told = whyfeel("calibrate", tmp_path / "a", "--labels", labels, "--score", "preferred", "--json")
    assert (told.status, told.json["score"]) == (0, "preferred")


def test_an_answer_file_is_compared(whyfeel: Whyfeel, tmp_path: Path, basic: Callable[..., Path]) -> None:
    image = "CAER-S/train/Happy/1.png"
    answers = write_lines(tmp_path / "answers.jsonl", [{image: "tears"}])
    data = ("--task", "eibench-basic", "--data", basic({image: 2}), "--controls", "none", "--json")
    with PhaseServer() as server:
        server.say["judge"] = lambda request: preferring(marks)(request.said)
        told = whyfeel("judge-answers", answers, *data, *PAIRWISE, f"{server.url}#judge", "--out", tmp_path / "r")
    assert (told.status, overall(told.json)["preferred"]) == (0, 1)


def test_a_judge_of_either_sides_family_is_warned_of(run: Callable[..., Sitting], tmp_path: Path) -> None:
    gpt = {"judge_model": "http://127.0.0.1:9/v1#gpt-4o"}
    run("b", "keys", judge="overlap", judge_model=None, model="http://127.0.0.1:9/v1#gpt-3.5")
    own = run("c", model="http://127.0.0.1:9/v1#gpt-4", **gpt).summary["warnings"]
    other = run("d", against=tmp_path / "b", **gpt).summary["warnings"]
    assert [len(one) for one in (own, other)] == [1, 1]
    assert "the model gpt-4 are of one family (gpt)" in own[0]
    assert "the model gpt-3.5 are of one family (gpt)" in other[0]
    assert RunFolder(tmp_path / "d").read_manifest()["spec"]["judge"]["against"]
