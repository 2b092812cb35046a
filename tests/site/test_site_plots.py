"""Charts: what is drawn where, and files that are the same on every day and in every reader's colours."""

from __future__ import annotations

import re
import warnings
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from breakdown_runs import HOSTILE
from matplotlib.figure import Figure

from whyfeel.site import plots
from whyfeel.site.plots import Chart, Line, Point, svg

GROUPED = Chart(
    *("kF1", ""),
    (
        Line("one", (Point(0.25, -0.1, (0.125, 0.375)), Point(0.5, 0.9))),
        Line("two", (Point(0.75, 0.1, (0.5, 1.0), None, True),)),
    ),
    ("sad", "happy"),
)
SCALED = Chart(
    *("recall", "precision", (Line("one", (Point(0.5, 0.25, (0.25, 0.75), (0.125, 0.5)),)),)),
    marks=(("oracle", 1.0, 1.0), ("stuff", 0.5, 0.0)),
    isolines=True,
)


def words(chart: Chart) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg(chart)).iter("{http://www.w3.org/2000/svg}text")]


def drawn(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> Figure:
    """The figure behind the file."""
    kept: list[Figure] = []

    def keep(figure: Figure, *args: Any, **named: Any) -> None:
        kept.append(figure)
        original(figure, *args, **named)

    original = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", keep)
    svg(chart)
    return kept[0]


def test_points_lie_where_the_numbers_say(monkeypatch: pytest.MonkeyPatch) -> None:
    (axes,) = drawn(GROUPED, monkeypatch).axes
    lines = [(one.get_xydata().tolist(), one.get_marker()) for one in axes.lines]
    assert ([[0.125, -0.1], [0.375, -0.1]], "None") in lines
    assert ([[0.5, 0.1], [1.0, 0.1]], "None") in lines
    assert ([[0.25, -0.1], [0.5, 0.9]], "o") in lines
    hollow = next(one for one in axes.lines if one.get_xydata().tolist() == [[0.75, 0.1]])
    assert (hollow.get_marker(), hollow.get_markerfacecolor(), hollow.get_markeredgecolor()) == (
        *("s", plots.CARD),
        plots.COLOURS[1],
    )
    assert [one.get_text() for one in axes.get_yticklabels()] == ["sad", "happy"]
    assert axes.get_ylim() == (1.5, -0.5), "the first group on top"


def test_a_point_has_both_its_intervals_and_controls_stand_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (axes,) = drawn(SCALED, monkeypatch).axes
    lines = [one.get_xydata().tolist() for one in axes.lines]
    assert [[0.25, 0.25], [0.75, 0.25]] in lines
    assert [[0.5, 0.125], [0.5, 0.5]] in lines
    assert [[1, 1], [0.5, 0]] in lines
    assert {"oracle", "stuff"} <= {one.get_text() for one in axes.texts}
    curves = [one.get_xydata() for one in axes.lines if len(one.get_xydata()) > 2]
    for curve, f1 in zip(curves, plots.ISOLINES, strict=True):
        assert 2 * curve.prod(axis=1) / curve.sum(axis=1) == pytest.approx(f1)
        assert (curve.max(), curve.min()) == pytest.approx((1, f1 / (2 - f1)))


def test_points_of_a_line_are_joined_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    chart = Chart(
        "words", "kF1", (Line("one", (Point(1, 0), Point(2, 1, None, None, True), Point(3, 0))),), joined=True
    )
    (axes,) = drawn(chart, monkeypatch).axes
    joined = [one for one in axes.lines if one.get_linestyle() == "-"]
    assert [one.get_xydata().tolist() for one in joined] == [[[1, 0], [2, 1], [3, 0]]]


def test_everything_has_its_words() -> None:
    assert {"kF1", "sad", "happy", "one", "two", "hollow: fewer than 10 samples"} <= set(words(GROUPED))
    assert {"recall", "precision", "controls", "oracle", "stuff"} <= set(words(SCALED))
    assert "hollow: fewer than 10 samples" not in words(SCALED)


def test_a_file_is_as_large_as_is_said() -> None:
    for chart in (GROUPED, SCALED):
        box = ElementTree.fromstring(svg(chart)).attrib["viewBox"].split()
        assert tuple(map(float, box[2:])) == pytest.approx(chart.size, abs=0.01)


def test_the_same_chart_is_the_same_file() -> None:
    first = svg(GROUPED)
    with mpl.rc_context({"axes.linewidth": 5, "font.family": "monospace", "xtick.major.size": 9}):
        assert svg(GROUPED) == first, "whatever the user's own settings are"
        assert mpl.rcParams["axes.linewidth"] == 5, "which are left as they were"
    for tag in (b"<!DOCTYPE", b"<metadata", b"date"):
        assert tag not in first


def test_nothing_in_a_file_is_fetched_from_elsewhere() -> None:
    text = svg(SCALED).decode()
    assert set(re.findall(r"""(?:href|src)=["'](.)""", text)) <= {"#"}
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert "@import" not in text
    assert "<script" not in text


def test_every_colour_of_axes_and_letters_has_one_for_the_dark() -> None:
    text = svg(SCALED).decode()
    style = text[text.index("<style>") : text.index("</style>")]
    assert style.startswith("<style>@media screen and (prefers-color-scheme:dark){")
    used = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", text.replace(style, "")))
    ink = used - set(plots.COLOURS[1:])
    assert ink <= set(plots.DARK)
    assert {plots.INK, plots.SOFT, plots.RULE, plots.CARD} <= ink
    for colour, dark in plots.DARK.items():
        for name in ("fill", "stroke"):
            assert f'[style*="{name}: {colour}"]{{{name}:{dark}!important}}' in style


def contrast(one: str, other: str) -> float:
    """WCAG 2.2's contrast ratio of two colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_letters_and_edges_stand_out_in_both_schemes() -> None:
    for colour in (plots.INK, plots.SOFT):
        assert contrast(colour, plots.CARD) >= 4.5
        assert contrast(plots.DARK[colour], plots.DARK[plots.CARD]) >= 4.5


def test_forty_two_runs_look_each_another_way() -> None:
    looks = {(plots.COLOURS[n % len(plots.COLOURS)], plots.SHAPES[n % len(plots.SHAPES)]) for n in range(42)}
    assert len(looks) == 42


@pytest.mark.parametrize("name", [HOSTILE, "\ud800", "a\0b\x1b", "笑\U0001f600 عربي", "x" * 100_000, "a_b^c\\$", ""])
def test_words_of_the_data_are_letters(name: str) -> None:
    chart = Chart(name, name, (Line(name, (Point(0, 0),)),), marks=((name, 0, 0),))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        told = words(chart)
    expected = plots.visible(name[: plots.LONGEST_NAME + 1])
    shown = [one for one in told if one[:5] == expected[:5]]
    assert len(shown) >= (2 if name else 0)
    assert max(map(len, told)) <= plots.LONGEST_NAME


def test_a_chart_of_nothing_is_a_chart() -> None:
    assert "kF1" in words(Chart("kF1", "", (Line("one", ()),), ("sad",)))
