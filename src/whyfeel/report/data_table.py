"""What `whyfeel data check` prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.text import Text

from whyfeel.report import numbers
from whyfeel.report.tables import listing, pairs
from whyfeel.report.words import visible
from whyfeel.tasks import DataReport, Malformed

SHOWN = 20  # rows of a list; the JSON has them all


def data_table(report: DataReport) -> list[RenderableType]:
    """Counts, then what is malformed, odd, missing or broken, and what stands twice."""
    bad, missing = report.bad_pictures, set(report.missing)
    broken = [one for one in bad if one[0] not in missing]
    rows = [
        ("samples", numbers.count(report.n)),
        ("triggers", numbers.count(report.triggers)),
        *((f"  {visible(group)}", numbers.count(n)) for group, n in report.groups.items()),
        ("records that cannot be read", numbers.count(len(report.malformed))),
        *([("left out", numbers.count(len(report.left_out)))] if report.left_out else []),
        ("pictures checked", numbers.count(report.pictures_checked)),
        ("  seen before, so not decoded again", numbers.count(report.remembered)),
        ("pictures that cannot be sent", numbers.count(len(bad))),
        ("  of these, not there", numbers.count(len(missing))),
    ]
    rows += [("pictures at URLs, not looked at", numbers.count(report.urls))] if report.urls else []
    parts: list[RenderableType] = ["", Text(f"{report.task} · records", style="bold"), "", pairs(rows)]
    parts += _list("Records that cannot be read (a run is refused)", ("place", "what is wrong"), _places(report))
    parts += _list("Odd records (asked and scored all the same)", ("record", "what is odd"), report.flags)
    parts += _list("Left out: an answer could be compared with nothing", ("record", "why"), report.left_out)
    absent = [(path, _hint(path, why)) for path, why in bad if path in missing]
    parts += _list("Pictures that are not there", ("picture", "hint"), absent)
    parts += _list("Pictures that cannot be sent", ("picture", "why"), broken)
    parts += _list("Pictures with equal bytes", ("picture", "the same as"), _groups(report.duplicates))
    clashes = _groups(report.case_clashes)
    parts += _list("Names that differ only in case (one file on other systems)", ("picture", "and"), clashes)
    return parts


def _list(title: str, heads: tuple[str, str], rows: Sequence[tuple[str, str]]) -> list[RenderableType]:
    """A table under its title, cut short where it is long; nothing where there are no rows."""
    if not rows:
        return []
    shown = [(visible(one), visible(other)) for one, other in rows[:SHOWN]]
    parts: list[RenderableType] = ["", Text(title, style="bold"), "", listing(heads, shown)]
    more = len(rows) - SHOWN
    return [*parts, Text(f"and {numbers.count(more)} more (all with --json)", style="dim")] if more > 0 else parts


def _hint(path: str, why: str) -> str:
    """What is told of a missing picture beside its path."""
    return why.removeprefix(f"no such file: {path!r}").removeprefix("; ")


def _places(report: DataReport) -> list[tuple[str, str]]:
    return [(_place(one), one.reason) for one in report.malformed]


def _place(one: Malformed) -> str:
    """The file's name and the line; the folder is the one that was given."""
    name = one.file.rpartition("/")[2]
    return name if one.line is None else f"{name}, line {numbers.count(one.line)}"


def _groups(groups: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
    """The first name of each group beside all others."""
    return [(first, ", ".join(others)) for first, *others in groups]
