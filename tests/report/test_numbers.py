"""Every format at its limits, where rounding carries into the next unit."""

from __future__ import annotations

import doctest
import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whyfeel.report import numbers
from whyfeel.report.numbers import count, duration, interval, money, rate, score, tokens

FORMATS = (score, money, duration, rate, tokens)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (score(0.5432), "0.543"),
        (score(0), "0.000"),
        (score(1), "1.000"),
        (score(-0.0001), "0.000"),
        (score(-0.25), "-0.250"),
        (score(np.float64(0.25)), "0.250"),
        (score(0.5432, 1), "0.5"),
        (interval(0.521, 0.574), "[0.52, 0.57]"),
        (interval(-0.04, 1), "[-0.04, 1.00]"),
        (interval(-0.001, 0.001), "[0.00, 0.00]"),
        (interval(0.521, 0.574, 3), "[0.521, 0.574]"),
        (interval(None, 0.5), "n/a"),
        (interval(0.5, math.nan), "n/a"),
        (count(0), "0"),
        (count(1615), "1,615"),
        (count(1_234_567), "1,234,567"),
        (count(None), "n/a"),
        (money(0.0123), "$0.0123"),
        (money(12.3), "$12.30"),
        (money(1234.5), "$1,234.50"),
        (money(0), "$0.00"),
        (money(0.0001), "$0.0001"),
        (money(0.00009), "under $0.0001"),
        (money(0.99994), "$0.9999"),
        (money(0.99996), "$1.00"),
        (money(1), "$1.00"),
        (money(-0.5), "-$0.5000"),
        (money(None), "unknown"),
        (duration(0), "0.0 s"),
        (duration(4.12), "4.1 s"),
        (duration(59.94), "59.9 s"),
        (duration(59.96), "1 min 00 s"),
        (duration(60), "1 min 00 s"),
        (duration(125), "2 min 05 s"),
        (duration(119.6), "2 min 00 s"),
        (duration(3599.4), "59 min 59 s"),
        (duration(3599.6), "1 h 00 min"),
        (duration(3780), "1 h 03 min"),
        (duration(7199), "2 h 00 min"),
        (duration(360_000), "100 h 00 min"),
        (duration(-1), "n/a"),
        (rate(812.4), "812/s"),
        (rate(12_345), "12,345/s"),
        (rate(10), "10/s"),
        (rate(9.96), "10/s"),
        (rate(9.94), "9.9/s"),
        (rate(3.21), "3.2/s"),
        (rate(0.996), "1.0/s"),
        (rate(0.25), "0.25/s"),
        (rate(0.001), "under 0.01/s"),
        (rate(0), "0.00/s"),
        (rate(-1), "n/a"),
        (tokens(0), "0"),
        (tokens(950), "950"),
        (tokens(999), "999"),
        (tokens(1000), "1.0 k"),
        (tokens(12_345), "12.3 k"),
        (tokens(999_940), "999.9 k"),
        (tokens(999_960), "1.0 M"),
        (tokens(1_234_567), "1.2 M"),
        (tokens(2_000_000_000), "2.0 G"),
    ],
)
def test_written(written, expected):
    assert written == expected


@pytest.mark.parametrize("write", FORMATS)
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, np.float64("nan")])
def test_what_is_no_number_is_a_word(write, value):
    assert write(value) == ("unknown" if write is money else "n/a")


UNITS = {"s": 1, "min": 60, "h": 3600}


@given(st.floats(0, 1e7))
@example(59.95)
@example(3599.5)
@example(3570.0)
def test_a_duration_reads_back_to_within_its_last_unit(seconds):
    parts = re.findall(r"([\d.,]+) (s|min|h)", duration(seconds))
    read = sum(float(number.replace(",", "")) * UNITS[unit] for number, unit in parts)
    assert abs(read - seconds) <= UNITS[parts[-1][1]] / (20 if len(parts) == 1 else 2) + 1e-9
    assert all(float(number) < 60 for number, unit in parts if unit != "h")


@given(st.floats(0, 1e13))
def test_tokens_read_back(number):
    value, _, unit = tokens(number).partition(" ")
    size = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[unit]
    assert abs(float(value.replace(",", "")) * size - number) <= (0.0501 if unit else 0.5) * size
    assert unit == "G" or float(value) < 1000


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_nothing_is_written_as_nan_inf_or_minus_zero(value):
    for write in FORMATS:
        assert not re.search(r"nan|inf|-0\.?0*$", write(value))


def test_examples_in_the_docstrings():
    found = doctest.testmod(numbers)
    assert found.attempted >= 7
    assert found.failed == 0
