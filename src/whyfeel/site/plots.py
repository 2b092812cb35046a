"""Charts as SVG by matplotlib: points with intervals, for any number of runs; drawn the same by every call.

They are read by the colour-blind (Okabe and Ito's colours, and a shape a run), on paper (black on white) and in the
dark: their colours are named again in a style for those who prefer that, which also holds where a page shows them as
pictures.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from whyfeel.report.words import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Ends = tuple[float, float]

WIDTH = 331.2  # points; 442 pixels, so that a telephone shows its letters at more than 10 pixels
LEGEND_ROW, EDGE, FOOT = 12.6, 8.0, 27.0  # points
LONGEST_NAME, LONGEST_AXIS, LONGEST_GROUP = 56, 40, 22  # characters
INK, SOFT, RULE, CARD = "#20242b", "#59616d", "#e2ded7", "#ffffff"  # no run has one of these
DARK = {INK: "#e9e7e2", SOFT: "#a6aeb8", RULE: "#3a414a", CARD: "#1c2025", "#0072b2": "#4aa3df"}
# Okabe and Ito, Color Universal Design (2008), without black, and without yellow, which white paper swallows
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
SHAPES = ("o", "s", "^", "D", "v", "P", "X")
ISOLINES = (0.2, 0.4, 0.6, 0.8)  # of F1


@dataclass(frozen=True, slots=True)
class Point:
    """A point with its intervals; `few` where little stands behind it: it is drawn hollow."""

    x: float
    y: float
    x_ends: Ends | None = None
    y_ends: Ends | None = None
    few: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """The points of one run."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn.

    Attributes:
        x, y: what the axes show; y is "" where the groups stand there.
        lines: each has a colour and a shape of its own, up to 42 of them.
        groups: on the y axis, from the top, at 0, 1, …; () where y is a scale.
        joined: whether a run's points lie on a line.
        marks: (name, x, y) of what is drawn as grey crosses.
        isolines: whether x and y are recall and precision, so that equal F1 is a curve.
    """

    x: str
    y: str
    lines: tuple[Line, ...]
    groups: tuple[str, ...] = ()
    joined: bool = False
    marks: tuple[tuple[str, float, float], ...] = ()
    isolines: bool = False

    @property
    def size(self) -> tuple[float, float]:
        """Width and height, in points."""
        return WIDTH, EDGE + self._body + FOOT + self.legend

    @property
    def legend(self) -> float:
        """Height of the legend, in points."""
        few = any(point.few for line in self.lines for point in line.points)
        return LEGEND_ROW * (len(self.lines) + bool(self.marks) + few) + EDGE

    @property
    def _body(self) -> float:
        return len(self.groups) * max(20.0, 7.5 * len(self.lines) + 9.0) if self.groups else 210.0


def svg(chart: Chart) -> bytes:
    """The chart as an SVG file: the same bytes for the same chart. Not to be called by two threads at once."""
    import matplotlib as mpl  # noqa: PLC0415 - half a second, and only here
    from matplotlib.figure import Figure  # noqa: PLC0415

    file = io.StringIO()
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()  # whatever the user's own matplotlibrc has
        mpl.rcParams["svg.fonttype"] = "none"
        mpl.rcParams["svg.hashsalt"] = "whyfeel"
        mpl.rcParams["text.parse_math"] = False
        mpl.rcParams["font.size"] = 9.0
        # its fonts measure a text, and the reader's show it
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure = Figure(figsize=(chart.size[0] / 72, chart.size[1] / 72), facecolor=CARD)
        _draw(figure, chart)
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=metadata)
    return _styled(file.getvalue()).encode("utf-8")


def _styled(text: str) -> str:
    """The drawing without a document type, and with its colours for the dark."""
    head, body = text[text.index("<svg") :].split(">", 1)
    rules = "".join(
        f'[style*="{name}: {colour}"]{{{name}:{dark}!important}}'
        for colour, dark in DARK.items()
        for name in ("fill", "stroke")
    )
    style = f"<style>@media screen and (prefers-color-scheme:dark){{{rules}}}</style>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n{head}>{style}{body}'


def _draw(figure: Figure, chart: Chart) -> None:
    width, height = chart.size
    longest = max((len(_short(group, LONGEST_GROUP)) for group in chart.groups), default=0)
    left = 14 + 5.4 * longest if chart.groups else 44
    foot = FOOT + chart.legend
    place = (left / width, foot / height, (width - left - EDGE) / width, (height - foot - EDGE) / height)
    axes = figure.add_axes(place, facecolor="none")
    _scales(axes, chart)
    if chart.isolines:
        _curves(axes)
    handles: list[Line2D] = [_line(axes, n, line, joined=chart.joined) for n, line in enumerate(chart.lines)]
    if chart.marks:
        handles.append(_marks(axes, chart.marks))
    if any(point.few for line in chart.lines for point in line.points):
        handles += axes.plot([], [], "o", mfc="none", mec=INK, ms=5, ls="none", label="hollow: fewer than 10 samples")
    figure.legend(
        handles=handles,
        loc="lower left",
        frameon=False,
        labelcolor=INK,
        fontsize=8.5,
        handlelength=1.2,
        labelspacing=0.3,
    )


def _scales(axes: Axes, chart: Chart) -> None:
    for side in ("top", "right", *(["left"] if chart.groups else [])):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(SOFT)
    axes.set_axisbelow(True)
    axes.grid(visible=True, axis="x" if chart.groups else "both", color=RULE, linewidth=0.7)
    axes.tick_params(colors=SOFT, labelcolor=INK, length=0 if chart.groups else 3)
    axes.set_xlabel(_short(chart.x, LONGEST_AXIS), color=INK)
    if chart.groups:
        axes.set_yticks(range(len(chart.groups)), [_short(group, LONGEST_GROUP) for group in chart.groups])
        axes.set_ylim(len(chart.groups) - 0.5, -0.5)
    else:
        axes.set_ylabel(_short(chart.y, LONGEST_AXIS), color=INK)
    if chart.isolines:
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)


def _line(axes: Axes, n: int, line: Line, *, joined: bool) -> Line2D:
    colour, shape = COLOURS[n % len(COLOURS)], SHAPES[n % len(SHAPES)]
    for point in line.points:
        if point.x_ends is not None:
            axes.plot(point.x_ends, (point.y, point.y), color=colour, linewidth=1.3, solid_capstyle="butt")
        if point.y_ends is not None:
            axes.plot((point.x, point.x), point.y_ends, color=colour, linewidth=1.3, solid_capstyle="butt")
    look: dict[str, Any] = {"marker": shape, "markersize": 5, "mec": INK, "mew": 0.6, "linestyle": "none"}
    if joined:
        axes.plot(*_columns(line.points), color=colour, linewidth=1)
    axes.plot(*_columns([one for one in line.points if one.few]), **{**look, "mfc": CARD, "mec": colour, "mew": 1.2})
    axes.plot(*_columns([one for one in line.points if not one.few]), mfc=colour, **look)
    (handle,) = axes.plot([], [], mfc=colour, **look, label=_short(line.name, LONGEST_NAME))
    return handle


def _columns(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [one.x for one in points], [one.y for one in points]


def _marks(axes: Axes, marks: Sequence[tuple[str, float, float]]) -> Line2D:
    """Grey crosses with their names beside them, on the side where there is room."""
    for name, x, y in marks:
        aside = -5 if x > 0.75 else 5, -9 if y > 0.95 else 3
        axes.annotate(
            *(_short(name, LONGEST_GROUP), (x, y), aside),
            textcoords="offset points",
            fontsize=8,
            color=SOFT,
            ha="right" if x > 0.75 else "left",
        )
    columns = [one[1] for one in marks], [one[2] for one in marks]
    (handle,) = axes.plot(*columns, marker="x", color=SOFT, markersize=5, linestyle="none", label="controls")
    return handle


def _curves(axes: Axes) -> None:
    """Where F1 is the same, f: precision is f r / (2 r - f), where r is recall."""
    for f1 in ISOLINES:
        least = f1 / (2 - f1)  # where precision is 1
        recalls = [least + (1 - least) * (n / 60) ** 2 for n in range(61)]
        curve = [(recall, f1 * recall / (2 * recall - f1)) for recall in recalls]
        axes.plot(*zip(*curve, strict=True), color=RULE, linewidth=1)


def _short(text: str, most: int) -> str:
    """A text of the data, cut and with what cannot be seen told as escapes, as XML needs it."""
    text = visible(text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"
