"""`whyfeel annotate` from pictures to triggers, over HTTP; every count is worked out by hand from phase_server.py."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from typing import Any

import pytest

from phase_server import plain
from whyfeel.media import MediaStore
from whyfeel.records import Annotation
from whyfeel.strategies.self_ask import SelfAsk
from whyfeel.tasks import open_task

# what is asked about one picture: seven answers, five triggers of which one is a duplicate, so four to be grounded
EACH = {
    "rebuild": 1,
    "general": 4,
    "scene questions": 1,
    "scenario": 3,
    "summary": 1,
    "duplicate": 1,
    "grounded": 4,
    "relevant": 1,
}
CALLS = sum(EACH.values())
FATES = ["", "duplicate of t1", "", "not grounded", "not relevant"]


def check_sums(summary: dict[str, Any], annotations: list[Annotation]) -> None:
    """The summary says what the annotations add up to."""
    done = [one for one in annotations if one.unscored is None]
    triggers = [trigger for one in done for trigger in one.triggers]
    kept = [trigger for trigger in triggers if not trigger.dropped]
    fates = Counter(trigger.dropped.partition(" of ")[0] for trigger in triggers if trigger.dropped)
    kinds = Counter(trigger.kind or "unsaid" for trigger in kept)
    assert (summary["n"], summary["annotated"]) == (len(annotations), len(done))
    assert summary["unscored"] == Counter(one.unscored.reason for one in annotations if one.unscored)
    explicit = sum(trigger.explicit is True for trigger in kept)
    counted = {"found": len(triggers), "kept": len(kept), "explicit": explicit, "dropped": fates}
    assert summary["triggers"] == counted
    assert {kind: n for kind, n in summary["kinds"].items() if n} == kinds
    assert summary["without_triggers"] == sum(not one.kept for one in done)
    assert summary["flags"] == Counter(flag for one in annotations for flag in one.flags)
    phases = summary["phases"].values()
    assert summary["calls"] == sum(phase["calls"] for phase in phases)
    for way in ("in", "out"):
        assert summary["tokens"][way] == sum(phase["tokens"][way] for phase in phases)


def check_provenance(run: Any, annotation: Annotation) -> None:
    """Every step is in the ledger as it is told; every trigger leads to the summary and to the answers it cites."""
    by_key = {}
    for step in annotation.steps:
        assert run.answer(step.ask).text == step.answer
        asked = run.asked(step.ask)
        assert asked["role"] == step.phase
        assert step.question in json.dumps(asked["messages"], ensure_ascii=False)
        by_key[step.ask] = step
    for trigger in annotation.triggers:
        steps = {by_key[key].label: by_key[key] for key in trigger.asks}
        assert steps.pop("").phase == "summary"
        cited = [text.split()[2:] for text in (trigger.text, *trigger.merged)]
        assert [label for label, _ in cited] == [*steps]
        assert all(digest in steps[label].answer for label, digest in cited)


@pytest.mark.parametrize(("source", "count"), [("images_permissive", 6), ("scenes", 24)])
def test_from_pictures_to_triggers(source, count, shared, annotate, server, finished, lines, tmp_path):
    told = annotate(source if source == "scenes" else shared / "data" / source)
    assert told.status == 0, told.err
    annotations = list(finished().annotations())
    assert len(annotations) == count
    queries = {one.query for one in annotations}
    assert server.phases() == {phase: n * count for phase, n in EACH.items()} | {"parse": len(queries)}
    assert set(server.digests().values()) == {1}
    for one in annotations:
        assert [trigger.dropped for trigger in one.triggers] == FATES
        check_provenance(finished(), one)
    check_sums(told.json, annotations)
    assert told.json["calls"] == CALLS * count + len(queries)
    assert told.json == json.loads((tmp_path / "run" / "summary.json").read_text())
    assert [line["image"] for line in lines()] == [one.image for one in annotations]
    assert [one.image for one in annotations] == sorted(one.image for one in annotations) or source == "scenes"
    before = (tmp_path / "run" / "annotations.jsonl").read_bytes()
    again = annotate(source if source == "scenes" else shared / "data" / source)
    assert len(server.requests) == told.json["calls"], "what is known was asked again"
    assert again.json | {"seconds": 0} == told.json | {"seconds": 0}
    assert (tmp_path / "run" / "annotations.jsonl").read_bytes() == before


def test_a_picture_is_read_once_a_chain_and_stands_before_every_word(annotate, folder, server, monkeypatch):
    """So that a server which caches prefixes keeps picture and opening."""
    read: Counter[str] = Counter()
    genuine = MediaStore.read
    monkeypatch.setattr(MediaStore, "read", lambda self, one: read.update([one.path]) or genuine(self, one))
    assert annotate(folder, "--concurrency", 2).status == 0
    assert read == {"a.png": 1, "b.png": 1, "c.png": 1}
    prefixes: dict[str, set[str]] = {}
    for request in server.requests:
        if not request.pictures:
            assert request.model == "llm"
            continue
        assert request.model == "vlm"
        (turn,) = request.body["messages"]
        assert [part["type"] for part in turn["content"]] == ["image_url", "text"]
        prefixes.setdefault(request.pictures[0], set()).add(turn["content"][1]["text"].partition("\n\n")[0])
    assert len(prefixes) == 3
    assert len(set.union(*prefixes.values())) == 1


def test_what_a_model_is_told_is_the_query_and_the_picture(annotate, folder, server):
    """The gate `grounded` sees a claim and nothing of where it comes from."""
    assert annotate(folder, "--limit", 1, "--emotion", "wistful", "--query", "Why are they so?").status == 0
    about = "Why are they so? (Meant is the person; the emotion asked about is wistful.)"
    told = {request.phase for request in server.requests if "wistful" in request.said}
    assert told == {"parse", "scene questions", "summary", "relevant"}
    assert all(about in request.said for request in server.requests if request.phase in told)
    for request in server.requests:
        if request.phase == "grounded":
            assert "cause from" in request.said
            assert "Why" not in request.said


@pytest.mark.parametrize(
    ("gates", "asked", "fates"),
    [
        ("none", {}, [""] * 5),
        ("duplicate", {"duplicate": 1}, ["", "duplicate of t1", "", "", ""]),
        ("grounded", {"grounded": 5}, ["", "", "", "not grounded", ""]),
        ("relevant , grounded", {"grounded": 5, "relevant": 1}, ["", "", "", "not grounded", "not relevant"]),
    ],
)
def test_gates_can_be_turned_off(gates, asked, fates, annotate, folder, server, lines):
    told = annotate(folder, "--limit", 1, "--gates", gates)
    assert told.status == 0
    counts = server.phases()
    assert {gate: counts[gate] for gate in ("duplicate", "grounded", "relevant") if counts[gate]} == asked
    (line,) = lines()
    assert [one["dropped"] for one in line["triggers"]] == fates
    assert [*told.json["phases"]][5:] == [gate for gate in ("duplicate", "grounded", "relevant") if gate in asked]


def test_annotations_of_which_every_trigger_is_dropped_are_counted(annotate, folder, server, lines):
    server.say["grounded"] = lambda _: "absent"
    summary = annotate(folder).json
    check_sums(summary, [Annotation.from_json(line) for line in lines()])
    assert (summary["without_triggers"], summary["triggers"]["kept"]) == (3, 0)


def test_scenes_limit_and_settings_reach_whom_they_are_for(annotate, folder, server, lines):
    settings = ("--gen", "temperature=0.3,top_p=0.9", "--llm-gen", "temperature=0.1")
    assert annotate(folder, "--limit", 2, "--scenes", 5, *settings).status == 0
    assert [line["id"] for line in lines()] == ["a.png", "b.png"]
    assert server.phases()["scenario"] == 10
    sent = {(one.model, one.body["temperature"], one.body.get("top_p")) for one in server.requests}
    assert sent == {("vlm", 0.3, 0.9), ("llm", 0.1, None)}


def test_a_task_with_its_data_and_pictures(annotate, eibench, paint, server, lines, tmp_path):
    """The released questions, without the released triggers."""
    first = list(islice(open_task("eibench-basic", eibench, tmp_path), 2))
    paint(tmp_path / "standing-in", *(sample.media[0].path for sample in first))
    told = annotate("eibench-basic", "--data", eibench, "--images", tmp_path / "standing-in", "--limit", 2)
    assert told.status == 0, told.err
    assert [(line["id"], line["query"], line["emotion"]) for line in lines()] == [
        (sample.id, sample.question, sample.emotion) for sample in first
    ]
    assert told.json["source"] == "eibench-basic"
    sent = json.dumps([request.body["messages"] for request in server.requests if not request.pictures])
    assert not any(trigger.text in sent for sample in first for trigger in sample.triggers)


def test_emotion_and_person_are_the_records_or_else_the_querys(annotate, paint, server, lines, tmp_path):
    """Nobody guesses them: where neither names one there is none."""
    paint(tmp_path, "a.png", "b.png")
    records = [
        {"id": "1", "image": "a.png", "emotion": "sad", "person": "the man"},
        {"id": "2", "image": "a.png", "query": "Why is the child on the left glad?"},
        {"id": "3", "image": "b.png"},
    ]
    file = tmp_path / "records.jsonl"
    file.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")

    def parse(request):
        named = ("the child on the left", "glad") if "the child on the left" in request.said else ("", "")
        return json.dumps({"person": named[0], "emotion": named[1], "task": "Find the causes."})

    server.say["parse"] = parse
    assert annotate(file).status == 0
    assert [(line["id"], line["emotion"], line["person"]) for line in lines()] == [
        ("1", "sad", "the man"),
        ("2", "glad", "the child on the left"),
        ("3", "", ""),
    ]


@pytest.mark.parametrize(("name", "source"), [("pictures", "pictures"), ("plan", "./plan")])
def test_a_folder_may_have_the_name_of_a_command(name, source, annotate, paint, lines, monkeypatch, tmp_path):
    paint(tmp_path / name, "a.png")
    monkeypatch.chdir(tmp_path)
    assert annotate(source, "--gates", "none").status == 0
    assert [line["id"] for line in lines()] == ["a.png"]


def test_one_model_does_both_where_no_other_is_named(whyfeel, folder, server, tmp_path):
    told = whyfeel("annotate", "--vlm", server.vlm, folder, "--limit", 1, "--out", tmp_path / "run", "--json")
    assert told.status == 0, told.err
    assert (told.json["vlm"], told.json["llm"]) == ("vlm", "vlm")
    assert {one.model for one in server.requests} == {"vlm"}


def test_confidence_is_how_often_a_trigger_returns(annotate, folder, server, lines):
    """Two chains see the same, but the second one's summary leaves out what rests on G1 and G4.

    G1's trigger comes back in the words of its duplicate from G2, so it counts as found by both.
    """
    complete = server.say["summary"]

    def forgetful(request):
        if request.times == 1:
            return complete(request)
        listed = json.loads(complete(request))["triggers"]
        return json.dumps({"triggers": [one for one in listed if one["from"][0] not in {"G1", "G4"}]})

    server.say["summary"] = forgetful
    told = annotate(folder, "--limit", 1, "--repeat", 2)
    assert told.status == 0
    (line,) = lines()
    by_label = {one["text"].split()[2]: one["confidence"] for one in line["triggers"]}
    assert by_label == {"G1": 1.0, "G2": 1.0, "G4": 0.5, "S1": 1.0, "S2": 1.0}
    assert all(one.body["temperature"] == 0.7 for one in server.requests if one.phase in {"general", "summary"})
    once = server.phases()
    assert (once["parse"], once["general"], once["summary"]) == (1, 8, 2)
    assert (once["duplicate"], once["grounded"], once["relevant"]) == (1, 4, 1)


def test_general_questions_of_a_plan_are_asked_instead(annotate, folder, server, lines, tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text('questions = ["What is on the walls?", "Who is leaving?"]\n', encoding="utf-8")
    assert annotate(folder, "--limit", 1, "--plan", plan).status == 0
    assert server.phases()["general"] == 2
    (line,) = lines()
    asked = [one["question"] for one in line["steps"] if one["phase"] == "general"]
    assert asked == ["What is on the walls?", "Who is leaving?"]
    told = annotate(folder, "--limit", 1)
    assert told.status == 2
    assert "settings" in told.err


def test_a_bound_on_calls_stops_it_and_a_higher_one_goes_on(annotate, folder, server, lines, tmp_path):
    calm = annotate(folder, out=tmp_path / "calm")
    whole, begun = calm.json["calls"], len(server.requests)
    told = annotate(folder, "--max-calls", 30, "--concurrency", 1)
    assert told.status == int(not told.json["annotated"])
    assert len(server.requests) - begun == 30
    assert told.json["unscored"]["budget"] >= 1
    check_sums(told.json, [Annotation.from_json(line) for line in lines()])
    told = annotate(folder, "--max-calls", whole)
    assert told.json["annotated"] == 3
    assert len(server.requests) - begun == whole
    assert lines() == lines(tmp_path / "calm")


def test_what_another_run_paid_for_is_free(annotate, folder, server, lines, tmp_path):
    """Other gates ask other questions, but the chain before them is known."""
    annotate(folder, "--gates", "none", out=tmp_path / "first")
    begun = len(server.requests)
    told = annotate(folder, "--reuse", tmp_path / "first")
    assert server.phases(begun) == {"duplicate": 3, "grounded": 12, "relevant": 3}
    assert told.json["calls"] == 18
    assert told.json["phases"]["general"] == {"calls": 0, "tokens": {"in": 0, "out": 0}, "cost": 0, "seconds": None}
    check_sums(told.json, [Annotation.from_json(line) for line in lines()])
    told = annotate(folder, "--reuse", tmp_path / "nowhere")
    assert (told.status, told.err.count("\n")) == (2, 1)


def test_a_dry_run_counts_what_a_plain_chain_asks(annotate, folder, server, tmp_path):
    plain(server)
    dry = annotate(folder, "--dry-run")
    assert dry.status == 0
    assert server.requests == []
    assert not (tmp_path / "run").exists()
    real = annotate(folder)
    assert {role: n for role, n in dry.json["calls"].items() if n} == {
        phase: one["calls"] for phase, one in real.json["phases"].items()
    }
    again = annotate(folder, "--dry-run", "--reuse", tmp_path / "run")
    assert sum(again.json["calls"].values()) == 0
    assert again.json["known"] == real.json["calls"]


def test_a_dry_run_needs_no_key_and_a_run_does(whyfeel, folder, monkeypatch, tmp_path):
    monkeypatch.setattr("whyfeel.models.connection.trusted", lambda: True)  # nothing is connected to
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    words = ["annotate", folder, "--vlm", "openai:gpt-4o", "--out", tmp_path / "run"]
    dry = whyfeel(*words, "--dry-run")
    assert dry.status == 0, dry.err
    assert "grounded" in dry.out
    told = whyfeel(*words)
    assert (told.status, told.err.count("\n")) == (2, 1)
    assert "OPENAI_API_KEY" in told.err


def test_a_folder_may_grow(annotate, paint, folder, server, lines):
    annotate(folder)
    begun = len(server.requests)
    paint(folder, "aa.png")
    assert annotate(folder).json["n"] == 4
    assert len(server.requests) - begun == CALLS, "only the new picture is asked about; the query is parsed already"
    assert [line["id"] for line in lines()] == ["a.png", "aa.png", "b.png", "c.png"]


def test_a_folder_may_move_and_another_one_is_refused(annotate, paint, folder, server, tmp_path):
    annotate(folder)
    before, asked = (tmp_path / "run" / "annotations.jsonl").read_bytes(), len(server.requests)
    moved = folder.rename(tmp_path / "moved")
    assert annotate(moved).status == 0
    assert (tmp_path / "run" / "annotations.jsonl").read_bytes() == before
    paint(tmp_path / "other", "z.png")
    refused = annotate(tmp_path / "other")
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert f"the annotations of {str(moved)!r}" in refused.err
    assert (tmp_path / "run" / "annotations.jsonl").read_bytes() == before
    assert len(server.requests) == asked
    next(moved.glob("*.png")).unlink()  # taken out of the same folder: that is for its owner to say
    assert annotate(moved).status == 0


def test_the_table_says_what_the_summary_says(annotate, folder, tmp_path):
    told = annotate(folder, json=False)
    assert "3 of 3" in told.out
    assert "dropped: not grounded" in told.out
    assert str(tmp_path / "run") in told.out.replace("\n", "")
    assert max(map(len, told.out.splitlines())) <= 80
    assert "pictures go to 127.0.0.1" in told.err


def test_a_fault_of_ours_leaves_one_picture_out_and_says_so(annotate, folder, lines, monkeypatch):
    def broken(self, sample):
        if sample.id == "b.png":
            raise ZeroDivisionError("of \x1b[2Jours")
        return (yield from genuine(self, sample))

    genuine = SelfAsk.annotate
    monkeypatch.setattr(SelfAsk, "annotate", broken)
    told = annotate(folder)
    assert told.status == 1
    assert told.json["unscored"] == {"fault": 1}
    assert "an internal fault left a sample without triggers: b.png: ZeroDivisionError: of \\x1b[2Jours" in told.err
    assert [line["unscored"] is None for line in lines()] == [True, False, True]


def test_a_prompt_that_the_server_does_not_know_is_told(annotate, folder, server, tmp_path):
    """So that none of these tests passes because nothing was asked."""
    (tmp_path / "p.toml").write_text('["self-ask"]\nrebuild = "Reword: $task"\n', encoding="utf-8")
    told = annotate(folder, "--prompts", tmp_path / "p.toml", "--limit", 1)
    assert server.phases() == {"parse": 1, "unknown": 1}
    assert told.status == 1
    assert told.err.endswith("whyfeel: nothing could be annotated: rejected (1)\n")
