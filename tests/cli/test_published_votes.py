"""`whyfeel published socratis`: the published votes, and what follows from them."""

from __future__ import annotations

import json
import math

import pytest


def test_the_shares_and_the_ratio_have_their_intervals(whyfeel):
    told = whyfeel("published", "socratis", "--json")
    document = json.loads(told.out)
    shares = {choice: round(100 * one["value"], 1) for choice, one in document["shares"].items()}
    assert (told.status, document["n"]) == (0, 372)
    assert shares == {"A": 59.9, "B": 24.5, "both good": 12.6, "both bad": 3.0}
    ratio = document["ratio"]
    assert ratio["value"] == pytest.approx(223 / 91)
    # the delta method on the logarithm of the odds, by hand
    half = 1.959964 * math.sqrt(1 / 223 + 1 / 91)
    assert ratio["wilson"]["low"] == pytest.approx(223 / 91 * math.exp(-half), rel=0.01)
    assert ratio["wilson"]["high"] == pytest.approx(223 / 91 * math.exp(half), rel=0.01)


def test_what_was_said_of_them_is_held_against_them(whyfeel):
    claims = {one["text"]: one for one in json.loads(whyfeel("published", "socratis", "--json").out)["claims"]}
    follows = {text: one["follows"] for text, one in claims.items()}
    assert follows == {"over 2 times": True, "1.5 times more often": False, "-156 %": False}
    assert not any(reading["follows"] for reading in claims["-156 %"]["readings"])


def test_a_person_reads_it_in_eighty_columns(whyfeel):
    told = whyfeel("published", "socratis")
    text = " ".join(told.out.split())
    assert max(map(len, told.out.splitlines())) <= 80
    assert "human to machine: 2.45 [1.92, 3.13]" in text
    assert "no: A / B is 2.45, A / B - 1 is 1.45; only as A / B - 1" in text
    assert "so the intervals are too narrow" in text


def test_no_run_is_held_against_votes(whyfeel, tmp_path):
    told = whyfeel("published", "socratis", "--runs", tmp_path)
    assert told.status == 2
    assert "no run can be held against them" in told.err
