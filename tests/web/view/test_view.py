"""Pages about runs under way: what is taken down of them, when the pages are made anew, and a run that goes on."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from faults.chat_server import Call, ChatServer, Say, chat
from runs.scripted_runs import ANSWERER, JUDGE_MODEL, Watcher, words
from truthful_judge import truthful
from web.asgi import asked
from web.review.reviewable import scene_annotations, write_run
from whyfeel.engine import Reply, Request, Route
from whyfeel.errors import DataError, NoCredit, RunStopped, UserError
from whyfeel.models import Scripted
from whyfeel.report import numbers
from whyfeel.runs import RunFolder, run_options
from whyfeel.runs.execute import execute
from whyfeel.runs.manifest import open_run
from whyfeel.runs.plan import plan_run
from whyfeel.runs.run import job_of
from whyfeel.site import live
from whyfeel.site.live import NOT_YET, build_live, stamp, take_down
from whyfeel.site.options import SiteOptions
from whyfeel.web.view.application import Kiosk, create_app
from whyfeel.web.view.press import Press

PLAIN = SiteOptions(pictures=False)
JUDGED = 30  # verdicts that come before the judge's account is empty
ANNOTATED = {  # the summary of an annotation of one picture
    **dict.fromkeys(("n", "annotated", "without_triggers", "calls"), 1),
    **dict.fromkeys(("source", "vlm", "llm"), "x"),
    **{name: {} for name in ("unscored", "kinds", "flags", "phases", "left_out")},
    "triggers": {"found": 1, "kept": 1, "explicit": 1, "dropped": {}},
    "tokens": {"in": 1, "out": 1},
    "cost": 0.0,
    "seconds": 1.0,
}


def said(request: Request) -> str:
    return "1. a birthday cake\n2. rain"


def sit(out: Path, verdicts: int | None, **given: Any) -> None:
    """A sitting of a run, whose judge gives so many verdicts, or all."""
    left = [verdicts if verdicts is not None else 10**6]

    def verdict(request: Request) -> Reply | str:
        if not left[0]:
            raise NoCredit("no credit is left")
        left[0] -= 1
        return Reply(truthful(words(request)), tokens_in=100, tokens_out=10)

    options = run_options(
        {"out": out, "task": "scenes", "model": ANSWERER, "judge": "verdicts", "judge_model": JUDGE_MODEL, **given}
        | {"concurrency": 4}
    )
    plan = replace(plan_run(options), controls=())
    routes = {"answer": Route(Scripted(said, name="m"), options.gen), "judge": Route(Scripted(verdict, name="j"))}
    folder = RunFolder(out)
    folder.make()
    with folder.locked():
        open_run(folder, plan.spec, options, plan.prompts, plan.routes)
        execute(replace(job_of(plan), routes=routes), folder, Watcher(), monotonic())


def under_way(out: Path, verdicts: int = JUDGED, **given: Any) -> Path:
    with pytest.raises(NoCredit):
        sit(out, verdicts, **given)
    return out


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def bare(judgement: Mapping[str, Any]) -> tuple[str, Any, Any]:
    """A judgement without what came of its foils."""
    counts = {name: value for name, value in judgement["counts"].items() if not name.startswith("chance")}
    return judgement["id"], counts, judgement["detail"]["verdicts"]


@pytest.mark.parametrize(
    ("verdicts", "given"), [(80, {}), (30, {"until": 40.0, "gen": {"top_p": 0.5}, "seed": -3, "max_side": 64})]
)
def test_what_is_there_is_scored_as_it_will_be_and_the_rest_is_not_yet(
    tmp_path: Path, verdicts: int, given: Mapping[str, Any]
) -> None:
    run = under_way(tmp_path / "run", verdicts, **given)
    before = bytes_of(run)
    with RunFolder(run).locked():  # its process holds it
        taken = take_down(run, tmp_path / "scratch", PLAIN)
    assert bytes_of(run) == before
    assert taken.path is not None
    judgements, responses = lines(taken.path / "judgements.jsonl"), lines(taken.path / "responses.jsonl")
    asked = [one for one in judgements if "unscored" not in one]
    assert {one["unscored"]["reason"] for one in judgements if "unscored" in one} == {NOT_YET}
    assert 0 < len(asked) < 24
    db = sqlite3.connect(run / "ledger.sqlite")
    calls, tokens = db.execute("SELECT count(*), sum(tokens_in) FROM answers").fetchone()
    (answered,) = db.execute("SELECT count(*) FROM answers WHERE role = 'answer'").fetchone()
    db.close()
    summary = json.loads((taken.path / "summary.json").read_text())
    assert (summary["calls"], summary["tokens"]["in"]) == (calls, tokens)
    assert sum("unscored" not in one for one in responses) == min(answered, 24)
    assert f": {len(asked)} of 24 samples are scored" in taken.note
    sit(run, None, **given)
    done = {one["id"]: one for one in lines(run / "judgements.jsonl")}
    told = [one for one in asked if one["id"] in done]
    assert [bare(one) for one in told] == [bare(done[one["id"]]) for one in told]
    assert sum(one == done[one["id"]] for one in told) >= 3  # with what chance gives
    assert take_down(run, tmp_path / "again", PLAIN) == live.Taken(run)


def test_a_run_that_has_no_answer_yet_has_pages(tmp_path: Path) -> None:
    run = under_way(tmp_path / "run", 0)
    (run / "ledger.sqlite").unlink()
    build_live([run], tmp_path / "edition", PLAIN)
    index = (tmp_path / "edition" / "site" / "index.html").read_text("utf-8")
    assert "0 of 24 samples are scored" in index
    assert re.search(r"As of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.", index)


def test_what_cannot_be_planned_again_is_left_out_and_told(tmp_path: Path) -> None:
    captions = tmp_path / "captions.jsonl"
    captions.write_text('{"birthday-cake.png": "A cake."}')
    hidden = under_way(tmp_path / "hidden", 0, strategy="caption", captions=captions)
    taken = take_down(hidden, tmp_path / "scratch", PLAIN)
    assert taken.path is None
    assert "CAPTIONS.jsonl: the captions whose SHA-256 is" in taken.note
    with pytest.raises(DataError, match="there is nothing to show: m caption is not finished"):
        build_live([hidden], tmp_path / "none", PLAIN)
    changed = under_way(tmp_path / "changed")
    manifest = json.loads((changed / "run.json").read_text())
    manifest["spec"]["prompts"]["direct"] = "0" * 8
    (changed / "run.json").write_text(json.dumps(manifest))
    build_live([changed, whole := finished(tmp_path / "whole")], tmp_path / "edition", PLAIN)
    index = (tmp_path / "edition" / "site" / "index.html").read_text("utf-8")
    assert "its plan cannot be made again (prompts.direct is" in index
    assert (tmp_path / "edition" / "site" / "runs" / "baseline-oracle.html").is_file(), whole


def finished(out: Path, model: str = "baseline:oracle") -> Path:
    options = run_options({"out": out, "task": "scenes", "model": model})
    plan, folder = plan_run(options), RunFolder(out)
    folder.make()
    open_run(folder, plan.spec, options, plan.prompts, plan.routes)
    execute(job_of(plan), folder, Watcher(), monotonic())
    return out


def test_a_judge_at_work_on_a_finished_run_is_told_and_left_out(tmp_path: Path) -> None:
    run = finished(tmp_path / "run")
    manifest = json.loads((run / "run.json").read_text())
    manifest["judges"]["official-gpt-0"] = {"name": "official-gpt", "model": "j", "gen": {}, "prompts": {}}
    (run / "run.json").write_text(json.dumps(manifest))
    taken = take_down(run, tmp_path / "scratch", PLAIN)
    assert taken.path is not None
    assert taken.note == "baseline:oracle: the judge official-gpt has not finished."
    build_live([run], tmp_path / "edition", PLAIN)
    assert taken.note in (tmp_path / "edition" / "site" / "index.html").read_text("utf-8")
    assert list(RunFolder(taken.path).read_manifest()["judges"]) == list(manifest["judges"])[:1]


def test_a_stamp_changes_with_the_files_and_with_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_text("1")
    first = stamp([tmp_path])
    for name in ("pictures/x.png", ".lock", "ledger.sqlite-shm", "run.json.part"):
        (tmp_path / name).write_text("other")
    assert stamp([tmp_path]) == first
    (tmp_path / "deep" / "a").write_text("12")
    second = stamp([tmp_path])
    assert second != first
    (tmp_path / "ledger.sqlite-wal").write_text("")
    assert stamp([tmp_path]) != second
    assert stamp([tmp_path / "gone"]) == ((str(tmp_path / "gone"), 0, 0),)


class Slow(Press):
    """Makes an edition when it is let, or fails."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        super().__init__([folder], PLAIN, scratch)
        self.made, self.fails, self.go = 0, False, threading.Event()
        self.go.set()

    def make(self) -> Path:
        assert self.go.wait(10)
        if self.fails:
            raise RunStopped("the disk is full")
        self.made += 1
        edition = self._scratch / f"{self.made}"
        (edition / "runs").mkdir(parents=True)
        (edition / "index.html").write_text(f"edition {self.made}")
        return edition


async def get(kiosk: Kiosk, path: str, method: str = "GET", host: str = "127.0.0.1:8419") -> tuple[int, str]:
    """Status and text."""
    reply = await asked(create_app(kiosk), method, path, b"", {"host": host})
    assert reply.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    return reply.status, reply.text


async def test_the_old_pages_are_served_until_the_new_ones_are_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    press = Slow(run, tmp_path / "scratch")
    kiosk = Kiosk(press, every=0.0, patience=0.0)

    async def turn() -> None:
        assert kiosk.making is not None
        press.go.set()
        await kiosk.making

    assert await get(kiosk, "/") == (200, "edition 1")
    assert kiosk.making is None
    press.go.clear()
    (run / "a").write_text("more")
    assert await get(kiosk, "/assets/site.css") == (404, "Nothing here has this address.\n")
    assert kiosk.making is None  # only a page makes it look
    for more in ("b", "c"):
        assert await get(kiosk, "/index.html") == (200, "edition 1")
        (run / more).write_text("more")
    await turn()
    press.go.clear()
    assert (await get(kiosk, "/"), press.made) == ((200, "edition 2"), 2)  # one at a time
    await turn()
    assert (await get(kiosk, "/"), kiosk.making, press.made) == ((200, "edition 3"), None, 3)
    press.fails = True
    press.go.clear()
    (run / "a").write_text("even more")
    await get(kiosk, "/")
    await turn()
    assert await get(kiosk, "/") == (200, "edition 3")
    assert "the disk is full" in caplog.text


async def test_a_page_waits_for_the_edition_that_is_being_made_where_that_is_quick(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    press = Slow(run, tmp_path / "scratch")
    kiosk = Kiosk(press, every=0.0, patience=30.0)
    (run / "a").write_text("more")
    press.go.clear()
    opened = [asyncio.create_task(get(kiosk, page)) for page in ("/", "/index.html")]
    while kiosk.making is None:
        await asyncio.sleep(0)
    press.go.set()
    assert await asyncio.gather(*opened) == [(200, "edition 2")] * 2
    press.seconds = 31.0  # that the last one took: nobody waits so long
    (run / "a").write_text("even more")
    press.go.clear()
    assert await get(kiosk, "/") == (200, "edition 2")
    assert kiosk.making is not None
    press.go.set()
    await kiosk.making


async def test_pages_are_for_this_machine_and_to_be_read(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "secret").write_text("secret")
    press = Slow(tmp_path / "run", tmp_path / "scratch")
    kiosk = Kiosk(press, every=60.0)
    press.go.clear()
    (tmp_path / "run" / "a").write_text("more")
    assert (await get(kiosk, "/"))[0] == 200
    assert kiosk.making is None  # it looked a moment ago
    assert (await get(kiosk, "/", host="evil.example"))[0] == 403
    assert (await get(kiosk, "/", method="POST"))[0] == 411
    assert (await get(kiosk, "/", method="PUT"))[0] == 405
    assert (await get(kiosk, "/", method="HEAD")) == (200, "")
    for path in ("/../../secret", "//etc/passwd", "/runs", "/\0", "/" + "x" * 5000, "/\ud800"):
        assert (await get(kiosk, path))[0] == 404, path


def test_editions_older_than_the_last_but_one_are_given_back(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run", scene_annotations(1))
    (folder / "summary.json").write_text(json.dumps(ANNOTATED))
    press = Press([folder], PLAIN, tmp_path / "scratch")
    for number in (1, 2):  # as if they had been made
        (tmp_path / "scratch" / f"{number}").mkdir(parents=True)
    press.number = 2
    assert (press.make() / "annotations" / "run.html").is_file()
    assert sorted(one.name for one in (tmp_path / "scratch").iterdir()) == ["2", "3"]
    (folder / "annotations.jsonl").write_text("{")
    with pytest.raises(UserError, match=r"annotations\.jsonl"):
        press.make()
    assert sorted(one.name for one in (tmp_path / "scratch").iterdir()) == ["2", "3"]
    threading.Timer(0.05, press.stop).start()
    with pytest.raises(RunStopped, match="their process was ended"):
        press.make()


def started(model: str, run: Path) -> subprocess.Popen[bytes]:
    """A run in a process of its own, which asks one thing after the other."""
    command = [sys.executable, "-m", "whyfeel", "run", "scenes", "--model", model, "--out", str(run)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen([*command, "--concurrency", "1"], stdout=quiet, stderr=quiet)


async def test_pages_grow_while_a_run_goes_on(tmp_path: Path) -> None:
    let = threading.Semaphore(0)
    cake, later = chat("1. a birthday cake"), Say(b"{}", 429, {"Retry-After": "1"})

    def gate(_: Call) -> Say:
        return cake if let.acquire(timeout=0) else later

    run = tmp_path / "run"
    with ChatServer(gate) as server:
        let.release(7)
        process = started(server.model("m"), run)
        try:
            server.wait_for(8)  # the eighth is turned away, and tried again after a while
            kiosk = Kiosk(Press([run], PLAIN, tmp_path / "scratch"), every=0.0, patience=60.0)
            index = (await get(kiosk, "/"))[1]
            assert "m direct is not finished: 7 of 24 samples are scored" in index
            assert process.poll() is None
            let.release(17)
            assert await asyncio.to_thread(process.wait, 60) == 0
        finally:
            process.kill()
            process.wait()
    index = (await get(kiosk, "/"))[1]  # the first reload
    assert "not finished" not in index
    value = json.loads((run / "summary.json").read_text())["scores"]["kf1"]["overall"]["value"]
    assert f">{numbers.score(value)}<" in index
