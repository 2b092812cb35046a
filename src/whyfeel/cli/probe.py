"""`whyfeel probe`: is the emotion in a model's hidden states, in which layer, and for how long?"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table
from whyfeel.errors import UserError

if TYPE_CHECKING:
    from whyfeel.site.plots import Chart, Line

RENEWED = 0.1  # seconds between two states of the progress line
NAMES = {"linear": "linear probe", "network": "two-layer probe", "control": "random labels"}
KNOWN = {"words": "words alone", "majority": "commonest label"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("probe")(probe)


def probe(
    source: Annotated[str, typer.Argument(help="goemotions, or a task (see `whyfeel tasks`).", metavar="SOURCE")],
    model: Annotated[str, typer.Option(help="local: and a folder or Hub id.", metavar="M")],
    out: Annotated[Path, typer.Option(help="Keeps the hidden states, takes the figures.", metavar="DIR")],
    data: o.Data = None,
    images: o.Images = None,
    labels: Annotated[
        str | None, typer.Option(help="Of GoEmotions: 28 (the default), ekman or sentiment.", metavar="L")
    ] = None,
    pictures: Annotated[bool, typer.Option("--pictures", help="Show a task's pictures, not its questions.")] = False,
    position: Annotated[str, typer.Option(help="Probe a text's last token, or the mean of all.", metavar="P")] = "last",
    offsets: Annotated[
        str, typer.Option(help="Tokens behind the text at which it is probed, too.", metavar="N,N,…")
    ] = "0,1,2,4,8,16",
    system: Annotated[
        list[str] | None, typer.Option(help="Contrast a system prompt, or a file's; repeatable.", metavar="TEXT")
    ] = None,
    folds: Annotated[int, typer.Option(help="Of the cross-validation, 2 to 20.", metavar="K")] = 5,
    limit: Annotated[int | None, typer.Option(help="The first N texts.", metavar="N")] = None,
    sample: Annotated[int | None, typer.Option(help="N texts, drawn by label.", metavar="N")] = None,
    seed: o.Seed = None,
    json: o.Json = False,
) -> int:
    """Probe a local model's hidden states for emotion, by layer and by token, beside what words alone tell.

    Writes probe.json, CSV files and their curves as SVG. Run again, it reads no state twice.
    """
    from whyfeel.models.local.checkpoint import need_local
    from whyfeel.probe import ProbeOptions
    from whyfeel.probe import probe as probed
    from whyfeel.report.probe_table import probe_table

    options = ProbeOptions(
        *(source, model, out, data, images, labels, pictures, position, _numbers(offsets)),
        *(tuple(map(_text, system or ())), folds, limit, sample, seed or 0),
    )
    need_local("whyfeel probe")
    line = _Line()
    try:
        document = probed(options, line.tick)
    finally:
        line.clear()
    _draw(out, document)
    if json:
        print_json(document)
    else:
        print_table(*probe_table(document, out))
    return 0


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(one) for one in text.split(",") if one.strip())
    except ValueError:
        raise UserError(f"--offsets: expected whole numbers with commas between them, got {text!r}") from None


def _text(given: str) -> str:
    """A system prompt, or that in a file of this name."""
    import os

    if not os.path.isfile(given):  # noqa: PTH113 - Path.is_file raises for a name that is too long for any file
        return given
    try:
        return Path(given).read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        raise UserError(f"--system: {given!r} cannot be read as UTF-8: {error}") from None


def _draw(out: Path, document: Mapping[str, Any]) -> None:
    """The curves, where matplotlib is there."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        print("whyfeel: no curves are drawn without matplotlib: pip install 'whyfeel[report]'", file=sys.stderr)
        return
    from whyfeel.runs.folder import write_whole
    from whyfeel.site.plots import svg

    for name, chart in _charts(document).items():
        write_whole(out / f"{name}.svg", [svg(chart)])


def _charts(document: Mapping[str, Any]) -> dict[str, Chart]:
    from whyfeel.site.plots import Chart

    layers, offsets = document["layers"], document["offsets"]
    lines = [_line(NAMES[probe], [(one["layer"], one[probe]["accuracy"]) for one in layers]) for probe in NAMES]
    for name, shown in KNOWN.items():
        lines.append(_line(shown, [(one["layer"], document["baselines"][name]["accuracy"]) for one in layers]))
    charts = {"layers": Chart("layer", "accuracy", tuple(lines), joined=True)}
    if offsets:
        behind = _line(NAMES["linear"], [(one["offset"], one["accuracy"]) for one in offsets])
        charts["offsets"] = Chart("tokens behind the text", "accuracy", (behind,), joined=True)
    if document["contrast"]:
        under = [
            _line(one["system"], [(at["layer"], at["difference"]) for at in one["layers"]])
            for one in document["contrast"]
        ]
        charts["contrast"] = Chart("layer", "accuracy less that without it", tuple(under), joined=True)
    return charts


def _line(name: str, entries: list[tuple[int, Mapping[str, Any]]]) -> Line:
    from whyfeel.site.plots import Line, Point

    ends = [None if one["low"] is None else (one["low"], one["high"]) for _, one in entries]
    return Line(name, tuple(Point(x, one["value"], None, end) for (x, one), end in zip(entries, ends, strict=True)))


class _Line:
    """What is done and how far: one line on a terminal, else nothing."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._said_at = 0.0

    def tick(self, what: str, done: int, total: int) -> None:
        """So many are done."""
        if self._terminal and (now := monotonic()) - self._said_at >= RENEWED:
            self._said_at = now
            sys.stderr.write(f"\r\x1b[2K{done:,}/{total:,} {what}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Make room for the table."""
        if self._terminal:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
