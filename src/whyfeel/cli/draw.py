"""`whyfeel draw`: scenes whose triggers are known, to train small models on and to test causes with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from whyfeel.cli import options as o
from whyfeel.cli.output import print_json, print_table

if TYPE_CHECKING:
    from whyfeel.scenes.records import Pictured


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("draw")(draw)


def draw(
    out: Annotated[Path, typer.Argument(help="The folder to write; older scenes there are replaced.", metavar="OUT")],
    count: Annotated[int, typer.Option(help="Scenes to train on.", metavar="N", min=1, max=99_999)] = 2000,
    held_out: Annotated[int, typer.Option(help="Scenes to test on.", metavar="N", min=1, max=99_999)] = 400,
    pairs: Annotated[int, typer.Option(help="Scenes with one thing changed.", metavar="N", min=0, max=99_999)] = 100,
    size: Annotated[int, typer.Option(help="The side of a picture in pixels.", metavar="PX", min=32, max=1024)] = 64,
    seed: Annotated[int, typer.Option(help="Seeds everything random.", metavar="N")] = 0,
    json: o.Json = False,
) -> int:
    """Draw scenes with known triggers: train/ and held-out/ for the task jsonl, pairs/ for `whyfeel intervene`.

    The held-out scenes and the pairs show things in places and with emotions that no scene of train/ shows together.
    """
    from whyfeel.interop.placing import LISTING, placing
    from whyfeel.report.draw_table import draw_table
    from whyfeel.runs.folder import write_whole
    from whyfeel.scenes import pair_records, scene_records
    from whyfeel.scenes.card import card

    sets: dict[str, tuple[str, Iterable[Pictured]]] = {
        "train": ("scenes.jsonl", scene_records(seed, "train", count, size)),
        "held-out": ("scenes.jsonl", scene_records(seed, "held-out", held_out, size)),
    }
    if pairs:
        sets["pairs"] = ("pairs.jsonl", pair_records(seed, pairs, size))
    with placing(out, (LISTING,), command="draw") as place:
        written = {name: _write(place.staged / name, *one) for name, one in sets.items()}
        files = sorted(f"{name}/{file}" for name, one in written.items() for file in one["files"])
        write_whole(place.staged / LISTING, (f"{file}\n".encode() for file in files))
        told: dict[str, Any] = {
            "out": str(place.out),
            "seed": seed,
            "size": size,
            "sets": {name: {key: one[key] for key in one if key != "files"} for name, one in written.items()},
        }
        place.put(card(told))
    if json:
        print_json(told)
    else:
        print_table(*draw_table(told))
    return 0


def _write(folder: Path, name: str, records: Iterable[Pictured]) -> dict[str, Any]:
    """Write a set; what was written, counted, and the names of its files.

    Raises:
        StoreFailed: the disk is full.
    """
    from whyfeel.engine.tables import store_failed
    from whyfeel.records import json_line

    files, lines, counts = [name], list[str](), Counter[str]()
    try:
        (folder / "pictures").mkdir(parents=True)
        for line, pictures in records:
            for picture, content in pictures.items():
                (folder / picture).write_bytes(content)
            files += pictures
            lines.append(json_line(line) + "\n")
            counts.update(scenes=1, triggers=len(line["triggers"]), changes=len(line.get("changes", ())))
        (folder / name).write_text("".join(lines), "utf-8", newline="\n")
    except OSError as error:
        raise store_failed("the scenes", folder, error) from None
    return {"scenes": counts["scenes"], "triggers": counts["triggers"], "changes": counts["changes"], "files": files}
