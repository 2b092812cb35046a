"""run.json of an annotation: what was asked about what, of whom, with which words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from whyfeel import __version__
from whyfeel.annotate.plan import Plan
from whyfeel.annotate.subjects import FOLDER
from whyfeel.errors import DataError, SpecMismatch, UserError
from whyfeel.records import content_id
from whyfeel.runs.folder import RunFolder, misfit, read_json, write_json
from whyfeel.runs.lines import read_lines
from whyfeel.runs.manifest import note_addresses
from whyfeel.runs.plan import absolute
from whyfeel.runs.spec import differences

SCHEMA = 1
ANNOTATIONS = "annotations.jsonl"
ANNOTATE, ANNOTATE_PLAN = "annotate", "annotate plan"
# What every reader of run.json relies on: name to kind, or to the names below it.
MANIFEST: Mapping[str, Any] = {
    "kind": str,
    "created": str,
    "spec": {"source": str, "vlm": str, "llm": str, "settings": dict, "prompts": dict, "data": dict},
    "addresses": [dict.fromkeys(("role", "model", "address"), str)],
    "images": str | None,
}


def open_annotation(folder: RunFolder, kind: str, plan: Plan) -> list[str]:
    """Write the manifest of a new run, or check that the folder's run is this one.

    Returns:
        remarks, such as an address that changed.

    Raises:
        SpecMismatch: the folder holds a run of another spec; the message names the differences.
        UserError: it holds a run of another command.
    """
    options = plan.options
    new: dict[str, Any] = {
        "schema": SCHEMA,
        "whyfeel": __version__,
        "kind": kind,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "id": content_id(plan.spec),
        "spec": dict(plan.spec),
        "prompts": {name: entry for name, entry in plan.prompts.manifest().items() if name in plan.spec["prompts"]},
        "addresses": [],
    }
    shorter: list[str] = []
    if folder.manifest.exists():
        old = read_json(folder.manifest, "a run folder has one")
        if old.get("kind") != kind:
            was = old.get("kind") or "run"
            raise UserError(f"--out: {str(folder.path)!r} holds a run of `whyfeel {was}`; choose another --out")
        old = read_manifest(folder.path, kind)
        if found := differences(old["spec"], new["spec"]):
            raise SpecMismatch(f"{str(folder.path)!r} holds another run: {'; '.join(found[:3])}. Choose another --out")
        if old["images"] != absolute(plan.subjects.images):
            _check_moved(folder, old["images"], plan)
        new |= {name: old[name] for name in ("created", "addresses")}
        shorter = _shorter(old.get("limit"), options.limit)
    new |= {
        "limit": options.limit,
        "input": options.source,
        "data": absolute(options.data),
        "images": absolute(plan.subjects.images),
        "reuse": [absolute(path) for path in options.reuse],
    }
    remarks = note_addresses(new, plan.routes) + shorter
    write_json(folder.manifest, new)
    return remarks


def _shorter(before: int | None, now: int | None) -> list[str]:
    """The remark that this sitting writes fewer annotations than the one before."""
    if now is None or (before is not None and now >= before):
        return []
    was = "without one" if before is None else f"with --limit {before:,}"
    return [
        f"--limit {now:,}: an earlier sitting was {was}; annotations.jsonl may become shorter, and the review of the "
        "others waits until they are there again (their answers are kept)"
    ]


def _check_moved(folder: RunFolder, was: str | None, plan: Plan) -> None:
    """That a folder of pictures was moved and is no other one: it still has every picture that was annotated.

    A folder's pictures are no part of the spec, for it may grow; the annotations of another would take the place of
    these.

    Raises:
        SpecMismatch: it has not.
    """
    file = folder.path / ANNOTATIONS
    if plan.subjects.name != FOLDER or not file.is_file():
        return
    there = {sample.id for sample in plan.subjects.samples()}
    gone = [line["id"] for line in read_lines(file) if line.get("id") not in there]
    if gone:
        raise SpecMismatch(
            f"{str(folder.path)!r} holds the annotations of {was!r}, and {len(gone):,} of its pictures are not in "
            f"{plan.options.source!r} ({gone[0]!r}, for one). Choose another --out"
        )


def read_manifest(path: Path, kind: str) -> dict[str, Any]:
    """run.json of an annotation.

    Raises:
        DataError: this is no run folder, or run.json is damaged.
        UserError: it is a run of another command.
    """
    file = path / "run.json"
    manifest = read_json(file, "a run folder has one")
    if manifest.get("kind") != kind:
        was = manifest.get("kind") or "run"
        raise UserError(f"{str(path)!r} holds a run of `whyfeel {was}`, and one of `whyfeel {kind}` is needed")
    if (wrong := misfit(manifest, MANIFEST)) is not None:
        raise DataError(f"{str(file)!r} is damaged: it should hold {wrong!r}; get it from a copy")
    return manifest
