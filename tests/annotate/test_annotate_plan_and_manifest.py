"""What is checked before the first call, and which sittings may share a folder."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from whyfeel.annotate import annotate_options
from whyfeel.annotate.plan import plan_annotation
from whyfeel.errors import UserError
from whyfeel.records import content_id

HERE = "http://127.0.0.1:9/v1"


def one_line(told: Any) -> str:
    """What a command that ends with status 2 says, which is one line."""
    assert (told.status, told.out) == (2, "")
    assert told.err.startswith("whyfeel: ")
    assert told.err.count("\n") == 1, told.err
    return told.err


@pytest.fixture
def record_file(tmp_path, paint):
    """Two records, and their pictures beside them."""
    paint(tmp_path / "set", "a.png", "b.png")
    file = tmp_path / "set" / "records.jsonl"
    file.write_text('{"image": "a.png"}\n{"image": "b.png"}\n', encoding="utf-8")
    return file


class TestOptions:
    @pytest.mark.parametrize(
        ("given", "told"),
        [
            (
                {"gates": "duplicates"},
                "--gates: there is no gate 'duplicates'; there are duplicate, grounded, relevant",
            ),
            ({"gates": ""}, "--gates: there is no gate ''"),
            ({"gates": "none,grounded"}, "--gates: there is no gate 'none'"),
            ({"scenes": 0}, "--scenes"),
            ({"scenes": 13}, "--scenes"),
            ({"repeat": 0}, "--repeat"),
            ({"repeat": 21}, "--repeat"),
            ({"query": " \n"}, "--query: expected a text that is not blank"),
            ({"emotion": ("sad", "")}, "--emotion"),
            ({"vlm": None}, "--vlm is needed"),
            ({"out": None}, "--out is needed"),
            ({"limit": 0}, "--limit"),
            ({"prompts": "eibench:qwen"}, "--prompts eibench: no prompt of the paper's annotation was published"),
        ],
    )
    def test_a_wrong_one_is_named(self, given, told):
        with pytest.raises(UserError) as error:
            annotate_options({"source": "folder", "vlm": "openai:v", "out": "run", **given})
        assert told in str(error.value)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        ("gates", "on"),
        [
            (None, ("duplicate", "grounded", "relevant")),
            ("none", ()),
            (" relevant,duplicate ", ("duplicate", "relevant")),
            ("grounded,grounded", ("grounded",)),
        ],
    )
    def test_gates_have_an_order_of_their_own(self, gates, on):
        options = annotate_options({"source": "folder", "vlm": "openai:v", "out": "run", "gates": gates})
        assert options.gates_on == on


class TestPlan:
    def build(self, source, out, **more):
        told = {"source": str(source), "vlm": f"{HERE}#v", "llm": f"{HERE}#l", "out": out, **more}
        return plan_annotation(annotate_options(told), calls=False)

    def test_who_is_asked_what(self, folder, tmp_path):
        plan, chain = self.build(folder, tmp_path / "run")
        by_role = {role: route.model.name for role, route in plan.routes.items()}
        seeing = {role for role, name in by_role.items() if name == plan.spec["vlm"]}
        assert seeing == {"rebuild", "general", "scenario", "grounded"} == set(plan.shown)
        assert by_role.keys() - seeing == {"parse", "summary", "duplicate", "relevant"}
        assert chain.settings.gates == ("duplicate", "grounded", "relevant")
        assert plan.total == 3

    def test_what_decides_the_answers_is_in_the_spec_and_nothing_else(self, folder, tmp_path):
        def spec(**more):
            return content_id(self.build(folder, tmp_path / "run", **more)[0].spec)

        plain = spec()
        free: list[dict[str, Any]] = [
            {"limit": 1},
            {"concurrency": 2},
            {"max_calls": 3},
            {"emotion": ()},
            {"repeat": 1},
        ]
        bound: list[dict[str, Any]] = [
            {"vlm": f"{HERE}#w"},
            {"llm": f"{HERE}#v"},
            {"gen": {"top_p": 1}},
            {"llm_gen": {"top_p": 1}},
            {"emotion": ("sad",)},
            {"query": "Why?"},
            {"seed": 1},
            {"scenes": 2},
            {"repeat": 2},
            {"gates": "none"},
            {"max_side": 100},
        ]
        assert {spec(**more) for more in free} == {plain}
        assert len({plain, *(spec(**more) for more in bound)}) == 1 + len(bound)

    def test_a_bad_picture_is_known_before_anything_is_paid_for(self, folder, tmp_path):
        (folder / "b.png").write_bytes(b"")
        plan, _ = self.build(folder, tmp_path / "run")
        assert {media.path: why.partition(";")[0] for media, why in plan.bad.items()}.keys() == {"b.png"}
        assert plan.total == 3


class TestFolders:
    def test_run_json(self, annotate, folder, server, tmp_path):
        annotate(folder, "--limit", 2)
        manifest = json.loads((tmp_path / "run" / "run.json").read_text())
        assert (manifest["kind"], manifest["limit"]) == ("annotate", 2)
        assert (manifest["input"], manifest["images"]) == (str(folder), str(folder.resolve()))
        assert manifest["spec"]["settings"]["questions"][0].startswith("How many people")
        assert manifest["id"] == content_id(manifest["spec"])
        assert manifest["prompts"]["self-ask"]["hash"] == manifest["spec"]["prompts"]["self-ask"]
        assert {one["address"] for one in manifest["addresses"]} == {server.url}
        annotate(folder, "--limit", 3)
        later = json.loads((tmp_path / "run" / "run.json").read_text())
        assert later == manifest | {"limit": 3}

    @pytest.mark.parametrize(
        ("more", "named"),
        [
            (["--emotion", "glad"], "emotion"),
            (["--gates", "none"], "gates"),
            (["--scenes", 2], "scenarios"),
            (["--gen", "top_p=0.5"], "gen"),
        ],
    )
    def test_another_spec_in_the_same_folder_is_refused(self, more, named, annotate, folder, server, run):
        before = {file.name: file.read_bytes() for file in run.iterdir() if file.name != ".lock"}
        told = one_line(annotate(folder, *more))
        assert "holds another run" in told
        assert named in told
        assert "Choose another --out" in told
        assert server.requests == []
        assert {file.name: file.read_bytes() for file in run.iterdir() if file.name != ".lock"} == before

    def test_changed_records_are_another_run(self, annotate, record_file):
        annotate(record_file)
        record_file.write_text('{"image": "a.png"}\n', encoding="utf-8")
        assert "data" in one_line(annotate(record_file))

    def test_a_server_that_moved_keeps_its_run(self, annotate, folder, server, run):
        (folder / "c.png").unlink()
        told = annotate(folder)
        assert f"to {server.url}; known answers are kept" in told.err
        assert told.json["annotated"] == 2
        assert server.requests == []

    def test_a_sitting_that_writes_less_than_the_last_says_so(self, annotate, folder, run):
        told = annotate(folder, "--limit", 1)
        assert "--limit 1: an earlier sitting was without one; annotations.jsonl may become shorter" in told.err
        assert "may become shorter" not in annotate(folder, "--limit", 2).err
        assert "with --limit 2" in annotate(folder, "--limit", 1).err

    def test_runs_of_other_commands_are_left_alone(self, whyfeel, annotate, folder, server, run, tmp_path):
        """Each of the two would overwrite the other's files."""
        plain = ["run", "scenes", "--model", "baseline:echo", "--limit", 2, "--json", "--out"]
        assert whyfeel(*plain, tmp_path / "answers").status == 0
        told = one_line(annotate(folder, out=tmp_path / "answers"))
        assert told.endswith("holds a run of `whyfeel run`; choose another --out\n")
        assert "`whyfeel annotate`" in one_line(whyfeel(*plain, run))
        planned = ["annotate", "plan", folder, "--vlm", server.vlm, "--llm", server.llm, "--out", run]
        assert "holds a run of `whyfeel annotate`" in one_line(whyfeel(*planned))

    @pytest.mark.parametrize(
        "command",
        [
            ["judge", "RUN", "--judge", "overlap"],
            ["compare", "RUN", "OTHER"],
            ["calibrate", "RUN", "--labels", "LABELS"],
            ["published", "eibench", "--runs", "RUN"],
        ],
        ids=lambda command: command[0],
    )
    def test_commands_for_answers_say_that_this_is_no_run_of_answers(self, command, whyfeel, run, tmp_path):
        shutil.copytree(run, tmp_path / "other")
        labels = tmp_path / "labels.csv"
        labels.write_text("id,score\na.png,1\n")
        real = {"RUN": run, "OTHER": tmp_path / "other", "LABELS": labels}
        told = one_line(whyfeel(*(real.get(word, word) for word in command)))
        assert "`whyfeel annotate`" in told

    def test_a_strangers_folder_is_not_written_into(self, annotate, folder):
        assert "not a run folder" in one_line(annotate(folder, out=folder))
        assert len(list(folder.iterdir())) == 3

    @pytest.mark.parametrize(
        ("text", "told"),
        [("{", "is damaged"), ("[]", "should be a JSON object"), ('{"kind": "annotate"}', "should hold 'created'")],
    )
    def test_a_damaged_run_json_is_named(self, text, told, annotate, folder, run):
        (run / "run.json").write_text(text)
        said = one_line(annotate(folder))
        assert told in said
        assert "run.json" in said
