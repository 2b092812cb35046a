"""How numbers are written, all of them and nowhere else: pure functions from a number to a short text.

What is not known, not a number or not finite is written as a word, never as "nan" or "inf".
"""

from __future__ import annotations

import math

MISSING = "n/a"
MINUTE, HOUR = 60, 3600
SIZES = ((1e3, "k"), (1e6, "M"), (1e9, "G"))


def score(value: float | None, digits: int = 3) -> str:
    """A score from 0 to 1.

    >>> score(0.5432), score(None)
    ('0.543', 'n/a')
    """
    return MISSING if value is None or not math.isfinite(value) else _fixed(value, digits)


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """The two ends of an interval, or "n/a" where one of them is missing.

    >>> interval(0.521, 0.574), interval(None, None)
    ('[0.52, 0.57]', 'n/a')
    """
    ends = score(low, digits), score(high, digits)
    return MISSING if MISSING in ends else f"[{ends[0]}, {ends[1]}]"


def count(value: int | None) -> str:
    """A number of things, with thousands separators.

    >>> count(1615)
    '1,615'
    """
    return MISSING if value is None else f"{value:,}"


def money(dollars: float | None) -> str:
    """US dollars: to the cent from a dollar on, to a hundredth of a cent below; "unknown" without a price.

    >>> money(0.01234), money(12.3), money(0), money(0.00002), money(None)
    ('$0.0123', '$12.30', '$0.00', 'under $0.0001', 'unknown')
    """
    if dollars is None or not math.isfinite(dollars):
        return "unknown"
    size, sign = abs(dollars), "-" if dollars < 0 else ""
    if 0 < size < 0.0001:
        return "under $0.0001"
    return f"{sign}${size:,.2f}" if size == 0 or round(size, 4) >= 1 else f"{sign}${size:.4f}"


def duration(seconds: float | None) -> str:
    """A time span in its two largest units.

    >>> duration(4.12), duration(125), duration(3780)
    ('4.1 s', '2 min 05 s', '1 h 03 min')
    """
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return MISSING
    # rounded before it is compared: 59.96 s is 1 min, not 60.0 s
    if round(seconds, 1) < MINUTE:
        return f"{seconds:.1f} s"
    if round(seconds) < HOUR:
        minutes, rest = divmod(round(seconds), MINUTE)
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(round(seconds / MINUTE), MINUTE)
    return f"{hours:,} h {minutes:02} min"


def rate(per_second: float | None) -> str:
    """Things a second: whole from 10 on, two digits below.

    >>> rate(812.4), rate(3.21), rate(0.034)
    ('812/s', '3.2/s', '0.03/s')
    """
    if per_second is None or not math.isfinite(per_second) or per_second < 0:
        return MISSING
    if round(per_second, 1) >= 10:
        return f"{per_second:,.0f}/s"
    if round(per_second, 2) >= 1:
        return f"{per_second:.1f}/s"
    return f"{per_second:.2f}/s" if per_second == 0 or per_second >= 0.01 else "under 0.01/s"


def tokens(number: float | None) -> str:
    """A number of tokens, in thousands, millions or thousands of millions with one decimal.

    >>> tokens(950), tokens(12_345), tokens(1_234_567)
    ('950', '12.3 k', '1.2 M')
    """
    if number is None or not math.isfinite(number):
        return MISSING
    if abs(round(number)) < 1000:
        return _fixed(number, 0)
    size, unit = next((pair for pair in SIZES if abs(round(number / pair[0], 1)) < 1000), SIZES[-1])
    return f"{number / size:,.1f} {unit}"


def _fixed(value: float, digits: int) -> str:
    """A fixed number of decimals, and no "-0.00"."""
    return f"{round(value, digits) + 0.0:.{digits}f}"
