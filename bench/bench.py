"""Measure the main job against a mock server on this machine, and write docs/performance.md.

Times are given as ratios within one run of this script (to the physical limit, calls x latency / concurrency, and to a
bare aiohttp loop that makes the same calls): seconds differ from machine to machine and from day to day.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import monotonic

from local import rows as local
from paired import seconds
from ray_ledger import rows as over_actors
from reports import rows as reported
from study import votes

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WORK = ROOT / ".bench"
PYTHON = sys.executable
WHYFEEL = str(Path(PYTHON).parent / "whyfeel")
SAMPLES, MANY, LATENCY_MS, MOST = 1615, 50_000, 200.0, 256
PICTURES = 1636  # of the released annotations, the complex ones too


@dataclass(frozen=True)
class Cost:
    """What a process took: wall and CPU seconds, peak megabytes, and what the server saw."""

    wall: float
    cpu: float
    peak: float
    calls: int = 0
    most: int = 0


@contextmanager
def server(latency_ms: float, script: str = "mock_server.py") -> Iterator[str]:
    """A mock server's base URL."""
    command = [PYTHON, str(HERE / script), str(latency_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        process.terminate()


def measure(command: list[str], url: str | None = None) -> Cost:
    """Run a command to its end; its own resource usage is what the kernel counted."""
    begun = monotonic()
    with (WORK / "output.txt").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    wall = monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{(WORK / 'output.txt').read_text()}")
    seen = {"calls": 0, "most": 0}
    if url is not None:
        with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as reply:
            seen = json.load(reply)
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, seen["calls"], seen["most"])


def run_command(url: str, count: int, concurrency: int, out: Path) -> list[str]:
    """The main job: an answer and a judge's verdict a record."""
    return [
        *(WHYFEEL, "run", "jsonl", "--data", str(WORK / f"{count}.jsonl"), "--images", str(WORK / "images")),
        *("--model", f"{url}#mock", "--judge", "official-llama3", "--judge-model", f"{url}#judge"),
        *("--concurrency", str(concurrency), "--out", str(out)),
    ]


def annotate_command(url: str, concurrency: int, out: Path) -> list[str]:
    """The self-ask chain on every picture of a folder."""
    return [
        *(WHYFEEL, "annotate", str(WORK / "images"), "--vlm", f"{url}#vlm", "--llm", f"{url}#llm"),
        *("--emotion", "sad", "--concurrency", str(concurrency), "--out", str(out)),
    ]


def fresh(name: str) -> Path:
    """A run folder that does not exist yet."""
    shutil.rmtree(WORK / name, ignore_errors=True)
    return WORK / name


def intervals() -> Cost:
    """24 scores, 1,615 samples, 10,000 resamples; what numpy and the package alone take is subtracted."""
    setup = (
        "import numpy as np; from whyfeel.stats import Series, estimate; r = np.random.default_rng(0); n = 1615;"
        "s = [Series(str(i), r.random(n), np.ones(n), ('overall',)) for i in range(24)];"
        "g = ['a'] * n; c = [str(i) for i in range(n)];"
    )
    idle = measure([PYTHON, "-c", setup])
    busy = measure([PYTHON, "-c", setup + "estimate(s, g, c, order=['a'], macro=False, seed=0)"])
    return Cost(busy.wall - idle.wall, busy.cpu - idle.cpu, busy.peak - idle.peak)


def annotation(concurrency: int) -> Iterator[tuple[str, str, str]]:
    """The self-ask chain, every phase answered in its own form; then the same command again."""
    with server(LATENCY_MS, "phase_server.py") as url:
        cost = measure(annotate_command(url, concurrency, fresh("annotated")), url)
        again = measure(annotate_command(url, concurrency, WORK / "annotated"), url)
    limit = cost.calls * LATENCY_MS / 1000 / concurrency
    job = f"`annotate`, {PICTURES:,} pictures"
    yield f"{job}: asks a picture", "at least 12", f"{cost.calls / PICTURES:.1f}"
    yield f"{job}: wall time to the physical limit", "1.6", f"{cost.wall / limit:.2f}"
    yield f"{job}: CPU an ask", "1.0 ms", f"{1000 * cost.cpu / cost.calls:.2f} ms"
    yield f"{job}: peak memory", "250 MB", f"{cost.peak:.0f} MB"
    yield f"{job}: most calls in flight", f"{concurrency}", f"{cost.most}"
    yield f"{job}, again: calls", "0", f"{again.calls}"


def offline() -> Iterator[tuple[str, str, str]]:
    """The judge `overlap` on the released annotations, where they are at hand, and a comparison of two systems."""
    released = ROOT.parent / "shared" / "data" / "eibench"
    if released.is_dir():
        run = (WHYFEEL, "run", "eibench-basic", "--data", str(released), "--model", "baseline:prior")
        prior = measure([*run, "--out", str(fresh("prior"))])
        yield "`overlap`, 1,615 answers, 20 foils each: wall time", "20 s", f"{prior.wall:.1f} s"
        yield "`overlap`, 1,615 answers, 20 foils each: peak memory", "400 MB", f"{prior.peak:.0f} MB"
        answers = fresh("answers.jsonl")
        with (WORK / "prior" / "responses.jsonl").open() as lines:
            given = [json.loads(line) for line in lines]
        answers.write_text("".join(json.dumps({one["id"]: one["text"]}) + "\n" for one in given))
        judge = (
            "judge-answers",
            str(answers),
            "--task",
            "eibench-basic",
            "--data",
            str(released),
            "--judge",
            "overlap",
        )
        controls = measure([WHYFEEL, *judge, "--out", str(fresh("controls"))])
        answers.unlink()
        yield "the same with its seven controls: wall time", "60 s", f"{controls.wall:.1f} s"
    took = max(seconds(corrected=corrected, groups=groups) for corrected, groups in ((False, 1), (True, 1), (True, 4)))
    yield "10,000 paired resamples and permutations of 1,615: wall time", "0.5 s", f"{took:.2f} s"


def rows() -> Iterator[tuple[str, str, str]]:
    """(what, bound, measured), one after the other as they are measured."""
    with server(LATENCY_MS) as url:
        for concurrency, bound in ((MOST, 2.2), (64, 1.25)):
            cost = measure(run_command(url, SAMPLES, concurrency, fresh(f"run-{concurrency}")), url)
            arguments = [url, str(WORK / f"{SAMPLES}.jsonl"), str(WORK / "images"), str(concurrency)]
            bare = measure([PYTHON, str(HERE / "bare_client.py"), *arguments], url)
            limit, bare_limit = (one.calls * LATENCY_MS / 1000 / concurrency for one in (cost, bare))
            at = f"at {concurrency} calls in flight"
            yield f"wall time to the physical limit, {at}", f"{bound}", f"{cost.wall / limit:.2f}"
            yield f"the same by a bare aiohttp loop, {at}", "", f"{bare.wall / bare_limit:.2f}"
            yield f"CPU a call, {at}", "1.0 ms", f"{1000 * cost.cpu / cost.calls:.2f} ms"
            yield f"the same by a bare aiohttp loop, {at}", "", f"{1000 * bare.cpu / bare.calls:.2f} ms"
            yield f"peak memory, {at}", "220 MB", f"{cost.peak:.0f} MB"
            yield f"most calls in flight, {at}", f"{concurrency}", f"{cost.most}"
        again = measure(run_command(url, SAMPLES, MOST, WORK / f"run-{MOST}"), url)
        yield "the same run again: calls", "0", f"{again.calls}"
        yield "the same run again: wall time", "3 s", f"{again.wall:.1f} s"
    with server(20) as url:
        few = measure(run_command(url, SAMPLES, MOST, fresh("few")), url)
        many = measure(run_command(url, MANY, MOST, fresh("many")), url)
    yield f"peak memory at {MANY:,} samples to that at {SAMPLES:,}", "1.5", f"{many.peak / few.peak:.2f}"
    yield from annotation(MOST)
    yield "`whyfeel --help`: wall time", "0.4 s", f"{min(measure([WHYFEEL, '--help']).wall for _ in range(3)):.2f} s"
    cost = intervals()
    yield "intervals of 24 scores, 10,000 resamples: wall time", "", f"{cost.wall:.2f} s"
    yield "intervals of 24 scores, 10,000 resamples: memory", "", f"{cost.peak:.0f} MB"
    yield from offline()
    yield from votes(WORK)
    yield from reported(WORK, [WHYFEEL], measure)
    yield from local()
    yield from over_actors(WORK)


def main() -> None:
    """Measure, print and write."""
    WORK.mkdir(exist_ok=True)
    # by a process of its own: the peak that the kernel counts for a child starts at the size of its parent
    subprocess.run([PYTHON, str(HERE / "make_data.py"), str(WORK), str(PICTURES), str(SAMPLES), str(MANY)], check=True)
    lines = [
        "# Performance",
        "",
        f"Written by `make bench` on {date.today().isoformat()}: {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, {platform.system()}. The machine also ran the mock server.",
        "",
        f"The main job on {SAMPLES:,} records: a picture of about 60 KB each, two calls a record (answer and judge), a",
        f"mock server on 127.0.0.1 that answers after {LATENCY_MS:.0f} ms, the ledger on, the whole process from start",
        "to exit. The physical limit is calls x latency / concurrency. The bare loop checks nothing and keeps nothing.",
        "",
        f"`annotate` runs the self-ask chain with its gates on a folder of such pictures, at {MOST} calls in flight;",
        "its server tells the phase of each ask and answers it in its form after the same delay.",
        "",
        "A study is served to 150 raters at a time, who come and go; votes are due at even distances for a minute, the",
        "next page is fetched after each, and the server is killed with the last. PostgreSQL waits for the disk, too.",
        "",
        "| what | bound | measured |",
        "|---|---|---|",
    ]
    for what, bound, measured in rows():
        print(f"{what:<62} {bound:>8} {measured:>10}", flush=True)
        lines.append(f"| {what} | {bound} | {measured} |")
    (ROOT / "docs" / "performance.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
