"""The page of a run: digits as in summary.json, words as they were sent, and a command that makes the run again."""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from site_boards import Made, make_board, overlapped, sample

from phase_server import PhaseServer
from told import Told
from truthful_judge import truthful
from whyfeel import runs
from whyfeel.cli.progress import Quiet
from whyfeel.engine import Entry
from whyfeel.errors import DataError, UserError
from whyfeel.prompts import load_prompts
from whyfeel.records import Answer, Response, ask_key, canonical
from whyfeel.report import numbers
from whyfeel.report.words import label
from whyfeel.runs import RunFolder, run_options
from whyfeel.runs.manifest import open_run
from whyfeel.runs.plan import plan_run
from whyfeel.site import asked as asked_module
from whyfeel.site.asked import asks_of
from whyfeel.site.book import open_book
from whyfeel.site.options import SiteOptions
from whyfeel.site.reproduce import citation, papers, run_again
from whyfeel.site.run_page import CALIBRATION, RunPages, failed_of, verdict_of
from whyfeel.site.shell import Shell

Whyfeel = Callable[..., Told]
HOSTILE = '</pre><script>alert(1)</script>\u202egnp.exe \ud800 "&amp;"'
SERVER = "http://127.0.0.1:9/v1"
COUNT = 6
UNREAD = "Child giving him flowers"  # a trigger of the sample to which the judge says nothing that can be read


def rendered(path: Path) -> str:
    pages = list(RunPages().pages(open_book([path])))
    return Shell(pages, SiteOptions()).page(pages[0]).decode()


def plain(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, PhaseServer]]:
    """A run of a hostile model, judged by a model whose reply to one sample cannot be read, and by words."""
    out = tmp_path_factory.mktemp("asked") / "run"
    with PhaseServer() as server:
        server.say["unknown"] = lambda _: HOSTILE
        server.say["judge"] = lambda one: "no verdict" if UNREAD in one.said else truthful(one.said)
        given = {"task": "scenes", "model": f"{server.url}#m<b>", "limit": COUNT, "gen": {"temperature": 0}}
        verdicts = {"judge": "verdicts", "judge_model": f"{server.url}#judge", "controls": "none"}
        runs.run(run_options({"out": out, **given, **verdicts}), Quiet())
        runs.judge_run(run_options({"out": out, "task": "scenes", "model": "m"}), Quiet())
        yield out, server


def test_every_estimate_stands_there_to_the_digit(asked: tuple[Path, PhaseServer]) -> None:
    page = rendered(asked[0])
    tables = re.findall(r'<table data-told="groups">.*?</table>', page, re.DOTALL)
    judges = RunFolder(asked[0]).read_manifest()["judges"]
    assert len(tables) == len(judges) == 2
    for table, judge in zip(tables, judges, strict=True):
        summary = json.loads((asked[0] / "judges" / judge / "summary.json").read_text("utf-8"))
        cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr.*?</tr>", table, re.DOTALL)]
        told: dict[str, dict[str, list[str]]] = {}
        for row in cells[1:]:
            if len(row) == 1:
                score = told.setdefault(row[0], {})
            else:
                score[row[0]] = row[1:]
        expected = {
            label(name): {
                group: [
                    numbers.score(one["value"]),
                    numbers.interval(one["low"], one["high"], 3),
                    str(one["n"]),
                    numbers.interval(*(one["bounds"] or (None, None)), digits=3),
                ]
                for group, one in by.items()
            }
            for name, by in summary["scores"].items()
        }
        assert told == expected


def test_the_overview_controls_and_phases_are_those_of_the_summary(asked: tuple[Path, PhaseServer]) -> None:
    page = rendered(asked[0])
    first, second = page.split('<section class="judge"')[1:]
    summary = json.loads((asked[0] / "summary.json").read_text("utf-8"))
    recall = summary["scores"]["recall"]["overall"]
    assert recall["bounds"][0] < recall["bounds"][1]  # a sample is unscored
    row = next(one for one in re.findall("<tr.*?</tr>", first, re.DOTALL) if ">recall</th>" in one)
    cells = re.findall(r'<td class="n">(.*?)</td>', row)
    ends = (numbers.interval(*both, digits=3) for both in ((recall["low"], recall["high"]), recall["bounds"]))
    assert [cells[0], cells[1], cells[3]] == [numbers.score(recall["value"]), *ends]
    assert ("Between its controls" in first, "Between its controls" in second) == (False, True)
    assert "What the chain took" not in page
    controls = json.loads(next(asked[0].glob("judges/overlap*/summary.json")).read_text("utf-8"))["controls"]
    told = re.findall(
        r'<th scope="row" class="name">(\w+)</th>\s*<td class="n">(.*?)</td>', second.split("Between its")[1]
    )
    assert {name: value for name, value in told if name != "this"} == {
        name: numbers.score(values["kf1"]) for name, values in controls.items()
    }


def test_the_asks_are_those_of_one_sample(asked: tuple[Path, PhaseServer]) -> None:
    (run,) = open_book([asked[0]]).boards[0].runs
    found = asks_of(run)
    assert found is not None
    files = [asked[0] / "responses.jsonl", *(asked[0] / "judges" / one.id / "judgements.jsonl" for one in run.judges)]
    lines = [json.loads(file.read_text("utf-8").split("\n")[0]) for file in files]
    assert {line["id"] for line in lines} == {found.sample}
    assert [one.answer.ask_id for one in found.asks] == [key for line in lines for key in line["asks"]]
    assert [one.whose for one in found.asks][:2] == ["the strategy", "verdicts (judge)"]


def test_endless_words_are_cut_in_their_middle_and_told(tmp_path: Path) -> None:
    said = "first " + "<b>" * 400_000 + " last"
    words = "Why? " + "x" * 19_995
    asked = canonical({"messages": [["user", [words, said]]], "model": "m", "role": "answer"})
    entry = Entry(Answer(ask_key(asked), said), "answer", "m", asked, "answer", "", 1.0)
    response = Response("s0", said[:100], asks=(entry.answer.ask_id,))
    made = Made("m", [response], {"overlap": overlapped([sample(0)], [response])}, [entry])
    (run,) = make_board(tmp_path, [sample(0)], made).runs
    found = asks_of(run)
    assert found is not None
    [ask] = found.asks
    assert ask.text == f"{said[:1200]}\n[{len(said) - 2000:,} characters left out]\n{said[-800:]}"
    [(_, (first, second))] = ask.turns
    assert first.text == words  # 20,000 characters are told as they were sent
    assert second.text == f"{said[:19200]}\n[{len(said) - 20_000:,} characters left out]\n{said[-800:]}"


def test_words_are_there_as_they_were_sent_and_none_of_them_is_markup(asked: tuple[Path, PhaseServer]) -> None:
    path, server = asked
    page = rendered(path)
    sample = open_book([path]).boards[0].samples[0]
    first = sample.id
    every = [
        [part["text"] for part in one.body["messages"][-1]["content"] if part["type"] == "text"]
        for one in server.requests
        if one.phase == "unknown"
    ]
    [said] = [texts for texts in every if any(sample.question in text for text in texts)]
    assert all(html.escape(text, quote=False).replace("'", "&#39;").replace('"', "&#34;") in page for text in said)
    assert page.count("<script>") == page.count("alert(1)</script>") == 0
    assert "&lt;script&gt;alert(1)" in page
    assert "\\ud800" in page  # which UTF-8 cannot carry
    with pytest.MonkeyPatch.context() as patch:  # and no longer than they are told
        patch.setattr(asked_module, "middle", lambda *_: "cut")
        assert "alert(1)" not in rendered(path)
    assert f"s={first}" in page
    assert "m<b>" not in page
    assert "m&lt;b&gt; direct" in page
    judged = next(one.said for one in server.requests if one.phase == "judge")
    assert judged.split("\n")[0] in html.unescape(page)


def test_failures_name_their_samples_and_link_to_them(asked: tuple[Path, PhaseServer]) -> None:
    judges = open_book([asked[0]]).boards[0].runs[0].judges
    (failed,) = failed_of(judges[0])
    assert (failed.reason, failed.n, failed.ids) == ("unparsed", 1, ("flowers-on-the-bench",))
    assert failed_of(judges[1]) == ()
    page = rendered(asked[0])
    assert 'href="../explore/scenes.html#s=flowers-on-the-bench&amp;a=m-b-direct"' in page
    assert "None: every sample has a score." in page


def test_a_refused_headline_is_said_in_words() -> None:
    score = {"kf1": {"overall": {"value": 0.1}}}
    refused = {"headline": {"refused": "1 of 24 canaries earned something"}, "controls": {}, "scores": score}
    assert verdict_of(refused) == (
        "There is no headline: 1 of 24 canaries earned something. Every value is told all the same.",
        False,
    )
    stands = {
        "headline": {"score": "kf1"},
        "controls": {"stuff": {"kf1": -0.0104}, "oracle": {"kf1": 1.0}},
        "canaries": {"n": 24, "unscored": 0, "paid": []},
    }
    assert verdict_of(stands) == (
        "The headline, kF1, stands: a list of common triggers scores -0.010, the annotation itself 1.000, none of 24 "
        "answers that talk to the judge earned anything.",
        True,
    )
    assert verdict_of({"headline": {"score": "kf1"}, "controls": {}})[0].startswith("The headline is kF1. It stands")


def test_the_command_of_a_baseline_makes_the_same_run(whyfeel: Whyfeel, tmp_path: Path) -> None:
    given = ("scenes", "--model", "baseline:top5", "--sample", 8, "--seed", -3)
    assert whyfeel("run", *given, "--out", tmp_path / "it's a run").status == 0
    (run,) = open_book([tmp_path / "it's a run"]).boards[0].runs
    again = run_again(run.path, run.manifest, run.judges[0].summary["controls"])
    program, *words = shlex.split(again.command)
    assert (program, words[-2:]) == ("whyfeel", ["--out", "it's a run"])
    assert whyfeel(*words[:-1], tmp_path / "b").status == 0
    anew = RunFolder(tmp_path / "b").read_manifest()
    assert (anew["id"], anew["selection"]) == (run.manifest["id"], run.manifest["selection"])
    both = [(path / "responses.jsonl").read_bytes() for path in (run.path, tmp_path / "b")]
    assert both[0] == both[1]
    assert html.escape(again.command).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in rendered(run.path)


MODEL = {"model": f"{SERVER}#some model"}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": MODEL,
    "settings": MODEL | {"gen": {"stop": ["a,b", "$HOME"], "temperature": 0.5}, "seed": 7, "limit": 3, "max_side": 64},
    "provider": {"model": "openai:gpt-5", "strategy": "direct+cot", "controls": "blank,wrong-emotion"},
    "ollama": {"model": "ollama:llava:7b", "controls": "none", "until": 2.5},
    "captioner": MODEL | {"strategy": "caption", "captioner": "mistral:pixtral"},
    "helper": MODEL | {"strategy": "self-ask", "helper": "http://127.0.0.1:7/v1#h"},
    "judge": MODEL | {"judge": "verdicts", "judge_model": "openai:j", "see_image": True, "judge_gen": {"seed": 1}},
    "panel": MODEL | {"judge": "verdicts", "judge_model": f"http://127.0.0.1:8/v1#some model,{SERVER}#j"},
    "people": MODEL | {"judge": "pairwise", "judge_model": f"{SERVER}#j"},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_command_out_of_run_json_plans_the_same_run(
    name: str, whyfeel: Whyfeel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    options = run_options({"task": "scenes", "out": tmp_path / "a", **OPTIONS[name]})
    plan = plan_run(options, calls=False)
    folder = RunFolder(options.out)
    folder.make()
    open_run(folder, plan.spec, options, plan.prompts, plan.routes)
    manifest = folder.read_manifest()
    controls = [one.name for one in plan.controls]
    seen: list[Any] = []

    def run(options: Any, _: object) -> None:
        seen.append(options)
        raise UserError("seen")

    monkeypatch.setattr(runs, "run", run)
    again = run_again(folder.path, manifest, controls)
    assert whyfeel(*shlex.split(again.command)[1:]).err == "whyfeel: seen\n"
    (found,) = seen
    rebuilt = plan_run(found.model_copy(update={"out": options.out}), calls=False)
    assert rebuilt.spec.to_json() == plan.spec.to_json()
    assert [one.name for one in rebuilt.controls] == controls
    told = {one: getattr(found, one) for one in ("limit", "sample", "until", "max_side", "seed")}
    assert told == {one: getattr(options, one) for one in told}
    where = {role: route.model.address for role, route in plan.routes.items()}
    assert {role: route.model.address for role, route in rebuilt.routes.items()} == where
    assert again.remarks == ()


def test_what_run_json_does_not_name_is_told_to_be_filled_in(tmp_path: Path) -> None:
    captions = tmp_path / "captions.jsonl"
    captions.write_text('{"a": "b"}\n', "utf-8")
    prompts = tmp_path / "my prompts.toml"
    prompts.write_text('[direct]\nuser = "Say why. $question"\n', "utf-8")
    given = {"strategy": "caption", "captions": captions, "prompts": str(prompts)}
    options = run_options({"task": "scenes", "out": tmp_path / "a", **MODEL, **given})
    plan = plan_run(options, calls=False)
    folder = RunFolder(options.out)
    folder.make()
    open_run(folder, plan.spec, options, load_prompts(str(prompts)), plan.routes)
    manifest = folder.read_manifest()
    manifest["spec"]["prompts"]["direct"] = manifest["prompts"]["direct"]["hash"]
    manifest["spec"]["judge"] |= {"embedder": "e" * 64, "against": "f" * 64}
    again = run_again(folder.path, manifest, ["stuff"])
    words = shlex.split(again.command)
    for flag, word in (("--captions", "CAPTIONS.jsonl"), ("--embedder", "EMBEDDER"), ("--against", "RUN2")):
        assert words[words.index(flag) + 1] == word
    assert words[words.index("--prompts") + 1] == "my prompts.toml"
    told = " ".join(again.remarks)
    assert all(one in told for one in (manifest["spec"]["captions"]["file"], "e" * 64, "f" * 64))
    manifest["prompts"]["direct"]["origin"] = "EIBench baselines/qwen/qwen_user.py line 3"
    assert "--prompts eibench:qwen" in run_again(folder.path, manifest, ["stuff"]).command


def test_answers_made_elsewhere_are_judged_again() -> None:
    judge = {"name": "overlap", "model": None, "gen": {}, "prompts": {}}
    spec = {"task": "eibench-basic", "model": "answers:mine", "strategy": "answer file", "gen": {}, "prompts": {}}
    spec |= {"data": {"a.jsonl": "1", "answers": "2" * 64}, "seed": 0, "judge": judge}
    selection = {"limit": None, "sample": None}
    manifest = {
        "spec": spec,
        "judges": {"o": judge},
        "addresses": [],
        "selection": selection,
        "data": "/d",
        "images": None,
    }
    again = run_again(Path("r"), manifest, ["stuff", "oracle"])
    assert again.command == (
        "whyfeel judge-answers mine.jsonl --task eibench-basic --data /d --judge overlap --seed 0 --out r"
    )
    assert again.remarks == (f"mine.jsonl: the answer file whose SHA-256 is {'2' * 64}",)
    assert papers(manifest) == (papers({**manifest, "judges": {}})[0],)
    assert "arXiv 2504.07521" in papers(manifest)[0]
    assert citation(manifest | {"whyfeel": "1.2", "id": "x", "created": "2026-02-03T04:05:06+00:00"}, judge) == (
        "answers:mine, answer file, on eibench-basic, judged by overlap, with whyfeel 1.2, run x of 2026-02-03."
    )


def test_later_judges_have_a_command_of_their_own(asked: tuple[Path, PhaseServer]) -> None:
    page = plain(rendered(asked[0]))
    assert re.search(r"whyfeel judge run --judge overlap\s+\n", page)
    assert re.search(r"--judge verdicts --judge-model 'http://127\.0\.0\.1:\d+/v1#judge' ", page)


def test_a_kept_calibration_is_shown_and_another_file_is_refused(
    asked: tuple[Path, PhaseServer], whyfeel: Whyfeel, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(asked[0], tmp_path / "run"))
    labels = tmp_path / "labels.jsonl"
    ids = [json.loads(line)["id"] for line in (run / "responses.jsonl").read_text("utf-8").splitlines()]
    labels.write_text("".join(json.dumps({"id": one, "score": 0.5}) + "\n" for one in ids), "utf-8")
    told = whyfeel("calibrate", run, "--labels", labels, "--judge", "overlap", "--json")
    assert told.status == 0, told.err
    (run / CALIBRATION).write_text(told.out, "utf-8")
    page = plain(rendered(run))
    assert "Held against people" in page
    assert re.search(r"recall, the labels alone\s+0\.500\s", page)
    (run / CALIBRATION).write_text(json.dumps(json.loads(told.out) | {"groups": {}}), "utf-8")
    with pytest.raises(DataError, match=r"calibration\.json' is no calibration \(groups\.overall\)"):
        rendered(run)


def test_a_damaged_summary_is_told(asked: tuple[Path, PhaseServer], tmp_path: Path) -> None:
    run = Path(shutil.copytree(asked[0], tmp_path / "run"))
    (file,) = run.glob("judges/overlap*/summary.json")
    summary = json.loads(file.read_text("utf-8"))
    del summary["left_out"]
    file.write_text(json.dumps(summary), "utf-8")
    with pytest.raises(DataError, match="is damaged: it should hold 'left_out'; run the judge again"):
        rendered(run)


def test_without_its_ledger_a_run_is_shown_all_the_same(asked: tuple[Path, PhaseServer], tmp_path: Path) -> None:
    run = Path(shutil.copytree(asked[0], tmp_path / "run"))
    (run / "ledger.sqlite").unlink()
    assert "the run's ledger is not there" in html.unescape(rendered(run))


def test_a_model_that_moved_is_asked_where_it_was_last() -> None:
    judge = {"name": "overlap", "model": None, "gen": {}, "prompts": {}}
    spec = {"task": "scenes", "model": "m", "strategy": "direct", "gen": {}, "prompts": {}, "seed": 0, "judge": judge}
    addresses = [{"role": "answer", "model": "m", "address": f"http://127.0.0.1:{port}/v1"} for port in (1, 2)]
    manifest = {"spec": spec, "addresses": addresses, "selection": {}, "data": None, "images": None}
    assert "--model 'http://127.0.0.1:2/v1#m'" in run_again(Path("r"), manifest, ["stuff"]).command
    replayed = manifest | {"addresses": [{"role": "answer", "model": "m", "address": ""}]}
    assert "--model replay:r " in run_again(Path("r"), replayed, ["stuff"]).command
