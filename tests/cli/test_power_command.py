"""`whyfeel power`: the answer in one line, EIBench's sizes beside it, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from whyfeel.cli.progress import Quiet
from whyfeel.runs import run, run_options

Whyfeel = Callable[..., Any]


def check(told: Any) -> None:
    assert (told.status, told.err) == (0, "")
    assert [line for line in told.out.splitlines() if cell_len(line) > 80] == []


def test_the_answer_is_one_line(whyfeel: Whyfeel) -> None:
    told = whyfeel("power", "--n", 200)
    check(told)
    assert told.out.splitlines()[1].rstrip() == (
        "200 samples: a difference of 5.9 points is found with a power of 80% at p 0.05."
    )
    told = whyfeel("power", "--difference", 2)
    check(told)
    assert "A difference of 2.0 points is found with a power of 80% at p 0.05 on 1,766" in told.out


def test_eibenchs_sizes_stand_beside_it(whyfeel: Whyfeel) -> None:
    told = whyfeel("power", "--n", 10)
    rows = [line.split()[:2] for line in told.out.splitlines() if line.rstrip().endswith("points")]
    assert rows == [["50", "11.9"], ["200", "5.9"], ["1,615", "2.1"]]
    assert "assumed" in told.out


def test_the_document(whyfeel: Whyfeel) -> None:
    found = whyfeel("power", "--n", 50, "--sd", 0.2, "--rho", 0.875, "--alpha", 0.01, "--power", 0.9, "--json").json
    # sd of the difference .1; z .995 + z .9 = 2.5758 + 1.2816
    assert found["difference"] == pytest.approx(3.85738 * 0.1 / 50**0.5, abs=1e-6)
    assert (found["asked"], found["n"], found["alpha"], found["power"]) == ("n", 50, 0.01, 0.9)
    assert found["spread"] == pytest.approx({"sd": 0.2, "rho": 0.875, "sd_difference": 0.1, "design": 1, "n": 0})


def test_two_runs_tell_the_spread(whyfeel: Whyfeel, tmp_path: Path) -> None:
    for name in ("prior", "echo"):
        run(run_options({"task": "scenes", "model": f"baseline:{name}", "out": tmp_path / name}), Quiet())
    given = ("power", "--difference", 5, "--runs", tmp_path / "prior", tmp_path / "echo")
    told, found = whyfeel(*given), whyfeel(*given, "--json").json
    check(told)
    assert found["spread"]["n"] == 24
    assert f"{found['spread']['sd_difference']:.3f}" in told.out
    assert "Measured on" in told.out
    assert whyfeel(*given, "--score", "f1", "--json").json["n"] != found["n"], "another score spreads otherwise"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "either --n SAMPLES or --difference POINTS"),
        (["--n", 5, "--difference", 2], "either --n"),
        (["--n", 5, "--sd", 0], "sd above 0"),
        (["--n", 0], "got 0"),
        (["--n", 10**400], "1,000,000,000,000"),
        (["--difference", "nan"], "got nan"),
        (["--difference", 1e-300], "0.0001"),
        (["--n", 5, "--alpha", 1e-320], ""),
        (["--n", 5, "--power", 0.01], "alpha < power"),
        (["--n", 5, "--judge", "overlap"], "are for --runs"),
        (["--n", 5, "--runs", "nowhere", "nowhere-else"], "run.json"),
    ],
)
def test_mistakes_are_one_line(whyfeel: Whyfeel, given: list[Any], said: str) -> None:
    told = whyfeel("power", *given)
    if said:
        assert (told.status, told.out, len(told.err.splitlines())) == (2, "", 1)
        assert said in told.err
    else:
        check(told)
